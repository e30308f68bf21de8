/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench.h"
#include "stat.h"

struct figure {
	const struct bench *bench;
	const char *home;
	unsigned int samples, unsteady;	/* pairs during which the machine changed its pace */
	struct stat_of value, against, ratio, pingpong;
	bool noisy;
};

void report_figure(const struct bench_opts *opts, const struct figure *figure);	/* a line of the table, and of JSON */
void report_machine(const struct bench_opts *opts);

#endif
