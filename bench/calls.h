/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many system calls a piece of work takes: a child does it, its parent traces it and counts what lies between two marks. Threads
 * that the child's scene has beside the one that works are not traced: what they do is not what is asked.
 */
#ifndef BENCH_CALLS_H
#define BENCH_CALLS_H

#include "bench.h"

/* The child opens its scene, does the work, and ends. */
uint64_t calls_of(const struct bench_opts *bench, void *(*open)(const struct bench_opts *bench), void (*work)(void *state));

#endif
