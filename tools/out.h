/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the command speaks: results to stdout, failures to stderr as "mmsb: cause (remedy)", or as an object with --json.
 *
 * Colours appear only on a terminal that can show them, and not where NO_COLOR is set to something.
 */
#ifndef OUT_H
#define OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "cli.h"
#include "text.h"

/* All three print and return the exit code to hand on. remedy NULL: there is none to tell. */
enum cli_exit fail(const struct cli *cli, const char *remedy, const char *cause, ...)
	__attribute__((format(printf, 3, 4)));
enum cli_exit fail_usage(const struct cli *cli, const char *cause, ...) __attribute__((format(printf, 2, 3)));
/* A call of the library failed with err (negative): says what was tried, and why the library says it failed. */
enum cli_exit fail_lib(const struct cli *cli, int err, const char *what, ...) __attribute__((format(printf, 3, 4)));

/* Where a command's output goes: to that file, or to stdout if there is none or it is "-". NULL: it cannot be opened, which was said. */
FILE *out_open(const struct cli *cli, const char *path);
/* All of it got there; if not, says so. What goes to stdout is looked at when the command has ended. */
bool out_close(const struct cli *cli, FILE *to, const char *path);

/* What was written so far reached stdout; if not, says so. */
bool out_flushed(const struct cli *cli);

enum colour { COLOUR_NONE, COLOUR_BOLD, COLOUR_DIM, COLOUR_RED, COLOUR_GREEN, COLOUR_YELLOW };
bool out_coloured(FILE *to);
void out_colour(FILE *to, enum colour colour, const char *text);	/* the text in that colour, if any may be shown */

#endif
