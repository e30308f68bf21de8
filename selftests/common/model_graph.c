// SPDX-License-Identifier: GPL-2.0-only
/*
 * The graph of the model: edges lie in lists, whoever wants to know who follows whom goes through all of them, and heights are found by
 * raising every page above its parents until no page moves any more. A tick goes through all derived pages from the lowest up,
 * and looks at each whether or not anything happened to it.
 */
#include <stdlib.h>
#include <string.h>
#include "model.h"

uint64_t model_id(const struct model *model, const struct model_page *page)
{
	return MMSB_PAGE_ID(page->generation, page - model->pages);
}

static struct model_page *parent_of(struct model *model, const struct model_edge *edge)
{
	enum mmsb_reason reason;
	struct model_page *parent = model_find(model, edge->parent, &reason);

	if (!parent)
		abort();	/* nobody may go while others follow him */
	return parent;
}

static bool is_data(uint32_t type)
{
	return type != MMSB_EDGE_CONTROL;
}

static uint32_t count_data(const struct model_page *page)
{
	uint32_t i, data = 0;

	for (i = 0; i < page->how.edges; i++)
		data += is_data(page->edges[i].type);
	return data;
}

uint32_t model_children(const struct model *model, uint64_t id)
{
	uint32_t i, k, children = 0;

	for (i = 0; i < model->derived_count; i++) {
		const struct model_page *page = &model->pages[model->derived[i]];

		for (k = 0; k < page->how.edges; k++)
			children += page->edges[k].parent == id;
	}
	return children;
}

/* ------------------------------------------------------------------------------------------------------------- heights */

static int by_height(const void *a, const void *b, void *arg)
{
	const struct model *model = arg;
	uint32_t x = model->pages[*(const uint32_t *)a].height, y = model->pages[*(const uint32_t *)b].height;

	return x < y ? -1 : x > y;
}

static bool raise(struct model *model, struct model_page *page)
{
	uint32_t height = 0, i;

	for (i = 0; i < page->how.edges; i++) {
		struct model_page *parent = parent_of(model, &page->edges[i]);

		if (parent->derived && parent->height > height)
			height = parent->height;
	}
	height++;
	if (height == page->height)
		return false;
	page->height = height;
	return true;
}

static void find_heights(struct model *model)
{
	bool moved = true;
	uint32_t i;

	if (model->heights_known)
		return;
	for (i = 0; i < model->derived_count; i++)
		model->pages[model->derived[i]].height = 1;
	while (moved) {
		moved = false;
		for (i = 0; i < model->derived_count; i++)
			moved |= raise(model, &model->pages[model->derived[i]]);
	}
	qsort_r(model->derived, model->derived_count, sizeof(*model->derived), by_height, model);
	model->heights_known = true;
}

uint32_t model_height(struct model *model, const struct model_page *page)
{
	find_heights(model);
	return page->derived ? page->height : 0;
}

static bool reach(struct model *model, struct model_page *page)
{
	uint32_t i;

	for (i = 0; !page->reached && i < page->how.edges; i++)
		if (parent_of(model, &page->edges[i])->reached)
			return page->reached = true;
	return false;
}

/* Marks the page and all that follow it, by whatever way. */
static void reach_all_behind(struct model *model, struct model_page *from)
{
	bool more = true;
	uint32_t i;

	for (i = 0; i < model->max_pages; i++)
		model->pages[i].reached = false;
	from->reached = true;
	while (more) {
		more = false;
		for (i = 0; i < model->derived_count; i++)
			more |= reach(model, &model->pages[model->derived[i]]);
	}
}

/* ---------------------------------------------------------------------------------------------------------------- tick */

static uint8_t *compute(struct model *model, const struct model_page *page)
{
	struct model_parent *parent = calloc(page->how.edges, sizeof(*parent));
	uint8_t *bytes = calloc(1, page->size);
	uint32_t i, n = 0;

	for (i = 0; i < page->how.edges; i++) {
		const struct model_page *from = parent_of(model, &page->edges[i]);

		if (is_data(page->edges[i].type))
			parent[n++] = (struct model_parent){ from->bytes, from->size, page->edges[i].weight };
	}
	model_rule_run(&page->how, parent, n, bytes, page->size);
	free(parent);
	return bytes;
}

static void recompute(struct model *model, struct model_page *page)
{
	uint8_t *bytes = compute(model, page);
	uint32_t i;

	model->recomputed++;
	if (memcmp(bytes, page->bytes, page->size)) {
		memcpy(page->bytes, bytes, page->size);
		page->epoch++;
	} else {
		model->cut++;
	}
	free(bytes);
	for (i = 0; i < page->how.edges; i++)
		if (is_data(page->edges[i].type))
			page->edges[i].seen = parent_of(model, &page->edges[i])->epoch;
	page->due = false;
}

/* A control parent changed in this tick. */
static bool hear_control(struct model *model, struct model_page *page)
{
	bool heard = false;
	uint32_t i;

	for (i = 0; i < page->how.edges; i++) {
		struct model_edge *edge = &page->edges[i];

		if (is_data(edge->type))
			continue;
		heard |= edge->seen != parent_of(model, edge)->epoch;
		edge->seen = parent_of(model, edge)->epoch;
	}
	return heard;
}

static void tick_page(struct model *model, struct model_page *page)
{
	bool lazy = model->lazy || (page->how.flags & MMSB_DERIVE_LAZY), due = page->due, behind = false;
	bool heard = hear_control(model, page);
	uint32_t i;

	for (i = 0; i < page->how.edges; i++) {
		const struct model_page *parent = parent_of(model, &page->edges[i]);

		if (!is_data(page->edges[i].type))
			continue;
		due |= parent->epoch != page->edges[i].seen;
		behind |= parent->behind;
	}
	behind |= lazy && due && !page->asked;
	if (behind || page->looked || due || page->behind)
		page->told = false;
	else
		page->told |= heard;
	page->behind = behind;
	if (due && !behind)
		recompute(model, page);
	page->looked = false;
	page->asked = false;
}

/* Who is asked for asks for what it follows. */
static void spread_demand(struct model *model)
{
	enum mmsb_reason reason;
	uint32_t i, k;

	for (i = 0; i < model->asks_count; i++) {
		struct model_page *page = model_find(model, model->asks[i], &reason);

		if (page && page->derived)
			page->asked = page->looked = true;
	}
	model->asks_count = 0;
	for (i = model->derived_count; i-- > 0;) {
		struct model_page *page = &model->pages[model->derived[i]];

		for (k = 0; page->asked && k < page->how.edges; k++) {
			struct model_page *parent = parent_of(model, &page->edges[k]);

			if (is_data(page->edges[k].type) && parent->derived)
				parent->asked = true;
		}
	}
}

static void go_through(struct model *model)
{
	uint32_t i;

	for (i = 0; i < model->derived_count; i++)
		tick_page(model, &model->pages[model->derived[i]]);
}

void model_tick(struct model *model)
{
	find_heights(model);
	go_through(model);
	if (!model->asks_count)
		return;
	spread_demand(model);
	go_through(model);
}

bool model_is_consistent(struct model *model)
{
	bool same = true;
	uint32_t i;

	for (i = 0; same && i < model->derived_count; i++) {
		const struct model_page *page = &model->pages[model->derived[i]];
		uint8_t *bytes;

		if (page->behind || !count_data(page))
			continue;
		bytes = compute(model, page);
		same = !memcmp(bytes, page->bytes, page->size);
		free(bytes);
	}
	return same;
}

/* ---------------------------------------------------------------------------------------------------------- operations */

static void graph_changed(struct model *model, struct model_page *page)
{
	model->heights_known = false;
	page->looked = true;
}

static void underive(struct model *model, struct model_page *page)
{
	uint32_t index = page - model->pages, i;

	for (i = 0; model->derived[i] != index; i++)
		;
	model->derived[i] = model->derived[--model->derived_count];
	free(page->edges);
	page->edges = NULL;
	page->derived = page->due = page->looked = page->asked = page->behind = page->told = false;
	memset(&page->how, 0, sizeof(page->how));
	model->heights_known = false;
}

enum mmsb_reason model_let_go(struct model *model, struct model_page *page, bool detach)
{
	uint64_t id = model_id(model, page);
	uint32_t i = 0, k;

	if (model_children(model, id) && !detach)
		return MMSB_REASON_HAS_CHILDREN;
	while (i < model->derived_count) {
		struct model_page *child = &model->pages[model->derived[i]];

		for (k = 0; k < child->how.edges && child->edges[k].parent != id; k++)
			;
		if (k < child->how.edges)
			underive(model, child);		/* another takes its place in the list */
		else
			i++;
	}
	if (page->derived)
		underive(model, page);
	return MMSB_REASON_NONE;
}

/* Each edge for itself, in order. */
static enum mmsb_reason judge_edges(struct model *model, const struct mmsb_derive *how, const struct mmsb_edge *edge, uint32_t n,
				    struct model_result *result)
{
	enum mmsb_reason reason, found;
	uint32_t i;

	for (i = 0; i < n; i++) {
		reason = model_rule_judge_edge(how, &edge[i]);
		if (reason)
			return reason;
		if (!model_find(model, edge[i].parent, &found)) {
			result->epoch = edge[i].parent;
			return MMSB_REASON_PARENT_GONE;
		}
	}
	return MMSB_REASON_NONE;
}

/* If several would close a cycle, the engine may name any of them. */
static enum mmsb_reason judge_cycle(struct model *model, struct model_page *page, const struct mmsb_edge *edge, uint32_t n,
				    uint64_t given, struct model_result *result)
{
	enum mmsb_reason reason = MMSB_REASON_NONE, found;
	uint32_t i;

	reach_all_behind(model, page);
	for (i = 0; i < n; i++) {
		if (!model_find(model, edge[i].parent, &found)->reached)
			continue;
		if (!reason || edge[i].parent == given)
			result->epoch = edge[i].parent;
		reason = MMSB_REASON_CYCLE;
	}
	return reason;
}

static void add_edges(struct model *model, struct model_page *page, const struct mmsb_edge *edge, uint32_t n)
{
	uint32_t i, had = page->how.edges;

	page->edges = realloc(page->edges, (had + n) * sizeof(*page->edges));
	page->how.edges = had + n;
	for (i = 0; i < n; i++) {
		page->edges[had + i] = (struct model_edge){ edge[i].parent, edge[i].weight, edge[i].type, 0 };
		page->edges[had + i].seen = parent_of(model, &page->edges[had + i])->epoch;
		page->due |= is_data(edge[i].type);
	}
	graph_changed(model, page);
}

static uint32_t count_data_edges(const struct mmsb_edge *edge, uint32_t n)
{
	uint32_t data = 0;

	while (n--)
		data += is_data(edge[n].type);
	return data;
}

static enum mmsb_reason derive(struct model *model, struct model_page *page, const struct mmsb_sqe *sqe, const uint8_t *operand,
			       uint64_t given, struct model_result *result)
{
	const struct mmsb_edge *edge = (const void *)(operand + sizeof(struct mmsb_derive));
	uint32_t n = (sqe->len - sizeof(struct mmsb_derive)) / sizeof(*edge);
	enum mmsb_reason reason;
	struct mmsb_derive how;

	memcpy(&how, operand, sizeof(how));
	reason = model_rule_judge(&how);
	if (!reason && how.edges != n)
		reason = MMSB_REASON_BAD_LENGTH;
	if (!reason)
		reason = judge_edges(model, &how, edge, n, result);
	if (!reason)
		reason = model_rule_judge_count(&how, n, count_data_edges(edge, n));
	if (!reason)
		reason = judge_cycle(model, page, edge, n, given, result);
	if (reason)
		return reason;
	if (page->derived)
		underive(model, page);
	page->derived = true;
	page->how = how;
	page->how.edges = 0;
	model->derived[model->derived_count++] = page - model->pages;
	add_edges(model, page, edge, n);
	return MMSB_REASON_NONE;
}

static enum mmsb_reason link_more(struct model *model, struct model_page *page, const struct mmsb_sqe *sqe, const uint8_t *operand,
				  uint64_t given, struct model_result *result)
{
	const struct mmsb_edge *edge = (const void *)operand;
	uint32_t n = sqe->len / sizeof(*edge);
	enum mmsb_reason reason;

	if (page->how.edges + n > MMSB_PARENTS_MAX)
		return MMSB_REASON_TOO_MANY_PARENTS;
	reason = judge_edges(model, &page->how, edge, n, result);
	if (!reason)
		reason = model_rule_judge_count(&page->how, page->how.edges + n, count_data(page) + count_data_edges(edge, n));
	if (!reason)
		reason = judge_cycle(model, page, edge, n, given, result);
	if (!reason)
		add_edges(model, page, edge, n);
	return reason;
}

/* Takes the last edge from that parent out of `edges`; false: there is none. */
static bool drop_edge(struct model_edge *edges, uint32_t *n, uint64_t parent)
{
	uint32_t i = *n;

	while (i-- > 0) {
		if (edges[i].parent != parent)
			continue;
		memmove(&edges[i], &edges[i + 1], (*n - i - 1) * sizeof(*edges));
		--*n;
		return true;
	}
	return false;
}

static enum mmsb_reason unlink_some(struct model *model, struct model_page *page, const struct mmsb_sqe *sqe, const uint8_t *operand,
				    struct model_result *result)
{
	struct model_edge *left = malloc(page->how.edges * sizeof(*left)), *had = page->edges;
	uint32_t n = page->how.edges, count = n, i;
	enum mmsb_reason reason = MMSB_REASON_NONE;
	uint64_t parent;

	memcpy(left, had, n * sizeof(*left));
	for (i = 0; !reason && i < sqe->len / sizeof(parent); i++) {
		memcpy(&parent, operand + i * sizeof(parent), sizeof(parent));
		if (drop_edge(left, &n, parent))
			continue;
		reason = MMSB_REASON_NO_SUCH_EDGE;
		result->epoch = parent;
	}
	page->edges = left;
	page->how.edges = n;
	if (!reason)
		reason = model_rule_judge_count(&page->how, n, count_data(page));
	if (reason) {
		page->edges = had;
		page->how.edges = count;
		free(left);
		return reason;
	}
	free(had);
	page->due = count_data(page);
	graph_changed(model, page);
	return MMSB_REASON_NONE;
}

enum mmsb_reason model_graph_length(const struct mmsb_sqe *sqe)
{
	uint64_t unit = sqe->op == MMSB_OP_UNLINK ? sizeof(uint64_t) : sizeof(struct mmsb_edge);
	uint64_t head = sqe->op == MMSB_OP_DERIVE ? sizeof(struct mmsb_derive) : 0;

	if (sqe->offset)
		return MMSB_REASON_BAD_RESERVED;
	if (sqe->op == MMSB_OP_UNDERIVE || sqe->op == MMSB_OP_REFRESH)
		return sqe->len ? MMSB_REASON_BAD_RESERVED : MMSB_REASON_NONE;
	if (sqe->len <= head || (sqe->len - head) % unit)
		return MMSB_REASON_BAD_LENGTH;
	return (sqe->len - head) / unit > MMSB_PARENTS_MAX ? MMSB_REASON_TOO_MANY_PARENTS : MMSB_REASON_NONE;
}

enum mmsb_reason model_graph_apply(struct model *model, struct model_page *page, const struct mmsb_sqe *sqe, const uint8_t *operand,
				   uint64_t given, struct model_result *result)
{
	if (sqe->op == MMSB_OP_DERIVE)
		return derive(model, page, sqe, operand, given, result);
	if (!page->derived)
		return MMSB_REASON_NOT_DERIVED;
	switch (sqe->op) {
	case MMSB_OP_UNDERIVE:
		underive(model, page);
		break;
	case MMSB_OP_LINK:
		return link_more(model, page, sqe, operand, given, result);
	case MMSB_OP_UNLINK:
		return unlink_some(model, page, sqe, operand, result);
	case MMSB_OP_REFRESH:
		model->asks = realloc(model->asks, (model->asks_count + 1) * sizeof(*model->asks));
		model->asks[model->asks_count++] = sqe->page;
		break;
	}
	return MMSB_REASON_NONE;
}
