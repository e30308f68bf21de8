// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <zstd.h>
#include "crc32c.h"
#include "dir.h"
#include "segment.h"

#define ZSTD_LEVEL	1

/* ----------------------------------------------------------------------------------------------------------- making */

static int frame_room(struct msl_segment *segment, size_t room)
{
	uint8_t *frame = pf_fault_inject() ? NULL : realloc(segment->frame, MSL_FRAME_BYTES + room + 8);

	if (!frame)
		return msl_fail(ENOMEM, "out of memory");
	segment->frame = frame;
	segment->room = room;
	return 0;
}

static int segment_alloc(const struct msl_header *header, bool checkpoint, struct msl_segment **segment)
{
	struct msl_segment *s = msl_alloc(sizeof(*s));

	*segment = s;
	if (!s || frame_room(s, MSL_FRAME_FILL))
		return -ENOMEM;
	s->header = *header;
	msl_header_close(&s->header, checkpoint);
	msl_encoder_begin(&s->encoder, header->shards);
	msl_tally_begin(&s->tally, header);
	s->at = MSL_HEADER_BYTES;
	s->chain = s->header.crc;
	if (header->flags & MSL_HEADER_ZSTD && !(s->zstd = ZSTD_createCCtx()))
		return msl_fail(ENOMEM, "out of memory");
	return 0;
}

static int file_begin(struct msl_segment *segment, const char *name, uint64_t room)
{
	int err = segment->disk->ops->file_open(segment->disk, name, MSL_FILE_CREATE, &segment->file);

	if (!err && room)
		err = segment->disk->ops->allocate(segment->file, room);
	if (!err)
		err = segment->disk->ops->write(segment->file, &segment->header, MSL_HEADER_BYTES, 0);
	return err;
}

/* It is closed meanwhile, so that whatever goes wrong with it later is told by its name. */
static int file_publish(struct msl_segment *segment, const char *from, const char *to)
{
	struct msl_disk *disk = segment->disk;
	int err = disk->ops->sync(segment->file);

	if (!err)
		err = disk->ops->rename(disk, from, to);
	if (err)
		return err;
	disk->ops->file_close(segment->file);
	segment->file = NULL;
	err = disk->ops->sync_dir(disk);
	if (!err)
		err = disk->ops->file_open(disk, to, MSL_FILE_CHANGE, &segment->file);
	segment->durable = MSL_HEADER_BYTES;
	return err;
}

/* What was begun is not left behind; what is said is still why. */
static void discard(struct msl_disk *disk, const char *name, int err)
{
	char why[256];

	snprintf(why, sizeof(why), "%s", mmsb_strerror_last());
	disk->ops->unlink(disk, name);
	msl_fail(-err, "%s", why);
}

static int create(struct msl_disk *disk, const char *name, const struct msl_header *header, bool checkpoint, uint64_t room,
		  struct msl_segment **segment)
{
	char temporary[MSL_NAME_BYTES];
	int err = segment_alloc(header, checkpoint, segment);

	if (!err) {
		(*segment)->disk = disk;
		msl_temporary_name(temporary, name);
		err = file_begin(*segment, checkpoint ? name : temporary, room);
	}
	if (!err && !checkpoint)
		err = file_publish(*segment, temporary, name);
	if (!err)
		return 0;
	if (*segment && (*segment)->file)
		discard(disk, checkpoint ? name : temporary, err);
	msl_segment_close(*segment);
	*segment = NULL;
	return err;
}

int msl_segment_create(struct msl_disk *disk, const char *name, const struct msl_header *header, uint64_t room,
		       struct msl_segment **segment)
{
	return create(disk, name, header, false, room, segment);
}

int msl_checkpoint_create(struct msl_disk *disk, const char *name, const struct msl_header *header, struct msl_segment **segment)
{
	return create(disk, name, header, true, 0, segment);
}

void msl_segment_close(struct msl_segment *segment)
{
	if (!segment)
		return;
	if (segment->file)
		segment->disk->ops->file_close(segment->file);
	ZSTD_freeCCtx(segment->zstd);
	free(segment->packed);
	free(segment->frame);
	free(segment);
}

/* ----------------------------------------------------------------------------------------------------------- frames */

/* *payload: the frame's, compressed if that is worth it. */
static int frame_pack(struct msl_segment *segment, struct msl_frame *frame, uint8_t **payload)
{
	size_t bound = ZSTD_compressBound(segment->used), n;

	*payload = segment->frame;
	free(segment->packed);
	segment->packed = NULL;
	if (!segment->zstd || segment->used < 256)
		return 0;
	segment->packed = pf_fault_inject() ? NULL : malloc(MSL_FRAME_BYTES + bound + 8);
	if (!segment->packed)
		return msl_fail(ENOMEM, "out of memory");
	n = ZSTD_compressCCtx(segment->zstd, segment->packed + MSL_FRAME_BYTES, bound, segment->frame + MSL_FRAME_BYTES, segment->used,
			      ZSTD_LEVEL);
	if (ZSTD_isError(n) || n >= segment->used - segment->used / 16)
		return 0;
	frame->length = (uint32_t)n;
	frame->flags = MSL_FRAME_ZSTD;
	*payload = segment->packed;
	return 0;
}

/* `bytes`: room for the head, the payload, and room for zeros behind it. */
static int frame_write(struct msl_segment *segment, struct msl_frame *frame, uint8_t *bytes)
{
	uint64_t all = msl_frame_bytes(frame);
	int err;

	memset(bytes + MSL_FRAME_BYTES + frame->length, 0, all - MSL_FRAME_BYTES - frame->length);
	frame->crc = msl_crc32c(0, bytes + MSL_FRAME_BYTES, all - MSL_FRAME_BYTES);
	frame->durable = segment->durable;
	frame->check = msl_frame_check(frame, &segment->header, segment->at);
	memcpy(bytes, frame, sizeof(*frame));
	err = segment->disk->ops->write(segment->file, bytes, all, segment->at);
	if (err)
		return err;
	segment->at += all;
	segment->chain = msl_chain(segment->chain, frame);
	return 0;
}

int msl_segment_flush(struct msl_segment *segment)
{
	struct msl_frame frame = { .type = MSL_FRAME_RECORDS };
	uint8_t *payload;
	int err;

	if (!segment->used)
		return 0;
	frame.length = (uint32_t)segment->used;
	frame.raw = (uint32_t)segment->used;
	frame.closed = (uint32_t)segment->closed;
	err = frame_pack(segment, &frame, &payload);
	if (!err)
		err = frame_write(segment, &frame, payload);
	if (err)
		return err;
	segment->used = 0;
	segment->closed = 0;
	msl_encoder_frame(&segment->encoder);
	if (segment->room > 4 * MSL_FRAME_FILL)
		frame_room(segment, MSL_FRAME_FILL);
	return 0;
}

static int frame_reserve(struct msl_segment *segment, size_t bytes)
{
	int err = 0;

	if (msl_likely(bytes <= segment->room - segment->used))
		return 0;
	err = msl_segment_flush(segment);
	return err || bytes <= segment->room ? err : frame_room(segment, bytes);
}

int msl_segment_append(struct msl_segment *segment, const struct mmsb_record *record)
{
	int err = frame_reserve(segment, msl_encode_bound(record));
	ssize_t n;

	if (err)
		return err;
	n = msl_encode(&segment->encoder, record, segment->frame + MSL_FRAME_BYTES + segment->used);
	if (n < 0)
		return (int)n;
	segment->used += (size_t)n;
	msl_tally_add(&segment->tally, record);
	if (!segment->tally.open)
		segment->closed = segment->used;
	return 0;
}

/* ---------------------------------------------------------------------------------------------------------- syncing */

int msl_segment_sync(struct msl_segment *segment)
{
	int err = msl_segment_flush(segment);

	if (!err)
		err = segment->disk->ops->sync(segment->file);
	if (!err)
		segment->durable = segment->at;
	return err;
}

int msl_segment_sync_begin(struct msl_segment *segment)
{
	int err = msl_segment_flush(segment);

	if (!err)
		err = segment->disk->ops->sync_begin(segment->file);
	if (!err)
		segment->syncing = segment->at;
	return err;
}

int msl_segment_sync_end(struct msl_segment *segment, bool wait)
{
	int err = segment->disk->ops->sync_end(segment->file, wait);

	if (!err)
		segment->durable = segment->syncing;
	return err;
}

static int seal_write(struct msl_segment *segment)
{
	struct msl_frame frame = { .type = MSL_FRAME_SEAL, .length = sizeof(struct msl_seal), .raw = sizeof(struct msl_seal) };
	struct msl_seal seal = { .tally = segment->tally, .chain = segment->chain };

	memcpy(segment->frame + MSL_FRAME_BYTES, &seal, sizeof(seal));
	return frame_write(segment, &frame, segment->frame);
}

/* Synced before, too, so that the seal itself says that all in front of it was on disk. */
int msl_segment_seal(struct msl_segment *segment)
{
	int err = 0;

	if (!segment->sealed) {
		err = msl_segment_sync(segment);
		if (!err)
			err = seal_write(segment);
		segment->sealed = !err;
	}
	if (!err)
		err = segment->disk->ops->truncate(segment->file, segment->at);
	return err ? err : msl_segment_sync(segment);
}

int msl_segment_settle(struct msl_disk *disk, const char *name)
{
	struct msl_file *file;
	int err = disk->ops->file_open(disk, name, MSL_FILE_CHANGE, &file);

	if (err)
		return err;
	err = disk->ops->sync(file);
	disk->ops->file_close(file);
	return err;
}

void msl_header_follow(struct msl_header *header, const struct msl_tally *tally, uint64_t end, uint32_t chain)
{
	header->life = tally->life;
	header->tick = tally->tick;
	header->time = tally->time;
	memcpy(header->hash, tally->hash, sizeof(header->hash));
	header->flags = (header->flags & ~MSL_HEADER_HASHED) | tally->flags;
	header->previous_end = end;
	header->previous_chain = chain;
}
