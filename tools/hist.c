// SPDX-License-Identifier: GPL-2.0-only
/* See hist.h. Bucket 8k + m holds [(8 + m) 2^(k-1), (9 + m) 2^(k-1)); the first eight hold their own number. */
#include "hist.h"

static unsigned int bucket_of(uint64_t value)
{
	unsigned int top, bucket;

	if (value < 8)
		return (unsigned int)value;
	top = 63 - (unsigned int)__builtin_clzll(value);
	bucket = 8 * (top - 2) + (unsigned int)((value >> (top - 3)) & 7);
	return bucket < HIST_BUCKETS ? bucket : HIST_BUCKETS - 1;
}

static uint64_t bucket_middle(unsigned int bucket)
{
	unsigned int shift;

	if (bucket < 16)
		return bucket;
	shift = bucket / 8 - 1;
	return ((8ULL + bucket % 8) << shift) + (1ULL << shift) / 2;
}

void hist_add(struct hist *hist, uint64_t value)
{
	uint64_t *bucket = &hist->bucket[bucket_of(value)];

	__atomic_store_n(bucket, *bucket + 1, __ATOMIC_RELAXED);
}

void hist_merge(struct hist *to, const struct hist *from)
{
	unsigned int i;

	for (i = 0; i < HIST_BUCKETS; i++)
		to->bucket[i] += __atomic_load_n(&from->bucket[i], __ATOMIC_RELAXED);
}

uint64_t hist_count(const struct hist *hist)
{
	uint64_t count = 0;
	unsigned int i;

	for (i = 0; i < HIST_BUCKETS; i++)
		count += hist->bucket[i];
	return count;
}

uint64_t hist_percentile(const struct hist *hist, const struct hist *before, double part)
{
	uint64_t total = hist_count(hist) - (before ? hist_count(before) : 0), seen = 0, wanted;
	unsigned int i;

	if (!total)
		return 0;
	wanted = (uint64_t)(part * (double)total);
	wanted = wanted < total ? wanted : total - 1;
	for (i = 0; i < HIST_BUCKETS; i++) {
		seen += hist->bucket[i] - (before ? before->bucket[i] : 0);
		if (seen > wanted)
			break;
	}
	return bucket_middle(i);
}
