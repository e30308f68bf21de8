/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A space with a log in a directory of its own, for tests that look at logs from outside; and what comes back from one, held against the space that
 * it is the log of.
 */
#ifndef LOGBED_H
#define LOGBED_H

#include <syslog.h>
#include <mmsb/logging.h>
#include "folder.h"
#include "wild.h"

#define LOGBED_SHARDS	8u		/* at most, in a space that takes in what another had */
#define LOGBED_SEGMENT	(256u << 10)

/* Both return -1: what the library said, or what is not as it should be, is printed. */
int logbed_said(const char *what);
int logbed_differs(const char *what);

/* What writers say is kept, and not printed where it is expected. */
struct ear {
	unsigned int n;
	int worst;
	char last[512];
};

#define EAR_OPEN (struct ear){ .worst = LOG_DEBUG }

void ear_hear(void *arg, int severity, const char *text);
extern struct ear ear_ignored;

/* What a test says itself comes last, and counts. */
#pragma GCC diagnostic ignored "-Woverride-init"
#define LOG_OPTS(...) MMSB_OPTS(struct mmsb_log_opts, .segment_bytes = LOGBED_SEGMENT, .tell = ear_hear, .arg = &ear_ignored, ##__VA_ARGS__)

/* A ring, and a page. */
struct logbed {
	char place[FOLDER_MAX];
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_log *log;
	uint64_t page;
	uint64_t value;
	char name[MMSB_NAME_MAX];
};

int logbed_open(struct logbed *bed, const struct mmsb_log_opts *opts);
void logbed_close(struct logbed *bed);
/* The log goes, the space stays; `how`: mmsb_log_close(), or mmsb_log_end(). */
int logbed_shut(struct logbed *bed, int (*how)(struct mmsb_log *log));
/* One delta; its completion is waited for. */
int logbed_add(struct logbed *bed, bool durable, struct mmsb_cqe *cqe);
int logbed_adds(struct logbed *bed, unsigned int n);
/* As if the writer's process had been killed: nothing is flushed, and nobody is told. */
void logbed_abandon(struct mmsb_log *log);

/* By one thread, and by several where that many bytes are left: nobody can tell. */
int logbed_restore(struct mmsb *mmsb, const char *place, uint32_t shards, bool lazy, const struct mmsb_restore_opts *opts,
		   struct mmsb_restored *restored, struct mmsb_space **space);
extern uint64_t logbed_two_behind;

/* The files hold the space as it stands; likewise a copy of them, as of this very moment; and with any number of shards, in either home. */
int logbed_holds(const char *place, struct mmsb_space *original, const char *home, uint32_t shards);
int logbed_holds_now(const char *place, struct mmsb_space *original);
int logbed_holds_everywhere(const char *place, struct mmsb_space *original);

int logbed_see_nothing(void *arg, const struct mmsb_log_file *file, int result, const char *text);	/* for mmsb_log_verify() */

#endif
