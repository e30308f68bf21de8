// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may what through generic netlink: an owner, a stranger, whoever is in another network namespace, root of a container; a stranger's socket that
 * root writes to; and how many spaces one user may make.
 */
#include <sys/socket.h>
#include "common/netlink_space.h"

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

TEST_HARNESS_MAIN
