/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The ABI of events: what happens to a space's pages, told through a mapped ring.
 *
 * MMSB_IOC_EVENTS_OPEN on a space fd, also a read-only one, gives an event fd, which maps two areas as a ring fd does: one that the
 * engine writes (struct mmsb_events_engine, then the entries) and one that the client writes (struct mmsb_events_client, then
 * ids of pages to filter by). Nothing is told until MMSB_IOC_EVENTS_FILTER has said what to tell; it can be called again at
 * any time. From then on each tick that closes appends, for each page that it did something to, one struct mmsb_event for each sort of
 * thing that it did. The fd can be polled: EPOLLIN when there are entries, EPOLLERR when the ring is broken.
 *
 * Reading. tail is the engine's, head the client's; both are free-running and are reduced by the (power of two) number of
 * entries. Load-acquire tail, read the entries from head on, store-release the new head.
 *
 * Losing. The engine never waits for a reader. What finds the ring full is dropped and counted in `lost`; when there is room again the
 * first entry is a LOST one, whose epoch is that counter. A reader who has emptied the ring load-acquires `lost` and looks at tail
 * again: if the ring is still empty and `lost` is not what he was last told, that much more was lost and he has all the rest. Either
 * way he catches up by reading the pages that he follows: an epoch says whether one has changed since he saw it last, and
 * whatever changes from then on is told again.
 */
#ifndef MMSB_EVENTS_H
#define MMSB_EVENTS_H

#include <linux/types.h>

#define MMSB_EVENTS_MAX		65536u	/* entries of a ring */
#define MMSB_EVENTS_PAGES_MAX	4096u	/* pages to filter by */

/* In this order for a page to which one tick did several of these. */
enum mmsb_event_what {
	MMSB_EVENT_NONE,
	MMSB_EVENT_CREATED,
	MMSB_EVENT_CHANGED,	/* its epoch rose: once a tick, however often */
	MMSB_EVENT_STALE,	/* something before it changed and it was not computed: a control edge, or it is lazy, or behind one that is */
	MMSB_EVENT_DESTROYED,
	MMSB_EVENT_TICK,	/* a tick has closed, and all of it has been told */
	MMSB_EVENT_RESET,	/* the space was: ids and epochs from before mean nothing. Always told. */
	MMSB_EVENT_LOST,	/* what stood here was dropped. Always told. */
	MMSB_EVENT_LAST,
};

#define MMSB_EVENTS_OF(what)	(1u << (what))
#define MMSB_EVENTS_PAGES	(MMSB_EVENTS_OF(MMSB_EVENT_CREATED) | MMSB_EVENTS_OF(MMSB_EVENT_CHANGED) | \
				 MMSB_EVENTS_OF(MMSB_EVENT_STALE) | MMSB_EVENTS_OF(MMSB_EVENT_DESTROYED))
#define MMSB_EVENTS_KNOWN	(MMSB_EVENTS_PAGES | MMSB_EVENTS_OF(MMSB_EVENT_TICK))
#define MMSB_EVENTS_KINDS	0x6u	/* MMSB_EVENTS_OF() of MMSB_KIND_SOURCE and MMSB_KIND_DERIVED */

struct mmsb_event {
	__u64 page;		/* 0 for TICK, RESET, LOST */
	__u64 epoch;		/* at the end of the tick; DESTROYED, TICK: 0; RESET: the incarnation; LOST: how many were, since the ring was opened */
	__u64 tick;
	__u8  what;		/* enum mmsb_event_what */
	__u8  kind;		/* enum mmsb_kind, at the end of the tick, or before the page was destroyed */
	__u16 reserved0;
	__u32 reserved1;
};

#define MMSB_EVENTS_BROKEN	(1u << 0)	/* the client wrote a head that cannot be */

/* Written by the engine, mapped read-only by the client. The entries follow at MMSB_RING_HEADER. */
struct mmsb_events_engine {
	__u32 tail;
	__u32 pad0[15];
	__u32 flags;		/* MMSB_EVENTS_BROKEN */
	__u32 reason;		/* enum mmsb_reason, when broken */
	__u64 lost;		/* dropped so far */
	__u64 pad1[6];
};

/* Written by the client. Room for ids follows at MMSB_RING_HEADER. */
struct mmsb_events_client {
	__u32 head;
	__u32 pad0[15];
};

/* Offsets for mmap on an event fd. */
#define MMSB_MAP_EVENTS_ENGINE	0ULL
#define MMSB_MAP_EVENTS_CLIENT	(1ULL << 32)

/* A space counts event rings among its rings. */
struct mmsb_events_open_args {
	__u32 size;
	__u32 flags;		/* 0 */
	__u32 entries;		/* in and out: rounded up to a power of two; 0 for 1024 */
	__u32 pages;		/* in: room for so many ids to filter by; at most MMSB_EVENTS_PAGES_MAX */
	__u64 engine_bytes;	/* out: size of the MMSB_MAP_EVENTS_ENGINE mapping */
	__u64 client_bytes;	/* out: size of the MMSB_MAP_EVENTS_CLIENT mapping */
	__u32 reason;		/* out, on failure: enum mmsb_reason */
	__u32 reserved;
};

/*
 * From the tick behind `tick` on, and until the next call, what is told is what passes. Who reads his pages after the call
 * and then follows the events misses nothing.
 */
struct mmsb_events_filter_args {
	__u32 size;
	__u32 flags;		/* 0 */
	__u32 what;		/* MMSB_EVENTS_OF() of each sort wanted; 0: none */
	__u32 kinds;		/* MMSB_EVENTS_OF() of each kind of page wanted */
	__u32 pages;		/* only of so many pages, whose ids stand in the client's area; 0: of all */
	__u32 reason;		/* out, on failure */
	__u64 tick;		/* out */
};

#endif
