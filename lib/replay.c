// SPDX-License-Identifier: MIT
/*
 * Doing a history again.
 *
 * Deltas are sent as they stand in their records, with the page's id for user_data, until the queue or the payload area is full or a hash is
 * to be compared; then all completions are waited for. Each of these deltas changed something when it was recorded, so each
 * must be applied and change something again.
 */
#include <inttypes.h>
#include "replay.h"

/* How many bytes of an entry that gathers are enough to be begun with, while more come. */
#define GATHERED	(24u << 10)

static int fail_differs(const struct mmsb_cqe *cqe)
{
	uint64_t page = cqe->user_data == MSL_WORDS_DATA ? cqe->epoch : cqe->user_data;
	const char *why = cqe->result ? mmsb_reason_text(cqe->reason) : "it changed nothing";

	if (cqe->reason == MMSB_REASON_NO_MEMORY)
		return msl_fail(ENOMEM, "tick %llu: %s; replay into a fresh space once there is", cqe->tick, why);
	if (cqe->user_data == MSL_LOAD_DATA)
		return msl_fail(-cqe->result, "tick %llu: the image of page %" PRIu32 ".%" PRIu32 ", or one of its parents, cannot be taken in: %s (%s)",
				cqe->tick, MMSB_PAGE_INDEX(cqe->epoch), MMSB_PAGE_GENERATION(cqe->epoch), why, mmsb_reason_name(cqe->reason));
	if (cqe->user_data == MSL_TICK_DATA)
		return msl_fail(-cqe->result, "the tick behind %llu cannot begin: %s (%s)", cqe->tick, why, mmsb_reason_name(cqe->reason));
	return msl_fail(EBADMSG, "tick %llu: a delta on page %" PRIu32 ".%" PRIu32 ", which did something when it was recorded, failed: %s (%s); "
			"the space was not what the recorded one was, or has lower limits", cqe->tick,
			MMSB_PAGE_INDEX(page), MMSB_PAGE_GENERATION(page), why, mmsb_reason_name(cqe->reason));
}

int msl_replay_settle(struct mmsb_ring *ring)
{
	struct msl_replay *replay = &ring->replay;
	struct mmsb_cqe cqe;
	int result = 0, err;

	err = mmsb_submit(ring);
	if (err < 0)
		return err;
	for (; replay->sent; replay->sent--) {
		err = mmsb_wait_cqe(ring, &cqe, MMSB_FOREVER);
		if (err)
			return err;
		if (!result && (cqe.result || cqe.flags & MMSB_CQE_UNCHANGED))
			result = fail_differs(&cqe);
	}
	replay->payload_used = 0;
	replay->gathers = NULL;
	return result;
}

int msl_replay_sqe(struct mmsb_ring *ring, struct mmsb_sqe **sqe)
{
	int err = 0;

	if (ring->replay.sent == ring->sq_entries)
		err = msl_replay_settle(ring);
	if (err)
		return err;
	*sqe = mmsb_get_sqe(ring);
	if (!*sqe)
		return msl_fail(EBUSY, "the ring is in use: a history is done again through a ring of its own");
	ring->replay.gathers = NULL;	/* what is added from here on comes behind this one */
	ring->replay.sent++;
	return 0;
}

int msl_replay_tick(struct mmsb_ring *ring, uint64_t tick)
{
	struct mmsb_sqe *sqe;
	int err = msl_replay_sqe(ring, &sqe);

	if (err)
		return err;
	mmsb_prep(sqe, MMSB_OP_TICK, 0, tick, 0);
	ring->replay.tick = tick;
	return 0;
}

/* ----------------------------------------------------------------------------------------------------------- records */

int msl_replay_payload(struct mmsb_ring *ring, uint64_t bytes)
{
	int err = 0;

	if (bytes > ring->payload_bytes)
		return msl_fail(EMSGSIZE, "an operand of %" PRIu64 " bytes does not fit the ring's payload area of %" PRIu64 ": open the ring with "
				"more payload_bytes", bytes, ring->payload_bytes);
	if (bytes > ring->payload_bytes - ring->replay.payload_used)
		err = msl_replay_settle(ring);
	return err;
}

static int gather_open(struct mmsb_ring *ring, uint8_t op, uint64_t user_data)
{
	struct msl_replay *replay = &ring->replay;
	struct mmsb_sqe *sqe;
	int err;

	if (replay->gathers && replay->gathers->op == op)
		return 0;
	err = msl_replay_sqe(ring, &sqe);
	if (err)
		return err;
	mmsb_prep(sqe, op, 0, 0, 0);
	sqe->flags = MMSB_SQE_PAYLOAD;
	sqe->payload = replay->payload_used;
	sqe->user_data = user_data;
	replay->gathers = sqe;
	return 0;
}

/* A poller works at it from now on; where there is none it is done, and the payload area free, when this returns. */
static int gather_flush(struct mmsb_ring *ring)
{
	int err;

	if (!ring->polled)
		return msl_replay_settle(ring);
	ring->replay.gathers = NULL;
	err = mmsb_submit(ring);
	return err < 0 ? err : 0;
}

int msl_replay_gather(struct mmsb_ring *ring, uint8_t op, uint64_t user_data, const void *operand, uint64_t bytes)
{
	struct msl_replay *replay = &ring->replay;
	int err = msl_replay_payload(ring, bytes);

	if (!err)
		err = gather_open(ring, op, user_data);
	if (err)
		return err;
	memcpy(ring->payload + replay->payload_used, operand, bytes);
	replay->payload_used += bytes;
	replay->gathers->len += (uint32_t)bytes;
	return replay->gathers->len >= GATHERED ? gather_flush(ring) : 0;
}

int msl_replay_words(struct mmsb_ring *ring, uint64_t tick, const struct mmsb_word *words, size_t n)
{
	int err = ring->replay.tick != tick ? msl_replay_tick(ring, tick) : 0;

	return err ? err : msl_replay_gather(ring, MMSB_OP_WORDS, MSL_WORDS_DATA, words, n * sizeof(*words));
}

static int replay_delta(struct mmsb_ring *ring, const struct mmsb_delta_record *record)
{
	struct msl_replay *replay = &ring->replay;
	uint64_t bytes = record->record.bytes - sizeof(*record);
	struct mmsb_sqe *sqe;
	int err = 0;

	if (replay->tick != record->record.tick)
		err = msl_replay_tick(ring, record->record.tick);
	if (!err)
		err = msl_replay_payload(ring, bytes);
	if (!err)
		err = msl_replay_sqe(ring, &sqe);
	if (err)
		return err;
	*sqe = record->sqe;
	sqe->user_data = record->sqe.page;
	if (!(sqe->flags & MMSB_SQE_PAYLOAD))
		return 0;
	sqe->payload = replay->payload_used;
	memcpy(ring->payload + replay->payload_used, record + 1, bytes);
	replay->payload_used += bytes;
	return 0;
}

static int replay_words(struct mmsb_ring *ring, const struct mmsb_words_record *record)
{
	return msl_replay_words(ring, record->record.tick, record->words, msl_words_in(&record->record));
}

int msl_replay_compare(struct mmsb_ring *ring, const struct mmsb_hash_record *record)
{
	struct msl_replay *replay = &ring->replay;
	uint64_t hash[2], last = replay->same;
	int err = msl_replay_settle(ring);

	if (err)
		return err;
	replay->since = 0;
	err = mmsb_hash(ring->space, 0, hash, NULL);
	if (err == -ENODATA)
		return 0;
	if (err)
		return err;
	replay->same = record->record.tick;
	if (hash[0] == record->hash[0] && hash[1] == record->hash[1])
		return 0;
	return msl_fail(EBADMSG, "tick %llu: the state hash is %016" PRIx64 "%016" PRIx64 ", and was %016llx%016llx when it was recorded; it was "
			"compared last at tick %" PRIu64, record->record.tick, hash[0], hash[1], record->hash[0], record->hash[1], last);
}

static bool is_due(const struct msl_replay *replay, const struct mmsb_hash_record *record)
{
	return record->record.flags & MMSB_RECORD_HASHED && replay->compare != MMSB_NO_COMPARE && replay->since >= replay->compare;
}

static int replay_tick_end(struct mmsb_ring *ring, const struct mmsb_hash_record *record)
{
	struct msl_replay *replay = &ring->replay;
	int err;

	if (replay->tick != record->record.tick)
		return msl_fail(EBADMSG, "tick %llu ends without having begun: records are missing", record->record.tick);
	err = msl_replay_tick(ring, 0);
	if (err)
		return err;
	replay->since += replay->since < MMSB_NO_COMPARE;
	return is_due(replay, record) ? msl_replay_compare(ring, record) : 0;
}

/* How the hash stood between two ticks. Within one, which a replay may have been stopped in to switch it, nothing can be compared. */
static int replay_hash(struct mmsb_ring *ring, const struct mmsb_hash_record *record)
{
	bool can = record->record.flags & MMSB_RECORD_HASHED && ring->replay.compare != MMSB_NO_COMPARE && !ring->replay.tick;

	return can ? msl_replay_compare(ring, record) : 0;
}

static int replay_reset(struct mmsb_ring *ring)
{
	int err = msl_replay_settle(ring);

	ring->replay.tick = 0;
	ring->replay.same = 0;
	return err ? err : mmsb_space_reset(ring->space);
}

static int replay_end(struct mmsb_ring *ring)
{
	int err;

	if (msl_images_wait(ring))
		return msl_fail(EPROTO, "the images of tick %llu end without a CAPTURED: some may be missing", ring->replay.images.capture.record.tick);
	err = ring->replay.tick ? msl_replay_tick(ring, 0) : 0;

	return err ? err : msl_replay_settle(ring);
}

void mmsb_replay_whole(struct mmsb_ring *ring)
{
	msl_ring_whole(ring->client);
}

/* Records may have come a long way. */
static bool record_is_whole(const struct mmsb_record *record)
{
	static const size_t least[] = {
		[MMSB_RECORD_DELTA] = sizeof(struct mmsb_delta_record),
		[MMSB_RECORD_TICK] = sizeof(struct mmsb_hash_record),
		[MMSB_RECORD_HASH] = sizeof(struct mmsb_hash_record),
		[MMSB_RECORD_RESET] = sizeof(struct mmsb_record),
		[MMSB_RECORD_WORDS] = sizeof(struct mmsb_words_record),
		[MMSB_RECORD_CAPTURE] = sizeof(struct mmsb_hash_record),
		[MMSB_RECORD_IMAGE] = sizeof(struct mmsb_image),
		[MMSB_RECORD_CAPTURED] = sizeof(struct mmsb_record),
	};

	return record->bytes % 8 == 0 && (record->type > MMSB_RECORD_CAPTURED || record->bytes >= least[record->type]);
}

int mmsb_replay(struct mmsb_ring *ring, const struct mmsb_record *record)
{
	if (!ring->replay.open)
		return msl_fail_reason(MMSB_REASON_NOT_REPLAYING);
	if (!record)
		return replay_end(ring);
	if (!record_is_whole(record))
		return msl_fail(EPROTO, "a record of type %u and %u bytes is cut short", record->type, record->bytes);
	if (msl_images_wait(ring) && record->type < MMSB_RECORD_IMAGE)
		return msl_fail(EPROTO, "a record of tick %llu comes among the images of tick %llu: feed it behind CAPTURED", record->tick,
				ring->replay.images.capture.record.tick);
	switch (record->type) {
	case MMSB_RECORD_DELTA:
		return replay_delta(ring, (const struct mmsb_delta_record *)record);
	case MMSB_RECORD_WORDS:
		return replay_words(ring, (const struct mmsb_words_record *)record);
	case MMSB_RECORD_BOUND:
	case MMSB_RECORD_END:
		return 0;
	case MMSB_RECORD_TICK:
		return replay_tick_end(ring, (const struct mmsb_hash_record *)record);
	case MMSB_RECORD_HASH:
		return replay_hash(ring, (const struct mmsb_hash_record *)record);
	case MMSB_RECORD_RESET:
		return replay_reset(ring);
	case MMSB_RECORD_CAPTURE:
		return msl_image_begin(ring, (const struct mmsb_hash_record *)record);
	case MMSB_RECORD_IMAGE:
		return msl_image_take(ring, (const struct mmsb_image *)record);
	case MMSB_RECORD_CAPTURED:
		return msl_image_end(ring, record);
	default:
		return msl_fail(EPROTO, "a record of type %u: this library is older than what recorded it", record->type);
	}
}
