// SPDX-License-Identifier: GPL-2.0-only
/* Spaces through generic netlink: looking at them, changing them. */
#include <linux/capability.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/nsproxy.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <net/sock.h>
#include "account.h"
#include "netlink.h"
#include "netlink_ops.h"

#define MEMCG_PATH	256	/* a longer one could leave no room for the rest of a message */

/* -------------------------------------------------------------------------------------------------------------- looking */

#define INFO(attr, member)	MMSB_NL_FIELD(MMSB_A_SPACE_##attr, struct mmsb_space_info_args, member)
static const struct mmsb_nl_field info_fields[] = {
	INFO(ID, id), INFO(UID, uid), INFO(GID, gid), INFO(MODE, mode), INFO(FLAGS, flags), INFO(SHARDS, shards), INFO(RINGS, rings),
	INFO(MAX_RINGS, max_rings), INFO(PAGES, pages), INFO(MAX_PAGES, max_pages), INFO(BYTES, bytes), INFO(MAX_BYTES, max_bytes),
	INFO(MEMORY, memory), INFO(TICK, tick), INFO(DELTAS, deltas), INFO(INCARNATION, incarnation), INFO(DERIVED, derived), INFO(EDGES, edges),
	INFO(RECOMPUTED, recomputed), INFO(SKIPPED, skipped), INFO(CUT, cut), INFO(SUSPECT, suspect), INFO(MEETINGS, meetings), INFO(SHARED, shared),
	INFO(AUDIT, audit),
};

#define LOG(attr, member)	MMSB_NL_FIELD(MMSB_A_SPACE_##attr, struct mmsb_durability_args, member)
static const struct mmsb_nl_field log_fields[] = {
	LOG(DURABILITY, mode), LOG(DURABLE, durable), LOG(LOG_WAITING, waiting), LOG(LOG_LIMIT, limit), LOG(LOG_HELD, held),
};

static int put_log(struct sk_buff *msg, struct mmsb_space *space)
{
	struct mmsb_durability_args args = { .size = sizeof(args) };

	if (ms_log_durability(space->engine, false, &args))
		return 0;
	return mmsb_nl_put(msg, log_fields, ARRAY_SIZE(log_fields), MMSB_A_SPACE_PAD, &args) ?:
	       nla_put_u8(msg, MMSB_A_SPACE_LOG_WRITER, args.writer) ?:
	       nla_put_u8(msg, MMSB_A_SPACE_LOG_FAILED, args.failed);
}

static int put_made_for(struct sk_buff *msg, struct mmsb_space *space)
{
	struct ms_space_stat stat;

	ms_space_stat(space->engine, &stat);
	return nla_put_u64_64bit(msg, MMSB_A_SPACE_MADE_FOR_PAGES, stat.made_for_pages, MMSB_A_SPACE_PAD) ?:
	       nla_put_u64_64bit(msg, MMSB_A_SPACE_MADE_FOR_BYTES, stat.made_for_bytes, MMSB_A_SPACE_PAD);
}

#ifdef CONFIG_MEMCG
/* Who pays. A removed group is told by the path that it had. */
static int put_memcg(struct sk_buff *msg, const struct mmsb_space *space)
{
	struct cgroup *payer = space->memcg ? space->memcg->css.cgroup : NULL;
	char path[MEMCG_PATH];
	int len, err;

	if (!payer)
		return 0;
	err = nla_put_u64_64bit(msg, MMSB_A_SPACE_MEMCG, cgroup_id(payer), MMSB_A_SPACE_PAD);
	if (err)
		return err;
	len = cgroup_path_ns(payer, path, sizeof(path), current->nsproxy->cgroup_ns);
	return len > 0 && len < sizeof(path) ? nla_put_string(msg, MMSB_A_SPACE_MEMCG_PATH, path) : 0;
}
#else
static int put_memcg(struct sk_buff *msg, const struct mmsb_space *space)
{
	return 0;
}
#endif

static int put_space(struct sk_buff *msg, struct mmsb_space *space)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };

	mmsb_names_info(space, &info);
	return mmsb_nl_put(msg, info_fields, ARRAY_SIZE(info_fields), MMSB_A_SPACE_PAD, &info) ?:
	       nla_put_string(msg, MMSB_A_SPACE_NAME, info.name) ?:
	       nla_put_u8(msg, MMSB_A_SPACE_HASH, !!(info.flags & MMSB_SPACE_HASH)) ?:
	       nla_put_u8(msg, MMSB_A_SPACE_PINNED, !!(info.flags & MMSB_SPACE_PIN)) ?:
	       nla_put_u32(msg, MMSB_A_SPACE_PRESSURE, READ_ONCE(space->pressure.told)) ?:
	       nla_put_u8(msg, MMSB_A_SPACE_TIMING, !!(info.flags & MMSB_SPACE_TIMING)) ?:
	       put_made_for(msg, space) ?: put_memcg(msg, space) ?: put_log(msg, space);
}

int mmsb_nl_space_get_do(struct sk_buff *skb, struct genl_info *info)
{
	struct mmsb_space *space;
	struct sk_buff *msg;
	void *head;
	int err = -EMSGSIZE;

	space = mmsb_nl_space(genl_info_net(info), info->attrs[MMSB_A_SPACE_ID], info->attrs[MMSB_A_SPACE_NAME], info->extack);
	if (IS_ERR(space))
		return PTR_ERR(space);
	msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (msg) {
		head = genlmsg_put_reply(msg, info, &mmsb_family, 0, MMSB_CMD_SPACE_GET);
		err = head ? put_space(msg, space) : -EMSGSIZE;
	}
	mmsb_space_put(space);
	if (!msg)
		return -ENOMEM;
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	genlmsg_end(msg, head);
	return genlmsg_reply(msg, info);
}

static int dump_one(struct sk_buff *skb, struct netlink_callback *cb, struct mmsb_space *space)
{
	void *head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &mmsb_family, NLM_F_MULTI, MMSB_CMD_SPACE_GET);

	if (!head)
		return -EMSGSIZE;
	if (put_space(skb, space)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

/* cb->args[0]: the id of the last one that was told, or passed over. */
int mmsb_nl_space_get_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct net *net = sock_net(skb->sk);
	struct mmsb_space *space;
	int err = 0;

	while (!err && (space = mmsb_names_next(net, cb->args[0]))) {
		if (mmsb_space_readable(space, net))
			err = dump_one(skb, cb, space);
		if (!err)
			cb->args[0] = space->id;
		mmsb_space_put(space);
	}
	return err && !skb->len ? err : skb->len;
}

/* ------------------------------------------------------------------------------------------------------------- changing */

/* Who opened the socket must be as entitled as who sends: else a privileged program could be made to speak for another. */
static bool sender_owns(struct sk_buff *skb, struct mmsb_space *space, struct net *net)
{
	const struct socket *socket = NETLINK_CB(skb).sk->sk_socket;

	if (mmsb_nl_capable(skb, net->user_ns, CAP_SYS_ADMIN))
		return true;
	return uid_eq(current_fsuid(), space->uid) && socket && socket->file && uid_eq(socket->file->f_cred->fsuid, space->uid);
}

struct mmsb_space *mmsb_nl_owned(struct sk_buff *skb, struct genl_info *info, int id, int name)
{
	struct net *net = genl_info_net(info);
	struct mmsb_space *space;

	space = mmsb_nl_space(net, info->attrs[id], info->attrs[name], info->extack);
	if (IS_ERR(space) || sender_owns(skb, space, net))
		return space;
	mmsb_space_put(space);
	NL_SET_ERR_MSG(info->extack, "the space is somebody else's: this takes its owner, or CAP_SYS_ADMIN in the network namespace's user namespace");
	return ERR_PTR(-EPERM);
}

static struct mmsb_space *owned_space(struct sk_buff *skb, struct genl_info *info)
{
	return mmsb_nl_owned(skb, info, MMSB_A_SPACE_ID, MMSB_A_SPACE_NAME);
}

static enum mmsb_reason set_durability(struct mmsb_space *space, u32 mode)
{
	struct mmsb_durability_args args = { .size = sizeof(args), .mode = mode };

	return ms_log_durability(space->engine, true, &args);
}

static enum mmsb_reason set_hash(struct mmsb_space *space, bool on)
{
	u64 hash[2], tick;
	bool off;

	return ms_space_hash(space->engine, on ? MMSB_HASH_ON : MMSB_HASH_OFF, hash, &tick, &off);
}

/* Too large for the stack. */
static enum mmsb_reason switch_timing(struct mmsb_space *space, u32 flags)
{
	struct mmsb_timing_args *args = kzalloc(sizeof(*args), GFP_KERNEL);
	enum mmsb_reason reason;

	if (!args)
		return MMSB_REASON_NO_MEMORY;
	args->flags = flags;
	args->shard = MMSB_TIMING_ALL;
	reason = ms_space_timing(space->engine, args);
	kfree(args);
	return reason;
}

static enum mmsb_reason set_timing(struct mmsb_space *space, bool on)
{
	return switch_timing(space, on ? MMSB_TIMING_ON : MMSB_TIMING_OFF);
}

static u64 wanted(const struct nlattr *attr)
{
	return attr ? nla_get_u64(attr) : 0;
}

static enum mmsb_reason set_limits(struct mmsb_space *space, struct nlattr **attrs, const struct nlattr **bad)
{
	struct ms_space_limits limits = {
		.max_pages = wanted(attrs[MMSB_A_SPACE_MAX_PAGES]),
		.max_bytes = wanted(attrs[MMSB_A_SPACE_MAX_BYTES]),
		.max_rings = attrs[MMSB_A_SPACE_MAX_RINGS] ? nla_get_u32(attrs[MMSB_A_SPACE_MAX_RINGS]) : 0,
	};
	struct ms_space_stat stat;

	ms_space_stat(space->engine, &stat);
	*bad = limits.max_pages > stat.made_for_pages ? attrs[MMSB_A_SPACE_MAX_PAGES] : attrs[MMSB_A_SPACE_MAX_BYTES];
	return ms_space_limit(space->engine, &limits);
}

/* What a refusal further on puts back. */
struct as_it_was {
	struct ms_space_limits limits;
	u32 audit;
	bool pinned, hash, timing;
};

static void remember(struct mmsb_space *space, struct as_it_was *was)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };

	mmsb_names_info(space, &info);
	was->limits.max_pages = info.max_pages;
	was->limits.max_bytes = info.max_bytes;
	was->limits.max_rings = info.max_rings;
	was->audit = info.audit;
	was->pinned = info.flags & MMSB_SPACE_PIN;
	was->hash = info.flags & MMSB_SPACE_HASH;
	was->timing = info.flags & MMSB_SPACE_TIMING;
}

static void put_back(struct mmsb_space *space, struct nlattr **attrs, const struct as_it_was *was)
{
	ms_space_limit(space->engine, &was->limits);
	if (attrs[MMSB_A_SPACE_AUDIT])
		ms_space_audit(space->engine, was->audit);
	if (attrs[MMSB_A_SPACE_PINNED])
		mmsb_names_pin(space, was->pinned);
	if (attrs[MMSB_A_SPACE_HASH])
		set_hash(space, was->hash);
	if (attrs[MMSB_A_SPACE_TIMING])
		set_timing(space, was->timing);
}

static enum mmsb_reason set_one(struct mmsb_space *space, int which, const struct nlattr *attr)
{
	switch (which) {
	case MMSB_A_SPACE_PINNED:
		return mmsb_names_pin(space, nla_get_u8(attr));
	case MMSB_A_SPACE_HASH:
		return set_hash(space, nla_get_u8(attr));
	case MMSB_A_SPACE_TIMING:
		return set_timing(space, nla_get_u8(attr));
	case MMSB_A_SPACE_AUDIT:
		ms_space_audit(space->engine, nla_get_u32(attr));
		return MMSB_REASON_NONE;
	case MMSB_A_SPACE_DURABILITY:
		return set_durability(space, nla_get_u32(attr));
	default:
		mmsb_names_mode(space, nla_get_u32(attr));
		return MMSB_REASON_NONE;
	}
}

/*
 * Durability comes last of what can fail, for a log that was ended cannot be put back; before it timing, of which only the figures would
 * be lost.
 */
static enum mmsb_reason set_each(struct mmsb_space *space, struct nlattr **attrs, const struct nlattr **bad)
{
	static const int order[] = {
		MMSB_A_SPACE_PINNED, MMSB_A_SPACE_HASH, MMSB_A_SPACE_AUDIT, MMSB_A_SPACE_TIMING, MMSB_A_SPACE_DURABILITY, MMSB_A_SPACE_MODE,
	};
	enum mmsb_reason reason = set_limits(space, attrs, bad);
	int i;

	for (i = 0; !reason && i < ARRAY_SIZE(order); i++) {
		*bad = attrs[order[i]];
		if (*bad)
			reason = set_one(space, order[i], *bad);
	}
	return reason;
}

static enum mmsb_reason set_space(struct mmsb_space *space, struct nlattr **attrs, const struct nlattr **bad)
{
	struct as_it_was was;
	enum mmsb_reason reason;

	remember(space, &was);
	reason = set_each(space, attrs, bad);
	if (reason)
		put_back(space, attrs, &was);
	return reason;
}

int mmsb_nl_space_set_do(struct sk_buff *skb, struct genl_info *info)
{
	struct mmsb_space *space = owned_space(skb, info);
	const struct nlattr *bad = NULL;
	enum mmsb_reason reason;
	struct mem_cgroup *before;

	if (IS_ERR(space))
		return PTR_ERR(space);
	before = mmsb_charge_begin(space);
	reason = set_space(space, info->attrs, &bad);
	mmsb_charge_end(before);
	if (!reason) {
		mmsb_names_tell_done(space, MMSB_WHAT_SPACE_CHANGED);
		mmsb_pressure_hurry(space);
	}
	mmsb_space_put(space);
	return reason ? mmsb_nl_refuse(info->extack, bad, reason) : 0;
}

int mmsb_nl_space_reset_do(struct sk_buff *skb, struct genl_info *info)
{
	struct mmsb_space *space = owned_space(skb, info);
	enum mmsb_reason reason;
	struct mem_cgroup *before;

	if (IS_ERR(space))
		return PTR_ERR(space);
	before = mmsb_charge_begin(space);
	reason = ms_space_reset(space->engine);
	mmsb_charge_end(before);
	if (!reason)
		mmsb_names_tell_done(space, MMSB_WHAT_SPACE_RESET);
	mmsb_space_put(space);
	return reason ? mmsb_nl_refuse(info->extack, NULL, reason) : 0;
}

int mmsb_nl_space_remove_do(struct sk_buff *skb, struct genl_info *info)
{
	struct mmsb_space *space = owned_space(skb, info);
	enum mmsb_reason reason;

	if (IS_ERR(space))
		return PTR_ERR(space);
	reason = mmsb_names_unname(space);
	mmsb_space_put(space);
	return reason ? mmsb_nl_refuse(info->extack, NULL, reason) : 0;
}

int mmsb_nl_timing_reset_do(struct sk_buff *skb, struct genl_info *info)
{
	struct mmsb_space *space = mmsb_nl_owned(skb, info, MMSB_A_TIMING_SPACE_ID, MMSB_A_TIMING_SPACE_NAME);
	enum mmsb_reason reason;

	if (IS_ERR(space))
		return PTR_ERR(space);
	reason = switch_timing(space, MMSB_TIMING_RESET);
	mmsb_space_put(space);
	return reason ? mmsb_nl_refuse(info->extack, NULL, reason) : 0;
}
