// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer's way into images. Each few bytes of the input stand for an image that is nearly right, for bytes that are no image at all, or
 * for a delta in between; several images go into one operand. Whatever was taken in, the space must be whole afterwards: its incremental
 * hash is the recomputed one, every page is one higher than its highest parent, and what a capture tells of it gives the same space again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine.h"
#include "node.h"

#define PAYLOAD_BYTES	(256u << 10)
#define LINES		12288u		/* of the directory, of either side */
#define PAGES		24u
#define STEPS_MAX	64u

#define MUST(cond) do {								\
	if (!(cond)) {								\
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);	\
		abort();							\
	}									\
} while (0)

struct side {
	struct ms_space *space;
	struct ms_ring *ring;
	struct mmsb_ring_client *client;
	struct mmsb_sqe *sqes;
	struct mmsb_ring_engine *engine;
	struct mmsb_cqe *cqes;
	uint8_t *payload;
};

static struct side one, other;

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t byte(struct input *input)
{
	if (!input->left)
		return 0;
	input->left--;
	return *input->at++;
}

static void side_open(struct side *side, u32 shards)
{
	const struct ms_space_config config = {
		.shards = shards, .max_rings = 4, .max_pages = LINES / shards, .max_bytes = 64u << 20, .hash = true,
	};
	struct ms_ring_config ring_config = { .sq_entries = 1, .cq_entries = 1, .payload_bytes = PAYLOAD_BYTES, .replay = true };

	MUST(!ms_space_create(&config, &side->space));
	MUST(!ms_ring_config_round(&ring_config));
	MUST(!ms_ring_create(side->space, &ring_config, &side->ring));
	side->client = pf_shared_ptr(ms_ring_client_area(side->ring));
	side->sqes = (void *)((uint8_t *)side->client + MMSB_RING_HEADER);
	side->payload = (uint8_t *)side->client + ms_ring_payload_offset(side->ring);
	side->engine = pf_shared_ptr(ms_ring_engine_area(side->ring));
	side->cqes = (void *)((uint8_t *)side->engine + MMSB_RING_HEADER);
}

static enum mmsb_reason run(struct side *side, const struct mmsb_sqe *sqe)
{
	*side->sqes = *sqe;
	side->client->sq_tail++;
	MUST(!ms_ring_enter(side->ring, 0, 0));
	MUST(side->engine->sq_head == side->client->sq_tail && side->engine->cq_tail == side->client->cq_head + 1);
	side->client->cq_head++;
	return side->cqes->reason;
}

#define RUN(side, ...) run(side, &(const struct mmsb_sqe){ __VA_ARGS__ })

/* ------------------------------------------------------------------------------------------------------------ inputs */

static u64 some_page(struct input *input)
{
	uint8_t n = byte(input);
	u32 index = (n % PAGES) % 3 * 1024 + n % PAGES;

	return MMSB_PAGE_ID(n < 0xf0 ? 1 : n - 0xee, n == 0xff ? ~0u : index);
}

static u32 some_size(struct input *input)
{
	static const u32 sizes[8] = { 64, 64, 65, 200, 4100, 70000, 200000, 63 };

	return sizes[byte(input) & 7];
}

static u64 put_edges(struct input *input, struct mmsb_image *image)
{
	struct mmsb_derive *derive = (void *)(image + 1);
	struct mmsb_edge *edge = (void *)(derive + 1);
	uint8_t what = byte(input);
	u64 *seen;
	u32 i;

	image->edges = 1 + (what & 3);
	*derive = (struct mmsb_derive){ .rule = MMSB_RULE_CONCAT + (what >> 2 & 7), .edges = image->edges };
	if (derive->rule > MMSB_RULE_CONCAT && derive->rule < MMSB_RULE_HASH)
		derive->lane = what >> 5;
	derive->flags = what == 0xe0 ? MMSB_DERIVE_LAZY : 0;
	seen = (u64 *)(edge + image->edges);
	for (i = 0; i < image->edges; i++) {
		edge[i] = (struct mmsb_edge){ .parent = some_page(input), .type = byte(input) & 7 ? 0 : MMSB_EDGE_CONTROL };
		seen[i] = byte(input);
	}
	image->flags = byte(input) & (MMSB_IMAGE_STALE | MMSB_IMAGE_BEHIND | MMSB_IMAGE_SUSPECT);
	return sizeof(*derive) + image->edges * (sizeof(*edge) + sizeof(u64));
}

/* Of the page's bytes all, or, of a large one, a piece. */
static u64 put_bytes(struct input *input, struct mmsb_image *image, uint8_t *to)
{
	u64 i;

	image->offset = image->bytes > 65536 ? byte(input) % 3 * 65536 : 0;
	image->length = image->bytes - image->offset > 65536 ? 65536 : (u32)(image->bytes - image->offset);
	for (i = 0; i < image->length; i += 509)
		to[i] = byte(input);
	return ((u64)image->length + 7) & ~7ull;
}

static u64 put_image(struct input *input, uint8_t *to)
{
	struct mmsb_image *image = (void *)to;
	uint8_t what = byte(input), spoil = byte(input);
	u64 edges = 0;

	memset(to, 0, 80000);
	image->record.type = MMSB_RECORD_IMAGE;
	image->page = some_page(input);
	image->epoch = byte(input) & 3;
	image->record.bytes = sizeof(*image);
	if (what & 7) {
		image->kind = what & 8 ? MMSB_KIND_DERIVED : MMSB_KIND_SOURCE;
		image->bytes = some_size(input);
		if (what & 8)
			edges = put_edges(input, image);
		if (what & 16 && edges)
			image->flags |= MMSB_IMAGE_EDGES;
		else
			image->record.bytes += put_bytes(input, image, to + sizeof(*image) + edges);
	}
	image->record.bytes += (u32)edges;
	if (spoil >= 0xe0)
		to[byte(input) % (sizeof(*image) + edges)] ^= 1 << (spoil & 7);
	return sizeof(*image) + edges + ((image->length + 7ul) & ~7ul);
}

static void load(struct input *input)
{
	u32 n = 1 + byte(input) % 6;
	u64 used = 0;

	while (n-- && used < PAYLOAD_BYTES - 80000)
		used += put_image(input, one.payload + used);
	if (used > PAYLOAD_BYTES)
		used = PAYLOAD_BYTES;
	RUN(&one, .op = MMSB_OP_LOAD, .flags = MMSB_SQE_PAYLOAD, .len = (u32)used);
}

static void load_noise(struct input *input)
{
	u64 n = byte(input) * 8ull, i;

	for (i = 0; i < n; i++)
		one.payload[i] = byte(input);
	RUN(&one, .op = MMSB_OP_LOAD, .flags = MMSB_SQE_PAYLOAD, .len = (u32)n);
}

static void delta(struct input *input)
{
	uint8_t what = byte(input);

	switch (what & 3) {
	case 0:
		RUN(&one, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = some_page(input), .len = 64);
		break;
	case 1:
		RUN(&one, .op = MMSB_OP_DESTROY, .flags = what & 4 ? MMSB_SQE_DETACH : 0, .page = some_page(input));
		break;
	case 2:
		RUN(&one, .op = what & 4 ? MMSB_OP_REFRESH : MMSB_OP_UNDERIVE, .page = some_page(input));
		break;
	default:
		RUN(&one, .op = MMSB_OP_ADD, .lane = MMSB_LANE_U8, .page = some_page(input), .offset = what >> 2, .len = 1, .word = { 1 });
	}
}

/* ---------------------------------------------------------------------------------------------------------- comparing */

static void hash_of(struct side *side, u64 hash[2])
{
	u64 fresh[2], tick;
	bool off;

	MUST(!ms_space_hash(side->space, 0, hash, &tick, &off) && !off);
	MUST(!ms_space_hash(side->space, MMSB_HASH_RECOMPUTE, fresh, &tick, &off));
	MUST(hash[0] == fresh[0] && hash[1] == fresh[1]);
}

static void check_heights(void)
{
	u32 index, i;

	for (index = 0; index < one.space->lines; index++) {
		const struct ms_node *node = ms_node_find(one.space, index);
		u32 height = 0;

		for (i = 0; node && node->derivation && i < node->derivation->edges; i++) {
			u32 below = ms_node_at(one.space, node->derivation->edge[i].parent)->height;

			height = height > below + 1 ? height : below + 1;
		}
		MUST(!node || node->height == height);
	}
}

/* Lines first, derivations behind them; the engine sees to the order among these. */
static void capture_into(bool edges)
{
	const struct mmsb_record *record;
	struct mmsb_history_open_args args = { .flags = MMSB_HISTORY_COMPACT };
	struct ms_history *history;
	enum mmsb_reason reason;
	u64 tick;

	MUST(!ms_history_open(one.space, &args, &history) && !ms_history_capture(history, 0, &tick));
	while (!ms_history_next(history, &record) && record) {
		struct mmsb_image *image = (void *)other.payload;

		if (record->type != MMSB_RECORD_IMAGE)
			continue;
		memcpy(image, record, record->bytes);
		if (edges && !image->edges)
			continue;
		image->flags |= edges ? MMSB_IMAGE_EDGES : 0;
		reason = RUN(&other, .op = MMSB_OP_LOAD, .flags = MMSB_SQE_PAYLOAD, .len = record->bytes);
		if (reason)
			fprintf(stderr, "page %llx, kind %u, %u bytes: reason %d\n", image->page, image->kind, image->bytes, reason);
		MUST(!reason);
	}
	ms_history_close(history);
}

static void compare_captured(void)
{
	u64 hash[2], again[2];

	hash_of(&one, hash);
	MUST(!RUN(&other, .op = MMSB_OP_TICK, .offset = 1000));
	capture_into(false);
	capture_into(true);
	MUST(!RUN(&other, .op = MMSB_OP_TICK));
	hash_of(&other, again);
	MUST(hash[0] == again[0] && hash[1] == again[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	unsigned int i;

	if (!one.space) {
		side_open(&one, 3);
		side_open(&other, 1);
	}
	MUST(!RUN(&one, .op = MMSB_OP_TICK, .offset = 1));
	for (i = 0; i < STEPS_MAX && input.left; i++) {
		uint8_t what = byte(&input);

		if (what < 0xa0)
			load(&input);
		else if (what < 0xb0)
			load_noise(&input);
		else if (what < 0xd0)
			MUST(!RUN(&one, .op = MMSB_OP_TICK, .offset = 2 + i));
		else
			delta(&input);
	}
	MUST(!RUN(&one, .op = MMSB_OP_TICK));
	check_heights();
	compare_captured();
	MUST(!ms_space_reset(one.space) && !ms_space_reset(other.space));
	return 0;
}
