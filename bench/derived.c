// SPDX-License-Identifier: GPL-2.0-only
/*
 * Derived pages: a source is set, and whatever follows from it follows in the same call. Beside each figure stands what people write by
 * hand, over the same graph with the same fold, or a set that nothing follows.
 *
 * Each set is a tick of its own, unless it says that nothing changes. At the end the engine must have computed exactly as many
 * pages as follow, neither fewer nor more, and all pages must hold what computing everything gives.
 */
#include <stdlib.h>
#include "standin.h"

struct setting {
	struct graph *(*lay)(void);
	unsigned int ticks, by_hand;	/* in one measurement, of the engine and of the stand-in */
	bool unchanged;			/* the same bytes again */
	bool cut;			/* the first derived page comes out the same */
	bool a_page;			/* what is told is time a page that follows, and not time a tick */
};

struct scene {
	const struct setting *setting;
	struct kit *kit;
	struct kit *plain;		/* pages that nothing follows */
	struct graph *graph;
	struct standin *standin;
	uint64_t value;
	unsigned int at;		/* source whose turn it is */
	unsigned int follow;		/* derived pages that follow from a source */
	uint64_t ticks;			/* that changed something */
	uint64_t recomputed;		/* before the first of them */
};

static uint64_t recomputed(struct kit *kit)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };

	bench_check(mmsb_space_info(kit->space, &info), "mmsb_space_info");
	return info.recomputed;
}

static struct kit *open_pages(const struct bench_opts *bench, unsigned int pages)
{
	struct kit_opts opts = { .pages = pages, .page_bytes = 64, .entries = 256, .payload_bytes = 1 << 20 };

	return kit_open(bench, &opts);
}

static void *open_scene(const struct bench_opts *bench)
{
	struct scene *scene = bench_alloc(sizeof(*scene));

	scene->setting = bench->what;
	scene->graph = scene->setting->lay();
	scene->graph->weight = scene->setting->cut ? 0 : 1;
	scene->standin = standin_new(scene->graph);
	scene->kit = open_pages(bench, scene->graph->pages);
	scene->plain = open_pages(bench, scene->graph->sources);
	graph_plant(scene->kit, 0, scene->graph, 0);
	scene->follow = scene->setting->cut ? 1 : graph_reach(scene->graph, 0);
	scene->recomputed = recomputed(scene->kit);
	return scene;
}

static void close_scene(void *state)
{
	struct scene *scene = state;
	uint64_t done = recomputed(scene->kit) - scene->recomputed;

	if (done != scene->ticks * scene->follow)
		bench_die("%lu pages were recomputed instead of %lu", (unsigned long)done,
			  (unsigned long)(scene->ticks * scene->follow));
	standin_compare(scene->standin, scene->kit, 0);
	kit_close(scene->plain);
	kit_close(scene->kit);
	standin_free(scene->standin);
	graph_free(scene->graph);
	free(scene);
}

/* ------------------------------------------------------------------------------------------------------- measuring */

static unsigned int next_source(struct scene *scene)
{
	scene->at = scene->at + 1 == scene->graph->sources ? 0 : scene->at + 1;
	return scene->at;
}

static void set_source(struct kit *kit, unsigned int source, uint64_t value)
{
	struct mmsb_sqe *sqe = mmsb_get_sqe(kit->ring);

	if (!sqe)
		bench_die("an empty queue has no room");
	mmsb_prep_set(sqe, kit->pages[source], 0, &value, sizeof(value));
	mmsb_sqe_quiet(sqe);
	bench_check(mmsb_submit(kit->ring), "mmsb_submit");
}

static unsigned int amount(const struct scene *scene, unsigned int full)
{
	unsigned int scaled = full / scene->kit->bench->divisor;

	return scaled ? scaled : 1;
}

static double told(const struct scene *scene, uint64_t ns, unsigned int ticks)
{
	return (double)ns / ticks / (scene->setting->a_page ? scene->follow : 1);
}

static double set_all(struct scene *scene, struct kit *kit)
{
	unsigned int n = amount(scene, scene->setting->ticks), i;
	uint64_t start = bench_cpu_now();

	for (i = 0; i < n; i++)
		set_source(kit, next_source(scene), scene->setting->unchanged ? 0 : ++scene->value);
	return told(scene, bench_cpu_now() - start, n);
}

static double measure_scene(void *state)
{
	struct scene *scene = state;

	if (!scene->setting->unchanged)
		scene->ticks += amount(scene, scene->setting->ticks);
	return set_all(scene, scene->kit);
}

static double measure_plain(void *state)
{
	struct scene *scene = state;

	return set_all(scene, scene->plain);
}

static double by_hand(struct scene *scene, void (*follow)(struct standin *standin, unsigned int source, int64_t value))
{
	unsigned int n = amount(scene, scene->setting->by_hand), i;
	uint64_t start = bench_cpu_now();

	for (i = 0; i < n; i++)
		follow(scene->standin, next_source(scene), (int64_t)++scene->value);
	return told(scene, bench_cpu_now() - start, n);
}

static double measure_everything(void *state)
{
	return by_hand(state, standin_everything);
}

static double measure_push(void *state)
{
	return by_hand(state, standin_push);
}

/* ------------------------------------------------------------------------------------------------ beside a graph */

static void *open_beside(const struct bench_opts *bench)
{
	struct kit_opts opts = { .pages = 1000, .page_bytes = 64, .entries = 1024, .shuffled = true, .repeat = 8,
				 .payload_bytes = 1 << 20, .beside = 1001 };
	struct scene *scene = bench_alloc(sizeof(*scene));

	scene->kit = kit_open(bench, &opts);
	scene->plain = kit_open(bench, &opts);
	scene->graph = graph_chain(1000);
	graph_plant(scene->kit, opts.pages, scene->graph, 0);
	scene->kit->work = kit_amount(scene->kit, 4 << 20);
	scene->plain->work = scene->kit->work;
	return scene;
}

static void close_beside(void *state)
{
	struct scene *scene = state;

	kit_close(scene->plain);
	kit_close(scene->kit);
	graph_free(scene->graph);
	free(scene);
}

static double add_rate(struct kit *kit)
{
	uint64_t start = bench_cpu_now();

	kit_send(kit, KIT_BATCH);
	return (double)kit->work * 1e3 / (double)(bench_cpu_now() - start);
}

static double measure_beside(void *state)
{
	return add_rate(((struct scene *)state)->kit);
}

static double measure_without(void *state)
{
	return add_rate(((struct scene *)state)->plain);
}

/* --------------------------------------------------------------------------------------------------------- the list */

static struct graph *lay_chain(void)
{
	return graph_chain(1000);
}

static struct graph *lay_fan(void)
{
	return graph_fan(1000);
}

static struct graph *lay_lattice_16(void)
{
	return graph_lattice(16);
}

static struct graph *lay_lattice_30(void)
{
	return graph_lattice(30);
}

static struct graph *lay_forest(void)
{
	return graph_forest(1000, 10);
}

static struct graph *lay_random(void)
{
	return graph_random(1001, 1, 3);
}

static const struct setting chain = { .lay = lay_chain, .ticks = 2000, .by_hand = 8000, .a_page = true };
static const struct setting fan = { .lay = lay_fan, .ticks = 2000, .by_hand = 8000, .a_page = true };
static const struct setting lattice_16 = { .lay = lay_lattice_16, .ticks = 20000, .by_hand = 8 };
static const struct setting lattice_30 = { .lay = lay_lattice_30, .ticks = 20000, .by_hand = 100000 };
static const struct setting random_all = { .lay = lay_random, .ticks = 2000, .by_hand = 8000 };
static const struct setting random_unchanged = { .lay = lay_random, .ticks = 200000, .unchanged = true };
static const struct setting forest = { .lay = lay_forest, .ticks = 100000, .by_hand = 1000 };
static const struct setting forest_push = { .lay = lay_forest, .ticks = 100000, .by_hand = 400000 };
static const struct setting chain_unchanged = { .lay = lay_chain, .ticks = 200000, .unchanged = true };
static const struct setting fan_unchanged = { .lay = lay_fan, .ticks = 200000, .unchanged = true };
static const struct setting chain_cut = { .lay = lay_chain, .ticks = 200000, .cut = true };

#define SCENE		.open = open_scene, .close = close_scene, .measure = measure_scene
#define EVERYTHING	.peer = measure_everything, .against = "recompute_everything"
#define PUSH		.peer = measure_push, .against = "depth_first_push"
#define PLAIN		.peer = measure_plain, .against = "the same set where nothing follows"

const struct bench bench_derived[] = {
	{ .name = "derived_chain", .params = "\"pages\": 1000, \"inputs\": \"changed\", \"told\": \"a recomputed page\"",
	  .unit = "ns", SCENE, EVERYTHING, .what = &chain, .aim = 20 },
	{ .name = "derived_chain", .params = "\"pages\": 1000, \"inputs\": \"changed\", \"told\": \"a recomputed page\"",
	  .unit = "ns", SCENE, PUSH, .what = &chain, .aim = 20 },
	{ .name = "derived_fan", .params = "\"pages\": 1000, \"inputs\": \"changed\", \"told\": \"a recomputed page\"",
	  .unit = "ns", SCENE, EVERYTHING, .what = &fan, .aim = 20 },
	{ .name = "derived_fan", .params = "\"pages\": 1000, \"inputs\": \"changed\", \"told\": \"a recomputed page\"",
	  .unit = "ns", SCENE, PUSH, .what = &fan, .aim = 20 },
	{ .name = "derived_chain", .params = "\"pages\": 1000, \"inputs\": \"unchanged\", \"told\": \"a set\"",
	  .unit = "ns", SCENE, PLAIN, .what = &chain_unchanged },
	{ .name = "derived_fan", .params = "\"pages\": 1000, \"inputs\": \"unchanged\", \"told\": \"a set\"",
	  .unit = "ns", SCENE, PLAIN, .what = &fan_unchanged },
	{ .name = "derived_chain", .params = "\"pages\": 1000, \"inputs\": \"changed, but not the first page\", \"told\": \"a set\"",
	  .unit = "ns", SCENE, PLAIN, .what = &chain_cut },
	{ .name = "derived_lattice", .params = "\"levels\": 16, \"pages\": 33, \"told\": \"a tick\"",
	  .unit = "ns", SCENE, PUSH, .what = &lattice_16 },
	{ .name = "derived_lattice", .params = "\"levels\": 30, \"pages\": 61, \"told\": \"a tick\"",
	  .unit = "ns", SCENE, EVERYTHING, .what = &lattice_30 },
	{ .name = "derived_random", .params = "\"pages\": 1000, \"parents\": 3, \"inputs\": \"changed\", \"told\": \"a tick\"",
	  .unit = "ns", SCENE, EVERYTHING, .what = &random_all },
	{ .name = "derived_random", .params = "\"pages\": 1000, \"parents\": 3, \"inputs\": \"unchanged\", \"told\": \"a set\"",
	  .unit = "ns", SCENE, PLAIN, .what = &random_unchanged },
	{ .name = "derived_forest", .params = "\"sources\": 1000, \"pages\": 10000, \"follow\": 10, \"told\": \"a tick\"",
	  .unit = "ns", SCENE, EVERYTHING, .what = &forest },
	{ .name = "derived_forest", .params = "\"sources\": 1000, \"pages\": 10000, \"follow\": 10, \"told\": \"a tick\"",
	  .unit = "ns", SCENE, PUSH, .what = &forest_push },
	{ .name = "add_beside_graph", .params = "\"pages\": 1000, \"batch\": 64, \"derived\": 1000", .unit = "M/s",
	  .flags = BENCH_MORE_IS_BETTER, .open = open_beside, .close = close_beside, .measure = measure_beside,
	  .peer = measure_without, .against = "a space without derived pages", .aim_ratio = 0.98 },
	{ 0 }
};
