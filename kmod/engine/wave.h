/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A wave: what follows from a tick's deltas. Pages that changed or have to be looked at wait in levels, one a height, and are taken from
 * the lowest up; whatever a page puts in lies above it. So each page is taken once, behind all its parents.
 *
 * Each shard has a wave, of its own pages. As long as nothing else is concerned, it runs it alone. In a meeting (meet.h) pages of all shards
 * follow each other, and their waves go up together (joint.h). A wave that takes long stops between two pages, when its budget is used
 * up, and goes on later; until it has ended the tick stays open, no delta is applied where it runs, and no completion of the tick is
 * posted.
 *
 * Lazy pages. A lazy page is not computed but marked (MMSB_LINE_BEHIND), and so is what follows from it, until somebody asks. Then, when
 * the wave has otherwise ended, what is asked for and everything marked before it is computed, in a second round: none of it was
 * computed in the first.
 */
#ifndef MS_WAVE_H
#define MS_WAVE_H

#include "engine.h"

struct ms_hand;
struct ms_shard;

/* The wave whose beginning was traced, for its end: it may be adjourned in between. */
struct ms_wave_told {
	u64 tick;			/* 0: none */
	u64 before;			/* pages that its shards had looked at by then, in all */
	u32 depth;
};

struct ms_wave {
	u32 *level;			/* line index + 1 of the first page that waits; 0: none */
	u64 *map;			/* a bit a level that has any */
	u32 levels;			/* room */
	u32 next;			/* no level below has any */
	u32 queued;			/* pages */
	u32 *asked;			/* line indices: to be computed though they may be lazy */
	u32 asks, asks_room;
	struct ms_wave_told told;
};

void ms_wave_free(struct ms_wave *wave);
void ms_wave_forget(struct ms_wave *wave);	/* with all its nodes */

/* Sees to it that pages of that height find room. */
enum mmsb_reason ms_wave_reserve(struct ms_wave *wave, u32 height);
enum mmsb_reason ms_wave_reserve_ask(struct ms_wave *wave);

/* The page's bytes changed: its children will hear of it. */
void ms_wave_touch(struct ms_shard *shard, u32 index);
/* The page is no longer behind, with the bytes that it has. */
void ms_wave_freshen(struct ms_shard *shard, u32 index);
/* The page has a rule or parents that it was not computed from. */
void ms_wave_put(struct ms_shard *shard, u32 index);
/* Somebody wants it up to date; room was reserved. */
void ms_wave_ask(struct ms_shard *shard, u32 index);
/* The page will be no more. */
void ms_wave_drop(struct ms_shard *shard, u32 index);
/* Its height is another now. */
void ms_wave_lift(struct ms_space *space, u32 index, u32 height);

static inline bool ms_wave_is_empty(const struct ms_wave *wave)
{
	return !wave->queued && !wave->asks;
}

#define MS_WAVE_NONE	(~0u)

/* The lowest level that has any; NONE: there is none. */
static inline u32 ms_wave_lowest(struct ms_wave *wave)
{
	u32 word = wave->next / 64;

	if (!wave->queued)
		return wave->next = MS_WAVE_NONE;
	while (!wave->map[word])
		word++;
	return wave->next = word * 64 + (u32)__builtin_ctzll(wave->map[word]);
}

#define MS_WAVE_ALL	(~0ull)

/* Of a shard that is alone with it. False: the budget was used up before the end. */
bool ms_wave_run(struct ms_shard *shard, u64 budget);

/* ------------------------------------------------------------------------------------ what a joint wave puts together */

/*
 * One shard's pages of a level. What follows from them is put into the other shards' waves, or, where others work on those, sent by
 * the hand. Returns what is left of the budget; 0: the level may not have ended.
 */
u64 ms_wave_level_together(struct ms_shard *shard, u32 height, u64 budget);
u64 ms_wave_level_shared(struct ms_shard *shard, struct ms_hand *hand, u32 height, u64 budget);

/* Pages that were sent, from this one (line index + 1) on. */
void ms_wave_take_in(struct ms_shard *shard, u32 first);
/* The page changed: those in other shards that are only told of it hear so now. */
void ms_wave_tell_elsewhere(struct ms_space *space, u32 index);

/* The waves have ended, but for what somebody asked for: it and what is behind before it is put in. */
void ms_waves_demand(struct ms_space *space);

#endif
