// SPDX-License-Identifier: MIT
/*
 * Histories and logs, read from the engine in this process. A history's records are given where they lie. A log's are copied, a buffer at a
 * time, because another writer may take the log over and free what lies there.
 */
#include <stdlib.h>
#include "embedded.h"
#include "ring.h"

#define BUFFER	(256u << 10)

struct embedded_history {
	struct mmsb_history history;
	struct ms_history *engine;
	bool log;
	__u64 term;
	const struct mmsb_record *next;		/* was read, and had no room in the buffer */
	uint8_t *buffer;
	size_t room, filled, at;
};

static void history_free(struct embedded_history *history)
{
	free(history->buffer);
	free(history);
}

int embedded_history_open(struct mmsb_space *handle, struct mmsb_history_open_args *args, struct mmsb_history **out)
{
	struct embedded_space *space = (struct embedded_space *)handle;
	struct embedded_history *history = msl_alloc(sizeof(*history));

	if (!history)
		return -ENOMEM;
	history->log = args->flags & MMSB_HISTORY_LOG;
	if (history->log) {
		history->room = BUFFER;
		history->buffer = msl_alloc(BUFFER);
		if (!history->buffer) {
			history_free(history);
			return -ENOMEM;
		}
	}
	args->reason = MMSB_REASON_READ_ONLY;
	if (!space->read_only)
		args->reason = ms_history_open(space->instance->engine, args, &history->engine);
	history->term = args->term;
	if (args->reason) {
		history_free(history);
		return msl_fail_reason(args->reason);
	}
	*out = &history->history;
	return 0;
}

void embedded_history_close(struct mmsb_history *handle)
{
	struct embedded_history *history = (struct embedded_history *)handle;

	if (history->log)
		ms_log_close(history->engine, history->term);
	else
		ms_history_close(history->engine);
	history_free(history);
}

int embedded_history_capture(struct mmsb_history *handle, struct mmsb_log_capture_args *args)
{
	struct embedded_history *history = (struct embedded_history *)handle;
	u64 tick = 0;

	args->reason = ms_history_capture(history->engine, history->term, &tick);
	args->tick = tick;
	return args->reason ? msl_fail_reason(args->reason) : 0;
}

static int fail_wait(int err)
{
	if (err == -ETIME)
		return msl_fail(ETIME, "the time is up and the space has told nothing more");
	return err == -EINTR ? msl_fail(EINTR, "a signal came") : err;
}

/* Another thread may be reading meanwhile: then this is a look from outside. */
int embedded_history_wait(struct mmsb_history *handle, uint64_t timeout_ns)
{
	struct embedded_history *history = (struct embedded_history *)handle;

	return msl_load(history->at) < msl_load(history->filled) ? 0 : fail_wait(ms_history_wait(history->engine, timeout_ns));
}

static int history_grow(struct embedded_history *history, size_t bytes)
{
	uint8_t *buffer = msl_alloc(bytes);

	if (!buffer)
		return -ENOMEM;
	free(history->buffer);
	history->buffer = buffer;
	history->room = bytes;
	return 0;
}

/* Between enter and leave. */
static int copy_some(struct embedded_history *history)
{
	enum mmsb_reason reason = MMSB_REASON_NONE;
	int err;

	for (;;) {
		if (!history->next)
			reason = ms_history_next(history->engine, &history->next);
		if (reason)
			return history->filled ? 0 : msl_fail_reason(reason);
		if (!history->next)
			return 0;
		if (history->next->bytes > history->room - history->filled) {
			err = history->filled ? 0 : history_grow(history, history->next->bytes);
			if (err || history->filled)
				return err;
		}
		memcpy(history->buffer + history->filled, history->next, history->next->bytes);
		msl_store(history->filled, history->filled + history->next->bytes);
		history->next = NULL;
	}
}

static int history_fill(struct embedded_history *history)
{
	enum mmsb_reason reason = ms_history_enter(history->engine, history->term);
	int err;

	if (reason)
		return msl_fail_reason(reason);
	msl_store(history->at, 0);
	msl_store(history->filled, 0);
	err = copy_some(history);
	ms_history_leave(history->engine);
	return err;
}

static int log_next(struct embedded_history *history, const struct mmsb_record **record)
{
	int err = history->at < history->filled ? 0 : history_fill(history);

	if (err || history->at == history->filled)
		return err;
	*record = (const struct mmsb_record *)(history->buffer + history->at);
	msl_store(history->at, history->at + (*record)->bytes);
	return 0;
}

static int history_next(struct embedded_history *history, const struct mmsb_record **record)
{
	enum mmsb_reason reason;

	if (history->log)
		return log_next(history, record);
	reason = ms_history_next(history->engine, record);
	return reason ? msl_fail_reason(reason) : 0;
}

int embedded_history_next(struct mmsb_history *handle, const struct mmsb_record **record, uint64_t timeout_ns)
{
	struct embedded_history *history = (struct embedded_history *)handle;
	struct msl_deadline deadline = msl_deadline(timeout_ns);
	int err;

	for (;;) {
		err = history_next(history, record);
		if (err || *record)
			return err;
		err = embedded_history_wait(handle, msl_deadline_left(&deadline));
		if (err)
			return err;
	}
}

int embedded_history_durable(struct mmsb_history *handle, struct mmsb_log_durable_args *args)
{
	struct embedded_history *history = (struct embedded_history *)handle;
	enum mmsb_reason reason = MMSB_REASON_NO_LOG;

	if (history->log)
		reason = ms_log_durable(history->engine, history->term, args->flags, args->tick);
	return reason ? msl_fail_reason(reason) : 0;
}

int embedded_space_durability(struct mmsb_space *handle, struct mmsb_durability_args *args)
{
	struct embedded_space *space = (struct embedded_space *)handle;
	bool set = args->flags & MMSB_DURABILITY_SET;

	if (set && space->read_only)
		return msl_fail_reason(MMSB_REASON_READ_ONLY);
	args->reason = ms_log_durability(space->instance->engine, set, args);
	return args->reason ? msl_fail_reason(args->reason) : 0;
}

int embedded_space_sync(struct mmsb_space *handle, struct mmsb_sync_args *args)
{
	struct embedded_space *space = (struct embedded_space *)handle;
	int err;

	args->reason = ms_log_sync(space->instance->engine, args->tick, args->timeout_ns, &args->durable, &err);
	return args->reason ? msl_fail_reason(args->reason) : err;
}
