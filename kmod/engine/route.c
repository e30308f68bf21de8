// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "route.h"
#include "space.h"

struct ms_link *ms_link_to(struct ms_shard *from, u32 to)
{
	struct ms_link *link = from->out[to];

	if (likely(link))
		return link;
	link = pf_alloc(sizeof(*link), from->node);
	if (!link)
		return NULL;
	pf_mutex_lock(&from->space->mutex);
	from->space->route_memory += sizeof(*link);
	pf_mutex_unlock(&from->space->mutex);
	link->from = from;
	link->to = from->space->shards[to];
	from->out[to] = link;
	pf_release(&link->to->in[from->number], link);
	return link;
}

void ms_link_send(struct ms_link *link, struct ms_ring *ring, const struct mmsb_sqe *sqe)
{
	struct ms_message *message = &link->slot[link->filled++ % MS_LINK_SLOTS];

	message->ring = ring;
	message->flags = sqe->flags;
	message->sqe = *sqe;
}

void ms_inbox_mark(struct ms_shard *shard, u32 other)
{
	pf_or64(&shard->inbox[other / 64], 1ull << (other % 64));
}

void ms_link_publish_sent(struct ms_link *link)
{
	if (unlikely(link->from->timing))
		ms_timing_sent(link);
	pf_release(&link->sent, link->filled);		/* partner: the acquire in the inbox of `to` */
	ms_inbox_mark(link->to, link->from->number);
}

void ms_link_publish_done(struct ms_link *link)
{
	pf_release(&link->done, link->served);		/* partner: the acquire in the inbox of `from` */
	ms_inbox_mark(link->from, link->to->number);
}

void ms_routes_free(struct ms_shard *shard)
{
	u32 i;

	for (i = 0; i < shard->space->nshards; i++)
		pf_free(shard->out[i]);
}
