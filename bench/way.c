// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of a delta, layer by layer, as the space times it (Documentation/timing.md): alone through a poller, one page following each; and
 * with a strict log, whose disk it waits for. And the whole of it as a reader has it: from before it is submitted until its bytes are seen in the
 * page, by whoever has it mapped, without a completion. A delta that is alone does not queue: what queues cost is in delta_latency, at each load.
 */
#include <stdlib.h>
#include "kit.h"

#define HOT		500u
#define IDLE_US		100000u
#define DELTAS		(1u << 14)
#define STRICT_DELTAS	256u

struct setting {
	enum mmsb_layer layer;
	unsigned int one_in;	/* so many is longer than what is told: 2, 100, 1000 */
	bool strict;
};

/* Page i of the second half follows page i of the first. */
static void derive_all(struct kit *kit)
{
	unsigned int i;

	for (i = 0; i < HOT; i++)
		bench_check(mmsb_derive_fold(kit->ring, kit->pages[HOT + i], MMSB_RULE_ADD_MUL, MMSB_LANE_I64, &kit->pages[i], NULL, 1, NULL),
			    "mmsb_derive_fold");
}

static void *open_way(const struct bench_opts *bench)
{
	static const struct mmsb_log_opts strict = { .size = sizeof(strict), .mode = MMSB_STRICT };
	const struct setting *setting = bench->what;
	struct kit_opts opts = { .pages = HOT, .page_bytes = 64, .beside = HOT, .entries = 64, .idle_us = IDLE_US, .polled = true,
				 .payload_bytes = 4096, .log = setting && setting->strict ? &strict : NULL };
	struct kit *kit = kit_open(bench, &opts);

	kit->work = kit_amount(kit, opts.log ? STRICT_DELTAS : DELTAS);
	derive_all(kit);
	return kit;
}

static uint64_t layer_time(struct kit *kit, const struct setting *setting, uint32_t flags)
{
	struct mmsb_timing_args args = { .size = sizeof(args), .flags = flags, .layer = setting->layer, .shard = MMSB_TIMING_ALL };

	bench_check(mmsb_timing(kit->space, &args), "mmsb_timing");
	return setting->one_in == 2 ? args.p50 : setting->one_in == 100 ? args.p99 : args.p999;
}

static double measure_layer(void *state)
{
	struct kit *kit = state;
	const struct setting *setting = kit->bench->what;
	uint64_t n;

	bench_place(false);
	layer_time(kit, setting, MMSB_TIMING_ON);
	layer_time(kit, setting, MMSB_TIMING_RESET);
	for (n = kit->work; n; n--)
		bench_check(mmsb_add(kit->ring, kit->pages[n % HOT], 0, 1, NULL), "mmsb_add");
	kit->sent += kit->work;
	return (double)layer_time(kit, setting, 0);
}

/* The child is what is waited for: it is written last. */
static void add_and_see(struct kit *kit, unsigned int page, int64_t sum)
{
	struct mmsb_sqe *sqe = mmsb_get_sqe(kit->ring);
	int64_t seen;

	if (!sqe)
		bench_die("an empty queue has no room");
	mmsb_prep_add(sqe, kit->pages[page], 0, 1);
	mmsb_sqe_quiet(sqe);
	bench_check(mmsb_submit(kit->ring), "mmsb_submit");
	do {
		bench_check(mmsb_read(kit->space, kit->pages[HOT + page], 0, &seen, sizeof(seen), NULL), "mmsb_read");
	} while (seen != sum);
}

static double measure_visible(void *state)
{
	struct kit *kit = state;
	uint64_t start, n;

	bench_place(false);
	start = bench_now();
	for (n = 0; n < kit->work; n++, kit->sent++)
		add_and_see(kit, (unsigned int)(kit->sent % HOT), (int64_t)(kit->sent / HOT + 1));
	return (double)(bench_now() - start) / (double)kit->work;
}

#define LAYER(word, layer_, one_in_, how, strict_) { .name = "delta_way", \
	.params = "\"layer\": \"" word "\", \"log\": \"" how "\", \"one in\": " #one_in_, .unit = "ns", .flags = BENCH_TWO_THREADS, \
	.open = open_way, .close = kit_close, .measure = measure_layer, \
	.what = &(const struct setting){ .layer = MMSB_LAYER_##layer_, .one_in = one_in_, .strict = strict_ } }
#define LAYER_AT(word, layer, how, strict) \
	LAYER(word, layer, 2, how, strict), LAYER(word, layer, 100, how, strict), LAYER(word, layer, 1000, how, strict)

const struct bench bench_way[] = {
	LAYER_AT("apply", APPLY, "none", false),
	LAYER_AT("wave", WAVE, "none", false),
	LAYER_AT("complete", COMPLETE, "none", false),
	LAYER("log", LOG, 2, "strict", true),
	LAYER("log", LOG, 100, "strict", true),
	{ .name = "delta_visible", .params = "\"of\": \"a page that follows\", \"threads\": 2", .unit = "ns", .flags = BENCH_TWO_THREADS,
	  .open = open_way, .close = kit_close, .measure = measure_visible, .peer = bare_roundtrip, .against = "bare_ring_roundtrip" },
	{ 0 }
};
