/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Those who listen to events: through rings from one entry up, with filters that change, at once or with delays, so that much is lost.
 * In the end what each was told is held against the ledger: nothing that did not pass the filter, nothing twice, nothing that no delta
 * did in that tick; and of what was done and should have been told, no more is missing than was counted as lost.
 */
#ifndef SIM_LISTENER_H
#define SIM_LISTENER_H

#include "cast.h"

void listeners_begin(struct stage *stage);
bool listeners_are_there(void);
/* Everybody else is at rest: until all has been read that there is. */
void listeners_await(void);
/* Everybody else has ended. */
void listeners_stop(void);
void listeners_judge(void);

#endif
