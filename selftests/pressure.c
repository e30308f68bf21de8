// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pressure, as those are told of it who listen: limits that come near and go far again, each time told once; queues that are held up, by whom and
 * until when; a reader of history who is behind. Who did not listen finds it in the dump. Whose it is not does not hear of it.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <mmsb/reasons.h>
#include <mmsb/trace.h>
#include "common/harness.h"
#include "common/home.h"
#include "common/rows.h"
#include "common/settings.h"

#define ENTRIES	64

FIXTURE(pressure) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct nlc asking, hearing;
	struct settings settings;
	char name[32];
	uint64_t begun;
};

static struct rows rows;	/* too large for a stack */

static int make(struct mmsb *mmsb, const char *name, struct mmsb_space **space)
{
	return mmsb_space_open(mmsb, name, MMSB_OPTS(struct mmsb_space_opts, .mode = 0600, .shards = 2, .max_pages = 1000, .max_bytes = 16 << 20,
			       .max_rings = 8, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_EXCL), space);
}

static uint64_t module_number(struct nlc *nl, int attr)
{
	return ask(nl, nlc_request(nl, MMSB_CMD_MODULE_GET, false), &nlc_module, &rows) ? 0 : rows.number[0][attr];
}

static int set_patience(struct nlc *nl, uint32_t ms)
{
	struct nl_msg *msg = nlc_request(nl, MMSB_CMD_MODULE_SET, false);

	nla_put_u32(msg, MMSB_A_MODULE_PRESSURE_MS, ms);
	return nlc_ask(nl, msg, NULL, NULL, NULL);
}

FIXTURE_SETUP(pressure)
{
	if (!home_is_kernel())
		SKIP(return, "generic netlink is the kernel home's");
	ASSERT_EQ(0, getuid()) TH_LOG("run it as root, who may listen");
	snprintf(self->name, sizeof(self->name), "test-pressure-%d", getpid());
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, make(self->mmsb, self->name, &self->space));
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .sq_entries = ENTRIES, .cq_entries = ENTRIES, .flags = MMSB_RING_POLLED),
				    &self->ring));
	ASSERT_EQ(0, nlc_open(&self->asking));
	ASSERT_EQ(0, nlc_open(&self->hearing));
	ASSERT_EQ(0, nlc_listen(&self->hearing, MMSB_MCGRP_PRESSURE));
	self->begun = module_number(&self->asking, MMSB_A_MODULE_PRESSURE_GENERATION);
	ASSERT_EQ(0, settings_take(&self->asking, &self->settings));
	ASSERT_EQ(0, set_patience(&self->asking, 20));
}

FIXTURE_TEARDOWN(pressure)
{
	if (!self->mmsb)
		return;
	EXPECT_EQ(0, settings_give_back(&self->settings));
	nlc_close(&self->hearing);
	nlc_close(&self->asking);
	mmsb_ring_close(self->ring);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

/* ------------------------------------------------------------------------------------------------------------- hearing */

static struct rows heard;

/* The event that comes next, however late; 0: none came. */
static int next_event(struct nlc *nl)
{
	uint64_t end = now_ns() + PATIENCE;

	heard.n = 0;
	while (!heard.n && now_ns() < end)
		nlc_hear(nl, 100, keep, &heard);
	return heard.n ? (int)heard.number[0][MMSB_A_EVENT_WHAT] : 0;
}

static bool heard_anything(struct nlc *nl, int ms)
{
	heard.n = 0;
	while (!heard.n && !nlc_hear(nl, ms, keep, &heard))
		;
	return heard.n;
}

static uint64_t told(struct nlc *nl, const char *name)
{
	return get_space(nl, name, &rows) ? ~0ull : rows.number[0][MMSB_A_SPACE_PRESSURE];
}

static int make_pages(struct mmsb_ring *ring, uint64_t *pages, int n)
{
	int err = 0, i;

	for (i = 0; !err && i < n; i++)
		err = mmsb_create(ring, 64, &pages[i]);
	return err;
}

/* The next event is this one, of that limit. */
static bool limit_is_told(struct nlc *nl, int what, int reason)
{
	int event = next_event(nl);

	if (event == what && heard.number[0][MMSB_A_EVENT_REASON] == (uint64_t)reason)
		return true;
	printf("# event %d, reason %d, instead of %d, %d\n", event, (int)heard.number[0][MMSB_A_EVENT_REASON], what, reason);
	return false;
}

/*
 * Somebody has looked at everything, twice, and told nothing but what this brought about: the limit of rings comes near and goes far again,
 * and a limit that was changed is looked at at once. Rings are looked at behind pages and bytes, queues behind all three, so what the first
 * look tells comes before the second event of this.
 */
static bool two_looks_tell_nothing(FIXTURE_DATA(pressure) *self)
{
	if (mmsb_space_limit(self->space, 0, 0, 1) || !limit_is_told(&self->hearing, MMSB_WHAT_LIMIT_NEAR, MMSB_REASON_RINGS_LIMIT))
		return false;
	if (mmsb_space_limit(self->space, 0, 0, 8) || !limit_is_told(&self->hearing, MMSB_WHAT_LIMIT_FAR, MMSB_REASON_RINGS_LIMIT))
		return false;
	self->begun += 2;
	return true;
}

/* -------------------------------------------------------------------------------------------------------------- limits */

static int destroy_pages(struct mmsb_ring *ring, const uint64_t *pages, int n)
{
	int err = 0;

	while (!err && n--)
		err = mmsb_destroy(ring, pages[n]);
	return err;
}

/* Near from 900 of 1000 pages on; far below 800; in between as it was. Three times over, so that each is told once and no more. */
TEST_F(pressure, a_limit_of_pages_is_told_as_it_comes_near_and_as_it_goes)
{
	static uint64_t pages[1000];
	int round;

	ASSERT_EQ(0, make_pages(self->ring, pages, 800));
	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, make_pages(self->ring, pages + 800, 99));
		ASSERT_TRUE(two_looks_tell_nothing(self));
		EXPECT_EQ(0, told(&self->asking, self->name));
		ASSERT_EQ(0, make_pages(self->ring, pages + 899, 2));
		ASSERT_TRUE(limit_is_told(&self->hearing, MMSB_WHAT_LIMIT_NEAR, MMSB_REASON_PAGES_LIMIT));
		EXPECT_EQ(++self->begun, heard.number[0][MMSB_A_EVENT_GENERATION]);
		EXPECT_STREQ(self->name, heard.text[0]);
		ASSERT_EQ(0, destroy_pages(self->ring, pages + 800, 101));
		ASSERT_TRUE(two_looks_tell_nothing(self));
		EXPECT_EQ(MMSB_PRESSURE_PAGES, told(&self->asking, self->name));
		ASSERT_EQ(0, mmsb_destroy(self->ring, pages[799]));
		ASSERT_TRUE(limit_is_told(&self->hearing, MMSB_WHAT_LIMIT_FAR, MMSB_REASON_PAGES_LIMIT));
		EXPECT_EQ(++self->begun, heard.number[0][MMSB_A_EVENT_GENERATION]);
		EXPECT_EQ(0, told(&self->asking, self->name));
		ASSERT_EQ(0, make_pages(self->ring, pages + 799, 1));
	}
	EXPECT_EQ(self->begun, module_number(&self->asking, MMSB_A_MODULE_PRESSURE_GENERATION));
}

TEST_F(pressure, limits_of_bytes_and_of_rings_too_and_when_they_are_changed)
{
	struct mmsb_ring *more[7];
	uint64_t page, after;
	int i;

	ASSERT_EQ(0, mmsb_create(self->ring, 15 << 20, &page));
	ASSERT_EQ(MMSB_WHAT_LIMIT_NEAR, next_event(&self->hearing));
	EXPECT_EQ(MMSB_REASON_BYTES_LIMIT, heard.number[0][MMSB_A_EVENT_REASON]);
	for (i = 0; i < 7; i++)
		ASSERT_EQ(0, mmsb_ring_open(self->space, NULL, &more[i]));
	ASSERT_EQ(MMSB_WHAT_LIMIT_NEAR, next_event(&self->hearing));
	EXPECT_EQ(MMSB_REASON_RINGS_LIMIT, heard.number[0][MMSB_A_EVENT_REASON]);
	EXPECT_EQ(MMSB_PRESSURE_BYTES | MMSB_PRESSURE_RINGS, told(&self->asking, self->name));
	ASSERT_EQ(0, set_u32(&self->asking, self->name, MMSB_A_SPACE_MAX_RINGS, 80));
	ASSERT_EQ(MMSB_WHAT_LIMIT_FAR, next_event(&self->hearing));
	EXPECT_EQ(MMSB_REASON_RINGS_LIMIT, heard.number[0][MMSB_A_EVENT_REASON]);
	ASSERT_EQ(0, set_u32(&self->asking, self->name, MMSB_A_SPACE_MAX_RINGS, 2));
	ASSERT_EQ(MMSB_WHAT_LIMIT_NEAR, next_event(&self->hearing));
	ASSERT_EQ(0, mmsb_destroy(self->ring, page));
	ASSERT_EQ(MMSB_WHAT_LIMIT_FAR, next_event(&self->hearing));
	EXPECT_EQ(MMSB_REASON_BYTES_LIMIT, heard.number[0][MMSB_A_EVENT_REASON]);
	for (i = 0; i < 7; i++)
		mmsb_ring_close(more[i]);
	ASSERT_EQ(MMSB_WHAT_LIMIT_FAR, next_event(&self->hearing));
	after = module_number(&self->asking, MMSB_A_MODULE_PRESSURE_GENERATION);
	EXPECT_EQ(self->begun + 6, after);
}

/* -------------------------------------------------------------------------------------------------------------- queues */

static int publish(struct mmsb_ring *ring, unsigned int n)
{
	struct mmsb_sqe *sqe;
	int ret;

	while (n--) {
		sqe = mmsb_get_sqe(ring);
		if (!sqe)
			return -EBUSY;
		mmsb_prep_nop(sqe);
	}
	ret = mmsb_submit(ring);
	return ret < 0 ? ret : 0;
}

/* Entries whose completions nobody reaps: as many as there is room for, and `more`. */
static int hold_up(struct mmsb_ring *ring, unsigned int more)
{
	uint64_t end = now_ns() + PATIENCE;
	int err = publish(ring, ENTRIES);

	while (!err && mmsb_sq_space(ring) < ENTRIES && now_ns() < end)
		usleep(100);
	return err ?: publish(ring, more);
}

static int reap(struct mmsb_ring *ring, unsigned int n)
{
	struct mmsb_cqe cqe;
	int err = 0;

	while (!err && n--)
		err = mmsb_wait_cqe(ring, &cqe, PATIENCE);
	return err;
}

TEST_F(pressure, a_queue_that_is_held_up_is_told_once_and_when_it_goes_on)
{
	int round;

	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, hold_up(self->ring, 10));
		ASSERT_EQ(MMSB_WHAT_QUEUE_HELD, next_event(&self->hearing));
		EXPECT_EQ(MMSB_STALL_COMPLETIONS, heard.number[0][MMSB_A_EVENT_CAUSE]);
		EXPECT_EQ(1, heard.number[0][MMSB_A_EVENT_RING_ID]);
		EXPECT_EQ(getpid(), heard.number[0][MMSB_A_EVENT_PID]);
		EXPECT_EQ(++self->begun, heard.number[0][MMSB_A_EVENT_GENERATION]);
		ASSERT_TRUE(two_looks_tell_nothing(self));
		EXPECT_EQ(MMSB_PRESSURE_QUEUES, told(&self->asking, self->name));
		ASSERT_EQ(0, reap(self->ring, ENTRIES + 10));
		ASSERT_EQ(MMSB_WHAT_QUEUE_GOES_ON, next_event(&self->hearing));
		EXPECT_EQ(++self->begun, heard.number[0][MMSB_A_EVENT_GENERATION]);
	}
}

TEST_F(pressure, a_held_up_ring_that_is_closed_goes_on)
{
	struct mmsb_ring *ring;

	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .sq_entries = ENTRIES, .cq_entries = ENTRIES, .flags = MMSB_RING_POLLED),
				    &ring));
	ASSERT_EQ(0, hold_up(ring, 1));
	ASSERT_EQ(MMSB_WHAT_QUEUE_HELD, next_event(&self->hearing));
	EXPECT_EQ(2, heard.number[0][MMSB_A_EVENT_RING_ID]);
	mmsb_ring_close(ring);
	ASSERT_EQ(MMSB_WHAT_QUEUE_GOES_ON, next_event(&self->hearing));
	EXPECT_EQ(2, heard.number[0][MMSB_A_EVENT_RING_ID]);
}

TEST_F(pressure, nobody_is_told_before_the_time_that_is_set)
{
	ASSERT_EQ(0, set_patience(&self->asking, 60000));
	ASSERT_EQ(0, hold_up(self->ring, 10));
	ASSERT_TRUE(two_looks_tell_nothing(self));
	EXPECT_EQ(0, told(&self->asking, self->name));
	ASSERT_EQ(0, reap(self->ring, ENTRIES + 10));
	EXPECT_EQ(-ERANGE, set_patience(&self->asking, 0));
	EXPECT_EQ(-ERANGE, set_patience(&self->asking, 60001));
}

/* What is patient with queues looks at limits once a second all the same; it would take half a minute else. */
TEST_F(pressure, patience_with_queues_is_none_with_limits)
{
	struct mmsb_ring *ring;
	uint64_t page, began;

	ASSERT_EQ(0, mmsb_ring_open(self->space, NULL, &ring));
	ASSERT_EQ(0, set_patience(&self->asking, 60000));
	ASSERT_EQ(0, hold_up(self->ring, 10));
	ASSERT_TRUE(two_looks_tell_nothing(self));
	began = now_ns();
	ASSERT_EQ(0, mmsb_create(ring, 15 << 20, &page));
	ASSERT_TRUE(limit_is_told(&self->hearing, MMSB_WHAT_LIMIT_NEAR, MMSB_REASON_BYTES_LIMIT));
	EXPECT_GT(25 * SECOND, now_ns() - began);
	ASSERT_EQ(0, reap(self->ring, ENTRIES + 10));
	mmsb_ring_close(ring);
}

/* Beyond what netlink takes, as who writes to sysfs may have it: it is told as if it were the least that there is. */
static int write_patience(const char *text)
{
	int fd = open("/sys/module/mmsb/parameters/pressure_ms", O_WRONLY);
	int ret = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -errno;

	close(fd);
	return ret;
}

TEST_F(pressure, no_patience_at_all_is_the_least)
{
	ASSERT_EQ(0, write_patience("0"));
	ASSERT_EQ(0, hold_up(self->ring, 10));
	ASSERT_EQ(MMSB_WHAT_QUEUE_HELD, next_event(&self->hearing));
	ASSERT_EQ(0, reap(self->ring, ENTRIES + 10));
	ASSERT_EQ(MMSB_WHAT_QUEUE_GOES_ON, next_event(&self->hearing));
	ASSERT_EQ(0, write_patience("4294967295"));
	ASSERT_EQ(0, hold_up(self->ring, 10));
	ASSERT_TRUE(two_looks_tell_nothing(self));
	EXPECT_EQ(0, told(&self->asking, self->name));
}

/* ----------------------------------------------------------------------------------------------------------------- log */

/* Of the events that come until `last` of them have: how often `what` was told. */
static int count_until(struct nlc *nl, int last, int what)
{
	int event, n = 0;

	do {
		event = next_event(nl);
		n += event == what;
	} while (event && event != last);
	return event ? n : -1;
}

TEST_F(pressure, who_waits_for_the_reader_of_a_history_is_told_of)
{
	const struct mmsb_record *record;
	struct mmsb_history *history;
	uint64_t page;
	int i;

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, mmsb_history_open(self->space, MMSB_OPTS(struct mmsb_history_opts, .limit = 1), &history));
	for (i = 0; i < ENTRIES / 2; i++) {
		mmsb_prep_add(mmsb_get_sqe(self->ring), page, 0, 1);
		ASSERT_EQ(1, mmsb_submit(self->ring));
		usleep(1000);
	}
	EXPECT_EQ(0, count_until(&self->hearing, MMSB_WHAT_LOG_BLOCKED, MMSB_WHAT_LOG_FREE));
	EXPECT_NE(0, told(&self->asking, self->name) & MMSB_PRESSURE_LOG);
	for (i = 0; i < ENTRIES / 2;) {
		ASSERT_EQ(0, mmsb_history_next(history, &record, PATIENCE));
		i += record->type == MMSB_RECORD_DELTA;
	}
	EXPECT_EQ(0, count_until(&self->hearing, MMSB_WHAT_LOG_FREE, MMSB_WHAT_LOG_BLOCKED));
	mmsb_history_close(history);
}

/* ------------------------------------------------------------------------------------------------------- whose it is not */

/* In a network namespace of its own: what happens in that of the others is not heard, what happens here is, beginning with 1. */
static int hear_ones_own(struct nlc *nl, const char *name)
{
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb *mmsb;
	int err;

	err = nlc_listen(nl, MMSB_MCGRP_PRESSURE) ?: nlc_listen(nl, MMSB_MCGRP_LIFECYCLE);
	if (err || raise(SIGSTOP) || heard_anything(nl, 300))
		return err ?: -EEXIST;
	err = mmsb_open(&mmsb, NULL) ?: make(mmsb, name, &space) ?: mmsb_ring_open(space, NULL, &ring);
	if (err || next_event(nl) != MMSB_WHAT_SPACE_MADE || heard.number[0][MMSB_A_EVENT_GENERATION] != 1)
		return err ?: -ENOMSG;
	return next_event(nl) == MMSB_WHAT_RING_OPENED && heard.number[0][MMSB_A_EVENT_GENERATION] == 2 ? 0 : -ENOMSG;
}

TEST_F(pressure, another_network_namespace_hears_of_its_own)
{
	struct nlc nl;
	int status;
	pid_t child = fork();

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);	/* a test that fails leaves nobody behind who has the module in use */
		if (unshare(CLONE_NEWNET))
			_exit(254);
		_exit(-(nlc_open(&nl) ?: hear_ones_own(&nl, self->name)));
	}
	ASSERT_EQ(child, waitpid(child, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(0, hold_up(self->ring, 10));
	ASSERT_EQ(MMSB_WHAT_QUEUE_HELD, next_event(&self->hearing));
	kill(child, SIGCONT);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

static int listen_in(struct nlc *nl, const char *name)
{
	return nlc_listen(nl, MMSB_MCGRP_PRESSURE);
}

TEST_F(pressure, a_stranger_does_not_listen)
{
	EXPECT_EQ(-EPERM, as(1234, false, listen_in, self->name));
	EXPECT_EQ(0, as(0, true, listen_in, self->name));
}

/* ------------------------------------------------------------------------------------------------------------ its end */

/* A look may be on its way while the space goes. */
TEST_F(pressure, spaces_go_while_they_are_looked_at)
{
	uint64_t times = scaled(2500), i, page;
	struct mmsb_space *space;
	struct mmsb_ring *ring;

	ASSERT_EQ(0, set_patience(&self->asking, 1));
	for (i = 0; i < times; i++) {
		ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 1, .max_pages = 2,
					     .flags = MMSB_SPACE_CREATE), &space));
		ASSERT_EQ(0, mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .sq_entries = ENTRIES, .cq_entries = ENTRIES, .flags = MMSB_RING_POLLED),
					    &ring));
		ASSERT_EQ(0, mmsb_create(ring, 64, &page));
		ASSERT_EQ(0, hold_up(ring, 1));
		if (i % 4 == 3)
			usleep(3000);
		mmsb_ring_close(ring);
		mmsb_space_close(space);
	}
}

TEST_HARNESS_MAIN
