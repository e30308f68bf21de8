// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files of a log, from outside: checkpoints that are made under load, damaged, and deleted; segments that are cut, torn, and damaged; and how
 * far a space is restored from them.
 *
 * `logfiles --seed N --ops N` replays what a failure printed. $MMSB_SOAK: goes on with new seeds for that many seconds.
 */
#include <inttypes.h>
#include "kselftest.h"
#include "common/logbed.h"
#include "common/seeded.h"

static uint64_t seed;

/* --------------------------------------------------------------------------------------------------------- checkpoints */

struct load {
	struct wild *wild;
	uint64_t ops;
	int result;
};

static void *run_load(void *arg)
{
	struct load *load = arg;

	load->result = wild_run_threads(load->wild, load->ops);
	return NULL;
}

/* Checkpoints are made again and again while the space is written to; what is restored begins with the last. */
static int under_load(const struct wild_config *config, bool late, uint64_t ops)
{
	struct mmsb_log *log = NULL;
	struct mmsb_restored restored;
	struct mmsb_space *space;
	static struct wild wild;
	char place[FOLDER_MAX];
	struct load load = { &wild, ops, 0 };
	uint64_t tick = 0;
	pthread_t thread;
	unsigned int i;
	int err = wild_open(&wild, NULL, config, seed);

	folder_make(place);
	err = err ?: late ? wild_run(&wild, ops / 4) : 0;
	err = err ?: mmsb_log_open(wild.space, place, LOG_OPTS(.flush_bytes = 32768), &log);
	if (!err) {
		pthread_create(&thread, NULL, run_load, &load);
		for (i = 0; !err && i < 4; i++)
			err = mmsb_log_checkpoint(log, &tick);
		pthread_join(thread, NULL);
		err = err ?: load.result ?: wild_run(&wild, ops / 4) ?: mmsb_log_checkpoint(log, &tick) ?: wild_run(&wild, ops / 4);
	}
	err = err ?: mmsb_log_close(log);
	if (err)
		logbed_said("checkpoints");
	err = err ?: logbed_restore(wild.mmsb, place, 2, config->lazy, NULL, &restored, &space);
	if (!err && (restored.checkpoint != tick || !restored.hashed))
		err = logbed_differs("it did not begin with the newest checkpoint");
	err = err ?: wild_compare(wild.space, space) ?: logbed_holds_everywhere(place, wild.space);
	if (!err && mmsb_log_verify(place, logbed_see_nothing, NULL))
		err = logbed_said("verifying");
	wild_close(&wild);
	folder_remove(place);
	return err;
}

/* The newest checkpoint is large, and so is what was taken in of it, and read of the ticks behind it, before its damage is found. */
static int make_large(struct logbed *bed)
{
	static uint8_t noise[512 << 10];
	struct rng rng = { seed };
	uint64_t page;
	int err = mmsb_create(bed->ring, sizeof(noise), &page);

	rng_fill(&rng, noise, sizeof(noise));
	return err ?: mmsb_set(bed->ring, page, 0, noise, sizeof(noise), NULL);
}

/* A checkpoint that is damaged is said so, and the one before it is taken. */
static int older_one(bool large)
{
	char newest[FOLDER_MAX];
	struct mmsb_restored restored;
	struct mmsb_space *space = NULL;
	uint64_t ticks[2] = { 0 };
	struct ear ear = EAR_OPEN;
	struct logbed bed;
	unsigned int i;
	int err = logbed_open(&bed, LOG_OPTS());

	logbed_two_behind = large ? 64 << 10 : 0;	/* the older one is less than that */
	for (i = 0; !err && i < 2; i++)
		err = logbed_adds(&bed, 20) ?: (i && large ? make_large(&bed) : 0) ?: mmsb_log_checkpoint(bed.log, &ticks[i]);
	err = err ?: logbed_adds(&bed, 20) ?: mmsb_sync(bed.space, PATIENCE);
	folder_count(bed.place, ".ckp", newest);
	folder_flip(newest, large ? 400 << 10 : 200);
	if (!err && mmsb_log_verify(bed.place, logbed_see_nothing, NULL) != -EBADMSG)
		err = logbed_differs("a damaged checkpoint went unseen");
	err = err ?: logbed_restore(bed.mmsb, bed.place, 1, false, MMSB_OPTS(struct mmsb_restore_opts, .tell = ear_hear, .arg = &ear), &restored, &space);
	if (!err && (restored.checkpoint != ticks[0] || !strstr(ear.last, ".ckp")))
		err = logbed_differs("it did not take the older checkpoint, or did not say so");
	logbed_two_behind = 0;
	err = err ?: wild_compare(bed.space, space);
	logbed_close(&bed);
	return err;
}

/* Of a large page, whose image comes in pieces, each among those of small ones. */
static int in_pieces(void)
{
	struct mmsb_restored restored;
	struct mmsb_space *space = NULL;
	uint64_t page, value = 1;
	struct logbed bed;
	unsigned int i;
	int err = logbed_open(&bed, LOG_OPTS());

	for (i = 0; !err && i < 12; i++) {
		err = mmsb_create(bed.ring, i % 3 ? 64 : MMSB_IMAGE_PIECE + 64, &page);
		err = err ?: mmsb_set(bed.ring, page, 8, &value, sizeof(value), NULL);
		if (!err && i % 3 == 0)
			err = mmsb_set(bed.ring, page, MMSB_IMAGE_PIECE + 8, &value, sizeof(value), NULL);
	}
	err = err ?: mmsb_log_checkpoint(bed.log, NULL);
	err = err ?: logbed_restore(bed.mmsb, bed.place, 1, false, NULL, &restored, &space);
	if (!err && restored.pages != 1 + i)
		err = logbed_differs("pages were counted that are not there");
	err = err ?: wild_compare(bed.space, space);
	logbed_close(&bed);
	return err;
}

/* Old segments go when two checkpoints stand behind them, and the rest is all that is needed. */
static int retention(void)
{
	struct mmsb_restored restored;
	struct mmsb_space *space;
	struct mmsb_log_info info = { .size = sizeof(info) };
	struct logbed bed;
	unsigned int i;
	int err = logbed_open(&bed, LOG_OPTS(.segment_bytes = 8192, .interval_ms = 1, .checkpoint_bytes = 20000));

	for (i = 0; !err && i < 3; i++)
		err = logbed_adds(&bed, 1000) ?: mmsb_log_checkpoint(bed.log, NULL);
	err = err ?: logbed_adds(&bed, 3) ?: mmsb_sync(bed.space, PATIENCE) ?: mmsb_log_info(bed.place, &info);
	if (!err && (info.checkpoints != 2 || info.segments > 8 || info.first_tick < 500))
		err = logbed_differs("what could go has stayed, or the other way round");
	err = err ?: logbed_holds(bed.place, bed.space, "embedded", 1);
	err = err ?: wild_space(bed.mmsb, &(struct wild_config){ .shards = 1 }, WILD_PAGES, &space);
	restored.size = sizeof(restored);
	if (!err && mmsb_restore(space, bed.place, MMSB_OPTS(struct mmsb_restore_opts, .flags = MMSB_RESTORE_FROM_BEGINNING), &restored) != -ENOENT)
		err = logbed_differs("a beginning was found that is not there");
	logbed_close(&bed);
	return err;
}

static void test_checkpoints(uint64_t ops)
{
	static const struct wild_config configs[] = { { .shards = 1 }, { .shards = 3, .polled = true }, { .shards = 2, .lazy = true } };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		ksft_test_result(!under_load(&configs[i], false, ops), "checkpoints under load, %u shards\n", configs[i].shards);
		ksft_test_result(!under_load(&configs[i], true, ops), "a log that begins late, %u shards\n", configs[i].shards);
	}
	ksft_test_result(!older_one(false), "a damaged checkpoint is passed over, loudly\n");
	ksft_test_result(!older_one(true), "a large one, of which much was taken in\n");
	ksft_test_result(!in_pieces(), "images that come in pieces\n");
	ksft_test_result(!retention(), "old segments are deleted behind checkpoints\n");
}

/* --------------------------------------------------------------------------------------------------------------- files */

/* A page's values tick by tick, and what a restore makes of them. */
static int restore_to(uint32_t mode)
{
	uint64_t ticks[12], times[12], value;
	struct mmsb_restored restored;
	struct mmsb_space *space;
	struct mmsb_cqe cqe;
	struct timespec now;
	struct logbed bed;
	int err = logbed_open(&bed, LOG_OPTS(.mode = mode)), i;

	for (i = 0; !err && i < 12; i++) {
		err = run_op(bed.ring, &cqe, .op = MMSB_OP_ADD, .lane = MMSB_LANE_I64, .len = 8, .page = bed.page, .word = { 1 }) ?: cqe.result;
		ticks[i] = cqe.tick;
		usleep(20000);	/* a tick's time is exact to some milliseconds only */
		clock_gettime(CLOCK_REALTIME, &now);
		times[i] = (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
		usleep(20000);
	}
	err = err ?: mmsb_sync(bed.space, PATIENCE);
	for (i = 0; !err && i < 24; i++) {
		struct mmsb_restore_opts opts = { .size = sizeof(opts), .compare = 1 };

		*(i < 12 ? &opts.tick : &opts.time) = i < 12 ? ticks[i] : times[i - 12];
		err = logbed_restore(bed.mmsb, bed.place, 1, false, &opts, &restored, &space);
		if (!err && restored.tick != ticks[i % 12])
			err = logbed_differs("it came to another tick than was asked for");
		if (!err && (mmsb_read(space, bed.page, 0, &value, 8, NULL) != 8 || value != (uint64_t)i % 12 + 1))
			err = logbed_differs("it came to another value");
		mmsb_space_close(space);
	}
	if (!err && !mmsb_restore(bed.space, bed.place, NULL, NULL))
		err = logbed_differs("a space that has ticks was restored into");
	logbed_close(&bed);
	return err;
}

static int beyond_the_end(void)
{
	struct mmsb_restore_opts opts = { .size = sizeof(opts) };
	struct mmsb_restored restored;
	struct mmsb_space *space;
	struct logbed bed;
	int err = logbed_open(&bed, LOG_OPTS());

	err = err ?: logbed_adds(&bed, 3) ?: mmsb_sync(bed.space, PATIENCE);
	opts.tick = err ? 0 : mmsb_tick(bed.space) + 1;
	if (!err && mmsb_space_open(bed.mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE), &space))
		err = logbed_said("a space");
	restored.size = sizeof(restored);
	if (!err && mmsb_restore(space, bed.place, &opts, &restored) != -ENOENT)
		err = logbed_differs("a tick that the log does not have was come to");
	logbed_close(&bed);
	return err;
}

/* The writer is killed, and the last segment's end with it, byte by byte more. */
static int torn(void)
{
	char copy[FOLDER_MAX], last[FOLDER_MAX];
	struct mmsb_restored restored;
	struct mmsb_space *space;
	struct mmsb_log *log;
	struct logbed bed;
	unsigned int i;
	uint64_t whole = 0;
	int err = logbed_open(&bed, LOG_OPTS(.mode = MMSB_STRICT));

	err = err ?: logbed_adds(&bed, 20);
	folder_copy(bed.place, copy);
	for (i = 0; !err && i < 12; i++) {
		char at[FOLDER_MAX];

		folder_copy(copy, at);
		folder_count(at, ".seg", last);
		if (i)
			folder_flip(last, 4 * i);
		err = logbed_restore(bed.mmsb, at, 1, false, NULL, &restored, &space);
		whole = i ? whole : restored.tick;
		mmsb_space_close(space);
		err = err ?: logbed_restore(bed.mmsb, at, 1, false, MMSB_OPTS(struct mmsb_restore_opts, .tick = 3), &restored, &space);
		if (!err && (restored.tick != 3 || restored.cut))
			err = logbed_differs("what lies behind the tick that was asked for was looked at");
		mmsb_space_close(space);
		err = err ?: logbed_restore(bed.mmsb, at, 1, false, NULL, &restored, &space);
		if (!err && (restored.tick > whole || (i && restored.tick == whole)))
			err = logbed_differs("a torn tail did not cost its tick");
		err = err ?: mmsb_log_open(space, at, LOG_OPTS(), &log) ?: mmsb_log_close(log);
		err = err ?: logbed_holds(at, space, "embedded", 1);
		mmsb_space_close(space);
		folder_remove(at);
	}
	folder_remove(copy);
	logbed_close(&bed);
	return err;
}

/* The files lost what the space was told to be durable, while it lives on: the next writer puts all of it on disk before more is durable. */
static int lost_behind_its_back(void)
{
	char last[FOLDER_MAX];
	struct logbed bed;
	int err = logbed_open(&bed, LOG_OPTS(.mode = MMSB_STRICT));

	err = err ?: logbed_adds(&bed, 20);
	logbed_abandon(bed.log);
	bed.log = NULL;
	folder_count(bed.place, ".seg", last);
	folder_flip(last, 4);
	err = err ?: mmsb_log_open(bed.space, bed.place, LOG_OPTS(.mode = MMSB_STRICT), &bed.log);
	err = err ?: logbed_adds(&bed, 5);
	err = err ?: mmsb_sync(bed.space, PATIENCE) ?: logbed_shut(&bed, mmsb_log_close);
	err = err ?: logbed_holds(bed.place, bed.space, "embedded", 1);
	logbed_close(&bed);
	return err;
}

/* What has been synced and is no more is damage, and nobody goes on behind it. */
static int damaged(void)
{
	char copy[FOLDER_MAX], first[FOLDER_MAX];
	struct mmsb_space *space = NULL;
	struct mmsb_log *log;
	struct logbed bed;
	int err = logbed_open(&bed, LOG_OPTS(.mode = MMSB_STRICT));

	err = err ?: logbed_adds(&bed, 20);
	folder_copy(bed.place, copy);
	folder_count(copy, ".seg", first);
	folder_flip(first, 500);
	err = err ?: mmsb_space_open(bed.mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE), &space);
	if (!err && (mmsb_restore(space, copy, NULL, NULL) != -EBADMSG || !strstr(mmsb_strerror_last(), ".seg")))
		err = logbed_differs("damage went unseen, or was not named");
	if (!err && mmsb_log_open(space, copy, LOG_OPTS(), &log) != -EBADMSG)
		err = logbed_differs("a log that is damaged was gone on with");
	folder_remove(copy);
	logbed_close(&bed);
	return err;
}

struct seen {
	unsigned int files, bad;
	uint64_t deltas;
};

static int see(void *arg, const struct mmsb_log_file *file, int result, const char *text)
{
	struct seen *seen = arg;

	seen->files++;
	seen->bad += result != 0;
	seen->deltas += file->deltas;
	return 0;
}

static int see_file(void *arg, const struct mmsb_log_file *file)
{
	return see(arg, file, 0, NULL);
}

/* Segments are cut by size; listing, verifying and following see all of them. */
static int segments(void)
{
	struct mmsb_log_info info = { .size = sizeof(info) };
	struct seen verified = { 0 }, listed = { 0 };
	const struct mmsb_record *record;
	struct mmsb_log_reader *reader = NULL;
	uint64_t deltas = 0, ticks = 0;
	char file[FOLDER_MAX];
	struct logbed bed;
	int err = logbed_open(&bed, LOG_OPTS(.segment_bytes = 8192, .interval_ms = 1));

	err = err ?: logbed_adds(&bed, 2000) ?: mmsb_sync(bed.space, PATIENCE);
	err = err ?: mmsb_log_info(bed.place, &info) ?: mmsb_log_verify(bed.place, see, &verified) ?: mmsb_log_files(bed.place, see_file, &listed);
	if (!err && (info.segments < 4 || verified.files != info.segments || listed.files != info.segments || verified.bad ||
		     verified.deltas != 2001 || listed.deltas != 2001 || info.last_tick != mmsb_tick(bed.space)))
		err = logbed_differs("the segments are not as they should be");
	err = err ?: mmsb_log_reader_open(bed.place, MMSB_OPTS(struct mmsb_log_reader_opts, .flags = MMSB_LOG_FOLLOW), &reader);
	while (!err && !(err = mmsb_log_next(reader, &record, 0))) {
		deltas += record->type == MMSB_RECORD_DELTA;
		ticks += record->type == MMSB_RECORD_TICK;
	}
	err = err == -ETIME ? logbed_adds(&bed, 1) ?: mmsb_sync(bed.space, PATIENCE) : err;
	while (!err && deltas < 2002 && !(err = mmsb_log_next(reader, &record, PATIENCE)))
		deltas += record->type == MMSB_RECORD_DELTA;
	if (!err && (deltas != 2002 || ticks != 2001))
		err = logbed_differs("reading gives other records than were made");
	mmsb_log_reader_close(reader);
	err = err ?: logbed_holds(bed.place, bed.space, "embedded", 1);
	folder_count(bed.place, ".seg", file);
	folder_flip(file, 0);
	memset(&verified, 0, sizeof(verified));
	if (!err)
		mmsb_log_verify(bed.place, see, &verified);
	if (err)
		logbed_said("segments");
	logbed_close(&bed);
	return err;
}

static void test_files(void)
{
	ksft_test_result(!restore_to(MMSB_STRICT), "restoring to a tick, and to a time\n");
	ksft_test_result(!restore_to(MMSB_BUFFERED), "restoring to a tick, and to a time, of frames with several ticks\n");
	ksft_test_result(!beyond_the_end(), "a tick beyond the end is an error\n");
	ksft_test_result(!segments(), "segments: cut by size, listed, verified, followed\n");
	ksft_test_result(!torn(), "a torn tail is cut, and the log goes on\n");
	ksft_test_result(!lost_behind_its_back(), "what was lost while the space lives is on disk again\n");
	ksft_test_result(!damaged(), "damage is found and named\n");
}

/* ---------------------------------------------------------------------------------------------------------------- main */

static void run_all(uint64_t ops)
{
	ksft_print_msg("seed %" PRIu64 "\n", seed);
	test_checkpoints(ops);
	test_files();
}

int main(int argc, char **argv)
{
	seeded_main(argc, argv, &seed, scaled(3000) + 40, run_all);
}
