// SPDX-License-Identifier: GPL-2.0-only
/*
 * One synchronous set at a time: how long a caller waits for it, alone and with a derived page that has followed when it returns.
 */
#include <stdlib.h>
#include "graph.h"

#define HOT		1000u
#define SYNC_CALLS	100000u

struct setting {
	double share;		/* which percentile */
	bool child;		/* each page has one that is derived from it */
};

struct sync_set {
	const struct setting *setting;
	struct kit *kit;
	struct kit *plain;	/* the same without children */
	struct graph *graph;
	uint32_t *ticks;
	uint64_t value;
};

static struct kit *open_pages(const struct bench_opts *bench, unsigned int beside)
{
	struct kit_opts opts = { .pages = HOT, .beside = beside, .page_bytes = 64, .entries = 256, .shuffled = true, .repeat = 8,
				 .payload_bytes = beside ? 1 << 20 : 0 };
	struct kit *kit = kit_open(bench, &opts);

	kit->work = kit_amount(kit, SYNC_CALLS);
	return kit;
}

static void *open_sync(const struct bench_opts *bench)
{
	struct sync_set *sync = bench_alloc(sizeof(*sync));

	sync->setting = bench->what;
	sync->kit = open_pages(bench, sync->setting->child ? HOT : 0);
	if (sync->setting->child) {
		sync->plain = open_pages(bench, 0);
		sync->graph = graph_forest(HOT, 1);
		graph_plant(sync->kit, 0, sync->graph, 0);
	}
	sync->ticks = bench_alloc(sync->kit->work * sizeof(*sync->ticks));
	return sync;
}

static int compare_ticks(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Every call changes the page: the value differs each time. The clock's own cost is part of what is told. */
static double set_each(struct sync_set *sync, struct kit *kit)
{
	uint64_t i, start;
	int result;

	for (i = 0; i < kit->work; i++) {
		uint64_t page = *kit->at++;

		if (kit->at == kit->end)
			kit->at = kit->order;
		sync->value++;
		start = bench_ticks();
		result = mmsb_set(kit->ring, page, 0, &sync->value, sizeof(sync->value), NULL);
		sync->ticks[i] = (uint32_t)(bench_ticks() - start);
		bench_check(result, "mmsb_set");
	}
	qsort(sync->ticks, kit->work, sizeof(*sync->ticks), compare_ticks);
	return sync->ticks[(uint64_t)((double)(kit->work - 1) * sync->setting->share)] * bench_ns_per_tick();
}

static double measure_sync(void *state)
{
	struct sync_set *sync = state;

	return set_each(sync, sync->kit);
}

static double measure_plain(void *state)
{
	struct sync_set *sync = state;

	return set_each(sync, sync->plain);
}

/* The last value that was set has reached the page that follows. */
static void check_children(struct sync_set *sync)
{
	uint64_t value[2];
	unsigned int i, k;

	for (i = 0; i < HOT; i++) {
		for (k = 0; k < 2; k++)
			bench_check(mmsb_read(sync->kit->space, sync->kit->pages[k * HOT + i], 0, &value[k], 8, NULL), "mmsb_read");
		if (value[0] != value[1])
			bench_die("page %u is %lu, and the page that follows it %lu", i, (unsigned long)value[0], (unsigned long)value[1]);
	}
}

static void close_sync(void *state)
{
	struct sync_set *sync = state;

	if (sync->plain) {
		check_children(sync);
		kit_close(sync->plain);
		graph_free(sync->graph);
	}
	kit_close(sync->kit);
	free(sync->ticks);
	free(sync);
}

static const struct setting p99 = { .share = 0.99 }, p50 = { .share = 0.5 };
static const struct setting child_p99 = { .share = 0.99, .child = true }, child_p50 = { .share = 0.5, .child = true };

#define SYNC	.unit = "ns", .open = open_sync, .close = close_sync, .measure = measure_sync
#define PLAIN	.peer = measure_plain, .against = "without a child"

const struct bench bench_sync[] = {
	{ .name = "sync_set_p99", .params = "\"bytes\": 8, \"percentile\": 99", SYNC, .what = &p99, .aim = 1000 },
	{ .name = "sync_set_p50", .params = "\"bytes\": 8, \"percentile\": 50", SYNC, .what = &p50 },
	{ .name = "sync_set_child_p99", .params = "\"bytes\": 8, \"percentile\": 99, \"derived\": 1", SYNC, PLAIN, .what = &child_p99,
	  .aim = 1000 },
	{ .name = "sync_set_child_p50", .params = "\"bytes\": 8, \"percentile\": 50, \"derived\": 1", SYNC, PLAIN, .what = &child_p50,
	  .aim = 250 },
	{ 0 }
};
