// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "capture.h"
#include "history.h"
#include "node.h"

#define WALK_BYTES	(60u << 10)	/* of images, within one hold of a run lock; a segment has room for some more */
#define WALK_STEPS	4096u		/* what is passed over meanwhile */

#define LINES_A_BLOCK	(1ull << MS_BLOCK_SHIFT)

/* How far the images of one page have come. */
struct progress {
	u64 offset;			/* bytes behind it are still to be written */
	bool begun;
};

/* A shard's part of it, under its run lock. */
struct part {
	struct ms_segment *first, *last;
	struct ms_segment *spare;	/* the next, made while nobody waited for it; NULL: it was used */
	u64 waiting;			/* bytes of images in these */
	u64 walked;			/* of the shard's lines, those that the walk has passed */
	u32 open;			/* index + 1 of the line that the walk has written a part of; 0: none */
	struct progress progress;	/* of that */
	bool done;
};

struct ms_capture {
	struct ms_space *space;
	u64 tick;
	u64 lines;			/* of the directory: none behind these was ever used */
	u64 *written;			/* a bit a line */
	u32 failed;

	/* The reader's. */
	struct ms_segment *telling;
	struct ms_segment *kept;	/* one that was told, and holds zeros again; NULL: none */
	u64 at;				/* in the first of those */
	u64 told;
	u32 turn;			/* the shard that is walked next */
	u32 left;			/* shards that are not done */
	struct part part[];
};

bool ms_capture_has(const struct ms_capture *capture, u32 index)
{
	return index >= capture->lines || (capture->written[index / 64] >> (index % 64) & 1);
}

static void set_written(struct ms_capture *capture, u32 index)
{
	capture->written[index / 64] |= 1ull << (index % 64);
}

/* ------------------------------------------------------------------------------------------------------------- images */

static struct ms_segment *segment_for(struct part *part, u64 bytes, int node)
{
	struct ms_segment *segment = part->spare;

	if (!segment || bytes > segment->room)
		return ms_segment_make(bytes, node);
	part->spare = NULL;
	return segment;
}

static void *part_put(struct part *part, u64 bytes, int node)
{
	struct ms_segment *segment = part->last;
	void *to;

	if (!segment || bytes > segment->room - segment->used) {
		segment = segment_for(part, bytes, node);
		if (!segment)
			return NULL;
		if (part->last)
			part->last->next = segment;
		else
			part->first = segment;
		part->last = segment;
	}
	to = segment->bytes + segment->used;
	segment->used += bytes;
	pf_write(part->waiting, part->waiting + bytes);
	return to;
}

/* How many bytes of the page the next image holds: a run of chunks that were ever filled, from *offset on; 0: there are no more. */
static u32 next_run(const struct ms_space *space, const struct mmsb_line *line, u64 *offset)
{
	const struct ms_region *arena = &space->arena.region;
	u64 end;

	while (*offset < line->size && !ms_page_words(arena, line, *offset))
		*offset += PF_CHUNK;
	if (*offset >= line->size)
		return 0;
	for (end = *offset; end < line->size && end - *offset < MMSB_IMAGE_PIECE && ms_page_words(arena, line, end);)
		end += PF_CHUNK;
	return (u32)((end < line->size ? end : line->size) - *offset);
}

static u64 edges_bytes(const struct ms_derivation *derivation)
{
	return derivation ? sizeof(struct mmsb_derive) + derivation->edges * (sizeof(struct mmsb_edge) + sizeof(u64)) : 0;
}

static u8 image_flags(const struct mmsb_line *line, const struct ms_node *node)
{
	u8 flags = 0;

	if (line->flags & MMSB_LINE_STALE)
		flags |= MMSB_IMAGE_STALE;
	if (line->flags & MMSB_LINE_BEHIND)
		flags |= MMSB_IMAGE_BEHIND;
	if (line->flags & MMSB_LINE_RETIRED)
		flags |= MMSB_IMAGE_RETIRED;
	if (node && (node->flags & MS_NODE_SUSPECT))
		flags |= MMSB_IMAGE_SUSPECT;
	return flags;
}

static void image_describe(const struct ms_capture *capture, u32 index, struct mmsb_image *image)
{
	const struct mmsb_line *line = ms_line_at(capture->space, index);
	const struct ms_node *node = ms_node_find(capture->space, index);

	image->record.type = MMSB_RECORD_IMAGE;
	image->record.shard = (u16)ms_space_owner(capture->space, index);
	image->record.tick = capture->tick;
	image->page = ms_line_id(line, index);
	image->epoch = line->epoch;
	image->tick = line->tick;
	image->bytes = line->size;
	image->height = node ? node->height : 0;
	image->kind = line->kind;
	image->flags = image_flags(line, node);
}

/* Returns what lies behind it. */
static void *image_derivation(const struct ms_space *space, const struct ms_derivation *derivation, struct mmsb_derive *derive)
{
	struct mmsb_edge *edge = (struct mmsb_edge *)(derive + 1);
	u64 *seen = (u64 *)(edge + derivation->edges);
	u32 i;

	derive->rule = derivation->rule->number;
	derive->version = derivation->rule->version;
	derive->edges = derivation->edges;
	derive->flags = derivation->flags;
	derive->lane = derivation->lane;
	memcpy(derive->param, derivation->param, sizeof(derive->param));
	for (i = 0; i < derivation->edges; i++) {
		const struct ms_edge *from = &derivation->edge[i];

		edge[i].parent = ms_line_id(ms_line_at(space, from->parent), from->parent);
		edge[i].weight = from->weight;
		edge[i].type = from->type;
		seen[i] = from->seen;
	}
	return seen + derivation->edges;
}

/* One image, from where the page's progress has come to. False: no memory. */
static bool image_put(struct ms_capture *capture, struct ms_shard *shard, u32 index, struct progress *progress, bool *more)
{
	const struct mmsb_line *line = ms_line_at(capture->space, index);
	const struct ms_derivation *derivation = NULL;
	u64 offset = progress->offset, bytes;
	u32 length = next_run(capture->space, line, &offset);
	struct mmsb_image *image;
	void *to;

	*more = length || !progress->begun;
	if (!*more)
		return true;
	if (line->kind == MMSB_KIND_DERIVED && !progress->begun)
		derivation = ms_node_at(capture->space, index)->derivation;
	bytes = sizeof(*image) + edges_bytes(derivation) + (((u64)length + 7) & ~7ull);
	image = part_put(&capture->part[shard->number], bytes, shard->node);
	if (!image)
		return false;
	image_describe(capture, index, image);
	image->record.bytes = (u32)bytes;
	image->offset = length ? offset : 0;
	image->length = length;
	image->edges = derivation ? derivation->edges : 0;
	image->flags |= progress->begun ? MMSB_IMAGE_AGAIN : 0;
	to = derivation ? image_derivation(capture->space, derivation, (void *)(image + 1)) : image + 1;
	ms_page_copy(capture->space, line, offset, to, length);
	*progress = (struct progress){ .offset = offset + length, .begun = true };
	*more = progress->offset < line->size;
	return true;
}

/* A delta can name any line, also one whose block is not there. */
static bool line_was_used(const struct ms_space *space, u32 index)
{
	const struct mmsb_line *line = ms_region_find(&space->directory, (u64)index * sizeof(*line));

	return line && (line->kind != MMSB_KIND_NONE || line->generation);
}

/* ---------------------------------------------------------------------------------------------------- before a change */

/* What is left of the line's images. False: no memory. */
static bool line_put(struct ms_capture *capture, struct ms_shard *shard, u32 index)
{
	struct part *part = &capture->part[shard->number];
	struct progress fresh = { .begun = false }, *progress = part->open == index + 1 ? &part->progress : &fresh;
	bool more = true;

	while (more)
		if (!image_put(capture, shard, index, progress, &more))
			return false;
	return true;
}

void ms_capture_line(struct ms_space *space, u32 index)
{
	struct ms_capture *capture = space->capture;
	struct ms_shard *shard;

	if (ms_capture_has(capture, index) || pf_read(capture->failed))
		return;
	shard = ms_shard_of(space, index);
	pf_runlock_assert(&shard->run);
	set_written(capture, index);
	if (!line_was_used(space, index))
		return;
	if (!line_put(capture, shard, index))
		pf_write(capture->failed, 1);
	ms_stream_crowd(shard, capture->part[shard->number].waiting);
}

/* ---------------------------------------------------------------------------------------------------------- the walk */

/* Where in the shard's lines there may be one next whose image was not written: `walked` or behind it. */
static u64 pass_over(const struct ms_capture *capture, u64 walked, u32 index)
{
	if (!ms_region_chunk(&capture->space->directory, index >> MS_BLOCK_SHIFT))
		return (walked | (LINES_A_BLOCK - 1)) + 1;
	if (capture->written[index / 64] == ~0ull)
		return (walked | 63) + 1;
	return walked + (ms_capture_has(capture, index) || !line_was_used(capture->space, index));
}

/* One image of that line. False: no memory. */
static bool walk_line(struct ms_capture *capture, struct ms_shard *shard, u32 index)
{
	struct part *part = &capture->part[shard->number];
	bool more;

	if (part->open != index + 1) {
		part->open = index + 1;
		part->progress = (struct progress){ .begun = false };
	}
	if (!image_put(capture, shard, index, &part->progress, &more))
		return false;
	if (more)
		return true;
	set_written(capture, index);
	part->open = 0;
	part->walked++;
	return true;
}

/* Until it has written enough, or looked at enough. False: no memory. */
static bool walk(struct ms_capture *capture, struct ms_shard *shard)
{
	struct part *part = &capture->part[shard->number];
	u32 steps = 0;

	while (part->waiting < WALK_BYTES && steps++ < WALK_STEPS) {
		u64 index = ms_space_line(shard->space, shard->number, part->walked), next;

		if (index >= capture->lines) {
			part->done = true;
			return true;
		}
		next = pass_over(capture, part->walked, (u32)index);
		if (next != part->walked)
			part->walked = next;
		else if (!walk_line(capture, shard, (u32)index))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------------------------------------------------- telling */

/* What was told is memory for what comes, and in this processor's cache. */
static void keep(struct ms_capture *capture, struct ms_segment *segment)
{
	if (capture->kept) {
		pf_free(segment);
		return;
	}
	memset(segment->bytes, 0, segment->used);
	segment->next = NULL;
	segment->used = 0;
	capture->kept = segment;
}

static const struct mmsb_record *tell(struct ms_capture *capture)
{
	struct ms_segment *segment;
	const struct mmsb_record *record;

	while ((segment = capture->telling) && capture->at >= segment->used) {
		capture->telling = segment->next;
		capture->at = 0;
		keep(capture, segment);
	}
	if (!segment)
		return NULL;
	record = (const void *)(segment->bytes + capture->at);
	capture->at += record->bytes;
	capture->told += record->bytes;
	return record;
}

/* What waits at the shard whose turn it is, and, where that is little, what the walk adds. */
static void gather(struct ms_capture *capture)
{
	struct ms_shard *shard = capture->space->shards[capture->turn];
	struct part *part = &capture->part[capture->turn];

	capture->turn = (capture->turn + 1) % capture->space->nshards;
	if (part->done)
		return;
	if (!capture->kept)
		capture->kept = ms_segment_make(WALK_BYTES, shard->node);
	ms_shard_lock(shard);
	if (!part->spare) {
		part->spare = capture->kept;
		capture->kept = NULL;
	}
	if (!pf_read(capture->failed) && !walk(capture, shard))
		pf_write(capture->failed, 1);
	capture->telling = part->first;
	part->first = NULL;
	part->last = NULL;
	pf_write(part->waiting, 0);
	capture->left -= part->done;
	ms_shard_unlock(shard);
}

const struct mmsb_record *ms_capture_next(struct ms_capture *capture)
{
	const struct mmsb_record *record;

	for (;;) {
		if (pf_read(capture->failed))
			return NULL;
		record = tell(capture);
		if (record || !capture->left)
			return record;
		gather(capture);
	}
}

bool ms_capture_has_failed(const struct ms_capture *capture)
{
	return pf_read(capture->failed);
}

u64 ms_capture_tick(const struct ms_capture *capture)
{
	return capture->tick;
}

u64 ms_capture_told(const struct ms_capture *capture)
{
	return capture->told;
}

u64 ms_capture_waiting(const struct ms_capture *capture)
{
	u64 waiting = 0;
	u32 i;

	for (i = 0; i < capture->space->nshards; i++)
		waiting += pf_read(capture->part[i].waiting);
	return waiting;
}

/* ------------------------------------------------------------------------------------------------------ beginning, ending */

/* How many lines there are up to the end of the last block that is there. */
static u64 lines_there(const struct ms_region *directory)
{
	u64 block = directory->chunks;

	while (block && !ms_region_chunk(directory, block - 1)) {
		block--;
		if (!ms_region_slot(directory, block))
			block &= ~(u64)(MS_LEAF - 1);
	}
	return block << MS_BLOCK_SHIFT;
}

enum mmsb_reason ms_capture_make(struct ms_space *space, struct ms_capture **out)
{
	struct ms_capture *capture;

	if (space->replay.open)
		return MMSB_REASON_REPLAYING;
	capture = pf_alloc(sizeof(*capture) + space->nshards * sizeof(capture->part[0]), -1);
	if (!capture)
		return MMSB_REASON_NO_MEMORY;
	capture->space = space;
	capture->left = space->nshards;
	capture->lines = lines_there(&space->directory);
	capture->written = pf_alloc((capture->lines / 64 + 1) * sizeof(u64), -1);
	if (!capture->written) {
		pf_free(capture);
		return MMSB_REASON_NO_MEMORY;
	}
	*out = capture;
	return MMSB_REASON_NONE;
}

void ms_capture_start(struct ms_capture *capture, u64 tick)
{
	capture->tick = tick;
	capture->space->capture = capture;
}

void ms_capture_fail(struct ms_space *space)
{
	if (space->capture)
		pf_write(space->capture->failed, 1);
}

void ms_capture_free(struct ms_capture *capture)
{
	u32 i;

	if (!capture)
		return;
	for (i = 0; i < capture->space->nshards; i++) {
		ms_segments_free(capture->part[i].first);
		pf_free(capture->part[i].spare);
	}
	ms_segments_free(capture->telling);
	pf_free(capture->kept);
	pf_free(capture->written);
	pf_free(capture);
}
