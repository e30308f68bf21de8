// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include "inject.h"
#include "spawn.h"

/* A thread begins with the signals that who makes it has blocked. */
int msl_spawn(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
	sigset_t all, before;
	int err;

	if (pf_fault_inject())
		return EAGAIN;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}
