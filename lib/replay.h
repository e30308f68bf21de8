/* SPDX-License-Identifier: MIT */
/*
 * What the two ways of coming to a state share: doing a history again (replay.c) and taking in images of it (image.c), both through
 * entries that are sent in batches.
 */
#ifndef MMSB_LIB_REPLAY_H
#define MMSB_LIB_REPLAY_H

#include "ring.h"

#define MSL_TICK_DATA	0	/* user_data of what numbers ticks, and of what takes in images: no page has these ids */
#define MSL_LOAD_DATA	(~0ull)
#define MSL_WORDS_DATA	(~0ull - 1)

/* Waits until all that was sent is done. The first that failed is told. */
int msl_replay_settle(struct mmsb_ring *ring);
/* An entry, for which the caller may have to wait. */
int msl_replay_sqe(struct mmsb_ring *ring, struct mmsb_sqe **sqe);
/* Sees to it that so many bytes find room in the payload area at payload_used. */
int msl_replay_payload(struct mmsb_ring *ring, uint64_t bytes);
/* Adds to the operand of the last entry, or of a new one, of that operation. */
int msl_replay_gather(struct mmsb_ring *ring, uint8_t op, uint64_t user_data, const void *operand, uint64_t bytes);
/* The tick under way ends and, if that is not 0, the one of that number begins. */
int msl_replay_tick(struct mmsb_ring *ring, uint64_t tick);
/* Words of that tick. */
int msl_replay_words(struct mmsb_ring *ring, uint64_t tick, const struct mmsb_word *words, size_t n);
/* What the record says of the state behind it, against the state. */
int msl_replay_compare(struct mmsb_ring *ring, const struct mmsb_hash_record *record);

/* CAPTURE, IMAGE, CAPTURED; and what else comes while a capture is open. */
int msl_image_begin(struct mmsb_ring *ring, const struct mmsb_hash_record *record);
int msl_image_take(struct mmsb_ring *ring, const struct mmsb_image *image);
/* So many bytes of images without edges, one right behind the other. */
int msl_images_take(struct mmsb_ring *ring, const void *images, uint64_t bytes);
int msl_image_end(struct mmsb_ring *ring, const struct mmsb_record *record);
void msl_images_free(struct mmsb_ring *ring);

/* Images are being taken in, so nothing else can be. */
static inline bool msl_images_wait(const struct mmsb_ring *ring)
{
	return ring->replay.images.open && !ring->replay.images.passed_over;
}

#endif
