/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * History: what a space tells about its ticks while somebody listens. This is the seam at which a log is put on.
 *
 * Each shard writes what it applies into a stream of its own, under its run lock. A delta's operand is copied into its record first
 * and applied from there, so a client that goes on writing to its payload area cannot make history differ from what happened.
 * The reader takes all streams at once, with the shards standing still, and reads them merged by tick. What is done in a meeting goes
 * into one stream, in the order in which it is done.
 *
 * A tick's record carries the state hash at its end. A shard knows only its own part of it, so what it writes is by how much that part
 * moved, and the reader adds up.
 *
 * What is read of a history is gone. What is read of a log (log.h) stays, batch by batch, until it is durable; a writer who takes over
 * reads from the first batch that is not.
 */
#ifndef MS_HISTORY_H
#define MS_HISTORY_H

#include "engine.h"
#include "hash.h"

struct ms_segment {
	struct ms_segment *next;
	u64 used, room;
	u8 bytes[] __attribute__((aligned(8)));
};

struct ms_stream {
	struct ms_segment *first, *last;
	u64 waiting;				/* bytes of records */
	const struct mmsb_origin *origin;	/* of the deltas that are applied in the short way now */
	u64 at;					/* in last: where the record that is being written begins */
	bool told;				/* records since the last tick's */
	struct ms_hash hash;			/* the shard's part, as last told */
};

struct ms_history;
struct ms_history_batch;

struct ms_segment *ms_segment_make(u64 bytes, int node);	/* with room for so many at least; NULL: no memory */
void ms_segments_free(struct ms_segment *segment);		/* all from this one on */

/* NONE, or NO_MEMORY. *operand moves to the record's copy of it. */
enum mmsb_reason ms_history_begin(struct ms_shard *shard, const struct mmsb_origin *origin, const struct mmsb_sqe *sqe, const u8 **operand,
				  u64 bytes);
/* Of its operand, in the payload area, only so many bytes counted. */
void ms_history_cut(struct ms_shard *shard, u64 bytes);
/* The delta did something (`page` is the one that it made, or 0), or it did not. */
void ms_history_end(struct ms_shard *shard, bool keep, u64 page);
/* Room for the records of a whole batch of words of that origin: from here on ms_history_word() cannot fail. */
enum mmsb_reason ms_history_reserve_words(struct ms_shard *shard, const struct mmsb_origin *origin);
/* A delta that went the short way did something. */
void ms_history_word(struct ms_shard *shard, const struct mmsb_sqe *sqe);
/* The shard's tick, or that of a meeting, has closed. */
void ms_history_tick(struct ms_shard *shard);
void ms_history_tick_all(struct ms_space *space);

/* Room for what parts the records before it from those behind it. With every run lock held, as all that uses it. */
struct ms_mark {
	struct ms_history_batch *before, *after;		/* NULL: nobody listens */
};
enum mmsb_reason ms_history_mark(struct ms_space *space, struct ms_mark *mark);		/* NONE, or NO_MEMORY */
void ms_history_switch(struct ms_space *space, const struct ms_mark *mark);
void ms_history_reset(struct ms_space *space, const struct ms_mark *mark);

/* A shard has that many bytes of images waiting beside its stream: rings may have to stand still. */
void ms_history_crowd(struct ms_shard *shard, u64 images);

/* The reader is behind: nothing more is taken from rings, but for those that are being closed. */
bool ms_history_is_full(const struct ms_shard *shard);
/* Whoever listens takes words in short. */
bool ms_history_takes_words(const struct ms_shard *shard);

/*
 * For a log. The next reader begins with what is not durable; how many bytes are not; all up to that tick, which was told, is.
 */
enum mmsb_reason ms_history_make(struct ms_space *space, const struct mmsb_history_open_args *args, struct ms_history **history);
void ms_history_free(struct ms_history *history);
void ms_history_wake(struct ms_history *history);
u64 ms_history_rewind(struct ms_history *history, u64 term);
u64 ms_history_waiting(const struct ms_history *history);
u64 ms_history_limit(const struct ms_history *history);
struct ms_space *ms_history_space(const struct ms_history *history);
/* Under control: who holds it keeps it. False: that was the last, who frees it. */
void ms_history_hold(struct ms_history *history);
bool ms_history_unhold(struct ms_history *history);
enum mmsb_reason ms_history_durable(struct ms_history *history, u64 tick);
/* With every run lock held. Once it is detached nothing more is told; to finish it says that this is the end first. */
enum mmsb_reason ms_history_attach(struct ms_history *history);
void ms_history_detach(struct ms_history *history);
enum mmsb_reason ms_history_finish(struct ms_history *history);

#endif
