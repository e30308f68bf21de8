/* SPDX-License-Identifier: GPL-2.0-only */
/* What a twin is asked next: random entries, of which its generator decides all. */
#ifndef ENTRIES_H
#define ENTRIES_H

#include "differ.h"

/* Fills in one random entry; its operand goes to `payload`, behind the twin's payload_used bytes. */
void twin_entry(struct twin *twin, uint8_t *payload, struct mmsb_sqe *sqe);
/* Entries may name the page from now on. The living are kept in mind, as far as that goes. */
void twin_remember(struct twin *twin, uint64_t id);

#endif
