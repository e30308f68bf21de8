// SPDX-License-Identifier: GPL-2.0-only
/*
 * A disk that is full, a real one, below a log as anybody has it: who writes to the space is held up, the operator is told, what was said to be durable
 * is there, and once there is room all goes on by itself.
 *
 * The disk is a tmpfs of a megabyte in a mount namespace of this process's own. `logfull SEED` replays.
 */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <syslog.h>
#include <mmsb/logging.h>
#include "kselftest.h"
#include "common/folder.h"
#include "common/home.h"
#include "common/smalldisk.h"

#define ROOM		(200u << 10)	/* what is left of it at first */
#define LIMIT		(256u << 10)	/* of records that may wait */
#define PAGE		4096u
#define STEP		1000u		/* bytes a delta, which nothing can compress */
#define DELTAS		2000u		/* more than find room on the disk and in memory */

static uint64_t seed;

struct bed {
	char place[FOLDER_MAX];
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_log *log;
	uint64_t page;
	pthread_t thread;
	pthread_mutex_t lock;		/* of what was heard */
	bool full, again;
	int worst;
	uint64_t sent, told;		/* number of the last delta; of the last that was said to be durable */
	int result;
	bool produces, durable, restarts;
	uint32_t flags;
};

static int said(const char *what)
{
	printf("# seed %" PRIu64 ": %s: %s\n", seed, what, mmsb_strerror_last());
	return -1;
}

static int differs(const char *what)
{
	printf("# seed %" PRIu64 ": %s\n", seed, what);
	return -1;
}

static void hear(void *arg, int severity, const char *text)
{
	struct bed *bed = arg;

	pthread_mutex_lock(&bed->lock);
	bed->full |= severity == LOG_ERR && strstr(text, "No space left on device") && strstr(text, bed->place);
	bed->again |= severity == LOG_NOTICE && bed->full;
	bed->worst = severity < bed->worst ? severity : bed->worst;
	pthread_mutex_unlock(&bed->lock);
}

static bool has_heard(struct bed *bed, const bool *what)
{
	bool heard;

	pthread_mutex_lock(&bed->lock);
	heard = *what;
	pthread_mutex_unlock(&bed->lock);
	return heard;
}

/* ------------------------------------------------------------------------------------------------------------ the disk */

static void filler_path(const struct bed *bed, char path[2 * FOLDER_MAX])
{
	snprintf(path, 2 * FOLDER_MAX, "%s/filler", bed->place);
}

static int fill(const struct bed *bed)
{
	char path[2 * FOLDER_MAX], *zeros = calloc(1, SMALLDISK - ROOM);
	FILE *file;
	int err;

	filler_path(bed, path);
	file = fopen(path, "w");
	err = file && fwrite(zeros, 1, SMALLDISK - ROOM, file) == SMALLDISK - ROOM ? 0 : -errno;
	if (file)
		fclose(file);
	free(zeros);
	return err;
}

static void make_room(const struct bed *bed)
{
	char path[2 * FOLDER_MAX];

	filler_path(bed, path);
	unlink(path);
	mount("none", bed->place, NULL, MS_REMOUNT, "size=64M");
}

/* ----------------------------------------------------------------------------------------------------------- producing */

/* What the page holds behind so many deltas. */
static void page_after(uint64_t n, uint8_t bytes[PAGE])
{
	struct rng rng = { seed };
	uint64_t i;

	memset(bytes, 0, PAGE);
	for (i = 0; i < n; i++)
		rng_fill(&rng, bytes + STEP * (i % (PAGE / STEP)), STEP);
}

static int send(struct bed *bed, struct rng *rng, uint64_t number, bool durable)
{
	struct mmsb_sqe *sqe = mmsb_get_sqe(bed->ring);
	void *operand;

	if (!sqe)
		return -EBUSY;
	mmsb_prep_set(sqe, bed->page, STEP * (number % (PAGE / STEP)), NULL, STEP);
	operand = mmsb_sqe_payload(bed->ring, sqe, STEP);
	if (!operand)
		return -ENOMEM;
	rng_fill(rng, operand, STEP);
	if (durable)
		mmsb_sqe_durable(sqe);
	__atomic_store_n(&bed->sent, number + 1, __ATOMIC_SEQ_CST);
	return mmsb_submit(bed->ring);
}

/* One delta after the other, so that the page's epoch is their number; if it is wished, each fiftieth is waited for until it is on disk. */
static void *produce(void *arg)
{
	struct bed *bed = arg;
	struct rng rng = { seed };
	struct mmsb_cqe cqe;
	bool durable;
	uint64_t i;
	int err = 0;

	for (i = 0; err >= 0 && i < DELTAS; i++) {
		durable = bed->durable && i % 50 == 49;
		err = send(bed, &rng, i, durable);
		if (err >= 0)
			err = mmsb_wait_cqe(bed->ring, &cqe, 2 * PATIENCE) ?: cqe.result;
		if (err >= 0 && durable)
			__atomic_store_n(&bed->told, i + 1, __ATOMIC_SEQ_CST);
	}
	if (err < 0)
		said("producing");
	bed->result = err < 0 ? err : 0;
	return NULL;
}

/* ------------------------------------------------------------------------------------------------------------- looking */

/* The files, restored elsewhere: between so many deltas and so many, and the page as these leave it. */
static int holds(struct bed *bed, uint64_t least, uint64_t most)
{
	uint8_t bytes[PAGE], right[PAGE];
	struct mmsb_space *space = NULL;
	struct mmsb *mmsb;
	uint64_t epoch = 0;
	int err = mmsb_open(&mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = "embedded"));

	err = err ?: mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH), &space);
	err = err ?: mmsb_restore(space, bed->place, MMSB_OPTS(struct mmsb_restore_opts, .tell = hear, .arg = bed), NULL);
	if (!err && mmsb_read(space, bed->page, 0, bytes, PAGE, &epoch) != PAGE)
		err = -EIO;
	if (err)
		said("restoring");
	page_after(epoch, right);
	if (!err && (epoch < least || epoch > most || memcmp(bytes, right, PAGE)))
		err = printf("# seed %" PRIu64 ": %" PRIu64 " deltas are there, of %" PRIu64 " to %" PRIu64 "\n", seed, epoch, least, most);
	mmsb_space_close(space);
	mmsb_close(mmsb);
	return err;
}

static int holds_now(struct bed *bed)
{
	char copy[FOLDER_MAX], place[FOLDER_MAX];
	uint64_t told = __atomic_load_n(&bed->told, __ATOMIC_SEQ_CST);
	int err;

	folder_copy(bed->place, copy);
	memcpy(place, bed->place, sizeof(place));
	memcpy(bed->place, copy, sizeof(copy));
	err = holds(bed, told, __atomic_load_n(&bed->sent, __ATOMIC_SEQ_CST));
	memcpy(bed->place, place, sizeof(place));
	folder_remove(copy);
	return err;
}

/* Until the operator has been told, and whoever produces is held up: by what has to be durable, or by the limit. */
static int wait_full(struct bed *bed)
{
	uint64_t until = now_ns() + PATIENCE;
	struct mmsb_durability_args now = { 0 };
	bool held;

	do {
		usleep(2000);
		if (mmsb_durability(bed->space, &now))
			return said("how the log stands");
		held = bed->durable ? now.held : now.waiting > LIMIT / 2;
	} while ((!has_heard(bed, &bed->full) || !held) && now_ns() < until);
	if (!has_heard(bed, &bed->full) || !held)
		return differs("it was not said that the disk is full, or nobody was held up");
	return now.waiting <= LIMIT + 65536 ? 0 : differs("more waits in memory than may");
}

/* -------------------------------------------------------------------------------------------------------------- tests */

static int open_log(struct bed *bed)
{
	return mmsb_log_open(bed->space, bed->place, MMSB_OPTS(struct mmsb_log_opts, .flags = bed->flags, .interval_ms = 2, .segment_bytes = 64 << 10,
			     .limit = LIMIT, .tell = hear, .arg = bed), &bed->log);
}

static int bed_open(struct bed *bed)
{
	int err;

	bed->worst = LOG_DEBUG;
	pthread_mutex_init(&bed->lock, NULL);
	err = mmsb_open(&bed->mmsb, NULL);
	err = err ?: mmsb_space_open(bed->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH, .shards = 1),
				     &bed->space);
	err = err ?: mmsb_ring_open(bed->space, NULL, &bed->ring) ?: fill(bed) ?: open_log(bed);
	err = err ?: mmsb_create(bed->ring, PAGE, &bed->page);
	if (err)
		return said("a space with a log");
	err = pthread_create(&bed->thread, NULL, produce, bed);
	bed->produces = !err;
	return err;
}

static int bed_close(struct bed *bed)
{
	int err = 0;

	make_room(bed);
	if (bed->produces)
		pthread_join(bed->thread, NULL);
	if (bed->log)
		err = mmsb_log_close(bed->log);
	mmsb_ring_close(bed->ring);
	mmsb_space_close(bed->space);
	mmsb_close(bed->mmsb);
	return err ?: bed->result;
}

/* What can be asked meanwhile has an answer. */
static int asks(struct bed *bed)
{
	struct mmsb_log_stat stat = { .size = sizeof(stat) };

	if (mmsb_log_stat(bed->log, &stat) || !stat.stalled || stat.error || !stat.stalls)
		return differs("it does not say that it waits for room");
	if (mmsb_sync(bed->space, 10000000) != -ETIME)
		return differs("all is said to be durable");
	if (mmsb_log_checkpoint(bed->log, NULL) != -ENOSPC)
		return differs("a checkpoint was made without room");
	return 0;
}

/* The writer goes while there is no room, and none can come. */
static int goes(struct bed *bed)
{
	int err = mmsb_log_close(bed->log);

	bed->log = NULL;
	if (err != -ENOSPC)
		return said("closing a log on a full disk");
	err = open_log(bed);
	if (err != -ENOSPC)
		return said("opening a log on a full disk");
	make_room(bed);
	return open_log(bed);
}

static int full(const struct bed *how, const char *place)
{
	struct bed bed = *how;
	int err;

	snprintf(bed.place, sizeof(bed.place), "%s", place);
	err = bed_open(&bed) ?: wait_full(&bed) ?: holds_now(&bed) ?: asks(&bed);
	if (!err && bed.restarts)
		err = goes(&bed);
	err = bed_close(&bed) ?: err;
	if (!err && !bed.restarts && (!bed.again || bed.worst < LOG_ERR))
		err = differs("it was not said that there is room again, or worse was");
	return err ?: holds(&bed, DELTAS, DELTAS);
}

static void run_all(const char *place)
{
	static const struct {
		const char *name;
		struct bed how;
	} ways[] = {
		{ "what is durable waits", { .durable = true } },
		{ "what is not waits at the limit", { .durable = false } },
		{ "without io_uring", { .flags = MMSB_LOG_OPT_NO_URING } },
		{ "the writer goes, and the next comes", { .durable = true, .restarts = true } },
	};
	unsigned int i;

	for (i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		if (mount("none", place, NULL, MS_REMOUNT, SMALLDISK_SIZE)) {
			ksft_test_result_fail("the disk is not there any more\n");
			return;
		}
		ksft_test_result(!full(&ways[i].how, place), "the disk is full: %s\n", ways[i].name);
		folder_empty(place);
	}
}

int main(int argc, char **argv)
{
	uint64_t end = now_ns() + soak_seconds() * SECOND;
	char place[FOLDER_MAX];
	int err;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : rng_seed();
	ksft_print_header();
	folder_make(place);
	err = smalldisk_mount(place);
	if (err) {
		folder_remove(place);
		ksft_exit_fail_msg("no disk of its own: %s; run it as root\n", strerror(-err));
	}
	do {
		ksft_print_msg("seed %" PRIu64 "\n", seed);
		run_all(place);
		seed++;
	} while (now_ns() < end && !ksft_get_fail_cnt());
	umount(place);
	folder_remove(place);
	ksft_set_plan(ksft_test_num());
	ksft_finished();
}
