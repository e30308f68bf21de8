// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the rules themselves can do, by lane type and page size: bytes of parents that a rule goes through, with AVX2 and, where that
 * can be switched off (the embedded home), without.
 *
 * Many pages are derived in the same way from two parents, of which one gets another first lane at each tick. So all of them are computed
 * anew, and little is written. Pages of 64 bytes tell more of the engine than of the rule.
 */
#include <stdlib.h>
#include "kit.h"

#define READ		(64u << 20)	/* bytes of parents, in one measurement */
#define MANY		1024u		/* derived pages, unless they are large: */
#define AT_ONCE		(1u << 20)	/* together, but at least two */

#if defined(__x86_64__)
extern bool pf_avx2;		/* the embedded home's: written at load, and by those who want to know what it is worth */
#else
static bool pf_avx2;
#endif

struct setting {
	uint32_t rule;
	uint8_t lane;
	uint32_t bytes;
	unsigned int parents;
};

struct scene {
	const struct setting *setting;
	struct kit *kit;
	unsigned int pages, ticks;
	uint64_t value;
};

static unsigned int pages_at_once(const struct setting *setting)
{
	unsigned int n = AT_ONCE / setting->bytes;

	return n > MANY ? MANY : n < 2 ? 2 : n;
}

/* A weight that a rule cannot do without. */
static uint64_t weight_of(const struct setting *setting)
{
	if (setting->rule < MMSB_RULE_ADD_MUL || setting->rule > MMSB_RULE_XOR_AND)
		return 0;
	return setting->lane >= MMSB_LANE_F32 ? 0x4008000000000000ull : 3;
}

static void derive(struct scene *scene, unsigned int page)
{
	const struct setting *setting = scene->setting;
	struct kit *kit = scene->kit;
	struct mmsb_derive derive = { .rule = setting->rule, .lane = setting->lane };
	struct mmsb_edge edges[2] = { { .parent = kit->pages[0], .weight = weight_of(setting) },
				      { .parent = kit->pages[1], .weight = weight_of(setting) } };

	if (setting->rule == MMSB_RULE_SLICE)
		derive.param[1] = setting->bytes / 2;
	bench_check(mmsb_derive(kit->ring, kit->pages[page], &derive, edges, setting->parents, NULL), "mmsb_derive");
}

/* Lanes that are small numbers in every type. */
static void fill(struct kit *kit, unsigned int page, uint32_t bytes, uint64_t word)
{
	struct mmsb_sqe sqe;
	struct mmsb_cqe cqe;

	mmsb_prep_fill(&sqe, kit->pages[page], 0, bytes, MMSB_LANE_U64, word);
	bench_check(mmsb_run(kit->ring, &sqe, NULL, 0, &cqe), "mmsb_run");
	bench_check(cqe.result, "filling");
}

static void *open_scene(const struct bench_opts *bench)
{
	const struct setting *setting = bench->what;
	struct scene *scene = bench_alloc(sizeof(*scene));
	struct kit_opts opts = { .page_bytes = setting->bytes, .entries = 64, .payload_bytes = 4096 };
	unsigned int i;

	scene->setting = setting;
	scene->pages = pages_at_once(setting);
	opts.pages = scene->pages + 2;
	scene->ticks = READ / bench->divisor / setting->bytes / setting->parents / scene->pages + 1;
	scene->kit = kit_open(bench, &opts);
	fill(scene->kit, 0, setting->bytes, 0x3f8000003f800000);
	fill(scene->kit, 1, setting->bytes, 0x4000000040000000);
	for (i = 0; i < scene->pages; i++)
		derive(scene, i + 2);
	return scene;
}

static void close_scene(void *state)
{
	struct scene *scene = state;

	kit_close(scene->kit);
	free(scene);
}

static uint64_t recomputed(struct kit *kit)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };

	bench_check(mmsb_space_info(kit->space, &info), "mmsb_space_info");
	return info.recomputed;
}

static double measure_rule(void *state)
{
	struct scene *scene = state;
	struct kit *kit = scene->kit;
	uint64_t before = recomputed(kit), start = bench_cpu_now(), ns;
	unsigned int i;

	for (i = 0; i < scene->ticks; i++) {
		struct mmsb_sqe *sqe = mmsb_get_sqe(kit->ring);

		if (!sqe)
			bench_die("an empty queue has no room");
		mmsb_prep_add(sqe, kit->pages[0], 0, 1);
		mmsb_sqe_quiet(sqe);
		bench_check(mmsb_submit(kit->ring), "mmsb_submit");
	}
	ns = bench_cpu_now() - start;
	if (recomputed(kit) - before != (uint64_t)scene->ticks * scene->pages)
		bench_die("not all pages were computed each time");
	return (double)scene->ticks * scene->pages * scene->setting->parents * scene->setting->bytes / (double)ns;
}

static double measure_plain(void *state)
{
	bool avx2 = pf_avx2;
	double rate;

	pf_avx2 = false;
	rate = measure_rule(state);
	pf_avx2 = avx2;
	return rate;
}

/* --------------------------------------------------------------------------------------------------------- the list */

#define AT(title, kind, number, type, n, size)							\
	{ .name = "rule_throughput",								\
	  .params = "\"rule\": \"" title "\", \"lane\": \"" kind "\", \"bytes\": " #size ", \"parents\": " #n,	\
	  .unit = "GB/s", .flags = BENCH_MORE_IS_BETTER, .open = open_scene, .close = close_scene,	\
	  .measure = measure_rule, .peer = measure_plain, .against = "without AVX2",		\
	  .what = &(const struct setting){ .rule = number, .lane = type, .bytes = size, .parents = n } }
#define SIZES(...)	AT(__VA_ARGS__, 64), AT(__VA_ARGS__, 4096), AT(__VA_ARGS__, 1048576)
#define FOLD(title, kind, rule, lane)	SIZES(title, kind, MMSB_RULE_ ## rule, MMSB_LANE_ ## lane, 2)
#define BYTES(title, rule, parents)	SIZES(title, "none", MMSB_RULE_ ## rule, 0, parents)

const struct bench bench_rules[] = {
	BYTES("copy", COPY, 1),
	BYTES("slice", SLICE, 1),
	BYTES("concat", CONCAT, 2),
	FOLD("add-mul", "u8", ADD_MUL, U8),
	FOLD("add-mul", "i16", ADD_MUL, I16),
	FOLD("add-mul", "i32", ADD_MUL, I32),
	FOLD("add-mul", "i64", ADD_MUL, I64),
	FOLD("add-mul", "f32", ADD_MUL, F32),
	FOLD("add-mul", "f64", ADD_MUL, F64),
	FOLD("min-add", "i64", MIN_ADD, I64),
	FOLD("min-add", "f64", MIN_ADD, F64),
	FOLD("max-add", "i64", MAX_ADD, I64),
	FOLD("or-and", "i64", OR_AND, I64),
	FOLD("max-min", "i64", MAX_MIN, I64),
	FOLD("xor-and", "i64", XOR_AND, I64),
	FOLD("sum", "i32", SUM, I32),
	FOLD("sum", "i64", SUM, I64),
	FOLD("sum", "f64", SUM, F64),
	FOLD("count", "i64", COUNT, I64),
	FOLD("min", "i64", MIN, I64),
	FOLD("min", "f64", MIN, F64),
	FOLD("mean", "i64", MEAN, I64),
	BYTES("hash", HASH, 2),
	{ 0 }
};
