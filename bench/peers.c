// SPDX-License-Identifier: GPL-2.0-only
/*
 * Other stores beside MMSB, doing the same under the same promise: adding one to a number of eight bytes, one of 1,000, each update
 * waited for, or many at once. Strict: it is on the disk when it is said to be done. Buffered: it soon will be. In memory: it never is.
 *
 * A promise is named by the peer's own word for it. Durable updates are compared on the same disk. In memory, those that do all in the
 * calling thread, or in a server on its CPU, stand beside an inline ring, and servers on a CPU of their own beside a polled one, so that
 * both have as many CPUs; and who alone works has his own time counted.
 */
#include <stdlib.h>
#include "kit.h"
#include "store.h"

#define STRIDE		389u		/* has no divisor in common with the number of keys, and takes neighbours apart */
#define CLOCK		16u		/* calls between two looks at the clock, until they turn out to be short */
#define SLICE		80000000u	/* ns of a measurement */
#define LOOKS		64u		/* at the clock in one, about */
#define ENTRIES		1024u
#define IDLE_US		200u		/* soon gone, for the peer's server has the poller's CPU in its own turn */

enum { QUIET = 1, READ = 2, ALONE = 4 };

struct contest {
	const char *store, *promise;	/* no store: a bare ring */
	uint32_t mode;			/* MMSB's */
	unsigned int together, cpus, how;
};

struct scene {
	const struct contest *contest;
	struct kit *kit;
	const struct peer *peer;
	void *db;
	char dir[128];
	uint64_t slice, added, found;		/* to the peer's numbers; of what was read */
	unsigned int in_flight;
	uint32_t keys[PEER_KEYS + PEER_MOST];	/* goes round, so that as many can be taken from any place */
	uint32_t at;
};

static const char *why_missing(const void *what)
{
	const struct contest *contest = what;

	return contest->store ? store_missing(contest->store) : NULL;
}

/* ------------------------------------------------------------------------------------------------------- the scene */

static void open_kit(struct scene *scene, const struct bench_opts *bench)
{
	const struct contest *contest = scene->contest;
	const struct mmsb_log_opts log = { .size = sizeof(log), .mode = contest->mode };
	struct kit_opts opts = { .pages = PEER_KEYS, .page_bytes = 64, .entries = ENTRIES, .shuffled = true, .repeat = 8 };

	if (contest->mode != MMSB_MEMORY) {
		opts.log = &log;
	} else if (contest->cpus > 1) {
		opts.polled = true;
		opts.idle_us = IDLE_US;
	}
	scene->kit = kit_open(bench, &opts);
}

/* The threads and processes that a peer makes go where the one that waits for it is not, as those of MMSB do, if they shall have that CPU. */
static void open_peer(struct scene *scene)
{
	scene->peer = store_find(scene->contest->store);
	kit_make_dir(scene->dir);
	bench_place(scene->contest->cpus > 1);
	scene->db = scene->peer->open(scene->dir, scene->contest->promise);
	bench_place(false);
}

static void *open_contest(const struct bench_opts *bench)
{
	struct scene *scene = bench_alloc(sizeof(*scene));
	uint32_t i;

	scene->contest = bench->what;
	for (i = 0; i < PEER_KEYS + PEER_MOST; i++)
		scene->keys[i] = i * STRIDE % PEER_KEYS;
	scene->slice = SLICE / bench->divisor;
	open_kit(scene, bench);
	if (scene->contest->store)
		open_peer(scene);
	return scene;
}

static uint64_t sum_there(const struct scene *scene)
{
	return scene->peer->sum ? scene->peer->sum(scene->db) : scene->peer->read(scene->db, scene->keys, PEER_KEYS);
}

static void close_peer(struct scene *scene)
{
	uint64_t sum = sum_there(scene);

	if (sum != scene->added)
		bench_die("%lu updates were sent to the peer, but it has %lu", (unsigned long)scene->added, (unsigned long)sum);
	scene->peer->close(scene->db);
	kit_remove_dir(scene->dir);
}

static void close_contest(void *arg)
{
	struct scene *scene = arg;

	if (scene->peer)
		close_peer(scene);
	kit_close(scene->kit);
	free(scene);
}

/* ------------------------------------------------------------------------------------------------------- measuring */

static const uint32_t *next_keys(struct scene *scene, unsigned int n)
{
	const uint32_t *keys = scene->keys + scene->at;

	scene->at = (scene->at + n) % PEER_KEYS;
	return keys;
}

static uint64_t now_of(const struct scene *scene)
{
	return scene->contest->how & ALONE ? bench_cpu_now() : bench_now();
}

/* Thousands of updates a second. What waits for others or for the disk is measured by the clock on the wall. */
static inline double rate(struct scene *scene, unsigned int step, void (*add)(struct scene *scene, unsigned int n),
			  void (*finish)(struct scene *scene))
{
	uint64_t start = now_of(scene), last = start, now = start, done = 0;
	unsigned int calls = CLOCK, i;

	while (now - start < scene->slice) {
		for (i = 0; i < calls; i++)
			add(scene, step);
		done += (uint64_t)calls * step;
		now = now_of(scene);
		if (now - last < scene->slice / LOOKS)
			calls *= 2;
		last = now;
	}
	if (finish)
		finish(scene);
	return (double)done * 1e6 / (double)(now_of(scene) - start);
}

/* ------------------------------------------------------------------------------------------------------------ MMSB */

static void add_logged(struct scene *scene, unsigned int n)
{
	const uint32_t *keys = next_keys(scene, n);
	struct kit *kit = scene->kit;
	struct mmsb_cqe cqe;
	unsigned int i;

	for (i = 0; i < n; i++)
		mmsb_prep_add(mmsb_get_sqe(kit->ring), kit->pages[keys[i]], 0, 1);
	bench_check(mmsb_submit(kit->ring), "mmsb_submit");
	for (i = 0; i < n; i++) {
		bench_check(mmsb_wait_cqe(kit->ring, &cqe, MMSB_FOREVER), "mmsb_wait_cqe");
		bench_check(cqe.result, "a delta beside a peer");
	}
	kit->sent += n;
}

static void reap(struct scene *scene)
{
	struct mmsb_cqe cqes[KIT_BATCH];
	long n = bench_check(mmsb_peek_cqes(scene->kit->ring, cqes, KIT_BATCH), "mmsb_peek_cqes"), i;

	for (i = 0; i < n; i++)
		bench_check(cqes[i].result, "a delta beside a peer");
	scene->in_flight -= (unsigned int)n;
}

/* Of the kit's order, whose length n divides. */
static const uint64_t *next_pages(struct kit *kit, unsigned int n)
{
	const uint64_t *pages = kit->at;

	kit->at = kit->at + n == kit->end ? kit->order : kit->at + n;
	return pages;
}

/* There is room for all, if not side by side. */
static void lay(struct kit *kit, const uint64_t *pages, unsigned int n)
{
	struct mmsb_sqe *sqe;
	unsigned int got, i;

	for (; n; n -= got, pages += got) {
		got = mmsb_get_sqes(kit->ring, &sqe, n);
		for (i = 0; i < got; i++)
			mmsb_prep_add(sqe + i, pages[i], 0, 1);
	}
}

/* As many in flight as the ring holds are enough for any number that a peer has. */
static void add_in_memory(struct scene *scene, unsigned int n)
{
	unsigned int most = scene->contest->together < ENTRIES ? scene->contest->together : ENTRIES;

	while (scene->in_flight + n > most)
		reap(scene);
	lay(scene->kit, next_pages(scene->kit, n), n);
	bench_check(mmsb_submit(scene->kit->ring), "mmsb_submit");
	scene->in_flight += n;
	scene->kit->sent += n;
}

static void reap_all(struct scene *scene)
{
	while (scene->in_flight)
		reap(scene);
}

static void add_quietly(struct scene *scene, unsigned int n)
{
	scene->kit->work = n;
	kit_submit(scene->kit, n);
}

static void drain(struct scene *scene)
{
	bench_check(mmsb_drain(scene->kit->ring, MMSB_FOREVER), "mmsb_drain");
}

static void read_pages(struct scene *scene, unsigned int n)
{
	const uint64_t *pages = next_pages(scene->kit, n);
	uint64_t word;
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (mmsb_read(scene->kit->space, pages[i], 0, &word, sizeof(word), NULL) != sizeof(word))
			bench_die("mmsb_read: %s", mmsb_strerror_last());
		scene->found += word;
	}
}

static double rate_here(void *arg)
{
	struct scene *scene = arg;
	const struct contest *contest = scene->contest;
	unsigned int step = contest->together < KIT_BATCH ? contest->together : KIT_BATCH;

	if (contest->mode != MMSB_MEMORY)
		return rate(scene, contest->together, add_logged, NULL);
	if (contest->how & READ)
		return rate(scene, step, read_pages, NULL);
	if (contest->how & QUIET)
		return rate(scene, step, add_quietly, drain);
	return rate(scene, step, add_in_memory, reap_all);
}

/* ------------------------------------------------------------------------------------------------------- the peers */

static void add_there(struct scene *scene, unsigned int n)
{
	scene->peer->add(scene->db, next_keys(scene, n), n);
	scene->added += n;
}

static void add_quietly_there(struct scene *scene, unsigned int n)
{
	scene->peer->add_quietly(scene->db, next_keys(scene, n), n);
	scene->added += n;
}

static void read_there(struct scene *scene, unsigned int n)
{
	scene->found += scene->peer->read(scene->db, next_keys(scene, n), n);
}

static double rate_there(void *arg)
{
	struct scene *scene = arg;
	const struct contest *contest = scene->contest;

	if (!contest->store)
		return contest->how & QUIET ? bare_batched(NULL) * 1e3 : 1e6 / bare_roundtrip(NULL);
	if (contest->how & READ)
		return rate(scene, contest->together, read_there, NULL);
	if (contest->how & QUIET)
		return rate(scene, contest->together, add_quietly_there, NULL);
	return rate(scene, contest->together, add_there, NULL);
}

/* -------------------------------------------------------------------------------------------------------- the list */

#define CONTEST(STORE, PROMISE, MODE, TITLE, N, SUFFIX)										\
	{ .name = "peer_" STORE "_" PROMISE "_" SUFFIX, .params = "\"keys\": 1000, \"outstanding\": " #N, .unit = "k/s",		\
	  .flags = BENCH_MORE_IS_BETTER, .open = open_contest, .close = close_contest, .measure = rate_here, .peer = rate_there,	\
	  .against = TITLE, .missing = why_missing, .what = &(const struct contest){ STORE, PROMISE, MODE, N, 2, 0 } }

#define BOTH(STORE, PROMISE, MODE, TITLE)	\
	CONTEST(STORE, PROMISE, MODE, TITLE, 1, "one"), CONTEST(STORE, PROMISE, MODE, TITLE, 64, "64")

#define MEMORY(STORE, NAME, SUFFIX, TITLE, N, CPUS, HOW, FLAGS, AIM)									\
	{ .name = "peer_" NAME "_memory_" SUFFIX, .params = "\"keys\": 1000, \"outstanding\": " #N ", \"cpus\": " #CPUS, .unit = "k/s",	\
	  .flags = BENCH_MORE_IS_BETTER | (FLAGS), .open = open_contest, .close = close_contest, .measure = rate_here, .peer = rate_there,	\
	  .against = TITLE, .aim_ratio = AIM, .missing = why_missing,									\
	  .what = &(const struct contest){ STORE, "memory", MMSB_MEMORY, N, CPUS, HOW } }

#define ONE_CPU(STORE, SUFFIX, TITLE, N, HOW)		MEMORY(STORE, STORE, SUFFIX, TITLE, N, 1, HOW, 0, 0)
#define TWO_CPUS(STORE, SUFFIX, TITLE, N, HOW, AIM)	MEMORY(STORE, STORE, SUFFIX, TITLE, N, 2, HOW, BENCH_TWO_THREADS, AIM)
#define BARE_RING(SUFFIX, N, HOW)			MEMORY(NULL, "ring", SUFFIX, "a bare ring", N, 2, HOW, BENCH_TWO_THREADS, 0)

#define IN_THREAD(STORE, TITLE)	ONE_CPU(STORE, "one", TITLE, 1, ALONE), ONE_CPU(STORE, "64", TITLE, 64, ALONE)
#define LOOKED_UP(STORE, TITLE)	ONE_CPU(STORE, "read", TITLE, 64, ALONE | READ)

/* AIM is for many connections, each with its pipeline full. */
#define SERVER(STORE, TITLE, AIM)											\
	ONE_CPU(STORE, "one", TITLE, 1, 0), TWO_CPUS(STORE, "one", TITLE, 1, 0, 0), TWO_CPUS(STORE, "64", TITLE, 64, 0, 0),	\
	TWO_CPUS(STORE, "50x64", TITLE, 3200, 0, AIM), TWO_CPUS(STORE, "quiet", TITLE, 1024, QUIET, 0)

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
	LOOKED_UP("array", "a plain array"),
	IN_THREAD("array", "a plain array"),
	BARE_RING("one", 1, 0),
	BARE_RING("quiet", 1024, QUIET),
	LOOKED_UP("urcu", "liburcu's hash table"),
	IN_THREAD("urcu", "liburcu's hash table"),
	IN_THREAD("lmdb", "LMDB, written into its map, no sync"),
	IN_THREAD("rocksdb", "RocksDB, no WAL, files in memory"),
	IN_THREAD("sqlite", "SQLite, :memory:, no journal"),
	SERVER("memcached", "memcached, one thread", 0),
	SERVER("redis", "Redis, no persistence", 50),
	{ 0 }
};
