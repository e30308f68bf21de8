// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include "count.h"
#include "road.h"

/* ----------------------------------------------------------------------------------------------------------- messages */

static void write_messages(struct ends *ends, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		ends->out[i] = (struct road_message){ .number = ends->at++ % ROAD_NUMBERS, .value = 1 };
	ends->sent += n;
}

static void obey_messages(struct ends *ends, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		ends->number[ends->in[i].number % ROAD_NUMBERS] += ends->in[i].value;
}

static void close_ends(struct ends *ends)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < ROAD_NUMBERS; i++)
		sum += ends->number[i];
	if (sum != ends->sent)
		bench_die("%lu messages were sent, and %lu arrived", (unsigned long)ends->sent, (unsigned long)sum);
	close(ends->to);
	close(ends->from);
}

/* --------------------------------------------------------------------------------------------------------------- pipe */

static void pipe_open(struct ends *ends)
{
	int fds[2];

	if (pipe(fds))
		bench_die("no pipe: %s", strerror(errno));
	ends->from = fds[0];
	ends->to = fds[1];
}

/* What fits into a pipe at once is written at once. */
static void pipe_send(struct ends *ends, unsigned int n)
{
	ssize_t bytes = (ssize_t)(n * sizeof(struct road_message));

	write_messages(ends, n);
	if (write(ends->to, ends->out, (size_t)bytes) != bytes)
		bench_die("writing to a pipe: %s", strerror(errno));
}

static void pipe_take(struct ends *ends, unsigned int n)
{
	size_t want = n * sizeof(struct road_message), got = 0;

	while (got < want) {
		ssize_t bytes = read(ends->from, (char *)ends->in + got, want - got);

		if (bytes <= 0)
			bench_die("reading from a pipe: %s", strerror(errno));
		got += (size_t)bytes;
	}
	obey_messages(ends, n);
}

const struct road road_pipe = { .open = pipe_open, .close = close_ends, .send = pipe_send, .take = pipe_take, .two_threads = true };

/* -------------------------------------------------------------------------------------------------------- UNIX socket */

static void socket_open(struct ends *ends)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds))
		bench_die("no pair of sockets: %s", strerror(errno));
	ends->from = fds[0];
	ends->to = fds[1];
}

/* Many are one datagram. */
static void socket_send(struct ends *ends, unsigned int n)
{
	ssize_t bytes = (ssize_t)(n * sizeof(struct road_message));

	write_messages(ends, n);
	if (send(ends->to, ends->out, (size_t)bytes, 0) != bytes)
		bench_die("sending to a socket: %s", strerror(errno));
}

static void socket_take(struct ends *ends, unsigned int n)
{
	ssize_t bytes = (ssize_t)(n * sizeof(struct road_message));

	if (recv(ends->from, ends->in, (size_t)bytes, 0) != bytes)
		bench_die("receiving from a socket: %s", strerror(errno));
	obey_messages(ends, n);
}

const struct road road_socket = {
	.open = socket_open, .close = close_ends, .send = socket_send, .take = socket_take, .two_threads = true,
};

/* ----------------------------------------------------------------------------------------------------------- io_uring */

static void uring_start(struct ends *ends, struct io_uring_params *params)
{
	int err = io_uring_queue_init_params(ROAD_ENTRIES, &ends->uring, params);

	if (err)
		bench_die("no io_uring: %s", strerror(-err));
	io_uring_register_ring_fd(&ends->uring);	/* saves looking it up; without, it works as well */
}

static void uring_open(struct ends *ends)
{
	struct io_uring_params params = { 0 };

	uring_start(ends, &params);
}

static void uring_open_polled(struct ends *ends)
{
	struct io_uring_params params = { .flags = IORING_SETUP_SQPOLL, .sq_thread_idle = ends->awake_ms };

	bench_place(true);	/* where its thread stays */
	uring_start(ends, &params);
	bench_place(false);
}

static void uring_close(struct ends *ends)
{
	io_uring_queue_exit(&ends->uring);
}

static void uring_send(struct ends *ends, unsigned int n)
{
	unsigned int i;
	int sent;

	for (i = 0; i < n; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ends->uring);

		if (!sqe)
			bench_die("an empty queue has no room");
		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data64(sqe, ends->at++);
	}
	sent = io_uring_submit(&ends->uring);
	if (sent < 0)
		bench_die("io_uring_submit: %s", strerror(-sent));
}

static void uring_take(struct ends *ends, unsigned int n)
{
	struct io_uring_cqe *cqes[KIT_BATCH];
	unsigned int got, i;

	for (; n; n -= got) {
		got = io_uring_peek_batch_cqe(&ends->uring, cqes, n);
		for (i = 0; i < got; i++)
			bench_check(cqes[i]->res, "a NOP");
		io_uring_cq_advance(&ends->uring, got);
		if (!got && bench_cpus() > 1)
			bench_pause();
		else if (!got)
			sched_yield();
	}
}

const struct road road_uring = { .open = uring_open, .close = uring_close, .send = uring_send, .take = uring_take };
const struct road road_sqpoll = { .open = uring_open_polled, .close = uring_close, .send = uring_send, .take = uring_take };

/* -------------------------------------------------------------------------------------------------------------- ioctl */

static void ioctl_open(struct ends *ends)
{
	ends->inside = count_open(ends->bench, false);
}

static void ioctl_close(struct ends *ends)
{
	kit_close(ends->inside);
}

/* One: as who wants it done and knows of it calls it. Many: laid down, and then one call. */
static void ioctl_send(struct ends *ends, unsigned int n)
{
	struct kit *kit = ends->inside;

	if (n == 1)
		bench_check(mmsb_add(kit->ring, kit->pages[ends->at++ % kit->npages], 0, 1, NULL), "mmsb_add");
	else
		count_produce(kit->ring, kit->pages, n);
	kit->sent += n;
}

static void ioctl_take(struct ends *ends, unsigned int n)
{
	(void)ends;
	(void)n;
}

const struct road road_ioctl = { .open = ioctl_open, .close = ioctl_close, .send = ioctl_send, .take = ioctl_take };
