// SPDX-License-Identifier: MIT
/* A ring that a poller drains: publish without a syscall, then reap. */
#include <inttypes.h>
#include <mmsb/mmsb.h>
#include <stdio.h>

static int reap(struct mmsb_ring *ring, unsigned int n)
{
	struct mmsb_cqe cqe;
	int err;

	while (n--) {
		err = mmsb_wait_cqe(ring, &cqe, MMSB_FOREVER);
		if (err)
			return err;
		if (cqe.result)
			fprintf(stderr, "entry %llu: %s\n", cqe.user_data, mmsb_reason_text(cqe.reason));
	}
	return 0;
}

static int count_up(struct mmsb_ring *ring, uint64_t page)
{
	for (uint64_t i = 0; i < 1000; i++) {
		struct mmsb_sqe *sqe = mmsb_get_sqe(ring);

		while (!sqe) {				/* the queue is full: let it drain */
			int n = mmsb_submit(ring);

			if (n < 0 || (n > 0 && reap(ring, n)))
				return -1;
			sqe = mmsb_get_sqe(ring);
		}
		mmsb_prep_add(sqe, page, 0, 1);
		mmsb_sqe_set_data(sqe, i);
	}
	int n = mmsb_submit(ring);

	return n < 0 ? n : reap(ring, n);
}

int main(void)
{
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb *mmsb;
	uint64_t page, value;

	if (mmsb_open(&mmsb, NULL) || mmsb_space_open(mmsb, NULL, NULL, &space) ||
	    mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_POLLED), &ring) ||
	    mmsb_create(ring, 64, &page) || count_up(ring, page) ||
	    mmsb_read(space, page, 0, &value, sizeof(value), NULL) < 0) {
		fprintf(stderr, "ring: %s\n", mmsb_strerror_last());
		return 1;
	}
	printf("%" PRIu64 "\n", value);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	mmsb_close(mmsb);
	return value != 1000;
}
