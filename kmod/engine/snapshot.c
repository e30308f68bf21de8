// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Snapshots: several pages as they stood at one tick. The shards that own them stand still for as long as the copying takes, which the
 * ring's payload area bounds. This is what a reader falls back on when a page is too hot to be read in passing.
 */
#include "engine.h"
#include "meet.h"
#include "page.h"
#include "pass.h"
#include "ring.h"
#include "space.h"

struct snapshot {
	struct ms_ring *ring;
	struct ms_space *space;
	u64 *ids;
	u32 pages;
	u64 out, room;			/* in the payload area */
	u64 offset, length;		/* of each page */
	u64 set[MS_INBOX];		/* shards concerned */
	struct ms_todo todo;
};

static bool in_payload(const struct ms_ring *ring, u64 at, u64 bytes)
{
	return !(at % 8) && at <= ring->payload_bytes && bytes <= ring->payload_bytes - at;
}

static void snapshot_read_ids(struct snapshot *snap, u64 ids)
{
	const u64 *from = (const void *)(snap->ring->payload + ids);
	u32 i;

	for (i = 0; i < snap->pages; i++) {
		u32 index, owner;

		snap->ids[i] = pf_read(from[i]);
		index = MMSB_PAGE_INDEX(snap->ids[i]);
		if (index >= snap->space->lines)
			continue;
		owner = ms_space_owner(snap->space, index);
		snap->set[owner / 64] |= 1ull << (owner % 64);
	}
}

/* How much of a page of that size is asked for. */
static u64 snapshot_part(const struct snapshot *snap, u64 size)
{
	u64 left = snap->offset < size ? size - snap->offset : 0;

	return left < snap->length ? left : snap->length;
}

static u64 snapshot_bytes(const struct snapshot *snap)
{
	u64 bytes = snap->pages * sizeof(struct mmsb_snapshot_entry);
	struct mmsb_line *line;
	u32 i;

	for (i = 0; i < snap->pages; i++)
		if (!ms_page_find(snap->space, snap->ids[i], &line))
			bytes += (snapshot_part(snap, line->size) + 7) & ~7ull;
	return bytes;
}

static void snapshot_write(const struct snapshot *snap)
{
	u8 *payload = (u8 *)snap->ring->payload;
	struct mmsb_snapshot_entry *entries = (void *)(payload + snap->out);
	u64 at = snap->out + snap->pages * sizeof(*entries);
	u32 i;

	for (i = 0; i < snap->pages; i++) {
		struct mmsb_snapshot_entry entry = { .page = snap->ids[i] };
		struct mmsb_line *line = NULL;
		u64 part;

		entry.result = ms_errno(ms_page_find(snap->space, snap->ids[i], &line));
		if (!entry.result) {
			entry.epoch = line->epoch;
			entry.tick = line->tick;
			entry.size = line->size;
			entry.at = at;
			part = snapshot_part(snap, line->size);
			ms_page_copy(snap->space, line, snap->offset, payload + at, part);
			at += (part + 7) & ~7ull;
		}
		entries[i] = entry;
	}
}

/*
 * Stops the shards concerned, or all of them (NULL) if they are in the middle of a meeting. Between its steps a wave leaves every
 * page whole, so one page alone need not wait for its end.
 */
static const u64 *snapshot_stand_still(struct snapshot *snap)
{
	struct ms_space *space = snap->space;
	u32 i;

	ms_space_stop(space, snap->set);
	if (snap->pages == 1)
		return snap->set;
	if (space->meeting.open) {
		ms_space_go(space, snap->set);
		ms_space_stop(space, NULL);
		ms_meet_end(space);
		return NULL;
	}
	for (i = 0; i < space->nshards; i++)
		if (snap->set[i / 64] >> (i % 64) & 1)
			ms_pass_end_wave(space->shards[i], &snap->todo);
	return snap->set;
}

static enum mmsb_reason snapshot_take(struct snapshot *snap, u64 *bytes, u64 *tick)
{
	enum mmsb_reason reason = MMSB_REASON_NONE;
	const u64 *set;

	set = snapshot_stand_still(snap);
	*bytes = snapshot_bytes(snap);
	*tick = pf_read(snap->space->page->tick);
	if (*bytes > snap->room)
		reason = MMSB_REASON_SNAPSHOT_ROOM;
	else
		snapshot_write(snap);
	ms_space_go(snap->space, set);
	return reason;
}

enum mmsb_reason ms_ring_snapshot(struct ms_ring *ring, struct mmsb_snapshot_args *args)
{
	struct snapshot *snap;
	enum mmsb_reason reason;

	if (!args->pages || args->pages > MMSB_SNAPSHOT_MAX)
		return MMSB_REASON_TOO_MANY_PAGES;
	if (!in_payload(ring, args->ids, args->pages * sizeof(u64)) || !in_payload(ring, args->out, args->out_bytes))
		return MMSB_REASON_OUT_OF_PAYLOAD;
	snap = pf_alloc(sizeof(*snap) + args->pages * sizeof(u64), -1);
	if (!snap)
		return MMSB_REASON_NO_MEMORY;
	snap->ring = ring;
	snap->space = ms_ring_space(ring);
	snap->ids = (u64 *)(snap + 1);
	snap->pages = args->pages;
	snap->out = args->out;
	snap->room = args->out_bytes;
	snap->offset = args->offset;
	snap->length = args->length ? args->length : ~0ull;
	snapshot_read_ids(snap, args->ids);
	reason = snapshot_take(snap, &args->out_bytes, &args->tick);
	pf_free(snap);
	return reason;
}
