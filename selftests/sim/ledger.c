// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include "client.h"
#include "common/model.h"
#include "space.h"

#define RECORDS		2048u
#define BOOKS		256u
#define SIGHTINGS	1024u

static struct record records[RECORDS];
static struct book books[BOOKS];
static struct sighting sightings[SIGHTINGS];
static struct {
	struct ms_space *space;
	u32 records, books, sightings;
	bool blurred, told;
} ledger;

void ledger_begin(struct ms_space *space)
{
	memset(&ledger, 0, sizeof(ledger));
	ledger.space = space;
}

void ledger_blur(void)
{
	ledger.blurred = true;
}

void ledger_tells(void)
{
	ledger.told = true;
}

bool ledger_is_blurred(void)
{
	return ledger.blurred;
}

/* Some are kept for the end, which has to be written in any case. */
struct record *ledger_record(void)
{
	struct record *record;

	if (ledger.records == RECORDS)
		return NULL;
	record = &records[ledger.records++];
	record->client = NULL;
	record->came = false;
	record->book = NULL;
	record->far = false;
	record->secret = false;
	return record;
}

u32 ledger_left(void)
{
	return RECORDS - ledger.records;
}

u32 ledger_number(const struct record *record)
{
	return (u32)(record - records);
}

struct record *ledger_find(u64 number)
{
	return number < ledger.records ? &records[number] : NULL;
}

void ledger_add(struct book *book, struct record *record)
{
	record->book = book;
	record->next = NULL;
	if (book->last)
		book->last->next = record;
	else
		book->first = record;
	book->last = record;
}

struct book *ledger_book_of(u64 id)
{
	u32 i;

	for (i = 0; i < ledger.books; i++)
		if (books[i].id == id)
			return &books[i];
	return NULL;
}

struct book *ledger_book(u64 id, u32 size, const struct client *owner)
{
	struct book *book = ledger_book_of(id);

	if (book && !ledger.blurred)
		sim_fail("page %llx is dealt twice", (unsigned long long)id);
	if (!book && ledger.books < BOOKS)
		book = &books[ledger.books++];
	if (book)
		*book = (struct book){ .id = id, .size = size, .owner = owner };
	return book;
}

struct book *ledger_any(u32 number)
{
	return ledger.books ? &books[number % ledger.books] : NULL;
}

u32 ledger_books(void)
{
	return ledger.books;
}

struct sighting *ledger_sight(struct book *book)
{
	struct sighting *sighting;

	if (ledger.sightings == SIGHTINGS || ledger.blurred)
		return NULL;
	sighting = &sightings[ledger.sightings++];
	memset(sighting, 0, sizeof(*sighting));
	sighting->at_tick = NO_TICK;
	sighting->next = book->sightings;
	book->sightings = sighting;
	return sighting;
}

/* A page whose id the engine chose gets its book now. */
void ledger_came(struct record *record)
{
	struct book *book = record->book;

	if (record->sqe.op == MMSB_OP_CREATE && !record->cqe.result && !book) {
		book = ledger_book(record->cqe.epoch, record->sqe.len, record->secret ? record->client : NULL);
		if (book)
			ledger_add(book, record);
	} else if (book && !record->cqe.result && record->sqe.op > MMSB_OP_DESTROY && record->cqe.epoch > book->seen) {
		book->seen = record->cqe.epoch;
	}
}

/* -------------------------------------------------------------------------------------------------- one page's order */

struct page_judge {
	struct book *book;
	struct model model;
	u64 tick;			/* of the last change; NO_TICK: it did not say */
	u64 born, gone;			/* in which tick; NO_TICK: that is not known, or did not happen */
	u32 last_of[16];		/* per ring: order of the last that said where it stood + 1 */
};

static bool is_published(const struct record *record)
{
	return record->client && (s32)(record->client->published - record->order) > 0;
}

static bool changed(const struct record *record)
{
	return !record->cqe.result && !(record->cqe.flags & MMSB_CQE_UNCHANGED);
}

static bool needs_memory(const struct record *record)
{
	return record->far || ledger.told || record->sqe.op == MMSB_OP_CREATE || (record->sqe.flags & MMSB_SQE_DETACH);
}

/* For want of memory or of room, or because other pages follow: the model has enough of both, and knows of one page only. */
static bool was_refused_elsewhere(const struct record *record)
{
	if (!record->came)
		return false;
	switch (record->cqe.reason) {
	case MMSB_REASON_NO_MEMORY:
		if (!sim_injects())
			sim_fail("%u: no memory, though no allocation failed", ledger_number(record));
		if (!needs_memory(record))
			sim_fail("%u: no memory, though it needs none", ledger_number(record));
		return true;
	case MMSB_REASON_HAS_CHILDREN:
		return record->sqe.op == MMSB_OP_DESTROY;
	case MMSB_REASON_PAGES_LIMIT:
	case MMSB_REASON_BYTES_LIMIT:
		return record->sqe.op == MMSB_OP_CREATE;
	default:
		return false;
	}
}

/* Where among its page's deltas one stood: creation, then epoch by epoch the change and what found it so, then the end. */
static u64 place_of(const struct record *record)
{
	if (record->sqe.op == MMSB_OP_CREATE)
		return 0;
	if (record->cqe.reason == MMSB_REASON_STALE_PAGE)
		return ~0ull;
	if (record->sqe.op == MMSB_OP_DESTROY && !record->cqe.result)
		return ~0ull - 1;
	return 2 * record->cqe.epoch + 1 + !changed(record);
}

static int by_place(const void *one, const void *other)
{
	const struct record *a = *(struct record *const *)one, *b = *(struct record *const *)other;
	u64 at_a = place_of(a), at_b = place_of(b);

	if (at_a != at_b)
		return at_a < at_b ? -1 : 1;
	return a < b ? -1 : a > b;
}

static bool says_where(const struct record *record)
{
	switch (record->cqe.reason) {
	case MMSB_REASON_NONE:
	case MMSB_REASON_EPOCH_DIFFERS:
	case MMSB_REASON_BYTES_DIFFER:
	case MMSB_REASON_APPEND_FULL:
	case MMSB_REASON_APPEND_CURSOR:
	case MMSB_REASON_OUT_OF_PAGE:
	case MMSB_REASON_STALE_PAGE:
		return true;
	default:
		return false;
	}
}

static void judge_order(struct page_judge *judge, const struct record *record)
{
	u32 *last = &judge->last_of[record->client->number % 16];

	if (!says_where(record))
		return;
	if (record->order + 1 <= *last)
		sim_fail("page %llx: %u of ring %u overtook what was submitted before it", (unsigned long long)judge->book->id,
			 ledger_number(record), record->client->number);
	*last = record->order + 1;
}

/* ------------------------------------------------------------------------------------------------------- sightings */

static const struct model_page *model_page(const struct page_judge *judge)
{
	return &judge->model.pages[0];
}

static void sighting_fails(const struct page_judge *judge, const struct sighting *seen, const char *why)
{
	sim_fail("page %llx was read at epoch %llu, tick %llu, as of tick %lld: %s", (unsigned long long)judge->book->id,
		 (unsigned long long)seen->epoch, (unsigned long long)seen->tick, (long long)seen->at_tick, why);
}

/* The page has just come to an epoch (or to its creation): who read it so must have read this. */
static void confirm_sightings(struct page_judge *judge)
{
	const struct model_page *page = model_page(judge);
	struct sighting *seen;

	for (seen = judge->book->sightings; seen; seen = seen->next) {
		if (seen->gone || seen->epoch != page->epoch)
			continue;
		if (seen->size != page->size || memcmp(seen->bytes, page->bytes, page->size))
			sighting_fails(judge, seen, "those were not its bytes");
		if (judge->tick != NO_TICK && seen->tick != judge->tick)
			sighting_fails(judge, seen, "that was not the tick of its last change");
		if (judge->tick != NO_TICK && seen->at_tick < judge->tick)
			sighting_fails(judge, seen, "it was not yet so at that tick");
		seen->confirmed = true;
	}
}

/* The page changes or goes in this tick: who said that it stood otherwise at a later one is wrong. */
static void refute_sightings(const struct page_judge *judge, u64 tick)
{
	const struct model_page *page = model_page(judge);
	struct sighting *seen;

	for (seen = judge->book->sightings; seen; seen = seen->next)
		if (!seen->gone && page->alive && seen->epoch == page->epoch && seen->at_tick != NO_TICK && seen->at_tick >= tick)
			sighting_fails(judge, seen, "it had changed by then");
}

static void judge_sightings_of_nothing(const struct page_judge *judge)
{
	struct sighting *seen;

	for (seen = judge->book->sightings; seen; seen = seen->next) {
		if (seen->gone && judge->born <= seen->at_tick && seen->at_tick < judge->gone)
			sighting_fails(judge, seen, "it was said not to be there");
		if (!seen->gone && !seen->confirmed)
			sighting_fails(judge, seen, "it never had that epoch");
	}
}

/* --------------------------------------------------------------------------------------------------------- the model */

/* The model has one page, so the entry is told of index 0. */
static struct model_result model_take(struct page_judge *judge, const struct record *record)
{
	struct mmsb_sqe sqe = record->sqe;
	u64 id = MMSB_PAGE_ID(MMSB_PAGE_GENERATION(judge->book->id), 0);

	if (sqe.op != MMSB_OP_CREATE || (sqe.flags & MMSB_SQE_AT))
		sqe.page = id;
	if (sqe.flags & MMSB_SQE_PAYLOAD)
		sqe.payload = 0;
	return model_apply(&judge->model, &sqe, record->operand, OPERAND_MAX, id);
}

static void compare(const struct page_judge *judge, const struct record *record, const struct model_result *result)
{
	const struct mmsb_cqe *cqe = &record->cqe;
	u64 epoch = result->flags & MMSB_CQE_CREATED ? judge->book->id : result->epoch;

	if (cqe->reason != result->reason || cqe->result != result->result)
		sim_fail("page %llx: %u (op %u) came to %d, reason %u, and should have to %d, reason %u",
			 (unsigned long long)judge->book->id, ledger_number(record), record->sqe.op, cqe->result, cqe->reason,
			 result->result, result->reason);
	if (cqe->epoch != epoch || cqe->flags != result->flags)
		sim_fail("page %llx: %u (op %u) left epoch %llu, flags %x, and should have %llu, %x",
			 (unsigned long long)judge->book->id, ledger_number(record), record->sqe.op,
			 (unsigned long long)cqe->epoch, cqe->flags, (unsigned long long)epoch, result->flags);
}

static void judge_tick(struct page_judge *judge, const struct record *record, bool change)
{
	u64 tick = record->came ? record->cqe.tick : NO_TICK;

	if (tick != NO_TICK && judge->tick != NO_TICK && tick < judge->tick && says_where(record))
		sim_fail("page %llx: %u was applied in tick %llu, behind a change in tick %llu",
			 (unsigned long long)judge->book->id, ledger_number(record), (unsigned long long)tick,
			 (unsigned long long)judge->tick);
	if (change)
		judge->tick = tick;
}

static void judge_record(struct page_judge *judge, const struct record *record)
{
	struct model_page before = *model_page(judge), after;
	struct model_result result;
	bool change;

	if (record->came && record->sqe.op != MMSB_OP_CREATE && changed(record))
		refute_sightings(judge, record->cqe.tick);
	result = model_take(judge, record);
	after = *model_page(judge);
	change = after.alive != before.alive || (after.alive && after.epoch != before.epoch);
	if (record->came) {
		compare(judge, record, &result);
		if (result.silent)
			sim_fail("%u is quiet, succeeded, and completed all the same", ledger_number(record));
	} else if (!result.silent && !record->client->mortal) {
		sim_fail("page %llx: %u (op %u) never completed", (unsigned long long)judge->book->id, ledger_number(record),
			 record->sqe.op);
	}
	judge_tick(judge, record, change);
	if (change && !before.alive)
		judge->born = judge->tick;
	if (change && !after.alive)
		judge->gone = record->came ? judge->tick : 0;
	if (change && after.alive)
		confirm_sightings(judge);
}

/* ------------------------------------------------------------------------------------------------------- the verdict */

/* The page as it stands. */
static void judge_end(const struct page_judge *judge)
{
	const struct model_page *page = model_page(judge);
	u64 id = judge->book->id;
	struct mmsb_line *line;
	u8 bytes[PAGE_BYTES_MAX];

	if (ms_page_find(ledger.space, id, &line)) {
		if (page->alive)
			sim_fail("page %llx is not there", (unsigned long long)id);
		return;
	}
	if (!page->alive)
		sim_fail("page %llx is still there", (unsigned long long)id);
	ms_page_copy(ledger.space, line, 0, bytes, page->size);
	if (line->size != page->size || memcmp(bytes, page->bytes, page->size))
		sim_fail("page %llx has other bytes than the model", (unsigned long long)id);
	if (line->epoch != page->epoch || line->seq & 1)
		sim_fail("page %llx stands at epoch %llu and should at %llu", (unsigned long long)id,
			 (unsigned long long)line->epoch, (unsigned long long)page->epoch);
}

/* A ring that died took the news with it whether its page could be made at all. */
static bool is_past_knowing(const struct book *book)
{
	const struct record *record;

	if (!book->owner || !book->owner->mortal)
		return false;
	for (record = book->first; record; record = record->next)
		if (!record->came && is_published(record) && (record->sqe.op == MMSB_OP_CREATE || sim_injects()))
			return true;
	return false;
}

static u32 list_of(const struct book *book, struct record **list)
{
	struct record *record;
	u32 n = 0;

	for (record = book->first; record; record = record->next)
		if (is_published(record) && !was_refused_elsewhere(record))
			list[n++] = record;
	return n;
}

/* What is derived changes with what it follows; but at one epoch it is one thing. */
static void judge_sightings_alike(const struct book *book)
{
	const struct sighting *one, *other;

	for (one = book->sightings; one; one = one->next)
		for (other = one->next; other && !one->gone; other = other->next)
			if (!other->gone && one->epoch == other->epoch &&
			    (one->tick != other->tick || memcmp(one->bytes, other->bytes, one->size)))
				sim_fail("page %llx was two things at epoch %llu", (unsigned long long)book->id,
					 (unsigned long long)one->epoch);
}

static void judge_book(struct book *book)
{
	static struct record *list[RECORDS];
	struct page_judge judge = { .book = book, .tick = NO_TICK, .born = NO_TICK, .gone = NO_TICK };
	u32 n = list_of(book, list), i;

	if (is_past_knowing(book))
		return;
	for (i = 0; i < n && !book->owner; i++)
		if (!list[i]->came)
			sim_fail("page %llx: %u never completed", (unsigned long long)book->id, ledger_number(list[i]));
	if (!book->owner)
		qsort(list, n, sizeof(list[0]), by_place);
	model_init(&judge.model, 1);
	for (i = 0; i < n; i++) {
		if (!book->owner)
			judge_order(&judge, list[i]);
		judge_record(&judge, list[i]);
	}
	judge_sightings_of_nothing(&judge);
	judge_end(&judge);
	model_free(&judge.model);
}

/* Entries without a page, and those whose page could not be made. */
static void judge_rest(void)
{
	u32 i;

	for (i = 0; i < ledger.records; i++) {
		const struct record *record = &records[i];

		if ((record->book && !ledger.blurred) || record->came || !is_published(record) || record->client->mortal)
			continue;
		if (!(record->sqe.flags & MMSB_SQE_QUIET))
			sim_fail("%u (op %u) of ring %u never completed", i, record->sqe.op, record->client->number);
	}
}

void ledger_judge(void)
{
	u32 i;

	for (i = 0; i < ledger.books && !ledger.blurred; i++)
		if (books[i].follows)
			judge_sightings_alike(&books[i]);
		else
			judge_book(&books[i]);
	judge_rest();
}
