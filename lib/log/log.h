/* SPDX-License-Identifier: MIT */
/*
 * A log that is open: the writer, what it needs, and the thread that runs it.
 *
 * The writer belongs to whoever holds `lock` of the space's handle: the thread, one who waits for a delta of his own and does the thread's
 * work meanwhile (msl_log_help()), or a call of the API. The thread sleeps in the source without it.
 */
#ifndef MMSB_LOG_LOG_H
#define MMSB_LOG_LOG_H

#pragma GCC visibility push(default)
#include <mmsb/logging.h>
#pragma GCC visibility pop

#include "writer.h"

struct mmsb_log {
	struct mmsb_space *space;
	struct msl_disk *disk;
	struct msl_source *source;
	struct msl_writer writer;
	uint32_t flags;			/* MMSB_LOG_OPT_* */
	uint64_t term;
	bool uring;

	pthread_t thread;
	bool has_thread;
	bool running;			/* steps may be done */
	pthread_cond_t changed;		/* one has been, or `running` has */
	char *dir;
};

/* Where a log that lies in a directory goes on; what its next segment's header says. */
struct msl_start {
	struct msl_header header;
	uint64_t tick;			/* the last whole one in the segments */
	uint64_t held;			/* the last one that the files can bring back: that, or the newest checkpoint's */
	bool fresh;			/* the directory holds no log */
	bool virgin;			/* it does, but no record was ever written to it */
	bool based;
};

int msl_start_find(struct msl_disk *disk, struct msl_start *start);
int msl_start_peek(struct msl_disk *disk, struct msl_header *header);	/* of the last segment; another may be writing */

/* The history of a space as a source. args->term and ->durable come back. */
int msl_source_open(struct mmsb_space *space, struct mmsb_history_open_args *args, struct msl_source **source);

uint64_t msl_now(void);
/* Steps may be done from here on; by a thread, unless NO_THREAD. */
int msl_thread_start(struct mmsb_log *log);
void msl_thread_stop(struct mmsb_log *log);
/* With the lock held: one step, and what is to be done if it was the last; and a sleep, in which the lock is free, until another's or that time. */
int msl_log_step_locked(struct mmsb_log *log);
void msl_log_pause(struct mmsb_log *log, uint64_t until);

#endif
