/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bpftrace scripts, as they are shipped: written for the tracepoints of the kernel home, each with its name and what it answers in the first
 * line of its comment. For the embedded home the same text is turned into one for USDT probes: `tracepoint:mmsb:mmsb_STEP` becomes
 * `usdt:PROGRAM:mmsb:mmsb_STEP`, and a field, args->NAME, the argument in its place.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include "cli.h"

#define SCRIPTS_MAX	64u

struct script {
	char name[32];
	char what[160];
};

/* Where they lie, and which there are, by name. They say themselves what went wrong. */
const char *scripts_dir(struct cli *cli);
bool scripts_list(struct cli *cli, struct script *scripts, unsigned int *n);

char *script_read(struct cli *cli, const char *name);	/* to be freed */
/* For the probes of a program; NULL: no memory, or a field that its step does not have. To be freed. */
char *script_for_program(struct cli *cli, const char *text, const char *program);

#endif
