// SPDX-License-Identifier: GPL-2.0-only
/*
 * Other stores beside MMSB, doing the same on the same disk under the same promise: adding one to a number of eight bytes, one of
 * 1,000, each update waited for, or 64 at once. Strict: it is on the disk when it is said to be done. Buffered: it soon will be.
 *
 * A promise is named by the peer's own word for it.
 */
#include <stdlib.h>
#include "kit.h"
#include "store.h"

#define TOGETHER	64u
#define STRIDE		389u		/* has no divisor in common with the number of keys, and takes neighbours apart */
#define CLOCK		16u		/* calls between two looks at the clock */
#define SLICE		80000000u	/* ns of a measurement */

struct contest {
	const char *store, *promise;
	uint32_t mode;			/* MMSB's */
	unsigned int together;
};

struct scene {
	struct kit *kit;
	const struct peer *peer;
	void *db;
	char dir[128];
	unsigned int together;
	uint64_t slice, added;			/* to the peer's numbers */
	uint32_t keys[PEER_KEYS + TOGETHER];	/* goes round, so that 64 can be taken from any place */
	uint32_t at;
};

static const char *why_missing(const void *what)
{
	return store_missing(((const struct contest *)what)->store);
}

/* ------------------------------------------------------------------------------------------------------- the scene */

static void open_kit(struct scene *scene, const struct bench_opts *bench, uint32_t mode)
{
	const struct mmsb_log_opts log = { .size = sizeof(log), .mode = mode };
	struct kit_opts opts = { .pages = PEER_KEYS, .page_bytes = 64, .entries = 1024, .log = &log };

	scene->kit = kit_open(bench, &opts);
}

/* The threads and processes that a peer makes go where the one that waits for it is not, as those of the log do. */
static void *open_contest(const struct bench_opts *bench)
{
	const struct contest *contest = bench->what;
	struct scene *scene = bench_alloc(sizeof(*scene));
	uint32_t i;

	for (i = 0; i < PEER_KEYS + TOGETHER; i++)
		scene->keys[i] = i * STRIDE % PEER_KEYS;
	scene->together = contest->together;
	scene->slice = SLICE / bench->divisor;
	open_kit(scene, bench, contest->mode);
	scene->peer = store_find(contest->store);
	kit_make_dir(scene->dir);
	bench_place(true);
	scene->db = scene->peer->open(scene->dir, contest->promise);
	bench_place(false);
	return scene;
}

static void close_contest(void *arg)
{
	struct scene *scene = arg;
	uint64_t sum = scene->peer->sum(scene->db);

	if (sum != scene->added)
		bench_die("%lu updates were sent to the peer, but it has %lu", (unsigned long)scene->added, (unsigned long)sum);
	scene->peer->close(scene->db);
	kit_remove_dir(scene->dir);
	kit_close(scene->kit);
	free(scene);
}

/* ------------------------------------------------------------------------------------------------------- measuring */

static void add_here(struct scene *scene, const uint32_t *keys)
{
	struct kit *kit = scene->kit;
	struct mmsb_cqe cqe;
	unsigned int i;

	for (i = 0; i < scene->together; i++)
		mmsb_prep_add(mmsb_get_sqe(kit->ring), kit->pages[keys[i]], 0, 1);
	bench_check(mmsb_submit(kit->ring), "mmsb_submit");
	for (i = 0; i < scene->together; i++) {
		bench_check(mmsb_wait_cqe(kit->ring, &cqe, MMSB_FOREVER), "mmsb_wait_cqe");
		bench_check(cqe.result, "a delta beside a peer");
	}
	kit->sent += scene->together;
}

static void add_there(struct scene *scene, const uint32_t *keys)
{
	scene->peer->add(scene->db, keys, scene->together);
	scene->added += scene->together;
}

/* Thousands of updates a second, by the clock on the wall, for both wait for the disk. */
static inline double rate(struct scene *scene, void (*add)(struct scene *scene, const uint32_t *keys))
{
	uint64_t start = bench_now(), now, done = 0;
	unsigned int i;

	do {
		for (i = 0; i < CLOCK; i++) {
			add(scene, scene->keys + scene->at);
			scene->at = (scene->at + scene->together) % PEER_KEYS;
		}
		done += (uint64_t)CLOCK * scene->together;
		now = bench_now();
	} while (now - start < scene->slice);
	return (double)done * 1e6 / (double)(now - start);
}

static double rate_here(void *arg)
{
	return rate(arg, add_here);
}

static double rate_there(void *arg)
{
	return rate(arg, add_there);
}

/* -------------------------------------------------------------------------------------------------------- the list */

#define CONTEST(STORE, PROMISE, MODE, TITLE, N, SUFFIX)										\
	{ .name = "peer_" STORE "_" PROMISE "_" SUFFIX, .params = "\"keys\": 1000, \"outstanding\": " #N, .unit = "k/s",		\
	  .flags = BENCH_MORE_IS_BETTER, .open = open_contest, .close = close_contest, .measure = rate_here, .peer = rate_there,	\
	  .against = TITLE, .missing = why_missing, .what = &(const struct contest){ STORE, PROMISE, MODE, N } }

#define BOTH(STORE, PROMISE, MODE, TITLE)	\
	CONTEST(STORE, PROMISE, MODE, TITLE, 1, "one"), CONTEST(STORE, PROMISE, MODE, TITLE, 64, "64")

const struct bench bench_peers[] = {
	BOTH("sqlite", "full", MMSB_STRICT, "SQLite, WAL, synchronous=FULL"),
	BOTH("sqlite", "normal", MMSB_BUFFERED, "SQLite, WAL, synchronous=NORMAL"),
	BOTH("lmdb", "sync", MMSB_STRICT, "LMDB"),
	BOTH("lmdb", "nometa", MMSB_BUFFERED, "LMDB, MDB_NOMETASYNC"),
	BOTH("lmdb", "nosync", MMSB_BUFFERED, "LMDB, MDB_NOSYNC, synced every 100 ms"),
	BOTH("rocksdb", "sync", MMSB_STRICT, "RocksDB, WAL, sync"),
	BOTH("rocksdb", "nosync", MMSB_BUFFERED, "RocksDB, WAL, synced every 100 ms"),
	BOTH("redis", "always", MMSB_STRICT, "Redis, AOF, appendfsync always"),
	BOTH("redis", "everysec", MMSB_BUFFERED, "Redis, AOF, appendfsync everysec"),
	{ 0 }
};
