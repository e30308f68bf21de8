// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may do what in the kernel home: owner, group and mode of a space, what a read-only descriptor allows, what may be mapped
 * how, and names that end at the network namespace. Other users are children that give their rights away; they keep the
 * descriptor of /dev/mmsb that was opened before, so that what refuses them is the space and not the device node.
 */
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "common/harness.h"
#include "common/home.h"

FIXTURE(perms) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	char name[32];
};

FIXTURE_SETUP(perms)
{
	if (!home_is_kernel())
		SKIP(return, "permissions are the kernel home's");
	ASSERT_EQ(0, getuid()) TH_LOG("run it as root, who can become others");
	snprintf(self->name, sizeof(self->name), "test-perms-%d", getpid());
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
}

FIXTURE_TEARDOWN(perms)
{
	if (!self->mmsb)
		return;
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

static int make(FIXTURE_DATA(perms) *self, uint32_t mode, uint32_t uid, uint32_t gid)
{
	return mmsb_space_open(self->mmsb, self->name, MMSB_OPTS(struct mmsb_space_opts, .mode = mode, .uid = uid, .gid = gid,
			       .own_set = true, .shards = 1, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_EXCL | MMSB_SPACE_INLINE),
			       &self->space);
}

/* What a call returns to another user: `act` runs in a child with these ids. */
static int as(uint32_t uid, uint32_t gid, int (*act)(FIXTURE_DATA(perms) *), FIXTURE_DATA(perms) *self)
{
	int status;
	pid_t child = fork();

	if (!child) {
		if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
			_exit(255);
		_exit(-act(self));
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return 1;
	return -WEXITSTATUS(status);
}

static int open_full(FIXTURE_DATA(perms) *self)
{
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint64_t page;
	int ret = mmsb_space_open(self->mmsb, self->name, NULL, &space);

	ret = ret ?: mmsb_ring_open(space, NULL, &ring);
	return ret ?: mmsb_create(ring, 64, &page);
}

static int open_to_read(FIXTURE_DATA(perms) *self)
{
	struct mmsb_space *space;

	return mmsb_space_open(self->mmsb, self->name, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_READ_ONLY), &space);
}

static int reset_it(FIXTURE_DATA(perms) *self)
{
	struct mmsb_space *space;
	int ret = mmsb_space_open(self->mmsb, self->name, NULL, &space);

	return ret ?: mmsb_space_reset(space);
}

static int hash_off(FIXTURE_DATA(perms) *self)
{
	struct mmsb_space *space;
	uint64_t hash[2];
	int ret = mmsb_space_open(self->mmsb, self->name, NULL, &space);

	return ret ?: mmsb_hash(space, MMSB_HASH_OFF, hash, NULL);
}

static int remove_it(FIXTURE_DATA(perms) *self)
{
	return mmsb_space_remove(self->mmsb, self->name);
}

static int give_away(FIXTURE_DATA(perms) *self)
{
	return make(self, 0600, 1234, 5678);
}

static int keep(FIXTURE_DATA(perms) *self)
{
	return make(self, 0600, getuid(), getgid());
}

static int write_through_inherited(FIXTURE_DATA(perms) *self)
{
	struct mmsb_ring *ring;
	uint64_t page;
	int ret = mmsb_ring_open(self->space, NULL, &ring);

	return ret ?: mmsb_create(ring, 64, &page);
}

TEST_F(perms, modes)
{
	ASSERT_EQ(0, make(self, 0640, 1000, 1001)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	EXPECT_EQ(0, as(1000, 9, open_full, self));
	EXPECT_EQ(0, as(1000, 9, open_to_read, self));
	EXPECT_EQ(-EACCES, as(2000, 1001, open_full, self));
	EXPECT_EQ(0, as(2000, 1001, open_to_read, self));
	EXPECT_EQ(-EACCES, as(2000, 9, open_full, self));
	EXPECT_EQ(-EACCES, as(2000, 9, open_to_read, self));
	EXPECT_EQ(0, as(0, 0, open_full, self));
	/* the owner's bits count for the owner, although the group may do more */
	mmsb_space_close(self->space);
	ASSERT_EQ(0, make(self, 0066, 1000, 1001));
	EXPECT_EQ(-EACCES, as(1000, 1001, open_to_read, self));
	EXPECT_EQ(0, as(2000, 1001, open_full, self));
	EXPECT_EQ(0, as(2000, 9, open_full, self));
}

TEST_F(perms, owner_only)
{
	ASSERT_EQ(0, make(self, 0666, 1000, 1000));
	EXPECT_EQ(0, as(2000, 2000, open_full, self));
	EXPECT_EQ(-EPERM, as(2000, 2000, reset_it, self));
	EXPECT_EQ(-EPERM, as(2000, 2000, hash_off, self));
	EXPECT_EQ(-EACCES, as(2000, 2000, remove_it, self));
	EXPECT_EQ(0, as(1000, 9, reset_it, self));
	EXPECT_EQ(0, as(1000, 9, hash_off, self));
	EXPECT_EQ(0, as(1000, 9, remove_it, self));
	EXPECT_EQ(-ENOENT, as(1000, 9, remove_it, self));
}

TEST_F(perms, giving_away)
{
	EXPECT_EQ(-EACCES, as(2000, 2000, give_away, self));
	EXPECT_EQ(0, as(2000, 2000, keep, self));
	EXPECT_EQ(0, as(0, 0, give_away, self));
}

/* What a descriptor allows was decided when it was opened: another user who holds it may do it. */
TEST_F(perms, descriptor_is_a_capability)
{
	ASSERT_EQ(0, make(self, 0600, 0, 0));
	EXPECT_EQ(-EACCES, as(2000, 2000, open_to_read, self));
	EXPECT_EQ(0, as(2000, 2000, write_through_inherited, self));
}

/* ----------------------------------------------------------------------------------------------------------- mapping */

static int map_errno(int fd, uint64_t offset, size_t bytes, int prot, int flags)
{
	void *at = mmap(NULL, bytes, prot, flags, fd, offset);

	if (at == MAP_FAILED)
		return -errno;
	munmap(at, bytes);
	return 0;
}

/* Mapped to read, and not to be made writable behind one's back. */
static int mprotect_errno(int fd, uint64_t offset, int prot)
{
	void *at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, offset);
	int ret;

	if (at == MAP_FAILED)
		return 1;
	ret = mprotect(at, 4096, prot) ? -errno : 0;
	munmap(at, 4096);
	return ret;
}

TEST_F(perms, state_is_mapped_to_read)
{
	static const uint64_t areas[] = { MMSB_MAP_DIRECTORY, MMSB_MAP_SPACE, MMSB_MAP_ARENA };
	unsigned int i;
	int fd;

	ASSERT_EQ(0, make(self, 0600, 0, 0));
	fd = mmsb_space_fd(self->space);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, map_errno(fd, areas[i], 4096, PROT_READ, MAP_SHARED));
		EXPECT_GT(0, map_errno(fd, areas[i], 4096, PROT_READ | PROT_WRITE, MAP_SHARED));
		EXPECT_GT(0, map_errno(fd, areas[i], 4096, PROT_WRITE, MAP_SHARED));
		EXPECT_GT(0, map_errno(fd, areas[i], 4096, PROT_READ | PROT_EXEC, MAP_SHARED));
		EXPECT_GT(0, mprotect_errno(fd, areas[i], PROT_READ | PROT_WRITE));
		EXPECT_GT(0, mprotect_errno(fd, areas[i], PROT_READ | PROT_EXEC));
	}
	EXPECT_GT(0, map_errno(fd, MMSB_MAP_SPACE, 1 << 20, PROT_READ, MAP_SHARED));
	EXPECT_GT(0, map_errno(fd, MMSB_MAP_SPACE - 4096, 4096, PROT_READ, MAP_SHARED));
	EXPECT_GT(0, map_errno(fd, MMSB_MAP_ARENA + (1ull << 40), 4096, PROT_READ, MAP_SHARED));
	EXPECT_GT(0, map_errno(fd, 1ull << 62, 4096, PROT_READ, MAP_SHARED));
}

TEST_F(perms, ring_is_mapped_half_to_write)
{
	struct mmsb_ring *ring;
	int fd;

	ASSERT_EQ(0, make(self, 0600, 0, 0));
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .sq_entries = 8, .payload_bytes = 4096), &ring));
	fd = mmsb_ring_fd(ring);
	EXPECT_EQ(0, map_errno(fd, MMSB_MAP_RING_ENGINE, 8192, PROT_READ, MAP_SHARED));
	EXPECT_GT(0, map_errno(fd, MMSB_MAP_RING_ENGINE, 8192, PROT_READ | PROT_WRITE, MAP_SHARED));
	EXPECT_GT(0, mprotect_errno(fd, MMSB_MAP_RING_ENGINE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, map_errno(fd, MMSB_MAP_RING_CLIENT, 12288, PROT_READ | PROT_WRITE, MAP_SHARED));
	EXPECT_GT(0, map_errno(fd, MMSB_MAP_RING_CLIENT, 12288, PROT_READ | PROT_EXEC, MAP_SHARED));
	EXPECT_GT(0, map_errno(fd, MMSB_MAP_RING_CLIENT, 12288 + 4096, PROT_READ | PROT_WRITE, MAP_SHARED));
	EXPECT_GT(0, map_errno(fd, MMSB_MAP_RING_ENGINE, 8192 + 4096, PROT_READ, MAP_SHARED));
	EXPECT_GT(0, map_errno(fd, MMSB_MAP_RING_CLIENT - 4096, 8192, PROT_READ, MAP_SHARED));
	mmsb_ring_close(ring);
}

/* ------------------------------------------------------------------------------------------------------- namespaces */

static int in_another_netns(FIXTURE_DATA(perms) *self)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	uint64_t cursor = 0, page;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb *mmsb;

	if (unshare(CLONE_NEWNET) || mmsb_open(&mmsb, NULL))
		return -EIO;
	if (mmsb_space_open(mmsb, self->name, NULL, &space) != -ENOENT)
		return -EEXIST;
	if (mmsb_space_next(mmsb, &cursor, &info) != -ENOENT)
		return -EBUSY;
	if (mmsb_space_open(mmsb, self->name, MMSB_OPTS(struct mmsb_space_opts, .shards = 1, .flags = MMSB_SPACE_CREATE |
			    MMSB_SPACE_EXCL | MMSB_SPACE_PIN | MMSB_SPACE_INLINE), &space))
		return -EPERM;
	/* what one has keeps working, wherever it came from */
	if (mmsb_ring_open(self->space, NULL, &ring) || mmsb_create(ring, 64, &page))
		return -EBADF;
	return 0;
}

TEST_F(perms, names_end_at_the_network_namespace)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };

	ASSERT_EQ(0, make(self, 0666, 0, 0));
	EXPECT_EQ(0, as(0, 0, in_another_netns, self));
	/* the other one of the name is gone with its namespace, pinned or not; this one is as it was */
	ASSERT_EQ(0, mmsb_space_info(self->space, &info));
	EXPECT_STREQ(self->name, info.name);
	EXPECT_EQ(1, info.pages);
	EXPECT_EQ(0, as(0, 0, open_full, self));
}

TEST_HARNESS_MAIN
