// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "timing.h"
#include "ring.h"
#include "route.h"
#include "space.h"

static u64 since(u64 then, u64 now)
{
	return now > then ? now - then : 0;
}

/* ----------------------------------------------------------------------------------------------------------- the queue */

/*
 * The number first, for what comes behind it is not known to have been there by then; it is told behind the time, so whoever reads it finds
 * a time that is not earlier.
 */
void ms_timing_enter(struct ms_ring *ring)
{
	u32 tail = pf_acquire(&ring->client->sq_tail);

	pf_write(ring->timing.entered_at, pf_now());
	pf_release(&ring->timing.entered, tail);	/* partner: see_entered() */
}

/*
 * What a caller says was there when he came, if nobody has looked since and it is within what is there now: the number is the client's,
 * the time is not.
 */
static void see_entered(struct ms_ring *ring, u32 tail, u64 now)
{
	struct ms_ring_timing *timing = &ring->timing;
	u32 entered = pf_acquire(&timing->entered);	/* partner: ms_timing_enter() */
	u64 at = pf_read(timing->entered_at);

	if (at > timing->looked && at < now && (s32)(tail - entered) >= 0)
		ms_stays_add(&timing->queue, entered, at);
}

static void see(struct ms_ring *ring, u32 tail, u64 now)
{
	see_entered(ring, tail, now);
	ms_stays_add(&ring->timing.queue, tail, now);
	ring->timing.looked = now;
}

void ms_timing_see(struct ms_ring *ring, u32 tail)
{
	if (tail != ring->timing.queue.upto)
		see(ring, tail, pf_now());
}

/* ------------------------------------------------------------------------------------------------------------- batches */

void ms_timing_begin(struct ms_shard *shard)
{
	struct ms_timing *timing = shard->timing;

	timing->began = pf_now();
	timing->deltas = shard->deltas;
	timing->held = shard->held;
}

void ms_timing_take(struct ms_ring *ring, u32 pending)
{
	ms_timing_begin(ring->shard);
	see(ring, ring->sq_head + pending, ring->shard->timing->began);
}

static void applied(struct ms_timing *timing, u32 n, u64 now)
{
	if (n)
		ms_hist_add(&timing->layer[MMSB_LAYER_APPLY], since(timing->began, now), n);
}

/* What went to other shards comes back as answers, and what waits for the log is told apart when the wave has ended. */
void ms_timing_applied(struct ms_ring *ring, bool held_back)
{
	struct ms_shard *shard = ring->shard;
	struct ms_timing *timing = shard->timing;
	u32 n = (u32)(shard->deltas - timing->deltas), now_done = n - (shard->held - timing->held);
	u64 now = pf_now();

	ms_stays_take(&ring->timing.queue, ring->sq_head, timing->began, &timing->layer[MMSB_LAYER_QUEUE]);
	applied(timing, n, now);
	if (held_back) {
		ms_stays_more(&timing->wave, n, now);
		timing->waiting += now_done;
	} else {
		ms_stays_add(&ring->timing.held, ring->held_head + ring->held, now);
		timing->began = now;
		timing->batch = now_done;
	}
}

void ms_timing_told(struct ms_ring *ring)
{
	struct ms_timing *timing = ring->shard->timing;

	if (timing->batch)
		ms_hist_add(&timing->layer[MMSB_LAYER_COMPLETE], since(timing->began, pf_now()), timing->batch);
}

/* -------------------------------------------------------------------------------------------------------- other shards */

void ms_timing_served(struct ms_shard *shard, bool held_back)
{
	struct ms_timing *timing = shard->timing;
	u32 n = (u32)(shard->deltas - timing->deltas);
	u64 now = pf_now();

	applied(timing, n, now);
	if (held_back)
		ms_stays_more(&timing->wave, n, now);
}

void ms_timing_sent(struct ms_link *link)
{
	ms_stays_add(&link->stays, link->filled, pf_now());
}

void ms_timing_answered(struct ms_link *link, u32 n)
{
	struct ms_shard *shard = link->from;
	struct ms_timing *timing = shard->timing;

	ms_stays_take(&link->stays, link->reaped, timing->began, &timing->layer[MMSB_LAYER_ROUTE]);
	ms_stays_more(&timing->done, n - (shard->held - timing->held), timing->began);
}

/* ----------------------------------------------------------------------------------------------------- the end of a pass */

void ms_timing_durable(struct ms_ring *ring, u32 n)
{
	struct ms_timing *timing = ring->shard->timing;
	u64 now = pf_now();

	ms_stays_take(&ring->timing.held, ring->held_head, now, &timing->layer[MMSB_LAYER_LOG]);
	ms_stays_more(&timing->done, n, now);
}

void ms_timing_settled(struct ms_shard *shard)
{
	struct ms_timing *timing = shard->timing;
	struct ms_ring *ring;
	u64 now = pf_now();

	ms_stays_take_all(&timing->wave, now, &timing->layer[MMSB_LAYER_WAVE]);
	ms_stays_more(&timing->done, timing->waiting, now);
	timing->waiting = 0;
	for (ring = shard->touched; ring; ring = ring->touched)
		ms_stays_add(&ring->timing.held, ring->held_head + ring->held, now);
}

void ms_timing_published(struct ms_shard *shard)
{
	struct ms_timing *timing = shard->timing;

	if (timing->done.n)
		ms_stays_take_all(&timing->done, pf_now(), &timing->layer[MMSB_LAYER_COMPLETE]);
}

/* ----------------------------------------------------------------------------------------------------------- switching */

static void timing_free_all(struct ms_timing **timing, u32 shards)
{
	u32 i;

	for (i = 0; timing && i < shards; i++)
		pf_free(timing[i]);
	pf_free(timing);
}

/* NULL: no memory. */
static struct ms_timing **timing_make_all(const struct ms_space *space)
{
	struct ms_timing **timing = pf_alloc(space->nshards * sizeof(*timing), -1);
	u32 i;

	for (i = 0; timing && i < space->nshards; i++) {
		timing[i] = pf_alloc(sizeof(**timing), space->shards[i]->node);
		if (timing[i])
			continue;
		timing_free_all(timing, space->nshards);
		return NULL;
	}
	return timing;
}

/* What is under way by now is not told. */
static void shard_begin(struct ms_shard *shard)
{
	struct ms_ring *ring;
	u32 i;

	for (ring = shard->rings; ring; ring = ring->next) {
		ms_stays_begin(&ring->timing.queue, ring->sq_head);
		ms_stays_begin(&ring->timing.held, ring->held_head + ring->held);
	}
	for (i = 0; i < shard->space->nshards; i++)
		if (shard->out[i])
			ms_stays_begin(&shard->out[i]->stays, shard->out[i]->filled);
}

static void put_in_all(struct ms_space *space, struct ms_timing **timing)
{
	u32 i;

	for (i = 0; i < space->nshards; i++) {
		pf_write(space->shards[i]->timing, timing[i]);
		shard_begin(space->shards[i]);
	}
	pf_write(space->timing.on, true);
	pf_free(timing);
}

enum mmsb_reason ms_timing_open(struct ms_space *space)
{
	struct ms_timing **timing = timing_make_all(space);

	if (!timing)
		return MMSB_REASON_NO_MEMORY;
	put_in_all(space, timing);
	return MMSB_REASON_NONE;
}

static enum mmsb_reason timing_start(struct ms_space *space)
{
	struct ms_timing **timing;

	if (space->timing.on)
		return MMSB_REASON_NONE;
	timing = timing_make_all(space);
	if (!timing)
		return MMSB_REASON_NO_MEMORY;
	ms_space_stop(space, NULL);
	put_in_all(space, timing);
	ms_space_go(space, NULL);
	return MMSB_REASON_NONE;
}

static enum mmsb_reason timing_stop(struct ms_space *space)
{
	u32 i;

	ms_space_stop(space, NULL);
	pf_write(space->timing.on, false);
	for (i = 0; i < space->nshards; i++) {
		ms_timing_free(space->shards[i]);
		pf_write(space->shards[i]->timing, NULL);
	}
	ms_space_go(space, NULL);
	return MMSB_REASON_NONE;
}

void ms_timing_free(struct ms_shard *shard)
{
	pf_free(shard->timing);
}

void ms_timing_clear(struct ms_space *space)
{
	u32 i, layer;

	for (i = 0; i < space->nshards; i++)
		for (layer = 0; space->shards[i]->timing && layer < MMSB_LAYER_LAST; layer++)
			ms_hist_clear(&space->shards[i]->timing->layer[layer]);
}

static enum mmsb_reason timing_reset(struct ms_space *space)
{
	ms_space_stop(space, NULL);
	ms_timing_clear(space);
	ms_space_go(space, NULL);
	return MMSB_REASON_NONE;
}

u64 ms_timing_memory(const struct ms_space *space)
{
	return pf_read(space->timing.on) ? space->nshards * sizeof(struct ms_timing) : 0;
}

/* ------------------------------------------------------------------------------------------------------------- reading */

static enum mmsb_reason timing_set(struct ms_space *space, u32 flags)
{
	switch (flags) {
	case 0:
		return MMSB_REASON_NONE;
	case MMSB_TIMING_ON:
		return timing_start(space);
	case MMSB_TIMING_OFF:
		return timing_stop(space);
	case MMSB_TIMING_RESET:
		return timing_reset(space);
	default:
		return MMSB_REASON_BAD_FLAGS;
	}
}

static void timing_read(const struct ms_space *space, struct mmsb_timing_args *args)
{
	u32 first = args->shard == MMSB_TIMING_ALL ? 0 : args->shard, end = args->shard == MMSB_TIMING_ALL ? space->nshards : first + 1;
	u32 i;

	for (i = first; i < end; i++) {
		ms_hist_merge(&space->shards[i]->timing->layer[args->layer], args);
		pf_resched();
	}
	ms_hist_sum_up(args);
}

enum mmsb_reason ms_space_timing(struct ms_space *space, struct mmsb_timing_args *args)
{
	u32 shard = args->shard, layer = args->layer, flags = args->flags, size = args->size;
	enum mmsb_reason reason;

	if (layer >= MMSB_LAYER_LAST)
		return MMSB_REASON_BAD_LAYER;
	if (shard != MMSB_TIMING_ALL && shard >= space->nshards)
		return MMSB_REASON_BAD_SHARD;
	memset(args, 0, sizeof(*args));
	args->size = size;
	args->flags = flags;
	args->layer = layer;
	args->shard = shard;
	pf_mutex_lock(&space->timing.lock);
	reason = timing_set(space, flags);
	args->on = space->timing.on;
	if (args->on)
		timing_read(space, args);
	pf_mutex_unlock(&space->timing.lock);
	return reason;
}
