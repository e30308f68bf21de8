// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each rule makes of its parents, lane by lane, as Documentation/rules.md says it. Integers are computed exactly, in 128
 * bits, and fitted into their lane after each step.
 */
#include <stdlib.h>
#include <string.h>
#include "model.h"

#define INTEGERS	0x0ffu
#define FLOATS		0x300u
#define ALL		(INTEGERS | FLOATS)

static const struct known_rule {
	uint32_t min_parents, max_parents;
	uint32_t lanes;			/* a bit each */
	bool weights, saturates;
	uint32_t params;
} known_rules[MMSB_RULE_LAST] = {
	[MMSB_RULE_NONE]	= { 0, MMSB_PARENTS_MAX, 0, false, false, 0 },
	[MMSB_RULE_COPY]	= { 1, 1, 0, false, false, 0 },
	[MMSB_RULE_SLICE]	= { 1, 1, 0, false, false, 2 },
	[MMSB_RULE_CONCAT]	= { 1, MMSB_PARENTS_MAX, 0, false, false, 0 },
	[MMSB_RULE_ADD_MUL]	= { 1, MMSB_PARENTS_MAX, ALL, true, true, 0 },
	[MMSB_RULE_MIN_ADD]	= { 1, MMSB_PARENTS_MAX, ALL, true, true, 0 },
	[MMSB_RULE_MAX_ADD]	= { 1, MMSB_PARENTS_MAX, ALL, true, true, 0 },
	[MMSB_RULE_OR_AND]	= { 1, MMSB_PARENTS_MAX, INTEGERS, true, false, 0 },
	[MMSB_RULE_MAX_MIN]	= { 1, MMSB_PARENTS_MAX, ALL, true, false, 0 },
	[MMSB_RULE_XOR_AND]	= { 1, MMSB_PARENTS_MAX, INTEGERS, true, false, 0 },
	[MMSB_RULE_SUM]		= { 1, MMSB_PARENTS_MAX, ALL, false, true, 0 },
	[MMSB_RULE_COUNT]	= { 1, MMSB_PARENTS_MAX, ALL, false, false, 0 },
	[MMSB_RULE_MIN]		= { 1, MMSB_PARENTS_MAX, ALL, false, false, 0 },
	[MMSB_RULE_MAX]		= { 1, MMSB_PARENTS_MAX, ALL, false, false, 0 },
	[MMSB_RULE_MEAN]	= { 1, MMSB_PARENTS_MAX, INTEGERS, false, false, 0 },
	[MMSB_RULE_HASH]	= { 1, MMSB_PARENTS_MAX, 0, false, false, 0 },
};

/* ------------------------------------------------------------------------------------------------------------ judging */

enum mmsb_reason model_rule_judge(const struct mmsb_derive *how)
{
	const struct known_rule *rule;
	uint32_t i;

	if (how->rule >= MMSB_RULE_LAST || how->version > 1)
		return MMSB_REASON_BAD_RULE;
	rule = &known_rules[how->rule];
	if ((how->flags & ~MMSB_DERIVE_KNOWN) || how->reserved)
		return MMSB_REASON_BAD_FLAGS;
	if ((how->flags & MMSB_DERIVE_SATURATE) && !rule->saturates)
		return MMSB_REASON_BAD_PARAM;
	if (rule->lanes ? how->lane >= MMSB_RULE_LANE_LAST || !(rule->lanes >> how->lane & 1) : how->lane)
		return MMSB_REASON_BAD_RULE_LANE;
	if ((how->flags & MMSB_DERIVE_SATURATE) && how->lane >= MMSB_LANE_F32)
		return MMSB_REASON_BAD_PARAM;
	for (i = rule->params; i < MMSB_RULE_PARAMS; i++)
		if (how->param[i])
			return MMSB_REASON_BAD_PARAM;
	return MMSB_REASON_NONE;
}

enum mmsb_reason model_rule_judge_edge(const struct mmsb_derive *how, const struct mmsb_edge *edge)
{
	if (edge->type >= MMSB_EDGE_LAST || edge->reserved)
		return MMSB_REASON_BAD_EDGE;
	if (edge->weight && (!known_rules[how->rule].weights || edge->type == MMSB_EDGE_CONTROL))
		return MMSB_REASON_BAD_EDGE;
	return MMSB_REASON_NONE;
}

enum mmsb_reason model_rule_judge_count(const struct mmsb_derive *how, uint32_t edges, uint32_t data)
{
	const struct known_rule *rule = &known_rules[how->rule];

	if (!edges || data < rule->min_parents || data > rule->max_parents)
		return MMSB_REASON_BAD_PARENTS;
	return MMSB_REASON_NONE;
}

/* ---------------------------------------------------------------------------------------------------- bytes as they are */

static void slice(const struct model_parent *parent, uint64_t from, uint64_t length, uint8_t *to, uint32_t size)
{
	uint64_t i;

	for (i = 0; i < size && (!length || i < length) && from < parent->size && i < parent->size - from; i++)
		to[i] = parent->bytes[from + i];
}

static void concat(const struct model_parent *parent, uint32_t parents, uint8_t *to, uint32_t size)
{
	uint32_t at = 0, i, k;

	for (i = 0; i < parents; i++)
		for (k = 0; k < parent[i].size && at < size; k++)
			to[at++] = parent[i].bytes[k];
}

/* ------------------------------------------------------------------------------------------------------- integer lanes */

typedef __int128 wide;

static unsigned int lane_width(uint8_t lane)
{
	if (lane >= MMSB_LANE_LAST)
		return lane == MMSB_LANE_F32 ? 4 : 8;
	return 1u << (lane & 3);
}

static bool is_signed(uint8_t lane)
{
	return lane >= MMSB_LANE_I8;
}

static wide least_of(uint8_t lane)
{
	return is_signed(lane) ? -((wide)1 << (8 * lane_width(lane) - 1)) : 0;
}

static wide most_of(uint8_t lane)
{
	return ((wide)1 << (8 * lane_width(lane) - is_signed(lane))) - 1;
}

/* The low bits of the value, as a number of the lane's type. */
static wide wrap(uint8_t lane, wide value)
{
	wide range = (wide)1 << (8 * lane_width(lane));

	value &= range - 1;
	return value > most_of(lane) ? value - range : value;
}

static wide fit(const struct mmsb_derive *how, wide value)
{
	if (!(how->flags & MMSB_DERIVE_SATURATE))
		return wrap(how->lane, value);
	if (value < least_of(how->lane))
		return least_of(how->lane);
	return value > most_of(how->lane) ? most_of(how->lane) : value;
}

/* Two of 64 bits without a sign may come to one bit too many. */
static wide multiply(const struct mmsb_derive *how, wide a, wide b)
{
	unsigned __int128 product = (unsigned __int128)a * (unsigned __int128)b;

	if (!is_signed(how->lane) && product >> 127)
		product = how->flags & MMSB_DERIVE_SATURATE ? (unsigned __int128)most_of(how->lane) : (uint64_t)product;
	return fit(how, (wide)product);
}

static wide load(uint8_t lane, const uint8_t *at)
{
	uint64_t value = 0;

	memcpy(&value, at, lane_width(lane));
	return wrap(lane, value);
}

/* What an edge makes of its parent's lane. */
static wide weigh(const struct mmsb_derive *how, wide a, uint64_t weight)
{
	wide w = wrap(how->lane, weight);

	switch (how->rule) {
	case MMSB_RULE_ADD_MUL:
		return multiply(how, a, w);
	case MMSB_RULE_MIN_ADD:
	case MMSB_RULE_MAX_ADD:
		return fit(how, a + w);
	case MMSB_RULE_OR_AND:
	case MMSB_RULE_XOR_AND:
		return wrap(how->lane, a & w);
	case MMSB_RULE_MAX_MIN:
		return a < w ? a : w;
	}
	abort();
}

static wide gather(const struct mmsb_derive *how, wide a, wide b)
{
	switch (how->rule) {
	case MMSB_RULE_ADD_MUL:
		return fit(how, a + b);
	case MMSB_RULE_MIN_ADD:
		return a < b ? a : b;
	case MMSB_RULE_MAX_ADD:
	case MMSB_RULE_MAX_MIN:
		return a > b ? a : b;
	case MMSB_RULE_OR_AND:
		return a | b;
	case MMSB_RULE_XOR_AND:
		return a ^ b;
	}
	abort();
}

/* The lane at byte `at` of the page: gathered over those parents that reach it. */
static void fold_integers(const struct mmsb_derive *how, const struct model_parent *parent, uint32_t parents, uint32_t at,
			  uint8_t *to)
{
	uint32_t i, width = lane_width(how->lane);
	bool any = false;
	wide sum = 0;
	uint64_t low;

	for (i = 0; i < parents; i++) {
		wide one;

		if (parent[i].size < width || at > parent[i].size - width)
			continue;
		one = weigh(how, load(how->lane, parent[i].bytes + at), parent[i].weight);
		sum = any ? gather(how, sum, one) : one;
		any = true;
	}
	low = sum;
	memcpy(to + at, &low, width);
}

static void reduce_integers(const struct mmsb_derive *how, const struct model_parent *parent, uint32_t parents, uint8_t *to)
{
	const struct mmsb_derive result = { .lane = is_signed(how->lane) ? MMSB_LANE_I64 : MMSB_LANE_U64, .flags = how->flags };
	wide sum = 0, least = most_of(how->lane), most = least_of(how->lane), count = 0, lanes = 0, one;
	uint32_t width = lane_width(how->lane), i, at;
	uint64_t out = 0;

	for (i = 0; i < parents; i++) {
		for (at = 0; at + width <= parent[i].size; at += width) {
			one = load(how->lane, parent[i].bytes + at);
			lanes++;
			sum += one;
			count += one != 0;
			least = one < least ? one : least;
			most = one > most ? one : most;
		}
	}
	if (how->rule == MMSB_RULE_COUNT)
		out = count;
	else if (how->rule == MMSB_RULE_SUM)
		out = fit(&result, sum);
	else if (lanes)
		out = how->rule == MMSB_RULE_MIN ? least : how->rule == MMSB_RULE_MAX ? most : sum / lanes;
	memcpy(to, &out, sizeof(out));
}

/* ------------------------------------------------------------------------------------------------- floating point lanes */

/* Numbers go about as doubles: a sum, a product or an extreme of two floats, rounded to a float, is the same by either way. */
static double quiet_nan(void)
{
	const uint64_t bits = 0x7ff8000000000000;
	double nan;

	memcpy(&nan, &bits, sizeof(nan));
	return nan;
}

static double load_float(uint8_t lane, const uint8_t *at)
{
	double number;
	float small;

	if (lane == MMSB_LANE_F32) {
		memcpy(&small, at, sizeof(small));
		return small;
	}
	memcpy(&number, at, sizeof(number));
	return number;
}

static void store_float(uint8_t lane, uint8_t *at, double number)
{
	const uint32_t quiet_small = 0x7fc00000;
	float small = number;

	if (number != number)
		number = quiet_nan();
	if (lane == MMSB_LANE_F64)
		memcpy(at, &number, sizeof(number));
	else
		memcpy(at, number != number ? (const void *)&quiet_small : &small, sizeof(small));
}

static double rounded(uint8_t lane, double number)
{
	return lane == MMSB_LANE_F32 ? (float)number : number;
}

/* A NaN beats all, and -0 is less than +0. */
static double lesser(double a, double b)
{
	if (a != a || b != b)
		return quiet_nan();
	if (a == b)
		return __builtin_signbit(a) ? a : b;
	return a < b ? a : b;
}

static double greater(double a, double b)
{
	if (a != a || b != b)
		return quiet_nan();
	if (a == b)
		return __builtin_signbit(a) ? b : a;
	return a > b ? a : b;
}

static double weigh_float(const struct mmsb_derive *how, double a, uint64_t weight)
{
	double w;

	memcpy(&w, &weight, sizeof(w));
	w = rounded(how->lane, w);
	if (how->rule == MMSB_RULE_ADD_MUL)
		return rounded(how->lane, a * w);
	return how->rule == MMSB_RULE_MAX_MIN ? lesser(a, w) : rounded(how->lane, a + w);
}

static double gather_float(const struct mmsb_derive *how, double a, double b)
{
	if (how->rule == MMSB_RULE_ADD_MUL)
		return rounded(how->lane, a + b);
	return how->rule == MMSB_RULE_MIN_ADD ? lesser(a, b) : greater(a, b);
}

static void fold_floats(const struct mmsb_derive *how, const struct model_parent *parent, uint32_t parents, uint32_t at, uint8_t *to)
{
	uint32_t i, width = lane_width(how->lane);
	double sum = 0, one;
	bool any = false;

	for (i = 0; i < parents; i++) {
		if (parent[i].size < width || at > parent[i].size - width)
			continue;
		one = weigh_float(how, load_float(how->lane, parent[i].bytes + at), parent[i].weight);
		sum = any ? gather_float(how, sum, one) : one;
		any = true;
	}
	if (any)
		store_float(how->lane, to + at, sum);
}

/* Lanes are numbered through all parents; lane i goes to running sum i mod 8, and those are added up in pairs. */
static void reduce_floats(const struct mmsb_derive *how, const struct model_parent *parent, uint32_t parents, uint8_t *to)
{
	uint32_t width = lane_width(how->lane), i, at;
	double running[8] = {}, least = 0, most = 0, one;
	uint64_t count = 0, lanes = 0;

	for (i = 0; i < parents; i++) {
		for (at = 0; at + width <= parent[i].size; at += width) {
			one = load_float(how->lane, parent[i].bytes + at);
			running[lanes % 8] += one;
			count += one != 0;
			least = lanes ? lesser(least, one) : one;
			most = lanes ? greater(most, one) : one;
			lanes++;
		}
	}
	if (how->rule == MMSB_RULE_COUNT)
		memcpy(to, &count, sizeof(count));
	else if (how->rule == MMSB_RULE_SUM)
		store_float(MMSB_LANE_F64, to, ((running[0] + running[1]) + (running[2] + running[3])) +
					       ((running[4] + running[5]) + (running[6] + running[7])));
	else
		store_float(MMSB_LANE_F64, to, how->rule == MMSB_RULE_MIN ? least : most);
}

/* -------------------------------------------------------------------------------------------------------- content hash */

static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* What a word, not 0, at that place of a parent adds to one half of the hash. */
static uint64_t hash_word(uint64_t stream, uint64_t place, uint64_t word)
{
	uint64_t first = mix(stream ^ 0x9e6c63d0876a9a35, 0xd6e8feb86659fd93);
	uint64_t second = mix(first ^ 0x3c79ac492ba7b653, 0xa24baed4963ee407);

	return word ? mix(word ^ (first + place * 0x9fb21c651e98df25), (second + place * 0xe7037ed1a0b428db) | 1) : 0;
}

static void hash(const struct model_parent *parent, uint32_t parents, uint8_t *to)
{
	uint64_t sum[2] = {}, word, i, half, at;

	for (i = 0; i < parents; i++) {
		for (half = 0; half < 2; half++) {
			sum[half] += hash_word(2 * i + half, ~0ull, parent[i].size);
			for (at = 0; at < parent[i].size; at += 8) {
				word = 0;
				memcpy(&word, parent[i].bytes + at, parent[i].size - at < 8 ? parent[i].size - at : 8);
				sum[half] += hash_word(2 * i + half, at / 8, word);
			}
		}
	}
	memcpy(to, sum, sizeof(sum));
}

/* --------------------------------------------------------------------------------------------------------------- all */

static void fold_all(const struct mmsb_derive *how, const struct model_parent *parent, uint32_t parents, uint8_t *to, uint32_t size)
{
	uint32_t at, width = lane_width(how->lane);

	for (at = 0; at + width <= size; at += width)
		if (how->lane >= MMSB_LANE_F32)
			fold_floats(how, parent, parents, at, to);
		else
			fold_integers(how, parent, parents, at, to);
}

void model_rule_run(const struct mmsb_derive *how, const struct model_parent *parent, uint32_t parents, uint8_t *to, uint32_t size)
{
	memset(to, 0, size);
	if (how->rule == MMSB_RULE_COPY)
		slice(parent, 0, 0, to, size);
	else if (how->rule == MMSB_RULE_SLICE)
		slice(parent, how->param[0], how->param[1], to, size);
	else if (how->rule == MMSB_RULE_CONCAT)
		concat(parent, parents, to, size);
	else if (how->rule == MMSB_RULE_HASH)
		hash(parent, parents, to);
	else if (how->rule >= MMSB_RULE_ADD_MUL && how->rule <= MMSB_RULE_XOR_AND)
		fold_all(how, parent, parents, to, size);
	else if (how->rule != MMSB_RULE_NONE && how->lane >= MMSB_LANE_F32)
		reduce_floats(how, parent, parents, to);
	else if (how->rule != MMSB_RULE_NONE)
		reduce_integers(how, parent, parents, to);
}
