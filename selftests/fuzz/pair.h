/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all fuzz targets share: an engine with one inline ring beside the reference model, and steps that must leave both alike. The
 * ring has one entry, so each step is a tick of its own.
 */
#ifndef PAIR_H
#define PAIR_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine.h"
#include "page.h"
#include "space.h"
#include "common/model.h"

#define PAYLOAD_BYTES	65536u
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
		.shards = 2, .max_rings = 4, .max_pages = LINES / 2, .max_bytes = 256u << 20, .hash = true, .audit = 1,
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

static void step(const struct mmsb_sqe *sqe)
{
	struct mmsb_cqe cqe = { 0 };
	struct model_result want;
	bool came;

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

static void compare_page(const struct model_page *page, uint64_t id)
{
	static uint8_t bytes[PAGE_CAP];
	struct mmsb_line *line;

	MUST(!ms_page_find(space, id, &line));
	MUST(line->epoch == page->epoch && line->size == page->size && !(line->seq & 1));
	MUST(line->kind == (page->derived ? MMSB_KIND_DERIVED : MMSB_KIND_SOURCE));
	MUST(!(line->flags & MMSB_LINE_STALE) == !model_is_stale(page));
	ms_page_copy(space, line, 0, bytes, page->size);
	MUST(!memcmp(bytes, page->bytes, page->size));
}

static void compare_all(void)
{
	u64 kept[2], fresh[2], tick;
	bool off;
	uint32_t i;

	for (i = 0; i < LINES; i++)
		if (model.pages[i].alive)
			compare_page(&model.pages[i], MMSB_PAGE_ID(model.pages[i].generation, i));
	MUST(model_is_consistent(&model));
	MUST(!ms_space_hash(space, 0, kept, &tick, &off) && !off);
	MUST(!ms_space_hash(space, MMSB_HASH_RECOMPUTE, fresh, &tick, &off));
	MUST(kept[0] == fresh[0] && kept[1] == fresh[1]);
}

static void reset_all(void)
{
	MUST(!ms_space_reset(space));
	model_reset(&model);
}

#endif
