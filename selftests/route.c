// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deltas between shards. Order: every ring appends its own numbered records to pages of all shards, and each page must show
 * each ring's numbers complete and rising. Back-pressure: every ring floods every shard with more than all queues
 * together can hold, with completion queues as small as can be; all of it must arrive, and nothing may stand still.
 */
#include <pthread.h>
#include "common/harness.h"
#include "common/home.h"

#define MOST_SHARDS	8
#define RECORDS		1500u		/* of one ring in one page */

FIXTURE(route) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	uint64_t page[MOST_SHARDS];
};

FIXTURE_VARIANT(route) {
	uint32_t shards, space_flags, ring_flags, sq, cq;
};

FIXTURE_VARIANT_ADD(route, inline_2) { .shards = 2, .space_flags = MMSB_SPACE_INLINE, .sq = 256, .cq = 256 };
FIXTURE_VARIANT_ADD(route, inline_8_tiny) { .shards = 8, .space_flags = MMSB_SPACE_INLINE, .sq = 4, .cq = 4 };
FIXTURE_VARIANT_ADD(route, inline_8_large) { .shards = 8, .space_flags = MMSB_SPACE_INLINE, .sq = 4096, .cq = 4096 };
FIXTURE_VARIANT_ADD(route, polled_2) { .shards = 2, .ring_flags = MMSB_RING_POLLED, .sq = 256, .cq = 256 };
FIXTURE_VARIANT_ADD(route, polled_4_tiny) { .shards = 4, .ring_flags = MMSB_RING_POLLED, .sq = 4, .cq = 4 };
FIXTURE_VARIANT_ADD(route, polled_4_large) { .shards = 4, .ring_flags = MMSB_RING_POLLED, .sq = 4096, .cq = 4096 };
FIXTURE_VARIANT_ADD(route, inline_among_pollers) { .shards = 4, .sq = 1024, .cq = 1024 };

FIXTURE_SETUP(route)
{
	unsigned int i;

	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = variant->shards,
				     .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | variant->space_flags), &self->space)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	for (i = 0; i < variant->shards; i++) {
		struct mmsb_ring *ring;

		ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = i + 1), &ring));
		ASSERT_EQ(0, mmsb_create(ring, 8 + 8 * MOST_SHARDS * RECORDS, &self->page[i]));
		mmsb_ring_close(ring);
	}
}

FIXTURE_TEARDOWN(route)
{
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

struct sender {
	struct mmsb_space *space;
	const uint64_t *page;
	uint32_t shards, number, flags, sq, cq;
	unsigned int each;		/* entries to each page */
	bool records;			/* numbered ones; else adds */
	const char *wrong;
	int ret;
};

static void prepare(const struct sender *sender, struct mmsb_sqe *sqe, struct rng *rng, unsigned int *left)
{
	uint32_t to = rng_below(rng, sender->shards);
	uint64_t record;

	while (!left[to])
		to = (to + 1) % sender->shards;
	record = (uint64_t)sender->number << 32 | (sender->each - left[to]);
	left[to]--;
	if (sender->records)
		mmsb_prep_append(sqe, sender->page[to], 0, &record, 8);
	else
		mmsb_prep_add(sqe, sender->page[to], 8 * sender->number, 1);
	mmsb_sqe_set_data(sqe, to);
}

/* Sends as fast as the queue takes it, reaps as late as it can. */
static void *send_all(void *arg)
{
	struct sender *sender = arg;
	uint64_t todo = (uint64_t)sender->each * sender->shards, done = 0, last[MOST_SHARDS] = {};
	struct rng rng = { .state = sender->number + 1 };
	unsigned int left[MOST_SHARDS], i;
	struct mmsb_ring *ring;
	struct mmsb_sqe *sqe;
	struct mmsb_cqe cqe;

	for (i = 0; i < sender->shards; i++)
		left[i] = sender->each;
	sender->ret = mmsb_ring_open(sender->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = sender->flags, .sq_entries = sender->sq,
				     .cq_entries = sender->cq, .shard = sender->number % sender->shards + 1,
				     .payload_bytes = MMSB_NO_PAYLOAD), &ring);
	if (sender->ret)
		return NULL;
	while (done < (uint64_t)sender->each * sender->shards && !sender->ret) {
		for (; todo && (sqe = mmsb_get_sqe(ring)); todo--)
			prepare(sender, sqe, &rng, left);
		sender->ret = mmsb_submit(ring);
		if (sender->ret >= 0)
			sender->ret = mmsb_wait_cqe(ring, &cqe, PATIENCE);
		for (i = 1; !sender->ret && i; i = mmsb_peek_cqe(ring, &cqe) == 1) {
			done++;
			if (cqe.result)
				sender->wrong = mmsb_reason_name(cqe.reason);
			if (cqe.epoch <= last[cqe.user_data])
				sender->wrong = "completions of one page out of order";
			last[cqe.user_data] = cqe.epoch;
		}
	}
	mmsb_ring_close(ring);
	return NULL;
}

static void send_from_all(struct __test_metadata *_metadata, FIXTURE_DATA(route) *self, const FIXTURE_VARIANT(route) *variant,
			  bool records, unsigned int each)
{
	struct sender senders[MOST_SHARDS] = {};
	pthread_t threads[MOST_SHARDS];
	unsigned int i;

	for (i = 0; i < variant->shards; i++) {
		senders[i] = (struct sender){ .space = self->space, .page = self->page, .shards = variant->shards, .number = i,
					      .flags = variant->ring_flags, .sq = variant->sq, .cq = variant->cq, .each = each,
					      .records = records };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, send_all, &senders[i]));
	}
	for (i = 0; i < variant->shards; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(0, senders[i].ret);
		EXPECT_EQ(NULL, senders[i].wrong) {
			TH_LOG("ring %u: %s", i, senders[i].wrong);
		}
	}
}

TEST_F_TIMEOUT(route, order, 120)
{
	static uint64_t found[1 + MOST_SHARDS * RECORDS];
	unsigned int each = scaled(RECORDS), page, i, shards = variant->shards;
	uint64_t kept[2], fresh[2];

	send_from_all(_metadata, self, variant, true, each);
	for (page = 0; page < shards; page++) {
		uint32_t next[MOST_SHARDS] = {};

		ASSERT_LT(0, mmsb_read(self->space, self->page[page], 0, found, sizeof(found), NULL));
		ASSERT_EQ(8 * each * shards, found[0]);
		for (i = 1; i <= each * shards; i++) {
			uint32_t ring = found[i] >> 32;

			ASSERT_GT(shards, ring);
			ASSERT_EQ(next[ring], (uint32_t)found[i]) {
				TH_LOG("page %u, record %u of ring %u", page, i, ring);
			}
			next[ring]++;
		}
	}
	ASSERT_EQ(0, mmsb_hash(self->space, 0, kept, NULL));
	ASSERT_EQ(0, mmsb_hash(self->space, MMSB_HASH_RECOMPUTE, fresh, NULL));
	EXPECT_EQ(0, memcmp(kept, fresh, sizeof(kept)));
}

TEST_F_TIMEOUT(route, flood, 120)
{
	unsigned int each = scaled(variant->sq < 100 && variant->ring_flags ? 5000 : 40000), page, i;
	uint64_t sums[MOST_SHARDS];
	struct mmsb_page_info info;

	send_from_all(_metadata, self, variant, false, each);
	for (page = 0; page < variant->shards; page++) {
		ASSERT_EQ(64, mmsb_read(self->space, self->page[page], 0, sums, 64, NULL));
		for (i = 0; i < variant->shards; i++)
			EXPECT_EQ(each, sums[i]);
		ASSERT_EQ(0, mmsb_page_info(self->space, self->page[page], &info));
		EXPECT_EQ((uint64_t)each * variant->shards, info.epoch);
	}
}

TEST_HARNESS_MAIN
