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
		verify->reason = MMSB_REASON_NO_MEMORY;
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

/* In parallel: the kernel has no instruction for it that every CPU knows. */
static u32 bits_of(u64 word)
{
	word -= word >> 1 & 0x5555555555555555ull;
	word = (word & 0x3333333333333333ull) + (word >> 2 & 0x3333333333333333ull);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (u32)(word * 0x0101010101010101ull >> 56);
}

static u32 count_bits(const u64 *word)
{
	u32 count = 0, i;

	for (i = 0; i < MS_SLOT_WORDS; i++)
		count += bits_of(word[i]);
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

/* A large page's chunks have no slab, and where nobody wrote to them yet, no slot of the region. */
static void slab_with_pages(struct ms_verify *verify, u64 chunk, u32 here)
{
	const struct ms_slot *slot = here ? ms_region_slot(&verify->space->arena.region, chunk) : NULL;

	if (!slot || !slot->slab)
		return;
	slab_of_shard(verify, slot->slab, chunk, here);
	verify->roomy += slot->slab->used < slot->slab->slots;
}

/* Those with pages, found by these. */
bool ms_verify_slabs(struct ms_verify *verify, u64 budget)
{
	for (; verify->chunk < verify->space->arena.region.chunks; verify->chunk++) {
		const u64 *word = slots_of(verify, verify->chunk);

		if (!budget)
			return false;
		if (word)
			slab_with_pages(verify, verify->chunk, count_bits(word));
		else
			verify->chunk |= MS_LEAF - 1;
		ms_verify_spend(&budget, word ? MS_COST_SLAB : 1);
	}
	return true;
}

/* It is where it says, so it is one; and on the list of its class, behind the one before. */
static bool slab_is_listed(const struct ms_verify *verify, const struct ms_slab *slab)
{
	const struct ms_region *region = &verify->space->arena.region;
	const struct ms_slot *slot = slab->chunk < region->chunks ? ms_region_slot(region, slab->chunk) : NULL;

	return slot && slot->slab == slab && slab->class == verify->class && slab->used < slab->slots && slab->prev == verify->before;
}

/* Those without pages are known by this list alone. */
static void slab_on_list(struct ms_verify *verify, const struct ms_slab *slab)
{
	const u64 *word = slots_of(verify, slab->chunk);

	if (word && count_bits(word))
		verify->roomy--;
	else
		slab_of_shard(verify, slab, slab->chunk, 0);
}

/* Of one class. What is changed meanwhile makes all of the shard begin again, so the place in it holds. A circle has one whose `prev` is not so. */
static bool some_of_class(struct ms_verify *verify, u64 *budget)
{
	const struct ms_slab *slab = verify->slab ? verify->slab : verify->shard->slabs.room[verify->class];

	verify->before = verify->slab ? verify->before : NULL;
	for (; slab && *budget; verify->before = slab, slab = slab->next) {
		if (!slab_is_listed(verify, slab)) {
			ms_verify_differ(verify, MMSB_FINDING_SLAB, 0, slab->chunk, verify->class, ~(u64)slab->class);
			slab = NULL;
			break;
		}
		slab_on_list(verify, slab);
		ms_verify_spend(budget, MS_COST_SLAB);
	}
	verify->slab = slab;
	return !slab;
}

bool ms_verify_rooms(struct ms_verify *verify, u64 budget)
{
	for (; verify->class < MS_SLAB_CLASSES; verify->class++)
		if (!some_of_class(verify, &budget))
			return false;
	ms_verify_differ(verify, MMSB_FINDING_SLAB, 0, ~0ull, 0, verify->roomy);
	return true;
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

/* Of a leaf that there is not: large pages have chunks there, of which none was written yet. */
static u32 taken_of_leaf(const struct ms_arena *arena, u64 chunk)
{
	u64 words = (arena->region.chunks + 63) / 64, word;
	u32 taken = 0;

	for (word = chunk / 64; word < words && word < (chunk + MS_LEAF) / 64; word++)
		taken += bits_of(arena->taken[word]);
	return taken;
}

static u64 verify_chunks(struct ms_verify *verify)
{
	const struct ms_arena *arena = &verify->space->arena;
	u64 chunk, taken = 0, filled = 0;

	for (chunk = 0; chunk < arena->region.chunks; chunk++) {
		const struct ms_slot *slot = ms_region_slot(&arena->region, chunk);
		bool is = is_taken(arena, chunk);

		if (!slot) {
			taken += taken_of_leaf(arena, chunk);
			chunk |= MS_LEAF - 1;
			continue;
		}
		taken += is;
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
