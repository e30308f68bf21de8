// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "lane.h"

#define EACH_LANE(expression) do {					\
	for (i = 0; i < lanes; i++) {					\
		b = operand[i * step];					\
		bytes[i] = (expression);				\
	}								\
} while (0)

/* Arithmetic in the unsigned type of the width, comparison in the lane's own. */
#define DEFINE_LANES(type, wide)							\
static void lanes_##type(u8 op, type *bytes, const type *operand, u32 lanes, u32 step)	\
{											\
	type b;										\
	u32 i;										\
											\
	switch (op) {									\
	case MMSB_OP_ADD:								\
		EACH_LANE((type)((wide)bytes[i] + (wide)b));				\
		break;									\
	case MMSB_OP_SUB:								\
		EACH_LANE((type)((wide)bytes[i] - (wide)b));				\
		break;									\
	case MMSB_OP_MIN:								\
		EACH_LANE(b < bytes[i] ? b : bytes[i]);					\
		break;									\
	case MMSB_OP_MAX:								\
		EACH_LANE(b > bytes[i] ? b : bytes[i]);					\
		break;									\
	case MMSB_OP_AND:								\
		EACH_LANE(bytes[i] & b);						\
		break;									\
	case MMSB_OP_OR:								\
		EACH_LANE(bytes[i] | b);						\
		break;									\
	case MMSB_OP_XOR:								\
		EACH_LANE(bytes[i] ^ b);						\
		break;									\
	default:									\
		PF_BUG_ON(true);							\
	}										\
}

DEFINE_LANES(u8, u64)
DEFINE_LANES(u16, u64)
DEFINE_LANES(u32, u64)
DEFINE_LANES(u64, u64)
DEFINE_LANES(s8, u64)
DEFINE_LANES(s16, u64)
DEFINE_LANES(s32, u64)
DEFINE_LANES(s64, u64)

void ms_lanes(u8 op, u8 lane, void *bytes, const void *operand, u32 n, bool splat)
{
	u32 lanes = n / ms_lane_bytes(lane), step = splat ? 0 : 1;

	switch (lane) {
	case MMSB_LANE_U8:
		return lanes_u8(op, bytes, operand, lanes, step);
	case MMSB_LANE_U16:
		return lanes_u16(op, bytes, operand, lanes, step);
	case MMSB_LANE_U32:
		return lanes_u32(op, bytes, operand, lanes, step);
	case MMSB_LANE_U64:
		return lanes_u64(op, bytes, operand, lanes, step);
	case MMSB_LANE_I8:
		return lanes_s8(op, bytes, operand, lanes, step);
	case MMSB_LANE_I16:
		return lanes_s16(op, bytes, operand, lanes, step);
	case MMSB_LANE_I32:
		return lanes_s32(op, bytes, operand, lanes, step);
	case MMSB_LANE_I64:
		return lanes_s64(op, bytes, operand, lanes, step);
	}
	PF_BUG_ON(true);
}

u64 ms_lane_one(u8 op, u8 lane, u64 value, u64 operand)
{
	ms_lanes(op, lane, &value, &operand, ms_lane_bytes(lane), false);
	return value;
}
