// SPDX-License-Identifier: GPL-2.0-only
/*
 * As many threads as the machine has CPUs for, an inline ring each, beside one of them alone: on pages of their own in shards of their own, on
 * the same thousand pages of one shard, and on one page. In a shard that several use, whoever comes first applies what all have submitted.
 */
#include <stdlib.h>
#include "kit.h"

#define ENTRIES	1024u

struct setting {
	unsigned int threads;
	unsigned int pages;
	bool apart;			/* each has a shard, and pages, of his own */
};

struct crowd;

struct member {
	struct crowd *crowd;
	struct kit kit;			/* a ring of his own, in the space of all */
	uint8_t alone[64];
};

struct crowd {
	const struct setting *setting;
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct member *member;
	uint32_t ready, wanted;
};

/* ---------------------------------------------------------------------------------------------------------- opening */

static void open_space(struct crowd *crowd, const char *home)
{
	const struct setting *setting = crowd->setting;
	struct mmsb_open_opts open = { .size = sizeof(open), .home = home };
	struct mmsb_space_opts opts = { .size = sizeof(opts), .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE,
					.shards = setting->apart ? setting->threads : 1, .max_rings = setting->threads + 1 };

	opts.max_pages = setting->threads * setting->pages + 1024 * opts.shards;
	bench_check(mmsb_open(&crowd->mmsb, &open), "mmsb_open");
	bench_check(mmsb_space_open(crowd->mmsb, NULL, &opts, &crowd->space), "mmsb_space_open");
}

static void make_pages(struct kit *kit)
{
	unsigned int i;

	for (i = 0; i < kit->npages; i++)
		bench_check(mmsb_create(kit->ring, 64, &kit->pages[i]), "mmsb_create");
}

static void take_pages(struct kit *kit, const struct kit *from)
{
	unsigned int i;

	for (i = 0; i < kit->npages; i++)
		kit->pages[i] = from->pages[i];
}

static void member_open(struct crowd *crowd, unsigned int n, const struct bench_opts *bench)
{
	const struct setting *setting = crowd->setting;
	const struct kit_opts order = { .shuffled = true, .repeat = setting->pages > 1 ? 8 : KIT_BATCH };
	struct mmsb_ring_opts ring = { .size = sizeof(ring), .sq_entries = ENTRIES, .payload_bytes = MMSB_NO_PAYLOAD,
				       .shard = setting->apart ? n + 1 : 1 };
	struct member *member = &crowd->member[n];
	struct kit *kit = &member->kit;

	member->crowd = crowd;
	*kit = (struct kit){ .bench = bench, .mmsb = crowd->mmsb, .space = crowd->space, .npages = setting->pages, .entries = ENTRIES };
	kit->pages = bench_alloc(kit->npages * sizeof(*kit->pages));
	bench_check(mmsb_ring_open(crowd->space, &ring, &kit->ring), "mmsb_ring_open");
	if (setting->apart || !n)
		make_pages(kit);
	else
		take_pages(kit, &crowd->member[0].kit);
	kit_lay_order(kit, &order);
	kit->work = kit_amount(kit, 2 << 20);
}

static void *open_crowd(const struct bench_opts *bench)
{
	struct crowd *crowd = bench_alloc(sizeof(*crowd));
	unsigned int i;

	crowd->setting = bench->what;
	crowd->member = bench_alloc(crowd->setting->threads * sizeof(*crowd->member));
	open_space(crowd, bench->home);
	for (i = 0; i < crowd->setting->threads; i++)
		member_open(crowd, i, bench);
	return crowd;
}

static void check_sums(struct crowd *crowd)
{
	unsigned int n = crowd->setting->threads, i;
	uint64_t sent = 0, sum = 0;

	for (i = 0; i < n; i++) {
		sent += crowd->member[i].kit.sent;
		if (crowd->setting->apart || !i)
			sum += kit_sum(&crowd->member[i].kit);
	}
	if (sum != sent)
		bench_die("%lu deltas were sent, and %lu arrived", (unsigned long)sent, (unsigned long)sum);
}

static void close_crowd(void *state)
{
	struct crowd *crowd = state;
	unsigned int i;

	check_sums(crowd);
	for (i = 0; i < crowd->setting->threads; i++) {
		mmsb_ring_close(crowd->member[i].kit.ring);
		free(crowd->member[i].kit.order);
		free(crowd->member[i].kit.pages);
	}
	mmsb_space_close(crowd->space);
	mmsb_close(crowd->mmsb);
	free(crowd->member);
	free(crowd);
}

/* -------------------------------------------------------------------------------------------------------- measuring */

static void meet(struct crowd *crowd)
{
	__atomic_add_fetch(&crowd->ready, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&crowd->ready, __ATOMIC_ACQUIRE) != crowd->wanted)
		bench_pause();
}

static void *be_member(void *arg)
{
	struct member *member = arg;

	meet(member->crowd);
	kit_send(&member->kit, KIT_BATCH);
	return NULL;
}

/* The first n of them; million deltas a second. */
static double rate(struct crowd *crowd, unsigned int n)
{
	pthread_t *thread = bench_alloc(n * sizeof(*thread));
	uint64_t start;
	unsigned int i;

	bench_place(false);
	crowd->ready = 0;
	crowd->wanted = n;
	for (i = 1; i < n; i++)
		thread[i] = bench_thread_at(i, be_member, &crowd->member[i]);
	meet(crowd);
	start = bench_now();
	kit_send(&crowd->member[0].kit, KIT_BATCH);
	for (i = 1; i < n; i++)
		pthread_join(thread[i], NULL);
	free(thread);
	return (double)n * (double)crowd->member[0].kit.work * 1e3 / (double)(bench_now() - start);
}

static double measure_all(void *state)
{
	struct crowd *crowd = state;

	return rate(crowd, crowd->setting->threads);
}

static double measure_one(void *state)
{
	return rate(state, 1);
}

static const char *too_few_cpus(const void *what)
{
	const struct setting *setting = what;

	return bench_cpus() < setting->threads ? "this machine has no CPU for each of the threads" : NULL;
}

/* --------------------------------------------------------------------------------------------------------- the list */

#define CROWD(name_, threads_, pages_, apart_, aim_) { .name = name_, .params = "\"threads\": " #threads_ ", \"pages\": " #pages_ ", \"batch\": 64", \
	.unit = "M/s", .flags = BENCH_TWO_THREADS | BENCH_MORE_IS_BETTER, .open = open_crowd, .close = close_crowd, \
	.measure = measure_all, .peer = measure_one, .against = "one thread", .missing = too_few_cpus, .aim_ratio = aim_, \
	.what = &(const struct setting){ threads_, pages_, apart_ } }
#define CROWDS(name_, pages_, apart_, aim2, aim4, aim8) \
	CROWD(name_, 2, pages_, apart_, aim2), CROWD(name_, 4, pages_, apart_, aim4), CROWD(name_, 8, pages_, apart_, aim8), \
	CROWD(name_, 16, pages_, apart_, 0), CROWD(name_, 32, pages_, apart_, 0), CROWD(name_, 64, pages_, apart_, 0), \
	CROWD(name_, 128, pages_, apart_, 0), CROWD(name_, 256, pages_, apart_, 0)

const struct bench bench_threads[] = {
	CROWDS("threads_disjoint", 1000, true, 1.8, 3.2, 6.0),
	CROWDS("threads_shared", 1000, false, 0, 0, 0),
	CROWDS("threads_one_page", 1, false, 0, 0, 0),
	{ 0 }
};
