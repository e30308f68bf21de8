// SPDX-License-Identifier: GPL-2.0-only
/*
 * What else carries a message of 64 bytes from one who has it to one who wants it: a pipe, a UNIX socket, an ioctl for each, io_uring,
 * which is a ring as MMSB's are, with a request that does nothing. What can carry one carries an entry that says "add one to number
 * 17", and who takes it does so; at the end the numbers are added up.
 *
 * Instructions (in a guest that counts them) are those of both sides together, one after the other on one CPU, so that nobody is ever
 * woken and no message finds the other asleep: the best that such ways can do. Beside them stands a delta through a polled ring, both
 * sides of it too. Times are those of two threads, of which each does one side, natively.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <liburing.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include "calls.h"
#include "count.h"

#define NUMBERS		1024u
#define TRIES		100u
#define FEW		128u
#define MANY		896u
#define CALLS		4096u
#define ENTRIES		1024u
#define AWAKE_MS	1000u		/* for as long as nobody else is measured */
#define AWAKE_SHORT_MS	2u		/* whoever polls shall not do so while another one is measured, */
#define ASLEEP_US	12000u		/* before which he is given time to fall asleep */

struct message {
	uint64_t number, value, rest[6];
};

struct scene;

struct road {
	void (*open)(struct scene *scene);
	void (*close)(struct scene *scene);
	void (*send)(struct scene *scene, unsigned int n);	/* at most KIT_BATCH */
	void (*take)(struct scene *scene, unsigned int n);
	bool two_threads;		/* send and take may go on side by side */
};

struct setting {
	const struct road *road;
	unsigned int batch;
};

struct scene {
	const struct setting *setting;
	const struct bench_opts *bench;
	int to, from;
	unsigned int awake_ms;
	struct io_uring uring;
	struct kit *inside;		/* what an ioctl goes to */
	struct kit *polled, *drained;	/* beside which it is counted; or polled alone, timed */
	unsigned int at;
	uint64_t sent, number[NUMBERS];
	struct message out[KIT_BATCH], in[KIT_BATCH];
};

/* ----------------------------------------------------------------------------------------------------------- messages */

static void write_messages(struct scene *scene, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		scene->out[i] = (struct message){ .number = scene->at++ % NUMBERS, .value = 1 };
	scene->sent += n;
}

static void obey_messages(struct scene *scene, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		scene->number[scene->in[i].number % NUMBERS] += scene->in[i].value;
}

static void close_ends(struct scene *scene)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < NUMBERS; i++)
		sum += scene->number[i];
	if (sum != scene->sent)
		bench_die("%lu messages were sent, and %lu arrived", (unsigned long)scene->sent, (unsigned long)sum);
	close(scene->to);
	close(scene->from);
}

/* --------------------------------------------------------------------------------------------------------------- pipe */

static void pipe_open(struct scene *scene)
{
	int ends[2];

	if (pipe(ends))
		bench_die("no pipe: %s", strerror(errno));
	scene->from = ends[0];
	scene->to = ends[1];
}

/* What fits into a pipe at once is written at once. */
static void pipe_send(struct scene *scene, unsigned int n)
{
	ssize_t bytes = (ssize_t)(n * sizeof(struct message));

	write_messages(scene, n);
	if (write(scene->to, scene->out, (size_t)bytes) != bytes)
		bench_die("writing to a pipe: %s", strerror(errno));
}

static void pipe_take(struct scene *scene, unsigned int n)
{
	size_t want = n * sizeof(struct message), got = 0;

	while (got < want) {
		ssize_t bytes = read(scene->from, (char *)scene->in + got, want - got);

		if (bytes <= 0)
			bench_die("reading from a pipe: %s", strerror(errno));
		got += (size_t)bytes;
	}
	obey_messages(scene, n);
}

static const struct road by_pipe = { .open = pipe_open, .close = close_ends, .send = pipe_send, .take = pipe_take, .two_threads = true };

/* -------------------------------------------------------------------------------------------------------- UNIX socket */

static void socket_open(struct scene *scene)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends))
		bench_die("no pair of sockets: %s", strerror(errno));
	scene->from = ends[0];
	scene->to = ends[1];
}

/* Many are one datagram. */
static void socket_send(struct scene *scene, unsigned int n)
{
	ssize_t bytes = (ssize_t)(n * sizeof(struct message));

	write_messages(scene, n);
	if (send(scene->to, scene->out, (size_t)bytes, 0) != bytes)
		bench_die("sending to a socket: %s", strerror(errno));
}

static void socket_take(struct scene *scene, unsigned int n)
{
	ssize_t bytes = (ssize_t)(n * sizeof(struct message));

	if (recv(scene->from, scene->in, (size_t)bytes, 0) != bytes)
		bench_die("receiving from a socket: %s", strerror(errno));
	obey_messages(scene, n);
}

static const struct road by_socket = {
	.open = socket_open, .close = close_ends, .send = socket_send, .take = socket_take, .two_threads = true,
};

/* ----------------------------------------------------------------------------------------------------------- io_uring */

static void uring_start(struct scene *scene, struct io_uring_params *params)
{
	int err = io_uring_queue_init_params(ENTRIES, &scene->uring, params);

	if (err)
		bench_die("no io_uring: %s", strerror(-err));
	io_uring_register_ring_fd(&scene->uring);	/* saves looking it up; without, it works as well */
}

static void uring_open(struct scene *scene)
{
	struct io_uring_params params = { 0 };

	uring_start(scene, &params);
}

static void uring_open_polled(struct scene *scene)
{
	struct io_uring_params params = { .flags = IORING_SETUP_SQPOLL, .sq_thread_idle = scene->awake_ms };

	bench_place(true);	/* where its thread stays */
	uring_start(scene, &params);
	bench_place(false);
}

static void uring_close(struct scene *scene)
{
	io_uring_queue_exit(&scene->uring);
}

static void uring_send(struct scene *scene, unsigned int n)
{
	unsigned int i;
	int sent;

	for (i = 0; i < n; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&scene->uring);

		if (!sqe)
			bench_die("an empty queue has no room");
		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data64(sqe, scene->at++);
	}
	sent = io_uring_submit(&scene->uring);
	if (sent < 0)
		bench_die("io_uring_submit: %s", strerror(-sent));
}

static void uring_take(struct scene *scene, unsigned int n)
{
	struct io_uring_cqe *cqes[KIT_BATCH];
	unsigned int got, i;

	for (; n; n -= got) {
		got = io_uring_peek_batch_cqe(&scene->uring, cqes, n);
		for (i = 0; i < got; i++)
			bench_check(cqes[i]->res, "a NOP");
		io_uring_cq_advance(&scene->uring, got);
		if (!got && bench_cpus() > 1)
			bench_pause();
		else if (!got)
			sched_yield();
	}
}

static const struct road by_uring = { .open = uring_open, .close = uring_close, .send = uring_send, .take = uring_take };
static const struct road by_sqpoll = { .open = uring_open_polled, .close = uring_close, .send = uring_send, .take = uring_take };

/* -------------------------------------------------------------------------------------------------------------- ioctl */

static void ioctl_open(struct scene *scene)
{
	scene->inside = count_open(scene->bench, false);
}

static void ioctl_close(struct scene *scene)
{
	kit_close(scene->inside);
}

/* One: as who wants it done and knows of it calls it. Many: laid down, and then one call. */
static void ioctl_send(struct scene *scene, unsigned int n)
{
	struct kit *kit = scene->inside;

	if (n == 1)
		bench_check(mmsb_add(kit->ring, kit->pages[scene->at++ % kit->npages], 0, 1, NULL), "mmsb_add");
	else
		count_produce(kit->ring, kit->pages, n);
	kit->sent += n;
}

static void ioctl_take(struct scene *scene, unsigned int n)
{
	(void)scene;
	(void)n;
}

static const struct road by_ioctl = { .open = ioctl_open, .close = ioctl_close, .send = ioctl_send, .take = ioctl_take };

/* ------------------------------------------------------------------------------------------------------------ scenes */

static struct scene *open_road(const struct bench_opts *bench, unsigned int awake_ms)
{
	struct scene *scene = bench_alloc(sizeof(*scene));

	scene->awake_ms = awake_ms;
	scene->setting = bench->what;
	scene->bench = bench_alloc(sizeof(*bench));
	memcpy((void *)scene->bench, bench, sizeof(*bench));
	scene->setting->road->open(scene);
	return scene;
}

static void close_road(void *state)
{
	struct scene *scene = state;

	scene->setting->road->close(scene);
	if (scene->polled)
		kit_close(scene->polled);
	if (scene->drained)
		kit_close(scene->drained);
	free((void *)scene->bench);
	free(scene);
}

static void carry(struct scene *scene, unsigned int n)
{
	const struct setting *setting = scene->setting;

	for (; n; n -= setting->batch) {
		setting->road->send(scene, setting->batch);
		setting->road->take(scene, setting->batch);
	}
}

/* ------------------------------------------------------------------------------------------------------ instructions */

static void *open_counted(const struct bench_opts *bench)
{
	struct scene *scene = open_road(bench, AWAKE_MS);

	scene->polled = count_open(bench, true);
	scene->drained = count_open(bench, false);
	return scene;
}

static uint64_t least_carried(struct scene *scene, unsigned int n)
{
	uint64_t least = ~0ull, ticks;
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		ticks = bench_ticks();
		carry(scene, n);
		ticks = bench_ticks() - ticks;
		least = ticks < least ? ticks : least;
	}
	return least;
}

static double carried(void *state)
{
	return (double)(least_carried(state, MANY) - least_carried(state, FEW)) / (MANY - FEW);
}

static double both_sides(void *state)
{
	struct scene *scene = state;

	return count_produced(scene->polled, scene->setting->batch) + count_drained(scene->drained);
}

/* Only who submits: the kernel's thread turns in a loop of its own, and on one CPU there is no telling what of it is work. */
static double posted(void *state)
{
	struct scene *scene = state;
	uint64_t least = ~0ull, empty = count_empty(), ticks;
	unsigned int batch = scene->setting->batch, i;

	for (i = 0; i < TRIES; i++) {
		ticks = bench_ticks();
		scene->setting->road->send(scene, batch);
		ticks = bench_ticks() - ticks;
		least = ticks < least ? ticks : least;
		scene->setting->road->take(scene, batch);
	}
	return (double)(least - empty) / batch;
}

static double one_side(void *state)
{
	struct scene *scene = state;

	return count_produced(scene->polled, scene->setting->batch);
}

/* ------------------------------------------------------------------------------------------------------ system calls */

static void *open_traced(const struct bench_opts *bench)
{
	struct bench_opts *copy = bench_alloc(sizeof(*copy));

	*copy = *bench;
	return copy;
}

static void *road_for_calls(const struct bench_opts *bench)
{
	struct scene *scene = open_road(bench, AWAKE_MS);

	carry(scene, scene->setting->batch);	/* whoever has to wake up has done so */
	return scene;
}

static void carry_calls(void *state)
{
	carry(state, CALLS);
}

static double calls_each(void *state)
{
	return (double)calls_of(state, road_for_calls, carry_calls) / CALLS;
}

/* Who takes what is done may sleep until all of it is: that is one call, whatever the number. */
static void post_calls(void *state)
{
	struct scene *scene = state;
	unsigned int left;

	for (left = ENTRIES; left; left -= scene->setting->batch)
		scene->setting->road->send(scene, scene->setting->batch);
}

static double calls_posted(void *state)
{
	return (double)calls_of(state, road_for_calls, post_calls) / ENTRIES;
}

/* -------------------------------------------------------------------------------------------------------------- times */

static void *open_timed(const struct bench_opts *bench)
{
	struct kit_opts opts = { .pages = NUMBERS, .page_bytes = 64, .entries = ENTRIES, .polled = true,
				 .idle_us = AWAKE_SHORT_MS * 1000, .shuffled = true, .repeat = 8 };
	struct scene *scene = open_road(bench, AWAKE_SHORT_MS);

	scene->polled = kit_open(bench, &opts);
	scene->polled->work = kit_amount(scene->polled, 1 << 16);
	kit_send(scene->polled, scene->setting->batch);
	return scene;
}

static void *take_all(void *arg)
{
	struct scene *scene = arg;
	unsigned int batch = scene->setting->batch;
	uint64_t left;

	for (left = scene->polled->work; left; left -= batch)
		scene->setting->road->take(scene, batch);
	return NULL;
}

static void carry_between_threads(struct scene *scene)
{
	unsigned int batch = scene->setting->batch;
	pthread_t thread = bench_thread(take_all, scene);
	uint64_t left;

	for (left = scene->polled->work; left; left -= batch)
		scene->setting->road->send(scene, batch);
	pthread_join(thread, NULL);
}

static uint64_t begin(void)
{
	bench_place(false);
	usleep(ASLEEP_US);
	return bench_now();
}

static double told(const struct scene *scene, uint64_t start)
{
	return (double)(bench_now() - start) / (double)scene->polled->work;
}

static double timed(void *state)
{
	struct scene *scene = state;
	uint64_t start = begin();

	if (scene->setting->road->two_threads)
		carry_between_threads(scene);
	else
		carry(scene, (unsigned int)scene->polled->work);
	return told(scene, start);
}

static double timed_polled(void *state)
{
	struct scene *scene = state;
	uint64_t start = begin();

	kit_send(scene->polled, scene->setting->batch);
	return told(scene, start);
}

/* ----------------------------------------------------------------------------------------------------------- the list */

#define AT(road_, batch_)	.what = &(const struct setting){ .road = &(road_), .batch = batch_ }
#define COUNTED(title, params_, road_, batch_)	{ .name = title, .params = params_, .unit = "instructions", \
	.flags = BENCH_ICOUNT | BENCH_ONCE, .open = open_counted, .close = close_road, .measure = carried, .peer = both_sides, \
	.against = "a polled ring, producer and poller", AT(road_, batch_) }
#define POSTED(title, params_, road_, batch_)	{ .name = title, .params = params_ ", \"told\": \"who submits\"", .unit = "instructions", \
	.flags = BENCH_ICOUNT | BENCH_ONCE, .open = open_counted, .close = close_road, .measure = posted, .peer = one_side, \
	.against = "a polled ring, producer", AT(road_, batch_) }
#define CALLED(title, params_, how, road_, batch_)	{ .name = title, .params = params_, .unit = "syscalls", .flags = BENCH_ONCE, \
	.open = open_traced, .close = free, .measure = how, AT(road_, batch_) }
#define TIMED(title, params_, road_, batch_)	{ .name = title, .params = params_, .unit = "ns", \
	.flags = BENCH_TWO_THREADS | BENCH_TIMED, .open = open_timed, .close = close_road, .measure = timed, .peer = timed_polled, \
	.against = "a polled ring", AT(road_, batch_) }

#define CARRIED		"\"bytes\": 64, \"batch\": "
#define NOPS		"\"mode\": \"plain\", \"batch\": "
#define SQPOLL		"\"mode\": \"sqpoll\", \"batch\": "

#define ALL(title, road, params)	COUNTED(title, params "1", road, 1), COUNTED(title, params "64", road, 64), \
					CALLED(title, params "1", calls_each, road, 1), CALLED(title, params "64", calls_each, road, 64)
#define BOTH(title, road, params)	TIMED(title, params "1", road, 1), TIMED(title, params "64", road, 64)

const struct bench bench_beside[] = {
	ALL("beside_ioctl", by_ioctl, CARRIED),
	ALL("beside_pipe", by_pipe, CARRIED), BOTH("beside_pipe", by_pipe, CARRIED),
	ALL("beside_unix_socket", by_socket, CARRIED), BOTH("beside_unix_socket", by_socket, CARRIED),
	ALL("beside_io_uring_nop", by_uring, NOPS), BOTH("beside_io_uring_nop", by_uring, NOPS),
	POSTED("beside_io_uring_nop", SQPOLL "1", by_sqpoll, 1), POSTED("beside_io_uring_nop", SQPOLL "64", by_sqpoll, 64),
	CALLED("beside_io_uring_nop", SQPOLL "64", calls_posted, by_sqpoll, 64), BOTH("beside_io_uring_nop", by_sqpoll, SQPOLL),
	{ 0 }
};
