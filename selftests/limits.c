// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every limit is reached and refused with its own reason, in words, changes nothing, and gives way again when what filled it is gone.
 */
#include "common/harness.h"
#include "common/home.h"

FIXTURE(limits) {
	struct mmsb *mmsb;
};

FIXTURE_SETUP(limits)
{
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
}

FIXTURE_TEARDOWN(limits)
{
	mmsb_close(self->mmsb);
}

static int errno_of(enum mmsb_reason reason)
{
#define REASON_ERRNO(name, err, text) [MMSB_REASON_##name] = (err),
	static const int errnos[MMSB_REASON_LAST] = { MMSB_REASONS(REASON_ERRNO) };
#undef REASON_ERRNO
	return -errnos[reason];
}

/* A call failed with the errno of this reason, and said so in its words. */
#define EXPECT_REASON(reason, call) do {								\
	EXPECT_EQ(errno_of(reason), (call));								\
	EXPECT_NE(NULL, strstr(mmsb_strerror_last(), mmsb_reason_text(reason))) {			\
		TH_LOG("said: %s", mmsb_strerror_last());						\
	}												\
} while (0)

#define OPEN(name, space, ...) mmsb_space_open(self->mmsb, name, MMSB_OPTS(struct mmsb_space_opts, ##__VA_ARGS__), space)
#define RING(space, ring, ...) mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, ##__VA_ARGS__), ring)
#define NEW (MMSB_SPACE_CREATE | MMSB_SPACE_INLINE)

TEST_F(limits, spaces)
{
	struct mmsb_space *space = NULL;

	EXPECT_REASON(MMSB_REASON_BAD_SHARDS, OPEN(NULL, &space, .flags = NEW, .shards = MMSB_SHARDS_MAX + 1));
	EXPECT_REASON(MMSB_REASON_BAD_LIMIT, OPEN(NULL, &space, .flags = NEW, .shards = 1, .max_pages = 1ull << 32));
	EXPECT_REASON(MMSB_REASON_BAD_LIMIT, OPEN(NULL, &space, .flags = NEW, .shards = 1, .max_bytes = (1ull << 40) + 1));
	EXPECT_REASON(MMSB_REASON_BAD_LIMIT, OPEN(NULL, &space, .flags = NEW, .shards = 1, .max_bytes = ~0ull));
	EXPECT_EQ(-EINVAL, OPEN(NULL, &space, .flags = NEW | (MMSB_SPACE_KNOWN + 1), .shards = 1));
	EXPECT_EQ(-EINVAL, OPEN(NULL, &space, .flags = NEW | 0x80000000, .shards = 1));
	EXPECT_EQ(NULL, space);
}

TEST_F(limits, names)
{
	static const char *const bad[] = { ".hidden", "sl/ash", "white space", "umlaut-\xc3\xa4", "new\nline",
		"0123456789012345678901234567890123456789012345678901234567890123" };
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	struct mmsb_space *space, *again;
	char name[MMSB_NAME_MAX];
	uint64_t cursor = 0;
	unsigned int i, seen = 0;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT_REASON(MMSB_REASON_BAD_NAME, OPEN(bad[i], &space, .flags = NEW, .shards = 1));
	snprintf(name, sizeof(name), "test-limits_%d.a", getpid());
	EXPECT_REASON(MMSB_REASON_NO_SPACE, OPEN(name, &space));
	EXPECT_REASON(MMSB_REASON_NO_SPACE, mmsb_space_remove(self->mmsb, name));
	ASSERT_EQ(0, OPEN(name, &space, .flags = NEW | MMSB_SPACE_EXCL, .shards = 3));
	EXPECT_REASON(MMSB_REASON_NAME_TAKEN, OPEN(name, &again, .flags = NEW | MMSB_SPACE_EXCL));
	ASSERT_EQ(0, OPEN(name, &again, .flags = NEW, .shards = 1));
	ASSERT_EQ(0, mmsb_space_info(again, &info));
	EXPECT_EQ(3, info.shards);
	EXPECT_STREQ(name, info.name);
	while (!mmsb_space_next(self->mmsb, &cursor, &info))
		seen += !strcmp(info.name, name);
	EXPECT_EQ(1, seen);
	mmsb_space_close(space);
	ASSERT_EQ(0, mmsb_space_info(again, &info));
	mmsb_space_close(again);
	EXPECT_REASON(MMSB_REASON_NO_SPACE, OPEN(name, &space));
	memset(name, 'n', MMSB_NAME_MAX - 1);
	name[MMSB_NAME_MAX - 1] = 0;
	ASSERT_EQ(0, OPEN(name, &space, .flags = NEW, .shards = 1));
	mmsb_space_close(space);
}

TEST_F(limits, pages)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint64_t ids[100], page;
	struct mmsb_cqe cqe;
	unsigned int i;

	ASSERT_EQ(0, OPEN(NULL, &space, .flags = NEW, .shards = 1, .max_pages = 100));
	ASSERT_EQ(0, RING(space, &ring));
	for (i = 0; i < 100; i++)
		ASSERT_EQ(0, mmsb_create(ring, 64, &ids[i]));
	EXPECT_REASON(MMSB_REASON_PAGES_LIMIT, mmsb_create(ring, 64, &page));
	ASSERT_EQ(0, run_op(ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = MMSB_PAGE_ID(1, 1023), .len = 64));
	EXPECT_EQ(MMSB_REASON_PAGES_LIMIT, cqe.reason);
	EXPECT_EQ(0, cqe.epoch);
	ASSERT_EQ(0, mmsb_space_info(space, &info));
	EXPECT_EQ(100, info.pages);
	EXPECT_EQ(100, info.max_pages);
	ASSERT_EQ(0, mmsb_destroy(ring, ids[50]));
	ASSERT_EQ(0, mmsb_create(ring, 64, &page));
	EXPECT_EQ(-EDQUOT, mmsb_create(ring, 64, &page));
	mmsb_ring_close(ring);
	mmsb_space_close(space);
}

/* How many pages a shard could make, at most `n`. */
static unsigned int make_pages(struct mmsb_ring *ring, uint64_t *ids, unsigned int n)
{
	unsigned int made = 0;

	while (made < n && !mmsb_create(ring, 64, &ids[made]))
		made++;
	return made;
}

#define SHARDS	4u

/* What other shards have in hand keeps little from one that wants all, and of few pages nothing. */
TEST_F(limits, pages_of_several_shards)
{
	static const struct { unsigned int max, rest; } tries[] = { { 4, 4 }, { 60, 60 }, { 300, 300 * 7 / 8 }, { 6000, 6000 * 7 / 8 } };
	struct mmsb_ring *ring[SHARDS];
	struct mmsb_space *space;
	static uint64_t ids[6000];
	unsigned int i, k, made;

	for (i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		ASSERT_EQ(0, OPEN(NULL, &space, .flags = NEW, .shards = SHARDS, .max_pages = tries[i].max));
		for (k = 0; k < SHARDS; k++) {
			ASSERT_EQ(0, RING(space, &ring[k], .shard = k + 1));
			ASSERT_EQ(1, make_pages(ring[k], &ids[k], 1));
		}
		made = make_pages(ring[SHARDS - 1], &ids[SHARDS], tries[i].max - SHARDS);
		EXPECT_LE(tries[i].rest, made + SHARDS);
		EXPECT_EQ(-EDQUOT, mmsb_create(ring[SHARDS - 1], 64, &ids[0]));
		while (made--)
			ASSERT_EQ(0, mmsb_destroy(ring[SHARDS - 1], ids[SHARDS + made]));
		made = make_pages(ring[0], &ids[SHARDS], tries[i].max - SHARDS);
		EXPECT_LE(tries[i].rest, made + SHARDS);
		for (k = 0; k < SHARDS; k++)
			mmsb_ring_close(ring[k]);
		mmsb_space_close(space);
	}
}

/* A page that finds no room is kept from nobody. */
TEST_F(limits, pages_without_room)
{
	struct mmsb_ring *ring[2];
	struct mmsb_space *space;
	uint64_t page;
	unsigned int k;

	ASSERT_EQ(0, OPEN(NULL, &space, .flags = NEW, .shards = 2, .max_pages = 1, .max_bytes = 1 << 16));
	for (k = 0; k < 2; k++)
		ASSERT_EQ(0, RING(space, &ring[k], .shard = k + 1));
	EXPECT_REASON(MMSB_REASON_BYTES_LIMIT, mmsb_create(ring[0], 1 << 20, &page));
	EXPECT_EQ(0, mmsb_create(ring[1], 64, &page));
	for (k = 0; k < 2; k++)
		mmsb_ring_close(ring[k]);
	mmsb_space_close(space);
}

/* Nor is one that finds no line, as all of the shard are spent. */
TEST_F(limits, pages_without_a_line)
{
	struct mmsb_ring *ring[2];
	struct mmsb_cqe cqe = { 0 };
	struct mmsb_space *space;
	uint64_t page;
	uint32_t k;

	ASSERT_EQ(0, OPEN(NULL, &space, .flags = NEW, .shards = 2, .max_pages = 1));
	for (k = 0; k < 2; k++)
		ASSERT_EQ(0, RING(space, &ring[k], .shard = k + 1));
	for (k = 0; k < 1024; k++) {
		page = MMSB_PAGE_ID(~0u, k);
		ASSERT_EQ(0, run_op(ring[0], &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = page, .len = 64));
		ASSERT_EQ(0, cqe.result);
		ASSERT_EQ(0, mmsb_destroy(ring[0], page));
	}
	EXPECT_REASON(MMSB_REASON_PAGES_LIMIT, mmsb_create(ring[0], 64, &page));
	EXPECT_EQ(0, mmsb_create(ring[1], 64, &page));
	for (k = 0; k < 2; k++)
		mmsb_ring_close(ring[k]);
	mmsb_space_close(space);
}

TEST_F(limits, bytes)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	uint64_t ids[64], n = 0, again = 0, page;
	struct mmsb_space *space;
	struct mmsb_ring *ring;

	ASSERT_EQ(0, OPEN(NULL, &space, .flags = NEW, .shards = 1, .max_bytes = 1u << 20));
	ASSERT_EQ(0, RING(space, &ring));
	EXPECT_REASON(MMSB_REASON_BYTES_LIMIT, mmsb_create(ring, (1u << 20) + 1, &page));
	while (n < 64 && !mmsb_create(ring, 65536, &ids[n]))
		n++;
	EXPECT_EQ(16, n);
	EXPECT_REASON(MMSB_REASON_BYTES_LIMIT, mmsb_create(ring, 64, &page));
	ASSERT_EQ(0, mmsb_space_info(space, &info));
	EXPECT_EQ(1u << 20, info.bytes);
	EXPECT_EQ(1u << 20, info.max_bytes);
	for (; n; n--)
		ASSERT_EQ(0, mmsb_destroy(ring, ids[n - 1]));
	while (again < 64 && !mmsb_create(ring, 65536, &ids[again]))
		again++;
	EXPECT_EQ(16, again);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
}

/* Freed small pages make room for large ones again, and the other way round. */
TEST_F(limits, bytes_change_hands)
{
	static uint64_t ids[20000];
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	unsigned int n = 0, i;
	uint64_t page;

	ASSERT_EQ(0, OPEN(NULL, &space, .flags = NEW, .shards = 1, .max_bytes = 1u << 20, .max_pages = 20000));
	ASSERT_EQ(0, RING(space, &ring));
	while (n < 20000 && !mmsb_create(ring, 64, &ids[n]))
		n++;
	EXPECT_LT(15000, n);
	EXPECT_EQ(-EDQUOT, mmsb_create(ring, 1u << 19, &page));
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, mmsb_destroy(ring, ids[i]));
	ASSERT_EQ(0, mmsb_create(ring, 3u << 18, &page)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, mmsb_destroy(ring, page));
	ASSERT_EQ(0, mmsb_create(ring, 64, &page));
	mmsb_ring_close(ring);
	mmsb_space_close(space);
}

TEST_F(limits, rings)
{
	struct mmsb_ring *rings[4], *ring = NULL;
	struct mmsb_space *space;
	unsigned int i;

	ASSERT_EQ(0, OPEN(NULL, &space, .flags = NEW, .shards = 2, .max_rings = 4));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, RING(space, &rings[i]));
	EXPECT_REASON(MMSB_REASON_RINGS_LIMIT, RING(space, &ring));
	mmsb_ring_close(rings[0]);
	ASSERT_EQ(0, RING(space, &rings[0]));
	for (i = 0; i < 4; i++)
		mmsb_ring_close(rings[i]);
	EXPECT_REASON(MMSB_REASON_NO_POLLERS, RING(space, &ring, .flags = MMSB_RING_POLLED));
	EXPECT_REASON(MMSB_REASON_BAD_SHARD, RING(space, &ring, .shard = 3));
	EXPECT_REASON(MMSB_REASON_BAD_ENTRIES, RING(space, &ring, .sq_entries = MMSB_SQ_MAX + 1));
	EXPECT_REASON(MMSB_REASON_BAD_ENTRIES, RING(space, &ring, .cq_entries = MMSB_CQ_MAX + 1));
	EXPECT_REASON(MMSB_REASON_BAD_ENTRIES, RING(space, &ring, .sq_entries = 64, .cq_entries = 32));
	EXPECT_REASON(MMSB_REASON_BAD_ENTRIES, RING(space, &ring, .payload_bytes = MMSB_PAYLOAD_MAX + 1));
	EXPECT_EQ(-EINVAL, RING(space, &ring, .flags = MMSB_RING_KNOWN + 1));
	EXPECT_EQ(NULL, ring);
	ASSERT_EQ(0, RING(space, &ring, .sq_entries = 1, .cq_entries = 1, .payload_bytes = MMSB_NO_PAYLOAD));
	EXPECT_EQ(1, mmsb_sq_space(ring));
	mmsb_ring_close(ring);
	ASSERT_EQ(0, RING(space, &ring, .sq_entries = MMSB_SQ_MAX, .cq_entries = MMSB_CQ_MAX));
	EXPECT_EQ(MMSB_SQ_MAX, mmsb_sq_space(ring));
	mmsb_ring_close(ring);
	mmsb_space_close(space);
}

/* One delta covers 16 MiB and no more, and what it covers may be any part of a page. */
TEST_F(limits, one_delta)
{
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_cqe cqe;
	uint64_t page;

	ASSERT_EQ(0, OPEN(NULL, &space, .flags = NEW | MMSB_SPACE_HASH, .shards = 1, .max_bytes = 64u << 20));
	ASSERT_EQ(0, RING(space, &ring));
	ASSERT_EQ(0, mmsb_create(ring, 20u << 20, &page));
	ASSERT_EQ(0, run_op(ring, &cqe, .op = MMSB_OP_FILL, .page = page, .offset = 1, .len = MMSB_DELTA_MAX, .word = { 7 }));
	EXPECT_EQ(0, cqe.result);
	EXPECT_EQ(1, cqe.epoch);
	ASSERT_EQ(0, run_op(ring, &cqe, .op = MMSB_OP_FILL, .page = page, .len = MMSB_DELTA_MAX + 1, .word = { 7 }));
	EXPECT_EQ(MMSB_REASON_TOO_LONG, cqe.reason);
	EXPECT_EQ(-EMSGSIZE, cqe.result);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
}

TEST_F(limits, read_only)
{
	struct mmsb_space *space, *reader;
	struct mmsb_ring *ring, *other;
	char name[32], bytes[4];
	void *to = bytes;
	size_t len = 4;
	struct mmsb_page_info info;
	struct mmsb_cqe cqe;
	uint64_t page, none;
	int result;

	snprintf(name, sizeof(name), "test-limits-%d", getpid());
	ASSERT_EQ(0, OPEN(name, &space, .flags = NEW, .shards = 1));
	ASSERT_EQ(0, RING(space, &ring));
	ASSERT_EQ(0, mmsb_create(ring, 64, &page));
	ASSERT_EQ(0, mmsb_set(ring, page, 0, "abc", 4, NULL));
	ASSERT_EQ(0, OPEN(name, &reader, .flags = MMSB_SPACE_READ_ONLY));
	EXPECT_EQ(4, mmsb_read(reader, page, 0, bytes, 4, NULL));
	EXPECT_STREQ("abc", bytes);
	EXPECT_EQ(0, mmsb_snapshot(reader, &page, 1, &to, &len, NULL, &result, NULL));
	ASSERT_EQ(0, RING(reader, &other));
	EXPECT_REASON(MMSB_REASON_READ_ONLY, mmsb_set(other, page, 0, "x", 1, NULL));
	EXPECT_REASON(MMSB_REASON_READ_ONLY, mmsb_create(other, 64, &none));
	EXPECT_REASON(MMSB_REASON_READ_ONLY, mmsb_destroy(other, page));
	ASSERT_EQ(0, run_op(other, &cqe, .op = MMSB_OP_NOP));
	EXPECT_EQ(0, cqe.result);
	EXPECT_GT(0, mmsb_space_reset(reader));
	EXPECT_GT(0, mmsb_hash(reader, MMSB_HASH_ON, (uint64_t[2]){}, NULL));
	ASSERT_EQ(0, mmsb_page_info(space, page, &info));
	EXPECT_EQ(1, info.epoch);
	mmsb_ring_close(other);
	mmsb_ring_close(ring);
	mmsb_space_close(reader);
	mmsb_space_close(space);
}

/* A thousand spaces at once. */
TEST_F(limits, many_spaces)
{
	static struct mmsb_space *spaces[1000];
	unsigned int i, n = home_is_kernel() ? 100 : 1000;
	struct mmsb_ring *ring;
	uint64_t page;

	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, OPEN(NULL, &spaces[i], .flags = NEW, .shards = 1)) {
			TH_LOG("space %u: %s", i, mmsb_strerror_last());
		}
		ASSERT_EQ(0, RING(spaces[i], &ring));
		ASSERT_EQ(0, mmsb_create(ring, 64, &page));
		ASSERT_EQ(0, mmsb_set(ring, page, 0, &i, 4, NULL));
		mmsb_ring_close(ring);
	}
	for (i = 0; i < n; i++) {
		uint32_t found;

		ASSERT_EQ(4, mmsb_read(spaces[i], page, 0, &found, 4, NULL));
		ASSERT_EQ(i, found);
	}
	for (i = 0; i < n; i++)
		mmsb_space_close(spaces[i]);
}

/* Limits can be set while the space lives: they hold at once, what is there stays, and a wrong one changes none. */
TEST_F(limits, set_later)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	struct mmsb_ring *ring, *another, *third;
	struct mmsb_space *space;
	uint64_t page, kept;
	int i;

	ASSERT_EQ(0, OPEN(NULL, &space, .flags = NEW, .shards = 1, .max_pages = 1000, .max_bytes = 4 << 20, .max_rings = 8));
	ASSERT_EQ(0, RING(space, &ring));
	ASSERT_EQ(0, mmsb_space_limit(space, 10, 0, 1));
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, mmsb_create(ring, 64, &kept));
	EXPECT_REASON(MMSB_REASON_PAGES_LIMIT, mmsb_create(ring, 64, &page));
	EXPECT_REASON(MMSB_REASON_RINGS_LIMIT, RING(space, &another));
	EXPECT_REASON(MMSB_REASON_BAD_LIMIT, mmsb_space_limit(space, 1001, 0, 3));
	EXPECT_REASON(MMSB_REASON_BAD_LIMIT, mmsb_space_limit(space, 20, (4 << 20) + 1, 3));
	EXPECT_REASON(MMSB_REASON_BAD_LIMIT, mmsb_space_limit(space, 20, ~0ull, 3));
	ASSERT_EQ(0, mmsb_space_info(space, &info));
	EXPECT_EQ(10, info.max_pages);
	EXPECT_EQ(1, info.max_rings);
	ASSERT_EQ(0, mmsb_space_limit(space, 5, 0, 0));		/* below what is there */
	EXPECT_REASON(MMSB_REASON_PAGES_LIMIT, mmsb_create(ring, 64, &page));
	EXPECT_EQ(0, mmsb_add(ring, kept, 0, 1, NULL));
	ASSERT_EQ(0, mmsb_space_limit(space, 1000, 1, 0));	/* a byte takes a chunk, which is taken */
	EXPECT_REASON(MMSB_REASON_BYTES_LIMIT, mmsb_create(ring, 1 << 20, &page));
	ASSERT_EQ(0, mmsb_space_limit(space, 0, 4 << 20, 0));
	EXPECT_EQ(0, mmsb_create(ring, 1 << 20, &page));
	ASSERT_EQ(0, mmsb_space_limit(space, 0, 0, 8));
	ASSERT_EQ(0, RING(space, &another));
	ASSERT_EQ(0, mmsb_space_limit(space, 0, 0, 1));		/* two are there */
	EXPECT_REASON(MMSB_REASON_RINGS_LIMIT, RING(space, &third));
	mmsb_ring_close(another);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
}

TEST_HARNESS_MAIN
