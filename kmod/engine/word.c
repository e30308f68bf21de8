// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "word.h"

#define LENGTH(n)		(1u << (n))
#define SHAPE(lane, op)		[(lane) << 8 | (op)]
#define ARITHMETIC(lane, n)				\
	SHAPE(lane, MMSB_OP_ADD) = LENGTH(n),		\
	SHAPE(lane, MMSB_OP_SUB) = LENGTH(n),		\
	SHAPE(lane, MMSB_OP_MIN) = LENGTH(n),		\
	SHAPE(lane, MMSB_OP_MAX) = LENGTH(n),		\
	SHAPE(lane, MMSB_OP_AND) = LENGTH(n),		\
	SHAPE(lane, MMSB_OP_OR) = LENGTH(n),		\
	SHAPE(lane, MMSB_OP_XOR) = LENGTH(n)

const u16 ms_word_lengths[MS_WORD_SHAPES] = {
	SHAPE(0, MMSB_OP_SET) = LENGTH(1) | LENGTH(2) | LENGTH(4) | LENGTH(8),
	ARITHMETIC(MMSB_LANE_U8, 1),
	ARITHMETIC(MMSB_LANE_U16, 2),
	ARITHMETIC(MMSB_LANE_U32, 4),
	ARITHMETIC(MMSB_LANE_U64, 8),
	ARITHMETIC(MMSB_LANE_I8, 1),
	ARITHMETIC(MMSB_LANE_I16, 2),
	ARITHMETIC(MMSB_LANE_I32, 4),
	ARITHMETIC(MMSB_LANE_I64, 8),
};
