// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which CPU's poller serves a shard, changed while it works: every delta sent meanwhile arrives, on rings of the shard and of others; what rings
 * asked of their poller goes with them; CPUs that are not online take none; who may choose which CPU.
 */
#include <fcntl.h>
#include <pthread.h>
#include "common/harness.h"
#include "common/home.h"
#include "common/rows.h"

#define ONLINE "/sys/devices/system/cpu/cpu1/online"

FIXTURE(affinity) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct nlc nl;
	char name[32];
};

static struct rows rows;	/* too large for a stack */

static int cpu1(const char *state)
{
	int fd = open(ONLINE, O_WRONLY);
	int ret = fd < 0 ? -errno : write(fd, state, 1) == 1 ? 0 : -errno;

	close(fd);
	return ret;
}

FIXTURE_SETUP(affinity)
{
	if (!home_is_kernel())
		SKIP(return, "pollers are bound to CPUs in the kernel home only");
	if (access(ONLINE, F_OK))
		SKIP(return, "this machine has no CPU that can be taken offline");
	ASSERT_EQ(0, access(ONLINE, W_OK)) TH_LOG("run it as root");
	snprintf(self->name, sizeof(self->name), "test-affinity-%d", getpid());
	ASSERT_EQ(0, nlc_open(&self->nl));
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, self->name, MMSB_OPTS(struct mmsb_space_opts, .shards = 2, .mode = 0644,
				     .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH), &self->space));
}

FIXTURE_TEARDOWN(affinity)
{
	if (!self->mmsb)
		return;
	cpu1("1");
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
	nlc_close(&self->nl);
}

static int move(struct nlc *nl, const char *name, uint32_t shard, uint32_t cpu)
{
	struct nl_msg *msg = about(nl, MMSB_CMD_SHARD_SET, false, MMSB_A_SHARD_SPACE_NAME, name);

	nla_put_u32(msg, MMSB_A_SHARD_NUMBER, shard);
	nla_put_u32(msg, MMSB_A_SHARD_CPU, cpu);
	return nlc_ask(nl, msg, NULL, NULL, NULL);
}

static uint64_t cpu_of(struct nlc *nl, const char *name, uint32_t shard)
{
	if (ask(nl, about(nl, MMSB_CMD_SHARD_GET, true, MMSB_A_SHARD_SPACE_NAME, name), &nlc_shard, &rows))
		return ~0ull;
	return rows.number[shard][MMSB_A_SHARD_CPU];
}

static uint64_t of_poller(struct nlc *nl, uint32_t cpu, int attr)
{
	int i;

	if (ask(nl, nlc_request(nl, MMSB_CMD_POLLER_GET, true), &nlc_poller, &rows))
		return ~0ull;
	for (i = 0; i < rows.n; i++)
		if (rows.number[i][MMSB_A_POLLER_CPU] == cpu)
			return rows.number[i][attr];
	return ~0ull;
}

/* ------------------------------------------------------------------------------------------------------------ under load */

struct sender {
	struct mmsb_space *space;
	uint32_t shard;
	uint64_t page[2], sent;
	const bool *stop;
	int ret;
	pthread_t thread;
};

/* Now at full speed, now with pauses in which the poller falls asleep; each delta is waited for. */
static void *send_on(void *arg)
{
	struct sender *sender = arg;
	struct mmsb_ring *ring;

	sender->ret = mmsb_ring_open(sender->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_POLLED, .shard = sender->shard + 1, .idle_us = 50),
				     &ring);
	if (sender->ret)
		return NULL;
	while (!sender->ret && !__atomic_load_n(sender->stop, __ATOMIC_RELAXED)) {
		sender->ret = mmsb_add(ring, sender->page[sender->sent & 1], 8 * sender->shard, 1, NULL);
		sender->sent++;
		if (sender->sent % 8 == 0)
			usleep(sender->sent % 64 ? 50 : 1000);
	}
	mmsb_ring_close(ring);
	return NULL;
}

static void make_pages(struct __test_metadata *_metadata, struct mmsb_space *space, uint64_t page[2])
{
	struct mmsb_ring *ring;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .shard = i + 1), &ring));
		ASSERT_EQ(0, mmsb_create(ring, 64, &page[i]));
		mmsb_ring_close(ring);
	}
}

static void start(struct __test_metadata *_metadata, struct sender *senders, struct mmsb_space *space, const uint64_t page[2], const bool *stop)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		senders[i] = (struct sender){ .space = space, .shard = i, .page = { page[0], page[1] }, .stop = stop };
		ASSERT_EQ(0, pthread_create(&senders[i].thread, NULL, send_on, &senders[i]));
	}
}

static void finish(struct __test_metadata *_metadata, struct sender *senders, struct mmsb_space *space, const uint64_t page[2])
{
	uint64_t found[2][2], kept[2], fresh[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		pthread_join(senders[i].thread, NULL);
		EXPECT_EQ(0, senders[i].ret);
		EXPECT_LT(10, senders[i].sent);
		ASSERT_EQ(16, mmsb_read(space, page[i], 0, found[i], 16, NULL));
	}
	for (i = 0; i < 2; i++)
		EXPECT_EQ(senders[i].sent, found[0][i] + found[1][i]);
	ASSERT_EQ(0, mmsb_hash(space, 0, kept, NULL));
	ASSERT_EQ(0, mmsb_hash(space, MMSB_HASH_RECOMPUTE, fresh, NULL));
	EXPECT_EQ(0, memcmp(kept, fresh, sizeof(kept)));
}

TEST_F_TIMEOUT(affinity, shards_move_while_they_work, 100)
{
	uint64_t page[2], rounds = scaled(5000), i;
	struct sender senders[2];
	bool stop = false;

	make_pages(_metadata, self->space, page);
	start(_metadata, senders, self->space, page, &stop);
	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, move(&self->nl, self->name, i & 1, i >> 1 & 1));
		EXPECT_EQ(i >> 1 & 1, cpu_of(&self->nl, self->name, i & 1));
		usleep(i % 4 * 500);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	finish(_metadata, senders, self->space, page);
}

TEST_F_TIMEOUT(affinity, shards_move_while_their_cpu_goes_and_comes, 100)
{
	struct sender senders[2];
	bool stop = false;
	uint64_t page[2];
	int i;

	make_pages(_metadata, self->space, page);
	start(_metadata, senders, self->space, page, &stop);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, move(&self->nl, self->name, 0, 1));
		ASSERT_EQ(0, cpu1("0"));
		EXPECT_EQ(-ENODEV, move(&self->nl, self->name, 1, 1));
		EXPECT_NE(NULL, strstr(self->nl.refusal, "not online"));
		usleep(100000);
		ASSERT_EQ(0, move(&self->nl, self->name, 0, 0));
		ASSERT_EQ(0, cpu1("1"));
		ASSERT_EQ(0, move(&self->nl, self->name, 1, 1));
		usleep(100000);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	finish(_metadata, senders, self->space, page);
}

/* ---------------------------------------------------------------------------------------------------------- idle times */

TEST_F(affinity, what_a_ring_wishes_goes_with_its_shard)
{
	struct mmsb_ring *rings[2];
	uint64_t before;
	int i;

	ASSERT_EQ(0, move(&self->nl, self->name, 0, 0));
	ASSERT_EQ(0, move(&self->nl, self->name, 1, 1));
	before = of_poller(&self->nl, 0, MMSB_A_POLLER_IDLE_US);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_POLLED, .shard = i + 1,
						.idle_us = 3000 + 2000 * i), &rings[i]));
	EXPECT_EQ(5000, of_poller(&self->nl, 1, MMSB_A_POLLER_IDLE_US));
	ASSERT_EQ(0, move(&self->nl, self->name, 1, 0));
	EXPECT_EQ(5000, of_poller(&self->nl, 0, MMSB_A_POLLER_IDLE_US));
	EXPECT_EQ(before, of_poller(&self->nl, 1, MMSB_A_POLLER_IDLE_US));
	EXPECT_EQ(2, of_poller(&self->nl, 0, MMSB_A_POLLER_SHARDS));
	EXPECT_EQ(0, of_poller(&self->nl, 1, MMSB_A_POLLER_SHARDS));
	ASSERT_EQ(0, move(&self->nl, self->name, 0, 1));
	EXPECT_EQ(3000, of_poller(&self->nl, 1, MMSB_A_POLLER_IDLE_US));
	mmsb_ring_close(rings[1]);
	mmsb_ring_close(rings[0]);
	EXPECT_EQ(before, of_poller(&self->nl, 0, MMSB_A_POLLER_IDLE_US));
	EXPECT_EQ(before, of_poller(&self->nl, 1, MMSB_A_POLLER_IDLE_US));
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

	before = of_poller(&self->nl, 0, MMSB_A_POLLER_IDLE_US);
	ASSERT_EQ(0, set_idle(&self->nl, 1, &mine));
	EXPECT_EQ(777, of_poller(&self->nl, 1, MMSB_A_POLLER_IDLE_US));
	EXPECT_EQ(before, of_poller(&self->nl, 0, MMSB_A_POLLER_IDLE_US));
	EXPECT_EQ(-ERANGE, set_idle(&self->nl, 1, &more));
	ASSERT_EQ(0, set_idle(&self->nl, 1, NULL));
	EXPECT_EQ(before, of_poller(&self->nl, 1, MMSB_A_POLLER_IDLE_US));
	EXPECT_EQ(-ENODEV, set_idle(&self->nl, 99999, &mine));
}

/* ------------------------------------------------------------------------------------------------------------- who may */

static int move_to_0(struct nlc *nl, const char *name)
{
	return move(nl, name, 1, 0);
}

/* Who may run on CPU 0 only. */
static int move_to_1(struct nlc *nl, const char *name)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus) ? -EIO : move(nl, name, 1, 1);
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
	EXPECT_EQ(0, cpu_of(&self->nl, name, 1));
	EXPECT_EQ(-EPERM, as(1234, false, move_to_1, name));
	EXPECT_EQ(0, cpu_of(&self->nl, name, 1));
	EXPECT_EQ(0, as(0, false, move_to_1, name));
	EXPECT_EQ(1, cpu_of(&self->nl, name, 1));
	EXPECT_EQ(-EPERM, as(1234, false, move_to_0, self->name));
	EXPECT_EQ(-ENOENT, as(0, true, move_to_0, self->name));
	EXPECT_EQ(-EPERM, as(1234, false, set_idle_of_0, name));
	mmsb_space_close(space);
}

TEST_F(affinity, what_cannot_be_is_refused)
{
	struct mmsb_space *space;
	char name[48];

	EXPECT_EQ(-EINVAL, move(&self->nl, self->name, 2, 0));
	EXPECT_EQ(-ENODEV, move(&self->nl, self->name, 0, 99999));
	EXPECT_EQ(-EINVAL, nlc_ask(&self->nl, about(&self->nl, MMSB_CMD_SHARD_SET, false, MMSB_A_SHARD_SPACE_NAME, self->name), NULL, NULL, NULL));
	EXPECT_NE(NULL, strstr(self->nl.refusal, "which shard"));
	snprintf(name, sizeof(name), "%s-inline", self->name);
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, name, MMSB_OPTS(struct mmsb_space_opts, .shards = 1, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE), &space));
	EXPECT_EQ(-EOPNOTSUPP, move(&self->nl, name, 0, 0));
	mmsb_space_close(space);
}

TEST_HARNESS_MAIN
