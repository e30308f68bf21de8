/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two who send while something happens to those who serve them, each on a polled ring of a shard of its own, to pages of both shards: now at full
 * speed, now with pauses in which the pollers fall asleep. Each delta is waited for, so one that nobody looks at is missed at once.
 */
#ifndef SENDERS_H
#define SENDERS_H

#include <pthread.h>
#include <stdbool.h>
#include <mmsb/mmsb.h>

struct senders {
	struct mmsb_space *space;
	uint64_t page[2];
	bool stop;
	struct sender {
		struct senders *senders;
		uint32_t shard;
		uint64_t sent;
		int ret;
		pthread_t thread;
	} sender[2];
};

/* In a space of two shards that keeps its hash. Both are at it when this returns. */
int senders_start(struct senders *senders, struct mmsb_space *space);
/* What is not as it should be; "": they could go on to the end, and everything arrived, and agrees with the hash. */
const char *senders_finish(struct senders *senders);

#endif
