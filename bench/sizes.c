// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one thread's adds cost by size, one after the other: of the batch, of how many pages there are, and of the pages.
 */
#include "kit.h"

#define PAGES	1000u
#define BYTES	64u
#define BATCH	256u

struct sizes {
	unsigned int pages, page_bytes, batch;
};

static void *open_sizes(const struct bench_opts *bench)
{
	const struct sizes *sizes = bench->what;
	struct kit_opts opts = { .pages = sizes->pages, .page_bytes = sizes->page_bytes, .entries = 1024, .shuffled = true,
				 .repeat = sizes->pages > 10 * PAGES ? 1 : 8 };
	struct kit *kit = kit_open(bench, &opts);

	kit->work = kit_amount(kit, 1 << 20);
	kit_send(kit, BATCH);
	return kit;
}

static double add_rate(void *state)
{
	struct kit *kit = state;
	const struct sizes *sizes = kit->bench->what;
	uint64_t start = bench_cpu_now();

	kit_send(kit, sizes->batch);
	return (double)kit->work * 1e3 / (double)(bench_cpu_now() - start);
}

#define SIZES(name_, params_, ...) { .name = name_, .params = params_, .unit = "M/s", .flags = BENCH_MORE_IS_BETTER, \
	.open = open_sizes, .close = kit_close, .measure = add_rate, .what = &(const struct sizes){ __VA_ARGS__ } }
#define BY_BATCH(n) SIZES("inline_add_by_batch", "\"pages\": 1000, \"batch\": " #n, PAGES, BYTES, n)
#define BY_PAGES(n) SIZES("inline_add_by_pages", "\"pages\": " #n ", \"batch\": 256", n, BYTES, BATCH)
#define BY_PAGE_BYTES(n) SIZES("inline_add_by_page_bytes", "\"pages\": 1000, \"page_bytes\": " #n ", \"batch\": 256", PAGES, n, BATCH)

const struct bench bench_sizes[] = {
	BY_BATCH(1), BY_BATCH(4), BY_BATCH(16), BY_BATCH(32), BY_BATCH(64), BY_BATCH(128), BY_BATCH(512),
	BY_PAGES(1000), BY_PAGES(10000), BY_PAGES(100000), BY_PAGES(1000000), BY_PAGES(10000000),
	BY_PAGE_BYTES(64), BY_PAGE_BYTES(512), BY_PAGE_BYTES(4096), BY_PAGE_BYTES(65536),
	{ 0 }
};
