/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of mmsb demo share.
 *
 * Writers add to counters and fill banners; readers look at both. A counter is a 64-byte page whose first number only ever rises; a
 * banner is a page of some cache lines that is filled with one number, so that a reader who sees two numbers in it has seen a torn page. Every fill
 * has a number of its own, hence changes its page, and the page's epoch counts it.
 *
 * All this lies in memory that processes (kernel home) or threads (embedded home) share, and that has nothing to do with MMSB:
 * the demo must be able to tell what it sent by another way than the one it shows. Each worker alone writes its own struct; the
 * boss alone writes the rest.
 */
#ifndef DEMO_H
#define DEMO_H

#include <stdbool.h>
#include <stdint.h>
#include <mmsb/mmsb.h>
#include "hist.h"

#define DEMO_WORKERS	16u	/* of each sort, at most */
#define DEMO_COUNTERS	64u
#define DEMO_BANNERS	4u
#define DEMO_BANNER	512u
#define DEMO_BATCH	64u	/* deltas that a writer submits at a time */
#define DEMO_WINDOW	16u	/* batches under way at most */

enum demo_phase { DEMO_WAIT, DEMO_RUN, DEMO_STOP };

struct demo_worker {
	bool writer;
	unsigned int number;	/* among its sort */
	uint64_t adds, fills;	/* applied and confirmed */
	uint64_t batches;	/* one submission each */
	uint64_t reads, again, torn;
	struct hist visible;	/* ns from before the submission of a delta until a read shows it */
	uint32_t done;		/* came to its end; if not and it is gone, it died */
	char error[160];	/* why it gave up */
} __attribute__((aligned(64)));

struct demo {
	uint32_t phase;		/* enum demo_phase */
	bool polled;
	bool crowded;		/* fewer CPUs than workers and pollers: readers look often, but not all the time */
	char name[MMSB_NAME_MAX];
	const char *device;
	uint64_t counter[DEMO_COUNTERS], banner[DEMO_BANNERS], probe[DEMO_WORKERS];
	unsigned int writers, readers;
	struct demo_worker worker[2 * DEMO_WORKERS];
};

uint64_t demo_now(void);
/* The life of a worker on a space that is open; and with opening it by its name first, as a process of its own does. */
void demo_work(struct demo *demo, struct demo_worker *worker, struct mmsb_space *space);
void demo_work_alone(struct demo *demo, struct demo_worker *worker);

#endif
