/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random numbers that a seed replays on every machine: splitmix64. A test prints its seed before it begins and takes
 * one by --seed, so that any failure can be had again.
 */
#ifndef RANDOM_H
#define RANDOM_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* 0 .. n - 1 */
static inline uint64_t rng_below(struct rng *rng, uint64_t n)
{
	return rng_next(rng) % n;
}

/* true once in n times */
static inline int rng_once_in(struct rng *rng, uint64_t n)
{
	return !rng_below(rng, n);
}

static inline void rng_fill(struct rng *rng, void *to, size_t bytes)
{
	uint64_t word;
	size_t n;

	for (; bytes; bytes -= n, to = (char *)to + n) {
		word = rng_next(rng);
		n = bytes < sizeof(word) ? bytes : sizeof(word);
		memcpy(to, &word, n);
	}
}

/* What a failure printed, to have the same again; else another one each time. */
static inline uint64_t rng_seed(void)
{
	const char *asked = getenv("MMSB_SEED");
	struct timespec now;

	if (asked)
		return strtoull(asked, NULL, 0);
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_nsec * 1000003 + (uint64_t)now.tv_sec;
}

#endif
