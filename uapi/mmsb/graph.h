/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The ABI of derived pages: how a page is told to follow others, and what can be asked about it.
 *
 * A derived page has parents and a rule. At the end of each tick the engine recomputes every derived page that has a parent
 * whose epoch is not the one seen by its last recompute: each once, parents before children. If the bytes come out
 * the same, its epoch stays and its children sleep on. A completion is posted when its tick has closed, so whoever
 * has one reads derived pages that already follow it.
 *
 * A page is derived by MMSB_OP_DERIVE, whose operand of `len` bytes lies in the payload area: one struct mmsb_derive, then its
 * edges. The page keeps its size; what it held is overwritten by its first recompute, in the same tick. Deriving a page
 * that is derived already replaces rule and parents in one step. No delta but those of the graph may change it from then on.
 *
 * Mixed sizes. A lane-by-lane rule covers the page; a parent that is shorter takes no part in the lanes it does not reach (a
 * lane that no parent reaches is 0), and what a longer parent has more is not looked at. A lane that is cut by a parent's end
 * is not reached by it.
 */
#ifndef MMSB_GRAPH_H
#define MMSB_GRAPH_H

#include <linux/types.h>

#define MMSB_PARENTS_MAX	4096u	/* edges of one derived page */

enum mmsb_rule {
	MMSB_RULE_NONE,		/* nothing is computed: for pages that only control edges lead to */
	MMSB_RULE_COPY,		/* one parent: its bytes, cut or padded with zeros */
	MMSB_RULE_SLICE,	/* one parent: its bytes from param[0] on, param[1] of them (0: all), padded with zeros */
	MMSB_RULE_CONCAT,	/* the parents' bytes one behind the other, cut or padded with zeros */
	/*
	 * Folds, lane by lane: the first operation over parents in the order of their edges, the second between
	 * each parent's lane and the edge's weight.
	 */
	MMSB_RULE_ADD_MUL,
	MMSB_RULE_MIN_ADD,
	MMSB_RULE_MAX_ADD,
	MMSB_RULE_OR_AND,	/* integer lanes only */
	MMSB_RULE_MAX_MIN,
	MMSB_RULE_XOR_AND,	/* integer lanes only */
	/*
	 * Reductions: all whole lanes of all parents, in order, come to one number of 64 bits at offset 0 (u64 for unsigned
	 * lanes, i64 for signed ones, f64 for floating point); the rest of the page is 0. No weights.
	 */
	MMSB_RULE_SUM,
	MMSB_RULE_COUNT,	/* lanes that are not 0; a u64 for all lane types. NaN is not 0. */
	MMSB_RULE_MIN,		/* of no lane at all: 0 */
	MMSB_RULE_MAX,
	MMSB_RULE_MEAN,		/* integer lanes only: the exact sum divided by the count of lanes, rounded toward zero */
	MMSB_RULE_HASH,		/* 128 bits at offset 0 that depend on every parent's size and bytes, in order; see Documentation/rules.md */
	MMSB_RULE_LAST,
};

#define MMSB_RULE_USER		0x80000000u	/* from here on: rules that were registered by name */

#define MMSB_LANE_F32		8	/* lane types that only rules know; the others are enum mmsb_lane */
#define MMSB_LANE_F64		9
#define MMSB_RULE_LANE_LAST	10

enum mmsb_edge_type {
	MMSB_EDGE_DATA,		/* the rule sees the parent's bytes */
	MMSB_EDGE_CONTROL,	/* when the parent changes, the page is marked stale and its watchers are told; nothing is computed */
	MMSB_EDGE_OFFLOAD,	/* data, for now */
	MMSB_EDGE_LAST,
};

/*
 * An edge, from the parent to the page that is being derived. The weight is a lane of the rule's type in the low bits (a double for
 * F32 too, rounded once); rules without weights want 0.
 */
struct mmsb_edge {
	__u64 parent;
	__u64 weight;
	__u32 type;		/* enum mmsb_edge_type */
	__u32 reserved;		/* 0 */
};

#define MMSB_DERIVE_LAZY	(1u << 0)	/* recomputed when asked for (MMSB_OP_REFRESH), not at the end of the tick */
#define MMSB_DERIVE_SATURATE	(1u << 1)	/* integer sums and products stop at the ends of the lane's range, and do not wrap */
#define MMSB_DERIVE_KNOWN	0x3u

#define MMSB_RULE_PARAMS	4

struct mmsb_derive {
	__u32 rule;		/* enum mmsb_rule, or a user's rule */
	__u32 version;		/* of the rule; 0: whatever the home has */
	__u32 edges;		/* how many follow: 1 to MMSB_PARENTS_MAX, at least one of them data unless the rule is NONE */
	__u16 flags;		/* MMSB_DERIVE_* */
	__u8  lane;		/* enum mmsb_lane, MMSB_LANE_F32 or _F64; 0 for rules that have no lanes */
	__u8  reserved;		/* 0 */
	__u64 param[MMSB_RULE_PARAMS];	/* what the rule does not use is 0 */
	/* struct mmsb_edge edge[]; */
};

/* ------------------------------------------------------------------------------------------------- asking (MMSB_IOC_GRAPH) */

#define MMSB_NODE_LAZY		(1u << 0)
#define MMSB_NODE_STALE		(1u << 1)	/* something before it changed since it was last computed */
#define MMSB_NODE_SUSPECT	(1u << 2)	/* an audit saw its rule come to two different results */
#define MMSB_NODE_SATURATE	(1u << 3)

/* A page's place in the graph. */
struct mmsb_node {
	__u64 page;
	__u64 epoch;
	__u64 signature[2];	/* of rule, version, parameters, parents and their epochs at the last recompute; 0 for a source page */
	__u64 param[MMSB_RULE_PARAMS];
	__u32 kind;		/* enum mmsb_kind */
	__u32 flags;		/* MMSB_NODE_* */
	__u32 rule;
	__u32 version;
	__u32 parents;		/* edges */
	__u32 children;		/* edges */
	__u32 height;		/* 0 for a source page, else 1 + that of the highest parent */
	__u32 lane;
	__u32 size;
	__u32 reserved[3];
};

enum mmsb_graph_what {
	MMSB_GRAPH_NODE,	/* one struct mmsb_node, of `page` */
	MMSB_GRAPH_PARENTS,	/* struct mmsb_edge, in order; cursor: how many to pass over */
	MMSB_GRAPH_CHILDREN,	/* u64 ids, once an edge, in no order; cursor: how many to pass over */
	MMSB_GRAPH_PATH,	/* u64 ids of a way down from `page` to `to`, both included; nothing if there is none */
	MMSB_GRAPH_LIST,	/* struct mmsb_node of all pages that have an edge, from directory line `cursor` on */
	MMSB_GRAPH_LAST,
};

/* Answers lie in the ring's payload area at `out`. What does not fit is asked for again from `cursor` on. */
struct mmsb_graph_args {
	__u32 size;
	__u32 what;		/* enum mmsb_graph_what */
	__u64 page;		/* 0 for LIST */
	__u64 to;		/* PATH; else 0 */
	__u64 cursor;		/* in and out */
	__u64 out;		/* a multiple of 8 */
	__u64 out_bytes;	/* room at `out` */
	__u32 count;		/* out: how many entries were written */
	__u32 more;		/* out: 1: ask again */
	__u32 reason;		/* out, on failure */
	__u32 reserved;
	__u64 tick;		/* out */
};

#endif
