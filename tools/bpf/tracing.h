/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tracing tools share: finding out whether and what can be traced here, and following the way of deltas.
 *
 * Whatever fails is said as a cause and a remedy in the text that each function fills in: mmsb-lat ends with it, mmsb-top shows it and goes on
 * without.
 */
#ifndef TRACING_H
#define TRACING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "way.h"

struct why {
	char text[256];
};

/*
 * The kernel home's tracepoints are there, and the fields of all steps are those that the BPF programs were compiled for: looked up in tracefs,
 * else in the module's BTF, else taken for what the documentation promises.
 */
bool steps_ready(struct why *why);

/* The number of the space that is named so, or by its number; "all": 0. */
bool space_number(const char *name, uint64_t *id, struct why *why);

/* What libbpf said with an error, in words of ours. */
void bpf_why(struct why *why, int err, const char *what);

struct way;
struct way *way_open(uint64_t space, struct why *why);	/* space 0: all. NULL: why not */
void way_close(struct way *way);
/* What was counted so far of that space; false: nothing yet. */
bool way_read(struct way *way, uint64_t space, struct way_space *counts);
/* There is room for so many spaces: those that are gone make way. */
void way_prune(struct way *way, bool (*is_there)(const void *arg, uint64_t space), const void *arg);
/* Of all spaces together, with what is still under way, for nothing is traced any more. Returns the deltas that there was no room for. */
uint64_t way_end(struct way *way, struct way_space *counts);

struct heat;
struct heat_page {
	uint64_t space, page, changes, derived;
};

struct heat *heat_open(struct why *why);
void heat_close(struct heat *heat);
/* Fills in at most `most` pages, in no order. */
size_t heat_read(struct heat *heat, struct heat_page *pages, size_t most);

#endif
