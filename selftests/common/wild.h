/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wild histories: random entries of every operation, graph included, on pages of every size, from hands that write through rings of their
 * own, one at a time or each in a thread. There is no model beside it: the space is what it is, and another one that is to be
 * equal to it is what it is compared with.
 */
#ifndef WILD_H
#define WILD_H

#include <pthread.h>
#include "home.h"

#define WILD_HANDS	3
#define WILD_POOL	128u
#define WILD_PAGES	3072u		/* max_pages of a recorded space; a replayed one has this for each of up to 8 shards */
#define WILD_PAYLOAD	(256u << 10)

struct wild_config {
	uint32_t shards;
	bool polled, lazy;
};

struct wild;

struct wild_hand {
	struct wild *wild;
	struct mmsb_ring *ring;
	uint8_t *payload;
	size_t payload_used;
	struct rng rng;
	uint64_t ops, refused, changed;		/* entries; those that failed; those that did something */
	uint64_t end;				/* where its thread ends */
};

struct wild {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct wild_config config;
	struct wild_hand hand[WILD_HANDS];
	pthread_mutex_t lock;			/* of the pool */
	uint64_t pool[WILD_POOL];		/* ids, dead ones included */
	uint32_t size[WILD_POOL];
};

/* home NULL: as $MMSB_HOME says. */
int wild_open(struct wild *wild, const char *home, const struct wild_config *config, uint64_t seed);
void wild_close(struct wild *wild);
int wild_batch(struct wild_hand *hand);			/* one random batch, waited for */
int wild_run(struct wild *wild, uint64_t ops);		/* the hands in turn, as the seed says */
int wild_run_threads(struct wild *wild, uint64_t ops);	/* each in a thread */
void wild_forget(struct wild *wild);			/* the space was reset */

/* A space to compare with, or to replay into. */
int wild_space(struct mmsb *mmsb, const struct wild_config *config, uint64_t max_pages, struct mmsb_space **space);

/* Everything that can be seen of two spaces at rest is the same; and each one's state hash is what it ought to be. */
int wild_compare(struct mmsb_space *one, struct mmsb_space *other);

#endif
