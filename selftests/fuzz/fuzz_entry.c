// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer's way into the engine: its bytes become entries of an inline ring, one at a time, and after each the completion
 * must be the one that the reference model gives; at the end so must all bytes, and the incremental state hash must be the recomputed one.
 *
 * An input is two bytes that say how much of what follows is payload, the payload, and entries of 64 bytes. To let the fuzzer find pages at all,
 * three are made beforehand, in both shards, one of them larger than a chunk, and most values of the page field stand for one of them.
 */
#include "pair.h"

#define ENTRIES_MAX	64u

static bool worth_it(const struct mmsb_sqe *sqe)
{
	if (sqe->op != MMSB_OP_CREATE)
		return true;
	return (sqe->len <= PAGE_CAP || sqe->len > MMSB_PAGE_MAX) &&
	       ((sqe->flags & MMSB_SQE_AT) || !(sqe->flags & MMSB_SQE_QUIET)) && model.alive < 64;
}

static const uint64_t known[4] = { 0, MMSB_PAGE_ID(1, 0), MMSB_PAGE_ID(1, 1), MMSB_PAGE_ID(1, 1024) };

static void make_pages(void)
{
	static const struct mmsb_sqe entries[] = {
		{ .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = MMSB_PAGE_ID(1, 0), .len = 64 },
		{ .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = MMSB_PAGE_ID(1, 1), .len = 70000 },
		{ .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = MMSB_PAGE_ID(1, 1024), .len = 201 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(entries) / sizeof(*entries); i++)
		step(&entries[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint16_t payload_size;
	struct mmsb_sqe sqe;
	unsigned int i;

	if (size < sizeof(payload_size))
		return 0;
	if (!space)
		open_all();
	memcpy(&payload_size, data, sizeof(payload_size));
	data += sizeof(payload_size);
	size -= sizeof(payload_size);
	payload_size = payload_size < size ? payload_size : size;
	memcpy(payload, data, payload_size);
	memset(payload + payload_size, 0, PAYLOAD_BYTES - payload_size);
	make_pages();
	for (i = 0, data += payload_size, size -= payload_size; i < ENTRIES_MAX && size >= sizeof(sqe); i++) {
		memcpy(&sqe, data, sizeof(sqe));
		if (!(sqe.page >> 56))
			sqe.page = known[sqe.page % 4];
		if (worth_it(&sqe))
			step(&sqe);
		data += sizeof(sqe);
		size -= sizeof(sqe);
	}
	compare_all();
	reset_all();
	return 0;
}
