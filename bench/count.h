/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BENCH_COUNT_H
#define BENCH_COUNT_H

#include "kit.h"

/* What is counted: a batch of adds is published; whoever runs the shard applies all that was laid down. `instructions` knows the names. */
void count_produce(struct mmsb_ring *ring, const uint64_t *pages, unsigned int n);
void count_drain(struct mmsb_ring *ring);

/*
 * Does what callgrind is to look into: "producer", "producer-singly", "drain", "reader", "viewer", one of the shapes of follow.c, or
 * "feature-" and one of feature.c. Returns how many deltas, or whatever the count is to be divided by, that was.
 */
unsigned int count_under_callgrind(const struct bench_opts *bench, const char *what);
unsigned int follow_under_callgrind(const struct bench_opts *bench, const char *what, unsigned int rounds);
unsigned int feature_under_callgrind(const struct bench_opts *bench, const char *what, unsigned int rounds);

/*
 * Where the time stamp counter counts instructions: a delta's in the producer, who publishes so many together to a poller that is awake,
 * and in whoever runs the shard. The first wants a polled ring, the second an inline one, both of count_open()'s.
 */
struct kit *count_open(const struct bench_opts *bench, bool polled);
double count_produced(struct kit *kit, unsigned int batch);
double count_drained(struct kit *kit);
double count_drained_settling(struct kit *kit, void (*settle)(void *arg), void *arg);	/* which is called after each try, and not counted */
void count_lay_down(struct kit *kit, unsigned int n);	/* adds for an inline ring, not published; a multiple of KIT_BATCH */
uint64_t count_empty(void);		/* what looking twice at the counter costs by itself */

#endif
