// SPDX-License-Identifier: MIT
/*
 * The client of the kernel home: opens the descriptors, maps what they offer, and turns refusals into words. Once that
 * is done, reading and submitting happen in the mappings and never come here.
 */
#define _GNU_SOURCE	/* ppoll() */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "events.h"
#include "home.h"
#include "ring.h"

#define DEVICE	"/dev/mmsb"

struct kernel_home {
	struct mmsb mmsb;
	int fd;
};

struct kernel_space {
	struct mmsb_space space;
	int fd;
	struct mmsb_space_page layout;	/* as it was when it was mapped: what to unmap */
};

struct kernel_ring {
	struct mmsb_ring ring;
	int fd;
	void *engine, *client;
	uint64_t engine_bytes, client_bytes;
};

static int fd_of(const struct mmsb_space *space)
{
	return ((const struct kernel_space *)space)->fd;
}

/* -errno, with the engine's reason in words where it gave one, else with what was tried. */
static int fail(const char *what, uint32_t reason)
{
	int err = errno;

	if (reason) {
		msl_fail_reason(reason);
		return -err;
	}
	return msl_fail(err, "%s: %s", what, strerror(err));
}

static void *map(int fd, uint64_t at, uint64_t bytes, int prot)
{
	void *ptr = mmap(NULL, bytes, prot, MAP_SHARED, fd, (off_t)at);

	return ptr == MAP_FAILED ? NULL : ptr;
}

/* ------------------------------------------------------------------------------------------------------------- home */

static int fail_device(const char *device)
{
	switch (errno) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return msl_fail(errno, "%s is not there: load the module with 'modprobe mmsb', or use the embedded home (MMSB_HOME=embedded); "
				"'mmsb doctor' says more", device);
	case EACCES:
	case EPERM:
		return msl_fail(errno, "%s is not open to you: join its group with 'usermod -aG mmsb USER' and log in again, or use the "
				"embedded home (MMSB_HOME=embedded); 'mmsb doctor' says more", device);
	default:
		return fail(device, 0);
	}
}

static int check_abi(int fd)
{
	struct mmsb_info_args info = { .size = sizeof(info) };

	if (ioctl(fd, MMSB_IOC_INFO, &info))
		return fail("MMSB_IOC_INFO", 0);
	if (info.abi != MMSB_ABI_VERSION)
		return msl_fail(EPROTO, "the module speaks ABI %u and libmmsb-user %s speaks ABI %u: install the two of one release",
				info.abi, mmsb_version(), MMSB_ABI_VERSION);
	return 0;
}

static int kernel_open(struct mmsb **mmsb, const struct mmsb_open_opts *opts)
{
	const char *device = opts->device ? opts->device : DEVICE;
	struct kernel_home *home = msl_alloc(sizeof(*home));
	int err;

	if (!home)
		return -ENOMEM;
	home->fd = open(device, O_RDWR | O_CLOEXEC);
	if (home->fd < 0) {
		err = fail_device(device);
		goto no_device;
	}
	err = check_abi(home->fd);
	if (err)
		goto no_abi;
	msl_mmsb_init(&home->mmsb, &msl_home_kernel);
	*mmsb = &home->mmsb;
	return 0;

no_abi:
	close(home->fd);
no_device:
	free(home);
	return err;
}

static void kernel_close(struct mmsb *mmsb)
{
	struct kernel_home *home = (struct kernel_home *)mmsb;

	close(home->fd);
	free(home);
}

static int home_fd(struct mmsb *mmsb)
{
	return ((struct kernel_home *)mmsb)->fd;
}

static int kernel_info(struct mmsb *mmsb, struct mmsb_info_args *info)
{
	return ioctl(home_fd(mmsb), MMSB_IOC_INFO, info) ? fail("MMSB_IOC_INFO", 0) : 0;
}

static int kernel_rule_register(struct mmsb *mmsb, const struct mmsb_user_rule *rule, uint32_t *number)
{
	(void)mmsb, (void)number;
	return msl_fail(ENOTSUP, "rule '%s' cannot run in the kernel: derive by the rules of <mmsb/graph.h>, or use the embedded home "
			"(MMSB_HOME=embedded)", rule->name ? rule->name : "");
}

/* ------------------------------------------------------------------------------------------------------------ space */

static int space_map(struct kernel_space *space, struct mmsb *mmsb)
{
	struct mmsb_space_page *layout = &space->layout, *page;
	void *directory, *arena;
	int err;

	page = map(space->fd, MMSB_MAP_SPACE, 4096, PROT_READ);
	if (!page)
		return fail("mapping the space page", 0);
	memcpy(layout, page, sizeof(*layout));
	directory = map(space->fd, MMSB_MAP_DIRECTORY, layout->directory_bytes, PROT_READ);
	if (!directory) {
		err = fail("mapping the directory", 0);
		goto no_directory;
	}
	arena = map(space->fd, MMSB_MAP_ARENA, layout->arena_bytes, PROT_READ);
	if (!arena) {
		err = fail("mapping the arena", 0);
		goto no_arena;
	}
	msl_space_init(&space->space, mmsb, page, directory, arena);
	return 0;

no_arena:
	munmap(directory, layout->directory_bytes);
no_directory:
	munmap(page, 4096);
	return err;
}

static int kernel_space_from_fd(struct mmsb *mmsb, int fd, struct mmsb_space **out)
{
	struct kernel_space *space = msl_alloc(sizeof(*space));
	int err;

	if (!space)
		return -ENOMEM;
	space->fd = fd;
	err = space_map(space, mmsb);
	if (err) {
		free(space);
		return err;
	}
	*out = &space->space;
	return 0;
}

static int kernel_space_open(struct mmsb *mmsb, const char *name, const struct mmsb_space_opts *opts, struct mmsb_space **out)
{
	struct mmsb_space_open_args args = {
		.size = sizeof(args),
		.flags = opts->flags,
		.mode = opts->mode,
		.shards = opts->shards,
		.max_pages = opts->max_pages,
		.max_bytes = opts->max_bytes,
		.max_rings = opts->max_rings,
		.uid = opts->own_set ? opts->uid : ~0u,
		.gid = opts->own_set ? opts->gid : ~0u,
	};
	int fd, err;

	strncpy(args.name, name, sizeof(args.name) - 1);
	fd = ioctl(home_fd(mmsb), MMSB_IOC_SPACE_OPEN, &args);
	if (fd < 0)
		return fail("MMSB_IOC_SPACE_OPEN", args.reason);
	err = kernel_space_from_fd(mmsb, fd, out);
	if (err)
		close(fd);
	return err;
}

static void kernel_space_close(struct mmsb_space *handle)
{
	struct kernel_space *space = (struct kernel_space *)handle;

	munmap((void *)handle->arena, space->layout.arena_bytes);
	munmap((void *)handle->lines, space->layout.directory_bytes);
	munmap((void *)handle->page, 4096);
	close(space->fd);
	free(space);
}

static int kernel_space_fd(const struct mmsb_space *space)
{
	return fd_of(space);
}

static int kernel_space_remove(struct mmsb *mmsb, const char *name)
{
	struct mmsb_space_remove_args args = { .size = sizeof(args) };

	strncpy(args.name, name, sizeof(args.name) - 1);
	if (!ioctl(home_fd(mmsb), MMSB_IOC_SPACE_REMOVE, &args))
		return 0;
	return fail("MMSB_IOC_SPACE_REMOVE", errno == ENOENT ? MMSB_REASON_NO_SPACE :
					     errno == EACCES || errno == EPERM ? MMSB_REASON_NO_PERMISSION : 0);
}

static int kernel_space_next(struct mmsb *mmsb, uint64_t *cursor, struct mmsb_space_info_args *info)
{
	info->cursor = *cursor;
	if (ioctl(home_fd(mmsb), MMSB_IOC_SPACE_NEXT, info))
		return errno == ENOENT ? -ENOENT : fail("MMSB_IOC_SPACE_NEXT", 0);
	*cursor = info->cursor;
	return 0;
}

static int kernel_space_info(struct mmsb_space *space, struct mmsb_space_info_args *info)
{
	return ioctl(fd_of(space), MMSB_IOC_SPACE_INFO, info) ? fail("MMSB_IOC_SPACE_INFO", 0) : 0;
}

static int fail_owner(const char *what)
{
	return fail(what, errno == EACCES || errno == EPERM ? MMSB_REASON_NO_PERMISSION : 0);
}

static int kernel_space_reset(struct mmsb_space *space)
{
	return ioctl(fd_of(space), MMSB_IOC_RESET) ? fail_owner("MMSB_IOC_RESET") : 0;
}

static int kernel_space_hash(struct mmsb_space *space, struct mmsb_hash_args *args)
{
	if (!ioctl(fd_of(space), MMSB_IOC_HASH, args))
		return 0;
	if (errno == ENODATA)
		return msl_fail(ENODATA, "the space keeps no state hash: switch it on with MMSB_HASH_ON, or ask for MMSB_HASH_RECOMPUTE");
	return fail_owner("MMSB_IOC_HASH");
}

static int kernel_space_limit(struct mmsb_space *space, struct mmsb_limits_args *args)
{
	if (!ioctl(fd_of(space), MMSB_IOC_LIMITS, args))
		return 0;
	return args->reason ? fail("MMSB_IOC_LIMITS", args->reason) : fail_owner("MMSB_IOC_LIMITS");
}

static int kernel_space_verify(struct mmsb_space *space, struct mmsb_verify_args *args)
{
	int ret;

	do {
		ret = ioctl(fd_of(space), MMSB_IOC_VERIFY, args);
	} while (ret && errno == EINTR);
	if (!ret)
		return 0;
	return args->reason ? fail("MMSB_IOC_VERIFY", args->reason) : fail_owner("MMSB_IOC_VERIFY");
}

static int kernel_space_audit(struct mmsb_space *space, struct mmsb_audit_args *args)
{
	return ioctl(fd_of(space), MMSB_IOC_AUDIT, args) ? fail_owner("MMSB_IOC_AUDIT") : 0;
}

static int kernel_space_timing(struct mmsb_space *space, struct mmsb_timing_args *args)
{
	if (!ioctl(fd_of(space), MMSB_IOC_TIMING, args))
		return 0;
	return args->reason ? fail("MMSB_IOC_TIMING", args->reason) : fail_owner("MMSB_IOC_TIMING");
}

static int kernel_space_wait(struct mmsb_space *space, struct mmsb_wait_args *args)
{
	if (!ioctl(fd_of(space), MMSB_IOC_WAIT, args))
		return 0;
	if (errno == ETIME)
		return msl_fail(ETIME, "the time is up and the page's epoch is not above %llu", (unsigned long long)args->epoch);
	return fail("MMSB_IOC_WAIT", errno == ESTALE ? MMSB_REASON_STALE_PAGE : errno == ENOENT ? MMSB_REASON_NO_PAGE : 0);
}

/* ------------------------------------------------------------------------------------------------------------- ring */

static int ring_map(struct kernel_ring *ring, const struct mmsb_ring_open_args *args)
{
	int err;

	ring->engine_bytes = args->engine_bytes;
	ring->client_bytes = args->client_bytes;
	ring->engine = map(ring->fd, MMSB_MAP_RING_ENGINE, args->engine_bytes, PROT_READ);
	if (!ring->engine)
		return fail("mapping the ring", 0);
	ring->client = map(ring->fd, MMSB_MAP_RING_CLIENT, args->client_bytes, PROT_READ | PROT_WRITE);
	if (ring->client)
		return 0;
	err = fail("mapping the ring", 0);
	munmap(ring->engine, ring->engine_bytes);
	return err;
}

static int kernel_ring_open(struct mmsb_space *space, struct mmsb_ring_open_args *args, struct mmsb_ring **out)
{
	struct kernel_ring *ring = msl_alloc(sizeof(*ring));
	int err;

	if (!ring)
		return -ENOMEM;
	ring->fd = ioctl(fd_of(space), MMSB_IOC_RING_OPEN, args);
	if (ring->fd < 0) {
		err = fail("MMSB_IOC_RING_OPEN", args->reason);
		goto no_ring;
	}
	err = ring_map(ring, args);
	if (err)
		goto no_map;
	msl_ring_init(&ring->ring, space, args, ring->engine, ring->client);
	*out = &ring->ring;
	return 0;

no_map:
	close(ring->fd);
no_ring:
	free(ring);
	return err;
}

static void kernel_ring_close(struct mmsb_ring *handle)
{
	struct kernel_ring *ring = (struct kernel_ring *)handle;

	munmap(ring->client, ring->client_bytes);
	munmap(ring->engine, ring->engine_bytes);
	close(ring->fd);
	msl_ring_fini(handle);
	free(ring);
}

static int kernel_ring_fd(const struct mmsb_ring *ring)
{
	return ((const struct kernel_ring *)ring)->fd;
}

static int enter(struct mmsb_ring *ring, struct mmsb_enter_args *args)
{
	args->size = sizeof(*args);
	if (msl_likely(!ioctl(kernel_ring_fd(ring), MMSB_IOC_ENTER, args)))
		return 0;
	return fail("MMSB_IOC_ENTER", errno == EPIPE ? msl_load(ring->engine->reason) : 0);
}

static int kernel_ring_enter(struct mmsb_ring *ring, uint32_t min_complete, uint64_t timeout_ns)
{
	return enter(ring, &(struct mmsb_enter_args){ .min_complete = min_complete, .timeout_ns = timeout_ns });
}

static int kernel_ring_enter_for_room(struct mmsb_ring *ring, uint64_t timeout_ns)
{
	return enter(ring, &(struct mmsb_enter_args){ .flags = MMSB_ENTER_ROOM, .timeout_ns = timeout_ns });
}

static int kernel_ring_snapshot(struct mmsb_ring *ring, struct mmsb_snapshot_args *args)
{
	return ioctl(kernel_ring_fd(ring), MMSB_IOC_SNAPSHOT, args) ? fail("MMSB_IOC_SNAPSHOT", args->reason) : 0;
}

static int kernel_ring_graph(struct mmsb_ring *ring, struct mmsb_graph_args *args)
{
	return ioctl(kernel_ring_fd(ring), MMSB_IOC_GRAPH, args) ? fail("MMSB_IOC_GRAPH", args->reason) : 0;
}

/* ---------------------------------------------------------------------------------------------------------- history */

#define HISTORY_BUFFER	(64u << 10)

struct kernel_history {
	struct mmsb_history history;
	int fd;
	uint8_t *buffer;
	size_t room, filled, at;
};

/* The descriptor never blocks: who waits does so in poll(), which knows a timeout. */
static int history_prepare(struct kernel_history *history)
{
	history->buffer = msl_alloc(HISTORY_BUFFER);
	if (!history->buffer)
		return -ENOMEM;
	history->room = HISTORY_BUFFER;
	if (fcntl(history->fd, F_SETFL, O_NONBLOCK)) {
		free(history->buffer);
		return fail("fcntl", 0);
	}
	return 0;
}

static int kernel_history_open(struct mmsb_space *space, struct mmsb_history_open_args *args, struct mmsb_history **out)
{
	struct kernel_history *history = msl_alloc(sizeof(*history));
	int err;

	if (!history)
		return -ENOMEM;
	history->fd = ioctl(fd_of(space), MMSB_IOC_HISTORY_OPEN, args);
	if (history->fd < 0) {
		err = fail("MMSB_IOC_HISTORY_OPEN", args->reason);
		goto no_history;
	}
	err = history_prepare(history);
	if (err)
		goto no_buffer;
	*out = &history->history;
	return 0;

no_buffer:
	close(history->fd);
no_history:
	free(history);
	return err;
}

static void kernel_history_close(struct mmsb_history *handle)
{
	struct kernel_history *history = (struct kernel_history *)handle;

	close(history->fd);
	free(history->buffer);
	free(history);
}

static int kernel_history_fd(const struct mmsb_history *history)
{
	return ((const struct kernel_history *)history)->fd;
}

static int kernel_history_capture(struct mmsb_history *handle, struct mmsb_log_capture_args *args)
{
	struct kernel_history *history = (struct kernel_history *)handle;

	return ioctl(history->fd, MMSB_IOC_LOG_CAPTURE, args) ? fail("capturing the space", args->reason) : 0;
}

static int history_sleep(struct kernel_history *history, const struct msl_deadline *deadline)
{
	struct pollfd poll_fd = { .fd = history->fd, .events = POLLIN };
	uint64_t left = msl_deadline_left(deadline);
	struct timespec ts = { .tv_sec = (time_t)(left / 1000000000), .tv_nsec = (long)(left % 1000000000) };
	int n = ppoll(&poll_fd, 1, left == MMSB_FOREVER ? NULL : &ts, NULL);

	if (n < 0)
		return fail("poll", 0);
	return n ? 0 : msl_fail(ETIME, "the time is up and the space has told nothing more");
}

/* Room for one record that is larger than all before. */
static int history_grow(struct kernel_history *history)
{
	uint8_t *buffer = msl_alloc(2 * history->room);

	if (!buffer)
		return -ENOMEM;
	free(history->buffer);
	history->buffer = buffer;
	history->room *= 2;
	return 0;
}

static int history_fill(struct kernel_history *history, const struct msl_deadline *deadline)
{
	ssize_t n;

	msl_store(history->at, 0);
	msl_store(history->filled, 0);
	n = read(history->fd, history->buffer, history->room);
	if (n >= 0) {
		msl_store(history->filled, (size_t)n);
		return 0;
	}
	if (errno == EAGAIN)
		return history_sleep(history, deadline);
	return errno == EMSGSIZE ? history_grow(history) : fail("reading the history", 0);
}

/* Another thread may be reading meanwhile: then this is a look from outside. */
static int kernel_history_wait(struct mmsb_history *handle, uint64_t timeout_ns)
{
	struct kernel_history *history = (struct kernel_history *)handle;
	struct msl_deadline deadline = msl_deadline(timeout_ns);

	return msl_load(history->at) < msl_load(history->filled) ? 0 : history_sleep(history, &deadline);
}

static int kernel_history_durable(struct mmsb_history *history, struct mmsb_log_durable_args *args)
{
	return ioctl(kernel_history_fd(history), MMSB_IOC_LOG_DURABLE, args) ? fail("MMSB_IOC_LOG_DURABLE", 0) : 0;
}

static int kernel_space_durability(struct mmsb_space *space, struct mmsb_durability_args *args)
{
	return ioctl(fd_of(space), MMSB_IOC_DURABILITY, args) ? fail("MMSB_IOC_DURABILITY", args->reason) : 0;
}

static int kernel_space_sync(struct mmsb_space *space, struct mmsb_sync_args *args)
{
	return ioctl(fd_of(space), MMSB_IOC_SYNC, args) ? fail("MMSB_IOC_SYNC", args->reason) : 0;
}

static int kernel_history_next(struct mmsb_history *handle, const struct mmsb_record **record, uint64_t timeout_ns)
{
	struct kernel_history *history = (struct kernel_history *)handle;
	struct msl_deadline deadline = msl_deadline(timeout_ns);
	int err;

	while (history->at == history->filled) {
		err = history_fill(history, &deadline);
		if (err)
			return err;
	}
	*record = (const struct mmsb_record *)(history->buffer + history->at);
	msl_store(history->at, history->at + (*record)->bytes);
	return 0;
}

/* ----------------------------------------------------------------------------------------------------------- events */

struct kernel_events {
	struct mmsb_events events;
	int fd;
	void *engine, *client;
	uint64_t engine_bytes, client_bytes;
};

static int events_map(struct kernel_events *events, const struct mmsb_events_open_args *args)
{
	int err;

	events->engine_bytes = args->engine_bytes;
	events->client_bytes = args->client_bytes;
	events->engine = map(events->fd, MMSB_MAP_EVENTS_ENGINE, args->engine_bytes, PROT_READ);
	if (!events->engine)
		return fail("mapping the events", 0);
	events->client = map(events->fd, MMSB_MAP_EVENTS_CLIENT, args->client_bytes, PROT_READ | PROT_WRITE);
	if (events->client)
		return 0;
	err = fail("mapping the events", 0);
	munmap(events->engine, events->engine_bytes);
	return err;
}

static int kernel_events_open(struct mmsb_space *space, struct mmsb_events_open_args *args, struct mmsb_events **out)
{
	struct kernel_events *events = msl_alloc(sizeof(*events));
	int err;

	if (!events)
		return -ENOMEM;
	events->fd = ioctl(fd_of(space), MMSB_IOC_EVENTS_OPEN, args);
	if (events->fd < 0) {
		err = fail("MMSB_IOC_EVENTS_OPEN", args->reason);
		goto no_events;
	}
	err = events_map(events, args);
	if (err)
		goto no_map;
	msl_events_init(&events->events, space, args, events->engine, events->client);
	*out = &events->events;
	return 0;

no_map:
	close(events->fd);
no_events:
	free(events);
	return err;
}

static void kernel_events_close(struct mmsb_events *handle)
{
	struct kernel_events *events = (struct kernel_events *)handle;

	munmap(events->client, events->client_bytes);
	munmap(events->engine, events->engine_bytes);
	close(events->fd);
	msl_events_fini(handle);
	free(events);
}

static int kernel_events_fd(const struct mmsb_events *events)
{
	return ((const struct kernel_events *)events)->fd;
}

static int kernel_events_filter(struct mmsb_events *events, struct mmsb_events_filter_args *args)
{
	return ioctl(kernel_events_fd(events), MMSB_IOC_EVENTS_FILTER, args) ? fail("MMSB_IOC_EVENTS_FILTER", args->reason) : 0;
}

static int kernel_events_wait(struct mmsb_events *events, uint64_t timeout_ns)
{
	struct pollfd poll_fd = { .fd = kernel_events_fd(events), .events = POLLIN };
	struct timespec ts = { .tv_sec = (time_t)(timeout_ns / 1000000000), .tv_nsec = (long)(timeout_ns % 1000000000) };
	int n = ppoll(&poll_fd, 1, timeout_ns == MMSB_FOREVER ? NULL : &ts, NULL);

	if (n < 0)
		return fail("poll", 0);
	if (!(poll_fd.revents & POLLERR))
		return n ? 0 : -ETIME;
	msl_fail_reason(msl_load(events->engine->reason));
	return -EPIPE;
}

const struct msl_home msl_home_kernel = {
	.name = "kernel",
	.open = kernel_open,
	.close = kernel_close,
	.info = kernel_info,
	.rule_register = kernel_rule_register,
	.space_open = kernel_space_open,
	.space_from_fd = kernel_space_from_fd,
	.space_remove = kernel_space_remove,
	.space_next = kernel_space_next,
	.space_close = kernel_space_close,
	.space_fd = kernel_space_fd,
	.space_info = kernel_space_info,
	.space_reset = kernel_space_reset,
	.space_hash = kernel_space_hash,
	.space_limit = kernel_space_limit,
	.space_verify = kernel_space_verify,
	.space_timing = kernel_space_timing,
	.space_audit = kernel_space_audit,
	.space_wait = kernel_space_wait,
	.events_open = kernel_events_open,
	.events_close = kernel_events_close,
	.events_fd = kernel_events_fd,
	.events_filter = kernel_events_filter,
	.events_wait = kernel_events_wait,
	.history_open = kernel_history_open,
	.history_close = kernel_history_close,
	.history_fd = kernel_history_fd,
	.history_capture = kernel_history_capture,
	.history_next = kernel_history_next,
	.history_wait = kernel_history_wait,
	.history_durable = kernel_history_durable,
	.space_durability = kernel_space_durability,
	.space_sync = kernel_space_sync,
	.ring_open = kernel_ring_open,
	.ring_close = kernel_ring_close,
	.ring_fd = kernel_ring_fd,
	.ring_enter = kernel_ring_enter,
	.ring_enter_for_room = kernel_ring_enter_for_room,
	.ring_snapshot = kernel_ring_snapshot,
	.ring_graph = kernel_ring_graph,
};
