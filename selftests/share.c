// SPDX-License-Identifier: GPL-2.0-only
/*
 * One wave over many shards, computed by one thread or by several: whichever, it comes to the same. A graph is drawn in levels whose pages
 * follow pages of any shard, by edges of both types, some of them lazily, and planted into spaces of 1 to 8 shards, inline and
 * polled. After every tick all pages have the same bytes, epochs, signatures and flags in each of these spaces, and the spaces the
 * same state. That the work was shared is told by a counter, and seen with a graph that is wide whatever was drawn.
 */
#include "common/harness.h"
#include "common/home.h"

#define SOURCES	8u
#define LEVELS	5u
#define WIDTH	96u
#define PAGES	(SOURCES + LEVELS * WIDTH)
#define PARENTS	4u
#define BYTES	2048u
#define SPACES	8u
#define BLOCKS	8u			/* of the directory, that pages go round, and so round the shards */

struct plant {
	uint64_t page;
	uint32_t bytes, edges;
	struct mmsb_derive how;
	struct mmsb_edge edge[PARENTS];
};

struct bed {
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint32_t shards;
	bool polled;
};

struct garden {
	struct mmsb *mmsb;
	struct bed bed[SPACES];
	struct plant plant[PAGES];
};

FIXTURE(share) {
	struct garden garden;
	struct rng rng;
};

FIXTURE(wide) {
	struct garden garden;
};

/* ------------------------------------------------------------------------------------------------------------- drawing */

static uint32_t draw(struct rng *rng, uint32_t n)
{
	return (uint32_t)rng_below(rng, n);
}

static void draw_edges(struct rng *rng, struct plant *plants, struct plant *plant, uint32_t first, uint32_t n)
{
	uint32_t i;

	plant->edges = 1 + draw(rng, PARENTS);
	for (i = 0; i < plant->edges; i++) {
		plant->edge[i] = (struct mmsb_edge){ .parent = plants[first + draw(rng, n)].page,
						     .type = i && !draw(rng, 4) ? MMSB_EDGE_CONTROL : MMSB_EDGE_DATA };
		if (plant->how.rule != MMSB_RULE_HASH && plant->edge[i].type == MMSB_EDGE_DATA)
			plant->edge[i].weight = draw(rng, 4);
	}
}

static uint32_t level_of(uint32_t i)
{
	return i < SOURCES ? 0 : 1 + (i - SOURCES) / WIDTH;
}

static uint32_t first_below(uint32_t level)
{
	return level < 2 ? 0 : SOURCES + (level - 2) * WIDTH;
}

static uint64_t id_of(uint32_t i)
{
	return MMSB_PAGE_ID(1, 1024 * (i % BLOCKS) + i / BLOCKS);
}

/* Its parents lie in the level below, or, now and then, anywhere below. */
static void draw_plant(struct rng *rng, struct plant *plants, uint32_t i)
{
	static const uint32_t rules[] = { MMSB_RULE_ADD_MUL, MMSB_RULE_ADD_MUL, MMSB_RULE_XOR_AND, MMSB_RULE_MIN_ADD, MMSB_RULE_HASH };
	uint32_t level = level_of(i), first = first_below(level);
	struct plant *plant = &plants[i];

	plant->page = id_of(i);
	plant->bytes = MMSB_PAGE_MIN + 8 * draw(rng, (BYTES - MMSB_PAGE_MIN) / 8);
	if (!level)
		return;
	plant->how.rule = rules[draw(rng, 5)];
	plant->how.lane = plant->how.rule == MMSB_RULE_HASH ? 0 : MMSB_LANE_U64;
	plant->how.flags = draw(rng, 16) ? 0 : MMSB_DERIVE_LAZY;
	if (draw(rng, 8))
		draw_edges(rng, plants, plant, first, level < 2 ? SOURCES : WIDTH);
	else
		draw_edges(rng, plants, plant, 0, level < 2 ? SOURCES : SOURCES + (level - 1) * WIDTH);
}

/* Every page of a level follows the level's first below, so all of them follow the first source. */
static void widen_plant(struct plant *plants, uint32_t i)
{
	uint32_t level = level_of(i);
	struct plant *plant = &plants[i];

	*plant = (struct plant){ .page = id_of(i), .bytes = BYTES };
	if (!level)
		return;
	plant->how = (struct mmsb_derive){ .rule = MMSB_RULE_ADD_MUL, .lane = MMSB_LANE_U64 };
	plant->edge[0] = (struct mmsb_edge){ .parent = plants[first_below(level)].page, .type = MMSB_EDGE_DATA, .weight = 1 };
	plant->edges = 1;
}

/* ------------------------------------------------------------------------------------------------------------- planting */

static int bed_open(struct bed *bed, struct mmsb *mmsb, uint32_t shards, bool polled)
{
	int ret;

	*bed = (struct bed){ .shards = shards, .polled = polled };
	ret = mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = shards, .max_pages = 65536,
			      .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | (polled ? 0 : MMSB_SPACE_INLINE)), &bed->space);
	return ret ?: mmsb_ring_open(bed->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = 1,
				     .flags = polled ? MMSB_RING_POLLED : 0), &bed->ring);
}

static int bed_plant(struct bed *bed, const struct plant *plants)
{
	struct mmsb_cqe cqe = {};
	uint32_t i;
	int ret;

	for (i = 0; i < PAGES; i++) {
		const struct plant *plant = &plants[i];

		ret = run_op(bed->ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = plant->page, .len = plant->bytes);
		ret = ret ?: cqe.result;
		if (!ret && plant->edges)
			ret = mmsb_derive(bed->ring, plant->page, &plant->how, plant->edge, plant->edges, NULL);
		if (ret)
			return ret;
	}
	return 0;
}

static int garden_open(struct garden *garden)
{
	int ret = mmsb_open(&garden->mmsb, NULL);
	uint32_t i;

	for (i = 0; !ret && i < SPACES; i++)
		ret = bed_open(&garden->bed[i], garden->mmsb, 1u << (i / 2), i % 2) ?: bed_plant(&garden->bed[i], garden->plant);
	return ret;
}

static void garden_close(struct garden *garden)
{
	uint32_t i;

	for (i = 0; i < SPACES; i++) {
		mmsb_ring_close(garden->bed[i].ring);
		mmsb_space_close(garden->bed[i].space);
	}
	mmsb_close(garden->mmsb);
}

FIXTURE_SETUP(share)
{
	uint64_t seed = rng_seed();
	uint32_t i;

	TH_LOG("MMSB_SEED=%llu", (unsigned long long)seed);
	self->rng = (struct rng){ .state = seed };
	for (i = 0; i < PAGES; i++)
		draw_plant(&self->rng, self->garden.plant, i);
	ASSERT_EQ(0, garden_open(&self->garden)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
}

FIXTURE_TEARDOWN(share)
{
	garden_close(&self->garden);
}

FIXTURE_SETUP(wide)
{
	uint32_t i;

	for (i = 0; i < PAGES; i++)
		widen_plant(self->garden.plant, i);
	ASSERT_EQ(0, garden_open(&self->garden)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
}

FIXTURE_TEARDOWN(wide)
{
	garden_close(&self->garden);
}

/* ------------------------------------------------------------------------------------------------------------ comparing */

/* As it stands: reading a page that is behind by mmsb_read() would have it recomputed. */
static void bytes_of(const struct bed *bed, const struct plant *plant, uint8_t *bytes)
{
	struct mmsb_view view;
	int ret;

	do {
		ret = mmsb_view_begin(bed->space, plant->page, &view);
		if (ret && ret != -EAGAIN)
			abort();
		if (!ret)
			memcpy(bytes, view.data, plant->bytes);
	} while (ret || !mmsb_view_end(&view));
}

static const char *plant_differs(const struct bed *a, const struct bed *b, const struct plant *plant)
{
	uint8_t bytes[2][BYTES];
	struct mmsb_node node[2] = {};

	bytes_of(a, plant, bytes[0]);
	bytes_of(b, plant, bytes[1]);
	if (memcmp(bytes[0], bytes[1], plant->bytes))
		return "bytes";
	if (mmsb_node(a->space, plant->page, &node[0]) || mmsb_node(b->space, plant->page, &node[1]))
		return "graph";
	if (node[0].epoch != node[1].epoch)
		return "epoch";
	if (node[0].flags != node[1].flags)
		return "flags";
	return memcmp(&node[0], &node[1], sizeof(node[0])) ? "signature" : NULL;
}

static int hash_of(const struct bed *bed, uint64_t hash[2])
{
	uint64_t afresh[2];
	int ret = mmsb_hash(bed->space, 0, hash, NULL) ?: mmsb_hash(bed->space, MMSB_HASH_RECOMPUTE, afresh, NULL);

	return ret ?: memcmp(hash, afresh, sizeof(afresh)) ? -EIO : 0;
}

/* All pages, or a few of them; NULL: nothing differs. */
static const char *beds_differ(const struct bed *a, const struct bed *b, const struct plant *plants, uint32_t from, uint32_t step)
{
	uint64_t hash[2][2];
	const char *what;
	uint32_t i;

	for (i = from; i < PAGES; i += step) {
		what = plant_differs(a, b, &plants[i]);
		if (what)
			return what;
	}
	if (hash_of(a, hash[0]) || hash_of(b, hash[1]))
		return "hash, from what it should be";
	return memcmp(hash[0], hash[1], sizeof(hash[0])) ? "state hash" : NULL;
}

/* -------------------------------------------------------------------------------------------------------------- the test */

static struct mmsb_space_info_args info_of(const struct bed *bed)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };

	if (mmsb_space_info(bed->space, &info))
		abort();
	return info;
}

/* A source is set; or a page that is lazy, or follows one that is, is asked for. */
static int step(const struct bed *bed, const struct plant *plants, uint64_t choice, uint64_t value)
{
	const struct plant *plant = &plants[choice % 5 ? choice % SOURCES : SOURCES + choice % (LEVELS * WIDTH)];

	if (plant->edges)
		return mmsb_refresh(bed->ring, plant->page, NULL);
	return mmsb_set(bed->ring, plant->page, value % (plant->bytes / 8) * 8, &value, sizeof(value), NULL);
}

TEST_F(share, comes_to_the_same)
{
	struct garden *garden = &self->garden;
	uint32_t steps = 10 + (uint32_t)scaled(100), all = home_is_kernel() ? 16 : 1, i, k;
	uint64_t shared = 0;

	for (k = 0; k < steps; k++) {
		uint64_t choice = rng_next(&self->rng) >> 8, value = rng_next(&self->rng);

		for (i = 0; i < SPACES; i++)
			ASSERT_EQ(0, step(&garden->bed[i], garden->plant, choice, value));
		for (i = 1; i < SPACES; i++) {
			const char *what = beds_differ(&garden->bed[0], &garden->bed[i], garden->plant, k % all, all);

			ASSERT_EQ(NULL, what) {
				TH_LOG("step %u: with %u shards, %s, another %s", k, garden->bed[i].shards,
				       garden->bed[i].polled ? "polled" : "inline", what);
			}
		}
	}
	for (i = 1; i < SPACES; i++) {
		EXPECT_EQ(info_of(&garden->bed[0]).recomputed, info_of(&garden->bed[i]).recomputed);
		shared += info_of(&garden->bed[i]).shared;
	}
	TH_LOG("%u ticks, %llu levels shared", steps, (unsigned long long)shared);
}

/* Nobody says when a poller comes; but as long as there is work it does come, if there is a processor for it. */
TEST_F(wide, is_done_by_several)
{
	struct garden *garden = &self->garden;
	uint64_t end = now_ns() + PATIENCE;
	uint32_t i;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "one processor does one thing at a time");
	for (i = 3; i < SPACES; i += 2) {
		const struct bed *bed = &garden->bed[i];
		uint64_t value = 0;

		for (; !info_of(bed).shared && now_ns() < end; value++)
			ASSERT_EQ(0, mmsb_set(bed->ring, garden->plant[0].page, 0, &value, sizeof(value), NULL));
		EXPECT_LT(0, info_of(bed).shared) {
			TH_LOG("%u shards, and nobody came", bed->shards);
		}
	}
	EXPECT_EQ(0, info_of(&garden->bed[1]).shared);
}

TEST_HARNESS_MAIN
