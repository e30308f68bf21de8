// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state hash: equal for equal pages and epochs whatever the way there, different for any difference, off when it is off.
 */
#include "common/harness.h"
#include "common/home.h"

#define AT(k) MMSB_PAGE_ID(1, (k) * 1024)

struct place {
	struct mmsb_space *space;
	struct mmsb_ring *ring;
};

FIXTURE(hash) {
	struct mmsb *mmsb;
	struct place a, b;	/* one and five shards */
};

static int place_open(struct mmsb *mmsb, uint32_t shards, struct place *place)
{
	int ret = mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = shards, .max_pages = 16384,
				  .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | MMSB_SPACE_INLINE), &place->space);

	return ret ?: mmsb_ring_open(place->space, NULL, &place->ring);
}

static void place_close(struct place *place)
{
	mmsb_ring_close(place->ring);
	mmsb_space_close(place->space);
}

FIXTURE_SETUP(hash)
{
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, place_open(self->mmsb, 1, &self->a)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, place_open(self->mmsb, 5, &self->b));
}

FIXTURE_TEARDOWN(hash)
{
	place_close(&self->a);
	place_close(&self->b);
	mmsb_close(self->mmsb);
}

struct hash {
	uint64_t word[2];
	int wrong;		/* the incremental one is not the recomputed one, or there is none */
};

static struct hash hash_of(struct place *place)
{
	struct hash hash = {};
	uint64_t fresh[2];

	hash.wrong = mmsb_hash(place->space, 0, hash.word, NULL) || mmsb_hash(place->space, MMSB_HASH_RECOMPUTE, fresh, NULL) ||
		     memcmp(hash.word, fresh, sizeof(fresh));
	return hash;
}

#define EXPECT_SAME(x, y) do {							\
	struct hash x_ = (x), y_ = (y);						\
	EXPECT_EQ(0, x_.wrong | y_.wrong);					\
	EXPECT_EQ(0, memcmp(x_.word, y_.word, sizeof(x_.word)));		\
} while (0)

/* Both words must differ: each is a hash of its own. */
#define EXPECT_OTHER(x, y) do {							\
	struct hash x_ = (x), y_ = (y);						\
	EXPECT_EQ(0, x_.wrong | y_.wrong);					\
	EXPECT_NE(x_.word[0], y_.word[0]);					\
	EXPECT_NE(x_.word[1], y_.word[1]);					\
} while (0)

static int make(struct place *place, uint64_t id, uint32_t bytes)
{
	struct mmsb_cqe cqe = {};
	int ret = run_op(place->ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = id, .len = bytes);

	return ret ?: cqe.result;
}

TEST_F(hash, same_by_another_way)
{
	unsigned int k;

	EXPECT_SAME(hash_of(&self->a), hash_of(&self->b));
	for (k = 0; k < 10; k++) {
		ASSERT_EQ(0, make(&self->a, AT(k), 100 + k));
		ASSERT_EQ(0, make(&self->b, AT(9 - k), 109 - k));
	}
	EXPECT_SAME(hash_of(&self->a), hash_of(&self->b));
	for (k = 0; k < 10; k++) {
		ASSERT_EQ(0, mmsb_set(self->a.ring, AT(k), 3, "abcdef", 6, NULL));
		ASSERT_EQ(0, mmsb_set(self->b.ring, AT(9 - k), 5, "xyz", 3, NULL));
	}
	EXPECT_OTHER(hash_of(&self->a), hash_of(&self->b));
	for (k = 0; k < 10; k++) {
		ASSERT_EQ(0, mmsb_set(self->a.ring, AT(k), 0, "0123456789", 10, NULL));
		ASSERT_EQ(0, mmsb_set(self->b.ring, AT(k), 0, "0123456789", 10, NULL));
	}
	EXPECT_SAME(hash_of(&self->a), hash_of(&self->b));
}

static int flip(struct place *place, unsigned int offset, uint8_t bits)
{
	struct mmsb_cqe cqe = {};
	int ret = run_op(place->ring, &cqe, .op = MMSB_OP_XOR, .page = AT(0), .offset = offset, .len = 1, .word = { bits });

	return ret ?: cqe.result;
}

TEST_F(hash, any_byte)
{
	struct hash before, after;
	unsigned int i;

	ASSERT_EQ(0, make(&self->a, AT(0), 1000));
	ASSERT_EQ(0, make(&self->b, AT(0), 1000));
	for (i = 0; i < 1000; i += 1 + i / 50) {
		before = hash_of(&self->a);
		EXPECT_SAME(before, hash_of(&self->b));
		ASSERT_EQ(0, flip(&self->a, i, 0x10));
		after = hash_of(&self->a);
		EXPECT_OTHER(before, after);
		/* the same epoch, another byte */
		ASSERT_EQ(0, flip(&self->b, i, 0x20));
		EXPECT_OTHER(after, hash_of(&self->b));
		/* the same byte, another epoch */
		ASSERT_EQ(0, flip(&self->b, i, 0x30));
		EXPECT_OTHER(after, hash_of(&self->b));
		/* both the same, by other ways */
		ASSERT_EQ(0, flip(&self->b, i, 1) | flip(&self->b, i, 1));
		ASSERT_EQ(0, flip(&self->a, i, 1) | flip(&self->a, i, 2) | flip(&self->a, i, 3));
	}
}

TEST_F(hash, where_counts)
{
	ASSERT_EQ(0, make(&self->a, AT(0), 64));
	ASSERT_EQ(0, make(&self->a, AT(1), 64));
	ASSERT_EQ(0, make(&self->b, AT(0), 64));
	ASSERT_EQ(0, make(&self->b, AT(1), 64));
	ASSERT_EQ(0, mmsb_set(self->a.ring, AT(0), 0, "x", 1, NULL));
	ASSERT_EQ(0, mmsb_set(self->b.ring, AT(1), 0, "x", 1, NULL));
	EXPECT_OTHER(hash_of(&self->a), hash_of(&self->b));
	ASSERT_EQ(0, mmsb_set(self->a.ring, AT(1), 8, "x", 1, NULL));
	ASSERT_EQ(0, mmsb_set(self->b.ring, AT(0), 0, "x", 1, NULL));
	EXPECT_OTHER(hash_of(&self->a), hash_of(&self->b));
}

/* Pages of zeros count, by id and by size; a destroyed one does not. */
TEST_F(hash, pages)
{
	struct hash none = hash_of(&self->a), one;

	ASSERT_EQ(0, make(&self->a, AT(0), 64));
	one = hash_of(&self->a);
	EXPECT_OTHER(none, one);
	ASSERT_EQ(0, make(&self->b, AT(0), 65));
	EXPECT_OTHER(one, hash_of(&self->b));
	ASSERT_EQ(0, make(&self->a, AT(1), 300000));
	EXPECT_OTHER(one, hash_of(&self->a));
	ASSERT_EQ(0, mmsb_set(self->a.ring, AT(1), 299999, "x", 1, NULL));
	ASSERT_EQ(0, mmsb_destroy(self->a.ring, AT(1)));
	EXPECT_SAME(one, hash_of(&self->a));
	ASSERT_EQ(0, mmsb_destroy(self->a.ring, AT(0)));
	EXPECT_SAME(none, hash_of(&self->a));
	ASSERT_EQ(0, make(&self->a, MMSB_PAGE_ID(2, 0), 64));
	EXPECT_OTHER(one, hash_of(&self->a));
}

TEST_F(hash, off_and_on)
{
	uint64_t hash[2], again[2], tick;

	ASSERT_EQ(0, make(&self->b, AT(0), 64));
	ASSERT_EQ(0, make(&self->b, AT(3), 200000));
	ASSERT_EQ(0, mmsb_hash(self->b.space, MMSB_HASH_OFF, hash, NULL));
	EXPECT_EQ(-ENODATA, mmsb_hash(self->b.space, 0, hash, NULL));
	ASSERT_EQ(0, mmsb_set(self->b.ring, AT(0), 0, "unseen", 6, NULL));
	ASSERT_EQ(0, mmsb_set(self->b.ring, AT(3), 100000, "unseen", 6, NULL));
	ASSERT_EQ(0, mmsb_hash(self->b.space, MMSB_HASH_RECOMPUTE, hash, &tick));
	EXPECT_EQ(mmsb_tick(self->b.space), tick);
	EXPECT_EQ(-ENODATA, mmsb_hash(self->b.space, 0, again, NULL));
	ASSERT_EQ(0, mmsb_hash(self->b.space, MMSB_HASH_ON, again, NULL));
	EXPECT_EQ(0, memcmp(hash, again, sizeof(hash)));
	ASSERT_EQ(0, mmsb_set(self->b.ring, AT(3), 100000, "seen", 4, NULL));
	EXPECT_OTHER(hash_of(&self->b), ((struct hash){ { hash[0], hash[1] } }));
	EXPECT_EQ(-EINVAL, mmsb_hash(self->b.space, MMSB_HASH_KNOWN + 1, hash, NULL));
}

TEST_HARNESS_MAIN
