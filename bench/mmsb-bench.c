// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb-bench: runs the benchmarks that are asked for, each beside its peer, and reports.
 *
 * A benchmark and its peer take turns; the ratio is taken pair by pair, and its median reported. Where two threads are at work, a
 * cache line goes to and fro before and after each pair: virtual CPUs move, and then such figures jump by a factor of
 * three. A pair during which the ping-pong changed by half is unsteady and left out of the ratio, as long as others
 * are left. A figure whose middle half is wider than a fifth, or most of whose pairs were unsteady, is called noisy.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "count.h"
#include "report.h"

#define REPS		9u
#define REPS_QUICK	3u
#define NOISE		0.2
#define PACE		1.5
#define TEXT		256u

static const struct bench *const lists[] = {
	bench_floor, bench_inline, bench_sizes, bench_sync, bench_polled, bench_way, bench_latency, bench_read, bench_memory, bench_count, bench_follow,
	bench_derived, bench_lazy, bench_shards, bench_threads, bench_share, bench_fold, bench_rules, bench_million,
	bench_log, bench_restore, bench_listen, bench_cycle, bench_reset, bench_beside, bench_feature, bench_peers,
};

/* -------------------------------------------------------------------------------------------------------- measuring */

struct samples {
	unsigned int n, steady;
	double value[STAT_MAX], against[STAT_MAX];
	double ratio[STAT_MAX], steady_ratio[STAT_MAX];
	double pingpong[STAT_MAX];
};

static void take_pair(const struct bench *bench, void *state, struct samples *samples)
{
	bool beside = bench->flags & BENCH_TWO_THREADS;
	double before = beside ? pingpong(NULL) : 0, after;
	unsigned int i = samples->n++;

	samples->value[i] = bench->measure(state);
	if (bench->peer) {
		samples->against[i] = bench->peer(state);
		samples->ratio[i] = samples->against[i] != 0 ? samples->value[i] / samples->against[i] : 0;
	}
	after = beside ? pingpong(NULL) : 0;
	samples->pingpong[i] = (before + after) / 2;
	if (before <= after * PACE && after <= before * PACE)
		samples->steady_ratio[samples->steady++] = samples->ratio[i];
}

static void run_bench(const struct bench_opts *opts, const struct bench *bench)
{
	unsigned int reps = bench->flags & BENCH_ONCE ? 1 : opts->reps;
	struct figure figure = { .bench = bench, .home = bench->flags & BENCH_NO_HOME ? "none" : opts->home };
	struct bench_opts scene = *opts;
	struct samples samples = { 0 };
	void *state;

	scene.what = bench->what;
	state = bench->open ? bench->open(&scene) : NULL;

	while (samples.n < reps)
		take_pair(bench, state, &samples);
	if (bench->close)
		bench->close(state);
	figure.samples = samples.n;
	figure.unsteady = samples.n - samples.steady;
	figure.value = stat_of(samples.value, samples.n);
	figure.against = stat_of(samples.against, samples.n);
	figure.pingpong = stat_of(samples.pingpong, samples.n);
	if (samples.steady)
		figure.ratio = stat_of(samples.steady_ratio, samples.steady);
	else
		figure.ratio = stat_of(samples.ratio, samples.n);
	figure.noisy = figure.value.spread > NOISE || samples.steady * 2 < samples.n;
	report_figure(opts, &figure);
}

/* --------------------------------------------------------------------------------------------------------- choosing */

static bool is_wanted(const struct bench_opts *opts, const struct bench *bench, char **names, int n)
{
	int i;

	if ((bench->flags & BENCH_ICOUNT) && !opts->icount)
		return false;
	if ((bench->flags & BENCH_TIMED) && opts->icount)
		return false;
	if ((bench->flags & BENCH_TWO_THREADS) && bench_cpus() < 2)
		return false;
	if (!strcmp(bench->name, "cacheline_pingpong") && bench_cpus() < 2)
		return false;
	for (i = 0; i < n; i++)
		if (!fnmatch(names[i], bench->name, 0))
			return true;
	return !n;
}

/* Says so once where several in a row are left out for the same reason. */
static bool is_left_out(const struct bench *bench, char said[TEXT])
{
	const char *why = bench->missing ? bench->missing(bench->what) : NULL;

	if (!why)
		return false;
	if (strcmp(why, said))
		printf("%-22s left out, and those like it: %s\n", bench->name, why);
	snprintf(said, TEXT, "%s", why);
	return true;
}

static unsigned int run_all(const struct bench_opts *opts, char **names, int n)
{
	const struct bench *bench;
	char said[TEXT] = "";
	unsigned int seen = 0;
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		for (bench = lists[i]; bench->name; bench++) {
			if (!is_wanted(opts, bench, names, n))
				continue;
			if (!is_left_out(bench, said))
				run_bench(opts, bench);
			seen++;
		}
	return seen;
}

static void list_all(void)
{
	const struct bench *bench;
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		for (bench = lists[i]; bench->name; bench++)
			printf("%-22s {%s}\n", bench->name, bench->params);
}

/* ------------------------------------------------------------------------------------------------------------- main */

static const char usage[] =
	"usage: mmsb-bench [OPTION...] [NAME...]\n"
	"Measures MMSB beside bare peers. A NAME may be a pattern; without any, all are run.\n"
	"  --home HOME    embedded (default) or kernel\n"
	"  --quick        less of everything: seconds instead of minutes\n"
	"  --reps N       measurements of each figure (9; quick: 3)\n"
	"  --out FILE     append the figures to FILE, a JSON object a line\n"
	"  --icount       the time stamp counter counts instructions here: run what needs that\n"
	"  --count WHAT   only do, for callgrind, what a producer, producer-singly, drain, reader or viewer does, what follows, or feature-NAME\n"
	"  --list         the benchmarks\n";

enum { OPT_HOME = 1, OPT_QUICK, OPT_REPS, OPT_OUT, OPT_ICOUNT, OPT_COUNT, OPT_LIST, OPT_HELP };

static const struct option options[] = {
	{ "home", required_argument, NULL, OPT_HOME },
	{ "quick", no_argument, NULL, OPT_QUICK },
	{ "reps", required_argument, NULL, OPT_REPS },
	{ "out", required_argument, NULL, OPT_OUT },
	{ "icount", no_argument, NULL, OPT_ICOUNT },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 }
};

static unsigned int parse_reps(const char *text)
{
	char *end;
	unsigned long reps = strtoul(text, &end, 10);

	if (*end || !reps || reps > STAT_MAX)
		bench_die("--reps takes 1 to %u", STAT_MAX);
	return (unsigned int)reps;
}

static bool parse_one(int opt, struct bench_opts *opts, const char **count)
{
	switch (opt) {
	case OPT_HOME:
		opts->home = optarg;
		return true;
	case OPT_QUICK:
		opts->quick = true;
		return true;
	case OPT_REPS:
		opts->reps = parse_reps(optarg);
		return true;
	case OPT_OUT:
		opts->out = optarg;
		return true;
	case OPT_ICOUNT:
		opts->icount = true;
		return true;
	case OPT_COUNT:
		*count = optarg;
		return true;
	case OPT_LIST:
		list_all();
		exit(0);
	case OPT_HELP:
		fputs(usage, stdout);
		exit(0);
	default:
		return false;
	}
}

/* Whether the home is there is found out before the floors are measured for nothing. */
static void settle(struct bench_opts *opts)
{
	struct mmsb_open_opts home = { .size = sizeof(home), .home = opts->home };
	struct mmsb *mmsb;

	bench_check(mmsb_open(&mmsb, &home), "mmsb_open");
	mmsb_close(mmsb);
	if (!opts->reps)
		opts->reps = opts->quick ? REPS_QUICK : REPS;
	opts->divisor = (opts->quick ? 4 : 1) * (opts->icount ? 16 : 1);
	bare_scale(opts->divisor);
}

int main(int argc, char **argv)
{
	struct bench_opts opts = { .home = "embedded" };
	const char *count = NULL;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!parse_one(opt, &opts, &count)) {
			fputs(usage, stderr);
			return 2;
		}
	settle(&opts);
	if (count) {
		printf("%u\n", count_under_callgrind(&opts, count));
		return 0;
	}
	report_machine(&opts);
	if (!run_all(&opts, argv + optind, argc - optind))
		bench_die("no benchmark of that name can be run here; see --list");
	return 0;
}
