// SPDX-License-Identifier: GPL-2.0-only
/*
 * Not a test: work whose every number is known, for bed/trace to watch. In one space of one shard it has three rings make, in this order: 7
 * deltas one by one, 100 adds in 10 batches, which a copy follows and a slice does not show, 3 refused ones, 5 that wake a sleeping
 * poller, a queue that nobody reaps, and a log whose writer reports once.
 *
 * `tracework pass` has 256 adds taken in one pass of several batches instead, which one long wave follows, and 3 deltas before that.
 */
#include <sched.h>
#include "common/home.h"
#include "ring.h"

static struct mmsb_space *space;
static struct mmsb_ring *ring;
static uint64_t page[4];

static bool open_all(void)
{
	struct mmsb *mmsb;
	unsigned int i;

	if (mmsb_open(&mmsb, NULL) || mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE, .shards = 1), &space) ||
	    mmsb_ring_open(space, NULL, &ring))
		return false;
	for (i = 0; i < 4; i++)
		if (mmsb_create(ring, 64, &page[i]))
			return false;
	return !mmsb_derive_fold(ring, page[1], MMSB_RULE_COPY, 0, page, NULL, 1, NULL) &&
	       !mmsb_derive_slice(ring, page[2], page[0], 32, 32, NULL) && !mmsb_add(ring, page[3], 0, 1, NULL);
}

static bool reap(struct mmsb_ring *from, unsigned int n)
{
	struct mmsb_cqe cqe;

	while (n--)
		if (mmsb_wait_cqe(from, &cqe, PATIENCE))
			return false;
	return true;
}

static bool add_in_batches(void)
{
	unsigned int batch, i;

	for (batch = 0; batch < 10; batch++) {
		for (i = 0; i < 10; i++)
			mmsb_prep_add(mmsb_get_sqe(ring), page[0], 0, 1);
		if (mmsb_submit(ring) != 10 || !reap(ring, 10))
			return false;
	}
	return true;
}

static bool be_refused(void)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		if (mmsb_add(ring, MMSB_PAGE_ID(1, 999), 0, 1, NULL) != -ENOENT)
			return false;
	return true;
}

static bool wake_the_poller(void)
{
	struct mmsb_ring *polled;
	unsigned int i;

	if (mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_POLLED), &polled))
		return false;
	for (i = 0; i < 5; i++) {
		while (!(__atomic_load_n(&polled->engine->flags, __ATOMIC_ACQUIRE) & MMSB_RING_NEED_WAKEUP))
			sched_yield();
		usleep(2000);
		if (mmsb_add(polled, page[3], 0, 1, NULL))
			return false;
	}
	mmsb_ring_close(polled);
	return true;
}

static bool reap_late(void)
{
	struct mmsb_ring *small;
	unsigned int i;

	if (mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .sq_entries = 4, .cq_entries = 4), &small))
		return false;
	for (i = 0; i < 6; i++) {
		mmsb_prep_nop(mmsb_get_sqe(small));
		if (mmsb_submit(small) != 1)
			return false;
		while (i < 4 && mmsb_sq_space(small) < 4)	/* the poller may have the shard in hand */
			sched_yield();
	}
	if (!reap(small, 6))
		return false;
	mmsb_ring_close(small);
	return true;
}

static bool log_some(void)
{
	const struct mmsb_record *record;
	struct mmsb_history *log;
	uint64_t bound = 0;
	unsigned int i;

	if (mmsb_history_open(space, MMSB_OPTS(struct mmsb_history_opts, .flags = MMSB_HISTORY_LOG, .mode = MMSB_BUFFERED, .log_id = { 7, 11 }), &log))
		return false;
	for (i = 0; i < 3; i++)
		if (mmsb_add(ring, page[3], 0, 1, NULL))
			return false;
	while (!mmsb_history_next(log, &record, 0))
		if (record->type == MMSB_RECORD_BOUND)
			bound = record->tick;
	return !mmsb_history_durable(log, 0, bound);
}

static bool add_in_a_pass(void)
{
	struct mmsb *mmsb;
	unsigned int i;

	if (mmsb_open(&mmsb, NULL) || mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE, .shards = 1), &space) ||
	    mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .sq_entries = 256), &ring) || mmsb_create(ring, 1 << 20, &page[0]) ||
	    mmsb_create(ring, 1 << 20, &page[1]) || mmsb_derive_fold(ring, page[1], MMSB_RULE_COPY, 0, page, NULL, 1, NULL))
		return false;
	for (i = 0; i < 256; i++)
		mmsb_prep_add(mmsb_get_sqe(ring), page[0], 4096 * i, 1);
	return mmsb_submit(ring) == 256 && reap(ring, 256);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "pass") && add_in_a_pass())
		return 0;
	if (argc == 1 && open_all() && add_in_batches() && be_refused() && wake_the_poller() && reap_late() && log_some())
		return 0;
	fprintf(stderr, "tracework: %s\n", mmsb_strerror_last());
	return 1;
}
