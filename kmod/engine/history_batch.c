// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "history_batch.h"
#include "capture.h"
#include "history.h"
#include "meet.h"
#include "space.h"

static struct ms_history_batch *batch_make(const struct ms_space *space)
{
	struct ms_history_batch *batch = pf_alloc(sizeof(*batch) + space->nshards * sizeof(batch->stream[0]), -1);

	return batch;
}

void ms_history_batch_free(const struct ms_space *space, struct ms_history_batch *batch)
{
	u32 i;

	for (i = 0; batch && i < space->nshards; i++)
		ms_segments_free(batch->stream[i].first);
	pf_free(batch);
}

void ms_history_batch_give_back(struct ms_history *history, struct ms_history_batch *batch)
{
	struct ms_segment *segment, *next;
	u32 i;

	for (i = 0; i < history->space->nshards; i++)
		for (segment = batch->stream[i].first; segment; segment = next) {
			next = segment->next;
			ms_stream_give_back(history, &history->streams[i], segment);
		}
	pf_free(batch);
}

/* With every run lock held. A tick that goes on, in a replay, is to be closed without fail in what the shard goes on with. */
static enum mmsb_reason batch_reserve(const struct ms_space *space, struct ms_history_batch *batch)
{
	u32 i;

	for (i = 0; i < space->nshards; i++) {
		if (likely(!space->shards[i]->stream->told))
			continue;
		batch->stream[i].first = ms_stream_spare(space->shards[i]);
		if (!batch->stream[i].first)
			return MMSB_REASON_NO_MEMORY;
	}
	return MMSB_REASON_NONE;
}

/* With every run lock held: no tick is open but a replay's. */
static u64 ticks_told(const struct ms_space *space)
{
	return space->page->tick - (space->replay.open ? 1 : 0);
}

static void batch_fill(struct ms_space *space, struct ms_history_batch *batch)
{
	u32 i;

	batch->bytes = batch->mark.record.bytes;
	batch->upto = ticks_told(space);
	for (i = 0; i < space->nshards; i++) {
		struct ms_stream *stream = space->shards[i]->stream;
		struct ms_segment *spare = batch->stream[i].first;

		batch->stream[i].first = stream->first;
		batch->stream[i].segment = stream->first;
		stream->first = spare;
		stream->last = spare;
		batch->bytes += stream->waiting;
		pf_write(stream->waiting, 0);
	}
}

static void batch_append(struct ms_history *history, struct ms_history_batch *batch)
{
	pf_mutex_lock(&history->mutex);
	if (history->last)
		history->last->next = batch;
	else
		history->first = batch;
	history->last = batch;
	pf_write(history->taken, history->taken + batch->bytes);
	pf_mutex_unlock(&history->mutex);
}

/* A log is told how far it goes then: all that rings sent to other shards has arrived, and lies before that. */
static void batch_bound(struct ms_space *space, struct ms_history_batch *batch)
{
	batch->bounded = true;
	batch->urgent = pf_take64(&space->log.urgent);
}

enum mmsb_reason ms_history_take(struct ms_history *history)
{
	struct ms_space *space = history->space;
	struct ms_history_batch *batch = batch_make(space);
	enum mmsb_reason reason;

	if (!batch)
		return MMSB_REASON_NO_MEMORY;
	ms_space_stop(space, NULL);
	if (history->log)
		ms_meet_settle(space);
	else
		ms_meet_end(space);
	reason = history->told_all ? MMSB_REASON_NONE : batch_reserve(space, batch);
	if (!reason && !history->told_all) {
		if (history->log)
			batch_bound(space, batch);
		batch_fill(space, batch);
		batch_append(history, batch);
		batch = NULL;
	}
	ms_space_go(space, NULL);
	ms_history_batch_free(space, batch);
	return reason;
}

void ms_history_batches_free(const struct ms_space *space, struct ms_history_batch *batch)
{
	while (batch) {
		struct ms_history_batch *next = batch->next;

		ms_history_batch_free(space, batch);
		batch = next;
	}
}

/* -------------------------------------------------------------------------------------------------------------- marks */

void ms_history_mark_drop(const struct ms_space *space, const struct ms_mark *mark)
{
	ms_history_batch_free(space, mark->before);
	ms_history_batch_free(space, mark->after);
}

/* With every run lock held: what was told so far lies in front of a record that stands for all shards. */
enum mmsb_reason ms_history_mark(struct ms_space *space, struct ms_mark *mark)
{
	enum mmsb_reason reason = MMSB_REASON_NO_MEMORY;

	*mark = (struct ms_mark){ .after = NULL };
	if (!space->history)
		return MMSB_REASON_NONE;
	mark->before = batch_make(space);
	mark->after = batch_make(space);
	if (mark->before && mark->after)
		reason = batch_reserve(space, mark->before);
	if (reason)
		ms_history_mark_drop(space, mark);
	return reason;
}

/* What is told between ticks gets one of its own in a log, so that a tick says whether it is durable. */
static void tick_pass(struct ms_space *space)
{
	pf_next(&space->page->tick);
	pf_next(&space->page->closed);
}

void ms_history_mark_set(struct ms_space *space, const struct ms_mark *mark, u8 type)
{
	struct mmsb_hash_record *record = &mark->after->mark;

	record->record.bytes = type == MMSB_RECORD_RESET || type == MMSB_RECORD_END ? sizeof(record->record) : sizeof(*record);
	record->record.type = type;
	batch_fill(space, mark->before);
	batch_append(space->history, mark->before);
	if (space->history->log)
		tick_pass(space);
	record->record.tick = space->page->tick;
	mark->after->upto = space->page->tick;
	mark->after->bounded = space->history->log;
	mark->after->bytes = record->record.bytes;
	batch_append(space->history, mark->after);
	ms_history_wake(space->history);
}

/* Says what the hash is now, whatever it was. */
void ms_history_mark_hash(struct ms_space *space, const struct ms_mark *mark, u8 type)
{
	struct mmsb_hash_record *record;
	u32 i;

	if (!mark->after)
		return;
	record = &mark->after->mark;
	for (i = 0; i < space->nshards; i++) {
		memset(&space->shards[i]->stream->hash, 0, sizeof(space->shards[i]->stream->hash));
		ms_stream_moved(space->shards[i], record->hash);
	}
	record->record.flags = space->hashing ? MMSB_RECORD_HASHED : 0;
	record->time = pf_wall();
	ms_history_mark_set(space, mark, type);
}

void ms_history_switch(struct ms_space *space, const struct ms_mark *mark)
{
	ms_history_mark_hash(space, mark, MMSB_RECORD_HASH);
}

/* What was told before comes before this, and what comes after begins at tick 0 again. */
void ms_history_reset(struct ms_space *space, const struct ms_mark *mark)
{
	u32 i;

	ms_capture_fail(space);
	if (!mark->after)
		return;
	ms_history_mark_set(space, mark, MMSB_RECORD_RESET);
	for (i = 0; i < space->nshards; i++) {
		space->shards[i]->stream->told = false;
		memset(&space->shards[i]->stream->hash, 0, sizeof(space->shards[i]->stream->hash));
	}
}

/* ------------------------------------------------------------------------------------------------------------ reading */

static const struct mmsb_record *stream_peek(const struct ms_history_batch *batch, u32 shard)
{
	const struct ms_segment *segment = batch->stream[shard].segment;

	return segment ? (const void *)(segment->bytes + batch->stream[shard].at) : NULL;
}

/* Segments that are empty, or read, are given back, but for a log's. */
static void stream_settle(const struct ms_history *history, struct ms_batch_stream *stream)
{
	struct ms_segment *segment;

	while ((segment = stream->segment) && stream->at >= segment->used) {
		stream->segment = segment->next;
		stream->at = 0;
		if (history->log)
			continue;
		stream->first = stream->segment;
		pf_free(segment);
	}
}

/* A tick's deltas come before its end, wherever that was written. */
static bool record_is_before(const struct mmsb_record *record, const struct mmsb_record *other)
{
	if (!other || record->tick != other->tick)
		return !other || record->tick < other->tick;
	return record->type != MMSB_RECORD_TICK && other->type == MMSB_RECORD_TICK;
}

const struct mmsb_record *ms_history_batch_peek(struct ms_history *history, struct ms_history_batch *batch, u32 *shard)
{
	const struct mmsb_record *first = NULL, *record;
	u32 i;

	for (i = 0; i < history->space->nshards; i++) {
		stream_settle(history, &batch->stream[i]);
		record = stream_peek(batch, i);
		if (!record || !record_is_before(record, first))
			continue;
		first = record;
		*shard = i;
	}
	return first;
}
