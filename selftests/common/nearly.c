// SPDX-License-Identifier: GPL-2.0-only
#include "nearly.h"

static uint64_t some_page(const struct nearly *nearly, struct rng *rng)
{
	return nearly->page[rng_below(rng, nearly->pages)];
}

static struct mmsb_derive *slot_at(const struct nearly *nearly, unsigned int slot)
{
	return (struct mmsb_derive *)(nearly->payload + slot * NEARLY_SLOT);
}

static bool rule_has_weights(uint32_t rule)
{
	return rule >= MMSB_RULE_ADD_MUL && rule <= MMSB_RULE_XOR_AND;
}

static struct mmsb_edge right_edge(const struct nearly *nearly, struct rng *rng, uint32_t rule)
{
	struct mmsb_edge edge = { .parent = some_page(nearly, rng), .type = rng_once_in(rng, 8) ? MMSB_EDGE_CONTROL : MMSB_EDGE_DATA };

	if (rule_has_weights(rule) && edge.type == MMSB_EDGE_DATA)
		edge.weight = rng_below(rng, 4);
	return edge;
}

static struct mmsb_derive right_derive(struct rng *rng)
{
	static const uint32_t rules[] = { MMSB_RULE_COPY, MMSB_RULE_SLICE, MMSB_RULE_CONCAT, MMSB_RULE_ADD_MUL, MMSB_RULE_MIN_ADD,
					  MMSB_RULE_XOR_AND, MMSB_RULE_SUM, MMSB_RULE_COUNT, MMSB_RULE_HASH };
	struct mmsb_derive derive = { .rule = rules[rng_below(rng, sizeof(rules) / sizeof(*rules))] };

	derive.edges = derive.rule <= MMSB_RULE_SLICE ? 1 : 1 + rng_below(rng, NEARLY_EDGES);
	if (derive.rule >= MMSB_RULE_ADD_MUL && derive.rule != MMSB_RULE_HASH)
		derive.lane = rng_below(rng, MMSB_LANE_LAST);
	if (rng_once_in(rng, 6))
		derive.flags = MMSB_DERIVE_LAZY;
	if (derive.rule == MMSB_RULE_SLICE)
		derive.param[0] = rng_below(rng, 100);
	return derive;
}

/* Too large, too small, of something else, or anything. */
static uint64_t wrong(const struct nearly *nearly, struct rng *rng)
{
	static const uint64_t values[] = { 0, 1, 2, 9, 22, 4096, 4097, 0x7fffffff, 0x80000000, 0xffffffff, ~0ull, 1ull << 32, 1ull << 63 };
	unsigned int which = rng_below(rng, sizeof(values) / sizeof(*values) + 3);

	if (which < sizeof(values) / sizeof(*values))
		return values[which];
	return which & 1 ? some_page(nearly, rng) + (rng_next(rng) & 3) * (1ull << 32) : rng_next(rng);
}

/* The other thread reads and writes these at the same time, on purpose. */
#define PUT(field, value) __atomic_store_n(&(field), (__typeof__(field))(value), __ATOMIC_RELAXED)

static void put_derive_field(struct mmsb_derive *derive, unsigned int field, uint64_t value)
{
	switch (field) {
	case 0:
		PUT(derive->rule, value);
		break;
	case 1:
		PUT(derive->version, value);
		break;
	case 2:
		PUT(derive->edges, value);
		break;
	case 3:
		PUT(derive->flags, value);
		break;
	case 4:
		PUT(derive->lane, value);
		break;
	case 5:
		PUT(derive->reserved, value);
		break;
	default:
		PUT(derive->param[field % MMSB_RULE_PARAMS], value);
	}
}

static void put_edge_field(struct mmsb_edge *edge, unsigned int field, uint64_t value)
{
	switch (field) {
	case 0:
		PUT(edge->parent, value);
		break;
	case 1:
		PUT(edge->weight, value);
		break;
	case 2:
		PUT(edge->type, value);
		break;
	default:
		PUT(edge->reserved, value);
	}
}

static void spoil(const struct nearly *nearly, struct rng *rng, struct mmsb_derive *derive)
{
	struct mmsb_edge *edges = (struct mmsb_edge *)(derive + 1);
	uint64_t value = wrong(nearly, rng);

	if (rng_once_in(rng, 2))
		put_derive_field(derive, rng_below(rng, 10), value);
	else
		put_edge_field(&edges[rng_below(rng, NEARLY_EDGES)], rng_below(rng, 4), value);
}

static void write_derive(const struct nearly *nearly, struct rng *rng, struct mmsb_derive *to)
{
	struct mmsb_derive derive = right_derive(rng);
	struct mmsb_edge *edges = (struct mmsb_edge *)(to + 1);
	unsigned int i;

	*to = derive;
	for (i = 0; i < NEARLY_EDGES; i++)
		edges[i] = right_edge(nearly, rng, derive.rule);
}

void nearly_race(const struct nearly *nearly, struct rng *rng)
{
	struct mmsb_derive *derive = slot_at(nearly, rng_below(rng, NEARLY_SLOTS)), mended = right_derive(rng);
	struct mmsb_edge *edge = (struct mmsb_edge *)(derive + 1) + rng_below(rng, NEARLY_EDGES);

	switch (rng_below(rng, 4)) {
	case 0:
		spoil(nearly, rng, derive);
		break;
	case 1:
		PUT(derive->edges, mended.edges);
		break;
	case 2:
		PUT(derive->rule, mended.rule);
		break;
	default:
		PUT(edge->parent, some_page(nearly, rng));
		PUT(edge->type, MMSB_EDGE_DATA);
	}
}

static void place(struct mmsb_sqe *sqe, unsigned int slot, size_t skip)
{
	sqe->flags |= MMSB_SQE_PAYLOAD;
	sqe->payload = slot * NEARLY_SLOT + skip;
}

static void make_derive(const struct nearly *nearly, struct rng *rng, struct mmsb_sqe *sqe)
{
	unsigned int slot = rng_below(rng, NEARLY_SLOTS);
	struct mmsb_derive *derive = slot_at(nearly, slot);

	write_derive(nearly, rng, derive);
	mmsb_prep_derive(sqe, some_page(nearly, rng), derive->edges);
	place(sqe, slot, 0);
	if (rng_once_in(rng, 2))
		spoil(nearly, rng, derive);
}

/* Edges, and what is taken for ids, lie where a derivation has its edges. */
static void make_link(const struct nearly *nearly, struct rng *rng, struct mmsb_sqe *sqe, bool more)
{
	unsigned int slot = rng_below(rng, NEARLY_SLOTS), n = 1 + rng_below(rng, 4), i;
	uint64_t *ids = (uint64_t *)(slot_at(nearly, slot) + 1);

	write_derive(nearly, rng, slot_at(nearly, slot));
	if (more)
		mmsb_prep_link(sqe, some_page(nearly, rng), NULL, n);
	else
		mmsb_prep_unlink(sqe, some_page(nearly, rng), NULL, n);
	for (i = 0; !more && i < n; i++)
		ids[i] = some_page(nearly, rng);
	place(sqe, slot, sizeof(struct mmsb_derive));
	if (rng_once_in(rng, 3))
		spoil(nearly, rng, slot_at(nearly, slot));
}

void nearly_entry(const struct nearly *nearly, struct rng *rng, struct mmsb_sqe *sqe)
{
	switch (rng_below(rng, 10)) {
	case 0:
		mmsb_prep_underive(sqe, some_page(nearly, rng));
		break;
	case 1:
		mmsb_prep_refresh(sqe, some_page(nearly, rng));
		break;
	case 2:
		make_link(nearly, rng, sqe, true);
		break;
	case 3: case 4:
		make_link(nearly, rng, sqe, false);
		break;
	default:
		make_derive(nearly, rng, sqe);
	}
	if (rng_once_in(rng, 8))
		sqe->len = wrong(nearly, rng);
	if (rng_once_in(rng, 16))
		sqe->payload += 8 * rng_below(rng, 64);
	if (rng_once_in(rng, 32))
		sqe->flags ^= MMSB_SQE_PAYLOAD;
}
