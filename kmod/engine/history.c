// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "history.h"
#include "capture.h"
#include "log.h"
#include "meet.h"
#include "space.h"

#define SEGMENT		(64u << 10)
#define TICK_BYTES	sizeof(struct mmsb_hash_record)
#define WORDS_BYTES	(MS_BATCH * sizeof(struct mmsb_word_record))

/* What was taken from the shards at once: a record that stands for all of them, then a stream each, read by tick, then how far that goes. */
struct ms_history_batch {
	struct ms_history_batch *next;
	struct mmsb_hash_record mark;		/* `bytes` is 0: none */
	struct ms_hash hash;			/* a log's: as it was when the batch was begun, should somebody begin again */
	u64 upto;				/* every tick up to this one lies in this batch or before it */
	u64 bytes;				/* of records */
	bool bounded, urgent;			/* a log's: that is told, and somebody waits for it */
	bool begun, mark_told, bound_told;
	struct ms_batch_stream {
		struct ms_segment *first;	/* before it is filled: what the shard goes on with */
		struct ms_segment *segment;	/* what is being read */
		u64 at;
	} stream[];
};

struct ms_history {
	struct ms_space *space;
	u64 limit;
	bool log, compact;
	struct ms_stream *streams;		/* one a shard; the shards write to them while the space tells */
	u64 wake_bytes;				/* a log's */
	u32 holders;				/* who has it open, and the space of a log; under control */
	struct pf_mutex reader;			/* whoever reads, and says what is durable */
	struct pf_mutex mutex;
	struct ms_history_batch *first, *last;	/* under the mutex */
	u64 taken;				/* bytes of records in batches, ever; under the mutex */
	u64 read;				/* of those */
	u64 freed;				/* of those */
	u32 full;				/* rings stand still */
	u32 told_all;				/* nothing more will come */
	struct pf_waitq waitq;			/* of those who wait for records */

	/* The reader's. */
	u64 term;				/* a log's: whose turn it is */
	struct ms_history_batch *batch;
	struct ms_hash hash;			/* as of the last record read */
	u64 bound;				/* the last that was told */
	struct mmsb_hash_record told;		/* a tick's record, with the sum */
	u32 capturing;				/* a CAPTURE was read, and not its CAPTURED */
	u64 capture_tick;			/* of that */
	u64 since;				/* bytes that were read before it */
	struct ms_capture *capture;		/* the last one asked for, until its CAPTURED was read; written with every run lock held */
};

void ms_history_wake(struct ms_history *history)
{
	pf_mb();	/* partner: the barrier between registering and looking, in pf_waitq_wait() */
	if (pf_waitq_active(&history->waitq))
		pf_waitq_wake(&history->waitq);
}

/* ------------------------------------------------------------------------------------------------------------- writing */

struct ms_segment *ms_segment_make(u64 bytes, int node)
{
	u64 room = bytes > SEGMENT ? bytes : SEGMENT;
	struct ms_segment *segment = pf_alloc(sizeof(*segment) + room, node);

	if (segment)
		segment->room = room;
	return segment;
}

/*
 * Who tells of what a shard does: the shard, or the first of them if all meet, for then the order matters in which they changed the
 * graph together.
 */
static struct ms_shard *teller_of(struct ms_shard *shard)
{
	return shard->space->meeting.open ? shard->space->shards[0] : shard;
}

/*
 * Every segment keeps room for the record that closes a tick, so that no tick can fail to be told, and for a batch of words, which go
 * a way on which nothing can fail.
 */
static enum mmsb_reason stream_reserve(struct ms_shard *shard, u64 bytes)
{
	struct ms_stream *stream = shard->stream;
	struct ms_segment *segment = stream->last;

	bytes += WORDS_BYTES + TICK_BYTES;
	if (segment && bytes <= segment->room - segment->used)
		return MMSB_REASON_NONE;
	segment = ms_segment_make(bytes, shard->node);
	if (!segment)
		return MMSB_REASON_NO_MEMORY;
	if (stream->last)
		stream->last->next = segment;
	else
		stream->first = segment;
	stream->last = segment;
	return MMSB_REASON_NONE;
}

static struct mmsb_record *stream_put(struct ms_shard *shard, u64 bytes, u8 type)
{
	struct ms_segment *segment = shard->stream->last;
	struct mmsb_record *record = (void *)(segment->bytes + segment->used);

	shard->stream->at = segment->used;
	segment->used += bytes;
	record->bytes = (u32)bytes;
	record->type = type;
	record->flags = 0;
	record->shard = (u16)shard->number;
	record->tick = shard->tick;
	return record;
}

enum mmsb_reason ms_history_begin(struct ms_shard *shard, const struct mmsb_origin *origin, const struct mmsb_sqe *sqe, const u8 **operand,
				  u64 bytes)
{
	bool payload = sqe->flags & MMSB_SQE_PAYLOAD;
	u64 padded = payload ? (bytes + 7) & ~7ull : 0;
	struct ms_shard *teller = teller_of(shard);
	struct mmsb_delta_record *record;
	enum mmsb_reason reason = stream_reserve(teller, sizeof(*record) + padded);

	if (reason)
		return reason;
	record = (void *)stream_put(teller, sizeof(*record) + padded, MMSB_RECORD_DELTA);
	record->record.shard = (u16)shard->number;
	record->record.tick = shard->tick;
	record->origin = *origin;
	record->sqe = *sqe;
	record->sqe.flags &= (u16)~(MMSB_SQE_QUIET | MMSB_SQE_DURABLE);
	record->sqe.user_data = 0;
	record->operand_bytes = payload ? bytes : 0;
	if (!payload)
		return reason;
	record->sqe.payload = 0;
	if (padded)
		((u64 *)(record + 1))[padded / 8 - 1] = 0;
	memcpy(record + 1, *operand, bytes);
	*operand = (const u8 *)(record + 1);
	return reason;
}

/* In a replay a tick may be longer than what may wait, so the reader hears of that, too. */
static void stream_look(struct ms_shard *shard)
{
	struct ms_history *history = shard->space->history;
	u64 waiting = shard->stream->waiting * shard->space->nshards;

	if (likely(pf_read(history->taken) - pf_read(history->freed) + waiting < history->limit))
		return;
	pf_write(history->full, 1);
	ms_history_wake(history);
}

static void stream_count(struct ms_shard *shard, u64 bytes)
{
	pf_write(shard->stream->waiting, shard->stream->waiting + bytes);
	stream_look(shard);
}

void ms_history_crowd(struct ms_shard *shard, u64 images)
{
	struct ms_history *history = shard->space->history;
	u64 waiting = (shard->stream->waiting + images) * shard->space->nshards;

	if (likely(pf_read(history->taken) - pf_read(history->freed) + waiting < history->limit))
		return;
	pf_write(history->full, 1);
	ms_history_wake(history);
}

void ms_history_cut(struct ms_shard *shard, u64 bytes)
{
	struct ms_stream *stream = teller_of(shard)->stream;
	struct mmsb_delta_record *record = (void *)(stream->last->bytes + stream->at);

	record->record.bytes = (u32)(sizeof(*record) + bytes);
	record->operand_bytes = bytes;
	record->sqe.len = (u32)bytes;
	stream->last->used = stream->at + record->record.bytes;
}

void ms_history_end(struct ms_shard *shard, bool keep, u64 page)
{
	struct ms_shard *teller = teller_of(shard);
	struct ms_stream *stream = teller->stream;
	struct mmsb_delta_record *record = (void *)(stream->last->bytes + stream->at);

	if (!keep) {
		stream->last->used = stream->at;
		return;
	}
	if (page) {
		record->sqe.page = page;
		record->sqe.flags |= MMSB_SQE_AT;
	}
	stream->told = true;
	stream_count(teller, record->record.bytes);
}

bool ms_history_takes_words(const struct ms_shard *shard)
{
	return shard->space->history->compact;
}

enum mmsb_reason ms_history_reserve_words(struct ms_shard *shard, const struct mmsb_origin *origin)
{
	struct ms_shard *teller = teller_of(shard);

	teller->stream->origin = origin;
	return stream_reserve(teller, 0);
}

/* What waits is looked at when the tick closes: a batch is not much. */
void ms_history_word(struct ms_shard *shard, const struct mmsb_sqe *sqe)
{
	struct ms_shard *teller = teller_of(shard);
	struct ms_stream *stream = teller->stream;
	struct mmsb_word_record *record = (void *)stream_put(teller, sizeof(*record), MMSB_RECORD_WORD);

	record->record.shard = (u16)shard->number;
	record->record.tick = shard->tick;
	record->origin = *stream->origin;
	record->page = sqe->page;
	record->word = sqe->len == 8 ? sqe->word[0] : sqe->word[0] & ((1ull << 8 * sqe->len) - 1);
	record->offset = (u32)sqe->offset;
	record->op = sqe->op;
	record->lane = sqe->lane;
	record->len = (u8)sqe->len;
	record->flags = 0;
	stream->told = true;
	pf_write(stream->waiting, stream->waiting + sizeof(*record));
}

/* By how much the shard's part has moved since it was told last. */
static void hash_moved(struct ms_shard *shard, u64 hash[2])
{
	struct ms_stream *stream = shard->stream;

	hash[0] += shard->hash.sum[0] - stream->hash.sum[0];
	hash[1] += shard->hash.sum[1] - stream->hash.sum[1];
	stream->hash = shard->hash;
}

/* What told something has a segment, with room for this. */
static struct mmsb_hash_record *put_tick(struct ms_shard *shard)
{
	struct mmsb_hash_record *record = (void *)stream_put(shard, sizeof(*record), MMSB_RECORD_TICK);

	record->record.flags = shard->hashing ? MMSB_RECORD_HASHED : 0;
	record->hash[0] = 0;
	record->hash[1] = 0;
	record->time = pf_wall();
	stream_count(shard, sizeof(*record));
	return record;
}

/* A log's writer sleeps until there is enough to write, or somebody waits for it. */
static void notice(const struct ms_shard *shard)
{
	struct ms_history *history = shard->space->history;

	if (!history->log || shard->stream->waiting * shard->space->nshards >= history->wake_bytes)
		ms_history_wake(history);
}

void ms_history_tick(struct ms_shard *shard)
{
	if (!shard->stream->told)
		return;
	shard->stream->told = false;
	hash_moved(shard, put_tick(shard)->hash);
	notice(shard);
}

void ms_history_tick_all(struct ms_space *space)
{
	struct mmsb_hash_record *record = NULL;
	struct ms_shard *teller = NULL;
	u32 i;

	if (!space->history)
		return;
	for (i = 0; i < space->nshards; i++) {
		if (!teller && space->shards[i]->stream->told)
			teller = space->shards[i];
		space->shards[i]->stream->told = false;
	}
	if (!teller)
		return;
	record = put_tick(teller);
	for (i = 0; i < space->nshards; i++)
		hash_moved(space->shards[i], record->hash);
	notice(teller);
}

bool ms_history_is_full(const struct ms_shard *shard)
{
	return shard->stream && pf_read(shard->space->history->full);
}

/* -------------------------------------------------------------------------------------------------- taking the streams */

void ms_segments_free(struct ms_segment *segment)
{
	while (segment) {
		struct ms_segment *next = segment->next;

		pf_free(segment);
		segment = next;
	}
}

static struct ms_history_batch *batch_make(const struct ms_space *space)
{
	struct ms_history_batch *batch = pf_alloc(sizeof(*batch) + space->nshards * sizeof(batch->stream[0]), -1);

	return batch;
}

static void batch_free(const struct ms_space *space, struct ms_history_batch *batch)
{
	u32 i;

	for (i = 0; batch && i < space->nshards; i++)
		ms_segments_free(batch->stream[i].first);
	pf_free(batch);
}

/* With every run lock held. A tick that goes on, in a replay, is to be closed without fail in what the shard goes on with. */
static enum mmsb_reason batch_reserve(const struct ms_space *space, struct ms_history_batch *batch)
{
	u32 i;

	for (i = 0; i < space->nshards; i++) {
		if (likely(!space->shards[i]->stream->told))
			continue;
		batch->stream[i].first = ms_segment_make(WORDS_BYTES + TICK_BYTES, space->shards[i]->node);
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

static bool streams_have_any(const struct ms_history *history)
{
	u32 i;

	for (i = 0; i < history->space->nshards; i++)
		if (pf_read(history->streams[i].waiting))
			return true;
	return false;
}

/* A log is told how far it goes then: all that rings sent to other shards has arrived, and lies before that. */
static void batch_bound(struct ms_space *space, struct ms_history_batch *batch)
{
	batch->bounded = true;
	batch->urgent = pf_take64(&space->log.urgent);
}

static enum mmsb_reason history_take(struct ms_history *history)
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
	batch_free(space, batch);
	return reason;
}

/* ---------------------------------------------------------------------------------------------------------------- marks */

static void mark_drop(const struct ms_space *space, const struct ms_mark *mark)
{
	batch_free(space, mark->before);
	batch_free(space, mark->after);
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
		mark_drop(space, mark);
	return reason;
}

/* What is told between ticks gets one of its own in a log, so that a tick says whether it is durable. */
static void tick_pass(struct ms_space *space)
{
	pf_next(&space->page->tick);
	pf_next(&space->page->closed);
}

static void mark_set(struct ms_space *space, const struct ms_mark *mark, u8 type)
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
static void mark_hash(struct ms_space *space, const struct ms_mark *mark, u8 type)
{
	struct mmsb_hash_record *record;
	u32 i;

	if (!mark->after)
		return;
	record = &mark->after->mark;
	for (i = 0; i < space->nshards; i++) {
		memset(&space->shards[i]->stream->hash, 0, sizeof(space->shards[i]->stream->hash));
		hash_moved(space->shards[i], record->hash);
	}
	record->record.flags = space->hashing ? MMSB_RECORD_HASHED : 0;
	record->time = pf_wall();
	mark_set(space, mark, type);
}

void ms_history_switch(struct ms_space *space, const struct ms_mark *mark)
{
	mark_hash(space, mark, MMSB_RECORD_HASH);
}

/* What was told before comes before this, and what comes after begins at tick 0 again. */
void ms_history_reset(struct ms_space *space, const struct ms_mark *mark)
{
	u32 i;

	ms_capture_fail(space);
	if (!mark->after)
		return;
	mark_set(space, mark, MMSB_RECORD_RESET);
	for (i = 0; i < space->nshards; i++) {
		space->shards[i]->stream->told = false;
		memset(&space->shards[i]->stream->hash, 0, sizeof(space->shards[i]->stream->hash));
	}
}

/* ------------------------------------------------------------------------------------------------------------- reading */

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

static const struct mmsb_record *batch_peek(struct ms_history *history, struct ms_history_batch *batch, u32 *shard)
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

static const struct mmsb_record *take_mark(struct ms_history *history, struct ms_history_batch *batch)
{
	history->told = batch->mark;
	history->hash.sum[0] = batch->mark.hash[0];
	history->hash.sum[1] = batch->mark.hash[1];
	batch->mark_told = true;
	if (history->told.record.type == MMSB_RECORD_CAPTURE) {
		history->capture_tick = history->told.record.tick;
		history->since = history->read;
		pf_write(history->capturing, 1);
	}
	return &history->told.record;
}

static const struct mmsb_record *take_tick(struct ms_history *history, const struct mmsb_record *record)
{
	const struct mmsb_hash_record *moved = (const void *)record;

	history->hash.sum[0] += moved->hash[0];
	history->hash.sum[1] += moved->hash[1];
	history->told = *moved;
	history->told.hash[0] = history->hash.sum[0];
	history->told.hash[1] = history->hash.sum[1];
	return &history->told.record;
}

static const struct mmsb_record *take_bound(struct ms_history *history, struct ms_history_batch *batch)
{
	if (!batch->bounded || batch->bound_told)
		return NULL;
	batch->bound_told = true;
	history->bound = batch->upto;
	history->told.record = (struct mmsb_record){
		.bytes = sizeof(history->told.record),
		.type = MMSB_RECORD_BOUND,
		.flags = batch->urgent ? MMSB_RECORD_URGENT : 0,
		.tick = batch->upto,
	};
	return &history->told.record;
}

static const struct mmsb_record *batch_take(struct ms_history *history, struct ms_history_batch *batch)
{
	const struct mmsb_record *record;
	u32 shard = 0;

	if (batch->mark.record.bytes && !batch->mark_told)
		return take_mark(history, batch);
	record = batch_peek(history, batch, &shard);
	if (!record)
		return take_bound(history, batch);
	batch->stream[shard].at += record->bytes;
	return record->type == MMSB_RECORD_TICK ? take_tick(history, record) : record;
}

/* A history's batch is no longer needed when the next one is begun; a log's stays in line. */
static struct ms_history_batch *history_next_batch(struct ms_history *history)
{
	struct ms_history_batch *batch;

	pf_mutex_lock(&history->mutex);
	batch = history->log && history->batch ? history->batch->next : history->first;
	if (batch && !history->log) {
		history->first = batch->next;
		if (!history->first)
			history->last = NULL;
	}
	pf_mutex_unlock(&history->mutex);
	return batch;
}

static bool history_begin_batch(struct ms_history *history)
{
	struct ms_history_batch *batch = history_next_batch(history);

	if (!batch && history->log)
		return false;
	if (!history->log)
		batch_free(history->space, history->batch);
	history->batch = batch;
	if (batch) {
		batch->hash = history->hash;
		batch->begun = true;
	}
	return batch;
}

static u64 told_bytes(const struct mmsb_record *record)
{
	return record->type == MMSB_RECORD_BOUND ? 0 : record->bytes;
}

static const struct mmsb_record *history_step(struct ms_history *history)
{
	const struct mmsb_record *record;

	for (;;) {
		record = history->batch ? batch_take(history, history->batch) : NULL;
		if (record)
			break;
		if (!history_begin_batch(history))
			return NULL;
	}
	pf_write(history->read, history->read + told_bytes(record));
	if (!history->log)
		pf_write(history->freed, history->read);
	return record;
}

/* The one whose CAPTURE was read; NULL: it went with the reader who had asked for it, or with the space's history. */
static struct ms_capture *capture_told(const struct ms_history *history)
{
	struct ms_capture *capture = history->capture;

	return capture && ms_capture_tick(capture) == history->capture_tick ? capture : NULL;
}

/* Once half of what may wait has been read, rings that stand still are looked at by whoever runs their shards now. */
static void history_let_go_on(struct ms_history *history)
{
	struct ms_space *space = history->space;
	u64 waiting = pf_read(history->taken) - history->freed;
	u32 i;

	for (i = 0; i < space->nshards; i++)
		waiting += pf_read(history->streams[i].waiting);
	if (history->capturing && capture_told(history))
		waiting += ms_capture_waiting(capture_told(history));
	if (waiting > history->limit / 2)
		return;
	pf_write(history->full, 0);
	for (i = 0; i < space->nshards; i++) {
		pf_write(space->shards[i]->kicked, 1);
		ms_shard_settle(space->shards[i]);
	}
}

/* ------------------------------------------------------------------------------------------------------------- images */

static void capture_drop(struct ms_history *history)
{
	struct ms_capture *capture;

	ms_space_stop(history->space, NULL);
	capture = history->capture;
	history->capture = NULL;
	if (history->space->capture == capture)
		history->space->capture = NULL;
	ms_space_go(history->space, NULL);
	ms_capture_free(capture);
	pf_write(history->capturing, 0);
}

/* Half of what is told; or, where much waits, a sixteenth, so that a reader who is behind comes to its end nevertheless. */
static bool images_are_due(const struct ms_history *history)
{
	const struct ms_capture *capture = capture_told(history);
	bool behind = pf_read(history->taken) - history->read > history->limit / 4;

	return !capture || ms_capture_told(capture) * (behind ? 15 : 1) <= history->read - history->since;
}

static const struct mmsb_record *captured(struct ms_history *history, bool failed)
{
	history->told.record = (struct mmsb_record){
		.bytes = sizeof(history->told.record),
		.type = MMSB_RECORD_CAPTURED,
		.flags = failed ? MMSB_RECORD_FAILED : 0,
		.tick = history->capture_tick,
	};
	return &history->told.record;
}

static const struct mmsb_record *image_step(struct ms_history *history)
{
	struct ms_capture *capture = capture_told(history);
	const struct mmsb_record *record;

	if (!capture) {
		pf_write(history->capturing, 0);
		return captured(history, true);
	}
	record = ms_capture_next(capture);
	if (record)
		return record;
	record = captured(history, ms_capture_has_failed(capture));
	capture_drop(history);
	return record;
}

/* A look from outside: whoever takes looks again with all run locks held. */
static bool history_wants_more(const struct ms_history *history)
{
	if (streams_have_any(history))
		return true;
	return history->log && pf_read(history->told_all) == 0 && pf_read(history->space->log.urgent);
}

static enum mmsb_reason tick_step(struct ms_history *history, const struct mmsb_record **record)
{
	enum mmsb_reason reason = MMSB_REASON_NONE;

	*record = history_step(history);
	if (!*record && history_wants_more(history)) {
		reason = history_take(history);
		if (!reason)
			*record = history_step(history);
	}
	return reason;
}

enum mmsb_reason ms_history_next(struct ms_history *history, const struct mmsb_record **record)
{
	enum mmsb_reason reason = MMSB_REASON_NONE;

	*record = unlikely(history->capturing) && images_are_due(history) ? image_step(history) : NULL;
	if (!*record)
		reason = tick_step(history, record);
	if (!*record && unlikely(history->capturing))
		*record = image_step(history);
	if (unlikely(pf_read(history->full)) && (!history->log || history->capturing))
		history_let_go_on(history);
	return *record ? MMSB_REASON_NONE : reason;
}

bool ms_history_has_any(const struct ms_history *history)
{
	return pf_read(history->taken) != pf_read(history->read) || pf_read(history->capturing) || history_wants_more(history);
}

static bool streams_have_enough(const struct ms_history *history)
{
	u32 n = history->space->nshards, i;

	for (i = 0; i < n; i++)
		if (pf_read(history->streams[i].waiting) * n >= history->wake_bytes)
			return true;
	return false;
}

bool ms_history_is_due(const struct ms_history *history)
{
	if (!history->log)
		return ms_history_has_any(history);
	if (pf_read(history->taken) != pf_read(history->read) || pf_read(history->capturing))
		return true;
	if (pf_read(history->told_all))
		return false;
	if (pf_read(history->full) && streams_have_any(history))
		return true;
	return pf_read(history->space->log.urgent) || streams_have_enough(history);
}

struct pf_waitq *ms_history_waitq(struct ms_history *history)
{
	return &history->waitq;
}

static bool history_has_come(void *arg)
{
	return ms_history_is_due(arg);
}

int ms_history_wait(struct ms_history *history, u64 timeout_ns)
{
	return pf_waitq_wait(&history->waitq, history_has_come, history, timeout_ns);
}

/* ------------------------------------------------------------------------------------------------------ opening, closing */

static void streams_free(const struct ms_space *space, struct ms_stream *streams)
{
	u32 i;

	for (i = 0; streams && i < space->nshards; i++)
		ms_segments_free(streams[i].first);
	pf_free(streams);
}

static void batches_free(const struct ms_space *space, struct ms_history_batch *batch)
{
	while (batch) {
		struct ms_history_batch *next = batch->next;

		batch_free(space, batch);
		batch = next;
	}
}

void ms_history_free(struct ms_history *history)
{
	ms_capture_free(history->capture);
	if (!history->log)
		batch_free(history->space, history->batch);
	batches_free(history->space, history->first);
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
	if (args->flags & MMSB_HISTORY_TAKE_OVER)
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
		mark_drop(space, &mark);
		return reason;
	}
	ms_capture_start(capture, space->page->tick + (history->log ? 1 : 0));	/* the mark's own tick, see tick_pass() */
	history->capture = capture;
	mark_hash(space, &mark, MMSB_RECORD_CAPTURE);
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

/* --------------------------------------------------------------------------------------------------------- for a log */

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

/* What another reader was told of a capture is lost with him. */
static void begin_again(struct ms_history *history)
{
	struct ms_history_batch *batch;
	u32 i;

	capture_drop(history);
	if (history->first && history->first->begun)
		history->hash = history->first->hash;
	history->batch = NULL;
	pf_write(history->read, history->freed);
	for (batch = history->first; batch; batch = batch->next) {
		batch->begun = false;
		batch->mark_told = false;
		batch->bound_told = false;
		for (i = 0; i < history->space->nshards; i++) {
			batch->stream[i].segment = batch->stream[i].first;
			batch->stream[i].at = 0;
		}
	}
}

/* The next reader begins with what is not durable, behind the tick that is returned. */
u64 ms_history_rewind(struct ms_history *history, u64 term)
{
	u64 durable;

	pf_mutex_lock(&history->reader);
	if (term > history->term) {
		history->term = term;
		begin_again(history);
		pf_or64(&history->space->log.urgent, 1);	/* whoever waited for what was read before waits still */
	}
	durable = history->space->page->durable;
	pf_mutex_unlock(&history->reader);
	return durable;
}

/* Durable, and read as a whole. */
static bool batch_is_done(const struct ms_history *history, const struct ms_history_batch *batch, u64 tick)
{
	return batch->upto <= tick && batch->begun && (batch != history->batch || batch->bound_told);
}

static void free_durable(struct ms_history *history, u64 tick)
{
	struct ms_history_batch *batch;

	pf_mutex_lock(&history->mutex);
	while ((batch = history->first) && batch_is_done(history, batch, tick)) {
		if (history->batch == batch)
			history->batch = NULL;
		history->first = batch->next;
		if (!history->first)
			history->last = NULL;
		pf_write(history->freed, history->freed + batch->bytes);
		batch_free(history->space, batch);
	}
	pf_mutex_unlock(&history->mutex);
}

enum mmsb_reason ms_history_durable(struct ms_history *history, u64 tick)
{
	if (tick > history->bound)
		return MMSB_REASON_NOT_TOLD;
	free_durable(history, tick);
	if (unlikely(pf_read(history->full)))
		history_let_go_on(history);
	return MMSB_REASON_NONE;
}

/* With every run lock held, and everything settled. */
enum mmsb_reason ms_history_finish(struct ms_history *history)
{
	enum mmsb_reason reason;
	struct ms_mark mark;

	reason = ms_history_mark(history->space, &mark);
	if (reason)
		return reason;
	mark_set(history->space, &mark, MMSB_RECORD_END);
	ms_history_detach(history);
	return reason;
}

u64 ms_history_waiting(const struct ms_history *history)
{
	u64 waiting = pf_read(history->taken) - pf_read(history->freed);
	u32 i;

	for (i = 0; i < history->space->nshards; i++)
		waiting += pf_read(history->streams[i].waiting);
	return waiting;
}
