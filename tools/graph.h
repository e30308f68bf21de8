/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A graph as it was read from a space: all of it, or what is before and behind some pages of it. It is read piece by piece while
 * others may be changing it, so an edge whose ends are not both among the nodes is left out.
 */
#ifndef GRAPH_H
#define GRAPH_H

#include <stdbool.h>
#include <stdint.h>
#include "cli.h"

struct graph_edge {
	uint32_t from, to;	/* nodes */
	uint32_t type;		/* enum mmsb_edge_type */
	uint64_t weight;
};

struct graph {
	struct mmsb_node *node;
	struct graph_edge *edge;	/* by child, in the order of its parents */
	bool *named;		/* by the user; NULL: none was */
	uint32_t nodes, node_room;
	uint32_t edges, edge_room;
	uint32_t *slot;		/* node + 1, by id; open addressing */
	uint32_t slots;		/* a power of two */
	uint64_t tick;
};

struct graph_wish {
	const uint64_t *page;	/* those named; none: all pages that have an edge */
	unsigned int pages;
	uint64_t up, down;	/* steps */
	uint32_t most;		/* stop at more nodes than that */
	bool edges;		/* wanted as well */
};

/* 0; -E2BIG: there are more nodes than wished for; or a negative errno of the library's. */
int graph_read(struct graph *graph, struct mmsb_space *space, const struct graph_wish *wish);
void graph_free(struct graph *graph);

#endif
