// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that are computed when they are read, beside pages that are computed at each change: so many sets, each a tick of its own,
 * and then one read of the last page of a chain.
 */
#include <stdlib.h>
#include "graph.h"

#define LENGTH	10u
#define SETS	100000u

struct setting {
	unsigned int sets;		/* for each read */
};

struct scene {
	const struct setting *setting;
	struct kit *lazy, *eager;
	struct graph *graph;
	uint64_t value;
	unsigned int rounds;
};

static struct kit *open_chain(const struct bench_opts *bench, const struct graph *graph, uint16_t flags)
{
	struct kit_opts opts = { .pages = graph->pages, .page_bytes = 64, .entries = 256, .payload_bytes = 1 << 16 };
	struct kit *kit = kit_open(bench, &opts);

	graph_plant(kit, 0, graph, flags);
	return kit;
}

static void *open_lazy(const struct bench_opts *bench)
{
	struct scene *scene = bench_alloc(sizeof(*scene));

	scene->setting = bench->what;
	scene->graph = graph_chain(LENGTH);
	scene->lazy = open_chain(bench, scene->graph, MMSB_DERIVE_LAZY);
	scene->eager = open_chain(bench, scene->graph, 0);
	scene->rounds = SETS / bench->divisor / scene->setting->sets;
	return scene;
}

static void close_lazy(void *state)
{
	struct scene *scene = state;

	kit_close(scene->eager);
	kit_close(scene->lazy);
	graph_free(scene->graph);
	free(scene);
}

static void set_all(struct scene *scene, struct kit *kit)
{
	struct mmsb_sqe *sqe;
	unsigned int i;

	for (i = 0; i < scene->setting->sets; i++) {
		scene->value++;
		sqe = mmsb_get_sqe(kit->ring);
		if (!sqe)
			bench_die("an empty queue has no room");
		mmsb_prep_set(sqe, kit->pages[0], 0, &scene->value, sizeof(scene->value));
		mmsb_sqe_quiet(sqe);
		bench_check(mmsb_submit(kit->ring), "mmsb_submit");
	}
}

static double set_and_read(struct scene *scene, struct kit *kit)
{
	uint64_t start = bench_cpu_now(), value;
	unsigned int i;

	for (i = 0; i < scene->rounds; i++) {
		set_all(scene, kit);
		bench_check(mmsb_read(kit->space, kit->pages[LENGTH], 0, &value, sizeof(value), NULL), "mmsb_read");
		if (value != scene->value)
			bench_die("%lu was set, and %lu was read", (unsigned long)scene->value, (unsigned long)value);
	}
	return (double)(bench_cpu_now() - start) / ((double)scene->rounds * scene->setting->sets);
}

static double measure_lazy(void *state)
{
	struct scene *scene = state;

	return set_and_read(scene, scene->lazy);
}

static double measure_eager(void *state)
{
	struct scene *scene = state;

	return set_and_read(scene, scene->eager);
}

static const struct setting one = { 1 }, ten = { 10 }, hundred = { 100 };

#define LAZY	.unit = "ns", .open = open_lazy, .close = close_lazy, .measure = measure_lazy, .peer = measure_eager, \
		.against = "computed at each set"

const struct bench bench_lazy[] = {
	{ .name = "lazy_set_and_read", .params = "\"pages\": 10, \"sets a read\": 1, \"told\": \"a set\"", LAZY, .what = &one },
	{ .name = "lazy_set_and_read", .params = "\"pages\": 10, \"sets a read\": 10, \"told\": \"a set\"", LAZY, .what = &ten },
	{ .name = "lazy_set_and_read", .params = "\"pages\": 10, \"sets a read\": 100, \"told\": \"a set\"", LAZY, .what = &hundred },
	{ 0 }
};
