// SPDX-License-Identifier: GPL-2.0-only
/*
 * History as a value: what a space tells of itself is done again in others, with other numbers of shards, in the other home, and must come
 * to the same hash at every tick and to the same pages, epochs, ticks, rules and signatures at the end; and nothing is lost on the way.
 *
 * `history --seed N --ops N` replays what a failure printed. $MMSB_SOAK: goes on with new seeds for that many seconds.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include "kselftest.h"
#include "common/expect.h"
#include "common/seeded.h"
#include "common/tape.h"
#include "common/wild.h"

#define MAX_SHARDS	8u

#ifdef __SANITIZE_THREAD__
#define TSAN		true
#else
#define TSAN		false
#endif

static uint64_t seed;

/* ------------------------------------------------------------------------------------------------------------- replays */

static const struct wild_config targets[] = {
	{ .shards = 1 }, { .shards = 2 }, { .shards = 3 }, { .shards = 8 },
	{ .shards = 1, .polled = true }, { .shards = 3, .polled = true },
};
#define TARGETS (sizeof(targets) / sizeof(*targets))

static struct mmsb_ring *open_replay(struct mmsb_space *space, bool polled, uint32_t shard, uint32_t compare)
{
	struct mmsb_ring *ring;

	if (mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_REPLAY | (polled ? MMSB_RING_POLLED : 0),
					    .shard = shard + 1, .sq_entries = 32, .payload_bytes = 1 << 20, .compare = compare), &ring)) {
		printf("# opening a replay ring: %s\n", mmsb_strerror_last());
		return NULL;
	}
	return ring;
}

/* Replays into a fresh space, which must then be as the original is; and what it told of that, into one more. */
static int replay_into(const struct tape *tape, struct mmsb_space *original, struct mmsb *mmsb, const struct wild_config *config,
		       bool again)
{
	struct mmsb_history *history = NULL;
	struct mmsb_space *space = NULL;
	struct mmsb_ring *ring = NULL;
	struct tape copy = { 0 };
	int err;

	err = wild_space(mmsb, config, WILD_PAGES * (MAX_SHARDS + 1), &space);
	if (!err && again)
		err = mmsb_history_open(space, NULL, &history);
	if (!err)
		ring = open_replay(space, config->polled, config->shards - 1, 0);
	if (!err)
		err = ring ? tape_replay(tape, ring, history, &copy) : -1;
	if (!err)
		err = wild_compare(original, space);
	mmsb_ring_close(ring);
	if (!err)
		err = wild_compare(original, space);
	if (!err && again) {
		err = tape->deltas == copy.deltas && tape->ticks == copy.ticks ? 0 : -1;
		if (err)
			printf("# a replay tells of %llu deltas in %llu ticks instead of %llu in %llu\n", (unsigned long long)copy.deltas,
			       (unsigned long long)copy.ticks, (unsigned long long)tape->deltas, (unsigned long long)tape->ticks);
	}
	if (!err && again) {
		struct wild_config next = targets[rng_below(&(struct rng){ seed }, TARGETS)];

		next.lazy = config->lazy;
		err = replay_into(&copy, original, mmsb, &next, false);
	}
	tape_free(&copy);
	mmsb_history_close(history);
	mmsb_space_close(space);
	return err;
}

/* Into all of them; what is slowest takes every third, so three recordings have all. */
static int replay_home(const struct tape *tape, struct mmsb_space *original, const char *home)
{
	static uint64_t recordings;
	unsigned int step = is_slowest_home() ? 3 : 1, i = (unsigned int)((seed + recordings++) % step);
	struct wild_config config;
	struct mmsb *mmsb;
	int err = mmsb_open(&mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = home));
	struct mmsb_space_info_args info = { .size = sizeof(info) };

	mmsb_space_info(original, &info);
	for (; !err && i < TARGETS; i += step) {
		config = targets[i];
		config.lazy = info.flags & MMSB_SPACE_LAZY;
		err = replay_into(tape, original, mmsb, &config, i % 3 == 1);
		if (err)
			printf("# into %u shards, %s, %s home\n", config.shards, config.polled ? "polled" : "inline", home);
	}
	mmsb_close(mmsb);
	return err;
}

/* In the process always, and in the kernel where the test runs for it. */
static int replay_everywhere(const struct tape *tape, struct mmsb_space *original)
{
	int err = replay_home(tape, original, "embedded");

	return err || !home_is_kernel() ? err : replay_home(tape, original, "kernel");
}

/* ----------------------------------------------------------------------------------------------------------- recording */

static void *read_thread(void *arg);

struct recording {
	struct wild wild;
	struct mmsb_history *history;
	struct tape tape;
	pthread_t reader, other;
	bool stop;
};

static int recording_open(struct recording *rec, const char *home, const struct wild_config *config, uint64_t limit)
{
	int err;

	memset(rec, 0, sizeof(*rec));
	err = wild_open(&rec->wild, home, config, seed);
	if (!err)
		err = mmsb_history_open(rec->wild.space, MMSB_OPTS(struct mmsb_history_opts, .limit = limit), &rec->history);
	return err;
}

static void recording_close(struct recording *rec)
{
	mmsb_history_close(rec->history);
	wild_close(&rec->wild);
	tape_free(&rec->tape);
}

static void *read_thread(void *arg)
{
	struct recording *rec = arg;
	int err = 0;

	while (!err && !__atomic_load_n(&rec->stop, __ATOMIC_ACQUIRE))
		err = tape_read(&rec->tape, rec->history, SECOND / 100);
	return (void *)(long)err;
}

static void stop_threads(struct recording *rec)
{
	__atomic_store_n(&rec->stop, true, __ATOMIC_RELEASE);
	if (rec->reader)
		pthread_join(rec->reader, NULL);
	if (rec->other)
		pthread_join(rec->other, NULL);
	rec->reader = rec->other = 0;
}

/* The rest of what was told; every delta that did something is there, and nothing else. */
static int finish(struct recording *rec)
{
	struct wild *wild = &rec->wild;
	int err;

	stop_threads(rec);
	err = tape_read(&rec->tape, rec->history, 0);
	ksft_print_msg("%llu entries, %llu refused; %llu deltas told in %llu ticks, %zu bytes\n",
		       (unsigned long long)(wild->hand[0].ops + wild->hand[1].ops + wild->hand[2].ops),
		       (unsigned long long)(wild->hand[0].refused + wild->hand[1].refused + wild->hand[2].refused),
		       (unsigned long long)rec->tape.deltas, (unsigned long long)rec->tape.ticks, rec->tape.used);
	return err;
}

static const struct {
	struct wild_config config;
	bool threads;
	uint64_t limit;		/* with threads */
} recordings[] = {
	{ { .shards = 1 } },
	{ { .shards = 3 } },
	{ { .shards = 8 } },
	{ { .shards = 2, .lazy = true } },
	{ { .shards = 1, .polled = true, .lazy = true } },
	{ { .shards = 3, .polled = true } },
	{ { .shards = 1 }, true, 16 << 10 },
	{ { .shards = 2 }, true },
	{ { .shards = 3 }, true, 64 << 10 },
	{ { .shards = 2, .polled = true }, true, 64 << 10 },
	{ { .shards = 8, .polled = true }, true },
};
#define RECORDINGS (sizeof(recordings) / sizeof(*recordings))

static int record_and_replay(unsigned int i, const char *home, uint64_t ops)
{
	static struct recording rec;
	int err = recording_open(&rec, home, &recordings[i].config, recordings[i].limit);

	if (!err && recordings[i].threads) {
		pthread_create(&rec.reader, NULL, read_thread, &rec);
		err = wild_run_threads(&rec.wild, ops);
	} else if (!err) {
		err = wild_run(&rec.wild, ops);
	}
	if (!err)
		err = finish(&rec);
	if (!err)
		err = replay_everywhere(&rec.tape, rec.wild.space);
	stop_threads(&rec);
	recording_close(&rec);
	return err;
}

static void test_recordings(uint64_t ops)
{
	static const char *const homes[] = { "embedded", "kernel" };
	unsigned int i, h;

	for (h = 0; h < (home_is_kernel() ? 2 : 1); h++)
		for (i = 0; i < RECORDINGS; i++)
			ksft_test_result(!record_and_replay(i, homes[h], ops), "recorded with %u shards, %s, %s, %s%s\n",
					 recordings[i].config.shards, recordings[i].config.polled ? "polled" : "inline",
					 recordings[i].threads ? "in threads" : "in turn", homes[h], recordings[i].config.lazy ? ", lazy" : "");
}

/* ------------------------------------------------------------------------------------- clients that do not hold still */

/* Writes to the payload areas of all hands while their operands are read there. */
static void *scribble(void *arg)
{
	struct recording *rec = arg;
	struct rng rng = { seed };
	unsigned int i;

	while (!__atomic_load_n(&rec->stop, __ATOMIC_ACQUIRE)) {
		for (i = 0; i < 50; i++) {
			volatile uint8_t *byte = rec->wild.hand[i % WILD_HANDS].payload + rng_below(&rng, 6000);

			*byte = rng_once_in(&rng, 2) ? 0xff : rng_next(&rng);
		}
		if (rng_once_in(&rng, 4))
			sched_yield();
	}
	return NULL;
}

static int scribbled(const struct wild_config *config, uint64_t ops)
{
	static struct recording rec;
	int err = recording_open(&rec, NULL, config, 0);

	if (!err) {
		pthread_create(&rec.other, NULL, scribble, &rec);
		err = wild_run_threads(&rec.wild, ops);
	}
	if (!err)
		err = finish(&rec);
	if (!err)
		err = replay_everywhere(&rec.tape, rec.wild.space);
	stop_threads(&rec);
	recording_close(&rec);
	return err;
}

#define SPARSE_BYTES	16384u

struct flicker {
	volatile uint8_t *mask;
	bool stop;
};

static void *flicker(void *arg)
{
	struct flicker *f = arg;
	struct rng rng = { seed };

	while (!__atomic_load_n(&f->stop, __ATOMIC_ACQUIRE))
		f->mask[rng_below(&rng, SPARSE_BYTES / 8)] = rng_next(&rng);
	return NULL;
}

static int sparse_deltas(struct mmsb_ring *ring, uint64_t page, uint64_t n)
{
	uint8_t *payload = mmsb_payload(ring, NULL);
	struct mmsb_cqe cqe;
	int err = 0;

	while (!err && n--) {
		memset(payload + SPARSE_BYTES / 8, 1 + n % 200, SPARSE_BYTES);
		err = run_op(ring, &cqe, .op = MMSB_OP_MASK_SPARSE, .flags = MMSB_SQE_PAYLOAD, .page = page, .len = SPARSE_BYTES) ?: cqe.result;
	}
	return err;
}

/* A mask that has more bits when it is read than when they were counted: there are no values for these. */
static int sparse_mask(const struct wild_config *config)
{
	struct mmsb_history *history = NULL;
	struct mmsb_space *space = NULL;
	struct mmsb_ring *ring = NULL;
	struct tape tape = { 0 };
	struct flicker f = { 0 };
	struct mmsb *mmsb;
	pthread_t thread;
	uint64_t page;
	int err = mmsb_open(&mmsb, NULL);

	err = err ?: wild_space(mmsb, config, WILD_PAGES, &space) ?: mmsb_history_open(space, NULL, &history);
	err = err ?: mmsb_ring_open(space, NULL, &ring) ?: mmsb_create(ring, SPARSE_BYTES, &page);
	if (!err) {
		f.mask = mmsb_payload(ring, NULL);
		pthread_create(&thread, NULL, flicker, &f);
		err = sparse_deltas(ring, page, scaled(1000) + 20);
		__atomic_store_n(&f.stop, true, __ATOMIC_RELEASE);
		pthread_join(thread, NULL);
	}
	err = err ?: tape_read(&tape, history, 0) ?: replay_everywhere(&tape, space);
	tape_free(&tape);
	mmsb_history_close(history);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	mmsb_close(mmsb);
	return err;
}

/* ------------------------------------------------------------------------------------------- marks: resets and switches */

static void *switch_hash(void *arg)
{
	struct recording *rec = arg;
	bool on = true;

	while (!__atomic_load_n(&rec->stop, __ATOMIC_ACQUIRE)) {
		on = !on;
		mmsb_hash(rec->wild.space, on ? MMSB_HASH_ON : MMSB_HASH_OFF, NULL, NULL);
		usleep(300);
	}
	return NULL;
}

static int marked(const struct wild_config *config, uint64_t ops)
{
	static struct recording rec;
	int err = recording_open(&rec, NULL, config, 0);

	if (!err)
		err = wild_run(&rec.wild, ops / 4);
	if (!err)
		err = mmsb_space_reset(rec.wild.space);
	if (!err) {
		wild_forget(&rec.wild);
		pthread_create(&rec.reader, NULL, read_thread, &rec);
		pthread_create(&rec.other, NULL, switch_hash, &rec);
		err = wild_run_threads(&rec.wild, ops);
	}
	if (!err)
		err = mmsb_space_reset(rec.wild.space);
	wild_forget(&rec.wild);
	if (!err)
		err = wild_run_threads(&rec.wild, ops / 4);
	stop_threads(&rec);
	err = err ?: mmsb_hash(rec.wild.space, MMSB_HASH_OFF, NULL, NULL) ?: wild_run(&rec.wild, ops / 4);
	if (!err)
		err = mmsb_hash(rec.wild.space, MMSB_HASH_ON, NULL, NULL);
	if (!err)
		err = finish(&rec);
	if (!err && rec.tape.marks < 5)
		err = -1;
	if (!err)
		err = replay_everywhere(&rec.tape, rec.wild.space);
	recording_close(&rec);
	return err;
}

/* ------------------------------------------------------------------------------------------------------------ the limit */

#define LIMIT		(32u << 10)
#define LIMIT_PAGES	8

struct flood {
	struct mmsb_space *space;
	uint64_t pages[LIMIT_PAGES];
	uint64_t sets;
	uint32_t flags;
	int result;
};

/* All of one shard, which is not the writer's if there is another: what one shard takes in, that one tells. */
static int flood_pages(struct flood *flood, uint32_t shards)
{
	struct mmsb_ring *ring;
	struct mmsb_cqe cqe;
	unsigned int i;
	int err = mmsb_ring_open(flood->space, NULL, &ring);

	for (i = 0; !err && i < LIMIT_PAGES; i++) {
		flood->pages[i] = MMSB_PAGE_ID(1, (shards - 1) * 1024 + i);
		err = run_op(ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .len = 64, .page = flood->pages[i]) ?: cqe.result;
	}
	mmsb_ring_close(ring);
	return err;
}

/* The last queue full is left to be applied when the ring is closed. */
static void *flood_thread(void *arg)
{
	struct flood *flood = arg;
	struct mmsb_ring *ring;
	struct mmsb_cqe cqe;
	uint64_t i, seen = 0;
	int err = mmsb_ring_open(flood->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = flood->flags, .sq_entries = 64, .shard = 1),
				 &ring);

	for (i = 1; !err && i <= flood->sets; i++) {
		struct mmsb_sqe *sqe;

		while (!err && !(sqe = mmsb_get_sqe(ring))) {
			err = mmsb_sq_wait(ring, PATIENCE);
			err = err == -EBUSY ? 0 : err;
			while (mmsb_peek_cqe(ring, &cqe) > 0)
				seen += cqe.result == 0;
		}
		if (!err)
			mmsb_prep_set(sqe, flood->pages[i % LIMIT_PAGES], 0, &i, sizeof(i));
	}
	if (!err && mmsb_submit(ring) < 0)
		err = -1;
	mmsb_ring_close(ring);
	flood->result = err;
	return NULL;
}

static uint64_t deltas_of(struct mmsb_space *space)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };

	return mmsb_space_info(space, &info) ? 0 : info.deltas;
}

/* Nothing has been applied for a while. */
static uint64_t standstill(struct mmsb_space *space)
{
	uint64_t before = 0, now = deltas_of(space);

	while (now == 0 || before != now) {
		usleep(200000);
		before = now;
		now = deltas_of(space);
	}
	return now;
}

static int limited(const struct wild_config *config)
{
	/* what may be under way between shards when they are told to stop, and what one batch may add */
	uint64_t at_most = LIMIT / sizeof(struct mmsb_delta_record) + config->shards * (128 + 64) + 64;
	struct flood flood = { .sets = at_most + 2000, .flags = config->polled ? MMSB_RING_POLLED : 0 };
	struct tape tape = { 0 };
	struct mmsb_history *history;
	pthread_t thread;
	struct mmsb *mmsb;
	uint64_t stood, end = now_ns() + PATIENCE;
	int err = mmsb_open(&mmsb, NULL);

	err = err ?: wild_space(mmsb, config, 65536, &flood.space);
	err = err ?: flood_pages(&flood, config->shards);
	err = err ?: mmsb_history_open(flood.space, MMSB_OPTS(struct mmsb_history_opts, .limit = LIMIT), &history);
	if (err)
		return err;
	pthread_create(&thread, NULL, flood_thread, &flood);
	stood = standstill(flood.space) - LIMIT_PAGES;
	if (stood > at_most || stood < LIMIT / 2 / (sizeof(struct mmsb_delta_record) + sizeof(struct mmsb_hash_record))) {
		printf("# stood still at %llu deltas, expected %llu at most\n", (unsigned long long)stood, (unsigned long long)at_most);
		err = -1;
	}
	while (!err && tape.deltas < flood.sets && now_ns() < end)
		err = tape_read(&tape, history, SECOND / 10);
	pthread_join(thread, NULL);
	err = err ?: tape_read(&tape, history, 0) ?: flood.result;
	if (!err && tape.deltas != flood.sets) {
		printf("# %llu of %llu were told\n", (unsigned long long)tape.deltas, (unsigned long long)flood.sets);
		err = -1;
	}
	mmsb_history_close(history);
	tape_free(&tape);
	mmsb_space_close(flood.space);
	mmsb_close(mmsb);
	return err;
}

/* Nobody reads, and the writer goes: what it published is applied, and it does not wait for ever. */
static int closed_while_full(const struct wild_config *config)
{
	struct flood flood = { .sets = 60 };
	struct mmsb_history *history;
	struct tape tape = { 0 };
	struct mmsb *mmsb;
	int err = mmsb_open(&mmsb, NULL);

	err = err ?: wild_space(mmsb, config, 65536, &flood.space);
	err = err ?: flood_pages(&flood, config->shards);
	err = err ?: mmsb_history_open(flood.space, MMSB_OPTS(struct mmsb_history_opts, .limit = 1), &history);
	if (err)
		return err;
	flood_thread(&flood);
	err = flood.result ?: tape_read(&tape, history, 0);
	if (!err && tape.deltas != flood.sets)
		err = -1;
	tape_free(&tape);
	mmsb_history_close(history);
	mmsb_space_close(flood.space);
	mmsb_close(mmsb);
	return err;
}

/* ----------------------------------------------------------------------------------------------------------- refusals */

static enum mmsb_reason tick_op(struct mmsb_ring *ring, uint64_t number)
{
	struct mmsb_cqe cqe;

	return run_op(ring, &cqe, .op = MMSB_OP_TICK, .offset = number) ? MMSB_REASON_LAST : cqe.reason;
}

static enum mmsb_reason create_op(struct mmsb_ring *ring, uint64_t page)
{
	struct mmsb_cqe cqe;

	return run_op(ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = page, .len = 64) ? MMSB_REASON_LAST : cqe.reason;
}

static int refusals(const struct wild_config *config)
{
	struct mmsb_history *history, *second;
	struct mmsb_ring *ring, *replay, *more;
	uint64_t hash[2], fresh[2], tick;
	struct mmsb_space *space;
	struct mmsb *mmsb;
	int64_t value = 5;

	EXPECT(!mmsb_open(&mmsb, NULL) && !wild_space(mmsb, config, 8192, &space));
	EXPECT(!mmsb_ring_open(space, NULL, &ring));
	EXPECT(!mmsb_history_open(space, NULL, &history));
	EXPECT(mmsb_history_open(space, NULL, &second) == -EBUSY && !second);
	mmsb_history_close(history);
	EXPECT(!mmsb_history_open(space, NULL, &history));
	EXPECT(tick_op(ring, 9) == MMSB_REASON_NOT_REPLAYING);
	EXPECT(mmsb_replay(ring, NULL) == -EPERM);
	EXPECT(create_op(ring, MMSB_PAGE_ID(1, 1024)) == 0 && create_op(ring, MMSB_PAGE_ID(1, 2)) == 0);

	replay = open_replay(space, config->polled, 0, 0);
	EXPECT(replay);
	EXPECT(mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_REPLAY), &more) == -EBUSY);
	EXPECT(create_op(ring, MMSB_PAGE_ID(1, 3)) == MMSB_REASON_REPLAYING);
	EXPECT(tick_op(ring, 100) == MMSB_REASON_NOT_REPLAYING);
	EXPECT(create_op(replay, MMSB_PAGE_ID(1, 3)) == MMSB_REASON_BAD_TICK);	/* none has begun */
	EXPECT(tick_op(replay, mmsb_tick(space)) == MMSB_REASON_BAD_TICK);
	EXPECT(tick_op(replay, 50) == 0 && mmsb_tick(space) == 50);
	EXPECT(tick_op(replay, 50) == MMSB_REASON_BAD_TICK && tick_op(replay, 49) == MMSB_REASON_BAD_TICK);
	EXPECT(create_op(ring, MMSB_PAGE_ID(1, 3)) == MMSB_REASON_REPLAYING);

	/* closed in the middle of a tick: what follows from it follows */
	EXPECT(!mmsb_derive_fold(replay, MMSB_PAGE_ID(1, 2), MMSB_RULE_SUM, MMSB_LANE_I64, (uint64_t[]){ MMSB_PAGE_ID(1, 1024) }, NULL, 1,
				 NULL));
	EXPECT(!mmsb_set(replay, MMSB_PAGE_ID(1, 1024), 8, &value, sizeof(value), NULL));
	EXPECT(mmsb_read(space, MMSB_PAGE_ID(1, 2), 0, &value, 8, NULL) == 8 && value == 0);
	mmsb_ring_close(replay);
	EXPECT(mmsb_read(space, MMSB_PAGE_ID(1, 2), 0, &value, 8, NULL) == 8 && value == 5);
	EXPECT(!mmsb_hash(space, 0, hash, &tick) && tick == 50);
	EXPECT(!mmsb_hash(space, MMSB_HASH_RECOMPUTE, fresh, NULL) && !memcmp(hash, fresh, sizeof(hash)));
	EXPECT(create_op(ring, MMSB_PAGE_ID(1, 3)) == 0 && mmsb_tick(space) > 50);
	mmsb_history_close(history);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	mmsb_close(mmsb);
	return 0;
}

/* Who may only read a space is not told its history, and does none again in it. */
static int read_only(void)
{
	struct mmsb_space *space, *looked_at;
	struct mmsb_history *history;
	struct mmsb_ring *ring;
	struct mmsb *mmsb;

	EXPECT(!mmsb_open(&mmsb, NULL));
	EXPECT(!mmsb_space_open(mmsb, "history-test", MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE), &space));
	EXPECT(!mmsb_space_open(mmsb, "history-test", MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_READ_ONLY), &looked_at));
	EXPECT(mmsb_history_open(looked_at, NULL, &history) == -EPERM && !history);
	EXPECT(mmsb_ring_open(looked_at, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_REPLAY), &ring) == -EPERM);
	EXPECT(!mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_REPLAY), &ring));
	mmsb_ring_close(ring);
	mmsb_close(mmsb);
	return 0;
}

struct later {
	struct mmsb_ring *ring;
	uint64_t page;
};

static void *create_later(void *arg)
{
	const struct later *later = arg;

	usleep(50000);
	create_op(later->ring, later->page);
	return NULL;
}

/* The descriptor by itself: whole records only, nothing lost for want of room, and who waits is woken. */
static int descriptor(void)
{
	struct { struct mmsb_delta_record delta; struct mmsb_hash_record tick; } made;
	struct pollfd look = { .events = POLLIN };
	struct mmsb_hash_record hash;
	struct mmsb_history *history;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb *mmsb;
	pthread_t thread;
	char small[sizeof(hash) - 8];

	EXPECT(!mmsb_open(&mmsb, NULL) && !wild_space(mmsb, &(struct wild_config){ .shards = 2 }, 8192, &space));
	EXPECT(!mmsb_ring_open(space, NULL, &ring) && !mmsb_history_open(space, NULL, &history));
	look.fd = mmsb_history_fd(history);
	EXPECT(look.fd >= 0 && poll(&look, 1, 0) == 1 && look.revents == POLLIN);
	EXPECT(read(look.fd, small, sizeof(small)) == -1 && errno == EMSGSIZE && poll(&look, 1, 0) == 1);
	EXPECT(read(look.fd, &hash, sizeof(hash)) == sizeof(hash) && hash.record.type == MMSB_RECORD_HASH);
	EXPECT(poll(&look, 1, 0) == 0 && read(look.fd, &hash, sizeof(hash)) == -1 && errno == EAGAIN);
	EXPECT(create_op(ring, MMSB_PAGE_ID(1, 0)) == 0 && poll(&look, 1, 0) == 1);
	EXPECT(read(look.fd, &made, sizeof(made) - 1) == sizeof(made.delta) && made.delta.sqe.op == MMSB_OP_CREATE);
	EXPECT(read(look.fd, &made.tick, sizeof(made.tick)) == sizeof(made.tick) && made.tick.record.type == MMSB_RECORD_TICK);

	pthread_create(&thread, NULL, create_later, &(struct later){ ring, MMSB_PAGE_ID(1, 1) });
	EXPECT(poll(&look, 1, 60000) == 1);
	pthread_join(thread, NULL);
	EXPECT(read(look.fd, &made, sizeof(made)) == sizeof(made) && made.delta.sqe.page == MMSB_PAGE_ID(1, 1));
	EXPECT(create_op(ring, MMSB_PAGE_ID(1, 1)) == MMSB_REASON_PAGE_EXISTS && poll(&look, 1, 0) == 0);	/* refused, so not told */
	EXPECT(!fcntl(look.fd, F_SETFL, 0));
	pthread_create(&thread, NULL, create_later, &(struct later){ ring, MMSB_PAGE_ID(1, 2) });
	EXPECT(read(look.fd, &made, sizeof(made)) >= (ssize_t)sizeof(made.delta) && made.delta.sqe.page == MMSB_PAGE_ID(1, 2));
	pthread_join(thread, NULL);
	mmsb_history_close(history);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	mmsb_close(mmsb);
	return 0;
}

/* A record that says something else is noticed at its tick. */
static int noticed(const struct wild_config *config, uint64_t ops)
{
	static struct recording rec;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_hash_record *tick;
	char wanted[32];
	int err;

	EXPECT(!recording_open(&rec, NULL, config, 0));
	do {	/* few operations may all be refused */
		EXPECT(!wild_run(&rec.wild, ops) && !tape_read(&rec.tape, rec.history, 0));
	} while (rec.tape.ticks < 2);
	tick = (struct mmsb_hash_record *)tape_find(&rec.tape, MMSB_RECORD_TICK, rec.tape.ticks / 2);
	tick->hash[1]++;
	snprintf(wanted, sizeof(wanted), "tick %llu:", tick->record.tick);
	EXPECT(!wild_space(rec.wild.mmsb, config, WILD_PAGES * 9, &space));
	ring = open_replay(space, config->polled, 0, 0);
	EXPECT(ring);
	fflush(stdout);
	err = tape_replay(&rec.tape, ring, NULL, NULL);
	EXPECT(err == -EBADMSG && strstr(mmsb_strerror_last(), wanted));
	mmsb_ring_close(ring);
	mmsb_space_close(space);

	/* so is a delta that is done twice */
	tick->hash[1]--;
	EXPECT(!wild_space(rec.wild.mmsb, config, WILD_PAGES * 9, &space));
	ring = open_replay(space, config->polled, 0, MMSB_NO_COMPARE);
	EXPECT(ring && !mmsb_replay(ring, tape_find(&rec.tape, MMSB_RECORD_DELTA, 0)));
	EXPECT(!mmsb_replay(ring, tape_find(&rec.tape, MMSB_RECORD_DELTA, 0)));		/* twice: it exists already */
	EXPECT(mmsb_replay(ring, NULL) == -EBADMSG);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	recording_close(&rec);
	return 0;
}

/* ---------------------------------------------------------------------------------------------------------- reset, pool */

static int record_run(struct recording *rec, uint64_t ops)
{
	int err = mmsb_history_open(rec->wild.space, NULL, &rec->history);

	err = err ?: wild_run(&rec->wild, ops);
	return err ?: tape_read(&rec->tape, rec->history, 0);
}

/* A space that was used and reset, and a new one, go through the same and tell the same, byte for byte. */
static int reset_is_fresh(const struct wild_config *config, uint64_t ops)
{
	static struct recording used, fresh;
	unsigned int i;
	int err;

	memset(&used, 0, sizeof(used));
	memset(&fresh, 0, sizeof(fresh));
	err = wild_open(&used.wild, NULL, config, ~seed) ?: wild_open(&fresh.wild, NULL, config, seed);
	err = err ?: wild_run(&used.wild, ops) ?: mmsb_space_reset(used.wild.space);
	wild_forget(&used.wild);
	for (i = 0; i < WILD_HANDS; i++) {
		used.wild.hand[i].rng = fresh.wild.hand[i].rng;
		used.wild.hand[i].ops = 0;
		memset(used.wild.hand[i].payload, 0, WILD_PAYLOAD);
	}
	err = err ?: record_run(&used, ops) ?: record_run(&fresh, ops);
	tape_forget_times(&used.tape);
	tape_forget_times(&fresh.tape);
	if (!err && (used.tape.used != fresh.tape.used || memcmp(used.tape.bytes, fresh.tape.bytes, used.tape.used))) {
		printf("# a space that was reset told another history than a new one\n");
		err = -1;
	}
	err = err ?: wild_compare(used.wild.space, fresh.wild.space);
	recording_close(&used);
	recording_close(&fresh);
	return err;
}

/* ------------------------------------------------------------------------------------------------ coming and going */

static void *run_thread(void *arg)
{
	struct recording *rec = arg;
	int err = 0;

	while (!err && !__atomic_load_n(&rec->stop, __ATOMIC_ACQUIRE))
		err = wild_run_threads(&rec->wild, 300);
	return (void *)(long)err;
}

static int open_and_close(const struct wild_config *config, uint64_t rounds)
{
	static struct recording rec;
	struct rng rng = { seed };
	uint64_t hash[2], fresh[2];
	int err;

	memset(&rec, 0, sizeof(rec));
	err = wild_open(&rec.wild, NULL, config, seed);
	pthread_create(&rec.other, NULL, run_thread, &rec);
	while (!err && rounds--) {
		uint64_t limit = rng_once_in(&rng, 2) ? 4096 : 0;
		const struct mmsb_record *record;
		unsigned int n = rng_below(&rng, 60);

		err = mmsb_history_open(rec.wild.space, MMSB_OPTS(struct mmsb_history_opts, .limit = limit), &rec.history);
		while (!err && n--)
			err = mmsb_history_next(rec.history, &record, PATIENCE);
		if (rng_once_in(&rng, 4))
			usleep(rng_below(&rng, 2000));
		mmsb_history_close(rec.history);
		rec.history = NULL;
	}
	stop_threads(&rec);
	err = err ?: mmsb_hash(rec.wild.space, 0, hash, NULL) ?: mmsb_hash(rec.wild.space, MMSB_HASH_RECOMPUTE, fresh, NULL);
	if (!err && memcmp(hash, fresh, sizeof(hash)))
		err = -1;
	recording_close(&rec);
	return err;
}

/* ---------------------------------------------------------------------------------------------------------------- main */

static const struct wild_config inline_1 = { .shards = 1 }, inline_3 = { .shards = 3 }, polled_1 = { .shards = 1, .polled = true },
				polled_3 = { .shards = 3, .polled = true };

static void run_all(uint64_t ops)
{
	static const struct wild_config *const both[] = { &inline_1, &inline_3, &polled_1, &polled_3 };
	unsigned int i;

	ksft_print_msg("--seed %llu --ops %llu\n", (unsigned long long)seed, (unsigned long long)ops);
	test_recordings(ops);
	for (i = 0; i < 4; i++) {
		const struct wild_config *config = both[i];
		const char *mode = config->polled ? "polled" : "inline";

		if (TSAN)
			ksft_test_result_skip("operands change while they are read: a race of the client's making\n");
		else
			ksft_test_result(!scribbled(config, ops) && !sparse_mask(config),
					 "operands change while they are read, %u shards, %s\n", config->shards, mode);
		ksft_test_result(!marked(config, ops), "resets and switches of the hash in the middle, %u shards, %s\n", config->shards, mode);
		ksft_test_result(!limited(config), "rings stand still and go on, %u shards, %s\n", config->shards, mode);
		ksft_test_result(!closed_while_full(config), "nobody reads, %u shards, %s\n", config->shards, mode);
		ksft_test_result(!refusals(config), "refusals, %u shards, %s\n", config->shards, mode);
		ksft_test_result(!noticed(config, ops / 4), "differences are noticed, %u shards, %s\n", config->shards, mode);
		ksft_test_result(!open_and_close(config, scaled(200) + 10), "opened and closed under load, %u shards, %s\n",
				 config->shards, mode);
	}
	ksft_test_result(!read_only(), "read-only\n");
	if (home_is_kernel())
		ksft_test_result(!descriptor(), "the descriptor\n");
	else
		ksft_test_result_skip("the descriptor: the embedded home has none\n");
	ksft_test_result(!reset_is_fresh(&inline_1, ops), "reset is fresh, 1 shard\n");
	ksft_test_result(!reset_is_fresh(&inline_3, ops), "reset is fresh, 3 shards\n");
}

int main(int argc, char **argv)
{
	seeded_main(argc, argv, &seed, scaled(3000) + 40, run_all);
}
