// SPDX-License-Identifier: GPL-2.0-only
/*
 * One large wave: levels of many pages, each of which follows pages of the level below that lie in both shards. Two pollers compute it
 * together, beside one poller that has both shards. What is told is the time from a source's change until everything has followed.
 */
#include <stdlib.h>
#include "graph.h"

struct setting {
	unsigned int width, page_bytes;
	unsigned int ticks;		/* in one measurement */
};

#define LEVELS	8u
#define PARENTS	3u
#define IDLE_US	300u

struct side {
	struct kit kit;			/* its second shard's ring is `other` */
	struct mmsb_ring *other;
	uint64_t value;
};

struct scene {
	const struct setting *setting;
	struct graph *graph;
	struct side two, one;		/* by pollers */
	unsigned int ticks;
};

/* Pages come to be in the shard of the ring that asks. */
static void make_pages(struct side *side, unsigned int pages, unsigned int bytes)
{
	unsigned int i;

	for (i = 0; i < pages; i++)
		bench_check(mmsb_create(i % 2 ? side->other : side->kit.ring, bytes, &side->kit.pages[i]), "mmsb_create");
}

static void open_side(struct side *side, const struct bench_opts *bench, const struct setting *setting, const struct graph *graph,
		      unsigned int pollers)
{
	struct mmsb_open_opts home = { .size = sizeof(home), .home = bench->home };
	struct mmsb_space_opts space = { .size = sizeof(space), .flags = MMSB_SPACE_CREATE, .shards = 2, .pollers = pollers,
					 .max_rings = 4, .max_pages = 1 << 16,
					 .max_bytes = (uint64_t)graph->pages * setting->page_bytes * 2 + (16 << 20) };
	struct mmsb_ring_opts ring = { .size = sizeof(ring), .flags = MMSB_RING_POLLED, .sq_entries = 256,
				       .payload_bytes = 1 << 20, .idle_us = IDLE_US };

	side->kit.bench = bench;
	side->kit.pages = bench_alloc(graph->pages * sizeof(*side->kit.pages));
	bench_check(mmsb_open(&side->kit.mmsb, &home), "mmsb_open");
	bench_check(mmsb_space_open(side->kit.mmsb, NULL, &space, &side->kit.space), "mmsb_space_open");
	bench_check(mmsb_ring_open(side->kit.space, &ring, &side->kit.ring), "mmsb_ring_open");
	ring.shard = 2;
	bench_check(mmsb_ring_open(side->kit.space, &ring, &side->other), "mmsb_ring_open");
	make_pages(side, graph->pages, setting->page_bytes);
	graph_plant(&side->kit, 0, graph, 0);
	bench_check(mmsb_drain(side->kit.ring, MMSB_FOREVER), "mmsb_drain");
}

static void close_side(struct side *side)
{
	mmsb_ring_close(side->other);
	mmsb_ring_close(side->kit.ring);
	mmsb_space_close(side->kit.space);
	mmsb_close(side->kit.mmsb);
	free(side->kit.pages);
}

static void *open_scene(const struct bench_opts *bench)
{
	struct scene *scene = bench_alloc(sizeof(*scene));
	unsigned int ticks;

	scene->setting = bench->what;
	ticks = scene->setting->ticks / bench->divisor;
	scene->ticks = ticks ? ticks : 1;
	scene->graph = graph_layers(LEVELS, scene->setting->width, PARENTS);
	bench_place_anywhere();
	open_side(&scene->two, bench, scene->setting, scene->graph, 2);
	open_side(&scene->one, bench, scene->setting, scene->graph, 1);
	return scene;
}

/* Both did the same, so they hold the same. */
static void compare(const struct scene *scene)
{
	uint64_t a, b;
	unsigned int i;

	for (i = 0; scene->one.value == scene->two.value && i < scene->graph->pages; i++) {
		bench_check(mmsb_read(scene->one.kit.space, scene->one.kit.pages[i], 0, &a, sizeof(a), NULL), "mmsb_read");
		bench_check(mmsb_read(scene->two.kit.space, scene->two.kit.pages[i], 0, &b, sizeof(b), NULL), "mmsb_read");
		if (a != b)
			bench_die("page %u is %lu in one space and %lu in the other", i, (unsigned long)a, (unsigned long)b);
	}
}

static void close_scene(void *state)
{
	struct scene *scene = state;

	compare(scene);
	close_side(&scene->one);
	close_side(&scene->two);
	graph_free(scene->graph);
	free(scene);
}

/* Microseconds a tick. */
static double measure(struct scene *scene, struct side *side)
{
	uint64_t start = bench_now();
	unsigned int i;

	for (i = 0; i < scene->ticks; i++) {
		side->value++;
		bench_check(mmsb_set(side->kit.ring, side->kit.pages[0], 0, &side->value, sizeof(side->value), NULL), "mmsb_set");
	}
	return (double)(bench_now() - start) / 1e3 / scene->ticks;
}

static double measure_two(void *state)
{
	struct scene *scene = state;

	return measure(scene, &scene->two);
}

static double measure_one(void *state)
{
	struct scene *scene = state;

	return measure(scene, &scene->one);
}

static const struct setting small = { .width = 4096, .page_bytes = 64, .ticks = 20 },
			    large = { .width = 256, .page_bytes = 8192, .ticks = 20 };

#define SHARE	.name = "derived_shared", .unit = "us", .flags = BENCH_TWO_THREADS, .open = open_scene, .close = close_scene, \
		.measure = measure_two, .peer = measure_one, .against = "one poller"

const struct bench bench_share[] = {
	{ SHARE, .params = "\"levels\": 8, \"width\": 4096, \"page\": 64, \"told\": \"a tick\"", .what = &small },
	{ SHARE, .params = "\"levels\": 8, \"width\": 256, \"page\": 8192, \"told\": \"a tick\"", .what = &large },
	{ 0 }
};
