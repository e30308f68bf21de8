// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two threads, a shard each, beside one thread. The sources of each thread lie in its own shard. Either what follows from them lies
 * there too, and the shards never meet; or each page lies in the other shard than its parent, and every tick is a meeting:
 * the best case and the worst. Or nothing follows at all, and the two have a shard each, or a space each.
 */
#include <stdlib.h>
#include "graph.h"

#define SOURCES	64u
#define LENGTH	8u
#define PAGES	(SOURCES * (LENGTH + 1))

struct setting {
	bool crossing;
	bool plain;			/* nothing follows */
	bool spaces;			/* a space each, instead of a shard each */
	unsigned int ticks;		/* in one measurement, a thread */
};

struct scene;

struct half {
	struct scene *scene;
	struct kit kit;			/* a ring of its own in a space that both share */
	uint64_t value;
};

struct scene {
	const struct setting *setting;
	struct half half[2];
	struct graph *graph;
	uint32_t ready;
	unsigned int ticks;
};

/* ---------------------------------------------------------------------------------------------------------- opening */

static void open_ring(struct half *half, unsigned int shard)
{
	struct mmsb_ring_opts ring = { .size = sizeof(ring), .sq_entries = 256, .payload_bytes = 1 << 20, .shard = shard + 1 };

	bench_check(mmsb_ring_open(half->kit.space, &ring, &half->kit.ring), "mmsb_ring_open");
}

/* Pages come to be in the shard of the ring that asks. */
static void make_pages(struct scene *scene)
{
	unsigned int h, i;

	for (h = 0; h < 2; h++) {
		struct kit *kit = &scene->half[h].kit;

		for (i = 0; i < PAGES; i++) {
			unsigned int side = scene->setting->crossing ? (h + i / SOURCES) % 2 : h;

			bench_check(mmsb_create(scene->half[side].kit.ring, 64, &kit->pages[i]), "mmsb_create");
		}
	}
}

static struct mmsb_space *make_space(struct mmsb *mmsb, unsigned int shards)
{
	struct mmsb_space_opts opts = { .size = sizeof(opts), .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE, .shards = shards,
					.max_rings = 8, .max_pages = 1 << 14, .max_bytes = 1 << 26 };
	struct mmsb_space *space;

	bench_check(mmsb_space_open(mmsb, NULL, &opts, &space), "mmsb_space_open");
	return space;
}

static void *open_scene(const struct bench_opts *bench)
{
	struct mmsb_open_opts home = { .size = sizeof(home), .home = bench->home };
	struct scene *scene = bench_alloc(sizeof(*scene));
	struct mmsb_space *space = NULL;
	struct mmsb *mmsb;
	unsigned int h;

	scene->setting = bench->what;
	scene->graph = graph_forest(SOURCES, LENGTH);
	scene->ticks = scene->setting->ticks / bench->divisor;
	bench_check(mmsb_open(&mmsb, &home), "mmsb_open");
	for (h = 0; h < 2; h++) {
		struct half *half = &scene->half[h];

		if (!h || scene->setting->spaces)
			space = make_space(mmsb, scene->setting->spaces ? 1 : 2);
		*half = (struct half){ .scene = scene, .kit = { .bench = bench, .mmsb = mmsb, .space = space } };
		half->kit.pages = bench_alloc(PAGES * sizeof(*half->kit.pages));
		open_ring(half, scene->setting->spaces ? 0 : h);
	}
	make_pages(scene);
	for (h = 0; h < 2 && !scene->setting->plain; h++)
		graph_plant(&scene->half[h].kit, 0, scene->graph, 0);
	return scene;
}

static void check_half(struct half *half)
{
	unsigned int n = half->scene->setting->plain ? SOURCES : PAGES, i;
	uint64_t value;

	for (i = 0; i < n; i++) {
		bench_check(mmsb_read(half->kit.space, half->kit.pages[i], 0, &value, sizeof(value), NULL), "mmsb_read");
		if (value != half->value)
			bench_die("page %u is %lu instead of %lu", i, (unsigned long)value, (unsigned long)half->value);
	}
}

static void close_scene(void *state)
{
	struct scene *scene = state;
	unsigned int h;

	for (h = 0; h < 2; h++) {
		check_half(&scene->half[h]);
		mmsb_ring_close(scene->half[h].kit.ring);
		free(scene->half[h].kit.pages);
	}
	mmsb_space_close(scene->half[0].kit.space);
	if (scene->setting->spaces)
		mmsb_space_close(scene->half[1].kit.space);
	mmsb_close(scene->half[0].kit.mmsb);
	graph_free(scene->graph);
	free(scene);
}

/* -------------------------------------------------------------------------------------------------------- measuring */

static struct mmsb_sqe *get_sqe(struct mmsb_ring *ring)
{
	struct mmsb_sqe *sqe;

	while (!(sqe = mmsb_get_sqe(ring)))
		bench_check(mmsb_sq_wait(ring, MMSB_FOREVER), "mmsb_sq_wait");
	return sqe;
}

static void tick(struct half *half)
{
	struct kit *kit = &half->kit;
	unsigned int i;

	half->value++;
	for (i = 0; i < SOURCES; i++) {
		struct mmsb_sqe *sqe = get_sqe(kit->ring);

		mmsb_prep_set(sqe, kit->pages[i], 0, &half->value, sizeof(half->value));
		mmsb_sqe_quiet(sqe);
	}
	bench_check(mmsb_submit(kit->ring), "mmsb_submit");
}

static void run_half(struct half *half)
{
	unsigned int i;

	for (i = 0; i < half->scene->ticks; i++)
		tick(half);
	bench_check(mmsb_drain(half->kit.ring, MMSB_FOREVER), "mmsb_drain");
}

static void meet(struct scene *scene)
{
	__atomic_add_fetch(&scene->ready, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&scene->ready, __ATOMIC_ACQUIRE) != 2)
		bench_pause();
}

static void *other_thread(void *arg)
{
	struct half *half = arg;

	meet(half->scene);
	run_half(half);
	return NULL;
}

/* Million pages a second that were recomputed, or set. */
static double rate(const struct scene *scene, unsigned int threads, uint64_t ns)
{
	return (double)threads * scene->ticks * SOURCES * (scene->setting->plain ? 1 : LENGTH) * 1e3 / (double)ns;
}

static double measure_two(void *state)
{
	struct scene *scene = state;
	pthread_t thread;
	uint64_t start;

	bench_place(false);
	scene->ready = 0;
	thread = bench_thread(other_thread, &scene->half[1]);
	meet(scene);
	start = bench_now();
	run_half(&scene->half[0]);
	pthread_join(thread, NULL);
	return rate(scene, 2, bench_now() - start);
}

static double measure_one(void *state)
{
	struct scene *scene = state;
	uint64_t start;

	bench_place(false);
	start = bench_now();
	run_half(&scene->half[0]);
	return rate(scene, 1, bench_now() - start);
}

static const struct setting disjoint = { .ticks = 2000 }, crossing = { .crossing = true, .ticks = 400 };
static const struct setting alone = { .plain = true, .ticks = 40000 }, apart = { .plain = true, .spaces = true, .ticks = 40000 };

#define TWO	.unit = "M/s", .flags = BENCH_TWO_THREADS | BENCH_MORE_IS_BETTER, .open = open_scene, .close = close_scene, \
		.measure = measure_two, .peer = measure_one, .against = "one thread"

const struct bench bench_shards[] = {
	{ .name = "two_shards_disjoint", .params = "\"pages\": 64, \"batch\": 64, \"told\": \"sets\"", TWO, .what = &alone, .aim_ratio = 1.8 },
	{ .name = "two_spaces_disjoint", .params = "\"pages\": 64, \"batch\": 64, \"told\": \"sets\"", TWO, .what = &apart, .aim_ratio = 1.8 },
	{ .name = "derived_two_shards", .params = "\"edges\": \"within a shard\", \"batch\": 64, \"told\": \"recomputed pages\"", TWO,
	  .what = &disjoint, .aim_ratio = 1.8 },
	{ .name = "derived_two_shards", .params = "\"edges\": \"all between shards\", \"batch\": 64, \"told\": \"recomputed pages\"", TWO,
	  .what = &crossing },
	{ 0 }
};
