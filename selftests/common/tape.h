/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A tape: a history's records in memory, one behind the other, to be done again as often as wanted.
 */
#ifndef TAPE_H
#define TAPE_H

#include "home.h"

struct tape {
	uint8_t *bytes;
	size_t used, room;
	uint64_t deltas, ticks, marks;		/* records of these types; marks: hash switches and resets */
};

void tape_free(struct tape *tape);
/* When it was does not matter: two that tell the same are the same to the byte. */
void tape_forget_times(struct tape *tape);
void tape_add(struct tape *tape, const struct mmsb_record *record);
/* Reads until nothing comes for so long. */
int tape_read(struct tape *tape, struct mmsb_history *history, uint64_t patience);
/* Feeds all of it to a replay ring, and ends the last tick. `read` NULL, or a history of the space that is replayed into, read meanwhile. */
int tape_replay(const struct tape *tape, struct mmsb_ring *ring, struct mmsb_history *read, struct tape *copy);

static inline const struct mmsb_record *tape_at(const struct tape *tape, size_t at)
{
	return (const struct mmsb_record *)(tape->bytes + at);
}

/* The n-th record of a type, or NULL. */
const struct mmsb_record *tape_find(const struct tape *tape, enum mmsb_record_type type, uint64_t n);

#endif
