// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one writer or reader of mmsb demo does. See demo.h for the pages.
 *
 * A writer submits batches in which only the last delta asks for a completion; a delta that
 * fails asks for none and gets one all the same, so at the end, with the ring drained, silence means success. Now and then it lets its ring run empty and times one delta from before its
 * submission until a plain read shows it. A reader looks at the bytes in place and asks afterwards whether what it saw was one
 * version; only if that fails for long does it take the slow read, which always succeeds.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "demo.h"

#define PROBE_EVERY	64u		/* batches between two timed deltas */
#define PATIENCE	10000000000ULL	/* ns without a completion, then something is wrong */
#define READER_NAP	20u		/* us, where CPUs are short, */
#define READER_ROUNDS	8u		/* between so many rounds over all pages */
#define SLOW_READ	1000u		/* failed looks before the slow read */

uint64_t demo_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void bump(uint64_t *counter, uint64_t by)
{
	__atomic_store_n(counter, *counter + by, __ATOMIC_RELAXED);
}

static bool running(const struct demo *demo)
{
	return __atomic_load_n(&demo->phase, __ATOMIC_ACQUIRE) == DEMO_RUN;
}

static void give_up(struct demo_worker *worker, const char *what, int err)
{
	if (!*worker->error)
		snprintf(worker->error, sizeof(worker->error), "%s: %s", what, err == -ETIME ?
			 "no completion came for 10 s" : mmsb_strerror_last());
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* ---------------------------------------------------------------------------------------------------------- writer */

struct writer {
	struct demo *demo;
	struct demo_worker *me;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	unsigned int under_way;		/* batches */
	uint64_t random, fills;
};

static void report_failed(struct writer *w, const struct mmsb_cqe *cqe)
{
	snprintf(w->me->error, sizeof(w->me->error), "a delta failed: %s", mmsb_reason_text(cqe->reason));
}

/*
 * Reaps one completion: of a batch, or of a delta that failed. If there is none, sleeps until half of what is under way is done,
 * so as not to be woken for each.
 */
static bool reap(struct writer *w)
{
	struct mmsb_cqe cqe;
	int err = mmsb_peek_cqe(w->ring, &cqe);

	if (!err) {
		err = mmsb_submit_and_wait(w->ring, w->under_way / 2 + 1, PATIENCE);
		err = err < 0 ? err : mmsb_peek_cqe(w->ring, &cqe);
	}
	if (err <= 0) {
		give_up(w->me, "waiting for a completion", err ?: -ETIME);
		return false;
	}
	if (cqe.result) {
		report_failed(w, &cqe);
		return false;
	}
	w->under_way--;
	bump(&w->me->adds, DEMO_BATCH - 1);
	bump(&w->me->fills, 1);
	bump(&w->me->batches, 1);
	return true;
}

/* A number that no other fill has, in any writer. */
static uint64_t fill_number(struct writer *w)
{
	return ++w->fills * DEMO_WORKERS + w->me->number;
}

/* A poller may complete a delta before it says that its entry is free; then the ring looks full for a moment. */
static struct mmsb_sqe *next_entry(struct writer *w)
{
	struct mmsb_sqe *sqe = mmsb_get_sqe(w->ring);
	uint64_t start;

	if (sqe)
		return sqe;
	for (start = demo_now(); !sqe && demo_now() - start < PATIENCE; sqe = mmsb_get_sqe(w->ring))
		sched_yield();
	if (!sqe)
		snprintf(w->me->error, sizeof(w->me->error), "the ring was full for 10 s");
	return sqe;
}

static bool submit_batch(struct writer *w)
{
	struct mmsb_sqe *sqe;
	unsigned int i;
	int err;

	for (i = 0; i < DEMO_BATCH; i++) {
		sqe = next_entry(w);
		if (!sqe)
			return false;
		if (i + 1 < DEMO_BATCH) {
			mmsb_prep_add(sqe, w->demo->counter[next_random(&w->random) % DEMO_COUNTERS], 0, 1);
			mmsb_sqe_quiet(sqe);
		} else {
			mmsb_prep_fill(sqe, w->demo->banner[next_random(&w->random) % DEMO_BANNERS], 0, DEMO_BANNER,
				       MMSB_LANE_U64, fill_number(w));
		}
	}
	err = mmsb_submit(w->ring);
	if (err < 0) {
		give_up(w->me, "submitting", err);
		return false;
	}
	w->under_way++;
	return true;
}

static bool reap_down_to(struct writer *w, unsigned int left)
{
	while (w->under_way > left)
		if (!reap(w))
			return false;
	return true;
}

/* With nothing else of ours under way: submits one delta, and looks until a plain read shows it. Returns ns; 0: it failed. */
static uint64_t visible_after(struct writer *w)
{
	uint64_t page = w->demo->probe[w->me->number], before = 0, seen = 0, start;
	struct mmsb_sqe *sqe = next_entry(w);
	unsigned int tries;
	ssize_t got;
	int err;

	if (!sqe)
		return 0;
	got = mmsb_read(w->space, page, 0, &before, sizeof(before), NULL);
	mmsb_prep_add(sqe, page, 0, 1);
	mmsb_sqe_quiet(sqe);
	start = demo_now();
	err = mmsb_submit(w->ring);
	for (tries = 1; got > 0 && err >= 0 && seen <= before && demo_now() - start < PATIENCE; tries++) {
		got = mmsb_read(w->space, page, 0, &seen, sizeof(seen), NULL);
		if (tries % 32 == 0)
			sched_yield();
	}
	if (seen <= before) {
		give_up(w->me, "waiting to see a delta", got > 0 && err >= 0 ? -ETIME : -EIO);
		return 0;
	}
	bump(&w->me->adds, 1);
	bump(&w->me->batches, 1);
	return demo_now() - start;
}

/* Our waiting may have let the poller fall asleep; the first delta wakes it, the second is timed. */
static bool probe(struct writer *w)
{
	uint64_t ns = visible_after(w) ? visible_after(w) : 0;

	if (ns)
		hist_add(&w->me->visible, ns);
	return ns;
}

static void write_until_stopped(struct writer *w)
{
	struct mmsb_cqe cqe;
	uint64_t rounds;
	int err;

	for (rounds = 0; running(w->demo); rounds++) {
		if (!submit_batch(w) || !reap_down_to(w, DEMO_WINDOW - 1))
			return;
		if (rounds % PROBE_EVERY == 0 && (!reap_down_to(w, 0) || !probe(w)))
			return;
	}
	if (!reap_down_to(w, 0))
		return;
	err = mmsb_drain(w->ring, PATIENCE);
	if (err)
		give_up(w->me, "draining the ring", err);
	else if (mmsb_peek_cqe(w->ring, &cqe) > 0)
		report_failed(w, &cqe);
}

static void write_all(struct demo *demo, struct demo_worker *me, struct mmsb_space *space)
{
	struct writer w = { .demo = demo, .me = me, .space = space, .random = 0x9e3779b97f4a7c15ULL * (me->number + 1) };
	int err;

	err = mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .sq_entries = DEMO_BATCH * DEMO_WINDOW,
					      .payload_bytes = MMSB_NO_PAYLOAD, .source = me->number + 1,
					      .flags = demo->polled ? MMSB_RING_POLLED : 0), &w.ring);
	if (err) {
		give_up(me, "opening a ring", err);
		return;
	}
	write_until_stopped(&w);
	mmsb_ring_close(w.ring);
}

/* ---------------------------------------------------------------------------------------------------------- reader */

/* The words may change while they are looked at; that is what view_end() is asked about. */
static bool all_equal(const void *data, unsigned int bytes)
{
	const uint64_t *words = data;
	uint64_t first = __atomic_load_n(words, __ATOMIC_RELAXED), differ = 0;
	unsigned int i;

	for (i = 1; i < bytes / 8; i++)
		differ |= __atomic_load_n(&words[i], __ATOMIC_RELAXED) ^ first;
	return !differ;
}

/* Adds to *again the looks that had to be done again. 0, or a negative errno. */
static int look(struct mmsb_space *space, uint64_t page, uint64_t *number, uint64_t *epoch, bool *equal, uint64_t *again)
{
	uint64_t copy[DEMO_BANNER / 8];
	struct mmsb_view view;
	unsigned int tries;
	ssize_t got;
	int err;

	for (tries = 0; tries < SLOW_READ; tries++) {
		err = mmsb_view_begin(space, page, &view);
		if (err && err != -EAGAIN)
			return err;
		if (!err) {
			*number = __atomic_load_n((const uint64_t *)view.data, __ATOMIC_RELAXED);
			*equal = view.length == 64 || all_equal(view.data, view.length);
			*epoch = view.epoch;
			if (mmsb_view_end(&view))
				return 0;
		}
		(*again)++;
	}
	got = mmsb_read(space, page, 0, copy, sizeof(copy), epoch);
	if (got < 0)
		return (int)got;
	*number = copy[0];
	*equal = got == 64 || all_equal(copy, (unsigned int)got);
	return 0;
}

/* A reader never sees a page go back: neither its epoch nor, in a counter, its number. */
struct seen {
	uint64_t number, epoch;
};

static bool read_one(struct demo *demo, struct demo_worker *me, struct mmsb_space *space, struct seen *seen, unsigned int at)
{
	bool banner = at >= DEMO_COUNTERS, equal = true;
	uint64_t page = banner ? demo->banner[at - DEMO_COUNTERS] : demo->counter[at];
	uint64_t number = 0, epoch = 0, again = 0;
	int err = look(space, page, &number, &epoch, &equal, &again);

	if (err) {
		give_up(me, "reading", err);
		return false;
	}
	if (!equal || epoch < seen->epoch || (!banner && number < seen->number))
		bump(&me->torn, 1);
	if (again)
		bump(&me->again, again);
	seen->number = number;
	seen->epoch = epoch;
	return true;
}

static void read_all(struct demo *demo, struct demo_worker *me, struct mmsb_space *space)
{
	struct seen seen[DEMO_COUNTERS + DEMO_BANNERS] = { 0 };
	unsigned int i, rounds;

	for (rounds = 1; running(demo); rounds++) {
		for (i = 0; i < DEMO_COUNTERS + DEMO_BANNERS; i++)
			if (!read_one(demo, me, space, &seen[i], i))
				return;
		bump(&me->reads, DEMO_COUNTERS + DEMO_BANNERS);
		if (demo->crowded && rounds % READER_ROUNDS == 0)
			usleep(READER_NAP);
	}
}

/* ------------------------------------------------------------------------------------------------------------ both */

static void wait_for_start(const struct demo *demo)
{
	while (__atomic_load_n(&demo->phase, __ATOMIC_ACQUIRE) == DEMO_WAIT)
		usleep(1000);
}

void demo_work(struct demo *demo, struct demo_worker *worker, struct mmsb_space *space)
{
	wait_for_start(demo);
	if (worker->writer)
		write_all(demo, worker, space);
	else
		read_all(demo, worker, space);
	__atomic_store_n(&worker->done, 1, __ATOMIC_RELEASE);
}

void demo_work_alone(struct demo *demo, struct demo_worker *worker)
{
	struct mmsb_space *space;
	struct mmsb *mmsb;
	int err;

	wait_for_start(demo);
	err = mmsb_open(&mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = "kernel", .device = demo->device));
	if (err) {
		give_up(worker, "opening the kernel home", err);
		return;
	}
	err = mmsb_space_open(mmsb, demo->name, MMSB_OPTS(struct mmsb_space_opts,
							  .flags = worker->writer ? 0 : MMSB_SPACE_READ_ONLY), &space);
	if (err) {
		give_up(worker, "opening the space", err);
	} else {
		demo_work(demo, worker, space);
		mmsb_space_close(space);
	}
	mmsb_close(mmsb);
}
