// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/mmsb: says what the home can do, opens spaces, lists and removes them. A descriptor of it speaks for the network
 * namespace that it was opened in.
 */
#include <linux/cpumask.h>
#include <linux/ctype.h>
#include <linux/file.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/user_namespace.h>
#include "args.h"
#include "device.h"
#include "limits.h"
#include "names.h"
#include "space_file.h"

u64 mmsb_device_features(void)
{
	return MMSB_FEATURE_POLLED | MMSB_FEATURE_INLINE | MMSB_FEATURE_HASH | MMSB_FEATURE_SNAPSHOT | MMSB_FEATURE_DERIVED |
	       MMSB_FEATURE_HISTORY | MMSB_FEATURE_EVENTS | MMSB_FEATURE_LOG | MMSB_FEATURE_TIMING |
	       (PF_FLOAT ? MMSB_FEATURE_FLOAT : 0);
}

static long device_ioc_info(struct net *net, void __user *user)
{
	struct mmsb_info_args args;
	int err;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_info_args, version), user);
	if (err)
		return err;
	args.abi = MMSB_ABI_VERSION;
	args.features = mmsb_device_features();
	args.spaces = mmsb_names_count(net);
	args.max_spaces = READ_ONCE(mmsb_max_spaces);
	args.max_pages = READ_ONCE(mmsb_max_pages);
	args.max_bytes = READ_ONCE(mmsb_max_bytes);
	args.max_rings = READ_ONCE(mmsb_max_rings);
	args.poll_idle_us = READ_ONCE(mmsb_poll_idle_us);
	memset(args.version, 0, sizeof(args.version));
	strscpy(args.version, MMSB_VERSION, sizeof(args.version));
	return mmsb_args_out(user, &args, sizeof(args));
}

/* ------------------------------------------------------------------------------------------------ opening of a space */

static bool name_is_good(const char *name)
{
	size_t i, len = strnlen(name, MMSB_NAME_MAX);

	if (!len || len == MMSB_NAME_MAX || name[0] == '.')
		return false;
	for (i = 0; i < len; i++)
		if (!isascii(name[i]) || !(isalnum(name[i]) || strchr("._-", name[i])))
			return false;
	return true;
}

/* A space without a name is always new; one that is pinned must have a name to be found and removed by. */
static enum mmsb_reason wish_flags(const struct mmsb_space_open_args *args, struct mmsb_space_wish *wish)
{
	u32 creating = MMSB_SPACE_EXCL | MMSB_SPACE_PIN | MMSB_SPACE_HASH | MMSB_SPACE_INLINE | MMSB_SPACE_LAZY |
		       MMSB_SPACE_SHUT | MMSB_SPACE_TIMING;

	if (args->flags & ~MMSB_SPACE_KNOWN)
		return MMSB_REASON_BAD_FLAGS;
	if (!(args->flags & MMSB_SPACE_CREATE) && (args->flags & creating))
		return MMSB_REASON_BAD_FLAGS;
	if (args->name[0] ? !name_is_good(args->name) : !(args->flags & MMSB_SPACE_CREATE) || args->flags & MMSB_SPACE_PIN)
		return MMSB_REASON_BAD_NAME;
	wish->flags = args->flags;
	strscpy(wish->name, args->name, sizeof(wish->name));
	return MMSB_REASON_NONE;
}

static enum mmsb_reason wish_limits(const struct mmsb_space_open_args *args, struct mmsb_space_wish *wish)
{
	u64 most_pages = min_t(u64, READ_ONCE(mmsb_max_pages), U32_MAX);
	u64 most_bytes = min_t(u64, READ_ONCE(mmsb_max_bytes), 1ull << 40);
	u32 most_rings = READ_ONCE(mmsb_max_rings);

	wish->shards = args->shards ?: min(num_online_cpus(), MMSB_SHARDS_MAX);
	wish->max_pages = args->max_pages ?: min(MMSB_DEFAULT_PAGES, most_pages);
	wish->max_bytes = args->max_bytes ?: min(MMSB_DEFAULT_BYTES, most_bytes);
	wish->max_rings = args->max_rings ?: min(MMSB_DEFAULT_RINGS, most_rings);
	if (wish->shards > MMSB_SHARDS_MAX)
		return MMSB_REASON_BAD_SHARDS;
	if (wish->max_pages > most_pages || wish->max_bytes > most_bytes || wish->max_rings > most_rings)
		return MMSB_REASON_BAD_LIMIT;
	return MMSB_REASON_NONE;
}

/* As chown(2) has it: a group that one is in may be given, any other owner takes CAP_CHOWN. */
static enum mmsb_reason wish_owner(const struct net *net, const struct mmsb_space_open_args *args,
				   struct mmsb_space_wish *wish)
{
	bool chown = ns_capable(net->user_ns, CAP_CHOWN);

	wish->mode = args->mode ?: 0600;
	wish->uid = args->uid == ~0u ? current_fsuid() : make_kuid(current_user_ns(), args->uid);
	wish->gid = args->gid == ~0u ? current_fsgid() : make_kgid(current_user_ns(), args->gid);
	if (wish->mode & ~0777 || args->mode & ~0777u || !uid_valid(wish->uid) || !gid_valid(wish->gid))
		return MMSB_REASON_BAD_LIMIT;
	if (!chown && (!uid_eq(wish->uid, current_fsuid()) || !in_group_p(wish->gid)))
		return MMSB_REASON_NO_PERMISSION;
	return MMSB_REASON_NONE;
}

static enum mmsb_reason space_open(struct net *net, const struct mmsb_space_open_args *args, struct file **file)
{
	struct mmsb_space_wish wish = {};
	struct mmsb_space *space;
	enum mmsb_reason reason;
	bool owner;

	reason = wish_flags(args, &wish);
	if (!reason && (args->flags & MMSB_SPACE_CREATE))
		reason = wish_limits(args, &wish) ?: wish_owner(net, args, &wish);
	if (!reason)
		reason = mmsb_names_open(net, &wish, &space, &owner);
	if (reason)
		return reason;
	*file = mmsb_space_file_new(space, args->flags & MMSB_SPACE_READ_ONLY, owner);
	if (IS_ERR(*file)) {
		*file = NULL;
		mmsb_space_put(space);
		return MMSB_REASON_NO_MEMORY;
	}
	return MMSB_REASON_NONE;
}

static long device_ioc_space_open(struct net *net, void __user *user)
{
	struct mmsb_space_open_args args;
	struct file *file = NULL;
	enum mmsb_reason reason;
	int fd, err;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_space_open_args, gid), user);
	if (err)
		return err;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	reason = space_open(net, &args, &file);
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

/* ------------------------------------------------------------------------------------------------- listing, removing */

static long device_ioc_space_next(struct net *net, void __user *user)
{
	struct mmsb_space_info_args args;
	struct mmsb_space *space;
	u32 size;
	int err;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_space_info_args, incarnation), user);
	if (err)
		return err;
	space = mmsb_names_next(net, args.cursor);
	if (!space)
		return -ENOENT;
	size = args.size;
	memset(&args, 0, sizeof(args));
	args.size = size;
	mmsb_names_info(space, &args);
	args.cursor = args.id;
	mmsb_space_put(space);
	return mmsb_args_out(user, &args, sizeof(args));
}

static long device_ioc_space_remove(struct net *net, const void __user *user)
{
	struct mmsb_space_remove_args args;
	int err;

	err = mmsb_args_in(&args, sizeof(args), offsetofend(struct mmsb_space_remove_args, name), user);
	if (err)
		return err;
	if (args.flags)
		return ms_errno(MMSB_REASON_BAD_FLAGS);
	if (!name_is_good(args.name))
		return ms_errno(MMSB_REASON_BAD_NAME);
	return ms_errno(mmsb_names_remove(net, args.name));
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct net *net = file->private_data;
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case MMSB_IOC_INFO:
		return device_ioc_info(net, user);
	case MMSB_IOC_SPACE_OPEN:
		return device_ioc_space_open(net, user);
	case MMSB_IOC_SPACE_NEXT:
		return device_ioc_space_next(net, user);
	case MMSB_IOC_SPACE_REMOVE:
		return device_ioc_space_remove(net, user);
	default:
		return -ENOTTY;
	}
}

static int device_open(struct inode *inode, struct file *file)
{
	file->private_data = get_net(current->nsproxy->net_ns);
	return 0;
}

static int device_release(struct inode *inode, struct file *file)
{
	put_net(file->private_data);
	return 0;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice device_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mmsb",
	.fops = &device_fops,
	.mode = 0660,
};

int mmsb_device_init(void)
{
	return misc_register(&device_misc);
}

void mmsb_device_exit(void)
{
	misc_deregister(&device_misc);
}
