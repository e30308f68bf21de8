// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long it takes to see that an edge would close a cycle: from the end of a chain of 10,000 pages to its beginning, so that every page
 * is on the way around. The edge is refused, and nothing has changed.
 */
#include <errno.h>
#include <stdlib.h>
#include "graph.h"

#define PAGES	10000u
#define TRIES	20u

struct scene {
	struct kit *kit;
	struct graph *graph;
};

static void *open_cycle(const struct bench_opts *bench)
{
	struct kit_opts opts = { .pages = PAGES + 1, .page_bytes = 64, .entries = 256, .payload_bytes = 1 << 20 };
	struct scene *scene = bench_alloc(sizeof(*scene));

	scene->kit = kit_open(bench, &opts);
	scene->graph = graph_chain(PAGES);
	graph_plant(scene->kit, 0, scene->graph, 0);
	return scene;
}

static void close_cycle(void *state)
{
	struct scene *scene = state;
	struct mmsb_space_info_args info = { .size = sizeof(info) };

	bench_check(mmsb_space_info(scene->kit->space, &info), "mmsb_space_info");
	if (info.edges != scene->graph->edges)
		bench_die("%lu edges instead of %u", (unsigned long)info.edges, scene->graph->edges);
	kit_close(scene->kit);
	graph_free(scene->graph);
	free(scene);
}

static double check_cycle(void *state)
{
	struct scene *scene = state;
	struct kit *kit = scene->kit;
	struct mmsb_edge edge = { .parent = kit->pages[PAGES], .weight = 1 };
	uint64_t start = bench_cpu_now();
	unsigned int i;

	for (i = 0; i < TRIES; i++)
		if (mmsb_link(kit->ring, kit->pages[1], &edge, 1, NULL) != -ELOOP)
			bench_die("a cycle was not refused");
	return (double)(bench_cpu_now() - start) / 1e3 / TRIES;
}

const struct bench bench_cycle[] = {
	{ .name = "cycle_check_10k", .params = "\"pages\": 10000, \"shape\": \"a chain that would be closed\"", .unit = "us",
	  .open = open_cycle, .close = close_cycle, .measure = check_cycle, .aim = 10000 },
	{ 0 }
};
