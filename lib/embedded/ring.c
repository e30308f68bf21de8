// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <unistd.h>
#include "embedded.h"
#include "ring.h"

struct embedded_ring {
	struct mmsb_ring ring;
	struct ms_ring *engine;
};

static uint32_t choose_shard(struct embedded_instance *instance, uint32_t wanted)
{
	if (wanted != ~0u)
		return wanted;
	return __atomic_fetch_add(&instance->next_shard, 1, __ATOMIC_RELAXED) % instance->shards;
}

/* A poller serves many rings: it is as patient as the most patient of them asks. */
static void wish_idle(struct embedded_instance *instance, uint32_t idle_us)
{
	uint32_t now = __atomic_load_n(&instance->idle_us, __ATOMIC_RELAXED);

	while (idle_us > now &&
	       !__atomic_compare_exchange_n(&instance->idle_us, &now, idle_us, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static enum mmsb_reason ring_create(struct embedded_space *space, struct mmsb_ring_open_args *args, struct ms_ring **out)
{
	struct ms_ring_config config = {
		.sq_entries = args->sq_entries,
		.cq_entries = args->cq_entries,
		.payload_bytes = args->payload_bytes,
		.shard = choose_shard(space->instance, args->shard),
		.polled = args->flags & MMSB_RING_POLLED,
		.read_only = space->read_only,
		.replay = args->flags & MMSB_RING_REPLAY,
		.origin = { .source = args->source, .uid = geteuid(), .pid = (uint32_t)getpid() },
	};
	enum mmsb_reason reason = ms_ring_config_round(&config);

	if (!reason && config.replay && config.read_only)
		reason = MMSB_REASON_READ_ONLY;
	if (!reason)
		reason = ms_ring_create(space->instance->engine, &config, out);
	if (reason)
		return reason;
	args->sq_entries = config.sq_entries;
	args->cq_entries = config.cq_entries;
	args->payload_bytes = config.payload_bytes;
	args->shard = config.shard;
	args->engine_bytes = ms_ring_engine_area(*out)->bytes;
	args->client_bytes = ms_ring_client_area(*out)->bytes;
	args->payload_offset = ms_ring_payload_offset(*out);
	return MMSB_REASON_NONE;
}

int embedded_ring_open(struct mmsb_space *handle, struct mmsb_ring_open_args *args, struct mmsb_ring **out)
{
	struct embedded_space *space = (struct embedded_space *)handle;
	struct embedded_ring *ring = msl_alloc(sizeof(*ring));
	enum mmsb_reason reason;

	if (!ring)
		return -ENOMEM;
	reason = ring_create(space, args, &ring->engine);
	if (reason) {
		free(ring);
		return msl_fail_reason(reason);
	}
	if (args->flags & MMSB_RING_POLLED)
		wish_idle(space->instance, args->idle_us);
	msl_ring_init(&ring->ring, handle, args, pf_shared_ptr(ms_ring_engine_area(ring->engine)),
		      pf_shared_ptr(ms_ring_client_area(ring->engine)));
	*out = &ring->ring;
	return 0;
}

void embedded_ring_close(struct mmsb_ring *handle)
{
	struct embedded_ring *ring = (struct embedded_ring *)handle;

	ms_ring_close(ring->engine);
	msl_ring_fini(handle);
	free(ring);
}

static int enter_result(struct mmsb_ring *handle, int err)
{
	if (msl_likely(!err))
		return 0;
	if (err == -EPIPE)
		msl_fail_reason(msl_load(handle->engine->reason));
	else if (err == -EINTR)
		msl_fail(EINTR, "a signal came");
	return err;
}

int embedded_ring_enter(struct mmsb_ring *handle, uint32_t min_complete, uint64_t timeout_ns)
{
	struct embedded_ring *ring = (struct embedded_ring *)handle;

	return enter_result(handle, ms_ring_enter(ring->engine, min_complete, timeout_ns));
}

int embedded_ring_enter_for_room(struct mmsb_ring *handle, uint64_t timeout_ns)
{
	struct embedded_ring *ring = (struct embedded_ring *)handle;

	return enter_result(handle, ms_ring_enter_for_room(ring->engine, timeout_ns));
}

int embedded_ring_snapshot(struct mmsb_ring *handle, struct mmsb_snapshot_args *args)
{
	struct embedded_ring *ring = (struct embedded_ring *)handle;

	args->reason = ms_ring_snapshot(ring->engine, args);
	return args->reason ? msl_fail_reason(args->reason) : 0;
}

int embedded_ring_graph(struct mmsb_ring *handle, struct mmsb_graph_args *args)
{
	struct embedded_ring *ring = (struct embedded_ring *)handle;

	args->reason = args->reserved ? MMSB_REASON_BAD_RESERVED : ms_ring_graph(ring->engine, args);
	return args->reason ? msl_fail_reason(args->reason) : 0;
}
