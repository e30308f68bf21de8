/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What mmsb and mmsbd say to each other, over a socket of lines.
 *
 * One question a connection: "status" or "checkpoint SPACE". The answer is any number of lines, then "ok", or "error" with the reason behind it.
 * Words of a line are parted by tabs. status: a line for each space, in the order of enum control_word. checkpoint: its tick.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdbool.h>

#define CONTROL_SOCKET	"/run/mmsbd/socket"
#define CONTROL_LINE	4096

enum control_word {
	CONTROL_SPACE,
	CONTROL_DIR,
	CONTROL_STATE,		/* "starting", "restoring", "writing", "full", "failed", "stopped" */
	CONTROL_MODE,		/* "buffered", "strict" */
	CONTROL_TICK,
	CONTROL_DURABLE,
	CONTROL_WAITING,	/* bytes */
	CONTROL_BYTES,		/* written by this writer */
	CONTROL_CHECKPOINT,	/* the tick of the last one that it made */
	CONTROL_TERM,
	CONTROL_WHY,		/* the last that went wrong, or "" */
	CONTROL_WORDS,
};

struct control_answer {
	char why[CONTROL_LINE];			/* of an error */
	void (*line)(void *arg, char **words, unsigned int n);
	void *arg;
};

/* 0; 1: mmsbd said an error, which is in answer->why; or a negative errno of the socket. */
int control_ask(const char *path, const char *question, struct control_answer *answer);

#endif
