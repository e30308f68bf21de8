// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "load.h"
#include "capture.h"
#include "graph.h"

#define HEAD_WORDS	(sizeof(struct mmsb_image) / sizeof(u64))
#define RESCHED_BYTES	(256u << 10)

#define KNOWN_FLAGS	(MMSB_IMAGE_STALE | MMSB_IMAGE_BEHIND | MMSB_IMAGE_RETIRED | MMSB_IMAGE_SUSPECT | MMSB_IMAGE_EDGES | \
			 MMSB_IMAGE_AGAIN)
#define DERIVED_FLAGS	(MMSB_IMAGE_STALE | MMSB_IMAGE_BEHIND | MMSB_IMAGE_SUSPECT | MMSB_IMAGE_EDGES | MMSB_IMAGE_AGAIN)

enum mmsb_reason ms_load_judge_length(const struct mmsb_sqe *sqe)
{
	if (sqe->offset)
		return MMSB_REASON_BAD_RESERVED;
	return !sqe->len || sqe->len % 8 ? MMSB_REASON_BAD_LENGTH : MMSB_REASON_NONE;
}

/* ---------------------------------------------------------------------------------------------------------- judgement */

static u64 edges_bytes(const struct mmsb_image *image)
{
	return image->edges ? sizeof(struct mmsb_derive) + image->edges * (sizeof(struct mmsb_edge) + sizeof(u64)) : 0;
}

/* An id that was used up, or is the next. */
static enum mmsb_reason judge_free_line(const struct mmsb_image *image)
{
	bool retired = image->flags & MMSB_IMAGE_RETIRED;

	if (image->epoch || image->offset || image->length || image->bytes || image->edges || image->flags & ~MMSB_IMAGE_RETIRED)
		return MMSB_REASON_BAD_IMAGE;
	return retired && MMSB_PAGE_GENERATION(image->page) != ~0u ? MMSB_REASON_BAD_IMAGE : MMSB_REASON_NONE;
}

static enum mmsb_reason judge_page(const struct mmsb_image *image)
{
	u8 flags = image->kind == MMSB_KIND_DERIVED ? DERIVED_FLAGS : MMSB_IMAGE_AGAIN;

	if (image->bytes < MMSB_PAGE_MIN || image->bytes > MMSB_PAGE_MAX || image->flags & ~flags)
		return MMSB_REASON_BAD_IMAGE;
	if (image->length > MMSB_IMAGE_PIECE || image->offset % 8 || image->offset > image->bytes)
		return MMSB_REASON_BAD_IMAGE;
	if (image->length > image->bytes - image->offset)
		return MMSB_REASON_BAD_IMAGE;
	if (image->length % 8 && image->length != image->bytes - image->offset)
		return MMSB_REASON_BAD_IMAGE;
	if (image->edges && (image->kind != MMSB_KIND_DERIVED || image->edges > MMSB_PARENTS_MAX))
		return MMSB_REASON_BAD_IMAGE;
	return image->flags & MMSB_IMAGE_EDGES && !image->edges ? MMSB_REASON_BAD_IMAGE : MMSB_REASON_NONE;
}

static enum mmsb_reason judge(const struct ms_space *space, const struct mmsb_image *image, u64 left)
{
	enum mmsb_reason reason;

	if (image->record.type != MMSB_RECORD_IMAGE || image->record.flags || image->record.bytes > left)
		return MMSB_REASON_BAD_IMAGE;
	if (image->kind > MMSB_KIND_DERIVED || image->flags & ~KNOWN_FLAGS || image->reserved0 || image->reserved1)
		return MMSB_REASON_BAD_IMAGE;
	if (!MMSB_PAGE_GENERATION(image->page) || MMSB_PAGE_INDEX(image->page) >= space->lines)
		return MMSB_REASON_PAGES_LIMIT;
	reason = image->kind == MMSB_KIND_NONE ? judge_free_line(image) : judge_page(image);
	if (reason)
		return reason;
	if (image->record.bytes != sizeof(*image) + edges_bytes(image) + (((u64)image->length + 7) & ~7ull))
		return MMSB_REASON_BAD_IMAGE;
	return reason;
}

/* --------------------------------------------------------------------------------------------------------------- lines */

/* It is there already: then this can only be a further piece of it. */
static enum mmsb_reason load_piece(struct ms_space *space, const struct mmsb_image *image, const u8 *bytes)
{
	struct mmsb_line *line;

	if (image->edges || !image->offset || ms_page_find(space, image->page, &line))
		return MMSB_REASON_LINE_USED;
	if (line->kind != MMSB_KIND_SOURCE || line->size != image->bytes || line->epoch != image->epoch)
		return MMSB_REASON_LINE_USED;
	return ms_page_load_piece(ms_shard_of(space, MMSB_PAGE_INDEX(image->page)), line, image, bytes);
}

static enum mmsb_reason load_line(struct ms_space *space, const struct mmsb_image *image, const u8 *bytes)
{
	u32 index = MMSB_PAGE_INDEX(image->page);
	struct ms_shard *shard = ms_shard_of(space, index);
	enum mmsb_reason reason = ms_page_load(shard, index, image, bytes);

	if (unlikely(reason == MMSB_REASON_LINE_USED) && image->kind != MMSB_KIND_NONE)
		return load_piece(space, image, bytes);
	if (!reason && image->kind != MMSB_KIND_NONE)
		ms_shard_mark_as(shard, image->page, MMSB_EVENT_CREATED, MMSB_KIND_SOURCE);
	return reason;
}

/* --------------------------------------------------------------------------------------------------------------- edges */

#define SMALL_EDGES	512u		/* bytes; most fit here */

static void load_marks(struct ms_space *space, const struct mmsb_image *image, struct mmsb_line *line)
{
	u8 flags = line->flags;

	if (image->flags & MMSB_IMAGE_STALE)
		flags |= MMSB_LINE_STALE;
	if (image->flags & MMSB_IMAGE_BEHIND)
		flags |= MMSB_LINE_BEHIND;
	pf_write(line->flags, flags);
	if (image->flags & MMSB_IMAGE_SUSPECT)
		ms_node_at(space, MMSB_PAGE_INDEX(image->page))->flags |= MS_NODE_SUSPECT;
}

/* `derive` is private memory, with the edges and what they saw behind it. */
static enum mmsb_reason load_derivation(struct ms_space *space, const struct mmsb_image *image, struct mmsb_line *line,
					const struct mmsb_derive *derive, struct ms_outcome *outcome)
{
	struct ms_graph_op op = { .operand = derive, .line = line, .index = MMSB_PAGE_INDEX(image->page) };
	enum mmsb_reason reason;

	if (derive->edges != image->edges)
		return MMSB_REASON_BAD_IMAGE;
	ms_capture_before(space, op.index);
	reason = ms_graph_restore(ms_shard_of(space, op.index), &op, outcome);
	if (!reason)
		load_marks(space, image, line);
	return reason;
}

static enum mmsb_reason load_edges(struct ms_space *space, const struct mmsb_image *image, const u8 *from, struct ms_outcome *outcome)
{
	u64 small[SMALL_EDGES / 8], *derive = small, bytes = edges_bytes(image);
	struct mmsb_line *line;
	enum mmsb_reason reason = ms_page_find(space, image->page, &line);

	if (reason)
		return reason;
	if (line->epoch != image->epoch)
		return MMSB_REASON_EPOCH_DIFFERS;
	if (line->kind != MMSB_KIND_SOURCE)
		return MMSB_REASON_LINE_USED;
	if (bytes > sizeof(small)) {
		derive = pf_alloc(bytes, -1);
		if (!derive)
			return MMSB_REASON_NO_MEMORY;
	}
	memcpy(derive, from, bytes);
	reason = load_derivation(space, image, line, (const struct mmsb_derive *)derive, outcome);
	if (derive != small)
		pf_free(derive);
	return reason;
}

/* -------------------------------------------------------------------------------------------------------------- images */

/* The client can write to it meanwhile, so each word is read once. */
static void read_head(struct mmsb_image *image, const u8 *from)
{
	const u64 *words = (const u64 *)from;
	u64 head[HEAD_WORDS];
	u32 i;

	for (i = 0; i < HEAD_WORDS; i++)
		head[i] = pf_read(words[i]);
	memcpy(image, head, sizeof(*image));
}

static enum mmsb_reason load_one(struct ms_space *space, const u8 *from, u64 left, u64 *took, struct ms_outcome *outcome)
{
	struct mmsb_image image;
	enum mmsb_reason reason;

	if (left < sizeof(image))
		return MMSB_REASON_BAD_IMAGE;
	read_head(&image, from);
	*took = image.record.bytes;
	outcome->epoch = image.page;
	reason = judge(space, &image, left);
	if (reason)
		return reason;
	from += sizeof(image);
	if (image.flags & MMSB_IMAGE_EDGES)
		return load_edges(space, &image, from, outcome);
	return load_line(space, &image, from + edges_bytes(&image));
}

enum mmsb_reason ms_load(struct ms_space *space, const u8 *images, u64 bytes, u64 *done, struct ms_outcome *outcome)
{
	enum mmsb_reason reason;
	u64 took, since = 0;

	for (*done = 0; *done < bytes; *done += took) {
		reason = load_one(space, images + *done, bytes - *done, &took, outcome);
		if (reason)
			return reason;
		since += took;
		if (since < RESCHED_BYTES)
			continue;
		pf_resched();
		since = 0;
	}
	outcome->epoch = 0;
	return MMSB_REASON_NONE;
}
