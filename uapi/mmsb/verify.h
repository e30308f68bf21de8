/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * Verifying a space: MMSB_IOC_VERIFY on a space fd of the owner's (or of one with CAP_SYS_ADMIN, as of MMSB_IOC_RESET) holds what the
 * engine keeps of its pages, their bytes and the graph against each other, and tells what does not fit.
 *
 * A call does a piece of it, and says how far it has come; the first one says MMSB_VERIFY_BEGIN, and others follow as long as `more` is set.
 * An fd has one verification at a time; beginning another forgets it.
 *
 * What stands still. A piece is taken while the shard it looks at stands still, for one or two tenths of a millisecond; about one where a
 * single page is of a gibibyte, or has thousands of parents. For changes of the graph, which all shards make together, that keeps the whole
 * graph as it is. Only at the end all shards stand still at once, while
 * the arena's chunks are counted: some milliseconds where the arena is of many gigabytes. What is counted over a whole shard (pages, free lines,
 * slots, edges, the hash) can be held against the engine's counters only if nothing of that sort came or went meanwhile: where pages or
 * edges did, the shard is looked at again, a few times; what could not be compared in the end is told in `moved`, and is no finding.
 * With MMSB_VERIFY_STILL the whole space stands still for the whole of it, in one call, and everything is compared.
 */
#ifndef MMSB_VERIFY_H
#define MMSB_VERIFY_H

#include "abi.h"

/* What can be wrong: a name, and what it means. The order is ABI: append only. */
#define MMSB_FINDINGS(X) \
	X(SEQUENCE, "the line's sequence is odd, though nobody writes the page") \
	X(LINE, "the line says of its page what no page can be") \
	X(FREE_LINE, "the line has no page, and yet something of one") \
	X(PLACE, "the page's bytes lie where no page of that size can have them") \
	X(SHARED_PLACE, "another page's bytes lie at the same place") \
	X(TAIL, "behind the page's last byte its last word is not zero") \
	X(FREE_LIST, "the list of lines to be dealt again leads astray") \
	X(LOST, "the line has no page and will never get one: it is on no list") \
	X(PAGES, "there is another number of pages than the shard counts") \
	X(FREE, "the list of lines to be dealt again is not as long as there are lines that say they are on it") \
	X(GRANTED, "the shards have, or may still make, another number of pages than was granted to them") \
	X(SLAB, "a slab's own books are wrong") \
	X(SLOTS, "another number of pages lies in the slab than it counts") \
	X(CHUNK, "a chunk of the arena is filled, or holds a slab, and counts as free; or the other way round") \
	X(CHUNKS, "another number of chunks is taken than the arena counts") \
	X(MEMORY, "what the shard's slabs and its part of the graph take up is not what it counts") \
	X(KIND, "the page's kind, or its mark as a parent, is not what the graph makes of it") \
	X(RULE, "the page's derivation is none that can be made") \
	X(PARENT, "the page follows one that does not list it as a child, or is not there") \
	X(CHILD, "the page lists a child that does not follow it") \
	X(HEIGHT, "the page's height is not one above its highest parent's") \
	X(SIGNATURE, "the page was not computed from its parents as they are, and does not say so") \
	X(DERIVED, "there is another number of derived pages than the shard counts") \
	X(EDGES, "there is another number of edges than the shard counts") \
	X(FOREIGN, "there is another number of edges to other shards than the shard counts") \
	X(HASH, "the state hash that is kept is not that of the state")

#define MMSB_FINDING_ENUM_(name, text) MMSB_FINDING_##name,
enum mmsb_finding_kind {
	MMSB_FINDINGS(MMSB_FINDING_ENUM_)
	MMSB_FINDING_LAST
};
#undef MMSB_FINDING_ENUM_

#define MMSB_VERIFY_NOWHERE	(~0u)	/* mmsb_finding.shard: the space as a whole */

struct mmsb_finding {
	__u32 kind;		/* enum mmsb_finding_kind */
	__u32 shard;
	__u64 page;		/* its id; of a line without one, the id that it would deal next; 0: no page in particular */
	__u64 detail;		/* which edge, child, chunk or other page, as the kind asks for */
	__u64 expected;
	__u64 found;
};

#define MMSB_VERIFY_BEGIN	(1u << 0)	/* from the start */
#define MMSB_VERIFY_STILL	(1u << 1)	/* with BEGIN: the space stands still until it has ended */
#define MMSB_VERIFY_KNOWN	0x3u

/* `moved`: what changed too often to be compared. */
#define MMSB_MOVED_PAGES	(1u << 0)	/* pages, free lines, slots, edges: counts of a shard */
#define MMSB_MOVED_HASH		(1u << 1)
#define MMSB_MOVED_CHUNKS	(1u << 2)	/* what all shards have of the arena, taken together */
#define MMSB_MOVED_SIGNATURES	(1u << 3)	/* a replayed tick was under way */

#define MMSB_VERIFY_TOLD	8u		/* findings, in one call */

struct mmsb_verify_args {
	__u32 size;
	__u32 flags;		/* MMSB_VERIFY_*; 0 goes on */
	__u32 more;		/* out: call again */
	__u32 moved;		/* out: MMSB_MOVED_* */
	__u64 done, total;	/* out: of the directory's lines */
	__u64 tick;		/* out: at which the space stands */
	__u64 findings;		/* out: so far, in all. Of very many not all are told. */
	__u64 pages;		/* out: looked at so far, each once if none came or went */
	__u64 derived;
	__u64 edges;
	__u64 bytes;		/* out: of these pages */
	__u32 hashed;		/* out: the state hash is kept, and is compared */
	__u32 count;		/* out: of finding[] */
	__u32 reason;		/* out, on failure */
	__u32 reserved;
	struct mmsb_finding finding[MMSB_VERIFY_TOLD];
};

#endif
