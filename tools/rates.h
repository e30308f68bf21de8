/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rates: how fast the counters of spaces, or of a space's rings, rise, told once an interval. What was not there the time before is told of
 * from the next time on. A counter that fell, as by a reset, has no rate that once.
 */
#ifndef RATES_H
#define RATES_H

#include "cli.h"
#include "nlc.h"

/*
 * Until it has told `count` times (0: for ever) or is stopped; of all spaces, or of the rings of the one that is named. *err: why it could not ask.
 * False: it could not write, and said so.
 */
bool rates_tell(struct cli *cli, struct nlc *nl, const char *space, uint64_t interval_ns, uint64_t count, int *err);

#endif
