/* SPDX-License-Identifier: MIT */
/*
 * Records out of their compact form, as histories have them: what was a WORD is given as the DELTA that means the same; or, for whoever does
 * them again, in bulk and without saying by whom and where it was applied. The bytes may be anybody's; what they claim to be is believed
 * only as far as they go.
 */
#ifndef MMSB_LOG_DECODE_H
#define MMSB_LOG_DECODE_H

#include "coding.h"

#define MSL_WORDS		256u	/* given at once */

struct msl_decoder {
	struct msl_context context;
	struct msl_input in;
	uint32_t run;			/* the record before is to be given so many times more */
	bool repeats;			/* it can be */
	uint8_t *record;		/* with room for a large one; NULL: none has come yet */
	size_t room;
	struct mmsb_word word;		/* the last WORD */
	uint16_t shard;			/* of that */
	bool dressed;			/* it stands in `delta` */
	struct mmsb_delta_record delta;	/* the small ones' places */
	struct mmsb_hash_record state;
	struct mmsb_word words[MSL_WORDS];
};

void msl_decoder_begin(struct msl_decoder *decoder, uint32_t shards);
void msl_decoder_end(struct msl_decoder *decoder);	/* frees what it has */
/* The next are from these bytes, a frame's, which stay where they are until all are decoded. */
void msl_decoder_frame(struct msl_decoder *decoder, const void *bytes, size_t n);
/* *record: good until the next call. 0; -ENODATA: the frame has no more; -EBADMSG: it has something else than a record; -ENOMEM. */
int msl_decode(struct msl_decoder *decoder, const struct mmsb_record **record);

/*
 * For whoever does them again and asks for no more: the WORDs that come next, if any do, all of the tick that stands in the context then, which
 * may begin with them if it shall; good until the next call. How many, or -EBADMSG. What msl_decode() gives goes on behind them.
 */
int msl_decode_words(struct msl_decoder *decoder, bool enter, const struct mmsb_word **words);

/* It may have some: where most is other records it is quicker to look first. */
static inline bool msl_words_may_come(const struct msl_decoder *decoder, bool enter)
{
	const struct msl_input *in = &decoder->in;

	return decoder->run || (in->at < in->end && (*in->at >= MSL_WORD || *in->at == MSL_CODE_RUN || (enter && *in->at == MSL_CODE_AT)));
}

/* What was decoded lies before this place in the frame, and nothing else does. */
static inline size_t msl_decoder_left(const struct msl_decoder *decoder)
{
	return decoder->run ? (size_t)-1 : (size_t)(decoder->in.end - decoder->in.at);
}

#endif
