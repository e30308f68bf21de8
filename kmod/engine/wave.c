// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "wave.h"
#include "capture.h"
#include "joint.h"
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

static inline void level_link(const struct ms_space *space, struct ms_wave *wave, struct ms_node *node, u32 index)
{
	u32 height = node->height, first = wave->level[height];

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

static inline void level_add(const struct ms_space *space, struct ms_wave *wave, struct ms_node *node, u32 index)
{
	node->flags |= MS_NODE_QUEUED;
	level_link(space, wave, node, index);
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

void ms_wave_take_in(struct ms_shard *shard, u32 first)
{
	while (first) {
		u32 index = first - 1;
		struct ms_node *node = ms_node_at(shard->space, index);

		first = node->next;
		level_link(shard->space, &shard->graph.wave, node, index);
	}
}

static inline void wave_add(const struct ms_space *space, struct ms_wave *wave, u32 index, u32 flags)
{
	struct ms_node *node = ms_node_at(space, index);

	if (!(node->flags & MS_NODE_QUEUED))
		level_add(space, wave, node, index);
	node->flags |= flags;
}

/* For whoever applies: in a meeting it is kept which shards have any. */
static inline void shard_add(struct ms_shard *shard, u32 index, u32 flags)
{
	wave_add(shard->space, &shard->graph.wave, index, flags);
	if (unlikely(shard->space->meeting.open))
		ms_joint_stir(&shard->space->meeting.joint, shard->number);
}

void ms_wave_touch(struct ms_shard *shard, u32 index)
{
	shard_add(shard, index, MS_NODE_CHANGED);
}

void ms_wave_freshen(struct ms_shard *shard, u32 index)
{
	shard_add(shard, index, MS_NODE_FRESH);
}

void ms_wave_put(struct ms_shard *shard, u32 index)
{
	shard_add(shard, index, 0);
}

void ms_wave_ask(struct ms_shard *shard, u32 index)
{
	struct ms_node *node = ms_node_at(shard->space, index);
	struct ms_wave *wave = &shard->graph.wave;

	if (node->flags & MS_NODE_ASKED)
		return;
	node->flags |= MS_NODE_ASKED;
	wave->asked[wave->asks++] = index;
	if (shard->space->meeting.open)
		ms_joint_stir(&shard->space->meeting.joint, shard->number);
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
		level_remove(shard->space, &shard->graph.wave, node);
	if (node->flags & MS_NODE_ASKED)
		ask_drop(&shard->graph.wave, index);
	node->flags &= ~(MS_NODE_CHANGED | MS_NODE_FRESH | MS_NODE_FORCED | MS_NODE_ASKED);
}

void ms_wave_lift(struct ms_space *space, u32 index, u32 height)
{
	struct ms_node *node = ms_node_at(space, index);
	struct ms_wave *wave = &ms_shard_of(space, index)->graph.wave;
	bool queued = node->flags & MS_NODE_QUEUED;

	ms_capture_before(space, index);
	if (queued)
		level_remove(space, wave, node);
	node->height = height;
	if (queued)
		level_add(space, wave, node, index);
}

/* --------------------------------------------------------------------------------------------------------------- steps */

/* Who else is on the way: nobody; the other shards, with the same runner; or the other shards, each with whoever took it. */
enum company { ALONE, TOGETHER, SHARED };

struct step {
	struct ms_space *space;
	struct ms_shard *shard;
	struct ms_hand *hand;			/* if it is SHARED */
	enum company company;
	bool guarded;				/* a capture is under way, the space is audited, or every page is traced */
};

static inline bool pages_are_traced(void)
{
	return pf_traced(recompute) || pf_traced(cut) || pf_traced(skip);
}

/* While no capture is. */
static inline bool is_watched(const struct ms_space *space)
{
	return unlikely(pf_read(space->audit)) || unlikely(pages_are_traced());
}

static inline bool is_guarded(const struct ms_space *space)
{
	return unlikely(space->capture) || is_watched(space);
}

static enum ms_result recompute_watched(struct ms_shard *shard, u32 index, struct ms_node *node, bool forced, u64 *cost)
{
	if (pf_read(shard->space->audit))
		return ms_recompute_in_full(shard, index, node, forced, cost);
	return ms_recompute(shard, index, node, forced, cost);
}

static void trace_page(const struct ms_shard *shard, u32 index, enum ms_result result)
{
	const struct mmsb_line *line = ms_line_at(shard->space, index);
	u64 space = shard->space->id, page = ms_line_id(line, index);

	if (result == MS_DIFFERENT)
		pf_trace(recompute, space, shard->number, page, line->epoch, shard->tick);
	else if (result == MS_SAME)
		pf_trace(cut, space, shard->number, page, line->epoch, shard->tick);
	else if (result == MS_SKIPPED)
		pf_trace(skip, space, shard->number, page, line->epoch, shard->tick);
}

/* What is only told is marked and its watchers hear of it; nothing is computed. */
static void mark_stale(struct ms_space *space, u32 index)
{
	struct mmsb_line *line = ms_line_at(space, index);

	ms_capture_before(space, index);
	pf_write(line->flags, line->flags | MMSB_LINE_STALE);
	ms_shard_mark_as(ms_shard_of(space, index), ms_line_id(line, index), MMSB_EVENT_STALE, line->kind);
}

static ALWAYS_INLINE void put_anywhere(struct ms_space *space, u32 index, u32 flags)
{
	struct ms_node *node = ms_node_at(space, index);
	struct ms_shard *shard;

	if (!(node->flags & MS_NODE_QUEUED)) {
		shard = ms_shard_of(space, index);
		level_add(space, &shard->graph.wave, node, index);
		ms_joint_stir(&space->meeting.joint, shard->number);
	}
	node->flags |= flags;
}

static inline void hand_send(struct ms_hand *hand, u32 shard, struct ms_node *node, u32 index)
{
	node->next = hand->sending[shard];
	hand->sending[shard] = index + 1;
	hand->to[shard / 64] |= 1ull << (shard % 64);
	if (node->height < hand->lowest)
		hand->lowest = node->height;
}

/* The page has left its level, so its link is free. */
static inline void hand_keep(struct ms_hand *hand, struct ms_node *node, u32 index)
{
	node->next = hand->kept;
	hand->kept = index + 1;
}

/* Only one of those who come upon the page at once puts it in; where another has its shard, he sends it there. */
static inline void put_shared(const struct step *step, u32 index)
{
	struct ms_node *node = ms_node_at(step->space, index);
	u32 owner;

	if (pf_read(node->flags) & MS_NODE_QUEUED || pf_or32(&node->flags, MS_NODE_QUEUED) & MS_NODE_QUEUED)
		return;
	owner = ms_space_owner(step->space, index);
	if (owner == step->shard->number)
		level_link(step->space, &step->shard->graph.wave, node, index);
	else
		hand_send(step->hand, owner, node, index);
}

static ALWAYS_INLINE void put_child(const struct step *step, u32 index)
{
	if (step->company == ALONE)
		wave_add(step->space, &step->shard->graph.wave, index, 0);
	else if (step->company == TOGETHER)
		put_anywhere(step->space, index, 0);
	else
		put_shared(step, index);
}

static inline bool is_elsewhere(const struct step *step, u32 index)
{
	return step->company == SHARED && ms_space_owner(step->space, index) != step->shard->number;
}

/* Whoever computes from the page looks again in any case; whoever is only told hears of changed bytes. */
static ALWAYS_INLINE void tell_children(const struct step *step, struct ms_node *node, u32 index, bool changed)
{
	bool later = false;
	u32 i;

	for (i = 0; i < node->children; i++) {
		struct ms_child child = node->child[i];

		if (ms_edge_is_data(child.type))
			put_child(step, child.index);
		else if (changed && is_elsewhere(step, child.index))
			later = true;
		else if (changed)
			mark_stale(step->space, child.index);
	}
	if (unlikely(later))
		hand_keep(step->hand, node, index);
}

void ms_wave_tell_elsewhere(struct ms_space *space, u32 index)
{
	const struct ms_node *node = ms_node_at(space, index);
	u32 here = ms_space_owner(space, index), i;

	for (i = 0; i < node->children; i++)
		if (!ms_edge_is_data(node->child[i].type) && ms_space_owner(space, node->child[i].index) != here)
			mark_stale(space, node->child[i].index);
}

static void fall_behind(const struct step *step, u32 index, const struct ms_node *node)
{
	struct mmsb_line *line = ms_line_at(step->space, index);
	u32 i;

	if (line->flags & MMSB_LINE_BEHIND)
		return;
	pf_write(line->flags, line->flags | MMSB_LINE_BEHIND | MMSB_LINE_STALE);
	ms_shard_mark_as(step->shard, ms_line_id(line, index), MMSB_EVENT_STALE, line->kind);
	for (i = 0; i < node->children; i++)
		if (ms_edge_is_data(node->child[i].type))
			put_child(step, node->child[i].index);
}

static ALWAYS_INLINE u64 take_step(const struct step *step, u32 index, struct ms_node *node)
{
	u32 flags = node->flags;
	u64 cost = node->children + 1;
	bool changed = flags & MS_NODE_CHANGED, fresh = flags & MS_NODE_FRESH;
	enum ms_result result;

	node->flags = flags & ~(MS_NODE_QUEUED | MS_NODE_CHANGED | MS_NODE_FRESH | MS_NODE_FORCED);
	if (node->derivation) {
		if (step->guarded)
			ms_capture_before(step->space, index);
		fresh |= ms_line_at(step->space, index)->flags & MMSB_LINE_BEHIND;
		result = (step->guarded ? recompute_watched : ms_recompute)(step->shard, index, node, flags & MS_NODE_FORCED, &cost);
		if (step->guarded)
			trace_page(step->shard, index, result);
		changed |= result == MS_DIFFERENT;
		if (unlikely(result == MS_BEHIND)) {
			fall_behind(step, index, node);
			fresh = false;
		}
	}
	if (changed || fresh)
		tell_children(step, node, index, changed);
	return cost;
}

/* Returns what is left of the budget; 0: the level may not have ended. */
static ALWAYS_INLINE u64 take_level(const struct step *step, u32 height, u64 budget)
{
	struct ms_wave *wave = &step->shard->graph.wave;
	u32 next = level_take(wave, height);

	while (next) {
		u32 index = next - 1;
		struct ms_node *node = ms_node_at(step->space, index);
		u64 cost;

		next = node->next;
		wave->queued--;
		cost = take_step(step, index, node);
		pf_resched();
		if (unlikely(cost >= budget)) {
			level_give_back(step->space, wave, height, next);
			return 0;
		}
		budget -= cost;
	}
	return budget;
}

static u64 level_alone(struct ms_shard *shard, u32 height, u64 budget)
{
	const struct step step = { .space = shard->space, .shard = shard, .company = ALONE };

	return take_level(&step, height, budget);
}

static u64 level_guarded(struct ms_shard *shard, u32 height, u64 budget)
{
	const struct step step = { .space = shard->space, .shard = shard, .company = ALONE, .guarded = true };

	return take_level(&step, height, budget);
}

u64 ms_wave_level_together(struct ms_shard *shard, u32 height, u64 budget)
{
	const struct step step = { .space = shard->space, .shard = shard, .company = TOGETHER, .guarded = is_guarded(shard->space) };

	pf_runlock_assert(&shard->run);
	return take_level(&step, height, budget);
}

u64 ms_wave_level_shared(struct ms_shard *shard, struct ms_hand *hand, u32 height, u64 budget)
{
	const struct step step = { .space = shard->space, .shard = shard, .hand = hand, .company = SHARED, .guarded = is_watched(shard->space) };

	pf_runlock_assert(&shard->run);
	return take_level(&step, height, budget);
}

/* ---------------------------------------------------------------------------------------------------- the second round */

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
				put_anywhere(space, edge->parent, MS_NODE_FORCED);
		}
		pf_resched();
	}
}

/* Returns the highest level that has any. */
static u32 demand_asked(struct ms_shard *shard)
{
	struct ms_wave *wave = &shard->graph.wave;
	u32 highest = 0;

	while (wave->asks) {
		u32 index = wave->asked[--wave->asks];
		struct ms_node *node = ms_node_at(shard->space, index);

		node->flags &= ~MS_NODE_ASKED;
		put_anywhere(shard->space, index, MS_NODE_FORCED);
		highest = highest > node->height ? highest : node->height;
	}
	return highest;
}

/* Which of these 64 levels has any, in any shard. */
static u64 levels_of_all(const struct ms_space *space, u32 word)
{
	u64 levels = 0;
	u32 i;

	for (i = 0; i < space->nshards; i++)
		if (word < space->shards[i]->graph.wave.levels / 64)
			levels |= space->shards[i]->graph.wave.map[word];
	return levels;
}

static void demand_height(struct ms_space *space, u32 height)
{
	u32 i;

	for (i = 0; i < space->nshards; i++)
		if (height < space->shards[i]->graph.wave.levels)
			demand_level(space, &space->shards[i]->graph.wave, height);
}

void ms_waves_demand(struct ms_space *space)
{
	u32 highest = 0, word, i;

	for (i = 0; i < space->nshards; i++) {
		u32 height = demand_asked(space->shards[i]);

		highest = highest > height ? highest : height;
	}
	for (word = highest / 64 + 1; word-- > 0;) {
		u64 below = ~0ull, levels;

		/* What a level adds lies below it, perhaps in the same word. */
		while ((levels = levels_of_all(space, word) & below)) {
			u32 bit = 63 - (u32)__builtin_clzll(levels);

			demand_height(space, word * 64 + bit);
			below = (1ull << bit) - 1;
		}
	}
}

/* ----------------------------------------------------------------------------------------------------------- the wave */

static u64 pages_looked_at(const struct ms_shard *shard)
{
	return shard->graph.recomputed + shard->graph.skipped;
}

static void trace_begin(struct ms_shard *shard)
{
	struct ms_wave *wave = &shard->graph.wave;

	if (ms_wave_is_empty(wave) || wave->told.tick == shard->tick)
		return;
	wave->told = (struct ms_wave_told){ .tick = shard->tick, .before = pages_looked_at(shard) };
	pf_trace(wave_begin, shard->space->id, shard->number, shard->tick, wave->queued + wave->asks);
}

/* The last level of a round is its highest, but the second round may end lower than the first. */
static void note_depth(struct ms_wave *wave)
{
	if (wave->next != MS_WAVE_NONE && wave->next > wave->told.depth)
		wave->told.depth = wave->next;
}

static void trace_end(struct ms_shard *shard)
{
	struct ms_wave_told *told = &shard->graph.wave.told;

	note_depth(&shard->graph.wave);
	if (told->tick == shard->tick)
		pf_trace(wave_end, shard->space->id, shard->number, shard->tick, pages_looked_at(shard) - told->before, told->depth);
	told->tick = 0;
}

bool ms_wave_run(struct ms_shard *shard, u64 budget)
{
	bool guarded = is_guarded(shard->space);
	u64 (*level)(struct ms_shard *shard, u32 height, u64 budget) = unlikely(guarded) ? level_guarded : level_alone;
	struct ms_wave *wave = &shard->graph.wave;

	if (unlikely(pf_traced(wave_begin) || pf_traced(wave_end)))
		trace_begin(shard);
	for (;;) {
		while (wave->queued) {
			budget = level(shard, ms_wave_lowest(wave), budget);
			if (unlikely(!budget))
				return ms_wave_is_empty(wave);
		}
		if (likely(!wave->asks))
			break;
		note_depth(wave);
		ms_waves_demand(shard->space);
	}
	if (unlikely(wave->told.tick))
		trace_end(shard);
	wave->next = MS_WAVE_NONE;
	return true;
}
