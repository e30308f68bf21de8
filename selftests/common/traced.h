/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a space's trace points said, in order: in the kernel home out of a tracefs instance of the test's own; in the embedded home caught where the
 * engine calls its probes, by programs that are linked with --wrap for each of them (TEST_LINK_trace).
 */
#ifndef TRACED_H
#define TRACED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct traced_step {
	const char *name;
	unsigned int fields;
	const char *field[6];
};

extern const struct traced_step traced_steps[];	/* up to one without a name */

struct traced_event {
	const struct traced_step *step;
	uint64_t value[6];
};

struct traced {
	struct traced_event *event;
	size_t n;
};

bool traced_is_there(void);			/* false: *why not* is said */
int traced_begin(void);
int traced_begin_only(const char *step);
int traced_end(uint64_t space, struct traced *traced);	/* what that space said since; to be freed */
void traced_free(struct traced *traced);

uint64_t traced_get(const struct traced_event *event, const char *field);
/* The first event of that step from *at on; *at moves behind it. NULL: none. */
const struct traced_event *traced_next(const struct traced *traced, size_t *at, const char *step);
size_t traced_count(const struct traced *traced, const char *step);
uint64_t traced_sum(const struct traced *traced, const char *step, const char *field);

#endif
