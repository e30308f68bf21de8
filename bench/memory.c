// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a page costs in memory, all included. A process of its own makes a million, and both books are looked at: the space's own,
 * and what the process has grown by. The larger counts.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#include "kit.h"

#define PAGES	1000000u

/* The list of ids is the benchmark's, not MMSB's: it is resident before the first look. */
static double bytes_each(const struct bench_opts *bench)
{
	struct kit_opts opts = { .pages = PAGES, .page_bytes = 64, .entries = 256 };
	size_t list = PAGES * sizeof(uint64_t);
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	uint64_t before, grown, *ids = bench_alloc(list);
	struct kit *kit;

	before = bench_resident();
	free(ids);
	kit = kit_open(bench, &opts);
	bench_check(mmsb_space_info(kit->space, &info), "mmsb_space_info");
	grown = bench_resident() - before;
	if (info.pages != PAGES)
		bench_die("%lu pages instead of %u", (unsigned long)info.pages, PAGES);
	return (double)(info.memory > grown ? info.memory : grown) / PAGES;
}

static double memory_per_page(void *state)
{
	const struct bench_opts *bench = state;
	double bytes = 0;
	int pipes[2], status;
	pid_t child;

	if (pipe(pipes))
		bench_die("no pipe");
	fflush(NULL);
	child = fork();
	if (child < 0)
		bench_die("no process");
	if (!child) {
		bytes = bytes_each(bench);
		_exit(write(pipes[1], &bytes, sizeof(bytes)) != sizeof(bytes));
	}
	close(pipes[1]);
	if (read(pipes[0], &bytes, sizeof(bytes)) != sizeof(bytes))
		bench_die("the process that makes pages failed");
	close(pipes[0]);
	waitpid(child, &status, 0);
	return bytes;
}

static void *open_memory(const struct bench_opts *bench)
{
	struct bench_opts *copy = bench_alloc(sizeof(*copy));

	*copy = *bench;
	return copy;
}

const struct bench bench_memory[] = {
	{ .name = "memory_per_page_64", .params = "\"pages\": 1000000, \"bytes\": 64", .unit = "bytes",
	  .open = open_memory, .close = free, .measure = memory_per_page, .aim = 160 },
	{ 0 }
};
