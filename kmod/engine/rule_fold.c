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

/* What a weight must be to leave integers as they are. */
enum neutral { ONE, ZERO, ALL_BITS, GREATEST };

static const u8 neutral_of[MS_FOLDS] = { ONE, ZERO, ZERO, ALL_BITS, GREATEST, ALL_BITS };

/* What a parent that has no memory yet reads as. */
static const u64 zeros[MS_RULE_PIECE / 8];

#define SMALL	128u

struct fold_work {
	const struct ms_rule_call *call;
	const struct ms_fold *fold;
	u64 mask, neutral;		/* of a weight: the bits that count; their value where it changes nothing */
	u32 whole;			/* bytes of the piece's whole lanes */
	u32 shift;
	u32 reached;			/* bytes */
	struct ms_way way;
};

static u64 fold_neutral(u32 which, u8 lane, u64 mask)
{
	switch (neutral_of[which]) {
	case ONE:
		return 1;
	case ZERO:
		return 0;
	case ALL_BITS:
		return mask;
	default:
		return lane >= MMSB_LANE_I8 ? mask >> 1 : mask;
	}
}

/* A small page is not worth a call. */
static inline void fold_copy(u8 *out, const u8 *in, u32 bytes)
{
	u32 i;

	if (bytes > SMALL || bytes % 8)
		memcpy(out, in, bytes);
	else
		for (i = 0; i < bytes; i += 8)
			memcpy(out + i, in + i, 8);
}

static void fold_first(const struct fold_work *work, const u8 *in, u32 from, u32 to, u64 weight, bool same)
{
	u8 *out = (u8 *)work->call->out;

	if (same)
		fold_copy(out + from, in + from, to - from);
	else
		work->fold->first(out + from, in + from, (to - from) >> work->shift, weight);
}

static void fold_parent(struct fold_work *work, u32 number)
{
	const struct ms_rule_call *call = work->call;
	const struct ms_parent *parent = &call->parent[number];
	bool same = work->fold->same && (parent->weight & work->mask) == work->neutral;
	u32 reach = work->whole, both;
	const u8 *in;
	u64 run;

	if (parent->size < call->offset + reach)
		reach = parent->size > call->offset ? (u32)(parent->size - call->offset) >> work->shift << work->shift : 0;
	if (!reach)
		return;
	in = ms_parent_bytes(call, number, call->offset, &run) ?: (const u8 *)zeros;
	both = reach < work->reached ? reach : work->reached;
	if (both && same)
		work->fold->same(call->out, in, both >> work->shift);
	else if (both)
		work->fold->next(call->out, in, both >> work->shift, parent->weight);
	if (reach > both) {
		fold_first(work, in, both, reach, parent->weight, same);
		work->reached = reach;
	}
}

static void fold(const struct ms_rule_call *call, u32 rule)
{
	u64 work_bytes = (u64)call->bytes * call->parents;
	u32 which = rule - MMSB_RULE_ADD_MUL, shift = ms_lane_shift(call->lane), stretch, i, end;
	struct fold_work work = {
		.call = call,
		.shift = shift,
		.whole = call->bytes >> shift << shift,
		.mask = ~0ull >> (64 - (8u << shift)),
		.way = ms_way_choose(call->lane, work_bytes),
	};

	work.fold = &work.way.loops->fold[call->saturate][which];
	if (!work.fold->next)
		work.fold = &work.way.loops->fold[0][which];
	work.neutral = fold_neutral(which, call->lane, work.mask);
	stretch = work_bytes > MS_STRETCH ? MS_STRETCH / call->bytes : call->parents;
	for (i = 0; i < call->parents; i = end) {
		end = call->parents - i > stretch ? i + stretch : call->parents;
		ms_way_begin(&work.way);
		for (; i < end; i++)
			fold_parent(&work, i);
		ms_way_end(&work.way);
		pf_resched();
	}
	if (work.reached < call->bytes)
		memset((u8 *)call->out + work.reached, 0, call->bytes - work.reached);
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
