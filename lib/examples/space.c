// SPDX-License-Identifier: MIT
/* A named space with two handles: one writes, the other sleeps until the page has changed. */
#include <inttypes.h>
#include <pthread.h>
#include <mmsb/mmsb.h>
#include <stdio.h>

static uint64_t page;

static void *watch(void *arg)
{
	struct mmsb_space *space = arg;
	uint64_t epoch;

	if (mmsb_wait(space, page, 0, MMSB_FOREVER, &epoch))
		fprintf(stderr, "space: %s\n", mmsb_strerror_last());
	else
		printf("epoch %" PRIu64 "\n", epoch);
	return NULL;
}

int main(void)
{
	struct mmsb_space *writer, *reader;
	struct mmsb_ring *ring;
	struct mmsb *mmsb;
	pthread_t thread;

	if (mmsb_open(&mmsb, NULL))
		goto failed;
	if (mmsb_space_open(mmsb, "example", MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE, .shards = 2,
						       .max_pages = 1000, .max_bytes = 1 << 20), &writer) ||
	    mmsb_space_open(mmsb, "example", MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_READ_ONLY), &reader) ||
	    mmsb_ring_open(writer, NULL, &ring) || mmsb_create(ring, 4096, &page))
		goto failed;
	if (pthread_create(&thread, NULL, watch, reader))
		return 1;
	if (mmsb_set(ring, page, 100, "hello", 5, NULL))
		goto failed;
	pthread_join(thread, NULL);
	mmsb_ring_close(ring);
	mmsb_space_close(reader);
	mmsb_space_close(writer);
	mmsb_close(mmsb);
	return 0;
failed:
	fprintf(stderr, "space: %s\n", mmsb_strerror_last());
	return 1;
}
