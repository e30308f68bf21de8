// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "child.h"
#include "out.h"

/* As whoever is killed alone, and not with all that runs in his terminal, shall not leave it behind. */
static void stay_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
}

/* A reader that has gone ends both; and whoever killed the child, or gave it cause to crash, finds that in our status. */
static void end_likewise(int signo)
{
	signal(signo, SIG_DFL);
	raise(signo);
}

enum cli_exit child_run(const struct cli *cli, const char *program, char *const argv[])
{
	void (*before)(int) = signal(SIGINT, SIG_IGN);
	pid_t parent = getpid(), pid;
	int status = 0, err = 0;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		signal(SIGINT, before);
		stay_with(parent);
		execvp(program, argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		err = errno;
	signal(SIGINT, before);
	if (err)
		return fail(cli, NULL, "cannot run %s: %s", argv[0], strerror(err));
	if (WIFSIGNALED(status))
		end_likewise(WTERMSIG(status));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return fail(cli, NULL, "%s failed, and said why above", argv[0]);
	return CLI_OK;
}
