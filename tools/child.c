// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "child.h"
#include "out.h"

enum cli_exit child_run(const struct cli *cli, const char *program, char *const argv[])
{
	void (*before)(int) = signal(SIGINT, SIG_IGN);
	int status = 0, err = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		signal(SIGINT, before);
		execvp(program, argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		err = errno;
	signal(SIGINT, before);
	if (err)
		return fail(cli, NULL, "cannot run %s: %s", argv[0], strerror(err));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return fail(cli, NULL, "%s failed, and said why above", argv[0]);
	return CLI_OK;
}
