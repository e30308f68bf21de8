// SPDX-License-Identifier: MIT
#include "retain.h"

/* *gone: how many, the oldest, are. */
static int drop_checkpoints(struct msl_disk *disk, const struct msl_dir *dir, uint32_t keep, size_t *gone)
{
	char name[MSL_NAME_BYTES];
	int err = 0;

	for (*gone = 0; !err && dir->ncheckpoints - *gone > keep; *gone += !err) {
		msl_checkpoint_name(name, dir->checkpoints[*gone]);
		err = disk->ops->unlink(disk, name);
	}
	return err || !*gone ? err : disk->ops->sync_dir(disk);
}

static int drop_left(struct msl_disk *disk, const struct msl_dir *dir)
{
	char name[MSL_NAME_BYTES];
	size_t i;
	int err = 0;

	for (i = 0; !err && i < dir->nleft; i++) {
		msl_segment_name(name, dir->left[i]);
		err = disk->ops->unlink(disk, name);
	}
	return err || !i ? err : disk->ops->sync_dir(disk);
}

/* The ticks of a segment end where the next one's begin. */
static int segment_begins(struct msl_disk *disk, uint64_t number, uint64_t *tick)
{
	struct msl_header header;
	char name[MSL_NAME_BYTES];
	int err;

	msl_segment_name(name, number);
	err = msl_header_read(disk, name, false, &header);
	*tick = header.tick;
	return err;
}

static int drop_segments(struct msl_disk *disk, const struct msl_dir *dir, uint64_t before)
{
	char name[MSL_NAME_BYTES];
	uint64_t tick;
	size_t i;
	int err = 0;

	for (i = 0; !err && i + 1 < dir->nsegments; i++) {
		err = segment_begins(disk, dir->segments[i + 1], &tick);
		if (err || tick > before)
			break;
		msl_segment_name(name, dir->segments[i]);
		err = disk->ops->unlink(disk, name);
	}
	return err || !i ? err : disk->ops->sync_dir(disk);
}

int msl_retain(struct msl_disk *disk, uint32_t checkpoints)
{
	struct msl_dir dir = { 0 };
	size_t gone = 0;
	int err = msl_dir_list(disk, &dir);

	if (!err)
		err = drop_checkpoints(disk, &dir, checkpoints, &gone);
	if (!err)
		err = drop_left(disk, &dir);
	if (!err && dir.ncheckpoints > gone)
		err = drop_segments(disk, &dir, dir.checkpoints[gone]);
	msl_dir_free(&dir);
	return err;
}
