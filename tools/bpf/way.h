/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way of a delta as both halves know it: what the BPF programs keep, and the tools read.
 *
 * Deltas go their way in batches, so times are a batch's, counted once for each of its deltas; every delta is counted in every layer, with 0
 * where it was not held up, so that layers can be put on top of each other. Of a batch are known, by the steps in brackets:
 *
 *	queued	an entry was seen in its ring [take, stall], until its own batch is taken [take]. When its client published it nobody
 *		tells: what no earlier batch left behind counts as 0
 *	apply	until all of the batch are applied, or on their way to other shards [submit]
 *	wave	what follows from it is computed [wave_begin, wave_end]
 *	publish	the rest of the time until its entries are free again [complete]: the tick is closed and told to the log
 *	answer	from there until the completion is there [complete], if it is late: it waits for the disk, or comes from another shard
 *	disk	beside this way: a tick lies in the log's memory [log_written] until it is on disk [log_durable]
 */
#ifndef WAY_H
#define WAY_H

#include <linux/types.h>

enum way_layer { WAY_QUEUED, WAY_APPLY, WAY_WAVE, WAY_PUBLISH, WAY_ANSWER, WAY_LAYERS, WAY_TOTAL = WAY_LAYERS, WAY_DISK, WAY_HISTS };

#define WAY_BUCKETS	384	/* those of a struct hist */
#define WAY_MARKS	8
#define WAY_BATCHES	16

struct way_space {
	__u64 hist[WAY_HISTS][WAY_BUCKETS];
	__u64 spent[WAY_BUCKETS][WAY_LAYERS];	/* nanoseconds in each layer, of all whose total is in that bucket */
	__u64 written, durable;			/* ticks: the first that the log was seen to get, the last on disk */
	__u64 fresh;				/* it was seen to be made, so its counters began at 0 */
};

struct way_batch {
	__u64 time[WAY_LAYERS];		/* until the entries were free */
	__u64 at;			/* when it was applied, then when its entries were free */
	__u64 clock;			/* how long waves had run by then */
	__u64 left;			/* deltas of which there was no completion yet */
};

/* Entries of a ring up to that one were there at that time. */
struct way_mark {
	__u64 upto, since;
};

struct way_ring {
	__u64 head;			/* entries taken since it was first seen */
	__u64 taken;			/* when the batch at work was taken; 0: there is none */
	__u64 late;			/* its completions come later than its entries are free, so they belong to the oldest batch */
	__u32 mark_first, mark_end;
	struct way_mark mark[WAY_MARKS];
	__u32 first, open, end;		/* batches: from `first` on they wait for completions, from `open` on until their entries are free */
	__u32 unused;
	struct way_batch batch[WAY_BATCHES];
};

/* What the verifier looks at once, and not at each place where it is called. */
#ifdef __bpf__
#define WAY_APART	__attribute__((__noinline__))
#else
#define WAY_APART	static inline
#endif

/* As hist.c has it; without the instruction that BPF lacks. */
WAY_APART __u32 way_bucket(__u64 ns)
{
	__u32 top = 0, step, bucket;

	if (ns < 8)
		return (__u32)ns;
	for (step = 32; step; step >>= 1)
		if (ns >> (top + step))
			top += step;
	bucket = 8 * (top - 2) + (__u32)((ns >> (top - 3)) & 7);
	return bucket < WAY_BUCKETS ? bucket : WAY_BUCKETS - 1;
}

static inline void way_add(__u64 *to, __u64 n)
{
	__sync_fetch_and_add(to, n);
}

static inline __u64 *way_at(__u64 *buckets, __u64 ns)
{
	__u32 bucket = way_bucket(ns);

	return &buckets[bucket < WAY_BUCKETS ? bucket : WAY_BUCKETS - 1];
}

/* `n` deltas of a batch have come to the end of their way, so long after their entries were free. */
static inline void way_count(struct way_space *space, const struct way_batch *batch, __u64 n, __u64 answer)
{
	__u64 total = answer, time;
	__u32 layer, bucket;

	for (layer = 0; layer < WAY_ANSWER; layer++)
		total += batch->time[layer];
	bucket = way_bucket(total);
	bucket = bucket < WAY_BUCKETS ? bucket : WAY_BUCKETS - 1;
	way_add(&space->hist[WAY_TOTAL][bucket], n);
	for (layer = 0; layer < WAY_LAYERS; layer++) {
		time = layer == WAY_ANSWER ? answer : batch->time[layer];
		way_add(way_at(space->hist[layer], time), n);
		way_add(&space->spent[bucket][layer], time * n);
	}
}

#endif
