// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many producers, pollers and inline callers on the same shards at once, with readers, waiters, hash and statistics in between: what
 * TSan and KCSAN want to see. At the end every sum must be what was sent.
 */
#include <pthread.h>
#include <sched.h>
#include "common/harness.h"
#include "common/home.h"

#define SHARDS		3
#define PRODUCERS	6
#define PAGES		(2 * SHARDS)

FIXTURE(threads) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	uint64_t page[PAGES];
};

FIXTURE_VARIANT(threads) {
	uint32_t space_flags;
	bool mixed;		/* every other ring is polled */
};

FIXTURE_VARIANT_ADD(threads, inline) { .space_flags = MMSB_SPACE_INLINE };
FIXTURE_VARIANT_ADD(threads, mixed) { .mixed = true };

FIXTURE_SETUP(threads)
{
	struct mmsb_ring *ring;
	unsigned int i;

	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = SHARDS,
				     .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | variant->space_flags), &self->space)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	for (i = 0; i < PAGES; i++) {
		ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = i % SHARDS + 1), &ring));
		ASSERT_EQ(0, mmsb_create(ring, 64 + 300 * i, &self->page[i]));
		mmsb_ring_close(ring);
	}
}

FIXTURE_TEARDOWN(threads)
{
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

struct job {
	struct mmsb_space *space;
	const uint64_t *page;
	uint32_t number, flags;
	uint64_t count;
	const bool *stop;
	int ret;
	pthread_t thread;
};

static void *produce(void *arg)
{
	struct job *job = arg;
	struct rng rng = { .state = job->number };
	uint64_t sent = 0, done = 0;
	struct mmsb_ring *ring;
	struct mmsb_sqe *sqe;
	struct mmsb_cqe cqe;

	job->ret = mmsb_ring_open(job->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = job->flags, .sq_entries = 32,
				  .shard = job->number % SHARDS + 1), &ring);
	if (job->ret)
		return NULL;
	while (done < job->count && !job->ret) {
		while (sent < job->count && !rng_once_in(&rng, 20) && (sqe = mmsb_get_sqe(ring))) {
			mmsb_prep_add(sqe, job->page[sent % PAGES], 8 * (job->number % 8), 1);
			sent++;
		}
		job->ret = mmsb_submit(ring);
		job->ret = job->ret < 0 ? job->ret : 0;
		while (!job->ret && done < sent && mmsb_peek_cqe(ring, &cqe) == 1) {
			job->ret = cqe.result;
			done++;
		}
		if (!job->ret && done < sent && rng_once_in(&rng, 4)) {
			job->ret = mmsb_wait_cqe(ring, &cqe, PATIENCE);
			job->ret = job->ret ?: cqe.result;
			done++;
		}
	}
	mmsb_ring_close(ring);
	return NULL;
}

/* Looks at everything that may be looked at, by turns. */
static void *look(void *arg)
{
	struct job *job = arg;
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	struct mmsb_page_info pages[2];
	uint64_t words[8], kept[2], cursor, i;
	void *to[2] = { &words[0], &words[4] };
	size_t len[2] = { 32, 32 };
	int results[2];

	for (i = 0; !job->ret && !__atomic_load_n(job->stop, __ATOMIC_RELAXED); i++) {
		switch ((i + job->number) % 6) {
		case 0:
			job->ret = mmsb_read(job->space, job->page[i % PAGES], 0, words, 64, NULL) == 64 ? 0 : -EIO;
			break;
		case 1:
			job->ret = mmsb_snapshot(job->space, &job->page[i % (PAGES - 1)], 2, to, len, pages, results, NULL);
			break;
		case 2:
			job->ret = mmsb_hash(job->space, i % 12 ? 0 : MMSB_HASH_RECOMPUTE, kept, NULL);
			break;
		case 3:
			job->ret = mmsb_wait(job->space, job->page[i % PAGES], i, SECOND / 1000, NULL);
			job->ret = job->ret == -ETIME ? 0 : job->ret;
			break;
		case 4:
			job->ret = mmsb_space_info(job->space, &info);
			break;
		default:
			for (cursor = 0; !mmsb_page_next(job->space, &cursor, &pages[0]);)
				;
		}
	}
	return NULL;
}

/* Makes and destroys pages, and opens and closes rings, beside the others. */
static void *churn(void *arg)
{
	struct job *job = arg;
	struct mmsb_ring *ring;
	uint64_t page, i;

	for (i = 0; !job->ret && !__atomic_load_n(job->stop, __ATOMIC_RELAXED); i++) {
		job->ret = mmsb_ring_open(job->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = i & 1 ? job->flags : 0,
					  .sq_entries = 8, .shard = i % SHARDS + 1), &ring);
		if (job->ret)
			break;
		job->ret = mmsb_create(ring, 64 << i % 12, &page);
		job->ret = job->ret ?: mmsb_add(ring, page, 0, 1, NULL);
		job->ret = job->ret ?: i % 3 ? mmsb_destroy(ring, page) : 0;
		mmsb_ring_close(ring);
		if (!job->ret && i % 3 == 0) {
			job->ret = mmsb_ring_open(job->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = (i + 1) % SHARDS + 1), &ring);
			job->ret = job->ret ?: mmsb_destroy(ring, page);
			mmsb_ring_close(ring);
		}
	}
	return NULL;
}

TEST_F_TIMEOUT(threads, sums, 240)
{
	uint64_t count = scaled(100000) / PAGES * PAGES + PAGES, kept[2], fresh[2], sum = 0, words[8], seen = 0;
	struct job producers[PRODUCERS], others[3];
	bool stop = false;
	unsigned int i, k;

	for (i = 0; i < 3; i++) {
		others[i] = (struct job){ .space = self->space, .page = self->page, .number = i, .stop = &stop,
					  .flags = variant->mixed ? MMSB_RING_POLLED : 0 };
		ASSERT_EQ(0, pthread_create(&others[i].thread, NULL, i < 2 ? look : churn, &others[i]));
	}
	for (i = 0; i < PRODUCERS; i++) {
		producers[i] = (struct job){ .space = self->space, .page = self->page, .number = i, .count = count,
					     .flags = variant->mixed && i & 1 ? MMSB_RING_POLLED : 0 };
		ASSERT_EQ(0, pthread_create(&producers[i].thread, NULL, produce, &producers[i]));
	}
	for (i = 0; i < PRODUCERS; i++) {
		pthread_join(producers[i].thread, NULL);
		EXPECT_EQ(0, producers[i].ret);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < 3; i++) {
		pthread_join(others[i].thread, NULL);
		EXPECT_EQ(0, others[i].ret) {
			TH_LOG("onlooker %u", i);
		}
	}
	for (i = 0; i < PAGES; i++) {
		struct mmsb_page_info info;

		ASSERT_EQ(64, mmsb_read(self->space, self->page[i], 0, words, 64, NULL));
		for (k = 0; k < PRODUCERS; k++) {
			EXPECT_EQ(count / PAGES, words[k]);
			sum += words[k];
		}
		ASSERT_EQ(0, mmsb_page_info(self->space, self->page[i], &info));
		seen += info.epoch;
	}
	EXPECT_EQ(count * PRODUCERS, sum);
	EXPECT_EQ(sum, seen);
	ASSERT_EQ(0, mmsb_hash(self->space, 0, kept, NULL));
	ASSERT_EQ(0, mmsb_hash(self->space, MMSB_HASH_RECOMPUTE, fresh, NULL));
	EXPECT_EQ(0, memcmp(kept, fresh, sizeof(kept)));
}

/* ---------------------------------------------------------------------------------------------------------- hand-over */

/*
 * Callers who come to a shard at the same moment, and not again before all are done: if whoever runs the shard overlooked what
 * another left for him, nobody would come by to see to it.
 */
struct meeting {
	uint32_t arrived, round;
	uint32_t callers;
};

static bool meet(struct meeting *meeting, const bool *over)
{
	uint32_t round = __atomic_load_n(&meeting->round, __ATOMIC_ACQUIRE), looks = 0;

	if (__atomic_add_fetch(&meeting->arrived, 1, __ATOMIC_ACQ_REL) == meeting->callers) {
		__atomic_store_n(&meeting->arrived, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&meeting->round, round + 1, __ATOMIC_RELEASE);
		return true;
	}
	while (__atomic_load_n(&meeting->round, __ATOMIC_ACQUIRE) == round) {
		if (__atomic_load_n(over, __ATOMIC_RELAXED))
			return false;
		if (looks++ > 10000)
			sched_yield();
	}
	return true;
}

struct caller {
	struct mmsb_space *space;
	struct meeting *meeting;
	bool *over;
	uint64_t page, rounds;
	uint32_t shard;
	int ret;
	pthread_t thread;
};

static void *call_together(void *arg)
{
	struct caller *caller = arg;
	struct mmsb_cqe cqe = {};
	struct mmsb_ring *ring;
	uint64_t i;

	caller->ret = mmsb_ring_open(caller->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = caller->shard + 1), &ring);
	for (i = 0; i < caller->rounds && !caller->ret && meet(caller->meeting, caller->over); i++) {
		struct mmsb_sqe *sqe = mmsb_get_sqe(ring);

		mmsb_prep_fill(sqe, caller->page, 0, 64, MMSB_LANE_U64, i + 1);
		caller->ret = mmsb_submit(ring) < 0 ? -EIO : mmsb_wait_cqe(ring, &cqe, 5 * SECOND);
		caller->ret = caller->ret ?: cqe.result;
	}
	if (caller->ret)
		__atomic_store_n(caller->over, true, __ATOMIC_RELAXED);
	mmsb_ring_close(ring);
	return NULL;
}

TEST_F_TIMEOUT(threads, hand_over, 240)
{
	struct meeting meeting = { .callers = 3 };
	struct caller callers[3];
	bool over = false;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		/* two on one shard, the third from another, to a page of the first */
		callers[i] = (struct caller){ .space = self->space, .meeting = &meeting, .over = &over, .page = self->page[0],
					      .rounds = scaled(variant->mixed ? 2000 : 20000), .shard = i / 2 };
		ASSERT_EQ(0, pthread_create(&callers[i].thread, NULL, call_together, &callers[i]));
	}
	for (i = 0; i < 3; i++) {
		pthread_join(callers[i].thread, NULL);
		EXPECT_EQ(0, callers[i].ret);
	}
}

TEST_HARNESS_MAIN
