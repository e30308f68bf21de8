// SPDX-License-Identifier: GPL-2.0-only
/* Those who send: producers, one who kills them and closes what they leave, and one who keeps opening and closing rings. */
#include "cast.h"

/* Queues of one to eight entries: all of them are full most of the time. A few are so long that they fill what lies between two shards. */
void stage_ring_config(struct stage *stage, struct rng *rng, struct ms_ring_config *config)
{
	memset(config, 0, sizeof(*config));
	config->sq_entries = rng_once_in(rng, 32) ? 256 : 1u << rng_below(rng, 4);
	config->cq_entries = config->sq_entries << rng_below(rng, 2);
	config->payload_bytes = 8192;
	config->shard = (u32)rng_below(rng, stage->shards);
	config->polled = stage->pollers && !rng_once_in(rng, 4);
	ms_ring_config_round(config);
}

bool player_open(struct player *player)
{
	struct ms_ring_config config;
	bool mortal = player->client.mortal;

	stage_ring_config(player->stage, &player->rng, &config);
	player->is_open = client_open(&player->client, player->stage->space, player->stage->clients++, &config);
	player->client.mortal = mortal;
	return player->is_open;
}

static bool produce_one(struct player *player)
{
	struct client *client = &player->client;
	struct record *record;
	bool has_slot;
	u32 slot;

	if (ledger_left() < 300 || !client_make_room(client))
		return false;
	record = ledger_record();
	has_slot = client_slot(client, &slot);
	draw_record(&player->rng, client, record, has_slot);
	client_put(client, record, slot);
	return true;
}

/* Only as many as are sure to come. */
static void await_some(struct player *player)
{
	struct client *client = &player->client;
	u32 due = client->loud_published - client->loud_reaped;

	if (due)
		client_wait(client, 1 + (u32)rng_below(&player->rng, due), rng_once_in(&player->rng, 4) ? 1000 : ~0ull);
}

static bool produce_some(struct player *player)
{
	u32 n = 1 + (u32)rng_below(&player->rng, player->client.sq_entries > 8 ? player->client.sq_entries : 4);

	for (; n && player->left; n--, player->left--)
		if (!produce_one(player))
			return false;
	if (!rng_once_in(&player->rng, 4) && !sim_is_killed())
		client_publish(&player->client);
	if (rng_once_in(&player->rng, 3))
		await_some(player);
	if (!rng_once_in(&player->rng, 3) && !sim_is_killed())
		client_reap(&player->client, rng_once_in(&player->rng, 2) ? 1 : ~0u);
	return true;
}

void producer_main(void *arg)
{
	struct player *player = arg;

	if (player->client.sq_entries > 8)
		player->left *= 10;
	while (player->left && !sim_is_killed() && produce_some(player))
		sim_step();
	if (!sim_is_killed())
		client_finish(&player->client);
}

static bool victim_has_ended(void *arg)
{
	struct player *killer = arg;

	return sim_has_ended(killer->victim->actor);
}

void killer_main(void *arg)
{
	struct player *killer = arg;

	for (; killer->left; killer->left--)
		sim_pause(SIM_PLACE);
	sim_kill(killer->victim->actor);
	sim_wait_for(victim_has_ended, killer, SIM_PLACE);
	killer->victim->is_open = false;
	client_close(&killer->victim->client);
}

/* Closes at once, with whatever is still under way; so its completions are lost. */
void opener_main(void *arg)
{
	struct player *player = arg;

	player->client.mortal = true;
	for (; player->left; player->left--) {
		struct record *record = ledger_left() < 300 ? NULL : ledger_record();

		if (!record || !player_open(player))
			continue;
		record->sqe = (struct mmsb_sqe){ .op = rng_once_in(&player->rng, 2) ? MMSB_OP_NOP : MMSB_OP_FENCE };
		client_put(&player->client, record, 0);
		client_publish(&player->client);
		player->is_open = false;
		client_close(&player->client);
	}
}
