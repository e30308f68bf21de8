// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "replay.h"
#include "history.h"
#include "meet.h"
#include "pass.h"
#include "ring.h"
#include "words.h"

void ms_replay_shut(struct ms_space *space)
{
	pf_write(space->shut, true);
	space->replay.only = MS_NOBODY;
}

void ms_replay_reset(struct ms_space *space)
{
	struct ms_ring *ring = space->replay.ring;

	space->replay = (struct ms_replay){ .ring = ring, .only = ring, .words = space->replay.words };
	if (!ring)
		pf_write(space->shut, false);
}

enum mmsb_reason ms_replay_begin(struct ms_ring *ring)
{
	struct ms_space *space = ms_ring_space(ring);
	enum mmsb_reason reason = MMSB_REASON_NONE;
	struct ms_words *words = ms_words_make();

	if (!words)
		return MMSB_REASON_NO_MEMORY;
	ms_space_stop(space, NULL);
	ms_meet_settle(space);
	if (space->replay.ring)
		reason = MMSB_REASON_REPLAYING;
	else if (space->log.history)
		reason = MMSB_REASON_LOGGED;
	else
		space->replay = (struct ms_replay){ .ring = ring, .only = ring, .words = words };
	ms_space_go(space, NULL);
	if (reason)
		pf_free(words);
	return reason;
}

/* So its client says, who cannot know it if he broke the ring. */
static bool is_whole(const struct ms_ring *ring)
{
	return pf_read(ring->client->whole) == 1 && !ring->broken;
}

void ms_replay_end(struct ms_ring *ring)
{
	struct ms_space *space = ms_ring_space(ring);
	struct ms_todo todo = { .meet = false };
	struct ms_words *words;

	ms_space_stop(space, NULL);
	space->replay.ends = true;
	space->shards[0]->waving = space->nshards == 1;
	ms_pass_end_wave(space->shards[0], &todo);
	ms_meet_settle(space);
	words = space->replay.words;
	if (space->log.history || is_whole(ring))
		pf_write(space->shut, false);
	space->replay = (struct ms_replay){ .only = space->shut ? MS_NOBODY : NULL };
	ms_space_go(space, NULL);
	pf_free(words);
}

enum mmsb_reason ms_replay_tick(struct ms_ring *ring, u64 number)
{
	struct ms_space *space = ms_ring_space(ring);

	if (!ring->replay)
		return MMSB_REASON_NOT_REPLAYING;
	if (number && space->log.history)
		return MMSB_REASON_LOGGED;
	if (number && number <= space->page->tick)
		return MMSB_REASON_BAD_TICK;
	space->replay.ends = true;
	space->replay.next = number;
	return MMSB_REASON_NONE;
}

/*
 * The space page's count of closed ticks is made to fit, so that it equals the tick's number whenever none is open. What waited for the tick
 * to end is looked at again.
 */
void ms_replay_turn(struct ms_space *space)
{
	struct ms_replay *replay = &space->replay;
	u32 i;

	if (replay->open) {
		pf_trace(tick, space->id, MMSB_TRACE_ALL, space->page->tick, 0);
		ms_stream_tick_all(space);
		pf_release(&space->page->closed, space->page->tick);
		ms_events_tell_all(space);
	}
	replay->open = replay->next;
	if (replay->open)
		pf_write(space->page->tick, replay->next);
	replay->ends = false;
	replay->next = 0;
	for (i = 0; i < space->nshards; i++)
		pf_write(space->shards[i]->kicked, 1);
}
