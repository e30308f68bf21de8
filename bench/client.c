// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include "client.h"

/* ----------------------------------------------------------------------------------------------- there and back again */

static int connection(struct client *client, unsigned int i)
{
	while (client->connections <= i)
		client->fd[client->connections++] = server_connect(&client->server);
	return client->fd[i];
}

static void send_out(struct client *client, int fd, const char *end)
{
	const char *at = client->out;
	ssize_t n;

	for (; at != end; at += n) {
		n = send(fd, at, (size_t)(end - at), MSG_NOSIGNAL);
		if (n <= 0)
			bench_die("%s: writing to its socket: %s", client->server.title, strerror(errno));
	}
}

/* Passes over the lines that are complete. */
static char *check_lines(struct client *client, char *at, unsigned int *answers)
{
	char *end;

	for (; (end = strchr(at, '\n')); at = end + 1, --*answers)
		if (!*answers || !strchr(client->dialect->good, *at))
			bench_die("%s answers: %.*s", client->server.title, (int)(end - at), at);
	return at;
}

static void receive(struct client *client, int fd, unsigned int answers)
{
	char *to = client->in, *at = to, *end = to + sizeof(client->in) - 1;
	ssize_t n;

	while (answers) {
		if (to == end)
			bench_die("%s answers more than it was asked", client->server.title);
		n = read(fd, to, (size_t)(end - to));
		if (n <= 0)
			bench_die("%s: reading from its socket: %s", client->server.title, n ? strerror(errno) : "it has closed it");
		to += n;
		*to = 0;
		at = check_lines(client, at, &answers);
	}
}

void client_ask(struct client *client, const char *command)
{
	int fd = connection(client, 0);

	send_out(client, fd, stpcpy(client->out, command));
	receive(client, fd, 1);
}

/* ------------------------------------------------------------------------------------------------------ the updates */

static char *lay(char *to, char (*commands)[CLIENT_COMMAND], const uint32_t *keys, unsigned int n)
{
	size_t bytes = strlen(*commands);
	unsigned int i;

	for (i = 0; i < n; i++, to += bytes)
		memcpy(to, commands[keys[i]], bytes);
	return to;
}

static unsigned int at_most(unsigned int n)
{
	return n < CLIENT_IN_FLIGHT ? n : CLIENT_IN_FLIGHT;
}

void client_add(void *arg, const uint32_t *keys, unsigned int n)
{
	struct client *client = arg;
	unsigned int i;

	for (i = 0; i < n; i += CLIENT_IN_FLIGHT)
		send_out(client, connection(client, i / CLIENT_IN_FLIGHT), lay(client->out, client->loud, keys + i, at_most(n - i)));
	for (i = 0; i < n; i += CLIENT_IN_FLIGHT)
		receive(client, connection(client, i / CLIENT_IN_FLIGHT), at_most(n - i));
}

void client_add_quietly(void *arg, const uint32_t *keys, unsigned int n)
{
	struct client *client = arg;
	int fd = connection(client, 0);
	char *to = stpcpy(client->out, client->dialect->be_quiet);

	to = lay(to, client->quiet, keys, n);
	send_out(client, fd, stpcpy(to, client->dialect->be_loud));
	receive(client, fd, 1);
}

/* One more to each, as its answer is the value, and off the sum again. */
uint64_t client_sum(void *arg)
{
	struct client *client = arg;
	uint64_t sum = 0;
	uint32_t key;

	for (key = 0; key < PEER_KEYS; key++) {
		client_add(client, &key, 1);
		sum += strtoull(client->in + strcspn(client->in, "0123456789"), NULL, 10) - 1;
	}
	return sum;
}

/* ------------------------------------------------------------------------------------------------ beginning and end */

void client_open(struct client *client, const struct dialect *dialect)
{
	uint32_t key;

	client->dialect = dialect;
	for (key = 0; key < PEER_KEYS; key++) {
		dialect->add(client->loud[key], key);
		dialect->add_quietly(client->quiet[key], key);
	}
}

void client_close(void *arg)
{
	struct client *client = arg;

	while (client->connections)
		close(client->fd[--client->connections]);
	server_stop(&client->server);
	free(client);
}
