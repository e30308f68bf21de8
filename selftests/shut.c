// SPDX-License-Identifier: GPL-2.0-only
/*
 * A space that is shut until it is restored to the end: nothing but a replay ring changes it, whichever way it is tried, and nothing opens it
 * but the word of who restored it, a log that was opened under him, or a reset.
 */
#include <mmsb/logging.h>
#include "common/harness.h"
#include "common/home.h"
#include "../lib/home.h"
#include "ring.h"

#define PAGE	MMSB_PAGE_ID(1, 0)
#define COPY	MMSB_PAGE_ID(1, 1)		/* of it */
#define LAZY	MMSB_PAGE_ID(1, 2)		/* likewise, and behind it */
#define OTHER	MMSB_PAGE_ID(1, 1024)		/* another shard's, where there are two */
#define MISSING	MMSB_PAGE_ID(1, 3)

FIXTURE(shut) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring, *replay;
	uint64_t *payload;		/* of the ring */
};

FIXTURE_VARIANT(shut) {
	uint32_t shards, space_flags, ring_flags;
};

FIXTURE_VARIANT_ADD(shut, one_inline) { 1, MMSB_SPACE_INLINE, 0 };
FIXTURE_VARIANT_ADD(shut, one_polled) { 1, 0, MMSB_RING_POLLED };
FIXTURE_VARIANT_ADD(shut, two_inline) { 2, MMSB_SPACE_INLINE, 0 };
FIXTURE_VARIANT_ADD(shut, two_polled) { 2, 0, MMSB_RING_POLLED };

/* Sees to it that there is one again. */
static int open_replay(FIXTURE_DATA(shut) *self)
{
	return mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_REPLAY), &self->replay);
}

/* As it is when its process dies. */
static void close_replay(FIXTURE_DATA(shut) *self)
{
	mmsb_ring_close(self->replay);
	self->replay = NULL;
}

FIXTURE_SETUP(shut)
{
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = variant->shards, .max_pages = 4096,
				     .flags = MMSB_SPACE_CREATE | MMSB_SPACE_SHUT | MMSB_SPACE_HASH | variant->space_flags), &self->space));
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = 1, .flags = variant->ring_flags), &self->ring));
	self->payload = mmsb_payload(self->ring, NULL);
	ASSERT_EQ(0, open_replay(self));
}

FIXTURE_TEARDOWN(shut)
{
	mmsb_ring_close(self->replay);
	mmsb_ring_close(self->ring);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

/* What a client is told who writes, and whoever asks. */
static int shut_reason(FIXTURE_DATA(shut) *self)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	struct mmsb_cqe cqe = {};
	int err = run_op(self->ring, &cqe, .op = MMSB_OP_CREATE, .len = 64) ?: mmsb_space_info(self->space, &info);

	if (err)
		return err;
	if (!(info.flags & MMSB_SPACE_SHUT) == (cqe.reason == MMSB_REASON_SHUT))
		return -EPROTO;
	return cqe.reason;
}

#define REPLAY(...) (run_op(self->replay, &cqe, __VA_ARGS__) ?: cqe.result)

static int replay_page(FIXTURE_DATA(shut) *self, uint64_t page, uint64_t tick)
{
	struct mmsb_cqe cqe = {};

	return REPLAY(.op = MMSB_OP_TICK, .offset = tick) ?: REPLAY(.op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = page, .len = 64) ?:
	       REPLAY(.op = MMSB_OP_TICK);
}

/* -------------------------------------------------------------------------------------------------------- what opens it */

TEST_F(shut, until_it_is_whole)
{
	EXPECT_EQ(MMSB_REASON_SHUT, shut_reason(self));
	ASSERT_EQ(0, replay_page(self, PAGE, 5));
	close_replay(self);
	EXPECT_EQ(MMSB_REASON_SHUT, shut_reason(self));
	ASSERT_EQ(0, open_replay(self));
	ASSERT_EQ(0, replay_page(self, COPY, 6));
	mmsb_replay_whole(self->replay);
	EXPECT_EQ(MMSB_REASON_SHUT, shut_reason(self));
	close_replay(self);
	EXPECT_EQ(0, shut_reason(self));
	ASSERT_EQ(0, open_replay(self));
	EXPECT_EQ(MMSB_REASON_REPLAYING, shut_reason(self));
}

/* Where a poller is just at the shard, it is he who finds it, in his time. */
static int enter_until_told(struct mmsb_ring *ring)
{
	uint64_t end = now_ns() + PATIENCE / 4;
	int err;

	do {
		err = ring->home->ring_enter(ring, 0, 0);
	} while (!err && now_ns() < end);
	return err;
}

/* The field is the client's, who may write anything there; and one that broke its ring may not have got to the end. */
TEST_F(shut, not_by_any_word)
{
	static const uint32_t words[] = { 2, 3, 0x80000000, ~0u };
	unsigned int i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
		msl_store(self->replay->client->whole, words[i]);
		close_replay(self);
		EXPECT_EQ(MMSB_REASON_SHUT, shut_reason(self));
		ASSERT_EQ(0, open_replay(self));
	}
	mmsb_replay_whole(self->replay);
	msl_sq_publish(self->replay->client, self->replay->sq_entries + 1);
	EXPECT_EQ(-EPIPE, enter_until_told(self->replay));
	close_replay(self);
	EXPECT_EQ(MMSB_REASON_SHUT, shut_reason(self));
}

static int open_log(FIXTURE_DATA(shut) *self, uint32_t flags, struct mmsb_history **log)
{
	return mmsb_history_open(self->space, MMSB_OPTS(struct mmsb_history_opts, .flags = MMSB_HISTORY_LOG | flags, .mode = MMSB_BUFFERED,
							.log_id = { 7, 11 }), log);
}

/* Not by any log: by one that was opened under a replay ring. */
TEST_F(shut, until_it_has_a_log)
{
	struct mmsb_history *log = NULL;

	ASSERT_EQ(0, replay_page(self, PAGE, 5));
	close_replay(self);
	EXPECT_EQ(-ESHUTDOWN, open_log(self, 0, &log));
	EXPECT_EQ(-ESHUTDOWN, open_log(self, MMSB_HISTORY_HELD, &log));
	ASSERT_EQ(0, open_replay(self));
	ASSERT_EQ(0, open_log(self, MMSB_HISTORY_HELD, &log));
	EXPECT_EQ(MMSB_REASON_SHUT, shut_reason(self));
	close_replay(self);
	EXPECT_EQ(0, shut_reason(self));
	mmsb_history_close(log);
}

TEST_F(shut, until_it_is_reset)
{
	ASSERT_EQ(0, mmsb_space_reset(self->space));	/* by who restores, and begins again */
	close_replay(self);
	EXPECT_EQ(MMSB_REASON_SHUT, shut_reason(self));
	ASSERT_EQ(0, mmsb_space_reset(self->space));
	EXPECT_EQ(0, shut_reason(self));
}

/* ------------------------------------------------------------------------------------------------- what does not change it */

struct state {
	uint64_t kept[2], computed[2], tick, last, closed, pages, derived, edges;
};

static int look(FIXTURE_DATA(shut) *self, struct state *state)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	int err;

	memset(state, 0, sizeof(*state));
	err = mmsb_hash(self->space, 0, state->kept, &state->tick) ?: mmsb_hash(self->space, MMSB_HASH_RECOMPUTE, state->computed, NULL);
	err = err ?: mmsb_space_info(self->space, &info);
	state->last = mmsb_tick(self->space);
	state->closed = msl_load(self->space->page->closed);
	state->pages = info.pages;
	state->derived = info.derived;
	state->edges = info.edges;
	return err;
}

/* Two pages of two shards; two that follow the first, of which the lazy one is behind. Then who restores it dies. */
static int restore_half(FIXTURE_DATA(shut) *self)
{
	struct mmsb_derive derive = { .rule = MMSB_RULE_COPY };
	struct mmsb_edge edge = { .parent = PAGE };
	struct mmsb_cqe cqe = {};
	int err;

	err = replay_page(self, PAGE, 5) ?: replay_page(self, OTHER, 6) ?: replay_page(self, COPY, 7) ?: replay_page(self, LAZY, 8);
	err = err ?: REPLAY(.op = MMSB_OP_TICK, .offset = 9) ?: mmsb_derive(self->replay, COPY, &derive, &edge, 1, NULL);
	derive.flags = MMSB_DERIVE_LAZY;
	err = err ?: mmsb_derive(self->replay, LAZY, &derive, &edge, 1, NULL) ?: REPLAY(.op = MMSB_OP_TICK, .offset = 10);
	err = err ?: mmsb_add(self->replay, PAGE, 0, 5, NULL) ?: REPLAY(.op = MMSB_OP_TICK);
	close_replay(self);
	return err;
}

#define OPERAND 64		/* of the ring's payload, where some lie */

static const struct mmsb_sqe ways[] = {
	{ .op = MMSB_OP_CREATE, .len = 64 },
	{ .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = MISSING, .len = 64 },
	{ .op = MMSB_OP_DESTROY, .page = OTHER },
	{ .op = MMSB_OP_DESTROY, .flags = MMSB_SQE_DETACH, .page = PAGE },
	{ .op = MMSB_OP_SET, .page = PAGE, .len = 8, .word = { 7 } },
	{ .op = MMSB_OP_SET, .page = OTHER, .len = 8, .word = { 7 } },
	{ .op = MMSB_OP_SET, .flags = MMSB_SQE_PAYLOAD, .page = PAGE, .len = 48, .payload = OPERAND },
	{ .op = MMSB_OP_SET, .flags = MMSB_SQE_IF_EPOCH, .page = PAGE, .len = 8, .epoch = 1 },
	{ .op = MMSB_OP_MASK, .page = PAGE, .len = 8, .word = { 0xff, 7 } },
	{ .op = MMSB_OP_MASK_SPARSE, .page = PAGE, .len = 8, .word = { 1, 7 } },
	{ .op = MMSB_OP_FILL, .lane = MMSB_LANE_U64, .page = PAGE, .len = 64, .word = { 7 } },
	{ .op = MMSB_OP_ADD, .lane = MMSB_LANE_U64, .page = PAGE, .len = 8, .word = { 7 } },
	{ .op = MMSB_OP_ADD, .lane = MMSB_LANE_U64, .page = OTHER, .len = 16, .word = { 7, 7 } },
	{ .op = MMSB_OP_CAS, .page = OTHER, .len = 8, .word = { 0, 7 } },
	{ .op = MMSB_OP_APPEND, .page = OTHER, .len = 8, .word = { 7 } },
	{ .op = MMSB_OP_DERIVE, .flags = MMSB_SQE_PAYLOAD, .page = OTHER, .len = sizeof(struct mmsb_derive) + sizeof(struct mmsb_edge),
	  .payload = OPERAND },
	{ .op = MMSB_OP_UNDERIVE, .page = COPY },
	{ .op = MMSB_OP_LINK, .page = COPY, .len = sizeof(struct mmsb_edge), .word = { OTHER } },
	{ .op = MMSB_OP_UNLINK, .page = COPY, .len = 8, .word = { PAGE } },
	{ .op = MMSB_OP_REFRESH, .page = LAZY },
};

/* Each is told why, whoever brings it to the page. */
TEST_F(shut, every_operation)
{
	const struct mmsb_derive derive = { .rule = MMSB_RULE_COPY, .edges = 1 };
	const struct mmsb_edge edge = { .parent = PAGE };
	struct state before, after;
	struct mmsb_cqe cqe;
	unsigned int i;

	ASSERT_EQ(0, restore_half(self)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, look(self, &before));
	EXPECT_EQ(10, before.tick);
	EXPECT_EQ(before.tick, before.closed);
	memcpy((uint8_t *)self->payload + OPERAND, &derive, sizeof(derive));
	memcpy((uint8_t *)self->payload + OPERAND + sizeof(derive), &edge, sizeof(edge));
	for (i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		ASSERT_EQ(0, run_entry(self->ring, &ways[i], &cqe));
		EXPECT_EQ(MMSB_REASON_SHUT, cqe.reason) {
			TH_LOG("the %uth, operation %u", i, ways[i].op);
		}
		ASSERT_EQ(0, look(self, &after));
		EXPECT_EQ(0, memcmp(&before, &after, sizeof(before))) {
			TH_LOG("the %uth, operation %u", i, ways[i].op);
		}
	}
}

/* What is a replay ring's alone is so here, too. */
TEST_F(shut, what_only_replays_do)
{
	const struct mmsb_word word = { .op = MMSB_OP_SET, .len = 8, .page = PAGE, .word = 7 };
	struct state before, after;
	struct mmsb_cqe cqe;

	ASSERT_EQ(0, restore_half(self));
	ASSERT_EQ(0, look(self, &before));
	memcpy((uint8_t *)self->payload + OPERAND, &word, sizeof(word));
	ASSERT_EQ(0, run_op(self->ring, &cqe, .op = MMSB_OP_WORDS, .flags = MMSB_SQE_PAYLOAD, .len = sizeof(word), .payload = OPERAND));
	EXPECT_EQ(MMSB_REASON_NOT_REPLAYING, cqe.reason);
	ASSERT_EQ(0, run_op(self->ring, &cqe, .op = MMSB_OP_LOAD, .flags = MMSB_SQE_PAYLOAD, .len = 64, .payload = OPERAND));
	EXPECT_EQ(MMSB_REASON_NOT_REPLAYING, cqe.reason);
	ASSERT_EQ(0, run_op(self->ring, &cqe, .op = MMSB_OP_TICK, .offset = 20));
	EXPECT_EQ(MMSB_REASON_NOT_REPLAYING, cqe.reason);
	ASSERT_EQ(0, look(self, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

static void add_quietly(struct mmsb_ring *ring, uint64_t page)
{
	struct mmsb_sqe *sqe = mmsb_get_sqe(ring);

	mmsb_prep_add(sqe, page, 0, 7);
	sqe->flags |= MMSB_SQE_QUIET;
}

/* Whole batches of what would go the short way, here and at the other shard; and what a ring leaves behind that is closed. */
TEST_F(shut, many_at_once)
{
	struct state before, after;
	struct mmsb_ring *ring;
	unsigned int i;

	ASSERT_EQ(0, restore_half(self));
	ASSERT_EQ(0, look(self, &before));
	for (i = 0; i < 200; i++)
		add_quietly(self->ring, i % 3 ? PAGE : OTHER);
	ASSERT_EQ(200, mmsb_submit(self->ring));
	ASSERT_EQ(0, mmsb_drain(self->ring, PATIENCE));
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = 1), &ring));
	for (i = 0; i < 200; i++)
		add_quietly(ring, i % 3 ? PAGE : OTHER);
	msl_sq_publish(ring->client, ring->sq_tail);		/* and dies before it tells anybody */
	mmsb_ring_close(ring);
	ASSERT_EQ(0, look(self, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

/* Who reads changes nothing either, though a lazy page would be computed for him; and an owner may see to all that is not its state. */
TEST_F(shut, readers_and_owners)
{
	const uint64_t pages[] = { PAGE, COPY };
	uint64_t values[2], hash[2], value;
	void *const to[] = { &values[0], &values[1] };
	int results[2];
	const size_t len[] = { 8, 8 };
	struct mmsb_history *history;
	struct state before, after;

	ASSERT_EQ(0, restore_half(self));
	ASSERT_EQ(0, look(self, &before));
	EXPECT_EQ(-ESHUTDOWN, mmsb_read(self->space, LAZY, 0, &value, sizeof(value), NULL));
	EXPECT_EQ(8, mmsb_read(self->space, COPY, 0, &value, sizeof(value), NULL));
	EXPECT_EQ(5, value);
	EXPECT_LE(0, mmsb_snapshot(self->space, pages, 2, to, len, NULL, results, NULL));
	EXPECT_EQ(5, values[0]);
	EXPECT_EQ(5, values[1]);
	EXPECT_EQ(0, mmsb_space_limit(self->space, 3000, 0, 0));
	ASSERT_EQ(0, mmsb_history_open(self->space, NULL, &history));
	mmsb_history_close(history);
	EXPECT_EQ(-ENODATA, mmsb_hash(self->space, MMSB_HASH_OFF, hash, NULL) ?: mmsb_hash(self->space, 0, hash, NULL));
	EXPECT_EQ(0, mmsb_hash(self->space, MMSB_HASH_ON, hash, NULL));
	ASSERT_EQ(0, look(self, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	EXPECT_EQ(MMSB_REASON_SHUT, shut_reason(self));
}

TEST_HARNESS_MAIN
