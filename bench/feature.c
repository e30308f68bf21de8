// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a feature costs a delta in whoever runs the shard, when it alone is switched on: counted, under callgrind (see instructions) and in
 * a guest that counts instructions. What others do for it, a log's writer or who listens, is not in it: each gets the time to have done
 * everything after each batch.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mount.h>
#include "count.h"

#define TRACEFS	"/sys/kernel/tracing"

struct feature {
	const char *name;
	bool hash;
	unsigned int flags;		/* of the space */
	bool logged;
	struct mmsb_log_opts log;
	bool listened;
	const char *traced;		/* the kernel home's tracepoint, in tracefs */
};

static const struct feature features[] = {
	{ .name = "hash", .hash = true },
	{ .name = "timing", .flags = MMSB_SPACE_TIMING },
	{ .name = "events", .listened = true },
	{ .name = "buffered", .logged = true, .log = { .size = sizeof(struct mmsb_log_opts) } },
	{ .name = "strict", .logged = true, .log = { .size = sizeof(struct mmsb_log_opts), .mode = MMSB_STRICT } },
	{ .name = "traced", .traced = TRACEFS "/events/mmsb/mmsb_apply/enable" },
	{ .name = "traced-ticks", .traced = TRACEFS "/events/mmsb/mmsb_tick/enable" },
};

struct scene {
	const struct feature *feature;
	struct kit *kit, *plain;	/* with and without it */
	struct mmsb_events *events;
};

static const struct feature *feature_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(features) / sizeof(*features); i++)
		if (!strcmp(features[i].name, name))
			return &features[i];
	bench_die("no such feature: %s", name);
}

static void trace(const struct feature *feature, const char *on)
{
	int fd = open(feature->traced, O_WRONLY);

	if (fd < 0 && errno == ENOENT && !mount("tracefs", TRACEFS, "tracefs", 0, NULL))
		fd = open(feature->traced, O_WRONLY);
	if (fd < 0 || write(fd, on, 1) != 1)
		bench_die("%s cannot be written: %s", feature->traced, strerror(errno));
	close(fd);
}

static struct scene *scene_open(const struct bench_opts *bench, const char *name)
{
	const struct feature *feature = feature_find(name);
	struct kit_opts opts = { .pages = 1024, .page_bytes = 64, .entries = 1024, .shuffled = true, .repeat = 1, .hash = feature->hash,
				 .flags = feature->flags, .log = feature->logged ? &feature->log : NULL };
	struct mmsb_events_opts listening = { .size = sizeof(listening), .entries = 4096 };
	struct scene *scene = bench_alloc(sizeof(*scene));

	scene->feature = feature;
	scene->kit = kit_open(bench, &opts);
	if (feature->listened)
		bench_check(mmsb_events_open(scene->kit->space, &listening, &scene->events), "mmsb_events_open");
	return scene;
}

static void scene_close(struct scene *scene)
{
	if (scene->events)
		mmsb_events_close(scene->events);
	kit_close(scene->kit);
	free(scene);
}

/* All has been read, and all is on disk. */
static void settle(void *arg)
{
	struct scene *scene = arg;
	struct mmsb_event event;

	if (scene->events)
		while (!mmsb_events_next(scene->events, &event, 0))
			;
	if (scene->kit->log)
		bench_check(mmsb_sync(scene->kit->space, MMSB_FOREVER), "mmsb_sync");
	if (scene->events && mmsb_events_lost(scene->events))
		bench_die("events were lost that somebody waits for");
}

unsigned int feature_under_callgrind(const struct bench_opts *bench, const char *what, unsigned int rounds)
{
	struct scene *scene = scene_open(bench, what);
	unsigned int i;

	settle(scene);
	for (i = 0; i < rounds; i++) {
		count_lay_down(scene->kit, KIT_BATCH);
		count_drain(scene->kit->ring);
		settle(scene);
	}
	scene_close(scene);
	return rounds * KIT_BATCH;
}

/* ------------------------------------------------------------------------------------------------------- in a guest */

static void *open_counted(const struct bench_opts *bench)
{
	struct scene *scene = scene_open(bench, bench->what);

	scene->plain = count_open(bench, false);
	return scene;
}

static void close_counted(void *state)
{
	struct scene *scene = state;

	kit_close(scene->plain);
	scene_close(scene);
}

static double counted(void *state)
{
	struct scene *scene = state;
	double each;

	if (scene->feature->traced)
		trace(scene->feature, "1");
	each = count_drained_settling(scene->kit, settle, scene);
	if (scene->feature->traced)
		trace(scene->feature, "0");
	return each;
}

static double counted_plain(void *state)
{
	return count_drained(((struct scene *)state)->plain);
}

#define FEATURE(name_, title)	{ .name = "feature_cost", .params = "\"feature\": \"" title "\", \"slope\": \"128..896\"", \
				  .unit = "instructions", .flags = BENCH_ICOUNT | BENCH_ONCE, .open = open_counted, .close = close_counted, \
				  .measure = counted, .peer = counted_plain, .against = "none", .what = name_ }

const struct bench bench_feature[] = {
	FEATURE("hash", "state hash"),
	FEATURE("timing", "timing"),
	FEATURE("events", "one listener"),
	FEATURE("buffered", "buffered log"),
	FEATURE("strict", "strict log"),
	FEATURE("traced", "tracepoint of each delta"),
	FEATURE("traced-ticks", "tracepoint of each tick"),
	{ 0 }
};
