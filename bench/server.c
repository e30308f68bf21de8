// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "server.h"

#define START_MS	5000u

static bool is_on_path(const char *program)
{
	char *dirs = strdup(getenv("PATH") ? getenv("PATH") : ""), *rest = dirs, *dir, path[PATH_MAX];
	bool found = false;

	while (!found && (dir = strsep(&rest, ":"))) {
		snprintf(path, sizeof(path), "%s/%s", dir, program);
		found = !access(path, X_OK);
	}
	free(dirs);
	return found;
}

bool server_is_here(const char *const *programs)
{
	for (; *programs; programs++)
		if (is_on_path(*programs))
			return true;
	return false;
}

void server_at(struct server *server, const char *title, const char *dir)
{
	size_t room = sizeof(server->address.sun_path);

	server->title = title;
	server->address.sun_family = AF_UNIX;
	if ((size_t)snprintf(server->address.sun_path, room, "%s/socket", dir) >= room)
		bench_die("%s: %s is too long for a socket's path; set TMPDIR to a shorter one", title, dir);
	snprintf(server->output, sizeof(server->output), "%s/output", dir);
}

__attribute__((noreturn))
static void serve(const struct server *server, const char *const *programs, const char *const *argv, pid_t parent)
{
	int null = open("/dev/null", O_RDONLY), output = open(server->output, O_WRONLY | O_CREAT | O_APPEND, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	dup2(null, 0);
	dup2(output, 1);
	dup2(output, 2);
	for (; *programs; programs++)
		execvp(*programs, (char **)argv);
	_exit(1);
}

/* -1: nobody listens there yet. */
static int try_to_connect(const struct server *server)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && !connect(fd, (const struct sockaddr *)&server->address, sizeof(server->address)))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

int server_connect(const struct server *server)
{
	int fd = try_to_connect(server);

	if (fd < 0)
		bench_die("%s: connecting to it: %s", server->title, strerror(errno));
	return fd;
}

__attribute__((noreturn))
static void did_not_start(const struct server *server, const char *how)
{
	FILE *file = fopen(server->output, "r");
	char line[256], last[256] = "it said nothing";

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		if (*line)
			snprintf(last, sizeof(last), "%s", line);
	}
	bench_die("%s: the server %s: %s", server->title, how, last);
}

void server_start(struct server *server, const char *const *programs, const char *const *argv)
{
	pid_t parent = getpid();
	unsigned int ms;
	int fd = -1;

	server->pid = fork();
	if (server->pid < 0)
		bench_die("%s: no process can be made: %s", server->title, strerror(errno));
	if (!server->pid)
		serve(server, programs, argv, parent);
	for (ms = 0; fd < 0; ms++) {
		if (waitpid(server->pid, NULL, WNOHANG))
			did_not_start(server, "ended before anybody could connect to it");
		if (ms == START_MS)
			did_not_start(server, "does not listen after five seconds");
		usleep(1000);
		fd = try_to_connect(server);
	}
	close(fd);
}

void server_stop(struct server *server)
{
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
}
