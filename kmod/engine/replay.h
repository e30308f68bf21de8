/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Replay: a history done again. One ring writes, and says where ticks end; until it does, what follows from its deltas waits.
 *
 * While it is open, other rings' deltas are refused. In a space of several shards each delta is applied in a meeting, whose wave is left
 * alone until the tick ends: so it is the same wave, whatever the number of shards was and is.
 *
 * Between two ticks the space may get its log all the same, if whoever opens it says that he knows (MMSB_HISTORY_HELD): then nobody can write
 * between the end of the replay and the log's beginning. The ring begins no tick from then on, and others go on once it is closed.
 *
 * A space can be made shut: then others go on only if the ring's client said that it is whole, or there is a log. So the death of who
 * restores a space leaves no half of one behind that somebody takes for the whole.
 */
#ifndef MS_REPLAY_H
#define MS_REPLAY_H

#include "space.h"

/* While it is being made. */
void ms_replay_shut(struct ms_space *space);
/* With every run lock held: the ring's tick is forgotten. Without a ring the space is open. */
void ms_replay_reset(struct ms_space *space);

/* A ring comes, or goes, which ends its tick. */
enum mmsb_reason ms_replay_begin(struct ms_ring *ring);
void ms_replay_end(struct ms_ring *ring);

/* MMSB_OP_TICK: the tick ends with this pass, and that one begins. */
enum mmsb_reason ms_replay_tick(struct ms_ring *ring, u64 number);

/* The wave of the tick that was to end has ended. With the run lock of a space's only shard, or all of them, held. */
void ms_replay_turn(struct ms_space *space);

/* What has changed waits for the tick to end. */
static inline bool ms_replay_waits(const struct ms_space *space)
{
	return unlikely(space->replay.ring) && !space->replay.ends;
}

#endif
