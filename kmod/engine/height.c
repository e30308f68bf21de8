// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "height.h"
#include "wave.h"

#define FIRST_ROOM	32u

void ms_plan_begin(struct ms_plan *plan, struct ms_space *space)
{
	memset(plan, 0, sizeof(*plan));
	plan->space = space;
}

static u32 *grown(const u32 *from, u32 used, u32 room)
{
	u32 *to = pf_alloc(room * sizeof(*to), -1);

	if (to && used)
		memcpy(to, from, used * sizeof(*to));
	return to;
}

/* The visited can never be more than the heaped have been, so one room does for both. */
static enum mmsb_reason plan_grow(struct ms_plan *plan)
{
	u32 room = plan->room ? 2 * plan->room : FIRST_ROOM;
	u32 *heap = grown(plan->heap, plan->heaped, room);
	u32 *visited = grown(plan->visited, plan->count, room);

	if (!heap || !visited) {
		pf_free(heap);
		pf_free(visited);
		return MMSB_REASON_NO_MEMORY;
	}
	pf_free(plan->heap);
	pf_free(plan->visited);
	plan->heap = heap;
	plan->visited = visited;
	plan->room = room;
	return MMSB_REASON_NONE;
}

/* ------------------------------------------------------------------------------------------ a heap by old height */

static u32 height_of(const struct ms_plan *plan, u32 index)
{
	return ms_node_at(plan->space, index)->height;
}

static void heap_put(struct ms_plan *plan, u32 index)
{
	u32 at = plan->heaped++, height = height_of(plan, index);

	while (at && height_of(plan, plan->heap[(at - 1) / 2]) > height) {
		plan->heap[at] = plan->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	plan->heap[at] = index;
}

static u32 heap_take(struct ms_plan *plan)
{
	u32 first = plan->heap[0], index = plan->heap[--plan->heaped], height = height_of(plan, index), at = 0, child;

	while ((child = 2 * at + 1) < plan->heaped) {
		if (child + 1 < plan->heaped && height_of(plan, plan->heap[child + 1]) < height_of(plan, plan->heap[child]))
			child++;
		if (height_of(plan, plan->heap[child]) >= height)
			break;
		plan->heap[at] = plan->heap[child];
		at = child;
	}
	plan->heap[at] = index;
	return first;
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

static enum mmsb_reason plan_put(struct ms_plan *plan, u32 index)
{
	struct ms_node *node = ms_node_at(plan->space, index);
	enum mmsb_reason reason;

	if (node->flags & MS_NODE_PLANNED)
		return MMSB_REASON_NONE;
	if (node->flags & MS_NODE_NEW) {
		plan->culprit = index;
		return MMSB_REASON_CYCLE;
	}
	if (plan->heaped + plan->count == plan->room) {
		reason = plan_grow(plan);
		if (reason)
			return reason;
	}
	node->flags |= MS_NODE_PLANNED;
	node->plan = node->height;
	heap_put(plan, index);
	return MMSB_REASON_NONE;
}

/* A child is concerned if it must rise, or if its height rested on this page's old one. */
static enum mmsb_reason plan_children(struct ms_plan *plan, u32 index)
{
	struct ms_node *node = ms_node_at(plan->space, index);
	enum mmsb_reason reason = MMSB_REASON_NONE;
	u32 i;

	for (i = 0; !reason && i < node->children; i++) {
		u32 child = node->child[i].index, height = height_of(plan, child);

		if (node->plan > node->height ? node->plan + 1 > height : node->height + 1 == height)
			reason = plan_put(plan, child);
	}
	return reason;
}

enum mmsb_reason ms_plan_give(struct ms_plan *plan, u32 index, u32 height)
{
	enum mmsb_reason reason = plan_put(plan, index);
	struct ms_node *node = ms_node_at(plan->space, index);

	if (reason)
		return reason;
	node->flags |= MS_NODE_GIVEN;
	node->plan = height;
	return reason;
}

enum mmsb_reason ms_plan_complete(struct ms_plan *plan)
{
	enum mmsb_reason reason = MMSB_REASON_NONE;

	while (!reason && plan->heaped) {
		u32 index = heap_take(plan);
		struct ms_node *node = ms_node_at(plan->space, index);

		plan->visited[plan->count++] = index;
		if (!(node->flags & MS_NODE_GIVEN))
			node->plan = height_from_parents(plan->space, node->derivation);
		plan->highest = plan->highest > node->plan ? plan->highest : node->plan;
		if (node->plan != node->height)
			reason = plan_children(plan, index);
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
		ms_node_at(plan->space, plan->heap[i])->flags &= ~(MS_NODE_PLANNED | MS_NODE_GIVEN);
	pf_free(plan->heap);
	pf_free(plan->visited);
}
