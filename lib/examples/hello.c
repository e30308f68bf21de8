// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <mmsb/mmsb.h>
#include <stdio.h>

int main(void)
{
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint64_t page, value, epoch;

	if (mmsb_open(&mmsb, NULL) || mmsb_space_open(mmsb, NULL, NULL, &space) ||
	    mmsb_ring_open(space, NULL, &ring) || mmsb_create(ring, 64, &page))
		goto failed;
	for (int i = 1; i <= 100; i++)			/* 256 fit before submitting */
		mmsb_prep_add(mmsb_get_sqe(ring), page, 0, i);
	if (mmsb_submit_and_wait(ring, 100, MMSB_FOREVER) < 0 ||
	    mmsb_read(space, page, 0, &value, sizeof(value), &epoch) < 0)
		goto failed;
	printf("%s home: %" PRIu64 " at epoch %" PRIu64 "\n", mmsb_home(mmsb), value, epoch);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	mmsb_close(mmsb);
	return 0;
failed:
	fprintf(stderr, "hello: %s\n", mmsb_strerror_last());
	return 1;
}
