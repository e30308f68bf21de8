// SPDX-License-Identifier: MIT
/*
 * Taking in images: a space begins with what was captured of another.
 *
 * Images go to the engine as they come, as many in one entry as the payload area holds. A page can be derived from any other, so what it is
 * derived from is held here until all are there, and then sent from the lowest up.
 */
#include "replay.h"

static uint64_t edges_bytes(const struct mmsb_image *image)
{
	return image->edges ? sizeof(struct mmsb_derive) + image->edges * (sizeof(struct mmsb_edge) + sizeof(uint64_t)) : 0;
}

int msl_image_begin(struct mmsb_ring *ring, const struct mmsb_hash_record *record)
{
	struct msl_replay *replay = &ring->replay;
	int err = msl_replay_settle(ring);

	if (err)
		return err;
	replay->images.open = true;
	replay->images.passed_over = !record->record.tick || mmsb_tick(ring->space);
	replay->images.capture = *record;
	replay->images.used = 0;
	replay->images.count = 0;
	if (!replay->images.passed_over)
		return msl_replay_tick(ring, record->record.tick);
	if (record->record.flags & MMSB_RECORD_HASHED && replay->compare != MMSB_NO_COMPARE && !replay->tick)
		return msl_replay_compare(ring, record);
	return 0;
}

/* ------------------------------------------------------------------------------------------------------------ sending */

static int load_add(struct mmsb_ring *ring, const void *images, uint64_t bytes)
{
	return msl_replay_gather(ring, MMSB_OP_LOAD, MSL_LOAD_DATA, images, bytes);
}

/* ------------------------------------------------------------------------------------------------------- derivations */

static int hold_grow(struct msl_images *images, size_t bytes)
{
	size_t room = 2 * images->room + bytes + 4096;
	uint8_t *held;

	if (bytes <= images->room - images->used)
		return 0;
	held = msl_alloc(room);
	if (!held)
		return -ENOMEM;
	if (images->used)
		memcpy(held, images->held, images->used);
	free(images->held);
	images->held = held;
	images->room = room;
	return 0;
}

/* The image without the page's bytes. */
static int hold(struct msl_images *images, const struct mmsb_image *image)
{
	size_t bytes = sizeof(*image) + edges_bytes(image);
	struct mmsb_image *held;
	int err;

	if (image->edges > MMSB_PARENTS_MAX || bytes > image->record.bytes)
		return msl_fail(EPROTO, "the image of page %u.%u is shorter than its %u edges", MMSB_PAGE_INDEX(image->page),
				MMSB_PAGE_GENERATION(image->page), image->edges);
	err = hold_grow(images, bytes);
	if (err)
		return err;
	held = (struct mmsb_image *)(images->held + images->used);
	memcpy(held, image, bytes);
	held->record.bytes = (uint32_t)bytes;
	held->offset = 0;
	held->length = 0;
	held->flags |= MMSB_IMAGE_EDGES;
	images->used += bytes;
	images->count++;
	return 0;
}

static int compare_heights(const void *a, const void *b)
{
	const struct mmsb_image *one = *(const struct mmsb_image *const *)a, *other = *(const struct mmsb_image *const *)b;

	return (one->height > other->height) - (one->height < other->height);
}

static int send_held(struct mmsb_ring *ring)
{
	struct msl_images *images = &ring->replay.images;
	const struct mmsb_image **order;
	size_t at = 0, i;
	int err = 0;

	if (!images->count)
		return 0;
	order = msl_alloc(images->count * sizeof(const struct mmsb_image *));
	if (!order)
		return -ENOMEM;
	for (i = 0; i < images->count; i++) {
		order[i] = (const struct mmsb_image *)(images->held + at);
		at += order[i]->record.bytes;
	}
	qsort(order, images->count, sizeof(*order), compare_heights);
	for (i = 0; !err && i < images->count; i++)
		err = load_add(ring, order[i], order[i]->record.bytes);
	free(order);
	return err;
}

/* -------------------------------------------------------------------------------------------------------------- records */

int msl_images_take(struct mmsb_ring *ring, const void *images, uint64_t bytes)
{
	if (!ring->replay.images.open)
		return msl_fail(EPROTO, "an image comes without the CAPTURE that it belongs to");
	return ring->replay.images.passed_over ? 0 : load_add(ring, images, bytes);
}

int msl_image_take(struct mmsb_ring *ring, const struct mmsb_image *image)
{
	struct msl_images *images = &ring->replay.images;
	int err = msl_images_take(ring, image, image->record.bytes);

	return err || images->passed_over || !image->edges ? err : hold(images, image);
}

int msl_image_end(struct mmsb_ring *ring, const struct mmsb_record *record)
{
	struct msl_images *images = &ring->replay.images;
	int err;

	if (!images->open)
		return msl_fail(EPROTO, "CAPTURED comes without its CAPTURE");
	images->open = false;
	if (images->passed_over)
		return 0;
	if (record->flags & MMSB_RECORD_FAILED)
		return msl_fail(ECANCELED, "the capture at tick %llu was given up when it was made: take another one", record->tick);
	err = send_held(ring);
	msl_images_free(ring);
	if (!err)
		err = msl_replay_tick(ring, 0);
	if (!err)
		err = msl_replay_settle(ring);
	if (!err && images->capture.record.flags & MMSB_RECORD_HASHED && ring->replay.compare != MMSB_NO_COMPARE)
		err = msl_replay_compare(ring, &images->capture);
	return err;
}

void msl_images_free(struct mmsb_ring *ring)
{
	struct msl_images *images = &ring->replay.images;

	free(images->held);
	images->held = NULL;
	images->used = 0;
	images->room = 0;
	images->count = 0;
}
