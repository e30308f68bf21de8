/* SPDX-License-Identifier: MIT */
/*
 * Reading one file of the log from its beginning, and finding out how it ends. The file may be damaged, cut, or made by somebody who wishes
 * us ill: no more memory is used than its largest frame needs, and at most MSL_FRAME_MAX.
 *
 * Only ticks that are whole are given: before a frame gives deltas of a tick that goes on in the next, the frames in between are looked at
 * up to where that tick closes.
 */
#ifndef MMSB_LOG_SCAN_H
#define MMSB_LOG_SCAN_H

#include "decode.h"
#include "dir.h"

enum msl_end {
	MSL_END_NONE,			/* not there yet */
	MSL_END_SEALED,			/* the file is whole */
	MSL_END_LIMIT,			/* where msl_scan_limit() said */
	MSL_END_OPEN,			/* nothing more was written */
	MSL_END_TORN,			/* something more was, but not all of it came to the disk */
	MSL_END_DAMAGED,
};

struct msl_scan {
	struct msl_disk *disk;
	struct msl_file *file;
	char name[MSL_NAME_BYTES];
	bool checkpoint;
	bool live;			/* the file may still grow: where it ends for now, msl_scan_next() gives -EAGAIN */
	struct msl_header header;
	struct msl_tally tally;		/* of the records that were given */
	uint64_t bytes;			/* of the file */
	uint64_t data_end;		/* behind it, it had only zeros when it was opened */
	uint64_t at;			/* where the frame behind the one in hand begins */
	uint32_t chain;			/* up to there */

	enum msl_end end;
	uint64_t end_at;		/* where what is whole ends, or the damage begins */
	uint32_t end_chain;
	uint64_t cut_tick;		/* torn within it, or left open; 0: none */
	char why[256];			/* damage, and a torn tail, in words */

	bool limited;
	uint64_t limit;
	uint32_t limit_chain;

	uint64_t frame_at;		/* the frame in hand; 0: none yet */
	struct msl_frame frame;
	uint8_t *payload;		/* its records */
	size_t payload_room;
	size_t sure;			/* so many bytes of it may be given */
	uint64_t sure_at;		/* the frame there closes the tick that is open; every one before may be given whole */

	uint8_t *window;		/* bytes of the file, as last read */
	size_t window_room, window_used;
	uint64_t window_at;
	void *zstd;
	struct msl_decoder decoder;
};

int msl_scan_open(struct msl_disk *disk, const char *name, bool checkpoint, struct msl_scan **scan);
void msl_scan_close(struct msl_scan *scan);	/* NULL: nothing */
/* The next segment's header is known: this one ends where that says, whatever lies behind. */
void msl_scan_limit(struct msl_scan *scan, const struct msl_header *next);
/*
 * *record: good until the next call. 0; -ENODATA: this was all, `end` says how it ends; -EBADMSG: damage, also of a checkpoint that is not
 * whole; `end` is DAMAGED and `why` says where and what; -EAGAIN: live, and no more for now.
 */
int msl_scan_next(struct msl_scan *scan, const struct mmsb_record **record);
/*
 * In bulk, the words that come next within the frame in hand, of the tick scan->decoder.context.tick, or of the next, if it shall be entered: how
 * many, or as msl_scan_next() fails. None: what comes next is something else.
 */
int msl_scan_words(struct msl_scan *scan, bool enter, const struct mmsb_word **words);
/* What the file's seal says, without reading it all. -ENODATA: it has none (yet). */
int msl_scan_seal(struct msl_scan *scan, struct msl_tally *tally);

#endif
