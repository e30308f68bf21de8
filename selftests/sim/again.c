// SPDX-License-Identifier: GPL-2.0-only
#include <linux/types.h>
#include <mmsb/history.h>
#include <mmsb/log.h>
#include "again.h"
#include "client.h"
#include "space.h"

/* What is done again. */
struct told {
	const u8 *records;
	u64 bytes;
	struct ms_space *original;
	bool to_the_end;
	struct rng *rng;
};

struct again {
	struct ms_space *space;
	const struct told *told;
	struct client client;
	u64 tick;			/* that has begun; 0: none */
};

static void again_entry(struct again *again, const struct mmsb_sqe *sqe)
{
	struct client *client = &again->client;
	const struct mmsb_cqe *cqe = &client->cqes[client->cq_head & (client->cq_entries - 1)];
	int err;

	client->sqes[client->sq_tail++ & (client->sq_entries - 1)] = *sqe;
	pf_release(&client->shared->sq_tail, client->sq_tail);
	err = ms_ring_enter(client->ring, 1, ~0ull);
	if (err && err != -EINTR)
		sim_fail("replaying, ENTER returns %d", err);
	if (pf_acquire(&client->engine->cq_tail) != client->cq_head + 1)
		sim_fail("replaying, an entry does not complete");
	if (cqe->result || (cqe->flags & MMSB_CQE_UNCHANGED))
		sim_fail("replaying tick %llu: op %u on page %llx came to %d, reason %u, flags %x", (unsigned long long)again->tick,
			 sqe->op, (unsigned long long)sqe->page, cqe->result, cqe->reason, cqe->flags);
	pf_release(&client->shared->cq_head, ++client->cq_head);
}

static void again_turn(struct again *again, u64 tick)
{
	again->tick = tick;
	again_entry(again, &(struct mmsb_sqe){ .op = MMSB_OP_TICK, .offset = tick });
}

static void again_delta(struct again *again, const struct mmsb_delta_record *record)
{
	u64 bytes = record->record.bytes - sizeof(*record);

	if (again->tick != record->record.tick)
		again_turn(again, record->record.tick);
	if (bytes)
		memcpy(again->client.payload, record + 1, bytes);
	again_entry(again, &record->sqe);
}

static void again_words(struct again *again, const struct mmsb_words_record *record)
{
	const struct mmsb_word *word = record->words, *end = (const void *)((const u8 *)record + record->record.bytes);

	if (word >= end)
		sim_fail("tick %llu: a record of no words", (unsigned long long)record->record.tick);
	if (again->tick != record->record.tick)
		again_turn(again, record->record.tick);
	for (; word < end; word++)
		again_entry(again, &(struct mmsb_sqe){ .op = word->op, .lane = word->lane, .len = word->len, .page = word->page,
						       .offset = word->offset, .word = { word->word } });
}

static void again_compare(struct again *again, const struct mmsb_hash_record *record)
{
	u64 hash[2], tick;
	bool off;

	if (!(record->record.flags & MMSB_RECORD_HASHED))
		return;
	ms_space_hash(again->space, 0, hash, &tick, &off);
	if (off || memcmp(hash, record->hash, sizeof(hash)))
		sim_fail("replayed, tick %llu comes to another hash than it had", (unsigned long long)record->record.tick);
}

static void again_tick(struct again *again, const struct mmsb_hash_record *record)
{
	if (again->tick != record->record.tick)
		sim_fail("tick %llu is told to end and not what it did", (unsigned long long)record->record.tick);
	again_turn(again, 0);
	again_compare(again, record);
}

static void again_record(struct again *again, const struct mmsb_record *record)
{
	switch (record->type) {
	case MMSB_RECORD_DELTA:
		again_delta(again, (const void *)record);
		break;
	case MMSB_RECORD_WORDS:
		again_words(again, (const void *)record);
		break;
	case MMSB_RECORD_TICK:
		again_tick(again, (const void *)record);
		break;
	case MMSB_RECORD_HASH:
		again_compare(again, (const void *)record);
		break;
	case MMSB_RECORD_RESET:
		if (ms_space_reset(again->space))
			sim_fail("replaying, a reset is refused");
		break;
	case MMSB_RECORD_CAPTURE:
		again_compare(again, (const void *)record);
		break;
	case MMSB_RECORD_IMAGE:
	case MMSB_RECORD_CAPTURED:
	case MMSB_RECORD_BOUND:
	case MMSB_RECORD_END:
		break;
	default:
		sim_fail("a record of type %u", record->type);
	}
}

static void again_open(struct again *again, const struct told *told)
{
	struct ms_space_config space = { .shards = 1 + (u32)rng_below(told->rng, 4), .max_rings = 4, .max_pages = 16000, .hash = true };
	struct ms_ring_config ring = { .sq_entries = 1, .cq_entries = 2, .payload_bytes = 4096, .replay = true };

	memset(again, 0, sizeof(*again));
	again->told = told;
	space.max_bytes = 256ull << PF_CHUNK_SHIFT;
	ring.shard = (u32)rng_below(told->rng, space.shards);
	ms_ring_config_round(&ring);
	if (ms_space_create(&space, &again->space) || !client_open(&again->client, again->space, 0, &ring))
		sim_fail("there is no space to replay into");
}

static void compare_ends(struct again *again)
{
	u64 was[2], is[2], tick;
	bool off;

	ms_space_hash(again->told->original, MMSB_HASH_RECOMPUTE, was, &tick, &off);
	ms_space_hash(again->space, MMSB_HASH_RECOMPUTE, is, &tick, &off);
	if (memcmp(was, is, sizeof(was)))
		sim_fail("replayed, the history comes to another state in the end");
}

static void again_close(struct again *again)
{
	if (again->told->to_the_end)
		compare_ends(again);
	client_close(&again->client);
	ms_space_destroy(again->space);
}

static const struct mmsb_record *told_at(const struct told *told, u64 at)
{
	return (const void *)(told->records + at);
}

static void again_from(struct again *again, u64 at)
{
	for (; at < again->told->bytes; at += told_at(again->told, at)->bytes)
		again_record(again, told_at(again->told, at));
}

/* --------------------------------------------------------------------------------------- beginning with what was captured */

/* Whether what was captured from there on was told to the end, and is of use. A log's writer who is followed takes the rest with him. */
static bool capture_is_whole(const struct told *told, u64 at)
{
	u64 tick = told_at(told, at)->tick;

	for (at += told_at(told, at)->bytes; at < told->bytes; at += told_at(told, at)->bytes)
		if (told_at(told, at)->type == MMSB_RECORD_CAPTURED)
			return told_at(told, at)->tick == tick && !(told_at(told, at)->flags & MMSB_RECORD_FAILED);
	return false;
}

static void again_image(struct again *again, const struct mmsb_image *from, bool edges)
{
	struct mmsb_image *image = (void *)again->client.payload;

	if (edges && !from->edges)
		return;
	memcpy(image, from, from->record.bytes);
	if (edges)
		image->flags |= MMSB_IMAGE_EDGES;
	again_entry(again, &(struct mmsb_sqe){ .op = MMSB_OP_LOAD, .flags = MMSB_SQE_PAYLOAD, .len = from->record.bytes });
}

static void again_images(struct again *again, u64 at, bool edges)
{
	const struct told *told = again->told;

	for (; told_at(told, at)->type != MMSB_RECORD_CAPTURED; at += told_at(told, at)->bytes)
		if (told_at(told, at)->type == MMSB_RECORD_IMAGE)
			again_image(again, (const void *)told_at(told, at), edges);
}

/* All of what was told after it follows. */
static void judge_capture(const struct told *told, u64 at)
{
	const struct mmsb_hash_record *capture = (const void *)told_at(told, at);
	struct again again;

	if (!capture->record.tick)
		return;
	again_open(&again, told);
	again_turn(&again, capture->record.tick);
	again_images(&again, at, false);
	again_images(&again, at, true);
	again_turn(&again, 0);
	again_from(&again, at);
	again_close(&again);
}

void again_do(const u8 *records, u64 bytes, struct ms_space *original, bool to_the_end, struct rng *rng)
{
	const struct told told = { records, bytes, original, to_the_end, rng };
	struct again again;
	u64 at;

	again_open(&again, &told);
	again_from(&again, 0);
	again_close(&again);
	for (at = 0; at < bytes; at += told_at(&told, at)->bytes)
		if (told_at(&told, at)->type == MMSB_RECORD_CAPTURE && capture_is_whole(&told, at))
			judge_capture(&told, at);
}
