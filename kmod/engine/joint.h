/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A joint wave: in a meeting the waves of all shards go up together, level by level, because a page's parents may lie in any shard. The one
 * who called the meeting holds every run lock. Small levels he computes himself, shard after shard, at no more cost than one wave
 * would have.
 *
 * Sharing. A level that several shards have pages in, and that is large, is shared out: he hands over the run locks of those shards, and
 * whoever takes one of them, he or a poller that finds its shard held, computes that shard's pages of the level, and hands it
 * back. When all have come back the next level begins. So each page has one writer, the one who has its shard, and all its
 * parents lie behind him. Nobody has to come: what nobody else takes, he takes. For one that was taken and not come back he waits,
 * asleep if it takes long.
 *
 * What follows. A page above may be found by several at once, from parents in different shards. The one who sets its mark first puts it
 * into its level, if he has its shard too; else he sends it: he links it into a list that he keeps for its shard, and whoever takes
 * that shard for the next level takes in first what was sent there. So nothing is allocated on the way. What is sent in one
 * round is read in the next, while that one sends in turn: hence two lists. Pages of other shards that are only told of a change
 * hear of it between the levels.
 *
 * Whether a level is large is told by the one before: large is what took PF_SHARE_WORTH of work in all. One that is thought to be small is
 * begun alone, and shared from there on if it turns out otherwise. Pollers that sleep are called when a level is shared; where
 * nobody comes all the same, some levels go by before it is tried again. While a capture runs nothing is shared: it is told of pages
 * before they change, and by one.
 *
 * The bytes, epochs and signatures that come out do not depend on who computed what, nor on the number of shards: a page is computed from
 * its parents alone, and they are as they will be in this tick. In which order a shard's pages of one level are computed does depend
 * on it, and so does the order in which a tick's events are told.
 */
#ifndef MS_JOINT_H
#define MS_JOINT_H

#include "engine.h"
#include "wave.h"

#define MS_JOINT_HANDS	16u
#define MS_JOINT_WORDS	(MMSB_SHARDS_MAX / 64)

struct ms_space;

/* Somebody who works on a shared level: what he leaves for those who come behind. */
struct ms_hand {
	u32 *sent[2];				/* by shard: the first page, line index + 1; in turns */
	u32 *sending;				/* one of those */
	u64 to[MS_JOINT_WORDS];			/* shards that something was sent to */
	u32 lowest;				/* level that something was sent to */
	u32 kept;				/* the first page whose change others will be told of, line index + 1 */
	u64 spent;
};

struct ms_joint {
	/* With all run locks held. */
	u64 busy[MS_JOINT_WORDS];		/* shards whose waves may have any */
	u64 expect[MS_JOINT_WORDS];		/* shards that something was sent to and not taken in */
	u32 expected;				/* the lowest level that it was sent to, MS_WAVE_NONE: nothing was */
	u32 senders;				/* hands to be looked at */
	u32 offers;
	u32 turn;				/* which of the hands' lists are written */
	bool large;				/* the last level was */
	u32 vain, wait;				/* nobody came the last time; how many levels are still left alone for that */
	u64 shared;				/* levels in which somebody had a share */
	struct ms_wave_told told;

	/* Of the level that is shared, as long as it is. */
	u16 *offer;				/* numbers of shards */
	u32 height;
	u64 budget;				/* for each who comes */
	struct ms_hand *hand;

	/* Written by all. */
	u64 state __attribute__((aligned(64)));	/* see joint.c */
	u64 returned;				/* shards that were handed back */
	struct pf_waitq waitq;			/* he who called the meeting waits for them */
};

enum mmsb_reason ms_joint_open(struct ms_space *space);
void ms_joint_close(struct ms_space *space);
void ms_joint_forget(struct ms_space *space);		/* all waves are empty */
u64 ms_joint_memory(const struct ms_space *space);

/* False: the budget was used up before the end. */
bool ms_joint_run(struct ms_space *space, u64 budget);
/* [any] Takes a share of a level, if there is one to be had. Returns how many shards were computed. */
u32 ms_joint_help(struct ms_space *space);

/* The shard's wave has got some. */
static inline void ms_joint_stir(struct ms_joint *joint, u32 shard)
{
	joint->busy[shard / 64] |= 1ull << (shard % 64);
}

bool ms_joint_is_empty(const struct ms_space *space);

#endif
