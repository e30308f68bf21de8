/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The engine's half of a ring. What the client writes (its two indices, the entries, the payload) is read once and checked; the
 * engine's own indices live here, privately, and are only published to the client.
 *
 * Credit. An entry is taken off the submission queue only while there is room for its completion, counting those that are under
 * way at other shards; so a completion always finds its place, and a client that does not reap holds up itself alone.
 */
#ifndef MS_RING_H
#define MS_RING_H

#include "engine.h"
#include "timing.h"

struct ms_link;

struct ms_ring {
	/* The hot half: used by whoever runs the ring's shard. */
	struct mmsb_ring_engine *engine;
	struct mmsb_ring_client *client;
	struct mmsb_cqe *cqes;
	const struct mmsb_sqe *sqes;
	const u8 *payload;
	u64 payload_bytes;
	struct ms_shard *shard;
	u32 sq_entries, cq_entries;
	u32 sq_head, cq_tail;
	u32 inflight;			/* deltas at other shards */
	bool fenced;			/* a fence waits for inflight to reach 0 */
	bool polled, read_only, replay, broken, closing;
	struct ms_link *held_by;	/* the full route that its next delta has to take */
	struct ms_ring *touched;	/* next of those to be published and woken at the end of the pass */
	bool is_touched;
	bool strict;			/* every completion waits until it is durable */
	u32 held;			/* completions that do, from held_head on */
	u32 held_head;
	struct mmsb_cqe *held_cqes;	/* cq_entries of them; NULL: the space has no log */
	u64 taken, failed, stalls;

	struct ms_ring *next, *prev;	/* rings of the shard */
	u64 id;				/* of its space, given once */
	u64 stalled_at;			/* how much had been taken when it was held up last, */
	u32 stalled_by;			/* by what, plus one, */
	bool stall_told;		/* and to whoever traces */
	struct ms_ring_timing timing;
	struct pf_waitq waitq;
	struct ms_ring_config config;
	struct pf_shared engine_area, client_area;
};

void ms_ring_break(struct ms_ring *ring, enum mmsb_reason reason);
void ms_ring_publish(struct ms_ring *ring);
u64 ms_ring_memory(const struct ms_ring_config *config);

/* Entries published and not yet taken. */
static inline u32 ms_ring_pending(struct ms_ring *ring)
{
	u32 pending = pf_acquire(&ring->client->sq_tail) - ring->sq_head;	/* partner: the client's release of sq_tail */

	if (unlikely(ring->broken))
		return 0;
	if (unlikely(pending > ring->sq_entries)) {
		ms_ring_break(ring, MMSB_REASON_SQ_INDEX);
		return 0;
	}
	return pending;
}

/* How many more completions surely find room. */
static inline u32 ms_ring_credit(struct ms_ring *ring)
{
	u32 used;

	if (unlikely(ring->closing))
		return ring->cq_entries;
	used = ring->cq_tail - pf_acquire(&ring->client->cq_head);		/* partner: the client's release of cq_head */
	if (unlikely(used > ring->cq_entries || used + ring->inflight + ring->held > ring->cq_entries)) {
		ms_ring_break(ring, MMSB_REASON_CQ_INDEX);
		return 0;
	}
	return ring->cq_entries - used - ring->inflight - ring->held;
}

bool ms_ring_runnable(struct ms_ring *ring);

/* Under a credit that was taken before. */
static inline void ms_ring_complete(struct ms_ring *ring, const struct mmsb_cqe *cqe)
{
	if (unlikely(ring->closing || ring->broken))
		return;
	ring->cqes[ring->cq_tail++ & (ring->cq_entries - 1)] = *cqe;
}

#endif
