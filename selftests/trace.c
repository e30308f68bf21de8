// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trace points: each field of each step, held against what was submitted and what came of it. The kernel home is listened to through tracefs;
 * in the embedded home the probes' places are caught.
 */
#include "common/harness.h"
#include "common/home.h"
#include "common/traced.h"
#include "ring.h"
#include <mmsb/trace.h>

#define PAGES	6u
#define SOURCE	77u

FIXTURE(trace) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct traced traced;
	uint64_t id, page[PAGES];
};

FIXTURE_VARIANT(trace) {
	uint32_t shards, space_flags, ring_flags;
};

FIXTURE_VARIANT_ADD(trace, inline_1) { 1, MMSB_SPACE_INLINE, 0 };
FIXTURE_VARIANT_ADD(trace, polled_1) { 1, 0, MMSB_RING_POLLED };
FIXTURE_VARIANT_ADD(trace, inline_3) { 3, MMSB_SPACE_INLINE, 0 };
FIXTURE_VARIANT_ADD(trace, polled_3) { 3, 0, MMSB_RING_POLLED };

static uint32_t owner(uint64_t page, uint32_t shards)
{
	return MMSB_PAGE_INDEX(page) / 1024 % shards;
}

FIXTURE_SETUP(trace)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	struct mmsb_cqe cqe = {};
	unsigned int i;

	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_TRUE(traced_is_there());
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = variant->shards,
				     .flags = MMSB_SPACE_CREATE | variant->space_flags), &self->space)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, mmsb_space_info(self->space, &info));
	self->id = info.id;
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = variant->ring_flags, .source = SOURCE, .shard = 1,
				    .sq_entries = 64), &self->ring));
	for (i = 0; i < PAGES; i++) {
		self->page[i] = MMSB_PAGE_ID(1, i % variant->shards * 1024 + i);
		ASSERT_EQ(0, run_op(self->ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = self->page[i], .len = 64));
		ASSERT_EQ(0, cqe.result);
	}
}

FIXTURE_TEARDOWN(trace)
{
	traced_free(&self->traced);
	if (self->ring)
		mmsb_ring_close(self->ring);
	if (self->space)
		mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

/* ------------------------------------------------------------------------------------------------------------- deltas */

#define DRAWN	200u

static struct mmsb_sqe draw(struct rng *rng, const uint64_t *page, uint64_t n)
{
	static const uint8_t ops[] = { MMSB_OP_SET, MMSB_OP_ADD, MMSB_OP_CAS, MMSB_OP_NOP, MMSB_OP_APPEND, MMSB_OP_LAST, MMSB_OP_XOR };
	struct mmsb_sqe sqe = { .op = ops[rng_below(rng, sizeof(ops))], .user_data = n, .word = { rng_below(rng, 3) } };

	if (sqe.op == MMSB_OP_NOP)
		return sqe;
	sqe.page = rng_once_in(rng, 9) ? MMSB_PAGE_ID(2, 5) : page[rng_below(rng, PAGES)];
	sqe.len = 8;
	sqe.offset = rng_below(rng, 9) * 8;
	if (sqe.op == MMSB_OP_ADD || sqe.op == MMSB_OP_XOR)
		sqe.lane = MMSB_LANE_U64;
	return sqe;
}

/* The next of the steps that end a delta. */
static const struct traced_event *next_outcome(const struct traced *traced, size_t *at)
{
	while (*at < traced->n) {
		const struct traced_event *event = &traced->event[(*at)++];

		if (!strcmp(event->step->name, "apply") || !strcmp(event->step->name, "unchanged") || !strcmp(event->step->name, "reject"))
			return event;
	}
	return NULL;
}

static const char *outcome_of(const struct mmsb_cqe *cqe)
{
	return cqe->result ? "reject" : cqe->flags & MMSB_CQE_UNCHANGED ? "unchanged" : "apply";
}

/* One after the other: every one is told once, in order, with what its completion says. */
TEST_F(trace, deltas)
{
	struct mmsb_sqe sqe[DRAWN];
	struct mmsb_cqe cqe[DRAWN];
	struct rng rng = { rng_seed() };
	const struct traced_event *event;
	unsigned int i, rejected = 0, away = 0;
	size_t at = 0;

	TH_LOG("MMSB_SEED=%llu", (unsigned long long)rng.state);
	ASSERT_EQ(0, traced_begin());
	for (i = 0; i < DRAWN; i++) {
		sqe[i] = draw(&rng, self->page, i);
		ASSERT_EQ(0, run_entry(self->ring, &sqe[i], &cqe[i]));
	}
	ASSERT_EQ(0, traced_end(self->id, &self->traced));
	for (i = 0; i < DRAWN; i++) {
		event = next_outcome(&self->traced, &at);
		ASSERT_NE(NULL, event);
		ASSERT_STREQ(outcome_of(&cqe[i]), event->step->name);
		EXPECT_EQ(sqe[i].page, traced_get(event, "page"));
		EXPECT_EQ(sqe[i].op, traced_get(event, "op"));
		EXPECT_EQ(1, traced_get(event, "ring"));
		away += sqe[i].page && owner(sqe[i].page, variant->shards);
		if (cqe[i].result) {
			EXPECT_EQ(cqe[i].reason, traced_get(event, "reason"));
			EXPECT_EQ(i, traced_get(event, "user_data"));
			rejected++;
		} else {
			EXPECT_EQ(cqe[i].epoch, traced_get(event, "epoch"));
			EXPECT_EQ(cqe[i].tick, traced_get(event, "tick"));
		}
	}
	EXPECT_EQ(NULL, next_outcome(&self->traced, &at));
	EXPECT_LT(0, rejected);
	EXPECT_EQ(DRAWN, traced_sum(&self->traced, "submit", "count"));
	EXPECT_EQ(DRAWN, traced_sum(&self->traced, "complete", "taken"));
	EXPECT_EQ(DRAWN, traced_sum(&self->traced, "complete", "completions"));
	EXPECT_EQ(getpid() * traced_count(&self->traced, "submit"), traced_sum(&self->traced, "submit", "pid"));
	EXPECT_EQ(away, traced_count(&self->traced, "route"));
	for (at = 0; (event = traced_next(&self->traced, &at, "route"));) {
		EXPECT_EQ(0, traced_get(event, "shard"));
		EXPECT_EQ(owner(traced_get(event, "page"), variant->shards), traced_get(event, "to"));
	}
}

/* Every batch is told before any of it is applied, and after all of it is. */
TEST_F(trace, take)
{
	static const char *const fields[] = { "space", "shard", "ring", "pid", "pending" };
	const struct traced_event *event, *take = NULL;
	unsigned int applied = 0, batches = 0;
	struct mmsb_cqe cqe;
	size_t i, field;

	ASSERT_EQ(0, traced_begin());
	for (i = 0; i < 10; i++)
		mmsb_prep_add(mmsb_get_sqe(self->ring), self->page[0], 8, 1);
	ASSERT_EQ(10, mmsb_submit(self->ring));
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
	ASSERT_EQ(0, traced_end(self->id, &self->traced));
	for (i = 0; i < self->traced.n; i++) {
		event = &self->traced.event[i];
		applied += !strcmp(event->step->name, "apply");
		if (!strcmp(event->step->name, "take")) {
			EXPECT_EQ(NULL, take);
			EXPECT_EQ(0, applied);
			take = event;
		} else if (!strcmp(event->step->name, "submit")) {
			ASSERT_NE(NULL, take);
			for (field = 0; field < 5; field++)
				EXPECT_EQ(traced_get(event, fields[field]), traced_get(take, fields[field]));
			EXPECT_EQ(traced_get(event, "count"), applied);
			applied = 0;
			take = NULL;
			batches++;
		}
	}
	EXPECT_LT(0, batches);
}

/* What would go the short way is told no less, a tick closes behind it, and what is not traced any more is not told. */
TEST_F(trace, batch)
{
	const struct traced_event *event;
	struct mmsb_cqe cqe;
	unsigned int round, i;
	uint64_t value;
	size_t at = 0;

	ASSERT_EQ(0, traced_begin());
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 64; i++)
			mmsb_prep_add(mmsb_get_sqe(self->ring), self->page[0], 8, 1);
		ASSERT_EQ(64, mmsb_submit(self->ring));
		for (i = 0; i < 64; i++)
			ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
		if (!round)
			ASSERT_EQ(0, traced_end(self->id, &self->traced));
	}
	ASSERT_EQ(8, mmsb_read(self->space, self->page[0], 8, &value, 8, NULL));
	EXPECT_EQ(128, value);
	for (i = 0; i < 64; i++) {
		event = traced_next(&self->traced, &at, "apply");
		ASSERT_NE(NULL, event);
		EXPECT_EQ(i + 1, traced_get(event, "epoch"));
		EXPECT_EQ(MMSB_OP_ADD, traced_get(event, "op"));
	}
	event = traced_next(&self->traced, &at, "tick");
	ASSERT_NE(NULL, event);
	at = 0;
	EXPECT_EQ(traced_get(traced_next(&self->traced, &at, "apply"), "tick"),
		  traced_get(traced_next(&self->traced, (at = 0, &at), "tick"), "tick"));
	EXPECT_LE(64, traced_get(event, "deltas"));
	ASSERT_EQ(0, traced_begin());
	ASSERT_EQ(0, mmsb_create(self->ring, 64, &value));
	traced_free(&self->traced);
	ASSERT_EQ(0, traced_end(self->id, &self->traced));
	EXPECT_EQ(1, traced_count(&self->traced, "apply"));
	EXPECT_EQ(value, traced_sum(&self->traced, "apply", "page"));
}

/* Words in bulk: each is told as the delta that it is, whoever follows its page and whatever else is asked for, and then what brought them. */
TEST(words)
{
	struct mmsb_word *words;
	const struct traced_event *event;
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	struct traced traced = { NULL };
	struct mmsb_space *space;
	struct mmsb_cqe cqe = {};
	struct mmsb_ring *ring;
	struct mmsb *mmsb;
	uint64_t page = MMSB_PAGE_ID(1, 0), copy = MMSB_PAGE_ID(1, 1);
	unsigned int i;
	size_t at = 0;

	ASSERT_TRUE(traced_is_there());
	ASSERT_EQ(0, mmsb_open(&mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE, .shards = 1), &space));
	ASSERT_EQ(0, mmsb_space_info(space, &info));
	ASSERT_EQ(0, mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_REPLAY, .payload_bytes = 65536), &ring));
	ASSERT_EQ(0, run_op(ring, &cqe, .op = MMSB_OP_TICK, .offset = 1));
	ASSERT_EQ(0, run_op(ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = page, .len = 64));
	ASSERT_EQ(0, cqe.result);
	ASSERT_EQ(0, run_op(ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = copy, .len = 64));
	ASSERT_EQ(0, mmsb_derive_fold(ring, copy, MMSB_RULE_COPY, 0, &page, NULL, 1, NULL));
	words = mmsb_payload(ring, NULL);
	for (i = 0; i < 3; i++)
		words[i] = (struct mmsb_word){ .op = MMSB_OP_SET, .len = 8, .page = page, .word = i ? 8 : 7 };	/* the third: as it is */
	ASSERT_EQ(0, traced_begin_only("unchanged"));
	ASSERT_EQ(0, run_op(ring, &cqe, .op = MMSB_OP_WORDS, .flags = MMSB_SQE_PAYLOAD, .len = 3 * sizeof(*words)));
	ASSERT_EQ(MMSB_CQE_UNCHANGED, cqe.flags & MMSB_CQE_UNCHANGED);
	ASSERT_EQ(0, traced_end(info.id, &traced));
	for (i = 0; i < 2; i++) {
		event = traced_next(&traced, &at, "unchanged");
		ASSERT_NE(NULL, event);
		EXPECT_EQ(i ? MMSB_OP_WORDS : MMSB_OP_SET, traced_get(event, "op"));
		EXPECT_EQ(page, traced_get(event, "page"));
		EXPECT_EQ(i ? 0 : 2, traced_get(event, "epoch"));
	}
	EXPECT_EQ(2, traced.n);
	traced_free(&traced);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	mmsb_close(mmsb);
}

/* -------------------------------------------------------------------------------------------------------------- waves */

/*
 * page[0], a source; page[1], a copy; page[2] their sum; page[3], a slice that does not hold what changes, and page[4] behind it. In a space of
 * three shards these lie in different ones.
 */
TEST_F(trace, wave)
{
	uint64_t *page = self->page, shard = variant->shards == 1 ? 0 : MMSB_TRACE_ALL, tick;
	const struct traced_event *event;
	size_t at = 0;

	ASSERT_EQ(0, mmsb_derive_fold(self->ring, page[1], MMSB_RULE_COPY, 0, page, NULL, 1, NULL));
	ASSERT_EQ(0, mmsb_derive_fold(self->ring, page[2], MMSB_RULE_ADD_MUL, MMSB_LANE_I64, page, NULL, 2, NULL));
	ASSERT_EQ(0, mmsb_derive_slice(self->ring, page[3], page[0], 32, 32, NULL));
	ASSERT_EQ(0, mmsb_derive_fold(self->ring, page[4], MMSB_RULE_COPY, 0, &page[3], NULL, 1, NULL));
	ASSERT_EQ(0, traced_begin());
	ASSERT_EQ(0, mmsb_add(self->ring, page[0], 0, 5, NULL));
	tick = mmsb_tick(self->space);
	ASSERT_EQ(0, mmsb_refresh(self->ring, page[4], NULL));
	ASSERT_EQ(0, traced_end(self->id, &self->traced));
	EXPECT_EQ(2, traced_count(&self->traced, "recompute"));
	EXPECT_EQ(1, traced_count(&self->traced, "cut"));
	EXPECT_EQ(1, traced_count(&self->traced, "skip"));
	EXPECT_EQ(page[3], traced_sum(&self->traced, "cut", "page"));
	EXPECT_EQ(page[4], traced_sum(&self->traced, "skip", "page"));
	event = traced_next(&self->traced, &at, "recompute");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(page[1], traced_get(event, "page"));
	EXPECT_EQ(owner(page[1], variant->shards), traced_get(event, "shard"));
	EXPECT_EQ(tick, traced_get(event, "tick"));
	event = traced_next(&self->traced, &at, "recompute");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(page[2], traced_get(event, "page"));
	at = 0;
	event = traced_next(&self->traced, &at, "wave_begin");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(shard, traced_get(event, "shard"));
	EXPECT_EQ(tick, traced_get(event, "tick"));
	EXPECT_EQ(1, traced_get(event, "waiting"));
	event = traced_next(&self->traced, &at, "wave_end");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(shard, traced_get(event, "shard"));
	EXPECT_EQ(tick, traced_get(event, "tick"));
	EXPECT_EQ(3, traced_get(event, "pages"));
	EXPECT_EQ(2, traced_get(event, "depth"));
	EXPECT_EQ(2, traced_count(&self->traced, "wave_begin"));
	EXPECT_EQ(2, traced_count(&self->traced, "wave_end"));
}

/* What is asked for comes in a second round, which ends lower here than the first. */
TEST_F(trace, wave_of_two_rounds)
{
	uint64_t *page = self->page;
	const struct traced_event *event;
	struct mmsb_cqe cqe;
	size_t at = 0;

	ASSERT_EQ(0, mmsb_derive_fold(self->ring, page[1], MMSB_RULE_COPY, 0, page, NULL, 1, NULL));
	ASSERT_EQ(0, mmsb_derive_fold(self->ring, page[2], MMSB_RULE_COPY, 0, &page[1], NULL, 1, NULL));
	ASSERT_EQ(0, mmsb_derive_fold(self->ring, page[3], MMSB_RULE_COPY, 0, &page[2], NULL, 1, NULL));
	ASSERT_EQ(0, mmsb_derive_fold(self->ring, page[4], MMSB_RULE_COPY, 0, &page[5], NULL, 1, NULL));
	ASSERT_EQ(0, traced_begin());
	mmsb_prep_add(mmsb_get_sqe(self->ring), page[0], 0, 5);
	mmsb_prep(mmsb_get_sqe(self->ring), MMSB_OP_REFRESH, page[4], 0, 0);
	ASSERT_LE(0, mmsb_submit(self->ring));
	ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
	ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
	ASSERT_EQ(0, cqe.result);
	ASSERT_EQ(0, traced_end(self->id, &self->traced));
	event = traced_next(&self->traced, &at, "wave_end");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(1, traced_count(&self->traced, "wave_end"));
	EXPECT_EQ(4, traced_get(event, "pages"));
	EXPECT_EQ(3, traced_get(event, "depth"));
}

/* -------------------------------------------------------------------------------------------------------------- rings */

/* Who opened it, what it came to; and one whose client writes nonsense. */
TEST_F(trace, rings)
{
	struct mmsb_ring *ring, *broken;
	const struct traced_event *event;
	struct mmsb_cqe cqe;
	size_t at = 0;

	ASSERT_EQ(0, traced_begin());
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .source = 99, .shard = 1), &ring));
	ASSERT_EQ(0, mmsb_add(ring, self->page[0], 0, 1, NULL));
	ASSERT_EQ(0, run_op(ring, &cqe, .op = MMSB_OP_LAST));
	mmsb_ring_close(ring);
	ASSERT_EQ(0, mmsb_ring_open(self->space, NULL, &broken));
	broken->client->sq_tail += 1u << 20;
	broken->home->ring_enter(broken, 0, 0);
	mmsb_ring_close(broken);
	ASSERT_EQ(0, traced_end(self->id, &self->traced));
	event = traced_next(&self->traced, &at, "ring_open");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(2, traced_get(event, "ring"));
	EXPECT_EQ(99, traced_get(event, "source"));
	EXPECT_EQ(0, traced_get(event, "shard"));
	EXPECT_EQ(getpid(), traced_get(event, "pid"));
	EXPECT_EQ(geteuid(), traced_get(event, "uid"));
	event = traced_next(&self->traced, &at, "ring_close");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(2, traced_get(event, "ring"));
	EXPECT_EQ(2, traced_get(event, "taken"));
	EXPECT_EQ(1, traced_get(event, "failed"));
	event = traced_next(&self->traced, &at, "ring_break");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(3, traced_get(event, "ring"));
	EXPECT_EQ(MMSB_REASON_SQ_INDEX, traced_get(event, "reason"));
	EXPECT_EQ(getpid(), traced_get(event, "pid"));
	event = traced_next(&self->traced, &at, "ring_close");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(3, traced_get(event, "ring"));
}

/* All but so many, by a poller if it has the shard in hand; then what was left has been told. */
static bool taken_but(struct mmsb_ring *ring, uint32_t left)
{
	uint64_t end = now_ns() + PATIENCE;

	while (mmsb_sq_space(ring) != ring->sq_entries - left) {
		if (now_ns() > end)
			return false;
		sched_yield();
	}
	return true;
}

/* Nobody reaps: said once, however often it is come upon, and again when it happens again. */
TEST_F(trace, stalls_for_completions)
{
	const struct traced_event *event;
	struct mmsb_ring *ring;
	struct mmsb_cqe cqe;
	unsigned int round, i;
	size_t at = 0;

	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .sq_entries = 4, .cq_entries = 4), &ring));
	ASSERT_EQ(0, traced_begin());
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 6; i++) {
			mmsb_prep_nop(mmsb_get_sqe(ring));
			if (i != 1 && i != 5)
				continue;
			ASSERT_LT(0, mmsb_submit(ring));
			ASSERT_TRUE(taken_but(ring, i == 5 ? 2 : 0));
		}
		for (i = 0; i < 6; i++)
			ASSERT_EQ(0, mmsb_wait_cqe(ring, &cqe, PATIENCE));
	}
	ASSERT_EQ(0, traced_end(self->id, &self->traced));
	EXPECT_EQ(2, msl_load(ring->engine->stalls));
	mmsb_ring_close(ring);
	EXPECT_EQ(2, traced_count(&self->traced, "stall"));
	event = traced_next(&self->traced, &at, "stall");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(MMSB_STALL_COMPLETIONS, traced_get(event, "cause"));
	EXPECT_EQ(2, traced_get(event, "pending"));
	EXPECT_EQ(2, traced_get(event, "ring"));
	EXPECT_EQ(getpid(), traced_get(event, "pid"));
	at = 0;
	traced_next(&self->traced, &at, "submit");
	event = traced_next(&self->traced, &at, "submit");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(2, traced_get(event, "count"));
	EXPECT_EQ(4, traced_get(event, "pending"));
}

TEST_F(trace, stalls_for_a_fence)
{
	const struct traced_event *event;
	struct mmsb_cqe cqe;
	unsigned int i;
	size_t at = 0;

	if (variant->shards == 1)
		SKIP(return, "nothing is under way at other shards");
	ASSERT_EQ(0, traced_begin());
	mmsb_prep_add(mmsb_get_sqe(self->ring), self->page[1], 0, 1);
	mmsb_prep_fence(mmsb_get_sqe(self->ring));
	mmsb_prep_nop(mmsb_get_sqe(self->ring));
	ASSERT_EQ(3, mmsb_submit(self->ring));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
	ASSERT_EQ(0, traced_end(self->id, &self->traced));
	event = traced_next(&self->traced, &at, "stall");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(MMSB_STALL_FENCE, traced_get(event, "cause"));
	EXPECT_EQ(2, traced_get(event, "pending"));
}

/* Three shards, and nobody runs them but who submits: what has to wait, waits each time. */
FIXTURE(stall) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_history *history;
	struct traced traced;
	uint64_t id, page[2];	/* of the ring's shard, and of the next */
};

FIXTURE_SETUP(stall)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	struct mmsb_cqe cqe;
	unsigned int i;

	ASSERT_TRUE(traced_is_there());
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE,
				     .shards = 3), &self->space));
	ASSERT_EQ(0, mmsb_space_info(self->space, &info));
	self->id = info.id;
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = 1, .sq_entries = 256), &self->ring));
	for (i = 0; i < 2; i++) {
		self->page[i] = MMSB_PAGE_ID(1, i * 1024);
		ASSERT_EQ(0, run_op(self->ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = self->page[i], .len = 64));
		ASSERT_EQ(0, cqe.result);
	}
}

FIXTURE_TEARDOWN(stall)
{
	traced_free(&self->traced);
	mmsb_history_close(self->history);
	mmsb_ring_close(self->ring);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

/* The first ring's next stall is this one. 0: it is. */
static int told_stall(const struct traced *traced, size_t *at, enum mmsb_stall cause, uint64_t pending)
{
	const struct traced_event *event = traced_next(traced, at, "stall");

	if (!event || traced_get(event, "shard") || traced_get(event, "ring") != 1 || traced_get(event, "pid") != (uint64_t)getpid())
		return -1;
	if (traced_get(event, "cause") == cause && traced_get(event, "pending") == pending)
		return 0;
	printf("# cause %llu, %llu pending\n", (unsigned long long)traced_get(event, "cause"), (unsigned long long)traced_get(event, "pending"));
	return -1;
}

static int told_one(const struct traced *traced, enum mmsb_stall cause, uint64_t pending)
{
	size_t at = 0;

	return told_stall(traced, &at, cause, pending) ?: traced_next(traced, &at, "stall") ? -1 : 0;
}

/* The way to a shard takes 128, and nobody is there to take them off it before all batches of a turn have been looked at. */
TEST_F(stall, route)
{
	struct mmsb_cqe cqe;
	unsigned int i;

	ASSERT_EQ(0, traced_begin());
	for (i = 0; i < 200; i++)
		mmsb_prep_add(mmsb_get_sqe(self->ring), self->page[1], 0, 1);
	ASSERT_EQ(200, mmsb_submit(self->ring));
	for (i = 0; i < 200; i++)
		ASSERT_EQ(0, mmsb_wait_cqe(self->ring, &cqe, PATIENCE));
	ASSERT_EQ(0, traced_end(self->id, &self->traced));
	EXPECT_EQ(0, told_one(&self->traced, MMSB_STALL_ROUTE, 200 - 128));
	EXPECT_EQ(200, traced_count(&self->traced, "route"));
}

/* A page that is to follow one of another shard. */
TEST_F(stall, meeting)
{
	ASSERT_EQ(0, traced_begin());
	ASSERT_EQ(0, mmsb_derive_fold(self->ring, self->page[0], MMSB_RULE_COPY, 0, &self->page[1], NULL, 1, NULL));
	ASSERT_EQ(0, traced_end(self->id, &self->traced));
	EXPECT_EQ(0, told_one(&self->traced, MMSB_STALL_MEETING, 1));
}

/* Nobody reads what is told, until there is no room for more; it is told once, however often somebody comes by. */
static void fill_history(struct mmsb_ring *ring)
{
	struct mmsb_sqe *sqe;
	uint32_t before;

	do {
		before = msl_load(ring->engine->sq_head);
		sqe = mmsb_get_sqe(ring);
		mmsb_prep_add(sqe, MMSB_PAGE_ID(1, 0), 0, 1);
		sqe->flags |= MMSB_SQE_QUIET;
		mmsb_submit(ring);
	} while (msl_load(ring->engine->sq_head) != before);
}

TEST_F(stall, log)
{
	ASSERT_EQ(0, mmsb_history_open(self->space, MMSB_OPTS(struct mmsb_history_opts, .limit = 1), &self->history));
	ASSERT_EQ(0, traced_begin());
	fill_history(self->ring);
	self->ring->home->ring_enter(self->ring, 0, 0);
	EXPECT_EQ(1, msl_load(self->ring->engine->stalls));	/* while it lasts, though nothing else of the ring moves */
	ASSERT_EQ(0, traced_end(self->id, &self->traced));
	EXPECT_EQ(0, told_one(&self->traced, MMSB_STALL_LOG, 1));
}

/* That is why its entries stay, and they leave the client none. */
TEST_F(stall, entries)
{
	size_t at = 0;

	ASSERT_EQ(0, mmsb_history_open(self->space, MMSB_OPTS(struct mmsb_history_opts, .limit = 1), &self->history));
	fill_history(self->ring);
	while (mmsb_sq_space(self->ring))
		mmsb_prep_nop(mmsb_get_sqe(self->ring));
	mmsb_submit(self->ring);
	ASSERT_EQ(0, traced_begin());
	ASSERT_EQ(-ETIME, self->ring->home->ring_enter_for_room(self->ring, 1));
	ASSERT_EQ(0, traced_end(self->id, &self->traced));
	EXPECT_EQ(0, told_stall(&self->traced, &at, MMSB_STALL_LOG, 256));
	EXPECT_EQ(0, told_stall(&self->traced, &at, MMSB_STALL_ENTRIES, 256));
	EXPECT_EQ(NULL, traced_next(&self->traced, &at, "stall"));
}

/* ------------------------------------------------------------------------------------------------------ pollers, the log */

static bool poller_sleeps(struct mmsb_ring *ring)
{
	uint64_t end = now_ns() + PATIENCE;

	while (!(__atomic_load_n(&ring->engine->flags, __ATOMIC_ACQUIRE) & MMSB_RING_NEED_WAKEUP))
		if (now_ns() > end)
			return false;
	return true;
}

/* It falls asleep, and is woken before it applies. */
TEST_F(trace, poller)
{
	size_t at = 0, applied = 0, i;
	bool asleep = false;

	if (!variant->ring_flags)
		SKIP(return, "nobody polls");
	ASSERT_EQ(0, traced_begin());
	for (i = 0; i < 5; i++) {
		ASSERT_TRUE(poller_sleeps(self->ring));
		usleep(1000);
		ASSERT_EQ(0, mmsb_add(self->ring, self->page[0], 0, 1, NULL));
	}
	ASSERT_EQ(0, traced_end(self->id, &self->traced));
	EXPECT_LT(0, traced_count(&self->traced, "sleep"));
	EXPECT_LT(0, traced_count(&self->traced, "wake"));
	for (; at < self->traced.n; at++) {
		const struct traced_event *event = &self->traced.event[at];

		if (!strcmp(event->step->name, "sleep") && !traced_get(event, "shard"))
			asleep = true;
		else if (!strcmp(event->step->name, "wake") && !traced_get(event, "shard"))
			asleep = false;
		if (strcmp(event->step->name, "apply"))
			continue;
		EXPECT_FALSE(asleep);
		applied++;
	}
	EXPECT_EQ(5, applied);
}

/* Which tick was told, and how far it is on disk. */
TEST_F(trace, log)
{
	const struct traced_event *event;
	const struct mmsb_record *record;
	struct mmsb_history *log;
	uint64_t tick, bound = 0;
	size_t at = 0;
	bool told = false;

	ASSERT_EQ(0, mmsb_history_open(self->space, MMSB_OPTS(struct mmsb_history_opts, .flags = MMSB_HISTORY_LOG, .mode = MMSB_BUFFERED,
				       .log_id = { 7, 11 }), &log));
	ASSERT_EQ(0, traced_begin());
	ASSERT_EQ(0, mmsb_add(self->ring, self->page[0], 0, 1, NULL));
	tick = mmsb_tick(self->space);
	while (!mmsb_history_next(log, &record, 0))
		if (record->type == MMSB_RECORD_BOUND)
			bound = record->tick;
	EXPECT_LE(tick, bound);
	ASSERT_EQ(0, mmsb_add(self->ring, self->page[0], 0, 1, NULL));	/* the log is behind */
	ASSERT_EQ(0, mmsb_history_durable(log, 0, bound));
	ASSERT_EQ(0, traced_end(self->id, &self->traced));
	mmsb_history_close(log);
	while ((event = traced_next(&self->traced, &at, "log_written")))
		told |= traced_get(event, "tick") == tick;
	EXPECT_TRUE(told);
	at = 0;
	event = traced_next(&self->traced, &at, "log_durable");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(bound, traced_get(event, "tick"));
	EXPECT_EQ(mmsb_tick(self->space), traced_get(event, "last"));
	EXPECT_LT(bound, traced_get(event, "last"));
}

/* ------------------------------------------------------------------------------------------------------------- format */

/* What tracefs says of a step: 64 bits each, in the order of mmsb/trace.h. */
static int check_format(const struct traced_step *step)
{
	char path[128], line[4096], want[96];
	unsigned int seen = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/tracing/events/mmsb/mmsb_%s/format", step->name);
	file = fopen(path, "r");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "\tfield:", 7) || strstr(line, " common_"))
			continue;
		snprintf(want, sizeof(want), "\tfield:u64 %s;\toffset:%u;\tsize:8;\tsigned:0;\n", seen < step->fields ? step->field[seen] : "",
			 8 + 8 * seen);
		if (strcmp(line, want))
			break;
		seen++;
	}
	fclose(file);
	return seen == step->fields ? 0 : -EINVAL;
}

TEST(format)
{
	const struct traced_step *step;

	if (!home_is_kernel())
		SKIP(return, "tracefs is the kernel home's");
	for (step = traced_steps; step->name; step++)
		EXPECT_EQ(0, check_format(step)) TH_LOG("mmsb_%s", step->name);
}

TEST_HARNESS_MAIN
