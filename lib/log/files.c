// SPDX-License-Identifier: MIT
/*
 * What files a log has, and whether they are what they should be: mmsb_log_files(), mmsb_log_verify(), mmsb_log_info().
 */
#include <stdio.h>
#include "log.h"
#include "reader.h"

typedef int (*each_fn)(void *arg, const struct mmsb_log_file *file, int result, const char *text);

struct survey {
	struct msl_disk *disk;
	struct msl_dir dir;
	bool whole;			/* everything is read and checked */
	each_fn each;
	void *arg;
	bool damaged;
	struct msl_log_end before;	/* of the segment before; its id is 0: that could not be read */
};

static void describe(struct mmsb_log_file *file, const struct msl_scan *scan, const struct msl_tally *tally)
{
	const struct msl_header *header = &scan->header;
	bool open = scan->end == MSL_END_OPEN || scan->end == MSL_END_TORN;

	file->number = header->number;
	file->bytes = open ? scan->end_at : scan->bytes;	/* what lies behind is room that was reserved */
	file->term = header->term;
	file->first_tick = tally->first_tick;
	file->last_tick = tally->tick;
	file->first_time = tally->first_time;
	file->last_time = tally->time;
	file->ticks = tally->ticks;
	file->deltas = tally->deltas;
	file->images = tally->images;
	memcpy(file->hash, tally->hash, sizeof(file->hash));
	file->flags = (tally->flags & MSL_HEADER_HASHED ? MMSB_LOG_FILE_HASHED : 0) | (header->flags & MSL_HEADER_ZSTD ? MMSB_LOG_FILE_ZSTD : 0) |
		      (open ? MMSB_LOG_FILE_OPEN : 0) |
		      (scan->end == MSL_END_TORN ? MMSB_LOG_FILE_TORN : 0);
}

static int report(struct survey *survey, const struct mmsb_log_file *file, int result)
{
	if (result && result != -EBADMSG && result != -ENOENT)
		return result;
	survey->damaged |= result != 0;
	return survey->each(survey->arg, file, result, result ? mmsb_strerror_last() : NULL);
}

/* To its end; images add up to *sum. */
static int read_all(struct msl_scan *scan, uint64_t sum[2])
{
	const struct mmsb_record *record;
	int err;

	while (!(err = msl_scan_next(scan, &record)))
		if (record->type == MMSB_RECORD_IMAGE)
			embedded_image_hash((const struct mmsb_image *)record, sum);
	return err == -ENODATA ? 0 : err;
}

/* ------------------------------------------------------------------------------------------------------- checkpoints */

static int read_checkpoint(const struct survey *survey, struct msl_scan *scan, struct msl_tally *tally)
{
	uint64_t sum[2] = { 0 };
	int err;

	if (!survey->whole) {
		err = msl_scan_seal(scan, tally);
		return err == -ENODATA ? msl_fail(EBADMSG, "%s: it has no seal", scan->name) : err;
	}
	err = read_all(scan, sum);
	*tally = scan->tally;
	if (!err && scan->header.flags & MSL_HEADER_HASHED && memcmp(sum, scan->header.hash, sizeof(sum)))
		err = msl_fail(EBADMSG, "%s: its images add up to another state hash than it says", scan->name);
	return err;
}

static int survey_checkpoint(struct survey *survey, uint64_t tick)
{
	struct mmsb_log_file file = { .what = MMSB_LOG_CHECKPOINT, .last_tick = tick };
	struct msl_tally tally;
	struct msl_scan *scan;
	char name[MSL_NAME_BYTES];
	int err;

	msl_checkpoint_name(name, tick);
	snprintf(file.name, sizeof(file.name), "%s", name);
	err = msl_scan_open(survey->disk, name, true, &scan);
	if (err)
		return report(survey, &file, err);
	msl_tally_begin(&tally, &scan->header);
	err = read_checkpoint(survey, scan, &tally);
	describe(&file, scan, &tally);
	err = report(survey, &file, err);
	msl_scan_close(scan);
	return err;
}

/* ---------------------------------------------------------------------------------------------------------- segments */

/* The next one says where this one ends. A head that cannot be read is told of when its turn comes. */
static void limit(const struct survey *survey, struct msl_scan *scan, size_t i)
{
	struct msl_header next;
	char name[MSL_NAME_BYTES];

	if (i + 1 == survey->dir.nsegments || survey->dir.segments[i + 1] != survey->dir.segments[i] + 1)
		return;
	msl_segment_name(name, survey->dir.segments[i + 1]);
	if (!msl_header_read(survey->disk, name, false, &next))
		msl_scan_limit(scan, &next);
}

static int check_tie(const struct survey *survey, const struct msl_scan *scan)
{
	return survey->before.header.id[0] ? msl_follows(&survey->before, &scan->header, scan->name) : 0;
}

static int read_segment(struct survey *survey, struct msl_scan *scan, struct msl_tally *tally, size_t i)
{
	uint64_t sum[2] = { 0 };
	int err = -ENODATA;

	limit(survey, scan, i);
	if (!survey->whole)
		err = msl_scan_seal(scan, tally);
	if (err != -ENODATA)
		return err;
	err = survey->whole ? check_tie(survey, scan) : 0;
	if (!err)
		err = read_all(scan, sum);
	*tally = scan->tally;
	survey->before = (struct msl_log_end){ .tally = scan->tally, .at = scan->end_at, .chain = scan->end_chain, .end = scan->end };
	if (!err)
		survey->before.header = scan->header;
	return err;
}

static int survey_segment(struct survey *survey, size_t i)
{
	struct mmsb_log_file file = { .what = MMSB_LOG_SEGMENT, .number = survey->dir.segments[i] };
	struct msl_tally tally;
	struct msl_scan *scan;
	char name[MSL_NAME_BYTES];
	int err;

	msl_segment_name(name, survey->dir.segments[i]);
	snprintf(file.name, sizeof(file.name), "%s", name);
	err = msl_scan_open(survey->disk, name, false, &scan);
	if (err) {
		survey->before.header.id[0] = 0;
		return report(survey, &file, err);
	}
	msl_tally_begin(&tally, &scan->header);
	err = read_segment(survey, scan, &tally, i);
	describe(&file, scan, &tally);
	err = report(survey, &file, err);
	msl_scan_close(scan);
	return err;
}

/* --------------------------------------------------------------------------------------------------------------- all */

static int survey_run(struct survey *survey, const char *dir)
{
	size_t i;
	int err = msl_disk_open(dir, MSL_DISK_NO_URING, &survey->disk);

	if (!err)
		err = msl_dir_list(survey->disk, &survey->dir);
	if (!err && !survey->dir.nsegments)
		err = msl_fail(ENOENT, "%s: the directory has no segment of a log", dir);
	for (i = 0; !err && i < survey->dir.ncheckpoints; i++)
		err = survey_checkpoint(survey, survey->dir.checkpoints[i]);
	for (i = 0; !err && i < survey->dir.nsegments; i++)
		err = survey_segment(survey, i);
	msl_dir_free(&survey->dir);
	msl_disk_close(survey->disk);
	return err;
}

int mmsb_log_verify(const char *dir, each_fn each, void *arg)
{
	struct survey survey = { .whole = true, .each = each, .arg = arg };
	int err = survey_run(&survey, dir);

	return err || !survey.damaged ? err : msl_fail(EBADMSG, "%s: some of the log's files are damaged", dir);
}

struct listing {
	int (*each)(void *arg, const struct mmsb_log_file *file);
	void *arg;
};

static int list_one(void *arg, const struct mmsb_log_file *file, int result, const char *text)
{
	const struct listing *listing = arg;

	(void)result;
	(void)text;
	return listing->each(listing->arg, file);
}

int mmsb_log_files(const char *dir, int (*each)(void *arg, const struct mmsb_log_file *file), void *arg)
{
	struct listing listing = { each, arg };
	struct survey survey = { .each = list_one, .arg = &listing };

	return survey_run(&survey, dir);
}

/* -------------------------------------------------------------------------------------------------------------- info */

static int info_add(void *arg, const struct mmsb_log_file *file)
{
	struct mmsb_log_info *info = arg;

	info->bytes += file->bytes;
	if (file->what == MMSB_LOG_CHECKPOINT) {
		info->checkpoints++;
		info->checkpoint_tick = file->last_tick;
		return 0;
	}
	info->segments++;
	if (file->first_tick && !info->first_tick) {
		info->first_tick = file->first_tick;
		info->first_time = file->first_time;
	}
	info->last_tick = file->last_tick > info->last_tick ? file->last_tick : info->last_tick;
	info->last_time = file->last_time;
	return 0;
}

static int info_header(const char *dir, struct mmsb_log_info *info)
{
	struct msl_disk *disk;
	struct msl_header header;
	int err = msl_disk_open(dir, MSL_DISK_NO_URING, &disk);

	if (err)
		return err;
	err = msl_start_peek(disk, &header);
	msl_disk_close(disk);
	if (err)
		return err;
	memcpy(info->id, header.id, sizeof(info->id));
	info->format = header.format;
	info->max_pages = header.max_pages;
	info->max_bytes = header.max_bytes;
	info->shards = header.shards;
	info->max_rings = header.max_rings;
	info->space_flags = header.space_flags;
	memcpy(info->name, header.name, sizeof(info->name));
	return 0;
}

int mmsb_log_info(const char *dir, struct mmsb_log_info *info)
{
	struct mmsb_log_info all = { .size = sizeof(all) };
	int err = info_header(dir, &all);

	if (!err)
		err = mmsb_log_files(dir, info_add, &all);
	if (!err)
		msl_args_out(info, &all, sizeof(all));
	return err;
}
