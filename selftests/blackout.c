// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is done in a guest that will be stopped at any moment, with its disk as it is then: bed/blackout, which see, kills the emulator and
 * boots the next one on the same disk.
 *
 * `blackout FOLDER TOLD` has mmsbd keep a strict space whose log lies in FOLDER, on that disk, and looks at what came back of it. Then producers write
 * to a page each, with some deltas outstanding, and put down in the file TOLD, which is not the guest's, what they were told is on disk. With --last it
 * ends behind the look.
 *
 * A delta says its number, and each changes its page; so the number is the page's epoch, and a delta that is missing in the middle shows.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <mmsb/logging.h>
#include "kselftest.h"
#include "common/daemon.h"
#include "common/home.h"

#define SPACE		"blackout"
#define PRODUCERS	3u
#define OUTSTANDING	8u

struct told {			/* as the file has it, one a producer; each is written with one call */
	uint64_t page, number;
};

struct entry {			/* what a delta sets its page to */
	uint64_t number, mixed, not_number;
};

static struct told told[PRODUCERS];
static struct daemon mmsbd;
static struct mmsb *mmsb;
static struct mmsb_space *space;
static int file;

static int said(const char *what)
{
	printf("# %s: %s\n", what, mmsb_strerror_last());
	return -1;
}

static struct entry entry_of(uint64_t number)
{
	struct rng rng = { number };

	return number ? (struct entry){ number, rng_next(&rng), ~number } : (struct entry){ 0 };
}

static int tell(unsigned int producer)
{
	return pwrite(file, &told[producer], sizeof(*told), (off_t)(producer * sizeof(*told))) == sizeof(*told) ? 0 : -errno;
}

/* ----------------------------------------------------------------------------------------------------- what came back */

/* Segments are cut and checkpoints made all the time, so that many a blackout meets one. */
static int configure(const char *folder)
{
	FILE *conf;

	strcpy(mmsbd.conf, "/tmp/blackout.conf");
	strcpy(mmsbd.socket, "/tmp/blackout.socket");
	conf = fopen(mmsbd.conf, "w");
	if (!conf)
		return -errno;
	fprintf(conf, "[space " SPACE "]\ndir = %s\ndurability = strict\nhash = yes\nshards = 2\nmax_pages = 4096\nmax_bytes = 1M\n"
		"segment_bytes = 8K\ncheckpoint_every = 24K\n", folder);
	return fclose(conf) ? -errno : 0;
}

/* Nothing that was told is missing, nothing is there that was not sent, and nothing in between is left out. */
static int look_at(unsigned int producer)
{
	struct told *one = &told[producer];
	struct entry entry, right;
	uint64_t epoch;

	if (mmsb_read(space, one->page, 0, &entry, sizeof(entry), &epoch) != sizeof(entry))
		return said("a page that was told to be there");
	right = entry_of(entry.number);
	printf("# producer %u: %llu were told to be on disk, %llu are there\n", producer, (unsigned long long)one->number,
	       (unsigned long long)entry.number);
	if (entry.number < one->number || entry.number > one->number + OUTSTANDING || epoch != entry.number ||
	    memcmp(&entry, &right, sizeof(entry))) {
		printf("# that is wrong: epoch %llu\n", (unsigned long long)epoch);
		return -1;
	}
	one->number = entry.number;
	return tell(producer);
}

static int look_at_hash(void)
{
	uint64_t kept[2], fresh[2];

	if (mmsb_hash(space, 0, kept, NULL) || mmsb_hash(space, MMSB_HASH_RECOMPUTE, fresh, NULL))
		return said("the hash");
	return memcmp(kept, fresh, sizeof(kept)) ? -1 : 0;
}

static int look(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < PRODUCERS; i++)
		err = told[i].page ? look_at(i) : 0;
	return err ?: look_at_hash();
}

/* ------------------------------------------------------------------------------------------------------------ producing */

static int make_page(unsigned int producer)
{
	struct mmsb_ring *ring;

	if (told[producer].page)
		return 0;
	if (mmsb_ring_open(space, NULL, &ring) || mmsb_create(ring, 64, &told[producer].page))
		return said("a page");
	mmsb_ring_close(ring);
	return tell(producer);
}

static int submit(struct mmsb_ring *ring, uint64_t page, uint64_t number)
{
	struct entry entry = entry_of(number);
	struct mmsb_sqe *sqe = mmsb_get_sqe(ring);

	if (!sqe)
		return -1;
	mmsb_prep_set(sqe, page, 0, &entry, sizeof(entry));
	mmsb_sqe_set_data(sqe, number);
	return mmsb_submit(ring);
}

/* For ever; what it is told, it tells before it sends more. */
static int produce(unsigned int producer)
{
	struct told *one = &told[producer];
	uint64_t sent = one->number;
	struct mmsb_ring *ring;
	struct mmsb_cqe cqe;

	if (mmsb_ring_open(space, NULL, &ring))
		return said("a ring");
	for (;;) {
		while (sent - one->number < OUTSTANDING)
			if (submit(ring, one->page, ++sent) < 0)
				return said("submitting");
		if (mmsb_wait_cqe(ring, &cqe, PATIENCE) || cqe.result)
			return said("a completion");
		one->number = cqe.user_data;
		if (tell(producer))
			return -1;
	}
}

static int produce_all(void)
{
	unsigned int i;
	int status;

	for (i = 0; i < PRODUCERS; i++) {
		if (make_page(i))
			return -1;
		fflush(stdout);
		if (fork())
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		produce(i);
		fflush(stdout);
		_exit(1);
	}
	printf("# producing\n");
	fflush(stdout);
	wait(&status);
	return -1;
}

/* ----------------------------------------------------------------------------------------------------------------- main */

static int begin(const char *folder, const char *path)
{
	file = open(path, O_RDWR | O_CREAT, 0600);
	if (file < 0 || pread(file, told, sizeof(told), 0) < 0)
		return -errno;
	daemon_find(&mmsbd);
	if (configure(folder) || mmsb_open(&mmsb, NULL) || daemon_start(&mmsbd))
		return said("beginning");
	if (daemon_wait_written(mmsb, SPACE) || mmsb_space_open(mmsb, SPACE, NULL, &space))
		return said("the space");
	return 0;
}

static int end(void)
{
	mmsb_space_close(space);
	if (daemon_end(&mmsbd, SIGTERM))
		return -1;
	mmsb_space_remove(mmsb, SPACE);
	mmsb_close(mmsb);
	return 0;
}

int main(int argc, char **argv)
{
	bool last = argc > 3 && !strcmp(argv[3], "--last");
	int err;

	if (argc < 3) {
		ksft_print_header();
		ksft_exit_fail_msg("selftests/bed/blackout runs it: it takes a disk and a guest that dies\n");
	}
	err = begin(argv[1], argv[2]) ?: look();
	if (!err)
		err = last ? end() : produce_all();
	return err ? 1 : 0;
}
