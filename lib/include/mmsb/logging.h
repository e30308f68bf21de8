/* SPDX-License-Identifier: MIT */
/*
 * libmmsb-user: logs, by which a space's state outlives the machine's memory.
 *
 * A space has a mode (enum mmsb_durability of <mmsb/log.h>): MEMORY as long as it has no log, then BUFFERED or STRICT. In a STRICT space
 * every completion says that its delta is on disk; in a BUFFERED one those of entries that asked for it by mmsb_sqe_durable().
 *
 * A log is a directory of segments and checkpoints. A writer, one a space, appends to it what the space tells: a thread of this process
 * (mmsb_log_open()), or mmsbd, a process that does only that. A writer who goes, or dies, leaves the space as it is: nothing is lost,
 * and the next one goes on. What lies in a log comes back by mmsb_restore(), into a space of either home with any number of shards.
 */
#ifndef MMSB_LOGGING_H
#define MMSB_LOGGING_H

#include <mmsb/mmsb.h>
#include <mmsb/log.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------ any thread, any process that has the space open */

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

/* ------------------------------------------------------------------------------------------------------------ the writer */

struct mmsb_log;

#define MMSB_LOG_OPT_ZSTD	(1u << 0)	/* compress */
#define MMSB_LOG_OPT_NO_URING	(1u << 1)	/* pwrite and fdatasync only */
#define MMSB_LOG_OPT_TAKE_OVER	(1u << 2)	/* fence a writer that has the log now */
#define MMSB_LOG_OPT_NO_THREAD	(1u << 3)	/* whoever calls mmsb_log_step() is the writer */
#define MMSB_LOG_OPT_KEEP_ALL	(1u << 4)	/* delete no segment and no checkpoint, ever */
#define MMSB_LOG_OPT_NO_CREATE	(1u << 5)	/* -ENOENT if the directory holds no log */

struct mmsb_log_opts {
	size_t size;
	uint32_t mode;		/* enum mmsb_durability; 0: BUFFERED, or as it is if the space has the log already */
	uint32_t flags;		/* MMSB_LOG_OPT_* */
	uint32_t interval_ms;	/* flushed at least so often; 0: 100 */
	uint32_t keep_checkpoints;	/* older ones are deleted, and the segments that only they need; 0: 2 */
	uint64_t flush_bytes;	/* flushed when so many bytes of records wait; 0: 1 MiB */
	uint64_t flush_ticks;	/* or so many ticks; 0: no such limit */
	uint64_t segment_bytes;	/* when a segment has so many, another one is begun; 0: 64 MiB */
	uint64_t checkpoint_bytes;	/* a checkpoint is made each time that the log has grown by so many; 0: only when asked for */
	uint64_t limit;		/* bytes of records that may wait in the engine before rings stand still; 0: MMSB_HISTORY_LIMIT */
	/*
	 * What an operator should know: a disk that is full, a failed fsync, a writer that was fenced. Called by the writer's thread, which
	 * waits for it; it must not call the log. NULL: warnings and worse go to stderr.
	 */
	void (*tell)(void *arg, int severity /* LOG_* of syslog.h */, const char *text);
	void *arg;
};

/*
 * Starts the writer. The directory is made if it is not there. If it holds no log it gets one, which, if the space has ticks already, begins
 * with a checkpoint: until that is whole nothing is durable. If it does hold one, that must be the space's: the one that it has, or the one that it
 * was restored from, up to its end. -EBUSY: there is a writer; -EBADMSG: the log is damaged, or not of the state that the space is in.
 */
int mmsb_log_open(struct mmsb_space *space, const char *dir, const struct mmsb_log_opts *opts, struct mmsb_log **log);
/*
 * Until its log is open, through this handle, or the handle is closed, nobody can write to the space: -EBUSY (REPLAYING). For one that is not to be used
 * before it is what it promises. One that was made with MMSB_SPACE_SHUT stays shut if the handle is closed before, or its process dies.
 * -EBUSY also: somebody else replays, or there is a log.
 */
int mmsb_log_hold(struct mmsb_space *space);
/*
 * Flushes, and closes the log for now: the space keeps its mode and what it tells, and waits for the next writer. Frees it in any case. -ENODATA: all is
 * in the files, but the checkpoint that a late log begins with was not made yet; the next writer makes it.
 */
int mmsb_log_close(struct mmsb_log *log);
/* Flushes, and ends it: the space is MEMORY again, also where the log had failed. Frees it in any case. */
int mmsb_log_end(struct mmsb_log *log);
/* With NO_THREAD: sleeps until there is something to do, for so long at most, and does one round. 0, or why the writer has stopped. */
int mmsb_log_step(struct mmsb_log *log, uint64_t timeout_ns);

struct mmsb_log_stat {
	size_t size;
	uint64_t written, durable;	/* ticks: taken over from the space; reported to it as durable */
	uint64_t bytes, deltas, ticks, syncs, segments, checkpoints;	/* by this writer */
	uint64_t sync_ns, sync_max_ns;
	uint64_t stalls;		/* times that the disk was full */
	uint64_t checkpoint_tick;	/* of the last checkpoint that it made; 0: none yet */
	uint64_t term;			/* of the writer, rising from one to the next */
	int32_t  error;			/* 0, or why it has stopped */
	uint32_t uring;			/* 1: writes go through io_uring */
	uint32_t stalled;		/* 1: it waits for room on the disk */
	uint32_t checkpointing;		/* 1: a checkpoint is being made */
};
int mmsb_log_stat(struct mmsb_log *log, struct mmsb_log_stat *stat);	/* stat->size as in options; 0: all of it */

/*
 * Makes a checkpoint, verifies it by reading it back, and deletes what is no longer needed, while the space goes on. Returns when that is done;
 * *tick, which may be NULL, gets where it stands. -ENOSPC: the disk is full; it is made later, once there is room.
 */
int mmsb_log_checkpoint(struct mmsb_log *log, uint64_t *tick);

/* ------------------------------------------------------------------------------------------------------- what lies in a log */
/*
 * Without a space, and by any process that may read the files; a writer may be at work meanwhile. Damage is -EBADMSG, and
 * mmsb_strerror_last() names file and offset.
 */

#define MMSB_RESTORE_FROM_BEGINNING	(1u << 0)	/* do all of the history again, whatever checkpoints there are */
#define MMSB_RESTORE_HOLD		(1u << 1)	/* then hold the space, as by mmsb_log_hold(); nobody can write in between */

struct mmsb_restore_opts {
	size_t size;
	uint64_t tick;		/* up to this one; 0: to the end */
	uint64_t time;		/* up to the last tick before the first that closed after this, in ns since 1970; 0: to the end */
	uint32_t compare;	/* the state hash, each so many ticks; 0: at the end; MMSB_NO_COMPARE: never */
	uint32_t flags;		/* MMSB_RESTORE_* */
	/* Called now and then: bytes read, of about so many. Not 0: the restore ends with that. */
	int (*progress)(void *arg, uint64_t done, uint64_t all);
	/* As in struct mmsb_log_opts: a checkpoint that is damaged, so that another was taken; a torn tail. NULL: stderr. */
	void (*tell)(void *arg, int severity, const char *text);
	void *arg;
};

struct mmsb_restored {
	size_t size;
	uint64_t tick, time;		/* where it stands now */
	uint64_t checkpoint;		/* the tick of the checkpoint that it began with; 0: none */
	uint64_t pages;			/* images that were taken in */
	uint64_t ticks, deltas;		/* done again behind it */
	uint64_t cut;			/* bytes of a torn tail, which count for nothing */
	uint64_t hash[2];		/* the state hash now, if `hashed` */
	uint32_t hashed;		/* 1: the log says it, and the space has it */
	uint32_t reserved;
};

/*
 * Into a space that is as new and that nobody else writes to. `restored` may be NULL. If it fails, the space is to be thrown away. A space
 * that was restored to the end can have the log opened again, and goes on.
 */
int mmsb_restore(struct mmsb_space *space, const char *dir, const struct mmsb_restore_opts *opts, struct mmsb_restored *restored);

struct mmsb_log_info {
	size_t size;
	uint64_t id[2];
	uint64_t first_tick, last_tick, first_time, last_time;	/* of what the segments have; 0: no tick */
	uint64_t segments, checkpoints, bytes;
	uint64_t checkpoint_tick;	/* of the newest; 0: none */
	uint64_t max_pages, max_bytes;	/* of the space, as all that follow: to make one for it */
	uint32_t shards, max_rings, space_flags, format;
	char     name[MMSB_NAME_MAX];
};
int mmsb_log_info(const char *dir, struct mmsb_log_info *info);

#define MMSB_LOG_SEGMENT	1
#define MMSB_LOG_CHECKPOINT	2

#define MMSB_LOG_FILE_HASHED	(1u << 0)	/* `hash` is the state hash at its end */
#define MMSB_LOG_FILE_OPEN	(1u << 1)	/* the last segment, which is or was being written: counts, ends and bytes are of what was read */
#define MMSB_LOG_FILE_ZSTD	(1u << 2)	/* compressed */
#define MMSB_LOG_FILE_TORN	(1u << 3)	/* something behind its end counts for nothing */

struct mmsb_log_file {
	char name[64];
	uint32_t what;			/* MMSB_LOG_SEGMENT, MMSB_LOG_CHECKPOINT */
	uint32_t flags;			/* MMSB_LOG_FILE_* */
	uint64_t number;		/* of the segment; checkpoint: of the one that was written to when it was begun */
	uint64_t bytes, first_tick, last_tick, first_time, last_time, term, ticks, deltas;	/* checkpoint: last_tick is its tick */
	uint64_t images;		/* checkpoint */
	uint64_t hash[2];
};

/* By heads and ends alone, but for the last segment, which is read. What `each` returns, if it is not 0, ends it. */
int mmsb_log_files(const char *dir, int (*each)(void *arg, const struct mmsb_log_file *file), void *arg);
/*
 * Reads all files and checks all of them: checksums, the ties from one segment to the next, and for checkpoints the state hash too. `each` hears how
 * each fared: 0, or a negative errno with the reason. -EBADMSG if any was damaged, or what `each` returned.
 */
int mmsb_log_verify(const char *dir, int (*each)(void *arg, const struct mmsb_log_file *file, int result, const char *text), void *arg);

/* Records as histories have them (WORDs come as DELTAs), none of a tick that is not whole. */
struct mmsb_log_reader;

#define MMSB_LOG_FOLLOW		(1u << 0)	/* at the end, wait for more */

struct mmsb_log_reader_opts {
	size_t size;
	uint64_t from_tick;	/* the first tick wanted; 0: all that is there */
	uint32_t flags;		/* MMSB_LOG_FOLLOW */
};
int mmsb_log_reader_open(const char *dir, const struct mmsb_log_reader_opts *opts, struct mmsb_log_reader **reader);
void mmsb_log_reader_close(struct mmsb_log_reader *reader);
/* The next record, good until the next call. 0; -ENODATA: the end; -ETIME: following, and nothing came; -EBADMSG: damage. */
int mmsb_log_next(struct mmsb_log_reader *reader, const struct mmsb_record **record, uint64_t timeout_ns);
uint64_t mmsb_log_reader_done(const struct mmsb_log_reader *reader, uint64_t *all);	/* bytes read, of so many in *all */

#ifdef __cplusplus
}
#endif
#endif
