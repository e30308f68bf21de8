// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "logs.h"
#include "log/ahead.h"

char place[64];

int place_make(void)
{
	strcpy(place, "/tmp/mmsb-log.XXXXXX");
	if (mkdtemp(place))
		return 0;
	printf("# mkdtemp: %s\n", strerror(errno));
	return -1;
}

void place_empty(void)
{
	char path[sizeof(place) + 300];
	struct dirent *entry;
	DIR *dir = opendir(place);

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", place, entry->d_name);
		unlink(path);
	}
	if (dir)
		closedir(dir);
}

void place_remove(void)
{
	place_empty();
	rmdir(place);
}

struct msl_disk *place_open(uint32_t flags)
{
	struct msl_disk *disk;

	if (msl_disk_open(place, flags, &disk))
		said("opening the directory");
	return disk;
}

int said(const char *what)
{
	printf("# %s: %s\n", what, mmsb_strerror_last());
	return -1;
}

/* ------------------------------------------------------------------------------------------------------------ bytes */

struct bytes file_get(const char *dir, const char *name)
{
	struct bytes bytes = { NULL, 0 };
	struct stat stat;
	char path[400];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY);
	if (fd >= 0 && !fstat(fd, &stat)) {
		bytes.n = (size_t)stat.st_size;
		bytes.at = malloc(bytes.n + 1);
	}
	if (!bytes.at || read(fd, bytes.at, bytes.n) != (ssize_t)bytes.n) {
		printf("# %s: %s\n", path, strerror(errno));
		free(bytes.at);
		bytes.at = NULL;
	}
	if (fd >= 0)
		close(fd);
	return bytes;
}

int file_put(const char *dir, const char *name, const uint8_t *at, size_t n)
{
	char path[400];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, at, n) != (ssize_t)n) {
		printf("# %s: %s\n", path, strerror(errno));
		err = -1;
	}
	if (fd >= 0)
		close(fd);
	return err;
}

/* ---------------------------------------------------------------------------------------------------------- records */

void tape_draw(struct tape *tape, struct records *records, uint64_t n)
{
	const struct mmsb_record *record;

	while (n--)
		tape_add(tape, records_next(records));
	record = records_close(records);
	if (record)
		tape_add(tape, record);
}

struct msl_header header_for(uint32_t flags, uint32_t shards)
{
	return (struct msl_header){ .flags = flags, .id = { 0x1122334455667788, 0x99aabbccddeeff00 }, .term = 3, .made = 1700000000123456789,
				    .shards = shards, .max_pages = 4096, .max_bytes = 1 << 30, .max_rings = 16,
				    .name = "test" };
}

/* *at moves behind the record that it is. */
static int held_against(const struct tape *tape, size_t *at, const struct mmsb_record *record, size_t *n)
{
	if (*at >= tape->used || !records_same(tape_at(tape, *at), record)) {
		printf("# record %zu came as type %u, %u bytes, tick %llu\n", *n, record->type, record->bytes, record->tick);
		return -ENOTRECOVERABLE;
	}
	*at += tape_at(tape, *at)->bytes;
	++*n;
	return 0;
}

static int words_against(const struct tape *tape, size_t *at, uint64_t tick, const struct mmsb_word *words, int n, size_t *came)
{
	int err = 0, i;

	for (i = 0; !err && i < n && *at < tape->used; i++) {
		const struct mmsb_delta_record *as = (const struct mmsb_delta_record *)tape_at(tape, *at);
		struct mmsb_delta_record delta = {
			.record = { sizeof(delta), MMSB_RECORD_DELTA, 0, as->record.shard, tick },
			.origin = as->origin,
			.sqe = { .op = words[i].op, .lane = words[i].lane, .len = words[i].len, .page = words[i].page,
				 .offset = words[i].offset, .word = { words[i].word } },
		};

		err = words[i].flags ? -ENOTRECOVERABLE : held_against(tape, at, &delta.record, came);
	}
	return err || i == n ? err : -ENOTRECOVERABLE;
}

/* Words in bulk, if that is asked for and there are any. */
static int next_against(struct msl_reader *reader, const struct tape *tape, size_t *at, size_t *came, bool bulk)
{
	const struct mmsb_record *record;
	const struct mmsb_word *words;
	uint64_t tick;
	int n = bulk ? msl_reader_words(reader, &tick, &words) : 0, err;

	if (n)
		return n < 0 ? n : words_against(tape, at, tick, words, n, came);
	err = msl_reader_next(reader, &record);
	return err ? err : held_against(tape, at, record, came);
}

/* As a restore reads it: by a thread. */
static int ahead_against(struct msl_ahead *ahead, const struct tape *tape, size_t at, size_t *came)
{
	struct msl_item item = { 0 };
	int err = ahead ? 0 : -ENOMEM;

	*came = 0;
	msl_ahead_behind = 0;
	while (!err && !(err = msl_ahead_next(ahead, &item)))
		err = item.record ? held_against(tape, &at, item.record, came) :
				    words_against(tape, &at, item.tick, item.words, (int)item.nwords, came);
	msl_ahead_close(ahead);
	return err;
}

/* What ended it by one thread is what ends it by two. */
static int ends_alike(int err, const char *text, size_t n, int ahead_err, size_t ahead_n)
{
	if (ahead_err == -ENOMEM)
		return ahead_err;
	if (ahead_err == err && ahead_n == n && (err == -ENODATA || !strcmp(text, mmsb_strerror_last())))
		return err;
	printf("# read ahead: %zu records and %d: %s; by one thread: %zu and %d: %s\n", ahead_n, ahead_err, mmsb_strerror_last(), n, err, text);
	return -ENOTRECOVERABLE;
}

static int read_ahead_against(struct msl_disk *disk, const struct msl_reader_opts *opts, const struct tape *tape, size_t at, size_t n, int err)
{
	struct msl_reader *reader;
	char text[512];
	size_t came = 0;
	int result;

	snprintf(text, sizeof(text), "%s", mmsb_strerror_last());
	result = msl_reader_open(disk, opts, &reader) ?: ahead_against(msl_ahead_of_log(reader), tape, at, &came);
	result = ends_alike(err, text, n, result, came);
	msl_reader_close(reader);
	return result;
}

static int scan_ahead_against(struct msl_disk *disk, const char *name, bool checkpoint, const struct tape *tape, size_t n, int err)
{
	struct msl_scan *scan;
	char text[512];
	size_t came = 0;
	int result;

	snprintf(text, sizeof(text), "%s", mmsb_strerror_last());
	result = msl_scan_open(disk, name, checkpoint, &scan) ?: ahead_against(msl_ahead_of_file(scan), tape, 0, &came);
	result = ends_alike(err, text, n, result, came);
	msl_scan_close(scan);
	return result;
}

/* Each so many times, for making threads takes more than short files do. */
static bool is_turn(int err)
{
	static unsigned int n;

	return (err == -ENODATA || err == -EBADMSG || err == -EIO) && n++ % 16 == 0;
}

int read_against(struct msl_disk *disk, const struct msl_reader_opts *opts, const struct tape *tape, size_t at, size_t *n,
		 struct msl_log_end *end)
{
	struct msl_reader *reader;
	size_t from = at;
	unsigned int turn = 0;
	int err = msl_reader_open(disk, opts, &reader);

	*n = 0;
	if (err)
		return err;
	while (!err)
		err = next_against(reader, tape, &at, n, ++turn % 3);
	if (end)
		msl_reader_end(reader, end);
	msl_reader_close(reader);
	return is_turn(err) ? read_ahead_against(disk, opts, tape, from, *n, err) : err;
}

int scan_against(struct msl_disk *disk, const char *name, bool checkpoint, const struct tape *tape, size_t *n, struct msl_scan **scan)
{
	const struct mmsb_record *record;
	size_t at = 0;
	int err = msl_scan_open(disk, name, checkpoint, scan);

	*n = 0;
	while (!err && !(err = msl_scan_next(*scan, &record)))
		err = held_against(tape, &at, record, n);
	return is_turn(err) ? scan_ahead_against(disk, name, checkpoint, tape, *n, err) : err;
}
