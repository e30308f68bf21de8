/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Derived pages, and one who tends them: the gardener derives, links, unlinks, underives, refreshes and destroys, one delta at a time, so
 * it knows what the graph is and what every answer has to be, cycles included. Nobody else touches those pages; what they follow,
 * everybody does, but only the gardener destroys such a page while it is followed (DETACH). In a snapshot of a page with its parents, and in the end, each must hold what its rule makes of them.
 */
#ifndef SIM_GARDEN_H
#define SIM_GARDEN_H

#include "cast.h"

void garden_begin(void);
/* Makes the pages; false: there was no memory for a ring. */
bool garden_plant(struct stage *stage, struct player *gardener);
void gardener_main(void *arg);

/* A page that follows its parents at once, as it stands for good by now, and they: how many ids were put into `ids`; 0: there is none. */
u32 garden_choose(struct rng *rng, u64 *ids, u32 most);
/* What a snapshot shows of those. */
void garden_check_snapshot(const u8 *payload, const struct mmsb_snapshot_entry *entries, u32 n);

/* Nobody runs any more: first what follows at once, then, refreshed, all of it. */
void garden_judge(void);

#endif
