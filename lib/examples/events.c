// SPDX-License-Identifier: MIT
/* Follows a page by its events, and the page that is derived from it. */
#include <inttypes.h>
#include <mmsb/mmsb.h>
#include <stdio.h>

static void tell(struct mmsb_space *space, const struct mmsb_event *event)
{
	uint64_t value = 0;

	if (event->what == MMSB_EVENT_LOST)
		printf("%" PRIu64 " events were lost: read the pages again\n", (uint64_t)event->epoch);
	else if (event->what == MMSB_EVENT_CHANGED && mmsb_read(space, event->page, 0, &value, sizeof(value), NULL) > 0)
		printf("tick %" PRIu64 ": %s %" PRIu64 "\n", (uint64_t)event->tick,
		       event->kind == MMSB_KIND_DERIVED ? "derived" : "source", value);
}

int main(void)
{
	struct mmsb_events *events;
	struct mmsb_event event;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint64_t page, sum;
	struct mmsb *mmsb;

	if (mmsb_open(&mmsb, NULL) || mmsb_space_open(mmsb, NULL, NULL, &space) || mmsb_ring_open(space, NULL, &ring) ||
	    mmsb_create(ring, 64, &page) || mmsb_create(ring, 64, &sum) ||
	    mmsb_derive_fold(ring, sum, MMSB_RULE_SUM, MMSB_LANE_I64, &page, NULL, 1, NULL))
		goto failed;
	if (mmsb_events_open(space, MMSB_OPTS(struct mmsb_events_opts, .what = MMSB_EVENTS_OF(MMSB_EVENT_CHANGED)), &events))
		goto failed;
	if (mmsb_add(ring, page, 0, 40, NULL) || mmsb_add(ring, page, 8, 2, NULL))
		goto failed;
	while (!mmsb_events_next(events, &event, 10000000))
		tell(space, &event);
	mmsb_events_close(events);
	mmsb_ring_close(ring);
	mmsb_close(mmsb);
	return 0;
failed:
	fprintf(stderr, "events: %s\n", mmsb_strerror_last());
	return 1;
}
