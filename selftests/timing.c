// SPDX-License-Identifier: GPL-2.0-only
/*
 * Per-layer timing: the histogram and the stays against models that keep every sample, and what a space tells of its layers: every delta
 * in each layer that it went through, once, for as long as a clock outside says; switched while rings are polled, reset, refused.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <mmsb/logging.h>
#include "common/harness.h"
#include "common/home.h"
#include "hist.h"
#include "stays.h"

/* ----------------------------------------------------------------------------------------------------- the histogram */

#define SAMPLES 20000u

static struct ms_hist hists[3];
static struct mmsb_timing_args merged;
static uint64_t samples[SAMPLES];

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Of any size with the same likelihood, so that every octave has some. */
static uint64_t any_time(struct rng *rng)
{
	return rng_next(rng) >> (30 + rng_below(rng, 34));
}

/* Of the samples in order, the one that so many thousandths are not above. */
static uint64_t rank(unsigned int n, unsigned int thousandths)
{
	return samples[(n * (uint64_t)thousandths + 999) / 1000 - 1];
}

static bool is_near(uint64_t said, uint64_t is)
{
	uint64_t off = said > is ? said - is : is - said;

	return off <= is * 6 / 100;
}

TEST(buckets)
{
	uint32_t b;

	for (b = 0; b < MMSB_TIMING_BUCKETS; b++) {
		uint64_t from = mmsb_timing_floor(b), next = mmsb_timing_floor(b + 1);

		ASSERT_EQ(b, ms_hist_bucket(from));
		if (b + 1 == MMSB_TIMING_BUCKETS)
			break;
		ASSERT_LT(from, next);
		ASSERT_LE((next - from - 1) * 16, from);
		ASSERT_EQ(b, ms_hist_bucket(next - 1));
	}
	EXPECT_EQ(UINT64_MAX, mmsb_timing_floor(MMSB_TIMING_BUCKETS));
	EXPECT_EQ(MMSB_TIMING_BUCKETS - 1, ms_hist_bucket(UINT64_MAX));
	EXPECT_EQ(16642998272ull, mmsb_timing_floor(MMSB_TIMING_BUCKETS - 1));
}

TEST(against_samples)
{
	uint64_t seed = rng_seed(), sum = 0, below;
	struct rng rng = { seed };
	unsigned int n, i, octave;

	TH_LOG("MMSB_SEED=%llu", (unsigned long long)seed);
	for (n = 1; n <= SAMPLES; n = n * 7 + 1) {
		memset(hists, 0, sizeof(hists));
		memset(&merged, 0, sizeof(merged));
		for (i = 0, sum = 0; i < n; i++) {
			samples[i] = any_time(&rng);
			sum += samples[i];
			ms_hist_add(&hists[rng_below(&rng, 3)], samples[i], 1);
		}
		for (i = 0; i < 3; i++)
			ms_hist_merge(&hists[i], &merged);
		ms_hist_sum_up(&merged);
		qsort(samples, n, sizeof(*samples), by_size);
		EXPECT_EQ(n, merged.count);
		EXPECT_EQ(sum, merged.sum);
		EXPECT_EQ(samples[0], merged.min);
		EXPECT_EQ(samples[n - 1], merged.max);
		EXPECT_TRUE(is_near(merged.p50, rank(n, 500)));
		EXPECT_TRUE(is_near(merged.p90, rank(n, 900)));
		EXPECT_TRUE(is_near(merged.p99, rank(n, 990)));
		EXPECT_TRUE(is_near(merged.p999, rank(n, 999)));
		for (octave = 4; octave < 34; octave++) {
			for (below = 0; below < n && samples[below] < 1ull << octave; below++)
				;
			ASSERT_EQ(below, ms_timing_below(&merged, octave));
		}
	}
}

TEST(many_at_once)
{
	memset(hists, 0, sizeof(hists));
	memset(&merged, 0, sizeof(merged));
	ms_hist_add(&hists[0], 0, 64);
	ms_hist_add(&hists[0], 1000, 36);
	ms_hist_merge(&hists[0], &merged);
	ms_hist_sum_up(&merged);
	EXPECT_EQ(100, merged.count);
	EXPECT_EQ(36000, merged.sum);
	EXPECT_EQ(0, merged.p50);
	EXPECT_TRUE(is_near(merged.p90, 1000));
	ms_hist_clear(&hists[0]);
	memset(&merged, 0, sizeof(merged));
	ms_hist_merge(&hists[0], &merged);
	ms_hist_sum_up(&merged);
	EXPECT_EQ(0, merged.count + merged.sum + merged.min + merged.max + merged.p999);
}

/* ----------------------------------------------------------------------------------------------------------- the stays */

#define STAYING 4096u

/* A queue that keeps when each of its entries came. */
struct queue {
	struct ms_stays stays;
	struct ms_hist told;
	uint64_t came[STAYING];
	uint32_t first, next;
	uint64_t counted, longest, sum, over;
};

static struct queue queue;

static void queue_begin(uint32_t at)
{
	memset(&queue, 0, sizeof(queue));
	queue.first = queue.next = at;
	ms_stays_begin(&queue.stays, at);
}

static void queue_add(uint32_t n, uint64_t now)
{
	while (n-- && queue.next - queue.first < STAYING)
		queue.came[queue.next++ % STAYING] = now;
	ms_stays_add(&queue.stays, queue.next, now);
}

/* `over`: by how much more may be told in all. */
static void queue_take(uint32_t n, uint64_t now)
{
	uint64_t oldest = now - queue.came[queue.first % STAYING], stay;

	for (; n-- && queue.first != queue.next; queue.first++) {
		stay = now - queue.came[queue.first % STAYING];
		queue.longest = queue.longest < stay ? stay : queue.longest;
		queue.sum += stay;
		queue.over += oldest / 8 + 1;
		queue.counted++;
	}
	ms_stays_take(&queue.stays, queue.first, now, &queue.told);
}

static void queue_tells(struct mmsb_timing_args *told)
{
	memset(told, 0, sizeof(*told));
	ms_hist_merge(&queue.told, told);
	ms_hist_sum_up(told);
}

/* It is emptied before there are too many: then each is told to the nanosecond, across the point where its numbers wrap around. */
TEST(stays_of_a_queue_that_moves)
{
	struct rng rng = { 5 };
	uint64_t now = 1000;
	unsigned int i;

	queue_begin(-500u);
	for (i = 0; i < 2000; i++, now += 1 + rng_below(&rng, 1000)) {
		queue_add(1 + (uint32_t)rng_below(&rng, 5), now);
		if (i % (MS_STAYS - 1) == MS_STAYS - 2)
			queue_take(STAYING, now + 7);
		else if (rng_once_in(&rng, 3))
			queue_take((uint32_t)rng_below(&rng, 4), now + 7);
	}
	queue_take(STAYING, now);
	queue_tells(&merged);
	EXPECT_EQ(queue.counted, merged.count);
	EXPECT_EQ(queue.sum, merged.sum);
	EXPECT_EQ(queue.longest, merged.max);
	EXPECT_EQ(0, queue.stays.n);
}

/* However many come meanwhile, and however uneven: all are told, the oldest exactly, none of them too short, and none by more than an eighth too long. */
TEST(stays_of_a_queue_that_stands)
{
	uint64_t seed = rng_seed();
	struct rng rng = { seed };
	unsigned int round, i;

	TH_LOG("MMSB_SEED=%llu", (unsigned long long)seed);
	for (round = 0; round < 200; round++) {
		uint64_t now = 1 + rng_below(&rng, 1000);

		queue_begin((uint32_t)rng_next(&rng));
		for (i = 0; i < 400; i++, now += rng_next(&rng) >> (34 + rng_below(&rng, 30)))
			queue_add(1 + (uint32_t)rng_below(&rng, 9), now);
		now += rng_below(&rng, 100000);
		queue_take(STAYING, now);
		queue_tells(&merged);
		ASSERT_EQ(queue.counted, merged.count);
		ASSERT_EQ(queue.longest, merged.max);
		ASSERT_LE(queue.sum, merged.sum);
		ASSERT_LE(merged.sum, queue.sum + queue.over);
	}
}

/* Once it was empty, it is told exactly again. */
TEST(stays_of_a_queue_that_moves_again)
{
	unsigned int i;

	queue_begin(0);
	for (i = 0; i < 100; i++)
		queue_add(1, 1 + i * 1000);
	queue_take(STAYING, 200000);
	memset(&queue.told, 0, sizeof(queue.told));
	queue_add(1, 300000);
	queue_add(1, 300009);
	queue_take(STAYING, 300010);
	queue_tells(&merged);
	EXPECT_EQ(2, merged.count);
	EXPECT_EQ(11, merged.sum);
}

/* What came before, and was begun with, is not told; nor is what nobody said had come. */
TEST(stays_that_are_not_known)
{
	queue_begin(100);
	ms_stays_take(&queue.stays, 90, 5, &queue.told);
	ms_stays_add(&queue.stays, 100, 5);
	ms_stays_add(&queue.stays, 103, 6);
	ms_stays_take(&queue.stays, 110, 16, &queue.told);
	ms_stays_add(&queue.stays, 110, 20);
	queue_tells(&merged);
	EXPECT_EQ(3, merged.count);
	EXPECT_EQ(30, merged.sum);
	EXPECT_EQ(0, queue.stays.n);
}

/* ------------------------------------------------------------------------------------------------------------ the layers */

#define AT(shard) MMSB_PAGE_ID(1, (shard) * 1024)

FIXTURE(timing) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;		/* of shard 0 */
};

FIXTURE_VARIANT(timing) {
	uint32_t shards, space_flags, ring_flags;
};

FIXTURE_VARIANT_ADD(timing, one_inline) { 1, MMSB_SPACE_INLINE, 0 };
FIXTURE_VARIANT_ADD(timing, one_polled) { 1, 0, MMSB_RING_POLLED };
FIXTURE_VARIANT_ADD(timing, three_inline) { 3, MMSB_SPACE_INLINE, 0 };
FIXTURE_VARIANT_ADD(timing, three_polled) { 3, 0, MMSB_RING_POLLED };

static int ring_of(struct mmsb_space *space, uint32_t flags, uint32_t cq, struct mmsb_ring **ring)
{
	return mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .flags = flags, .sq_entries = 256, .cq_entries = cq, .shard = 1), ring);
}

static int make_page(struct mmsb_ring *ring, uint64_t page)
{
	struct mmsb_cqe cqe = {};
	int ret = run_op(ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = page, .len = 64);

	return ret ?: cqe.result;
}

FIXTURE_SETUP(timing)
{
	uint32_t i;

	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = variant->shards, .max_pages = 16384,
				     .flags = MMSB_SPACE_CREATE | variant->space_flags), &self->space)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, ring_of(self->space, variant->ring_flags, 512, &self->ring));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, make_page(self->ring, AT(i)));
}

FIXTURE_TEARDOWN(timing)
{
	mmsb_ring_close(self->ring);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

static int timing(FIXTURE_DATA(timing) *self, uint32_t flags, uint32_t layer, uint32_t shard, struct mmsb_timing_args *args)
{
	memset(args, 0, sizeof(*args));
	args->flags = flags;
	args->layer = layer;
	args->shard = shard;
	return mmsb_timing(self->space, args);
}

static int set_timing(FIXTURE_DATA(timing) *self, uint32_t flags)
{
	struct mmsb_timing_args args;

	return timing(self, flags, 0, MMSB_TIMING_ALL, &args);
}

/* Who takes all run locks finds no pass under way, so all that has completed has been told. */
static int settle(FIXTURE_DATA(timing) *self)
{
	uint64_t hash[2];

	return mmsb_hash(self->space, MMSB_HASH_RECOMPUTE, hash, NULL);
}

static uint64_t count_of(FIXTURE_DATA(timing) *self, uint32_t layer, uint32_t shard)
{
	struct mmsb_timing_args args;

	return timing(self, 0, layer, shard, &args) ? ~0ull : args.count;
}

/* All layers of all shards. */
#define EXPECT_COUNTS(queue_, route_, apply_, wave_, log_, complete_) do {						\
	const uint64_t want_[MMSB_LAYER_LAST] = { queue_, route_, apply_, wave_, log_, complete_ };			\
	uint32_t layer_;												\
	EXPECT_EQ(0, settle(self));											\
	for (layer_ = 0; layer_ < MMSB_LAYER_LAST; layer_++)								\
		EXPECT_EQ(want_[layer_], count_of(self, layer_, MMSB_TIMING_ALL)) {					\
			TH_LOG("layer %s", mmsb_layer_name(layer_));							\
		}													\
} while (0)

/* Submitted in batches that differ, and reaped. Each adds something, so each changes its page. */
static int add_many(struct mmsb_ring *ring, uint64_t page, uint32_t n, uint16_t flags)
{
	struct rng rng = { n };
	struct mmsb_cqe cqe;
	uint32_t batch, i;

	while (n) {
		batch = 1 + (uint32_t)rng_below(&rng, n < 200 ? n : 200);
		for (i = 0; i < batch; i++) {
			struct mmsb_sqe *sqe = mmsb_get_sqe(ring);

			if (!sqe)
				return -EBUSY;
			mmsb_prep_add(sqe, page, 0, 1);
			sqe->flags |= flags;
		}
		if (mmsb_submit(ring) < 0)
			return -EIO;
		for (i = 0; !flags && i < batch; i++)
			if (mmsb_wait_cqe(ring, &cqe, PATIENCE) || cqe.result)
				return -EIO;
		if (flags && mmsb_drain(ring, PATIENCE))
			return -EIO;
		n -= batch;
	}
	return 0;
}

TEST_F(timing, off_until_switched_on)
{
	struct mmsb_timing_args args;
	struct mmsb_space_info_args info = {};

	ASSERT_EQ(0, add_many(self->ring, AT(0), 100, 0));
	ASSERT_EQ(0, timing(self, 0, MMSB_LAYER_APPLY, MMSB_TIMING_ALL, &args));
	EXPECT_EQ(0, args.on);
	EXPECT_EQ(0, args.count);
	ASSERT_EQ(0, mmsb_space_info(self->space, &info));
	EXPECT_EQ(0, info.flags & MMSB_SPACE_TIMING);
	ASSERT_EQ(0, timing(self, MMSB_TIMING_ON, MMSB_LAYER_APPLY, MMSB_TIMING_ALL, &args));
	EXPECT_EQ(1, args.on);
	EXPECT_EQ(0, args.count);
	ASSERT_EQ(0, mmsb_space_info(self->space, &info));
	EXPECT_EQ(MMSB_SPACE_TIMING, info.flags & MMSB_SPACE_TIMING);
	EXPECT_COUNTS(0, 0, 0, 0, 0, 0);
}

/* Its own page: taken, applied, completed. */
TEST_F(timing, every_delta_once)
{
	uint64_t n = scaled(5000);

	ASSERT_EQ(0, set_timing(self, MMSB_TIMING_ON));
	ASSERT_EQ(0, add_many(self->ring, AT(0), n, 0));
	EXPECT_COUNTS(n, 0, n, 0, 0, n);
	EXPECT_EQ(n, count_of(self, MMSB_LAYER_APPLY, 0));
	EXPECT_EQ(0, set_timing(self, MMSB_TIMING_ON));		/* it is on: nothing is forgotten */
	EXPECT_COUNTS(n, 0, n, 0, 0, n);
}

/* Those that say nothing when they succeed go the same way. */
TEST_F(timing, quiet_ones_too)
{
	uint64_t n = 1;

	ASSERT_EQ(0, set_timing(self, MMSB_TIMING_ON));
	ASSERT_EQ(0, add_many(self->ring, AT(0), 1, MMSB_SQE_QUIET));
	EXPECT_COUNTS(n + 1, 0, n + 1, 0, 0, n + 1);		/* and the fence behind it */
}

TEST_F(timing, other_shards)
{
	uint64_t n = scaled(3000);

	if (variant->shards == 1)
		return;
	ASSERT_EQ(0, set_timing(self, MMSB_TIMING_ON));
	ASSERT_EQ(0, add_many(self->ring, AT(2), n, 0));
	EXPECT_COUNTS(n, n, n, 0, 0, n);
	EXPECT_EQ(n, count_of(self, MMSB_LAYER_QUEUE, 0));
	EXPECT_EQ(n, count_of(self, MMSB_LAYER_ROUTE, 0));
	EXPECT_EQ(0, count_of(self, MMSB_LAYER_APPLY, 0));
	EXPECT_EQ(n, count_of(self, MMSB_LAYER_APPLY, 2));
	EXPECT_EQ(n, count_of(self, MMSB_LAYER_COMPLETE, 0));
}

/* Where something follows from them, in the same shard, and, in a meeting, in another. */
TEST_F(timing, waves)
{
	const uint64_t here[] = { AT(0) }, there[] = { AT(0), AT(2) };
	uint64_t n = scaled(1000), page;

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, mmsb_derive_fold(self->ring, page, MMSB_RULE_ADD_MUL, MMSB_LANE_U64, here, NULL, 1, NULL)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, set_timing(self, MMSB_TIMING_ON));
	ASSERT_EQ(0, add_many(self->ring, AT(0), n, 0));
	EXPECT_COUNTS(n, 0, n, n, 0, n);
	ASSERT_EQ(0, mmsb_derive_fold(self->ring, AT(1), MMSB_RULE_ADD_MUL, MMSB_LANE_U64, there, NULL, 2, NULL)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, settle(self));
	ASSERT_EQ(0, set_timing(self, MMSB_TIMING_RESET));
	EXPECT_COUNTS(0, 0, 0, 0, 0, 0);
	ASSERT_EQ(0, add_many(self->ring, AT(0), n, 0));
	EXPECT_COUNTS(n, 0, n, n, 0, n);
}

static void sleep_ms(uint64_t ms)
{
	struct timespec time = { .tv_nsec = (long)(ms * 1000000) };

	while (nanosleep(&time, &time))
		;
}

/* A pass that takes the second has looked at the shard's other rings since the first was done. */
static int twice_round(struct mmsb_ring *ring)
{
	return mmsb_add(ring, AT(0), 8, 1, NULL) ?: mmsb_add(ring, AT(0), 8, 1, NULL);
}

/* Held up for want of room for completions: the wait lies within what a clock outside saw of it. */
TEST_F(timing, how_long_in_the_queue)
{
	struct mmsb_timing_args args;
	struct mmsb_ring *ring;
	struct mmsb_cqe cqe;
	uint64_t before;
	unsigned int i;

	ASSERT_EQ(0, ring_of(self->space, variant->ring_flags, 256, &ring));
	for (i = 0; i < 256; i++)
		mmsb_prep_add(mmsb_get_sqe(ring), AT(0), 0, 1);
	ASSERT_EQ(256, mmsb_submit_and_wait(ring, 256, PATIENCE)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, set_timing(self, MMSB_TIMING_ON));
	before = now_ns();
	for (i = 0; i < 10; i++)
		mmsb_prep_add(mmsb_get_sqe(ring), AT(0), 0, 1);
	ASSERT_EQ(10, mmsb_submit(ring));
	ASSERT_EQ(0, twice_round(self->ring));
	EXPECT_COUNTS(2, 0, 2, 0, 0, 2);
	sleep_ms(20);
	for (i = 0; i < 266; i++)
		ASSERT_EQ(0, mmsb_wait_cqe(ring, &cqe, PATIENCE));
	EXPECT_COUNTS(12, 0, 12, 0, 0, 12);
	ASSERT_EQ(0, timing(self, 0, MMSB_LAYER_QUEUE, 0, &args));
	EXPECT_LE(20000000, args.max);
	EXPECT_LE(args.max, now_ns() - before);
	EXPECT_LE(10 * 20000000, args.sum);
	mmsb_ring_close(ring);
}

/* ----------------------------------------------------------------------------------------------------- the whole way */

/* One round of a log's writer. */
static int make_durable(struct mmsb_history *log)
{
	const struct mmsb_record *record;
	uint64_t bound = 0;

	while (!mmsb_history_next(log, &record, 0))
		if (record->type == MMSB_RECORD_BOUND)
			bound = record->tick;
	return bound ? mmsb_history_durable(log, 0, bound) : -EAGAIN;
}

/*
 * A space whose deltas complete when they are durable, and a page that another follows. Every delta goes through all the layers that there are
 * without other shards; and because they follow upon each other, together they take no longer than a clock outside saw.
 */
TEST_F(timing, the_whole_way)
{
	uint64_t before, after, value, page, sum = 0;
	const uint64_t parents[] = { AT(0) };
	struct mmsb_timing_args args;
	struct mmsb_history *log;
	struct mmsb_cqe cqe;
	unsigned int i;
	uint32_t layer;

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, mmsb_derive_fold(self->ring, page, MMSB_RULE_ADD_MUL, MMSB_LANE_U64, parents, NULL, 1, NULL));
	ASSERT_EQ(0, mmsb_history_open(self->space, MMSB_OPTS(struct mmsb_history_opts, .flags = MMSB_HISTORY_LOG, .mode = MMSB_STRICT,
							      .log_id = { 3, 4 }), &log)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, set_timing(self, MMSB_TIMING_ON));
	before = now_ns();
	mmsb_prep_add(mmsb_get_sqe(self->ring), AT(0), 0, 1);
	ASSERT_EQ(1, mmsb_submit(self->ring));
	for (value = 0; !value; )
		ASSERT_EQ(8, mmsb_read(self->space, page, 0, &value, sizeof(value), NULL));
	EXPECT_COUNTS(1, 0, 1, 1, 0, 0);			/* applied, followed, and held back */
	sleep_ms(20);
	ASSERT_EQ(0, make_durable(log));
	ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
	after = now_ns();
	EXPECT_COUNTS(1, 0, 1, 1, 1, 1);
	for (layer = 0; layer < MMSB_LAYER_LAST; layer++) {
		ASSERT_EQ(0, timing(self, 0, layer, MMSB_TIMING_ALL, &args));
		sum += args.sum;
		if (layer == MMSB_LAYER_LOG)
			EXPECT_LE(20000000, args.min);
		if (args.count) {
			EXPECT_EQ(args.sum, args.p999);
			EXPECT_EQ(args.sum, args.p50);
		}
	}
	EXPECT_LE(20000000, sum);
	EXPECT_LE(sum, after - before);
	for (i = 0; i < 50; i++) {
		mmsb_prep_add(mmsb_get_sqe(self->ring), AT(0), 0, 1);
		ASSERT_EQ(1, mmsb_submit(self->ring));
	}
	for (i = 0; i < 50; ) {
		int err = make_durable(log);

		ASSERT_TRUE(!err || err == -EAGAIN);
		while (mmsb_peek_cqe(self->ring, &cqe) == 1)
			i++;
	}
	EXPECT_COUNTS(51, 0, 51, 51, 51, 51);
	mmsb_history_close(log);
}

/* -------------------------------------------------------------------------------------------------------- switching */

TEST_F(timing, forgets)
{
	struct mmsb_space_info_args before = {}, with = {}, after = {};
	struct mmsb_timing_args args;

	ASSERT_EQ(0, mmsb_space_info(self->space, &before));
	ASSERT_EQ(0, set_timing(self, MMSB_TIMING_ON));
	ASSERT_EQ(0, mmsb_space_info(self->space, &with));
	EXPECT_LE(before.memory + variant->shards * MMSB_LAYER_LAST * MMSB_TIMING_BUCKETS * 8, with.memory);
	ASSERT_EQ(0, add_many(self->ring, AT(0), 100, 0));
	EXPECT_COUNTS(100, 0, 100, 0, 0, 100);
	ASSERT_EQ(0, timing(self, MMSB_TIMING_RESET, MMSB_LAYER_APPLY, MMSB_TIMING_ALL, &args));
	EXPECT_EQ(1, args.on);
	EXPECT_EQ(0, args.count | args.sum | args.min | args.max | args.p50 | args.p999);
	EXPECT_COUNTS(0, 0, 0, 0, 0, 0);
	ASSERT_EQ(0, add_many(self->ring, AT(0), 50, 0));
	EXPECT_COUNTS(50, 0, 50, 0, 0, 50);
	ASSERT_EQ(0, mmsb_space_reset(self->space));		/* a space as new has counted nothing, and goes on */
	EXPECT_COUNTS(0, 0, 0, 0, 0, 0);
	ASSERT_EQ(0, make_page(self->ring, AT(0)));
	EXPECT_COUNTS(1, 0, 1, 0, 0, 1);
	ASSERT_EQ(0, set_timing(self, MMSB_TIMING_OFF));
	ASSERT_EQ(0, timing(self, 0, MMSB_LAYER_APPLY, MMSB_TIMING_ALL, &args));
	EXPECT_EQ(0, args.on | args.count);
	ASSERT_EQ(0, mmsb_space_info(self->space, &after));
	EXPECT_GT(with.memory, after.memory + variant->shards * MMSB_LAYER_LAST * MMSB_TIMING_BUCKETS * 8 - 1);
	ASSERT_EQ(0, set_timing(self, MMSB_TIMING_ON));
	EXPECT_COUNTS(0, 0, 0, 0, 0, 0);
}

/* What lies in the queue when it is switched on is timed from then on. */
TEST_F(timing, switched_on_in_between)
{
	struct mmsb_ring *ring;
	struct mmsb_cqe cqe;
	unsigned int i;

	ASSERT_EQ(0, ring_of(self->space, variant->ring_flags, 256, &ring));
	for (i = 0; i < 256; i++)
		mmsb_prep_add(mmsb_get_sqe(ring), AT(0), 0, 1);
	ASSERT_EQ(256, mmsb_submit_and_wait(ring, 256, PATIENCE));
	for (i = 0; i < 10; i++)
		mmsb_prep_add(mmsb_get_sqe(ring), AT(0), 0, 1);
	ASSERT_EQ(10, mmsb_submit(ring));
	ASSERT_EQ(0, set_timing(self, MMSB_TIMING_ON));
	for (i = 0; i < 266; i++)
		ASSERT_EQ(0, mmsb_wait_cqe(ring, &cqe, PATIENCE));
	EXPECT_COUNTS(10, 0, 10, 0, 0, 10);
	mmsb_ring_close(ring);
}

TEST_F(timing, refused)
{
	struct mmsb_timing_args args;
	struct mmsb_space *space, *other;

	EXPECT_EQ(-EINVAL, timing(self, 0, MMSB_LAYER_LAST, MMSB_TIMING_ALL, &args));
	EXPECT_NE(NULL, strstr(mmsb_strerror_last(), mmsb_reason_text(MMSB_REASON_BAD_LAYER)));
	EXPECT_EQ(-EINVAL, timing(self, MMSB_TIMING_ON, ~0u, MMSB_TIMING_ALL, &args));
	EXPECT_EQ(-EINVAL, timing(self, MMSB_TIMING_ON, 0, variant->shards, &args));
	EXPECT_NE(NULL, strstr(mmsb_strerror_last(), mmsb_reason_text(MMSB_REASON_BAD_SHARD)));
	EXPECT_EQ(-EINVAL, set_timing(self, MMSB_TIMING_ON | MMSB_TIMING_RESET));
	EXPECT_EQ(-EINVAL, set_timing(self, MMSB_TIMING_KNOWN + 1));
	ASSERT_EQ(0, timing(self, 0, 0, MMSB_TIMING_ALL, &args));
	EXPECT_EQ(0, args.on);
	EXPECT_EQ(-EINVAL, mmsb_space_open(self->mmsb, "timed", MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_TIMING), &space));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, "timed", MMSB_OPTS(struct mmsb_space_opts, .shards = variant->shards,
				     .flags = MMSB_SPACE_CREATE | MMSB_SPACE_TIMING | variant->space_flags), &space));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, "timed", MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_READ_ONLY), &other));
	args = (struct mmsb_timing_args){ .shard = MMSB_TIMING_ALL };
	EXPECT_EQ(0, mmsb_timing(other, &args));
	EXPECT_EQ(1, args.on);					/* from the start */
	args = (struct mmsb_timing_args){ .shard = MMSB_TIMING_ALL, .flags = MMSB_TIMING_OFF };
	EXPECT_EQ(-EPERM, mmsb_timing(other, &args));
	args = (struct mmsb_timing_args){ .shard = MMSB_TIMING_ALL };
	EXPECT_EQ(0, mmsb_timing(other, &args));
	EXPECT_EQ(1, args.on);
	mmsb_space_close(other);
	mmsb_space_close(space);
	EXPECT_EQ(NULL, mmsb_layer_name(MMSB_LAYER_LAST));
}

struct worker {
	FIXTURE_DATA(timing) *self;
	pthread_t thread;
	uint32_t ring_flags, number;
	atomic_bool stop;
	uint64_t done;
	int err;
};

/* Goes round the shards. */
static void *work(void *arg)
{
	struct worker *worker = arg;
	struct mmsb_ring *ring;

	worker->err = ring_of(worker->self->space, worker->ring_flags, 512, &ring);
	if (worker->err)
		return NULL;
	while (!worker->err && !worker->stop) {
		worker->err = add_many(ring, AT((worker->done + worker->number) % 3), 100, 0);
		worker->done += 100;
	}
	mmsb_ring_close(ring);
	return NULL;
}

/* Whatever is switched while others work: no more is told than was done, and nothing goes wrong with the work. */
TEST_F(timing, switched_while_others_work)
{
	struct worker workers[2] = { { self, .ring_flags = variant->ring_flags }, { self, .ring_flags = variant->ring_flags, .number = 1 } };
	uint64_t rounds = scaled(200), value, in_all = 0, done = 0, count, i;
	struct mmsb_timing_args args;
	struct rng rng = { 3 };

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, work, &workers[i]));
	for (i = 0; i < rounds; i++) {
		static const uint32_t flags[] = { MMSB_TIMING_ON, MMSB_TIMING_OFF, MMSB_TIMING_RESET, 0, 0, 0 };
		uint32_t layer = (uint32_t)rng_below(&rng, MMSB_LAYER_LAST);

		ASSERT_EQ(0, timing(self, flags[rng_below(&rng, 6)], layer, MMSB_TIMING_ALL, &args));
		ASSERT_EQ(0, !args.on && args.count);
		usleep(100);
	}
	ASSERT_EQ(0, set_timing(self, MMSB_TIMING_OFF));
	ASSERT_EQ(0, set_timing(self, MMSB_TIMING_ON));
	usleep(10000);
	for (i = 0; i < 2; i++) {
		workers[i].stop = true;
		ASSERT_EQ(0, pthread_join(workers[i].thread, NULL));
		EXPECT_EQ(0, workers[i].err);
		done += workers[i].done;
	}
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(8, mmsb_read(self->space, AT(i), 0, &value, sizeof(value), NULL));
		in_all += value;
	}
	EXPECT_EQ(done, in_all);
	ASSERT_EQ(0, settle(self));
	count = count_of(self, MMSB_LAYER_APPLY, MMSB_TIMING_ALL);
	EXPECT_LE(count, done);
	ASSERT_EQ(0, set_timing(self, MMSB_TIMING_RESET));
	ASSERT_EQ(0, add_many(self->ring, AT(0), 100, 0));
	EXPECT_COUNTS(100, 0, 100, 0, 0, 100);
}

TEST_HARNESS_MAIN
