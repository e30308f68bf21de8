// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "hist.h"

void ms_hist_add(struct ms_hist *hist, u64 ns, u32 count)
{
	u64 *bucket = &hist->bucket[ms_hist_bucket(ns)];

	pf_write(*bucket, *bucket + count);
	pf_write(hist->sum, hist->sum + ns * count);
	if (hist->max < ns)
		pf_write(hist->max, ns);
	if (hist->least < ~ns)
		pf_write(hist->least, ~ns);
}

void ms_hist_clear(struct ms_hist *hist)
{
	u32 i;

	pf_write(hist->sum, 0);
	pf_write(hist->max, 0);
	pf_write(hist->least, 0);
	for (i = 0; i < MMSB_TIMING_BUCKETS; i++)
		pf_write(hist->bucket[i], 0);
}

void ms_hist_merge(const struct ms_hist *hist, struct mmsb_timing_args *args)
{
	u64 max = pf_read(hist->max), least = pf_read(hist->least);
	u32 i;

	if (args->min < least)
		args->min = least;
	if (args->max < max)
		args->max = max;
	args->sum += pf_read(hist->sum);
	for (i = 0; i < MMSB_TIMING_BUCKETS; i++)
		args->bucket[i] += pf_read(hist->bucket[i]);
}

/* The middle of the bucket, which is at most half of its width from whatever lies in it. */
static u64 bucket_says(u32 bucket)
{
	u32 octave = bucket / MS_HIST_STEPS;

	if (bucket < 2 * MS_HIST_STEPS)
		return bucket;
	octave--;
	return ((u64)(MS_HIST_STEPS + bucket % MS_HIST_STEPS) << octave) + (1ull << octave) / 2;
}

/* Of so many deltas so many thousandths took no longer. */
static u64 percentile(const struct mmsb_timing_args *args, u32 thousandths)
{
	u64 wanted = args->count / 1000 * thousandths + (args->count % 1000 * thousandths + 999) / 1000, seen = 0, ns;
	u32 i;

	if (!args->count)
		return 0;
	for (i = 0; i < MMSB_TIMING_BUCKETS - 1; i++) {
		seen += args->bucket[i];
		if (seen >= wanted)
			break;
	}
	ns = i < MMSB_TIMING_BUCKETS - 1 ? bucket_says(i) : args->max;
	ns = ns < args->max ? ns : args->max;
	return ns > args->min ? ns : args->min;
}

void ms_hist_sum_up(struct mmsb_timing_args *args)
{
	u32 i;

	args->min = args->min ? ~args->min : 0;
	args->count = 0;
	for (i = 0; i < MMSB_TIMING_BUCKETS; i++)
		args->count += args->bucket[i];
	args->p50 = percentile(args, 500);
	args->p90 = percentile(args, 900);
	args->p99 = percentile(args, 990);
	args->p999 = percentile(args, 999);
}

u64 ms_timing_below(const struct mmsb_timing_args *args, u32 octave)
{
	u32 end = (octave - MS_HIST_SHIFT + 1) * MS_HIST_STEPS, i;
	u64 count = 0;

	for (i = 0; i < end && i < MMSB_TIMING_BUCKETS; i++)
		count += args->bucket[i];
	return count;
}
