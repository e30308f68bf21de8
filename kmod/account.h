/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who pays. Everything a space holds is charged to the memory cgroup of the process that made it, whoever causes the
 * allocation: another client, or a poller. Each call into the engine that may allocate stands between these two.
 */
#ifndef MMSB_ACCOUNT_H
#define MMSB_ACCOUNT_H

#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include "space.h"

static inline struct mem_cgroup *mmsb_charge_begin(const struct mmsb_space *space)
{
	return set_active_memcg(space->memcg);
}

static inline void mmsb_charge_end(struct mem_cgroup *before)
{
	set_active_memcg(before);
}

#endif
