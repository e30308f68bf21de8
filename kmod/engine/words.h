/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Words in bulk (MMSB_OP_WORDS): what a history tells in short is done again without an entry and a completion for each.
 *
 * They are the client's memory: each is read once, into an entry such as the ring could have brought, and judged there. Those that land go the
 * short way (word.h), brought in ahead as in a batch; the others go the general way one by one, as all do while somebody listens or traces them.
 * Each did something when it was recorded, so the first that fails or changes nothing ends it, and the completion names its page.
 */
#ifndef MS_WORDS_H
#define MS_WORDS_H

#include "delta.h"

/* What a replay needs for that; NULL: no memory. */
struct ms_words *ms_words_make(void);

enum mmsb_reason ms_words_judge_length(const struct mmsb_sqe *sqe);

/* With the run lock of a space's only shard, or all of them, held, within the replay's tick. */
enum mmsb_reason ms_words_apply(struct ms_shard *shard, struct ms_ring *ring, const u8 *words, u64 bytes, struct ms_outcome *outcome);

#endif
