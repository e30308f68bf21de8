// SPDX-License-Identifier: MIT
/*
 * Several pages at one tick.
 *
 * First in passing: if the number of ticks closed, loaded before, equals the number opened, loaded after, no tick was under way
 * while the pages were copied, so they stood like that at this tick. In a space that is written all the time that fails; after a few
 * tries the engine is asked, through the handle's own ring.
 */
#include "ring.h"

#define TRIES	4
#define IDS_AT	0ull

static size_t shorter(size_t len, uint64_t size)
{
	return len < size ? len : (size_t)size;
}

/* ------------------------------------------------------------------------------------------------------ in passing */

/* The line says "not there" or can be copied; whether that was any good is known when all have been. */
static int copy_one(struct mmsb_space *space, uint64_t page, void *to, size_t len, struct mmsb_page_info *info)
{
	struct mmsb_view view;
	size_t n;
	int err = mmsb_view_begin(space, page, &view);

	if (err)
		return err;
	n = shorter(len, view.length);
	if (n)
		msl_copy(to, view.data, n);
	if (!mmsb_view_end(&view))
		return -EAGAIN;
	info->page = page;
	info->epoch = view.epoch;
	info->tick = view.tick;
	info->length = view.length;
	info->kind = view.kind;
	info->flags = view.flags;
	return (int)n;
}

struct request {
	const uint64_t *pages;
	unsigned int n;
	void *const *to;
	const size_t *len;
	struct mmsb_page_info *infos;
	int *results;
};

static void deliver(const struct request *request, unsigned int i, int result, const struct mmsb_page_info *info)
{
	static const struct mmsb_page_info none;

	if (request->results)
		request->results[i] = result;
	if (request->infos)
		request->infos[i] = result < 0 ? none : *info;
}

static bool try_in_passing(struct mmsb_space *space, const struct request *request, uint64_t *tick)
{
	uint64_t closed = msl_ticks_closed(space->page);
	struct mmsb_page_info info;
	unsigned int i;
	int result;

	for (i = 0; i < request->n; i++) {
		result = copy_one(space, request->pages[i], request->to[i], request->len[i], &info);
		if (result == -EAGAIN)
			return false;
		deliver(request, i, result, &info);
	}
	*tick = msl_ticks_opened(space->page);
	return *tick == closed;
}

/* ----------------------------------------------------------------------------------------------------- by the engine */

static uint64_t longest(const size_t *len, unsigned int n)
{
	size_t most = 1;	/* 0 would ask for all */

	while (n--)
		most = len[n] > most ? len[n] : most;
	return most;
}

/* Under helper_lock. The entries are then at args->out of the ring's payload area, and of each page what was asked for. */
static int ask(struct mmsb_space *space, const uint64_t *pages, unsigned int n, uint64_t offset, uint64_t length,
	       struct mmsb_snapshot_args *args)
{
	uint64_t need = n * sizeof(struct mmsb_snapshot_entry);
	int err;

	do {
		memset(args, 0, sizeof(*args));
		args->size = sizeof(*args);
		args->pages = n;
		args->ids = IDS_AT;
		args->out = n * sizeof(uint64_t);
		args->offset = offset;
		args->length = length;
		err = msl_space_helper(space, args->out + need);
		if (err)
			return err;
		args->out_bytes = space->helper->payload_bytes - args->out;
		memcpy(space->helper->payload + args->ids, pages, n * sizeof(uint64_t));
		err = space->home->ring_snapshot(space->helper, args);
		need = args->out_bytes;
	} while (err == -ENOBUFS);
	return err;
}

static const struct mmsb_snapshot_entry *entries(struct mmsb_space *space, const struct mmsb_snapshot_args *args)
{
	return (const void *)(space->helper->payload + args->out);
}

/* An entry does not say what kind its page is; the line does, unless the page is gone by now. */
static void info_fill(struct mmsb_space *space, const struct mmsb_snapshot_entry *entry, struct mmsb_page_info *info)
{
	const struct mmsb_line *line = &space->lines[MMSB_PAGE_INDEX(entry->page)];
	bool lives = msl_load(line->generation) == MMSB_PAGE_GENERATION(entry->page);

	info->epoch = entry->epoch;
	info->tick = entry->tick;
	info->length = entry->size;
	info->kind = lives ? msl_load(line->kind) : MMSB_KIND_SOURCE;
	info->flags = lives ? msl_load(line->flags) & MSL_LINE_TOLD : 0;
}

static void copy_out(struct mmsb_space *space, const struct mmsb_snapshot_args *args, const struct request *request)
{
	const struct mmsb_snapshot_entry *entry = entries(space, args);
	unsigned int i;

	for (i = 0; i < request->n; i++, entry++) {
		struct mmsb_page_info info = { .page = entry->page };
		size_t n = shorter(request->len[i], entry->size);

		if (entry->result == 0)
			info_fill(space, entry, &info);

		if (entry->result == 0 && n)
			memcpy(request->to[i], space->helper->payload + entry->at, n);
		deliver(request, i, entry->result ? entry->result : (int)n, &info);
	}
}

int mmsb_snapshot(struct mmsb_space *space, const uint64_t *pages, unsigned int n, void *const *to, const size_t *len,
		  struct mmsb_page_info *infos, int *results, uint64_t *tick)
{
	const struct request request = { pages, n, to, len, infos, results };
	struct mmsb_snapshot_args args;
	uint64_t at;
	int err, i;

	if (n == 0 || n > MMSB_SNAPSHOT_MAX)
		return msl_fail_reason(MMSB_REASON_TOO_MANY_PAGES);
	if (!tick)
		tick = &at;
	for (i = 0; i < TRIES; i++) {
		if (try_in_passing(space, &request, tick))
			return 0;
		msl_pause();
	}
	pthread_mutex_lock(&space->helper_lock);
	err = ask(space, pages, n, 0, longest(len, n), &args);
	if (!err) {
		copy_out(space, &args, &request);
		*tick = args.tick;
	}
	pthread_mutex_unlock(&space->helper_lock);
	return err;
}

static int one_copy_out(struct mmsb_space *space, const struct mmsb_snapshot_args *args, uint64_t offset, void *to, size_t len,
			uint64_t *epoch, ssize_t *copied)
{
	const struct mmsb_snapshot_entry *entry = entries(space, args);

	if (entry->result)
		return msl_fail_reason(entry->result == -ESTALE ? MMSB_REASON_STALE_PAGE : MMSB_REASON_NO_PAGE);
	*copied = offset < entry->size ? (ssize_t)shorter(len, entry->size - offset) : 0;
	if (*copied)
		memcpy(to, space->helper->payload + entry->at, (size_t)*copied);
	if (epoch)
		*epoch = entry->epoch;
	return 0;
}

int msl_space_snapshot_one(struct mmsb_space *space, uint64_t page, uint64_t offset, void *to, size_t len, uint64_t *epoch,
			   ssize_t *copied)
{
	struct mmsb_snapshot_args args;
	int err;

	pthread_mutex_lock(&space->helper_lock);
	err = ask(space, &page, 1, offset, longest(&len, 1), &args);
	if (!err)
		err = one_copy_out(space, &args, offset, to, len, epoch, copied);
	pthread_mutex_unlock(&space->helper_lock);
	return err;
}
