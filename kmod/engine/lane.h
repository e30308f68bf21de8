/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Lane arithmetic: integers of 8 to 64 bits, signed or not, side by side in a page. Add and subtract wrap modulo 2^bits, for
 * signed lanes as for unsigned ones; minimum and maximum compare as the lane's sign says.
 */
#ifndef MS_LANE_H
#define MS_LANE_H

#include "engine.h"

static inline u32 ms_lane_bytes(u8 lane)
{
	return 1u << (lane & 3);
}

static inline bool ms_lane_signed(u8 lane)
{
	return lane >= MMSB_LANE_I8;
}

/* bytes[i] = bytes[i] op operand[i] for each lane of n bytes; with splat, operand[0] serves for all. Both are aligned to the lane. */
void ms_lanes(u8 op, u8 lane, void *bytes, const void *operand, u32 n, bool splat);

/* One lane, in the low bits of both. */
u64 ms_lane_one(u8 op, u8 lane, u64 value, u64 operand);

#endif
