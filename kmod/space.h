/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MMSB_SPACE_H
#define MMSB_SPACE_H

#include <linux/cred.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include "engine/engine.h"
#include "pressure.h"

struct inode;
struct mem_cgroup;
struct mmsb_names;
struct mmsb_user;

/* What open asked for, checked and with its defaults filled in. */
struct mmsb_space_wish {
	u32 flags;
	u32 shards;
	u32 max_rings;
	u64 max_pages;
	u64 max_bytes;
	umode_t mode;
	kuid_t uid;
	kgid_t gid;
	char name[MMSB_NAME_MAX];
};

#define MMSB_SPACE_TOLD		7	/* limits: pages, bytes, rings; those of its user; and others */

struct mmsb_space {
	struct kref ref;		/* a file, a ring, the pin: each holds one */
	struct ms_space *engine;
	struct inode *inode;		/* its mapping is that of all who map the space */
	struct mem_cgroup *memcg;	/* of the creator; NULL: the root's */
	struct mmsb_user *user;		/* the creator, */
	bool bounded;			/* whose limits hold for it */
	struct mutex rings_lock;
	struct list_head rings;		/* ring_file.c's, under rings_lock */
	struct mmsb_pressure_watch pressure;
	unsigned long told[MMSB_SPACE_TOLD];	/* jiffies of the last word on each limit */
	u32 shards;
	u32 flags;			/* MMSB_SPACE_INLINE */
	umode_t mode;
	kuid_t uid;
	kgid_t gid;
	int *cpus;			/* a shard's poller */

	/* Under the lock of names.c. */
	struct list_head node;
	struct mmsb_names *names;	/* NULL: its network namespace is gone */
	u64 id;
	bool pinned;
	char name[MMSB_NAME_MAX];	/* empty: none, or removed */
};

enum mmsb_reason mmsb_space_create(const struct mmsb_space_wish *wish, struct mmsb_space **space);
void mmsb_space_destroy(struct mmsb_space *space);	/* nobody holds it, and no list */
u32 mmsb_space_shard_here(const struct mmsb_space *space);
/* Another CPU's poller shall serve the shard. `any`: also of CPUs on which the caller may not run. */
enum mmsb_reason mmsb_space_move(struct mmsb_space *space, u32 shard, u32 cpu, bool any);
void mmsb_space_info(struct mmsb_space *space, struct mmsb_space_info_args *info);

#endif
