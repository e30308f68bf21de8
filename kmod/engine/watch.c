// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Watching one page: sleep until its epoch has passed a given one. The shard counts its watchers, so that a pass pays one load when
 * there are none, and spreads them over a few queues, so that a change wakes few who wait for something else.
 */
#include "engine.h"
#include "page.h"
#include "space.h"

struct watch {
	const struct ms_space *space;
	u64 page, epoch, found;
	enum mmsb_reason reason;
};

/* Takes no lock: the directory's chunks stay filled as long as the space lives. */
static bool watch_is_over(void *arg)
{
	struct watch *watch = arg;
	u32 index = MMSB_PAGE_INDEX(watch->page), generation = MMSB_PAGE_GENERATION(watch->page), now;
	struct mmsb_line *line = NULL;

	if (index < watch->space->lines)
		line = ms_region_find(&watch->space->directory, (u64)index * sizeof(*line));
	watch->reason = MMSB_REASON_NO_PAGE;
	if (!line)
		return true;
	watch->found = pf_read(line->epoch);
	pf_rmb();	/* partner: pf_wmb() in ms_page_begin(): an epoch of a later page comes with a later generation */
	now = pf_read(line->generation);
	if (now == generation && pf_read(line->kind) != MMSB_KIND_NONE)
		watch->reason = MMSB_REASON_NONE;
	else if (generation && generation < now)
		watch->reason = MMSB_REASON_STALE_PAGE;
	return watch->reason || watch->found > watch->epoch;
}

static void watch_count(struct ms_space *space, struct ms_shard *shard, int step)
{
	pf_mutex_lock(&space->mutex);
	pf_write(shard->watchers, shard->watchers + step);
	pf_mutex_unlock(&space->mutex);
}

int ms_page_wait(struct ms_space *space, u64 page, u64 epoch, u64 timeout_ns, u64 *now)
{
	struct watch watch = { .space = space, .page = page, .epoch = epoch };
	u32 index = MMSB_PAGE_INDEX(page);
	struct ms_shard *shard;
	int result;

	*now = 0;
	if (index >= space->lines)
		return ms_errno(MMSB_REASON_NO_PAGE);
	shard = space->shards[ms_space_owner(space, index)];
	watch_count(space, shard, 1);
	result = pf_waitq_wait(&shard->watch[index % MS_WATCH], watch_is_over, &watch, timeout_ns);
	watch_count(space, shard, -1);
	if (watch.reason)
		return ms_errno(watch.reason);
	*now = watch.found;
	return result;
}
