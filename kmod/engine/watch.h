/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Those who wait for a page of a shard, spread over many queues by its line, so that a change wakes few who wait for something else even
 * where thousands wait. The queues are made when somebody waits for the first time, and stay. They are marked in two steps,
 * groups here and groups in the shard, so that a pass looks at no more of them than it has to.
 */
#ifndef MS_WATCH_H
#define MS_WATCH_H

#include "engine.h"

#define MS_WATCH_GROUPS	16u
#define MS_WATCH_QUEUES	(64 * MS_WATCH_GROUPS)

struct ms_watch {
	u64 dirty[MS_WATCH_GROUPS];	/* queues to be woken at the end of the pass: under the run lock */
	struct pf_waitq queue[MS_WATCH_QUEUES];
};

/* Returns the page's group, a bit of those that ms_watch_wake() takes. */
static inline u16 ms_watch_mark(struct ms_watch *watch, u32 index)
{
	u32 queue = index % MS_WATCH_QUEUES;

	watch->dirty[queue / 64] |= 1ull << (queue % 64);
	return (u16)(1u << (queue / 64));
}

/* What is marked in these groups; if they are all, everybody. Behind a full barrier. */
#define MS_WATCH_ALL	((u16)~0u)
void ms_watch_wake(struct ms_watch *watch, u16 groups);
void ms_watch_free(struct ms_watch *watch);

#endif
