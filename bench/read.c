// SPDX-License-Identifier: GPL-2.0-only
/*
 * Those who read and those who wait.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include "kit.h"

#define HOT	1000u
#define MANY	16u

/* --------------------------------------------------------------------------------------------------------- reading */

static void *open_read(const struct bench_opts *bench)
{
	struct kit_opts opts = { .pages = HOT, .page_bytes = 64, .entries = 1024, .shuffled = true, .repeat = 8 };
	struct kit *kit = kit_open(bench, &opts);

	kit->work = kit_amount(kit, 1 << 20);
	kit_send(kit, 256);	/* the sum of all that is read is then known */
	return kit;
}

static double ns_each(const struct kit *kit, uint64_t start)
{
	return (double)(bench_cpu_now() - start) / (double)kit->work;
}

static double read_copied(void *state)
{
	struct kit *kit = state;
	uint64_t start = bench_cpu_now(), sum = 0, word[8], n;

	for (n = kit->work; n; n--) {
		if (mmsb_read(kit->space, *kit->at, 0, word, sizeof(word), NULL) != sizeof(word))
			bench_die("mmsb_read: %s", mmsb_strerror_last());
		sum += word[0];
		kit->at = kit->at + 1 == kit->end ? kit->order : kit->at + 1;
	}
	if (!sum)
		bench_die("the pages read as zeros");
	return ns_each(kit, start);
}

static double read_in_place(void *state)
{
	struct kit *kit = state;
	uint64_t start = bench_cpu_now(), sum = 0, n;
	struct mmsb_view view;

	for (n = kit->work; n; n--) {
		bench_check(mmsb_view_begin(kit->space, *kit->at, &view), "mmsb_view_begin");
		sum += *(const uint64_t *)view.data;
		if (!mmsb_view_end(&view))
			bench_die("a page changed that nobody writes");
		kit->at = kit->at + 1 == kit->end ? kit->order : kit->at + 1;
	}
	if (!sum)
		bench_die("the pages read as zeros");
	return ns_each(kit, start);
}

/* -------------------------------------------------------------------------------------------------------- snapshots */

static void *open_snapshot(const struct bench_opts *bench)
{
	struct kit *kit = open_read(bench);

	kit->work = kit_amount(kit, 1 << 16);
	return kit;
}

static double snapshot(void *state)
{
	struct kit *kit = state;
	uint64_t word[MANY][8], tick, start = bench_cpu_now(), n;
	struct mmsb_page_info infos[MANY];
	int results[MANY];
	void *to[MANY];
	size_t len[MANY];
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		to[i] = word[i];
		len[i] = sizeof(word[i]);
	}
	for (n = kit->work; n; n--) {
		bench_check(mmsb_snapshot(kit->space, kit->at, MANY, to, len, infos, results, &tick), "mmsb_snapshot");
		kit->at += MANY;
		if (kit->at == kit->end)
			kit->at = kit->order;
	}
	for (i = 0; i < MANY; i++)
		if (results[i] != sizeof(word[i]) || infos[i].epoch != word[i][0])
			bench_die("a page is not what was sent");
	return ns_each(kit, start);
}

/* ---------------------------------------------------------------------------------------------------------- waiting */

#define WAKES	64u

struct waiter {
	struct kit *kit;
	uint64_t epoch;
	uint32_t ready;		/* number of the wake-up that it is about to wait for, plus one */
	uint64_t woken;
};

static void *waiter_thread(void *arg)
{
	struct waiter *waiter = arg;
	struct kit *kit = waiter->kit;
	uint32_t i;

	for (i = 0; i < WAKES; i++) {
		__atomic_store_n(&waiter->ready, i + 1, __ATOMIC_RELEASE);
		bench_check(mmsb_wait(kit->space, kit->pages[0], waiter->epoch, MMSB_FOREVER, &waiter->epoch), "mmsb_wait");
		waiter->woken = bench_ticks();
		__atomic_store_n(&waiter->ready, 0, __ATOMIC_RELEASE);
	}
	return NULL;
}

static uint64_t wake_once(struct waiter *waiter, uint32_t i)
{
	uint64_t start;

	while (__atomic_load_n(&waiter->ready, __ATOMIC_ACQUIRE) != i + 1)
		bench_pause();
	usleep(100);	/* until it sleeps */
	start = bench_ticks();
	bench_check(mmsb_add(waiter->kit->ring, waiter->kit->pages[0], 0, 1, NULL), "mmsb_add");
	while (__atomic_load_n(&waiter->ready, __ATOMIC_ACQUIRE) == i + 1)
		bench_pause();
	return waiter->woken - start;
}

static double wait_wake(void *state)
{
	struct waiter waiter = { .kit = state };
	struct mmsb_page_info info;
	double ticks = 0;
	pthread_t thread;
	uint32_t i;

	bench_place(false);
	bench_check(mmsb_page_info(waiter.kit->space, waiter.kit->pages[0], &info), "mmsb_page_info");
	waiter.epoch = info.epoch;
	thread = bench_thread(waiter_thread, &waiter);
	for (i = 0; i < WAKES; i++)
		ticks += (double)wake_once(&waiter, i);
	pthread_join(thread, NULL);
	waiter.kit->sent += WAKES;
	return ticks * bench_ns_per_tick() / WAKES / 1000;
}

static void *open_wait(const struct bench_opts *bench)
{
	struct kit_opts opts = { .pages = 1, .page_bytes = 64, .entries = 64 };

	return kit_open(bench, &opts);
}

const struct bench bench_read[] = {
	{ .name = "read_page_64", .params = "\"pages\": 1000, \"bytes\": 64, \"how\": \"copied\"", .unit = "ns",
	  .open = open_read, .close = kit_close, .measure = read_copied, .aim = 20 },
	{ .name = "read_page_64", .params = "\"pages\": 1000, \"bytes\": 64, \"how\": \"in place\"", .unit = "ns",
	  .open = open_read, .close = kit_close, .measure = read_in_place, .aim = 20 },
	{ .name = "snapshot_16", .params = "\"pages\": 16, \"bytes\": 64", .unit = "ns", .open = open_snapshot,
	  .close = kit_close, .measure = snapshot },
	{ .name = "wait_wake", .params = "\"threads\": 2", .unit = "us", .flags = BENCH_TWO_THREADS, .open = open_wait,
	  .close = kit_close, .measure = wait_wake, .peer = bare_futex_wake, .against = "bare_futex_wake" },
	{ 0 }
};
