/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The MMSB ABI: everything that a client and an engine agree on, in either home.
 *
 * In the kernel home a client opens /dev/mmsb and climbs down a ladder of file descriptors, each a capability whose
 * rights were decided when it was opened:
 *
 *	/dev/mmsb --MMSB_IOC_SPACE_OPEN--> space fd --MMSB_IOC_RING_OPEN--> ring fd
 *
 * A space fd maps, read-only, the space page, the directory (one struct mmsb_line a page of state) and the arena (the
 * bytes of those pages). A ring fd maps two areas: one that the engine writes and the client may only read, and one that
 * the client writes and the engine distrusts.
 *
 * Submitting. The client owns sq_tail and cq_head, the engine owns sq_head and cq_tail; all are free-running and are
 * reduced by the (power of two) number of entries. To submit, fill entries at sq_tail, store-release the new sq_tail,
 * issue a full barrier, and look at the engine's flags: if MMSB_RING_NEED_WAKEUP is set, call MMSB_IOC_ENTER. The same
 * barrier and look follow a store of cq_head, because a full completion queue stalls the submission queue. In an inline
 * ring nobody polls, and MMSB_IOC_ENTER is what drains it.
 *
 * Reading. Load-acquire seq of the page's line; if it is odd, somebody is writing: try again. Check generation against
 * the id, copy what is wanted from the line and from the arena at `place`, issue a read barrier, load seq again: if it
 * is unchanged, what was copied is one version of the page. After a bounded number of tries use MMSB_IOC_SNAPSHOT,
 * which always succeeds.
 *
 * Rules of growth. Every ioctl argument begins with its own size: an old program on a new engine leaves fields off, a
 * new program on an old engine is refused with E2BIG only if it sets bytes the engine does not know. Unknown flags
 * and reserved fields that are not zero are refused. Layouts are the same for 32-bit callers. Byte order is the
 * machine's; lane arithmetic and append cursors are little-endian machines' business for now (the engine builds for
 * 64-bit little-endian machines only).
 */
#ifndef MMSB_ABI_H
#define MMSB_ABI_H

#include <linux/types.h>
#include <linux/ioctl.h>
#include "events.h"
#include "graph.h"

#define MMSB_ABI_VERSION	1

/* Feature bits of mmsb_info_args.features. */
#define MMSB_FEATURE_POLLED	(1ULL << 0)	/* rings may be polled */
#define MMSB_FEATURE_INLINE	(1ULL << 1)	/* rings may be drained by their caller */
#define MMSB_FEATURE_HASH	(1ULL << 2)	/* spaces keep a state hash on request */
#define MMSB_FEATURE_SNAPSHOT	(1ULL << 3)	/* snapshots of several pages at one tick */
#define MMSB_FEATURE_DERIVED	(1ULL << 4)	/* derived pages */
#define MMSB_FEATURE_FLOAT	(1ULL << 5)	/* their rules know floating point */
#define MMSB_FEATURE_EVENTS	(1ULL << 6)	/* spaces tell what happens to their pages */
#define MMSB_FEATURE_HISTORY	(1ULL << 7)	/* spaces tell their histories, and replay others' */
#define MMSB_FEATURE_LOG	(1ULL << 8)	/* their histories can be made durable (log.h) */
#define MMSB_FEATURE_TIMING	(1ULL << 9)	/* their layers can be timed (timing.h) */

#define MMSB_PAGE_MIN		64u
#define MMSB_PAGE_MAX		(1u << 30)
#define MMSB_SHARDS_MAX		1024u
#define MMSB_SQ_MAX		32768u
#define MMSB_CQ_MAX		65536u
#define MMSB_PAYLOAD_MAX	(64u << 20)
#define MMSB_DELTA_MAX		(16u << 20)	/* bytes that one delta may cover */
#define MMSB_WORDS_MAX		(1u << 20)	/* bytes of words in one MMSB_OP_WORDS */
#define MMSB_NAME_MAX		64		/* with the closing NUL */
#define MMSB_INLINE_MAX		24u
#define MMSB_SNAPSHOT_MAX	4096u		/* pages in one snapshot */

/*
 * A page id: generation in the upper half, index of its directory line in the lower. The generation of a live page is
 * never 0, so 0 is no page; it rises whenever the line is freed, so a stale id is an error and never another page.
 */
#define MMSB_PAGE_ID(generation, index)	(((__u64)(generation) << 32) | (__u32)(index))
#define MMSB_PAGE_INDEX(id)		((__u32)(id))
#define MMSB_PAGE_GENERATION(id)	((__u32)((id) >> 32))

/* -------------------------------------------------------------------------------------------------- what readers map */

enum mmsb_kind {
	MMSB_KIND_NONE,		/* no page lives here */
	MMSB_KIND_SOURCE,	/* changed by deltas */
	MMSB_KIND_DERIVED,	/* changed by its rule */
};

/* A line of the directory, at MMSB_MAP_DIRECTORY + 64 * index. */
struct mmsb_line {
	__u64 seq;		/* odd while the page is being written */
	__u64 epoch;		/* rises by one if and only if the bytes change; a new page, all zero, has epoch 0 */
	__u64 tick;		/* the tick of the last change, or of creation */
	__u64 place;		/* where the bytes begin in the arena */
	__u32 size;		/* bytes */
	__u32 generation;
	__u8  kind;		/* enum mmsb_kind */
	__u8  flags;		/* MMSB_LINE_*; the others are the engine's own */
	__u16 reserved0;
	__u32 link;		/* the engine's own */
	__u32 note;		/* likewise */
	__u32 reserved1;
	__u64 reserved2;
};

#define MMSB_LINE_STALE		0x80	/* derived, and something before it changed since it was computed: see MMSB_OP_REFRESH */
#define MMSB_LINE_RETIRED	0x02	/* the page of the last generation that there is was destroyed: none comes here any more */
#define MMSB_LINE_BEHIND	0x10	/* stale, and so are its bytes, because it, or a page that it follows, is lazy */

/* The space page, at MMSB_MAP_SPACE. */
struct mmsb_space_page {
	__u32 abi;		/* MMSB_ABI_VERSION */
	__u32 shards;
	__u64 directory_bytes;	/* of the mapping */
	__u64 arena_bytes;
	__u64 max_pages;
	__u64 incarnation;	/* rises at each reset: ids and epochs from before mean nothing after */
	__u64 reserved0[3];
	__u64 tick;		/* the last tick opened; a line of its own */
	/*
	 * How many ticks have closed: loaded before what is read, and found equal to `tick` loaded after, it says that no
	 * tick was under way meanwhile, so that all that was read stood so at that tick.
	 */
	__u64 closed;
	__u64 durable;		/* every tick up to this one is on disk, as the log's writer says, or did when there was one */
	__u64 reserved1[5];
};

/* Offsets for mmap on a space fd (PROT_READ only) and on a ring fd. */
#define MMSB_MAP_DIRECTORY	0ULL
#define MMSB_MAP_SPACE		(1ULL << 39)
#define MMSB_MAP_ARENA		(1ULL << 40)	/* at most 1 TiB */
#define MMSB_MAP_RING_ENGINE	0ULL		/* read-only: struct mmsb_ring_engine, then the completion entries */
#define MMSB_MAP_RING_CLIENT	(1ULL << 32)	/* read-write: struct mmsb_ring_client, the submission entries, payload */

/* ------------------------------------------------------------------------------------------------------- submission */

enum mmsb_op {
	MMSB_OP_NOP,
	MMSB_OP_FENCE,		/* completes when all that this ring submitted before it has */
	MMSB_OP_CREATE,		/* len: size of the page; the completion's epoch field carries its id */
	MMSB_OP_DESTROY,
	MMSB_OP_SET,		/* len bytes of operand at offset */
	MMSB_OP_MASK,		/* operand: len mask bits, padded to 8 bytes, then len bytes: bit i says whether to set byte i */
	MMSB_OP_MASK_SPARSE,	/* the same, but only the bytes whose bit is set follow, packed */
	MMSB_OP_FILL,		/* one lane of operand, repeated over len bytes */
	MMSB_OP_ADD,		/* lane by lane over len bytes; wraps modulo 2^bits */
	MMSB_OP_SUB,
	MMSB_OP_MIN,
	MMSB_OP_MAX,
	MMSB_OP_AND,
	MMSB_OP_OR,
	MMSB_OP_XOR,
	MMSB_OP_CAS,		/* operand: len bytes expected, then len bytes new */
	MMSB_OP_APPEND,		/* see below */
	MMSB_OP_DERIVE,		/* operand: struct mmsb_derive and its edges: see graph.h */
	MMSB_OP_UNDERIVE,	/* a source page again, which keeps its bytes */
	MMSB_OP_LINK,		/* operand: struct mmsb_edge[], more edges of a derived page, behind those it has */
	MMSB_OP_UNLINK,		/* operand: u64 ids of parents: for each, the last edge from it goes */
	MMSB_OP_REFRESH,	/* recompute the page, and what is stale before it, in this tick */
	MMSB_OP_TICK,		/* replay rings: ends the tick under way, and begins the one numbered in `offset`, if that is not 0 */
	MMSB_OP_LOAD,		/* replay rings: operand: images (log.h), whose pages are from now on as they were */
	MMSB_OP_WORDS,		/* replay rings: operand: struct mmsb_word[] (history.h), each applied as an entry of its own would be */
	MMSB_OP_LAST,
};

/*
 * APPEND. The u64 at `offset` of the page (a multiple of 8) is a cursor; the area behind it, up to the end of the page, is
 * what it counts. The operand of len bytes is written at offset + 8 + cursor, and the cursor rises by len. A page may
 * hold several cursors only if their users keep within bounds of their own, for the area always ends with the page.
 *
 * CAS on epoch is SET with MMSB_SQE_IF_EPOCH.
 */

enum mmsb_lane {
	MMSB_LANE_U8, MMSB_LANE_U16, MMSB_LANE_U32, MMSB_LANE_U64,
	MMSB_LANE_I8, MMSB_LANE_I16, MMSB_LANE_I32, MMSB_LANE_I64,
	MMSB_LANE_LAST,
};

#define MMSB_SQE_PAYLOAD	(1u << 0)	/* the operand lies in the payload area, at `payload` (a multiple of 8) */
#define MMSB_SQE_IF_EPOCH	(1u << 1)	/* only if the page's epoch is `epoch`, else -ECANCELED */
#define MMSB_SQE_QUIET		(1u << 2)	/* no completion if it succeeds */
#define MMSB_SQE_SPLAT		(1u << 3)	/* lane operations: one lane of operand serves for all */
#define MMSB_SQE_AT		(1u << 4)	/* CREATE: the page shall have exactly the id in `page` */
#define MMSB_SQE_DETACH		(1u << 5)	/* DESTROY: what is derived from the page becomes source pages, which keep their bytes */
#define MMSB_SQE_DURABLE	(1u << 6)	/* the completion waits until the log holds the delta, and all that came before it */
#define MMSB_SQE_KNOWN		0x7fu

struct mmsb_sqe {
	__u8  op;		/* enum mmsb_op */
	__u8  lane;		/* enum mmsb_lane; 0 where no lane is used */
	__u16 flags;		/* MMSB_SQE_* */
	__u32 len;
	__u64 page;
	__u64 offset;		/* in the page, bytes */
	__u64 user_data;	/* comes back in the completion */
	__u64 epoch;		/* with MMSB_SQE_IF_EPOCH; else 0 */
	union {
		__u8  operand[MMSB_INLINE_MAX];
		__u64 word[3];
		__u64 payload;	/* with MMSB_SQE_PAYLOAD; the 16 bytes behind it are 0 */
	};
};

/* ------------------------------------------------------------------------------------------------------- completion */

#define MMSB_CQE_CREATED	(1u << 0)	/* the epoch field carries the id of the page just made (its epoch is 0) */
#define MMSB_CQE_UNCHANGED	(1u << 1)	/* applied, but no byte changed: the epoch stayed */

struct mmsb_cqe {
	__u64 user_data;
	__s32 result;		/* 0, or negative errno */
	__u16 flags;		/* MMSB_CQE_* */
	__u16 reason;		/* enum mmsb_reason (reasons.h): which of the ways to fail this errno stands for */
	__u64 epoch;		/* the page's, after the delta; 0 where there is no page */
	__u64 tick;		/* in which it was applied */
};

/* --------------------------------------------------------------------------------------------------------- the ring */

#define MMSB_RING_NEED_WAKEUP	(1u << 0)	/* nobody looks: call MMSB_IOC_ENTER after publishing */
#define MMSB_RING_BROKEN	(1u << 1)	/* the client wrote indices that cannot be; `reason` says which */

/* Written by the engine, mapped read-only by the client. One line for each pace of change. */
struct mmsb_ring_engine {
	__u32 sq_head;
	__u32 pad0[15];
	__u32 cq_tail;
	__u32 pad1[15];
	__u32 flags;		/* MMSB_RING_* */
	__u32 reason;		/* enum mmsb_reason, when broken */
	__u32 pad2[14];
	__u64 taken;		/* entries taken off the submission queue so far */
	__u64 failed;		/* of those, completed with an error */
	__u64 stalls;		/* times that something held the ring up: a full completion queue mostly; see enum mmsb_stall (trace.h) */
	__u64 pad3[5];
};

/* Written by the client. The engine reads each once and checks it. */
struct mmsb_ring_client {
	__u32 sq_tail;
	__u32 pad0[15];
	__u32 cq_head;
	__u32 whole;		/* of a replay ring: 1: all is done that was to be: a space that is shut opens when the ring, unbroken, is closed */
	__u32 pad1[14];
};

#define MMSB_RING_HEADER	4096u	/* each area begins with its struct, padded to this; entries follow */

/* ----------------------------------------------------------------------------------------------------------- ioctls */

#define MMSB_IOC_MAGIC		0xbb

#define MMSB_IOC_INFO		_IO(MMSB_IOC_MAGIC, 0x00)	/* /dev/mmsb: struct mmsb_info_args */
#define MMSB_IOC_SPACE_OPEN	_IO(MMSB_IOC_MAGIC, 0x01)	/* /dev/mmsb: struct mmsb_space_open_args; returns an fd */
#define MMSB_IOC_SPACE_NEXT	_IO(MMSB_IOC_MAGIC, 0x02)	/* /dev/mmsb: struct mmsb_space_info_args, by cursor */
#define MMSB_IOC_SPACE_REMOVE	_IO(MMSB_IOC_MAGIC, 0x03)	/* /dev/mmsb: struct mmsb_space_remove_args */

#define MMSB_IOC_SPACE_INFO	_IO(MMSB_IOC_MAGIC, 0x10)	/* space: struct mmsb_space_info_args */
#define MMSB_IOC_RING_OPEN	_IO(MMSB_IOC_MAGIC, 0x11)	/* space: struct mmsb_ring_open_args; returns an fd */
#define MMSB_IOC_RESET		_IO(MMSB_IOC_MAGIC, 0x12)	/* space: no argument; owner only */
#define MMSB_IOC_HASH		_IO(MMSB_IOC_MAGIC, 0x13)	/* space: struct mmsb_hash_args */
#define MMSB_IOC_WAIT		_IO(MMSB_IOC_MAGIC, 0x14)	/* space: struct mmsb_wait_args */
#define MMSB_IOC_EVENTS_OPEN	_IO(MMSB_IOC_MAGIC, 0x15)	/* space: struct mmsb_events_open_args (events.h); returns an fd */
#define MMSB_IOC_HISTORY_OPEN	_IO(MMSB_IOC_MAGIC, 0x16)	/* space: struct mmsb_history_open_args (history.h); returns an fd */

#define MMSB_IOC_DURABILITY	_IO(MMSB_IOC_MAGIC, 0x17)	/* space: struct mmsb_durability_args (log.h); to set it: owner only */
#define MMSB_IOC_SYNC		_IO(MMSB_IOC_MAGIC, 0x18)	/* space: struct mmsb_sync_args (log.h) */

#define MMSB_IOC_LIMITS		_IO(MMSB_IOC_MAGIC, 0x19)	/* space: struct mmsb_limits_args; owner only */
#define MMSB_IOC_VERIFY		_IO(MMSB_IOC_MAGIC, 0x1a)	/* space: struct mmsb_verify_args (verify.h); owner only */
#define MMSB_IOC_TIMING		_IO(MMSB_IOC_MAGIC, 0x1b)	/* space: struct mmsb_timing_args (timing.h); to switch it: owner only */
#define MMSB_IOC_AUDIT		_IO(MMSB_IOC_MAGIC, 0x1c)	/* space: struct mmsb_audit_args; owner only */

#define MMSB_IOC_ENTER		_IO(MMSB_IOC_MAGIC, 0x20)	/* ring: struct mmsb_enter_args */
#define MMSB_IOC_SNAPSHOT	_IO(MMSB_IOC_MAGIC, 0x21)	/* ring: struct mmsb_snapshot_args */
#define MMSB_IOC_GRAPH		_IO(MMSB_IOC_MAGIC, 0x22)	/* ring: struct mmsb_graph_args (graph.h) */

#define MMSB_IOC_EVENTS_FILTER	_IO(MMSB_IOC_MAGIC, 0x30)	/* events: struct mmsb_events_filter_args */

#define MMSB_IOC_LOG_DURABLE	_IO(MMSB_IOC_MAGIC, 0x40)	/* history: struct mmsb_log_durable_args (log.h) */
#define MMSB_IOC_LOG_CAPTURE	_IO(MMSB_IOC_MAGIC, 0x41)	/* history: struct mmsb_log_capture_args (log.h) */

struct mmsb_info_args {
	__u32 size;
	__u32 abi;		/* out: MMSB_ABI_VERSION of the engine */
	__u64 features;		/* out: MMSB_FEATURE_* */
	__u32 spaces;		/* out: spaces the caller's network namespace holds */
	__u32 max_spaces;	/* out: limits of the home */
	__u64 max_pages;
	__u64 max_bytes;
	__u32 max_rings;
	__u32 poll_idle_us;	/* out: default idle time of pollers */
	char  version[32];	/* out: of the module */
};

#define MMSB_SPACE_CREATE	(1u << 0)	/* make it if it is not there */
#define MMSB_SPACE_EXCL		(1u << 1)	/* with CREATE: fail if it is there */
#define MMSB_SPACE_READ_ONLY	(1u << 2)	/* this fd may read, wait and snapshot, not submit */
#define MMSB_SPACE_PIN		(1u << 3)	/* with CREATE: it outlives its last fd, until removed */
#define MMSB_SPACE_HASH		(1u << 4)	/* with CREATE: keep the state hash from the start */
#define MMSB_SPACE_INLINE	(1u << 5)	/* with CREATE: no pollers; whoever enters runs the shards */
#define MMSB_SPACE_LAZY		(1u << 6)	/* with CREATE: every derived page is lazy */
#define MMSB_SPACE_SHUT		(1u << 7)	/* with CREATE: nobody but a replay ring writes until that has said `whole`, or there is a log */
#define MMSB_SPACE_TIMING	(1u << 8)	/* with CREATE: time its layers from the start (timing.h) */
#define MMSB_SPACE_KNOWN	0x1ffu

struct mmsb_space_open_args {
	__u32 size;
	__u32 flags;		/* MMSB_SPACE_* */
	char  name[MMSB_NAME_MAX];	/* empty: a space without a name, reached by its fd alone */
	__u32 mode;		/* of a new space: permission bits as of a file, 0 for 0600 */
	__u32 shards;		/* of a new space: 0 for one a CPU */
	__u64 max_pages;	/* of a new space: 0 for the default */
	__u64 max_bytes;	/* of a new space: arena, 0 for the default */
	__u32 max_rings;	/* of a new space: 0 for the default */
	__u32 reason;		/* out, on failure: enum mmsb_reason */
	__u32 uid;		/* of a new space: owner; ~0 for the caller (others need CAP_CHOWN) */
	__u32 gid;		/* of a new space: group; ~0 for the caller's */
};

struct mmsb_space_info_args {
	__u32 size;
	__u32 flags;		/* out: MMSB_SPACE_* as it is now */
	__u64 cursor;		/* SPACE_NEXT, in and out: 0 begins; an ENOENT ends */
	__u64 id;
	char  name[MMSB_NAME_MAX];
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 shards;
	__u32 rings;
	__u32 max_rings;
	__u64 pages;
	__u64 max_pages;
	__u64 bytes;		/* reserved in the arena */
	__u64 max_bytes;
	__u64 memory;		/* held in all: arena, directory, rings, tables */
	__u64 tick;
	__u64 deltas;		/* applied so far */
	__u64 incarnation;
	__u64 derived;		/* derived pages */
	__u64 edges;
	__u64 recomputed;	/* derived pages computed so far */
	__u64 skipped;		/* looked at, and found to have seen their parents as they are */
	__u64 cut;		/* computed, and come out the same */
	__u64 suspect;		/* audits that came to two different results */
	__u64 meetings;		/* ticks for which shards had to stand still together */
	__u64 shared;		/* levels of their waves that several threads computed together */
	__u32 audit;		/* every so many recomputes are done twice and compared; 0: none */
	__u32 reserved;
};

struct mmsb_space_remove_args {
	__u32 size;
	__u32 flags;		/* 0 */
	char  name[MMSB_NAME_MAX];
};

#define MMSB_RING_POLLED	(1u << 0)	/* a poller drains it (the space must have pollers) */
#define MMSB_RING_REPLAY	(1u << 1)	/* it does a history again (history.h); while it is open no other ring may write */
#define MMSB_RING_KNOWN		0x3u

struct mmsb_ring_open_args {
	__u32 size;
	__u32 flags;		/* MMSB_RING_POLLED or 0: inline */
	__u32 sq_entries;	/* in and out: rounded up to a power of two; 0 for 256 */
	__u32 cq_entries;	/* in and out: at least sq_entries; 0 for twice that */
	__u64 payload_bytes;	/* in and out: rounded up to 4096 */
	__u32 shard;		/* in and out: ~0 for the shard of the CPU the caller runs on */
	__u32 idle_us;		/* how long a poller looks in vain before it sleeps; 0 for the default */
	__u64 source;		/* a tag of the owner's choice */
	__u64 engine_bytes;	/* out: size of the MMSB_MAP_RING_ENGINE mapping */
	__u64 client_bytes;	/* out: size of the MMSB_MAP_RING_CLIENT mapping */
	__u64 payload_offset;	/* out: where the payload area begins in the client mapping */
	__u32 reason;		/* out, on failure */
	__u32 reserved;
};

#define MMSB_ENTER_ROOM		(1u << 0)	/* wait until a submission entry is free, or the completion queue is full */
#define MMSB_ENTER_KNOWN	0x1u

struct mmsb_enter_args {
	__u32 size;
	__u32 flags;		/* MMSB_ENTER_* */
	__u32 min_complete;	/* wait until that many completions are unreaped; 0 with ENTER_ROOM */
	__u32 reserved;
	__u64 timeout_ns;	/* ~0: for ever */
};

#define MMSB_HASH_ON		(1u << 0)	/* switch the incremental hash on (a full pass); owner only */
#define MMSB_HASH_OFF		(1u << 1)	/* switch it off; owner only */
#define MMSB_HASH_RECOMPUTE	(1u << 2)	/* compute afresh from all bytes, slowly, whether on or not */
#define MMSB_HASH_KNOWN		0x7u

struct mmsb_hash_args {
	__u32 size;
	__u32 flags;		/* MMSB_HASH_*; 0 reads the incremental hash (ENODATA when it is off) */
	__u64 tick;		/* out: at which the space stood */
	__u64 hash[2];		/* out */
};

/* Sets the limits that are not 0; pages and bytes at most as many as the space was made for. All of them, or none. */
struct mmsb_limits_args {
	__u32 size;
	__u32 flags;		/* 0 */
	__u64 max_pages;
	__u64 max_bytes;
	__u32 max_rings;
	__u32 reason;		/* out, on failure */
};

/* From the next wave on. What comes out is the same; a rule that makes two results of the same parents is told of (suspect). */
struct mmsb_audit_args {
	__u32 size;
	__u32 flags;		/* 0 */
	__u32 every;		/* every so many recomputes of a shard are done twice and compared; 0: none */
	__u32 reserved;
};

struct mmsb_wait_args {
	__u32 size;
	__u32 flags;		/* 0 */
	__u64 page;
	__u64 epoch;		/* return once the page's epoch is above this */
	__u64 timeout_ns;	/* ~0: for ever */
	__u64 now;		/* out: the epoch found */
};

/*
 * A snapshot of several pages as they stood at one tick. The ids lie in the ring's payload area as an array of u64 at
 * `ids`; at `out` the engine writes, for each in turn, a struct mmsb_snapshot_entry, then, behind all entries, the pages' bytes,
 * each beginning at a multiple of 8 (the entry says where). A page that is not there has a negative result in its entry and no bytes.
 */
struct mmsb_snapshot_entry {
	__u64 page;
	__u64 epoch;
	__u64 tick;
	__u64 at;		/* offset in the payload area */
	__u32 size;		/* of the page; how much of it is here follows from the args' offset and length */
	__s32 result;
};

struct mmsb_snapshot_args {
	__u32 size;
	__u32 flags;		/* 0 */
	__u32 pages;		/* how many ids */
	__u32 reason;		/* out, on failure */
	__u64 ids;
	__u64 out;
	__u64 out_bytes;	/* in: room at `out`; out: bytes used, or needed if -ENOBUFS */
	__u64 tick;		/* out */
	__u64 offset;		/* of each page from here on */
	__u64 length;		/* so many bytes, or fewer where the page ends; 0: all */
};

#endif
