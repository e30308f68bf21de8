// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verifying a space: one with a random history is in order, whether others go on with it or not; and each thing that can be wrong is
 * seen, where it can be caused: in the embedded home, by writing over what the engine keeps. `verify --seed N` replays a failure.
 */
#include <pthread.h>
#include "kselftest.h"
#include "common/differ.h"
#include "common/seeded.h"
#include "common/verified.h"
#include "embedded.h"
#include "node.h"

static uint64_t seed;

/* ------------------------------------------------------------------------------------------------------ random histories */

static const struct twin_config configs[] = {
	{ .shards = 1 },
	{ .shards = 3, .polled = true },
	{ .shards = 1, .graph = true },
	{ .shards = 3, .graph = true, .lazy = true, .named = true },
	{ .shards = 8, .graph = true, .named = true, .polled = true },
};

static bool history_is_sound(const struct twin_config *config, uint64_t ops)
{
	static struct twin twin;
	uint32_t moved = 0;
	int ret = twin_open(&twin, config, seed);

	while (!ret && twin.ops < ops)
		ret = twin_batch(&twin);
	ret = ret || !space_is_verified_moving(twin.space, &moved) || moved || !space_is_verified(twin.space);
	ret = ret || twin_reset(&twin) || !space_is_verified(twin.space);
	twin_close(&twin);
	return !ret;
}

static void histories(uint64_t ops)
{
	unsigned int i;

	for (i = 0; i < sizeof(configs) / sizeof(*configs); i++)
		ksft_test_result(history_is_sound(&configs[i], ops), "%u shards, %s%s%s: a random history leaves all in order, and so does a reset\n",
				 configs[i].shards, configs[i].polled ? "polled" : "inline", configs[i].graph ? ", derived" : "",
				 configs[i].lazy ? ", lazy" : "");
}

/* -------------------------------------------------------------------------------------------------------- while others write */

#define CREW	3
#define HELD	24

struct crew {
	struct mmsb_space *space;
	uint32_t shards;
	pthread_t thread[CREW];
	struct rng rng[CREW];
	bool stop;
	unsigned int failed, hired;
};

/* Makes pages, changes them, derives some, and destroys all it made, again and again; what is refused for a limit does not matter. */
static void toil(struct mmsb_ring *ring, struct rng *rng, uint64_t *page)
{
	uint64_t *at = &page[rng_below(rng, HELD)], *other = &page[rng_below(rng, HELD)];
	struct mmsb_edge edge = { .parent = *other };
	struct mmsb_derive derive = { .rule = MMSB_RULE_COPY };

	if (!*at) {
		if (mmsb_create(ring, 64 + (uint32_t)rng_below(rng, rng_once_in(rng, 50) ? 200000 : 2000), at))
			*at = 0;
	} else if (rng_once_in(rng, 8)) {
		if (!mmsb_destroy_detach(ring, *at))
			*at = 0;
	} else if (rng_once_in(rng, 4) && at < other && *other) {
		mmsb_derive(ring, *at, &derive, &edge, 1, NULL);
	} else {
		mmsb_add(ring, *at, 0, (int64_t)rng_below(rng, 3), NULL);
	}
}

static void *work(void *arg)
{
	struct crew *crew = arg;
	unsigned int me = __atomic_fetch_add(&crew->hired, 1, __ATOMIC_RELAXED);
	struct mmsb_ring *ring;
	uint64_t page[HELD] = { 0 };

	if (mmsb_ring_open(crew->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = me % crew->shards + 1), &ring)) {
		__atomic_store_n(&crew->failed, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	while (!__atomic_load_n(&crew->stop, __ATOMIC_RELAXED))
		toil(ring, &crew->rng[me], page);
	mmsb_ring_close(ring);
	return NULL;
}

static bool crew_is_verified(struct mmsb_space *space, uint32_t shards, unsigned int rounds)
{
	struct crew crew = { .space = space, .shards = shards };
	uint32_t moved;
	bool good = true;
	unsigned int i;

	for (i = 0; i < CREW; i++)
		crew.rng[i].state = seed + i;
	for (i = 0; i < CREW; i++)
		good &= !pthread_create(&crew.thread[i], NULL, work, &crew);
	for (i = 0; good && i < rounds; i++)
		good = i % 4 ? space_is_verified_moving(space, &moved) : space_is_verified(space);
	__atomic_store_n(&crew.stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < CREW; i++)
		pthread_join(crew.thread[i], NULL);
	return good && !crew.failed && space_is_verified(space);
}

/* So much that it is looked at in several pieces, between which the others go on. */
static bool fill(struct mmsb_space *space)
{
	struct mmsb_ring *ring;
	uint64_t page;
	unsigned int i;
	int ret = mmsb_ring_open(space, NULL, &ring);

	for (i = 0; !ret && i < 10; i++)
		ret = mmsb_create(ring, 200000, &page) ?: mmsb_set(ring, page, i * 5000, "here", 4, NULL);
	mmsb_ring_close(ring);
	return !ret;
}

static bool moving_is_sound(uint32_t shards, uint32_t flags, unsigned int rounds)
{
	struct mmsb_space *space = NULL;
	struct mmsb *mmsb;
	bool good;

	if (mmsb_open(&mmsb, NULL))
		return false;
	good = !mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = shards, .max_pages = 1000, .max_bytes = 64 << 20,
						      .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | flags), &space);
	good = good && fill(space) && crew_is_verified(space, shards, rounds);
	if (space)
		mmsb_space_close(space);
	mmsb_close(mmsb);
	return good;
}

struct refusal {
	struct mmsb_ring *ring;
	uint64_t page;
	unsigned int pieces, when;
	int ret;
};

/* A page that is to follow itself: refused, and yet there is a block of nodes from then on, in lines that were looked at. */
static bool refuse_between(void *arg, uint64_t done, uint64_t total)
{
	struct refusal *refusal = arg;
	struct mmsb_derive derive = { .rule = MMSB_RULE_COPY };
	struct mmsb_edge edge = { .parent = refusal->page };

	if (!refusal->pieces++)
		refusal->ret = mmsb_derive(refusal->ring, refusal->page, &derive, &edge, 1, NULL);
	return done <= total;
}

static bool refusal_is_sound(void)
{
	struct mmsb_verify_args totals = { .size = sizeof(totals) };
	struct refusal refusal = { 0 };
	struct mmsb_space *space = NULL;
	struct mmsb *mmsb;
	int err;

	if (mmsb_open(&mmsb, NULL))
		return false;
	err = mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 1, .max_pages = 1000, .max_bytes = 64 << 20,
			      .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | MMSB_SPACE_INLINE), &space);
	if (!err && !fill(space))
		err = -EIO;
	err = err ?: mmsb_ring_open(space, NULL, &refusal.ring) ?: mmsb_create(refusal.ring, 64, &refusal.page);
	err = err ?: mmsb_verify(space, MMSB_OPTS(struct mmsb_verify_opts, .progress = refuse_between, .arg = &refusal), &totals);
	if (err || totals.findings || totals.moved)
		ksft_print_msg("%d, %llu findings, moved %x\n", err, (unsigned long long)totals.findings, totals.moved);
	mmsb_ring_close(refusal.ring);
	if (space)
		mmsb_space_close(space);
	mmsb_close(mmsb);
	return !err && !totals.findings && !totals.moved && refusal.pieces > 2 && refusal.ret == -ELOOP;
}

/* All lines that there are have pages, but one that is spent: so the limit lets another page through, which then finds no line. */
static int spend_lines(struct mmsb_space *space, struct mmsb_ring **ring)
{
	struct mmsb_cqe cqe = { 0 };
	uint64_t page;
	int i, err = mmsb_ring_open(space, NULL, ring);

	err = err ?: run_op(*ring, &cqe, .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = MMSB_PAGE_ID(~0u, 17), .len = 64) ?: cqe.result;
	err = err ?: mmsb_destroy(*ring, MMSB_PAGE_ID(~0u, 17));
	for (i = 1; !err && i < 1024; i++)
		err = mmsb_create(*ring, 64, &page);
	return err;
}

/* A page of a size that no page had: refused, and yet there is a slab from then on, of which no list told that was looked at. */
static bool spend_between(void *arg, uint64_t done, uint64_t total)
{
	struct refusal *refusal = arg;

	if (done == total && refusal->pieces++ == refusal->when)
		refusal->ret = mmsb_create(refusal->ring, 100u << refusal->when, &refusal->page);
	return done <= total;
}

static bool spent_line_is_sound(void)
{
	struct mmsb_verify_args totals = { .size = sizeof(totals) };
	struct refusal refusal = { 0 };
	struct mmsb_space *space = NULL;
	struct mmsb *mmsb;
	int err;

	if (mmsb_open(&mmsb, NULL))
		return false;
	err = mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 1, .max_pages = 1024,
			      .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE), &space);
	err = err ?: spend_lines(space, &refusal.ring);
	for (; !err && !totals.findings && !totals.moved && refusal.when < 5; refusal.when++) {
		refusal.pieces = 0;
		err = mmsb_verify(space, MMSB_OPTS(struct mmsb_verify_opts, .progress = spend_between, .arg = &refusal), &totals);
	}
	if (err || totals.findings || totals.moved)
		ksft_print_msg("%d, %llu findings, moved %x, before piece %u\n", err, (unsigned long long)totals.findings, totals.moved, refusal.when);
	mmsb_ring_close(refusal.ring);
	if (space)
		mmsb_space_close(space);
	mmsb_close(mmsb);
	return !err && !totals.findings && !totals.moved && refusal.ret == -EDQUOT;
}

static void moving(void)
{
	unsigned int rounds = (unsigned int)scaled(200) + 4;

	ksft_test_result(refusal_is_sound(), "a graph that was refused while it was looked at is no finding\n");
	ksft_test_result(spent_line_is_sound(), "a page that found no line while all were looked at is no finding\n");
	ksft_test_result(moving_is_sound(1, MMSB_SPACE_INLINE, rounds), "one shard: all is in order while others make, change and destroy pages\n");
	ksft_test_result(moving_is_sound(3, 0, rounds), "three shards with pollers: likewise\n");
	ksft_test_result(moving_is_sound(3, MMSB_SPACE_INLINE | MMSB_SPACE_LAZY, rounds), "three lazy shards without: likewise\n");
}

/* ------------------------------------------------------------------------------------------------------- many children */

#define MANY	110000u

static bool make_family(struct mmsb_ring *ring, unsigned int children, uint64_t *parent)
{
	struct mmsb_derive derive = { .rule = MMSB_RULE_COPY };
	struct mmsb_edge edge = { 0 };
	uint64_t page;
	unsigned int i;
	int ret = mmsb_create(ring, 64, parent);

	edge.parent = *parent;
	for (i = 0; !ret && i < children; i++)
		ret = mmsb_create(ring, 64, &page) ?: mmsb_derive(ring, page, &derive, &edge, 1, NULL);
	return !ret;
}

static void count_finding(void *arg, const struct mmsb_finding *finding)
{
	*(unsigned int *)arg += finding->kind == MMSB_FINDING_CHILD;
}

/* Of so many that the shard gives back what it was granted. */
static bool leave(struct mmsb_space *space, struct mmsb_ring *ring)
{
	uint64_t pages[400] = { 0 };
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < 400; i++)
		ret = mmsb_create(ring, 64, &pages[i]);
	for (i = 0; !ret && i < 400; i++)
		ret = mmsb_destroy(ring, pages[i]);
	return !ret && space_is_verified(space);
}

/* It takes more of the arena than one leaf tells of, and nobody ever wrote to it. */
static bool vast_is_sound(struct mmsb_space *space, struct mmsb_ring *ring)
{
	uint64_t page;

	return !mmsb_create(ring, 70u << 20, &page) && space_is_verified(space) && !mmsb_destroy(ring, page) && space_is_verified(space);
}

#define TRIPLES	700u			/* slabs of three slots, more than a piece looks at */

struct rooms {
	struct mmsb_ring *ring;
	uint64_t page[3 * TRIPLES];
	unsigned int pieces, when;	/* behind all lines; after how many nothing of it is there any more */
	int ret;
};

static int rooms_make(struct rooms *rooms)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < 3 * TRIPLES; i++)
		ret = mmsb_create(rooms->ring, 20000, &rooms->page[i]);
	for (i = 0; !ret && i < TRIPLES; i++)
		ret = mmsb_destroy(rooms->ring, rooms->page[3 * i]);
	return ret;
}

static bool rooms_go(void *arg, uint64_t done, uint64_t total)
{
	struct rooms *rooms = arg;
	unsigned int i;

	if (done < total || rooms->pieces++ != rooms->when)
		return true;
	for (i = 0; !rooms->ret && i < 3 * TRIPLES; i++)
		if (i % 3)
			rooms->ret = mmsb_destroy(rooms->ring, rooms->page[i]);
	return true;
}

/* So many slabs have room that their list is looked at in pieces; and whichever was the last before they all went, it is begun anew. */
static bool rooms_are_sound(struct mmsb_space *space, struct mmsb_ring *ring)
{
	static struct rooms rooms;
	struct mmsb_verify_args totals = { .size = sizeof(totals) };
	bool good = true;

	rooms = (struct rooms){ .ring = ring };
	for (rooms.when = 0; good && rooms.when < 6; rooms.when++) {
		rooms.pieces = 0;
		good = !rooms_make(&rooms) && space_is_verified(space) &&
		       !mmsb_verify(space, MMSB_OPTS(struct mmsb_verify_opts, .progress = rooms_go, .arg = &rooms), &totals) &&
		       !totals.findings && !totals.moved && rooms.pieces > rooms.when && !rooms.ret;
	}
	return good && space_is_verified(space);
}

/* Its list is looked at in pieces; one entry far behind in it is wrong. */
static bool last_child_is_found(struct mmsb_space *space, uint64_t parent)
{
	struct ms_node *node = ms_node_at(((struct embedded_space *)space)->instance->engine, MMSB_PAGE_INDEX(parent));
	struct ms_child *child = &node->child[node->children - 1];
	unsigned int found = 0;
	int err;

	child->edge++;
	err = mmsb_verify(space, MMSB_OPTS(struct mmsb_verify_opts, .finding = count_finding, .arg = &found), NULL);
	child->edge--;
	return !err && found == 1;
}

static void family(void)
{
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb *mmsb;
	uint64_t parent;

	if (mmsb_open(&mmsb, NULL) ||
	    mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 1, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE), &space) ||
	    mmsb_ring_open(space, NULL, &ring))
		ksft_exit_fail_msg("%s\n", mmsb_strerror_last());
	ksft_test_result(make_family(ring, (unsigned int)scaled(MANY), &parent) && space_is_verified(space) &&
			 (home_is_kernel() || last_child_is_found(space, parent)), "a page with very many children\n");
	ksft_test_result(leave(space, ring), "very many pages that come and go\n");
	ksft_test_result(rooms_are_sound(space, ring), "very many slabs that have room\n");
	ksft_test_result(vast_is_sound(space, ring), "a page of many chunks that are all empty\n");
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	mmsb_close(mmsb);
}

/* ------------------------------------------------------------------------------------------------------------- who may */

static bool stop_at_once(void *arg, uint64_t done, uint64_t total)
{
	++*(unsigned int *)arg;
	return done > total;
}

static void refusals(void)
{
	struct mmsb_verify_args totals = { .size = sizeof(totals) };
	struct mmsb_space *space, *reader;
	unsigned int calls = 0;
	struct mmsb *mmsb;
	char name[32];

	snprintf(name, sizeof(name), "verify%d", getpid());
	if (mmsb_open(&mmsb, NULL) ||
	    mmsb_space_open(mmsb, name, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE), &space) ||
	    mmsb_space_open(mmsb, name, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_READ_ONLY), &reader))
		ksft_exit_fail_msg("%s\n", mmsb_strerror_last());
	ksft_test_result(mmsb_verify(space, MMSB_OPTS(struct mmsb_verify_opts, .flags = MMSB_VERIFY_BEGIN), NULL) == -EINVAL &&
			 mmsb_verify(space, MMSB_OPTS(struct mmsb_verify_opts, .flags = 4), NULL) == -EINVAL, "flags that are not the caller's are refused\n");
	ksft_test_result(mmsb_verify(reader, NULL, NULL) < 0, "a read-only handle may not\n");
	ksft_test_result(mmsb_verify(space, MMSB_OPTS(struct mmsb_verify_opts, .progress = stop_at_once, .arg = &calls), NULL) == -ECANCELED &&
			 calls == 1 && !mmsb_verify(space, NULL, &totals) && !totals.findings && totals.done == totals.total,
			 "whoever asks can stop it, and begin again\n");
	mmsb_space_close(reader);
	mmsb_space_close(space);
	mmsb_close(mmsb);
}

/* ---------------------------------------------------------------------------------------------------------------- damage */

struct garden {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring[2];
	struct ms_space *engine;
	uint64_t odd, plain, twin, large, near, far, gone[3];
};

static int garden_make(struct garden *garden)
{
	struct mmsb_edge edge = { 0 };
	struct mmsb_derive derive = { .rule = MMSB_RULE_COPY };
	int ret, i;

	ret = mmsb_open(&garden->mmsb, NULL) ?:
	      mmsb_space_open(garden->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 2, .max_pages = 2000,
			      .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | MMSB_SPACE_INLINE), &garden->space);
	for (i = 0; !ret && i < 2; i++)
		ret = mmsb_ring_open(garden->space, MMSB_OPTS(struct mmsb_ring_opts, .shard = i + 1), &garden->ring[i]);
	for (i = 0; !ret && i < 3; i++)
		ret = mmsb_create(garden->ring[0], 64, &garden->gone[i]);
	ret = ret ?: mmsb_create(garden->ring[0], 100, &garden->odd) ?: mmsb_create(garden->ring[0], 64, &garden->plain) ?:
	      mmsb_create(garden->ring[0], 64, &garden->twin) ?: mmsb_create(garden->ring[0], 200000, &garden->large) ?:
	      mmsb_create(garden->ring[0], 64, &garden->near) ?: mmsb_create(garden->ring[1], 64, &garden->far);
	edge.parent = garden->plain;
	ret = ret ?: mmsb_add(garden->ring[0], garden->plain, 0, 5, NULL) ?: mmsb_derive(garden->ring[0], garden->near, &derive, &edge, 1, NULL);
	edge.parent = garden->near;
	ret = ret ?: mmsb_derive(garden->ring[1], garden->far, &derive, &edge, 1, NULL);
	for (i = 0; !ret && i < 3; i++)
		ret = mmsb_destroy(garden->ring[0], garden->gone[i]);
	if (!ret)
		garden->engine = ((struct embedded_space *)garden->space)->instance->engine;
	return ret;
}

static void garden_close(struct garden *garden)
{
	mmsb_ring_close(garden->ring[0]);
	mmsb_ring_close(garden->ring[1]);
	mmsb_space_close(garden->space);
	mmsb_close(garden->mmsb);
}

static struct mmsb_line *line(const struct garden *garden, uint64_t page)
{
	return ms_line_at(garden->engine, MMSB_PAGE_INDEX(page));
}

static struct ms_node *node(const struct garden *garden, uint64_t page)
{
	return ms_node_at(garden->engine, MMSB_PAGE_INDEX(page));
}

static struct ms_slab *slab(const struct garden *garden, uint64_t page)
{
	return ms_region_slot(&garden->engine->arena.region, line(garden, page)->place >> PF_CHUNK_SHIFT)->slab;
}

static struct ms_shard *home(const struct garden *garden)
{
	return garden->engine->shards[0];
}

/* What is written over what, so that it can be undone. */
struct damage {
	void *at;
	unsigned int bytes;
	uint64_t value;
};

#define OVER(field, becomes) ((struct damage){ &(field), sizeof(field), (uint64_t)(becomes) })
#define MORE(field) OVER(field, (field) + 1)

#define DAMAGES(X) \
	X(SEQUENCE, "an odd sequence", MORE(line(g, g->plain)->seq)) \
	X(LINE, "no generation", OVER(line(g, g->twin)->generation, 0)) \
	X(LINE, "a kind that there is not", OVER(line(g, g->twin)->kind, 7)) \
	X(LINE, "a small page that does not say so", OVER(line(g, g->twin)->flags, 0)) \
	X(LINE, "a size of nothing", OVER(line(g, g->twin)->size, 0)) \
	X(FREE_LINE, "an epoch without a page", MORE(line(g, g->gone[0])->epoch)) \
	X(FREE_LINE, "a parent without a page", OVER(line(g, g->gone[0])->flags, MS_LINE_LISTED | MS_LINE_PARENT)) \
	X(PLACE, "bytes between two slots", OVER(line(g, g->plain)->place, line(g, g->plain)->place + 8)) \
	X(PLACE, "bytes in a slot that was never taken", OVER(line(g, g->plain)->place, line(g, g->plain)->place | 0xffc0)) \
	X(PLACE, "bytes beyond the arena", OVER(line(g, g->plain)->place, 1ull << 50)) \
	X(PLACE, "a large page beyond the arena", OVER(line(g, g->large)->place, 1ull << 50)) \
	X(PLACE, "a large page where slabs are", OVER(line(g, g->large)->place, line(g, g->plain)->place & ~(PF_CHUNK - 1))) \
	X(SHARED_PLACE, "two pages in one slot", OVER(line(g, g->twin)->place, line(g, g->plain)->place)) \
	X(TAIL, "bytes behind the last", OVER(*((char *)ms_region_at(&g->engine->arena.region, line(g, g->odd)->place) + 101), 1)) \
	X(FREE_LIST, "the list of free lines leads to a page", OVER(line(g, g->gone[2])->link, MMSB_PAGE_INDEX(g->plain) + 1)) \
	X(FREE_LIST, "the list of free lines leads out of the directory", OVER(line(g, g->gone[2])->link, ~0u)) \
	X(LOST, "a free line on no list", OVER(line(g, g->gone[0])->flags, 0)) \
	X(PAGES, "a page too many", MORE(home(g)->lines.live)) \
	X(FREE, "the list of free lines is too short", OVER(home(g)->lines.returned, home(g)->lines.returned - 1)) \
	X(FREE, "the list of free lines is a circle", OVER(line(g, g->gone[0])->link, MMSB_PAGE_INDEX(g->gone[1]) + 1)) \
	X(GRANTED, "a page too many granted", MORE(g->engine->granted)) \
	X(GRANTED, "a page too few in hand", MORE(home(g)->lines.quota)) \
	X(SLAB, "a slot listed twice", OVER(slab(g, g->plain)->given[0], slab(g, g->plain)->given[1])) \
	X(SLAB, "a slot listed that was never taken", OVER(slab(g, g->plain)->given[0], slab(g, g->plain)->fresh)) \
	X(SLAB, "more slots listed than there are", OVER(slab(g, g->plain)->depth, 0xffff)) \
	X(SLAB, "a slab that is nowhere", OVER(slab(g, g->odd)->chunk, 1ull << 50)) \
	X(SLAB, "a slab that is not behind the one before", OVER(slab(g, g->odd)->prev, slab(g, g->plain))) \
	X(SLAB, "a slab that nobody finds", OVER(home(g)->slabs.room[slab(g, g->odd)->class], 0)) \
	X(SLOTS, "a slot too many in use", MORE(slab(g, g->plain)->used)) \
	X(CHUNK, "a slab's chunk counts as free", OVER(g->engine->arena.taken[0], 0)) \
	X(CHUNKS, "a chunk too many", MORE(g->engine->arena.used)) \
	X(CHUNKS, "a chunk taken that nobody has", OVER(g->engine->arena.taken[0], g->engine->arena.taken[0] | 1ull << 60)) \
	X(MEMORY, "memory of the graph", MORE(home(g)->graph.memory)) \
	X(MEMORY, "memory of slabs", MORE(home(g)->slabs.memory)) \
	X(KIND, "a source page that says it is derived", OVER(line(g, g->twin)->kind, MMSB_KIND_DERIVED)) \
	X(KIND, "a derived page that says it is none", OVER(line(g, g->far)->kind, MMSB_KIND_SOURCE)) \
	X(KIND, "a parent that does not say so", OVER(line(g, g->plain)->flags, MS_LINE_SMALL)) \
	X(RULE, "a parent too many that is data", MORE(node(g, g->far)->derivation->data)) \
	X(RULE, "no edges", OVER(node(g, g->far)->derivation->edges, 0)) \
	X(RULE, "flags that there are not", OVER(node(g, g->far)->derivation->flags, 0x80)) \
	X(PARENT, "a parent that does not know", OVER(node(g, g->far)->derivation->edge[0].parent, MMSB_PAGE_INDEX(g->twin))) \
	X(PARENT, "a parent that is not there", OVER(node(g, g->far)->derivation->edge[0].parent, ~0u)) \
	X(CHILD, "a child that does not know", OVER(node(g, g->near)->child[0].index, MMSB_PAGE_INDEX(g->twin))) \
	X(CHILD, "more children than there is room for", OVER(node(g, g->near)->children, ~0u)) \
	X(HEIGHT, "a page too high", MORE(node(g, g->far)->height)) \
	X(HEIGHT, "a source page with a height", MORE(node(g, g->plain)->height)) \
	X(SIGNATURE, "a page that saw another epoch", MORE(node(g, g->far)->derivation->edge[0].seen)) \
	X(SIGNATURE, "a parent with an epoch that its child did not see", MORE(line(g, g->plain)->epoch)) \
	X(DERIVED, "a derived page too many", MORE(home(g)->graph.derived)) \
	X(EDGES, "an edge too many", MORE(home(g)->graph.edges)) \
	X(FOREIGN, "an edge to others too many", MORE(home(g)->graph.foreign)) \
	X(HASH, "a hash that is another", MORE(home(g)->hash.sum[1])) \
	X(HASH, "a byte that nobody wrote", OVER(*(char *)ms_region_at(&g->engine->arena.region, line(g, g->twin)->place), 1))

#define DAMAGE_CASE(kind, what, how) case __COUNTER__ - FIRST_DAMAGE - 1: return how;
#define DAMAGE_ROW(kind, what, how) { MMSB_FINDING_##kind, what },

static const struct {
	enum mmsb_finding_kind kind;
	const char *what;
} damages[] = { DAMAGES(DAMAGE_ROW) };

enum { FIRST_DAMAGE = __COUNTER__ };

static struct damage damage_of(const struct garden *g, unsigned int number)
{
	switch (number) {
	DAMAGES(DAMAGE_CASE)
	}
	abort();
}

static void count_kind(void *arg, const struct mmsb_finding *finding)
{
	((unsigned int *)arg)[finding->kind]++;
}

static bool finds(struct garden *garden, enum mmsb_finding_kind kind, uint32_t flags)
{
	unsigned int seen[MMSB_FINDING_LAST] = { 0 }, i;
	int err = mmsb_verify(garden->space, MMSB_OPTS(struct mmsb_verify_opts, .flags = flags, .finding = count_kind, .arg = seen), NULL);

	if (!err && seen[kind])
		return true;
	for (i = 0; i < MMSB_FINDING_LAST; i++)
		if (seen[i])
			ksft_print_msg("%u of %s instead\n", seen[i], mmsb_finding_name(i));
	return false;
}

static bool damage_is_found(struct garden *garden, unsigned int number)
{
	struct damage damage = damage_of(garden, number);
	uint64_t before = 0;
	bool found;

	memcpy(&before, damage.at, damage.bytes);
	memcpy(damage.at, &damage.value, damage.bytes);
	found = finds(garden, damages[number].kind, 0) && finds(garden, damages[number].kind, MMSB_VERIFY_STILL);
	memcpy(damage.at, &before, damage.bytes);
	return found && space_is_verified(garden->space);
}

static void all_damages(void)
{
	struct garden garden = { 0 };
	bool caused[MMSB_FINDING_LAST] = { 0 }, all = true;
	unsigned int i;

	if (garden_make(&garden))
		ksft_exit_fail_msg("%s\n", mmsb_strerror_last());
	for (i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		ksft_test_result(damage_is_found(&garden, i), "%s is found: %s\n", mmsb_finding_name(damages[i].kind), damages[i].what);
		caused[damages[i].kind] = true;
	}
	for (i = 0; i < MMSB_FINDING_LAST; i++)
		all &= caused[i];
	ksft_test_result(all, "every finding that there is was caused\n");
	garden_close(&garden);
}

static void run(uint64_t ops)
{
	ksft_print_msg("--seed %llu --ops %llu\n", (unsigned long long)seed, (unsigned long long)ops);
	histories(ops);
	moving();
	family();
	refusals();
	if (home_is_kernel())
		ksft_test_result_skip("the kernel's memory is not ours to damage\n");
	else
		all_damages();
}

int main(int argc, char **argv)
{
	seeded_main(argc, argv, &seed, scaled(20000), run);
}
