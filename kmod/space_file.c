// SPDX-License-Identifier: GPL-2.0-only
/*
 * The space descriptor: maps the state, opens rings, waits, hashes, resets, verifies. What it allows was decided when it was opened, and
 * stays so whoever holds it.
 */
#include <linux/file.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include "account.h"
#include "args.h"
#include "events_file.h"
#include "history_file.h"
#include "inode.h"
#include "mapping.h"
#include "names.h"
#include "ring_file.h"
#include "space_file.h"

struct space_file {
	struct mmsb_space *space;
	struct mutex verifying;
	struct ms_verify *verify;	/* under that; NULL: none is under way */
	bool read_only;
	bool owner;
};

static long space_ioc_info(struct space_file *sf, void __user *user)
{
	struct mmsb_space_info_args args;
	u64 cursor;
	u32 size;
	int err;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_space_info_args, incarnation), user);
	if (err)
		return err;
	size = args.size;
	cursor = args.cursor;
	memset(&args, 0, sizeof(args));
	args.size = size;
	args.cursor = cursor;
	mmsb_names_info(sf->space, &args);
	if (sf->read_only)
		args.flags |= MMSB_SPACE_READ_ONLY;
	return mmsb_args_out(user, &args, sizeof(args));
}

static long space_ioc_ring_open(struct space_file *sf, void __user *user)
{
	struct mmsb_ring_open_args args;
	struct file *file = NULL;
	enum mmsb_reason reason;
	int fd, err;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_ring_open_args, reserved), user);
	if (err)
		return err;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	reason = mmsb_ring_file_new(sf->space, sf->read_only, &args, &file);
	args.reason = reason;
	err = mmsb_args_out(user, &args, sizeof(args));
	if (reason)
		err = ms_errno(reason);
	if (err)
		goto err_file;
	fd_install(fd, file);
	return fd;

err_file:
	if (file)
		fput(file);
	put_unused_fd(fd);
	return err;
}

static long space_ioc_events_open(struct space_file *sf, void __user *user)
{
	struct mmsb_events_open_args args;
	struct file *file = NULL;
	enum mmsb_reason reason;
	int fd, err;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_events_open_args, reserved), user);
	if (err)
		return err;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	reason = mmsb_events_file_new(sf->space, &args, &file);
	args.reason = reason;
	err = mmsb_args_out(user, &args, sizeof(args));
	if (reason)
		err = ms_errno(reason);
	if (err)
		goto err_file;
	fd_install(fd, file);
	return fd;

err_file:
	if (file)
		fput(file);
	put_unused_fd(fd);
	return err;
}

static long space_ioc_history_open(struct space_file *sf, void __user *user)
{
	struct mmsb_history_open_args args;
	struct file *file = NULL;
	enum mmsb_reason reason;
	int fd, err;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_history_open_args, mode), user);
	if (err)
		return err;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	reason = mmsb_history_file_new(sf->space, sf->read_only, &args, &file);
	args.reason = reason;
	err = mmsb_args_out(user, &args, sizeof(args));
	if (reason)
		err = ms_errno(reason);
	if (err)
		goto err_file;
	fd_install(fd, file);
	return fd;

err_file:
	if (file)
		fput(file);
	put_unused_fd(fd);
	return err;
}

static long space_ioc_reset(struct space_file *sf)
{
	struct mem_cgroup *before;
	enum mmsb_reason reason;

	if (sf->read_only || !sf->owner)
		return -EPERM;
	before = mmsb_charge_begin(sf->space);
	reason = ms_space_reset(sf->space->engine);
	mmsb_charge_end(before);
	if (!reason)
		mmsb_names_tell_done(sf->space, MMSB_WHAT_SPACE_RESET);
	return ms_errno(reason);
}

static long space_ioc_hash(struct space_file *sf, void __user *user)
{
	struct mmsb_hash_args args;
	struct mem_cgroup *before;
	enum mmsb_reason reason;
	bool off = false;
	int err;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_hash_args, hash), user);
	if (err)
		return err;
	if (args.flags & ~MMSB_HASH_KNOWN || (args.flags & MMSB_HASH_ON && args.flags & MMSB_HASH_OFF))
		return -EINVAL;
	if (args.flags & (MMSB_HASH_ON | MMSB_HASH_OFF) && (sf->read_only || !sf->owner))
		return -EPERM;
	before = mmsb_charge_begin(sf->space);
	reason = ms_space_hash(sf->space->engine, args.flags, args.hash, &args.tick, &off);
	mmsb_charge_end(before);
	if (reason)
		return ms_errno(reason);
	if (args.flags & (MMSB_HASH_ON | MMSB_HASH_OFF))
		mmsb_names_tell_done(sf->space, MMSB_WHAT_SPACE_CHANGED);
	if (off && !(args.flags & MMSB_HASH_OFF))
		return -ENODATA;
	return mmsb_args_out(user, &args, sizeof(args));
}

static long space_ioc_wait(struct space_file *sf, void __user *user)
{
	struct mem_cgroup *before;
	struct mmsb_wait_args args;
	int err, out;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_wait_args, now), user);
	if (err)
		return err;
	if (args.flags)
		return -EINVAL;
	before = mmsb_charge_begin(sf->space);
	err = ms_page_wait(sf->space->engine, args.page, args.epoch, args.timeout_ns, &args.now);
	mmsb_charge_end(before);
	err = mmsb_args_interrupted(err, args.timeout_ns);
	out = mmsb_args_out(user, &args, sizeof(args));
	return err ?: out;
}

static long space_ioc_durability(struct space_file *sf, void __user *user)
{
	struct mmsb_durability_args args;
	struct mem_cgroup *before;
	enum mmsb_reason reason;
	int err;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_durability_args, capturing), user);
	if (err)
		return err;
	if (args.flags & ~MMSB_DURABILITY_SET)
		return -EINVAL;
	if (args.flags & MMSB_DURABILITY_SET && (sf->read_only || !sf->owner))
		return -EPERM;
	before = mmsb_charge_begin(sf->space);
	reason = ms_log_durability(sf->space->engine, args.flags & MMSB_DURABILITY_SET, &args);
	mmsb_charge_end(before);
	if (!reason && args.flags & MMSB_DURABILITY_SET)
		mmsb_names_tell_done(sf->space, MMSB_WHAT_SPACE_CHANGED);
	args.reason = reason;
	err = mmsb_args_out(user, &args, sizeof(args));
	return reason ? ms_errno(reason) : err;
}

static long space_ioc_sync(struct space_file *sf, void __user *user)
{
	struct mem_cgroup *before;
	struct mmsb_sync_args args;
	enum mmsb_reason reason;
	int err, out;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_sync_args, reserved), user);
	if (err)
		return err;
	if (args.flags || args.reserved)
		return -EINVAL;
	before = mmsb_charge_begin(sf->space);
	reason = ms_log_sync(sf->space->engine, args.tick, args.timeout_ns, &args.durable, &err);
	mmsb_charge_end(before);
	args.reason = reason;
	err = reason ? ms_errno(reason) : mmsb_args_interrupted(err, args.timeout_ns);
	out = mmsb_args_out(user, &args, sizeof(args));
	return err ?: out;
}

static long space_ioc_limits(struct space_file *sf, void __user *user)
{
	struct mmsb_limits_args args;
	struct ms_space_limits limits = {};
	int err, out;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_limits_args, reason), user);
	if (err)
		return err;
	if (args.flags)
		return -EINVAL;
	if (sf->read_only || !sf->owner)
		return -EPERM;
	limits.max_pages = args.max_pages;
	limits.max_bytes = args.max_bytes;
	limits.max_rings = args.max_rings;
	args.reason = ms_space_limit(sf->space->engine, &limits);
	err = ms_errno(args.reason);
	if (!err) {
		mmsb_names_tell_done(sf->space, MMSB_WHAT_SPACE_CHANGED);
		mmsb_pressure_hurry(sf->space);
	}
	out = mmsb_args_out(user, &args, sizeof(args));
	return err ?: out;
}

static int verify_charged(struct space_file *sf, struct mmsb_verify_args *args)
{
	struct mem_cgroup *before = mmsb_charge_begin(sf->space);

	args->reason = ms_space_verify(sf->space->engine, &sf->verify, args);
	mmsb_charge_end(before);
	return ms_errno(args->reason);
}

static long space_ioc_verify(struct space_file *sf, void __user *user)
{
	struct mmsb_verify_args args;
	int err, out;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_verify_args, finding), user);
	if (err)
		return err;
	if (args.flags & ~MMSB_VERIFY_KNOWN || args.flags == MMSB_VERIFY_STILL || args.reserved)
		return -EINVAL;
	if (sf->read_only || !sf->owner)
		return -EPERM;
	if (mutex_lock_interruptible(&sf->verifying))
		return -ERESTARTSYS;
	memset_after(&args, 0, flags);
	err = verify_charged(sf, &args);
	mutex_unlock(&sf->verifying);
	out = mmsb_args_out(user, &args, sizeof(args));
	return err ?: out;
}

/* Too large for the stack. */
static long space_timing(struct space_file *sf, void __user *user, struct mmsb_timing_args *args)
{
	struct mem_cgroup *before;
	enum mmsb_reason reason;
	u32 flags;
	int err;

	err = mmsb_args_in(args, sizeof(*args), offsetofend(struct mmsb_timing_args, bucket), user);
	if (err)
		return err;
	flags = args->flags;
	if (flags & ~MMSB_TIMING_KNOWN)
		return -EINVAL;
	if (flags && (sf->read_only || !sf->owner))
		return -EPERM;
	before = mmsb_charge_begin(sf->space);
	reason = ms_space_timing(sf->space->engine, args);
	mmsb_charge_end(before);
	if (!reason && flags & (MMSB_TIMING_ON | MMSB_TIMING_OFF))
		mmsb_names_tell_done(sf->space, MMSB_WHAT_SPACE_CHANGED);
	args->reason = reason;
	err = mmsb_args_out(user, args, sizeof(*args));
	return reason ? ms_errno(reason) : err;
}

static long space_ioc_timing(struct space_file *sf, void __user *user)
{
	struct mmsb_timing_args *args = kmalloc(sizeof(*args), GFP_KERNEL_ACCOUNT);
	long err = args ? space_timing(sf, user, args) : -ENOMEM;

	kfree(args);
	return err;
}

static long space_ioc_audit(struct space_file *sf, void __user *user)
{
	struct mmsb_audit_args args;
	int err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_audit_args, reserved), user);

	if (err)
		return err;
	if (args.flags || args.reserved)
		return -EINVAL;
	if (sf->read_only || !sf->owner)
		return -EPERM;
	ms_space_audit(sf->space->engine, args.every);
	mmsb_names_tell_done(sf->space, MMSB_WHAT_SPACE_CHANGED);
	return 0;
}

static long space_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct space_file *sf = file->private_data;
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case MMSB_IOC_SPACE_INFO:
		return space_ioc_info(sf, user);
	case MMSB_IOC_RING_OPEN:
		return space_ioc_ring_open(sf, user);
	case MMSB_IOC_EVENTS_OPEN:
		return space_ioc_events_open(sf, user);
	case MMSB_IOC_HISTORY_OPEN:
		return space_ioc_history_open(sf, user);
	case MMSB_IOC_RESET:
		return space_ioc_reset(sf);
	case MMSB_IOC_HASH:
		return space_ioc_hash(sf, user);
	case MMSB_IOC_WAIT:
		return space_ioc_wait(sf, user);
	case MMSB_IOC_DURABILITY:
		return space_ioc_durability(sf, user);
	case MMSB_IOC_LIMITS:
		return space_ioc_limits(sf, user);
	case MMSB_IOC_VERIFY:
		return space_ioc_verify(sf, user);
	case MMSB_IOC_TIMING:
		return space_ioc_timing(sf, user);
	case MMSB_IOC_AUDIT:
		return space_ioc_audit(sf, user);
	case MMSB_IOC_SYNC:
		return space_ioc_sync(sf, user);
	default:
		return -ENOTTY;
	}
}

static int space_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct space_file *sf = file->private_data;

	return mmsb_mapping_space(sf->space, vma);
}

static void space_show_fdinfo(struct seq_file *seq, struct file *file)
{
	struct space_file *sf = file->private_data;
	struct mmsb_space_info_args info = {};

	mmsb_names_info(sf->space, &info);
	seq_printf(seq, "mmsb-space:\t%llu %s\n", info.id, info.name);
	seq_printf(seq, "mmsb-access:\t%s%s\n", sf->read_only ? "read-only" : "full", sf->owner ? " owner" : "");
	seq_printf(seq, "mmsb-pages:\t%llu\nmmsb-memory:\t%llu\n", info.pages, info.memory);
}

static int space_release(struct inode *inode, struct file *file)
{
	struct space_file *sf = file->private_data;

	ms_verify_free(sf->verify);
	mutex_destroy(&sf->verifying);
	mmsb_space_put(sf->space);
	kfree(sf);
	return 0;
}

static const struct file_operations space_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = space_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = space_mmap,
	.release = space_release,
	.show_fdinfo = space_show_fdinfo,
};

struct file *mmsb_space_file_new(struct mmsb_space *space, bool read_only, bool owner)
{
	struct space_file *sf = kmalloc(sizeof(*sf), GFP_KERNEL_ACCOUNT);
	struct file *file;

	if (!sf)
		return ERR_PTR(-ENOMEM);
	sf->space = space;
	sf->read_only = read_only;
	sf->owner = owner;
	sf->verify = NULL;
	mutex_init(&sf->verifying);
	file = mmsb_inode_file(space->inode, "mmsb-space", &space_fops, sf);
	if (IS_ERR(file))
		kfree(sf);
	return file;
}
