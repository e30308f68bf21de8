/* SPDX-License-Identifier: MIT */
/*
 * Reading a whole log: its segments one behind the other, each held against the one before, records as histories have them, none of a
 * tick that is not whole. A writer may be at work meanwhile.
 *
 * A log in which the space was RESET has several lives, in each of which ticks begin again at 1; a tick wanted is one of a certain life.
 */
#ifndef MMSB_LOG_READER_H
#define MMSB_LOG_READER_H

#include "scan.h"

#define MSL_LAST_LIFE		UINT64_MAX	/* the one that the last segment begins with */

struct msl_reader_opts {
	uint64_t life;
	uint64_t from_tick;		/* the first tick wanted, of that life; 0: all that there is, of every life */
	bool follow;			/* more may come */
};

struct msl_reader {
	struct msl_disk *disk;
	struct msl_dir dir;
	size_t next;			/* in dir.segments: behind the one in hand */
	struct msl_scan *scan;		/* NULL: none in hand yet */
	uint64_t life, from_tick;
	bool follow;
	bool skipping;			/* what comes is not wanted yet */
	uint64_t done, all;		/* bytes: of segments that were left behind, and of all */
};

/* Where a log ends, for whoever goes on with it. */
struct msl_log_end {
	struct msl_header header;	/* of the last segment */
	struct msl_tally tally;		/* at the end */
	uint64_t at;
	uint32_t chain;
	enum msl_end end;
	uint64_t cut;			/* bytes behind `at` that count for nothing */
	uint64_t cut_tick;		/* a tick that was not whole; 0: none */
};

/* -ENOENT: there is no segment, or the tick wanted lies before the first. */
int msl_reader_open(struct msl_disk *disk, const struct msl_reader_opts *opts, struct msl_reader **reader);
void msl_reader_close(struct msl_reader *reader);	/* NULL: nothing */
/*
 * *record: good until the next call. 0; -ENODATA: the end; -EAGAIN: following, and no more for now; -EBADMSG: damage, of which the text
 * names file and offset.
 */
int msl_reader_next(struct msl_reader *reader, const struct mmsb_record **record);
/* In bulk, the words that come next, of *tick: how many, or as msl_reader_next() fails. None: it is to be asked what comes next. */
int msl_reader_words(struct msl_reader *reader, uint64_t *tick, const struct mmsb_word **words);
/* Behind an -ENODATA, or where it stands now. */
void msl_reader_end(const struct msl_reader *reader, struct msl_log_end *end);
/* A segment's header against the end of the one before: 0, or -EBADMSG. */
int msl_follows(const struct msl_log_end *before, const struct msl_header *header, const char *name);
/* Bytes that were read, of so many: for progress. */
uint64_t msl_reader_done(const struct msl_reader *reader, uint64_t *all);

#endif
