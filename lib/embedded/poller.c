// SPDX-License-Identifier: MIT
/*
 * Poller threads: each serves some shards of one space in turn, looks on for the idle time when there is nothing, and then sleeps.
 *
 * It takes the kick before it looks at its shards, so that a kick which finds it taken already is about work that it will
 * see; and it raises NEED_WAKEUP and looks again, in ms_shard_sleep(), before it waits. Signals are none of its business.
 */
#include <sched.h>
#include <stdlib.h>
#include "embedded.h"
#include "spawn.h"

struct embedded_poller {
	struct pf_poller home;
	struct embedded_instance *instance;
	uint32_t first;			/* shards first, first + step, ... */
	uint32_t step;
	uint32_t stop;
	pthread_t thread;
	uint8_t apart[64];		/* from the next one's, which is kicked on its own */
};

#define for_each_shard(poller, i) \
	for ((i) = (poller)->first; (i) < (poller)->instance->shards; (i) += (poller)->step)

static uint32_t poller_round(struct embedded_poller *poller)
{
	struct ms_space *engine = poller->instance->engine;
	uint32_t handled = 0, i;

	for_each_shard(poller, i)
		handled += ms_shard_poll(ms_space_shard(engine, i));
	return handled;
}

static bool poller_is_called(void *arg)
{
	struct embedded_poller *poller = arg;

	return pf_acquire(&poller->home.kicked) || pf_acquire(&poller->stop);
}

static void poller_awake(struct embedded_poller *poller, uint32_t end)
{
	uint32_t i;

	for_each_shard(poller, i) {
		if (i >= end)
			break;
		ms_shard_awake(ms_space_shard(poller->instance->engine, i));
	}
}

static void poller_rest(struct embedded_poller *poller)
{
	uint32_t i;

	for_each_shard(poller, i) {
		if (ms_shard_sleep(ms_space_shard(poller->instance->engine, i)))
			continue;
		poller_awake(poller, i);
		return;
	}
	while (pf_waitq_wait(&poller->home.queue, poller_is_called, poller, ~0ull) == -EINTR)
		;
	poller_awake(poller, ~0u);
}

static u64 poller_idle_ns(const struct embedded_poller *poller)
{
	return pf_read(poller->instance->idle_us) * 1000ull;
}

#define YIELD_TURNS	64u

/* Now and then somebody else may have this CPU: it may be the very one whom we wait for. */
static void poller_look_on(uint32_t *turns)
{
	int i;

	if (++*turns % YIELD_TURNS == 0)
		sched_yield();
	for (i = 0; i < 4; i++)
		msl_pause();
}

static void *poller_main(void *arg)
{
	struct embedded_poller *poller = arg;
	u64 last = pf_now();
	uint32_t turns = 0;

	while (!pf_acquire(&poller->stop)) {
		__atomic_exchange_n(&poller->home.kicked, 0, __ATOMIC_SEQ_CST);	/* partner: pf_poller_kick() */
		if (poller_round(poller)) {
			last = pf_now();
		} else if (pf_now() - last < poller_idle_ns(poller)) {
			poller_look_on(&turns);
		} else {
			poller_rest(poller);
			last = pf_now();
		}
	}
	return NULL;
}

static void pollers_attach(struct embedded_instance *instance)
{
	uint32_t i;

	for (i = 0; i < instance->shards; i++)
		ms_shard_home(ms_space_shard(instance->engine, i))->poller = &instance->pollers[i % instance->npollers].home;
}

int embedded_pollers_start(struct embedded_instance *instance, uint32_t pollers)
{
	uint32_t wanted = pollers < instance->shards ? pollers : instance->shards, i;
	int err;

	instance->idle_us = EMBEDDED_IDLE_US;
	instance->pollers = pf_alloc(wanted * sizeof(*instance->pollers), -1);
	if (!instance->pollers)
		return msl_fail(ENOMEM, "out of memory");
	for (i = 0; i < wanted; i++) {
		pf_waitq_init(&instance->pollers[i].home.queue);
		instance->pollers[i].instance = instance;
		instance->pollers[i].first = i;
		instance->pollers[i].step = wanted;
	}
	instance->npollers = wanted;
	pollers_attach(instance);
	for (i = 0; i < wanted; i++) {
		err = msl_spawn(&instance->pollers[i].thread, poller_main, &instance->pollers[i]);
		if (err) {
			instance->npollers = i;
			embedded_pollers_stop(instance);
			return msl_fail(err, "a poller thread could not be made (%s): fewer pollers, or MMSB_SPACE_INLINE, need less",
					strerror(err));
		}
	}
	return 0;
}

void embedded_pollers_stop(struct embedded_instance *instance)
{
	uint32_t i;

	for (i = 0; i < instance->npollers; i++) {
		pf_release(&instance->pollers[i].stop, 1);
		pf_waitq_wake(&instance->pollers[i].home.queue);
	}
	for (i = 0; i < instance->npollers; i++)
		pthread_join(instance->pollers[i].thread, NULL);
	pf_free(instance->pollers);
	instance->pollers = NULL;
	instance->npollers = 0;
}
