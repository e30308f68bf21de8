// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every rule gives the bits that Documentation/rules.md promises: each is compared, on random parents of mixed sizes, with a model
 * of it that is written here lane by lane from that page, slowly and in other terms than the engine's.
 *
 * It calls the rules themselves, without an engine around them: parents are handed out as the engine does, up to the next chunk's end,
 * some as memory that is not there, and the page is asked for in pieces. Each case is run with and without AVX2, and under a
 * strange rounding mode, which has to be left as it was found. `rules --seed N --cases N` replays what a failure printed;
 * $MMSB_SOAK: goes on for that many seconds.
 */
#include <fenv.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "rule.h"
#include "kselftest.h"
#include "common/home.h"

#define PARENTS		40
#define COMBINATIONS	141		/* of rules, lane types and saturating; for shares of a soak */
#define BIGGEST		(200u << 10)
#define RUN		65536u		/* how the engine hands parents out: never beyond the next multiple of this */

typedef __int128 s128;

struct parent {
	u8 *bytes;
	u64 size;
	bool hole;			/* zeros that no memory stands for */
};

struct scene {
	const struct ms_rule *rule;
	u32 parents;
	struct parent parent[PARENTS];
	struct ms_parent shown[PARENTS];
	u64 param[MMSB_RULE_PARAMS];
	u64 size;
	u8 lane;
	bool saturate;
	u8 *found, *expected;
	bool strayed;			/* the rule wrote behind its piece */
};

/* What the engine does. */
const u8 *ms_parent_bytes(const struct ms_rule_call *call, u32 number, u64 offset, u64 *n)
{
	struct scene *scene = (struct scene *)call->context;
	const struct parent *parent = &scene->parent[number];
	u64 end = (offset / RUN + 1) * RUN;

	if (number >= scene->parents || call->parent[number].handle != number || offset >= parent->size)
		abort();
	*n = (end < parent->size ? end : parent->size) - offset;
	return parent->hole ? NULL : parent->bytes + offset;
}

/* --------------------------------------------------------------------------------------------------------- lanes, slowly */

static u32 width_of(u8 lane)
{
	static const u8 width[MMSB_RULE_LANE_LAST] = { 1, 2, 4, 8, 1, 2, 4, 8, 4, 8 };

	return width[lane];
}

static bool is_signed(u8 lane)
{
	return lane >= MMSB_LANE_I8 && lane <= MMSB_LANE_I64;
}

static s128 least_of(u8 lane)
{
	return is_signed(lane) ? -((s128)1 << (8 * width_of(lane) - 1)) : 0;
}

static s128 most_of(u8 lane)
{
	return ((s128)1 << (8 * width_of(lane) - is_signed(lane))) - 1;
}

/* The integer that these low bits are. */
static s128 integer_of(u8 lane, u64 bits)
{
	s128 value = (s128)bits & (((s128)1 << 8 * width_of(lane)) - 1);

	return value > most_of(lane) ? value - ((s128)1 << 8 * width_of(lane)) : value;
}

static s128 fit(u8 lane, bool saturate, s128 value)
{
	if (!saturate)
		return integer_of(lane, (u64)value);
	return value < least_of(lane) ? least_of(lane) : value > most_of(lane) ? most_of(lane) : value;
}

static u64 bits_at(const u8 *bytes, u32 width)
{
	u64 bits = 0;

	memcpy(&bits, bytes, width);
	return bits;
}

static double f64_of(u64 bits)
{
	double x;

	memcpy(&x, &bits, 8);
	return x;
}

static float f32_of(u64 bits)
{
	u32 low = (u32)bits;
	float x;

	memcpy(&x, &low, 4);
	return x;
}

static u64 f64_bits(double x)
{
	u64 bits;

	memcpy(&bits, &x, 8);
	return isnan(x) ? 0x7ff8000000000000ull : bits;
}

static u64 f32_bits(float x)
{
	u32 bits;

	memcpy(&bits, &x, 4);
	return isnan(x) ? 0x7fc00000u : bits;
}

/* ---------------------------------------------------------------------------------------------------------------- folds */

/* Two of 64 bits, unsigned, can be too much for 127. */
static s128 clamped_product(u8 lane, s128 p, s128 w)
{
	s128 product;

	return __builtin_mul_overflow(p, w, &product) ? most_of(lane) : fit(lane, true, product);
}

static s128 integer_inner(u32 rule, u8 lane, bool saturate, s128 p, s128 w)
{
	switch (rule) {
	case MMSB_RULE_ADD_MUL:
		return saturate ? clamped_product(lane, p, w) : integer_of(lane, (u64)p * (u64)w);
	case MMSB_RULE_MIN_ADD:
	case MMSB_RULE_MAX_ADD:
		return fit(lane, saturate, p + w);
	case MMSB_RULE_MAX_MIN:
		return p < w ? p : w;
	default:
		return p & w;
	}
}

static s128 integer_outer(u32 rule, u8 lane, bool saturate, s128 a, s128 b)
{
	switch (rule) {
	case MMSB_RULE_ADD_MUL:
		return fit(lane, saturate, a + b);
	case MMSB_RULE_MIN_ADD:
		return a < b ? a : b;
	case MMSB_RULE_OR_AND:
		return a | b;
	case MMSB_RULE_XOR_AND:
		return a ^ b;
	default:
		return a > b ? a : b;
	}
}

static double float_least(double a, double b)
{
	if (isnan(a) || isnan(b))
		return NAN;
	if (a == b)
		return signbit(a) ? a : b;
	return a < b ? a : b;
}

static double float_most(double a, double b)
{
	return -float_least(-a, -b);
}

/* Sums and products in the lane's own type: volatile keeps compilers from fusing them. */
static double float_sum(u8 lane, double a, double b)
{
	volatile float narrow;
	volatile double wide;

	if (lane == MMSB_LANE_F32) {
		narrow = (float)a + (float)b;
		return narrow;
	}
	wide = a + b;
	return wide;
}

static double float_product(u8 lane, double a, double b)
{
	volatile float narrow;
	volatile double wide;

	if (lane == MMSB_LANE_F32) {
		narrow = (float)a * (float)b;
		return narrow;
	}
	wide = a * b;
	return wide;
}

static double float_inner(u32 rule, u8 lane, double p, double w)
{
	return rule == MMSB_RULE_ADD_MUL ? float_product(lane, p, w) : rule == MMSB_RULE_MAX_MIN ? float_least(p, w) :
	       float_sum(lane, p, w);
}

static double float_outer(u32 rule, u8 lane, double a, double b)
{
	return rule == MMSB_RULE_ADD_MUL ? float_sum(lane, a, b) : rule == MMSB_RULE_MIN_ADD ? float_least(a, b) : float_most(a, b);
}

static double float_lane(u8 lane, u64 bits)
{
	return lane == MMSB_LANE_F32 ? f32_of(bits) : f64_of(bits);
}

static double float_weight(u8 lane, u64 bits)
{
	volatile float narrow = (float)f64_of(bits);

	return lane == MMSB_LANE_F32 ? narrow : f64_of(bits);
}

static u64 model_fold_lane(const struct scene *scene, u64 at)
{
	u32 rule = scene->rule->number, width = width_of(scene->lane), i;
	bool reached = false, is_float = scene->lane >= MMSB_LANE_F32;
	double number = 0, q;
	s128 integer = 0, p;

	for (i = 0; i < scene->parents; i++) {
		u64 weight = scene->shown[i].weight, bits;

		if (at + width > scene->parent[i].size)
			continue;
		bits = bits_at(scene->parent[i].bytes + at, width);
		if (is_float) {
			q = float_inner(rule, scene->lane, float_lane(scene->lane, bits), float_weight(scene->lane, weight));
			number = reached ? float_outer(rule, scene->lane, number, q) : q;
		} else {
			p = integer_inner(rule, scene->lane, scene->saturate, integer_of(scene->lane, bits),
					  integer_of(scene->lane, weight));
			integer = reached ? integer_outer(rule, scene->lane, scene->saturate, integer, p) : p;
		}
		reached = true;
	}
	if (!is_float || !reached)
		return (u64)integer;
	return scene->lane == MMSB_LANE_F32 ? f32_bits((float)number) : f64_bits(number);
}

static void model_fold(const struct scene *scene)
{
	u32 width = width_of(scene->lane);
	u64 at, bits;

	for (at = 0; at + width <= scene->size; at += width) {
		bits = model_fold_lane(scene, at);
		memcpy(scene->expected + at, &bits, width);
	}
}

/* ----------------------------------------------------------------------------------------------------------- reductions */

struct tally {
	u64 lanes, count;
	s128 sum, least, most;
	double running[8], low, high;
};

static void tally_lane(struct tally *tally, u8 lane, u64 bits)
{
	s128 p = integer_of(lane, bits);
	double q = lane >= MMSB_LANE_F32 ? float_lane(lane, bits) : 0;

	tally->count += lane >= MMSB_LANE_F32 ? q != 0 : p != 0;
	tally->sum += p;
	tally->running[tally->lanes % 8] = float_sum(MMSB_LANE_F64, tally->running[tally->lanes % 8], q);
	tally->least = tally->lanes && tally->least < p ? tally->least : p;
	tally->most = tally->lanes && tally->most > p ? tally->most : p;
	tally->low = tally->lanes ? float_least(tally->low, q) : q;
	tally->high = tally->lanes ? float_most(tally->high, q) : q;
	tally->lanes++;
}

static double tally_total(const struct tally *tally)
{
	const double *s = tally->running;

	return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

static u64 tally_result(const struct tally *tally, const struct scene *scene)
{
	bool is_float = scene->lane >= MMSB_LANE_F32;

	switch (scene->rule->number) {
	case MMSB_RULE_SUM:
		if (is_float)
			return f64_bits(tally_total(tally));
		return (u64)fit(is_signed(scene->lane) ? MMSB_LANE_I64 : MMSB_LANE_U64, scene->saturate, tally->sum);
	case MMSB_RULE_COUNT:
		return tally->count;
	case MMSB_RULE_MIN:
		return is_float ? f64_bits(tally->low) : (u64)tally->least;
	case MMSB_RULE_MAX:
		return is_float ? f64_bits(tally->high) : (u64)tally->most;
	default:
		return (u64)(tally->sum / (s128)tally->lanes);
	}
}

static void model_reduce(const struct scene *scene)
{
	u32 width = width_of(scene->lane), i;
	struct tally tally = {};
	u64 at, result;

	for (i = 0; i < scene->parents; i++)
		for (at = 0; at + width <= scene->parent[i].size; at += width)
			tally_lane(&tally, scene->lane, bits_at(scene->parent[i].bytes + at, width));
	result = tally.lanes ? tally_result(&tally, scene) : 0;
	memcpy(scene->expected, &result, 8);
}

/* ---------------------------------------------------------------------------------------------------------------- bytes */

/* By the page's own numbers, not by kmod/engine/hash.h. */
static u64 model_mix(u64 a, u64 b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (u64)product ^ (u64)(product >> 64);
}

static u64 model_content_word(u64 n, u64 index, u64 word)
{
	u64 x = model_mix(n ^ 0x9e6c63d0876a9a35ull, 0xd6e8feb86659fd93ull);
	u64 y = model_mix(x ^ 0x3c79ac492ba7b653ull, 0xa24baed4963ee407ull);

	if (!word)
		return 0;
	return model_mix(word ^ (x + index * 0x9fb21c651e98df25ull), (y + index * 0xe7037ed1a0b428dbull) | 1);
}

static void model_hash(const struct scene *scene)
{
	u64 hash[2] = {}, i, k, h;

	for (k = 0; k < scene->parents; k++) {
		const struct parent *parent = &scene->parent[k];

		for (h = 0; h < 2; h++) {
			hash[h] += model_content_word(2 * k + h, ~0ull, parent->size);
			for (i = 0; i * 8 < parent->size; i++) {
				u64 rest = parent->size - i * 8;

				hash[h] += model_content_word(2 * k + h, i, bits_at(parent->bytes + i * 8, rest < 8 ? rest : 8));
			}
		}
	}
	memcpy(scene->expected, hash, sizeof(hash));
}

static void model_bytes(const struct scene *scene)
{
	u64 from = scene->rule->number == MMSB_RULE_SLICE ? scene->param[0] : 0;
	u64 length = scene->rule->number == MMSB_RULE_SLICE && scene->param[1] ? scene->param[1] : ~0ull;
	u64 at = 0, i, k;

	for (k = 0; k < scene->parents; k++)
		for (i = 0; i < scene->parent[k].size && at < scene->size; i++)
			if (i >= from && i - from < length)
				scene->expected[at++] = scene->parent[k].bytes[i];
}

static void model(const struct scene *scene)
{
	memset(scene->expected, 0, scene->size);
	if (scene->rule->number == MMSB_RULE_NONE)
		return;
	if (scene->rule->number <= MMSB_RULE_CONCAT)
		model_bytes(scene);
	else if (scene->rule->number <= MMSB_RULE_XOR_AND)
		model_fold(scene);
	else if (scene->rule->number < MMSB_RULE_HASH)
		model_reduce(scene);
	else
		model_hash(scene);
}

/* ----------------------------------------------------------------------------------------------------------- a random case */

/* Numbers at the ends of ranges, specials of floating point, and small ones that meet, rather than noise alone. */
static u64 odd_bits(struct rng *rng, u8 lane)
{
	static const u64 f64[] = { 0, 1ull << 63, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000, 0xfff8000000000001,
		0x7ff0000000000001, 1, 0x800fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff, 0x3ff0000000000000 };
	static const u64 f32[] = { 0, 1u << 31, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001, 0x7f800001, 1, 0x807fffff,
		0x00800000, 0x7f7fffff, 0x3f800000 };
	u64 half = 1ull << (8 * width_of(lane) - 1);

	switch (lane) {
	case MMSB_LANE_F32:
		return rng_once_in(rng, 2) ? f32[rng_below(rng, 12)] : f32_bits((float)(int)rng_below(rng, 2000) - 1000);
	case MMSB_LANE_F64:
		return rng_once_in(rng, 2) ? f64[rng_below(rng, 12)] : f64_bits((double)(int)rng_below(rng, 2000) - 1000);
	}
	switch (rng_below(rng, 4)) {
	case 0:
		return half - 1 + rng_below(rng, 3);
	case 1:
		return 0 - rng_below(rng, 4);
	default:
		return rng_below(rng, 20);
	}
}

static double ordinary(struct rng *rng)
{
	return ((double)(s64)rng_next(rng)) * exp2((double)(int)rng_below(rng, 60) - 90);
}

static void fill_lanes(struct rng *rng, u8 lane, u8 *bytes, u64 size)
{
	u32 width = width_of(lane), flavour = (u32)rng_below(rng, 4);
	u64 at, bits;

	rng_fill(rng, bytes, size);
	for (at = 0; at + width <= size && flavour < 3; at += width) {
		if (flavour == 0 || rng_once_in(rng, 200))
			bits = odd_bits(rng, lane);
		else if (lane >= MMSB_LANE_F32)
			bits = lane == MMSB_LANE_F32 ? f32_bits((float)ordinary(rng)) : f64_bits(ordinary(rng));
		else
			continue;
		if (flavour == 2 && lane >= MMSB_LANE_F32 && isnan(float_lane(lane, bits)))
			continue;
		memcpy(bytes + at, &bits, width);
	}
}

static u64 random_size(struct rng *rng)
{
	switch (rng_below(rng, 8)) {
	case 0:
		return 64;
	case 1:
		return 64 + rng_below(rng, BIGGEST - 64);
	case 2:
		return 4096 * (1 + rng_below(rng, 3)) + rng_below(rng, 17) - 8;
	default:
		return 64 + rng_below(rng, 500);
	}
}

static u64 random_weight(struct rng *rng, const struct scene *scene)
{
	if (!scene->rule->weights)
		return 0;
	switch (rng_below(rng, 5)) {
	case 0:
		return scene->lane >= MMSB_LANE_F32 ? f64_bits(1) : 1;
	case 1:
		return scene->lane >= MMSB_LANE_F32 ? odd_bits(rng, MMSB_LANE_F64) : odd_bits(rng, scene->lane);
	case 2:
		return rng_once_in(rng, 2) ? 0 : (u64)most_of(scene->lane);
	case 3:
		return scene->lane >= MMSB_LANE_F32 ? f64_bits(ordinary(rng)) : ~0ull;
	default:
		return rng_next(rng);
	}
}

static void parent_make(struct rng *rng, struct scene *scene, u32 number, u64 size)
{
	struct parent *parent = &scene->parent[number];

	parent->size = size;
	parent->hole = rng_once_in(rng, 8);
	if (posix_memalign((void **)&parent->bytes, 64, size))
		abort();
	if (parent->hole)
		memset(parent->bytes, 0, size);
	else
		fill_lanes(rng, scene->lane, parent->bytes, size);
	scene->shown[number] = (struct ms_parent){ .size = size, .weight = random_weight(rng, scene), .handle = number };
}

static u32 random_parents(struct rng *rng, const struct ms_rule *rule)
{
	u32 n = rng_once_in(rng, 6) ? 1 + (u32)rng_below(rng, PARENTS) : 1 + (u32)rng_below(rng, 4);

	n = n < rule->min_parents ? rule->min_parents : n;
	return n < rule->max_parents ? n : rule->max_parents;
}

static void scene_make(struct rng *rng, struct scene *scene)
{
	u64 all = random_size(rng);
	u32 i;

	scene->parents = random_parents(rng, scene->rule);
	scene->size = rng_once_in(rng, 2) ? all : random_size(rng);
	for (i = 0; i < scene->parents; i++)
		parent_make(rng, scene, i, rng_once_in(rng, 2) ? all : random_size(rng));
	if (scene->rule->number == MMSB_RULE_SLICE) {
		scene->param[0] = rng_once_in(rng, 8) ? rng_next(rng) : rng_below(rng, scene->parent[0].size + 10);
		scene->param[1] = rng_once_in(rng, 3) ? 0 : rng_once_in(rng, 8) ? rng_next(rng) : rng_below(rng, scene->size);
	}
	if (posix_memalign((void **)&scene->found, 64, scene->size) || posix_memalign((void **)&scene->expected, 64, scene->size))
		abort();
}

static void scene_free(struct scene *scene)
{
	u32 i;

	for (i = 0; i < scene->parents; i++)
		free(scene->parent[i].bytes);
	free(scene->found);
	free(scene->expected);
}

/* The page, piece by piece, in any order: a rule has no memory. What it is to write holds rubbish before. */
static void scene_run(struct rng *rng, struct scene *scene)
{
	u64 pieces = (scene->size + MS_RULE_PIECE - 1) / MS_RULE_PIECE, first = rng_below(rng, pieces), i;
	static u64 out[MS_RULE_PIECE / 8] __attribute__((aligned(64)));
	static u8 before[MS_RULE_PIECE];

	for (i = 0; i < pieces; i++) {
		u64 offset = (first + i) % pieces * MS_RULE_PIECE, rest = scene->size - offset;
		struct ms_rule_call call = {
			.context = scene, .parent = scene->shown, .parents = scene->parents, .lane = scene->lane,
			.saturate = scene->saturate, .param = scene->param, .size = scene->size, .offset = offset,
			.bytes = rest < MS_RULE_PIECE ? (u32)rest : MS_RULE_PIECE, .out = out, .data = scene->rule->data,
		};

		rng_fill(rng, out, sizeof(out));
		memcpy(before, out, sizeof(out));
		scene->rule->run(&call);
		memcpy(scene->found + offset, out, call.bytes);
		scene->strayed |= memcmp((u8 *)out + call.bytes, before + call.bytes, sizeof(out) - call.bytes) != 0;
	}
}

static bool same(const struct scene *scene, const char *how)
{
	u64 at;

	if (!memcmp(scene->found, scene->expected, scene->size))
		return true;
	for (at = 0; scene->found[at] == scene->expected[at]; at++)
		;
	at = at / 8 * 8;
	ksft_print_msg("%s, lane type %u%s, %u parents, page of %llu, %s: at %llu found %016llx, expected %016llx\n", scene->rule->name,
		       scene->lane, scene->saturate ? ", saturating" : "", scene->parents, (unsigned long long)scene->size, how,
		       (unsigned long long)at, (unsigned long long)bits_at(scene->found + at, 8),
		       (unsigned long long)bits_at(scene->expected + at, 8));
	return false;
}

static bool run_case(struct rng *rng, const struct ms_rule *rule, u8 lane, bool saturate)
{
	struct scene scene = { .rule = rule, .lane = lane, .saturate = saturate };
	bool good;

	scene_make(rng, &scene);
	model(&scene);
	scene_run(rng, &scene);
	good = same(&scene, "as this machine does it");
#if PF_AVX2
	if (pf_avx2) {
		pf_avx2 = false;
		scene_run(rng, &scene);
		good &= same(&scene, "without AVX2");
		pf_avx2 = true;
	}
#endif
	fesetround(FE_UPWARD);
	scene_run(rng, &scene);
	good &= fegetround() == FE_UPWARD;
	fesetround(FE_TONEAREST);
	good &= same(&scene, "called while rounding upward");
	if (scene.strayed)
		ksft_print_msg("%s, lane type %u: wrote behind its piece\n", rule->name, lane);
	scene_free(&scene);
	return good && !scene.strayed;
}

static void run_rule(u64 seed, u64 cases, const struct ms_rule *rule, u8 lane, bool saturate)
{
	struct rng rng = { .state = seed + rule->number * 1000003 + lane * 10007 + saturate };
	u64 end = now_ns() + soak_seconds() * SECOND / COMBINATIONS, i;
	bool good = true;

	for (i = 0; good && (i < cases || now_ns() < end); i++)
		good = run_case(&rng, rule, lane, saturate);
	if (!good)
		ksft_print_msg("--seed %llu --cases %llu\n", (unsigned long long)seed, (unsigned long long)i);
	ksft_test_result(good, "%s, lane type %u%s\n", rule->name, lane, saturate ? ", saturating" : "");
}

/* ------------------------------------------------------------------------------------------------------------- the table */

static bool saturates(const struct ms_rule *rule, u8 lane)
{
	struct mmsb_derive derive = { .rule = rule->number, .lane = lane, .flags = MMSB_DERIVE_SATURATE };

	return rule->saturates && !(rule->check && rule->check(&derive));
}

static void each(u64 seed, u64 cases, u32 *count)
{
	const struct ms_rule *rule;
	u32 number;
	u8 lane;

	for (number = 0; number < MMSB_RULE_LAST; number++) {
		rule = ms_rule_find(number, 0);
		for (lane = 0; lane < MMSB_RULE_LANE_LAST; lane++) {
			if (!(rule->lanes ? rule->lanes >> lane & 1 : lane == 0))
				continue;
			if (count) {
				*count += 1 + saturates(rule, lane);
				continue;
			}
			run_rule(seed, cases, rule, lane, false);
			if (saturates(rule, lane))
				run_rule(seed, cases, rule, lane, true);
		}
	}
}

static bool table(void)
{
	struct mmsb_derive derive = { .param = { 1, 2 } };
	u32 number;
	bool good = !ms_rule_find(MMSB_RULE_LAST, 0) && !ms_rule_find(MMSB_RULE_USER, 0) && !ms_rule_find(MMSB_RULE_SUM, 2);

	for (number = 0; number < MMSB_RULE_LAST; number++) {
		const struct ms_rule *rule = ms_rule_find(number, 0);

		good &= rule && rule->number == number && rule == ms_rule_find(number, rule->version) && rule->run && rule->name;
		good &= number == MMSB_RULE_SLICE || !rule->check || rule->check(&derive) == MMSB_REASON_BAD_PARAM;
	}
	good &= ms_rule_find(MMSB_RULE_SLICE, 0)->check(&derive) == MMSB_REASON_NONE;
	derive.param[3] = 1;
	good &= ms_rule_find(MMSB_RULE_SLICE, 0)->check(&derive) == MMSB_REASON_BAD_PARAM;
	derive = (struct mmsb_derive){ .lane = MMSB_LANE_F64, .flags = MMSB_DERIVE_SATURATE };
	good &= ms_rule_find(MMSB_RULE_ADD_MUL, 0)->check(&derive) == MMSB_REASON_BAD_PARAM;
	return good;
}

/* What the page gives as a check. */
static bool hashes(void)
{
	static const u64 expected[2][2] = {
		{ 0xcfadbeb8b86292f0, 0x698e11e0ecaeabd8 }, { 0xf506694bb4c6983a, 0xc6798474a892ee3c },
	};
	u8 bytes[64] __attribute__((aligned(64)));
	struct scene scene = { .parent = { { bytes, 64, false }, { bytes, 64, false } }, .shown = { { 64, 0, 0 }, { 64, 0, 1 } } };
	u64 out[8] __attribute__((aligned(64)));
	bool good = true;
	u32 i;

	for (i = 0; i < 64; i++)
		bytes[i] = (u8)i;
	for (i = 1; i <= 2; i++) {
		struct ms_rule_call call = { .context = &scene, .parent = scene.shown, .parents = i, .size = 64, .bytes = 64, .out = out };

		scene.parents = i;
		ms_rule_find(MMSB_RULE_HASH, 0)->run(&call);
		good &= !memcmp(out, expected[i - 1], sizeof(expected[0]));
	}
	return good;
}

static void options(int argc, char **argv, u64 *seed, u64 *cases)
{
	static const struct option known[] = { { "seed", required_argument, NULL, 's' }, { "cases", required_argument, NULL, 'c' }, {} };
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c != 's' && c != 'c')
			ksft_exit_fail_msg("usage: rules [--seed N] [--cases N]\n");
		*(c == 's' ? seed : cases) = strtoull(optarg, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	u64 seed = rng_seed(), cases = scaled(60);
	u32 count = 2;

	options(argc, argv, &seed, &cases);
	each(0, 0, &count);
	ksft_print_header();
	ksft_set_plan(count);
	ksft_print_msg("--seed %llu --cases %llu\n", (unsigned long long)seed, (unsigned long long)cases);
	ksft_test_result(table(), "the table of rules\n");
	ksft_test_result(hashes(), "two hashes that are known\n");
	each(seed, cases, NULL);
	ksft_finished();
}
