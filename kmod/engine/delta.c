// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "delta.h"
#include "capture.h"
#include "graph.h"
#include "hash.h"
#include "history.h"
#include "lane.h"
#include "load.h"
#include "page.h"
#include "replay.h"
#include "ring.h"
#include "space.h"
#include "words.h"

#define ANY		MMSB_SQE_QUIET
#define ON_PAGE		(ANY | MMSB_SQE_IF_EPOCH)
#define WITH_OPERAND	(ON_PAGE | MMSB_SQE_PAYLOAD)
#define ON_LANES	(WITH_OPERAND | MMSB_SQE_SPLAT)

/* What an entry of each operation may hold. */
struct op_rule {
	u16 flags;
	u8 lanes;		/* 1: the lane field must be 0 */
	bool page, range;	/* uses `page`; uses `offset` and `len` */
};

static const struct op_rule op_rules[MMSB_OP_LAST] = {
	[MMSB_OP_NOP]		= { ANY,			1, false, false },
	[MMSB_OP_FENCE]		= { ANY,			1, false, false },
	[MMSB_OP_CREATE]	= { ANY | MMSB_SQE_AT,		1, false, false },
	[MMSB_OP_DESTROY]	= { ON_PAGE | MMSB_SQE_DETACH,	1, true, false },
	[MMSB_OP_SET]		= { WITH_OPERAND,		1, true, true },
	[MMSB_OP_MASK]		= { WITH_OPERAND,		1, true, true },
	[MMSB_OP_MASK_SPARSE]	= { WITH_OPERAND,		1, true, true },
	[MMSB_OP_FILL]		= { WITH_OPERAND,		MMSB_LANE_LAST, true, true },
	[MMSB_OP_ADD]		= { ON_LANES,			MMSB_LANE_LAST, true, true },
	[MMSB_OP_SUB]		= { ON_LANES,			MMSB_LANE_LAST, true, true },
	[MMSB_OP_MIN]		= { ON_LANES,			MMSB_LANE_LAST, true, true },
	[MMSB_OP_MAX]		= { ON_LANES,			MMSB_LANE_LAST, true, true },
	[MMSB_OP_AND]		= { ON_LANES,			MMSB_LANE_LAST, true, true },
	[MMSB_OP_OR]		= { ON_LANES,			MMSB_LANE_LAST, true, true },
	[MMSB_OP_XOR]		= { ON_LANES,			MMSB_LANE_LAST, true, true },
	[MMSB_OP_CAS]		= { WITH_OPERAND,		1, true, true },
	[MMSB_OP_APPEND]	= { WITH_OPERAND,		1, true, true },
	[MMSB_OP_DERIVE]	= { WITH_OPERAND,		1, true, true },
	[MMSB_OP_UNDERIVE]	= { ON_PAGE,			1, true, false },
	[MMSB_OP_LINK]		= { WITH_OPERAND,		1, true, true },
	[MMSB_OP_UNLINK]	= { WITH_OPERAND,		1, true, true },
	[MMSB_OP_REFRESH]	= { ON_PAGE,			1, true, false },
	[MMSB_OP_TICK]		= { ANY,			1, false, false },
	[MMSB_OP_LOAD]		= { ANY | MMSB_SQE_PAYLOAD,	1, false, true },
	[MMSB_OP_WORDS]		= { ANY | MMSB_SQE_PAYLOAD,	1, false, true },
};

static bool op_writes(u8 op)
{
	return op >= MMSB_OP_SET && op <= MMSB_OP_APPEND;
}

static bool op_is_lanes(u8 op)
{
	return op >= MMSB_OP_ADD && op <= MMSB_OP_XOR;
}

/* ----------------------------------------------------------------------------------------------------------- a change */

/* A delta under way: which page, what was changed so far. */
struct change {
	struct ms_shard *shard;
	struct mmsb_line *line;
	u64 page;
	const struct mmsb_sqe *sqe;
	const u8 *operand;		/* the client's memory if it lies in the payload: each byte is read once */
	u64 operand_bytes;
	const u8 *values;		/* MASK: what follows the mask */
	u64 value_at, value_bytes;
	struct ms_hash_key key;
	bool changed;
};

static void change_word(struct change *change, u64 *word, u64 index, u64 new)
{
	if (!change->changed) {
		change->changed = true;
		ms_page_begin(change->line);
		if (change->shard->hashing)
			change->key = ms_hash_key(change->page);
	}
	if (change->shard->hashing)
		ms_hash_word(&change->shard->hash, &change->key, index, *word, new);
	pf_store_word(word, new);
}

static enum mmsb_reason change_close(struct change *change, struct ms_outcome *outcome)
{
	struct ms_shard *shard = change->shard;

	if (change->changed) {
		ms_page_end(change->line, change->line->seq, shard->tick);
		if (shard->hashing)
			ms_hash_epochs(&shard->hash, &change->key, 1);
		ms_shard_mark(shard, change->page);
		if (unlikely(change->line->flags & MS_LINE_PARENT))
			ms_wave_touch(shard, MMSB_PAGE_INDEX(change->page));
	} else {
		outcome->flags = MMSB_CQE_UNCHANGED;
	}
	outcome->epoch = change->line->epoch;
	return MMSB_REASON_NONE;
}

/* ---------------------------------------------------------------------------------------------- piece by piece, in general */

#define PIECE	512u		/* divides a chunk, so a piece never straddles two */

/* Turns n bytes, that stand at `pos` of the delta's range, into what they shall be. */
typedef void (*piece_fn)(struct change *change, u8 *bytes, u64 pos, u32 n);

static void piece_set(struct change *change, u8 *bytes, u64 pos, u32 n)
{
	memcpy(bytes, change->operand + pos, n);
}

static void piece_fill(struct change *change, u8 *bytes, u64 pos, u32 n)
{
	u32 width = ms_lane_bytes(change->sqe->lane), i;

	for (i = 0; i < n; i++)
		bytes[i] = change->operand[(pos + i) % width];
}

static void piece_lanes(struct change *change, u8 *bytes, u64 pos, u32 n)
{
	bool splat = change->sqe->flags & MMSB_SQE_SPLAT;
	u64 operand[PIECE / 8];

	memcpy(operand, change->operand + (splat ? 0 : pos), splat ? ms_lane_bytes(change->sqe->lane) : n);
	ms_lanes(change->sqe->op, change->sqe->lane, bytes, operand, n, splat);
}

static bool mask_bit(const u8 *mask, u64 i)
{
	return pf_read(mask[i / 8]) >> (i % 8) & 1;
}

static void piece_mask(struct change *change, u8 *bytes, u64 pos, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (mask_bit(change->operand, pos + i))
			bytes[i] = change->values[pos + i];
}

/* A client that turns bits on after they were counted runs out of values: it gets zeros, never somebody else's memory. */
static void piece_mask_sparse(struct change *change, u8 *bytes, u64 pos, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		if (!mask_bit(change->operand, pos + i))
			continue;
		bytes[i] = change->value_at < change->value_bytes ? change->values[change->value_at] : 0;
		change->value_at++;
	}
}

static void change_piece(struct change *change, piece_fn fn, u64 at, u64 pos, u32 n)
{
	u64 first = at & ~7ull, new[PIECE / 8 + 1];
	u64 *words = ms_page_words(&change->shard->space->arena.region, change->line, first);
	u32 count = (u32)((at + n + 7 - first) / 8), i;

	memcpy(new, words, count * 8ul);
	fn(change, (u8 *)new + (at - first), pos, n);
	for (i = 0; i < count; i++)
		if (new[i] != words[i])
			change_word(change, &words[i], first / 8 + i, new[i]);
}

static enum mmsb_reason change_reserve(struct change *change, u64 offset, u64 len)
{
	return change->line->size > PF_CHUNK ? ms_page_fill(change->shard, change->line, offset, len) : MMSB_REASON_NONE;
}

static void change_range(struct change *change, piece_fn fn, u64 offset, u64 len)
{
	u64 pos;
	u32 n;

	for (pos = 0; pos < len; pos += n) {
		u64 at = offset + pos;

		n = PIECE - (u32)(at & (PIECE - 1));
		n = n < len - pos ? n : (u32)(len - pos);
		change_piece(change, fn, at, pos, n);
		if (!(pos & (PF_CHUNK - 1)))
			pf_resched();
	}
}

static enum mmsb_reason change_all(struct change *change, piece_fn fn, struct ms_outcome *outcome)
{
	enum mmsb_reason reason = change_reserve(change, change->sqe->offset, change->sqe->len);

	if (reason)
		return reason;
	change_range(change, fn, change->sqe->offset, change->sqe->len);
	return change_close(change, outcome);
}

/* ---------------------------------------------------------------------------------------------------- compare, append */

static bool range_equals(struct change *change)
{
	const struct mmsb_sqe *sqe = change->sqe;
	u8 expected[PIECE], found[PIECE];
	u64 pos;
	u32 n;

	for (pos = 0; pos < sqe->len; pos += n) {
		n = sqe->len - pos < PIECE ? (u32)(sqe->len - pos) : PIECE;
		memcpy(expected, change->operand + pos, n);
		ms_page_copy(change->shard->space, change->line, sqe->offset + pos, found, n);
		if (memcmp(expected, found, n))
			return false;
	}
	return true;
}

static enum mmsb_reason apply_cas(struct change *change, struct ms_outcome *outcome)
{
	if (!range_equals(change)) {
		outcome->epoch = change->line->epoch;
		return MMSB_REASON_BYTES_DIFFER;
	}
	change->operand += change->sqe->len;
	return change_all(change, piece_set, outcome);
}

static enum mmsb_reason apply_append(struct change *change, struct ms_outcome *outcome)
{
	const struct mmsb_sqe *sqe = change->sqe;
	u64 area = change->line->size - sqe->offset - 8, cursor;
	enum mmsb_reason reason;
	u64 *word;

	ms_page_copy(change->shard->space, change->line, sqe->offset, &cursor, 8);
	if (cursor > area)
		return MMSB_REASON_APPEND_CURSOR;
	if (sqe->len > area - cursor)
		return MMSB_REASON_APPEND_FULL;
	reason = change_reserve(change, sqe->offset, 8);
	if (!reason)
		reason = change_reserve(change, sqe->offset + 8 + cursor, sqe->len);
	if (reason)
		return reason;
	change_range(change, piece_set, sqe->offset + 8 + cursor, sqe->len);
	word = ms_page_words(&change->shard->space->arena.region, change->line, sqe->offset);
	change_word(change, word, sqe->offset / 8, cursor + sqe->len);
	return change_close(change, outcome);
}

/* --------------------------------------------------------------------------------------------------------- judgement */

static u64 mask_bytes(u64 bits)
{
	return (bits + 63) / 64 * 8;
}

static u64 mask_count(const u8 *mask, u64 bits)
{
	u64 count = 0, i;

	for (i = 0; i < bits; i++)
		count += mask_bit(mask, i);
	return count;
}

/* How many bytes of operand the entry itself asks for; a sparse mask asks for more once it has been read. */
static u64 operand_bytes(const struct mmsb_sqe *sqe)
{
	switch (sqe->op) {
	case MMSB_OP_FILL:
		return ms_lane_bytes(sqe->lane);
	case MMSB_OP_CAS:
		return 2ull * sqe->len;
	case MMSB_OP_MASK:
		return mask_bytes(sqe->len) + sqe->len;
	case MMSB_OP_MASK_SPARSE:
		return mask_bytes(sqe->len);
	default:
		return sqe->flags & MMSB_SQE_SPLAT ? ms_lane_bytes(sqe->lane) : sqe->len;
	}
}

static enum mmsb_reason judge_range(const struct mmsb_sqe *sqe)
{
	u64 unit = 1;

	if (!sqe->len)
		return MMSB_REASON_BAD_LENGTH;
	if (sqe->len > MMSB_DELTA_MAX)
		return MMSB_REASON_TOO_LONG;
	if (op_is_lanes(sqe->op) || sqe->op == MMSB_OP_FILL)
		unit = ms_lane_bytes(sqe->lane);
	if (sqe->len % unit)
		return MMSB_REASON_BAD_ALIGN;
	if (sqe->op == MMSB_OP_APPEND)
		unit = 8;
	return sqe->offset % unit ? MMSB_REASON_BAD_ALIGN : MMSB_REASON_NONE;
}

static enum mmsb_reason judge_length(const struct mmsb_sqe *sqe)
{
	if (ms_op_is_graph(sqe->op))
		return ms_graph_judge_length(sqe);
	if (unlikely(sqe->op == MMSB_OP_WORDS))
		return ms_words_judge_length(sqe);
	return sqe->op == MMSB_OP_LOAD ? ms_load_judge_length(sqe) : judge_range(sqe);
}

static enum mmsb_reason judge_operand(const struct ms_ring *ring, const struct mmsb_sqe *sqe, struct change *change)
{
	u64 need = operand_bytes(sqe), room = MMSB_INLINE_MAX;
	bool payload = sqe->flags & MMSB_SQE_PAYLOAD;

	change->operand = sqe->operand;
	if (payload) {
		if (sqe->payload % 8)
			return MMSB_REASON_BAD_ALIGN;
		if (sqe->payload > ring->payload_bytes)
			return MMSB_REASON_OUT_OF_PAYLOAD;
		change->operand = ring->payload + sqe->payload;
		room = ring->payload_bytes - sqe->payload;
	}
	if (need <= room && sqe->op == MMSB_OP_MASK_SPARSE)
		need += mask_count(change->operand, sqe->len);
	if (need > room)
		return payload ? MMSB_REASON_OUT_OF_PAYLOAD : MMSB_REASON_BAD_LENGTH;
	change->operand_bytes = need;
	change->values = change->operand + mask_bytes(sqe->len);
	change->value_bytes = need - mask_bytes(sqe->len);
	return MMSB_REASON_NONE;
}

static enum mmsb_reason judge_entry(const struct ms_ring *ring, const struct mmsb_sqe *sqe, struct change *change)
{
	const struct op_rule *rule;
	enum mmsb_reason reason;

	if (sqe->op >= MMSB_OP_LAST)
		return MMSB_REASON_BAD_OP;
	rule = &op_rules[sqe->op];
	if (sqe->flags & ~(rule->flags | MMSB_SQE_DURABLE))
		return MMSB_REASON_BAD_FLAGS;
	if (sqe->lane >= rule->lanes)
		return rule->lanes == 1 ? MMSB_REASON_BAD_RESERVED : MMSB_REASON_BAD_LANE;
	if (sqe->epoch && !(sqe->flags & MMSB_SQE_IF_EPOCH))
		return MMSB_REASON_BAD_RESERVED;
	if (sqe->page && !rule->page && !(sqe->flags & MMSB_SQE_AT))
		return MMSB_REASON_BAD_RESERVED;
	if (!rule->range && ((sqe->offset && sqe->op != MMSB_OP_TICK) || (sqe->len && sqe->op != MMSB_OP_CREATE)))
		return MMSB_REASON_BAD_RESERVED;
	if (!rule->range && sqe->word[0])
		return MMSB_REASON_BAD_RESERVED;
	if ((!rule->range || (sqe->flags & MMSB_SQE_PAYLOAD)) && (sqe->word[1] || sqe->word[2]))
		return MMSB_REASON_BAD_RESERVED;
	if (sqe->op == MMSB_OP_CREATE && (sqe->len < MMSB_PAGE_MIN || sqe->len > MMSB_PAGE_MAX))
		return MMSB_REASON_BAD_SIZE;
	if (!rule->range)
		return MMSB_REASON_NONE;
	reason = judge_length(sqe);
	return reason ? reason : judge_operand(ring, sqe, change);
}

/* An APPEND covers its cursor; what it writes behind it is the cursor's business. */
static enum mmsb_reason judge_page(struct change *change, struct ms_outcome *outcome)
{
	const struct mmsb_sqe *sqe = change->sqe;
	u64 covers = sqe->op == MMSB_OP_APPEND ? 8 : op_writes(sqe->op) ? sqe->len : 0;
	enum mmsb_reason reason = ms_page_find(change->shard->space, sqe->page, &change->line);

	if (reason)
		return reason;
	outcome->epoch = change->line->epoch;
	if ((sqe->flags & MMSB_SQE_IF_EPOCH) && sqe->epoch != change->line->epoch)
		return MMSB_REASON_EPOCH_DIFFERS;
	if (change->line->kind == MMSB_KIND_DERIVED && op_writes(sqe->op))
		return MMSB_REASON_IS_DERIVED;
	if (sqe->offset > change->line->size || covers > change->line->size - sqe->offset)
		return MMSB_REASON_OUT_OF_PAGE;
	return MMSB_REASON_NONE;
}

/* ------------------------------------------------------------------------------------------------- the ways of a delta */

static enum mmsb_reason apply_create(struct ms_shard *shard, const struct mmsb_sqe *sqe, struct ms_outcome *outcome)
{
	bool at = sqe->flags & MMSB_SQE_AT;
	enum mmsb_reason reason;
	u64 page = sqe->page;

	if (at && !page)
		return MMSB_REASON_NO_PAGE;
	reason = ms_page_create(shard, sqe->len, page, &outcome->epoch);
	if (reason)
		return reason;
	outcome->flags = MMSB_CQE_CREATED;
	ms_shard_mark_as(shard, outcome->epoch, MMSB_EVENT_CREATED, MMSB_KIND_SOURCE);
	return MMSB_REASON_NONE;
}

static enum mmsb_reason apply_destroy(struct change *change, struct ms_outcome *outcome)
{
	u8 kind = change->line->kind;
	enum mmsb_reason reason = ms_graph_let_go(change->shard, MMSB_PAGE_INDEX(change->page), change->sqe->flags & MMSB_SQE_DETACH);

	if (reason)
		return reason;
	ms_page_destroy(change->shard, change->page, change->line);
	ms_shard_mark_as(change->shard, change->page, MMSB_EVENT_DESTROYED, kind);
	outcome->epoch = 0;
	return MMSB_REASON_NONE;
}

/* What was taken in before an image was refused stays, and is what a history tells. */
static enum mmsb_reason apply_load(struct change *change, struct ms_outcome *outcome)
{
	u64 bytes = change->operand_bytes;

	return ms_load(change->shard->space, change->operand, bytes, &change->operand_bytes, outcome);
}

#define GRAPH_OPERAND	512u		/* most fit here */

static enum mmsb_reason apply_graph(struct change *change, struct ms_outcome *outcome)
{
	const struct mmsb_sqe *sqe = change->sqe;
	u64 small[GRAPH_OPERAND / 8], *operand = small;
	struct ms_graph_op op = { .sqe = sqe, .line = change->line, .index = MMSB_PAGE_INDEX(change->page) };
	enum mmsb_reason reason;

	if (sqe->len > sizeof(small)) {
		operand = pf_alloc(sqe->len, -1);
		if (!operand)
			return MMSB_REASON_NO_MEMORY;
	}
	if (sqe->len)
		memcpy(operand, change->operand, sqe->len);
	op.operand = operand;
	reason = ms_graph_apply(change->shard, &op, outcome);
	if (operand != small)
		pf_free(operand);
	if (!reason)
		outcome->epoch = change->line->epoch;
	return reason;
}

static enum mmsb_reason apply_to_page(struct change *change, struct ms_outcome *outcome)
{
	if (ms_op_is_graph(change->sqe->op))
		return apply_graph(change, outcome);
	switch (change->sqe->op) {
	case MMSB_OP_DESTROY:
		return apply_destroy(change, outcome);
	case MMSB_OP_SET:
		return change_all(change, piece_set, outcome);
	case MMSB_OP_MASK:
		return change_all(change, piece_mask, outcome);
	case MMSB_OP_MASK_SPARSE:
		return change_all(change, piece_mask_sparse, outcome);
	case MMSB_OP_CAS:
		return apply_cas(change, outcome);
	case MMSB_OP_APPEND:
		return apply_append(change, outcome);
	case MMSB_OP_FILL:
		return change_all(change, piece_fill, outcome);
	default:
		return change_all(change, piece_lanes, outcome);
	}
}

/* FILL and SPLAT take their one lane into private memory before the first piece. */
static void operand_keep(struct change *change, u64 *lane)
{
	const struct mmsb_sqe *sqe = change->sqe;

	if (sqe->op != MMSB_OP_FILL && !(sqe->flags & MMSB_SQE_SPLAT))
		return;
	*lane = 0;
	memcpy(lane, change->operand, ms_lane_bytes(sqe->lane));
	change->operand = (const u8 *)lane;
}

/* Whether the ring may write now. */
static enum mmsb_reason judge_ring(const struct ms_shard *shard, const struct ms_ring *ring, u8 op)
{
	const struct ms_replay *replay = &shard->space->replay;

	if (ring->read_only)
		return MMSB_REASON_READ_ONLY;
	if (unlikely(op == MMSB_OP_LOAD || op == MMSB_OP_WORDS) && !ring->replay)
		return MMSB_REASON_NOT_REPLAYING;
	if (unlikely(replay->only) && replay->only != ring)
		return shard->space->shut ? MMSB_REASON_SHUT : MMSB_REASON_REPLAYING;
	if (unlikely(ring->replay) && !replay->open)
		return MMSB_REASON_BAD_TICK;
	return MMSB_REASON_NONE;
}

/* Can the space keep what it promises, and what is asked of it? */
static enum mmsb_reason judge_promise(const struct ms_space *space, const struct mmsb_sqe *sqe)
{
	if (unlikely(space->log.failed))
		return MMSB_REASON_LOG_FAILED;
	if (unlikely(sqe->flags & MMSB_SQE_DURABLE) && space->log.mode == MMSB_MEMORY)
		return MMSB_REASON_NO_LOG;
	return MMSB_REASON_NONE;
}

static enum mmsb_reason apply_judged(struct change *change, struct ms_outcome *outcome)
{
	enum mmsb_reason reason;
	u64 lane;

	if (change->sqe->op == MMSB_OP_CREATE)
		return apply_create(change->shard, change->sqe, outcome);
	if (unlikely(change->sqe->op == MMSB_OP_LOAD))
		return apply_load(change, outcome);
	reason = judge_page(change, outcome);
	if (reason)
		return reason;
	operand_keep(change, &lane);
	return apply_to_page(change, outcome);
}

/* Bits that the client set after they were counted have no values: the record says nothing that did not count. */
static void mask_trim(u8 *mask, u64 bits, u64 values)
{
	u64 i;

	for (i = 0; i < bits; i++) {
		if (!mask_bit(mask, i))
			continue;
		if (values)
			values--;
		else
			mask[i / 8] &= (u8)~(1u << (i % 8));
	}
}

/* A history says which version of the rule it was, where the client took whatever there is. */
static void name_version(struct change *change)
{
	const struct ms_node *node = ms_node_at(change->shard->space, MMSB_PAGE_INDEX(change->page));

	((struct mmsb_derive *)change->operand)->version = node->derivation->rule->version;
}

/* The record is written first, and what the delta does is done from there. */
static enum mmsb_reason apply_told(struct change *change, const struct ms_ring *ring, struct ms_outcome *outcome)
{
	struct ms_shard *shard = change->shard;
	const u8 *client = change->operand;
	enum mmsb_reason reason;
	bool keep;

	reason = ms_stream_begin(shard, &ring->config.origin, change->sqe, &change->operand, change->operand_bytes);
	if (reason)
		return reason;
	if (client)
		change->values = change->operand + (change->values - client);
	if (change->page)
		ms_capture_before(shard->space, MMSB_PAGE_INDEX(change->page));
	if (change->sqe->op == MMSB_OP_MASK_SPARSE && (change->sqe->flags & MMSB_SQE_PAYLOAD))
		mask_trim((u8 *)change->operand, change->sqe->len, change->value_bytes);
	reason = apply_judged(change, outcome);
	keep = !reason && !(outcome->flags & MMSB_CQE_UNCHANGED);
	if (unlikely(reason && change->sqe->op == MMSB_OP_LOAD)) {
		keep = change->operand_bytes;
		ms_stream_cut(shard, change->operand_bytes);
	}
	if (keep && change->sqe->op == MMSB_OP_DERIVE)
		name_version(change);
	ms_stream_end(shard, keep, outcome->flags & MMSB_CQE_CREATED ? outcome->epoch : 0);
	return reason;
}

static enum mmsb_reason apply(struct ms_shard *shard, struct ms_ring *ring, const struct mmsb_sqe *sqe, struct ms_outcome *outcome)
{
	struct change change = { .shard = shard, .page = sqe->page, .sqe = sqe };
	enum mmsb_reason reason;

	reason = judge_entry(ring, sqe, &change);
	if (reason)
		return reason;
	reason = judge_promise(shard->space, sqe);
	if (reason)
		return reason;
	if (sqe->op == MMSB_OP_NOP || sqe->op == MMSB_OP_FENCE)
		return MMSB_REASON_NONE;
	if (sqe->op == MMSB_OP_TICK)
		return ms_replay_tick(ring, sqe->offset);
	reason = judge_ring(shard, ring, sqe->op);
	if (reason)
		return reason;
	if (unlikely(sqe->op == MMSB_OP_WORDS))
		return ms_words_apply(shard, ring, change.operand, change.operand_bytes, outcome);
	return unlikely(shard->stream) ? apply_told(&change, ring, outcome) : apply_judged(&change, outcome);
}

/* Where a page was made, or words were applied, the completion's epoch is the page. */
static void trace_applied(const struct ms_shard *shard, const struct ms_ring *ring, const struct mmsb_sqe *sqe,
			  const struct ms_outcome *outcome)
{
	bool is_page = (outcome->flags & MMSB_CQE_CREATED) || sqe->op == MMSB_OP_WORDS;
	u64 page = is_page ? outcome->epoch : sqe->page, epoch = is_page ? 0 : outcome->epoch;

	if (outcome->flags & MMSB_CQE_UNCHANGED)
		pf_trace(unchanged, shard->space->id, ring->id, page, sqe->op, epoch, shard->tick);
	else
		pf_trace(apply, shard->space->id, ring->id, page, sqe->op, epoch, shard->tick);
}

enum mmsb_reason ms_delta_apply(struct ms_shard *shard, struct ms_ring *ring, const struct mmsb_sqe *sqe, struct ms_outcome *outcome)
{
	enum mmsb_reason reason;

	pf_runlock_assert(&shard->run);
	outcome->epoch = 0;
	outcome->flags = 0;
	reason = apply(shard, ring, sqe, outcome);
	if (unlikely(reason))
		pf_trace(reject, shard->space->id, ring->id, sqe->page, sqe->op, reason, sqe->user_data);
	else if (unlikely(ms_deltas_are_traced()))
		trace_applied(shard, ring, sqe, outcome);
	return reason;
}

/* A page that goes may have followed pages of other shards, or been followed by them. */
bool ms_delta_is_for_all(const struct ms_space *space, const struct mmsb_sqe *sqe)
{
	if (space->nshards == 1)
		return false;
	if (ms_op_is_graph(sqe->op) || sqe->op == MMSB_OP_TICK || unlikely(space->replay.ring))
		return true;
	return sqe->op == MMSB_OP_DESTROY && space->meeting.graph;
}

bool ms_delta_must_meet(const struct ms_shard *shard, const struct mmsb_sqe *sqe)
{
	const struct ms_space *space = shard->space;
	struct mmsb_line *line;

	if (space->nshards == 1 || space->meeting.open)
		return false;
	if (ms_delta_is_for_all(space, sqe))
		return true;
	if (!shard->graph.foreign || ms_page_find(space, sqe->page, &line))
		return false;
	return (line->flags & MS_LINE_PARENT) || line->kind == MMSB_KIND_DERIVED;
}
