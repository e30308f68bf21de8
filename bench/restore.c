// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast a space comes back from its log: by its ticks, beside how fast they were made; and from a checkpoint of a million pages, beside
 * reading the files that this takes, which are in the page cache or not. Their bytes are noise, which does not compress. And what making a
 * checkpoint costs those who write meanwhile.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "kit.h"

#define HOT		1000u
#define MILLION		1000000u
#define NOISE_PAGES	1024u		/* at a time */
#define NOISE_BYTES	56u		/* behind the word that is counted */

struct back {
	struct kit *kit;
	struct mmsb *mmsb;
	pthread_t thread;
	bool stop, once;
	uint64_t checkpoints;
};

/* ------------------------------------------------------------------------------------------------------------ restoring */

static struct mmsb_space *fresh_space(struct back *back)
{
	struct mmsb_space_opts opts = { .size = sizeof(opts), .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE, .shards = 1 };
	struct mmsb_space *space;

	opts.max_pages = back->kit->npages + 1024;
	opts.max_bytes = (uint64_t)back->kit->npages * 64 + (16 << 20);
	bench_check(mmsb_space_open(back->mmsb, NULL, &opts, &space), "mmsb_space_open");
	return space;
}

/* Seconds. */
static double restore(struct back *back, struct mmsb_restored *restored)
{
	struct mmsb_restore_opts opts = { .size = sizeof(opts), .compare = MMSB_NO_COMPARE };
	struct mmsb_space *space = fresh_space(back);
	uint64_t start;

	restored->size = sizeof(*restored);
	bench_place_anywhere();		/* for the thread that reads ahead */
	start = bench_now();
	bench_check(mmsb_restore(space, back->kit->log_dir, &opts, restored), "mmsb_restore");
	start = bench_now() - start;
	bench_place(false);
	mmsb_space_close(space);
	return (double)start / 1e9;
}

static struct back *open_back(const struct bench_opts *bench, unsigned int pages)
{
	static const struct mmsb_log_opts log = { .size = sizeof(log), .flags = MMSB_LOG_OPT_KEEP_ALL };
	struct kit_opts opts = { .pages = pages, .page_bytes = 64, .entries = 1024, .shuffled = true, .log = &log };
	struct back *back = bench_alloc(sizeof(*back));
	struct mmsb_open_opts home = { .size = sizeof(home), .home = bench->home };

	opts.repeat = pages == HOT ? 8 : 1;
	opts.payload_bytes = NOISE_PAGES * NOISE_BYTES;
	back->kit = kit_open(bench, &opts);
	bench_check(mmsb_open(&back->mmsb, &home), "mmsb_open");
	return back;
}

static void close_back(void *arg)
{
	struct back *back = arg;

	mmsb_close(back->mmsb);
	kit_close(back->kit);
	free(back);
}

static void *open_replay(const struct bench_opts *bench)
{
	struct back *back = open_back(bench, HOT);

	back->kit->work = kit_amount(back->kit, 2 << 20);
	kit_send(back->kit, 256);
	bench_check(mmsb_sync(back->kit->space, MMSB_FOREVER), "mmsb_sync");
	return back;
}

static double replay_rate(void *arg)
{
	struct mmsb_restored restored;
	double seconds = restore(arg, &restored);

	return (double)restored.deltas / seconds / 1e6;
}

/* Without a log: that is what it is done again as. */
static double live_rate(void *arg)
{
	struct kit *kit = ((struct back *)arg)->kit;
	struct kit_opts opts = { .pages = HOT, .page_bytes = 64, .entries = 1024, .shuffled = true, .repeat = 8 };
	struct kit *plain = kit_open(kit->bench, &opts);
	uint64_t start;
	double ns;

	plain->work = kit->work;
	kit_send(plain, 256);
	start = bench_now();
	kit_send(plain, 256);
	ns = (double)(bench_now() - start);
	kit_close(plain);
	return (double)kit->work * 1e3 / ns;
}

/* ----------------------------------------------------------------------------------------------------- a million pages */

static void make_noise(struct back *back, unsigned int first, unsigned int n, uint64_t *state)
{
	uint64_t *payload = mmsb_payload(back->kit->ring, NULL);
	unsigned int i;

	for (i = 0; i < n * NOISE_BYTES / 8; i++)
		payload[i] = kit_random(state);
	for (i = 0; i < n; i++) {
		struct mmsb_sqe *sqe = mmsb_get_sqe(back->kit->ring);

		mmsb_prep(sqe, MMSB_OP_SET, back->kit->pages[first + i], 8, NOISE_BYTES);
		sqe->flags = MMSB_SQE_PAYLOAD | MMSB_SQE_QUIET;
		sqe->payload = (uint64_t)i * NOISE_BYTES;
	}
	bench_check(mmsb_submit(back->kit->ring), "mmsb_submit");
	bench_check(mmsb_drain(back->kit->ring, MMSB_FOREVER), "mmsb_drain");
}

static void *open_million(const struct bench_opts *bench)
{
	struct back *back = open_back(bench, MILLION / bench->divisor > 10000 ? MILLION / bench->divisor : 10000);
	unsigned int all = back->kit->npages, first;
	uint64_t state = 0x6e6f697365;

	back->kit->work = kit_amount(back->kit, MILLION);
	kit_send(back->kit, 256);
	for (first = 0; first < all; first += NOISE_PAGES)
		make_noise(back, first, all - first < NOISE_PAGES ? all - first : NOISE_PAGES, &state);
	bench_check(mmsb_log_checkpoint(back->kit->log, NULL), "mmsb_log_checkpoint");
	return back;
}

static double restore_million(void *arg)
{
	struct back *back = arg;
	struct mmsb_restored restored;
	double seconds = restore(back, &restored);

	if (restored.pages != back->kit->npages)
		bench_die("%lu pages came back instead of %u", (unsigned long)restored.pages, back->kit->npages);
	return seconds * 1e3;
}

static bool is_of(const char *name, const char *kind)
{
	size_t n = strlen(name);

	return n > 4 && !strcmp(name + n - 4, kind);
}

/* The last of a kind, which is what a restore reads: the newest checkpoint, and the segment in which its tick lies. */
static int open_last(struct back *back, const char *kind)
{
	DIR *dir = opendir(back->kit->log_dir);
	char last[256] = "";
	struct dirent *entry;
	int fd;

	while ((entry = readdir(dir)))
		if (is_of(entry->d_name, kind) && strcmp(entry->d_name, last) > 0)
			snprintf(last, sizeof(last), "%s", entry->d_name);
	fd = openat(dirfd(dir), last, O_RDONLY);
	closedir(dir);
	if (fd < 0)
		bench_die("%s has no file of %s", back->kit->log_dir, kind);
	return fd;
}

static void read_last(struct back *back, const char *kind)
{
	static char buffer[1 << 18];
	int fd = open_last(back, kind);

	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	close(fd);
}

/* In the kernel's cache it is no more, where the file system lets go of it. */
static void forget_last(struct back *back, const char *kind)
{
	int fd = open_last(back, kind);

	fdatasync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
}

static double read_files(void *arg)
{
	uint64_t start = bench_now();

	read_last(arg, ".ckp");
	read_last(arg, ".seg");
	return (double)(bench_now() - start) / 1e6;
}

static double restore_forgotten(void *arg)
{
	forget_last(arg, ".ckp");
	forget_last(arg, ".seg");
	return restore_million(arg);
}

static double read_forgotten(void *arg)
{
	forget_last(arg, ".ckp");
	forget_last(arg, ".seg");
	return read_files(arg);
}

/* --------------------------------------------------------------------------------------------- a checkpoint meanwhile */

static void *open_busy(const struct bench_opts *bench)
{
	struct back *back = open_back(bench, MILLION / bench->divisor > 10000 ? MILLION / bench->divisor : 10000);

	back->kit->work = kit_amount(back->kit, 4 << 20);
	kit_send(back->kit, 256);
	return back;
}

/* One checkpoint in so many deltas, some 100 MB of log: ten times as often as every gigabyte, which mmsbd.conf suggests. */
static void *open_often(const struct bench_opts *bench)
{
	struct back *back = open_busy(bench);

	back->once = true;
	back->kit->work = kit_amount(back->kit, 16 << 20);
	return back;
}

static double send_rate(struct back *back)
{
	uint64_t start = bench_now();

	kit_send(back->kit, 256);
	return (double)back->kit->work * 1e3 / (double)(bench_now() - start);
}

static void *checkpoints(void *arg)
{
	struct back *back = arg;

	do {
		bench_check(mmsb_log_checkpoint(back->kit->log, NULL), "mmsb_log_checkpoint");
		back->checkpoints++;
	} while (!back->once && !__atomic_load_n(&back->stop, __ATOMIC_ACQUIRE));
	return NULL;
}

static double with_checkpoints(void *arg)
{
	struct back *back = arg;
	double rate;

	back->stop = false;
	back->thread = bench_thread(checkpoints, back);
	rate = send_rate(back);
	__atomic_store_n(&back->stop, true, __ATOMIC_RELEASE);
	pthread_join(back->thread, NULL);
	return rate;
}

static double without_checkpoints(void *arg)
{
	return send_rate(arg);
}

const struct bench bench_restore[] = {
	{ .name = "replay_rate", .params = "\"pages\": 1000", .unit = "M/s", .flags = BENCH_MORE_IS_BETTER, .open = open_replay,
	  .close = close_back, .measure = replay_rate, .peer = live_rate, .against = "the same deltas live", .aim_ratio = 0.5 },
	{ .name = "restore_1m", .params = "\"pages\": 1000000, \"page_bytes\": 64", .unit = "ms", .open = open_million, .close = close_back,
	  .measure = restore_million, .peer = read_files, .against = "reading its files", .aim_ratio = 3 },
	{ .name = "restore_1m", .params = "\"pages\": 1000000, \"page_bytes\": 64, \"cached\": false", .unit = "ms", .open = open_million,
	  .close = close_back, .measure = restore_forgotten, .peer = read_forgotten, .against = "reading its files", .aim_ratio = 3 },
	{ .name = "checkpoint_cost", .params = "\"pages\": 1000000, \"page_bytes\": 64, \"checkpoints\": \"one in 16M deltas\"",
	  .unit = "M/s", .flags = BENCH_MORE_IS_BETTER, .open = open_often, .close = close_back, .measure = with_checkpoints,
	  .peer = without_checkpoints, .against = "the same without a checkpoint", .aim_ratio = 0.9 },
	{ .name = "checkpoint_cost", .params = "\"pages\": 1000000, \"page_bytes\": 64, \"checkpoints\": \"back to back\"",
	  .unit = "M/s", .flags = BENCH_MORE_IS_BETTER, .open = open_busy, .close = close_back, .measure = with_checkpoints,
	  .peer = without_checkpoints, .against = "the same without a checkpoint" },
	{ 0 }
};
