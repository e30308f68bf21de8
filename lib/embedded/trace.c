// SPDX-License-Identifier: MIT
/*
 * The steps of mmsb/trace.h as USDT probes: places that do nothing, with a note in the program that says where they are and where their
 * arguments lie. A tracer finds the note, puts a breakpoint there and raises the probe's semaphore, which is what the engine looks at.
 *
 * One place for each, however many in the engine lead there.
 */
#include "engine.h"

#ifdef pf_traced
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

#define FIELD(name)	u64 name
#define NAME(name)	name
#define PROBE(n, step, ...) DTRACE_PROBE##n(mmsb, mmsb_##step, __VA_ARGS__)

#define STEP(step, n, ...)									\
	unsigned short mmsb_mmsb_##step##_semaphore __attribute__((section(".probes")));	\
	__attribute__((cold)) void pf_trace_##step(MMSB_LIST(n, FIELD, __VA_ARGS__))		\
	{											\
		PROBE(n, step, MMSB_LIST(n, NAME, __VA_ARGS__));				\
	}

MMSB_STEPS(STEP)
#endif
