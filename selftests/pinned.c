// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long things live in the kernel home: a space with a name ends with its last descriptor unless it is pinned; a pinned one
 * outlives its processes until it is removed; descriptors can be handed to other processes; a mapping outlives the descriptor.
 */
#include <sys/socket.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "common/harness.h"
#include "common/home.h"

FIXTURE(pinned) {
	struct mmsb *mmsb;
	char name[32];
};

FIXTURE_SETUP(pinned)
{
	if (!home_is_kernel())
		SKIP(return, "an embedded space ends with its process");
	snprintf(self->name, sizeof(self->name), "test-pinned-%d", getpid());
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
}

FIXTURE_TEARDOWN(pinned)
{
	mmsb_close(self->mmsb);
}

static int make(struct mmsb *mmsb, const char *name, uint32_t flags, struct mmsb_space **space)
{
	return mmsb_space_open(mmsb, name, MMSB_OPTS(struct mmsb_space_opts, .shards = 2,
			       .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | flags), space);
}

/* In a child that ends without closing anything: makes the space, a page in it, and says something there. */
static int child_makes(const char *name, uint32_t flags)
{
	int status;
	pid_t child = fork();

	if (!child) {
		struct mmsb_space *space;
		struct mmsb_ring *ring;
		struct mmsb_cqe cqe = {};
		struct mmsb *mmsb;

		if (mmsb_open(&mmsb, NULL) || make(mmsb, name, flags, &space) || mmsb_ring_open(space, NULL, &ring))
			_exit(1);
		if (run_op(ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = MMSB_PAGE_ID(1, 0), .len = 128))
			_exit(2);
		_exit(mmsb_set(ring, MMSB_PAGE_ID(1, 0), 0, "legacy", 7, NULL) ? 3 : 0);
	}
	waitpid(child, &status, 0);
	return status;
}

TEST_F(pinned, outlives_its_process)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	struct mmsb_space *space;
	uint64_t kept[2], fresh[2];
	char text[7];

	ASSERT_EQ(0, child_makes(self->name, MMSB_SPACE_PIN));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, self->name, NULL, &space)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(7, mmsb_read(space, MMSB_PAGE_ID(1, 0), 0, text, 7, NULL));
	EXPECT_STREQ("legacy", text);
	ASSERT_EQ(0, mmsb_space_info(space, &info));
	EXPECT_NE(0, info.flags & MMSB_SPACE_PIN);
	EXPECT_EQ(0, info.rings);
	ASSERT_EQ(0, mmsb_hash(space, 0, kept, NULL));
	ASSERT_EQ(0, mmsb_hash(space, MMSB_HASH_RECOMPUTE, fresh, NULL));
	EXPECT_EQ(0, memcmp(kept, fresh, sizeof(kept)));
	mmsb_space_close(space);
	ASSERT_EQ(0, mmsb_space_remove(self->mmsb, self->name));
	EXPECT_EQ(-ENOENT, mmsb_space_open(self->mmsb, self->name, NULL, &space));
}

TEST_F(pinned, not_pinned_ends_with_its_process)
{
	struct mmsb_space *space;

	ASSERT_EQ(0, child_makes(self->name, 0));
	EXPECT_EQ(-ENOENT, mmsb_space_open(self->mmsb, self->name, NULL, &space));
}

/* Removed while in use: the name is free at once, who has the space keeps it. */
TEST_F(pinned, removed_while_in_use)
{
	struct mmsb_space *space, *second;
	struct mmsb_ring *ring;
	uint64_t page;

	ASSERT_EQ(0, make(self->mmsb, self->name, MMSB_SPACE_PIN, &space));
	ASSERT_EQ(0, mmsb_ring_open(space, NULL, &ring));
	ASSERT_EQ(0, mmsb_space_remove(self->mmsb, self->name));
	EXPECT_EQ(-ENOENT, mmsb_space_remove(self->mmsb, self->name));
	ASSERT_EQ(0, mmsb_create(ring, 64, &page));
	ASSERT_EQ(0, make(self->mmsb, self->name, MMSB_SPACE_EXCL, &second));
	EXPECT_EQ(-ENOENT, mmsb_read(second, page, 0, &page, 1, NULL));
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	mmsb_space_close(second);
}

/* ------------------------------------------------------------------------------------------------ passing descriptors */

static int send_fd(int socket, int fd)
{
	char byte = 'x', control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	return sendmsg(socket, &msg, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int socket)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(socket, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		return -EIO;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

static int child_gets(int socket, bool read_only)
{
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb *mmsb;
	uint64_t page;
	char text[6];
	int ret;

	if (mmsb_open(&mmsb, NULL) || mmsb_space_from_fd(mmsb, receive_fd(socket), &space))
		return 1;
	if (mmsb_read(space, MMSB_PAGE_ID(1, 0), 0, text, 6, NULL) != 6 || strcmp(text, "given"))
		return 2;
	if (mmsb_ring_open(space, NULL, &ring))
		return 3;
	ret = mmsb_create(ring, 64, &page);
	return ret == (read_only ? -EPERM : 0) ? 0 : 4;
}

static void pass(struct __test_metadata *_metadata, FIXTURE_DATA(pinned) *self, bool read_only)
{
	struct mmsb_space *space, *given;
	struct mmsb_cqe cqe = {};
	struct mmsb_ring *ring;
	int pair[2], status;
	pid_t child;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	child = fork();
	if (!child)
		_exit(child_gets(pair[1], read_only));
	ASSERT_EQ(0, make(self->mmsb, self->name, 0, &space));
	ASSERT_EQ(0, mmsb_ring_open(space, NULL, &ring));
	ASSERT_EQ(0, run_op(ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = MMSB_PAGE_ID(1, 0), .len = 128));
	ASSERT_EQ(0, mmsb_set(ring, MMSB_PAGE_ID(1, 0), 0, "given", 6, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, self->name, MMSB_OPTS(struct mmsb_space_opts,
				     .flags = read_only ? MMSB_SPACE_READ_ONLY : 0), &given));
	ASSERT_EQ(0, send_fd(pair[0], mmsb_space_fd(given)));
	/* in flight, the descriptor alone keeps the space */
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	mmsb_space_close(given);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(-ENOENT, mmsb_space_open(self->mmsb, self->name, NULL, &space));
}

TEST_F(pinned, passed_on)
{
	pass(_metadata, self, false);
}

TEST_F(pinned, passed_on_to_read)
{
	pass(_metadata, self, true);
}

/* A mapping of the arena holds what it shows, though the descriptor is closed. */
TEST_F(pinned, mapping_outlives_descriptor)
{
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_cqe cqe = {};
	const volatile char *arena;

	ASSERT_EQ(0, make(self->mmsb, NULL, 0, &space));
	ASSERT_EQ(0, mmsb_ring_open(space, NULL, &ring));
	ASSERT_EQ(0, run_op(ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = MMSB_PAGE_ID(1, 0), .len = 128));
	ASSERT_EQ(0, run_op(ring, &cqe, .op = MMSB_OP_FILL, .page = MMSB_PAGE_ID(1, 0), .len = 128, .word = { 'q' }));
	arena = mmap(NULL, 1 << 20, PROT_READ, MAP_SHARED, mmsb_space_fd(space), MMSB_MAP_ARENA);
	ASSERT_NE(MAP_FAILED, arena);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	EXPECT_EQ('q', arena[0]);
	EXPECT_EQ('q', arena[127]);
	EXPECT_EQ(0, munmap((void *)arena, 1 << 20));
}

TEST_HARNESS_MAIN
