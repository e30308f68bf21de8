// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two ways to say the same: a line of a table as soon as a figure is known, for a person who waits, and a JSON object on a line of
 * its own, which bench/run gathers from all its parts into one list.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/utsname.h>
#include "report.h"

#define TEXT	4096

/* ------------------------------------------------------------------------------------------------------------ table */

/* Three digits that mean something. */
static const char *number(double value, char text[32])
{
	double size = value < 0 ? -value : value;

	snprintf(text, 32, "%.*f", size >= 100 || size == 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3, value);
	return text;
}

static void print_params(const char *params)
{
	for (; *params; params++)
		if (*params != '"')
			putchar(*params);
}

static bool reached(const struct figure *figure, double aim, double found)
{
	return figure->bench->flags & BENCH_MORE_IS_BETTER ? found >= aim : found <= aim;
}

static void print_aim(const struct figure *figure)
{
	const struct bench *bench = figure->bench;
	char text[32];

	if (bench->aim != 0 || (bench->flags & BENCH_AIM_ZERO))
		printf("  aim %s %s%s", bench->flags & BENCH_MORE_IS_BETTER ? ">=" : "<=", number(bench->aim, text),
		       reached(figure, bench->aim, figure->value.median) ? "" : ": NOT REACHED");
	if (bench->aim_ratio != 0)
		printf("  aim %s %sx%s", bench->flags & BENCH_MORE_IS_BETTER ? ">=" : "<=", number(bench->aim_ratio, text),
		       reached(figure, bench->aim_ratio, figure->ratio.median) ? "" : ": NOT REACHED");
}

static void print_figure(const struct figure *figure)
{
	const struct bench *bench = figure->bench;
	char text[32];

	printf("%-22s %9s %-6s", bench->name, number(figure->value.median, text), bench->unit);
	if (figure->samples > 1)
		printf(" +-%2.0f%%", figure->value.spread * 50);
	else
		printf("      ");
	print_aim(figure);
	if (bench->peer)
		printf("  %sx", number(figure->ratio.median, text));
	if (bench->peer)
		printf(" %s (%s)", bench->against, number(figure->against.median, text));
	if (figure->pingpong.median > 0)
		printf("  ping-pong %s ns", number(figure->pingpong.median, text));
	printf("  [");
	print_params(bench->params);
	printf("]%s\n", figure->noisy ? "  NOISY" : "");
	fflush(stdout);
}

/* ------------------------------------------------------------------------------------------------------------- JSON */

static FILE *json_open(const struct bench_opts *opts)
{
	FILE *file = opts->out ? fopen(opts->out, "a") : NULL;

	if (opts->out && !file)
		bench_die("%s cannot be written", opts->out);
	return file;
}

static void json_close(const struct bench_opts *opts, FILE *file)
{
	bool failed = ferror(file);

	if (fclose(file) || failed)
		bench_die("%s cannot be written", opts->out);
}

static void json_figure(FILE *file, const struct figure *figure)
{
	const struct bench *bench = figure->bench;

	fprintf(file, "{\"name\": \"%s\", \"home\": \"%s\", \"params\": {%s}, ", bench->name, figure->home, bench->params);
	fprintf(file, "\"value\": %.6g, \"unit\": \"%s\", \"spread\": %.4f, \"samples\": %u", figure->value.median,
		bench->unit, figure->value.spread, figure->samples);
	if (bench->peer)
		fprintf(file, ", \"against\": \"%s\", \"against_value\": %.6g, \"ratio\": %.4g, \"ratio_spread\": %.4f",
			bench->against, figure->against.median, figure->ratio.median, figure->ratio.spread);
	if (figure->pingpong.median > 0)
		fprintf(file, ", \"pingpong_ns\": %.4g, \"unsteady\": %u", figure->pingpong.median, figure->unsteady);
	if (bench->aim != 0 || (bench->flags & BENCH_AIM_ZERO))
		fprintf(file, ", \"aim\": %g", bench->aim);
	if (bench->aim_ratio != 0)
		fprintf(file, ", \"aim_ratio\": %g", bench->aim_ratio);
	fprintf(file, ", \"more_is_better\": %s, \"noisy\": %s}\n", bench->flags & BENCH_MORE_IS_BETTER ? "true" : "false",
		figure->noisy ? "true" : "false");
}

void report_figure(const struct bench_opts *opts, const struct figure *figure)
{
	FILE *file = json_open(opts);

	print_figure(figure);
	if (!file)
		return;
	json_figure(file, figure);
	json_close(opts, file);
}

/* ---------------------------------------------------------------------------------------------------------- machine */

/* The rest of the file's first line that begins with `key`, without quotes, backslashes and blanks around; "" if there is none. */
static const char *find_line(const char *path, const char *key, char text[TEXT])
{
	FILE *file = fopen(path, "r");
	char line[TEXT], *at, *to = text;
	bool found = false;

	*text = 0;
	if (!file)
		return text;
	while (!found && fgets(line, sizeof(line), file))
		found = !strncmp(line, key, strlen(key));
	fclose(file);
	if (!found)
		return text;
	for (at = line + strlen(key) + strspn(line + strlen(key), " \t:="); *at && *at != '\n'; at++)
		if (*at != '"' && *at != '\\')
			*to++ = *at;
	*to = 0;
	return text;
}

static void json_machine(FILE *file, const struct bench_opts *opts)
{
	const char *revision = getenv("MMSB_REVISION");
	char text[TEXT], when[32];
	struct utsname names;
	double load = 0;
	time_t now = time(NULL);

	uname(&names);
	getloadavg(&load, 1);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
	fprintf(file, "{\"name\": \"machine\", \"home\": \"%s\", \"revision\": \"%s\", \"version\": \"%s\", ", opts->home,
		revision ? revision : "unknown", mmsb_version());
	fprintf(file, "\"time\": \"%s\", \"kernel\": \"%s %s\", \"arch\": \"%s\", ", when, names.sysname, names.release,
		names.machine);
	fprintf(file, "\"cpu\": \"%s\", \"cpus\": %u, ", find_line("/proc/cpuinfo", "model name", text), bench_cpus());
	fprintf(file, "\"hypervisor\": %s, ", strstr(find_line("/proc/cpuinfo", "flags", text), "hypervisor") ? "true" : "false");
	fprintf(file, "\"governor\": \"%s\", ",
		find_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "", text));
	fprintf(file, "\"memory\": \"%s\", ", find_line("/proc/meminfo", "MemTotal", text));
	fprintf(file, "\"huge_pages\": \"%s\", ", find_line("/sys/kernel/mm/transparent_hugepage/enabled", "", text));
	fprintf(file, "\"os\": \"%s\", \"compiler\": \"%s\", ", find_line("/etc/os-release", "PRETTY_NAME", text), __VERSION__);
	fprintf(file, "\"load\": %.2f, \"reps\": %u, \"quick\": %s, \"instructions_counted\": %s}\n", load, opts->reps,
		opts->quick ? "true" : "false", opts->icount ? "true" : "false");
}

void report_machine(const struct bench_opts *opts)
{
	FILE *file = json_open(opts);

	if (!file)
		return;
	json_machine(file, opts);
	json_close(opts, file);
}
