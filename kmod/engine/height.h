/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Heights: a source page has 0, a derived page one more than its highest parent. They order a wave, and they make cycles cheap to see.
 *
 * When the edges into a page change, only pages behind it can change their height, and only as long as heights do change on
 * the way. They are visited in the order of their old heights, which is still an order from parents to children among them:
 * so each is visited once, when its parents' new heights are known. A page that rises lifts its children, which therefore need not
 * look at their other parents; only where pages sink they must. A new edge that closes a cycle raises every page on
 * the way around to its own parent, so the visit comes upon that parent; nothing else needs to be searched.
 *
 * A plan is made first, in memory of its own, and then either followed or dropped, so that a refused operation leaves no trace. Most
 * concern a few pages and need no memory but what they come with.
 */
#ifndef MS_HEIGHT_H
#define MS_HEIGHT_H

#include "node.h"

#define MS_PLAN_FIRST	32u

struct ms_plan {
	struct ms_space *space;
	u64 *heap;			/* old heights, above line indices */
	u32 *visited;			/* line indices */
	u32 heaped, count, room;
	u32 highest;
	u32 culprit;			/* after CYCLE: the parent that was reached, by line index */
	bool rises;			/* all of it does; otherwise all of it sinks */
	u64 first_heap[MS_PLAN_FIRST];
	u32 first_visited[MS_PLAN_FIRST];
};

void ms_plan_begin(struct ms_plan *plan, struct ms_space *space);
/* The page shall have that height. Others that are given one shall move in the same direction. */
enum mmsb_reason ms_plan_give(struct ms_plan *plan, u32 index, u32 height);
/* Everything behind the pages that were given one: NONE, NO_MEMORY, or CYCLE if a node marked MS_NODE_NEW follows one of them. */
enum mmsb_reason ms_plan_complete(struct ms_plan *plan);
void ms_plan_follow(struct ms_plan *plan);
void ms_plan_end(struct ms_plan *plan);		/* followed or not */

#endif
