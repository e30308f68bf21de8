/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How far a long piece of work has come: a bar on the standard error, redrawn in place. Only where that is a terminal, and not with --json; work
 * that is done in a blink draws none.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include "cli.h"

struct progress {
	const char *what;	/* "restoring" */
	const char *unit;	/* NULL: bytes */
	bool wanted, shown;
	uint64_t began, drawn;	/* when, in ns */
};

void progress_begin(struct progress *progress, const struct cli *cli, const char *what);
void progress_show(struct progress *progress, uint64_t done, uint64_t all);	/* cheap to call */
void progress_end(struct progress *progress);	/* before anything else is printed */

#endif
