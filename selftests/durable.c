// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a space promises when it has a log: completions that wait until their tick is durable, and what becomes of them when the writer says so,
 * fails, dies, or is fenced. The writer here is the test: it reads the log's records and keeps them in memory, and "on disk" is what
 * it has told the engine is.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <mmsb/logging.h>
#include "common/harness.h"
#include "common/home.h"
#include "common/tape.h"
#include "inject.h"

#define PAGES 8u
#define ENTRIES 256u

FIXTURE(durable) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_history *log;
	uint64_t page[PAGES];
};

FIXTURE_VARIANT(durable) {
	uint32_t mode, shards, space_flags, ring_flags, history_flags;
};

FIXTURE_VARIANT_ADD(durable, strict_inline) { MMSB_STRICT, 1, MMSB_SPACE_INLINE, 0, MMSB_HISTORY_COMPACT };
FIXTURE_VARIANT_ADD(durable, strict_polled) { MMSB_STRICT, 1, 0, MMSB_RING_POLLED, MMSB_HISTORY_COMPACT };
FIXTURE_VARIANT_ADD(durable, strict_shards) { MMSB_STRICT, 3, MMSB_SPACE_INLINE, 0, 0 };
FIXTURE_VARIANT_ADD(durable, strict_shards_polled) { MMSB_STRICT, 3, 0, MMSB_RING_POLLED, MMSB_HISTORY_COMPACT };
FIXTURE_VARIANT_ADD(durable, buffered_inline) { MMSB_BUFFERED, 1, MMSB_SPACE_INLINE, 0, MMSB_HISTORY_COMPACT };
FIXTURE_VARIANT_ADD(durable, buffered_shards) { MMSB_BUFFERED, 3, MMSB_SPACE_INLINE, 0, MMSB_HISTORY_COMPACT };
FIXTURE_VARIANT_ADD(durable, buffered_polled) { MMSB_BUFFERED, 2, 0, MMSB_RING_POLLED, 0 };

static const uint64_t log_id[2] = { 7, 11 };

static int open_log(struct mmsb_space *space, uint32_t mode, uint32_t flags, struct mmsb_history **log)
{
	return mmsb_history_open(space, MMSB_OPTS(struct mmsb_history_opts, .flags = MMSB_HISTORY_LOG | flags, .mode = mode,
						  .log_id = { log_id[0], log_id[1] }), log);
}

/* Reads what there is: the last bound, 0: none. *urgent: it was. Records go to the tape, if there is one. */
static uint64_t read_all(struct mmsb_history *log, struct tape *tape, bool *urgent)
{
	const struct mmsb_record *record;
	uint64_t bound = 0;

	while (!mmsb_history_next(log, &record, 0)) {
		if (record->type == MMSB_RECORD_BOUND) {
			bound = record->tick;
			*urgent |= record->flags & MMSB_RECORD_URGENT;
		} else if (tape) {
			tape_add(tape, record);
		}
	}
	return bound;
}

/* One round of a writer that finds everything due. */
static int flush(struct mmsb_history *log, struct tape *tape)
{
	bool urgent = false;
	uint64_t bound = read_all(log, tape, &urgent);

	return bound ? mmsb_history_durable(log, 0, bound) : 0;
}

FIXTURE_SETUP(durable)
{
	struct mmsb_cqe cqe = {};
	unsigned int i;

	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = variant->shards,
				     .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | variant->space_flags), &self->space)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = variant->ring_flags, .shard = 1,
							   .sq_entries = ENTRIES, .source = 42), &self->ring));
	for (i = 0; i < PAGES; i++) {
		self->page[i] = MMSB_PAGE_ID(1, i % variant->shards * 1024 + i);
		ASSERT_EQ(0, run_op(self->ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = self->page[i], .len = 64));
		ASSERT_EQ(0, cqe.result);
	}
	ASSERT_EQ(0, open_log(self->space, variant->mode, variant->history_flags, &self->log)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
}

FIXTURE_TEARDOWN(durable)
{
	if (self->log)
		mmsb_history_close(self->log);
	mmsb_ring_close(self->ring);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

static void submit_add(struct mmsb_ring *ring, uint64_t page, bool durable, uint64_t data)
{
	struct mmsb_sqe *sqe = mmsb_get_sqe(ring);

	mmsb_prep_add(sqe, page, 0, 1);
	sqe->user_data = data;
	if (durable)
		mmsb_sqe_durable(sqe);
	mmsb_submit(ring);
}

/* Until the engine has applied all that was submitted, wherever that is, and completed what was to be completed. */
static int applied(struct mmsb_space *space, struct mmsb_ring *ring)
{
	uint64_t hash[2], deadline = now_ns() + PATIENCE;

	while (mmsb_sq_space(ring) < ENTRIES)
		if (now_ns() > deadline)
			return -ETIME;
	return mmsb_hash(space, 0, hash, NULL);		/* for this, shards stand still and what is between them arrives */
}

static uint64_t held(struct mmsb_space *space)
{
	struct mmsb_durability_args args = { 0 };

	return mmsb_durability(space, &args) ? ~0ull : args.held;
}

/* Whoever runs the shard posts what has become durable, which may take him a moment. */
static uint64_t held_in_the_end(struct mmsb_space *space)
{
	uint64_t deadline = now_ns() + PATIENCE;

	while (held(space) && now_ns() < deadline)
		usleep(100);
	return held(space);
}

TEST_F(durable, waits_for_the_writer)
{
	struct mmsb_cqe cqe;
	uint64_t value = 0;
	bool urgent = false;
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		submit_add(self->ring, self->page[i], true, i);
	ASSERT_EQ(0, applied(self->space, self->ring));
	EXPECT_EQ(0, mmsb_peek_cqe(self->ring, &cqe));			/* nobody has said that it is */
	for (i = 0; i < PAGES; i++) {
		ASSERT_EQ(8, mmsb_read(self->space, self->page[i], 0, &value, 8, NULL));
		EXPECT_EQ(1, value);					/* but readers see it */
	}
	value = read_all(self->log, NULL, &urgent);
	EXPECT_TRUE(urgent);
	EXPECT_EQ(PAGES, held(self->space));
	EXPECT_EQ(0, mmsb_peek_cqe(self->ring, &cqe));
	ASSERT_EQ(0, mmsb_history_durable(self->log, 0, value));
	EXPECT_EQ(value, mmsb_durable_tick(self->space));
	for (i = 0; i < PAGES; i++) {
		ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
		EXPECT_EQ(0, cqe.result);
		EXPECT_LE(cqe.tick, value);
	}
	EXPECT_EQ(0, held_in_the_end(self->space));
}

TEST_F(durable, only_what_asked_for_it)
{
	struct mmsb_cqe cqe;

	submit_add(self->ring, self->page[0], false, 1);
	ASSERT_EQ(0, applied(self->space, self->ring));
	if (variant->mode == MMSB_STRICT) {
		EXPECT_EQ(0, mmsb_peek_cqe(self->ring, &cqe));
		ASSERT_EQ(0, flush(self->log, NULL));
	}
	ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
	EXPECT_EQ(1, cqe.user_data);
	submit_add(self->ring, self->page[0], true, 2);
	submit_add(self->ring, MMSB_PAGE_ID(9, 1), true, 3);		/* refused: nothing to wait for */
	ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
	EXPECT_EQ(3, cqe.user_data);
	EXPECT_GT(0, cqe.result);
	EXPECT_EQ(0, mmsb_peek_cqe(self->ring, &cqe));
	ASSERT_EQ(0, flush(self->log, NULL));
	ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
	EXPECT_EQ(2, cqe.user_data);
}

/* One that changed nothing still says that what came before it is on disk. */
TEST_F(durable, what_came_before_is_durable_too)
{
	struct mmsb_sqe *sqe;
	struct tape tape = { 0 };
	struct mmsb_cqe cqe;
	uint64_t bound;
	bool urgent = false;
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		sqe = mmsb_get_sqe(self->ring);
		mmsb_prep_add(sqe, self->page[i], 0, 1);
		mmsb_sqe_quiet(sqe);
	}
	sqe = mmsb_get_sqe(self->ring);
	mmsb_prep_nop(sqe);
	mmsb_sqe_durable(sqe);
	ASSERT_LE(0, mmsb_submit(self->ring));
	ASSERT_EQ(0, applied(self->space, self->ring));
	bound = read_all(self->log, &tape, &urgent);
	EXPECT_EQ(PAGES, tape.deltas);
	ASSERT_EQ(0, mmsb_history_durable(self->log, 0, bound));
	ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
	EXPECT_LE(cqe.tick, bound);
	tape_free(&tape);
}

TEST_F(durable, only_what_was_told_can_be)
{
	bool urgent = false;
	uint64_t bound;

	submit_add(self->ring, self->page[0], true, 0);
	ASSERT_EQ(0, applied(self->space, self->ring));
	EXPECT_EQ(-EINVAL, mmsb_history_durable(self->log, 0, mmsb_tick(self->space)));
	bound = read_all(self->log, NULL, &urgent);
	EXPECT_EQ(-EINVAL, mmsb_history_durable(self->log, 0, bound + 1));
	EXPECT_EQ(1, held(self->space));
	EXPECT_EQ(0, mmsb_history_durable(self->log, 0, bound));
}

/* The next writer reads again what the one before him had read and not made durable, and nothing else. */
TEST_F(durable, the_next_writer_goes_on)
{
	struct tape lost = { 0 }, found = { 0 };
	struct mmsb_history *other;
	bool urgent = false;
	unsigned int i;

	ASSERT_EQ(0, flush(self->log, NULL));
	for (i = 0; i < 3 * PAGES; i++)
		submit_add(self->ring, self->page[i % PAGES], true, i);
	ASSERT_EQ(0, applied(self->space, self->ring));
	read_all(self->log, &lost, &urgent);
	EXPECT_EQ(3 * PAGES, lost.deltas);
	EXPECT_EQ(-EBUSY, open_log(self->space, variant->mode, variant->history_flags, &other));
	mmsb_history_close(self->log);
	self->log = NULL;
	EXPECT_EQ(-EBUSY, mmsb_history_open(self->space, NULL, &other));	/* it has a log, though nobody writes it */
	EXPECT_EQ(-EBUSY, mmsb_history_open(self->space, MMSB_OPTS(struct mmsb_history_opts, .flags = MMSB_HISTORY_LOG,
								   .mode = MMSB_STRICT, .log_id = { 1, 1 }), &other));
	ASSERT_EQ(0, open_log(self->space, variant->mode, variant->history_flags, &self->log));
	submit_add(self->ring, self->page[0], true, i);
	ASSERT_EQ(0, applied(self->space, self->ring));
	ASSERT_EQ(0, flush(self->log, &found));
	EXPECT_EQ(3 * PAGES + 1, found.deltas);
	EXPECT_LE(lost.used, found.used);
	EXPECT_EQ(0, memcmp(lost.bytes, found.bytes, lost.used));
	EXPECT_EQ(0, held_in_the_end(self->space));
	tape_free(&lost);
	tape_free(&found);
}

/* What lies behind the tick that was made durable stays, though it has been read. */
TEST_F(durable, a_writer_says_less_than_he_was_told)
{
	struct tape first = { 0 }, second = { 0 }, found = { 0 };
	bool urgent = false;
	uint64_t bound;

	ASSERT_EQ(0, flush(self->log, NULL));
	submit_add(self->ring, self->page[0], true, 1);
	ASSERT_EQ(0, applied(self->space, self->ring));
	bound = read_all(self->log, &first, &urgent);
	submit_add(self->ring, self->page[1], true, 2);
	ASSERT_EQ(0, applied(self->space, self->ring));
	ASSERT_LT(bound, read_all(self->log, &second, &urgent));
	ASSERT_EQ(0, mmsb_history_durable(self->log, 0, bound));
	mmsb_history_close(self->log);
	ASSERT_EQ(0, open_log(self->space, variant->mode, variant->history_flags, &self->log));
	read_all(self->log, &found, &urgent);
	EXPECT_EQ(second.used, found.used);
	EXPECT_EQ(0, memcmp(second.bytes, found.bytes, second.used));
	tape_free(&first);
	tape_free(&second);
	tape_free(&found);
}

TEST_F(durable, who_takes_over_fences)
{
	const struct mmsb_record *record;
	struct mmsb_history *other;
	bool urgent = false;
	uint64_t bound;

	submit_add(self->ring, self->page[0], true, 0);
	ASSERT_EQ(0, applied(self->space, self->ring));
	bound = read_all(self->log, NULL, &urgent);
	ASSERT_EQ(0, open_log(self->space, variant->mode, variant->history_flags | MMSB_HISTORY_TAKE_OVER, &other));
	EXPECT_EQ(-ESTALE, mmsb_history_next(self->log, &record, 0));
	EXPECT_EQ(-ESTALE, mmsb_history_durable(self->log, 0, bound));
	EXPECT_EQ(1, held(self->space));
	mmsb_history_close(self->log);				/* of no consequence to the other */
	self->log = other;
	ASSERT_EQ(0, flush(self->log, NULL));
	EXPECT_EQ(0, held_in_the_end(self->space));
}

TEST_F(durable, a_log_that_failed)
{
	struct mmsb_durability_args args = { .flags = MMSB_DURABILITY_SET, .mode = MMSB_MEMORY };
	struct mmsb_cqe cqe;
	bool urgent = false;
	uint64_t bound, epoch;

	submit_add(self->ring, self->page[0], true, 1);
	ASSERT_EQ(0, applied(self->space, self->ring));
	bound = read_all(self->log, NULL, &urgent);
	submit_add(self->ring, self->page[1], true, 2);
	ASSERT_EQ(0, applied(self->space, self->ring));
	ASSERT_EQ(0, mmsb_history_durable(self->log, MMSB_LOG_FAILED, bound));
	ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
	EXPECT_EQ(1, cqe.user_data);
	EXPECT_EQ(0, cqe.result);				/* it was durable before */
	ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
	EXPECT_EQ(2, cqe.user_data);
	EXPECT_EQ(-EIO, cqe.result);
	EXPECT_EQ(MMSB_REASON_LOG_FAILED, cqe.reason);
	EXPECT_EQ(bound, mmsb_durable_tick(self->space));
	EXPECT_EQ(-EIO, mmsb_add(self->ring, self->page[0], 0, 1, &epoch));
	EXPECT_EQ(-EIO, mmsb_sync(self->space, PATIENCE));
	ASSERT_EQ(0, mmsb_durability(self->space, &args)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	EXPECT_EQ(0, mmsb_add(self->ring, self->page[0], 0, 1, &epoch));
	EXPECT_EQ(-EOPNOTSUPP, mmsb_sync(self->space, PATIENCE));
	mmsb_history_close(self->log);
	EXPECT_EQ(0, open_log(self->space, variant->mode, variant->history_flags, &self->log));
}

TEST_F(durable, ends)
{
	struct mmsb_durability_args args = { .flags = MMSB_DURABILITY_SET, .mode = MMSB_MEMORY };
	const struct mmsb_record *record;
	struct mmsb_cqe cqe;
	uint64_t tick = 0;
	bool ended = false;

	submit_add(self->ring, self->page[0], true, 1);
	ASSERT_EQ(0, applied(self->space, self->ring));
	ASSERT_EQ(0, mmsb_durability(self->space, &args));
	EXPECT_EQ(0, mmsb_peek_cqe(self->ring, &cqe));		/* promised before */
	submit_add(self->ring, self->page[1], true, 2);		/* not promised any more */
	ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
	EXPECT_EQ(-EOPNOTSUPP, cqe.result);
	args.mode = MMSB_STRICT;
	EXPECT_EQ(-EOPNOTSUPP, mmsb_durability(self->space, &args));
	while (!mmsb_history_next(self->log, &record, 0)) {
		ended |= record->type == MMSB_RECORD_END;
		tick = record->type == MMSB_RECORD_BOUND ? record->tick : tick;
	}
	EXPECT_TRUE(ended);
	ASSERT_EQ(0, mmsb_history_durable(self->log, MMSB_LOG_END, tick));
	ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
	EXPECT_EQ(1, cqe.user_data);
	EXPECT_EQ(0, cqe.result);
	EXPECT_EQ(-EOPNOTSUPP, mmsb_sync(self->space, 0));
	EXPECT_EQ(0, mmsb_space_reset(self->space));
}

TEST_F(durable, modes_change)
{
	struct mmsb_durability_args args = { .flags = MMSB_DURABILITY_SET };
	struct mmsb_cqe cqe;

	args.mode = variant->mode == MMSB_STRICT ? MMSB_BUFFERED : MMSB_STRICT;
	ASSERT_EQ(0, mmsb_durability(self->space, &args));
	submit_add(self->ring, self->page[0], false, 1);
	ASSERT_EQ(0, applied(self->space, self->ring));
	if (args.mode == MMSB_STRICT) {
		EXPECT_EQ(0, mmsb_peek_cqe(self->ring, &cqe));
		ASSERT_EQ(0, flush(self->log, NULL));
	}
	EXPECT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
	args.mode = 9;
	EXPECT_EQ(-EINVAL, mmsb_durability(self->space, &args));
	EXPECT_EQ(-EBUSY, mmsb_space_reset(self->space));
}

struct writer {
	struct mmsb_history *log;
	struct tape tape;
	atomic_bool stop;
	int err;
};

static void *write_on(void *arg)
{
	struct writer *writer = arg;

	while (!atomic_load(&writer->stop) && !writer->err) {
		writer->err = mmsb_history_wait(writer->log, SECOND / 100);
		if (!writer->err || writer->err == -ETIME)
			writer->err = flush(writer->log, &writer->tape);
	}
	return NULL;
}

/* Many rings, and a writer that is always a little behind: whoever has a completion finds its tick durable. */
struct user {
	struct mmsb_space *space;
	uint32_t flags, shard;
	const uint64_t *page;
	uint64_t ops, seed, wrong;
	bool never_asks;
	int err;
};

static void *use(void *arg)
{
	struct user *user = arg;
	struct rng rng = { user->seed };
	struct mmsb_ring *ring;
	struct mmsb_cqe cqe;
	uint64_t i, out = 0;

	user->err = mmsb_ring_open(user->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = user->flags, .shard = user->shard,
							  .sq_entries = 16, .cq_entries = 32), &ring);
	for (i = 0; !user->err && i < user->ops; i++) {
		submit_add(ring, user->page[rng_below(&rng, PAGES)], !user->never_asks && rng_below(&rng, 4), i);
		for (out++; !user->err && out > 8; out--) {
			user->err = mmsb_wait_cqe(ring, &cqe, PATIENCE);
			user->wrong += cqe.result || cqe.tick > mmsb_durable_tick(user->space);
		}
	}
	for (; !user->err && out; out--)
		user->err = mmsb_wait_cqe(ring, &cqe, PATIENCE);
	mmsb_ring_close(ring);
	return NULL;
}

TEST_F(durable, whoever_is_told_finds_it_durable)
{
	struct writer writer = { .log = self->log };
	struct user user[3];
	pthread_t thread, users[3];
	uint64_t seed = rng_seed(), total = 0, value;
	unsigned int i;

	if (variant->mode != MMSB_STRICT)
		SKIP(return, "only a strict space promises it for all deltas");
	TH_LOG("MMSB_SEED=%llu", (unsigned long long)seed);
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_on, &writer));
	for (i = 0; i < 3; i++) {
		user[i] = (struct user){ .space = self->space, .flags = variant->ring_flags, .shard = i % variant->shards + 1,
					 .page = self->page, .ops = scaled(5000), .seed = seed + i };
		ASSERT_EQ(0, pthread_create(&users[i], NULL, use, &user[i]));
	}
	for (i = 0; i < 3; i++) {
		pthread_join(users[i], NULL);
		EXPECT_EQ(0, user[i].err);
		EXPECT_EQ(0, user[i].wrong);
		total += user[i].ops;
	}
	EXPECT_EQ(0, mmsb_sync(self->space, PATIENCE));
	atomic_store(&writer.stop, true);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, writer.err);
	EXPECT_EQ(total, writer.tape.deltas);
	for (i = 0; i < PAGES; i++) {
		ASSERT_EQ(8, mmsb_read(self->space, self->page[i], 0, &value, 8, NULL));
		total -= value;
	}
	EXPECT_EQ(0, total);
	tape_free(&writer.tape);
}

TEST_F(durable, sync_waits_for_all)
{
	struct writer writer = { .log = self->log };
	pthread_t thread;
	uint64_t tick;

	submit_add(self->ring, self->page[0], false, 1);
	ASSERT_EQ(0, applied(self->space, self->ring));
	tick = mmsb_tick(self->space);
	EXPECT_EQ(-ETIME, mmsb_sync(self->space, SECOND / 100));
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_on, &writer));
	EXPECT_EQ(0, mmsb_sync(self->space, PATIENCE));
	EXPECT_LE(tick, mmsb_durable_tick(self->space));
	atomic_store(&writer.stop, true);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, writer.err);
	tape_free(&writer.tape);
}

/* While nobody makes anything durable, what waits is bounded; when somebody does, all goes on. */
TEST_F(durable, back_pressure)
{
	struct writer writer = { 0 };
	struct user user;
	pthread_t thread, users;
	struct mmsb_history *log;
	unsigned int rounds;

	mmsb_history_close(self->log);
	self->log = NULL;
	ASSERT_EQ(0, mmsb_durability(self->space, &(struct mmsb_durability_args){ .flags = MMSB_DURABILITY_SET, .mode = MMSB_MEMORY }));
	ASSERT_EQ(0, mmsb_durability(self->space, &(struct mmsb_durability_args){ .flags = MMSB_DURABILITY_SET, .mode = MMSB_MEMORY }));
	ASSERT_EQ(0, mmsb_history_open(self->space, MMSB_OPTS(struct mmsb_history_opts, .flags = MMSB_HISTORY_LOG | variant->history_flags,
				       .mode = MMSB_BUFFERED, .limit = 65536, .log_id = { 1, 2 }), &log)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	user = (struct user){ .space = self->space, .flags = variant->ring_flags, .shard = 1, .page = self->page, .ops = 4000, .seed = 1,
			       .never_asks = true };
	writer.log = log;
	ASSERT_EQ(0, pthread_create(&users, NULL, use, &user));
	for (rounds = 0; rounds < 1000; rounds++) {
		struct mmsb_durability_args args = { 0 };

		ASSERT_EQ(0, mmsb_durability(self->space, &args));
		ASSERT_GT(65536 + 3 * 64 * 128 + 65536, args.waiting);
		usleep(100);
	}
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_on, &writer));
	pthread_join(users, NULL);
	EXPECT_EQ(0, user.err);
	atomic_store(&writer.stop, true);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, writer.err);
	ASSERT_EQ(0, flush(log, &writer.tape));
	EXPECT_EQ(4000, writer.tape.deltas);
	mmsb_history_close(log);
	tape_free(&writer.tape);
}

/* A ring that is closed with completions held takes them along, and disturbs nobody. */
TEST_F(durable, a_ring_goes)
{
	struct mmsb_ring *ring;

	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = variant->ring_flags, .shard = 1,
							   .sq_entries = ENTRIES), &ring));
	submit_add(ring, self->page[0], true, 1);
	ASSERT_EQ(0, applied(self->space, ring));
	mmsb_ring_close(ring);
	EXPECT_EQ(0, held_in_the_end(self->space));
	submit_add(self->ring, self->page[0], true, 2);
	ASSERT_EQ(0, applied(self->space, self->ring));
	EXPECT_EQ(1, held(self->space));
	ASSERT_EQ(0, flush(self->log, NULL));
	EXPECT_EQ(0, held_in_the_end(self->space));
}

TEST_F(durable, who_made_it)
{
	const struct mmsb_record *record;
	struct mmsb_origin origin = { 0 };
	uint64_t time = 0;

	submit_add(self->ring, self->page[0], false, 1);
	ASSERT_EQ(0, applied(self->space, self->ring));
	while (!mmsb_history_next(self->log, &record, 0)) {
		if (record->type == MMSB_RECORD_WORDS)
			origin = ((const struct mmsb_words_record *)record)->origin;
		if (record->type == MMSB_RECORD_DELTA)
			origin = ((const struct mmsb_delta_record *)record)->origin;
		if (record->type == MMSB_RECORD_TICK)
			time = ((const struct mmsb_hash_record *)record)->time;
	}
	EXPECT_EQ(42, origin.source);
	EXPECT_EQ(geteuid(), origin.uid);
	EXPECT_EQ(getpid(), origin.pid);
	EXPECT_LT(1700000000 * SECOND, time);
}

/* The words of a batch are one record, and say of their operands what counts. */
TEST_F(durable, words_of_a_batch)
{
	const struct mmsb_words_record *words = NULL;
	struct tape tape = {};
	struct mmsb_sqe *sqe;
	bool urgent = false;

	if (variant->shards > 1 || !(variant->history_flags & MMSB_HISTORY_COMPACT))
		SKIP(return, "words may come as deltas");
	read_all(self->log, NULL, &urgent);
	mmsb_prep_add(mmsb_get_sqe(self->ring), self->page[0], 8, -3);
	sqe = mmsb_get_sqe(self->ring);
	mmsb_prep(sqe, MMSB_OP_SET, self->page[1], 6, 2);
	sqe->word[0] = 0x1122334455667788;
	mmsb_prep_add(mmsb_get_sqe(self->ring), self->page[0], 8, 1);
	mmsb_submit(self->ring);
	ASSERT_EQ(0, applied(self->space, self->ring));
	read_all(self->log, &tape, &urgent);
	words = (const struct mmsb_words_record *)tape_find(&tape, MMSB_RECORD_WORDS, 0);
	ASSERT_NE(NULL, words);
	ASSERT_EQ(sizeof(*words) + 3 * sizeof(words->words[0]), words->record.bytes);
	EXPECT_EQ(NULL, tape_find(&tape, MMSB_RECORD_WORDS, 1));
	EXPECT_EQ(-3ull, words->words[0].word);
	EXPECT_EQ(self->page[1], words->words[1].page);
	EXPECT_EQ(0x7788, words->words[1].word);
	EXPECT_EQ(6, words->words[1].offset);
	EXPECT_EQ(2, words->words[1].len);
	EXPECT_EQ(1, words->words[2].word);
	tape_free(&tape);
}

TEST(without_a_log)
{
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_history *log;
	struct mmsb_cqe cqe = {};
	struct mmsb_durability_args args = { .flags = MMSB_DURABILITY_SET, .mode = MMSB_STRICT };

	ASSERT_EQ(0, mmsb_open(&mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE, .shards = 1), &space));
	ASSERT_EQ(0, mmsb_ring_open(space, NULL, &ring));
	ASSERT_EQ(0, run_op(ring, &cqe, .op = MMSB_OP_NOP, .flags = MMSB_SQE_DURABLE));
	EXPECT_EQ(MMSB_REASON_NO_LOG, cqe.reason);
	EXPECT_EQ(-EOPNOTSUPP, mmsb_sync(space, PATIENCE));
	EXPECT_EQ(-EOPNOTSUPP, mmsb_durability(space, &args));
	EXPECT_EQ(-EINVAL, mmsb_history_open(space, MMSB_OPTS(struct mmsb_history_opts, .flags = MMSB_HISTORY_LOG,
							      .mode = MMSB_STRICT), &log));		/* an id of 0 */
	EXPECT_EQ(-EINVAL, open_log(space, MMSB_MEMORY, 0, &log));
	EXPECT_EQ(-EINVAL, mmsb_history_open(space, MMSB_OPTS(struct mmsb_history_opts, .flags = 64), &log));
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	mmsb_close(mmsb);
}

/* A log that begins under a replay ring: nobody writes before, and the ring itself does not any more. */
TEST(begins_under_a_replay)
{
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring, *replay;
	struct mmsb_history *log;
	struct mmsb_cqe cqe = {};
	struct tape tape = { 0 };
	uint64_t page = MMSB_PAGE_ID(1, 0);

	ASSERT_EQ(0, mmsb_open(&mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH, .shards = 2), &space));
	ASSERT_EQ(0, mmsb_ring_open(space, NULL, &ring));
	ASSERT_EQ(0, mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_REPLAY), &replay));
	ASSERT_EQ(0, run_op(replay, &cqe, .op = MMSB_OP_TICK, .offset = 5));
	ASSERT_EQ(0, cqe.result);
	ASSERT_EQ(0, run_op(replay, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = page, .len = 64));
	ASSERT_EQ(0, cqe.result);
	EXPECT_EQ(-EBUSY, open_log(space, MMSB_STRICT, MMSB_HISTORY_HELD, &log));	/* within a tick */
	ASSERT_EQ(0, run_op(replay, &cqe, .op = MMSB_OP_TICK));
	EXPECT_EQ(-EBUSY, open_log(space, MMSB_STRICT, 0, &log));
	ASSERT_EQ(0, open_log(space, MMSB_STRICT, MMSB_HISTORY_HELD, &log));
	ASSERT_EQ(0, run_op(replay, &cqe, .op = MMSB_OP_TICK, .offset = 50));
	EXPECT_EQ(MMSB_REASON_LOGGED, cqe.reason);
	ASSERT_EQ(0, run_op(replay, &cqe, .op = MMSB_OP_ADD, .page = page, .lane = MMSB_LANE_I64, .len = 8));
	EXPECT_EQ(MMSB_REASON_BAD_TICK, cqe.reason);
	ASSERT_EQ(0, run_op(ring, &cqe, .op = MMSB_OP_ADD, .page = page, .lane = MMSB_LANE_I64, .len = 8));
	EXPECT_EQ(MMSB_REASON_REPLAYING, cqe.reason);
	mmsb_ring_close(replay);
	submit_add(ring, page, false, 3);
	ASSERT_EQ(0, applied(space, ring));
	ASSERT_EQ(0, flush(log, &tape));
	ASSERT_EQ(0, mmsb_wait_cqe(ring, &cqe, PATIENCE));
	EXPECT_EQ(0, cqe.result);
	EXPECT_LE(cqe.tick, mmsb_durable_tick(space));
	EXPECT_LT(5, cqe.tick);
	tape_free(&tape);
	mmsb_history_close(log);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	mmsb_close(mmsb);
}

/* ------------------------------------------------------------------------------------------------------------- memory */

#define SPARE_LIMIT	(4u << 20)
#define SEGMENT_BYTES	(64u << 10)

/* Fills segments with records, and says how many allocations that took. */
static int fill_segments(struct mmsb_ring *ring, uint64_t page, uint8_t value, uint64_t *made)
{
	static uint8_t bytes[20000];
	unsigned int i;
	int err = 0;

	pf_inject_thread(UINT64_MAX);
	for (i = 0; !err && i < 40; i++) {
		memset(bytes, value + i % 2, sizeof(bytes));
		err = mmsb_set(ring, page, 0, bytes, sizeof(bytes), NULL);
	}
	*made = pf_inject_seen_thread();
	pf_inject_thread(0);
	return err;
}

/* Of the segments that come back, a stream keeps some for its next records, but no more than a sixteenth of what may wait. */
TEST(spare_segments)
{
	uint64_t page, first, second;
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_history *log;

	if (home_is_kernel())
		SKIP(return, "allocations are counted in the embedded home");
	ASSERT_EQ(0, mmsb_open(&mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE,
				     .shards = 1), &space));
	ASSERT_EQ(0, mmsb_ring_open(space, NULL, &ring));
	ASSERT_EQ(0, mmsb_create(ring, 20000, &page));
	ASSERT_EQ(0, mmsb_history_open(space, MMSB_OPTS(struct mmsb_history_opts, .flags = MMSB_HISTORY_LOG, .mode = MMSB_BUFFERED,
				       .limit = SPARE_LIMIT, .log_id = { 1, 2 }), &log));
	ASSERT_EQ(0, fill_segments(ring, page, 1, &first));
	ASSERT_EQ(0, flush(log, NULL));
	ASSERT_EQ(0, fill_segments(ring, page, 3, &second));
	EXPECT_LE(2 * SPARE_LIMIT / 16 / SEGMENT_BYTES, first);
	EXPECT_EQ(SPARE_LIMIT / 16 / SEGMENT_BYTES, first - second);
	mmsb_history_close(log);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	mmsb_close(mmsb);
}

TEST_HARNESS_MAIN
