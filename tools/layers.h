/* SPDX-License-Identifier: GPL-2.0-only */
/* A layer's timing, for people and as JSON, wherever it was asked for. */
#ifndef LAYERS_H
#define LAYERS_H

#include <stdbool.h>
#include <stdint.h>
#include "json.h"

struct layer {
	const char *name;
	uint64_t count, sum, shortest, longest, p50, p90, p99, p999;	/* nanoseconds, but for the first */
};

void layer_print(const struct layer *layer, bool *begun);	/* a row; the first one with the heads of the columns */
void layer_json(struct json *json, const struct layer *layer);

#endif
