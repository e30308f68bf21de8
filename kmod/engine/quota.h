/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Quota: what a space may hold, in pages, chunks and rings, and who is told when something would go beyond it.
 *
 * A home may keep account of what a space takes beyond its own limits, by whose it is: what goes through here is told it, and given back.
 *
 * Pages are granted to shards in lots, so that making one takes no lock of the space but once in a lot.
 */
#ifndef MS_QUOTA_H
#define MS_QUOTA_H

#include "engine.h"

struct ms_lines;

void ms_quota_open(struct ms_space *space, const struct ms_space_config *config);
enum mmsb_reason ms_quota_grant(struct ms_space *space, struct ms_lines *lines);
void ms_quota_return(struct ms_space *space, struct ms_lines *lines);
enum mmsb_reason ms_quota_chunks(struct ms_space *space, u64 chunks, u64 *first);	/* under the space's mutex */
void ms_quota_chunks_back(struct ms_space *space, u64 first, u64 chunks);
enum mmsb_reason ms_quota_ring(struct ms_space *space, u64 memory, u64 *id);	/* of either sort; its id is given once */
void ms_quota_ring_back(struct ms_space *space, u64 memory);
void ms_quota_forget(struct ms_space *space);	/* pages and chunks, all of them, before the arena is emptied or goes */

#endif
