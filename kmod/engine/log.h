/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The log's half of a space: what its users were promised, and how far that is kept.
 *
 * The log is a history (history.h) whose records stay until its writer says that they are on disk. That says it tick by tick: every tick up
 * to some number is durable, of all shards. Before the writer is told of a bound, all messages between shards have arrived, so whatever
 * a ring submitted before a delta lies within the same bound as that delta, wherever it was applied.
 *
 * Held completions. One that waits for its tick to be durable lies in its ring's own queue, as large as the completion queue, and counts against
 * the same credit. Whoever runs the ring's shard when the writer has reported posts it.
 *
 * A log that failed never was: nothing held is told durable, and every delta is refused until the owner ends the log, because the space could
 * not keep what it promises.
 */
#ifndef MS_LOG_H
#define MS_LOG_H

#include "engine.h"

struct ms_space;
struct ms_shard;
struct ms_ring;

struct ms_log {
	/* With all run locks held. */
	u32 mode;				/* enum mmsb_durability */
	bool failed;
	bool ending;				/* nothing more is told; the rest waits for its writer */
	u64 id[2];
	u64 term;
	bool writer;				/* somebody has it open */
	struct ms_history *history;		/* NULL: the space has no log */

	u64 urgent __attribute__((aligned(64)));	/* somebody waits: the writer shall not wait for more */
	struct pf_waitq waitq;			/* of those who wait for a tick to be durable */
};

/* Begun, or gone on with: args->durable, args->term. */
enum mmsb_reason ms_log_open(struct ms_space *space, struct mmsb_history_open_args *args, struct ms_history **history);

void ms_log_init(struct ms_space *space);
void ms_log_free(struct ms_space *space);

/* With the run lock of the ring's shard held, or all: room for what a log may hold back, and whether it holds back everything. */
enum mmsb_reason ms_log_prepare_ring(struct ms_ring *ring);
void ms_log_hold(struct ms_ring *ring, const struct mmsb_cqe *cqe);
/* Posts what has become durable, of the shard's rings. */
void ms_log_release(struct ms_shard *shard);
/* Completions were held in this pass. */
void ms_log_urge(struct ms_space *space);

#endif
