// SPDX-License-Identifier: MIT
#include "edges.h"

/* What an operand is made of: perhaps a struct mmsb_derive, then edges or ids. False: it is of another length. */
static bool parts(uint8_t op, uint64_t bytes, bool *derive, uint64_t *edges, uint64_t *ids)
{
	*derive = op == MMSB_OP_DERIVE;
	*edges = 0;
	*ids = 0;
	if (*derive && bytes < sizeof(struct mmsb_derive))
		return false;
	if (*derive)
		bytes -= sizeof(struct mmsb_derive);
	if (op == MMSB_OP_UNLINK)
		*ids = bytes / sizeof(uint64_t);
	else if (op == MMSB_OP_DERIVE || op == MMSB_OP_LINK)
		*edges = bytes / sizeof(struct mmsb_edge);
	return *edges * sizeof(struct mmsb_edge) + *ids * sizeof(uint64_t) == bytes && *edges + *ids <= MMSB_PARENTS_MAX &&
	       (*derive || *edges || *ids);
}

bool msl_edges_fit(uint8_t op, const uint8_t *operand, uint64_t bytes)
{
	uint64_t edges, ids, i;
	struct mmsb_derive head;
	struct mmsb_edge edge;
	bool derive;

	if (!parts(op, bytes, &derive, &edges, &ids))
		return false;
	if (derive) {
		memcpy(&head, operand, sizeof(head));
		operand += sizeof(head);
		if (head.reserved)
			return false;
	}
	for (i = 0; i < edges; i++) {
		memcpy(&edge, operand + i * sizeof(edge), sizeof(edge));
		if (edge.reserved)
			return false;
	}
	return true;
}

/* -------------------------------------------------------------------------------------------------------------- out */

/* Of the distance and whether the generation follows, one number. */
static uint8_t *put_id(const struct msl_context *context, uint8_t *to, uint64_t id, uint32_t *before)
{
	uint32_t index = MMSB_PAGE_INDEX(id);
	bool known = msl_guess_generation(context, index) == MMSB_PAGE_GENERATION(id);

	to = msl_put(to, (msl_zigzag((int32_t)(index - *before)) << 1) | !known);
	*before = index;
	return known ? to : msl_put(to, MMSB_PAGE_GENERATION(id));
}

static uint8_t *put_derive(uint8_t *to, const uint8_t *from)
{
	struct mmsb_derive derive;
	unsigned int i;

	memcpy(&derive, from, sizeof(derive));
	to = msl_put(to, derive.rule);
	to = msl_put(to, derive.version);
	to = msl_put(to, derive.edges);
	to = msl_put(to, derive.flags);
	*to++ = derive.lane;
	for (i = 0; i < MMSB_RULE_PARAMS; i++)
		to = msl_put(to, derive.param[i]);
	return to;
}

/* Weights that are small numbers are written as such, negative ones and those of floating point as they are. */
static uint8_t *put_edge(const struct msl_context *context, uint8_t *to, const uint8_t *from, uint32_t *before)
{
	struct mmsb_edge edge;
	bool raw;

	memcpy(&edge, from, sizeof(edge));
	raw = edge.weight >> 56;
	to = put_id(context, to, edge.parent, before);
	to = msl_put(to, (uint64_t)edge.type << 1 | raw);
	if (!raw)
		return msl_put(to, edge.weight);
	memcpy(to, &edge.weight, sizeof(edge.weight));
	return to + sizeof(edge.weight);
}

uint8_t *msl_put_edges(const struct msl_context *context, uint8_t *to, uint8_t op, const uint8_t *operand, uint64_t bytes)
{
	uint32_t before = context->index;
	uint64_t edges, ids, id;
	bool derive;

	parts(op, bytes, &derive, &edges, &ids);
	if (derive) {
		to = put_derive(to, operand);
		operand += sizeof(struct mmsb_derive);
	}
	for (; edges; edges--, operand += sizeof(struct mmsb_edge))
		to = put_edge(context, to, operand, &before);
	for (; ids; ids--, operand += sizeof(id)) {
		memcpy(&id, operand, sizeof(id));
		to = put_id(context, to, id, &before);
	}
	return to;
}

/* --------------------------------------------------------------------------------------------------------------- in */

static uint64_t get_id(const struct msl_context *context, struct msl_input *in, uint32_t *before)
{
	uint64_t value = msl_get_upto(in, (1ull << 33) - 1);
	uint32_t index = *before + (uint32_t)msl_unzigzag(value >> 1), generation;

	*before = index;
	generation = value & 1 ? (uint32_t)msl_get_upto(in, UINT32_MAX) : msl_guess_generation(context, index);
	return MMSB_PAGE_ID(generation, index);
}

static void get_derive(struct msl_input *in, uint8_t *to)
{
	struct mmsb_derive derive = { .rule = 0 };
	unsigned int i;

	derive.rule = (uint32_t)msl_get_upto(in, UINT32_MAX);
	derive.version = (uint32_t)msl_get_upto(in, UINT32_MAX);
	derive.edges = (uint32_t)msl_get_upto(in, UINT32_MAX);
	derive.flags = (uint16_t)msl_get_upto(in, UINT16_MAX);
	derive.lane = msl_get_byte(in);
	for (i = 0; i < MMSB_RULE_PARAMS; i++)
		derive.param[i] = msl_get(in);
	memcpy(to, &derive, sizeof(derive));
}

static void get_edge(const struct msl_context *context, struct msl_input *in, uint8_t *to, uint32_t *before)
{
	struct mmsb_edge edge = { .parent = get_id(context, in, before) };
	uint64_t type = msl_get_upto(in, (1ull << 33) - 1);
	const uint8_t *raw;

	edge.type = (uint32_t)(type >> 1);
	if (!(type & 1)) {
		edge.weight = msl_get(in);
	} else {
		raw = msl_get_bytes(in, sizeof(edge.weight));
		if (raw)
			memcpy(&edge.weight, raw, sizeof(edge.weight));
	}
	memcpy(to, &edge, sizeof(edge));
}

void msl_get_edges(const struct msl_context *context, struct msl_input *in, uint8_t op, uint8_t *operand, uint64_t bytes)
{
	uint32_t before = context->index;
	uint64_t edges, ids, id;
	bool derive;

	if (!parts(op, bytes, &derive, &edges, &ids)) {
		in->bad = true;
		return;
	}
	if (derive) {
		get_derive(in, operand);
		operand += sizeof(struct mmsb_derive);
	}
	for (; edges && !in->bad; edges--, operand += sizeof(struct mmsb_edge))
		get_edge(context, in, operand, &before);
	for (; ids && !in->bad; ids--, operand += sizeof(id)) {
		id = get_id(context, in, &before);
		memcpy(operand, &id, sizeof(id));
	}
}
