// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Verifying: a page's place in the graph. Under a run lock none of it changes, wherever the pages at the other ends live. */
#include "verify.h"

static const struct mmsb_line *live_line(const struct ms_space *space, u32 index)
{
	const struct mmsb_line *line = NULL;

	if (index < space->lines)
		line = ms_region_find(&space->directory, (u64)index * sizeof(*line));
	return line && line->kind != MMSB_KIND_NONE ? line : NULL;
}

static u64 id_of(const struct ms_space *space, u32 index)
{
	return ms_line_id(ms_line_at(space, index), index);
}

/* ----------------------------------------------------------------------------------------------------------- parents */

/* As many as there is room for, whatever it says. */
static u32 children_of(const struct ms_node *node)
{
	return node->children < node->room ? node->children : node->room;
}

/* The parent's node, if that lists this edge of the page's. */
static const struct ms_node *listing_parent(const struct ms_space *space, u32 index, const struct ms_edge *edge, u32 number)
{
	const struct ms_node *node = live_line(space, edge->parent) ? ms_node_find(space, edge->parent) : NULL;
	const struct ms_child *child;

	if (!node || edge->slot >= children_of(node))
		return NULL;
	child = &node->child[edge->slot];
	return child->index == index && child->edge == number && child->type == edge->type ? node : NULL;
}

/* It was computed from the parent as it is; or it is marked, or whoever looked could not know yet. */
static bool is_seen(const struct ms_verify *verify, const struct mmsb_line *line, const struct ms_edge *edge)
{
	if (!verify->settled || !ms_edge_is_data(edge->type) || line->flags & MMSB_LINE_BEHIND)
		return true;
	return edge->seen == ms_line_at(verify->space, edge->parent)->epoch;
}

/* Returns how high it must be for this parent. */
static u32 verify_edge(struct ms_verify *verify, u32 index, const struct mmsb_line *line, const struct ms_edge *edge, u32 number)
{
	const struct ms_node *parent = listing_parent(verify->space, index, edge, number);
	u64 page = ms_line_id(line, index);

	if (!parent) {
		verify->astray = true;
		ms_verify_differ(verify, MMSB_FINDING_PARENT, page, number, edge->parent, ~(u64)edge->parent);
		return 0;
	}
	verify->tally.foreign += ms_space_owner(verify->space, edge->parent) != verify->shard->number;
	if (!is_seen(verify, line, edge))
		ms_verify_differ(verify, MMSB_FINDING_SIGNATURE, page, id_of(verify->space, edge->parent),
				 ms_line_at(verify->space, edge->parent)->epoch, edge->seen);
	return parent->height + 1;
}

static bool rule_is_one(const struct ms_derivation *derivation)
{
	const struct ms_rule *rule = derivation->rule;

	return rule && ms_rule_find(rule->number, rule->version) == rule && !(derivation->flags & ~MMSB_DERIVE_KNOWN) &&
	       derivation->edges && derivation->edges <= derivation->room && derivation->edges <= MMSB_PARENTS_MAX;
}

static void verify_derivation(struct ms_verify *verify, u32 index, const struct mmsb_line *line, const struct ms_node *node)
{
	const struct ms_derivation *derivation = node->derivation;
	u64 page = ms_line_id(line, index);
	u32 height = 0, data = 0, above, i;

	if (!rule_is_one(derivation)) {
		verify->astray = true;
		ms_verify_differ(verify, MMSB_FINDING_RULE, page, 0, derivation->room, ~(u64)derivation->edges);
		return;
	}
	for (i = 0; i < derivation->edges; i++) {
		above = verify_edge(verify, index, line, &derivation->edge[i], i);
		height = above > height ? above : height;
		data += ms_edge_is_data(derivation->edge[i].type);
	}
	ms_verify_differ(verify, MMSB_FINDING_RULE, page, 1, data, derivation->data);
	ms_verify_differ(verify, MMSB_FINDING_HEIGHT, page, 0, height, node->height);
	verify->spent += (u64)derivation->edges * MS_COST_EDGE;
	verify->tally.derived++;
	verify->tally.edges += derivation->edges;
	verify->tally.graph_memory += ms_derivation_memory(derivation);
	verify->here.derived++;
	verify->here.edges += derivation->edges;
}

void ms_verify_node(struct ms_verify *verify, u32 index, const struct mmsb_line *line)
{
	const struct ms_node *node = ms_node_find(verify->space, index);
	u64 page = ms_line_id(line, index);
	bool derived = node && node->derivation, parent = node && node->children;

	ms_verify_differ(verify, MMSB_FINDING_KIND, page, 0, derived, line->kind == MMSB_KIND_DERIVED);
	ms_verify_differ(verify, MMSB_FINDING_KIND, page, 1, parent, !!(line->flags & MS_LINE_PARENT));
	verify->astray |= derived != (line->kind == MMSB_KIND_DERIVED);
	if (!node)
		return;
	ms_verify_differ(verify, MMSB_FINDING_CHILD, page, ~0ull, children_of(node), node->children);
	if (derived)
		verify_derivation(verify, index, line, node);
	else
		ms_verify_differ(verify, MMSB_FINDING_HEIGHT, page, 0, 0, node->height);
	verify->tally.graph_memory += (u64)node->room * sizeof(*node->child);
}

/* ----------------------------------------------------------------------------------------------------------- children */

static bool follows(const struct ms_space *space, const struct ms_child *child, u32 parent, u32 slot)
{
	const struct ms_node *node = live_line(space, child->index) ? ms_node_find(space, child->index) : NULL;
	const struct ms_edge *edge;

	if (!node || !node->derivation || child->edge >= node->derivation->edges)
		return false;
	edge = &node->derivation->edge[child->edge];
	return edge->parent == parent && edge->slot == slot && edge->type == child->type;
}

bool ms_verify_children(struct ms_verify *verify, u32 index, u64 *budget)
{
	const struct ms_node *node = ms_node_find(verify->space, index);

	for (; node && verify->child < children_of(node); verify->child++) {
		const struct ms_child *child = &node->child[verify->child];

		if (!*budget)
			return false;
		ms_verify_spend(budget, MS_COST_EDGE);
		verify->tally.foreign += ms_space_owner(verify->space, child->index) != verify->shard->number;
		if (!follows(verify->space, child, index, verify->child))
			ms_verify_differ(verify, MMSB_FINDING_CHILD, id_of(verify->space, index), verify->child, child->index,
					 ~(u64)child->index);
	}
	return true;
}
