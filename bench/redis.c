// SPDX-License-Identifier: GPL-2.0-only
/*
 * Redis: INCR. Its log (AOF) is on where something is promised, and otherwise it keeps all in memory alone.
 *
 * Debian's redis-tools has the server too, under the name of its checker, and unlike the package redis-server does not start one at boot.
 */
#include <stdio.h>
#include <string.h>
#include "client.h"

#define REPLY(TO, BYTES)	"*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$" #BYTES "\r\n" TO "\r\n"

static const char *const programs[] = { "redis-server", "redis-check-rdb", NULL };

static void add(char to[CLIENT_COMMAND], uint32_t key)
{
	snprintf(to, CLIENT_COMMAND, "*2\r\n$4\r\nINCR\r\n$4\r\nk%03u\r\n", key % PEER_KEYS);
}

static const struct dialect dialect = {
	.add = add, .add_quietly = add, .be_quiet = REPLY("OFF", 3), .be_loud = REPLY("ON", 2), .good = ":+",
};

static void *redis_open(const char *dir, const char *promise)
{
	struct client *client = bench_alloc(sizeof(*client));
	bool in_memory = !strcmp(promise, "memory");
	const char *const argv[] = { "redis-server", "--port", "0", "--unixsocket", client->server.address.sun_path, "--dir", dir, "--save", "",
				     "--appendonly", in_memory ? "no" : "yes", "--appendfsync", in_memory ? "no" : promise, NULL };

	server_at(&client->server, "Redis", dir);
	server_start(&client->server, programs, argv);
	client_open(client, &dialect);
	return client;
}

const struct peer peer_redis = { .programs = programs, .open = redis_open, .add = client_add, .add_quietly = client_add_quietly,
				 .sum = client_sum, .close = client_close };
