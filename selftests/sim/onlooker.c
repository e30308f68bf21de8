// SPDX-License-Identifier: GPL-2.0-only
/* Those who look on: readers by the sequence, waiters, takers of snapshots, those who ask for the hash; and one who resets the space. */
#include "cast.h"
#include "garden.h"
#include "historian.h"

#define TRIES	16u

static struct book *any_book(struct player *player)
{
	return ledger_any((u32)rng_next(&player->rng));
}

/* ---------------------------------------------------------------------------------------------------------- reading */

/* A reader's mapping: zeros where nothing is filled. */
static const void *mapped(struct ms_region *region, u64 offset)
{
	static const u64 zeros[8];
	const u8 *chunk = ms_region_chunk(region, offset >> PF_CHUNK_SHIFT);

	return chunk ? chunk + (offset & (PF_CHUNK - 1)) : (const void *)zeros;
}

static const struct mmsb_line *mapped_line(struct stage *stage, u64 page)
{
	return mapped(ms_space_directory(stage->space), (u64)MMSB_PAGE_INDEX(page) * sizeof(struct mmsb_line));
}

static void read_bytes(struct stage *stage, u64 place, struct sighting *seen)
{
	u32 i, n;

	for (i = 0; i < seen->size; i += n) {
		u64 word = *(const volatile u64 *)mapped(ms_space_arena(stage->space), place + i);

		n = seen->size - i < 8 ? seen->size - i : 8;
		memcpy(seen->bytes + i, &word, n);
	}
}

enum look { LOOK_FINE, LOOK_AGAIN, LOOK_GONE };

static enum look read_once(struct stage *stage, u64 page, struct sighting *seen)
{
	u64 seq = pf_acquire(&mapped_line(stage, page)->seq), place;
	u32 generation, kind;

	if (seq & 1)
		return LOOK_AGAIN;
	seen->epoch = pf_read(mapped_line(stage, page)->epoch);
	seen->tick = pf_read(mapped_line(stage, page)->tick);
	seen->size = pf_read(mapped_line(stage, page)->size);
	place = pf_read(mapped_line(stage, page)->place);
	generation = pf_read(mapped_line(stage, page)->generation);
	kind = pf_read(mapped_line(stage, page)->kind);
	if (seen->size <= PAGE_BYTES_MAX)
		read_bytes(stage, place, seen);
	pf_rmb();
	if (pf_read(mapped_line(stage, page)->seq) != seq)
		return LOOK_AGAIN;
	return generation == MMSB_PAGE_GENERATION(page) && kind != MMSB_KIND_NONE ? LOOK_FINE : LOOK_GONE;
}

/* A page that is not there yet and one that is no more look alike: only those that are found are kept. */
static bool read_page(struct player *player, struct book *book, u64 *at_tick, struct sighting **kept)
{
	struct sighting found = { 0 };
	enum look look = LOOK_AGAIN;
	u32 tries;

	for (tries = 0; look == LOOK_AGAIN && tries < TRIES; tries++)
		look = read_once(player->stage, book->id, &found);
	if (look != LOOK_FINE || ledger_is_blurred())
		return false;
	sim_trace("reads page %llx at epoch %llu", (unsigned long long)book->id, (unsigned long long)found.epoch);
	*kept = ledger_sight(book);
	if (!*kept)
		return false;
	found.next = (*kept)->next;
	found.at_tick = *at_tick;
	**kept = found;
	return true;
}

/* Two pages between a look at the ticks that closed and one at those that opened: if both agree, they stood so at that tick. */
static void read_two(struct player *player)
{
	struct mmsb_space_page *page = pf_shared_ptr(ms_space_page(player->stage->space));
	struct book *books[2] = { any_book(player), any_book(player) };
	u64 closed = pf_acquire(&page->closed), none = NO_TICK;
	struct sighting *seen[2] = { NULL, NULL };
	u32 i;

	for (i = 0; i < 2; i++)
		if (books[i])
			read_page(player, books[i], &none, &seen[i]);
	pf_rmb();
	if (pf_acquire(&page->tick) != closed)
		return;
	for (i = 0; i < 2; i++)
		if (seen[i])
			seen[i]->at_tick = closed;
}

void reader_main(void *arg)
{
	struct player *player = arg;

	for (; player->left && !player->stage->ending; player->left--) {
		read_two(player);
		sim_pause(SIM_PLACE);
	}
}

/* ---------------------------------------------------------------------------------------------------------- waiting */

/* Without a timeout only for an epoch that the last change of all is sure to pass. */
static void watch_one(struct player *player, struct book *book)
{
	bool timed = ledger_is_blurred() || player->stage->resets || book->follows || rng_once_in(&player->rng, 3);
	u64 epoch = book->seen + (timed ? rng_below(&player->rng, 3) : 0), now = 0, id = book->id;
	int err;

	sim_trace("waits for page %llx above epoch %llu%s", (unsigned long long)id, (unsigned long long)epoch,
		  timed ? " for a time" : "");
	err = ms_page_wait(player->stage->space, id, epoch, timed ? 1000 : ~0ull, &now);
	sim_trace("waited: %d, now %llu", err, (unsigned long long)now);
	if (!err && now <= epoch)
		sim_fail("a wait for an epoch above %llu returns at %llu", (unsigned long long)epoch, (unsigned long long)now);
	if (err == -ETIME && !timed)
		sim_fail("a wait without a timeout ran out");
	if (err && err != -ETIME && err != -EINTR && err != -ENOMEM && err != -ENOENT && err != -ESTALE)
		sim_fail("a wait returns %d", err);
}

void watcher_main(void *arg)
{
	struct player *player = arg;
	struct book *book;

	for (; player->left && !player->stage->ending; player->left--) {
		book = any_book(player);
		if (book)
			watch_one(player, book);
		sim_pause(SIM_PLACE);
	}
}

/* -------------------------------------------------------------------------------------------------------- snapshots */

#define SNAPSHOT_PAGES	4u
#define SNAPSHOT_OUT	(SNAPSHOT_AT + 8 * SNAPSHOT_PAGES)

static void snapshot_keep(struct book *book, const struct mmsb_snapshot_entry *entry, const u8 *payload, u64 tick)
{
	struct sighting *seen;

	if (entry->result && entry->result != -ESTALE && entry->result != -ENOENT)
		sim_fail("an entry of a snapshot says %d", entry->result);
	seen = ledger_sight(book);
	if (!seen)
		return;
	seen->gone = entry->result;
	seen->at_tick = tick;
	if (seen->gone)
		return;
	seen->epoch = entry->epoch;
	seen->tick = entry->tick;
	seen->size = entry->size;
	if (seen->size > PAGE_BYTES_MAX)
		sim_fail("a page in a snapshot has %u bytes", seen->size);
	memcpy(seen->bytes, payload + entry->at, seen->size);
}

static u32 draw_books(struct player *player, u64 *ids)
{
	u32 n = 1 + (u32)rng_below(&player->rng, SNAPSHOT_PAGES), i;

	for (i = 0; i < n; i++)
		ids[i] = any_book(player)->id;
	return n;
}

static void snapshot_one(struct player *player)
{
	struct mmsb_snapshot_args args = { .ids = SNAPSHOT_AT, .out = SNAPSHOT_OUT, .out_bytes = 8192 - SNAPSHOT_OUT };
	u8 *payload = player->client.payload;
	const struct mmsb_snapshot_entry *entries = (const void *)(payload + SNAPSHOT_OUT);
	u64 *ids = (u64 *)(payload + SNAPSHOT_AT);
	enum mmsb_reason reason;
	u32 family, i;

	family = rng_once_in(&player->rng, 2) ? garden_choose(&player->rng, ids, SNAPSHOT_PAGES) : 0;
	args.pages = family ? family : draw_books(player, ids);
	reason = ms_ring_snapshot(player->client.ring, &args);
	if (reason && (reason != MMSB_REASON_NO_MEMORY || !sim_injects()))
		sim_fail("a snapshot is refused for reason %d", reason);
	sim_trace("has a snapshot of %u pages at tick %llu", args.pages, (unsigned long long)args.tick);
	if (family && !reason)
		garden_check_snapshot(payload, entries, family);
	for (i = 0; !reason && i < args.pages; i++)
		snapshot_keep(ledger_book_of(ids[i]), &entries[i], payload, args.tick);
}

void snapshot_main(void *arg)
{
	struct player *player = arg;

	for (; player->left && !player->stage->ending && any_book(player); player->left--) {
		snapshot_one(player);
		sim_pause(SIM_PLACE);
	}
}

/* --------------------------------------------------------------------------------------------------- hash and reset */

/* For want of memory, where a history has to tell of it. False: it was. */
static bool may_be_refused(enum mmsb_reason reason, const char *what)
{
	if (reason && (reason != MMSB_REASON_NO_MEMORY || !sim_injects() || !historian_is_there()))
		sim_fail("%s is refused for reason %d", what, reason);
	return !reason;
}

/* Between two questions that find the same tick nothing was applied. */
void hash_main(void *arg)
{
	struct player *player = arg;
	struct ms_space *space = player->stage->space;
	u64 kept[2], afresh[2], tick[2];
	bool off;

	for (; player->left && !player->stage->ending; player->left--) {
		u32 flags = rng_once_in(&player->rng, 4) ? MMSB_HASH_ON : rng_once_in(&player->rng, 6) ? MMSB_HASH_OFF : 0;

		if (!may_be_refused(ms_space_hash(space, flags, kept, &tick[0], &off), "the hash"))
			continue;
		sim_pause(SIM_PLACE);
		if (off)
			continue;
		if (ms_space_hash(space, MMSB_HASH_RECOMPUTE, afresh, &tick[1], &off))
			sim_fail("the recomputed hash is refused");
		if (tick[0] == tick[1] && !player->stage->resets && memcmp(kept, afresh, sizeof(kept)))
			sim_fail("the hash that was kept is not the one that is computed, at tick %llu",
				 (unsigned long long)tick[0]);
	}
}

void reset_main(void *arg)
{
	struct player *player = arg;

	for (; player->left && !player->stage->ending; player->left--) {
		u32 n = 5 + (u32)rng_below(&player->rng, 40);

		while (n--)
			sim_pause(SIM_PLACE);
		sim_trace("resets");
		may_be_refused(ms_space_reset(player->stage->space), "a reset");
	}
}
