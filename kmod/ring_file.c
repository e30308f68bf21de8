// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring descriptor: maps a ring, enters it, polls it, takes snapshots and looks at the graph through it. It holds its
 * space, so the last ring may well be what keeps a space alive. Closing it, also by a SIGKILL, applies what was published and
 * frees everything.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uidgid.h>
#include "account.h"
#include "args.h"
#include "inode.h"
#include "limits.h"
#include "mapping.h"
#include "names.h"
#include "poller.h"
#include "ring_file.h"

struct ring_file {
	struct ms_ring *engine;
	struct mmsb_space *space;
	struct pf_shard *shard;
	struct mmsb_poller_wish wish;	/* of a polled ring */

	/* Who opened it. */
	struct list_head node;		/* of the space's rings */
	u64 opened, cgroup;
	struct pid *pid;
	char comm[TASK_COMM_LEN];

	/* As the last look found it; under rings_lock. */
	u64 held_at;			/* how many had been taken */
	unsigned long held_since;
	bool held, held_told;
};

static long ring_ioc_enter(struct ring_file *rf, void __user *user)
{
	struct mmsb_enter_args args;
	struct mem_cgroup *before;
	int err;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_enter_args, timeout_ns), user);
	if (err)
		return err;
	if (args.flags & ~MMSB_ENTER_KNOWN || args.reserved)
		return -EINVAL;
	if (args.flags & MMSB_ENTER_ROOM && args.min_complete)
		return -EINVAL;
	before = mmsb_charge_begin(rf->space);
	if (args.flags & MMSB_ENTER_ROOM)
		err = ms_ring_enter_for_room(rf->engine, args.timeout_ns);
	else
		err = ms_ring_enter(rf->engine, args.min_complete, args.timeout_ns);
	mmsb_charge_end(before);
	err = mmsb_args_interrupted(err, args.timeout_ns);
	return err;
}

static long ring_ioc_snapshot(struct ring_file *rf, void __user *user)
{
	struct mmsb_snapshot_args args;
	struct mem_cgroup *before;
	enum mmsb_reason reason;
	int err;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_snapshot_args, length), user);
	if (err)
		return err;
	if (args.flags) {
		reason = MMSB_REASON_BAD_FLAGS;
	} else {
		before = mmsb_charge_begin(rf->space);
		reason = ms_ring_snapshot(rf->engine, &args);
		mmsb_charge_end(before);
	}
	args.reason = reason;
	err = mmsb_args_out(user, &args, sizeof(args));
	return reason ? ms_errno(reason) : err;
}

static long ring_ioc_graph(struct ring_file *rf, void __user *user)
{
	struct mmsb_graph_args args;
	struct mem_cgroup *before;
	enum mmsb_reason reason;
	int err;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_graph_args, tick), user);
	if (err)
		return err;
	if (args.reserved) {
		reason = MMSB_REASON_BAD_RESERVED;
	} else {
		before = mmsb_charge_begin(rf->space);
		reason = ms_ring_graph(rf->engine, &args);
		mmsb_charge_end(before);
	}
	args.reason = reason;
	err = mmsb_args_out(user, &args, sizeof(args));
	return reason ? ms_errno(reason) : err;
}

static long ring_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ring_file *rf = file->private_data;
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case MMSB_IOC_ENTER:
		return ring_ioc_enter(rf, user);
	case MMSB_IOC_SNAPSHOT:
		return ring_ioc_snapshot(rf, user);
	case MMSB_IOC_GRAPH:
		return ring_ioc_graph(rf, user);
	default:
		return -ENOTTY;
	}
}

static u32 ring_flags(struct ring_file *rf)
{
	const struct mmsb_ring_engine *area = pf_shared_ptr(ms_ring_engine_area(rf->engine));

	return READ_ONCE(area->flags);
}

/* On the queue, then the barrier, then the look. */
static __poll_t ring_poll(struct file *file, struct poll_table_struct *table)
{
	struct ring_file *rf = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &ms_ring_waitq(rf->engine)->head, table);
	smp_mb();	/* partner: the pf_mb() before pf_waitq_active() */
	if (ms_ring_completions(rf->engine))
		events |= EPOLLIN | EPOLLRDNORM;
	if (ms_ring_room(rf->engine))
		events |= EPOLLOUT | EPOLLWRNORM;
	if (ring_flags(rf) & MMSB_RING_BROKEN)
		events |= EPOLLERR;
	return events;
}

static int ring_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct ring_file *rf = file->private_data;

	return mmsb_mapping_ring(rf->engine, vma);
}

static void ring_show_fdinfo(struct seq_file *seq, struct file *file)
{
	struct ring_file *rf = file->private_data;
	const struct ms_ring_config *config = ms_ring_config(rf->engine);
	u32 flags = ring_flags(rf);

	seq_printf(seq, "mmsb-space:\t%llu\n", READ_ONCE(rf->space->id));
	seq_printf(seq, "mmsb-shard:\t%u\n", config->shard);
	seq_printf(seq, "mmsb-mode:\t%s%s\n", config->polled ? "polled" : "inline", config->read_only ? " read-only" : "");
	seq_printf(seq, "mmsb-entries:\t%u %u\n", config->sq_entries, config->cq_entries);
	seq_printf(seq, "mmsb-state:\t%s%s\n", flags & MMSB_RING_BROKEN ? "broken" : "sound",
		   flags & MMSB_RING_NEED_WAKEUP ? " asleep" : "");
}

/* -------------------------------------------------------------------------------------------- the list, and who is on it */

static u64 ring_cgroup(void)
{
	u64 id = 0;

#ifdef CONFIG_CGROUPS
	rcu_read_lock();
	id = cgroup_id(task_dfl_cgroup(current));
	rcu_read_unlock();
#endif
	return id;
}

static void ring_enlist(struct ring_file *rf)
{
	struct mmsb_space *space = rf->space;

	rf->opened = ktime_get_real_ns();
	rf->cgroup = ring_cgroup();
	rf->pid = get_pid(task_tgid(current));
	get_task_comm(rf->comm, current);
	mutex_lock(&space->rings_lock);
	list_add_tail(&rf->node, &space->rings);
	mutex_unlock(&space->rings_lock);
}

static void ring_delist(struct ring_file *rf)
{
	mutex_lock(&rf->space->rings_lock);
	list_del(&rf->node);
	mutex_unlock(&rf->space->rings_lock);
	put_pid(rf->pid);
}

static void ring_view(struct ring_file *rf, struct mmsb_ring_view *view)
{
	view->id = ms_ring_id(rf->engine);
	view->config = *ms_ring_config(rf->engine);
	ms_ring_stat(rf->engine, &view->stat);
	view->pid = pid_nr_ns(rf->pid, task_active_pid_ns(current));
	view->uid = from_kuid_munged(current_user_ns(), make_kuid(&init_user_ns, view->config.origin.uid));
	view->idle_us = rf->wish.idle_us;
	view->cgroup = rf->cgroup;
	view->opened = rf->opened;
	strscpy(view->comm, rf->comm, sizeof(view->comm));
}

bool mmsb_ring_view_next(struct mmsb_space *space, u64 above, struct mmsb_ring_view *view)
{
	struct ring_file *rf, *found = NULL;

	mutex_lock(&space->rings_lock);
	list_for_each_entry(rf, &space->rings, node)
		if (ms_ring_id(rf->engine) > above && (!found || ms_ring_id(rf->engine) < ms_ring_id(found->engine)))
			found = rf;
	if (found)
		ring_view(found, view);
	mutex_unlock(&space->rings_lock);
	return found;
}

u32 mmsb_ring_count(struct mmsb_space *space, u32 shard)
{
	struct ring_file *rf;
	u32 rings = 0;

	mutex_lock(&space->rings_lock);
	list_for_each_entry(rf, &space->rings, node)
		rings += ms_ring_config(rf->engine)->shard == shard;
	mutex_unlock(&space->rings_lock);
	return rings;
}

static void ring_tell(struct ring_file *rf, enum mmsb_what what)
{
	const struct mmsb_origin *origin = &ms_ring_config(rf->engine)->origin;
	struct mmsb_news news = { .what = what, .ring = ms_ring_id(rf->engine), .pid = origin->pid, .uid = origin->uid };

	mmsb_names_tell(rf->space, &news);
}

/* --------------------------------------------------------------------------------------------------------- held up */

static void ring_tell_held(struct ring_file *rf, enum mmsb_what what, u32 held_by)
{
	const struct mmsb_origin *origin = &ms_ring_config(rf->engine)->origin;
	struct mmsb_news news = { .group = MMSB_NL_PRESSURE, .what = what, .ring = ms_ring_id(rf->engine), .pid = origin->pid, .uid = origin->uid,
				  .held_by = held_by };

	rf->held_told = what == MMSB_WHAT_QUEUE_HELD;
	mmsb_names_tell(rf->space, &news);
}

static void ring_look(struct ring_file *rf, struct mmsb_ring_looks *looks)
{
	struct ms_ring_stat stat;
	bool was = rf->held;

	ms_ring_stat(rf->engine, &stat);
	rf->held = stat.held_by;
	if (!rf->held || !was || stat.taken != rf->held_at) {
		if (rf->held_told)
			ring_tell_held(rf, MMSB_WHAT_QUEUE_GOES_ON, 0);
		rf->held_at = stat.taken;
		rf->held_since = jiffies;
	} else if (!rf->held_told && time_after_eq(jiffies, rf->held_since + looks->patience)) {
		ring_tell_held(rf, MMSB_WHAT_QUEUE_HELD, stat.held_by);
	}
	looks->held += rf->held;
	looks->told += rf->held_told;
	looks->by_log |= stat.held_by == MMSB_STALL_LOG + 1;
}

void mmsb_ring_look(struct mmsb_space *space, struct mmsb_ring_looks *looks)
{
	struct ring_file *rf;

	mutex_lock(&space->rings_lock);
	list_for_each_entry(rf, &space->rings, node)
		ring_look(rf, looks);
	mutex_unlock(&space->rings_lock);
}

/* ------------------------------------------------------------------------------------------------------------ its end */

static void ring_close(struct ring_file *rf)
{
	struct mem_cgroup *before;

	ring_tell(rf, current->flags & PF_EXITING ? MMSB_WHAT_CLIENT_DIED : MMSB_WHAT_RING_CLOSED);
	ring_delist(rf);
	if (rf->held_told)
		ring_tell_held(rf, MMSB_WHAT_QUEUE_GOES_ON, 0);
	if (ms_ring_config(rf->engine)->polled)
		mmsb_poller_unwish(&rf->wish);
	before = mmsb_charge_begin(rf->space);
	ms_ring_close(rf->engine);
	mmsb_charge_end(before);
	mmsb_space_put(rf->space);
	kfree(rf);
}

/* No mapping, no call and no epoll entry is left: each of them holds the file. */
static int ring_release(struct inode *inode, struct file *file)
{
	ring_close(file->private_data);
	return 0;
}

static const struct file_operations ring_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = ring_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = ring_poll,
	.mmap = ring_mmap,
	.release = ring_release,
	.show_fdinfo = ring_show_fdinfo,
};

static enum mmsb_reason ring_config(struct mmsb_space *space, const struct mmsb_ring_open_args *args,
				    struct ms_ring_config *config)
{
	if (args->flags & ~MMSB_RING_KNOWN)
		return MMSB_REASON_BAD_FLAGS;
	if (args->reserved)
		return MMSB_REASON_BAD_RESERVED;
	if (args->idle_us > MMSB_IDLE_MAX_US)
		return MMSB_REASON_BAD_LIMIT;
	if (args->flags & MMSB_RING_POLLED && space->flags & MMSB_SPACE_INLINE)
		return MMSB_REASON_NO_POLLERS;
	if (args->flags & MMSB_RING_REPLAY && config->read_only)
		return MMSB_REASON_READ_ONLY;
	config->sq_entries = args->sq_entries;
	config->cq_entries = args->cq_entries;
	config->payload_bytes = args->payload_bytes;
	config->shard = args->shard == ~0u ? mmsb_space_shard_here(space) : args->shard;
	config->polled = args->flags & MMSB_RING_POLLED;
	config->replay = args->flags & MMSB_RING_REPLAY;
	config->origin = (struct mmsb_origin){
		.source = args->source,
		.uid = from_kuid(&init_user_ns, current_euid()),
		.pid = task_tgid_nr(current),
	};
	if (config->shard >= space->shards)
		return MMSB_REASON_BAD_SHARD;
	return ms_ring_config_round(config);
}

static void ring_report(struct ms_ring *ring, struct mmsb_ring_open_args *args)
{
	const struct ms_ring_config *config = ms_ring_config(ring);

	args->sq_entries = config->sq_entries;
	args->cq_entries = config->cq_entries;
	args->payload_bytes = config->payload_bytes;
	args->shard = config->shard;
	args->engine_bytes = (u64)ms_ring_engine_area(ring)->nr_pages << PAGE_SHIFT;
	args->client_bytes = (u64)ms_ring_client_area(ring)->nr_pages << PAGE_SHIFT;
	args->payload_offset = ms_ring_payload_offset(ring);
}

static enum mmsb_reason ring_create(struct mmsb_space *space, const struct ms_ring_config *config, struct ms_ring **ring)
{
	struct mem_cgroup *before = mmsb_charge_begin(space);
	enum mmsb_reason reason = ms_ring_create(space->engine, config, ring);

	mmsb_charge_end(before);
	return reason;
}

/* An inode of its own: in the space's, the ring's areas would lie where the directory does. The file keeps it. */
static struct file *ring_file(struct ring_file *rf)
{
	struct inode *inode = mmsb_inode_new();
	struct file *file;

	if (IS_ERR(inode))
		return ERR_CAST(inode);
	file = mmsb_inode_file(inode, "mmsb-ring", &ring_fops, rf);
	mmsb_inode_free(inode);
	return file;
}

enum mmsb_reason mmsb_ring_file_new(struct mmsb_space *space, bool read_only, struct mmsb_ring_open_args *args,
				    struct file **file)
{
	struct ms_ring_config config = { .read_only = read_only };
	struct ring_file *rf;
	enum mmsb_reason reason;

	reason = ring_config(space, args, &config);
	if (reason)
		return reason;
	rf = kzalloc(sizeof(*rf), GFP_KERNEL_ACCOUNT);
	if (!rf)
		return MMSB_REASON_NO_MEMORY;
	reason = ring_create(space, &config, &rf->engine);
	if (reason) {
		kfree(rf);
		return reason;
	}
	rf->space = mmsb_space_get(space);
	rf->shard = ms_shard_home(ms_space_shard(space->engine, config.shard));
	rf->wish.idle_us = args->idle_us;
	if (config.polled)
		mmsb_poller_wish(rf->shard, &rf->wish);
	ring_enlist(rf);
	ring_tell(rf, MMSB_WHAT_RING_OPENED);
	*file = ring_file(rf);
	if (IS_ERR(*file)) {
		*file = NULL;
		ring_close(rf);
		return MMSB_REASON_NO_MEMORY;
	}
	ring_report(rf->engine, args);
	return MMSB_REASON_NONE;
}
