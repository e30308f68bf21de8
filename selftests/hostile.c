// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client that writes anything anywhere it can: indices, entries and payload of its own ring, while the engine reads them, and calls
 * ENTER in between. Beside it, on the same shard, on another shard of the same space, and in another space, neighbours work whose
 * every result is checked. What may come of it: the hostile ring is broken, or its garbage is refused. What may not: a
 * neighbour sees a wrong byte, a wrong completion or a standstill; a page of theirs changes that nobody hostile was given the id of; the hash no
 * longer agrees with the bytes.
 *
 * The hostile client knows the ids of its own pages only, and those of the neighbours have generations that it does not guess.
 */
#include <pthread.h>
#include "kselftest.h"
#include "common/home.h"
#include "ring.h"		/* the library's own: garbage goes past its checks */

#define SHARDS		2
#define NEIGHBOURS	3
#define SQ		64u
#define PAYLOAD		65536u
#define GENERATION	0x5eed0001u		/* of the neighbours' pages */

struct neighbour {
	struct mmsb_space *space;
	uint64_t page;
	uint32_t shard, flags;
	const bool *stop;
	uint64_t done;
	const char *wrong;
	pthread_t thread;
};

/* ------------------------------------------------------------------------------------------------------ the good ones */

static int make_page(struct mmsb_space *space, uint32_t shard, uint64_t id, uint32_t bytes)
{
	struct mmsb_cqe cqe = {};
	struct mmsb_ring *ring;
	int ret = mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .shard = shard + 1), &ring);

	if (ret)
		return ret;
	ret = run_op(ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = id, .len = bytes);
	mmsb_ring_close(ring);
	return ret ?: cqe.result;
}

/* Adds one, sees that the epoch rose by one, and that the page holds what was put there and nothing else. */
static const char *neighbour_step(struct neighbour *me, struct mmsb_ring *ring)
{
	uint64_t words[32], epoch, i;

	if (mmsb_add(ring, me->page, 8 * (me->done % 32), 1, &epoch))
		return mmsb_strerror_last();
	me->done++;
	if (epoch != me->done)
		return "a delta was lost, or another one came between";
	if (mmsb_read(me->space, me->page, 0, words, sizeof(words), &epoch) != sizeof(words) || epoch != me->done)
		return "the page is not what it was";
	for (i = 0; i < 32; i++)
		if (words[i] != me->done / 32 + (i < me->done % 32))
			return "the bytes are not what was written";
	return NULL;
}

static void *be_good(void *arg)
{
	struct neighbour *me = arg;
	struct mmsb_ring *ring;

	if (mmsb_ring_open(me->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = me->flags, .shard = me->shard + 1), &ring)) {
		me->wrong = mmsb_strerror_last();
		return NULL;
	}
	while (!me->wrong && !__atomic_load_n(me->stop, __ATOMIC_RELAXED)) {
		me->wrong = neighbour_step(me, ring);
		if (me->done % 256 == 0)
			usleep(100);
	}
	mmsb_ring_close(ring);
	return NULL;
}

/* ----------------------------------------------------------------------------------------------------- the hostile one */

struct hostile {
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint8_t *area;			/* the client area: indices, entries, payload */
	uint8_t *payload;
	size_t bytes;
	uint64_t page[2];		/* its own, in both shards */
	uint32_t flags;
	struct rng rng;
	uint64_t rings, broken, taken, failed;
	const bool *stop;
};

/* The layout is ABI, so the area is found from the payload that the library hands out. */
static int hostile_ring(struct hostile *me)
{
	size_t bytes;

	if (me->ring)
		mmsb_ring_close(me->ring);
	me->rings++;
	if (mmsb_ring_open(me->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = me->flags, .sq_entries = SQ, .payload_bytes = PAYLOAD,
						.shard = 1 + rng_below(&me->rng, SHARDS)), &me->ring))
		return -1;
	me->payload = mmsb_payload(me->ring, &bytes);
	me->area = me->payload - SQ * sizeof(struct mmsb_sqe) - MMSB_RING_HEADER;
	me->bytes = MMSB_RING_HEADER + SQ * sizeof(struct mmsb_sqe) + bytes;
	return 0;
}

/* Entries that are almost right get further than noise does. */
static void hostile_entry(struct hostile *me, struct mmsb_sqe *sqe)
{
	struct rng *rng = &me->rng;

	if (rng_once_in(rng, 4)) {
		rng_fill(rng, sqe, sizeof(*sqe));
		return;
	}
	memset(sqe, 0, sizeof(*sqe));
	sqe->op = rng_below(rng, MMSB_OP_LAST + 1);
	if (sqe->op == MMSB_OP_DESTROY && !rng_once_in(rng, 64))
		sqe->op = MMSB_OP_CAS;
	sqe->lane = sqe->op >= MMSB_OP_FILL && sqe->op <= MMSB_OP_XOR ? rng_below(rng, MMSB_LANE_LAST) : 0;
	sqe->flags = rng_next(rng) & MMSB_SQE_KNOWN & rng_next(rng);
	sqe->len = rng_next(rng) >> (rng_once_in(rng, 8) ? rng_below(rng, 64) : 50);
	sqe->page = sqe->op > MMSB_OP_CREATE ? me->page[rng_below(rng, 2)] : 0;
	sqe->offset = rng_next(rng) >> (rng_once_in(rng, 8) ? rng_below(rng, 64) : 52);
	if (sqe->flags & MMSB_SQE_PAYLOAD)
		sqe->payload = (rng_next(rng) >> (rng_once_in(rng, 4) ? rng_below(rng, 64) : 48)) & ~7ull;
	else
		rng_fill(rng, sqe->operand, sizeof(sqe->operand));
	if (sqe->op == MMSB_OP_CREATE)
		sqe->len &= 0xffff;
}

static void hostile_indices(struct hostile *me)
{
	const struct mmsb_ring_engine *engine = me->ring->engine;
	struct mmsb_ring_client *client = (void *)me->area;
	struct rng *rng = &me->rng;

	switch (rng_below(rng, 1500)) {
	case 0:
		client->sq_tail = rng_next(rng);
		break;
	case 1:
		client->cq_head = rng_next(rng);
		break;
	case 2:
		client->sq_tail -= rng_below(rng, 4);
		break;
	case 3:
		client->cq_head += rng_below(rng, 4);
		break;
	case 4:
		rng_fill(rng, client, MMSB_RING_HEADER);
		break;
	default:
		/* possible ones, so that the entries are had a look at */
		client->cq_head = __atomic_load_n(&engine->cq_tail, __ATOMIC_ACQUIRE);
		__atomic_store_n(&client->sq_tail, engine->sq_head + rng_below(rng, SQ + 1), __ATOMIC_RELEASE);
	}
}

static void hostile_enter(struct hostile *me)
{
	me->ring->home->ring_enter(me->ring, rng_below(&me->rng, 3), 1000);
}

/* A second thread turns the payload and the entries over while they are being applied. */
static void *flip_on(void *arg)
{
	struct hostile *me = arg;
	struct rng rng = { .state = ~me->rng.state };
	uint8_t *from = me->area + MMSB_RING_HEADER;

	while (!__atomic_load_n(me->stop, __ATOMIC_RELAXED))
		__atomic_store_n(from + rng_below(&rng, SQ * 64 + 4096), (uint8_t)rng_next(&rng), __ATOMIC_RELAXED);
	return NULL;
}

/* A broken ring says so by its flag, its reason and every call. */
static bool says_it_is_broken(struct hostile *me)
{
	uint32_t reason = me->ring->engine->reason;
	int ret = me->ring->home->ring_enter(me->ring, 0, 0);

	return ret == -EPIPE && (reason == MMSB_REASON_SQ_INDEX || reason == MMSB_REASON_CQ_INDEX);
}

/* One ring's worth of garbage; false: the ring is broken and does not say so. */
static bool hostile_round(struct hostile *me)
{
	struct mmsb_sqe *sqes = (void *)(me->area + MMSB_RING_HEADER);
	struct rng *rng = &me->rng;
	unsigned int steps = scaled(100) <= 1 ? 40 : 200, i;

	for (; steps; steps--) {
		for (i = rng_below(rng, 16); i; i--)
			hostile_entry(me, &sqes[rng_below(rng, SQ)]);
		if (rng_once_in(rng, 4))
			rng_fill(rng, me->payload + rng_below(rng, PAYLOAD - 4096), 4096);
		hostile_indices(me);
		if (!rng_once_in(rng, 3))
			hostile_enter(me);
	}
	me->taken += me->ring->engine->taken;
	me->failed += me->ring->engine->failed;
	if (!(__atomic_load_n(&me->ring->engine->flags, __ATOMIC_ACQUIRE) & MMSB_RING_BROKEN))
		return true;
	me->broken++;
	return says_it_is_broken(me);
}

/* On a slow machine chance alone may break none: a tail beyond the queue must, and the engine finds it by itself. */
static bool break_surely(struct hostile *me)
{
	const struct mmsb_ring_engine *engine = me->ring->engine;
	struct mmsb_ring_client *client = (void *)me->area;
	uint64_t end = now_ns() + PATIENCE;

	__atomic_store_n(&client->sq_tail, engine->sq_head + SQ + 1, __ATOMIC_RELEASE);
	me->ring->home->ring_enter(me->ring, 0, 0);
	while (!(__atomic_load_n(&engine->flags, __ATOMIC_ACQUIRE) & MMSB_RING_BROKEN) && now_ns() < end)
		usleep(1000);
	me->broken++;
	return says_it_is_broken(me);
}

/* What it destroyed of its own it makes again. */
static void hostile_pages(struct hostile *me)
{
	struct mmsb_page_info info;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (!mmsb_page_info(me->space, me->page[i], &info))
			continue;
		me->page[i] += 1ull << 32;
		make_page(me->space, i, me->page[i], 64 + rng_below(&me->rng, 9000));
	}
}

/* ------------------------------------------------------------------------------------------------------------- scenes */

struct scene {
	struct mmsb *mmsb;
	struct mmsb_space *space[2];
	struct neighbour neighbour[NEIGHBOURS];
	struct hostile hostile;
	bool stop, broke;
};

static int scene_open(struct scene *scene, bool polled, uint64_t seed)
{
	uint32_t flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | (polled ? 0 : MMSB_SPACE_INLINE);
	uint32_t ring_flags = polled ? MMSB_RING_POLLED : 0;
	unsigned int i;
	int ret = mmsb_open(&scene->mmsb, NULL);

	for (i = 0; !ret && i < 2; i++)
		ret = mmsb_space_open(scene->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = flags, .shards = SHARDS,
				      .max_pages = 4096, .max_bytes = 64u << 20), &scene->space[i]);
	for (i = 0; !ret && i < NEIGHBOURS; i++) {
		struct neighbour *one = &scene->neighbour[i];

		*one = (struct neighbour){ .space = scene->space[i == 2], .shard = i % SHARDS, .flags = ring_flags,
					   .stop = &scene->stop, .page = MMSB_PAGE_ID(GENERATION, 1024 * (i % SHARDS) + 700 + i) };
		ret = make_page(one->space, one->shard, one->page, 256);
	}
	scene->hostile = (struct hostile){ .space = scene->space[0], .flags = ring_flags, .rng.state = seed, .stop = &scene->stop };
	for (i = 0; !ret && i < 2; i++) {
		scene->hostile.page[i] = MMSB_PAGE_ID(1, 1024 * i);
		ret = make_page(scene->space[0], i, scene->hostile.page[i], 4000);
	}
	return ret ?: hostile_ring(&scene->hostile);
}

static void scene_close(struct scene *scene)
{
	unsigned int i;

	mmsb_ring_close(scene->hostile.ring);
	for (i = 0; i < 2; i++)
		mmsb_space_close(scene->space[i]);
	mmsb_close(scene->mmsb);
}

static bool hashes_agree(struct scene *scene)
{
	uint64_t kept[2], fresh[2];
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (mmsb_hash(scene->space[i], 0, kept, NULL) || mmsb_hash(scene->space[i], MMSB_HASH_RECOMPUTE, fresh, NULL) ||
		    memcmp(kept, fresh, sizeof(kept)))
			return false;
	return true;
}

/* The flipper may write to a ring as long as it is there: embedded, the memory would be somebody else's afterwards. */
static bool round_with_flipper(struct hostile *me)
{
	bool stop = false, alright;
	pthread_t flipper;

	me->stop = &stop;
	if (pthread_create(&flipper, NULL, flip_on, me))
		return false;
	alright = hostile_round(me);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(flipper, NULL);
	hostile_pages(me);
	return alright && !hostile_ring(me);
}

static bool play(struct scene *scene, uint64_t nanoseconds)
{
	uint64_t end = now_ns() + nanoseconds;
	struct hostile *me = &scene->hostile;
	bool alright = true;
	unsigned int i;

	for (i = 0; i < NEIGHBOURS; i++)
		pthread_create(&scene->neighbour[i].thread, NULL, be_good, &scene->neighbour[i]);
	while (alright && now_ns() < end)
		alright = round_with_flipper(me);
	scene->broke = break_surely(me);
	__atomic_store_n(&scene->stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < NEIGHBOURS; i++) {
		struct neighbour *one = &scene->neighbour[i];

		pthread_join(one->thread, NULL);
		ksft_print_msg("neighbour %u: %llu deltas%s%s\n", i, (unsigned long long)one->done, one->wrong ? ", then: " : "",
			       one->wrong ?: "");
		alright &= !one->wrong && one->done;
	}
	ksft_print_msg("%llu hostile rings, %llu broken, %llu of %llu entries refused\n", (unsigned long long)me->rings,
		       (unsigned long long)me->broken, (unsigned long long)me->failed, (unsigned long long)me->taken);
	return alright;
}

static void run(bool polled, uint64_t seed, uint64_t nanoseconds)
{
	struct scene scene = {};
	bool opened = !scene_open(&scene, polled, seed);
	bool alright = opened && play(&scene, nanoseconds);

	ksft_test_result(alright, "%s: neighbours are unharmed\n", polled ? "polled" : "inline");
	ksft_test_result(alright && scene.broke, "%s: impossible indices break the ring, and say so\n",
			 polled ? "polled" : "inline");
	ksft_test_result(opened && hashes_agree(&scene), "%s: the hash agrees with the bytes\n", polled ? "polled" : "inline");
	if (opened)
		scene_close(&scene);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : rng_seed_now();
	uint64_t each = (soak_seconds() ?: 6) * SECOND / 2;

	ksft_print_header();
	ksft_set_plan(6);
	ksft_print_msg("seed %llu\n", (unsigned long long)seed);
	run(false, seed, each);
	run(true, seed, each);
	ksft_finished();
}
