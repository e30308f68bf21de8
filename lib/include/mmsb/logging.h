/* SPDX-License-Identifier: MIT */
/*
 * libmmsb-user: logs, by which a space's state outlives the machine's memory.
 *
 * A space has a mode (enum mmsb_durability of <mmsb/log.h>): MEMORY as long as it has no log, then BUFFERED or STRICT. In a STRICT space
 * every completion says that its delta is on disk; in a BUFFERED one those of entries that asked for it by mmsb_sqe_durable().
 */
#ifndef MMSB_LOGGING_H
#define MMSB_LOGGING_H

#include <mmsb/mmsb.h>
#include <mmsb/log.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Any thread, any process that has the space open. */

/* Sleeps until all that was applied up to now is on disk. -ETIME, -EINTR; -EOPNOTSUPP: the space has no log; -EIO: the log failed. */
int mmsb_sync(struct mmsb_space *space, uint64_t timeout_ns);
/* Every tick up to this one is on disk; a plain load. */
uint64_t mmsb_durable_tick(const struct mmsb_space *space);
/* How the space's log stands; with MMSB_DURABILITY_SET in args->flags its mode is set first. args->size is filled in. */
int mmsb_durability(struct mmsb_space *space, struct mmsb_durability_args *args);

/*
 * For who writes a log of his own: the records of a history that was opened with MMSB_HISTORY_LOG stay with the engine until he says that
 * every tick up to some number is on disk (flags: MMSB_LOG_*). Waiting ends when it is time to write: 0, -ETIME, -EINTR.
 */
int mmsb_history_wait(struct mmsb_history *history, uint64_t timeout_ns);
int mmsb_history_durable(struct mmsb_history *history, uint32_t flags, uint64_t tick);

/* The entry's completion waits until the log holds the delta, and all that its ring and its page saw before it. */
static inline void mmsb_sqe_durable(struct mmsb_sqe *sqe)
{
	sqe->flags |= MMSB_SQE_DURABLE;
}

#ifdef __cplusplus
}
#endif
#endif
