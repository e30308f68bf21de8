/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A history's batch: what was taken from all streams (stream.h) at once, with the shards standing still.
 *
 * It begins with a record that stands for all of them, if it was a mark that parted the streams there; then come a stream a shard, which are
 * read merged by tick; and then, for a log, how far that goes. Batches lie in line until they are read, those of a log until they
 * are durable: so the next reader begins again with the first that is not.
 *
 * A mark takes two: what was told so far, and one for the record and all behind it. Both are made before anything is changed, so that what is to
 * be marked either happens and is told, or does not happen.
 */
#ifndef MS_HISTORY_BATCH_H
#define MS_HISTORY_BATCH_H

#include "engine.h"
#include "hash.h"
#include "stream.h"

struct ms_history_batch {
	struct ms_history_batch *next;
	struct mmsb_hash_record mark;		/* `bytes` is 0: none */
	struct ms_hash hash;			/* a log's: as it was when the batch was begun, should somebody begin again */
	u64 upto;				/* every tick up to this one lies in this batch or before it */
	u64 bytes;				/* of records */
	bool bounded, urgent;			/* a log's: that is told, and somebody waits for it */
	bool begun, mark_told, bound_told;
	struct ms_batch_stream {
		struct ms_segment *first;	/* before it is filled: what the shard goes on with */
		struct ms_segment *segment;	/* what is being read */
		u64 at;
	} stream[];
};

void ms_history_batch_free(const struct ms_space *space, struct ms_history_batch *batch);	/* NULL: none */
/* Likewise, but that what it lay in is the streams' again. Under the mutex. */
void ms_history_batch_give_back(struct ms_history *history, struct ms_history_batch *batch);
void ms_history_batches_free(const struct ms_space *space, struct ms_history_batch *batch);	/* all from this one on */

/* All that the shards have told by now, behind what was taken before: NONE, or NO_MEMORY. */
enum mmsb_reason ms_history_take(struct ms_history *history);
/* The next record in order of ticks, and the shard whose stream it heads; NULL: it is read as a whole. */
const struct mmsb_record *ms_history_batch_peek(struct ms_history *history, struct ms_history_batch *batch, u32 *shard);

/* Room for what parts the records before it from those behind it. With every run lock held, as all that uses it. */
struct ms_mark {
	struct ms_history_batch *before, *after;		/* NULL: nobody listens */
};
enum mmsb_reason ms_history_mark(struct ms_space *space, struct ms_mark *mark);		/* NONE, or NO_MEMORY */
void ms_history_mark_drop(const struct ms_space *space, const struct ms_mark *mark);	/* it is not used */
void ms_history_mark_set(struct ms_space *space, const struct ms_mark *mark, u8 type);
void ms_history_mark_hash(struct ms_space *space, const struct ms_mark *mark, u8 type);	/* with what the hash is now */
void ms_history_switch(struct ms_space *space, const struct ms_mark *mark);
void ms_history_reset(struct ms_space *space, const struct ms_mark *mark);

#endif
