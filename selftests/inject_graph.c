// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out of memory wherever derived pages, events and histories allocate, as inject.c does it for the rest. What these keep is grown seldom and
 * kept, so each failure is tried in a plot of its own: a fresh space of two shards that is made ready with nothing failing. The act is then done with
 * its nth allocation failing. Whether it failed or not, the plot must be as it was or as the act makes it, nothing between: by the hash, by
 * what the space counts, and by what the scenario itself looks at once the act has been done again with nothing failing. Leaks are for
 * the sanitizer, or kmemleak, to find.
 */
#include "common/harness.h"
#include "common/starve.h"
#include "common/tape.h"
#include "common/verified.h"

#define PAGES	100u
#define PARENTS	24u		/* their edges take more than an operand that the engine keeps on its stack */
#define BIG	200000u		/* bytes: more than a chunk */

struct plot {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_events *events;
	struct mmsb_history *history;
	struct tape tape;
	uint64_t page[PAGES];		/* 64 bytes; of both shards in turn; lane 0 of page i holds i + 1 */
	uint64_t big[2];
	struct mmsb_space *other;	/* to replay into */
	struct mmsb_ring *replay;
};

/* ----------------------------------------------------------------------------------------------------------- the plot */

static int make_at(struct mmsb_ring *ring, unsigned int shard, uint32_t index, uint32_t bytes, uint64_t *page)
{
	struct mmsb_cqe cqe = {};
	int ret;

	*page = MMSB_PAGE_ID(1, 1024 * shard + index);
	ret = run_op(ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = *page, .len = bytes);
	return ret ?: cqe.result;
}

static int plot_space(struct mmsb *mmsb, uint32_t flags, struct mmsb_space **space)
{
	return mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 2, .audit = 1, .max_pages = 4096,
						     .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | MMSB_SPACE_INLINE | flags), space);
}

/* What was submitted together has all come to good. */
static int reap(struct mmsb_ring *ring, unsigned int n)
{
	struct mmsb_cqe cqe;
	int ret = mmsb_submit_and_wait(ring, n, PATIENCE);

	for (ret = ret < 0 ? ret : 0; !ret && n; n--)
		ret = mmsb_wait_cqe(ring, &cqe, PATIENCE) ?: cqe.result;
	return ret;
}

static int make_pages(struct plot *plot)
{
	struct mmsb_sqe *sqe;
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		plot->page[i] = MMSB_PAGE_ID(1, 1024 * (i % 2) + i);
		sqe = mmsb_get_sqe(plot->ring);
		mmsb_prep_create(sqe, 64);
		sqe->flags = MMSB_SQE_AT;
		sqe->page = plot->page[i];
		mmsb_prep_add(mmsb_get_sqe(plot->ring), plot->page[i], 0, i + 1);
	}
	return reap(plot->ring, 2 * PAGES);
}

static int plot_open(struct plot *plot, struct mmsb *mmsb, uint32_t flags)
{
	unsigned int i;
	int ret;

	memset(plot, 0, sizeof(*plot));
	plot->mmsb = mmsb;
	ret = plot_space(mmsb, flags, &plot->space) ?: mmsb_ring_open(plot->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = 1), &plot->ring);
	ret = ret ?: make_pages(plot);
	for (i = 0; !ret && i < 2; i++)
		ret = make_at(plot->ring, i, 200, BIG, &plot->big[i]);
	return ret;
}

static void plot_close(struct plot *plot)
{
	mmsb_events_close(plot->events);
	mmsb_history_close(plot->history);
	mmsb_ring_close(plot->replay);
	mmsb_space_close(plot->other);
	mmsb_ring_close(plot->ring);
	mmsb_space_close(plot->space);
	tape_free(&plot->tape);
}

/* The handle's own ring, by which questions are asked. */
static int open_helper(struct plot *plot)
{
	struct mmsb_node node;
	int ret = mmsb_node(plot->space, MMSB_PAGE_ID(1, 1), &node);

	return ret == -ENOENT || ret == -ESTALE ? 0 : ret;
}

static int fold(struct plot *plot, unsigned int page, unsigned int from, unsigned int n)
{
	return mmsb_derive_fold(plot->ring, plot->page[page], MMSB_RULE_ADD_MUL, MMSB_LANE_I64, &plot->page[from], NULL, n, NULL);
}

/* Each page of the chain follows the one before it. */
static int chain(struct plot *plot, unsigned int from, unsigned int n)
{
	const struct mmsb_derive copy = { .rule = MMSB_RULE_COPY, .edges = 1 };
	struct mmsb_sqe *sqe;
	unsigned int i;
	uint8_t *to;

	for (i = from + 1; i < from + n; i++) {
		struct mmsb_edge edge = { .parent = plot->page[i - 1] };

		sqe = mmsb_get_sqe(plot->ring);
		mmsb_prep_derive(sqe, plot->page[i], 1);
		to = mmsb_sqe_payload(plot->ring, sqe, sqe->len);
		memcpy(to, &copy, sizeof(copy));
		memcpy(to + sizeof(copy), &edge, sizeof(edge));
	}
	return reap(plot->ring, n - 1);
}

static uint64_t lane_of(struct plot *plot, uint64_t page)
{
	uint64_t value = ~0ull;

	mmsb_read(plot->space, page, 0, &value, sizeof(value), NULL);
	return value;
}

static uint64_t sum(unsigned int from, unsigned int n)
{
	uint64_t total = 0;

	for (; n; n--, from++)
		total += from + 1;
	return total;
}

/* ---------------------------------------------------------------------------------------------------- scenarios: graph */

static int derive(struct plot *plot)
{
	return fold(plot, 0, 1, PARENTS);
}

static bool is_derived(struct plot *plot)
{
	return lane_of(plot, plot->page[0]) == sum(1, PARENTS);
}

static int write_big(struct plot *plot)
{
	return mmsb_add(plot->ring, plot->big[0], 100000, 7, NULL);
}

static int derive_big(struct plot *plot)
{
	const struct mmsb_derive copy = { .rule = MMSB_RULE_COPY };
	const struct mmsb_edge edge = { .parent = plot->big[0] };

	return mmsb_derive(plot->ring, plot->big[1], &copy, &edge, 1, NULL);
}

static bool is_big_derived(struct plot *plot)
{
	uint64_t value = 0;

	return mmsb_read(plot->space, plot->big[1], 100000, &value, 8, NULL) == 8 && value == 7;
}

static int derive_few(struct plot *plot)
{
	return fold(plot, 0, 1, 8);
}

static int link_more(struct plot *plot)
{
	struct mmsb_edge edges[PARENTS] = {};
	unsigned int i;

	for (i = 0; i < PARENTS - 8; i++)
		edges[i] = (struct mmsb_edge){ .parent = plot->page[9 + i], .weight = 1 };
	return mmsb_link(plot->ring, plot->page[0], edges, PARENTS - 8, NULL);
}

static int unlink_some(struct plot *plot)
{
	return mmsb_unlink(plot->ring, plot->page[0], &plot->page[1 + PARENTS / 2], PARENTS / 2, NULL);
}

static bool is_unlinked(struct plot *plot)
{
	return lane_of(plot, plot->page[0]) == sum(1, PARENTS / 2);
}

static int underive(struct plot *plot)
{
	return mmsb_underive(plot->ring, plot->page[0], NULL);
}

static int change_parent(struct plot *plot)
{
	return mmsb_add(plot->ring, plot->page[7], 0, 1000, NULL);
}

/* A source page follows nothing. */
static bool is_source(struct plot *plot)
{
	return !change_parent(plot) && lane_of(plot, plot->page[0]) == sum(1, PARENTS);
}

static bool is_changed(struct plot *plot)
{
	return lane_of(plot, plot->page[0]) == sum(1, PARENTS) + 1000;
}

static int replace(struct plot *plot)
{
	return mmsb_derive_fold(plot->ring, plot->page[0], MMSB_RULE_MAX_ADD, MMSB_LANE_I64, &plot->page[60], NULL, 35, NULL);
}

static bool is_replaced(struct plot *plot)
{
	return lane_of(plot, plot->page[0]) == 95 && !change_parent(plot) && lane_of(plot, plot->page[0]) == 95;
}

static int climb(struct plot *plot)
{
	return chain(plot, 0, 64);
}

/* The first page of a height for which no wave has a level yet. */
static int top(struct plot *plot)
{
	return fold(plot, 64, 63, 1);
}

static bool is_on_top(struct plot *plot)
{
	return lane_of(plot, plot->page[64]) == 1 && !mmsb_add(plot->ring, plot->page[0], 0, 5, NULL) &&
	       lane_of(plot, plot->page[64]) == 6;
}

static int two_chains(struct plot *plot)
{
	return chain(plot, 0, 60) ?: chain(plot, 60, 40);
}

/* Puts one chain on top of the other: all of it rises. */
static int lift(struct plot *plot)
{
	return fold(plot, 60, 59, 1);
}

static bool is_lifted(struct plot *plot)
{
	struct mmsb_node node;

	return !mmsb_node(plot->space, plot->page[99], &node) && node.height == 99 && lane_of(plot, plot->page[99]) == 1;
}

static int many_children(struct plot *plot)
{
	unsigned int i;
	int ret = 0;

	for (i = 1; !ret && i < 40; i++)
		ret = fold(plot, i, 0, 1);
	return ret;
}

static int destroy(struct plot *plot)
{
	return mmsb_destroy_detach(plot->ring, plot->page[0]);
}

static bool is_destroyed(struct plot *plot)
{
	struct mmsb_node node;
	unsigned int i;

	for (i = 1; i < 40; i++)
		if (mmsb_node(plot->space, plot->page[i], &node) || node.kind != MMSB_KIND_SOURCE || lane_of(plot, plot->page[i]) != 1)
			return false;
	return mmsb_node(plot->space, plot->page[0], &node) == -ESTALE;
}

static int no_cycle(struct plot *plot)
{
	int ret = fold(plot, 0, 63, 1);

	return ret == -ELOOP ? 0 : ret ?: -EIO;
}

static int ask(struct plot *plot)
{
	struct mmsb_edge edges[4];
	struct mmsb_node nodes[4];
	uint64_t pages[4], cursor = 0;
	int ret = mmsb_node(plot->space, plot->page[0], nodes);

	if (!ret)
		ret = mmsb_parents(plot->space, plot->page[5], 0, edges, 4);
	if (ret >= 0)
		ret = mmsb_children(plot->space, plot->page[5], 0, pages, 4);
	if (ret >= 0)
		ret = mmsb_path(plot->space, plot->page[0], plot->page[50], 0, pages, 4);
	if (ret >= 0)
		ret = mmsb_node_next(plot->space, &cursor, nodes, 4);
	return ret < 0 ? ret : 0;
}

/* -------------------------------------------------------------------------------------------------- scenarios: laziness */

static int lazy_chain(struct plot *plot)
{
	return chain(plot, 0, 70) ?: mmsb_add(plot->ring, plot->page[0], 0, 5, NULL);
}

static int refresh(struct plot *plot)
{
	return mmsb_refresh(plot->ring, plot->page[69], NULL);
}

static bool is_refreshed(struct plot *plot)
{
	struct mmsb_view view;

	return !mmsb_view_begin(plot->space, plot->page[69], &view) && *(uint64_t *)view.data == 6 && mmsb_view_end(&view);
}

/* Reading what is behind asks for it. */
static int read_behind(struct plot *plot)
{
	uint64_t value;
	ssize_t ret = mmsb_read(plot->space, plot->page[69], 0, &value, sizeof(value), NULL);

	return ret < 0 ? ret : value == 6 ? 0 : -EIO;
}

/* ---------------------------------------------------------------------------------------------------- scenarios: events */

/* Opens one, hears of a change, and closes it; which page changes is no matter, so that it can be tried again. */
static int listen(struct plot *plot)
{
	struct mmsb_events *events;
	int ret = mmsb_events_open(plot->space, MMSB_OPTS(struct mmsb_events_opts, .entries = 2000, .pages = plot->page, .n = PAGES), &events);

	if (!ret)
		mmsb_events_close(events);
	return ret;
}

static int open_events(struct plot *plot)
{
	return mmsb_events_open(plot->space, MMSB_OPTS(struct mmsb_events_opts, .max_pages = PAGES, .pages = plot->page, .n = 1), &plot->events);
}

/* A second, larger one: what shards note for all of them has to grow. */
static int listen_too(struct plot *plot)
{
	return listen(plot);
}

static int filter(struct plot *plot)
{
	return mmsb_events_filter(plot->events, MMSB_OPTS(struct mmsb_events_filter, .pages = plot->page + 50, .n = 50), NULL);
}

static bool hears(struct plot *plot, unsigned int page)
{
	struct mmsb_event event = {};
	int ret = mmsb_add(plot->ring, plot->page[page], 0, 1, NULL) ?: mmsb_events_next(plot->events, &event, 0);

	return !ret && event.what == MMSB_EVENT_CHANGED && event.page == plot->page[page];
}

static bool is_heard(struct plot *plot)
{
	return hears(plot, 0) && !hears(plot, 1);
}

static bool is_filtered(struct plot *plot)
{
	return !hears(plot, 0) && hears(plot, 99) && hears(plot, 50);
}

static int tell(struct plot *plot)
{
	return change_parent(plot);
}

/* -------------------------------------------------------------------------------------------------- scenarios: histories */

static int open_history(struct plot *plot)
{
	return mmsb_history_open(plot->space, NULL, &plot->history);
}

static int history(struct plot *plot)
{
	int ret = open_history(plot);

	if (ret)
		return ret;
	mmsb_history_close(plot->history);
	plot->history = NULL;
	return 0;
}

static void plot_leave(struct plot *plot)
{
	mmsb_ring_close(plot->ring);
	mmsb_space_close(plot->space);
	plot->ring = NULL;
	plot->space = NULL;
}

/* A space that told everything from its beginning on. */
static int told_space(struct plot *plot)
{
	int ret;

	plot_leave(plot);
	ret = plot_space(plot->mmsb, 0, &plot->space) ?: open_history(plot);
	if (!ret)
		ret = mmsb_ring_open(plot->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = 1, .payload_bytes = 1 << 20), &plot->ring);
	return ret ?: make_pages(plot) ?: make_at(plot->ring, 0, 200, BIG, &plot->big[0]) ?: derive(plot);
}

static int read_records(struct plot *plot)
{
	const struct mmsb_record *record;
	int ret;

	while (!(ret = mmsb_history_next(plot->history, &record, 0)))
		tape_add(&plot->tape, record);
	return ret == -ETIME ? 0 : ret;
}

/* Amid a tick, as only replays can be found: how it ends must be told without fail. */
static int amid_tick(struct plot *plot)
{
	struct mmsb_cqe cqe;
	int ret;

	plot_leave(plot);
	ret = plot_space(plot->mmsb, 0, &plot->space) ?: open_history(plot);
	if (!ret)
		ret = mmsb_ring_open(plot->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_REPLAY), &plot->ring);
	return ret ?: run_op(plot->ring, &cqe, .op = MMSB_OP_TICK, .offset = 5) ?: make_at(plot->ring, 0, 7, 64, &plot->page[7]) ?:
	       change_parent(plot);
}

static int told_and_read(struct plot *plot)
{
	return told_space(plot) ?: read_records(plot);
}

/* Larger than what a segment of the stream has left. */
static int tell_much(struct plot *plot)
{
	static uint8_t bytes[150000];

	memset(bytes, 't', sizeof(bytes));
	return mmsb_set(plot->ring, plot->big[0], 0, bytes, sizeof(bytes), NULL);
}

static int open_replay(struct plot *plot)
{
	int ret = plot_space(plot->mmsb, 0, &plot->other);

	return ret ?: mmsb_ring_open(plot->other, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_REPLAY, .shard = 1,
							    .payload_bytes = 1 << 20), &plot->replay);
}

/* Each time into a fresh space: one that came half way is of no more use. */
static int replay(struct plot *plot)
{
	size_t at;
	int ret = plot->replay ? 0 : open_replay(plot);

	for (at = 0; !ret && at < plot->tape.used; at += tape_at(&plot->tape, at)->bytes)
		ret = mmsb_replay(plot->replay, tape_at(&plot->tape, at));
	if (!ret)
		ret = mmsb_replay(plot->replay, NULL);
	mmsb_ring_close(plot->replay);
	mmsb_space_close(plot->other);
	plot->replay = NULL;
	plot->other = NULL;
	return ret;
}

static int about_to_replay(struct plot *plot)
{
	return told_and_read(plot) ?: open_replay(plot);
}

/* Every record is there once and in its place: the replay compares the hash at each tick. */
static bool ends_alike(struct plot *plot)
{
	struct mmsb_hash_record last = {};
	uint64_t hash[2];
	size_t at;

	if (read_records(plot) || replay(plot) || mmsb_hash(plot->space, 0, hash, NULL))
		return false;
	for (at = 0; at < plot->tape.used; at += tape_at(&plot->tape, at)->bytes)
		if (tape_at(&plot->tape, at)->type == MMSB_RECORD_TICK)
			last = *(const struct mmsb_hash_record *)tape_at(&plot->tape, at);
	return !memcmp(last.hash, hash, sizeof(hash));
}

static bool replays(struct plot *plot)
{
	return !change_parent(plot) && ends_alike(plot);
}

static bool tick_ends(struct plot *plot)
{
	struct mmsb_cqe cqe;

	return !run_op(plot->ring, &cqe, .op = MMSB_OP_TICK) && !cqe.result && ends_alike(plot);
}

/* A page is changed that was not captured yet: that never fails for want of its image. */
static int ask_capture(struct plot *plot)
{
	return mmsb_history_capture(plot->history, NULL);
}

static int capture(struct plot *plot)
{
	return ask_capture(plot) ?: read_records(plot);
}

static int asked_space(struct plot *plot)
{
	return told_and_read(plot) ?: ask_capture(plot);
}

/* The last capture that the tape has; NULL: it has none. */
static const struct mmsb_record *last_captured(struct plot *plot)
{
	const struct mmsb_record *last = NULL, *record;
	uint64_t n;

	for (n = 0; (record = tape_find(&plot->tape, MMSB_RECORD_CAPTURED, n)); n++)
		last = record;
	return last;
}

/* It may have failed; then another one can be asked for. Images among the ticks are passed over. */
static bool is_captured(struct plot *plot)
{
	if (read_records(plot) || !last_captured(plot))
		return false;
	if (last_captured(plot)->flags && (capture(plot) || last_captured(plot)->flags))
		return false;
	return replays(plot);
}

/* What is on the tape of a capture, into a space of its own. */
static int take_in(struct plot *plot)
{
	struct tape images = {};
	struct tape whole = plot->tape;
	bool open = false;
	size_t at;
	int ret;

	for (at = 0; at < whole.used; at += tape_at(&whole, at)->bytes) {
		open |= tape_at(&whole, at)->type == MMSB_RECORD_CAPTURE;
		if (open && tape_at(&whole, at)->type >= MMSB_RECORD_CAPTURE)
			tape_add(&images, tape_at(&whole, at));
	}
	plot->tape = images;
	ret = replay(plot);
	tape_free(&plot->tape);
	plot->tape = whole;
	return ret;
}

static int captured_space(struct plot *plot)
{
	return told_and_read(plot) ?: capture(plot);
}

static int switch_hash(struct plot *plot)
{
	uint64_t hash[2];

	return mmsb_hash(plot->space, MMSB_HASH_ON, hash, NULL);
}

static int reset(struct plot *plot)
{
	return mmsb_space_reset(plot->space);
}

static bool is_reset(struct plot *plot)
{
	struct mmsb_page_info info;
	uint64_t cursor = 0;

	return mmsb_page_next(plot->space, &cursor, &info) == -ENOENT && !read_records(plot) && tape_find(&plot->tape, MMSB_RECORD_RESET, 0) &&
	       !replay(plot);
}

struct scenario {
	const char *name;
	int (*prepare)(struct plot *plot);
	int (*act)(struct plot *plot);
	bool (*check)(struct plot *plot);	/* the act has been done */
	uint32_t flags;				/* of the space */
	bool asks_first;			/* it opens the handle's own ring */
};

static const struct scenario edges[] = {
	{ "derive", NULL, derive, is_derived },
	{ "derive a page of many chunks", write_big, derive_big, is_big_derived },
	{ "derive otherwise", derive, replace, is_replaced },
	{ "derive at a new height", climb, top, is_on_top },
	{ "link", derive_few, link_more, is_derived },
	{ "lift a chain", two_chains, lift, is_lifted },
};

static const struct scenario graph[] = {
	{ "unlink", derive, unlink_some, is_unlinked },
	{ "underive", derive, underive, is_source },
	{ "destroy a parent", many_children, destroy, is_destroyed },
	{ "change a parent", derive, change_parent, is_changed },
	{ "a cycle", climb, no_cycle, NULL },
	{ "ask", climb, ask, NULL },
	{ "make stale", derive, change_parent, is_changed, MMSB_SPACE_LAZY },
	{ "refresh", lazy_chain, refresh, is_refreshed, MMSB_SPACE_LAZY },
	{ "read what is behind", lazy_chain, read_behind, is_refreshed, MMSB_SPACE_LAZY, true },
};

static const struct scenario events[] = {
	{ "open an event ring", NULL, listen, NULL },
	{ "open another", open_events, listen_too, is_heard },
	{ "filter events", open_events, filter, is_filtered },
	{ "tell an event", open_events, tell, is_heard },
};

static const struct scenario histories[] = {
	{ "open a history", NULL, history, NULL },
	{ "tell a delta", told_space, tell_much, replays },
	{ "tell of the graph", told_space, unlink_some, replays },
	{ "tell of one that is gone", told_and_read, destroy, NULL },
	{ "read a history", told_space, read_records, replays },
	{ "read a history amid a tick", amid_tick, read_records, tick_ends },
	{ "replay", about_to_replay, replay, replays },
	{ "capture", told_and_read, capture, is_captured },
	{ "change what is captured", asked_space, tell_much, is_captured },
	{ "take in images", captured_space, take_in, NULL },
	{ "switch the hash of a told space", told_space, switch_hash, replays },
	{ "reset a told space", told_space, reset, is_reset },
};

/* ----------------------------------------------------------------------------------------------------------- the walk */

FIXTURE(inject_graph) {
	struct mmsb *mmsb;
	struct starve starve;
	struct plot plot;
};

FIXTURE_SETUP(inject_graph)
{
	ASSERT_TRUE(starve_open(&self->starve)) {
		TH_LOG("there is no fault injection here: /proc/thread-self/fail-nth takes a kernel with FAULT_INJECTION, such as the bed's kasan");
	}
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
}

FIXTURE_TEARDOWN(inject_graph)
{
	if (!self->mmsb)
		return;
	mmsb_close(self->mmsb);
	starve_close(&self->starve);
}

struct standing {
	uint64_t hash[2];
	struct mmsb_space_info_args info;
};

static int look(struct plot *plot, struct standing *standing)
{
	uint64_t kept[2];
	int ret = mmsb_hash(plot->space, MMSB_HASH_RECOMPUTE, standing->hash, NULL);

	memset(&standing->info, 0, sizeof(standing->info));
	standing->info.size = sizeof(standing->info);
	if (!ret)
		ret = mmsb_hash(plot->space, 0, kept, NULL) ?: mmsb_space_info(plot->space, &standing->info);
	return ret ?: memcmp(kept, standing->hash, sizeof(kept)) ? -EIO : 0;
}

/* Memory may be more than before: rooms that have grown are kept. */
static const char *differs(const struct standing *a, const struct standing *b, unsigned int more_rings)
{
	if (memcmp(a->hash, b->hash, sizeof(a->hash)))
		return "hash";
	if (a->info.pages != b->info.pages || a->info.bytes != b->info.bytes)
		return "pages";
	if (a->info.derived != b->info.derived || a->info.edges != b->info.edges)
		return "graph";
	if (b->info.rings != a->info.rings + more_rings)
		return "rings";
	return NULL;
}

/* One failure in a plot of its own. Returns what the act said, or -EIO if something is wrong, which has been told. */
static int try_once(FIXTURE_DATA(inject_graph) *self, const struct scenario *s, unsigned int nth, bool *came)
{
	struct standing before, after;
	const char *what = NULL;
	int ret, err;

	err = (s->asks_first ? 0 : open_helper(&self->plot)) ?: look(&self->plot, &before);
	starve_arm(&self->starve, nth);
	ret = s->act(&self->plot);
	*came = starve_disarm(&self->starve, nth);
	err = err ?: mmsb_drain(self->plot.ring, PATIENCE) ?: open_helper(&self->plot) ?: look(&self->plot, &after);
	err = err ?: (space_is_verified(self->plot.space) ? 0 : -EIO);
	if (err) {
		printf("# %s, allocation %u: the space is unwell: %s\n", s->name, nth, mmsb_strerror_last());
		return -EIO;
	}
	if (starve_copy_failed(ret))
		return ret;
	if (ret)
		what = differs(&before, &after, s->asks_first);
	if (ret && !what)
		err = s->act(&self->plot);
	if (what || err || (s->check && !s->check(&self->plot))) {
		printf("# %s, allocation %u (%s): %s%s\n", s->name, nth, ret ? strerror(-ret) : "it came through",
		       what ?: err ? mmsb_strerror_last() : "the plot is not as it should be", what ? " changed" : "");
		return -EIO;
	}
	return ret;
}

/* Each allocation of a scenario in turn. */
static bool walk(FIXTURE_DATA(inject_graph) *self, const struct scenario *s)
{
	unsigned int nth, failed = 0;
	bool came = true, alright = true;
	int ret;

	for (nth = 1; came && nth < STARVE_SITES; nth++) {
		ret = plot_open(&self->plot, self->mmsb, s->flags);
		if (!ret && s->prepare)
			ret = s->prepare(&self->plot);
		if (ret) {
			printf("# %s: it cannot be prepared: %s\n", s->name, mmsb_strerror_last());
			return false;
		}
		ret = try_once(self, s, nth, &came);
		failed += ret != 0;
		if ((ret && ret != -ENOMEM && !starve_copy_failed(ret)) || (ret && !came)) {
			printf("# %s, allocation %u: %d, %s\n", s->name, nth, ret, mmsb_strerror_last());
			alright = false;
		}
		plot_close(&self->plot);
	}
	printf("# %s: %u allocations, failing %u of them failed it\n", s->name, nth - 2, failed);
	return alright && nth < STARVE_SITES;
}

#define WALK(scenarios) do {									\
		unsigned int i;									\
												\
		for (i = 0; i < sizeof(scenarios) / sizeof(*(scenarios)); i++)			\
			EXPECT_TRUE(walk(self, &(scenarios)[i]));				\
	} while (0)

TEST_F_TIMEOUT(inject_graph, edges, 280)
{
	WALK(edges);
}

TEST_F_TIMEOUT(inject_graph, graph, 280)
{
	WALK(graph);
}

TEST_F_TIMEOUT(inject_graph, events, 280)
{
	WALK(events);
}

TEST_F_TIMEOUT(inject_graph, histories, 280)
{
	WALK(histories);
}

TEST_HARNESS_MAIN
