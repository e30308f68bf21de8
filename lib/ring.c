// SPDX-License-Identifier: MIT
/*
 * Submitting and reaping. Waking pollers, draining inline rings and swallowing what a tag says nobody waits for happen here,
 * so that a caller only ever gets entries, submits them, and reaps.
 *
 * A store of cq_head needs the barrier and the look at the flags only while the engine has not taken all that was
 * published: only then can a full completion queue be what keeps it from going on.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "replay.h"

#define SPIN_NS		20000ull	/* how long a waiter looks at a polled ring before it sleeps */
#define PAYLOAD_DEFAULT	(64u << 10)

/* ------------------------------------------------------------------------------------------------- opening, closing */

static int ring_args(struct mmsb_ring_open_args *args, const struct mmsb_ring_opts *opts)
{
	if (opts->flags & ~MMSB_RING_KNOWN)
		return msl_fail_reason(MMSB_REASON_BAD_FLAGS);
	if (opts->compare && !(opts->flags & MMSB_RING_REPLAY))
		return msl_fail(EINVAL, "`compare` says how a history is done again: give it with MMSB_RING_REPLAY");
	args->size = sizeof(*args);
	args->flags = opts->flags;
	args->sq_entries = opts->sq_entries;
	args->cq_entries = opts->cq_entries;
	args->payload_bytes = opts->payload_bytes == MMSB_NO_PAYLOAD ? 0 :
			      opts->payload_bytes ? opts->payload_bytes : PAYLOAD_DEFAULT;
	args->shard = opts->shard - 1;		/* 0 becomes ~0: the home chooses */
	args->idle_us = opts->idle_us;
	args->source = opts->source;
	return 0;
}

int mmsb_ring_open(struct mmsb_space *space, const struct mmsb_ring_opts *opts, struct mmsb_ring **ring)
{
	struct mmsb_ring_open_args args = { 0 };
	struct mmsb_ring_opts o;
	int err = MSL_OPTS(o, opts);

	*ring = NULL;
	if (!err)
		err = ring_args(&args, &o);
	if (!err)
		err = space->home->ring_open(space, &args, ring);
	if (err)
		return err;
	(*ring)->replay.open = o.flags & MMSB_RING_REPLAY;
	(*ring)->replay.compare = o.compare ? o.compare : 1;
	return 0;
}

int msl_ring_init(struct mmsb_ring *ring, struct mmsb_space *space, const struct mmsb_ring_open_args *args, const void *engine,
		  void *client)
{
	ring->home = space->home;
	ring->space = space;
	ring->engine = engine;
	ring->client = client;
	ring->cqes = (const struct mmsb_cqe *)((const uint8_t *)engine + MMSB_RING_HEADER);
	ring->sqes = (struct mmsb_sqe *)((uint8_t *)client + MMSB_RING_HEADER);
	ring->payload = (uint8_t *)client + args->payload_offset;
	ring->payload_bytes = args->payload_bytes;
	ring->sq_entries = args->sq_entries;
	ring->cq_entries = args->cq_entries;
	ring->polled = args->flags & MMSB_RING_POLLED;
	msl_space_get(space);
	return 0;
}

void msl_ring_fini(struct mmsb_ring *ring)
{
	free(ring->tags.tag);
	msl_images_free(ring);
	msl_space_put(ring->space);
}

void mmsb_ring_close(struct mmsb_ring *ring)
{
	if (ring)
		ring->home->ring_close(ring);
}

int mmsb_ring_fd(const struct mmsb_ring *ring)
{
	return ring->home->ring_fd(ring);
}

void *mmsb_payload(struct mmsb_ring *ring, size_t *bytes)
{
	if (bytes)
		*bytes = ring->payload_bytes;
	return ring->payload_bytes ? ring->payload : NULL;
}

/* ------------------------------------------------------------------------------------------------------- submission */

static uint32_t sq_room(struct mmsb_ring *ring)
{
	uint32_t room = ring->sq_entries - (ring->sq_tail - ring->sq_head);

	if (msl_unlikely(room == 0)) {
		ring->sq_head = msl_sq_head(ring->engine);
		room = ring->sq_entries - (ring->sq_tail - ring->sq_head);
	}
	return room;
}

struct mmsb_sqe *mmsb_get_sqe(struct mmsb_ring *ring)
{
	struct mmsb_sqe *sqe;

	if (msl_unlikely(sq_room(ring) == 0))
		return NULL;
	sqe = &ring->sqes[ring->sq_tail++ & (ring->sq_entries - 1)];
	memset(sqe, 0, sizeof(*sqe));
	return sqe;
}

unsigned int mmsb_get_sqes(struct mmsb_ring *ring, struct mmsb_sqe **first, unsigned int n)
{
	uint32_t at = ring->sq_tail & (ring->sq_entries - 1);
	uint32_t room = sq_room(ring);

	if (room > ring->sq_entries - at)
		room = ring->sq_entries - at;
	if (n > room)
		n = room;
	*first = &ring->sqes[at];
	ring->sq_tail += n;
	return n;
}

unsigned int mmsb_sq_space(const struct mmsb_ring *ring)
{
	return ring->sq_entries - (ring->sq_tail - msl_sq_head(ring->engine));
}

/* Something was published that the engine has not taken yet. */
static bool sq_pending(struct mmsb_ring *ring)
{
	if (ring->sq_head != ring->sq_sent)
		ring->sq_head = msl_sq_head(ring->engine);
	return ring->sq_head != ring->sq_sent;
}

static int ring_wake(struct mmsb_ring *ring)
{
	msl_barrier_before_flags();
	if (msl_unlikely(msl_load(ring->engine->flags) & MMSB_RING_NEED_WAKEUP))
		return ring->home->ring_enter(ring, 0, 0);
	return 0;
}

static int fail_broken(struct mmsb_ring *ring)
{
	enum mmsb_reason reason = msl_load(ring->engine->reason);

	msl_fail_reason(reason);
	return -EPIPE;
}

/* What can be swept is swept before, for a completion that comes after may be the one that a helper is about to look for. */
int msl_ring_flush(struct mmsb_ring *ring)
{
	if (msl_unlikely(msl_tags_used(&ring->tags)))
		msl_ring_sweep(ring);
	if (ring->sq_sent != ring->sq_tail) {
		if (msl_unlikely(ring->tags.sent != ring->tags.tail))
			msl_tags_send(ring);
		ring->sq_sent = ring->sq_tail;
		msl_sq_publish(ring->client, ring->sq_tail);
	} else if (!sq_pending(ring)) {
		return 0;
	}
	return ring->polled ? ring_wake(ring) : ring->home->ring_enter(ring, 0, 0);
}

int mmsb_submit(struct mmsb_ring *ring)
{
	uint32_t n = ring->sq_tail - ring->sq_sent;
	int err = msl_ring_flush(ring);

	return msl_unlikely(err) ? err : (int)n;
}

/* ------------------------------------------------------------------------------------------------------- completion */

uint32_t msl_ring_arrived(struct mmsb_ring *ring)
{
	ring->cq_tail = msl_cq_tail(ring->engine);
	return ring->cq_tail;
}

static bool cq_empty(struct mmsb_ring *ring)
{
	return ring->cq_head == ring->cq_tail && ring->cq_head == msl_ring_arrived(ring);
}

/* Tells the engine how far we have reaped. */
static void cq_give_back(struct mmsb_ring *ring)
{
	if (ring->cq_given == ring->cq_head)
		return;
	ring->cq_given = ring->cq_head;
	msl_cq_give_back(ring->client, ring->cq_head);
	if (ring->polled && sq_pending(ring))
		ring_wake(ring);
}

/*
 * Takes what stands at the head of the queue if nobody waits for it, and returns true; false: it is the caller's, whose tag, if it
 * has one, is in *tag.
 */
static bool cq_swallow_one(struct mmsb_ring *ring, struct msl_tag **tag)
{
	const struct mmsb_cqe *cqe = &ring->cqes[ring->cq_head & (ring->cq_entries - 1)];

	*tag = msl_tag_of(ring, cqe);
	if (!*tag || !msl_tag_swallows(*tag, cqe))
		return false;
	ring->cq_head++;
	msl_tag_done(ring, *tag);
	return true;
}

void msl_ring_sweep(struct mmsb_ring *ring)
{
	struct msl_tag *tag;

	while (!cq_empty(ring) && cq_swallow_one(ring, &tag))
		;
	cq_give_back(ring);
}

/* Copies the next completion that is the caller's. */
static bool cq_take(struct mmsb_ring *ring, struct mmsb_cqe *cqe)
{
	struct msl_tag *tag = NULL;

	do {
		if (cq_empty(ring))
			return false;
	} while (msl_unlikely(msl_tags_used(&ring->tags)) && cq_swallow_one(ring, &tag));
	*cqe = ring->cqes[ring->cq_head++ & (ring->cq_entries - 1)];
	if (msl_unlikely(msl_tags_used(&ring->tags)) && tag) {
		cqe->user_data = tag->user_data;
		msl_tag_done(ring, tag);
	}
	return true;
}

static unsigned int cq_take_many(struct mmsb_ring *ring, struct mmsb_cqe *cqes, unsigned int max)
{
	unsigned int n = 0;

	while (n < max && cq_take(ring, &cqes[n]))
		n++;
	cq_give_back(ring);
	return n;
}

/* An inline ring that stood still for want of room for completions goes on once some have been reaped. */
unsigned int mmsb_peek_cqes(struct mmsb_ring *ring, struct mmsb_cqe *cqes, unsigned int max)
{
	unsigned int n = cq_take_many(ring, cqes, max);

	if (n || ring->polled || !sq_pending(ring))
		return n;
	ring->home->ring_enter(ring, 0, 0);
	return cq_take_many(ring, cqes, max);
}

int mmsb_peek_cqe(struct mmsb_ring *ring, struct mmsb_cqe *cqe)
{
	if (msl_likely(mmsb_peek_cqes(ring, cqe, 1)))
		return 1;
	return msl_load(ring->engine->flags) & MMSB_RING_BROKEN ? fail_broken(ring) : 0;
}

/* ---------------------------------------------------------------------------------------------------------- waiting */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

struct msl_deadline msl_deadline(uint64_t timeout_ns)
{
	struct msl_deadline deadline = { timeout_ns };
	uint64_t now;

	if (timeout_ns && timeout_ns != MMSB_FOREVER) {
		now = now_ns();
		deadline.at = now + timeout_ns < now ? MMSB_FOREVER : now + timeout_ns;
	}
	return deadline;
}

uint64_t msl_deadline_left(const struct msl_deadline *deadline)
{
	uint64_t now;

	if (deadline->at == 0 || deadline->at == MMSB_FOREVER)
		return deadline->at;
	now = now_ns();
	return now < deadline->at ? deadline->at - now : 0;
}

/* Where there is no second CPU the poller cannot answer while we look. */
static bool spin_is_of_use(void)
{
	static int cpus;
	int n = __atomic_load_n(&cpus, __ATOMIC_RELAXED);

	if (!n) {
		n = (int)sysconf(_SC_NPROCESSORS_ONLN);
		__atomic_store_n(&cpus, n, __ATOMIC_RELAXED);
	}
	return n > 1;
}

static bool ring_spin(struct mmsb_ring *ring, uint32_t unreaped)
{
	uint64_t end = 0;
	int i;

	if (!ring->polled || !spin_is_of_use())
		return false;
	for (;;) {
		for (i = 0; i < 64; i++) {
			if (msl_ring_unreaped(ring) >= unreaped)
				return true;
			msl_pause();
		}
		if (!end)
			end = now_ns() + SPIN_NS;
		else if (now_ns() >= end)
			return false;
	}
}

/* What an inline ring waits for has been applied, so it is the log that is waited for. */
static bool ring_help(struct mmsb_ring *ring, uint32_t unreaped)
{
	while (msl_log_help(ring->space))
		if (msl_ring_unreaped(ring) >= unreaped)
			return true;
	return false;
}

int msl_ring_sleep(struct mmsb_ring *ring, uint32_t unreaped, const struct msl_deadline *deadline)
{
	int err;

	if (unreaped > ring->cq_entries)
		unreaped = ring->cq_entries;
	if (msl_ring_unreaped(ring) >= unreaped || (deadline->at && ring_spin(ring, unreaped)))
		return 0;
	if (msl_unlikely(msl_load(ring->space->log)) && !ring->polled && deadline->at && ring_help(ring, unreaped))
		return 0;
	err = ring->home->ring_enter(ring, unreaped, msl_deadline_left(deadline));
	if (err == -ETIME)
		msl_fail(ETIME, "the time is up before %u completions came", unreaped);
	return err;
}

int msl_ring_sleep_for_room(struct mmsb_ring *ring, const struct msl_deadline *deadline)
{
	int err;

	while (!mmsb_sq_space(ring)) {
		msl_ring_sweep(ring);
		if (msl_ring_unreaped(ring) >= ring->cq_entries)
			/* Space is looked for again: the delta that filled the one queue has made room in the other. */
			return mmsb_sq_space(ring) ? 0 : msl_fail(EBUSY, "both queues are full: reap");
		err = ring->home->ring_enter_for_room(ring, msl_deadline_left(deadline));
		if (err == -ETIME)
			return msl_fail(ETIME, "the time is up before a submission entry became free");
		if (err)
			return err;
	}
	return 0;
}

int mmsb_sq_wait(struct mmsb_ring *ring, uint64_t timeout_ns)
{
	struct msl_deadline deadline = msl_deadline(timeout_ns);
	int err = msl_ring_flush(ring);

	return err ? err : msl_ring_sleep_for_room(ring, &deadline);
}

int mmsb_wait_cqe(struct mmsb_ring *ring, struct mmsb_cqe *cqe, uint64_t timeout_ns)
{
	struct msl_deadline deadline;
	int n = mmsb_peek_cqe(ring, cqe), err;

	if (n)
		return n > 0 ? 0 : n;
	deadline = msl_deadline(timeout_ns);
	for (;;) {
		err = msl_ring_sleep(ring, 1, &deadline);
		n = mmsb_peek_cqe(ring, cqe);
		if (n)
			return n > 0 ? 0 : n;
		if (err)
			return err;
	}
}

/* Unreaped completions that will be handed to the caller. */
static uint32_t cq_visible(struct mmsb_ring *ring)
{
	uint32_t tail = msl_ring_arrived(ring), at, n = 0;

	if (!msl_tags_used(&ring->tags))
		return tail - ring->cq_head;
	for (at = ring->cq_head; at != tail; at++) {
		const struct mmsb_cqe *cqe = &ring->cqes[at & (ring->cq_entries - 1)];
		struct msl_tag *tag = msl_tag_of(ring, cqe);

		n += !tag || !msl_tag_swallows(tag, cqe);
	}
	return n;
}

int mmsb_submit_and_wait(struct mmsb_ring *ring, unsigned int min_complete, uint64_t timeout_ns)
{
	struct msl_deadline deadline = { 0 };
	int n = mmsb_submit(ring), err;
	uint32_t visible;

	if (n < 0 || !min_complete)
		return n;
	if (min_complete > ring->cq_entries)
		return msl_fail(EINVAL, "%u completions do not fit the completion queue of %u", min_complete, ring->cq_entries);
	for (;;) {
		msl_ring_sweep(ring);
		visible = cq_visible(ring);
		if (visible >= min_complete)
			return n;
		if (!deadline.at)
			deadline = msl_deadline(timeout_ns);
		err = msl_ring_sleep(ring, ring->cq_tail - ring->cq_head + min_complete - visible, &deadline);
		if (err)
			return cq_visible(ring) >= min_complete ? n : err;
	}
}
