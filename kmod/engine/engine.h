/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The engine as its homes see it: make a space, open rings on it, run its shards.
 *
 * Who may call what. Functions marked [any] may be called by any thread at any time while the object lives. The home keeps
 * a space alive while any ring of it is open or any call on it is under way, and a ring while any call on it is.
 * Every failure is an enum mmsb_reason; ms_errno() turns it into a negative errno at the border, and nowhere else.
 */
#ifndef MS_ENGINE_H
#define MS_ENGINE_H

#include "platform.h"
#include <mmsb/abi.h>
#include <mmsb/history.h>
#include <mmsb/log.h>
#include <mmsb/reasons.h>
#include <mmsb/timing.h>
#include <mmsb/verify.h>

struct ms_space;
struct ms_shard;
struct ms_ring;
struct ms_region;
struct ms_events;
struct ms_verify;

int ms_errno(enum mmsb_reason reason);		/* 0 or negative */

/* ------------------------------------------------------------------------------------------------------------ space */

/* What may be becoming too much: the space has nearly all that it may have, or something holds up a ring. */
enum ms_pressure { MS_PRESSURE_LIMIT, MS_PRESSURE_LOG, MS_PRESSURE_RING };

/* What a space takes, in pages, in bytes of its arena, in rings of either sort. */
enum ms_resource { MS_RESOURCE_PAGES, MS_RESOURCE_BYTES, MS_RESOURCE_RINGS, MS_RESOURCE_LAST };

struct ms_space_config {
	u32 shards;		/* 1..MMSB_SHARDS_MAX */
	u32 max_rings;
	u64 max_pages;		/* 1..2^32 - 1 */
	u64 max_bytes;		/* of the arena; rounded up to chunks; at most 1 TiB */
	bool hash;		/* keep the state hash from the start */
	bool pollers;		/* the home runs pollers: forwarded work kicks them, instead of being run by who forwards */
	bool lazy;		/* every derived page is */
	bool shut;		/* to all but a replay ring, until that has said that it is whole, or there is a log */
	bool timing;		/* time its layers from the start */
	u32 audit;		/* every so many recomputes are done twice and compared; 0: none */
	int (*node_of)(void *arg, u32 shard);	/* NUMA node of a shard's memory; NULL: anywhere */
	/*
	 * NULL, or called for what an operator may want to know: `ring` broke, or (NULL) something was refused for a limit. Under locks of the
	 * engine: it makes no call of this page but ms_ring_config() and ms_ring_id().
	 */
	void (*tell)(void *arg, enum mmsb_reason reason, const struct ms_ring *ring);
	/*
	 * NULL, or called when that may have begun, once for each time that a ring is held up. Under locks of the engine, run locks among them: it
	 * neither sleeps nor allocates, but sees to it that somebody looks, by ms_space_stat() and ms_ring_stat(), whether it is so and until when.
	 */
	void (*press)(void *arg, enum ms_pressure what);
	/*
	 * NULL, or asked when the space takes so many, which its own limits allow: whoever it belongs to may have less. How many it is, `least` of
	 * them or more, or 0. All of it is given back by refund() in the end. Under locks of the engine, and no call is made from there.
	 */
	u64 (*spend)(void *arg, enum ms_resource what, u64 least, u64 n);
	void (*refund)(void *arg, enum ms_resource what, u64 n);
	void *arg;
};

enum mmsb_reason ms_space_create(const struct ms_space_config *config, struct ms_space **space);
void ms_space_destroy(struct ms_space *space);	/* every ring of either sort is closed, every mapping gone */
enum mmsb_reason ms_space_reset(struct ms_space *space);	/* [any] as new, but for the incarnation */
void ms_space_identify(struct ms_space *space, u64 id);	/* as which traces know it; before anybody has it */

struct ms_space_stat {
	u64 pages, max_pages, made_for_pages, bytes, max_bytes, made_for_bytes, memory, tick, deltas, incarnation;
	u64 derived, edges, recomputed, skipped, cut, suspect, meetings, shared;
	u64 granted;		/* pages that there are, or that shards have in hand to make */
	u32 shards, rings, max_rings;
	u32 audit;
	bool hash, lazy, shut, timing;
};
void ms_space_stat(struct ms_space *space, struct ms_space_stat *stat);		/* [any] */

/* A limit is near from nine tenths of it on, and no longer once less than eight are used. */
static inline bool ms_is_near(u64 used, u64 most)
{
	return used >= most - most / 10;
}

static inline bool ms_is_far(u64 used, u64 most)
{
	return used < most - most / 5;
}

/* Zero leaves a limit as it is. */
struct ms_space_limits {
	u64 max_pages, max_bytes;
	u32 max_rings;
};
/* [any] All of them, or BAD_LIMIT: pages and bytes have no room above what the space was made for. What is there stays. */
enum mmsb_reason ms_space_limit(struct ms_space *space, const struct ms_space_limits *limits);

/* [any] From the next wave on every so many recomputes of a shard are done twice and compared; 0: none. */
void ms_space_audit(struct ms_space *space, u32 every);

/* [any] flags: MMSB_HASH_*. NONE, or NO_MEMORY. *off says that the incremental hash is off and none was computed. */
enum mmsb_reason ms_space_hash(struct ms_space *space, u32 flags, u64 hash[2], u64 *tick, bool *off);

/*
 * As mmsb/verify.h says: some of it, told in *args, but for the reason. *verify is the one that is under way through this descriptor or handle, NULL
 * if none is; one caller at a time, and freed before the space goes.
 */
enum mmsb_reason ms_space_verify(struct ms_space *space, struct ms_verify **verify, struct mmsb_verify_args *args);
void ms_verify_free(struct ms_verify *verify);		/* NULL is fine */

/* [any] As struct mmsb_timing_args says; `args` is the engine's private copy, its size is the border's. */
enum mmsb_reason ms_space_timing(struct ms_space *space, struct mmsb_timing_args *args);
/* How many took less than 2^octave nanoseconds, from octave 4 on. */
u64 ms_timing_below(const struct mmsb_timing_args *args, u32 octave);

/* What the home maps for its readers. */
struct ms_region *ms_space_directory(struct ms_space *space);
struct ms_region *ms_space_arena(struct ms_space *space);
struct pf_shared *ms_space_page(struct ms_space *space);

u64 ms_region_bytes(const struct ms_region *region);
struct pf_region *ms_region_home(struct ms_region *region);
/*
 * [any] The memory of a chunk; NULL where none is filled yet (readers shall see zeros there, at no cost to the owner) or `number` is
 * beyond the region. A home that maps regions calls it under a lock of its own, which pf_chunk_shown() and pf_chunk_drop() take too.
 */
void *ms_region_chunk(const struct ms_region *region, u64 number);

/* [any] Sleeps until the page's epoch is above `epoch`: 0, -ETIME, -EINTR (or the kernel's like), -ENOENT, -ESTALE. */
int ms_page_wait(struct ms_space *space, u64 page, u64 epoch, u64 timeout_ns, u64 *now);

/* ---------------------------------------------------------------------------------------------------------- history */

struct ms_history;

/* [any] From here on the space tells what it applies. `args` is the engine's private copy; its size is the border's. */
enum mmsb_reason ms_history_open(struct ms_space *space, struct mmsb_history_open_args *args, struct ms_history **history);
void ms_history_close(struct ms_history *history);	/* before the space goes */
/* The next record, good until the next call, or NULL: there is none now. One caller at a time. */
enum mmsb_reason ms_history_next(struct ms_history *history, const struct mmsb_record **record);
/* [any] From here on the state as it stands now is told too (log.h): as at *tick. `term`: of a log's writer; else 0. */
enum mmsb_reason ms_history_capture(struct ms_history *history, u64 term, u64 *tick);
bool ms_history_has_any(const struct ms_history *history);		/* [any] there is one now */
bool ms_history_is_due(const struct ms_history *history);		/* [any] the same, or for a log: it is time to write */
int ms_history_wait(struct ms_history *history, u64 timeout_ns);	/* [any] until it is due: 0, -ETIME, -EINTR */
struct pf_waitq *ms_history_waitq(struct ms_history *history);		/* woken when some have come */

/* -------------------------------------------------------------------------------------------------------------- log */

/* What was opened with MMSB_HISTORY_LOG; args->term names this writer from then on. */
void ms_log_close(struct ms_history *history, u64 term);	/* the writer goes; the log stays */
/*
 * [any] What is read of a log is read between these two, and what was read is good until it is made durable: a writer who was fenced has no
 * way in any more, and must forget what he was given.
 */
enum mmsb_reason ms_history_enter(struct ms_history *history, u64 term);
void ms_history_leave(struct ms_history *history);
/* [any] As struct mmsb_log_durable_args says. Not between those two. */
enum mmsb_reason ms_log_durable(struct ms_history *history, u64 term, u32 flags, u64 tick);
/* [any] As struct mmsb_durability_args says; `args` is the engine's private copy, its size and flags are the border's. */
enum mmsb_reason ms_log_durability(struct ms_space *space, bool set, struct mmsb_durability_args *args);
/* [any] Sleeps until `tick` (0: the last one now) is durable. NONE, with *error 0, -ETIME or -EINTR; NO_LOG, LOG_FAILED. */
enum mmsb_reason ms_log_sync(struct ms_space *space, u64 tick, u64 timeout_ns, u64 *durable, int *error);

/* ------------------------------------------------------------------------------------------------------------ shard */

struct ms_shard *ms_space_shard(struct ms_space *space, u32 shard);
struct pf_shard *ms_shard_home(struct ms_shard *shard);
u32 ms_shard_number(const struct ms_shard *shard);
struct ms_space *ms_shard_space(const struct ms_shard *shard);

struct ms_shard_stat {
	u64 pages, memory, deltas, tick, derived, edges, recomputed, skipped, cut, suspect;
	u32 held;
	int node;
	bool asleep;
};
void ms_shard_stat(struct ms_shard *shard, struct ms_shard_stat *stat);		/* [any] */

/*
 * [any] One bounded, fair pass over the shard's polled rings (all rings if somebody failed to take the run lock meanwhile) and
 * its inbox. Returns the number of deltas and messages handled; 0 also when somebody else runs the shard, who then
 * is sure to see what was published before the call.
 */
u32 ms_shard_poll(struct ms_shard *shard);

/*
 * The poller is about to sleep: sets NEED_WAKEUP in the shard's polled rings, full barrier, and looks again: false means
 * that there is work, and that the flags are taken back. After waking, call ms_shard_awake().
 */
bool ms_shard_sleep(struct ms_shard *shard);
void ms_shard_awake(struct ms_shard *shard);
bool ms_shard_sleeps(const struct ms_shard *shard);		/* it was put to sleep, and is not awake yet */

/* ------------------------------------------------------------------------------------------------------------- ring */

struct ms_ring_config {
	u32 sq_entries, cq_entries;	/* powers of two within the limits, see ms_ring_config_round() */
	u64 payload_bytes;
	u32 shard;
	bool polled;
	bool read_only;		/* deltas are refused; snapshots work */
	bool replay;		/* it does a history again: one at a time in a space */
	struct mmsb_origin origin;
};

enum mmsb_reason ms_ring_config_round(struct ms_ring_config *config);	/* zeros become defaults */
enum mmsb_reason ms_ring_create(struct ms_space *space, const struct ms_ring_config *config, struct ms_ring **ring);
/* Applies what was published, throws completions away, waits for what is under way at other shards, frees. Sleeps. */
void ms_ring_close(struct ms_ring *ring);

const struct ms_ring_config *ms_ring_config(const struct ms_ring *ring);
u64 ms_ring_id(const struct ms_ring *ring);			/* in its space; rises, and is given once */

struct ms_ring_stat {
	u64 taken, failed, stalls;
	u32 pending, unreaped;
	u32 held_by;		/* what holds up its entries, an enum mmsb_stall, plus one; 0: nothing */
	enum mmsb_reason broken;
};
void ms_ring_stat(struct ms_ring *ring, struct ms_ring_stat *stat);		/* [any] */
struct ms_space *ms_ring_space(const struct ms_ring *ring);
struct pf_shared *ms_ring_engine_area(struct ms_ring *ring);	/* MMSB_MAP_RING_ENGINE */
struct pf_shared *ms_ring_client_area(struct ms_ring *ring);	/* MMSB_MAP_RING_CLIENT */
u64 ms_ring_payload_offset(const struct ms_ring *ring);	/* in the client area: struct mmsb_ring_open_args.payload_offset */
struct pf_waitq *ms_ring_waitq(struct ms_ring *ring);		/* woken when completions arrive, room appears or it breaks */
u32 ms_ring_completions(struct ms_ring *ring);			/* [any] unreaped, as the client's (distrusted) head says */
u32 ms_ring_room(struct ms_ring *ring);				/* [any] free submission entries, likewise */

/*
 * [any] What ENTER does. Inline ring: drains it in the caller's context (as far as others do not hold the shard), running the
 * shards it forwards to where the space has no pollers. Polled ring: wakes the poller. Then waits until min_complete
 * completions are unreaped. 0, -ETIME, -EINTR, -EPIPE when broken.
 */
int ms_ring_enter(struct ms_ring *ring, u32 min_complete, u64 timeout_ns);

/* [any] The same, but waits until a submission entry is free, or the completion queue is so full that none can become free. */
int ms_ring_enter_for_room(struct ms_ring *ring, u64 timeout_ns);

/* [any] As struct mmsb_snapshot_args says; `args` is the engine's private copy, its size and flags are the border's. */
enum mmsb_reason ms_ring_snapshot(struct ms_ring *ring, struct mmsb_snapshot_args *args);
/* [any] As struct mmsb_graph_args says, likewise. */
enum mmsb_reason ms_ring_graph(struct ms_ring *ring, struct mmsb_graph_args *args);

/*
 * [any] Edges, by the page that follows and then in its own order, from *cursor on (0: the first); how many there were, up to n, and 0 only at
 * the end. All shards stand still meanwhile, but for a few thousand pages at a time. *cursor is where to go on behind the last; each edge
 * carries where to go on behind itself. A cursor may be anything.
 */
#define MS_EDGES_END	(~0ull)
struct ms_edge_view {
	u64 page, parent, weight, next;
	u32 type, number;	/* which of the page's edges it is, from 0 */
};
u32 ms_space_edges(struct ms_space *space, u64 *cursor, struct ms_edge_view *edges, u32 n);

/* ----------------------------------------------------------------------------------------------------------- events */

struct ms_events_config {
	u32 entries;		/* a power of two, see ms_events_config_round() */
	u32 pages;		/* room for ids */
};

enum mmsb_reason ms_events_config_round(struct ms_events_config *config);	/* zeros become defaults */
enum mmsb_reason ms_events_create(struct ms_space *space, const struct ms_events_config *config, struct ms_events **events);
void ms_events_close(struct ms_events *events);			/* sleeps */
/* [any] As struct mmsb_events_filter_args says; `args` is the engine's private copy. */
enum mmsb_reason ms_events_filter(struct ms_events *events, struct mmsb_events_filter_args *args);

const struct ms_events_config *ms_events_config(const struct ms_events *events);
struct pf_shared *ms_events_engine_area(struct ms_events *events);	/* MMSB_MAP_EVENTS_ENGINE */
struct pf_shared *ms_events_client_area(struct ms_events *events);	/* MMSB_MAP_EVENTS_CLIENT */
struct pf_waitq *ms_events_waitq(struct ms_events *events);	/* woken when entries arrive or it breaks */
bool ms_events_readable(struct ms_events *events);		/* [any] as the client's (distrusted) head says */
bool ms_events_broken(struct ms_events *events);		/* [any] */
int ms_events_wait(struct ms_events *events, u64 timeout_ns);	/* [any] until readable: 0, -ETIME, -EINTR, -EPIPE when broken */

#endif
