/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What carries messages of 64 bytes from one who has them to one who wants them: a pipe, a UNIX socket, an ioctl for each, io_uring,
 * which is a ring as MMSB's are, with a request that does nothing. What can carry one carries an entry that says "add one to number
 * 17", and who takes it does so; when the road is closed the numbers are added up.
 */
#ifndef BENCH_ROAD_H
#define BENCH_ROAD_H

#include <liburing.h>
#include "kit.h"

#define ROAD_NUMBERS	1024u
#define ROAD_ENTRIES	1024u		/* of io_uring's queue */

struct road_message {
	uint64_t number, value, rest[6];
};

/* Both ends of a road. The first two are the caller's. */
struct ends {
	const struct bench_opts *bench;
	unsigned int awake_ms;		/* whoever polls, when there is nothing */
	int to, from;
	struct io_uring uring;
	struct kit *inside;		/* what an ioctl goes to */
	unsigned int at;
	uint64_t sent, number[ROAD_NUMBERS];
	struct road_message out[KIT_BATCH], in[KIT_BATCH];
};

struct road {
	void (*open)(struct ends *ends);
	void (*close)(struct ends *ends);
	void (*send)(struct ends *ends, unsigned int n);	/* at most KIT_BATCH */
	void (*take)(struct ends *ends, unsigned int n);
	bool two_threads;		/* send and take may go on side by side */
};

extern const struct road road_pipe, road_socket, road_uring, road_sqpoll, road_ioctl;

#endif
