// SPDX-License-Identifier: MIT
/*
 * Reading events. While there are any nothing here is a syscall; what was lost is handed out as an event too, so that a reader
 * who only ever asks for the next one hears of it in its place.
 */
#include "events.h"
#include "ring.h"

/* ------------------------------------------------------------------------------------------------- opening, closing */

void msl_events_init(struct mmsb_events *events, struct mmsb_space *space, const struct mmsb_events_open_args *args,
		     const void *engine, void *client)
{
	events->home = space->home;
	events->space = space;
	events->engine = engine;
	events->entries = (const struct mmsb_event *)((const uint8_t *)engine + MMSB_RING_HEADER);
	events->client = client;
	events->ids = (uint64_t *)((uint8_t *)client + MMSB_RING_HEADER);
	events->nentries = args->entries;
	events->room = args->pages;
	pthread_mutex_init(&events->filter_lock, NULL);
	msl_space_get(space);
}

void msl_events_fini(struct mmsb_events *events)
{
	pthread_mutex_destroy(&events->filter_lock);
	msl_space_put(events->space);
}

int mmsb_events_filter(struct mmsb_events *events, const struct mmsb_events_filter *filter, uint64_t *tick)
{
	struct mmsb_events_filter_args args = { .size = sizeof(args) };
	struct mmsb_events_filter f;
	int err = MSL_OPTS(f, filter);

	if (err)
		return err;
	if (f.n > events->room)
		return msl_fail_reason(MMSB_REASON_BAD_EVENTS);
	args.what = f.what ? f.what : MMSB_EVENTS_PAGES;
	args.kinds = f.kinds ? f.kinds : MMSB_EVENTS_KINDS;
	args.pages = f.n;
	pthread_mutex_lock(&events->filter_lock);
	if (f.n)
		memcpy(events->ids, f.pages, f.n * sizeof(*f.pages));
	err = events->home->events_filter(events, &args);
	pthread_mutex_unlock(&events->filter_lock);
	if (!err && tick)
		*tick = args.tick;
	return err;
}

int mmsb_events_open(struct mmsb_space *space, const struct mmsb_events_opts *opts, struct mmsb_events **events)
{
	struct mmsb_events_open_args args = { .size = sizeof(args) };
	struct mmsb_events_filter filter = { .size = sizeof(filter) };
	struct mmsb_events_opts o;
	int err = MSL_OPTS(o, opts);

	*events = NULL;
	if (err)
		return err;
	args.entries = o.entries;
	args.pages = o.n > o.max_pages ? o.n : o.max_pages;
	err = space->home->events_open(space, &args, events);
	if (err)
		return err;
	filter.what = o.what;
	filter.kinds = o.kinds;
	filter.pages = o.pages;
	filter.n = o.n;
	err = mmsb_events_filter(*events, &filter, NULL);
	if (!err)
		return 0;
	mmsb_events_close(*events);
	*events = NULL;
	return err;
}

void mmsb_events_close(struct mmsb_events *events)
{
	if (events)
		events->home->events_close(events);
}

int mmsb_events_fd(const struct mmsb_events *events)
{
	return events->home->events_fd(events);
}

uint64_t mmsb_events_lost(const struct mmsb_events *events)
{
	return msl_events_lost(events->engine);
}

/* ---------------------------------------------------------------------------------------------------------- reading */

static bool is_empty(struct mmsb_events *events)
{
	if (events->head == events->tail)
		events->tail = msl_events_tail(events->engine);
	return events->head == events->tail;
}

/* True: more was lost than the caller knows of, and *event tells him. */
static bool is_news(struct mmsb_events *events, uint64_t lost, uint64_t tick, struct mmsb_event *event)
{
	uint64_t more = lost - events->told;

	if (!more || more >> 63)	/* told already, while the ring was empty */
		return false;
	events->told = lost;
	*event = (struct mmsb_event){ .what = MMSB_EVENT_LOST, .epoch = more, .tick = tick };
	return true;
}

static bool take(struct mmsb_events *events, struct mmsb_event *event)
{
	bool news = true;

	*event = events->entries[events->head++ & (events->nentries - 1)];
	if (msl_unlikely(event->what == MMSB_EVENT_LOST))
		news = is_news(events, event->epoch, event->tick, event);
	msl_events_give_back(events->client, events->head);
	return news;
}

/* What was lost behind the last entry. */
static bool take_loss(struct mmsb_events *events, struct mmsb_event *event)
{
	uint64_t lost = msl_events_lost(events->engine);

	return is_empty(events) && is_news(events, lost, 0, event);
}

static bool next_now(struct mmsb_events *events, struct mmsb_event *event)
{
	while (!is_empty(events))
		if (take(events, event))
			return true;
	return take_loss(events, event);
}

int mmsb_events_next(struct mmsb_events *events, struct mmsb_event *event, uint64_t timeout_ns)
{
	struct msl_deadline deadline;
	int err = 0;

	if (msl_likely(next_now(events, event)))
		return 0;
	deadline = msl_deadline(timeout_ns);
	do {
		err = events->home->events_wait(events, msl_deadline_left(&deadline));
		if (next_now(events, event))
			return 0;
	} while (!err);
	if (err == -ETIME)
		return msl_fail(ETIME, "the time is up and nothing has happened");
	return err;
}
