// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the engine's trace points lead: out of its way, so that each of them costs it a jump that is not there.
 */
#include "engine/platform.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

#define MMSB_COUNT_(name) + 1
static_assert(0 MMSB_OPS_(MMSB_COUNT_) == MMSB_OP_LAST);

#define MMSB_TELL_(step, n, ...)						\
	void pf_trace_##step(MMSB_LIST(n, MMSB_PROTO_, __VA_ARGS__))		\
	{									\
		trace_mmsb_##step(MMSB_LIST(n, MMSB_ARG_, __VA_ARGS__));	\
	}

MMSB_STEPS(MMSB_TELL_)
