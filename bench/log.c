// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a log costs those who write to the space: buffered beside none at all, and strict beside the least that one can do who wants his
 * bytes on disk, a loop of pwrite() and fdatasync() on the same file system.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "kit.h"

#define HOT		1000u
#define STRICT_BYTES	64u		/* what the log writes for one delta that comes alone */
#define OUTSTANDING	64u

struct scene {
	struct kit *kit, *plain;
	int fd;				/* of the loop */
	uint64_t at;
	char dir[128];
	unsigned int rounds;
};

/* --------------------------------------------------------------------------------------------------------- buffered */

static void *open_buffered(const struct bench_opts *bench)
{
	static const struct mmsb_log_opts log = { .size = sizeof(log) };
	struct kit_opts opts = { .pages = HOT, .page_bytes = 64, .entries = 1024, .shuffled = true, .repeat = 8 };
	struct scene *scene = bench_alloc(sizeof(*scene));

	scene->plain = kit_open(bench, &opts);
	opts.log = &log;
	scene->kit = kit_open(bench, &opts);
	scene->kit->work = kit_amount(scene->kit, 8 << 20);
	scene->plain->work = scene->kit->work;
	kit_send(scene->kit, 256);
	kit_send(scene->plain, 256);
	return scene;
}

static void close_buffered(void *arg)
{
	struct scene *scene = arg;

	kit_close(scene->kit);
	kit_close(scene->plain);
	free(scene);
}

/* By the clock on the wall: a ring that stands still because its log is behind stands still. */
static double rate(struct kit *kit)
{
	uint64_t start = bench_now();

	kit_send(kit, 256);
	return (double)kit->work * 1e3 / (double)(bench_now() - start);
}

static double buffered_rate(void *arg)
{
	return rate(((struct scene *)arg)->kit);
}

static double memory_rate(void *arg)
{
	return rate(((struct scene *)arg)->plain);
}

static double log_bytes(void *arg)
{
	struct mmsb_log_stat before = { .size = sizeof(before) }, after = { .size = sizeof(after) };
	struct kit *kit = ((struct scene *)arg)->kit;

	bench_check(mmsb_sync(kit->space, MMSB_FOREVER), "mmsb_sync");
	bench_check(mmsb_log_stat(kit->log, &before), "mmsb_log_stat");
	kit_send(kit, 256);
	bench_check(mmsb_sync(kit->space, MMSB_FOREVER), "mmsb_sync");
	bench_check(mmsb_log_stat(kit->log, &after), "mmsb_log_stat");
	return (double)(after.bytes - before.bytes) / (double)(after.deltas - before.deltas);
}

/* ----------------------------------------------------------------------------------------------------------- strict */

/* The loop writes to a file that has its blocks, as the log does. */
static void *open_strict(const struct bench_opts *bench)
{
	static const struct mmsb_log_opts log = { .size = sizeof(log), .mode = MMSB_STRICT };
	struct kit_opts opts = { .pages = HOT, .page_bytes = 64, .entries = 1024, .log = &log };
	struct scene *scene = bench_alloc(sizeof(*scene));
	char path[256];

	scene->kit = kit_open(bench, &opts);
	scene->rounds = bench->quick ? 20 : 100;
	kit_make_dir(scene->dir);
	snprintf(path, sizeof(path), "%s/loop", scene->dir);
	scene->fd = open(path, O_CREAT | O_RDWR, 0600);
	if (scene->fd < 0 || fallocate(scene->fd, 0, 0, 64 << 20) || fsync(scene->fd))
		bench_die("%s: no file to write to", path);
	return scene;
}

static void close_strict(void *arg)
{
	struct scene *scene = arg;

	close(scene->fd);
	kit_remove_dir(scene->dir);
	kit_close(scene->kit);
	free(scene);
}

static double strict_time(struct scene *scene, unsigned int outstanding)
{
	struct kit *kit = scene->kit;
	uint64_t start = bench_now();
	struct mmsb_cqe cqe;
	unsigned int i, k;

	for (i = 0; i < scene->rounds; i++) {
		for (k = 0; k < outstanding; k++)
			mmsb_prep_add(mmsb_get_sqe(kit->ring), kit->pages[(i * outstanding + k) % kit->npages], 0, 1);
		bench_check(mmsb_submit(kit->ring), "mmsb_submit");
		for (k = 0; k < outstanding; k++) {
			bench_check(mmsb_wait_cqe(kit->ring, &cqe, MMSB_FOREVER), "mmsb_wait_cqe");
			bench_check(cqe.result, "a strict delta");
		}
	}
	return (double)(bench_now() - start) / 1e3 / scene->rounds;
}

static double strict_one(void *arg)
{
	return strict_time(arg, 1);
}

static double strict_64(void *arg)
{
	return OUTSTANDING * 1e6 / strict_time(arg, OUTSTANDING);
}

static double loop_one(void *arg)
{
	static const char bytes[STRICT_BYTES] = { 1 };
	struct scene *scene = arg;
	uint64_t start = bench_now();
	unsigned int i;

	for (i = 0; i < scene->rounds; i++, scene->at += STRICT_BYTES)
		if (pwrite(scene->fd, bytes, STRICT_BYTES, (off_t)scene->at) != STRICT_BYTES || fdatasync(scene->fd))
			bench_die("writing to the work disk");
	return (double)(bench_now() - start) / 1e3 / scene->rounds;
}

static double loop_rate(void *arg)
{
	return 1e6 / loop_one(arg);
}

const struct bench bench_log[] = {
	{ .name = "buffered_add_hot", .params = "\"pages\": 1000, \"batch\": 256", .unit = "M/s",
	  .flags = BENCH_TWO_THREADS | BENCH_MORE_IS_BETTER,
	  .open = open_buffered, .close = close_buffered, .measure = buffered_rate, .peer = memory_rate, .against = "the same without a log",
	  .aim_ratio = 0.4 },
	{ .name = "log_bytes_add", .params = "\"pages\": 1000, \"batch\": 256, \"bytes\": 8", .unit = "bytes", .flags = BENCH_ONCE,
	  .open = open_buffered, .close = close_buffered, .measure = log_bytes, .aim = 24 },
	{ .name = "strict_one", .params = "\"outstanding\": 1", .unit = "us", .open = open_strict, .close = close_strict,
	  .measure = strict_one, .peer = loop_one, .against = "pwrite and fdatasync of as many bytes", .aim_ratio = 1.2 },
	{ .name = "strict_64", .params = "\"outstanding\": 64", .unit = "/s", .flags = BENCH_MORE_IS_BETTER, .open = open_strict,
	  .close = close_strict, .measure = strict_64, .peer = loop_rate, .against = "pwrite and fdatasync, one by one", .aim_ratio = 30 },
	{ 0 }
};
