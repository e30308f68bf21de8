// SPDX-License-Identifier: MIT
/* A space with a log goes, and comes back from its files. */
#include <inttypes.h>
#include <mmsb/logging.h>
#include <stdio.h>
#include <stdlib.h>

static int write_some(struct mmsb *mmsb, const char *dir, uint64_t *page)
{
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct mmsb_log *log;
	int err;

	if (mmsb_space_open(mmsb, NULL, NULL, &space) ||
	    mmsb_log_open(space, dir, MMSB_OPTS(struct mmsb_log_opts, .mode = MMSB_STRICT), &log) ||
	    mmsb_ring_open(space, NULL, &ring))
		return -1;
	err = mmsb_create(ring, 64, page);
	if (!err)
		err = mmsb_add(ring, *page, 0, 42, NULL);	/* is on disk when this returns */
	mmsb_ring_close(ring);
	mmsb_log_close(log);
	mmsb_space_close(space);
	return err;
}

int main(void)
{
	char dir[] = "/tmp/mmsb-example.XXXXXX", clean[64];
	struct mmsb_restored restored = { .size = sizeof(restored) };
	uint64_t page, value = 0;
	struct mmsb_space *space;
	struct mmsb *mmsb;
	int err;

	if (!mkdtemp(dir) || mmsb_open(&mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = "embedded")))
		return 1;
	err = write_some(mmsb, dir, &page);
	if (!err)
		err = mmsb_space_open(mmsb, NULL, NULL, &space);
	if (!err)
		err = mmsb_restore(space, dir, NULL, &restored);
	if (!err && mmsb_read(space, page, 0, &value, sizeof(value), NULL) < 0)
		err = -1;
	if (err)
		fprintf(stderr, "log: %s\n", mmsb_strerror_last());
	else
		printf("%" PRIu64 ", as of tick %" PRIu64 "\n", value, restored.tick);
	mmsb_close(mmsb);
	snprintf(clean, sizeof(clean), "rm -rf %s", dir);
	return system(clean) || err || value != 42;
}
