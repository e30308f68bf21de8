// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "recompute.h"

/* ---------------------------------------------------------------------------------------------------------------- desk */

#define FIRST_PARENTS	64u

enum mmsb_reason ms_desk_reserve(struct ms_shard *shard, u32 parents)
{
	struct ms_desk *desk = shard->graph.desk;
	struct ms_parent *parent;
	u32 room = FIRST_PARENTS;

	if (!desk) {
		desk = pf_alloc(sizeof(*desk), shard->node);
		if (!desk)
			return MMSB_REASON_NO_MEMORY;
		desk->call.context = shard->space;
		shard->graph.desk = desk;
	}
	if (parents <= desk->room)
		return MMSB_REASON_NONE;
	while (room < parents)
		room *= 2;
	parent = pf_alloc(room * sizeof(*parent), shard->node);
	if (!parent)
		return MMSB_REASON_NO_MEMORY;
	pf_free(desk->parent);
	desk->parent = parent;
	desk->room = room;
	return MMSB_REASON_NONE;
}

enum mmsb_reason ms_desk_reserve_whole(struct ms_shard *shard, u64 bytes)
{
	struct ms_desk *desk = shard->graph.desk;
	u64 room = (bytes + MS_RULE_PIECE - 1) & ~(u64)(MS_RULE_PIECE - 1);
	u64 *whole, *again;

	if (room <= desk->whole_room)
		return MMSB_REASON_NONE;
	whole = pf_alloc(room, shard->node);
	again = pf_alloc(room, shard->node);
	if (!whole || !again) {
		pf_free(whole);
		pf_free(again);
		return MMSB_REASON_NO_MEMORY;
	}
	pf_free(desk->whole[0]);
	pf_free(desk->whole[1]);
	desk->whole[0] = whole;
	desk->whole[1] = again;
	desk->whole_room = room;
	return MMSB_REASON_NONE;
}

void ms_desk_free(struct ms_shard *shard)
{
	struct ms_desk *desk = shard->graph.desk;

	if (!desk)
		return;
	pf_free(desk->parent);
	pf_free(desk->whole[0]);
	pf_free(desk->whole[1]);
	pf_free(desk);
	shard->graph.desk = NULL;
}

/* ---------------------------------------------------------------------------------------------------------- parents */

const u8 *ms_parent_bytes(const struct ms_rule_call *call, u32 parent, u64 offset, u64 *n)
{
	const struct ms_space *space = call->context;
	const struct ms_parent *from = &call->parent[parent];
	u64 at = from->handle + offset, run = PF_CHUNK - (at & (PF_CHUNK - 1)), left = from->size - offset;

	*n = run < left ? run : left;
	if (unlikely(from->size > PF_CHUNK) && !ms_region_chunk(&space->arena.region, at >> PF_CHUNK_SHIFT))
		return NULL;
	return ms_region_at(&space->arena.region, at);
}

struct look {
	u32 parents;
	bool due, behind;
};

/* Lays the parents out on the desk, and sees whether they are as they were. */
static inline struct look look_at_parents(const struct ms_space *space, struct ms_parent *parent,
					  const struct ms_derivation *derivation)
{
	u64 moved = 0;
	u32 n = 0, flags = 0, i;

	for (i = 0; i < derivation->edges; i++) {
		const struct ms_edge *edge = &derivation->edge[i];
		const struct mmsb_line *line;

		if (unlikely(!ms_edge_is_data(edge->type)))
			continue;
		line = ms_line_at(space, edge->parent);
		parent[n].size = line->size;
		parent[n].weight = edge->weight;
		parent[n].bytes = line->size > PF_CHUNK ? NULL : ms_region_at(&space->arena.region, line->place);
		parent[n].handle = line->place;
		moved |= line->epoch ^ edge->seen;
		flags |= line->flags;
		n++;
	}
	return (struct look){ .parents = n, .due = moved, .behind = flags & MMSB_LINE_BEHIND };
}

static inline void keep_signature(const struct ms_space *space, struct ms_derivation *derivation)
{
	u32 i;

	for (i = 0; i < derivation->edges; i++) {
		struct ms_edge *edge = &derivation->edge[i];

		if (likely(ms_edge_is_data(edge->type)))
			edge->seen = ms_line_at(space, edge->parent)->epoch;
	}
}

/* ---------------------------------------------------------------------------------------------------------- computing */

struct computing {
	struct ms_shard *shard;
	struct ms_desk *desk;
	struct mmsb_line *line;
	u64 page;
	struct ms_hash_key key;			/* once it has changed, and only if the space is hashed */
	bool changed, suspect;
};

static inline void run_rule(struct computing *computing, const struct ms_rule *rule, u64 *out)
{
	struct ms_rule_call *call = &computing->desk->call;

	call->out = out;
	out[(call->bytes - 1) / 8] = 0;		/* behind a page's last byte its last word holds zeros */
	rule->run(call);
}

/* Twice, when it is this recompute's turn to be audited; what the first time gave counts. */
static void audit(struct computing *computing, const struct ms_rule *rule, const u64 *piece, u64 *again)
{
	run_rule(computing, rule, again);
	if (memcmp(piece, again, computing->desk->call.bytes))
		computing->suspect = true;
}

static inline void begin_change(struct computing *computing)
{
	if (computing->changed)
		return;
	computing->changed = true;
	ms_page_begin(computing->line);
	if (computing->shard->hashing)
		computing->key = ms_hash_key(computing->page);
}

static void store_words(struct computing *computing, u64 *words, const u64 *piece, u32 count)
{
	u64 first = computing->desk->call.offset / 8;
	u32 i;

	for (i = 0; i < count; i++) {
		if (piece[i] == words[i])
			continue;
		ms_hash_word(&computing->shard->hash, &computing->key, first + i, words[i], piece[i]);
		pf_store_word(&words[i], piece[i]);
	}
}

static inline void store_piece(struct computing *computing, const u64 *piece)
{
	u32 count = (computing->desk->call.bytes + 7) / 8;
	u64 *words = ms_region_at(&computing->shard->space->arena.region, computing->line->place + computing->desk->call.offset);

	if (!ms_words_differ(words, piece, count))
		return;
	begin_change(computing);
	if (unlikely(computing->shard->hashing))
		store_words(computing, words, piece, count);
	else
		pf_store(words, piece, count * 8ul);
}

static inline void compute_page(struct computing *computing, const struct ms_rule *rule, bool audited)
{
	struct ms_desk *desk = computing->desk;
	struct ms_rule_call *call = &desk->call;
	u64 left = call->size;

	for (call->offset = 0; ; call->offset += MS_RULE_PIECE) {
		call->bytes = left < MS_RULE_PIECE ? (u32)left : MS_RULE_PIECE;
		run_rule(computing, rule, desk->piece);
		if (unlikely(audited))
			audit(computing, rule, desk->piece, desk->again);
		store_piece(computing, desk->piece);
		left -= call->bytes;
		if (likely(!left))
			break;
		pf_resched();
	}
}

static void compute_whole(struct computing *computing, const struct ms_rule *rule, bool audited)
{
	struct ms_desk *desk = computing->desk;
	struct ms_rule_call *call = &desk->call;
	u64 left = call->size;

	call->offset = 0;
	call->bytes = (u32)call->size;
	run_rule(computing, rule, desk->whole[0]);
	if (unlikely(audited))
		audit(computing, rule, desk->whole[0], desk->whole[1]);
	for (; left; call->offset += MS_RULE_PIECE, left -= call->bytes) {
		call->bytes = left < MS_RULE_PIECE ? (u32)left : MS_RULE_PIECE;
		store_piece(computing, desk->whole[0] + call->offset / 8);
		pf_resched();
	}
}

static bool is_audited(struct ms_shard *shard)
{
	u32 every = pf_read(shard->space->audit);

	return unlikely(every) && shard->graph.recomputed % every == 0;
}

static void blame(struct ms_shard *shard, struct ms_node *node, u64 page)
{
	node->flags |= MS_NODE_SUSPECT;
	pf_write(shard->graph.suspect, shard->graph.suspect + 1);
	pf_complain("rule %s, version %u, made two different results for page %llu from the same parents: it is not pure",
		    node->derivation->rule->name, node->derivation->rule->version, page);
}

static inline void call_lay_out(const struct ms_derivation *derivation, const struct mmsb_line *line, struct ms_desk *desk,
				u32 parents)
{
	struct ms_rule_call *call = &desk->call;

	call->parent = desk->parent;
	call->parents = parents;
	call->lane = derivation->lane;
	call->saturate = derivation->flags & MMSB_DERIVE_SATURATE;
	call->param = derivation->param;
	call->size = line->size;
	call->data = derivation->rule->data;
}

static enum ms_result compute(struct ms_shard *shard, struct mmsb_line *line, u32 index, struct ms_node *node, u32 parents)
{
	struct ms_derivation *derivation = node->derivation;
	struct computing computing;

	computing.shard = shard;
	computing.desk = shard->graph.desk;
	computing.line = line;
	computing.page = ms_line_id(line, index);
	computing.key = (struct ms_hash_key){ { 0 } };
	computing.changed = false;
	computing.suspect = false;
	call_lay_out(derivation, line, computing.desk, parents);
	if (unlikely(derivation->rule->whole))
		compute_whole(&computing, derivation->rule, is_audited(shard));
	else
		compute_page(&computing, derivation->rule, is_audited(shard));
	keep_signature(shard->space, derivation);
	pf_write(shard->graph.recomputed, shard->graph.recomputed + 1);
	if (unlikely(computing.suspect))
		blame(shard, node, computing.page);
	if (!computing.changed) {
		pf_write(shard->graph.cut, shard->graph.cut + 1);
		return MS_SAME;
	}
	ms_page_end(line, line->seq, shard->tick);
	if (unlikely(shard->hashing))
		ms_hash_epochs(&shard->hash, &computing.key, 1);
	ms_shard_mark(shard, computing.page);
	return MS_DIFFERENT;
}

/* ------------------------------------------------------------------------------------------------------- the short way */

#define PLAIN_BYTES	512u
#define PLAIN_PARENTS	64u

static bool edge_is_plain(const struct ms_space *space, const struct ms_edge *edge, u64 size, u64 mask, u64 neutral)
{
	return ms_edge_is_data(edge->type) && (edge->weight & mask) == neutral && ms_line_at(space, edge->parent)->size >= size;
}

/* A page's size and its parents' stand as long as it follows them, so this is decided once. */
void ms_recompute_prepare(const struct ms_space *space, const struct mmsb_line *line, struct ms_derivation *derivation, u32 first)
{
	const struct ms_rule *rule = derivation->rule;
	bool was_plain = derivation->plain;
	u64 mask, neutral;
	u32 i;

	derivation->plain = false;
	if (first && !was_plain)
		return;
	if (!rule->plain || line->size > PLAIN_BYTES || line->size % 8 || derivation->edges > PLAIN_PARENTS)
		return;
	if (space->lazy || (derivation->flags & MMSB_DERIVE_LAZY))
		return;
	if (!rule->plain(rule->number, derivation->lane, derivation->flags & MMSB_DERIVE_SATURATE))
		return;
	neutral = rule->neutral(rule->number, derivation->lane, &mask);
	for (i = first; i < derivation->edges; i++)
		if (!edge_is_plain(space, &derivation->edge[i], line->size, mask, neutral))
			return;
	derivation->plain = true;
}

/* What a parent holds; that it was seen is kept. */
static inline const u64 *plain_parent(const struct ms_space *space, struct ms_edge *edge, const struct mmsb_line *line)
{
	edge->seen = line->epoch;
	return ms_region_at(&space->arena.region, line->place);
}

/* On the desk, what all parents make together. */
static __attribute__((__noinline__)) const u64 *plain_fold(const struct ms_shard *shard, struct ms_derivation *derivation,
							   const u64 *first, u32 size)
{
	const struct ms_rule *rule = derivation->rule;
	ms_plain_fold fold = rule->plain(rule->number, derivation->lane, derivation->flags & MMSB_DERIVE_SATURATE);
	u32 lanes = size / ms_rule_lane_bytes(derivation->lane), i;
	u64 *piece = shard->graph.desk->piece;

	memcpy(piece, first, size);
	for (i = 1; i < derivation->edges; i++) {
		struct ms_edge *edge = &derivation->edge[i];

		fold(piece, plain_parent(shard->space, edge, ms_line_at(shard->space, edge->parent)), lanes);
	}
	return piece;
}

static inline const u64 *plain_bytes(const struct ms_shard *shard, struct ms_derivation *derivation, const struct mmsb_line *first,
				     u32 size)
{
	const u64 *bytes = plain_parent(shard->space, &derivation->edge[0], first);

	return likely(derivation->edges == 1) ? bytes : plain_fold(shard, derivation, bytes, size);
}

static void plain_hash(struct ms_shard *shard, u64 page, const u64 *old, const u64 *new, u32 words)
{
	struct ms_hash_key key = ms_hash_key(page);
	u32 i;

	for (i = 0; i < words; i++)
		if (old[i] != new[i])
			ms_hash_word(&shard->hash, &key, i, old[i], new[i]);
	ms_hash_epochs(&shard->hash, &key, 1);
}

static inline bool words_differ(const u64 *a, const u64 *b, u32 words)
{
	const u64 *end = a + words;

	for (; a < end; a++, b++)
		if (*a != *b)
			return true;
	return false;
}

/* Most pages are small, and a call would cost more than what it copies. */
static inline void plain_copy(u64 *words, const u64 *bytes, u32 count)
{
	if (likely(count == 8))
		pf_store(words, bytes, 64);
	else
		pf_store(words, bytes, count * 8ul);
}

/* True: a parent moved on. Most pages have one, so the first one's line is found once for all. */
static inline bool plain_is_due(const struct ms_space *space, const struct ms_derivation *derivation,
				const struct mmsb_line *first, u32 *flags)
{
	const struct ms_edge *edge = derivation->edge, *end = edge + derivation->edges;
	u64 moved = first->epoch ^ edge->seen;

	*flags |= first->flags;
	while (++edge < end) {
		const struct mmsb_line *line = ms_line_at(space, edge->parent);

		*flags |= line->flags;
		moved |= line->epoch ^ edge->seen;
	}
	return moved;
}

static inline enum ms_result plain_store(struct ms_shard *shard, struct mmsb_line *line, u64 page, const u64 *bytes)
{
	u64 *words = ms_region_at(&shard->space->arena.region, line->place), seq;
	u32 count = line->size / 8;

	if (!words_differ(words, bytes, count)) {
		pf_write(shard->graph.cut, shard->graph.cut + 1);
		return MS_SAME;
	}
	if (unlikely(shard->hashing))
		plain_hash(shard, page, words, bytes, count);
	seq = ms_page_begin(line);
	plain_copy(words, bytes, count);
	ms_page_end(line, seq, shard->tick);
	ms_shard_mark(shard, page);
	return MS_DIFFERENT;
}

/* False: it has to go the long way. */
static inline bool recompute_plain(struct ms_shard *shard, struct mmsb_line *line, u32 index, struct ms_derivation *derivation,
				   enum ms_result *result)
{
	const struct mmsb_line *first = ms_line_at(shard->space, derivation->edge[0].parent);
	u32 flags = line->flags;

	if (!plain_is_due(shard->space, derivation, first, &flags) || unlikely(flags & (MMSB_LINE_BEHIND | MMSB_LINE_STALE)))
		return false;
	*result = plain_store(shard, line, ms_line_id(line, index), plain_bytes(shard, derivation, first, line->size));
	pf_write(shard->graph.recomputed, shard->graph.recomputed + 1);
	return true;
}

/* --------------------------------------------------------------------------------------------------------------- a page */

static __attribute__((__noinline__)) enum ms_result recompute_in_full(struct ms_shard *shard, struct mmsb_line *line, u32 index,
								      struct ms_node *node, bool forced, u64 *cost)
{
	struct ms_derivation *derivation = node->derivation;
	bool lazy = shard->space->lazy || (derivation->flags & MMSB_DERIVE_LAZY);
	enum ms_result result = MS_SKIPPED;
	struct look look;

	pf_runlock_assert(&shard->run);
	look = look_at_parents(shard->space, shard->graph.desk->parent, derivation);
	if (look.behind || (lazy && look.due && !forced))
		return MS_BEHIND;
	if (look.due && derivation->data) {
		*cost += ((u64)line->size + 7) / 8 * derivation->data;
		result = compute(shard, line, index, node, look.parents);
	} else {
		pf_write(shard->graph.skipped, shard->graph.skipped + 1);
	}
	if (unlikely(line->flags & (MMSB_LINE_BEHIND | MMSB_LINE_STALE)))
		pf_write(line->flags, line->flags & ~(MMSB_LINE_BEHIND | MMSB_LINE_STALE));
	return result;
}

enum ms_result ms_recompute(struct ms_shard *shard, u32 index, struct ms_node *node, bool forced, u64 *cost)
{
	struct mmsb_line *line = ms_line_at(shard->space, index);
	enum ms_result result;

	*cost += node->derivation->edges;
	if (likely(node->derivation->plain) && likely(recompute_plain(shard, line, index, node->derivation, &result)))
		return result;
	return recompute_in_full(shard, line, index, node, forced, cost);
}

enum ms_result ms_recompute_in_full(struct ms_shard *shard, u32 index, struct ms_node *node, bool forced, u64 *cost)
{
	*cost += node->derivation->edges;
	return recompute_in_full(shard, ms_line_at(shard->space, index), index, node, forced, cost);
}
