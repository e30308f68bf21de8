/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A histogram of times, log-linear: eight buckets for each doubling, so a percentile is off by an eighth at most. It is fixed in
 * size and written by one thread with plain relaxed stores, so it can lie in memory that another process reads meanwhile.
 */
#ifndef HIST_H
#define HIST_H

#include <stdint.h>

#define HIST_BUCKETS	(8 * 48)

struct hist {
	uint64_t bucket[HIST_BUCKETS];
};

void hist_add(struct hist *hist, uint64_t value);
void hist_merge(struct hist *to, const struct hist *from);
uint64_t hist_count(const struct hist *hist);
/* The value below or at which `part` (0 to 1) of what was counted lies; less `before`, if not NULL. 0 if nothing was. */
uint64_t hist_percentile(const struct hist *hist, const struct hist *before, double part);

#endif
