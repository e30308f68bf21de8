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

/* All three print and return the exit code to hand on. remedy NULL: there is none to tell. */
enum cli_exit fail(const struct cli *cli, const char *remedy, const char *cause, ...)
	__attribute__((format(printf, 3, 4)));
enum cli_exit fail_usage(const struct cli *cli, const char *cause, ...) __attribute__((format(printf, 2, 3)));
/* A call of the library failed with err (negative): says what was tried, and why the library says it failed. */
enum cli_exit fail_lib(const struct cli *cli, int err, const char *what, ...) __attribute__((format(printf, 3, 4)));

/* What was written so far reached stdout; if not, says so. */
bool out_flushed(const struct cli *cli);

enum colour { COLOUR_NONE, COLOUR_BOLD, COLOUR_DIM, COLOUR_RED, COLOUR_GREEN, COLOUR_YELLOW };
bool out_coloured(FILE *to);
void out_colour(FILE *to, enum colour colour, const char *text);	/* the text in that colour, if any may be shown */

/* Small texts by value, so that several fit into one printf(). */
struct text {
	char s[48];
};

struct text text_id(uint64_t page);		/* "7.1" */
struct text text_grouped(uint64_t value);	/* "12,345,678" */
struct text text_bytes(uint64_t bytes);		/* "64 B", "1.5 MiB" */
struct text text_rate(double per_second);	/* "12.3 M" */
struct text text_ns(uint64_t ns);		/* "850 ns", "1.2 us" */
struct text text_hash(const uint64_t hash[2]);
struct text text_date(uint64_t ns);	/* since 1970: "2026-01-31 12:00:00.000123", here */
struct text text_lane(uint8_t lane, uint64_t bits);	/* a number as value_in_lane() takes it */

#endif
