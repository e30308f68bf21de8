// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be counted instead of timed: instructions and system calls. Counts do not depend on what else a machine is doing, and
 * are the one honest figure where the kernel home can only be had under emulation.
 *
 * Instructions, in an emulator whose time stamp counter counts them (see guest-instructions): the least of many tries, for an
 * interrupt can only add. What a call costs whatever it carries is taken out by the difference of two sizes. Under
 * callgrind (see instructions) the count_ functions here are what is looked into.
 *
 * System calls: a child does the work, its parent traces it and counts what lies between two marks.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "count.h"
#include "kit.h"

#define TRIES		400u
#define IDLE_US		1000000u
#define FEW		128u
#define MANY		896u
#define DELTAS		65536u		/* submitted under the eyes of a tracer */
#define CALLS		1024u

/* What callgrind is told to look into: their names are known to `instructions`. */
void count_produce(struct mmsb_ring *ring, const uint64_t *pages, unsigned int n);
void count_produce_singly(struct mmsb_ring *ring, const uint64_t *pages, unsigned int n);
__attribute__((noinline)) void count_produce(struct mmsb_ring *ring, const uint64_t *pages, unsigned int n)
{
	struct mmsb_sqe *sqe;
	unsigned int i;

	if (mmsb_get_sqes(ring, &sqe, n) != n)
		bench_die("an empty queue has no room");
	for (i = 0; i < n; i++) {
		mmsb_prep_add(sqe + i, pages[i], 0, 1);
		mmsb_sqe_quiet(sqe + i);
	}
	mmsb_submit(ring);
}

__attribute__((noinline)) void count_produce_singly(struct mmsb_ring *ring, const uint64_t *pages, unsigned int n)
{
	struct mmsb_sqe *sqe;

	for (; n; n--) {
		sqe = mmsb_get_sqe(ring);
		if (!sqe)
			bench_die("an empty queue has no room");
		mmsb_prep_add(sqe, *pages++, 0, 1);
		mmsb_sqe_quiet(sqe);
	}
	mmsb_submit(ring);
}

__attribute__((noinline)) void count_drain(struct mmsb_ring *ring)
{
	mmsb_submit(ring);
}

static struct kit *open_hot(const struct bench_opts *bench, bool polled)
{
	struct kit_opts opts = { .pages = 1024, .page_bytes = 64, .entries = 1024, .idle_us = IDLE_US, .polled = polled,
				 .shuffled = true, .repeat = 1 };

	return kit_open(bench, &opts);
}

/* Without a fence, which would take an entry and leave the next batch to be cut in two where the queue begins again. */
static void wait_empty(struct kit *kit)
{
	while (mmsb_sq_space(kit->ring) < kit->entries)
		sched_yield();
}

/* --------------------------------------------------------------------------------------------------------- producer */

typedef void (*produce_fn)(struct mmsb_ring *ring, const uint64_t *pages, unsigned int n);

static double least_produced(struct kit *kit, produce_fn produce)
{
	uint64_t least = ~0ull, empty = ~0ull, ticks;
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		ticks = bench_ticks();
		ticks = bench_ticks() - ticks;
		empty = ticks < empty ? ticks : empty;
		ticks = bench_ticks();
		produce(kit->ring, kit->pages, KIT_BATCH);
		ticks = bench_ticks() - ticks;
		least = ticks < least ? ticks : least;
		wait_empty(kit);
	}
	return (double)(least - empty) / KIT_BATCH;
}

static void *open_producer(const struct bench_opts *bench)
{
	return open_hot(bench, true);
}

static double producer_instructions(void *state)
{
	return least_produced(state, count_produce);
}

static double producer_instructions_singly(void *state)
{
	return least_produced(state, count_produce_singly);
}

/* ---------------------------------------------------------------------------------------------------------- drainer */

static void lay_down(struct kit *kit, unsigned int n)
{
	struct mmsb_sqe *sqe;
	unsigned int i;

	for (i = 0; i < n; i += KIT_BATCH) {
		unsigned int k, got = mmsb_get_sqes(kit->ring, &sqe, KIT_BATCH);

		if (got != KIT_BATCH)
			bench_die("an empty queue has no room");
		for (k = 0; k < got; k++) {
			mmsb_prep_add(sqe + k, kit->pages[i + k], 0, 1);
			mmsb_sqe_quiet(sqe + k);
		}
	}
}

static uint64_t least_drained(struct kit *kit, unsigned int n)
{
	uint64_t least = ~0ull, ticks;
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		lay_down(kit, n);
		ticks = bench_ticks();
		count_drain(kit->ring);
		ticks = bench_ticks() - ticks;
		least = ticks < least ? ticks : least;
	}
	return least;
}

static double drained_each(struct kit *kit)
{
	return (double)(least_drained(kit, MANY) - least_drained(kit, FEW)) / (MANY - FEW);
}

struct drainers {
	struct kit *home, *embedded;
};

static void *open_drainers(const struct bench_opts *bench)
{
	struct drainers *drainers = bench_alloc(sizeof(*drainers));
	static struct bench_opts embedded;

	embedded = *bench;
	embedded.home = "embedded";
	drainers->home = open_hot(bench, false);
	drainers->embedded = open_hot(&embedded, false);
	return drainers;
}

static void close_drainers(void *state)
{
	struct drainers *drainers = state;

	kit_close(drainers->embedded);
	kit_close(drainers->home);
	free(drainers);
}

static double drained_home(void *state)
{
	return drained_each(((struct drainers *)state)->home);
}

static double drained_embedded(void *state)
{
	return drained_each(((struct drainers *)state)->embedded);
}

/* The poller's own loop around the same pass: published at once, and looked at until all is taken. */
static uint64_t least_polled(struct kit *kit, unsigned int n)
{
	uint64_t least = ~0ull, ticks;
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		lay_down(kit, n);
		ticks = bench_ticks();
		bench_check(mmsb_submit(kit->ring), "mmsb_submit");
		wait_empty(kit);
		ticks = bench_ticks() - ticks;
		least = ticks < least ? ticks : least;
	}
	return least;
}

static void *open_sleepy(const struct bench_opts *bench)
{
	struct kit_opts opts = { .pages = 1024, .page_bytes = 64, .entries = 1024, .idle_us = 1, .polled = true,
				 .shuffled = true, .repeat = 1 };

	return kit_open(bench, &opts);
}

static double polled_each(void *state)
{
	return (double)(least_polled(state, MANY) - least_polled(state, FEW)) / (MANY - FEW);
}

/* ---------------------------------------------------------------------------------------------------- system calls */

static void mark(void)
{
	syscall(SYS_getppid);
}

/*
 * Between the first two marks ten calls that must be found, between the next two the work. A polled ring is only submitted to:
 * its owner may sleep until all is done or do something else, and that is one call, however many deltas there were.
 */
static void traced_child(const struct bench_opts *bench, bool polled)
{
	struct kit *kit = open_hot(bench, polled);
	unsigned int i;

	kit->work = DELTAS;
	if (polled)
		kit_send(kit, KIT_BATCH);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		bench_die("tracing is not allowed here");
	raise(SIGSTOP);
	mark();
	for (i = 0; i < 10; i++)
		syscall(SYS_getuid);
	mark();
	mark();
	if (polled) {
		kit_submit(kit, KIT_BATCH);
	} else {
		for (i = 0; i < CALLS; i++)
			bench_check(mmsb_add(kit->ring, kit->pages[i], 0, 1, NULL), "mmsb_add");
	}
	mark();
	_exit(0);
}

static bool entering(pid_t child, uint64_t *number)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) < 0)
		bench_die("PTRACE_GET_SYSCALL_INFO failed");
	*number = info.entry.nr;
	return info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

static uint64_t traced_count(pid_t child)
{
	uint64_t found[3] = { 0 }, number;
	unsigned int marks = 0;
	int status;

	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) && entering(child, &number)) {
			if (number == SYS_getppid)
				marks++;
			else if (marks == 1 || marks == 3)
				found[marks / 2]++;
		}
		ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(long)PTRACE_O_TRACESYSGOOD);
		if (ptrace(PTRACE_SYSCALL, child, NULL, NULL))
			bench_die("PTRACE_SYSCALL failed");
	}
	if (marks != 4 || found[0] != 10 || !WIFEXITED(status) || WEXITSTATUS(status))
		bench_die("system calls were not counted right: %u marks, %lu of 10", marks, (unsigned long)found[0]);
	return found[1];
}

static uint64_t traced_run(const struct bench_opts *bench, bool polled)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0)
		bench_die("no process");
	if (!child)
		traced_child(bench, polled);
	return traced_count(child);
}

static void *open_syscalls(const struct bench_opts *bench)
{
	struct bench_opts *copy = bench_alloc(sizeof(*copy));

	*copy = *bench;
	return copy;
}

static double syscalls_polled(void *state)
{
	return (double)traced_run(state, true) / DELTAS;
}

static double syscalls_inline(void *state)
{
	return (double)traced_run(state, false) / CALLS;
}

/* ------------------------------------------------------------------------------------------------- under callgrind */

#define ROUNDS	100u

unsigned int count_under_callgrind(const struct bench_opts *bench, const char *what)
{
	bool drain = !strcmp(what, "drain"), singly = !strcmp(what, "producer-singly");
	struct kit *kit;
	unsigned int i;

	if (!drain && !singly && strcmp(what, "producer"))
		return follow_under_callgrind(bench, what, ROUNDS);
	kit = open_hot(bench, !drain);
	for (i = 0; i < ROUNDS; i++) {
		if (drain) {
			lay_down(kit, KIT_BATCH);
			count_drain(kit->ring);
		} else {
			(singly ? count_produce_singly : count_produce)(kit->ring, kit->pages, KIT_BATCH);
		}
		wait_empty(kit);
	}
	kit_close(kit);
	return ROUNDS * KIT_BATCH;
}

/* --------------------------------------------------------------------------------------------------------- the list */

const struct bench bench_count[] = {
	{ .name = "producer_instructions", .params = "\"batch\": 64, \"entries\": \"got 64 at a time\"",
	  .unit = "instructions", .flags = BENCH_ICOUNT | BENCH_ONCE, .open = open_producer, .close = kit_close,
	  .measure = producer_instructions, .aim = 60 },
	{ .name = "producer_instructions", .params = "\"batch\": 64, \"entries\": \"got one at a time\"",
	  .unit = "instructions", .flags = BENCH_ICOUNT | BENCH_ONCE, .open = open_producer, .close = kit_close,
	  .measure = producer_instructions_singly, .aim = 60 },
	{ .name = "poller_instructions", .params = "\"run by\": \"an inline caller\", \"slope\": \"128..896\"",
	  .unit = "instructions", .flags = BENCH_ICOUNT | BENCH_ONCE, .open = open_drainers, .close = close_drainers,
	  .measure = drained_home, .peer = drained_embedded, .against = "embedded", .aim_ratio = 1.3 },
	{ .name = "poller_instructions", .params = "\"run by\": \"the poller\", \"slope\": \"128..896\"",
	  .unit = "instructions", .flags = BENCH_ICOUNT | BENCH_ONCE, .open = open_sleepy, .close = kit_close,
	  .measure = polled_each },
	{ .name = "syscalls_per_delta", .params = "\"deltas\": 65536, \"ring\": \"polled\"", .unit = "syscalls",
	  .flags = BENCH_ONCE | BENCH_AIM_ZERO, .open = open_syscalls, .close = free, .measure = syscalls_polled,
	  .peer = syscalls_inline, .against = "mmsb_add() on an inline ring" },
	{ 0 }
};
