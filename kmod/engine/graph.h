/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The graph's operations: derive, underive, link, unlink, refresh. Each is a delta like others: judged in full before anything
 * is changed, and covered by the state hash (rule, parameters and edges are added to a page's part of it).
 *
 * The operand is copied into private memory first, and only that copy is looked at.
 */
#ifndef MS_GRAPH_H
#define MS_GRAPH_H

#include "delta.h"
#include "node.h"

struct ms_graph_op {
	const struct mmsb_sqe *sqe;
	const void *operand;			/* private */
	struct mmsb_line *line;			/* of the page that the entry names */
	u32 index;
};

static inline bool ms_op_is_graph(u8 op)
{
	return op >= MMSB_OP_DERIVE && op <= MMSB_OP_REFRESH;
}

/* How long an operand may be. */
enum mmsb_reason ms_graph_judge_length(const struct mmsb_sqe *sqe);

/*
 * What such an operation looks at lies all over memory. Some time before its turn the nodes are brought in, and later what they point to.
 * It has not been judged yet, and may be anything.
 */
void ms_graph_look_ahead(const struct ms_space *space, const struct mmsb_sqe *sqe);
void ms_graph_look_closer(const struct ms_space *space, const struct mmsb_sqe *sqe);

enum mmsb_reason ms_graph_apply(struct ms_shard *shard, const struct ms_graph_op *op, struct ms_outcome *outcome);

/*
 * A source page is derived, as it was when it was captured: from a struct mmsb_derive, its edges, and a u64 each, the epoch that was seen of
 * the parent. Nothing is computed. The outcome names the parent that is at fault, if one is.
 */
enum mmsb_reason ms_graph_restore(struct ms_shard *shard, const struct ms_graph_op *op, struct ms_outcome *outcome);

/* The page goes: NONE once nothing in the graph knows it any more; HAS_CHILDREN unless they may be detached. */
enum mmsb_reason ms_graph_let_go(struct ms_shard *shard, u32 index, bool detach);

/* What a derived page's rule and edges add to its part of the state hash. */
void ms_graph_hash(const struct ms_space *space, u32 index, struct ms_hash *hash, bool gone);

/* The digest of a derived page's signature. */
void ms_graph_signature(const struct ms_space *space, const struct ms_derivation *derivation, u64 signature[2]);

#endif
