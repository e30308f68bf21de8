// SPDX-License-Identifier: MIT
/*
 * Which allocation shall fail: the counters behind inject.h.
 *
 * pf_inject_armed counts the ways that are switched on, over all threads, so that the allocator's fast path reads one word
 * whatever the number of ways; which way it was is found out only here.
 */
#include "inject.h"

uint32_t pf_inject_armed;

static __thread uint64_t thread_nth, thread_seen;
static uint64_t global_nth, global_seen, failed;
static uint32_t chance;
static uint64_t chance_state;

static void arm(bool before, bool after)
{
	if (!before && after)
		__atomic_add_fetch(&pf_inject_armed, 1, __ATOMIC_SEQ_CST);
	else if (before && !after)
		__atomic_sub_fetch(&pf_inject_armed, 1, __ATOMIC_SEQ_CST);
}

void pf_inject_thread(uint64_t nth)
{
	arm(thread_nth != 0, nth != 0);
	thread_nth = nth;
	if (nth)
		thread_seen = 0;
}

uint64_t pf_inject_seen_thread(void)
{
	return thread_seen;
}

void pf_inject_global(uint64_t nth)
{
	if (nth)
		__atomic_store_n(&global_seen, 0, __ATOMIC_SEQ_CST);
	arm(__atomic_exchange_n(&global_nth, nth, __ATOMIC_SEQ_CST) != 0, nth != 0);
}

uint64_t pf_inject_seen_global(void)
{
	return __atomic_load_n(&global_seen, __ATOMIC_SEQ_CST);
}

void pf_inject_chance(uint32_t per_million, uint64_t seed)
{
	__atomic_store_n(&chance_state, seed, __ATOMIC_SEQ_CST);
	arm(__atomic_exchange_n(&chance, per_million, __ATOMIC_SEQ_CST) != 0, per_million != 0);
}

uint64_t pf_inject_failed(void)
{
	return __atomic_load_n(&failed, __ATOMIC_SEQ_CST);
}

/* A Weyl sequence, mixed: each draw takes one atomic add, so threads may draw at once. */
static bool drawn(uint32_t per_million)
{
	uint64_t x = __atomic_add_fetch(&chance_state, 0x9e3779b97f4a7c15ull, __ATOMIC_SEQ_CST);

	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ull;
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ull;
	return (x >> 32) % 1000000 < per_million;
}

bool pf_inject_hit(void)
{
	uint64_t nth = __atomic_load_n(&global_nth, __ATOMIC_SEQ_CST);
	uint32_t per_million = __atomic_load_n(&chance, __ATOMIC_SEQ_CST);
	bool hit = false;

	if (thread_nth && ++thread_seen == thread_nth)
		hit = true;
	if (nth && __atomic_add_fetch(&global_seen, 1, __ATOMIC_SEQ_CST) == nth)
		hit = true;
	if (per_million && drawn(per_million))
		hit = true;
	if (hit)
		__atomic_add_fetch(&failed, 1, __ATOMIC_SEQ_CST);
	return hit;
}
