// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: what is told of each thing that can happen to a page, to whom, how often, with which epochs; what a slow reader loses and how
 * he catches up; and what a hostile one can break, which is his own ring. Every test runs with one shard and with two, inline and
 * polled.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include "common/harness.h"
#include "common/home.h"
#include "events.h"		/* the library's own: a hostile reader goes past its checks */

#define OF(what)	MMSB_EVENTS_OF(MMSB_EVENT_##what)
#define KIND(kind)	MMSB_EVENTS_OF(MMSB_KIND_##kind)
#define AFAR(i)		MMSB_PAGE_ID(1, 1024 + (i))	/* on the second shard, if there is one */

FIXTURE(events) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_events *events;
};

FIXTURE_VARIANT(events) {
	uint32_t shards, space_flags, ring_flags;
};

FIXTURE_VARIANT_ADD(events, inline) { .shards = 1, .space_flags = MMSB_SPACE_INLINE };
FIXTURE_VARIANT_ADD(events, inline_two) { .shards = 2, .space_flags = MMSB_SPACE_INLINE };
FIXTURE_VARIANT_ADD(events, polled) { .shards = 1, .ring_flags = MMSB_RING_POLLED };
FIXTURE_VARIANT_ADD(events, polled_two) { .shards = 2, .ring_flags = MMSB_RING_POLLED };

FIXTURE_SETUP(events)
{
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = variant->shards,
				     .flags = MMSB_SPACE_CREATE | variant->space_flags), &self->space)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = variant->ring_flags, .shard = 1),
				    &self->ring));
}

FIXTURE_TEARDOWN(events)
{
	mmsb_events_close(self->events);
	mmsb_ring_close(self->ring);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

/* ------------------------------------------------------------------------------------------------------------- helpers */

static int create_at(struct mmsb_ring *ring, uint64_t page)
{
	struct mmsb_cqe cqe = {};
	int err = run_op(ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = page, .len = 64);

	return err ?: cqe.result;
}

static int derive(struct mmsb_ring *ring, uint64_t page, uint64_t parent, enum mmsb_edge_type type, uint16_t flags)
{
	struct {
		struct mmsb_derive derive;
		struct mmsb_edge edge;
	} operand = {
		.derive = { .rule = type == MMSB_EDGE_CONTROL ? MMSB_RULE_NONE : MMSB_RULE_COPY, .edges = 1, .flags = flags },
		.edge = { .parent = parent, .type = type },
	};
	struct mmsb_cqe cqe = {};
	struct mmsb_sqe sqe = { .op = MMSB_OP_DERIVE, .page = page, .len = sizeof(operand) };
	int err = mmsb_run(ring, &sqe, &operand, sizeof(operand), &cqe);

	return err ?: cqe.result;
}

/* Standing all shards still ends their passes, and with them what they have to tell. */
static void settle(struct mmsb_space *space)
{
	uint64_t hash[2];

	mmsb_hash(space, MMSB_HASH_RECOMPUTE, hash, NULL);
}

static int next(struct mmsb_events *events, struct mmsb_event *event)
{
	memset(event, 0xee, sizeof(*event));
	return mmsb_events_next(events, event, PATIENCE);
}

#define EXPECT_EVENT(events, what_, page_, epoch_) do {			\
	struct mmsb_event event_;					\
	ASSERT_EQ(0, next(events, &event_)) TH_LOG("%s", mmsb_strerror_last());	\
	EXPECT_EQ(MMSB_EVENT_##what_, event_.what);			\
	EXPECT_EQ(page_, event_.page);					\
	EXPECT_EQ(epoch_, event_.epoch);				\
} while (0)

#define EXPECT_SILENCE(events) do {					\
	struct mmsb_event event_;					\
	settle(self->space);						\
	EXPECT_EQ(-ETIME, mmsb_events_next(events, &event_, 0)) TH_LOG("event %u of page %#llx", event_.what, event_.page);	\
} while (0)

static uint64_t epoch_of(struct mmsb_space *space, uint64_t page)
{
	struct mmsb_page_info info = {};

	return mmsb_page_info(space, page, &info) ? ~0ull : info.epoch;
}

/* ------------------------------------------------------------------------------------------------------ what is told */

TEST_F(events, slice)
{
	struct mmsb_page_info info;
	struct mmsb_event event;
	uint64_t page;

	ASSERT_EQ(0, mmsb_events_open(self->space, NULL, &self->events)) TH_LOG("%s", mmsb_strerror_last());
	EXPECT_SILENCE(self->events);
	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	EXPECT_EVENT(self->events, CREATED, page, 0);
	ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
	ASSERT_EQ(0, next(self->events, &event));
	ASSERT_EQ(0, mmsb_page_info(self->space, page, &info));
	EXPECT_EQ(MMSB_EVENT_CHANGED, event.what);
	EXPECT_EQ(page, event.page);
	EXPECT_EQ(info.epoch, event.epoch);
	EXPECT_EQ(info.tick, event.tick);
	EXPECT_EQ(MMSB_KIND_SOURCE, event.kind);
	EXPECT_EQ(0, event.reserved0);
	EXPECT_EQ(0, event.reserved1);
	ASSERT_EQ(0, mmsb_destroy(self->ring, page));
	EXPECT_EVENT(self->events, DESTROYED, page, 0);
	EXPECT_SILENCE(self->events);
	EXPECT_EQ(0, mmsb_events_lost(self->events));
}

/* What was there before is not told, nor a delta that changes nothing, nor one that fails. */
TEST_F(events, only_what_happens)
{
	uint64_t page;

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
	ASSERT_EQ(0, mmsb_events_open(self->space, NULL, &self->events));
	ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 0, NULL));
	EXPECT_EQ(-ERANGE, mmsb_add(self->ring, page, 64, 1, NULL));
	EXPECT_EQ(-ENOENT, mmsb_add(self->ring, MMSB_PAGE_ID(9, 9), 0, 1, NULL));
	EXPECT_SILENCE(self->events);
	ASSERT_EQ(0, mmsb_set(self->ring, page, 3, "abc", 3, NULL));
	EXPECT_EVENT(self->events, CHANGED, page, 2);
	EXPECT_SILENCE(self->events);
}

/* A page and what follows from it, perhaps on another shard, in one tick. */
TEST_F(events, derived_in_the_same_tick)
{
	struct mmsb_event source, derived;
	uint64_t page;

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, create_at(self->ring, AFAR(0)));
	ASSERT_EQ(0, derive(self->ring, AFAR(0), page, MMSB_EDGE_DATA, 0)) TH_LOG("%s", mmsb_strerror_last());
	ASSERT_EQ(0, mmsb_events_open(self->space, NULL, &self->events));
	ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 5, NULL));
	ASSERT_EQ(0, next(self->events, &source));
	ASSERT_EQ(0, next(self->events, &derived));
	EXPECT_EQ(page, source.page);
	EXPECT_EQ(MMSB_KIND_SOURCE, source.kind);
	EXPECT_EQ(AFAR(0), derived.page);
	EXPECT_EQ(MMSB_EVENT_CHANGED, derived.what);
	EXPECT_EQ(MMSB_KIND_DERIVED, derived.kind);
	EXPECT_EQ(source.tick, derived.tick);
	EXPECT_EQ(epoch_of(self->space, AFAR(0)), derived.epoch);
	EXPECT_SILENCE(self->events);
	ASSERT_EQ(0, mmsb_destroy(self->ring, AFAR(0)));
	ASSERT_EQ(0, next(self->events, &derived));
	EXPECT_EQ(MMSB_EVENT_DESTROYED, derived.what);
	EXPECT_EQ(MMSB_KIND_DERIVED, derived.kind);
}

/* A control edge tells each time; a lazy page once, until somebody has asked for it. */
TEST_F(events, stale)
{
	struct mmsb_cqe cqe;
	uint64_t page, lazy, told = AFAR(0);

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, mmsb_create(self->ring, 64, &lazy));
	ASSERT_EQ(0, create_at(self->ring, AFAR(0)));
	ASSERT_EQ(0, derive(self->ring, AFAR(0), page, MMSB_EDGE_CONTROL, 0)) TH_LOG("%s", mmsb_strerror_last());
	ASSERT_EQ(0, derive(self->ring, lazy, page, MMSB_EDGE_DATA, MMSB_DERIVE_LAZY));
	ASSERT_EQ(0, mmsb_events_open(self->space, MMSB_OPTS(struct mmsb_events_opts, .kinds = KIND(DERIVED), .n = 1,
				      .pages = &told), &self->events)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
	EXPECT_EVENT(self->events, STALE, told, 0);
	ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
	EXPECT_EVENT(self->events, STALE, told, 0);
	EXPECT_SILENCE(self->events);
	ASSERT_EQ(0, run_op(self->ring, &cqe, .op = MMSB_OP_REFRESH, .page = lazy));
	ASSERT_EQ(0, cqe.result);
	ASSERT_EQ(0, mmsb_events_filter(self->events, MMSB_OPTS(struct mmsb_events_filter, .pages = &lazy, .n = 1), NULL));
	ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
	EXPECT_EVENT(self->events, STALE, lazy, epoch_of(self->space, lazy));
	ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
	EXPECT_SILENCE(self->events);
	ASSERT_EQ(0, run_op(self->ring, &cqe, .op = MMSB_OP_REFRESH, .page = lazy));
	EXPECT_EVENT(self->events, CHANGED, lazy, epoch_of(self->space, lazy));
	EXPECT_SILENCE(self->events);
}

/* What falls behind and is asked for in the same tick has changed, and is not stale. */
TEST_F(events, not_stale_after_all)
{
	struct mmsb_sqe *sqe;
	struct mmsb_cqe cqe;
	uint64_t page, lazy;

	if (variant->ring_flags || variant->shards > 1)
		SKIP(return, "only who runs the one shard himself knows that one tick takes both");
	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, mmsb_create(self->ring, 64, &lazy));
	ASSERT_EQ(0, derive(self->ring, lazy, page, MMSB_EDGE_DATA, MMSB_DERIVE_LAZY));
	ASSERT_EQ(0, run_op(self->ring, &cqe, .op = MMSB_OP_REFRESH, .page = lazy));
	ASSERT_EQ(0, mmsb_events_open(self->space, MMSB_OPTS(struct mmsb_events_opts, .kinds = KIND(DERIVED)), &self->events));
	sqe = mmsb_get_sqe(self->ring);
	ASSERT_NE(NULL, sqe);
	mmsb_prep_add(sqe, page, 0, 1);
	sqe = mmsb_get_sqe(self->ring);
	ASSERT_NE(NULL, sqe);
	mmsb_prep(sqe, MMSB_OP_REFRESH, lazy, 0, 0);
	ASSERT_EQ(2, mmsb_submit_and_wait(self->ring, 2, PATIENCE));
	EXPECT_EVENT(self->events, CHANGED, lazy, epoch_of(self->space, lazy));
	EXPECT_SILENCE(self->events);
	EXPECT_EQ(2, mmsb_peek_cqes(self->ring, (struct mmsb_cqe[2]){}, 2));
}

/* Each tick that closes, also a common one of several shards, is told once, behind all that happened in it. */
TEST_F(events, ticks)
{
	struct mmsb_event event;
	struct mmsb_cqe cqe;
	uint64_t page, last = 0;
	unsigned int i, k;

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, create_at(self->ring, AFAR(0)));
	ASSERT_EQ(0, derive(self->ring, AFAR(0), page, MMSB_EDGE_DATA, 0));
	settle(self->space);
	ASSERT_EQ(0, mmsb_events_open(self->space, MMSB_OPTS(struct mmsb_events_opts, .what = OF(CHANGED) | OF(TICK)), &self->events));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, run_op(self->ring, &cqe, .op = MMSB_OP_ADD, .lane = MMSB_LANE_U64, .page = page, .len = 8,
				    .word = { 1 }));
		for (k = 0; k < 3;) {
			ASSERT_EQ(0, next(self->events, &event));
			if (event.tick != cqe.tick) {	/* of a pass that had nothing but a delta for a meeting */
				EXPECT_EQ(MMSB_EVENT_TICK, event.what);
				EXPECT_NE(last, event.tick);
				last = event.tick;
				continue;
			}
			EXPECT_EQ(k < 2 ? MMSB_EVENT_CHANGED : MMSB_EVENT_TICK, event.what);
			EXPECT_EQ(k == 0 ? page : k == 1 ? AFAR(0) : 0, event.page);
			k++;
		}
		last = cqe.tick;
	}
}

TEST_F(events, reset)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	uint64_t page;

	ASSERT_EQ(0, mmsb_events_open(self->space, MMSB_OPTS(struct mmsb_events_opts, .what = OF(DESTROYED)), &self->events));
	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, mmsb_space_reset(self->space));
	ASSERT_EQ(0, mmsb_space_info(self->space, &info));
	EXPECT_EVENT(self->events, RESET, 0, info.incarnation);
	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, mmsb_destroy(self->ring, page));
	EXPECT_EVENT(self->events, DESTROYED, page, 0);
	EXPECT_SILENCE(self->events);
}

/* ------------------------------------------------------------------------------------------------------- once a tick */

#define CROWD 16u

/*
 * Many deltas at once to few pages, some of them made and destroyed in between: each tick tells of each page once, with the epoch
 * that the last completion of that tick had.
 */
TEST_F(events, once_a_tick)
{
	uint64_t page[CROWD], epoch[CROWD] = { 0 }, tick[CROWD] = { 0 }, told[CROWD] = { 0 };
	unsigned int rounds = scaled(200) + 5, round, i, expected = 0, came = 0;
	struct mmsb_event event;
	struct mmsb_cqe cqe;

	for (i = 0; i < CROWD; i++)
		ASSERT_EQ(0, i % 2 ? create_at(self->ring, page[i] = AFAR(i)) : mmsb_create(self->ring, 64, &page[i]));
	ASSERT_EQ(0, mmsb_events_open(self->space, MMSB_OPTS(struct mmsb_events_opts, .entries = 65536), &self->events));
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < 10 * CROWD; i++) {
			struct mmsb_sqe *sqe = mmsb_get_sqe(self->ring);

			ASSERT_NE(NULL, sqe);
			mmsb_prep_add(sqe, page[i * 7 % CROWD], 0, 1);
			mmsb_sqe_set_data(sqe, i * 7 % CROWD);
		}
		ASSERT_LE(0, mmsb_submit_and_wait(self->ring, 10 * CROWD, PATIENCE));
		for (i = 0; i < 10 * CROWD; i++) {
			ASSERT_EQ(1, mmsb_peek_cqe(self->ring, &cqe));
			ASSERT_EQ(0, cqe.result);
			expected += tick[cqe.user_data] != cqe.tick;
			tick[cqe.user_data] = cqe.tick;
			epoch[cqe.user_data] = cqe.epoch;
		}
	}
	settle(self->space);
	memset(tick, 0, sizeof(tick));
	while (!mmsb_events_next(self->events, &event, 0)) {
		for (i = 0; i < CROWD && page[i] != event.page;)
			i++;
		ASSERT_GT(CROWD, i);
		EXPECT_EQ(MMSB_EVENT_CHANGED, event.what);
		EXPECT_LT(tick[i], event.tick);
		EXPECT_LT(told[i], event.epoch);
		tick[i] = event.tick;
		told[i] = event.epoch;
		came++;
	}
	EXPECT_EQ(expected, came);
	EXPECT_GT(rounds * 10 * CROWD, came);
	for (i = 0; i < CROWD; i++) {
		EXPECT_EQ(epoch[i], told[i]);
		EXPECT_EQ(epoch_of(self->space, page[i]), told[i]);
	}
}

/* All of a page's life in one tick, and another page in its place. */
TEST_F(events, a_life_in_a_tick)
{
	static const uint8_t ops[] = { MMSB_OP_CREATE, MMSB_OP_ADD, MMSB_OP_DESTROY, MMSB_OP_CREATE, MMSB_OP_ADD, MMSB_OP_ADD };
	static const unsigned int whats[] = { MMSB_EVENT_CREATED, MMSB_EVENT_DESTROYED, MMSB_EVENT_CREATED, MMSB_EVENT_CHANGED };
	uint64_t tick = 0;
	struct mmsb_event event;
	struct mmsb_cqe cqe;
	unsigned int i;

	if (variant->ring_flags)
		SKIP(return, "only who runs the shard himself knows that one tick takes them all");
	ASSERT_EQ(0, mmsb_events_open(self->space, NULL, &self->events));
	for (i = 0; i < 6; i++) {
		struct mmsb_sqe *sqe = mmsb_get_sqe(self->ring);

		ASSERT_NE(NULL, sqe);
		*sqe = (struct mmsb_sqe){ .op = ops[i], .page = MMSB_PAGE_ID(1 + i / 3, 5) };
		if (ops[i] == MMSB_OP_CREATE)
			sqe->len = 64, sqe->flags = MMSB_SQE_AT;
		else if (ops[i] == MMSB_OP_ADD)
			sqe->len = 8, sqe->word[0] = 1, sqe->lane = MMSB_LANE_U64;
	}
	ASSERT_LE(0, mmsb_submit_and_wait(self->ring, 6, PATIENCE));
	for (i = 0; i < 6; i++) {
		ASSERT_EQ(1, mmsb_peek_cqe(self->ring, &cqe));
		ASSERT_EQ(0, cqe.result);
		EXPECT_EQ(tick ?: cqe.tick, cqe.tick);
		tick = cqe.tick;
	}
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, next(self->events, &event));
		EXPECT_EQ(whats[i], event.what);
		EXPECT_EQ(MMSB_PAGE_ID(1 + i / 2, 5), event.page);
		EXPECT_EQ(i < 2 ? 0 : 2, event.epoch);
		EXPECT_EQ(tick, event.tick);
		EXPECT_EQ(MMSB_KIND_SOURCE, event.kind);
	}
	EXPECT_SILENCE(self->events);
}

/* ------------------------------------------------------------------------------------------------------------- replay */

#define TOLD 4096u

struct told {
	struct mmsb_event event[TOLD];
	unsigned int n;
};

static int by_tick_and_page(const void *left, const void *right)
{
	const struct mmsb_event *a = left, *b = right;

	if (a->tick != b->tick)
		return a->tick < b->tick ? -1 : 1;
	if (a->page != b->page)
		return a->page < b->page ? -1 : 1;
	return (int)a->what - (int)b->what;
}

static void collect(struct mmsb_space *space, struct mmsb_events *events, struct told *told)
{
	settle(space);
	while (told->n < TOLD && !mmsb_events_next(events, &told->event[told->n], 0))
		told->n++;
	qsort(told->event, told->n, sizeof(*told->event), by_tick_and_page);
}

/* A history done again, over another number of shards, tells the same of each of its ticks. */
TEST_F(events, replayed)
{
	static struct told first, again;
	struct rng rng = { 1 };
	struct mmsb_history *history;
	const struct mmsb_record *record;
	struct mmsb_events *events;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint64_t page[8];
	unsigned int i, k;
	struct mmsb_cqe cqe[16];

	ASSERT_EQ(0, mmsb_history_open(self->space, NULL, &history)) TH_LOG("%s", mmsb_strerror_last());
	ASSERT_EQ(0, mmsb_events_open(self->space, MMSB_OPTS(struct mmsb_events_opts, .entries = TOLD), &self->events));
	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, create_at(self->ring, page[i] = i % 2 ? AFAR(i) : MMSB_PAGE_ID(3, i)));
	for (i = 4; i < 8; i++)
		ASSERT_EQ(0, derive(self->ring, page[i], page[i - 3], i == 7 ? MMSB_EDGE_CONTROL : MMSB_EDGE_DATA,
				    i == 6 ? MMSB_DERIVE_LAZY : 0));
	for (i = 0; i < 60; i++) {
		for (k = 0; k < 8; k++)
			mmsb_prep_add(mmsb_get_sqe(self->ring), page[rng_below(&rng, 4)], 0, (int64_t)rng_below(&rng, 3));
		if (rng_once_in(&rng, 4))
			mmsb_prep(mmsb_get_sqe(self->ring), MMSB_OP_REFRESH, page[6], 0, 0);
		k = (unsigned int)mmsb_submit(self->ring);
		ASSERT_EQ(0, mmsb_submit_and_wait(self->ring, k, PATIENCE));
		ASSERT_EQ(k, mmsb_peek_cqes(self->ring, cqe, 16));
	}
	collect(self->space, self->events, &first);
	ASSERT_LT(100, first.n);
	ASSERT_GT(TOLD, first.n);

	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 3 - variant->shards,
				     .flags = MMSB_SPACE_CREATE | variant->space_flags), &space));
	ASSERT_EQ(0, mmsb_events_open(space, MMSB_OPTS(struct mmsb_events_opts, .entries = TOLD), &events));
	ASSERT_EQ(0, mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_REPLAY | variant->ring_flags), &ring));
	while (!mmsb_history_next(history, &record, 0))
		ASSERT_EQ(0, mmsb_replay(ring, record)) TH_LOG("%s", mmsb_strerror_last());
	ASSERT_EQ(0, mmsb_replay(ring, NULL));
	mmsb_ring_close(ring);
	collect(space, events, &again);
	EXPECT_EQ(first.n, again.n);
	for (i = 0; i < first.n && i < again.n; i++)
		ASSERT_EQ(0, memcmp(&first.event[i], &again.event[i], sizeof(first.event[i]))) {
			TH_LOG("tick %llu: %u of page %#llx, not tick %llu: %u of page %#llx", first.event[i].tick, first.event[i].what,
			       first.event[i].page, again.event[i].tick, again.event[i].what, again.event[i].page);
		}
	mmsb_events_close(events);
	mmsb_space_close(space);
	mmsb_history_close(history);
}

/* ------------------------------------------------------------------------------------------------------------ filters */

TEST_F(events, filter_by_sort)
{
	uint64_t page;

	ASSERT_EQ(0, mmsb_events_open(self->space, MMSB_OPTS(struct mmsb_events_opts, .what = OF(CREATED)), &self->events));
	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
	EXPECT_EVENT(self->events, CREATED, page, 0);
	EXPECT_SILENCE(self->events);
	ASSERT_EQ(0, mmsb_events_filter(self->events, MMSB_OPTS(struct mmsb_events_filter, .what = OF(DESTROYED)), NULL));
	ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
	ASSERT_EQ(0, mmsb_destroy(self->ring, page));
	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	EXPECT_EVENT(self->events, DESTROYED, MMSB_PAGE_ID(1, MMSB_PAGE_INDEX(page)), 0);
	EXPECT_SILENCE(self->events);
}

TEST_F(events, filter_by_kind)
{
	struct mmsb_events *derived;
	uint64_t page;

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, create_at(self->ring, AFAR(0)));
	ASSERT_EQ(0, derive(self->ring, AFAR(0), page, MMSB_EDGE_DATA, 0));
	ASSERT_EQ(0, mmsb_events_open(self->space, MMSB_OPTS(struct mmsb_events_opts, .kinds = KIND(SOURCE)), &self->events));
	ASSERT_EQ(0, mmsb_events_open(self->space, MMSB_OPTS(struct mmsb_events_opts, .kinds = KIND(DERIVED)), &derived));
	ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
	EXPECT_EVENT(self->events, CHANGED, page, 1);
	EXPECT_EVENT(derived, CHANGED, AFAR(0), 1);
	EXPECT_SILENCE(self->events);
	EXPECT_SILENCE(derived);
	mmsb_events_close(derived);
}

/* Among them ids of pages that are not there yet, of pages that are no more, and the same id twice. */
TEST_F(events, filter_by_page)
{
	uint64_t wanted[300], page, other, tick = ~0ull;
	unsigned int i;

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, mmsb_create(self->ring, 64, &other));
	for (i = 0; i < 300; i++)
		wanted[i] = MMSB_PAGE_ID(1 + i % 3, 100 + i * 1024);
	wanted[7] = page;
	wanted[70] = page;
	wanted[200] = AFAR(3);
	wanted[201] = 0;
	ASSERT_EQ(0, mmsb_events_open(self->space, MMSB_OPTS(struct mmsb_events_opts, .pages = wanted, .n = 300), &self->events));
	ASSERT_EQ(0, mmsb_add(self->ring, other, 0, 1, NULL));
	ASSERT_EQ(0, create_at(self->ring, AFAR(2)));
	ASSERT_EQ(0, create_at(self->ring, AFAR(3)));
	EXPECT_EVENT(self->events, CREATED, AFAR(3), 0);
	ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
	EXPECT_EVENT(self->events, CHANGED, page, 1);
	ASSERT_EQ(0, mmsb_destroy(self->ring, page));
	EXPECT_EVENT(self->events, DESTROYED, page, 0);
	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));	/* the same line, another id */
	EXPECT_SILENCE(self->events);
	ASSERT_EQ(0, mmsb_events_filter(self->events, MMSB_OPTS(struct mmsb_events_filter, .pages = &other, .n = 1), &tick));
	EXPECT_EQ(mmsb_tick(self->space), tick);
	ASSERT_EQ(0, mmsb_add(self->ring, AFAR(3), 0, 1, NULL));
	ASSERT_EQ(0, mmsb_add(self->ring, other, 0, 1, NULL));
	EXPECT_EVENT(self->events, CHANGED, other, 2);
	EXPECT_SILENCE(self->events);
	ASSERT_EQ(0, mmsb_events_filter(self->events, NULL, NULL));
	ASSERT_EQ(0, mmsb_add(self->ring, AFAR(3), 0, 1, NULL));
	EXPECT_EVENT(self->events, CHANGED, AFAR(3), 2);
}

/* ------------------------------------------------------------------------------------------------------------- losing */

/* Eight fit; how many were lost is told behind them, and in its place when there is room again. */
TEST_F(events, lost)
{
	uint64_t page;
	unsigned int i;

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, mmsb_events_open(self->space, MMSB_OPTS(struct mmsb_events_opts, .entries = 7), &self->events));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
	settle(self->space);
	EXPECT_EQ(12, mmsb_events_lost(self->events));
	for (i = 0; i < 8; i++)
		EXPECT_EVENT(self->events, CHANGED, page, i + 1);
	EXPECT_EVENT(self->events, LOST, 0, 12);
	EXPECT_EQ(20, epoch_of(self->space, page));
	EXPECT_SILENCE(self->events);

	/* The engine does not know that he was told, and gives a slot to telling him in its place. */
	for (i = 20; i < 31; i++)
		ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
	settle(self->space);
	EXPECT_EQ(16, mmsb_events_lost(self->events));
	for (i = 20; i < 23; i++)
		EXPECT_EVENT(self->events, CHANGED, page, i + 1);
	ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
	settle(self->space);
	for (i = 23; i < 27; i++)
		EXPECT_EVENT(self->events, CHANGED, page, i + 1);
	EXPECT_EVENT(self->events, LOST, 0, 4);
	EXPECT_EVENT(self->events, CHANGED, page, 32);
	EXPECT_SILENCE(self->events);
	EXPECT_EQ(16, mmsb_events_lost(self->events));
}

/* A tick larger than anybody's ring: what was not noted is lost to all, also to those who would have had room. */
TEST_F(events, lost_in_a_large_tick)
{
	uint64_t page[64], last;
	struct mmsb_event event;
	unsigned int i, told = 0;

	for (i = 0; i < 64; i++)
		ASSERT_EQ(0, create_at(self->ring, page[i] = MMSB_PAGE_ID(1, i)));
	for (i = 1; i < 64; i++)
		ASSERT_EQ(0, derive(self->ring, page[i], page[i - 1], MMSB_EDGE_DATA, 0));
	last = page[63];
	ASSERT_EQ(0, mmsb_events_open(self->space, MMSB_OPTS(struct mmsb_events_opts, .entries = 16, .pages = &last, .n = 1),
				      &self->events));
	ASSERT_EQ(0, mmsb_add(self->ring, page[0], 0, 1, NULL));
	EXPECT_EVENT(self->events, LOST, 0, 48);
	EXPECT_SILENCE(self->events);
	EXPECT_EQ(1, epoch_of(self->space, last));
	ASSERT_EQ(0, mmsb_events_filter(self->events, NULL, NULL));
	ASSERT_EQ(0, mmsb_add(self->ring, page[0], 0, 1, NULL));
	while (!next(self->events, &event) && event.what == MMSB_EVENT_CHANGED)
		EXPECT_EQ(page[told++], event.page);
	EXPECT_EQ(16, told);
	EXPECT_EQ(MMSB_EVENT_LOST, event.what);
	EXPECT_EQ(48, event.epoch);
	EXPECT_SILENCE(self->events);
}

#define FOLLOWED 32u

struct writer {
	struct mmsb_space *space;
	uint32_t ring_flags, shard;
	const uint64_t *pages;
	uint64_t rounds;
	bool stop, done;
	int err;
	pthread_t thread;
};

static void *write_at_random(void *arg)
{
	struct writer *writer = arg;
	struct rng rng = { writer->shard };
	struct mmsb_ring *ring;
	uint64_t i, k;

	writer->err = mmsb_ring_open(writer->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = writer->ring_flags,
							      .shard = 1 + writer->shard), &ring);
	if (writer->err)
		return NULL;
	for (i = 0; i < writer->rounds && !__atomic_load_n(&writer->stop, __ATOMIC_RELAXED) && !writer->err; i++) {
		for (k = rng_below(&rng, 40); k--;) {
			struct mmsb_sqe *sqe = mmsb_get_sqe(ring);

			if (!sqe)
				break;
			mmsb_prep_add(sqe, writer->pages[rng_below(&rng, FOLLOWED)], 0, 1);
			mmsb_sqe_quiet(sqe);
		}
		writer->err = mmsb_add(ring, writer->pages[rng_below(&rng, FOLLOWED)], 0, 1, NULL);
		if (rng_once_in(&rng, 16))
			usleep(200);
	}
	mmsb_ring_close(ring);
	__atomic_store_n(&writer->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* A reader who takes breaks, with a small ring: whatever he loses, in the end he knows every epoch. */
TEST_F_TIMEOUT(events, catch_up, 200)
{
	uint64_t page[FOLLOWED], known[FOLLOWED] = { 0 }, lost = 0, events = 0;
	struct writer writer[2];
	struct mmsb_event event;
	unsigned int i, k;
	int err;

	for (i = 0; i < FOLLOWED; i++)
		ASSERT_EQ(0, i % 2 ? create_at(self->ring, page[i] = AFAR(i)) : mmsb_create(self->ring, 64, &page[i]));
	ASSERT_EQ(0, mmsb_events_open(self->space, MMSB_OPTS(struct mmsb_events_opts, .entries = 64), &self->events));
	for (k = 0; k < 2; k++) {
		writer[k] = (struct writer){ .space = self->space, .ring_flags = variant->ring_flags, .pages = page,
					     .rounds = scaled(10000) + 100, .shard = k % variant->shards };
		ASSERT_EQ(0, pthread_create(&writer[k].thread, NULL, write_at_random, &writer[k]));
	}
	for (;;) {
		bool last = __atomic_load_n(&writer[0].done, __ATOMIC_ACQUIRE) && __atomic_load_n(&writer[1].done, __ATOMIC_ACQUIRE);

		if (last)
			settle(self->space);
		err = mmsb_events_next(self->events, &event, SECOND / 100);
		if (err == -ETIME && last)
			break;
		if (err == -ETIME)
			continue;
		ASSERT_EQ(0, err);
		events++;
		if (event.what == MMSB_EVENT_LOST) {
			lost += event.epoch;
			for (i = 0; i < FOLLOWED; i++)
				known[i] = epoch_of(self->space, page[i]);
			continue;
		}
		ASSERT_EQ(MMSB_EVENT_CHANGED, event.what);
		for (i = 0; page[i] != event.page;)
			i++;
		if (event.epoch > known[i])
			known[i] = event.epoch;
		if (events % 1000 == 0)
			usleep(2000);
	}
	for (k = 0; k < 2; k++) {
		pthread_join(writer[k].thread, NULL);
		EXPECT_EQ(0, writer[k].err);
	}
	TH_LOG("%llu events, %llu lost", (unsigned long long)events, (unsigned long long)lost);
	EXPECT_EQ(lost, mmsb_events_lost(self->events));
	for (i = 0; i < FOLLOWED; i++)
		EXPECT_EQ(epoch_of(self->space, page[i]), known[i]);
}

/* ------------------------------------------------------------------------------------------------------------ listeners */

#define LISTENERS 50u

TEST_F(events, many_listeners)
{
	struct mmsb_events *events[LISTENERS];
	uint64_t page[LISTENERS];
	unsigned int i;

	for (i = 0; i < LISTENERS; i++) {
		ASSERT_EQ(0, i % 2 ? create_at(self->ring, page[i] = AFAR(i)) : mmsb_create(self->ring, 64, &page[i]));
		ASSERT_EQ(0, mmsb_events_open(self->space, MMSB_OPTS(struct mmsb_events_opts, .entries = 4, .pages = &page[i], .n = 1),
					      &events[i]));
	}
	for (i = 0; i < LISTENERS; i++)
		ASSERT_EQ(0, mmsb_add(self->ring, page[i], 0, 1, NULL));
	for (i = 0; i < LISTENERS; i++)
		EXPECT_EVENT(events[i], CHANGED, page[i], 1);
	settle(self->space);
	for (i = 0; i < LISTENERS; i++) {
		struct mmsb_event event;

		EXPECT_EQ(-ETIME, mmsb_events_next(events[i], &event, 0));
		mmsb_events_close(events[i * 7 % LISTENERS]);
		events[i * 7 % LISTENERS] = NULL;
		if (!events[(i + 1) % LISTENERS])
			break;
	}
	for (i = 0; i < LISTENERS; i++)
		mmsb_events_close(events[i]);
}

/* Listeners of all sizes come and go while the shards run. Each hears of what happens while it is there, in order. */
TEST_F_TIMEOUT(events, come_and_go, 200)
{
	uint64_t page[FOLLOWED], i, times = scaled(500) + 10;
	struct writer writer[2];
	unsigned int k;

	for (i = 0; i < FOLLOWED; i++)
		ASSERT_EQ(0, i % 2 ? create_at(self->ring, page[i] = AFAR(i)) : mmsb_create(self->ring, 64, &page[i]));
	for (k = 0; k < 2; k++) {
		writer[k] = (struct writer){ .space = self->space, .ring_flags = variant->ring_flags, .pages = page,
					     .rounds = ~0ull, .shard = k % variant->shards };
		ASSERT_EQ(0, pthread_create(&writer[k].thread, NULL, write_at_random, &writer[k]));
	}
	for (i = 0; i < times; i++) {
		uint64_t epoch = epoch_of(self->space, page[i % FOLLOWED]);
		struct mmsb_event event;

		ASSERT_EQ(0, mmsb_events_open(self->space, MMSB_OPTS(struct mmsb_events_opts, .entries = 1u << (i % 12),
					      .pages = &page[i % FOLLOWED], .n = i % 3 ? 1 : 0), &self->events)) {
			TH_LOG("%s", mmsb_strerror_last());
		}
		for (k = 0; k < i % 4; k++) {
			ASSERT_EQ(0, next(self->events, &event)) TH_LOG("%s", mmsb_strerror_last());
			if (event.what == MMSB_EVENT_LOST || event.page != page[i % FOLLOWED])
				continue;
			EXPECT_LT(epoch, event.epoch);
			epoch = event.epoch;
		}
		mmsb_events_close(self->events);
		self->events = NULL;
	}
	for (k = 0; k < 2; k++) {
		__atomic_store_n(&writer[k].stop, true, __ATOMIC_RELAXED);
		pthread_join(writer[k].thread, NULL);
		EXPECT_EQ(0, writer[k].err);
	}
}

/* A reader who sleeps is woken, by each of the shards. */
static void *add_later(void *arg)
{
	struct writer *writer = arg;
	struct mmsb_ring *ring;

	usleep(50000);
	writer->err = mmsb_ring_open(writer->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = writer->ring_flags,
							      .shard = 1 + writer->shard), &ring);
	if (writer->err)
		return NULL;
	writer->err = mmsb_add(ring, writer->pages[writer->shard], 0, 1, NULL);
	mmsb_ring_close(ring);
	return NULL;
}

TEST_F(events, asleep)
{
	uint64_t page[2] = { MMSB_PAGE_ID(1, 3), AFAR(0) }, begun;
	struct mmsb_event event;
	unsigned int i;

	ASSERT_EQ(0, create_at(self->ring, page[0]));
	ASSERT_EQ(0, create_at(self->ring, page[1]));
	ASSERT_EQ(0, mmsb_events_open(self->space, NULL, &self->events));
	begun = now_ns();
	EXPECT_EQ(-ETIME, mmsb_events_next(self->events, &event, SECOND / 20));
	EXPECT_LE(SECOND / 20, now_ns() - begun);
	for (i = 0; i < 2; i++) {
		struct writer writer = { .space = self->space, .ring_flags = variant->ring_flags, .pages = page,
					 .shard = i % variant->shards };

		ASSERT_EQ(0, pthread_create(&writer.thread, NULL, add_later, &writer));
		EXPECT_EVENT(self->events, CHANGED, page[writer.shard], 1 + i - writer.shard);
		pthread_join(writer.thread, NULL);
		EXPECT_EQ(0, writer.err);
	}
}

TEST_F(events, poll)
{
	struct pollfd poll_fd = { .events = POLLIN };
	uint64_t page;

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, mmsb_events_open(self->space, NULL, &self->events));
	poll_fd.fd = mmsb_events_fd(self->events);
	if (!home_is_kernel()) {
		EXPECT_EQ(-ENOTSUP, poll_fd.fd);
		return;
	}
	EXPECT_EQ(0, poll(&poll_fd, 1, 20));
	ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
	ASSERT_EQ(1, poll(&poll_fd, 1, 60000));
	EXPECT_EQ(POLLIN, poll_fd.revents);
	EXPECT_EVENT(self->events, CHANGED, page, 1);
	EXPECT_EQ(0, poll(&poll_fd, 1, 0));
}

/* ------------------------------------------------------------------------------------------------- limits and hostility */

TEST_F(events, limits)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	struct mmsb_events *events;
	struct mmsb_space *small;
	uint64_t memory, rings, id = 1;

	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = variant->shards, .max_rings = 1,
				     .flags = MMSB_SPACE_CREATE | variant->space_flags), &small));
	ASSERT_EQ(0, mmsb_space_info(small, &info));
	memory = info.memory;
	rings = info.rings;
	EXPECT_EQ(0, rings);
	EXPECT_EQ(-EINVAL, mmsb_events_open(small, MMSB_OPTS(struct mmsb_events_opts, .entries = 65537), &events));
	EXPECT_EQ(NULL, events);
	EXPECT_EQ(-EINVAL, mmsb_events_open(small, MMSB_OPTS(struct mmsb_events_opts, .max_pages = 4097), &events));
	EXPECT_EQ(-EINVAL, mmsb_events_open(small, MMSB_OPTS(struct mmsb_events_opts, .what = OF(RESET)), &events));
	EXPECT_EQ(-EINVAL, mmsb_events_open(small, MMSB_OPTS(struct mmsb_events_opts, .kinds = 1), &events));
	ASSERT_EQ(0, mmsb_space_info(small, &info));
	EXPECT_EQ(memory, info.memory);
	EXPECT_EQ(rings, info.rings);
	ASSERT_EQ(0, mmsb_events_open(small, MMSB_OPTS(struct mmsb_events_opts, .entries = 65536, .max_pages = 4096), &self->events));
	EXPECT_EQ(-EDQUOT, mmsb_events_open(small, NULL, &events));
	EXPECT_NE(NULL, strstr(mmsb_strerror_last(), "RINGS_LIMIT"));
	ASSERT_EQ(0, mmsb_space_info(small, &info));
	EXPECT_EQ(1, info.rings);
	EXPECT_LT(memory + 65536 * sizeof(struct mmsb_event) + 4096 * 8, info.memory);
	EXPECT_EQ(-EINVAL, mmsb_events_filter(self->events, MMSB_OPTS(struct mmsb_events_filter, .pages = &id, .n = 4097), NULL));
	mmsb_events_close(self->events);
	self->events = NULL;
	ASSERT_EQ(0, mmsb_space_info(small, &info));
	EXPECT_EQ(memory, info.memory);
	EXPECT_EQ(rings, info.rings);
	mmsb_space_close(small);
}

TEST_F(events, read_only)
{
	struct mmsb_space *space, *reader;
	struct mmsb_ring *ring;
	uint64_t page;

	ASSERT_EQ(0, mmsb_space_open(self->mmsb, "events-read-only", MMSB_OPTS(struct mmsb_space_opts, .shards = variant->shards,
				     .flags = MMSB_SPACE_CREATE | MMSB_SPACE_EXCL | variant->space_flags), &space));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, "events-read-only", MMSB_OPTS(struct mmsb_space_opts,
				     .flags = MMSB_SPACE_READ_ONLY), &reader));
	ASSERT_EQ(0, mmsb_events_open(reader, NULL, &self->events)) TH_LOG("%s", mmsb_strerror_last());
	ASSERT_EQ(0, mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .flags = variant->ring_flags), &ring));
	ASSERT_EQ(0, mmsb_create(ring, 64, &page));
	EXPECT_EVENT(self->events, CREATED, page, 0);
	mmsb_ring_close(ring);
	mmsb_space_close(reader);
	mmsb_space_close(space);
}

/* What the library would not let through. */
TEST_F(events, hostile_filter)
{
	static const struct mmsb_events_filter_args bad[] = {
		{ .flags = 1 }, { .what = OF(RESET) }, { .what = OF(LOST) }, { .what = 1 }, { .what = 1u << 31 }, { .kinds = 1 },
		{ .kinds = 8 }, { .pages = 5 }, { .pages = ~0u },
	};
	uint64_t page;
	unsigned int i;

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, mmsb_events_open(self->space, MMSB_OPTS(struct mmsb_events_opts, .max_pages = 4), &self->events));
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct mmsb_events_filter_args args = bad[i];

		args.size = sizeof(args);
		EXPECT_EQ(-EINVAL, self->events->home->events_filter(self->events, &args));
		EXPECT_EQ(bad[i].pages ? MMSB_REASON_BAD_EVENTS : MMSB_REASON_BAD_FLAGS, args.reason);
	}
	ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
	EXPECT_EVENT(self->events, CHANGED, page, 1);
}

/* Heads that cannot be break the ring of him who wrote them, and nobody else hears less for it. */
TEST_F(events, hostile_head)
{
	static const uint32_t heads[] = { 1, ~0u - 7, 1u << 31, 100 };
	struct mmsb_events *good;
	struct mmsb_event event;
	uint64_t page, epoch = 0;
	unsigned int i;

	ASSERT_EQ(0, mmsb_create(self->ring, 64, &page));
	ASSERT_EQ(0, mmsb_events_open(self->space, NULL, &good));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, mmsb_events_open(self->space, MMSB_OPTS(struct mmsb_events_opts, .entries = 4), &self->events));
		__atomic_store_n(&self->events->client->head, heads[i], __ATOMIC_RELAXED);
		ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
		EXPECT_EVENT(good, CHANGED, page, ++epoch);
		settle(self->space);
		EXPECT_EQ(-EPIPE, mmsb_events_next(self->events, &event, 0));
		EXPECT_NE(NULL, strstr(mmsb_strerror_last(), "EVENTS_HEAD"));
		__atomic_store_n(&self->events->client->head, 0, __ATOMIC_RELAXED);
		ASSERT_EQ(0, mmsb_add(self->ring, page, 0, 1, NULL));
		EXPECT_EVENT(good, CHANGED, page, ++epoch);
		EXPECT_EQ(-EPIPE, mmsb_events_next(self->events, &event, SECOND));
		mmsb_events_close(self->events);
		self->events = NULL;
	}
	mmsb_events_close(good);
}

/* The kernel's events go with the process that held them. */
TEST_F(events, killed)
{
	struct mmsb_space_info_args before = { .size = sizeof(before) }, after = before;
	int status, told[2];
	pid_t child;
	char byte;

	if (!home_is_kernel())
		SKIP(return, "an embedded home dies with its process");
	ASSERT_EQ(0, pipe(told));
	ASSERT_EQ(0, mmsb_space_info(self->space, &before));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		struct mmsb_event event;
		struct mmsb_events *events;

		byte = mmsb_events_open(self->space, NULL, &events) ? 1 : 0;
		if (write(told[1], &byte, 1) == 1 && !byte)
			mmsb_events_next(events, &event, MMSB_FOREVER);
		_exit(1);
	}
	ASSERT_EQ(1, read(told[0], &byte, 1));
	EXPECT_EQ(0, byte);
	ASSERT_EQ(0, mmsb_space_info(self->space, &after));
	EXPECT_EQ(before.rings + 1, after.rings);
	kill(child, SIGKILL);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
	ASSERT_EQ(0, mmsb_space_info(self->space, &after));
	EXPECT_EQ(before.rings, after.rings);
	EXPECT_EQ(before.memory, after.memory);
	close(told[0]);
	close(told[1]);
}

TEST_HARNESS_MAIN
