// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Folds: a lane of the page is what an operation makes of the same lane of all parents, in order, each weighted.
 *
 * All parents begin where the page does, so the lanes reached so far are always those before one place. A parent's lanes before it
 * are folded in, those behind it are the first there: no operation needs an element that leaves all as it is. A weight that does
 * leaves nothing to do but to copy, for the first parent, and spares the others a multiplication.
 */
#include "loops.h"
#include "rules.h"

#define LANES(shift, greatest)	{ shift, BITS(shift), { 1, 0, 0, BITS(shift), greatest, BITS(shift) } }
#define BITS(shift)		(~0ull >> (64 - (8 << (shift))))

/* Of a lane type, so that a small page need not work them out. */
static const struct facts {
	u32 shift;
	u64 mask;			/* bits of a weight that count */
	u64 neutral[MS_FOLDS];		/* what they are where they leave all as it is */
} facts_of[MMSB_RULE_LANE_LAST] = {
	[MMSB_LANE_U8] = LANES(0, BITS(0)),
	[MMSB_LANE_U16] = LANES(1, BITS(1)),
	[MMSB_LANE_U32] = LANES(2, BITS(2)),
	[MMSB_LANE_U64] = LANES(3, BITS(3)),
	[MMSB_LANE_I8] = LANES(0, BITS(0) >> 1),
	[MMSB_LANE_I16] = LANES(1, BITS(1) >> 1),
	[MMSB_LANE_I32] = LANES(2, BITS(2) >> 1),
	[MMSB_LANE_I64] = LANES(3, BITS(3) >> 1),
	/* No weight that counts for nothing is ever 1. */
	[MMSB_LANE_F32] = { 2, 0, { 1, 1, 1, 1, 1, 1 } },
	[MMSB_LANE_F64] = { 3, 0, { 1, 1, 1, 1, 1, 1 } },
};

/* What a parent that has no memory yet reads as. */
static const u64 zeros[MS_RULE_PIECE / 8];

struct fold_work {
	const struct ms_rule_call *call;
	const struct ms_fold *fold;
	u64 mask, neutral;
	u32 whole;			/* bytes of the piece's whole lanes */
	u32 shift;
};

/* Most pages are small, and a call would cost more than what it copies. */
static inline void fold_copy(u8 *out, const u8 *in, u32 bytes)
{
	if (bytes == 64)
		memcpy(out, in, 64);
	else
		memcpy(out, in, bytes);
}

static inline u32 fold_reach(const struct fold_work *work, const struct ms_parent *parent)
{
	u64 offset = work->call->offset;

	if (likely(parent->size >= offset + work->whole))
		return work->whole;
	return parent->size > offset ? (u32)(parent->size - offset) >> work->shift << work->shift : 0;
}

/* Parents `i` to `end`, of which those before reached so many bytes. Returns how many are reached then. */
static inline __attribute__((always_inline)) u32 fold_parents(const struct fold_work *work, u32 i, u32 end, u32 reached)
{
	const struct ms_rule_call *call = work->call;
	u8 *out = (u8 *)call->out;

	for (; i < end; i++) {
		u64 weight = call->parent[i].weight, run;
		bool same = (weight & work->mask) == work->neutral;
		u32 reach = fold_reach(work, &call->parent[i]), both = reach < reached ? reach : reached;
		const u8 *in;

		if (!reach)
			continue;
		in = ms_parent_bytes(call, i, call->offset, &run) ?: (const u8 *)zeros;
		if (both && same)
			work->fold->same(out, in, both >> work->shift);
		else if (both)
			work->fold->next(out, in, both >> work->shift, weight);
		if (reach == both)
			continue;
		if (same)
			fold_copy(out + both, in + both, reach - both);
		else
			work->fold->first(out + both, in + both, (reach - both) >> work->shift, weight);
		reached = reach;
	}
	return reached;
}

static void fold_prepare(struct fold_work *work, const struct ms_rule_call *call, u32 which, const struct ms_way *way)
{
	const struct facts *facts = &facts_of[call->lane];

	work->call = call;
	work->fold = &way->loops->fold[call->saturate][which];
	work->mask = facts->mask;
	work->neutral = facts->neutral[which];
	work->whole = call->bytes >> facts->shift << facts->shift;
	work->shift = facts->shift;
}

static u32 fold_stretches(const struct ms_rule_call *call, u32 which, const struct ms_way *way)
{
	u32 stretch = MS_STRETCH / call->bytes, reached = 0, i, end;
	struct fold_work work;

	fold_prepare(&work, call, which, way);
	for (i = 0; i < call->parents; i = end) {
		end = call->parents - i > stretch ? i + stretch : call->parents;
		ms_way_begin(way);
		reached = fold_parents(&work, i, end, reached);
		ms_way_end(way);
		pf_resched();
	}
	return reached;
}

static void fold(const struct ms_rule_call *call, u32 rule)
{
	struct ms_way way;
	u32 reached;

	way = ms_way_choose(call->lane, (u64)call->bytes * call->parents);
	if (likely(way.kind == MS_WAY_PLAIN)) {
		struct fold_work work;

		fold_prepare(&work, call, rule - MMSB_RULE_ADD_MUL, &way);
		reached = fold_parents(&work, 0, call->parents, 0);
	} else {
		reached = fold_stretches(call, rule - MMSB_RULE_ADD_MUL, &way);
	}
	if (reached < call->bytes)
		memset((u8 *)call->out + reached, 0, call->bytes - reached);
}

ms_plain_fold ms_fold_plain(u32 number, u8 lane, bool saturate)
{
	return ms_lane_is_float(lane) ? NULL : ms_integer_loops[lane].fold[saturate][number - MMSB_RULE_ADD_MUL].same;
}

u64 ms_fold_neutral(u32 number, u8 lane, u64 *mask)
{
	*mask = facts_of[lane].mask;
	return facts_of[lane].neutral[number - MMSB_RULE_ADD_MUL];
}

void ms_rule_add_mul(const struct ms_rule_call *call)
{
	fold(call, MMSB_RULE_ADD_MUL);
}

void ms_rule_min_add(const struct ms_rule_call *call)
{
	fold(call, MMSB_RULE_MIN_ADD);
}

void ms_rule_max_add(const struct ms_rule_call *call)
{
	fold(call, MMSB_RULE_MAX_ADD);
}

void ms_rule_or_and(const struct ms_rule_call *call)
{
	fold(call, MMSB_RULE_OR_AND);
}

void ms_rule_max_min(const struct ms_rule_call *call)
{
	fold(call, MMSB_RULE_MAX_MIN);
}

void ms_rule_xor_and(const struct ms_rule_call *call)
{
	fold(call, MMSB_RULE_XOR_AND);
}
