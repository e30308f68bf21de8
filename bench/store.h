/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finding the stores that stand beside MMSB: what is not on this machine is left out, with a word about how to get it.
 */
#ifndef BENCH_STORE_H
#define BENCH_STORE_H

#include "peer.h"

const struct peer *store_find(const char *name);	/* NULL: it is not here */
const char *store_missing(const char *name);		/* why, or NULL */

#endif
