/* SPDX-License-Identifier: MIT */
/*
 * Fault injection: makes chosen allocations fail, those of the library and of the engine in the embedded home.
 *
 * Every one of them asks pf_fault_inject() first. Off, that is one load and one branch that is never
 * taken. A test arms it, runs, and asks how many allocations went by, so that it can walk through every allocation
 * site: fail the first, then the second, until an armed run ends with fewer allocations than the number asked for.
 *
 * Not part of the library's ABI: tests link the static library.
 */
#ifndef MMSB_LIB_INJECT_H
#define MMSB_LIB_INJECT_H

#include <stdbool.h>
#include <stdint.h>

/* Fails the nth allocation from now on (the first is 1) of the calling thread, once. 0: off. Resets pf_inject_seen_thread(). */
void pf_inject_thread(uint64_t nth);
uint64_t pf_inject_seen_thread(void);	/* allocations of this thread since it was armed, the failed one included */

/* The same for all threads together. */
void pf_inject_global(uint64_t nth);
uint64_t pf_inject_seen_global(void);

/* Fails each allocation of any thread by chance: `per_million` in a million, from `seed`. 0: off. */
void pf_inject_chance(uint32_t per_million, uint64_t seed);
uint64_t pf_inject_failed(void);	/* how many allocations were made to fail so far, in all ways */

extern uint32_t pf_inject_armed;	/* how many of the ways above are switched on */
bool pf_inject_hit(void);

static inline bool pf_fault_inject(void)
{
	return __builtin_expect(__atomic_load_n(&pf_inject_armed, __ATOMIC_RELAXED) != 0, 0) && pf_inject_hit();
}

#endif
