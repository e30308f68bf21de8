/* SPDX-License-Identifier: MIT */
/*
 * What files a log's directory has, by their names:
 *
 *	lock					held by whoever writes
 *	00000000000000000007.seg		segment number 7
 *	00000000000000001000.ckp		checkpoint of the state at tick 1000; in a log with RESETs, the latest such
 *	NAME.tmp				being made, or left by a writer who died; of no meaning to anybody else
 *
 * All others are none of the log's business.
 */
#ifndef MMSB_LOG_DIR_H
#define MMSB_LOG_DIR_H

#include "disk.h"
#include "format.h"

#define MSL_NAME_BYTES		40
#define MSL_LOCK_NAME		"lock"

struct msl_dir {
	uint64_t *segments;		/* numbers, rising */
	size_t nsegments;
	uint64_t *left;			/* of segments that nothing needs: they were being deleted when the power went, and newer ones are gone already */
	size_t nleft;
	uint64_t *checkpoints;		/* ticks, rising */
	size_t ncheckpoints;
	size_t room[2];
};

/* Asks for all anew; begin with zeros. */
int msl_dir_list(struct msl_disk *disk, struct msl_dir *dir);
void msl_dir_free(struct msl_dir *dir);
int msl_dir_clean(struct msl_disk *disk);	/* deletes what was left behind; by whoever has the lock */
int msl_dir_lock(struct msl_disk *disk);	/* until the disk is closed; -EWOULDBLOCK: another has it */

void msl_segment_name(char name[MSL_NAME_BYTES], uint64_t number);
void msl_checkpoint_name(char name[MSL_NAME_BYTES], uint64_t tick);
void msl_temporary_name(char temporary[MSL_NAME_BYTES], const char *name);

/* The file's header, found in order. -EBADMSG: it is damaged. -ENOENT: there is no such file. */
int msl_header_read(struct msl_disk *disk, const char *name, bool checkpoint, struct msl_header *header);

#endif
