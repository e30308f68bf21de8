// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log's writer step by step, with a source that tells what a script says, a clock that stands where the test puts it, and a disk that
 * refuses what it shall refuse. Whatever happens, what was reported durable is in the files, and they hold what was told, from its
 * beginning on, each tick once.
 *
 * `logwriter --seed N` draws what a failure printed. $MMSB_SOAK: goes on with new seeds.
 */
#include <getopt.h>
#include <inttypes.h>
#include "kselftest.h"
#include "common/faultydisk.h"
#include "common/home.h"
#include "common/folder.h"
#include "common/records.h"
#include "common/tape.h"
#include "log/log.h"
#include "log/reader.h"

#define MS		1000000ull
#define INTERVAL	(100 * MS)
#define SEGMENT		(8u << 10)

static uint64_t seed;

static int said(const char *what)
{
	printf("# %s: %s\n", what, mmsb_strerror_last());
	return -1;
}

static int wrong(const char *what)
{
	printf("# %s\n", what);
	return -1;
}

/* ------------------------------------------------------------------------------------------------------------ the script */

struct script {
	struct msl_source source;
	struct records records;
	struct tape tape;		/* all that was ever told, bounds included */
	size_t at;			/* in it: what comes next */
	void *given;			/* the last record */
	uint64_t bound;			/* the last one that was given */
	uint64_t durable;
	bool failed, ended, fenced;
	bool urgent;			/* of the next bound */
	uint64_t first_sync;		/* of the disk: how many it had made when the bound was given */
	const struct faulty_disk *disk;
	const char *fault;		/* of the writer, once it has made one */
};

static int script_next(struct msl_source *source, const struct mmsb_record **record)
{
	struct script *script = (struct script *)source;

	*record = NULL;
	if (script->fenced)
		return msl_fail(ESTALE, "another writer has taken the log over");
	if (script->at == script->tape.used)
		return -ETIME;
	/* A copy, for the tape moves when it grows. */
	free(script->given);
	script->given = malloc(tape_at(&script->tape, script->at)->bytes);
	*record = memcpy(script->given, tape_at(&script->tape, script->at), tape_at(&script->tape, script->at)->bytes);
	script->at += (*record)->bytes;
	if ((*record)->type == MMSB_RECORD_BOUND)
		script->bound = (*record)->tick;
	return 0;
}

static int script_wait(struct msl_source *source, uint64_t timeout_ns)
{
	return -ETIME;
}

static int script_durable(struct msl_source *source, uint32_t flags, uint64_t tick)
{
	struct script *script = (struct script *)source;

	if (script->failed || script->ended)
		script->fault = "it reports after the end";
	if (tick > script->bound)
		script->fault = "it reports what it was not told";
	if (tick < script->durable)
		script->fault = "it takes back what it has reported";
	if (tick > script->durable && script->disk->calls[FAULTY_SYNC] == script->first_sync)
		script->fault = "it reports without having synced";
	script->first_sync = script->disk->calls[FAULTY_SYNC];
	script->durable = tick;
	script->failed = flags & MMSB_LOG_FAILED;
	script->ended = flags & MMSB_LOG_END;
	return script->fenced ? -ESTALE : 0;
}

static void tell(struct script *script, const struct mmsb_record *record)
{
	tape_add(&script->tape, record);
}

static void tell_small(struct script *script, uint8_t type, uint8_t flags, uint64_t tick)
{
	struct mmsb_record record = { .bytes = sizeof(record), .type = type, .flags = flags, .tick = tick };

	tell(script, &record);
}

/* A state of a few pages, told all at once. */
static int script_capture(struct msl_source *source, uint64_t *tick)
{
	struct script *script = (struct script *)source;
	struct mmsb_hash_record capture = { .record = { .bytes = sizeof(capture), .type = MMSB_RECORD_CAPTURE } };
	struct {
		struct mmsb_image image;
		uint64_t bytes[8];
	} page = { .image = { .record = { .bytes = sizeof(page), .type = MMSB_RECORD_IMAGE }, .kind = MMSB_KIND_SOURCE, .bytes = 64, .length = 64 } };
	uint64_t hash[2] = { 0 };
	unsigned int i;

	capture.record.tick = script->records.tick;
	capture.record.flags = MMSB_RECORD_HASHED;
	page.image.record.tick = script->records.tick;
	for (i = 0; i < 200; i++) {
		page.image.page = MMSB_PAGE_ID(1, i);
		page.image.epoch = i;
		page.bytes[i % 8] = i;
		embedded_image_hash(&page.image, hash);
	}
	memcpy(capture.hash, hash, sizeof(hash));
	memset(page.bytes, 0, sizeof(page.bytes));
	tell(script, &capture.record);
	for (i = 0; i < 200; i++) {
		page.image.page = MMSB_PAGE_ID(1, i);
		page.image.epoch = i;
		page.bytes[i % 8] = i;
		tell(script, &page.image.record);
	}
	tell_small(script, MMSB_RECORD_CAPTURED, 0, script->records.tick);
	*tick = script->records.tick;
	return 0;
}

static const struct msl_source_ops script_ops = { script_next, script_wait, script_durable, script_capture, NULL };

static void script_begin(struct script *script, const struct faulty_disk *disk)
{
	memset(script, 0, sizeof(*script));
	script->source.ops = &script_ops;
	script->disk = disk;
	records_begin(&script->records, seed);
	script->records.plain = true;
	script->records.per_tick = 5;
}

static void script_end(struct script *script)
{
	records_end(&script->records);
	tape_free(&script->tape);
	free(script->given);
}

static void script_bound(struct script *script, bool urgent)
{
	tell_small(script, MMSB_RECORD_BOUND, urgent ? MMSB_RECORD_URGENT : 0, script->records.tick);
}

/* So many ticks, and a bound. */
static void script_tell(struct script *script, unsigned int ticks, bool urgent)
{
	const struct mmsb_record *record;

	while (ticks) {
		record = records_next(&script->records);
		ticks -= record->type == MMSB_RECORD_TICK;
		tell(script, record);
	}
	script_bound(script, urgent);
}

/* --------------------------------------------------------------------------------------------------------------- a rig */

struct rig {
	char place[FOLDER_MAX];
	struct faulty_disk disk;
	struct script script;
	struct msl_writer writer;
	struct msl_writer_opts opts;
	struct msl_header header;
	uint64_t now;
	unsigned int told[LOG_DEBUG + 1];
};

static void hear(void *arg, int severity, const char *text)
{
	((struct rig *)arg)->told[severity]++;
}

static int rig_disk(struct rig *rig)
{
	struct msl_disk *disk;

	if (msl_disk_open(rig->place, MSL_DISK_NO_URING, &disk))
		return said("the disk");
	faulty_begin(&rig->disk, disk);
	return 0;
}

static int rig_writer(struct rig *rig, bool based)
{
	memset(&rig->writer, 0, sizeof(rig->writer));
	return msl_writer_begin(&rig->writer, &rig->opts, &rig->script.source, &rig->disk.disk, &rig->header, based);
}

static void rig_make(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	folder_make(rig->place);
	rig->now = 1000 * MS;
	rig->header.id[0] = 1;
	rig->header.shards = 1;
	rig->opts = (struct msl_writer_opts){ .interval_ns = INTERVAL, .flush_bytes = 1 << 20, .segment_bytes = SEGMENT, .keep = 2,
					      .tell = hear, .arg = rig };
}

static int rig_open(struct rig *rig, bool based)
{
	rig_make(rig);
	script_begin(&rig->script, &rig->disk);
	return rig_disk(rig) ?: rig_writer(rig, based);
}

static void rig_close(struct rig *rig)
{
	msl_writer_end(&rig->writer);
	script_end(&rig->script);
	if (rig->disk.inner)
		msl_disk_close(&rig->disk.disk);
	folder_remove(rig->place);
}

static int step(struct rig *rig)
{
	int err = msl_writer_step(&rig->writer, rig->now);

	return rig->script.fault ? wrong(rig->script.fault) : err;
}

/* So long, as the writer's own wishes for its next step have it. */
static int run(struct rig *rig, uint64_t ns)
{
	uint64_t end = rig->now + ns;
	unsigned int steps = 0;
	int err = 0;

	for (;;) {
		err = step(rig);
		if (err || rig->writer.over || rig->now >= end)
			return err;
		if (rig->writer.due > rig->now)
			rig->now = rig->writer.due < end ? rig->writer.due : end;
		else if (++steps > 100000)
			return wrong("it is always busy");
	}
}

static bool is_of_file(const struct mmsb_record *record)
{
	return record->type != MMSB_RECORD_BOUND && record->type < MMSB_RECORD_CAPTURE;
}

static size_t pass_others(const struct tape *tape, size_t at)
{
	while (at < tape->used && !is_of_file(tape_at(tape, at)))
		at += tape_at(tape, at)->bytes;
	return at;
}

/* The files hold what was told, from tick `from` on, without gaps and nothing twice. *last: the last whole tick. */
static int read_back(struct rig *rig, uint64_t from, uint64_t *last)
{
	struct msl_reader_opts opts = { .life = MSL_LAST_LIFE, .from_tick = from };
	const struct tape *tape = &rig->script.tape;
	const struct mmsb_record *record;
	struct msl_reader *reader;
	struct msl_disk *disk;
	size_t at = pass_others(tape, 0);
	int err = msl_disk_open(rig->place, MSL_DISK_NO_URING, &disk);

	if (err)
		return said("opening the disk");
	err = msl_reader_open(disk, &opts, &reader);
	if (err) {
		msl_disk_close(disk);
		return said("reading back");
	}
	*last = 0;
	while (!(err = msl_reader_next(reader, &record))) {
		/* What lies before a checkpoint may have been deleted. */
		while (!*last && at < tape->used && tape_at(tape, at)->tick < record->tick)
			at = pass_others(tape, at + tape_at(tape, at)->bytes);
		if (at == tape->used || !records_same(tape_at(tape, at), record)) {
			err = wrong("the files hold something else than was told");
			break;
		}
		if (record->type == MMSB_RECORD_TICK || record->type == MMSB_RECORD_END)
			*last = record->tick;
		at = pass_others(tape, at + tape_at(tape, at)->bytes);
	}
	msl_reader_close(reader);
	msl_disk_close(disk);
	return err == -ENODATA ? 0 : err < 0 && err != -1 ? said("reading back") : err;
}

static int holds_durable(struct rig *rig)
{
	uint64_t last;
	int err = read_back(rig, 0, &last);

	if (!err && last < rig->script.durable)
		err = wrong("what was reported durable is not in the files");
	return err;
}

/* -------------------------------------------------------------------------------------------------------------- when */

static int buffered(void)
{
	struct rig rig;
	int err = rig_open(&rig, true);
	uint64_t tick;

	err = err ?: run(&rig, 10 * MS);
	script_tell(&rig.script, 5, false);
	tick = rig.script.records.tick;
	err = err ?: run(&rig, INTERVAL / 2);
	if (!err && rig.script.durable)
		err = wrong("it was flushed at once");
	err = err ?: run(&rig, INTERVAL);
	if (!err && rig.script.durable != tick)
		err = wrong("it was not flushed in time");
	script_tell(&rig.script, 5, true);
	err = err ?: step(&rig);
	if (!err && rig.script.durable != rig.script.records.tick)
		err = wrong("somebody waited, and it was not flushed at once");
	rig.opts.flush_bytes = 0;
	rig_close(&rig);
	return err;
}

static int limits(bool bytes)
{
	struct rig rig;
	int err;

	rig_make(&rig);
	rig.opts.interval_ns = 1000 * INTERVAL;
	rig.opts.flush_ticks = bytes ? 0 : 10;
	script_begin(&rig.script, &rig.disk);
	err = rig_disk(&rig) ?: rig_writer(&rig, true);
	script_tell(&rig.script, 3, false);
	err = err ?: run(&rig, MS);
	if (!err && rig.script.durable)
		err = wrong("it was flushed too early");
	if (bytes)
		rig.writer.opts.flush_bytes = rig.writer.raw + 1;	/* how much ticks come to is drawn */
	script_tell(&rig.script, 9, false);
	err = err ?: run(&rig, 10 * MS);
	if (!err && rig.script.durable != rig.script.records.tick)
		err = wrong("it was not flushed when so much had come");
	rig_close(&rig);
	return err;
}

/* Syncs that take their time: one at a time; what comes meanwhile is written, and goes with the next. */
static int one_at_a_time(void)
{
	struct rig rig;
	uint64_t first, syncs;
	int err = rig_open(&rig, true);

	rig.disk.slow = true;
	script_tell(&rig.script, 5, false);
	first = rig.script.records.tick;
	err = err ?: run(&rig, 2 * INTERVAL);
	if (!err && (rig.script.durable || !rig.writer.sync_under_way))
		err = wrong("a sync was under way, and it did not wait for its end");
	syncs = rig.disk.calls[FAULTY_SYNC];
	script_tell(&rig.script, 20, false);
	err = err ?: run(&rig, 2 * INTERVAL);
	if (!err && (rig.disk.calls[FAULTY_SYNC] != syncs || rig.writer.told != rig.script.records.tick))
		err = wrong("what came meanwhile was not taken, or did not wait for its turn");
	rig.disk.slow = false;
	err = err ?: step(&rig);
	if (!err && rig.script.durable != first)
		err = wrong("the end of a sync made something else durable than what it was for");
	err = err ?: run(&rig, 2 * INTERVAL);
	if (!err && rig.script.durable != rig.script.records.tick)
		err = wrong("the next sync did not bring the rest");
	err = err ?: holds_durable(&rig);
	rig_close(&rig);
	return err;
}

/* A tick that is open when others are flushed, and one longer than a frame. */
static int long_ticks(void)
{
	struct rig rig;
	int err = rig_open(&rig, true);
	unsigned int i;

	rig.script.records.per_tick = 20000;
	for (i = 0; !err && i < 3; i++) {
		script_tell(&rig.script, 1, true);
		err = run(&rig, MS);
	}
	err = err ?: holds_durable(&rig);
	if (!err && rig.script.durable != rig.script.records.tick)
		err = wrong("long ticks did not become durable");
	rig_close(&rig);
	return err;
}

static void test_when(void)
{
	ksft_test_result(!buffered(), "flushed in time, and at once if somebody waits\n");
	ksft_test_result(!limits(true) && !limits(false), "flushed when so much has come\n");
	ksft_test_result(!one_at_a_time(), "one sync at a time, and the next batch fills\n");
	ksft_test_result(!long_ticks(), "long ticks\n");
}

/* -------------------------------------------------------------------------------------------------------------- bases */

/* A log that begins in the middle of a history. */
static int base_first(bool trouble)
{
	struct rig rig;
	int err;

	rig_make(&rig);
	script_begin(&rig.script, &rig.disk);
	rig.script.records.tick = 1000;
	rig.header.tick = 1000;
	err = rig_disk(&rig) ?: rig_writer(&rig, false);
	rig.disk.slow = true;
	script_tell(&rig.script, 5, true);
	err = err ?: step(&rig);
	if (!err && rig.script.durable)
		err = wrong("something was durable before the log had a base");
	if (trouble)
		rig.disk.broken[FAULTY_RENAME] = -ENOSPC;
	rig.disk.slow = false;
	err = err ?: run(&rig, 3 * INTERVAL);
	if (!err && trouble && (rig.script.durable || folder_count(rig.place, ".ckp.tmp", NULL) || folder_count(rig.place, ".ckp", NULL)))
		err = wrong("a checkpoint that has no name counts, or was left behind");
	rig.disk.broken[FAULTY_RENAME] = 0;
	err = err ?: run(&rig, 100 * INTERVAL);
	if (!err && rig.script.durable != rig.script.records.tick)
		err = wrong("with its base the log did not become durable");
	if (!err && folder_count(rig.place, ".ckp", NULL) != 1)
		err = wrong("the log has no base");
	rig_close(&rig);
	return err;
}

/* A checkpoint has its name only when the log is on disk up to its tick, and sees to that. */
static int log_first(void)
{
	struct rig rig;
	unsigned int i;
	int err;

	rig_make(&rig);
	rig.opts.interval_ns = 100000 * INTERVAL;
	script_begin(&rig.script, &rig.disk);
	err = rig_disk(&rig) ?: rig_writer(&rig, true);
	script_tell(&rig.script, 5, false);
	err = err ?: step(&rig) ?: msl_writer_checkpoint(&rig.writer);
	for (i = 0; !err && i < 50 && !folder_count(rig.place, ".ckp", NULL); i++, rig.now += MS)
		err = step(&rig);
	if (!err && (!folder_count(rig.place, ".ckp", NULL) || rig.script.durable != rig.script.records.tick))
		err = wrong("a checkpoint is ahead of its log, or waits for it in vain");
	rig_close(&rig);
	return err;
}

/* Checkpoints make segments before the older of the two that are kept dispensable, and no others. */
static int retention(bool keep_all)
{
	struct rig rig;
	uint64_t ticks[4], last;
	unsigned int i, n;
	int err;

	rig_make(&rig);
	rig.opts.keep_all = keep_all;
	script_begin(&rig.script, &rig.disk);
	err = rig_disk(&rig) ?: rig_writer(&rig, true);
	for (i = 0; !err && i < 4; i++) {
		script_tell(&rig.script, 1000, true);
		err = run(&rig, INTERVAL);
		ticks[i] = rig.script.records.tick;
		err = err ?: msl_writer_checkpoint(&rig.writer) ?: run(&rig, INTERVAL);
		if (!err && (rig.writer.checkpoint.state || rig.writer.checkpoint.result || rig.writer.checkpoint.last_tick != ticks[i]))
			err = wrong("no checkpoint was made");
	}
	script_tell(&rig.script, 10, true);
	err = err ?: run(&rig, INTERVAL);
	n = folder_count(rig.place, ".ckp", NULL);
	if (!err && n != (keep_all ? 4 : 2))
		err = wrong("there are too many checkpoints, or too few");
	err = err ?: read_back(&rig, keep_all ? 0 : ticks[2] + 1, &last);
	if (!err && last != rig.script.records.tick)
		err = wrong("segments are missing");
	if (!err && !keep_all && read_back(&rig, ticks[1] + 1, &last) != -1)
		err = wrong("nothing was deleted");
	rig_close(&rig);
	return err;
}

static void test_checkpoints(void)
{
	ksft_test_result(!base_first(false), "nothing is durable before the log has a base\n");
	ksft_test_result(!base_first(true), "a base that fails is made again\n");
	ksft_test_result(!log_first(), "a checkpoint counts once the log has come to it\n");
	ksft_test_result(!retention(false), "old segments go, behind a checkpoint\n");
	ksft_test_result(!retention(true), "or stay, if that is wished\n");
}

/* -------------------------------------------------------------------------------------------------------- one history */

/* Cuts, a checkpoint, idle times, urgent bounds. Stops where the writer does. */
static int one_history(struct rig *rig)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < 12; i++) {
		script_tell(&rig->script, 80, i % 3 == 0);
		err = run(rig, i % 4 ? 30 * MS : 3 * INTERVAL);
		if (!err && i == 5)
			err = msl_writer_checkpoint(&rig->writer);
	}
	tell_small(&rig->script, MMSB_RECORD_END, 0, ++rig->script.records.tick);
	script_bound(&rig->script, true);
	err = err ?: run(rig, 20 * INTERVAL);
	if (!err && (!rig->script.ended || rig->script.durable != rig->script.records.tick))
		err = wrong("the log's end was not told");
	return err;
}

static int rig_for(struct rig *rig, uint64_t fail_at, int error, bool for_good)
{
	rig_make(rig);
	script_begin(&rig->script, &rig->disk);
	if (rig_disk(rig))
		return -1;
	rig->disk.fail_at = fail_at;
	rig->disk.error = error;
	rig->disk.for_good = for_good;
	return 0;
}

/* Of all calls to the disk, this one fails. *there: there was one. */
static int fails_at(uint64_t n, int error, bool for_good, bool *there)
{
	struct rig rig;
	int err = rig_for(&rig, n, error, for_good), began;

	if (err)
		return err;
	began = rig_writer(&rig, true);
	err = began ? 0 : one_history(&rig);
	*there = rig.disk.all >= n;
	if (!began && !err && !rig.script.ended)
		err = -1;
	if (!began && err && err != -1 && !rig.script.failed)
		err = wrong("the writer stopped and did not say so");
	if (err != -1 && !began)
		err = holds_durable(&rig);
	if (err)
		printf("# call %" PRIu64 " failed with %d%s\n", n, error, for_good ? ", and so all like it" : "");
	rig_close(&rig);
	return err == -1 ? err : 0;
}

static int everything_fails(int error, bool for_good)
{
	bool there = true;
	uint64_t n;
	int err = 0;

	for (n = 1; !err && there; n++)
		err = fails_at(n, error, for_good, &there);
	return err || n > 30 ? err : wrong("hardly anything was asked of the disk");
}

/* A disk that is full now and then keeps nothing from being written. */
static int full_once(uint64_t n, bool *there)
{
	struct rig rig;
	int err = rig_for(&rig, n, -ENOSPC, false);

	err = err ?: rig_writer(&rig, true);
	if (err == -ENOSPC) {
		rig_close(&rig);
		*there = true;
		return 0;
	}
	err = err ?: one_history(&rig) ?: holds_durable(&rig);
	*there = rig.disk.all >= n;
	if (err)
		printf("# call %" PRIu64 " found the disk full\n", n);
	rig_close(&rig);
	return err;
}

static int always_full_once(void)
{
	bool there = true;
	uint64_t n;
	int err = 0;

	for (n = 1; !err && there; n++)
		err = full_once(n, &there);
	return err;
}

static int full_for_long(void)
{
	struct rig rig;
	uint64_t before;
	int err = rig_open(&rig, true);

	script_tell(&rig.script, 50, true);
	err = err ?: run(&rig, INTERVAL);
	before = rig.script.durable;
	rig.disk.broken[FAULTY_WRITE] = -ENOSPC;
	script_tell(&rig.script, 500, true);
	err = err ?: run(&rig, 50 * INTERVAL);
	if (!err && (rig.script.durable != before || !rig.writer.stalled || rig.told[LOG_ERR] != 1 || rig.script.at == rig.script.tape.used))
		err = wrong("a full disk is not waited for, or not told of once");
	rig.disk.broken[FAULTY_WRITE] = 0;
	err = err ?: run(&rig, 10 * INTERVAL);
	if (!err && (rig.script.durable != rig.script.records.tick || rig.writer.stalled || rig.told[LOG_NOTICE] != 1))
		err = wrong("it did not go on when there was room");
	err = err ?: holds_durable(&rig);
	rig_close(&rig);
	return err;
}

static int fsync_fails(void)
{
	struct rig rig;
	uint64_t before;
	int err = rig_open(&rig, true);

	script_tell(&rig.script, 50, true);
	err = err ?: run(&rig, INTERVAL);
	before = rig.script.durable;
	script_tell(&rig.script, 50, true);
	rig.disk.fail_at = rig.disk.all + 2;	/* a write, and then the sync */
	rig.disk.error = -EIO;
	if (!err && run(&rig, INTERVAL) != -EIO)
		err = wrong("a failed fsync did not stop the writer");
	if (!err && (!rig.script.failed || rig.script.durable != before || rig.told[LOG_CRIT] != 1))
		err = wrong("a failed fsync was not reported, or something was durable nevertheless");
	script_tell(&rig.script, 50, true);
	if (!err && (run(&rig, INTERVAL) != -EIO || rig.script.fault))
		err = wrong("it did not stay stopped");
	err = err ?: holds_durable(&rig);
	rig_close(&rig);
	return err;
}

static void test_failures(void)
{
	ksft_test_result(!fsync_fails(), "a failed fsync is final\n");
	ksft_test_result(!full_for_long(), "a full disk is waited for\n");
	ksft_test_result(!always_full_once(), "each call finds the disk full once\n");
	ksft_test_result(!everything_fails(-EIO, false), "each call fails once\n");
	ksft_test_result(!everything_fails(-EIO, true), "each call fails, and all behind it\n");
}

/* --------------------------------------------------------------------------------------------------------- successors */

static int go_on(struct rig *rig)
{
	struct msl_start start;
	int err = rig_disk(rig) ?: msl_dir_clean(&rig->disk.disk) ?: msl_start_find(&rig->disk.disk, &start);

	if (err)
		return said("finding the end");
	if (!start.based)
		return wrong("the log has lost its base");
	rig->header = start.header;
	rig->header.term++;
	rig->script.first_sync = UINT64_MAX;	/* what it found is on disk */
	return rig_writer(rig, start.based);
}

/* Writers that are gone at any moment; the source tells what is not durable once more. */
static int successors(void)
{
	struct rng rng = { seed };
	struct rig rig;
	unsigned int i;
	size_t at;
	int err = rig_open(&rig, true);

	for (i = 0; !err && i < 60; i++) {
		script_tell(&rig.script, (unsigned int)rng_below(&rng, 60) + 1, rng_once_in(&rng, 2));
		rig.disk.slow = rng_once_in(&rng, 3);
		err = run(&rig, rng_below(&rng, 2 * INTERVAL));
		if (!err && rng_once_in(&rng, 5))
			msl_writer_checkpoint(&rig.writer);
		err = err ?: run(&rig, rng_below(&rng, INTERVAL));
		msl_writer_end(&rig.writer);
		msl_disk_close(&rig.disk.disk);
		for (at = 0; at < rig.script.tape.used && tape_at(&rig.script.tape, at)->tick <= rig.script.durable;)
			at += tape_at(&rig.script.tape, at)->bytes;
		rig.script.at = at;
		err = err ?: go_on(&rig);
	}
	err = err ?: run(&rig, 10 * INTERVAL);
	if (!err && rig.script.durable != rig.script.records.tick)
		err = wrong("the last of them did not write all");
	err = err ?: holds_durable(&rig);
	rig_close(&rig);
	return err;
}

static int fenced(void)
{
	struct rig rig;
	int err = rig_open(&rig, true);

	script_tell(&rig.script, 50, true);
	err = err ?: run(&rig, INTERVAL);
	rig.script.fenced = true;
	if (!err && (run(&rig, INTERVAL) != -ESTALE || rig.script.failed))
		err = wrong("it was fenced, and did not go quietly");
	rig_close(&rig);
	return err;
}

static void test_successors(void)
{
	ksft_test_result(!successors(), "writers come and go\n");
	ksft_test_result(!fenced(), "one who is fenced leaves the log to the other\n");
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "seed", required_argument, NULL, 's' }, {} };
	uint64_t end = now_ns() + soak_seconds() * SECOND;
	int c;

	seed = rng_seed();
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == '?')
			ksft_exit_fail_msg("usage: logwriter [--seed N]\n");
		seed = strtoull(optarg, NULL, 0);
	}
	ksft_print_header();
	do {
		ksft_print_msg("seed %" PRIu64 "\n", seed);
		test_when();
		test_checkpoints();
		test_failures();
		test_successors();
		seed++;
	} while (now_ns() < end && !ksft_get_fail_cnt());
	ksft_set_plan(ksft_test_num());
	ksft_finished();
}
