/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BENCH_COUNT_H
#define BENCH_COUNT_H

#include "bench.h"

/* What is counted: whoever runs the shard applies all that was laid down. `instructions` knows the name. */
void count_drain(struct mmsb_ring *ring);

/*
 * Does what callgrind is to look into: "producer", "producer-singly", "drain", or one of the shapes of follow.c. Returns how many deltas, or
 * whatever the count is to be divided by, that was.
 */
unsigned int count_under_callgrind(const struct bench_opts *bench, const char *what);
unsigned int follow_under_callgrind(const struct bench_opts *bench, const char *what, unsigned int rounds);

#endif
