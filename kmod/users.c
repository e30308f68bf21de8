// SPDX-License-Identifier: GPL-2.0-only
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "limits.h"
#include "users.h"

struct mmsb_user {
	struct list_head node;
	spinlock_t lock;
	struct mmsb_user_stat has;	/* spaces under users_lock, what is used under lock */
};

static DEFINE_MUTEX(users_lock);
static LIST_HEAD(users);	/* by uid */

static struct mmsb_user *user_find(kuid_t uid, struct list_head **before)
{
	struct mmsb_user *user;

	lockdep_assert_held(&users_lock);
	list_for_each_entry(user, &users, node)
		if (!uid_lt(user->has.uid, uid))
			break;
	*before = &user->node;
	return !list_entry_is_head(user, &users, node) && uid_eq(user->has.uid, uid) ? user : NULL;
}

static enum mmsb_reason user_count(kuid_t uid, u32 limit, struct mmsb_user **out)
{
	struct list_head *before;
	struct mmsb_user *user = user_find(uid, &before);

	if (user && user->has.spaces >= limit)
		return MMSB_REASON_USER_SPACES;
	if (!user) {
		user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);
		if (!user)
			return MMSB_REASON_NO_MEMORY;
		spin_lock_init(&user->lock);
		user->has.uid = uid;
		list_add_tail(&user->node, before);
	}
	user->has.spaces++;
	*out = user;
	return MMSB_REASON_NONE;
}

enum mmsb_reason mmsb_user_take(struct mmsb_user **user)
{
	u32 limit = capable(CAP_SYS_RESOURCE) ? U32_MAX : READ_ONCE(mmsb_max_user_spaces);
	enum mmsb_reason reason;

	mutex_lock(&users_lock);
	reason = user_count(current_euid(), limit, user);
	mutex_unlock(&users_lock);
	return reason;
}

void mmsb_user_give(struct mmsb_user *user)
{
	mutex_lock(&users_lock);
	if (!--user->has.spaces) {
		list_del(&user->node);
		kfree(user);
	}
	mutex_unlock(&users_lock);
}

/* ----------------------------------------------------------------------------------------------------- what spaces take */

u64 mmsb_user_most(enum ms_resource what)
{
	switch (what) {
	case MS_RESOURCE_PAGES:
		return READ_ONCE(mmsb_max_user_pages);
	case MS_RESOURCE_BYTES:
		return READ_ONCE(mmsb_max_user_bytes);
	default:
		return READ_ONCE(mmsb_max_user_rings);
	}
}

/* A limit may have been lowered since. */
u64 mmsb_user_spend(struct mmsb_user *user, enum ms_resource what, u64 least, u64 n, bool bounded)
{
	u64 most = mmsb_user_most(what), *used = &user->has.used[what], left;

	spin_lock(&user->lock);
	left = most > *used ? most - *used : 0;
	if (bounded && left < n)
		n = left < least ? 0 : left;
	*used += n;
	spin_unlock(&user->lock);
	return n;
}

void mmsb_user_refund(struct mmsb_user *user, enum ms_resource what, u64 n)
{
	spin_lock(&user->lock);
	WARN_ON_ONCE(user->has.used[what] < n);
	user->has.used[what] -= n;
	spin_unlock(&user->lock);
}

/* ------------------------------------------------------------------------------------------------------------- telling */

bool mmsb_user_next(kuid_t above, bool first, struct mmsb_user_stat *stat)
{
	struct mmsb_user *user;
	bool found = false;

	mutex_lock(&users_lock);
	list_for_each_entry(user, &users, node) {
		found = first || uid_gt(user->has.uid, above);
		if (found) {
			spin_lock(&user->lock);
			*stat = user->has;
			spin_unlock(&user->lock);
			break;
		}
	}
	mutex_unlock(&users_lock);
	return found;
}
