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
};

/* `own` is served first; `polls`: the caller is the poller, for whom the polled rings are. Returns what was handled. */
u32 ms_pass(struct ms_shard *shard, struct ms_ring *own, bool polls, struct ms_todo *todo);

/* With every run lock of the space held: handles messages to and from other shards, adds how many. */
void ms_pass_mail(struct ms_shard *shard, u32 *handled);
void ms_pass_wake_watchers(struct ms_shard *shard);
bool ms_shard_has_mail(const struct ms_shard *shard);

#endif
