// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading ahead by a thread: the same comes, and ends in the same way, as without it; it can be left at any time, keeps no more than it may, and
 * where memory or a thread is wanting all goes on without.
 *
 * `logahead --seed N --ops N` draws what a failure printed. $MMSB_SOAK: goes on with new seeds for that many seconds.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include "kselftest.h"
#include "common/seeded.h"
#include "log/ahead.h"

#define LARGEST		(300u << 10)		/* of more than a block has room for */
#define KEPT		(4u << 20)		/* bytes, more than which are never read ahead of small records */

#define EXPECT(cond) do { if (!(cond)) { printf("# line %d: not so: %s (%s)\n", __LINE__, #cond, mmsb_strerror_last()); return -1; } } while (0)

static uint64_t seed;

/* Items are drawn by their number, so anybody can say what each must be. */
struct source {
	uint64_t n;			/* of them there are; what comes then: */
	int err;
	bool large;			/* some records are */
	uint64_t given, bytes;		/* so far */
	pthread_t by;			/* who asked last, */
	sigset_t deaf;			/* and to which signals he is */
	uint8_t item[LARGEST + sizeof(struct mmsb_record)];
};

static struct source source;

static void draw(uint8_t *to, bool large, uint64_t number, struct msl_item *item)
{
	struct rng rng = { seed * 1000003 + number };
	struct mmsb_record *record = (struct mmsb_record *)to;
	uint64_t most = large && rng_once_in(&rng, 50) ? LARGEST : 600;
	size_t bytes = sizeof(*record) + (rng_below(&rng, most) & ~7ull);

	*item = (struct msl_item){ .tick = number, .done = 300 * (number + 1), .all = 1 << 30 };
	if (rng_below(&rng, 2)) {
		item->nwords = 1 + (uint32_t)rng_below(&rng, MSL_WORDS);
		item->words = (const struct mmsb_word *)to;
		rng_fill(&rng, to, item->nwords * sizeof(*item->words));
		return;
	}
	rng_fill(&rng, to, bytes);
	record->bytes = (uint32_t)bytes;
	item->record = record;
	item->images = !rng_once_in(&rng, 20);
	item->bytes = item->images ? bytes : 0;
}

static size_t bytes_of(const struct msl_item *item)
{
	if (item->images)
		return item->bytes;
	return item->record ? item->record->bytes : item->nwords * sizeof(*item->words);
}

/* As many as were drawn. */
static uint64_t count_of(const struct msl_item *item)
{
	return item->images ? item->images : 1;
}

static int next_drawn(void *from, struct msl_item *item)
{
	source.by = pthread_self();
	pthread_sigmask(SIG_SETMASK, NULL, &source.deaf);
	if (source.given == source.n)
		return msl_fail(-source.err, "%p ends behind %llu", from, (unsigned long long)source.n);
	draw(source.item, source.large, source.given, item);
	__atomic_fetch_add(&source.bytes, bytes_of(item), __ATOMIC_RELAXED);
	__atomic_fetch_add(&source.given, 1, __ATOMIC_RELAXED);
	return 0;
}

static struct msl_ahead *begin(uint64_t n, int err, bool large, uint64_t behind)
{
	source.n = n;
	source.err = err;
	source.large = large;
	source.given = 0;
	source.bytes = 0;
	msl_ahead_behind = behind;
	return msl_ahead_open(next_drawn, &source);
}

/* Of images that are given at once each is as it was drawn, and what stands behind all of them is what stood behind the last. */
static bool is_as_drawn(const struct msl_item *item, uint64_t number)
{
	const uint8_t *at = item->record ? (const void *)item->record : (const void *)item->words, *end = at + bytes_of(item);
	static uint8_t bytes[sizeof(source.item)];
	struct msl_item drawn;
	uint64_t i;

	for (i = 0; i < count_of(item); i++, at += bytes_of(&drawn)) {
		draw(bytes, source.large, number + i, &drawn);
		if (!item->record != !drawn.record || !item->images != !drawn.images || bytes_of(&drawn) > (size_t)(end - at) ||
		    memcmp(at, bytes, bytes_of(&drawn)))
			return false;
	}
	return at == end && (item->images || item->tick == drawn.tick) && item->done == drawn.done && item->all == drawn.all;
}

/* Takes up to `most`, each of which is as it was drawn: how it ended; 0: it did not. */
static int take(struct msl_ahead *ahead, uint64_t most, uint64_t *taken)
{
	struct msl_item item;
	int err = 0;

	for (*taken = 0; *taken < most && !(err = msl_ahead_next(ahead, &item)); *taken += count_of(&item))
		if (!is_as_drawn(&item, *taken))
			return -ENOTRECOVERABLE;
	return err;
}

/* ----------------------------------------------------------------------------------------------------------------- */

static int alike(uint64_t n, int err, bool large, uint64_t behind)
{
	struct msl_ahead *ahead = begin(n, err, large, behind);
	char text[64];
	uint64_t taken;
	int i;

	snprintf(text, sizeof(text), "%p ends behind %llu", (void *)&source, (unsigned long long)n);
	EXPECT(ahead && take(ahead, UINT64_MAX, &taken) == err && taken == n);
	for (i = 0; i < 2; i++) {
		EXPECT(!strcmp(mmsb_strerror_last(), text));
		msl_fail(EPERM, "something else");
		EXPECT(msl_ahead_next(ahead, &(struct msl_item){ 0 }) == err);
	}
	msl_ahead_close(ahead);
	return 0;
}

static int alike_in_all_ways(uint64_t ops)
{
	static const uint64_t behind[] = { 0, 5000, UINT64_MAX };
	static const int ends[] = { -ENODATA, -EBADMSG, -EIO };
	struct rng rng = { seed };
	unsigned int i;

	EXPECT(!alike(0, -EBADMSG, false, 0) && !alike(1, -EBADMSG, false, 0) && !alike(2, -EBADMSG, false, 0));
	for (i = 0; i < 18; i++)
		EXPECT(!alike(rng_below(&rng, ops), ends[i / 6], i & 1, behind[i % 3]));
	return 0;
}

static bool has_processors(void)
{
	cpu_set_t cpus;

	return !sched_getaffinity(0, sizeof(cpus), &cpus) && CPU_COUNT(&cpus) > 1;
}

/* Who reads: the caller in the beginning, and a thread behind as many bytes as was said, where it is of use. Signals stay the caller's. */
static int by_whom(void)
{
	bool by_two = has_processors();
	struct msl_ahead *ahead = begin(1000, -ENODATA, false, UINT64_MAX);
	uint64_t taken;

	EXPECT(take(ahead, 500, &taken) == 0 && source.given == 500 && take(ahead, 0, &taken) == 0);
	msl_ahead_close(ahead);
	EXPECT(pthread_equal(source.by, pthread_self()) && !sigismember(&source.deaf, SIGTERM));

	ahead = begin(1000, -ENODATA, false, 300 * 400);
	EXPECT(take(ahead, 401, &taken) == 0 && source.given == 401 && pthread_equal(source.by, pthread_self()));
	msl_ahead_close(ahead);

	ahead = begin(1000, -ENODATA, false, UINT64_MAX);
	msl_ahead_begin(ahead);
	EXPECT(take(ahead, 1, &taken) == 0);
	msl_ahead_close(ahead);
	EXPECT(by_two == !pthread_equal(source.by, pthread_self()));

	ahead = begin(1000, -ENODATA, false, 300 * 400);
	EXPECT(take(ahead, UINT64_MAX, &taken) == -ENODATA);
	msl_ahead_close(ahead);
	EXPECT(by_two == !pthread_equal(source.by, pthread_self()) && by_two == sigismember(&source.deaf, SIGTERM));
	pthread_sigmask(SIG_SETMASK, NULL, &source.deaf);
	EXPECT(!sigismember(&source.deaf, SIGTERM));
	return 0;
}

/* Wherever it is left nothing hangs, and nothing is read any more. */
static int left(uint64_t ops)
{
	struct rng rng = { seed };
	struct msl_ahead *ahead;
	uint64_t taken, given;
	int i;

	for (i = 0; i < 100; i++) {
		ahead = begin(rng_below(&rng, ops), -ENODATA, i & 1, 0);
		take(ahead, rng_below(&rng, ops), &taken);
		msl_ahead_close(ahead);
		given = source.given;
		sched_yield();
		EXPECT(source.given == given);
	}
	return 0;
}

/* Whoever takes nothing for a while finds that the thread has stopped before it kept too much. */
static int bounded(void)
{
	struct msl_ahead *ahead = begin(100000, -ENODATA, false, 0);
	uint64_t taken, before, most = 0, bytes = 0;
	struct msl_item item;

	EXPECT(take(ahead, 2, &taken) == 0);
	do {
		before = __atomic_load_n(&source.given, __ATOMIC_RELAXED);
		usleep(20000);
	} while (before != __atomic_load_n(&source.given, __ATOMIC_RELAXED));
	for (; taken < 5000 && !msl_ahead_next(ahead, &item); taken += count_of(&item)) {
		bytes += bytes_of(&item);
		before = __atomic_load_n(&source.bytes, __ATOMIC_RELAXED);
		most = before > bytes + most ? before - bytes : most;
	}
	msl_ahead_close(ahead);
	printf("# at most %llu bytes ahead\n", (unsigned long long)most);
	EXPECT(most <= KEPT);
	return 0;
}

/* Each allocation fails once, and so does making the thread: only where something large has no room does it end. */
static int without_memory(bool large)
{
	struct msl_ahead *ahead;
	uint64_t nth = 0, taken, seen, without = 0;
	int err;

	do {
		pf_inject_global(++nth);
		ahead = begin(300, -EBADMSG, large, 0);
		err = ahead ? take(ahead, UINT64_MAX, &taken) : -ENOMEM;
		seen = pf_inject_seen_global();
		pf_inject_global(0);
		msl_ahead_close(ahead);
		EXPECT(err == -EBADMSG || (err == -ENOMEM && (nth == 1 || large)));
		EXPECT(err != -EBADMSG || taken == 300);
		without += err == -EBADMSG && pthread_equal(source.by, pthread_self());
	} while (seen >= nth);
	EXPECT(without > 1 || !has_processors());
	return 0;
}

static void run_all(uint64_t ops)
{
	printf("# seed %llu\n", (unsigned long long)seed);
	ksft_test_result(!alike_in_all_ways(ops), "the same comes, and ends alike\n");
	ksft_test_result(!by_whom(), "a thread reads behind the beginning\n");
	ksft_test_result(!left(ops), "left before it has ended\n");
	ksft_test_result(!bounded(), "so much is kept, and no more\n");
	ksft_test_result(!without_memory(false), "without memory, or a thread\n");
	ksft_test_result(!without_memory(true), "without memory for a large record\n");
}

int main(int argc, char **argv)
{
	seeded_main(argc, argv, &seed, scaled(3000) + 100, run_all);
}
