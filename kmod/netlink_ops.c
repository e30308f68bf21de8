// SPDX-License-Identifier: GPL-2.0-only
/* Made of uapi/mmsb.yaml by scripts/netlink: change that. */
#include "compat.h"
#include "netlink_ops.h"

static struct netlink_range_validation range_0_1000000 = { .min = 0, .max = 1000000ull };
static struct netlink_range_validation range_1_60000 = { .min = 1, .max = 60000ull };
static struct netlink_range_validation range_1_1048576 = { .min = 1, .max = 1048576ull };
static struct netlink_range_validation range_1_16777216 = { .min = 1, .max = 16777216ull };
static struct netlink_range_validation range_1_4294967295 = { .min = 1, .max = 4294967295ull };
static struct netlink_range_validation range_1_1099511627776 = { .min = 1, .max = 1099511627776ull };
static struct netlink_range_validation range_65536_1099511627776 = { .min = 65536, .max = 1099511627776ull };
static struct netlink_range_validation range_65536_1125899906842624 = { .min = 65536, .max = 1125899906842624ull };

static const struct nla_policy mmsb_nl_module_set_do_policy[MMSB_A_MODULE_MAX + 1] = {
	[MMSB_A_MODULE_MAX_SPACES] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_1_1048576),
	[MMSB_A_MODULE_MAX_USER_SPACES] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_1_1048576),
	[MMSB_A_MODULE_MAX_PAGES] = NLA_POLICY_FULL_RANGE(NLA_U64, &range_1_4294967295),
	[MMSB_A_MODULE_MAX_BYTES] = NLA_POLICY_FULL_RANGE(NLA_U64, &range_65536_1099511627776),
	[MMSB_A_MODULE_MAX_RINGS] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_1_1048576),
	[MMSB_A_MODULE_POLL_IDLE_US] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_0_1000000),
	[MMSB_A_MODULE_AUDIT] = { .type = NLA_U32 },
	[MMSB_A_MODULE_PRESSURE_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_1_60000),
	[MMSB_A_MODULE_MAX_USER_PAGES] = NLA_POLICY_FULL_RANGE(NLA_U64, &range_1_1099511627776),
	[MMSB_A_MODULE_MAX_USER_BYTES] = NLA_POLICY_FULL_RANGE(NLA_U64, &range_65536_1125899906842624),
	[MMSB_A_MODULE_MAX_USER_RINGS] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_1_16777216),
};

static const struct nla_policy mmsb_nl_space_get_do_policy[MMSB_A_SPACE_MAX + 1] = {
	[MMSB_A_SPACE_ID] = { .type = NLA_U64 },
	[MMSB_A_SPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63 },
};

static const struct nla_policy mmsb_nl_space_set_do_policy[MMSB_A_SPACE_MAX + 1] = {
	[MMSB_A_SPACE_ID] = { .type = NLA_U64 },
	[MMSB_A_SPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63 },
	[MMSB_A_SPACE_MODE] = NLA_POLICY_MASK(NLA_U32, 0x1ff),
	[MMSB_A_SPACE_MAX_RINGS] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_1_1048576),
	[MMSB_A_SPACE_MAX_PAGES] = NLA_POLICY_FULL_RANGE(NLA_U64, &range_1_4294967295),
	[MMSB_A_SPACE_MAX_BYTES] = NLA_POLICY_FULL_RANGE(NLA_U64, &range_65536_1099511627776),
	[MMSB_A_SPACE_DURABILITY] = NLA_POLICY_MAX(NLA_U32, 2),
	[MMSB_A_SPACE_HASH] = NLA_POLICY_MAX(NLA_U8, 1),
	[MMSB_A_SPACE_PINNED] = NLA_POLICY_MAX(NLA_U8, 1),
	[MMSB_A_SPACE_TIMING] = NLA_POLICY_MAX(NLA_U8, 1),
	[MMSB_A_SPACE_AUDIT] = { .type = NLA_U32 },
};

static const struct nla_policy mmsb_nl_space_reset_do_policy[MMSB_A_SPACE_MAX + 1] = {
	[MMSB_A_SPACE_ID] = { .type = NLA_U64 },
	[MMSB_A_SPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63 },
};

static const struct nla_policy mmsb_nl_space_remove_do_policy[MMSB_A_SPACE_MAX + 1] = {
	[MMSB_A_SPACE_ID] = { .type = NLA_U64 },
	[MMSB_A_SPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63 },
};

static const struct nla_policy mmsb_nl_ring_get_dump_policy[MMSB_A_RING_MAX + 1] = {
	[MMSB_A_RING_SPACE_ID] = { .type = NLA_U64 },
	[MMSB_A_RING_SPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63 },
};

static const struct nla_policy mmsb_nl_shard_get_dump_policy[MMSB_A_SHARD_MAX + 1] = {
	[MMSB_A_SHARD_SPACE_ID] = { .type = NLA_U64 },
	[MMSB_A_SHARD_SPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63 },
};

static const struct nla_policy mmsb_nl_page_get_dump_policy[MMSB_A_PAGE_MAX + 1] = {
	[MMSB_A_PAGE_SPACE_ID] = { .type = NLA_U64 },
	[MMSB_A_PAGE_SPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63 },
	[MMSB_A_PAGE_FROM] = { .type = NLA_U32 },
};

static const struct nla_policy mmsb_nl_timing_get_dump_policy[MMSB_A_TIMING_MAX + 1] = {
	[MMSB_A_TIMING_SPACE_ID] = { .type = NLA_U64 },
	[MMSB_A_TIMING_SPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63 },
};

static const struct nla_policy mmsb_nl_timing_reset_do_policy[MMSB_A_TIMING_MAX + 1] = {
	[MMSB_A_TIMING_SPACE_ID] = { .type = NLA_U64 },
	[MMSB_A_TIMING_SPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63 },
};

static const struct nla_policy mmsb_nl_shard_set_do_policy[MMSB_A_SHARD_MAX + 1] = {
	[MMSB_A_SHARD_SPACE_ID] = { .type = NLA_U64 },
	[MMSB_A_SHARD_SPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63 },
	[MMSB_A_SHARD_NUMBER] = { .type = NLA_U32 },
	[MMSB_A_SHARD_CPU] = { .type = NLA_U32 },
};

static const struct nla_policy mmsb_nl_poller_set_do_policy[MMSB_A_POLLER_MAX + 1] = {
	[MMSB_A_POLLER_CPU] = { .type = NLA_U32 },
	[MMSB_A_POLLER_IDLE_US] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_0_1000000),
};

static const struct nla_policy mmsb_nl_graph_get_dump_policy[MMSB_A_EDGE_MAX + 1] = {
	[MMSB_A_EDGE_SPACE_ID] = { .type = NLA_U64 },
	[MMSB_A_EDGE_SPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63 },
	[MMSB_A_EDGE_FROM] = { .type = NLA_U32 },
};

const struct genl_ops mmsb_nl_ops[16] = {
	{
		.cmd = MMSB_CMD_MODULE_GET,
		.doit = mmsb_nl_module_get_do,
	},
	{
		.cmd = MMSB_CMD_MODULE_SET,
		.doit = mmsb_nl_module_set_do,
		.policy = mmsb_nl_module_set_do_policy,
		.maxattr = ARRAY_SIZE(mmsb_nl_module_set_do_policy) - 1,
	},
	{
		.cmd = MMSB_CMD_SPACE_GET,
		.doit = mmsb_nl_space_get_do,
		.dumpit = mmsb_nl_space_get_dump,
		.policy = mmsb_nl_space_get_do_policy,
		.maxattr = ARRAY_SIZE(mmsb_nl_space_get_do_policy) - 1,
	},
	{
		.cmd = MMSB_CMD_SPACE_SET,
		.doit = mmsb_nl_space_set_do,
		.policy = mmsb_nl_space_set_do_policy,
		.maxattr = ARRAY_SIZE(mmsb_nl_space_set_do_policy) - 1,
	},
	{
		.cmd = MMSB_CMD_SPACE_RESET,
		.doit = mmsb_nl_space_reset_do,
		.policy = mmsb_nl_space_reset_do_policy,
		.maxattr = ARRAY_SIZE(mmsb_nl_space_reset_do_policy) - 1,
	},
	{
		.cmd = MMSB_CMD_SPACE_REMOVE,
		.doit = mmsb_nl_space_remove_do,
		.policy = mmsb_nl_space_remove_do_policy,
		.maxattr = ARRAY_SIZE(mmsb_nl_space_remove_do_policy) - 1,
	},
	{
		.cmd = MMSB_CMD_RING_GET,
		.dumpit = mmsb_nl_ring_get_dump,
		.policy = mmsb_nl_ring_get_dump_policy,
		.maxattr = ARRAY_SIZE(mmsb_nl_ring_get_dump_policy) - 1,
	},
	{
		.cmd = MMSB_CMD_SHARD_GET,
		.dumpit = mmsb_nl_shard_get_dump,
		.policy = mmsb_nl_shard_get_dump_policy,
		.maxattr = ARRAY_SIZE(mmsb_nl_shard_get_dump_policy) - 1,
	},
	{
		.cmd = MMSB_CMD_POLLER_GET,
		.dumpit = mmsb_nl_poller_get_dump,
	},
	{
		.cmd = MMSB_CMD_PAGE_GET,
		.dumpit = mmsb_nl_page_get_dump,
		.policy = mmsb_nl_page_get_dump_policy,
		.maxattr = ARRAY_SIZE(mmsb_nl_page_get_dump_policy) - 1,
	},
	{
		.cmd = MMSB_CMD_USER_GET,
		.dumpit = mmsb_nl_user_get_dump,
	},
	{
		.cmd = MMSB_CMD_TIMING_GET,
		.dumpit = mmsb_nl_timing_get_dump,
		.policy = mmsb_nl_timing_get_dump_policy,
		.maxattr = ARRAY_SIZE(mmsb_nl_timing_get_dump_policy) - 1,
	},
	{
		.cmd = MMSB_CMD_TIMING_RESET,
		.doit = mmsb_nl_timing_reset_do,
		.policy = mmsb_nl_timing_reset_do_policy,
		.maxattr = ARRAY_SIZE(mmsb_nl_timing_reset_do_policy) - 1,
	},
	{
		.cmd = MMSB_CMD_SHARD_SET,
		.doit = mmsb_nl_shard_set_do,
		.policy = mmsb_nl_shard_set_do_policy,
		.maxattr = ARRAY_SIZE(mmsb_nl_shard_set_do_policy) - 1,
	},
	{
		.cmd = MMSB_CMD_POLLER_SET,
		.doit = mmsb_nl_poller_set_do,
		.policy = mmsb_nl_poller_set_do_policy,
		.maxattr = ARRAY_SIZE(mmsb_nl_poller_set_do_policy) - 1,
	},
	{
		.cmd = MMSB_CMD_GRAPH_GET,
		.dumpit = mmsb_nl_graph_get_dump,
		.policy = mmsb_nl_graph_get_dump_policy,
		.maxattr = ARRAY_SIZE(mmsb_nl_graph_get_dump_policy) - 1,
	},
};

const struct genl_multicast_group mmsb_nl_groups[MMSB_NL_GROUPS] = {
	[MMSB_NL_LIFECYCLE] = { .name = MMSB_MCGRP_LIFECYCLE, .flags = GENL_MCAST_CAP_SYS_ADMIN, },
	[MMSB_NL_PRESSURE] = { .name = MMSB_MCGRP_PRESSURE, .flags = GENL_MCAST_CAP_SYS_ADMIN, },
};
