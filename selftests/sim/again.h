/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A history done again in a fresh space with another number of shards: every delta must do something again, and every tick come to the hash that
 * was told.
 */
#ifndef SIM_AGAIN_H
#define SIM_AGAIN_H

#include "common/random.h"
#include "ledger.h"

/* to_the_end: the original must have come to the same. */
void again_do(const u8 *records, u64 bytes, struct ms_space *original, bool to_the_end, struct rng *rng);

#endif
