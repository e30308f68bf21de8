/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mmsbd as tests have it: the one of this build, with a configuration and a socket of the test's own.
 */
#ifndef DAEMON_H
#define DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <mmsb/logging.h>

struct daemon {
	char program[4096], conf[128], socket[96];	/* the last two to be named by the test */
	pid_t pid;					/* 0: it does not run */
};

void daemon_find(struct daemon *daemon);		/* the program */
int daemon_start(struct daemon *daemon);		/* it ends with whoever started it */
int daemon_end(struct daemon *daemon, int signal);	/* 0: by itself. How it ended: an exit status, or minus the signal */
/* What it says to a question; 0, or the socket's errno. */
int daemon_ask(const struct daemon *daemon, const char *question, char *answer, size_t bytes);
/* The space of that name is there, and somebody writes its log; until it is so. */
bool daemon_is_written(struct mmsb *mmsb, const char *space);
int daemon_wait_written(struct mmsb *mmsb, const char *space);

#endif
