// SPDX-License-Identifier: MIT
/* The three ways to read: a copy, a look in place, several pages at one tick. */
#include <inttypes.h>
#include <mmsb/mmsb.h>
#include <stdio.h>

/* The sum of a page's words, without copying it. */
static int sum_in_place(struct mmsb_space *space, uint64_t page, uint64_t *sum)
{
	struct mmsb_view view;
	int err;

	for (;;) {
		err = mmsb_view_begin(space, page, &view);
		if (err == -EAGAIN)
			continue;
		if (err)
			return err;
		*sum = 0;
		for (uint32_t i = 0; i < view.length / 8; i++)
			*sum += ((const uint64_t *)view.data)[i];
		if (mmsb_view_end(&view))		/* else it changed under our eyes */
			return 0;
	}
}

int main(void)
{
	uint64_t page[2], value[2], epoch, tick, sum;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb *mmsb;

	if (mmsb_open(&mmsb, NULL) || mmsb_space_open(mmsb, NULL, NULL, &space) || mmsb_ring_open(space, NULL, &ring) ||
	    mmsb_create(ring, 64, &page[0]) || mmsb_create(ring, 64, &page[1]) ||
	    mmsb_add(ring, page[0], 0, 7, NULL) || mmsb_add(ring, page[1], 8, 5, NULL))
		goto failed;

	if (mmsb_read(space, page[0], 0, &value[0], sizeof(value[0]), &epoch) < 0)
		goto failed;
	printf("copy: %" PRIu64 " at epoch %" PRIu64 "\n", value[0], epoch);

	if (sum_in_place(space, page[1], &sum))
		goto failed;
	printf("in place: %" PRIu64 "\n", sum);

	if (mmsb_snapshot(space, page, 2, (void *[]){ &value[0], &value[1] }, (size_t[]){ 8, 8 }, NULL, NULL, &tick))
		goto failed;
	printf("at tick %" PRIu64 ": %" PRIu64 " and %" PRIu64 "\n", tick, value[0], value[1]);

	mmsb_ring_close(ring);
	mmsb_close(mmsb);		/* closes the space as well */
	return sum != 5 || value[0] != 7 || value[1] != 0;
failed:
	fprintf(stderr, "read: %s\n", mmsb_strerror_last());
	return 1;
}
