// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "events.h"
#include "meet.h"
#include "node.h"
#include "quota.h"
#include "space.h"

#define DEFAULT_ENTRIES	1024u

struct ms_events {
	struct ms_space *space;
	struct ms_events *next;
	struct ms_events_config config;
	struct mmsb_events_engine *engine;
	struct mmsb_event *entries;
	struct mmsb_events_client *client;
	const u64 *ids;			/* the client's */

	/* Written with all run locks held, read under any. */
	u32 what, kinds, pages;
	u64 *wanted;			/* ids to filter by, found by hash; 0: nothing here */
	u32 wanted_mask;

	/* Under the lock. */
	struct pf_mutex lock;
	u32 tail;
	u64 lost;
	bool untold;			/* that something was lost */
	bool broken;

	struct pf_waitq waitq;
	struct pf_shared engine_area, client_area;
};

/* -------------------------------------------------------------------------------------------------------------- notes */

void ms_note(struct ms_shard *shard, u64 page, enum mmsb_event_what what, u8 kind)
{
	struct mmsb_line *line = ms_line_at(shard->space, MMSB_PAGE_INDEX(page));
	struct ms_notes *notes = shard->notes;
	u32 at = line->note;

	if (at >= notes->count || notes->note[at].page != page) {
		if (unlikely(notes->count == notes->room)) {
			notes->missed++;
			return;
		}
		at = notes->count++;
		line->note = at;
		notes->note[at] = (struct ms_note){ .page = page };
	}
	notes->note[at].what |= (u8)MMSB_EVENTS_OF(what);
	notes->note[at].kind = kind;
}

/* What became of the page: a page that is gone did not change, and one that was computed after all is not stale. */
static void note_close(const struct ms_space *space, struct ms_note *note)
{
	const struct mmsb_line *line = ms_line_at(space, MMSB_PAGE_INDEX(note->page));

	if (note->what & MMSB_EVENTS_OF(MMSB_EVENT_DESTROYED)) {
		note->what &= MMSB_EVENTS_OF(MMSB_EVENT_CREATED) | MMSB_EVENTS_OF(MMSB_EVENT_DESTROYED);
		note->epoch = 0;
		return;
	}
	if (!(line->flags & MMSB_LINE_STALE))
		note->what &= (u8)~MMSB_EVENTS_OF(MMSB_EVENT_STALE);
	note->kind = line->kind;
	note->epoch = line->epoch;
}

static void notes_free(struct ms_notes **notes, u32 shards)
{
	u32 i;

	for (i = 0; notes && i < shards; i++)
		pf_free(notes[i]);
	pf_free(notes);
}

static u64 notes_bytes(u32 room)
{
	return sizeof(struct ms_notes) + room * sizeof(struct ms_note);
}

static struct ms_notes **notes_allocate(const struct ms_space *space, u32 room)
{
	struct ms_notes **notes = pf_alloc(space->nshards * sizeof(*notes), -1);
	u32 i;

	for (i = 0; notes && i < space->nshards; i++) {
		notes[i] = pf_alloc(notes_bytes(room), space->shards[i]->node);
		if (!notes[i]) {
			notes_free(notes, i);
			return NULL;
		}
		notes[i]->room = room;
	}
	return notes;
}

/* With all run locks held. Leaves what was there before in its place; a tick of a replay may be under way. */
static void notes_exchange(struct ms_space *space, struct ms_notes **notes)
{
	u32 i;

	for (i = 0; i < space->nshards; i++) {
		struct ms_notes *before = space->shards[i]->notes;

		if (before) {
			notes[i]->count = before->count;
			notes[i]->missed = before->missed;
			memcpy(notes[i]->note, before->note, before->count * sizeof(*before->note));
		}
		space->shards[i]->notes = notes[i];
		notes[i] = before;
	}
}

static void notes_forget(struct ms_notes *notes)
{
	notes->count = 0;
	notes->missed = 0;
}

/* ------------------------------------------------------------------------------------------------------------- filter */

static u32 wanted_slot(const struct ms_events *events, u64 page)
{
	u32 slot = (u32)(page * 0x9e3779b97f4a7c15ull >> 32);

	for (slot &= events->wanted_mask; events->wanted[slot] && events->wanted[slot] != page;)
		slot = (slot + 1) & events->wanted_mask;
	return slot;
}

static bool events_want_page(const struct ms_events *events, const struct ms_note *note)
{
	if (!(events->kinds & MMSB_EVENTS_OF(note->kind)))
		return false;
	return !events->pages || events->wanted[wanted_slot(events, note->page)];
}

/* ----------------------------------------------------------------------------------------------------------- the ring */

static void events_break(struct ms_events *events)
{
	events->broken = true;
	pf_write(events->engine->reason, MMSB_REASON_EVENTS_HEAD);
	pf_write(events->engine->flags, MMSB_EVENTS_BROKEN);
}

struct telling {
	struct ms_events *events;
	u32 room;
	u64 tick;
};

/* Looks at the client's head once. */
static bool telling_begin(struct telling *telling, struct ms_events *events, u64 tick)
{
	u32 used;

	pf_mutex_lock(&events->lock);
	used = events->tail - pf_acquire(&events->client->head);	/* partner: the client's release of head */
	if (unlikely(used > events->config.entries && !events->broken))
		events_break(events);
	*telling = (struct telling){ events, events->config.entries - used, tick };
	return !events->broken;
}

static void write_entry(struct telling *telling, const struct mmsb_event *event)
{
	struct ms_events *events = telling->events;

	events->entries[events->tail++ & (events->config.entries - 1)] = *event;
	telling->room--;
}

static void tell_loss(struct telling *telling)
{
	struct ms_events *events = telling->events;

	if (likely(!events->untold) || !telling->room)
		return;
	events->untold = false;
	write_entry(telling, &(struct mmsb_event){ .what = MMSB_EVENT_LOST, .epoch = events->lost, .tick = telling->tick });
}

static void lose(struct telling *telling, u64 n)
{
	telling->events->lost += n;
	telling->events->untold = true;
}

static void tell(struct telling *telling, const struct mmsb_event *event)
{
	tell_loss(telling);
	if (telling->room)
		write_entry(telling, event);
	else
		lose(telling, 1);
}

static void tell_one(struct telling *telling, enum mmsb_event_what what, u64 epoch)
{
	tell(telling, &(struct mmsb_event){ .what = (u8)what, .epoch = epoch, .tick = telling->tick });
}

/* In this order: who finds the ring empty behind a look at `lost` has seen all that came before the loss. */
static void telling_end(struct telling *telling)
{
	struct ms_events *events = telling->events;
	bool news = events->engine->tail != events->tail;

	pf_release(&events->engine->tail, events->tail);	/* partner: the client's acquire before it reads entries */
	if (unlikely(events->engine->lost != events->lost))
		pf_release(&events->engine->lost, events->lost);	/* partner: the client's acquire of an empty ring's */
	pf_mutex_unlock(&events->lock);
	if (!news && !events->broken)
		return;
	pf_mb();	/* partner: the barrier between registering and looking, in pf_waitq_wait() */
	if (pf_waitq_active(&events->waitq))
		pf_waitq_wake(&events->waitq);
}

static void tell_note(struct telling *telling, const struct ms_note *note)
{
	u32 what = note->what & telling->events->what;

	if (!what || !events_want_page(telling->events, note))
		return;
	for (; what; what &= what - 1)
		tell(telling, &(struct mmsb_event){
			.page = note->page,
			.epoch = note->epoch,
			.tick = telling->tick,
			.what = (u8)__builtin_ctz(what),
			.kind = note->kind,
		});
}

static void tell_tick(struct telling *telling, const struct ms_notes *notes, bool ends)
{
	u32 i;

	for (i = 0; i < notes->count; i++)
		tell_note(telling, &notes->note[i]);
	if (unlikely(notes->missed)) {
		lose(telling, notes->missed);
		tell_loss(telling);
	}
	if (ends && (telling->events->what & MMSB_EVENTS_OF(MMSB_EVENT_TICK)))
		tell_one(telling, MMSB_EVENT_TICK, 0);
}

void ms_events_tell(struct ms_shard *shard, bool ends)
{
	struct ms_notes *notes = shard->notes;
	struct ms_events *events;
	struct telling telling;
	u32 i;

	pf_runlock_assert(&shard->run);
	if (!ends && !notes->count && !notes->missed)
		return;
	for (i = 0; i < notes->count; i++)
		note_close(shard->space, &notes->note[i]);
	for (events = shard->space->listeners.first; events; events = events->next) {
		if (telling_begin(&telling, events, shard->tick))
			tell_tick(&telling, notes, ends);
		telling_end(&telling);
	}
	notes_forget(notes);
}

void ms_events_tell_all(struct ms_space *space)
{
	u32 i;

	for (i = 0; space->listeners.first && i < space->nshards; i++)
		ms_events_tell(space->shards[i], i == space->nshards - 1);
}

void ms_events_tell_reset(struct ms_space *space)
{
	struct ms_events *events;
	struct telling telling;
	u32 i;

	for (i = 0; space->listeners.first && i < space->nshards; i++)
		notes_forget(space->shards[i]->notes);
	for (events = space->listeners.first; events; events = events->next) {
		if (telling_begin(&telling, events, 0))
			tell_one(&telling, MMSB_EVENT_RESET, space->page->incarnation);
		telling_end(&telling);
	}
}

/* --------------------------------------------------------------------------------------------------------------- life */

static u32 round_up_pow2(u32 n)
{
	return n <= 1 ? 1 : 1u << (32 - __builtin_clz(n - 1));
}

enum mmsb_reason ms_events_config_round(struct ms_events_config *config)
{
	u32 entries = config->entries ? config->entries : DEFAULT_ENTRIES;

	if (entries > MMSB_EVENTS_MAX || config->pages > MMSB_EVENTS_PAGES_MAX)
		return MMSB_REASON_BAD_EVENTS;
	config->entries = round_up_pow2(entries);
	return MMSB_REASON_NONE;
}

static u64 engine_area_bytes(const struct ms_events_config *config)
{
	return MMSB_RING_HEADER + ((config->entries * sizeof(struct mmsb_event) + 4095) & ~4095ull);
}

static u64 client_area_bytes(const struct ms_events_config *config)
{
	return MMSB_RING_HEADER + ((config->pages * sizeof(u64) + 4095) & ~4095ull);
}

/* At most half full. */
static u32 wanted_room(const struct ms_events_config *config)
{
	return config->pages ? 2 * round_up_pow2(config->pages) : 0;
}

static u64 events_memory(const struct ms_events_config *config)
{
	return sizeof(struct ms_events) + wanted_room(config) * sizeof(u64) + engine_area_bytes(config) + client_area_bytes(config);
}

static void events_lay_out(struct ms_events *events)
{
	u8 *engine = pf_shared_ptr(&events->engine_area), *client = pf_shared_ptr(&events->client_area);

	events->engine = (void *)engine;
	events->entries = (void *)(engine + MMSB_RING_HEADER);
	events->client = (void *)client;
	events->ids = (void *)(client + MMSB_RING_HEADER);
}

static enum mmsb_reason events_allocate(struct ms_space *space, const struct ms_events_config *config, struct ms_events **out)
{
	struct ms_events *events = pf_alloc(sizeof(*events), -1);
	u32 room = wanted_room(config);

	if (!events)
		return MMSB_REASON_NO_MEMORY;
	events->space = space;
	events->config = *config;
	if (room) {
		events->wanted = pf_alloc(room * sizeof(u64), -1);
		if (!events->wanted)
			goto no_wanted;
		events->wanted_mask = room - 1;
	}
	if (pf_shared_alloc(&events->engine_area, engine_area_bytes(config), -1))
		goto no_engine_area;
	if (pf_shared_alloc(&events->client_area, client_area_bytes(config), -1))
		goto no_client_area;
	pf_mutex_init(&events->lock);
	pf_waitq_init(&events->waitq);
	events_lay_out(events);
	*out = events;
	return MMSB_REASON_NONE;

no_client_area:
	pf_shared_free(&events->engine_area);
no_engine_area:
	pf_free(events->wanted);
no_wanted:
	pf_free(events);
	return MMSB_REASON_NO_MEMORY;
}

static void events_free(struct ms_events *events)
{
	pf_waitq_destroy(&events->waitq);
	pf_mutex_destroy(&events->lock);
	pf_shared_free(&events->client_area);
	pf_shared_free(&events->engine_area);
	pf_free(events->wanted);
	pf_free(events);
}

/* Between ticks: a wave under way has notes that nobody took. */
static void stand_still(struct ms_space *space)
{
	ms_space_stop(space, NULL);
	ms_meet_end(space);
}

static void listeners_charge(struct ms_space *space, u32 room)
{
	struct ms_listeners *listeners = &space->listeners;

	pf_mutex_lock(&space->mutex);
	space->ring_memory -= listeners->memory;
	listeners->memory = room ? space->nshards * notes_bytes(room) : 0;
	space->ring_memory += listeners->memory;
	pf_mutex_unlock(&space->mutex);
	listeners->room = room;
}

static enum mmsb_reason listeners_add(struct ms_space *space, struct ms_events *events)
{
	struct ms_listeners *listeners = &space->listeners;
	bool more = events->config.entries > listeners->room;
	struct ms_notes **notes = NULL;

	if (more) {
		notes = notes_allocate(space, events->config.entries);
		if (!notes)
			return MMSB_REASON_NO_MEMORY;
	}
	stand_still(space);
	if (more)
		notes_exchange(space, notes);
	events->next = listeners->first;
	listeners->first = events;
	ms_space_go(space, NULL);
	if (more)
		listeners_charge(space, events->config.entries);
	notes_free(notes, space->nshards);
	return MMSB_REASON_NONE;
}

/* Nothing is allocated here, for closing must not fail: the shards' notes go one by one. */
static void listeners_remove(struct ms_space *space, struct ms_events *events)
{
	struct ms_listeners *listeners = &space->listeners;
	struct ms_events **at = &listeners->first;
	u32 i;

	stand_still(space);
	while (*at != events)
		at = &(*at)->next;
	*at = events->next;
	for (i = 0; !listeners->first && i < space->nshards; i++) {
		pf_free(space->shards[i]->notes);
		space->shards[i]->notes = NULL;
	}
	ms_space_go(space, NULL);
	if (!listeners->first)
		listeners_charge(space, 0);
}

enum mmsb_reason ms_events_create(struct ms_space *space, const struct ms_events_config *config, struct ms_events **out)
{
	u64 id;
	enum mmsb_reason reason = ms_quota_ring(space, events_memory(config), &id);

	if (reason)
		return reason;
	reason = events_allocate(space, config, out);
	if (reason)
		goto no_events;
	pf_mutex_lock(&space->listeners.lock);
	reason = listeners_add(space, *out);
	pf_mutex_unlock(&space->listeners.lock);
	if (!reason)
		return reason;
	events_free(*out);
no_events:
	ms_quota_ring_back(space, events_memory(config));
	return reason;
}

/* Who may still hold it: passes (the list, under a run lock). The home has seen to it that no caller does. */
void ms_events_close(struct ms_events *events)
{
	struct ms_space *space = events->space;

	pf_mutex_lock(&space->listeners.lock);
	listeners_remove(space, events);
	pf_mutex_unlock(&space->listeners.lock);
	ms_quota_ring_back(space, events_memory(&events->config));
	events_free(events);
}

/* -------------------------------------------------------------------------------------------------------------- entry */

static void filter_set(struct ms_events *events, u32 what, u32 kinds, u32 pages)
{
	u32 i;

	events->what = what;
	events->kinds = kinds;
	events->pages = pages;
	if (pages)
		memset(events->wanted, 0, (events->wanted_mask + 1ul) * sizeof(u64));
	for (i = 0; i < pages; i++) {
		u64 page = pf_read(events->ids[i]);

		events->wanted[wanted_slot(events, page)] = page;
	}
}

enum mmsb_reason ms_events_filter(struct ms_events *events, struct mmsb_events_filter_args *args)
{
	struct ms_space *space = events->space;

	if (args->flags || args->what & ~MMSB_EVENTS_KNOWN || args->kinds & ~MMSB_EVENTS_KINDS)
		return MMSB_REASON_BAD_FLAGS;
	if (args->pages > events->config.pages)
		return MMSB_REASON_BAD_EVENTS;
	pf_mutex_lock(&space->listeners.lock);
	stand_still(space);
	filter_set(events, args->what, args->kinds, args->pages);
	args->tick = space->page->tick;
	ms_space_go(space, NULL);
	pf_mutex_unlock(&space->listeners.lock);
	return MMSB_REASON_NONE;
}

/* ---------------------------------------------------------------------------------------------------- what homes ask */

bool ms_events_readable(struct ms_events *events)
{
	return pf_acquire(&events->engine->tail) != pf_read(events->client->head);
}

bool ms_events_broken(struct ms_events *events)
{
	return pf_read(events->engine->flags) & MMSB_EVENTS_BROKEN;
}

static bool wait_is_over(void *arg)
{
	return ms_events_readable(arg) || ms_events_broken(arg);
}

int ms_events_wait(struct ms_events *events, u64 timeout_ns)
{
	int result = pf_waitq_wait(&events->waitq, wait_is_over, events, timeout_ns);

	return ms_events_broken(events) ? -EPIPE : result;
}

const struct ms_events_config *ms_events_config(const struct ms_events *events)
{
	return &events->config;
}

struct pf_shared *ms_events_engine_area(struct ms_events *events)
{
	return &events->engine_area;
}

struct pf_shared *ms_events_client_area(struct ms_events *events)
{
	return &events->client_area;
}

struct pf_waitq *ms_events_waitq(struct ms_events *events)
{
	return &events->waitq;
}
