// SPDX-License-Identifier: GPL-2.0-only
#include "book.h"
#include "names.h"
#include "ring.h"
#include "route.h"
#include "space.h"

static void names_of_ring(const struct ms_ring *ring)
{
	book_name("the engine's half of a ring", ring, sizeof(*ring));
	book_name("entries", ring->sqes, ring->sq_entries * sizeof(*ring->sqes));
	book_name("completions", ring->cqes, ring->cq_entries * sizeof(*ring->cqes));
	book_name("sq_tail", &ring->client->sq_tail, sizeof(u32));
	book_name("cq_head", &ring->client->cq_head, sizeof(u32));
	book_name("sq_head", &ring->engine->sq_head, sizeof(u32));
	book_name("cq_tail", &ring->engine->cq_tail, sizeof(u32));
	book_name("a ring's flags", &ring->engine->flags, sizeof(u32));
	book_name("a ring's counters", &ring->engine->taken, sizeof(u64));
}

static void names_of_link(const struct ms_link *link)
{
	book_name("a link's slots", link->slot, sizeof(link->slot));
	book_name("a link's index, there", &link->sent, (size_t)((const char *)&link->done - (const char *)&link->sent));
	book_name("a link's index, back", &link->done, (size_t)((const char *)link->slot - (const char *)&link->done));
}

static void names_of_shard(const struct ms_shard *shard)
{
	const struct ms_ring *ring;
	u32 i;

	book_name("a shard, never written", shard, (size_t)((const char *)&shard->run - (const char *)shard));
	book_name("a shard, its runner's", &shard->run, (size_t)((const char *)&shard->kicked - (const char *)&shard->run));
	book_name("a shard, what others write", &shard->kicked, (size_t)((const char *)(shard + 1) - (const char *)&shard->kicked));
	for (ring = shard->rings; ring; ring = ring->next)
		names_of_ring(ring);
	for (i = 0; i < shard->space->nshards; i++)
		if (shard->out[i])
			names_of_link(shard->out[i]);
}

void names_of_space(struct ms_space *space)
{
	u32 i;

	book_name("a space", space, sizeof(*space));
	book_name("a space's page", space->page, sizeof(*space->page));
	book_name("a space's ticks", &space->page->tick, sizeof(u64));
	book_name("directory", space->directory.base, space->directory.home.bytes);
	book_name("pages' bytes", space->arena.region.base, space->arena.region.home.bytes);
	for (i = 0; i < space->nshards; i++)
		names_of_shard(space->shards[i]);
}
