// SPDX-License-Identifier: GPL-2.0-only
/*
 * Logs, from outside: what was promised durable comes back from the files, in either home, with any number of shards, whoever wrote them and
 * however he ended. What is in the files besides is in logfiles.c.
 *
 * `log --seed N --ops N` replays what a failure printed. $MMSB_SOAK: goes on with new seeds for that many seconds.
 */
#include <inttypes.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include "kselftest.h"
#include "common/logbed.h"
#include "common/seeded.h"

#define LONG_MS		3600000u	/* an interval that does not end by itself */

static uint64_t seed;

/* --------------------------------------------------------------------------------------------------------- round trips */

static const struct {
	struct wild_config config;
	bool threads;
	uint32_t mode, flags;
} trips[] = {
	{ { .shards = 1 }, false, MMSB_BUFFERED, 0 },
	{ { .shards = 3 }, false, MMSB_BUFFERED, MMSB_LOG_OPT_ZSTD },
	{ { .shards = 2, .lazy = true }, false, MMSB_BUFFERED, MMSB_LOG_OPT_NO_URING },
	{ { .shards = 1 }, true, MMSB_STRICT, 0 },
	{ { .shards = 3, .polled = true }, true, MMSB_BUFFERED, 0 },
	{ { .shards = 2, .polled = true }, true, MMSB_STRICT, MMSB_LOG_OPT_ZSTD },
};
#define TRIPS (sizeof(trips) / sizeof(*trips))

static int run_wild(struct wild *wild, bool threads, uint64_t ops)
{
	return threads ? wild_run_threads(wild, ops) : wild_run(wild, ops);
}

/* Three writers one after the other: one closes, one is killed, one ends the log. */
static int round_trip(unsigned int i, const char *home, uint64_t ops)
{
	struct mmsb_log *log = NULL;
	static struct wild wild;
	char place[FOLDER_MAX];
	int err = wild_open(&wild, home, &trips[i].config, seed);

	folder_make(place);
	err = err ?: mmsb_log_open(wild.space, place, LOG_OPTS(.mode = trips[i].mode, .flags = trips[i].flags), &log);
	err = err ?: run_wild(&wild, trips[i].threads, ops / 3) ?: mmsb_log_close(log);
	err = err ?: logbed_holds(place, wild.space, "embedded", 2);
	err = err ?: mmsb_log_open(wild.space, place, LOG_OPTS(.flags = trips[i].flags), &log);
	err = err ?: run_wild(&wild, trips[i].threads, ops / 3);
	if (!err)
		logbed_abandon(log);
	err = err ?: mmsb_log_open(wild.space, place, LOG_OPTS(.flags = trips[i].flags), &log);
	err = err ?: run_wild(&wild, trips[i].threads, ops / 3);
	err = err ?: mmsb_log_end(log);
	if (err)
		logbed_said("a log");
	err = err ?: logbed_holds_everywhere(place, wild.space);
	wild_close(&wild);
	folder_remove(place);
	return err;
}

static void test_trips(uint64_t ops)
{
	static const char *const homes[] = { "embedded", "kernel" };
	unsigned int i, h;

	for (h = 0; h < (home_is_kernel() ? 2 : 1); h++)
		for (i = 0; i < TRIPS; i++)
			ksft_test_result(!round_trip(i, homes[h], ops), "%s home, %u shards, %s, %s\n", homes[h], trips[i].config.shards,
					 trips[i].config.polled ? "polled" : "inline", trips[i].mode == MMSB_STRICT ? "strict" : "buffered");
}

/* ------------------------------------------------------------------------------------------------------------ promises */

static int wait_durable(struct mmsb_space *space, uint64_t tick)
{
	uint64_t end = now_ns() + PATIENCE;

	while (mmsb_durable_tick(space) < tick) {
		if (now_ns() > end)
			return logbed_differs("it never became durable");
		usleep(1000);
	}
	return 0;
}

/* Nobody asks for it, and nothing more comes. */
static int idle_tail(void)
{
	struct logbed bed;
	int err = logbed_open(&bed, LOG_OPTS(.interval_ms = 20));

	err = err ?: logbed_adds(&bed, 3) ?: wait_durable(bed.space, mmsb_tick(bed.space)) ?: logbed_holds_now(bed.place, bed.space);
	logbed_close(&bed);
	return err;
}

static int strict_means_on_disk(void)
{
	struct logbed bed;
	unsigned int i;
	int err = logbed_open(&bed, LOG_OPTS(.mode = MMSB_STRICT, .interval_ms = LONG_MS));

	for (i = 0; !err && i < 6; i++) {
		err = logbed_adds(&bed, 1);
		if (!err && mmsb_durable_tick(bed.space) < mmsb_tick(bed.space))
			err = logbed_differs("a completion came before its tick was durable");
		err = err ?: logbed_holds_now(bed.place, bed.space);
	}
	logbed_close(&bed);
	return err;
}

/* Of many outstanding at once, all share a few syncs; so do ticks, when the writer comes to them late: it is whoever waits. */
static int group_commit(uint32_t flags, unsigned int at_once)
{
	struct mmsb_log_stat before = { .size = sizeof(before) }, after = { .size = sizeof(after) };
	struct mmsb_cqe cqe;
	struct logbed bed;
	unsigned int i;
	int err = logbed_open(&bed, LOG_OPTS(.mode = MMSB_STRICT, .interval_ms = LONG_MS, .flags = flags));

	err = err ?: mmsb_log_stat(bed.log, &before);
	for (i = 1; err >= 0 && i <= 64; i++) {
		mmsb_prep_add(mmsb_get_sqe(bed.ring), bed.page, 0, 1);
		err = i % at_once ? 0 : mmsb_submit(bed.ring);
	}
	err = err < 0 ? logbed_said("submitting") : 0;
	if (!err && mmsb_submit_and_wait(bed.ring, 64, PATIENCE) < 0)
		err = logbed_said("64 strict deltas");
	for (i = 0; !err && i < 64; i++)
		err = mmsb_wait_cqe(bed.ring, &cqe, 0) ?: cqe.result;
	err = err ?: mmsb_log_stat(bed.log, &after);
	if (!err && after.syncs - before.syncs > 4)
		err = logbed_differs("64 deltas that came together took a sync each");
	err = err ?: logbed_holds_now(bed.place, bed.space);
	logbed_close(&bed);
	return err;
}

/* In a space that is only buffered, one delta asks for more, and takes those before it along. */
static int durable_delta(void)
{
	struct mmsb_cqe cqe;
	struct logbed bed;
	int err = logbed_open(&bed, LOG_OPTS(.interval_ms = LONG_MS));

	err = err ?: logbed_adds(&bed, 5);
	if (!err && mmsb_durable_tick(bed.space) >= mmsb_tick(bed.space))
		err = logbed_differs("a buffered delta was durable at once");
	err = err ?: logbed_add(&bed, true, &cqe) ?: cqe.result;
	if (!err && mmsb_durable_tick(bed.space) < cqe.tick)
		err = logbed_differs("a durable delta's completion came before it was durable");
	err = err ?: logbed_holds_now(bed.place, bed.space);
	logbed_close(&bed);
	return err;
}

static int set_mode(struct mmsb_space *space, uint32_t mode)
{
	struct mmsb_durability_args args = { .flags = MMSB_DURABILITY_SET, .mode = mode };

	return mmsb_durability(space, &args);
}

static int modes_change(void)
{
	struct logbed bed;
	int err = logbed_open(&bed, LOG_OPTS(.interval_ms = LONG_MS));

	err = err ?: logbed_adds(&bed, 2) ?: set_mode(bed.space, MMSB_STRICT) ?: logbed_adds(&bed, 1);
	if (!err && mmsb_durable_tick(bed.space) < mmsb_tick(bed.space))
		err = logbed_differs("it was set to STRICT, and a delta was not durable");
	err = err ?: logbed_holds_now(bed.place, bed.space);
	err = err ?: set_mode(bed.space, MMSB_BUFFERED) ?: logbed_adds(&bed, 2);
	if (!err && mmsb_durable_tick(bed.space) >= mmsb_tick(bed.space))
		err = logbed_differs("it was set to BUFFERED, and a delta was durable at once");
	err = err ?: mmsb_sync(bed.space, PATIENCE) ?: logbed_holds_now(bed.place, bed.space);
	logbed_close(&bed);
	return err;
}

static int flush_limits(void)
{
	struct logbed bed;
	int err = logbed_open(&bed, LOG_OPTS(.interval_ms = LONG_MS, .flush_ticks = 10));
	uint64_t tick = 0;

	err = err ?: logbed_adds(&bed, 20);
	tick = err ? 0 : mmsb_tick(bed.space) - 10;
	err = err ?: wait_durable(bed.space, tick);
	logbed_close(&bed);
	if (err)
		return err;
	err = logbed_open(&bed, LOG_OPTS(.interval_ms = LONG_MS, .flush_bytes = 4096));
	err = err ?: logbed_adds(&bed, 200);
	tick = err ? 0 : mmsb_tick(bed.space) - 80;
	err = err ?: wait_durable(bed.space, tick);
	logbed_close(&bed);
	return err;
}

static void test_promises(void)
{
	ksft_test_result(!idle_tail(), "an idle tail is flushed when its time is up\n");
	ksft_test_result(!flush_limits(), "so many ticks, or bytes, are flushed\n");
	ksft_test_result(!strict_means_on_disk(), "strict: what has completed is in the files\n");
	ksft_test_result(!group_commit(0, 64), "strict: deltas share syncs\n");
	ksft_test_result(!group_commit(MMSB_LOG_OPT_NO_THREAD, 1), "strict: ticks share syncs\n");
	ksft_test_result(!durable_delta(), "buffered: a durable delta is in the files, and all before it\n");
	ksft_test_result(!modes_change(), "modes change as the space runs; sync\n");
}

/* ------------------------------------------------------------------------------------------------------------- writers */

static int fenced(void)
{
	struct mmsb_log_stat stat = { .size = sizeof(stat) };
	struct mmsb_space *other = NULL;
	struct mmsb_log *log = NULL;
	struct ear ear = EAR_OPEN;
	struct logbed bed;
	int err = logbed_open(&bed, LOG_OPTS(.interval_ms = LONG_MS, .tell = ear_hear, .arg = &ear));

	err = err ?: logbed_adds(&bed, 5);
	err = err ?: mmsb_space_open(bed.mmsb, bed.name, NULL, &other);
	if (!err && mmsb_log_open(other, bed.place, LOG_OPTS(), &log) != -EBUSY)
		err = logbed_differs("a second writer was let in");
	err = err ?: mmsb_log_open(other, bed.place, LOG_OPTS(.flags = MMSB_LOG_OPT_TAKE_OVER), &log);
	err = err ?: logbed_adds(&bed, 5) ?: mmsb_sync(bed.space, PATIENCE);
	err = err ?: mmsb_log_stat(bed.log, &stat);
	if (!err && (stat.error != -ESTALE || ear.worst != LOG_CRIT))
		err = logbed_differs("the writer that was fenced does not say so");
	err = err ?: logbed_holds_now(bed.place, bed.space) ?: mmsb_log_close(log);
	err = err ?: logbed_holds(bed.place, bed.space, "embedded", 1);
	if (err)
		logbed_said("taking over");
	logbed_close(&bed);
	return err;
}

/* A writer in a process of its own, which is killed: only the kernel home has spaces that outlive it. */
static int killed(void)
{
	struct logbed bed;
	int err, i, status;
	pid_t pid;

	err = logbed_open(&bed, LOG_OPTS());
	err = err ?: logbed_adds(&bed, 3) ?: logbed_shut(&bed, mmsb_log_close);
	for (i = 0; !err && i < 3; i++) {
		pid = fork();
		if (!pid) {
			err = mmsb_log_open(bed.space, bed.place, LOG_OPTS(.interval_ms = 5), &bed.log);
			for (;;)
				pause();
		}
		err = logbed_adds(&bed, 50) ?: mmsb_sync(bed.space, PATIENCE) ?: logbed_adds(&bed, 50);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	err = err ?: mmsb_log_open(bed.space, bed.place, LOG_OPTS(), &bed.log);
	err = err ?: logbed_adds(&bed, 3) ?: mmsb_sync(bed.space, PATIENCE) ?: logbed_holds_now(bed.place, bed.space);
	if (err)
		logbed_said("a writer that was killed");
	logbed_close(&bed);
	return err;
}

/* Which logs a space can have, and which not. */
static int only_its_own(void)
{
	char empty[FOLDER_MAX];
	struct logbed bed;
	struct mmsb_log *log;
	int err = logbed_open(&bed, LOG_OPTS());

	folder_make(empty);
	err = err ?: logbed_adds(&bed, 3) ?: logbed_shut(&bed, mmsb_log_close);
	if (!err && mmsb_log_open(bed.space, empty, LOG_OPTS(), &log) != -ENODATA)
		err = logbed_differs("a space's log went on in an empty directory");
	err = err ?: mmsb_log_open(bed.space, bed.place, LOG_OPTS(), &bed.log) ?: logbed_adds(&bed, 1) ?: logbed_shut(&bed, mmsb_log_end);
	err = err ?: logbed_adds(&bed, 1);
	if (!err && mmsb_log_open(bed.space, bed.place, LOG_OPTS(), &bed.log) != -EBADMSG)
		err = logbed_differs("a log was gone on with that ends elsewhere than the space stands");
	if (!err && mmsb_log_open(bed.space, "/nonexistent/log", LOG_OPTS(), &log) != -ENOENT)
		err = logbed_differs("a log in a directory that cannot be made");
	if (!err && mmsb_log_open(bed.space, empty, LOG_OPTS(.flags = MMSB_LOG_OPT_NO_CREATE), &log) != -ENOENT)
		err = logbed_differs("a log was made that should not be");
	if (err)
		logbed_said("a log of its own");
	folder_remove(empty);
	logbed_close(&bed);
	return err;
}

/* The space goes, the files stay; what is made of them goes on, again and again. */
static int goes_on(void)
{
	struct mmsb_restored restored;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_log *log;
	uint64_t epoch = 0;
	struct logbed bed;
	unsigned int i;
	int err = logbed_open(&bed, LOG_OPTS());

	err = err ?: logbed_adds(&bed, 10) ?: logbed_shut(&bed, mmsb_log_close);
	for (i = 0; !err && i < 3; i++) {
		err = logbed_restore(bed.mmsb, bed.place, i + 1, false, NULL, &restored, &space);
		err = err ?: mmsb_log_open(space, bed.place, LOG_OPTS(), &log);
		err = err ?: mmsb_ring_open(space, NULL, &ring) ?: mmsb_add(ring, bed.page, 0, 7, &epoch);
		if (!err && epoch != 11 + i)
			err = logbed_differs("the page is not at the epoch that it had");
		err = err ?: mmsb_log_close(log) ?: logbed_holds(bed.place, space, "embedded", 2);
		mmsb_ring_close(ring);
		mmsb_space_close(space);
	}
	if (err)
		logbed_said("going on");
	logbed_close(&bed);
	return err;
}

/* A log that begins late is of no use without a checkpoint, and says so when it is closed before there is one. */
static int without_a_base(void)
{
	struct logbed bed;
	int err = logbed_open(&bed, LOG_OPTS());

	err = err ?: logbed_adds(&bed, 5) ?: logbed_shut(&bed, mmsb_log_end);
	folder_empty(bed.place);
	err = err ?: mmsb_log_open(bed.space, bed.place, LOG_OPTS(.flags = MMSB_LOG_OPT_NO_THREAD), &bed.log);
	if (!err && logbed_shut(&bed, mmsb_log_close) != -ENODATA)
		err = logbed_differs("a log without a base was closed as if it were whole");
	err = err ?: mmsb_log_open(bed.space, bed.place, LOG_OPTS(), &bed.log) ?: mmsb_sync(bed.space, PATIENCE) ?: logbed_shut(&bed, mmsb_log_close);
	err = err ?: logbed_holds(bed.place, bed.space, "embedded", 1);
	if (err)
		logbed_said("a log without a base");
	logbed_close(&bed);
	return err;
}

/* Nobody writes between the end of a restore and the log's beginning, nor when that fails; and neither before a first log, if it is wished. */
static int held(void)
{
	struct mmsb_restored restored;
	struct mmsb_space *space = NULL;
	struct mmsb_ring *ring = NULL;
	struct mmsb_log *log = NULL;
	struct logbed bed;
	int err = logbed_open(&bed, LOG_OPTS());

	err = err ?: logbed_adds(&bed, 10) ?: logbed_shut(&bed, mmsb_log_close);
	err = err ?: logbed_restore(bed.mmsb, bed.place, 2, false, MMSB_OPTS(struct mmsb_restore_opts, .flags = MMSB_RESTORE_HOLD), &restored, &space);
	err = err ?: mmsb_ring_open(space, NULL, &ring);
	if (!err && (mmsb_add(ring, bed.page, 0, 7, NULL) != -EBUSY || mmsb_log_hold(space)))
		err = logbed_differs("somebody writes before the log is open");
	if (!err && (mmsb_log_open(space, "/nonexistent/log", LOG_OPTS(), &log) != -ENOENT || mmsb_add(ring, bed.page, 0, 7, NULL) != -EBUSY))
		err = logbed_differs("somebody writes though the log could not be opened");
	err = err ?: mmsb_log_open(space, bed.place, LOG_OPTS(), &log) ?: mmsb_add(ring, bed.page, 0, 7, NULL);
	err = err ?: mmsb_log_close(log) ?: logbed_holds(bed.place, space, "embedded", 1);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	if (err)
		logbed_said("a space that is held");
	logbed_close(&bed);
	return err;
}

/* What a restore leaves behind: the whole, which is open, or what stays shut. */
static int restored_shut(void)
{
	struct mmsb_space_opts opts = { .size = sizeof(opts), .shards = 2, .max_pages = WILD_PAGES * (LOGBED_SHARDS + 1),
					.flags = MMSB_SPACE_CREATE | MMSB_SPACE_EXCL | MMSB_SPACE_HASH | MMSB_SPACE_PIN | MMSB_SPACE_SHUT };
	struct mmsb_restore_opts hold = { .size = sizeof(hold), .flags = MMSB_RESTORE_HOLD };
	struct mmsb_space *space = NULL, *other = NULL;
	struct mmsb_ring *ring = NULL;
	char name[MMSB_NAME_MAX];
	struct logbed bed;
	int err = logbed_open(&bed, LOG_OPTS());

	snprintf(name, sizeof(name), "shut-%d", getpid());
	err = err ?: logbed_adds(&bed, 10) ?: logbed_shut(&bed, mmsb_log_close);
	err = err ?: mmsb_space_open(bed.mmsb, name, &opts, &space) ?: mmsb_space_open(bed.mmsb, name, NULL, &other);
	err = err ?: mmsb_ring_open(other, NULL, &ring) ?: mmsb_restore(space, bed.place, &hold, NULL);
	mmsb_space_close(space);
	space = NULL;
	if (!err && mmsb_add(ring, bed.page, 0, 7, NULL) != -ESHUTDOWN)
		err = logbed_differs("it is open, though who held it went");
	err = err ?: mmsb_space_reset(other);
	mmsb_ring_close(ring);
	mmsb_space_close(other);
	ring = NULL;
	other = NULL;
	err = err ?: mmsb_space_remove(bed.mmsb, name) ?: mmsb_space_open(bed.mmsb, name, &opts, &other);
	err = err ?: mmsb_restore(other, bed.place, NULL, NULL);
	err = err ?: mmsb_ring_open(other, NULL, &ring) ?: mmsb_add(ring, bed.page, 0, 7, NULL) ?: mmsb_space_remove(bed.mmsb, name);
	mmsb_ring_close(ring);
	mmsb_space_close(other);
	if (err)
		logbed_said("a space that is shut");
	logbed_close(&bed);
	return err;
}

static void test_writers(void)
{
	ksft_test_result(!without_a_base(), "a log that has no base yet\n");
	ksft_test_result(!held(), "nobody writes between a restore and the log\n");
	ksft_test_result(!restored_shut(), "a space opens when it is restored, and not before\n");
	ksft_test_result(!only_its_own(), "a space has one log, where it is\n");
	ksft_test_result(!goes_on(), "a space that was restored goes on\n");
	ksft_test_result(!fenced(), "a writer that was fenced stops, and the next goes on\n");
	if (home_is_kernel())
		ksft_test_result(!killed(), "a writer that was killed loses nothing\n");
}

/* ---------------------------------------------------------------------------------------------------------------- main */

static void run_all(uint64_t ops)
{
	ksft_print_msg("seed %" PRIu64 "\n", seed);
	test_trips(ops);
	test_promises();
	test_writers();
}

int main(int argc, char **argv)
{
	seeded_main(argc, argv, &seed, scaled(3000) + 40, run_all);
}
