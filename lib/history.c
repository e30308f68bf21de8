// SPDX-License-Identifier: MIT
/*
 * Reading a space's history. Where the records come from is the home's business: a descriptor, or the engine itself.
 */
#include "home.h"

int msl_history_open(struct mmsb_space *space, struct mmsb_history_open_args *args, struct mmsb_history **history)
{
	int err = space->home->history_open(space, args, history);

	if (args->reason == MMSB_REASON_READ_ONLY)
		return msl_fail(EPERM, "the space was opened READ_ONLY: open it without (READ_ONLY)");
	if (err)
		return err;
	(*history)->home = space->home;
	(*history)->space = space;
	msl_space_get(space);
	return 0;
}

int mmsb_history_open(struct mmsb_space *space, const struct mmsb_history_opts *opts, struct mmsb_history **history)
{
	struct mmsb_history_open_args args = { .size = sizeof(args) };
	struct mmsb_history_opts o;
	int err = MSL_OPTS(o, opts);

	*history = NULL;
	if (err)
		return err;
	args.limit = o.limit;
	args.flags = o.flags;
	args.mode = o.mode;
	args.log_id[0] = o.log_id[0];
	args.log_id[1] = o.log_id[1];
	args.wake_bytes = o.wake_bytes;
	return msl_history_open(space, &args, history);
}

int mmsb_history_wait(struct mmsb_history *history, uint64_t timeout_ns)
{
	return history->home->history_wait(history, timeout_ns);
}

int mmsb_history_durable(struct mmsb_history *history, uint32_t flags, uint64_t tick)
{
	struct mmsb_log_durable_args args = { .size = sizeof(args), .flags = flags, .tick = tick };

	return history->home->history_durable(history, &args);
}

void mmsb_history_close(struct mmsb_history *history)
{
	struct mmsb_space *space;

	if (!history)
		return;
	space = history->space;
	history->home->history_close(history);
	msl_space_put(space);
}

int mmsb_history_fd(const struct mmsb_history *history)
{
	return history->home->history_fd(history);
}

int mmsb_history_capture(struct mmsb_history *history, uint64_t *tick)
{
	struct mmsb_log_capture_args args = { .size = sizeof(args) };
	int err = history->home->history_capture(history, &args);

	if (!err && tick)
		*tick = args.tick;
	return err;
}

int mmsb_history_next(struct mmsb_history *history, const struct mmsb_record **record, uint64_t timeout_ns)
{
	*record = NULL;
	return history->home->history_next(history, record, timeout_ns);
}
