// SPDX-License-Identifier: GPL-2.0-only
/*
 * SQLite, its log ahead of its file (WAL), or in memory without a log: a table of numbers, prepared statements, an explicit transaction
 * where several come together.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../peer.h"

struct sqlite {
	sqlite3 *db;
	sqlite3_stmt *begin, *add, *commit;
};

static void sqlite_check(struct sqlite *lite, int result, const char *what)
{
	if (result != SQLITE_OK && result != SQLITE_DONE && result != SQLITE_ROW)
		bench_die("SQLite: %s: %s", what, sqlite3_errmsg(lite->db));
}

static void run_sql(struct sqlite *lite, const char *sql)
{
	sqlite_check(lite, sqlite3_exec(lite->db, sql, NULL, NULL, NULL), sql);
}

static sqlite3_stmt *prepare(struct sqlite *lite, const char *sql)
{
	sqlite3_stmt *stmt;

	sqlite_check(lite, sqlite3_prepare_v2(lite->db, sql, -1, &stmt, NULL), sql);
	return stmt;
}

static void step(struct sqlite *lite, sqlite3_stmt *stmt)
{
	sqlite_check(lite, sqlite3_step(stmt), sqlite3_sql(stmt));
	sqlite3_reset(stmt);
}

static void fill(struct sqlite *lite)
{
	char sql[200];

	run_sql(lite, "CREATE TABLE numbers (key INTEGER PRIMARY KEY, value INTEGER NOT NULL)");
	snprintf(sql, sizeof(sql), "WITH RECURSIVE keys(key) AS (SELECT 0 UNION ALL SELECT key + 1 FROM keys WHERE key < %u) "
		 "INSERT INTO numbers SELECT key, 0 FROM keys", PEER_KEYS - 1);
	run_sql(lite, sql);
}

static void open_in_memory(struct sqlite *lite)
{
	sqlite_check(lite, sqlite3_open(":memory:", &lite->db), "in memory");
	run_sql(lite, "PRAGMA journal_mode = OFF");
}

static void open_on_disk(struct sqlite *lite, const char *dir, const char *promise)
{
	char text[256];

	snprintf(text, sizeof(text), "%s/numbers.db", dir);
	sqlite_check(lite, sqlite3_open(text, &lite->db), text);
	run_sql(lite, "PRAGMA journal_mode = WAL");
	snprintf(text, sizeof(text), "PRAGMA synchronous = %s", promise);
	run_sql(lite, text);
}

static void *sqlite_open(const char *dir, const char *promise)
{
	struct sqlite *lite = bench_alloc(sizeof(*lite));

	if (strcmp(promise, "memory"))
		open_on_disk(lite, dir, promise);
	else
		open_in_memory(lite);
	fill(lite);
	lite->begin = prepare(lite, "BEGIN IMMEDIATE");
	lite->add = prepare(lite, "UPDATE numbers SET value = value + 1 WHERE key = ?");
	lite->commit = prepare(lite, "COMMIT");
	return lite;
}

static void sqlite_add(void *db, const uint32_t *keys, unsigned int n)
{
	struct sqlite *lite = db;
	unsigned int i;

	if (n > 1)
		step(lite, lite->begin);
	for (i = 0; i < n; i++) {
		sqlite_check(lite, sqlite3_bind_int(lite->add, 1, (int)keys[i]), "a key");
		step(lite, lite->add);
	}
	if (n > 1)
		step(lite, lite->commit);
}

static uint64_t sqlite_sum(void *db)
{
	struct sqlite *lite = db;
	sqlite3_stmt *stmt = prepare(lite, "SELECT sum(value) FROM numbers");
	uint64_t sum;

	sqlite_check(lite, sqlite3_step(stmt), "the sum");
	sum = (uint64_t)sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return sum;
}

static void sqlite_close(void *db)
{
	struct sqlite *lite = db;

	sqlite3_finalize(lite->begin);
	sqlite3_finalize(lite->add);
	sqlite3_finalize(lite->commit);
	sqlite_check(lite, sqlite3_close(lite->db), "closing");
	free(lite);
}

const struct peer peer = { .open = sqlite_open, .add = sqlite_add, .sum = sqlite_sum, .close = sqlite_close };
