// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large pages: how fast a rule goes through a mebibyte, beside a memcpy of as much.
 *
 * A page is derived again and again, in turn from one of two parents that differ everywhere, so that all of it is computed, compared and
 * written, and nothing else is. Where the inputs are called unchanged, the two parents hold the same, and nothing is written.
 */
#include <stdlib.h>
#include <string.h>
#include "kit.h"

#define MEGA	(1u << 20)
#define ROUNDS	64u
#define PIECE	(1u << 16)

struct setting {
	uint32_t rule;
	uint8_t lane;
	unsigned int parents;		/* 1 or 2 */
	uint64_t weight;		/* 0: of a rule that has none */
	bool unchanged;
};

enum { COMMON, ONE, OTHER, DERIVED, PAGES };

struct scene {
	const struct setting *setting;
	struct kit *kit;
	uint64_t derived;
	uint8_t *from, *to;		/* memcpy's, one behind the other: two to copy from */
	unsigned int turn;
};

static bool is_float(uint8_t lane)
{
	return lane >= MMSB_LANE_F32;
}

/* Floating point is measured on numbers of moderate size, as it is used. */
static void draw(uint8_t *bytes, uint8_t lane, uint64_t seed)
{
	double *number = (double *)bytes;
	unsigned int i;

	for (i = 0; i < MEGA / 8; i++) {
		uint64_t word = kit_random(&seed);

		if (is_float(lane))
			number[i] = (double)(int64_t)word / (1ll << 50);
		else
			memcpy(bytes + 8ul * i, &word, 8);
	}
}

static void *open_scene(const struct bench_opts *bench)
{
	struct kit_opts opts = { .pages = PAGES, .page_bytes = MEGA, .entries = 64, .payload_bytes = PIECE };
	struct scene *scene = bench_alloc(sizeof(*scene));
	const struct setting *setting = bench->what;
	unsigned int i;

	scene->setting = setting;
	scene->kit = kit_open(bench, &opts);
	scene->derived = scene->kit->pages[DERIVED];
	if (setting->rule >= MMSB_RULE_SUM)
		bench_check(mmsb_create(scene->kit->ring, 64, &scene->derived), "mmsb_create");
	scene->from = bench_alloc(2ul * MEGA);
	scene->to = bench_alloc(MEGA);
	for (i = COMMON; i <= OTHER; i++) {
		draw(scene->from, setting->lane, i == OTHER && setting->unchanged ? ONE + 1 : i + 1);
		bench_check(mmsb_set(scene->kit->ring, scene->kit->pages[i], 0, scene->from, MEGA, NULL), "mmsb_set");
	}
	return scene;
}

static void close_scene(void *state)
{
	struct scene *scene = state;

	kit_close(scene->kit);
	free(scene->from);
	free(scene->to);
	free(scene);
}

static void derive(struct scene *scene)
{
	const struct setting *setting = scene->setting;
	uint64_t *pages = scene->kit->pages, weights[2] = { setting->weight, setting->weight };
	uint64_t parents[2] = { pages[++scene->turn % 2 ? ONE : OTHER], pages[COMMON] };

	bench_check(mmsb_derive_fold(scene->kit->ring, scene->derived, setting->rule, setting->lane, parents,
				     setting->weight ? weights : NULL, setting->parents, NULL), "mmsb_derive_fold");
}

static uint64_t epoch_of(struct scene *scene)
{
	struct mmsb_page_info info;

	bench_check(mmsb_page_info(scene->kit->space, scene->derived, &info), "mmsb_page_info");
	return info.epoch;
}

static double rate(uint64_t rounds, unsigned int parents, uint64_t ns)
{
	return (double)rounds * parents * MEGA / (double)ns;
}

static unsigned int rounds(const struct scene *scene)
{
	return ROUNDS / scene->kit->bench->divisor + 2;
}

static double measure_fold(void *state)
{
	struct scene *scene = state;
	unsigned int n = rounds(scene), i;
	uint64_t epoch, start, ns;

	derive(scene);
	epoch = epoch_of(scene);
	start = bench_cpu_now();
	for (i = 0; i < n; i++)
		derive(scene);
	ns = bench_cpu_now() - start;
	if (epoch_of(scene) - epoch != (scene->setting->unchanged ? 0 : n))
		bench_die("the page changed %lu times instead of %u", (unsigned long)(epoch_of(scene) - epoch), n);
	return rate(n, scene->setting->parents, ns);
}

static double measure_memcpy(void *state)
{
	struct scene *scene = state;
	unsigned int n = rounds(scene), i;
	uint64_t start;

	memcpy(scene->to, scene->from, MEGA);
	start = bench_cpu_now();
	for (i = 0; i < n; i++) {
		memcpy(scene->to, scene->from + i % 2 * MEGA, MEGA);
		__asm__ volatile("" :: "r"(scene->to) : "memory");
	}
	return rate(n, 1, bench_cpu_now() - start);
}

/* --------------------------------------------------------------------------------------------------------- the list */

#define HALF		0x3fe0000000000000ull	/* as a double */
#define SETTING(...)	.what = &(const struct setting){ __VA_ARGS__ }
#define FOLD(text, ...)	{ .name = "fold_1m", .params = text, .unit = "GB/s", .flags = BENCH_MORE_IS_BETTER, .open = open_scene, \
			  .close = close_scene, .measure = measure_fold, .peer = measure_memcpy, .against = "memcpy", __VA_ARGS__ }
#define ADD_MUL		.rule = MMSB_RULE_ADD_MUL

const struct bench bench_fold[] = {
	FOLD("\"rule\": \"add-mul\", \"lane\": \"i64\", \"parents\": 1, \"weight\": 1, \"inputs\": \"changed\"",
	     SETTING(ADD_MUL, MMSB_LANE_I64, 1, 1), .aim_ratio = 0.7),
	FOLD("\"rule\": \"add-mul\", \"lane\": \"i64\", \"parents\": 1, \"weight\": 1, \"inputs\": \"unchanged\"",
	     SETTING(ADD_MUL, MMSB_LANE_I64, 1, 1, true), .aim_ratio = 0.7),
	FOLD("\"rule\": \"add-mul\", \"lane\": \"i64\", \"parents\": 1, \"weight\": 3, \"inputs\": \"changed\"",
	     SETTING(ADD_MUL, MMSB_LANE_I64, 1, 3), .aim_ratio = 0.7),
	FOLD("\"rule\": \"add-mul\", \"lane\": \"i64\", \"parents\": 2, \"weight\": 1, \"inputs\": \"changed\"",
	     SETTING(ADD_MUL, MMSB_LANE_I64, 2, 1), .aim_ratio = 0.7),
	FOLD("\"rule\": \"add-mul\", \"lane\": \"i64\", \"parents\": 2, \"weight\": 3, \"inputs\": \"changed\"",
	     SETTING(ADD_MUL, MMSB_LANE_I64, 2, 3), .aim_ratio = 0.7),
	FOLD("\"rule\": \"add-mul\", \"lane\": \"i64\", \"parents\": 2, \"weight\": 3, \"inputs\": \"unchanged\"",
	     SETTING(ADD_MUL, MMSB_LANE_I64, 2, 3, true), .aim_ratio = 0.7),
	FOLD("\"rule\": \"add-mul\", \"lane\": \"f64\", \"parents\": 1, \"weight\": 0.5, \"inputs\": \"changed\"",
	     SETTING(ADD_MUL, MMSB_LANE_F64, 1, HALF), .aim_ratio = 0.7),
	FOLD("\"rule\": \"add-mul\", \"lane\": \"f64\", \"parents\": 2, \"weight\": 0.5, \"inputs\": \"changed\"",
	     SETTING(ADD_MUL, MMSB_LANE_F64, 2, HALF), .aim_ratio = 0.7),
	FOLD("\"rule\": \"sum\", \"lane\": \"i64\", \"parents\": 1, \"inputs\": \"changed\"", SETTING(.rule = MMSB_RULE_SUM, MMSB_LANE_I64, 1)),
	FOLD("\"rule\": \"sum\", \"lane\": \"f64\", \"parents\": 1, \"inputs\": \"changed\"", SETTING(.rule = MMSB_RULE_SUM, MMSB_LANE_F64, 1)),
	FOLD("\"rule\": \"max\", \"lane\": \"i64\", \"parents\": 1, \"inputs\": \"changed\"", SETTING(.rule = MMSB_RULE_MAX, MMSB_LANE_I64, 1)),
	FOLD("\"rule\": \"hash\", \"parents\": 1, \"inputs\": \"changed\"", SETTING(.rule = MMSB_RULE_HASH, 0, 1)),
	{ 0 }
};
