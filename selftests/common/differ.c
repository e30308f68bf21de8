// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries are made to be interesting rather than uniform: mostly valid ones on live pages with bytes of few values, so that
 * deltas often change nothing; some stale, beyond the end, huge; and now and then one with a field spoilt at random, which
 * the model judges like any other.
 */
#include "differ.h"

#define PAGE_CAP	(4u << 20)	/* no page beyond this: the model's comparisons must end some day */
#define PAGES_WANTED	64u

static const unsigned int widths[MMSB_LANE_LAST] = { 1, 2, 4, 8, 1, 2, 4, 8 };

/* -------------------------------------------------------------------------------------------------- making entries */

/* Mostly of a page that lives. */
static uint64_t some_id(struct twin *twin)
{
	unsigned int tries = rng_once_in(&twin->rng, 20) ? 1 : 8;
	enum mmsb_reason reason;
	uint64_t id = 0;

	while (tries--) {
		id = twin->pool[rng_below(&twin->rng, TWIN_POOL)];
		if (model_find(&twin->model, id, &reason))
			break;
	}
	switch (rng_below(&twin->rng, 60)) {
	case 0:
		return rng_next(&twin->rng);
	case 1:
		return id + (1ull << 32);
	case 2:
		return id - (1ull << 32);
	case 3:
		return MMSB_PAGE_INDEX(id);
	case 4:
		return MMSB_PAGE_ID(1, ~0u - rng_below(&twin->rng, 3));
	}
	return id;
}

/* An id for a page to be made: few lines in many blocks, so that all shards get some and lines are used again. */
static uint64_t new_id(struct twin *twin)
{
	uint32_t index = rng_below(&twin->rng, 12) * 1024 + rng_below(&twin->rng, 5);
	uint64_t generation = twin->model.pages[index].generation;

	if (!generation || rng_once_in(&twin->rng, 20))
		generation += rng_below(&twin->rng, 3) + !generation;
	if (rng_once_in(&twin->rng, 500))
		generation = rng_next(&twin->rng);
	return MMSB_PAGE_ID(generation & 0xffffffff, index);
}

static uint32_t page_size(struct rng *rng)
{
	switch (rng_below(rng, 40)) {
	case 0:
		return 65536 + rng_below(rng, 300000);
	case 1:
		return rng_below(rng, 100);
	case 2: case 3: case 4:
		return 64 + rng_below(rng, 20000);
	}
	return rng_once_in(rng, 2) ? 64u << rng_below(rng, 5) : 64 + rng_below(rng, 700);
}

/* The pool keeps the living, as far as it can. */
static void pool_add(struct twin *twin, uint64_t id)
{
	enum mmsb_reason reason;
	unsigned int slot = 0, tries = 8;

	while (tries--) {
		slot = rng_below(&twin->rng, TWIN_POOL);
		if (!model_find(&twin->model, twin->pool[slot], &reason))
			break;
	}
	twin->pool[slot] = id;
}

static void make_create(struct twin *twin, struct mmsb_sqe *sqe)
{
	sqe->op = MMSB_OP_CREATE;
	sqe->len = page_size(&twin->rng);
	if (!twin->config.named && !rng_once_in(&twin->rng, 3))
		return;
	sqe->flags = MMSB_SQE_AT;
	sqe->page = rng_once_in(&twin->rng, 30) ? some_id(twin) : new_id(twin);
	pool_add(twin, sqe->page);
}

static uint32_t some_length(struct rng *rng, uint32_t size)
{
	uint32_t len;

	switch (rng_below(rng, 30)) {
	case 0:
		return rng_below(rng, size + 2);
	case 1:
		return rng_next(rng) >> rng_below(rng, 64);
	case 2: case 3: case 4: case 5:
		len = 1 + rng_below(rng, 5000);
		break;
	case 6: case 7: case 8: case 9:
		len = 1 + rng_below(rng, 300);
		break;
	default:
		len = 1 + rng_below(rng, 24);
	}
	return len < size ? len : size;
}

static uint64_t some_offset(struct rng *rng, uint32_t size, uint32_t len)
{
	switch (rng_below(rng, 60)) {
	case 0:
		return rng_next(rng) >> rng_below(rng, 64);
	case 1:
		return size + rng_below(rng, 3);
	}
	return len <= size ? rng_below(rng, size - len + 1) : 0;
}

/* Operand bytes: noise, bytes of few values, or what the page holds now. */
static void make_bytes(struct twin *twin, const struct model_page *page, uint64_t offset, uint8_t *to, size_t len)
{
	unsigned int kind = rng_below(&twin->rng, 5);
	size_t i;

	if (kind < 2 && page && offset <= page->size && len <= page->size - offset) {
		memcpy(to, page->bytes + offset, len);
		return;
	}
	rng_fill(&twin->rng, to, len);
	for (i = 0; kind < 4 && i < len; i++)
		to[i] &= 1;
}

static size_t make_mask(struct twin *twin, const struct mmsb_sqe *sqe, uint8_t *to)
{
	size_t bytes = ((size_t)sqe->len + 63) / 64 * 8, i, set = 0;

	rng_fill(&twin->rng, to, bytes);
	switch (rng_below(&twin->rng, 4)) {
	case 0:
		memset(to, 0, bytes);
		to[rng_below(&twin->rng, bytes + 1)] = 1;
		break;
	case 1:
		memset(to, 0xff, bytes);
	}
	for (i = 0; i < sqe->len; i++)
		set += to[i / 8] >> (i % 8) & 1;
	return bytes + (sqe->op == MMSB_OP_MASK ? sqe->len : set);
}

/* Writes the operand to `to` and returns its length, which is at most `room`; 0 if it has no place. */
static size_t make_operand(struct twin *twin, const struct mmsb_sqe *sqe, const struct model_page *page, uint8_t *to,
			   size_t room)
{
	size_t len = sqe->len, mask;

	if (room < 3 * len + 16)
		return 0;
	if (sqe->op == MMSB_OP_MASK || sqe->op == MMSB_OP_MASK_SPARSE) {
		mask = (len + 63) / 64 * 8;
		len = make_mask(twin, sqe, to);
		make_bytes(twin, page, sqe->offset, to + mask, len - mask);
		return len;
	}
	if (sqe->op == MMSB_OP_FILL || (sqe->flags & MMSB_SQE_SPLAT))
		len = widths[sqe->lane];
	make_bytes(twin, page, sqe->offset, to, len);
	if (sqe->op == MMSB_OP_CAS) {
		make_bytes(twin, NULL, 0, to + len, len);
		return 2 * len;
	}
	return len;
}

static void place_operand(struct twin *twin, uint8_t *payload, struct mmsb_sqe *sqe, const struct model_page *page)
{
	uint8_t *to = payload + twin->payload_used;
	size_t len = make_operand(twin, sqe, page, to, twin->payload_bytes - twin->payload_used);

	if (len <= MMSB_INLINE_MAX && (sqe->op == MMSB_OP_FILL || !rng_once_in(&twin->rng, 3))) {
		memcpy(sqe->operand, to, len);
		return;
	}
	sqe->flags |= MMSB_SQE_PAYLOAD;
	sqe->payload = twin->payload_used;
	twin->payload_used += (len + 7) / 8 * 8;
	if (rng_once_in(&twin->rng, 100))
		sqe->payload = rng_next(&twin->rng) >> rng_below(&twin->rng, 64);
}

static void make_delta(struct twin *twin, uint8_t *payload, struct mmsb_sqe *sqe)
{
	struct rng *rng = &twin->rng;
	enum mmsb_reason reason;
	struct model_page *page;
	uint32_t size, width = 1;

	sqe->op = MMSB_OP_SET + rng_below(rng, MMSB_OP_LAST - MMSB_OP_SET);
	sqe->page = some_id(twin);
	page = model_find(&twin->model, sqe->page, &reason);
	size = page ? page->size : 256;
	sqe->len = some_length(rng, size);
	sqe->offset = some_offset(rng, size, sqe->len);
	if (sqe->op >= MMSB_OP_FILL && sqe->op <= MMSB_OP_XOR) {
		sqe->lane = rng_below(rng, MMSB_LANE_LAST);
		width = widths[sqe->lane];
		if (sqe->op != MMSB_OP_FILL && rng_once_in(rng, 2))
			sqe->flags |= MMSB_SQE_SPLAT;
	}
	if (sqe->op == MMSB_OP_APPEND) {
		sqe->len = 1 + rng_below(rng, 40);
		width = 8;
	}
	if (!rng_once_in(rng, 30)) {
		sqe->offset -= sqe->offset % width;
		if (sqe->op != MMSB_OP_APPEND)
			sqe->len += width - 1 - (sqe->len + width - 1) % width;
	}
	place_operand(twin, payload, sqe, page);
	if (rng_once_in(rng, 8)) {
		sqe->flags |= MMSB_SQE_IF_EPOCH;
		sqe->epoch = page && !rng_once_in(rng, 3) ? page->epoch : rng_below(rng, 5);
	}
}

/* Zero cursors, or no APPEND would ever find a good one. */
static void make_cursor(struct twin *twin, struct mmsb_sqe *sqe)
{
	sqe->op = MMSB_OP_FILL;
	sqe->lane = MMSB_LANE_U64;
	sqe->len = 64;
	sqe->page = some_id(twin);
}

/* One field of the entry becomes anything. */
static void spoil(struct twin *twin, struct mmsb_sqe *sqe)
{
	struct rng *rng = &twin->rng;
	uint64_t bit = 1ull << rng_below(rng, 64);

	switch (rng_below(rng, 9)) {
	case 0:
		sqe->op = rng_once_in(rng, 3) ? rng_next(rng) : rng_below(rng, MMSB_OP_LAST);
		break;
	case 1:
		sqe->lane ^= 1u << rng_below(rng, 8);
		break;
	case 2: case 3:
		sqe->flags ^= 1u << rng_below(rng, rng_once_in(rng, 3) ? 16 : 5);
		break;
	case 4:
		sqe->len ^= 1u << rng_below(rng, 32);
		break;
	case 5:
		sqe->page ^= bit;
		break;
	case 6:
		sqe->offset ^= bit;
		break;
	case 7:
		sqe->epoch ^= bit;
		break;
	default:
		sqe->word[rng_below(rng, 3)] ^= bit;
	}
}

/* What the model cannot foresee or afford is made into a plain error. */
static void bound(struct twin *twin, struct mmsb_sqe *sqe)
{
	uint32_t index = MMSB_PAGE_INDEX(sqe->page);

	if (index >= TWIN_INDICES && index < (1u << 24))
		sqe->page |= 1u << 31;
	if (sqe->op != MMSB_OP_CREATE)
		return;
	if (sqe->len > PAGE_CAP)
		sqe->len |= MMSB_PAGE_MAX | 1;
	if (sqe->flags & MMSB_SQE_AT)
		return;
	sqe->flags &= ~MMSB_SQE_QUIET;
	if (twin->config.named && !sqe->page)
		sqe->page = 1;
}

void twin_entry(struct twin *twin, uint8_t *payload, struct mmsb_sqe *sqe)
{
	struct rng *rng = &twin->rng;
	unsigned int kind = rng_below(rng, 100);

	memset(sqe, 0, sizeof(*sqe));
	if (kind < 6 && twin->model.alive < PAGES_WANTED) {
		make_create(twin, sqe);
	} else if (kind < 9) {
		sqe->op = MMSB_OP_DESTROY;
		sqe->page = some_id(twin);
	} else if (kind < 12) {
		sqe->op = kind < 10 ? MMSB_OP_FENCE : MMSB_OP_NOP;
	} else if (kind < 16) {
		make_cursor(twin, sqe);
	} else {
		make_delta(twin, payload, sqe);
	}
	if (rng_once_in(rng, 6))
		sqe->flags |= MMSB_SQE_QUIET;
	if (rng_once_in(rng, 20))
		spoil(twin, sqe);
	bound(twin, sqe);
}

/* ------------------------------------------------------------------------------------------------------- comparing */

static void show(const char *what, const struct mmsb_sqe *sqe)
{
	printf("# %s: op %u lane %u flags %#x len %u page %#llx offset %llu epoch %llu word %#llx %#llx %#llx\n", what, sqe->op,
	       sqe->lane, sqe->flags, sqe->len, sqe->page, sqe->offset, sqe->epoch, sqe->word[0], sqe->word[1], sqe->word[2]);
}

static int compare_entry(struct twin *twin, unsigned int i, const uint8_t *payload)
{
	const struct mmsb_cqe *got = &twin->got[i];
	struct model_result want;

	want = model_apply(&twin->model, &twin->batch[i], payload, twin->payload_bytes, got->epoch);
	twin->ops++;
	twin->by_reason[want.reason]++;
	twin->refused += want.reason != 0;
	twin->unchanged += want.flags == MMSB_CQE_UNCHANGED;
	if (want.flags == MMSB_CQE_CREATED)
		pool_add(twin, want.epoch);
	if (want.silent && !twin->came[i])
		return 0;
	if (!want.silent && twin->came[i] && got->result == want.result && got->reason == want.reason &&
	    got->flags == want.flags && got->epoch == want.epoch && got->tick <= mmsb_tick(twin->space))
		return 0;
	show("they differ on", &twin->batch[i]);
	printf("# model: %s, result %d flags %u epoch %#llx\n", want.silent ? "silent" : mmsb_reason_name(want.reason), want.result,
	       want.flags, (unsigned long long)want.epoch);
	printf("# engine: %s, result %d flags %u epoch %#llx tick %llu\n", twin->came[i] ? mmsb_reason_name(got->reason) : "silent",
	       got->result, got->flags, got->epoch, got->tick);
	return -1;
}

/* A page as the library reads it against a page as the model has it. */
static int compare_page(struct twin *twin, uint64_t id, bool all_bytes)
{
	enum mmsb_reason reason;
	struct model_page *page = model_find(&twin->model, id, &reason);
	struct mmsb_page_info info;
	int ret = mmsb_page_info(twin->space, id, &info), same;
	uint64_t epoch;
	uint8_t *bytes;

	if (!page)
		return ret == model_errno(reason) ? 0 : -1;
	if (ret || info.page != id || info.epoch != page->epoch || info.length != page->size || info.kind != MMSB_KIND_SOURCE)
		return -1;
	if (!all_bytes)
		return 0;
	bytes = malloc(page->size);
	same = mmsb_read(twin->space, id, 0, bytes, page->size, &epoch) == (ssize_t)page->size && epoch == page->epoch &&
	       !memcmp(bytes, page->bytes, page->size);
	free(bytes);
	return same ? 0 : -1;
}

static int compare_touched(struct twin *twin)
{
	unsigned int i;

	for (i = 0; i < twin->n; i++) {
		enum mmsb_reason reason;
		uint64_t id = twin->batch[i].page;
		struct model_page *page = model_find(&twin->model, id, &reason);
		bool all = page && (page->size <= 4096 || rng_once_in(&twin->checks, 16));

		if (compare_page(twin, id, all)) {
			show("the page is not the model's after a batch with", &twin->batch[i]);
			return -1;
		}
	}
	return 0;
}

int twin_compare(struct twin *twin)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	struct mmsb_page_info page;
	uint64_t cursor = 0, hash[2];
	uint32_t listed = 0, i;

	for (i = 0; i < TWIN_INDICES; i++) {
		uint64_t id = MMSB_PAGE_ID(twin->model.pages[i].generation, i);

		if (twin->model.pages[i].alive && compare_page(twin, id, true)) {
			printf("# page %#llx is not the model's\n", (unsigned long long)id);
			return -1;
		}
	}
	while (!mmsb_page_next(twin->space, &cursor, &page)) {
		listed++;
		if (compare_page(twin, page.page, false))
			return -1;
	}
	if (mmsb_space_info(twin->space, &info) || info.pages != twin->model.alive || listed != twin->model.alive) {
		printf("# %u pages in the model, %u listed, %llu counted\n", twin->model.alive, listed, info.pages);
		return -1;
	}
	return twin_hash(twin, hash);
}

int twin_hash(struct twin *twin, uint64_t hash[2])
{
	uint64_t fresh[2];

	if (mmsb_hash(twin->space, 0, hash, NULL) || mmsb_hash(twin->space, MMSB_HASH_RECOMPUTE, fresh, NULL))
		return -1;
	if (hash[0] == fresh[0] && hash[1] == fresh[1])
		return 0;
	printf("# the incremental hash is not the recomputed one\n");
	return -1;
}

/* -------------------------------------------------------------------------------------------------------- batches */

#define FENCE_DATA 0xfe9cefe9ce

static int take_completions(struct twin *twin, struct mmsb_ring *ring)
{
	struct mmsb_cqe cqe;
	int ret;

	memset(twin->came, 0, sizeof(twin->came));
	for (;;) {
		ret = mmsb_wait_cqe(ring, &cqe, PATIENCE);
		if (ret) {
			printf("# waiting for completions: %s\n", mmsb_strerror_last());
			return ret;
		}
		if (cqe.user_data == FENCE_DATA)
			break;
		if (cqe.user_data >= twin->n || twin->came[cqe.user_data]) {
			printf("# a completion that nobody asked for: %#llx\n", cqe.user_data);
			return -1;
		}
		twin->came[cqe.user_data] = true;
		twin->got[cqe.user_data] = cqe;
	}
	if (mmsb_peek_cqe(ring, &cqe)) {
		printf("# a completion behind its fence: %#llx\n", cqe.user_data);
		return -1;
	}
	return 0;
}

static int submit_batch(struct twin *twin, struct mmsb_ring *ring)
{
	bool one_by_one = rng_once_in(&twin->checks, 4);
	struct mmsb_sqe *slot;
	unsigned int i;

	for (i = 0; i <= twin->n; i++) {
		slot = mmsb_get_sqe(ring);
		if (!slot)
			return -1;
		if (i < twin->n)
			*slot = twin->batch[i];
		else
			*slot = (struct mmsb_sqe){ .op = MMSB_OP_FENCE, .user_data = FENCE_DATA };
		if ((one_by_one || i == twin->n) && mmsb_submit(ring) < 0)
			return -1;
	}
	return take_completions(twin, ring);
}

int twin_batch(struct twin *twin)
{
	unsigned int which = rng_below(&twin->rng, TWIN_RINGS), i;
	uint8_t *payload = twin->payload[which];

	twin->n = rng_below(&twin->rng, rng_once_in(&twin->rng, 4) ? TWIN_SQ : 12);
	twin->payload_used = 0;
	memset(twin->got, 0, sizeof(twin->got));
	for (i = 0; i < twin->n; i++) {
		twin_entry(twin, payload, &twin->batch[i]);
		twin->batch[i].user_data = i;
	}
	if (submit_batch(twin, twin->rings[which]))
		return -1;
	for (i = 0; i < twin->n; i++) {
		if (compare_entry(twin, i, payload)) {
			printf("# entry %u of %u by ring %u, operation %llu\n", i, twin->n, which, (unsigned long long)twin->ops);
			return -1;
		}
	}
	return compare_touched(twin);
}

/* ------------------------------------------------------------------------------------------------------------ life */

int twin_open(struct twin *twin, const struct twin_config *config, uint64_t seed)
{
	uint32_t flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | (config->polled ? 0 : MMSB_SPACE_INLINE);
	unsigned int i;
	int ret;

	memset(twin, 0, sizeof(*twin));
	twin->config = *config;
	twin->rng.state = seed;
	twin->checks.state = ~seed;
	model_init(&twin->model, TWIN_INDICES);
	ret = mmsb_open(&twin->mmsb, NULL);
	if (ret)
		return ret;
	ret = mmsb_space_open(twin->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = flags, .shards = config->shards,
							  .max_pages = TWIN_INDICES, .max_bytes = 512u << 20), &twin->space);
	for (i = 0; !ret && i < TWIN_RINGS; i++) {
		ret = mmsb_ring_open(twin->space, MMSB_OPTS(struct mmsb_ring_opts, .sq_entries = TWIN_SQ, .cq_entries = 2 * TWIN_SQ,
							    .flags = config->polled ? MMSB_RING_POLLED : 0,
							    .payload_bytes = TWIN_PAYLOAD, .shard = i % config->shards + 1),
				     &twin->rings[i]);
		if (!ret)
			twin->payload[i] = mmsb_payload(twin->rings[i], &twin->payload_bytes);
	}
	if (ret)
		printf("# %s\n", mmsb_strerror_last());
	return ret;
}

/* Entries may take stray bytes of the payload area for their operand, so it is part of where a history begins. */
int twin_reset(struct twin *twin)
{
	unsigned int i;

	for (i = 0; i < TWIN_RINGS; i++)
		memset(twin->payload[i], 0, twin->payload_bytes);
	model_reset(&twin->model);
	memset(twin->pool, 0, sizeof(twin->pool));
	return mmsb_space_reset(twin->space);
}

void twin_close(struct twin *twin)
{
	unsigned int i;

	for (i = 0; i < TWIN_RINGS; i++)
		mmsb_ring_close(twin->rings[i]);
	mmsb_space_close(twin->space);
	mmsb_close(twin->mmsb);
	model_free(&twin->model);
}
