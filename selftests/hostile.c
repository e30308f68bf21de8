// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client that writes anything anywhere it can: indices, entries and payload of its own ring, while the engine reads them, and calls
 * ENTER in between; derivations that are nearly right; and what an event ring gives it to write. Beside it, on the same shard, on another shard of the same space, and in another space, neighbours work whose
 * every result is checked. What may come of it: the hostile ring is broken, or its garbage is refused. What may not: a
 * neighbour sees a wrong byte, a wrong completion or a standstill; a page of theirs changes that nobody hostile was given the id of; the hash no
 * longer agrees with the bytes; the graph is one that no client could have asked for; a good listener misses something.
 *
 * The hostile client knows the ids of its own pages only, and those of the neighbours have generations that it does not guess.
 */
#include <pthread.h>
#include "kselftest.h"
#include "common/home.h"
#include "common/nearly.h"
#include "common/sound.h"
#include "events.h"
#include "ring.h"		/* the library's own: garbage goes past its checks */

#define SHARDS		2
#define NEIGHBOURS	3
#define SQ		64u
#define PAYLOAD		65536u
#define OWN		8u			/* pages of its own, half of them in either shard */
#define NEARLY		(NEARLY_BYTES / 4096 * 4096 + 4096)	/* of the payload area, kept from the flood of bytes */
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

/* --------------------------------------------------------------------------------------------------- the good listener */

/* Follows one neighbour's page, of which each delta is a tick of its own: it hears of each in order, or that it was lost. */
struct listener {
	struct mmsb_events *events;
	uint64_t page, epoch, heard, lost;
	const bool *stop;
	const char *wrong;
	pthread_t thread;
};

static void hear(struct listener *me, const struct mmsb_event *event)
{
	if (event->what == MMSB_EVENT_LOST) {
		me->lost += event->epoch;
		return;
	}
	me->heard++;
	if (event->what != MMSB_EVENT_CHANGED || event->page != me->page || event->kind != MMSB_KIND_SOURCE)
		me->wrong = "an event that was not asked for";
	else if (event->epoch <= me->epoch)
		me->wrong = "an epoch is told twice, or behind a later one";
	else
		me->epoch = event->epoch;
}

static void *listen_on(void *arg)
{
	struct listener *me = arg;
	struct mmsb_event event;
	bool last = false;
	int ret = 0;

	while (!me->wrong && !(last && ret)) {
		last = __atomic_load_n(me->stop, __ATOMIC_ACQUIRE);
		ret = mmsb_events_next(me->events, &event, 10000000);
		if (!ret)
			hear(me, &event);
		else if (ret != -ETIME)
			me->wrong = mmsb_strerror_last();
	}
	return NULL;
}

/* ----------------------------------------------------------------------------------------------------- the hostile one */

struct hostile {
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint8_t *area;			/* the client area: indices, entries, payload */
	uint8_t *payload;
	size_t bytes;
	uint64_t page[OWN];
	struct nearly nearly;
	struct mmsb_events *events;
	uint32_t flags;
	struct rng rng;
	uint64_t rings, broken, taken, failed, listened;
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
	me->nearly = (struct nearly){ .page = me->page, .pages = OWN, .payload = me->payload };
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
	if (rng_once_in(rng, 3)) {
		nearly_entry(&me->nearly, rng, sqe);
		return;
	}
	sqe->op = rng_below(rng, MMSB_OP_LAST + 1);
	if (sqe->op == MMSB_OP_DESTROY && !rng_once_in(rng, 64))
		sqe->op = MMSB_OP_CAS;
	sqe->lane = sqe->op >= MMSB_OP_FILL && sqe->op <= MMSB_OP_XOR ? rng_below(rng, MMSB_LANE_LAST) : 0;
	sqe->flags = rng_next(rng) & MMSB_SQE_KNOWN & rng_next(rng);
	sqe->len = rng_next(rng) >> (rng_once_in(rng, 8) ? rng_below(rng, 64) : 50);
	sqe->page = sqe->op > MMSB_OP_CREATE ? me->page[rng_below(rng, OWN)] : 0;
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

/* --------------------------------------------------------------------------------------------------- the hostile listener */

#define EVENTS_ENTRIES	16u
#define EVENTS_PAGES	64u

static bool events_are_broken(const struct mmsb_events *events)
{
	return __atomic_load_n(&events->engine->flags, __ATOMIC_ACQUIRE) & MMSB_EVENTS_BROKEN;
}

static void hostile_head(struct hostile *me)
{
	struct mmsb_events *events = me->events;
	struct rng *rng = &me->rng;
	uint32_t tail = __atomic_load_n(&events->engine->tail, __ATOMIC_ACQUIRE), head = tail - rng_below(rng, EVENTS_ENTRIES + 1);

	if (rng_once_in(rng, 64))
		head = rng_once_in(rng, 2) ? rng_next(rng) : tail + 1 + rng_below(rng, 4);
	__atomic_store_n(&events->client->head, head, __ATOMIC_RELEASE);
}

/* Ids, while they are read, and filters of any sort. */
static bool hostile_filter(struct hostile *me)
{
	struct mmsb_events_filter_args args = { .size = sizeof(args), .what = MMSB_EVENTS_KNOWN, .kinds = MMSB_EVENTS_KINDS };
	struct rng *rng = &me->rng;
	bool impossible;

	rng_fill(rng, me->events->ids, EVENTS_PAGES * sizeof(uint64_t));
	if (rng_once_in(rng, 2))
		me->events->ids[rng_below(rng, EVENTS_PAGES)] = me->page[rng_below(rng, OWN)];
	args.pages = rng_below(rng, EVENTS_PAGES + 1);
	if (rng_once_in(rng, 3))
		args.pages = rng_next(rng) >> rng_below(rng, 32);
	if (rng_once_in(rng, 3))
		args.what = rng_next(rng) >> rng_below(rng, 32);
	if (rng_once_in(rng, 3))
		args.kinds = rng_next(rng) >> rng_below(rng, 32);
	impossible = args.pages > EVENTS_PAGES || args.what & ~MMSB_EVENTS_KNOWN || args.kinds & ~MMSB_EVENTS_KINDS;
	return impossible == (me->events->home->events_filter(me->events, &args) != 0);
}

static bool hostile_events(struct hostile *me)
{
	int ret;

	if (!me->events && mmsb_events_open(me->space, MMSB_OPTS(struct mmsb_events_opts, .entries = EVENTS_ENTRIES,
								 .max_pages = EVENTS_PAGES), &me->events))
		return false;
	hostile_head(me);
	if (rng_once_in(&me->rng, 8) && !hostile_filter(me))
		return false;
	me->listened++;
	if (!events_are_broken(me->events))
		return true;
	ret = me->events->home->events_wait(me->events, 0);
	mmsb_events_close(me->events);
	me->events = NULL;
	return ret == -EPIPE;
}

/* ------------------------------------------------------------------------------------------------------------- rounds */

/* A second thread turns the payload and the entries over while they are being applied. */
static void *flip_on(void *arg)
{
	struct hostile *me = arg;
	struct rng rng = { .state = ~me->rng.state };
	uint8_t *from = me->area + MMSB_RING_HEADER;

	while (!__atomic_load_n(me->stop, __ATOMIC_RELAXED)) {
		if (rng_once_in(&rng, 4))
			__atomic_store_n(from + rng_below(&rng, SQ * 64 + 4096), (uint8_t)rng_next(&rng), __ATOMIC_RELAXED);
		else
			nearly_race(&me->nearly, &rng);
	}
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
			rng_fill(rng, me->payload + NEARLY + rng_below(rng, PAYLOAD - NEARLY - 4096), 4096);
		hostile_indices(me);
		if (!rng_once_in(rng, 3))
			hostile_enter(me);
		if (!hostile_events(me))
			return false;
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

static unsigned int shard_of(unsigned int page)
{
	return page / (OWN / SHARDS);
}

/* What it destroyed of its own it makes again. */
static void hostile_pages(struct hostile *me)
{
	struct mmsb_page_info info;
	unsigned int i;

	for (i = 0; i < OWN; i++) {
		if (!mmsb_page_info(me->space, me->page[i], &info))
			continue;
		me->page[i] += 1ull << 32;
		make_page(me->space, shard_of(i), me->page[i], 64 + rng_below(&me->rng, 9000));
	}
}

/* ------------------------------------------------------------------------------------------------------------- scenes */

struct scene {
	struct mmsb *mmsb;
	struct mmsb_space *space[2];
	struct neighbour neighbour[NEIGHBOURS];
	struct listener listener;
	struct hostile hostile;
	bool stop, still, broke;	/* still: the neighbours have ended, too */
};

static int scene_open(struct scene *scene, bool polled, uint64_t seed)
{
	uint32_t flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | (polled ? 0 : MMSB_SPACE_INLINE) | (seed & 1 ? MMSB_SPACE_TIMING : 0);
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
	for (i = 0; !ret && i < OWN; i++) {
		scene->hostile.page[i] = MMSB_PAGE_ID(1, 1024 * shard_of(i) + i);
		ret = make_page(scene->space[0], shard_of(i), scene->hostile.page[i], i % 4 ? 64 + 8 * i : 4000);
	}
	scene->listener = (struct listener){ .page = scene->neighbour[0].page, .stop = &scene->still };
	if (!ret)
		ret = mmsb_events_open(scene->space[0], MMSB_OPTS(struct mmsb_events_opts, .pages = &scene->listener.page, .n = 1),
				       &scene->listener.events);
	return ret ?: hostile_ring(&scene->hostile);
}

static void scene_close(struct scene *scene)
{
	unsigned int i;

	mmsb_ring_close(scene->hostile.ring);
	mmsb_events_close(scene->hostile.events);
	mmsb_events_close(scene->listener.events);
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

/* What is nearly right is sometimes right. */
static bool derived_any(struct scene *scene)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	int ret = mmsb_space_info(scene->space[0], &info);

	ksft_print_msg("%llu derived pages, %llu edges, %llu recomputed\n", (unsigned long long)info.derived,
		       (unsigned long long)info.edges, (unsigned long long)info.recomputed);
	return !ret && info.recomputed;
}

/*
 * Nobody but the hostile ring touches the graph, which is at rest once that is closed. The flipper may write to a ring as long as it is there: embedded, the
 * memory would be somebody else's afterwards.
 */
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
	return alright && !hostile_ring(me) && graph_is_sound(me->space);
}

/* Joins the listener, who has to have heard of each change, or of its loss. */
static bool listener_was_served(struct scene *scene)
{
	struct listener *me = &scene->listener;

	__atomic_store_n(&scene->still, true, __ATOMIC_RELEASE);
	pthread_join(me->thread, NULL);
	if (!me->wrong && me->heard + me->lost != scene->neighbour[0].done)
		me->wrong = "not each change was told once, or counted as lost";
	ksft_print_msg("a listener: %llu events, %llu lost%s%s\n", (unsigned long long)me->heard, (unsigned long long)me->lost,
		       me->wrong ? ", then: " : "", me->wrong ?: "");
	return !me->wrong && me->heard;
}

/* Likewise a head beyond the tail, once there is something to tell; whose page it is is no matter. */
static bool break_events_surely(struct hostile *me)
{
	uint64_t end = now_ns() + PATIENCE;
	struct mmsb_ring *ring = NULL;
	int ret = -EIO;

	mmsb_events_close(me->events);
	me->events = NULL;
	if (mmsb_events_open(me->space, NULL, &me->events) || mmsb_ring_open(me->space, NULL, &ring))
		return false;
	__atomic_store_n(&me->events->client->head, 0x80000000u, __ATOMIC_RELEASE);
	while (!events_are_broken(me->events) && now_ns() < end && !mmsb_create(ring, 64, &(uint64_t){ 0 }))
		;
	mmsb_ring_close(ring);
	if (events_are_broken(me->events))
		ret = me->events->home->events_wait(me->events, 0);
	return ret == -EPIPE && me->events->engine->reason == MMSB_REASON_EVENTS_HEAD;
}

static bool play(struct scene *scene, uint64_t nanoseconds)
{
	uint64_t end = now_ns() + nanoseconds;
	struct hostile *me = &scene->hostile;
	bool alright = true;
	unsigned int i;

	pthread_create(&scene->listener.thread, NULL, listen_on, &scene->listener);
	for (i = 0; i < NEIGHBOURS; i++)
		pthread_create(&scene->neighbour[i].thread, NULL, be_good, &scene->neighbour[i]);
	while (alright && now_ns() < end)
		alright = round_with_flipper(me);
	scene->broke = break_surely(me) && break_events_surely(me);
	__atomic_store_n(&scene->stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < NEIGHBOURS; i++) {
		struct neighbour *one = &scene->neighbour[i];

		pthread_join(one->thread, NULL);
		ksft_print_msg("neighbour %u: %llu deltas%s%s\n", i, (unsigned long long)one->done, one->wrong ? ", then: " : "",
			       one->wrong ?: "");
		alright &= !one->wrong && one->done;
	}
	alright &= listener_was_served(scene);
	ksft_print_msg("%llu hostile rings, %llu broken, %llu of %llu entries refused; %llu looks at events\n", (unsigned long long)me->rings,
		       (unsigned long long)me->broken, (unsigned long long)me->failed, (unsigned long long)me->taken,
		       (unsigned long long)me->listened);
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
	ksft_test_result(opened && graph_is_sound(scene.space[0]) && derived_any(&scene), "%s: the graph is sound\n",
			 polled ? "polled" : "inline");
	if (opened)
		scene_close(&scene);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : rng_seed();
	uint64_t each = (soak_seconds() ?: 6) * SECOND / 2;

	ksft_print_header();
	ksft_set_plan(8);
	ksft_print_msg("seed %llu\n", (unsigned long long)seed);
	run(false, seed, each);
	run(true, seed, each);
	ksft_finished();
}
