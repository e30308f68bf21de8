// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/random.h"
#include "coroutine.h"
#include "sim.h"
#include "store.h"

#define ACTORS		48
#define STEPS_MAX	20000000ull
#define STALL_MAX	400

enum state { UNUSED, READY, BLOCKED, ASLEEP, WAITING, ENDED };

struct sim_actor {
	struct coroutine coroutine;
	char name[24];
	enum state state;
	const char *place;
	uint64_t rank;
	uint64_t stalled;		/* until that choice */
	bool killed, wakeful;
	struct stores stores;
	const uint32_t *word;		/* BLOCKED */
	const void *queue;		/* ASLEEP */
	bool (*done)(void *);		/* ASLEEP, WAITING */
	void *arg;
	bool timed;
	enum sim_wake wake;
};

uint32_t sim_left;
struct sim_actor *sim_self;
bool sim_tracing;

static struct sim_actor program = { .name = "program" }, actors[ACTORS];
static struct {
	uint64_t seed;
	struct sim_manner manner;
	struct rng rng;
	uint32_t nactors;
	uint64_t choices, steps, lowest_rank;
	uint32_t stretch;		/* drawn last */
	bool inject, failing;
	void (*tell)(void);
} sim;

/* ------------------------------------------------------------------------------------------------------- saying so */

void sim_say(const char *format, ...)
{
	va_list args;

	printf("# %8llu %-12s ", (unsigned long long)sim.steps, sim_self ? sim_self->name : "");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

static const char *short_place(const char *place)
{
	const char *slash = place ? strrchr(place, '/') : NULL;

	return slash ? slash + 1 : place ? place : "its beginning";
}

static const char *state_name(const struct sim_actor *actor)
{
	static const char *const names[] = { "unused", "can run", "blocked on a lock", "asleep", "waiting", "ended" };

	return names[actor->state];
}

/* What a sleeper waits for can be asked only here, where nobody runs any more: the question has steps of its own. */
static bool sleeps_in_vain(const struct sim_actor *actor)
{
	sim_left = ~0u;
	return actor->state == ASLEEP && actor->done(actor->arg);
}

static void say_where_all_are(void)
{
	uint32_t i;

	for (i = 0; i < sim.nactors; i++)
		if (actors[i].state != ENDED)
			printf("#   %-14s %s at %s%s%s\n", actors[i].name, state_name(&actors[i]), short_place(actors[i].place),
			       actors[i].stores.n ? ", stores under way" : "",
			       sleeps_in_vain(&actors[i]) ? ", though what it waits for is there" : "");
}

void sim_fail(const char *format, ...)
{
	va_list args;

	if (sim.failing)
		abort();
	sim.failing = true;
	printf("# seed %llu, step %llu, %s: ", (unsigned long long)sim.seed, (unsigned long long)sim.steps,
	       sim_self ? sim_self->name : "nobody");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	say_where_all_are();
	sim_left = ~0u;
	sim.tell();
	printf("# again: build/selftests/sim --seed %llu -v\nnot ok 1 sim\n", (unsigned long long)sim.seed);
	fflush(stdout);
	_exit(1);
}

/* -------------------------------------------------------------------------------------------------------- choosing */

static bool once_in(uint32_t n)
{
	return n && rng_once_in(&sim.rng, n);
}

static bool can_run(const struct sim_actor *actor)
{
	switch (actor->state) {
	case READY:
		return true;
	case BLOCKED:
		return !*(const volatile uint32_t *)actor->word;
	case WAITING:
		return actor->done(actor->arg);
	default:
		return false;
	}
}

static void let_stores_arrive(bool all)
{
	uint32_t i;

	for (i = 0; i < sim.nactors; i++) {
		struct stores *stores = &actors[i].stores;

		if (stores->n && all)
			stores_arrive(stores, stores->n);
		else if (stores->n && once_in(sim.manner.arrive_once_in))
			stores_arrive(stores, 1 + (uint32_t)rng_below(&sim.rng, stores->n));
	}
}

static void wake(struct sim_actor *actor, enum sim_wake how)
{
	actor->state = READY;
	actor->wake = how;
}

static struct sim_actor *one_of(struct sim_actor **list, uint32_t n)
{
	return n ? list[rng_below(&sim.rng, n)] : NULL;
}

static struct sim_actor *any_timed(void)
{
	struct sim_actor *list[ACTORS];
	uint32_t n = 0, i;

	for (i = 0; i < sim.nactors; i++)
		if (actors[i].state == ASLEEP && actors[i].timed)
			list[n++] = &actors[i];
	return one_of(list, n);
}

static void expire_one(void)
{
	struct sim_actor *actor = any_timed();

	if (actor)
		wake(actor, SIM_EXPIRED);
}

static uint32_t list_runnable(struct sim_actor **list)
{
	uint32_t n = 0, i;

	for (i = 0; i < sim.nactors; i++)
		if (can_run(&actors[i]))
			list[n++] = &actors[i];
	return n;
}

static struct sim_actor *highest(struct sim_actor **list, uint32_t n)
{
	struct sim_actor *best = list[0];
	uint32_t i;

	for (i = 1; i < n; i++)
		if (list[i]->rank > best->rank)
			best = list[i];
	return best;
}

/* Who stands still is passed over as long as somebody else can go on. */
static struct sim_actor *any_that_moves(struct sim_actor **list, uint32_t n)
{
	struct sim_actor *moving[ACTORS];
	uint32_t m = 0, i;

	for (i = 0; i < n; i++)
		if (list[i]->stalled <= sim.choices)
			moving[m++] = list[i];
	return m ? one_of(moving, m) : one_of(list, n);
}

static void put_last(struct sim_actor *actor)
{
	actor->rank = --sim.lowest_rank;
}

static bool all_ended(void)
{
	uint32_t i;

	for (i = 0; i < sim.nactors; i++)
		if (actors[i].state != ENDED)
			return false;
	return true;
}

/*
 * Nobody can go on. What is under way arrives; then time passes, and a wait runs out; but whoever finds then that what he
 * waited for was there had not been told, and without a timeout would have slept for ever.
 */
static struct sim_actor *choose_when_stuck(void)
{
	struct sim_actor *list[ACTORS], *timed;
	uint32_t n;

	if (all_ended())
		return &program;
	let_stores_arrive(true);
	n = list_runnable(list);
	if (n)
		return one_of(list, n);
	timed = any_timed();
	sim_self = NULL;
	if (!timed)
		sim_fail("nobody can go on");
	if (sleeps_in_vain(timed))
		sim_fail("%s was not woken, and only its timeout saves it", timed->name);
	wake(timed, SIM_EXPIRED);
	return timed;
}

static struct sim_actor *choose(void)
{
	struct sim_actor *list[ACTORS], *actor;
	uint32_t n;

	sim.choices++;
	let_stores_arrive(false);
	if (once_in(sim.manner.expire_once_in))
		expire_one();
	n = list_runnable(list);
	if (!n)
		return choose_when_stuck();
	actor = one_of(list, n);
	if (once_in(sim.manner.stall_once_in))
		actor->stalled = sim.choices + rng_below(&sim.rng, STALL_MAX);
	return sim.manner.ranked ? highest(list, n) : any_that_moves(list, n);
}

static void draw_stretch(void)
{
	sim.stretch = 1 + (uint32_t)rng_below(&sim.rng, 2ull * sim.manner.stretch);
	sim_left = sim.stretch;
}

/* The running coroutine stops here for as long as others are chosen. */
static void go_on(const char *place)
{
	struct sim_actor *from = sim_self, *to;

	from->place = place;
	sim.steps += sim.stretch - sim_left;
	if (sim.steps > STEPS_MAX)
		sim_fail("no end in sight");
	stores_hide(&from->stores);
	to = choose();
	draw_stretch();
	if (from != to)
		sim_trace("%s at %s, now %s", state_name(from), short_place(place), to->name);
	sim_self = to;
	if (to->state == BLOCKED || to->state == WAITING)
		to->state = READY;
	stores_show(&to->stores);
	if (from != to)
		coroutine_switch(&from->coroutine, &to->coroutine);
}

/* ------------------------------------------------------------------------------------------------------- coroutines */

void sim_switch(const char *place)
{
	if (sim.failing) {
		sim_left = ~0u;
		return;
	}
	if (sim.manner.ranked)
		put_last(sim_self);
	go_on(place);
}

void sim_pause(const char *place)
{
	put_last(sim_self);
	go_on(place);
}

bool *sim_wakeful(void)
{
	return &sim_self->wakeful;
}

bool sim_is_killed(void)
{
	return sim_self->killed;
}

void sim_store(void *to, const void *value, uint32_t bytes)
{
	if (sim.manner.buffered && sim_self != &program)
		stores_add(&sim_self->stores, to, value, bytes);
	else
		memcpy(to, value, bytes);
}

void sim_drain(void)
{
	sim_self->stores.n = 0;
}

void sim_block_on(const uint32_t *word, const char *place)
{
	sim_drain();
	sim_self->state = BLOCKED;
	sim_self->word = word;
	go_on(place);
}

void sim_wait_for(bool (*done)(void *), void *arg, const char *place)
{
	sim_drain();
	sim_self->state = WAITING;
	sim_self->done = done;
	sim_self->arg = arg;
	go_on(place);
}

enum sim_wake sim_sleep(const void *queue, bool (*done)(void *), void *arg, bool timed, const char *place)
{
	sim_drain();
	if (sim_self->killed || once_in(sim.manner.interrupt_once_in))
		return SIM_INTERRUPTED;
	sim_self->state = ASLEEP;
	sim_self->queue = queue;
	sim_self->done = done;
	sim_self->arg = arg;
	sim_self->timed = timed;
	go_on(place);
	return sim_self->wake;
}

void sim_wake(const void *queue)
{
	uint32_t i;

	for (i = 0; i < sim.nactors; i++)
		if (actors[i].state == ASLEEP && actors[i].queue == queue)
			wake(&actors[i], SIM_WOKEN);
}

void sim_forget(const void *memory, size_t bytes)
{
	uint32_t i;

	sim_drain();
	for (i = 0; i < sim.nactors; i++)
		if (stores_touch(&actors[i].stores, memory, bytes))
			sim_fail("memory is freed to which %s has stores under way", actors[i].name);
}

bool sim_fails_now(void)
{
	if (!sim.inject || !once_in(sim.manner.fail_once_in))
		return false;
	sim_trace("an allocation fails");
	return true;
}

void sim_inject(bool on)
{
	sim.inject = on;
}

bool sim_injects(void)
{
	return sim.manner.fail_once_in;
}

uint64_t sim_steps(void)
{
	return sim.steps;
}

/* ------------------------------------------------------------------------------------------------------------- life */

static void actor_ends(void)
{
	sim_drain();
	sim_self->state = ENDED;
	go_on("its end");
}

/* The new one sees all that was stored before. */
struct sim_actor *sim_spawn(const char *name, unsigned int number, void (*run)(void *arg), void *arg)
{
	struct sim_actor *actor = &actors[sim.nactors];

	if (sim.nactors++ == ACTORS)
		sim_fail("too many actors");
	sim_drain();
	snprintf(actor->name, sizeof(actor->name), "%s%u", name, number);
	actor->state = READY;
	actor->place = NULL;
	actor->rank = rng_next(&sim.rng) | 1ull << 63;
	actor->stalled = 0;
	actor->killed = false;
	actor->wakeful = false;
	actor->stores.n = 0;
	actor->coroutine.run = run;
	actor->coroutine.ended = actor_ends;
	actor->coroutine.arg = arg;
	return actor;
}

bool sim_has_ended(const struct sim_actor *actor)
{
	return actor->state == ENDED;
}

void sim_kill(struct sim_actor *actor)
{
	sim_trace("kills %s", actor->name);
	actor->killed = true;
	if (actor->state == ASLEEP)
		wake(actor, SIM_INTERRUPTED);
}

void sim_begin(uint64_t seed, const struct sim_manner *manner, bool trace, void (*tell)(void))
{
	sim.tell = tell;
	sim.seed = seed;
	sim.manner = *manner;
	sim.rng.state = seed * 0x9e3779b97f4a7c15ull + 1;
	sim.nactors = 0;
	sim.choices = 0;
	sim.steps = 0;
	sim.lowest_rank = 1ull << 62;
	sim.inject = false;
	sim_tracing = trace;
	sim_self = &program;
}

void sim_run(void (*run)(void *arg), void *arg)
{
	sim_spawn("director", 0, run, arg);
	draw_stretch();
	go_on("the beginning");
	sim_self = &program;
	sim_left = ~0u;
}
