// SPDX-License-Identifier: GPL-2.0-only
#include "entries.h"

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
		twin_remember(twin, want.epoch);
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

/* As it stands: mmsb_read() would have a page that is behind recomputed. */
static int read_as_it_stands(struct mmsb_space *space, uint64_t id, void *to, uint64_t *epoch)
{
	struct mmsb_view view;
	int ret;

	for (;;) {
		ret = mmsb_view_begin(space, id, &view);
		if (ret == -EAGAIN)
			continue;
		if (ret)
			return ret;
		memcpy(to, view.data, view.length);
		*epoch = view.epoch;
		if (mmsb_view_end(&view))
			return 0;
	}
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
	if (ret || info.page != id || info.epoch != page->epoch || info.length != page->size ||
	    info.kind != (page->derived ? MMSB_KIND_DERIVED : MMSB_KIND_SOURCE))
		return -1;
	if (!all_bytes)
		return 0;
	bytes = malloc(page->size);
	same = !read_as_it_stands(twin->space, id, bytes, &epoch) && epoch == page->epoch && !memcmp(bytes, page->bytes, page->size);
	free(bytes);
	return same ? 0 : -1;
}

static uint32_t node_flags(const struct model *model, const struct model_page *page)
{
	uint32_t flags = model_is_stale(page) ? MMSB_NODE_STALE : 0;

	if (page->derived && (model->lazy || (page->how.flags & MMSB_DERIVE_LAZY)))
		flags |= MMSB_NODE_LAZY;
	if (page->how.flags & MMSB_DERIVE_SATURATE)
		flags |= MMSB_NODE_SATURATE;
	return flags;
}

/* A page's place in the graph. */
static int compare_node(struct twin *twin, uint64_t id)
{
	enum mmsb_reason reason;
	struct model_page *page = model_find(&twin->model, id, &reason);
	struct mmsb_node node = { .page = 0 };
	int ret = mmsb_node(twin->space, id, &node);
	uint32_t height = model_height(&twin->model, page), children = model_children(&twin->model, id);

	if (!ret && node.page == id && node.epoch == page->epoch && node.height == height && node.parents == page->how.edges &&
	    node.children == children && node.rule == page->how.rule && node.lane == page->how.lane && node.size == page->size &&
	    node.flags == node_flags(&twin->model, page) && !memcmp(node.param, page->how.param, sizeof(node.param)))
		return 0;
	printf("# %#llx: %d; model: height %u, %u parents, %u children, rule %u, lane %u, flags %u; engine: %u, %u, %u, %u, %u, %u\n",
	       (unsigned long long)id, ret, height, page->how.edges, children, page->how.rule, page->how.lane,
	       node_flags(&twin->model, page), node.height, node.parents, node.children, node.rule, node.lane, node.flags);
	return -1;
}

static int compare_derived(struct twin *twin, bool everything)
{
	struct model *model = &twin->model;
	uint32_t i;

	for (i = 0; i < model->derived_count; i++) {
		const struct model_page *page = &model->pages[model->derived[i]];
		uint64_t id = model_id(model, page);

		if (compare_page(twin, id, everything || page->size <= 1024 || rng_once_in(&twin->checks, 16))) {
			printf("# derived page %#llx (rule %u, lane %u, height %u) is not the model's\n", (unsigned long long)id,
			       page->how.rule, page->how.lane, page->height);
			return -1;
		}
		if ((everything || rng_once_in(&twin->checks, 32)) && compare_node(twin, id))
			return -1;
	}
	return 0;
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
	return compare_derived(twin, false);
}

static int compare_counts(struct twin *twin, uint32_t listed)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	struct model *model = &twin->model;
	uint64_t edges = 0, i;

	for (i = 0; i < model->derived_count; i++)
		edges += model->pages[model->derived[i]].how.edges;
	if (mmsb_space_info(twin->space, &info))
		return -1;
	if (info.pages == model->alive && listed == model->alive && info.derived == model->derived_count && info.edges == edges &&
	    info.recomputed == model->recomputed && info.cut == model->cut && !info.suspect)
		return 0;
	printf("# %u pages in the model, %u listed, %llu counted\n", model->alive, listed, info.pages);
	printf("# derived: %u in the model, %llu counted; edges: %llu, %llu; recomputed: %llu, %llu; cut: %llu, %llu; suspect: %llu\n",
	       model->derived_count, info.derived, (unsigned long long)edges, info.edges, (unsigned long long)model->recomputed,
	       info.recomputed, (unsigned long long)model->cut, info.cut, info.suspect);
	return -1;
}

int twin_compare(struct twin *twin)
{
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
	if (!model_is_consistent(&twin->model)) {
		printf("# the model's derived pages are not what their rules make of their parents\n");
		return -1;
	}
	if (compare_derived(twin, true) || compare_counts(twin, listed))
		return -1;
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

/* A page takes its edges along when it goes, and an earlier entry for another shard's page may come behind that but for a fence. */
static bool wants_fences(const struct twin *twin, const struct mmsb_sqe *sqe)
{
	return sqe->op == MMSB_OP_DESTROY && twin_may_be_cut(&twin->config);
}

static int put_entry(struct mmsb_ring *ring, const struct mmsb_sqe *sqe)
{
	struct mmsb_sqe *slot = mmsb_get_sqe(ring);

	if (!slot)
		return -1;
	*slot = *sqe;
	return 0;
}

static int submit_batch(struct twin *twin, struct mmsb_ring *ring)
{
	bool one_by_one = rng_once_in(&twin->checks, 4) && (!twin->config.graph || twin_may_be_cut(&twin->config));
	const struct mmsb_sqe quiet = { .op = MMSB_OP_FENCE, .flags = MMSB_SQE_QUIET };
	const struct mmsb_sqe fence = { .op = MMSB_OP_FENCE, .user_data = FENCE_DATA };
	unsigned int i;

	for (i = 0; i < twin->n; i++) {
		bool fences = wants_fences(twin, &twin->batch[i]);

		if ((fences && put_entry(ring, &quiet)) || put_entry(ring, &twin->batch[i]) || (fences && put_entry(ring, &quiet)))
			return -1;
		if (one_by_one && mmsb_submit(ring) < 0)
			return -1;
	}
	if (put_entry(ring, &fence) || mmsb_submit(ring) < 0)
		return -1;
	return take_completions(twin, ring);
}

/* What one ring has applied at different shards it has applied in different ticks, and nothing that matters before another's tick. */
static void order_by_tick(struct twin *twin, unsigned int *order)
{
	unsigned int i, k;

	for (i = 0; i < twin->n; i++) {
		for (k = i; twin_may_be_cut(&twin->config) && k && twin->got[order[k - 1]].tick > twin->got[i].tick; k--)
			order[k] = order[k - 1];
		order[k] = i;
	}
}

/* All of a batch is one tick where only one shard is there to have one, and all of it is there at once. */
static int check_one_tick(struct twin *twin)
{
	uint64_t tick = 0;
	unsigned int i;

	if (!twin->config.graph || twin_may_be_cut(&twin->config))
		return 0;
	for (i = 0; i < twin->n; i++) {
		if (!twin->came[i])
			continue;
		if (tick && twin->got[i].tick != tick) {
			printf("# a batch of %u entries was cut into ticks %llu and %llu\n", twin->n, (unsigned long long)tick,
			       twin->got[i].tick);
			return -1;
		}
		tick = twin->got[i].tick;
	}
	return 0;
}

static int compare_batch(struct twin *twin, unsigned int which)
{
	bool cut = twin_may_be_cut(&twin->config);
	unsigned int order[TWIN_SQ], i;

	order_by_tick(twin, order);
	for (i = 0; i < twin->n; i++) {
		if (cut && i && twin->got[order[i]].tick != twin->got[order[i - 1]].tick)
			model_tick(&twin->model);
		if (compare_entry(twin, order[i], twin->payload[which])) {
			printf("# entry %u of %u by ring %u, operation %llu\n", order[i], twin->n, which,
			       (unsigned long long)twin->ops);
			return -1;
		}
	}
	model_tick(&twin->model);
	return check_one_tick(twin) ?: compare_touched(twin);
}

int twin_batch(struct twin *twin)
{
	unsigned int which = rng_below(&twin->rng, TWIN_RINGS), i;

	twin->n = rng_below(&twin->rng, rng_once_in(&twin->rng, 4) ? TWIN_SQ : 12);
	if (twin->config.single)
		twin->n = 1;
	twin->payload_used = 0;
	memset(twin->got, 0, sizeof(twin->got));
	for (i = 0; i < twin->n; i++) {
		twin_entry(twin, twin->payload[which], &twin->batch[i]);
		twin->batch[i].user_data = i;
	}
	return submit_batch(twin, twin->rings[which]) ?: compare_batch(twin, which);
}

/* ------------------------------------------------------------------------------------------------------------ life */

int twin_open(struct twin *twin, const struct twin_config *config, uint64_t seed)
{
	uint32_t flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | (config->polled ? 0 : MMSB_SPACE_INLINE) |
			 (config->lazy ? MMSB_SPACE_LAZY : 0);
	unsigned int i;
	int ret;

	memset(twin, 0, sizeof(*twin));
	twin->config = *config;
	twin->rng.state = seed;
	twin->checks.state = ~seed;
	model_init(&twin->model, TWIN_INDICES);
	twin->model.lazy = config->lazy;
	ret = mmsb_open(&twin->mmsb, NULL);
	if (ret)
		return ret;
	ret = mmsb_space_open(twin->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = flags, .shards = config->shards,
							  .max_pages = TWIN_INDICES, .max_bytes = 512u << 20), &twin->space);
	for (i = 0; !ret && i < TWIN_RINGS; i++) {
		ret = mmsb_ring_open(twin->space, MMSB_OPTS(struct mmsb_ring_opts, .sq_entries = 4 * TWIN_SQ, .cq_entries = 8 * TWIN_SQ,
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
