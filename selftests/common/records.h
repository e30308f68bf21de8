/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records as a space could tell them, drawn at random, for what writes and reads logs: most are words, some are of every other sort, and a
 * few are such as no engine gives but the ABI allows. Ticks rise and are closed, and their hashes are noise.
 */
#ifndef RECORDS_H
#define RECORDS_H

#include <stdbool.h>
#include <mmsb/mmsb.h>
#include <mmsb/log.h>
#include "random.h"

struct records {
	struct rng rng;
	uint64_t tick, time;
	uint64_t deltas;		/* of the tick that is open; 0: none is */
	uint64_t pages;			/* indices are below */
	uint64_t per_tick;		/* deltas in one, about */
	uint64_t origins;
	bool plain;			/* only eight-byte adds in words */
	uint32_t shards;
	struct mmsb_record *record;	/* the last one given; one of words has one */
	size_t room;
};

void records_begin(struct records *records, uint64_t seed);
void records_end(struct records *records);

/* Good until the next call. */
const struct mmsb_record *records_next(struct records *records);
const struct mmsb_record *records_image(struct records *records);
const struct mmsb_record *records_close(struct records *records);	/* the tick that is open; NULL: none is */

/* Does `read` say what was `told`? Words come back as deltas. */
bool records_same(const struct mmsb_record *told, const struct mmsb_record *read);

#endif
