// SPDX-License-Identifier: GPL-2.0-only
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/module.h>
#include <linux/user_namespace.h>
#include "compat.h"
#include "device.h"
#include "limits.h"
#include "netlink.h"
#include "netlink_ops.h"

/* --------------------------------------------------------------------------------------------------- helpers of handlers */

int mmsb_nl_put(struct sk_buff *msg, const struct mmsb_nl_field *fields, size_t n, int pad, const void *object)
{
	const void *from;
	int err = 0;
	size_t i;

	for (i = 0; !err && i < n; i++) {
		from = object + fields[i].offset;
		if (fields[i].bytes == sizeof(u64))
			err = nla_put_u64_64bit(msg, fields[i].attr, *(const u64 *)from, pad);
		else if (fields[i].bytes == sizeof(u32))
			err = nla_put_u32(msg, fields[i].attr, *(const u32 *)from);
		else
			err = nla_put_u8(msg, fields[i].attr, *(const u8 *)from);
	}
	return err;
}

#define REASON_TEXT(name, err, text)	text,
static const char *const reason_texts[MMSB_REASON_LAST] = { MMSB_REASONS(REASON_TEXT) };

int mmsb_nl_refuse(struct netlink_ext_ack *extack, const struct nlattr *attr, enum mmsb_reason reason)
{
	if (extack) {
		extack->_msg = reason_texts[reason];
		extack->bad_attr = attr;
	}
	return ms_errno(reason);
}

bool mmsb_nl_capable(struct sk_buff *skb, struct user_namespace *ns, int cap)
{
	return netlink_ns_capable(skb, ns, cap);
}

struct mmsb_space *mmsb_nl_space(struct net *net, struct nlattr *id, struct nlattr *name, struct netlink_ext_ack *extack)
{
	struct mmsb_space *space = NULL;

	if (!id == !name) {
		NL_SET_ERR_MSG(extack, "which space? Name it by one of its id and its name");
		return ERR_PTR(-EINVAL);
	}
	if (id || *(char *)nla_data(name))
		space = mmsb_names_find(net, name ? nla_data(name) : NULL, id ? nla_get_u64(id) : 0);
	if (!space || !(mmsb_space_readable(space, net) || mmsb_space_owned(space, net))) {
		if (space)
			mmsb_space_put(space);
		return ERR_PTR(mmsb_nl_refuse(extack, id ?: name, MMSB_REASON_NO_SPACE));
	}
	return space;
}

struct nlattr **mmsb_nl_dump_attrs(struct netlink_callback *cb)
{
	return mmsb_dump_attrs(cb);
}

/* ------------------------------------------------------------------------------------------------------------ the module */

struct module_view {
	u32 abi, spaces, spaces_all, max_spaces, max_user_spaces, max_user_rings, max_rings, poll_idle_us, audit, pressure_ms;
	u64 features, generation, pressure_generation, max_user_pages, max_user_bytes, max_pages, max_bytes;
};

#define OURS(attr, member)	MMSB_NL_FIELD(MMSB_A_MODULE_##attr, struct module_view, member)
static const struct mmsb_nl_field module_fields[] = {
	OURS(ABI, abi), OURS(FEATURES, features), OURS(SPACES, spaces), OURS(SPACES_ALL, spaces_all), OURS(GENERATION, generation),
	OURS(MAX_SPACES, max_spaces), OURS(MAX_USER_SPACES, max_user_spaces), OURS(MAX_PAGES, max_pages), OURS(MAX_BYTES, max_bytes),
	OURS(MAX_RINGS, max_rings), OURS(POLL_IDLE_US, poll_idle_us), OURS(AUDIT, audit),
	OURS(PRESSURE_MS, pressure_ms), OURS(PRESSURE_GENERATION, pressure_generation),
	OURS(MAX_USER_PAGES, max_user_pages), OURS(MAX_USER_BYTES, max_user_bytes), OURS(MAX_USER_RINGS, max_user_rings),
};

static int module_fill(struct sk_buff *msg, struct net *net)
{
	struct module_view state = {
		.abi = MMSB_ABI_VERSION,
		.features = mmsb_device_features(),
		.spaces = mmsb_names_count(net),
		.spaces_all = mmsb_names_count_all(),
		.generation = mmsb_names_generation(net, MMSB_NL_LIFECYCLE),
		.pressure_generation = mmsb_names_generation(net, MMSB_NL_PRESSURE),
		.max_spaces = READ_ONCE(mmsb_max_spaces),
		.max_user_spaces = READ_ONCE(mmsb_max_user_spaces),
		.max_user_pages = READ_ONCE(mmsb_max_user_pages),
		.max_user_bytes = READ_ONCE(mmsb_max_user_bytes),
		.max_user_rings = READ_ONCE(mmsb_max_user_rings),
		.max_pages = READ_ONCE(mmsb_max_pages),
		.max_bytes = READ_ONCE(mmsb_max_bytes),
		.max_rings = READ_ONCE(mmsb_max_rings),
		.poll_idle_us = READ_ONCE(mmsb_poll_idle_us),
		.audit = READ_ONCE(mmsb_audit),
		.pressure_ms = READ_ONCE(mmsb_pressure_ms),
	};

	return nla_put_string(msg, MMSB_A_MODULE_VERSION, MMSB_VERSION) ?:
	       mmsb_nl_put(msg, module_fields, ARRAY_SIZE(module_fields), MMSB_A_MODULE_PAD, &state);
}

int mmsb_nl_module_get_do(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *head;

	if (!msg)
		return -ENOMEM;
	head = genlmsg_put_reply(msg, info, &mmsb_family, 0, MMSB_CMD_MODULE_GET);
	if (!head || module_fill(msg, genl_info_net(info))) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, head);
	return genlmsg_reply(msg, info);
}

static void module_set_u32(struct genl_info *info, int attr, unsigned int *value)
{
	if (info->attrs[attr])
		WRITE_ONCE(*value, nla_get_u32(info->attrs[attr]));
}

static void module_set_u64(struct genl_info *info, int attr, unsigned long *value)
{
	if (info->attrs[attr])
		WRITE_ONCE(*value, nla_get_u64(info->attrs[attr]));
}

/* What is in range was checked before, all of it: nothing fails half way. */
int mmsb_nl_module_set_do(struct sk_buff *skb, struct genl_info *info)
{
	if (!mmsb_nl_capable(skb, &init_user_ns, CAP_SYS_ADMIN)) {
		NL_SET_ERR_MSG(info->extack, "the module's limits are the administrator's: this takes CAP_SYS_ADMIN in the first user namespace");
		return -EPERM;
	}
	kernel_param_lock(THIS_MODULE);
	module_set_u32(info, MMSB_A_MODULE_MAX_SPACES, &mmsb_max_spaces);
	module_set_u32(info, MMSB_A_MODULE_MAX_USER_SPACES, &mmsb_max_user_spaces);
	module_set_u64(info, MMSB_A_MODULE_MAX_USER_PAGES, &mmsb_max_user_pages);
	module_set_u64(info, MMSB_A_MODULE_MAX_USER_BYTES, &mmsb_max_user_bytes);
	module_set_u32(info, MMSB_A_MODULE_MAX_USER_RINGS, &mmsb_max_user_rings);
	module_set_u64(info, MMSB_A_MODULE_MAX_PAGES, &mmsb_max_pages);
	module_set_u64(info, MMSB_A_MODULE_MAX_BYTES, &mmsb_max_bytes);
	module_set_u32(info, MMSB_A_MODULE_MAX_RINGS, &mmsb_max_rings);
	module_set_u32(info, MMSB_A_MODULE_POLL_IDLE_US, &mmsb_poll_idle_us);
	module_set_u32(info, MMSB_A_MODULE_AUDIT, &mmsb_audit);
	module_set_u32(info, MMSB_A_MODULE_PRESSURE_MS, &mmsb_pressure_ms);
	kernel_param_unlock(THIS_MODULE);
	return 0;
}

/* ------------------------------------------------------------------------------------------------------ those who listen */

static int news_fill(struct sk_buff *msg, u64 generation, u64 id, const char *name, const struct mmsb_news *news)
{
	if (nla_put_u64_64bit(msg, MMSB_A_EVENT_GENERATION, generation, MMSB_A_EVENT_PAD) ||
	    nla_put_u32(msg, MMSB_A_EVENT_WHAT, news->what) ||
	    nla_put_u64_64bit(msg, MMSB_A_EVENT_TIME, ktime_get_real_ns(), MMSB_A_EVENT_PAD) ||
	    nla_put_u64_64bit(msg, MMSB_A_EVENT_SPACE_ID, id, MMSB_A_EVENT_PAD) ||
	    nla_put_string(msg, MMSB_A_EVENT_SPACE_NAME, name) ||
	    nla_put_u32(msg, MMSB_A_EVENT_PID, news->pid) || nla_put_u32(msg, MMSB_A_EVENT_UID, news->uid))
		return -EMSGSIZE;
	if (news->ring && nla_put_u64_64bit(msg, MMSB_A_EVENT_RING_ID, news->ring, MMSB_A_EVENT_PAD))
		return -EMSGSIZE;
	if (news->held_by && nla_put_u32(msg, MMSB_A_EVENT_CAUSE, news->held_by - 1))
		return -EMSGSIZE;
	return news->reason ? nla_put_u32(msg, MMSB_A_EVENT_REASON, news->reason) : 0;
}

static const u8 news_commands[MMSB_NL_GROUPS] = {
	[MMSB_NL_LIFECYCLE] = MMSB_CMD_EVENT_NTF,
	[MMSB_NL_PRESSURE] = MMSB_CMD_PRESSURE_NTF,
};

/* What cannot be told for want of memory leaves a gap, as what a slow listener missed does. */
void mmsb_netlink_tell(struct net *net, u64 generation, u64 id, const char *name, const struct mmsb_news *news)
{
	struct sk_buff *msg;
	void *head;

	if (!genl_has_listeners(&mmsb_family, net, news->group))
		return;
	msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		return;
	head = genlmsg_put(msg, 0, 0, &mmsb_family, 0, news_commands[news->group]);
	if (!head || news_fill(msg, generation, id, name, news)) {
		nlmsg_free(msg);
		return;
	}
	genlmsg_end(msg, head);
	genlmsg_multicast_netns(&mmsb_family, net, msg, 0, news->group, GFP_KERNEL);
}

/* ------------------------------------------------------------------------------------------------------------ the family */

struct genl_family mmsb_family __ro_after_init = {
	.name = MMSB_GENL_NAME,
	.version = MMSB_GENL_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = mmsb_nl_ops,
	.n_ops = ARRAY_SIZE(mmsb_nl_ops),
	.mcgrps = mmsb_nl_groups,
	.n_mcgrps = ARRAY_SIZE(mmsb_nl_groups),
};

int mmsb_netlink_init(void)
{
	return genl_register_family(&mmsb_family);
}

void mmsb_netlink_exit(void)
{
	genl_unregister_family(&mmsb_family);
}
