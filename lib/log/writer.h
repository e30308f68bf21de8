/* SPDX-License-Identifier: MIT */
/*
 * The writer: takes records from a source, writes them to segments, and tells the source which ticks are on disk.
 *
 * It is a state machine without a thread and without a clock: whoever has it calls msl_writer_step() with the time that it is, and then again
 * as soon as `due` says, or when the source has something. So the library drives it by a thread, by whoever waits for his own delta, or
 * by both, one at a time; and tests drive it through every state that a disk can be in.
 *
 * A tick goes through these stations, each at or behind the one before:
 *
 *	told		read from the source, and in the segment's frame
 *	syncing		what the sync under way will bring to disk
 *	synced		on disk
 *	reported	told to the source, which completes what waited for it
 *
 * At most one sync is under way, and the next batch gathers meanwhile; so the more there is to do, the more ticks share a sync. A sync begins
 * at once if somebody waits (an urgent bound), and else when the bytes, the ticks or the time are used up that its options give it.
 *
 * Nothing is reported before the log has a base, i.e. begins with the space's first tick or has a whole checkpoint: what lies behind a state that
 * is nowhere on disk could not be restored.
 *
 * Failures. A disk that is full is waited for: the rings stand still once the source has no more room. Whatever else fails is final:
 * since nobody knows what is on disk then, the source is told that nothing more will be.
 */
#ifndef MMSB_LOG_WRITER_H
#define MMSB_LOG_WRITER_H

#include <stdarg.h>
#include <syslog.h>
#include "checkpoint.h"
#include "dir.h"
#include "segment.h"
#include "source.h"

struct msl_writer_opts {
	uint64_t interval_ns;
	uint64_t flush_bytes;		/* of records as the source has them */
	uint64_t flush_ticks;		/* 0: no such limit */
	uint64_t segment_bytes;
	uint64_t checkpoint_bytes;	/* a checkpoint each time that so many bytes were written; 0: when asked */
	uint32_t keep;			/* checkpoints */
	bool keep_all;			/* segments and checkpoints */
	void (*tell)(void *arg, int severity, const char *text);
	void *arg;
};

struct msl_writer_count {
	uint64_t bytes, deltas, ticks, syncs, segments, checkpoints, stalls;
	uint64_t sync_ns, sync_max_ns;
};

struct msl_writer {
	struct msl_writer_opts opts;
	struct msl_source *source;
	struct msl_disk *disk;
	struct msl_segment *segment;
	struct msl_checkpoint checkpoint;
	const struct mmsb_record *record;	/* taken, and not yet done with */

	uint64_t skip;			/* ticks up to this one are in the files already */
	uint64_t told, syncing, synced, reported;
	bool sync_under_way;
	bool sync_waited_for;		/* by somebody */
	bool urgent;			/* somebody waits for `told` */
	bool based;
	bool cutting;			/* the segment is being replaced by the next */
	bool ended;			/* the source will tell nothing more, ever */
	bool over;			/* and that is on disk */

	uint64_t raw, ticks;		/* since the last sync began: bytes of records, ticks */
	uint64_t quiet_at;		/* when there was nothing that waited for a sync */
	uint64_t sync_at;		/* when the sync under way began */
	uint64_t checkpoint_at;		/* bytes written when the last checkpoint was wanted */
	uint64_t (*clock)(void);	/* for measuring syncs; NULL: they are not measured */

	int error;			/* 0, or why it has stopped for good */
	char why[256];
	bool stalled;			/* for want of room */
	uint64_t retry_at;
	uint64_t due;			/* the latest time for the next step; 0: at once */
	struct msl_writer_count count;
};

/*
 * `header` is that of the segment to begin with, as msl_log_begin() fills it in. Ticks up to header->tick are in the files already and are
 * passed over. The source and the disk stay the caller's.
 */
int msl_writer_begin(struct msl_writer *writer, const struct msl_writer_opts *opts, struct msl_source *source, struct msl_disk *disk,
		     const struct msl_header *header, bool based);
void msl_writer_end(struct msl_writer *writer);		/* closes the files as they stand */

/* One round. 0, or the failure that stopped it for good, again and again. */
int msl_writer_step(struct msl_writer *writer, uint64_t now);
/* All that the source has told by now is on disk. -ENOSPC: it is full, and stays so. */
int msl_writer_flush(struct msl_writer *writer, uint64_t now);
/* Seals the segment behind a flush. */
int msl_writer_seal(struct msl_writer *writer);

/* Asks the source for its state; what comes of it is in writer->checkpoint. -EBUSY: one is being made. */
int msl_writer_checkpoint(struct msl_writer *writer);

__attribute__((format(printf, 3, 4))) void msl_writer_tell(const struct msl_writer *writer, int severity, const char *format, ...);

#endif
