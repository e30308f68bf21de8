/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A space: its shards, its two regions, its tick, and the two locks of its slow paths.
 *
 * Lock order: control (operations on all shards) -> run locks, by shard number -> mutex (memory, quotas, watchers). Before all of them
 * listeners.lock, behind all a listener's own, and timing.lock.
 */
#ifndef MS_SPACE_H
#define MS_SPACE_H

#include "arena.h"
#include "hash.h"
#include "joint.h"
#include "log.h"
#include "shard.h"
#include "timing.h"

#define MS_BLOCK_SHIFT	10			/* directory lines per block: a block is one chunk, and one shard's */

/* Under all run locks; read under one of them. */
struct ms_meeting {
	struct ms_joint joint;
	u64 chair;				/* a poller sees to it; written by those */
	bool open;				/* shards apply together, or their wave has not ended */
	bool ticked;
	bool graph;				/* since the space was new, a page was derived in one */
	u64 count;
};

#define MS_NOBODY ((const struct ms_ring *)1)

/* Likewise. */
struct ms_replay {
	struct ms_ring *ring;			/* NULL: none */
	const struct ms_ring *only;		/* who alone may write: that one, or MS_NOBODY; NULL: everybody may */
	bool open;				/* a tick has begun */
	bool ends;				/* it ends with this pass */
	u64 next;				/* the number of the one that begins then; 0: none */
	struct ms_words *words;			/* room for what comes in bulk */
};

struct ms_space {
	/* Read by everyone, written at creation (hash: with every run lock held). */
	u32 nshards;
	bool hashing;
	bool pollers;
	bool lazy;
	bool shut;		/* nobody may write, but for a replay ring */
	u32 audit;
	u64 shard_magic;
	u64 lines;				/* directory capacity */
	struct ms_shard **shards;
	struct mmsb_space_page *page;
	struct ms_region directory;
	struct ms_arena arena;

	struct ms_meeting meeting;
	struct ms_replay replay;
	struct ms_history *history;		/* NULL: nobody listens */
	struct ms_log log;
	struct ms_capture *capture;		/* that is under way; NULL: none. Written with every run lock held. */
	struct ms_listeners listeners;
	struct {
		struct pf_mutex lock;		/* of switching and reading; before control */
		bool on;			/* every shard has some */
	} timing;
	struct pf_mutex control;
	struct pf_mutex mutex;
	u64 id;					/* to whoever traces it; 0: it is being made */
	u64 last_ring;				/* under mutex */
	u64 made_for_pages;			/* the limit cannot be set higher */
	u64 max_pages, granted;			/* pages that shards may still make or have made; under mutex */
	u32 lot;				/* how many are granted at a time; written under mutex */
	u64 max_bytes;
	u32 max_rings, rings;			/* under mutex */
	void (*tell)(void *arg, enum mmsb_reason reason, const struct ms_ring *ring);	/* as in the config */
	void (*press)(void *arg, enum ms_pressure what);	/* likewise */
	u64 (*spend)(void *arg, enum ms_resource what, u64 least, u64 n);
	void (*refund)(void *arg, enum ms_resource what, u64 n);
	void *arg;
	u64 ring_memory, route_memory, watch_memory;	/* under mutex */
	struct pf_shared page_memory;
};

#define MS_FRACTION	37

/* index / block size modulo shards, without a division: exact for 22 bits of block and 10 of shards. */
static inline u32 ms_space_owner(const struct ms_space *space, u32 index)
{
	u64 fraction;

	if (space->nshards == 1)
		return 0;
	fraction = space->shard_magic * (index >> MS_BLOCK_SHIFT) & ((1ull << MS_FRACTION) - 1);
	return (u32)(fraction * space->nshards >> MS_FRACTION);
}

/* The shard's k-th line: its blocks are every nshards-th of the directory. */
static inline u64 ms_space_line(const struct ms_space *space, u32 shard, u64 k)
{
	u64 block = (k >> MS_BLOCK_SHIFT) * space->nshards + shard;

	return (block << MS_BLOCK_SHIFT) | (k & ((1u << MS_BLOCK_SHIFT) - 1));
}

/* The line of a live page. */
static inline enum mmsb_reason ms_page_find(const struct ms_space *space, u64 page, struct mmsb_line **out)
{
	u32 index = MMSB_PAGE_INDEX(page), generation = MMSB_PAGE_GENERATION(page);
	struct mmsb_line *line;

	if (unlikely(index >= space->lines || !generation))	/* page 0 has line 0 for nobody but its shard */
		return MMSB_REASON_NO_PAGE;
	line = ms_region_find(&space->directory, (u64)index * sizeof(*line));
	if (unlikely(!line))
		return MMSB_REASON_NO_PAGE;
	if (unlikely(line->generation != generation || line->kind == MMSB_KIND_NONE))
		return ms_line_refusal(line, generation);
	*out = line;
	return MMSB_REASON_NONE;
}

/* Takes every run lock, or those of the shards in the set (a bit a shard; NULL: all), and gives them back. */
void ms_space_stop(struct ms_space *space, const u64 *set);
void ms_space_go(struct ms_space *space, const u64 *set);
/* The same for all, but leaves it to the caller to run those where somebody was turned away. */
struct ms_todo;
void ms_space_leave(struct ms_space *space, struct ms_todo *todo);

#endif
