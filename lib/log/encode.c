// SPDX-License-Identifier: MIT
#include "encode.h"
#include "edges.h"

void msl_encoder_begin(struct msl_encoder *encoder, uint32_t shards)
{
	memset(encoder, 0, sizeof(*encoder));
	encoder->shape = MSL_SHAPES;
	msl_context_begin(&encoder->context, shards);
}

void msl_encoder_frame(struct msl_encoder *encoder)
{
	encoder->run = NULL;
	encoder->repeats = false;
}

/* ----------------------------------------------------------------------------------------------------------- shared */

static uint8_t *put_tick(struct msl_encoder *encoder, uint8_t *to, uint64_t tick)
{
	if (msl_likely(tick == encoder->context.tick))
		return to;
	encoder->repeats = false;
	*to++ = MSL_CODE_AT;
	to = msl_put(to, tick - encoder->context.tick);
	encoder->context.tick = tick;
	return to;
}

static bool origin_is(const struct mmsb_origin *a, const struct mmsb_origin *b)
{
	return a->source == b->source && a->uid == b->uid && a->pid == b->pid;
}

static uint16_t *origin_slot(struct msl_encoder *encoder, const struct mmsb_origin *origin)
{
	uint64_t hash = (origin->source ^ (uint64_t)origin->uid << 32 ^ origin->pid) * 0x9e3779b97f4a7c15ull;
	uint32_t i = (uint32_t)(hash >> 51);

	while (encoder->number[i] && !origin_is(&encoder->context.origins[encoder->number[i] - 1], origin))
		i = (i + 1) % (2 * MSL_ORIGINS);
	return &encoder->number[i];
}

/* The first numbers are given once more when all are used up. */
static uint16_t *origin_forget(struct msl_encoder *encoder, const struct mmsb_origin *origin)
{
	memset(encoder->number, 0, sizeof(encoder->number));
	encoder->origins = 0;
	return origin_slot(encoder, origin);
}

static uint8_t *put_origin(uint8_t *to, uint32_t number, const struct mmsb_origin *origin)
{
	*to++ = MSL_CODE_ORIGIN;
	to = msl_put(to, number);
	to = msl_put(to, origin->source);
	to = msl_put(to, origin->uid);
	return msl_put(to, origin->pid);
}

/* *number is what stands for the origin; introduced, if need be. */
static uint8_t *number_origin(struct msl_encoder *encoder, uint8_t *to, const struct mmsb_origin *origin, uint32_t *number)
{
	uint16_t *slot;

	*number = encoder->context.origin;
	if (msl_likely(*number < encoder->origins && origin_is(&encoder->context.origins[*number], origin)))
		return to;
	slot = origin_slot(encoder, origin);
	if (*slot) {
		*number = *slot - 1u;
		return to;
	}
	if (encoder->origins == MSL_ORIGINS)
		slot = origin_forget(encoder, origin);
	encoder->repeats = false;
	*number = encoder->origins++;
	*slot = (uint16_t)(*number + 1);
	encoder->context.origins[*number] = *origin;
	return put_origin(to, *number, origin);
}

static uint8_t *put_id(struct msl_context *context, uint8_t *to, uint64_t page, uint16_t shard)
{
	to = msl_put(to, MMSB_PAGE_GENERATION(page));
	msl_learn_generation(context, page);
	return msl_put(to, shard);
}

static uint64_t trimmed(const uint8_t *bytes, uint64_t n)
{
	while (n && !bytes[n - 1])
		n--;
	return n;
}

/* ------------------------------------------------------------------------------------------------------------ words */

static uint32_t form_of(const struct mmsb_word *word)
{
	uint32_t form;

	memcpy(&form, &word->op, sizeof(form));
	return form;
}

/* MSL_SHAPES: it has a form that a WORD has not, and is a delta like others. */
static uint32_t word_shape(struct msl_encoder *encoder, const struct mmsb_word *word)
{
	if (msl_unlikely(form_of(word) != encoder->form)) {
		encoder->form = form_of(word);
		encoder->shape = word->flags ? MSL_SHAPES : msl_shape_of(word->op, word->lane, word->len);
	}
	return word->offset & (word->len - 1u) ? MSL_SHAPES : encoder->shape;
}

static bool word_from_delta(const struct mmsb_delta_record *record, struct mmsb_word *word)
{
	const struct mmsb_sqe *sqe = &record->sqe;

	if (sqe->len > 8 || sqe->flags || record->record.flags || record->operand_bytes || sqe->offset >> 32 ||
	    (sqe->epoch | sqe->user_data | sqe->word[1] | sqe->word[2]))
		return false;
	*word = (struct mmsb_word){ sqe->page, sqe->word[0], (uint32_t)sqe->offset, sqe->op, sqe->lane, (uint8_t)sqe->len, 0 };
	return true;
}

static bool word_is(const struct mmsb_word *a, const struct mmsb_word *b)
{
	return a->page == b->page && a->word == b->word && a->offset == b->offset && form_of(a) == form_of(b);
}

/* The same once more: the run's count rises where it stands. */
static bool word_repeats(const struct msl_encoder *encoder, const struct mmsb_word *word, uint32_t origin, uint16_t shard)
{
	return encoder->repeats && word_is(word, &encoder->last) && shard == encoder->last_shard && origin == encoder->context.origin;
}

static uint8_t *put_run(struct msl_encoder *encoder, uint8_t *to)
{
	uint16_t count = 0;

	if (encoder->run)
		memcpy(&count, encoder->run, sizeof(count));
	if (!encoder->run || count == MSL_RUN_MAX) {
		*to++ = MSL_CODE_RUN;
		encoder->run = to;
		count = 0;
		to += sizeof(count);
	}
	count++;
	memcpy(encoder->run, &count, sizeof(count));
	return to;
}

/* Written as eight bytes; those that count are kept. */
static uint8_t *put_operand(uint8_t *to, uint64_t value, uint8_t *head)
{
	uint32_t n = (71 - (uint32_t)__builtin_clzll(value | 1)) / 8;

	n = value ? n : 0;
	n = n > 6 ? 8 : n;
	*head |= (uint8_t)(n == 8 ? 7 : n);
	memcpy(to, &value, sizeof(value));
	return to + n;
}

static inline uint8_t *put_word(struct msl_encoder *encoder, uint8_t *to, const struct mmsb_word *word, uint32_t shape, uint32_t origin,
				uint16_t shard)
{
	struct msl_context *context = &encoder->context;
	uint32_t index = MMSB_PAGE_INDEX(word->page);
	uint8_t *at = to++, head = MSL_WORD;

	if (msl_unlikely(shape != context->shape)) {
		head |= MSL_WORD_SHAPE;
		*to++ = context->shape = (uint8_t)shape;
	}
	if (msl_unlikely(origin != context->origin)) {
		head |= MSL_WORD_ORIGIN;
		to = msl_put(to, context->origin = origin);
	}
	if (index == context->index)
		head |= MSL_WORD_SAME;
	else
		to = msl_put_index(to, index, context->index);
	context->index = index;
	if (msl_unlikely(!msl_guesses(context, word->page, shard))) {
		head |= MSL_WORD_ID;
		to = put_id(context, to, word->page, shard);
	}
	to = msl_put(to, word->offset >> msl_shape_shift(shape));
	to = put_operand(to, msl_shape_is_signed(shape) ? msl_zigzag((int64_t)word->word) : word->word, &head);
	*at = head;
	return to;
}

static inline uint8_t *encode_word(struct msl_encoder *encoder, uint8_t *to, const struct mmsb_word *word, uint32_t shape, uint32_t origin,
				   uint16_t shard)
{
	if (word_repeats(encoder, word, origin, shard))
		return put_run(encoder, to);
	to = put_word(encoder, to, word, shape, origin, shard);
	encoder->run = NULL;
	encoder->repeats = true;
	encoder->last = *word;
	encoder->last_shard = shard;
	return to;
}

/* ----------------------------------------------------------------------------------------------------------- deltas */

/* Where the operand lies that graph operations have, and how long it is; 0: nowhere. */
static const uint8_t *graph_operand(const struct mmsb_delta_record *record, uint64_t *bytes)
{
	const struct mmsb_sqe *sqe = &record->sqe;

	*bytes = record->operand_bytes;
	if (sqe->flags & MMSB_SQE_PAYLOAD)
		return (const uint8_t *)(record + 1);
	*bytes = sqe->len <= MMSB_INLINE_MAX && trimmed(sqe->operand, MMSB_INLINE_MAX) <= sqe->len ? sqe->len : 0;
	return sqe->operand;
}

static uint32_t delta_mask(const struct msl_encoder *encoder, const struct mmsb_delta_record *record, uint32_t origin)
{
	const struct msl_context *context = &encoder->context;
	const struct mmsb_sqe *sqe = &record->sqe;
	const uint8_t *operand;
	uint32_t mask = 0;
	uint64_t bytes;

	operand = graph_operand(record, &bytes);
	mask |= sqe->flags ? MSL_DELTA_FLAGS : 0;
	mask |= MMSB_PAGE_INDEX(sqe->page) != context->index ? MSL_DELTA_PAGE : 0;
	mask |= msl_guesses(context, sqe->page, record->record.shard) ? 0 : MSL_DELTA_ID;
	mask |= sqe->offset ? MSL_DELTA_OFFSET : 0;
	mask |= trimmed(sqe->operand, MMSB_INLINE_MAX) ? MSL_DELTA_INLINE : 0;
	mask |= sqe->flags & MMSB_SQE_PAYLOAD ? MSL_DELTA_PAYLOAD : 0;
	mask |= origin != context->origin ? MSL_DELTA_ORIGIN : 0;
	mask |= bytes && msl_edges_fit(sqe->op, operand, bytes) ? MSL_DELTA_GRAPH : 0;
	mask |= sqe->epoch ? MSL_DELTA_EPOCH : 0;
	mask |= sqe->user_data ? MSL_DELTA_USER_DATA : 0;
	mask |= record->record.flags ? MSL_DELTA_RECORD_FLAGS : 0;
	return mask;
}

static uint8_t *put_delta_head(struct msl_encoder *encoder, uint8_t *to, const struct mmsb_delta_record *record, uint32_t mask,
			       uint32_t origin)
{
	struct msl_context *context = &encoder->context;
	const struct mmsb_sqe *sqe = &record->sqe;

	*to++ = MSL_CODE_DELTA;
	*to++ = sqe->op;
	*to++ = sqe->lane;
	to = msl_put(to, mask);
	to = msl_put(to, sqe->len);
	if (mask & MSL_DELTA_FLAGS)
		to = msl_put(to, sqe->flags);
	if (mask & MSL_DELTA_PAGE)
		to = msl_put_index(to, MMSB_PAGE_INDEX(sqe->page), context->index);
	context->index = MMSB_PAGE_INDEX(sqe->page);
	if (mask & MSL_DELTA_ID)
		to = put_id(context, to, sqe->page, record->record.shard);
	if (mask & MSL_DELTA_OFFSET)
		to = msl_put(to, sqe->offset);
	if (mask & MSL_DELTA_ORIGIN)
		to = msl_put(to, context->origin = origin);
	if (mask & MSL_DELTA_EPOCH)
		to = msl_put(to, sqe->epoch);
	if (mask & MSL_DELTA_USER_DATA)
		to = msl_put(to, sqe->user_data);
	if (mask & MSL_DELTA_RECORD_FLAGS)
		*to++ = record->record.flags;
	return to;
}

/* Zeros at the end are left out. */
static uint8_t *put_trimmed(uint8_t *to, const uint8_t *bytes, uint64_t n)
{
	n = trimmed(bytes, n);
	to = msl_put(to, n);
	memcpy(to, bytes, n);
	return to + n;
}

static uint8_t *put_delta_operand(struct msl_encoder *encoder, uint8_t *to, const struct mmsb_delta_record *record, uint32_t mask)
{
	uint64_t bytes;
	const uint8_t *operand = graph_operand(record, &bytes);

	if (mask & MSL_DELTA_PAYLOAD)
		to = msl_put(to, record->operand_bytes);
	if (mask & MSL_DELTA_GRAPH)
		to = msl_put_edges(&encoder->context, to, record->sqe.op, operand, bytes);
	else if (mask & MSL_DELTA_PAYLOAD)
		to = put_trimmed(to, operand, bytes);
	if (mask & MSL_DELTA_INLINE && (mask & MSL_DELTA_PAYLOAD || !(mask & MSL_DELTA_GRAPH)))
		to = put_trimmed(to, record->sqe.operand, MMSB_INLINE_MAX);
	return to;
}

static bool delta_is_sound(const struct mmsb_delta_record *record)
{
	uint64_t padded = record->sqe.flags & MMSB_SQE_PAYLOAD ? (record->operand_bytes + 7) & ~7ull : 0;

	return record->record.bytes == sizeof(*record) + padded && record->operand_bytes <= MSL_OPERAND_MAX &&
	       (record->sqe.flags & MMSB_SQE_PAYLOAD || !record->operand_bytes);
}

static uint8_t *put_delta(struct msl_encoder *encoder, uint8_t *to, const struct mmsb_delta_record *record, uint32_t origin)
{
	uint32_t mask = delta_mask(encoder, record, origin);

	encoder->repeats = false;
	to = put_delta_head(encoder, to, record, mask, origin);
	return put_delta_operand(encoder, to, record, mask);
}

static uint8_t *encode_delta(struct msl_encoder *encoder, uint8_t *to, const struct mmsb_delta_record *record)
{
	uint32_t shape = MSL_SHAPES, origin;
	struct mmsb_word word;

	if (word_from_delta(record, &word))
		shape = word_shape(encoder, &word);
	if (shape == MSL_SHAPES && !delta_is_sound(record))
		return NULL;
	to = put_tick(encoder, to, record->record.tick);
	to = number_origin(encoder, to, &record->origin, &origin);
	return shape == MSL_SHAPES ? put_delta(encoder, to, record, origin) :
				     encode_word(encoder, to, &word, shape, origin, record->record.shard);
}

static bool words_are_sound(const struct mmsb_words_record *record)
{
	size_t n = msl_words_in(&record->record), i;
	uint8_t flags = record->record.flags;

	for (i = 0; i < n; i++)
		flags |= record->words[i].flags;
	return n && record->record.bytes == sizeof(*record) + n * sizeof(struct mmsb_word) && !flags;
}

static uint8_t *put_odd_word(struct msl_encoder *encoder, uint8_t *to, const struct mmsb_words_record *record, const struct mmsb_word *word,
			     uint32_t origin)
{
	struct mmsb_delta_record delta = {
		.record = record->record,
		.origin = record->origin,
		.sqe = { .op = word->op, .lane = word->lane, .len = word->len, .page = word->page, .offset = word->offset,
			 .word = { word->word } },
	};

	delta.record.bytes = sizeof(delta);
	delta.record.type = MMSB_RECORD_DELTA;
	return put_delta(encoder, to, &delta, origin);
}

static uint8_t *encode_words(struct msl_encoder *encoder, uint8_t *to, const struct mmsb_words_record *record)
{
	const struct mmsb_word *word = record->words, *end = word + msl_words_in(&record->record);
	uint16_t shard = record->record.shard;
	uint32_t origin, shape;

	if (!words_are_sound(record))
		return NULL;
	to = put_tick(encoder, to, record->record.tick);
	to = number_origin(encoder, to, &record->origin, &origin);
	for (; word < end; word++) {
		shape = word_shape(encoder, word);
		to = msl_likely(shape != MSL_SHAPES) ? encode_word(encoder, to, word, shape, origin, shard) :
						       put_odd_word(encoder, to, record, word, origin);
	}
	return to;
}

/* ----------------------------------------------------------------------------------------------------------- states */

static uint8_t *put_state(struct msl_encoder *encoder, uint8_t *to, const struct mmsb_record *record, uint8_t code, bool hash)
{
	uint8_t *head;

	to = put_tick(encoder, to, record->tick);
	head = to++;
	*head = code;
	if (hash)
		*head |= MSL_STATE_HASH;
	if (record->shard) {
		*head |= MSL_STATE_SHARD;
		to = msl_put(to, record->shard);
	}
	if (record->flags != encoder->context.flags) {
		*head |= MSL_STATE_FLAGS;
		*to++ = encoder->context.flags = record->flags;
	}
	return to;
}

static uint8_t *encode_hash(struct msl_encoder *encoder, uint8_t *to, const struct mmsb_hash_record *record, uint8_t code)
{
	bool hash = record->hash[0] | record->hash[1];

	to = put_state(encoder, to, &record->record, code, hash);
	to = msl_put(to, msl_zigzag((int64_t)(record->time - encoder->context.time)));
	encoder->context.time = record->time;
	if (!hash)
		return to;
	memcpy(to, record->hash, sizeof(record->hash));
	return to + sizeof(record->hash);
}

/* ----------------------------------------------------------------------------------------------------------- images */

static uint64_t image_graph_bytes(const struct mmsb_image *image)
{
	return image->edges ? sizeof(struct mmsb_derive) + image->edges * (sizeof(struct mmsb_edge) + sizeof(uint64_t)) : 0;
}

static bool image_is_sound(const struct mmsb_image *image)
{
	return image->edges <= MMSB_PARENTS_MAX && image->length <= MMSB_IMAGE_PIECE && !image->reserved0 && !image->reserved1 &&
	       image->record.bytes == sizeof(*image) + image_graph_bytes(image) + ((image->length + 7ull) & ~7ull);
}

static uint8_t image_mask(const struct msl_context *context, const struct mmsb_image *image)
{
	uint64_t graph = (uint64_t)image->edges * sizeof(struct mmsb_edge) + sizeof(struct mmsb_derive);
	uint8_t mask = 0;

	if (msl_guess_generation(context, MMSB_PAGE_INDEX(image->page)) != MMSB_PAGE_GENERATION(image->page))
		mask |= MSL_IMAGE_ID;
	if (image->edges)
		mask |= msl_edges_fit(MMSB_OP_DERIVE, (const uint8_t *)(image + 1), graph) ? MSL_IMAGE_GRAPH : MSL_IMAGE_RAW_GRAPH;
	if (image->offset || image->length != image->bytes)
		mask |= MSL_IMAGE_PIECE;
	if (image->record.flags || image->record.shard)
		mask |= MSL_IMAGE_RECORD;
	if (image->bytes != context->image_bytes || image->kind != context->image_kind || image->flags != context->image_flags ||
	    image->height != context->image_height)
		mask |= MSL_IMAGE_SHAPE;
	return mask;
}

static uint8_t *put_image_shape(struct msl_context *context, uint8_t *to, const struct mmsb_image *image)
{
	to = msl_put(to, context->image_bytes = image->bytes);
	to = msl_put(to, context->image_height = image->height);
	*to++ = context->image_kind = image->kind;
	*to++ = context->image_flags = image->flags;
	return to;
}

static uint8_t *put_image_head(struct msl_context *context, uint8_t *to, const struct mmsb_image *image, uint8_t mask)
{
	*to++ = MSL_CODE_IMAGE;
	*to++ = mask;
	to = msl_put_index(to, MMSB_PAGE_INDEX(image->page), context->index);
	context->index = MMSB_PAGE_INDEX(image->page);
	if (mask & MSL_IMAGE_ID) {
		to = msl_put(to, MMSB_PAGE_GENERATION(image->page));
		msl_learn_generation(context, image->page);
	}
	if (mask & MSL_IMAGE_SHAPE)
		to = put_image_shape(context, to, image);
	to = msl_put(to, image->epoch);
	to = msl_put(to, image->record.tick - image->tick);
	if (mask & MSL_IMAGE_PIECE) {
		to = msl_put(to, image->offset);
		to = msl_put(to, image->length);
	}
	if (mask & MSL_IMAGE_RECORD) {
		*to++ = image->record.flags;
		to = msl_put(to, image->record.shard);
	}
	return to;
}

static uint8_t *put_image_graph(struct msl_context *context, uint8_t *to, const struct mmsb_image *image, uint8_t mask)
{
	const uint8_t *operand = (const uint8_t *)(image + 1);
	uint64_t graph = (uint64_t)image->edges * sizeof(struct mmsb_edge) + sizeof(struct mmsb_derive), seen;
	uint32_t i;

	to = msl_put(to, image->edges);
	if (mask & MSL_IMAGE_GRAPH) {
		to = msl_put_edges(context, to, MMSB_OP_DERIVE, operand, graph);
	} else {
		memcpy(to, operand, graph);
		to += graph;
	}
	for (i = 0; i < image->edges; i++) {
		memcpy(&seen, operand + graph + i * sizeof(seen), sizeof(seen));
		to = msl_put(to, seen);
	}
	return to;
}

static uint8_t *encode_image(struct msl_encoder *encoder, uint8_t *to, const struct mmsb_image *image)
{
	uint8_t mask;

	if (!image_is_sound(image))
		return NULL;
	to = put_tick(encoder, to, image->record.tick);
	mask = image_mask(&encoder->context, image);
	to = put_image_head(&encoder->context, to, image, mask);
	if (mask & (MSL_IMAGE_GRAPH | MSL_IMAGE_RAW_GRAPH))
		to = put_image_graph(&encoder->context, to, image, mask);
	return put_trimmed(to, (const uint8_t *)(image + 1) + image_graph_bytes(image), image->length);
}

/* -------------------------------------------------------------------------------------------------------------- all */

static uint8_t *encode_rare(struct msl_encoder *encoder, uint8_t *to, const struct mmsb_record *record)
{
	encoder->repeats = false;
	switch (record->type) {
	case MMSB_RECORD_TICK:
		return encode_hash(encoder, to, (const struct mmsb_hash_record *)record, MSL_CODE_TICK);
	case MMSB_RECORD_HASH:
		return encode_hash(encoder, to, (const struct mmsb_hash_record *)record, MSL_CODE_HASH);
	case MMSB_RECORD_CAPTURE:
		return encode_hash(encoder, to, (const struct mmsb_hash_record *)record, MSL_CODE_CAPTURE);
	case MMSB_RECORD_RESET:
		return put_state(encoder, to, record, MSL_CODE_RESET, false);
	case MMSB_RECORD_END:
		return put_state(encoder, to, record, MSL_CODE_END, false);
	case MMSB_RECORD_CAPTURED:
		return put_state(encoder, to, record, MSL_CODE_CAPTURED, false);
	case MMSB_RECORD_IMAGE:
		return encode_image(encoder, to, (const struct mmsb_image *)record);
	default:
		return NULL;
	}
}

ssize_t msl_encode(struct msl_encoder *encoder, const struct mmsb_record *record, uint8_t *to)
{
	uint8_t *end;

	if (msl_likely(record->type == MMSB_RECORD_WORDS))
		end = encode_words(encoder, to, (const struct mmsb_words_record *)record);
	else if (record->type == MMSB_RECORD_DELTA)
		end = encode_delta(encoder, to, (const struct mmsb_delta_record *)record);
	else
		end = encode_rare(encoder, to, record);
	if (!end)
		return msl_fail(EINVAL, "a record of type %u and %u bytes is not one that a log can hold", record->type, record->bytes);
	return end - to;
}
