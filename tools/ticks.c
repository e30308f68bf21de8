// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "out.h"
#include "ticks.h"

#define SLICE	200000000ULL	/* how long a Ctrl-C may go unseen */

bool ticks_open(struct ticks *ticks, struct cli *cli, const char *dir, uint64_t from, bool follow)
{
	struct mmsb_log_reader_opts opts = { .size = sizeof(opts), .from_tick = from, .flags = follow ? MMSB_LOG_FOLLOW : 0 };
	int err;

	ticks->cli = cli;
	err = mmsb_log_reader_open(dir, &opts, &ticks->reader);
	/* The beginning is gone, behind a checkpoint; and with it all lives but one. */
	if (err == -ENOENT && from == 1) {
		opts.from_tick = 0;
		err = mmsb_log_reader_open(dir, &opts, &ticks->reader);
	}
	if (err) {
		ticks->reader = NULL;
		fail_lib(cli, err, "cannot read the log %s", dir);
		return false;
	}
	progress_begin(&ticks->progress, cli, "reading");
	return true;
}

static void forget(struct ticks *ticks)
{
	unsigned int i;

	for (i = 0; i < ticks->n; i++)
		free(ticks->delta[i]);
	ticks->n = 0;
	ticks->all = 0;
}

static bool keep(struct ticks *ticks, const struct mmsb_record *record)
{
	struct mmsb_delta_record **more;

	ticks->all++;
	if (ticks->wanted && !ticks->wanted(ticks->arg, (const struct mmsb_delta_record *)record))
		return true;
	if (ticks->n == ticks->room) {
		more = reallocarray(ticks->delta, ticks->room ? 2 * ticks->room : 64, sizeof(*more));
		if (!more)
			return false;
		ticks->room = ticks->room ? 2 * ticks->room : 64;
		ticks->delta = more;
	}
	ticks->delta[ticks->n] = malloc(record->bytes);
	if (!ticks->delta[ticks->n])
		return false;
	memcpy(ticks->delta[ticks->n++], record, record->bytes);
	return true;
}

/* 0, -ENODATA at the end, -ETIME, -EINTR when the user has enough. */
static int next_record(struct ticks *ticks, const struct mmsb_record **record, uint64_t *left)
{
	uint64_t slice, done, all;
	int err;

	do {
		slice = *left < SLICE ? *left : SLICE;
		err = mmsb_log_next(ticks->reader, record, slice);
		if (cli_stopped)
			return -EINTR;
		if (err == -ETIME && *left != MMSB_FOREVER)
			*left -= slice;
	} while ((err == -ETIME && *left) || err == -EINTR);
	done = mmsb_log_reader_done(ticks->reader, &all);
	progress_show(&ticks->progress, done, all);
	return err;
}

int ticks_next(struct ticks *ticks, const struct mmsb_hash_record **closed, uint64_t timeout_ns)
{
	const struct mmsb_record *record;
	uint64_t left = timeout_ns;
	int err;

	forget(ticks);
	while (!(err = next_record(ticks, &record, &left)) && record->type == MMSB_RECORD_DELTA)
		if (!keep(ticks, record))
			return fail(ticks->cli, NULL, "out of memory"), -1;
	if (!err) {
		*closed = (const struct mmsb_hash_record *)record;
		return 1;
	}
	progress_end(&ticks->progress);
	if (err == -ENODATA || err == -ETIME || err == -EINTR)
		return 0;
	fail_lib(ticks->cli, err, "cannot read on in the log");
	return -1;
}

void ticks_close(struct ticks *ticks)
{
	forget(ticks);
	free(ticks->delta);
	progress_end(&ticks->progress);
	mmsb_log_reader_close(ticks->reader);
}
