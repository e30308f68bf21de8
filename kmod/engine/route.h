/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Routes between shards. For each pair of shards that talk there is one link, made when first needed: a queue with one producer
 * (the shard the ring lives on) and one consumer (the shard the page lives on). The consumer writes the completion into the very slot
 * that brought the delta, and the producer reaps the slots in order; so an answer always has its place and no queue can
 * block on another: a full link holds up the rings that need it, and nothing else.
 */
#ifndef MS_ROUTE_H
#define MS_ROUTE_H

#include "engine.h"
#include "stays.h"

#define MS_LINK_SLOTS	128u

struct ms_message {
	struct ms_ring *ring;
	u16 flags;		/* of the entry */
	union {
		struct mmsb_sqe sqe;	/* on its way */
		struct mmsb_cqe cqe;	/* on its way back */
	};
};

struct ms_link {
	struct ms_shard *from, *to;
	/* Written by `from`. */
	u32 sent __attribute__((aligned(64)));	/* published */
	u32 filled;				/* filled, not yet published */
	u32 reaped;
	struct ms_stays stays;			/* since when deltas are on their way, if that is timed */
	/* Written by `to`. */
	u32 done __attribute__((aligned(64)));	/* published */
	u32 served;
	struct ms_message slot[MS_LINK_SLOTS] __attribute__((aligned(64)));
};

/* The link to a shard; NULL: no memory. */
struct ms_link *ms_link_to(struct ms_shard *from, u32 to);

static inline bool ms_link_has_room(const struct ms_link *link)
{
	return link->filled - link->reaped < MS_LINK_SLOTS;
}

void ms_link_send(struct ms_link *link, struct ms_ring *ring, const struct mmsb_sqe *sqe);
/* Whoever runs the shard looks at its links with the other. */
void ms_inbox_mark(struct ms_shard *shard, u32 other);
/* Publishes what was sent, or what was served, and marks the other side's inbox. */
void ms_link_publish_sent(struct ms_link *link);
void ms_link_publish_done(struct ms_link *link);
void ms_routes_free(struct ms_shard *shard);

#endif
