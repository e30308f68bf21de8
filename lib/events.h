/* SPDX-License-Identifier: MIT */
/* The client's half of an event ring, the same for both homes. */
#ifndef MMSB_LIB_EVENTS_H
#define MMSB_LIB_EVENTS_H

#include "home.h"

struct mmsb_events {
	const struct msl_home *home;
	struct mmsb_space *space;
	const struct mmsb_events_engine *engine;
	const struct mmsb_event *entries;
	struct mmsb_events_client *client;
	uint64_t *ids;
	uint32_t nentries, room;	/* room: for ids */
	uint32_t head, tail;		/* tail: last seen of the engine's */
	uint64_t told;			/* losses that the caller knows of */
	pthread_mutex_t filter_lock;	/* the ids stay as they are until the engine has read them */
};

/* The home has opened it: where its areas are, and what was agreed. */
void msl_events_init(struct mmsb_events *events, struct mmsb_space *space, const struct mmsb_events_open_args *args,
		     const void *engine, void *client);
void msl_events_fini(struct mmsb_events *events);

#endif
