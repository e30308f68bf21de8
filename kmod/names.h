/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MMSB_NAMES_H
#define MMSB_NAMES_H

#include <net/net_namespace.h>
#include "space.h"

int mmsb_names_init(void);
void mmsb_names_exit(void);

/* The space of that name, made if the wish says so, with a reference. *owner: the caller may do what owners may. */
enum mmsb_reason mmsb_names_open(struct net *net, const struct mmsb_space_wish *wish, struct mmsb_space **space, bool *owner);
enum mmsb_reason mmsb_names_remove(struct net *net, const char *name);
struct mmsb_space *mmsb_names_next(struct net *net, u64 cursor);	/* with a reference, or NULL */
void mmsb_names_info(struct mmsb_space *space, struct mmsb_space_info_args *info);
u32 mmsb_names_count(struct net *net);

struct mmsb_space *mmsb_space_get(struct mmsb_space *space);
void mmsb_space_put(struct mmsb_space *space);	/* may sleep for long: the last one destroys */

#endif
