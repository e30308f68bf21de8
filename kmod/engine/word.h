/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The common case, kept small enough to be inlined where batches are run: one set, or one lane of arithmetic, aligned and
 * therefore inside one word, inline, without a condition, on a small page that is there. It means exactly what delta.c means by
 * the same entry and it cannot fail: whatever does not fit goes to delta.c, to be judged in full.
 */
#ifndef MS_WORD_H
#define MS_WORD_H

#include "history.h"
#include "lane.h"
#include "page.h"
#include "space.h"

#define MS_WORD_SHAPES	(MMSB_LANE_LAST << 8)	/* a power of two */

/* By lane and operation, the lengths that fit: a bit each. */
extern const u16 ms_word_lengths[MS_WORD_SHAPES];

/* Operation, lane, flags and length are the first word of an entry. These of its bits may be set: it cannot lead out of the table then. */
#define MS_WORD_BITS	(15ull << 32 | MMSB_SQE_QUIET << 16 | (MS_WORD_SHAPES - 1))

static inline bool ms_word_fits(const struct mmsb_sqe *sqe)
{
	u64 head;
	u32 len;

	memcpy(&head, sqe, sizeof(head));
	if (head & ~MS_WORD_BITS)
		return false;
	len = (u32)(head >> 32);
	return (ms_word_lengths[head & (MS_WORD_SHAPES - 1)] >> len & 1) && !((sqe->offset & (len - 1)) | sqe->epoch);
}

/* `flags`: those that the line must have. */
static inline bool ms_word_lands(const struct mmsb_sqe *sqe, const struct mmsb_line *line, u8 flags)
{
	return line->generation == MMSB_PAGE_GENERATION(sqe->page) && line->kind == MMSB_KIND_SOURCE &&
	       line->flags == flags && sqe->offset <= line->size - sqe->len;
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

/* An entry that fits, on a line where it lands, of this shard. True: bytes changed. */
static inline __attribute__((__always_inline__)) bool ms_word_apply(struct ms_shard *shard, const struct mmsb_sqe *sqe,
								    struct mmsb_line *line, u64 *word)
{
	u64 old = *word, new = ms_word_after(sqe, old), seq;

	if (unlikely(new == old))
		return false;
	seq = ms_page_begin(line);
	pf_store_word(word, new);
	ms_page_end(line, seq, shard->tick);
	if (unlikely(shard->attentive)) {
		if (shard->hashing)
			ms_word_hash(shard, sqe, old, new);
		if (shard->stream)
			ms_stream_word(shard, sqe);
		ms_shard_mark(shard, sqe->page);
	}
	return true;
}

#endif
