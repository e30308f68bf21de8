/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The ABI of histories: what a space tells about its ticks, and how they are done again elsewhere.
 *
 * A history fd (MMSB_IOC_HISTORY_OPEN on a space fd that may write) gives records by read(2): for each tick the deltas that
 * were applied and changed something, in an order in which applying them gives the same state, then the record that closes the tick.
 * Ticks come in the order of their numbers; a tick that changed nothing is left out. The records wait in the engine's memory: when
 * they are more than the history's limit, the space's rings stand still until some have been read.
 *
 * To do a history again, open a ring with MMSB_RING_REPLAY in a fresh space and submit each delta's entry as it stands in the record,
 * its operand in the payload area, with MMSB_OP_TICK before each tick's first and one more (for tick 0) behind all. What is derived
 * is recomputed when a tick ends, as it was. With max_pages at least that of the original times its shards, any number of shards will do.
 */
#ifndef MMSB_HISTORY_H
#define MMSB_HISTORY_H

#include "abi.h"

enum mmsb_record_type {
	MMSB_RECORD_DELTA,	/* struct mmsb_delta_record, then the operand if the entry has MMSB_SQE_PAYLOAD */
	MMSB_RECORD_TICK,	/* struct mmsb_hash_record: the tick has closed, and how the space stood then */
	MMSB_RECORD_HASH,	/* struct mmsb_hash_record: how it stands, told at the beginning and when the hash is switched */
	MMSB_RECORD_RESET,	/* struct mmsb_record: the space is as new from here on, and its ticks begin again */
	MMSB_RECORD_WORDS,	/* struct mmsb_words_record: deltas in short, for those who opened the history COMPACT */
	MMSB_RECORD_BOUND,	/* struct mmsb_record: every tick up to this one has been told (log.h) */
	MMSB_RECORD_END,	/* struct mmsb_record: the log's last (log.h) */
	MMSB_RECORD_CAPTURE,	/* struct mmsb_hash_record: images of the state at this tick follow (log.h) */
	MMSB_RECORD_IMAGE,	/* struct mmsb_image */
	MMSB_RECORD_CAPTURED,	/* struct mmsb_record: all of them have been told */
};

#define MMSB_RECORD_HASHED	(1u << 0)	/* the space keeps its state hash, and `hash` is it */

struct mmsb_record {
	__u32 bytes;		/* of the whole record, a multiple of 8 */
	__u8  type;		/* enum mmsb_record_type */
	__u8  flags;		/* MMSB_RECORD_* */
	__u16 shard;		/* where it was applied */
	__u64 tick;
};

/* Who made a delta: the tag of the ring that it came through, and who had opened that. */
struct mmsb_origin {
	__u64 source;
	__u32 uid;
	__u32 pid;
};

/* A page that was made is named by its entry, with MMSB_SQE_AT. */
struct mmsb_delta_record {
	struct mmsb_record record;
	struct mmsb_origin origin;
	__u64 operand_bytes;
	struct mmsb_sqe sqe;	/* `payload` is 0 if it has one: the operand follows, padded with zeros to a multiple of 8 */
};

/*
 * A set, or arithmetic on one lane, within an aligned word: what an entry of that operation, lane, length and operand says. MMSB_OP_WORDS applies
 * an array of them in turn, up to one that fails or changes nothing; the completion then says what became of that, its `epoch` names the page.
 */
struct mmsb_word {
	__u64 page;
	__u64 word;		/* the operand; what lies behind `len` is 0 */
	__u32 offset;
	__u8  op;		/* enum mmsb_op */
	__u8  lane;		/* enum mmsb_lane */
	__u8  len;		/* 1, 2, 4 or 8 */
	__u8  flags;		/* 0 */
};

/* One or more, in the order in which they were applied, that came in one batch through one ring: as many as `bytes` has room for. */
struct mmsb_words_record {
	struct mmsb_record record;
	struct mmsb_origin origin;

	/* C++ has no such arrays by itself. */
	__extension__ struct mmsb_word words[];
};

struct mmsb_hash_record {
	struct mmsb_record record;
	__u64 hash[2];
	__u64 time;		/* when the tick closed, nanoseconds since 1970 by the home's clock; it may go back. CAPTURE, HASH: likewise */
};

#define MMSB_HISTORY_LIMIT	(64ull << 20)	/* bytes; what 0 stands for */

#define MMSB_HISTORY_LOG	(1u << 0)	/* it is the space's log (log.h) */
#define MMSB_HISTORY_COMPACT	(1u << 1)	/* some deltas come in WORDS records */
#define MMSB_HISTORY_TAKE_OVER	(1u << 2)	/* LOG: from a writer who has it open now */
#define MMSB_HISTORY_HELD	(1u << 3)	/* LOG: also under a replay ring that is between two ticks: it begins no more, and others may write once it is closed */
#define MMSB_HISTORY_KNOWN	0xfu

struct mmsb_history_open_args {
	__u32 size;
	__u32 flags;		/* MMSB_HISTORY_* */
	__u64 limit;		/* bytes of records that may wait, 0 for MMSB_HISTORY_LIMIT */
	__u32 reason;		/* out, on failure */
	__u32 mode;		/* LOG: enum mmsb_durability of a space that has no log yet, BUFFERED or STRICT; else 0 */
	__u64 log_id[2];	/* LOG: a name for it, not 0; else 0 */
	__u64 wake_bytes;	/* LOG: the writer is woken when so many bytes of records wait; 0: MMSB_HISTORY_WAKE */
	__u64 term;		/* out, LOG: rises with each writer */
	__u64 durable;		/* out, LOG: records begin behind this tick */
};

#define MMSB_HISTORY_WAKE	(256ull << 10)

#endif
