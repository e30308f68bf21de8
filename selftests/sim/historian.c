// SPDX-License-Identifier: GPL-2.0-only
#include <linux/types.h>
#include <mmsb/history.h>
#include <mmsb/log.h>
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
} historian;

/* ------------------------------------------------------------------------------------------------------------- reading */

static void keep(const struct mmsb_record *record)
{
	if (record->bytes % 8 || record->bytes < sizeof(*record) || record->bytes > TAPE_BYTES - historian.used)
		sim_fail("a record of %u bytes at %llu", record->bytes, (unsigned long long)historian.used);
	sim_trace("reads a record of type %u, tick %llu", record->type, (unsigned long long)record->tick);
	memcpy(tape.bytes + historian.used, record, record->bytes);
	historian.used += record->bytes;
}

/* False: there is none now. */
static bool read_one(void)
{
	const struct mmsb_record *record;
	enum mmsb_reason reason = ms_history_next(historian.history, &record);

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
	reason = ms_history_capture(historian.history, 0, &tick);
	if (!reason)
		historian.captures--;
	else if (reason != MMSB_REASON_CAPTURING && (reason != MMSB_REASON_NO_MEMORY || !sim_injects()))
		sim_fail("a capture is refused for reason %d", reason);
}

static bool has_come_or_ends(void *arg)
{
	(void)arg;
	return pf_acquire(&historian.stop) || ms_history_has_any(historian.history);
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

static void historian_main(void *arg)
{
	bool last = false;
	u32 n;

	(void)arg;
	do {
		last = pf_acquire(&historian.stop);
		while (read_one()) {
			if (wants_to_leave()) {
				leave();
				return;
			}
			perhaps_capture();
			for (n = (u32)rng_below(&historian.rng, historian.patience + 1); n && !last; n--)
				sim_pause(SIM_PLACE);
		}
		if (!last)
			pf_waitq_wait(ms_history_waitq(historian.history), has_come_or_ends, NULL, ~0ull);
	} while (!last);
}

static const u64 limits[] = { 300, 2000, 20000, 0 };

void historian_begin(struct stage *stage)
{
	struct mmsb_history_open_args args = { .size = sizeof(args) };
	enum mmsb_reason reason;

	memset(&historian, 0, sizeof(historian));
	historian.stage = stage;
	historian.rng.state = rng_next(&stage->rng);
	if (rng_once_in(&historian.rng, 2))
		return;
	historian.patience = rng_once_in(&historian.rng, 2) ? 0 : 30;
	historian.leaves_after = rng_once_in(&historian.rng, 4) ? 1 + (u32)rng_below(&historian.rng, 60) : 0;
	historian.captures = (u32)rng_below(&historian.rng, 4);
	args.limit = limits[rng_below(&historian.rng, 4)];
	args.flags = rng_once_in(&historian.rng, 2) ? MMSB_HISTORY_COMPACT : 0;
	reason = ms_history_open(stage->space, &args, &historian.history);
	if (reason && (reason != MMSB_REASON_NO_MEMORY || !sim_injects()))
		sim_fail("a history cannot be opened, for reason %d", reason);
	if (reason)
		return;
	ledger_tells();
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
	while (!historian.left && ms_history_has_any(historian.history)) {
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
	ms_history_close(historian.history);
}

/* --------------------------------------------------------------------------------------------------------- doing it again */

struct again {
	struct ms_space *space;
	struct client client;
	u64 tick;			/* that has begun; 0: none */
};

static void again_entry(struct again *again, const struct mmsb_sqe *sqe)
{
	struct client *client = &again->client;
	const struct mmsb_cqe *cqe = &client->cqes[client->cq_head & (client->cq_entries - 1)];
	int err;

	client->sqes[client->sq_tail++ & (client->sq_entries - 1)] = *sqe;
	pf_release(&client->shared->sq_tail, client->sq_tail);
	err = ms_ring_enter(client->ring, 1, ~0ull);
	if (err && err != -EINTR)
		sim_fail("replaying, ENTER returns %d", err);
	if (pf_acquire(&client->engine->cq_tail) != client->cq_head + 1)
		sim_fail("replaying, an entry does not complete");
	if (cqe->result || (cqe->flags & MMSB_CQE_UNCHANGED))
		sim_fail("replaying tick %llu: op %u on page %llx came to %d, reason %u, flags %x", (unsigned long long)again->tick,
			 sqe->op, (unsigned long long)sqe->page, cqe->result, cqe->reason, cqe->flags);
	pf_release(&client->shared->cq_head, ++client->cq_head);
}

static void again_turn(struct again *again, u64 tick)
{
	again->tick = tick;
	again_entry(again, &(struct mmsb_sqe){ .op = MMSB_OP_TICK, .offset = tick });
}

static void again_delta(struct again *again, const struct mmsb_delta_record *record)
{
	u64 bytes = record->record.bytes - sizeof(*record);

	if (again->tick != record->record.tick)
		again_turn(again, record->record.tick);
	if (bytes)
		memcpy(again->client.payload, record + 1, bytes);
	again_entry(again, &record->sqe);
}

static void again_word(struct again *again, const struct mmsb_word_record *record)
{
	struct mmsb_sqe sqe = { .op = record->op, .lane = record->lane, .len = record->len, .page = record->page,
				.offset = record->offset, .word = { record->word } };

	if (again->tick != record->record.tick)
		again_turn(again, record->record.tick);
	again_entry(again, &sqe);
}

static void again_compare(struct again *again, const struct mmsb_hash_record *record)
{
	u64 hash[2], tick;
	bool off;

	if (!(record->record.flags & MMSB_RECORD_HASHED))
		return;
	ms_space_hash(again->space, 0, hash, &tick, &off);
	if (off || memcmp(hash, record->hash, sizeof(hash)))
		sim_fail("replayed, tick %llu comes to another hash than it had", (unsigned long long)record->record.tick);
}

static void again_tick(struct again *again, const struct mmsb_hash_record *record)
{
	if (again->tick != record->record.tick)
		sim_fail("tick %llu is told to end and not what it did", (unsigned long long)record->record.tick);
	again_turn(again, 0);
	again_compare(again, record);
}

static void again_record(struct again *again, const struct mmsb_record *record)
{
	switch (record->type) {
	case MMSB_RECORD_DELTA:
		again_delta(again, (const void *)record);
		break;
	case MMSB_RECORD_WORD:
		again_word(again, (const void *)record);
		break;
	case MMSB_RECORD_TICK:
		again_tick(again, (const void *)record);
		break;
	case MMSB_RECORD_HASH:
		again_compare(again, (const void *)record);
		break;
	case MMSB_RECORD_RESET:
		if (ms_space_reset(again->space))
			sim_fail("replaying, a reset is refused");
		break;
	case MMSB_RECORD_CAPTURE:
		again_compare(again, (const void *)record);
		break;
	case MMSB_RECORD_IMAGE:
	case MMSB_RECORD_CAPTURED:
		break;
	default:
		sim_fail("a record of type %u", record->type);
	}
}

static void again_open(struct again *again)
{
	struct ms_space_config space = { .shards = 1 + (u32)rng_below(&historian.rng, 4), .max_rings = 4, .max_pages = 16000, .hash = true };
	struct ms_ring_config ring = { .sq_entries = 1, .cq_entries = 2, .payload_bytes = 4096, .replay = true };

	memset(again, 0, sizeof(*again));
	space.max_bytes = 256ull << PF_CHUNK_SHIFT;
	ring.shard = (u32)rng_below(&historian.rng, space.shards);
	ms_ring_config_round(&ring);
	if (ms_space_create(&space, &again->space) || !client_open(&again->client, again->space, 0, &ring))
		sim_fail("there is no space to replay into");
}

static void compare_ends(struct again *again)
{
	u64 was[2], is[2], tick;
	bool off;

	ms_space_hash(historian.stage->space, MMSB_HASH_RECOMPUTE, was, &tick, &off);
	ms_space_hash(again->space, MMSB_HASH_RECOMPUTE, is, &tick, &off);
	if (memcmp(was, is, sizeof(was)))
		sim_fail("replayed, the history comes to another state in the end");
}

static const struct mmsb_record *tape_at(u64 at)
{
	return (const void *)(tape.bytes + at);
}

static void again_close(struct again *again)
{
	if (!historian.left)
		compare_ends(again);
	client_close(&again->client);
	ms_space_destroy(again->space);
}

/* --------------------------------------------------------------------------------------- beginning with what was captured */

/* Whether what was captured from there on was told to the end, and is of use. */
static bool capture_is_whole(u64 at)
{
	for (at += tape_at(at)->bytes; at < historian.used; at += tape_at(at)->bytes)
		if (tape_at(at)->type == MMSB_RECORD_CAPTURED)
			return !(tape_at(at)->flags & MMSB_RECORD_FAILED);
	return false;
}

static void again_image(struct again *again, const struct mmsb_image *from, bool edges)
{
	struct mmsb_image *image = (void *)again->client.payload;

	if (edges && !from->edges)
		return;
	memcpy(image, from, from->record.bytes);
	if (edges)
		image->flags |= MMSB_IMAGE_EDGES;
	again_entry(again, &(struct mmsb_sqe){ .op = MMSB_OP_LOAD, .flags = MMSB_SQE_PAYLOAD, .len = from->record.bytes });
}

static void again_images(struct again *again, u64 at, bool edges)
{
	for (; tape_at(at)->type != MMSB_RECORD_CAPTURED; at += tape_at(at)->bytes)
		if (tape_at(at)->type == MMSB_RECORD_IMAGE)
			again_image(again, (const void *)tape_at(at), edges);
}

/* All of what was told after it follows. */
static void judge_capture(u64 at)
{
	const struct mmsb_hash_record *capture = (const void *)tape_at(at);
	struct again again;

	if (!capture->record.tick)
		return;
	again_open(&again);
	again_turn(&again, capture->record.tick);
	again_images(&again, at, false);
	again_images(&again, at, true);
	again_turn(&again, 0);
	for (; at < historian.used; at += tape_at(at)->bytes)
		again_record(&again, tape_at(at));
	again_close(&again);
}

void historian_judge(void)
{
	struct again again;
	u64 at;

	if (!historian.actor)
		return;
	again_open(&again);
	for (at = 0; at < historian.used; at += tape_at(at)->bytes)
		again_record(&again, tape_at(at));
	again_close(&again);
	for (at = 0; at < historian.used; at += tape_at(at)->bytes)
		if (tape_at(at)->type == MMSB_RECORD_CAPTURE && capture_is_whole(at))
			judge_capture(at);
}
