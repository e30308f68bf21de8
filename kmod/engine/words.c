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

/* What an entry has of a word but for page, offset and operand, which most words have in common with the one before. */
struct shape {
	u32 bits;		/* as a word has it */
	u64 head;		/* as an entry has it */
	u64 lines;		/* in which such words may go the short way; none: 0 */
	u64 across;		/* bits that make an offset reach across words */
};

/* A reserved field that is not 0 becomes a flag that no entry has. None goes the short way while they are told or traced one by one. */
static __attribute__((__noinline__)) void shape_learn(const struct ms_shard *shard, struct shape *shape, u32 bits)
{
	bool told = shard->stream || ms_deltas_are_traced();
	u64 len = bits >> 16 & 0xff;
	struct mmsb_sqe sqe = { 0 };

	shape->bits = bits;
	shape->head = (bits & 0xff00ffff) | len << 32;
	shape->across = len - 1;
	memcpy(&sqe, &shape->head, sizeof(shape->head));
	shape->lines = ms_word_fits(&sqe) && !told ? shard->space->lines : 0;
}

/*
 * The client can write to them meanwhile, so each is read once. What is never anything else in an entry was 0 from the beginning. Pages are neither
 * made nor destroyed by words, so what was found for a batch holds for all of it. One that cannot go the short way gets a line where nothing lands.
 */
static void batch_take(struct ms_shard *shard, struct ms_words *words, const u64 *from, u32 n)
{
	const struct ms_region *directory = &shard->space->directory;
	struct shape shape = { 0 };	/* which is that of all zeros */
	u32 i;

	for (i = 0; i < n; i++, from += sizeof(struct mmsb_word) / sizeof(*from)) {
		u64 page = pf_read(from[0]), word = pf_read(from[1]), last = pf_read(from[2]), offset = (u32)last;
		struct mmsb_line *line = &shard->nowhere;
		struct mmsb_sqe *sqe = &words->sqe[i];

		if (unlikely(last >> 32 != shape.bits))
			shape_learn(shard, &shape, last >> 32);
		memcpy(sqe, &shape.head, sizeof(shape.head));
		sqe->page = page;
		sqe->offset = offset;
		sqe->word[0] = word;
		if (likely(MMSB_PAGE_INDEX(page) < shape.lines && !(offset & shape.across)))
			line = ms_region_find_or(directory, (u64)MMSB_PAGE_INDEX(page) * sizeof(*line), line);
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

/* The general way, and that of a page which others follow. */
static __attribute__((__noinline__)) enum mmsb_reason apply_one(struct ms_shard *owner, struct ms_ring *ring, const struct mmsb_sqe *sqe,
							     struct mmsb_line *line, u64 *word, struct ms_outcome *outcome)
{
	if (!ms_word_fits(sqe))
		return MMSB_REASON_BAD_WORD;
	if (!ms_word_lands(sqe, line, MS_LINE_SMALL | MS_LINE_PARENT))
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
	struct ms_shard *only = shard->space->nshards == 1 ? shard : NULL;
	u32 i;

	for (i = 0; i < n; i++) {
		const struct mmsb_sqe *sqe = &words->sqe[i];
		struct ms_shard *owner = only ? only : owner_of(shard, sqe);
		struct mmsb_line *line = words->line[i];

		if (likely(ms_word_lands(sqe, line, MS_LINE_SMALL) && ms_word_apply(owner, sqe, line, words->word[i])))
			continue;
		*reason = apply_one(owner, ring, sqe, line, words->word[i], outcome);
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
		batch_take(shard, words, (const u64 *)(from + done * sizeof(struct mmsb_word)), n);
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
