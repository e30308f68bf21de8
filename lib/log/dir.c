// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "dir.h"

#define DIGITS	20

void msl_segment_name(char name[MSL_NAME_BYTES], uint64_t number)
{
	snprintf(name, MSL_NAME_BYTES, "%020" PRIu64 ".seg", number);
}

void msl_checkpoint_name(char name[MSL_NAME_BYTES], uint64_t tick)
{
	snprintf(name, MSL_NAME_BYTES, "%020" PRIu64 ".ckp", tick);
}

void msl_temporary_name(char temporary[MSL_NAME_BYTES], const char *name)
{
	snprintf(temporary, MSL_NAME_BYTES, "%.*s.tmp", MSL_NAME_BYTES - 5, name);
}

/* Twenty digits, a number of 64 bits, and that ending. */
static bool parse(const char *name, const char *ending, uint64_t *number)
{
	unsigned int i;

	*number = 0;
	for (i = 0; i < DIGITS; i++) {
		if (name[i] < '0' || name[i] > '9' || __builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, (uint64_t)(name[i] - '0'), number))
			return false;
	}
	return !strcmp(name + DIGITS, ending);
}

/* ---------------------------------------------------------------------------------------------------------- listing */

static int push(uint64_t **numbers, size_t *n, size_t *room, uint64_t number)
{
	uint64_t *more;

	if (*n == *room) {
		more = pf_fault_inject() ? NULL : realloc(*numbers, (2 * *room + 16) * sizeof(*more));
		if (!more)
			return msl_fail(ENOMEM, "out of memory");
		*numbers = more;
		*room = 2 * *room + 16;
	}
	(*numbers)[(*n)++] = number;
	return 0;
}

static int list_one(void *arg, const char *name)
{
	struct msl_dir *dir = arg;
	uint64_t number;

	if (parse(name, ".seg", &number))
		return push(&dir->left, &dir->nsegments, &dir->room[0], number);
	if (parse(name, ".ckp", &number))
		return push(&dir->checkpoints, &dir->ncheckpoints, &dir->room[1], number);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint64_t left, right;

	memcpy(&left, a, sizeof(left));
	memcpy(&right, b, sizeof(right));
	return left < right ? -1 : left > right;
}

/* Deletions may come to disk in any order. What is before a hole, all before the oldest checkpoint, is left over; else the hole is damage. */
static int part_with_left(struct msl_disk *disk, struct msl_dir *dir)
{
	size_t i = dir->nsegments;
	char name[MSL_NAME_BYTES];
	struct msl_header header;
	int err;

	while (i > 1 && dir->segments[i - 1] == dir->segments[i - 2] + 1)
		i--;
	if (i <= 1 || !dir->ncheckpoints)
		return 0;
	msl_segment_name(name, dir->segments[i - 1]);
	err = msl_header_read(disk, name, false, &header);
	if (err)
		return err == -EBADMSG || err == -ENOENT ? 0 : err;
	if (header.tick > dir->checkpoints[0])
		return 0;
	dir->nleft = i - 1;
	dir->segments += dir->nleft;
	dir->nsegments -= dir->nleft;
	return 0;
}

int msl_dir_list(struct msl_disk *disk, struct msl_dir *dir)
{
	int err;

	dir->nleft = 0;
	dir->nsegments = 0;
	dir->ncheckpoints = 0;
	err = disk->ops->list(disk, list_one, dir);
	dir->segments = dir->left;	/* also of a list that broke off, for the old ones may have moved */
	if (err)
		return err;
	if (dir->nsegments)
		qsort(dir->segments, dir->nsegments, sizeof(*dir->segments), by_number);
	if (dir->ncheckpoints)
		qsort(dir->checkpoints, dir->ncheckpoints, sizeof(*dir->checkpoints), by_number);
	return part_with_left(disk, dir);
}

void msl_dir_free(struct msl_dir *dir)
{
	free(dir->left);
	free(dir->checkpoints);
	memset(dir, 0, sizeof(*dir));
}

/* Of a name that a file of ours has while it is made. */
static bool is_temporary(const char *name)
{
	uint64_t number;

	return parse(name, ".seg.tmp", &number) || parse(name, ".ckp.tmp", &number);
}

struct leftover {
	char name[MSL_NAME_BYTES];
	bool found;
};

static int clean_one(void *arg, const char *name)
{
	struct leftover *leftover = arg;

	if (leftover->found || !is_temporary(name))
		return 0;
	snprintf(leftover->name, sizeof(leftover->name), "%s", name);
	leftover->found = true;
	return 0;
}

/* One a time, since no directory is changed while it is listed. */
int msl_dir_clean(struct msl_disk *disk)
{
	struct leftover leftover;
	int err;

	do {
		leftover.found = false;
		err = disk->ops->list(disk, clean_one, &leftover);
		if (!err && leftover.found)
			err = disk->ops->unlink(disk, leftover.name);
	} while (!err && leftover.found);
	return err;
}

int msl_dir_lock(struct msl_disk *disk)
{
	return disk->ops->lock(disk, MSL_LOCK_NAME);
}

/* ---------------------------------------------------------------------------------------------------------- headers */

int msl_header_read(struct msl_disk *disk, const char *name, bool checkpoint, struct msl_header *header)
{
	struct msl_file *file;
	const char *fault;
	ssize_t n;
	int err = disk->ops->file_open(disk, name, MSL_FILE_READ, &file);

	if (err)
		return err;
	memset(header, 0, sizeof(*header));
	n = disk->ops->read(file, header, sizeof(*header), 0);
	disk->ops->file_close(file);
	if (n < 0)
		return (int)n;
	fault = n < (ssize_t)sizeof(*header) ? "it is shorter than a header" : msl_header_fault(header, checkpoint);
	return fault ? msl_fail(EBADMSG, "%s: damaged at offset 0: %s", name, fault) : 0;
}
