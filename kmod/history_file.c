// SPDX-License-Identifier: GPL-2.0-only
/*
 * The history descriptor: what a space tells, record by record, by read(2).
 *
 * A read gives as many whole records as fit. One that does not fit alone is kept, and EMSGSIZE says that the buffer is too small for it, so
 * that nobody can lose the thread by asking for too little. The engine has one reader at a time, which is whoever holds the mutex;
 * it is not held while a reader sleeps.
 *
 * The log descriptor is the same, but that what it gives stays with the engine until its holder says that it is durable, and that another
 * may take over, from when on this one's calls are refused. What was fetched is looked at only while that cannot happen.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include "account.h"
#include "args.h"
#include "history_file.h"
#include "inode.h"
#include "names.h"

struct history_file {
	struct ms_history *engine;
	struct mmsb_space *space;
	struct mutex mutex;
	const struct mmsb_record *next;	/* fetched, and not yet read; under the mutex */
	bool log;
	u64 term;
};

/* Under the mutex. 0, with hf->next set if there is one. */
static int history_fetch(struct history_file *hf)
{
	const struct mmsb_record *record;
	struct mem_cgroup *before;
	enum mmsb_reason reason;

	if (hf->next)
		return 0;
	before = mmsb_charge_begin(hf->space);
	reason = ms_history_next(hf->engine, &record);
	mmsb_charge_end(before);
	if (reason)
		return ms_errno(reason);
	WRITE_ONCE(hf->next, record);
	return 0;
}

/* Under the mutex, and for a log by leave of the engine. What was copied, or why nothing was. */
static ssize_t history_copy_some(struct history_file *hf, char __user *to, size_t room)
{
	size_t done = 0;
	int err;

	for (;;) {
		err = history_fetch(hf);
		if (!err && !hf->next)
			err = -EAGAIN;
		else if (!err && hf->next->bytes > room - done)
			err = -EMSGSIZE;
		else if (!err && copy_to_user(to + done, hf->next, hf->next->bytes))
			err = -EFAULT;
		if (err)
			return done ?: err;
		done += hf->next->bytes;
		WRITE_ONCE(hf->next, NULL);
		if (fatal_signal_pending(current))
			return done;
		cond_resched();
	}
}

static ssize_t history_copy(struct history_file *hf, char __user *to, size_t room)
{
	enum mmsb_reason reason;
	ssize_t n;

	if (!hf->log)
		return history_copy_some(hf, to, room);
	reason = ms_history_enter(hf->engine, hf->term);
	if (reason)
		return ms_errno(reason);
	n = history_copy_some(hf, to, room);
	ms_history_leave(hf->engine);
	return n;
}

static ssize_t history_read(struct file *file, char __user *to, size_t room, loff_t *pos)
{
	struct history_file *hf = file->private_data;
	ssize_t n;
	int err;

	for (;;) {
		if (mutex_lock_interruptible(&hf->mutex))
			return -ERESTARTSYS;
		n = history_copy(hf, to, room);
		mutex_unlock(&hf->mutex);
		if (n != -EAGAIN || file->f_flags & O_NONBLOCK)
			return n;
		err = ms_history_wait(hf->engine, ~0ull);
		if (err)
			return err;
	}
}

/* On the queue, then the barrier, then the look. */
static __poll_t history_poll(struct file *file, struct poll_table_struct *table)
{
	struct history_file *hf = file->private_data;

	poll_wait(file, &ms_history_waitq(hf->engine)->head, table);
	smp_mb();	/* partner: the pf_mb() before pf_waitq_active() */
	return READ_ONCE(hf->next) || ms_history_is_due(hf->engine) ? EPOLLIN | EPOLLRDNORM : 0;
}

static long history_ioc_capture(struct history_file *hf, void __user *user)
{
	struct mmsb_log_capture_args args;
	struct mem_cgroup *before;
	enum mmsb_reason reason;
	int err;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_log_capture_args, reserved), user);
	if (err)
		return err;
	reason = args.flags ? MMSB_REASON_BAD_FLAGS : args.reserved ? MMSB_REASON_BAD_RESERVED : MMSB_REASON_NONE;
	if (!reason) {
		before = mmsb_charge_begin(hf->space);
		reason = ms_history_capture(hf->engine, hf->term, &args.tick);
		mmsb_charge_end(before);
	}
	args.reason = reason;
	err = mmsb_args_out(user, &args, sizeof(args));
	return reason ? ms_errno(reason) : err;
}

static void history_show_fdinfo(struct seq_file *seq, struct file *file)
{
	struct history_file *hf = file->private_data;

	seq_printf(seq, "mmsb-space:\t%llu\n", READ_ONCE(hf->space->id));
}

static void history_close(struct history_file *hf)
{
	struct mem_cgroup *before = mmsb_charge_begin(hf->space);

	if (hf->log)
		ms_log_close(hf->engine, hf->term);
	else
		ms_history_close(hf->engine);	/* rings that stood still go on here */
	mmsb_charge_end(before);
	mmsb_space_put(hf->space);
	mutex_destroy(&hf->mutex);
	kfree(hf);
}

static long history_ioc_durable(struct history_file *hf, void __user *user)
{
	struct mmsb_log_durable_args args;
	struct mem_cgroup *before;
	enum mmsb_reason reason;
	int err;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_log_durable_args, tick), user);
	if (err)
		return err;
	if (args.flags & ~MMSB_LOG_KNOWN)
		return -EINVAL;
	if (!hf->log)
		return ms_errno(MMSB_REASON_NO_LOG);
	before = mmsb_charge_begin(hf->space);
	reason = ms_log_durable(hf->engine, hf->term, args.flags, args.tick);
	mmsb_charge_end(before);
	return ms_errno(reason);
}

static long history_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct history_file *hf = file->private_data;
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case MMSB_IOC_LOG_DURABLE:
		return history_ioc_durable(hf, user);
	case MMSB_IOC_LOG_CAPTURE:
		return history_ioc_capture(hf, user);
	default:
		return -ENOTTY;
	}
}

static int history_release(struct inode *inode, struct file *file)
{
	history_close(file->private_data);
	return 0;
}

static const struct file_operations history_fops = {
	.owner = THIS_MODULE,
	.read = history_read,
	.unlocked_ioctl = history_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = history_poll,
	.release = history_release,
	.show_fdinfo = history_show_fdinfo,
};

static enum mmsb_reason history_open(struct history_file *hf, struct mmsb_space *space, struct mmsb_history_open_args *args)
{
	struct mem_cgroup *before = mmsb_charge_begin(space);
	enum mmsb_reason reason = ms_history_open(space->engine, args, &hf->engine);

	mmsb_charge_end(before);
	if (reason)
		return reason;
	hf->log = args->flags & MMSB_HISTORY_LOG;
	hf->term = args->term;
	mutex_init(&hf->mutex);
	hf->space = mmsb_space_get(space);
	return reason;
}

enum mmsb_reason mmsb_history_file_new(struct mmsb_space *space, bool read_only, struct mmsb_history_open_args *args,
				       struct file **file)
{
	struct history_file *hf;
	enum mmsb_reason reason;

	if (read_only)
		return MMSB_REASON_READ_ONLY;
	hf = kzalloc(sizeof(*hf), GFP_KERNEL_ACCOUNT);
	if (!hf)
		return MMSB_REASON_NO_MEMORY;
	reason = history_open(hf, space, args);
	if (reason) {
		kfree(hf);
		return reason;
	}
	*file = mmsb_inode_file(space->inode, "mmsb-history", &history_fops, hf);
	if (IS_ERR(*file)) {
		*file = NULL;
		history_close(hf);
		return MMSB_REASON_NO_MEMORY;
	}
	return MMSB_REASON_NONE;
}
