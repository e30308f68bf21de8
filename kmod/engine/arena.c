// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "arena.h"

static u64 arena_words(const struct ms_arena *arena)
{
	return (arena->region.chunks + 63) / 64;
}

enum mmsb_reason ms_arena_open(struct ms_arena *arena, u64 bytes)
{
	enum mmsb_reason reason;

	memset(arena, 0, sizeof(*arena));
	reason = ms_region_open(&arena->region, bytes);
	if (reason)
		return reason;
	arena->taken = pf_alloc(arena_words(arena) * sizeof(u64), -1);
	if (!arena->taken) {
		ms_region_close(&arena->region);
		return MMSB_REASON_NO_MEMORY;
	}
	arena->limit = arena->region.chunks;
	return MMSB_REASON_NONE;
}

void ms_arena_close(struct ms_arena *arena)
{
	ms_region_close(&arena->region);
	pf_free(arena->taken);
}

void ms_arena_empty(struct ms_arena *arena)
{
	ms_region_empty(&arena->region);
	memset(arena->taken, 0, arena_words(arena) * sizeof(u64));
	arena->used = 0;
	arena->lowest = 0;
}

static bool arena_is_taken(const struct ms_arena *arena, u64 chunk)
{
	return arena->taken[chunk / 64] >> (chunk % 64) & 1;
}

/* The first chunk from `chunk` on whose bit is clear, skipping full words. */
static u64 arena_next_free(const struct ms_arena *arena, u64 chunk)
{
	while (chunk < arena->region.chunks && arena_is_taken(arena, chunk))
		chunk = arena->taken[chunk / 64] == ~0ull ? (chunk | 63) + 1 : chunk + 1;
	return chunk;
}

enum mmsb_reason ms_arena_take(struct ms_arena *arena, u64 chunks, u64 *first)
{
	u64 begin = arena_next_free(arena, arena->lowest), end, i;

	if (arena->used + chunks > arena->limit)
		return MMSB_REASON_BYTES_LIMIT;
	arena->lowest = begin;
	for (end = begin; end - begin < chunks; end++) {
		if (end >= arena->region.chunks)
			return MMSB_REASON_BYTES_LIMIT;
		if (arena_is_taken(arena, end)) {
			begin = arena_next_free(arena, end);
			end = begin - 1;
		}
	}
	for (i = begin; i < end; i++)
		arena->taken[i / 64] |= 1ull << (i % 64);
	pf_write(arena->used, arena->used + chunks);
	*first = begin;
	return MMSB_REASON_NONE;
}

void ms_arena_give(struct ms_arena *arena, u64 first, u64 chunks)
{
	u64 i;

	for (i = first; i < first + chunks; i++) {
		PF_BUG_ON(!arena_is_taken(arena, i));
		if (ms_region_chunk(&arena->region, i))
			ms_region_drop(&arena->region, i);
		arena->taken[i / 64] &= ~(1ull << (i % 64));
	}
	pf_write(arena->used, arena->used - chunks);
	if (first < arena->lowest)
		arena->lowest = first;
}
