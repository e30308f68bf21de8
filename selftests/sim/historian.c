// SPDX-License-Identifier: GPL-2.0-only
#include <linux/types.h>
#include <mmsb/history.h>
#include <mmsb/log.h>
#include "again.h"
#include "historian.h"
#include "space.h"

#define TAPE_BYTES	(2u << 20)
#define PAUSES		20000u		/* in which whoever can go on does */

static union {
	u64 words[TAPE_BYTES / 8];
	u8 bytes[TAPE_BYTES];
} tape;

static struct {
	struct stage *stage;
	struct ms_history *history;
	struct sim_actor *actor;
	struct rng rng;
	u32 patience;			/* pauses between two looks, at most */
	u32 leaves_after;		/* records; 0: he stays */
	u32 captures;			/* that he may still ask for */
	u64 used;
	bool stop, left;

	/* Of one who makes it durable. */
	bool writes;
	u64 term;
	u64 bound, before, acked;	/* told to him last, and before that, and said by him */
	u64 used_at_bound, used_before, used_at_ack;
} historian;

/* ------------------------------------------------------------------------------------------------------------- reading */

static void keep(const struct mmsb_record *record)
{
	if (record->bytes % 8 || record->bytes < sizeof(*record) || record->bytes > TAPE_BYTES - historian.used)
		sim_fail("a record of %u bytes at %llu", record->bytes, (unsigned long long)historian.used);
	sim_trace("reads a record of type %u, tick %llu", record->type, (unsigned long long)record->tick);
	memcpy(tape.bytes + historian.used, record, record->bytes);
	historian.used += record->bytes;
	if (record->type != MMSB_RECORD_BOUND)
		return;
	if (record->tick < historian.bound)
		sim_fail("a bound of tick %llu comes behind one of %llu", (unsigned long long)record->tick,
			 (unsigned long long)historian.bound);
	historian.before = historian.bound;
	historian.used_before = historian.used_at_bound;
	historian.bound = record->tick;
	historian.used_at_bound = historian.used;
}

/* False: there is none now. */
static bool read_one(void)
{
	const struct mmsb_record *record;
	enum mmsb_reason reason;

	if (ms_history_enter(historian.history, historian.term))
		sim_fail("a writer is fenced whom nobody followed");
	reason = ms_history_next(historian.history, &record);
	ms_history_leave(historian.history);
	if (reason && (reason != MMSB_REASON_NO_MEMORY || !sim_injects()))
		sim_fail("a history is refused for reason %d", reason);
	if (reason)
		return true;
	if (record)
		keep(record);
	return record;
}

/* Now and then he wants to be told the state, too. */
static void perhaps_capture(void)
{
	enum mmsb_reason reason;
	u64 tick;

	if (!historian.captures || !rng_once_in(&historian.rng, 12))
		return;
	reason = ms_history_capture(historian.history, historian.term, &tick);
	if (!reason)
		historian.captures--;
	else if (reason != MMSB_REASON_CAPTURING && (reason != MMSB_REASON_NO_MEMORY || !sim_injects()))
		sim_fail("a capture is refused for reason %d", reason);
}

static bool has_come_or_ends(void *arg)
{
	(void)arg;
	return pf_acquire(&historian.stop) || ms_history_is_due(historian.history);
}

static bool wants_to_leave(void)
{
	return historian.leaves_after && !--historian.leaves_after && !historian.stop;
}

static void leave(void)
{
	historian.left = true;
	sim_trace("closes the history");
	ms_history_close(historian.history);
	historian.history = NULL;
}

/* ------------------------------------------------------------------------------------------------------ making it durable */

static void acknowledge(u32 flags, u64 tick, u64 used)
{
	enum mmsb_reason reason;

	sim_trace("says that tick %llu is durable", (unsigned long long)tick);
	historian.acked = tick;
	historian.used_at_ack = used;
	reason = ms_log_durable(historian.history, historian.term, flags, tick);
	if (reason)
		sim_fail("what was told cannot be made durable, for reason %d", reason);
}

static enum mmsb_reason open_log(void)
{
	struct mmsb_history_open_args args = { .size = sizeof(args), .flags = MMSB_HISTORY_LOG, .log_id = { 1, 2 } };
	enum mmsb_reason reason;

	args.flags |= rng_once_in(&historian.rng, 2) ? MMSB_HISTORY_COMPACT : 0;
	args.mode = rng_once_in(&historian.rng, 2) ? MMSB_STRICT : MMSB_BUFFERED;
	args.limit = rng_once_in(&historian.rng, 2) ? 2000 : 0;
	args.wake_bytes = rng_once_in(&historian.rng, 2) ? 300 : 0;
	reason = ms_history_open(historian.stage->space, &args, &historian.history);
	historian.term = args.term;
	return reason;
}

/* Dies, and somebody goes on: what was not durable is read again. */
static void be_followed(void)
{
	u32 limit = 1000;

	sim_trace("is followed by another writer");
	ms_log_close(historian.history, historian.term);
	while (open_log())
		if (!limit--)
			sim_fail("nobody can follow the writer");
	historian.bound = historian.acked;
	historian.before = historian.acked;
	historian.used_before = historian.used_at_ack;
	historian.used = historian.used_at_ack;
	historian.used_at_bound = historian.used_at_ack;
}

static void write_some(bool last)
{
	u32 n;

	if (historian.before > historian.acked)
		acknowledge(0, historian.before, historian.used_before);
	for (n = (u32)rng_below(&historian.rng, historian.patience + 1); n && !last; n--)
		sim_pause(SIM_PLACE);
	if (rng_once_in(&historian.rng, 20) && !last)
		be_followed();
	else if (historian.bound > historian.acked)
		acknowledge(0, historian.bound, historian.used_at_bound);
}

/* The owner wants it to be over; what was promised is kept. */
static void end_log(void)
{
	struct mmsb_durability_args args = { .mode = MMSB_MEMORY };

	if (ms_log_durability(historian.stage->space, true, &args))
		sim_fail("the log cannot be ended");
	while (read_one())
		;
	acknowledge(MMSB_LOG_END, historian.bound, historian.used_at_bound);
	ms_log_close(historian.history, historian.term);
}

static void historian_main(void *arg)
{
	bool last = false;
	u32 n;

	(void)arg;
	do {
		last = pf_acquire(&historian.stop);
		while (read_one()) {
			if (wants_to_leave() && !historian.writes) {
				leave();
				return;
			}
			perhaps_capture();
			for (n = (u32)rng_below(&historian.rng, historian.patience + 1); n && !last; n--)
				sim_pause(SIM_PLACE);
		}
		if (historian.writes)
			write_some(last);
		if (!last)
			pf_waitq_wait(ms_history_waitq(historian.history), has_come_or_ends, NULL, ~0ull);
	} while (!last);
}

static const u64 limits[] = { 300, 2000, 20000, 0 };

static enum mmsb_reason open_plain(void)
{
	struct mmsb_history_open_args args = { .size = sizeof(args) };

	historian.leaves_after = rng_once_in(&historian.rng, 4) ? 1 + (u32)rng_below(&historian.rng, 60) : 0;
	args.limit = limits[rng_below(&historian.rng, 4)];
	args.flags = rng_once_in(&historian.rng, 2) ? MMSB_HISTORY_COMPACT : 0;
	return ms_history_open(historian.stage->space, &args, &historian.history);
}

void historian_begin(struct stage *stage)
{
	enum mmsb_reason reason;

	memset(&historian, 0, sizeof(historian));
	historian.stage = stage;
	historian.rng.state = rng_next(&stage->rng);
	if (rng_once_in(&historian.rng, 2))
		return;
	historian.patience = rng_once_in(&historian.rng, 2) ? 0 : 30;
	historian.captures = (u32)rng_below(&historian.rng, 4);
	historian.writes = !stage->resets && rng_once_in(&historian.rng, 2);	/* a log goes on: no reset while there is one */
	reason = historian.writes ? open_log() : open_plain();
	if (reason && (reason != MMSB_REASON_NO_MEMORY || !sim_injects()))
		sim_fail("a history cannot be opened, for reason %d", reason);
	if (reason)
		return;
	ledger_tells();
	stage->logged = historian.writes;
	historian.actor = sim_spawn("historian", 0, historian_main, NULL);
}

bool historian_is_there(void)
{
	return historian.actor;
}

static bool has_ended(void *arg)
{
	(void)arg;
	return sim_has_ended(historian.actor);
}

/* Nobody but the engine wakes him, and there is nothing else to do. */
void historian_await(void)
{
	u32 pauses = 0;

	if (!historian.actor)
		return;
	historian.leaves_after = 0;
	historian.patience = 0;
	while (!historian.left && ms_history_is_due(historian.history)) {
		if (pauses++ == PAUSES)
			sim_fail("the history goes on, and its reader was not woken");
		sim_pause(SIM_PLACE);
	}
}

/* Once `stop` is set he does not leave by himself, so the queue stays until it has been woken. */
void historian_stop(void)
{
	if (!historian.actor)
		return;
	historian_await();
	pf_release(&historian.stop, true);
	sim_drain();
	if (historian.left) {
		sim_wait_for(has_ended, NULL, SIM_PLACE);
		return;
	}
	pf_waitq_wake(ms_history_waitq(historian.history));
	sim_wait_for(has_ended, NULL, SIM_PLACE);
	if (historian.writes)
		end_log();
	else
		ms_history_close(historian.history);
	historian.stage->logged = false;
}

void historian_judge(void)
{
	if (historian.actor)
		again_do(tape.bytes, historian.used, historian.stage->space, !historian.left, &historian.rng);
}

