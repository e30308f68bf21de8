/* SPDX-License-Identifier: MIT */
/*
 * The client's half of a ring, the same for both homes. Its own indices and its last sight of the engine's are kept here, on
 * lines that nobody else touches; the shared ones are loaded only when these say that nothing is left.
 */
#ifndef MMSB_LIB_RING_H
#define MMSB_LIB_RING_H

#include "home.h"
#include "tag.h"

/* Of a capture that is being taken in (image.c). */
struct msl_images {
	bool open;			/* CAPTURE was fed, and CAPTURED was not */
	bool passed_over;		/* the space has come to that tick by itself */
	struct mmsb_hash_record capture;
	uint8_t *held;			/* derivations wait here, one image behind the other, until all pages are there */
	size_t used, room;
	size_t count;
};

/* How far a ring that does a history again has come (replay.c). */
struct msl_replay {
	bool open;			/* it was opened for that */
	uint32_t compare;		/* the state hash, each so many ticks */
	uint32_t since;			/* ticks since it was compared last */
	uint32_t sent;			/* entries whose completions were not reaped */
	uint64_t payload_used;		/* by these */
	struct mmsb_sqe *gathers;	/* the last one, not yet submitted, if its operand may still grow; NULL: it may not */
	uint64_t tick;			/* that has begun; 0: none */
	uint64_t same;			/* the last tick at which the hashes were found equal */
	struct msl_images images;
};

struct mmsb_ring {
	/* Submission. */
	struct mmsb_sqe *sqes;
	uint32_t sq_entries;
	uint32_t sq_tail;		/* handed out up to here */
	uint32_t sq_sent;		/* published up to here */
	uint32_t sq_head;		/* last seen of the engine's */

	/* Completion. */
	uint32_t cq_entries;
	uint32_t cq_head;		/* reaped up to here */
	uint32_t cq_given;		/* told the engine so */
	uint32_t cq_tail;		/* last seen of the engine's */
	const struct mmsb_cqe *cqes;

	struct mmsb_ring_client *client;
	const struct mmsb_ring_engine *engine;
	const struct msl_home *home;
	bool polled;
	uint8_t *payload;
	uint64_t payload_bytes;
	struct msl_tags tags;
	struct mmsb_space *space;
	struct msl_replay replay;
};

/* The home has opened it: where its areas are, and what was agreed. */
int msl_ring_init(struct mmsb_ring *ring, struct mmsb_space *space, const struct mmsb_ring_open_args *args, const void *engine,
		  void *client);
void msl_ring_fini(struct mmsb_ring *ring);

/* Publishes what was handed out; inline rings are drained, sleeping pollers woken. */
int msl_ring_flush(struct mmsb_ring *ring);
/* The engine's tail, loaded afresh. */
uint32_t msl_ring_arrived(struct mmsb_ring *ring);
/* Takes the completions off the head of the queue that are the library's own business, and tells the engine. */
void msl_ring_sweep(struct mmsb_ring *ring);

/*
 * Sleeps (a polled ring: first spins a little) until `unreaped` completions are there. Swallows nothing.
 * 0, -ETIME, -EINTR, -EPIPE.
 */
struct msl_deadline {
	uint64_t at;			/* on the monotonic clock; ~0: never, 0: at once */
};
struct msl_deadline msl_deadline(uint64_t timeout_ns);
uint64_t msl_deadline_left(const struct msl_deadline *deadline);	/* as a timeout */
int msl_ring_sleep(struct mmsb_ring *ring, uint32_t unreaped, const struct msl_deadline *deadline);
/* Sleeps until a submission entry is free. 0, -ETIME, -EINTR, -EPIPE; -EBUSY: none will be before the caller reaps. */
int msl_ring_sleep_for_room(struct mmsb_ring *ring, const struct msl_deadline *deadline);

struct msl_operand {
	const void *bytes[2];	/* one behind the other */
	size_t len[2];
};

/* Submits one entry with its operand and waits: 0 once there is a completion, whatever it says. */
int msl_call(struct mmsb_ring *ring, const struct mmsb_sqe *entry, const struct msl_operand *operand, struct mmsb_cqe *cqe);

static inline uint32_t msl_ring_unreaped(struct mmsb_ring *ring)
{
	return msl_ring_arrived(ring) - ring->cq_head;
}

#endif
