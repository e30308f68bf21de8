// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "wave.h"
#include "capture.h"
#include "node.h"
#include "recompute.h"

#define FIRST_LEVELS	64u
#define FIRST_ASKS	64u
#define ALWAYS_INLINE	inline __attribute__((__always_inline__))

/* --------------------------------------------------------------------------------------------------------------- room */

void ms_wave_free(struct ms_wave *wave)
{
	pf_free(wave->level);
	pf_free(wave->map);
	pf_free(wave->asked);
	memset(wave, 0, sizeof(*wave));
}

void ms_wave_forget(struct ms_wave *wave)
{
	if (wave->levels) {
		memset(wave->level, 0, wave->levels * sizeof(*wave->level));
		memset(wave->map, 0, wave->levels / 64 * sizeof(*wave->map));
	}
	wave->next = 0;
	wave->queued = 0;
	wave->asks = 0;
}

enum mmsb_reason ms_wave_reserve(struct ms_wave *wave, u32 height)
{
	u32 levels = wave->levels ? wave->levels : FIRST_LEVELS, *level;
	u64 *map;

	if (likely(height < wave->levels))
		return MMSB_REASON_NONE;
	while (levels <= height)
		levels *= 2;
	level = pf_alloc(levels * sizeof(*level), -1);
	map = pf_alloc(levels / 64 * sizeof(*map), -1);
	if (!level || !map) {
		pf_free(level);
		pf_free(map);
		return MMSB_REASON_NO_MEMORY;
	}
	if (wave->levels) {
		memcpy(level, wave->level, wave->levels * sizeof(*level));
		memcpy(map, wave->map, wave->levels / 64 * sizeof(*map));
	}
	pf_free(wave->level);
	pf_free(wave->map);
	wave->level = level;
	wave->map = map;
	wave->levels = levels;
	return MMSB_REASON_NONE;
}

enum mmsb_reason ms_wave_reserve_ask(struct ms_wave *wave)
{
	u32 room = wave->asks_room ? 2 * wave->asks_room : FIRST_ASKS, *asked;

	if (likely(wave->asks < wave->asks_room))
		return MMSB_REASON_NONE;
	asked = pf_alloc(room * sizeof(*asked), -1);
	if (!asked)
		return MMSB_REASON_NO_MEMORY;
	if (wave->asks)
		memcpy(asked, wave->asked, wave->asks * sizeof(*asked));
	pf_free(wave->asked);
	wave->asked = asked;
	wave->asks_room = room;
	return MMSB_REASON_NONE;
}

/* ------------------------------------------------------------------------------------------------------------- levels */

static inline void level_add(const struct ms_space *space, struct ms_wave *wave, struct ms_node *node, u32 index)
{
	u32 height = node->height, first = wave->level[height];

	node->flags |= MS_NODE_QUEUED;
	node->prev = 0;
	node->next = first;
	if (first)
		ms_node_at(space, first - 1)->prev = index + 1;
	wave->level[height] = index + 1;
	wave->map[height / 64] |= 1ull << (height % 64);
	if (height < wave->next)
		wave->next = height;
	wave->queued++;
}

static void level_remove(const struct ms_space *space, struct ms_wave *wave, struct ms_node *node)
{
	u32 height = node->height;

	if (node->prev)
		ms_node_at(space, node->prev - 1)->next = node->next;
	else
		wave->level[height] = node->next;
	if (node->next)
		ms_node_at(space, node->next - 1)->prev = node->prev;
	if (!wave->level[height])
		wave->map[height / 64] &= ~(1ull << (height % 64));
	node->flags &= ~MS_NODE_QUEUED;
	wave->queued--;
}

/* The lowest level that has any; there is one. */
static inline u32 level_lowest(const struct ms_wave *wave)
{
	u32 word = wave->next / 64;

	while (!wave->map[word])
		word++;
	return word * 64 + (u32)__builtin_ctzll(wave->map[word]);
}

/* A level is taken as a whole: what its pages put in lies above it. Returns its first page. */
static inline u32 level_take(struct ms_wave *wave, u32 height)
{
	u32 first = wave->level[height];

	wave->level[height] = 0;
	wave->map[height / 64] &= ~(1ull << (height % 64));
	wave->next = height;
	return first;
}

static void level_give_back(const struct ms_space *space, struct ms_wave *wave, u32 height, u32 first)
{
	if (!first)
		return;
	ms_node_at(space, first - 1)->prev = 0;
	wave->level[height] = first;
	wave->map[height / 64] |= 1ull << (height % 64);
}

static inline void wave_add(const struct ms_space *space, struct ms_wave *wave, u32 index, u32 flags)
{
	struct ms_node *node = ms_node_at(space, index);

	if (!(node->flags & MS_NODE_QUEUED))
		level_add(space, wave, node, index);
	node->flags |= flags;
}

void ms_wave_touch(struct ms_shard *shard, u32 index)
{
	wave_add(shard->space, shard->wave, index, MS_NODE_CHANGED);
}

void ms_wave_freshen(struct ms_shard *shard, u32 index)
{
	wave_add(shard->space, shard->wave, index, MS_NODE_FRESH);
}

void ms_wave_put(struct ms_shard *shard, u32 index)
{
	wave_add(shard->space, shard->wave, index, 0);
}

void ms_wave_ask(struct ms_shard *shard, u32 index)
{
	struct ms_node *node = ms_node_at(shard->space, index);
	struct ms_wave *wave = shard->wave;

	if (node->flags & MS_NODE_ASKED)
		return;
	node->flags |= MS_NODE_ASKED;
	wave->asked[wave->asks++] = index;
}

static void ask_drop(struct ms_wave *wave, u32 index)
{
	u32 i = 0;

	while (wave->asked[i] != index)
		i++;
	wave->asked[i] = wave->asked[--wave->asks];
}

void ms_wave_drop(struct ms_shard *shard, u32 index)
{
	struct ms_node *node = ms_node_at(shard->space, index);

	if (node->flags & MS_NODE_QUEUED)
		level_remove(shard->space, shard->wave, node);
	if (node->flags & MS_NODE_ASKED)
		ask_drop(shard->wave, index);
	node->flags &= ~(MS_NODE_CHANGED | MS_NODE_FRESH | MS_NODE_FORCED | MS_NODE_ASKED);
}

void ms_wave_lift(struct ms_space *space, u32 index, u32 height)
{
	struct ms_node *node = ms_node_at(space, index);
	struct ms_wave *wave = ms_shard_of(space, index)->wave;
	bool queued = node->flags & MS_NODE_QUEUED;

	ms_capture_before(space, index);
	if (queued)
		level_remove(space, wave, node);
	node->height = height;
	if (queued)
		level_add(space, wave, node, index);
}

/* ----------------------------------------------------------------------------------------------------------- the wave */

/* What is only told is marked and its watchers hear of it; nothing is computed. */
static void mark_stale(struct ms_space *space, u32 index)
{
	struct mmsb_line *line = ms_line_at(space, index);

	ms_capture_before(space, index);
	pf_write(line->flags, line->flags | MMSB_LINE_STALE);
	ms_shard_mark_as(ms_shard_of(space, index), ms_line_id(line, index), MMSB_EVENT_STALE, line->kind);
}

/* Whoever computes from the page looks again in any case; whoever is only told hears of changed bytes. */
static inline void tell_children(struct ms_space *space, struct ms_wave *wave, const struct ms_node *node, bool changed)
{
	u32 i;

	for (i = 0; i < node->children; i++) {
		struct ms_child child = node->child[i];

		if (ms_edge_is_data(child.type))
			wave_add(space, wave, child.index, 0);
		else if (changed)
			mark_stale(space, child.index);
	}
}

static void fall_behind(const struct ms_space *space, struct ms_wave *wave, u32 index, const struct ms_node *node)
{
	struct mmsb_line *line = ms_line_at(space, index);
	u32 i;

	if (line->flags & MMSB_LINE_BEHIND)
		return;
	pf_write(line->flags, line->flags | MMSB_LINE_BEHIND | MMSB_LINE_STALE);
	ms_shard_mark_as(ms_shard_of(space, index), ms_line_id(line, index), MMSB_EVENT_STALE, line->kind);
	for (i = 0; i < node->children; i++)
		if (ms_edge_is_data(node->child[i].type))
			wave_add(space, wave, node->child[i].index, 0);
}

/* `guarded`: a capture is under way. */
static ALWAYS_INLINE u64 wave_step(struct ms_space *space, struct ms_wave *wave, u32 index, struct ms_node *node, bool guarded)
{
	u32 flags = node->flags;
	u64 cost = node->children + 1;
	bool changed = flags & MS_NODE_CHANGED, fresh = flags & MS_NODE_FRESH;
	enum ms_result result;

	node->flags = flags & ~(MS_NODE_QUEUED | MS_NODE_CHANGED | MS_NODE_FRESH | MS_NODE_FORCED);
	if (node->derivation) {
		if (guarded)
			ms_capture_before(space, index);
		fresh |= ms_line_at(space, index)->flags & MMSB_LINE_BEHIND;
		result = ms_recompute(ms_shard_of(space, index), index, node, flags & MS_NODE_FORCED, &cost);
		changed |= result == MS_DIFFERENT;
		if (unlikely(result == MS_BEHIND)) {
			fall_behind(space, wave, index, node);
			fresh = false;
		}
	}
	if (changed || fresh)
		tell_children(space, wave, node, changed);
	return cost;
}

/* Returns what is left of the budget; 0: the level may not have ended. */
static ALWAYS_INLINE u64 wave_level(struct ms_space *space, struct ms_wave *wave, u32 height, u64 budget, bool guarded)
{
	u32 next = level_take(wave, height);

	while (next) {
		u32 index = next - 1;
		struct ms_node *node = ms_node_at(space, index);
		u64 cost;

		next = node->next;
		wave->queued--;
		cost = wave_step(space, wave, index, node, guarded);
		pf_resched();
		if (unlikely(cost >= budget)) {
			level_give_back(space, wave, height, next);
			return 0;
		}
		budget -= cost;
	}
	return budget;
}

/* From the highest asked for down, whatever is behind before it is asked for too. */
static void demand_level(struct ms_space *space, struct ms_wave *wave, u32 height)
{
	u32 next = wave->level[height], i;

	while (next) {
		struct ms_node *node = ms_node_at(space, next - 1);

		next = node->next;
		for (i = 0; node->derivation && i < node->derivation->edges; i++) {
			const struct ms_edge *edge = &node->derivation->edge[i];

			if (ms_edge_is_data(edge->type) && (ms_line_at(space, edge->parent)->flags & MMSB_LINE_BEHIND))
				wave_add(space, wave, edge->parent, MS_NODE_FORCED);
		}
		pf_resched();
	}
}

static void demand_all(struct ms_space *space, struct ms_wave *wave)
{
	u32 highest = 0, word;

	while (wave->asks) {
		u32 index = wave->asked[--wave->asks];
		struct ms_node *node = ms_node_at(space, index);

		node->flags &= ~MS_NODE_ASKED;
		wave_add(space, wave, index, MS_NODE_FORCED);
		highest = highest > node->height ? highest : node->height;
	}
	for (word = highest / 64 + 1; word-- > 0;) {
		u64 bits = wave->map[word], height;

		/* What a level adds lies below it, perhaps in the same word. */
		for (height = 64; height-- > 0; bits = wave->map[word])
			if (bits >> height & 1)
				demand_level(space, wave, word * 64 + (u32)height);
	}
}

static ALWAYS_INLINE bool wave_run(struct ms_space *space, struct ms_wave *wave, u64 budget, bool guarded)
{
	for (;;) {
		while (wave->queued) {
			budget = wave_level(space, wave, level_lowest(wave), budget, guarded);
			if (unlikely(!budget))
				return ms_wave_is_empty(wave);
		}
		if (likely(!wave->asks))
			break;
		demand_all(space, wave);
	}
	wave->next = wave->levels;
	pf_trace(wave, space, 0ull, space->page->tick);
	return true;
}

/* Twice, so that what no capture guards need not ask for one at each page. */
bool ms_wave_run(struct ms_space *space, struct ms_wave *wave, u64 budget)
{
	return unlikely(space->capture) ? wave_run(space, wave, budget, true) : wave_run(space, wave, budget, false);
}
