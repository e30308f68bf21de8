/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The arena: the region of the pages' bytes, and which of its chunks are taken. Chunks are handed out first fit, in runs,
 * under the space's mutex: one for a slab, many for a large page. A run is reserved at once and filled as it is written.
 */
#ifndef MS_ARENA_H
#define MS_ARENA_H

#include "region.h"

struct ms_arena {
	struct ms_region region;
	u64 *taken;			/* a bit a chunk */
	u64 used, limit;		/* chunks taken, and how many may be */
	u64 lowest;			/* no free chunk below */
};

enum mmsb_reason ms_arena_open(struct ms_arena *arena, u64 bytes);
void ms_arena_close(struct ms_arena *arena);
void ms_arena_empty(struct ms_arena *arena);
enum mmsb_reason ms_arena_take(struct ms_arena *arena, u64 chunks, u64 *first);
void ms_arena_give(struct ms_arena *arena, u64 first, u64 chunks);	/* drops those that were filled */

#endif
