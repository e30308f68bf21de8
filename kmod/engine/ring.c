// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "ring.h"
#include "log.h"
#include "quota.h"
#include "replay.h"
#include "route.h"
#include "space.h"

#define DEFAULT_ENTRIES	256u
#define CLOSE_LOOK_NS	1000000ull

const struct ms_ring_config *ms_ring_config(const struct ms_ring *ring)
{
	return &ring->config;
}

u64 ms_ring_id(const struct ms_ring *ring)
{
	return ring->id;
}

struct ms_space *ms_ring_space(const struct ms_ring *ring)
{
	return ring->shard->space;
}

struct pf_shared *ms_ring_engine_area(struct ms_ring *ring)
{
	return &ring->engine_area;
}

struct pf_shared *ms_ring_client_area(struct ms_ring *ring)
{
	return &ring->client_area;
}

struct pf_waitq *ms_ring_waitq(struct ms_ring *ring)
{
	return &ring->waitq;
}

/* Hints for whoever waits or polls: the client's own indices can lie, and then hurt the client alone. */
u32 ms_ring_completions(struct ms_ring *ring)
{
	return pf_acquire(&ring->engine->cq_tail) - pf_read(ring->client->cq_head);
}

u32 ms_ring_room(struct ms_ring *ring)
{
	u32 used = pf_read(ring->client->sq_tail) - pf_acquire(&ring->engine->sq_head);

	return used > ring->sq_entries ? 0 : ring->sq_entries - used;
}

/* ------------------------------------------------------------------------------------------------------ while it runs */

void ms_ring_break(struct ms_ring *ring, enum mmsb_reason reason)
{
	ring->broken = true;
	pf_trace(ring_break, ring->shard->space->id, ring->shard->number, ring->id, ring->config.origin.pid, reason);
	pf_write(ring->engine->reason, reason);
	pf_write(ring->engine->flags, ring->engine->flags | MMSB_RING_BROKEN);
	pf_waitq_wake(&ring->waitq);
	if (ring->shard->space->tell)
		ring->shard->space->tell(ring->shard->space->arg, reason, ring);
}

bool ms_ring_runnable(struct ms_ring *ring)
{
	if (!ms_ring_pending(ring) || !ms_ring_credit(ring))
		return false;
	if (ring->fenced)
		return !ring->inflight;
	return !ring->held_by || ms_link_has_room(ring->held_by);
}

/* Told just before the client can see it. */
static void trace_news(const struct ms_ring *ring)
{
	u32 taken = ring->sq_head - ring->engine->sq_head, completions = ring->cq_tail - ring->engine->cq_tail;

	if (taken || completions)
		pf_trace_complete(ring->shard->space->id, ring->shard->number, ring->id, ring->config.origin.pid, taken, completions);
}

void ms_ring_publish(struct ms_ring *ring)
{
	struct mmsb_ring_engine *engine = ring->engine;

	if (unlikely(pf_traced(complete)))
		trace_news(ring);
	pf_write(engine->taken, ring->taken);
	pf_write(engine->failed, ring->failed);
	pf_write(engine->stalls, ring->stalls);
	/* In this order: who has reaped what an entry came to finds the entry free. */
	pf_release(&engine->sq_head, ring->sq_head);	/* partner: the client's acquire before it reuses entries */
	pf_release(&engine->cq_tail, ring->cq_tail);	/* partner: the client's acquire before it reads entries */
}

/* --------------------------------------------------------------------------------------------------------------- life */

static u32 round_up_pow2(u32 n)
{
	return n <= 1 ? 1 : 1u << (32 - __builtin_clz(n - 1));
}

enum mmsb_reason ms_ring_config_round(struct ms_ring_config *config)
{
	u32 sq = config->sq_entries ? config->sq_entries : DEFAULT_ENTRIES;
	u32 cq = config->cq_entries;

	if (sq > MMSB_SQ_MAX || cq > MMSB_CQ_MAX || config->payload_bytes > MMSB_PAYLOAD_MAX)
		return MMSB_REASON_BAD_ENTRIES;
	sq = round_up_pow2(sq);
	cq = cq ? round_up_pow2(cq) : 2 * sq;
	if (cq < sq)
		return MMSB_REASON_BAD_ENTRIES;
	config->sq_entries = sq;
	config->cq_entries = cq;
	config->payload_bytes = (config->payload_bytes + 4095) & ~4095ull;
	return MMSB_REASON_NONE;
}

static u64 engine_area_bytes(const struct ms_ring_config *config)
{
	return MMSB_RING_HEADER + ((config->cq_entries * sizeof(struct mmsb_cqe) + 4095) & ~4095ull);
}

static u64 sqes_bytes(const struct ms_ring_config *config)
{
	return (config->sq_entries * sizeof(struct mmsb_sqe) + 4095) & ~4095ull;
}

static u64 client_area_bytes(const struct ms_ring_config *config)
{
	return MMSB_RING_HEADER + sqes_bytes(config) + config->payload_bytes;
}

u64 ms_ring_memory(const struct ms_ring_config *config)
{
	return sizeof(struct ms_ring) + engine_area_bytes(config) + client_area_bytes(config);
}

u64 ms_ring_payload_offset(const struct ms_ring *ring)
{
	return MMSB_RING_HEADER + sqes_bytes(&ring->config);
}

static void ring_lay_out(struct ms_ring *ring)
{
	u8 *engine = pf_shared_ptr(&ring->engine_area), *client = pf_shared_ptr(&ring->client_area);

	ring->engine = (void *)engine;
	ring->cqes = (void *)(engine + MMSB_RING_HEADER);
	ring->client = (void *)client;
	ring->sqes = (void *)(client + MMSB_RING_HEADER);
	ring->payload = client + ms_ring_payload_offset(ring);
	ring->payload_bytes = ring->config.payload_bytes;
	ring->sq_entries = ring->config.sq_entries;
	ring->cq_entries = ring->config.cq_entries;
	ring->polled = ring->config.polled;
	ring->read_only = ring->config.read_only;
	ring->replay = ring->config.replay;
	/* Set until a poller has seen the ring; for good where nobody polls. */
	ring->engine->flags = MMSB_RING_NEED_WAKEUP;
}

static enum mmsb_reason ring_allocate(const struct ms_ring_config *config, int node, struct ms_ring **out)
{
	struct ms_ring *ring = pf_alloc(sizeof(*ring), node);

	if (!ring)
		return MMSB_REASON_NO_MEMORY;
	ring->config = *config;
	if (pf_shared_alloc(&ring->engine_area, engine_area_bytes(config), node))
		goto no_engine_area;
	if (pf_shared_alloc(&ring->client_area, client_area_bytes(config), node))
		goto no_client_area;
	pf_waitq_init(&ring->waitq);
	ring_lay_out(ring);
	*out = ring;
	return MMSB_REASON_NONE;

no_client_area:
	pf_shared_free(&ring->engine_area);
no_engine_area:
	pf_free(ring);
	return MMSB_REASON_NO_MEMORY;
}

static void ring_free(struct ms_ring *ring)
{
	pf_free(ring->held_cqes);
	pf_waitq_destroy(&ring->waitq);
	pf_shared_free(&ring->client_area);
	pf_shared_free(&ring->engine_area);
	pf_free(ring);
}

static enum mmsb_reason ring_link(struct ms_ring *ring, struct ms_shard *shard)
{
	enum mmsb_reason reason;

	ms_shard_lock(shard);
	ring->shard = shard;
	reason = ms_log_prepare_ring(ring);
	if (reason) {
		ms_shard_unlock(shard);
		return reason;
	}
	ring->next = shard->rings;
	if (shard->rings)
		shard->rings->prev = ring;
	shard->rings = ring;
	if (ring->polled)
		shard->flagged = true;
	ms_shard_unlock(shard);
	return reason;
}

static void ring_unlink(struct ms_ring *ring)
{
	struct ms_shard *shard = ring->shard;

	if (ring->prev)
		ring->prev->next = ring->next;
	else
		shard->rings = ring->next;
	if (ring->next)
		ring->next->prev = ring->prev;
	pf_write(shard->held, shard->held - ring->held);
}

enum mmsb_reason ms_ring_create(struct ms_space *space, const struct ms_ring_config *config, struct ms_ring **out)
{
	enum mmsb_reason reason;
	struct ms_shard *shard;
	u64 id;

	if (config->shard >= space->nshards)
		return MMSB_REASON_BAD_SHARD;
	if (config->polled && !space->pollers)
		return MMSB_REASON_NO_POLLERS;
	reason = ms_quota_ring(space, ms_ring_memory(config), &id);
	if (reason)
		return reason;
	shard = space->shards[config->shard];
	reason = ring_allocate(config, shard->node, out);
	if (reason) {
		ms_quota_ring_back(space, ms_ring_memory(config));
		return reason;
	}
	(*out)->id = id;
	reason = ring_link(*out, shard);
	if (reason) {
		ring_free(*out);
		ms_quota_ring_back(space, ms_ring_memory(config));
		return reason;
	}
	pf_trace(ring_open, space->id, shard->number, id, config->origin.pid, config->origin.uid, config->origin.source);
	if (config->replay)
		reason = ms_replay_begin(*out);
	if (reason) {
		(*out)->replay = false;
		ms_ring_close(*out);
	}
	return reason;
}

/* ------------------------------------------------------------------------------------------------------------ closing */

static bool ring_has_landed(void *arg)
{
	struct ms_ring *ring = arg;

	return !pf_read(ring->inflight);
}

/* Unlinks it if nothing of it is left anywhere; who is turned away meanwhile is seen to by the unlock. */
static bool ring_try_unlink(struct ms_ring *ring)
{
	struct ms_shard *shard = ring->shard;
	bool empty;

	ms_shard_lock(shard);
	empty = !ms_ring_pending(ring) && !ring->inflight && !ring->is_touched;
	if (empty)
		ring_unlink(ring);
	ms_shard_unlock(shard);
	return empty;
}

/*
 * Who may still hold the ring: the runner of its shard (the list, under the run lock) and messages under way to other shards
 * (counted in inflight, which falls under the run lock). The home has seen to it that no caller does.
 */
void ms_ring_close(struct ms_ring *ring)
{
	struct ms_shard *shard = ring->shard;
	struct ms_space *space = shard->space;

	ms_shard_lock(shard);
	ring->closing = true;
	ms_shard_unlock(shard);
	while (!ring_try_unlink(ring)) {
		ms_shard_service(shard, ring);
		pf_resched();	/* a killed caller does not sleep in the wait */
		pf_waitq_wait(&ring->waitq, ring_has_landed, ring, CLOSE_LOOK_NS);
	}
	if (ring->replay)
		ms_replay_end(ring);
	pf_trace(ring_close, space->id, ring->id, ring->config.origin.pid, ring->taken, ring->failed, ring->stalls);
	ms_quota_ring_back(space, ms_ring_memory(&ring->config));
	ring_free(ring);
}

/* -------------------------------------------------------------------------------------------------------------- entry */

struct completion_wish {
	struct ms_ring *ring;
	u32 count;
};

static bool ring_is_broken(const struct ms_ring *ring)
{
	return pf_read(ring->engine->flags) & MMSB_RING_BROKEN;
}

static bool wish_is_met(void *arg)
{
	const struct completion_wish *wish = arg;

	return ms_ring_completions(wish->ring) >= wish->count || ring_is_broken(wish->ring);
}


static void ring_push(struct ms_ring *ring)
{
	u32 tail = pf_read(ring->client->sq_tail);

	if (ring->polled) {
		if (unlikely(pf_read(ring->shard->timing)))
			ms_timing_enter(ring);
		pf_shard_kick(&ring->shard->home);
		return;
	}
	/* As far as it was published by now: somebody else who goes on publishing does not keep the caller here. */
	while (ms_shard_service(ring->shard, ring) && (s32)(tail - pf_read(ring->engine->sq_head)) > 0)
		pf_resched();
}

int ms_ring_enter(struct ms_ring *ring, u32 min_complete, u64 timeout_ns)
{
	struct completion_wish wish = { ring, min_complete };
	int result = 0;

	ring_push(ring);
	if (min_complete && !wish_is_met(&wish))
		result = pf_waitq_wait(&ring->waitq, wish_is_met, &wish, timeout_ns);
	return ring_is_broken(ring) ? -EPIPE : result;
}

static bool ring_has_room(void *arg)
{
	struct ms_ring *ring = arg;

	return ms_ring_room(ring) || ms_ring_completions(ring) >= ring->cq_entries || ring_is_broken(ring);
}

int ms_ring_enter_for_room(struct ms_ring *ring, u64 timeout_ns)
{
	int result = 0;

	ring_push(ring);
	if (!ring_has_room(ring)) {
		pf_trace(stall, ring->shard->space->id, ring->shard->number, ring->id, ring->config.origin.pid, MMSB_STALL_ENTRIES,
			 ring->sq_entries);
		result = pf_waitq_wait(&ring->waitq, ring_has_room, ring, timeout_ns);
	}
	return ring_is_broken(ring) ? -EPIPE : result;
}
