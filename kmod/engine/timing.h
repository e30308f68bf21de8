/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Per-layer timing: how long deltas are in each stage of their way (mmsb/timing.h), told shard by shard by whoever has the run lock.
 *
 * Off, a shard has no struct ms_timing, and a batch, a pass and a call each look once or twice whether it has. On, the clock is read when a
 * batch is taken, when it has been applied, when it was published, and when a pass ends: not for each delta. Those who wait for
 * something, each for as long as the others of its batch, are kept as stays (stays.h): in the queue, at another shard, for the wave, for
 * the log, and, when all that is over, for being published.
 *
 * Switching takes all run locks, so no batch is half timed; who reads takes none of them, only the lock that keeps the memory from going.
 */
#ifndef MS_TIMING_H
#define MS_TIMING_H

#include "hist.h"
#include "stays.h"

struct ms_link;
struct ms_ring;
struct ms_shard;
struct ms_space;

/* Of a shard, as long as it is switched on. */
struct ms_timing {
	u64 began;			/* the batch, or whatever is done to many at once, under way, */
	u64 deltas;			/* and how many the shard had applied by then, */
	u32 held;			/* and how many completions waited for the log */
	u32 batch;			/* what it wrote completions for, if nothing holds them back */
	u32 waiting;			/* of those that wait for the wave, deltas of its own rings that wait for nothing else */
	struct ms_stays wave;
	struct ms_stays done;		/* wait for nothing but to be published */
	struct ms_hist layer[MMSB_LAYER_LAST];
};

/* Of a ring. */
struct ms_ring_timing {
	u64 looked;			/* when something new was found in its queue last */
	u64 entered_at;			/* written by callers: when one came last, and how much had been published by then */
	u32 entered;
	struct ms_stays queue;
	struct ms_stays held;
};

enum mmsb_reason ms_timing_open(struct ms_space *space);	/* on from the start, before anybody has it */
void ms_timing_free(struct ms_shard *shard);
void ms_timing_clear(struct ms_space *space);		/* all run locks are held */
u64 ms_timing_memory(const struct ms_space *space);

/* All below: only if shard->timing is there; but for the first, with the run lock. */
void ms_timing_enter(struct ms_ring *ring);		/* somebody came with entries, and does not have the lock */
void ms_timing_see(struct ms_ring *ring, u32 tail);	/* so much has been published, whether or not it can be taken */
void ms_timing_begin(struct ms_shard *shard);
void ms_timing_take(struct ms_ring *ring, u32 pending);	/* the same for a batch of the ring */
void ms_timing_applied(struct ms_ring *ring, bool held_back);
void ms_timing_told(struct ms_ring *ring);		/* that batch, where it was not held back, is published */
void ms_timing_served(struct ms_shard *shard, bool held_back);
void ms_timing_sent(struct ms_link *link);
void ms_timing_answered(struct ms_link *link, u32 n);
void ms_timing_durable(struct ms_ring *ring, u32 n);
void ms_timing_settled(struct ms_shard *shard);		/* the wave has ended */
void ms_timing_published(struct ms_shard *shard);

#endif
