// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Reductions: all whole lanes of all parents come to one number at the page's begin. They read everything for the page's first
 * piece, stretch by stretch; the other pieces are zero.
 *
 * Sums of integers are kept exactly, in 128 bits, and are made to fit once, at the end: so they are the same in any order, and a sum
 * that saturates is the sum, unless that has no place in 64 bits.
 */
#include "loops.h"
#include "rules.h"

/* What zeros change: a sum not at all, in floating point either, for no running sum is ever -0. */
static void reduce_zeros(struct ms_reduction *reduction, ms_reduce_fn step, const struct ms_loops *loops)
{
	static const u64 zero;

	if (step == loops->least || step == loops->most)
		step(reduction, &zero, 1);
}

static void reduce_parent(const struct ms_rule_call *call, u32 number, const struct ms_way *way, ms_reduce_fn step,
			  struct ms_reduction *reduction)
{
	u32 shift = ms_lane_shift(call->lane), lanes;
	u64 whole = call->parent[number].size >> shift << shift, at, run;

	for (at = 0; at < whole; at += run) {
		const u8 *in = ms_parent_bytes(call, number, at, &run);

		run = run < whole - at ? run : whole - at;
		run = run < MS_STRETCH ? run : MS_STRETCH;
		lanes = (u32)run >> shift;
		ms_way_begin(way);
		if (in)
			step(reduction, in, lanes);
		else
			reduce_zeros(reduction, step, way->loops);
		ms_way_end(way);
		reduction->lanes += lanes;
		pf_resched();
	}
}

static u64 parents_bytes(const struct ms_rule_call *call)
{
	u64 bytes = 0;
	u32 i;

	for (i = 0; i < call->parents; i++)
		bytes += call->parent[i].size;
	return bytes;
}

/* ------------------------------------------------------------------------------------------------------ what it comes to */

/* The sum of unsigned lanes is never negative. */
static u64 sum_clamped(__int128 sum, bool is_signed)
{
	s64 high = (s64)(sum >> 64), low = (s64)sum;

	if (!is_signed)
		return high ? ~0ull : (u64)low;
	if (high == low >> 63)
		return (u64)low;
	return high < 0 ? 1ull << 63 : ~0ull >> 1;
}

/* high:low / by, where high < by < 2^63: bit by bit, for no home owes the engine a division of 128 bits. */
static u64 divide_long(u64 high, u64 low, u64 by)
{
	u64 quotient = 0;
	int bit;

	if (!high)
		return low / by;
	for (bit = 63; bit >= 0; bit--) {
		high = high << 1 | low >> 63;
		low <<= 1;
		if (high >= by) {
			high -= by;
			quotient |= 1ull << bit;
		}
	}
	return quotient;
}

static u64 mean(const struct ms_reduction *reduction)
{
	__uint128_t sum = (__uint128_t)reduction->sum;
	__uint128_t size = reduction->sum < 0 ? -sum : sum;
	u64 quotient = divide_long((u64)(size >> 64), (u64)size, reduction->lanes);

	return reduction->sum < 0 ? -quotient : quotient;
}

static u64 sum_result(const struct ms_rule_call *call, const struct ms_way *way, const struct ms_reduction *reduction)
{
	u64 sum;

	if (way->kind == MS_WAY_FLOAT) {
		ms_way_begin(way);
		sum = way->loops->total(reduction);
		ms_way_end(way);
		return sum;
	}
	return call->saturate ? sum_clamped(reduction->sum, call->lane >= MMSB_LANE_I8) : (u64)reduction->sum;
}

static u64 extreme_result(const struct ms_way *way, u64 kept)
{
	u64 bits = kept;

	if (way->kind == MS_WAY_FLOAT) {
		ms_way_begin(way);
		bits = way->loops->extreme(kept);
		ms_way_end(way);
	}
	return bits;
}

static u64 reduce_all(const struct ms_rule_call *call, u32 rule)
{
	struct ms_way way = ms_way_choose(call->lane, parents_bytes(call));
	struct ms_reduction reduction;
	ms_reduce_fn step = rule == MMSB_RULE_COUNT ? way.loops->count : rule == MMSB_RULE_MIN ? way.loops->least :
			    rule == MMSB_RULE_MAX ? way.loops->most : way.loops->sum;
	u32 i;

	reduction.sum = 0;
	reduction.lanes = 0;
	reduction.count = 0;
	if (way.kind == MS_WAY_FLOAT)
		memset(reduction.running, 0, sizeof(reduction.running));
	for (i = 0; i < call->parents; i++)
		reduce_parent(call, i, &way, step, &reduction);
	if (!reduction.lanes)
		return 0;
	switch (rule) {
	case MMSB_RULE_SUM:
		return sum_result(call, &way, &reduction);
	case MMSB_RULE_COUNT:
		return reduction.count;
	case MMSB_RULE_MIN:
		return extreme_result(&way, reduction.least);
	case MMSB_RULE_MAX:
		return extreme_result(&way, reduction.most);
	default:
		return mean(&reduction);
	}
}

static void reduce(const struct ms_rule_call *call, u32 rule)
{
	memset(call->out, 0, call->bytes);
	if (!call->offset)
		call->out[0] = reduce_all(call, rule);
}

void ms_rule_sum(const struct ms_rule_call *call)
{
	reduce(call, MMSB_RULE_SUM);
}

void ms_rule_count(const struct ms_rule_call *call)
{
	reduce(call, MMSB_RULE_COUNT);
}

void ms_rule_min(const struct ms_rule_call *call)
{
	reduce(call, MMSB_RULE_MIN);
}

void ms_rule_max(const struct ms_rule_call *call)
{
	reduce(call, MMSB_RULE_MAX);
}

void ms_rule_mean(const struct ms_rule_call *call)
{
	reduce(call, MMSB_RULE_MEAN);
}
