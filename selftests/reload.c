// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module goes and comes again: right behind a space that somebody was about to look at, and whether a fresh one bears it that there is no
 * memory for a poller when that is needed for the first time. It is the last program of a boot, for whatever the others left goes with the module.
 */
#include <fcntl.h>
#include <sys/syscall.h>
#include <netlink/socket.h>
#include "common/harness.h"
#include "common/home.h"
#include "common/shards.h"
#include "common/starve.h"

FIXTURE(reload) {
	const char *module;
	char name[32];
};

FIXTURE_SETUP(reload)
{
	self->module = getenv("MMSB_KO");
	if (!home_is_kernel() || !self->module)
		SKIP(return, "MMSB_KO names no module that could be loaded again; selftests/bed/guest does");
	snprintf(self->name, sizeof(self->name), "test-reload-%d", getpid());
}

FIXTURE_TEARDOWN(reload)
{
}

static struct rows rows;	/* too large for a stack */

static int unload(void)
{
	uint64_t end = now_ns() + PATIENCE;

	while (syscall(SYS_delete_module, "mmsb", O_NONBLOCK)) {
		if (errno != EAGAIN && errno != EBUSY && errno != EWOULDBLOCK)
			return -errno;
		if (now_ns() > end)
			return -ETIME;
		usleep(1000);
	}
	return 0;
}

static int load(const char *module)
{
	int fd = open(module, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

/* A space that is full is looked at at once, and once a second from then on. It goes as it is left. */
static int leave_full_space(const char *name)
{
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb *mmsb;
	uint64_t page;
	int err = mmsb_open(&mmsb, NULL);

	if (err)
		return err;
	err = mmsb_space_open(mmsb, name, MMSB_OPTS(struct mmsb_space_opts, .shards = 1, .max_pages = 1, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_EXCL),
			      &space) ?:
	      mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_POLLED), &ring) ?: mmsb_create(ring, 64, &page);
	if (err)
		return err;
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	mmsb_close(mmsb);
	return 0;
}

/* A space holds the module, whoever has it open: nothing may be left of it when it lets go. */
TEST_F(reload, goes_right_behind_a_space)
{
	uint64_t rounds = scaled(500), i;

	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, leave_full_space(self->name));
		ASSERT_EQ(0, unload());
		ASSERT_EQ(0, load(self->module));
	}
}

/* On a socket of its own, for after a failure answers may be left in it, or none come. */
static bool starved_move(struct starve *starve, unsigned int nth, const char *name)
{
	struct nlc nl;
	bool came;

	if (nlc_open(&nl))
		return false;
	nl_socket_set_nonblocking(nl.sock);
	starve_arm(starve, nth);
	shard_move(&nl, name, 0, 1);
	came = starve_disarm(starve, nth);
	nlc_close(&nl);
	return came;
}

/* A shard is with a poller that there is, and works. */
TEST_F_TIMEOUT(reload, there_is_no_memory_for_a_poller, 100)
{
	unsigned int nth, without = 0;
	struct mmsb_space *space;
	struct starve starve;
	struct mmsb_ring *ring;
	struct mmsb *mmsb;
	struct nlc nl;
	uint64_t page;
	bool came = true;

	if (!starve_open(&starve))
		SKIP(return, "this kernel has no fault injection");
	ASSERT_EQ(0, unload());
	ASSERT_EQ(0, load(self->module));
	ASSERT_EQ(0, nlc_open(&nl));
	ASSERT_EQ(0, mmsb_open(&mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(mmsb, self->name, MMSB_OPTS(struct mmsb_space_opts, .shards = 1, .flags = MMSB_SPACE_CREATE), &space));
	ASSERT_EQ(0, mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_POLLED), &ring));
	ASSERT_EQ(0, mmsb_create(ring, 64, &page));
	for (nth = 1; came && nth < STARVE_SITES; nth++) {
		came = starved_move(&starve, nth, self->name);
		if (poller_number(&nl, 1, MMSB_A_POLLER_PID, &rows) == ~0ull) {
			EXPECT_EQ(0, shard_cpu(&nl, self->name, 0, &rows));
			without++;
		}
		ASSERT_EQ(0, mmsb_add(ring, page, 0, 1, NULL));
		ASSERT_EQ(0, shard_move(&nl, self->name, 0, 0));
		ASSERT_EQ(0, mmsb_add(ring, page, 0, 1, NULL));
	}
	EXPECT_GT(STARVE_SITES, nth);
	EXPECT_LT(0, without);
	TH_LOG("%u allocations, %u of them before there was a poller", nth - 2, without);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	mmsb_close(mmsb);
	nlc_close(&nl);
	starve_close(&starve);
}

TEST_HARNESS_MAIN
