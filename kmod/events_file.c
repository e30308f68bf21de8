// SPDX-License-Identifier: GPL-2.0-only
/*
 * The event descriptor: maps an event ring, sets its filter, can be polled. It holds its space, as a ring does, and nobody waits for
 * who holds it: closing it, also by a SIGKILL, takes it off the space's list and frees everything.
 */
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include "account.h"
#include "args.h"
#include "events_file.h"
#include "inode.h"
#include "mapping.h"
#include "names.h"

struct events_file {
	struct ms_events *engine;
	struct mmsb_space *space;
};

static long events_ioc_filter(struct events_file *ef, void __user *user)
{
	struct mmsb_events_filter_args args;
	struct mem_cgroup *before;
	enum mmsb_reason reason;
	int err;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_events_filter_args, tick), user);
	if (err)
		return err;
	before = mmsb_charge_begin(ef->space);	/* a wave under way may end here */
	reason = ms_events_filter(ef->engine, &args);
	mmsb_charge_end(before);
	args.reason = reason;
	err = mmsb_args_out(user, &args, sizeof(args));
	return reason ? ms_errno(reason) : err;
}

static long events_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct events_file *ef = file->private_data;

	if (cmd != MMSB_IOC_EVENTS_FILTER)
		return -ENOTTY;
	return events_ioc_filter(ef, (void __user *)arg);
}

/* On the queue, then the barrier, then the look. */
static __poll_t events_poll(struct file *file, struct poll_table_struct *table)
{
	struct events_file *ef = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &ms_events_waitq(ef->engine)->head, table);
	smp_mb();	/* partner: the pf_mb() before pf_waitq_active() */
	if (ms_events_readable(ef->engine))
		events |= EPOLLIN | EPOLLRDNORM;
	if (ms_events_broken(ef->engine))
		events |= EPOLLERR;
	return events;
}

static int events_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct events_file *ef = file->private_data;

	return mmsb_mapping_events(ef->engine, vma);
}

static void events_show_fdinfo(struct seq_file *seq, struct file *file)
{
	struct events_file *ef = file->private_data;
	const struct ms_events_config *config = ms_events_config(ef->engine);

	seq_printf(seq, "mmsb-space:\t%llu\n", READ_ONCE(ef->space->id));
	seq_printf(seq, "mmsb-entries:\t%u\n", config->entries);
	seq_printf(seq, "mmsb-state:\t%s\n", ms_events_broken(ef->engine) ? "broken" : "sound");
}

static void events_close(struct events_file *ef)
{
	struct mem_cgroup *before = mmsb_charge_begin(ef->space);

	ms_events_close(ef->engine);
	mmsb_charge_end(before);
	mmsb_space_put(ef->space);
	kfree(ef);
}

/* No mapping, no call and no epoll entry is left: each of them holds the file. */
static int events_release(struct inode *inode, struct file *file)
{
	events_close(file->private_data);
	return 0;
}

static const struct file_operations events_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = events_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = events_poll,
	.mmap = events_mmap,
	.release = events_release,
	.show_fdinfo = events_show_fdinfo,
};

static enum mmsb_reason events_config(const struct mmsb_events_open_args *args, struct ms_events_config *config)
{
	if (args->flags)
		return MMSB_REASON_BAD_FLAGS;
	if (args->reserved)
		return MMSB_REASON_BAD_RESERVED;
	config->entries = args->entries;
	config->pages = args->pages;
	return ms_events_config_round(config);
}

static enum mmsb_reason events_create(struct events_file *ef, struct mmsb_space *space, const struct ms_events_config *config)
{
	struct mem_cgroup *before = mmsb_charge_begin(space);
	enum mmsb_reason reason = ms_events_create(space->engine, config, &ef->engine);

	mmsb_charge_end(before);
	if (!reason)
		ef->space = mmsb_space_get(space);
	return reason;
}

/* An inode of its own: in the space's, the areas would lie where the directory does. The file keeps it. */
static struct file *events_file(struct events_file *ef)
{
	struct inode *inode = mmsb_inode_new();
	struct file *file;

	if (IS_ERR(inode))
		return ERR_CAST(inode);
	file = mmsb_inode_file(inode, "mmsb-events", &events_fops, ef);
	mmsb_inode_free(inode);
	return file;
}

enum mmsb_reason mmsb_events_file_new(struct mmsb_space *space, struct mmsb_events_open_args *args, struct file **file)
{
	struct ms_events_config config;
	struct events_file *ef;
	enum mmsb_reason reason;

	reason = events_config(args, &config);
	if (reason)
		return reason;
	ef = kzalloc(sizeof(*ef), GFP_KERNEL_ACCOUNT);
	if (!ef)
		return MMSB_REASON_NO_MEMORY;
	reason = events_create(ef, space, &config);
	if (reason) {
		kfree(ef);
		return reason;
	}
	args->entries = config.entries;
	args->engine_bytes = (u64)ms_events_engine_area(ef->engine)->nr_pages << PAGE_SHIFT;
	args->client_bytes = (u64)ms_events_client_area(ef->engine)->nr_pages << PAGE_SHIFT;
	*file = events_file(ef);
	if (IS_ERR(*file)) {
		*file = NULL;
		events_close(ef);
		return MMSB_REASON_NO_MEMORY;
	}
	return MMSB_REASON_NONE;
}
