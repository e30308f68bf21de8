// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <unistd.h>
#include "senders.h"

static void *send_on(void *arg)
{
	struct sender *sender = arg;
	struct senders *senders = sender->senders;
	struct mmsb_ring *ring;
	uint64_t sent = 0;
	int err;

	err = mmsb_ring_open(senders->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_POLLED, .shard = sender->shard + 1, .idle_us = 50),
			     &ring);
	__atomic_store_n(&sender->ret, err, __ATOMIC_RELAXED);
	if (err)
		return NULL;
	while (!err && !__atomic_load_n(&senders->stop, __ATOMIC_RELAXED)) {
		err = mmsb_add(ring, senders->page[sent & 1], 8 * sender->shard, 1, NULL);
		__atomic_store_n(&sender->sent, ++sent, __ATOMIC_RELAXED);
		if (sent % 8 == 0)
			usleep(sent % 64 ? 50 : 1000);
	}
	__atomic_store_n(&sender->ret, err, __ATOMIC_RELAXED);
	mmsb_ring_close(ring);
	return NULL;
}

static int make_page(struct mmsb_space *space, uint32_t shard, uint64_t *page)
{
	struct mmsb_ring *ring;
	int err = mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .shard = shard + 1), &ring);

	if (err)
		return err;
	err = mmsb_create(ring, 64, page);
	mmsb_ring_close(ring);
	return err;
}

/* Each has sent ten more, however long that takes him, or cannot send. */
static void wait_for_more(struct senders *senders)
{
	uint64_t enough[2];
	unsigned int i;

	for (i = 0; i < 2; i++)
		enough[i] = __atomic_load_n(&senders->sender[i].sent, __ATOMIC_RELAXED) + 10;
	for (i = 0; i < 2; i++)
		while (!__atomic_load_n(&senders->sender[i].ret, __ATOMIC_RELAXED) &&
		       __atomic_load_n(&senders->sender[i].sent, __ATOMIC_RELAXED) < enough[i])
			usleep(1000);
}

int senders_start(struct senders *senders, struct mmsb_space *space)
{
	unsigned int i;
	int err = 0;

	*senders = (struct senders){ .space = space };
	for (i = 0; !err && i < 2; i++)
		err = make_page(space, i, &senders->page[i]);
	for (i = 0; !err && i < 2; i++) {
		senders->sender[i] = (struct sender){ .senders = senders, .shard = i };
		err = -pthread_create(&senders->sender[i].thread, NULL, send_on, &senders->sender[i]);
	}
	if (!err)
		wait_for_more(senders);
	return err;
}

static const char *look_at_hash(struct mmsb_space *space)
{
	uint64_t kept[2], fresh[2];

	if (mmsb_hash(space, 0, kept, NULL) || mmsb_hash(space, MMSB_HASH_RECOMPUTE, fresh, NULL))
		return "there is no hash";
	return memcmp(kept, fresh, sizeof(kept)) ? "the hash does not agree" : "";
}

static const char *look_at_all(const struct senders *senders)
{
	uint64_t found[2][2];
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (mmsb_read(senders->space, senders->page[i], 0, found[i], 16, NULL) != 16)
			return "a page cannot be read";
	for (i = 0; i < 2; i++)
		if (senders->sender[i].sent != found[0][i] + found[1][i])
			return "not everything arrived, or some twice";
	return look_at_hash(senders->space);
}

const char *senders_finish(struct senders *senders)
{
	const char *wrong = NULL;
	unsigned int i;

	wait_for_more(senders);
	__atomic_store_n(&senders->stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < 2; i++) {
		pthread_join(senders->sender[i].thread, NULL);
		if (senders->sender[i].ret)
			wrong = "one could not send";
	}
	return wrong ?: look_at_all(senders);
}
