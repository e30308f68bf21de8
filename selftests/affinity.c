// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which CPU's poller serves a shard, changed while it works: every delta sent meanwhile arrives, on rings of the shard and of others; what rings
 * asked of their poller goes with them; CPUs that are not online take none; who may choose which CPU.
 */
#include <pthread.h>
#include "common/cpu1.h"
#include "common/harness.h"
#include "common/home.h"
#include "common/rows.h"
#include "common/senders.h"
#include "common/settings.h"
#include "common/shards.h"

FIXTURE(affinity) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct nlc nl;
	struct settings settings;
	char name[32];
};

static struct rows rows;	/* too large for a stack */

FIXTURE_SETUP(affinity)
{
	if (!home_is_kernel())
		SKIP(return, "pollers are bound to CPUs in the kernel home only");
	if (!cpu1_is_pluggable())
		SKIP(return, "this machine has no CPU that can be taken offline");
	ASSERT_TRUE(cpu1_can_go()) TH_LOG("run it as root");
	snprintf(self->name, sizeof(self->name), "test-affinity-%d", getpid());
	ASSERT_EQ(0, nlc_open(&self->nl));
	ASSERT_EQ(0, settings_take(&self->nl, &self->settings));
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, self->name, MMSB_OPTS(struct mmsb_space_opts, .shards = 2, .mode = 0644,
				     .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH), &self->space));
}

FIXTURE_TEARDOWN(affinity)
{
	if (!self->mmsb)
		return;
	cpu1("1");
	EXPECT_EQ(0, settings_give_back(&self->settings));
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
	nlc_close(&self->nl);
}

/* ------------------------------------------------------------------------------------------------------------ under load */

TEST_F_TIMEOUT(affinity, shards_move_while_they_work, 100)
{
	uint64_t rounds = scaled(5000), i;
	struct senders senders;

	ASSERT_EQ(0, senders_start(&senders, self->space));
	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, shard_move(&self->nl, self->name, i & 1, i >> 1 & 1));
		EXPECT_EQ(i >> 1 & 1, shard_cpu(&self->nl, self->name, i & 1, &rows));
		usleep(i % 4 * 500);
	}
	EXPECT_STREQ("", senders_finish(&senders));
}

static bool poller_is_bound(struct nlc *nl, uint32_t cpu)
{
	uint64_t pid = poller_number(nl, cpu, MMSB_A_POLLER_PID, &rows);
	cpu_set_t cpus;

	return !sched_getaffinity((pid_t)pid, sizeof(cpus), &cpus) && CPU_COUNT(&cpus) == 1 && CPU_ISSET(cpu, &cpus);
}

TEST_F_TIMEOUT(affinity, shards_move_while_their_cpu_goes_and_comes, 100)
{
	struct senders senders;
	int i;

	ASSERT_EQ(0, senders_start(&senders, self->space));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, shard_move(&self->nl, self->name, 0, 1));
		ASSERT_EQ(0, cpu1("0"));
		EXPECT_EQ(-ENODEV, shard_move(&self->nl, self->name, 1, 1));
		EXPECT_NE(NULL, strstr(self->nl.refusal, "not online"));
		usleep(100000);
		ASSERT_EQ(0, shard_move(&self->nl, self->name, 0, 0));
		ASSERT_EQ(0, cpu1("1"));
		EXPECT_TRUE(poller_is_bound(&self->nl, 1));
		ASSERT_EQ(0, shard_move(&self->nl, self->name, 1, 1));
		usleep(100000);
	}
	EXPECT_STREQ("", senders_finish(&senders));
}

struct mover {
	const char *name;
	bool stop;
	uint64_t moved;
	int ret;
	pthread_t thread;
};

/* To and fro, wherever that is possible just now. */
static void *move_on(void *arg)
{
	struct mover *mover = arg;
	struct nlc nl;
	uint64_t i;
	int err;

	mover->ret = nlc_open(&nl);
	for (i = 0; !mover->ret && !__atomic_load_n(&mover->stop, __ATOMIC_RELAXED); i++) {
		err = shard_move(&nl, mover->name, i & 1, i >> 1 & 1);
		if (!err)
			__atomic_add_fetch(&mover->moved, 1, __ATOMIC_RELAXED);
		mover->ret = err == -ENODEV || err == -ENOENT ? 0 : err;
	}
	nlc_close(&nl);
	return NULL;
}

/* In the middle of a move, too. */
TEST_F_TIMEOUT(affinity, a_cpu_goes_and_comes_while_shards_move, 100)
{
	struct mover mover = { .name = self->name };
	struct senders senders;
	int i;

	ASSERT_EQ(0, senders_start(&senders, self->space));
	ASSERT_EQ(0, pthread_create(&mover.thread, NULL, move_on, &mover));
	for (i = 0; i < 3 || !(__atomic_load_n(&mover.moved, __ATOMIC_RELAXED) || __atomic_load_n(&mover.ret, __ATOMIC_RELAXED)); i++) {
		ASSERT_EQ(0, cpu1("0"));
		usleep(10000);
		ASSERT_EQ(0, cpu1("1"));
		usleep(10000);
	}
	__atomic_store_n(&mover.stop, true, __ATOMIC_RELAXED);
	pthread_join(mover.thread, NULL);
	EXPECT_EQ(0, mover.ret);
	EXPECT_STREQ("", senders_finish(&senders));
}

/* Who moves a shard holds its space, which goes with him if everybody else has left. */
TEST_F_TIMEOUT(affinity, spaces_go_while_their_shards_move, 100)
{
	uint64_t rounds = scaled(5000), i, page;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mover mover;
	char name[48];

	snprintf(name, sizeof(name), "%s-goes", self->name);
	mover = (struct mover){ .name = name };
	ASSERT_EQ(0, pthread_create(&mover.thread, NULL, move_on, &mover));
	for (i = 0; i < rounds || !__atomic_load_n(&mover.moved, __ATOMIC_RELAXED); i++) {
		ASSERT_EQ(0, mmsb_space_open(self->mmsb, name, MMSB_OPTS(struct mmsb_space_opts, .shards = 2, .flags = MMSB_SPACE_CREATE), &space));
		ASSERT_EQ(0, mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_POLLED, .shard = 1 + (i & 1)), &ring));
		ASSERT_EQ(0, mmsb_create(ring, 64, &page));
		mmsb_ring_close(ring);
		mmsb_space_close(space);
	}
	__atomic_store_n(&mover.stop, true, __ATOMIC_RELAXED);
	pthread_join(mover.thread, NULL);
	EXPECT_EQ(0, mover.ret);
}

/* ---------------------------------------------------------------------------------------------------------- idle times */

TEST_F(affinity, what_a_ring_wishes_goes_with_its_shard)
{
	uint64_t before[2], shards[2];
	struct mmsb_ring *rings[2];
	int i;

	ASSERT_EQ(0, shard_move(&self->nl, self->name, 0, 0));
	ASSERT_EQ(0, shard_move(&self->nl, self->name, 1, 1));
	for (i = 0; i < 2; i++) {
		before[i] = poller_number(&self->nl, i, MMSB_A_POLLER_IDLE_US, &rows);
		shards[i] = poller_number(&self->nl, i, MMSB_A_POLLER_SHARDS, &rows);
	}
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_POLLED, .shard = i + 1,
						.idle_us = 3000 + 2000 * i), &rings[i]));
	EXPECT_EQ(5000, poller_number(&self->nl, 1, MMSB_A_POLLER_IDLE_US, &rows));
	ASSERT_EQ(0, shard_move(&self->nl, self->name, 1, 0));
	EXPECT_EQ(5000, poller_number(&self->nl, 0, MMSB_A_POLLER_IDLE_US, &rows));
	EXPECT_EQ(before[1], poller_number(&self->nl, 1, MMSB_A_POLLER_IDLE_US, &rows));
	EXPECT_EQ(shards[0] + 1, poller_number(&self->nl, 0, MMSB_A_POLLER_SHARDS, &rows));
	EXPECT_EQ(shards[1] - 1, poller_number(&self->nl, 1, MMSB_A_POLLER_SHARDS, &rows));
	ASSERT_EQ(0, shard_move(&self->nl, self->name, 0, 1));
	EXPECT_EQ(3000, poller_number(&self->nl, 1, MMSB_A_POLLER_IDLE_US, &rows));
	mmsb_ring_close(rings[1]);
	mmsb_ring_close(rings[0]);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(before[i], poller_number(&self->nl, i, MMSB_A_POLLER_IDLE_US, &rows));
}

static int set_idle(struct nlc *nl, uint32_t cpu, const uint32_t *idle_us)
{
	struct nl_msg *msg = nlc_request(nl, MMSB_CMD_POLLER_SET, false);

	nla_put_u32(msg, MMSB_A_POLLER_CPU, cpu);
	if (idle_us)
		nla_put_u32(msg, MMSB_A_POLLER_IDLE_US, *idle_us);
	return nlc_ask(nl, msg, NULL, NULL, NULL);
}

TEST_F(affinity, a_poller_has_an_idle_time_of_its_own)
{
	const uint32_t mine = 777, more = 1000001;
	uint64_t before;

	before = poller_number(&self->nl, 0, MMSB_A_POLLER_IDLE_US, &rows);
	ASSERT_EQ(0, set_idle(&self->nl, 1, &mine));
	EXPECT_EQ(777, poller_number(&self->nl, 1, MMSB_A_POLLER_IDLE_US, &rows));
	EXPECT_EQ(before, poller_number(&self->nl, 0, MMSB_A_POLLER_IDLE_US, &rows));
	EXPECT_EQ(-ERANGE, set_idle(&self->nl, 1, &more));
	ASSERT_EQ(0, set_idle(&self->nl, 1, NULL));
	EXPECT_EQ(before, poller_number(&self->nl, 1, MMSB_A_POLLER_IDLE_US, &rows));
	EXPECT_EQ(-ENODEV, set_idle(&self->nl, 99999, &mine));
}

/* ------------------------------------------------------------------------------------------------------------- who may */

static int move_to_0(struct nlc *nl, const char *name)
{
	return shard_move(nl, name, 1, 0);
}

/* Who may run on CPU 0 only. */
static int move_to_1(struct nlc *nl, const char *name)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus) ? -EIO : shard_move(nl, name, 1, 1);
}

static int set_idle_of_0(struct nlc *nl, const char *name)
{
	return set_idle(nl, 0, NULL);
}

TEST_F(affinity, owners_move_to_where_they_may_run_and_strangers_nothing)
{
	struct mmsb_space *space;
	char name[48];

	snprintf(name, sizeof(name), "%s-his", self->name);
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, name, MMSB_OPTS(struct mmsb_space_opts, .shards = 2, .uid = 1234, .gid = 1234, .own_set = true,
				     .mode = 0600, .flags = MMSB_SPACE_CREATE), &space));
	EXPECT_EQ(0, as(1234, false, move_to_0, name));
	EXPECT_EQ(0, shard_cpu(&self->nl, name, 1, &rows));
	EXPECT_EQ(-EPERM, as(1234, false, move_to_1, name));
	EXPECT_EQ(0, shard_cpu(&self->nl, name, 1, &rows));
	EXPECT_EQ(0, as(0, false, move_to_1, name));
	EXPECT_EQ(1, shard_cpu(&self->nl, name, 1, &rows));
	EXPECT_EQ(-EPERM, as(1234, false, move_to_0, self->name));
	EXPECT_EQ(-ENOENT, as(0, true, move_to_0, self->name));
	EXPECT_EQ(-EPERM, as(1234, false, set_idle_of_0, name));
	mmsb_space_close(space);
}

TEST_F(affinity, what_cannot_be_is_refused)
{
	struct mmsb_space *space;
	char name[48];

	EXPECT_EQ(-EINVAL, shard_move(&self->nl, self->name, 2, 0));
	EXPECT_EQ(-ENODEV, shard_move(&self->nl, self->name, 0, 99999));
	EXPECT_EQ(-EINVAL, nlc_ask(&self->nl, about(&self->nl, MMSB_CMD_SHARD_SET, false, MMSB_A_SHARD_SPACE_NAME, self->name), NULL, NULL, NULL));
	EXPECT_NE(NULL, strstr(self->nl.refusal, "which shard"));
	snprintf(name, sizeof(name), "%s-inline", self->name);
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, name, MMSB_OPTS(struct mmsb_space_opts, .shards = 1, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE), &space));
	EXPECT_EQ(-EOPNOTSUPP, shard_move(&self->nl, name, 0, 0));
	mmsb_space_close(space);
}

TEST_HARNESS_MAIN
