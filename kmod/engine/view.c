// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Looking at the graph: what a page follows, what follows it, and how. All shards stand still for as long as an answer takes; what the
 * client gives room for bounds that, and what does not fit is asked for again from a cursor on.
 */
#include "graph.h"
#include "meet.h"
#include "ring.h"

struct view {
	struct ms_space *space;
	struct mmsb_graph_args *args;
	u8 *out;
	u64 used;
};

/* False: no room. */
static bool view_put(struct view *view, const void *entry, u64 bytes)
{
	if (bytes > view->args->out_bytes - view->used) {
		view->args->more = 1;
		return false;
	}
	memcpy(view->out + view->used, entry, bytes);
	view->used += bytes;
	view->args->count++;
	return true;
}

static u32 node_flags(const struct mmsb_line *line, const struct ms_space *space, const struct ms_node *node)
{
	const struct ms_derivation *derivation = node->derivation;
	u32 flags = 0;

	if (space->lazy || (derivation->flags & MMSB_DERIVE_LAZY))
		flags |= MMSB_NODE_LAZY;
	if (line->flags & MMSB_LINE_STALE)
		flags |= MMSB_NODE_STALE;
	if (node->flags & MS_NODE_SUSPECT)
		flags |= MMSB_NODE_SUSPECT;
	if (derivation->flags & MMSB_DERIVE_SATURATE)
		flags |= MMSB_NODE_SATURATE;
	return flags;
}

static bool view_put_node(struct view *view, u32 index)
{
	const struct ms_node *node = ms_node_find(view->space, index);
	const struct mmsb_line *line = ms_line_at(view->space, index);
	struct mmsb_node entry = { .page = ms_line_id(line, index), .epoch = line->epoch, .kind = line->kind, .size = line->size };

	if (node) {
		entry.children = node->children;
		entry.height = node->height;
	}
	if (node && node->derivation) {
		const struct ms_derivation *derivation = node->derivation;

		ms_graph_signature(view->space, derivation, entry.signature);
		memcpy(entry.param, derivation->param, sizeof(entry.param));
		entry.flags = node_flags(line, view->space, node);
		entry.rule = derivation->rule->number;
		entry.version = derivation->rule->version;
		entry.parents = derivation->edges;
		entry.lane = derivation->lane;
	}
	return view_put(view, &entry, sizeof(entry));
}

static void view_parents(struct view *view, u32 index)
{
	const struct ms_node *node = ms_node_find(view->space, index);
	u64 *cursor = &view->args->cursor;

	for (; node && node->derivation && *cursor < node->derivation->edges; ++*cursor) {
		const struct ms_edge *edge = &node->derivation->edge[*cursor];
		struct mmsb_edge entry = {
			.parent = ms_line_id(ms_line_at(view->space, edge->parent), edge->parent),
			.weight = edge->weight,
			.type = edge->type,
		};

		if (!view_put(view, &entry, sizeof(entry)))
			break;
	}
}

static void view_children(struct view *view, u32 index)
{
	const struct ms_node *node = ms_node_find(view->space, index);
	u64 *cursor = &view->args->cursor;

	for (; node && *cursor < node->children; ++*cursor) {
		u32 child = node->child[*cursor].index;
		u64 page = ms_line_id(ms_line_at(view->space, child), child);

		if (!view_put(view, &page, sizeof(page)))
			break;
	}
}

static void view_list(struct view *view)
{
	u64 *cursor = &view->args->cursor;

	for (; *cursor < view->space->lines; ++*cursor) {
		const struct ms_node *node = ms_node_find(view->space, (u32)*cursor);

		if (!node) {
			*cursor |= (1u << MS_BLOCK_SHIFT) - 1;
			pf_resched();
			continue;
		}
		if ((node->derivation || node->children) && !view_put_node(view, (u32)*cursor))
			break;
	}
}

/* --------------------------------------------------------------------------------------------------------------- paths */

/* Pages found on the way up, each with the one it was found from. */
struct trail {
	u32 *index, *from;
	u32 count, room;
};

static enum mmsb_reason trail_grow(struct trail *trail)
{
	u32 room = trail->room ? 2 * trail->room : 64;
	u32 *index = pf_alloc(2ul * room * sizeof(*index), -1);

	if (!index)
		return MMSB_REASON_NO_MEMORY;
	if (trail->count) {
		memcpy(index, trail->index, trail->count * sizeof(*index));
		memcpy(index + room, trail->from, trail->count * sizeof(*index));
	}
	pf_free(trail->index);
	trail->index = index;
	trail->from = index + room;
	trail->room = room;
	return MMSB_REASON_NONE;
}

static enum mmsb_reason trail_put(const struct ms_space *space, struct trail *trail, u32 index, u32 from)
{
	struct ms_node *node = ms_node_find(space, index);
	enum mmsb_reason reason = MMSB_REASON_NONE;

	if (node->flags & MS_NODE_PLANNED)
		return reason;
	if (trail->count == trail->room)
		reason = trail_grow(trail);
	if (reason)
		return reason;
	node->flags |= MS_NODE_PLANNED;
	trail->index[trail->count] = index;
	trail->from[trail->count++] = from;
	return reason;
}

/* Breadth first, so the way is a shortest one; what is not higher than the page that is looked for cannot follow it. */
static enum mmsb_reason trail_search(const struct ms_space *space, struct trail *trail, u32 page, u32 *found)
{
	u32 floor = ms_node_find(space, page)->height, at, i;
	enum mmsb_reason reason;

	for (at = 0; at < trail->count; at++) {
		const struct ms_node *node = ms_node_find(space, trail->index[at]);

		if (trail->index[at] == page) {
			*found = at;
			return MMSB_REASON_NONE;
		}
		for (i = 0; node->height > floor && node->derivation && i < node->derivation->edges; i++) {
			reason = trail_put(space, trail, node->derivation->edge[i].parent, at);
			if (reason)
				return reason;
		}
		pf_resched();
	}
	*found = ~0u;
	return MMSB_REASON_NONE;
}

static void view_path_found(struct view *view, const struct trail *trail, u32 at)
{
	u64 skip = view->args->cursor, page;
	u32 i;

	for (i = 0; at != ~0u; at = trail->from[at], i++) {
		if (i < skip)
			continue;
		page = ms_line_id(ms_line_at(view->space, trail->index[at]), trail->index[at]);
		if (!view_put(view, &page, sizeof(page)))
			break;
		view->args->cursor++;
	}
}

static enum mmsb_reason view_path(struct view *view, u32 page, u32 to)
{
	struct trail trail = { .count = 0 };
	enum mmsb_reason reason;
	u32 found, i;

	if (!ms_node_find(view->space, page) || !ms_node_find(view->space, to))
		return MMSB_REASON_NONE;
	reason = trail_put(view->space, &trail, to, ~0u);
	if (!reason)
		reason = trail_search(view->space, &trail, page, &found);
	if (!reason)
		view_path_found(view, &trail, found);
	for (i = 0; i < trail.count; i++)
		ms_node_find(view->space, trail.index[i])->flags &= ~MS_NODE_PLANNED;
	pf_free(trail.index);
	return reason;
}

/* ----------------------------------------------------------------------------------------------------------- all edges */

/* A cursor is a page's index, and how many of its edges to pass over. */
#define EDGES_SHIFT	32
#define LINES_A_STOP	(4u << MS_BLOCK_SHIFT)

static u32 edges_of(const struct ms_space *space, u64 *cursor, struct ms_edge_view *edges, u32 n)
{
	u32 index = (u32)(*cursor >> EDGES_SHIFT), number = (u32)*cursor, count = 0;
	const struct ms_node *node = ms_node_find(space, index);

	for (; node->derivation && number < node->derivation->edges && count < n; number++) {
		const struct ms_edge *edge = &node->derivation->edge[number];

		++*cursor;
		edges[count++] = (struct ms_edge_view){
			.page = ms_line_id(ms_line_at(space, index), index),
			.parent = ms_line_id(ms_line_at(space, edge->parent), edge->parent),
			.weight = edge->weight,
			.type = edge->type,
			.number = number,
			.next = *cursor,
		};
	}
	return count;
}

static u32 view_edges(const struct ms_space *space, u64 *cursor, struct ms_edge_view *edges, u32 n)
{
	u64 index = *cursor >> EDGES_SHIFT;
	u32 count = 0, looks;

	for (looks = 0; looks < LINES_A_STOP && index < space->lines; looks++) {
		if (ms_node_find(space, (u32)index)) {
			count += edges_of(space, cursor, edges + count, n - count);
			if (count == n)
				return count;
		} else {
			index |= (1u << MS_BLOCK_SHIFT) - 1;
		}
		*cursor = ++index << EDGES_SHIFT;
	}
	if (index >= space->lines)
		*cursor = MS_EDGES_END;
	return count;
}

/* An adjourned wave or meeting is left as it is: it changes no edges. */
u32 ms_space_edges(struct ms_space *space, u64 *cursor, struct ms_edge_view *edges, u32 n)
{
	u32 count;

	do {
		ms_space_stop(space, NULL);
		count = view_edges(space, cursor, edges, n);
		ms_space_go(space, NULL);
		pf_resched();
	} while (!count && *cursor != MS_EDGES_END);
	return count;
}

/* ---------------------------------------------------------------------------------------------------------------- asked */

static enum mmsb_reason view_page(struct view *view, u64 page)
{
	struct mmsb_line *line;
	enum mmsb_reason reason = ms_page_find(view->space, page, &line);
	u32 index = MMSB_PAGE_INDEX(page);

	if (reason)
		return reason;
	if (view->args->what == MMSB_GRAPH_PARENTS) {
		view_parents(view, index);
	} else if (view->args->what == MMSB_GRAPH_CHILDREN) {
		view_children(view, index);
	} else if (view->args->what == MMSB_GRAPH_NODE) {
		view_put_node(view, index);
	} else {
		reason = ms_page_find(view->space, view->args->to, &line);
		if (!reason)
			reason = view_path(view, index, MMSB_PAGE_INDEX(view->args->to));
	}
	return reason;
}

static enum mmsb_reason judge(const struct ms_ring *ring, const struct mmsb_graph_args *args)
{
	if (args->what >= MMSB_GRAPH_LAST)
		return MMSB_REASON_BAD_OP;
	if ((args->to && args->what != MMSB_GRAPH_PATH) || (args->page && args->what == MMSB_GRAPH_LIST))
		return MMSB_REASON_BAD_RESERVED;
	if (args->out % 8 || args->out > ring->payload_bytes || args->out_bytes > ring->payload_bytes - args->out)
		return MMSB_REASON_OUT_OF_PAYLOAD;
	return MMSB_REASON_NONE;
}

enum mmsb_reason ms_ring_graph(struct ms_ring *ring, struct mmsb_graph_args *args)
{
	struct view view = { .space = ms_ring_space(ring), .args = args, .out = (u8 *)ring->payload + args->out };
	enum mmsb_reason reason = judge(ring, args);

	args->count = 0;
	args->more = 0;
	if (reason)
		return reason;
	ms_space_stop(view.space, NULL);
	ms_meet_end(view.space);
	args->tick = pf_read(view.space->page->tick);
	if (args->what == MMSB_GRAPH_LIST)
		view_list(&view);
	else
		reason = view_page(&view, args->page);
	ms_space_go(view.space, NULL);
	return reason;
}
