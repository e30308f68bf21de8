/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps one space: sees to it that it is there, from its log if need be, that its log is written, and that checkpoints are made.
 *
 * Each has a thread. It tries again and again while something is in the way that may go away, another writer or a device that is not there yet; a
 * log that failed stays so until somebody has looked at it, and mmsbd is told to reload. The writing itself is done by the library's thread.
 *
 * A space that is missing is made and restored, and nobody can write to it until its log is open; one that was being restored, or whose log
 * was not open yet, when mmsbd was killed is shut (MMSB_SPACE_SHUT), and is thrown away.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include <stdbool.h>
#include <stdio.h>
#include "conf.h"

struct keeper;

enum keeper_state {
	KEEPER_STARTING, KEEPER_RESTORING, KEEPER_WRITING, KEEPER_FULL, KEEPER_WAITING, KEEPER_FAILED, KEEPER_STOPPED,
};

/* Takes the configuration over. NULL: no thread could be started, which was said. */
struct keeper *keeper_start(struct conf_space *conf, const char *device);
void keeper_ask_stop(struct keeper *keeper);	/* does not wait */
void keeper_join(struct keeper *keeper);	/* waits until it has stopped, and frees it */

const char *keeper_name(const struct keeper *keeper);
bool keeper_is_as(const struct keeper *keeper, const struct conf_space *conf);	/* it was started with the same */
enum keeper_state keeper_state(struct keeper *keeper);
void keeper_status(struct keeper *keeper, FILE *to);	/* its line, as control.h has it */
/* The answer goes to that stream, and it is closed, when the checkpoint is made. */
void keeper_checkpoint(struct keeper *keeper, FILE *answer);

#endif
