// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The loops of the floating point lanes, the only code of the engine that computes with them. The build gives this unit the flags
 * that the kernel wants for that, forbids contraction, and lets compilers take comparisons for free of traps, which they are
 * here: pf_fpu_begin() masks exceptions. rule_float_avx2.c includes this file to have it compiled once more.
 */
#include "loops.h"

#ifndef FLOAT_LOOPS
#define FLOAT_LOOPS	ms_float_loops
#endif

#if PF_FLOAT

#define QUIET_F64	0x7ff8000000000000ull

#define LANE	float
#define BITS	u32
#define ORDER	s32
#define SIGN	0x80000000u
#define QUIET	0x7fc00000u
#include "loops_float.h"

#define LANE	double
#define BITS	u64
#define ORDER	s64
#define SIGN	0x8000000000000000ull
#define QUIET	QUIET_F64
#include "loops_float.h"

#define AT(name)	(MMSB_RULE_ ## name - MMSB_RULE_ADD_MUL)
#define LOOPS(type) {									\
	.fold = { {									\
		[AT(ADD_MUL)] = { first_mul_ ## type, next_add_mul_ ## type, NULL },	\
		[AT(MIN_ADD)] = { first_add_ ## type, next_min_add_ ## type, NULL },	\
		[AT(MAX_ADD)] = { first_add_ ## type, next_max_add_ ## type, NULL },	\
		[AT(MAX_MIN)] = { first_min_ ## type, next_max_min_ ## type, NULL },	\
	} },										\
	.sum = sum_ ## type, .count = count_ ## type, .least = least_ ## type, .most = most_ ## type,	\
	.total = total_ ## type, .extreme = extreme_ ## type,				\
}

const struct ms_loops FLOAT_LOOPS[MMSB_RULE_LANE_LAST - MMSB_LANE_F32] = {
	[MMSB_LANE_F32 - MMSB_LANE_F32] = LOOPS(float),
	[MMSB_LANE_F64 - MMSB_LANE_F32] = LOOPS(double),
};

#else

/* No rule offers these lanes then. */
const struct ms_loops FLOAT_LOOPS[MMSB_RULE_LANE_LAST - MMSB_LANE_F32];

#endif
