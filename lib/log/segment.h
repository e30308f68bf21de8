/* SPDX-License-Identifier: MIT */
/*
 * Writing a file of the log: a segment, or a checkpoint, which is the same with images for records. Records are gathered in a
 * frame; a frame that is full is given to the disk, and any that is not with the next flush.
 *
 * A call that comes back with -ENOSPC, -EDQUOT or -ENOMEM has done nothing that the same call would not do once more: it is to be called
 * again when there is room. -EINVAL: that is no record, and was left out. Any other failure is final.
 */
#ifndef MMSB_LOG_SEGMENT_H
#define MMSB_LOG_SEGMENT_H

#include "disk.h"
#include "encode.h"

struct msl_segment {
	struct msl_disk *disk;
	struct msl_file *file;
	struct msl_header header;
	struct msl_tally tally;		/* of all that was appended */
	uint64_t at;			/* where the frame that is being filled will begin: what the file has is in front of it */
	uint64_t durable;		/* what is known to be on disk */
	uint64_t syncing;		/* and will be, when the sync under way ends */
	uint32_t chain;
	bool sealed;			/* the seal has been written */
	uint8_t *frame;			/* its head, and the records so far */
	size_t room, used, closed;	/* bytes of records */
	void *zstd;			/* NULL: not compressed */
	uint8_t *packed;
	struct msl_encoder encoder;
};

/*
 * Makes the file. Magic, format and crc of the header are filled in. A segment gets `name` when it is on disk, header and name, with
 * room for that many bytes; a checkpoint is made as `name` and grows.
 */
int msl_segment_create(struct msl_disk *disk, const char *name, const struct msl_header *header, uint64_t room,
		       struct msl_segment **segment);
int msl_checkpoint_create(struct msl_disk *disk, const char *name, const struct msl_header *header, struct msl_segment **segment);
void msl_segment_close(struct msl_segment *segment);	/* as it stands; NULL: nothing */

int msl_segment_append(struct msl_segment *segment, const struct mmsb_record *record);
int msl_segment_flush(struct msl_segment *segment);
/* All that was appended is on disk. */
int msl_segment_sync(struct msl_segment *segment);
/* Likewise, at the end: what is appended meanwhile is not part of it. One at a time. */
int msl_segment_sync_begin(struct msl_segment *segment);
int msl_segment_sync_end(struct msl_segment *segment, bool wait);	/* -EAGAIN: still under way */
/* The file is whole, and on disk; nothing more comes. No sync is under way. */
int msl_segment_seal(struct msl_segment *segment);

/* What a writer who is gone wrote to that file, as far as it can be read now, is on disk. */
int msl_segment_settle(struct msl_disk *disk, const char *name);
/* The part of a segment's header that says what the one before it came to, and where. */
void msl_header_follow(struct msl_header *header, const struct msl_tally *tally, uint64_t end, uint32_t chain);

/* Bytes of the file with what is in the frame, about. */
static inline uint64_t msl_segment_bytes(const struct msl_segment *segment)
{
	return segment->at + segment->used;
}

#endif
