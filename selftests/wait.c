// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for a page to change: at once if it has, with a timeout, through the page's end, by many at once, and in a race with the change
 * itself, where a lost wake-up would show as a wait that never ends.
 */
#include <pthread.h>
#include <sys/resource.h>
#include "common/harness.h"
#include "common/home.h"

FIXTURE(wait) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint64_t page;
};

FIXTURE_VARIANT(wait) {
	uint32_t space_flags, ring_flags;
	uint32_t ring_shard;
};

FIXTURE_VARIANT_ADD(wait, inline) { .space_flags = MMSB_SPACE_INLINE, .ring_shard = 1 };
FIXTURE_VARIANT_ADD(wait, inline_from_afar) { .space_flags = MMSB_SPACE_INLINE, .ring_shard = 2 };
FIXTURE_VARIANT_ADD(wait, polled) { .ring_flags = MMSB_RING_POLLED, .ring_shard = 1 };
FIXTURE_VARIANT_ADD(wait, polled_from_afar) { .ring_flags = MMSB_RING_POLLED, .ring_shard = 2 };

FIXTURE_SETUP(wait)
{
	struct mmsb_cqe cqe = {};

	self->page = MMSB_PAGE_ID(1, 0);	/* on shard 0, the first */
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 2,
				     .flags = MMSB_SPACE_CREATE | variant->space_flags), &self->space)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = variant->ring_flags,
				    .shard = variant->ring_shard), &self->ring));
	ASSERT_EQ(0, run_op(self->ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = self->page, .len = 64));
	ASSERT_EQ(0, cqe.result);
}

FIXTURE_TEARDOWN(wait)
{
	mmsb_ring_close(self->ring);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

TEST_F(wait, at_once)
{
	uint64_t now = 99;

	ASSERT_EQ(0, mmsb_add(self->ring, self->page, 0, 1, NULL));
	ASSERT_EQ(0, mmsb_add(self->ring, self->page, 0, 1, NULL));
	EXPECT_EQ(0, mmsb_wait(self->space, self->page, 0, 0, &now));
	EXPECT_EQ(2, now);
	EXPECT_EQ(0, mmsb_wait(self->space, self->page, 1, MMSB_FOREVER, NULL));
}

TEST_F(wait, timeout)
{
	uint64_t begun, now = 99;

	EXPECT_EQ(-ETIME, mmsb_wait(self->space, self->page, 0, 0, &now));
	begun = now_ns();
	EXPECT_EQ(-ETIME, mmsb_wait(self->space, self->page, 0, SECOND / 10, &now));
	EXPECT_LE(SECOND / 10, now_ns() - begun);
	EXPECT_GT(20 * SECOND, now_ns() - begun);
	EXPECT_EQ(-ETIME, mmsb_wait(self->space, self->page, ~0ull, SECOND / 100, &now));
	EXPECT_EQ(-ENOENT, mmsb_wait(self->space, MMSB_PAGE_ID(1, 500), 0, SECOND, &now));
	EXPECT_EQ(-ENOENT, mmsb_wait(self->space, 0, 0, MMSB_FOREVER, &now));
}

struct waiter {
	struct mmsb_space *space;
	uint64_t page, epoch, now;
	int ret;
	long slept;
	pthread_t thread;
};

static void *wait_once(void *arg)
{
	struct waiter *waiter = arg;

	struct rusage usage;

	waiter->ret = mmsb_wait(waiter->space, waiter->page, waiter->epoch, PATIENCE, &waiter->now);
	if (!getrusage(RUSAGE_THREAD, &usage))
		waiter->slept = usage.ru_nvcsw;
	return NULL;
}

TEST_F(wait, many_are_woken)
{
	struct waiter waiters[8];
	unsigned int i;

	for (i = 0; i < 8; i++) {
		waiters[i] = (struct waiter){ .space = self->space, .page = self->page, .epoch = i };
		ASSERT_EQ(0, pthread_create(&waiters[i].thread, NULL, wait_once, &waiters[i]));
	}
	usleep(50000);
	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, mmsb_add(self->ring, self->page, 0, 1, NULL));
	for (i = 0; i < 8; i++) {
		pthread_join(waiters[i].thread, NULL);
		EXPECT_EQ(0, waiters[i].ret);
		EXPECT_LT(i, waiters[i].now);
	}
}

/*
 * A thousand, each for a page of its own: all are woken, and few by what happened to others' pages, which shows in how often they went
 * to sleep.
 */
TEST_F_TIMEOUT(wait, thousands, 200)
{
	unsigned int n = scaled(900) + 100, i;
	struct waiter *waiters = calloc(n, sizeof(*waiters));
	pthread_attr_t attr;
	long slept = 0;

	ASSERT_NE(NULL, waiters);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 << 10);
	for (i = 0; i < n; i++) {
		waiters[i] = (struct waiter){ .space = self->space };
		ASSERT_EQ(0, mmsb_create(self->ring, 64, &waiters[i].page));
		ASSERT_EQ(0, pthread_create(&waiters[i].thread, &attr, wait_once, &waiters[i]));
	}
	usleep(200000);
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, mmsb_add(self->ring, waiters[i * 7919ul % n].page, 0, 1, NULL));
		usleep(50);
	}
	for (i = 0; i < n; i++) {
		pthread_join(waiters[i].thread, NULL);
		EXPECT_EQ(0, waiters[i].ret);
		EXPECT_EQ(1, waiters[i].now);
		slept += waiters[i].slept;
	}
	TH_LOG("%u slept %ld times", n, slept);
	EXPECT_GT(10 * n, slept);
	pthread_attr_destroy(&attr);
	free(waiters);
}

TEST_F(wait, page_ends)
{
	struct waiter waiter = { .space = self->space, .page = self->page };

	ASSERT_EQ(0, pthread_create(&waiter.thread, NULL, wait_once, &waiter));
	usleep(50000);
	ASSERT_EQ(0, mmsb_destroy(self->ring, self->page));
	pthread_join(waiter.thread, NULL);
	EXPECT_EQ(-ESTALE, waiter.ret);
	EXPECT_EQ(-ESTALE, mmsb_wait(self->space, self->page, 0, 0, NULL));
}

TEST_F(wait, space_is_reset)
{
	struct waiter waiter = { .space = self->space, .page = self->page };

	ASSERT_EQ(0, pthread_create(&waiter.thread, NULL, wait_once, &waiter));
	usleep(50000);
	ASSERT_EQ(0, mmsb_space_reset(self->space));
	pthread_join(waiter.thread, NULL);
	EXPECT_EQ(-ENOENT, waiter.ret);
}

/* A delta that changes nothing wakes nobody. */
TEST_F(wait, not_by_nothing)
{
	struct waiter waiter = { .space = self->space, .page = self->page };
	uint64_t epoch;

	ASSERT_EQ(0, pthread_create(&waiter.thread, NULL, wait_once, &waiter));
	usleep(20000);
	ASSERT_EQ(0, mmsb_set(self->ring, self->page, 0, "\0\0\0\0", 4, &epoch));
	EXPECT_EQ(0, epoch);
	usleep(20000);
	ASSERT_EQ(0, mmsb_add(self->ring, self->page, 0, 1, &epoch));
	EXPECT_EQ(1, epoch);
	pthread_join(waiter.thread, NULL);
	EXPECT_EQ(0, waiter.ret);
	EXPECT_EQ(1, waiter.now);
}

/* Each step waits for the other side's: a wake-up lost once would stop both. */
struct player {
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint64_t mine, theirs, steps;
	int ret;
};

static void *play(void *arg)
{
	struct player *player = arg;
	uint64_t i;

	for (i = 0; i < player->steps && !player->ret; i++) {
		player->ret = mmsb_add(player->ring, player->mine, 0, 1, NULL);
		if (!player->ret)
			player->ret = mmsb_wait(player->space, player->theirs, i, PATIENCE, NULL);
	}
	return NULL;
}

TEST_F_TIMEOUT(wait, no_wakeup_is_lost, 120)
{
	struct player players[2] = { { .space = self->space, .ring = self->ring, .mine = self->page, .steps = scaled(5000) + 10 } };
	pthread_t thread;

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &players[0].theirs));
	players[1] = players[0];
	players[1].mine = players[0].theirs;
	players[1].theirs = players[0].mine;
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = variant->ring_flags, .shard = 2),
				    &players[1].ring));
	ASSERT_EQ(0, pthread_create(&thread, NULL, play, &players[1]));
	play(&players[0]);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, players[0].ret);
	EXPECT_EQ(0, players[1].ret);
	mmsb_ring_close(players[1].ring);
}

TEST_HARNESS_MAIN
