// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reset is fresh: a space with a random history behind it, once reset, goes through another random history exactly as a new space does,
 * with the same ids given out, the same epochs, the same hash.
 */
#include "common/harness.h"
#include "common/differ.h"

FIXTURE(reset) {
	struct twin used, fresh;
};

FIXTURE_VARIANT(reset) {
	struct twin_config config;
};

FIXTURE_VARIANT_ADD(reset, inline_1) { .config = { .shards = 1 } };
FIXTURE_VARIANT_ADD(reset, inline_4) { .config = { .shards = 4 } };
FIXTURE_VARIANT_ADD(reset, polled_2) { .config = { .shards = 2, .polled = true } };

FIXTURE_SETUP(reset)
{
	uint64_t seed = rng_seed();

	TH_LOG("MMSB_SEED=%llu", (unsigned long long)seed);
	ASSERT_EQ(0, twin_open(&self->used, &variant->config, seed));
	ASSERT_EQ(0, twin_open(&self->fresh, &variant->config, ~seed));
}

FIXTURE_TEARDOWN(reset)
{
	twin_close(&self->used);
	twin_close(&self->fresh);
}

static int batches(struct twin *twin, uint64_t n)
{
	int ret = 0;

	for (; n && !ret; n--)
		ret = twin_batch(twin);
	return ret ?: twin_compare(twin);
}

static struct mmsb_space_info_args info_of(struct twin *twin)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };

	if (mmsb_space_info(twin->space, &info))
		abort();
	return info;
}

TEST_F_TIMEOUT(reset, goes_on_like_a_new_one, 120)
{
	uint64_t round, old, hash[2], hash_fresh[2], n = scaled(1500) + 10;
	struct mmsb_space_info_args before, after, fresh;
	enum mmsb_reason reason;
	struct mmsb_cqe cqe;

	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, batches(&self->used, n));
		before = info_of(&self->used);
		EXPECT_LT(0, before.pages);
		ASSERT_EQ(0, twin_reset(&self->used));
		after = info_of(&self->used);
		EXPECT_EQ(before.incarnation + 1, after.incarnation);
		EXPECT_EQ(0, after.pages);
		EXPECT_EQ(0, after.bytes);
		EXPECT_EQ(0, after.tick);
		EXPECT_EQ(0, after.deltas);
		EXPECT_GE(before.memory, after.memory);
		ASSERT_EQ(0, twin_reset(&self->fresh));
		ASSERT_EQ(0, twin_hash(&self->used, hash));
		ASSERT_EQ(0, twin_hash(&self->fresh, hash_fresh));
		EXPECT_EQ(0, memcmp(hash, hash_fresh, sizeof(hash)));

		/* the same history from here on: if one id differed, the rest would */
		self->used.rng = self->fresh.rng;
		ASSERT_EQ(0, batches(&self->used, n));
		ASSERT_EQ(0, batches(&self->fresh, n));
		ASSERT_EQ(0, twin_hash(&self->used, hash));
		ASSERT_EQ(0, twin_hash(&self->fresh, hash_fresh));
		EXPECT_EQ(0, memcmp(hash, hash_fresh, sizeof(hash)));
		EXPECT_EQ(self->fresh.rng.state, self->used.rng.state);
		after = info_of(&self->used);
		fresh = info_of(&self->fresh);
		EXPECT_EQ(fresh.pages, after.pages);
		EXPECT_EQ(fresh.deltas, after.deltas);
		EXPECT_EQ(fresh.bytes, after.bytes);
	}
	old = MMSB_PAGE_ID(1, 0);
	ASSERT_EQ(0, twin_reset(&self->used));
	ASSERT_EQ(0, run_op(self->used.rings[0], &cqe, .op = MMSB_OP_DESTROY, .page = old));
	EXPECT_EQ(NULL, model_find(&self->used.model, old, &reason));
	EXPECT_EQ(reason, cqe.reason);
}

/* A poller that had no chance to run leaves as many entries as there are completions: there is no room for the drain's own. */
static int drain_and_reap(struct mmsb_ring *ring)
{
	struct mmsb_cqe cqe;
	int err;

	do {
		err = mmsb_drain(ring, PATIENCE);
		while (mmsb_peek_cqe(ring, &cqe) == 1)
			;
	} while (err == -EBUSY);
	return err;
}

/* Entries that are under way when the space is reset are applied before or after it, never half. */
TEST_F(reset, among_traffic)
{
	struct mmsb_sqe *sqe;
	struct mmsb_cqe cqe;
	unsigned int i, k, n = scaled(300) + 5;
	uint64_t kept[2];

	for (i = 0; i < n; i++) {
		for (k = 0; k < 20 && (sqe = mmsb_get_sqe(self->used.rings[i % TWIN_RINGS])); k++) {
			if (k % 4)
				mmsb_prep_set(sqe, MMSB_PAGE_ID(1, 1024 * (k % 5)), 0, &i, 4);
			else
				*sqe = (struct mmsb_sqe){ .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .len = 64,
							  .page = MMSB_PAGE_ID(1, 1024 * (k / 4)) };
		}
		ASSERT_LE(0, mmsb_submit(self->used.rings[i % TWIN_RINGS]));
		ASSERT_EQ(0, mmsb_space_reset(self->used.space));
		for (k = 0; k < TWIN_RINGS; k++)
			while (mmsb_peek_cqe(self->used.rings[k], &cqe) == 1)
				;
	}
	for (k = 0; k < TWIN_RINGS; k++)
		ASSERT_EQ(0, drain_and_reap(self->used.rings[k]));
	ASSERT_EQ(0, twin_hash(&self->used, kept));
	ASSERT_EQ(0, twin_reset(&self->used));
	ASSERT_EQ(0, twin_compare(&self->used));
}

TEST_HARNESS_MAIN
