// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients that are killed with SIGKILL at any moment: while they open and close, submit and reap, make and destroy pages, wait and take
 * snapshots. After each round what they had must be gone (rings, memory, references), what they wrote must be whole (epoch, bytes and hash
 * agree), and a neighbour that worked on all the while must have noticed nothing.
 *
 * What a dead client left in the kernel's memory is kmemleak's to find, which the bed asks when the module is removed.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include "common/harness.h"
#include "common/home.h"

#define VICTIMS 3
#define COMMON	20000u		/* bytes of the page that all victims write */

FIXTURE(kill) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	char name[32];
	uint64_t common;	/* filled whole, with one value after the other, by the victims */
	uint64_t mine;		/* the neighbour's */
};

FIXTURE_VARIANT(kill) {
	uint32_t space_flags, ring_flags;
};

FIXTURE_VARIANT_ADD(kill, inline) { .space_flags = MMSB_SPACE_INLINE };
FIXTURE_VARIANT_ADD(kill, polled) { .ring_flags = MMSB_RING_POLLED };

FIXTURE_SETUP(kill)
{
	if (!home_is_kernel())
		SKIP(return, "who kills a process kills its embedded spaces, too");
	snprintf(self->name, sizeof(self->name), "test-kill-%d", getpid());
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, self->name, MMSB_OPTS(struct mmsb_space_opts, .shards = 2,
				     .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | variant->space_flags), &self->space)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = variant->ring_flags, .shard = 1),
				    &self->ring));
	ASSERT_EQ(0, mmsb_create(self->ring, COMMON, &self->common));
	ASSERT_EQ(0, mmsb_create(self->ring, 64, &self->mine));
}

FIXTURE_TEARDOWN(kill)
{
	if (!self->ring)
		return;
	mmsb_ring_close(self->ring);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

/* --------------------------------------------------------------------------------------------------------- the victim */

static void victim_submits(struct mmsb_ring *ring, uint64_t common, struct rng *rng)
{
	struct mmsb_sqe *sqe;
	struct mmsb_cqe cqe;
	unsigned int n;

	for (n = rng_below(rng, is_slowest_home() ? 8 : 40); n && (sqe = mmsb_get_sqe(ring)); n--) {
		mmsb_prep_fill(sqe, common, 0, COMMON, MMSB_LANE_U64, rng_next(rng));
		if (rng_once_in(rng, 2))
			mmsb_sqe_quiet(sqe);
	}
	mmsb_submit(ring);
	if (rng_once_in(rng, 2))
		while (mmsb_peek_cqe(ring, &cqe) == 1)
			;
}

/* Pages that the victim makes are taken down by itself, or by the parent afterwards. */
static void victim_makes_pages(struct mmsb_ring *ring, struct rng *rng)
{
	uint64_t pages[8];
	unsigned int i, n;

	for (n = 0; n < 8 && !mmsb_create(ring, 64 + rng_below(rng, is_slowest_home() ? 9000 : 100000), &pages[n]); n++)
		mmsb_set(ring, pages[n], 0, "victim", 6, NULL);
	for (i = 0; i < n; i++)
		mmsb_destroy(ring, pages[i]);
}

static void victim_looks(struct mmsb_space *space, uint64_t common, struct rng *rng)
{
	static char bytes[COMMON];
	void *to = bytes;
	size_t len = sizeof(bytes);
	int result;

	mmsb_snapshot(space, &common, 1, &to, &len, NULL, &result, NULL);
	mmsb_read(space, common, 0, bytes, sizeof(bytes), NULL);
	mmsb_wait(space, common, rng_below(rng, 100000), 100000, NULL);
}

static void be_victim(const char *name, uint32_t ring_flags, uint64_t common, uint64_t seed)
{
	struct rng rng = { .state = seed };
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb *mmsb;
	unsigned int i;

	for (;;) {
		if (mmsb_open(&mmsb, NULL) || mmsb_space_open(mmsb, name, NULL, &space))
			_exit(1);
		if (mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .flags = rng_once_in(&rng, 2) ? ring_flags : 0,
						    .shard = 1 + rng_below(&rng, 2)), &ring))
			_exit(2);
		for (i = rng_below(&rng, 30); i; i--) {
			switch (rng_below(&rng, 4)) {
			case 0:
				victim_makes_pages(ring, &rng);
				break;
			case 1:
				victim_looks(space, common, &rng);
				break;
			default:
				victim_submits(ring, common, &rng);
			}
			while (mmsb_drain(ring, SECOND) == -EBUSY) {
				struct mmsb_cqe cqe;

				while (mmsb_peek_cqe(ring, &cqe) == 1)
					;
			}
		}
		mmsb_ring_close(ring);
		mmsb_space_close(space);
		mmsb_close(mmsb);
	}
}

/* ------------------------------------------------------------------------------------------------------- looking after */

static struct mmsb_space_info_args info_of(struct mmsb_space *space)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };

	if (mmsb_space_info(space, &info))
		abort();
	return info;
}

/* What a victim had no time to take down. */
static int destroy_strays(FIXTURE_DATA(kill) *self)
{
	struct mmsb_page_info page;
	uint64_t cursor = 0;
	int ret = 0;

	while (!ret && !mmsb_page_next(self->space, &cursor, &page))
		if (page.page != self->common && page.page != self->mine)
			ret = mmsb_destroy(self->ring, page.page);
	return ret;
}

/* A shard keeps an empty slab of each size that it once had pages of; here it had all. What victims leave is then no more, however they fared. */
static int have_had_all_sizes(struct mmsb_space *space)
{
	struct mmsb_ring *ring;
	uint32_t shard, size;
	uint64_t page;
	int err = 0;

	for (shard = 1; !err && shard <= 2; shard++) {
		err = mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .shard = shard), &ring);
		if (err)
			break;
		for (size = 64; !err && size <= 65536; size += size / 4)
			err = mmsb_create(ring, size, &page) ?: mmsb_destroy(ring, page);
		mmsb_ring_close(ring);
	}
	return err;
}

static int page_is_whole(FIXTURE_DATA(kill) *self)
{
	static uint64_t words[COMMON / 8];
	unsigned int i;

	if (mmsb_read(self->space, self->common, 0, words, COMMON, NULL) != COMMON)
		return -1;
	for (i = 1; i < COMMON / 8; i++)
		if (words[i] != words[0])
			return -2;
	return 0;
}

static int hash_agrees(struct mmsb_space *space)
{
	uint64_t kept[2], fresh[2];

	if (mmsb_hash(space, 0, kept, NULL) || mmsb_hash(space, MMSB_HASH_RECOMPUTE, fresh, NULL))
		return -1;
	return memcmp(kept, fresh, sizeof(kept));
}

TEST_F_TIMEOUT(kill, at_any_moment, 110)
{
	uint64_t seed = rng_seed(), round, end = now_ns() + (soak_seconds() ?: is_slowest_home() ? 10 : 15) * SECOND, memory = 0, mine = 0;
	struct rng rng = { .state = seed };
	struct mmsb_space_info_args info;
	pid_t victim[VICTIMS];
	int i, status;

	TH_LOG("MMSB_SEED=%llu", (unsigned long long)seed);
	ASSERT_EQ(0, have_had_all_sizes(self->space));
	for (round = 0; now_ns() < end; round++) {
		for (i = 0; i < VICTIMS; i++) {
			victim[i] = fork();
			if (!victim[i])
				be_victim(self->name, variant->ring_flags, self->common, rng_next(&rng) + i);
		}
		for (i = 0; i < VICTIMS; i++) {
			unsigned int wait = rng_below(&rng, is_slowest_home() ? 20 : 60);

			while (wait--) {
				ASSERT_EQ(0, mmsb_add(self->ring, self->mine, 0, 1, NULL));
				mine++;
				usleep(1000);
			}
			ASSERT_EQ(0, kill(victim[i], SIGKILL));
			ASSERT_EQ(victim[i], waitpid(victim[i], &status, 0));
			ASSERT_TRUE(WIFSIGNALED(status)) {
				TH_LOG("the victim ended by itself: %#x", status);
			}
		}
		info = info_of(self->space);
		ASSERT_EQ(1, info.rings);
		ASSERT_EQ(0, page_is_whole(self));
		ASSERT_EQ(0, destroy_strays(self));
		info = info_of(self->space);
		ASSERT_EQ(2, info.pages);
		ASSERT_EQ(0, hash_agrees(self->space));
		ASSERT_EQ(0, mmsb_read(self->space, self->mine, 0, &info.cursor, 8, NULL) != 8 || info.cursor != mine);
		/* tables that grew in the first rounds may stay; they may not grow on and on */
		if (round == 3)
			memory = info.memory;
		if (round > 3)
			ASSERT_GE(memory + (1u << 20), info.memory);
	}
	TH_LOG("%llu rounds", (unsigned long long)round);
	EXPECT_LT(0, round);
}

/* A process that has a space of its own, unpinned: killed, the space is gone. */
TEST_F_TIMEOUT(kill, with_its_space, 110)
{
	struct mmsb_info_args before = { .size = sizeof(before) }, after = { .size = sizeof(after) };
	struct rng rng = { .state = rng_seed() };
	unsigned int round, n = scaled(200) + 5;
	int status;

	ASSERT_EQ(0, mmsb_info(self->mmsb, &before));
	for (round = 0; round < n; round++) {
		pid_t child = fork();

		if (!child) {
			struct mmsb_space *space;
			struct mmsb_ring *ring;

			for (;;) {
				if (mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 2,
						    .flags = MMSB_SPACE_CREATE | variant->space_flags), &space))
					_exit(1);
				if (mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .flags = variant->ring_flags), &ring))
					_exit(2);
				victim_makes_pages(ring, &rng);
				mmsb_ring_close(ring);
				mmsb_space_close(space);
			}
		}
		usleep(rng_below(&rng, 40000));
		ASSERT_EQ(0, kill(child, SIGKILL));
		ASSERT_EQ(child, waitpid(child, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
	}
	ASSERT_EQ(0, mmsb_info(self->mmsb, &after));
	EXPECT_EQ(before.spaces, after.spaces);
}

TEST_HARNESS_MAIN
