// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions, once more: of what follows from a delta. The same shapes are counted under callgrind (see instructions), with the deltas
 * they follow from, and in an emulator whose time stamp counter counts instructions (see guest-instructions), where what the same
 * deltas cost on pages that nothing follows is taken out, and the call along with it.
 */
#include <stdlib.h>
#include "count.h"
#include "graph.h"

#define TRIES	100u
#define MEGA	(1u << 20)
#define PLAIN	64u		/* pages that nothing follows */

struct follow;

struct shape {
	const char *name;
	struct graph *(*lay)(void);
	void (*lay_down)(struct follow *follow, bool plain);	/* puts entries into the ring */
	unsigned int deltas;		/* so many, each for another source */
	unsigned int count;		/* what the instructions are divided by */
	unsigned int page_bytes;
	unsigned int audit;		/* every so many recomputes are done twice */
};

struct follow {
	const struct shape *shape;
	struct kit *kit;
	struct graph *graph;
	uint64_t value, seed;
};

/* ------------------------------------------------------------------------------------------------------ laying down */

static struct mmsb_sqe *get_sqe(struct follow *follow)
{
	struct mmsb_sqe *sqe = mmsb_get_sqe(follow->kit->ring);

	if (!sqe)
		bench_die("an empty queue has no room");
	return sqe;
}

static void set_to(struct follow *follow, bool plain, uint64_t value)
{
	unsigned int first = plain ? follow->graph->pages : 0, i;

	for (i = 0; i < follow->shape->deltas; i++) {
		struct mmsb_sqe *sqe = get_sqe(follow);

		mmsb_prep_set(sqe, follow->kit->pages[first + i], 0, &value, sizeof(value));
		mmsb_sqe_quiet(sqe);
	}
}

static void lay_sets(struct follow *follow, bool plain)
{
	set_to(follow, plain, ++follow->value);
}

static void lay_same(struct follow *follow, bool plain)
{
	set_to(follow, plain, 0);
}

static void lay_aside(struct follow *follow, bool plain)
{
	unsigned int i;

	(void)plain;
	for (i = 0; i < follow->shape->deltas; i++) {
		struct mmsb_sqe *sqe = get_sqe(follow);

		mmsb_prep_add(sqe, follow->kit->pages[follow->graph->pages + i], 0, 1);
		mmsb_sqe_quiet(sqe);
	}
}

/* Instead of links, plain pages are only looked at. */
static void lay_links(struct follow *follow, bool plain)
{
	const struct graph *graph = follow->graph;
	unsigned int i;

	for (i = 0; i < follow->shape->deltas; i++) {
		unsigned int page = graph->sources + (unsigned int)(kit_random(&follow->seed) % (graph->pages - graph->sources));
		struct mmsb_edge edge = { .parent = follow->kit->pages[kit_random(&follow->seed) % page], .weight = 1 };
		struct mmsb_sqe *sqe = get_sqe(follow);

		if (plain)
			mmsb_prep_set(sqe, follow->kit->pages[graph->pages], 0, &follow->value, sizeof(follow->value));
		else
			mmsb_prep_link(sqe, follow->kit->pages[page], &edge, 1);
		mmsb_sqe_quiet(sqe);
	}
}

/* ------------------------------------------------------------------------------------------------------------ shapes */

static struct graph *lay_chain(void)
{
	return graph_chain(1000);
}

static struct graph *lay_fan(void)
{
	return graph_fan(1000);
}

static struct graph *lay_lattice(void)
{
	return graph_lattice(30);
}

static struct graph *lay_children(void)
{
	return graph_forest(64, 1);
}

static struct graph *lay_random(void)
{
	return graph_random(65536, 64, 4);
}

static struct graph *lay_one(void)
{
	return graph_chain(1);
}

static const struct shape shapes[] = {
	{ "child", lay_children, lay_sets, 64, 64, 64, 0 },
	{ "audited", lay_children, lay_sets, 64, 64, 64, 1 },
	{ "chain", lay_chain, lay_sets, 1, 1000, 64, 0 },
	{ "fan", lay_fan, lay_sets, 1, 1000, 64, 0 },
	{ "lattice", lay_lattice, lay_sets, 1, 61, 64, 0 },
	{ "unchanged", lay_children, lay_same, 64, 64, 64, 0 },
	{ "aside", lay_chain, lay_aside, 64, 64, 64, 0 },
	{ "link", lay_random, lay_links, 64, 64, 64, 0 },
	{ "large", lay_one, lay_sets, 1, MEGA / 1024, MEGA, 0 },
};

static struct follow *follow_open(const struct bench_opts *bench, const struct shape *shape)
{
	struct kit_opts opts = { .page_bytes = shape->page_bytes, .entries = 256, .payload_bytes = 1 << 20, .audit = shape->audit };
	struct follow *follow = bench_alloc(sizeof(*follow));

	follow->shape = shape;
	follow->seed = 0x6c696e6b;
	follow->graph = shape->lay();
	follow->graph->weight = shape->page_bytes > 64 ? 3 : 1;
	opts.pages = follow->graph->pages;
	opts.beside = shape->page_bytes > 64 ? 1 : PLAIN;
	follow->kit = kit_open(bench, &opts);
	graph_plant(follow->kit, 0, follow->graph, 0);
	return follow;
}

static void follow_close(struct follow *follow)
{
	kit_close(follow->kit);
	graph_free(follow->graph);
	free(follow);
}

static const struct shape *shape_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		if (!strcmp(shapes[i].name, name))
			return &shapes[i];
	bench_die("no such thing to count: %s", name);
}

unsigned int follow_under_callgrind(const struct bench_opts *bench, const char *what, unsigned int rounds)
{
	struct follow *follow = follow_open(bench, shape_find(what));
	unsigned int count = rounds * follow->shape->count, i;

	for (i = 0; i < rounds; i++) {
		follow->shape->lay_down(follow, false);
		count_drain(follow->kit->ring);
	}
	follow_close(follow);
	return count;
}

/* ------------------------------------------------------------------------------------------------------ in a guest */

struct both {
	struct follow *home, *embedded;
};

static void *open_both(const struct bench_opts *bench)
{
	const struct shape *shape = shape_find(bench->what);
	struct both *both = bench_alloc(sizeof(*both));
	static struct bench_opts embedded;

	embedded = *bench;
	embedded.home = "embedded";
	both->home = follow_open(bench, shape);
	both->embedded = follow_open(&embedded, shape);
	return both;
}

static void close_both(void *state)
{
	struct both *both = state;

	follow_close(both->embedded);
	follow_close(both->home);
	free(both);
}

static uint64_t least_drained(struct follow *follow, bool plain)
{
	uint64_t least = ~0ull, ticks;
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		follow->shape->lay_down(follow, plain);
		ticks = bench_ticks();
		count_drain(follow->kit->ring);
		ticks = bench_ticks() - ticks;
		least = ticks < least ? ticks : least;
	}
	return least;
}

static double followed_each(struct follow *follow)
{
	return (double)(least_drained(follow, false) - least_drained(follow, true)) / follow->shape->count;
}

static double followed_home(void *state)
{
	return followed_each(((struct both *)state)->home);
}

static double followed_embedded(void *state)
{
	return followed_each(((struct both *)state)->embedded);
}

#define COUNT(shape, of)	{ .name = "follow_instructions", .params = "\"shape\": \"" shape "\", \"told\": \"" of "\"", \
				  .unit = "instructions", .flags = BENCH_ICOUNT | BENCH_ONCE, .open = open_both, .close = close_both, \
				  .measure = followed_home, .peer = followed_embedded, .against = "embedded", .aim_ratio = 1.3, \
				  .what = shape }

const struct bench bench_follow[] = {
	COUNT("child", "a recomputed page"),
	COUNT("chain", "a recomputed page"),
	COUNT("fan", "a recomputed page"),
	COUNT("lattice", "a recomputed page"),
	COUNT("link", "an edge"),
	COUNT("large", "a KiB recomputed"),
	{ 0 }
};
