// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include "reader.h"

static int fail_missing(uint64_t number)
{
	return msl_fail(EBADMSG, "segment %" PRIu64 " of the log is missing", number);
}

/* ------------------------------------------------------------------------------------------------ one behind the other */

int msl_follows(const struct msl_log_end *before, const struct msl_header *header, const char *name)
{
	const struct msl_tally *tally = &before->tally;
	const char *fault = NULL;

	if (memcmp(header->id, before->header.id, sizeof(header->id)))
		fault = "it is of another log";
	else if (header->number != before->header.number + 1)
		fault = "its number is not that of its name";
	else if (header->previous_end != before->at || header->previous_chain != before->chain)
		fault = "the segment before it is not the one that it follows";
	else if (header->life != tally->life || header->tick != tally->tick || memcmp(header->hash, tally->hash, sizeof(header->hash)))
		fault = "it begins at another tick or state than the one before it ends with";
	return fault ? msl_fail(EBADMSG, "%s: damaged at offset 0: %s", name, fault) : 0;
}

/* If there is one behind it, its header says where the one in hand ends. One that cannot be read is complained of when its turn comes. */
static void limit_by_next(struct msl_reader *reader)
{
	char name[MSL_NAME_BYTES];
	struct msl_header header;

	reader->scan->live = reader->follow && reader->next == reader->dir.nsegments;
	if (reader->next == reader->dir.nsegments || reader->dir.segments[reader->next] != reader->scan->header.number + 1)
		return;
	msl_segment_name(name, reader->dir.segments[reader->next]);
	if (!msl_header_read(reader->disk, name, false, &header))
		msl_scan_limit(reader->scan, &header);
}

/* The next segment comes into hand. */
static int enter(struct msl_reader *reader)
{
	uint64_t number = reader->dir.segments[reader->next];
	struct msl_scan *before = reader->scan, *scan;
	struct msl_log_end end;
	char name[MSL_NAME_BYTES];
	int err;

	if (before && number != before->header.number + 1)
		return fail_missing(before->header.number + 1);
	msl_segment_name(name, number);
	err = msl_scan_open(reader->disk, name, false, &scan);
	if (err)
		return err;
	if (before) {
		msl_reader_end(reader, &end);
		err = msl_follows(&end, &scan->header, name);
	} else if (scan->header.number != number) {
		err = msl_fail(EBADMSG, "%s: damaged at offset 0: its number is not that of its name", name);
	}
	if (err) {
		msl_scan_close(scan);
		return err;
	}
	if (before)
		reader->done += before->bytes;
	msl_scan_close(before);
	reader->scan = scan;
	reader->next++;
	limit_by_next(reader);
	return 0;
}

/* Is there a segment now that was not there before? If so, the one in hand ends where that says, and not where it seemed to. */
static int look_again(struct msl_reader *reader, bool *more)
{
	uint64_t number = reader->scan->header.number;
	int err = msl_dir_list(reader->disk, &reader->dir);

	*more = false;
	if (err)
		return err;
	for (reader->next = 0; reader->next < reader->dir.nsegments && reader->dir.segments[reader->next] <= number; reader->next++)
		;
	if (reader->next == reader->dir.nsegments)
		return 0;
	*more = true;
	limit_by_next(reader);
	if (reader->scan->end != MSL_END_SEALED)
		reader->scan->end = MSL_END_NONE;
	reader->scan->cut_tick = 0;
	return 0;
}

/* The segment in hand has no more. 0: there is more now. */
static int go_on(struct msl_reader *reader, int result)
{
	bool more;
	int err;

	if (result == -ENODATA && reader->next < reader->dir.nsegments)
		return enter(reader);
	err = look_again(reader, &more);
	if (err || more)
		return err;
	return reader->follow ? -EAGAIN : result;
}

/* ----------------------------------------------------------------------------------------------------------- records */

static bool tick_is_before(const struct msl_reader *reader, uint64_t tick)
{
	uint64_t life = reader->scan->tally.life;

	return life < reader->life || (life == reader->life && tick < reader->from_tick);
}

/* Of a life before the one wanted, or of a tick before it. */
static bool is_before(const struct msl_reader *reader, const struct mmsb_record *record)
{
	if (record->type == MMSB_RECORD_RESET)
		return reader->scan->tally.life <= reader->life;
	return tick_is_before(reader, record->tick);
}

/* Words of a tick that is not wanted are passed over in bulk. */
static int pass_over(struct msl_reader *reader)
{
	const struct mmsb_word *words;
	int n;

	do {
		n = tick_is_before(reader, reader->scan->decoder.context.tick) ? msl_scan_words(reader->scan, false, &words) : 0;
	} while (n > 0);
	return n;
}

int msl_reader_next(struct msl_reader *reader, const struct mmsb_record **record)
{
	int err;

	do {
		err = reader->skipping ? pass_over(reader) : 0;
		if (!err)
			err = msl_scan_next(reader->scan, record);
		if (err == -ENODATA || err == -EAGAIN) {
			err = go_on(reader, err);
			*record = NULL;
			continue;
		}
		if (!err && reader->skipping)
			reader->skipping = is_before(reader, *record);
	} while (!err && (!*record || reader->skipping));
	if (err)
		*record = NULL;
	return err;
}

int msl_reader_words(struct msl_reader *reader, uint64_t *tick, const struct mmsb_word **words)
{
	int n = reader->skipping ? 0 : msl_scan_words(reader->scan, true, words);

	*tick = reader->scan->decoder.context.tick;
	return n;
}

void msl_reader_end(const struct msl_reader *reader, struct msl_log_end *end)
{
	const struct msl_scan *scan = reader->scan;

	*end = (struct msl_log_end){ .header = scan->header, .tally = scan->tally, .end = scan->end, .cut_tick = scan->cut_tick };
	end->at = scan->end ? scan->end_at : scan->at;
	end->chain = scan->end ? scan->end_chain : scan->chain;
	end->cut = scan->end == MSL_END_TORN ? scan->bytes - end->at : 0;
}

uint64_t msl_reader_done(const struct msl_reader *reader, uint64_t *all)
{
	uint64_t done = reader->done + reader->scan->at;

	*all = reader->all > done ? reader->all : done;
	return done;
}

/* ---------------------------------------------------------------------------------------------------------- opening */

static int add_bytes(struct msl_reader *reader, const char *name)
{
	struct msl_file *file;
	uint64_t bytes = 0;
	int err = reader->disk->ops->file_open(reader->disk, name, MSL_FILE_READ, &file);

	if (err)
		return err;
	err = reader->disk->ops->size(file, &bytes);
	reader->disk->ops->file_close(file);
	reader->all += bytes;
	return err;
}

static bool begins_before(const struct msl_reader *reader, const struct msl_header *header)
{
	return header->life < reader->life || (header->life == reader->life && header->tick < reader->from_tick);
}

/* From the last segment back to the one that has the tick wanted. A header that is damaged is passed over, if it is not the one needed. */
static int find_start(struct msl_reader *reader)
{
	size_t i = reader->dir.nsegments;
	char name[MSL_NAME_BYTES];
	struct msl_header header;
	int err = 0;

	while (i) {
		msl_segment_name(name, reader->dir.segments[--i]);
		err = add_bytes(reader, name);
		if (err)
			return err;
		if (!reader->from_tick)
			continue;
		err = msl_header_read(reader->disk, name, false, &header);
		if (err && err != -EBADMSG)
			return err;
		if (!err && reader->life == MSL_LAST_LIFE)
			reader->life = header.life;
		reader->next = i;
		if (!err && begins_before(reader, &header))
			return 0;
	}
	if (!reader->from_tick || err)
		return err;
	return msl_fail(ENOENT, "the log has nothing of tick %" PRIu64 " any more: it begins behind tick %" PRIu64, reader->from_tick,
			header.tick);
}

static int reader_begin(struct msl_reader *reader)
{
	int err = msl_dir_list(reader->disk, &reader->dir);

	if (!err && !reader->dir.nsegments)
		err = msl_fail(ENOENT, "the directory has no segment of a log");
	if (!err)
		err = find_start(reader);
	return err ? err : enter(reader);
}

int msl_reader_open(struct msl_disk *disk, const struct msl_reader_opts *opts, struct msl_reader **reader)
{
	struct msl_reader *r = msl_alloc(sizeof(*r));
	int err;

	*reader = NULL;
	if (!r)
		return -ENOMEM;
	r->disk = disk;
	r->life = opts->life;
	r->from_tick = opts->from_tick;
	r->follow = opts->follow;
	r->skipping = opts->from_tick;
	err = reader_begin(r);
	if (err)
		msl_reader_close(r);
	else
		*reader = r;
	return err;
}

void msl_reader_close(struct msl_reader *reader)
{
	if (!reader)
		return;
	msl_scan_close(reader->scan);
	msl_dir_free(&reader->dir);
	free(reader);
}
