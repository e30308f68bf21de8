// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "height.h"
#include "wave.h"

#define LOOK_AHEAD	16u		/* children of a page: most have fewer */

void ms_plan_begin(struct ms_plan *plan, struct ms_space *space)
{
	plan->space = space;
	plan->heap = plan->first_heap;
	plan->visited = plan->first_visited;
	plan->heaped = 0;
	plan->count = 0;
	plan->room = MS_PLAN_FIRST;
	plan->highest = 0;
	plan->culprit = 0;
	plan->rises = false;
}

static void plan_let_go(struct ms_plan *plan)
{
	if (plan->heap == plan->first_heap)
		return;
	pf_free(plan->heap);
	pf_free(plan->visited);
}

/* The visited can never be more than the heaped have been, so one room does for both. */
static enum mmsb_reason plan_grow(struct ms_plan *plan)
{
	u32 room = 2 * plan->room;
	u64 *heap = pf_alloc(room * sizeof(*heap), -1);
	u32 *visited = pf_alloc(room * sizeof(*visited), -1);

	if (!heap || !visited) {
		pf_free(heap);
		pf_free(visited);
		return MMSB_REASON_NO_MEMORY;
	}
	memcpy(heap, plan->heap, plan->heaped * sizeof(*heap));
	memcpy(visited, plan->visited, plan->count * sizeof(*visited));
	plan_let_go(plan);
	plan->heap = heap;
	plan->visited = visited;
	plan->room = room;
	return MMSB_REASON_NONE;
}

/* ------------------------------------------------------------------------------------------ a heap by old height */

static void heap_put(struct ms_plan *plan, u32 index, u32 height)
{
	u64 key = (u64)height << 32 | index;
	u32 at = plan->heaped++;

	while (at && plan->heap[(at - 1) / 2] > key) {
		plan->heap[at] = plan->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	plan->heap[at] = key;
}

static u32 heap_take(struct ms_plan *plan)
{
	u64 first = plan->heap[0], key = plan->heap[--plan->heaped];
	u32 at = 0, child;

	while ((child = 2 * at + 1) < plan->heaped) {
		if (child + 1 < plan->heaped && plan->heap[child + 1] < plan->heap[child])
			child++;
		if (plan->heap[child] >= key)
			break;
		plan->heap[at] = plan->heap[child];
		at = child;
	}
	plan->heap[at] = key;
	return (u32)first;
}

/* ------------------------------------------------------------------------------------------------------------ planning */

static u32 planned_height(const struct ms_node *node)
{
	return node->flags & MS_NODE_PLANNED ? node->plan : node->height;
}

static u32 height_from_parents(const struct ms_space *space, const struct ms_derivation *derivation)
{
	u32 height = 0, i;

	for (i = 0; i < derivation->edges; i++) {
		u32 below = planned_height(ms_node_at(space, derivation->edge[i].parent));

		height = height > below ? height : below;
	}
	return height + 1;
}

static enum mmsb_reason plan_put(struct ms_plan *plan, u32 index, struct ms_node *node)
{
	enum mmsb_reason reason;

	if (node->flags & MS_NODE_PLANNED)
		return MMSB_REASON_NONE;
	if (node->flags & MS_NODE_NEW) {
		plan->culprit = index;
		return MMSB_REASON_CYCLE;
	}
	if (unlikely(plan->heaped + plan->count == plan->room)) {
		reason = plan_grow(plan);
		if (reason)
			return reason;
	}
	node->flags |= MS_NODE_PLANNED;
	node->plan = node->height;
	pf_prefetchw(node->child);
	heap_put(plan, index, node->height);
	return MMSB_REASON_NONE;
}

/* A child is concerned if it must be above this page's new height. */
static enum mmsb_reason plan_lift(struct ms_plan *plan, const struct ms_node *node)
{
	u32 above = node->plan + 1, i;

	for (i = 0; i < node->children; i++) {
		u32 index = node->child[i].index;
		struct ms_node *child = ms_node_at(plan->space, index);
		enum mmsb_reason reason;

		if (child->height >= above)
			continue;
		reason = plan_put(plan, index, child);
		if (reason)
			return reason;
		child->plan = child->plan > above ? child->plan : above;
	}
	return MMSB_REASON_NONE;
}

/* Or if its height rested on this page's old one. */
static enum mmsb_reason plan_sink(struct ms_plan *plan, const struct ms_node *node)
{
	enum mmsb_reason reason = MMSB_REASON_NONE;
	u32 i;

	for (i = 0; !reason && i < node->children; i++) {
		u32 index = node->child[i].index;
		struct ms_node *child = ms_node_at(plan->space, index);

		if (child->height == node->height + 1)
			reason = plan_put(plan, index, child);
	}
	return reason;
}

static enum mmsb_reason plan_children(struct ms_plan *plan, const struct ms_node *node)
{
	if (node->plan == node->height)
		return MMSB_REASON_NONE;
	return plan->rises ? plan_lift(plan, node) : plan_sink(plan, node);
}

enum mmsb_reason ms_plan_give(struct ms_plan *plan, u32 index, u32 height)
{
	struct ms_node *node = ms_node_at(plan->space, index);
	enum mmsb_reason reason = plan_put(plan, index, node);

	if (reason)
		return reason;
	node->flags |= MS_NODE_GIVEN;
	node->plan = height;
	plan->rises = height > node->height;
	return reason;
}

/* The children of who is next are on their way while this page's are looked at. */
static void plan_look_ahead(const struct ms_plan *plan)
{
	const struct ms_node *next;
	u32 i;

	if (!plan->heaped)
		return;
	next = ms_node_at(plan->space, (u32)plan->heap[0]);
	for (i = 0; i < next->children && i < LOOK_AHEAD; i++)
		pf_prefetchw(ms_node_at(plan->space, next->child[i].index));
}

enum mmsb_reason ms_plan_complete(struct ms_plan *plan)
{
	enum mmsb_reason reason = MMSB_REASON_NONE;

	while (!reason && plan->heaped) {
		u32 index = heap_take(plan);
		struct ms_node *node = ms_node_at(plan->space, index);

		plan_look_ahead(plan);
		plan->visited[plan->count++] = index;
		if (!plan->rises && !(node->flags & MS_NODE_GIVEN))
			node->plan = height_from_parents(plan->space, node->derivation);
		plan->highest = plan->highest > node->plan ? plan->highest : node->plan;
		reason = plan_children(plan, node);
		pf_resched();
	}
	return reason;
}

void ms_plan_follow(struct ms_plan *plan)
{
	u32 i;

	for (i = 0; i < plan->count; i++)
		ms_wave_lift(plan->space, plan->visited[i], ms_node_at(plan->space, plan->visited[i])->plan);
}

void ms_plan_end(struct ms_plan *plan)
{
	u32 i;

	for (i = 0; i < plan->count; i++)
		ms_node_at(plan->space, plan->visited[i])->flags &= ~(MS_NODE_PLANNED | MS_NODE_GIVEN);
	for (i = 0; i < plan->heaped; i++)
		ms_node_at(plan->space, (u32)plan->heap[i])->flags &= ~(MS_NODE_PLANNED | MS_NODE_GIVEN);
	plan_let_go(plan);
}
