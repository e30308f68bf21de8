/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The ABI of the log: how a space's history comes to be durable, and what its users are promised meanwhile.
 *
 * A space has a mode. MEMORY: nothing is kept. BUFFERED: its log is flushed again and again, and a crash loses at most what came
 * since. STRICT: a completion says that the delta is on disk. In a BUFFERED space one delta can ask for as much, with
 * MMSB_SQE_DURABLE; nothing can ask for less than the space promises. The completion of such a delta is posted once the log holds it, and
 * every tick before its own with it.
 *
 * The log is a history (history.h) opened with MMSB_HISTORY_LOG by its writer, of which a space has one at a time. What the
 * writer reads stays with the engine until he says, by MMSB_IOC_LOG_DURABLE, up to which tick all is on disk; so one who dies
 * loses nothing, and the next who opens the log under the same id begins behind the last tick that was made durable. One who
 * takes the log over fences the one before him: whatever that one still asks for is refused.
 *
 * Reading. Records come as histories have them, and behind them a BOUND: every tick up to its own has been told. URGENT says
 * that somebody waits for the bound to be durable. Waiting (poll, or a read that sleeps) ends when somebody waits for
 * durability, when `wake_bytes` of records wait, or when nothing more finds room; a read that does not sleep gives what there is.
 *
 * Images. MMSB_IOC_LOG_CAPTURE asks for the state as it stands now. A CAPTURE record says at which tick and with which state hash,
 * then, among the records of later ticks, come IMAGEs: every page that was there, and every line whose ids were used up
 * to some generation, once each, as they stood at that tick; then CAPTURED. The space goes on meanwhile: whoever is about to
 * change a page that was not captured yet captures it first. One capture at a time; asking stops the shards for a moment, and from then on
 * nobody waits longer than it takes to copy one page. Images that wait count against the history's limit. A history that is no log
 * can be asked as well.
 *
 * MMSB_OP_LOAD on a replay ring takes images in again, whole ones, as many as its operand in the payload area holds, in a space where
 * their lines were never used, within the tick that they were captured at: all of them as they came, and behind the last one those that
 * have edges once more, with MMSB_IMAGE_EDGES (their bytes may be left out then), best in ascending height. Then the hash is the CAPTURE's, and
 * later ticks can be done again. Whoever keeps images and ticks apart (a checkpoint, and the segments of a log) need not order one
 * by the other: ticks above the capture's go behind CAPTURED, wherever their records came.
 */
#ifndef MMSB_LOG_H
#define MMSB_LOG_H

#include "history.h"

enum mmsb_durability {
	MMSB_MEMORY,
	MMSB_BUFFERED,
	MMSB_STRICT,
	MMSB_DURABILITY_LAST,
};

#define MMSB_LOG_FAILED		(1u << 0)	/* DURABLE: what was not told durable up to now never will be: the space refuses deltas */
#define MMSB_LOG_END		(1u << 1)	/* DURABLE: an END was read, and is on disk: the log is over */
#define MMSB_LOG_KNOWN		0x3u

/* History fd. */
struct mmsb_log_durable_args {
	__u32 size;
	__u32 flags;		/* MMSB_LOG_* */
	__u64 tick;		/* everything up to it is on disk; not above the last bound read */
};

/* History fd: from here on the state as it stands now is told too. */
struct mmsb_log_capture_args {
	__u32 size;
	__u32 flags;		/* 0 */
	__u64 tick;		/* out: the state at this tick */
	__u32 reason;		/* out, on failure */
	__u32 reserved;
};

#define MMSB_DURABILITY_SET	(1u << 0)	/* else it is only asked for */

/* Space fd. */
struct mmsb_durability_args {
	__u32 size;
	__u32 flags;		/* MMSB_DURABILITY_SET */
	__u32 mode;		/* in and out: enum mmsb_durability */
	__u32 failed;		/* out: the log failed */
	__u64 log_id[2];	/* out: zeros if there is no log */
	__u64 term;		/* out: rises with each writer */
	__u64 tick;		/* out: the last tick */
	__u64 durable;		/* out: every tick up to it is on disk */
	__u64 waiting;		/* out: bytes of records not yet durable */
	__u64 limit;		/* out: how many may wait before rings stand still */
	__u32 writer;		/* out: 1: somebody has the log open now, and no replay ring keeps others from writing */
	__u32 reason;		/* out, on failure */
	__u32 held;		/* out: completions that wait for durability */
	__u32 capturing;	/* out: 1: a capture is under way */
};

/* Space fd: sleeps until everything up to `tick` is durable. */
struct mmsb_sync_args {
	__u32 size;
	__u32 flags;		/* 0 */
	__u64 tick;		/* 0: the last one now */
	__u64 timeout_ns;
	__u64 durable;		/* out */
	__u32 reason;		/* out, on failure */
	__u32 reserved;
};

/* ---------------------------------------------------------------------------------------------------------- records */

#define MMSB_RECORD_URGENT	(1u << 1)	/* BOUND: somebody waits for it to be durable */
#define MMSB_RECORD_FAILED	(1u << 2)	/* CAPTURED: there was no memory for an image, or the space was reset: it is of no use */

/* A page's image, or a part of one: the bytes of one of more than MMSB_IMAGE_PIECE come in pieces, zeros left out. */
struct mmsb_image {
	struct mmsb_record record;	/* `tick` is the capture's */
	__u64 page;		/* of kind NONE: the id with the generation that its line deals next */
	__u64 epoch;
	__u64 tick;		/* of the last change */
	__u64 offset;		/* in the page, of the bytes in this record */
	__u32 length;		/* bytes of the page in this record */
	__u32 bytes;		/* the page's size */
	__u32 height;		/* in the graph; parents have less than their children */
	__u32 edges;		/* derived, and the first piece: a struct mmsb_derive, its edges and a __u64 each, the epoch seen, come before the bytes */
	__u8  kind;		/* enum mmsb_kind */
	__u8  flags;		/* MMSB_IMAGE_* */
	__u16 reserved0;
	__u32 reserved1;
};

#define MMSB_IMAGE_PIECE	(1u << 20)
#define MMSB_IMAGE_STALE	(1u << 0)	/* MMSB_LINE_STALE */
#define MMSB_IMAGE_BEHIND	(1u << 1)	/* MMSB_LINE_BEHIND */
#define MMSB_IMAGE_RETIRED	(1u << 2)	/* NONE: the line deals no more ids */
#define MMSB_IMAGE_SUSPECT	(1u << 3)	/* an audit saw its rule come to two different results */
#define MMSB_IMAGE_EDGES	(1u << 4)	/* LOAD: take in what it is derived from, which is there by now, and nothing else */
#define MMSB_IMAGE_AGAIN	(1u << 5)	/* a further piece of a page of which an image came before */

#endif
