// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every rule stands here once and in the order in which it is checked: first what can be said from the entry alone, then
 * what depends on the page. Bytes are moved one at a time. A page's epoch rises by one if any byte came out different.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <mmsb/history.h>
#include "model.h"

#define REASON_ERRNO(name, err, text) [MMSB_REASON_##name] = (err),
static const int errnos[MMSB_REASON_LAST] = { MMSB_REASONS(REASON_ERRNO) };
#undef REASON_ERRNO

int model_errno(enum mmsb_reason reason)
{
	return -errnos[reason];
}

/* How many bytes of operand an operation takes for `len` bytes of page. */
enum operand { NOTHING, BYTES, TWICE, MASK_AND_BYTES, MASK_AND_PACKED, LANES, ONE_LANE };

#define Q MMSB_SQE_QUIET
#define E MMSB_SQE_IF_EPOCH
#define P MMSB_SQE_PAYLOAD
static const struct shape {
	uint16_t flags;		/* that it may carry */
	enum operand operand;
} shapes[MMSB_OP_LAST] = {
	[MMSB_OP_NOP]		= { Q, NOTHING },
	[MMSB_OP_FENCE]		= { Q, NOTHING },
	[MMSB_OP_CREATE]	= { Q | MMSB_SQE_AT, NOTHING },
	[MMSB_OP_DESTROY]	= { Q | E | MMSB_SQE_DETACH, NOTHING },
	[MMSB_OP_SET]		= { Q | E | P, BYTES },
	[MMSB_OP_MASK]		= { Q | E | P, MASK_AND_BYTES },
	[MMSB_OP_MASK_SPARSE]	= { Q | E | P, MASK_AND_PACKED },
	[MMSB_OP_FILL]		= { Q | E | P, ONE_LANE },
	[MMSB_OP_ADD]		= { Q | E | P | MMSB_SQE_SPLAT, LANES },
	[MMSB_OP_SUB]		= { Q | E | P | MMSB_SQE_SPLAT, LANES },
	[MMSB_OP_MIN]		= { Q | E | P | MMSB_SQE_SPLAT, LANES },
	[MMSB_OP_MAX]		= { Q | E | P | MMSB_SQE_SPLAT, LANES },
	[MMSB_OP_AND]		= { Q | E | P | MMSB_SQE_SPLAT, LANES },
	[MMSB_OP_OR]		= { Q | E | P | MMSB_SQE_SPLAT, LANES },
	[MMSB_OP_XOR]		= { Q | E | P | MMSB_SQE_SPLAT, LANES },
	[MMSB_OP_CAS]		= { Q | E | P, TWICE },
	[MMSB_OP_APPEND]	= { Q | E | P, BYTES },
	[MMSB_OP_DERIVE]	= { Q | E | P, BYTES },
	[MMSB_OP_UNDERIVE]	= { Q | E, NOTHING },
	[MMSB_OP_LINK]		= { Q | E | P, BYTES },
	[MMSB_OP_UNLINK]	= { Q | E | P, BYTES },
	[MMSB_OP_REFRESH]	= { Q | E, NOTHING },
	[MMSB_OP_TICK]		= { Q, NOTHING },
	[MMSB_OP_LOAD]		= { Q | P, BYTES },
	[MMSB_OP_WORDS]		= { Q | P, BYTES },
};
#undef Q
#undef E
#undef P

static uint64_t lane_bytes(uint8_t lane)
{
	return 1ull << (lane & 3);
}

static bool lane_signed(uint8_t lane)
{
	return lane >= MMSB_LANE_I8;
}

static bool mask_bit(const uint8_t *mask, uint64_t i)
{
	return mask[i / 8] >> (i % 8) & 1;
}

static uint64_t mask_bytes(uint64_t len)
{
	return (len + 63) / 64 * 8;
}

/* ---------------------------------------------------------------------------------------- from the entry alone */

static bool is_graph(const struct mmsb_sqe *sqe)
{
	return sqe->op >= MMSB_OP_DERIVE && sqe->op <= MMSB_OP_REFRESH;
}

/* For replay rings only. */
static bool is_bulk(const struct mmsb_sqe *sqe)
{
	return sqe->op == MMSB_OP_LOAD || sqe->op == MMSB_OP_WORDS;
}

static bool has_lane(const struct mmsb_sqe *sqe)
{
	return shapes[sqe->op].operand == LANES || shapes[sqe->op].operand == ONE_LANE;
}

static bool unused_fields_are_zero(const struct mmsb_sqe *sqe)
{
	bool touches_bytes = shapes[sqe->op].operand != NOTHING;

	if (!has_lane(sqe) && sqe->lane)
		return false;
	if (!(sqe->flags & MMSB_SQE_IF_EPOCH) && sqe->epoch)
		return false;
	if ((sqe->flags & MMSB_SQE_PAYLOAD) && (sqe->word[1] || sqe->word[2]))
		return false;
	if (!touches_bytes && (sqe->word[0] || sqe->word[1] || sqe->word[2]))
		return false;
	if (!touches_bytes && sqe->offset && sqe->op != MMSB_OP_TICK)
		return false;
	if (!touches_bytes && sqe->op != MMSB_OP_CREATE && sqe->len)
		return false;
	if ((sqe->op <= MMSB_OP_FENCE || sqe->op >= MMSB_OP_TICK) && sqe->page)
		return false;
	if (sqe->op == MMSB_OP_CREATE && !(sqe->flags & MMSB_SQE_AT) && sqe->page)
		return false;
	return true;
}

/* Bytes of operand, from `have` bytes of it at `operand`; more than `have` if a mask alone does not fit. */
static uint64_t operand_bytes(const struct mmsb_sqe *sqe, const uint8_t *operand, uint64_t have)
{
	uint64_t need = mask_bytes(sqe->len), i;

	switch (shapes[sqe->op].operand) {
	case NOTHING:
		return 0;
	case BYTES:
		return sqe->len;
	case TWICE:
		return 2ull * sqe->len;
	case MASK_AND_BYTES:
		return need + sqe->len;
	case MASK_AND_PACKED:
		if (need > have)
			return need;
		for (i = 0; i < sqe->len; i++)
			need += mask_bit(operand, i);
		return need;
	case LANES:
		return sqe->flags & MMSB_SQE_SPLAT ? lane_bytes(sqe->lane) : sqe->len;
	case ONE_LANE:
		return lane_bytes(sqe->lane);
	}
	abort();
}

static enum mmsb_reason check_length(const struct mmsb_sqe *sqe)
{
	if (sqe->op == MMSB_OP_CREATE)
		return sqe->len < MMSB_PAGE_MIN || sqe->len > MMSB_PAGE_MAX ? MMSB_REASON_BAD_SIZE : MMSB_REASON_NONE;
	if (is_graph(sqe))
		return model_graph_length(sqe);
	if (shapes[sqe->op].operand == NOTHING)
		return MMSB_REASON_NONE;
	if (is_bulk(sqe) && sqe->offset)
		return MMSB_REASON_BAD_RESERVED;
	if (sqe->op == MMSB_OP_WORDS && sqe->len > MMSB_WORDS_MAX)
		return MMSB_REASON_TOO_LONG;
	if (!sqe->len || (is_bulk(sqe) && sqe->len % (sqe->op == MMSB_OP_LOAD ? 8 : sizeof(struct mmsb_word))))
		return MMSB_REASON_BAD_LENGTH;
	if (is_bulk(sqe))
		return MMSB_REASON_NONE;
	if (sqe->len > MMSB_DELTA_MAX)
		return MMSB_REASON_TOO_LONG;
	if (has_lane(sqe) && (sqe->offset % lane_bytes(sqe->lane) || sqe->len % lane_bytes(sqe->lane)))
		return MMSB_REASON_BAD_ALIGN;
	if (sqe->op == MMSB_OP_APPEND && sqe->offset % 8)
		return MMSB_REASON_BAD_ALIGN;
	return MMSB_REASON_NONE;
}

static enum mmsb_reason check_operand(const struct mmsb_sqe *sqe, const uint8_t *payload, uint64_t payload_bytes,
				      const uint8_t **operand)
{
	uint64_t have;

	if (!(sqe->flags & MMSB_SQE_PAYLOAD)) {
		*operand = sqe->operand;
		if (operand_bytes(sqe, sqe->operand, MMSB_INLINE_MAX) > MMSB_INLINE_MAX)
			return MMSB_REASON_BAD_LENGTH;
		return MMSB_REASON_NONE;
	}
	if (sqe->payload % 8)
		return MMSB_REASON_BAD_ALIGN;
	if (sqe->payload > payload_bytes)
		return MMSB_REASON_OUT_OF_PAYLOAD;
	*operand = payload + sqe->payload;
	have = payload_bytes - sqe->payload;
	if (operand_bytes(sqe, *operand, have) > have)
		return MMSB_REASON_OUT_OF_PAYLOAD;
	return MMSB_REASON_NONE;
}

static enum mmsb_reason check_entry(const struct mmsb_sqe *sqe, const uint8_t *payload, uint64_t payload_bytes,
				    const uint8_t **operand)
{
	enum mmsb_reason reason;

	if (sqe->op >= MMSB_OP_LAST)
		return MMSB_REASON_BAD_OP;
	if (sqe->flags & ~(shapes[sqe->op].flags | MMSB_SQE_DURABLE))
		return MMSB_REASON_BAD_FLAGS;
	if (has_lane(sqe) && sqe->lane >= MMSB_LANE_LAST)
		return MMSB_REASON_BAD_LANE;
	if (!unused_fields_are_zero(sqe))
		return MMSB_REASON_BAD_RESERVED;
	reason = check_length(sqe);
	if (!reason)
		reason = check_operand(sqe, payload, payload_bytes, operand);
	if (!reason && (sqe->flags & MMSB_SQE_DURABLE))
		reason = MMSB_REASON_NO_LOG;
	return reason;
}

/* ------------------------------------------------------------------------------------------------- on a page */

struct model_page *model_find(struct model *model, uint64_t id, enum mmsb_reason *reason)
{
	uint32_t index = MMSB_PAGE_INDEX(id), generation = MMSB_PAGE_GENERATION(id);
	struct model_page *page;

	*reason = MMSB_REASON_NO_PAGE;
	if (!generation || index >= model->max_pages)
		return NULL;
	page = &model->pages[index];
	if (page->alive && generation == page->generation)
		return page;
	if (generation < page->generation)
		*reason = MMSB_REASON_STALE_PAGE;
	return NULL;
}

static enum mmsb_reason create(struct model *model, uint64_t id, uint32_t size)
{
	uint32_t index = MMSB_PAGE_INDEX(id), generation = MMSB_PAGE_GENERATION(id);
	struct model_page *page;

	if (!generation || index >= model->max_pages)
		return MMSB_REASON_NO_PAGE;
	page = &model->pages[index];
	if (page->alive)
		return MMSB_REASON_PAGE_EXISTS;
	if (page->generation > UINT32_MAX && generation == UINT32_MAX)
		return MMSB_REASON_GENERATIONS_SPENT;
	if (generation < page->generation)
		return MMSB_REASON_STALE_PAGE;
	page->bytes = calloc(1, size);
	if (!page->bytes)
		return MMSB_REASON_NO_MEMORY;
	page->alive = true;
	page->generation = generation;
	page->size = size;
	page->epoch = 0;
	model->alive++;
	return MMSB_REASON_NONE;
}

static void destroy(struct model *model, struct model_page *page)
{
	free(page->bytes);
	page->bytes = NULL;
	page->alive = false;
	page->generation++;
	model->alive--;
}

static uint64_t load_lane(const uint8_t *at, uint8_t lane)
{
	uint64_t value = 0, i, n = lane_bytes(lane);

	for (i = 0; i < n; i++)
		value |= (uint64_t)at[i] << (8 * i);
	if (lane_signed(lane) && n < 8 && (at[n - 1] & 0x80))
		value |= ~0ull << (8 * n);
	return value;
}

static void store_lane(uint8_t *at, uint8_t lane, uint64_t value)
{
	uint64_t i;

	for (i = 0; i < lane_bytes(lane); i++)
		at[i] = value >> (8 * i);
}

static bool lane_less(uint64_t a, uint64_t b, uint8_t lane)
{
	return lane_signed(lane) ? (int64_t)a < (int64_t)b : a < b;
}

static uint64_t combine(uint8_t op, uint8_t lane, uint64_t a, uint64_t b)
{
	switch (op) {
	case MMSB_OP_ADD:
		return a + b;
	case MMSB_OP_SUB:
		return a - b;
	case MMSB_OP_MIN:
		return lane_less(b, a, lane) ? b : a;
	case MMSB_OP_MAX:
		return lane_less(a, b, lane) ? b : a;
	case MMSB_OP_AND:
		return a & b;
	case MMSB_OP_OR:
		return a | b;
	case MMSB_OP_XOR:
		return a ^ b;
	}
	return b;		/* FILL */
}

static void apply_lanes(const struct mmsb_sqe *sqe, const uint8_t *operand, uint8_t *to)
{
	bool one = sqe->op == MMSB_OP_FILL || (sqe->flags & MMSB_SQE_SPLAT);
	uint64_t i, n = lane_bytes(sqe->lane);

	for (i = 0; i < sqe->len; i += n)
		store_lane(to + i, sqe->lane, combine(sqe->op, sqe->lane, load_lane(to + i, sqe->lane),
						      load_lane(operand + (one ? 0 : i), sqe->lane)));
}

static void apply_mask(const struct mmsb_sqe *sqe, const uint8_t *operand, uint8_t *to)
{
	const uint8_t *bytes = operand + mask_bytes(sqe->len);
	uint64_t i, packed = 0;

	for (i = 0; i < sqe->len; i++) {
		if (!mask_bit(operand, i))
			continue;
		to[i] = bytes[sqe->op == MMSB_OP_MASK ? i : packed];
		packed++;
	}
}

static enum mmsb_reason apply_append(const struct mmsb_sqe *sqe, const uint8_t *operand, struct model_page *page)
{
	uint64_t area = page->size - sqe->offset - 8;
	uint64_t cursor = load_lane(page->bytes + sqe->offset, MMSB_LANE_U64);

	if (cursor > area)
		return MMSB_REASON_APPEND_CURSOR;
	if (sqe->len > area - cursor)
		return MMSB_REASON_APPEND_FULL;
	memcpy(page->bytes + sqe->offset + 8 + cursor, operand, sqe->len);
	store_lane(page->bytes + sqe->offset, MMSB_LANE_U64, cursor + sqe->len);
	page->epoch++;
	return MMSB_REASON_NONE;
}

static bool fits(const struct mmsb_sqe *sqe, const struct model_page *page)
{
	uint64_t need = sqe->op == MMSB_OP_APPEND ? 8 : sqe->len;

	return sqe->offset <= page->size && need <= page->size - sqe->offset;
}

static enum mmsb_reason apply_bytes(const struct mmsb_sqe *sqe, const uint8_t *operand, struct model_page *page,
				    uint16_t *flags)
{
	uint8_t *to, *before;

	if (!fits(sqe, page))
		return MMSB_REASON_OUT_OF_PAGE;
	if (sqe->op == MMSB_OP_APPEND)
		return apply_append(sqe, operand, page);
	to = page->bytes + sqe->offset;
	if (sqe->op == MMSB_OP_CAS && memcmp(to, operand, sqe->len))
		return MMSB_REASON_BYTES_DIFFER;

	before = malloc(sqe->len);
	memcpy(before, to, sqe->len);
	if (has_lane(sqe))
		apply_lanes(sqe, operand, to);
	else if (sqe->op == MMSB_OP_MASK || sqe->op == MMSB_OP_MASK_SPARSE)
		apply_mask(sqe, operand, to);
	else
		memcpy(to, operand + (sqe->op == MMSB_OP_CAS ? sqe->len : 0), sqe->len);
	if (memcmp(before, to, sqe->len))
		page->epoch++;
	else
		*flags |= MMSB_CQE_UNCHANGED;
	free(before);
	return MMSB_REASON_NONE;
}

static enum mmsb_reason apply_page(struct model *model, const struct mmsb_sqe *sqe, const uint8_t *operand, uint64_t given,
				   struct model_result *result)
{
	enum mmsb_reason reason;
	struct model_page *page = model_find(model, sqe->page, &reason);

	if (!page)
		return reason;
	result->epoch = page->epoch;
	if ((sqe->flags & MMSB_SQE_IF_EPOCH) && sqe->epoch != page->epoch)
		return MMSB_REASON_EPOCH_DIFFERS;
	if (sqe->op == MMSB_OP_DESTROY) {
		reason = model_let_go(model, page, sqe->flags & MMSB_SQE_DETACH);
		if (reason)
			return reason;
		destroy(model, page);
		result->epoch = 0;
		return MMSB_REASON_NONE;
	}
	if (is_graph(sqe))
		return model_graph_apply(model, page, sqe, operand, given, result);
	if (page->derived)
		return MMSB_REASON_IS_DERIVED;
	reason = apply_bytes(sqe, operand, page, &result->flags);
	result->epoch = page->epoch;
	return reason;
}

static enum mmsb_reason apply_create(struct model *model, const struct mmsb_sqe *sqe, uint64_t given,
				     struct model_result *result)
{
	uint64_t id = sqe->flags & MMSB_SQE_AT ? sqe->page : given;
	enum mmsb_reason reason = create(model, id, sqe->len);

	if (!reason) {
		result->epoch = id;
		result->flags = MMSB_CQE_CREATED;
	}
	return reason;
}

struct model_result model_apply(struct model *model, const struct mmsb_sqe *sqe, const uint8_t *payload,
				uint64_t payload_bytes, uint64_t given)
{
	struct model_result result = {};
	const uint8_t *operand = NULL;

	result.reason = check_entry(sqe, payload, payload_bytes, &operand);
	if (!result.reason && sqe->op == MMSB_OP_CREATE)
		result.reason = apply_create(model, sqe, given, &result);
	else if (!result.reason && sqe->op >= MMSB_OP_TICK)
		result.reason = MMSB_REASON_NOT_REPLAYING;	/* the model knows no other rings */
	else if (!result.reason && sqe->op > MMSB_OP_FENCE)
		result.reason = apply_page(model, sqe, operand, given, &result);
	result.result = model_errno(result.reason);
	result.silent = !result.reason && (sqe->flags & MMSB_SQE_QUIET);
	return result;
}

/* --------------------------------------------------------------------------------------------------------- life */

void model_init(struct model *model, uint32_t max_pages)
{
	model->max_pages = max_pages;
	model->alive = 0;
	model->pages = calloc(max_pages, sizeof(*model->pages));
	model->derived = calloc(max_pages, sizeof(*model->derived));
	model->derived_count = 0;
	model->asks = NULL;
	model->asks_count = 0;
	model->heights_known = false;
	model->recomputed = model->cut = 0;
}

void model_reset(struct model *model)
{
	uint32_t max_pages = model->max_pages;

	model_free(model);
	model_init(model, max_pages);
}

void model_free(struct model *model)
{
	uint32_t i;

	for (i = 0; i < model->max_pages; i++) {
		free(model->pages[i].bytes);
		free(model->pages[i].edges);
	}
	free(model->pages);
	free(model->derived);
	free(model->asks);
}
