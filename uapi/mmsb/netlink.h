/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The generic netlink family (made of uapi/mmsb.yaml by scripts/netlink: change that).
 *
 * Looking at the kernel home and changing it: the module, its spaces, their rings and shards, the pollers.
 * Everything is of the network namespace that the socket was opened in. Who may read a space is told of it; changing
 * one takes its owner or CAP_SYS_ADMIN in the namespace's user namespace; changing the module takes CAP_SYS_ADMIN in
 * the first one.
 */
#ifndef MMSB_NETLINK_H
#define MMSB_NETLINK_H

#define MMSB_GENL_NAME		"mmsb"
#define MMSB_GENL_VERSION	1
#define MMSB_MCGRP_LIFECYCLE	"lifecycle"
#define MMSB_MCGRP_PRESSURE	"pressure"

/* What happened to a space, or in it. */
enum mmsb_what {
	MMSB_WHAT_NONE,			/* nothing */
	MMSB_WHAT_SPACE_MADE,		/* a space was made */
	MMSB_WHAT_SPACE_REMOVED,	/* its name was taken away; it goes when the last who has it open is gone */
	MMSB_WHAT_SPACE_GONE,		/* its memory was given back */
	MMSB_WHAT_SPACE_RESET,		/* it is as new */
	MMSB_WHAT_SPACE_CHANGED,	/* its limits or features were changed, or it was pinned or unpinned */
	MMSB_WHAT_RING_OPENED,		/* a process opened a ring */
	MMSB_WHAT_RING_CLOSED,		/* a process closed a ring */
	MMSB_WHAT_CLIENT_DIED,		/* a ring was closed because its process ended without closing it */
	MMSB_WHAT_RING_BROKEN,		/* a client wrote indices that cannot be; REASON says which */
	MMSB_WHAT_LIMIT_REACHED,	/* a request went beyond a limit of the space; REASON says which. At most one a second for each */
	MMSB_WHAT_LIMIT_NEAR,		/* nine tenths of what a limit of the space allows are used; REASON says which limit */
	MMSB_WHAT_LIMIT_FAR,		/* less than eight tenths are, again */
	MMSB_WHAT_LOG_BLOCKED,		/* who reads the space's history or log is behind, and held up producers since */
	MMSB_WHAT_LOG_FREE,		/* it held up none for a while */
	MMSB_WHAT_QUEUE_HELD,		/* entries of a ring have been held up for longer than pressure-ms; CAUSE says by what */
	MMSB_WHAT_QUEUE_GOES_ON,	/* some were taken, or the ring broke or was closed */
	MMSB_WHAT_LAST
};

/* What is becoming too much in a space. */
enum mmsb_pressure {
	MMSB_PRESSURE_PAGES = 1 << 0,	/* its limit of pages is near */
	MMSB_PRESSURE_BYTES = 1 << 1,	/* that of bytes of arena */
	MMSB_PRESSURE_RINGS = 1 << 2,	/* that of rings */
	MMSB_PRESSURE_LOG = 1 << 3,	/* whoever reads its history or log holds up producers */
	MMSB_PRESSURE_QUEUES = 1 << 4,	/* entries of some ring are held up */
};

/* The module as a whole. */
enum mmsb_a_module {
	MMSB_A_MODULE_VERSION = 1,			/* string: of the module */
	MMSB_A_MODULE_ABI,			/* u32: MMSB_ABI_VERSION */
	MMSB_A_MODULE_FEATURES,			/* u64: MMSB_FEATURE_* */
	MMSB_A_MODULE_SPACES,			/* u32: in this network namespace */
	MMSB_A_MODULE_SPACES_ALL,		/* u32: in all of them */
	MMSB_A_MODULE_GENERATION,		/* u64: events told so far in this network namespace: a listener who got them all stands here */
	MMSB_A_MODULE_MAX_SPACES,		/* u32: spaces there may be in all */
	MMSB_A_MODULE_MAX_USER_SPACES,		/* u32: spaces that one user without CAP_SYS_RESOURCE may have made */
	MMSB_A_MODULE_MAX_PAGES,			/* u64: pages that one space may ask for */
	MMSB_A_MODULE_MAX_BYTES,			/* u64: bytes of arena that one space may ask for */
	MMSB_A_MODULE_MAX_RINGS,			/* u32: rings that one space may ask for */
	MMSB_A_MODULE_POLL_IDLE_US,		/* u32: microseconds that a poller looks in vain before it sleeps */
	MMSB_A_MODULE_AUDIT,			/* u32: every so many recomputes of spaces made from now on are done twice; 0: none */
	MMSB_A_MODULE_PAD,			/* pad */
	MMSB_A_MODULE_PRESSURE_MS,		/* u32: milliseconds for which entries of a queue are held up before that is told */
	MMSB_A_MODULE_PRESSURE_GENERATION,	/* u64: the same of events of pressure */
	MMSB_A_MODULE_MAX_USER_PAGES,		/* u64: pages in all spaces of one user without CAP_SYS_RESOURCE */
	MMSB_A_MODULE_MAX_USER_BYTES,		/* u64: bytes of arena in all of them */
	MMSB_A_MODULE_MAX_USER_RINGS,		/* u32: rings in all of them */

	__MMSB_A_MODULE_MAX,
	MMSB_A_MODULE_MAX = __MMSB_A_MODULE_MAX - 1
};

/* A space. */
enum mmsb_a_space {
	MMSB_A_SPACE_ID = 1,				/* u64: never used twice while the module is loaded */
	MMSB_A_SPACE_NAME,			/* string: empty: it has none, or was removed */
	MMSB_A_SPACE_UID,			/* u32: its owner, as the receiver's user namespace numbers it */
	MMSB_A_SPACE_GID,			/* u32: its group */
	MMSB_A_SPACE_MODE,			/* u32: permission bits */
	MMSB_A_SPACE_FLAGS,			/* u32: MMSB_SPACE_* */
	MMSB_A_SPACE_SHARDS,			/* u32 */
	MMSB_A_SPACE_RINGS,			/* u32: open now, rings of events among them */
	MMSB_A_SPACE_MAX_RINGS,			/* u32: limit */
	MMSB_A_SPACE_PAGES,			/* u64 */
	MMSB_A_SPACE_MAX_PAGES,			/* u64: limit; below what is there only making more is refused */
	MMSB_A_SPACE_MADE_FOR_PAGES,		/* u64: how high the limit can be set: what was asked for when the space was made */
	MMSB_A_SPACE_BYTES,			/* u64: reserved in the arena */
	MMSB_A_SPACE_MAX_BYTES,			/* u64: likewise */
	MMSB_A_SPACE_MADE_FOR_BYTES,		/* u64 */
	MMSB_A_SPACE_MEMORY,			/* u64: held in all: arena, directory, rings, tables */
	MMSB_A_SPACE_TICK,			/* u64 */
	MMSB_A_SPACE_DELTAS,			/* u64: applied so far */
	MMSB_A_SPACE_INCARNATION,		/* u64: how many times it was reset */
	MMSB_A_SPACE_DERIVED,			/* u64: derived pages */
	MMSB_A_SPACE_EDGES,			/* u64 */
	MMSB_A_SPACE_RECOMPUTED,			/* u64: derived pages computed so far */
	MMSB_A_SPACE_SKIPPED,			/* u64: looked at, and found to have seen their parents as they are */
	MMSB_A_SPACE_CUT,			/* u64: computed, and come out the same */
	MMSB_A_SPACE_SUSPECT,			/* u64: audits that came to two different results */
	MMSB_A_SPACE_MEETINGS,			/* u64: ticks for which shards had to stand still together */
	MMSB_A_SPACE_SHARED,			/* u64: levels of their waves that several threads computed together */
	MMSB_A_SPACE_DURABILITY,			/* u32: enum mmsb_durability */
	MMSB_A_SPACE_LOG_WRITER,			/* u8: a log writer is at work */
	MMSB_A_SPACE_LOG_FAILED,			/* u8: nothing more becomes durable */
	MMSB_A_SPACE_DURABLE,			/* u64: the durable tick */
	MMSB_A_SPACE_LOG_WAITING,		/* u64: bytes that wait for the log's writer */
	MMSB_A_SPACE_LOG_LIMIT,			/* u64: from so many on producers are held up */
	MMSB_A_SPACE_LOG_HELD,			/* u32: completions that wait to be durable */
	MMSB_A_SPACE_HASH,			/* u8: keep the state hash */
	MMSB_A_SPACE_PINNED,			/* u8: it outlives its last descriptor */
	MMSB_A_SPACE_PAD,			/* pad */
	MMSB_A_SPACE_PRESSURE,			/* u32: bits of enum mmsb_pressure */
	MMSB_A_SPACE_TIMING,			/* u8: time its layers */
	MMSB_A_SPACE_AUDIT,			/* u32: every so many recomputes of a shard are done twice and compared; 0: none */
	MMSB_A_SPACE_MEMCG,			/* u64: the id of the memory cgroup that pays for it, as stat -c %i tells it; not there in a kernel without any */
	MMSB_A_SPACE_MEMCG_PATH,			/* string: its path, from the receiver's cgroup namespace on; not there if it takes more than 255 bytes */

	__MMSB_A_SPACE_MAX,
	MMSB_A_SPACE_MAX = __MMSB_A_SPACE_MAX - 1
};

/* A ring, and the process that opened it. */
enum mmsb_a_ring {
	MMSB_A_RING_SPACE_ID = 1,			/* u64 */
	MMSB_A_RING_SPACE_NAME,			/* string */
	MMSB_A_RING_ID,				/* u64: counted from 1 in each space */
	MMSB_A_RING_SHARD,			/* u32 */
	MMSB_A_RING_POLLED,			/* u8 */
	MMSB_A_RING_READ_ONLY,			/* u8 */
	MMSB_A_RING_PID,				/* u32: of who opened it, as the receiver's pid namespace numbers it; 0: not there */
	MMSB_A_RING_COMM,			/* string: its name then */
	MMSB_A_RING_UID,				/* u32 */
	MMSB_A_RING_CGROUP,			/* u64: the id of its cgroup then (version 2), as stat -c %i tells it */
	MMSB_A_RING_SOURCE,			/* u64: the tag that its owner chose */
	MMSB_A_RING_OPENED,			/* u64: nanoseconds since 1970 */
	MMSB_A_RING_SQ_ENTRIES,			/* u32 */
	MMSB_A_RING_CQ_ENTRIES,			/* u32 */
	MMSB_A_RING_PAYLOAD_BYTES,		/* u64 */
	MMSB_A_RING_IDLE_US,			/* u32: what it wants of its poller; 0: the default */
	MMSB_A_RING_PENDING,			/* u32: entries published and not yet taken */
	MMSB_A_RING_UNREAPED,			/* u32: completions that its owner has not seen yet */
	MMSB_A_RING_TAKEN,			/* u64: entries taken so far */
	MMSB_A_RING_FAILED,			/* u64: of those, completed with an error */
	MMSB_A_RING_STALLS,			/* u64: times that something held it up, a full completion queue mostly; the trace point stall says what */
	MMSB_A_RING_BROKEN,			/* u32: enum mmsb_reason; 0: it is sound */
	MMSB_A_RING_PAD,				/* pad */

	__MMSB_A_RING_MAX,
	MMSB_A_RING_MAX = __MMSB_A_RING_MAX - 1
};

/* A shard of a space. */
enum mmsb_a_shard {
	MMSB_A_SHARD_SPACE_ID = 1,			/* u64 */
	MMSB_A_SHARD_SPACE_NAME,			/* string */
	MMSB_A_SHARD_NUMBER,			/* u32 */
	MMSB_A_SHARD_CPU,			/* u32: its poller's */
	MMSB_A_SHARD_NODE,			/* u32: of its memory */
	MMSB_A_SHARD_ASLEEP,			/* u8: its poller waits for work */
	MMSB_A_SHARD_RINGS,			/* u32 */
	MMSB_A_SHARD_PAGES,			/* u64 */
	MMSB_A_SHARD_MEMORY,			/* u64: of its slabs */
	MMSB_A_SHARD_DELTAS,			/* u64: applied so far */
	MMSB_A_SHARD_TICK,			/* u64: the last one it worked in */
	MMSB_A_SHARD_DERIVED,			/* u64 */
	MMSB_A_SHARD_EDGES,			/* u64 */
	MMSB_A_SHARD_RECOMPUTED,			/* u64 */
	MMSB_A_SHARD_SKIPPED,			/* u64 */
	MMSB_A_SHARD_CUT,			/* u64 */
	MMSB_A_SHARD_HELD,			/* u32: completions of its rings that wait to be durable */
	MMSB_A_SHARD_PAD,			/* pad */

	__MMSB_A_SHARD_MAX,
	MMSB_A_SHARD_MAX = __MMSB_A_SHARD_MAX - 1
};

/* The thread that serves the shards of one CPU, of all spaces. */
enum mmsb_a_poller {
	MMSB_A_POLLER_CPU = 1,			/* u32 */
	MMSB_A_POLLER_PID,			/* u32 */
	MMSB_A_POLLER_SHARDS,			/* u32: of all network namespaces */
	MMSB_A_POLLER_RESTING,			/* u8: it sleeps until there is work */
	MMSB_A_POLLER_IDLE_US,			/* u32: how long it looks in vain before it sleeps */
	MMSB_A_POLLER_CPU_TIME,			/* u64: nanoseconds that it ran */
	MMSB_A_POLLER_RESTS,			/* u64: times that it went to sleep */
	MMSB_A_POLLER_RESTED,			/* u64: nanoseconds that it slept */
	MMSB_A_POLLER_PAD,			/* pad */

	__MMSB_A_POLLER_MAX,
	MMSB_A_POLLER_MAX = __MMSB_A_POLLER_MAX - 1
};

/* A page, as its line in the directory says. */
enum mmsb_a_page {
	MMSB_A_PAGE_SPACE_ID = 1,			/* u64 */
	MMSB_A_PAGE_SPACE_NAME,			/* string */
	MMSB_A_PAGE_FROM,			/* u32: of a request: the index to begin at, one above that of the last page seen */
	MMSB_A_PAGE_ID,				/* u64 */
	MMSB_A_PAGE_DERIVED,			/* u8 */
	MMSB_A_PAGE_SIZE,			/* u32 */
	MMSB_A_PAGE_EPOCH,			/* u64 */
	MMSB_A_PAGE_TICK,			/* u64: in which it changed last */
	MMSB_A_PAGE_PAD,				/* pad */

	__MMSB_A_PAGE_MAX,
	MMSB_A_PAGE_MAX = __MMSB_A_PAGE_MAX - 1
};

/* A user who made spaces. */
enum mmsb_a_user {
	MMSB_A_USER_UID = 1,				/* u32 */
	MMSB_A_USER_SPACES,			/* u32: in all network namespaces */
	MMSB_A_USER_MAX_SPACES,			/* u32 */
	MMSB_A_USER_PAD,				/* pad */
	MMSB_A_USER_PAGES,			/* u64: in all these spaces, or in the hands of shards that may make them; as all that follows */
	MMSB_A_USER_BYTES,			/* u64: of arena */
	MMSB_A_USER_RINGS,			/* u64: of either sort */
	MMSB_A_USER_MAX_PAGES,			/* u64: as the module's; users with CAP_SYS_RESOURCE are not held to it */
	MMSB_A_USER_MAX_BYTES,			/* u64 */
	MMSB_A_USER_MAX_RINGS,			/* u32 */

	__MMSB_A_USER_MAX,
	MMSB_A_USER_MAX = __MMSB_A_USER_MAX - 1
};

/* An edge of the graph, of the page that follows. */
enum mmsb_a_edge {
	MMSB_A_EDGE_SPACE_ID = 1,			/* u64 */
	MMSB_A_EDGE_SPACE_NAME,			/* string */
	MMSB_A_EDGE_FROM,			/* u32: of a request: the index to begin at, one above that of the last page whose edges were all seen */
	MMSB_A_EDGE_PAGE,			/* u64: the page that follows */
	MMSB_A_EDGE_NUMBER,			/* u32: which of its edges, from 0: the order in which its rule sees parents */
	MMSB_A_EDGE_PARENT,			/* u64 */
	MMSB_A_EDGE_WEIGHT,			/* u64 */
	MMSB_A_EDGE_TYPE,			/* u32: enum mmsb_edge_type */
	MMSB_A_EDGE_PAD,				/* pad */

	__MMSB_A_EDGE_MAX,
	MMSB_A_EDGE_MAX = __MMSB_A_EDGE_MAX - 1
};

/* Something that happened. */
enum mmsb_a_event {
	MMSB_A_EVENT_GENERATION = 1,			/* u64: one above that of the event before: a gap says how many were missed. Dump the spaces then */
	MMSB_A_EVENT_WHAT,			/* u32 */
	MMSB_A_EVENT_TIME,			/* u64: nanoseconds since 1970 */
	MMSB_A_EVENT_SPACE_ID,			/* u64 */
	MMSB_A_EVENT_SPACE_NAME,			/* string */
	MMSB_A_EVENT_RING_ID,			/* u64: of events of rings */
	MMSB_A_EVENT_PID,			/* u32: of the ring's owner, or of who did it, as the first pid namespace numbers it */
	MMSB_A_EVENT_UID,			/* u32: likewise in the first user namespace */
	MMSB_A_EVENT_REASON,			/* u32: enum mmsb_reason */
	MMSB_A_EVENT_PAD,			/* pad */
	MMSB_A_EVENT_CAUSE,			/* u32: what holds up a queue: enum mmsb_stall */

	__MMSB_A_EVENT_MAX,
	MMSB_A_EVENT_MAX = __MMSB_A_EVENT_MAX - 1
};

/* How long deltas of a space spend in a layer of their way, in nanoseconds, all shards taken together. */
enum mmsb_a_timing {
	MMSB_A_TIMING_SPACE_ID = 1,			/* u64 */
	MMSB_A_TIMING_SPACE_NAME,		/* string */
	MMSB_A_TIMING_LAYER,			/* string: queue, route, apply, wave, log or complete: see timing.md */
	MMSB_A_TIMING_COUNT,			/* u64: deltas */
	MMSB_A_TIMING_SUM,			/* u64 */
	MMSB_A_TIMING_SHORTEST,			/* u64 */
	MMSB_A_TIMING_LONGEST,			/* u64 */
	MMSB_A_TIMING_P50,			/* u64: half of them took no longer; right to 3 parts in 100, as those that follow */
	MMSB_A_TIMING_P90,			/* u64 */
	MMSB_A_TIMING_P99,			/* u64 */
	MMSB_A_TIMING_P999,			/* u64: 999 of 1000 */
	MMSB_A_TIMING_OCTAVES,			/* binary: an array of u64: how many took less than 16 ns, less than 32 ns, and so on, doubling */
	MMSB_A_TIMING_PAD,			/* pad */

	__MMSB_A_TIMING_MAX,
	MMSB_A_TIMING_MAX = __MMSB_A_TIMING_MAX - 1
};

/* What can be asked, and what is told unasked. */
enum mmsb_cmd {
	MMSB_CMD_MODULE_GET = 1,
	MMSB_CMD_MODULE_SET,
	MMSB_CMD_SPACE_GET,
	MMSB_CMD_SPACE_SET,
	MMSB_CMD_SPACE_RESET,
	MMSB_CMD_SPACE_REMOVE,
	MMSB_CMD_RING_GET,
	MMSB_CMD_SHARD_GET,
	MMSB_CMD_POLLER_GET,
	MMSB_CMD_PAGE_GET,
	MMSB_CMD_USER_GET,
	MMSB_CMD_EVENT_NTF,
	MMSB_CMD_PRESSURE_NTF,
	MMSB_CMD_TIMING_GET,
	MMSB_CMD_TIMING_RESET,
	MMSB_CMD_SHARD_SET,
	MMSB_CMD_POLLER_SET,
	MMSB_CMD_GRAPH_GET,

	__MMSB_CMD_MAX,
	MMSB_CMD_MAX = __MMSB_CMD_MAX - 1
};

#endif
