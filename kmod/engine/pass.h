/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The pass: one bounded round of a shard by whoever holds its run lock. Mail from other shards first, then rings, each with a share
 * that the next one need not wait long for; at the end one full barrier, behind which waiters are looked for.
 *
 * The first delta of a pass opens a tick, and all that the pass applies is stamped with it.
 */
#ifndef MS_PASS_H
#define MS_PASS_H

#include "shard.h"

/* Shards that somebody should run, where no poller does: a bit each. */
struct ms_todo {
	u64 bit[MS_INBOX];
	bool meet;			/* a meeting is due */
};

/* `own` is served first; `polls`: the caller is the poller, for whom the polled rings are. Returns what was handled. */
u32 ms_pass(struct ms_shard *shard, struct ms_ring *own, bool polls, struct ms_todo *todo);

static inline void ms_todo_add(struct ms_todo *todo, const struct ms_shard *shard)
{
	todo->bit[shard->number / 64] |= 1ull << (shard->number % 64);
}

/* The pieces of a pass that a meeting puts together: what is applied, and what is told when the tick has closed. */
bool ms_pass_begin(struct ms_shard *shard, bool polls);
u32 ms_pass_serve_all(struct ms_shard *shard, struct ms_todo *todo);
u32 ms_pass_exchange(struct ms_shard *shard, struct ms_todo *todo);
void ms_pass_finish(struct ms_shard *shard, struct ms_todo *todo);
/* Ends the wave of a shard that is alone with it. */
void ms_pass_end_wave(struct ms_shard *shard, struct ms_todo *todo);
void ms_pass_wake_watchers(struct ms_shard *shard);
/* The ring has completions to be published at the end of the pass. */
void ms_pass_touch(struct ms_shard *shard, struct ms_ring *ring);
/* Nothing of the ring can be taken now: if there is something to take, what keeps it is counted and told. */
void ms_pass_by(struct ms_shard *shard, struct ms_ring *ring);
bool ms_shard_has_mail(const struct ms_shard *shard);

#endif
