// SPDX-License-Identifier: GPL-2.0-only
/*
 * Audits, switched while the space runs: every so many recomputes are done twice from then on, also of pages that are computed in the short way
 * otherwise and in waves of several shards; nothing that comes out changes; and who may not, does not.
 */
#include <pthread.h>
#include "common/harness.h"
#include "common/home.h"
#include "common/verified.h"
#include "embedded.h"
#include "node.h"

FIXTURE(audit) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring[2];	/* of a shard each */
	uint64_t source, page[2];	/* of each shard one that follows the source */
};

static int open_ring(struct mmsb_space *space, uint32_t shard, struct mmsb_ring **ring)
{
	return mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .shard = shard + 1), ring);
}

FIXTURE_SETUP(audit)
{
	uint32_t i;

	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 2, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE),
				     &self->space));
	ASSERT_EQ(0, mmsb_space_audit(self->space, 0));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, open_ring(self->space, i, &self->ring[i]));
	ASSERT_EQ(0, mmsb_create(self->ring[0], 64, &self->source));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, mmsb_create(self->ring[i], 64, &self->page[i]));
		ASSERT_EQ(0, mmsb_derive_fold(self->ring[0], self->page[i], MMSB_RULE_ADD_MUL, MMSB_LANE_U64, &self->source, NULL, 1, NULL));
	}
}

FIXTURE_TEARDOWN(audit)
{
	mmsb_ring_close(self->ring[1]);
	mmsb_ring_close(self->ring[0]);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

static struct mmsb_space_info_args info_of(struct mmsb_space *space)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };

	mmsb_space_info(space, &info);
	return info;
}

static unsigned int calls;

static void count_calls(const struct ms_rule_call *call)
{
	*call->out = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
}

/* The pages' rule as it is, but that its long way makes something else each time. */
static void spoil(FIXTURE_DATA(audit) *self, struct ms_rule *rule)
{
	struct ms_space *engine = ((struct embedded_space *)self->space)->instance->engine;
	struct ms_derivation *derivation;
	int i;

	for (i = 0; i < 2; i++) {
		derivation = ms_node_find(engine, MMSB_PAGE_INDEX(self->page[i]))->derivation;
		*rule = *derivation->rule;
		rule->run = count_calls;
		derivation->rule = rule;
	}
}

TEST_F(audit, pages_of_the_short_way_are_audited_as_long_as_one_says)
{
	struct ms_rule rule;
	struct mmsb_node node;

	if (home_is_kernel())
		SKIP(return, "the kernel's rules are pure");
	spoil(self, &rule);
	ASSERT_EQ(0, mmsb_add(self->ring[0], self->source, 0, 1, NULL));
	EXPECT_EQ(0, calls);
	EXPECT_EQ(0, info_of(self->space).suspect);
	ASSERT_EQ(0, mmsb_space_audit(self->space, 1));
	ASSERT_EQ(0, mmsb_add(self->ring[0], self->source, 0, 1, NULL));
	EXPECT_EQ(4, calls);
	EXPECT_EQ(2, info_of(self->space).suspect);
	ASSERT_EQ(0, mmsb_node(self->space, self->page[1], &node));
	EXPECT_EQ(MMSB_NODE_SUSPECT, node.flags);
	ASSERT_EQ(0, mmsb_space_audit(self->space, 0));
	ASSERT_EQ(0, mmsb_add(self->ring[0], self->source, 0, 1, NULL));
	EXPECT_EQ(4, calls);
	EXPECT_EQ(2, info_of(self->space).suspect);
}

/* No meeting: both pages live in one shard, and so does what they follow. */
TEST_F(audit, a_wave_of_one_shard_audits_every_so_many)
{
	struct mmsb_space_info_args info;
	struct ms_rule rule;
	int i;

	if (home_is_kernel())
		SKIP(return, "the kernel's rules are pure");
	ASSERT_EQ(0, mmsb_destroy(self->ring[1], self->page[1]));
	ASSERT_EQ(0, mmsb_create(self->ring[0], 64, &self->page[1]));
	ASSERT_EQ(0, mmsb_derive_fold(self->ring[0], self->page[1], MMSB_RULE_ADD_MUL, MMSB_LANE_U64, &self->source, NULL, 1, NULL));
	spoil(self, &rule);
	ASSERT_EQ(0, mmsb_space_audit(self->space, 3));
	info = info_of(self->space);
	for (i = 0; i < 15; i++)
		ASSERT_EQ(0, mmsb_add(self->ring[0], self->source, 0, 1, NULL));
	EXPECT_EQ(info.meetings, info_of(self->space).meetings);
	EXPECT_EQ(info.recomputed + 30, info_of(self->space).recomputed);
	EXPECT_EQ(10, info_of(self->space).suspect);
}

TEST_F(audit, only_its_owner_says_so_and_everybody_is_told)
{
	struct mmsb_space *named, *reader;
	char name[32];

	snprintf(name, sizeof(name), "test-audit-%d", getpid());
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, name, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_EXCL), &named));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, name, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_READ_ONLY), &reader));
	ASSERT_EQ(0, mmsb_space_audit(named, 7));
	EXPECT_EQ(7, info_of(reader).audit);
	EXPECT_GT(0, mmsb_space_audit(reader, 0));
	EXPECT_EQ(7, info_of(named).audit);
	mmsb_space_close(reader);
	mmsb_space_close(named);
}

struct flicker {
	struct mmsb_space *space;
	int stop;
};

static void *flicker(void *arg)
{
	struct flicker *flicker = arg;
	uint32_t i;

	for (i = 0; !__atomic_load_n(&flicker->stop, __ATOMIC_RELAXED); i++)
		mmsb_space_audit(flicker->space, i % 3);
	return NULL;
}

TEST_F(audit, what_comes_out_is_the_same_while_it_is_switched)
{
	struct flicker arg = { .space = self->space };
	uint64_t rounds = scaled(20000), i, sum;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, flicker, &arg));
	for (i = 0; i < rounds; i++)
		ASSERT_EQ(0, mmsb_add(self->ring[i & 1], self->source, 0, 1, NULL));
	__atomic_store_n(&arg.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(8, mmsb_read(self->space, self->page[i], 0, &sum, sizeof(sum), NULL));
		EXPECT_EQ(rounds, sum);
	}
	EXPECT_EQ(0, info_of(self->space).suspect);
	EXPECT_TRUE(space_is_verified(self->space));
}

TEST_HARNESS_MAIN
