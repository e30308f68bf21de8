/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a benchmark is, and what it may use.
 *
 * A benchmark opens what it needs once, and is then measured several times, each time for long enough to be seen on the
 * clock and short enough to fit between two moves of a virtual CPU. Where it has a peer, the two take turns, so that
 * whatever the machine does to one it does to the other, and only the ratios of neighbours are compared.
 */
#ifndef BENCH_H
#define BENCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mmsb/mmsb.h>

struct bench_opts {
	const char *home;	/* "embedded" or "kernel" */
	bool quick;
	bool icount;		/* the time stamp counter counts instructions: in an emulator that was told so */
	unsigned int reps;
	unsigned int divisor;	/* of the amount of work in one measurement */
	const char *out;	/* JSON lines are appended there */
	const void *what;	/* the `what` of the benchmark that is being opened */
};

#define BENCH_TWO_THREADS	(1u << 0)	/* a cache-line ping-pong stands beside each measurement */
#define BENCH_MORE_IS_BETTER	(1u << 1)
#define BENCH_ICOUNT		(1u << 2)	/* measures instructions, so needs bench_opts.icount */
#define BENCH_ONCE		(1u << 3)	/* a count, the same each time: measured once */
#define BENCH_NO_HOME		(1u << 4)	/* uses no home at all */
#define BENCH_AIM_ZERO		(1u << 5)
#define BENCH_TIMED		(1u << 6)	/* a time that is left out where instructions are counted, as such a machine has none */

struct bench {
	const char *name;	/* stays the same over the years */
	const char *params;	/* members of a JSON object */
	const char *unit;
	unsigned int flags;
	void *(*open)(const struct bench_opts *opts);	/* what measure() and peer() get; NULL: they need nothing */
	void (*close)(void *state);
	double (*measure)(void *state);
	double (*peer)(void *state);
	const char *against;	/* what the peer is */
	double aim, aim_ratio;	/* what the value or the ratio to the peer should be; 0: no aim */
	const void *what;	/* what open() shall make, where several benchmarks share it */
	const char *(*missing)(const void *what);	/* why it is left out, or NULL; NULL: it needs nothing that may be missing */
};

/* The list, in the order of the report; ended by one without a name. */
extern const struct bench bench_floor[], bench_inline[], bench_sizes[], bench_sync[], bench_polled[], bench_way[], bench_latency[], bench_read[], bench_memory[], bench_count[];
extern const struct bench bench_follow[], bench_derived[], bench_lazy[], bench_shards[], bench_threads[], bench_fold[], bench_rules[], bench_million[];
extern const struct bench bench_share[], bench_log[], bench_restore[], bench_beside[], bench_feature[], bench_listen[], bench_cycle[], bench_reset[];
extern const struct bench bench_peers[];

/* ---------------------------------------------------------------------------------------------------------- failing */

__attribute__((noreturn, format(printf, 1, 2))) void bench_die(const char *format, ...);
/* Passes results of the library through, and dies with its words on a negative one. */
long bench_check(long result, const char *what);
void *bench_alloc(size_t bytes);	/* zeroed, aligned to 64 bytes; free() */
uint64_t bench_resident(void);		/* bytes of memory that the process has */

/* ------------------------------------------------------------------------------------------------------------- time */

uint64_t bench_now(void);		/* nanoseconds */
uint64_t bench_cpu_now(void);		/* nanoseconds that the calling thread has run: for what one thread does alone */
double bench_ns_per_tick(void);

/* The cheapest clock there is: ticks. Ordered behind what came before it. */
static inline uint64_t bench_ticks(void)
{
#if defined(__x86_64__)
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) :: "memory");
	return (uint64_t)high << 32 | low;
#else
	return bench_now();
#endif
}

static inline void bench_pause(void)
{
#if defined(__x86_64__)
	__asm__ volatile("pause");
#endif
}

/* -------------------------------------------------------------------------------------------------------- placement */

/* Binds the calling thread, and those it makes from then on, to the first or the last CPU of the process's set. */
void bench_place(bool last);
void bench_place_anywhere(void);	/* in that set */
unsigned int bench_cpus(void);
/* A thread that is on the last CPU from the start: one that had to get away from a spinning maker first might never run. */
pthread_t bench_thread(void *(*run)(void *arg), void *arg);
pthread_t bench_thread_at(unsigned int nth, void *(*run)(void *arg), void *arg);	/* the same, on the nth CPU of them, from 0 */

/* ----------------------------------------------------------------------------------------------------------- floors */

double bare_batched(void *state);	/* million entries a second, two threads, published by 64 */
double bare_one_thread(void *state);	/* million entries a second, filled and drained by one thread */
double bare_roundtrip(void *state);	/* ns */
double bare_futex_wake(void *state);	/* us until the sleeper runs */
double pingpong(void *state);		/* ns there and back */

void bare_scale(unsigned int divisor);	/* how much less work in each */

#endif
