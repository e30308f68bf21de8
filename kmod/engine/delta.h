/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Deltas: what each operation means. One function applies a delta to the page it names, on the shard that owns that page; it is the
 * only code that changes the bytes of a source page.
 *
 * Order of judgement, from the cheapest question to the dearest, so that the same bad delta always gets the same answer: operation,
 * flags, lane, unused fields, length, alignment, operand; then the page, its epoch, its bounds; then what the operation itself
 * asks (bytes to compare, cursor); then memory.
 */
#ifndef MS_DELTA_H
#define MS_DELTA_H

#include "engine.h"

struct ms_outcome {
	u64 epoch;
	u16 flags;
};

/* The delta concerns pages of all shards, wherever its own lives. */
bool ms_delta_is_for_all(const struct ms_space *space, const struct mmsb_sqe *sqe);
/* The delta, whose page lives here, is one that the shard cannot apply alone. */
bool ms_delta_must_meet(const struct ms_shard *shard, const struct mmsb_sqe *sqe);

/* Somebody wants to know of every one that is applied. */
static inline bool ms_deltas_are_traced(void)
{
	return pf_traced(apply) || pf_traced(unchanged);
}

/* `sqe` is the engine's private copy; its payload, if any, is read from the ring it came through. */
enum mmsb_reason ms_delta_apply(struct ms_shard *shard, struct ms_ring *ring, const struct mmsb_sqe *sqe, struct ms_outcome *outcome);

#endif
