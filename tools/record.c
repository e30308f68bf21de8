// SPDX-License-Identifier: GPL-2.0-only
/*
 * See record.h. A log is a file that anybody may have written, so nothing here relies on an operand to have the length that its operation
 * would have.
 */
#include <inttypes.h>
#include <string.h>
#include "out.h"
#include "record.h"
#include "value.h"

#define LANES_SHOWN	4u
#define BYTES_SHOWN	24u
#define PARENTS_SHOWN	8u

static const char *const op_names[MMSB_OP_LAST] = {
	[MMSB_OP_NOP] = "nop", [MMSB_OP_FENCE] = "fence", [MMSB_OP_CREATE] = "create", [MMSB_OP_DESTROY] = "destroy", [MMSB_OP_SET] = "set",
	[MMSB_OP_MASK] = "mask", [MMSB_OP_MASK_SPARSE] = "mask-sparse", [MMSB_OP_FILL] = "fill", [MMSB_OP_ADD] = "add", [MMSB_OP_SUB] = "sub",
	[MMSB_OP_MIN] = "min", [MMSB_OP_MAX] = "max", [MMSB_OP_AND] = "and", [MMSB_OP_OR] = "or", [MMSB_OP_XOR] = "xor", [MMSB_OP_CAS] = "cas",
	[MMSB_OP_APPEND] = "append", [MMSB_OP_DERIVE] = "derive", [MMSB_OP_UNDERIVE] = "underive", [MMSB_OP_LINK] = "link",
	[MMSB_OP_UNLINK] = "unlink", [MMSB_OP_REFRESH] = "refresh", [MMSB_OP_TICK] = "tick",
};

const char *record_op(const struct mmsb_sqe *sqe)
{
	return sqe->op < MMSB_OP_LAST && op_names[sqe->op] ? op_names[sqe->op] : "unknown";
}

static bool has_lane(const struct mmsb_sqe *sqe)
{
	return sqe->op >= MMSB_OP_FILL && sqe->op <= MMSB_OP_XOR && sqe->lane < MMSB_LANE_LAST;
}

static bool has_range(const struct mmsb_sqe *sqe)
{
	return sqe->op >= MMSB_OP_SET && sqe->op <= MMSB_OP_APPEND;
}

/* Of an operand that lies in the entry. */
static size_t inline_bytes(const struct mmsb_sqe *sqe)
{
	size_t len = sqe->len;

	if (sqe->op == MMSB_OP_FILL || sqe->flags & MMSB_SQE_SPLAT)
		len = (size_t)1 << (sqe->lane & 3);
	else if (sqe->op == MMSB_OP_CAS)
		len *= 2;
	else if (sqe->op == MMSB_OP_MASK || sqe->op == MMSB_OP_MASK_SPARSE)
		len = MMSB_INLINE_MAX;
	else if (sqe->op < MMSB_OP_SET || sqe->op == MMSB_OP_UNDERIVE || sqe->op > MMSB_OP_UNLINK)
		len = 0;
	return len < MMSB_INLINE_MAX ? len : MMSB_INLINE_MAX;
}

const void *record_operand(const struct mmsb_delta_record *delta, size_t *len)
{
	size_t room = delta->record.bytes - sizeof(*delta);

	if (!(delta->sqe.flags & MMSB_SQE_PAYLOAD)) {
		*len = inline_bytes(&delta->sqe);
		return delta->sqe.operand;
	}
	*len = delta->operand_bytes < room ? delta->operand_bytes : room;
	return delta + 1;
}

/* -------------------------------------------------------------------------------------------------------- for people */

static void print_lanes(FILE *to, const struct mmsb_sqe *sqe, const char *operand, size_t len)
{
	unsigned int width = lane_bytes(sqe->lane);
	size_t at;

	for (at = 0; at + width <= len && at < (size_t)width * LANES_SHOWN; at += width)
		fprintf(to, " %s", text_lane(sqe->lane, lane_load(sqe->lane, operand + at)).s);
	if (at + width <= len)
		fprintf(to, " ... (%zu in all)", len / width);
}

static void print_bytes(FILE *to, const unsigned char *bytes, size_t len)
{
	size_t i;

	putc(' ', to);
	for (i = 0; i < len && i < BYTES_SHOWN; i++)
		fprintf(to, "%02x", bytes[i]);
	if (i < len)
		fprintf(to, "... (%zu bytes)", len);
}

static void print_parent(FILE *to, const struct mmsb_edge *edge)
{
	static const char *const types[] = { "", ":control", ":offload" };

	fprintf(to, " %s%s", text_id(edge->parent).s, edge->type < MMSB_EDGE_LAST ? types[edge->type] : ":unknown");
}

static void print_parents(FILE *to, const char *operand, size_t len)
{
	size_t n = len / sizeof(struct mmsb_edge), i;
	struct mmsb_edge edge;

	for (i = 0; i < n && i < PARENTS_SHOWN; i++) {
		memcpy(&edge, operand + i * sizeof(edge), sizeof(edge));
		print_parent(to, &edge);
	}
	if (i < n)
		fprintf(to, " ... (%zu in all)", n);
}

static void print_derive(FILE *to, const char *operand, size_t len)
{
	struct mmsb_derive derive;

	if (len < sizeof(derive))
		return;
	memcpy(&derive, operand, sizeof(derive));
	fprintf(to, " by %s of", mmsb_rule_name(derive.rule) ?: "a rule of its own");
	print_parents(to, operand + sizeof(derive), len - sizeof(derive));
}

static void print_pages(FILE *to, const char *operand, size_t len)
{
	uint64_t page;
	size_t i;

	for (i = 0; i < len / sizeof(page) && i < PARENTS_SHOWN; i++) {
		memcpy(&page, operand + i * sizeof(page), sizeof(page));
		fprintf(to, " %s", text_id(page).s);
	}
}

static void print_operand(FILE *to, const struct mmsb_sqe *sqe, const char *operand, size_t len)
{
	if (sqe->op == MMSB_OP_DERIVE)
		print_derive(to, operand, len);
	else if (sqe->op == MMSB_OP_LINK)
		print_parents(to, operand, len);
	else if (sqe->op == MMSB_OP_UNLINK)
		print_pages(to, operand, len);
	else if (has_lane(sqe))
		print_lanes(to, sqe, operand, len);
	else if (has_range(sqe))
		print_bytes(to, (const unsigned char *)operand, len);
}

void record_print(FILE *to, const struct mmsb_delta_record *delta)
{
	const struct mmsb_sqe *sqe = &delta->sqe;
	const char *operand;
	size_t len;

	operand = record_operand(delta, &len);
	fprintf(to, "page %-10s %s", text_id(sqe->page).s, record_op(sqe));
	if (sqe->op == MMSB_OP_CREATE)
		fprintf(to, " %s", text_bytes(sqe->len).s);
	if (has_lane(sqe))
		fprintf(to, " %s", mmsb_lane_name(sqe->lane));
	if (has_range(sqe))
		fprintf(to, " at %" PRIu64, (uint64_t)sqe->offset);
	if (has_lane(sqe) && sqe->len != lane_bytes(sqe->lane))
		fprintf(to, ", %" PRIu32 " bytes", sqe->len);
	if (has_range(sqe))
		putc(':', to);
	print_operand(to, sqe, operand, len);
	if (sqe->op == MMSB_OP_DESTROY && sqe->flags & MMSB_SQE_DETACH)
		fputs(", detached", to);
	fprintf(to, "  (uid %" PRIu32 ", pid %" PRIu32, delta->origin.uid, delta->origin.pid);
	if (delta->origin.source)
		fprintf(to, ", source %" PRIu64, (uint64_t)delta->origin.source);
	putc(')', to);
}

/* ------------------------------------------------------------------------------------------------------ for programs */

static void json_parents(struct json *json, const char *operand, size_t len)
{
	struct mmsb_edge edge;
	size_t i;

	json_array(json, "parents");
	for (i = 0; i < len / sizeof(edge); i++) {
		memcpy(&edge, operand + i * sizeof(edge), sizeof(edge));
		json_string(json, NULL, text_id(edge.parent).s);
	}
	json_close(json);
}

static void json_graph(struct json *json, uint8_t op, const char *operand, size_t len)
{
	struct mmsb_derive derive;

	if (op == MMSB_OP_LINK)
		json_parents(json, operand, len);
	if (op != MMSB_OP_DERIVE || len < sizeof(derive))
		return;
	memcpy(&derive, operand, sizeof(derive));
	json_string(json, "rule", mmsb_rule_name(derive.rule));
	json_parents(json, operand + sizeof(derive), len - sizeof(derive));
}

void record_json(struct json *json, const struct mmsb_delta_record *delta)
{
	const struct mmsb_sqe *sqe = &delta->sqe;
	const void *operand;
	size_t len;

	operand = record_operand(delta, &len);
	json_string(json, "op", record_op(sqe));
	json_string(json, "page", text_id(sqe->page).s);
	if (sqe->op == MMSB_OP_CREATE)
		json_u64(json, "bytes", sqe->len);
	if (has_lane(sqe))
		json_string(json, "lane", mmsb_lane_name(sqe->lane));
	if (has_range(sqe)) {
		json_u64(json, "offset", sqe->offset);
		json_u64(json, "length", sqe->len);
	}
	json_graph(json, sqe->op, operand, len);
	if (len)
		json_bytes(json, "operand", operand, len);
	json_u64(json, "flags", sqe->flags & (MMSB_SQE_SPLAT | MMSB_SQE_DETACH));
	json_u64(json, "uid", delta->origin.uid);
	json_u64(json, "pid", delta->origin.pid);
	json_u64(json, "source", delta->origin.source);
	json_u64(json, "shard", delta->record.shard);
}
