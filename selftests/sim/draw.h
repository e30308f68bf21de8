/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where entries come from: everything about operations that is left to chance stands in draw.c. Few values, few places and few pages, so
 * that entries meet: a compare often finds what it expects, a store often changes nothing, an epoch is often the right one.
 */
#ifndef SIM_DRAW_H
#define SIM_DRAW_H

#include "client.h"

/* Fills in a record that the client shall put; its payload, if any, goes into `slot`, if it has_slot. */
void draw_record(struct rng *rng, struct client *client, struct record *record, bool has_slot);
/* A page whose index lies on that shard, and which nobody else makes. */
u64 draw_fresh_id(struct rng *rng, u32 shard);
void draw_begin(struct ms_space *space);
u32 draw_size(struct rng *rng);
/* Changes the page for sure, as long as it is there. */
void draw_bump(struct record *record, struct book *book);

#endif
