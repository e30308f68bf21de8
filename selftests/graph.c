// SPDX-License-Identifier: GPL-2.0-only
/*
 * The graph's operations, one at a time: what each rule computes, what is refused and why, how edges come and go, what can be
 * asked. That a refused operation changes nothing is seen by the state hash, which covers rules, parameters and edges, and must
 * be the recomputed one after every step.
 */
#include "common/harness.h"
#include "common/home.h"
#include "common/model.h"
#include "common/verified.h"
#include "ring.h"		/* the library's own: questions go past its checks */

#define SOURCES	6u
#define LANES	8u		/* of a source page: 64-bit lanes of 64 bytes */

FIXTURE(graph) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint64_t page[SOURCES];
	uint32_t next;
};

FIXTURE_VARIANT(graph) {
	uint32_t shards;
};

FIXTURE_VARIANT_ADD(graph, one_shard) { .shards = 1 };
FIXTURE_VARIANT_ADD(graph, three_shards) { .shards = 3 };

static int open_space(struct mmsb *mmsb, uint32_t shards, uint32_t flags, struct mmsb_space **space, struct mmsb_ring **ring)
{
	int ret = mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = shards, .max_pages = 20000,
				  .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | MMSB_SPACE_INLINE | flags), space);

	return ret ?: mmsb_ring_open(*space, MMSB_OPTS(struct mmsb_ring_opts, .shard = 1, .payload_bytes = 1u << 20), ring);
}

/* Pages go round three blocks of the directory, so they lie in all shards. */
static uint64_t nth_page(uint32_t n)
{
	return MMSB_PAGE_ID(1, 1024 * (n % 3) + n / 3);
}

static int make_page(struct mmsb_ring *ring, uint64_t id, uint32_t bytes)
{
	struct mmsb_cqe cqe = {};
	int ret = run_op(ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = id, .len = bytes);

	return ret ?: cqe.result;
}

static uint64_t new_page(FIXTURE_DATA(graph) *self, uint32_t bytes)
{
	uint64_t id = nth_page(self->next++);

	return make_page(self->ring, id, bytes) ? 0 : id;
}

/* Page i holds i + 1 in lane 0, twice that in lane 1, and so on. */
FIXTURE_SETUP(graph)
{
	uint64_t lanes[LANES];
	unsigned int i, k;

	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, open_space(self->mmsb, variant->shards, 0, &self->space, &self->ring)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	for (i = 0; i < SOURCES; i++) {
		self->page[i] = new_page(self, 64);
		ASSERT_NE(0, self->page[i]);
		for (k = 0; k < LANES; k++)
			lanes[k] = (i + 1) * (k + 1);
		ASSERT_EQ(0, mmsb_set(self->ring, self->page[i], 0, lanes, sizeof(lanes), NULL));
	}
}

FIXTURE_TEARDOWN(graph)
{
	EXPECT_TRUE(space_is_verified(self->space));
	mmsb_ring_close(self->ring);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

/* ------------------------------------------------------------------------------------------------------------- helpers */

/* The incremental hash, which must be the recomputed one. */
static int hash_of(struct mmsb_space *space, uint64_t hash[2])
{
	uint64_t fresh[2];
	int ret = mmsb_hash(space, 0, hash, NULL) ?: mmsb_hash(space, MMSB_HASH_RECOMPUTE, fresh, NULL);

	return ret ?: memcmp(hash, fresh, sizeof(fresh)) ? -EIO : 0;
}

static struct mmsb_space_info_args info_of(struct mmsb_space *space)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };

	if (mmsb_space_info(space, &info))
		abort();
	return info;
}

static struct mmsb_node node_of(struct mmsb_space *space, uint64_t page)
{
	struct mmsb_node node = {};

	if (mmsb_node(space, page, &node))
		abort();
	return node;
}

static uint64_t lane_of(struct mmsb_space *space, uint64_t page, unsigned int lane)
{
	uint64_t value;

	if (mmsb_read(space, page, 8 * lane, &value, 8, NULL) != 8)
		abort();
	return value;
}

static struct mmsb_edge edge_from(uint64_t parent)
{
	return (struct mmsb_edge){ .parent = parent };
}

static const struct mmsb_derive copying = { .rule = MMSB_RULE_COPY };
static const struct mmsb_derive adding = { .rule = MMSB_RULE_ADD_MUL, .lane = MMSB_LANE_U64 };

static int derive_copy(struct mmsb_ring *ring, uint64_t page, uint64_t parent)
{
	return mmsb_derive(ring, page, &copying, &(const struct mmsb_edge){ .parent = parent }, 1, NULL);
}

/* The sum of the parents, each once. */
static int derive_sum(struct mmsb_ring *ring, uint64_t page, const uint64_t *parents, unsigned int n)
{
	return mmsb_derive_fold(ring, page, MMSB_RULE_ADD_MUL, MMSB_LANE_U64, parents, NULL, n, NULL);
}

/* --------------------------------------------------------------------------------------------------------------- rules */

/* Parents are pages 0 (1, 2, 3...) and 4 (5, 10, 15...), of 8 lanes each. */
static const struct by_rule {
	struct mmsb_derive how;
	unsigned int parents;
	uint64_t weight[2];
	uint64_t want[LANES + 2];
} by_rule[] = {
	{ { .rule = MMSB_RULE_COPY }, 1, { 0 }, { 1, 2, 3, 4, 5, 6, 7, 8, 0, 0 } },
	{ { .rule = MMSB_RULE_SLICE, .param = { 8, 24 } }, 1, { 0 }, { 2, 3, 4, 0 } },
	{ { .rule = MMSB_RULE_SLICE, .param = { 40 } }, 1, { 0 }, { 6, 7, 8, 0 } },
	{ { .rule = MMSB_RULE_CONCAT }, 2, { 0 }, { 1, 2, 3, 4, 5, 6, 7, 8, 5, 10 } },
	{ { .rule = MMSB_RULE_ADD_MUL, .lane = MMSB_LANE_U64 }, 2, { 2, 3 }, { 17, 34, 51, 68, 85, 102, 119, 136 } },
	{ { .rule = MMSB_RULE_ADD_MUL, .lane = MMSB_LANE_I64 }, 2, { -1, 1 }, { 4, 8, 12, 16, 20, 24, 28, 32 } },
	{ { .rule = MMSB_RULE_MIN_ADD, .lane = MMSB_LANE_U64 }, 2, { 9, 0 }, { 5, 10, 12, 13, 14, 15, 16, 17 } },
	{ { .rule = MMSB_RULE_MAX_ADD, .lane = MMSB_LANE_U64 }, 2, { 9, 0 }, { 10, 11, 15, 20, 25, 30, 35, 40 } },
	{ { .rule = MMSB_RULE_OR_AND, .lane = MMSB_LANE_U64 }, 2, { 1, 8 }, { 1, 8, 9, 0, 9, 8, 1, 8 } },
	{ { .rule = MMSB_RULE_MAX_MIN, .lane = MMSB_LANE_U64 }, 2, { 9, 7 }, { 5, 7, 7, 7, 7, 7, 7, 8 } },
	{ { .rule = MMSB_RULE_XOR_AND, .lane = MMSB_LANE_U64 }, 2, { ~0ull, ~0ull }, { 4, 8, 12, 16, 28, 24, 36, 32 } },
	{ { .rule = MMSB_RULE_SUM, .lane = MMSB_LANE_U64 }, 2, { 0 }, { 36 * 6, 0 } },
	{ { .rule = MMSB_RULE_COUNT, .lane = MMSB_LANE_U64 }, 2, { 0 }, { 16, 0 } },
	{ { .rule = MMSB_RULE_MIN, .lane = MMSB_LANE_U64 }, 2, { 0 }, { 1, 0 } },
	{ { .rule = MMSB_RULE_MAX, .lane = MMSB_LANE_U64 }, 2, { 0 }, { 40, 0 } },
	{ { .rule = MMSB_RULE_MEAN, .lane = MMSB_LANE_U64 }, 2, { 0 }, { 36 * 6 / 16, 0 } },
};

/* By the engine, and after a change of the first parent once more, by the model. */
TEST_F(graph, each_rule_once)
{
	uint64_t page = new_page(self, 80), found[10], first[LANES], other[LANES], want[10];
	unsigned int i;

	for (i = 0; i < sizeof(by_rule) / sizeof(*by_rule); i++) {
		const struct by_rule *one = &by_rule[i];
		const struct mmsb_edge edges[2] = { { .parent = self->page[0], .weight = one->weight[0] },
						    { .parent = self->page[4], .weight = one->weight[1] } };
		struct model_parent parent[2] = { { (uint8_t *)first, 64, one->weight[0] }, { (uint8_t *)other, 64, one->weight[1] } };
		struct mmsb_node node;

		ASSERT_EQ(0, mmsb_derive(self->ring, page, &one->how, edges, one->parents, NULL)) {
			TH_LOG("%u: %s", i, mmsb_strerror_last());
		}
		ASSERT_EQ(80, mmsb_read(self->space, page, 0, found, 80, NULL));
		EXPECT_EQ(0, memcmp(found, one->want, 80)) {
			TH_LOG("rule %u, number %u of the table", one->how.rule, i);
		}
		node = node_of(self->space, page);
		EXPECT_EQ(one->how.rule, node.rule);
		EXPECT_EQ(one->how.lane, node.lane);
		EXPECT_EQ(one->parents, node.parents);
		EXPECT_EQ(0, memcmp(one->how.param, node.param, sizeof(node.param)));
		EXPECT_EQ(MMSB_KIND_DERIVED, node.kind);
		EXPECT_EQ(1, node.height);
		EXPECT_NE(0, node.signature[0] | node.signature[1]);

		ASSERT_EQ(0, mmsb_add(self->ring, self->page[0], 56, 1000 + i, NULL));
		ASSERT_EQ(64, mmsb_read(self->space, self->page[0], 0, first, 64, NULL));
		ASSERT_EQ(64, mmsb_read(self->space, self->page[4], 0, other, 64, NULL));
		model_rule_run(&one->how, parent, one->parents, (uint8_t *)want, 80);
		ASSERT_EQ(80, mmsb_read(self->space, page, 0, found, 80, NULL));
		EXPECT_EQ(0, memcmp(found, want, 80)) {
			TH_LOG("rule %u, number %u of the table, does not follow", one->how.rule, i);
		}
		ASSERT_EQ(0, mmsb_add(self->ring, self->page[0], 56, -1000 - (int64_t)i, NULL));
		ASSERT_EQ(0, hash_of(self->space, found));
	}
}

/* The values that Documentation/rules.md gives. */
TEST_F(graph, content_hash)
{
	const uint64_t parents[2] = { self->page[0], self->page[0] };
	uint64_t page = new_page(self, 64);
	uint8_t bytes[64];
	unsigned int i;

	for (i = 0; i < 64; i++)
		bytes[i] = i;
	ASSERT_EQ(0, mmsb_set(self->ring, self->page[0], 0, bytes, 64, NULL));
	ASSERT_EQ(0, mmsb_derive_fold(self->ring, page, MMSB_RULE_HASH, 0, parents, NULL, 1, NULL));
	EXPECT_EQ(0xcfadbeb8b86292f0, lane_of(self->space, page, 0));
	EXPECT_EQ(0x698e11e0ecaeabd8, lane_of(self->space, page, 1));
	ASSERT_EQ(0, mmsb_derive_fold(self->ring, page, MMSB_RULE_HASH, 0, parents, NULL, 2, NULL));
	EXPECT_EQ(0xf506694bb4c6983a, lane_of(self->space, page, 0));
	EXPECT_EQ(0xc6798474a892ee3c, lane_of(self->space, page, 1));
}

/* A page that only control edges lead to keeps its bytes, is marked, and its mark goes when it is refreshed. */
TEST_F(graph, control_edges_mark)
{
	const struct mmsb_derive none = { .rule = MMSB_RULE_NONE };
	const struct mmsb_edge edge = { .parent = self->page[1], .type = MMSB_EDGE_CONTROL };
	uint64_t epoch, page = self->page[0];

	ASSERT_EQ(0, mmsb_derive(self->ring, page, &none, &edge, 1, NULL));
	EXPECT_EQ(1, lane_of(self->space, page, 0));
	EXPECT_EQ(0, node_of(self->space, page).flags);
	epoch = node_of(self->space, page).epoch;
	ASSERT_EQ(0, mmsb_add(self->ring, self->page[1], 0, 1, NULL));
	EXPECT_EQ(MMSB_NODE_STALE, node_of(self->space, page).flags);
	ASSERT_EQ(0, mmsb_refresh(self->ring, page, NULL));
	EXPECT_EQ(0, node_of(self->space, page).flags);
	ASSERT_EQ(0, mmsb_add(self->ring, self->page[1], 0, 0, NULL));
	EXPECT_EQ(0, node_of(self->space, page).flags);
	EXPECT_EQ(epoch, node_of(self->space, page).epoch);
	EXPECT_EQ(0, info_of(self->space).recomputed);
}

/* ------------------------------------------------------------------------------------------------------ derive, replace */

TEST_F(graph, derive_again_replaces)
{
	uint64_t page = new_page(self, 64), epoch;
	const uint64_t two[2] = { self->page[1], self->page[2] };

	ASSERT_EQ(0, derive_copy(self->ring, page, self->page[0]));
	EXPECT_EQ(1, lane_of(self->space, page, 0));
	ASSERT_EQ(0, derive_sum(self->ring, page, two, 2));
	EXPECT_EQ(5, lane_of(self->space, page, 0));
	EXPECT_EQ(0, node_of(self->space, self->page[0]).children);
	EXPECT_EQ(1, node_of(self->space, self->page[2]).children);
	EXPECT_EQ(2, info_of(self->space).edges);
	EXPECT_EQ(1, info_of(self->space).derived);
	epoch = node_of(self->space, page).epoch;
	ASSERT_EQ(0, mmsb_add(self->ring, self->page[0], 0, 100, NULL));
	EXPECT_EQ(epoch, node_of(self->space, page).epoch);
	ASSERT_EQ(0, mmsb_add(self->ring, self->page[1], 0, 100, NULL));
	EXPECT_EQ(105, lane_of(self->space, page, 0));
	EXPECT_EQ(epoch + 1, node_of(self->space, page).epoch);
}

/* A parent as often as one likes; each edge counts. */
TEST_F(graph, the_same_parent_twice)
{
	const uint64_t parents[3] = { self->page[2], self->page[2], self->page[2] };
	uint64_t page = new_page(self, 64), children[4];

	ASSERT_EQ(0, derive_sum(self->ring, page, parents, 3));
	EXPECT_EQ(9, lane_of(self->space, page, 0));
	EXPECT_EQ(3, node_of(self->space, self->page[2]).children);
	EXPECT_EQ(3, mmsb_children(self->space, self->page[2], 0, children, 4));
	EXPECT_EQ(page, children[2]);
	ASSERT_EQ(0, mmsb_unlink(self->ring, page, parents, 1, NULL));
	EXPECT_EQ(6, lane_of(self->space, page, 0));
	EXPECT_EQ(1, info_of(self->space).derived);
}

/* Parents may be of any size, also far larger than the page, and the page of many pieces and chunks. */
TEST_F(graph, all_sizes)
{
	static const uint32_t sizes[] = { 64, 65, 100, 4095, 4096, 4104, 65536, 65544, 300000 };
	enum { SIZES = sizeof(sizes) / sizeof(*sizes) };
	static uint8_t bytes[SIZES][300000], found[300000], want[300000];
	struct rng rng = { .state = 3 };
	struct model_parent parent[3];
	struct mmsb_edge edge[3];
	uint64_t page[SIZES], child;
	struct mmsb_derive how;
	unsigned int i, k;

	for (i = 0; i < SIZES; i++) {
		page[i] = new_page(self, sizes[i]);
		rng_fill(&rng, bytes[i], sizes[i]);
		ASSERT_EQ(0, mmsb_set(self->ring, page[i], 0, bytes[i], sizes[i], NULL));
	}
	for (i = 0; i < 10 + scaled(100); i++) {
		uint32_t size = sizes[rng_below(&rng, SIZES)];

		how = (struct mmsb_derive){ .rule = 1 + rng_below(&rng, MMSB_RULE_XOR_AND) };
		how.lane = how.rule >= MMSB_RULE_ADD_MUL ? rng_below(&rng, MMSB_LANE_LAST) : 0;
		for (k = 0; k < 3; k++) {
			unsigned int which = rng_below(&rng, SIZES);

			edge[k] = edge_from(page[which]);
			parent[k] = (struct model_parent){ bytes[which], sizes[which], 0 };
			if (how.rule >= MMSB_RULE_ADD_MUL)
				edge[k].weight = parent[k].weight = rng_next(&rng);
		}
		k = how.rule <= MMSB_RULE_SLICE ? 1 : 3;
		child = new_page(self, size);
		ASSERT_EQ(0, mmsb_derive(self->ring, child, &how, edge, k, NULL));
		model_rule_run(&how, parent, k, want, size);
		ASSERT_EQ(size, mmsb_read(self->space, child, 0, found, size, NULL));
		EXPECT_EQ(0, memcmp(found, want, size)) {
			TH_LOG("rule %u, lane %u, %u bytes", how.rule, how.lane, size);
		}
		ASSERT_EQ(0, mmsb_destroy(self->ring, child));
	}
	ASSERT_EQ(0, hash_of(self->space, (uint64_t[2]){}));
}

/* ------------------------------------------------------------------------------------------------------------ refusals */

/* A derive's operand, to be spoilt. */
struct operand {
	struct mmsb_derive how;
	struct mmsb_edge edge[MMSB_PARENTS_MAX + 1];
};

static struct mmsb_cqe try_derive(struct mmsb_ring *ring, uint64_t page, const struct operand *operand, uint32_t edges)
{
	struct mmsb_sqe sqe = { .op = MMSB_OP_DERIVE, .page = page, .len = sizeof(operand->how) + edges * sizeof(*operand->edge) };
	struct mmsb_cqe cqe = {};

	mmsb_run(ring, &sqe, operand, sqe.len, &cqe);
	return cqe;
}

/* Takes a step that must be refused for that reason, and sees that nothing changed. */
#define REFUSED(why, step) do {						\
	uint64_t before_[2], after_[2];					\
	struct mmsb_cqe cqe_;						\
									\
	ASSERT_EQ(0, hash_of(self->space, before_));			\
	cqe_ = (step);							\
	EXPECT_EQ(MMSB_REASON_##why, cqe_.reason);			\
	EXPECT_NE(0, cqe_.result);					\
	ASSERT_EQ(0, hash_of(self->space, after_));			\
	EXPECT_EQ(0, memcmp(before_, after_, sizeof(before_)));	\
	refused = cqe_;							\
	(void)refused;							\
} while (0)

TEST_F(graph, bad_derivations)
{
	static struct operand good, bad;
	uint64_t page = new_page(self, 64);
	struct mmsb_cqe refused;
	unsigned int i;

	good.how = adding;
	good.how.edges = 2;
	good.edge[0] = edge_from(self->page[0]);
	good.edge[1] = edge_from(self->page[1]);
	EXPECT_EQ(0, try_derive(self->ring, page, &good, 2).result);
	EXPECT_EQ(0, mmsb_underive(self->ring, page, NULL));
#define BAD(why, edges, ...) do { bad = good; __VA_ARGS__; REFUSED(why, try_derive(self->ring, page, &bad, edges)); } while (0)
	BAD(BAD_RULE, 2, bad.how.rule = MMSB_RULE_LAST);
	BAD(BAD_RULE, 2, bad.how.rule = MMSB_RULE_USER);
	BAD(BAD_RULE, 2, bad.how.rule = ~0u);
	BAD(BAD_RULE, 2, bad.how.version = 77);
	BAD(BAD_FLAGS, 2, bad.how.flags = 4);
	BAD(BAD_FLAGS, 2, bad.how.flags = 0x8000);
	BAD(BAD_FLAGS, 2, bad.how.reserved = 1);
	BAD(BAD_RULE_LANE, 2, bad.how.lane = MMSB_RULE_LANE_LAST);
	BAD(BAD_RULE_LANE, 2, bad.how.lane = 255);
	BAD(BAD_RULE_LANE, 2, bad.how.lane = MMSB_LANE_F64; bad.how.rule = MMSB_RULE_OR_AND);
	BAD(BAD_RULE_LANE, 2, bad.how.lane = MMSB_LANE_F32; bad.how.rule = MMSB_RULE_MEAN);
	BAD(BAD_RULE_LANE, 2, bad.how.rule = MMSB_RULE_CONCAT);
	BAD(BAD_PARAM, 2, bad.how.param[0] = 1);
	BAD(BAD_PARAM, 2, bad.how.param[3] = 1);
	BAD(BAD_PARAM, 2, bad.how.rule = MMSB_RULE_MAX_MIN; bad.how.flags = MMSB_DERIVE_SATURATE);
	BAD(BAD_PARAM, 2, bad.how.lane = MMSB_LANE_F64; bad.how.flags = MMSB_DERIVE_SATURATE);
	BAD(BAD_EDGE, 2, bad.edge[1].type = MMSB_EDGE_LAST);
	BAD(BAD_EDGE, 2, bad.edge[1].type = ~0u);
	BAD(BAD_EDGE, 2, bad.edge[0].reserved = 1);
	BAD(BAD_EDGE, 2, bad.edge[1].weight = 1; bad.how.rule = MMSB_RULE_SUM);
	BAD(BAD_EDGE, 2, bad.edge[1].weight = 1; bad.edge[1].type = MMSB_EDGE_CONTROL);
	BAD(BAD_PARENTS, 2, bad.how.rule = MMSB_RULE_COPY; bad.how.lane = 0);
	BAD(BAD_PARENTS, 2, bad.edge[0].type = bad.edge[1].type = MMSB_EDGE_CONTROL);
	BAD(BAD_LENGTH, 2, bad.how.edges = 1);
	BAD(BAD_LENGTH, 1, bad.how.edges = 2);
	BAD(BAD_LENGTH, 2, bad.how.edges = ~0u);
	BAD(BAD_LENGTH, 0, bad.how.edges = 0);
	for (i = 0; i <= MMSB_PARENTS_MAX; i++)
		good.edge[i] = edge_from(self->page[i % SOURCES]);
	BAD(TOO_MANY_PARENTS, MMSB_PARENTS_MAX + 1, bad.how.edges = MMSB_PARENTS_MAX + 1);
#undef BAD
	good.how.edges = MMSB_PARENTS_MAX;
	EXPECT_EQ(0, try_derive(self->ring, page, &good, MMSB_PARENTS_MAX).result);
	EXPECT_EQ(MMSB_PARENTS_MAX, node_of(self->space, page).parents);
	EXPECT_EQ(1, node_of(self->space, page).height);
}

static struct mmsb_cqe link_one(struct mmsb_ring *ring, uint64_t page, uint64_t parent)
{
	const struct mmsb_edge edge = edge_from(parent);
	struct mmsb_sqe sqe = { .op = MMSB_OP_LINK, .page = page, .len = sizeof(edge) };
	struct mmsb_cqe cqe = {};

	mmsb_run(ring, &sqe, &edge, sizeof(edge), &cqe);
	return cqe;
}

static struct mmsb_cqe unlink_one(struct mmsb_ring *ring, uint64_t page, uint64_t parent)
{
	struct mmsb_sqe sqe = { .op = MMSB_OP_UNLINK, .page = page, .len = sizeof(parent) };
	struct mmsb_cqe cqe = {};

	mmsb_run(ring, &sqe, &parent, sizeof(parent), &cqe);
	return cqe;
}

static struct mmsb_cqe plain(struct mmsb_ring *ring, uint8_t op, uint64_t page)
{
	struct mmsb_sqe sqe = { .op = op, .page = page };
	struct mmsb_cqe cqe = {};

	mmsb_run(ring, &sqe, NULL, 0, &cqe);
	return cqe;
}

/* Parents that are not there, or no more: the completion names them. */
TEST_F(graph, parents_that_are_gone)
{
	static struct operand operand;
	uint64_t page = new_page(self, 64), gone = new_page(self, 64);
	const uint64_t missing[] = { gone, gone + (1ull << 32), self->page[0] - (1ull << 32), 0, ~0ull, MMSB_PAGE_ID(1, 900) };
	struct mmsb_cqe refused;
	unsigned int i;

	ASSERT_EQ(0, mmsb_destroy(self->ring, gone));
	ASSERT_EQ(0, derive_sum(self->ring, page, self->page, 2));
	for (i = 0; i < sizeof(missing) / sizeof(*missing); i++) {
		operand.how = adding;
		operand.how.edges = 3;
		operand.edge[0] = edge_from(self->page[3]);
		operand.edge[1] = edge_from(missing[i]);
		operand.edge[2] = edge_from(self->page[4]);
		REFUSED(PARENT_GONE, try_derive(self->ring, page, &operand, 3));
		EXPECT_EQ(missing[i], refused.epoch);
		EXPECT_EQ(-ENOENT, refused.result);
		REFUSED(PARENT_GONE, link_one(self->ring, page, missing[i]));
		EXPECT_EQ(missing[i], refused.epoch);
		REFUSED(NO_SUCH_EDGE, unlink_one(self->ring, page, missing[i]));
		EXPECT_EQ(missing[i], refused.epoch);
	}
	REFUSED(NO_SUCH_EDGE, unlink_one(self->ring, page, self->page[3]));
	REFUSED(STALE_PAGE, plain(self->ring, MMSB_OP_UNDERIVE, gone));
	REFUSED(NOT_DERIVED, plain(self->ring, MMSB_OP_UNDERIVE, self->page[0]));
	REFUSED(NOT_DERIVED, plain(self->ring, MMSB_OP_REFRESH, self->page[0]));
	REFUSED(NOT_DERIVED, link_one(self->ring, self->page[0], self->page[1]));
	REFUSED(NOT_DERIVED, unlink_one(self->ring, self->page[0], self->page[1]));
	ASSERT_EQ(0, unlink_one(self->ring, page, self->page[0]).result);
	REFUSED(BAD_PARENTS, unlink_one(self->ring, page, self->page[1]));
	EXPECT_EQ(2, lane_of(self->space, page, 0));
}

/* Chains whose last page would become the first one's parent. */
TEST_F(graph, cycles)
{
	static const unsigned int lengths[] = { 1, 2, 3, 100 };
	const uint64_t start = self->page[0];
	uint64_t chain[101], way[102];
	struct mmsb_cqe refused;
	unsigned int i, k;

	for (k = 0; k < 4; k++) {
		chain[0] = new_page(self, 64);
		ASSERT_EQ(0, derive_sum(self->ring, chain[0], &start, 1));
		for (i = 1; i < lengths[k]; i++) {
			chain[i] = new_page(self, 64);
			ASSERT_EQ(0, derive_copy(self->ring, chain[i], chain[i - 1]));
		}
		REFUSED(CYCLE, link_one(self->ring, chain[0], chain[i - 1]));
		EXPECT_EQ(chain[i - 1], refused.epoch);
		EXPECT_EQ(-ELOOP, refused.result);
		REFUSED(CYCLE, try_derive(self->ring, chain[0], &(const struct operand){ .how = { .rule = MMSB_RULE_COPY, .edges = 1 },
			.edge = { { .parent = chain[i - 1] } } }, 1));
		EXPECT_EQ(chain[i - 1], refused.epoch);
		REFUSED(CYCLE, try_derive(self->ring, chain[0], &(const struct operand){ .how = { .rule = MMSB_RULE_NONE, .edges = 1 },
			.edge = { { .parent = chain[i - 1], .type = MMSB_EDGE_CONTROL } } }, 1));
		EXPECT_EQ(lengths[k], mmsb_path(self->space, chain[0], chain[i - 1], 0, way, 102));
		EXPECT_EQ(0, memcmp(chain, way, lengths[k] * sizeof(*way)));
		EXPECT_EQ(lengths[k], node_of(self->space, chain[i - 1]).height);
	}
	/* the library names the way around */
	EXPECT_EQ(-ELOOP, mmsb_derive_fold(self->ring, chain[0], MMSB_RULE_COPY, 0, &chain[2], NULL, 1, NULL));
	EXPECT_LT(10, strlen(mmsb_strerror_last()));
	/* a source page that follows nothing yet, and would follow its own child */
	REFUSED(CYCLE, try_derive(self->ring, start, &(const struct operand){ .how = { .rule = MMSB_RULE_COPY, .edges = 1 },
		.edge = { { .parent = chain[50] } } }, 1));
	REFUSED(CYCLE, try_derive(self->ring, start, &(const struct operand){ .how = { .rule = MMSB_RULE_COPY, .edges = 1 },
		.edge = { { .parent = start } } }, 1));
}

/* No delta changes a derived page, not even one that would change nothing. */
TEST_F(graph, derived_pages_are_not_written)
{
	uint64_t page = new_page(self, 64), operand[4] = {};
	struct mmsb_cqe refused, cqe;
	uint8_t op;

	ASSERT_EQ(0, derive_copy(self->ring, page, self->page[0]));
	for (op = MMSB_OP_SET; op <= MMSB_OP_APPEND; op++) {
		bool lanes = op >= MMSB_OP_FILL && op <= MMSB_OP_XOR;
		struct mmsb_sqe sqe = { .op = op, .lane = lanes ? MMSB_LANE_U64 : 0, .page = page, .len = 8 };

		REFUSED(IS_DERIVED, (mmsb_run(self->ring, &sqe, operand, op == MMSB_OP_FILL ? 8 : 24, &cqe), cqe));
		EXPECT_EQ(-EPERM, refused.result);
		EXPECT_EQ(node_of(self->space, page).epoch, refused.epoch);
	}
	EXPECT_EQ(1, lane_of(self->space, page, 0));
}

/* -------------------------------------------------------------------------------------------------------- coming to an end */

TEST_F(graph, parents_stay_while_they_have_children)
{
	uint64_t page = new_page(self, 64), grandchild = new_page(self, 64), epoch;
	struct mmsb_cqe refused;

	ASSERT_EQ(0, derive_sum(self->ring, page, self->page, 2));
	ASSERT_EQ(0, derive_copy(self->ring, grandchild, page));
	REFUSED(HAS_CHILDREN, plain(self->ring, MMSB_OP_DESTROY, self->page[0]));
	EXPECT_EQ(-EBUSY, refused.result);
	REFUSED(HAS_CHILDREN, plain(self->ring, MMSB_OP_DESTROY, page));
	epoch = node_of(self->space, page).epoch;
	ASSERT_EQ(0, mmsb_destroy_detach(self->ring, self->page[0]));
	EXPECT_EQ(MMSB_KIND_SOURCE, node_of(self->space, page).kind);
	EXPECT_EQ(epoch, node_of(self->space, page).epoch);
	EXPECT_EQ(3, lane_of(self->space, page, 0));
	EXPECT_EQ(0, node_of(self->space, self->page[1]).children);
	EXPECT_EQ(0, node_of(self->space, page).height);
	EXPECT_EQ(1, node_of(self->space, grandchild).height);
	ASSERT_EQ(0, hash_of(self->space, (uint64_t[2]){}));
	/* the detached page is written like any other, and its child goes on following it */
	ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 10, NULL));
	EXPECT_EQ(13, lane_of(self->space, grandchild, 0));
	/* a derived page goes with its edges */
	ASSERT_EQ(0, mmsb_destroy(self->ring, grandchild));
	EXPECT_EQ(0, node_of(self->space, page).children);
	EXPECT_EQ(0, info_of(self->space).derived);
	EXPECT_EQ(0, info_of(self->space).edges);
	ASSERT_EQ(0, mmsb_destroy(self->ring, page));
	ASSERT_EQ(0, hash_of(self->space, (uint64_t[2]){}));
}

TEST_F(graph, underive_keeps_bytes)
{
	uint64_t page = new_page(self, 64), child = new_page(self, 64), epoch;

	ASSERT_EQ(0, derive_sum(self->ring, page, self->page, 3));
	ASSERT_EQ(0, derive_copy(self->ring, child, page));
	epoch = node_of(self->space, page).epoch;
	ASSERT_EQ(0, mmsb_underive(self->ring, page, NULL));
	EXPECT_EQ(6, lane_of(self->space, page, 0));
	EXPECT_EQ(epoch, node_of(self->space, page).epoch);
	EXPECT_EQ(MMSB_KIND_SOURCE, node_of(self->space, page).kind);
	EXPECT_EQ(0, node_of(self->space, page).signature[0]);
	ASSERT_EQ(0, mmsb_add(self->ring, self->page[0], 0, 1, NULL));
	EXPECT_EQ(6, lane_of(self->space, page, 0));
	ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
	EXPECT_EQ(7, lane_of(self->space, child, 0));
	EXPECT_EQ(1, info_of(self->space).derived);
	ASSERT_EQ(0, hash_of(self->space, (uint64_t[2]){}));
}

TEST_F(graph, only_if_the_epoch_is)
{
	static const uint8_t ops[] = { MMSB_OP_UNDERIVE, MMSB_OP_REFRESH, MMSB_OP_LINK, MMSB_OP_UNLINK, MMSB_OP_DERIVE };
	uint64_t page = new_page(self, 64), epoch;
	struct { struct mmsb_derive how; struct mmsb_edge edge; } derive = { adding, { .parent = self->page[2], .weight = 1 } };
	struct mmsb_edge link = edge_from(self->page[3]);
	struct mmsb_cqe refused, cqe;
	unsigned int i;

	derive.how.edges = 1;
	ASSERT_EQ(0, derive_sum(self->ring, page, self->page, 2));
	epoch = node_of(self->space, page).epoch;
	for (i = 0; i < sizeof(ops); i++) {
		const void *operand = ops[i] == MMSB_OP_DERIVE ? (void *)&derive : &link;
		uint32_t len = ops[i] == MMSB_OP_DERIVE ? sizeof(derive) : ops[i] == MMSB_OP_UNLINK ? 8 : sizeof(link);
		struct mmsb_sqe sqe = { .op = ops[i], .flags = MMSB_SQE_IF_EPOCH, .page = page, .epoch = epoch + 1 };

		sqe.len = i < 2 ? 0 : len;
		REFUSED(EPOCH_DIFFERS, (mmsb_run(self->ring, &sqe, i < 2 ? NULL : operand, sqe.len, &cqe), cqe));
		EXPECT_EQ(epoch, refused.epoch);
	}
	ASSERT_EQ(0, mmsb_run(self->ring, &(struct mmsb_sqe){ .op = MMSB_OP_DERIVE, .flags = MMSB_SQE_IF_EPOCH, .page = page,
			      .epoch = epoch, .len = sizeof(derive) }, &derive, sizeof(derive), &cqe));
	EXPECT_EQ(3, lane_of(self->space, page, 0));
}

/* ------------------------------------------------------------------------------------------------------------- heights */

#define NODES 40u

/* Edges between any two of many pages come and go at random; heights must be the longest ways from a source page. */
TEST_F(graph, heights)
{
	uint64_t page[NODES], seed = rng_seed();
	unsigned int edges[NODES][NODES] = {}, height[NODES], i, k, step, linked = 0, cycles = 0;
	struct rng rng = { .state = seed };
	bool moved;

	TH_LOG("MMSB_SEED=%llu", (unsigned long long)seed);
	for (i = 0; i < NODES; i++) {
		page[i] = new_page(self, 64);
		ASSERT_EQ(0, derive_sum(self->ring, page[i], &self->page[i % SOURCES], 1));
	}
	for (step = 0; step < 100 + scaled(3000); step++) {
		unsigned int child = rng_below(&rng, NODES), parent = rng_below(&rng, NODES);

		if (edges[child][parent] && rng_once_in(&rng, 2)) {
			ASSERT_EQ(0, unlink_one(self->ring, page[child], page[parent]).result);
			edges[child][parent]--;
		} else if (rng_once_in(&rng, 3) || parent < child) {
			struct mmsb_cqe cqe = link_one(self->ring, page[child], page[parent]);

			ASSERT_TRUE(!cqe.result || cqe.reason == MMSB_REASON_CYCLE);
			if (cqe.result) {
				cycles++;
				EXPECT_EQ(page[parent], cqe.epoch);
				EXPECT_LT(0, mmsb_path(self->space, page[child], page[parent], 0, (uint64_t[NODES]){}, NODES));
				continue;
			}
			linked++;
			edges[child][parent]++;
		}
		if (step % 16)
			continue;
		for (i = 0; i < NODES; i++)
			height[i] = 1;
		for (moved = true; moved;)
			for (moved = false, i = 0; i < NODES; i++)
				for (k = 0; k < NODES; k++)
					if (edges[i][k] && height[i] <= height[k]) {
						height[i] = height[k] + 1;
						ASSERT_GE(NODES, height[i]);
						moved = true;
					}
		for (i = 0; i < NODES; i++)
			ASSERT_EQ(height[i], node_of(self->space, page[i]).height) {
				TH_LOG("page %u after %u steps", i, step);
			}
	}
	TH_LOG("%u edges made, %u refused as cycles", linked, cycles);
	EXPECT_LT(0, cycles);
	ASSERT_EQ(0, hash_of(self->space, (uint64_t[2]){}));
}

/* Of the parents that rise, the one that is looked at last need not be the one that ends up highest. */
TEST_F(graph, heights_rest_on_the_highest_parent)
{
	uint64_t tall[6], low, middle, far, near, last;
	unsigned int i;

	tall[0] = self->page[0];
	for (i = 1; i < 6; i++) {
		tall[i] = new_page(self, 64);
		ASSERT_EQ(0, derive_copy(self->ring, tall[i], tall[i - 1]));
	}
	low = new_page(self, 64);
	middle = new_page(self, 64);
	far = new_page(self, 64);
	near = new_page(self, 64);
	last = new_page(self, 64);
	ASSERT_EQ(0, derive_sum(self->ring, low, &self->page[1], 1));
	ASSERT_EQ(0, derive_copy(self->ring, middle, low));
	ASSERT_EQ(0, derive_copy(self->ring, far, middle));
	ASSERT_EQ(0, derive_sum(self->ring, near, (uint64_t[2]){ low, tall[3] }, 2));
	ASSERT_EQ(0, derive_sum(self->ring, last, (uint64_t[2]){ far, near }, 2));
	ASSERT_EQ(0, link_one(self->ring, low, tall[5]).result);
	EXPECT_EQ(6, node_of(self->space, low).height);
	EXPECT_EQ(8, node_of(self->space, far).height);
	EXPECT_EQ(7, node_of(self->space, near).height);
	EXPECT_EQ(9, node_of(self->space, last).height);
}

/* ---------------------------------------------------------------------------------------------------------------- hash */

/* What one history leaves; `twist` changes one thing in it. */
static int play(struct mmsb_ring *ring, unsigned int twist, uint64_t hash[2], struct mmsb_space *space)
{
	struct mmsb_derive how = { .rule = MMSB_RULE_ADD_MUL, .lane = MMSB_LANE_U32 };
	struct mmsb_derive slice = { .rule = MMSB_RULE_SLICE, .param = { twist == 1 ? 16 : 8, twist == 2 ? 24 : 0 } };
	struct mmsb_edge edge[3] = { { .parent = nth_page(0), .weight = 2 }, { .parent = nth_page(1), .weight = 2 },
				     { .parent = nth_page(2), .weight = 2 } };
	unsigned int i;
	int ret = 0;

	/* all bytes stay zero, so that only the graph differs */
	for (i = 0; !ret && i < 6; i++)
		ret = make_page(ring, nth_page(i), 64);
	if (twist == 3)
		edge[1].weight = 3;
	if (twist == 4)
		edge[2].type = MMSB_EDGE_OFFLOAD;
	if (twist == 5)
		how.rule = MMSB_RULE_MIN_ADD;
	if (twist == 6)
		how.lane = MMSB_LANE_I32;
	if (twist == 7)
		how.flags = MMSB_DERIVE_SATURATE;
	if (twist == 8)
		how.flags = MMSB_DERIVE_LAZY;
	if (twist == 9) {
		edge[0].parent = nth_page(1);
		edge[1].parent = nth_page(0);
	}
	if (twist == 10)
		edge[2].parent = nth_page(1);
	ret = ret ?: mmsb_derive(ring, nth_page(3), &how, edge, twist == 11 ? 2 : 3, NULL);
	ret = ret ?: mmsb_derive(ring, nth_page(4), &slice, edge, 0, NULL) == -EINVAL ? ret : -1;
	edge[0] = edge_from(nth_page(3));
	ret = ret ?: mmsb_derive(ring, nth_page(4), &slice, edge, 1, NULL);
	if (twist == 12)
		ret = ret ?: mmsb_underive(ring, nth_page(4), NULL);
	return ret ?: hash_of(space, hash);
}

TEST_F(graph, hash_tells_graphs_apart)
{
	uint64_t hash[14][2], again[2];
	unsigned int i, k;

	for (i = 0; i <= 12; i++) {
		struct mmsb_space *space;
		struct mmsb_ring *ring;

		ASSERT_EQ(0, open_space(self->mmsb, variant->shards, 0, &space, &ring));
		ASSERT_EQ(0, play(ring, i, hash[i], space)) {
			TH_LOG("%u: %s", i, mmsb_strerror_last());
		}
		mmsb_ring_close(ring);
		mmsb_space_close(space);
		for (k = 0; k < i; k++)
			EXPECT_NE(0, memcmp(hash[i], hash[k], sizeof(again))) {
				TH_LOG("%u and %u leave the same hash", k, i);
			}
	}
	/* another number of shards leaves the same; so does what was reset */
	for (i = 0; i < 3; i++) {
		struct mmsb_space *space;
		struct mmsb_ring *ring;

		ASSERT_EQ(0, open_space(self->mmsb, 4 - variant->shards, 0, &space, &ring));
		ASSERT_EQ(0, play(ring, 5 * i, again, space));
		EXPECT_EQ(0, memcmp(hash[5 * i], again, sizeof(again)));
		ASSERT_EQ(0, mmsb_space_reset(space));
		ASSERT_EQ(0, play(ring, i, again, space));
		EXPECT_EQ(0, memcmp(hash[i], again, sizeof(again)));
		mmsb_ring_close(ring);
		mmsb_space_close(space);
	}
}

/* The signature is equal if and only if rule, parameters, parents and their epochs are. */
TEST_F(graph, signatures)
{
	uint64_t a = new_page(self, 64), b = new_page(self, 64);
	struct mmsb_node one, other;

	ASSERT_EQ(0, derive_sum(self->ring, a, self->page, 2));
	ASSERT_EQ(0, derive_sum(self->ring, b, self->page, 2));
	one = node_of(self->space, a);
	other = node_of(self->space, b);
	EXPECT_EQ(0, memcmp(one.signature, other.signature, sizeof(one.signature)));
	ASSERT_EQ(0, mmsb_add(self->ring, self->page[0], 0, 1, NULL));
	other = node_of(self->space, b);
	EXPECT_NE(0, memcmp(one.signature, other.signature, sizeof(one.signature)));
	one = node_of(self->space, a);
	EXPECT_EQ(0, memcmp(one.signature, other.signature, sizeof(one.signature)));
	ASSERT_EQ(0, derive_sum(self->ring, b, self->page, 3));
	other = node_of(self->space, b);
	EXPECT_NE(0, memcmp(one.signature, other.signature, sizeof(one.signature)));
}

TEST_F(graph, reset_is_fresh)
{
	uint64_t page, fresh[2], used[2];
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	unsigned int i;

	ASSERT_EQ(0, open_space(self->mmsb, variant->shards, 0, &space, &ring));
	ASSERT_EQ(0, hash_of(space, fresh));
	for (i = 0; i < 50; i++) {
		page = new_page(self, 64 + i);
		ASSERT_EQ(0, derive_sum(self->ring, page, self->page, 1 + i % SOURCES));
	}
	ASSERT_EQ(0, mmsb_space_reset(self->space));
	ASSERT_EQ(0, hash_of(self->space, used));
	EXPECT_EQ(0, memcmp(fresh, used, sizeof(used)));
	EXPECT_EQ(0, info_of(self->space).derived);
	EXPECT_EQ(0, info_of(self->space).edges);
	EXPECT_EQ(0, info_of(self->space).recomputed);
	for (i = 0; i < 6; i++) {
		ASSERT_EQ(0, make_page(self->ring, nth_page(i), 64));
		EXPECT_EQ(0, node_of(self->space, nth_page(i)).children);
		EXPECT_EQ(0, node_of(self->space, nth_page(i)).height);
		EXPECT_EQ(MMSB_KIND_SOURCE, node_of(self->space, nth_page(i)).kind);
	}
	ASSERT_EQ(0, mmsb_add(self->ring, nth_page(0), 0, 1, NULL));
	EXPECT_EQ(0, info_of(self->space).recomputed);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
}

/* --------------------------------------------------------------------------------------------------------------- asking */

/* One question past the library; `room` entries fit. */
static int ask(struct mmsb_ring *ring, struct mmsb_graph_args *args, void *to, size_t entry, unsigned int room)
{
	size_t bytes;
	uint8_t *payload = mmsb_payload(ring, &bytes);
	int ret;

	args->size = sizeof(*args);
	args->out = 4096;
	args->out_bytes = room * entry;
	ret = ring->home->ring_graph(ring, args);
	if (!ret)
		memcpy(to, payload + args->out, args->count * entry);
	return ret;
}

TEST_F(graph, paging)
{
	struct mmsb_graph_args args = { .what = MMSB_GRAPH_PARENTS };
	uint64_t page[30], parents[30], found[30], seen;
	struct mmsb_edge edges[30];
	struct mmsb_node nodes[40];
	unsigned int i, k, room;

	for (i = 0; i < 30; i++) {
		page[i] = new_page(self, 64);
		parents[i] = i ? page[i - 1] : self->page[0];
		ASSERT_EQ(0, derive_copy(self->ring, page[i], parents[i]));
	}
	for (i = 0; i < 30; i++)
		parents[i] = self->page[i % 2];
	ASSERT_EQ(0, derive_sum(self->ring, page[29], parents, 30));
	for (room = 1; room <= 31; room += 5) {
		args = (struct mmsb_graph_args){ .what = MMSB_GRAPH_PARENTS, .page = page[29] };
		for (i = 0; i < 30; i += args.count) {
			ASSERT_EQ(i, args.cursor);
			ASSERT_EQ(0, ask(self->ring, &args, edges, sizeof(*edges), room));
			ASSERT_EQ(room < 30 - i ? room : 30 - i, args.count);
			EXPECT_EQ(i + args.count < 30, args.more);
			for (k = 0; k < args.count; k++) {
				EXPECT_EQ(parents[i + k], edges[k].parent);
				EXPECT_EQ(1, edges[k].weight);
			}
		}
		args = (struct mmsb_graph_args){ .what = MMSB_GRAPH_CHILDREN, .page = self->page[1] };
		for (i = 0; i < 15; i += args.count) {
			ASSERT_EQ(0, ask(self->ring, &args, found, sizeof(*found), room));
			ASSERT_LT(0, args.count);
			for (k = 0; k < args.count; k++)
				EXPECT_EQ(page[29], found[k]);
		}
		EXPECT_EQ(15, i);
		args = (struct mmsb_graph_args){ .what = MMSB_GRAPH_PATH, .page = self->page[0], .to = page[20] };
		for (i = 0; i < 22; i += args.count) {
			ASSERT_EQ(0, ask(self->ring, &args, found, sizeof(*found), room));
			ASSERT_LT(0, args.count);
			for (k = 0; k < args.count; k++)
				EXPECT_EQ(i + k ? page[i + k - 1] : self->page[0], found[k]);
		}
		EXPECT_EQ(22, i);
		EXPECT_EQ(0, args.more);
		args = (struct mmsb_graph_args){ .what = MMSB_GRAPH_LIST };
		for (i = 0, seen = 0; !i || args.more; i += args.count) {
			ASSERT_EQ(0, ask(self->ring, &args, nodes, sizeof(*nodes), room));
			for (k = 0; k < args.count; k++) {
				ASSERT_TRUE(!i || MMSB_PAGE_INDEX(nodes[k].page) > MMSB_PAGE_INDEX(seen));
				seen = nodes[k].page;
				EXPECT_EQ(nodes[k].height > 0, nodes[k].kind == MMSB_KIND_DERIVED);
			}
		}
		EXPECT_EQ(32, i);
	}
}

TEST_F(graph, ways)
{
	uint64_t a = new_page(self, 64), b = new_page(self, 64), found[8];

	ASSERT_EQ(0, derive_copy(self->ring, a, self->page[0]));
	ASSERT_EQ(0, derive_copy(self->ring, b, a));
	EXPECT_EQ(3, mmsb_path(self->space, self->page[0], b, 0, found, 8));
	EXPECT_EQ(self->page[0], found[0]);
	EXPECT_EQ(a, found[1]);
	EXPECT_EQ(b, found[2]);
	EXPECT_EQ(0, mmsb_path(self->space, b, self->page[0], 0, found, 8));
	EXPECT_EQ(0, mmsb_path(self->space, self->page[1], b, 0, found, 8));
	EXPECT_EQ(1, mmsb_path(self->space, a, a, 0, found, 8));
	EXPECT_EQ(-ENOENT, mmsb_path(self->space, a, MMSB_PAGE_ID(1, 900), 0, found, 8));
	EXPECT_EQ(-ENOENT, mmsb_path(self->space, 0, a, 0, found, 8));
}

TEST_F(graph, bad_questions)
{
	uint64_t gone = new_page(self, 64);
	size_t bytes;

	ASSERT_EQ(0, mmsb_destroy(self->ring, gone));
	mmsb_payload(self->ring, &bytes);
#define ASK(...) ({ struct mmsb_graph_args args_ = { .size = sizeof(args_), __VA_ARGS__ };	\
		    self->ring->home->ring_graph(self->ring, &args_); })
	EXPECT_EQ(0, ASK(.what = MMSB_GRAPH_NODE, .page = self->page[0]));
	EXPECT_EQ(-EINVAL, ASK(.what = MMSB_GRAPH_LAST, .page = self->page[0]));
	EXPECT_EQ(-EINVAL, ASK(.what = ~0u));
	EXPECT_EQ(-EINVAL, ASK(.what = MMSB_GRAPH_NODE, .page = self->page[0], .to = self->page[0]));
	EXPECT_EQ(-EINVAL, ASK(.what = MMSB_GRAPH_LIST, .page = self->page[0]));
	EXPECT_EQ(-ENOENT, ASK(.what = MMSB_GRAPH_NODE));
	EXPECT_EQ(-ESTALE, ASK(.what = MMSB_GRAPH_NODE, .page = gone));
	EXPECT_EQ(-ESTALE, ASK(.what = MMSB_GRAPH_PARENTS, .page = gone));
	EXPECT_EQ(-EFAULT, ASK(.what = MMSB_GRAPH_NODE, .page = self->page[0], .out = 4, .out_bytes = sizeof(struct mmsb_node)));
	EXPECT_EQ(-EFAULT, ASK(.what = MMSB_GRAPH_NODE, .page = self->page[0], .out = bytes - 8, .out_bytes = sizeof(struct mmsb_node)));
	EXPECT_EQ(-EFAULT, ASK(.what = MMSB_GRAPH_NODE, .page = self->page[0], .out = -8, .out_bytes = sizeof(struct mmsb_node)));
	EXPECT_EQ(-EFAULT, ASK(.what = MMSB_GRAPH_LIST, .out_bytes = ~0ull));
	EXPECT_EQ(0, ASK(.what = MMSB_GRAPH_LIST, .cursor = ~0ull));
	EXPECT_EQ(0, ASK(.what = MMSB_GRAPH_PARENTS, .page = self->page[0], .cursor = ~0ull));
	EXPECT_EQ(0, ASK(.what = MMSB_GRAPH_NODE, .page = self->page[0], .out_bytes = 0));
#undef ASK
}

TEST_HARNESS_MAIN
