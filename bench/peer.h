/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Another store that keeps small numbers, as far as a benchmark needs it: 1,000 of them, each a key from 0 on, all 0 in the beginning,
 * to which one is added.
 *
 * Those that are libraries are built into objects of their own (bench/peers/), which are loaded when they are measured: the benchmark
 * can be built without any of them, and none of them is in the process while MMSB is measured without peers, which comes first.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "bench.h"

#define PEER_KEYS	1000u
#define PEER_MOST	3200u		/* updates that come together */
#define PEER_INTERVAL	100000000u	/* ns: MMSB's own for buffered logs */

struct peer {
	const char *const *programs;	/* ended by NULL: it needs one of these; NULL: it needs none */
	/*
	 * In an empty directory. `promise` is the peer's own word for what it does before it says that an update is done; "memory":
	 * nothing that would outlive it.
	 */
	void *(*open)(const char *dir, const char *promise);
	void (*add)(void *db, const uint32_t *keys, unsigned int n);	/* one to each, all in one transaction, or in flight together */
	/* The same without a word about each that went well, and the sum of what `keys` have; NULL where nobody asks for it. */
	void (*add_quietly)(void *db, const uint32_t *keys, unsigned int n);
	uint64_t (*read)(void *db, const uint32_t *keys, unsigned int n);
	uint64_t (*sum)(void *db);					/* of all of them; NULL: read() can tell */
	void (*close)(void *db);
};

extern const struct peer peer_redis, peer_memcached, peer_array;

/* Where syncing now and then is the application's affair: is it time? */
static inline bool peer_is_due(uint64_t *last)
{
	uint64_t now = bench_now();

	if (now - *last < PEER_INTERVAL)
		return false;
	*last = now;
	return true;
}

#endif
