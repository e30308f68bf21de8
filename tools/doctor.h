/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mmsb doctor: one line a finding, with its remedy.
 *
 * Everything that is read from files is read below `root`, so that a system that does not run (a disk of another machine, a test's
 * made-up tree) can be looked at, too. What only the running system can tell is left out there.
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include "cli.h"
#include "json.h"

enum doctor_state { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor {
	struct cli *cli;
	const char *root;	/* "" for the running system */
	struct json *json;	/* NULL: for people */
	unsigned int warned, failed;
	char release[128];	/* of the kernel */
	bool loaded, installed, answers;
	const char *works;	/* the best home that was tried and works */
};

/* remedy NULL where there is none to tell. Keep `name` one word; it is in the manual and in JSON. */
void doctor_say(struct doctor *doctor, enum doctor_state state, const char *name, const char *remedy, const char *text, ...)
	__attribute__((format(printf, 5, 6)));

static inline bool doctor_live(const struct doctor *doctor)
{
	return !*doctor->root;
}

bool doctor_stat(const struct doctor *doctor, const char *path, struct stat *st);	/* st may be NULL */
bool doctor_has(const struct doctor *doctor, const char *path, ...) __attribute__((format(printf, 2, 3)));
/* The first line of a file, without its newline, into a buffer that the next call overwrites. NULL: no such file. */
const char *doctor_line(const struct doctor *doctor, const char *path, ...) __attribute__((format(printf, 2, 3)));
void doctor_path(const struct doctor *doctor, const char *path, char *to, size_t bytes);

void doctor_module(struct doctor *doctor);	/* doctor_module.c: what must be built, signed and loaded */
void doctor_device(struct doctor *doctor);	/* doctor_device.c: who may open it, and does it answer */
void doctor_netlink(struct doctor *doctor);	/* doctor_netlink.c: does the family answer, and what may one change */
void doctor_logs(struct doctor *doctor);	/* doctor_logs.c: who writes the logs of spaces, and how it goes */
void doctor_limits(struct doctor *doctor);	/* doctor_limits.c: memory, files, CPUs */

#endif
