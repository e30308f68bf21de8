// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out of memory, at every allocation site in turn: a scenario is run with its first allocation failing, then with the second, and so on until
 * it asks for no more. Each time it must fail with -ENOMEM or succeed all the same, leave the state as it was (by the hash) when
 * it failed, and work when it is run once more with nothing failing. Leaks are for the sanitizer, or kmemleak, to find. What fails them is in
 * common/starve.h; what concerns derived pages, events and histories is in inject_graph.c.
 */
#include "common/harness.h"
#include "common/starve.h"
#include "common/verified.h"
#include "inject.h"

FIXTURE(inject) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint64_t page, big;
	struct starve starve;
};

FIXTURE_SETUP(inject)
{
	ASSERT_TRUE(starve_open(&self->starve)) {
		TH_LOG("there is no fault injection here: /proc/thread-self/fail-nth takes a kernel with FAULT_INJECTION, such as the bed's kasan");
	}
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 2,
				     .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | MMSB_SPACE_INLINE), &self->space));
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = 1), &self->ring));
	ASSERT_EQ(0, mmsb_create(self->ring, 64, &self->page));
	ASSERT_EQ(0, mmsb_create(self->ring, 10u << 20, &self->big));
}

FIXTURE_TEARDOWN(inject)
{
	if (!self->ring)
		return;
	mmsb_ring_close(self->ring);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
	starve_close(&self->starve);
}

/* Lets through what a call that failed midway left in the ring, and takes down the pages that it left. */
static int settle(FIXTURE_DATA(inject) *self)
{
	struct mmsb_page_info page;
	uint64_t cursor = 0;
	int ret = mmsb_drain(self->ring, PATIENCE);

	while (!ret && !mmsb_page_next(self->space, &cursor, &page))
		if (page.page != self->page && page.page != self->big)
			ret = mmsb_destroy(self->ring, page.page);
	return ret;
}

/* --------------------------------------------------------------------------------------------------------- scenarios */

/* 0, or a negative errno; what it made it takes down again. */
typedef int (*scenario_fn)(FIXTURE_DATA(inject) *self);

static int open_home(FIXTURE_DATA(inject) *self)
{
	struct mmsb *mmsb;
	int ret = mmsb_open(&mmsb, NULL);

	if (!ret)
		mmsb_close(mmsb);
	return ret;
}

static int open_space(FIXTURE_DATA(inject) *self)
{
	struct mmsb_space *space;
	int ret = mmsb_space_open(self->mmsb, "test-inject", MMSB_OPTS(struct mmsb_space_opts, .shards = 3,
				  .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH), &space);

	if (!ret)
		mmsb_space_close(space);
	return ret;
}

static int open_ring(FIXTURE_DATA(inject) *self)
{
	struct mmsb_ring *ring;
	int ret = mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = 2), &ring);

	if (!ret)
		mmsb_ring_close(ring);
	return ret;
}

/* Pages of all sizes, so that slabs, chunks and directory blocks are needed that were not there; each is new to its class. */
static int make_pages(FIXTURE_DATA(inject) *self)
{
	static const uint32_t sizes[] = { 96, 700, 5000, 65536, 300000 };
	uint64_t pages[5];
	unsigned int i;
	int ret = 0, err;

	for (i = 0; i < 5 && !ret; i++)
		ret = mmsb_create(self->ring, sizes[i], &pages[i]);
	if (ret)
		i--;
	while (i--) {
		err = mmsb_destroy(self->ring, pages[i]);
		if (err)
			return starve_copy_failed(err) ? err : -EIO;
	}
	return ret;
}

/* A chunk of a large page that was never written. What was written before stays written, so each time another. */
static int write_afar(FIXTURE_DATA(inject) *self)
{
	static uint64_t chunk;
	uint64_t offset = 65536 * (chunk++ % 150) + 100;

	return mmsb_set(self->ring, self->big, offset, "far away", 8, NULL);
}

/* A ring that talks to a shard that it never talked to. */
static int route(FIXTURE_DATA(inject) *self)
{
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_cqe cqe = {};
	int ret;

	ret = mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 2,
			      .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE), &space);
	if (ret)
		return ret;
	ret = mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .shard = 1), &ring);
	if (!ret) {
		ret = run_op(ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = MMSB_PAGE_ID(1, 1024), .len = 64);
		ret = ret ?: cqe.result;
		mmsb_ring_close(ring);
	}
	mmsb_space_close(space);
	return ret;
}

static int snapshot(FIXTURE_DATA(inject) *self)
{
	static char bytes[2][1 << 20];
	const uint64_t pages[2] = { self->page, self->big };
	void *to[2] = { bytes[0], bytes[1] };
	size_t len[2] = { sizeof(bytes[0]), sizeof(bytes[1]) };
	int results[2];

	return mmsb_snapshot(self->space, pages, 2, to, len, NULL, results, NULL);
}

static int hash(FIXTURE_DATA(inject) *self)
{
	uint64_t hash[2];

	return mmsb_hash(self->space, MMSB_HASH_RECOMPUTE, hash, NULL) ?: mmsb_hash(self->space, MMSB_HASH_ON, hash, NULL);
}

static int wait_briefly(FIXTURE_DATA(inject) *self)
{
	int ret = mmsb_wait(self->space, self->page, ~0ull, 1000, NULL);

	return ret == -ETIME ? 0 : ret;
}

static int payload(FIXTURE_DATA(inject) *self)
{
	char bytes[500];

	memset(bytes, 'p', sizeof(bytes));
	return mmsb_set(self->ring, self->big, 0, bytes, sizeof(bytes), NULL);
}

/* It is on in all shards or in none. */
static int time_layers(FIXTURE_DATA(inject) *self)
{
	struct mmsb_timing_args args = { .flags = MMSB_TIMING_ON, .shard = MMSB_TIMING_ALL };
	int ret = mmsb_timing(self->space, &args);

	if (ret) {
		args = (struct mmsb_timing_args){ .shard = MMSB_TIMING_ALL };
		if (!starve_copy_failed(ret) && (mmsb_timing(self->space, &args) || args.on))
			return -EIO;
		return ret;
	}
	args = (struct mmsb_timing_args){ .flags = MMSB_TIMING_OFF, .shard = MMSB_TIMING_ALL };
	return mmsb_timing(self->space, &args);
}

/* From the start. */
static int open_timed(FIXTURE_DATA(inject) *self)
{
	struct mmsb_space *space;
	int ret = mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 3,
				  .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE | MMSB_SPACE_TIMING), &space);

	if (!ret)
		mmsb_space_close(space);
	return ret;
}

/* All of it, or none: what could not be looked at for want of memory is not passed over. */
static int verify(FIXTURE_DATA(inject) *self)
{
	struct mmsb_verify_args totals = { .size = sizeof(totals) };
	int ret = mmsb_verify(self->space, NULL, &totals);

	return ret ?: totals.findings || totals.moved ? -EIO : 0;
}

static const struct scenario {
	const char *name;
	scenario_fn run;
	bool changes;		/* the state, when it succeeds */
} scenarios[] = {
	{ "open a home", open_home, false },
	{ "open a space", open_space, false },
	{ "open a ring", open_ring, false },
	{ "make pages", make_pages, false },
	{ "write to a far chunk", write_afar, true },
	{ "route", route, false },
	{ "snapshot", snapshot, false },
	{ "hash", hash, false },
	{ "wait", wait_briefly, false },
	{ "payload", payload, true },
	{ "time layers", time_layers, false },
	{ "open a timed space", open_timed, false },
	{ "verify", verify, false },
};

static int hash_of(struct mmsb_space *space, uint64_t hash[2])
{
	uint64_t kept[2];
	int ret = mmsb_hash(space, MMSB_HASH_RECOMPUTE, hash, NULL);

	if (!ret)
		ret = mmsb_hash(space, 0, kept, NULL);
	return ret ?: memcmp(kept, hash, sizeof(kept)) ? -EIO : 0;
}

/* Of the page that scenarios change. */
static uint64_t epoch_of_big(FIXTURE_DATA(inject) *self)
{
	struct mmsb_page_info info;

	if (mmsb_page_info(self->space, self->big, &info))
		abort();
	return info.epoch;
}

TEST_F_TIMEOUT(inject, every_site, 110)
{
	uint64_t before[2], after[2], rise;
	unsigned int i, nth, failed;
	bool came;
	int ret;

	for (i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
		const struct scenario *s = &scenarios[i];

		failed = 0;
		for (nth = 1, came = true; came && nth < STARVE_SITES; nth++) {
			ASSERT_EQ(0, hash_of(self->space, before));
			rise = -epoch_of_big(self);
			starve_arm(&self->starve, nth);
			ret = s->run(self);
			came = starve_disarm(&self->starve, nth);
			failed += ret != 0;
			if (ret && !starve_copy_failed(ret))
				EXPECT_EQ(-ENOMEM, ret) {
					TH_LOG("%s, allocation %u: %s", s->name, nth, mmsb_strerror_last());
				}
			EXPECT_TRUE(came || !ret);
			if (starve_copy_failed(ret))
				ASSERT_EQ(0, settle(self));
			ASSERT_EQ(0, hash_of(self->space, after));
			ASSERT_TRUE(space_is_verified(self->space)) {
				TH_LOG("%s, allocation %u: what it keeps of itself is wrong", s->name, nth);
			}
			rise += epoch_of_big(self);
			EXPECT_GE(s->changes && (!ret || starve_copy_failed(ret)), rise);
			if (!rise)
				EXPECT_EQ(0, memcmp(before, after, sizeof(before))) {
					TH_LOG("%s, allocation %u: the state is another", s->name, nth);
				}
		}
		EXPECT_GT(STARVE_SITES, nth);
		EXPECT_EQ(0, s->run(self)) {
			TH_LOG("%s, with nothing failing: %s", s->name, mmsb_strerror_last());
		}
		TH_LOG("%s: %u allocations, failing %u of them failed it", s->name, nth - 2, failed);
	}
}

/* Any allocation of any thread may fail at any time: whatever was said to have been done was done. */
TEST_F_TIMEOUT(inject, by_chance, 60)
{
	uint64_t kept = 0, i, n = scaled(20000), found, fails = 0, page;
	struct mmsb_ring *ring;
	int ret;

	if (home_is_kernel())
		SKIP(return, "the embedded home's own");
	pf_inject_chance(200000, 42);
	for (i = 0; i < n; i++) {
		ret = mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = 1 + i % 2), &ring);
		if (ret) {
			fails++;
			continue;
		}
		ret = mmsb_create(ring, 64 << i % 14, &page);
		if (!ret) {
			ret = mmsb_destroy(ring, page);
			if (ret)
				kept++;
		}
		fails += ret != 0;
		mmsb_ring_close(ring);
	}
	pf_inject_chance(0, 0);
	EXPECT_LT(0, fails);
	EXPECT_LT(fails, n);
	for (found = 0, i = 0; !mmsb_page_next(self->space, &i, &(struct mmsb_page_info){}); found++)
		;
	EXPECT_EQ(2 + kept, found);
	EXPECT_TRUE(space_is_verified(self->space));
	EXPECT_EQ(0, hash_of(self->space, (uint64_t[2]){}));
}

TEST_HARNESS_MAIN
