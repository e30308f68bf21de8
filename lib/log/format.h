/* SPDX-License-Identifier: MIT */
/*
 * A log's files as they lie on disk; Documentation/log-format.md says the same byte by byte. All numbers are little-endian, as are the
 * machines that the engine builds for, so these structs are what is written.
 *
 * A file is a header and frames one behind the other, each with records in compact form (coding.h). A file that is whole ends with a
 * SEAL; the segment that is being written, or was when its writer died, ends where a frame's length is 0, or with the file.
 *
 * What guards against what. A frame's `check` covers its head, the file's header and the place in the file, so that a frame of another
 * file, or one that was written to the wrong place, is none; its `crc` covers the payload. A file's chain goes over the checks of all
 * its frames, and the next segment's header says what it came to and where that one ended: what lies behind, say by a writer who did
 * not know yet that he had been replaced, does not count; and no frame can be missing in front. The first bad frame of the last
 * segment is a torn tail, unless a later head says that it was on disk by then: then it is damage.
 */
#ifndef MMSB_LOG_FORMAT_H
#define MMSB_LOG_FORMAT_H

#include "../home.h"
#include <mmsb/log.h>

#define MSL_FORMAT		1
#define MSL_MAGIC_SEGMENT	"MMSB-seg"
#define MSL_MAGIC_CHECKPOINT	"MMSB-ckp"
#define MSL_MAGIC_BYTES		8

#define MSL_HEADER_ZSTD		(1u << 0)	/* frames may be compressed */
#define MSL_HEADER_HASHED	(1u << 1)	/* `hash` is the state hash at `tick` */
#define MSL_HEADER_KNOWN	0x3u

struct msl_header {
	char     magic[MSL_MAGIC_BYTES];
	uint32_t format;
	uint32_t bytes;			/* of the header: where frames begin */
	uint32_t crc;			/* of the header, as if this were 0 */
	uint32_t flags;			/* MSL_HEADER_* */
	uint64_t id[2];			/* of the log */
	uint64_t number;		/* of the segment, from 0 on; checkpoint: of the segment that was written to when it began */
	uint64_t term;			/* of the writer */
	uint64_t life;			/* RESETs in the log before it */
	uint64_t made;			/* when, ns since 1970 */
	uint64_t tick;			/* segment: the last one before it; checkpoint: the state's */
	uint64_t time;			/* of that tick */
	uint64_t hash[2];		/* at that tick */
	uint64_t previous_end;		/* where the segment before ends; 0: there is none */
	uint32_t previous_chain;	/* and what its chain came to */
	uint32_t shards;		/* of the space, as are all that follow */
	uint64_t max_pages;
	uint64_t max_bytes;
	uint32_t max_rings;
	uint32_t space_flags;		/* MMSB_SPACE_* */
	char     name[MMSB_NAME_MAX];
	uint64_t reserved[6];		/* 0 */
};
#define MSL_HEADER_BYTES	256

enum msl_frame_type {
	MSL_FRAME_RECORDS = 1,
	MSL_FRAME_SEAL,			/* struct msl_seal: the file is whole, and ends here */
	MSL_FRAME_LAST,
};

#define MSL_FRAME_ZSTD		1u

struct msl_frame {
	uint32_t length;		/* of the payload as stored; zeros up to a multiple of 8 follow it */
	uint32_t raw;			/* of it, decompressed */
	uint32_t closed;		/* of `raw`: up to here, no tick is left open; 0 if one is open all through */
	uint32_t crc;			/* of the payload as stored, and of the zeros behind it */
	uint64_t durable;		/* bytes of the file that were on disk before this was written */
	uint8_t  type;			/* enum msl_frame_type */
	uint8_t  flags;			/* MSL_FRAME_ZSTD */
	uint16_t reserved;		/* 0 */
	uint32_t check;			/* of the file header's crc, of where the frame begins, and of all before */
};
#define MSL_FRAME_BYTES		32

#define MSL_FRAME_FILL		(64u << 10)	/* a frame is written when it has so many bytes of records */
#define MSL_OPERAND_MAX		MMSB_PAYLOAD_MAX	/* of one delta */
#define MSL_FRAME_MAX		(MSL_OPERAND_MAX + MSL_OPERAND_MAX / 2 + MSL_FRAME_FILL)

/* What a file tells in all. */
struct msl_tally {
	uint64_t records;
	uint64_t deltas;
	uint64_t ticks;
	uint64_t images;
	uint64_t first_tick;		/* closed in this file; 0: none */
	uint64_t first_time;
	uint64_t tick;			/* the last one closed; at the beginning what the header says, as the three that follow */
	uint64_t time;
	uint64_t life;
	uint64_t hash[2];
	uint32_t flags;			/* MSL_HEADER_HASHED */
	uint32_t open;			/* 1: deltas have come whose tick has not closed */
};

struct msl_seal {
	struct msl_tally tally;
	uint32_t chain;			/* of the file, without this frame */
	uint32_t reserved;		/* 0 */
};

_Static_assert(sizeof(struct msl_header) == MSL_HEADER_BYTES, "as documented");
_Static_assert(sizeof(struct msl_frame) == MSL_FRAME_BYTES, "as documented");
_Static_assert(sizeof(struct msl_tally) == 96 && sizeof(struct msl_seal) == 104, "as documented");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are little-endian");

static inline uint64_t msl_frame_bytes(const struct msl_frame *frame)	/* in the file, all included */
{
	return MSL_FRAME_BYTES + (((uint64_t)frame->length + 7) & ~7ull);
}

/* Fills in magic, format, bytes and crc. */
void msl_header_close(struct msl_header *header, bool checkpoint);
/* NULL, or what is wrong with it. */
const char *msl_header_fault(const struct msl_header *header, bool checkpoint);

uint32_t msl_frame_check(const struct msl_frame *frame, const struct msl_header *header, uint64_t at);
bool msl_frame_is_whole(const struct msl_frame *frame, const struct msl_header *header, uint64_t at);	/* the head of one */
uint32_t msl_chain(uint32_t chain, const struct msl_frame *frame);	/* goes on; a file's begins with its header's crc */

void msl_tally_begin(struct msl_tally *tally, const struct msl_header *header);
/* Of a file's records, in which each word is one. */
void msl_tally_add(struct msl_tally *tally, const struct mmsb_record *record);
void msl_tally_words(struct msl_tally *tally, uint32_t n);

#endif
