// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel home's pollers are bound to CPUs, and CPUs come and go: one goes offline and comes back under load, and every delta
 * sent meanwhile must arrive, on rings of its own shard and of others.
 */
#include "common/cpu1.h"
#include "common/harness.h"
#include "common/home.h"
#include "common/senders.h"

FIXTURE(hotplug) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
};

FIXTURE_SETUP(hotplug)
{
	if (!home_is_kernel())
		SKIP(return, "pollers are bound to CPUs in the kernel home only");
	if (!cpu1_is_pluggable())
		SKIP(return, "this machine has no CPU that can be taken offline");
	ASSERT_TRUE(cpu1_can_go()) TH_LOG("run it as root");
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

TEST_F_TIMEOUT(hotplug, under_load, 120)
{
	struct senders senders;
	unsigned int i;

	ASSERT_EQ(0, senders_start(&senders, self->space));
	for (i = 0; i < 3; i++) {
		usleep(300000);
		ASSERT_EQ(0, cpu1("0"));
		usleep(300000);
		ASSERT_EQ(0, cpu1("1"));
	}
	usleep(300000);
	EXPECT_STREQ("", senders_finish(&senders));
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
