/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * One derived page: is it due, what does its rule make of its parents, did that change anything.
 *
 * Its signature is its rule with parameters, its edges, and the epochs of its parents as the last recompute saw them. The rule works on
 * the shard's desk, piece by piece, and only what differs is written, so equal bytes leave page, epoch and children alone.
 */
#ifndef MS_RECOMPUTE_H
#define MS_RECOMPUTE_H

#include "node.h"

enum ms_result {
	MS_SAME,			/* come out the same */
	MS_DIFFERENT,
	MS_BEHIND,			/* lazy, or behind a page that is; not computed */
	MS_SKIPPED,			/* not due */
};

/* Where a shard computes. */
struct ms_desk {
	u64 piece[MS_RULE_PIECE / 8] __attribute__((aligned(64)));
	u64 again[MS_RULE_PIECE / 8] __attribute__((aligned(64)));
	struct ms_rule_call call;
	struct ms_parent *parent;
	u32 room;
	u64 whole_room;				/* bytes, of each */
	u64 *whole[2];				/* a page at a time, and again */
};

/* Sees to it that a page with so many parents can be computed in this shard. */
enum mmsb_reason ms_desk_reserve(struct ms_shard *shard, u32 parents);
/* And one of that size, as a whole. */
enum mmsb_reason ms_desk_reserve_whole(struct ms_shard *shard, u64 bytes);
void ms_desk_free(struct ms_shard *shard);

/* Sees whether the page, with the edges that it has now, of which those from `first` on are new, can be computed in the short way. */
void ms_recompute_prepare(const struct ms_space *space, const struct mmsb_line *line, struct ms_derivation *derivation, u32 first);

/* Adds to *cost the words and edges that it looked at. */
enum ms_result ms_recompute(struct ms_shard *shard, u32 index, struct ms_node *node, bool forced, u64 *cost);
/* The same, never in the short way: of a space that is audited. */
enum ms_result ms_recompute_in_full(struct ms_shard *shard, u32 index, struct ms_node *node, bool forced, u64 *cost);

#endif
