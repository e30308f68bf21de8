// SPDX-License-Identifier: GPL-2.0-only
/*
 * Captures: a space is told as it stood at one tick while others go on writing to it, and what was told is taken in by a fresh space with
 * another number of shards. That must be what doing the history again up to this tick gives, in everything that can be seen of it, and it must go
 * on like the original with what came after, tick by tick.
 *
 * `capture --seed N --ops N` replays what a failure printed. $MMSB_SOAK: goes on with new seeds for that many seconds.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <mmsb/logging.h>
#include "kselftest.h"
#include "common/expect.h"
#include "common/seeded.h"
#include "common/tape.h"
#include "common/wild.h"
#include "../lib/home.h"

#define MAX_SHARDS	8u
#define CAPTURES	6u		/* in one recording */

static uint64_t seed;

/* --------------------------------------------------------------------------------------------------- a tape, taken apart */

struct parts {
	struct tape before, images, after;
	uint64_t images_told, failed;
};

static void parts_free(struct parts *parts)
{
	tape_free(&parts->before);
	tape_free(&parts->images);
	tape_free(&parts->after);
}

/* Around the n-th capture; others are left out. */
static int take_apart(const struct tape *tape, unsigned int n, struct parts *parts)
{
	struct tape *ticks = &parts->before;
	unsigned int captures = 0;
	size_t at;

	memset(parts, 0, sizeof(*parts));
	for (at = 0; at < tape->used; at += tape_at(tape, at)->bytes) {
		const struct mmsb_record *record = tape_at(tape, at);

		if (record->type == MMSB_RECORD_CAPTURE && captures++ == n)
			ticks = &parts->after;
		if (record->type < MMSB_RECORD_CAPTURE)
			tape_add(ticks, record);
		else if (captures == n + 1)
			tape_add(&parts->images, record);
		if (captures != n + 1)
			continue;
		parts->images_told += record->type == MMSB_RECORD_IMAGE;
		parts->failed += record->type == MMSB_RECORD_CAPTURED && record->flags & MMSB_RECORD_FAILED;
	}
	return captures > n ? 0 : -1;
}

/* ----------------------------------------------------------------------------------------------------------- comparing */

/* Ids that were used up are the same, also where no page lives now. */
static int compare_lines(struct mmsb_space *one, struct mmsb_space *other)
{
	uint64_t n = one->nlines > other->nlines ? one->nlines : other->nlines, i;
	static const struct mmsb_line none;

	for (i = 0; i < n; i++) {
		const struct mmsb_line *a = i < one->nlines ? &one->lines[i] : &none, *b = i < other->nlines ? &other->lines[i] : &none;

		if (a->generation == b->generation && a->tick == b->tick && (a->flags & 2) == (b->flags & 2))
			continue;
		printf("# line %llu: generation %u, tick %llu, flags %x, and in the other space %u, %llu, %x\n", (unsigned long long)i,
		       a->generation, a->tick, a->flags, b->generation, b->tick, b->flags);
		return -1;
	}
	return 0;
}

static int compare_spaces(struct mmsb_space *one, struct mmsb_space *other)
{
	return wild_compare(one, other) ?: compare_lines(one, other);
}

/* Of the page among the images; ~0: there is none. */
static uint32_t height_of(const struct tape *images, uint64_t page)
{
	const struct mmsb_image *image;
	uint64_t n;

	for (n = 0; (image = (const struct mmsb_image *)tape_find(images, MMSB_RECORD_IMAGE, n)); n++)
		if (image->page == page)
			return image->height;
	return ~0u;
}

/* Each derived page is one higher than the highest of its parents, as of the capture. */
static int compare_heights(const struct tape *images)
{
	const struct mmsb_image *image;
	uint64_t n;
	uint32_t i;

	for (n = 0; (image = (const struct mmsb_image *)tape_find(images, MMSB_RECORD_IMAGE, n)); n++) {
		const struct mmsb_edge *edge = (const void *)((const struct mmsb_derive *)(image + 1) + 1);
		uint32_t height = 0;

		for (i = 0; i < image->edges; i++)
			if (height_of(images, edge[i].parent) >= height)
				height = height_of(images, edge[i].parent) + 1;
		if (image->height == height || (!image->edges && image->offset))
			continue;
		printf("# page %u.%u: its image has height %u instead of %u\n", MMSB_PAGE_INDEX(image->page),
		       MMSB_PAGE_GENERATION(image->page), image->height, height);
		return -1;
	}
	return 0;
}

/* ------------------------------------------------------------------------------------------------------------ restoring */

static const struct wild_config targets[] = {
	{ .shards = 1 }, { .shards = 2 }, { .shards = 3 }, { .shards = 8 },
	{ .shards = 1, .polled = true }, { .shards = 3, .polled = true },
};
#define TARGETS (sizeof(targets) / sizeof(*targets))

struct target {
	struct mmsb_space *space;
	struct mmsb_ring *ring;
};

static int target_open(struct target *target, struct mmsb *mmsb, struct rng *rng, bool lazy)
{
	struct wild_config config = targets[rng_below(rng, TARGETS)];
	uint32_t flags = MMSB_RING_REPLAY | (config.polled ? MMSB_RING_POLLED : 0);
	int err;

	config.lazy = lazy;
	err = wild_space(mmsb, &config, WILD_PAGES * (MAX_SHARDS + 1), &target->space);
	return err ?: mmsb_ring_open(target->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = flags, .sq_entries = 32,
							      .shard = config.shards, .payload_bytes = 1200000), &target->ring);
}

static void target_close(struct target *target)
{
	mmsb_ring_close(target->ring);
	mmsb_space_close(target->space);
}

/* What a space told while it took in images, and went on, is taken in by one more. */
static int again(const struct tape *told, struct mmsb *mmsb, struct rng *rng, bool lazy, struct mmsb_space *original)
{
	struct target target = { 0 };
	int err = target_open(&target, mmsb, rng, lazy);

	err = err ?: tape_replay(told, target.ring, NULL, NULL) ?: compare_spaces(original, target.space);
	target_close(&target);
	return err;
}

/* The images give what the ticks before them give, and go on as the original went on. */
static int restore(const struct parts *parts, struct mmsb_space *original, struct mmsb *mmsb, struct rng *rng, bool lazy)
{
	struct target replayed = { 0 }, restored = { 0 };
	struct mmsb_history *history = NULL;
	struct tape told = { 0 };
	int err = target_open(&replayed, mmsb, rng, lazy) ?: target_open(&restored, mmsb, rng, lazy);

	if (!err && rng_once_in(rng, 3))
		err = mmsb_history_open(restored.space, NULL, &history);
	err = err ?: compare_heights(&parts->images) ?: tape_replay(&parts->before, replayed.ring, NULL, NULL);
	err = err ?: tape_replay(&parts->images, restored.ring, history, &told);
	err = err ?: compare_spaces(replayed.space, restored.space);
	if (err)
		printf("# at the capture\n");
	err = err ?: tape_replay(&parts->after, restored.ring, history, &told);
	err = err ?: compare_spaces(original, restored.space);
	if (!err && history)
		err = again(&told, mmsb, rng, lazy, original);
	mmsb_history_close(history);
	tape_free(&told);
	target_close(&replayed);
	target_close(&restored);
	return err;
}

static int restore_home(const struct parts *parts, struct mmsb_space *original, const char *home, struct rng *rng, bool lazy)
{
	struct mmsb *mmsb;
	int err = mmsb_open(&mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = home));

	err = err ?: restore(parts, original, mmsb, rng, lazy);
	mmsb_close(mmsb);
	return err;
}

static int restore_all(const struct tape *tape, struct mmsb_space *original, unsigned int captures, struct rng *rng, bool lazy)
{
	uint64_t images = 0;
	struct parts parts;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < captures; i++) {
		err = take_apart(tape, i, &parts);
		if (err || parts.failed)
			printf("# capture %u was not told, or has failed\n", i);
		err = err ?: parts.failed ? -1 : restore_home(&parts, original, "embedded", rng, lazy);
		if (!err && home_is_kernel())
			err = restore_home(&parts, original, "kernel", rng, lazy);
		images += parts.images_told;
		parts_free(&parts);
	}
	ksft_print_msg("%llu entries and ticks on the tape, %u captures, %llu images\n", (unsigned long long)(tape->deltas + tape->ticks),
		       captures, (unsigned long long)images);
	return err;
}

/* ----------------------------------------------------------------------------------------------------------- recording */

struct recording {
	struct wild wild;
	struct mmsb_history *history;
	struct tape tape;
	struct rng rng;
	pthread_t reader;
	bool stop;
	unsigned int captures;
};

/* So many records, or all there are. What a log tells is durable at once. */
static int read_some(struct mmsb_history *history, struct tape *tape, uint64_t n, uint64_t patience)
{
	const struct mmsb_record *record;
	int err = 0;

	while (!err && n-- && !(err = mmsb_history_next(history, &record, patience))) {
		if (record->type == MMSB_RECORD_BOUND)
			err = mmsb_history_durable(history, 0, record->tick);
		else
			tape_add(tape, record);
	}
	if (err && err != -ETIME)
		printf("# reading: %s\n", mmsb_strerror_last());
	return err == -ETIME ? 0 : err;
}

static void *read_thread(void *arg)
{
	struct recording *rec = arg;
	int err = 0;

	while (!err && !__atomic_load_n(&rec->stop, __ATOMIC_ACQUIRE))
		err = read_some(rec->history, &rec->tape, ~0ull, SECOND / 100);
	return (void *)(long)err;
}

/* 0, also when the last one is still under way. */
static int capture(struct recording *rec)
{
	int err = mmsb_history_capture(rec->history, NULL);

	rec->captures += !err;
	return err == -EBUSY ? 0 : err;
}

/* Writers, captures and the reader take turns, as the seed says. */
static int record_in_turn(struct recording *rec, uint64_t ops)
{
	struct wild *wild = &rec->wild;
	uint64_t end = ops / WILD_HANDS;
	int err = 0;

	while (!err && wild->hand[0].ops < end) {
		err = wild_batch(&wild->hand[rng_below(&rec->rng, WILD_HANDS)]);
		if (!err && rec->captures < CAPTURES && rng_once_in(&rec->rng, end / 20 + 1))
			err = capture(rec);
		if (!err && rng_once_in(&rec->rng, 3))
			err = read_some(rec->history, &rec->tape, rng_below(&rec->rng, 30), 0);
	}
	return err;
}

struct hands {
	struct wild *wild;
	uint64_t ops;
	int result;
	bool done;
};

static void *run_hands(void *arg)
{
	struct hands *hands = arg;

	hands->result = wild_run_threads(hands->wild, hands->ops);
	__atomic_store_n(&hands->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static int record_in_threads(struct recording *rec, uint64_t ops)
{
	struct hands hands = { .wild = &rec->wild, .ops = ops };
	pthread_t thread;
	int err = 0;

	pthread_create(&rec->reader, NULL, read_thread, rec);
	pthread_create(&thread, NULL, run_hands, &hands);
	while (!err && !__atomic_load_n(&hands.done, __ATOMIC_ACQUIRE)) {
		usleep(rng_below(&rec->rng, 3000));
		err = rec->captures < CAPTURES ? capture(rec) : 0;
	}
	pthread_join(thread, NULL);
	return err ?: hands.result;
}

static int finish(struct recording *rec)
{
	void *result = NULL;
	int err;

	__atomic_store_n(&rec->stop, true, __ATOMIC_RELEASE);
	if (rec->reader)
		pthread_join(rec->reader, &result);
	rec->reader = 0;
	err = result ? -1 : read_some(rec->history, &rec->tape, ~0ull, 0);
	if (!err && !rec->captures)
		err = capture(rec) ?: read_some(rec->history, &rec->tape, ~0ull, 0);
	return err;
}

#define LOG		MMSB_HISTORY_LOG

static const struct {
	struct wild_config config;
	bool threads;
	uint64_t limit;
	uint32_t flags, mode;
} recordings[] = {
	{ { .shards = 1 } },
	{ { .shards = 3 }, .flags = MMSB_HISTORY_COMPACT },
	{ { .shards = 8 } },
	{ { .shards = 2, .lazy = true } },
	{ { .shards = 1, .polled = true, .lazy = true } },
	{ { .shards = 3, .polled = true } },
	{ { .shards = 1 }, true, 16 << 10, MMSB_HISTORY_COMPACT },
	{ { .shards = 3 }, true, 64 << 10 },
	{ { .shards = 2, .polled = true }, true, 64 << 10, MMSB_HISTORY_COMPACT },
	{ { .shards = 8, .polled = true }, true },
	{ { .shards = 2 }, false, 0, LOG, MMSB_BUFFERED },
	{ { .shards = 3 }, true, 64 << 10, LOG | MMSB_HISTORY_COMPACT, MMSB_BUFFERED },
	{ { .shards = 2, .polled = true }, true, 0, LOG | MMSB_HISTORY_COMPACT, MMSB_STRICT },
};
#define RECORDINGS (sizeof(recordings) / sizeof(*recordings))

static int open_history(struct mmsb_space *space, uint64_t limit, uint32_t flags, uint32_t mode, struct mmsb_history **history)
{
	bool log = flags & LOG;

	return mmsb_history_open(space, MMSB_OPTS(struct mmsb_history_opts, .limit = limit, .flags = flags, .mode = mode,
						  .log_id = { log, log }), history);
}

static int record_and_restore(unsigned int i, const char *home, uint64_t ops)
{
	static struct recording rec;
	const struct wild_config *config = &recordings[i].config;
	int err;

	memset(&rec, 0, sizeof(rec));
	rec.rng.state = seed ^ (0x5eed << i);
	err = wild_open(&rec.wild, home, config, seed + i);
	err = err ?: open_history(rec.wild.space, recordings[i].limit, recordings[i].flags, recordings[i].mode, &rec.history);
	if (!err)
		err = recordings[i].threads ? record_in_threads(&rec, ops) : record_in_turn(&rec, ops);
	if (err)
		printf("# recording: %s\n", mmsb_strerror_last());
	err = finish(&rec) ?: err;
	err = err ?: restore_all(&rec.tape, rec.wild.space, rec.captures, &rec.rng, config->lazy);
	mmsb_history_close(rec.history);
	wild_close(&rec.wild);
	tape_free(&rec.tape);
	return err;
}

static void test_recordings(uint64_t ops)
{
	static const char *const homes[] = { "embedded", "kernel" };
	unsigned int i, h;

	for (h = 0; h < (home_is_kernel() ? 2 : 1); h++)
		for (i = 0; i < RECORDINGS; i++)
			ksft_test_result(!record_and_restore(i, homes[h], ops), "captured with %u shards, %s, %s, %s%s%s%s\n",
					 recordings[i].config.shards, recordings[i].config.polled ? "polled" : "inline",
					 recordings[i].threads ? "in threads" : "in turn", homes[h], recordings[i].config.lazy ? ", lazy" : "",
					 recordings[i].flags & MMSB_HISTORY_COMPACT ? ", compact" : "",
					 recordings[i].flags & LOG ? ", a log" : "");
}

/* ------------------------------------------------------------------------------------------------------- small spaces */

/* A space with a history and a ring, and what it told. */
struct small {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_history *history;
	struct tape tape;
};

static int small_open(struct small *small, const struct wild_config *config, uint64_t limit)
{
	memset(small, 0, sizeof(*small));
	EXPECT(!mmsb_open(&small->mmsb, NULL) && !wild_space(small->mmsb, config, WILD_PAGES, &small->space));
	EXPECT(!mmsb_ring_open(small->space, NULL, &small->ring));
	EXPECT(!open_history(small->space, limit, MMSB_HISTORY_COMPACT, 0, &small->history));
	return 0;
}

/* Another history, without what was told so far. */
static int small_anew(struct small *small, uint64_t limit, uint32_t flags)
{
	EXPECT(!tape_read(&small->tape, small->history, 0));
	mmsb_history_close(small->history);
	tape_free(&small->tape);
	return open_history(small->space, limit, flags, 0, &small->history);
}

static void small_close(struct small *small)
{
	mmsb_history_close(small->history);
	mmsb_ring_close(small->ring);
	mmsb_space_close(small->space);
	mmsb_close(small->mmsb);
	tape_free(&small->tape);
}

static int small_read(struct small *small, uint64_t n)
{
	const struct mmsb_record *record;

	while (n-- && !mmsb_history_next(small->history, &record, 0))
		tape_add(&small->tape, record);
	return 0;
}

static uint64_t count(const struct tape *tape, enum mmsb_record_type type)
{
	uint64_t n = 0;

	while (tape_find(tape, type, n))
		n++;
	return n;
}

/* The last of its captures is whole. */
static int small_restores(struct small *small)
{
	struct rng rng = { seed };
	uint64_t captures;

	EXPECT(!tape_read(&small->tape, small->history, 0));
	captures = count(&small->tape, MMSB_RECORD_CAPTURE);
	EXPECT(captures && captures == count(&small->tape, MMSB_RECORD_CAPTURED));
	return restore_all(&small->tape, small->space, (unsigned int)captures, &rng, false);
}

/* -------------------------------------------------------------------------------------- each change, right after a capture */

enum { SOURCE, OTHER, COPY, CHILD, TOLD, LAZY, BEHIND, GONE, PLANTS };

static int derive(struct mmsb_ring *ring, uint64_t page, uint32_t flags, const struct mmsb_edge *edges, uint32_t n)
{
	const struct mmsb_derive how = { .rule = MMSB_RULE_SUM, .lane = MMSB_LANE_U64, .flags = flags };

	return mmsb_derive(ring, page, &how, edges, n, NULL);
}

/* Pages of three shards: copy and child follow source, told is told of it, lazy and what is behind it wait; gone was there. */
static int plant(struct mmsb_ring *ring, const struct wild_config *config, uint64_t *page)
{
	struct mmsb_cqe cqe;
	unsigned int i;

	for (i = 0; i < PLANTS; i++) {
		page[i] = MMSB_PAGE_ID(2, (i % config->shards) * 1024 + i);
		EXPECT(!run_op(ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = page[i], .len = 64) && !cqe.result);
	}
	EXPECT(!mmsb_add(ring, page[SOURCE], 0, 7, NULL) && !mmsb_add(ring, page[OTHER], 0, 8, NULL));
	EXPECT(!derive(ring, page[COPY], 0, &(struct mmsb_edge){ .parent = page[SOURCE] }, 1));
	EXPECT(!derive(ring, page[CHILD], 0, &(struct mmsb_edge){ .parent = page[COPY] }, 1));
	EXPECT(!derive(ring, page[TOLD], 0, (struct mmsb_edge[]){ { .parent = page[OTHER] },
								   { .parent = page[SOURCE], .type = MMSB_EDGE_CONTROL } }, 2));
	EXPECT(!derive(ring, page[LAZY], MMSB_DERIVE_LAZY, &(struct mmsb_edge){ .parent = page[SOURCE] }, 1));
	EXPECT(!mmsb_refresh(ring, page[LAZY], NULL));
	EXPECT(!derive(ring, page[BEHIND], MMSB_DERIVE_LAZY, &(struct mmsb_edge){ .parent = page[OTHER] }, 1));
	return mmsb_destroy(ring, page[GONE]);
}

static int change(struct mmsb_ring *ring, const uint64_t *page, unsigned int which)
{
	const int64_t value = 9;
	struct mmsb_cqe cqe;

	switch (which) {
	case 0:
		return mmsb_add(ring, page[SOURCE], 0, 1, NULL);
	case 1:
		return mmsb_set(ring, page[SOURCE], 32, &value, sizeof(value), NULL);
	case 2:
		return run_op(ring, &cqe, .op = MMSB_OP_DESTROY, .flags = MMSB_SQE_DETACH, .page = page[SOURCE]) ?: cqe.result;
	case 3:
		return mmsb_underive(ring, page[COPY], NULL);
	case 4:
		return mmsb_link(ring, page[COPY], &(struct mmsb_edge){ .parent = page[TOLD] }, 1, NULL);	/* lifts the child, too */
	case 5:
		return mmsb_unlink(ring, page[TOLD], &page[SOURCE], 1, NULL);
	case 6:
		return mmsb_refresh(ring, page[BEHIND], NULL);
	case 7:
		return run_op(ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = page[GONE] + (9ull << 32), .len = 128) ?: cqe.result;
	case 8:
		return mmsb_destroy(ring, page[CHILD]);
	case 9:
		return derive(ring, page[OTHER], 0, &(struct mmsb_edge){ .parent = page[CHILD] }, 1);
	default:
		return mmsb_create(ring, 64, &(uint64_t){ 0 });		/* where a page went */
	}
}
#define CHANGES		11u

static int each_change(const struct wild_config *config)
{
	uint64_t page[PLANTS];
	struct small small;
	unsigned int i;

	for (i = 0; i < CHANGES; i++) {
		EXPECT(!small_open(&small, config, 0) && !plant(small.ring, config, page));
		EXPECT(!mmsb_history_capture(small.history, NULL) && !change(small.ring, page, i));
		if (small_restores(&small)) {
			printf("# change %u\n", i);
			return -1;
		}
		small_close(&small);
	}
	return 0;
}

/* ----------------------------------------------------------------------------------------------------------- large pages */

#define LARGE		((5u << 20) + 100)
#define RUN		(5u << 19)		/* filled from the beginning on: three pieces */

static int large_fill(struct mmsb_ring *ring, uint64_t page, uint32_t offset, uint32_t bytes, uint8_t value)
{
	struct mmsb_cqe cqe;

	return run_op(ring, &cqe, .op = MMSB_OP_FILL, .page = page, .offset = offset, .len = bytes, .word = { value }) ?: cqe.result;
}

/* `read`: so many records have been told when the page is changed where the capture has been, and where it has not. */
static int large_page(const struct wild_config *config, uint64_t read)
{
	struct small small;
	uint64_t page, bytes = 0, n;
	const struct mmsb_image *image;

	EXPECT(!small_open(&small, config, 0) && !mmsb_create(small.ring, LARGE, &page));
	EXPECT(!large_fill(small.ring, page, 0, RUN, 1) && !large_fill(small.ring, page, 4 << 20, 8, 2));
	EXPECT(!large_fill(small.ring, page, LARGE - 5, 5, 3));
	EXPECT(!mmsb_history_capture(small.history, NULL));
	small_read(&small, count(&small.tape, MMSB_RECORD_DELTA) + read);
	EXPECT(!large_fill(small.ring, page, 100, 9, 4) && !large_fill(small.ring, page, RUN - 3, 70000, 5));
	EXPECT(!large_fill(small.ring, page, LARGE - 5, 5, 6));
	EXPECT(!small_restores(&small));
	for (n = 0; (image = (const struct mmsb_image *)tape_find(&small.tape, MMSB_RECORD_IMAGE, n)); n++)
		bytes += image->length;
	EXPECT(n == 5 && bytes < RUN + 3 * 65536);		/* zeros are left out */
	small_close(&small);
	return 0;
}

static int large_pages(const struct wild_config *config)
{
	uint64_t read;

	for (read = 0; read < 16; read++)
		if (large_page(config, read))
			return -1;
	return 0;
}

/* ------------------------------------------------------------------------------------------------------ captures that end */

static int make_pages(struct mmsb_ring *ring, uint64_t *page, unsigned int n)
{
	int64_t value = 7;
	unsigned int i;

	for (i = 0; i < n; i++)
		if (mmsb_create(ring, 64, &page[i]) || mmsb_set(ring, page[i], 0, &value, sizeof(value), NULL))
			return -1;
	return 0;
}

#define SOME		40u

static int ended_by_reset(const struct wild_config *config, uint64_t read)
{
	const struct mmsb_record *captured;
	uint64_t page[SOME];
	struct small small;

	EXPECT(!small_open(&small, config, 0) && !make_pages(small.ring, page, SOME));
	EXPECT(!mmsb_history_capture(small.history, NULL));
	EXPECT(mmsb_history_capture(small.history, NULL) == -EBUSY);
	small_read(&small, read);
	EXPECT(!mmsb_add(small.ring, page[3], 0, 1, NULL));
	EXPECT(!mmsb_space_reset(small.space) && !make_pages(small.ring, page, 3));
	EXPECT(!tape_read(&small.tape, small.history, 0));
	captured = tape_find(&small.tape, MMSB_RECORD_CAPTURED, 0);
	EXPECT(captured && !tape_find(&small.tape, MMSB_RECORD_CAPTURED, 1));
	/* A read of the kernel's may have brought all of it before. */
	EXPECT(captured->flags & MMSB_RECORD_FAILED || (home_is_kernel() && read));
	tape_free(&small.tape);
	EXPECT(!mmsb_history_capture(small.history, NULL));
	EXPECT(!tape_read(&small.tape, small.history, 0));
	EXPECT(count(&small.tape, MMSB_RECORD_IMAGE) == 3 && !tape_find(&small.tape, MMSB_RECORD_CAPTURED, 0)->flags);
	small_close(&small);
	return 0;
}

/* The reader goes away, wherever he is; the next one can ask for a capture of his own. */
static int ended_by_closing(const struct wild_config *config, uint64_t read)
{
	uint64_t page[SOME];
	struct small small;

	EXPECT(!small_open(&small, config, 0) && !make_pages(small.ring, page, SOME));
	EXPECT(!mmsb_history_capture(small.history, NULL));
	EXPECT(!mmsb_add(small.ring, page[3], 0, 1, NULL));
	small_read(&small, read);
	mmsb_history_close(small.history);
	tape_free(&small.tape);
	EXPECT(!mmsb_add(small.ring, page[4], 0, 1, NULL));
	EXPECT(!mmsb_history_open(small.space, NULL, &small.history) && !mmsb_history_capture(small.history, NULL));
	EXPECT(!mmsb_add(small.ring, page[5], 0, 1, NULL));
	EXPECT(!tape_read(&small.tape, small.history, 0));
	EXPECT(count(&small.tape, MMSB_RECORD_IMAGE) == SOME && !tape_find(&small.tape, MMSB_RECORD_CAPTURED, 0)->flags);
	small_close(&small);
	return 0;
}

/* The log's next writer hears that the capture he was not told all of is of no use, if he hears of it at all, and asks for another. */
static int ended_by_successor(const struct wild_config *config, uint64_t read)
{
	const struct mmsb_record *captured;
	struct mmsb_history *second;
	uint64_t page[SOME];
	struct small small;

	EXPECT(!small_open(&small, config, 0) && !make_pages(small.ring, page, SOME));
	mmsb_history_close(small.history);
	EXPECT(!open_history(small.space, 0, LOG, MMSB_BUFFERED, &small.history) && !mmsb_history_capture(small.history, NULL));
	EXPECT(!mmsb_add(small.ring, page[3], 0, 1, NULL) && !read_some(small.history, &small.tape, read, 0));
	EXPECT(!open_history(small.space, 0, LOG | MMSB_HISTORY_TAKE_OVER, MMSB_BUFFERED, &second));
	EXPECT(mmsb_history_capture(small.history, NULL) == -ESTALE);
	mmsb_history_close(small.history);
	small.history = second;
	tape_free(&small.tape);
	EXPECT(!mmsb_add(small.ring, page[4], 0, 1, NULL) && !read_some(small.history, &small.tape, ~0ull, 0));
	captured = tape_find(&small.tape, MMSB_RECORD_CAPTURED, 0);
	EXPECT(!captured == !tape_find(&small.tape, MMSB_RECORD_CAPTURE, 0) && count(&small.tape, MMSB_RECORD_IMAGE) == 0);
	EXPECT(!captured || captured->flags & MMSB_RECORD_FAILED);
	tape_free(&small.tape);
	EXPECT(!mmsb_history_capture(small.history, NULL) && !mmsb_add(small.ring, page[5], 0, 1, NULL));
	EXPECT(!read_some(small.history, &small.tape, ~0ull, 0));
	EXPECT(count(&small.tape, MMSB_RECORD_IMAGE) == SOME && !tape_find(&small.tape, MMSB_RECORD_CAPTURED, 0)->flags);
	small_close(&small);
	return 0;
}

static int ended_with_log(const struct wild_config *config, uint64_t read)
{
	struct mmsb_durability_args args = { .size = sizeof(args), .flags = MMSB_DURABILITY_SET, .mode = MMSB_MEMORY };
	uint64_t page[SOME];
	struct small small;

	EXPECT(!small_open(&small, config, 0) && !make_pages(small.ring, page, SOME));
	mmsb_history_close(small.history);
	EXPECT(!open_history(small.space, 0, LOG, MMSB_BUFFERED, &small.history) && !mmsb_history_capture(small.history, NULL));
	EXPECT(!mmsb_add(small.ring, page[3], 0, 1, NULL) && !read_some(small.history, &small.tape, read, 0));
	EXPECT(!mmsb_durability(small.space, &args) && !mmsb_add(small.ring, page[3], 0, 1, NULL));
	EXPECT(mmsb_history_capture(small.history, NULL) == -EOPNOTSUPP);
	EXPECT(!read_some(small.history, &small.tape, ~0ull, 0));
	EXPECT(count(&small.tape, MMSB_RECORD_CAPTURED) == 1 && count(&small.tape, MMSB_RECORD_END) == 1);
	small_close(&small);
	return 0;
}

static int ended_early(const struct wild_config *config)
{
	uint64_t read;

	for (read = 0; read < 4 * SOME; read += 7)
		if (ended_by_reset(config, read) || ended_by_closing(config, read) || ended_by_successor(config, read) ||
		    ended_with_log(config, read))
			return -1;
	return 0;
}

struct flood {
	struct mmsb_ring *ring;
	const uint64_t *page;
	int result;
	bool done;
};

static void *flood_thread(void *arg)
{
	struct flood *flood = arg;
	unsigned int i;

	for (i = 0; !flood->result && i < 4 * SOME; i++)
		flood->result = mmsb_add(flood->ring, flood->page[i % SOME], 0, 1, NULL);
	__atomic_store_n(&flood->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Images count as what waits to be read: a writer stands still over them, and goes on when they are. */
static int held_up(const struct wild_config *config)
{
	struct flood flood = { 0 };
	uint64_t page[SOME];
	struct small small;
	pthread_t thread;

	EXPECT(!small_open(&small, config, 0) && !make_pages(small.ring, page, SOME));
	EXPECT(!small_anew(&small, 4000, 0) && !mmsb_history_capture(small.history, NULL));
	flood = (struct flood){ .ring = small.ring, .page = page };
	EXPECT(!pthread_create(&thread, NULL, flood_thread, &flood));
	usleep(20000);
	while (!__atomic_load_n(&flood.done, __ATOMIC_ACQUIRE))
		EXPECT(!tape_read(&small.tape, small.history, SECOND / 100));
	pthread_join(thread, NULL);
	EXPECT(!flood.result && !tape_read(&small.tape, small.history, 0));
	EXPECT(count(&small.tape, MMSB_RECORD_IMAGE) == SOME && count(&small.tape, MMSB_RECORD_DELTA) == 4 * SOME);
	EXPECT(!tape_find(&small.tape, MMSB_RECORD_CAPTURED, 0)->flags);
	small_close(&small);
	return 0;
}

#define IMAGES		5u		/* that may wait */
#define IMAGE_BYTES	4096u

/* How many of the pages were added to. */
static unsigned int added(struct mmsb_space *space, const uint64_t *page)
{
	unsigned int n = 0, i;
	uint64_t value;

	for (i = 0; i < SOME; i++)
		n += mmsb_read(space, page[i], 0, &value, sizeof(value), NULL) == sizeof(value) && value == 1;
	return n;
}

/* Words come many at a time; the images that they ask for are no more than may wait all the same. */
static int batch_held_up(const struct wild_config *config)
{
	uint64_t page[SOME], hash[2], deadline = now_ns() + PATIENCE;
	struct small small;
	unsigned int i;

	EXPECT(!small_open(&small, config, 0));
	for (i = 0; i < SOME; i++)
		EXPECT(!mmsb_create(small.ring, IMAGE_BYTES, &page[i]));
	EXPECT(!small_anew(&small, IMAGES * IMAGE_BYTES, MMSB_HISTORY_COMPACT) && !mmsb_history_capture(small.history, NULL));
	for (i = 0; i < SOME; i++)
		mmsb_prep_add(mmsb_get_sqe(small.ring), page[i], 0, 1);
	EXPECT(mmsb_submit(small.ring) >= 0 && !mmsb_hash(small.space, 0, hash, NULL));
	EXPECT(added(small.space, page) <= IMAGES);
	while (added(small.space, page) < SOME && now_ns() < deadline)
		EXPECT(!tape_read(&small.tape, small.history, SECOND / 100));
	EXPECT(added(small.space, page) == SOME && !tape_read(&small.tape, small.history, 0));
	EXPECT(count(&small.tape, MMSB_RECORD_IMAGE) == SOME && !tape_find(&small.tape, MMSB_RECORD_CAPTURED, 0)->flags);
	small_close(&small);
	return 0;
}

/* ------------------------------------------------------------------------------------------------------------- used ids */

/* A line that deals no more ids, and one whose next is known, are so in the restored space. */
static int used_ids(const struct wild_config *config)
{
	const uint64_t last = MMSB_PAGE_ID(~0u, 7), third = MMSB_PAGE_ID(3, 9);
	struct target target = { 0 };
	struct rng rng = { seed };
	struct mmsb_cqe cqe;
	struct small small;
	struct parts parts;
	uint64_t page;

	EXPECT(!small_open(&small, config, 0));
	EXPECT(!run_op(small.ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = last, .len = 64) && !cqe.result);
	EXPECT(!run_op(small.ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = third, .len = 64) && !cqe.result);
	EXPECT(!mmsb_destroy(small.ring, last) && !mmsb_destroy(small.ring, third));
	EXPECT(!mmsb_history_capture(small.history, NULL));
	EXPECT(!mmsb_create(small.ring, 64, &page) && !small_restores(&small));
	EXPECT(!take_apart(&small.tape, 0, &parts) && parts.images_told == 2 && !target_open(&target, small.mmsb, &rng, false));
	EXPECT(!tape_replay(&parts.images, target.ring, NULL, NULL));
	EXPECT(!run_op(target.ring, &cqe, .op = MMSB_OP_TICK, .offset = 100) && !cqe.result);
	EXPECT(!run_op(target.ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = last, .len = 64));
	EXPECT(cqe.reason == MMSB_REASON_GENERATIONS_SPENT);
	EXPECT(!run_op(target.ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = third, .len = 64));
	EXPECT(cqe.reason == MMSB_REASON_STALE_PAGE);
	target_close(&target);
	parts_free(&parts);
	small_close(&small);
	return 0;
}

/* ------------------------------------------------------------------------------------------------------------- refusals */

static int feeding(const struct wild_config *config)
{
	struct target target = { 0 }, fresh = { 0 };
	struct rng rng = { seed };
	uint64_t page[SOME], tick;
	struct small small;
	struct parts parts;
	size_t first;

	EXPECT(!small_open(&small, config, 0) && !make_pages(small.ring, page, SOME));
	EXPECT(!mmsb_history_capture(small.history, &tick) && tick == mmsb_tick(small.space));
	EXPECT(!mmsb_add(small.ring, page[1], 0, 1, NULL) && !tape_read(&small.tape, small.history, 0));
	EXPECT(!take_apart(&small.tape, 0, &parts));
	EXPECT(!target_open(&target, small.mmsb, &rng, false) && !target_open(&fresh, small.mmsb, &rng, false));
	first = tape_at(&parts.images, 0)->bytes;
	EXPECT(mmsb_replay(target.ring, tape_at(&parts.images, first)) == -EPROTO);		/* no CAPTURE */
	EXPECT(!mmsb_replay(target.ring, tape_at(&parts.images, 0)));
	EXPECT(!mmsb_replay(target.ring, tape_at(&parts.images, first)));
	EXPECT(mmsb_replay(target.ring, tape_at(&parts.after, 0)) == -EPROTO);			/* among images */
	EXPECT(mmsb_replay(target.ring, NULL) == -EPROTO);					/* no CAPTURED */
	/* As it came, from the beginning on: images are passed over. */
	EXPECT(!tape_replay(&small.tape, fresh.ring, NULL, NULL) && !compare_spaces(small.space, fresh.space));
	target_close(&target);
	target_close(&fresh);
	parts_free(&parts);
	small_close(&small);
	return 0;
}

static int wrong_ioctl(struct mmsb_history *history)
{
	struct mmsb_log_capture_args args = { .size = sizeof(args), .flags = 1 };
	int fd = mmsb_history_fd(history);

	EXPECT(ioctl(fd, MMSB_IOC_LOG_CAPTURE, &args) == -1 && errno == EINVAL && args.reason == MMSB_REASON_BAD_FLAGS);
	args = (struct mmsb_log_capture_args){ .size = sizeof(args), .reserved = 1 };
	EXPECT(ioctl(fd, MMSB_IOC_LOG_CAPTURE, &args) == -1 && errno == EINVAL && args.reason == MMSB_REASON_BAD_RESERVED);
	args = (struct mmsb_log_capture_args){ .size = 8 };
	EXPECT(ioctl(fd, MMSB_IOC_LOG_CAPTURE, &args) == -1 && errno == EINVAL);
	EXPECT(ioctl(fd, MMSB_IOC_LOG_CAPTURE + 50, &args) == -1 && errno == ENOTTY);
	return 0;
}

static int refusals(const struct wild_config *config)
{
	struct mmsb_ring *replay;
	struct mmsb_cqe cqe;
	struct small small;
	uint64_t tick = 0;

	EXPECT(!small_open(&small, config, 0));
	EXPECT(!mmsb_ring_open(small.space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_REPLAY), &replay));
	EXPECT(!run_op(replay, &cqe, .op = MMSB_OP_TICK, .offset = 4) && !cqe.result);
	EXPECT(mmsb_history_capture(small.history, &tick) == -EBUSY);		/* within a tick that is done again */
	EXPECT(!run_op(replay, &cqe, .op = MMSB_OP_TICK) && !cqe.result);
	EXPECT(!mmsb_history_capture(small.history, &tick) && tick == 4);
	EXPECT(mmsb_history_capture(small.history, &tick) == -EBUSY);
	EXPECT(!tape_read(&small.tape, small.history, 0) && !mmsb_history_capture(small.history, &tick));
	EXPECT(!home_is_kernel() || !wrong_ioctl(small.history));
	mmsb_ring_close(replay);
	small_close(&small);
	return 0;
}

static const struct wild_config configs[] = { { .shards = 1 }, { .shards = 3 }, { .shards = 2, .polled = true } };

static void test_small(void)
{
	static const struct { int (*run)(const struct wild_config *config); const char *what; } tests[] = {
		{ each_change, "each change, right after a capture" },
		{ large_pages, "large pages come in pieces" },
		{ ended_early, "captures end with a reset and with their reader" },
		{ held_up, "images count as what waits" },
		{ batch_held_up, "images of one batch count as they come" },
		{ used_ids, "ids that were used up" },
		{ feeding, "feeding images" },
		{ refusals, "refusals" },
	};
	unsigned int i, k;

	for (i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		for (k = 0; k < sizeof(configs) / sizeof(*configs); k++)
			ksft_test_result(!tests[i].run(&configs[k]), "%s, %u shards, %s\n", tests[i].what, configs[k].shards,
					 configs[k].polled ? "polled" : "inline");
}

/* ---------------------------------------------------------------------------------------------------------------- main */

static void run_all(uint64_t ops)
{
	ksft_print_msg("--seed %llu --ops %llu\n", (unsigned long long)seed, (unsigned long long)ops);
	test_recordings(ops);
	test_small();
}

int main(int argc, char **argv)
{
	seeded_main(argc, argv, &seed, scaled(9000) + 60, run_all);
}
