// SPDX-License-Identifier: GPL-2.0-only
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include "limits.h"
#include "users.h"

struct mmsb_user {
	struct list_head node;
	kuid_t uid;
	u32 spaces;
};

static DEFINE_MUTEX(users_lock);
static LIST_HEAD(users);	/* by uid */

static struct mmsb_user *user_find(kuid_t uid, struct list_head **before)
{
	struct mmsb_user *user;

	lockdep_assert_held(&users_lock);
	list_for_each_entry(user, &users, node)
		if (!uid_lt(user->uid, uid))
			break;
	*before = &user->node;
	return !list_entry_is_head(user, &users, node) && uid_eq(user->uid, uid) ? user : NULL;
}

static enum mmsb_reason user_count(kuid_t uid, u32 limit, struct mmsb_user **out)
{
	struct list_head *before;
	struct mmsb_user *user = user_find(uid, &before);

	if (user && user->spaces >= limit)
		return MMSB_REASON_USER_SPACES;
	if (!user) {
		user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);
		if (!user)
			return MMSB_REASON_NO_MEMORY;
		user->uid = uid;
		list_add_tail(&user->node, before);
	}
	user->spaces++;
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
	if (!--user->spaces) {
		list_del(&user->node);
		kfree(user);
	}
	mutex_unlock(&users_lock);
}

bool mmsb_user_next(kuid_t above, bool first, kuid_t *uid, u32 *spaces)
{
	struct mmsb_user *user;
	bool found = false;

	mutex_lock(&users_lock);
	list_for_each_entry(user, &users, node) {
		found = first || uid_gt(user->uid, above);
		if (found) {
			*uid = user->uid;
			*spaces = user->spaces;
			break;
		}
	}
	mutex_unlock(&users_lock);
	return found;
}
