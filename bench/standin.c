// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include "standin.h"

struct standin *standin_new(const struct graph *graph)
{
	struct standin *standin = bench_alloc(sizeof(*standin));
	unsigned int i, e, *next = bench_alloc(((size_t)graph->pages + 1) * sizeof(*next));

	standin->graph = graph;
	standin->page = bench_alloc((size_t)graph->pages * sizeof(*standin->page));
	standin->weight = bench_alloc((size_t)graph->edges * sizeof(*standin->weight));
	standin->first = bench_alloc(((size_t)graph->pages + 1) * sizeof(*standin->first));
	standin->child = bench_alloc((size_t)graph->edges * sizeof(*standin->child));
	for (e = 0; e < graph->edges; e++) {
		standin->weight[e] = graph->parent[e] < graph->sources ? graph->weight : 1;
		standin->first[graph->parent[e] + 1]++;
	}
	for (i = 0; i < graph->pages; i++) {
		standin->first[i + 1] += standin->first[i];
		next[i] = standin->first[i];
	}
	for (i = 0; i < graph->pages; i++)
		for (e = graph->first[i]; e < graph->first[i + 1]; e++)
			standin->child[next[graph->parent[e]]++] = i;
	free(next);
	return standin;
}

void standin_free(struct standin *standin)
{
	free(standin->child);
	free(standin->first);
	free(standin->weight);
	free(standin->page);
	free(standin);
}

static inline void fold(const struct standin *standin, unsigned int page, int64_t *out)
{
	const struct graph *graph = standin->graph;
	unsigned int e, lane;

	for (lane = 0; lane < STANDIN_LANES; lane++)
		out[lane] = 0;
	for (e = graph->first[page]; e < graph->first[page + 1]; e++) {
		const int64_t *in = standin->page[graph->parent[e]];
		int64_t weight = standin->weight[e];

		for (lane = 0; lane < STANDIN_LANES; lane++)
			out[lane] = (int64_t)((uint64_t)out[lane] + (uint64_t)in[lane] * (uint64_t)weight);
	}
}

static void everything(struct standin *standin)
{
	const struct graph *graph = standin->graph;
	unsigned int i;

	for (i = graph->sources; i < graph->pages; i++)
		fold(standin, i, standin->page[i]);
	standin->computed += graph->pages - graph->sources;
}

void standin_everything(struct standin *standin, unsigned int source, int64_t value)
{
	standin->page[source][0] = value;
	everything(standin);
}

static void push(struct standin *standin, unsigned int page)
{
	int64_t out[STANDIN_LANES];
	unsigned int i;

	for (i = standin->first[page]; i < standin->first[page + 1]; i++) {
		unsigned int child = standin->child[i];

		fold(standin, child, out);
		standin->computed++;
		if (!memcmp(standin->page[child], out, sizeof(out)))
			continue;
		memcpy(standin->page[child], out, sizeof(out));
		push(standin, child);
	}
}

void standin_push(struct standin *standin, unsigned int source, int64_t value)
{
	if (standin->page[source][0] == value)
		return;
	standin->page[source][0] = value;
	push(standin, source);
}

/* ------------------------------------------------------------------------------------------------------- comparing */

static void read_page(struct kit *kit, unsigned int page, int64_t *lanes)
{
	bench_check(mmsb_read(kit->space, kit->pages[page], 0, lanes, STANDIN_LANES * sizeof(*lanes), NULL), "mmsb_read");
}

void standin_compare(struct standin *standin, struct kit *kit, unsigned int at)
{
	const struct graph *graph = standin->graph;
	int64_t lanes[STANDIN_LANES];
	unsigned int i;

	for (i = 0; i < graph->sources; i++)
		read_page(kit, at + i, standin->page[i]);
	everything(standin);
	for (i = graph->sources; i < graph->pages; i++) {
		read_page(kit, at + i, lanes);
		if (memcmp(lanes, standin->page[i], sizeof(lanes)))
			bench_die("page %u of %u is not what its parents make of it: %lld instead of %lld", i, graph->pages,
				  (long long)lanes[0], (long long)standin->page[i][0]);
	}
}
