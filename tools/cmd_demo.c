// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb demo: the main job in a few seconds, seen and checked.
 *
 * In the kernel home the workers are processes that open the space by its name; in the embedded home, threads. The space is not pinned, so
 * it is gone with the last process that has it open, however the demo ends. At the end what was sent is compared with
 * what the pages say, changes with epochs, what readers saw with what may be seen, and the hash kept delta by delta
 * with one computed from all bytes. A demo whose checks do not hold fails.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "args.h"
#include "demo_crew.h"
#include "json.h"
#include "out.h"

#define LIVE_EVERY	250000000ULL	/* ns between two looks where the line is updated in place */
#define LIVE_ROW	"%10s %11s %11s %13s %13s %13s"
#define CHECKS		5

struct totals {
	uint64_t adds, fills, batches, reads, again, torn;
	struct hist visible;
};

struct check {
	const char *name;
	bool good;
	char text[224];
};

struct boss {
	struct cli *cli;
	struct demo *demo;
	struct demo_crew crew;
	struct mmsb *mmsb;
	struct mmsb_space *space;
	const char *home;
	bool fell_back;		/* to the embedded home, for want of the other */
	uint64_t shards;	/* 0: as many as the home likes */
	uint64_t span;		/* ns that it shall run, */
	uint64_t ran;		/* and ran */
	struct totals before;	/* at the last live line */
	uint64_t before_at;
	struct totals end;
	struct check check[CHECKS];
	unsigned int checks;
};

/* ----------------------------------------------------------------------------------------------------- preparation */

static bool parse_demo(struct cli *cli, const struct args *args, struct boss *boss)
{
	uint64_t writers = 2, readers = sysconf(_SC_NPROCESSORS_ONLN) < 4 ? 1 : 2;

	boss->span = 10000000000ULL;
	if (!arg_time(cli, args, OPT_SECONDS, &boss->span) ||
	    !arg_u64(cli, args, OPT_WRITERS, 1, DEMO_WORKERS, &writers) ||
	    !arg_u64(cli, args, OPT_READERS, 1, DEMO_WORKERS, &readers) ||
	    !arg_u64(cli, args, OPT_SHARDS, 1, MMSB_SHARDS_MAX, &boss->shards))
		return false;
	if (boss->span < 100000000)
		return fail_usage(cli, "--seconds '%s' is below a tenth of a second", args->value[OPT_SECONDS]), false;
	boss->demo->writers = (unsigned int)writers;
	boss->demo->readers = (unsigned int)readers;
	boss->demo->polled = !arg_has(args, OPT_INLINE) && sysconf(_SC_NPROCESSORS_ONLN) > 1;
	boss->demo->crowded = sysconf(_SC_NPROCESSORS_ONLN) <= (long)(writers + readers);
	boss->demo->device = cli->device;
	return true;
}

/* Which home it will be must be known before the processes are forked, and they before anything is left open. */
static bool choose_home(struct boss *boss)
{
	const char *asked = cli_home(boss->cli);
	struct mmsb *mmsb;
	int err;

	err = mmsb_open(&mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = boss->cli->home, .device = boss->cli->device));
	if (err) {
		fail_lib(boss->cli, err, "cannot open the %s home", asked);
		return false;
	}
	boss->home = strcmp(mmsb_home(mmsb), "kernel") ? "embedded" : "kernel";
	boss->fell_back = !strcmp(asked, "auto") && !strcmp(boss->home, "embedded");
	mmsb_close(mmsb);
	return true;
}

static bool in_kernel(const struct boss *boss)
{
	return !strcmp(boss->home, "kernel");
}

static bool open_space(struct boss *boss)
{
	uint32_t flags = MMSB_SPACE_CREATE | MMSB_SPACE_EXCL | MMSB_SPACE_HASH;
	struct demo *demo = boss->demo;
	int err;

	err = mmsb_open(&boss->mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = boss->home, .device = boss->cli->device));
	if (err) {
		fail_lib(boss->cli, err, "cannot open the %s home", boss->home);
		return false;
	}
	snprintf(demo->name, sizeof(demo->name), "demo-%d", (int)getpid());
	flags |= demo->polled ? 0 : MMSB_SPACE_INLINE;
	err = mmsb_space_open(boss->mmsb, demo->name, MMSB_OPTS(struct mmsb_space_opts, .flags = flags,
								       .shards = (uint32_t)boss->shards), &boss->space);
	if (err)
		fail_lib(boss->cli, err, "cannot create space '%s'", demo->name);
	return !err;
}

static int create_some(struct mmsb_ring *ring, uint32_t bytes, uint64_t *pages, unsigned int n)
{
	int err = 0;

	for (; n && !err; n--)
		err = mmsb_create(ring, bytes, pages++);
	return err;
}

static bool create_pages(struct boss *boss)
{
	struct demo *demo = boss->demo;
	struct mmsb_ring *ring;
	int err;

	if (!cli_ring(boss->cli, boss->space, MMSB_NO_PAYLOAD, &ring))
		return false;
	err = create_some(ring, 64, demo->counter, DEMO_COUNTERS) ?:
	      create_some(ring, DEMO_BANNER, demo->banner, DEMO_BANNERS) ?:
	      create_some(ring, 64, demo->probe, demo->writers);
	if (err)
		fail_lib(boss->cli, err, "cannot create the pages");
	mmsb_ring_close(ring);
	return !err;
}

static bool prepare(struct boss *boss)
{
	int err = 0;

	if (in_kernel(boss))
		err = crew_start(&boss->crew, boss->demo, NULL);
	if (!err && (!open_space(boss) || !create_pages(boss)))
		return false;
	if (!err && !in_kernel(boss))
		err = crew_start(&boss->crew, boss->demo, boss->space);
	if (err)
		fail(boss->cli, "use fewer --writers and --readers", "cannot start a worker: %s", strerror(-err));
	return !err;
}

/* ------------------------------------------------------------------------------------------------------- the live line */

static uint64_t peek(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void add_up(const struct demo *demo, struct totals *totals)
{
	const struct demo_worker *worker;
	unsigned int i;

	*totals = (struct totals){ 0 };
	for (i = 0; i < demo->writers + demo->readers; i++) {
		worker = &demo->worker[i];
		totals->adds += peek(&worker->adds);
		totals->fills += peek(&worker->fills);
		totals->batches += peek(&worker->batches);
		totals->reads += peek(&worker->reads);
		totals->again += peek(&worker->again);
		totals->torn += peek(&worker->torn);
		hist_merge(&totals->visible, &worker->visible);
	}
}

static double rate(uint64_t count, uint64_t ns)
{
	return ns ? (double)count * 1e9 / (double)ns : 0;
}

static void live_line(struct boss *boss, bool in_place, uint64_t start)
{
	struct totals now, *before = &boss->before;
	uint64_t at = demo_now(), span = at - boss->before_at;
	char elapsed[16];

	add_up(boss->demo, &now);
	snprintf(elapsed, sizeof(elapsed), "%.1f s", (double)(at - start) / 1e9);
	printf("%s" LIVE_ROW "%s", in_place ? "\r\033[K" : "", elapsed,
	       text_rate(rate(now.adds + now.fills - before->adds - before->fills, span)).s,
	       text_rate(rate(now.reads - before->reads, span)).s, text_rate(rate(now.again - before->again, span)).s,
	       text_ns(hist_percentile(&now.visible, &before->visible, 0.5)).s,
	       text_ns(hist_percentile(&now.visible, &before->visible, 0.99)).s, in_place ? "" : "\n");
	fflush(stdout);
	*before = now;
	boss->before_at = at;
}

static void nap(uint64_t ns)
{
	struct timespec span = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };

	nanosleep(&span, NULL);
}

static void run(struct boss *boss)
{
	bool in_place = isatty(STDOUT_FILENO), quiet = boss->cli->json;
	uint64_t start = demo_now(), every = in_place && !quiet ? LIVE_EVERY : 1000000000ULL, now = start, next = start + every;

	boss->before_at = start;
	__atomic_store_n(&boss->demo->phase, DEMO_RUN, __ATOMIC_RELEASE);
	while (!cli_stopped && crew_well(&boss->crew) && now < start + boss->span) {
		nap((next < start + boss->span ? next : start + boss->span) - now);
		now = demo_now();
		if (now < next)
			continue;
		if (!quiet)
			live_line(boss, in_place, start);
		next += every;
		next = next > now ? next : now + every;
	}
	boss->ran = now - start;
	__atomic_store_n(&boss->demo->phase, DEMO_STOP, __ATOMIC_RELEASE);
	if (in_place && !quiet)
		putchar('\n');
	crew_wait(&boss->crew);
	add_up(boss->demo, &boss->end);
}

/* ---------------------------------------------------------------------------------------------------------- checks */

static void __attribute__((format(printf, 4, 5))) note(struct boss *boss, const char *name, bool good, const char *text, ...)
{
	struct check *check = &boss->check[boss->checks++];
	va_list list;

	check->name = name;
	check->good = good;
	va_start(list, text);
	vsnprintf(check->text, sizeof(check->text), text, list);
	va_end(list);
}

static int sum_pages(struct boss *boss, const uint64_t *pages, unsigned int n, uint64_t *numbers, uint64_t *epochs)
{
	uint64_t number, epoch;
	ssize_t got;

	for (; n; n--, pages++) {
		got = mmsb_read(boss->space, *pages, 0, &number, sizeof(number), &epoch);
		if (got < 0)
			return (int)got;
		*numbers += number;
		*epochs += epoch;
	}
	return 0;
}

static void check_pages(struct boss *boss)
{
	uint64_t sum = 0, epochs = 0, changes = boss->end.adds + boss->end.fills, unused = 0;
	struct demo *demo = boss->demo;
	int err;

	err = sum_pages(boss, demo->counter, DEMO_COUNTERS, &sum, &epochs) ?:
	      sum_pages(boss, demo->probe, demo->writers, &sum, &epochs) ?:
	      sum_pages(boss, demo->banner, DEMO_BANNERS, &unused, &epochs);
	if (err) {
		note(boss, "counters", false, "cannot read the pages: %s", mmsb_strerror_last());
		return;
	}
	note(boss, "counters", sum == boss->end.adds, "Nothing was lost: %s additions sent, and the counters add up to %s.",
	     text_grouped(boss->end.adds).s, text_grouped(sum).s);
	note(boss, "epochs", epochs == changes, "Every change has its epoch: %s changes, the epochs add up to %s.",
	     text_grouped(changes).s, text_grouped(epochs).s);
}

static void check_reads(struct boss *boss)
{
	note(boss, "reads", !boss->end.torn, "%s torn or older page in %s reads (%s met a writer, and looked again).",
	     boss->end.torn ? text_grouped(boss->end.torn).s : "No", text_grouped(boss->end.reads).s,
	     text_grouped(boss->end.again).s);
}

/* The first that gave up is named; what came of it shows in the other checks. */
static void check_workers(struct boss *boss)
{
	unsigned int n = boss->demo->writers + boss->demo->readers, i;
	const struct demo_worker *worker;

	for (i = 0; i < n; i++) {
		worker = &boss->demo->worker[i];
		if (worker->done && !*worker->error)
			continue;
		note(boss, "workers", false, "%s %u gave up: %s", worker->writer ? "Writer" : "Reader", worker->number + 1,
		     *worker->error ? worker->error : "it ended early");
		return;
	}
	note(boss, "workers", true, "All %u workers came to their end.", n);
}

static void check_hash(struct boss *boss)
{
	uint64_t kept[2], fresh[2], tick;
	int err = mmsb_hash(boss->space, 0, kept, &tick) ?: mmsb_hash(boss->space, MMSB_HASH_RECOMPUTE, fresh, &tick);

	if (err)
		note(boss, "hash", false, "cannot compute the state hash: %s", mmsb_strerror_last());
	else
		note(boss, "hash", !memcmp(kept, fresh, sizeof(kept)), "The state hash kept by deltas %s recomputed: %s",
		     memcmp(kept, fresh, sizeof(kept)) ? "DIFFERS from that" : "is that", text_hash(kept).s);
}

/* --------------------------------------------------------------------------------------------------------- talking */

static void introduce(const struct boss *boss)
{
	const struct demo *demo = boss->demo;

	out_colour(stdout, COLOUR_BOLD, "MMSB: one versioned state in memory, shared by many.\n");
	printf("Writers put small changes, deltas, into a mapped ring. Readers load the state\n"
	       "from mapped pages. One engine alone applies the deltas, so no client can spoil\n"
	       "the state, and each page counts its versions.\n\n");
	printf("Home: %s\n", in_kernel(boss) ? "kernel, the module behind /dev/mmsb" : "embedded, an engine inside this process");
	if (boss->fell_back)
		printf("      (there is no kernel home here: 'mmsb doctor' says why)\n");
	printf("Who:  %u writer%s and %u reader%s, each a %s, share %u counters and %u larger pages\n", demo->writers,
	       demo->writers > 1 ? "s" : "", demo->readers, demo->readers > 1 ? "s" : "",
	       in_kernel(boss) ? "process" : "thread", DEMO_COUNTERS, DEMO_BANNERS);
	printf("How:  %s, for %.3g s; Ctrl-C ends it early\n\n", demo->polled ?
	       "an engine thread polls the rings" : "who submits runs the engine", (double)boss->span / 1e9);
	printf(LIVE_ROW "\n", "time", "deltas/s", "reads/s", "read again/s", "visible: p50", "p99");
}

static void summarise(const struct boss *boss, bool good)
{
	const struct totals *end = &boss->end;
	unsigned int i;

	printf("\nIn %.1f s %s deltas and %s reads.\nA delta was visible to readers after %s (median), %s (p99).\n",
	       (double)boss->ran / 1e9, text_grouped(end->adds + end->fills).s, text_grouped(end->reads).s,
	       text_ns(hist_percentile(&end->visible, NULL, 0.5)).s, text_ns(hist_percentile(&end->visible, NULL, 0.99)).s);
	for (i = 0; i < boss->checks; i++) {
		out_colour(stdout, boss->check[i].good ? COLOUR_GREEN : COLOUR_RED, boss->check[i].good ? "  ok    " : "  FAIL  ");
		puts(boss->check[i].text);
	}
	printf("\n%s Next: 'mmsb help', 'man mmsb'.\n", good ? "That was MMSB." : "Something is wrong: please report it.");
}

static void summarise_json(const struct boss *boss, bool good)
{
	const struct totals *end = &boss->end;
	struct json json;
	unsigned int i;

	json_begin(&json, stdout);
	json_bool(&json, "ok", good);
	json_string(&json, "home", boss->home);
	json_bool(&json, "polled", boss->demo->polled);
	json_u64(&json, "writers", boss->demo->writers);
	json_u64(&json, "readers", boss->demo->readers);
	json_double(&json, "seconds", (double)boss->ran / 1e9);
	json_u64(&json, "deltas", end->adds + end->fills);
	json_u64(&json, "submissions", end->batches);
	json_u64(&json, "reads", end->reads);
	json_u64(&json, "reads_again", end->again);
	json_u64(&json, "torn", end->torn);
	json_double(&json, "deltas_per_second", rate(end->adds + end->fills, boss->ran));
	json_double(&json, "reads_per_second", rate(end->reads, boss->ran));
	json_u64(&json, "visible_p50_ns", hist_percentile(&end->visible, NULL, 0.5));
	json_u64(&json, "visible_p99_ns", hist_percentile(&end->visible, NULL, 0.99));
	json_u64(&json, "visible_samples", hist_count(&end->visible));
	json_array(&json, "checks");
	for (i = 0; i < boss->checks; i++) {
		json_object(&json, NULL);
		json_string(&json, "name", boss->check[i].name);
		json_bool(&json, "ok", boss->check[i].good);
		json_string(&json, "text", boss->check[i].text);
		json_close(&json);
	}
	json_close(&json);
	json_end(&json);
}

static enum cli_exit report(const struct boss *boss)
{
	bool good = true;
	unsigned int i;

	for (i = 0; i < boss->checks; i++)
		good &= boss->check[i].good;
	if (boss->cli->json)
		summarise_json(boss, good);
	else
		summarise(boss, good);
	return good ? CLI_OK : CLI_FAILED;
}

enum cli_exit cmd_demo(struct cli *cli, const struct args *args)
{
	struct boss boss = { .cli = cli };
	enum cli_exit status = CLI_FAILED;

	boss.demo = mmap(NULL, sizeof(*boss.demo), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (boss.demo == MAP_FAILED)
		return fail(cli, NULL, "out of memory");
	if (!parse_demo(cli, args, &boss)) {
		status = CLI_USAGE;
		goto out;
	}
	if (!choose_home(&boss))
		goto out;
	cli_catch_signals();
	if (!prepare(&boss))
		goto stop;
	if (!cli->json)
		introduce(&boss);
	fflush(stdout);
	run(&boss);
	check_pages(&boss);
	check_reads(&boss);
	check_hash(&boss);
	check_workers(&boss);
	status = report(&boss);
stop:
	__atomic_store_n(&boss.demo->phase, DEMO_STOP, __ATOMIC_RELEASE);
	crew_wait(&boss.crew);
	if (boss.space)
		mmsb_space_close(boss.space);
	mmsb_close(boss.mmsb);
out:
	munmap(boss.demo, sizeof(*boss.demo));
	return status;
}
