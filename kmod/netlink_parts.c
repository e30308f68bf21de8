// SPDX-License-Identifier: GPL-2.0-only
/*
 * What spaces are made of, and who serves and who makes them, through generic netlink: dumps of rings, shards, timing, pages, pollers and users;
 * who serves which shard, and how patiently.
 */
#include <linux/capability.h>
#include <linux/cpumask.h>
#include <linux/cred.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <net/sock.h>
#include "account.h"
#include "compat.h"
#include "limits.h"
#include "netlink.h"
#include "netlink_ops.h"
#include "poller.h"
#include "ring_file.h"
#include "users.h"

/*
 * Each dump puts one thing at a time: `next` says whether there is one beyond the cursor and moves the cursor there, `put` writes it. A thing
 * that found no room comes again at the beginning of the next message.
 */
struct dump {
	u8 cmd;
	bool (*next)(void *thing, struct mmsb_space *space, u64 *cursor);
	int (*put)(struct sk_buff *skb, const void *thing, const struct mmsb_space *space);
};

static int dump_put(struct sk_buff *skb, struct netlink_callback *cb, const struct dump *dump, const void *thing, const struct mmsb_space *space)
{
	void *head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &mmsb_family, NLM_F_MULTI, dump->cmd);

	if (!head)
		return -EMSGSIZE;
	if (dump->put(skb, thing, space)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

static int dump_things(struct sk_buff *skb, struct netlink_callback *cb, const struct dump *dump, void *thing, struct mmsb_space *space)
{
	u64 cursor = cb->args[0];
	int err = 0;

	while (dump->next(thing, space, &cursor)) {
		err = dump_put(skb, cb, dump, thing, space);
		if (err)
			break;
		cb->args[0] = cursor;
	}
	return err && !skb->len ? err : skb->len;
}

/* cb->args[2]: it was there. A space that goes between two messages of a dump ends it: what it was made of went with it. */
static int dump_of_space(struct sk_buff *skb, struct netlink_callback *cb, const struct dump *dump, void *thing, int id, int name)
{
	struct nlattr **attrs = mmsb_nl_dump_attrs(cb);
	struct mmsb_space *space;
	int len;

	space = mmsb_nl_space(sock_net(skb->sk), attrs[id], attrs[name], cb->extack);
	if (IS_ERR(space))
		return cb->args[2] ? 0 : PTR_ERR(space);
	cb->args[2] = 1;
	len = dump_things(skb, cb, dump, thing, space);
	mmsb_space_put(space);
	return len;
}

/* ---------------------------------------------------------------------------------------------------------------- rings */

static bool ring_next(void *thing, struct mmsb_space *space, u64 *cursor)
{
	struct mmsb_ring_view *view = thing;

	if (!mmsb_ring_view_next(space, *cursor, view))
		return false;
	*cursor = view->id;
	return true;
}

#define RING(attr, member)	MMSB_NL_FIELD(MMSB_A_RING_##attr, struct mmsb_ring_view, member)
static const struct mmsb_nl_field ring_fields[] = {
	RING(ID, id), RING(SHARD, config.shard), RING(POLLED, config.polled), RING(READ_ONLY, config.read_only), RING(PID, pid), RING(UID, uid),
	RING(CGROUP, cgroup), RING(SOURCE, config.origin.source), RING(OPENED, opened), RING(SQ_ENTRIES, config.sq_entries),
	RING(CQ_ENTRIES, config.cq_entries), RING(PAYLOAD_BYTES, config.payload_bytes), RING(IDLE_US, idle_us), RING(PENDING, stat.pending),
	RING(UNREAPED, stat.unreaped), RING(TAKEN, stat.taken), RING(FAILED, stat.failed), RING(STALLS, stat.stalls), RING(BROKEN, stat.broken),
};

static int ring_put(struct sk_buff *skb, const void *thing, const struct mmsb_space *space)
{
	const struct mmsb_ring_view *view = thing;

	return nla_put_u64_64bit(skb, MMSB_A_RING_SPACE_ID, space->id, MMSB_A_RING_PAD) ?:
	       nla_put_string(skb, MMSB_A_RING_COMM, view->comm) ?:
	       mmsb_nl_put(skb, ring_fields, ARRAY_SIZE(ring_fields), MMSB_A_RING_PAD, view);
}

int mmsb_nl_ring_get_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct dump dump = { MMSB_CMD_RING_GET, ring_next, ring_put };
	struct mmsb_ring_view view;

	return dump_of_space(skb, cb, &dump, &view, MMSB_A_RING_SPACE_ID, MMSB_A_RING_SPACE_NAME);
}

/* --------------------------------------------------------------------------------------------------------------- shards */

struct shard_view {
	u32 number, cpu, node;
	u8 asleep;
	u32 rings;
	struct ms_shard_stat stat;
};

/* The cursor is how many were told. */
static bool shard_next(void *thing, struct mmsb_space *space, u64 *cursor)
{
	struct shard_view *view = thing;

	if (*cursor >= space->shards)
		return false;
	view->number = *cursor;
	view->cpu = READ_ONCE(space->cpus[*cursor]);
	ms_shard_stat(ms_space_shard(space->engine, *cursor), &view->stat);
	view->node = view->stat.node;
	view->asleep = view->stat.asleep;
	view->rings = mmsb_ring_count(space, *cursor);
	++*cursor;
	return true;
}

#define SHARD(attr, member)	MMSB_NL_FIELD(MMSB_A_SHARD_##attr, struct shard_view, member)
static const struct mmsb_nl_field shard_fields[] = {
	SHARD(NUMBER, number), SHARD(CPU, cpu), SHARD(NODE, node), SHARD(ASLEEP, asleep), SHARD(RINGS, rings), SHARD(PAGES, stat.pages),
	SHARD(MEMORY, stat.memory), SHARD(DELTAS, stat.deltas), SHARD(TICK, stat.tick), SHARD(DERIVED, stat.derived), SHARD(EDGES, stat.edges),
	SHARD(RECOMPUTED, stat.recomputed), SHARD(SKIPPED, stat.skipped), SHARD(CUT, stat.cut), SHARD(HELD, stat.held),
};

static int shard_put(struct sk_buff *skb, const void *thing, const struct mmsb_space *space)
{
	return nla_put_u64_64bit(skb, MMSB_A_SHARD_SPACE_ID, space->id, MMSB_A_SHARD_PAD) ?:
	       mmsb_nl_put(skb, shard_fields, ARRAY_SIZE(shard_fields), MMSB_A_SHARD_PAD, thing);
}

int mmsb_nl_shard_get_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct dump dump = { MMSB_CMD_SHARD_GET, shard_next, shard_put };
	struct shard_view view;

	return dump_of_space(skb, cb, &dump, &view, MMSB_A_SHARD_SPACE_ID, MMSB_A_SHARD_SPACE_NAME);
}

int mmsb_nl_shard_set_do(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *number = info->attrs[MMSB_A_SHARD_NUMBER], *cpu = info->attrs[MMSB_A_SHARD_CPU];
	bool any = mmsb_nl_capable(skb, &init_user_ns, CAP_SYS_ADMIN);
	struct mmsb_space *space;
	enum mmsb_reason reason;

	if (!number || !cpu) {
		NL_SET_ERR_MSG(info->extack, "which shard, and whose poller shall serve it? This takes the shard's number and a CPU");
		return -EINVAL;
	}
	space = mmsb_nl_owned(skb, info, MMSB_A_SHARD_SPACE_ID, MMSB_A_SHARD_SPACE_NAME);
	if (IS_ERR(space))
		return PTR_ERR(space);
	reason = mmsb_space_move(space, nla_get_u32(number), nla_get_u32(cpu), any);
	if (!reason)
		mmsb_names_tell_done(space, MMSB_WHAT_SPACE_CHANGED);
	mmsb_space_put(space);
	return reason ? mmsb_nl_refuse(info->extack, reason == MMSB_REASON_BAD_SHARD ? number : cpu, reason) : 0;
}

/* --------------------------------------------------------------------------------------------------------------- timing */

/* The cursor is the layer to look at next. One through which nothing went is passed over. */
static bool timing_next(void *thing, struct mmsb_space *space, u64 *cursor)
{
	struct mmsb_timing_args *args = thing;

	while (*cursor < MMSB_LAYER_LAST) {
		args->flags = 0;
		args->layer = (*cursor)++;
		args->shard = MMSB_TIMING_ALL;
		if (!ms_space_timing(space->engine, args) && args->count)
			return true;
	}
	return false;
}

#define TIMING(attr, member)	MMSB_NL_FIELD(MMSB_A_TIMING_##attr, struct mmsb_timing_args, member)
static const struct mmsb_nl_field timing_fields[] = {
	TIMING(COUNT, count), TIMING(SUM, sum), TIMING(SHORTEST, min), TIMING(LONGEST, max), TIMING(P50, p50), TIMING(P90, p90), TIMING(P99, p99),
	TIMING(P999, p999),
};

#define LAYER_WORD(name, word, text)	word,
static const char *const layer_words[MMSB_LAYER_LAST] = { MMSB_LAYERS(LAYER_WORD) };

#define FIRST_OCTAVE	4u
#define OCTAVES		(MMSB_TIMING_BUCKETS / 16 - 1)

static int timing_put(struct sk_buff *skb, const void *thing, const struct mmsb_space *space)
{
	const struct mmsb_timing_args *args = thing;
	u64 octaves[OCTAVES];
	u32 i;

	for (i = 0; i < OCTAVES; i++)
		octaves[i] = ms_timing_below(args, FIRST_OCTAVE + i);
	return nla_put_u64_64bit(skb, MMSB_A_TIMING_SPACE_ID, space->id, MMSB_A_TIMING_PAD) ?:
	       nla_put_string(skb, MMSB_A_TIMING_LAYER, layer_words[args->layer]) ?:
	       mmsb_nl_put(skb, timing_fields, ARRAY_SIZE(timing_fields), MMSB_A_TIMING_PAD, args) ?:
	       nla_put(skb, MMSB_A_TIMING_OCTAVES, sizeof(octaves), octaves);
}

int mmsb_nl_timing_get_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct dump dump = { MMSB_CMD_TIMING_GET, timing_next, timing_put };
	struct mmsb_timing_args *args = kmalloc(sizeof(*args), GFP_KERNEL_ACCOUNT);
	int len = args ? dump_of_space(skb, cb, &dump, args, MMSB_A_TIMING_SPACE_ID, MMSB_A_TIMING_SPACE_NAME) : -ENOMEM;

	kfree(args);
	return len;
}

/* ---------------------------------------------------------------------------------------------------------------- pages */

struct page_view {
	u64 id, epoch, tick;
	u32 size;
	u8 derived;
};

#define LINES_A_CHUNK	(PF_CHUNK / sizeof(struct mmsb_line))
#define TRIES		64	/* then each field is right for itself, as of a page that is written all the time */

static void line_copy(const struct mmsb_line *line, struct mmsb_line *copy)
{
	unsigned int tries = TRIES;

	do {
		copy->seq = smp_load_acquire(&line->seq);	/* partner: the engine's release behind a change */
		copy->epoch = READ_ONCE(line->epoch);
		copy->tick = READ_ONCE(line->tick);
		copy->size = READ_ONCE(line->size);
		copy->generation = READ_ONCE(line->generation);
		copy->kind = READ_ONCE(line->kind);
		smp_rmb();					/* partner: the engine's barrier before one */
	} while (--tries && (copy->seq & 1 || copy->seq != READ_ONCE(line->seq)));
}

/* As a client's read-only mapping would show it; the lock keeps the chunk from going meanwhile. False: there is no chunk. */
static bool line_read(struct mmsb_space *space, u64 index, struct mmsb_line *copy)
{
	struct ms_region *directory = ms_space_directory(space->engine);
	struct pf_region *home = ms_region_home(directory);
	const void *chunk;

	mutex_lock(&home->lock);
	chunk = ms_region_chunk(directory, index / LINES_A_CHUNK);
	if (chunk)
		line_copy((const struct mmsb_line *)chunk + index % LINES_A_CHUNK, copy);
	mutex_unlock(&home->lock);
	return chunk;
}

/* The cursor is the index to look at next. */
static bool page_next(void *thing, struct mmsb_space *space, u64 *cursor)
{
	u64 lines = ms_region_bytes(ms_space_directory(space->engine)) / sizeof(struct mmsb_line), index = *cursor;
	struct page_view *view = thing;
	struct mmsb_line line;

	while (index < lines) {
		if (!line_read(space, index, &line)) {
			index = round_up(index + 1, LINES_A_CHUNK);
			cond_resched();
			continue;
		}
		if (line.kind != MMSB_KIND_NONE)
			break;
		index++;
	}
	if (index >= lines)
		return false;
	*view = (struct page_view){
		.id = MMSB_PAGE_ID(line.generation, index),
		.epoch = line.epoch,
		.tick = line.tick,
		.size = line.size,
		.derived = line.kind == MMSB_KIND_DERIVED,
	};
	*cursor = index + 1;
	return true;
}

#define PAGE(attr, member)	MMSB_NL_FIELD(MMSB_A_PAGE_##attr, struct page_view, member)
static const struct mmsb_nl_field page_fields[] = {
	PAGE(ID, id), PAGE(DERIVED, derived), PAGE(SIZE, size), PAGE(EPOCH, epoch), PAGE(TICK, tick),
};

static int page_put(struct sk_buff *skb, const void *thing, const struct mmsb_space *space)
{
	return mmsb_nl_put(skb, page_fields, ARRAY_SIZE(page_fields), MMSB_A_PAGE_PAD, thing);
}

/* cb->args[1]: the dump has begun, and args[0] is no longer where it shall. */
int mmsb_nl_page_get_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct dump dump = { MMSB_CMD_PAGE_GET, page_next, page_put };
	struct nlattr *from = mmsb_nl_dump_attrs(cb)[MMSB_A_PAGE_FROM];
	struct page_view view;

	if (!cb->args[1]) {
		cb->args[0] = from ? nla_get_u32(from) : 0;
		cb->args[1] = 1;
	}
	return dump_of_space(skb, cb, &dump, &view, MMSB_A_PAGE_SPACE_ID, MMSB_A_PAGE_SPACE_NAME);
}

/* ---------------------------------------------------------------------------------------------------------------- edges */

#define EDGES_A_STOP	16	/* taken at a time, as all shards stand still for that */

struct edge_views {
	struct ms_edge_view edge, ahead[EDGES_A_STOP];
	u32 n, at;
};

/* The cursor is the engine's. Those taken ahead that do not get into the message are taken again for the next. Who lets shards go runs them. */
static bool edge_next(void *thing, struct mmsb_space *space, u64 *cursor)
{
	struct edge_views *views = thing;
	struct mem_cgroup *before;
	u64 ahead = *cursor;

	if (views->at == views->n) {
		before = mmsb_charge_begin(space);
		views->n = ms_space_edges(space->engine, &ahead, views->ahead, EDGES_A_STOP);
		mmsb_charge_end(before);
		views->at = 0;
	}
	if (!views->n)
		return false;
	views->edge = views->ahead[views->at++];
	*cursor = views->edge.next;
	return true;
}

#define EDGE(attr, member)	MMSB_NL_FIELD(MMSB_A_EDGE_##attr, struct edge_views, edge.member)
static const struct mmsb_nl_field edge_fields[] = {
	EDGE(PAGE, page), EDGE(NUMBER, number), EDGE(PARENT, parent), EDGE(WEIGHT, weight), EDGE(TYPE, type),
};

static int edge_put(struct sk_buff *skb, const void *thing, const struct mmsb_space *space)
{
	return mmsb_nl_put(skb, edge_fields, ARRAY_SIZE(edge_fields), MMSB_A_EDGE_PAD, thing);
}

int mmsb_nl_graph_get_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct dump dump = { MMSB_CMD_GRAPH_GET, edge_next, edge_put };
	struct nlattr *from = mmsb_nl_dump_attrs(cb)[MMSB_A_EDGE_FROM];
	struct edge_views views = { .n = 0 };

	if (!cb->args[1]) {
		cb->args[0] = from ? (u64)nla_get_u32(from) << 32 : 0;
		cb->args[1] = 1;
	}
	return dump_of_space(skb, cb, &dump, &views, MMSB_A_EDGE_SPACE_ID, MMSB_A_EDGE_SPACE_NAME);
}

/* -------------------------------------------------------------------------------------------------------------- pollers */

struct poller_view {
	u32 cpu;
	u8 resting;
	struct mmsb_poller_stat stat;
};

/* The cursor is one above the CPU's number. */
static bool poller_next(void *thing, struct mmsb_space *space, u64 *cursor)
{
	struct poller_view *view = thing;
	int cpu = (int)*cursor - 1;

	do {
		cpu = cpumask_next(cpu, cpu_possible_mask);
		if (cpu >= nr_cpu_ids)
			return false;
	} while (!mmsb_poller_stat(cpu, &view->stat));
	view->cpu = cpu;
	view->resting = view->stat.resting;
	*cursor = cpu + 1;
	return true;
}

#define POLLER(attr, member)	MMSB_NL_FIELD(MMSB_A_POLLER_##attr, struct poller_view, member)
static const struct mmsb_nl_field poller_fields[] = {
	POLLER(CPU, cpu), POLLER(PID, stat.pid), POLLER(SHARDS, stat.shards), POLLER(RESTING, resting), POLLER(IDLE_US, stat.idle_us),
	POLLER(CPU_TIME, stat.cpu_ns), POLLER(RESTS, stat.rests), POLLER(RESTED, stat.rested_ns),
};

static int poller_put(struct sk_buff *skb, const void *thing, const struct mmsb_space *space)
{
	return mmsb_nl_put(skb, poller_fields, ARRAY_SIZE(poller_fields), MMSB_A_POLLER_PAD, thing);
}

int mmsb_nl_poller_get_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct dump dump = { MMSB_CMD_POLLER_GET, poller_next, poller_put };
	struct poller_view view;

	return dump_things(skb, cb, &dump, &view, NULL);
}

int mmsb_nl_poller_set_do(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *cpu = info->attrs[MMSB_A_POLLER_CPU], *idle = info->attrs[MMSB_A_POLLER_IDLE_US];

	if (!mmsb_nl_capable(skb, &init_user_ns, CAP_SYS_ADMIN)) {
		NL_SET_ERR_MSG(info->extack, "pollers serve the spaces of all: this takes CAP_SYS_ADMIN in the first user namespace");
		return -EPERM;
	}
	if (!cpu) {
		NL_SET_ERR_MSG(info->extack, "whose poller? This takes a CPU");
		return -EINVAL;
	}
	if (nla_get_u32(cpu) >= nr_cpu_ids || !cpu_possible(nla_get_u32(cpu)))
		return mmsb_nl_refuse(info->extack, cpu, MMSB_REASON_NO_CPU);
	if (mmsb_poller_idle(nla_get_u32(cpu), idle ? nla_get_u32(idle) : MMSB_IDLE_MODULE))
		return mmsb_nl_refuse(info->extack, cpu, MMSB_REASON_NO_POLLER);
	return 0;
}

/* ---------------------------------------------------------------------------------------------------------------- users */

struct user_view {
	struct mmsb_user_stat has;
	u32 uid, max_spaces, max_rings;
	u64 max_pages, max_bytes;
};

/* The cursor is one above the user's number in the first user namespace. */
static bool user_next(void *thing, struct mmsb_space *space, u64 *cursor)
{
	bool all = ns_capable(&init_user_ns, CAP_SYS_ADMIN);
	struct user_view *view = thing;
	kuid_t above = *cursor ? KUIDT_INIT(*cursor - 1) : INVALID_UID;

	do {
		if (!mmsb_user_next(above, !uid_valid(above), &view->has))
			return false;
		above = view->has.uid;
	} while (!all && !uid_eq(view->has.uid, current_euid()));
	view->uid = from_kuid_munged(current_user_ns(), view->has.uid);
	view->max_spaces = READ_ONCE(mmsb_max_user_spaces);
	view->max_pages = mmsb_user_most(MS_RESOURCE_PAGES);
	view->max_bytes = mmsb_user_most(MS_RESOURCE_BYTES);
	view->max_rings = mmsb_user_most(MS_RESOURCE_RINGS);
	*cursor = (u64)__kuid_val(view->has.uid) + 1;
	return true;
}

#define USER(attr, member)	MMSB_NL_FIELD(MMSB_A_USER_##attr, struct user_view, member)
static const struct mmsb_nl_field user_fields[] = {
	USER(UID, uid), USER(SPACES, has.spaces), USER(MAX_SPACES, max_spaces),
	USER(PAGES, has.used[MS_RESOURCE_PAGES]), USER(BYTES, has.used[MS_RESOURCE_BYTES]), USER(RINGS, has.used[MS_RESOURCE_RINGS]),
	USER(MAX_PAGES, max_pages), USER(MAX_BYTES, max_bytes), USER(MAX_RINGS, max_rings),
};

static int user_put(struct sk_buff *skb, const void *thing, const struct mmsb_space *space)
{
	return mmsb_nl_put(skb, user_fields, ARRAY_SIZE(user_fields), MMSB_A_USER_PAD, thing);
}

int mmsb_nl_user_get_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct dump dump = { MMSB_CMD_USER_GET, user_next, user_put };
	struct user_view view;

	return dump_things(skb, cb, &dump, &view, NULL);
}
