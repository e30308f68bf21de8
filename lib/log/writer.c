// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include "writer.h"

#define PULL_BYTES	(1u << 20)	/* of records, in one round */
#define SMALL_BYTES	(64u << 10)	/* somebody waits for no more than that: written and synced on the spot */
#define RETRY_NS	250000000ull
#define LOOK_NS		1000000ull	/* how soon to look after a sync that nobody waits for */
#define IDLE_NS		100000000ull

void msl_writer_tell(const struct msl_writer *writer, int severity, const char *format, ...)
{
	char text[512];
	va_list args;

	if (!writer->opts.tell)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	writer->opts.tell(writer->opts.arg, severity, text);
}

/* -------------------------------------------------------------------------------------------------------- reporting */

static int report(struct msl_writer *writer)
{
	uint64_t tick = writer->synced < writer->told ? writer->synced : writer->told;
	int err;

	if (!writer->based || tick <= writer->reported)
		return 0;
	err = writer->source->ops->durable(writer->source, 0, tick);
	if (!err)
		writer->reported = tick;
	return err;
}

/* The source tells nothing more, and all that it told is on disk. */
static int finish(struct msl_writer *writer)
{
	int err = report(writer);

	if (!err)
		err = writer->source->ops->durable(writer->source, MMSB_LOG_END, writer->reported);
	writer->over = !err;
	return err;
}

/* ---------------------------------------------------------------------------------------------------------- syncing */

static uint64_t clock_now(const struct msl_writer *writer)
{
	return writer->clock ? writer->clock() : 0;
}

static int sync_done(struct msl_writer *writer, uint64_t tick)
{
	uint64_t took = clock_now(writer) - writer->sync_at;

	writer->sync_under_way = false;
	writer->synced = tick > writer->synced ? tick : writer->synced;
	writer->count.syncs++;
	writer->count.sync_ns += took;
	writer->count.sync_max_ns = took > writer->count.sync_max_ns ? took : writer->count.sync_max_ns;
	return report(writer);
}

/* How the sync under way fares, if there is one. */
static int sync_harvest(struct msl_writer *writer, bool wait)
{
	int err;

	if (!writer->sync_under_way)
		return 0;
	err = msl_segment_sync_end(writer->segment, wait);
	if (err)
		return err == -EAGAIN ? 0 : err;
	return sync_done(writer, writer->syncing);
}

static bool sync_is_due(const struct msl_writer *writer, uint64_t now)
{
	const struct msl_writer_opts *opts = &writer->opts;

	if (writer->sync_under_way || writer->told <= writer->synced)
		return false;
	return writer->urgent || writer->ended || writer->raw >= opts->flush_bytes ||
	       (opts->flush_ticks && writer->ticks >= opts->flush_ticks) || now - writer->quiet_at >= opts->interval_ns;
}

static void sync_begun(struct msl_writer *writer, uint64_t now)
{
	writer->urgent = false;
	writer->raw = 0;
	writer->ticks = 0;
	writer->quiet_at = now;
}

/* With little to write, the shortest way: two calls, and nothing goes on meanwhile. */
static int sync_start(struct msl_writer *writer, uint64_t now)
{
	bool now_or_never = writer->urgent && writer->raw < SMALL_BYTES;
	int err;

	writer->sync_at = clock_now(writer);
	err = now_or_never ? msl_segment_sync(writer->segment) : msl_segment_sync_begin(writer->segment);
	if (err)
		return err;
	writer->syncing = writer->told;
	writer->sync_waited_for = writer->urgent;
	sync_begun(writer, now);
	if (now_or_never)
		return sync_done(writer, writer->syncing);
	writer->sync_under_way = true;
	return 0;
}

/* --------------------------------------------------------------------------------------------------------- segments */

static int segment_open(struct msl_writer *writer, const struct msl_header *header, struct msl_segment **segment)
{
	char name[MSL_NAME_BYTES];
	int err;

	msl_segment_name(name, header->number);
	err = msl_segment_create(writer->disk, name, header, writer->opts.segment_bytes, segment);
	if (msl_disk_is_full(err))
		err = msl_segment_create(writer->disk, name, header, 0, segment);
	return err;
}

/* The next segment, which says how this one, sealed, ends. */
static int segment_replace(struct msl_writer *writer)
{
	struct msl_segment *old = writer->segment, *next;
	struct msl_header header = old->header;
	int err;

	header.number++;
	header.made = old->tally.time ? old->tally.time : header.made;
	msl_header_follow(&header, &old->tally, old->at, old->chain);
	err = segment_open(writer, &header, &next);
	if (err)
		return err;
	writer->count.bytes += old->at;
	writer->count.deltas += old->tally.deltas;
	writer->count.ticks += old->tally.ticks;
	writer->count.segments++;
	writer->segment = next;
	msl_segment_close(old);
	writer->cutting = false;
	return 0;
}

static int segment_cut(struct msl_writer *writer, uint64_t now)
{
	int err = sync_harvest(writer, true);

	if (!err)
		err = msl_segment_seal(writer->segment);
	if (err)
		return err;
	if (writer->told > writer->synced) {
		sync_begun(writer, now);
		writer->sync_at = clock_now(writer);
		err = sync_done(writer, writer->told);
	}
	return err ? err : segment_replace(writer);
}

/* ---------------------------------------------------------------------------------------------------------- pulling */

static bool is_in_files(const struct msl_writer *writer, const struct mmsb_record *record)
{
	return record->tick <= writer->skip && (record->type == MMSB_RECORD_WORDS || record->type <= MMSB_RECORD_TICK);
}

static int take_history(struct msl_writer *writer, const struct mmsb_record *record)
{
	struct msl_segment *segment = writer->segment;
	int err;

	if (msl_unlikely(is_in_files(writer, record)))
		return 0;
	err = msl_segment_append(segment, record);
	if (msl_unlikely(err))
		return err;
	writer->raw += record->bytes;
	if (record->type != MMSB_RECORD_TICK)
		return 0;
	writer->ticks++;
	writer->cutting = msl_segment_bytes(segment) >= writer->opts.segment_bytes && !segment->tally.open;
	return 0;
}

/* A last bound will follow. */
static int take_end(struct msl_writer *writer, const struct mmsb_record *record)
{
	int err = msl_segment_append(writer->segment, record);

	writer->ended = !err;
	return err;
}

static int take(struct msl_writer *writer, const struct mmsb_record *record)
{
	switch (record->type) {
	case MMSB_RECORD_BOUND:
		writer->told = record->tick > writer->told ? record->tick : writer->told;
		writer->urgent |= record->flags & MMSB_RECORD_URGENT && writer->told > writer->synced;
		return 0;
	case MMSB_RECORD_CAPTURE:
	case MMSB_RECORD_IMAGE:
	case MMSB_RECORD_CAPTURED:
		return msl_checkpoint_take(writer, record);
	case MMSB_RECORD_END:
		return take_end(writer, record);
	default:
		return take_history(writer, record);
	}
}

/*
 * All that there is, up to a bound. *more: it was reached. A record that finds no room is taken once more, and a segment that could not be
 * cut comes first: behind the next record it may be within a tick.
 */
static int pull(struct msl_writer *writer, uint64_t now, bool *more)
{
	uint64_t bytes = 0;
	int err = 0;

	while (!err && bytes < PULL_BYTES) {
		if (msl_unlikely(writer->cutting))
			err = segment_cut(writer, now);
		if (!err && !writer->record)
			err = writer->source->ops->next(writer->source, &writer->record);
		if (err)
			break;
		bytes += writer->record->bytes;
		err = take(writer, writer->record);
		if (!err)
			writer->record = NULL;
	}
	*more = !err && bytes >= PULL_BYTES;
	if (err != -ETIME)
		return err;
	if (writer->told <= writer->synced)
		writer->quiet_at = now;
	return 0;
}

/* ----------------------------------------------------------------------------------------------------------- rounds */

static uint64_t bytes_written(const struct msl_writer *writer)
{
	return writer->count.bytes + writer->segment->at;
}

static void want_checkpoint(struct msl_writer *writer)
{
	struct msl_checkpoint *checkpoint = &writer->checkpoint;
	bool due = writer->opts.checkpoint_bytes && bytes_written(writer) - writer->checkpoint_at >= writer->opts.checkpoint_bytes;

	if (checkpoint->state != MSL_CHECKPOINT_NONE || writer->ended || (writer->based && !due))
		return;
	checkpoint->state = MSL_CHECKPOINT_WANTED;
	writer->checkpoint_at = bytes_written(writer);
}

static void set_due(struct msl_writer *writer, uint64_t now, bool busy)
{
	uint64_t idle = writer->opts.interval_ns < IDLE_NS ? writer->opts.interval_ns : IDLE_NS;

	if (busy || sync_is_due(writer, now))
		writer->due = 0;
	else if (writer->sync_under_way || writer->checkpoint.state == MSL_CHECKPOINT_SEALING)
		writer->due = now + LOOK_NS;
	else if (writer->told > writer->synced && writer->quiet_at + writer->opts.interval_ns < now + idle)
		writer->due = writer->quiet_at + writer->opts.interval_ns;
	else
		writer->due = now + idle;
}

static int sync_round(struct msl_writer *writer, uint64_t now)
{
	int err = 0;

	if (sync_is_due(writer, now))
		err = sync_start(writer, now);
	if (!err && writer->sync_under_way && (writer->sync_waited_for || writer->urgent || writer->ended))
		err = sync_harvest(writer, true);
	return err;
}

static int one_round(struct msl_writer *writer, uint64_t now)
{
	bool more = false, busy = false;
	int err = sync_harvest(writer, false);

	if (!err)
		err = pull(writer, now, &more);
	if (!err)
		err = sync_round(writer, now);
	if (!err) {
		want_checkpoint(writer);
		err = msl_checkpoint_step(writer, now, &busy);
	}
	if (!err)
		err = report(writer);
	if (!err && writer->ended && writer->synced >= writer->told)
		err = finish(writer);
	if (!err)
		set_due(writer, now, more || busy);
	return err;
}

/* ---------------------------------------------------------------------------------------------------------- failing */

static int fail_stopped(const struct msl_writer *writer)
{
	return msl_fail(-writer->error, "the log's writer has stopped: %s", writer->why);
}

static int stop(struct msl_writer *writer, int err)
{
	writer->error = err;
	writer->due = MMSB_FOREVER;
	snprintf(writer->why, sizeof(writer->why), "%s", mmsb_strerror_last());
	msl_checkpoint_give_up(writer, err);
	if (err != -ESTALE)
		writer->source->ops->durable(writer->source, MMSB_LOG_FAILED, writer->reported);
	msl_writer_tell(writer, LOG_CRIT, "%s; every tick up to %" PRIu64 " is on disk, and nothing more will be", writer->why,
			writer->reported);
	return fail_stopped(writer);
}

static bool is_passing(int err)
{
	return msl_disk_is_full(err) || err == -ENOMEM;
}

static void stall(struct msl_writer *writer, uint64_t now)
{
	if (!writer->stalled) {
		writer->count.stalls++;
		msl_writer_tell(writer, LOG_ERR, "%s; nothing is lost: the log goes on once there is room, and what is written to the space "
				"waits when the log's limit is reached", mmsb_strerror_last());
	}
	writer->stalled = true;
	writer->retry_at = now + RETRY_NS;
	writer->due = writer->retry_at;
}

int msl_writer_step(struct msl_writer *writer, uint64_t now)
{
	int err;

	if (writer->error)
		return fail_stopped(writer);
	if (writer->stalled && now < writer->retry_at)
		writer->due = writer->retry_at;
	if (writer->over || (writer->stalled && now < writer->retry_at))
		return 0;
	err = one_round(writer, now);
	if (is_passing(err)) {
		stall(writer, now);
		return 0;
	}
	if (err)
		return stop(writer, err);
	if (writer->stalled)
		msl_writer_tell(writer, LOG_NOTICE, "there is room again, and the log goes on");
	writer->stalled = false;
	return 0;
}

/* --------------------------------------------------------------------------------------------------- beginning, ending */

int msl_writer_flush(struct msl_writer *writer, uint64_t now)
{
	bool more = true;
	int err = writer->error ? fail_stopped(writer) : sync_harvest(writer, true);

	while (!err && more)
		err = pull(writer, now, &more);
	if (!err && writer->told > writer->synced) {
		writer->urgent = true;
		err = sync_round(writer, now);
	}
	if (!err && writer->ended && !writer->over)
		err = finish(writer);
	return err && !writer->error && !is_passing(err) ? stop(writer, err) : err;
}

int msl_writer_seal(struct msl_writer *writer)
{
	int err = msl_segment_seal(writer->segment);

	return err && !is_passing(err) ? stop(writer, err) : err;
}

int msl_writer_checkpoint(struct msl_writer *writer)
{
	if (writer->error)
		return fail_stopped(writer);
	if (writer->checkpoint.state != MSL_CHECKPOINT_NONE)
		return msl_fail(EBUSY, "a checkpoint is being made: wait for its end");
	writer->checkpoint.state = MSL_CHECKPOINT_WANTED;
	writer->checkpoint.retry_at = 0;
	writer->due = 0;
	return 0;
}

int msl_writer_begin(struct msl_writer *writer, const struct msl_writer_opts *opts, struct msl_source *source, struct msl_disk *disk,
		     const struct msl_header *header, bool based)
{
	int err;

	memset(writer, 0, sizeof(*writer));
	writer->opts = *opts;
	writer->source = source;
	writer->disk = disk;
	writer->skip = header->tick;
	writer->synced = header->tick;
	writer->based = based;
	err = segment_open(writer, header, &writer->segment);
	if (!err)
		writer->count.segments = 1;
	return err;
}

void msl_writer_end(struct msl_writer *writer)
{
	if (!writer->segment)
		return;
	msl_checkpoint_give_up(writer, -ECANCELED);
	writer->count.bytes += writer->segment->at;
	writer->count.deltas += writer->segment->tally.deltas;
	writer->count.ticks += writer->segment->tally.ticks;
	msl_segment_close(writer->segment);
	writer->segment = NULL;
}
