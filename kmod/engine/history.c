// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "history.h"
#include "meet.h"
#include "space.h"

#define SEGMENT		(64u << 10)
#define TICK_BYTES	sizeof(struct mmsb_hash_record)

/* What was taken from the shards at once: a record that stands for all of them, then a stream each, read by tick. */
struct ms_history_batch {
	struct ms_history_batch *next;
	struct mmsb_hash_record mark;		/* `bytes` is 0: none, or it has been read */
	struct {
		struct ms_segment *segment;	/* before it is filled: what the shard goes on with */
		u64 at;
	} stream[];
};

struct ms_history {
	struct ms_space *space;
	u64 limit;
	struct pf_mutex mutex;
	struct ms_history_batch *first, *last;		/* under the mutex */
	u64 taken;				/* bytes of records in batches, ever; under the mutex */
	u64 read;				/* of those */
	u32 full;				/* rings stand still */
	struct pf_waitq waitq;			/* of those who wait for records */

	/* The reader's. */
	struct ms_history_batch *batch;
	struct ms_hash hash;			/* as of the last record read */
	struct mmsb_hash_record told;	/* a tick's record, with the sum */
};

static void history_wake(struct ms_history *history)
{
	pf_mb();	/* partner: the barrier between registering and looking, in pf_waitq_wait() */
	if (pf_waitq_active(&history->waitq))
		pf_waitq_wake(&history->waitq);
}

/* ------------------------------------------------------------------------------------------------------------- writing */

static struct ms_segment *segment_make(u64 bytes, int node)
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

/* Every segment keeps room for the record that closes a tick, so that no tick can fail to be told. */
static enum mmsb_reason stream_reserve(struct ms_shard *shard, u64 bytes)
{
	struct ms_stream *stream = shard->stream;
	struct ms_segment *segment = stream->last;

	if (segment && bytes + TICK_BYTES <= segment->room - segment->used)
		return MMSB_REASON_NONE;
	segment = segment_make(bytes + TICK_BYTES, shard->node);
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
	record->sqe.flags &= (u16)~MMSB_SQE_QUIET;
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
static void stream_count(struct ms_shard *shard, u64 bytes)
{
	struct ms_history *history = shard->space->history;
	struct ms_stream *stream = shard->stream;

	pf_write(stream->waiting, stream->waiting + bytes);
	if (likely(pf_read(history->taken) - pf_read(history->read) + stream->waiting * shard->space->nshards < history->limit))
		return;
	pf_write(history->full, 1);
	history_wake(history);
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

void ms_history_tick(struct ms_shard *shard)
{
	if (!shard->stream->told)
		return;
	shard->stream->told = false;
	hash_moved(shard, put_tick(shard)->hash);
	history_wake(shard->space->history);
}

void ms_history_tick_all(struct ms_space *space)
{
	struct mmsb_hash_record *record = NULL;
	u32 i;

	if (!space->history)
		return;
	for (i = 0; i < space->nshards; i++) {
		if (!record && space->shards[i]->stream->told)
			record = put_tick(space->shards[i]);
		space->shards[i]->stream->told = false;
	}
	for (i = 0; record && i < space->nshards; i++)
		hash_moved(space->shards[i], record->hash);
	if (record)
		history_wake(space->history);
}

bool ms_history_is_full(const struct ms_shard *shard)
{
	return shard->stream && pf_read(shard->space->history->full);
}

/* -------------------------------------------------------------------------------------------------- taking the streams */

static void segments_free(struct ms_segment *segment)
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
		segments_free(batch->stream[i].segment);
	pf_free(batch);
}

/* With every run lock held. A tick that goes on, in a replay, is to be closed without fail in what the shard goes on with. */
static enum mmsb_reason batch_reserve(const struct ms_space *space, struct ms_history_batch *batch)
{
	u32 i;

	for (i = 0; i < space->nshards; i++) {
		if (likely(!space->shards[i]->stream->told))
			continue;
		batch->stream[i].segment = segment_make(TICK_BYTES, space->shards[i]->node);
		if (!batch->stream[i].segment)
			return MMSB_REASON_NO_MEMORY;
	}
	return MMSB_REASON_NONE;
}

static u64 batch_fill(struct ms_space *space, struct ms_history_batch *batch)
{
	u64 bytes = batch->mark.record.bytes;
	u32 i;

	for (i = 0; i < space->nshards; i++) {
		struct ms_stream *stream = space->shards[i]->stream;
		struct ms_segment *spare = batch->stream[i].segment;

		batch->stream[i].segment = stream->first;
		stream->first = spare;
		stream->last = spare;
		bytes += stream->waiting;
		pf_write(stream->waiting, 0);
	}
	return bytes;
}

static void batch_append(struct ms_history *history, struct ms_history_batch *batch, u64 bytes)
{
	pf_mutex_lock(&history->mutex);
	if (history->last)
		history->last->next = batch;
	else
		history->first = batch;
	history->last = batch;
	pf_write(history->taken, history->taken + bytes);
	pf_mutex_unlock(&history->mutex);
}

static bool streams_have_any(const struct ms_space *space)
{
	u32 i;

	for (i = 0; i < space->nshards; i++)
		if (pf_read(space->shards[i]->stream->waiting))
			return true;
	return false;
}

static enum mmsb_reason history_take(struct ms_history *history)
{
	struct ms_space *space = history->space;
	struct ms_history_batch *batch = batch_make(space);
	enum mmsb_reason reason;

	if (!batch)
		return MMSB_REASON_NO_MEMORY;
	ms_space_stop(space, NULL);
	ms_meet_end(space);
	reason = batch_reserve(space, batch);
	if (!reason)
		batch_append(history, batch, batch_fill(space, batch));
	ms_space_go(space, NULL);
	if (reason)
		batch_free(space, batch);
	return reason;
}

/* ---------------------------------------------------------------------------------------------------------------- marks */

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
	if (reason) {
		batch_free(space, mark->before);
		batch_free(space, mark->after);
	}
	return reason;
}

static void mark_set(struct ms_space *space, const struct ms_mark *mark, u8 type)
{
	struct mmsb_hash_record *record = &mark->after->mark;

	record->record.bytes = type == MMSB_RECORD_RESET ? sizeof(record->record) : sizeof(*record);
	record->record.type = type;
	record->record.tick = space->page->tick;
	batch_append(space->history, mark->before, batch_fill(space, mark->before));
	batch_append(space->history, mark->after, record->record.bytes);
	history_wake(space->history);
}

/* What the hash is now, whatever it was. */
void ms_history_switch(struct ms_space *space, const struct ms_mark *mark)
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
	mark_set(space, mark, MMSB_RECORD_HASH);
}

/* What was told before comes before this, and what comes after begins at tick 0 again. */
void ms_history_reset(struct ms_space *space, const struct ms_mark *mark)
{
	u32 i;

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

/* Segments that are empty, or read, are given back. */
static void stream_settle(struct ms_history_batch *batch, u32 shard)
{
	struct ms_segment *segment;

	while ((segment = batch->stream[shard].segment) && batch->stream[shard].at >= segment->used) {
		batch->stream[shard].segment = segment->next;
		batch->stream[shard].at = 0;
		pf_free(segment);
	}
}

/* A tick's deltas come before its end, wherever that was written. */
static bool record_is_before(const struct mmsb_record *record, const struct mmsb_record *other)
{
	if (!other || record->tick != other->tick)
		return !other || record->tick < other->tick;
	return record->type == MMSB_RECORD_DELTA && other->type != MMSB_RECORD_DELTA;
}

static const struct mmsb_record *batch_peek(struct ms_history *history, struct ms_history_batch *batch, u32 *shard)
{
	const struct mmsb_record *first = NULL, *record;
	u32 i;

	for (i = 0; i < history->space->nshards; i++) {
		stream_settle(batch, i);
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
	batch->mark.record.bytes = 0;
	return &history->told.record;
}

static const struct mmsb_record *take_tick(struct ms_history *history, const struct mmsb_record *record)
{
	const struct mmsb_hash_record *moved = (const void *)record;

	history->hash.sum[0] += moved->hash[0];
	history->hash.sum[1] += moved->hash[1];
	history->told.record = *record;
	history->told.hash[0] = history->hash.sum[0];
	history->told.hash[1] = history->hash.sum[1];
	return &history->told.record;
}

static const struct mmsb_record *batch_take(struct ms_history *history, struct ms_history_batch *batch)
{
	const struct mmsb_record *record;
	u32 shard = 0;

	if (batch->mark.record.bytes)
		return take_mark(history, batch);
	record = batch_peek(history, batch, &shard);
	if (!record)
		return NULL;
	batch->stream[shard].at += record->bytes;
	return record->type == MMSB_RECORD_TICK ? take_tick(history, record) : record;
}

static struct ms_history_batch *history_next_batch(struct ms_history *history)
{
	struct ms_history_batch *batch;

	pf_mutex_lock(&history->mutex);
	batch = history->first;
	if (batch)
		history->first = batch->next;
	if (!history->first)
		history->last = NULL;
	pf_mutex_unlock(&history->mutex);
	return batch;
}

static const struct mmsb_record *history_step(struct ms_history *history)
{
	const struct mmsb_record *record;

	for (;;) {
		record = history->batch ? batch_take(history, history->batch) : NULL;
		if (record)
			break;
		batch_free(history->space, history->batch);
		history->batch = history_next_batch(history);
		if (!history->batch)
			return NULL;
	}
	pf_write(history->read, history->read + record->bytes);
	return record;
}

/* Once half of what may wait has been read, rings that stand still are looked at by whoever runs their shards now. */
static void history_let_go_on(struct ms_history *history)
{
	struct ms_space *space = history->space;
	u64 waiting = pf_read(history->taken) - history->read;
	u32 i;

	for (i = 0; i < space->nshards; i++)
		waiting += pf_read(space->shards[i]->stream->waiting);
	if (waiting > history->limit / 2)
		return;
	pf_write(history->full, 0);
	for (i = 0; i < space->nshards; i++) {
		pf_write(space->shards[i]->kicked, 1);
		ms_shard_settle(space->shards[i]);
	}
}

enum mmsb_reason ms_history_next(struct ms_history *history, const struct mmsb_record **record)
{
	enum mmsb_reason reason;

	*record = history_step(history);
	if (!*record && streams_have_any(history->space)) {
		reason = history_take(history);
		if (reason)
			return reason;
		*record = history_step(history);
	}
	if (unlikely(pf_read(history->full)))
		history_let_go_on(history);
	return MMSB_REASON_NONE;
}

bool ms_history_has_any(const struct ms_history *history)
{
	return pf_read(history->taken) != pf_read(history->read) || streams_have_any(history->space);
}

struct pf_waitq *ms_history_waitq(struct ms_history *history)
{
	return &history->waitq;
}

static bool history_has_come(void *arg)
{
	return ms_history_has_any(arg);
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
		segments_free(streams[i].first);
	pf_free(streams);
}

static void history_free(struct ms_history *history)
{
	struct ms_history_batch *batch = history->batch;

	do {
		batch_free(history->space, batch);
		batch = history_next_batch(history);
	} while (batch);
	pf_waitq_destroy(&history->waitq);
	pf_mutex_destroy(&history->mutex);
	pf_free(history);
}

/* It begins with what the hash is. */
static enum mmsb_reason history_attach(struct ms_history *history, struct ms_stream *streams)
{
	struct ms_space *space = history->space;
	enum mmsb_reason reason;
	struct ms_mark mark;
	u32 i;

	if (space->history)
		return MMSB_REASON_HISTORY_TAKEN;
	for (i = 0; i < space->nshards; i++)
		space->shards[i]->stream = &streams[i];
	space->history = history;
	reason = ms_history_mark(space, &mark);
	if (!reason) {
		ms_history_switch(space, &mark);
		return reason;
	}
	for (i = 0; i < space->nshards; i++)
		space->shards[i]->stream = NULL;
	space->history = NULL;
	return reason;
}

enum mmsb_reason ms_history_open(struct ms_space *space, u64 limit, struct ms_history **out)
{
	struct ms_stream *streams = pf_alloc(space->nshards * sizeof(*streams), -1);
	struct ms_history *history = pf_alloc(sizeof(*history), -1);
	enum mmsb_reason reason;

	if (!streams || !history) {
		pf_free(streams);
		pf_free(history);
		return MMSB_REASON_NO_MEMORY;
	}
	pf_mutex_init(&history->mutex);
	pf_waitq_init(&history->waitq);
	history->space = space;
	history->limit = limit ? limit : MMSB_HISTORY_LIMIT;
	ms_space_stop(space, NULL);
	ms_meet_settle(space);
	reason = history_attach(history, streams);
	ms_space_go(space, NULL);
	if (reason) {
		pf_free(streams);
		history_free(history);
		return reason;
	}
	*out = history;
	return reason;
}

void ms_history_close(struct ms_history *history)
{
	struct ms_space *space = history->space;
	struct ms_stream *streams;
	u32 i;

	ms_space_stop(space, NULL);
	streams = space->shards[0]->stream;
	for (i = 0; i < space->nshards; i++) {
		space->shards[i]->stream = NULL;
		pf_write(space->shards[i]->kicked, 1);
	}
	space->history = NULL;
	ms_space_go(space, NULL);
	streams_free(space, streams);
	history_free(history);
}
