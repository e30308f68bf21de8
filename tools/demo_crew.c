// SPDX-License-Identifier: GPL-2.0-only
/*
 * See demo_crew.h. A process of the crew dies with its parent, and leaves Ctrl-C, which the terminal sends to all of them, to its parent.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "demo_crew.h"

struct errand {
	struct demo_crew *crew;
	struct demo_worker *worker;
};

static void *thread_main(void *arg)
{
	struct errand errand = *(struct errand *)arg;

	free(arg);
	demo_work(errand.crew->demo, errand.worker, errand.crew->space);
	return NULL;
}

static int start_thread(struct demo_crew *crew, unsigned int i)
{
	struct errand *errand = malloc(sizeof(*errand));
	int err;

	if (!errand)
		return -ENOMEM;
	*errand = (struct errand){ crew, &crew->demo->worker[i] };
	err = pthread_create(&crew->thread[i], NULL, thread_main, errand);
	if (err)
		free(errand);
	return -err;
}

static int start_process(struct demo_crew *crew, unsigned int i, pid_t parent)
{
	struct demo_worker *worker = &crew->demo->worker[i];
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid) {
		crew->pid[i] = pid;
		return 0;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	if (getppid() == parent)
		demo_work_alone(crew->demo, worker);
	_exit(0);
}

int crew_start(struct demo_crew *crew, struct demo *demo, struct mmsb_space *space)
{
	pid_t parent = getpid();
	unsigned int i;
	int err;

	*crew = (struct demo_crew){ .demo = demo, .space = space };
	for (i = 0; i < demo->writers + demo->readers; i++) {
		demo->worker[i].writer = i < demo->writers;
		demo->worker[i].number = i < demo->writers ? i : i - demo->writers;
		err = space ? start_thread(crew, i) : start_process(crew, i, parent);
		if (err)
			return err;
		crew->started++;
	}
	return 0;
}

static void look_after(struct demo_crew *crew, unsigned int i, int options)
{
	struct demo_worker *worker = &crew->demo->worker[i];
	int status;

	if (crew->pid[i] <= 0 || waitpid(crew->pid[i], &status, options) != crew->pid[i])
		return;
	crew->pid[i] = 0;
	if (WIFSIGNALED(status))
		snprintf(worker->error, sizeof(worker->error), "killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else if (!worker->done && !*worker->error)
		snprintf(worker->error, sizeof(worker->error), "ended early");
}

bool crew_well(struct demo_crew *crew)
{
	bool well = true;
	unsigned int i;

	for (i = 0; i < crew->started; i++) {
		if (!crew->space)
			look_after(crew, i, WNOHANG);
		if (__atomic_load_n(&crew->demo->phase, __ATOMIC_RELAXED) == DEMO_RUN &&
		    (__atomic_load_n(&crew->demo->worker[i].done, __ATOMIC_ACQUIRE) || (!crew->space && !crew->pid[i])))
			well = false;
	}
	return well;
}

void crew_wait(struct demo_crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->started; i++) {
		if (crew->space)
			pthread_join(crew->thread[i], NULL);
		else
			look_after(crew, i, 0);
	}
	crew->started = 0;
}
