// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Verifying: slots of slabs, and chunks of the arena. */
#include "verify.h"

static u64 leaves(const struct ms_verify *verify)
{
	return (verify->space->arena.region.chunks + MS_LEAF - 1) >> MS_LEAF_SHIFT;
}

/* ------------------------------------------------------------------------------------------------------ slots and pages */

static u64 *slots_of(const struct ms_verify *verify, u64 chunk)
{
	struct ms_slots *slots = verify->slots[chunk >> MS_LEAF_SHIFT];

	return slots ? slots->bit[chunk & (MS_LEAF - 1)] : NULL;
}

bool ms_verify_take_slot(struct ms_verify *verify, u64 chunk, u32 slot)
{
	u64 *word = slots_of(verify, chunk), bit = 1ull << (slot % 64);
	struct ms_slots **slots = &verify->slots[chunk >> MS_LEAF_SHIFT];

	if (!word) {
		*slots = pf_alloc(sizeof(**slots), -1);
		word = slots_of(verify, chunk);
	}
	if (!word) {
		verify->counting = false;
		return true;
	}
	word += slot / 64;
	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}

void ms_verify_forget_slots(struct ms_verify *verify)
{
	u64 i;

	for (i = 0; i < leaves(verify); i++) {
		pf_free(verify->slots[i]);
		verify->slots[i] = NULL;
	}
}

static u32 count_bits(const u64 *word)
{
	u32 count = 0, i;

	for (i = 0; i < MS_SLOT_WORDS; i++) {
		u64 left;

		for (left = word[i]; left; left &= left - 1)
			count++;
	}
	return count;
}

/* --------------------------------------------------------------------------------------------------------------- slabs */

/* `here`: pages that were seen in it. */
static void slab_of_shard(struct ms_verify *verify, const struct ms_slab *slab, u64 chunk, u32 here)
{
	ms_verify_differ(verify, MMSB_FINDING_SLOTS, 0, chunk, here, slab->used);
	verify->tally.slab_memory += sizeof(*slab) + slab->slots * sizeof(slab->given[0]);
	verify->tally.chunks++;
}

/* Those with pages, found by these; returns how many have room. */
static u64 slabs_with_pages(struct ms_verify *verify)
{
	u64 chunk, roomy = 0;

	for (chunk = 0; chunk < verify->space->arena.region.chunks; chunk++) {
		const u64 *word = slots_of(verify, chunk);
		const struct ms_slab *slab;
		const struct ms_slot *slot;
		u32 here;

		if (!word) {
			chunk |= MS_LEAF - 1;
			continue;
		}
		here = count_bits(word);
		slot = here ? ms_region_slot(&verify->space->arena.region, chunk) : NULL;
		slab = slot ? slot->slab : NULL;	/* of a large page that nobody wrote to, not even a slot is there */
		if (!slab)
			continue;
		slab_of_shard(verify, slab, chunk, here);
		roomy += slab->used < slab->slots;
		pf_resched();
	}
	return roomy;
}

/* Those with room of one class; those without pages are known by this list alone. Returns how many of them have pages. */
static u64 slabs_of_class(struct ms_verify *verify, u16 class)
{
	const struct ms_slab *slab = verify->shard->slabs.room[class], *before = NULL;
	u64 most = verify->space->arena.region.chunks, roomy = 0;

	for (; slab && most--; before = slab, slab = slab->next) {
		const u64 *word = slots_of(verify, slab->chunk);

		if (slab->class != class || slab->used >= slab->slots || slab->prev != before) {
			ms_verify_differ(verify, MMSB_FINDING_SLAB, 0, slab->chunk, class, ~(u64)slab->class);
			break;
		}
		if (word && count_bits(word))
			roomy++;
		else
			slab_of_shard(verify, slab, slab->chunk, 0);
	}
	return roomy;
}

void ms_verify_slabs(struct ms_verify *verify)
{
	u64 roomy = slabs_with_pages(verify), listed = 0;
	u16 class;

	for (class = 0; class < MS_SLAB_CLASSES; class++)
		listed += slabs_of_class(verify, class);
	ms_verify_differ(verify, MMSB_FINDING_SLAB, 0, ~0ull, roomy, listed);
}

/* --------------------------------------------------------------------------------------------------------------- arena */

static bool is_taken(const struct ms_arena *arena, u64 chunk)
{
	return arena->taken[chunk / 64] >> (chunk % 64) & 1;
}

/* Whatever was ever given out is in use, or is listed to be given out again: once. */
static void verify_slab(struct ms_verify *verify, const struct ms_slab *slab, u64 chunk)
{
	u64 listed[MS_SLOT_WORDS] = { 0 };
	u32 i;

	ms_verify_differ(verify, MMSB_FINDING_SLAB, 0, chunk, chunk, slab->chunk);
	ms_verify_differ(verify, MMSB_FINDING_SLAB, 0, chunk, slab->fresh, slab->used + slab->depth);
	if (slab->fresh > slab->slots || slab->slots > PF_CHUNK / 64 || slab->depth > slab->fresh) {
		ms_verify_differ(verify, MMSB_FINDING_SLAB, 0, chunk, slab->slots, ~(u64)slab->fresh);
		return;
	}
	for (i = 0; i < slab->depth; i++) {
		u32 slot = slab->given[i];

		if (slot >= slab->fresh || listed[slot / 64] >> (slot % 64) & 1)
			ms_verify_differ(verify, MMSB_FINDING_SLAB, 0, chunk, i, ~(u64)slot);
		else
			listed[slot / 64] |= 1ull << (slot % 64);
	}
}

static u64 verify_chunks(struct ms_verify *verify)
{
	const struct ms_arena *arena = &verify->space->arena;
	u64 chunk, taken = 0, filled = 0;

	for (chunk = 0; chunk < arena->region.chunks; chunk++) {
		const struct ms_slot *slot = ms_region_slot(&arena->region, chunk);
		bool is = is_taken(arena, chunk);

		taken += is;
		if (!slot)
			continue;
		filled += !!slot->memory;
		if (!is && (slot->memory || slot->slab))
			ms_verify_differ(verify, MMSB_FINDING_CHUNK, 0, chunk, true, false);
		if (slot->slab && is)
			verify_slab(verify, slot->slab, chunk);
		if (chunk % MS_LEAF == 0)
			pf_resched();
	}
	ms_verify_differ(verify, MMSB_FINDING_CHUNKS, 0, 0, taken, arena->used);
	ms_verify_differ(verify, MMSB_FINDING_CHUNKS, 0, 1, filled, arena->region.filled);
	return taken;
}

static bool all_were_counted(const struct ms_verify *verify)
{
	const struct ms_space *space = verify->space;
	u32 i;

	for (i = 0; i < space->nshards; i++)
		if (verify->counted[i] != ms_shard_changes(space->shards[i]))
			return false;
	return true;
}

static u64 granted(const struct ms_space *space)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < space->nshards; i++)
		sum += space->shards[i]->lines.live + space->shards[i]->lines.quota;
	return sum;
}

void ms_verify_arena(struct ms_verify *verify)
{
	struct ms_space *space = verify->space;
	u64 taken;

	pf_mutex_lock(&space->mutex);
	ms_verify_differ(verify, MMSB_FINDING_GRANTED, 0, 0, granted(space), space->granted);
	taken = verify_chunks(verify);
	pf_mutex_unlock(&space->mutex);
	if (all_were_counted(verify))
		ms_verify_differ(verify, MMSB_FINDING_CHUNKS, 0, 2, verify->chunks, taken);
	else
		verify->moved |= MMSB_MOVED_CHUNKS;
}
