// SPDX-License-Identifier: GPL-2.0-only
/*
 * The engine against the reference model (common/model.c), by random operations. The same named history runs with several
 * numbers of shards, polled and inline, and must leave the same state hash at every checkpoint; other histories let
 * the engine choose its ids. `differential --seed N --ops N` replays what a failure printed. $MMSB_SOAK: goes on with new seeds for that
 * many seconds.
 */
#include <getopt.h>
#include "kselftest.h"
#include "common/differ.h"

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
};
#define CONFIGS (sizeof(configs) / sizeof(*configs))

static uint64_t checkpoints[CHECKPOINTS][2];
static bool have_checkpoints;

/* The named histories are one history: each checkpoint's hash is the first run's. */
static int checkpoint(struct twin *twin, unsigned int number)
{
	uint64_t hash[2];

	if (twin_compare(twin) || twin_hash(twin, hash))
		return -1;
	if (!twin->config.named)
		return 0;
	if (!have_checkpoints) {
		memcpy(checkpoints[number], hash, sizeof(hash));
		return 0;
	}
	if (!memcmp(checkpoints[number], hash, sizeof(hash)))
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
	if (!ret && config->named)
		have_checkpoints = true;
	ksft_print_msg("%llu operations, %llu refused, %llu changed nothing, %u pages at the end\n", (unsigned long long)twin.ops,
		       (unsigned long long)twin.refused, (unsigned long long)twin.unchanged, twin.model.alive);
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

	have_checkpoints = false;
	ksft_print_msg("--seed %llu --ops %llu\n", (unsigned long long)seed, (unsigned long long)ops);
	for (i = 0; i < CONFIGS; i++)
		ksft_test_result(!run(&configs[i], seed, ops / CONFIGS), "%u shards, %s, ids %s\n", configs[i].shards,
				 configs[i].polled ? "polled" : "inline", configs[i].named ? "given" : "chosen");
}

int main(int argc, char **argv)
{
	uint64_t seed = rng_seed_now(), ops = scaled(2000000), end = now_ns() + soak_seconds() * SECOND;

	options(argc, argv, &seed, &ops);
	ksft_print_header();
	do {
		run_all(seed++, ops);
	} while (now_ns() < end && !ksft_get_fail_cnt());
	ksft_set_plan(ksft_test_num());
	ksft_finished();
}
