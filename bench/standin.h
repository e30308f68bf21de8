/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stand-ins for what people write by hand to keep some values in step with others. They work on a plain array: no epochs, no
 * readers, no other writers, nothing to undo, and one process only.
 *
 * The first computes everything that is derived, in order, whatever has changed. The second knows what follows from a page and goes
 * there at once, deep before wide, wherever a page came out different; it knows nothing of heights, so a page with
 * several ways to it is computed once a way.
 */
#ifndef BENCH_STANDIN_H
#define BENCH_STANDIN_H

#include "graph.h"

#define STANDIN_LANES	8u

struct standin {
	const struct graph *graph;
	int64_t (*page)[STANDIN_LANES];
	int64_t *weight;		/* of an edge */
	unsigned int *first;		/* the children of page i: first[i] to first[i + 1] */
	unsigned int *child;
	uint64_t computed;
};

struct standin *standin_new(const struct graph *graph);
void standin_free(struct standin *standin);

/* One source page gets another first lane, and what follows follows. */
void standin_everything(struct standin *standin, unsigned int source, int64_t value);
void standin_push(struct standin *standin, unsigned int source, int64_t value);

/* Dies unless the kit's pages hold what computing everything from its source pages gives. */
void standin_compare(struct standin *standin, struct kit *kit, unsigned int at);

#endif
