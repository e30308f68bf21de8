/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests of the log's files share: a directory of their own below /tmp, files got and put as bytes, and logs read and held against
 * the records that went in.
 */
#ifndef LOGS_H
#define LOGS_H

#include "home.h"
#include "records.h"
#include "tape.h"
#include "log/reader.h"
#include "log/segment.h"

extern char place[64];

int place_make(void);
void place_empty(void);
void place_remove(void);
struct msl_disk *place_open(uint32_t flags);	/* NULL: said why */

int said(const char *what);			/* -1, and the library's last words */

struct bytes {
	uint8_t *at;
	size_t n;
};
struct bytes file_get(const char *dir, const char *name);	/* to be freed; NULL: it cannot be read */
int file_put(const char *dir, const char *name, const uint8_t *at, size_t n);

static inline size_t tape_count(const struct tape *tape)
{
	size_t at, n = 0;

	for (at = 0; at < tape->used; at += tape_at(tape, at)->bytes)
		n++;
	return n;
}

/* So many records, and the tick closed. */
void tape_draw(struct tape *tape, struct records *records, uint64_t n);

/* For a log of tests. */
struct msl_header header_for(uint32_t flags, uint32_t shards);

/*
 * Reads what there is and holds it against the tape from `at` on. *n: how many records came; returns how it ended,
 * -ENOTRECOVERABLE: with one that is another. `end` NULL: not asked for.
 */
int read_against(struct msl_disk *disk, const struct msl_reader_opts *opts, const struct tape *tape, size_t at, size_t *n,
		 struct msl_log_end *end);
/* The same of one file. *scan is to be closed, unless it is NULL. */
int scan_against(struct msl_disk *disk, const char *name, bool checkpoint, const struct tape *tape, size_t *n, struct msl_scan **scan);

#endif
