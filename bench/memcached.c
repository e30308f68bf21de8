// SPDX-License-Identifier: GPL-2.0-only
/*
 * memcached, of one thread: incr, whose answer is the number's new value; or quietly, the meta command that does the same and
 * answers only what fails, and then a command that does nothing, whose answer comes behind all theirs.
 */
#include <stdio.h>
#include "client.h"

static const char *const programs[] = { "memcached", NULL };

static void add(char to[CLIENT_COMMAND], uint32_t key)
{
	snprintf(to, CLIENT_COMMAND, "incr k%03u 1\r\n", key % PEER_KEYS);
}

static void add_quietly(char to[CLIENT_COMMAND], uint32_t key)
{
	snprintf(to, CLIENT_COMMAND, "ma k%03u q\r\n", key % PEER_KEYS);
}

static const struct dialect dialect = {
	.add = add, .add_quietly = add_quietly, .be_quiet = "", .be_loud = "mn\r\n", .good = "0123456789HM",
};

/* It adds only to what is there, so the numbers are made first: N is for how long (always), J with what. */
static void fill(struct client *client)
{
	char command[CLIENT_COMMAND];
	uint32_t key;

	for (key = 0; key < PEER_KEYS; key++) {
		snprintf(command, sizeof(command), "ma k%03u N0 J0\r\n", key);
		client_ask(client, command);
	}
}

/* -R: so many commands of a connection before it looks at the others. -u matters to root alone, whom it refuses otherwise. */
static void *memcached_open(const char *dir, const char *promise)
{
	struct client *client = bench_alloc(sizeof(*client));
	const char *const argv[] = { "memcached", "-s", client->server.address.sun_path, "-t", "1", "-R", "64", "-u", "root", NULL };

	(void)promise;
	server_at(&client->server, "memcached", dir);
	server_start(&client->server, programs, argv);
	client_open(client, &dialect);
	fill(client);
	return client;
}

const struct peer peer_memcached = { .programs = programs, .open = memcached_open, .add = client_add, .add_quietly = client_add_quietly,
				     .sum = client_sum, .close = client_close };
