// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The rules that every home has. Each is one object, and nothing but this table knows them all.
 */
#include "rules.h"

#define INTEGERS	((1u << MMSB_LANE_LAST) - 1)
#define FLOATS		(PF_FLOAT ? 1u << MMSB_LANE_F32 | 1u << MMSB_LANE_F64 : 0)

static bool params_are_zero(const struct mmsb_derive *derive, u32 from)
{
	u32 i;

	for (i = from; i < MMSB_RULE_PARAMS; i++)
		if (derive->param[i])
			return false;
	return true;
}

static enum mmsb_reason check_slice(const struct mmsb_derive *derive)
{
	return params_are_zero(derive, 2) ? MMSB_REASON_NONE : MMSB_REASON_BAD_PARAM;
}

/* Floating point has infinities of its own and does not saturate. */
static enum mmsb_reason check_lanes(const struct mmsb_derive *derive)
{
	if (ms_lane_is_float(derive->lane) && derive->flags & MMSB_DERIVE_SATURATE)
		return MMSB_REASON_BAD_PARAM;
	return params_are_zero(derive, 0) ? MMSB_REASON_NONE : MMSB_REASON_BAD_PARAM;
}

#define RULE(NAME, title, function, ...)	\
	[MMSB_RULE_ ## NAME] = { .name = title, .number = MMSB_RULE_ ## NAME, .version = 1, .run = function, __VA_ARGS__ }
#define MANY		.min_parents = 1, .max_parents = MMSB_PARENTS_MAX
#define FOLD(of, can)	MANY, .lanes = of, .weights = true, .saturates = can, .check = check_lanes, \
			.plain = ms_fold_plain, .neutral = ms_fold_neutral
#define REDUCTION(of, can) MANY, .lanes = of, .saturates = can, .check = check_lanes

static const struct ms_rule rules[MMSB_RULE_LAST] = {
	RULE(NONE,	"none",		ms_rule_none,		.max_parents = MMSB_PARENTS_MAX),
	RULE(COPY,	"copy",		ms_rule_copy,		.min_parents = 1, .max_parents = 1),
	RULE(SLICE,	"slice",	ms_rule_slice,		.min_parents = 1, .max_parents = 1, .check = check_slice),
	RULE(CONCAT,	"concat",	ms_rule_concat,		MANY),
	RULE(ADD_MUL,	"add_mul",	ms_rule_add_mul,	FOLD(INTEGERS | FLOATS, true)),
	RULE(MIN_ADD,	"min_add",	ms_rule_min_add,	FOLD(INTEGERS | FLOATS, true)),
	RULE(MAX_ADD,	"max_add",	ms_rule_max_add,	FOLD(INTEGERS | FLOATS, true)),
	RULE(OR_AND,	"or_and",	ms_rule_or_and,		FOLD(INTEGERS, false)),
	RULE(MAX_MIN,	"max_min",	ms_rule_max_min,	FOLD(INTEGERS | FLOATS, false)),
	RULE(XOR_AND,	"xor_and",	ms_rule_xor_and,	FOLD(INTEGERS, false)),
	RULE(SUM,	"sum",		ms_rule_sum,		REDUCTION(INTEGERS | FLOATS, true)),
	RULE(COUNT,	"count",	ms_rule_count,		REDUCTION(INTEGERS | FLOATS, false)),
	RULE(MIN,	"min",		ms_rule_min,		REDUCTION(INTEGERS | FLOATS, false)),
	RULE(MAX,	"max",		ms_rule_max,		REDUCTION(INTEGERS | FLOATS, false)),
	RULE(MEAN,	"mean",		ms_rule_mean,		REDUCTION(INTEGERS, false)),
	RULE(HASH,	"hash",		ms_rule_hash,		MANY),
};

/* Prepended to, and never taken from: whoever walks it needs no lock. */
static const struct ms_rule *registered;

static bool rule_is(const struct ms_rule *rule, u32 number, u32 version)
{
	return rule->number == number && (!version || version == rule->version);
}

/* The newest of that number comes first, so that 0 finds it. */
const struct ms_rule *ms_rule_find(u32 number, u32 version)
{
	const struct ms_rule *rule;

	if (number < MMSB_RULE_LAST)
		return rule_is(&rules[number], number, version) ? &rules[number] : NULL;
	for (rule = pf_acquire(&registered); rule; rule = rule->next)
		if (rule_is(rule, number, version))
			return rule;
	return NULL;
}

enum mmsb_reason ms_rule_register(struct ms_rule *rule)
{
	if (rule->number < MMSB_RULE_USER || !rule->version || ms_rule_find(rule->number, rule->version))
		return MMSB_REASON_RULE_EXISTS;
	rule->next = registered;
	pf_release(&registered, rule);	/* partner: ms_rule_find() */
	return MMSB_REASON_NONE;
}
