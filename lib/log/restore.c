// SPDX-License-Identifier: MIT
/*
 * A space comes back: the newest checkpoint at or before the tick wanted, then the ticks behind it, both through one replay ring. A
 * checkpoint that turns out to be damaged costs what was taken in of it: the space is reset, and an older one is tried.
 *
 * A segment is decoded from its beginning, also if only what lies behind the checkpoint's tick is wanted. So who reads the ticks begins with the
 * checkpoint, if that is not short, and has often passed over the others when it is in.
 */
#include <inttypes.h>
#include <stdio.h>
#include "../replay.h"
#include "ahead.h"
#include "log.h"
#include "reader.h"

#define PAYLOAD		(4u << 20)	/* most operands are far smaller; for one that is not, all begins again */
#define SQ_ENTRIES	1024u
#define PROGRESS_BYTES	(1u << 20)
#define RESTORE_KNOWN	(MMSB_RESTORE_FROM_BEGINNING | MMSB_RESTORE_HOLD)

struct restore {
	struct mmsb_space *space;
	struct mmsb_restore_opts opts;
	struct mmsb_restored result;
	struct msl_disk *disk;
	struct msl_dir dir;
	struct msl_reader *reader;	/* of the ticks behind the checkpoint; NULL: not begun */
	struct msl_ahead *ahead;
	struct mmsb_ring *ring;
	uint64_t payload;
	uint64_t until;			/* the last tick wanted */
	uint64_t all, done;		/* bytes; done: before the file in hand */
	uint64_t shown;			/* progress was told at so many */
	struct mmsb_hash_record state;	/* the last that was told; zeros: none yet */
};

static void tell(const struct restore *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(const struct restore *r, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (r->opts.tell)
		r->opts.tell(r->opts.arg, LOG_WARNING, text);
	else
		fprintf(stderr, "mmsb: restore: %s\n", text);
}

static int show(struct restore *r, uint64_t at)
{
	uint64_t done = r->done + at;
	int ret;

	if (!r->opts.progress || done < r->shown + PROGRESS_BYTES)
		return 0;
	r->shown = done;
	ret = r->opts.progress(r->opts.arg, done, r->all > done ? r->all : done);
	return ret ? msl_fail(ret < 0 ? -ret : ECANCELED, "the restore was broken off") : 0;
}

/* ---------------------------------------------------------------------------------------------------------- records */

static int open_ring(struct restore *r)
{
	struct mmsb_ring_opts opts = { .size = sizeof(opts), .flags = MMSB_RING_REPLAY, .sq_entries = SQ_ENTRIES,
				       .payload_bytes = r->payload, .compare = r->opts.compare ? r->opts.compare : MMSB_NO_COMPARE };

	return mmsb_ring_open(r->space, &opts, &r->ring);
}

static void note_state(struct restore *r, const struct mmsb_hash_record *record)
{
	r->state = *record;
	r->result.time = record->time;
}

static int feed(struct restore *r, const struct mmsb_record *record)
{
	switch (record->type) {
	case MMSB_RECORD_DELTA:
		r->result.deltas++;
		break;
	case MMSB_RECORD_TICK:
		r->result.ticks++;
		r->result.tick = record->tick;
		note_state(r, (const struct mmsb_hash_record *)record);
		break;
	case MMSB_RECORD_HASH:
	case MMSB_RECORD_CAPTURE:
		note_state(r, (const struct mmsb_hash_record *)record);
		break;
	case MMSB_RECORD_IMAGE:
		r->result.pages += !(((const struct mmsb_image *)record)->flags & MMSB_IMAGE_AGAIN);
		break;
	case MMSB_RECORD_BOUND:
	case MMSB_RECORD_END:
		return 0;
	}
	return mmsb_replay(r->ring, record);
}

/* -------------------------------------------------------------------------------------------------- who reads the ticks */

static void end_reader(struct restore *r)
{
	msl_ahead_close(r->ahead);
	msl_reader_close(r->reader);
	r->ahead = NULL;
	r->reader = NULL;
}

static int begin_reader(struct restore *r, uint64_t tick)
{
	struct msl_reader_opts opts = { .life = MSL_LAST_LIFE, .from_tick = tick + 1 };
	int err = msl_reader_open(r->disk, &opts, &r->reader);

	if (err)
		return err;
	r->ahead = msl_ahead_of_log(r->reader);
	if (r->ahead)
		return 0;
	end_reader(r);
	return -ENOMEM;
}

/* If it cannot be, it is tried once more when its turn comes, and told then. */
static void begin_reader_early(struct restore *r, const struct msl_scan *checkpoint)
{
	uint64_t tick = checkpoint->header.tick;

	if (checkpoint->bytes >= msl_ahead_behind && tick < r->until && !begin_reader(r, tick))
		msl_ahead_begin(r->ahead);
}

/* ------------------------------------------------------------------------------------------------------- a checkpoint */

/* Most of a checkpoint is images, which come in bulk. */
static int take_pages(struct restore *r, const struct msl_item *item)
{
	r->result.pages += item->images;
	return msl_images_take(r->ring, item->record, item->bytes);
}

/* *damaged: it was the file, and not the space that would not have it. */
static int take_images(struct restore *r, struct msl_ahead *ahead, bool *damaged)
{
	struct msl_item item = { 0 };
	int err;

	while (!(err = msl_ahead_next(ahead, &item))) {
		err = item.images ? take_pages(r, &item) : feed(r, item.record);
		if (!err)
			err = show(r, item.done);
		if (err)
			return err;
	}
	*damaged = err == -EBADMSG;
	return err == -ENODATA ? mmsb_replay(r->ring, NULL) : err;
}

static int take_checkpoint(struct restore *r, struct msl_scan *scan, bool *damaged)
{
	struct msl_ahead *ahead = msl_ahead_of_file(scan);
	int err = ahead ? take_images(r, ahead, damaged) : -ENOMEM;

	msl_ahead_close(ahead);
	r->result.tick = scan->header.tick;
	r->result.checkpoint = scan->header.tick;
	r->done += scan->bytes;
	return err;
}

static int try_checkpoint(struct restore *r, uint64_t tick, bool *damaged)
{
	struct msl_scan *scan;
	char name[MSL_NAME_BYTES];
	int err;

	msl_checkpoint_name(name, tick);
	err = msl_scan_open(r->disk, name, true, &scan);
	*damaged = err == -EBADMSG || err == -ENOENT;
	if (err)
		return err;
	r->all += scan->bytes;
	begin_reader_early(r, scan);
	err = take_checkpoint(r, scan, damaged);
	msl_scan_close(scan);
	return err;
}

/* As if nothing had been tried yet. */
static int begin_again(struct restore *r)
{
	int err;

	end_reader(r);
	mmsb_ring_close(r->ring);
	r->ring = NULL;
	r->result = (struct mmsb_restored){ .size = sizeof(r->result) };
	memset(&r->state, 0, sizeof(r->state));
	r->all = 0;
	r->done = 0;
	err = open_ring(r);
	return err ? err : mmsb_space_reset(r->space);	/* under the ring, so that a space that is shut stays so */
}

static int take_newest(struct restore *r)
{
	size_t i = r->opts.flags & MMSB_RESTORE_FROM_BEGINNING ? 0 : r->dir.ncheckpoints;
	bool damaged;
	int err = 0;

	while (!err && i--) {
		if (r->dir.checkpoints[i] > r->until)
			continue;
		err = try_checkpoint(r, r->dir.checkpoints[i], &damaged);
		if (!err || !damaged)
			return err;
		tell(r, "%s; what is older is tried instead", mmsb_strerror_last());
		err = begin_again(r);
	}
	return err;
}

/* -------------------------------------------------------------------------------------------------------- the ticks */

static bool is_behind(const struct restore *r, const struct mmsb_record *record)
{
	return record->tick > r->until && record->type != MMSB_RECORD_RESET;
}

/* Most of a log is words, which come in bulk. */
static int take_words(struct restore *r, const struct msl_item *item)
{
	if (item->tick > r->until)
		return -ENODATA;
	r->result.deltas += item->nwords;
	return msl_replay_words(r->ring, item->tick, item->words, item->nwords);
}

static int take_record(struct restore *r, const struct mmsb_record *record)
{
	return is_behind(r, record) ? -ENODATA : feed(r, record);
}

/* *over: there was no more, and not only none that is wanted. */
static int take_ticks(struct restore *r, bool *over)
{
	struct msl_item item = { 0 };
	int err = 0;

	while (!err) {
		err = msl_ahead_next(r->ahead, &item);
		*over = err == -ENODATA;
		if (!err)
			err = item.record ? take_record(r, item.record) : take_words(r, &item);
		r->all = item.all;
		if (!err)
			err = show(r, item.done);
	}
	return err == -ENODATA ? 0 : err;
}

static void tell_torn(struct restore *r)
{
	struct msl_log_end end;

	msl_reader_end(r->reader, &end);
	r->result.cut = end.cut;
	if (end.cut)
		tell(r, "%" PRIu64 " bytes behind tick %" PRIu64 " were being written when it ended: they count for nothing", end.cut,
		     r->result.tick);
}

static int replay_ticks(struct restore *r)
{
	bool over = false;
	int err = r->reader ? 0 : begin_reader(r, r->result.tick);

	if (!err)
		err = take_ticks(r, &over);
	if (!err)
		err = mmsb_replay(r->ring, NULL);
	if (!err && over)
		tell_torn(r);
	return err;
}

/* ------------------------------------------------------------------------------------------------------------- a time */

/* Segments that begin after it cannot say which tick it was. */
static int segment_of_time(struct restore *r, uint64_t time, uint64_t *from)
{
	size_t i = r->dir.nsegments;
	struct msl_header header;
	char name[MSL_NAME_BYTES];
	int err;

	do {
		msl_segment_name(name, r->dir.segments[--i]);
		err = msl_header_read(r->disk, name, false, &header);
		if (err)
			return err;
	} while (i && header.time > time);
	*from = header.tick + 1;
	r->until = header.tick;
	return 0;
}

static int find_time(struct restore *r, uint64_t time)
{
	struct msl_reader_opts opts = { .life = MSL_LAST_LIFE };
	const struct mmsb_record *record;
	struct msl_reader *reader;
	int err = segment_of_time(r, time, &opts.from_tick);

	if (!err)
		err = msl_reader_open(r->disk, &opts, &reader);
	if (err)
		return err;
	while (!(err = msl_reader_next(reader, &record))) {
		if (record->type != MMSB_RECORD_TICK)
			continue;
		if (((const struct mmsb_hash_record *)record)->time > time)
			break;
		r->until = record->tick;
	}
	msl_reader_close(reader);
	return err == -ENODATA ? 0 : err;
}

/* ------------------------------------------------------------------------------------------------------------ the end */

/* The last that was told of the state hash, against the space. */
static int compare(struct restore *r)
{
	uint64_t hash[2];
	int err;

	if (r->opts.compare == MMSB_NO_COMPARE || !(r->state.record.flags & MMSB_RECORD_HASHED))
		return 0;
	err = mmsb_hash(r->space, 0, hash, NULL);
	if (err == -ENODATA)
		err = mmsb_hash(r->space, MMSB_HASH_RECOMPUTE, hash, NULL);
	if (err)
		return err;
	if (hash[0] != r->state.hash[0] || hash[1] != r->state.hash[1])
		return msl_fail(EBADMSG, "the state hash at tick %" PRIu64 " is %016" PRIx64 "%016" PRIx64 ", and the log says %016llx%016llx",
				r->result.tick, hash[0], hash[1], r->state.hash[0], r->state.hash[1]);
	memcpy(r->result.hash, hash, sizeof(hash));
	r->result.hashed = 1;
	return 0;
}

static int check_end(struct restore *r)
{
	if (r->opts.tick && r->result.tick < r->opts.tick)
		return msl_fail(ENOENT, "the log ends at tick %" PRIu64 ", before tick %" PRIu64, r->result.tick, r->opts.tick);
	return compare(r);
}

static int attempt(struct restore *r)
{
	int err = take_newest(r);

	if (!err && r->result.tick < r->until)
		err = replay_ticks(r);
	return err ? err : check_end(r);
}

static int check_fresh(const struct restore *r)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	int err = mmsb_space_info(r->space, &info);

	if (!err && (info.tick || info.pages))
		err = msl_fail(EBUSY, "the space has ticks already: a log is restored into a new one");
	return err;
}

static int prepare(struct restore *r, const char *dir)
{
	int err = check_fresh(r);

	if (!err)
		err = msl_disk_open(dir, MSL_DISK_NO_URING, &r->disk);
	if (!err)
		err = msl_dir_list(r->disk, &r->dir);
	if (!err && !r->dir.nsegments)
		err = msl_fail(ENOENT, "%s: the directory has no segment of a log", dir);
	if (!err && r->opts.time)
		err = find_time(r, r->opts.time);
	return err ? err : open_ring(r);
}

static void restore_end(struct restore *r, bool whole)
{
	if (whole)
		mmsb_replay_whole(r->ring);
	mmsb_ring_close(r->ring);
}

int mmsb_restore(struct mmsb_space *space, const char *dir, const struct mmsb_restore_opts *opts, struct mmsb_restored *restored)
{
	struct restore r = { .space = space, .payload = PAYLOAD, .result.size = sizeof(r.result) };
	int err = MSL_OPTS(r.opts, opts);

	if (!err && (r.opts.flags & ~RESTORE_KNOWN || (r.opts.tick && r.opts.time)))
		err = msl_fail(EINVAL, "to a tick or to a time, and with flags that this library knows");
	if (err)
		return err;
	r.until = r.opts.tick ? r.opts.tick : UINT64_MAX;
	err = prepare(&r, dir);
	if (!err)
		err = attempt(&r);
	if (err == -EMSGSIZE) {
		r.payload = MMSB_PAYLOAD_MAX;
		err = begin_again(&r);
		err = err ? err : attempt(&r);
	}
	if (!err && r.opts.flags & MMSB_RESTORE_HOLD)
		space->hold = r.ring;
	else
		restore_end(&r, !err);
	end_reader(&r);
	msl_dir_free(&r.dir);
	msl_disk_close(r.disk);
	if (!err && restored)
		msl_args_out(restored, &r.result, sizeof(r.result));
	return err;
}
