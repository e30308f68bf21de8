/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MMSB_POLLER_H
#define MMSB_POLLER_H

#include <linux/list.h>
#include <linux/types.h>

struct mmsb_space;
struct ms_shard;
struct pf_shard;

/* How long a polled ring wants its poller to look in vain. */
struct mmsb_poller_wish {
	struct list_head node;
	struct pf_shard *home;		/* of its ring */
	u32 idle_us;			/* 0: the default */
};

struct mmsb_poller_stat {
	u32 pid;			/* as the caller's namespace numbers it */
	u32 shards, idle_us;
	bool resting;
	u64 cpu_ns, rests, rested_ns;
};

/* False: that CPU's poller was never needed. */
bool mmsb_poller_stat(int cpu, struct mmsb_poller_stat *stat);

int mmsb_pollers_init(void);
void mmsb_pollers_exit(void);

int mmsb_poller_attach(struct mmsb_space *space, struct ms_shard *shard, int cpu);
void mmsb_poller_detach(struct pf_shard *home);
/* Hands the shard to another CPU's poller, with all that its rings wish, and notes that in *where. -ENODEV: the CPU is not online. */
int mmsb_poller_move(struct pf_shard *home, int cpu, int *where);
void mmsb_poller_wish(struct pf_shard *home, struct mmsb_poller_wish *wish);
void mmsb_poller_unwish(struct mmsb_poller_wish *wish);
/* How long the CPU's poller looks in vain where no ring asks for more; MMSB_IDLE_MODULE: as the module says. -ENODEV: it was never needed. */
#define MMSB_IDLE_MODULE	(~0u)
int mmsb_poller_idle(int cpu, u32 idle_us);

#endif
