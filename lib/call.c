// SPDX-License-Identifier: MIT
/*
 * One call each: an entry is submitted under a tag, and its completion is picked out by that tag wherever it stands in the
 * queue. What the caller had prepared before goes along; what completes meanwhile stays for the caller to reap.
 */
#include <stdint.h>
#include "ring.h"

static size_t operand_bytes(const struct msl_operand *operand)
{
	return operand->len[0] + operand->len[1];
}

static void operand_copy(uint8_t *to, const struct msl_operand *operand)
{
	if (operand->len[0])
		memcpy(to, operand->bytes[0], operand->len[0]);
	if (operand->len[1])
		memcpy(to + operand->len[0], operand->bytes[1], operand->len[1]);
}

/* ------------------------------------------------------------------------------------- waiting for one's own entry */

static bool find(struct mmsb_ring *ring, const struct msl_tag *tag, uint32_t *at, struct mmsb_cqe *cqe)
{
	uint32_t tail = msl_ring_arrived(ring);

	for (; *at != tail; ++*at) {
		const struct mmsb_cqe *found = &ring->cqes[*at & (ring->cq_entries - 1)];

		if (msl_tag_of(ring, found) == tag) {
			*cqe = *found;
			return true;
		}
	}
	return false;
}

/*
 * Everything else that is under way may complete before, so the queue can fill up with completions of the caller's, who
 * alone may reap them.
 */
static int await(struct mmsb_ring *ring, const struct msl_tag *tag, struct mmsb_cqe *cqe, const struct msl_deadline *deadline)
{
	uint32_t at = ring->cq_head;
	int err;

	while (!find(ring, tag, &at, cqe)) {
		if (at - ring->cq_head == ring->cq_entries)
			return msl_fail(EBUSY, "the completion queue is full: reap; what was submitted is applied when there is room");
		err = msl_ring_sleep(ring, at - ring->cq_head + 1, deadline);
		if (err && err != -EINTR)
			return find(ring, tag, &at, cqe) ? 0 : err;
	}
	return 0;
}

static int fail_tag(struct mmsb_ring *ring)
{
	if (!ring->tags.tag)
		return -ENOMEM;
	return msl_fail(EBUSY, "too many payload operands and drains are under way: reap first");
}

int mmsb_drain(struct mmsb_ring *ring, uint64_t timeout_ns)
{
	struct msl_deadline deadline = msl_deadline(timeout_ns);
	struct mmsb_sqe *sqe;
	struct msl_tag *tag;
	struct mmsb_cqe cqe;
	int err = msl_ring_flush(ring);

	if (err)
		return err;
	while (!(sqe = mmsb_get_sqe(ring))) {
		err = msl_ring_sleep_for_room(ring, &deadline);
		if (err)
			return err;
	}
	tag = msl_tag_take(ring, sqe, true);
	if (!tag) {
		ring->sq_tail--;
		return fail_tag(ring);
	}
	mmsb_prep_fence(sqe);
	err = msl_ring_flush(ring);
	if (!err)
		err = await(ring, tag, &cqe, &deadline);
	msl_ring_sweep(ring);
	return err;
}

/* ----------------------------------------------------------------------------------------------------------- one call */

static int fail_operand(struct mmsb_ring *ring, size_t bytes)
{
	if (bytes > ring->payload_bytes)
		return msl_fail(EMSGSIZE, "an operand of %zu bytes does not fit the ring's payload area of %llu: open the ring with more "
				"payload_bytes", bytes, (unsigned long long)ring->payload_bytes);
	return msl_fail(EBUSY, "the payload area is in use by entries under way: reap, then try again");
}

/* Gets an entry, puts operand and tag to it. NULL: failed, nothing is left behind. */
static struct msl_tag *call_prepare(struct mmsb_ring *ring, const struct mmsb_sqe *entry, const struct msl_operand *operand, int *err)
{
	size_t bytes = operand_bytes(operand);
	struct mmsb_sqe *sqe = mmsb_get_sqe(ring);
	uint8_t *to = sqe ? sqe->operand : NULL;
	struct msl_tag *tag;

	if (!sqe) {
		*err = msl_fail(EBUSY, "the submission queue is full: submit and reap first");
		return NULL;
	}
	tag = msl_tag_take(ring, sqe, true);
	if (!tag) {
		ring->sq_tail--;
		*err = fail_tag(ring);
		return NULL;
	}
	*sqe = *entry;
	sqe->flags &= (uint16_t)~MMSB_SQE_QUIET;
	if (bytes > MMSB_INLINE_MAX)
		to = msl_tag_payload(ring, tag, sqe, bytes);
	if (!to) {
		msl_tag_untake(ring);
		ring->sq_tail--;
		*err = fail_operand(ring, bytes);
		return NULL;
	}
	operand_copy(to, operand);
	return tag;
}

int msl_call(struct mmsb_ring *ring, const struct mmsb_sqe *entry, const struct msl_operand *operand, struct mmsb_cqe *cqe)
{
	static const struct msl_deadline never = { MMSB_FOREVER };
	struct msl_tag *tag;
	int err = 0;

	msl_ring_sweep(ring);
	if (msl_ring_unreaped(ring))
		return msl_fail(EBUSY, "the ring has completions of yours: reap them before a one-call helper");
	if (msl_unlikely(msl_load(ring->engine->flags) & MMSB_RING_BROKEN)) {
		msl_fail_reason(msl_load(ring->engine->reason));
		return -EPIPE;
	}
	tag = call_prepare(ring, entry, operand, &err);
	if (!tag)
		return err;
	err = msl_ring_flush(ring);
	if (!err)
		err = await(ring, tag, cqe, &never);
	cqe->user_data = entry->user_data;
	msl_ring_sweep(ring);
	return err;
}

static int call_result(struct mmsb_ring *ring, const struct mmsb_sqe *entry, const struct msl_operand *operand, uint64_t *epoch)
{
	struct mmsb_cqe cqe;
	int err = msl_call(ring, entry, operand, &cqe);

	if (err)
		return err;
	if (epoch)
		*epoch = cqe.epoch;
	if (cqe.result)
		msl_fail_reason(cqe.reason);
	return cqe.result;
}

int mmsb_run(struct mmsb_ring *ring, const struct mmsb_sqe *sqe, const void *operand, size_t len, struct mmsb_cqe *cqe)
{
	const struct msl_operand o = { { operand }, { operand ? len : 0 } };
	struct mmsb_cqe own;
	int err = msl_call(ring, sqe, &o, cqe ? cqe : &own);

	if (err)
		return err;
	if (!cqe)
		cqe = &own;
	if (cqe->result)
		msl_fail_reason(cqe->reason);
	return cqe->result;
}

static const struct msl_operand nothing;

int mmsb_create(struct mmsb_ring *ring, uint32_t bytes, uint64_t *page)
{
	struct mmsb_sqe entry;
	uint64_t id;
	int err;

	mmsb_prep_create(&entry, bytes);
	err = call_result(ring, &entry, &nothing, &id);
	*page = err ? 0 : id;
	return err;
}

int mmsb_destroy(struct mmsb_ring *ring, uint64_t page)
{
	struct mmsb_sqe entry;

	mmsb_prep_destroy(&entry, page);
	return call_result(ring, &entry, &nothing, NULL);
}

static size_t piece_max(const struct mmsb_ring *ring)
{
	uint64_t max = ring->payload_bytes & ~7ull;

	if (max > MMSB_DELTA_MAX)
		max = MMSB_DELTA_MAX;
	return max > MMSB_INLINE_MAX ? max : MMSB_INLINE_MAX;
}

int mmsb_set(struct mmsb_ring *ring, uint64_t page, uint64_t offset, const void *bytes, size_t len, uint64_t *epoch)
{
	size_t max = piece_max(ring), done = 0;
	int err;

	do {
		size_t n = len - done < max ? len - done : max;
		const struct msl_operand operand = { { (const uint8_t *)bytes + done }, { n } };
		struct mmsb_sqe entry;

		mmsb_prep_set(&entry, page, offset + done, NULL, (uint32_t)n);
		err = call_result(ring, &entry, &operand, epoch);
		done += n;
	} while (!err && done < len);
	return err;
}

int mmsb_add(struct mmsb_ring *ring, uint64_t page, uint64_t offset, int64_t operand, uint64_t *epoch)
{
	struct mmsb_sqe entry;

	mmsb_prep_add(&entry, page, offset, operand);
	return call_result(ring, &entry, &nothing, epoch);
}

static int fail_long(size_t len)
{
	return msl_fail(EMSGSIZE, "%zu bytes: %s", len, mmsb_reason_text(MMSB_REASON_TOO_LONG));
}

int mmsb_cas(struct mmsb_ring *ring, uint64_t page, uint64_t offset, const void *expected, const void *bytes, size_t len,
	     uint64_t *epoch)
{
	const struct msl_operand operand = { { expected, bytes }, { len, len } };
	struct mmsb_sqe entry;

	if (len > MMSB_DELTA_MAX)
		return fail_long(len);
	mmsb_prep_cas(&entry, page, offset, NULL, NULL, (uint32_t)len);
	return call_result(ring, &entry, &operand, epoch);
}

int mmsb_cas_epoch(struct mmsb_ring *ring, uint64_t page, uint64_t expected, uint64_t offset, const void *bytes, size_t len,
		   uint64_t *epoch)
{
	const struct msl_operand operand = { { bytes }, { len } };
	struct mmsb_sqe entry;

	if (len > MMSB_DELTA_MAX)
		return fail_long(len);
	mmsb_prep_set(&entry, page, offset, NULL, (uint32_t)len);
	mmsb_sqe_if_epoch(&entry, expected);
	return call_result(ring, &entry, &operand, epoch);
}

int mmsb_append(struct mmsb_ring *ring, uint64_t page, uint64_t offset, const void *bytes, size_t len, uint64_t *epoch)
{
	const struct msl_operand operand = { { bytes }, { len } };
	struct mmsb_sqe entry;

	if (len > MMSB_DELTA_MAX)
		return fail_long(len);
	mmsb_prep_append(&entry, page, offset, NULL, (uint32_t)len);
	return call_result(ring, &entry, &operand, epoch);
}
