// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries are made to be interesting rather than uniform: mostly valid ones on live pages with bytes of few values, so that
 * deltas often change nothing; some stale, beyond the end, huge; and now and then one with a field spoilt at random, which
 * the model judges like any other.
 */
#include "entries.h"

#define PAGE_CAP	(4u << 20)	/* no page beyond this: the model's comparisons must end some day */
#define PAGES_WANTED	64u

static const unsigned int widths[MMSB_LANE_LAST] = { 1, 2, 4, 8, 1, 2, 4, 8 };

/* ------------------------------------------------------------------------------------------------ pages and deltas */

/* Mostly of a page that lives. */
static uint64_t some_id(struct twin *twin)
{
	unsigned int tries = rng_once_in(&twin->rng, 20) ? 1 : 8;
	enum mmsb_reason reason;
	uint64_t id = 0;

	while (tries--) {
		id = twin->pool[rng_below(&twin->rng, TWIN_POOL)];
		if (model_find(&twin->model, id, &reason))
			break;
	}
	switch (rng_below(&twin->rng, 60)) {
	case 0:
		return rng_next(&twin->rng);
	case 1:
		return id + (1ull << 32);
	case 2:
		return id - (1ull << 32);
	case 3:
		return MMSB_PAGE_INDEX(id);
	case 4:
		return MMSB_PAGE_ID(1, ~0u - rng_below(&twin->rng, 3));
	}
	return id;
}

/* An id for a page to be made: few lines in many blocks, so that all shards get some and lines are used again. */
static uint64_t new_id(struct twin *twin)
{
	uint32_t index = rng_below(&twin->rng, 12) * 1024 + rng_below(&twin->rng, 5);
	uint64_t generation = twin->model.pages[index].generation;

	if (!generation || rng_once_in(&twin->rng, 20))
		generation += rng_below(&twin->rng, 3) + !generation;
	if (rng_once_in(&twin->rng, 500))
		generation = rng_next(&twin->rng);
	return MMSB_PAGE_ID(generation & 0xffffffff, index);
}

/* Derived pages are computed time and again, by a model that is in no hurry. */
static uint32_t page_size(struct rng *rng, bool graph)
{
	if (graph && !rng_once_in(rng, 400))
		return rng_once_in(rng, 2) ? 64u << rng_below(rng, 4) : 64 + rng_below(rng, rng_once_in(rng, 8) ? 9000 : 200);
	switch (rng_below(rng, 40)) {
	case 0:
		return 65536 + rng_below(rng, 300000);
	case 1:
		return rng_below(rng, 100);
	case 2: case 3: case 4:
		return 64 + rng_below(rng, 20000);
	}
	return rng_once_in(rng, 2) ? 64u << rng_below(rng, 5) : 64 + rng_below(rng, 700);
}

void twin_remember(struct twin *twin, uint64_t id)
{
	enum mmsb_reason reason;
	unsigned int slot = 0, tries = 8;

	while (tries--) {
		slot = rng_below(&twin->rng, TWIN_POOL);
		if (!model_find(&twin->model, twin->pool[slot], &reason))
			break;
	}
	twin->pool[slot] = id;
}

static void make_create(struct twin *twin, struct mmsb_sqe *sqe)
{
	sqe->op = MMSB_OP_CREATE;
	sqe->len = page_size(&twin->rng, twin->config.graph);
	if (!twin->config.named && !rng_once_in(&twin->rng, 3))
		return;
	sqe->flags = MMSB_SQE_AT;
	sqe->page = rng_once_in(&twin->rng, 30) ? some_id(twin) : new_id(twin);
	twin_remember(twin, sqe->page);
}

static uint32_t some_length(struct rng *rng, uint32_t size)
{
	uint32_t len;

	switch (rng_below(rng, 30)) {
	case 0:
		return rng_below(rng, size + 2);
	case 1:
		return rng_next(rng) >> rng_below(rng, 64);
	case 2: case 3: case 4: case 5:
		len = 1 + rng_below(rng, 5000);
		break;
	case 6: case 7: case 8: case 9:
		len = 1 + rng_below(rng, 300);
		break;
	default:
		len = 1 + rng_below(rng, 24);
	}
	return len < size ? len : size;
}

static uint64_t some_offset(struct rng *rng, uint32_t size, uint32_t len)
{
	switch (rng_below(rng, 60)) {
	case 0:
		return rng_next(rng) >> rng_below(rng, 64);
	case 1:
		return size + rng_below(rng, 3);
	}
	return len <= size ? rng_below(rng, size - len + 1) : 0;
}

/* Operand bytes: noise, bytes of few values, or what the page holds now. */
static void make_bytes(struct twin *twin, const struct model_page *page, uint64_t offset, uint8_t *to, size_t len)
{
	unsigned int kind = rng_below(&twin->rng, 5);
	size_t i;

	if (kind < 2 && page && offset <= page->size && len <= page->size - offset) {
		memcpy(to, page->bytes + offset, len);
		return;
	}
	rng_fill(&twin->rng, to, len);
	for (i = 0; kind < 4 && i < len; i++)
		to[i] &= 1;
}

static size_t make_mask(struct twin *twin, const struct mmsb_sqe *sqe, uint8_t *to)
{
	size_t bytes = ((size_t)sqe->len + 63) / 64 * 8, i, set = 0;

	rng_fill(&twin->rng, to, bytes);
	switch (rng_below(&twin->rng, 4)) {
	case 0:
		memset(to, 0, bytes);
		to[rng_below(&twin->rng, bytes + 1)] = 1;
		break;
	case 1:
		memset(to, 0xff, bytes);
	}
	for (i = 0; i < sqe->len; i++)
		set += to[i / 8] >> (i % 8) & 1;
	return bytes + (sqe->op == MMSB_OP_MASK ? sqe->len : set);
}

/* Writes the operand to `to` and returns its length, which is at most `room`; 0 if it has no place. */
static size_t make_operand(struct twin *twin, const struct mmsb_sqe *sqe, const struct model_page *page, uint8_t *to,
			   size_t room)
{
	size_t len = sqe->len, mask;

	if (room < 3 * len + 16)
		return 0;
	if (sqe->op == MMSB_OP_MASK || sqe->op == MMSB_OP_MASK_SPARSE) {
		mask = (len + 63) / 64 * 8;
		len = make_mask(twin, sqe, to);
		make_bytes(twin, page, sqe->offset, to + mask, len - mask);
		return len;
	}
	if (sqe->op == MMSB_OP_FILL || (sqe->flags & MMSB_SQE_SPLAT))
		len = widths[sqe->lane];
	make_bytes(twin, page, sqe->offset, to, len);
	if (sqe->op == MMSB_OP_CAS) {
		make_bytes(twin, NULL, 0, to + len, len);
		return 2 * len;
	}
	return len;
}

static void place_operand(struct twin *twin, uint8_t *payload, struct mmsb_sqe *sqe, const struct model_page *page)
{
	uint8_t *to = payload + twin->payload_used;
	size_t len = make_operand(twin, sqe, page, to, twin->payload_bytes - twin->payload_used);

	if (len <= MMSB_INLINE_MAX && (sqe->op == MMSB_OP_FILL || !rng_once_in(&twin->rng, 3))) {
		memcpy(sqe->operand, to, len);
		return;
	}
	sqe->flags |= MMSB_SQE_PAYLOAD;
	sqe->payload = twin->payload_used;
	twin->payload_used += (len + 7) / 8 * 8;
	if (rng_once_in(&twin->rng, 100))
		sqe->payload = rng_next(&twin->rng) >> rng_below(&twin->rng, 64);
}

static void make_delta(struct twin *twin, uint8_t *payload, struct mmsb_sqe *sqe)
{
	struct rng *rng = &twin->rng;
	enum mmsb_reason reason;
	struct model_page *page;
	uint32_t size, width = 1;

	sqe->op = MMSB_OP_SET + rng_below(rng, MMSB_OP_DERIVE - MMSB_OP_SET);
	sqe->page = some_id(twin);
	page = model_find(&twin->model, sqe->page, &reason);
	size = page ? page->size : 256;
	sqe->len = some_length(rng, size);
	sqe->offset = some_offset(rng, size, sqe->len);
	if (sqe->op >= MMSB_OP_FILL && sqe->op <= MMSB_OP_XOR) {
		sqe->lane = rng_below(rng, MMSB_LANE_LAST);
		width = widths[sqe->lane];
		if (sqe->op != MMSB_OP_FILL && rng_once_in(rng, 2))
			sqe->flags |= MMSB_SQE_SPLAT;
	}
	if (sqe->op == MMSB_OP_APPEND) {
		sqe->len = 1 + rng_below(rng, 40);
		width = 8;
	}
	if (!rng_once_in(rng, 30)) {
		sqe->offset -= sqe->offset % width;
		if (sqe->op != MMSB_OP_APPEND)
			sqe->len += width - 1 - (sqe->len + width - 1) % width;
	}
	place_operand(twin, payload, sqe, page);
	if (rng_once_in(rng, 8)) {
		sqe->flags |= MMSB_SQE_IF_EPOCH;
		sqe->epoch = page && !rng_once_in(rng, 3) ? page->epoch : rng_below(rng, 5);
	}
}

/* ---------------------------------------------------------------------------------------------------- of the graph */

/* Mostly of a source page, or there would be more cycles than edges. */
static uint64_t some_parent(struct twin *twin)
{
	unsigned int tries = rng_below(&twin->rng, 4);
	enum mmsb_reason reason;
	struct model_page *page;
	uint64_t id;

	do {
		id = some_id(twin);
		page = model_find(&twin->model, id, &reason);
	} while (tries-- && (!page || page->derived));
	return id;
}

static void make_edge(struct twin *twin, struct mmsb_edge *edge, bool weights)
{
	struct rng *rng = &twin->rng;

	memset(edge, 0, sizeof(*edge));
	edge->parent = some_parent(twin);
	if (rng_once_in(rng, 6))
		edge->type = 1 + rng_below(rng, 2);
	if (weights && edge->type != MMSB_EDGE_CONTROL)
		edge->weight = rng_once_in(rng, 4) ? rng_next(rng) : rng_below(rng, 4);
	if (!rng_once_in(rng, 60))
		return;
	edge->type = rng_below(rng, 5);
	edge->reserved = rng_once_in(rng, 3);
	edge->weight = rng_below(rng, 2);
}

static bool is_fold(uint32_t rule)
{
	return rule >= MMSB_RULE_ADD_MUL && rule <= MMSB_RULE_XOR_AND;
}

static void make_rule(struct twin *twin, struct mmsb_derive *how)
{
	struct rng *rng = &twin->rng;

	memset(how, 0, sizeof(*how));
	how->rule = rng_below(rng, MMSB_RULE_LAST);
	if (how->rule >= MMSB_RULE_ADD_MUL && how->rule < MMSB_RULE_HASH)
		how->lane = rng_below(rng, MMSB_RULE_LANE_LAST);
	if (how->rule == MMSB_RULE_SLICE) {
		how->param[0] = rng_below(rng, rng_once_in(rng, 4) ? 20000 : 100);
		how->param[1] = rng_once_in(rng, 2) ? rng_below(rng, 200) : 0;
	}
	how->flags = rng_once_in(rng, 4) ? MMSB_DERIVE_LAZY : 0;
	if (how->rule >= MMSB_RULE_ADD_MUL && how->rule <= MMSB_RULE_MAX_ADD && rng_once_in(rng, 2))
		how->flags |= MMSB_DERIVE_SATURATE;
	if (rng_once_in(rng, 30))
		((uint8_t *)how)[rng_below(rng, sizeof(*how))] ^= 1u << rng_below(rng, 8);
}

static uint32_t some_edges(struct rng *rng, uint32_t rule)
{
	if (rule == MMSB_RULE_COPY || rule == MMSB_RULE_SLICE)
		return 1 + rng_once_in(rng, 6);
	if (rng_once_in(rng, 10))
		return rng_below(rng, 30);
	return 1 + rng_below(rng, 4);
}

/* A NONE is for control edges alone. */
static void make_derive(struct twin *twin, uint8_t *to, struct mmsb_sqe *sqe)
{
	struct mmsb_derive *how = (void *)to;
	struct mmsb_edge *edge = (void *)(how + 1);
	uint32_t i;

	make_rule(twin, how);
	how->edges = some_edges(&twin->rng, how->rule);
	for (i = 0; i < how->edges; i++) {
		make_edge(twin, &edge[i], is_fold(how->rule));
		if (how->rule == MMSB_RULE_NONE && !rng_once_in(&twin->rng, 8))
			edge[i].type = MMSB_EDGE_CONTROL;
	}
	sqe->len = sizeof(*how) + how->edges * sizeof(*edge);
	if (rng_once_in(&twin->rng, 60))
		how->edges = rng_once_in(&twin->rng, 2) ? rng_next(&twin->rng) : how->edges + 1;
}

static void make_link(struct twin *twin, uint8_t *to, struct mmsb_sqe *sqe, const struct model_page *page)
{
	uint32_t n = 1 + (rng_once_in(&twin->rng, 3) ? rng_below(&twin->rng, 5) : 0), i;

	for (i = 0; i < n; i++)
		make_edge(twin, (struct mmsb_edge *)to + i, page && is_fold(page->how.rule));
	sqe->len = n * sizeof(struct mmsb_edge);
}

static void make_unlink(struct twin *twin, uint8_t *to, struct mmsb_sqe *sqe, const struct model_page *page)
{
	uint32_t n = 1 + (rng_once_in(&twin->rng, 3) ? rng_below(&twin->rng, 4) : 0), i;
	uint64_t *parent = (void *)to;

	for (i = 0; i < n; i++) {
		parent[i] = some_id(twin);
		if (page && page->derived && !rng_once_in(&twin->rng, 8))
			parent[i] = page->edges[rng_below(&twin->rng, page->how.edges)].parent;
	}
	sqe->len = n * sizeof(*parent);
}

static uint64_t some_derived(struct twin *twin)
{
	struct model *model = &twin->model;

	if (!model->derived_count || rng_once_in(&twin->rng, 10))
		return some_id(twin);
	return model_id(model, &model->pages[model->derived[rng_below(&twin->rng, model->derived_count)]]);
}

static void make_graph(struct twin *twin, uint8_t *payload, struct mmsb_sqe *sqe)
{
	static const uint8_t ops[] = { MMSB_OP_DERIVE, MMSB_OP_DERIVE, MMSB_OP_DERIVE, MMSB_OP_LINK, MMSB_OP_LINK, MMSB_OP_UNLINK,
				       MMSB_OP_UNLINK, MMSB_OP_REFRESH, MMSB_OP_REFRESH, MMSB_OP_UNDERIVE };
	uint8_t *to = payload + twin->payload_used;
	enum mmsb_reason reason;
	struct model_page *page;

	sqe->op = ops[rng_below(&twin->rng, sizeof(ops))];
	sqe->page = sqe->op == MMSB_OP_DERIVE ? some_parent(twin) : some_derived(twin);
	page = model_find(&twin->model, sqe->page, &reason);
	if (rng_once_in(&twin->rng, 10)) {
		sqe->flags |= MMSB_SQE_IF_EPOCH;
		sqe->epoch = page && !rng_once_in(&twin->rng, 3) ? page->epoch : rng_below(&twin->rng, 5);
	}
	if (sqe->op == MMSB_OP_REFRESH || sqe->op == MMSB_OP_UNDERIVE || twin->payload_bytes - twin->payload_used < 4096)
		return;
	if (sqe->op == MMSB_OP_DERIVE)
		make_derive(twin, to, sqe);
	else if (sqe->op == MMSB_OP_LINK)
		make_link(twin, to, sqe, page);
	else
		make_unlink(twin, to, sqe, page);
	if (sqe->len <= MMSB_INLINE_MAX && rng_once_in(&twin->rng, 2)) {
		memcpy(sqe->operand, to, sqe->len);
		return;
	}
	sqe->flags |= MMSB_SQE_PAYLOAD;
	sqe->payload = twin->payload_used;
	twin->payload_used += (sqe->len + 7) / 8 * 8;
}

/* ------------------------------------------------------------------------------------------------------ of all kinds */

/* Zero cursors, or no APPEND would ever find a good one. */
static void make_cursor(struct twin *twin, struct mmsb_sqe *sqe)
{
	sqe->op = MMSB_OP_FILL;
	sqe->lane = MMSB_LANE_U64;
	sqe->len = 64;
	sqe->page = some_id(twin);
}

/* One field of the entry becomes anything. */
static void spoil(struct twin *twin, struct mmsb_sqe *sqe)
{
	struct rng *rng = &twin->rng;
	uint64_t bit = 1ull << rng_below(rng, 64);

	switch (rng_below(rng, 9)) {
	case 0:
		sqe->op = rng_once_in(rng, 3) ? rng_next(rng) : rng_below(rng, MMSB_OP_LAST);
		break;
	case 1:
		sqe->lane ^= 1u << rng_below(rng, 8);
		break;
	case 2: case 3:
		sqe->flags ^= 1u << rng_below(rng, rng_once_in(rng, 3) ? 16 : 6);
		break;
	case 4:
		sqe->len ^= 1u << rng_below(rng, 32);
		break;
	case 5:
		sqe->page ^= bit;
		break;
	case 6:
		sqe->offset ^= bit;
		break;
	case 7:
		sqe->epoch ^= bit;
		break;
	default:
		sqe->word[rng_below(rng, 3)] ^= bit;
	}
}

/* What the model cannot foresee or afford is made into a plain error. */
static void bound(struct twin *twin, struct mmsb_sqe *sqe)
{
	uint32_t index = MMSB_PAGE_INDEX(sqe->page);

	if (index >= TWIN_INDICES && index < (1u << 24))
		sqe->page |= 1u << 31;
	if (sqe->op != MMSB_OP_CREATE)
		return;
	if (sqe->len > PAGE_CAP)
		sqe->len |= MMSB_PAGE_MAX | 1;
	if (sqe->flags & MMSB_SQE_AT)
		return;
	sqe->flags &= ~MMSB_SQE_QUIET;
	if (twin->config.named && !sqe->page)
		sqe->page = 1;
}

void twin_entry(struct twin *twin, uint8_t *payload, struct mmsb_sqe *sqe)
{
	struct rng *rng = &twin->rng;
	unsigned int kind = rng_below(rng, 100);

	memset(sqe, 0, sizeof(*sqe));
	if (kind < 6 && twin->model.alive < PAGES_WANTED) {
		make_create(twin, sqe);
	} else if (kind < 9) {
		sqe->op = MMSB_OP_DESTROY;
		sqe->page = some_id(twin);
		if (twin->config.graph && rng_once_in(rng, 2))
			sqe->flags |= MMSB_SQE_DETACH;
	} else if (kind < 12) {
		sqe->op = kind < 10 ? MMSB_OP_FENCE : MMSB_OP_NOP;
	} else if (kind < 16) {
		make_cursor(twin, sqe);
	} else if (twin->config.graph && kind < 40 && (kind < 24 || twin->model.derived_count < twin->model.alive / 2)) {
		make_graph(twin, payload, sqe);
	} else {
		make_delta(twin, payload, sqe);
	}
	if (rng_once_in(rng, 6))
		sqe->flags |= MMSB_SQE_QUIET;
	if (rng_once_in(rng, 20))
		spoil(twin, sqe);
	bound(twin, sqe);
	if (twin_may_be_cut(&twin->config))
		sqe->flags &= ~MMSB_SQE_QUIET;
}
