/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Streams: what each shard tells of what it applies, while somebody listens (history.h).
 *
 * A shard writes records into a stream of its own, under its run lock. A delta's operand is copied into its record first and applied from
 * there, so a client that goes on writing to its payload area cannot make history differ from what happened. What is done in a
 * meeting goes into one stream, in the order in which it is done.
 *
 * A stream is a chain of segments. The last one always keeps room for the record that closes a tick, so that no tick can fail to be told, and
 * for a batch of words, which go a way on which nothing can fail. Words that follow each other in a batch are one record, which is
 * open until something else is told or the batch is over. A shard knows only its own part of the state hash, so what closes a tick says
 * by how much that part moved; the reader adds up.
 *
 * Segments of a log come back to their stream when they are durable, as many as a busy one needs: memory that is warm, and need not be zeroed.
 */
#ifndef MS_STREAM_H
#define MS_STREAM_H

#include "engine.h"
#include "hash.h"

struct ms_segment {
	struct ms_segment *next;
	u64 used, room;
	u8 bytes[] __attribute__((aligned(8)));
};

struct ms_stream {
	struct ms_segment *first, *last;
	u64 waiting;				/* bytes of records */
	const struct mmsb_origin *origin;	/* of the deltas that are applied in the short way now */
	struct mmsb_words_record *words;	/* those, while the record is open; NULL: none is */
	struct mmsb_word *word;			/* the next of them */
	u64 at;					/* in last: where the record that is being written begins */
	bool told;				/* records since the last tick's */
	struct ms_hash hash;			/* the shard's part, as last told */
	struct ms_segment *spares;		/* under the history's mutex, as how many bytes they have */
	u64 spared;
	u64 apart[6];				/* no line has what two shards write with each batch */
};

_Static_assert(sizeof(struct ms_stream) - __builtin_offsetof(struct ms_stream, spares) >= 64, "a line between one and the next");

struct ms_segment *ms_segment_make(u64 bytes, int node);	/* with room for so many at least; NULL: no memory */
void ms_segments_free(struct ms_segment *segment);		/* all from this one on */
struct ms_segment *ms_stream_spare(const struct ms_shard *shard);	/* room for what cannot fail; NULL: no memory */

/* NONE, or NO_MEMORY. *operand moves to the record's copy of it. */
enum mmsb_reason ms_stream_begin(struct ms_shard *shard, const struct mmsb_origin *origin, const struct mmsb_sqe *sqe, const u8 **operand,
				 u64 bytes);
/* Of its operand, in the payload area, only so many bytes counted. */
void ms_stream_cut(struct ms_shard *shard, u64 bytes);
/* The delta did something (`page` is the one that it made, or 0), or it did not. */
void ms_stream_end(struct ms_shard *shard, bool keep, u64 page);
/* Room for the records of a whole batch of words of that origin: from here on ms_stream_word() cannot fail. */
enum mmsb_reason ms_stream_reserve_words(struct ms_shard *shard, const struct mmsb_origin *origin);
/* A delta that went the short way did something. */
void ms_stream_word(struct ms_shard *shard, const struct mmsb_sqe *sqe);
/* The batch is over. */
void ms_stream_words_end(struct ms_shard *shard);
/* Read, and durable: the stream may want it again. */
void ms_stream_give_back(struct ms_history *history, struct ms_stream *stream, struct ms_segment *segment);
/* By how much the shard's part of the hash has moved since it was told last: added to `hash`. */
void ms_stream_moved(struct ms_shard *shard, u64 hash[2]);
/* The shard's tick, or that of a meeting, has closed. */
void ms_stream_tick(struct ms_shard *shard);
void ms_stream_tick_all(struct ms_space *space);

/* A shard has that many bytes of images waiting beside its stream: rings may have to stand still. */
void ms_stream_crowd(struct ms_shard *shard, u64 images);

#endif
