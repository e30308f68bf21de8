/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scene of a benchmark: a home, a space, a ring, some pages, and the order in which they will be touched.
 *
 * Orders are drawn beforehand, so that a timed loop neither divides nor draws random numbers: it walks an array of page ids, 64 at
 * a time, and begins again.
 */
#ifndef BENCH_KIT_H
#define BENCH_KIT_H

#include <mmsb/logging.h>
#include "bench.h"

#define KIT_BATCH	64u

struct kit_opts {
	unsigned int pages, page_bytes;
	unsigned int beside;		/* so many pages more, which the order leaves out */
	unsigned int entries;		/* of the submission queue */
	unsigned int idle_us;		/* of the poller */
	bool polled, hash, shuffled;
	unsigned int flags;		/* MMSB_SPACE_* more of the space */
	unsigned int audit;		/* every so many recomputes are done twice */
	unsigned int rings;		/* of the space, those of listeners included; 0: 4 */
	unsigned int repeat;		/* the order runs so many times over all pages */
	unsigned int payload_bytes;	/* 0: none */
	const struct mmsb_log_opts *log;	/* in a directory of its own; NULL: none */
};

struct kit {
	const struct bench_opts *bench;
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_log *log;
	char log_dir[128];
	uint64_t *pages;		/* those beside behind the others */
	unsigned int npages, beside, entries;
	uint64_t *order, *at, *end;
	uint64_t work;			/* deltas in one measurement */
	uint64_t sent;			/* so far, for the check at the end */
};

struct kit *kit_open(const struct bench_opts *bench, const struct kit_opts *opts);
void kit_close(void *kit);		/* checks that what was added is there, where kit_send() did it */

/* An empty directory on the work disk ($TMPDIR, or /tmp), and its end, with all that is in it. */
void kit_make_dir(char dir[128]);
void kit_remove_dir(const char *dir);

/* The order in which kit->pages will be touched. */
void kit_lay_order(struct kit *kit, const struct kit_opts *opts);

/* How much of `full` to do in one measurement: a multiple of a batch, and at least one. */
uint64_t kit_amount(const struct kit *kit, uint64_t full);

/* From a fixed seed, so that every run does the same. */
uint64_t kit_random(uint64_t *state);

/* Submits kit->work deltas of one, quietly, `batch` at a time. kit_send() waits until they have been applied. */
void kit_submit(struct kit *kit, unsigned int batch);
void kit_send(struct kit *kit, unsigned int batch);
uint64_t kit_sum(struct kit *kit);	/* of the first words of all pages */

#endif
