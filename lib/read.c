// SPDX-License-Identifier: MIT
/*
 * Reading pages from their mappings: no syscall, no lock, no store to shared memory.
 *
 * A line's fields are only known to belong together once its sequence has been seen unchanged behind them. Until then a size may go
 * with another page's place, so what lies beyond the arena is not touched and counts as a try that failed. A page that is written
 * all the time would fail every try: after TRIES the shard itself is asked, between two deltas, and answers for sure.
 *
 * A page that is behind, because it is lazy, is recomputed first, once a read: what then is copied is as new as the read is.
 */
#include <sched.h>
#include "home.h"

#define TRIES	64

struct version {
	uint64_t seq, epoch, tick, place;
	uint32_t size, kind, flags;
};

enum look { LOOK_FINE, LOOK_AGAIN, LOOK_NOT_THERE };

static const struct mmsb_line *line_of(const struct mmsb_space *space, uint64_t page)
{
	uint32_t index = MMSB_PAGE_INDEX(page);

	return index < space->nlines ? &space->lines[index] : NULL;
}

/* The fields of one version; FINE does not yet say that they held. */
static inline enum look line_look(const struct mmsb_line *line, uint32_t generation, struct version *version)
{
	version->seq = msl_seq_begin(line);
	if (version->seq & 1)
		return LOOK_AGAIN;
	version->epoch = msl_load(line->epoch);
	version->tick = msl_load(line->tick);
	version->place = msl_load(line->place);
	version->size = msl_load(line->size);
	version->kind = msl_load(line->kind);
	version->flags = msl_load(line->flags) & MSL_LINE_TOLD;
	if (msl_likely(msl_load(line->generation) == generation && version->kind != MMSB_KIND_NONE))
		return LOOK_FINE;
	return msl_seq_held(line, version->seq) ? LOOK_NOT_THERE : LOOK_AGAIN;
}

static inline bool in_arena(const struct mmsb_space *space, const struct version *version)
{
	return version->place <= space->arena_bytes && version->size <= space->arena_bytes - version->place;
}

static int fail_not_there(const struct mmsb_line *line, uint64_t page)
{
	uint32_t generation = MMSB_PAGE_GENERATION(page), next = line ? msl_load(line->generation) : 0;

	if (generation && (generation < next || (generation == next && msl_load(line->flags) & MMSB_LINE_RETIRED)))
		return msl_fail_reason(MMSB_REASON_STALE_PAGE);
	return msl_fail_reason(MMSB_REASON_NO_PAGE);
}

/* ---------------------------------------------------------------------------------------------------- copy out of it */

static inline size_t part(const struct version *version, uint64_t offset, size_t len)
{
	if (offset >= version->size)
		return 0;
	return len < version->size - offset ? len : (size_t)(version->size - offset);
}

ssize_t mmsb_read(struct mmsb_space *space, uint64_t page, uint64_t offset, void *to, size_t len, uint64_t *epoch)
{
	const struct mmsb_line *line = line_of(space, page);
	struct version version;
	bool refreshed = false;
	ssize_t copied;
	int try, err;

	for (try = 0; line && try < TRIES; try++) {
		enum look look = line_look(line, MMSB_PAGE_GENERATION(page), &version);

		if (look == LOOK_NOT_THERE)
			break;
		if (msl_unlikely(look == LOOK_FINE && (version.flags & MMSB_LINE_BEHIND) && !refreshed)) {
			err = msl_space_refresh(space, page);
			if (err < 0)
				return err;
			refreshed = true;
			continue;
		}
		if (msl_likely(look == LOOK_FINE && in_arena(space, &version))) {
			size_t n = part(&version, offset, len);

			msl_copy(to, space->arena + version.place + offset, n);
			if (msl_likely(msl_seq_held(line, version.seq))) {
				if (epoch)
					*epoch = version.epoch;
				return (ssize_t)n;
			}
		}
		msl_pause();
	}
	if (try < TRIES)
		return fail_not_there(line, page);
	err = msl_space_snapshot_one(space, page, offset, to, len, epoch, &copied);
	return err ? err : copied;
}

/* --------------------------------------------------------------------------------------------------- its line alone */

/* 0, -ENOENT, or -EAGAIN if somebody wrote all the while. */
static int line_read(const struct mmsb_line *line, uint32_t generation, struct version *version)
{
	int try;

	for (try = 0; try < TRIES; try++) {
		enum look look = line_look(line, generation, version);

		if (look == LOOK_NOT_THERE)
			return -ENOENT;
		if (look == LOOK_FINE && msl_seq_held(line, version->seq))
			return 0;
		msl_pause();
	}
	return -EAGAIN;
}

static void info_fill(struct mmsb_page_info *info, uint64_t page, const struct version *version)
{
	info->page = page;
	info->epoch = version->epoch;
	info->tick = version->tick;
	info->length = version->size;
	info->kind = (uint16_t)version->kind;
	info->flags = (uint16_t)version->flags;
}

int mmsb_page_info(struct mmsb_space *space, uint64_t page, struct mmsb_page_info *info)
{
	const struct mmsb_line *line = line_of(space, page);
	struct version version;
	int err;

	if (!line)
		return fail_not_there(line, page);
	while ((err = line_read(line, MMSB_PAGE_GENERATION(page), &version)) == -EAGAIN)
		sched_yield();		/* the line is written for nanoseconds a delta, so this ends */
	if (err)
		return fail_not_there(line, page);
	info_fill(info, page, &version);
	return 0;
}

int mmsb_page_next(struct mmsb_space *space, uint64_t *cursor, struct mmsb_page_info *info)
{
	uint64_t index;

	for (index = *cursor; index < space->nlines; index++) {
		const struct mmsb_line *line = &space->lines[index];
		uint32_t generation = msl_load(line->generation);

		if (msl_load(line->kind) == MMSB_KIND_NONE)
			continue;
		if (mmsb_page_info(space, MMSB_PAGE_ID(generation, index), info))
			continue;
		*cursor = index + 1;
		return 0;
	}
	*cursor = index;
	return -ENOENT;
}

/* ------------------------------------------------------------------------------------------------------------- views */

int mmsb_view_begin(struct mmsb_space *space, uint64_t page, struct mmsb_view *view)
{
	const struct mmsb_line *line = line_of(space, page);
	struct version version;
	enum look look;

	look = line ? line_look(line, MMSB_PAGE_GENERATION(page), &version) : LOOK_NOT_THERE;
	if (look == LOOK_NOT_THERE)
		return fail_not_there(line, page);
	if (look == LOOK_AGAIN || !msl_seq_held(line, version.seq))
		return msl_fail(EAGAIN, "the page is being written right now: begin again");
	view->data = space->arena + version.place;
	view->epoch = version.epoch;
	view->tick = version.tick;
	view->length = version.size;
	view->kind = (uint16_t)version.kind;
	view->flags = (uint16_t)version.flags;
	view->seq_ = version.seq;
	view->line_ = line;
	return 0;
}

bool mmsb_view_end(const struct mmsb_view *view)
{
	return msl_seq_held(view->line_, view->seq_);
}
