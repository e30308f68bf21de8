// SPDX-License-Identifier: GPL-2.0-only
/*
 * The engine against the reference model (common/model.c), by random operations. The same named history runs with several
 * numbers of shards, polled and inline, and must leave the same state hash at every checkpoint; other histories let
 * the engine choose its ids. `differential --seed N --ops N` replays what a failure printed. $MMSB_SOAK: goes on with new seeds for that
 * many seconds.
 *
 * With derived pages the history is the same only if its ticks are: those entries are submitted one by one. In other histories the
 * engine cuts its batches into ticks as it likes, and the model follows it.
 */
#include <getopt.h>
#include "kselftest.h"
#include "common/differ.h"
#include "common/verified.h"

#define CHECKPOINTS 16

static const struct twin_config configs[] = {
	{ .shards = 1, .named = true },
	{ .shards = 2, .named = true },
	{ .shards = 3, .named = true },
	{ .shards = 8, .named = true },
	{ .shards = 1, .named = true, .polled = true },
	{ .shards = 3, .named = true, .polled = true },
	{ .shards = 1 },
	{ .shards = 2 },
	{ .shards = 8 },
	{ .shards = 2, .polled = true },
	{ .graph = true, .shards = 1, .named = true, .single = true },
	{ .graph = true, .shards = 2, .named = true, .single = true },
	{ .graph = true, .shards = 3, .named = true, .single = true },
	{ .graph = true, .shards = 8, .named = true, .single = true },
	{ .graph = true, .shards = 1, .named = true, .single = true, .polled = true },
	{ .graph = true, .shards = 3, .named = true, .single = true, .polled = true },
	{ .graph = true, .shards = 1 },
	{ .graph = true, .shards = 1, .lazy = true },
	{ .graph = true, .shards = 2, .named = true },
	{ .graph = true, .shards = 8, .named = true },
	{ .graph = true, .shards = 3, .named = true, .lazy = true },
	{ .graph = true, .shards = 1, .polled = true },
	{ .graph = true, .shards = 3, .named = true, .polled = true },
};
#define CONFIGS (sizeof(configs) / sizeof(*configs))

/* What a history that is the same in several configurations has left in the first of them. */
static struct checkpoints {
	bool have;
	uint64_t hash[CHECKPOINTS][2];
} histories[2];

static struct checkpoints *history_of(const struct twin_config *config)
{
	return config->named && (!config->graph || config->single) ? &histories[config->graph] : NULL;
}

static int checkpoint(struct twin *twin, unsigned int number)
{
	struct checkpoints *history = history_of(&twin->config);
	uint64_t hash[2];

	if (twin_compare(twin) || twin_hash(twin, hash))
		return -1;
	if (!history)
		return 0;
	if (!history->have) {
		memcpy(history->hash[number], hash, sizeof(hash));
		return 0;
	}
	if (!memcmp(history->hash[number], hash, sizeof(hash)))
		return 0;
	printf("# checkpoint %u: the hash depends on the number of shards\n", number);
	return -1;
}

static int run(const struct twin_config *config, uint64_t seed, uint64_t ops)
{
	static struct twin twin;
	unsigned int number;
	int ret = twin_open(&twin, config, seed);

	for (number = 0; !ret && number < CHECKPOINTS; number++) {
		while (!ret && twin.ops < ops * (number + 1) / CHECKPOINTS)
			ret = twin_batch(&twin);
		if (!ret)
			ret = checkpoint(&twin, number);
	}
	if (!ret && !space_is_verified(twin.space))
		ret = -1;
	if (!ret && history_of(config))
		history_of(config)->have = true;
	ksft_print_msg("%llu operations, %llu refused, %llu changed nothing, %u pages at the end\n", (unsigned long long)twin.ops,
		       (unsigned long long)twin.refused, (unsigned long long)twin.unchanged, twin.model.alive);
	if (config->graph)
		ksft_print_msg("%u of them derived, %llu recomputes, %llu came out the same\n", twin.model.derived_count,
			       (unsigned long long)twin.model.recomputed, (unsigned long long)twin.model.cut);
	twin_close(&twin);
	return ret;
}

static void options(int argc, char **argv, uint64_t *seed, uint64_t *ops)
{
	static const struct option longs[] = {
		{ "seed", required_argument, NULL, 's' }, { "ops", required_argument, NULL, 'o' }, {},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == '?')
			ksft_exit_fail_msg("usage: differential [--seed N] [--ops N]\n");
		*(c == 's' ? seed : ops) = strtoull(optarg, NULL, 0);
	}
}

/* All configurations with one seed. */
static void run_all(uint64_t seed, uint64_t ops)
{
	unsigned int i;

	memset(histories, 0, sizeof(histories));
	ksft_print_msg("--seed %llu --ops %llu\n", (unsigned long long)seed, (unsigned long long)ops);
	for (i = 0; i < CONFIGS; i++)
		ksft_test_result(!run(&configs[i], seed, ops / CONFIGS), "%u shards, %s, ids %s%s%s%s\n", configs[i].shards,
				 configs[i].polled ? "polled" : "inline", configs[i].named ? "given" : "chosen",
				 configs[i].graph ? ", derived" : "", configs[i].lazy ? ", lazy" : "",
				 configs[i].single ? ", one by one" : "");
}

int main(int argc, char **argv)
{
	uint64_t seed = rng_seed(), ops = scaled(2000000), end = now_ns() + soak_seconds() * SECOND;

	options(argc, argv, &seed, &ops);
	ksft_print_header();
	do {
		run_all(seed++, ops);
	} while (now_ns() < end && !ksft_get_fail_cnt());
	ksft_set_plan(ksft_test_num());
	ksft_finished();
}
