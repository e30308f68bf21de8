/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shapes of graphs that are measured, as plain lists of edges: planted into a kit's pages, or given to a stand-in, so that both
 * compute the same.
 */
#ifndef BENCH_GRAPH_H
#define BENCH_GRAPH_H

#include "kit.h"

struct graph {
	unsigned int pages, sources;	/* sources come first, and every page behind its parents */
	unsigned int edges;
	unsigned int *first;		/* the edges of page i: first[i] to first[i + 1] */
	unsigned int *parent;		/* of an edge */
	int64_t weight;			/* of edges whose parent is a source page; that of the others is 1 */
};

struct graph *graph_chain(unsigned int length);			/* behind one source */
struct graph *graph_fan(unsigned int children);			/* of one source */
struct graph *graph_lattice(unsigned int levels);		/* of two pages that follow both of the level below; and one at the end */
struct graph *graph_forest(unsigned int sources, unsigned int length);	/* a chain behind each */
struct graph *graph_random(unsigned int pages, unsigned int sources, unsigned int parents);	/* parents drawn from all before */
/* A source, and levels of so many pages that each follow `parents` of the level below. */
struct graph *graph_layers(unsigned int levels, unsigned int width, unsigned int parents);
void graph_free(struct graph *graph);

/* How many pages follow from that one. */
unsigned int graph_reach(const struct graph *graph, unsigned int page);

/*
 * Derives kit->pages[at] and those behind it, which are as many as the graph has, by ADD_MUL over i64 lanes; 64 at a time.
 * Needs a payload area. `flags` are MMSB_DERIVE_*.
 */
void graph_plant(struct kit *kit, unsigned int at, const struct graph *graph, uint16_t flags);

#endif
