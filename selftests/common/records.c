// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include "records.h"

void records_begin(struct records *records, uint64_t seed)
{
	struct rng rng = { seed };
	const uint64_t pages[] = { 1, 10, 1000, 1000000, 1ull << 32 }, ticks[] = { 1, 3, 64, 1000 }, origins[] = { 1, 2, 100, 10000 };

	memset(records, 0, sizeof(*records));
	records->pages = pages[rng_below(&rng, 5)];
	records->per_tick = ticks[rng_below(&rng, 4)];
	records->origins = origins[rng_below(&rng, 4)];
	records->shards = (uint32_t)rng_below(&rng, 4);
	records->time = 1700000000000000000ull;
	records->rng = rng;
}

void records_end(struct records *records)
{
	free(records->record);
	records->record = NULL;
	records->room = 0;
}

/* Zeros. */
static void *make(struct records *records, uint8_t type, size_t bytes)
{
	if (bytes > records->room) {
		free(records->record);
		records->record = malloc(bytes);
		records->room = bytes;
		if (!records->record)
			abort();
	}
	memset(records->record, 0, bytes);
	records->record->bytes = (uint32_t)bytes;
	records->record->type = type;
	records->record->tick = records->tick;
	return records->record;
}

static uint64_t draw_page(struct records *records)
{
	struct rng *rng = &records->rng;
	uint64_t index = rng_below(rng, records->pages);

	return MMSB_PAGE_ID(rng_once_in(rng, 10) ? 1 + rng_below(rng, 1000) : 1, index);
}

/* Numbers of every length, and negative ones. */
static uint64_t draw_number(struct rng *rng)
{
	uint64_t value = rng_next(rng) >> rng_below(rng, 64);

	return rng_once_in(rng, 4) ? -value : rng_once_in(rng, 4) ? 0 : value;
}

static struct mmsb_origin draw_origin(struct records *records)
{
	uint64_t which = rng_once_in(&records->rng, 5) ? rng_below(&records->rng, records->origins) : 0;
	struct rng rng = { which };

	return (struct mmsb_origin){ draw_number(&rng), (uint32_t)(which / 10), (uint32_t)rng_next(&rng) };
}

static uint16_t draw_shard(struct records *records, uint64_t page)
{
	if (rng_once_in(&records->rng, 20))
		return (uint16_t)rng_next(&records->rng);
	return records->shards ? (uint16_t)(MMSB_PAGE_INDEX(page) / 1024 % records->shards) : 0;
}

/* ----------------------------------------------------------------------------------------------------------- deltas */

static void draw_word(struct records *records)
{
	struct mmsb_words_record *record = make(records, MMSB_RECORD_WORDS, sizeof(*record) + sizeof(struct mmsb_word));
	struct mmsb_word *word = record->words;
	struct rng *rng = &records->rng;
	bool plain = records->plain || rng_below(rng, 2);

	record->origin = draw_origin(records);
	word->page = draw_page(records);
	record->record.shard = draw_shard(records, word->page);
	word->op = plain ? MMSB_OP_ADD : rng_once_in(rng, 3) ? MMSB_OP_SET : (uint8_t)(MMSB_OP_ADD + rng_below(rng, 7));
	word->lane = plain ? MMSB_LANE_I64 : word->op == MMSB_OP_SET ? 0 : (uint8_t)rng_below(rng, MMSB_LANE_LAST);
	word->len = word->op == MMSB_OP_SET ? (uint8_t)(1u << rng_below(rng, 4)) : (uint8_t)(1u << (word->lane & 3));
	word->offset = (uint32_t)rng_below(rng, rng_once_in(rng, 10) ? 1ull << 30 : 4096) / word->len * word->len;
	word->word = records->plain ? 1 + rng_below(rng, 100) : draw_number(rng);
	word->word &= ~0ull >> (64 - 8 * word->len);
}

/* The operand goes into the entry or behind it, as it fits. */
static struct mmsb_delta_record *delta_with(struct records *records, uint8_t op, const void *operand, size_t bytes, bool payload)
{
	size_t padded = payload ? (bytes + 7) / 8 * 8 : 0;
	struct mmsb_delta_record *delta = make(records, MMSB_RECORD_DELTA, sizeof(*delta) + padded);

	delta->origin = draw_origin(records);
	delta->sqe.op = op;
	delta->sqe.len = (uint32_t)bytes;
	delta->sqe.page = draw_page(records);
	delta->record.shard = draw_shard(records, delta->sqe.page);
	if (payload) {
		delta->sqe.flags = MMSB_SQE_PAYLOAD;
		delta->operand_bytes = bytes;
	}
	memcpy(payload ? (void *)(delta + 1) : delta->sqe.operand, operand, bytes);
	if (rng_once_in(&records->rng, 4)) {
		delta->sqe.flags |= MMSB_SQE_IF_EPOCH;
		delta->sqe.epoch = draw_number(&records->rng);
	}
	return delta;
}

/* Bytes for an operand: zeros, noise, noise that ends with zeros. */
static void draw_bytes(struct records *records)
{
	struct rng *rng = &records->rng;
	size_t n = rng_once_in(rng, 200) ? rng_below(rng, 300000) : rng_once_in(rng, 3) ? rng_below(rng, 5000) : rng_below(rng, 25);
	uint8_t *bytes = calloc(1, n + 1);
	struct mmsb_delta_record *delta;

	rng_fill(rng, bytes, rng_below(rng, n + 1));
	delta = delta_with(records, (uint8_t)(MMSB_OP_SET + rng_below(rng, MMSB_OP_APPEND - MMSB_OP_SET + 1)), bytes, n,
			   n > MMSB_INLINE_MAX || rng_below(rng, 2));
	delta->sqe.lane = (uint8_t)rng_below(rng, MMSB_LANE_LAST);
	delta->sqe.offset = draw_number(rng) >> 32;
	if (!(delta->sqe.flags & MMSB_SQE_PAYLOAD))
		delta->sqe.len = (uint32_t)rng_below(rng, 100000);
	free(bytes);
}

static void fill_edges(struct records *records, struct mmsb_edge *edges, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		edges[i] = (struct mmsb_edge){ draw_page(records), draw_number(&records->rng), (uint32_t)rng_below(&records->rng, 3), 0 };
}

static void fill_derive(struct records *records, struct mmsb_derive *derive, size_t n)
{
	unsigned int i;

	*derive = (struct mmsb_derive){ .rule = (uint32_t)rng_next(&records->rng) % MMSB_RULE_LAST, .edges = (uint32_t)n };
	derive->version = (uint32_t)rng_below(&records->rng, 3);
	derive->flags = (uint16_t)rng_below(&records->rng, 4);
	derive->lane = (uint8_t)rng_below(&records->rng, MMSB_RULE_LANE_LAST);
	for (i = 0; i < MMSB_RULE_PARAMS; i++)
		derive->param[i] = rng_once_in(&records->rng, 4) ? draw_number(&records->rng) : 0;
}

static size_t draw_edge_count(struct records *records)
{
	return 1 + rng_below(&records->rng, rng_once_in(&records->rng, 50) ? MMSB_PARENTS_MAX : 5);
}

/* Now and then something where nothing should be. */
static void draw_graph(struct records *records)
{
	size_t n = draw_edge_count(records), i;
	struct mmsb_edge *edges = calloc(n + 2, sizeof(*edges));
	uint64_t *ids = (uint64_t *)edges;

	switch (rng_below(&records->rng, 3)) {
	case 0:
		fill_derive(records, (struct mmsb_derive *)edges, n);
		fill_edges(records, edges + 2, n);
		delta_with(records, MMSB_OP_DERIVE, edges, sizeof(struct mmsb_derive) + n * sizeof(*edges), true);
		break;
	case 1:
		fill_edges(records, edges, n);
		if (rng_once_in(&records->rng, 10))
			edges[n - 1].reserved = 1;
		delta_with(records, MMSB_OP_LINK, edges, n * sizeof(*edges), n > 1 || rng_below(&records->rng, 2));
		break;
	default:
		for (i = 0; i < n; i++)
			ids[i] = draw_page(records);
		delta_with(records, MMSB_OP_UNLINK, ids, n * sizeof(*ids), n > 3 || rng_below(&records->rng, 2));
		break;
	}
	free(edges);
}

_Static_assert(sizeof(struct mmsb_derive) == 2 * sizeof(struct mmsb_edge), "as drawn above");

static void draw_page_delta(struct records *records)
{
	static const uint8_t ops[] = { MMSB_OP_CREATE, MMSB_OP_DESTROY, MMSB_OP_UNDERIVE, MMSB_OP_REFRESH };
	struct rng *rng = &records->rng;
	struct mmsb_delta_record *delta = delta_with(records, ops[rng_below(rng, 4)], "", 0, false);

	delta->sqe.len = delta->sqe.op == MMSB_OP_CREATE ? (uint32_t)rng_below(rng, MMSB_PAGE_MAX) : 0;
	delta->sqe.flags |= delta->sqe.op == MMSB_OP_CREATE ? MMSB_SQE_AT : rng_below(rng, 2) ? MMSB_SQE_DETACH : 0;
}

/* What the ABI has a place for, though no engine has a use. */
static void draw_odd(struct records *records)
{
	struct rng *rng = &records->rng;
	struct mmsb_delta_record *delta = delta_with(records, (uint8_t)rng_next(rng), "", 0, rng_below(rng, 2));

	rng_fill(rng, delta->sqe.operand, rng_below(rng, MMSB_INLINE_MAX + 1));
	delta->sqe.flags ^= (uint16_t)rng_next(rng) & ~MMSB_SQE_PAYLOAD;
	delta->sqe.lane = (uint8_t)rng_next(rng);
	delta->sqe.len = (uint32_t)draw_number(rng);
	delta->sqe.offset = draw_number(rng);
	delta->sqe.epoch = draw_number(rng);
	delta->sqe.user_data = draw_number(rng);
	delta->record.flags = (uint8_t)rng_next(rng);
}

static void draw_delta(struct records *records)
{
	uint64_t which = records->plain ? 0 : rng_below(&records->rng, 20);

	if (which < 12)
		draw_word(records);
	else if (which < 15)
		draw_bytes(records);
	else if (which < 17)
		draw_page_delta(records);
	else if (which < 19)
		draw_graph(records);
	else
		draw_odd(records);
}

/* ----------------------------------------------------------------------------------------------------------- states */

static void draw_hash(struct records *records, uint8_t type)
{
	struct mmsb_hash_record *state = make(records, type, sizeof(*state));
	struct rng *rng = &records->rng;

	records->time += rng_once_in(rng, 50) ? -rng_below(rng, 1000000) : rng_below(rng, 10000000);
	state->time = records->time;
	state->record.shard = (uint16_t)rng_below(rng, 3);
	if (!rng_below(rng, 4))
		return;
	state->record.flags = MMSB_RECORD_HASHED;
	rng_fill(rng, state->hash, sizeof(state->hash));
}

const struct mmsb_record *records_close(struct records *records)
{
	if (!records->deltas)
		return NULL;
	records->deltas = 0;
	draw_hash(records, MMSB_RECORD_TICK);
	return records->record;
}

static const struct mmsb_record *between_ticks(struct records *records)
{
	if (rng_once_in(&records->rng, 300) && !records->plain) {
		make(records, MMSB_RECORD_RESET, sizeof(struct mmsb_record));
		records->tick = 0;
	} else if (rng_once_in(&records->rng, 100) && !records->plain) {
		draw_hash(records, MMSB_RECORD_HASH);
	} else {
		return NULL;
	}
	return records->record;
}

const struct mmsb_record *records_next(struct records *records)
{
	struct rng *rng = &records->rng;

	if (!records->deltas && between_ticks(records))
		return records->record;
	if (records->deltas && rng_once_in(rng, records->per_tick))
		return records_close(records);
	if (!records->deltas++)
		records->tick += 1 + (rng_once_in(rng, 10) ? rng_below(rng, 1000) : 0);
	else if (rng_once_in(rng, 8) && !records->plain)
		return records->record;		/* the same once more */
	draw_delta(records);
	return records->record;
}

/* ----------------------------------------------------------------------------------------------------------- images */

const struct mmsb_record *records_image(struct records *records)
{
	struct rng *rng = &records->rng;
	size_t edges = rng_once_in(rng, 3) ? draw_edge_count(records) : 0, i;
	size_t before = edges ? sizeof(struct mmsb_derive) + edges * (sizeof(struct mmsb_edge) + sizeof(uint64_t)) : 0;
	uint32_t length = (uint32_t)rng_below(rng, rng_once_in(rng, 20) ? 100000 : 300);
	struct mmsb_image *image = make(records, MMSB_RECORD_IMAGE, sizeof(*image) + before + (length + 7) / 8 * 8);
	uint8_t *at = (uint8_t *)(image + 1);
	uint64_t seen;

	image->page = draw_page(records);
	image->epoch = draw_number(rng);
	image->tick = rng_below(rng, records->tick + 1);
	image->length = length;
	image->bytes = rng_below(rng, 2) ? length : 4096;
	image->offset = rng_once_in(rng, 5) ? draw_number(rng) : 0;
	image->height = (uint32_t)rng_below(rng, 4);
	image->edges = (uint32_t)edges;
	image->kind = (uint8_t)rng_below(rng, 3);
	image->flags = rng_once_in(rng, 5) ? (uint8_t)rng_next(rng) : 0;
	if (edges) {
		fill_derive(records, (struct mmsb_derive *)at, edges - rng_once_in(rng, 10));
		fill_edges(records, (struct mmsb_edge *)(at + sizeof(struct mmsb_derive)), edges);
	}
	for (i = 0; i < edges; i++) {
		seen = draw_number(rng);
		memcpy(at + before - (i + 1) * sizeof(seen), &seen, sizeof(seen));
	}
	rng_fill(rng, at + before, rng_below(rng, length + 1));
	return records->record;
}

/* --------------------------------------------------------------------------------------------------------- comparing */

bool records_same(const struct mmsb_record *told, const struct mmsb_record *read)
{
	const struct mmsb_words_record *words = (const struct mmsb_words_record *)told;
	const struct mmsb_word *word = words->words;
	struct mmsb_delta_record delta = { .record = *told };

	if (told->type != MMSB_RECORD_WORDS)
		return told->bytes == read->bytes && !memcmp(told, read, told->bytes);
	delta.record.bytes = sizeof(delta);
	delta.record.type = MMSB_RECORD_DELTA;
	delta.origin = words->origin;
	delta.sqe.op = word->op;
	delta.sqe.lane = word->lane;
	delta.sqe.len = word->len;
	delta.sqe.page = word->page;
	delta.sqe.offset = word->offset;
	delta.sqe.word[0] = word->word;
	return read->bytes == sizeof(delta) && !memcmp(&delta, read, sizeof(delta));
}
