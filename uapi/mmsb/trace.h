/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The steps that can be traced, once: a name, how many fields, and the fields in their order. Every field has 64 bits.
 *
 * The kernel home has each as the tracepoint mmsb:mmsb_NAME, the embedded home as the USDT probe mmsb_NAME of the provider mmsb, whose
 * arguments are the fields in this order; so a script that was written for one can be turned into one for the other ('mmsb trace').
 * Documentation/tracing.md says what each field means, and what is promised: names and fields stay, fields are only added, at the end. None
 * has more than six: bpftrace reaches no more arguments of a probe.
 *
 * Fields that come again and again: `space`, the id by which 'mmsb space list' knows it; `shard`; `ring`, a number that the space gives
 * once; `pid`, of the process that opened the ring; `page`, `epoch`, `tick` as in completions; `op`, enum mmsb_op; `reason`, enum mmsb_reason.
 */
#ifndef MMSB_TRACE_H
#define MMSB_TRACE_H

#define MMSB_STEPS(X) \
	X(submit, 6, space, shard, ring, pid, count, pending) \
	X(complete, 6, space, shard, ring, pid, taken, completions) \
	X(route, 6, space, shard, to, ring, page, op) \
	X(apply, 6, space, ring, page, op, epoch, tick) \
	X(unchanged, 6, space, ring, page, op, epoch, tick) \
	X(reject, 6, space, ring, page, op, reason, user_data) \
	X(recompute, 5, space, shard, page, epoch, tick) \
	X(cut, 5, space, shard, page, epoch, tick) \
	X(skip, 5, space, shard, page, epoch, tick) \
	X(wave_begin, 4, space, shard, tick, waiting) \
	X(wave_end, 5, space, shard, tick, pages, depth) \
	X(tick, 4, space, shard, tick, deltas) \
	X(log_written, 3, space, shard, tick) \
	X(log_durable, 3, space, tick, last) \
	X(sleep, 2, space, shard) \
	X(wake, 2, space, shard) \
	X(stall, 6, space, shard, ring, pid, cause, pending) \
	X(ring_open, 6, space, shard, ring, pid, uid, source) \
	X(ring_break, 5, space, shard, ring, pid, reason) \
	X(ring_close, 6, space, ring, pid, taken, failed, stalls) \
	X(take, 5, space, shard, ring, pid, pending)

/* The field `shard` of a wave that all shards run together. */
#define MMSB_TRACE_ALL	0xffffffffu

/* Why entries of a ring stay where they are: the field `cause` of stall. */
#define MMSB_STALLS(X) \
	X(COMPLETIONS, "its completion queue is full: the client does not reap") \
	X(ROUTE, "the way to another shard is full") \
	X(FENCE, "a fence waits for what is under way at other shards") \
	X(MEETING, "it waits for all shards to meet") \
	X(LOG, "whoever reads the space's history or log is behind") \
	X(ENTRIES, "its submission queue is full, and the client waits for room")

#define MMSB_STALL_ENUM_(name, text) MMSB_STALL_##name,
enum mmsb_stall {
	MMSB_STALLS(MMSB_STALL_ENUM_)
	MMSB_STALL_LAST
};
#undef MMSB_STALL_ENUM_

/* MMSB_EACH(n, F, a, b, ...): F(a) F(b) ..., and the same with commas between them. */
#define MMSB_EACH(n, F, ...) MMSB_EACH_##n(F, __VA_ARGS__)
#define MMSB_EACH_1(F, a) F(a)
#define MMSB_EACH_2(F, a, ...) F(a) MMSB_EACH_1(F, __VA_ARGS__)
#define MMSB_EACH_3(F, a, ...) F(a) MMSB_EACH_2(F, __VA_ARGS__)
#define MMSB_EACH_4(F, a, ...) F(a) MMSB_EACH_3(F, __VA_ARGS__)
#define MMSB_EACH_5(F, a, ...) F(a) MMSB_EACH_4(F, __VA_ARGS__)
#define MMSB_EACH_6(F, a, ...) F(a) MMSB_EACH_5(F, __VA_ARGS__)
#define MMSB_LIST(n, F, ...) MMSB_LIST_##n(F, __VA_ARGS__)
#define MMSB_LIST_1(F, a) F(a)
#define MMSB_LIST_2(F, a, ...) F(a), MMSB_LIST_1(F, __VA_ARGS__)
#define MMSB_LIST_3(F, a, ...) F(a), MMSB_LIST_2(F, __VA_ARGS__)
#define MMSB_LIST_4(F, a, ...) F(a), MMSB_LIST_3(F, __VA_ARGS__)
#define MMSB_LIST_5(F, a, ...) F(a), MMSB_LIST_4(F, __VA_ARGS__)
#define MMSB_LIST_6(F, a, ...) F(a), MMSB_LIST_5(F, __VA_ARGS__)

#endif
