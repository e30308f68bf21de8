// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the engine says when something may be becoming too much, and when: of each limit from nine tenths of it on, of each hold-up once, and what
 * the statistics say of a ring at that very moment, before its indices are published. What a home makes of it is in pressure.c. And what it asks
 * of its home, who may let a space have less than its own limits do: what it was given, and gives back.
 */
#include <mmsb/history.h>
#include <mmsb/trace.h>
#include "common/harness.h"
#include "common/home.h"
#include "engine.h"

#define ENTRIES	16u

static struct seen {
	unsigned int limit, log, ring;
	uint32_t held_by;		/* the ring, when it was said */
} seen;

FIXTURE(press) {
	uint64_t most[MS_RESOURCE_LAST], spent[MS_RESOURCE_LAST];	/* as a home keeps account */
	struct ms_space *space;
	struct ms_ring *ring;
	struct mmsb_ring_client *client;
	struct mmsb_ring_engine *engine;
	struct mmsb_sqe *sqes;
};

static void press(void *arg, enum ms_pressure what)
{
	FIXTURE_DATA(press) *self = arg;
	struct ms_ring_stat stat;

	seen.limit += what == MS_PRESSURE_LIMIT;
	seen.log += what == MS_PRESSURE_LOG;
	seen.ring += what == MS_PRESSURE_RING;
	if (what == MS_PRESSURE_LIMIT)
		return;
	ms_ring_stat(self->ring, &stat);
	seen.held_by = stat.held_by;
}

static u64 spend(void *arg, enum ms_resource what, u64 least, u64 n)
{
	FIXTURE_DATA(press) *self = arg;
	u64 left = self->most[what] - self->spent[what];

	if (left < n)
		n = left < least ? 0 : left;
	self->spent[what] += n;
	return n;
}

static void refund(void *arg, enum ms_resource what, u64 n)
{
	FIXTURE_DATA(press) *self = arg;

	self->spent[what] -= n;
}

static int open_ring(struct ms_space *space, bool polled, struct ms_ring **ring)
{
	struct ms_ring_config config = { .sq_entries = ENTRIES, .cq_entries = ENTRIES, .payload_bytes = 4096, .polled = polled };

	return ms_errno(ms_ring_config_round(&config)) ?: ms_errno(ms_ring_create(space, &config, ring));
}

static int open_own(FIXTURE_DATA(press) *self, bool polled)
{
	int err = open_ring(self->space, polled, &self->ring);

	if (err)
		return err;
	self->client = pf_shared_ptr(ms_ring_client_area(self->ring));
	self->engine = pf_shared_ptr(ms_ring_engine_area(self->ring));
	self->sqes = (void *)((char *)self->client + MMSB_RING_HEADER);
	return 0;
}

FIXTURE_SETUP(press)
{
	struct ms_space_config config = { .shards = 1, .max_rings = 8, .max_pages = 100, .max_bytes = 1 << 20, .pollers = true, .press = press,
					 .spend = spend, .refund = refund, .arg = self };

	if (home_is_kernel())
		SKIP(return, "the engine alone is looked at");
	memset(self->most, 0xff, sizeof(self->most));
	ASSERT_EQ(0, ms_space_create(&config, &self->space));
	ASSERT_EQ(0, open_own(self, false));
	seen = (struct seen){ 0 };
}

FIXTURE_TEARDOWN(press)
{
	if (!self->space)
		return;
	ms_ring_close(self->ring);
	ms_space_destroy(self->space);
	EXPECT_EQ(0, self->spent[MS_RESOURCE_PAGES]);
	EXPECT_EQ(0, self->spent[MS_RESOURCE_BYTES]);
	EXPECT_EQ(0, self->spent[MS_RESOURCE_RINGS]);
}

/* So many of the same, at once. */
static void put(FIXTURE_DATA(press) *self, unsigned int n, const struct mmsb_sqe *sqe)
{
	uint32_t tail = self->client->sq_tail;

	while (n--)
		self->sqes[tail++ % ENTRIES] = *sqe;
	pf_release(&self->client->sq_tail, tail);
}

/* And taken as far as that goes. */
static void publish(FIXTURE_DATA(press) *self, unsigned int n, const struct mmsb_sqe *sqe)
{
	put(self, n, sqe);
	ms_ring_enter(self->ring, 0, 0);
}

static void reap(FIXTURE_DATA(press) *self)
{
	pf_release(&self->client->cq_head, self->engine->cq_tail);
}

static uint32_t held_by(FIXTURE_DATA(press) *self)
{
	struct ms_ring_stat stat;

	ms_ring_stat(self->ring, &stat);
	return stat.held_by;
}

static void make_pages(FIXTURE_DATA(press) *self, unsigned int n, uint32_t bytes)
{
	while (n--) {
		publish(self, 1, &(struct mmsb_sqe){ .op = MMSB_OP_CREATE, .len = bytes });
		reap(self);
	}
}

/* -------------------------------------------------------------------------------------------------------------- limits */

TEST(near_and_far)
{
	uint64_t most, used;

	EXPECT_FALSE(ms_is_near(899, 1000));
	EXPECT_TRUE(ms_is_near(900, 1000));
	EXPECT_FALSE(ms_is_far(800, 1000));
	EXPECT_TRUE(ms_is_far(799, 1000));
	for (most = 1; most < 200; most++) {
		EXPECT_TRUE(ms_is_near(most, most));
		EXPECT_TRUE(ms_is_far(0, most));
		for (used = 0; used <= most; used++)
			EXPECT_FALSE(ms_is_near(used, most) && ms_is_far(used, most));
	}
}

/* A shard is granted 64 at a time, and what is left in the end. */
TEST_F(press, of_pages)
{
	make_pages(self, 64, 64);
	EXPECT_EQ(0, seen.limit);
	make_pages(self, 1, 64);
	EXPECT_EQ(1, seen.limit);
	make_pages(self, 35, 64);
	EXPECT_EQ(1, seen.limit);
}

/* Of 16 chunks, the first is the slab's that small pages lie in. */
TEST_F(press, of_bytes)
{
	make_pages(self, 1, 64);
	make_pages(self, 1, 13 << 16);
	EXPECT_EQ(0, seen.limit);
	make_pages(self, 1, (1 << 16) + 1);
	EXPECT_EQ(1, seen.limit);
}

TEST_F(press, of_rings)
{
	struct ms_ring *more[7];
	unsigned int i;

	for (i = 0; i < 7; i++) {
		EXPECT_EQ(0, seen.limit);
		ASSERT_EQ(0, open_ring(self->space, false, &more[i]));
	}
	EXPECT_EQ(1, seen.limit);
	for (i = 0; i < 7; i++)
		ms_ring_close(more[i]);
	EXPECT_EQ(1, seen.limit);
}

TEST_F(press, of_a_limit_that_is_lowered)
{
	struct ms_space_limits limits = { .max_rings = 1 };

	ASSERT_EQ(0, ms_space_limit(self->space, &limits));
	EXPECT_EQ(1, seen.limit);
}

/* ------------------------------------------------------------------------------------------------------------- hold-ups */

/* The batch that comes upon it takes what still finds room, and has told nobody so when it says that the rest does not. */
TEST_F(press, of_completions_that_nobody_reaps)
{
	const struct mmsb_sqe nop = { .op = MMSB_OP_NOP };
	unsigned int round;

	for (round = 1; round <= 3; round++) {
		seen.held_by = 0;
		publish(self, ENTRIES - 4, &nop);
		EXPECT_EQ(round - 1, seen.ring);
		publish(self, 6, &nop);
		EXPECT_EQ(round, seen.ring);
		EXPECT_EQ(MMSB_STALL_COMPLETIONS + 1, seen.held_by);
		EXPECT_EQ(MMSB_STALL_COMPLETIONS + 1, held_by(self));
		publish(self, 1, &nop);		/* it is held up as it was */
		EXPECT_EQ(round, seen.ring);
		reap(self);
		publish(self, 0, &nop);
		EXPECT_EQ(0, self->client->sq_tail - self->engine->sq_head);
		EXPECT_EQ(0, held_by(self));
		reap(self);
	}
	EXPECT_EQ(0, seen.log);
	EXPECT_EQ(0, seen.limit);
}

TEST_F(press, of_a_reader_who_is_behind)
{
	struct mmsb_history_open_args args = { .size = sizeof(args), .limit = 1 };
	const struct mmsb_record *record;
	struct ms_history *history;

	ASSERT_EQ(0, ms_history_open(self->space, &args, &history));
	make_pages(self, 2, 64);
	EXPECT_EQ(1, seen.log);
	EXPECT_EQ(MMSB_STALL_LOG + 1, seen.held_by);
	EXPECT_EQ(MMSB_STALL_LOG + 1, held_by(self));
	do {
		ASSERT_EQ(0, ms_history_next(history, &record));
	} while (record);
	publish(self, 0, NULL);
	EXPECT_EQ(0, held_by(self));
	EXPECT_EQ(0, seen.ring);
	ms_history_close(history);
}

/* Of what comes as the poller falls asleep, once, and not before. Here is no poller but the test. */
static bool told_at_sleep(FIXTURE_DATA(press) *self, unsigned int n, const struct mmsb_sqe *sqe, const unsigned int *told, uint32_t cause)
{
	struct ms_shard *shard = ms_space_shard(self->space, 0);
	bool too_early, asleep;

	put(self, n, sqe);
	too_early = *told;
	asleep = ms_shard_sleep(shard);
	ms_shard_awake(shard);
	return !too_early && asleep && *told == 1 && seen.held_by == cause + 1;
}

TEST_F(press, of_completions_as_a_poller_falls_asleep)
{
	const struct mmsb_sqe nop = { .op = MMSB_OP_NOP };

	ms_ring_close(self->ring);
	ASSERT_EQ(0, open_own(self, true));
	put(self, ENTRIES, &nop);
	ms_shard_poll(ms_space_shard(self->space, 0));
	EXPECT_TRUE(told_at_sleep(self, 2, &nop, &seen.ring, MMSB_STALL_COMPLETIONS));
	reap(self);
	ms_shard_poll(ms_space_shard(self->space, 0));
	EXPECT_EQ(0, held_by(self));
	EXPECT_EQ(0, seen.log);
}

TEST_F(press, of_a_reader_as_a_poller_falls_asleep)
{
	struct mmsb_history_open_args args = { .size = sizeof(args), .limit = 1 };
	const struct mmsb_sqe create = { .op = MMSB_OP_CREATE, .len = 64 };
	struct ms_history *history;

	ms_ring_close(self->ring);
	ASSERT_EQ(0, open_own(self, true));
	ASSERT_EQ(0, ms_history_open(self->space, &args, &history));
	put(self, 1, &create);
	ms_shard_poll(ms_space_shard(self->space, 0));
	reap(self);
	EXPECT_TRUE(told_at_sleep(self, 1, &create, &seen.log, MMSB_STALL_LOG));
	EXPECT_EQ(0, seen.ring);
	ms_history_close(history);
}

/* --------------------------------------------------------------------------------------------------------- what is spent */

static enum mmsb_reason create(FIXTURE_DATA(press) *self, uint32_t bytes)
{
	const struct mmsb_cqe *cqes = (void *)((char *)self->engine + MMSB_RING_HEADER);
	const struct mmsb_cqe *cqe = &cqes[self->engine->cq_tail % ENTRIES];

	make_pages(self, 1, bytes);
	return cqe->reason;
}

TEST_F(press, a_home_may_let_a_space_have_less)
{
	struct ms_ring *more;

	self->most[MS_RESOURCE_PAGES] = 3;
	EXPECT_EQ(0, create(self, 64));
	EXPECT_EQ(3, self->spent[MS_RESOURCE_PAGES]);		/* as many of a lot as there are */
	EXPECT_EQ(1 << 16, self->spent[MS_RESOURCE_BYTES]);
	EXPECT_EQ(0, create(self, 64));
	EXPECT_EQ(0, create(self, 64));
	EXPECT_EQ(MMSB_REASON_USER_PAGES, create(self, 64));
	self->most[MS_RESOURCE_PAGES] = 100;
	self->most[MS_RESOURCE_BYTES] = 3 << 16;
	EXPECT_EQ(MMSB_REASON_USER_BYTES, create(self, 3 << 16));
	EXPECT_EQ(1 << 16, self->spent[MS_RESOURCE_BYTES]);
	EXPECT_EQ(0, create(self, 2 << 16));
	EXPECT_EQ(3 << 16, self->spent[MS_RESOURCE_BYTES]);
	self->most[MS_RESOURCE_RINGS] = 1;
	EXPECT_EQ(-EDQUOT, open_ring(self->space, false, &more));
	self->most[MS_RESOURCE_RINGS] = 2;
	ASSERT_EQ(0, open_ring(self->space, false, &more));
	ms_ring_close(more);
	EXPECT_EQ(1, self->spent[MS_RESOURCE_RINGS]);
}

TEST_F(press, what_was_spent_comes_back)
{
	uint64_t page;

	make_pages(self, 1, 5 << 16);
	page = MMSB_PAGE_ID(1, 0);
	make_pages(self, 99, 64);
	EXPECT_EQ(100, self->spent[MS_RESOURCE_PAGES]);
	publish(self, 1, &(struct mmsb_sqe){ .op = MMSB_OP_DESTROY, .page = page });
	reap(self);
	EXPECT_EQ(1 << 16, self->spent[MS_RESOURCE_BYTES]);
	ms_ring_close(self->ring);
	ASSERT_EQ(0, ms_space_reset(self->space));
	EXPECT_EQ(0, self->spent[MS_RESOURCE_PAGES]);
	EXPECT_EQ(0, self->spent[MS_RESOURCE_BYTES]);
	ASSERT_EQ(0, open_own(self, false));
}

TEST_HARNESS_MAIN
