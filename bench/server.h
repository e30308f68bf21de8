/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A server of our own behind a UNIX socket, for as long as a benchmark needs it.
 *
 * Its directory is private and empty, so nobody else can have its address. It dies with the benchmark, however that ends. What it says
 * goes to a file beside its socket, whose last line is quoted when it does not start.
 */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include <sys/types.h>
#include <sys/un.h>
#include "bench.h"

struct server {
	const char *title;
	pid_t pid;
	char output[160];
	struct sockaddr_un address;
};

/* `programs` are names, ended by NULL, of which the first that is on the path is taken. */
bool server_is_here(const char *const *programs);

/* Where it shall listen, which server_start()'s arguments have to tell it. The thread that starts it lends it its CPUs. */
void server_at(struct server *server, const char *title, const char *dir);
void server_start(struct server *server, const char *const *programs, const char *const *argv);
int server_connect(const struct server *server);
void server_stop(struct server *server);

#endif
