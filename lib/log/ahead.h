/* SPDX-License-Identifier: MIT */
/*
 * What a file of the log says, read, checked and decoded by a thread of its own, while whoever does it again is still at what came before.
 *
 * The thread fills blocks, a few in a circle, and whoever takes gives each back when he asks for what lies behind it: so both stay within the
 * caches, and memory is bounded, by as many of the largest record as there are blocks. What comes, how it ends, and the text of a failure
 * are those that there would be without it; only that the file may have been read further than was taken. A short log is over before a
 * thread has begun, so the first part is taken without one; and so is all of it where no thread can be made, or there is one processor.
 */
#ifndef MMSB_LOG_AHEAD_H
#define MMSB_LOG_AHEAD_H

#include "reader.h"

/* A record, images of so many pages without edges, one right behind the other, or words of one tick. */
struct msl_item {
	const struct mmsb_record *record;	/* NULL: words */
	const struct mmsb_word *words;
	uint32_t nwords;
	uint32_t images;			/* 0: the record is something else */
	uint64_t bytes;				/* of the images */
	uint64_t tick;				/* of the words */
	uint64_t done, all;			/* bytes of files, up to behind it, of so many */
};

struct msl_ahead;

/* What comes next, good until the next call: 0, or what ends it. */
typedef int msl_next_fn(void *from, struct msl_item *item);

/* NULL: out of memory. What is read is left alone by the caller from here on up to msl_ahead_close(). */
struct msl_ahead *msl_ahead_of_log(struct msl_reader *reader);	/* which does not follow */
struct msl_ahead *msl_ahead_of_file(struct msl_scan *scan);
struct msl_ahead *msl_ahead_open(msl_next_fn *next, void *from);
/* Before the first is taken: a thread reads from here on, and not only behind the first part. */
void msl_ahead_begin(struct msl_ahead *ahead);
int msl_ahead_next(struct msl_ahead *ahead, struct msl_item *item);
void msl_ahead_close(struct msl_ahead *ahead);	/* at any time; NULL: nothing */

/* A thread is made behind so many bytes. Tests set it. */
extern uint64_t msl_ahead_behind;

#endif
