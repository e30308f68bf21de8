// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may what through generic netlink: an owner, a stranger, whoever is in another network namespace, root of a container; a stranger's socket that
 * root writes to; and how many spaces one user may make, and what he may have in all of them.
 */
#include <sys/socket.h>
#include "common/netlink_space.h"

#define LOT		64	/* pages that a shard may keep in hand; it gives back from two of them on */
#define PAYABLE		(4 * LOT)
#define PAYABLE_CHUNKS	6
#define PAYABLE_RINGS	5

/* ------------------------------------------------------------------------------------------------------- somebody else */

static int look(struct nlc *nl, const char *name)
{
	return get_space(nl, name, &rows);
}

static int count(struct nlc *nl, const char *name)
{
	int err = ask(nl, nlc_request(nl, MMSB_CMD_SPACE_GET, true), &nlc_space, &rows);

	return err ?: -rows.n;
}

static int look_at_edges(struct nlc *nl, const char *name)
{
	return ask(nl, about(nl, MMSB_CMD_GRAPH_GET, true, MMSB_A_EDGE_SPACE_NAME, name), &nlc_edge, &rows);
}

static int reset(struct nlc *nl, const char *name)
{
	return do_space(nl, MMSB_CMD_SPACE_RESET, name);
}

static int look_at_layers(struct nlc *nl, const char *name)
{
	return get_timing(nl, name);
}

static int take_away(struct nlc *nl, const char *name)
{
	return do_space(nl, MMSB_CMD_SPACE_REMOVE, name);
}

static int lower(struct nlc *nl, const char *name)
{
	return set_u64(nl, name, MMSB_A_SPACE_MAX_PAGES, 1);
}

static int set_module(struct nlc *nl, const char *name)
{
	struct nl_msg *msg = nlc_request(nl, MMSB_CMD_MODULE_SET, false);

	nla_put_u32(msg, MMSB_A_MODULE_AUDIT, 0);
	return nlc_ask(nl, msg, NULL, NULL, NULL);
}

static int listen_in(struct nlc *nl, const char *name)
{
	return nlc_listen(nl, MMSB_MCGRP_LIFECYCLE) ?: nlc_listen(nl, MMSB_MCGRP_PRESSURE);
}

TEST_F(netlink, a_stranger_sees_what_he_may_read_and_changes_nothing)
{
	EXPECT_EQ(0, as(0, false, look, self->name));
	EXPECT_EQ(-ENOENT, as(1234, false, look, self->name));
	EXPECT_EQ(-ENOENT, as(1234, false, look_at_rings, self->name));
	EXPECT_EQ(-ENOENT, as(1234, false, look_at_layers, self->name));
	EXPECT_EQ(-ENOENT, as(1234, false, look_at_edges, self->name));
	EXPECT_EQ(0, as(1234, false, count, self->name));
	EXPECT_EQ(-ENOENT, as(1234, false, reset, self->name));
	ASSERT_EQ(0, set_u32(&self->nl, self->name, MMSB_A_SPACE_MODE, 0604));
	EXPECT_EQ(0, as(1234, false, look, self->name));
	EXPECT_EQ(0, as(1234, false, look_at_rings, self->name));
	EXPECT_EQ(0, as(1234, false, look_at_layers, self->name));
	EXPECT_EQ(-1, as(1234, false, count, self->name));
	EXPECT_EQ(-EPERM, as(1234, false, reset, self->name));
	EXPECT_EQ(-EPERM, as(1234, false, reset_timing, self->name));
	EXPECT_EQ(-EPERM, as(1234, false, switch_timing, self->name));
	EXPECT_EQ(-EPERM, as(1234, false, take_away, self->name));
	EXPECT_EQ(-EPERM, as(1234, false, lower, self->name));
	EXPECT_EQ(-EPERM, as(1234, false, set_module, self->name));
	EXPECT_EQ(-EPERM, as(1234, false, listen_in, self->name));
	ASSERT_EQ(0, get_space(&self->nl, self->name, &rows));
	EXPECT_EQ(1000, rows.number[0][MMSB_A_SPACE_MAX_PAGES]);
}

static int open_up(struct nlc *nl, const char *name)
{
	return set_u32(nl, name, MMSB_A_SPACE_MODE, 0600);
}

TEST_F(netlink, an_owner_who_locked_himself_out_finds_back)
{
	struct mmsb_space *space;
	char name[48];

	snprintf(name, sizeof(name), "%s-out", self->name);
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, name, MMSB_OPTS(struct mmsb_space_opts, .shards = 1, .uid = 1234, .gid = 1234, .own_set = true,
				     .mode = 0600, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_EXCL | MMSB_SPACE_INLINE), &space));
	ASSERT_EQ(0, set_u32(&self->nl, name, MMSB_A_SPACE_MODE, 0));
	EXPECT_EQ(-ENOENT, as(4321, false, open_up, name));
	EXPECT_EQ(0, as(1234, false, open_up, name));
	EXPECT_EQ(0, as(1234, false, look, name));
	mmsb_space_close(space);
}

TEST_F(netlink, another_network_namespace_has_other_spaces)
{
	EXPECT_EQ(-ENOENT, as(0, true, look, self->name));
	EXPECT_EQ(0, as(0, true, count, self->name));
	EXPECT_EQ(-ENOENT, as(0, true, take_away, self->name));
}

/* Root of a user namespace of one's own is not root: neither of the module nor of spaces that are not in its network namespace. */
static int as_container_root(int (*act)(struct nlc *nl, const char *name), const char *name)
{
	int status;
	pid_t child = fork();

	if (!child) {
		struct nlc nl;

		if (setgroups(0, NULL) || setresgid(1234, 1234, 1234) || setresuid(1234, 1234, 1234) || unshare(CLONE_NEWUSER | CLONE_NEWNET))
			_exit(255);
		_exit(-(nlc_open(&nl) ?: act(&nl, name)));
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return 1;
	return -WEXITSTATUS(status);
}

TEST_F(netlink, root_of_a_container_is_root_there_only)
{
	EXPECT_EQ(-ENOENT, as_container_root(take_away, self->name));
	EXPECT_EQ(-EPERM, as_container_root(set_module, self->name));
	EXPECT_EQ(0, as_container_root(listen_in, self->name));
}

/* A request written without naming whom it is for, as to standard output. */
static int write_blindly(struct nlc *nl, struct nl_msg *msg)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd = nl_socket_get_fd(nl->sock);
	char answer[4096];
	ssize_t len;

	nl_complete_msg(nl->sock, msg);
	if (connect(fd, (struct sockaddr *)&kernel, sizeof(kernel)) || write(fd, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len) < 0)
		return 1;
	nlmsg_free(msg);
	len = recv(fd, answer, sizeof(answer), 0);
	return len < (ssize_t)(NLMSG_HDRLEN + sizeof(int)) ? 1 : *(int *)(answer + NLMSG_HDRLEN);
}

/* A socket opened by a stranger, to which root is made to write. */
TEST_F(netlink, a_strangers_socket_does_not_gain_by_roots_writing)
{
	struct nlc nl;

	ASSERT_EQ(0, set_u32(&self->nl, self->name, MMSB_A_SPACE_MODE, 0604));
	ASSERT_EQ(0, setegid(1234));
	ASSERT_EQ(0, seteuid(1234));
	EXPECT_EQ(0, nlc_open(&nl));
	ASSERT_EQ(0, seteuid(0));
	ASSERT_EQ(0, setegid(0));
	EXPECT_EQ(-EPERM, write_blindly(&nl, about(&nl, MMSB_CMD_SPACE_RESET, false, MMSB_A_SPACE_NAME, self->name)));
	EXPECT_EQ(-EPERM, write_blindly(&nl, nlc_request(&nl, MMSB_CMD_MODULE_SET, false)));
	nlc_close(&nl);
}

/* --------------------------------------------------------------------------------------------------------------- users */

static int make_until_refused(struct mmsb *mmsb)
{
	struct mmsb_space *space;
	int made = 0;

	while (made < 20 && !mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 1, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE), &space))
		made++;
	return made;
}

TEST_F(netlink, one_user_makes_so_many_spaces_and_no_more)
{
	struct nl_msg *msg = nlc_request(&self->nl, MMSB_CMD_MODULE_SET, false);
	uint64_t roots = spaces_of(&self->nl, 0), his = spaces_of(&self->nl, 1234);
	int status;
	pid_t child;

	nla_put_u32(msg, MMSB_A_MODULE_MAX_USER_SPACES, (uint32_t)his + 3);
	ASSERT_EQ(0, nlc_ask(&self->nl, msg, NULL, NULL, NULL));
	child = fork();
	if (!child) {
		if (setgroups(0, NULL) || setresgid(1234, 1234, 1234) || setresuid(1234, 1234, 1234))
			_exit(255);
		_exit(make_until_refused(self->mmsb));
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(3, WEXITSTATUS(status));
	EXPECT_EQ(his, spaces_of(&self->nl, 1234));
	EXPECT_EQ(20, make_until_refused(self->mmsb));	/* root, who has CAP_SYS_RESOURCE */
	EXPECT_EQ(roots + 20, spaces_of(&self->nl, 0));
	EXPECT_EQ(his + 3, rows.number[0][MMSB_A_USER_MAX_SPACES]);
}

/* Two spaces of somebody who pays for both. */
struct payer {
	struct mmsb_space *space[2];
	struct mmsb_ring *ring[2];
	uint64_t page[PAYABLE];
	int pages;
};

static bool is_refused(int err, enum mmsb_reason reason)
{
	return err && strstr(mmsb_strerror_last(), mmsb_reason_text(reason));
}

static bool make_two(struct mmsb *mmsb, struct payer *payer)
{
	int i;

	for (i = 0; i < 2; i++)
		if (mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 1, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE),
				    &payer->space[i]) || mmsb_ring_open(payer->space[i], NULL, &payer->ring[i]))
			return false;
	return true;
}

/* What one space leaves the other cannot have either, until enough of it has gone; less a lot that stays in hand. */
static bool pages_end(struct payer *payer)
{
	uint64_t page;
	int i;

	while (payer->pages < PAYABLE && !mmsb_create(payer->ring[0], 64, &payer->page[payer->pages]))
		payer->pages++;
	if (payer->pages < PAYABLE || !is_refused(mmsb_create(payer->ring[1], 64, &page), MMSB_REASON_USER_PAGES))
		return false;
	for (i = 0; i < 2 * LOT; i++)
		if (mmsb_destroy(payer->ring[0], payer->page[i]))
			return false;
	return !mmsb_create(payer->ring[1], 64, &page);
}

/* Each has a chunk already, for its small pages. */
static bool bytes_end(struct payer *payer)
{
	uint64_t large, page;

	return is_refused(mmsb_create(payer->ring[1], (PAYABLE_CHUNKS - 1) << 16, &page), MMSB_REASON_USER_BYTES) &&
	       !mmsb_create(payer->ring[0], (PAYABLE_CHUNKS - 2) << 16, &large) &&
	       is_refused(mmsb_create(payer->ring[1], 1 << 16, &page), MMSB_REASON_USER_BYTES) && !mmsb_destroy(payer->ring[0], large) &&
	       !mmsb_create(payer->ring[1], 1 << 16, &page);
}

static bool rings_end(struct payer *payer)
{
	struct mmsb_ring *last = NULL, *more;
	int i;

	for (i = 2; i < PAYABLE_RINGS; i++)
		if (mmsb_ring_open(payer->space[i & 1], NULL, &last))
			return false;
	if (!is_refused(mmsb_ring_open(payer->space[0], NULL, &more), MMSB_REASON_USER_RINGS))
		return false;
	mmsb_ring_close(last);
	return !mmsb_ring_open(payer->space[0], NULL, &more);
}

static int spend_all(struct mmsb *mmsb)
{
	static struct payer payer;

	return !make_two(mmsb, &payer) ? 1 : !pages_end(&payer) ? 2 : !bytes_end(&payer) ? 3 : !rings_end(&payer) ? 4 : 0;
}

static int spend_all_as(uint32_t uid, struct mmsb *mmsb)
{
	pid_t child = fork();
	int status;

	if (!child) {
		if (uid && (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid)))
			_exit(255);
		_exit(spend_all(mmsb));
	}
	return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Root is not refused; and he who is has as much again when what he had has gone. */
TEST_F(netlink, one_user_has_so_much_in_all_his_spaces_and_no_more)
{
	struct nl_msg *msg = nlc_request(&self->nl, MMSB_CMD_MODULE_SET, false);
	int round;

	nla_put_u64(msg, MMSB_A_MODULE_MAX_USER_PAGES, PAYABLE);
	nla_put_u64(msg, MMSB_A_MODULE_MAX_USER_BYTES, PAYABLE_CHUNKS << 16);
	nla_put_u32(msg, MMSB_A_MODULE_MAX_USER_RINGS, PAYABLE_RINGS);
	ASSERT_EQ(0, nlc_ask(&self->nl, msg, NULL, NULL, NULL));
	for (round = 0; round < 2; round++) {
		EXPECT_EQ(0, user_number(&self->nl, 1234, MMSB_A_USER_PAGES));
		EXPECT_EQ(0, user_number(&self->nl, 1234, MMSB_A_USER_BYTES));
		EXPECT_EQ(0, user_number(&self->nl, 1234, MMSB_A_USER_RINGS));
		EXPECT_EQ(0, spend_all_as(1234, self->mmsb));
	}
	EXPECT_EQ(2, spend_all_as(0, self->mmsb));
}

TEST_HARNESS_MAIN
