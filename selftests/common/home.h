/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every test program needs of a home: which one it is ($MMSB_HOME, as the library reads it), how much work it can
 * bear, and a few calls that turn three lines into one. Counts in tests are written for the embedded home at native speed;
 * scaled() shrinks them for the kernel home, which runs in an emulated guest, and by $MMSB_TEST_SCALE (in percent).
 */
#ifndef HOME_H
#define HOME_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <mmsb/mmsb.h>
#include "random.h"

#define SECOND 1000000000ull
#define PATIENCE (60 * SECOND)	/* after which what was waited for will never come, on however busy a machine */

static inline bool home_is_kernel(void)
{
	const char *home = getenv("MMSB_HOME");

	return home && !strcmp(home, "kernel");
}

static inline uint64_t scaled(uint64_t count)
{
	const char *scale = getenv("MMSB_TEST_SCALE");
	uint64_t percent = scale ? strtoull(scale, NULL, 0) : home_is_kernel() ? 4 : 100;

	return count * percent / 100 ?: 1;
}

/* Where memory is watched access by access: what makes, clears and fills it is what takes the time there. */
static inline bool is_slowest_home(void)
{
	return scaled(100) <= 1;
}

/* How long a test that has no natural end shall go on; 0: a short run. */
static inline uint64_t soak_seconds(void)
{
	const char *soak = getenv("MMSB_SOAK");

	return soak ? strtoull(soak, NULL, 0) : 0;
}

static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

/* One entry as it is, waited for. 0, or what the library said; the entry's own result is in the completion. */
static inline int run_entry(struct mmsb_ring *ring, const struct mmsb_sqe *sqe, struct mmsb_cqe *cqe)
{
	struct mmsb_sqe *slot = mmsb_get_sqe(ring);
	int ret;

	if (!slot)
		return -EBUSY;
	*slot = *sqe;
	ret = mmsb_submit(ring);
	if (ret < 0)
		return ret;
	return mmsb_wait_cqe(ring, cqe, PATIENCE);
}

/* The same for an entry that is written down on the spot: run_op(ring, &cqe, .op = MMSB_OP_NOP). */
#define run_op(ring, cqe, ...) run_entry(ring, &(const struct mmsb_sqe){ __VA_ARGS__ }, cqe)

#endif
