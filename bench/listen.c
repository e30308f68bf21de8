// SPDX-License-Identifier: GPL-2.0-only
/*
 * What it costs a delta in whoever runs the shard that so many listen to every page. They read what they are told between batches, which is
 * not timed; and nothing may be lost.
 */
#include <stdlib.h>
#include "kit.h"

#define HOT		1024u		/* in order, so that no page comes twice in a batch */
#define MOST		100u		/* listeners */
#define BATCHES		1024u

struct scene {
	struct kit *kit, *plain;	/* with listeners, and without */
	unsigned int listeners;
	struct mmsb_events *events[MOST];
};

static void *open_listen(const struct bench_opts *bench)
{
	struct kit_opts opts = { .pages = HOT, .page_bytes = 64, .entries = 256, .repeat = 1, .rings = MOST + 4 };
	struct mmsb_events_opts listening = { .size = sizeof(listening), .entries = 4 * KIT_BATCH };
	struct scene *scene = bench_alloc(sizeof(*scene));
	unsigned int i;

	scene->listeners = *(const unsigned int *)bench->what;
	scene->kit = kit_open(bench, &opts);
	scene->plain = kit_open(bench, &opts);
	scene->kit->work = KIT_BATCH;
	scene->plain->work = KIT_BATCH;
	for (i = 0; i < scene->listeners; i++)
		bench_check(mmsb_events_open(scene->kit->space, &listening, &scene->events[i]), "mmsb_events_open");
	return scene;
}

static void close_listen(void *state)
{
	struct scene *scene = state;
	unsigned int i;

	for (i = 0; i < scene->listeners; i++) {
		if (mmsb_events_lost(scene->events[i]))
			bench_die("events were lost");
		mmsb_events_close(scene->events[i]);
	}
	kit_close(scene->plain);
	kit_close(scene->kit);
	free(scene);
}

static void hear_all(struct scene *scene)
{
	struct mmsb_event event;
	unsigned int i, n;

	for (i = 0; i < scene->listeners; i++) {
		for (n = 0; !mmsb_events_next(scene->events[i], &event, 0); n++)
			;
		if (n != KIT_BATCH)
			bench_die("a listener heard of %u deltas instead of %u", n, KIT_BATCH);
	}
}

static uint64_t ticks_of(struct kit *kit)
{
	uint64_t start = bench_ticks();

	kit_send(kit, KIT_BATCH);
	return bench_ticks() - start;
}

static double ns_each(uint64_t ticks, unsigned int batches)
{
	return (double)ticks * bench_ns_per_tick() / batches / KIT_BATCH;
}

static double measure_listen(void *state)
{
	struct scene *scene = state;
	unsigned int n = BATCHES / scene->kit->bench->divisor, i;
	uint64_t ticks = 0;

	for (i = 0; i < n; i++) {
		ticks += ticks_of(scene->kit);
		hear_all(scene);
	}
	return ns_each(ticks, n);
}

static double measure_plain(void *state)
{
	struct scene *scene = state;
	unsigned int n = BATCHES / scene->kit->bench->divisor, i;
	uint64_t ticks = 0;

	for (i = 0; i < n; i++)
		ticks += ticks_of(scene->plain);
	return ns_each(ticks, n);
}

#define LISTEN(n)	{ .name = "subscribe_fanout", .params = "\"listeners\": " #n ", \"batch\": 64, \"told\": \"a delta\"", .unit = "ns", \
			  .open = open_listen, .close = close_listen, .measure = measure_listen, .peer = measure_plain, \
			  .against = "nobody listens", .what = &(const unsigned int){ n } }

const struct bench bench_listen[] = { LISTEN(1), LISTEN(10), LISTEN(100), { 0 } };
