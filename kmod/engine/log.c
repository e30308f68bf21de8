// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "log.h"
#include "history.h"
#include "meet.h"
#include "pass.h"
#include "ring.h"
#include "space.h"

void ms_log_init(struct ms_space *space)
{
	pf_waitq_init(&space->log.waitq);
}

void ms_log_free(struct ms_space *space)
{
	if (space->log.history)
		ms_history_free(space->log.history);
	pf_waitq_destroy(&space->log.waitq);
}

static u64 log_durable(const struct ms_space *space)
{
	return pf_read(space->page->durable);
}

/* ------------------------------------------------------------------------------------------------- held completions */

enum mmsb_reason ms_log_prepare_ring(struct ms_ring *ring)
{
	const struct ms_log *log = &ms_ring_space(ring)->log;

	ring->strict = log->mode == MMSB_STRICT;
	if (!log->history || ring->held_cqes)
		return MMSB_REASON_NONE;
	ring->held_cqes = pf_alloc(ring->cq_entries * sizeof(*ring->held_cqes), -1);
	return ring->held_cqes ? MMSB_REASON_NONE : MMSB_REASON_NO_MEMORY;
}

static enum mmsb_reason prepare_rings(struct ms_space *space)
{
	enum mmsb_reason reason = MMSB_REASON_NONE;
	struct ms_ring *ring;
	u32 i;

	for (i = 0; i < space->nshards; i++)
		for (ring = space->shards[i]->rings; !reason && ring; ring = ring->next)
			reason = ms_log_prepare_ring(ring);
	return reason;
}

void ms_log_hold(struct ms_ring *ring, const struct mmsb_cqe *cqe)
{
	if (unlikely(ring->closing || ring->broken))
		return;
	ring->held_cqes[(ring->held_head + ring->held++) & (ring->cq_entries - 1)] = *cqe;
	pf_write(ring->shard->held, ring->shard->held + 1);
	ring->shard->held_now = true;
}

static void post(struct ms_ring *ring, bool failed)
{
	struct mmsb_cqe cqe = ring->held_cqes[ring->held_head++ & (ring->cq_entries - 1)];

	if (unlikely(failed)) {
		cqe.result = ms_errno(MMSB_REASON_LOG_FAILED);
		cqe.reason = MMSB_REASON_LOG_FAILED;
		ring->failed++;
	}
	ring->held--;
	ms_ring_complete(ring, &cqe);
}

static u32 ring_release(struct ms_ring *ring, u64 durable, bool failed)
{
	u32 n = 0;

	for (; ring->held; n++) {
		const struct mmsb_cqe *cqe = &ring->held_cqes[ring->held_head & (ring->cq_entries - 1)];

		if (cqe->tick > durable && !failed)
			break;
		post(ring, cqe->tick > durable);
	}
	return n;
}

void ms_log_release(struct ms_shard *shard)
{
	u64 durable = log_durable(shard->space);
	struct ms_ring *ring;
	u32 n;

	for (ring = shard->rings; ring; ring = ring->next) {
		n = ring_release(ring, durable, shard->space->log.failed);
		if (n)
			ms_pass_touch(shard, ring);
		if (n && unlikely(shard->timing))
			ms_timing_durable(ring, n);
		pf_write(shard->held, shard->held - n);
	}
}

void ms_log_urge(struct ms_space *space)
{
	pf_or64(&space->log.urgent, 1);
	if (space->log.history)
		ms_history_wake(space->log.history);
}

/* With every run lock held: what the log was to hold, and does not, never will be durable. */
static void fail_held(struct ms_space *space)
{
	u32 i;

	space->log.failed = true;
	for (i = 0; i < space->nshards; i++) {
		ms_log_release(space->shards[i]);
		pf_write(space->shards[i]->kicked, 1);
	}
}

/* ---------------------------------------------------------------------------------------------------------- the writer */

static enum mmsb_reason log_begin(struct ms_space *space, const struct mmsb_history_open_args *args, struct ms_history *history)
{
	struct ms_log *log = &space->log;
	enum mmsb_reason reason;

	if (args->mode != MMSB_BUFFERED && args->mode != MMSB_STRICT)
		return MMSB_REASON_BAD_MODE;
	if (space->replay.only && (!space->replay.ring || !(args->flags & MMSB_HISTORY_HELD)))
		return space->shut ? MMSB_REASON_SHUT : MMSB_REASON_REPLAYING;
	if (space->replay.open || space->replay.ends)
		return MMSB_REASON_REPLAYING;
	reason = ms_history_attach(history);
	if (reason)
		return reason;
	log->history = history;
	ms_history_hold(history);	/* the space */
	log->mode = args->mode;
	log->id[0] = args->log_id[0];
	log->id[1] = args->log_id[1];
	log->failed = false;
	log->ending = false;
	reason = prepare_rings(space);
	if (!reason) {
		pf_write(space->page->durable, space->page->tick - 1);	/* the record that it begins with has a tick of its own */
		return reason;
	}
	ms_history_detach(history);
	log->history = NULL;
	log->mode = MMSB_MEMORY;
	prepare_rings(space);		/* takes no memory, where there is no log */
	return reason;
}

static enum mmsb_reason log_resume(const struct ms_log *log, const struct mmsb_history_open_args *args)
{
	if (log->id[0] != args->log_id[0] || log->id[1] != args->log_id[1])
		return MMSB_REASON_OTHER_LOG;
	if (log->writer && !(args->flags & MMSB_HISTORY_TAKE_OVER))
		return MMSB_REASON_LOG_TAKEN;
	return log->failed ? MMSB_REASON_LOG_FAILED : MMSB_REASON_NONE;
}

enum mmsb_reason ms_log_open(struct ms_space *space, struct mmsb_history_open_args *args, struct ms_history **out)
{
	struct ms_log *log = &space->log;
	struct ms_history *history;
	enum mmsb_reason reason;

	if (!args->log_id[0] && !args->log_id[1])
		return MMSB_REASON_BAD_MODE;
	reason = ms_history_make(space, args, &history);
	if (reason)
		return reason;
	ms_space_stop(space, NULL);
	ms_meet_settle(space);
	reason = log->history ? log_resume(log, args) : log_begin(space, args, history);
	if (!reason) {
		log->writer = true;
		args->term = ++log->term;
		*out = log->history;
		ms_history_hold(log->history);
	}
	ms_space_go(space, NULL);
	if (reason || *out != history)
		ms_history_free(history);
	if (!reason)
		args->durable = ms_history_rewind(*out, args->term);
	return reason;
}

/* Everybody who waits looks again. */
static void log_tell(struct ms_space *space)
{
	u32 i;

	pf_mb();	/* partner: the barrier between registering and looking, in pf_waitq_wait() */
	if (pf_waitq_active(&space->log.waitq))
		pf_waitq_wake(&space->log.waitq);
	for (i = 0; i < space->nshards; i++) {
		if (!pf_read(space->shards[i]->held))
			continue;
		pf_write(space->shards[i]->kicked, 1);
		ms_shard_settle(space->shards[i]);
	}
}

/* With every run lock held. Who still has it open keeps it until he closes it. */
static void log_drop(struct ms_space *space)
{
	struct ms_log *log = &space->log;

	fail_held(space);
	ms_history_detach(log->history);
	if (!ms_history_unhold(log->history))
		ms_history_free(log->history);
	log->history = NULL;
	log->mode = MMSB_MEMORY;
	log->failed = false;
	log->ending = false;
	log->writer = false;
	prepare_rings(space);
}

void ms_log_close(struct ms_history *history, u64 term)
{
	struct ms_space *space = ms_history_space(history);
	bool last;

	ms_space_stop(space, NULL);
	if (space->log.history == history && space->log.term == term)
		space->log.writer = false;
	last = !ms_history_unhold(history);
	ms_space_go(space, NULL);
	if (last)
		ms_history_free(history);
}

static void log_fail(struct ms_space *space, struct ms_history *history)
{
	ms_space_stop(space, NULL);
	if (space->log.history == history) {
		fail_held(space);
		ms_history_detach(history);
	}
	ms_space_go(space, NULL);
}

static void log_end(struct ms_space *space, struct ms_history *history, u64 term)
{
	ms_space_stop(space, NULL);
	if (space->log.history == history && space->log.term == term && space->log.ending)
		log_drop(space);
	ms_space_go(space, NULL);
}

/* Nothing that was said of a log which is over goes for the one that came after it. */
static void log_advance(struct ms_space *space, const struct ms_history *history, u64 tick)
{
	pf_mutex_lock(&space->control);
	if (space->log.history == history && tick > log_durable(space)) {
		pf_release(&space->page->durable, tick);	/* partner: whoever counts on what lies on disk */
		pf_trace(log_durable, space->id, tick, pf_read(space->page->tick));
	}
	pf_mutex_unlock(&space->control);
}

enum mmsb_reason ms_log_durable(struct ms_history *history, u64 term, u32 flags, u64 tick)
{
	struct ms_space *space = ms_history_space(history);
	enum mmsb_reason reason;

	reason = ms_history_enter(history, term);
	if (reason)
		return reason;
	reason = ms_history_durable(history, tick);
	if (!reason)
		log_advance(space, history, tick);
	ms_history_leave(history);
	if (reason)
		return reason;
	if (flags & MMSB_LOG_FAILED)
		log_fail(space, history);
	log_tell(space);
	if (flags & MMSB_LOG_END)
		log_end(space, history, term);
	return reason;
}

/* --------------------------------------------------------------------------------------------------------- its users */

static enum mmsb_reason set_mode(struct ms_space *space, u32 mode)
{
	struct ms_log *log = &space->log;
	enum mmsb_reason reason = MMSB_REASON_NONE;

	if (mode >= MMSB_DURABILITY_LAST)
		return MMSB_REASON_BAD_MODE;
	if (!log->history || (log->ending && mode != MMSB_MEMORY))
		return mode == MMSB_MEMORY ? MMSB_REASON_NONE : MMSB_REASON_NO_LOG;
	if (mode == MMSB_MEMORY && (log->failed || (log->ending && !log->writer))) {
		log_drop(space);
		return reason;
	}
	if (log->ending)
		return reason;
	if (mode == MMSB_MEMORY)
		reason = ms_history_finish(log->history);
	if (reason)
		return reason;
	log->ending = mode == MMSB_MEMORY;
	log->mode = mode;
	return prepare_rings(space);
}

static void describe(const struct ms_space *space, struct mmsb_durability_args *args)
{
	const struct ms_log *log = &space->log;
	u32 i;

	args->mode = log->mode;
	args->failed = log->failed;
	args->log_id[0] = log->history ? log->id[0] : 0;
	args->log_id[1] = log->history ? log->id[1] : 0;
	args->term = log->term;
	args->tick = space->page->tick;
	args->durable = log_durable(space);
	args->writer = log->writer && !space->replay.ring;
	args->waiting = log->history ? ms_history_waiting(log->history) : 0;
	args->limit = log->history ? ms_history_limit(log->history) : 0;
	args->held = 0;
	for (i = 0; i < space->nshards; i++)
		args->held += pf_read(space->shards[i]->held);
}

enum mmsb_reason ms_log_durability(struct ms_space *space, bool set, struct mmsb_durability_args *args)
{
	enum mmsb_reason reason = MMSB_REASON_NONE;

	ms_space_stop(space, NULL);
	if (set) {
		ms_meet_settle(space);
		reason = set_mode(space, args->mode);
	}
	describe(space, args);
	ms_space_go(space, NULL);
	if (set)
		log_tell(space);
	return reason;
}

/* The writer shall tell of a bound soon. */
static void log_ask(struct ms_space *space)
{
	pf_mutex_lock(&space->control);
	ms_log_urge(space);
	pf_mutex_unlock(&space->control);
}

struct sync_wish {
	struct ms_space *space;
	u64 tick;
};

/* A log that goes keeps what it promised to the last: whoever finds none looks at how far it came. */
static bool sync_is_done(void *arg)
{
	const struct sync_wish *wish = arg;
	const struct ms_log *log = &wish->space->log;

	return log_durable(wish->space) >= wish->tick || pf_read(log->failed) || !pf_read(log->history);
}

enum mmsb_reason ms_log_sync(struct ms_space *space, u64 tick, u64 timeout_ns, u64 *durable, int *error)
{
	struct sync_wish wish = { space, tick ? tick : pf_read(space->page->tick) };

	*error = 0;
	if (!pf_read(space->log.history))
		return MMSB_REASON_NO_LOG;
	if (wish.tick > pf_read(space->page->tick))
		return MMSB_REASON_BAD_TICK;
	if (!sync_is_done(&wish)) {
		log_ask(space);
		*error = pf_waitq_wait(&space->log.waitq, sync_is_done, &wish, timeout_ns);
	}
	*durable = log_durable(space);
	if (*durable >= wish.tick)
		*error = 0;
	else if (!*error)
		return pf_read(space->log.failed) ? MMSB_REASON_LOG_FAILED : MMSB_REASON_NO_LOG;
	return MMSB_REASON_NONE;
}
