/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands that change pages share: the space in the first operand with a ring on it, and what is said afterwards. */
#ifndef PAGE_H
#define PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include "args.h"

bool page_open(struct cli *cli, const struct args *args, uint64_t payload, struct mmsb_space **space, struct mmsb_ring **ring);
void page_close(struct mmsb_space *space, struct mmsb_ring *ring);
void page_report(const struct cli *cli, uint64_t page, uint64_t epoch);

#endif
