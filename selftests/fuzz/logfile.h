/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libFuzzer's way into the readers of the log's files. An input's first byte says what the rest is: a file as it stands; or payloads, each
 * behind two bytes of length and one of flags, which get a header and heads that are right, so that what they say is looked at.
 *
 * Whatever comes of it, the reader must come to an end, with a result that is one of its own. Each record that it gives must be well formed,
 * and must come out the same when it is written and read once more.
 */
#ifndef LOGFILE_H
#define LOGFILE_H

#include <stdio.h>
#include <string.h>
#include <zstd.h>
#include "log/crc32c.h"
#include "log/scan.h"
#include "log/segment.h"

#define FILE_MAX	(256u << 10)
#define RECORDS_MAX	3000u
#define BYTES_MAX	(256u << 20)		/* of records: few bytes can say that many zeros follow */

static uint8_t file_bytes[FILE_MAX];
static size_t file_used;

#define MUST(condition)	do { if (!(condition)) { fprintf(stderr, "%s: %s\n", #condition, mmsb_strerror_last()); abort(); } } while (0)

/* -------------------------------------------------------------------------------------------------- a disk with one file */

static int one_open(struct msl_disk *disk, const char *name, int how, struct msl_file **file)
{
	static struct msl_file one;

	(void)name;
	(void)how;
	one.disk = disk;
	*file = &one;
	return 0;
}

static void one_close(struct msl_file *file)
{
	(void)file;
}

static ssize_t one_read(struct msl_file *file, void *to, size_t bytes, uint64_t at)
{
	size_t n = at < file_used ? file_used - at : 0;

	(void)file;
	n = n < bytes ? n : bytes;
	memcpy(to, file_bytes + (n ? at : 0), n);
	return (ssize_t)n;
}

static int one_size(struct msl_file *file, uint64_t *bytes)
{
	(void)file;
	*bytes = file_used;
	return 0;
}

static int one_data_end(struct msl_file *file, uint64_t *end)
{
	(void)file;
	for (*end = file_used; *end && !file_bytes[*end - 1]; --*end)
		;
	return 0;
}

static const struct msl_disk_ops one_ops = {
	.name = "one file", .file_open = one_open, .file_close = one_close, .read = one_read, .size = one_size,
	.data_end = one_data_end,
};

/* ---------------------------------------------------------------------------------------------------- making the file */

static struct msl_header one_header(bool checkpoint)
{
	struct msl_header header = { .shards = 3, .flags = MSL_HEADER_ZSTD };

	msl_header_close(&header, checkpoint);
	return header;
}

static void add_frame(const struct msl_header *header, struct msl_frame frame, const uint8_t *payload)
{
	uint8_t *at = file_bytes + file_used;
	uint64_t all = msl_frame_bytes(&frame);

	if (!frame.length || all > FILE_MAX - file_used)
		return;
	memset(at, 0, all);
	memcpy(at + MSL_FRAME_BYTES, payload, frame.length);
	frame.crc = msl_crc32c(0, at + MSL_FRAME_BYTES, all - MSL_FRAME_BYTES);
	frame.check = msl_frame_check(&frame, header, file_used);
	memcpy(at, &frame, sizeof(frame));
	file_used += all;
}

/* Flags: 1 compressed by us, 2 said to be compressed, 4 no tick is closed in it, 8 a seal. */
static void add_payload(const struct msl_header *header, uint8_t flags, const uint8_t *payload, size_t n)
{
	static uint8_t packed[2 * 65536];
	struct msl_frame frame = { .length = (uint32_t)n, .raw = (uint32_t)n, .type = flags & 8 ? MSL_FRAME_SEAL : MSL_FRAME_RECORDS };

	frame.closed = flags & 4 ? 0 : frame.raw;
	frame.flags = flags & 3 ? MSL_FRAME_ZSTD : 0;
	if (flags & 1) {
		frame.length = (uint32_t)ZSTD_compress(packed, sizeof(packed), payload, n, 1);
		payload = packed;
	} else if (flags & 2) {
		frame.raw = (uint32_t)(ZSTD_getFrameContentSize(payload, n) % (1u << 20));
		frame.closed = 0;
	}
	add_frame(header, frame, payload);
}

static void make_file(const uint8_t *data, size_t size, bool checkpoint)
{
	struct msl_header header = one_header(checkpoint);
	uint16_t n;

	memcpy(file_bytes, &header, sizeof(header));
	file_used = sizeof(header);
	for (; size > 3; data += 3 + n, size -= 3 + (size_t)n) {
		memcpy(&n, data, sizeof(n));
		n = n < size - 3 ? n : (uint16_t)(size - 3);
		add_payload(&header, data[2], data + 3, n);
	}
}

/* ----------------------------------------------------------------------------------------------------------- looking */

/* Written and read once more, from scratch. */
static void comes_back(const struct mmsb_record *record)
{
	static struct msl_encoder encoder;
	static struct msl_decoder decoder;
	const struct mmsb_record *again;
	uint8_t *bytes = malloc(msl_encode_bound(record));
	ssize_t n;

	msl_encoder_begin(&encoder, 3);
	msl_decoder_begin(&decoder, 3);
	n = msl_encode(&encoder, record, bytes);
	MUST(n > 0 && (size_t)n <= msl_encode_bound(record));
	msl_decoder_frame(&decoder, bytes, (size_t)n);
	MUST(!msl_decode(&decoder, &again));
	MUST(again->bytes == record->bytes && !memcmp(again, record, record->bytes));
	MUST(msl_decode(&decoder, &again) == -ENODATA);
	msl_decoder_end(&decoder);
	free(bytes);
}

static void look_at(const struct mmsb_record *record)
{
	static const size_t least[] = {
		[MMSB_RECORD_DELTA] = sizeof(struct mmsb_delta_record), [MMSB_RECORD_TICK] = sizeof(struct mmsb_hash_record),
		[MMSB_RECORD_HASH] = sizeof(struct mmsb_hash_record), [MMSB_RECORD_RESET] = sizeof(struct mmsb_record),
		[MMSB_RECORD_END] = sizeof(struct mmsb_record), [MMSB_RECORD_CAPTURE] = sizeof(struct mmsb_hash_record),
		[MMSB_RECORD_IMAGE] = sizeof(struct mmsb_image), [MMSB_RECORD_CAPTURED] = sizeof(struct mmsb_record),
	};

	MUST(record->type < sizeof(least) / sizeof(*least) && least[record->type]);
	MUST(record->bytes % 8 == 0 && record->bytes >= least[record->type]);
	if (record->bytes < 100000)
		comes_back(record);
}

/* What is read of the file in bulk is the same, up to what is damaged. */
static void same_in_bulk(struct msl_disk *disk, bool checkpoint, int result, const struct msl_tally *tally)
{
	const struct mmsb_record *record;
	const struct mmsb_word *words;
	struct msl_scan *scan;
	int n, err = msl_scan_open(disk, "input", checkpoint, &scan);

	MUST(!err);
	while (!err) {
		n = msl_scan_words(scan, true, &words);
		err = n < 0 ? n : n ? 0 : msl_scan_next(scan, &record);
	}
	MUST(err == result && (err != -ENODATA || !memcmp(&scan->tally, tally, sizeof(*tally))));
	MUST(scan->tally.records <= tally->records);
	msl_scan_close(scan);
}

static int look_at_file(const uint8_t *data, size_t size, bool checkpoint)
{
	struct msl_disk disk = { &one_ops };
	const struct mmsb_record *record;
	struct msl_tally tally;
	struct msl_scan *scan;
	size_t n = 0, bytes = 0;
	int err;

	if (!size)
		return 0;
	file_used = size - 1 < FILE_MAX ? size - 1 : FILE_MAX;
	memcpy(file_bytes, data + 1, file_used);
	if (data[0] & 1)
		make_file(data + 1, size - 1, checkpoint);
	err = msl_scan_open(&disk, "input", checkpoint, &scan);
	MUST(!err || err == -EBADMSG);
	if (err)
		return 0;
	msl_scan_seal(scan, &tally);
	while (n++ < RECORDS_MAX && bytes < BYTES_MAX && !(err = msl_scan_next(scan, &record))) {
		look_at(record);
		bytes += record->bytes;
	}
	MUST(!err || (err == -ENODATA && scan->end && scan->end != MSL_END_DAMAGED) ||
	     (err == -EBADMSG && scan->end == MSL_END_DAMAGED && scan->why[0]));
	if (err == -ENODATA || err == -EBADMSG)
		same_in_bulk(&disk, checkpoint, err, &scan->tally);
	msl_scan_close(scan);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
