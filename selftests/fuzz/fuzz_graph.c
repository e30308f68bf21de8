// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer's way into the graph. fuzz_entry would have to guess whole structures before it derived its first page; here each few
 * bytes of the input stand for an operation that is nearly right: pages by a small number, rules and lanes within or just beyond
 * what there is. After each the completion must be the model's, at the end bytes, epochs, marks, heights and hash.
 */
#include "pair.h"

#define PAGES		16u
#define STEPS_MAX	96u

struct input {
	const uint8_t *at;
	size_t left;
};

/* 0 when there is no more. */
static uint8_t byte(struct input *input)
{
	if (!input->left)
		return 0;
	input->left--;
	return *input->at++;
}

/* In both shards. */
static uint64_t page_id(unsigned int n)
{
	return MMSB_PAGE_ID(1, (n & 1) * 1024 + n / 2);
}

static uint64_t some_page(struct input *input)
{
	uint8_t n = byte(input);

	return n < 0xfe ? page_id(n % PAGES) : page_id(n % PAGES) + (1ull << 32);
}

/* Of several sizes: one page of more than a chunk is enough to wait for. */
static void make_pages(void)
{
	static const uint32_t sizes[PAGES] = { 64, 65, 72, 64, 200, 64, 128, 64, 66, 64, 64, 100, 64, 4100, 64, 66000 };
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		step(&(const struct mmsb_sqe){ .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT, .page = page_id(i), .len = sizes[i] });
		step(&(const struct mmsb_sqe){ .op = MMSB_OP_FILL, .page = page_id(i), .len = 64, .word = { i + 1 } });
	}
}

static bool is_fold(uint32_t rule)
{
	return rule >= MMSB_RULE_ADD_MUL && rule <= MMSB_RULE_XOR_AND;
}

/* Returns how many bytes of operand there are. */
static uint32_t make_edges(struct input *input, struct mmsb_edge *edge, unsigned int n, uint32_t rule)
{
	static const uint32_t types[8] = { [6] = MMSB_EDGE_OFFLOAD, [7] = MMSB_EDGE_CONTROL };
	unsigned int i;

	for (i = 0; i < n; i++) {
		uint8_t what = byte(input);

		edge[i] = (struct mmsb_edge){ .parent = some_page(input), .type = types[what & 7] };
		if (is_fold(rule) && edge[i].type != MMSB_EDGE_CONTROL)
			edge[i].weight = (uint64_t)byte(input) << (what >> 3);
		if (what >= 0xfc)
			((uint8_t *)&edge[i])[8 + byte(input) % 16] ^= 1;
	}
	return n * sizeof(*edge);
}

static uint32_t make_derive(struct input *input)
{
	struct mmsb_derive *how = (void *)payload;
	uint8_t what = byte(input), spoil = byte(input);

	*how = (struct mmsb_derive){ .rule = byte(input) % MMSB_RULE_LAST, .flags = what & MMSB_DERIVE_LAZY, .edges = 1 + (what >> 4) };
	if (how->rule >= MMSB_RULE_ADD_MUL && how->rule < MMSB_RULE_HASH)
		how->lane = byte(input) % (how->rule == MMSB_RULE_MEAN ? MMSB_LANE_LAST : MMSB_RULE_LANE_LAST);
	if (how->rule >= MMSB_RULE_ADD_MUL && how->rule <= MMSB_RULE_MAX_ADD && how->lane < MMSB_LANE_LAST)
		how->flags = what & MMSB_DERIVE_KNOWN;
	if (how->rule == MMSB_RULE_SLICE) {
		how->param[0] = byte(input);
		how->param[1] = byte(input);
	}
	if (how->rule == MMSB_RULE_COPY || how->rule == MMSB_RULE_SLICE)
		how->edges = 1;
	if (spoil >= 0xf0)
		((uint8_t *)how)[byte(input) % sizeof(*how)] ^= 1 << (spoil & 7);
	return sizeof(*how) + make_edges(input, (void *)(how + 1), how->edges & 15, how->rule);
}

/* Mostly parents that it has. */
static uint32_t make_unlink(struct input *input, uint64_t id)
{
	unsigned int n = 1 + byte(input) % 3, i;
	enum mmsb_reason reason;
	const struct model_page *page = model_find(&model, id, &reason);
	uint64_t *parent = (void *)payload;

	for (i = 0; i < n; i++) {
		uint8_t which = byte(input);

		parent[i] = page_id(which % PAGES);
		if (which & 0x80 && page && page->derived)
			parent[i] = page->edges[which % page->how.edges].parent;
	}
	return n * sizeof(*parent);
}

/* A derived page, if there is one. */
static uint64_t some_derived(struct input *input)
{
	uint8_t n = byte(input);

	return model.derived_count ? model_id(&model, &model.pages[model.derived[n % model.derived_count]]) : page_id(n % PAGES);
}

static uint32_t rule_of(uint64_t id)
{
	enum mmsb_reason reason;
	const struct model_page *page = model_find(&model, id, &reason);

	return page ? page->how.rule : 0;
}

static void make_set(struct input *input, struct mmsb_sqe *sqe)
{
	sqe->op = MMSB_OP_SET;
	sqe->offset = byte(input) / 4 * 4;
	sqe->len = 8;
	sqe->word[0] = byte(input) * 0x0123456789abcdefull;
}

static void make_entry(struct input *input, struct mmsb_sqe *sqe)
{
	uint8_t what = byte(input);

	memset(sqe, 0, sizeof(*sqe));
	sqe->page = what & 0x40 ? some_derived(input) : some_page(input);
	sqe->flags = what & 0x80 ? MMSB_SQE_QUIET : 0;
	switch (what % 10) {
	case 0: case 1: case 2:
		sqe->op = MMSB_OP_DERIVE;
		sqe->len = make_derive(input);
		break;
	case 3:
		sqe->op = MMSB_OP_LINK;
		sqe->len = make_edges(input, (void *)payload, 1 + (what >> 4 & 3), rule_of(sqe->page));
		break;
	case 4:
		sqe->op = MMSB_OP_UNLINK;
		sqe->len = make_unlink(input, sqe->page);
		break;
	case 5:
		sqe->op = MMSB_OP_UNDERIVE;
		return;
	case 6:
		sqe->op = MMSB_OP_REFRESH;
		return;
	case 7:		/* seldom, for nobody makes pages again */
		sqe->op = what >= 0xd0 ? MMSB_OP_DESTROY : MMSB_OP_REFRESH;
		sqe->flags |= what >= 0xe8 ? MMSB_SQE_DETACH : 0;
		return;
	default:
		make_set(input, sqe);
		return;
	}
	sqe->flags |= MMSB_SQE_PAYLOAD;
}

static void compare_graph(void)
{
	struct mmsb_node *node = (void *)payload;
	uint32_t i;

	for (i = 0; i < LINES; i++) {
		struct model_page *page = &model.pages[i];
		struct mmsb_graph_args args = { .what = MMSB_GRAPH_NODE, .page = MMSB_PAGE_ID(page->generation, i),
						.out_bytes = sizeof(*node) };

		if (!page->alive)
			continue;
		MUST(!ms_ring_graph(ring, &args) && args.count == 1);
		MUST(node->height == model_height(&model, page));
		MUST(node->parents == page->how.edges);
		MUST(node->children == model_children(&model, args.page));
		MUST(!(node->flags & MMSB_NODE_SUSPECT));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct mmsb_sqe sqe;
	unsigned int i;

	if (!space)
		open_all();
	make_pages();
	for (i = 0; i < STEPS_MAX && input.left; i++) {
		make_entry(&input, &sqe);
		step(&sqe);
	}
	compare_all();
	compare_graph();
	reset_all();
	return 0;
}
