// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "graph.h"
#include "capture.h"
#include "height.h"
#include "recompute.h"
#include "wave.h"

/* ---------------------------------------------------------------------------------------------------------- the hash */

static void digest_rule(u64 sum[2], const struct ms_derivation *derivation)
{
	ms_hash_rule(sum, derivation->rule->number, derivation->rule->version, derivation->lane, derivation->flags, derivation->param);
}

static void digest_edge(u64 sum[2], const struct ms_space *space, const struct ms_derivation *derivation, u32 i, u64 seen)
{
	const struct ms_edge *edge = &derivation->edge[i];
	u64 parent = ms_line_id(ms_line_at(space, edge->parent), edge->parent);

	ms_hash_edge(sum, i, parent, edge->weight, edge->type, seen);
}

void ms_graph_signature(const struct ms_space *space, const struct ms_derivation *derivation, u64 signature[2])
{
	u32 i;

	signature[0] = 0;
	signature[1] = 0;
	digest_rule(signature, derivation);
	for (i = 0; i < derivation->edges; i++)
		digest_edge(signature, space, derivation, i, derivation->edge[i].seen);
}

void ms_graph_hash(const struct ms_space *space, u32 index, struct ms_hash *hash, bool gone)
{
	const struct ms_derivation *derivation = ms_node_at(space, index)->derivation;
	struct ms_hash_key key = ms_hash_key(ms_line_id(ms_line_at(space, index), index));
	u64 sum[2] = { 0 };
	u32 i;

	digest_rule(sum, derivation);
	for (i = 0; i < derivation->edges; i++)
		digest_edge(sum, space, derivation, i, 0);
	ms_hash_derivation(hash, &key, sum, gone);
}

/* Before and after what is done to a page's kind, rule or edges. */
static void hash_page_out(struct ms_shard *shard, u32 index, bool gone)
{
	const struct mmsb_line *line = ms_line_at(shard->space, index);
	struct ms_hash_key key;

	if (!shard->hashing)
		return;
	key = ms_hash_key(ms_line_id(line, index));
	ms_hash_exists(&shard->hash, &key, line->size, line->kind, gone);
	if (line->kind == MMSB_KIND_DERIVED)
		ms_graph_hash(shard->space, index, &shard->hash, gone);
}

/* --------------------------------------------------------------------------------------------------------- looking ahead */

#define LOOK_AHEAD	16u		/* parents: most pages have fewer */

/* NULL: it has none, or there is no such page. */
static struct ms_node *node_named(const struct ms_space *space, u64 page)
{
	u32 index = MMSB_PAGE_INDEX(page);

	return index < space->lines ? ms_node_find(space, index) : NULL;
}

static void bring_in_page(const struct ms_space *space, u64 page)
{
	u32 index = MMSB_PAGE_INDEX(page);

	if (unlikely(index >= space->lines))
		return;
	pf_prefetchw(ms_region_find(&space->directory, (u64)index * sizeof(struct mmsb_line)));
	pf_prefetchw(ms_node_find(space, index));
}

/* The wave will look at them. */
static void bring_in_parents(const struct ms_space *space, const struct ms_derivation *derivation)
{
	u32 i;

	for (i = 0; i < derivation->edges && i < LOOK_AHEAD; i++)
		pf_prefetchw(ms_line_at(space, derivation->edge[i].parent));
}

static bool has_edge_inline(const struct mmsb_sqe *sqe)
{
	return sqe->op == MMSB_OP_LINK && !(sqe->flags & MMSB_SQE_PAYLOAD);
}

void ms_graph_look_ahead(const struct ms_space *space, const struct mmsb_sqe *sqe)
{
	pf_prefetchw(node_named(space, sqe->page));
	if (has_edge_inline(sqe))
		bring_in_page(space, ((const struct mmsb_edge *)sqe->operand)->parent);
}

void ms_graph_look_closer(const struct ms_space *space, const struct mmsb_sqe *sqe)
{
	const struct ms_node *node = node_named(space, sqe->page);

	if (node && node->derivation) {
		pf_prefetchw(node->derivation);
		pf_prefetchw(&node->derivation->edge[1]);
	}
	if (!has_edge_inline(sqe))
		return;
	node = node_named(space, ((const struct mmsb_edge *)sqe->operand)->parent);
	if (node)
		pf_prefetchw(node->child + node->children);
}

/* ---------------------------------------------------------------------------------------------------------- judgement */

static enum mmsb_reason judge_edge(const struct ms_rule *rule, const struct mmsb_edge *edge)
{
	if (edge->type >= MMSB_EDGE_LAST || edge->reserved)
		return MMSB_REASON_BAD_EDGE;
	if (edge->weight && (!rule->weights || !ms_edge_is_data(edge->type)))
		return MMSB_REASON_BAD_EDGE;
	return MMSB_REASON_NONE;
}

static enum mmsb_reason judge_rule(const struct mmsb_derive *derive, const struct ms_rule **out)
{
	const struct ms_rule *rule = ms_rule_find(derive->rule, derive->version);
	u32 i;

	if (!rule)
		return MMSB_REASON_BAD_RULE;
	if (derive->flags & ~MMSB_DERIVE_KNOWN || derive->reserved)
		return MMSB_REASON_BAD_FLAGS;
	if ((derive->flags & MMSB_DERIVE_SATURATE) && !rule->saturates)
		return MMSB_REASON_BAD_PARAM;
	if (rule->lanes ? derive->lane >= MMSB_RULE_LANE_LAST || !(rule->lanes >> derive->lane & 1) : derive->lane)
		return MMSB_REASON_BAD_RULE_LANE;
	if (ms_lane_is_float(derive->lane) && !PF_FLOAT)
		return MMSB_REASON_NO_FLOAT;
	for (i = 0; !rule->check && i < MMSB_RULE_PARAMS; i++)
		if (derive->param[i])
			return MMSB_REASON_BAD_PARAM;
	*out = rule;
	return rule->check ? rule->check(derive) : MMSB_REASON_NONE;
}

static enum mmsb_reason judge_count(const struct ms_rule *rule, u32 edges, u32 data)
{
	if (edges > MMSB_PARENTS_MAX)
		return MMSB_REASON_TOO_MANY_PARENTS;
	if (!edges || data < rule->min_parents || data > rule->max_parents)
		return MMSB_REASON_BAD_PARENTS;
	return MMSB_REASON_NONE;
}

enum mmsb_reason ms_graph_judge_length(const struct mmsb_sqe *sqe)
{
	u64 unit = sqe->op == MMSB_OP_UNLINK ? sizeof(u64) : sizeof(struct mmsb_edge);
	u64 head = sqe->op == MMSB_OP_DERIVE ? sizeof(struct mmsb_derive) : 0;

	if (sqe->offset)
		return MMSB_REASON_BAD_RESERVED;
	if (sqe->len <= head || (sqe->len - head) % unit)
		return MMSB_REASON_BAD_LENGTH;
	return sqe->len > head + MMSB_PARENTS_MAX * unit ? MMSB_REASON_TOO_MANY_PARENTS : MMSB_REASON_NONE;
}

/* ------------------------------------------------------------------------------------------------------------- edges */

/* Takes over edges that are good by themselves; their parents are looked up. */
static enum mmsb_reason edges_take(struct ms_shard *shard, struct ms_derivation *derivation, const struct mmsb_edge *from, u32 n,
				   struct ms_outcome *outcome)
{
	enum mmsb_reason reason;
	struct mmsb_line *line;
	u32 i;

	for (i = 0; i < n; i++) {
		struct ms_edge *edge = &derivation->edge[derivation->edges];

		reason = judge_edge(derivation->rule, &from[i]);
		if (reason)
			return reason;
		reason = ms_page_find(shard->space, from[i].parent, &line);
		if (reason) {
			outcome->epoch = from[i].parent;
			return MMSB_REASON_PARENT_GONE;
		}
		edge->weight = from[i].weight;
		edge->seen = ms_edge_is_data(from[i].type) ? MS_EDGE_NEVER : 0;
		edge->parent = MMSB_PAGE_INDEX(from[i].parent);
		edge->type = from[i].type;
		derivation->data += ms_edge_is_data(edge->type);
		derivation->edges++;
	}
	return MMSB_REASON_NONE;
}

/* What edges from `first` on ask for. */
static u32 edges_height(const struct ms_space *space, const struct ms_derivation *derivation, u32 first)
{
	u32 height = 0, i;

	for (i = first; i < derivation->edges; i++) {
		const struct ms_node *node = ms_node_find(space, derivation->edge[i].parent);

		if (node && node->height > height)
			height = node->height;
	}
	return height + 1;
}

/* A page without a node follows nothing, so it can close no cycle. */
static void edges_mark_new(const struct ms_space *space, const struct ms_derivation *derivation, u32 first, bool new)
{
	u32 i;

	for (i = first; i < derivation->edges; i++) {
		struct ms_node *node = ms_node_find(space, derivation->edge[i].parent);

		if (node)
			node->flags = new ? node->flags | MS_NODE_NEW : node->flags & ~MS_NODE_NEW;
	}
}

static void edges_unhook(struct ms_space *space, u32 child, struct ms_derivation *derivation, u32 first, u32 end)
{
	while (end-- > first)
		ms_edge_unhook(space, child, derivation, end);
}

static enum mmsb_reason edges_hook(struct ms_space *space, u32 child, struct ms_derivation *derivation, u32 first)
{
	enum mmsb_reason reason = MMSB_REASON_NONE;
	u32 i;

	for (i = first; i < derivation->edges; i++) {
		reason = ms_edge_hook(space, child, derivation, i);
		if (reason) {
			edges_unhook(space, child, derivation, first, i);
			return reason;
		}
	}
	return reason;
}

static void parents_trim(struct ms_space *space, const struct ms_derivation *derivation)
{
	u32 i;

	for (i = 0; i < derivation->edges; i++)
		ms_node_trim(space, derivation->edge[i].parent);
}

/* ------------------------------------------------------------------------------------------------------------- heights */

static enum mmsb_reason plan_reserve(struct ms_plan *plan)
{
	struct ms_space *space = plan->space;
	enum mmsb_reason reason = MMSB_REASON_NONE;
	u32 i;

	for (i = 0; !reason && i < plan->count; i++)
		reason = ms_wave_reserve(&ms_shard_of(space, plan->visited[i])->graph.wave, plan->highest);
	return reason;
}

/*
 * What the heights will be once the page follows these edges, of which those before `first` are where they were; refuses cycles. If its
 * own stays, all parents are below it, and what follows it is above: there is nothing to plan.
 */
static enum mmsb_reason plan_make(struct ms_plan *plan, struct ms_space *space, u32 index, const struct ms_derivation *derivation,
				  u32 first, struct ms_outcome *outcome)
{
	u32 height = edges_height(space, derivation, first), old = ms_node_at(space, index)->height;
	enum mmsb_reason reason;

	ms_plan_begin(plan, space);
	if (height == old || (first && height < old))
		return MMSB_REASON_NONE;
	edges_mark_new(space, derivation, first, true);
	reason = ms_plan_give(plan, index, height);
	if (!reason)
		reason = ms_plan_complete(plan);
	edges_mark_new(space, derivation, first, false);
	if (reason == MMSB_REASON_CYCLE)
		outcome->epoch = ms_line_id(ms_line_at(space, plan->culprit), plan->culprit);
	return reason ? reason : plan_reserve(plan);
}

/* ------------------------------------------------------------------------------------------------------- derive, replace */

/*
 * Parents of pages that are derived must be where a wave will look for them, and large pages are filled now, so that no wave
 * can run out of memory. For edges before `first` that was done.
 */
static enum mmsb_reason reserve_all(struct ms_shard *shard, const struct ms_graph_op *op, const struct ms_derivation *derivation,
				    u32 first)
{
	enum mmsb_reason reason = ms_desk_reserve(shard, derivation->data);
	u32 i;

	for (i = first; !reason && i < derivation->edges; i++) {
		struct ms_shard *owner = ms_shard_of(shard->space, derivation->edge[i].parent);

		if (!ms_node_make(shard->space, derivation->edge[i].parent))
			reason = MMSB_REASON_NO_MEMORY;
		else
			reason = ms_wave_reserve(&owner->graph.wave, 0);
	}
	if (!reason && derivation->rule->whole)
		reason = ms_desk_reserve_whole(shard, op->line->size);
	if (!reason && op->line->size > PF_CHUNK)
		reason = ms_page_fill(shard, op->line, 0, op->line->size);
	return reason;
}

static void page_turn(struct ms_shard *shard, struct mmsb_line *line, u8 kind)
{
	if (line->kind == kind)
		return;
	ms_page_begin(line);
	pf_write(line->kind, kind);
	pf_release(&line->seq, line->seq + 1);
	pf_write(shard->graph.derived, shard->graph.derived + (kind == MMSB_KIND_DERIVED ? 1 : -1ull));
}

/* Puts one derivation in the place of another, either of which may be none; what was planned comes true. */
static enum mmsb_reason node_replace(struct ms_shard *shard, const struct ms_graph_op *op, struct ms_node *node,
				     struct ms_derivation *new)
{
	struct ms_derivation *old = node->derivation;
	struct ms_space *space = shard->space;
	enum mmsb_reason reason = MMSB_REASON_NONE;

	hash_page_out(shard, op->index, true);
	if (old)
		edges_unhook(space, op->index, old, 0, old->edges);
	node->derivation = new;
	if (new)
		reason = edges_hook(space, op->index, new, 0);
	if (reason) {
		node->derivation = old;
		PF_BUG_ON(old && edges_hook(space, op->index, old, 0));
	} else {
		page_turn(shard, op->line, new ? MMSB_KIND_DERIVED : MMSB_KIND_SOURCE);
		if (old)
			parents_trim(space, old);
	}
	hash_page_out(shard, op->index, false);
	return reason;
}

static enum mmsb_reason derive_with(struct ms_shard *shard, const struct ms_graph_op *op, struct ms_derivation *new,
				    struct ms_outcome *outcome)
{
	struct ms_node *node = ms_node_make(shard->space, op->index);
	struct ms_derivation *old;
	enum mmsb_reason reason;
	struct ms_plan plan;

	if (!node)
		return MMSB_REASON_NO_MEMORY;
	reason = reserve_all(shard, op, new, 0);
	if (reason)
		return reason;
	reason = plan_make(&plan, shard->space, op->index, new, 0, outcome);
	if (!reason) {
		old = node->derivation;
		reason = node_replace(shard, op, node, new);
		if (!reason) {
			ms_recompute_prepare(shard->space, op->line, new, 0);
			ms_plan_follow(&plan);
			ms_derivation_free(shard, old);
		}
	}
	ms_plan_end(&plan);
	return reason;
}

/* The derivation that these ask for, whose rule and edges are good by themselves. */
static enum mmsb_reason derivation_from(struct ms_shard *shard, const struct mmsb_derive *derive, const struct ms_rule *rule,
					struct ms_derivation **out, struct ms_outcome *outcome)
{
	struct ms_derivation *derivation = ms_derivation_make(shard, derive->edges, derive->param);
	enum mmsb_reason reason;

	if (!derivation)
		return MMSB_REASON_NO_MEMORY;
	derivation->rule = rule;
	derivation->lane = derive->lane;
	derivation->flags = (u8)derive->flags;
	reason = edges_take(shard, derivation, (const struct mmsb_edge *)(derive + 1), derive->edges, outcome);
	if (!reason)
		reason = judge_count(rule, derivation->edges, derivation->data);
	if (reason)
		ms_derivation_free(shard, derivation);
	else
		*out = derivation;
	return reason;
}

static enum mmsb_reason apply_derive(struct ms_shard *shard, const struct ms_graph_op *op, struct ms_outcome *outcome)
{
	const struct mmsb_derive *derive = op->operand;
	u64 edges = (op->sqe->len - sizeof(*derive)) / sizeof(struct mmsb_edge);
	struct ms_derivation *derivation = NULL;
	const struct ms_rule *rule = NULL;
	enum mmsb_reason reason = judge_rule(derive, &rule);

	if (reason)
		return reason;
	if (derive->edges != edges)
		return MMSB_REASON_BAD_LENGTH;
	reason = derivation_from(shard, derive, rule, &derivation, outcome);
	if (reason)
		return reason;
	reason = derive_with(shard, op, derivation, outcome);
	if (reason)
		ms_derivation_free(shard, derivation);
	else
		ms_wave_put(shard, op->index);
	return reason;
}

enum mmsb_reason ms_graph_restore(struct ms_shard *shard, const struct ms_graph_op *op, struct ms_outcome *outcome)
{
	const struct mmsb_derive *derive = op->operand;
	const u64 *seen = (const void *)((const struct mmsb_edge *)(derive + 1) + derive->edges);
	struct ms_derivation *derivation = NULL;
	const struct ms_rule *rule = NULL;
	enum mmsb_reason reason = judge_rule(derive, &rule);
	u32 i;

	if (reason)
		return reason;
	reason = derivation_from(shard, derive, rule, &derivation, outcome);
	if (reason)
		return reason;
	for (i = 0; i < derivation->edges; i++)
		if (ms_edge_is_data(derivation->edge[i].type))
			derivation->edge[i].seen = seen[i];
	reason = derive_with(shard, op, derivation, outcome);
	if (reason)
		ms_derivation_free(shard, derivation);
	return reason;
}

/* A source page follows nothing: it is fresh, and what came behind it is no longer behind. */
static void freshen(struct ms_shard *shard, const struct ms_graph_op *op, struct ms_node *node)
{
	if (op->line->flags & MMSB_LINE_BEHIND)
		ms_wave_freshen(shard, op->index);
	pf_write(op->line->flags, op->line->flags & ~(MMSB_LINE_BEHIND | MMSB_LINE_STALE));
	node->flags &= ~MS_NODE_SUSPECT;
}

/* The page, for which a height of 0 was planned, becomes a source page; that takes no memory. */
static void turn_to_source(struct ms_shard *shard, const struct ms_graph_op *op)
{
	struct ms_node *node = ms_node_at(shard->space, op->index);
	struct ms_derivation *old = node->derivation;

	PF_BUG_ON(node_replace(shard, op, node, NULL));
	ms_derivation_free(shard, old);
	freshen(shard, op, node);
}

static enum mmsb_reason apply_underive(struct ms_shard *shard, const struct ms_graph_op *op)
{
	enum mmsb_reason reason;
	struct ms_plan plan;

	ms_plan_begin(&plan, shard->space);
	reason = ms_plan_give(&plan, op->index, 0);
	if (!reason)
		reason = ms_plan_complete(&plan);
	if (!reason) {
		turn_to_source(shard, op);
		ms_plan_follow(&plan);
	}
	ms_plan_end(&plan);
	return reason;
}

/* -------------------------------------------------------------------------------------------------------- link, unlink */

/* Edges go by their number, so a derivation can move without its parents knowing. */
static struct ms_derivation *derivation_copy(struct ms_shard *shard, const struct ms_derivation *from, u32 room)
{
	struct ms_derivation *to = ms_derivation_make(shard, room, from->param);

	if (!to)
		return NULL;
	to->rule = from->rule;
	to->edges = from->edges;
	to->data = from->data;
	to->lane = from->lane;
	to->flags = from->flags;
	to->plain = from->plain;
	memcpy(to->edge, from->edge, from->edges * sizeof(from->edge[0]));
	return to;
}

static enum mmsb_reason derivation_grow(struct ms_shard *shard, struct ms_node *node, u32 edges)
{
	struct ms_derivation *old = node->derivation, *new;
	u32 room = old->room + old->room / 2;

	if (edges <= old->room)
		return MMSB_REASON_NONE;
	new = derivation_copy(shard, old, edges > room ? edges : room);
	if (!new)
		return MMSB_REASON_NO_MEMORY;
	node->derivation = new;
	ms_derivation_free(shard, old);
	return MMSB_REASON_NONE;
}

static enum mmsb_reason link_more(struct ms_shard *shard, const struct ms_graph_op *op, struct ms_node *node, u32 had,
				  struct ms_outcome *outcome)
{
	struct ms_derivation *derivation = node->derivation;
	enum mmsb_reason reason = judge_count(derivation->rule, derivation->edges, derivation->data);
	struct ms_plan plan;

	if (!reason)
		reason = reserve_all(shard, op, derivation, had);
	if (reason)
		return reason;
	reason = plan_make(&plan, shard->space, op->index, derivation, had, outcome);
	if (!reason)
		reason = edges_hook(shard->space, op->index, derivation, had);
	if (!reason) {
		ms_recompute_prepare(shard->space, op->line, derivation, had);
		ms_plan_follow(&plan);
		ms_wave_put(shard, op->index);
	}
	ms_plan_end(&plan);
	return reason;
}

static enum mmsb_reason apply_link(struct ms_shard *shard, const struct ms_graph_op *op, struct ms_outcome *outcome)
{
	u32 more = op->sqe->len / (u32)sizeof(struct mmsb_edge), had, data;
	struct ms_node *node = ms_node_at(shard->space, op->index);
	const struct mmsb_edge *edge = op->operand;
	struct ms_hash before = shard->hash;
	enum mmsb_reason reason;

	bring_in_page(shard->space, edge->parent);
	had = node->derivation->edges;
	data = node->derivation->data;
	if (had + more > MMSB_PARENTS_MAX)
		return MMSB_REASON_TOO_MANY_PARENTS;
	bring_in_parents(shard->space, node->derivation);
	reason = derivation_grow(shard, node, had + more);
	if (reason)
		return reason;
	hash_page_out(shard, op->index, true);
	reason = edges_take(shard, node->derivation, edge, more, outcome);
	if (!reason)
		reason = link_more(shard, op, node, had, outcome);
	if (!reason) {
		hash_page_out(shard, op->index, false);
		return reason;
	}
	node->derivation->edges = had;
	node->derivation->data = data;
	shard->hash = before;
	return reason;
}

/* The last edge of `derivation` from that parent; its count of edges if there is none. */
static u32 edge_from(const struct ms_derivation *derivation, u32 parent)
{
	u32 i = derivation->edges;

	while (i-- > 0)
		if (derivation->edge[i].parent == parent)
			return i;
	return derivation->edges;
}

static enum mmsb_reason edges_drop(struct ms_shard *shard, struct ms_derivation *derivation, const u64 *parents, u32 n,
				   struct ms_outcome *outcome)
{
	struct mmsb_line *line;
	u32 i, edge;

	for (i = 0; i < n; i++) {
		edge = derivation->edges;
		if (!ms_page_find(shard->space, parents[i], &line))
			edge = edge_from(derivation, MMSB_PAGE_INDEX(parents[i]));
		if (edge == derivation->edges) {
			outcome->epoch = parents[i];
			return MMSB_REASON_NO_SUCH_EDGE;
		}
		derivation->data -= ms_edge_is_data(derivation->edge[edge].type);
		derivation->edges--;
		for (; edge < derivation->edges; edge++)
			derivation->edge[edge] = derivation->edge[edge + 1];
	}
	return judge_count(derivation->rule, derivation->edges, derivation->data);
}

/* A page that lost a parent was not computed from those that are left, whatever their epochs. */
static void forget_signature(struct ms_derivation *derivation)
{
	u32 i;

	for (i = 0; i < derivation->edges; i++)
		if (ms_edge_is_data(derivation->edge[i].type))
			derivation->edge[i].seen = MS_EDGE_NEVER;
}

static enum mmsb_reason apply_unlink(struct ms_shard *shard, const struct ms_graph_op *op, struct ms_outcome *outcome)
{
	struct ms_derivation *old = ms_node_at(shard->space, op->index)->derivation;
	struct ms_derivation *new = derivation_copy(shard, old, old->edges);
	enum mmsb_reason reason;

	if (!new)
		return MMSB_REASON_NO_MEMORY;
	reason = edges_drop(shard, new, op->operand, op->sqe->len / (u32)sizeof(u64), outcome);
	forget_signature(new);
	if (!reason)
		reason = derive_with(shard, op, new, outcome);
	if (reason)
		ms_derivation_free(shard, new);
	else
		ms_wave_put(shard, op->index);
	return reason;
}

/* ------------------------------------------------------------------------------------------------------------ refresh */

static enum mmsb_reason apply_refresh(struct ms_shard *shard, const struct ms_graph_op *op)
{
	enum mmsb_reason reason = ms_wave_reserve_ask(&shard->graph.wave);

	if (!reason)
		ms_wave_ask(shard, op->index);
	return reason;
}

enum mmsb_reason ms_graph_apply(struct ms_shard *shard, const struct ms_graph_op *op, struct ms_outcome *outcome)
{
	enum mmsb_reason reason = MMSB_REASON_NOT_DERIVED;

	if (op->sqe->op == MMSB_OP_DERIVE)
		reason = apply_derive(shard, op, outcome);
	else if (op->line->kind != MMSB_KIND_DERIVED)
		return reason;
	else if (op->sqe->op == MMSB_OP_UNDERIVE)
		reason = apply_underive(shard, op);
	else if (op->sqe->op == MMSB_OP_LINK)
		reason = apply_link(shard, op, outcome);
	else if (op->sqe->op == MMSB_OP_UNLINK)
		reason = apply_unlink(shard, op, outcome);
	else
		reason = apply_refresh(shard, op);
	return reason;
}

/* ---------------------------------------------------------------------------------------------------------- letting go */

static void turn_index_to_source(struct ms_space *space, u32 index)
{
	struct ms_graph_op op = { .index = index, .line = ms_line_at(space, index) };

	ms_capture_before(space, index);
	turn_to_source(ms_shard_of(space, index), &op);
}

static enum mmsb_reason plan_letting_go(struct ms_plan *plan, u32 index, const struct ms_node *node)
{
	enum mmsb_reason reason = MMSB_REASON_NONE;
	u32 i;

	for (i = 0; !reason && i < node->children; i++)
		reason = ms_plan_give(plan, node->child[i].index, 0);
	if (!reason && node->derivation)
		reason = ms_plan_give(plan, index, 0);
	return reason ? reason : ms_plan_complete(plan);
}

enum mmsb_reason ms_graph_let_go(struct ms_shard *shard, u32 index, bool detach)
{
	struct ms_node *node = ms_node_find(shard->space, index);
	enum mmsb_reason reason;
	struct ms_plan plan;

	if (!node)
		return MMSB_REASON_NONE;
	if (node->children && !detach)
		return MMSB_REASON_HAS_CHILDREN;
	ms_plan_begin(&plan, shard->space);
	reason = plan_letting_go(&plan, index, node);
	if (!reason) {
		while (node->children)
			turn_index_to_source(shard->space, node->child[node->children - 1].index);
		if (node->derivation)
			turn_index_to_source(shard->space, index);
		ms_plan_follow(&plan);
		ms_wave_drop(shard, index);
	}
	ms_plan_end(&plan);
	return reason;
}
