// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "history.h"
#include "capture.h"
#include "log.h"
#include "meet.h"
#include "space.h"

void ms_history_wake(struct ms_history *history)
{
	pf_mb();	/* partner: the barrier between registering and looking, in pf_waitq_wait() */
	if (pf_waitq_active(&history->waitq))
		pf_waitq_wake(&history->waitq);
}

bool ms_history_is_full(const struct ms_shard *shard)
{
	return shard->stream && pf_read(shard->space->history->full);
}

bool ms_history_takes_words(const struct ms_shard *shard)
{
	return shard->space->history->compact;
}

/* --------------------------------------------------------------------------------------------------- opening, closing */

static void streams_free(const struct ms_space *space, struct ms_stream *streams)
{
	u32 i;

	for (i = 0; streams && i < space->nshards; i++) {
		ms_segments_free(streams[i].first);
		ms_segments_free(streams[i].spares);
	}
	pf_free(streams);
}

void ms_history_free(struct ms_history *history)
{
	ms_capture_free(history->capture);
	if (!history->log)
		ms_history_batch_free(history->space, history->batch);
	ms_history_batches_free(history->space, history->first);
	streams_free(history->space, history->streams);
	pf_waitq_destroy(&history->waitq);
	pf_mutex_destroy(&history->mutex);
	pf_mutex_destroy(&history->reader);
	pf_free(history);
}

enum mmsb_reason ms_history_make(struct ms_space *space, const struct mmsb_history_open_args *args, struct ms_history **out)
{
	struct ms_history *history = pf_alloc(sizeof(*history), -1);

	if (!history)
		return MMSB_REASON_NO_MEMORY;
	history->streams = pf_alloc(space->nshards * sizeof(*history->streams), -1);
	if (!history->streams) {
		pf_free(history);
		return MMSB_REASON_NO_MEMORY;
	}
	pf_mutex_init(&history->mutex);
	pf_mutex_init(&history->reader);
	pf_waitq_init(&history->waitq);
	history->space = space;
	history->limit = args->limit ? args->limit : MMSB_HISTORY_LIMIT;
	history->compact = args->flags & MMSB_HISTORY_COMPACT;
	history->log = args->flags & MMSB_HISTORY_LOG;
	history->wake_bytes = args->wake_bytes ? args->wake_bytes : MMSB_HISTORY_WAKE;
	*out = history;
	return MMSB_REASON_NONE;
}

static void streams_connect(struct ms_space *space, struct ms_history *history, bool connect)
{
	u32 i;

	for (i = 0; i < space->nshards; i++)
		space->shards[i]->stream = connect ? &history->streams[i] : NULL;
	space->history = connect ? history : NULL;
}

/* It begins with what the hash is. */
enum mmsb_reason ms_history_attach(struct ms_history *history)
{
	struct ms_space *space = history->space;
	enum mmsb_reason reason;
	struct ms_mark mark;

	if (space->history || space->log.history)
		return MMSB_REASON_HISTORY_TAKEN;
	streams_connect(space, history, true);
	reason = ms_history_mark(space, &mark);
	if (reason)
		streams_connect(space, history, false);
	else
		ms_history_switch(space, &mark);
	return reason;
}

void ms_history_detach(struct ms_history *history)
{
	struct ms_space *space = history->space;
	u32 i;

	if (space->history != history)
		return;
	ms_capture_fail(space);
	space->capture = NULL;
	streams_connect(space, history, false);
	pf_write(history->told_all, 1);
	pf_write(history->full, 0);
	for (i = 0; i < space->nshards; i++)
		pf_write(space->shards[i]->kicked, 1);
}

static enum mmsb_reason args_check(const struct mmsb_history_open_args *args)
{
	if (args->flags & ~MMSB_HISTORY_KNOWN)
		return MMSB_REASON_BAD_FLAGS;
	if (args->flags & MMSB_HISTORY_LOG)
		return MMSB_REASON_NONE;
	if (args->flags & (MMSB_HISTORY_TAKE_OVER | MMSB_HISTORY_HELD))
		return MMSB_REASON_BAD_FLAGS;
	return args->mode || args->log_id[0] || args->log_id[1] || args->wake_bytes ? MMSB_REASON_BAD_RESERVED : MMSB_REASON_NONE;
}

static enum mmsb_reason open_plain(struct ms_space *space, const struct mmsb_history_open_args *args, struct ms_history **out)
{
	struct ms_history *history;
	enum mmsb_reason reason = ms_history_make(space, args, &history);

	if (reason)
		return reason;
	ms_space_stop(space, NULL);
	ms_meet_settle(space);
	reason = ms_history_attach(history);
	ms_space_go(space, NULL);
	if (reason) {
		ms_history_free(history);
		return reason;
	}
	*out = history;
	return reason;
}

enum mmsb_reason ms_history_open(struct ms_space *space, struct mmsb_history_open_args *args, struct ms_history **history)
{
	enum mmsb_reason reason = args_check(args);

	if (reason)
		return reason;
	return args->flags & MMSB_HISTORY_LOG ? ms_log_open(space, args, history) : open_plain(space, args, history);
}

void ms_history_close(struct ms_history *history)
{
	struct ms_space *space = history->space;

	ms_space_stop(space, NULL);
	ms_history_detach(history);
	ms_space_go(space, NULL);
	ms_history_free(history);
}

/* ------------------------------------------------------------------------------------------------------------ capture */

/* With every run lock held. */
static enum mmsb_reason capture_begin(struct ms_history *history)
{
	struct ms_space *space = history->space;
	struct ms_capture *capture;
	enum mmsb_reason reason;
	struct ms_mark mark;

	if (space->history != history)
		return MMSB_REASON_NO_LOG;
	if (history->capture)
		return MMSB_REASON_CAPTURING;
	reason = ms_history_mark(space, &mark);
	if (reason)
		return reason;
	reason = ms_capture_make(space, &capture);
	if (reason) {
		ms_history_mark_drop(space, &mark);
		return reason;
	}
	ms_capture_start(capture, space->page->tick + (history->log ? 1 : 0));	/* the mark's own tick, see tick_pass() */
	history->capture = capture;
	ms_history_mark_hash(space, &mark, MMSB_RECORD_CAPTURE);
	return reason;
}

enum mmsb_reason ms_history_capture(struct ms_history *history, u64 term, u64 *tick)
{
	enum mmsb_reason reason = ms_history_enter(history, term);

	if (reason)
		return reason;
	ms_space_stop(history->space, NULL);
	ms_meet_settle(history->space);
	reason = capture_begin(history);
	*tick = history->space->page->tick;
	ms_space_go(history->space, NULL);
	ms_history_leave(history);
	return reason;
}

/* ---------------------------------------------------------------------------------------------------------- for a log */

enum mmsb_reason ms_history_enter(struct ms_history *history, u64 term)
{
	pf_mutex_lock(&history->reader);
	if (likely(history->term == term))
		return MMSB_REASON_NONE;
	pf_mutex_unlock(&history->reader);
	return MMSB_REASON_FENCED;
}

void ms_history_leave(struct ms_history *history)
{
	pf_mutex_unlock(&history->reader);
}

void ms_history_hold(struct ms_history *history)
{
	history->holders++;
}

bool ms_history_unhold(struct ms_history *history)
{
	return --history->holders;
}

struct ms_space *ms_history_space(const struct ms_history *history)
{
	return history->space;
}

u64 ms_history_limit(const struct ms_history *history)
{
	return history->limit;
}

/* With every run lock held, and everything settled. */
enum mmsb_reason ms_history_finish(struct ms_history *history)
{
	enum mmsb_reason reason;
	struct ms_mark mark;

	reason = ms_history_mark(history->space, &mark);
	if (reason)
		return reason;
	ms_history_mark_set(history->space, &mark, MMSB_RECORD_END);
	ms_history_detach(history);
	return reason;
}
