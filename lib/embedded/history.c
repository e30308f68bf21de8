// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include "embedded.h"
#include "ring.h"

struct embedded_history {
	struct mmsb_history history;
	struct ms_history *engine;
};

int embedded_history_open(struct mmsb_space *handle, struct mmsb_history_open_args *args, struct mmsb_history **out)
{
	struct embedded_space *space = (struct embedded_space *)handle;
	struct embedded_history *history = msl_alloc(sizeof(*history));

	if (!history)
		return -ENOMEM;
	args->reason = MMSB_REASON_READ_ONLY;
	if (!space->read_only)
		args->reason = ms_history_open(space->instance->engine, args->limit, &history->engine);
	if (args->reason) {
		free(history);
		return msl_fail_reason(args->reason);
	}
	*out = &history->history;
	return 0;
}

void embedded_history_close(struct mmsb_history *handle)
{
	struct embedded_history *history = (struct embedded_history *)handle;

	ms_history_close(history->engine);
	free(history);
}

static int fail_wait(int err)
{
	if (err == -ETIME)
		return msl_fail(ETIME, "the time is up and the space has told nothing more");
	return err == -EINTR ? msl_fail(EINTR, "a signal came") : err;
}

int embedded_history_next(struct mmsb_history *handle, const struct mmsb_record **record, uint64_t timeout_ns)
{
	struct embedded_history *history = (struct embedded_history *)handle;
	struct msl_deadline deadline = msl_deadline(timeout_ns);
	enum mmsb_reason reason;
	int err;

	for (;;) {
		reason = ms_history_next(history->engine, record);
		if (reason)
			return msl_fail_reason(reason);
		if (*record)
			return 0;
		err = ms_history_wait(history->engine, msl_deadline_left(&deadline));
		if (err)
			return fail_wait(err);
	}
}
