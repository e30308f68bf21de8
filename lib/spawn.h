/* SPDX-License-Identifier: MIT */
/*
 * Threads of the library's own. They take no signals, which are the program's, and making one can be made to fail as an allocation can.
 */
#ifndef MMSB_LIB_SPAWN_H
#define MMSB_LIB_SPAWN_H

#include <pthread.h>

/* 0, or an errno. */
int msl_spawn(pthread_t *thread, void *(*run)(void *arg), void *arg);

#endif
