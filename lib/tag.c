// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <time.h>
#include <sys/random.h>
#include "ring.h"

/* Half of the tags serve payload operands, so that completions nobody reaps never fill the queue; the rest serve the library. */
static bool tags_make(struct mmsb_ring *ring)
{
	struct msl_tags *tags = &ring->tags;
	struct timespec now;

	if (tags->tag)
		return true;
	tags->tag = msl_alloc(ring->cq_entries * sizeof(*tags->tag));
	if (!tags->tag)
		return false;
	tags->size = ring->cq_entries;
	if (getrandom(&tags->key, sizeof(tags->key), GRND_NONBLOCK) != sizeof(tags->key)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		tags->key = ((uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec ^ (uintptr_t)ring) * 0x9e3779b97f4a7c15ull;
	}
	return true;
}

struct msl_tag *msl_tag_take(struct mmsb_ring *ring, struct mmsb_sqe *sqe, bool own)
{
	struct msl_tags *tags = &ring->tags;
	struct msl_tag *tag;
	uint32_t limit;

	if (!tags_make(ring))
		return NULL;
	limit = own ? tags->size : (tags->size + 1) / 2;
	if (tags->tail - tags->head >= limit)
		msl_ring_sweep(ring);
	if (tags->tail - tags->head >= limit)
		return NULL;
	tag = &tags->tag[tags->tail++ & (tags->size - 1)];
	tag->entry = ring->sq_tail - 1 - ((ring->sq_tail - 1 - (uint32_t)(sqe - ring->sqes)) & (ring->sq_entries - 1));
	tag->payload_end = tags->payload_tail;
	tag->state = MSL_TAG_PREPARED;
	tag->own = own;
	return tag;
}

void msl_tag_untake(struct mmsb_ring *ring)
{
	struct msl_tags *tags = &ring->tags;
	struct msl_tag *tag = &tags->tag[--tags->tail & (tags->size - 1)];

	tag->state = MSL_TAG_FREE;
	if (tags->tail == tags->head)
		tags->payload_tail = tags->payload_head;
	else
		tags->payload_tail = tags->tag[(tags->tail - 1) & (tags->size - 1)].payload_end;
}

/* With nothing of it in use, and nobody but the one who asks, the area may as well begin at its beginning: an operand may need all of it. */
static void payload_rewind(struct mmsb_ring *ring)
{
	struct msl_tags *tags = &ring->tags;

	if (tags->payload_head != tags->payload_tail || tags->tail - tags->head > 1)
		return;
	tags->payload_tail = (tags->payload_tail + ring->payload_bytes - 1) / ring->payload_bytes * ring->payload_bytes;
	tags->payload_head = tags->payload_tail;
}

/* An operand does not wrap: what is left at the end of the area is skipped when it is too short. */
static bool payload_take(struct mmsb_ring *ring, uint64_t bytes, uint64_t *at)
{
	struct msl_tags *tags = &ring->tags;
	uint64_t start = tags->payload_tail % ring->payload_bytes;
	uint64_t skip = bytes > ring->payload_bytes - start ? ring->payload_bytes - start : 0;

	if (tags->payload_tail + skip + bytes - tags->payload_head > ring->payload_bytes)
		return false;
	*at = (start + skip) % ring->payload_bytes;
	tags->payload_tail += skip + bytes;
	return true;
}

void *msl_tag_payload(struct mmsb_ring *ring, struct msl_tag *tag, struct mmsb_sqe *sqe, size_t bytes)
{
	uint64_t aligned = ((uint64_t)bytes + 7) & ~7ull, at;

	if (bytes == 0 || aligned > ring->payload_bytes || aligned < bytes)
		return NULL;
	if (!payload_take(ring, aligned, &at)) {
		msl_ring_sweep(ring);
		payload_rewind(ring);
		if (!payload_take(ring, aligned, &at))
			return NULL;
	}
	tag->payload_end = ring->tags.payload_tail;
	sqe->flags |= MMSB_SQE_PAYLOAD;
	sqe->payload = at;
	sqe->word[1] = 0;
	sqe->word[2] = 0;
	return ring->payload + at;
}

void *mmsb_sqe_payload(struct mmsb_ring *ring, struct mmsb_sqe *sqe, size_t bytes)
{
	struct msl_tag *tag = msl_tag_take(ring, sqe, false);
	void *payload = tag ? msl_tag_payload(ring, tag, sqe, bytes) : NULL;

	if (tag && !payload)
		msl_tag_untake(ring);
	return payload;
}

void msl_tags_send(struct mmsb_ring *ring)
{
	struct msl_tags *tags = &ring->tags;

	for (; tags->sent != tags->tail; tags->sent++) {
		uint32_t number = tags->sent & (tags->size - 1);
		struct msl_tag *tag = &tags->tag[number];
		struct mmsb_sqe *sqe = &ring->sqes[tag->entry & (ring->sq_entries - 1)];

		tag->user_data = sqe->user_data;
		tag->quiet = sqe->flags & MMSB_SQE_QUIET;
		tag->state = MSL_TAG_SENT;
		sqe->flags &= (uint16_t)~MMSB_SQE_QUIET;
		sqe->user_data = tags->key ^ number;
	}
}

struct msl_tag *msl_tag_of(struct mmsb_ring *ring, const struct mmsb_cqe *cqe)
{
	uint64_t number = cqe->user_data ^ ring->tags.key;

	if (number >= ring->tags.size || ring->tags.tag[number].state != MSL_TAG_SENT)
		return NULL;
	return &ring->tags.tag[number];
}

void msl_tag_done(struct mmsb_ring *ring, struct msl_tag *tag)
{
	struct msl_tags *tags = &ring->tags;

	tag->state = MSL_TAG_FREE;
	while (tags->head != tags->sent && tags->tag[tags->head & (tags->size - 1)].state == MSL_TAG_FREE) {
		tags->payload_head = tags->tag[tags->head & (tags->size - 1)].payload_end;
		tags->head++;
	}
}
