// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Figures for those who look from outside: each is right for itself, at some moment during the call. No lock of a hot path is taken. */
#include "log.h"
#include "ring.h"
#include "space.h"

static u64 space_memory(struct ms_space *space)
{
	u64 memory = sizeof(*space) + 4096 + space->ring_memory + space->route_memory + space->watch_memory;

	memory += ms_timing_memory(space) + ms_region_memory(&space->directory) + ms_region_memory(&space->arena.region);
	memory += (space->arena.region.chunks + 63) / 64 * 8;
	memory += space->nshards * (sizeof(struct ms_shard *) + ms_shard_memory(space)) + ms_joint_memory(space);
	return memory;
}

void ms_shard_stat(struct ms_shard *shard, struct ms_shard_stat *stat)
{
	const struct ms_graph *graph = &shard->graph;

	*stat = (struct ms_shard_stat){
		.pages = pf_read(shard->lines.live),
		.memory = pf_read(shard->slabs.memory) + pf_read(graph->memory),
		.deltas = pf_read(shard->deltas),
		.tick = pf_read(shard->tick),
		.derived = pf_read(graph->derived),
		.edges = pf_read(graph->edges),
		.recomputed = pf_read(graph->recomputed),
		.skipped = pf_read(graph->skipped),
		.cut = pf_read(graph->cut),
		.suspect = pf_read(graph->suspect),
		.held = pf_read(shard->held),
		.node = shard->node,
		.asleep = pf_read(shard->asleep),
	};
}

static void stat_add(struct ms_space_stat *sum, const struct ms_shard_stat *part)
{
	sum->pages += part->pages;
	sum->memory += part->memory;
	sum->deltas += part->deltas;
	sum->derived += part->derived;
	sum->edges += part->edges;
	sum->recomputed += part->recomputed;
	sum->skipped += part->skipped;
	sum->cut += part->cut;
	sum->suspect += part->suspect;
}

void ms_space_stat(struct ms_space *space, struct ms_space_stat *stat)
{
	struct ms_shard_stat part;
	u32 i;

	memset(stat, 0, sizeof(*stat));
	for (i = 0; i < space->nshards; i++) {
		ms_shard_stat(space->shards[i], &part);
		stat_add(stat, &part);
	}
	stat->meetings = pf_read(space->meeting.count);
	stat->shared = pf_read(space->meeting.joint.shared);
	stat->audit = pf_read(space->audit);
	stat->lazy = space->lazy;
	stat->shut = pf_read(space->shut);
	stat->timing = pf_read(space->timing.on);
	pf_mutex_lock(&space->mutex);
	stat->memory += space_memory(space);
	stat->rings = space->rings;
	stat->bytes = space->arena.used << PF_CHUNK_SHIFT;
	stat->max_pages = space->max_pages;
	stat->granted = space->granted;
	stat->max_bytes = space->max_bytes;
	stat->max_rings = space->max_rings;
	pf_mutex_unlock(&space->mutex);
	stat->made_for_pages = space->made_for_pages;
	stat->made_for_bytes = space->arena.region.chunks << PF_CHUNK_SHIFT;
	stat->shards = space->nshards;
	stat->tick = pf_read(space->page->tick);
	stat->incarnation = pf_read(space->page->incarnation);
	stat->hash = pf_read(space->hashing);
}

/* Held up is who had as many taken as now when he was, and has more to be taken. It is asked for before they are published, too. */
static u32 ring_held_by(const struct ms_ring *ring, const struct ms_ring_stat *stat)
{
	if (!stat->pending || stat->broken || pf_read(ring->stalled_at) != pf_read(ring->taken))
		return 0;
	return pf_read(ring->stalled_by);
}

/* The client's indices are as true as the client. */
void ms_ring_stat(struct ms_ring *ring, struct ms_ring_stat *stat)
{
	const struct mmsb_ring_engine *engine = ring->engine;
	u32 pending = pf_read(ring->client->sq_tail) - pf_read(engine->sq_head);
	u32 unreaped = ms_ring_completions(ring);

	*stat = (struct ms_ring_stat){
		.pending = pending < ring->sq_entries ? pending : ring->sq_entries,
		.unreaped = unreaped < ring->cq_entries ? unreaped : ring->cq_entries,
		.taken = pf_read(engine->taken),
		.failed = pf_read(engine->failed),
		.stalls = pf_read(engine->stalls),
		.broken = pf_read(engine->flags) & MMSB_RING_BROKEN ? pf_read(engine->reason) : MMSB_REASON_NONE,
	};
	stat->held_by = ring_held_by(ring, stat);
}
