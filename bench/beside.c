// SPDX-License-Identifier: GPL-2.0-only
/*
 * A delta beside a message of its size on other roads (road.h).
 *
 * Instructions (in a guest that counts them) are those of both sides together, one after the other on one CPU, so that nobody is ever
 * woken and no message finds the other asleep: the best that such ways can do. Beside them stands a delta through a polled ring, both
 * sides of it too. Times are those of two threads, of which each does one side, natively.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdlib.h>
#include <unistd.h>
#include "calls.h"
#include "count.h"
#include "road.h"

#define TRIES		100u
#define FEW		128u
#define MANY		896u
#define CALLS		4096u
#define AWAKE_MS	1000u		/* for as long as nobody else is measured */
#define AWAKE_SHORT_MS	2u		/* whoever polls shall not do so while another one is measured, */
#define ASLEEP_US	12000u		/* before which he is given time to fall asleep */

struct setting {
	const struct road *road;
	unsigned int batch;
};

struct scene {
	const struct setting *setting;
	struct bench_opts bench;
	struct ends ends;
	struct kit *polled, *drained;	/* beside which it is counted; or polled alone, timed */
};

/* ------------------------------------------------------------------------------------------------------------ scenes */

static struct scene *open_road(const struct bench_opts *bench, unsigned int awake_ms)
{
	struct scene *scene = bench_alloc(sizeof(*scene));

	scene->ends.awake_ms = awake_ms;
	scene->setting = bench->what;
	scene->bench = *bench;
	scene->ends.bench = &scene->bench;
	scene->setting->road->open(&scene->ends);
	return scene;
}

static void close_road(void *state)
{
	struct scene *scene = state;

	scene->setting->road->close(&scene->ends);
	if (scene->polled)
		kit_close(scene->polled);
	if (scene->drained)
		kit_close(scene->drained);
	free(scene);
}

static void carry(struct scene *scene, unsigned int n)
{
	const struct setting *setting = scene->setting;

	for (; n; n -= setting->batch) {
		setting->road->send(&scene->ends, setting->batch);
		setting->road->take(&scene->ends, setting->batch);
	}
}

/* ------------------------------------------------------------------------------------------------------ instructions */

static void *open_counted(const struct bench_opts *bench)
{
	struct scene *scene = open_road(bench, AWAKE_MS);

	scene->polled = count_open(bench, true);
	scene->drained = count_open(bench, false);
	return scene;
}

static uint64_t least_carried(struct scene *scene, unsigned int n)
{
	uint64_t least = ~0ull, ticks;
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		ticks = bench_ticks();
		carry(scene, n);
		ticks = bench_ticks() - ticks;
		least = ticks < least ? ticks : least;
	}
	return least;
}

static double carried(void *state)
{
	return (double)(least_carried(state, MANY) - least_carried(state, FEW)) / (MANY - FEW);
}

static double both_sides(void *state)
{
	struct scene *scene = state;

	return count_produced(scene->polled, scene->setting->batch) + count_drained(scene->drained);
}

/* Only who submits: the kernel's thread turns in a loop of its own, and on one CPU there is no telling what of it is work. */
static double posted(void *state)
{
	struct scene *scene = state;
	uint64_t least = ~0ull, empty = count_empty(), ticks;
	unsigned int batch = scene->setting->batch, i;

	for (i = 0; i < TRIES; i++) {
		ticks = bench_ticks();
		scene->setting->road->send(&scene->ends, batch);
		ticks = bench_ticks() - ticks;
		least = ticks < least ? ticks : least;
		scene->setting->road->take(&scene->ends, batch);
	}
	return (double)(least - empty) / batch;
}

static double one_side(void *state)
{
	struct scene *scene = state;

	return count_produced(scene->polled, scene->setting->batch);
}

/* ------------------------------------------------------------------------------------------------------ system calls */

static void *open_traced(const struct bench_opts *bench)
{
	struct bench_opts *copy = bench_alloc(sizeof(*copy));

	*copy = *bench;
	return copy;
}

static void *road_for_calls(const struct bench_opts *bench)
{
	struct scene *scene = open_road(bench, AWAKE_MS);

	carry(scene, scene->setting->batch);	/* whoever has to wake up has done so */
	return scene;
}

static void carry_calls(void *state)
{
	carry(state, CALLS);
}

static double calls_each(void *state)
{
	return (double)calls_of(state, road_for_calls, carry_calls) / CALLS;
}

/* Who takes what is done may sleep until all of it is: that is one call, whatever the number. */
static void post_calls(void *state)
{
	struct scene *scene = state;
	unsigned int left;

	for (left = ROAD_ENTRIES; left; left -= scene->setting->batch)
		scene->setting->road->send(&scene->ends, scene->setting->batch);
}

static double calls_posted(void *state)
{
	return (double)calls_of(state, road_for_calls, post_calls) / ROAD_ENTRIES;
}

/* -------------------------------------------------------------------------------------------------------------- times */

static void *open_timed(const struct bench_opts *bench)
{
	struct kit_opts opts = { .pages = ROAD_NUMBERS, .page_bytes = 64, .entries = ROAD_ENTRIES, .polled = true,
				 .idle_us = AWAKE_SHORT_MS * 1000, .shuffled = true, .repeat = 8 };
	struct scene *scene = open_road(bench, AWAKE_SHORT_MS);

	scene->polled = kit_open(bench, &opts);
	scene->polled->work = kit_amount(scene->polled, 1 << 16);
	kit_send(scene->polled, scene->setting->batch);
	return scene;
}

static void *take_all(void *arg)
{
	struct scene *scene = arg;
	unsigned int batch = scene->setting->batch;
	uint64_t left;

	for (left = scene->polled->work; left; left -= batch)
		scene->setting->road->take(&scene->ends, batch);
	return NULL;
}

static void carry_between_threads(struct scene *scene)
{
	unsigned int batch = scene->setting->batch;
	pthread_t thread = bench_thread(take_all, scene);
	uint64_t left;

	for (left = scene->polled->work; left; left -= batch)
		scene->setting->road->send(&scene->ends, batch);
	pthread_join(thread, NULL);
}

static uint64_t begin(void)
{
	bench_place(false);
	usleep(ASLEEP_US);
	return bench_now();
}

static double told(const struct scene *scene, uint64_t start)
{
	return (double)(bench_now() - start) / (double)scene->polled->work;
}

static double timed(void *state)
{
	struct scene *scene = state;
	uint64_t start = begin();

	if (scene->setting->road->two_threads)
		carry_between_threads(scene);
	else
		carry(scene, (unsigned int)scene->polled->work);
	return told(scene, start);
}

static double timed_polled(void *state)
{
	struct scene *scene = state;
	uint64_t start = begin();

	kit_send(scene->polled, scene->setting->batch);
	return told(scene, start);
}

/* ----------------------------------------------------------------------------------------------------------- the list */

#define AT(road_, batch_)	.what = &(const struct setting){ .road = &(road_), .batch = batch_ }
#define COUNTED(title, params_, road_, batch_)	{ .name = title, .params = params_, .unit = "instructions", \
	.flags = BENCH_ICOUNT | BENCH_ONCE, .open = open_counted, .close = close_road, .measure = carried, .peer = both_sides, \
	.against = "a polled ring, producer and poller", AT(road_, batch_) }
#define POSTED(title, params_, road_, batch_)	{ .name = title, .params = params_ ", \"told\": \"who submits\"", .unit = "instructions", \
	.flags = BENCH_ICOUNT | BENCH_ONCE, .open = open_counted, .close = close_road, .measure = posted, .peer = one_side, \
	.against = "a polled ring, producer", AT(road_, batch_) }
#define CALLED(title, params_, how, road_, batch_)	{ .name = title, .params = params_, .unit = "syscalls", .flags = BENCH_ONCE, \
	.open = open_traced, .close = free, .measure = how, AT(road_, batch_) }
#define TIMED(title, params_, road_, batch_)	{ .name = title, .params = params_, .unit = "ns", \
	.flags = BENCH_TWO_THREADS | BENCH_TIMED, .open = open_timed, .close = close_road, .measure = timed, .peer = timed_polled, \
	.against = "a polled ring", AT(road_, batch_) }

#define CARRIED		"\"bytes\": 64, \"batch\": "
#define NOPS		"\"mode\": \"plain\", \"batch\": "
#define SQPOLL		"\"mode\": \"sqpoll\", \"batch\": "

#define ALL(title, road, params)	COUNTED(title, params "1", road, 1), COUNTED(title, params "64", road, 64), \
					CALLED(title, params "1", calls_each, road, 1), CALLED(title, params "64", calls_each, road, 64)
#define BOTH(title, road, params)	TIMED(title, params "1", road, 1), TIMED(title, params "64", road, 64)

const struct bench bench_beside[] = {
	ALL("beside_ioctl", road_ioctl, CARRIED),
	ALL("beside_pipe", road_pipe, CARRIED), BOTH("beside_pipe", road_pipe, CARRIED),
	ALL("beside_unix_socket", road_socket, CARRIED), BOTH("beside_unix_socket", road_socket, CARRIED),
	ALL("beside_io_uring_nop", road_uring, NOPS), BOTH("beside_io_uring_nop", road_uring, NOPS),
	POSTED("beside_io_uring_nop", SQPOLL "1", road_sqpoll, 1), POSTED("beside_io_uring_nop", SQPOLL "64", road_sqpoll, 64),
	CALLED("beside_io_uring_nop", SQPOLL "64", calls_posted, road_sqpoll, 64), BOTH("beside_io_uring_nop", road_sqpoll, SQPOLL),
	{ 0 }
};
