/* SPDX-License-Identifier: MIT */
/*
 * Tags: entries whose completion the library wants to see itself.
 *
 * A quiet entry gives no sign when it has been applied, so a payload operand under it could never be known to be free: the engine's
 * sq_head passes an entry when it is taken, while another shard may still be reading its operand. Hence the library sends entries that
 * use the payload area (mmsb_sqe_payload) without QUIET, and swallows the completion of a quiet one that succeeded. Likewise the
 * one-call helpers and mmsb_drain() look for the completion of their own entry without disturbing the caller's.
 *
 * On the wire such an entry carries, in place of the caller's user_data, the number of its tag XORed with a random key of the ring;
 * the caller's is put back when it is reaped. A completion is taken for a tag's only if that tag is under way. A
 * caller's own user_data would have to hit one of those few values out of 2^64 by chance to be mistaken.
 *
 * Tags are a queue in submission order, and so are the bytes of the payload area: what is freed is what stands at its head.
 */
#ifndef MMSB_LIB_TAG_H
#define MMSB_LIB_TAG_H

#include <stdbool.h>
#include <stdint.h>
#include <mmsb/abi.h>

struct mmsb_ring;

enum msl_tag_state {
	MSL_TAG_FREE,
	MSL_TAG_PREPARED,	/* its entry is handed out, not yet published */
	MSL_TAG_SENT,
};

struct msl_tag {
	uint64_t user_data;	/* the caller's */
	uint64_t payload_end;	/* free-running: the payload area is free up to here once this tag is */
	uint32_t entry;		/* free-running index in the submission queue */
	uint8_t state;
	bool quiet;
	bool own;		/* nobody but the library ever sees its completion */
};

struct msl_tags {
	uint64_t key;
	struct msl_tag *tag;	/* made when first needed */
	uint32_t size;		/* a power of two */
	uint32_t head, sent, tail;	/* free-running */
	uint64_t payload_head, payload_tail;	/* free-running */
};

static inline bool msl_tags_used(const struct msl_tags *tags)
{
	return tags->head != tags->tail;
}

/* A tag for an entry that is handed out; NULL: all are under way, or there is no memory. */
struct msl_tag *msl_tag_take(struct mmsb_ring *ring, struct mmsb_sqe *sqe, bool own);
/* Takes the last one back, with its payload; its entry was not published. */
void msl_tag_untake(struct mmsb_ring *ring);
/* Room for its operand. NULL: none now. */
void *msl_tag_payload(struct mmsb_ring *ring, struct msl_tag *tag, struct mmsb_sqe *sqe, size_t bytes);
/* Stamps the entries that are about to be published. */
void msl_tags_send(struct mmsb_ring *ring);
/* The tag that this completion belongs to, or NULL: the caller's. */
struct msl_tag *msl_tag_of(struct mmsb_ring *ring, const struct mmsb_cqe *cqe);
/* Its completion was taken off the queue. */
void msl_tag_done(struct mmsb_ring *ring, struct msl_tag *tag);

/* Nobody waits for this completion. */
static inline bool msl_tag_swallows(const struct msl_tag *tag, const struct mmsb_cqe *cqe)
{
	return tag->own || (tag->quiet && cqe->result == 0);
}

#endif
