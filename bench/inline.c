// SPDX-License-Identifier: GPL-2.0-only
/*
 * One thread that submits and runs its shard itself: the engine's hot path, with nobody else on the road.
 */
#include "kit.h"

#define HOT	1000u
#define RANDOM	1000000u

/* ------------------------------------------------------------------------------------------------------ throughput */

static void *open_add(const struct bench_opts *bench, unsigned int pages, bool hash)
{
	struct kit_opts opts = { .pages = pages, .page_bytes = 64, .entries = 1024, .hash = hash, .shuffled = true,
				 .repeat = pages == HOT ? 8 : 1 };
	struct kit *kit = kit_open(bench, &opts);

	kit->work = kit_amount(kit, pages == HOT ? 4 << 20 : 2 << 20);
	kit_send(kit, 256);	/* everything has been touched once */
	return kit;
}

static void *open_hot(const struct bench_opts *bench)
{
	return open_add(bench, HOT, false);
}

static void *open_hot_hash(const struct bench_opts *bench)
{
	return open_add(bench, HOT, true);
}

static void *open_random(const struct bench_opts *bench)
{
	return open_add(bench, RANDOM, false);
}

static void *open_random_hash(const struct bench_opts *bench)
{
	return open_add(bench, RANDOM, true);
}

static double add_rate(struct kit *kit, unsigned int batch)
{
	uint64_t start = bench_cpu_now();

	kit_send(kit, batch);
	return (double)kit->work * 1e3 / (double)(bench_cpu_now() - start);
}

static double add_by_256(void *kit)
{
	return add_rate(kit, 256);
}

static double add_by_64(void *kit)
{
	return add_rate(kit, 64);
}

/* ------------------------------------------------------------------------------------------------ coming and going */

static void *open_create(const struct bench_opts *bench)
{
	struct kit_opts opts = { .pages = 1024, .page_bytes = 64, .entries = 256 };
	struct kit *kit = kit_open(bench, &opts);

	kit->work = kit_amount(kit, 1 << 19);
	return kit;
}

static void create_batch(struct kit *kit, uint64_t *pages)
{
	struct mmsb_cqe cqes[KIT_BATCH];
	struct mmsb_sqe *sqe;
	unsigned int i;

	if (mmsb_get_sqes(kit->ring, &sqe, KIT_BATCH) != KIT_BATCH)
		bench_die("no room for a batch");
	for (i = 0; i < KIT_BATCH; i++)
		mmsb_prep_create(sqe + i, 64);
	bench_check(mmsb_submit(kit->ring), "mmsb_submit");
	if (mmsb_peek_cqes(kit->ring, cqes, KIT_BATCH) != KIT_BATCH)
		bench_die("creating did not complete");
	for (i = 0; i < KIT_BATCH; i++) {
		bench_check(cqes[i].result, "creating a page");
		pages[i] = cqes[i].epoch;
	}
}

static void destroy_batch(struct kit *kit, const uint64_t *pages)
{
	struct mmsb_sqe *sqe;
	struct mmsb_cqe cqe;
	unsigned int i;

	if (mmsb_get_sqes(kit->ring, &sqe, KIT_BATCH) != KIT_BATCH)
		bench_die("no room for a batch");
	for (i = 0; i < KIT_BATCH; i++) {
		mmsb_prep_destroy(sqe + i, pages[i]);
		mmsb_sqe_quiet(sqe + i);
	}
	bench_check(mmsb_submit(kit->ring), "mmsb_submit");
	if (mmsb_peek_cqe(kit->ring, &cqe))
		bench_check(cqe.result, "destroying a page");
}

static double create_destroy(void *state)
{
	struct kit *kit = state;
	uint64_t pages[KIT_BATCH], start = bench_cpu_now(), left;

	for (left = kit->work; left; left -= KIT_BATCH) {
		create_batch(kit, pages);
		destroy_batch(kit, pages);
	}
	return (double)(bench_cpu_now() - start) / (double)kit->work;
}

/* Each page by a call of its own, which returns with its id; what they go by is not told. */
static double create_singly(void *state)
{
	uint64_t pages[KIT_BATCH], ns = 0, start, left;
	struct kit *kit = state;
	unsigned int i;

	for (left = kit->work; left; left -= KIT_BATCH) {
		start = bench_cpu_now();
		for (i = 0; i < KIT_BATCH; i++)
			bench_check(mmsb_create(kit->ring, 64, &pages[i]), "mmsb_create");
		ns += bench_cpu_now() - start;
		destroy_batch(kit, pages);
	}
	return (double)ns / (double)kit->work;
}

/* --------------------------------------------------------------------------------------------------------- the list */

const struct bench bench_inline[] = {
	{ .name = "inline_add_hot", .params = "\"pages\": 1000, \"batch\": 256, \"hash\": false", .unit = "M/s",
	  .flags = BENCH_MORE_IS_BETTER, .open = open_hot, .close = kit_close, .measure = add_by_256,
	  .peer = bare_one_thread, .against = "bare_ring_one_thread", .aim = 60 },
	{ .name = "inline_add_hot", .params = "\"pages\": 1000, \"batch\": 64, \"hash\": false", .unit = "M/s",
	  .flags = BENCH_MORE_IS_BETTER, .open = open_hot, .close = kit_close, .measure = add_by_64,
	  .peer = bare_one_thread, .against = "bare_ring_one_thread", .aim = 60 },
	{ .name = "inline_add_hot", .params = "\"pages\": 1000, \"batch\": 256, \"hash\": true", .unit = "M/s",
	  .flags = BENCH_MORE_IS_BETTER, .open = open_hot_hash, .close = kit_close, .measure = add_by_256,
	  .peer = bare_one_thread, .against = "bare_ring_one_thread", .aim = 60 },
	{ .name = "inline_add_random_1m", .params = "\"pages\": 1000000, \"batch\": 256, \"hash\": false", .unit = "M/s",
	  .flags = BENCH_MORE_IS_BETTER, .open = open_random, .close = kit_close, .measure = add_by_256,
	  .peer = bare_one_thread, .against = "bare_ring_one_thread", .aim = 20 },
	{ .name = "inline_add_random_1m", .params = "\"pages\": 1000000, \"batch\": 256, \"hash\": true", .unit = "M/s",
	  .flags = BENCH_MORE_IS_BETTER, .open = open_random_hash, .close = kit_close, .measure = add_by_256,
	  .peer = bare_one_thread, .against = "bare_ring_one_thread", .aim = 20 },
	{ .name = "page_create_destroy", .params = "\"page_bytes\": 64, \"batch\": 64", .unit = "ns", .open = open_create,
	  .close = kit_close, .measure = create_destroy, .aim = 100 },
	{ .name = "page_create", .params = "\"page_bytes\": 64, \"batch\": \"one call each\"", .unit = "ns", .open = open_create,
	  .close = kit_close, .measure = create_singly, .aim = 1000 },
	{ 0 }
};
