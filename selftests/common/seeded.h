/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The main of programs that draw what they do: `NAME --seed N --ops N` does again what a failure printed, and $MMSB_SOAK goes on with new seeds
 * for that many seconds. Included behind kselftest.h, which counts in each program by itself.
 */
#ifndef SEEDED_H
#define SEEDED_H

#include <getopt.h>
#include "home.h"

static inline void seeded_options(int argc, char **argv, uint64_t *seed, uint64_t *ops)
{
	static const struct option longs[] = {
		{ "seed", required_argument, NULL, 's' }, { "ops", required_argument, NULL, 'o' }, {},
	};
	int c;

	*seed = rng_seed();
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == '?')
			ksft_exit_fail_msg("usage: %s [--seed N] [--ops N]\n", argv[0]);
		*(c == 's' ? seed : ops) = strtoull(optarg, NULL, 0);
	}
}

/* *seed is the one in hand; `ops` operations unless told otherwise. Does not return. */
static inline __attribute__((noreturn)) void seeded_main(int argc, char **argv, uint64_t *seed, uint64_t ops, void (*run)(uint64_t ops))
{
	uint64_t end = now_ns() + soak_seconds() * SECOND;

	seeded_options(argc, argv, seed, &ops);
	ksft_print_header();
	do {
		run(ops);
		++*seed;
	} while (now_ns() < end && !ksft_get_fail_cnt());
	ksft_set_plan(ksft_test_num());
	ksft_finished();
}

#endif
