/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring as a client uses it: as uapi/mmsb/abi.h says, with no library in between, so that each barrier which a client owes the
 * engine stands here.
 */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include "common/random.h"
#include "ledger.h"

#define SLOTS		16u		/* entries with a payload under way */
#define RECENT		1024u		/* more than are ever under way */
#define SNAPSHOT_AT	(SLOTS * OPERAND_MAX)

struct client {
	u32 number;
	struct ms_ring *ring;
	struct mmsb_ring_engine *engine;
	struct mmsb_ring_client *shared;
	struct mmsb_sqe *sqes;
	const struct mmsb_cqe *cqes;
	u8 *payload;
	u32 sq_entries, cq_entries, shard;
	bool polled, mortal;
	u32 sq_tail, published, cq_head;
	u32 loud, loud_published, loud_reaped;	/* entries that complete in any case */
	struct record *slots[SLOTS];
	u64 tick_of[RECENT];		/* in which the latest entries were applied, by order; 0: not known to have been */
};

/* False: the engine had no memory, which is right only where failures are injected. */
bool client_open(struct client *client, struct ms_space *space, u32 number, const struct ms_ring_config *config);
void client_close(struct client *client);

/* Where the next entry's operand can lie in the payload area; false: nowhere now. */
bool client_slot(struct client *client, u32 *slot);
/* Waits until there is room. False: it was killed. */
bool client_make_room(struct client *client);
void client_put(struct client *client, struct record *record, u32 slot);
void client_publish(struct client *client);
u32 client_reap(struct client *client, u32 most);
/* Until `n` completions are there, or the time is up. */
void client_wait(struct client *client, u32 n, u64 timeout_ns);
/* Sends a fence and reaps until it has completed, and with it all that came before. */
void client_finish(struct client *client);

#endif
