// SPDX-License-Identifier: GPL-2.0-only
/*
 * Follows deltas on their way: see way.h. What is told of a ring is told by whoever runs its shard, so one after the other; of a space,
 * by several at once, so its counters are added to atomically.
 */
#include "steps.bpf.h"
#include "way.h"

#define SPACES		64
#define RINGS		1024
#define SHARDS		4096
#define TICKS		32768

struct way_key {
	__u64 space, of;	/* a ring, a shard, or a tick */
};

struct way_shard {
	__u64 begun, clock;	/* of waves: since when one runs, how long all before it did */
	__u64 deltas, ticked;	/* applied in all, and in the last tick */
};

struct way_tick {
	__u64 since, deltas;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SPACES);
	__type(key, __u64);
	__type(value, struct way_space);
} spaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, RINGS);
	__type(key, struct way_key);
	__type(value, struct way_ring);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SHARDS);
	__type(key, struct way_key);
	__type(value, struct way_shard);
} shards SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TICKS);
	__type(key, struct way_key);
	__type(value, struct way_tick);
} ticks SEC(".maps");

/* What a new space or ring begins as: too large for a program's stack. */
static const struct way_space no_space;
static const struct way_ring no_ring;

const volatile __u64 only;	/* that space; 0: all */
__u64 spaces_lost;		/* deltas of spaces for which there was no room */

static __always_inline bool is_other(__u64 space)
{
	return only && space != only;
}

static __always_inline struct way_space *find_space(__u64 id)
{
	struct way_space *space = bpf_map_lookup_elem(&spaces, &id);

	if (space)
		return space;
	bpf_map_update_elem(&spaces, &id, &no_space, BPF_NOEXIST);
	return bpf_map_lookup_elem(&spaces, &id);
}

static __always_inline struct way_ring *find_ring(__u64 space, __u64 id)
{
	struct way_key key = { space, id };
	struct way_ring *ring = bpf_map_lookup_elem(&rings, &key);

	if (ring)
		return ring;
	bpf_map_update_elem(&rings, &key, &no_ring, BPF_NOEXIST);
	return bpf_map_lookup_elem(&rings, &key);
}

static __always_inline struct way_shard *find_shard(__u64 space, __u64 number)
{
	struct way_key key = { space, number };
	struct way_shard *shard = bpf_map_lookup_elem(&shards, &key), none = {};

	if (shard)
		return shard;
	bpf_map_update_elem(&shards, &key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&shards, &key);
}

/* Returns nothing that anybody wants; the verifier takes functions of their own only with a number. */
WAY_APART int end_of_way(__u64 space, const struct way_batch *batch, __u64 n, __u64 answer)
{
	struct way_space *to = n ? find_space(space) : NULL;

	if (to && batch)
		way_count(to, batch, n, answer);
	else if (n)
		way_add(&spaces_lost, n);
	return 0;
}

/* ------------------------------------------------------------------------------------------------------------- queued */

/* `pending` entries are there. If too many marks are, the new ones are noted later, and seem to have waited for less. */
static __always_inline void note_pending(struct way_ring *ring, __u64 pending, __u64 now)
{
	__u64 upto = ring->head + pending;
	struct way_mark *mark;

	if (ring->mark_end != ring->mark_first && ring->mark[(ring->mark_end - 1) % WAY_MARKS].upto >= upto)
		return;
	if (ring->mark_end - ring->mark_first >= WAY_MARKS)
		return;
	mark = &ring->mark[ring->mark_end++ % WAY_MARKS];
	mark->upto = upto;
	mark->since = now;
}

/* What the next `n` entries have waited together; they are taken. */
static __always_inline __u64 take_marks(struct way_ring *ring, __u64 n)
{
	__u64 end = ring->head + n, wait = 0, upto;
	struct way_mark *mark;
	int i;

	for (i = 0; i < WAY_MARKS && ring->mark_first != ring->mark_end; i++) {
		mark = &ring->mark[ring->mark_first % WAY_MARKS];
		upto = mark->upto < end ? mark->upto : end;
		if (upto > ring->head) {
			wait += (upto - ring->head) * (ring->taken - mark->since);
			ring->head = upto;
		}
		if (mark->upto > end)
			break;
		ring->mark_first++;
	}
	ring->head = end;
	return wait;
}

STEP(take)
{
	struct way_ring *ring = is_other(step->space) ? NULL : find_ring(step->space, step->ring);
	__u64 now = bpf_ktime_get_ns();

	if (!ring)
		return 0;
	note_pending(ring, step->pending, now);
	ring->taken = now;
	return 0;
}

/* A client that waits for room tells that of itself, beside whoever runs the shard. */
STEP(stall)
{
	struct way_ring *ring = is_other(step->space) || step->cause == MMSB_STALL_ENTRIES ? NULL : find_ring(step->space, step->ring);

	if (ring)
		note_pending(ring, step->pending, bpf_ktime_get_ns());
	return 0;
}

/* ----------------------------------------------------------------------------------------------------- applied, wave */

static __always_inline __u64 wave_clock(__u64 space, __u64 shard)
{
	struct way_shard *own = find_shard(space, shard), *all = find_shard(space, MMSB_TRACE_ALL);

	return (own ? own->clock : 0) + (all ? all->clock : 0);
}

/* Room for one more batch: of the oldest, what has no completion by now wants none. NULL: all of them still wait for their entries to be free. */
static __always_inline struct way_batch *next_batch(struct way_ring *ring, __u64 space)
{
	struct way_batch *oldest;

	if (ring->end - ring->first >= WAY_BATCHES) {
		if (ring->first == ring->open)
			return NULL;
		oldest = &ring->batch[ring->first++ % WAY_BATCHES];
		end_of_way(space, oldest, oldest->left, 0);
		ring->late = 0;
	}
	return &ring->batch[ring->end++ % WAY_BATCHES];
}

STEP(submit)
{
	struct way_ring *ring = is_other(step->space) ? NULL : find_ring(step->space, step->ring);
	struct way_batch *batch;
	__u64 wait, now;

	if (!ring || !ring->taken || !step->count)
		return 0;
	wait = take_marks(ring, step->count);
	batch = next_batch(ring, step->space);
	if (batch) {
		now = bpf_ktime_get_ns();
		batch->time[WAY_QUEUED] = wait / step->count;
		batch->time[WAY_APPLY] = now - ring->taken;
		batch->clock = wave_clock(step->space, step->shard);
		batch->at = now;
		batch->left = step->count;
	} else {
		ring->batch[(ring->end - 1) % WAY_BATCHES].left += step->count;
	}
	ring->taken = 0;
	return 0;
}

STEP(wave_begin)
{
	struct way_shard *shard = is_other(step->space) ? NULL : find_shard(step->space, step->shard);

	if (shard)
		shard->begun = bpf_ktime_get_ns();
	return 0;
}

STEP(wave_end)
{
	struct way_shard *shard = is_other(step->space) ? NULL : find_shard(step->space, step->shard);

	if (!shard || !shard->begun)
		return 0;
	shard->clock += bpf_ktime_get_ns() - shard->begun;
	shard->begun = 0;
	return 0;
}

/* ---------------------------------------------------------------------------------------------------------- completed */

static __always_inline __u64 take_part(struct way_batch *batch, __u64 completions)
{
	__u64 part = completions < batch->left ? completions : batch->left;

	batch->left -= part;
	return part;
}

/* Completions of batches whose entries were free before. */
static __always_inline __u64 answer_old(struct way_ring *ring, __u64 space, __u64 completions, __u64 now)
{
	struct way_batch *batch;
	__u64 part;
	int i;

	for (i = 0; i < WAY_BATCHES && ring->first != ring->open; i++) {
		batch = &ring->batch[ring->first % WAY_BATCHES];
		part = take_part(batch, completions);
		completions -= part;
		end_of_way(space, batch, part, now - batch->at);
		if (batch->left)
			break;
		ring->first++;
	}
	return completions;
}

/* Entries of all batches are free now, and some have their completions. */
static __always_inline __u64 free_new(struct way_ring *ring, __u64 space, __u64 clock, __u64 completions, __u64 now)
{
	struct way_batch *batch;
	__u64 part, wave;
	int i;

	for (i = 0; i < WAY_BATCHES && ring->open != ring->end; i++) {
		batch = &ring->batch[ring->open++ % WAY_BATCHES];
		wave = clock - batch->clock;
		batch->time[WAY_WAVE] = wave < now - batch->at ? wave : now - batch->at;
		batch->time[WAY_PUBLISH] = now - batch->at - batch->time[WAY_WAVE];
		batch->at = now;
		part = take_part(batch, completions);
		completions -= part;
		end_of_way(space, batch, part, 0);
	}
	return completions;
}

STEP(complete)
{
	struct way_ring *ring = is_other(step->space) ? NULL : find_ring(step->space, step->ring);
	__u64 completions = step->completions, now = bpf_ktime_get_ns();

	if (!ring)
		return 0;
	if (!step->taken && completions && ring->first != ring->open)
		ring->late = 1;
	if (ring->late)
		completions = answer_old(ring, step->space, completions, now);
	if (step->taken)
		completions = free_new(ring, step->space, wave_clock(step->space, step->shard), completions, now);
	answer_old(ring, step->space, completions, now);
	return 0;
}

STEP(ring_close)
{
	struct way_key key = { step->space, step->ring };
	struct way_ring *ring = is_other(step->space) ? NULL : bpf_map_lookup_elem(&rings, &key);
	struct way_batch *batch;
	int i;

	if (!ring)
		return 0;
	for (i = 0; i < WAY_BATCHES && ring->first != ring->end; i++) {
		batch = &ring->batch[ring->first++ % WAY_BATCHES];
		end_of_way(step->space, batch, batch->left, 0);
	}
	bpf_map_delete_elem(&rings, &key);
	return 0;
}

/* --------------------------------------------------------------------------------------------------------------- disk */

STEP(ring_open)
{
	struct way_space *space = is_other(step->space) || step->ring != 1 ? NULL : find_space(step->space);

	if (space)
		space->fresh = 1;
	return 0;
}

STEP(tick)
{
	struct way_shard *shard = is_other(step->space) ? NULL : find_shard(step->space, step->shard);
	struct way_space *space = shard ? find_space(step->space) : NULL;

	if (!space)
		return 0;
	shard->ticked = shard->deltas || space->fresh ? step->deltas - shard->deltas : 0;
	shard->deltas = step->deltas;
	return 0;
}

STEP(log_written)
{
	struct way_key key = { step->space, step->tick };
	struct way_shard *shard = is_other(step->space) ? NULL : find_shard(step->space, step->shard);
	struct way_space *space = shard ? find_space(step->space) : NULL;
	struct way_tick *there, tick = { bpf_ktime_get_ns(), 0 };

	if (!space)
		return 0;
	if (!space->written)
		space->written = step->tick;
	tick.deltas = shard->ticked;
	there = bpf_map_lookup_elem(&ticks, &key);
	if (there)
		way_add(&there->deltas, tick.deltas);
	else
		bpf_map_update_elem(&ticks, &key, &tick, BPF_NOEXIST);
	return 0;
}

struct way_walk {
	struct way_space *space;
	struct way_key key;
	__u64 now;
};

static long tick_is_durable(__u32 i, struct way_walk *walk)
{
	struct way_tick *tick;

	(void)i;
	walk->key.of++;
	tick = bpf_map_lookup_elem(&ticks, &walk->key);
	if (!tick)
		return 0;
	if (tick->deltas)
		way_add(way_at(walk->space->hist[WAY_DISK], walk->now - tick->since), tick->deltas);
	bpf_map_delete_elem(&ticks, &walk->key);
	return 0;
}

STEP(log_durable)
{
	struct way_space *space = is_other(step->space) ? NULL : find_space(step->space);
	struct way_walk walk = { space, { step->space, 0 }, bpf_ktime_get_ns() };
	__u64 from, n;

	if (!space || !space->written || step->tick < space->written)
		return 0;
	from = space->durable ? space->durable : space->written - 1;
	n = step->tick > from ? step->tick - from : 0;
	if (n > TICKS)
		n = TICKS;
	walk.key.of = step->tick - n;
	bpf_loop((__u32)n, tick_is_durable, &walk, 0);
	space->durable = step->tick;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
