// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "space.h"
#include "history.h"
#include "meet.h"
#include "node.h"
#include "pass.h"
#include "quota.h"
#include "replay.h"
#include "ring.h"
#include "route.h"

#define LINES_A_BLOCK	(1ull << MS_BLOCK_SHIFT)
#define ARENA_MAX	(1ull << 40)

/* --------------------------------------------------------------------------------------------------------------- life */

/* Any shard may come to hold every page, and each has only every nshards-th block to hold them in. */
static u64 space_lines(const struct ms_space_config *config)
{
	return (config->max_pages + LINES_A_BLOCK - 1) / LINES_A_BLOCK * config->shards * LINES_A_BLOCK;
}

static enum mmsb_reason config_check(const struct ms_space_config *config)
{
	if (!config->shards || config->shards > MMSB_SHARDS_MAX)
		return MMSB_REASON_BAD_SHARDS;
	if (!config->max_pages || config->max_pages > ~0u || space_lines(config) > ~0u)
		return MMSB_REASON_BAD_LIMIT;
	if (!config->max_bytes || config->max_bytes > ARENA_MAX || !config->max_rings)
		return MMSB_REASON_BAD_LIMIT;
	return MMSB_REASON_NONE;
}

static enum mmsb_reason space_open_shards(struct ms_space *space, const struct ms_space_config *config)
{
	enum mmsb_reason reason = MMSB_REASON_NONE;
	u32 i;

	space->shards = pf_alloc(space->nshards * sizeof(*space->shards), -1);
	if (!space->shards)
		return MMSB_REASON_NO_MEMORY;
	for (i = 0; !reason && i < space->nshards; i++)
		reason = ms_shard_create(space, i, config->node_of ? config->node_of(config->arg, i) : -1, &space->shards[i]);
	return reason;
}

static void space_close_shards(struct ms_space *space)
{
	u32 i;

	for (i = 0; space->shards && i < space->nshards; i++)
		if (space->shards[i])
			ms_shard_free(space->shards[i]);
	pf_free(space->shards);
}

static void space_describe(struct ms_space *space)
{
	space->page->abi = MMSB_ABI_VERSION;
	space->page->shards = space->nshards;
	space->page->directory_bytes = ms_region_bytes(&space->directory);
	space->page->arena_bytes = ms_region_bytes(&space->arena.region);
	space->page->max_pages = space->made_for_pages;
}

enum mmsb_reason ms_space_create(const struct ms_space_config *config, struct ms_space **out)
{
	enum mmsb_reason reason = config_check(config);
	struct ms_space *space;

	if (reason)
		return reason;
	space = pf_alloc(sizeof(*space), -1);
	if (!space)
		return MMSB_REASON_NO_MEMORY;
	space->nshards = config->shards;
	space->shard_magic = ((1ull << MS_FRACTION) + config->shards - 1) / config->shards;
	space->lines = space_lines(config);
	ms_quota_open(space, config);
	space->tell = config->tell;
	space->press = config->press;
	space->arg = config->arg;
	space->hashing = config->hash;
	space->pollers = config->pollers;
	space->lazy = config->lazy;
	if (config->shut)
		ms_replay_shut(space);
	space->audit = config->audit;
	pf_mutex_init(&space->timing.lock);
	pf_mutex_init(&space->control);
	pf_mutex_init(&space->mutex);
	pf_mutex_init(&space->listeners.lock);
	ms_log_init(space);
	reason = MMSB_REASON_NO_MEMORY;
	if (pf_shared_alloc(&space->page_memory, 4096, -1))
		goto no_page;
	space->page = pf_shared_ptr(&space->page_memory);
	reason = ms_region_open(&space->directory, space->lines * sizeof(struct mmsb_line));
	if (reason)
		goto no_directory;
	reason = ms_arena_open(&space->arena, config->max_bytes);
	if (reason)
		goto no_arena;
	reason = space_open_shards(space, config);
	if (reason)
		goto no_shards;
	reason = ms_joint_open(space);
	if (reason)
		goto no_shards;
	reason = config->timing ? ms_timing_open(space) : MMSB_REASON_NONE;
	if (reason)
		goto no_timing;
	space_describe(space);
	*out = space;
	return MMSB_REASON_NONE;

no_timing:
	ms_joint_close(space);
no_shards:
	space_close_shards(space);
	ms_arena_close(&space->arena);
no_arena:
	ms_region_close(&space->directory);
no_directory:
	pf_shared_free(&space->page_memory);
no_page:
	ms_log_free(space);
	pf_mutex_destroy(&space->timing.lock);
	pf_mutex_destroy(&space->listeners.lock);
	pf_mutex_destroy(&space->mutex);
	pf_mutex_destroy(&space->control);
	pf_free(space);
	return reason;
}

void ms_space_identify(struct ms_space *space, u64 id)
{
	pf_write(space->id, id);
}

void ms_space_destroy(struct ms_space *space)
{
	ms_log_free(space);
	ms_nodes_forget(space);
	ms_joint_close(space);
	ms_slabs_forget(space);
	space_close_shards(space);
	ms_quota_forget(space);
	ms_arena_close(&space->arena);
	ms_region_close(&space->directory);
	pf_shared_free(&space->page_memory);
	pf_mutex_destroy(&space->timing.lock);
	pf_mutex_destroy(&space->listeners.lock);
	pf_mutex_destroy(&space->mutex);
	pf_mutex_destroy(&space->control);
	pf_free(space);
}

/* ------------------------------------------------------------------------------------------------------- all shards */

static bool set_has(const u64 *set, u32 shard)
{
	return !set || (set[shard / 64] >> (shard % 64) & 1);
}

void ms_space_stop(struct ms_space *space, const u64 *set)
{
	u32 i;

	pf_mutex_lock(&space->control);
	for (i = 0; i < space->nshards; i++)
		if (set_has(set, i))
			pf_write(space->shards[i]->wanted, 1);
	for (i = 0; i < space->nshards; i++)
		if (set_has(set, i))
			pf_runlock_lock_nested(&space->shards[i]->run, &space->control);
}

void ms_space_go(struct ms_space *space, const u64 *set)
{
	u32 i;

	for (i = space->nshards; i-- > 0;)
		if (set_has(set, i)) {
			pf_write(space->shards[i]->wanted, 0);
			pf_runlock_unlock(&space->shards[i]->run);
		}
	pf_mutex_unlock(&space->control);
	for (i = 0; i < space->nshards; i++)
		if (set_has(set, i))
			ms_shard_settle(space->shards[i]);
}

static void leave_one(struct ms_shard *shard, struct ms_todo *todo)
{
	if (!pf_read(shard->kicked))
		return;
	if (shard->space->pollers)
		pf_shard_kick(&shard->home);
	else
		ms_todo_add(todo, shard);
}

void ms_space_leave(struct ms_space *space, struct ms_todo *todo)
{
	u32 i;

	for (i = space->nshards; i-- > 0;) {
		pf_write(space->shards[i]->wanted, 0);
		pf_runlock_unlock(&space->shards[i]->run);
	}
	pf_mutex_unlock(&space->control);
	pf_mb();		/* partner: shard_enter() */
	for (i = 0; i < space->nshards; i++)
		leave_one(space->shards[i], todo);
}

/* -------------------------------------------------------------------------------------------------------------- reset */

static void shard_reset_graph(struct ms_graph *graph)
{
	ms_wave_forget(&graph->wave);
	graph->foreign = 0;
	pf_write(graph->derived, 0);
	pf_write(graph->edges, 0);
	pf_write(graph->memory, 0);
	pf_write(graph->recomputed, 0);
	pf_write(graph->skipped, 0);
	pf_write(graph->cut, 0);
	pf_write(graph->suspect, 0);
}

static void shard_reset(struct ms_shard *shard)
{
	shard->lines.returned = 0;
	shard->lines.quota = 0;
	shard->lines.fresh = 0;
	pf_write(shard->lines.live, 0);
	shard->lines.changes++;
	memset(shard->slabs.room, 0, sizeof(shard->slabs.room));
	pf_write(shard->slabs.memory, 0);
	memset(&shard->hash, 0, sizeof(shard->hash));
	pf_write(shard->deltas, 0);
	shard_reset_graph(&shard->graph);
	pf_write(shard->tick, 0);
	ms_pass_wake_watchers(shard);
}

/*
 * The directory's memory stays, because readers and watchers look there without a lock; and seq goes on rising, so that no reader who
 * began before the reset can take what he finds after it for unchanged.
 */
static void directory_reset(struct ms_space *space)
{
	u64 block, seq;
	u32 i;

	for (block = 0; block < space->directory.chunks; block++) {
		struct mmsb_line *line = ms_region_chunk(&space->directory, block);

		for (i = 0; line && i < LINES_A_BLOCK; i++, line++) {
			seq = line->seq;
			if (!seq)
				continue;
			ms_page_begin(line);
			pf_zero((u8 *)line + sizeof(line->seq), sizeof(*line) - sizeof(line->seq));
			pf_release(&line->seq, seq + 2);
		}
		pf_resched();
	}
}

enum mmsb_reason ms_space_reset(struct ms_space *space)
{
	enum mmsb_reason reason;
	struct ms_mark mark;
	u32 i;

	ms_space_stop(space, NULL);
	ms_meet_settle(space);
	reason = space->log.history ? MMSB_REASON_LOGGED : ms_history_mark(space, &mark);
	if (reason) {
		ms_space_go(space, NULL);
		return reason;
	}
	ms_history_reset(space, &mark);
	ms_nodes_forget(space);
	pf_mutex_lock(&space->mutex);
	ms_slabs_forget(space);
	directory_reset(space);
	ms_quota_forget(space);
	ms_arena_empty(&space->arena);
	pf_mutex_unlock(&space->mutex);
	pf_write(space->page->tick, 0);
	pf_write(space->page->closed, 0);
	pf_write(space->page->durable, 0);
	pf_write(space->page->incarnation, space->page->incarnation + 1);
	pf_write(space->meeting.count, 0);
	pf_write(space->meeting.joint.shared, 0);
	space->meeting.graph = false;
	ms_replay_reset(space);
	ms_joint_forget(space);
	ms_timing_clear(space);
	for (i = 0; i < space->nshards; i++)
		shard_reset(space->shards[i]);
	ms_events_tell_reset(space);
	ms_space_go(space, NULL);
	return MMSB_REASON_NONE;
}

void ms_space_audit(struct ms_space *space, u32 every)
{
	pf_write(space->audit, every);
}

/* --------------------------------------------------------------------------------------------------------------- hash */

static void hash_add(struct ms_hash *to, const struct ms_hash *from)
{
	to->sum[0] += from->sum[0];
	to->sum[1] += from->sum[1];
}

/* Every page of the block that begins at `first`. */
static void hash_block(const struct ms_space *space, u32 first, struct ms_hash *hash)
{
	const struct mmsb_line *line = ms_region_chunk(&space->directory, first >> MS_BLOCK_SHIFT);
	u32 i;

	for (i = 0; line && i < LINES_A_BLOCK; i++)
		if (line[i].kind != MMSB_KIND_NONE)
			ms_page_hash(space, ms_line_id(&line[i], first + i), &line[i], hash, false);
}

static void hash_shard(const struct ms_space *space, u32 shard, struct ms_hash *hash)
{
	u64 first;

	memset(hash, 0, sizeof(*hash));
	for (first = (u64)shard << MS_BLOCK_SHIFT; first < space->lines; first += LINES_A_BLOCK * space->nshards)
		hash_block(space, (u32)first, hash);
}

static enum mmsb_reason space_switch_hash(struct ms_space *space, bool on)
{
	struct ms_mark mark;
	enum mmsb_reason reason = ms_history_mark(space, &mark);
	u32 i;

	if (reason)
		return reason;
	for (i = 0; i < space->nshards; i++) {
		if (on && !space->hashing)
			hash_shard(space, i, &space->shards[i]->hash);
		space->shards[i]->hashing = on;
	}
	pf_write(space->hashing, on);
	ms_history_switch(space, &mark);
	return reason;
}

enum mmsb_reason ms_space_hash(struct ms_space *space, u32 flags, u64 hash[2], u64 *tick, bool *off)
{
	struct ms_hash sum = { { 0 } }, part;
	enum mmsb_reason reason = MMSB_REASON_NONE;
	u32 i;

	ms_space_stop(space, NULL);
	ms_meet_settle(space);
	if (flags & (MMSB_HASH_ON | MMSB_HASH_OFF))
		reason = space_switch_hash(space, flags & MMSB_HASH_ON);
	*off = !space->hashing && !(flags & MMSB_HASH_RECOMPUTE);
	for (i = 0; i < space->nshards && !*off; i++) {
		part = space->shards[i]->hash;
		if (flags & MMSB_HASH_RECOMPUTE)
			hash_shard(space, i, &part);
		hash_add(&sum, &part);
	}
	hash[0] = sum.sum[0];
	hash[1] = sum.sum[1];
	*tick = space->page->tick;
	ms_space_go(space, NULL);
	return reason;
}

/* ---------------------------------------------------------------------------------------------------- what homes map */

struct ms_region *ms_space_directory(struct ms_space *space)
{
	return &space->directory;
}

struct ms_region *ms_space_arena(struct ms_space *space)
{
	return &space->arena.region;
}

struct pf_shared *ms_space_page(struct ms_space *space)
{
	return &space->page_memory;
}
