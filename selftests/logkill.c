// SPDX-License-Identifier: GPL-2.0-only
/*
 * Producers with a log of their own that are killed at any moment. Each is a process with an embedded space and its writer's thread, which adds
 * to a page, one after the other, and says by a pipe how far it has been told that this is on disk. Whoever killed it restores the log, finds
 * no less there, and begins the next one with it.
 */
#include <signal.h>
#include <sys/wait.h>
#include <mmsb/logging.h>
#include "kselftest.h"
#include "common/folder.h"
#include "common/home.h"

#define OUTSTANDING	16u

static uint64_t seed;

static int said(const char *what)
{
	printf("# seed %llu: %s: %s\n", (unsigned long long)seed, what, mmsb_strerror_last());
	return -1;
}

static void ignore(void *arg, int severity, const char *text)
{
}

/* What the log has: a space, its page, and what was added to it. Without a log, as the first finds it: an empty space. */
static int restore(const char *folder, struct mmsb *mmsb, struct mmsb_space **space, uint64_t *page, uint64_t *value)
{
	struct mmsb_restore_opts opts = { .size = sizeof(opts), .tell = ignore };
	struct mmsb_page_info info = { 0 };
	uint64_t cursor = 0;
	int err = mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH, .shards = 1,
							.max_pages = 1024, .max_bytes = 1 << 20), space);

	*page = 0;
	*value = 0;
	if (err)
		return said("a space");
	err = mmsb_restore(*space, folder, &opts, NULL);
	if (err)
		return err == -ENOENT ? 0 : said("restoring");
	if (mmsb_page_next(*space, &cursor, &info))
		return 0;
	*page = info.page;
	return mmsb_read(*space, *page, 0, value, sizeof(*value), NULL) == sizeof(*value) ? 0 : said("reading");
}

/* ---------------------------------------------------------------------------------------------------------- producers */

static int submit_add(struct mmsb_ring *ring, uint64_t page, uint64_t number)
{
	struct mmsb_sqe *sqe = mmsb_get_sqe(ring);

	if (!sqe)
		return -1;
	mmsb_prep_add(sqe, page, 0, 1);
	mmsb_sqe_durable(sqe);
	mmsb_sqe_set_data(sqe, number);
	return mmsb_submit(ring);
}

/* Adds as long as it lives; what it is told, it tells at once. */
static int produce(struct mmsb_ring *ring, uint64_t page, uint64_t value, int to)
{
	uint64_t submitted = value;
	struct mmsb_cqe cqe;

	for (;;) {
		while (submitted - value < OUTSTANDING)
			if (submit_add(ring, page, ++submitted) < 0)
				return said("submitting");
		if (mmsb_wait_cqe(ring, &cqe, PATIENCE) || cqe.result)
			return said("a completion");
		value = cqe.user_data;
		if (write(to, &value, sizeof(value)) != sizeof(value))
			return -1;
	}
}

static int producer(const char *folder, uint32_t flags, int to)
{
	struct mmsb_log_opts opts = { .size = sizeof(opts), .mode = MMSB_BUFFERED, .flags = flags, .segment_bytes = 16 << 10,
				      .checkpoint_bytes = 64 << 10, .interval_ms = 5, .tell = ignore };
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_log *log;
	struct mmsb *mmsb;
	uint64_t page, value;

	if (mmsb_open(&mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = "embedded")) || restore(folder, mmsb, &space, &page, &value))
		return -1;
	if (mmsb_ring_open(space, NULL, &ring) || mmsb_log_open(space, folder, &opts, &log))
		return said("opening the log");
	if (!page && mmsb_create(ring, 64, &page))
		return said("a page");
	return produce(ring, page, value, to);
}

/* -------------------------------------------------------------------------------------------------------------- killing */

/* So long does it live. *told: the last that it said, if it said anything. */
static int one_life(const char *folder, uint32_t flags, uint64_t us, uint64_t *told)
{
	int ends[2], status;
	uint64_t value;
	pid_t pid;

	if (pipe(ends))
		return -1;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		producer(folder, flags, ends[1]);
		fflush(stdout);
		_exit(1);
	}
	close(ends[1]);
	if (read(ends[0], &value, sizeof(value)) == sizeof(value))
		*told = value;
	usleep(us);
	kill(pid, SIGKILL);
	while (read(ends[0], &value, sizeof(value)) == sizeof(value))
		*told = value;
	close(ends[0]);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? 0 : -1;
}

static int look(const char *folder, uint64_t told, uint64_t *value)
{
	struct mmsb_space *space = NULL;
	struct mmsb *mmsb;
	uint64_t page;
	int err = mmsb_open(&mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = "embedded"));

	if (err)
		return err;
	err = restore(folder, mmsb, &space, &page, value);
	if (!err && (*value < told || *value > told + OUTSTANDING)) {
		printf("# seed %llu: %llu was told to be on disk, and %llu is\n", (unsigned long long)seed, (unsigned long long)told,
		       (unsigned long long)*value);
		err = -1;
	}
	mmsb_space_close(space);
	mmsb_close(mmsb);
	return err;
}

static int killed(uint32_t flags, unsigned int lives)
{
	struct rng rng = { seed };
	char folder[FOLDER_MAX];
	uint64_t value = 0, told = 0;
	unsigned int i;
	int err = 0;

	folder_make(folder);
	for (i = 0; !err && i < lives; i++) {
		told = value;
		err = one_life(folder, flags, rng_below(&rng, 4) * rng_below(&rng, 10000), &told) ?: look(folder, told, &value);
	}
	ksft_print_msg("%u producers killed, %llu additions on disk\n", i, (unsigned long long)value);
	if (!err && value < lives)
		err = -1;
	folder_remove(folder);
	return err;
}

int main(int argc, char **argv)
{
	uint64_t end = now_ns() + soak_seconds() * SECOND;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : rng_seed();
	ksft_print_header();
	do {
		ksft_print_msg("seed %llu\n", (unsigned long long)seed);
		ksft_test_result(!killed(0, scaled(40)), "producers are killed, and nothing promised is lost\n");
		ksft_test_result(!killed(MMSB_LOG_OPT_NO_URING | MMSB_LOG_OPT_ZSTD, scaled(40)), "without io_uring, compressed\n");
		seed++;
	} while (now_ns() < end && !ksft_get_fail_cnt());
	ksft_set_plan(ksft_test_num());
	ksft_finished();
}
