/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A region is a sparse run of addresses that readers map once, whole, and that fills by chunks of 64 KiB. The directory is
 * one, the arena another. The engine finds a byte of it by two loads (or one addition, where the home's regions are flat).
 *
 * Filling and dropping happen under the space's mutex; looking up needs no lock, for an entry is set once its chunk is
 * ready and cleared only when nobody of the engine can ask for it.
 */
#ifndef MS_REGION_H
#define MS_REGION_H

#include "engine.h"

#define MS_LEAF_SHIFT	9
#define MS_LEAF		(1u << MS_LEAF_SHIFT)

struct ms_node;
struct ms_slab;

struct ms_slot {
	void *memory;
	union {
		struct ms_slab *slab;	/* the arena: the slab that lives in this chunk, if one does */
		struct ms_node *nodes;	/* the directory: the nodes of this chunk's lines, if one of them has an edge */
	};
};

struct ms_leaf {
	struct ms_slot slot[MS_LEAF];
};

struct ms_region {
	u8 *base;			/* PF_FLAT */
	struct ms_leaf **leaf;
	u64 chunks;
	u64 filled;
	u64 leaves;			/* allocated */
	struct pf_region home;
};

enum mmsb_reason ms_region_open(struct ms_region *region, u64 bytes);
void ms_region_close(struct ms_region *region);		/* drops what is filled */
void ms_region_empty(struct ms_region *region);
enum mmsb_reason ms_region_fill(struct ms_region *region, u64 number, int node);
void ms_region_drop(struct ms_region *region, u64 number);
u64 ms_region_memory(const struct ms_region *region);

static inline struct ms_slot *ms_region_slot(const struct ms_region *region, u64 number)
{
	struct ms_leaf *leaf = pf_acquire(&region->leaf[number >> MS_LEAF_SHIFT]);

	return leaf ? &leaf->slot[number & (MS_LEAF - 1)] : NULL;
}

/* The byte at `offset`, whose chunk the caller knows to be filled (or, where regions are flat, to read as zeros). */
static inline void *ms_region_at(const struct ms_region *region, u64 offset)
{
	const struct ms_leaf *leaf;

	if (PF_FLAT)
		return region->base + offset;
	leaf = region->leaf[offset >> (PF_CHUNK_SHIFT + MS_LEAF_SHIFT)];
	return (u8 *)leaf->slot[(offset >> PF_CHUNK_SHIFT) & (MS_LEAF - 1)].memory + (offset & (PF_CHUNK - 1));
}

/*
 * The byte at `offset`, or `otherwise` where its chunk is not filled; flat regions read as zeros there. The caller checked bounds,
 * to one chunk. Where it is found it is not NULL, so nobody needs to look whether it is.
 */
static inline void *ms_region_find_or(const struct ms_region *region, u64 offset, void *otherwise)
{
	const struct ms_leaf *leaf;
	u8 *memory;

	if (PF_FLAT)
		return region->base + offset;
	leaf = pf_acquire(&region->leaf[offset >> (PF_CHUNK_SHIFT + MS_LEAF_SHIFT)]);
	if (unlikely(!leaf))
		return otherwise;
	memory = pf_acquire(&leaf->slot[(offset >> PF_CHUNK_SHIFT) & (MS_LEAF - 1)].memory);
	if (unlikely(!memory))
		return otherwise;
	return memory + (offset & (PF_CHUNK - 1));
}

static inline void *ms_region_find(const struct ms_region *region, u64 offset)
{
	return ms_region_find_or(region, offset, NULL);
}

#endif
