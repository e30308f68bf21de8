/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose the spaces are, and what they take, so that one user cannot have it all: how many spaces he made, and how many pages, bytes and rings
 * there are in them, whoever of their clients caused that. What memory it comes to is the memory cgroup's business.
 */
#ifndef MMSB_USERS_H
#define MMSB_USERS_H

#include <linux/uidgid.h>
#include "engine/engine.h"

struct mmsb_user;

/* What a user has. */
struct mmsb_user_stat {
	kuid_t uid;
	u32 spaces;
	u64 used[MS_RESOURCE_LAST];
};

/* One more space for the caller, or USER_SPACES, NO_MEMORY. Each is given back, by whomever. */
enum mmsb_reason mmsb_user_take(struct mmsb_user **user);
void mmsb_user_give(struct mmsb_user *user);

/* For spend() and refund() of a space of his. `bounded`: not made with CAP_SYS_RESOURCE. */
u64 mmsb_user_spend(struct mmsb_user *user, enum ms_resource what, u64 least, u64 n, bool bounded);
void mmsb_user_refund(struct mmsb_user *user, enum ms_resource what, u64 n);
u64 mmsb_user_most(enum ms_resource what);

/* The user next above, if any. */
bool mmsb_user_next(kuid_t above, bool first, struct mmsb_user_stat *stat);

#endif
