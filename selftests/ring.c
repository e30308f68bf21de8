// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring by itself: the thinnest slice through everything first, then full queues, quiet entries, fences, sleeping pollers,
 * timeouts, and what is left when a ring is closed. Every test runs on an inline and on a polled ring.
 */
#include <poll.h>
#include <sys/epoll.h>
#include "common/harness.h"
#include "common/home.h"

FIXTURE(ring) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;		/* on shard 0, 8 entries, 8 completions */
	struct mmsb_ring *other;	/* on shard 1, roomy */
	uint64_t page, far;		/* on shard 0 and 1 */
};

FIXTURE_VARIANT(ring) {
	uint32_t space_flags, ring_flags;
};

FIXTURE_VARIANT_ADD(ring, inline) { .space_flags = MMSB_SPACE_INLINE };
FIXTURE_VARIANT_ADD(ring, inline_among_pollers) { .space_flags = 0 };
FIXTURE_VARIANT_ADD(ring, polled) { .ring_flags = MMSB_RING_POLLED };

FIXTURE_SETUP(ring)
{
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 2,
				     .flags = MMSB_SPACE_CREATE | variant->space_flags), &self->space)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = variant->ring_flags, .sq_entries = 8,
				    .cq_entries = 8, .shard = 1, .idle_us = 50), &self->ring));
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = variant->ring_flags, .shard = 2),
				    &self->other));
	ASSERT_EQ(0, mmsb_create(self->ring, 4096, &self->page));
	ASSERT_EQ(0, mmsb_create(self->other, 4096, &self->far));
}

FIXTURE_TEARDOWN(ring)
{
	mmsb_ring_close(self->ring);
	mmsb_ring_close(self->other);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

static int64_t value_at(struct mmsb_space *space, uint64_t page)
{
	int64_t value = -1;

	return mmsb_read(space, page, 0, &value, 8, NULL) == 8 ? value : -1;
}

static int add_later(struct mmsb_ring *ring, uint64_t page, uint64_t data)
{
	struct mmsb_sqe *sqe = mmsb_get_sqe(ring);

	if (!sqe)
		return -1;
	mmsb_prep_add(sqe, page, 0, 1);
	mmsb_sqe_set_data(sqe, data);
	return 0;
}

/* One space, one page, one delta, one reader. */
TEST_F(ring, slice)
{
	struct mmsb_sqe *sqe = mmsb_get_sqe(self->ring);
	struct mmsb_cqe cqe;
	uint64_t epoch;
	char text[6];

	ASSERT_NE(NULL, sqe);
	mmsb_prep_set(sqe, self->page, 100, "hello", 6);
	mmsb_sqe_set_data(sqe, 0xfedcba9876543210);
	ASSERT_EQ(1, mmsb_submit(self->ring));
	ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
	EXPECT_EQ(0xfedcba9876543210, cqe.user_data);
	EXPECT_EQ(0, cqe.result);
	EXPECT_EQ(0, cqe.flags);
	EXPECT_EQ(0, cqe.reason);
	EXPECT_EQ(1, cqe.epoch);
	EXPECT_LT(0, cqe.tick);
	EXPECT_LE(cqe.tick, mmsb_tick(self->space));
	ASSERT_EQ(6, mmsb_read(self->space, self->page, 100, text, 6, &epoch));
	EXPECT_STREQ("hello", text);
	EXPECT_EQ(1, epoch);
	EXPECT_EQ(0, mmsb_peek_cqe(self->ring, &cqe));
}

/* What is not submitted is not applied, however long one waits. */
TEST_F(ring, not_before_submit)
{
	struct mmsb_cqe cqe;

	ASSERT_EQ(0, add_later(self->ring, self->page, 1));
	usleep(20000);
	EXPECT_EQ(0, value_at(self->space, self->page));
	ASSERT_EQ(1, mmsb_submit(self->ring));
	ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
	EXPECT_EQ(1, value_at(self->space, self->page));
}

TEST_F(ring, full_submission_queue)
{
	struct mmsb_cqe cqe;
	unsigned int i;

	EXPECT_EQ(8, mmsb_sq_space(self->ring));
	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, add_later(self->ring, self->page, i));
	EXPECT_EQ(0, mmsb_sq_space(self->ring));
	EXPECT_EQ(NULL, mmsb_get_sqe(self->ring));
	EXPECT_EQ(8, mmsb_submit(self->ring));
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
		EXPECT_EQ(i, cqe.user_data);
		EXPECT_EQ(i + 1, cqe.epoch);
	}
	EXPECT_EQ(8, mmsb_sq_space(self->ring));
	EXPECT_EQ(8, value_at(self->space, self->page));
}

/* Eight completions unreaped hold up eight more entries, at both shards; none is lost, and each reaped one lets one in. */
static void fill_completions(struct __test_metadata *_metadata, FIXTURE_DATA(ring) *self, uint64_t page)
{
	struct mmsb_cqe cqe;
	unsigned int i;

	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, add_later(self->ring, page, i));
	ASSERT_EQ(8, mmsb_submit_and_wait(self->ring, 8, PATIENCE));
	for (i = 8; i < 16; i++)
		ASSERT_EQ(0, add_later(self->ring, page, i));
	ASSERT_EQ(8, mmsb_submit(self->ring));
	usleep(20000);
	EXPECT_EQ(8, value_at(self->space, page));
	EXPECT_EQ(NULL, mmsb_get_sqe(self->ring));
	EXPECT_EQ(-EBUSY, mmsb_drain(self->ring, SECOND / 20));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(1, mmsb_peek_cqe(self->ring, &cqe));
		EXPECT_EQ(i, cqe.user_data);
	}
	ASSERT_LE(0, mmsb_submit(self->ring));
	for (; i < 16; i++) {
		ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE)) {
			TH_LOG("completion %u", i);
		}
		EXPECT_EQ(i, cqe.user_data);
		EXPECT_EQ(i + 1, cqe.epoch);
	}
	EXPECT_EQ(16, value_at(self->space, page));
}

TEST_F(ring, full_completion_queue)
{
	fill_completions(_metadata, self, self->page);
}

TEST_F(ring, full_completion_queue_from_afar)
{
	fill_completions(_metadata, self, self->far);
}

TEST_F(ring, quiet)
{
	struct mmsb_sqe *sqe;
	struct mmsb_cqe cqe;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, add_later(self->ring, i & 1 ? self->far : self->page, i));
	}
	/* four that succeed in silence, one that fails aloud */
	for (i = 0; i < 4; i++) {
		sqe = mmsb_get_sqe(self->ring);
		ASSERT_NE(NULL, sqe);
		mmsb_prep_add(sqe, i == 2 ? 77 : i & 1 ? self->far : self->page, 0, 100);
		mmsb_sqe_quiet(sqe);
		mmsb_sqe_set_data(sqe, 1000 + i);
	}
	ASSERT_EQ(8, mmsb_submit(self->ring));
	ASSERT_EQ(0, mmsb_drain(self->ring, PATIENCE));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(1, mmsb_peek_cqe(self->ring, &cqe));
		if (cqe.result) {
			EXPECT_EQ(1002, cqe.user_data);
			EXPECT_EQ(MMSB_REASON_NO_PAGE, cqe.reason);
		} else {
			EXPECT_GT(4, cqe.user_data);
		}
	}
	EXPECT_EQ(0, mmsb_peek_cqe(self->ring, &cqe));
	EXPECT_EQ(102, value_at(self->space, self->page));
	EXPECT_EQ(202, value_at(self->space, self->far));
}

/* A fence completes behind everything before it, also what went to another shard. */
TEST_F(ring, fence)
{
	unsigned int i, round, before;
	struct mmsb_sqe *sqe;
	struct mmsb_cqe cqe;

	for (round = 0; round < scaled(500); round++) {
		for (i = 0; i < 5; i++)
			ASSERT_EQ(0, add_later(self->ring, i & 1 ? self->far : self->page, i));
		sqe = mmsb_get_sqe(self->ring);
		mmsb_prep_fence(sqe);
		mmsb_sqe_set_data(sqe, 99);
		ASSERT_EQ(0, add_later(self->ring, self->page, 7));
		ASSERT_EQ(7, mmsb_submit(self->ring));
		for (before = i = 0; i < 7; i++) {
			ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
			EXPECT_EQ(0, cqe.result);
			before += cqe.user_data < 5;
			if (cqe.user_data == 99)
				EXPECT_EQ(5, before);
		}
	}
}

TEST_F(ring, timeout)
{
	uint64_t begun = now_ns(), took;
	struct mmsb_cqe cqe;

	EXPECT_EQ(-ETIME, mmsb_wait_cqe(self->ring, &cqe, SECOND / 10));
	took = now_ns() - begun;
	EXPECT_LE(SECOND / 10, took);
	EXPECT_GT(20 * SECOND, took);
	EXPECT_EQ(-ETIME, mmsb_wait_cqe(self->ring, &cqe, 0));
	EXPECT_EQ(-ETIME, mmsb_submit_and_wait(self->ring, 1, SECOND / 100));
}

TEST_F(ring, submit_and_wait)
{
	struct mmsb_cqe cqes[8];
	unsigned int i;

	for (i = 0; i < 6; i++)
		ASSERT_EQ(0, add_later(self->ring, i & 1 ? self->far : self->page, i));
	ASSERT_EQ(6, mmsb_submit_and_wait(self->ring, 6, PATIENCE));
	EXPECT_EQ(6, mmsb_peek_cqes(self->ring, cqes, 8));
	EXPECT_EQ(0, mmsb_peek_cqes(self->ring, cqes, 8));
}

/* A poller that went to sleep is woken by whoever submits, each time. */
TEST_F(ring, wakes_up)
{
	struct mmsb_cqe cqe;
	unsigned int i, n = scaled(300);

	for (i = 0; i < n; i++) {
		/* around the idle time, where going to sleep and submitting meet */
		usleep(i % 3 ? i % 150 : 2000);
		ASSERT_EQ(0, add_later(self->ring, i & 1 ? self->far : self->page, i));
		ASSERT_EQ(1, mmsb_submit(self->ring));
		ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE)) {
			TH_LOG("round %u: nobody woke up", i);
		}
		ASSERT_EQ(i, cqe.user_data);
	}
}

/* The indices are free-running 32-bit numbers modulo few entries: many times around. */
TEST_F(ring, many_times_around)
{
	unsigned int sent = 0, got = 0, n = scaled(200000);
	struct mmsb_cqe cqe;
	int ret;

	while (got < n) {
		while (sent < n && !add_later(self->ring, self->page, sent))
			sent++;
		ASSERT_LE(0, mmsb_submit(self->ring));
		ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
		do {
			ASSERT_EQ(got, cqe.user_data);
			ASSERT_EQ(got + 1, cqe.epoch);
			got++;
			ret = mmsb_peek_cqe(self->ring, &cqe);
		} while (ret == 1);
		ASSERT_EQ(0, ret);
		/* what has completed takes up no room, or one would wait for it in vain */
		ASSERT_LE(8 - (sent - got), mmsb_sq_space(self->ring));
	}
	EXPECT_EQ(n, value_at(self->space, self->page));
}

/* Quiet deltas make no completion to wait for: what a producer waits for is room. */
TEST_F(ring, waits_for_room)
{
	unsigned int sent, n = scaled(50000);
	struct mmsb_sqe *sqe;

	for (sent = 0; sent < n; sent++) {
		sqe = mmsb_get_sqe(self->ring);
		if (!sqe) {
			ASSERT_EQ(0, mmsb_sq_wait(self->ring, PATIENCE));
			sqe = mmsb_get_sqe(self->ring);
			ASSERT_NE(NULL, sqe);
		}
		mmsb_prep_add(sqe, self->page, 0, 1);
		mmsb_sqe_quiet(sqe);
	}
	ASSERT_LE(0, mmsb_submit(self->ring));
	ASSERT_EQ(0, mmsb_drain(self->ring, PATIENCE));
	EXPECT_EQ(n, value_at(self->space, self->page));
}

/*
 * Both queues full: nothing but reaping makes room, and the call says so instead of sleeping on. What is reaped makes room, and
 * no less so where a poller fills the place in the one queue while we look at the other.
 */
TEST_F(ring, no_room_before_reaping)
{
	unsigned int sent = 0, round, rounds = scaled(2000);
	struct mmsb_cqe cqe;
	int ret;

	for (round = 0; round < rounds; round++) {
		do {
			while (!add_later(self->ring, self->page, sent))
				sent++;
			ret = mmsb_sq_wait(self->ring, PATIENCE);
		} while (!ret);
		ASSERT_EQ(-EBUSY, ret);
		ASSERT_EQ(1, mmsb_peek_cqe(self->ring, &cqe));
		ASSERT_EQ(round, cqe.user_data);
		ASSERT_EQ(0, mmsb_sq_wait(self->ring, PATIENCE));
	}
}

/* An operand as large as the area finds room in it whenever nothing else is under way. */
TEST_F(ring, payload_whole)
{
	static unsigned char bytes[3 * 8192], found[sizeof(bytes)];
	struct mmsb_ring *ring;
	uint64_t page;
	int i;

	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .payload_bytes = 8192), &ring));
	ASSERT_EQ(0, mmsb_create(ring, sizeof(bytes), &page));
	for (i = 0; i < 4; i++) {
		memset(bytes, i + 1, sizeof(bytes));
		EXPECT_EQ(0, mmsb_set(ring, page, 0, bytes, 40 + 8 * i, NULL));
		EXPECT_EQ(0, mmsb_set(ring, page, 0, bytes, sizeof(bytes), NULL));
		ASSERT_EQ((ssize_t)sizeof(bytes), mmsb_read(self->space, page, 0, found, sizeof(found), NULL));
		EXPECT_EQ(0, memcmp(bytes, found, sizeof(bytes)));
	}
	mmsb_ring_close(ring);
}

/* Payload room is had again when completions are reaped, quiet ones included. */
TEST_F(ring, payload_room)
{
	uint8_t bytes[4096], found[4096];
	unsigned int i, n = scaled(2000);
	struct mmsb_sqe *sqe;
	struct mmsb_cqe cqe;
	void *room;

	for (i = 0; i < n; i++) {
		memset(bytes, i, sizeof(bytes));
		sqe = mmsb_get_sqe(self->ring);
		ASSERT_NE(NULL, sqe);
		sqe->op = MMSB_OP_SET;
		sqe->page = self->far;
		sqe->len = 1 + i % 4096;
		room = mmsb_sqe_payload(self->ring, sqe, sqe->len);
		ASSERT_NE(NULL, room);
		memcpy(room, bytes, sqe->len);
		if (i % 3)
			mmsb_sqe_quiet(sqe);
		ASSERT_EQ(1, mmsb_submit(self->ring));
		if (i % 3 == 0) {
			ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
			ASSERT_EQ(0, cqe.result);
		} else {
			ASSERT_EQ(0, mmsb_drain(self->ring, PATIENCE));
		}
		ASSERT_EQ(1 + i % 4096, mmsb_read(self->space, self->far, 0, found, 1 + i % 4096, NULL));
		ASSERT_EQ(0, memcmp(found, bytes, 1 + i % 4096));
	}
}

TEST_F(ring, one_call_each)
{
	uint64_t page, epoch, size = 100;
	char text[16] = {};

	ASSERT_EQ(0, mmsb_create(self->ring, size, &page));
	ASSERT_EQ(0, mmsb_set(self->ring, page, 8, "0123456789", 10, &epoch));
	EXPECT_EQ(1, epoch);
	ASSERT_EQ(0, mmsb_cas(self->ring, page, 8, "0123456789", "abcdefghij", 10, &epoch));
	EXPECT_EQ(2, epoch);
	EXPECT_EQ(-ECANCELED, mmsb_cas(self->ring, page, 8, "0123456789", "xxxxxxxxxx", 10, &epoch));
	EXPECT_NE(NULL, strstr(mmsb_strerror_last(), mmsb_reason_text(MMSB_REASON_BYTES_DIFFER))) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, mmsb_add(self->ring, page, 64, -5, &epoch));
	ASSERT_EQ(10, mmsb_read(self->space, page, 8, text, 10, &epoch));
	EXPECT_EQ(3, epoch);
	EXPECT_STREQ("abcdefghij", text);
	ASSERT_EQ(0, mmsb_append(self->ring, page, 72, "xyz", 3, &epoch));
	EXPECT_EQ(-ERANGE, mmsb_set(self->ring, page, 99, "ab", 2, NULL));
	EXPECT_NE(NULL, strstr(mmsb_strerror_last(), mmsb_reason_text(MMSB_REASON_OUT_OF_PAGE)));
	ASSERT_EQ(0, mmsb_destroy(self->ring, page));
	EXPECT_EQ(-ESTALE, mmsb_destroy(self->ring, page));
	EXPECT_EQ(-ESTALE, mmsb_read(self->space, page, 0, text, 1, NULL));
}

TEST_F(ring, one_call_among_unreaped)
{
	ASSERT_EQ(0, add_later(self->ring, self->page, 1));
	ASSERT_EQ(1, mmsb_submit_and_wait(self->ring, 1, PATIENCE));
	EXPECT_EQ(-EBUSY, mmsb_add(self->ring, self->page, 0, 1, NULL));
	EXPECT_EQ(1, value_at(self->space, self->page));
}

/* What was submitted is applied although the ring is closed at once. */
TEST_F(ring, close_applies)
{
	struct mmsb_ring *ring;
	unsigned int i, round, n = scaled(100);

	for (round = 0; round < n; round++) {
		ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = variant->ring_flags, .shard = 1),
					    &ring));
		for (i = 0; i < 50; i++)
			ASSERT_EQ(0, add_later(ring, i & 1 ? self->far : self->page, i));
		ASSERT_EQ(50, mmsb_submit(ring));
		mmsb_ring_close(ring);
	}
	EXPECT_EQ(25 * n, value_at(self->space, self->page));
	EXPECT_EQ(25 * n, value_at(self->space, self->far));
}

TEST_F(ring, poll_and_epoll)
{
	struct epoll_event event = { .events = EPOLLIN }, came;
	struct pollfd pfd = { .events = POLLIN };
	struct mmsb_cqe cqe;
	int epoll;

	pfd.fd = mmsb_ring_fd(self->ring);
	if (!home_is_kernel()) {
		EXPECT_EQ(-ENOTSUP, pfd.fd);
		SKIP(return, "rings are descriptors in the kernel home only");
	}
	ASSERT_LE(0, pfd.fd);
	EXPECT_EQ(0, poll(&pfd, 1, 50));
	epoll = epoll_create1(0);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, pfd.fd, &event));
	EXPECT_EQ(0, epoll_wait(epoll, &came, 1, 50));
	ASSERT_EQ(0, add_later(self->ring, self->far, 5));
	ASSERT_EQ(1, mmsb_submit(self->ring));
	EXPECT_EQ(1, epoll_wait(epoll, &came, 1, 10000));
	EXPECT_EQ(1, poll(&pfd, 1, 10000));
	EXPECT_EQ(POLLIN, pfd.revents & POLLIN);
	ASSERT_EQ(1, mmsb_peek_cqe(self->ring, &cqe));
	EXPECT_EQ(0, poll(&pfd, 1, 50));
	pfd.events = POLLOUT;
	EXPECT_EQ(1, poll(&pfd, 1, 10000));
	close(epoll);
}

TEST_HARNESS_MAIN
