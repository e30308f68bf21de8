// SPDX-License-Identifier: GPL-2.0-only
/* mmsb-lat: where deltas of the kernel home spend their time on their way, layer by layer. See way.h and lat.h. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../hist.h"
#include "../json.h"
#include "../text.h"
#include "../value.h"
#include "lat.h"
#include "tracing.h"

_Static_assert(WAY_BUCKETS == HIST_BUCKETS, "percentiles are taken of a struct hist");

const char *const lat_names[WAY_HISTS] = {
	[WAY_QUEUED] = "queued", [WAY_APPLY] = "apply", [WAY_WAVE] = "wave", [WAY_PUBLISH] = "publish", [WAY_ANSWER] = "answer",
	[WAY_TOTAL] = "total", [WAY_DISK] = "disk",
};

static const double parts[] = { 0.5, 0.9, 0.99, 0.999 };
static const char *const part_names[] = { "p50", "p90", "p99", "p999" };
#define PARTS	(sizeof(parts) / sizeof(*parts))

/* --------------------------------------------------------------------------------------------------------------- figures */

static const struct hist *hist_of(const struct lat *lat, unsigned int layer)
{
	return (const struct hist *)lat->counts.hist[layer];
}

uint64_t lat_deltas(const struct lat *lat, unsigned int layer)
{
	return hist_count(hist_of(lat, layer));
}

uint64_t lat_percentile(const struct lat *lat, unsigned int layer, double part)
{
	return hist_percentile(hist_of(lat, layer), NULL, part);
}

static double spent(const struct lat *lat, unsigned int bucket, unsigned int layer)
{
	double sum = 0;
	unsigned int i;

	if (layer < WAY_LAYERS)
		return (double)lat->counts.spent[bucket][layer];
	for (i = 0; i < WAY_LAYERS; i++)
		sum += (double)lat->counts.spent[bucket][i];
	return sum;
}

double lat_mean(const struct lat *lat, unsigned int layer)
{
	double deltas = (double)lat_deltas(lat, WAY_TOTAL), sum = 0;
	unsigned int bucket;

	for (bucket = 0; bucket < WAY_BUCKETS; bucket++)
		sum += spent(lat, bucket, layer);
	return deltas > 0 ? sum / deltas : 0;
}

double lat_share(const struct lat *lat, unsigned int bucket, unsigned int layer)
{
	double deltas = (double)lat->counts.hist[WAY_TOTAL][bucket];

	return deltas > 0 ? spent(lat, bucket, layer) / deltas : 0;
}

unsigned int lat_bucket(const struct lat *lat, double part)
{
	uint64_t total = lat_deltas(lat, WAY_TOTAL), wanted = (uint64_t)(part * (double)total), seen = 0;
	unsigned int bucket;

	for (bucket = 0; bucket + 1 < WAY_BUCKETS; bucket++) {
		seen += lat->counts.hist[WAY_TOTAL][bucket];
		if (seen > wanted || (seen == total && total))
			break;
	}
	return bucket;
}

/* ----------------------------------------------------------------------------------------------------------------- table */

static void print_layer(const struct lat *lat, unsigned int layer)
{
	double whole = lat_mean(lat, WAY_TOTAL);
	unsigned int i;

	printf("%-8s %14s", lat_names[layer], text_grouped(lat_deltas(lat, layer)).s);
	for (i = 0; i < PARTS; i++)
		printf(" %9s", text_ns(lat_percentile(lat, layer, parts[i])).s);
	printf(" %9s", text_ns(lat_percentile(lat, layer, 1)).s);
	if (layer == WAY_DISK)
		printf(" %9s %6s\n", "", "");
	else
		printf(" %9s %5.1f%%\n", text_ns((uint64_t)(lat_mean(lat, layer) + 0.5)).s, whole > 0 ? 100 * lat_mean(lat, layer) / whole : 0);
}

static void print_table(const struct lat *lat)
{
	unsigned int layer;

	printf("%s: %s deltas in %.1f s\n\n", lat->space, text_grouped(lat_deltas(lat, WAY_TOTAL)).s, lat->seconds);
	printf("%-8s %14s %9s %9s %9s %9s %9s %9s %6s\n", "LAYER", "DELTAS", "P50", "P90", "P99", "P99.9", "MAX", "MEAN", "SHARE");
	for (layer = 0; layer < WAY_HISTS; layer++)
		if (layer != WAY_DISK || lat_deltas(lat, layer))
			print_layer(lat, layer);
	if (lat->lost)
		printf("\n%s deltas are of spaces for which there was no room: name one space\n", text_grouped(lat->lost).s);
}

/* ------------------------------------------------------------------------------------------------------------------ JSON */

static void json_ns(struct json *json, const char *name, double ns)
{
	char key[24];

	snprintf(key, sizeof(key), "%s_ns", name);
	json_u64(json, key, (uint64_t)(ns + 0.5));
}

static void json_layer(struct json *json, const struct lat *lat, unsigned int layer)
{
	unsigned int i;

	json_object(json, NULL);
	json_string(json, "layer", lat_names[layer]);
	json_u64(json, "deltas", lat_deltas(lat, layer));
	for (i = 0; i < PARTS; i++)
		json_ns(json, part_names[i], (double)lat_percentile(lat, layer, parts[i]));
	json_ns(json, "max", (double)lat_percentile(lat, layer, 1));
	if (layer != WAY_DISK)
		json_ns(json, "mean", lat_mean(lat, layer));
	json_close(json);
}

static void json_stack(struct json *json, const struct lat *lat, unsigned int i)
{
	unsigned int bucket = lat_bucket(lat, parts[i]), layer;

	json_object(json, NULL);
	json_string(json, "at", part_names[i]);
	for (layer = 0; layer <= WAY_TOTAL; layer++)
		json_ns(json, lat_names[layer], lat_share(lat, bucket, layer));
	json_close(json);
}

static void print_json(const struct lat *lat)
{
	struct json json;
	unsigned int i;

	json_begin(&json, stdout);
	json_string(&json, "space", lat->space);
	json_double(&json, "seconds", lat->seconds);
	json_u64(&json, "deltas", lat_deltas(lat, WAY_TOTAL));
	json_u64(&json, "lost", lat->lost);
	json_array(&json, "layers");
	for (i = 0; i < WAY_HISTS; i++)
		json_layer(&json, lat, i);
	json_close(&json);
	json_array(&json, "stack");
	for (i = 0; i < PARTS; i++)
		json_stack(&json, lat, i);
	json_close(&json);
	json_end(&json);
}

/* ------------------------------------------------------------------------------------------------------------------- run */

struct options {
	const char *space, *svg;
	char **command;		/* NULL: none */
	uint64_t ns;		/* 0: until it is ended */
	bool json;
};

static const char usage[] =
	"usage: mmsb-lat [OPTION...] [SPACE] [-- COMMAND...]\n"
	"Where deltas of the kernel home spend their time, until Ctrl-C, or while COMMAND runs. SPACE: a name, a number, or all.\n"
	"  --seconds TIME   so long (10, 1.5, 200ms)\n"
	"  --svg FILE       draw what it was at each percentile\n"
	"  --json           as one JSON document\n"
	"  --help           this text\n";

static int say(const struct why *why)
{
	fprintf(stderr, "mmsb-lat: %s\n", why->text);
	return 1;
}

static bool parse(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{ "seconds", required_argument, NULL, 's' }, { "svg", required_argument, NULL, 'o' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "-h", longs, NULL)) != -1) {
		if (opt == 'h') {
			fputs(usage, stdout);
			exit(0);
		}
		if (opt == '?' || (opt == 's' && (!value_time(optarg, &options->ns) || !options->ns)) || (opt == 1 && options->space))
			return false;
		options->json |= opt == 'j';
		if (opt == 'o')
			options->svg = optarg;
		if (opt == 1)
			options->space = optarg;
	}
	options->space = options->space ?: "all";
	options->command = optind < argc ? &argv[optind] : NULL;
	return true;
}

static uint64_t now_ns(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
}

/* Signals are waited for, not taken. */
static void hold_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, signals, NULL);
}

static pid_t start(const struct options *options, const sigset_t *signals)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid)
		return pid;
	sigprocmask(SIG_UNBLOCK, signals, NULL);
	execvp(options->command[0], options->command);
	fprintf(stderr, "mmsb-lat: cannot run %s: %s\n", options->command[0], strerror(errno));
	_exit(127);
}

/* The next signal, or -1: it is time. Being stopped and going on is no signal. */
static int next_signal(const sigset_t *signals, uint64_t end_ns)
{
	struct timespec left;
	uint64_t at;
	int signal;

	do {
		at = end_ns ? now_ns() : 0;
		if (end_ns && at >= end_ns)
			return -1;
		left = (struct timespec){ (time_t)((end_ns - at) / 1000000000), (long)((end_ns - at) % 1000000000) };
		signal = end_ns ? sigtimedwait(signals, NULL, &left) : sigwaitinfo(signals, NULL);
	} while (signal < 0 && errno == EINTR);
	return signal;
}

/* Whoever does not heed that is waited for, and Ctrl-C ends the waiting. */
static void end_command(pid_t pid, const sigset_t *signals)
{
	kill(pid, SIGTERM);
	kill(pid, SIGCONT);
	sigprocmask(SIG_UNBLOCK, signals, NULL);
	waitpid(pid, NULL, 0);
}

/* Until the time is over, the command has ended, or somebody ends it. Returns what the command came to. */
static int wait_for_end(const struct options *options, const sigset_t *signals)
{
	uint64_t end_ns = options->ns ? now_ns() + options->ns : 0;
	pid_t pid = options->command ? start(options, signals) : 0;
	int status = 0;

	if (pid < 0) {
		fprintf(stderr, "mmsb-lat: cannot run %s: %s\n", options->command[0], strerror(errno));
		return 1;
	}
	while (next_signal(signals, end_ns) == SIGCHLD)
		if (pid && waitpid(pid, &status, WNOHANG) == pid)
			return !WIFEXITED(status) || WEXITSTATUS(status);
	if (pid)
		end_command(pid, signals);
	return 0;
}

static bool draw(const struct lat *lat, const char *path, struct why *why)
{
	FILE *to = fopen(path, "we");
	bool bad;

	if (to) {
		lat_svg(to, lat);
		bad = ferror(to);
		if (!fclose(to) && !bad)
			return true;
	}
	snprintf(why->text, sizeof(why->text), "cannot write %s: %s", path, strerror(errno));
	return false;
}

static int report(const struct lat *lat, const struct options *options)
{
	int failed = 0;
	struct why why;

	if (options->json)
		print_json(lat);
	else
		print_table(lat);
	if (fflush(stdout) || ferror(stdout)) {
		snprintf(why.text, sizeof(why.text), "cannot write the output: %s", strerror(errno));
		failed |= say(&why);
	}
	if (options->svg && !draw(lat, options->svg, &why))
		failed |= say(&why);
	return failed;
}

int main(int argc, char **argv)
{
	struct options options = { NULL };
	struct lat *lat = calloc(1, sizeof(*lat));
	sigset_t signals;
	struct way *way;
	struct why why;
	uint64_t space, began;
	int failed;

	if (!lat || !parse(argc, argv, &options)) {
		fputs(usage, stderr);
		return 2;
	}
	if (!steps_ready(&why) || !space_number(options.space, &space, &why))
		return say(&why);
	way = way_open(space, &why);
	if (!way)
		return say(&why);
	hold_signals(&signals);
	began = now_ns();
	failed = wait_for_end(&options, &signals);
	lat->space = space ? options.space : "all spaces";
	lat->seconds = 1e-9 * (double)(now_ns() - began);
	lat->lost = way_end(way, &lat->counts);
	way_close(way);
	failed |= report(lat, &options);
	free(lat);
	return failed;
}
