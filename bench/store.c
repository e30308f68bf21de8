// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "server.h"
#include "store.h"

static const struct store {
	const char *name, *title, *package;
	const struct peer *peer;	/* NULL: a library's, in an object of its own */
} stores[] = {
	{ "sqlite", "SQLite", "libsqlite3-dev", NULL },
	{ "lmdb", "LMDB", "liblmdb-dev", NULL },
	{ "rocksdb", "RocksDB", "librocksdb-dev", NULL },
	{ "urcu", "liburcu", "liburcu-dev", NULL },
	{ "redis", "Redis", "redis-tools", &peer_redis },
	{ "memcached", "memcached", "memcached", &peer_memcached },
	{ "array", "an array", "nothing", &peer_array },
};

static const struct store *store_named(const char *name)
{
	const struct store *store = stores;

	while (strcmp(store->name, name))
		store++;
	return store;
}

/* Objects of peers lie beside the program, in peers/. */
static const struct peer *load(const char *name)
{
	char path[PATH_MAX + 64];
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
	char *end;
	void *object;

	path[n < 0 ? 0 : n] = 0;
	end = strrchr(path, '/');
	if (!end)
		return NULL;
	snprintf(end, 64, "/peers/%s.so", name);
	object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	return object ? dlsym(object, "peer") : NULL;
}

const struct peer *store_find(const char *name)
{
	const struct peer *peer = store_named(name)->peer;

	if (!peer)
		return load(name);
	return !peer->programs || server_is_here(peer->programs) ? peer : NULL;
}

const char *store_missing(const char *name)
{
	const struct store *store = store_named(name);
	static char words[160];

	if (store_find(name))
		return NULL;
	snprintf(words, sizeof(words), "%s is not here; make bench PEERS=1 or scripts/setup peers brings it (%s)", store->title,
		 store->package);
	return words;
}
