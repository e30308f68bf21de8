// SPDX-License-Identifier: GPL-2.0-only
/*
 * shared-lines [--check | --out FILE]
 *
 * How many cache lines a delta takes from one CPU to another, and which, in the embedded home: counted, see book.h, and not timed, so
 * that what is said of machines with many CPUs needs none. Each scene is set twice, in fresh spaces, and must give the same; and the
 * book is first shown two lines that go to and fro a known number of times. A line that is shared and that nobody has a name for ends the
 * run: there is something that two CPUs write, and nobody meant it. --check only says whether more is shared than should be.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <mmsb/mmsb.h>
#include "book.h"
#include "embedded.h"
#include "names.h"

#define PAGES	1024u
#define ENTRIES	256u
#define ROUNDS	(4 * ENTRIES)
#define WARM	(2 * ENTRIES)		/* rounds that are not counted: each entry has been used, each page changed */
#define MOST	64u
#define KNOWN	100u

enum { PRODUCER, OTHER_PRODUCER, POLLER, OTHER_POLLER, READER, MAKER };

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("shared-lines: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static long check(long result, const char *what)
{
	if (result < 0)
		die("%s: %s: %s", what, strerror((int)-result), mmsb_strerror_last());
	return result;
}

/* ------------------------------------------------------------------------------------------------------------- scenes */

/* A producer with his ring, and pages that he adds to in turn. */
struct side {
	struct mmsb_space *space;
	struct ms_space *engine;
	struct mmsb_ring *ring;
	uint64_t pages[PAGES];
	unsigned int npages, at;
	uint64_t sent;
};

struct scene;

struct setting {
	const char *name;
	void (*round)(struct scene *scene);
	unsigned int batch;
	unsigned int behind;		/* batches that the poller finds at once; 0: one */
	unsigned int sides;		/* producers */
	bool spaces;			/* each with a space of his own; else with a shard of his own */
	bool routed;			/* the pages live in the other shard */
	bool told;			/* completions are asked for */
	bool one_page;
	double most;			/* lines that a delta may take from others */
};

struct scene {
	const struct setting *setting;
	struct mmsb *mmsb;
	struct side side[2];
};

static struct ms_space *engine_of(struct mmsb_space *space)
{
	return ((struct embedded_space *)space)->instance->engine;
}

static void make_space(struct scene *scene, struct mmsb_space **space)
{
	struct mmsb_space_opts opts = { .size = sizeof(opts), .flags = MMSB_SPACE_CREATE, .max_rings = 8, .max_pages = 1 << 14,
					.max_bytes = 1 << 24 };

	opts.shards = scene->setting->spaces ? 1 : scene->setting->routed ? 2 : scene->setting->sides;
	check(mmsb_space_open(scene->mmsb, NULL, &opts, space), "mmsb_space_open");
}

/* By an inline ring, which needs no poller. */
static void make_pages(struct side *side, unsigned int shard)
{
	struct mmsb_ring_opts opts = { .size = sizeof(opts), .shard = shard + 1, .payload_bytes = MMSB_NO_PAYLOAD };
	struct mmsb_ring *ring;
	unsigned int i;

	check(mmsb_ring_open(side->space, &opts, &ring), "mmsb_ring_open");
	for (i = 0; i < PAGES; i++)
		check(mmsb_create(ring, 64, &side->pages[i]), "mmsb_create");
	mmsb_ring_close(ring);
}

static void make_side(struct scene *scene, unsigned int which)
{
	struct mmsb_ring_opts opts = { .size = sizeof(opts), .flags = MMSB_RING_POLLED, .sq_entries = ENTRIES,
				       .payload_bytes = MMSB_NO_PAYLOAD };
	const struct setting *setting = scene->setting;
	struct side *side = &scene->side[which];
	unsigned int shard = setting->spaces ? 0 : which;

	if (which && !setting->spaces)
		side->space = scene->side[0].space;
	else
		make_space(scene, &side->space);
	side->engine = engine_of(side->space);
	side->npages = setting->one_page ? 1 : PAGES;
	opts.shard = shard + 1;
	check(mmsb_ring_open(side->space, &opts, &side->ring), "mmsb_ring_open");
	make_pages(side, setting->routed ? 1 - shard : shard);
}

static void open_scene(struct scene *scene, const struct setting *setting)
{
	struct mmsb_open_opts home = { .size = sizeof(home), .home = "embedded" };
	unsigned int i;

	*scene = (struct scene){ .setting = setting };
	check(mmsb_open(&scene->mmsb, &home), "mmsb_open");
	for (i = 0; i < setting->sides; i++)
		make_side(scene, i);
}

/* What was sent has arrived. */
static void check_sum(const struct side *side)
{
	uint64_t sum = 0, word;
	unsigned int i;

	for (i = 0; i < side->npages; i++) {
		check(mmsb_read(side->space, side->pages[i], 0, &word, sizeof(word), NULL), "mmsb_read");
		sum += word;
	}
	if (sum != side->sent)
		die("%lu deltas were sent, and %lu arrived", (unsigned long)side->sent, (unsigned long)sum);
}

static void close_scene(struct scene *scene)
{
	unsigned int i;

	for (i = 0; i < scene->setting->sides; i++) {
		check_sum(&scene->side[i]);
		mmsb_ring_close(scene->side[i].ring);
	}
	for (i = 0; i < scene->setting->sides; i++)
		if (!i || scene->setting->spaces)
			mmsb_space_close(scene->side[i].space);
	mmsb_close(scene->mmsb);
}

/* -------------------------------------------------------------------------------------------------------------- roles */

static void produce_batch(struct scene *scene, unsigned int which)
{
	struct side *side = &scene->side[which];
	unsigned int i, n = scene->setting->batch;
	struct mmsb_sqe *sqe;

	book_act(PRODUCER + which);
	for (i = 0; i < n; i++) {
		sqe = mmsb_get_sqe(side->ring);
		if (!sqe)
			die("an empty queue has no room");
		mmsb_prep_add(sqe, side->pages[side->at++ % side->npages], 0, 1);
		if (!scene->setting->told)
			mmsb_sqe_quiet(sqe);
	}
	check(mmsb_submit(side->ring), "mmsb_submit");
	side->sent += n;
}

static void produce(struct scene *scene, unsigned int which)
{
	unsigned int i = 0;

	do
		produce_batch(scene, which);
	while (++i < scene->setting->behind);
}

static void reap(struct scene *scene)
{
	struct mmsb_cqe cqes[MOST];
	unsigned int i, n = scene->setting->batch;

	book_act(PRODUCER);
	if (mmsb_peek_cqes(scene->side[0].ring, cqes, n) != n)
		die("not all of a batch completed");
	for (i = 0; i < n; i++)
		check(cqes[i].result, "adding");
}

/* Until he looks in vain. */
static bool poll_shard(struct scene *scene, unsigned int which)
{
	struct side *side = &scene->side[scene->setting->spaces ? which : 0];
	struct ms_shard *shard = ms_space_shard(side->engine, scene->setting->spaces ? 0 : which);
	unsigned int handled = 0, n;

	book_act(POLLER + which);
	do {
		n = ms_shard_poll(shard);
		handled += n;
	} while (n);
	return handled;
}

static void read_pages(struct scene *scene)
{
	struct side *side = &scene->side[0];
	unsigned int i, n = scene->setting->one_page ? 1 : scene->setting->batch;
	uint64_t word;

	book_act(READER);
	for (i = 0; i < n; i++)
		check(mmsb_read(side->space, side->pages[(side->at - n + i) % side->npages], 0, &word, sizeof(word), NULL), "mmsb_read");
}

/* ------------------------------------------------------------------------------------------------------------- rounds */

static void round_alone(struct scene *scene)
{
	produce(scene, 0);
	poll_shard(scene, 0);
	if (scene->setting->told)
		reap(scene);
}

static void round_read(struct scene *scene)
{
	round_alone(scene);
	read_pages(scene);
}

static void round_routed(struct scene *scene)
{
	produce(scene, 0);
	while (poll_shard(scene, 0) | poll_shard(scene, 1))
		;
}

/* Both are at it at once: what they share goes to and fro each time. */
static void round_two(struct scene *scene)
{
	produce(scene, 0);
	produce(scene, 1);
	poll_shard(scene, 0);
	poll_shard(scene, 1);
}

static const struct setting settings[] = {
	{ .name = "one shard, by 64", .round = round_alone, .batch = 64, .sides = 1, .most = 1.03 },
	{ .name = "one shard, by one", .round = round_alone, .batch = 1, .sides = 1, .most = 2.02 },
	{ .name = "one shard, by 64, completions", .round = round_alone, .batch = 64, .sides = 1, .told = true, .most = 1.6 },
	{ .name = "by 64, each page read then", .round = round_read, .batch = 64, .sides = 1, .most = 3.03 },
	{ .name = "one hot page by 64, read then", .round = round_read, .batch = 64, .sides = 1, .one_page = true, .most = 1.07 },
	{ .name = "routed to another shard, by 64", .round = round_routed, .batch = 64, .sides = 1, .routed = true, .most = 3.7 },
	{ .name = "routed to another shard, by one", .round = round_routed, .batch = 1, .sides = 1, .routed = true, .most = 14.5 },
	{ .name = "two shards apart, by 64", .round = round_two, .batch = 64, .sides = 2, .most = 1.06 },
	{ .name = "two shards apart, 256 at once", .round = round_two, .batch = 64, .behind = 4, .sides = 2, .most = 1.02 },
	{ .name = "two shards apart, by one", .round = round_two, .batch = 1, .sides = 2, .most = 4.02 },
	{ .name = "two spaces, by one", .round = round_two, .batch = 1, .sides = 2, .spaces = true, .most = 2.02 },
};

#define NSETTINGS	(sizeof(settings) / sizeof(*settings))

/* ----------------------------------------------------------------------------------------------------------- counting */

struct count {
	unsigned int places;
	const char *place[BOOK_PLACES];
	struct book_tally tally[BOOK_PLACES];
};

static void run_rounds(struct scene *scene, unsigned int n)
{
	for (; n; n--)
		scene->setting->round(scene);
}

/* A first round makes what is made on first use, so that it has a name. */
static struct count count_scene(const struct setting *setting)
{
	struct count count = { 0 };
	struct scene scene;
	unsigned int i;

	open_scene(&scene, setting);
	run_rounds(&scene, 1);
	book_open();
	for (i = 0; i < setting->sides; i++)
		names_of_space(scene.side[i].engine);
	run_rounds(&scene, WARM);
	book_count();
	run_rounds(&scene, ROUNDS);
	count.places = book_places();
	for (i = 0; i < count.places; i++) {
		count.place[i] = book_place(i);
		count.tally[i] = book_tally(i);
	}
	if (count.tally[BOOK_ELSEWHERE].taken || count.tally[BOOK_ELSEWHERE].fetched)
		die("%s: a line at %p is shared, and nobody knows what it is", setting->name, book_stray());
	book_close();
	close_scene(&scene);
	return count;
}

static void check_known(void)
{
	static struct {
		uint64_t word[8];
	} line[2] __attribute__((aligned(64)));
	struct book_tally tally;
	uint64_t sum = 0;
	unsigned int i;

	book_open();
	for (i = 0; i <= KNOWN; i++) {
		if (i == 1)
			book_count();
		book_act(PRODUCER);
		__atomic_store_n(&line[0].word[i % 8], __atomic_load_n(&line[1].word[0], __ATOMIC_RELAXED), __ATOMIC_RELAXED);
		book_act(POLLER);
		__atomic_store_n(&line[1].word[i % 8], __atomic_load_n(&line[0].word[i % 8], __ATOMIC_RELAXED), __ATOMIC_RELAXED);
		book_act(READER);
		sum += __atomic_load_n(&line[0].word[i % 8], __ATOMIC_RELAXED);
		book_act(POLLER);
		sum += __atomic_load_n(&line[0].word[i % 8], __ATOMIC_RELAXED);
	}
	tally = book_tally(BOOK_ELSEWHERE);
	book_close();
	if (tally.taken != 2 * KNOWN || tally.fetched != 3 * KNOWN || sum)
		die("two lines that went to and fro %u times were taken %lu and fetched %lu times", KNOWN, (unsigned long)tally.taken,
		    (unsigned long)tally.fetched);
}

/* ---------------------------------------------------------------------------------------------------------- reporting */

static void write_figure(FILE *out, const struct setting *setting, const char *name, double each, double most)
{
	fprintf(out, "{\"name\": \"%s\", \"home\": \"embedded\", \"params\": {\"scene\": \"%s\"}, \"value\": %.6g, \"unit\": \"lines\", ",
		name, setting->name, each);
	fprintf(out, "\"spread\": 0, \"samples\": 1, ");
	if (most != 0)
		fprintf(out, "\"aim\": %g, ", most);
	fprintf(out, "\"more_is_better\": false, \"noisy\": false}\n");
}

static double deltas_of(const struct setting *setting)
{
	return (double)setting->batch * (setting->behind ? setting->behind : 1) * setting->sides * ROUNDS;
}

static struct book_tally all_of(const struct count *count)
{
	struct book_tally all = { 0 };
	unsigned int i;

	for (i = 0; i < count->places; i++) {
		all.taken += count->tally[i].taken;
		all.fetched += count->tally[i].fetched;
	}
	return all;
}

static bool is_reached(const struct setting *setting, const struct count *count)
{
	return (double)all_of(count).taken / deltas_of(setting) <= setting->most;
}

static void print_count(const struct setting *setting, const struct count *count)
{
	double deltas = deltas_of(setting);
	unsigned int i;

	printf("%-34s %7.3f taken (aim <= %g%s), %7.3f fetched, lines a delta\n", setting->name, (double)all_of(count).taken / deltas,
	       setting->most, is_reached(setting, count) ? "" : ": NOT REACHED", (double)all_of(count).fetched / deltas);
	for (i = 0; i < count->places; i++)
		if (count->tally[i].taken || count->tally[i].fetched)
			printf("  %-32s %7.3f                    %7.3f\n", count->place[i], (double)count->tally[i].taken / deltas,
			       (double)count->tally[i].fetched / deltas);
}

static bool is_same(const struct count *a, const struct count *b)
{
	return a->places == b->places && !memcmp(a->tally, b->tally, sizeof(a->tally));
}

static struct count count_twice(const struct setting *setting)
{
	struct count first = count_scene(setting), again = count_scene(setting);

	if (!is_same(&first, &again))
		die("%s: another count in another run", setting->name);
	return first;
}

static void report_all(FILE *out)
{
	const struct setting *setting;

	for (setting = settings; setting < settings + NSETTINGS; setting++) {
		struct count count = count_twice(setting);
		double deltas = deltas_of(setting);

		print_count(setting, &count);
		if (!out)
			continue;
		write_figure(out, setting, "shared_line_writes", (double)all_of(&count).taken / deltas, setting->most);
		write_figure(out, setting, "shared_line_reads", (double)all_of(&count).fetched / deltas, 0);
	}
}

static int test_all(void)
{
	unsigned int failed = 0, i;

	printf("TAP version 13\n1..%u\n", (unsigned int)NSETTINGS);
	for (i = 0; i < NSETTINGS; i++) {
		struct count count = count_twice(&settings[i]);
		bool reached = is_reached(&settings[i], &count);

		printf("%sok %u %s\n", reached ? "" : "not ", i + 1, settings[i].name);
		failed += !reached;
	}
	return failed != 0;
}

int main(int argc, char **argv)
{
	FILE *out = NULL;

	check_known();
	if (argc == 2 && !strcmp(argv[1], "--check"))
		return test_all();
	if (argc == 3 && !strcmp(argv[1], "--out"))
		out = fopen(argv[2], "a");
	else if (argc > 1)
		die("usage: shared-lines [--check | --out FILE]");
	if (argc > 1 && !out)
		die("%s cannot be written", argv[2]);
	report_all(out);
	if (out && fclose(out))
		die("%s cannot be written", argv[2]);
	return 0;
}
