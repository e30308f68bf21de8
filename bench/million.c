// SPDX-License-Identifier: GPL-2.0-only
/*
 * A graph of a million pages: each but the first thousand follows four, drawn from all pages before it, so that nothing about it is
 * local. It is made once, by whoever is measured first, and kept.
 *
 * While it is built, and while edges are added to it, all pages hold zeros: what a change of the graph recomputes comes out the same, and
 * what is measured is the graph. Then sources are set, and the wave goes through all of it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdlib.h>
#include "graph.h"

#define PAGES	1000000u
#define SOURCES	1000u
#define PARENTS	4u
#define LINKS	16384u

struct million {
	struct kit *kit;
	struct graph *graph;
	uint64_t memory[2];		/* of the space, before and after edges */
	uint64_t resident[2];		/* of the process */
	uint64_t built_in;		/* ns */
	uint64_t seed, value;
};

static struct mmsb_space_info_args info_of(const struct million *million)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };

	bench_check(mmsb_space_info(million->kit->space, &info), "mmsb_space_info");
	return info;
}

static struct million *build(const struct bench_opts *bench)
{
	struct kit_opts opts = { .pages = PAGES, .page_bytes = 64, .entries = 256, .payload_bytes = 1 << 20 };
	struct million *million = bench_alloc(sizeof(*million));
	uint64_t start;

	million->seed = 0x6c696e6b;
	million->graph = graph_random(PAGES, SOURCES, PARENTS);
	million->kit = kit_open(bench, &opts);
	million->memory[0] = info_of(million).memory;
	million->resident[0] = bench_resident();
	start = bench_cpu_now();
	graph_plant(million->kit, 0, million->graph, 0);
	million->built_in = bench_cpu_now() - start;
	million->memory[1] = info_of(million).memory;
	million->resident[1] = bench_resident();
	if (info_of(million).edges != million->graph->edges)
		bench_die("%lu edges instead of %u", (unsigned long)info_of(million).edges, million->graph->edges);
	return million;
}

static void *open_million(const struct bench_opts *bench)
{
	static struct million *million;

	if (!million)
		million = build(bench);
	return million;
}

static double edges_rate(void *state)
{
	struct million *million = state;

	return (double)million->graph->edges * 1e3 / (double)million->built_in;
}

static double edge_bytes_booked(void *state)
{
	struct million *million = state;

	return (double)(million->memory[1] - million->memory[0]) / million->graph->edges;
}

static double edge_bytes_resident(void *state)
{
	struct million *million = state;

	return (double)(million->resident[1] - million->resident[0]) / million->graph->edges;
}

/* --------------------------------------------------------------------------------------------------- edges, one by one */

static unsigned int draw(struct million *million, unsigned int from, unsigned int to)
{
	return from + (unsigned int)(kit_random(&million->seed) % (to - from));
}

static struct mmsb_sqe *get_sqe(struct kit *kit)
{
	struct mmsb_sqe *sqe = mmsb_get_sqe(kit->ring);

	if (!sqe)
		bench_die("an empty queue has no room");
	return sqe;
}

static void lay_links(struct million *million)
{
	struct kit *kit = million->kit;
	struct mmsb_sqe *sqe;
	unsigned int i;

	for (i = 0; i < KIT_BATCH; i++) {
		unsigned int page = draw(million, SOURCES, PAGES);
		struct mmsb_edge edge = { .parent = kit->pages[draw(million, 0, page)], .weight = 1 };

		sqe = get_sqe(kit);
		mmsb_prep_link(sqe, kit->pages[page], &edge, 1);
		mmsb_sqe_quiet(sqe);
	}
}

static double link_time(void *state)
{
	struct million *million = state;
	unsigned int n = LINKS / million->kit->bench->divisor, i;
	uint64_t before = info_of(million).edges, ns = 0, start;
	struct mmsb_cqe cqe;

	for (i = 0; i < n; i += KIT_BATCH) {
		lay_links(million);
		start = bench_cpu_now();
		bench_check(mmsb_submit(million->kit->ring), "mmsb_submit");
		ns += bench_cpu_now() - start;
		if (mmsb_peek_cqe(million->kit->ring, &cqe))
			bench_check(cqe.result, "linking");
	}
	if (info_of(million).edges - before != i)
		bench_die("%lu edges were added instead of %u", (unsigned long)(info_of(million).edges - before), i);
	return (double)ns / i;
}

/* What is drawn beforehand is not timed, and neither is time in which others ran. */
static double link_time_singly(void *state)
{
	struct million *million = state;
	struct kit *kit = million->kit;
	unsigned int n = LINKS / kit->bench->divisor, i;
	uint64_t *pages = bench_alloc(n * sizeof(*pages)), start, ns;
	struct mmsb_edge *edges = bench_alloc(n * sizeof(*edges));

	for (i = 0; i < n; i++) {
		unsigned int page = draw(million, SOURCES, PAGES);

		pages[i] = kit->pages[page];
		edges[i] = (struct mmsb_edge){ .parent = kit->pages[draw(million, 0, page)], .weight = 1 };
	}
	start = bench_cpu_now();
	for (i = 0; i < n; i++)
		bench_check(mmsb_link(kit->ring, pages[i], &edges[i], 1, NULL), "mmsb_link");
	ns = bench_cpu_now() - start;
	free(edges);
	free(pages);
	return (double)ns / n;
}

/* ------------------------------------------------------------------------------------------------------------- wave */

#define TOUCHED	4u

static double wave_time(void *state)
{
	struct million *million = state;
	struct kit *kit = million->kit;
	uint64_t before = info_of(million).recomputed, start, ns;
	struct mmsb_sqe *sqe;
	unsigned int i;

	million->value++;
	for (i = 0; i < TOUCHED; i++) {
		sqe = get_sqe(kit);
		mmsb_prep_set(sqe, kit->pages[i], 0, &million->value, sizeof(million->value));
		mmsb_sqe_quiet(sqe);
	}
	start = bench_cpu_now();
	bench_check(mmsb_submit(kit->ring), "mmsb_submit");
	ns = bench_cpu_now() - start;
	return (double)ns / (double)(info_of(million).recomputed - before);
}

/* --------------------------------------------------------------------------------------------------------- the list */

#define GRAPH	"\"pages\": 1000000, \"edges\": 3996000"

const struct bench bench_million[] = {
	{ .name = "graph_build", .params = GRAPH ", \"batch\": 64", .unit = "M/s", .flags = BENCH_MORE_IS_BETTER | BENCH_ONCE,
	  .open = open_million, .measure = edges_rate, .aim = 1 },
	{ .name = "graph_memory", .params = GRAPH ", \"told by\": \"the space\"", .unit = "bytes", .flags = BENCH_ONCE,
	  .open = open_million, .measure = edge_bytes_booked, .aim = 64 },
	{ .name = "graph_memory", .params = GRAPH ", \"told by\": \"the process\"", .unit = "bytes", .flags = BENCH_ONCE,
	  .open = open_million, .measure = edge_bytes_resident, .aim = 64 },
	{ .name = "graph_link", .params = GRAPH ", \"batch\": 64", .unit = "ns", .open = open_million, .measure = link_time,
	  .aim = 2000 },
	{ .name = "graph_link", .params = GRAPH ", \"batch\": \"one call each\"", .unit = "ns", .open = open_million,
	  .measure = link_time_singly, .aim = 2000 },
	{ .name = "graph_wave", .params = GRAPH ", \"sources set\": 4, \"told\": \"a recomputed page\"", .unit = "ns",
	  .open = open_million, .measure = wave_time },
	{ 0 }
};
