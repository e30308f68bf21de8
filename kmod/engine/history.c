// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "history.h"
#include "meet.h"
#include "space.h"

#define SEGMENT		(64u << 10)
#define TICK_BYTES	sizeof(struct mmsb_hash_record)

/* What was taken from the shards at once: a stream each, read by tick. */
struct batch {
	struct batch *next;
	struct ms_segment *reset;		/* a record of its own, in front */
	struct {
		struct ms_segment *segment;
		u64 at;
	} stream[];
};

struct ms_history {
	struct ms_space *space;
	u64 limit;
	struct pf_mutex mutex;
	struct batch *first, *last;		/* under the mutex */
	struct ms_hash hash;			/* as of the last record read */
	struct mmsb_hash_record told;	/* a tick's record, with the sum */
};

/* ------------------------------------------------------------------------------------------------------------- writing */

static struct ms_segment *segment_make(u64 bytes, int node)
{
	u64 room = bytes > SEGMENT ? bytes : SEGMENT;
	struct ms_segment *segment = pf_alloc(sizeof(*segment) + room, node);

	if (segment)
		segment->room = room;
	return segment;
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

enum mmsb_reason ms_history_begin(struct ms_shard *shard, u64 source, const struct mmsb_sqe *sqe, const u8 **operand, u64 bytes)
{
	bool payload = sqe->flags & MMSB_SQE_PAYLOAD;
	u64 padded = payload ? (bytes + 7) & ~7ull : 0;
	struct mmsb_delta_record *record;
	enum mmsb_reason reason = stream_reserve(shard, sizeof(*record) + padded);

	if (reason)
		return reason;
	record = (void *)stream_put(shard, sizeof(*record) + padded, MMSB_RECORD_DELTA);
	record->source = source;
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

void ms_history_end(struct ms_shard *shard, bool keep, u64 page)
{
	struct ms_stream *stream = shard->stream;
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
	pf_write(stream->waiting, stream->waiting + record->record.bytes);
}

/* By how much the shard's part has moved since it was told last. */
static void hash_moved(struct ms_shard *shard, u64 hash[2])
{
	struct ms_stream *stream = shard->stream;

	hash[0] += shard->hash.sum[0] - stream->hash.sum[0];
	hash[1] += shard->hash.sum[1] - stream->hash.sum[1];
	stream->hash = shard->hash;
}

static struct mmsb_hash_record *put_hash(struct ms_shard *shard, u8 type)
{
	struct mmsb_hash_record *record = (void *)stream_put(shard, sizeof(*record), type);

	record->record.flags = shard->hashing ? MMSB_RECORD_HASHED : 0;
	record->hash[0] = 0;
	record->hash[1] = 0;
	pf_write(shard->stream->waiting, shard->stream->waiting + sizeof(*record));
	return record;
}

/* What told something has a segment, with room for this. */
void ms_history_tick(struct ms_shard *shard)
{
	if (!shard->stream->told)
		return;
	shard->stream->told = false;
	hash_moved(shard, put_hash(shard, MMSB_RECORD_TICK)->hash);
}

void ms_history_tick_all(struct ms_space *space)
{
	struct mmsb_hash_record *record = NULL;
	u32 i;

	if (!space->history)
		return;
	for (i = 0; i < space->nshards; i++) {
		if (!record && space->shards[i]->stream->told)
			record = put_hash(space->shards[i], MMSB_RECORD_TICK);
		space->shards[i]->stream->told = false;
	}
	for (i = 0; record && i < space->nshards; i++)
		hash_moved(space->shards[i], record->hash);
}

bool ms_history_is_full(const struct ms_shard *shard)
{
	const struct ms_space *space = shard->space;

	return shard->stream && shard->stream->waiting >= space->history->limit / space->nshards;
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

static struct batch *batch_make(const struct ms_space *space)
{
	struct batch *batch = pf_alloc(sizeof(*batch) + space->nshards * sizeof(batch->stream[0]), -1);

	return batch;
}

static void batch_free(const struct ms_space *space, struct batch *batch)
{
	u32 i;

	for (i = 0; i < space->nshards; i++)
		segments_free(batch->stream[i].segment);
	segments_free(batch->reset);
	pf_free(batch);
}

static void batch_append(struct ms_history *history, struct batch *batch)
{
	if (history->last)
		history->last->next = batch;
	else
		history->first = batch;
	history->last = batch;
}

/* With every run lock held, and no tick open. */
static void batch_fill(struct ms_space *space, struct batch *batch)
{
	u32 i;

	for (i = 0; i < space->nshards; i++) {
		struct ms_stream *stream = space->shards[i]->stream;

		batch->stream[i].segment = stream->first;
		stream->first = NULL;
		stream->last = NULL;
		pf_write(stream->waiting, 0);
	}
}

static bool streams_have_any(const struct ms_space *space)
{
	u32 i;

	for (i = 0; i < space->nshards; i++)
		if (pf_read(space->shards[i]->stream->waiting))
			return true;
	return false;
}

/* A ring that was held up is looked at by whoever runs its shard now. */
static void history_take(struct ms_history *history, struct batch *batch)
{
	struct ms_space *space = history->space;
	u32 i;

	ms_space_stop(space, NULL);
	ms_meet_end(space);
	batch_fill(space, batch);
	pf_mutex_lock(&history->mutex);
	batch_append(history, batch);
	pf_mutex_unlock(&history->mutex);
	for (i = 0; i < space->nshards; i++)
		pf_write(space->shards[i]->kicked, 1);
	ms_space_go(space, NULL);
}

/* ------------------------------------------------------------------------------------------------------------- reading */

static const struct mmsb_record *stream_peek(const struct batch *batch, u32 shard)
{
	const struct ms_segment *segment = batch->stream[shard].segment;

	return segment ? (const void *)(segment->bytes + batch->stream[shard].at) : NULL;
}

/* Segments that are empty, or read, are given back. */
static void stream_settle(struct batch *batch, u32 shard)
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

static const struct mmsb_record *batch_peek(struct ms_history *history, struct batch *batch, u32 *shard)
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

static const struct mmsb_record *add_up(struct ms_history *history, const struct mmsb_record *record)
{
	const struct mmsb_hash_record *moved = (const void *)record;

	if (record->type != MMSB_RECORD_TICK && record->type != MMSB_RECORD_HASH)
		return record;
	if (record->type == MMSB_RECORD_HASH)
		memset(&history->hash, 0, sizeof(history->hash));
	history->hash.sum[0] += moved->hash[0];
	history->hash.sum[1] += moved->hash[1];
	history->told = *moved;
	history->told.hash[0] = history->hash.sum[0];
	history->told.hash[1] = history->hash.sum[1];
	return &history->told.record;
}

static const struct mmsb_record *take_reset(struct ms_history *history, struct batch *batch)
{
	history->told.record = *(const struct mmsb_record *)batch->reset->bytes;
	segments_free(batch->reset);
	batch->reset = NULL;
	memset(&history->hash, 0, sizeof(history->hash));
	return &history->told.record;
}

static struct batch *history_first(struct ms_history *history)
{
	struct batch *batch;

	pf_mutex_lock(&history->mutex);
	batch = history->first;
	pf_mutex_unlock(&history->mutex);
	return batch;
}

static void history_drop_first(struct ms_history *history)
{
	struct batch *batch;

	pf_mutex_lock(&history->mutex);
	batch = history->first;
	history->first = batch->next;
	if (!history->first)
		history->last = NULL;
	pf_mutex_unlock(&history->mutex);
	batch_free(history->space, batch);
}

static const struct mmsb_record *history_step(struct ms_history *history)
{
	const struct mmsb_record *record;
	struct batch *batch;
	u32 shard = 0;

	while ((batch = history_first(history))) {
		if (batch->reset)
			return take_reset(history, batch);
		record = batch_peek(history, batch, &shard);
		if (record) {
			batch->stream[shard].at += record->bytes;
			return add_up(history, record);
		}
		history_drop_first(history);
	}
	return NULL;
}

enum mmsb_reason ms_history_next(struct ms_history *history, const struct mmsb_record **record)
{
	struct batch *batch;

	*record = history_step(history);
	if (*record || !streams_have_any(history->space))
		return MMSB_REASON_NONE;
	batch = batch_make(history->space);
	if (!batch)
		return MMSB_REASON_NO_MEMORY;
	history_take(history, batch);
	*record = history_step(history);
	return MMSB_REASON_NONE;
}

/* ------------------------------------------------------------------------------------------------------ opening, closing */

static void streams_free(struct ms_space *space, struct ms_stream *streams)
{
	u32 i;

	for (i = 0; streams && i < space->nshards; i++)
		segments_free(streams[i].first);
	pf_free(streams);
}

static enum mmsb_reason streams_attach(struct ms_space *space, struct ms_stream *streams)
{
	enum mmsb_reason reason = MMSB_REASON_NONE;
	u32 i;

	for (i = 0; i < space->nshards; i++)
		space->shards[i]->stream = &streams[i];
	for (i = 0; !reason && i < space->nshards; i++)
		reason = stream_reserve(space->shards[i], 0);
	for (i = 0; reason && i < space->nshards; i++)
		space->shards[i]->stream = NULL;
	return reason;
}

/* Where the history begins: what the hash is then. */
void ms_history_switch(struct ms_space *space)
{
	struct mmsb_hash_record *record;
	u32 i;

	if (!space->history || stream_reserve(space->shards[0], TICK_BYTES))
		return;
	space->shards[0]->tick = space->page->tick;
	record = put_hash(space->shards[0], MMSB_RECORD_HASH);
	for (i = 0; i < space->nshards; i++) {
		memset(&space->shards[i]->stream->hash, 0, sizeof(space->shards[i]->stream->hash));
		hash_moved(space->shards[i], record->hash);
	}
}

enum mmsb_reason ms_history_open(struct ms_space *space, u64 limit, struct ms_history **out)
{
	struct ms_stream *streams = pf_alloc(space->nshards * sizeof(*streams), -1);
	struct ms_history *history = pf_alloc(sizeof(*history), -1);
	enum mmsb_reason reason = MMSB_REASON_HISTORY_TAKEN;

	if (!streams || !history) {
		pf_free(streams);
		pf_free(history);
		return MMSB_REASON_NO_MEMORY;
	}
	pf_mutex_init(&history->mutex);
	history->space = space;
	history->limit = limit ? limit : MMSB_HISTORY_LIMIT;
	ms_space_stop(space, NULL);
	if (!space->history) {
		ms_meet_settle(space);
		reason = streams_attach(space, streams);
	}
	if (!reason) {
		space->history = history;
		ms_history_switch(space);
	}
	ms_space_go(space, NULL);
	if (!reason) {
		*out = history;
		return reason;
	}
	streams_free(space, streams);
	pf_mutex_destroy(&history->mutex);
	pf_free(history);
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
	while (history_first(history))
		history_drop_first(history);
	streams_free(space, streams);
	pf_mutex_destroy(&history->mutex);
	pf_free(history);
}

static struct ms_segment *reset_record(void)
{
	struct ms_segment *segment = segment_make(sizeof(struct mmsb_record), -1);
	struct mmsb_record *record;

	if (!segment)
		return NULL;
	record = (void *)segment->bytes;
	record->bytes = sizeof(*record);
	record->type = MMSB_RECORD_RESET;
	return segment;
}

static void streams_restart(struct ms_space *space)
{
	u32 i;

	for (i = 0; i < space->nshards; i++) {
		space->shards[i]->stream->told = false;
		memset(&space->shards[i]->stream->hash, 0, sizeof(space->shards[i]->stream->hash));
	}
}

/* What was told before comes before this, and what comes after begins at tick 0 again. */
enum mmsb_reason ms_history_reset(struct ms_space *space)
{
	struct ms_history *history = space->history;
	struct batch *before, *after;

	if (!history)
		return MMSB_REASON_NONE;
	before = batch_make(space);
	after = batch_make(space);
	if (before && after)
		after->reset = reset_record();
	if (!before || !after || !after->reset) {
		pf_free(before);
		pf_free(after);
		return MMSB_REASON_NO_MEMORY;
	}
	batch_fill(space, before);
	pf_mutex_lock(&history->mutex);
	batch_append(history, before);
	batch_append(history, after);
	pf_mutex_unlock(&history->mutex);
	streams_restart(space);
	return MMSB_REASON_NONE;
}
