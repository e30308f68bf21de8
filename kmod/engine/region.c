// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "region.h"

/* One chunk more than there are can be asked for. */
static u64 region_leaves(u64 chunks)
{
	return (chunks + MS_LEAF) >> MS_LEAF_SHIFT;
}

enum mmsb_reason ms_region_open(struct ms_region *region, u64 bytes)
{
	memset(region, 0, sizeof(*region));
	region->chunks = (bytes + PF_CHUNK - 1) >> PF_CHUNK_SHIFT;
	region->leaf = pf_alloc(region_leaves(region->chunks) * sizeof(*region->leaf), -1);
	if (!region->leaf)
		return MMSB_REASON_NO_MEMORY;
	if (pf_region_open(&region->home, region->chunks << PF_CHUNK_SHIFT)) {
		pf_free(region->leaf);
		return MMSB_REASON_NO_MEMORY;
	}
	if (PF_FLAT)
		region->base = pf_region_base(&region->home);
	return MMSB_REASON_NONE;
}

void ms_region_empty(struct ms_region *region)
{
	u64 number;

	for (number = 0; region->filled && number < region->chunks; number++) {
		struct ms_slot *slot = ms_region_slot(region, number);

		if (!slot)
			number |= MS_LEAF - 1;
		else if (slot->memory)
			ms_region_drop(region, number);
	}
}

void ms_region_close(struct ms_region *region)
{
	u64 i;

	ms_region_empty(region);
	pf_region_close(&region->home);
	for (i = 0; i < region_leaves(region->chunks); i++)
		pf_free(region->leaf[i]);
	pf_free(region->leaf);
}

/* A leaf, once there, stays until the region closes: lock-free lookups may stand on it. */
static struct ms_slot *region_slot_make(struct ms_region *region, u64 number, int node)
{
	struct ms_leaf **leaf = &region->leaf[number >> MS_LEAF_SHIFT];
	struct ms_leaf *fresh;

	if (!*leaf) {
		fresh = pf_alloc(sizeof(*fresh), node);
		if (!fresh)
			return NULL;
		pf_release(leaf, fresh);
		region->leaves++;
	}
	return &(*leaf)->slot[number & (MS_LEAF - 1)];
}

enum mmsb_reason ms_region_fill(struct ms_region *region, u64 number, int node)
{
	struct ms_slot *slot = region_slot_make(region, number, node);
	void *memory;

	if (!slot)
		return MMSB_REASON_NO_MEMORY;
	if (slot->memory)
		return MMSB_REASON_NONE;
	memory = pf_chunk_fill(&region->home, number, node);
	if (!memory)
		return MMSB_REASON_NO_MEMORY;
	pf_release(&slot->memory, memory);
	pf_chunk_shown(&region->home, number);
	region->filled++;
	return MMSB_REASON_NONE;
}

void ms_region_drop(struct ms_region *region, u64 number)
{
	struct ms_slot *slot = ms_region_slot(region, number);
	void *memory = slot->memory;

	PF_BUG_ON(!memory);
	pf_release(&slot->memory, NULL);
	pf_chunk_drop(&region->home, number, memory);
	region->filled--;
}

u64 ms_region_memory(const struct ms_region *region)
{
	return (pf_read(region->filled) << PF_CHUNK_SHIFT) + pf_read(region->leaves) * sizeof(struct ms_leaf) +
	       region_leaves(region->chunks) * sizeof(struct ms_leaf *);
}

u64 ms_region_bytes(const struct ms_region *region)
{
	return region->chunks << PF_CHUNK_SHIFT;
}

struct pf_region *ms_region_home(struct ms_region *region)
{
	return &region->home;
}

void *ms_region_chunk(const struct ms_region *region, u64 number)
{
	struct ms_slot *slot;

	if (number >= region->chunks)
		return NULL;
	slot = ms_region_slot(region, number);
	return slot ? pf_acquire(&slot->memory) : NULL;
}
