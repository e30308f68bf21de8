/* SPDX-License-Identifier: MIT */
/*
 * Where the writer's records come from, and whom it tells how far they are on disk: a space (space_source.c), or in tests a script.
 */
#ifndef MMSB_LOG_SOURCE_H
#define MMSB_LOG_SOURCE_H

#include "../home.h"
#include <mmsb/log.h>

struct msl_source;

struct msl_source_ops {
	/* The next record, good until the next call; behind all that is there now a BOUND, and then -ETIME. -ESTALE: fenced. */
	int (*next)(struct msl_source *source, const struct mmsb_record **record);
	/* Sleeps until there is a reason to ask, or the time is up: 0, -ETIME, -EINTR. Another thread may be in any other call meanwhile. */
	int (*wait)(struct msl_source *source, uint64_t timeout_ns);
	int (*durable)(struct msl_source *source, uint32_t flags, uint64_t tick);
	int (*capture)(struct msl_source *source, uint64_t *tick);
	void (*close)(struct msl_source *source);
};

struct msl_source {
	const struct msl_source_ops *ops;
};

#endif
