// SPDX-License-Identifier: GPL-2.0-only
/*
 * Images that were made by hand, as whoever has a replay ring can make them: each one that no capture could have told is refused, says why and
 * changes nothing; derivations may come in any order.
 *
 * `image --seed N` replays the orders of what a failure printed.
 */
#include "kselftest.h"
#include "common/expect.h"
#include "common/seeded.h"
#include "common/wild.h"
#include "../lib/home.h"

static uint64_t seed;

struct by_hand {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring, *replay;
	struct mmsb_cqe cqe;
};

static int by_hand_open(struct by_hand *hand, const struct wild_config *config)
{
	uint32_t flags = MMSB_RING_REPLAY | (config->polled ? MMSB_RING_POLLED : 0);

	EXPECT(!mmsb_open(&hand->mmsb, NULL) && !wild_space(hand->mmsb, config, 2048, &hand->space));
	EXPECT(!mmsb_ring_open(hand->space, NULL, &hand->ring));
	EXPECT(!mmsb_ring_open(hand->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = flags, .payload_bytes = 1 << 20), &hand->replay));
	return 0;
}

static void by_hand_close(struct by_hand *hand)
{
	mmsb_ring_close(hand->replay);
	mmsb_ring_close(hand->ring);
	mmsb_space_close(hand->space);
	mmsb_close(hand->mmsb);
}

static enum mmsb_reason load(struct by_hand *hand, struct mmsb_ring *ring, const void *images, uint32_t bytes)
{
	memcpy(mmsb_payload(ring, NULL), images, bytes);
	if (run_op(ring, &hand->cqe, .op = MMSB_OP_LOAD, .flags = MMSB_SQE_PAYLOAD, .len = bytes))
		return MMSB_REASON_LAST;
	return hand->cqe.reason;
}

static enum mmsb_reason begin_tick(struct by_hand *hand, uint64_t tick)
{
	return run_op(hand->replay, &hand->cqe, .op = MMSB_OP_TICK, .offset = tick) ? MMSB_REASON_LAST : hand->cqe.reason;
}

/* A page of 64 bytes. */
struct whole {
	struct mmsb_image image;
	uint64_t words[8];
};

/* A page of 64 bytes that copies another, without the bytes. */
struct derived {
	struct mmsb_image image;
	struct mmsb_derive derive;
	struct mmsb_edge edge;
	uint64_t seen;
};

static struct whole whole(uint64_t page)
{
	return (struct whole){
		.image = { .record = { .bytes = sizeof(struct whole), .type = MMSB_RECORD_IMAGE }, .page = page, .epoch = 3, .tick = 2,
			   .length = 64, .bytes = 64, .kind = MMSB_KIND_SOURCE },
		.words = { page, 5 },
	};
}

static struct derived derived(uint64_t page, uint64_t parent)
{
	return (struct derived){
		.image = { .record = { .bytes = sizeof(struct derived), .type = MMSB_RECORD_IMAGE }, .page = page, .epoch = 3, .bytes = 64,
			   .edges = 1, .kind = MMSB_KIND_DERIVED, .flags = MMSB_IMAGE_EDGES },
		.derive = { .rule = MMSB_RULE_COPY, .edges = 1 },
		.edge = { .parent = parent },
		.seen = 3,
	};
}

static bool has(struct by_hand *hand, uint64_t pages, uint64_t derived, uint64_t edges)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };

	return !mmsb_space_info(hand->space, &info) && info.pages == pages && info.derived == derived && info.edges == edges;
}

#define ID(index)	MMSB_PAGE_ID(5, index)
#define SPOILED(what, field, value, reason) do {				\
	__typeof__(what) spoiled = what;					\
	spoiled.field = value;							\
	EXPECT(load(&hand, hand.replay, &spoiled, sizeof(spoiled)) == MMSB_REASON_##reason); \
} while (0)

static int refused_lines(const struct wild_config *config)
{
	struct whole good = whole(ID(1)), none = whole(ID(2)), pair[2] = { whole(ID(3)), whole(ID(1)) };
	struct mmsb_page_info info;
	struct by_hand hand;

	EXPECT(!by_hand_open(&hand, config));
	EXPECT(load(&hand, hand.ring, &good, sizeof(good)) == MMSB_REASON_NOT_REPLAYING);
	EXPECT(load(&hand, hand.replay, &good, sizeof(good)) == MMSB_REASON_BAD_TICK);
	EXPECT(begin_tick(&hand, 9) == 0);
	EXPECT(load(&hand, hand.replay, &good, sizeof(good) - 4) == MMSB_REASON_BAD_LENGTH);
	EXPECT(load(&hand, hand.replay, &good, sizeof(good) - 8) == MMSB_REASON_BAD_IMAGE);
	EXPECT(load(&hand, hand.replay, &good, 64) == MMSB_REASON_BAD_IMAGE);
	SPOILED(good, image.record.bytes, sizeof(good) - 8, BAD_IMAGE);
	SPOILED(good, image.record.bytes, sizeof(good) + 8, BAD_IMAGE);
	SPOILED(good, image.record.bytes, 0, BAD_IMAGE);
	SPOILED(good, image.record.type, MMSB_RECORD_CAPTURE, BAD_IMAGE);
	SPOILED(good, image.record.flags, 1, BAD_IMAGE);
	SPOILED(good, image.page, 7, PAGES_LIMIT);
	SPOILED(good, image.page, ID(~0u), PAGES_LIMIT);
	SPOILED(good, image.page, ID(hand.space->nlines), PAGES_LIMIT);
	SPOILED(good, image.kind, MMSB_KIND_DERIVED + 1, BAD_IMAGE);
	SPOILED(good, image.kind, MMSB_KIND_NONE, BAD_IMAGE);
	SPOILED(good, image.flags, MMSB_IMAGE_STALE, BAD_IMAGE);
	SPOILED(good, image.flags, MMSB_IMAGE_RETIRED, BAD_IMAGE);
	SPOILED(good, image.flags, MMSB_IMAGE_EDGES, BAD_IMAGE);
	SPOILED(good, image.flags, 0x80, BAD_IMAGE);
	SPOILED(good, image.reserved0, 1, BAD_IMAGE);
	SPOILED(good, image.reserved1, 1, BAD_IMAGE);
	SPOILED(good, image.bytes, 63, BAD_IMAGE);
	SPOILED(good, image.bytes, MMSB_PAGE_MAX + 1, BAD_IMAGE);
	SPOILED(good, image.offset, 8, BAD_IMAGE);
	SPOILED(good, image.offset, ~7ull, BAD_IMAGE);
	SPOILED(good, image.length, 72, BAD_IMAGE);
	SPOILED(good, image.length, 60, BAD_IMAGE);
	SPOILED(good, image.length, ~7u, BAD_IMAGE);
	SPOILED(good, image.edges, 1, BAD_IMAGE);
	EXPECT(mmsb_page_info(hand.space, ID(1), &info) == -ENOENT && has(&hand, 0, 0, 0));
	EXPECT(load(&hand, hand.replay, &good, sizeof(good)) == 0);
	EXPECT(load(&hand, hand.replay, &good, sizeof(good)) == MMSB_REASON_LINE_USED);
	SPOILED(good, image.page, MMSB_PAGE_ID(6, 1), LINE_USED);
	EXPECT(load(&hand, hand.replay, pair, sizeof(pair)) == MMSB_REASON_LINE_USED && hand.cqe.epoch == ID(1));
	EXPECT(!mmsb_page_info(hand.space, ID(3), &info) && info.epoch == 3 && info.tick == 2 && info.length == 64);
	none.image = (struct mmsb_image){ .record = { .bytes = sizeof(none.image), .type = MMSB_RECORD_IMAGE }, .page = ID(2) };
	EXPECT(load(&hand, hand.replay, &none, sizeof(none.image)) == 0);
	EXPECT(load(&hand, hand.replay, &none, sizeof(none.image)) == MMSB_REASON_LINE_USED);
	good.image.page = ID(2);
	EXPECT(load(&hand, hand.replay, &good, sizeof(good)) == MMSB_REASON_LINE_USED);
	by_hand_close(&hand);
	return 0;
}

static int refused_edges(const struct wild_config *config)
{
	struct whole page[2] = { whole(ID(1)), whole(ID(1025)) };
	struct derived good = derived(ID(1), ID(1025)), back = derived(ID(1025), ID(1)), self = derived(ID(1025), ID(1025));
	struct by_hand hand;

	EXPECT(!by_hand_open(&hand, config) && begin_tick(&hand, 9) == 0);
	EXPECT(load(&hand, hand.replay, &good, sizeof(good)) == MMSB_REASON_NO_PAGE);
	EXPECT(load(&hand, hand.replay, page, sizeof(page)) == 0);
	SPOILED(good, image.epoch, 4, EPOCH_DIFFERS);
	SPOILED(good, image.edges, 2, BAD_IMAGE);
	SPOILED(good, image.edges, 0, BAD_IMAGE);
	SPOILED(good, image.edges, ~0u, BAD_IMAGE);
	SPOILED(good, derive.edges, 2, BAD_IMAGE);
	SPOILED(good, derive.rule, MMSB_RULE_USER + 77, BAD_RULE);
	SPOILED(good, derive.version, 77, BAD_RULE);
	SPOILED(good, derive.flags, 0x80, BAD_FLAGS);
	SPOILED(good, derive.lane, 1, BAD_RULE_LANE);
	SPOILED(good, derive.param[0], 1, BAD_PARAM);
	SPOILED(good, edge.type, MMSB_EDGE_LAST, BAD_EDGE);
	SPOILED(good, edge.parent, ID(7), PARENT_GONE);
	EXPECT(hand.cqe.epoch == ID(7));
	EXPECT(load(&hand, hand.replay, &self, sizeof(self)) == MMSB_REASON_CYCLE && hand.cqe.epoch == ID(1025));
	EXPECT(has(&hand, 2, 0, 0));
	EXPECT(load(&hand, hand.replay, &good, sizeof(good)) == 0);
	EXPECT(load(&hand, hand.replay, &good, sizeof(good)) == MMSB_REASON_LINE_USED);
	EXPECT(load(&hand, hand.replay, &back, sizeof(back)) == MMSB_REASON_CYCLE && hand.cqe.epoch == ID(1));
	EXPECT(has(&hand, 2, 1, 1));
	by_hand_close(&hand);
	return 0;
}

#define CHAIN		6u

/* Derivations in any order come to the right heights, and nothing is computed: the bytes stay what they are, equal or not. */
static int one_order(const struct wild_config *config, struct rng *rng)
{
	uint64_t hash[2][2], words[8];
	struct by_hand hand;
	unsigned int i, order[CHAIN];
	struct mmsb_node node;

	EXPECT(!by_hand_open(&hand, config) && begin_tick(&hand, 9) == 0);
	for (i = 0; i < CHAIN; i++) {
		struct whole page = whole(ID(i * 400));
		unsigned int at = (unsigned int)rng_below(rng, i + 1);

		EXPECT(load(&hand, hand.replay, &page, sizeof(page)) == 0);
		order[i] = order[at];
		order[at] = i;
	}
	for (i = 0; i < CHAIN; i++) {
		struct derived link = derived(ID(order[i] * 400), ID((order[i] - 1) * 400));

		if (order[i])
			EXPECT(load(&hand, hand.replay, &link, sizeof(link)) == 0);
	}
	EXPECT(begin_tick(&hand, 0) == 0);
	for (i = 0; i < CHAIN; i++) {
		EXPECT(!mmsb_node(hand.space, ID(i * 400), &node) && node.height == i && node.epoch == 3);
		EXPECT(mmsb_read(hand.space, ID(i * 400), 0, words, 64, NULL) == 64 && words[0] == ID(i * 400));
	}
	EXPECT(!mmsb_hash(hand.space, 0, hash[0], NULL) && !mmsb_hash(hand.space, MMSB_HASH_RECOMPUTE, hash[1], NULL));
	EXPECT(!memcmp(hash[0], hash[1], sizeof(hash[0])));
	mmsb_ring_close(hand.replay);
	hand.replay = NULL;
	EXPECT(!mmsb_add(hand.ring, ID(0), 16, 1, NULL));		/* and now all of them follow */
	EXPECT(mmsb_read(hand.space, ID((CHAIN - 1) * 400), 0, words, 64, NULL) == 64 && words[0] == ID(0) && words[2] == 1);
	by_hand_close(&hand);
	return 0;
}

static int any_order(const struct wild_config *config, uint64_t orders)
{
	struct rng rng = { seed };

	while (orders--)
		if (one_order(config, &rng))
			return -1;
	return 0;
}

static const struct wild_config configs[] = { { .shards = 1 }, { .shards = 3 }, { .shards = 2, .polled = true } };

static void run_all(uint64_t orders)
{
	unsigned int i;

	ksft_print_msg("--seed %llu --ops %llu\n", (unsigned long long)seed, (unsigned long long)orders);
	for (i = 0; i < sizeof(configs) / sizeof(*configs); i++) {
		const char *how = configs[i].polled ? "polled" : "inline";

		ksft_test_result(!refused_lines(&configs[i]), "images of lines that are refused, %u shards, %s\n", configs[i].shards, how);
		ksft_test_result(!refused_edges(&configs[i]), "images of derivations that are refused, %u shards, %s\n", configs[i].shards, how);
		ksft_test_result(!any_order(&configs[i], orders), "derivations in any order, %u shards, %s\n", configs[i].shards, how);
	}
}

int main(int argc, char **argv)
{
	seeded_main(argc, argv, &seed, scaled(50) + 2, run_all);
}
