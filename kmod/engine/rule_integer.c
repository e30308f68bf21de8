// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The loops of the integer lanes. rule_integer_avx2.c includes this file to have them compiled once more.
 */
#include "loops.h"

#ifndef INTEGER_LOOPS
#define INTEGER_LOOPS	ms_integer_loops
#endif

#define LANE		u8
#define UNSIGNED	u8
#define LEAST		0
#define MOST		0xff
#define IS_SIGNED	0
#define WIDE		u32
#define PARTIAL		u32
#include "loops_integer.h"

#define LANE		u16
#define UNSIGNED	u16
#define LEAST		0
#define MOST		0xffff
#define IS_SIGNED	0
#define WIDE		u32
#define PARTIAL		u32
#include "loops_integer.h"

#define LANE		u32
#define UNSIGNED	u32
#define LEAST		0
#define MOST		0xffffffffu
#define IS_SIGNED	0
#define WIDE		u64
#define PARTIAL		u64
#include "loops_integer.h"

#define LANE		u64
#define UNSIGNED	u64
#define LEAST		0
#define MOST		(~0ull)
#define IS_SIGNED	0
#define PARTIAL		__int128
#include "loops_integer.h"

#define LANE		s8
#define UNSIGNED	u8
#define LEAST		(-0x7f - 1)
#define MOST		0x7f
#define IS_SIGNED	1
#define WIDE		s32
#define PARTIAL		s32
#include "loops_integer.h"

#define LANE		s16
#define UNSIGNED	u16
#define LEAST		(-0x7fff - 1)
#define MOST		0x7fff
#define IS_SIGNED	1
#define WIDE		s32
#define PARTIAL		s32
#include "loops_integer.h"

#define LANE		s32
#define UNSIGNED	u32
#define LEAST		(-0x7fffffff - 1)
#define MOST		0x7fffffff
#define IS_SIGNED	1
#define WIDE		s64
#define PARTIAL		s64
#include "loops_integer.h"

#define LANE		s64
#define UNSIGNED	u64
#define LEAST		(-0x7fffffffffffffffll - 1)
#define MOST		0x7fffffffffffffffll
#define IS_SIGNED	1
#define PARTIAL		__int128
#include "loops_integer.h"

/* Compilers find no vector instructions for a loop that ends early, so they are told. */
typedef u64 words4 __attribute__((vector_size(32), aligned(8), may_alias));

static bool words_differ(const u64 *a, const u64 *b, u32 words)
{
	const words4 *x = (const words4 *)a, *y = (const words4 *)b;
	u32 i, k;

	for (i = 0; i + 32 <= words; i += 32, x += 8, y += 8) {
		union { words4 all; u64 word[4]; } differ = { x[0] ^ y[0] };

		for (k = 1; k < 8; k++)
			differ.all |= x[k] ^ y[k];
		if (differ.word[0] | differ.word[1] | differ.word[2] | differ.word[3])
			return true;
	}
	for (; i < words; i++)
		if (a[i] != b[i])
			return true;
	return false;
}

#define AT(name)	(MMSB_RULE_ ## name - MMSB_RULE_ADD_MUL)

/* The same whether they saturate or not. */
#define OTHERS(type)										\
	[AT(OR_AND)] = { first_and_ ## type, next_or_and_ ## type, same_or_ ## type },		\
	[AT(MAX_MIN)] = { first_min_ ## type, next_max_min_ ## type, same_max_ ## type },	\
	[AT(XOR_AND)] = { first_and_ ## type, next_xor_and_ ## type, same_xor_ ## type }

#define LOOPS(type) {										\
	.fold = { {										\
		[AT(ADD_MUL)] = { first_mul_ ## type, next_add_mul_ ## type, same_add_ ## type },	\
		[AT(MIN_ADD)] = { first_add_ ## type, next_min_add_ ## type, same_min_ ## type },	\
		[AT(MAX_ADD)] = { first_add_ ## type, next_max_add_ ## type, same_max_ ## type },	\
		OTHERS(type),									\
	}, {											\
		[AT(ADD_MUL)] = { first_mul_clamped_ ## type, next_add_clamped_mul_clamped_ ## type,	\
				  same_add_clamped_ ## type },					\
		[AT(MIN_ADD)] = { first_add_clamped_ ## type, next_min_add_clamped_ ## type,	\
				  same_min_ ## type },						\
		[AT(MAX_ADD)] = { first_add_clamped_ ## type, next_max_add_clamped_ ## type,	\
				  same_max_ ## type },						\
		OTHERS(type),									\
	} },											\
	.sum = sum_ ## type, .count = count_ ## type, .least = least_ ## type, .most = most_ ## type,	\
	.differ = words_differ,									\
}

const struct ms_loops INTEGER_LOOPS[MMSB_LANE_LAST] = {
	[MMSB_LANE_U8] = LOOPS(u8),
	[MMSB_LANE_U16] = LOOPS(u16),
	[MMSB_LANE_U32] = LOOPS(u32),
	[MMSB_LANE_U64] = LOOPS(u64),
	[MMSB_LANE_I8] = LOOPS(s8),
	[MMSB_LANE_I16] = LOOPS(s16),
	[MMSB_LANE_I32] = LOOPS(s32),
	[MMSB_LANE_I64] = LOOPS(s64),
};
