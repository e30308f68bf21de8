// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include "retain.h"
#include "writer.h"

#define SYNC_BYTES	(8u << 20)	/* synced along the way, so that the last sync has little to do */
#define VERIFY_BYTES	(128u << 10)	/* read back in one step: about as long as pulling what one step pulls */
#define AGAIN_NS	100000000ull	/* when the source could not begin yet */
#define ANOTHER_NS	1000000000ull	/* from one to the next, where one is needed and none comes out whole */

static void names(const struct msl_checkpoint *checkpoint, char name[MSL_NAME_BYTES], char temporary[MSL_NAME_BYTES])
{
	msl_checkpoint_name(name, checkpoint->tick);
	msl_temporary_name(temporary, name);
}

static void end(struct msl_checkpoint *checkpoint, int result)
{
	msl_scan_close(checkpoint->scan);
	checkpoint->scan = NULL;
	msl_segment_close(checkpoint->file);
	checkpoint->file = NULL;
	checkpoint->sync_under_way = false;
	checkpoint->state = MSL_CHECKPOINT_NONE;
	checkpoint->result = result;
	checkpoint->ended++;
}

void msl_checkpoint_give_up(struct msl_writer *writer, int err)
{
	struct msl_checkpoint *checkpoint = &writer->checkpoint;
	bool has_file = checkpoint->state >= MSL_CHECKPOINT_TAKING;
	char name[MSL_NAME_BYTES], temporary[MSL_NAME_BYTES];

	if (checkpoint->state == MSL_CHECKPOINT_NONE)
		return;
	snprintf(checkpoint->why, sizeof(checkpoint->why), "%s", mmsb_strerror_last());
	end(checkpoint, err);
	if (!has_file)
		return;
	names(checkpoint, name, temporary);
	writer->disk->ops->unlink(writer->disk, temporary);
}

/* It is not made; the log goes on. */
static int give_up(struct msl_writer *writer, int err)
{
	msl_checkpoint_give_up(writer, err);
	msl_writer_tell(writer, LOG_ERR, "no checkpoint was made: %s", writer->checkpoint.why);
	return 0;
}

/* --------------------------------------------------------------------------------------------------------- capturing */

static int ask(struct msl_writer *writer, uint64_t now)
{
	struct msl_checkpoint *checkpoint = &writer->checkpoint;
	int err;

	if (now < checkpoint->retry_at)
		return 0;
	err = writer->source->ops->capture(writer->source, &checkpoint->tick);
	checkpoint->retry_at = now + AGAIN_NS;
	if (err == -EBUSY || err == -ENOMEM)
		return 0;
	if (err)
		return err;
	checkpoint->retry_at = now + ANOTHER_NS;
	checkpoint->state = MSL_CHECKPOINT_ASKED;
	return 0;
}

static int take_capture(struct msl_writer *writer, const struct mmsb_hash_record *record)
{
	struct msl_checkpoint *checkpoint = &writer->checkpoint;
	struct msl_header header = writer->segment->header;
	char name[MSL_NAME_BYTES], temporary[MSL_NAME_BYTES];
	int err;

	if (checkpoint->state != MSL_CHECKPOINT_ASKED)
		return 0;
	checkpoint->tick = record->record.tick;
	checkpoint->images = 0;
	header.life = writer->segment->tally.life;
	header.made = record->time;
	header.tick = record->record.tick;
	header.time = record->time;
	header.previous_end = 0;
	header.previous_chain = 0;
	memcpy(header.hash, record->hash, sizeof(header.hash));
	header.flags &= ~MSL_HEADER_HASHED;
	header.flags |= record->record.flags & MMSB_RECORD_HASHED ? MSL_HEADER_HASHED : 0;
	names(checkpoint, name, temporary);
	err = msl_checkpoint_create(writer->disk, temporary, &header, &checkpoint->file);
	if (err)
		return give_up(writer, err);
	checkpoint->state = MSL_CHECKPOINT_TAKING;
	err = msl_segment_append(checkpoint->file, &record->record);
	return err ? give_up(writer, err) : 0;
}

static int take_captured(struct msl_writer *writer, const struct mmsb_record *record)
{
	struct msl_checkpoint *checkpoint = &writer->checkpoint;
	int err;

	if (record->flags & MMSB_RECORD_FAILED) {
		msl_fail(ENOMEM, "the space had no memory for its images");
		return give_up(writer, -ENOMEM);
	}
	err = msl_segment_append(checkpoint->file, record);
	if (err)
		return give_up(writer, err);
	checkpoint->state = MSL_CHECKPOINT_SEALING;
	return 0;
}

int msl_checkpoint_take(struct msl_writer *writer, const struct mmsb_record *record)
{
	struct msl_checkpoint *checkpoint = &writer->checkpoint;
	int err;

	if (record->type == MMSB_RECORD_CAPTURE)
		return take_capture(writer, (const struct mmsb_hash_record *)record);
	if (checkpoint->state != MSL_CHECKPOINT_TAKING)
		return 0;	/* of one that was given up */
	if (record->type == MMSB_RECORD_CAPTURED)
		return take_captured(writer, record);
	err = msl_segment_append(checkpoint->file, record);
	checkpoint->images += !err;
	return err ? give_up(writer, err) : 0;
}

/* ---------------------------------------------------------------------------------------------------------- sealing */

/* The sync under way, if any, and another when so many bytes have come since. */
static int sync_along(struct msl_checkpoint *checkpoint, uint64_t bytes)
{
	struct msl_segment *file = checkpoint->file;
	int err = checkpoint->sync_under_way ? msl_segment_sync_end(file, false) : 0;

	if (err)
		return err == -EAGAIN ? 0 : err;
	checkpoint->sync_under_way = false;
	if (msl_segment_bytes(file) - file->durable < bytes)
		return 0;
	err = msl_segment_sync_begin(file);
	checkpoint->sync_under_way = !err;
	return err;
}

static int seal(struct msl_writer *writer)
{
	struct msl_checkpoint *checkpoint = &writer->checkpoint;
	char name[MSL_NAME_BYTES], temporary[MSL_NAME_BYTES];
	int err = sync_along(checkpoint, 1);

	if (err || checkpoint->sync_under_way)
		return err;
	err = msl_segment_seal(checkpoint->file);
	if (err)
		return err;
	msl_segment_close(checkpoint->file);
	checkpoint->file = NULL;
	names(checkpoint, name, temporary);
	err = msl_scan_open(writer->disk, temporary, true, &checkpoint->scan);
	checkpoint->sum[0] = 0;
	checkpoint->sum[1] = 0;
	checkpoint->state = MSL_CHECKPOINT_VERIFYING;
	return err;
}

/* -------------------------------------------------------------------------------------------------------- verifying */

static int fail_verify(const struct msl_checkpoint *checkpoint, const char *what)
{
	return msl_fail(EBADMSG, "what was read back of the checkpoint at tick %" PRIu64 " has %s", checkpoint->tick, what);
}

static int verified(struct msl_checkpoint *checkpoint)
{
	const struct msl_scan *scan = checkpoint->scan;

	if (scan->tally.images != checkpoint->images)
		return fail_verify(checkpoint, "another number of images than was written");
	if (scan->header.flags & MSL_HEADER_HASHED && memcmp(scan->header.hash, checkpoint->sum, sizeof(checkpoint->sum)))
		return fail_verify(checkpoint, "another state hash than the space had");
	checkpoint->state = MSL_CHECKPOINT_PLACING;
	return 0;
}

static int verify(struct msl_checkpoint *checkpoint)
{
	bool hashed = checkpoint->scan->header.flags & MSL_HEADER_HASHED;
	const struct mmsb_record *record;
	uint64_t bytes = 0;
	int err = 0;

	while (!err && bytes < VERIFY_BYTES) {
		err = msl_scan_next(checkpoint->scan, &record);
		if (err)
			break;
		bytes += record->bytes;
		if (hashed && record->type == MMSB_RECORD_IMAGE)
			embedded_image_hash((const struct mmsb_image *)record, checkpoint->sum);
	}
	return err == -ENODATA ? verified(checkpoint) : err;
}

/* ---------------------------------------------------------------------------------------------------------- placing */

static int place(struct msl_writer *writer)
{
	struct msl_checkpoint *checkpoint = &writer->checkpoint;
	char name[MSL_NAME_BYTES], temporary[MSL_NAME_BYTES];
	int err;

	if (writer->synced < checkpoint->tick) {
		writer->urgent = true;
		return 0;
	}
	names(checkpoint, name, temporary);
	err = writer->disk->ops->rename(writer->disk, temporary, name);
	if (!err)
		err = writer->disk->ops->sync_dir(writer->disk);
	if (err)
		return err;
	checkpoint->last_tick = checkpoint->tick;
	end(checkpoint, 0);
	writer->based = true;
	writer->count.checkpoints++;
	if (writer->opts.keep_all)
		return 0;
	err = msl_retain(writer->disk, writer->opts.keep);
	if (err)
		msl_writer_tell(writer, LOG_WARNING, "old files of the log could not be deleted: %s", mmsb_strerror_last());
	return 0;
}

/* ------------------------------------------------------------------------------------------------------------ steps */

int msl_checkpoint_step(struct msl_writer *writer, uint64_t now, bool *busy)
{
	struct msl_checkpoint *checkpoint = &writer->checkpoint;
	int err = 0;

	switch (checkpoint->state) {
	case MSL_CHECKPOINT_WANTED:
		err = ask(writer, now);
		break;
	case MSL_CHECKPOINT_TAKING:
		err = sync_along(checkpoint, SYNC_BYTES);
		break;
	case MSL_CHECKPOINT_SEALING:
		err = seal(writer);
		break;
	case MSL_CHECKPOINT_VERIFYING:
		err = verify(checkpoint);
		break;
	case MSL_CHECKPOINT_PLACING:
		err = place(writer);
		break;
	default:
		break;
	}
	if (err == -ESTALE)
		return err;
	*busy = checkpoint->state == MSL_CHECKPOINT_ASKED || checkpoint->state == MSL_CHECKPOINT_VERIFYING;
	return err ? give_up(writer, err) : 0;
}
