/* SPDX-License-Identifier: GPL-2.0-only */
/* Made of uapi/mmsb.yaml by scripts/netlink: change that. */
#ifndef MMSB_NETLINK_OPS_H
#define MMSB_NETLINK_OPS_H

#include <net/genetlink.h>
#include <mmsb/netlink.h>

enum mmsb_nl_group {
	MMSB_NL_LIFECYCLE,
	MMSB_NL_PRESSURE,
	MMSB_NL_GROUPS
};

int mmsb_nl_module_get_do(struct sk_buff *skb, struct genl_info *info);
int mmsb_nl_module_set_do(struct sk_buff *skb, struct genl_info *info);
int mmsb_nl_space_get_do(struct sk_buff *skb, struct genl_info *info);
int mmsb_nl_space_get_dump(struct sk_buff *skb, struct netlink_callback *cb);
int mmsb_nl_space_set_do(struct sk_buff *skb, struct genl_info *info);
int mmsb_nl_space_reset_do(struct sk_buff *skb, struct genl_info *info);
int mmsb_nl_space_remove_do(struct sk_buff *skb, struct genl_info *info);
int mmsb_nl_ring_get_dump(struct sk_buff *skb, struct netlink_callback *cb);
int mmsb_nl_shard_get_dump(struct sk_buff *skb, struct netlink_callback *cb);
int mmsb_nl_poller_get_dump(struct sk_buff *skb, struct netlink_callback *cb);
int mmsb_nl_page_get_dump(struct sk_buff *skb, struct netlink_callback *cb);
int mmsb_nl_user_get_dump(struct sk_buff *skb, struct netlink_callback *cb);
int mmsb_nl_timing_get_dump(struct sk_buff *skb, struct netlink_callback *cb);
int mmsb_nl_timing_reset_do(struct sk_buff *skb, struct genl_info *info);
int mmsb_nl_shard_set_do(struct sk_buff *skb, struct genl_info *info);
int mmsb_nl_poller_set_do(struct sk_buff *skb, struct genl_info *info);
int mmsb_nl_graph_get_dump(struct sk_buff *skb, struct netlink_callback *cb);

extern const struct genl_ops mmsb_nl_ops[16];
extern const struct genl_multicast_group mmsb_nl_groups[MMSB_NL_GROUPS];

#endif
