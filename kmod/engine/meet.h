/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A meeting: a tick for which all shards of a space stand still, because pages of one follow pages of another.
 *
 * Whoever comes upon a delta that other shards' pages follow (or that changes the graph) leaves it in its ring or its link, and once
 * his pass is over calls a meeting: he takes every run lock, applies what waits at all shards, up to a share of each ring, runs
 * the waves of all shards up together (joint.h), with whoever comes to share the work, and closes the tick. Load makes meetings larger,
 * not more frequent. Shards that share no edge with another never need one, and spaces without derived pages do not know of them.
 *
 * A meeting whose wave is long is adjourned when its budget is used up: the locks are free in between, for whoever only looks, but the
 * space's tick stays open and nobody applies anything until somebody has gone on with it to its end.
 */
#ifndef MS_MEET_H
#define MS_MEET_H

#include "space.h"

struct ms_todo;

/*
 * Opens a meeting, or goes on with one; to its end, or, as the poller of that shard, as far as a budget goes. Adds to the shards that have
 * to be run. Returns what was handled.
 */
u32 ms_meet(struct ms_space *space, struct ms_todo *todo);
u32 ms_meet_polling(struct ms_shard *shard, struct ms_todo *todo);

/*
 * With every run lock held, and let go by ms_space_go(), which runs the shards that have news: ends what is under way; and lets all
 * messages between shards arrive.
 */
void ms_meet_end(struct ms_space *space);
void ms_meet_settle(struct ms_space *space);

/* The tick that all who apply in a meeting share. */
void ms_meeting_tick(struct ms_shard *shard);

#endif
