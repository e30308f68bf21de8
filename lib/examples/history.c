// SPDX-License-Identifier: MIT
/* What one space tells of itself is done again in another, as it happens. */
#include <inttypes.h>
#include <mmsb/mmsb.h>
#include <stdio.h>

#define HASHED MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_HASH)

static int follow(struct mmsb_history *history, struct mmsb_ring *replay)
{
	const struct mmsb_record *record;
	int err;

	while (!(err = mmsb_history_next(history, &record, 0))) {
		err = mmsb_replay(replay, record);	/* compares the state hash at the end of each tick */
		if (err)
			return err;
	}
	return err == -ETIME ? mmsb_replay(replay, NULL) : err;
}

int main(void)
{
	struct mmsb_space *space, *other;
	struct mmsb_ring *ring, *replay;
	struct mmsb_history *history;
	uint64_t page, sum, value = 0;
	struct mmsb *mmsb;

	if (mmsb_open(&mmsb, NULL) || mmsb_space_open(mmsb, NULL, HASHED, &space) || mmsb_ring_open(space, NULL, &ring) ||
	    mmsb_space_open(mmsb, NULL, HASHED, &other) ||
	    mmsb_ring_open(other, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_REPLAY), &replay) ||
	    mmsb_history_open(space, NULL, &history))
		goto failed;
	if (mmsb_create(ring, 64, &page) || mmsb_create(ring, 64, &sum) ||
	    mmsb_derive_fold(ring, sum, MMSB_RULE_SUM, MMSB_LANE_I64, &page, NULL, 1, NULL) ||
	    mmsb_add(ring, page, 0, 40, NULL) || mmsb_add(ring, page, 8, 2, NULL) ||
	    follow(history, replay) || mmsb_read(other, sum, 0, &value, sizeof(value), NULL) < 0)
		goto failed;
	printf("%" PRIu64 "\n", value);
	mmsb_history_close(history);
	mmsb_ring_close(replay);
	mmsb_ring_close(ring);
	mmsb_close(mmsb);
	return value != 42;
failed:
	fprintf(stderr, "history: %s\n", mmsb_strerror_last());
	return 1;
}
