/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MMSB_NAMES_H
#define MMSB_NAMES_H

#include <net/net_namespace.h>
#include <mmsb/netlink.h>
#include "netlink_ops.h"
#include "space.h"

int mmsb_names_init(void);
void mmsb_names_exit(void);

/* The space of that name, made if the wish says so, with a reference. *owner: the caller may do what owners may. */
enum mmsb_reason mmsb_names_open(struct net *net, const struct mmsb_space_wish *wish, struct mmsb_space **space, bool *owner);
enum mmsb_reason mmsb_names_remove(struct net *net, const char *name);
enum mmsb_reason mmsb_names_unname(struct mmsb_space *space);	/* the same, whoever asks for it */
enum mmsb_reason mmsb_names_pin(struct mmsb_space *space, bool pin);
void mmsb_names_mode(struct mmsb_space *space, umode_t mode);
struct mmsb_space *mmsb_names_find(struct net *net, const char *name, u64 id);	/* by either; with a reference, or NULL */
struct mmsb_space *mmsb_names_next(struct net *net, u64 cursor);	/* with a reference, or NULL */
void mmsb_names_info(struct mmsb_space *space, struct mmsb_space_info_args *info);
u32 mmsb_names_count(struct net *net);
u32 mmsb_names_count_all(void);

/* What the caller may do with it: read, or whatever owners may. */
bool mmsb_space_readable(const struct mmsb_space *space, const struct net *net);
bool mmsb_space_owned(const struct mmsb_space *space, const struct net *net);

/* Something happened to the space, or in it: those who listen in its network namespace are told. It may sleep. */
struct mmsb_news {
	enum mmsb_nl_group group;
	enum mmsb_what what;
	enum mmsb_reason reason;
	u64 ring;
	u32 pid, uid;		/* as the first namespaces number them */
	u32 held_by;		/* an enum mmsb_stall, plus one */
};
void mmsb_names_tell(struct mmsb_space *space, const struct mmsb_news *news);
void mmsb_names_tell_done(struct mmsb_space *space, enum mmsb_what what);	/* the caller did it */
u64 mmsb_names_generation(struct net *net, enum mmsb_nl_group group);	/* how much was told so far */

struct mmsb_space *mmsb_space_get(struct mmsb_space *space);
void mmsb_space_put(struct mmsb_space *space);	/* may sleep for long: the last one destroys */

#endif
