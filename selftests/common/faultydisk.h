/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A disk in front of another one, which refuses what a test says it shall refuse, and counts what it is asked. Syncs are counted only: no
 * power is lost here.
 */
#ifndef FAULTYDISK_H
#define FAULTYDISK_H

#include "log/disk.h"

enum faulty_call {
	FAULTY_OPEN,
	FAULTY_WRITE,
	FAULTY_ALLOCATE,
	FAULTY_TRUNCATE,
	FAULTY_SYNC,
	FAULTY_SYNC_DIR,
	FAULTY_RENAME,
	FAULTY_UNLINK,
	FAULTY_READ,
	FAULTY_CALLS,
};

struct faulty_disk {
	struct msl_disk disk;
	struct msl_disk *inner;
	uint64_t calls[FAULTY_CALLS];
	uint64_t all;			/* of those */
	uint64_t fail_at;		/* the call with this number fails, counted by `all` from 1 on; 0: none */
	int error;			/* with that */
	bool for_good;			/* and so does every one behind it, of its sort */
	int broken[FAULTY_CALLS];	/* these fail so; 0: they do not */
	bool slow;			/* syncs that take their time do not end until they are waited for */
};

/* `inner` is closed with it. */
void faulty_begin(struct faulty_disk *faulty, struct msl_disk *inner);

#endif
