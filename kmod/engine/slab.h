/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Slabs: where the bytes of pages up to 64 KiB live. A slab is one chunk of the arena cut into slots of one size class, all of
 * them multiples of 64 bytes; each shard has its own, so taking or giving a slot needs nothing but the shard's run lock. Only a
 * shard that has no slot of a class left, or a whole slab to spare, meets the others, under the space's mutex.
 *
 * Free slots are all zeros, always: memory is zeroed as it is given back, before anybody can be given it again.
 */
#ifndef MS_SLAB_H
#define MS_SLAB_H

#include "arena.h"

#define MS_SLAB_CLASSES	19

struct ms_slab {
	struct ms_slab *next, *prev;	/* slabs of the class that have room */
	u64 chunk;
	u32 slot_bytes;
	u16 class;
	u16 slots;
	u16 used;
	u16 fresh;			/* slots from here on were never taken */
	u16 depth;			/* of given[] */
	u16 given[];			/* slots that came back, last first out */
};

struct ms_slabs {
	struct ms_slab *room[MS_SLAB_CLASSES];
	u64 memory;			/* of the slabs' own heads */
};

enum mmsb_reason ms_slab_take(struct ms_space *space, struct ms_slabs *slabs, u32 bytes, int node, u64 *place);
void ms_slab_give(struct ms_space *space, struct ms_slabs *slabs, u64 place);	/* the slot's bytes are zero */
u32 ms_slab_slot_bytes(u32 bytes);	/* how much a page of that size takes up */
void ms_slabs_forget(struct ms_space *space);	/* frees every slab's head; the arena is emptied by its owner */

#endif
