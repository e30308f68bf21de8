// SPDX-License-Identifier: MIT
#include "decode.h"
#include "edges.h"

void msl_decoder_begin(struct msl_decoder *decoder, uint32_t shards)
{
	memset(decoder, 0, sizeof(*decoder));
	msl_context_begin(&decoder->context, shards);
}

void msl_decoder_end(struct msl_decoder *decoder)
{
	free(decoder->record);
	decoder->record = NULL;
	decoder->room = 0;
}

void msl_decoder_frame(struct msl_decoder *decoder, const void *bytes, size_t n)
{
	decoder->in = (struct msl_input){ bytes, (const uint8_t *)bytes + n, false };
	decoder->run = 0;
	decoder->repeats = false;
}

static struct msl_context *context_of(struct msl_decoder *decoder)
{
	return &decoder->context;
}

/* Room for a record of so many bytes, zeros. */
static void *record_room(struct msl_decoder *decoder, size_t bytes)
{
	if (bytes > decoder->room) {
		msl_decoder_end(decoder);
		decoder->record = msl_alloc(bytes);
		if (!decoder->record)
			return NULL;
		decoder->room = bytes;
		return decoder->record;
	}
	return memset(decoder->record, 0, bytes);
}

static uint64_t get_page(struct msl_decoder *decoder, bool moves, bool id, uint16_t *shard)
{
	struct msl_context *context = context_of(decoder);
	struct msl_input *in = &decoder->in;
	uint64_t page;

	if (moves)
		context->index = msl_get_index(in, context->index);
	if (msl_likely(!id)) {
		*shard = (uint16_t)msl_guess_shard(context, context->index);
		return MMSB_PAGE_ID(msl_guess_generation(context, context->index), context->index);
	}
	page = MMSB_PAGE_ID(msl_get_upto(in, UINT32_MAX), context->index);
	msl_learn_generation(context, page);
	*shard = (uint16_t)msl_get_upto(in, UINT16_MAX);
	return page;
}

static void get_origin_number(struct msl_decoder *decoder, bool moves)
{
	if (moves)
		decoder->context.origin = (uint32_t)msl_get_upto(&decoder->in, MSL_ORIGINS - 1);
}

/* What parts one record from another, and is none itself. */
static void get_origin(struct msl_decoder *decoder)
{
	struct mmsb_origin *origin = &decoder->context.origins[msl_get_upto(&decoder->in, MSL_ORIGINS - 1)];

	origin->source = msl_get(&decoder->in);
	origin->uid = (uint32_t)msl_get_upto(&decoder->in, UINT32_MAX);
	origin->pid = (uint32_t)msl_get_upto(&decoder->in, UINT32_MAX);
	decoder->repeats = false;
}

static void get_tick(struct msl_decoder *decoder)
{
	decoder->context.tick += msl_get(&decoder->in);
	decoder->repeats = false;
}

/* ------------------------------------------------------------------------------------------------------------ words */

static uint32_t operand_bytes(uint8_t head)
{
	uint32_t n = head & MSL_WORD_BYTES;

	return n + (n + 1) / 8;
}

/* From 8 bytes that can be read. */
static uint64_t load_operand(const uint8_t *at, uint8_t head)
{
	static const uint64_t mask[] = { 0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xffffffffff, 0xffffffffffff, ~0ull };
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value & mask[head & MSL_WORD_BYTES];
}

static uint64_t get_operand(struct msl_input *in, uint8_t head)
{
	uint32_t n = operand_bytes(head);
	uint64_t value = 0;
	const uint8_t *at;

	if (msl_likely(in->end - in->at >= 8)) {
		value = load_operand(in->at, head);
		in->at += n;
		return value;
	}
	at = msl_get_bytes(in, n);
	if (at)
		memcpy(&value, at, n);
	return value;
}

/* False: it is none. */
static inline __attribute__((__always_inline__)) bool get_word(struct msl_decoder *decoder, uint8_t head)
{
	struct msl_context *context = context_of(decoder);
	struct mmsb_word *word = &decoder->word;
	struct msl_input *in = &decoder->in;
	uint32_t shape, shift;

	if (head & MSL_WORD_SHAPE)
		context->shape = msl_get_byte(in);
	shape = context->shape;
	shift = msl_shape_shift(shape);
	if (msl_unlikely(shape >= MSL_SHAPES || (shape & ~3u) == 4))
		return false;
	get_origin_number(decoder, head & MSL_WORD_ORIGIN);
	word->page = get_page(decoder, !(head & MSL_WORD_SAME), head & MSL_WORD_ID, &decoder->shard);
	word->op = msl_shape_op(shape);
	word->lane = msl_shape_lane(shape);
	word->len = (uint8_t)(1u << shift);
	word->flags = 0;
	word->offset = (uint32_t)msl_get_upto(in, UINT32_MAX >> shift) << shift;
	word->word = get_operand(in, head);
	if (msl_shape_is_signed(shape))
		word->word = (uint64_t)msl_unzigzag(word->word);
	return true;
}

/* As the delta that means the same. */
static void dress(struct msl_decoder *decoder)
{
	const struct msl_context *context = &decoder->context;
	struct mmsb_delta_record *delta = &decoder->delta;
	const struct mmsb_word *word = &decoder->word;

	*delta = (struct mmsb_delta_record){
		.record = { sizeof(*delta), MMSB_RECORD_DELTA, 0, decoder->shard, context->tick },
		.origin = context->origins[context->origin],
		.sqe = { .op = word->op, .lane = word->lane, .len = word->len, .page = word->page, .offset = word->offset,
			 .word = { word->word } },
	};
	decoder->dressed = true;
}

static int decode_word(struct msl_decoder *decoder, uint8_t head, const struct mmsb_record **record)
{
	if (!get_word(decoder, head))
		return -EBADMSG;
	dress(decoder);
	*record = &decoder->delta.record;
	decoder->repeats = true;
	return 0;
}

static int decode_run(struct msl_decoder *decoder)
{
	const uint8_t *at = msl_get_bytes(&decoder->in, sizeof(uint16_t));
	uint16_t count = 0;

	if (at)
		memcpy(&count, at, sizeof(count));
	if (!decoder->repeats || !count || count > MSL_RUN_MAX)
		return -EBADMSG;
	decoder->run = count;
	return 0;
}

/* ----------------------------------------------------------------------------------------------------------- deltas */

static uint32_t get_delta_head(struct msl_decoder *decoder, struct mmsb_delta_record *delta)
{
	struct msl_input *in = &decoder->in;
	struct mmsb_sqe *sqe = &delta->sqe;
	uint32_t mask;

	sqe->op = msl_get_byte(in);
	sqe->lane = msl_get_byte(in);
	mask = (uint32_t)msl_get_upto(in, MSL_DELTA_KNOWN);
	sqe->len = (uint32_t)msl_get_upto(in, UINT32_MAX);
	sqe->flags = mask & MSL_DELTA_FLAGS ? (uint16_t)msl_get_upto(in, UINT16_MAX) : 0;
	sqe->page = get_page(decoder, mask & MSL_DELTA_PAGE, mask & MSL_DELTA_ID, &delta->record.shard);
	sqe->offset = mask & MSL_DELTA_OFFSET ? msl_get(in) : 0;
	get_origin_number(decoder, mask & MSL_DELTA_ORIGIN);
	delta->origin = decoder->context.origins[decoder->context.origin];
	sqe->epoch = mask & MSL_DELTA_EPOCH ? msl_get(in) : 0;
	sqe->user_data = mask & MSL_DELTA_USER_DATA ? msl_get(in) : 0;
	delta->record.flags = mask & MSL_DELTA_RECORD_FLAGS ? msl_get_byte(in) : 0;
	return mask;
}

static void get_trimmed(struct msl_input *in, uint8_t *to, uint64_t bytes)
{
	uint64_t n = msl_get_upto(in, bytes);
	const uint8_t *at = msl_get_bytes(in, n);

	if (at)
		memcpy(to, at, n);
}

static void get_delta_operand(struct msl_decoder *decoder, struct mmsb_delta_record *delta, uint32_t mask)
{
	struct mmsb_sqe *sqe = &delta->sqe;
	struct msl_input *in = &decoder->in;
	bool payload = mask & MSL_DELTA_PAYLOAD;
	uint8_t *operand = payload ? (uint8_t *)(delta + 1) : sqe->operand;
	uint64_t bytes = payload ? delta->operand_bytes : sqe->len;

	if (mask & MSL_DELTA_GRAPH)
		msl_get_edges(context_of(decoder), in, sqe->op, operand, bytes);
	else if (payload)
		get_trimmed(in, operand, bytes);
	if (mask & MSL_DELTA_INLINE && (payload || !(mask & MSL_DELTA_GRAPH)))
		get_trimmed(in, sqe->operand, MMSB_INLINE_MAX);
}

static int decode_delta(struct msl_decoder *decoder, const struct mmsb_record **record)
{
	struct mmsb_delta_record head = { .record = { .type = MMSB_RECORD_DELTA, .tick = decoder->context.tick } }, *delta;
	uint32_t mask = get_delta_head(decoder, &head);
	size_t padded;

	if (mask & MSL_DELTA_PAYLOAD)
		head.operand_bytes = msl_get_upto(&decoder->in, MSL_OPERAND_MAX);
	if (mask & MSL_DELTA_GRAPH && !(mask & MSL_DELTA_PAYLOAD) && head.sqe.len > MMSB_INLINE_MAX)
		return -EBADMSG;
	if (decoder->in.bad || !(mask & MSL_DELTA_PAYLOAD) != !(head.sqe.flags & MMSB_SQE_PAYLOAD))
		return -EBADMSG;
	padded = (head.operand_bytes + 7) & ~7ull;
	head.record.bytes = (uint32_t)(sizeof(head) + padded);
	delta = record_room(decoder, head.record.bytes);
	if (!delta)
		return -ENOMEM;
	*delta = head;
	get_delta_operand(decoder, delta, mask);
	*record = &delta->record;
	return 0;
}

/* ----------------------------------------------------------------------------------------------------------- states */

static void get_state(struct msl_decoder *decoder, uint8_t head, uint8_t type, uint32_t bytes)
{
	struct mmsb_record *record = &decoder->state.record;

	decoder->state = (struct mmsb_hash_record){ .record = { bytes, type, 0, 0, decoder->context.tick } };
	if (head & MSL_STATE_SHARD)
		record->shard = (uint16_t)msl_get_upto(&decoder->in, UINT16_MAX);
	if (head & MSL_STATE_FLAGS)
		decoder->context.flags = msl_get_byte(&decoder->in);
	record->flags = decoder->context.flags;
}

static int decode_plain(struct msl_decoder *decoder, uint8_t head, uint8_t type, const struct mmsb_record **record)
{
	if (head & MSL_STATE_HASH)
		return -EBADMSG;
	get_state(decoder, head, type, sizeof(struct mmsb_record));
	*record = &decoder->state.record;
	return 0;
}

static int decode_hash(struct msl_decoder *decoder, uint8_t head, uint8_t type, const struct mmsb_record **record)
{
	struct mmsb_hash_record *state = &decoder->state;
	const uint8_t *at;

	get_state(decoder, head, type, sizeof(*state));
	state->time = decoder->context.time += (uint64_t)msl_unzigzag(msl_get(&decoder->in));
	if (head & MSL_STATE_HASH) {
		at = msl_get_bytes(&decoder->in, sizeof(state->hash));
		if (at)
			memcpy(state->hash, at, sizeof(state->hash));
	}
	*record = &state->record;
	return 0;
}

/* ----------------------------------------------------------------------------------------------------------- images */

static void get_image_shape(struct msl_decoder *decoder)
{
	struct msl_context *context = context_of(decoder);
	struct msl_input *in = &decoder->in;

	context->image_bytes = (uint32_t)msl_get_upto(in, UINT32_MAX);
	context->image_height = (uint32_t)msl_get_upto(in, UINT32_MAX);
	context->image_kind = msl_get_byte(in);
	context->image_flags = msl_get_byte(in);
}

static void get_image_place(struct msl_decoder *decoder, struct mmsb_image *image, uint8_t mask)
{
	struct msl_context *context = context_of(decoder);
	struct msl_input *in = &decoder->in;
	uint32_t generation;

	context->index = msl_get_index(in, context->index);
	generation = mask & MSL_IMAGE_ID ? (uint32_t)msl_get_upto(in, UINT32_MAX) : msl_guess_generation(context, context->index);
	image->page = MMSB_PAGE_ID(generation, context->index);
	if (mask & MSL_IMAGE_ID)
		msl_learn_generation(context, image->page);
	if (mask & MSL_IMAGE_SHAPE)
		get_image_shape(decoder);
	image->bytes = context->image_bytes;
	image->height = context->image_height;
	image->kind = context->image_kind;
	image->flags = context->image_flags;
}

static uint8_t get_image_head(struct msl_decoder *decoder, struct mmsb_image *image)
{
	struct msl_input *in = &decoder->in;
	uint8_t mask = msl_get_byte(in);

	in->bad |= !!(mask & ~MSL_IMAGE_KNOWN);
	get_image_place(decoder, image, mask);
	image->epoch = msl_get(in);
	image->tick = image->record.tick - msl_get(in);
	image->offset = mask & MSL_IMAGE_PIECE ? msl_get(in) : 0;
	image->length = mask & MSL_IMAGE_PIECE ? (uint32_t)msl_get_upto(in, MMSB_IMAGE_PIECE) : image->bytes;
	if (mask & MSL_IMAGE_RECORD) {
		image->record.flags = msl_get_byte(in);
		image->record.shard = (uint16_t)msl_get_upto(in, UINT16_MAX);
	}
	if (mask & (MSL_IMAGE_GRAPH | MSL_IMAGE_RAW_GRAPH)) {
		image->edges = (uint32_t)msl_get_upto(in, MMSB_PARENTS_MAX);
		in->bad |= !image->edges;
	}
	in->bad |= image->length > MMSB_IMAGE_PIECE;
	return mask;
}

static size_t derive_bytes(const struct mmsb_image *image)
{
	return image->edges ? sizeof(struct mmsb_derive) + image->edges * sizeof(struct mmsb_edge) : 0;
}

static void get_image_edges(struct msl_decoder *decoder, struct mmsb_image *image, uint8_t mask)
{
	uint8_t *to = (uint8_t *)(image + 1);
	size_t bytes = derive_bytes(image);
	const uint8_t *at = NULL;
	uint64_t seen;
	uint32_t i;

	if (mask & MSL_IMAGE_GRAPH)
		msl_get_edges(context_of(decoder), &decoder->in, MMSB_OP_DERIVE, to, bytes);
	else
		at = msl_get_bytes(&decoder->in, bytes);
	if (at)
		memcpy(to, at, bytes);
	for (i = 0; i < image->edges; i++) {
		seen = msl_get(&decoder->in);
		memcpy(to + bytes + i * sizeof(seen), &seen, sizeof(seen));
	}
}

static int decode_image(struct msl_decoder *decoder, const struct mmsb_record **record)
{
	struct mmsb_image head = { .record = { .type = MMSB_RECORD_IMAGE, .tick = decoder->context.tick } }, *image;
	uint8_t mask = get_image_head(decoder, &head);
	size_t before = derive_bytes(&head) + head.edges * sizeof(uint64_t);

	if (decoder->in.bad)
		return -EBADMSG;
	head.record.bytes = (uint32_t)(sizeof(head) + before + ((head.length + 7ull) & ~7ull));
	image = record_room(decoder, head.record.bytes);
	if (!image)
		return -ENOMEM;
	*image = head;
	if (head.edges)
		get_image_edges(decoder, image, mask);
	get_trimmed(&decoder->in, (uint8_t *)(image + 1) + before, head.length);
	*record = &image->record;
	return 0;
}

/* -------------------------------------------------------------------------------------------------------------- all */

static int decode_rare(struct msl_decoder *decoder, uint8_t head, const struct mmsb_record **record)
{
	decoder->repeats = false;
	switch (head & MSL_STATE_CODE) {
	case MSL_CODE_TICK:
		return decode_hash(decoder, head, MMSB_RECORD_TICK, record);
	case MSL_CODE_HASH:
		return decode_hash(decoder, head, MMSB_RECORD_HASH, record);
	case MSL_CODE_CAPTURE:
		return decode_hash(decoder, head, MMSB_RECORD_CAPTURE, record);
	case MSL_CODE_RESET:
		return decode_plain(decoder, head, MMSB_RECORD_RESET, record);
	case MSL_CODE_END:
		return decode_plain(decoder, head, MMSB_RECORD_END, record);
	case MSL_CODE_CAPTURED:
		return decode_plain(decoder, head, MMSB_RECORD_CAPTURED, record);
	case MSL_CODE_DELTA:
		return head == MSL_CODE_DELTA ? decode_delta(decoder, record) : -EBADMSG;
	case MSL_CODE_IMAGE:
		return head == MSL_CODE_IMAGE ? decode_image(decoder, record) : -EBADMSG;
	default:
		return -EBADMSG;
	}
}

/* One record, or something that stands between two: *record is NULL then. */
static int decode_one(struct msl_decoder *decoder, const struct mmsb_record **record)
{
	uint8_t head = msl_get_byte(&decoder->in);
	int err = 0;

	*record = NULL;
	if (msl_likely(head & MSL_WORD))
		err = decode_word(decoder, head, record);
	else if (head == MSL_CODE_AT)
		get_tick(decoder);
	else if (head == MSL_CODE_RUN)
		err = decode_run(decoder);
	else if (head == MSL_CODE_ORIGIN)
		get_origin(decoder);
	else
		err = decode_rare(decoder, head, record);
	return decoder->in.bad && err != -ENOMEM ? -EBADMSG : err;
}

int msl_decode(struct msl_decoder *decoder, const struct mmsb_record **record)
{
	int err = 0;

	*record = NULL;
	while (!err && !*record) {
		if (decoder->run) {
			decoder->run--;
			if (msl_unlikely(!decoder->dressed))
				dress(decoder);
			*record = &decoder->delta.record;
		} else if (decoder->in.at == decoder->in.end) {
			return -ENODATA;
		} else {
			err = decode_one(decoder, record);
		}
	}
	return err;
}

/* --------------------------------------------------------------------------------------------------------- in bulk */

static bool word_is_next(const struct msl_input *in)
{
	return in->at < in->end && *in->at & MSL_WORD;
}

static bool run_is_next(const struct msl_decoder *decoder)
{
	return decoder->repeats && decoder->in.at < decoder->in.end && *decoder->in.at == MSL_CODE_RUN;
}

/* What repeats the last word is as good as one. */
static uint32_t take_run(struct msl_decoder *decoder, uint32_t n)
{
	for (; decoder->run && n < MSL_WORDS; decoder->run--)
		decoder->words[n++] = decoder->word;
	return n;
}

#define USUAL		(MSL_WORD | MSL_WORD_SHAPE | MSL_WORD_ORIGIN | MSL_WORD_ID)	/* of these bits it has the first alone */
#define USUAL_BYTES	16		/* so many are left: each part of it can be got with one load */

/*
 * Of nearly all words only page, offset and operand are new. Here nothing but the place in the frame leads from one to the next, and that not
 * through memory. Stops at the first that is not of this kind.
 */
static uint32_t take_usual(struct msl_decoder *decoder, uint32_t n)
{
	struct msl_context *context = context_of(decoder);
	const uint8_t *at = decoder->in.at, *last = decoder->in.end - USUAL_BYTES;
	struct mmsb_word word = decoder->word, *to = decoder->words + n, *end = decoder->words + MSL_WORDS;
	uint32_t index = context->index, shift = msl_shape_shift(context->shape);
	bool is_signed = msl_shape_is_signed(context->shape);

	while (at <= last && (*at & USUAL) == MSL_WORD && to < end) {
		const uint8_t *rest = at + 1;
		uint32_t head = *at, number;

		if (msl_likely(!(head & MSL_WORD_SAME))) {
			rest = msl_get_short(rest, &number);
			if (msl_unlikely(!rest || *rest & 0x80))
				break;
			index += (uint32_t)msl_unzigzag(number);
			word.page = MMSB_PAGE_ID(msl_guess_generation(context, index), index);
		} else if (msl_unlikely(*rest & 0x80)) {
			break;
		}
		word.offset = (uint32_t)*rest++ << shift;
		word.word = load_operand(rest, head);
		if (is_signed)
			word.word = (uint64_t)msl_unzigzag(word.word);
		at = rest + operand_bytes(head);
		*to++ = word;
	}
	if (at == decoder->in.at)
		return n;
	decoder->word = word;
	decoder->shard = (uint16_t)msl_guess_shard(context, index);
	decoder->in.at = at;
	context->index = index;
	return (uint32_t)(to - decoder->words);
}

/* With a first one taken the general way, that brings the shape. */
static uint32_t take_words(struct msl_decoder *decoder, uint32_t n)
{
	while (n < MSL_WORDS && !decoder->in.bad && word_is_next(&decoder->in)) {
		if (msl_unlikely(!get_word(decoder, *decoder->in.at++)))
			decoder->in.bad = true;
		decoder->words[n++] = decoder->word;
		decoder->repeats = true;
		decoder->dressed = false;
		if (decoder->in.end - decoder->in.at >= USUAL_BYTES)
			n = take_usual(decoder, n);
	}
	return n;
}

/* A tick may begin with them. Where it does not, what says that it begins is left to msl_decode(). */
static void enter_tick(struct msl_decoder *decoder)
{
	const uint8_t *from = decoder->in.at;
	uint64_t tick = decoder->context.tick;
	bool repeats = decoder->repeats;

	if (decoder->run || from == decoder->in.end || *from != MSL_CODE_AT)
		return;
	decoder->in.at++;
	get_tick(decoder);
	if (msl_likely(word_is_next(&decoder->in)))
		return;
	decoder->in.at = from;
	decoder->context.tick = tick;
	decoder->repeats = repeats;
}

int msl_decode_words(struct msl_decoder *decoder, bool enter, const struct mmsb_word **words)
{
	uint32_t n, before;
	int err = 0;

	if (enter)
		enter_tick(decoder);
	n = take_run(decoder, 0);
	do {
		before = n;
		n = take_words(decoder, n);
		if (n < MSL_WORDS && run_is_next(decoder)) {
			decoder->in.at++;
			err = decode_run(decoder);
			n = take_run(decoder, n);
		}
	} while (!err && !decoder->in.bad && n > before && n < MSL_WORDS);
	*words = decoder->words;
	return err || decoder->in.bad ? -EBADMSG : (int)n;
}
