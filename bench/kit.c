// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "kit.h"

static void kit_open_ring(struct kit *kit, const struct kit_opts *opts)
{
	struct mmsb_ring_opts ring = { .size = sizeof(ring), .sq_entries = opts->entries, .idle_us = opts->idle_us,
				       .payload_bytes = opts->payload_bytes ? opts->payload_bytes : MMSB_NO_PAYLOAD };

	if (opts->polled)
		ring.flags = MMSB_RING_POLLED;
	bench_check(mmsb_ring_open(kit->space, &ring, &kit->ring), "mmsb_ring_open");
}

static void kit_make_pages(struct kit *kit, const struct kit_opts *opts)
{
	unsigned int made = 0, all = kit->npages + kit->beside, n, i;
	struct mmsb_sqe *sqe;
	struct mmsb_cqe cqe;

	while (made < all) {
		n = mmsb_get_sqes(kit->ring, &sqe, all - made < KIT_BATCH ? all - made : KIT_BATCH);
		for (i = 0; i < n; i++)
			mmsb_prep_create(sqe + i, opts->page_bytes);
		bench_check(mmsb_submit(kit->ring), "mmsb_submit");
		for (i = 0; i < n; i++) {
			bench_check(mmsb_wait_cqe(kit->ring, &cqe, MMSB_FOREVER), "mmsb_wait_cqe");
			bench_check(cqe.result, "creating a page");
			kit->pages[made++] = cqe.epoch;
		}
	}
}

uint64_t kit_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void kit_shuffle(uint64_t *ids, uint64_t n)
{
	uint64_t seed = 0x6d6d7362, i, j, id;

	for (i = n - 1; i > 0; i--) {
		j = kit_random(&seed) % (i + 1);
		id = ids[i];
		ids[i] = ids[j];
		ids[j] = id;
	}
}

void kit_lay_order(struct kit *kit, const struct kit_opts *opts)
{
	uint64_t n = (uint64_t)kit->npages * (opts->repeat ? opts->repeat : 1), i;

	kit->order = bench_alloc(n * sizeof(*kit->order));
	for (i = 0; i < n; i++)
		kit->order[i] = kit->pages[i % kit->npages];
	if (opts->shuffled)
		kit_shuffle(kit->order, n);
	kit->at = kit->order;
	kit->end = kit->order + n;
}

static void kit_open_space(struct kit *kit, const struct kit_opts *opts)
{
	struct mmsb_open_opts home = { .size = sizeof(home), .home = kit->bench->home };
	struct mmsb_space_opts space = { .size = sizeof(space), .flags = MMSB_SPACE_CREATE | opts->flags, .shards = 1,
					 .max_rings = opts->rings ? opts->rings : 4, .audit = opts->audit };

	if (!opts->polled)
		space.flags |= MMSB_SPACE_INLINE;
	if (opts->hash)
		space.flags |= MMSB_SPACE_HASH;
	space.max_pages = opts->pages + opts->beside + 1024;
	space.max_bytes = ((uint64_t)opts->pages + opts->beside) * opts->page_bytes + (16 << 20);
	bench_check(mmsb_open(&kit->mmsb, &home), "mmsb_open");
	bench_check(mmsb_space_open(kit->mmsb, NULL, &space, &kit->space), "mmsb_space_open");
}

void kit_make_dir(char dir[128])
{
	const char *tmp = getenv("TMPDIR");

	if (snprintf(dir, 128, "%s/mmsb-bench.XXXXXX", tmp ? tmp : "/tmp") >= 128)
		bench_die("%s is too long; set TMPDIR to a shorter one", tmp);
	if (!mkdtemp(dir))
		bench_die("no directory can be made below %s: %s", tmp ? tmp : "/tmp", strerror(errno));
}

static int remove_entry(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
	(void)stat;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void kit_remove_dir(const char *dir)
{
	nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* The writer's thread goes where the producer is not. */
static void kit_open_log(struct kit *kit, const struct mmsb_log_opts *opts)
{
	kit_make_dir(kit->log_dir);
	bench_place(true);
	bench_check(mmsb_log_open(kit->space, kit->log_dir, opts, &kit->log), "mmsb_log_open");
	bench_place(false);
}

struct kit *kit_open(const struct bench_opts *bench, const struct kit_opts *opts)
{
	struct kit *kit = bench_alloc(sizeof(*kit));

	kit->bench = bench;
	kit->npages = opts->pages;
	kit->beside = opts->beside;
	kit->entries = opts->entries;
	kit->pages = bench_alloc(((size_t)opts->pages + opts->beside) * sizeof(*kit->pages));
	/* Threads of the home, if it makes any in this process, inherit the CPU that the producer does not use. */
	bench_place(opts->polled);
	kit_open_space(kit, opts);
	bench_place(false);
	if (opts->log)
		kit_open_log(kit, opts->log);
	kit_open_ring(kit, opts);
	kit_make_pages(kit, opts);
	if (opts->repeat || opts->shuffled)
		kit_lay_order(kit, opts);
	return kit;
}

/* A poller that has taken a delta may be about to apply it. */
static void check_sum(struct kit *kit)
{
	uint64_t sum;

	bench_check(mmsb_drain(kit->ring, MMSB_FOREVER), "mmsb_drain");
	sum = kit_sum(kit);
	if (sum != kit->sent)
		bench_die("%lu deltas were sent, and %lu arrived", (unsigned long)kit->sent, (unsigned long)sum);
}

void kit_close(void *arg)
{
	struct kit *kit = arg;

	if (kit->sent)
		check_sum(kit);
	mmsb_ring_close(kit->ring);
	if (kit->log) {
		mmsb_log_close(kit->log);
		kit_remove_dir(kit->log_dir);
	}
	mmsb_space_close(kit->space);
	mmsb_close(kit->mmsb);
	free(kit->order);
	free(kit->pages);
	free(kit);
}

uint64_t kit_amount(const struct kit *kit, uint64_t full)
{
	uint64_t scaled = full / kit->bench->divisor / 1024 * 1024;

	return scaled ? scaled : 1024;
}

/* Lays down what fits side by side in the queue, of one batch, before the order begins again. Returns how many. */
static inline unsigned int kit_fill(struct kit *kit, uint64_t most)
{
	uint64_t ahead = (uint64_t)(kit->end - kit->at);
	unsigned int want = most < KIT_BATCH ? (unsigned int)most : KIT_BATCH, n, i;
	struct mmsb_sqe *sqe;

	n = mmsb_get_sqes(kit->ring, &sqe, ahead < want ? (unsigned int)ahead : want);
	for (i = 0; i < n; i++) {
		mmsb_prep_add(sqe + i, kit->at[i], 0, 1);
		mmsb_sqe_quiet(sqe + i);
	}
	kit->at += n;
	if (kit->at == kit->end)
		kit->at = kit->order;
	return n;
}

void kit_submit(struct kit *kit, unsigned int batch)
{
	uint64_t left = kit->work;
	unsigned int filled = 0, n;

	while (left) {
		n = kit_fill(kit, left < batch - filled ? left : batch - filled);
		filled += n;
		left -= n;
		if (n && filled < batch && left)
			continue;
		bench_check(mmsb_submit(kit->ring), "mmsb_submit");
		filled = 0;
		if (!n)
			bench_pause();
	}
	kit->sent += kit->work;
}

void kit_send(struct kit *kit, unsigned int batch)
{
	kit_submit(kit, batch);
	bench_check(mmsb_drain(kit->ring, MMSB_FOREVER), "mmsb_drain");
}

uint64_t kit_sum(struct kit *kit)
{
	uint64_t sum = 0, word;
	unsigned int i;

	for (i = 0; i < kit->npages; i++) {
		bench_check(mmsb_read(kit->space, kit->pages[i], 0, &word, sizeof(word), NULL), "mmsb_read");
		sum += word;
	}
	return sum;
}
