// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading whole logs: from any tick of any life, behind a writer who is at work, with files missing, and with memory failing; and how much
 * room a log takes.
 *
 * `logread --seed N` draws what a failure printed. $MMSB_SOAK: goes on with new seeds.
 */
#include "kselftest.h"
#include "common/logs.h"
#include "common/seeded.h"

static uint64_t seed;

/* A log that is being written, and all that it was told. */
struct writer {
	struct msl_disk *disk;
	struct msl_segment *segment;
	struct records records;
	struct tape tape;
	struct rng rng;
	uint32_t flags;
	uint64_t segments;
};

static int writer_rotate(struct writer *writer)
{
	struct msl_header header = header_for(writer->flags, writer->records.shards);
	struct msl_segment *before = writer->segment;
	char name[MSL_NAME_BYTES];
	int err = 0;

	header.number = writer->segments;
	if (before) {
		err = rng_below(&writer->rng, 2) ? msl_segment_seal(before) : msl_segment_sync(before);
		msl_header_follow(&header, &before->tally, before->at, before->chain);
	}
	msl_segment_close(before);
	writer->segment = NULL;
	msl_segment_name(name, writer->segments++);
	return err ? err : msl_segment_create(writer->disk, name, &header, 4096, &writer->segment);
}

static int writer_begin(struct writer *writer, uint32_t disk_flags)
{
	memset(writer, 0, sizeof(*writer));
	place_empty();
	writer->disk = place_open(disk_flags);
	writer->rng.state = seed;
	writer->flags = rng_below(&writer->rng, 2) ? MSL_HEADER_ZSTD : 0;
	records_begin(&writer->records, seed);
	if (writer->records.per_tick > 64)
		writer->records.per_tick = 64;
	return writer_rotate(writer);
}

static int writer_tell(struct writer *writer, const struct mmsb_record *record)
{
	int err;

	tape_add(&writer->tape, record);
	err = msl_segment_append(writer->segment, record);
	if (!err && record->type == MMSB_RECORD_RESET && rng_below(&writer->rng, 2))
		err = writer_rotate(writer);
	return err;
}

static int writer_tell_some(struct writer *writer, uint64_t n)
{
	int err = 0;

	while (!err && n--) {
		err = writer_tell(writer, records_next(&writer->records));
		if (!err && !writer->segment->tally.open && rng_once_in(&writer->rng, 40))
			err = writer_rotate(writer);
	}
	return err;
}

static int writer_close_tick(struct writer *writer)
{
	const struct mmsb_record *record = records_close(&writer->records);

	return record ? writer_tell(writer, record) : 0;
}

static void writer_end(struct writer *writer)
{
	msl_segment_close(writer->segment);
	records_end(&writer->records);
	tape_free(&writer->tape);
	msl_disk_close(writer->disk);
}

/* ---------------------------------------------------------------------------------------------------------- from a tick */

/* The first record that somebody wants who has everything before that tick of that life. */
static size_t wanted_from(const struct tape *tape, uint64_t life, uint64_t tick)
{
	uint64_t now = 0;
	size_t at;

	for (at = 0; at < tape->used; at += tape_at(tape, at)->bytes) {
		const struct mmsb_record *record = tape_at(tape, at);

		if (record->type == MMSB_RECORD_RESET)
			now++;
		if (record->type == MMSB_RECORD_RESET ? now > life : now > life || (now == life && record->tick >= tick))
			break;
	}
	return at;
}

static size_t count_from(const struct tape *tape, size_t at)
{
	size_t n = 0;

	for (; at < tape->used; at += tape_at(tape, at)->bytes)
		n++;
	return n;
}

/* A few lives, each of some ticks. */
static int tell_lives(struct writer *writer, uint64_t ops)
{
	struct mmsb_record reset = { sizeof(reset), MMSB_RECORD_RESET, 0, 0, 0 };
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < 4; i++) {
		err = writer_tell_some(writer, ops / 4);
		if (!err)
			err = writer_close_tick(writer);
		reset.tick = writer->records.tick;
		if (!err && i < 3)
			err = writer_tell(writer, &reset);
		if (i < 3)
			writer->records.tick = 0;
	}
	return err ? err : msl_segment_sync(writer->segment);
}

/* One that there was, or the one behind it. */
static uint64_t draw_tick(struct writer *writer)
{
	uint64_t pass = rng_below(&writer->rng, writer->tape.used);
	size_t at;

	for (at = 0; at + tape_at(&writer->tape, at)->bytes <= pass; at += tape_at(&writer->tape, at)->bytes)
		;
	return tape_at(&writer->tape, at)->tick + rng_below(&writer->rng, 2);
}

static int from_tick(uint64_t ops)
{
	struct msl_reader_opts opts = { 0 };
	struct writer writer;
	size_t at, n;
	unsigned int i;
	int err = writer_begin(&writer, 0);

	if (!err)
		err = tell_lives(&writer, ops);
	for (i = 0; !err && i < 3000; i++) {
		opts.life = i ? rng_below(&writer.rng, writer.segment->tally.life + 1) : MSL_LAST_LIFE;
		opts.from_tick = draw_tick(&writer) ?: 1;
		at = wanted_from(&writer.tape, i ? opts.life : writer.segment->header.life, opts.from_tick);
		if (read_against(writer.disk, &opts, &writer.tape, at, &n, NULL) != -ENODATA || n != count_from(&writer.tape, at)) {
			printf("# life %llu, tick %llu: %zu records, not %zu\n", (unsigned long long)opts.life,
			       (unsigned long long)opts.from_tick, n, count_from(&writer.tape, at));
			err = said("from a tick");
		}
	}
	writer_end(&writer);
	return err;
}

/* ------------------------------------------------------------------------------------------------------------- following */

/* All that there is now; *at moves on in the tape. */
static int catch_up(struct msl_reader *reader, const struct tape *tape, size_t *at)
{
	const struct mmsb_record *record;
	int err;

	while (!(err = msl_reader_next(reader, &record))) {
		if (*at >= tape->used || !records_same(tape_at(tape, *at), record)) {
			printf("# another record came: type %u, tick %llu\n", record->type, record->tick);
			return -1;
		}
		*at += tape_at(tape, *at)->bytes;
	}
	return err == -EAGAIN ? 0 : said("following");
}

/* Nothing may have come of the tick that is open. */
static int is_between_ticks(const struct tape *tape, size_t at)
{
	size_t i;
	bool open = false;

	for (i = 0; i < at; i += tape_at(tape, i)->bytes) {
		uint8_t type = tape_at(tape, i)->type;

		open = type == MMSB_RECORD_DELTA || type == MMSB_RECORD_WORDS || (open && type == MMSB_RECORD_HASH);
	}
	return open ? printf("# a part of a tick was given\n") : 0;
}

static int follow(uint32_t disk_flags, uint64_t rounds)
{
	const struct msl_reader_opts opts = { .life = MSL_LAST_LIFE, .follow = true };
	struct msl_reader *reader = NULL;
	struct writer writer;
	size_t at = 0;
	int err = writer_begin(&writer, disk_flags);

	if (!err)
		err = msl_reader_open(writer.disk, &opts, &reader);
	while (!err && rounds--) {
		err = writer_tell_some(&writer, rng_below(&writer.rng, 50));
		if (!err && rng_below(&writer.rng, 2))
			err = msl_segment_flush(writer.segment);
		if (!err)
			err = catch_up(reader, &writer.tape, &at);
		if (!err && !rng_below(&writer.rng, 10))
			err = is_between_ticks(&writer.tape, at);
	}
	if (!err)
		err = writer_close_tick(&writer);
	if (!err)
		err = msl_segment_sync(writer.segment);
	if (!err)
		err = catch_up(reader, &writer.tape, &at);
	if (!err && at != writer.tape.used) {
		printf("# %zu of %zu bytes of records came\n", at, writer.tape.used);
		err = -1;
	}
	msl_reader_close(reader);
	writer_end(&writer);
	return err;
}

/* -------------------------------------------------------------------------------------------------------------- missing */

static int missing(void)
{
	struct msl_reader_opts opts = { .life = MSL_LAST_LIFE };
	const struct mmsb_record *record;
	struct msl_reader *reader = NULL;
	struct writer writer;
	char name[MSL_NAME_BYTES];
	size_t n;
	int err = writer_begin(&writer, MSL_DISK_NO_URING);

	writer.records.plain = true;
	while (!err && writer.segments < 4)
		err = writer_tell_some(&writer, 20);
	msl_segment_name(name, 0);
	if (!err)
		err = writer.disk->ops->unlink(writer.disk, name);
	opts.from_tick = 1;
	if (!err && read_against(writer.disk, &opts, &writer.tape, 0, &n, NULL) != -ENOENT)
		err = said("the tick wanted is there no more");
	msl_segment_name(name, 2);
	if (!err)
		err = writer.disk->ops->unlink(writer.disk, name);
	opts.from_tick = 0;
	if (!err)
		err = msl_reader_open(writer.disk, &opts, &reader);
	while (!err)
		err = msl_reader_next(reader, &record);
	err = err == -EBADMSG && strstr(mmsb_strerror_last(), "segment 2 ") ? 0 : said("a segment in the middle is missing");
	msl_reader_close(reader);
	writer_end(&writer);
	return err;
}

/* Of deletions some have come to disk: what is before a hole counts for nothing if a checkpoint stands behind it, and only then. */
static int left_over(void)
{
	static const char *const checkpoints[] = { "00000000000000000001.ckp", "09999999999999999999.ckp" };
	struct writer writer;
	struct msl_dir dir = { 0 };
	char name[MSL_NAME_BYTES];
	unsigned int i;
	int err = writer_begin(&writer, MSL_DISK_NO_URING);

	writer.records.plain = true;
	while (!err && writer.segments < 6)
		err = writer_tell_some(&writer, 20);
	msl_segment_name(name, 2);
	if (!err)
		err = writer.disk->ops->unlink(writer.disk, name);
	for (i = 0; !err && i < 2; i++) {
		err = file_put(place, checkpoints[i], NULL, 0) ?: msl_dir_list(writer.disk, &dir);
		if (!err && (dir.nleft != (i ? 2 : 0) || dir.segments[0] != (i ? 3 : 0) || dir.nleft + dir.nsegments != writer.segments - 1))
			err = said("what is left over");
		err = err ?: writer.disk->ops->unlink(writer.disk, checkpoints[i]);
	}
	msl_dir_free(&dir);
	writer_end(&writer);
	return err;
}

/* --------------------------------------------------------------------------------------------------------------- memory */

/* Each allocation fails once: the call says so, and nothing is lost or left behind. */
static int without_memory(void)
{
	const struct msl_reader_opts opts = { .life = MSL_LAST_LIFE };
	struct writer writer;
	uint64_t nth;
	size_t n;
	int err = writer_begin(&writer, 0), result = -ENOMEM;

	if (!err)
		err = writer_tell_some(&writer, 300);
	if (!err)
		err = writer_close_tick(&writer);
	if (!err)
		err = msl_segment_sync(writer.segment);
	for (nth = 1; !err && result == -ENOMEM; nth++) {
		pf_inject_thread(nth);
		result = read_against(writer.disk, &opts, &writer.tape, 0, &n, NULL);
	}
	pf_inject_thread(0);
	if (!err && result != -ENODATA)
		err = said("reading without memory");
	writer_end(&writer);
	return err;
}

static int written_without_memory(void)
{
	const struct msl_reader_opts opts = { .life = MSL_LAST_LIFE };
	const struct mmsb_record *record;
	struct writer writer;
	size_t n;
	unsigned int i;
	int err = writer_begin(&writer, MSL_DISK_NO_URING);

	for (i = 0; !err && i < 2000; i++) {
		record = records_next(&writer.records);
		if (record->type == MMSB_RECORD_RESET)
			continue;
		tape_add(&writer.tape, record);
		pf_inject_thread(1);
		while ((err = msl_segment_append(writer.segment, record)) == -ENOMEM)
			;
		pf_inject_thread(0);
	}
	if (!err)
		err = writer_close_tick(&writer);
	pf_inject_thread(1);
	while (!err && (err = msl_segment_flush(writer.segment)) == -ENOMEM)
		err = 0;
	pf_inject_thread(0);
	if (!err && (read_against(writer.disk, &opts, &writer.tape, 0, &n, NULL) != -ENODATA || n != count_from(&writer.tape, 0)))
		err = said("written without memory");
	writer_end(&writer);
	return err;
}

/* ---------------------------------------------------------------------------------------------------------------- sizes */

/* Of plain adds, in a file of its own. */
static int writer_begin_plain(struct writer *writer, uint32_t disk_flags, uint32_t flags, uint32_t per_tick, uint64_t pages)
{
	int err = writer_begin(writer, disk_flags);

	writer->flags = flags;
	if (!err)
		err = writer_rotate(writer);
	writer->records.plain = true;
	writer->records.per_tick = per_tick;
	writer->records.pages = pages;
	return err;
}

/* A tick of many frames, with an operand that is larger than one. */
static int large(uint32_t flags)
{
	const size_t bytes = 5 << 20;
	struct mmsb_delta_record *delta = calloc(1, sizeof(*delta) + bytes);
	const struct msl_reader_opts opts = { .life = MSL_LAST_LIFE };
	struct writer writer;
	size_t n;
	int err = writer_begin_plain(&writer, 0, flags, 1000000, 1000000);

	if (!err)
		err = writer_tell_some(&writer, 30000);
	delta->record = (struct mmsb_record){ (uint32_t)(sizeof(*delta) + bytes), MMSB_RECORD_DELTA, 0, 0, writer.records.tick };
	delta->operand_bytes = bytes;
	delta->sqe = (struct mmsb_sqe){ .op = MMSB_OP_SET, .flags = MMSB_SQE_PAYLOAD, .len = (uint32_t)bytes, .page = MMSB_PAGE_ID(1, 1) };
	rng_fill(&writer.rng, delta + 1, bytes);
	if (!err)
		err = writer_tell(&writer, &delta->record);
	if (!err)
		err = writer_tell_some(&writer, 30000);
	if (!err)
		err = writer_close_tick(&writer);
	if (!err)
		err = msl_segment_sync(writer.segment);
	if (!err && (read_against(writer.disk, &opts, &writer.tape, 0, &n, NULL) != -ENODATA || n != count_from(&writer.tape, 0)))
		err = said("a large tick");
	free(delta);
	writer_end(&writer);
	return err;
}

static uint64_t bytes_read;
static ssize_t (*read_really)(struct msl_file *file, void *to, size_t bytes, uint64_t at);

static ssize_t read_counted(struct msl_file *file, void *to, size_t bytes, uint64_t at)
{
	ssize_t n = read_really(file, to, bytes, at);

	bytes_read += n > 0 ? (uint64_t)n : 0;
	return n;
}

static int count_bytes(struct msl_disk *disk, const char *name, uint64_t *bytes)
{
	struct msl_disk_ops ops = *disk->ops;
	const struct msl_disk_ops *before = disk->ops;
	const struct mmsb_record *record;
	struct msl_scan *scan;
	int err;

	read_really = ops.read;
	ops.read = read_counted;
	disk->ops = &ops;
	bytes_read = 0;
	err = msl_scan_open(disk, name, false, &scan);
	while (!err)
		err = msl_scan_next(scan, &record);
	*bytes = scan ? scan->bytes : 0;
	msl_scan_close(scan);
	disk->ops = before;
	return err == -ENODATA ? 0 : err;
}

static int write_ticks(struct writer *writer, uint64_t bytes)
{
	int err = 0;

	while (!err && writer->segment->at < bytes)
		err = writer_tell(writer, records_next(&writer->records));
	return err ?: writer_close_tick(writer);
}

/* However its frames lie, of a file that has much more than is read at a time. */
static int read_once(void)
{
	char name[MSL_NAME_BYTES];
	struct writer writer;
	uint64_t bytes;
	int err = writer_begin_plain(&writer, MSL_DISK_NO_URING, 0, 64, 1000000);

	if (!err)
		err = write_ticks(&writer, 2 << 20);
	if (!err)
		err = msl_segment_seal(writer.segment);
	msl_segment_name(name, writer.segments - 1);
	if (!err)
		err = count_bytes(writer.disk, name, &bytes);
	if (!err && bytes_read != bytes) {
		printf("# %llu bytes were read of a file of %llu\n", (unsigned long long)bytes_read, (unsigned long long)bytes);
		err = -1;
	}
	writer_end(&writer);
	return err;
}

#define RESERVED	(16ull << 20)

/* Nor is the rest of a segment, which was reserved and never written to, where the file system says so. */
static int reserved(void)
{
	char name[MSL_NAME_BYTES];
	struct writer writer;
	uint64_t bytes = 0, used, end = RESERVED;
	int err = writer_begin_plain(&writer, MSL_DISK_NO_URING, 0, 64, 1000000);

	if (!err)
		err = writer.disk->ops->allocate(writer.segment->file, RESERVED);
	if (!err)
		err = write_ticks(&writer, 1 << 20);
	if (!err)
		err = msl_segment_sync(writer.segment);
	used = writer.segment->at;
	msl_segment_name(name, writer.segments - 1);
	if (!err)
		err = writer.disk->ops->data_end(writer.segment->file, &end);
	if (end == RESERVED)
		printf("# it does not say so here\n");
	if (!err)
		err = count_bytes(writer.disk, name, &bytes);
	if (!err && (bytes != RESERVED || end < used || bytes_read > end + (1 << 20))) {
		printf("# %llu bytes were read, and %llu written, up to %llu\n", (unsigned long long)bytes_read, (unsigned long long)used,
		       (unsigned long long)end);
		err = -1;
	}
	writer_end(&writer);
	return err;
}

static int tell_and_sync(struct writer *writer)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < 3000; i++)
		err = writer_tell(writer, records_next(&writer->records));
	if (!err)
		err = writer_close_tick(writer);
	return err ? err : msl_segment_sync(writer->segment);
}

static int read_to_end(struct msl_scan *scan)
{
	const struct mmsb_record *record;
	int err;

	while (!(err = msl_scan_next(scan, &record)))
		;
	return err;
}

/* It was a rest when the file was opened; then frames were written to it, of which the second is damaged, as the third says. */
static int written_since(void)
{
	struct msl_scan *scan = NULL;
	char name[MSL_NAME_BYTES];
	struct writer writer;
	uint64_t bad;
	int err = writer_begin_plain(&writer, MSL_DISK_NO_URING, 0, 64, 1000);

	msl_segment_name(name, writer.segments - 1);
	if (!err)
		err = writer.disk->ops->allocate(writer.segment->file, RESERVED) ?: msl_scan_open(writer.disk, name, false, &scan);
	if (!err)
		err = tell_and_sync(&writer);
	bad = writer.segment->at;
	if (!err)
		err = tell_and_sync(&writer) ?: tell_and_sync(&writer);
	if (!err)
		err = writer.disk->ops->write(writer.segment->file, "damage", 6, bad + MSL_FRAME_BYTES);
	if (!err && (read_to_end(scan) != -EBADMSG || scan->end_at != bad))
		err = said("damage that was written since");
	msl_scan_close(scan);
	writer_end(&writer);
	return err;
}

/* Bytes of a busy log for an add of eight bytes, all included. */
static int bytes_per_add(uint64_t pages, double most)
{
	struct writer writer;
	double each;
	int err = writer_begin_plain(&writer, MSL_DISK_NO_URING, 0, 64, pages);

	writer.records.origins = 4;
	while (!err && writer.segment->tally.deltas < 50000)
		err = writer_tell(&writer, records_next(&writer.records));
	each = (double)msl_segment_bytes(writer.segment) / (double)writer.segment->tally.deltas;
	printf("# %.2f bytes an add, %llu pages\n", each, (unsigned long long)pages);
	writer_end(&writer);
	return err || each > most;
}

static void run_all(uint64_t ops)
{
	printf("# seed %llu\n", (unsigned long long)seed);
	if (place_make())
		ksft_exit_fail_msg("no directory to write in\n");
	ksft_test_result(!from_tick(ops), "from any tick of any life\n");
	ksft_test_result(!follow(MSL_DISK_NO_URING, ops / 10), "behind a writer\n");
	ksft_test_result(!follow(0, ops / 10), "behind a writer through io_uring\n");
	ksft_test_result(!missing(), "segments are missing\n");
	ksft_test_result(!left_over(), "segments are left over\n");
	ksft_test_result(!without_memory(), "memory fails while it is read\n");
	ksft_test_result(!written_without_memory(), "memory fails while it is written\n");
	ksft_test_result(!large(0), "a tick of many frames\n");
	ksft_test_result(!large(MSL_HEADER_ZSTD), "a tick of many frames, compressed\n");
	ksft_test_result(!read_once(), "a file is read once\n");
	ksft_test_result(!reserved(), "what was only reserved is not read\n");
	ksft_test_result(!written_since(), "what was reserved is written while it is read\n");
	ksft_test_result(!bytes_per_add(1000, 10), "a log is small over 1,000 pages\n");
	ksft_test_result(!bytes_per_add(1000000, 12), "a log is small over 1,000,000 pages\n");
	place_remove();
}

int main(int argc, char **argv)
{
	seeded_main(argc, argv, &seed, scaled(2000) + 40, run_all);
}
