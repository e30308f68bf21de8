/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MMSB_INODE_H
#define MMSB_INODE_H

#include <linux/fs.h>

struct inode *mmsb_inode_new(void);
void mmsb_inode_free(struct inode *inode);
struct file *mmsb_inode_file(struct inode *inode, const char *name, const struct file_operations *fops, void *data);

#endif
