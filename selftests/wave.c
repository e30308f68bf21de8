// SPDX-License-Identifier: GPL-2.0-only
/*
 * What follows from a tick: each derived page is computed once, behind all its parents, and only if one of them changed. How often is
 * told by the space's counters, so work that is done twice, or that grows with the number of ways instead of pages, is seen
 * by counting. Whoever has a completion reads derived pages that follow it, on whatever shard they are and whoever ran it.
 */
#include <pthread.h>
#include "common/harness.h"
#include "common/home.h"
#include "common/verified.h"

#define SPACE_FLAGS (MMSB_SPACE_CREATE | MMSB_SPACE_HASH)

struct bench {
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint32_t next;
};

FIXTURE(wave) {
	struct mmsb *mmsb;
	struct bench bench;
};

FIXTURE_VARIANT(wave) {
	uint32_t shards;
	bool polled;
};

FIXTURE_VARIANT_ADD(wave, one_shard) { .shards = 1 };
FIXTURE_VARIANT_ADD(wave, three_shards) { .shards = 3 };
FIXTURE_VARIANT_ADD(wave, one_shard_polled) { .shards = 1, .polled = true };
FIXTURE_VARIANT_ADD(wave, three_shards_polled) { .shards = 3, .polled = true };

static int bench_open(struct bench *bench, struct mmsb *mmsb, uint32_t shards, bool polled, uint32_t flags)
{
	int ret;

	memset(bench, 0, sizeof(*bench));
	ret = mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = shards, .max_pages = 65536,
			      .flags = SPACE_FLAGS | flags | (polled ? 0 : MMSB_SPACE_INLINE)), &bench->space);
	return ret ?: mmsb_ring_open(bench->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = 1,
				     .flags = polled ? MMSB_RING_POLLED : 0), &bench->ring);
}

static void bench_close(struct bench *bench)
{
	mmsb_ring_close(bench->ring);
	mmsb_space_close(bench->space);
}

FIXTURE_SETUP(wave)
{
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, bench_open(&self->bench, self->mmsb, variant->shards, variant->polled, 0)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
}

FIXTURE_TEARDOWN(wave)
{
	EXPECT_TRUE(space_is_verified(self->bench.space));
	bench_close(&self->bench);
	mmsb_close(self->mmsb);
}

/* ------------------------------------------------------------------------------------------------------------- helpers */

/* Pages go round eight blocks of the directory, and so round the shards. 0: it cannot be made. */
static uint64_t new_page(struct bench *bench, uint32_t bytes)
{
	uint32_t n = bench->next, block = n % 8 + n / 8192 * 8;
	uint64_t id = MMSB_PAGE_ID(1, 1024 * block + n / 8 % 1024);
	struct mmsb_cqe cqe = {};

	bench->next++;
	if (run_op(bench->ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = id, .len = bytes) || cqe.result)
		return 0;
	return id;
}

/* The sum of these pages, lane by lane. 0: it cannot be made. */
static uint64_t new_sum(struct bench *bench, const uint64_t *parents, unsigned int n, uint32_t bytes)
{
	uint64_t page = new_page(bench, bytes);

	if (!page || mmsb_derive_fold(bench->ring, page, MMSB_RULE_ADD_MUL, MMSB_LANE_U64, parents, NULL, n, NULL))
		return 0;
	return page;
}

/* The same of a lazy page. */
static uint64_t new_lazy(struct bench *bench, uint64_t parent)
{
	const struct mmsb_derive how = { .rule = MMSB_RULE_COPY, .flags = MMSB_DERIVE_LAZY };
	const struct mmsb_edge edge = { .parent = parent };
	uint64_t page = new_page(bench, 64);

	return page && !mmsb_derive(bench->ring, page, &how, &edge, 1, NULL) ? page : 0;
}

static struct mmsb_space_info_args info_of(const struct bench *bench)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };

	if (mmsb_space_info(bench->space, &info))
		abort();
	return info;
}

static uint64_t recomputed(const struct bench *bench)
{
	return info_of(bench).recomputed;
}

static struct mmsb_node node_of(const struct bench *bench, uint64_t page)
{
	struct mmsb_node node = {};

	if (mmsb_node(bench->space, page, &node))
		abort();
	return node;
}

static uint64_t epoch_of(const struct bench *bench, uint64_t page)
{
	struct mmsb_page_info info = {};

	if (mmsb_page_info(bench->space, page, &info))
		abort();
	return info.epoch;
}

/* As it stands: reading a page that is behind by mmsb_read() would have it recomputed. */
static uint64_t value_of(const struct bench *bench, uint64_t page)
{
	struct mmsb_view view;
	uint64_t value;
	int ret;

	for (;;) {
		ret = mmsb_view_begin(bench->space, page, &view);
		if (ret == -EAGAIN)
			continue;
		if (ret)
			abort();
		value = __atomic_load_n((const uint64_t *)view.data, __ATOMIC_RELAXED);
		if (mmsb_view_end(&view))
			return value;
	}
}

static int hash_of(const struct bench *bench, uint64_t hash[2])
{
	uint64_t fresh[2];
	int ret = mmsb_hash(bench->space, 0, hash, NULL) ?: mmsb_hash(bench->space, MMSB_HASH_RECOMPUTE, fresh, NULL);

	return ret ?: memcmp(hash, fresh, sizeof(fresh)) ? -EIO : 0;
}

/* ----------------------------------------------------------------------------------------------------------- each once */

TEST_F(wave, diamond)
{
	struct bench *bench = &self->bench;
	uint64_t top = new_page(bench, 64), sides[2], sink, before, i;
	struct mmsb_page_info info;
	struct mmsb_cqe cqe = {};

	sides[0] = new_sum(bench, &top, 1, 64);
	sides[1] = new_sum(bench, &top, 1, 64);
	sink = new_sum(bench, sides, 2, 64);
	ASSERT_NE(0, sink);
	for (i = 1; i <= 20; i++) {
		before = recomputed(bench);
		ASSERT_EQ(0, run_op(bench->ring, &cqe, .op = MMSB_OP_ADD, .lane = MMSB_LANE_U64, .page = top, .len = 8, .word = { 1 }));
		EXPECT_EQ(2 * i, value_of(bench, sink));
		EXPECT_EQ(before + 3, recomputed(bench));
		EXPECT_EQ(i, epoch_of(bench, sink));
		/* the tick of the delta is that of all that follows */
		ASSERT_EQ(0, mmsb_page_info(bench->space, sink, &info));
		EXPECT_EQ(cqe.tick, info.tick);
	}
	ASSERT_EQ(0, hash_of(bench, (uint64_t[2]){}));
}

TEST_F(wave, chain)
{
	struct bench *bench = &self->bench;
	uint64_t first = new_page(bench, 64), last = first, before, i;

	for (i = 0; i < 1000; i++) {
		last = new_sum(bench, &last, 1, 64);
		ASSERT_NE(0, last);
	}
	EXPECT_EQ(1000, node_of(bench, last).height);
	for (i = 1; i <= 10; i++) {
		before = recomputed(bench);
		ASSERT_EQ(0, mmsb_add(bench->ring, first, 0, 3, NULL));
		EXPECT_EQ(3 * i, value_of(bench, last));
		EXPECT_EQ(before + 1000, recomputed(bench));
	}
	EXPECT_EQ(10, epoch_of(bench, last));
}

TEST_F(wave, fan_out)
{
	struct bench *bench = &self->bench;
	unsigned int n = scaled(10000) < 10000 ? 1000 : 10000, i;
	uint64_t first = new_page(bench, 64), *child = calloc(n, sizeof(*child)), before;

	for (i = 0; i < n; i++) {
		child[i] = new_sum(bench, &first, 1, 64);
		ASSERT_NE(0, child[i]);
	}
	EXPECT_EQ(n, node_of(bench, first).children);
	before = recomputed(bench);
	ASSERT_EQ(0, mmsb_add(bench->ring, first, 0, 7, NULL));
	EXPECT_EQ(before + n, recomputed(bench));
	for (i = 0; i < n; i++) {
		ASSERT_EQ(7, value_of(bench, child[i]));
		ASSERT_EQ(1, epoch_of(bench, child[i]));
	}
	free(child);
}

/* 30 levels of two pages, both parents of both pages of the next: 2^30 ways lead down, and 60 pages are computed. */
TEST_F(wave, lattice)
{
	struct bench *bench = &self->bench;
	uint64_t level[2], next[2], first, before;
	unsigned int i;

	first = level[0] = level[1] = new_page(bench, 64);
	for (i = 0; i < 30; i++) {
		next[0] = new_sum(bench, level, 2, 64);
		next[1] = new_sum(bench, level, 2, 64);
		ASSERT_NE(0, next[1]);
		memcpy(level, next, sizeof(level));
	}
	before = recomputed(bench);
	ASSERT_EQ(0, mmsb_add(bench->ring, first, 0, 1, NULL));
	EXPECT_EQ(1u << 30, value_of(bench, level[0]));
	EXPECT_EQ(1u << 30, value_of(bench, level[1]));
	EXPECT_EQ(before + 60, recomputed(bench));
}

/* Many deltas of one tick are followed once. */
TEST_F(wave, many_deltas_one_tick)
{
	struct bench *bench = &self->bench;
	uint64_t first = new_page(bench, 64), child = new_sum(bench, &first, 1, 64), before = recomputed(bench);
	struct mmsb_cqe cqe;
	unsigned int i;

	if (variant->shards > 1)
		SKIP(return, "other shards may cut a batch into ticks");
	for (i = 0; i < 50; i++)
		mmsb_prep_add(mmsb_get_sqe(bench->ring), first, 0, 1);
	ASSERT_EQ(50, mmsb_submit(bench->ring));
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, mmsb_wait_cqe(bench->ring, &cqe, PATIENCE));
		EXPECT_EQ(i + 1, cqe.epoch);
	}
	EXPECT_EQ(50, value_of(bench, child));
	EXPECT_EQ(1, epoch_of(bench, child));
	EXPECT_EQ(before + 1, recomputed(bench));
}

/* ------------------------------------------------------------------------------------------------------ nothing to do */

TEST_F(wave, equal_bytes_compute_nothing)
{
	struct bench *bench = &self->bench;
	uint64_t first = new_page(bench, 64), child = new_sum(bench, &first, 1, 64), value = 5, epoch;
	struct mmsb_space_info_args before, after;

	ASSERT_EQ(0, mmsb_set(bench->ring, first, 0, &value, 8, NULL));
	epoch = epoch_of(bench, child);
	before = info_of(bench);
	ASSERT_EQ(0, mmsb_set(bench->ring, first, 0, &value, 8, NULL));
	ASSERT_EQ(0, mmsb_add(bench->ring, first, 0, 0, NULL));
	after = info_of(bench);
	EXPECT_EQ(before.recomputed, after.recomputed);
	EXPECT_EQ(before.skipped, after.skipped);
	EXPECT_EQ(epoch, epoch_of(bench, child));
	/* there is nothing to refresh either, which is found by the signature */
	ASSERT_EQ(0, mmsb_refresh(bench->ring, child, NULL));
	after = info_of(bench);
	EXPECT_EQ(before.recomputed, after.recomputed);
	EXPECT_EQ(before.skipped + 1, after.skipped);
}

/* What comes out the same keeps its epoch, and what follows it sleeps on. */
TEST_F(wave, equal_result_cuts)
{
	struct bench *bench = &self->bench;
	uint64_t first = new_page(bench, 64), greatest = new_page(bench, 64), last = 0, epoch, value = 100;
	struct mmsb_space_info_args before, after;
	unsigned int i;

	ASSERT_EQ(0, mmsb_set(bench->ring, first, 0, &value, 8, NULL));
	ASSERT_EQ(0, mmsb_derive_fold(bench->ring, greatest, MMSB_RULE_MAX, MMSB_LANE_U64, &first, NULL, 1, NULL));
	for (i = 0; i < 5; i++)
		last = new_sum(bench, i ? &last : &greatest, 1, 64);
	ASSERT_NE(0, last);
	EXPECT_EQ(100, value_of(bench, last));
	epoch = epoch_of(bench, greatest);
	before = info_of(bench);
	ASSERT_EQ(0, mmsb_add(bench->ring, first, 8, 42, NULL));
	after = info_of(bench);
	EXPECT_EQ(before.recomputed + 1, after.recomputed);
	EXPECT_EQ(before.cut + 1, after.cut);
	EXPECT_EQ(epoch, epoch_of(bench, greatest));
	ASSERT_EQ(0, mmsb_add(bench->ring, first, 8, 60, NULL));
	EXPECT_EQ(102, value_of(bench, last));
	EXPECT_EQ(before.recomputed + 1 + 6, recomputed(bench));
	EXPECT_EQ(before.cut + 1, info_of(bench).cut);
}

/* ---------------------------------------------------------------------------------------------------------------- lazy */

TEST_F(wave, lazy_pages_wait_to_be_asked)
{
	struct bench *bench = &self->bench;
	uint64_t first = new_page(bench, 64), lazy = new_lazy(bench, first), eager = new_sum(bench, &lazy, 1, 64), before, i;

	ASSERT_NE(0, eager);
	ASSERT_EQ(0, mmsb_refresh(bench->ring, eager, NULL));
	EXPECT_EQ(MMSB_NODE_LAZY, node_of(bench, lazy).flags);
	before = recomputed(bench);
	for (i = 1; i <= 5; i++) {
		ASSERT_EQ(0, mmsb_add(bench->ring, first, 0, 1, NULL));
		EXPECT_EQ(MMSB_NODE_LAZY | MMSB_NODE_STALE, node_of(bench, lazy).flags);
		EXPECT_EQ(MMSB_NODE_STALE, node_of(bench, eager).flags);
	}
	EXPECT_EQ(before, recomputed(bench));
	EXPECT_EQ(0, value_of(bench, lazy));
	EXPECT_EQ(0, value_of(bench, eager));
	ASSERT_EQ(0, mmsb_refresh(bench->ring, eager, NULL));
	EXPECT_EQ(before + 2, recomputed(bench));
	EXPECT_EQ(5, value_of(bench, lazy));
	EXPECT_EQ(5, value_of(bench, eager));
	EXPECT_EQ(MMSB_NODE_LAZY, node_of(bench, lazy).flags);
	EXPECT_EQ(0, node_of(bench, eager).flags);
	ASSERT_EQ(0, mmsb_refresh(bench->ring, lazy, NULL));
	EXPECT_EQ(before + 2, recomputed(bench));
	/* reading asks, too, and what follows comes along */
	ASSERT_EQ(0, mmsb_add(bench->ring, first, 0, 1, NULL));
	ASSERT_EQ(8, mmsb_read(bench->space, lazy, 0, &i, 8, NULL));
	EXPECT_EQ(6, i);
	EXPECT_EQ(6, value_of(bench, eager));
	EXPECT_EQ(before + 4, recomputed(bench));
	ASSERT_EQ(0, hash_of(bench, (uint64_t[2]){}));
}

/* A graph with every shape of the above, to which `steps` random deltas are done one by one. */
#define SHAPES 48u

static int build(struct bench *bench, uint64_t *page, struct rng *rng, uint32_t flags)
{
	struct mmsb_derive how = { .rule = MMSB_RULE_ADD_MUL, .lane = MMSB_LANE_U64, .flags = flags };
	struct mmsb_edge edge[4];
	unsigned int i, k, n;
	int ret = 0;

	for (i = 0; i < SHAPES && !ret; i++) {
		page[i] = new_page(bench, 64 + 8 * (i % 5));
		if (!page[i])
			return -1;
		if (i < 8)
			continue;
		n = 1 + rng_below(rng, 4);
		for (k = 0; k < n; k++)
			edge[k] = (struct mmsb_edge){ .parent = page[rng_below(rng, i)], .weight = 1 + rng_below(rng, 3) };
		how.rule = i % 3 ? MMSB_RULE_ADD_MUL : MMSB_RULE_MAX_ADD;
		ret = mmsb_derive(bench->ring, page[i], &how, edge, n, NULL);
	}
	return ret;
}

static int play(struct bench *bench, const uint64_t *page, struct rng *rng, unsigned int steps)
{
	int ret = 0;

	while (steps-- && !ret)
		ret = mmsb_add(bench->ring, page[rng_below(rng, 8)], 8 * rng_below(rng, 8), (int64_t)rng_below(rng, 3), NULL);
	return ret;
}

TEST_F(wave, lazy_comes_to_the_same)
{
	uint64_t page[3][SHAPES], seed = rng_seed(), bytes[2][16];
	unsigned int i, k, steps = 20 + scaled(300);
	struct bench bench[3];

	TH_LOG("MMSB_SEED=%llu", (unsigned long long)seed);
	for (i = 0; i < 3; i++) {
		struct rng rng = { .state = seed };

		ASSERT_EQ(0, bench_open(&bench[i], self->mmsb, variant->shards, variant->polled, i == 1 ? MMSB_SPACE_LAZY : 0));
		ASSERT_EQ(0, build(&bench[i], page[i], &rng, i == 2 ? MMSB_DERIVE_LAZY : 0));
		ASSERT_EQ(0, play(&bench[i], page[i], &rng, steps));
	}
	EXPECT_EQ(0, recomputed(&bench[1]));
	EXPECT_EQ(0, recomputed(&bench[2]));
	for (k = 8; k < SHAPES; k++)
		for (i = 1; i < 3; i++)
			ASSERT_EQ(0, mmsb_refresh(bench[i].ring, page[i][k], NULL));
	EXPECT_EQ(SHAPES - 8, recomputed(&bench[1]));
	EXPECT_EQ(SHAPES - 8, recomputed(&bench[2]));
	for (k = 0; k < SHAPES; k++) {
		for (i = 1; i < 3; i++) {
			ssize_t len = mmsb_read(bench[0].space, page[0][k], 0, bytes[0], sizeof(bytes[0]), NULL);

			ASSERT_EQ(len, mmsb_read(bench[i].space, page[i][k], 0, bytes[1], sizeof(bytes[1]), NULL));
			EXPECT_EQ(0, memcmp(bytes[0], bytes[1], len)) {
				TH_LOG("page %u of %s", k, i == 1 ? "the lazy space" : "lazy pages");
			}
			EXPECT_EQ(0, node_of(&bench[i], page[i][k]).flags & MMSB_NODE_STALE);
		}
	}
	for (i = 0; i < 3; i++)
		bench_close(&bench[i]);
}

/* ------------------------------------------------------------------------------------------------------ being told of it */

struct waiter {
	struct bench *bench;
	uint64_t page, now;
	int ret;
};

static void *wait_for_it(void *arg)
{
	struct waiter *me = arg;

	me->ret = mmsb_wait(me->bench->space, me->page, me->now, PATIENCE, &me->now);
	return NULL;
}

TEST_F(wave, waiters_of_derived_pages_wake)
{
	struct bench *bench = &self->bench;
	uint64_t first = new_page(bench, 64), last = first;
	struct waiter waiter = { .bench = bench };
	pthread_t thread;
	unsigned int i;

	for (i = 0; i < 5; i++)
		last = new_sum(bench, &last, 1, 64);
	ASSERT_NE(0, last);
	waiter.page = last;
	for (i = 0; i < 20; i++) {
		waiter.now = epoch_of(bench, last);
		ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_it, &waiter));
		usleep(i % 2 ? 2000 : 0);
		ASSERT_EQ(0, mmsb_add(bench->ring, first, 0, 1, NULL));
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ASSERT_EQ(0, waiter.ret);
		EXPECT_EQ(i + 1, waiter.now);
	}
}

/* ------------------------------------------------------------------------------------------------- among other threads */

#define WIDE	4096u			/* bytes: several words, one piece */
#define SOURCES	3u

struct scene {
	struct bench *bench;
	uint64_t source[SOURCES], sum, copy;
	uint32_t shards, flags;
	bool stop;
};

struct writer {
	struct scene *scene;
	unsigned int number;
	uint64_t done;
	const char *wrong;
	pthread_t thread;
};

static bool stopped(const struct scene *scene)
{
	return __atomic_load_n(&scene->stop, __ATOMIC_RELAXED);
}

/* Its source is all one number, which the sum must have reached when the completion is there: a writer knows his own part of it. */
static void *write_on(void *arg)
{
	struct writer *me = arg;
	struct scene *scene = me->scene;
	struct mmsb_ring *ring;
	struct mmsb_cqe cqe;

	if (mmsb_ring_open(scene->bench->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = scene->flags,
							 .shard = 1 + me->number % scene->shards), &ring)) {
		me->wrong = mmsb_strerror_last();
		return NULL;
	}
	while (!me->wrong && !stopped(scene)) {
		if (run_op(ring, &cqe, .op = MMSB_OP_ADD, .lane = MMSB_LANE_U16, .flags = MMSB_SQE_SPLAT,
			   .page = scene->source[me->number], .len = WIDE, .word = { 1 }) || cqe.result)
			me->wrong = "a delta failed";
		me->done++;
		/* each source counts in its own 16 bits of the sum */
		if ((uint16_t)(value_of(scene->bench, scene->sum) >> (16 * me->number)) != (uint16_t)me->done)
			me->wrong = "the sum does not follow a delta that has completed";
		if ((uint16_t)(value_of(scene->bench, scene->copy) >> (16 * me->number)) != (uint16_t)me->done)
			me->wrong = "what follows the sum does not follow a delta that has completed";
	}
	mmsb_ring_close(ring);
	return NULL;
}

/* All words of a derived page are the same in every version of it. */
static const char *look(const struct scene *scene, uint64_t page, uint64_t *epoch)
{
	uint64_t words[WIDE / 8], now;
	unsigned int i;

	if (mmsb_read(scene->bench->space, page, 0, words, WIDE, &now) != WIDE)
		return mmsb_strerror_last();
	for (i = 1; i < WIDE / 8; i++)
		if (words[i] != words[0])
			return "a derived page was torn";
	if (now < *epoch)
		return "an epoch fell";
	*epoch = now;
	return NULL;
}

TEST_F(wave, completions_imply_what_follows)
{
	struct bench *bench = &self->bench;
	struct scene scene = { .bench = bench, .shards = variant->shards, .flags = variant->polled ? MMSB_RING_POLLED : 0 };
	struct writer writer[SOURCES] = {};
	struct mmsb_edge edge[SOURCES];
	const struct mmsb_derive how = { .rule = MMSB_RULE_OR_AND, .lane = MMSB_LANE_U64 };
	uint64_t end, epoch[2] = {}, looks = 0;
	const char *wrong = NULL;
	unsigned int i;

	for (i = 0; i < SOURCES; i++) {
		scene.source[i] = new_page(bench, WIDE);
		edge[i] = (struct mmsb_edge){ .parent = scene.source[i], .weight = 0xffffull << (16 * i) };
	}
	scene.sum = new_page(bench, WIDE);
	ASSERT_EQ(0, mmsb_derive(bench->ring, scene.sum, &how, edge, SOURCES, NULL));
	scene.copy = new_page(bench, WIDE);
	ASSERT_EQ(0, mmsb_derive_fold(bench->ring, scene.copy, MMSB_RULE_COPY, 0, &scene.sum, NULL, 1, NULL));
	end = now_ns() + (home_is_kernel() ? 3 : 1) * SECOND;
	for (i = 0; i < SOURCES; i++) {
		writer[i].scene = &scene;
		writer[i].number = i;
		ASSERT_EQ(0, pthread_create(&writer[i].thread, NULL, write_on, &writer[i]));
	}
	while (!wrong && now_ns() < end) {
		wrong = look(&scene, scene.sum, &epoch[0]);
		wrong = wrong ?: look(&scene, scene.copy, &epoch[1]);
		looks++;
	}
	__atomic_store_n(&scene.stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < SOURCES; i++) {
		ASSERT_EQ(0, pthread_join(writer[i].thread, NULL));
		EXPECT_EQ(NULL, writer[i].wrong) {
			TH_LOG("writer %u, delta %llu: %s", i, (unsigned long long)writer[i].done, writer[i].wrong);
		}
		EXPECT_LT(0, writer[i].done);
	}
	EXPECT_EQ(NULL, wrong) {
		TH_LOG("%s", wrong);
	}
	TH_LOG("%llu deltas, %llu looks", (unsigned long long)(writer[0].done + writer[1].done + writer[2].done),
	       (unsigned long long)looks);
	EXPECT_EQ(value_of(bench, scene.sum), value_of(bench, scene.copy));
	ASSERT_EQ(0, hash_of(bench, (uint64_t[2]){}));
}

/* ------------------------------------------------------------------------------------------------ any number of shards */

/* One history, its ticks the same: bytes, epochs and graph are, by the hash, whoever runs how many shards. */
TEST(the_same_with_any_number_of_shards)
{
	static const uint32_t shards[] = { 1, 2, 3, 8 };
	uint64_t page[SHAPES], hash[2], first[2], seed = rng_seed(), count = 0;
	unsigned int i, steps = 20 + scaled(1000);
	struct bench bench;
	struct mmsb *mmsb;

	TH_LOG("MMSB_SEED=%llu", (unsigned long long)seed);
	ASSERT_EQ(0, mmsb_open(&mmsb, NULL));
	for (i = 0; i < 8; i++) {
		struct rng rng = { .state = seed };

		ASSERT_EQ(0, bench_open(&bench, mmsb, shards[i / 2], i % 2, 0));
		ASSERT_EQ(0, build(&bench, page, &rng, 0));
		ASSERT_EQ(0, play(&bench, page, &rng, steps));
		ASSERT_EQ(0, hash_of(&bench, i ? hash : first));
		if (i) {
			EXPECT_EQ(0, memcmp(first, hash, sizeof(hash))) {
				TH_LOG("%u shards, %s, leave another state", shards[i / 2], i % 2 ? "polled" : "inline");
			}
			EXPECT_EQ(count, recomputed(&bench));
		}
		count = recomputed(&bench);
		bench_close(&bench);
	}
	mmsb_close(mmsb);
}

TEST_HARNESS_MAIN
