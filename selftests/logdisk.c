// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files below a log, by either way of writing: one writer at a time; a disk that is full costs nothing but time; a write that fails is
 * the file's last; a call that was interrupted, or did less than it was asked for, is gone on with.
 *
 * `logdisk --seed N` draws what a failure printed.
 */
#include <fcntl.h>
#include <getopt.h>
#include <liburing.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "kselftest.h"
#include "common/logs.h"
#include "common/smalldisk.h"


static uint64_t seed;

/* ---------------------------------------------------------------------------------------------------------------- lock */

static int one_writer(uint32_t flags)
{
	struct msl_disk *first = place_open(flags), *second = place_open(flags);
	char pid[16];
	int err;

	place_empty();
	snprintf(pid, sizeof(pid), "process %d", (int)getpid());
	err = msl_dir_lock(first);
	if (!err && (msl_dir_lock(second) != -EWOULDBLOCK || !strstr(mmsb_strerror_last(), pid)))
		err = said("a second writer");
	msl_disk_close(first);
	if (!err && msl_dir_lock(second))
		err = said("the next writer");
	msl_disk_close(second);
	return err;
}

/* What is nobody's stays; what a writer left behind goes. */
static int tidy(uint32_t flags)
{
	static const char *const names[] = { "00000000000000000001.seg.tmp", "00000000000000000007.ckp.tmp", "notes", "1.seg.tmp",
					     "00000000000000000003.seg", "00000000000000000002.seg", "99999999999999999999.seg",
					     "00000000000000000009.ckp" };
	struct msl_disk *disk = place_open(flags);
	char path[sizeof(place) + 40];
	struct msl_dir dir = { 0 };
	unsigned int i;
	int err = 0;

	place_empty();
	for (i = 0; !err && i < sizeof(names) / sizeof(*names); i++)
		err = file_put(place, names[i], NULL, 0);
	if (!err)
		err = msl_dir_clean(disk);
	if (!err)
		err = msl_dir_list(disk, &dir);
	if (!err && (dir.nsegments != 2 || dir.segments[0] != 2 || dir.segments[1] != 3 || dir.ncheckpoints != 1 ||
		     dir.checkpoints[0] != 9))
		err = said("listing");
	for (i = 0; !err && i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", place, names[i]);
		err = !access(path, F_OK) == (i >= 2) ? 0 : said(names[i]);
	}
	msl_dir_free(&dir);
	msl_disk_close(disk);
	return err;
}

/* ---------------------------------------------------------------------------------------------------------------- full */

/* All of the disk but a little, which goes when the writer has been told so a few times. */
static int fill_up(struct rng *rng)
{
	uint8_t *zeros = calloc(1, SMALLDISK);
	int err = file_put(place, "filler", zeros, SMALLDISK - 200000 - rng_below(rng, 200000));

	free(zeros);
	return err;
}

static int full_once(int err, unsigned int *times)
{
	char path[sizeof(place) + 10];

	if (!msl_disk_is_full(err))
		return err;
	snprintf(path, sizeof(path), "%s/filler", place);
	if (++*times % 3 == 0)
		unlink(path);
	return *times < 1000 ? 0 : err;
}

/* Once more, as long as the disk is full. */
#define UNTIL_ROOM(call, times)	({			\
	int result_;					\
	do {						\
		result_ = (call);			\
	} while (msl_disk_is_full(result_) && !full_once(result_, times));	\
	result_;					\
})

static int sync_later(struct msl_segment *segment, unsigned int *times)
{
	int err = UNTIL_ROOM(msl_segment_sync_begin(segment), times);

	return err ? err : UNTIL_ROOM(msl_segment_sync_end(segment, true), times);
}

static int write_until_full(struct msl_disk *disk, struct tape *tape, struct rng *rng, unsigned int *times)
{
	struct msl_header header = header_for(0, 1);
	struct msl_segment *segment;
	char name[MSL_NAME_BYTES];
	size_t at;
	int err;

	msl_segment_name(name, 0);
	err = UNTIL_ROOM(msl_segment_create(disk, name, &header, 0, &segment), times);
	for (at = 0; !err && at < tape->used; at += tape_at(tape, at)->bytes) {
		err = UNTIL_ROOM(msl_segment_append(segment, tape_at(tape, at)), times);
		if (!err && rng_once_in(rng, 2000))
			err = sync_later(segment, times);
		else if (!err && rng_once_in(rng, 2000))
			err = UNTIL_ROOM(msl_segment_sync(segment), times);
	}
	if (!err)
		err = UNTIL_ROOM(msl_segment_seal(segment), times);
	msl_segment_close(segment);
	return err ? said("writing to a full disk") : 0;
}

static int full(uint32_t flags)
{
	const struct msl_reader_opts all = { .life = MSL_LAST_LIFE };
	struct msl_disk *disk = place_open(flags);
	struct rng rng = { seed };
	struct records records;
	struct tape tape = { 0 };
	unsigned int times = 0;
	size_t n;
	int err;

	place_empty();
	records_begin(&records, seed);
	records.plain = true;
	records.pages = 1000000;
	records.per_tick = 64;
	tape_draw(&tape, &records, 80000);
	err = fill_up(&rng);
	if (!err)
		err = write_until_full(disk, &tape, &rng, &times);
	if (!err && !times)
		err = printf("# the disk was never full\n");
	if (!err && (read_against(disk, &all, &tape, 0, &n, NULL) != -ENODATA || n != tape_count(&tape)))
		err = said("what was written to a full disk");
	records_end(&records);
	tape_free(&tape);
	msl_disk_close(disk);
	place_empty();
	return err;
}

/* ------------------------------------------------------------------------------------------------------------- failing */

static int write_and_sync(struct msl_disk *disk, struct msl_file *file, const void *bytes, size_t n, uint64_t at, bool later)
{
	int err = disk->ops->write(file, bytes, n, at);

	if (!later)
		return err ? err : disk->ops->sync(file);
	if (!err)
		err = disk->ops->sync_begin(file);
	return err ? err : disk->ops->sync_end(file, true);
}

/* Larger than this process may make one: not a full disk, so it is final, even when there would be room again. */
static int failing(uint32_t flags, bool later)
{
	struct rlimit limit = { 65536, RLIM_INFINITY }, none = { RLIM_INFINITY, RLIM_INFINITY };
	struct msl_disk *disk = place_open(flags);
	struct msl_file *file;
	uint8_t *bytes = calloc(1, 200000);
	int err;

	place_empty();
	signal(SIGXFSZ, SIG_IGN);
	err = disk->ops->file_open(disk, "file", MSL_FILE_CREATE, &file);
	if (!err)
		err = write_and_sync(disk, file, bytes, 60000, 0, later);
	setrlimit(RLIMIT_FSIZE, &limit);
	if (!err && write_and_sync(disk, file, bytes, 100000, 60000, later) != -EFBIG)
		err = said("a write that fails");
	setrlimit(RLIMIT_FSIZE, &none);
	if (!err && (disk->ops->write(file, bytes, 8, 0) != -EFBIG || disk->ops->sync(file) != -EFBIG || disk->ops->sync_begin(file) == 0))
		err = said("a file that failed before");
	disk->ops->file_close(file);
	msl_disk_close(disk);
	free(bytes);
	return err;
}

/* ------------------------------------------------------------------------------------------------------------- overlap */

/* More and more is written while syncs are under way; it must all be there. */
static int overlapping(uint32_t flags)
{
	struct msl_disk *disk = place_open(flags);
	struct rng rng = { seed };
	uint8_t *bytes = malloc(8 << 20);
	struct msl_file *file;
	struct bytes read;
	size_t at = 0, n;
	bool syncing = false;
	int err;

	place_empty();
	rng_fill(&rng, bytes, 8 << 20);
	err = disk->ops->file_open(disk, "file", MSL_FILE_CREATE, &file);
	while (!err && at < (8 << 20)) {
		n = rng_below(&rng, rng_once_in(&rng, 4) ? 700000 : 5000);
		n = n < (8 << 20) - at ? n : (8 << 20) - at;
		err = disk->ops->write(file, bytes + at, n, at);
		at += n;
		if (!err && syncing)
			err = disk->ops->sync_end(file, rng_below(&rng, 2));
		syncing = err == -EAGAIN;
		err = err == -EAGAIN ? 0 : err;
		if (!err && !syncing && rng_below(&rng, 2)) {
			err = disk->ops->sync_begin(file);
			syncing = !err;
		}
		if (!err && rng_once_in(&rng, 20))
			err = disk->ops->sync(file);
	}
	if (!err && syncing)
		err = disk->ops->sync_end(file, true);
	if (!err)
		err = disk->ops->sync(file);
	read = file_get(place, "file");
	if (!err && (!read.at || read.n != 8 << 20 || memcmp(read.at, bytes, 8 << 20)))
		err = said("not what was written");
	disk->ops->file_close(file);
	msl_disk_close(disk);
	free(read.at);
	free(bytes);
	return err ? said("overlapping") : 0;
}

/* --------------------------------------------------------------------------------------------------------- interrupted */

/*
 * By way of the linker, what signals do to calls, and file systems to writes: while it is on, a call may be interrupted before it has done anything,
 * and one that takes bytes may take fewer.
 */
enum call { FLOCK, FSYNC, FDATASYNC, FALLOCATE, FTRUNCATE, PREAD, PWRITE, SUBMIT, WAIT, CALLS };

static struct {
	bool on;
	struct rng rng;
	unsigned int times[CALLS], shorter[CALLS];
	ino_t synced;			/* the last directory that was */
	int fails;			/* how syncing a directory does */
} signals;

static bool interrupts(enum call call)
{
	if (!signals.on || rng_below(&signals.rng, 2))
		return false;
	signals.times[call]++;
	errno = EINTR;
	return true;
}

static size_t shorten(enum call call, size_t bytes)
{
	if (!signals.on || bytes < 2 || rng_below(&signals.rng, 2))
		return bytes;
	signals.shorter[call]++;
	return 1 + rng_below(&signals.rng, bytes - 1);
}

#define WRAP(CALL, result, name, params, args)					\
	result __wrap_##name params;						\
	result __real_##name params;						\
	result __wrap_##name params						\
	{									\
		return interrupts(CALL) ? -1 : __real_##name args;		\
	}

WRAP(FLOCK, int, flock, (int fd, int how), (fd, how))
WRAP(FDATASYNC, int, fdatasync, (int fd), (fd))
WRAP(FALLOCATE, int, fallocate, (int fd, int mode, off_t at, off_t bytes), (fd, mode, at, bytes))
WRAP(FTRUNCATE, int, ftruncate, (int fd, off_t bytes), (fd, bytes))
WRAP(PREAD, ssize_t, pread, (int fd, void *to, size_t bytes, off_t at), (fd, to, shorten(PREAD, bytes), at))
WRAP(PWRITE, ssize_t, pwrite, (int fd, const void *from, size_t bytes, off_t at), (fd, from, shorten(PWRITE, bytes), at))

int __wrap_fsync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd)
{
	struct stat stat;

	if (interrupts(FSYNC))
		return -1;
	if (!fstat(fd, &stat))
		signals.synced = stat.st_ino;
	errno = signals.fails;
	return signals.fails ? -1 : __real_fsync(fd);
}

/* One that writes less breaks the chain that it is in, so that the sync behind it is not done. */
int __wrap_io_uring_submit(struct io_uring *ring);
int __real_io_uring_submit(struct io_uring *ring);
int __wrap_io_uring_submit(struct io_uring *ring)
{
	unsigned int at;

	if (interrupts(SUBMIT))
		return -EINTR;
	for (at = ring->sq.sqe_head; at != ring->sq.sqe_tail; at++) {
		struct io_uring_sqe *sqe = &ring->sq.sqes[at & ring->sq.ring_mask];

		if (sqe->opcode == IORING_OP_WRITE)
			sqe->len = (unsigned int)shorten(SUBMIT, sqe->len);
	}
	return __real_io_uring_submit(ring);
}

/* What a sync comes to is 0, a write comes to more. */
int __wrap___io_uring_get_cqe(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned int submit, unsigned int wait, sigset_t *mask);
int __real___io_uring_get_cqe(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned int submit, unsigned int wait, sigset_t *mask);
int __wrap___io_uring_get_cqe(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned int submit, unsigned int wait, sigset_t *mask)
{
	int err = interrupts(WAIT) ? -EINTR : __real___io_uring_get_cqe(ring, cqe, submit, wait, mask);

	if (!err && *cqe && !(*cqe)->res && interrupts(WAIT))
		(*cqe)->res = -EINTR;
	return err;
}

/* Room, bytes, a cut, and what is there then. */
static int write_and_cut(struct msl_disk *disk, const uint8_t *bytes, uint8_t *read)
{
	struct msl_file *file;
	uint64_t size;
	int err = disk->ops->file_open(disk, "cut", MSL_FILE_CREATE, &file);

	if (err)
		return said("making a file");
	err = disk->ops->allocate(file, 100000);
	if (!err)
		err = write_and_sync(disk, file, bytes, 50000, 0, false);
	if (!err)
		err = disk->ops->truncate(file, 40000);
	if (!err)
		err = disk->ops->sync_dir(disk);
	if (!err && (disk->ops->size(file, &size) || size != 40000 || disk->ops->read(file, read, 50000, 0) != 40000 || memcmp(bytes, read, 40000)))
		err = said("not what was written and cut");
	disk->ops->file_close(file);
	return err ? said("writing and cutting") : 0;
}

static int locked_and_cut(uint32_t flags)
{
	uint8_t bytes[50000], read[50000];
	struct msl_disk *disk = place_open(flags);
	int err = msl_dir_lock(disk);

	place_empty();
	rng_fill(&signals.rng, bytes, sizeof(bytes));
	err = err ? said("the lock") : write_and_cut(disk, bytes, read);
	msl_disk_close(disk);
	return err;
}

/* Each of the calls was, but for waiting, which is not always needed. */
static int was_interrupted(bool uring)
{
	unsigned int i;

	for (i = 0; i < (uring ? WAIT : SUBMIT); i++)
		if (!signals.times[i] || (i >= PREAD && !signals.shorter[i]))
			return printf("# call %u was never interrupted, or never shorter\n", i);
	return 0;
}

static int interrupted(uint32_t flags)
{
	struct msl_disk *disk = place_open(flags);
	bool uring = msl_disk_is_uring(disk);
	unsigned int i;
	int err;

	memset(&signals, 0, sizeof(signals));
	signals.rng.state = seed;
	signals.on = true;
	msl_disk_close(disk);
	err = overlapping(flags);
	for (i = 0; !err && i < 64; i++)
		err = locked_and_cut(flags);
	signals.on = false;
	return err ? err : was_interrupted(uring);
}

/* The directory's own name is on disk, also if that failed at first, or whoever made it did not live to see to it. */
static int for_good(uint32_t flags)
{
	struct msl_disk *disk = NULL;
	char path[sizeof(place) + 8];
	struct stat above;
	int err = 0;

	snprintf(path, sizeof(path), "%s/deeper", place);
	signals.fails = EIO;
	if (msl_disk_open(path, flags | MSL_DISK_CREATE, &disk) != -EIO || msl_disk_open(path, flags | MSL_DISK_CREATE, &disk) != -EIO)
		err = said("a directory whose name could not be synced");
	signals.fails = EINVAL;
	if (!err && msl_disk_open(path, flags | MSL_DISK_CREATE, &disk))
		err = said("a directory that is where nothing can be synced");
	msl_disk_close(disk);
	disk = NULL;
	signals.fails = 0;
	signals.synced = 0;
	if (!err && (msl_disk_open(path, flags | MSL_DISK_CREATE, &disk) || stat(place, &above) || signals.synced != above.st_ino))
		err = said("the name of a directory that was there was not synced");
	msl_disk_close(disk);
	rmdir(path);
	return err;
}

static void run_all(void)
{
	static const struct {
		const char *name;
		uint32_t flags;
	} ways[] = { { "plain", MSL_DISK_NO_URING }, { "io_uring", 0 } };
	int err;
	unsigned int i;

	printf("# seed %llu\n", (unsigned long long)seed);
	if (place_make())
		ksft_exit_fail_msg("no directory to write in\n");
	err = smalldisk_mount(place);	/* before there are threads, for then there is no namespace any more */
	if (err) {
		place_remove();
		ksft_exit_fail_msg("no disk of its own: %s; run it as root\n", strerror(-err));
	}
	for (i = 0; i < 2; i++)
		ksft_test_result(!full(ways[i].flags), "the disk is full: %s\n", ways[i].name);
	umount(place);
	for (i = 0; i < 2; i++) {
		ksft_test_result(!one_writer(ways[i].flags), "one writer: %s\n", ways[i].name);
		ksft_test_result(!tidy(ways[i].flags), "what is left behind: %s\n", ways[i].name);
		ksft_test_result(!overlapping(ways[i].flags), "written while it is synced: %s\n", ways[i].name);
		ksft_test_result(!failing(ways[i].flags, false), "a write fails: %s\n", ways[i].name);
		ksft_test_result(!failing(ways[i].flags, true), "a write fails while it is synced: %s\n", ways[i].name);
		ksft_test_result(!interrupted(ways[i].flags), "interrupted, and coming short: %s\n", ways[i].name);
		ksft_test_result(!for_good(ways[i].flags), "the directory is made for good: %s\n", ways[i].name);
	}
	place_remove();
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "seed", required_argument, NULL, 's' }, {} };
	int c;

	seed = rng_seed();
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == '?')
			ksft_exit_fail_msg("usage: logdisk [--seed N]\n");
		seed = strtoull(optarg, NULL, 0);
	}
	ksft_print_header();
	run_all();
	ksft_set_plan(ksft_test_num());
	ksft_finished();
}
