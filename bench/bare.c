// SPDX-License-Identifier: GPL-2.0-only
/*
 * The floors: what the machine itself charges, without MMSB. A ring of 64-byte entries with one producer and one consumer
 * that does nothing with them but add them up; a cache line that goes there and back; a futex that wakes a sleeper.
 *
 * No product can be faster than these over the same path, so they are what a polled or an inline delta is held against.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include "bench.h"

#define ENTRIES		1024u
#define BATCH		64u

static unsigned int scale = 1;

void bare_scale(unsigned int divisor)
{
	scale = divisor;
}

static uint64_t amount(uint64_t full)
{
	uint64_t scaled = full / scale / BATCH * BATCH;

	return scaled < BATCH ? BATCH : scaled;
}

/* --------------------------------------------------------------------------------------------------------- the ring */

struct entry {
	uint64_t word[8];
};

struct bare_ring {
	uint32_t tail __attribute__((aligned(64)));
	uint32_t head __attribute__((aligned(64)));
	uint32_t seen __attribute__((aligned(64)));	/* the producer's own: the last head it looked at */
	struct entry entry[ENTRIES] __attribute__((aligned(64)));
};

static inline uint32_t bare_wait(uint32_t *index, uint32_t known)
{
	uint32_t now;

	while ((now = __atomic_load_n(index, __ATOMIC_ACQUIRE)) == known)
		;
	return now;
}

/* n is a multiple of `batch`, as is the size of the ring. */
static void bare_produce(struct bare_ring *ring, uint64_t n, uint32_t batch)
{
	uint32_t tail = ring->tail, head = ring->seen, i;

	for (; n; n -= batch) {
		while (tail - head > ENTRIES - batch)
			head = bare_wait(&ring->head, head);
		for (i = 0; i < batch; i++, tail++)
			ring->entry[tail % ENTRIES] = (struct entry){ { tail, 1, 2, 3, 4, 5, 6, 7 } };
		__atomic_store_n(&ring->tail, tail, __ATOMIC_RELEASE);
	}
	ring->seen = head;
}

static uint64_t entry_sum(const struct entry *entry)
{
	const uint64_t *word = entry->word;

	return word[0] + word[1] + word[2] + word[3] + word[4] + word[5] + word[6] + word[7];
}

static uint64_t bare_consume(struct bare_ring *ring, uint64_t n, uint32_t batch)
{
	uint32_t head = ring->head, tail = head, end;
	uint64_t sum = 0;

	while (n) {
		if (tail == head)
			tail = bare_wait(&ring->tail, head);
		end = tail - head > batch ? head + batch : tail;
		for (n -= end - head; head != end; head++)
			sum += entry_sum(&ring->entry[head % ENTRIES]);
		__atomic_store_n(&ring->head, head, __ATOMIC_RELEASE);
	}
	return sum;
}

/* ---------------------------------------------------------------------------------------------------- in two threads */

struct pair {
	void (*other)(struct pair *pair);	/* what the thread on the other CPU does */
	uint64_t n;
	uint32_t started;
	uint64_t result;
	struct bare_ring *there, *back;
	uint32_t *line;
};

static void *pair_thread(void *arg)
{
	struct pair *pair = arg;

	__atomic_store_n(&pair->started, 1, __ATOMIC_RELEASE);
	pair->other(pair);
	return NULL;
}

/* Starts the other thread, and returns when it runs where it shall. */
static pthread_t pair_start(struct pair *pair)
{
	pthread_t thread;

	bench_place(false);
	thread = bench_thread(pair_thread, pair);
	while (!__atomic_load_n(&pair->started, __ATOMIC_ACQUIRE))
		bench_pause();
	return thread;
}

static void consume_all(struct pair *pair)
{
	pair->result = bare_consume(pair->there, pair->n, BATCH);
}

static uint64_t sum_expected(uint64_t n)
{
	return n * (n - 1) / 2 + n * (1 + 2 + 3 + 4 + 5 + 6 + 7);
}

double bare_batched(void *state)
{
	struct pair pair = { .other = consume_all, .n = amount(6400000), .there = bench_alloc(sizeof(struct bare_ring)) };
	pthread_t thread = pair_start(&pair);
	uint64_t start = bench_now(), ns;

	(void)state;
	bare_produce(pair.there, pair.n, BATCH);
	pthread_join(thread, NULL);
	ns = bench_now() - start;
	free(pair.there);
	if (pair.result != sum_expected(pair.n))
		bench_die("the bare ring lost something");
	return (double)pair.n * 1e3 / (double)ns;
}

double bare_one_thread(void *state)
{
	struct bare_ring *ring = bench_alloc(sizeof(*ring));
	uint64_t n = amount(12800000), left, sum = 0, start, ns;

	(void)state;
	bench_place(false);
	start = bench_cpu_now();
	for (left = n; left; left -= BATCH) {
		bare_produce(ring, BATCH, BATCH);
		sum += bare_consume(ring, BATCH, BATCH);
	}
	ns = bench_cpu_now() - start;
	free(ring);
	if (sum != sum_expected(n))
		bench_die("the bare ring lost something");
	return (double)n * 1e3 / (double)ns;
}

static void echo(struct pair *pair)
{
	uint64_t n;

	for (n = pair->n; n; n--) {
		pair->result += bare_consume(pair->there, 1, 1);
		bare_produce(pair->back, 1, 1);
	}
}

double bare_roundtrip(void *state)
{
	struct pair pair = { .other = echo, .n = amount(64000), .there = bench_alloc(sizeof(struct bare_ring)),
			     .back = bench_alloc(sizeof(struct bare_ring)) };
	pthread_t thread = pair_start(&pair);
	uint64_t start = bench_now(), n, ns, sum = 0;

	(void)state;
	for (n = pair.n; n; n--) {
		bare_produce(pair.there, 1, 1);
		sum += bare_consume(pair.back, 1, 1);
	}
	ns = bench_now() - start;
	pthread_join(thread, NULL);
	free(pair.back);
	free(pair.there);
	if (sum != pair.result)
		bench_die("the bare ring lost something");
	return (double)ns / (double)pair.n;
}

/* -------------------------------------------------------------------------------------------------------- ping-pong */

static void pong(struct pair *pair)
{
	uint32_t i, n = (uint32_t)pair->n;

	for (i = 0; i < n; i++) {
		while (__atomic_load_n(pair->line, __ATOMIC_ACQUIRE) != 2 * i + 1)
			;
		__atomic_store_n(pair->line, 2 * i + 2, __ATOMIC_RELEASE);
	}
}

double pingpong(void *state)
{
	struct pair pair = { .other = pong, .n = amount(12800), .line = bench_alloc(64) };
	pthread_t thread = pair_start(&pair);
	uint64_t start = bench_now(), ns;
	uint32_t i, n = (uint32_t)pair.n;

	(void)state;
	for (i = 0; i < n; i++) {
		__atomic_store_n(pair.line, 2 * i + 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(pair.line, __ATOMIC_ACQUIRE) != 2 * i + 2)
			;
	}
	ns = bench_now() - start;
	pthread_join(thread, NULL);
	free(pair.line);
	return (double)ns / (double)n;
}

/* ------------------------------------------------------------------------------------------------------------ futex */

#define WAKES	64u

struct sleeper {
	uint32_t word;
	uint32_t ready;
	uint64_t woken;
};

static void *sleeper_thread(void *arg)
{
	struct sleeper *sleeper = arg;
	uint32_t i;

	for (i = 0; i < WAKES; i++) {
		__atomic_store_n(&sleeper->ready, i + 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(&sleeper->word, __ATOMIC_ACQUIRE) == i)
			syscall(SYS_futex, &sleeper->word, FUTEX_WAIT_PRIVATE, i, NULL, NULL, 0);
		sleeper->woken = bench_ticks();
		__atomic_store_n(&sleeper->ready, 0, __ATOMIC_RELEASE);
	}
	return NULL;
}

double bare_futex_wake(void *state)
{
	struct sleeper sleeper = { 0 };
	double ticks = 0;
	pthread_t thread;
	uint64_t start;
	uint32_t i;

	(void)state;
	bench_place(false);
	thread = bench_thread(sleeper_thread, &sleeper);
	for (i = 0; i < WAKES; i++) {
		while (__atomic_load_n(&sleeper.ready, __ATOMIC_ACQUIRE) != i + 1)
			bench_pause();
		usleep(100);	/* until it sleeps */
		start = bench_ticks();
		__atomic_store_n(&sleeper.word, i + 1, __ATOMIC_RELEASE);
		syscall(SYS_futex, &sleeper.word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
		while (__atomic_load_n(&sleeper.ready, __ATOMIC_ACQUIRE) == i + 1)
			bench_pause();
		ticks += (double)(sleeper.woken - start);
	}
	pthread_join(thread, NULL);
	return ticks * bench_ns_per_tick() / WAKES / 1000;
}

/* --------------------------------------------------------------------------------------------------------- the list */

const struct bench bench_floor[] = {
	{ .name = "cacheline_pingpong", .params = "\"threads\": 2", .unit = "ns", .measure = pingpong,
	  .flags = BENCH_NO_HOME },
	{ .name = "bare_ring_batched", .params = "\"threads\": 2, \"entries\": 1024, \"batch\": 64", .unit = "M/s",
	  .measure = bare_batched, .flags = BENCH_NO_HOME | BENCH_TWO_THREADS | BENCH_MORE_IS_BETTER },
	{ .name = "bare_ring_one_thread", .params = "\"threads\": 1, \"entries\": 1024, \"batch\": 64", .unit = "M/s",
	  .measure = bare_one_thread, .flags = BENCH_NO_HOME | BENCH_MORE_IS_BETTER },
	{ .name = "bare_ring_roundtrip", .params = "\"threads\": 2, \"entries\": 1024", .unit = "ns",
	  .measure = bare_roundtrip, .flags = BENCH_NO_HOME | BENCH_TWO_THREADS },
	{ 0 }
};
