// SPDX-License-Identifier: GPL-2.0-only
#include "client.h"
#include "space.h"

bool client_open(struct client *client, struct ms_space *space, u32 number, const struct ms_ring_config *config)
{
	enum mmsb_reason reason;
	u8 *area;

	memset(client, 0, sizeof(*client));
	reason = ms_ring_create(space, config, &client->ring);
	if (reason) {
		if (reason != MMSB_REASON_NO_MEMORY || !sim_injects())
			sim_fail("a ring is refused for reason %d", reason);
		return false;
	}
	config = ms_ring_config(client->ring);
	client->number = number;
	client->sq_entries = config->sq_entries;
	client->cq_entries = config->cq_entries;
	client->polled = config->polled;
	client->shard = config->shard;
	client->engine = pf_shared_ptr(ms_ring_engine_area(client->ring));
	client->cqes = (const void *)((const u8 *)client->engine + MMSB_RING_HEADER);
	area = pf_shared_ptr(ms_ring_client_area(client->ring));
	client->shared = (void *)area;
	client->sqes = (void *)(area + MMSB_RING_HEADER);
	client->payload = area + ms_ring_payload_offset(client->ring);
	return true;
}

void client_close(struct client *client)
{
	ms_ring_close(client->ring);
	client->ring = NULL;
}

/* ------------------------------------------------------------------------------------------------------- submission */

static u32 client_room(const struct client *client)
{
	return client->sq_entries - (client->sq_tail - pf_acquire(&client->engine->sq_head));
}

static void client_enter(struct client *client, u32 complete, u64 timeout_ns)
{
	int err = ms_ring_enter(client->ring, complete, timeout_ns);

	if (err && err != -EINTR && (err != -ETIME || timeout_ns == ~0ull))
		sim_fail("ENTER returns %d", err);
}

/* The barrier's partner is in ms_shard_sleep(): one of the two sees the other's store. */
static void client_wake(struct client *client)
{
	pf_mb();
	if (pf_read(client->engine->flags) & MMSB_RING_NEED_WAKEUP)
		client_enter(client, 0, 0);
}

void client_publish(struct client *client)
{
	if (client->published == client->sq_tail)
		return;
	client->published = client->sq_tail;
	client->loud_published = client->loud;
	pf_release(&client->shared->sq_tail, client->sq_tail);
	if (client->polled)
		client_wake(client);
	else
		client_enter(client, 0, 0);
}

/* When both queues are full there is nothing to wait for but one's own reaping. */
bool client_make_room(struct client *client)
{
	while (!client_room(client)) {
		if (sim_is_killed())
			return false;
		client_publish(client);
		if (client_reap(client, ~0u) || client_room(client))
			continue;
		if (ms_ring_enter_for_room(client->ring, ~0ull) == -ETIME)
			sim_fail("a wait without a timeout ran out");
	}
	return true;
}

bool client_slot(struct client *client, u32 *slot)
{
	for (*slot = 0; *slot < SLOTS; (*slot)++)
		if (!client->slots[*slot])
			return true;
	return false;
}

static bool is_logged(const struct client *client)
{
	return pf_read(ms_ring_space(client->ring)->log.mode) != MMSB_MEMORY;
}

void client_put(struct client *client, struct record *record, u32 slot)
{
	struct mmsb_sqe *sqe = &client->sqes[client->sq_tail & (client->sq_entries - 1)];

	record->client = client;
	record->order = client->sq_tail;
	record->sqe.user_data = ledger_number(record);
	if (record->sqe.flags & MMSB_SQE_PAYLOAD) {
		client->slots[slot] = record;
		record->sqe.payload = slot * OPERAND_MAX;
		memcpy(client->payload + record->sqe.payload, record->operand, OPERAND_MAX);
	}
	if (record->book)
		ledger_add(record->book, record);
	sim_trace("puts %u of ring %u: op %u page %llx offset %llu len %u flags %x", ledger_number(record), client->number,
		  record->sqe.op, (unsigned long long)record->sqe.page, (unsigned long long)record->sqe.offset,
		  record->sqe.len, record->sqe.flags);
	*sqe = record->sqe;
	client->tick_of[record->order % RECENT] = 0;
	record->durable = is_logged(client) && ledger_number(record) % 3 == 0;
	if (record->durable)
		sqe->flags |= MMSB_SQE_DURABLE;
	client->sq_tail++;
	client->loud += !(record->sqe.flags & MMSB_SQE_QUIET);
}

/* ------------------------------------------------------------------------------------------------------- completion */

/* Quiet entries free no slot of their own accord: what completed behind them on the same page, or a fence, says that they did. */
static void free_slots(struct client *client, const struct record *done)
{
	u32 i;

	for (i = 0; i < SLOTS; i++) {
		const struct record *held = client->slots[i];
		bool before = held && held->order < done->order && (held->book == done->book || done->sqe.op == MMSB_OP_FENCE);

		if (held == done || (before && (held->sqe.flags & MMSB_SQE_QUIET)))
			client->slots[i] = NULL;
	}
}

/* And so is what the ring sent before it. */
static void check_durable(const struct client *client, const struct record *record, const struct mmsb_cqe *cqe)
{
	u64 durable = pf_acquire(&ms_ring_space(client->ring)->page->durable);
	u32 i;

	if (cqe->tick > durable)
		sim_fail("ring %u: %u completes and is not durable", client->number, ledger_number(record));
	for (i = 1; i < RECENT && i <= record->order; i++)
		if (client->tick_of[(record->order - i) % RECENT] > durable)
			sim_fail("ring %u: %u is durable, and not what came %u before it", client->number, ledger_number(record), i);
}

static void take_one(struct client *client, const struct mmsb_cqe *cqe)
{
	struct record *record = ledger_find(cqe->user_data);

	sim_trace("reaps %llu: %d, reason %u, epoch %llx, tick %llu", (unsigned long long)cqe->user_data, cqe->result,
		  cqe->reason, (unsigned long long)cqe->epoch, (unsigned long long)cqe->tick);
	if (!record || record->client != client)
		sim_fail("ring %u: a completion of %llu, which is not its own", client->number,
			 (unsigned long long)cqe->user_data);
	if (record->came)
		sim_fail("ring %u: %u completes twice", client->number, ledger_number(record));
	if (!cqe->result && (record->durable || pf_read(ms_ring_space(client->ring)->log.mode) == MMSB_STRICT))
		check_durable(client, record, cqe);
	client->tick_of[record->order % RECENT] = cqe->result ? 0 : cqe->tick;
	record->came = true;
	record->cqe = *cqe;
	client->loud_reaped += !(record->sqe.flags & MMSB_SQE_QUIET);
	free_slots(client, record);
	ledger_came(record);
}

u32 client_reap(struct client *client, u32 most)
{
	u32 tail = pf_acquire(&client->engine->cq_tail), n = 0;

	if (tail - client->cq_head > client->cq_entries)
		sim_fail("ring %u: more completions than there is room for", client->number);
	for (; client->cq_head != tail && n < most; n++) {
		struct mmsb_cqe cqe = client->cqes[client->cq_head++ & (client->cq_entries - 1)];

		take_one(client, &cqe);
		if ((s32)(pf_acquire(&client->engine->sq_head) - ledger_find(cqe.user_data)->order) <= 0)
			sim_fail("ring %u: %llu has completed, and its entry is not free", client->number,
				 (unsigned long long)cqe.user_data);
	}
	if (!n)
		return 0;
	pf_release(&client->shared->cq_head, client->cq_head);
	if (pf_acquire(&client->engine->sq_head) == client->published)
		return n;
	if (client->polled)
		client_wake(client);
	else
		client_enter(client, 0, 0);
	return n;
}

void client_wait(struct client *client, u32 n, u64 timeout_ns)
{
	client_enter(client, n < client->cq_entries ? n : client->cq_entries, timeout_ns);
}

static struct record *client_fence(struct client *client)
{
	struct record *fence = ledger_record();

	if (!fence)
		sim_fail("no record is left for a fence");
	fence->sqe = (struct mmsb_sqe){ .op = MMSB_OP_FENCE };
	fence->book = NULL;
	if (!client_make_room(client))
		return NULL;
	client_put(client, fence, 0);
	return fence;
}

void client_finish(struct client *client)
{
	struct record *fence = client_fence(client);

	/* What waits for its tick to be durable comes behind a fence that does not. */
	while (fence && (!fence->came || client->loud_reaped != client->loud) && !sim_is_killed()) {
		client_publish(client);
		if (!client_reap(client, ~0u))
			client_wait(client, 1, ~0ull);
	}
	if (fence && fence->came && client->loud_reaped == client->loud && pf_acquire(&client->engine->cq_tail) != client->cq_head)
		sim_fail("ring %u: something completed behind a fence that was the last", client->number);
}
