/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Pages: their lines in the directory, how they come and go, and the protocol by which one writer changes them under the eyes of
 * readers that take no lock.
 *
 * A shard owns whole blocks of directory lines. It hands out lines that came back first (last in, first out), then fresh ones;
 * both orders depend on the shard's history alone, so a reset space deals the same ids again.
 */
#ifndef MS_PAGE_H
#define MS_PAGE_H

#include "hash.h"
#include "region.h"
#include "slab.h"

/* mmsb_line.flags, beside those of the ABI */
#define MS_LINE_LISTED	1u		/* on its shard's list of lines that came back */
#define MS_LINE_SMALL	4u		/* the page lies in one slot of a slab */
#define MS_LINE_PARENT	8u		/* pages are derived from this one */

struct ms_lines {
	u32 returned;			/* index + 1 of the last line that came back; 0: none */
	u32 quota;			/* pages that may be made before asking the space */
	u64 fresh;			/* lines of this shard from here on were never dealt */
	u64 live;
	u64 changes;			/* pages that came or went, or were refused late, and resets */
};

struct ms_shard;

enum mmsb_reason ms_page_create(struct ms_shard *shard, u32 bytes, u64 at, u64 *page);
void ms_page_destroy(struct ms_shard *shard, u64 page, struct mmsb_line *line);
/* What an image says of a line, which was never used; and a further piece of a page that is there. Both were judged. */
enum mmsb_reason ms_page_load(struct ms_shard *shard, u32 index, const struct mmsb_image *image, const u8 *bytes);
enum mmsb_reason ms_page_load_piece(struct ms_shard *shard, struct mmsb_line *line, const struct mmsb_image *image, const u8 *bytes);
/* Makes sure that the bytes from offset on can be written. */
enum mmsb_reason ms_page_fill(struct ms_shard *shard, const struct mmsb_line *line, u64 offset, u64 bytes);
/* Adds to the hash what the page contributes. Slow: reads all of it. */
void ms_page_hash(const struct ms_space *space, u64 page, const struct mmsb_line *line, struct ms_hash *hash, bool gone);
/* The same in parts: all but its bytes, and those. */
void ms_page_hash_head(const struct ms_space *space, u64 page, const struct mmsb_line *line, struct ms_hash *hash, bool gone);
void ms_page_hash_bytes(const struct ms_space *space, u64 page, const struct mmsb_line *line, u64 offset, u64 bytes, struct ms_hash *hash);
/* Copies bytes of a page that is not being written. */
void ms_page_copy(const struct ms_space *space, const struct mmsb_line *line, u64 offset, void *to, u64 bytes);

static inline u64 ms_line_id(const struct mmsb_line *line, u32 index)
{
	return MMSB_PAGE_ID(line->generation, index);
}

/* One writer; whoever reads the page looks at some of them. */
static inline void ms_line_set(struct mmsb_line *line, u8 flags)
{
	pf_write(line->flags, line->flags | flags);
}

static inline void ms_line_clear(struct mmsb_line *line, u8 flags)
{
	pf_write(line->flags, line->flags & ~flags);
}

/* Why a line does not hold the page of that generation. */
static inline enum mmsb_reason ms_line_refusal(const struct mmsb_line *line, u32 generation)
{
	bool past = generation < line->generation || (generation == line->generation && (line->flags & MMSB_LINE_RETIRED));

	return generation && past ? MMSB_REASON_STALE_PAGE : MMSB_REASON_NO_PAGE;
}

/* The words of a page from `offset` (a multiple of 8) up to the end of its chunk; NULL where nothing was ever written. */
static inline u64 *ms_page_words(const struct ms_region *arena, const struct mmsb_line *line, u64 offset)
{
	u64 at = line->place + offset;

	if (line->size > PF_CHUNK && !ms_region_chunk(arena, at >> PF_CHUNK_SHIFT))
		return NULL;
	return ms_region_at(arena, at);
}

/* Partner of the reader's two loads of seq: odd is out before any byte changes, even after all have. */
static inline u64 ms_page_begin(struct mmsb_line *line)
{
	u64 seq = line->seq + 1;

	pf_write(line->seq, seq);
	pf_wmb();
	return seq;
}

static inline void ms_page_end(struct mmsb_line *line, u64 seq, u64 tick)
{
	pf_write(line->epoch, line->epoch + 1);
	pf_write(line->tick, tick);
	pf_release(&line->seq, seq + 1);
}

#endif
