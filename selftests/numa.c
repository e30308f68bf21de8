// SPDX-License-Identifier: GPL-2.0-only
/*
 * A shard's memory lies on its CPU's node, whoever causes it to be allocated: here a caller on the other node does. Needs a machine of two
 * nodes with a CPU each (bed/guest --numa).
 */
#include <sched.h>
#include <sys/syscall.h>
#include "common/harness.h"
#include "common/home.h"

#define NODES	2u
#define BYTES	(1u << 20)
#define STEP	4096u

/* Where the kernel has the pages behind these addresses, which have been touched; negative: errno. */
static int node_at(const void *address)
{
	void *page = (void *)((unsigned long)address & ~(STEP - 1ul));
	int node = -1;

	return syscall(SYS_move_pages, 0, 1ul, &page, NULL, &node, 0) ? -errno : node;
}

static int run_on(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

FIXTURE(numa) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
};

FIXTURE_SETUP(numa)
{
	if (!home_is_kernel())
		SKIP(return, "shards have CPUs in the kernel home only");
	if (access("/sys/devices/system/node/node0/cpu0", F_OK) || access("/sys/devices/system/node/node1/cpu1", F_OK))
		SKIP(return, "there are no two nodes with a CPU each");
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = NODES,
				     .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE), &self->space));
}

FIXTURE_TEARDOWN(numa)
{
	if (!self->mmsb)
		return;
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

/* A large page of the shard, all of it written. */
static uint64_t make_page(struct mmsb_space *space, unsigned int shard)
{
	const uint64_t page = MMSB_PAGE_ID(1, 1024 * shard);
	struct mmsb_cqe cqe = {};
	struct mmsb_ring *ring;
	unsigned int at;
	int ret = mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .shard = shard + 1), &ring);

	if (!ret)
		ret = run_op(ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = page, .len = BYTES) ?: cqe.result;
	for (at = 0; !ret && at < BYTES; at += STEP)
		ret = mmsb_add(ring, page, at, 1 + at, NULL);
	mmsb_ring_close(ring);
	return ret ? 0 : page;
}

TEST_F(numa, memory_is_the_shards_own)
{
	unsigned int shard, at, elsewhere;
	struct mmsb_view view;
	uint64_t page;

	for (shard = 0; shard < NODES; shard++) {
		ASSERT_EQ(0, run_on(!shard));
		page = make_page(self->space, shard);
		ASSERT_NE(0, page);
		ASSERT_EQ(0, mmsb_view_begin(self->space, page, &view));
		EXPECT_EQ(shard, node_at(view.line_));
		for (at = 0, elsewhere = 0; at < BYTES; at += STEP) {
			EXPECT_EQ(1 + at, *(const volatile uint64_t *)((const uint8_t *)view.data + at));
			elsewhere += node_at((const uint8_t *)view.data + at) != (int)shard;
		}
		EXPECT_EQ(0, elsewhere) {
			TH_LOG("shard %u: the first lies on node %d", shard, node_at(view.data));
		}
	}
}

TEST_HARNESS_MAIN
