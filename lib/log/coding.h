/* SPDX-License-Identifier: MIT */
/*
 * What the two ends of the compact form of records share: numbers of variable length, and what both remember of the records before, so that
 * a record says only what it has new. Encoder and decoder of a file keep a struct msl_context each, which the same records bring to the
 * same state; it lives as long as the file, while no record reaches from one frame into the next.
 *
 * A record begins with a byte that says what it is. With its top bit set it is a WORD, by far the most frequent: an inline set, or one
 * lane of arithmetic, on an aligned word, without condition. What a WORD can say is always written as one, so a record has one form only.
 */
#ifndef MMSB_LOG_CODING_H
#define MMSB_LOG_CODING_H

#include <string.h>
#include "format.h"

enum msl_code {
	MSL_CODE_AT = 1,	/* the tick of the records behind it: by how much it moves */
	MSL_CODE_RUN,		/* u16: the WORD before, so many times more */
	MSL_CODE_ORIGIN,	/* number, source, uid, pid: from here on this number is this origin */
	MSL_CODE_DELTA,
	MSL_CODE_TICK,
	MSL_CODE_HASH,
	MSL_CODE_RESET,
	MSL_CODE_END,
	MSL_CODE_CAPTURE,
	MSL_CODE_CAPTURED,
	MSL_CODE_IMAGE,
	MSL_CODE_LAST,
};

/* WORD: 1, the bits below, and how many bytes of operand follow (0 to 6; 7: 8). */
#define MSL_WORD		0x80u
#define MSL_WORD_SHAPE		0x40u	/* its shape is not the last WORD's */
#define MSL_WORD_ORIGIN		0x20u	/* its origin is not the last delta's */
#define MSL_WORD_ID		0x10u	/* generation and shard are not those guessed */
#define MSL_WORD_SAME		0x08u	/* the page of the record before */
#define MSL_WORD_BYTES		0x07u

/* TICK, HASH, CAPTURE, RESET, END, CAPTURED: with the code. */
#define MSL_STATE_CODE		0x0fu
#define MSL_STATE_HASH		0x10u	/* 16 bytes of hash */
#define MSL_STATE_SHARD		0x20u	/* not shard 0 */
#define MSL_STATE_FLAGS		0x40u	/* not the last one's flags */

/* DELTA: what follows. */
#define MSL_DELTA_FLAGS		0x001u
#define MSL_DELTA_PAGE		0x002u	/* not the page of the record before */
#define MSL_DELTA_ID		0x004u	/* as MSL_WORD_ID */
#define MSL_DELTA_OFFSET	0x008u
#define MSL_DELTA_INLINE	0x010u	/* a count, and so many bytes of the entry's operand */
#define MSL_DELTA_PAYLOAD	0x020u	/* an operand behind the entry */
#define MSL_DELTA_ORIGIN	0x040u	/* as MSL_WORD_ORIGIN */
#define MSL_DELTA_GRAPH		0x080u	/* the operand, of whichever sort, is parents, with their ids in short */
#define MSL_DELTA_EPOCH		0x100u
#define MSL_DELTA_USER_DATA	0x200u
#define MSL_DELTA_RECORD_FLAGS	0x400u
#define MSL_DELTA_KNOWN		0x7ffu

/* IMAGE: what it begins with. */
#define MSL_IMAGE_ID		0x01u	/* the generation is not the one guessed */
#define MSL_IMAGE_GRAPH		0x02u	/* what it is derived from, in short */
#define MSL_IMAGE_RAW_GRAPH	0x04u	/* the same as it stands in the record */
#define MSL_IMAGE_PIECE		0x08u	/* offset and length: not all of the page from its beginning on */
#define MSL_IMAGE_RECORD	0x10u	/* flags and shard of the record */
#define MSL_IMAGE_SHAPE		0x20u	/* size, kind, flags and height are not those of the image before */
#define MSL_IMAGE_KNOWN		0x3fu

#define MSL_RUN_MAX		4096u
#define MSL_ORIGINS		4096u
#define MSL_LINES		4096u	/* remembered generations */

struct msl_context {
	uint64_t tick;
	uint64_t time;
	uint32_t index;			/* of the page of the record before */
	uint32_t origin;		/* number */
	uint32_t shards;		/* of the space; 0: not known, and the guess is 0 */
	uint8_t shape;
	uint8_t flags;			/* of the last record that told a state */
	uint32_t image_bytes, image_height;
	uint8_t image_kind, image_flags;
	struct {
		uint32_t index, generation;
	} line[MSL_LINES];		/* those that came with a generation that was not guessed */
	struct mmsb_origin origins[MSL_ORIGINS];
};

void msl_context_begin(struct msl_context *context, uint32_t shards);

static inline uint32_t msl_guess_generation(const struct msl_context *context, uint32_t index)
{
	return context->line[index % MSL_LINES].index == index ? context->line[index % MSL_LINES].generation : 1;
}

static inline void msl_learn_generation(struct msl_context *context, uint64_t page)
{
	uint32_t index = MMSB_PAGE_INDEX(page);

	context->line[index % MSL_LINES].index = index;
	context->line[index % MSL_LINES].generation = MMSB_PAGE_GENERATION(page);
}

/* Blocks of 1024 lines go round the shards (Documentation/architecture.md). */
static inline uint32_t msl_guess_shard(const struct msl_context *context, uint32_t index)
{
	return context->shards > 1 ? index / 1024 % context->shards : 0;
}

static inline bool msl_guesses(const struct msl_context *context, uint64_t page, uint16_t shard)
{
	uint32_t index = MMSB_PAGE_INDEX(page);

	return msl_guess_generation(context, index) == MMSB_PAGE_GENERATION(page) && msl_guess_shard(context, index) == shard;
}

/* ---------------------------------------------------------------------------------------------------------- numbers */

static inline uint64_t msl_zigzag(int64_t value)
{
	return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static inline int64_t msl_unzigzag(uint64_t value)
{
	return (int64_t)(value >> 1 ^ -(value & 1));
}

/*
 * Seven bits a byte, the low ones first; the top bit says that more follow. Lengths are hard to foresee, so up to four bytes are put
 * together without a branch; room for eight is taken for granted behind `to`.
 */
#define MSL_VARINT_MAX		10

static inline uint8_t *msl_put(uint8_t *to, uint64_t value)
{
	uint32_t n = (38u - (uint32_t)__builtin_clz((uint32_t)value | 1)) / 7, bytes;

	if (msl_likely(value < 1u << 28)) {
		bytes = (uint32_t)((value & 0x7f) | (value << 1 & 0x7f00) | (value << 2 & 0x7f0000) | (value << 3 & 0x7f000000));
		bytes |= 0x80808080u & ((1u << 8 * (n - 1)) - 1);
		memcpy(to, &bytes, sizeof(bytes));
		return to + n;
	}
	for (; value >= 0x80; value >>= 7)
		*to++ = (uint8_t)(value | 0x80);
	*to++ = (uint8_t)value;
	return to;
}

static inline uint8_t *msl_put_index(uint8_t *to, uint32_t index, uint32_t before)
{
	return msl_put(to, msl_zigzag((int32_t)(index - before)));
}

/* What is left to decode. Whoever reads behind the end gets zeros, and `bad` is set. */
struct msl_input {
	const uint8_t *at, *end;
	bool bad;
};

static inline uint8_t msl_get_byte(struct msl_input *in)
{
	if (msl_unlikely(in->at == in->end)) {
		in->bad = true;
		return 0;
	}
	return *in->at++;
}

uint64_t msl_get_long(struct msl_input *in);

/* Most are of one byte, but for those of the usual words, which are got in another way (decode.c). */
static inline uint64_t msl_get(struct msl_input *in)
{
	uint64_t bytes, last;

	if (msl_likely(in->at < in->end && *in->at < 0x80))
		return *in->at++;
	if (msl_unlikely(in->end - in->at < 8))
		return msl_get_long(in);
	memcpy(&bytes, in->at, sizeof(bytes));
	last = ~bytes & 0x8080808080808080ull;
	if (msl_unlikely(!last))
		return msl_get_long(in);
	in->at += ((uint32_t)__builtin_ctzll(last) + 1) / 8;
	bytes &= (last ^ (last - 1)) & 0x7f7f7f7f7f7f7f7full;
	bytes = (bytes & 0x007f007f007f007full) | (bytes & 0x7f007f007f007f00ull) >> 1;
	bytes = (bytes & 0x00003fff00003fffull) | (bytes & 0x3fff00003fff0000ull) >> 2;
	return (bytes & 0x0fffffffull) | (bytes & 0x0fffffff00000000ull) >> 4;
}

/* One that takes at most 4 bytes, which can be read: where it ends, or NULL if it is longer. */
static inline const uint8_t *msl_get_short(const uint8_t *at, uint32_t *value)
{
	uint32_t bytes, last;

	memcpy(&bytes, at, sizeof(bytes));
	last = ~bytes & 0x80808080u;
	if (msl_unlikely(!last))
		return NULL;
	bytes &= (last ^ (last - 1)) & 0x7f7f7f7f;
	bytes -= (bytes & 0x7f007f00) >> 1;
	*value = (bytes & 0x3fff) | bytes >> 16 << 14;
	return at + 1 + ((uint32_t)__builtin_ctz(last) >> 3);
}

static inline uint32_t msl_get_index(struct msl_input *in, uint32_t before)
{
	return before + (uint32_t)msl_unzigzag(msl_get(in));
}

/* At most `max`; more is bad. */
static inline uint64_t msl_get_upto(struct msl_input *in, uint64_t max)
{
	uint64_t value = msl_get(in);

	if (msl_likely(value <= max))
		return value;
	in->bad = true;
	return 0;
}

/* `n` bytes that follow; NULL: they are not there. */
static inline const uint8_t *msl_get_bytes(struct msl_input *in, size_t n)
{
	const uint8_t *at = in->at;

	if (msl_unlikely((size_t)(in->end - at) < n)) {
		in->bad = true;
		return NULL;
	}
	in->at += n;
	return at;
}

/* ------------------------------------------------------------------------------------------------------------ words */

#define MSL_SHAPES	64u

/* The number of a WORD's shape: of a set 0 to 3, by length; of arithmetic 8 for each operation, and its lane. None: MSL_SHAPES. */
static inline uint32_t msl_shape_of(uint8_t op, uint8_t lane, uint32_t len)
{
	if (op == MMSB_OP_SET && !lane && len <= 8 && len && !(len & (len - 1)))
		return (uint32_t)__builtin_ctz(len);
	if (op >= MMSB_OP_ADD && op <= MMSB_OP_XOR && lane < MMSB_LANE_LAST && len == 1u << (lane & 3))
		return (op - MMSB_OP_ADD + 1u) * 8 + lane;
	return MSL_SHAPES;
}

static inline uint8_t msl_shape_op(uint32_t shape)
{
	return shape < 8 ? MMSB_OP_SET : (uint8_t)(MMSB_OP_ADD + shape / 8 - 1);
}

static inline uint8_t msl_shape_lane(uint32_t shape)
{
	return shape < 8 ? 0 : shape % 8;
}

static inline uint32_t msl_shape_shift(uint32_t shape)	/* of its length */
{
	return shape & 3;
}

/* Small negative numbers are short, too. */
static inline bool msl_shape_is_signed(uint32_t shape)
{
	return shape >= 8 && shape % 8 == MMSB_LANE_I64;
}

#endif
