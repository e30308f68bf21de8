/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * History: what a space tells about its ticks while somebody listens. This is the seam at which a log is put on.
 *
 * Each shard writes what it applies into a stream of its own (stream.h). The reader takes all streams at once, with the shards standing still
 * (history_batch.h), and reads them merged by tick (history_reader.c), with the state hash at the end of each tick. Where too much
 * waits for him, all rings of the space stand still.
 *
 * What is read of a history is gone. What is read of a log (log.h) stays, batch by batch, until it is durable; a writer who takes over
 * reads from the first batch that is not.
 */
#ifndef MS_HISTORY_H
#define MS_HISTORY_H

#include "engine.h"
#include "hash.h"
#include "history_batch.h"
#include "stream.h"

struct ms_capture;

struct ms_history {
	struct ms_space *space;
	u64 limit;
	bool log, compact;
	struct ms_stream *streams;		/* one a shard; the shards write to them while the space tells */
	u64 wake_bytes;				/* a log's */
	u32 holders;				/* who has it open, and the space of a log; under control */
	struct pf_mutex reader;			/* whoever reads, and says what is durable */
	struct pf_mutex mutex;
	struct ms_history_batch *first, *last;	/* under the mutex */
	u64 taken;				/* bytes of records in batches, ever; under the mutex */
	u64 read;				/* of those */
	u64 freed;				/* of those */
	u32 full;				/* rings stand still */
	u32 told_all;				/* nothing more will come */
	struct pf_waitq waitq;			/* of those who wait for records */

	/* The reader's. */
	u64 term;				/* a log's: whose turn it is */
	struct ms_history_batch *batch;
	struct ms_hash hash;			/* as of the last record read */
	u64 bound;				/* the last that was told */
	struct mmsb_hash_record told;		/* a tick's record, with the sum */
	u32 capturing;				/* a CAPTURE was read, and not its CAPTURED */
	u64 capture_tick;			/* of that */
	u64 since;				/* bytes that were read before it */
	struct ms_capture *capture;		/* the last one asked for, until its CAPTURED was read; written with every run lock held */
};

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
