/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a seed is: a space of one to four shards, with pollers or without, rings that are nearly always full, a few small pages, some who
 * send and some who look on, failures of memory, a death. When all have ended, nothing may be left over, and all that was seen must
 * agree with the reference model (ledger.h).
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "platform.h"

/* Returns if all was well; else it says what was not and ends the program. */
void scenario_run(u64 seed, bool trace);
/* In all of them so far: levels of waves that several computed. */
u64 scenario_shared(void);

#endif
