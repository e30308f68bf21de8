/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The actors of a seed: who sends, who dies, who looks on. Each draws from a generator of its own, so that what it means to do does not
 * depend on who ran before it.
 */
#ifndef SIM_CAST_H
#define SIM_CAST_H

#include "client.h"
#include "draw.h"

struct stage {
	struct ms_space *space;
	u32 shards, npollers;
	bool pollers, resets, garden;
	bool logged;			/* the space has a log: completions may wait for its writer */
	bool ending;			/* the last changes are about to be made: no wait without a timeout begins */
	struct poller *poller;
	struct rng rng;
	u32 clients;			/* so far */
};

struct poller {
	struct pf_poller home;
	struct stage *stage;
	u32 first, step, patience;
	bool stop;
	struct sim_actor *actor;
};

struct player {
	struct stage *stage;
	struct client client;		/* of those who have one */
	bool is_open;
	struct rng rng;
	u32 left;			/* things to do */
	struct sim_actor *actor;
	bool looks_on;			/* changes nothing, and may go on until the end */
	struct player *victim;		/* of a killer */
};

void poller_main(void *arg);
void producer_main(void *arg);
void killer_main(void *arg);
void reader_main(void *arg);
void watcher_main(void *arg);
void snapshot_main(void *arg);
void hash_main(void *arg);
void reset_main(void *arg);
void opener_main(void *arg);

void stage_ring_config(struct stage *stage, struct rng *rng, struct ms_ring_config *config);
bool player_open(struct player *player);

#endif
