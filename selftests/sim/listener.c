// SPDX-License-Identifier: GPL-2.0-only
#include "listener.h"
#include "space.h"

#define LISTENERS	2u
#define PERIODS		8u
#define IDS		4u
#define TOLD		1024u
#define PAUSES		20000u		/* in which whoever can go on does */

/* What is in force behind a tick. */
struct period {
	u64 tick;
	u32 what, kinds, pages;
	u64 ids[IDS];
};

struct listener {
	struct stage *stage;
	struct ms_events *events;
	struct mmsb_events_engine *engine;
	const struct mmsb_event *entries;
	struct mmsb_events_client *client;
	u64 *ids;
	struct sim_actor *actor;
	struct rng rng;
	u32 nentries, head, patience;
	struct period periods[PERIODS];
	u32 nperiods;
	struct mmsb_event told[TOLD];
	u32 ntold;
	u64 lost;			/* as told by LOST, or by the counter of an empty ring */
	bool spilled;			/* more was told than is kept here */
};

static struct listener listeners[LISTENERS];
static u32 nlisteners;
static bool stop;

/* ----------------------------------------------------------------------------------------------------------- filtering */

static void filter(struct listener *me, u32 what)
{
	struct period *period = &me->periods[me->nperiods];
	struct mmsb_events_filter_args args = { .size = sizeof(args), .what = what };
	u32 i;

	args.kinds = rng_once_in(&me->rng, 4) ? MMSB_EVENTS_OF(1 + rng_below(&me->rng, 2)) : MMSB_EVENTS_KINDS;
	args.pages = rng_once_in(&me->rng, 2) ? 0 : 1 + (u32)rng_below(&me->rng, IDS);
	for (i = 0; i < args.pages; i++) {
		const struct book *book = ledger_any((u32)rng_next(&me->rng));

		period->ids[i] = book ? book->id : MMSB_PAGE_ID(1, i);
		pf_write(me->ids[i], period->ids[i]);
	}
	sim_drain();
	if (ms_events_filter(me->events, &args))
		sim_fail("a filter is refused");
	period->tick = args.tick;
	period->what = args.what;
	period->kinds = args.kinds;
	period->pages = args.pages;
	me->nperiods++;
	sim_trace("listens to %x of kinds %x of %u pages behind tick %llu", what, args.kinds, args.pages, (unsigned long long)args.tick);
}

static u32 some_events(struct rng *rng)
{
	return rng_once_in(rng, 2) ? MMSB_EVENTS_KNOWN : MMSB_EVENTS_KNOWN & (u32)rng_next(rng);
}

/* ------------------------------------------------------------------------------------------------------------- reading */

static void hear(struct listener *me, const struct mmsb_event *event)
{
	sim_trace("hears of page %llx: %u, epoch %llu, tick %llu", (unsigned long long)event->page, event->what,
		  (unsigned long long)event->epoch, (unsigned long long)event->tick);
	if (event->what == MMSB_EVENT_LOST) {
		if (event->epoch < me->lost)
			sim_fail("%llu were lost, and then only %llu", (unsigned long long)me->lost, (unsigned long long)event->epoch);
		me->lost = event->epoch;
	} else if (me->ntold < TOLD) {
		me->told[me->ntold++] = *event;
	} else {
		me->spilled = true;
	}
}

static bool hear_some(struct listener *me)
{
	u32 tail = pf_acquire(&me->engine->tail), n = 0;

	if (tail - me->head > me->nentries)
		sim_fail("an event ring holds more than it has room for");
	for (; me->head != tail && n < 4; n++) {
		hear(me, &me->entries[me->head & (me->nentries - 1)]);
		pf_release(&me->client->head, ++me->head);
	}
	return n;
}

/* As the ABI says: an empty ring's counter, and a look whether it is empty still. */
static void look_for_loss(struct listener *me)
{
	u64 lost = pf_acquire(&me->engine->lost);

	if (pf_acquire(&me->engine->tail) == me->head && lost > me->lost)
		me->lost = lost;
}

static bool has_come_or_ends(void *arg)
{
	struct listener *me = arg;

	return pf_acquire(&stop) || ms_events_readable(me->events) || ms_events_broken(me->events);
}

/* A filter for nothing stands behind all ticks: what came before it has been told when it is in force. */
static void end(struct listener *me)
{
	filter(me, 0);
	while (hear_some(me))
		;
	look_for_loss(me);
}

static void listener_main(void *arg)
{
	struct listener *me = arg;
	u32 n;

	while (!pf_acquire(&stop)) {
		if (!hear_some(me)) {
			look_for_loss(me);
			pf_waitq_wait(ms_events_waitq(me->events), has_come_or_ends, me, ~0ull);
		}
		if (me->nperiods < PERIODS - 1 && rng_once_in(&me->rng, 12))
			filter(me, some_events(&me->rng));
		for (n = (u32)rng_below(&me->rng, me->patience + 1); n && !pf_acquire(&stop); n--)
			sim_pause(SIM_PLACE);
	}
	if (ms_events_broken(me->events))
		sim_fail("an event ring is broken, and nobody has broken it");
	end(me);
}

/* ---------------------------------------------------------------------------------------------------------------- life */

static bool listener_open(struct listener *me)
{
	static const u32 entries[] = { 1, 2, 8, 32, TOLD };
	struct ms_events_config config = { .pages = IDS };
	enum mmsb_reason reason;
	u8 *engine, *client;

	config.entries = entries[rng_below(&me->rng, 5)];
	ms_events_config_round(&config);
	reason = ms_events_create(me->stage->space, &config, &me->events);
	if (reason && (reason != MMSB_REASON_NO_MEMORY || !sim_injects()))
		sim_fail("an event ring is refused for reason %d", reason);
	if (reason)
		return false;
	engine = pf_shared_ptr(ms_events_engine_area(me->events));
	client = pf_shared_ptr(ms_events_client_area(me->events));
	me->engine = (void *)engine;
	me->entries = (const void *)(engine + MMSB_RING_HEADER);
	me->client = (void *)client;
	me->ids = (void *)(client + MMSB_RING_HEADER);
	me->nentries = config.entries;
	me->patience = rng_once_in(&me->rng, 2) ? 0 : 40;
	filter(me, some_events(&me->rng));
	return true;
}

void listeners_begin(struct stage *stage)
{
	u32 n = rng_once_in(&stage->rng, 2) ? 0 : 1 + (u32)rng_below(&stage->rng, LISTENERS);

	nlisteners = 0;
	stop = false;
	while (n--) {
		struct listener *me = &listeners[nlisteners];

		memset(me, 0, sizeof(*me));
		me->stage = stage;
		me->rng.state = rng_next(&stage->rng);
		if (!listener_open(me))
			continue;
		me->actor = sim_spawn("listener", nlisteners++, listener_main, me);
	}
}

bool listeners_are_there(void)
{
	return nlisteners;
}

static bool have_ended(void *arg)
{
	u32 i;

	(void)arg;
	for (i = 0; i < nlisteners; i++)
		if (!sim_has_ended(listeners[i].actor))
			return false;
	return true;
}

/* Nobody but the engine wakes them, and there is nothing else to do. */
static void await(struct listener *me)
{
	u32 pauses = 0;

	me->patience = 0;
	while (ms_events_readable(me->events)) {
		if (pauses++ == PAUSES)
			sim_fail("there are events, and their reader was not woken");
		sim_pause(SIM_PLACE);
	}
}

void listeners_await(void)
{
	u32 i;

	for (i = 0; i < nlisteners; i++)
		await(&listeners[i]);
}

void listeners_stop(void)
{
	u32 i;

	listeners_await();
	pf_release(&stop, true);
	sim_drain();
	for (i = 0; i < nlisteners; i++)
		pf_waitq_wake(ms_events_waitq(listeners[i].events));
	sim_wait_for(have_ended, NULL, SIM_PLACE);
	for (i = 0; i < nlisteners; i++)
		ms_events_close(listeners[i].events);
}

/* ------------------------------------------------------------------------------------------------------------- verdict */

static const struct period *period_at(const struct listener *me, u64 tick)
{
	const struct period *period = NULL;
	u32 i;

	for (i = 0; i < me->nperiods && me->periods[i].tick < tick; i++)
		period = &me->periods[i];
	return period;
}

static bool period_wants_page(const struct period *period, u64 page)
{
	u32 i;

	for (i = 0; i < period->pages; i++)
		if (period->ids[i] == page)
			return true;
	return !period->pages;
}

/* `kind` 0: whatever it was. */
static bool passes(const struct listener *me, u64 tick, u32 what, u64 page, u32 kind)
{
	const struct period *period = period_at(me, tick);
	u32 kinds = kind ? MMSB_EVENTS_OF(kind) : MMSB_EVENTS_KINDS;

	if (!period || !(period->what & MMSB_EVENTS_OF(what)))
		return false;
	return what == MMSB_EVENT_TICK || ((period->kinds & kinds) == kinds && period_wants_page(period, page));
}

static bool was_told(const struct listener *me, u32 before, u64 page, u64 tick, u32 what)
{
	u32 i;

	for (i = 0; i < before; i++)
		if (me->told[i].page == page && me->told[i].tick == tick && me->told[i].what == what)
			return true;
	return false;
}

/* What a record did to its page, as events name it. */
static u32 what_of(const struct record *record)
{
	if (!record->came || record->cqe.result)
		return MMSB_EVENT_NONE;
	if (record->sqe.op == MMSB_OP_CREATE)
		return MMSB_EVENT_CREATED;
	if (record->sqe.op == MMSB_OP_DESTROY)
		return MMSB_EVENT_DESTROYED;
	return record->cqe.flags & MMSB_CQE_UNCHANGED ? MMSB_EVENT_NONE : MMSB_EVENT_CHANGED;
}

/* Whether the ledger knows all that was done to the page. */
static bool is_open_book(const struct book *book)
{
	const struct record *record;

	for (record = book->first; record; record = record->next)
		if (!record->came)
			return false;
	return !book->follows;
}

static bool did(const struct book *book, u64 tick, u32 what)
{
	const struct record *record;

	for (record = book->first; record; record = record->next)
		if (what_of(record) == what && record->cqe.tick == tick)
			return true;
	return false;
}

static u64 epoch_behind(const struct book *book, u64 tick)
{
	const struct record *record;
	u64 epoch = 0;

	for (record = book->first; record; record = record->next)
		if (what_of(record) == MMSB_EVENT_CHANGED && record->cqe.tick == tick && record->cqe.epoch > epoch)
			epoch = record->cqe.epoch;
	return epoch;
}

static void judge_told(const struct listener *me, const struct mmsb_event *event)
{
	const struct book *book = ledger_book_of(event->page);

	if (event->what == MMSB_EVENT_STALE && event->kind != MMSB_KIND_DERIVED)
		sim_fail("page %llx is told to be stale, and follows nothing", (unsigned long long)event->page);
	if (!passes(me, event->tick, event->what, event->page, event->kind))
		sim_fail("event %u of page %llx in tick %llu did not pass the filter", event->what, (unsigned long long)event->page,
			 (unsigned long long)event->tick);
	if (!book || !is_open_book(book))
		return;
	if (!did(book, event->tick, event->what))
		sim_fail("page %llx: tick %llu is told to have done %u to it, and did not", (unsigned long long)event->page,
			 (unsigned long long)event->tick, event->what);
	if (event->what != MMSB_EVENT_DESTROYED && !did(book, event->tick, MMSB_EVENT_DESTROYED) &&
	    event->epoch != epoch_behind(book, event->tick))
		sim_fail("page %llx: tick %llu is told to have left epoch %llu, and left %llu", (unsigned long long)event->page,
			 (unsigned long long)event->tick, (unsigned long long)event->epoch,
			 (unsigned long long)epoch_behind(book, event->tick));
}

static bool is_missing(const struct listener *me, u64 page, u64 tick, u32 what, u32 kind)
{
	bool missing = passes(me, tick, what, page, kind) && !was_told(me, me->ntold, page, tick, what);

	if (missing)
		sim_trace("nobody told of page %llx: %u, tick %llu", (unsigned long long)page, what, (unsigned long long)tick);
	return missing;
}

/* Of several changes in one tick the last counts. */
static u32 missing_of_book(const struct listener *me, const struct book *book)
{
	const struct record *record, *other;
	u32 missing = 0, what;

	for (record = book->first; record; record = record->next) {
		what = what_of(record);
		if (!what || (what == MMSB_EVENT_CHANGED && did(book, record->cqe.tick, MMSB_EVENT_DESTROYED)))
			continue;
		for (other = record->next; other; other = other->next)
			if (what_of(other) == what && other->cqe.tick == record->cqe.tick)
				break;
		missing += !other && is_missing(me, book->id, record->cqe.tick, what, MMSB_KIND_SOURCE);
	}
	return missing;
}

/* Of a derived page it is known that it changed if somebody saw it so. */
static u32 missing_of_plant(const struct listener *me, const struct book *book)
{
	const struct sighting *seen, *other;
	u32 missing = 0;

	for (seen = book->sightings; seen; seen = seen->next) {
		if (seen->gone || !seen->epoch || did(book, seen->tick, MMSB_EVENT_DESTROYED))
			continue;
		for (other = seen->next; other; other = other->next)
			if (!other->gone && other->tick == seen->tick)
				break;
		missing += !other && is_missing(me, book->id, seen->tick, MMSB_EVENT_CHANGED, 0);
	}
	return missing;
}

static void judge_missing(const struct listener *me)
{
	u32 missing = 0, i;

	for (i = 0; i < ledger_books(); i++) {
		const struct book *book = ledger_any(i);

		if (book->follows)
			missing += missing_of_plant(me, book);
		else if (is_open_book(book))
			missing += missing_of_book(me, book);
	}
	if (missing > me->lost)
		sim_fail("a listener was not told of %u things, and of %llu losses", missing, (unsigned long long)me->lost);
	if (me->lost && me->nentries == TOLD)
		sim_fail("%llu were lost, though there was room for all", (unsigned long long)me->lost);
}

/* Behind a reset, of which the news may be lost, ids and ticks come again. */
static void judge_twice(const struct listener *me)
{
	u32 i;

	for (i = 0; i < me->ntold && me->told[i].what != MMSB_EVENT_RESET; i++) {
		const struct mmsb_event *event = &me->told[i];

		if (was_told(me, i, event->page, event->tick, event->what))
			sim_fail("event %u of page %llx in tick %llu is told twice", event->what, (unsigned long long)event->page,
				 (unsigned long long)event->tick);
	}
}

static void judge(const struct listener *me)
{
	u32 i;

	if (!ledger_is_blurred() || !me->lost)
		judge_twice(me);
	if (ledger_is_blurred())
		return;
	for (i = 0; i < me->ntold; i++)
		judge_told(me, &me->told[i]);
	if (!me->spilled)
		judge_missing(me);
}

void listeners_judge(void)
{
	u32 i;

	for (i = 0; i < nlisteners; i++)
		judge(&listeners[i]);
}
