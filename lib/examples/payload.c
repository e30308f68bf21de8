// SPDX-License-Identifier: MIT
/* Operands of more than 24 bytes lie in the payload area of the ring. */
#include <mmsb/mmsb.h>
#include <stdio.h>

/* Quiet: nothing comes back unless it fails. Then and when there is no room, others have to be done first. */
static int put(struct mmsb_ring *ring, uint64_t page, uint32_t offset, const char *text, uint32_t len)
{
	struct mmsb_sqe *sqe;
	char *operand;
	int err;

	for (;;) {
		sqe = mmsb_get_sqe(ring);
		if (sqe) {
			mmsb_prep_set(sqe, page, offset, NULL, len);
			operand = mmsb_sqe_payload(ring, sqe, len);
			if (operand)
				break;
			mmsb_prep_nop(sqe);		/* an entry that was taken is submitted */
			mmsb_sqe_quiet(sqe);
		}
		err = mmsb_drain(ring, MMSB_FOREVER);	/* submits, and waits until all is applied */
		if (err)
			return err;
	}
	memcpy(operand, text, len);
	mmsb_sqe_quiet(sqe);
	return 0;
}

int main(void)
{
	static const char line[] = "forty characters, give or take, and an end";
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb *mmsb;
	char got[sizeof(line)];
	uint64_t page;

	if (mmsb_open(&mmsb, NULL) || mmsb_space_open(mmsb, NULL, NULL, &space) ||
	    mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .sq_entries = 16, .payload_bytes = 4096), &ring) ||
	    mmsb_create(ring, 1 << 20, &page))
		goto failed;
	for (uint32_t i = 0; i < 10000; i++)
		if (put(ring, page, i * 64, line, sizeof(line)))
			goto failed;
	if (mmsb_drain(ring, MMSB_FOREVER) || mmsb_read(space, page, 9999 * 64, got, sizeof(got), NULL) < 0)
		goto failed;
	puts(got);
	mmsb_ring_close(ring);
	mmsb_space_close(space);
	mmsb_close(mmsb);
	return strcmp(got, line) != 0;
failed:
	fprintf(stderr, "payload: %s\n", mmsb_strerror_last());
	return 1;
}
