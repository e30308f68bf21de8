// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be counted instead of timed: instructions and system calls. Counts do not depend on what else a machine is doing, and
 * are the one honest figure where the kernel home can only be had under emulation.
 *
 * Instructions, in an emulator whose time stamp counter counts them (see guest-instructions): the least of many tries, for an
 * interrupt can only add. What a call costs whatever it carries is taken out by the difference of two sizes. Under
 * callgrind (see instructions) the count_ functions here are what is looked into.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include "calls.h"
#include "count.h"
#include "kit.h"

#define TRIES		400u
#define IDLE_US		1000000u
#define FEW		128u
#define MANY		896u
#define DELTAS		65536u		/* submitted under the eyes of a tracer */
#define CALLS		1024u

/* What callgrind is told to look into as well. */
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

struct kit *count_open(const struct bench_opts *bench, bool polled)
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

uint64_t count_empty(void)
{
	uint64_t least = ~0ull, ticks;
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		ticks = bench_ticks();
		ticks = bench_ticks() - ticks;
		least = ticks < least ? ticks : least;
	}
	return least;
}

static double least_produced(struct kit *kit, produce_fn produce, unsigned int batch)
{
	uint64_t least = ~0ull, empty = count_empty(), ticks;
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		ticks = bench_ticks();
		produce(kit->ring, kit->pages, batch);
		ticks = bench_ticks() - ticks;
		least = ticks < least ? ticks : least;
		wait_empty(kit);
		kit->sent += batch;
	}
	return (double)(least - empty) / batch;
}

double count_produced(struct kit *kit, unsigned int batch)
{
	return least_produced(kit, count_produce, batch);
}

static void *open_producer(const struct bench_opts *bench)
{
	return count_open(bench, true);
}

static double producer_instructions(void *state)
{
	return count_produced(state, KIT_BATCH);
}

static double producer_instructions_singly(void *state)
{
	return least_produced(state, count_produce_singly, KIT_BATCH);
}

/* ----------------------------------------------------------------------------------------------------------- reader */

void count_read(struct mmsb_space *space, const uint64_t *pages, unsigned int n);
void count_view(struct mmsb_space *space, const uint64_t *pages, unsigned int n);
__attribute__((noinline)) void count_read(struct mmsb_space *space, const uint64_t *pages, unsigned int n)
{
	uint64_t word[8];

	for (; n; n--)
		if (mmsb_read(space, *pages++, 0, word, sizeof(word), NULL) != sizeof(word))
			bench_die("mmsb_read: %s", mmsb_strerror_last());
}

__attribute__((noinline)) void count_view(struct mmsb_space *space, const uint64_t *pages, unsigned int n)
{
	struct mmsb_view view;
	uint64_t sum = 0;

	for (; n; n--) {
		if (mmsb_view_begin(space, *pages++, &view))
			bench_die("mmsb_view_begin: %s", mmsb_strerror_last());
		sum += *(const uint64_t *)view.data;
		if (!mmsb_view_end(&view))
			bench_die("a page changed that nobody writes");
	}
	if (sum)
		bench_die("a page that nobody wrote to holds something");
}

typedef void (*read_fn)(struct mmsb_space *space, const uint64_t *pages, unsigned int n);

static double least_read(struct kit *kit, read_fn read)
{
	uint64_t least = ~0ull, empty = count_empty(), ticks;
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		ticks = bench_ticks();
		read(kit->space, kit->pages, KIT_BATCH);
		ticks = bench_ticks() - ticks;
		least = ticks < least ? ticks : least;
	}
	return (double)(least - empty) / KIT_BATCH;
}

static void *open_reader(const struct bench_opts *bench)
{
	return count_open(bench, false);
}

static double reader_instructions(void *state)
{
	return least_read(state, count_read);
}

static double viewer_instructions(void *state)
{
	return least_read(state, count_view);
}

/* ---------------------------------------------------------------------------------------------------------- drainer */

void count_lay_down(struct kit *kit, unsigned int n)
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
	kit->sent += n;
}

static uint64_t least_drained(struct kit *kit, unsigned int n, void (*settle)(void *arg), void *arg)
{
	uint64_t least = ~0ull, ticks;
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		count_lay_down(kit, n);
		ticks = bench_ticks();
		count_drain(kit->ring);
		ticks = bench_ticks() - ticks;
		least = ticks < least ? ticks : least;
		if (settle)
			settle(arg);
	}
	return least;
}

double count_drained_settling(struct kit *kit, void (*settle)(void *arg), void *arg)
{
	return (double)(least_drained(kit, MANY, settle, arg) - least_drained(kit, FEW, settle, arg)) / (MANY - FEW);
}

double count_drained(struct kit *kit)
{
	return count_drained_settling(kit, NULL, NULL);
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
	drainers->home = count_open(bench, false);
	drainers->embedded = count_open(&embedded, false);
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
	return count_drained(((struct drainers *)state)->home);
}

static double drained_embedded(void *state)
{
	return count_drained(((struct drainers *)state)->embedded);
}

/* The poller's own loop around the same pass: published at once, and looked at until all is taken. */
static uint64_t least_polled(struct kit *kit, unsigned int n)
{
	uint64_t least = ~0ull, ticks;
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		count_lay_down(kit, n);
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

static void *open_polled(const struct bench_opts *bench)
{
	struct kit *kit = count_open(bench, true);

	kit->work = DELTAS;
	kit_send(kit, KIT_BATCH);
	return kit;
}

/* A polled ring is only submitted to: its owner may sleep until all is done or do something else, and that is one call in any case. */
static void work_polled(void *state)
{
	kit_submit(state, KIT_BATCH);
}

static void *open_inline(const struct bench_opts *bench)
{
	return count_open(bench, false);
}

static void work_inline(void *state)
{
	struct kit *kit = state;
	unsigned int i;

	for (i = 0; i < CALLS; i++)
		bench_check(mmsb_add(kit->ring, kit->pages[i], 0, 1, NULL), "mmsb_add");
}

static void *open_syscalls(const struct bench_opts *bench)
{
	struct bench_opts *copy = bench_alloc(sizeof(*copy));

	*copy = *bench;
	return copy;
}

static double syscalls_polled(void *state)
{
	return (double)calls_of(state, open_polled, work_polled) / DELTAS;
}

static double syscalls_inline(void *state)
{
	return (double)calls_of(state, open_inline, work_inline) / CALLS;
}

/* ------------------------------------------------------------------------------------------------- under callgrind */

#define ROUNDS	100u

static unsigned int reads_under_callgrind(const struct bench_opts *bench, bool in_place)
{
	struct kit *kit = count_open(bench, false);
	unsigned int i;

	for (i = 0; i < ROUNDS; i++)
		(in_place ? count_view : count_read)(kit->space, kit->pages, KIT_BATCH);
	kit_close(kit);
	return ROUNDS * KIT_BATCH;
}

unsigned int count_under_callgrind(const struct bench_opts *bench, const char *what)
{
	bool drain = !strcmp(what, "drain"), singly = !strcmp(what, "producer-singly");
	struct kit *kit;
	unsigned int i;

	if (!strcmp(what, "reader") || !strcmp(what, "viewer"))
		return reads_under_callgrind(bench, !strcmp(what, "viewer"));
	if (!strncmp(what, "feature-", strlen("feature-")))
		return feature_under_callgrind(bench, what + strlen("feature-"), ROUNDS);
	if (!drain && !singly && strcmp(what, "producer"))
		return follow_under_callgrind(bench, what, ROUNDS);
	kit = count_open(bench, !drain);
	for (i = 0; i < ROUNDS; i++) {
		if (drain) {
			count_lay_down(kit, KIT_BATCH);
			count_drain(kit->ring);
		} else {
			(singly ? count_produce_singly : count_produce)(kit->ring, kit->pages, KIT_BATCH);
			kit->sent += KIT_BATCH;
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
	{ .name = "reader_instructions", .params = "\"bytes\": 64, \"how\": \"copied\"",
	  .unit = "instructions", .flags = BENCH_ICOUNT | BENCH_ONCE, .open = open_reader, .close = kit_close,
	  .measure = reader_instructions },
	{ .name = "reader_instructions", .params = "\"bytes\": 64, \"how\": \"in place\"",
	  .unit = "instructions", .flags = BENCH_ICOUNT | BENCH_ONCE, .open = open_reader, .close = kit_close,
	  .measure = viewer_instructions },
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
