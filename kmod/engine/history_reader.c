// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "capture.h"
#include "history.h"
#include "space.h"

static bool streams_have_any(const struct ms_history *history)
{
	u32 i;

	for (i = 0; i < history->space->nshards; i++)
		if (pf_read(history->streams[i].waiting))
			return true;
	return false;
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
	record = ms_history_batch_peek(history, batch, &shard);
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
		ms_history_batch_free(history->space, history->batch);
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
		reason = ms_history_take(history);
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

/* ---------------------------------------------------------------------------------------------------------- for a log */

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

/* The next one that is, out of the line. */
static struct ms_history_batch *unlink_durable(struct ms_history *history, u64 tick)
{
	struct ms_history_batch *batch;

	pf_mutex_lock(&history->mutex);
	batch = history->first;
	if (batch && batch_is_done(history, batch, tick)) {
		if (history->batch == batch)
			history->batch = NULL;
		history->first = batch->next;
		if (!history->first)
			history->last = NULL;
	} else {
		batch = NULL;
	}
	pf_mutex_unlock(&history->mutex);
	return batch;
}

/* Shards come for segments under the same mutex and their run locks, so memory is freed behind it. */
static void free_durable(struct ms_history *history, u64 tick)
{
	struct ms_history_batch *batch;

	while ((batch = unlink_durable(history, tick))) {
		pf_write(history->freed, history->freed + batch->bytes);
		ms_history_batch_give_back(history, batch);
	}
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

u64 ms_history_waiting(const struct ms_history *history)
{
	u64 waiting = pf_read(history->taken) - pf_read(history->freed);
	u32 i;

	for (i = 0; i < history->space->nshards; i++)
		waiting += pf_read(history->streams[i].waiting);
	return waiting;
}
