// SPDX-License-Identifier: GPL-2.0-only
/*
 * LMDB: integer keys, each update a write transaction, or 64 of them one. What it does not sync by itself is synced every 100 ms here,
 * as its manual asks of applications. In memory, it writes into the map of a file that has no disk below it, and is never synced.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../peer.h"

struct lmdb {
	MDB_env *env;
	MDB_dbi dbi;
	bool unsynced;
	uint64_t synced;
};

static void lmdb_check(int result, const char *what)
{
	if (result)
		bench_die("LMDB: %s: %s", what, mdb_strerror(result));
}

static unsigned int lmdb_flags(const char *promise)
{
	if (!strcmp(promise, "memory"))
		return MDB_NOSYNC | MDB_NOMETASYNC | MDB_WRITEMAP;
	return !strcmp(promise, "sync") ? 0 : !strcmp(promise, "nometa") ? MDB_NOMETASYNC : MDB_NOSYNC;
}

static uint64_t lmdb_get(MDB_txn *txn, MDB_dbi dbi, uint32_t key)
{
	MDB_val name = { sizeof(key), &key }, found;
	uint64_t value;

	lmdb_check(mdb_get(txn, dbi, &name, &found), "reading");
	memcpy(&value, found.mv_data, sizeof(value));
	return value;
}

static void lmdb_put(MDB_txn *txn, MDB_dbi dbi, uint32_t key, uint64_t value)
{
	MDB_val name = { sizeof(key), &key }, bytes = { sizeof(value), &value };

	lmdb_check(mdb_put(txn, dbi, &name, &bytes, 0), "writing");
}

static MDB_txn *lmdb_begin(struct lmdb *lmdb, unsigned int flags)
{
	MDB_txn *txn;

	lmdb_check(mdb_txn_begin(lmdb->env, NULL, flags, &txn), "beginning a transaction");
	return txn;
}

static void fill(struct lmdb *lmdb)
{
	MDB_txn *txn = lmdb_begin(lmdb, 0);
	uint32_t key;

	lmdb_check(mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &lmdb->dbi), "opening the database");
	for (key = 0; key < PEER_KEYS; key++)
		lmdb_put(txn, lmdb->dbi, key, 0);
	lmdb_check(mdb_txn_commit(txn), "committing");
}

static void remove_file(const char *dir, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
}

/* Files are removed as soon as they are open, so that nobody who is killed leaves memory behind. */
static void open_in_memory(struct lmdb *lmdb, unsigned int flags)
{
	char dir[] = "/dev/shm/mmsb-bench.XXXXXX";

	if (!mkdtemp(dir))
		bench_die("LMDB: no directory can be made in /dev/shm, which it needs to be in memory: %s", strerror(errno));
	lmdb_check(mdb_env_open(lmdb->env, dir, flags, 0600), dir);
	remove_file(dir, "data.mdb");
	remove_file(dir, "lock.mdb");
	rmdir(dir);
}

static void *lmdb_open(const char *dir, const char *promise)
{
	struct lmdb *lmdb = bench_alloc(sizeof(*lmdb));
	unsigned int flags = lmdb_flags(promise);

	lmdb->unsynced = (flags & MDB_NOSYNC) && !(flags & MDB_WRITEMAP);
	lmdb->synced = bench_now();
	lmdb_check(mdb_env_create(&lmdb->env), "creating an environment");
	lmdb_check(mdb_env_set_mapsize(lmdb->env, 64 << 20), "its size");
	if (flags & MDB_WRITEMAP)
		open_in_memory(lmdb, flags);
	else
		lmdb_check(mdb_env_open(lmdb->env, dir, flags, 0600), dir);
	fill(lmdb);
	return lmdb;
}

static void lmdb_add(void *db, const uint32_t *keys, unsigned int n)
{
	struct lmdb *lmdb = db;
	MDB_txn *txn = lmdb_begin(lmdb, 0);
	unsigned int i;

	for (i = 0; i < n; i++)
		lmdb_put(txn, lmdb->dbi, keys[i], lmdb_get(txn, lmdb->dbi, keys[i]) + 1);
	lmdb_check(mdb_txn_commit(txn), "committing");
	if (lmdb->unsynced && peer_is_due(&lmdb->synced))
		lmdb_check(mdb_env_sync(lmdb->env, 1), "syncing");
}

static uint64_t lmdb_sum(void *db)
{
	struct lmdb *lmdb = db;
	MDB_txn *txn = lmdb_begin(lmdb, MDB_RDONLY);
	uint64_t sum = 0;
	uint32_t key;

	for (key = 0; key < PEER_KEYS; key++)
		sum += lmdb_get(txn, lmdb->dbi, key);
	mdb_txn_abort(txn);
	return sum;
}

static void lmdb_close(void *db)
{
	struct lmdb *lmdb = db;

	mdb_env_close(lmdb->env);
	free(lmdb);
}

const struct peer peer = { .open = lmdb_open, .add = lmdb_add, .sum = lmdb_sum, .close = lmdb_close };
