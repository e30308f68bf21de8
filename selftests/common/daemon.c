// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "daemon.h"
#include "home.h"

/* It lies where the programs of the same build do. */
void daemon_find(struct daemon *daemon)
{
	char *path = daemon->program;
	ssize_t len = readlink("/proc/self/exe", path, sizeof(daemon->program) - 1);
	int up;

	path[len > 0 ? len : 0] = '\0';
	for (up = 0; up < 2; up++)
		if (strrchr(path, '/'))
			*strrchr(path, '/') = '\0';
	strncat(path, "/bin/mmsbd", sizeof(daemon->program) - strlen(path) - 1);
}

int daemon_start(struct daemon *daemon)
{
	daemon->pid = fork();
	if (daemon->pid)
		return daemon->pid < 0 ? -errno : 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execl(daemon->program, "mmsbd", "--config", daemon->conf, "--socket", daemon->socket, NULL);
	_exit(127);
}

int daemon_end(struct daemon *daemon, int signal)
{
	int status;

	kill(daemon->pid, signal);
	if (waitpid(daemon->pid, &status, 0) != daemon->pid)
		return -1000;
	daemon->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int daemon_ask(const struct daemon *daemon, const char *question, char *answer, size_t bytes)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t used = 0;
	ssize_t got;

	strcpy(address.sun_path, daemon->socket);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) || dprintf(fd, "%s\n", question) < 0) {
		close(fd);
		return -errno;
	}
	while (used < bytes - 1 && (got = read(fd, answer + used, bytes - 1 - used)) > 0)
		used += (size_t)got;
	answer[used] = '\0';
	close(fd);
	return 0;
}

bool daemon_is_written(struct mmsb *mmsb, const char *name)
{
	struct mmsb_durability_args now = { 0 };
	struct mmsb_space *space;
	int err;

	if (mmsb_space_open(mmsb, name, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_READ_ONLY), &space))
		return false;
	err = mmsb_durability(space, &now);
	mmsb_space_close(space);
	return !err && now.writer;
}

int daemon_wait_written(struct mmsb *mmsb, const char *space)
{
	uint64_t until = now_ns() + PATIENCE;

	while (!daemon_is_written(mmsb, space)) {
		if (now_ns() > until)
			return -ETIME;
		usleep(10000);
	}
	return 0;
}
