/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A rule: the pure function that makes a derived page from its parents. It is an object with operations, and nothing outside knows
 * what it does; who brings rules of his own (a C function in the embedded home, BPF one day) fills in the same object.
 *
 * A rule is asked for a piece of the page at a time, at most MS_RULE_PIECE bytes, each piece once a recompute, and sees what its
 * call carries and nothing else. A piece begins at a multiple of MS_RULE_PIECE, so the bytes of a parent at the same offsets lie in
 * one run; but a rule may ask for the whole page at once, at the price of memory for it. What takes long (a reduction reads all its parents for the first piece) calls pf_resched() now and then; what uses floating
 * point or vector registers does so between pf_fpu_begin() and pf_fpu_end(), in stretches of at most 64 KiB read.
 */
#ifndef MS_RULE_H
#define MS_RULE_H

#include "engine.h"

#define MS_RULE_PIECE	4096u

/* A parent as a rule sees it. */
struct ms_parent {
	u64 size;
	u64 weight;
	u64 handle;			/* for ms_parent_bytes() */
	const u8 *bytes;		/* all of them, if the engine has them in one run; else NULL: ask ms_parent_bytes() */
};

struct ms_rule_call;

/*
 * The parent's bytes from `offset` on, and in *n how many lie there in one piece (up to a chunk's end, or the page's; at least 1 if
 * offset < size). NULL: they are all zero. Aligned as the offset is, up to 64.
 */
const u8 *ms_parent_bytes(const struct ms_rule_call *call, u32 parent, u64 offset, u64 *n);

struct ms_rule_call {
	const void *context;		/* ms_parent_bytes()'s own */
	const struct ms_parent *parent;	/* those that are data */
	u32 parents;
	u8 lane;
	bool saturate;
	const u64 *param;		/* MMSB_RULE_PARAMS of them */
	u64 size;			/* of the page that is made */
	u64 offset;			/* of the piece */
	u32 bytes;			/* of the piece; a multiple of 8 but for the page's last */
	u64 *out;			/* the piece; not zeroed; aligned to 64 */
	void *data;			/* a user's rule: its registrant's */
};

/* out = out x in, lane by lane, for a fold x whose weights change nothing. */
typedef void (*ms_plain_fold)(void *out, const void *in, u32 lanes);
typedef ms_plain_fold ms_plain_choice(u32 number, u8 lane, bool saturate);

struct ms_rule {
	const char *name;
	u32 number, version;
	u32 min_parents, max_parents;	/* of those that are data */
	u32 lanes;			/* a bit for each lane type it knows; 0: lane must be 0 */
	bool weights, saturates;	/* looks at weights; knows MMSB_DERIVE_SATURATE */
	bool whole;			/* wants the page in one piece, however large */
	/* NONE, or why it will not do with these parameters. May be NULL: then all must be 0. */
	enum mmsb_reason (*check)(const struct mmsb_derive *derive);
	void (*run)(const struct ms_rule_call *call);
	/*
	 * Folds: what run comes to if no weight changes anything, every parent is as large as the page, and it is all of whole integer
	 * lanes: the first parent's bytes, and the others folded in by this. NULL: there is nothing so simple.
	 */
	ms_plain_choice *plain;
	u64 (*neutral)(u32 number, u8 lane, u64 *mask);	/* the weight that changes nothing, in those bits of it that count */
	void *data;
	const struct ms_rule *next;	/* of those that were registered */
};

/* A rule of the home's own, numbered from MMSB_RULE_USER up, which stays for good. One caller at a time. */
enum mmsb_reason ms_rule_register(struct ms_rule *rule);

/* The rule of that number and version (0: any); NULL: none. */
const struct ms_rule *ms_rule_find(u32 number, u32 version);

/* Whether a page differs from what a rule made of it; with vectors where that pays. */
bool ms_words_differ(const u64 *a, const u64 *b, u32 words);

static inline u32 ms_rule_lane_bytes(u8 lane)
{
	return lane < MMSB_LANE_LAST ? 1u << (lane & 3) : lane == MMSB_LANE_F32 ? 4 : 8;
}

static inline bool ms_lane_is_float(u8 lane)
{
	return lane >= MMSB_LANE_F32;
}

#endif
