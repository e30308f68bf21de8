/* SPDX-License-Identifier: GPL-2.0-only */
/* Who made how many of the spaces that there are, so that one user cannot have them all. What memory they take is the memory cgroup's business. */
#ifndef MMSB_USERS_H
#define MMSB_USERS_H

#include <linux/uidgid.h>
#include <mmsb/reasons.h>

struct mmsb_user;

/* One more for the caller, or USER_SPACES, NO_MEMORY. Each is given back, by whomever. */
enum mmsb_reason mmsb_user_take(struct mmsb_user **user);
void mmsb_user_give(struct mmsb_user *user);

/* The user next above, if any, and how many. */
bool mmsb_user_next(kuid_t above, bool first, kuid_t *uid, u32 *spaces);

#endif
