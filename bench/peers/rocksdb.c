// SPDX-License-Identifier: GPL-2.0-only
/*
 * RocksDB, its log on, or in memory without a log and files of its own making. The values are known here, so that each update is a put
 * that need not read before; its own merge operator for numbers takes twice as long. What it does not sync with each write is synced
 * every 100 ms here.
 */
#include <rocksdb/c.h>
#include <stdlib.h>
#include <string.h>
#include "../peer.h"

struct rocksdb {
	rocksdb_t *db;
	rocksdb_options_t *options;
	rocksdb_writeoptions_t *write;
	rocksdb_readoptions_t *read;
	rocksdb_writebatch_t *batch;
	rocksdb_env_t *memory;
	bool unsynced;
	uint64_t synced;
	uint64_t values[PEER_KEYS];
};

static void rocksdb_check(const char *error, const char *what)
{
	if (error)
		bench_die("RocksDB: %s: %s", what, error);
}

static void stay_in_memory(struct rocksdb *rocks)
{
	rocks->memory = rocksdb_create_mem_env();
	rocksdb_options_set_env(rocks->options, rocks->memory);
	rocksdb_writeoptions_disable_WAL(rocks->write, 1);
}

static void *rocks_open(const char *dir, const char *promise)
{
	struct rocksdb *rocks = bench_alloc(sizeof(*rocks));
	char *error = NULL;

	rocks->unsynced = !strcmp(promise, "nosync");
	rocks->synced = bench_now();
	rocks->options = rocksdb_options_create();
	rocksdb_options_set_create_if_missing(rocks->options, 1);
	rocks->write = rocksdb_writeoptions_create();
	rocksdb_writeoptions_set_sync(rocks->write, !strcmp(promise, "sync"));
	if (!strcmp(promise, "memory"))
		stay_in_memory(rocks);
	rocks->read = rocksdb_readoptions_create();
	rocks->batch = rocksdb_writebatch_create();
	rocks->db = rocksdb_open(rocks->options, dir, &error);
	rocksdb_check(error, dir);
	return rocks;
}

static void rocks_add_one(struct rocksdb *rocks, uint32_t key)
{
	uint64_t value = ++rocks->values[key];
	char *error = NULL;

	rocksdb_put(rocks->db, rocks->write, (char *)&key, sizeof(key), (char *)&value, sizeof(value), &error);
	rocksdb_check(error, "putting");
}

static void rocks_add_many(struct rocksdb *rocks, const uint32_t *keys, unsigned int n)
{
	char *error = NULL;
	uint64_t value;
	unsigned int i;

	rocksdb_writebatch_clear(rocks->batch);
	for (i = 0; i < n; i++) {
		value = ++rocks->values[keys[i]];
		rocksdb_writebatch_put(rocks->batch, (const char *)(keys + i), sizeof(*keys), (char *)&value, sizeof(value));
	}
	rocksdb_write(rocks->db, rocks->write, rocks->batch, &error);
	rocksdb_check(error, "writing a batch");
}

static void rocks_add(void *db, const uint32_t *keys, unsigned int n)
{
	struct rocksdb *rocks = db;
	char *error = NULL;

	if (n > 1)
		rocks_add_many(rocks, keys, n);
	else
		rocks_add_one(rocks, *keys);
	if (rocks->unsynced && peer_is_due(&rocks->synced))
		rocksdb_flush_wal(rocks->db, 1, &error);
	rocksdb_check(error, "syncing the log");
}

static uint64_t rocks_sum(void *db)
{
	struct rocksdb *rocks = db;
	uint64_t sum = 0, value;
	char *error = NULL, *found;
	uint32_t key;
	size_t bytes;

	for (key = 0; key < PEER_KEYS; key++) {
		found = rocksdb_get(rocks->db, rocks->read, (char *)&key, sizeof(key), &bytes, &error);
		rocksdb_check(error, "reading");
		if (!found || bytes != sizeof(value))
			continue;
		memcpy(&value, found, sizeof(value));
		sum += value;
		rocksdb_free(found);
	}
	return sum;
}

static void rocks_close(void *db)
{
	struct rocksdb *rocks = db;

	rocksdb_close(rocks->db);
	rocksdb_writebatch_destroy(rocks->batch);
	rocksdb_readoptions_destroy(rocks->read);
	rocksdb_writeoptions_destroy(rocks->write);
	rocksdb_options_destroy(rocks->options);
	if (rocks->memory)
		rocksdb_env_destroy(rocks->memory);
	free(rocks);
}

const struct peer peer = { .open = rocks_open, .add = rocks_add, .sum = rocks_sum, .close = rocks_close };
