/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A shard: a partition of a space's pages with one writer at a time, and everything that this writer needs, so that it meets
 * nobody on its way: its rings, its slabs, its lines, its part of the hash, its links to other shards.
 *
 * Running. Whoever holds the run lock runs the shard: a poller, or a caller who submits inline. Who fails to take it sets `kicked`
 * and issues a full barrier; who holds it lets go, issues a full barrier, and looks at `kicked`. So work that was published
 * before a failed attempt is always seen by the one who made it fail.
 *
 * Patience. Whoever keeps being kicked does not run the shard for others for ever. Where there are pollers he leaves it to one of them. Where
 * there are none he says that the shard is crowded, so that who comes from then on waits for the lock and runs it himself, and stays
 * only as long as the longest queue that was left to him may take.
 *
 * Sleeping. A poller sets `asleep` and NEED_WAKEUP in its rings, issues a full barrier, and looks for work once more; who makes
 * work publishes it, issues a full barrier, and looks at NEED_WAKEUP (clients) or `asleep` (other shards).
 */
#ifndef MS_SHARD_H
#define MS_SHARD_H

#include "engine.h"
#include "events.h"
#include "hash.h"
#include "page.h"
#include "slab.h"
#include "watch.h"
#include "wave.h"

#define MS_BATCH	64u			/* entries taken at a time: indices are published so often */
#define MS_AHEAD	8u			/* how many entries before its turn a page's bytes are brought in */
#define MS_SHARE	4u			/* batches of one ring in a pass: the next ring waits no longer */
#define MS_PATIENCE	(MMSB_SQ_MAX / (MS_BATCH * MS_SHARE))	/* passes that serve the longest queue */
#define MS_INBOX	(MMSB_SHARDS_MAX / 64)

struct ms_desk;
struct ms_stream;
struct ms_timing;

/* The shard's part of the graph. */
struct ms_graph {
	struct ms_desk *desk;
	struct ms_wave wave;
	u64 foreign;				/* edges between its pages and other shards' */
	u64 derived, edges;			/* of its pages */
	u64 changes;				/* edges that came or went at them, blocks of nodes that came */
	u64 memory;
	u64 recomputed, skipped, cut, suspect;
};

struct ms_shard {
	/* Read by all, written at creation. */
	struct ms_space *space;
	u32 number;
	int node;
	struct ms_link **out, **in;		/* by shard number */

	/* Written by whoever runs the shard. */
	struct pf_runlock run __attribute__((aligned(64)));
	bool hashing, ticked, rescan, flagged;
	u16 dirty;				/* groups of watch queues of pages that changed in this pass */
	bool watched;
	bool attentive;				/* hashing or watched, or somebody listens, or its history is told */
	bool waving;				/* its wave did not end within the last pass */
	bool must_meet;				/* something waits for a meeting */
	u32 held;				/* completions of its rings that wait to be durable */
	bool held_now;				/* some since the pass began */
	u64 tick;
	struct ms_graph graph;
	struct ms_stream *stream;		/* what it applies is told here; NULL: to nobody */
	struct ms_hash hash;
	struct ms_lines lines;
	struct ms_slabs slabs;
	struct ms_ring *rings, *touched;
	struct ms_timing *timing;		/* NULL: it is off. Written with all run locks held. */
	struct ms_notes *notes;			/* for those who listen; NULL: nobody does. Written with all run locks held. */
	u64 deltas;
	u64 answered[MS_INBOX];			/* shards whose requests were served in this tick, and who were not told yet */
	struct mmsb_sqe batch[MS_BATCH + MS_AHEAD];	/* private copies of entries */
	struct mmsb_line *lines_of[MS_BATCH + MS_AHEAD];	/* the lines they name, or nowhere */
	u64 *words_of[MS_BATCH + MS_AHEAD];	/* the words they mean, should they land */
	struct mmsb_line nowhere;		/* a line of no page */

	/* Written by others. */
	u32 kicked __attribute__((aligned(64)));
	u32 asleep;
	u32 crowded;				/* who runs it has run it long for others: wait for the lock instead */
	u32 wanted;				/* somebody waits for the run lock: do not snatch it */
	u32 watchers;				/* under the space's mutex */
	u64 inbox[MS_INBOX];			/* shards whose link with this one has news */
	struct ms_watch *watch;			/* those who wait for a page; NULL: nobody ever did */
	struct pf_shard home;
};

enum mmsb_reason ms_shard_create(struct ms_space *space, u32 number, int node, struct ms_shard **shard);
void ms_shard_free(struct ms_shard *shard);
u64 ms_shard_memory(const struct ms_space *space);

/* Runs the shard, `ring` (if any) first, and, where there are no pollers, those it gave work to. Returns what was handled. */
u32 ms_shard_service(struct ms_shard *shard, struct ms_ring *ring);

/* Waits for the run lock of one shard; what is to be done under it may not wait for other shards. */
void ms_shard_lock(struct ms_shard *shard);
void ms_shard_unlock(struct ms_shard *shard);
/* Sees to it that what was published while the run lock was held is handled. */
void ms_shard_settle(struct ms_shard *shard);

/* Moves whenever pages or edges come or go, or memory for such as were refused then. */
static inline u64 ms_shard_changes(const struct ms_shard *shard)
{
	return shard->lines.changes + shard->graph.changes;
}

/* Something happened to the page: who waits for it or listens will hear of it at the end of the pass. */
static inline void ms_shard_mark_as(struct ms_shard *shard, u64 page, enum mmsb_event_what what, u8 kind)
{
	if (unlikely(shard->watched))
		shard->dirty |= ms_watch_mark(shard->watch, MMSB_PAGE_INDEX(page));
	if (unlikely(shard->notes))
		ms_note(shard, page, what, kind);
}

static inline void ms_shard_mark(struct ms_shard *shard, u64 page)
{
	ms_shard_mark_as(shard, page, MMSB_EVENT_CHANGED, MMSB_KIND_NONE);
}

#endif
