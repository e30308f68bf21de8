// SPDX-License-Identifier: GPL-2.0-only
/* Pollers, as both homes have them: poll; after some rounds in vain raise the flags, look again, sleep until called. */
#include "cast.h"

static bool poller_is_called(void *arg)
{
	struct poller *poller = arg;

	return pf_acquire(&poller->home.kicked) || pf_acquire(&poller->stop);
}

static void poller_awake(struct poller *poller, u32 end)
{
	u32 i;

	for (i = poller->first; i < poller->stage->shards && i < end; i += poller->step)
		ms_shard_awake(ms_space_shard(poller->stage->space, i));
}

static void poller_rest(struct poller *poller)
{
	u32 i;

	for (i = poller->first; i < poller->stage->shards; i += poller->step) {
		if (ms_shard_sleep(ms_space_shard(poller->stage->space, i)))
			continue;
		poller_awake(poller, i);
		sim_pause(SIM_PLACE);
		return;
	}
	while (pf_waitq_wait(&poller->home.queue, poller_is_called, poller, ~0ull) == -EINTR)
		;
	poller_awake(poller, ~0u);
}

static u32 poller_round(struct poller *poller)
{
	u32 handled = 0, i;

	for (i = poller->first; i < poller->stage->shards; i += poller->step)
		handled += ms_shard_poll(ms_space_shard(poller->stage->space, i));
	return handled;
}

/* The kick is taken before the shards are looked at; partner: pf_poller_kick(). */
void poller_main(void *arg)
{
	struct poller *poller = arg;
	u32 vain = 0;

	while (!pf_acquire(&poller->stop)) {
		pf_write(poller->home.kicked, 0);
		pf_mb();
		if (poller_round(poller)) {
			vain = 0;
		} else if (vain++ < poller->patience) {
			sim_pause(SIM_PLACE);
		} else {
			poller_rest(poller);
			vain = 0;
		}
	}
}
