/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * Per-layer timing: how long deltas spend in each stage of their way, as histograms. Part of the ABI, like abi.h.
 *
 * It is off until the space's owner switches it on, with MMSB_SPACE_TIMING when the space is made or with MMSB_TIMING_ON while it runs. From
 * then on whoever runs a shard looks at a clock that only goes forward, a few times a batch of up to 64 entries. The stages follow
 * upon each other without a gap, so what a delta spent in those that it went through is what it spent in all; what each begins and ends with is in
 * Documentation/timing.md. Nothing of it comes from the client: an entry's way begins when the engine first saw it, or was called for it.
 *
 * Buckets. The first 16 are one nanosecond wide; from there on each power of two is cut into 16, so bucket b >= 16 begins at
 * (16 + b % 16) << (b / 16 - 1) and is at most a sixteenth of that wide. The last holds everything from there on.
 */
#ifndef MMSB_TIMING_H
#define MMSB_TIMING_H

#include <linux/types.h>

#define MMSB_LAYERS(X) \
	X(QUEUE, "queue", "in its submission queue, from when the engine first saw it until it was taken") \
	X(ROUTE, "route", "on its way to the shard of its page and back, being applied there included") \
	X(APPLY, "apply", "from when its batch was taken until the batch was applied") \
	X(WAVE, "wave", "from there until all that follows from its tick was recomputed") \
	X(LOG, "log", "from there until it was told durable; of completions that wait for that") \
	X(COMPLETE, "complete", "from the end of the last of these until its completion was published")

#define MMSB_LAYER_ENUM_(name, word, text) MMSB_LAYER_##name,
enum mmsb_layer {
	MMSB_LAYERS(MMSB_LAYER_ENUM_)
	MMSB_LAYER_LAST
};
#undef MMSB_LAYER_ENUM_

#define MMSB_TIMING_BUCKETS	496	/* the last begins at 16.6 s */
#define MMSB_TIMING_ALL		0xffffffffu	/* shard: all of them, added up */

#define MMSB_TIMING_ON		(1u << 0)	/* begin, with nothing counted; does nothing where it is on; owner only */
#define MMSB_TIMING_OFF		(1u << 1)	/* end, and forget what was counted; owner only */
#define MMSB_TIMING_RESET	(1u << 2)	/* forget what was counted, and go on; owner only */
#define MMSB_TIMING_KNOWN	0x7u

/* Switches, if flags say so, and reads one layer. Each figure is right for itself, at some moment during the call. */
struct mmsb_timing_args {
	__u32 size;
	__u32 flags;		/* at most one of MMSB_TIMING_* */
	__u32 layer;		/* enum mmsb_layer */
	__u32 shard;		/* its number, or MMSB_TIMING_ALL */
	__u32 on;		/* out: it is on; 0: all that follows is 0 */
	__u32 reason;		/* out, on failure: enum mmsb_reason */
	__u64 count;		/* out: deltas */
	__u64 sum;		/* out, as all that follows: nanoseconds */
	__u64 min;
	__u64 max;
	__u64 p50;		/* half of them took no longer; right to 3 parts in 100 */
	__u64 p90;
	__u64 p99;
	__u64 p999;
	__u64 bucket[MMSB_TIMING_BUCKETS];	/* deltas */
};

#endif
