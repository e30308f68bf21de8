// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "page.h"
#include "capture.h"
#include "graph.h"
#include "quota.h"
#include "space.h"

#define LINE_SHIFT	6

static struct mmsb_line *line_at(const struct ms_space *space, u32 index)
{
	return ms_region_at(&space->directory, (u64)index << LINE_SHIFT);
}

static bool line_is_there(const struct ms_space *space, u32 index)
{
	return index < space->lines && ms_region_chunk(&space->directory, index >> MS_BLOCK_SHIFT);
}

/* ------------------------------------------------------------------------------------------------------------ lines */

static enum mmsb_reason line_back(struct ms_shard *shard, u32 index)
{
	struct ms_space *space = shard->space;
	enum mmsb_reason reason = MMSB_REASON_NONE;

	if (line_is_there(space, index))
		return reason;
	pf_mutex_lock(&space->mutex);
	reason = ms_region_fill(&space->directory, index >> MS_BLOCK_SHIFT, shard->node);
	pf_mutex_unlock(&space->mutex);
	return reason;
}

static bool line_is_free(const struct mmsb_line *line)
{
	return line->kind == MMSB_KIND_NONE && !(line->flags & MMSB_LINE_RETIRED);
}

/* Lines that were taken by name (AT) while on the list are passed over. */
static bool line_take_returned(struct ms_shard *shard, u32 *index)
{
	struct ms_lines *lines = &shard->lines;

	while (lines->returned) {
		struct mmsb_line *line = line_at(shard->space, lines->returned - 1);

		*index = lines->returned - 1;
		lines->returned = line->link;
		ms_line_clear(line, MS_LINE_LISTED);
		line->link = 0;
		if (line_is_free(line))
			return true;
	}
	return false;
}

static enum mmsb_reason line_take_fresh(struct ms_shard *shard, u32 *index)
{
	struct ms_lines *lines = &shard->lines;
	enum mmsb_reason reason;

	for (;; lines->fresh++) {
		u64 at = ms_space_line(shard->space, shard->number, lines->fresh);
		struct mmsb_line *line;

		if (at >= shard->space->lines)
			return MMSB_REASON_PAGES_LIMIT;
		reason = line_back(shard, (u32)at);
		if (reason)
			return reason;
		line = line_at(shard->space, (u32)at);
		if (line_is_free(line) && !(line->flags & MS_LINE_LISTED)) {
			lines->fresh++;
			*index = (u32)at;
			return MMSB_REASON_NONE;
		}
	}
}

static enum mmsb_reason line_take_at(struct ms_shard *shard, u64 page, u32 *index)
{
	u32 generation = MMSB_PAGE_GENERATION(page);
	enum mmsb_reason reason;
	struct mmsb_line *line;

	*index = MMSB_PAGE_INDEX(page);
	if (!generation || *index >= shard->space->lines)
		return MMSB_REASON_NO_PAGE;
	reason = line_back(shard, *index);
	if (reason)
		return reason;
	line = line_at(shard->space, *index);
	if (line->kind != MMSB_KIND_NONE)
		return MMSB_REASON_PAGE_EXISTS;
	if (generation < line->generation)
		return MMSB_REASON_STALE_PAGE;
	if (line->flags & MMSB_LINE_RETIRED)
		return MMSB_REASON_GENERATIONS_SPENT;
	return MMSB_REASON_NONE;
}

static void line_list(struct ms_shard *shard, u32 index, struct mmsb_line *line)
{
	if (line->flags & (MS_LINE_LISTED | MMSB_LINE_RETIRED))
		return;
	line->link = shard->lines.returned;
	ms_line_set(line, MS_LINE_LISTED);
	shard->lines.returned = index + 1;
}

/* ------------------------------------------------------------------------------------------------------------ bytes */

static enum mmsb_reason bytes_take(struct ms_shard *shard, u32 bytes, u64 *place)
{
	struct ms_space *space = shard->space;
	enum mmsb_reason reason;
	u64 first;

	if (bytes <= PF_CHUNK)
		return ms_slab_take(space, &shard->slabs, bytes, shard->node, place);
	pf_mutex_lock(&space->mutex);
	reason = ms_quota_chunks(space, (bytes + PF_CHUNK - 1) >> PF_CHUNK_SHIFT, &first);
	pf_mutex_unlock(&space->mutex);
	*place = first << PF_CHUNK_SHIFT;
	return reason;
}

static void bytes_give(struct ms_shard *shard, u64 place, u32 bytes)
{
	struct ms_space *space = shard->space;

	if (bytes <= PF_CHUNK) {
		pf_zero(ms_region_at(&space->arena.region, place), ms_slab_slot_bytes(bytes));
		ms_slab_give(space, &shard->slabs, place);
		return;
	}
	pf_mutex_lock(&space->mutex);
	ms_quota_chunks_back(space, place >> PF_CHUNK_SHIFT, (bytes + PF_CHUNK - 1) >> PF_CHUNK_SHIFT);
	pf_mutex_unlock(&space->mutex);
}

static enum mmsb_reason bytes_fill(struct ms_shard *shard, u64 at, u64 bytes)
{
	u64 chunk = at >> PF_CHUNK_SHIFT;
	u64 last = (at + bytes - 1) >> PF_CHUNK_SHIFT;
	struct ms_space *space = shard->space;
	enum mmsb_reason reason = MMSB_REASON_NONE;

	for (; !reason && chunk <= last; chunk++) {
		if (ms_region_chunk(&space->arena.region, chunk))
			continue;
		pf_mutex_lock(&space->mutex);
		reason = ms_region_fill(&space->arena.region, chunk, shard->node);
		pf_mutex_unlock(&space->mutex);
	}
	return reason;
}

enum mmsb_reason ms_page_fill(struct ms_shard *shard, const struct mmsb_line *line, u64 offset, u64 bytes)
{
	return bytes_fill(shard, line->place + offset, bytes);
}

/* What lies behind the last byte in its word is zero, and stays so. */
static void words_store(u64 *to, const u8 *from, u64 bytes)
{
	u64 whole = bytes & ~7ull, last = 0;

	pf_store(to, from, whole);
	if (likely(whole == bytes))
		return;
	memcpy(&last, from + whole, bytes - whole);
	pf_store_word(&to[whole / 8], last);
}

/* Where all is filled. */
static void bytes_store(const struct ms_space *space, u64 at, const u8 *from, u64 bytes)
{
	while (bytes) {
		u64 room = PF_CHUNK - (at & (PF_CHUNK - 1));
		u64 n = bytes < room ? bytes : room;

		words_store(ms_region_at(&space->arena.region, at), from, n);
		at += n;
		from += n;
		bytes -= n;
		pf_resched();
	}
}

void ms_page_copy(const struct ms_space *space, const struct mmsb_line *line, u64 offset, void *to, u64 bytes)
{
	u8 *out = to;

	while (bytes) {
		u64 room = PF_CHUNK - ((line->place + offset) & (PF_CHUNK - 1));
		u64 n = bytes < room ? bytes : room;
		u64 aligned = offset & ~7ull;
		const u8 *words = (const u8 *)ms_page_words(&space->arena.region, line, aligned);

		if (words)
			memcpy(out, words + (offset - aligned), n);
		else
			memset(out, 0, n);
		out += n;
		offset += n;
		bytes -= n;
		pf_resched();
	}
}

/* The words of the page from that of `offset` (a multiple of 8) on. */
static void hash_bytes(const struct ms_space *space, const struct ms_hash_key *key, const struct mmsb_line *line, u64 offset, u64 bytes,
		       struct ms_hash *hash, bool gone)
{
	u64 end = (offset + bytes + 7) / 8, i, n;

	for (i = offset / 8; i < end; i += n) {
		const u64 *at = ms_page_words(&space->arena.region, line, i * 8);
		u64 k;

		n = (PF_CHUNK - ((line->place + i * 8) & (PF_CHUNK - 1))) / 8;
		n = n < end - i ? n : end - i;
		for (k = 0; at && k < n; k++)
			ms_hash_word(hash, key, i + k, gone ? at[k] : 0, gone ? 0 : at[k]);
		pf_resched();
	}
}

void ms_page_hash_head(const struct ms_space *space, u64 page, const struct mmsb_line *line, struct ms_hash *hash, bool gone)
{
	struct ms_hash_key key = ms_hash_key(page);

	ms_hash_exists(hash, &key, line->size, line->kind, gone);
	ms_hash_epochs(hash, &key, gone ? -line->epoch : line->epoch);
	if (line->kind == MMSB_KIND_DERIVED)
		ms_graph_hash(space, MMSB_PAGE_INDEX(page), hash, gone);
}

void ms_page_hash_bytes(const struct ms_space *space, u64 page, const struct mmsb_line *line, u64 offset, u64 bytes, struct ms_hash *hash)
{
	struct ms_hash_key key = ms_hash_key(page);

	hash_bytes(space, &key, line, offset, bytes, hash, false);
}

void ms_page_hash(const struct ms_space *space, u64 page, const struct mmsb_line *line, struct ms_hash *hash, bool gone)
{
	struct ms_hash_key key = ms_hash_key(page);

	ms_page_hash_head(space, page, line, hash, gone);
	hash_bytes(space, &key, line, 0, line->size, hash, gone);
}

/* ------------------------------------------------------------------------------------------------------------ pages */

static void page_publish(struct mmsb_line *line, u32 bytes, u64 place, u64 epoch, u64 tick)
{
	ms_page_begin(line);
	pf_write(line->epoch, epoch);
	pf_write(line->tick, tick);
	pf_write(line->place, place);
	pf_write(line->size, bytes);
	if (bytes <= PF_CHUNK)
		ms_line_set(line, MS_LINE_SMALL);
	pf_write(line->kind, MMSB_KIND_SOURCE);
	pf_release(&line->seq, line->seq + 1);
}

static enum mmsb_reason page_reserve(struct ms_shard *shard, u32 bytes, u64 *place)
{
	enum mmsb_reason reason;

	if (unlikely(!shard->lines.quota)) {
		reason = ms_quota_grant(shard->space, &shard->lines);
		if (reason)
			return reason;
	}
	reason = bytes_take(shard, bytes, place);
	if (unlikely(reason))
		ms_quota_return(shard->space, &shard->lines);
	return reason;
}

/* A slab that was made for it may stay, and a list of lines be shorter. */
static void page_unreserve(struct ms_shard *shard, u32 bytes, u64 place)
{
	bytes_give(shard, place, bytes);
	shard->lines.changes++;
	ms_quota_return(shard->space, &shard->lines);
}

static void page_count(struct ms_shard *shard)
{
	shard->lines.quota--;
	shard->lines.changes++;
	pf_write(shard->lines.live, shard->lines.live + 1);
}

enum mmsb_reason ms_page_create(struct ms_shard *shard, u32 bytes, u64 at, u64 *page)
{
	struct ms_space *space = shard->space;
	enum mmsb_reason reason;
	struct mmsb_line *line;
	u32 index = 0;
	u64 place;

	if (at) {
		reason = line_take_at(shard, at, &index);
		if (reason)
			return reason;
	}
	reason = page_reserve(shard, bytes, &place);
	if (reason)
		return reason;
	if (!at && !line_take_returned(shard, &index)) {
		reason = line_take_fresh(shard, &index);
		if (reason) {
			page_unreserve(shard, bytes, place);
			return reason;
		}
	}
	ms_capture_before(space, index);
	line = line_at(space, index);
	pf_write(line->generation, at ? MMSB_PAGE_GENERATION(at) : line->generation ? line->generation : 1);
	page_publish(line, bytes, place, 0, shard->tick);
	page_count(shard);
	*page = ms_line_id(line, index);
	if (shard->hashing) {
		struct ms_hash_key key = ms_hash_key(*page);

		ms_hash_exists(&shard->hash, &key, bytes, MMSB_KIND_SOURCE, false);
	}
	return MMSB_REASON_NONE;
}

/* A generation that would wrap retires its line, so that no id ever comes back. */
static void line_free(struct ms_shard *shard, u32 index, struct mmsb_line *line)
{
	pf_write(line->kind, MMSB_KIND_NONE);
	ms_line_clear(line, MS_LINE_SMALL | MMSB_LINE_STALE);
	if (line->generation == ~0u)
		ms_line_set(line, MMSB_LINE_RETIRED);
	else
		pf_write(line->generation, line->generation + 1);
	line_list(shard, index, line);
}

void ms_page_destroy(struct ms_shard *shard, u64 page, struct mmsb_line *line)
{
	u64 place = line->place;
	u32 bytes = line->size;

	if (shard->hashing)
		ms_page_hash(shard->space, page, line, &shard->hash, true);
	ms_page_begin(line);
	line_free(shard, MMSB_PAGE_INDEX(page), line);
	pf_write(line->epoch, 0);
	pf_write(line->tick, shard->tick);
	pf_write(line->place, 0);
	pf_write(line->size, 0);
	pf_wmb();
	bytes_give(shard, place, bytes);
	pf_release(&line->seq, line->seq + 1);
	pf_write(shard->lines.live, shard->lines.live - 1);
	shard->lines.quota++;
	shard->lines.changes++;
	ms_quota_return(shard->space, &shard->lines);
}

/* ---------------------------------------------------------------------------------------------------------- from images */

/* Ids up to some generation were dealt. */
static void load_free_line(struct ms_shard *shard, u32 index, struct mmsb_line *line, const struct mmsb_image *image)
{
	ms_page_begin(line);
	pf_write(line->generation, MMSB_PAGE_GENERATION(image->page));
	pf_write(line->tick, image->tick);
	if (image->flags & MMSB_IMAGE_RETIRED)
		ms_line_set(line, MMSB_LINE_RETIRED);
	line_list(shard, index, line);
	shard->lines.changes++;
	pf_release(&line->seq, line->seq + 1);
}

/* The bytes are where readers do not look yet. */
static enum mmsb_reason load_bytes(struct ms_shard *shard, const struct mmsb_image *image, const u8 *bytes, u64 *place)
{
	enum mmsb_reason reason = page_reserve(shard, image->bytes, place);

	if (reason || !image->length)
		return reason;
	if (image->bytes > PF_CHUNK)
		reason = bytes_fill(shard, *place + image->offset, image->length);
	if (reason)
		page_unreserve(shard, image->bytes, *place);
	else
		bytes_store(shard->space, *place + image->offset, bytes, image->length);
	return reason;
}

enum mmsb_reason ms_page_load(struct ms_shard *shard, u32 index, const struct mmsb_image *image, const u8 *bytes)
{
	enum mmsb_reason reason = line_back(shard, index);
	struct mmsb_line *line;
	u64 place;

	if (reason)
		return reason;
	line = line_at(shard->space, index);
	if (line->kind != MMSB_KIND_NONE || line->generation)
		return MMSB_REASON_LINE_USED;
	ms_capture_before(shard->space, index);
	if (image->kind == MMSB_KIND_NONE) {
		load_free_line(shard, index, line, image);
		return reason;
	}
	reason = load_bytes(shard, image, bytes, &place);
	if (reason)
		return reason;
	pf_write(line->generation, MMSB_PAGE_GENERATION(image->page));
	page_publish(line, image->bytes, place, image->epoch, image->tick);
	page_count(shard);
	if (shard->hashing)
		ms_page_hash(shard->space, image->page, line, &shard->hash, false);
	return reason;
}

enum mmsb_reason ms_page_load_piece(struct ms_shard *shard, struct mmsb_line *line, const struct mmsb_image *image, const u8 *bytes)
{
	struct ms_hash_key key = ms_hash_key(image->page);
	enum mmsb_reason reason = MMSB_REASON_NONE;
	u64 seq;

	if (!image->length)
		return reason;
	if (line->size > PF_CHUNK)
		reason = ms_page_fill(shard, line, image->offset, image->length);
	if (reason)
		return reason;
	ms_capture_before(shard->space, MMSB_PAGE_INDEX(image->page));
	seq = ms_page_begin(line);
	if (shard->hashing)
		hash_bytes(shard->space, &key, line, image->offset, image->length, &shard->hash, true);
	bytes_store(shard->space, line->place + image->offset, bytes, image->length);
	if (shard->hashing)
		hash_bytes(shard->space, &key, line, image->offset, image->length, &shard->hash, false);
	pf_release(&line->seq, seq + 1);
	return reason;
}
