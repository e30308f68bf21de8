// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsbd as it is used: it makes spaces, writes their logs, stops, is killed, and its successor goes on; and what was there comes back when the space
 * is lost, as it is when the machine goes down.
 *
 * Producers add to a page of their own, each delta durable, and put down in memory that outlives them what they were told is on disk. They and mmsbd are
 * killed at any moment; in every second round the space, too, is thrown away. What comes back has everything that anybody was told, and nothing that
 * nobody sent.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <mmsb/logging.h>
#include "common/daemon.h"
#include "common/harness.h"
#include "common/home.h"
#include "log/dir.h"

#define PRODUCERS	3
#define DISK_SIZE	"size=1M"
#define FILLER		(700u << 10)
#define FILLS		500u		/* deltas of 1000 bytes that nothing can compress */

struct told {			/* to a producer */
	uint64_t page;
	uint64_t sent, durable;	/* what its page comes to with all that was sent; what it came to with the last that was said to be on disk */
};

FIXTURE(mmsbd) {
	char dir[64], name[32];
	struct daemon daemon;
	struct mmsb *mmsb;
	struct told *told;
};

static int configure(FIXTURE_DATA(mmsbd) *self, const char *more)
{
	FILE *file = fopen(self->daemon.conf, "w");

	if (!file)
		return -errno;
	fprintf(file, "[space %s]\ndir = %s/log\ndurability = buffered\nhash = yes\nshards = 2\nmax_pages = 64\nmax_bytes = 1M\n%s", self->name,
		self->dir, more);
	return fclose(file) ? -errno : 0;
}

FIXTURE_SETUP(mmsbd)
{
	if (!home_is_kernel())
		SKIP(return, "mmsbd serves the kernel home");
	strcpy(self->dir, "/tmp/test-mmsbd.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->daemon.conf, sizeof(self->daemon.conf), "%s/conf", self->dir);
	snprintf(self->daemon.socket, sizeof(self->daemon.socket), "%s/socket", self->dir);
	snprintf(self->name, sizeof(self->name), "test-mmsbd-%d", getpid());
	daemon_find(&self->daemon);
	ASSERT_EQ(0, configure(self, ""));
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	self->told = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->told);
}

static void log_path(FIXTURE_DATA(mmsbd) *self, char *path, size_t bytes)
{
	snprintf(path, bytes, "%s/log", self->dir);
}

static void remove_all(const char *dir)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command))
		perror(command);
}

FIXTURE_TEARDOWN(mmsbd)
{
	char path[96];

	if (!self->told)
		return;
	if (self->daemon.pid)
		daemon_end(&self->daemon, SIGKILL);
	mmsb_space_remove(self->mmsb, self->name);
	mmsb_close(self->mmsb);
	munmap(self->told, 4096);
	log_path(self, path, sizeof(path));
	umount2(path, MNT_DETACH);	/* only one test has a disk there */
	remove_all(self->dir);
}

/* ----------------------------------------------------------------------------------------------------- what is produced */

static int open_ring(FIXTURE_DATA(mmsbd) *self, struct mmsb_space **space, struct mmsb_ring **ring)
{
	int err = mmsb_space_open(self->mmsb, self->name, NULL, space);

	if (err)
		return err;
	err = mmsb_ring_open(*space, NULL, ring);
	if (err)
		mmsb_space_close(*space);
	return err;
}

static int make_pages(FIXTURE_DATA(mmsbd) *self)
{
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	int i, err = open_ring(self, &space, &ring);

	if (err)
		return err;
	for (i = 0; !err && i < PRODUCERS; i++)
		err = mmsb_create(ring, 64, &self->told[i].page);
	if (!err)
		err = mmsb_sync(space, PATIENCE);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	return err;
}

/* Until it is killed, or its space is gone. */
static void produce(FIXTURE_DATA(mmsbd) *self, struct told *told)
{
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_sqe sqe;
	struct mmsb_cqe cqe;

	if (open_ring(self, &space, &ring))
		_exit(1);
	for (;;) {
		mmsb_prep_add(&sqe, told->page, 0, 1);
		mmsb_sqe_durable(&sqe);
		__atomic_add_fetch(&told->sent, 1, __ATOMIC_SEQ_CST);
		if (run_entry(ring, &sqe, &cqe) || cqe.result)
			_exit(2);
		/* Each changes the page, so its epoch is the sum. */
		__atomic_store_n(&told->durable, cqe.epoch, __ATOMIC_SEQ_CST);
	}
}

/* What a producer was told is there, and no more than what was sent. What was not told may be there or not, and counts from here on as sent. */
static int check_one(FIXTURE_DATA(mmsbd) *self, struct mmsb_space *space, struct told *told)
{
	uint64_t sum = 0;

	if (mmsb_read(space, told->page, 0, &sum, sizeof(sum), NULL) != sizeof(sum))
		return -ENOENT;
	if (sum < told->durable || sum > told->sent) {
		fprintf(stderr, "# page %llx of '%s': %llu, where %llu were durable and %llu sent\n", (unsigned long long)told->page, self->name,
			(unsigned long long)sum, (unsigned long long)told->durable, (unsigned long long)told->sent);
		return -EBADMSG;
	}
	told->sent = sum;
	return 0;
}

static int check(FIXTURE_DATA(mmsbd) *self)
{
	struct mmsb_space *space;
	uint64_t kept[2], fresh[2];
	int i, err = mmsb_space_open(self->mmsb, self->name, NULL, &space);

	if (err)
		return err;
	for (i = 0; !err && i < PRODUCERS; i++)
		err = check_one(self, space, &self->told[i]);
	if (!err && (mmsb_hash(space, 0, kept, NULL) || mmsb_hash(space, MMSB_HASH_RECOMPUTE, fresh, NULL) || memcmp(kept, fresh, sizeof(kept))))
		err = -EILSEQ;
	mmsb_space_close(space);
	return err;
}

/* ------------------------------------------------------------------------------------------------------------- tests */

TEST_F(mmsbd, stops_and_goes_on)
{
	struct mmsb_durability_args now = { 0 };
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint64_t page;

	ASSERT_EQ(0, daemon_start(&self->daemon));
	ASSERT_EQ(0, daemon_wait_written(self->mmsb, self->name));
	ASSERT_EQ(0, open_ring(self, &space, &ring));
	ASSERT_EQ(0, mmsb_create(ring, 64, &page));
	ASSERT_EQ(0, mmsb_add(ring, page, 0, 7, NULL));
	ASSERT_EQ(0, mmsb_sync(space, PATIENCE)) {
		TH_LOG("%s", mmsb_strerror_last());
	}
	ASSERT_EQ(0, mmsb_add(ring, page, 0, 8, NULL));
	ASSERT_EQ(0, daemon_end(&self->daemon, SIGTERM));
	/* All is on disk, the space waits for its next writer. */
	ASSERT_EQ(0, mmsb_durability(space, &now));
	EXPECT_EQ(0, now.writer);
	EXPECT_EQ(MMSB_BUFFERED, now.mode);
	EXPECT_EQ(now.tick, now.durable);
	ASSERT_EQ(0, mmsb_add(ring, page, 0, 9, NULL));
	ASSERT_EQ(0, daemon_start(&self->daemon));
	ASSERT_EQ(0, daemon_wait_written(self->mmsb, self->name));
	ASSERT_EQ(0, mmsb_sync(space, PATIENCE));
	ASSERT_EQ(0, daemon_end(&self->daemon, SIGTERM));
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	/* As after a boot. */
	ASSERT_EQ(0, mmsb_space_remove(self->mmsb, self->name));
	ASSERT_EQ(0, daemon_start(&self->daemon));
	ASSERT_EQ(0, daemon_wait_written(self->mmsb, self->name));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, self->name, NULL, &space));
	ASSERT_EQ(8, mmsb_read(space, page, 0, &page, 8, NULL));
	EXPECT_EQ(24, page);
	mmsb_space_close(space);
	EXPECT_EQ(0, daemon_end(&self->daemon, SIGTERM));
}

TEST_F(mmsbd, answers)
{
	uint64_t until = now_ns() + PATIENCE;
	char answer[4096];
	struct daemon second;

	ASSERT_EQ(0, daemon_start(&self->daemon));
	ASSERT_EQ(0, daemon_wait_written(self->mmsb, self->name));
	ASSERT_EQ(0, make_pages(self));
	do {
		ASSERT_GT(until, now_ns());
		usleep(50000);
		ASSERT_EQ(0, daemon_ask(&self->daemon, "status", answer, sizeof(answer)));
	} while (!strstr(answer, "\twriting\tbuffered\t"));
	EXPECT_EQ(0, strncmp(answer, self->name, strlen(self->name)));
	EXPECT_NE(NULL, strstr(answer, "\nok\n"));
	ASSERT_EQ(0, daemon_ask(&self->daemon, "dance", answer, sizeof(answer)));
	EXPECT_EQ(0, strncmp(answer, "error\t", 6));
	ASSERT_EQ(0, daemon_ask(&self->daemon, "checkpoint nowhere", answer, sizeof(answer)));
	EXPECT_EQ(0, strncmp(answer, "error\t", 6));
	/* Exactly one of them. */
	second = self->daemon;
	ASSERT_EQ(0, daemon_start(&second));
	EXPECT_EQ(1, daemon_end(&second, 0));
	EXPECT_EQ(0, daemon_end(&self->daemon, SIGTERM));
}

/* Whose space is restored, and readable. */
static int wait_readable(FIXTURE_DATA(mmsbd) *self, uint64_t page, uint64_t value)
{
	uint64_t until = now_ns() + PATIENCE, seen = 0;
	struct mmsb_space *space;

	do {
		usleep(10000);
		if (mmsb_space_open(self->mmsb, self->name, NULL, &space))
			continue;
		if (mmsb_read(space, page, 0, &seen, sizeof(seen), NULL) != sizeof(seen))
			seen = 0;
		mmsb_space_close(space);
	} while (seen != value && now_ns() < until);
	return seen == value ? 0 : -ETIME;
}

static int add(FIXTURE_DATA(mmsbd) *self, uint64_t page)
{
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	int err = open_ring(self, &space, &ring);

	if (err)
		return err;
	err = mmsb_add(ring, page, 0, 1, NULL);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	return err;
}

/* Another process has the log's directory, so it can be restored from and not be written. */
static int lock_log(FIXTURE_DATA(mmsbd) *self, struct msl_disk **disk)
{
	char path[96];

	log_path(self, path, sizeof(path));
	return msl_disk_open(path, MSL_DISK_NO_URING, disk) ?: msl_dir_lock(*disk);
}

/* Whatever is between a restore and its log: nobody takes for durable what is not. */
TEST_F(mmsbd, keeps_others_out_until_the_log_is_open)
{
	struct mmsb_durability_args now = { 0 };
	struct mmsb_space *space;
	struct msl_disk *disk;
	uint64_t page;

	ASSERT_EQ(0, daemon_start(&self->daemon));
	ASSERT_EQ(0, daemon_wait_written(self->mmsb, self->name));
	ASSERT_EQ(0, make_pages(self));
	page = self->told[0].page;
	ASSERT_EQ(0, add(self, page));
	ASSERT_EQ(0, daemon_end(&self->daemon, SIGTERM));
	ASSERT_EQ(0, mmsb_space_remove(self->mmsb, self->name));

	ASSERT_EQ(0, lock_log(self, &disk));
	ASSERT_EQ(0, daemon_start(&self->daemon));
	ASSERT_EQ(0, wait_readable(self, page, 1));
	EXPECT_EQ(-ESHUTDOWN, add(self, page));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, self->name, NULL, &space));
	ASSERT_EQ(0, mmsb_durability(space, &now));
	EXPECT_EQ(MMSB_MEMORY, now.mode);
	mmsb_space_close(space);
	msl_disk_close(disk);
	ASSERT_EQ(0, daemon_wait_written(self->mmsb, self->name));
	EXPECT_EQ(0, add(self, page));
	ASSERT_EQ(0, daemon_end(&self->daemon, SIGTERM));

	/* Stopped before there is a log, it takes the space with it. */
	ASSERT_EQ(0, mmsb_space_remove(self->mmsb, self->name));
	ASSERT_EQ(0, lock_log(self, &disk));
	ASSERT_EQ(0, daemon_start(&self->daemon));
	ASSERT_EQ(0, wait_readable(self, page, 2));
	ASSERT_EQ(0, daemon_end(&self->daemon, SIGTERM));
	EXPECT_EQ(-ENOENT, mmsb_space_open(self->mmsb, self->name, NULL, &space));

	/* Killed, it leaves it shut, and throws it away when it comes again. */
	ASSERT_EQ(0, daemon_start(&self->daemon));
	ASSERT_EQ(0, wait_readable(self, page, 2));
	ASSERT_EQ(-SIGKILL, daemon_end(&self->daemon, SIGKILL));
	EXPECT_EQ(-ESHUTDOWN, add(self, page));
	msl_disk_close(disk);
	ASSERT_EQ(0, daemon_start(&self->daemon));
	ASSERT_EQ(0, daemon_wait_written(self->mmsb, self->name));
	EXPECT_EQ(0, add(self, page));
}

/* As it is asked by a person: "%1$s" is the space, "%2$s" the log, "%3$s" the socket, "%4$s" a page, "%5$s" a tick. */
static const struct command {
	const char *line, *says;
} commands[] = {
	{ "checkpoint %1$s --socket %3$s", "checkpoint of tick" },
	{ "log status --socket %3$s", "writing" },
	{ "log ls %2$s", ".ckp" },
	{ "log stat %2$s", "checkpoint   of tick" },
	{ "log show %2$s", "add i64" },
	{ "log verify %2$s", "nothing is wrong" },
	{ "log export %2$s", "\"record\": \"delta\"" },
	{ "log follow %2$s --from 1 --count 2", "create" },
	{ "replay %2$s", "state hash" },
	{ "restore %2$s %1$s-copy", "stands at tick" },
	{ "space rm %1$s-copy", "" },
	{ "restore %2$s %1$s-copy --tick %5$s", "stands at tick" },
	{ "space rm %1$s-copy", "" },
	{ "history %2$s %4$s", "add i64" },
	{ "at %2$s %5$s %4$s", "00000000" },
	{ "why %2$s %4$s", "add i64" },
	{ "durability %1$s", "buffered" },
	{ "sync %1$s", "durable up to tick" },
};

static int run_command(FIXTURE_DATA(mmsbd) *self, const struct command *command, uint64_t tick)
{
	char line[4096 + 512], log[96], page[32], number[24], said[8192];
	size_t used = (size_t)snprintf(line, sizeof(line), "%.*s ", (int)strlen(self->daemon.program) - 1, self->daemon.program);
	FILE *output;

	snprintf(log, sizeof(log), "%s/log", self->dir);
	snprintf(page, sizeof(page), "%llu.%llu", (unsigned long long)(self->told[0].page & 0xffffffff), (unsigned long long)(self->told[0].page >> 32));
	snprintf(number, sizeof(number), "%llu", (unsigned long long)tick);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(line + used, sizeof(line) - used, command->line, self->name, log, self->daemon.socket, page, number);
#pragma GCC diagnostic pop
	output = popen(line, "r");
	if (!output)
		return -errno;
	said[fread(said, 1, sizeof(said) - 1, output)] = '\0';
	if (!pclose(output) && strstr(said, command->says))
		return 0;
	printf("# %s: %s\n", line, said);
	return -1;
}

/* The first question may come before there is a log. */
TEST_F_TIMEOUT(mmsbd, is_asked_by_the_command, 170)
{
	uint64_t until = now_ns() + PATIENCE, tick;
	char answer[4096], question[64];
	struct mmsb_space *space;
	unsigned int i;

	ASSERT_EQ(0, daemon_start(&self->daemon));
	snprintf(question, sizeof(question), "checkpoint %s", self->name);
	while (daemon_ask(&self->daemon, question, answer, sizeof(answer))) {
		ASSERT_GT(until, now_ns());
		usleep(10000);
	}
	EXPECT_NE(NULL, strstr(answer, "ok\n")) {
		TH_LOG("%s", answer);
	}
	ASSERT_EQ(0, make_pages(self));
	ASSERT_EQ(0, add(self, self->told[0].page));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, self->name, NULL, &space));
	ASSERT_EQ(0, mmsb_sync(space, PATIENCE));
	tick = mmsb_tick(space);
	ASSERT_EQ(0, add(self, self->told[0].page));
	ASSERT_EQ(0, mmsb_sync(space, PATIENCE));
	mmsb_space_close(space);
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		EXPECT_EQ(0, run_command(self, &commands[i], tick));
	EXPECT_EQ(0, daemon_end(&self->daemon, SIGTERM));
}

static int wait_state(FIXTURE_DATA(mmsbd) *self, const char *state)
{
	uint64_t until = now_ns() + PATIENCE;
	char answer[4096];
	int err;

	do {
		usleep(50000);
		err = daemon_ask(&self->daemon, "status", answer, sizeof(answer));
	} while (!err && !strstr(answer, state) && now_ns() < until);
	return err ?: strstr(answer, state) ? 0 : -ETIME;
}

static int fill(FIXTURE_DATA(mmsbd) *self, uint64_t page)
{
	struct rng rng = { page };
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint8_t bytes[1000];
	unsigned int i;
	int err = open_ring(self, &space, &ring);

	for (i = 0; !err && i < FILLS; i++) {
		rng_fill(&rng, bytes, sizeof(bytes));
		err = mmsb_set(ring, page, 0, bytes, sizeof(bytes), NULL);
	}
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	return err;
}

static int make_page(FIXTURE_DATA(mmsbd) *self, uint32_t bytes, uint64_t *page)
{
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	int err = open_ring(self, &space, &ring) ?: mmsb_create(ring, bytes, page);

	mmsb_ring_close(ring);
	mmsb_space_close(space);
	return err;
}

static int state_hash(FIXTURE_DATA(mmsbd) *self, uint64_t hash[2])
{
	struct mmsb_space *space;
	int err = mmsb_space_open(self->mmsb, self->name, NULL, &space) ?: mmsb_sync(space, PATIENCE) ?: mmsb_hash(space, 0, hash, NULL);

	mmsb_space_close(space);
	return err;
}

/* It says so, loses nothing, and goes on by itself when there is room. */
TEST_F(mmsbd, waits_while_its_disk_is_full)
{
	uint64_t page, before[2], after[2];
	char path[96], filler[128];
	FILE *file;

	log_path(self, path, sizeof(path));
	snprintf(filler, sizeof(filler), "%s/filler", path);
	ASSERT_EQ(0, mkdir(path, 0700));
	ASSERT_EQ(0, mount("none", path, "tmpfs", 0, DISK_SIZE));
	file = fopen(filler, "w");
	ASSERT_NE(NULL, file);
	ASSERT_EQ(0, ftruncate(fileno(file), FILLER));
	ASSERT_EQ(0, posix_fallocate(fileno(file), 0, FILLER));
	fclose(file);
	ASSERT_EQ(0, configure(self, "segment_bytes = 64K\n"));
	ASSERT_EQ(0, daemon_start(&self->daemon));
	ASSERT_EQ(0, daemon_wait_written(self->mmsb, self->name));
	ASSERT_EQ(0, make_page(self, 1024, &page));
	ASSERT_EQ(0, fill(self, page));
	ASSERT_EQ(0, wait_state(self, "\tfull\t"));
	ASSERT_EQ(0, unlink(filler));
	ASSERT_EQ(0, wait_state(self, "\twriting\t"));
	ASSERT_EQ(0, state_hash(self, before));
	ASSERT_EQ(0, daemon_end(&self->daemon, SIGTERM));
	ASSERT_EQ(0, mmsb_space_remove(self->mmsb, self->name));
	ASSERT_EQ(0, daemon_start(&self->daemon));
	ASSERT_EQ(0, daemon_wait_written(self->mmsb, self->name));
	ASSERT_EQ(0, state_hash(self, after));
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
	EXPECT_EQ(0, daemon_end(&self->daemon, SIGTERM));
}

TEST_F(mmsbd, reads_its_configuration_again)
{
	char answer[4096];
	uint64_t until = now_ns() + PATIENCE;

	ASSERT_EQ(0, daemon_start(&self->daemon));
	ASSERT_EQ(0, daemon_wait_written(self->mmsb, self->name));
	/* One that is wrong changes nothing. */
	ASSERT_EQ(0, configure(self, "nonsense\n"));
	kill(self->daemon.pid, SIGHUP);
	usleep(500000);
	EXPECT_TRUE(daemon_is_written(self->mmsb, self->name));
	ASSERT_EQ(0, configure(self, "durability = strict\n"));
	kill(self->daemon.pid, SIGHUP);
	do {
		ASSERT_GT(until, now_ns());
		usleep(50000);
		ASSERT_EQ(0, daemon_ask(&self->daemon, "status", answer, sizeof(answer)));
	} while (!strstr(answer, "\twriting\tstrict\t"));
	EXPECT_EQ(0, daemon_end(&self->daemon, SIGTERM));
}

TEST_F_TIMEOUT(mmsbd, killed_at_any_moment, 170)
{
	uint64_t seed = rng_seed(), round, until = now_ns() + (soak_seconds() ?: 40) * SECOND;
	struct rng rng = { .state = seed };
	pid_t producer[PRODUCERS];
	int i;

	TH_LOG("MMSB_SEED=%llu", (unsigned long long)seed);
	ASSERT_EQ(0, daemon_start(&self->daemon));
	ASSERT_EQ(0, daemon_wait_written(self->mmsb, self->name));
	ASSERT_EQ(0, make_pages(self));
	for (round = 0; round < 4 || now_ns() < until; round++) {
		bool first = rng_once_in(&rng, 2);

		for (i = 0; i < PRODUCERS; i++) {
			producer[i] = fork();
			if (!producer[i])
				produce(self, &self->told[i]);
		}
		usleep(rng_below(&rng, 1500000));
		if (first) {
			ASSERT_EQ(-SIGKILL, daemon_end(&self->daemon, SIGKILL));
			usleep(rng_below(&rng, 50000));
		}
		for (i = 0; i < PRODUCERS; i++) {
			kill(producer[i], SIGKILL);
			waitpid(producer[i], NULL, 0);
		}
		if (!first)
			ASSERT_EQ(-SIGKILL, daemon_end(&self->daemon, SIGKILL));
		if (round & 1)
			ASSERT_EQ(0, mmsb_space_remove(self->mmsb, self->name));
		if (rng_once_in(&rng, 2)) {	/* while it restores the space, mostly */
			ASSERT_EQ(0, daemon_start(&self->daemon));
			usleep(rng_below(&rng, 300000));
			ASSERT_EQ(-SIGKILL, daemon_end(&self->daemon, SIGKILL));
		}
		ASSERT_EQ(0, daemon_start(&self->daemon));
		ASSERT_EQ(0, daemon_wait_written(self->mmsb, self->name)) {
			TH_LOG("round %llu", (unsigned long long)round);
		}
		ASSERT_EQ(0, check(self)) {
			TH_LOG("round %llu", (unsigned long long)round);
		}
	}
	TH_LOG("%llu rounds, %llu and more were durable", (unsigned long long)round, (unsigned long long)self->told[0].durable);
	EXPECT_LT(0, self->told[0].durable);
	EXPECT_EQ(0, daemon_end(&self->daemon, SIGTERM));
}

TEST_HARNESS_MAIN
