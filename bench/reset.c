// SPDX-License-Identifier: GPL-2.0-only
/*
 * A space that comes out of a pool: it is reset, and is as good as new. Beside it stands what a new one costs, the old one's end included. Each
 * has had 1,000 pages that were written to.
 */
#include <stdlib.h>
#include "kit.h"

#define PAGES	1000u
#define ROUNDS	64u

struct scene {
	struct mmsb *mmsb;
	struct mmsb_space *space;
};

static struct mmsb_space *new_space(struct scene *scene)
{
	struct mmsb_space_opts opts = { .size = sizeof(opts), .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE, .shards = 1,
					.max_rings = 4, .max_pages = 4096, .max_bytes = 16 << 20 };
	struct mmsb_space *space;

	bench_check(mmsb_space_open(scene->mmsb, NULL, &opts, &space), "mmsb_space_open");
	return space;
}

/* Somebody comes, makes pages, writes to them, and goes. */
static void use(struct mmsb_space *space)
{
	struct mmsb_ring_opts opts = { .size = sizeof(opts), .sq_entries = 256, .payload_bytes = MMSB_NO_PAYLOAD };
	struct mmsb_ring *ring;
	uint64_t page, sum = 0;
	unsigned int i;

	bench_check(mmsb_ring_open(space, &opts, &ring), "mmsb_ring_open");
	for (i = 0; i < PAGES; i++) {
		bench_check(mmsb_create(ring, 64, &page), "mmsb_create");
		bench_check(mmsb_add(ring, page, 0, 1, NULL), "mmsb_add");
		bench_check(mmsb_read(space, page, 0, &sum, sizeof(sum), NULL), "mmsb_read");
		if (sum != 1)
			bench_die("a page of a space that was reset held %lu already", (unsigned long)sum - 1);
	}
	mmsb_ring_close(ring);
}

static void *open_reset(const struct bench_opts *bench)
{
	struct mmsb_open_opts home = { .size = sizeof(home), .home = bench->home };
	struct scene *scene = bench_alloc(sizeof(*scene));

	bench_check(mmsb_open(&scene->mmsb, &home), "mmsb_open");
	scene->space = new_space(scene);
	return scene;
}

static void close_reset(void *state)
{
	struct scene *scene = state;

	mmsb_space_close(scene->space);
	mmsb_close(scene->mmsb);
	free(scene);
}

static void reset(struct scene *scene)
{
	bench_check(mmsb_space_reset(scene->space), "mmsb_space_reset");
}

static void renew(struct scene *scene)
{
	mmsb_space_close(scene->space);
	scene->space = new_space(scene);
}

static double in_us(struct scene *scene, void (*make_empty)(struct scene *scene))
{
	uint64_t ns = 0, start;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		use(scene->space);
		start = bench_cpu_now();
		make_empty(scene);
		ns += bench_cpu_now() - start;
	}
	return (double)ns / 1e3 / ROUNDS;
}

static double measure_reset(void *state)
{
	return in_us(state, reset);
}

static double measure_renew(void *state)
{
	return in_us(state, renew);
}

const struct bench bench_reset[] = {
	{ .name = "reset_pooled_space", .params = "\"pages\": 1000, \"shards\": 1", .unit = "us", .open = open_reset, .close = close_reset,
	  .measure = measure_reset, .peer = measure_renew, .against = "a new space" },
	{ 0 }
};
