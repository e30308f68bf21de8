// SPDX-License-Identifier: MIT
/*
 * Names of rules and of lane types, for people, and the weights that leave a parent as it is: for (+,*) 1, for the others the
 * value that the second operation of the pair does not notice.
 */
#include <strings.h>
#include "home.h"

static const char *const rule_names[] = {
	[MMSB_RULE_NONE] = "none", [MMSB_RULE_COPY] = "copy", [MMSB_RULE_SLICE] = "slice", [MMSB_RULE_CONCAT] = "concat",
	[MMSB_RULE_ADD_MUL] = "add-mul", [MMSB_RULE_MIN_ADD] = "min-add", [MMSB_RULE_MAX_ADD] = "max-add",
	[MMSB_RULE_OR_AND] = "or-and", [MMSB_RULE_MAX_MIN] = "max-min", [MMSB_RULE_XOR_AND] = "xor-and",
	[MMSB_RULE_SUM] = "sum", [MMSB_RULE_COUNT] = "count", [MMSB_RULE_MIN] = "min", [MMSB_RULE_MAX] = "max",
	[MMSB_RULE_MEAN] = "mean", [MMSB_RULE_HASH] = "hash",
};

static const char *const lane_names[] = {
	[MMSB_LANE_U8] = "u8", [MMSB_LANE_U16] = "u16", [MMSB_LANE_U32] = "u32", [MMSB_LANE_U64] = "u64",
	[MMSB_LANE_I8] = "i8", [MMSB_LANE_I16] = "i16", [MMSB_LANE_I32] = "i32", [MMSB_LANE_I64] = "i64",
	[MMSB_LANE_F32] = "f32", [MMSB_LANE_F64] = "f64",
};

#define COUNT(names)	(sizeof(names) / sizeof(*(names)))

_Static_assert(COUNT(rule_names) == MMSB_RULE_LAST && COUNT(lane_names) == MMSB_RULE_LANE_LAST, "a name for each");

const char *mmsb_rule_name(uint32_t rule)
{
	return rule < COUNT(rule_names) ? rule_names[rule] : embedded_rule_name(rule);
}

const char *mmsb_lane_name(uint8_t lane)
{
	return lane < COUNT(lane_names) ? lane_names[lane] : NULL;
}

int mmsb_rule_register(struct mmsb *mmsb, const struct mmsb_user_rule *rule, uint32_t *number)
{
	struct mmsb_user_rule own;
	int err = MSL_OPTS(own, rule);

	return err ? err : mmsb->home->rule_register(mmsb, &own, number);
}

static int number(const char *const *names, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return -1;
}

int mmsb_rule_number(const char *name, uint32_t *rule)
{
	int found = number(rule_names, COUNT(rule_names), name);

	if (found < 0 && (*rule = embedded_rule_number(name)))
		return 0;
	if (found < 0)
		return msl_fail(EINVAL, "there is no rule '%s': say none, copy, slice, concat, add-mul, min-add, max-add, or-and, max-min, "
				"xor-and, sum, count, min, max, mean or hash", name);
	*rule = (uint32_t)found;
	return 0;
}

int mmsb_lane_number(const char *name, uint8_t *lane)
{
	int found = number(lane_names, COUNT(lane_names), name);

	if (found < 0)
		return msl_fail(EINVAL, "there is no lane type '%s': say u8 to u64, i8 to i64, f32 or f64", name);
	*lane = (uint8_t)found;
	return 0;
}

/* ---------------------------------------------------------------------------------------------------------- weights */

static uint64_t bits_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static bool is_float(uint8_t lane)
{
	return lane == MMSB_LANE_F32 || lane == MMSB_LANE_F64;
}

static uint64_t all_ones(uint8_t lane)
{
	return UINT64_MAX >> (64 - (8u << (lane & 3)));
}

static uint64_t largest(uint8_t lane)
{
	if (is_float(lane))
		return bits_of(__builtin_inf());
	return lane >= MMSB_LANE_I8 ? all_ones(lane) >> 1 : all_ones(lane);
}

uint64_t mmsb_rule_weight(uint32_t rule, uint8_t lane)
{
	switch (rule) {
	case MMSB_RULE_ADD_MUL:
		return is_float(lane) ? bits_of(1.0) : 1;
	case MMSB_RULE_MIN_ADD:
	case MMSB_RULE_MAX_ADD:
		return is_float(lane) ? bits_of(-0.0) : 0;	/* -0 + -0 is -0; 0 + -0 is 0 */
	case MMSB_RULE_MAX_MIN:
		return largest(lane);
	case MMSB_RULE_OR_AND:
	case MMSB_RULE_XOR_AND:
		return all_ones(lane);
	default:
		return 0;
	}
}
