// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power cuts. A space with a log plays, in one thread, on a disk that remembers what was synced (common/wreck.h) and by a clock that stands
 * where the test puts it; before every call by which the log changes that disk, some of the disks are drawn that a power cut would leave.
 * Each is restored into a fresh space with another number of shards, and what comes back must be the state at one tick of what was played, to
 * the byte, and not before any that had been reported durable. On some, play goes on: the log is opened again, and cut again.
 *
 * All goes through the library's calls as anybody has them; the disk, the clock and the random numbers are put below it by the linker.
 *
 * `crash --seed N [-v]` plays once what a failure printed; --images N: until so many were restored; --dump DIR: the image that failed is put
 * there. $MMSB_SOAK: goes on with new seeds for that many seconds.
 */
#include <getopt.h>
#include <inttypes.h>
#include <mmsb/logging.h>
#include "kselftest.h"
#include "common/wreck.h"
#include "log/ahead.h"
#include "log/log.h"

#define MS		1000000ull
#define MOMENTS		2048u		/* ticks that one play may have */
#define POOL		24u
#define ENTRIES		64u
#define SEEN		8192u
#define DEPTH		2u		/* cuts in what goes on behind a cut */
#define PLACE		"/wreck"
#if defined(__SANITIZE_ADDRESS__)
#define IMAGES		10000u
#else
#define IMAGES		100000u
#endif

/* How a play can end before its time. */
#define STOPPED		1		/* its log has failed, as it had to */
#define GONE		2		/* it was killed */

/* ---------------------------------------------------------------------------------------------- below the library */

static struct wreck *mounted;
static struct play *playing;
static uint64_t clock_ns = 1000 * MS;

int __wrap_msl_disk_open(const char *path, uint32_t flags, struct msl_disk **disk);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __real_clock_gettime(clockid_t clock, struct timespec *now);
ssize_t __wrap_getrandom(void *to, size_t bytes, unsigned int flags);
int __wrap_mmsb_history_next(struct mmsb_history *history, const struct mmsb_record **record, uint64_t timeout_ns);
int __real_mmsb_history_next(struct mmsb_history *history, const struct mmsb_record **record, uint64_t timeout_ns);
static void told(const struct mmsb_hash_record *tick);

int __wrap_msl_disk_open(const char *path, uint32_t flags, struct msl_disk **disk)
{
	return wreck_open(mounted, disk);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	uint64_t ns = clock_ns += 1000;

	if (clock != CLOCK_MONOTONIC)
		ns += 1600000000ull * SECOND;
	*now = (struct timespec){ .tv_sec = ns / SECOND, .tv_nsec = ns % SECOND };
	return 0;
}

ssize_t __wrap_getrandom(void *to, size_t bytes, unsigned int flags)
{
	static struct rng rng;

	rng.state = 7;
	rng_fill(&rng, to, bytes);
	return (ssize_t)bytes;
}

/* Who writes the log hears from here which ticks there are, and what the space says that it was at them. */
int __wrap_mmsb_history_next(struct mmsb_history *history, const struct mmsb_record **record, uint64_t timeout_ns)
{
	int err = __real_mmsb_history_next(history, record, timeout_ns);

	if (!err && (*record)->type == MMSB_RECORD_TICK)
		told((const struct mmsb_hash_record *)*record);
	return err;
}

static struct timespec real_time(void)
{
	struct timespec now;

	__real_clock_gettime(CLOCK_REALTIME, &now);
	return now;
}

/* ------------------------------------------------------------------------------------------------------------- a play */

/* What the space was at a tick. */
struct moment {
	bool known;
	bool told;			/* to the log: ticks by which nothing changes are not */
	uint64_t hash[2];
	uint64_t print;			/* of its pages, with epochs and ticks */
};

/* An image, and what came back of it. */
struct seen {
	uint64_t print;
	uint64_t tick;
	bool is_log;
};

/* What else goes wrong, once the log is open. */
enum trouble {
	NO_TROUBLE,
	FULL,				/* the disk, now and then */
	STARVED,			/* no memory, now and then, in the writer */
	BROKEN,				/* the disk, once */
	KILLED,				/* the process, between two calls of the disk */
	TROUBLES,
};

struct play {
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_log *log;
	struct mmsb_log_opts opts;
	struct wreck *wreck;
	struct rng rng;			/* what is done */
	struct rng draws;		/* which images are drawn: never what is done */
	struct moment *moments;
	struct seen *seen;
	uint64_t tick;
	uint64_t promised;		/* on disk for certain, as far as anybody was told */
	uint64_t opened_at;		/* where it began a log: the space calls that tick durable, and means those behind it; 0: it had one */
	enum trouble trouble;
	bool in_trouble;		/* a call of the disk has failed for good */
	unsigned int outstanding;	/* entries without a completion yet */
	unsigned int depth;
	unsigned int number;		/* of images at each call */
	uint64_t pool[POOL];
	uint64_t big;			/* a page; 0: none */
};

static struct mmsb *mmsb;
static bool verbose, failed;
static const char *dump_to;
static uint64_t seed;
static struct {
	uint64_t calls, images, again, absent, on, deltas, acked, checkpoints, stops, kills, unopened;
} count;

static int wrong(const char *what)
{
	printf("# seed %" PRIu64 ": %s\n", seed, what);
	failed = true;
	return -1;
}

static int said(const char *what)
{
	printf("# seed %" PRIu64 ": %s: %s\n", seed, what, mmsb_strerror_last());
	failed = true;
	return -1;
}

static void hear(void *arg, int severity, const char *text)
{
	if (verbose)
		printf("#   the log: %s\n", text);
}

static int space_open(uint32_t shards, struct mmsb_space **space)
{
	uint32_t flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | MMSB_SPACE_INLINE;
	int err = mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = flags, .shards = shards, .max_pages = 3072,
							.max_bytes = 1 << 20), space);

	return err ? said("a space") : 0;
}

static uint64_t print_add(uint64_t print, const void *at, size_t bytes)
{
	uint64_t word;

	for (; bytes; bytes -= sizeof(word), at = (const char *)at + sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		print = (print ^ word) * 0xff51afd7ed558ccdull;
		print ^= print >> 32;
	}
	return print;
}

static uint64_t print_space(struct mmsb_space *space)
{
	struct mmsb_page_info info;
	struct mmsb_view view;
	uint64_t cursor = 0, print = 1;

	while (!mmsb_page_next(space, &cursor, &info)) {
		print = print_add(print, &info, sizeof(info));
		if (mmsb_view_begin(space, info.page, &view)) {
			said("a page");
			return 0;
		}
		print = print_add(print, view.data, view.length / 8 * 8);
	}
	return print;
}

static int moment_now(struct mmsb_space *space, struct moment *moment, uint64_t *tick)
{
	if (mmsb_hash(space, 0, moment->hash, tick))
		return said("the hash");
	moment->print = print_space(space);
	moment->known = true;
	moment->told = false;
	return 0;
}

static void told(const struct mmsb_hash_record *tick)
{
	struct moment *moment = &playing->moments[tick->record.tick % MOMENTS];

	if (moment->known && memcmp(moment->hash, tick->hash, sizeof(moment->hash)))
		wrong("the log is told of another state than there was");
	moment->told = true;
	memcpy(moment->hash, tick->hash, sizeof(moment->hash));
}

/* ----------------------------------------------------------------------------------------------------------- an image */

static int play_on(const struct play *before, struct wreck *image, struct mmsb_space *space, uint64_t tick);

static int restore(struct wreck *image, uint32_t shards, struct mmsb_space **space, struct mmsb_restored *restored)
{
	struct mmsb_restore_opts opts = { .size = sizeof(opts), .tell = hear };
	static unsigned int turn;
	int err = space_open(shards, space);

	msl_ahead_behind = turn++ % 16 ? UINT64_MAX : 0;	/* now and then with a thread that reads ahead */
	mounted = image;
	restored->size = sizeof(*restored);
	return err ?: mmsb_restore(*space, PLACE, &opts, restored);
}

/* The last tick that must come back. */
static uint64_t needed(const struct play *play)
{
	uint64_t tick = play->promised;

	while (tick && !play->moments[tick].told)
		tick--;
	return tick;
}

static int check_moment(const struct play *play, struct mmsb_space *space, uint64_t tick)
{
	const struct moment *was = &play->moments[tick];
	struct moment moment;
	uint64_t at;

	if (moment_now(space, &moment, &at))
		return -1;
	if (at != tick)
		return wrong("the space is at another tick than the restore says");
	if (tick < needed(play))
		return wrong("what was durable did not come back");
	if (tick > play->tick)
		return wrong("something came back that never was");
	if ((was->known || was->told) && memcmp(moment.hash, was->hash, sizeof(moment.hash)))
		return wrong("the hash is another than it was at that tick");
	return was->known && moment.print != was->print ? wrong("the pages are others than they were at that tick") : 0;
}

static int count_damage(void *arg, const struct mmsb_log_file *file, int result, const char *text)
{
	return result ? msl_fail(EBADMSG, "%s: %s", file->name, text) : 0;
}

/* Nothing that a power cut leaves is damage. */
static int check_verify(struct wreck *image)
{
	mounted = image;
	return mmsb_log_verify(PLACE, count_damage, NULL) ? said("verifying") : 0;
}

static int check_image(struct play *play, struct wreck *image, struct seen *seen)
{
	struct mmsb_restored restored = { 0 };
	struct mmsb_space *space = NULL;
	int err = restore(image, 1 + rng_below(&play->draws, 3), &space, &restored);

	seen->tick = err ? 0 : restored.tick;
	seen->is_log = !err;
	if (err == -ENOENT && !play->promised) {
		count.absent++;
		err = 0;
	} else if (err) {
		said("restoring");
	} else {
		err = check_moment(play, space, restored.tick);
		if (!err && rng_once_in(&play->draws, 8))
			err = check_verify(image);
		if (!err && play->depth < DEPTH && rng_once_in(&play->draws, play->depth ? 16 : 24))
			err = play_on(play, image, space, restored.tick);
	}
	mmsb_space_close(space);
	return err;
}

/* An image of which it is known what comes back of it need only be as good as what is promised by now. */
static bool check_seen(struct play *play, const struct wreck *image, struct seen **slot)
{
	uint64_t print = wreck_print(image);

	*slot = &play->seen[print % SEEN];
	if ((*slot)->print == print) {
		if (play->promised && (!(*slot)->is_log || (*slot)->tick < needed(play)))
			wrong("what was durable would not come back any more");
		return true;
	}
	(*slot)->print = print;
	return false;
}

static int draw_image(struct play *play, uint64_t number)
{
	struct wreck image;
	struct seen *slot;
	int err = 0;

	wreck_image(play->wreck, number, &image);
	if (check_seen(play, &image, &slot)) {
		count.again++;
	} else {
		count.images++;
		err = check_image(play, &image, slot);
	}
	if (failed || err)
		printf("# depth %u, call %" PRIu64 " of the disk, image %" PRIu64 ", promised %" PRIu64 ", came back %" PRIu64 " of %" PRIu64 "\n",
		       play->depth, play->wreck->calls, number, play->promised, slot->tick, play->tick);
	if ((failed || err) && dump_to)
		wreck_dump(&image, dump_to);
	wreck_end(&image);
	return failed ? -1 : 0;
}

static void enter(struct play *play)
{
	mounted = play->wreck;
	playing = play;
}

static int draw_images(struct play *play)
{
	unsigned int i;
	int err = 0;

	count.calls++;
	for (i = 0; !err && !failed && i < play->number; i++) {
		err = draw_image(play, i < 2 ? i : rng_next(&play->draws) | 2);
		if (wreck_is_certain(play->wreck))
			break;
	}
	enter(play);
	return err;
}

static void note_durable(struct play *play)
{
	uint64_t durable = mmsb_durable_tick(play->space);

	if (durable > play->promised && durable > play->opened_at)
		play->promised = durable;
}

static int trouble(struct play *play, enum wreck_call call)
{
	bool grows = call == WRECK_OPEN || call == WRECK_WRITE || call == WRECK_ALLOCATE || call == WRECK_RENAME;

	if (play->trouble == FULL && grows && rng_once_in(&play->rng, 20))
		return -ENOSPC;
	if ((play->trouble != BROKEN && play->trouble != KILLED) || play->in_trouble ||
	    !rng_once_in(&play->rng, call == WRECK_SYNC_DIR ? 8 : 60))
		return 0;
	play->in_trouble = true;
	play->wreck->gone = play->trouble == KILLED;
	return -EIO;
}

static const char *const call_names[] = {
	"creation", "write", "allocate", "truncate", "sync", "sync_begin", "sync_end", "rename", "unlink", "sync_dir",
};

static int boundary(void *arg, enum wreck_call call)
{
	struct play *play = arg;
	int err;

	note_durable(play);	/* while it is being opened, too: from some point on the space says that what was restored is durable */
	pf_inject_thread(0);
	if (!failed)
		draw_images(play);
	err = trouble(play, call);
	if (verbose && !play->depth)
		printf("# call %" PRIu64 ": %s: %d; promised %" PRIu64 " of %" PRIu64 "\n", play->wreck->calls, call_names[call], err, play->promised,
		       play->tick);
	return err;
}

/* --------------------------------------------------------------------------------------------------------- what is done */

static uint64_t some_page(struct play *play)
{
	return play->pool[rng_below(&play->rng, POOL)];
}

static uint64_t some_offset(struct play *play)
{
	return rng_below(&play->rng, 8) * 8;
}

static void make_derive(struct play *play, struct mmsb_sqe *sqe)
{
	static const uint32_t rules[] = { MMSB_RULE_SUM, MMSB_RULE_MAX, MMSB_RULE_CONCAT, MMSB_RULE_HASH };
	uint32_t n = 1 + rng_below(&play->rng, 3), i;
	struct mmsb_derive *derive;
	struct mmsb_edge *edges;

	mmsb_prep_derive(sqe, some_page(play), n);
	derive = mmsb_sqe_payload(play->ring, sqe, sqe->len);
	if (!derive)
		return;
	memset(derive, 0, sqe->len);
	derive->rule = rules[rng_below(&play->rng, sizeof(rules) / sizeof(*rules))];
	derive->edges = n;
	edges = (struct mmsb_edge *)(derive + 1);
	for (i = 0; i < n; i++)
		edges[i].parent = some_page(play);
}

static void make_bytes(struct play *play, struct mmsb_sqe *sqe)
{
	uint8_t bytes[200], *to;
	uint32_t n = 1 + rng_below(&play->rng, rng_once_in(&play->rng, 10) ? sizeof(bytes) : 20);

	rng_fill(&play->rng, bytes, n);
	mmsb_prep_set(sqe, some_page(play), rng_below(&play->rng, 40), n > MMSB_INLINE_MAX ? NULL : bytes, n);
	if (n <= MMSB_INLINE_MAX)
		return;
	to = mmsb_sqe_payload(play->ring, sqe, n);
	if (to)
		memcpy(to, bytes, n);
}

static void make_entry(struct play *play, struct mmsb_sqe *sqe)
{
	unsigned int kind = rng_below(&play->rng, 40);

	if (kind < 4)
		mmsb_prep_create(sqe, 64 << rng_below(&play->rng, 4));
	else if (kind < 5)
		mmsb_prep_destroy(sqe, some_page(play));
	else if (kind < 7)
		make_derive(play, sqe);
	else if (kind < 8)
		mmsb_prep_underive(sqe, some_page(play));
	else if (kind < 9)
		mmsb_prep_nop(sqe);
	else if (kind < 16)
		make_bytes(play, sqe);
	else if (kind < 18)
		mmsb_prep_append(sqe, some_page(play), 0, &play->rng, 8);
	else if (kind < 20)
		mmsb_prep_fill(sqe, some_page(play), some_offset(play), 8, MMSB_LANE_U8, rng_next(&play->rng));
	else
		mmsb_prep_add(sqe, some_page(play), some_offset(play), 1 + rng_below(&play->rng, 100));
	if (kind == 4 && rng_once_in(&play->rng, 2))
		mmsb_sqe_detach(sqe);
	if (rng_once_in(&play->rng, 4)) {
		mmsb_sqe_durable(sqe);
		sqe->user_data = 1;
	}
}

static int reap(struct play *play)
{
	struct mmsb_cqe cqe;

	while (mmsb_peek_cqe(play->ring, &cqe)) {
		play->outstanding--;
		if (cqe.flags & MMSB_CQE_CREATED)
			play->pool[rng_below(&play->rng, POOL)] = cqe.epoch;
		if (cqe.result || !play->log)
			continue;
		count.acked += cqe.user_data;
		if ((cqe.user_data || play->opts.mode == MMSB_STRICT) && cqe.tick > mmsb_durable_tick(play->space))
			return wrong("a completion says that it is durable, and the log does not");
	}
	return 0;
}

/* What has come of it. Ticks in between have come and gone. */
static int note_moment(struct play *play)
{
	struct moment moment;
	uint64_t tick;

	if (moment_now(play->space, &moment, &tick))
		return -1;
	if (tick >= MOMENTS)
		return wrong("too many ticks");
	moment.told = play->moments[tick].told;
	play->tick = tick;
	play->moments[tick] = moment;
	return 0;
}

static int submit(struct play *play, unsigned int n)
{
	struct mmsb_sqe *sqe;

	count.deltas += n;
	for (; n; n--) {
		sqe = mmsb_get_sqe(play->ring);
		if (!sqe)
			return wrong("the queue is full");
		make_entry(play, sqe);
		play->outstanding++;
	}
	if (mmsb_submit(play->ring) < 0)
		return said("submitting");
	return note_moment(play) ?: reap(play);
}

static int submit_refused(struct play *play)
{
	struct mmsb_sqe *sqe = mmsb_get_sqe(play->ring);
	struct mmsb_cqe cqe = { 0 };

	while (mmsb_peek_cqe(play->ring, &cqe))
		if (cqe.user_data && !cqe.result && cqe.tick > play->promised)
			return wrong("what never came to disk was completed as durable");
	mmsb_prep_create(sqe, 64);
	if (mmsb_submit(play->ring) < 0 || !mmsb_peek_cqe(play->ring, &cqe) || cqe.result != -EIO || cqe.reason != MMSB_REASON_LOG_FAILED)
		return wrong("the log has failed, and the space takes deltas");
	return 0;
}

/* The writer has stopped for good: nothing more is durable, nobody is told that it were, and the text says why. */
static int stopped(struct play *play)
{
	uint64_t durable = mmsb_durable_tick(play->space);
	int err;

	if (!strstr(mmsb_strerror_last(), "the test's disk"))
		return said("the text does not say why");
	count.stops++;
	err = submit_refused(play);
	if (!err && (mmsb_log_step(play->log, 0) != -EIO || mmsb_durable_tick(play->space) != durable))
		err = wrong("it goes on behind a failure");
	return err ?: STOPPED;
}

static int step(struct play *play, uint64_t ns)
{
	int err;

	clock_ns += ns;
	enter(play);
	if (play->trouble == STARVED && rng_once_in(&play->rng, 3))
		pf_inject_thread(1 + rng_below(&play->rng, 12));
	err = mmsb_log_step(play->log, 0);
	pf_inject_thread(0);
	if (play->wreck->gone)
		return failed ? -1 : GONE;
	note_durable(play);
	if (err && play->in_trouble && !failed)
		return stopped(play);
	if (err && !failed)
		return said("the log's writer");
	return failed ? -1 : note_moment(play) ?: reap(play);
}

/* Until all that was asked for is on disk. */
static int drain(struct play *play)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && play->outstanding && i < 400; i++)
		err = step(play, 50 * MS);
	return !err && play->outstanding ? wrong("completions do not come") : err;
}

/* A tick that is longer than a frame of the log. */
static int submit_bulk(struct play *play)
{
	unsigned int n = 30, i;
	struct mmsb_sqe *sqe;
	void *to;

	for (i = 0; i < n; i++) {
		sqe = mmsb_get_sqe(play->ring);
		if (!sqe)
			return wrong("the queue is full");
		mmsb_prep_set(sqe, play->big, rng_below(&play->rng, 100), NULL, 3000);
		to = mmsb_sqe_payload(play->ring, sqe, 3000);
		if (!to)
			return wrong("the payload area is full");
		rng_fill(&play->rng, to, 3000);
		play->outstanding++;
	}
	if (mmsb_submit(play->ring) < 0)
		return said("submitting");
	return note_moment(play) ?: reap(play);
}

static int one_thing(struct play *play)
{
	unsigned int kind = rng_below(&play->rng, 20), i;
	int err = 0;

	if (play->outstanding > ENTRIES)
		return drain(play);
	if (kind < 8) {
		for (i = 1 + rng_below(&play->rng, 3); !err && i; i--)
			err = submit(play, 1);
		return err;
	}
	if (kind == 8 && play->big && rng_once_in(&play->rng, 4))
		return drain(play) ?: submit_bulk(play);
	if (kind == 8)
		return submit(play, 1 + rng_below(&play->rng, 20));
	if (kind == 9 && !play->log->writer.checkpoint.state && rng_once_in(&play->rng, 2)) {
		count.checkpoints++;
		msl_writer_checkpoint(&play->log->writer);
	}
	return step(play, rng_below(&play->rng, 12) * MS);
}

/* --------------------------------------------------------------------------------------------------------------- life */

static void draw_options(struct play *play)
{
	struct rng *rng = &play->rng;

	play->opts = (struct mmsb_log_opts){
		.size = sizeof(play->opts),
		.mode = rng_once_in(rng, 3) ? MMSB_STRICT : MMSB_BUFFERED,
		.flags = MMSB_LOG_OPT_NO_THREAD | MMSB_LOG_OPT_NO_URING | (rng_once_in(rng, 3) ? MMSB_LOG_OPT_ZSTD : 0),
		.interval_ms = 1 + rng_below(rng, 30),
		.keep_checkpoints = 1 + rng_below(rng, 2),
		.flush_ticks = rng_once_in(rng, 2) ? 1 + rng_below(rng, 20) : 0,
		.segment_bytes = 1024 << rng_below(rng, 4),
		.checkpoint_bytes = rng_once_in(rng, 2) ? 1024 << rng_below(rng, 3) : 0,
		.tell = hear,
	};
}

static int open_ring(struct play *play)
{
	return mmsb_ring_open(play->space, MMSB_OPTS(struct mmsb_ring_opts, .sq_entries = ENTRIES, .cq_entries = 4 * ENTRIES,
					      .payload_bytes = 256 << 10), &play->ring) ?
	       said("a ring") : 0;
}

/* What goes wrong may do so while it is being opened; then there is none. */
static int open_log(struct play *play)
{
	int err;

	draw_options(play);
	play->wreck->slow = rng_once_in(&play->rng, 2) ? 3 : 0;
	play->wreck->boundary = boundary;
	play->wreck->arg = play;
	play->in_trouble = false;
	play->trouble = rng_below(&play->rng, TROUBLES);
	play->wreck->gone = false;
	enter(play);
	if (play->opened_at)
		play->moments[play->tick].told = true;	/* by the images that it begins with */
	err = mmsb_log_open(play->space, PLACE, &play->opts, &play->log);
	if (err && play->wreck->gone)
		return GONE;
	if (err && (play->in_trouble || (play->trouble == FULL && err == -ENOSPC))) {
		count.unopened++;
		return play->in_trouble ? STOPPED : GONE;
	}
	if (err)
		return said("opening the log");
	note_durable(play);
	return failed ? -1 : note_moment(play);
}

/* A log that was closed in good order, and had a base, holds all that there was. */
static int close_log(struct play *play)
{
	struct mmsb_restored restored;
	struct mmsb_space *space;
	struct mmsb_log *log = play->log;
	int err;

	enter(play);
	err = mmsb_log_close(log);
	play->log = NULL;
	if (failed)
		return -1;
	if (play->wreck->gone)
		return GONE;
	if (err == -ENODATA && !play->promised)
		return 0;
	if (err && (play->in_trouble || (play->trouble == FULL && err == -ENOSPC)))
		return play->in_trouble ? STOPPED : 0;
	if (err)
		return said("closing the log");
	note_durable(play);
	play->promised = play->promised ? play->tick : 0;
	play->wreck->boundary = NULL;
	err = restore(play->wreck, 1, &space, &restored);
	if (err && (err != -ENOENT || play->promised))
		said("restoring what was closed");
	else
		err = err ? 0 : check_moment(play, space, restored.tick);
	mmsb_space_close(space);
	return err;
}

static int play_for(struct play *play, unsigned int things)
{
	int err = 0;

	while (!err && !failed && things-- && play->tick < MOMENTS - 100)
		err = one_thing(play);
	if (!err && rng_once_in(&play->rng, 2))
		err = drain(play);
	return err;
}

static void play_end(struct play *play)
{
	play->wreck->boundary = NULL;
	enter(play);
	if (play->log)
		mmsb_log_close(play->log);
	mmsb_ring_close(play->ring);
	free(play->moments);
	free(play->seen);
}

static void play_begin(struct play *play, struct wreck *wreck, uint64_t number)
{
	memset(play, 0, sizeof(*play));
	play->wreck = wreck;
	play->rng.state = number;
	play->draws.state = ~number;
	play->moments = calloc(MOMENTS, sizeof(*play->moments));
	play->seen = calloc(SEEN, sizeof(*play->seen));
}

static void fill_pool(struct play *play)
{
	struct mmsb_page_info info;
	uint64_t cursor = 0;
	unsigned int i = 0;

	while (!mmsb_page_next(play->space, &cursor, &info))
		play->pool[i++ % POOL] = info.page;
}

/* The log is opened again in the space that was restored from it, and goes on. */
static int play_on(const struct play *before, struct wreck *image, struct mmsb_space *space, uint64_t tick)
{
	struct play next;
	int err;

	play_begin(&next, image, before->draws.state ^ tick);
	next.space = space;
	next.depth = before->depth + 1;
	next.number = 2;
	memcpy(next.moments, before->moments, (tick + 1) * sizeof(*next.moments));
	next.tick = tick;
	next.promised = tick;
	fill_pool(&next);
	count.on++;
	err = open_ring(&next) ?: open_log(&next) ?: play_for(&next, 5 + rng_below(&next.rng, 10));
	if (!err && rng_once_in(&next.rng, 2))
		err = close_log(&next);
	play_end(&next);
	return err > 0 ? 0 : err;
}

/* The process ends, in good order or not, and the next one finds what the system has of the files, on disk or not. */
static int begin_again(struct play *play)
{
	struct mmsb_restored restored;
	struct mmsb_space *space;
	int err;

	play->wreck->boundary = NULL;
	play->wreck->gone = true;
	count.kills += play->log || play->in_trouble;
	mmsb_log_close(play->log);
	play->log = NULL;
	play->wreck->gone = false;
	err = restore(play->wreck, 1 + rng_below(&play->rng, 3), &space, &restored);
	if (err == -ENOENT && !play->promised)
		err = STOPPED;
	else if (err)
		said("restoring what a process has left");
	err = err ?: check_moment(play, space, restored.tick);
	mmsb_ring_close(play->ring);
	mmsb_space_close(play->space);
	play->space = space;
	play->ring = NULL;
	play->outstanding = 0;
	play->opened_at = 0;
	if (err)
		return err;
	memset(&play->moments[restored.tick + 1], 0, (MOMENTS - 1 - restored.tick) * sizeof(*play->moments));
	play->promised = play->promised < restored.tick ? play->promised : restored.tick;
	return open_ring(play) ?: note_moment(play);
}

static int one_life(struct play *play)
{
	int err = open_log(play) ?: play_for(play, 60);

	if (!err && rng_once_in(&play->rng, 2))
		err = close_log(play);
	return err == GONE ? 0 : err;
}

/* One space, its log, and all the power cuts. */
static int voyage(void)
{
	struct wreck wreck;
	struct play play;
	unsigned int i;
	int err;

	clock_ns = 1000 * MS;
	wreck_begin(&wreck, seed);
	play_begin(&play, &wreck, seed);
	play.number = 8;
	err = space_open(1 + rng_below(&play.rng, 3), &play.space) ?: open_ring(&play) ?: note_moment(&play);
	for (i = rng_once_in(&play.rng, 3) ? 20 : 0; !err && i; i--)
		err = submit(&play, 1);
	if (!err && rng_once_in(&play.rng, 4))
		err = mmsb_create(play.ring, 4096, &play.big) || note_moment(&play);
	play.opened_at = play.tick;
	err = err ?: one_life(&play);
	for (i = 0; !err && i < 2; i++)
		err = begin_again(&play) ?: one_life(&play);
	play_end(&play);
	mmsb_space_close(play.space);
	wreck_end(&wreck);
	return err > 0 ? 0 : err;
}

static void usage(void)
{
	ksft_exit_fail_msg("usage: crash [--seed N] [--images N] [--dump DIR] [-v]\n");
}

static void options(int argc, char **argv, uint64_t *images)
{
	static const struct option longs[] = {
		{ "seed", required_argument, NULL, 's' }, { "images", required_argument, NULL, 'i' },
		{ "dump", required_argument, NULL, 'd' }, {},
	};
	int c;

	while ((c = getopt_long(argc, argv, "v", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			seed = strtoull(optarg, NULL, 0);
			*images = 1;
			break;
		case 'i':
			*images = strtoull(optarg, NULL, 0);
			break;
		case 'd':
			dump_to = optarg;
			break;
		case 'v':
			verbose = true;
			break;
		default:
			usage();
		}
	}
}

static void tell(void)
{
	ksft_print_msg("%" PRIu64 " images restored, %" PRIu64 " more were like one before, at %" PRIu64 " calls of the disk; %" PRIu64
		       " held no log yet; %" PRIu64 " were gone on with\n", count.images, count.again, count.calls, count.absent, count.on);
	ksft_print_msg("%" PRIu64 " entries, %" PRIu64 " of them acknowledged as durable; %" PRIu64 " checkpoints asked for, %" PRIu64
		       " writers stopped by the disk, %" PRIu64 " killed; %" PRIu64 " logs could not be opened\n", count.deltas, count.acked,
		       count.checkpoints, count.stops, count.kills, count.unopened);
}

int main(int argc, char **argv)
{
	uint64_t images = scaled(IMAGES), end = real_time().tv_sec + soak_seconds();
	int err;

	seed = real_time().tv_nsec;
	options(argc, argv, &images);
	ksft_print_header();
	ksft_set_plan(1);
	if (mmsb_open(&mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = "embedded")))
		ksft_exit_fail_msg("%s\n", mmsb_strerror_last());
	ksft_print_msg("seed %" PRIu64 "\n", seed);
	do {
		err = voyage();
		seed++;
	} while (!err && (count.images < images || real_time().tv_sec < end));
	tell();
	ksft_test_result(!err, "what a power cut leaves\n");
	mmsb_close(mmsb);
	ksft_finished();
}
