// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long after it was due a delta is done, at a steady rate.
 *
 * Each delta is due at a time of its own, which does not wait for the one before it: a delta that is held up makes those behind it late, and
 * all of that is counted. A sender who waited for each answer before he looked at the clock again would count one late delta where a thousand
 * were (coordinated omission). The rate is a share of what the same loop does when everything is due at once.
 */
#include <stdlib.h>
#include "kit.h"

#define HOT		1000u
#define IDLE_US		100000u
#define DELTAS		(1u << 20)

struct setting {
	double load;
	unsigned int one_in;	/* so many is later than what is told */
	bool polled;
};

struct latency {
	const struct setting *setting;
	struct kit *kit;
	double interval;	/* in ticks of the clock; 0: everything is due at once */
	uint32_t *late;
	uint64_t start, sent, done;
};

static uint64_t due_by(const struct latency *latency, uint64_t now)
{
	double due = latency->interval > 0 ? (double)now / latency->interval + 1 : (double)latency->kit->work;

	return due < (double)latency->kit->work ? (uint64_t)due : latency->kit->work;
}

static void send_due(struct latency *latency)
{
	uint64_t due = due_by(latency, bench_ticks() - latency->start);
	struct kit *kit = latency->kit;
	struct mmsb_sqe *sqe;
	unsigned int n;

	for (n = 0; n < KIT_BATCH && latency->sent < due; n++) {
		sqe = mmsb_get_sqe(kit->ring);
		if (!sqe)
			break;
		mmsb_prep_add(sqe, *kit->at, 0, 1);
		mmsb_sqe_set_data(sqe, latency->sent++);
		kit->at = kit->at + 1 == kit->end ? kit->order : kit->at + 1;
	}
	if (n)
		bench_check(mmsb_submit(kit->ring), "mmsb_submit");
}

static void reap(struct latency *latency)
{
	struct mmsb_cqe cqes[KIT_BATCH];
	long n = bench_check(mmsb_peek_cqes(latency->kit->ring, cqes, KIT_BATCH), "mmsb_peek_cqes"), i;
	uint64_t now = bench_ticks() - latency->start;
	double late;

	for (i = 0; i < n; i++) {
		bench_check(cqes[i].result, "adding");
		late = (double)now - (double)cqes[i].user_data * latency->interval;
		latency->late[latency->done++] = late < UINT32_MAX ? (uint32_t)late : UINT32_MAX;
	}
}

static void send_all(struct latency *latency)
{
	latency->sent = 0;
	latency->done = 0;
	latency->start = bench_ticks();
	while (latency->done < latency->kit->work) {
		send_due(latency);
		reap(latency);
	}
	latency->kit->sent += latency->kit->work;
}

static void *open_latency(const struct bench_opts *bench)
{
	const struct setting *setting = bench->what;
	struct kit_opts opts = { .pages = HOT, .page_bytes = 64, .entries = 1024, .idle_us = IDLE_US, .polled = setting->polled, .shuffled = true,
				 .repeat = 8 };
	struct latency *latency = bench_alloc(sizeof(*latency));

	latency->setting = setting;
	latency->kit = kit_open(bench, &opts);
	latency->kit->work = kit_amount(latency->kit, DELTAS);
	latency->late = bench_alloc(latency->kit->work * sizeof(*latency->late));
	bench_place(false);
	send_all(latency);	/* everything has been touched once */
	send_all(latency);
	latency->interval = (double)(bench_ticks() - latency->start) / (double)latency->kit->work / setting->load;
	return latency;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double measure_latency(void *state)
{
	struct latency *latency = state;

	bench_place(false);
	send_all(latency);
	qsort(latency->late, latency->done, sizeof(*latency->late), compare);
	return latency->late[(uint64_t)((double)(latency->done - 1) * (1 - 1.0 / latency->setting->one_in))] * bench_ns_per_tick();
}

static void close_latency(void *state)
{
	struct latency *latency = state;

	kit_close(latency->kit);
	free(latency->late);
	free(latency);
}

#define AT(load_, percent, one_in_, how, polled_, more) { .name = "delta_latency", \
	.params = "\"run by\": \"" how "\", \"load\": \"" percent "\", \"one in\": " #one_in_, .unit = "ns", .open = open_latency, \
	.close = close_latency, .measure = measure_latency, .flags = more, \
	.what = &(const struct setting){ .load = load_, .one_in = one_in_, .polled = polled_ } }
#define AT_LOAD(load_, percent, how, polled_, more) \
	AT(load_, percent, 2, how, polled_, more), AT(load_, percent, 10, how, polled_, more), AT(load_, percent, 100, how, polled_, more), \
	AT(load_, percent, 1000, how, polled_, more), AT(load_, percent, 10000, how, polled_, more)

const struct bench bench_latency[] = {
	AT_LOAD(0.1, "10%", "who submits", false, 0),
	AT_LOAD(0.5, "50%", "who submits", false, 0),
	AT_LOAD(0.9, "90%", "who submits", false, 0),
	AT_LOAD(0.1, "10%", "a poller", true, BENCH_TWO_THREADS),
	AT_LOAD(0.5, "50%", "a poller", true, BENCH_TWO_THREADS),
	AT_LOAD(0.9, "90%", "a poller", true, BENCH_TWO_THREADS),
	{ 0 }
};
