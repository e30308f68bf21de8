// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include "embedded.h"
#include "events.h"

struct embedded_events {
	struct mmsb_events events;
	struct ms_events *engine;
};

static enum mmsb_reason events_create(struct embedded_space *space, struct mmsb_events_open_args *args, struct ms_events **out)
{
	struct ms_events_config config = { .entries = args->entries, .pages = args->pages };
	enum mmsb_reason reason = ms_events_config_round(&config);

	if (!reason)
		reason = ms_events_create(space->instance->engine, &config, out);
	args->entries = config.entries;
	return reason;
}

int embedded_events_open(struct mmsb_space *handle, struct mmsb_events_open_args *args, struct mmsb_events **out)
{
	struct embedded_events *events = msl_alloc(sizeof(*events));
	enum mmsb_reason reason;

	if (!events)
		return -ENOMEM;
	reason = events_create((struct embedded_space *)handle, args, &events->engine);
	if (reason) {
		free(events);
		return msl_fail_reason(reason);
	}
	msl_events_init(&events->events, handle, args, pf_shared_ptr(ms_events_engine_area(events->engine)),
			pf_shared_ptr(ms_events_client_area(events->engine)));
	*out = &events->events;
	return 0;
}

void embedded_events_close(struct mmsb_events *handle)
{
	struct embedded_events *events = (struct embedded_events *)handle;

	ms_events_close(events->engine);
	msl_events_fini(handle);
	free(events);
}

int embedded_events_filter(struct mmsb_events *handle, struct mmsb_events_filter_args *args)
{
	struct embedded_events *events = (struct embedded_events *)handle;

	args->reason = ms_events_filter(events->engine, args);
	return args->reason ? msl_fail_reason(args->reason) : 0;
}

int embedded_events_wait(struct mmsb_events *handle, uint64_t timeout_ns)
{
	struct embedded_events *events = (struct embedded_events *)handle;
	int err = ms_events_wait(events->engine, timeout_ns);

	if (err == -EPIPE)
		msl_fail_reason(msl_load(handle->engine->reason));
	else if (err == -EINTR)
		msl_fail(EINTR, "a signal came");
	return err;
}
