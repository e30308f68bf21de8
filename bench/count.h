/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BENCH_COUNT_H
#define BENCH_COUNT_H

#include "bench.h"

/* Does what callgrind is to look into: "producer", "producer-singly" or "drain". Returns how many deltas that was. */
unsigned int count_under_callgrind(const struct bench_opts *bench, const char *what);

#endif
