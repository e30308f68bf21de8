/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A node: a page's place in the graph. Nodes lie beside the directory, a block of them for each of its blocks in which some page
 * has an edge, and are found by the page's line index, so that an edge can name a page in four bytes.
 *
 * A derived page owns its derivation: its rule and its edges, in order, each with the parent's epoch that the last recompute saw.
 * A parent lists its children, and an edge knows its slot in that list, so that edges come and go without a search.
 *
 * Who writes. In a space of one shard its runner; in others graph operations happen in meetings (meet.h), with every
 * run lock held. What a wave writes (seen, flags, the links of a level) belongs to who runs the wave,
 * or has the page's shard in a joint one (joint.h).
 */
#ifndef MS_NODE_H
#define MS_NODE_H

#include "rule.h"
#include "space.h"

#define MS_EDGE_NEVER	(~0ull)			/* seen: not yet computed */
#define MS_CHILDREN_MAX	(1u << 30)

struct ms_edge {
	u64 weight;
	u64 seen;
	u32 parent;				/* line index */
	u32 slot : 30, type : 2;		/* slot: among the parent's children */
};

struct ms_derivation {
	const struct ms_rule *rule;
	const u64 *param;			/* behind the edges, or zeros that all share */
	u32 edges, room;
	u32 data;				/* of the edges, those whose bytes the rule sees */
	u8 lane;
	u8 flags;				/* MMSB_DERIVE_* */
	bool plain;				/* its short way may be taken: see ms_recompute_prepare() */
	struct ms_edge edge[];
};

struct ms_child {
	u32 index;				/* line index */
	u32 edge : 30, type : 2;		/* edge: which of its edges */
};

/* ms_node.flags */
#define MS_NODE_QUEUED	1u			/* in a level of a wave */
#define MS_NODE_CHANGED	2u			/* queued because its own bytes changed: its children are to be told */
#define MS_NODE_FORCED	4u			/* to be computed even if it is lazy */
#define MS_NODE_ASKED	8u			/* somebody asked for it in this tick */
#define MS_NODE_SUSPECT	16u			/* an audit saw two results */
#define MS_NODE_PLANNED	32u			/* `plan` is its height to be */
#define MS_NODE_GIVEN	64u			/* `plan` does not follow from its parents */
#define MS_NODE_NEW	128u			/* a parent to be: whoever reaches it has found a cycle */
#define MS_NODE_FRESH	256u			/* queued because it is no longer behind: its children look again */

struct ms_node {
	struct ms_derivation *derivation;	/* NULL: a source page */
	struct ms_child *child;
	u32 children, room;
	u32 height;
	u32 plan;
	u32 next, prev;				/* line index + 1, in a level of a wave or in a list of those asked for */
	u32 flags;
};

/* NULL: the page has no edge, nor had any page beside it. */
static inline struct ms_node *ms_node_find(const struct ms_space *space, u32 index)
{
	const struct ms_slot *slot = ms_region_slot(&space->directory, index >> MS_BLOCK_SHIFT);
	struct ms_node *nodes = slot ? pf_read(slot->nodes) : NULL;

	return nodes ? &nodes[index & ((1u << MS_BLOCK_SHIFT) - 1)] : NULL;
}

/* The node of a page that surely has one. */
static inline struct ms_node *ms_node_at(const struct ms_space *space, u32 index)
{
	const struct ms_leaf *leaf = space->directory.leaf[index >> (MS_BLOCK_SHIFT + MS_LEAF_SHIFT)];

	return &leaf->slot[(index >> MS_BLOCK_SHIFT) & (MS_LEAF - 1)].nodes[index & ((1u << MS_BLOCK_SHIFT) - 1)];
}

/* The line of a page that surely is there. */
static inline struct mmsb_line *ms_line_at(const struct ms_space *space, u32 index)
{
	return ms_region_at(&space->directory, (u64)index * sizeof(struct mmsb_line));
}

static inline struct ms_shard *ms_shard_of(const struct ms_space *space, u32 index)
{
	return space->shards[ms_space_owner(space, index)];
}

static inline bool ms_edge_is_data(u32 type)
{
	return type != MMSB_EDGE_CONTROL;
}

/* NULL: no memory. */
struct ms_node *ms_node_make(struct ms_space *space, u32 index);

/* Gives back what it holds for children, if it has none. */
void ms_node_trim(struct ms_space *space, u32 index);

/*
 * Enters the edge in the parent's list, or takes it out again, and keeps the line's flag and the shards' counts. An edge that was
 * taken out can be entered again without fail until the parent's node is trimmed.
 */
enum mmsb_reason ms_edge_hook(struct ms_space *space, u32 child, struct ms_derivation *derivation, u32 edge);
void ms_edge_unhook(struct ms_space *space, u32 child, struct ms_derivation *derivation, u32 edge);

struct ms_derivation *ms_derivation_make(struct ms_shard *shard, u32 room, const u64 *param);
void ms_derivation_free(struct ms_shard *shard, struct ms_derivation *derivation);
u64 ms_derivation_memory(const struct ms_derivation *derivation);

/* Frees all of it, as nothing of a space that is emptied is needed any more. */
void ms_nodes_forget(struct ms_space *space);

#endif
