/* SPDX-License-Identifier: MIT */
/*
 * Records into compact form. What one record comes to depends on those before it, so records are encoded in the order in which they will be
 * decoded, each exactly once. How many words come in one record makes no difference to that.
 */
#ifndef MMSB_LOG_ENCODE_H
#define MMSB_LOG_ENCODE_H

#include "coding.h"

struct msl_encoder {
	struct msl_context context;
	uint8_t *run;			/* where the count of the run lies that the last record belongs to; NULL: it is none yet */
	bool repeats;			/* the last record was a WORD: */
	uint16_t last_shard;
	struct mmsb_word last;
	uint32_t form, shape;		/* of the last word that was looked at: operation, lane, length and flags, and what that comes to */
	uint32_t origins;		/* numbers given */
	uint16_t number[2 * MSL_ORIGINS];	/* by hash of the origin: its number + 1 */
};

void msl_encoder_begin(struct msl_encoder *encoder, uint32_t shards);
/* What comes next is decoded by itself: another frame begins. */
void msl_encoder_frame(struct msl_encoder *encoder);

/* Room that a record may need. */
static inline size_t msl_encode_bound(const struct mmsb_record *record)
{
	return 256 + (size_t)record->bytes + record->bytes / 2;
}

/*
 * How many bytes were written to `to`, which lies behind those of the record before it; 0: that one has been made to say both.
 * -EINVAL: it is no record that a log can hold, and nothing has been done.
 */
ssize_t msl_encode(struct msl_encoder *encoder, const struct mmsb_record *record, uint8_t *to);

#endif
