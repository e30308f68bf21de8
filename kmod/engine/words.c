// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "words.h"
#include "graph.h"
#include "word.h"

#define RESCHED_WORDS	(16u << 10)

/* A batch of them. */
struct ms_words {
	struct mmsb_sqe sqe[MS_BATCH];
	struct mmsb_line *line[MS_BATCH];	/* that it names, or the shard's nowhere */
	u64 *word[MS_BATCH];			/* that it means, should it land */
};

struct ms_words *ms_words_make(void)
{
	struct ms_words *words = pf_alloc(sizeof(*words), -1);

	return words;
}

enum mmsb_reason ms_words_judge_length(const struct mmsb_sqe *sqe)
{
	if (sqe->offset)
		return MMSB_REASON_BAD_RESERVED;
	if (sqe->len > MMSB_WORDS_MAX)
		return MMSB_REASON_TOO_LONG;
	return !sqe->len || sqe->len % sizeof(struct mmsb_word) ? MMSB_REASON_BAD_LENGTH : MMSB_REASON_NONE;
}

/* ------------------------------------------------------------------------------------------------------------- taking */

/*
 * The client can write to it meanwhile, so it is read once. What is never anything else was 0 from the beginning. A reserved field that is not 0
 * becomes a flag that no entry has.
 */
static void word_take(struct mmsb_sqe *sqe, const u64 *from)
{
	u64 last = pf_read(from[2]), shape = last >> 32, head = (shape & 0xff00ffff) | (shape >> 16 & 0xff) << 32;

	memcpy(sqe, &head, sizeof(head));
	sqe->offset = (u32)last;
	sqe->page = pf_read(from[0]);
	sqe->word[0] = pf_read(from[1]);
}

/* Pages are neither made nor destroyed by words, so what was found for a batch holds for all of it. */
static void batch_take(struct ms_shard *shard, struct ms_words *words, const u8 *from, u32 n)
{
	const struct ms_space *space = shard->space;
	struct mmsb_line *line;
	u32 index, i;

	for (i = 0; i < n; i++) {
		word_take(&words->sqe[i], (const u64 *)from + i * (sizeof(struct mmsb_word) / sizeof(u64)));
		index = MMSB_PAGE_INDEX(words->sqe[i].page);
		line = &shard->nowhere;
		if (likely(index < space->lines))
			line = ms_region_find_or(&space->directory, (u64)index * sizeof(*line), line);
		pf_prefetchw(line);
		words->line[i] = line;
	}
}

static void batch_aim(struct ms_shard *shard, struct ms_words *words, u32 n)
{
	const struct ms_region *arena = &shard->space->arena.region;
	u32 i;

	for (i = 0; i < n; i++) {
		u64 at = words->line[i]->place + (words->sqe[i].offset & (PF_CHUNK - 8));

		words->word[i] = ms_region_find_or(arena, at, &shard->nowhere);
		pf_prefetchw(words->word[i]);
	}
}

/* ----------------------------------------------------------------------------------------------------------- applying */

static struct ms_shard *owner_of(struct ms_shard *shard, const struct mmsb_sqe *sqe)
{
	u32 index = MMSB_PAGE_INDEX(sqe->page);

	return index < shard->space->lines ? ms_shard_of(shard->space, index) : shard;
}

/* Did it go the short way, and do something? If not nothing has happened, and the general way finds out why. */
static inline bool apply_short(struct ms_shard *owner, const struct mmsb_sqe *sqe, struct mmsb_line *line, u64 *word)
{
	return ms_word_fits(sqe) && ms_word_lands(sqe, line, MS_LINE_SMALL) && ms_word_apply(owner, sqe, line, word);
}

/* The general way, and that of a page which others follow. */
static __attribute__((__noinline__)) enum mmsb_reason apply_one(struct ms_shard *owner, struct ms_ring *ring, const struct mmsb_sqe *sqe,
							     struct mmsb_line *line, u64 *word, struct ms_outcome *outcome)
{
	if (!ms_word_fits(sqe))
		return MMSB_REASON_BAD_WORD;
	if (owner->stream || ms_deltas_are_traced() || !ms_word_lands(sqe, line, MS_LINE_SMALL | MS_LINE_PARENT))
		return ms_delta_apply(owner, ring, sqe, outcome);
	if (ms_word_apply(owner, sqe, line, word))
		ms_wave_touch(owner, MMSB_PAGE_INDEX(sqe->page));
	else
		outcome->flags = MMSB_CQE_UNCHANGED;
	return MMSB_REASON_NONE;
}

/* Returns how many did something; the one behind them, if that is not all, has its outcome told. */
static u32 batch_apply(struct ms_shard *shard, struct ms_ring *ring, struct ms_words *words, u32 n, enum mmsb_reason *reason,
		       struct ms_outcome *outcome)
{
	bool told = shard->stream || ms_deltas_are_traced(), alone = shard->space->nshards == 1;
	u32 i;

	for (i = 0; i < n; i++) {
		const struct mmsb_sqe *sqe = &words->sqe[i];
		struct ms_shard *owner = alone ? shard : owner_of(shard, sqe);

		if (likely(!told && apply_short(owner, sqe, words->line[i], words->word[i])))
			continue;
		*reason = apply_one(owner, ring, sqe, words->line[i], words->word[i], outcome);
		if (likely(!*reason && !outcome->flags))
			continue;
		outcome->epoch = sqe->page;
		break;
	}
	return i;
}

/* In a meeting it is the replay's tick for all of them. */
static void open_ticks(struct ms_space *space)
{
	u32 i;

	for (i = 0; i < space->nshards; i++)
		pf_write(space->shards[i]->tick, space->page->tick);
}

enum mmsb_reason ms_words_apply(struct ms_shard *shard, struct ms_ring *ring, const u8 *from, u64 bytes, struct ms_outcome *outcome)
{
	struct ms_words *words = shard->space->replay.words;
	enum mmsb_reason reason = MMSB_REASON_NONE;
	u64 all = bytes / sizeof(struct mmsb_word), done;
	u32 n, did;

	open_ticks(shard->space);
	for (done = 0, n = 0, did = 0; done < all && did == n; done += did) {
		n = all - done < MS_BATCH ? (u32)(all - done) : MS_BATCH;
		batch_take(shard, words, from + done * sizeof(struct mmsb_word), n);
		batch_aim(shard, words, n);
		did = batch_apply(shard, ring, words, n, &reason, outcome);
		if (!((done + n) % RESCHED_WORDS))
			pf_resched();
	}
	if (likely(done == all))
		outcome->epoch = 0;
	pf_write(shard->deltas, shard->deltas + done - (done == all));	/* the entry itself counts as one */
	return reason;
}
