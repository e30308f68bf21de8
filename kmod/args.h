/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arguments of ioctls, which begin with their own size. `known` is how long the first version of the struct was: an older
 * caller gives at least that. What a newer one gives beyond what we know must be zero; what it gives less reads as zero.
 */
#ifndef MMSB_ARGS_H
#define MMSB_ARGS_H

#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/uaccess.h>

static inline int mmsb_args_in(void *args, size_t bytes, size_t known, const void __user *from)
{
	u32 size;
	int err;

	if (get_user(size, (const u32 __user *)from))
		return -EFAULT;
	if (size < known)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(args, bytes, from, size);
	if (err)
		return err;
	*(u32 *)args = size;	/* the caller may have changed it meanwhile */
	return 0;
}

static inline int mmsb_args_out(void __user *to, const void *args, size_t bytes)
{
	return copy_to_user(to, args, min_t(size_t, bytes, *(const u32 *)args)) ? -EFAULT : 0;
}

/*
 * A wait was interrupted. One for ever goes on as the signal's SA_RESTART says. One with a timeout ends with EINTR if a handler
 * ran; after a stop or a suspend, where none did, it begins anew, and so does its timeout.
 */
static inline int mmsb_args_interrupted(int err, u64 timeout_ns)
{
	return err == -ERESTARTSYS && timeout_ns < KTIME_MAX ? -ERESTARTNOHAND : err;
}

#endif
