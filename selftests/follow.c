// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the library adds to derived pages: reading one that is behind, the marks that views and snapshots tell, failures in
 * words, weights that change nothing, and rules of the user's own. What the engine does about them is tested in graph.c and wave.c.
 */
#include "common/harness.h"
#include "common/home.h"

#define PAGES	6u

FIXTURE(follow) {
	struct mmsb *mmsb;
	struct mmsb_space *space, *reader;
	struct mmsb_ring *ring;
	uint64_t page[PAGES];
	char name[32];
};

FIXTURE_VARIANT(follow) {
	uint32_t shards, flags;
};

FIXTURE_VARIANT_ADD(follow, inline_1) { .shards = 1, .flags = MMSB_SPACE_INLINE };
FIXTURE_VARIANT_ADD(follow, polled_3) { .shards = 3 };

FIXTURE_SETUP(follow)
{
	unsigned int i;

	snprintf(self->name, sizeof(self->name), "test-follow-%d", getpid());
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, self->name, MMSB_OPTS(struct mmsb_space_opts, .shards = variant->shards,
				     .flags = MMSB_SPACE_CREATE | variant->flags), &self->space)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, self->name, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_READ_ONLY),
				     &self->reader));
	ASSERT_EQ(0, mmsb_ring_open(self->space, NULL, &self->ring));
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(0, mmsb_create(self->ring, 64, &self->page[i]));
}

FIXTURE_TEARDOWN(follow)
{
	mmsb_ring_close(self->ring);
	mmsb_space_close(self->reader);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

static uint64_t value(struct mmsb_space *space, uint64_t page)
{
	uint64_t value = ~0ull;

	return mmsb_read(space, page, 0, &value, sizeof(value), NULL) == sizeof(value) ? value : ~0ull;
}

static uint32_t flags(struct mmsb_space *space, uint64_t page)
{
	struct mmsb_page_info info;

	return mmsb_page_info(space, page, &info) ? ~0u : info.flags;
}

static int derive_lazy(struct mmsb_ring *ring, uint64_t page, uint64_t parent)
{
	const struct mmsb_derive derive = { .rule = MMSB_RULE_COPY, .flags = MMSB_DERIVE_LAZY };
	const struct mmsb_edge edge = { .parent = parent };

	return mmsb_derive(ring, page, &derive, &edge, 1, NULL);
}

/* page[2] is not lazy, but follows one that is. */
TEST_F(follow, a_read_brings_up_to_date)
{
	const uint32_t behind = MMSB_LINE_STALE | MMSB_LINE_BEHIND;

	ASSERT_EQ(0, derive_lazy(self->ring, self->page[1], self->page[0]));
	ASSERT_EQ(0, mmsb_derive_fold(self->ring, self->page[2], MMSB_RULE_COPY, 0, &self->page[1], NULL, 1, NULL));
	ASSERT_EQ(0, mmsb_add(self->ring, self->page[0], 0, 5, NULL));
	EXPECT_EQ(behind, flags(self->space, self->page[1]));
	EXPECT_EQ(behind, flags(self->space, self->page[2]));
	EXPECT_EQ(0, value(self->reader, self->page[2]));
	EXPECT_EQ(behind, flags(self->space, self->page[2]));
	EXPECT_EQ(5, value(self->space, self->page[2]));
	EXPECT_EQ(0, flags(self->space, self->page[1]));
	EXPECT_EQ(0, flags(self->space, self->page[2]));
	EXPECT_EQ(5, value(self->reader, self->page[2]));
}

TEST_F(follow, views_and_snapshots_tell)
{
	uint64_t page[2] = { self->page[0], self->page[1] }, seen[2], tick;
	void *to[2] = { &seen[0], &seen[1] };
	size_t len[2] = { 8, 8 };
	struct mmsb_page_info infos[2];
	struct mmsb_view view;
	int results[2];

	ASSERT_EQ(0, derive_lazy(self->ring, page[1], page[0]));
	ASSERT_EQ(0, mmsb_add(self->ring, page[0], 0, 5, NULL));
	ASSERT_EQ(0, mmsb_view_begin(self->space, page[1], &view));
	EXPECT_EQ(MMSB_KIND_DERIVED, view.kind);
	EXPECT_EQ(MMSB_LINE_STALE | MMSB_LINE_BEHIND, view.flags);
	EXPECT_TRUE(mmsb_view_end(&view));
	ASSERT_EQ(0, mmsb_snapshot(self->space, page, 2, to, len, infos, results, &tick));
	EXPECT_EQ(MMSB_KIND_SOURCE, infos[0].kind);
	EXPECT_EQ(0, infos[0].flags);
	EXPECT_EQ(MMSB_KIND_DERIVED, infos[1].kind);
	EXPECT_EQ(MMSB_LINE_STALE | MMSB_LINE_BEHIND, infos[1].flags);
	EXPECT_EQ(0, seen[1]);
}

TEST_F(follow, a_read_leaves_the_mark_of_a_control_edge)
{
	const struct mmsb_derive derive = { .rule = MMSB_RULE_COPY };
	const struct mmsb_edge edges[2] = {
		{ .parent = self->page[0] }, { .parent = self->page[1], .type = MMSB_EDGE_CONTROL },
	};

	ASSERT_EQ(0, mmsb_derive(self->ring, self->page[2], &derive, edges, 2, NULL));
	ASSERT_EQ(0, mmsb_add(self->ring, self->page[1], 0, 5, NULL));
	EXPECT_EQ(MMSB_LINE_STALE, flags(self->space, self->page[2]));
	EXPECT_EQ(0, value(self->space, self->page[2]));
	EXPECT_EQ(MMSB_LINE_STALE, flags(self->space, self->page[2]));
	ASSERT_EQ(0, mmsb_refresh(self->ring, self->page[2], NULL));
	EXPECT_EQ(0, flags(self->space, self->page[2]));
}

/* ------------------------------------------------------------------------------------------------- failures in words */

static bool told(const char *what, uint64_t page)
{
	char text[64];

	snprintf(text, sizeof(text), what, MMSB_PAGE_INDEX(page), MMSB_PAGE_GENERATION(page));
	return strstr(mmsb_strerror_last(), text);
}

TEST_F(follow, cycles_are_named)
{
	uint64_t chain[100];
	unsigned int i;

	for (i = 0; i < 100; i++)
		ASSERT_EQ(0, mmsb_create(self->ring, 64, &chain[i]));
	for (i = 1; i < 100; i++)
		ASSERT_EQ(0, mmsb_derive_fold(self->ring, chain[i], MMSB_RULE_COPY, 0, &chain[i - 1], NULL, 1, NULL));
	ASSERT_EQ(-ELOOP, mmsb_derive_fold(self->ring, chain[0], MMSB_RULE_COPY, 0, &chain[2], NULL, 1, NULL));
	EXPECT_TRUE(told(" -> %u.%u -> ", chain[1]));
	EXPECT_TRUE(told(" -> %u.%u: ", chain[2]));
	EXPECT_EQ(NULL, strstr(mmsb_strerror_last(), "..."));
	ASSERT_EQ(-ELOOP, mmsb_derive_fold(self->ring, chain[0], MMSB_RULE_COPY, 0, &chain[99], NULL, 1, NULL));
	EXPECT_TRUE(told(" -> %u.%u -> ... -> ", chain[2]));
	EXPECT_TRUE(told("... -> %u.%u: ", chain[99]));
	ASSERT_EQ(-ELOOP, mmsb_derive_fold(self->ring, chain[0], MMSB_RULE_COPY, 0, &chain[30], NULL, 1, NULL));
	EXPECT_TRUE(told("... -> %u.%u -> ", chain[28]));
	ASSERT_EQ(-ELOOP, mmsb_derive_fold(self->ring, chain[0], MMSB_RULE_COPY, 0, &chain[0], NULL, 1, NULL));
	EXPECT_TRUE(told("page %u.%u cannot be its own parent", chain[0]));
}

TEST_F(follow, parents_that_are_none_are_named)
{
	ASSERT_EQ(0, mmsb_destroy(self->ring, self->page[3]));
	ASSERT_EQ(-ENOENT, mmsb_derive_fold(self->ring, self->page[0], MMSB_RULE_CONCAT, 0, &self->page[2], NULL, 2, NULL));
	EXPECT_TRUE(told("page %u.%u is not there", self->page[3]));
	ASSERT_EQ(0, mmsb_derive_fold(self->ring, self->page[0], MMSB_RULE_COPY, 0, &self->page[1], NULL, 1, NULL));
	ASSERT_EQ(-ENOENT, mmsb_unlink(self->ring, self->page[0], &self->page[2], 1, NULL));
	EXPECT_TRUE(told("page %u.%u has no edge", self->page[2]));
}

/* ---------------------------------------------------------------------------------------------------------- weights */

/* A fold of one parent, with the weight that changes nothing, is a copy of it, whatever its bits (but for the payload of a NaN). */
TEST_F(follow, weights_that_change_nothing)
{
	static const uint64_t bits[] = { 0, 1, ~0ull, 1ull << 63, 0x7f7fffff7f7fffffull, 0x8040c0ff01807f00ull, 0x3ff0000040000000ull };
	struct mmsb_info_args info = { .size = sizeof(info) };
	uint32_t rule;
	uint8_t lane;
	size_t i;

	ASSERT_EQ(0, mmsb_info(self->mmsb, &info));
	for (rule = MMSB_RULE_ADD_MUL; rule <= MMSB_RULE_XOR_AND; rule++) {
		for (lane = 0; lane < MMSB_RULE_LANE_LAST; lane++) {
			bool real = lane >= MMSB_LANE_F32, bitwise = rule == MMSB_RULE_OR_AND || rule == MMSB_RULE_XOR_AND;

			if (real && (bitwise || !(info.features & MMSB_FEATURE_FLOAT)))
				continue;
			ASSERT_EQ(0, mmsb_derive_fold(self->ring, self->page[1], rule, lane, self->page, NULL, 1, NULL)) {
				TH_LOG("%s %s: %s", mmsb_rule_name(rule), mmsb_lane_name(lane), mmsb_strerror_last());
			}
			for (i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
				if (real && i == 2)
					continue;
				ASSERT_EQ(0, mmsb_set(self->ring, self->page[0], 0, &bits[i], 8, NULL));
				EXPECT_EQ(bits[i], value(self->space, self->page[1])) {
					TH_LOG("%s %s", mmsb_rule_name(rule), mmsb_lane_name(lane));
				}
			}
		}
	}
}

TEST(names)
{
	uint32_t rule, i;
	uint8_t lane;

	for (i = 0; i < MMSB_RULE_LAST; i++) {
		ASSERT_EQ(0, mmsb_rule_number(mmsb_rule_name(i), &rule));
		EXPECT_EQ(i, rule);
	}
	for (i = 0; i < MMSB_RULE_LANE_LAST; i++) {
		ASSERT_EQ(0, mmsb_lane_number(mmsb_lane_name((uint8_t)i), &lane));
		EXPECT_EQ(i, lane);
	}
	EXPECT_EQ(NULL, mmsb_rule_name(MMSB_RULE_LAST));
	EXPECT_EQ(NULL, mmsb_lane_name(MMSB_RULE_LANE_LAST));
	EXPECT_EQ(-EINVAL, mmsb_rule_number("no-such", &rule));
	EXPECT_EQ(-EINVAL, mmsb_lane_number("i65", &lane));
}

/* ----------------------------------------------------------------------------------------------- rules of the user's own */

static uint32_t mark = 77;

/* The words of all parents, each parent's times its place, plus a parameter; and the rule's own number in the last word. */
static void weigh(const struct mmsb_rule_call *call)
{
	uint64_t *out = call->out, sum = call->param[0], i, word;

	for (i = 0; i < call->parents; i++)
		for (word = 0; word < call->parent[i].size / 8; word++)
			sum += ((const uint64_t *)call->parent[i].bytes)[word] * (i + 1);
	out[0] = sum;
	out[call->bytes / 8 - 1] = *(uint32_t *)call->data;
}

static int calls;

static void count_calls(const struct mmsb_rule_call *call)
{
	*(int *)call->out = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
}

static int weigh_register(struct mmsb *mmsb, uint32_t version, uint32_t *number)
{
	return mmsb_rule_register(mmsb, MMSB_OPTS(struct mmsb_user_rule, .name = "weigh", .version = version, .params = 1, .run = weigh,
						  .data = &mark), number);
}

TEST_F(follow, a_rule_of_ones_own)
{
	struct mmsb_derive derive = { .param = { 1000 } };
	struct mmsb_edge edges[3] = { { .parent = self->page[0] } };
	uint64_t large[3], last;
	uint32_t number, same;
	int ret = weigh_register(self->mmsb, 1, &number);

	if (home_is_kernel()) {
		EXPECT_EQ(-ENOTSUP, ret);
		return;
	}
	ASSERT_EQ(0, ret);
	EXPECT_STREQ("weigh", mmsb_rule_name(number));
	ASSERT_EQ(0, mmsb_rule_number("weigh", &same));
	EXPECT_EQ(number, same);
	EXPECT_EQ(-EEXIST, weigh_register(self->mmsb, 1, NULL));
	EXPECT_EQ(0, weigh_register(self->mmsb, 2, NULL));
	EXPECT_EQ(-EINVAL, weigh_register(self->mmsb, 0, NULL));

	ASSERT_EQ(0, mmsb_create(self->ring, 1u << 20, &large[0]));
	ASSERT_EQ(0, mmsb_create(self->ring, 200000, &large[1]));
	ASSERT_EQ(0, mmsb_create(self->ring, 1u << 18, &large[2]));
	edges[1].parent = large[0];
	edges[2].parent = large[1];
	derive.rule = number;
	ASSERT_EQ(0, mmsb_derive(self->ring, large[2], &derive, edges, 3, NULL));
	EXPECT_EQ(1000, value(self->space, large[2]));
	ASSERT_EQ(0, mmsb_add(self->ring, self->page[0], 8, 5, NULL));
	ASSERT_EQ(0, mmsb_add(self->ring, large[0], (1u << 20) - 8, 7, NULL));
	ASSERT_EQ(0, mmsb_add(self->ring, large[0], 70000, 1, NULL));
	EXPECT_EQ(1000 + 5 + 2 * 8, value(self->space, large[2]));
	ASSERT_EQ(8, mmsb_read(self->space, large[2], (1u << 18) - 8, &last, 8, NULL));
	EXPECT_EQ(mark, last);
	derive.param[1] = 1;
	EXPECT_EQ(-EINVAL, mmsb_derive(self->ring, large[2], &derive, edges, 3, NULL));
}

/* In a space of its own, which audits all. */
TEST(an_impure_rule_is_found)
{
	uint64_t page[2];
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_node node;
	struct mmsb *mmsb;
	uint32_t number;

	if (home_is_kernel())
		SKIP(return, "rules of one's own are the embedded home's");
	ASSERT_EQ(0, mmsb_open(&mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .audit = 1), &space));
	ASSERT_EQ(0, mmsb_ring_open(space, NULL, &ring));
	ASSERT_EQ(0, mmsb_rule_register(mmsb, MMSB_OPTS(struct mmsb_user_rule, .name = "count-calls", .version = 1, .run = count_calls),
					&number));
	ASSERT_EQ(0, mmsb_create(ring, 64, &page[0]));
	ASSERT_EQ(0, mmsb_create(ring, 64, &page[1]));
	ASSERT_EQ(0, mmsb_derive_fold(ring, page[1], number, 0, page, NULL, 1, NULL));
	ASSERT_EQ(0, mmsb_node(space, page[1], &node));
	EXPECT_EQ(MMSB_NODE_SUSPECT, node.flags);
	mmsb_ring_close(ring);
	mmsb_close(mmsb);
}

TEST_HARNESS_MAIN
