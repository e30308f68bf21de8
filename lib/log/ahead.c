// SPDX-License-Identifier: MIT
#define _GNU_SOURCE	/* sched_getaffinity() */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include "../spawn.h"
#include "ahead.h"

#define BLOCKS		16u
#define BLOCK_FULL	(96u << 10)		/* with so many bytes it is given away */
#define BLOCK_ROOM	(128u << 10)		/* unless a record needs more */
#define RUN		(24u << 10)		/* images given at once are no more than that: they are copied on while they are in the cache */
#define SHORT		(256u << 10)		/* a millisecond's work, some ten times what making a thread takes */

uint64_t msl_ahead_behind = SHORT;

/* An item as it lies in a block, its words or its record behind it. */
struct entry {
	struct msl_item item;			/* without its pointers */
	size_t bytes;				/* of all */
};

struct block {
	uint8_t *bytes;
	size_t room, used;
	size_t last;				/* where the last item begins */
	int err;				/* what comes behind it; 0: more */
};

struct msl_ahead {
	msl_next_fn *next;
	void *from;
	uint64_t first, done;			/* where the first item ended, and the last one that was taken without a thread */
	bool tried, has_thread;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stop;
	uint64_t filled, taken;			/* blocks, so far */
	struct block *hand;			/* the block that is being taken from; NULL: none yet */
	size_t at;				/* in that, what comes next */
	struct block block[BLOCKS];
	char why[512];				/* the text of what ended it */
};

static struct block *block_of(struct msl_ahead *ahead, uint64_t number)
{
	return &ahead->block[number % BLOCKS];
}

/* ------------------------------------------------------------------------------------------------------- the thread */

static int block_grow(struct block *block, size_t room)
{
	uint8_t *bytes = msl_alloc(room);

	if (!bytes)
		return -ENOMEM;
	if (block->used)
		memcpy(bytes, block->bytes, block->used);
	free(block->bytes);
	block->bytes = bytes;
	block->room = room;
	return 0;
}

static struct entry *last_entry(const struct block *block)
{
	return (struct entry *)(block->bytes + block->last);
}

/* An image stands with those before it. */
static bool joins(const struct block *block, const struct msl_item *item)
{
	const struct entry *last = last_entry(block);

	return item->images && block->used && last->item.images && last->item.bytes + item->bytes <= RUN &&
	       item->bytes <= block->room - block->used;
}

static void join(struct block *block, const struct msl_item *item)
{
	struct entry *last = last_entry(block);

	memcpy(block->bytes + block->used, item->record, item->bytes);
	block->used += item->bytes;
	last->bytes += item->bytes;
	last->item.bytes += item->bytes;
	last->item.images += item->images;
	last->item.done = item->done;
}

static int block_put(struct block *block, const struct msl_item *item)
{
	size_t bytes = item->record ? item->record->bytes : item->nwords * sizeof(*item->words);
	struct entry *entry;
	int err = 0;

	if (sizeof(*entry) + bytes > block->room - block->used)
		err = block_grow(block, block->used + sizeof(*entry) + bytes);
	if (err)
		return err;
	entry = (struct entry *)(block->bytes + block->used);
	*entry = (struct entry){ *item, sizeof(*entry) + bytes };
	memcpy(entry + 1, item->record ? (const void *)item->record : item->words, bytes);
	block->last = block->used;
	block->used += entry->bytes;
	return 0;
}

static void block_fill(struct msl_ahead *ahead, struct block *block)
{
	struct msl_item item = { 0 };

	block->used = 0;
	do {
		block->err = ahead->next(ahead->from, &item);
		if (!block->err && joins(block, &item))
			join(block, &item);
		else if (!block->err)
			block->err = block_put(block, &item);
	} while (!block->err && block->used < BLOCK_FULL);
	if (block->err)
		snprintf(ahead->why, sizeof(ahead->why), "%s", mmsb_strerror_last());
}

/* Who had to wait comes back to half of them, and not to each. */
static bool wait_for_room(struct msl_ahead *ahead)
{
	if (ahead->filled - ahead->taken == BLOCKS)
		while (!ahead->stop && ahead->filled - ahead->taken > BLOCKS / 2)
			pthread_cond_wait(&ahead->changed, &ahead->lock);
	return !ahead->stop;
}

static void *run(void *arg)
{
	struct msl_ahead *ahead = arg;
	int err = 0;

	pthread_mutex_lock(&ahead->lock);
	while (!err && wait_for_room(ahead)) {
		pthread_mutex_unlock(&ahead->lock);
		block_fill(ahead, block_of(ahead, ahead->filled));
		pthread_mutex_lock(&ahead->lock);
		err = block_of(ahead, ahead->filled++)->err;
		pthread_cond_signal(&ahead->changed);
	}
	pthread_mutex_unlock(&ahead->lock);
	return NULL;
}

/* ---------------------------------------------------------------------------------------------------- whoever takes */

static int make_blocks(struct msl_ahead *ahead)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < BLOCKS; i++)
		err = block_grow(&ahead->block[i], BLOCK_ROOM);
	return err;
}

/* A thread has no more processors than who makes it: on one, two threads take longer than one. */
static bool has_processors(void)
{
	cpu_set_t cpus;

	return !sched_getaffinity(0, sizeof(cpus), &cpus) && CPU_COUNT(&cpus) > 1;
}

/* Once. It is no failure if it cannot be. */
static void try_thread(struct msl_ahead *ahead)
{
	ahead->tried = true;
	if (has_processors() && !make_blocks(ahead))
		ahead->has_thread = !msl_spawn(&ahead->thread, run, ahead);
}

void msl_ahead_begin(struct msl_ahead *ahead)
{
	try_thread(ahead);
}

static int next_here(struct msl_ahead *ahead, struct msl_item *item)
{
	int err = ahead->next(ahead->from, item);

	if (!err)
		ahead->done = item->done;
	if (!err && !ahead->first)
		ahead->first = item->done;
	return err;
}

/* The block in hand is given back, and the next one comes into it. */
static void turn_block(struct msl_ahead *ahead)
{
	pthread_mutex_lock(&ahead->lock);
	ahead->taken += !!ahead->hand;
	if (ahead->filled - ahead->taken == BLOCKS / 2)
		pthread_cond_signal(&ahead->changed);
	while (ahead->filled == ahead->taken)
		pthread_cond_wait(&ahead->changed, &ahead->lock);
	pthread_mutex_unlock(&ahead->lock);
	ahead->hand = block_of(ahead, ahead->taken);
	ahead->at = 0;
}

static int next_taken(struct msl_ahead *ahead, struct msl_item *item)
{
	struct entry *entry;

	if (!ahead->hand || (ahead->at == ahead->hand->used && !ahead->hand->err))
		turn_block(ahead);
	if (ahead->at == ahead->hand->used)
		return msl_fail(-ahead->hand->err, "%s", ahead->why);
	entry = (struct entry *)(ahead->hand->bytes + ahead->at);
	ahead->at += entry->bytes;
	*item = entry->item;
	if (item->record)
		item->record = (const struct mmsb_record *)(entry + 1);
	else
		item->words = (const struct mmsb_word *)(entry + 1);
	return 0;
}

int msl_ahead_next(struct msl_ahead *ahead, struct msl_item *item)
{
	if (!ahead->tried && ahead->first && ahead->done - ahead->first >= msl_ahead_behind)
		try_thread(ahead);
	return ahead->has_thread ? next_taken(ahead, item) : next_here(ahead, item);
}

struct msl_ahead *msl_ahead_open(msl_next_fn *next, void *from)
{
	struct msl_ahead *ahead = msl_alloc(sizeof(*ahead));

	if (!ahead)
		return NULL;
	ahead->next = next;
	ahead->from = from;
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->changed, NULL);
	return ahead;
}

/* Words in bulk, where there are any. */
static int next_of_log(void *from, struct msl_item *item)
{
	struct msl_reader *reader = from;
	int n = msl_reader_words(reader, &item->tick, &item->words), err = n < 0 ? n : 0;

	item->record = NULL;
	item->nwords = n > 0 ? (uint32_t)n : 0;
	item->images = 0;
	if (!n)
		err = msl_reader_next(reader, &item->record);
	item->done = msl_reader_done(reader, &item->all);
	return err;
}

/* Nothing more of it comes, nor has any to be held until all others are there. */
static bool is_image_alone(const struct mmsb_record *record)
{
	const struct mmsb_image *image = (const struct mmsb_image *)record;

	return record->type == MMSB_RECORD_IMAGE && !image->edges && !(image->flags & MMSB_IMAGE_AGAIN);
}

static int next_of_file(void *from, struct msl_item *item)
{
	struct msl_scan *scan = from;
	int err = msl_scan_next(scan, &item->record);

	item->images = !err && is_image_alone(item->record);
	item->bytes = item->images ? item->record->bytes : 0;
	item->done = scan->at;
	item->all = scan->bytes;
	return err;
}

struct msl_ahead *msl_ahead_of_log(struct msl_reader *reader)
{
	return msl_ahead_open(next_of_log, reader);
}

struct msl_ahead *msl_ahead_of_file(struct msl_scan *scan)
{
	return msl_ahead_open(next_of_file, scan);
}

static void stop_thread(struct msl_ahead *ahead)
{
	pthread_mutex_lock(&ahead->lock);
	ahead->stop = true;
	pthread_cond_signal(&ahead->changed);
	pthread_mutex_unlock(&ahead->lock);
	pthread_join(ahead->thread, NULL);
}

void msl_ahead_close(struct msl_ahead *ahead)
{
	unsigned int i;

	if (!ahead)
		return;
	if (ahead->has_thread)
		stop_thread(ahead);
	for (i = 0; i < BLOCKS; i++)
		free(ahead->block[i].bytes);
	pthread_cond_destroy(&ahead->changed);
	pthread_mutex_destroy(&ahead->lock);
	free(ahead);
}
