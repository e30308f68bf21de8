// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "stream.h"
#include "history.h"
#include "space.h"

#define SEGMENT		(64u << 10)
#define TICK_BYTES	sizeof(struct mmsb_hash_record)
#define WORDS_BYTES	(sizeof(struct mmsb_words_record) + MS_BATCH * sizeof(struct mmsb_word))
#define SPARES		16u		/* of what may wait, a stream's spare segments are such a part */

struct ms_segment *ms_segment_make(u64 bytes, int node)
{
	u64 room = bytes > SEGMENT ? bytes : SEGMENT;
	struct ms_segment *segment = pf_alloc(sizeof(*segment) + room, node);

	if (segment)
		segment->room = room;
	return segment;
}

void ms_segments_free(struct ms_segment *segment)
{
	while (segment) {
		struct ms_segment *next = segment->next;

		pf_free(segment);
		segment = next;
	}
}

struct ms_segment *ms_stream_spare(const struct ms_shard *shard)
{
	return ms_segment_make(WORDS_BYTES + TICK_BYTES, shard->node);
}

/*
 * Who tells of what a shard does: the shard, or the first of them if all meet, for then the order matters in which they changed the
 * graph together.
 */
static struct ms_shard *teller_of(struct ms_shard *shard)
{
	return shard->space->meeting.open ? shard->space->shards[0] : shard;
}

/* ---------------------------------------------------------------------------------------------------------- segments */

/* Only a log's segments come back. */
static struct ms_segment *spare_take(struct ms_history *history, struct ms_stream *stream)
{
	struct ms_segment *segment;

	if (!history->log)
		return NULL;
	pf_mutex_lock(&history->mutex);
	segment = stream->spares;
	if (segment) {
		stream->spares = segment->next;
		stream->spared -= segment->room;
	}
	pf_mutex_unlock(&history->mutex);
	if (segment) {
		segment->next = NULL;
		segment->used = 0;
	}
	return segment;
}

void ms_stream_give_back(struct ms_history *history, struct ms_stream *stream, struct ms_segment *segment)
{
	u64 most = history->limit / SPARES / history->space->nshards;
	bool keep;

	pf_mutex_lock(&history->mutex);
	keep = segment->room == SEGMENT && stream->spared + SEGMENT <= most;
	if (keep) {
		segment->next = stream->spares;
		stream->spares = segment;
		stream->spared += SEGMENT;
	}
	pf_mutex_unlock(&history->mutex);
	if (!keep)
		pf_free(segment);
}

static u64 stream_room(const struct ms_stream *stream)
{
	const struct ms_segment *segment = stream->last;

	if (unlikely(!segment))
		return 0;
	return stream->words ? (u64)(segment->bytes + segment->room - (u8 *)stream->word) : segment->room - segment->used;
}

/* What is told next is not one of them, or lies elsewhere. */
static void words_end(struct ms_stream *stream)
{
	struct mmsb_words_record *record = stream->words;

	if (!record)
		return;
	record->record.bytes = (u32)((u8 *)stream->word - (u8 *)record);
	stream->last->used += record->record.bytes;
	stream->words = NULL;
	pf_write(stream->waiting, stream->waiting + record->record.bytes);
}

/* Every segment keeps room for the record that closes a tick and for a batch of words. Without memory, words go on where they are. */
static enum mmsb_reason stream_reserve(struct ms_shard *shard, u64 bytes)
{
	struct ms_stream *stream = shard->stream;
	struct ms_segment *segment = NULL;

	bytes += WORDS_BYTES + TICK_BYTES;
	if (likely(bytes <= stream_room(stream))) {
		words_end(stream);
		return MMSB_REASON_NONE;
	}
	if (bytes <= SEGMENT)
		segment = spare_take(shard->space->history, stream);
	if (!segment)
		segment = ms_segment_make(bytes, shard->node);
	if (!segment)
		return MMSB_REASON_NO_MEMORY;
	words_end(stream);
	if (stream->last)
		stream->last->next = segment;
	else
		stream->first = segment;
	stream->last = segment;
	return MMSB_REASON_NONE;
}

/* ----------------------------------------------------------------------------------------------------------- records */

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

enum mmsb_reason ms_stream_begin(struct ms_shard *shard, const struct mmsb_origin *origin, const struct mmsb_sqe *sqe, const u8 **operand,
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

void ms_stream_crowd(struct ms_shard *shard, u64 images)
{
	struct ms_history *history = shard->space->history;
	u64 waiting = (shard->stream->waiting + images) * shard->space->nshards;

	if (likely(pf_read(history->taken) - pf_read(history->freed) + waiting < history->limit))
		return;
	pf_write(history->full, 1);
	ms_history_wake(history);
}

/* In a replay a tick may be longer than what may wait, so it is looked at with each record. */
static void stream_count(struct ms_shard *shard, u64 bytes)
{
	pf_write(shard->stream->waiting, shard->stream->waiting + bytes);
	ms_stream_crowd(shard, 0);
}

void ms_stream_cut(struct ms_shard *shard, u64 bytes)
{
	struct ms_stream *stream = teller_of(shard)->stream;
	struct mmsb_delta_record *record = (void *)(stream->last->bytes + stream->at);

	record->record.bytes = (u32)(sizeof(*record) + bytes);
	record->operand_bytes = bytes;
	record->sqe.len = (u32)bytes;
	stream->last->used = stream->at + record->record.bytes;
}

void ms_stream_end(struct ms_shard *shard, bool keep, u64 page)
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

enum mmsb_reason ms_stream_reserve_words(struct ms_shard *shard, const struct mmsb_origin *origin)
{
	struct ms_shard *teller = teller_of(shard);

	teller->stream->origin = origin;
	return stream_reserve(teller, 0);
}

/* How long it gets, and what waits then, is written when it ends: a batch is not much. */
static __attribute__((__noinline__)) void words_begin(struct ms_shard *shard, struct ms_stream *stream)
{
	struct ms_segment *segment = stream->last;
	struct mmsb_words_record *record = (void *)(segment->bytes + segment->used);

	record->record = (struct mmsb_record){ .type = MMSB_RECORD_WORDS, .shard = (u16)shard->number, .tick = shard->tick };
	record->origin = *stream->origin;
	stream->words = record;
	stream->word = record->words;
	stream->told = true;
}

void ms_stream_word(struct ms_shard *shard, const struct mmsb_sqe *sqe)
{
	struct ms_stream *stream = teller_of(shard)->stream;
	struct mmsb_word *word;

	if (unlikely(!stream->words))
		words_begin(shard, stream);
	word = stream->word++;
	word->page = sqe->page;
	word->word = sqe->word[0] & (~0ull >> (64 - 8 * sqe->len));
	word->offset = (u32)sqe->offset;
	word->op = sqe->op;
	word->lane = sqe->lane;
	word->len = (u8)sqe->len;
	word->flags = 0;
}

void ms_stream_words_end(struct ms_shard *shard)
{
	words_end(teller_of(shard)->stream);
}

/* By how much the shard's part has moved since it was told last. */
void ms_stream_moved(struct ms_shard *shard, u64 hash[2])
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
	pf_trace(log_written, shard->space->id, shard->number, record->record.tick);
	return record;
}

/* A log's writer sleeps until there is enough to write, or somebody waits for it. */
static void notice(const struct ms_shard *shard)
{
	struct ms_history *history = shard->space->history;

	if (!history->log || shard->stream->waiting * shard->space->nshards >= history->wake_bytes)
		ms_history_wake(history);
}

void ms_stream_tick(struct ms_shard *shard)
{
	if (!shard->stream->told)
		return;
	shard->stream->told = false;
	ms_stream_moved(shard, put_tick(shard)->hash);
	notice(shard);
}

void ms_stream_tick_all(struct ms_space *space)
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
		ms_stream_moved(space->shards[i], record->hash);
	notice(teller);
}
