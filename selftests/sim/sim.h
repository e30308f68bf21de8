/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulator: one thread, in which coroutines play the processors, and one generator, which decides at every step that matters who
 * goes on. What happens is a function of the seed and of nothing else: no clock, no address, no other thread enters into it.
 *
 * A step is a place where another processor could come between: every marked access, barrier, lock and wait of the platform contract.
 * Two ways to choose who goes on: at random, for short or long stretches; or by rank, where the highest that can run does, until one
 * of few points drawn at random puts it last. The second finds what takes few switches, but those at the right places.
 */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_TEXT_(x)	#x
#define SIM_TEXT(x)	SIM_TEXT_(x)
#define SIM_PLACE	__FILE__ ":" SIM_TEXT(__LINE__)

/* How a seed goes about it; "once in" 0 is never. */
struct sim_manner {
	bool ranked;
	bool buffered;			/* stores arrive late */
	uint32_t stretch;		/* steps between two choices, about */
	uint32_t arrive_once_in;	/* at a choice, for each coroutine: some of its stores arrive */
	uint32_t expire_once_in;	/* at a choice: a wait with a timeout runs out */
	uint32_t interrupt_once_in;	/* a wait is interrupted as it begins */
	uint32_t stall_once_in;		/* at a choice: somebody stands still for long */
	uint32_t fail_once_in;		/* an allocation fails */
};

/* ------------------------------------------------------------------------------------------------- around everything */

/* `tell` is called when the seed has failed, to say how things stand. */
void sim_begin(uint64_t seed, const struct sim_manner *manner, bool trace, void (*tell)(void));
/* Runs `run` as the first coroutine, until all have ended. */
void sim_run(void (*run)(void *arg), void *arg);

struct sim_actor;

struct sim_actor *sim_spawn(const char *name, unsigned int number, void (*run)(void *arg), void *arg);
bool sim_has_ended(const struct sim_actor *actor);
/* It shall come to an end: sim_is_killed() tells it so, and its waits are interrupted. */
void sim_kill(struct sim_actor *actor);

/* Nothing more to be seen here: prints the seed and how to have it again, where everybody is, and ends the program. */
__attribute__((noreturn, cold, format(printf, 1, 2))) void sim_fail(const char *format, ...);
__attribute__((cold, format(printf, 1, 2))) void sim_say(const char *format, ...);
extern bool sim_tracing;
#define sim_trace(...) do { if (__builtin_expect(sim_tracing, 0)) sim_say(__VA_ARGS__); } while (0)

/* Injected failures; off by default. */
void sim_inject(bool on);
bool sim_injects(void);
uint64_t sim_steps(void);

/* ---------------------------------------------------------------------------------------------------- by coroutines */

extern uint32_t sim_left;		/* steps until somebody else may go on */
extern struct sim_actor *sim_self;

__attribute__((noinline)) void sim_switch(const char *place);
#define sim_step_at(place) do { if (__builtin_expect(--sim_left == 0, 0)) sim_switch(place); } while (0)
#define sim_step()	sim_step_at(SIM_PLACE)

bool sim_is_killed(void);
bool *sim_wakeful(void);			/* set: this coroutine may not sleep */
void sim_store(void *to, const void *value, uint32_t bytes);
void sim_drain(void);			/* this coroutine's stores arrive */
void sim_pause(const char *place);	/* others first */
void sim_block_on(const uint32_t *word, const char *place);	/* until it is 0 */
void sim_wait_for(bool (*done)(void *), void *arg, const char *place);	/* harness state only: no wake-up is needed */
bool sim_fails_now(void);		/* shall this allocation? */

enum sim_wake { SIM_WOKEN, SIM_EXPIRED, SIM_INTERRUPTED };

/* `done` is not for waking, but says whether it should have been woken. */
enum sim_wake sim_sleep(const void *queue, bool (*done)(void *), void *arg, bool timed, const char *place);
void sim_wake(const void *queue);

/* Memory goes away: no store may be under way to it. */
void sim_forget(const void *memory, size_t bytes);

#endif
