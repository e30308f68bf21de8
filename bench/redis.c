// SPDX-License-Identifier: GPL-2.0-only
/*
 * Redis, a server of our own behind a UNIX socket, its log (AOF) on: INCR, one at a time or as many in flight as come together.
 *
 * The server dies with the benchmark, however that ends. Debian's redis-tools has the server too, under the name of its checker, and
 * unlike the package redis-server does not start one at boot.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "peer.h"

#define COMMAND		24u		/* bytes of each: keys are three digits wide */
#define MOST		64u		/* commands in flight */
#define START_MS	10000u

struct redis {
	pid_t server;
	int fd;
	char commands[PEER_KEYS][COMMAND + 1];
	char out[MOST * COMMAND], in[MOST * 32];
};

/* ------------------------------------------------------------------------------------------------------- the server */

static void serve(const char *dir, const char *socket_path, const char *promise, pid_t parent)
{
	const char *const argv[] = { "redis-server", "--port", "0", "--unixsocket", socket_path, "--dir", dir, "--save", "",
				     "--appendonly", "yes", "--appendfsync", promise, NULL };
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	execvp("redis-server", (char **)argv);
	execvp("redis-check-rdb", (char **)argv);
	_exit(1);
}

static bool connects(struct redis *redis, const struct sockaddr_un *address)
{
	redis->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (redis->fd >= 0 && !connect(redis->fd, (const struct sockaddr *)address, sizeof(*address)))
		return true;
	close(redis->fd);
	return false;
}

static void start(struct redis *redis, const char *dir, const char *promise)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	pid_t parent = getpid();
	unsigned int ms;

	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", dir) >= sizeof(address.sun_path))
		bench_die("Redis: %s is too long for a socket's path; set TMPDIR to a shorter one", dir);
	redis->server = fork();
	if (redis->server < 0)
		bench_die("Redis: no process can be made");
	if (!redis->server)
		serve(dir, address.sun_path, promise, parent);
	for (ms = 0; ms < START_MS && !connects(redis, &address); ms++) {
		if (waitpid(redis->server, NULL, WNOHANG))
			bench_die("Redis: the server did not start");
		usleep(1000);
	}
	if (ms == START_MS)
		bench_die("Redis: the server does not answer");
}

/* ------------------------------------------------------------------------------------------------------ the updates */

static void send_all(struct redis *redis, size_t bytes)
{
	size_t sent = 0;
	ssize_t n;

	for (; sent < bytes; sent += (size_t)n) {
		n = write(redis->fd, redis->out + sent, bytes - sent);
		if (n <= 0)
			bench_die("Redis: writing to its socket: %s", strerror(errno));
	}
}

static unsigned int count_lines(const char *text, size_t bytes)
{
	unsigned int n = 0;

	for (; bytes--; text++)
		n += *text == '\n';
	return n;
}

/* An answer is a line, ":" and the number's new value, which leaves room for the whole of a batch. */
static void receive_all(struct redis *redis, unsigned int answers)
{
	size_t got = 0;
	ssize_t n;

	while (answers) {
		n = read(redis->fd, redis->in + got, sizeof(redis->in) - 1 - got);
		if (n <= 0)
			bench_die("Redis: reading from its socket: %s", n ? strerror(errno) : "it has closed it");
		answers -= count_lines(redis->in + got, (size_t)n);
		got += (size_t)n;
	}
	redis->in[got] = 0;
	if (memchr(redis->in, '-', got))
		bench_die("Redis: %s", (char *)memchr(redis->in, '-', got));
}

static void redis_add(void *db, const uint32_t *keys, unsigned int n)
{
	struct redis *redis = db;
	unsigned int i;

	for (i = 0; i < n; i++)
		memcpy(redis->out + (size_t)i * COMMAND, redis->commands[keys[i]], COMMAND);
	send_all(redis, (size_t)n * COMMAND);
	receive_all(redis, n);
}

/* One more to each, as its answer is the value, and off the sum again. */
static uint64_t redis_sum(void *db)
{
	struct redis *redis = db;
	uint64_t sum = 0;
	uint32_t key;

	for (key = 0; key < PEER_KEYS; key++) {
		redis_add(redis, &key, 1);
		sum += strtoull(redis->in + 1, NULL, 10) - 1;
	}
	return sum;
}

/* ------------------------------------------------------------------------------------------------ beginning and end */

static void *redis_open(const char *dir, const char *promise)
{
	struct redis *redis = bench_alloc(sizeof(*redis));
	uint32_t key;

	for (key = 0; key < PEER_KEYS; key++)
		snprintf(redis->commands[key], sizeof(*redis->commands), "*2\r\n$4\r\nINCR\r\n$4\r\nk%03u\r\n", key);
	start(redis, dir, promise);
	return redis;
}

static void redis_close(void *db)
{
	struct redis *redis = db;

	close(redis->fd);
	kill(redis->server, SIGKILL);
	waitpid(redis->server, NULL, 0);
	free(redis);
}

const struct peer peer_redis = { .open = redis_open, .add = redis_add, .sum = redis_sum, .close = redis_close };
