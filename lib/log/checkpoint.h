/* SPDX-License-Identifier: MIT */
/*
 * A checkpoint being made: the images of a capture in a file of their own, which counts once it is whole, verified and has its name.
 *
 *	WANTED		the source could not be asked yet
 *	ASKED		it was asked, and the CAPTURE will come
 *	TAKING		images are being written
 *	SEALING		all of them have come
 *	VERIFYING	the file is being read back: every checksum, the number of images, and the state hash that they add up to
 *	PLACING		it gets its name, once the log itself is on disk up to its tick; then what it makes dispensable is deleted
 *
 * It goes on a bounded piece at each step of the writer, so that syncs of the log never wait for long. One that fails is given up and leaves
 * nothing behind; the log does not suffer from it.
 */
#ifndef MMSB_LOG_CHECKPOINT_H
#define MMSB_LOG_CHECKPOINT_H

#include "scan.h"
#include "segment.h"

struct msl_writer;

enum msl_checkpoint_state {
	MSL_CHECKPOINT_NONE,
	MSL_CHECKPOINT_WANTED,
	MSL_CHECKPOINT_ASKED,
	MSL_CHECKPOINT_TAKING,
	MSL_CHECKPOINT_SEALING,
	MSL_CHECKPOINT_VERIFYING,
	MSL_CHECKPOINT_PLACING,
};

struct msl_checkpoint {
	enum msl_checkpoint_state state;
	struct msl_segment *file;
	struct msl_scan *scan;		/* of what was written */
	uint64_t tick;
	uint64_t images;		/* written */
	bool sync_under_way;
	uint64_t sum[2];		/* of the state hash, over the images read back */
	uint64_t ended;			/* how many have, well or not */
	int result;			/* of the last one that ended: 0, or why it failed */
	char why[256];
	uint64_t last_tick;		/* of the last one that is whole */
	uint64_t retry_at;
};

/* CAPTURE, IMAGE or CAPTURED. 0, or what stops the writer for good. */
int msl_checkpoint_take(struct msl_writer *writer, const struct mmsb_record *record);
/* Something that needs no record. *busy: there is more to do at once. */
int msl_checkpoint_step(struct msl_writer *writer, uint64_t now, bool *busy);
/* Whatever is being made is not. */
void msl_checkpoint_give_up(struct msl_writer *writer, int err);

#endif
