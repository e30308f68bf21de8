/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink family: looking at the kernel home and changing it (uapi/mmsb.yaml).
 *
 * netlink.c has the family, the module and those who listen; netlink_space.c spaces; netlink_parts.c what spaces are made of and who serves
 * them. A handler asks the part of the module that knows; it keeps nothing itself, and dumps go on by ids that rise, so what comes and goes
 * between two parts of one is there or not, but nothing else is missed and nothing told twice.
 */
#ifndef MMSB_NETLINK_KERNEL_H
#define MMSB_NETLINK_KERNEL_H

#include <net/genetlink.h>
#include "names.h"

int mmsb_netlink_init(void);
void mmsb_netlink_exit(void);

/* Tells those who listen in the namespace. It may sleep; what does not reach one of them he sees by the generation. */
void mmsb_netlink_tell(struct net *net, u64 generation, u64 id, const char *name, const struct mmsb_news *news);

extern struct genl_family mmsb_family;

/* Numbers of a struct as attributes. */
struct mmsb_nl_field {
	u16 attr;
	u16 offset;
	u8 bytes;
};

#define MMSB_NL_FIELD(attr, type, member)	{ attr, offsetof(type, member), sizeof_field(type, member) }

int mmsb_nl_put(struct sk_buff *msg, const struct mmsb_nl_field *fields, size_t n, int pad, const void *object);

/* A refusal of the module's: its sentence, and the attribute it is about (NULL: none). */
int mmsb_nl_refuse(struct netlink_ext_ack *extack, const struct nlattr *attr, enum mmsb_reason reason);

/* May who sends do what needs the capability, and may who opened the socket? */
bool mmsb_nl_capable(struct sk_buff *skb, struct user_namespace *ns, int cap);

/* The space that two attributes of a request name, with a reference, which the caller may read or owns; or an error pointer. */
struct mmsb_space *mmsb_nl_space(struct net *net, struct nlattr *id, struct nlattr *name, struct netlink_ext_ack *extack);

/* The same of a request, if who sends and who opened the socket own it. */
struct mmsb_space *mmsb_nl_owned(struct sk_buff *skb, struct genl_info *info, int id, int name);

/* The attributes of a dump's request; NULL: it has none. */
struct nlattr **mmsb_nl_dump_attrs(struct netlink_callback *cb);

#endif
