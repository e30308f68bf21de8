/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One who reads the space's history from its first delta on: at once or with delays, so that what waits fills up and rings stand still; in some
 * seeds he leaves before the end. What he has read is done again in a fresh space with another number of shards, where every delta must do
 * something again, every tick must come to the hash that was told, and the end, if he saw it, must be the end.
 *
 * In half of them the history is the space's log, and he its writer, who says sooner or later what is durable, and now and then is followed by
 * another who reads again what was not.
 */
#ifndef SIM_HISTORIAN_H
#define SIM_HISTORIAN_H

#include "cast.h"

/* In some seeds; before anything has been made. */
void historian_begin(struct stage *stage);
bool historian_is_there(void);
/* Everybody else is at rest: until all has been read that there is. */
void historian_await(void);
/* Everybody else has ended. */
void historian_stop(void);
void historian_judge(void);

#endif
