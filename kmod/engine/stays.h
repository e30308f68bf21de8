/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Stays: since when the entries of some queue have been in it. Entries are counted as they come, by a free-running number, and leave in
 * the order in which they came; a stay says of all up to some number, and behind the stay before, when they came.
 *
 * There is room for few. When it is used up, stays that began close to each other become one, with the earlier time: no further apart than
 * an eighth of the time that the oldest has lasted, so a queue that stands still is told to that much, and one that moves exactly.
 */
#ifndef MS_STAYS_H
#define MS_STAYS_H

#include "engine.h"

#define MS_STAYS	16u

struct ms_hist;

struct ms_stay {
	u64 at;
	u32 upto;
};

struct ms_stays {
	u32 gone;			/* have left */
	u32 upto;			/* have come */
	u32 n;
	u64 grain;			/* what comes within so much of the last stay belongs to it */
	struct ms_stay stay[MS_STAYS];
};

/* Nothing is in the queue whose time is known; whatever leaves it up to that number is not told. */
void ms_stays_begin(struct ms_stays *stays, u32 upto);
void ms_stays_add(struct ms_stays *stays, u32 upto, u64 now);
/* What has left by now is told. */
void ms_stays_take(struct ms_stays *stays, u32 upto, u64 now, struct ms_hist *hist);

/* For those who only count. */
static inline void ms_stays_more(struct ms_stays *stays, u32 count, u64 now)
{
	ms_stays_add(stays, stays->upto + count, now);
}

static inline void ms_stays_take_all(struct ms_stays *stays, u64 now, struct ms_hist *hist)
{
	ms_stays_take(stays, stays->upto, now, hist);
}

#endif
