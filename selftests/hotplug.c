// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel home's pollers are bound to CPUs, and CPUs come and go: one goes offline and comes back under load, and every delta
 * sent meanwhile must arrive, on rings of its own shard and of others.
 */
#include <fcntl.h>
#include <pthread.h>
#include "common/harness.h"
#include "common/home.h"

#define ONLINE "/sys/devices/system/cpu/cpu1/online"

static int cpu1(const char *state)
{
	int fd = open(ONLINE, O_WRONLY);
	int ret = fd < 0 ? -errno : write(fd, state, 1) == 1 ? 0 : -errno;

	close(fd);
	return ret;
}

FIXTURE(hotplug) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
};

FIXTURE_SETUP(hotplug)
{
	if (!home_is_kernel())
		SKIP(return, "pollers are bound to CPUs in the kernel home only");
	if (access(ONLINE, F_OK))
		SKIP(return, "this machine has no CPU that can be taken offline");
	ASSERT_EQ(0, access(ONLINE, W_OK)) TH_LOG("run it as root");
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 2,
				     .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH), &self->space));
}

FIXTURE_TEARDOWN(hotplug)
{
	if (!self->mmsb)
		return;
	cpu1("1");
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

struct sender {
	struct mmsb_space *space;
	uint32_t shard;
	uint64_t page[2], sent;
	const bool *stop;
	int ret;
	pthread_t thread;
};

static void *send_on(void *arg)
{
	struct sender *sender = arg;
	struct mmsb_ring *ring;

	sender->ret = mmsb_ring_open(sender->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_POLLED,
				     .shard = sender->shard + 1, .idle_us = 100), &ring);
	if (sender->ret)
		return NULL;
	while (!sender->ret && !__atomic_load_n(sender->stop, __ATOMIC_RELAXED)) {
		sender->ret = mmsb_add(ring, sender->page[sender->sent & 1], 8 * sender->shard, 1, NULL);
		sender->sent++;
		if (sender->sent % 64 == 0)
			usleep(1000);
	}
	mmsb_ring_close(ring);
	return NULL;
}

TEST_F_TIMEOUT(hotplug, under_load, 120)
{
	struct sender senders[2] = {};
	uint64_t page[2], found[2][2], kept[2], fresh[2];
	struct mmsb_ring *ring;
	bool stop = false;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = i + 1), &ring));
		ASSERT_EQ(0, mmsb_create(ring, 64, &page[i]));
		mmsb_ring_close(ring);
	}
	for (i = 0; i < 2; i++) {
		senders[i] = (struct sender){ .space = self->space, .shard = i, .page = { page[0], page[1] }, .stop = &stop };
		ASSERT_EQ(0, pthread_create(&senders[i].thread, NULL, send_on, &senders[i]));
	}
	for (i = 0; i < 3; i++) {
		usleep(300000);
		ASSERT_EQ(0, cpu1("0"));
		usleep(300000);
		ASSERT_EQ(0, cpu1("1"));
	}
	usleep(300000);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < 2; i++) {
		pthread_join(senders[i].thread, NULL);
		EXPECT_EQ(0, senders[i].ret);
		EXPECT_LT(10, senders[i].sent);
		ASSERT_EQ(16, mmsb_read(self->space, page[i], 0, found[i], 16, NULL));
	}
	for (i = 0; i < 2; i++)
		EXPECT_EQ(senders[i].sent, found[0][i] + found[1][i]);
	ASSERT_EQ(0, mmsb_hash(self->space, 0, kept, NULL));
	ASSERT_EQ(0, mmsb_hash(self->space, MMSB_HASH_RECOMPUTE, fresh, NULL));
	EXPECT_EQ(0, memcmp(kept, fresh, sizeof(kept)));
}

/* Opened while the CPU is away, used when it is back. */
TEST_F_TIMEOUT(hotplug, opened_while_away, 60)
{
	struct mmsb_ring *ring;
	uint64_t page, value;
	unsigned int i;

	ASSERT_EQ(0, cpu1("0"));
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_POLLED, .shard = 2), &ring));
	ASSERT_EQ(0, mmsb_create(ring, 64, &page));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, mmsb_add(ring, page, 0, 1, NULL));
	ASSERT_EQ(0, cpu1("1"));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, mmsb_add(ring, page, 0, 1, NULL));
	ASSERT_EQ(8, mmsb_read(self->space, page, 0, &value, 8, NULL));
	EXPECT_EQ(40, value);
	mmsb_ring_close(ring);
}

TEST_HARNESS_MAIN
