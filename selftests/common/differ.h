/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine and the model side by side. A twin is a space with some rings and a model of it; it takes batches of random
 * entries to both and stops at the first thing on which they disagree. One thread drives all rings and
 * waits for a batch of one ring before it touches another, so the total order of all entries is known.
 *
 * Where a batch is cut into ticks is the engine's to decide and to say in its completions; the model ends its ticks there. So where
 * pages are derived and a batch may be cut, no entry is quiet.
 */
#ifndef DIFFER_H
#define DIFFER_H

#include "home.h"
#include "model.h"

#define TWIN_RINGS	3
#define TWIN_SQ		64u
#define TWIN_PAYLOAD	(256u << 10)
#define TWIN_INDICES	65536u		/* directory lines that the model covers */
#define TWIN_POOL	96u		/* ids that entries choose from, dead ones included */

struct twin_config {
	uint32_t shards;
	bool polled;
	bool named;		/* every CREATE says its id, so that the history is the same with any number of shards */
	bool graph;		/* pages are derived from each other */
	bool lazy;		/* all of them, by the space's flag */
	bool single;		/* each entry is a tick of its own, so that the ticks are the same with any number of shards, too */
};

struct twin {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *rings[TWIN_RINGS];
	uint8_t *payload[TWIN_RINGS];
	size_t payload_bytes;
	struct twin_config config;
	struct model model;
	struct rng rng;			/* decides the history */
	struct rng checks;		/* decides what is looked at: never the history */
	uint64_t pool[TWIN_POOL];
	uint64_t ops, refused, unchanged;
	uint64_t by_reason[MMSB_REASON_LAST];
	/* the batch at hand */
	struct mmsb_sqe batch[TWIN_SQ];
	struct mmsb_cqe got[TWIN_SQ];
	bool came[TWIN_SQ];
	unsigned int n;
	size_t payload_used;
};

int twin_open(struct twin *twin, const struct twin_config *config, uint64_t seed);
void twin_close(struct twin *twin);
int twin_batch(struct twin *twin);		/* one random batch; 0 if both agree */
int twin_compare(struct twin *twin);		/* everything there is: all pages, the listing, the hash */
int twin_hash(struct twin *twin, uint64_t hash[2]);	/* the incremental hash, which must equal the recomputed one */
int twin_reset(struct twin *twin);

/* Whether a batch may become several ticks, and this matters. */
static inline bool twin_may_be_cut(const struct twin_config *config)
{
	return config->graph && (config->shards > 1 || config->polled);
}

#endif
