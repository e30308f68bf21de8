// SPDX-License-Identifier: GPL-2.0-only
/*
 * What generic netlink tells whoever listens: the life of a space, in order and without a gap; a client that dies, a limit that is reached; and a
 * thousand listeners that never read, who disturb nobody.
 */
#include <signal.h>
#include <sys/resource.h>
#include <mmsb/reasons.h>
#include "common/netlink_space.h"

static struct rows now;	/* of the module */

static uint64_t generation(struct nlc *nl)
{
	return ask(nl, nlc_request(nl, MMSB_CMD_MODULE_GET, false), &nlc_module, &now) ? 0 : now.number[0][MMSB_A_MODULE_GENERATION];
}

TEST_F(netlink, the_life_of_a_space_is_told_in_order)
{
	static const int lives[] = { MMSB_WHAT_SPACE_MADE, MMSB_WHAT_RING_OPENED, MMSB_WHAT_SPACE_CHANGED, MMSB_WHAT_SPACE_RESET, MMSB_WHAT_RING_CLOSED,
				     MMSB_WHAT_SPACE_REMOVED, MMSB_WHAT_SPACE_GONE };
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint64_t begun = generation(&self->nl);
	struct nlc nl;
	char name[48];
	int i;

	snprintf(name, sizeof(name), "%s-life", self->name);
	ASSERT_EQ(0, nlc_open(&nl));
	ASSERT_EQ(0, nlc_listen(&nl, MMSB_MCGRP_LIFECYCLE));
	ASSERT_EQ(0, make(self->mmsb, name, 0600, &space));
	ASSERT_EQ(0, mmsb_ring_open(space, NULL, &ring));
	ASSERT_EQ(0, set_u32(&self->nl, name, MMSB_A_SPACE_MODE, 0640));
	ASSERT_EQ(0, do_space(&self->nl, MMSB_CMD_SPACE_RESET, name));
	mmsb_ring_close(ring);
	ASSERT_EQ(0, do_space(&self->nl, MMSB_CMD_SPACE_REMOVE, name));
	mmsb_space_close(space);
	hear(&nl, &rows);
	ASSERT_EQ(7, rows.n);
	for (i = 0; i < 7; i++) {
		EXPECT_EQ(lives[i], rows.number[i][MMSB_A_EVENT_WHAT]);
		EXPECT_EQ(begun + i + 1, rows.number[i][MMSB_A_EVENT_GENERATION]);
		EXPECT_EQ(getpid(), rows.number[i][MMSB_A_EVENT_PID]);
	}
	EXPECT_STREQ(name, rows.text[0]);
	EXPECT_EQ(begun + 7, generation(&self->nl));
	nlc_close(&nl);
}

TEST_F(netlink, a_client_that_dies_and_a_limit_are_told)
{
	struct mmsb_ring *ring;
	struct nlc nl;
	pid_t child;

	ASSERT_EQ(0, nlc_open(&nl));
	ASSERT_EQ(0, nlc_listen(&nl, MMSB_MCGRP_LIFECYCLE));
	child = fork();
	if (!child) {
		mmsb_ring_open(self->space, NULL, &ring);
		kill(getpid(), SIGKILL);
	}
	ASSERT_EQ(child, waitpid(child, NULL, 0));
	hear(&nl, &rows);
	ASSERT_EQ(2, rows.n);
	EXPECT_EQ(MMSB_WHAT_CLIENT_DIED, rows.number[1][MMSB_A_EVENT_WHAT]);
	EXPECT_EQ(child, rows.number[1][MMSB_A_EVENT_PID]);
	ASSERT_EQ(0, set_u32(&self->nl, self->name, MMSB_A_SPACE_MAX_RINGS, 1));
	EXPECT_EQ(-EDQUOT, mmsb_ring_open(self->space, NULL, &ring));
	EXPECT_EQ(-EDQUOT, mmsb_ring_open(self->space, NULL, &ring));	/* not told again */
	hear(&nl, &rows);
	ASSERT_EQ(2, rows.n);
	EXPECT_EQ(MMSB_WHAT_LIMIT_REACHED, rows.number[1][MMSB_A_EVENT_WHAT]);
	EXPECT_EQ(MMSB_REASON_RINGS_LIMIT, rows.number[1][MMSB_A_EVENT_REASON]);
	nlc_close(&nl);
}

/* A space of one ring, of somebody who may have one page: runs into both. */
static int reach_both_limits(struct mmsb *mmsb)
{
	struct mmsb_ring *ring, *more;
	struct mmsb_space *space;
	uint64_t page;

	if (setgroups(0, NULL) || setresgid(1234, 1234, 1234) || setresuid(1234, 1234, 1234) ||
	    mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 1, .max_rings = 1, .flags = MMSB_SPACE_CREATE), &space) ||
	    mmsb_ring_open(space, NULL, &ring) || mmsb_create(ring, 64, &page))
		return 1;
	return mmsb_ring_open(space, NULL, &more) != -EDQUOT || mmsb_create(ring, 64, &page) != -EDQUOT;
}

TEST_F(netlink, limits_of_a_space_do_not_hide_those_of_its_user)
{
	struct nl_msg *msg = nlc_request(&self->nl, MMSB_CMD_MODULE_SET, false);
	uint64_t told[2] = { 0 };
	struct nlc nl;
	int i, n = 0, status;
	pid_t child;

	nla_put_u64(msg, MMSB_A_MODULE_MAX_USER_PAGES, 1);
	ASSERT_EQ(0, nlc_ask(&self->nl, msg, NULL, NULL, NULL));
	ASSERT_EQ(0, nlc_open(&nl));
	ASSERT_EQ(0, nlc_listen(&nl, MMSB_MCGRP_LIFECYCLE));
	child = fork();
	if (!child)
		_exit(reach_both_limits(self->mmsb));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	hear(&nl, &rows);
	for (i = 0; i < rows.n; i++)
		if (rows.number[i][MMSB_A_EVENT_WHAT] == MMSB_WHAT_LIMIT_REACHED && n < 2)
			told[n++] = rows.number[i][MMSB_A_EVENT_REASON];
	EXPECT_EQ(MMSB_REASON_RINGS_LIMIT, told[0]);
	EXPECT_EQ(MMSB_REASON_USER_PAGES, told[1]);
	nlc_close(&nl);
}

/* Whether that comes about. */
static bool rings_are_near(struct nlc *nl, const char *name, bool near)
{
	uint64_t end = now_ns() + PATIENCE;

	while (now_ns() < end && !get_space(nl, name, &rows)) {
		if (near == !!(rows.number[0][MMSB_A_SPACE_PRESSURE] & MMSB_PRESSURE_RINGS))
			return true;
		usleep(1000);
	}
	return false;
}

/*
 * A thousand, fewer where all is slow, each of both groups. They hold up nobody, neither who does something nor who looks for pressure, and
 * whoever reads sees by the generations that he missed some.
 */
TEST_F_TIMEOUT(netlink, listeners_that_never_read_disturb_nobody, 110)
{
	static struct nlc deaf[1000];
	struct rlimit files = { 2000, 2000 };
	int opened, n = scaled(25000) < 1000 ? (int)scaled(25000) : 1000;
	uint64_t times = 20, begun, i;
	struct mmsb_ring *ring;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	for (opened = 0; opened < n; opened++) {
		ASSERT_EQ(0, nlc_open(&deaf[opened]));
		ASSERT_EQ(0, nlc_listen(&deaf[opened], MMSB_MCGRP_LIFECYCLE));
		ASSERT_EQ(0, nlc_listen(&deaf[opened], MMSB_MCGRP_PRESSURE));
	}
	begun = generation(&self->nl);
	for (i = 0; i < times; i++) {
		ASSERT_EQ(0, mmsb_ring_open(self->space, NULL, &ring));
		mmsb_ring_close(ring);
		ASSERT_EQ(0, mmsb_space_limit(self->space, 0, 0, 1));
		ASSERT_TRUE(rings_are_near(&self->nl, self->name, true));
		ASSERT_EQ(0, mmsb_space_limit(self->space, 0, 0, 8));
		ASSERT_TRUE(rings_are_near(&self->nl, self->name, false));
	}
	EXPECT_EQ(begun + 4 * times, generation(&self->nl));
	while (opened--)
		nlc_close(&deaf[opened]);
}

TEST_HARNESS_MAIN
