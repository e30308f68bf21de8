// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include "out.h"
#include "progress.h"

#define PATIENCE	300000000ULL	/* before the first is drawn */
#define REDRAW		100000000ULL
#define WIDTH		30u

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

void progress_begin(struct progress *progress, const struct cli *cli, const char *what)
{
	*progress = (struct progress){ .what = what, .wanted = !cli->json && isatty(STDERR_FILENO), .began = now_ns() };
}

static void draw(const struct progress *progress, uint64_t now, uint64_t done, uint64_t all)
{
	double part = all ? (double)done / (double)all : 1, seconds = (double)(now - progress->began) / 1e9;
	unsigned int full = part < 1 ? (unsigned int)(part * WIDTH) : WIDTH, i;
	char bar[WIDTH + 1] = "";

	for (i = 0; i < WIDTH; i++)
		bar[i] = i < full ? '#' : '.';
	fprintf(stderr, "\r\033[K%s [%s] %3.0f%%", progress->what, bar, part < 1 ? part * 100 : 100.0);
	if (progress->unit)
		fprintf(stderr, "  %s of %s %s", text_grouped(done).s, text_grouped(all).s, progress->unit);
	else
		fprintf(stderr, "  %s of %s", text_bytes(done).s, text_bytes(all).s);
	if (part > 0.02)
		fprintf(stderr, ", %.0f s left", seconds / part - seconds);
	fflush(stderr);
}

void progress_show(struct progress *progress, uint64_t done, uint64_t all)
{
	uint64_t now;

	if (!progress->wanted)
		return;
	now = now_ns();
	if (now - progress->began < PATIENCE || (progress->shown && now - progress->drawn < REDRAW))
		return;
	draw(progress, now, done, all);
	progress->shown = true;
	progress->drawn = now;
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}
