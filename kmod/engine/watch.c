// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Watching one page: sleep until its epoch has passed a given one. The shard counts its watchers, so that a pass pays one load when
 * there are none.
 */
#include "engine.h"
#include "page.h"
#include "space.h"
#include "watch.h"

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

void ms_watch_wake(struct ms_watch *watch, u16 groups)
{
	bool all = groups == MS_WATCH_ALL;

	for (; groups; groups &= groups - 1) {
		u32 group = (u32)__builtin_ctz(groups);
		u64 queues = all ? ~0ull : watch->dirty[group];

		watch->dirty[group] = 0;
		for (; queues; queues &= queues - 1) {
			struct pf_waitq *queue = &watch->queue[64 * group + (u32)__builtin_ctzll(queues)];

			if (pf_waitq_active(queue))
				pf_waitq_wake(queue);
		}
	}
}

void ms_watch_free(struct ms_watch *watch)
{
	u32 i;

	for (i = 0; watch && i < MS_WATCH_QUEUES; i++)
		pf_waitq_destroy(&watch->queue[i]);
	pf_free(watch);
}

/* Under the space's mutex. */
static enum mmsb_reason watch_make(struct ms_space *space, struct ms_shard *shard)
{
	struct ms_watch *watch;
	u32 i;

	if (likely(shard->watch))
		return MMSB_REASON_NONE;
	watch = pf_alloc(sizeof(*watch), shard->node);
	if (!watch)
		return MMSB_REASON_NO_MEMORY;
	for (i = 0; i < MS_WATCH_QUEUES; i++)
		pf_waitq_init(&watch->queue[i]);
	space->watch_memory += sizeof(*watch);
	pf_release(&shard->watch, watch);	/* partner: shard_wake_watchers() */
	return MMSB_REASON_NONE;
}

static enum mmsb_reason watch_begin(struct ms_space *space, struct ms_shard *shard)
{
	enum mmsb_reason reason;

	pf_mutex_lock(&space->mutex);
	reason = watch_make(space, shard);
	if (!reason)
		pf_release(&shard->watchers, shard->watchers + 1);	/* partner: the pass, which finds the queues behind it */
	pf_mutex_unlock(&space->mutex);
	return reason;
}

static void watch_end(struct ms_space *space, struct ms_shard *shard)
{
	pf_mutex_lock(&space->mutex);
	pf_write(shard->watchers, shard->watchers - 1);
	pf_mutex_unlock(&space->mutex);
}

int ms_page_wait(struct ms_space *space, u64 page, u64 epoch, u64 timeout_ns, u64 *now)
{
	struct watch watch = { .space = space, .page = page, .epoch = epoch };
	u32 index = MMSB_PAGE_INDEX(page);
	enum mmsb_reason reason;
	struct ms_shard *shard;
	int result;

	*now = 0;
	if (index >= space->lines)
		return ms_errno(MMSB_REASON_NO_PAGE);
	shard = space->shards[ms_space_owner(space, index)];
	reason = watch_begin(space, shard);
	if (reason)
		return ms_errno(reason);
	result = pf_waitq_wait(&shard->watch->queue[index % MS_WATCH_QUEUES], watch_is_over, &watch, timeout_ns);
	watch_end(space, shard);
	if (watch.reason)
		return ms_errno(watch.reason);
	*now = watch.found;
	return result;
}
