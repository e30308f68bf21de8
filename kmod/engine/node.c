// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "node.h"

#define NODES_A_BLOCK	(1u << MS_BLOCK_SHIFT)

static const u64 no_param[MMSB_RULE_PARAMS];

static void shard_count_memory(struct ms_shard *shard, u64 bytes)
{
	pf_write(shard->graph.memory, shard->graph.memory + bytes);
}

struct ms_node *ms_node_make(struct ms_space *space, u32 index)
{
	struct ms_slot *slot = ms_region_slot(&space->directory, index >> MS_BLOCK_SHIFT);
	struct ms_shard *shard = ms_shard_of(space, index);

	if (unlikely(!slot->nodes)) {
		struct ms_node *nodes = pf_alloc(NODES_A_BLOCK * sizeof(*nodes), shard->node);

		if (!nodes)
			return NULL;
		pf_write(slot->nodes, nodes);
		shard->graph.changes++;
		shard_count_memory(shard, NODES_A_BLOCK * sizeof(*nodes));
	}
	return &slot->nodes[index & (NODES_A_BLOCK - 1)];
}

/* -------------------------------------------------------------------------------------------------------- derivations */

static bool params_are_zero(const u64 *param)
{
	return !memcmp(param, no_param, sizeof(no_param));
}

static u64 derivation_bytes(u32 room, bool params)
{
	return sizeof(struct ms_derivation) + room * sizeof(struct ms_edge) + (params ? sizeof(no_param) : 0);
}

struct ms_derivation *ms_derivation_make(struct ms_shard *shard, u32 room, const u64 *param)
{
	bool params = !params_are_zero(param);
	struct ms_derivation *derivation = pf_alloc(derivation_bytes(room, params), shard->node);

	if (!derivation)
		return NULL;
	derivation->room = room;
	derivation->param = no_param;
	if (params) {
		memcpy(&derivation->edge[room], param, sizeof(no_param));
		derivation->param = (const u64 *)&derivation->edge[room];
	}
	shard_count_memory(shard, derivation_bytes(room, params));
	return derivation;
}

u64 ms_derivation_memory(const struct ms_derivation *derivation)
{
	return derivation_bytes(derivation->room, derivation->param != no_param);
}

void ms_derivation_free(struct ms_shard *shard, struct ms_derivation *derivation)
{
	if (!derivation)
		return;
	shard_count_memory(shard, -ms_derivation_memory(derivation));
	pf_free(derivation);
}

/* ---------------------------------------------------------------------------------------------------------- children */

static enum mmsb_reason children_grow(struct ms_shard *shard, struct ms_node *node)
{
	u32 room = node->room ? 2 * node->room : 2;
	struct ms_child *child;

	if (node->children >= MS_CHILDREN_MAX)
		return MMSB_REASON_TOO_MANY_CHILDREN;
	child = pf_alloc(room * sizeof(*child), shard->node);
	if (!child)
		return MMSB_REASON_NO_MEMORY;
	if (node->children)
		memcpy(child, node->child, node->children * sizeof(*child));
	pf_free(node->child);
	shard_count_memory(shard, (room - node->room) * sizeof(*child));
	node->child = child;
	node->room = room;
	return MMSB_REASON_NONE;
}

void ms_node_trim(struct ms_space *space, u32 index)
{
	struct ms_node *node = ms_node_at(space, index);

	if (node->children)
		return;
	pf_free(node->child);
	shard_count_memory(ms_shard_of(space, index), -(u64)node->room * sizeof(*node->child));
	node->child = NULL;
	node->room = 0;
}

static void count_edge(struct ms_space *space, u32 parent, u32 child, u64 step)
{
	struct ms_shard *of_parent = ms_shard_of(space, parent), *of_child = ms_shard_of(space, child);

	pf_write(of_child->graph.edges, of_child->graph.edges + step);
	of_child->graph.changes++;
	space->meeting.graph = true;
	if (of_parent == of_child)
		return;
	of_parent->graph.changes++;
	of_parent->graph.foreign += step;
	of_child->graph.foreign += step;
}

enum mmsb_reason ms_edge_hook(struct ms_space *space, u32 child, struct ms_derivation *derivation, u32 edge)
{
	struct ms_edge *to = &derivation->edge[edge];
	struct ms_node *node = ms_node_make(space, to->parent);
	enum mmsb_reason reason;

	if (!node)
		return MMSB_REASON_NO_MEMORY;
	if (node->children == node->room) {
		reason = children_grow(ms_shard_of(space, to->parent), node);
		if (reason)
			return reason;
	}
	to->slot = node->children;
	node->child[node->children++] = (struct ms_child){ .index = child, .edge = edge, .type = to->type };
	ms_line_set(ms_line_at(space, to->parent), MS_LINE_PARENT);
	count_edge(space, to->parent, child, 1);
	return MMSB_REASON_NONE;
}

/* The last of the list takes the slot that becomes free. */
void ms_edge_unhook(struct ms_space *space, u32 child, struct ms_derivation *derivation, u32 edge)
{
	struct ms_edge *from = &derivation->edge[edge];
	struct ms_node *node = ms_node_at(space, from->parent);
	u32 slot = from->slot, last = --node->children;

	if (slot != last) {
		struct ms_child moved = node->child[last];

		node->child[slot] = moved;
		ms_node_at(space, moved.index)->derivation->edge[moved.edge].slot = slot;
	}
	if (!node->children)
		ms_line_clear(ms_line_at(space, from->parent), MS_LINE_PARENT);
	count_edge(space, from->parent, child, -1ull);
}

/* ------------------------------------------------------------------------------------------------------------- forget */

static void block_forget(struct ms_node *nodes)
{
	u32 i;

	for (i = 0; i < NODES_A_BLOCK; i++) {
		pf_free(nodes[i].derivation);
		pf_free(nodes[i].child);
	}
	pf_free(nodes);
}

void ms_nodes_forget(struct ms_space *space)
{
	struct ms_region *region = &space->directory;
	u64 block;

	for (block = 0; block < region->chunks; block++) {
		struct ms_slot *slot = ms_region_slot(region, block);

		if (!slot) {
			block |= MS_LEAF - 1;
			continue;
		}
		if (slot->nodes)
			block_forget(slot->nodes);
		pf_write(slot->nodes, NULL);
		pf_resched();
	}
}
