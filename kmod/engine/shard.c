// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "shard.h"
#include "history.h"
#include "joint.h"
#include "meet.h"
#include "pass.h"
#include "recompute.h"
#include "ring.h"
#include "route.h"
#include "space.h"

struct ms_shard *ms_space_shard(struct ms_space *space, u32 shard)
{
	return space->shards[shard];
}

struct pf_shard *ms_shard_home(struct ms_shard *shard)
{
	return &shard->home;
}

u32 ms_shard_number(const struct ms_shard *shard)
{
	return shard->number;
}

struct ms_space *ms_shard_space(const struct ms_shard *shard)
{
	return shard->space;
}

/* --------------------------------------------------------------------------------------------------------- life */

enum mmsb_reason ms_shard_create(struct ms_space *space, u32 number, int node, struct ms_shard **out)
{
	size_t table = space->nshards * sizeof(struct ms_link *);
	struct ms_shard *shard = pf_alloc(sizeof(*shard), node);
	u32 i;

	if (!shard)
		return MMSB_REASON_NO_MEMORY;
	shard->out = pf_alloc(table, node);
	shard->in = pf_alloc(table, node);
	if (!shard->out || !shard->in) {
		pf_free(shard->out);
		pf_free(shard->in);
		pf_free(shard);
		return MMSB_REASON_NO_MEMORY;
	}
	shard->space = space;
	shard->number = number;
	shard->node = node;
	shard->hashing = space->hashing;
	for (i = 0; i < MS_BATCH + MS_AHEAD; i++)
		shard->lines_of[i] = &shard->nowhere;
	pf_runlock_init(&shard->run);
	*out = shard;
	return MMSB_REASON_NONE;
}

void ms_shard_free(struct ms_shard *shard)
{
	PF_BUG_ON(shard->rings);
	ms_timing_free(shard);
	ms_routes_free(shard);
	ms_wave_free(&shard->graph.wave);
	ms_desk_free(shard);
	ms_watch_free(shard->watch);
	pf_runlock_destroy(&shard->run);
	pf_free(shard->out);
	pf_free(shard->in);
	pf_free(shard);
}

u64 ms_shard_memory(const struct ms_space *space)
{
	return sizeof(struct ms_shard) + 2ull * space->nshards * sizeof(struct ms_link *);
}

/* ------------------------------------------------------------------------------------------------------------ running */

static bool shard_try(struct ms_shard *shard)
{
	return !pf_read(shard->wanted) && pf_runlock_try(&shard->run);
}

/* From here on it is the shard's fault that the ring's entries wait. */
static void shard_note(const struct ms_shard *shard, struct ms_ring *ring)
{
	if (ring && unlikely(pf_read(shard->timing)))
		ms_timing_enter(ring);
}

/* `ring`: whose entries bring the caller here; NULL: none. */
static bool shard_enter(struct ms_shard *shard, struct ms_ring *ring)
{
	if (likely(shard_try(shard)))
		return true;
	shard_note(shard, ring);
	pf_release(&shard->kicked, 1);
	pf_mb();		/* partner: shard_leave() */
	return shard_try(shard);
}

/* True: somebody was turned away meanwhile, and whoever calls has to see to his work. */
static bool shard_leave(struct ms_shard *shard)
{
	pf_runlock_unlock(&shard->run);
	pf_mb();		/* partner: shard_enter() */
	return pf_read(shard->kicked);
}

/* Waits in line, as those who need the lock of a stopped shard do. */
static void shard_queue_up(struct ms_shard *shard)
{
	pf_mutex_lock(&shard->space->control);
	pf_write(shard->wanted, 1);
	pf_runlock_lock_nested(&shard->run, &shard->space->control);
	pf_write(shard->wanted, 0);
	pf_mutex_unlock(&shard->space->control);
}

static bool shard_come_in(struct ms_shard *shard, struct ms_ring *ring)
{
	if (likely(!pf_read(shard->crowded)))
		return shard_enter(shard, ring);
	if (!shard_try(shard)) {
		shard_note(shard, ring);
		shard_queue_up(shard);
	}
	return true;
}

/*
 * False: another round is needed, but somebody else will do it: where there are no pollers, one who stands in line, for only he is
 * sure to come; who was turned away before it was crowded may be asleep by now.
 */
static bool shard_runs_on(struct ms_shard *shard, u32 passes)
{
	if (passes < MS_PATIENCE)
		return true;
	if (shard->space->pollers) {
		pf_shard_kick(&shard->home);
		return false;
	}
	pf_write(shard->crowded, 1);
	return passes < 2 * MS_PATIENCE + 1 || !pf_read(shard->wanted);
}

static u32 shard_run(struct ms_shard *shard, struct ms_ring *ring, struct ms_todo *todo)
{
	u32 total = 0, passes = 0;

	if (!shard_come_in(shard, ring))
		return ms_joint_help(shard->space);
	do {
		total += ms_pass(shard, ring, false, todo);
		passes++;
	} while (shard_leave(shard) && shard_runs_on(shard, passes) && shard_enter(shard, NULL));
	if (unlikely(passes >= MS_PATIENCE))
		pf_write(shard->crowded, 0);
	return total;
}

static struct ms_shard *todo_next(const struct ms_space *space, struct ms_todo *todo)
{
	u32 words = (space->nshards + 63) / 64, w;

	for (w = 0; w < words; w++)
		if (todo->bit[w]) {
			u32 number = w * 64 + (u32)__builtin_ctzll(todo->bit[w]);

			todo->bit[w] &= todo->bit[w] - 1;
			return space->shards[number];
		}
	return NULL;
}

u32 ms_shard_service(struct ms_shard *shard, struct ms_ring *ring)
{
	struct ms_space *space = shard->space;
	struct ms_todo todo;
	u32 total = 0;

	if (likely(space->nshards == 1))
		return shard_run(shard, ring, NULL);
	memset(&todo, 0, sizeof(todo));
	do {
		total += shard_run(shard, ring, &todo);
		ring = NULL;
		shard = todo_next(space, &todo);
		if (!shard && unlikely(todo.meet)) {
			todo.meet = false;
			total += ms_meet(space, &todo);
			shard = todo_next(space, &todo);
		}
	} while (shard);
	return total;
}

void ms_shard_lock(struct ms_shard *shard)
{
	pf_mutex_lock(&shard->space->control);
	pf_write(shard->wanted, 1);
	pf_runlock_lock_nested(&shard->run, &shard->space->control);
	pf_write(shard->wanted, 0);
}

void ms_shard_unlock(struct ms_shard *shard)
{
	pf_runlock_unlock(&shard->run);
	pf_mutex_unlock(&shard->space->control);
	ms_shard_settle(shard);
}

void ms_shard_settle(struct ms_shard *shard)
{
	pf_mb();		/* partner: shard_enter() */
	if (shard->space->pollers)
		pf_shard_kick(&shard->home);
	else if (pf_read(shard->kicked))
		ms_shard_service(shard, NULL);
}

/* ------------------------------------------------------------------------------------------------------------ polling */

u32 ms_shard_poll(struct ms_shard *shard)
{
	struct ms_todo todo;
	u32 n;

	if (!shard_try(shard))
		return ms_joint_help(shard->space);
	todo.meet = false;
	n = ms_pass(shard, NULL, true, &todo);
	n += shard_leave(shard);
	if (unlikely(todo.meet))
		n += ms_meet_polling(shard, &todo);
	return n;
}

/* What came behind the last pass and cannot be taken is not looked at again before something else happens: so it is now. */
static bool shard_is_idle(struct ms_shard *shard)
{
	struct ms_ring *ring;
	bool full;

	if (pf_read(shard->kicked) || ms_shard_has_mail(shard) || shard->waving || shard->space->meeting.open)
		return false;
	full = ms_history_is_full(shard);
	for (ring = shard->rings; ring; ring = ring->next) {
		if (!ring->polled)
			continue;
		if (!full && ms_ring_runnable(ring))
			return false;
		ms_pass_by(shard, ring);
	}
	return true;
}

static void shard_flag(struct ms_shard *shard)
{
	struct ms_ring *ring;

	shard->flagged = true;
	for (ring = shard->rings; ring; ring = ring->next)
		if (ring->polled)
			pf_write(ring->engine->flags, ring->engine->flags | MMSB_RING_NEED_WAKEUP);
}

bool ms_shard_sleep(struct ms_shard *shard)
{
	bool idle;

	if (!shard_try(shard))
		return false;
	pf_write(shard->asleep, 1);
	shard_flag(shard);
	pf_mb();		/* partners: the client behind sq_tail and cq_head, the mark in an inbox */
	idle = shard_is_idle(shard);
	if (shard_leave(shard))
		idle = false;
	if (idle)
		pf_trace(sleep, shard->space->id, shard->number);
	else
		pf_write(shard->asleep, 0);
	return idle;
}

bool ms_shard_sleeps(const struct ms_shard *shard)
{
	return pf_read(shard->asleep);
}

void ms_shard_awake(struct ms_shard *shard)
{
	pf_write(shard->asleep, 0);
	pf_trace(wake, shard->space->id, shard->number);
}
