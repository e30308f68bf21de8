// SPDX-License-Identifier: GPL-2.0-only
/* See graph.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "graph.h"

#define PIECE	512u	/* how many are asked for at once */

/* ------------------------------------------------------------------------------------------------------------- nodes */

static uint32_t slot_of(const struct graph *graph, uint64_t page)
{
	uint32_t at = (uint32_t)(page * 0x9e3779b97f4a7c15ull >> 32) & (graph->slots - 1);

	while (graph->slot[at] && graph->node[graph->slot[at] - 1].page != page)
		at = (at + 1) & (graph->slots - 1);
	return at;
}

/* Its number + 1; 0: it is not there. */
static uint32_t find(const struct graph *graph, uint64_t page)
{
	return graph->slots ? graph->slot[slot_of(graph, page)] : 0;
}

static int grow_nodes(struct graph *graph)
{
	uint32_t room = graph->node_room ? 2 * graph->node_room : 256, i;
	struct mmsb_node *node = reallocarray(graph->node, room, sizeof(*node));
	uint32_t *slot;

	if (!node)
		return -ENOMEM;
	graph->node = node;
	slot = calloc(2 * room, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	free(graph->slot);
	graph->slot = slot;
	graph->slots = 2 * room;
	graph->node_room = room;
	for (i = 0; i < graph->nodes; i++)
		graph->slot[slot_of(graph, graph->node[i].page)] = i + 1;
	return 0;
}

static int add_node(struct graph *graph, const struct mmsb_node *node, uint32_t most)
{
	int err;

	if (graph->nodes >= most)
		return -E2BIG;
	if (graph->nodes == graph->node_room) {
		err = grow_nodes(graph);
		if (err)
			return err;
	}
	graph->node[graph->nodes] = *node;
	graph->slot[slot_of(graph, node->page)] = graph->nodes + 1;
	graph->nodes++;
	return 0;
}

static int add_page(struct graph *graph, struct mmsb_space *space, uint64_t page, uint32_t most)
{
	struct mmsb_node node;
	int err = find(graph, page) ? 0 : mmsb_node(space, page, &node);

	return err || find(graph, page) ? err : add_node(graph, &node, most);
}

static bool is_gone(int err)
{
	return err == -ENOENT || err == -ESTALE;
}

static int read_all(struct graph *graph, struct mmsb_space *space, uint32_t most)
{
	struct mmsb_node nodes[PIECE / 8];
	uint64_t cursor = 0;
	int n, i, err = 0;

	while (!err && (n = mmsb_node_next(space, &cursor, nodes, PIECE / 8)) > 0)
		for (i = 0; !err && i < n; i++)
			err = find(graph, nodes[i].page) ? 0 : add_node(graph, &nodes[i], most);
	return err ? err : n;
}

/* --------------------------------------------------------------------------------------------- what is before, behind */

/* The ids of what is one step away, in pieces: how many, 0 at the end, or a negative errno. */
static int neighbours(struct mmsb_space *space, uint64_t page, bool up, uint64_t skip, uint64_t ids[PIECE])
{
	struct mmsb_edge edges[PIECE];
	int n, i;

	if (!up)
		return mmsb_children(space, page, skip, ids, PIECE);
	n = mmsb_parents(space, page, skip, edges, PIECE);
	for (i = 0; i < n; i++)
		ids[i] = edges[i].parent;
	return n;
}

struct walk {
	struct graph *graph;
	struct mmsb_space *space;
	uint32_t *queue;	/* nodes, in order of their distance */
	bool *seen;
	uint32_t length, room, most;
	bool up;
};

static int walk_reach(struct walk *walk, uint32_t node)
{
	uint32_t room = walk->graph->node_room;
	uint32_t *queue;
	bool *seen;

	if (room > walk->room) {
		queue = reallocarray(walk->queue, room, sizeof(*queue));
		if (queue)
			walk->queue = queue;
		seen = reallocarray(walk->seen, room, sizeof(*seen));
		if (seen)
			walk->seen = seen;
		if (!queue || !seen)
			return -ENOMEM;
		memset(seen + walk->room, 0, (room - walk->room) * sizeof(*seen));
		walk->room = room;
	}
	if (walk->seen[node])
		return 0;
	walk->seen[node] = true;
	walk->queue[walk->length++] = node;
	return 0;
}

static int walk_from(struct walk *walk, uint32_t node)
{
	uint64_t page = walk->graph->node[node].page, ids[PIECE], skip = 0;
	int n, i, err = 0;
	uint32_t found;

	for (; !err && (n = neighbours(walk->space, page, walk->up, skip, ids)) > 0; skip += (unsigned int)n) {
		for (i = 0; !err && i < n; i++) {
			err = add_page(walk->graph, walk->space, ids[i], walk->most);
			found = find(walk->graph, ids[i]);
			if (found)
				err = walk_reach(walk, found - 1);
			else if (is_gone(err))
				err = 0;
		}
	}
	return err ? err : n;
}

/* Step by step: the queue holds one step's nodes behind the other's. */
static int walk(struct graph *graph, struct mmsb_space *space, const struct graph_wish *wish, bool up, uint32_t named)
{
	struct walk walk = { .graph = graph, .space = space, .most = wish->most, .up = up };
	uint64_t steps = up ? wish->up : wish->down;
	uint32_t at = 0, end, i;
	int err = 0;

	for (i = 0; !err && i < named; i++)
		err = walk_reach(&walk, i);
	for (; !err && steps && at < walk.length; steps--)
		for (end = walk.length; !err && at < end; at++)
			err = walk_from(&walk, walk.queue[at]);
	free(walk.queue);
	free(walk.seen);
	return err;
}

static int read_around(struct graph *graph, struct mmsb_space *space, const struct graph_wish *wish)
{
	uint32_t named;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < wish->pages; i++)
		err = add_page(graph, space, wish->page[i], wish->most);
	named = graph->nodes;
	if (!err)
		err = walk(graph, space, wish, true, named);
	if (!err)
		err = walk(graph, space, wish, false, named);
	if (err)
		return err;
	graph->named = calloc(graph->nodes + 1, sizeof(*graph->named));
	if (!graph->named)
		return -ENOMEM;
	memset(graph->named, true, named * sizeof(*graph->named));
	return 0;
}

/* ------------------------------------------------------------------------------------------------------------- edges */

static int add_edge(struct graph *graph, const struct mmsb_edge *from, uint32_t to)
{
	uint32_t parent = find(graph, from->parent), room;
	struct graph_edge *edge;

	if (!parent)
		return 0;
	if (graph->edges == graph->edge_room) {
		room = graph->edge_room ? 2 * graph->edge_room : 256;
		edge = reallocarray(graph->edge, room, sizeof(*edge));
		if (!edge)
			return -ENOMEM;
		graph->edge = edge;
		graph->edge_room = room;
	}
	graph->edge[graph->edges++] = (struct graph_edge){ parent - 1, to, from->type, from->weight };
	return 0;
}

static int read_edges(struct graph *graph, struct mmsb_space *space, uint32_t to)
{
	struct mmsb_edge edges[PIECE];
	uint64_t skip = 0;
	int n, i, err = 0;

	for (; !err && (n = mmsb_parents(space, graph->node[to].page, skip, edges, PIECE)) > 0; skip += (unsigned int)n)
		for (i = 0; !err && i < n; i++)
			err = add_edge(graph, &edges[i], to);
	if (is_gone(n) || n == -EINVAL)		/* destroyed or underived meanwhile */
		return 0;
	return err ? err : n;
}

int graph_read(struct graph *graph, struct mmsb_space *space, const struct graph_wish *wish)
{
	uint32_t i;
	int err;

	*graph = (struct graph){ .tick = mmsb_tick(space) };
	err = wish->pages ? read_around(graph, space, wish) : read_all(graph, space, wish->most);
	for (i = 0; !err && wish->edges && i < graph->nodes; i++)
		if (graph->node[i].kind == MMSB_KIND_DERIVED)
			err = read_edges(graph, space, i);
	return err;
}

void graph_free(struct graph *graph)
{
	free(graph->node);
	free(graph->edge);
	free(graph->named);
	free(graph->slot);
}
