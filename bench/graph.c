// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include "graph.h"

/* ---------------------------------------------------------------------------------------------------------- shapes */

static struct graph *graph_new(unsigned int pages, unsigned int sources, unsigned int edges)
{
	struct graph *graph = bench_alloc(sizeof(*graph));

	graph->pages = pages;
	graph->sources = sources;
	graph->first = bench_alloc(((size_t)pages + 1) * sizeof(*graph->first));
	graph->parent = bench_alloc((size_t)edges * sizeof(*graph->parent));
	graph->weight = 1;
	return graph;
}

/* Pages get their edges in order. */
static void graph_edge(struct graph *graph, unsigned int page, unsigned int parent)
{
	graph->parent[graph->edges++] = parent;
	graph->first[page + 1] = graph->edges;
}

struct graph *graph_chain(unsigned int length)
{
	return graph_forest(1, length);
}

struct graph *graph_fan(unsigned int children)
{
	struct graph *graph = graph_new(children + 1, 1, children);
	unsigned int i;

	for (i = 1; i <= children; i++)
		graph_edge(graph, i, 0);
	return graph;
}

struct graph *graph_lattice(unsigned int levels)
{
	struct graph *graph = graph_new(2 * levels + 2, 1, 4 * levels);
	unsigned int i;

	graph_edge(graph, 1, 0);
	graph_edge(graph, 2, 0);
	for (i = 3; i < graph->pages; i++) {
		unsigned int below = (i - 3) / 2 * 2 + 1;

		graph_edge(graph, i, below);
		graph_edge(graph, i, below + 1);
	}
	return graph;
}

struct graph *graph_forest(unsigned int sources, unsigned int length)
{
	struct graph *graph = graph_new(sources * (length + 1), sources, sources * length);
	unsigned int i;

	for (i = sources; i < graph->pages; i++)
		graph_edge(graph, i, i - sources);
	return graph;
}

struct graph *graph_random(unsigned int pages, unsigned int sources, unsigned int parents)
{
	struct graph *graph = graph_new(pages, sources, (pages - sources) * parents);
	uint64_t seed = 0x67726170;
	unsigned int i, k;

	for (i = sources; i < pages; i++)
		for (k = 0; k < parents; k++)
			graph_edge(graph, i, (unsigned int)(kit_random(&seed) % i));
	return graph;
}

struct graph *graph_layers(unsigned int levels, unsigned int width, unsigned int parents)
{
	struct graph *graph = graph_new(1 + levels * width, 1, levels * width * parents);
	uint64_t seed = 0x6c617973;
	unsigned int i, k;

	for (i = 1; i <= width; i++)
		graph_edge(graph, i, 0);
	for (; i < graph->pages; i++)
		for (k = 0; k < parents; k++)
			graph_edge(graph, i, (i - 1) / width * width - width + 1 + (unsigned int)(kit_random(&seed) % width));
	return graph;
}

void graph_free(struct graph *graph)
{
	free(graph->parent);
	free(graph->first);
	free(graph);
}

unsigned int graph_reach(const struct graph *graph, unsigned int page)
{
	bool *reached = bench_alloc(graph->pages);
	unsigned int n = 0, i, e;

	reached[page] = true;
	for (i = page + 1; i < graph->pages; i++) {
		for (e = graph->first[i]; e < graph->first[i + 1]; e++)
			reached[i] |= reached[graph->parent[e]];
		n += reached[i];
	}
	free(reached);
	return n;
}

/* -------------------------------------------------------------------------------------------------------- planting */

static void prepare(struct kit *kit, unsigned int at, const struct graph *graph, uint16_t flags, unsigned int page)
{
	unsigned int first = graph->first[page], n = graph->first[page + 1] - first, i;
	struct mmsb_sqe *sqe = mmsb_get_sqe(kit->ring);
	struct mmsb_derive *derive;
	struct mmsb_edge *edge;

	if (!sqe)
		bench_die("an empty queue has no room");
	mmsb_prep_derive(sqe, kit->pages[at + page], n);
	mmsb_sqe_quiet(sqe);
	derive = mmsb_sqe_payload(kit->ring, sqe, sqe->len);
	if (!derive)
		bench_die("the payload area has no room for %u edges", n);
	*derive = (struct mmsb_derive){ .rule = MMSB_RULE_ADD_MUL, .edges = n, .flags = flags, .lane = MMSB_LANE_I64 };
	edge = (struct mmsb_edge *)(derive + 1);
	for (i = 0; i < n; i++) {
		unsigned int parent = graph->parent[first + i];

		edge[i] = (struct mmsb_edge){ .parent = kit->pages[at + parent],
					      .weight = parent < graph->sources ? (uint64_t)graph->weight : 1 };
	}
}

void graph_plant(struct kit *kit, unsigned int at, const struct graph *graph, uint16_t flags)
{
	unsigned int page;
	struct mmsb_cqe cqe;

	for (page = graph->sources; page < graph->pages; page++) {
		prepare(kit, at, graph, flags, page);
		if ((page - graph->sources) % KIT_BATCH != KIT_BATCH - 1 && page != graph->pages - 1)
			continue;
		bench_check(mmsb_submit(kit->ring), "mmsb_submit");
		if (mmsb_sq_space(kit->ring) < KIT_BATCH)	/* a poller takes its time */
			bench_check(mmsb_drain(kit->ring, MMSB_FOREVER), "mmsb_drain");
		if (mmsb_peek_cqe(kit->ring, &cqe))
			bench_check(cqe.result, "deriving a page");
	}
}
