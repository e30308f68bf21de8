// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inodes for files that have no path.
 *
 * An inode of its own gives each space a mapping of its own, so that unmap_mapping_range() finds the readers of that space
 * and nobody else; the kernel's shared anonymous inode would not do. They live on a private file system that is
 * mounted while there is any: the mount pins the module, so a space does too. It is mounted noexec, for state is no code.
 */
#include <linux/fs_context.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include "inode.h"

#define MMSB_MAGIC	0x4d4d5342	/* "MMSB" */

static struct vfsmount *inode_mount;
static int inode_mount_users;

static int inode_fs_context(struct fs_context *fc)
{
	if (!init_pseudo(fc, MMSB_MAGIC))
		return -ENOMEM;
	fc->s_iflags |= SB_I_NOEXEC | SB_I_NODEV;
	return 0;
}

static struct file_system_type inode_fs = {
	.name = "mmsb",
	.owner = THIS_MODULE,
	.init_fs_context = inode_fs_context,
	.kill_sb = kill_anon_super,
};

struct inode *mmsb_inode_new(void)
{
	struct inode *inode;
	int err;

	err = simple_pin_fs(&inode_fs, &inode_mount, &inode_mount_users);
	if (err)
		return ERR_PTR(err);
	inode = alloc_anon_inode(inode_mount->mnt_sb);
	if (IS_ERR(inode))
		simple_release_fs(&inode_mount, &inode_mount_users);
	return inode;
}

/* Files of the inode that are still open keep it, and the mount, themselves. */
void mmsb_inode_free(struct inode *inode)
{
	iput(inode);
	simple_release_fs(&inode_mount, &inode_mount_users);
}

struct file *mmsb_inode_file(struct inode *inode, const char *name, const struct file_operations *fops, void *data)
{
	struct file *file;

	/* The last fput() gives both back; alloc_file_pseudo() itself takes no reference to the operations' owner. */
	__module_get(fops->owner);
	ihold(inode);
	file = alloc_file_pseudo(inode, inode_mount, name, O_RDWR | O_CLOEXEC, fops);
	if (IS_ERR(file)) {
		iput(inode);
		module_put(fops->owner);
		return file;
	}
	file->private_data = data;
	return file;
}
