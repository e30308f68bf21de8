// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "quota.h"
#include "ring.h"
#include "space.h"

#define LOT_MAX		64u
#define LOTS_A_SHARD	16u	/* that there are at least, or each is of one page */

/*
 * What shards have in hand others cannot make, so that is little beside the limit: at most two lots a shard, an eighth of it in all. Where a lot
 * is one page they keep none. A shard that is alone keeps nothing from anybody.
 */
static void quota_size_lots(struct ms_space *space)
{
	u64 lot = space->max_pages / ((u64)LOTS_A_SHARD * space->nshards);

	if (lot > LOT_MAX || space->nshards == 1)
		lot = LOT_MAX;
	pf_write(space->lot, lot ? (u32)lot : 1);
}

void ms_quota_open(struct ms_space *space, const struct ms_space_config *config)
{
	space->made_for_pages = space->max_pages = config->max_pages;
	quota_size_lots(space);
	space->max_bytes = config->max_bytes;
	space->max_rings = config->max_rings;
	space->spend = config->spend;
	space->refund = config->refund;
}

static u64 quota_spend(struct ms_space *space, enum ms_resource what, u64 least, u64 n)
{
	return space->spend && n ? space->spend(space->arg, what, least, n) : n;
}

static void quota_refund(struct ms_space *space, enum ms_resource what, u64 n)
{
	if (space->refund && n)
		space->refund(space->arg, what, n);
}

void ms_quota_forget(struct ms_space *space)
{
	quota_refund(space, MS_RESOURCE_PAGES, space->granted);
	quota_refund(space, MS_RESOURCE_BYTES, space->arena.used << PF_CHUNK_SHIFT);
	space->granted = 0;
}

/* Of what may be had, nine tenths are. */
static void quota_press(struct ms_space *space, u64 used, u64 most)
{
	if (space->press && ms_is_near(used, most))
		space->press(space->arg, MS_PRESSURE_LIMIT);
}

static enum mmsb_reason quota_refuse(struct ms_space *space, enum mmsb_reason reason)
{
	if (reason && space->tell)
		space->tell(space->arg, reason, NULL);
	return reason;
}

/* What was granted may be more than a limit that was lowered since. */
enum mmsb_reason ms_quota_grant(struct ms_space *space, struct ms_lines *lines)
{
	u64 left, lot;

	pf_mutex_lock(&space->mutex);
	left = space->max_pages > space->granted ? space->max_pages - space->granted : 0;
	lot = quota_spend(space, MS_RESOURCE_PAGES, 1, left < space->lot ? left : space->lot);
	space->granted += lot;
	quota_press(space, space->granted, space->max_pages);
	pf_mutex_unlock(&space->mutex);
	lines->quota += (u32)lot;
	return quota_refuse(space, lot ? MMSB_REASON_NONE : left ? MMSB_REASON_USER_PAGES : MMSB_REASON_PAGES_LIMIT);
}

/* Keeps a lot in hand, so that making and destroying in turn does not come here each time; but not the only page of one. */
void ms_quota_return(struct ms_space *space, struct ms_lines *lines)
{
	u32 lot = pf_read(space->lot), back = lot == 1 ? lines->quota : lot;

	if (likely(lot > 1 && lines->quota < 2 * lot))
		return;
	pf_mutex_lock(&space->mutex);
	space->granted -= back;
	quota_refund(space, MS_RESOURCE_PAGES, back);
	pf_mutex_unlock(&space->mutex);
	lines->quota -= back;
}

enum mmsb_reason ms_quota_chunks(struct ms_space *space, u64 chunks, u64 *first)
{
	enum mmsb_reason reason = ms_arena_take(&space->arena, chunks, first);
	u64 bytes = chunks << PF_CHUNK_SHIFT;

	if (!reason && !quota_spend(space, MS_RESOURCE_BYTES, bytes, bytes)) {
		ms_arena_give(&space->arena, *first, chunks);
		reason = MMSB_REASON_USER_BYTES;
	}
	quota_press(space, space->arena.used, space->arena.limit);
	return quota_refuse(space, reason);
}

void ms_quota_chunks_back(struct ms_space *space, u64 first, u64 chunks)
{
	ms_arena_give(&space->arena, first, chunks);
	quota_refund(space, MS_RESOURCE_BYTES, chunks << PF_CHUNK_SHIFT);
}

enum mmsb_reason ms_quota_ring(struct ms_space *space, u64 memory, u64 *id)
{
	enum mmsb_reason reason = MMSB_REASON_NONE;

	pf_mutex_lock(&space->mutex);
	if (space->rings >= space->max_rings)
		reason = MMSB_REASON_RINGS_LIMIT;
	else if (!quota_spend(space, MS_RESOURCE_RINGS, 1, 1))
		reason = MMSB_REASON_USER_RINGS;
	if (!reason) {
		space->rings++;
		*id = ++space->last_ring;
		space->ring_memory += memory;
	}
	quota_press(space, space->rings, space->max_rings);
	pf_mutex_unlock(&space->mutex);
	return quota_refuse(space, reason);
}

void ms_quota_ring_back(struct ms_space *space, u64 memory)
{
	pf_mutex_lock(&space->mutex);
	space->rings--;
	quota_refund(space, MS_RESOURCE_RINGS, 1);
	space->ring_memory -= memory;
	pf_mutex_unlock(&space->mutex);
}

/*
 * The limit of pages cannot be above what the directory was made for, nor that of bytes above the arena's size. What shards have in hand of a
 * limit that is lowered they may still use up: two lots each, as large as those were.
 */
enum mmsb_reason ms_space_limit(struct ms_space *space, const struct ms_space_limits *limits)
{
	u64 chunks = (limits->max_bytes >> PF_CHUNK_SHIFT) + !!(limits->max_bytes & (PF_CHUNK - 1));

	if (limits->max_pages > space->made_for_pages || chunks > space->arena.region.chunks)
		return MMSB_REASON_BAD_LIMIT;
	pf_mutex_lock(&space->mutex);
	if (limits->max_pages) {
		pf_write(space->max_pages, limits->max_pages);
		quota_size_lots(space);
	}
	if (limits->max_bytes) {
		pf_write(space->max_bytes, limits->max_bytes);
		space->arena.limit = chunks;
	}
	if (limits->max_rings)
		pf_write(space->max_rings, limits->max_rings);
	quota_press(space, space->granted, space->max_pages);
	quota_press(space, space->arena.used, space->arena.limit);
	quota_press(space, space->rings, space->max_rings);
	pf_mutex_unlock(&space->mutex);
	return MMSB_REASON_NONE;
}
