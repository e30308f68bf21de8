/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MMSB_RING_FILE_H
#define MMSB_RING_FILE_H

#include <linux/sched.h>
#include "space.h"

/* Reads the in-fields of args, fills in the out-fields. The file holds a reference of its own to the space. */
/* A ring, and who opened it, as those see it who look from outside. */
struct mmsb_ring_view {
	u64 id;
	struct ms_ring_config config;
	struct ms_ring_stat stat;
	u32 pid, uid;			/* as the caller's namespaces number them */
	u32 idle_us;
	u64 cgroup, opened;
	char comm[TASK_COMM_LEN];
};

/* The space's ring of the next higher id. */
bool mmsb_ring_view_next(struct mmsb_space *space, u64 above, struct mmsb_ring_view *view);
u32 mmsb_ring_count(struct mmsb_space *space, u32 shard);	/* those that are that shard's */

/* Looks at every ring: tells of entries that were held up for longer than `patience` jiffies, and of those that go on. */
struct mmsb_ring_looks {
	unsigned long patience;
	u32 held, told;			/* rings that are held up; of those, for so long that it was told */
	bool by_log;			/* some by the log */
};
void mmsb_ring_look(struct mmsb_space *space, struct mmsb_ring_looks *looks);

enum mmsb_reason mmsb_ring_file_new(struct mmsb_space *space, bool read_only, struct mmsb_ring_open_args *args,
				    struct file **file);

#endif
