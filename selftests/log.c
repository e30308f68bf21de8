// SPDX-License-Identifier: GPL-2.0-only
/*
 * Logs, from outside: what was promised durable comes back from the files, in either home, with any number of shards, whoever wrote them and
 * however he ended.
 *
 * `log --seed N --ops N` replays what a failure printed. $MMSB_SOAK: goes on with new seeds for that many seconds.
 */
#include <inttypes.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <syslog.h>
#include <mmsb/logging.h>
#include "kselftest.h"
#include "common/folder.h"
#include "common/seeded.h"
#include "common/wild.h"
#include "log/ahead.h"
#include "log/log.h"

#define MAX_SHARDS	8u
#define SEGMENT		(256u << 10)
#define LONG_MS		3600000u	/* an interval that does not end by itself */

static uint64_t seed;

/* ------------------------------------------------------------------------------------------------------------- helpers */

static int said(const char *what)
{
	printf("# %s: %s\n", what, mmsb_strerror_last());
	return -1;
}

static int differs(const char *what)
{
	printf("# %s\n", what);
	return -1;
}

/* What writers say is kept, and not printed where it is expected. */
struct ear {
	unsigned int n;
	int worst;
	char last[512];
};

static void hear(void *arg, int severity, const char *text)
{
	struct ear *ear = arg;

	ear->n++;
	ear->worst = severity < ear->worst ? severity : ear->worst;
	snprintf(ear->last, sizeof(ear->last), "%s", text);
}

#define EAR (struct ear){ .worst = LOG_DEBUG }

static struct ear ignored;

static int restore_once(struct mmsb *mmsb, const char *place, const struct wild_config *config, const struct mmsb_restore_opts *opts,
			struct mmsb_restored *restored, struct mmsb_space **space)
{
	int err = wild_space(mmsb, config, WILD_PAGES * (MAX_SHARDS + 1), space);

	memset(restored, 0, sizeof(*restored));
	restored->size = sizeof(*restored);
	return err ?: mmsb_restore(*space, place, opts, restored);
}

static uint64_t by_two_behind;		/* so many bytes, as msl_ahead_behind */

/* By one thread, and by two: nobody can tell. */
static int restore(struct mmsb *mmsb, const char *place, uint32_t shards, bool lazy, const struct mmsb_restore_opts *opts,
		   struct mmsb_restored *restored, struct mmsb_space **space)
{
	struct wild_config config = { .shards = shards, .lazy = lazy };
	struct mmsb_restore_opts o = opts ? *opts : (struct mmsb_restore_opts){ .size = sizeof(o) };
	struct mmsb_restored alone;
	char text[512];
	int err;

	if (!o.tell) {
		o.tell = hear;
		o.arg = &ignored;
	}
	msl_ahead_behind = UINT64_MAX;
	err = restore_once(mmsb, place, &config, &o, &alone, space);
	snprintf(text, sizeof(text), "%s", mmsb_strerror_last());
	mmsb_space_close(*space);
	msl_ahead_behind = by_two_behind;
	if (restore_once(mmsb, place, &config, &o, restored, space) != err || (err && strcmp(text, mmsb_strerror_last())))
		return said(text);
	if (memcmp(&alone, restored, sizeof(alone)))
		return differs("two threads made something else of it than one");
	return err ? said("restoring") : 0;
}

/* The files hold the space as it stands. */
static int holds(const char *place, struct mmsb_space *original, const char *home, uint32_t shards)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	struct mmsb_restored restored;
	struct mmsb_space *space;
	struct mmsb *mmsb;
	int err = mmsb_open(&mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = home));

	err = err ?: mmsb_space_info(original, &info);
	err = err ?: restore(mmsb, place, shards, info.flags & MMSB_SPACE_LAZY, NULL, &restored, &space);
	if (!err && !restored.hashed && restored.ticks)
		err = differs("the log does not say the state hash");
	err = err ?: wild_compare(original, space);
	mmsb_close(mmsb);
	return err;
}

/* Likewise a copy of them, as of this very moment. */
static int holds_now(const char *place, struct mmsb_space *original)
{
	char copy[FOLDER_MAX];
	int err;

	folder_copy(place, copy);
	err = holds(copy, original, "embedded", 1);
	folder_remove(copy);
	return err;
}

static int holds_everywhere(const char *place, struct mmsb_space *original)
{
	static const uint32_t shards[] = { 1, 3, 8 };
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < 3; i++)
		err = holds(place, original, "embedded", shards[i]);
	if (!err && home_is_kernel())
		err = holds(place, original, "kernel", 2);
	return err;
}

/* What a test says itself comes last, and counts. */
#pragma GCC diagnostic ignored "-Woverride-init"
#define LOG_OPTS(...) MMSB_OPTS(struct mmsb_log_opts, .segment_bytes = SEGMENT, .tell = hear, .arg = &ignored, ##__VA_ARGS__)

/* A space with a ring, a page and a log. */
struct bed {
	char place[FOLDER_MAX];
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_log *log;
	uint64_t page;
	uint64_t value;
	char name[MMSB_NAME_MAX];
};

static int bed_space(struct bed *bed)
{
	snprintf(bed->name, sizeof(bed->name), "log-%d", getpid());
	return mmsb_space_open(bed->mmsb, bed->name, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_EXCL |
			       MMSB_SPACE_HASH | MMSB_SPACE_INLINE, .shards = 1, .max_pages = WILD_PAGES), &bed->space);
}

static int bed_open(struct bed *bed, const struct mmsb_log_opts *opts)
{
	int err;

	memset(bed, 0, sizeof(*bed));
	folder_make(bed->place);
	err = mmsb_open(&bed->mmsb, NULL);
	err = err ?: bed_space(bed);
	err = err ?: mmsb_ring_open(bed->space, NULL, &bed->ring);
	err = err ?: mmsb_log_open(bed->space, bed->place, opts, &bed->log);
	err = err ?: mmsb_create(bed->ring, 64, &bed->page);
	return err ? said("a space with a log") : 0;
}

static void bed_close(struct bed *bed)
{
	if (bed->log)
		mmsb_log_close(bed->log);
	mmsb_ring_close(bed->ring);
	mmsb_close(bed->mmsb);
	folder_remove(bed->place);
}

/* The log goes, the space stays; `how`: mmsb_log_close(), or mmsb_log_end(). */
static int bed_shut(struct bed *bed, int (*how)(struct mmsb_log *log))
{
	struct mmsb_log *log = bed->log;

	bed->log = NULL;
	return how(log);
}

/* One delta; its completion is waited for. */
static int bed_add(struct bed *bed, bool durable, struct mmsb_cqe *cqe)
{
	struct mmsb_sqe sqe;

	bed->value++;
	mmsb_prep_add(&sqe, bed->page, 8 * (bed->value % 8), (int64_t)bed->value);
	if (durable)
		mmsb_sqe_durable(&sqe);
	return run_entry(bed->ring, &sqe, cqe);
}

static int bed_adds(struct bed *bed, unsigned int n)
{
	struct mmsb_cqe cqe;
	int err = 0;

	while (!err && n--)
		err = bed_add(bed, false, &cqe) ?: cqe.result;
	return err;
}

static int see_nothing(void *arg, const struct mmsb_log_file *file, int result, const char *text)
{
	return 0;
}

/* As if the writer's process had been killed: nothing is flushed, and nobody is told. */
static void abandon(struct mmsb_log *log)
{
	struct mmsb_space *space = log->space;

	msl_thread_stop(log);
	space->log = NULL;
	msl_writer_end(&log->writer);
	log->source->ops->close(log->source);
	msl_disk_close(log->disk);
	pthread_cond_destroy(&log->changed);
	free(log->dir);
	free(log);
	msl_space_put(space);
}

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
	err = err ?: holds(place, wild.space, "embedded", 2);
	err = err ?: mmsb_log_open(wild.space, place, LOG_OPTS(.flags = trips[i].flags), &log);
	err = err ?: run_wild(&wild, trips[i].threads, ops / 3);
	if (!err)
		abandon(log);
	err = err ?: mmsb_log_open(wild.space, place, LOG_OPTS(.flags = trips[i].flags), &log);
	err = err ?: run_wild(&wild, trips[i].threads, ops / 3);
	err = err ?: mmsb_log_end(log);
	if (err)
		said("a log");
	err = err ?: holds_everywhere(place, wild.space);
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
			return differs("it never became durable");
		usleep(1000);
	}
	return 0;
}

/* Nobody asks for it, and nothing more comes. */
static int idle_tail(void)
{
	struct bed bed;
	int err = bed_open(&bed, LOG_OPTS(.interval_ms = 20));

	err = err ?: bed_adds(&bed, 3) ?: wait_durable(bed.space, mmsb_tick(bed.space)) ?: holds_now(bed.place, bed.space);
	bed_close(&bed);
	return err;
}

static int strict_means_on_disk(void)
{
	struct bed bed;
	unsigned int i;
	int err = bed_open(&bed, LOG_OPTS(.mode = MMSB_STRICT, .interval_ms = LONG_MS));

	for (i = 0; !err && i < 6; i++) {
		err = bed_adds(&bed, 1);
		if (!err && mmsb_durable_tick(bed.space) < mmsb_tick(bed.space))
			err = differs("a completion came before its tick was durable");
		err = err ?: holds_now(bed.place, bed.space);
	}
	bed_close(&bed);
	return err;
}

/* Of many outstanding at once, all share a few syncs; so do ticks, when the writer comes to them late: it is whoever waits. */
static int group_commit(uint32_t flags, unsigned int at_once)
{
	struct mmsb_log_stat before = { .size = sizeof(before) }, after = { .size = sizeof(after) };
	struct mmsb_cqe cqe;
	struct bed bed;
	unsigned int i;
	int err = bed_open(&bed, LOG_OPTS(.mode = MMSB_STRICT, .interval_ms = LONG_MS, .flags = flags));

	err = err ?: mmsb_log_stat(bed.log, &before);
	for (i = 1; err >= 0 && i <= 64; i++) {
		mmsb_prep_add(mmsb_get_sqe(bed.ring), bed.page, 0, 1);
		err = i % at_once ? 0 : mmsb_submit(bed.ring);
	}
	err = err < 0 ? said("submitting") : 0;
	if (!err && mmsb_submit_and_wait(bed.ring, 64, PATIENCE) < 0)
		err = said("64 strict deltas");
	for (i = 0; !err && i < 64; i++)
		err = mmsb_wait_cqe(bed.ring, &cqe, 0) ?: cqe.result;
	err = err ?: mmsb_log_stat(bed.log, &after);
	if (!err && after.syncs - before.syncs > 4)
		err = differs("64 deltas that came together took a sync each");
	err = err ?: holds_now(bed.place, bed.space);
	bed_close(&bed);
	return err;
}

/* In a space that is only buffered, one delta asks for more, and takes those before it along. */
static int durable_delta(void)
{
	struct mmsb_cqe cqe;
	struct bed bed;
	int err = bed_open(&bed, LOG_OPTS(.interval_ms = LONG_MS));

	err = err ?: bed_adds(&bed, 5);
	if (!err && mmsb_durable_tick(bed.space) >= mmsb_tick(bed.space))
		err = differs("a buffered delta was durable at once");
	err = err ?: bed_add(&bed, true, &cqe) ?: cqe.result;
	if (!err && mmsb_durable_tick(bed.space) < cqe.tick)
		err = differs("a durable delta's completion came before it was durable");
	err = err ?: holds_now(bed.place, bed.space);
	bed_close(&bed);
	return err;
}

static int set_mode(struct mmsb_space *space, uint32_t mode)
{
	struct mmsb_durability_args args = { .flags = MMSB_DURABILITY_SET, .mode = mode };

	return mmsb_durability(space, &args);
}

static int modes_change(void)
{
	struct bed bed;
	int err = bed_open(&bed, LOG_OPTS(.interval_ms = LONG_MS));

	err = err ?: bed_adds(&bed, 2) ?: set_mode(bed.space, MMSB_STRICT) ?: bed_adds(&bed, 1);
	if (!err && mmsb_durable_tick(bed.space) < mmsb_tick(bed.space))
		err = differs("it was set to STRICT, and a delta was not durable");
	err = err ?: holds_now(bed.place, bed.space);
	err = err ?: set_mode(bed.space, MMSB_BUFFERED) ?: bed_adds(&bed, 2);
	if (!err && mmsb_durable_tick(bed.space) >= mmsb_tick(bed.space))
		err = differs("it was set to BUFFERED, and a delta was durable at once");
	err = err ?: mmsb_sync(bed.space, PATIENCE) ?: holds_now(bed.place, bed.space);
	bed_close(&bed);
	return err;
}

static int flush_limits(void)
{
	struct bed bed;
	int err = bed_open(&bed, LOG_OPTS(.interval_ms = LONG_MS, .flush_ticks = 10));
	uint64_t tick = 0;

	err = err ?: bed_adds(&bed, 20);
	tick = err ? 0 : mmsb_tick(bed.space) - 10;
	err = err ?: wait_durable(bed.space, tick);
	bed_close(&bed);
	if (err)
		return err;
	err = bed_open(&bed, LOG_OPTS(.interval_ms = LONG_MS, .flush_bytes = 4096));
	err = err ?: bed_adds(&bed, 200);
	tick = err ? 0 : mmsb_tick(bed.space) - 80;
	err = err ?: wait_durable(bed.space, tick);
	bed_close(&bed);
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
	struct ear ear = EAR;
	struct bed bed;
	int err = bed_open(&bed, LOG_OPTS(.interval_ms = LONG_MS, .tell = hear, .arg = &ear));

	err = err ?: bed_adds(&bed, 5);
	err = err ?: mmsb_space_open(bed.mmsb, bed.name, NULL, &other);
	if (!err && mmsb_log_open(other, bed.place, LOG_OPTS(), &log) != -EBUSY)
		err = differs("a second writer was let in");
	err = err ?: mmsb_log_open(other, bed.place, LOG_OPTS(.flags = MMSB_LOG_OPT_TAKE_OVER), &log);
	err = err ?: bed_adds(&bed, 5) ?: mmsb_sync(bed.space, PATIENCE);
	err = err ?: mmsb_log_stat(bed.log, &stat);
	if (!err && (stat.error != -ESTALE || ear.worst != LOG_CRIT))
		err = differs("the writer that was fenced does not say so");
	err = err ?: holds_now(bed.place, bed.space) ?: mmsb_log_close(log);
	err = err ?: holds(bed.place, bed.space, "embedded", 1);
	if (err)
		said("taking over");
	bed_close(&bed);
	return err;
}

/* A writer in a process of its own, which is killed: only the kernel home has spaces that outlive it. */
static int killed(void)
{
	struct bed bed;
	int err, i, status;
	pid_t pid;

	err = bed_open(&bed, LOG_OPTS());
	err = err ?: bed_adds(&bed, 3) ?: bed_shut(&bed, mmsb_log_close);
	for (i = 0; !err && i < 3; i++) {
		pid = fork();
		if (!pid) {
			err = mmsb_log_open(bed.space, bed.place, LOG_OPTS(.interval_ms = 5), &bed.log);
			for (;;)
				pause();
		}
		err = bed_adds(&bed, 50) ?: mmsb_sync(bed.space, PATIENCE) ?: bed_adds(&bed, 50);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	err = err ?: mmsb_log_open(bed.space, bed.place, LOG_OPTS(), &bed.log);
	err = err ?: bed_adds(&bed, 3) ?: mmsb_sync(bed.space, PATIENCE) ?: holds_now(bed.place, bed.space);
	if (err)
		said("a writer that was killed");
	bed_close(&bed);
	return err;
}

/* Which logs a space can have, and which not. */
static int only_its_own(void)
{
	char empty[FOLDER_MAX];
	struct bed bed;
	struct mmsb_log *log;
	int err = bed_open(&bed, LOG_OPTS());

	folder_make(empty);
	err = err ?: bed_adds(&bed, 3) ?: bed_shut(&bed, mmsb_log_close);
	if (!err && mmsb_log_open(bed.space, empty, LOG_OPTS(), &log) != -ENODATA)
		err = differs("a space's log went on in an empty directory");
	err = err ?: mmsb_log_open(bed.space, bed.place, LOG_OPTS(), &bed.log) ?: bed_adds(&bed, 1) ?: bed_shut(&bed, mmsb_log_end);
	err = err ?: bed_adds(&bed, 1);
	if (!err && mmsb_log_open(bed.space, bed.place, LOG_OPTS(), &bed.log) != -EBADMSG)
		err = differs("a log was gone on with that ends elsewhere than the space stands");
	if (!err && mmsb_log_open(bed.space, "/nonexistent/log", LOG_OPTS(), &log) != -ENOENT)
		err = differs("a log in a directory that cannot be made");
	if (!err && mmsb_log_open(bed.space, empty, LOG_OPTS(.flags = MMSB_LOG_OPT_NO_CREATE), &log) != -ENOENT)
		err = differs("a log was made that should not be");
	if (err)
		said("a log of its own");
	folder_remove(empty);
	bed_close(&bed);
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
	struct bed bed;
	unsigned int i;
	int err = bed_open(&bed, LOG_OPTS());

	err = err ?: bed_adds(&bed, 10) ?: bed_shut(&bed, mmsb_log_close);
	for (i = 0; !err && i < 3; i++) {
		err = restore(bed.mmsb, bed.place, i + 1, false, NULL, &restored, &space);
		err = err ?: mmsb_log_open(space, bed.place, LOG_OPTS(), &log);
		err = err ?: mmsb_ring_open(space, NULL, &ring) ?: mmsb_add(ring, bed.page, 0, 7, &epoch);
		if (!err && epoch != 11 + i)
			err = differs("the page is not at the epoch that it had");
		err = err ?: mmsb_log_close(log) ?: holds(bed.place, space, "embedded", 2);
		mmsb_ring_close(ring);
		mmsb_space_close(space);
	}
	if (err)
		said("going on");
	bed_close(&bed);
	return err;
}

/* A log that begins late is of no use without a checkpoint, and says so when it is closed before there is one. */
static int without_a_base(void)
{
	struct bed bed;
	int err = bed_open(&bed, LOG_OPTS());

	err = err ?: bed_adds(&bed, 5) ?: bed_shut(&bed, mmsb_log_end);
	folder_empty(bed.place);
	err = err ?: mmsb_log_open(bed.space, bed.place, LOG_OPTS(.flags = MMSB_LOG_OPT_NO_THREAD), &bed.log);
	if (!err && bed_shut(&bed, mmsb_log_close) != -ENODATA)
		err = differs("a log without a base was closed as if it were whole");
	err = err ?: mmsb_log_open(bed.space, bed.place, LOG_OPTS(), &bed.log) ?: mmsb_sync(bed.space, PATIENCE) ?: bed_shut(&bed, mmsb_log_close);
	err = err ?: holds(bed.place, bed.space, "embedded", 1);
	if (err)
		said("a log without a base");
	bed_close(&bed);
	return err;
}

/* Nobody writes between the end of a restore and the log's beginning, nor when that fails; and neither before a first log, if it is wished. */
static int held(void)
{
	struct mmsb_restored restored;
	struct mmsb_space *space = NULL;
	struct mmsb_ring *ring = NULL;
	struct mmsb_log *log = NULL;
	struct bed bed;
	int err = bed_open(&bed, LOG_OPTS());

	err = err ?: bed_adds(&bed, 10) ?: bed_shut(&bed, mmsb_log_close);
	err = err ?: restore(bed.mmsb, bed.place, 2, false, MMSB_OPTS(struct mmsb_restore_opts, .flags = MMSB_RESTORE_HOLD), &restored, &space);
	err = err ?: mmsb_ring_open(space, NULL, &ring);
	if (!err && (mmsb_add(ring, bed.page, 0, 7, NULL) != -EBUSY || mmsb_log_hold(space)))
		err = differs("somebody writes before the log is open");
	if (!err && (mmsb_log_open(space, "/nonexistent/log", LOG_OPTS(), &log) != -ENOENT || mmsb_add(ring, bed.page, 0, 7, NULL) != -EBUSY))
		err = differs("somebody writes though the log could not be opened");
	err = err ?: mmsb_log_open(space, bed.place, LOG_OPTS(), &log) ?: mmsb_add(ring, bed.page, 0, 7, NULL);
	err = err ?: mmsb_log_close(log) ?: holds(bed.place, space, "embedded", 1);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	if (err)
		said("a space that is held");
	bed_close(&bed);
	return err;
}

/* What a restore leaves behind: the whole, which is open, or what stays shut. */
static int restored_shut(void)
{
	struct mmsb_space_opts opts = { .size = sizeof(opts), .shards = 2, .max_pages = WILD_PAGES * (MAX_SHARDS + 1),
					.flags = MMSB_SPACE_CREATE | MMSB_SPACE_EXCL | MMSB_SPACE_HASH | MMSB_SPACE_PIN | MMSB_SPACE_SHUT };
	struct mmsb_restore_opts hold = { .size = sizeof(hold), .flags = MMSB_RESTORE_HOLD };
	struct mmsb_space *space = NULL, *other = NULL;
	struct mmsb_ring *ring = NULL;
	char name[MMSB_NAME_MAX];
	struct bed bed;
	int err = bed_open(&bed, LOG_OPTS());

	snprintf(name, sizeof(name), "shut-%d", getpid());
	err = err ?: bed_adds(&bed, 10) ?: bed_shut(&bed, mmsb_log_close);
	err = err ?: mmsb_space_open(bed.mmsb, name, &opts, &space) ?: mmsb_space_open(bed.mmsb, name, NULL, &other);
	err = err ?: mmsb_ring_open(other, NULL, &ring) ?: mmsb_restore(space, bed.place, &hold, NULL);
	mmsb_space_close(space);
	space = NULL;
	if (!err && mmsb_add(ring, bed.page, 0, 7, NULL) != -ESHUTDOWN)
		err = differs("it is open, though who held it went");
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
		said("a space that is shut");
	bed_close(&bed);
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

/* --------------------------------------------------------------------------------------------------------- checkpoints */

struct load {
	struct wild *wild;
	uint64_t ops;
	int result;
};

static void *run_load(void *arg)
{
	struct load *load = arg;

	load->result = wild_run_threads(load->wild, load->ops);
	return NULL;
}

/* Checkpoints are made again and again while the space is written to; what is restored begins with the last. */
static int under_load(const struct wild_config *config, bool late, uint64_t ops)
{
	struct mmsb_log *log = NULL;
	struct mmsb_restored restored;
	struct mmsb_space *space;
	static struct wild wild;
	char place[FOLDER_MAX];
	struct load load = { &wild, ops, 0 };
	uint64_t tick = 0;
	pthread_t thread;
	unsigned int i;
	int err = wild_open(&wild, NULL, config, seed);

	folder_make(place);
	err = err ?: late ? wild_run(&wild, ops / 4) : 0;
	err = err ?: mmsb_log_open(wild.space, place, LOG_OPTS(.flush_bytes = 32768), &log);
	if (!err) {
		pthread_create(&thread, NULL, run_load, &load);
		for (i = 0; !err && i < 4; i++)
			err = mmsb_log_checkpoint(log, &tick);
		pthread_join(thread, NULL);
		err = err ?: load.result ?: wild_run(&wild, ops / 4) ?: mmsb_log_checkpoint(log, &tick) ?: wild_run(&wild, ops / 4);
	}
	err = err ?: mmsb_log_close(log);
	if (err)
		said("checkpoints");
	err = err ?: restore(wild.mmsb, place, 2, config->lazy, NULL, &restored, &space);
	if (!err && (restored.checkpoint != tick || !restored.hashed))
		err = differs("it did not begin with the newest checkpoint");
	err = err ?: wild_compare(wild.space, space) ?: holds_everywhere(place, wild.space);
	if (!err && mmsb_log_verify(place, see_nothing, NULL))
		err = said("verifying");
	wild_close(&wild);
	folder_remove(place);
	return err;
}

/* The newest checkpoint is large, and so is what was taken in of it, and read of the ticks behind it, before its damage is found. */
static int make_large(struct bed *bed)
{
	static uint8_t noise[512 << 10];
	struct rng rng = { seed };
	uint64_t page;
	int err = mmsb_create(bed->ring, sizeof(noise), &page);

	rng_fill(&rng, noise, sizeof(noise));
	return err ?: mmsb_set(bed->ring, page, 0, noise, sizeof(noise), NULL);
}

/* A checkpoint that is damaged is said so, and the one before it is taken. */
static int older_one(bool large)
{
	char newest[FOLDER_MAX];
	struct mmsb_restored restored;
	struct mmsb_space *space = NULL;
	uint64_t ticks[2] = { 0 };
	struct ear ear = EAR;
	struct bed bed;
	unsigned int i;
	int err = bed_open(&bed, LOG_OPTS());

	by_two_behind = large ? 64 << 10 : 0;	/* the older one is less than that */
	for (i = 0; !err && i < 2; i++)
		err = bed_adds(&bed, 20) ?: (i && large ? make_large(&bed) : 0) ?: mmsb_log_checkpoint(bed.log, &ticks[i]);
	err = err ?: bed_adds(&bed, 20) ?: mmsb_sync(bed.space, PATIENCE);
	folder_count(bed.place, ".ckp", newest);
	folder_flip(newest, large ? 400 << 10 : 200);
	if (!err && mmsb_log_verify(bed.place, see_nothing, NULL) != -EBADMSG)
		err = differs("a damaged checkpoint went unseen");
	err = err ?: restore(bed.mmsb, bed.place, 1, false, MMSB_OPTS(struct mmsb_restore_opts, .tell = hear, .arg = &ear), &restored, &space);
	if (!err && (restored.checkpoint != ticks[0] || !strstr(ear.last, ".ckp")))
		err = differs("it did not take the older checkpoint, or did not say so");
	by_two_behind = 0;
	err = err ?: wild_compare(bed.space, space);
	bed_close(&bed);
	return err;
}

/* Of a large page, whose image comes in pieces, each among those of small ones. */
static int in_pieces(void)
{
	struct mmsb_restored restored;
	struct mmsb_space *space = NULL;
	uint64_t page, value = 1;
	struct bed bed;
	unsigned int i;
	int err = bed_open(&bed, LOG_OPTS());

	for (i = 0; !err && i < 12; i++) {
		err = mmsb_create(bed.ring, i % 3 ? 64 : MMSB_IMAGE_PIECE + 64, &page);
		err = err ?: mmsb_set(bed.ring, page, 8, &value, sizeof(value), NULL);
		if (!err && i % 3 == 0)
			err = mmsb_set(bed.ring, page, MMSB_IMAGE_PIECE + 8, &value, sizeof(value), NULL);
	}
	err = err ?: mmsb_log_checkpoint(bed.log, NULL);
	err = err ?: restore(bed.mmsb, bed.place, 1, false, NULL, &restored, &space);
	if (!err && restored.pages != 1 + i)
		err = differs("pages were counted that are not there");
	err = err ?: wild_compare(bed.space, space);
	bed_close(&bed);
	return err;
}

/* Old segments go when two checkpoints stand behind them, and the rest is all that is needed. */
static int retention(void)
{
	struct mmsb_restored restored;
	struct mmsb_space *space;
	struct mmsb_log_info info = { .size = sizeof(info) };
	struct bed bed;
	unsigned int i;
	int err = bed_open(&bed, LOG_OPTS(.segment_bytes = 8192, .interval_ms = 1, .checkpoint_bytes = 20000));

	for (i = 0; !err && i < 3; i++)
		err = bed_adds(&bed, 1000) ?: mmsb_log_checkpoint(bed.log, NULL);
	err = err ?: bed_adds(&bed, 3) ?: mmsb_sync(bed.space, PATIENCE) ?: mmsb_log_info(bed.place, &info);
	if (!err && (info.checkpoints != 2 || info.segments > 8 || info.first_tick < 500))
		err = differs("what could go has stayed, or the other way round");
	err = err ?: holds(bed.place, bed.space, "embedded", 1);
	err = err ?: wild_space(bed.mmsb, &(struct wild_config){ .shards = 1 }, WILD_PAGES, &space);
	restored.size = sizeof(restored);
	if (!err && mmsb_restore(space, bed.place, MMSB_OPTS(struct mmsb_restore_opts, .flags = MMSB_RESTORE_FROM_BEGINNING), &restored) != -ENOENT)
		err = differs("a beginning was found that is not there");
	bed_close(&bed);
	return err;
}

static void test_checkpoints(uint64_t ops)
{
	static const struct wild_config configs[] = { { .shards = 1 }, { .shards = 3, .polled = true }, { .shards = 2, .lazy = true } };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		ksft_test_result(!under_load(&configs[i], false, ops), "checkpoints under load, %u shards\n", configs[i].shards);
		ksft_test_result(!under_load(&configs[i], true, ops), "a log that begins late, %u shards\n", configs[i].shards);
	}
	ksft_test_result(!older_one(false), "a damaged checkpoint is passed over, loudly\n");
	ksft_test_result(!older_one(true), "a large one, of which much was taken in\n");
	ksft_test_result(!in_pieces(), "images that come in pieces\n");
	ksft_test_result(!retention(), "old segments are deleted behind checkpoints\n");
}

/* --------------------------------------------------------------------------------------------------------------- files */

/* A page's values tick by tick, and what a restore makes of them. */
static int restore_to(uint32_t mode)
{
	uint64_t ticks[12], times[12], value;
	struct mmsb_restored restored;
	struct mmsb_space *space;
	struct mmsb_cqe cqe;
	struct timespec now;
	struct bed bed;
	int err = bed_open(&bed, LOG_OPTS(.mode = mode)), i;

	for (i = 0; !err && i < 12; i++) {
		err = run_op(bed.ring, &cqe, .op = MMSB_OP_ADD, .lane = MMSB_LANE_I64, .len = 8, .page = bed.page, .word = { 1 }) ?: cqe.result;
		ticks[i] = cqe.tick;
		usleep(20000);	/* a tick's time is exact to some milliseconds only */
		clock_gettime(CLOCK_REALTIME, &now);
		times[i] = (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
		usleep(20000);
	}
	err = err ?: mmsb_sync(bed.space, PATIENCE);
	for (i = 0; !err && i < 24; i++) {
		struct mmsb_restore_opts opts = { .size = sizeof(opts), .compare = 1 };

		*(i < 12 ? &opts.tick : &opts.time) = i < 12 ? ticks[i] : times[i - 12];
		err = restore(bed.mmsb, bed.place, 1, false, &opts, &restored, &space);
		if (!err && restored.tick != ticks[i % 12])
			err = differs("it came to another tick than was asked for");
		if (!err && (mmsb_read(space, bed.page, 0, &value, 8, NULL) != 8 || value != (uint64_t)i % 12 + 1))
			err = differs("it came to another value");
		mmsb_space_close(space);
	}
	if (!err && !mmsb_restore(bed.space, bed.place, NULL, NULL))
		err = differs("a space that has ticks was restored into");
	bed_close(&bed);
	return err;
}

static int beyond_the_end(void)
{
	struct mmsb_restore_opts opts = { .size = sizeof(opts) };
	struct mmsb_restored restored;
	struct mmsb_space *space;
	struct bed bed;
	int err = bed_open(&bed, LOG_OPTS());

	err = err ?: bed_adds(&bed, 3) ?: mmsb_sync(bed.space, PATIENCE);
	opts.tick = err ? 0 : mmsb_tick(bed.space) + 1;
	if (!err && mmsb_space_open(bed.mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE), &space))
		err = said("a space");
	restored.size = sizeof(restored);
	if (!err && mmsb_restore(space, bed.place, &opts, &restored) != -ENOENT)
		err = differs("a tick that the log does not have was come to");
	bed_close(&bed);
	return err;
}

/* The writer is killed, and the last segment's end with it, byte by byte more. */
static int torn(void)
{
	char copy[FOLDER_MAX], last[FOLDER_MAX];
	struct mmsb_restored restored;
	struct mmsb_space *space;
	struct mmsb_log *log;
	struct bed bed;
	unsigned int i;
	uint64_t whole = 0;
	int err = bed_open(&bed, LOG_OPTS(.mode = MMSB_STRICT));

	err = err ?: bed_adds(&bed, 20);
	folder_copy(bed.place, copy);
	for (i = 0; !err && i < 12; i++) {
		char at[FOLDER_MAX];

		folder_copy(copy, at);
		folder_count(at, ".seg", last);
		if (i)
			folder_flip(last, 4 * i);
		err = restore(bed.mmsb, at, 1, false, NULL, &restored, &space);
		whole = i ? whole : restored.tick;
		mmsb_space_close(space);
		err = err ?: restore(bed.mmsb, at, 1, false, MMSB_OPTS(struct mmsb_restore_opts, .tick = 3), &restored, &space);
		if (!err && (restored.tick != 3 || restored.cut))
			err = differs("what lies behind the tick that was asked for was looked at");
		mmsb_space_close(space);
		err = err ?: restore(bed.mmsb, at, 1, false, NULL, &restored, &space);
		if (!err && (restored.tick > whole || (i && restored.tick == whole)))
			err = differs("a torn tail did not cost its tick");
		err = err ?: mmsb_log_open(space, at, LOG_OPTS(), &log) ?: mmsb_log_close(log);
		err = err ?: holds(at, space, "embedded", 1);
		mmsb_space_close(space);
		folder_remove(at);
	}
	folder_remove(copy);
	bed_close(&bed);
	return err;
}

/* The files lost what the space was told to be durable, while it lives on: the next writer puts all of it on disk before more is durable. */
static int lost_behind_its_back(void)
{
	char last[FOLDER_MAX];
	struct bed bed;
	int err = bed_open(&bed, LOG_OPTS(.mode = MMSB_STRICT));

	err = err ?: bed_adds(&bed, 20);
	abandon(bed.log);
	bed.log = NULL;
	folder_count(bed.place, ".seg", last);
	folder_flip(last, 4);
	err = err ?: mmsb_log_open(bed.space, bed.place, LOG_OPTS(.mode = MMSB_STRICT), &bed.log);
	err = err ?: bed_adds(&bed, 5);
	err = err ?: mmsb_sync(bed.space, PATIENCE) ?: bed_shut(&bed, mmsb_log_close);
	err = err ?: holds(bed.place, bed.space, "embedded", 1);
	bed_close(&bed);
	return err;
}

/* What has been synced and is no more is damage, and nobody goes on behind it. */
static int damaged(void)
{
	char copy[FOLDER_MAX], first[FOLDER_MAX];
	struct mmsb_space *space = NULL;
	struct mmsb_log *log;
	struct bed bed;
	int err = bed_open(&bed, LOG_OPTS(.mode = MMSB_STRICT));

	err = err ?: bed_adds(&bed, 20);
	folder_copy(bed.place, copy);
	folder_count(copy, ".seg", first);
	folder_flip(first, 500);
	err = err ?: mmsb_space_open(bed.mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE), &space);
	if (!err && (mmsb_restore(space, copy, NULL, NULL) != -EBADMSG || !strstr(mmsb_strerror_last(), ".seg")))
		err = differs("damage went unseen, or was not named");
	if (!err && mmsb_log_open(space, copy, LOG_OPTS(), &log) != -EBADMSG)
		err = differs("a log that is damaged was gone on with");
	folder_remove(copy);
	bed_close(&bed);
	return err;
}

struct seen {
	unsigned int files, bad;
	uint64_t deltas;
};

static int see(void *arg, const struct mmsb_log_file *file, int result, const char *text)
{
	struct seen *seen = arg;

	seen->files++;
	seen->bad += result != 0;
	seen->deltas += file->deltas;
	return 0;
}

static int see_file(void *arg, const struct mmsb_log_file *file)
{
	return see(arg, file, 0, NULL);
}

/* Segments are cut by size; listing, verifying and following see all of them. */
static int segments(void)
{
	struct mmsb_log_info info = { .size = sizeof(info) };
	struct seen verified = { 0 }, listed = { 0 };
	const struct mmsb_record *record;
	struct mmsb_log_reader *reader = NULL;
	uint64_t deltas = 0, ticks = 0;
	char file[FOLDER_MAX];
	struct bed bed;
	int err = bed_open(&bed, LOG_OPTS(.segment_bytes = 8192, .interval_ms = 1));

	err = err ?: bed_adds(&bed, 2000) ?: mmsb_sync(bed.space, PATIENCE);
	err = err ?: mmsb_log_info(bed.place, &info) ?: mmsb_log_verify(bed.place, see, &verified) ?: mmsb_log_files(bed.place, see_file, &listed);
	if (!err && (info.segments < 4 || verified.files != info.segments || listed.files != info.segments || verified.bad ||
		     verified.deltas != 2001 || listed.deltas != 2001 || info.last_tick != mmsb_tick(bed.space)))
		err = differs("the segments are not as they should be");
	err = err ?: mmsb_log_reader_open(bed.place, MMSB_OPTS(struct mmsb_log_reader_opts, .flags = MMSB_LOG_FOLLOW), &reader);
	while (!err && !(err = mmsb_log_next(reader, &record, 0))) {
		deltas += record->type == MMSB_RECORD_DELTA;
		ticks += record->type == MMSB_RECORD_TICK;
	}
	err = err == -ETIME ? bed_adds(&bed, 1) ?: mmsb_sync(bed.space, PATIENCE) : err;
	while (!err && deltas < 2002 && !(err = mmsb_log_next(reader, &record, PATIENCE)))
		deltas += record->type == MMSB_RECORD_DELTA;
	if (!err && (deltas != 2002 || ticks != 2001))
		err = differs("reading gives other records than were made");
	mmsb_log_reader_close(reader);
	err = err ?: holds(bed.place, bed.space, "embedded", 1);
	folder_count(bed.place, ".seg", file);
	folder_flip(file, 0);
	memset(&verified, 0, sizeof(verified));
	if (!err)
		mmsb_log_verify(bed.place, see, &verified);
	if (err)
		said("segments");
	bed_close(&bed);
	return err;
}

static void test_files(void)
{
	ksft_test_result(!restore_to(MMSB_STRICT), "restoring to a tick, and to a time\n");
	ksft_test_result(!restore_to(MMSB_BUFFERED), "restoring to a tick, and to a time, of frames with several ticks\n");
	ksft_test_result(!beyond_the_end(), "a tick beyond the end is an error\n");
	ksft_test_result(!segments(), "segments: cut by size, listed, verified, followed\n");
	ksft_test_result(!torn(), "a torn tail is cut, and the log goes on\n");
	ksft_test_result(!lost_behind_its_back(), "what was lost while the space lives is on disk again\n");
	ksft_test_result(!damaged(), "damage is found and named\n");
}

/* ---------------------------------------------------------------------------------------------------------------- main */

static void run_all(uint64_t ops)
{
	ksft_print_msg("seed %" PRIu64 "\n", seed);
	test_trips(ops);
	test_promises();
	test_writers();
	test_checkpoints(ops);
	test_files();
}

int main(int argc, char **argv)
{
	seeded_main(argc, argv, &seed, scaled(3000) + 40, run_all);
}
