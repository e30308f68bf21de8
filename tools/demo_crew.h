/* SPDX-License-Identifier: GPL-2.0-only */
/* The workers of a demo as somebody who must be started, watched and waited for: processes or threads. */
#ifndef DEMO_CREW_H
#define DEMO_CREW_H

#include <pthread.h>
#include <sys/types.h>
#include "demo.h"

struct demo_crew {
	struct demo *demo;
	struct mmsb_space *space;	/* of the threads; NULL: processes */
	unsigned int started;
	pid_t pid[2 * DEMO_WORKERS];
	pthread_t thread[2 * DEMO_WORKERS];
};

/* Processes must be started before this process opens anything of MMSB's; they wait for demo->phase. 0 or a negative errno. */
int crew_start(struct demo_crew *crew, struct demo *demo, struct mmsb_space *space);
bool crew_well(struct demo_crew *crew);		/* false: a worker died or gave up; its error says why */
void crew_wait(struct demo_crew *crew);		/* demo->phase is DEMO_STOP */

#endif
