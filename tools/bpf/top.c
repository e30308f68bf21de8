// SPDX-License-Identifier: GPL-2.0-only
/* mmsb-top: what the kernel home is doing, live or, with --batch, for scripts. See top.h. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "../value.h"
#include "top.h"

struct options {
	const char *space;
	uint64_t interval_ns, count;
	bool batch, json, heat, no_bpf;
};

static const char usage[] =
	"usage: mmsb-top [OPTION...] [SPACE]\n"
	"What the kernel home is doing: spaces, rings, shards, pollers, and which pages change. SPACE: a name or a number.\n"
	"  --interval TIME  look so often (default: 1)\n"
	"  -n COUNT         and so many times\n"
	"  --batch          write a block each time, not to a terminal\n"
	"  --json           the same as one JSON document a line\n"
	"  --heat           tell which pages change, too: deltas are slower meanwhile (live, that is view 5)\n"
	"  --no-bpf         counters only, no latencies and no heat\n"
	"  --help           this text\n"
	"Keys: ? shows them.\n";

static bool take_option(int opt, struct options *options)
{
	switch (opt) {
	case 'i':
		return value_time(optarg, &options->interval_ns) && options->interval_ns >= 10000000;
	case 'n':
		return value_u64(optarg, &options->count) && options->count;
	case 'j':
		options->json = true;	/* and therefore */
		__attribute__((fallthrough));
	case 'b':
		return options->batch = true;
	case 'H':
		return options->heat = true;
	case 'B':
		return options->no_bpf = true;
	case 1:
		if (options->space)
			return false;
		options->space = optarg;
		return true;
	default:
		return false;
	}
}

static bool parse(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{ "interval", required_argument, NULL, 'i' }, { "batch", no_argument, NULL, 'b' }, { "json", no_argument, NULL, 'j' },
		{ "heat", no_argument, NULL, 'H' }, { "no-bpf", no_argument, NULL, 'B' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "-hn:", longs, NULL)) != -1) {
		if (opt == 'h') {
			fputs(usage, stdout);
			exit(0);
		}
		if (!take_option(opt, options))
			return false;
	}
	return optind == argc;
}

static int say(const char *text)
{
	fprintf(stderr, "mmsb-top: %s\n", text);
	return 1;
}

/* Latency is worth having, and can be done without. */
static void want_latency(struct top *top, const struct options *options)
{
	if (options->no_bpf)
		snprintf(top->no_way.text, sizeof(top->no_way.text), "so it was asked for, by --no-bpf");
	else if (steps_ready(&top->no_way))
		top->way = way_open(top->space, &top->no_way);
	if (!top->way)
		top->no_heat = top->no_way;
}

static int batch(struct top *top, const struct options *options)
{
	struct timespec pause = { (time_t)(options->interval_ns / 1000000000), (long)(options->interval_ns % 1000000000) };
	enum top_view view;
	uint64_t n;
	int err = top_look(top);

	top_want_heat(top, options->heat);
	for (n = 0; !err && (!options->count || n < options->count); n++) {
		nanosleep(&pause, NULL);
		err = top_look(top);
		if (err)
			break;
		if (options->json) {
			top_json(top);
		} else {
			for (view = 0; view < TOP_VIEWS; view++)
				top_print(top, view);
			puts(top->way ? "--" : "-- counters only");
		}
		if (fflush(stdout))
			return -errno;
	}
	return err;
}

int main(int argc, char **argv)
{
	struct options options = { .interval_ns = 1000000000 };
	struct top *top = calloc(1, sizeof(*top));
	enum top_view view;
	struct why why;
	int err;

	if (!top || !parse(argc, argv, &options)) {
		fputs(usage, stderr);
		return 2;
	}
	for (view = 0; view < TOP_VIEWS; view++)
		top->sort[view] = view == TOP_POLLERS ? 1 : 2;	/* the busiest first */
	if (options.space && !space_number(options.space, &top->space, &why))
		return say(why.text);
	err = nlc_open(&top->nl);
	if (err)
		return say(err == -ENOENT ? "the module is not loaded: modprobe mmsb, or see mmsb doctor" : strerror(-err));
	if (!options.batch && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
		return say("this is no terminal: add --batch");
	want_latency(top, &options);
	if (options.batch && !top->way)
		fprintf(stderr, "mmsb-top: counters only: %s\n", top->no_way.text);
	err = options.batch ? batch(top, &options) : top_screen(top, options.interval_ns, options.count);
	if (err)
		say(top->nl.refusal[0] ? top->nl.refusal : strerror(-err));
	top_free(top);
	free(top);
	return err ? 1 : 0;
}
