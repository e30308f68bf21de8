// SPDX-License-Identifier: MIT
#include <string.h>
#include "crc32c.h"
#include "format.h"

/* ---------------------------------------------------------------------------------------------------------- headers */

static uint32_t header_crc(const struct msl_header *header)
{
	struct msl_header copy = *header;

	copy.crc = 0;
	return msl_crc32c(0, &copy, sizeof(copy));
}

static const char *magic_of(bool checkpoint)
{
	return checkpoint ? MSL_MAGIC_CHECKPOINT : MSL_MAGIC_SEGMENT;
}

void msl_header_close(struct msl_header *header, bool checkpoint)
{
	memcpy(header->magic, magic_of(checkpoint), MSL_MAGIC_BYTES);
	header->format = MSL_FORMAT;
	header->bytes = MSL_HEADER_BYTES;
	header->crc = header_crc(header);
}

const char *msl_header_fault(const struct msl_header *header, bool checkpoint)
{
	static const uint64_t zeros[6];

	if (memcmp(header->magic, magic_of(checkpoint), MSL_MAGIC_BYTES))
		return checkpoint ? "it does not begin as a checkpoint does" : "it does not begin as a segment of a log does";
	if (header->crc != header_crc(header))
		return "its header's checksum is wrong";
	if (header->format != MSL_FORMAT || header->bytes != MSL_HEADER_BYTES)
		return "its format is one that this library does not know: update the library";
	if (header->flags & ~MSL_HEADER_KNOWN || memcmp(header->reserved, zeros, sizeof(zeros)))
		return "its header has flags that this library does not know: update the library";
	if (header->name[MMSB_NAME_MAX - 1])
		return "its header's name has no end";
	return NULL;
}

/* ----------------------------------------------------------------------------------------------------------- frames */

uint32_t msl_frame_check(const struct msl_frame *frame, const struct msl_header *header, uint64_t at)
{
	uint32_t crc = msl_crc32c(header->crc, &at, sizeof(at));

	return msl_crc32c(crc, frame, offsetof(struct msl_frame, check));
}

static bool frame_is_possible(const struct msl_frame *frame, uint64_t at)
{
	return frame->length && frame->length <= MSL_FRAME_MAX && frame->raw && frame->raw <= MSL_FRAME_MAX &&
	       frame->closed <= frame->raw && frame->durable <= at && frame->type && frame->type < MSL_FRAME_LAST &&
	       !(frame->flags & ~MSL_FRAME_ZSTD) && !frame->reserved;
}

bool msl_frame_is_whole(const struct msl_frame *frame, const struct msl_header *header, uint64_t at)
{
	return frame_is_possible(frame, at) && frame->check == msl_frame_check(frame, header, at);
}

uint32_t msl_chain(uint32_t chain, const struct msl_frame *frame)
{
	return msl_crc32c(chain, &frame->check, sizeof(frame->check));
}

/* ------------------------------------------------------------------------------------------------------------ tally */

void msl_tally_begin(struct msl_tally *tally, const struct msl_header *header)
{
	memset(tally, 0, sizeof(*tally));
	tally->tick = header->tick;
	tally->time = header->time;
	tally->life = header->life;
	memcpy(tally->hash, header->hash, sizeof(tally->hash));
	tally->flags = header->flags & MSL_HEADER_HASHED;
}

static void tally_state(struct msl_tally *tally, const struct mmsb_hash_record *record)
{
	tally->time = record->time;
	memcpy(tally->hash, record->hash, sizeof(tally->hash));
	tally->flags = record->record.flags & MMSB_RECORD_HASHED ? MSL_HEADER_HASHED : 0;
}

static void tally_tick(struct msl_tally *tally, const struct mmsb_hash_record *record)
{
	tally_state(tally, record);
	tally->tick = record->record.tick;
	tally->open = 0;
	if (!tally->ticks++) {
		tally->first_tick = tally->tick;
		tally->first_time = tally->time;
	}
}

static void tally_reset(struct msl_tally *tally)
{
	tally->life++;
	tally->tick = 0;
	tally->open = 0;
	tally->hash[0] = 0;
	tally->hash[1] = 0;
	tally->flags = 0;
}

void msl_tally_add(struct msl_tally *tally, const struct mmsb_record *record)
{
	size_t n = record->type == MMSB_RECORD_WORDS ? msl_words_in(record) : 1;

	tally->records += n;
	switch (record->type) {
	case MMSB_RECORD_DELTA:
	case MMSB_RECORD_WORDS:
		tally->deltas += n;
		tally->open = 1;
		break;
	case MMSB_RECORD_TICK:
		tally_tick(tally, (const struct mmsb_hash_record *)record);
		break;
	case MMSB_RECORD_HASH:
		tally_state(tally, (const struct mmsb_hash_record *)record);
		break;
	case MMSB_RECORD_RESET:
		tally_reset(tally);
		break;
	case MMSB_RECORD_IMAGE:
		tally->images++;
		break;
	}
}

void msl_tally_words(struct msl_tally *tally, uint32_t n)
{
	tally->records += n;
	tally->deltas += n;
	tally->open |= n > 0;
}
