/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The hot loops of the rules, as tables by lane type: what happens to a run of lanes, with no choice left to make in it.
 *
 * Each table is compiled from one source as often as there are instruction sets to compile it for, and all builds of it give the
 * same bits, so that which one runs is a matter of speed alone. The loops lie in units of their own and are reached by pointer, so
 * that no compiler moves an instruction of theirs out of pf_fpu_begin() and pf_fpu_end(), which are called outside (ms_way_begin()).
 */
#ifndef MS_LOOPS_H
#define MS_LOOPS_H

#include "rule.h"

#define MS_FOLDS	(MMSB_RULE_XOR_AND - MMSB_RULE_ADD_MUL + 1)
#define MS_STRETCH	65536u			/* bytes read between pf_fpu_begin() and pf_fpu_end(), at most */

/* A fold (x, y) */
struct ms_fold {
	void (*first)(void *out, const void *in, u32 lanes, u64 weight);	/* out = in y weight */
	void (*next)(void *out, const void *in, u32 lanes, u64 weight);		/* out = out x (in y weight) */
	void (*same)(void *out, const void *in, u32 lanes);	/* out = out x in; none for floats */
};

/* What a reduction has come to. */
struct ms_reduction {
	__int128 sum;				/* SUM, MEAN: exact */
	u64 lanes;				/* so far, of all parents */
	u64 count;				/* those that are not 0 */
	u64 least, most;			/* MIN, MAX: as the lane type's table keeps them, once lanes is not 0 */
	u64 running[8];				/* SUM of floats: bits of f64 */
};

typedef void (*ms_reduce_fn)(struct ms_reduction *reduction, const void *in, u32 lanes);

/* Of one lane type. */
struct ms_loops {
	struct ms_fold fold[2][MS_FOLDS];	/* by whether they saturate, and MMSB_RULE_x - MMSB_RULE_ADD_MUL */
	ms_reduce_fn sum, count, least, most;
	/* Integers only, and the same for all of them. */
	bool (*differ)(const u64 *a, const u64 *b, u32 words);
	/* Floating point only: the result's bits, as a f64. */
	u64 (*total)(const struct ms_reduction *reduction);
	u64 (*extreme)(u64 kept);		/* `least` or `most` of a reduction of at least one lane */
};

extern const struct ms_loops ms_integer_loops[MMSB_LANE_LAST];
extern const struct ms_loops ms_float_loops[MMSB_RULE_LANE_LAST - MMSB_LANE_F32];
#if PF_AVX2
extern const struct ms_loops ms_integer_loops_avx2[MMSB_LANE_LAST];
extern const struct ms_loops ms_float_loops_avx2[MMSB_RULE_LANE_LAST - MMSB_LANE_F32];
#endif

/* A build of the loops for a piece of work, and what has to be said around stretches of it. */
enum ms_way_kind {
	MS_WAY_PLAIN,
	MS_WAY_SIMD,
	MS_WAY_FLOAT,
};

struct ms_way {
	const struct ms_loops *loops;
	enum ms_way_kind kind;
};

static inline struct ms_way ms_way_choose(u8 lane, u64 bytes)
{
	bool is_float = ms_lane_is_float(lane);

#if PF_AVX2
	if (bytes >= PF_SIMD_WORTH && pf_has_avx2())
		return is_float ? (struct ms_way){ &ms_float_loops_avx2[lane - MMSB_LANE_F32], MS_WAY_FLOAT } :
				  (struct ms_way){ &ms_integer_loops_avx2[lane], MS_WAY_SIMD };
#endif
	return is_float ? (struct ms_way){ &ms_float_loops[lane - MMSB_LANE_F32], MS_WAY_FLOAT } :
			  (struct ms_way){ &ms_integer_loops[lane], MS_WAY_PLAIN };
}

static inline void ms_way_begin(const struct ms_way *way)
{
#if PF_FLOAT
	if (way->kind == MS_WAY_FLOAT)
		pf_fpu_begin();
#endif
#if PF_AVX2
	if (way->kind == MS_WAY_SIMD)
		pf_simd_begin();
#endif
}

static inline void ms_way_end(const struct ms_way *way)
{
#if PF_FLOAT
	if (way->kind == MS_WAY_FLOAT)
		pf_fpu_end();
#endif
#if PF_AVX2
	if (way->kind == MS_WAY_SIMD)
		pf_simd_end();
#endif
}

static inline u32 ms_lane_shift(u8 lane)
{
	return lane < MMSB_LANE_LAST ? lane & 3 : lane == MMSB_LANE_F32 ? 2 : 3;
}

#endif
