// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages come and go: ids and generations, sizes from the smallest to the largest, memory that is zero each time it is handed out
 * and is given back in the end.
 */
#include "common/harness.h"
#include "common/home.h"

FIXTURE(page) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring, *other;
};

FIXTURE_VARIANT(page) {
	uint32_t shards;
};

FIXTURE_VARIANT_ADD(page, one_shard) { .shards = 1 };
FIXTURE_VARIANT_ADD(page, three_shards) { .shards = 3 };

FIXTURE_SETUP(page)
{
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = variant->shards, .max_pages = 20000,
				     .max_bytes = 3ull << 30, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | MMSB_SPACE_INLINE),
				     &self->space)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = 1), &self->ring));
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = variant->shards), &self->other));
}

FIXTURE_TEARDOWN(page)
{
	mmsb_ring_close(self->ring);
	mmsb_ring_close(self->other);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

static struct mmsb_space_info_args info_of(struct mmsb_space *space)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };

	if (mmsb_space_info(space, &info))
		abort();
	return info;
}

static bool all_are(struct mmsb_space *space, uint64_t page, uint32_t bytes, uint8_t value)
{
	uint8_t *found = malloc(bytes);
	uint32_t i;
	bool same = mmsb_read(space, page, 0, found, bytes, NULL) == (ssize_t)bytes;

	for (i = 0; same && i < bytes; i++)
		same = found[i] == value;
	free(found);
	return same;
}

static int fill(struct mmsb_ring *ring, uint64_t page, uint32_t bytes, uint8_t value)
{
	struct mmsb_cqe cqe = {};
	int ret = run_op(ring, &cqe, .op = MMSB_OP_FILL, .page = page, .len = bytes, .word = { value });

	return ret ?: cqe.result;
}

TEST_F(page, life)
{
	struct mmsb_page_info info;
	uint64_t page;
	char byte;

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	EXPECT_NE(0, MMSB_PAGE_GENERATION(page));
	ASSERT_EQ(0, mmsb_page_info(self->space, page, &info));
	EXPECT_EQ(page, info.page);
	EXPECT_EQ(0, info.epoch);
	EXPECT_EQ(64, info.length);
	EXPECT_EQ(MMSB_KIND_SOURCE, info.kind);
	EXPECT_TRUE(all_are(self->space, page, 64, 0));
	ASSERT_EQ(0, mmsb_destroy(self->ring, page));
	EXPECT_EQ(-ESTALE, mmsb_page_info(self->space, page, &info));
	EXPECT_EQ(-ESTALE, mmsb_read(self->space, page, 0, &byte, 1, NULL));
	EXPECT_EQ(-ESTALE, mmsb_set(self->other, page, 0, "x", 1, NULL));
	EXPECT_EQ(-ENOENT, mmsb_page_info(self->space, 0, &info));
	EXPECT_EQ(-ENOENT, mmsb_page_info(self->space, ~0ull, &info));
	EXPECT_EQ(-ENOENT, mmsb_page_info(self->space, page + (2ull << 32), &info));
	EXPECT_EQ(0, info_of(self->space).pages);
}

/* A line used again and again: each page has an id of its own, and all the old ones are stale. */
TEST_F(page, generations)
{
	uint64_t ids[50];
	unsigned int i, j, reused = 0;

	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, mmsb_create(self->ring, 64, &ids[i]));
		ASSERT_EQ(0, mmsb_set(self->ring, ids[i], 0, "x", 1, NULL));
		for (j = 0; j < i; j++) {
			ASSERT_NE(ids[j], ids[i]);
			reused += MMSB_PAGE_INDEX(ids[j]) == MMSB_PAGE_INDEX(ids[i]);
			ASSERT_EQ(-ESTALE, mmsb_set(self->other, ids[j], 0, "y", 1, NULL));
		}
		ASSERT_TRUE(all_are(self->space, ids[i], 1, 'x'));
		ASSERT_EQ(0, mmsb_destroy(i & 1 ? self->ring : self->other, ids[i]));
	}
	EXPECT_LT(0, reused);
}

/* The last generation of a line: its page can be made and destroyed, and then the line is spent. */
TEST_F(page, last_generation)
{
	const uint64_t last = MMSB_PAGE_ID(~0u, 17), next = MMSB_PAGE_ID(~0u, 18);
	struct mmsb_page_info info;
	struct mmsb_cqe cqe = {};
	char byte;

	ASSERT_EQ(0, run_op(self->ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = last, .len = 64));
	ASSERT_EQ(0, cqe.result);
	EXPECT_EQ(last, cqe.epoch);
	EXPECT_EQ(MMSB_CQE_CREATED, cqe.flags);
	EXPECT_EQ(-ENOENT, mmsb_page_info(self->space, next, &info));	/* it may come yet */
	ASSERT_EQ(0, mmsb_set(self->ring, last, 0, "z", 1, NULL));
	ASSERT_EQ(0, mmsb_destroy(self->ring, last));
	EXPECT_EQ(-ESTALE, mmsb_set(self->ring, last, 0, "z", 1, NULL));
	EXPECT_EQ(-ESTALE, mmsb_page_info(self->space, last, &info));
	EXPECT_EQ(-ESTALE, mmsb_read(self->space, last, 0, &byte, 1, NULL));
	ASSERT_EQ(0, run_op(self->ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = last, .len = 64));
	EXPECT_EQ(MMSB_REASON_GENERATIONS_SPENT, cqe.reason);
	ASSERT_EQ(0, run_op(self->ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = MMSB_PAGE_ID(1, 17), .len = 64));
	EXPECT_EQ(MMSB_REASON_STALE_PAGE, cqe.reason);
}

TEST_F(page, at)
{
	const uint64_t id = MMSB_PAGE_ID(7, 1024 + 3);
	struct mmsb_cqe cqe = {};
	uint64_t page;
	unsigned int i;

#define AT(id_) run_op(self->ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = (id_), .len = 128)
	ASSERT_EQ(0, AT(id));
	EXPECT_EQ(0, cqe.result);
	EXPECT_EQ(id, cqe.epoch);
	ASSERT_EQ(0, AT(id));
	EXPECT_EQ(MMSB_REASON_PAGE_EXISTS, cqe.reason);
	ASSERT_EQ(0, AT(id + (1ull << 32)));
	EXPECT_EQ(MMSB_REASON_PAGE_EXISTS, cqe.reason);
	ASSERT_EQ(0, AT(id - (1ull << 32)));
	EXPECT_EQ(MMSB_REASON_PAGE_EXISTS, cqe.reason);
	ASSERT_EQ(0, AT(MMSB_PAGE_INDEX(id)));
	EXPECT_EQ(MMSB_REASON_NO_PAGE, cqe.reason);
	ASSERT_EQ(0, AT(0));
	EXPECT_EQ(MMSB_REASON_NO_PAGE, cqe.reason);
	ASSERT_EQ(0, AT(MMSB_PAGE_ID(1, ~0u)));
	EXPECT_EQ(MMSB_REASON_NO_PAGE, cqe.reason);
	EXPECT_EQ(1, info_of(self->space).pages);
	/* ids dealt by the engine pass over it */
	for (i = 0; i < 3000; i++) {
		ASSERT_EQ(0, mmsb_create(i & 1 ? self->ring : self->other, 64, &page));
		ASSERT_NE(MMSB_PAGE_INDEX(id), MMSB_PAGE_INDEX(page));
	}
	ASSERT_EQ(0, mmsb_destroy(self->ring, id));
	ASSERT_EQ(0, AT(id));
	EXPECT_EQ(MMSB_REASON_STALE_PAGE, cqe.reason);
	ASSERT_EQ(0, AT(id + (1ull << 32)));
	EXPECT_EQ(0, cqe.result);
#undef AT
}

static const uint32_t sizes[] = { 64, 65, 100, 127, 128, 129, 192, 255, 1000, 4095, 4096, 4097, 10000, 65535, 65536, 65537, 200000, 1u << 20,
				  (4u << 20) + 1 };
#define SIZES (sizeof(sizes) / sizeof(*sizes))

/* First and last byte of every size can be set and read, and the next one cannot. */
TEST_F(page, sizes)
{
	uint8_t *bytes = calloc(1, 5u << 20);
	uint64_t page;
	unsigned int i;

	for (i = 0; i < SIZES; i++) {
		uint32_t size = sizes[i];

		ASSERT_EQ(0, mmsb_create(self->ring, size, &page));
		ASSERT_EQ(0, mmsb_set(self->other, page, 0, "a", 1, NULL));
		ASSERT_EQ(0, mmsb_set(self->ring, page, size - 1, "z", 1, NULL));
		EXPECT_EQ(-ERANGE, mmsb_set(self->ring, page, size, "!", 1, NULL));
		EXPECT_EQ(-ERANGE, mmsb_set(self->ring, page, size - 1, "!!", 2, NULL));
		ASSERT_EQ(size, mmsb_read(self->space, page, 0, bytes, 5u << 20, NULL));
		EXPECT_EQ('a', bytes[0]);
		EXPECT_EQ('z', bytes[size - 1]);
		bytes[0] = bytes[size - 1] = 0;
		EXPECT_EQ(0, bytes[0] | memcmp(bytes, bytes + 1, size - 1));
	}
	free(bytes);
}

/* Bytes of pages that were destroyed never come back to anybody. What is slowest does without the largest sizes. */
TEST_F(page, used_memory_is_zero)
{
	unsigned int i, j, n, round, rounds = scaled(100) < 50 ? 2 : 3;
	uint64_t ids[40];

	for (i = 0; i < SIZES; i++) {
		if (is_slowest_home() && sizes[i] > 200000)
			continue;
		n = sizes[i] > 100000 ? 4 : scaled(100) <= 5 ? 10 : 40;
		for (round = 0; round < rounds; round++) {
			uint32_t size = sizes[i] - (i ? round % 2 : 0);

			for (j = 0; j < n; j++) {
				ASSERT_EQ(0, mmsb_create(j & 1 ? self->ring : self->other, size, &ids[j]));
				ASSERT_TRUE(all_are(self->space, ids[j], size, 0)) {
					TH_LOG("a new page of %u bytes is not zero", sizes[i]);
				}
				ASSERT_EQ(0, fill(self->ring, ids[j], size, 0xff));
			}
			for (j = 0; j < n; j++)
				ASSERT_EQ(0, mmsb_destroy(j & 2 ? self->ring : self->other, ids[j]));
		}
	}
	EXPECT_EQ(0, info_of(self->space).pages);
}

/* A gigabyte costs nothing until it is written. */
TEST_F(page, largest)
{
	uint64_t page, before, memory, cursor = 0, epoch;
	struct mmsb_page_info info;
	char bytes[8] = {};

	before = info_of(self->space).memory;
	ASSERT_EQ(0, mmsb_create(self->ring, MMSB_PAGE_MAX, &page));
	ASSERT_EQ(0, mmsb_page_next(self->space, &cursor, &info));
	EXPECT_EQ(MMSB_PAGE_MAX, info.length);
	memory = info_of(self->space).memory;
	EXPECT_GT(before + (4u << 20), memory);
	ASSERT_EQ(0, mmsb_set(self->ring, page, MMSB_PAGE_MAX - 8, "the end.", 8, NULL));
	ASSERT_EQ(0, mmsb_set(self->ring, page, (1u << 29) + 12345, "middle", 6, NULL));
	ASSERT_EQ(8, mmsb_read(self->space, page, MMSB_PAGE_MAX - 8, bytes, 8, &epoch));
	EXPECT_EQ(0, memcmp(bytes, "the end.", 8));
	EXPECT_EQ(2, epoch);
	ASSERT_EQ(8, mmsb_read(self->space, page, 1u << 29, bytes, 8, NULL));
	EXPECT_EQ(0, memcmp(bytes, "\0\0\0\0\0\0\0\0", 8));
	EXPECT_GT(before + (5u << 20), info_of(self->space).memory);
	EXPECT_LE(1ull << 30, info_of(self->space).bytes);
	ASSERT_EQ(0, mmsb_destroy(self->ring, page));
	EXPECT_GT(before + (1u << 20), info_of(self->space).memory);
}

/* The listing shows exactly the pages that live. */
TEST_F(page, listing)
{
	uint64_t ids[500], cursor = 0, seen = 0;
	struct mmsb_page_info info;
	unsigned int i;

	for (i = 0; i < 500; i++)
		ASSERT_EQ(0, mmsb_create(i & 1 ? self->ring : self->other, 64 + i, &ids[i]));
	for (i = 0; i < 500; i += 3)
		ASSERT_EQ(0, mmsb_destroy(self->ring, ids[i]));
	while (!mmsb_page_next(self->space, &cursor, &info)) {
		for (i = 0; i < 500 && ids[i] != info.page; i++)
			;
		ASSERT_GT(500, i);
		EXPECT_NE(0, i % 3);
		EXPECT_EQ(64 + i, info.length);
		seen++;
	}
	EXPECT_EQ(333, seen);
	EXPECT_EQ(333, info_of(self->space).pages);
}

/* Many pages made and destroyed over and over do not make the space grow. */
TEST_F(page, churn)
{
	uint64_t ids[100], memory = 0;
	unsigned int i, round, rounds = scaled(200) + 10;
	struct rng rng = { .state = 5 };

	for (round = 0; round < rounds; round++) {
		for (i = 0; i < 100; i++)
			ASSERT_EQ(0, mmsb_create(i & 1 ? self->ring : self->other, 64 + rng_below(&rng, 4000), &ids[i]));
		for (i = 0; i < 100; i++)
			ASSERT_EQ(0, mmsb_destroy(i & 2 ? self->ring : self->other, ids[i]));
		if (round == 5)
			memory = info_of(self->space).memory;
	}
	EXPECT_EQ(0, info_of(self->space).pages);
	EXPECT_GE(memory + memory / 2 + (1u << 20), info_of(self->space).memory);
}

TEST_HARNESS_MAIN
