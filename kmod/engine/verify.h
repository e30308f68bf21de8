/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Verifying: what the engine keeps of a space, held against itself (mmsb/verify.h says what is told, and what stands still for how long).
 *
 * Two sorts of things are looked at. What a page says of itself, of its parents and of its children can be judged wherever one comes
 * upon it: under one run lock the graph of the whole space stands still, for whoever changes it holds all of them. And acyclic it is if every page
 * is higher than its parents. What a shard counts, though, can be judged only from all of its lines, and the lock is let go in between. So
 * shards count what comes and goes (changes), and a count taken while that moved is thrown away and begun anew.
 *
 * Nothing is written but memory of its own. What it finds damaged it does not follow: an index is checked before it is one, and a
 * pointer, where that can be done, is found by two ways.
 */
#ifndef MS_VERIFY_H
#define MS_VERIFY_H

#include "node.h"
#include <mmsb/verify.h>

#define MS_VERIFY_ROOM	512u			/* findings that are kept to be told; more are counted */
#define MS_SLOT_WORDS	(PF_CHUNK / 64 / 64)	/* a bit for each slot that a chunk may have */

/* Of the budget of a piece, nanoseconds that nothing of it is in a cache. */
#define MS_COST_LINE	32u
#define MS_COST_WORD	4u			/* that is hashed */
#define MS_COST_EDGE	100u			/* from either end */
#define MS_COST_CHUNK	70u			/* of a large page */
#define MS_COST_SLAB	200u

/* What was counted in the shard. */
struct ms_tally {
	u64 live, listed;			/* lines */
	u64 derived, edges, foreign;
	u64 graph_memory, slab_memory;
	u64 chunks;				/* of large pages, and of slabs */
	struct ms_hash hash;
};

/* Which slots of a leaf's chunks have a page. */
struct ms_slots {
	u64 bit[MS_LEAF][MS_SLOT_WORDS];
};

enum ms_verify_stage {
	MS_VERIFY_LINES,
	MS_VERIFY_LIST,				/* of lines that came back */
	MS_VERIFY_SLABS,			/* in which pages were seen */
	MS_VERIFY_ROOMS,			/* lists of slabs that have room */
	MS_VERIFY_COUNTS,
	MS_VERIFY_ARENA,
	MS_VERIFY_DONE,
};

struct ms_verify {
	struct ms_space *space;
	enum ms_verify_stage stage;
	bool still;
	bool settled;				/* no wave is under way where we look */
	enum mmsb_reason reason;		/* why it cannot go on */

	/* The shard that is looked at. */
	struct ms_shard *shard;
	u64 at;					/* of its lines */
	bool begun;				/* that one's judged, but not all of its children, or not hashed in full */
	u32 child;
	u64 offset;
	u64 spent;				/* of the budget, on judging it */
	bool astray;				/* its bytes, or its parents, are nowhere to be found */
	u32 link;				/* the list, index + 1 */
	u64 linked;
	u64 chunk;				/* of the arena, */
	u64 roomy;				/* and of slabs with pages so far, those with room that no list has shown yet */
	u16 class;				/* whose list is next, */
	const struct ms_slab *slab, *before;	/* and where in that; NULL: at its beginning */
	u64 changes;				/* when its lines were begun */
	u32 tries;
	bool counting;				/* all that its lines say was seen at one state of them */
	bool hashing;				/* and of their bytes */
	struct ms_hash hash;			/* as it was kept then */
	struct ms_tally tally;
	struct ms_slots **slots;		/* by leaf of the arena */

	/* Of all. */
	u64 *counted;				/* by shard: its changes when it was counted; ~0: it was not */
	u64 chunks;
	u64 seen_pages, seen_derived, seen_edges, seen_bytes;	/* of shards before this one */
	struct { u64 pages, derived, edges, bytes; } here;	/* and of this one */
	u32 moved;
	u32 findings, told;
	u64 beyond;				/* findings for which there was no room */
	struct mmsb_finding finding[MS_VERIFY_ROOM];
};

/* Each finding once, however often it is come upon. */
void ms_verify_find(struct ms_verify *verify, const struct mmsb_finding *finding);

/* A line and the bytes of its page; and its place in the graph. */
void ms_verify_line(struct ms_verify *verify, u32 index, const struct mmsb_line *line);
void ms_verify_node(struct ms_verify *verify, u32 index, const struct mmsb_line *line);
/* Children from `child` on, as many as the budget allows. True: that was all. */
bool ms_verify_children(struct ms_verify *verify, u32 index, u64 *budget);

/* Behind all of the shard's lines, as far as the budget allows: slots of its slabs, and which have room. True: that was all. */
bool ms_verify_slabs(struct ms_verify *verify, u64 budget);
bool ms_verify_rooms(struct ms_verify *verify, u64 budget);
/* With all shards stopped. */
void ms_verify_arena(struct ms_verify *verify);
/* Marks the slot as a page's. False: it was another's. */
bool ms_verify_take_slot(struct ms_verify *verify, u64 chunk, u32 slot);
void ms_verify_forget_slots(struct ms_verify *verify);

static inline void ms_verify_spend(u64 *budget, u64 cost)
{
	*budget -= cost < *budget ? cost : *budget;
}

static inline void ms_verify_differ(struct ms_verify *verify, enum mmsb_finding_kind kind, u64 page, u64 detail, u64 expected, u64 found)
{
	if (likely(expected == found))
		return;
	ms_verify_find(verify, &(struct mmsb_finding){ .kind = kind, .page = page, .detail = detail, .expected = expected, .found = found,
						       .shard = verify->shard ? verify->shard->number : MMSB_VERIFY_NOWHERE });
}

#endif
