// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer's way into the engine: its bytes become entries of an inline ring, one at a time, and after each the completion
 * must be the one that the reference model gives; at the end so must all bytes, and the incremental state hash must be the recomputed one.
 *
 * An input is two bytes that say how much of what follows is payload, the payload, and entries of 64 bytes. To let the fuzzer find pages at all,
 * three are made beforehand, in both shards, one of them larger than a chunk, and most values of the page field stand for one of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include "engine.h"
#include "page.h"
#include "space.h"
#include "common/model.h"

#define PAYLOAD_BYTES	65536u
#define ENTRIES_MAX	64u
#define LINES		2048u			/* of the directory: two blocks, one a shard */
#define PAGE_CAP	(1u << 20)		/* no larger page is made: it would only cost time */

#define MUST(cond) do {								\
	if (!(cond)) {								\
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);	\
		abort();							\
	}									\
} while (0)

static struct ms_space *space;
static struct ms_ring *ring;
static struct mmsb_ring_client *client;
static struct mmsb_sqe *sqes;
static struct mmsb_ring_engine *engine;
static struct mmsb_cqe *cqes;
static uint8_t *payload;
static struct model model;

static void open_all(void)
{
	const struct ms_space_config config = {
		.shards = 2, .max_rings = 4, .max_pages = LINES / 2, .max_bytes = 256u << 20, .hash = true,
	};
	struct ms_ring_config ring_config = { .sq_entries = 1, .cq_entries = 1, .payload_bytes = PAYLOAD_BYTES };

	MUST(!ms_space_create(&config, &space));
	MUST(!ms_ring_config_round(&ring_config));
	MUST(!ms_ring_create(space, &ring_config, &ring));
	client = pf_shared_ptr(ms_ring_client_area(ring));
	sqes = (void *)((uint8_t *)client + MMSB_RING_HEADER);
	payload = (uint8_t *)sqes + 4096;
	engine = pf_shared_ptr(ms_ring_engine_area(ring));
	cqes = (void *)((uint8_t *)engine + MMSB_RING_HEADER);
	model_init(&model, LINES);
}

/* Completion of one entry; false: none came. */
static bool run(const struct mmsb_sqe *sqe, struct mmsb_cqe *cqe)
{
	bool came;

	*sqes = *sqe;
	client->sq_tail++;
	MUST(!ms_ring_enter(ring, 0, 0));
	MUST(engine->sq_head == client->sq_tail);
	came = engine->cq_tail != client->cq_head;
	*cqe = *cqes;
	client->cq_head = engine->cq_tail;
	return came;
}

static bool worth_it(const struct mmsb_sqe *sqe)
{
	if (sqe->op != MMSB_OP_CREATE)
		return true;
	return (sqe->len <= PAGE_CAP || sqe->len > MMSB_PAGE_MAX) &&
	       ((sqe->flags & MMSB_SQE_AT) || !(sqe->flags & MMSB_SQE_QUIET)) && model.alive < 64;
}

static void step(const struct mmsb_sqe *sqe)
{
	struct mmsb_cqe cqe = { 0 };
	struct model_result want;
	bool came;

	if (!worth_it(sqe))
		return;
	came = run(sqe, &cqe);
	want = model_apply(&model, sqe, payload, PAYLOAD_BYTES, cqe.epoch);
	model_tick(&model);
	MUST(came == !want.silent);
	if (!came)
		return;
	MUST(cqe.user_data == sqe->user_data);
	if (cqe.reason != want.reason)
		fprintf(stderr, "op %u: model says reason %d, engine %d\n", sqe->op, want.reason, cqe.reason);
	MUST(cqe.reason == want.reason);
	MUST(cqe.result == want.result);
	MUST(cqe.flags == want.flags);
	MUST(cqe.epoch == want.epoch);
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

static void compare_all(void)
{
	static uint8_t bytes[PAGE_CAP];
	u64 kept[2], fresh[2], tick;
	bool off;
	uint32_t i;

	for (i = 0; i < LINES; i++) {
		struct model_page *page = &model.pages[i];
		struct mmsb_line *line;

		if (!page->alive)
			continue;
		MUST(!ms_page_find(space, MMSB_PAGE_ID(page->generation, i), &line));
		MUST(line->epoch == page->epoch && line->size == page->size && !(line->seq & 1));
		ms_page_copy(space, line, 0, bytes, page->size);
		MUST(!memcmp(bytes, page->bytes, page->size));
	}
	MUST(!ms_space_hash(space, 0, kept, &tick, &off) && !off);
	MUST(!ms_space_hash(space, MMSB_HASH_RECOMPUTE, fresh, &tick, &off));
	MUST(kept[0] == fresh[0] && kept[1] == fresh[1]);
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
		step(&sqe);
		data += sizeof(sqe);
		size -= sizeof(sqe);
	}
	compare_all();
	MUST(!ms_space_reset(space));
	model_reset(&model);
	return 0;
}
