/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Events: who listens to a space, and what a shard has to tell him.
 *
 * Notes. While anybody listens, a shard notes each page that the tick under way does something to, once, with what it did. The
 * page's line keeps the number of its note, and a number is right if the note there is the page's: so finding a note takes one look,
 * and forgetting them all is setting a count to 0. When the tick has closed each listener is given what passes his filter, with the
 * epochs as they are then.
 *
 * Room. All memory is got when somebody begins to listen, so a pass cannot fail. There are as many notes a shard as the largest
 * of the listeners' rings had entries; what a tick does beyond them is lost to everybody.
 *
 * Locks. Listeners come and go, and change their filters, with all shards standing still, so a pass walks the list as it is. Several
 * shards may tell one listener at once: his own lock is the innermost of all. The lock of the list comes before the space's
 * control lock.
 */
#ifndef MS_EVENTS_H
#define MS_EVENTS_H

#include "engine.h"

struct ms_shard;

struct ms_note {
	u64 page;
	u64 epoch;			/* filled in when the tick has closed */
	u8 what;			/* a bit an enum mmsb_event_what */
	u8 kind;
};

struct ms_notes {
	u32 count, room;
	u64 missed;			/* what would not fit */
	struct ms_note note[];
};

/* Of a space. */
struct ms_listeners {
	struct pf_mutex lock;		/* one begins or ceases to listen, or changes his filter */
	struct ms_events *first;	/* written with all run locks held */
	u32 room;			/* of each shard's notes; 0: nobody listens */
	u64 memory;			/* of notes; under the space's mutex */
};

/* Notes what happened to the page. `kind` is what it is, or was before it was destroyed. */
void ms_note(struct ms_shard *shard, u64 page, enum mmsb_event_what what, u8 kind);

/* The shard's tick has closed, or that of all shards, and `ends` with this one. Somebody listens. */
void ms_events_tell(struct ms_shard *shard, bool ends);
/* The tick of all shards has closed. With every run lock held. */
void ms_events_tell_all(struct ms_space *space);

/* All shards stand still, and have been reset. */
void ms_events_tell_reset(struct ms_space *space);

#endif
