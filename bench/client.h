/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client of a server of our own, where a command adds one to a number and a line answers it.
 *
 * As many commands as come together are in flight together, 64 on each connection, and more connections are made as that takes them.
 * All have been sent before the first answer is read, and answers fit into what a socket holds back meanwhile. Or commands are sent
 * quietly: between words that have only the last of these answered.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "peer.h"
#include "server.h"

#define CLIENT_IN_FLIGHT	64u		/* on a connection */
#define CLIENT_COMMAND		32u		/* bytes at most */

struct dialect {
	void (*add)(char to[CLIENT_COMMAND], uint32_t key);	/* a string, for every key of the same length */
	void (*add_quietly)(char to[CLIENT_COMMAND], uint32_t key);
	const char *be_quiet, *be_loud;				/* around those; one line answers both */
	const char *good;					/* what answers begin with, unless they tell of a failure */
};

struct client {
	struct server server;
	const struct dialect *dialect;
	char loud[PEER_KEYS][CLIENT_COMMAND], quiet[PEER_KEYS][CLIENT_COMMAND];
	unsigned int connections;
	int fd[PEER_MOST / CLIENT_IN_FLIGHT];
	char out[PEER_MOST * CLIENT_COMMAND + 256], in[CLIENT_IN_FLIGHT * 32];
};

void client_open(struct client *client, const struct dialect *dialect);		/* the server has been started */
void client_ask(struct client *client, const char *command);			/* and read its one line */

/* Those of a struct peer. */
void client_add(void *client, const uint32_t *keys, unsigned int n);
void client_add_quietly(void *client, const uint32_t *keys, unsigned int n);
uint64_t client_sum(void *client);
void client_close(void *client);

#endif
