// SPDX-License-Identifier: GPL-2.0-only
/*
 * Words in bulk: an entry that brings many does what as many entries of one word each do, to the first that fails or changes nothing.
 *
 * `words --seed N --ops N` draws what a failure printed. $MMSB_SOAK: goes on with new seeds for that many seconds.
 */
#include "kselftest.h"
#include "common/expect.h"
#include "common/seeded.h"
#include "common/wild.h"

#define PAGES		40u
#define MOST		300u			/* words in an entry */

static uint64_t seed;

/* A space that is written through a replay ring. */
struct scene {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_history *history;
	struct mmsb_cqe cqe;
	uint64_t told;
};

static int scene_open(struct scene *scene, const struct wild_config *config, bool told)
{
	uint32_t flags = MMSB_RING_REPLAY | (config->polled ? MMSB_RING_POLLED : 0);

	EXPECT(!mmsb_open(&scene->mmsb, NULL) && !wild_space(scene->mmsb, config, 2048 * config->shards, &scene->space));
	EXPECT(!mmsb_ring_open(scene->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = flags, .payload_bytes = 1 << 16), &scene->ring));
	EXPECT(!told || !mmsb_history_open(scene->space, NULL, &scene->history));
	return 0;
}

static void scene_close(struct scene *scene)
{
	mmsb_history_close(scene->history);
	mmsb_ring_close(scene->ring);
	mmsb_space_close(scene->space);
	mmsb_close(scene->mmsb);
}

static enum mmsb_reason begin_tick(struct scene *scene, uint64_t tick)
{
	return run_op(scene->ring, &scene->cqe, .op = MMSB_OP_TICK, .offset = tick) ? MMSB_REASON_LAST : scene->cqe.reason;
}

static enum mmsb_reason send_words(struct scene *scene, struct mmsb_ring *ring, const struct mmsb_word *words, unsigned int n)
{
	uint32_t bytes = n * (uint32_t)sizeof(*words);

	memcpy(mmsb_payload(ring, NULL), words, bytes);
	if (run_op(ring, &scene->cqe, .op = MMSB_OP_WORDS, .flags = MMSB_SQE_PAYLOAD, .len = bytes))
		return MMSB_REASON_LAST;
	return scene->cqe.reason;
}

static enum mmsb_reason send_word(struct scene *scene, const struct mmsb_word *word)
{
	if (run_op(scene->ring, &scene->cqe, .op = word->op, .lane = word->lane, .len = word->len, .page = word->page, .offset = word->offset,
		   .word = { word->word }))
		return MMSB_REASON_LAST;
	return scene->cqe.reason;
}

/* ---------------------------------------------------------------------------------------------------- one by one, in bulk */

/* Small pages of two shards and more, a large one, and some that others follow. */
static uint64_t page_of(unsigned int i)
{
	return MMSB_PAGE_ID(1, i % 2 ? 1024 + i : i);
}

static uint32_t size_of(unsigned int i)
{
	return i == 5 ? 3 << 20 : i % 3 ? 64 : 4096;
}

static bool is_derived(unsigned int i)
{
	return i && !(i % 8);
}

static int furnish(struct scene *scene)
{
	unsigned int i;

	EXPECT(!begin_tick(scene, 1));
	for (i = 0; i < PAGES; i++)
		EXPECT(!run_op(scene->ring, &scene->cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = page_of(i), .len = size_of(i)) &&
		       !scene->cqe.result);
	for (i = 0; i < PAGES; i++)
		EXPECT(!is_derived(i) || !mmsb_derive_fold(scene->ring, page_of(i), MMSB_RULE_SUM, MMSB_LANE_I64,
							   (uint64_t[]){ page_of(i - 1), page_of(i - 3) }, NULL, 2, NULL));
	return 0;
}

static void draw_word(struct rng *rng, struct mmsb_word *word)
{
	unsigned int i = (unsigned int)rng_below(rng, PAGES);

	*word = (struct mmsb_word){ .op = MMSB_OP_SET, .len = (uint8_t)(1u << rng_below(rng, 4)), .page = page_of(i), .word = rng_next(rng) };
	if (rng_below(rng, 3)) {
		word->op = (uint8_t)(MMSB_OP_ADD + rng_below(rng, 2));
		word->lane = (uint8_t)rng_below(rng, MMSB_LANE_LAST);
		word->len = (uint8_t)(1u << (word->lane & 3));
	}
	if (word->len < 8)
		word->word &= (1ull << 8 * word->len) - 1;
	word->offset = (uint32_t)rng_below(rng, size_of(i) / word->len) * word->len;
	if (is_derived(i) && rng_below(rng, 50))
		word->page = page_of(1);	/* few are refused, or the others are never reached */
	if (word->page == page_of(1))
		word->offset %= 64;
	if (rng_once_in(rng, 400))
		word->word = 0;
	if (rng_once_in(rng, 400))
		word->offset += size_of(i);
	if (rng_once_in(rng, 400))
		word->page ^= MMSB_PAGE_ID(1 + rng_below(rng, 2), rng_below(rng, 2) << 31);
}

/* What became of the last one that counts. */
static int one_by_one(struct scene *scene, const struct mmsb_word *words, unsigned int n, unsigned int *done)
{
	for (*done = 0; *done < n; (*done)++) {
		EXPECT(send_word(scene, &words[*done]) != MMSB_REASON_LAST);
		if (scene->cqe.reason || scene->cqe.flags & MMSB_CQE_UNCHANGED)
			break;
	}
	return 0;
}

static int same_outcome(struct scene *single, struct scene *bulk, const struct mmsb_word *words, unsigned int n)
{
	unsigned int done;

	EXPECT(!one_by_one(single, words, n, &done));
	EXPECT(send_words(bulk, bulk->ring, words, n) == single->cqe.reason);
	EXPECT(bulk->cqe.result == single->cqe.result && bulk->cqe.flags == (done < n ? single->cqe.flags : 0));
	EXPECT(bulk->cqe.epoch == (done < n ? words[done].page : 0));
	bulk->told += done;
	return 0;
}

/* A listener hears of each word as of a delta of its own. */
static int count_told(struct scene *scene)
{
	const struct mmsb_record *record;
	uint64_t words = 0;

	if (!scene->history)
		return 0;
	while (!mmsb_history_next(scene->history, &record, 0))
		words += record->type == MMSB_RECORD_DELTA && ((const struct mmsb_delta_record *)record)->sqe.op < MMSB_OP_CAS &&
			 ((const struct mmsb_delta_record *)record)->sqe.op >= MMSB_OP_SET;
	EXPECT(words == scene->told);
	scene->told = 0;
	return 0;
}

static uint64_t deltas(const struct scene *scene)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };

	return mmsb_space_info(scene->space, &info) ? 0 : info.deltas;
}

static int both_ways(const struct wild_config *config, bool told, uint64_t ops)
{
	struct scene single = {}, bulk = {};
	struct rng rng = { seed };
	struct mmsb_word words[MOST];
	unsigned int n, i;
	uint64_t tick;

	EXPECT(!scene_open(&single, config, false) && !scene_open(&bulk, config, told));
	EXPECT(!furnish(&single) && !furnish(&bulk));
	for (tick = 2; tick < 2 + ops; tick++) {
		EXPECT(!begin_tick(&single, tick) && !begin_tick(&bulk, tick));
		n = 1 + (unsigned int)rng_below(&rng, rng_below(&rng, 2) ? 4 : MOST);
		for (i = 0; i < n; i++)
			draw_word(&rng, &words[i]);
		EXPECT(!same_outcome(&single, &bulk, words, n));
		if (!(tick % 16))
			EXPECT(!begin_tick(&bulk, 0) && !count_told(&bulk) && !begin_tick(&single, 0) && !wild_compare(single.space, bulk.space));
	}
	EXPECT(deltas(&single) >= deltas(&bulk));
	scene_close(&single);
	scene_close(&bulk);
	return 0;
}

/* Each word is a delta, whatever brought it. */
static int counted(const struct wild_config *config)
{
	struct mmsb_word words[100];
	struct scene scene = {};
	unsigned int i;
	uint64_t before;

	EXPECT(!scene_open(&scene, config, false) && !furnish(&scene));
	for (i = 0; i < 100; i++)
		words[i] = (struct mmsb_word){ .op = MMSB_OP_ADD, .lane = MMSB_LANE_I64, .len = 8, .page = page_of(1), .word = 1 };
	before = deltas(&scene);
	EXPECT(!send_words(&scene, scene.ring, words, 100) && deltas(&scene) == before + 100);
	words[50].word = 0;
	EXPECT(!send_words(&scene, scene.ring, words, 100) && scene.cqe.flags & MMSB_CQE_UNCHANGED);
	EXPECT(deltas(&scene) == before + 151 && scene.cqe.epoch == page_of(1));
	scene_close(&scene);
	return 0;
}

/* A history in which the space was reset is done again through the ring that it began with. */
static int behind_reset(const struct wild_config *config)
{
	struct mmsb_word word = { .op = MMSB_OP_SET, .len = 8, .page = page_of(1), .word = 7 };
	struct scene scene = {};
	uint64_t value;

	EXPECT(!scene_open(&scene, config, false) && !furnish(&scene) && !send_words(&scene, scene.ring, &word, 1));
	EXPECT(!mmsb_space_reset(scene.space));
	EXPECT(send_words(&scene, scene.ring, &word, 1) == MMSB_REASON_BAD_TICK);
	EXPECT(!furnish(&scene) && !send_words(&scene, scene.ring, &word, 1));
	EXPECT(mmsb_read(scene.space, word.page, 0, &value, sizeof(value), NULL) == sizeof(value) && value == 7);
	scene_close(&scene);
	return 0;
}

/* ------------------------------------------------------------------------------------------------------------ refusals */

#define SPOILED(field, value) ({						\
	struct mmsb_word spoiled[2] = { good, good };				\
	spoiled[1].field = value;						\
	send_words(&scene, scene.ring, spoiled, 2);				\
})

static int refusals(const struct wild_config *config)
{
	struct mmsb_word good = { .op = MMSB_OP_ADD, .lane = MMSB_LANE_U32, .len = 4, .offset = 8, .page = page_of(1), .word = 3 };
	struct mmsb_ring *other;
	struct scene scene = {};
	uint32_t value;

	EXPECT(!scene_open(&scene, config, false));
	EXPECT(!mmsb_ring_open(scene.space, NULL, &other));
	EXPECT(send_words(&scene, other, &good, 1) == MMSB_REASON_NOT_REPLAYING);
	EXPECT(send_words(&scene, scene.ring, &good, 1) == MMSB_REASON_BAD_TICK);
	EXPECT(!furnish(&scene));

	EXPECT(SPOILED(op, MMSB_OP_CREATE) == MMSB_REASON_BAD_WORD && SPOILED(op, MMSB_OP_WORDS) == MMSB_REASON_BAD_WORD);
	EXPECT(scene.cqe.epoch == good.page);
	EXPECT(SPOILED(op, MMSB_OP_CAS) == MMSB_REASON_BAD_WORD && SPOILED(op, 255) == MMSB_REASON_BAD_WORD);
	EXPECT(SPOILED(lane, MMSB_LANE_U64) == MMSB_REASON_BAD_WORD && SPOILED(lane, 255) == MMSB_REASON_BAD_WORD);
	EXPECT(SPOILED(len, 8) == MMSB_REASON_BAD_WORD && SPOILED(len, 0) == MMSB_REASON_BAD_WORD && SPOILED(len, 255) == MMSB_REASON_BAD_WORD);
	EXPECT(SPOILED(flags, 1) == MMSB_REASON_BAD_WORD && SPOILED(flags, MMSB_SQE_QUIET) == MMSB_REASON_BAD_WORD);
	EXPECT(SPOILED(flags, 128) == MMSB_REASON_BAD_WORD && SPOILED(offset, 2) == MMSB_REASON_BAD_WORD);
	EXPECT(SPOILED(offset, 64) == MMSB_REASON_OUT_OF_PAGE && SPOILED(offset, ~3u) == MMSB_REASON_OUT_OF_PAGE);
	EXPECT(SPOILED(page, 0) == MMSB_REASON_NO_PAGE && SPOILED(page, MMSB_PAGE_ID(1, ~0u)) == MMSB_REASON_NO_PAGE);
	EXPECT(SPOILED(page, page_of(8)) == MMSB_REASON_IS_DERIVED && scene.cqe.epoch == page_of(8));
	EXPECT(SPOILED(word, 0) == 0 && scene.cqe.flags == MMSB_CQE_UNCHANGED);

	EXPECT(!run_op(scene.ring, &scene.cqe, .op = MMSB_OP_WORDS, .flags = MMSB_SQE_PAYLOAD, .len = 25) &&
	       scene.cqe.reason == MMSB_REASON_BAD_LENGTH);
	EXPECT(!run_op(scene.ring, &scene.cqe, .op = MMSB_OP_WORDS, .flags = MMSB_SQE_PAYLOAD) &&
	       scene.cqe.reason == MMSB_REASON_BAD_LENGTH);
	EXPECT(!run_op(scene.ring, &scene.cqe, .op = MMSB_OP_WORDS, .flags = MMSB_SQE_PAYLOAD, .len = 24u * (MMSB_WORDS_MAX / 24 + 1)) &&
	       scene.cqe.reason == MMSB_REASON_TOO_LONG);
	EXPECT(!run_op(scene.ring, &scene.cqe, .op = MMSB_OP_WORDS, .flags = MMSB_SQE_PAYLOAD, .len = 48, .payload = (1 << 16) - 24) &&
	       scene.cqe.reason == MMSB_REASON_OUT_OF_PAYLOAD);
	EXPECT(!run_op(scene.ring, &scene.cqe, .op = MMSB_OP_WORDS, .flags = MMSB_SQE_PAYLOAD, .len = 24, .offset = 8) &&
	       scene.cqe.reason == MMSB_REASON_BAD_RESERVED);

	/* the first of each pair counted */
	EXPECT(mmsb_read(scene.space, good.page, 8, &value, sizeof(value), NULL) == sizeof(value) && value == 19 * 3);
	mmsb_ring_close(other);
	scene_close(&scene);
	return 0;
}

/* ---------------------------------------------------------------------------------------------------------------- main */

static const struct wild_config configs[] = {
	{ .shards = 1 }, { .shards = 3 }, { .shards = 1, .polled = true }, { .shards = 3, .polled = true }, { .shards = 2, .lazy = true },
};

static void run_all(uint64_t ops)
{
	unsigned int i, told;

	ksft_print_msg("--seed %llu --ops %llu\n", (unsigned long long)seed, (unsigned long long)ops);
	for (i = 0; i < sizeof(configs) / sizeof(*configs); i++) {
		const struct wild_config *config = &configs[i];
		const char *mode = config->polled ? "polled" : config->lazy ? "lazy" : "inline";

		for (told = 0; told < 2; told++)
			ksft_test_result(!both_ways(config, told, ops), "in bulk as one by one%s, %u shards, %s\n",
					 told ? ", while somebody listens" : "", config->shards, mode);
		ksft_test_result(!counted(config), "each is counted, %u shards, %s\n", config->shards, mode);
		ksft_test_result(!behind_reset(config), "behind a reset, %u shards, %s\n", config->shards, mode);
		ksft_test_result(!refusals(config), "refusals, %u shards, %s\n", config->shards, mode);
	}
}

int main(int argc, char **argv)
{
	seeded_main(argc, argv, &seed, scaled(300) + 16, run_all);
}
