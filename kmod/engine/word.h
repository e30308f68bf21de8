/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The common case, kept small enough to be inlined where batches are run: one set, or one lane of arithmetic, inside one aligned
 * word, inline, without a condition. It means exactly what delta.c means by the same entry; whatever does not fit goes there,
 * to be judged in full.
 */
#ifndef MS_WORD_H
#define MS_WORD_H

#include "delta.h"
#include "lane.h"
#include "page.h"
#include "ring.h"
#include "space.h"

#define MS_WORD_OPS	(1u << MMSB_OP_SET | 1u << MMSB_OP_ADD | 1u << MMSB_OP_SUB | 1u << MMSB_OP_MIN | \
			 1u << MMSB_OP_MAX | 1u << MMSB_OP_AND | 1u << MMSB_OP_OR | 1u << MMSB_OP_XOR)

static inline bool ms_word_fits(const struct mmsb_sqe *sqe)
{
	u32 at = sqe->offset & 7;

	if (unlikely(sqe->op > MMSB_OP_XOR || !(MS_WORD_OPS >> sqe->op & 1) || (sqe->flags & ~MMSB_SQE_QUIET) || sqe->epoch))
		return false;
	if (sqe->op == MMSB_OP_SET)
		return !sqe->lane && sqe->len - 1 < 8 && at + sqe->len <= 8;
	return sqe->lane < MMSB_LANE_LAST && sqe->len == ms_lane_bytes(sqe->lane) && !(at & (sqe->len - 1));
}

static inline u64 ms_word_op(const struct mmsb_sqe *sqe, u64 value)
{
	switch (sqe->op) {
	case MMSB_OP_SET:
		return sqe->word[0];
	case MMSB_OP_ADD:
		return value + sqe->word[0];
	case MMSB_OP_SUB:
		return value - sqe->word[0];
	default:
		return ms_lane_one(sqe->op, sqe->lane, value, sqe->word[0]);
	}
}

static inline u64 ms_word_after(const struct mmsb_sqe *sqe, u64 old)
{
	u32 shift;
	u64 mask;

	if (likely(sqe->len == 8))
		return ms_word_op(sqe, old);
	shift = (sqe->offset & 7) * 8;
	mask = ~0ull >> (64 - 8 * sqe->len);
	return (old & ~(mask << shift)) | (ms_word_op(sqe, old >> shift & mask) & mask) << shift;
}

static inline void ms_word_hash(struct ms_shard *shard, const struct mmsb_sqe *sqe, u64 old, u64 new)
{
	struct ms_hash_key key = ms_hash_key(sqe->page);

	ms_hash_word(&shard->hash, &key, sqe->offset / 8, old, new);
	ms_hash_epochs(&shard->hash, &key, 1);
}

/* The page is this shard's own. */
static inline enum mmsb_reason ms_word_apply(struct ms_shard *shard, const struct ms_ring *ring, const struct mmsb_sqe *sqe,
					     struct ms_outcome *outcome)
{
	const struct ms_space *space = shard->space;
	struct mmsb_line *line;
	enum mmsb_reason reason = ms_page_find(space, sqe->page, &line);
	u64 *word, old, new;

	outcome->epoch = 0;
	outcome->flags = 0;
	if (unlikely(reason))
		return reason;
	if (unlikely(sqe->offset > line->size - sqe->len || line->size > PF_CHUNK))
		return ms_delta_apply(shard, ring, sqe, outcome);
	word = ms_region_at(&space->arena.region, line->place + (sqe->offset & ~7ull));
	old = *word;
	new = ms_word_after(sqe, old);
	outcome->epoch = line->epoch;
	if (unlikely(new == old)) {
		outcome->flags = MMSB_CQE_UNCHANGED;
		return MMSB_REASON_NONE;
	}
	ms_page_begin(line);
	pf_store_word(word, new);
	ms_page_end(line, shard->tick);
	outcome->epoch++;
	if (shard->hashing)
		ms_word_hash(shard, sqe, old, new);
	ms_shard_mark(shard, sqe->page);
	return MMSB_REASON_NONE;
}

#endif
