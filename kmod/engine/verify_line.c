// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Verifying: lines of the directory, and where the bytes of their pages lie. */
#include "quota.h"
#include "verify.h"

/* ------------------------------------------------------------------------------------------------------------- places */

static bool slot_is_free(const struct ms_slab *slab, u32 slot)
{
	u32 i;

	for (i = 0; i < slab->depth && i < slab->slots; i++)
		if (slab->given[i] == slot)
			return true;
	return slot >= slab->fresh;
}

static const struct ms_slab *slab_at(const struct ms_space *space, u64 chunk)
{
	const struct ms_slot *slot = chunk < space->arena.region.chunks ? ms_region_slot(&space->arena.region, chunk) : NULL;

	return slot && slot->memory ? slot->slab : NULL;
}

static void small_place(struct ms_verify *verify, u64 page, const struct mmsb_line *line)
{
	u64 chunk = line->place >> PF_CHUNK_SHIFT, at = line->place & (PF_CHUNK - 1);
	const struct ms_slab *slab = slab_at(verify->space, chunk);
	u32 fits = slab && ms_slab_slot_bytes(line->size) == slab->slot_bytes && !(at % slab->slot_bytes);
	u32 slot = fits ? (u32)at / slab->slot_bytes : 0;

	verify->spent += fits ? slab->depth / 2 : 0;
	if (!fits || slot_is_free(slab, slot)) {
		verify->astray = true;
		ms_verify_differ(verify, MMSB_FINDING_PLACE, page, chunk, slab ? slab->slot_bytes : 0, line->place);
		return;
	}
	if (verify->counting && !ms_verify_take_slot(verify, chunk, slot))
		ms_verify_differ(verify, MMSB_FINDING_SHARED_PLACE, page, chunk, ~line->place, line->place);
}

/* Chunks of large pages are no shard's; which are taken is known under the space's mutex. */
static void large_place(struct ms_verify *verify, u64 page, const struct mmsb_line *line)
{
	const struct ms_arena *arena = &verify->space->arena;
	u64 chunk = line->place >> PF_CHUNK_SHIFT, chunks = ms_slab_slot_bytes(line->size) >> PF_CHUNK_SHIFT, i;
	bool fits = !(line->place & (PF_CHUNK - 1)) && chunk < arena->region.chunks && chunks <= arena->region.chunks - chunk;

	pf_mutex_lock(&verify->space->mutex);
	for (i = chunk; fits && i < chunk + chunks; i++)
		fits = (arena->taken[i / 64] >> (i % 64) & 1) && !slab_at(verify->space, i);
	pf_mutex_unlock(&verify->space->mutex);
	verify->astray = !fits;
	if (!fits)
		ms_verify_differ(verify, MMSB_FINDING_PLACE, page, chunk, PF_CHUNK, line->place);
	for (i = chunk; fits && verify->counting && i < chunk + chunks; i++)
		if (!ms_verify_take_slot(verify, i, 0))
			ms_verify_differ(verify, MMSB_FINDING_SHARED_PLACE, page, i, ~line->place, line->place);
	verify->spent += chunks * MS_COST_CHUNK;
	verify->tally.chunks += chunks;
}

/* Of small pages alone, whose words are there whenever their slab is. */
static void tail(struct ms_verify *verify, u64 page, const struct mmsb_line *line)
{
	u64 last = line->place + (line->size & ~7ull), word;

	if (line->size % 8 == 0 || verify->astray)
		return;
	word = *(const u64 *)ms_region_at(&verify->space->arena.region, last & ~7ull);
	ms_verify_differ(verify, MMSB_FINDING_TAIL, page, line->size, 0, word >> (line->size % 8 * 8));
}

/* -------------------------------------------------------------------------------------------------------------- lines */

static void line_of_page(struct ms_verify *verify, u32 index, const struct mmsb_line *line)
{
	u64 page = ms_line_id(line, index);
	bool small = line->size <= PF_CHUNK;

	verify->tally.live++;
	verify->here.pages++;
	verify->here.bytes += line->size;
	ms_verify_differ(verify, MMSB_FINDING_LINE, page, 0, true, line->generation && line->kind <= MMSB_KIND_DERIVED);
	ms_verify_differ(verify, MMSB_FINDING_LINE, page, 1, small, !!(line->flags & MS_LINE_SMALL));
	if (line->size < MMSB_PAGE_MIN || line->size > MMSB_PAGE_MAX) {
		verify->astray = true;
		ms_verify_differ(verify, MMSB_FINDING_LINE, page, 2, MMSB_PAGE_MIN, line->size);
		return;
	}
	if (small) {
		small_place(verify, page, line);
		tail(verify, page, line);
	} else {
		large_place(verify, page, line);
	}
}

static void line_without_page(struct ms_verify *verify, u32 index, const struct mmsb_line *line)
{
	u64 page = ms_line_id(line, index);
	u8 of_pages = line->flags & (MS_LINE_SMALL | MS_LINE_PARENT | MMSB_LINE_STALE | MMSB_LINE_BEHIND);

	ms_verify_differ(verify, MMSB_FINDING_FREE_LINE, page, 0, 0, line->size | line->place | line->epoch);
	ms_verify_differ(verify, MMSB_FINDING_FREE_LINE, page, 1, 0, of_pages);
	if (!(line->flags & (MS_LINE_LISTED | MMSB_LINE_RETIRED)) && verify->at < verify->shard->lines.fresh)
		ms_verify_differ(verify, MMSB_FINDING_LOST, page, 0, verify->shard->lines.fresh, verify->at);
}

void ms_verify_line(struct ms_verify *verify, u32 index, const struct mmsb_line *line)
{
	ms_verify_differ(verify, MMSB_FINDING_SEQUENCE, ms_line_id(line, index), line->seq, 0, line->seq & 1);
	verify->astray = false;
	verify->tally.listed += !!(line->flags & MS_LINE_LISTED);
	if (line->kind == MMSB_KIND_NONE)
		line_without_page(verify, index, line);
	else
		line_of_page(verify, index, line);
}
