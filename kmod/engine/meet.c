// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "meet.h"
#include "history.h"
#include "joint.h"
#include "pass.h"
#include "replay.h"
#include "ring.h"

void ms_meeting_tick(struct ms_shard *shard)
{
	struct ms_space *space = shard->space;

	if (!space->meeting.ticked) {
		space->meeting.ticked = true;
		pf_write(space->meeting.count, space->meeting.count + 1);
		if (!space->replay.only)
			pf_next(&space->page->tick);
	}
	pf_write(shard->tick, space->page->tick);
}

static void meeting_open(struct ms_space *space)
{
	space->meeting.open = true;
	space->meeting.ticked = false;
}

static u32 meeting_exchange(struct ms_space *space)
{
	struct ms_todo todo = { .meet = false };
	u32 total = 0, n, i;

	do {
		n = 0;
		for (i = 0; i < space->nshards; i++)
			n += ms_pass_exchange(space->shards[i], &todo);
		total += n;
	} while (n);
	return total;
}

/* What is computed at a shard that applied nothing bears the meeting's tick all the same. */
static void meeting_stamp(struct ms_space *space)
{
	u32 i;

	for (i = 0; space->meeting.ticked && i < space->nshards; i++)
		pf_write(space->shards[i]->tick, space->page->tick);
}

/*
 * What is between shards comes first, because it was taken from its ring before what is still there. Every ring is looked at, because all
 * inline rings' callers may be waiting for this.
 */
static u32 meeting_apply(struct ms_space *space)
{
	struct ms_todo todo = { .meet = false };
	u32 n, i;

	for (i = 0; i < space->nshards; i++)
		ms_pass_begin(space->shards[i], false);
	n = meeting_exchange(space);
	for (i = 0; i < space->nshards; i++)
		n += ms_pass_serve_all(space->shards[i], &todo);
	meeting_stamp(space);
	return n;
}

static void meeting_close(struct ms_space *space, struct ms_todo *todo)
{
	u32 i;

	if (unlikely(space->replay.ends)) {
		ms_replay_turn(space);
	} else if (space->meeting.ticked && !space->replay.only) {
		ms_stream_tick_all(space);
		pf_next(&space->page->closed);
		ms_events_tell_all(space);
	}
	for (i = 0; i < space->nshards; i++)
		ms_pass_finish(space->shards[i], todo);
	space->meeting.open = false;
}

static void end_local_waves(struct ms_space *space, struct ms_todo *todo)
{
	u32 i;

	for (i = 0; i < space->nshards; i++)
		ms_pass_end_wave(space->shards[i], todo);
}

static u32 meet(struct ms_space *space, bool polls, struct ms_todo *todo)
{
	u32 n = 1;

	ms_space_stop(space, NULL);
	if (!space->meeting.open) {
		end_local_waves(space, todo);
		meeting_open(space);
		n = meeting_apply(space);
	}
	if (ms_replay_waits(space) || ms_joint_run(space, polls ? PF_WAVE_BUDGET : MS_WAVE_ALL))
		meeting_close(space, todo);
	else
		todo->meet = true;
	ms_space_leave(space, todo);
	return n;
}

u32 ms_meet(struct ms_space *space, struct ms_todo *todo)
{
	return meet(space, false, todo);
}

/* Who finds another at it does not stand in line for the locks, but lends a hand, and looks at everything once more afterwards. */
u32 ms_meet_polling(struct ms_shard *shard, struct ms_todo *todo)
{
	struct ms_space *space = shard->space;
	u32 n;

	if (!pf_swap64(&space->meeting.chair, 0, 1)) {
		pf_write(shard->kicked, 1);
		return ms_joint_help(space);
	}
	n = meet(space, true, todo);
	pf_release(&space->meeting.chair, 0);
	return n;
}

/* Where nobody polls, whoever lets go of the shards will run those that have news. */
static void leave_news(struct ms_space *space, const struct ms_todo *todo)
{
	u32 i;

	for (i = 0; i < space->nshards; i++)
		if (todo->bit[i / 64] >> (i % 64) & 1)
			pf_write(space->shards[i]->kicked, 1);
}

static void end_all(struct ms_space *space, struct ms_todo *todo)
{
	if (space->meeting.open) {
		ms_joint_run(space, MS_WAVE_ALL);
		meeting_close(space, todo);
	}
	end_local_waves(space, todo);
}

void ms_meet_end(struct ms_space *space)
{
	struct ms_todo todo = { .meet = false };

	end_all(space, &todo);
	leave_news(space, &todo);
}

/* Answers that waited for the wave arrive in a second round. */
static void settle_answers(struct ms_space *space, struct ms_todo *todo)
{
	u32 i;

	meeting_exchange(space);
	for (i = 0; i < space->nshards; i++)
		if (space->shards[i]->touched)
			ms_pass_finish(space->shards[i], todo);
}

void ms_meet_settle(struct ms_space *space)
{
	struct ms_todo todo = { .meet = false };

	end_all(space, &todo);
	if (space->nshards > 1) {
		meeting_open(space);
		meeting_exchange(space);
		meeting_stamp(space);
		if (!ms_replay_waits(space))
			ms_joint_run(space, MS_WAVE_ALL);
		meeting_close(space, &todo);
		settle_answers(space, &todo);
	}
	leave_news(space, &todo);
}
