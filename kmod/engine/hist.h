/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A histogram of times: buckets that are fine where times are short and coarse where they are long, each within a sixteenth of what it
 * holds (mmsb/timing.h says where they begin). So whatever is read off it is right to about 3 %, from nanoseconds to seconds, in 4 KiB.
 *
 * One writes, under the run lock of the histogram's shard; whoever reads takes no lock, adds several up, and derives the count from the
 * buckets, so that percentiles fit the count they are of.
 */
#ifndef MS_HIST_H
#define MS_HIST_H

#include "engine.h"

#define MS_HIST_SHIFT	4
#define MS_HIST_STEPS	(1u << MS_HIST_SHIFT)	/* buckets a power of two */

struct ms_hist {
	u64 sum, max;
	u64 least;			/* the complement of the least: so nothing yet is 0 */
	u64 bucket[MMSB_TIMING_BUCKETS];
};

static inline u32 ms_hist_bucket(u64 ns)
{
	u32 octave, bucket;

	if (ns < MS_HIST_STEPS)
		return (u32)ns;
	octave = 63 - MS_HIST_SHIFT - (u32)__builtin_clzll(ns);
	bucket = octave * MS_HIST_STEPS + (u32)(ns >> octave);
	return bucket < MMSB_TIMING_BUCKETS ? bucket : MMSB_TIMING_BUCKETS - 1;
}

/* `count` deltas took that long. */
void ms_hist_add(struct ms_hist *hist, u64 ns, u32 count);
void ms_hist_clear(struct ms_hist *hist);
/* Adds to what *args has, which begins as zeros; its min is a complement until all is summed up. */
void ms_hist_merge(const struct ms_hist *hist, struct mmsb_timing_args *args);
/* Behind the last: what follows from the buckets. */
void ms_hist_sum_up(struct mmsb_timing_args *args);

#endif
