// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include "cast.h"
#include "garden.h"
#include "historian.h"
#include "listener.h"
#include "common/random.h"
#include "pass.h"
#include "ring.h"
#include "route.h"
#include "scenario.h"
#include "space.h"

#define PLAYERS		24u
#define POLLERS		4u

static struct stage stage;
static struct poller pollers[POLLERS];
static struct player players[PLAYERS], director;
static u32 nplayers;

/* ----------------------------------------------------------------------------------------------------------- manner */

static u32 any_of(struct rng *rng, const u32 *list, u32 n)
{
	return list[rng_below(rng, n)];
}

#define ANY_OF(rng, ...) ({ static const u32 list_[] = { __VA_ARGS__ }; any_of((rng), list_, sizeof(list_) / sizeof(list_[0])); })

static void scenario_manner(u64 seed, struct sim_manner *manner)
{
	struct rng rng = { seed ^ 0x6d616e6e6572ull };

	manner->ranked = rng_once_in(&rng, 3);
	manner->buffered = !rng_once_in(&rng, 3);
	manner->stretch = manner->ranked ? ANY_OF(&rng, 20, 100, 500, 3000) : ANY_OF(&rng, 1, 2, 4, 10, 30, 100);
	manner->arrive_once_in = ANY_OF(&rng, 2, 4, 10, 50);
	manner->expire_once_in = ANY_OF(&rng, 0, 10, 100);
	manner->interrupt_once_in = ANY_OF(&rng, 0, 0, 20);
	manner->stall_once_in = ANY_OF(&rng, 0, 0, 10, 100);
	manner->fail_once_in = ANY_OF(&rng, 0, 0, 0, 0, 40, 6);
}

/* ------------------------------------------------------------------------------------------------------------ stage */

static bool space_open(void)
{
	struct ms_space_config config = { 0 };
	enum mmsb_reason reason;

	stage.shards = 1 + (u32)rng_below(&stage.rng, 4);
	stage.pollers = !rng_once_in(&stage.rng, 3);
	stage.resets = rng_once_in(&stage.rng, 8);
	config.shards = stage.shards;
	config.max_rings = 64;
	config.max_pages = rng_once_in(&stage.rng, 4) ? 70 : 4000;
	config.max_bytes = (u64)ANY_OF(&stage.rng, 6, 40, 40) << PF_CHUNK_SHIFT;
	config.hash = !rng_once_in(&stage.rng, 3);
	config.pollers = stage.pollers;
	platform_wave_budget = ANY_OF(&stage.rng, 100000, 100000, 100, 20);
	platform_share_worth = ANY_OF(&stage.rng, 1, 4, 30, 300);
	reason = ms_space_create(&config, &stage.space);
	if (reason && (reason != MMSB_REASON_NO_MEMORY || !sim_injects()))
		sim_fail("a space is refused for reason %d", reason);
	return !reason;
}

static void pollers_start(void)
{
	u32 i;

	stage.npollers = stage.pollers ? 1 + (u32)rng_below(&stage.rng, stage.shards) : 0;
	for (i = 0; i < stage.npollers; i++) {
		pollers[i] = (struct poller){ .stage = &stage, .first = i, .step = stage.npollers };
		pollers[i].patience = (u32)rng_below(&stage.rng, 4);
		pf_waitq_init(&pollers[i].home.queue);
	}
	for (i = 0; stage.npollers && i < stage.shards; i++)
		ms_shard_home(ms_space_shard(stage.space, i))->poller = &pollers[i % stage.npollers].home;
	for (i = 0; i < stage.npollers; i++)
		pollers[i].actor = sim_spawn("poller", i, poller_main, &pollers[i]);
}

static bool pollers_have_ended(void *arg)
{
	u32 i;

	(void)arg;
	for (i = 0; i < stage.npollers; i++)
		if (!sim_has_ended(pollers[i].actor))
			return false;
	return true;
}

static void pollers_stop(void)
{
	u32 i;

	for (i = 0; i < stage.npollers; i++) {
		pf_release(&pollers[i].stop, true);
		pf_waitq_wake(&pollers[i].home.queue);
	}
	sim_wait_for(pollers_have_ended, NULL, SIM_PLACE);
}

/* ------------------------------------------------------------------------------------------------------------- cast */

static struct player *player_new(u32 most)
{
	struct player *player = &players[nplayers++];

	memset(player, 0, sizeof(*player));
	player->stage = &stage;
	player->rng.state = rng_next(&stage.rng);
	player->left = 1 + (u32)rng_below(&stage.rng, most);
	return player;
}

enum { WITH_RING = 1, LOOKS_ON = 2 };

static void cast(const char *name, void (*run)(void *arg), u32 n, u32 most, u32 what)
{
	u32 i;

	for (i = 0; i < n; i++) {
		struct player *player = player_new(most);

		player->looks_on = what & LOOKS_ON;
		if (!(what & WITH_RING) || player_open(player))
			player->actor = sim_spawn(name, i, run, player);
	}
}

static void cast_mortal(void)
{
	struct player *victim = player_new(60), *killer = player_new(200);

	victim->client.mortal = true;
	if (!player_open(victim))
		return;
	victim->actor = sim_spawn("mortal", 0, producer_main, victim);
	killer->victim = victim;
	killer->actor = sim_spawn("killer", 0, killer_main, killer);
}

/* One of these with one chance in n. */
static u32 perhaps(u32 n)
{
	return rng_once_in(&stage.rng, n);
}

static void cast_gardener(void)
{
	struct player *gardener = player_new(40);

	stage.garden = garden_plant(&stage, gardener);
	if (stage.garden)
		gardener->actor = sim_spawn("gardener", 0, gardener_main, gardener);
}

static void cast_all(void)
{
	cast("producer", producer_main, 1 + (u32)rng_below(&stage.rng, 4), 40, WITH_RING);
	if (perhaps(3))
		cast_mortal();
	cast("opener", opener_main, perhaps(4), 6, 0);
	cast("reader", reader_main, (u32)rng_below(&stage.rng, 3), 30, LOOKS_ON);
	cast("watcher", watcher_main, (u32)rng_below(&stage.rng, 3), 10, LOOKS_ON);
	cast("snapshot", snapshot_main, perhaps(3), 10, LOOKS_ON | WITH_RING);
	cast("hash", hash_main, perhaps(3), 6, LOOKS_ON);
	cast("reset", reset_main, stage.resets, 4, 0);
}

static bool have_ended(bool onlookers_too)
{
	u32 i;

	for (i = 0; i < nplayers; i++)
		if (players[i].actor && (onlookers_too || !players[i].looks_on) && !sim_has_ended(players[i].actor))
			return false;
	return true;
}

static bool senders_have_ended(void *arg)
{
	(void)arg;
	return have_ended(false);
}

static bool all_have_ended(void *arg)
{
	(void)arg;
	return have_ended(true);
}

/* ------------------------------------------------------------------------------------------------------ what they do */

static void make_pages(void)
{
	u32 n = 2 + (u32)rng_below(&stage.rng, 11);

	for (; n; n--) {
		struct record *record = ledger_record();

		record->sqe = (struct mmsb_sqe){ .op = MMSB_OP_CREATE, .flags = MMSB_SQE_AT };
		record->sqe.len = draw_size(&stage.rng);
		record->sqe.page = draw_fresh_id(&stage.rng, (u32)rng_below(&stage.rng, stage.shards));
		client_make_room(&director.client);
		client_put(&director.client, record, 0);
	}
	client_finish(&director.client);
}

/* A last change of every page, so that everybody who waits for one has had it. */
static void bump_pages(void)
{
	u32 n = ledger_books(), i;

	for (i = 0; i < n; i++) {
		struct book *book = ledger_any(i);
		struct record *record;

		if (book->follows)
			continue;
		record = ledger_record();
		draw_bump(record, book);
		client_make_room(&director.client);
		client_put(&director.client, record, 0);
	}
	client_finish(&director.client);
}

/* Everybody is at rest. Now each change that there is to hear of is the last one, and whoever waits for it has to be woken. */
static void change_one_by_one(void)
{
	u32 n;

	for (n = 8; n && (historian_is_there() || listeners_are_there()); n--) {
		struct book *book = ledger_any((u32)rng_next(&stage.rng));
		struct record *record;

		if (!book || book->follows)
			continue;
		record = ledger_record();
		draw_bump(record, book);
		client_make_room(&director.client);
		client_put(&director.client, record, 0);
		client_finish(&director.client);
		historian_await();
		listeners_await();
	}
}

static void act(void)
{
	make_pages();
	if (perhaps(2))
		cast_gardener();
	if (stage.resets)
		ledger_blur();
	sim_inject(true);
	listeners_begin(&stage);
	cast_all();
	sim_wait_for(senders_have_ended, NULL, SIM_PLACE);
	sim_inject(false);
	stage.ending = true;
	bump_pages();
	sim_wait_for(all_have_ended, NULL, SIM_PLACE);
	change_one_by_one();
}

/* ---------------------------------------------------------------------------------------------------------- the end */

static void check_links(void)
{
	u32 from, to;

	for (from = 0; from < stage.shards; from++)
		for (to = 0; to < stage.shards; to++) {
			const struct ms_link *link = ms_space_shard(stage.space, from)->out[to];

			if (link && (link->sent != link->filled || link->served != link->sent || link->done != link->sent ||
				     link->reaped != link->sent))
				sim_fail("something is left in the link from shard %u to %u", from, to);
		}
}

static void check_hash(void)
{
	u64 kept[2], afresh[2], tick;
	bool off;

	ms_space_hash(stage.space, 0, kept, &tick, &off);
	if (off)
		return;
	ms_space_hash(stage.space, MMSB_HASH_RECOMPUTE, afresh, &tick, &off);
	if (memcmp(kept, afresh, sizeof(kept)))
		sim_fail("in the end the hash that was kept is not the one that is computed");
}

static void check_reset(void)
{
	u64 hash[2], tick;
	bool off;

	if (ms_space_reset(stage.space))
		sim_fail("a reset is refused");
	ms_space_hash(stage.space, 0, hash, &tick, &off);
	if (tick || (!off && (hash[0] || hash[1])))
		sim_fail("after a reset the space is not as new");
}

static u64 shared;

u64 scenario_shared(void)
{
	return shared;
}

static void count_shared(void)
{
	struct ms_space_stat stat;

	ms_space_stat(stage.space, &stat);
	shared += stat.shared;
}

static void close_all(void)
{
	u32 i;

	for (i = 0; i < nplayers; i++)
		if (players[i].is_open)
			client_close(&players[i].client);
	client_close(&director.client);
}

/* How things stand when a seed has failed. */
static void tell_ring(const struct ms_ring *ring)
{
	printf("#     %s ring of %u and %u: sq %u of %u, cq %u of %u, %u under way%s%s%s%s%s\n", ring->polled ? "polled" : "inline",
	       ring->sq_entries, ring->cq_entries, ring->engine->sq_head, ring->client->sq_tail, ring->client->cq_head,
	       ring->engine->cq_tail, ring->inflight, ring->fenced ? ", fenced" : "", ring->held_by ? ", held by a link" : "",
	       ring->is_touched ? ", touched" : "", ring->closing ? ", closing" : "", ring->broken ? ", broken" : "");
}

static void tell(void)
{
	u32 i;

	for (i = 0; stage.space && i < stage.shards; i++) {
		const struct ms_shard *shard = ms_space_shard(stage.space, i);
		const struct ms_ring *ring;

		printf("#   shard %u of %u:%s%s%s%s%s%s\n", i, stage.shards, shard->run.held ? " held" : "",
		       shard->kicked ? " kicked" : "", shard->asleep ? " asleep" : "", shard->rescan ? " rescan" : "",
		       shard->wanted ? " wanted" : "", ms_shard_has_mail(shard) ? " mail" : "");
		for (ring = shard->rings; ring; ring = ring->next)
			tell_ring(ring);
	}
}

static void direct(void *arg)
{
	(void)arg;
	sim_inject(rng_once_in(&stage.rng, 3));
	if (!space_open())
		return;
	ledger_begin(stage.space);
	draw_begin(stage.space);
	garden_begin();
	pollers_start();
	director.stage = &stage;
	director.rng.state = rng_next(&stage.rng);
	if (player_open(&director)) {
		historian_begin(&stage);
		act();
		if (stage.garden)
			garden_judge();
		listeners_stop();
		historian_stop();
		check_links();
		check_hash();
		ledger_judge();
		listeners_judge();
		historian_judge();
		count_shared();
		check_reset();
		close_all();
	}
	pollers_stop();
	ms_space_destroy(stage.space);
}

void scenario_run(u64 seed, bool trace)
{
	struct sim_manner manner;
	u64 bytes;

	scenario_manner(seed, &manner);
	memset(&stage, 0, sizeof(stage));
	memset(&director, 0, sizeof(director));
	stage.rng.state = seed;
	nplayers = 0;
	sim_begin(seed, &manner, trace, tell);
	sim_run(direct, NULL);
	if (platform_blocks(&bytes))
		sim_fail("%llu blocks of %llu bytes in all are not given back", (unsigned long long)platform_blocks(&bytes),
			 (unsigned long long)bytes);
	platform_flush();
}
