// SPDX-License-Identifier: MIT
#include "log.h"
#include "reader.h"

/* The last segment is read to its end, and what was found of it is on disk from then on, as are the names of all files. */
static int find_end(struct msl_disk *disk, struct msl_log_end *end)
{
	struct msl_reader_opts opts = { .life = MSL_LAST_LIFE, .from_tick = UINT64_MAX };
	const struct mmsb_record *record;
	struct msl_reader *reader;
	char name[MSL_NAME_BYTES];
	int err = msl_reader_open(disk, &opts, &reader);

	if (err)
		return err;
	do {
		err = msl_reader_next(reader, &record);
	} while (!err);
	msl_reader_end(reader, end);
	msl_reader_close(reader);
	if (err != -ENODATA)
		return err;
	msl_segment_name(name, end->header.number);
	err = msl_segment_settle(disk, name);
	return err ? err : disk->ops->sync_dir(disk);
}

static int is_based(struct msl_disk *disk, const struct msl_dir *dir, bool *based)
{
	struct msl_header header;
	char name[MSL_NAME_BYTES];
	int err;

	*based = dir->ncheckpoints;
	if (*based)
		return 0;
	msl_segment_name(name, dir->segments[0]);
	err = msl_header_read(disk, name, false, &header);
	*based = !header.tick;
	return err;
}

/* A segment without records is made once more, in its place; else there is another one. */
static int start_behind(struct msl_disk *disk, const struct msl_dir *dir, struct msl_start *start)
{
	struct msl_log_end end;
	int err = find_end(disk, &end);

	if (err)
		return err;
	start->header = end.header;
	start->tick = end.tally.tick;
	start->held = dir->ncheckpoints ? dir->checkpoints[dir->ncheckpoints - 1] : 0;
	start->held = start->held < start->tick ? start->tick : start->held;
	start->virgin = !end.tally.records && !end.header.previous_end && !dir->ncheckpoints;
	if (end.tally.records) {
		start->header.number++;
		msl_header_follow(&start->header, &end.tally, end.at, end.chain);
	}
	return is_based(disk, dir, &start->based);
}

int msl_start_peek(struct msl_disk *disk, struct msl_header *header)
{
	struct msl_dir dir = { 0 };
	char name[MSL_NAME_BYTES];
	int err = msl_dir_list(disk, &dir);

	if (!err && !dir.nsegments)
		err = msl_fail(ENOENT, "the directory holds no log");
	if (!err) {
		msl_segment_name(name, dir.segments[dir.nsegments - 1]);
		err = msl_header_read(disk, name, false, header);
	}
	msl_dir_free(&dir);
	return err;
}

int msl_start_find(struct msl_disk *disk, struct msl_start *start)
{
	struct msl_dir dir = { 0 };
	int err;

	memset(start, 0, sizeof(*start));
	err = msl_dir_list(disk, &dir);
	if (!err && !dir.nsegments && dir.ncheckpoints)
		err = msl_fail(EBADMSG, "the directory has a checkpoint but no segment: restore it, and begin a log in another directory");
	start->fresh = !dir.nsegments;
	if (!err && dir.nsegments)
		err = start_behind(disk, &dir, start);
	msl_dir_free(&dir);
	return err;
}
