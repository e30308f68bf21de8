// SPDX-License-Identifier: GPL-2.0-only
#include "wild.h"

#define SQ		64u
#define FENCE_DATA	0xfe9cefe9ceull
#define BIG		(70u << 10)	/* more than a chunk */

/* ------------------------------------------------------------------------------------------------------------ the pool */

static void pool_pick(struct wild_hand *hand, uint64_t *id, uint32_t *size)
{
	struct wild *wild = hand->wild;
	unsigned int slot = rng_below(&hand->rng, WILD_POOL), tries = 8;

	pthread_mutex_lock(&wild->lock);
	while (!wild->pool[slot] && tries--)
		slot = rng_below(&hand->rng, WILD_POOL);
	*id = wild->pool[slot];
	*size = wild->size[slot] ?: 64;
	pthread_mutex_unlock(&wild->lock);
}

static void pool_put(struct wild_hand *hand, uint64_t id, uint32_t size)
{
	struct wild *wild = hand->wild;
	unsigned int slot = rng_below(&hand->rng, WILD_POOL), tries = 4;

	pthread_mutex_lock(&wild->lock);
	while (wild->pool[slot] && tries--)
		slot = rng_below(&hand->rng, WILD_POOL);
	wild->pool[slot] = id;
	wild->size[slot] = size;
	pthread_mutex_unlock(&wild->lock);
}

static void pool_drop(struct wild *wild, uint64_t id)
{
	unsigned int i;

	pthread_mutex_lock(&wild->lock);
	for (i = 0; i < WILD_POOL; i++)
		if (wild->pool[i] == id)
			wild->pool[i] = 0;
	pthread_mutex_unlock(&wild->lock);
}

/* --------------------------------------------------------------------------------------------------------------- entries */

static void make_create(struct wild_hand *hand, struct mmsb_sqe *sqe)
{
	struct rng *rng = &hand->rng;

	sqe->op = MMSB_OP_CREATE;
	sqe->len = rng_once_in(rng, 60) ? BIG + rng_below(rng, 80000) : rng_once_in(rng, 3) ? 64 + rng_below(rng, 900) : 64;
	if (rng_once_in(rng, 2))
		return;
	sqe->flags = MMSB_SQE_AT;
	sqe->page = MMSB_PAGE_ID(1 + rng_below(rng, 4), rng_below(rng, hand->wild->config.shards * 3) * 1024 + rng_below(rng, 16));
}

/* Takes room for an operand; NULL if there is none. */
static void *operand_room(struct wild_hand *hand, struct mmsb_sqe *sqe, size_t bytes)
{
	void *to = hand->payload + hand->payload_used;

	if (bytes > WILD_PAYLOAD - hand->payload_used)
		return NULL;
	sqe->flags |= MMSB_SQE_PAYLOAD;
	sqe->payload = hand->payload_used;
	hand->payload_used += (bytes + 7) / 8 * 8;
	return to;
}

static uint8_t some_lane(struct rng *rng, uint32_t rule)
{
	if (rule <= MMSB_RULE_CONCAT || rule == MMSB_RULE_HASH)
		return 0;
	return rng_below(rng, rule == MMSB_RULE_OR_AND || rule == MMSB_RULE_XOR_AND || rule == MMSB_RULE_MEAN ? MMSB_LANE_LAST :
			 MMSB_RULE_LANE_LAST);
}

static void make_edge(struct wild_hand *hand, struct mmsb_edge *edge, uint32_t rule, uint8_t lane)
{
	struct rng *rng = &hand->rng;
	double small = (double)rng_below(rng, 8) - 3;
	uint32_t size;

	memset(edge, 0, sizeof(*edge));
	pool_pick(hand, (uint64_t *)&edge->parent, &size);
	if (rule == MMSB_RULE_NONE || rng_once_in(rng, 20))
		edge->type = MMSB_EDGE_CONTROL;
	else if (rng_once_in(rng, 20))
		edge->type = MMSB_EDGE_OFFLOAD;
	if (rule < MMSB_RULE_ADD_MUL || rule > MMSB_RULE_XOR_AND || edge->type == MMSB_EDGE_CONTROL)
		return;
	if (lane >= MMSB_LANE_F32)
		memcpy(&edge->weight, &small, sizeof(small));
	else
		edge->weight = rng_below(rng, 4);
}

static void make_derive(struct wild_hand *hand, struct mmsb_sqe *sqe)
{
	struct rng *rng = &hand->rng;
	uint32_t rule = rng_below(rng, MMSB_RULE_LAST);
	bool single = rule == MMSB_RULE_COPY || rule == MMSB_RULE_SLICE;
	unsigned int n = single ? 1 : rng_once_in(rng, 30) ? 20 + rng_below(rng, 30) : 1 + rng_below(rng, 5), i;
	struct mmsb_derive *derive;
	struct mmsb_edge *edges;

	mmsb_prep_derive(sqe, sqe->page, n);
	derive = operand_room(hand, sqe, sqe->len);
	if (!derive)
		return;
	*derive = (struct mmsb_derive){ .rule = rule, .edges = n, .lane = some_lane(rng, rule) };
	if (rule >= MMSB_RULE_ADD_MUL && rule <= MMSB_RULE_MAX_ADD && derive->lane < MMSB_LANE_F32 && rng_once_in(rng, 3))
		derive->flags |= MMSB_DERIVE_SATURATE;
	if (rng_once_in(rng, 4))
		derive->flags |= MMSB_DERIVE_LAZY;
	if (rule == MMSB_RULE_SLICE) {
		derive->param[0] = rng_below(rng, 100);
		derive->param[1] = rng_below(rng, 100);
	}
	edges = (struct mmsb_edge *)(derive + 1);
	for (i = 0; i < n; i++)
		make_edge(hand, &edges[i], rule, derive->lane);
}

static void make_graph(struct wild_hand *hand, struct mmsb_sqe *sqe)
{
	struct mmsb_edge edge;
	uint64_t parent;
	uint32_t size;

	switch (rng_below(&hand->rng, 10)) {
	case 0:
		mmsb_prep_underive(sqe, sqe->page);
		break;
	case 1:
		make_edge(hand, &edge, MMSB_RULE_SUM, 0);
		mmsb_prep_link(sqe, sqe->page, &edge, 1);
		break;
	case 2:
		pool_pick(hand, &parent, &size);
		mmsb_prep_unlink(sqe, sqe->page, &parent, 1);
		break;
	case 3: case 4:
		mmsb_prep_refresh(sqe, sqe->page);
		break;
	default:
		make_derive(hand, sqe);
	}
}

static size_t operand_bytes(const struct mmsb_sqe *sqe, uint32_t width)
{
	size_t mask = ((size_t)sqe->len + 63) / 64 * 8;

	switch (sqe->op) {
	case MMSB_OP_MASK: case MMSB_OP_MASK_SPARSE:
		return mask + sqe->len;
	case MMSB_OP_CAS:
		return 2ul * sqe->len;
	case MMSB_OP_FILL:
		return width;
	default:
		return sqe->flags & MMSB_SQE_SPLAT ? width : sqe->len;
	}
}

/* Bytes of few values, so that now and then nothing changes, and what is compared is equal. */
static void make_bytes(struct rng *rng, uint8_t *to, size_t bytes)
{
	uint8_t mask = rng_once_in(rng, 2) ? 1 : 0xff;
	size_t i;

	rng_fill(rng, to, bytes);
	for (i = 0; i < bytes; i++)
		to[i] &= mask;
}

static void place_operand(struct wild_hand *hand, struct mmsb_sqe *sqe, uint32_t width)
{
	size_t bytes = operand_bytes(sqe, width);
	bool fits = bytes <= MMSB_INLINE_MAX && !rng_once_in(&hand->rng, 4);
	uint8_t *to = fits ? sqe->operand : operand_room(hand, sqe, bytes);

	if (!to)
		return;		/* it will be refused */
	make_bytes(&hand->rng, to, bytes);
}

static void make_delta(struct wild_hand *hand, struct mmsb_sqe *sqe, uint32_t size)
{
	struct rng *rng = &hand->rng;
	uint32_t width = 1;

	sqe->op = MMSB_OP_SET + rng_below(rng, MMSB_OP_APPEND - MMSB_OP_SET + 1);
	sqe->len = 1 + rng_below(rng, rng_once_in(rng, 20) ? 3000 : 16);
	if (sqe->op >= MMSB_OP_FILL && sqe->op <= MMSB_OP_XOR) {
		sqe->lane = rng_below(rng, MMSB_LANE_LAST);
		width = 1u << (sqe->lane & 3);
		if (sqe->op != MMSB_OP_FILL && rng_once_in(rng, 2))
			sqe->flags |= MMSB_SQE_SPLAT;
	}
	sqe->len = (sqe->len + width - 1) / width * width;
	if (sqe->len > size)
		sqe->len = size / width * width;
	sqe->offset = sqe->op == MMSB_OP_APPEND ? 0 : rng_below(rng, size - sqe->len + 1) / width * width;
	place_operand(hand, sqe, width);
	if (rng_once_in(rng, 12)) {
		sqe->flags |= MMSB_SQE_IF_EPOCH;
		sqe->epoch = rng_below(rng, 12);
	}
}

static void make_entry(struct wild_hand *hand, struct mmsb_sqe *sqe)
{
	struct rng *rng = &hand->rng;
	unsigned int kind = rng_below(rng, 100);
	uint32_t size;

	memset(sqe, 0, sizeof(*sqe));
	pool_pick(hand, (uint64_t *)&sqe->page, &size);
	if (kind < 8) {
		sqe->page = 0;
		make_create(hand, sqe);
	} else if (kind < 11) {
		sqe->op = MMSB_OP_DESTROY;
		sqe->flags = rng_once_in(rng, 2) ? MMSB_SQE_DETACH : 0;
	} else if (kind < 13) {
		sqe->page = 0;
		sqe->op = kind & 1 ? MMSB_OP_NOP : MMSB_OP_FENCE;
	} else if (kind < 15) {
		mmsb_prep_fill(sqe, sqe->page, 0, 8, MMSB_LANE_U64, 0);		/* a cursor */
	} else if (kind < 40) {
		make_graph(hand, sqe);
	} else {
		make_delta(hand, sqe, size);
	}
	if (sqe->op != MMSB_OP_CREATE && rng_once_in(rng, 8))
		sqe->flags |= MMSB_SQE_QUIET;
}

/* ------------------------------------------------------------------------------------------------------------- batches */

static void took(struct wild_hand *hand, const struct mmsb_sqe *sqe, const struct mmsb_cqe *cqe)
{
	if (cqe->result) {
		hand->refused++;
		if (cqe->reason == MMSB_REASON_STALE_PAGE || cqe->reason == MMSB_REASON_NO_PAGE)
			pool_drop(hand->wild, sqe->page);
		return;
	}
	hand->changed += sqe->op > MMSB_OP_FENCE && !(cqe->flags & MMSB_CQE_UNCHANGED);
	if (cqe->flags & MMSB_CQE_CREATED)
		pool_put(hand, cqe->epoch, sqe->len);
	if (sqe->op == MMSB_OP_DESTROY)
		pool_drop(hand->wild, sqe->page);
}

static int reap_batch(struct wild_hand *hand, const struct mmsb_sqe *batch, unsigned int n)
{
	struct mmsb_cqe cqe;

	for (;;) {
		if (mmsb_wait_cqe(hand->ring, &cqe, PATIENCE)) {
			printf("# waiting for completions: %s\n", mmsb_strerror_last());
			return -1;
		}
		if (cqe.user_data == FENCE_DATA)
			return 0;
		if (cqe.user_data >= n)
			return -1;
		took(hand, &batch[cqe.user_data], &cqe);
	}
}

int wild_batch(struct wild_hand *hand)
{
	unsigned int n = 1 + rng_below(&hand->rng, rng_once_in(&hand->rng, 4) ? SQ - 2 : 10), i;
	struct mmsb_sqe batch[SQ], *slot;

	hand->payload_used = 0;
	for (i = 0; i < n; i++) {
		make_entry(hand, &batch[i]);
		batch[i].user_data = i;
	}
	for (i = 0; i <= n; i++) {
		slot = mmsb_get_sqe(hand->ring);
		if (!slot)
			return -1;
		*slot = i < n ? batch[i] : (struct mmsb_sqe){ .op = MMSB_OP_FENCE, .user_data = FENCE_DATA };
	}
	hand->ops += n;
	if (mmsb_submit(hand->ring) < 0)
		return -1;
	return reap_batch(hand, batch, n);
}

int wild_run(struct wild *wild, uint64_t ops)
{
	uint64_t end = wild->hand[0].ops + ops / WILD_HANDS + 1;

	while (wild->hand[0].ops < end)
		if (wild_batch(&wild->hand[0]) || wild_batch(&wild->hand[1]) || wild_batch(&wild->hand[2]))
			return -1;
	return 0;
}

static void *hand_thread(void *arg)
{
	struct wild_hand *hand = arg;
	int ret = 0;

	while (!ret && hand->ops < hand->end)
		ret = wild_batch(hand);
	return (void *)(long)ret;
}

int wild_run_threads(struct wild *wild, uint64_t ops)
{
	pthread_t thread[WILD_HANDS];
	void *ret;
	int i, bad = 0;

	for (i = 0; i < WILD_HANDS; i++) {
		wild->hand[i].end = wild->hand[i].ops + ops / WILD_HANDS + 1;
		pthread_create(&thread[i], NULL, hand_thread, &wild->hand[i]);
	}
	for (i = 0; i < WILD_HANDS; i++) {
		pthread_join(thread[i], &ret);
		bad |= ret != NULL;
	}
	return bad ? -1 : 0;
}

void wild_forget(struct wild *wild)
{
	memset(wild->pool, 0, sizeof(wild->pool));
	memset(wild->size, 0, sizeof(wild->size));
}

/* --------------------------------------------------------------------------------------------------------------- life */

int wild_space(struct mmsb *mmsb, const struct wild_config *config, uint64_t max_pages, struct mmsb_space **space)
{
	uint32_t flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | (config->polled ? 0 : MMSB_SPACE_INLINE) |
			 (config->lazy ? MMSB_SPACE_LAZY : 0);

	return mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = flags, .shards = config->shards,
						     .max_pages = max_pages, .max_bytes = 256u << 20), space);
}

static int hand_open(struct wild *wild, unsigned int i, uint64_t seed)
{
	struct wild_hand *hand = &wild->hand[i];
	size_t bytes;
	int ret;

	hand->wild = wild;
	hand->rng.state = seed + i * 0x123456789ull;
	ret = mmsb_ring_open(wild->space, MMSB_OPTS(struct mmsb_ring_opts, .sq_entries = SQ, .cq_entries = 2 * SQ,
						    .flags = wild->config.polled ? MMSB_RING_POLLED : 0,
						    .payload_bytes = WILD_PAYLOAD, .source = i + 1,
						    .shard = i % wild->config.shards + 1), &hand->ring);
	if (!ret)
		hand->payload = mmsb_payload(hand->ring, &bytes);
	return ret;
}

int wild_open(struct wild *wild, const char *home, const struct wild_config *config, uint64_t seed)
{
	unsigned int i;
	int ret;

	memset(wild, 0, sizeof(*wild));
	wild->config = *config;
	pthread_mutex_init(&wild->lock, NULL);
	ret = mmsb_open(&wild->mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = home));
	if (!ret)
		ret = wild_space(wild->mmsb, config, WILD_PAGES, &wild->space);
	for (i = 0; !ret && i < WILD_HANDS; i++)
		ret = hand_open(wild, i, seed);
	if (ret)
		printf("# %s\n", mmsb_strerror_last());
	return ret;
}

void wild_close(struct wild *wild)
{
	unsigned int i;

	for (i = 0; i < WILD_HANDS; i++)
		mmsb_ring_close(wild->hand[i].ring);
	mmsb_space_close(wild->space);
	mmsb_close(wild->mmsb);
	pthread_mutex_destroy(&wild->lock);
}

/* ------------------------------------------------------------------------------------------------------------ comparing */

static int say(uint64_t page, const char *what)
{
	printf("# page %u.%u: the two spaces differ in its %s\n", MMSB_PAGE_INDEX(page), MMSB_PAGE_GENERATION(page), what);
	return -1;
}

/* In place: reading would bring a page that is behind up to date. */
static int compare_bytes(struct mmsb_space *one, struct mmsb_space *other, uint64_t page)
{
	struct mmsb_view a, b;

	if (mmsb_view_begin(one, page, &a) || mmsb_view_begin(other, page, &b) || a.length != b.length ||
	    memcmp(a.data, b.data, a.length) || !mmsb_view_end(&a) || !mmsb_view_end(&b))
		return say(page, "bytes");
	return 0;
}

static int compare_node(struct mmsb_space *one, struct mmsb_space *other, uint64_t page)
{
	struct mmsb_edge edges[2][64];
	struct mmsb_node a, b;
	int n;

	if (mmsb_node(one, page, &a) || mmsb_node(other, page, &b)) {
		printf("# %s\n", mmsb_strerror_last());
		return -1;
	}
	if (memcmp(a.signature, b.signature, sizeof(a.signature)))
		return say(page, "signature");
	if (a.height != b.height)
		return say(page, "height");
	if (memcmp(&a, &b, sizeof(a)))
		return say(page, "node");
	n = mmsb_parents(one, page, 0, edges[0], 64);
	if (n < 0 || n != mmsb_parents(other, page, 0, edges[1], 64) || memcmp(edges[0], edges[1], (size_t)n * sizeof(edges[0][0])))
		return say(page, "parents");
	return 0;
}

static int compare_page(struct mmsb_space *one, struct mmsb_space *other, const struct mmsb_page_info *a, const struct mmsb_page_info *b)
{
	if (a->page != b->page)
		return say(a->page < b->page ? a->page : b->page, "being there");
	if (a->epoch != b->epoch)
		return say(a->page, "epoch");
	if (a->tick != b->tick)
		return say(a->page, "tick");
	if (a->length != b->length || a->kind != b->kind || a->flags != b->flags)
		return say(a->page, "size, kind or flags");
	return compare_bytes(one, other, a->page) || compare_node(one, other, a->page) ? -1 : 0;
}

static int compare_hash(struct mmsb_space *one, struct mmsb_space *other)
{
	uint64_t hash[3][2];

	if (mmsb_hash(one, 0, hash[0], NULL) || mmsb_hash(other, 0, hash[1], NULL) ||
	    mmsb_hash(other, MMSB_HASH_RECOMPUTE, hash[2], NULL)) {
		printf("# %s\n", mmsb_strerror_last());
		return -1;
	}
	if (!memcmp(hash[0], hash[1], sizeof(hash[0])) && !memcmp(hash[0], hash[2], sizeof(hash[0])))
		return 0;
	printf("# the two spaces differ in their hash\n");
	return -1;
}

int wild_compare(struct mmsb_space *one, struct mmsb_space *other)
{
	uint64_t at = 0, to = 0;
	struct mmsb_page_info a, b;

	for (;;) {
		int end = mmsb_page_next(one, &at, &a), end_too = mmsb_page_next(other, &to, &b);

		if (end != end_too) {
			printf("# one space has more pages than the other\n");
			return -1;
		}
		if (end)
			break;
		if (compare_page(one, other, &a, &b))
			return -1;
	}
	return compare_hash(one, other);
}
