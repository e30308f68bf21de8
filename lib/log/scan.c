// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <zstd.h>
#include "crc32c.h"
#include "scan.h"

#define WINDOW		(256u << 10)

enum found {
	FOUND_FRAME,
	FOUND_NOTHING,			/* zeros, or the end of the file */
	FOUND_BAD,
	FOUND_ERROR,			/* reading failed */
};

/* ------------------------------------------------------------------------------------------------------- how it ends */

static int end_damaged(struct msl_scan *scan, uint64_t at, const char *fault)
{
	scan->end = MSL_END_DAMAGED;
	scan->end_at = at;
	snprintf(scan->why, sizeof(scan->why), "%s: damaged at offset %" PRIu64 ": %s", scan->name, at, fault);
	return msl_fail(EBADMSG, "%s", scan->why);
}

/* What follows from how the file ends, each time that it is asked. */
static int end_result(const struct msl_scan *scan)
{
	return scan->end == MSL_END_DAMAGED ? msl_fail(EBADMSG, "%s", scan->why) : -ENODATA;
}

static int end_found(struct msl_scan *scan, enum msl_end end, uint64_t at, uint32_t chain)
{
	scan->end = end;
	scan->end_at = at;
	scan->end_chain = chain;
	return -ENODATA;
}

static int end_torn(struct msl_scan *scan, uint64_t at, uint32_t chain, const char *fault)
{
	if (scan->checkpoint)
		return end_damaged(scan, at, fault);
	snprintf(scan->why, sizeof(scan->why), "%s: torn at offset %" PRIu64 ": %s", scan->name, at, fault);
	return end_found(scan, MSL_END_TORN, at, chain);
}

/* --------------------------------------------------------------------------------------------------------- the window */

static int window_grow(struct msl_scan *scan, size_t bytes)
{
	uint8_t *window;

	if (bytes <= scan->window_room)
		return 0;
	window = msl_alloc(bytes);
	if (!window)
		return -ENOMEM;
	free(scan->window);
	scan->window = window;
	scan->window_room = bytes;
	scan->window_used = 0;
	return 0;
}

/* What it has from that place on comes to its beginning. */
static void window_slide(struct msl_scan *scan, uint64_t at)
{
	size_t gone = scan->window_used;

	if (at >= scan->window_at && at - scan->window_at < scan->window_used)
		gone = (size_t)(at - scan->window_at);
	scan->window_used -= gone;
	if (scan->window_used)
		memmove(scan->window, scan->window + gone, scan->window_used);
	scan->window_at = at;
}

static int window_fill(struct msl_scan *scan, uint64_t at, size_t bytes)
{
	int err = window_grow(scan, bytes > WINDOW ? bytes : WINDOW);
	size_t used;
	ssize_t n;

	if (err)
		return err;
	window_slide(scan, at);
	used = scan->window_used;
	scan->window_used = 0;
	n = scan->disk->ops->read(scan->file, scan->window + used, scan->window_room - used, at + used);
	if (n < 0)
		return (int)n;
	used += (size_t)n;
	if (used < bytes)
		memset(scan->window + used, 0, bytes - used);
	scan->window_used = used < bytes ? bytes : used;
	return 0;
}

/* `bytes` of the file, which it has. A file that has become shorter gives zeros. */
static int window_get(struct msl_scan *scan, uint64_t at, size_t bytes, const uint8_t **from)
{
	int err = 0;

	if (at < scan->window_at || at - scan->window_at > scan->window_used || bytes > scan->window_used - (at - scan->window_at))
		err = window_fill(scan, at, bytes);
	*from = scan->window + (at - scan->window_at);
	return err;
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
	return !n || (!bytes[0] && !memcmp(bytes, bytes + 1, n - 1));
}

/* ----------------------------------------------------------------------------------------------------------- frames */

static enum found find_rest(struct msl_scan *scan, uint64_t at, const char **fault, int *err)
{
	size_t left = scan->bytes > at ? (size_t)(scan->bytes - at) : 0;
	const uint8_t *bytes;

	if (!left)
		return FOUND_NOTHING;
	*err = window_get(scan, at, left, &bytes);
	if (*err)
		return FOUND_ERROR;
	*fault = "the file ends within the head of a frame";
	return is_zero(bytes, left) ? FOUND_NOTHING : FOUND_BAD;
}

/* The frame at that place: *payload has what is stored. */
static enum found find_frame(struct msl_scan *scan, uint64_t at, struct msl_frame *frame, const uint8_t **payload, const char **fault,
			     int *err)
{
	size_t padded;

	if (at >= scan->bytes || scan->bytes - at < MSL_FRAME_BYTES)
		return find_rest(scan, at, fault, err);
	*err = window_get(scan, at, MSL_FRAME_BYTES, payload);
	if (*err)
		return FOUND_ERROR;
	memcpy(frame, *payload, sizeof(*frame));
	if (is_zero(*payload, MSL_FRAME_BYTES))
		return FOUND_NOTHING;
	*fault = "no frame begins here, though something was written";
	if (!msl_frame_is_whole(frame, &scan->header, at))
		return FOUND_BAD;
	*fault = "the file ends within a frame";
	padded = (size_t)(msl_frame_bytes(frame) - MSL_FRAME_BYTES);
	if (padded > scan->bytes - at - MSL_FRAME_BYTES)
		return FOUND_BAD;
	*err = window_get(scan, at, MSL_FRAME_BYTES + padded, payload);		/* its head stays: who looks ahead comes back to it */
	if (*err)
		return FOUND_ERROR;
	*payload += MSL_FRAME_BYTES;
	*fault = "a frame's checksum is wrong";
	return msl_crc32c(0, *payload, padded) == frame->crc ? FOUND_FRAME : FOUND_BAD;
}

/*
 * The reserved rest of a segment is long, and not read for nothing. A head's last bytes may be zeros, too; and what begins behind the place
 * was written since.
 */
static uint64_t written_end(const struct msl_scan *scan, uint64_t from)
{
	uint64_t end = scan->data_end + MSL_FRAME_BYTES;

	return from < end && end < scan->bytes ? end : scan->bytes;
}

/* Does a head behind `bad` say that this was on disk when it was written? *zero: there is nothing at all. */
static int find_witness(struct msl_scan *scan, uint64_t bad, bool *witness, bool *zero)
{
	const uint8_t *bytes;
	uint64_t at = bad, end = written_end(scan, bad);
	struct msl_frame frame;
	size_t n, i;
	int err;

	*witness = false;
	*zero = true;
	for (; at < end && !*witness; at += n) {
		n = end - at < WINDOW ? (size_t)(end - at) : WINDOW;
		err = window_get(scan, at, n, &bytes);
		if (err)
			return err;
		if (is_zero(bytes, n))
			continue;
		*zero = false;
		for (i = 0; i + MSL_FRAME_BYTES <= n && !*witness; i += 8) {
			memcpy(&frame, bytes + i, sizeof(frame));
			*witness = frame.length && frame.durable > bad && msl_frame_is_whole(&frame, &scan->header, at + i);
		}
		if (n == WINDOW)
			n -= MSL_FRAME_BYTES;
	}
	return 0;
}

/* Nothing that is whole is at that place. */
static int judge(struct msl_scan *scan, uint64_t at, uint32_t chain, enum found found, const char *fault)
{
	const char *missing = "what was on disk once is not there";
	bool witness, zero;
	int err;

	if (scan->limited)
		return end_damaged(scan, at, found == FOUND_BAD ? fault : missing);
	if (scan->live) {
		scan->window_used = 0;
		return -EAGAIN;
	}
	err = find_witness(scan, at, &witness, &zero);
	if (err)
		return err;
	if (witness)
		return end_damaged(scan, at, found == FOUND_BAD ? fault : missing);
	if (found == FOUND_NOTHING && zero && !scan->checkpoint)
		return end_found(scan, MSL_END_OPEN, at, chain);
	if (found == FOUND_NOTHING)
		fault = scan->checkpoint ? "it ends without a seal" : "what was written here is missing";
	return end_torn(scan, at, chain, fault);
}

/*
 * The frame at *at, 0; or how the file ends there. What lies behind a bad frame was perhaps written while we were reading, by a writer who
 * is at work: so before anything is called damaged it is looked at once more.
 */
static int frame_at(struct msl_scan *scan, uint64_t at, uint32_t chain, struct msl_frame *frame, const uint8_t **payload)
{
	const char *fault = NULL;
	enum found found;
	int err = 0;

	if (scan->limited && at == scan->limit && chain == scan->limit_chain)
		return end_found(scan, MSL_END_LIMIT, at, chain);
	if (scan->limited && at >= scan->limit)
		return end_damaged(scan, at, "the frames up to here are not those that the next segment knows of");
	found = find_frame(scan, at, frame, payload, &fault, &err);
	if (found == FOUND_FRAME || found == FOUND_ERROR)
		return err;
	scan->window_used = 0;
	err = scan->disk->ops->size(scan->file, &scan->bytes);
	if (err)
		return err;
	found = find_frame(scan, at, frame, payload, &fault, &err);
	if (found == FOUND_FRAME || found == FOUND_ERROR)
		return err;
	return judge(scan, at, chain, found, fault);
}

/* ----------------------------------------------------------------------------------------------------------- payloads */

static int payload_room(struct msl_scan *scan, size_t bytes)
{
	if (bytes <= scan->payload_room)
		return 0;
	free(scan->payload);
	scan->payload_room = 0;
	scan->payload = msl_alloc(bytes);
	if (!scan->payload)
		return -ENOMEM;
	scan->payload_room = bytes;
	return 0;
}

static int payload_unpack(struct msl_scan *scan, const struct msl_frame *frame, const uint8_t *from)
{
	int err;

	if (!(scan->header.flags & MSL_HEADER_ZSTD) || ZSTD_getFrameContentSize(from, frame->length) != frame->raw)
		return -EBADMSG;
	err = payload_room(scan, frame->raw);
	if (err)
		return err;
	if (!scan->zstd)
		scan->zstd = ZSTD_createDCtx();
	if (!scan->zstd)
		return msl_fail(ENOMEM, "out of memory");
	return ZSTD_decompressDCtx(scan->zstd, scan->payload, frame->raw, from, frame->length) == frame->raw ? 0 : -EBADMSG;
}

static int payload_take(struct msl_scan *scan, const struct msl_frame *frame, const uint8_t *from)
{
	int err;

	if (frame->flags & MSL_FRAME_ZSTD)
		return payload_unpack(scan, frame, from);
	if (frame->raw != frame->length)
		return -EBADMSG;
	err = payload_room(scan, frame->raw);
	if (!err)
		memcpy(scan->payload, from, frame->raw);
	return err;
}

/* The seal counts what it has seen, a tick that was left open included. */
static bool seal_agrees(const struct msl_scan *scan, const struct msl_frame *frame, const uint8_t *payload)
{
	struct msl_seal seal;

	if (frame->length != sizeof(seal) || frame->raw != sizeof(seal) || frame->flags)
		return false;
	memcpy(&seal, payload, sizeof(seal));
	if (seal.tally.open) {
		seal.tally.records = scan->tally.records;
		seal.tally.deltas = scan->tally.deltas;
		seal.tally.open = 0;
	}
	return seal.chain == scan->chain && !seal.reserved && !memcmp(&seal.tally, &scan->tally, sizeof(seal.tally));
}

static int take_seal(struct msl_scan *scan, const struct msl_frame *frame, const uint8_t *payload)
{
	uint32_t chain = msl_chain(scan->chain, frame);

	if (!seal_agrees(scan, frame, payload))
		return end_damaged(scan, scan->at, "the seal counts other records than there are");
	if (scan->limited && (scan->limit != scan->at + msl_frame_bytes(frame) || scan->limit_chain != chain))
		return end_damaged(scan, scan->at, "the seal is not where the next segment says");
	return end_found(scan, MSL_END_SEALED, scan->at + msl_frame_bytes(frame), chain);
}

/* The next frame comes into hand. */
static int advance(struct msl_scan *scan)
{
	const uint8_t *payload;
	struct msl_frame frame;
	int err = frame_at(scan, scan->at, scan->chain, &frame, &payload);

	if (err)
		return err;
	if (frame.type == MSL_FRAME_SEAL)
		return take_seal(scan, &frame, payload);
	err = payload_take(scan, &frame, payload);
	if (err == -EBADMSG)
		return end_damaged(scan, scan->at, "a frame cannot be decompressed");
	if (err)
		return err;
	scan->frame = frame;
	scan->frame_at = scan->at;
	scan->at += msl_frame_bytes(&frame);
	scan->chain = msl_chain(scan->chain, &frame);
	scan->sure = scan->frame_at < scan->sure_at ? frame.raw : frame.closed;
	msl_decoder_frame(&scan->decoder, scan->payload, scan->sure);
	return 0;
}

/* Looks ahead for where the open tick closes. */
static int look_ahead(struct msl_scan *scan)
{
	uint64_t at = scan->at;
	uint32_t chain = scan->chain;
	const uint8_t *payload;
	struct msl_frame frame;
	int err;

	for (;;) {
		err = frame_at(scan, at, chain, &frame, &payload);
		if (err)
			break;
		if (frame.closed) {
			scan->sure_at = at;
			scan->sure = scan->frame.raw;
			scan->decoder.in.end = scan->payload + scan->sure;
			return 0;
		}
		chain = msl_chain(chain, &frame);
		at += msl_frame_bytes(&frame);
		if (frame.type == MSL_FRAME_SEAL) {
			err = end_found(scan, MSL_END_SEALED, at, chain);
			break;
		}
	}
	if (err == -ENODATA)
		scan->cut_tick = scan->tally.tick + 1;
	return err;
}

/* ----------------------------------------------------------------------------------------------------------- records */

static bool has_more(const struct msl_scan *scan)
{
	return scan->decoder.run || (size_t)(scan->decoder.in.at - scan->payload) < scan->sure;
}

static int end_no_records(struct msl_scan *scan)
{
	return end_damaged(scan, scan->frame_at, "a frame has something else than records");
}

static int check_closed(struct msl_scan *scan)
{
	if ((size_t)(scan->decoder.in.at - scan->payload) == scan->frame.closed && !scan->decoder.run && scan->tally.open)
		return end_damaged(scan, scan->frame_at, "a frame leaves a tick open where it says that none is");
	return 0;
}

static int give(struct msl_scan *scan, const struct mmsb_record **record)
{
	const uint8_t *closed = scan->payload + scan->frame.closed, *from = scan->decoder.in.at;
	int err = msl_decode(&scan->decoder, record);

	if (err == -EBADMSG || err == -ENODATA || (from < closed && scan->decoder.in.at > closed))
		return end_no_records(scan);
	if (err)
		return err;
	msl_tally_add(&scan->tally, *record);
	return check_closed(scan);
}

/* Not beyond the place where no tick is open, for there it is looked at whether that is so. */
int msl_scan_words(struct msl_scan *scan, bool enter, const struct mmsb_word **words)
{
	struct msl_input *in = &scan->decoder.in;
	const uint8_t *end = in->end, *closed;
	int n, err;

	if (!scan->frame_at || !has_more(scan) || !msl_words_may_come(&scan->decoder, enter))
		return 0;
	closed = scan->payload + scan->frame.closed;
	if (in->at < closed)
		in->end = closed;
	n = msl_decode_words(&scan->decoder, enter, words);
	in->end = end;
	if (n < 0)
		return end_no_records(scan);
	msl_tally_words(&scan->tally, (uint32_t)n);
	err = check_closed(scan);
	return err ? err : n;
}

int msl_scan_next(struct msl_scan *scan, const struct mmsb_record **record)
{
	int err = 0;

	*record = NULL;
	while (!err) {
		if (scan->frame_at && has_more(scan))
			return give(scan, record);
		if (scan->end)
			return end_result(scan);
		err = scan->frame_at && scan->sure < scan->frame.raw ? look_ahead(scan) : advance(scan);
	}
	return err;
}

/* ---------------------------------------------------------------------------------------------------------- opening */

static int scan_begin(struct msl_scan *scan)
{
	struct msl_disk *disk = scan->disk;
	const char *fault;
	ssize_t n;
	int err = disk->ops->file_open(disk, scan->name, MSL_FILE_READ, &scan->file);

	if (!err)
		err = disk->ops->size(scan->file, &scan->bytes);
	if (!err)
		err = disk->ops->data_end(scan->file, &scan->data_end);
	if (err)
		return err;
	n = disk->ops->read(scan->file, &scan->header, MSL_HEADER_BYTES, 0);
	if (n < 0)
		return (int)n;
	fault = n < MSL_HEADER_BYTES ? "it is shorter than a header" : msl_header_fault(&scan->header, scan->checkpoint);
	if (fault)
		return end_damaged(scan, 0, fault);
	scan->at = MSL_HEADER_BYTES;
	scan->chain = scan->header.crc;
	msl_tally_begin(&scan->tally, &scan->header);
	msl_decoder_begin(&scan->decoder, scan->header.shards);
	return 0;
}

int msl_scan_open(struct msl_disk *disk, const char *name, bool checkpoint, struct msl_scan **scan)
{
	struct msl_scan *s = msl_alloc(sizeof(*s));
	int err;

	*scan = NULL;
	if (!s)
		return -ENOMEM;
	s->disk = disk;
	s->checkpoint = checkpoint;
	snprintf(s->name, sizeof(s->name), "%s", name);
	err = scan_begin(s);
	if (err)
		msl_scan_close(s);
	else
		*scan = s;
	return err;
}

void msl_scan_close(struct msl_scan *scan)
{
	if (!scan)
		return;
	if (scan->file)
		scan->disk->ops->file_close(scan->file);
	ZSTD_freeDCtx(scan->zstd);
	msl_decoder_end(&scan->decoder);
	free(scan->window);
	free(scan->payload);
	free(scan);
}

void msl_scan_limit(struct msl_scan *scan, const struct msl_header *next)
{
	scan->limited = true;
	scan->limit = next->previous_end;
	scan->limit_chain = next->previous_chain;
}

int msl_scan_seal(struct msl_scan *scan, struct msl_tally *tally)
{
	const uint64_t bytes = MSL_FRAME_BYTES + sizeof(struct msl_seal);
	const char *fault = NULL;
	const uint8_t *payload;
	struct msl_frame frame;
	struct msl_seal seal;
	int err = 0;

	if (scan->bytes < MSL_HEADER_BYTES + bytes ||
	    find_frame(scan, scan->bytes - bytes, &frame, &payload, &fault, &err) != FOUND_FRAME || frame.type != MSL_FRAME_SEAL ||
	    frame.length != sizeof(seal))
		return err ? err : -ENODATA;
	memcpy(&seal, payload, sizeof(seal));
	*tally = seal.tally;
	return 0;
}

