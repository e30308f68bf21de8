/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A log, read tick by tick. When a tick closed, and with which state hash, is told behind its deltas; so those are kept until it is.
 */
#ifndef TICKS_H
#define TICKS_H

#include <stdbool.h>
#include <stdint.h>
#include <mmsb/logging.h>
#include "progress.h"

struct ticks {
	struct cli *cli;
	struct mmsb_log_reader *reader;
	struct progress progress;
	/* NULL: all; else only those that it says yes to are kept. */
	bool (*wanted)(void *arg, const struct mmsb_delta_record *delta);
	void *arg;
	struct mmsb_delta_record **delta;	/* of the tick in hand */
	unsigned int n, room;
	uint64_t all;			/* deltas that it had, wanted or not */
};

/*
 * from 0: all that is there, also from before the space was reset; 1: what is there of its last life. They say themselves what went wrong.
 */
bool ticks_open(struct ticks *ticks, struct cli *cli, const char *dir, uint64_t from, bool follow);
/*
 * 1: *closed is the TICK record that closed the tick whose deltas are in hand; or a HASH, RESET or END, with no deltas. 0: the end, of the log or
 * of the time that one who follows had. -1: it has failed, which was said.
 */
int ticks_next(struct ticks *ticks, const struct mmsb_hash_record **closed, uint64_t timeout_ns);
void ticks_close(struct ticks *ticks);

#endif
