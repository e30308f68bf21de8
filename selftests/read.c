// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading while others write. Writers fill a whole page with one 64-bit value after the other, so a page in which two words differ was
 * read torn. Two pages that are written in turn, with fences between, are never more than one step apart at any tick, so a
 * snapshot in which they are was not of one tick. Readers must also finish, however hot the page.
 */
#include <pthread.h>
#include <sys/wait.h>
#include "common/harness.h"
#include "common/home.h"
#include "home.h"

#define LARGEST (1u << 20)

FIXTURE(read) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	char name[32];
};

FIXTURE_VARIANT(read) {
	uint32_t space_flags, ring_flags;
};

FIXTURE_VARIANT_ADD(read, inline) { .space_flags = MMSB_SPACE_INLINE };
FIXTURE_VARIANT_ADD(read, polled) { .ring_flags = MMSB_RING_POLLED };

FIXTURE_SETUP(read)
{
	snprintf(self->name, sizeof(self->name), "test-read-%d", getpid());
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, self->name, MMSB_OPTS(struct mmsb_space_opts, .shards = 2,
				     .flags = MMSB_SPACE_CREATE | variant->space_flags), &self->space)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = variant->ring_flags, .shard = 1),
				    &self->ring));
}

FIXTURE_TEARDOWN(read)
{
	mmsb_ring_close(self->ring);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

/* -------------------------------------------------------------------------------------------------------- the writer */

struct writer {
	struct mmsb_space *space;
	uint32_t ring_flags;
	uint64_t page[2];	/* filled in turn; the second may be 0 */
	uint32_t bytes;
	bool fenced;
	bool stop;
	int failed;
	uint64_t written;
};

static void enqueue_fill(struct mmsb_ring *ring, uint64_t page, uint32_t bytes, uint64_t value)
{
	struct mmsb_sqe *sqe;

	while (!(sqe = mmsb_get_sqe(ring)))
		mmsb_submit(ring);
	mmsb_prep_fill(sqe, page, 0, bytes, MMSB_LANE_U64, value);
	mmsb_sqe_quiet(sqe);
}

static void enqueue_fence(struct mmsb_ring *ring)
{
	struct mmsb_sqe *sqe;

	while (!(sqe = mmsb_get_sqe(ring)))
		mmsb_submit(ring);
	mmsb_prep_fence(sqe);
	mmsb_sqe_quiet(sqe);
}

static void *write_on(void *arg)
{
	struct writer *writer = arg;
	struct mmsb_ring *ring;
	struct mmsb_cqe cqe;
	unsigned int i;

	writer->failed = mmsb_ring_open(writer->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = writer->ring_flags, .shard = 1,
								 .sq_entries = 16), &ring);
	if (writer->failed)
		return NULL;
	while (!__atomic_load_n(&writer->stop, __ATOMIC_RELAXED) && !writer->failed) {
		writer->written++;
		for (i = 0; i < 2 && writer->page[i]; i++) {
			enqueue_fill(ring, writer->page[i], writer->bytes, writer->written);
			if (writer->fenced)
				enqueue_fence(ring);
		}
		mmsb_submit(ring);
		if (mmsb_peek_cqe(ring, &cqe))
			writer->failed = cqe.result ?: -EIO;
	}
	mmsb_drain(ring, PATIENCE);
	mmsb_ring_close(ring);
	return NULL;
}

static bool words_agree(const uint64_t *words, uint32_t bytes)
{
	uint32_t i;

	for (i = 1; i < bytes / 8; i++)
		if (words[i] != words[0])
			return false;
	return true;
}

/* --------------------------------------------------------------------------------------------------- one page, many sizes */

static const uint32_t sizes[] = { 64, 256, 4096, 65536, LARGEST };

/* Reads until so many versions of the page were seen whole, or for so long: returns 0, or what was wrong. */
static int read_on(struct mmsb_space *space, uint64_t page, uint32_t bytes, uint64_t versions)
{
	uint64_t *words = malloc(bytes), last = 0, epoch, before = 0, seen = 0, end = now_ns() + 3 * SECOND / 2;
	int ret = 0;

	while (!ret && seen < versions && now_ns() < end) {
		if (mmsb_read(space, page, 0, words, bytes, &epoch) != (ssize_t)bytes)
			ret = 1;
		else if (!words_agree(words, bytes))
			ret = 2;
		else if (words[0] < last || epoch < before || epoch != words[0])
			ret = 3;
		seen += words[0] != last;
		last = words[0];
		before = epoch;
	}
	free(words);
	if (!ret && !seen)
		ret = 4;
	return ret;
}

TEST_F_TIMEOUT(read, never_torn, 120)
{
	uint64_t versions = scaled(3000) + 20;
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct writer writer = { .space = self->space, .ring_flags = variant->ring_flags, .bytes = sizes[i] };
		pthread_t thread;
		int ret;

		ASSERT_EQ(0, mmsb_create(self->ring, sizes[i], &writer.page[0]));
		ASSERT_EQ(0, pthread_create(&thread, NULL, write_on, &writer));
		ret = read_on(self->space, writer.page[0], sizes[i], versions);
		__atomic_store_n(&writer.stop, true, __ATOMIC_RELAXED);
		pthread_join(thread, NULL);
		EXPECT_EQ(0, writer.failed);
		EXPECT_EQ(0, ret) {
			TH_LOG("%u bytes: 1 unread, 2 torn, 3 backwards or epoch of another version, 4 nothing seen", sizes[i]);
		}
	}
}

/* The same by readers in processes of their own. */
TEST_F_TIMEOUT(read, never_torn_elsewhere, 120)
{
	struct writer writer = { .space = self->space, .ring_flags = variant->ring_flags, .bytes = 4096 };
	struct mmsb_space *space;
	struct mmsb *mmsb;
	pthread_t thread;
	pid_t child[2];
	int i, status;

	if (!home_is_kernel())
		SKIP(return, "only the kernel home is shared by processes");
	ASSERT_EQ(0, mmsb_create(self->ring, writer.bytes, &writer.page[0]));
	for (i = 0; i < 2; i++) {
		child[i] = fork();
		if (child[i])
			continue;
		if (mmsb_open(&mmsb, NULL) || mmsb_space_open(mmsb, self->name,
		    MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_READ_ONLY), &space))
			_exit(9);
		_exit(read_on(space, writer.page[0], writer.bytes, scaled(3000) + 20));
	}
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_on, &writer));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(child[i], waitpid(child[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	__atomic_store_n(&writer.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, writer.failed);
}

/* ---------------------------------------------------------------------------------------------------------- views */

#if defined(__SANITIZE_THREAD__)
#define UNSEEN __attribute__((no_sanitize("thread")))
#else
#define UNSEEN
#endif

/* Bytes that may change while they are looked at: whether they did is asked afterwards. */
UNSEEN static bool words_agree_in_place(const volatile uint64_t *words, uint32_t bytes, uint64_t *first)
{
	uint32_t i;

	*first = words[0];
	for (i = 1; i < bytes / 8; i++)
		if (words[i] != *first)
			return false;
	return true;
}

TEST_F_TIMEOUT(read, view, 60)
{
	struct writer writer = { .space = self->space, .ring_flags = variant->ring_flags, .bytes = 4096 };
	uint64_t held = 0, spoilt = 0, wanted = scaled(20000) + 5, first, end = now_ns() + 5 * SECOND;
	struct mmsb_view view;
	pthread_t thread;
	bool agree;

	ASSERT_EQ(0, mmsb_create(self->ring, writer.bytes, &writer.page[0]));
	ASSERT_EQ(0, mmsb_view_begin(self->space, writer.page[0], &view));
	EXPECT_EQ(4096, view.length);
	EXPECT_EQ(0, view.epoch);
	EXPECT_TRUE(mmsb_view_end(&view));
	ASSERT_EQ(0, mmsb_add(self->ring, writer.page[0], 0, 1, NULL));
	EXPECT_FALSE(mmsb_view_end(&view));
	ASSERT_EQ(0, mmsb_add(self->ring, writer.page[0], 0, -1, NULL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_on, &writer));
	while (held < wanted && now_ns() < end) {
		int ret = mmsb_view_begin(self->space, writer.page[0], &view);

		if (ret == -EAGAIN)
			continue;
		ASSERT_EQ(0, ret);
		agree = words_agree_in_place(view.data, view.length, &first);
		if (!mmsb_view_end(&view)) {
			spoilt++;
			continue;
		}
		held++;
		ASSERT_TRUE(agree);
		ASSERT_EQ(view.epoch, first ? first + 2 : view.epoch);
	}
	__atomic_store_n(&writer.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_LT(0, held);
	TH_LOG("%llu held, %llu spoilt", (unsigned long long)held, (unsigned long long)spoilt);
}

/* -------------------------------------------------------------------------------------------------------- snapshots */

static int snapshot_two(struct mmsb_space *space, const uint64_t pages[2], uint64_t values[2], uint64_t *tick)
{
	void *to[2] = { &values[0], &values[1] };
	size_t len[2] = { 8, 8 };
	struct mmsb_page_info infos[2];
	int results[2], ret;

	ret = mmsb_snapshot(space, pages, 2, to, len, infos, results, tick);
	if (ret)
		return ret;
	if (results[0] != 8 || results[1] != 8)
		return -EIO;
	return infos[0].tick > *tick || infos[1].tick > *tick ? -ERANGE : 0;
}

TEST_F_TIMEOUT(read, snapshot_of_one_tick, 60)
{
	struct writer writer = { .space = self->space, .ring_flags = variant->ring_flags, .bytes = 64, .fenced = true };
	uint64_t i, n = scaled(5000) + 20, values[2], tick = 0, last = 0, end = now_ns() + 10 * SECOND, moved = 0;
	struct mmsb_ring *far;
	pthread_t thread;

	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = 2), &far));
	ASSERT_EQ(0, mmsb_create(self->ring, 64, &writer.page[0]));
	ASSERT_EQ(0, mmsb_create(far, 64, &writer.page[1]));
	mmsb_ring_close(far);
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_on, &writer));
	for (i = 0; (i < n || moved < 10) && now_ns() < end; i++) {
		ASSERT_EQ(0, snapshot_two(self->space, writer.page, values, &tick)) {
			TH_LOG("%s", mmsb_strerror_last());
		}
		ASSERT_GE(1, values[0] - values[1]) {
			TH_LOG("snapshot %llu: %llu and %llu", (unsigned long long)i, (unsigned long long)values[0],
			       (unsigned long long)values[1]);
		}
		ASSERT_LE(last, values[0]);
		moved += values[0] != last;
		last = values[0];
	}
	__atomic_store_n(&writer.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, writer.failed);
	EXPECT_LE(10, moved);
}

/* Missing and stale pages have results of their own, and short room takes what fits. */
TEST_F(read, snapshot_results)
{
	uint64_t pages[4], tick;
	char bytes[4][100] = {};
	void *to[4] = { bytes[0], bytes[1], bytes[2], bytes[3] };
	size_t len[4] = { 100, 100, 100, 10 };
	struct mmsb_page_info infos[4];
	int results[4];

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &pages[0]));
	ASSERT_EQ(0, mmsb_create(self->ring, 64, &pages[1]));
	ASSERT_EQ(0, mmsb_create(self->ring, 70000, &pages[3]));
	ASSERT_EQ(0, mmsb_destroy(self->ring, pages[1]));
	pages[2] = MMSB_PAGE_ID(1, 999);
	ASSERT_EQ(0, mmsb_set(self->ring, pages[0], 0, "first", 6, NULL));
	ASSERT_EQ(0, mmsb_set(self->ring, pages[3], 0, "the fourth", 11, NULL));
	ASSERT_EQ(0, mmsb_snapshot(self->space, pages, 4, to, len, infos, results, &tick));
	EXPECT_EQ(64, results[0]);
	EXPECT_STREQ("first", bytes[0]);
	EXPECT_EQ(1, infos[0].epoch);
	EXPECT_EQ(-ESTALE, results[1]);
	EXPECT_EQ(-ENOENT, results[2]);
	EXPECT_EQ(10, results[3]);
	EXPECT_EQ(0, memcmp(bytes[3], "the fourth", 11));
	EXPECT_EQ(0, mmsb_snapshot(self->space, pages, 1, to, len, NULL, results, NULL));
	EXPECT_EQ(-EINVAL, mmsb_snapshot(self->space, pages, 0, to, len, infos, results, &tick));
}

/* Offsets and lengths of a read: up to the end of the page and not beyond. */
TEST_F(read, ranges)
{
	uint64_t page, epoch = 77;
	char bytes[200];

	ASSERT_EQ(0, mmsb_create(self->ring, 100, &page));
	ASSERT_EQ(0, mmsb_set(self->ring, page, 90, "0123456789", 10, NULL));
	EXPECT_EQ(10, mmsb_read(self->space, page, 90, bytes, 200, &epoch));
	EXPECT_EQ(1, epoch);
	EXPECT_EQ(0, memcmp(bytes, "0123456789", 10));
	EXPECT_EQ(3, mmsb_read(self->space, page, 95, bytes, 3, NULL));
	EXPECT_EQ(0, memcmp(bytes, "567", 3));
	EXPECT_EQ(0, mmsb_read(self->space, page, 100, bytes, 1, NULL));
	EXPECT_GE(0, mmsb_read(self->space, page, 101, bytes, 1, NULL));
	EXPECT_GE(0, mmsb_read(self->space, page, ~0ull, bytes, 100, NULL));
	EXPECT_EQ(-ENOENT, mmsb_read(self->space, page + (1ull << 32), 0, bytes, 1, NULL));
}

/* What a reader falls back on gives the same ranges, also of a page that is larger than any payload area. */
TEST_F(read, ranges_asked_of_the_shard)
{
	static uint8_t bytes[70000], found[70000];
	uint64_t page, epoch = 77, end = (100u << 20) - 60000;
	ssize_t got;

	memset(bytes, 7, sizeof(bytes));
	ASSERT_EQ(0, mmsb_create(self->ring, 100u << 20, &page));
	ASSERT_EQ(0, mmsb_set(self->ring, page, end, bytes, 60000, NULL));
	ASSERT_EQ(0, msl_space_snapshot_one(self->space, page, end - 5, found, sizeof(found), &epoch, &got));
	EXPECT_EQ(60005, got);
	EXPECT_EQ(1, epoch);
	EXPECT_EQ(0, found[4]);
	EXPECT_EQ(0, memcmp(bytes, found + 5, 60000));
	ASSERT_EQ(0, msl_space_snapshot_one(self->space, page, end + 1, found, 3, NULL, &got));
	EXPECT_EQ(3, got);
	ASSERT_EQ(0, msl_space_snapshot_one(self->space, page, 100u << 20, found, 3, NULL, &got));
	EXPECT_EQ(0, got);
	EXPECT_EQ(-ENOENT, msl_space_snapshot_one(self->space, page + (1ull << 32), 0, found, 1, NULL, &got));
}

TEST_HARNESS_MAIN
