// SPDX-License-Identifier: MIT
#include "source.h"
#include "log.h"

struct space_source {
	struct msl_source source;
	struct mmsb_history *history;
};

static struct mmsb_history *history_of(struct msl_source *source)
{
	return ((struct space_source *)source)->history;
}

static int space_next(struct msl_source *source, const struct mmsb_record **record)
{
	return mmsb_history_next(history_of(source), record, 0);
}

static int space_wait(struct msl_source *source, uint64_t timeout_ns)
{
	return mmsb_history_wait(history_of(source), timeout_ns);
}

static int space_durable(struct msl_source *source, uint32_t flags, uint64_t tick)
{
	return mmsb_history_durable(history_of(source), flags, tick);
}

static int space_capture(struct msl_source *source, uint64_t *tick)
{
	return mmsb_history_capture(history_of(source), tick);
}

static void space_close(struct msl_source *source)
{
	mmsb_history_close(history_of(source));
	free(source);
}

static const struct msl_source_ops space_ops = {
	.next = space_next,
	.wait = space_wait,
	.durable = space_durable,
	.capture = space_capture,
	.close = space_close,
};

int msl_source_open(struct mmsb_space *space, struct mmsb_history_open_args *args, struct msl_source **source)
{
	struct space_source *s = msl_alloc(sizeof(*s));
	int err;

	*source = NULL;
	if (!s)
		return -ENOMEM;
	s->source.ops = &space_ops;
	err = msl_history_open(space, args, &s->history);
	if (err)
		free(s);
	else
		*source = &s->source;
	return err;
}
