// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two threads: one that submits, and a poller that runs the shard. Held against a bare ring between the same two CPUs.
 *
 * Pollers are made to stay awake for longer than a measurement takes: what waking costs is wait_wake's to tell.
 */
#include "kit.h"

#define HOT		1000u
#define IDLE_US		100000u

static void *open_polled(const struct bench_opts *bench)
{
	struct kit_opts opts = { .pages = HOT, .page_bytes = 64, .entries = 1024, .idle_us = IDLE_US, .polled = true,
				 .shuffled = true, .repeat = 8 };
	struct kit *kit = kit_open(bench, &opts);

	kit->work = kit_amount(kit, 2 << 20);
	kit_send(kit, KIT_BATCH);
	return kit;
}

static double polled_rate(void *state)
{
	struct kit *kit = state;
	uint64_t start;

	bench_place(false);
	start = bench_now();
	kit_send(kit, KIT_BATCH);
	return (double)kit->work * 1e3 / (double)(bench_now() - start);
}

static void *open_roundtrip(const struct bench_opts *bench)
{
	struct kit_opts opts = { .pages = HOT, .page_bytes = 64, .entries = 64, .idle_us = IDLE_US, .polled = true,
				 .shuffled = true, .repeat = 8 };
	struct kit *kit = kit_open(bench, &opts);

	kit->work = kit_amount(kit, 65536);
	return kit;
}

static void roundtrip_once(struct kit *kit)
{
	struct mmsb_sqe *sqe = mmsb_get_sqe(kit->ring);
	struct mmsb_cqe cqe;

	if (!sqe)
		bench_die("an empty queue has no room");
	mmsb_prep_add(sqe, *kit->at, 0, 1);
	kit->at = kit->at + 1 == kit->end ? kit->order : kit->at + 1;
	bench_check(mmsb_submit(kit->ring), "mmsb_submit");
	while (!bench_check(mmsb_peek_cqe(kit->ring, &cqe), "mmsb_peek_cqe"))
		;
	bench_check(cqe.result, "adding");
}

static double polled_roundtrip(void *state)
{
	struct kit *kit = state;
	uint64_t start, n;

	bench_place(false);
	start = bench_now();
	for (n = kit->work; n; n--)
		roundtrip_once(kit);
	kit->sent += kit->work;
	return (double)(bench_now() - start) / (double)kit->work;
}

const struct bench bench_polled[] = {
	{ .name = "polled_add_hot", .params = "\"pages\": 1000, \"batch\": 64, \"entries\": 1024, \"threads\": 2",
	  .unit = "M/s", .flags = BENCH_TWO_THREADS | BENCH_MORE_IS_BETTER, .open = open_polled, .close = kit_close,
	  .measure = polled_rate, .peer = bare_batched, .against = "bare_ring_batched", .aim_ratio = 0.5 },
	{ .name = "polled_roundtrip", .params = "\"pages\": 1000, \"threads\": 2", .unit = "ns",
	  .flags = BENCH_TWO_THREADS, .open = open_roundtrip, .close = kit_close, .measure = polled_roundtrip,
	  .peer = bare_roundtrip, .against = "bare_ring_roundtrip", .aim_ratio = 1.5 },
	{ 0 }
};
