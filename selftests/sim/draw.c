// SPDX-License-Identifier: GPL-2.0-only
#include "draw.h"
#include "space.h"

#define LEN_MAX		64u
#define FIRST_FRESH	400u		/* lines below it are the engine's to choose */

static struct ms_space *space;
static u32 fresh;

void draw_begin(struct ms_space *of)
{
	space = of;
	fresh = FIRST_FRESH;
}

u64 draw_fresh_id(struct rng *rng, u32 shard)
{
	return MMSB_PAGE_ID(1 + rng_below(rng, 3), (shard << MS_BLOCK_SHIFT) + fresh++);
}

u32 draw_size(struct rng *rng)
{
	static const u32 sizes[] = { 64, 64, 72, 100, 128, 255, 256 };

	return sizes[rng_below(rng, sizeof(sizes) / sizeof(sizes[0]))];
}

static u8 draw_byte(struct rng *rng)
{
	static const u8 bytes[] = { 0, 0, 0, 1, 1, 2, 0x7f, 0xff };

	return bytes[rng_below(rng, sizeof(bytes))];
}

/* All bytes are the same, mostly; then a compare has a chance. */
static void draw_bytes(struct rng *rng, u8 *to, u32 n)
{
	bool same = !rng_once_in(rng, 4);
	u8 byte = draw_byte(rng);
	u32 i;

	for (i = 0; i < n; i++)
		to[i] = same ? byte : draw_byte(rng);
}

static u32 lane_bytes(u8 lane)
{
	return 1u << (lane & 3);
}

static u32 mask_bytes(u32 len)
{
	return (len + 63) / 64 * 8;
}

/* ------------------------------------------------------------------------------------------------------- operations */

static const u8 page_ops[] = {
	MMSB_OP_SET, MMSB_OP_SET, MMSB_OP_SET, MMSB_OP_ADD, MMSB_OP_ADD, MMSB_OP_ADD, MMSB_OP_CAS, MMSB_OP_CAS, MMSB_OP_SUB,
	MMSB_OP_MIN, MMSB_OP_MAX, MMSB_OP_AND, MMSB_OP_OR, MMSB_OP_XOR, MMSB_OP_FILL, MMSB_OP_MASK, MMSB_OP_MASK_SPARSE,
	MMSB_OP_APPEND,
};

static bool op_has_lanes(u8 op)
{
	return op == MMSB_OP_FILL || (op >= MMSB_OP_ADD && op <= MMSB_OP_XOR);
}

static u32 operand_bytes(const struct mmsb_sqe *sqe)
{
	switch (sqe->op) {
	case MMSB_OP_CAS:
		return 2 * sqe->len;
	case MMSB_OP_MASK:
	case MMSB_OP_MASK_SPARSE:
		return mask_bytes(sqe->len) + sqe->len;
	case MMSB_OP_FILL:
		return lane_bytes(sqe->lane);
	default:
		return sqe->flags & MMSB_SQE_SPLAT ? lane_bytes(sqe->lane) : sqe->len;
	}
}

/* One word mostly, which takes the engine's short way; sometimes nearly all of the page. */
static void draw_range(struct rng *rng, struct mmsb_sqe *sqe, u32 size)
{
	u32 unit = op_has_lanes(sqe->op) ? lane_bytes(sqe->lane) : 1, room;

	if (sqe->op == MMSB_OP_APPEND) {
		sqe->offset = 8 * rng_below(rng, 2);
		sqe->len = 1 + (u32)rng_below(rng, 8);
		return;
	}
	if (rng_once_in(rng, 2)) {
		sqe->offset = 8 * rng_below(rng, 3);
		sqe->len = unit > 1 ? unit : 8;
		return;
	}
	sqe->offset = rng_below(rng, size / unit) * unit;
	room = (size - (u32)sqe->offset) / unit * unit;
	sqe->len = unit * (1 + (u32)rng_below(rng, LEN_MAX / unit));
	if (sqe->len > room)
		sqe->len = room;
}

static void draw_page_op(struct rng *rng, struct record *record, bool has_slot)
{
	struct mmsb_sqe *sqe = &record->sqe;
	u8 operand[OPERAND_MAX];
	u32 bytes;

	sqe->op = page_ops[rng_below(rng, sizeof(page_ops))];
	if (op_has_lanes(sqe->op))
		sqe->lane = (u8)rng_below(rng, MMSB_LANE_LAST);
	if (sqe->op >= MMSB_OP_ADD && sqe->op <= MMSB_OP_XOR && rng_once_in(rng, 3))
		sqe->flags |= MMSB_SQE_SPLAT;
	draw_range(rng, sqe, record->book->size);
	bytes = operand_bytes(sqe);
	draw_bytes(rng, operand, OPERAND_MAX);
	if (has_slot && (bytes > MMSB_INLINE_MAX || rng_once_in(rng, 4))) {
		sqe->flags |= MMSB_SQE_PAYLOAD;
		memcpy(record->operand, operand, OPERAND_MAX);
	} else {
		memcpy(sqe->operand, operand, MMSB_INLINE_MAX);
	}
	if (rng_once_in(rng, 8)) {
		sqe->flags |= MMSB_SQE_IF_EPOCH;
		sqe->epoch = record->book->seen + rng_below(rng, 2);
	}
}

/* What every engine has to refuse from the entry alone, or from the page's size. */
static void spoil(struct rng *rng, struct mmsb_sqe *sqe)
{
	switch (rng_below(rng, 4)) {
	case 0:
		sqe->op = MMSB_OP_LAST + (u8)rng_below(rng, 200);
		break;
	case 1:
		sqe->len = 0;
		break;
	case 2:
		sqe->offset += 8 * rng_below(rng, 64);
		break;
	default:
		sqe->flags |= 1u << 15;
		break;
	}
}

/* ------------------------------------------------------------------------------------------------------------ pages */

static bool is_far(const struct client *client, u64 page)
{
	return ms_space_owner(space, MMSB_PAGE_INDEX(page)) != client->shard;
}

/* A page that the client may use: its own or, unless it may die, anybody's. */
static struct book *draw_book(struct rng *rng, const struct client *client)
{
	struct book *book;
	u32 tries;

	for (tries = 0; tries < 8; tries++) {
		book = ledger_any((u32)rng_next(rng));
		if (book && (book->owner == client || (!book->owner && !client->mortal)))
			return book;
	}
	return NULL;
}

/* By a name that is known at once, the page is the ring's own; else it is anybody's, or, when the answer comes, its own. */
static void draw_create(struct rng *rng, struct client *client, struct record *record)
{
	struct mmsb_sqe *sqe = &record->sqe;

	sqe->op = MMSB_OP_CREATE;
	sqe->len = draw_size(rng);
	record->secret = client->mortal || rng_once_in(rng, 2);
	if (!record->secret || ledger_is_blurred() || rng_once_in(rng, 2))
		return;
	sqe->flags = MMSB_SQE_AT;
	sqe->page = draw_fresh_id(rng, (u32)rng_below(rng, space->nshards));
	record->book = ledger_book(sqe->page, sqe->len, client);
	if (!record->book) {
		sqe->flags = 0;
		sqe->page = 0;
	}
}

void draw_record(struct rng *rng, struct client *client, struct record *record, bool has_slot)
{
	struct mmsb_sqe *sqe = &record->sqe;
	bool flood = client->sq_entries > 8;
	u64 kind = rng_below(rng, flood ? 1024 : 64);

	memset(sqe, 0, sizeof(*sqe));
	record->book = kind < 6 ? NULL : draw_book(rng, client);
	if (!record->book && kind < 3) {
		sqe->op = MMSB_OP_FENCE;
	} else if (!record->book) {
		draw_create(rng, client, record);
	} else if (kind == 63 || (kind == 62 && record->book->owner)) {
		sqe->op = MMSB_OP_DESTROY;
	} else {
		draw_page_op(rng, record, has_slot);
		if (kind == 61)
			spoil(rng, sqe);
	}
	if (record->book)
		sqe->page = record->book->id;
	record->far = is_far(client, sqe->page);
	if (rng_once_in(rng, 4) && (sqe->op == MMSB_OP_FENCE || (record->book && record->book->owner)))
		sqe->flags |= MMSB_SQE_QUIET;
}

void draw_bump(struct record *record, struct book *book)
{
	record->sqe = (struct mmsb_sqe){ .op = MMSB_OP_ADD, .lane = MMSB_LANE_U8, .len = 1, .page = book->id, .word = { 1 } };
	record->book = book;
	record->far = true;
}
