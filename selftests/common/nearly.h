/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Nearly right graph operations: what the engine would take, with one field or one edge spoiled or none, and somebody else who
 * goes on spoiling and mending it while it is read. Operands lie in the payload area at fixed places, so that he knows where the fields are.
 */
#ifndef NEARLY_H
#define NEARLY_H

#include "home.h"

#define NEARLY_SLOTS	16u
#define NEARLY_EDGES	8u
#define NEARLY_SLOT	512u		/* bytes */
#define NEARLY_BYTES	(NEARLY_SLOTS * NEARLY_SLOT)

struct nearly {
	const uint64_t *page;		/* of these pages */
	unsigned int pages;
	uint8_t *payload;		/* NEARLY_BYTES of it, from 0 on */
};

/* One of derive, link, unlink, underive and refresh on one of the pages. */
void nearly_entry(const struct nearly *nearly, struct rng *rng, struct mmsb_sqe *sqe);
/* Spoils or mends one field of one operand; from any thread. */
void nearly_race(const struct nearly *nearly, struct rng *rng);

#endif
