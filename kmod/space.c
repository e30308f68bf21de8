// SPDX-License-Identifier: GPL-2.0-only
/*
 * A space in the kernel home: the engine's space, the inode its readers map, the memory cgroup that pays, and the CPUs that
 * its shards belong to.
 *
 * Shard s belongs to the s-th CPU that was online when the space was made, going round, until somebody moves it. Its memory stays on the first
 * one's node, and its poller comes back to its CPU if that was away for a while.
 */
#include <linux/cpu.h>
#include <linux/memcontrol.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include "account.h"
#include "inode.h"
#include "limits.h"
#include "names.h"
#include "poller.h"
#include "space.h"
#include "users.h"

static int *space_choose_cpus(u32 shards)
{
	int *cpus = kvmalloc_array(shards, sizeof(*cpus), GFP_KERNEL_ACCOUNT);
	int cpu = -1;
	u32 i;

	if (!cpus)
		return NULL;
	cpus_read_lock();
	for (i = 0; i < shards; i++) {
		cpu = cpumask_next(cpu, cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first(cpu_online_mask);
		cpus[i] = cpu;
	}
	cpus_read_unlock();
	return cpus;
}

static int space_node_of(void *arg, u32 shard)
{
	const struct mmsb_space *space = arg;

	return cpu_to_node(space->cpus[shard]);
}

/* The last is all others. */
static unsigned int space_limit_number(enum mmsb_reason reason)
{
	static const enum mmsb_reason limits[MMSB_SPACE_TOLD - 1] = {
		MMSB_REASON_PAGES_LIMIT, MMSB_REASON_BYTES_LIMIT, MMSB_REASON_RINGS_LIMIT,
		MMSB_REASON_USER_PAGES, MMSB_REASON_USER_BYTES, MMSB_REASON_USER_RINGS,
	};
	unsigned int i = 0;

	while (i < ARRAY_SIZE(limits) && limits[i] != reason)
		i++;
	return i;
}

/* A limit that is run into all the time is told once a second. */
static bool space_told_lately(struct mmsb_space *space, enum mmsb_reason reason)
{
	unsigned int which = space_limit_number(reason);
	unsigned long last = READ_ONCE(space->told[which]), now = jiffies ?: 1;

	if (last && time_before(now, last + HZ))
		return true;
	WRITE_ONCE(space->told[which], now);
	return false;
}

/* Under locks of the engine. */
static void space_tell(void *arg, enum mmsb_reason reason, const struct ms_ring *ring)
{
	const struct ms_ring_config *config = ring ? ms_ring_config(ring) : NULL;
	struct mmsb_news news = { .what = ring ? MMSB_WHAT_RING_BROKEN : MMSB_WHAT_LIMIT_REACHED, .reason = reason };

	if (!ring && space_told_lately(arg, reason))
		return;
	if (ring) {
		news.ring = ms_ring_id(ring);
		news.pid = config->origin.pid;
		news.uid = config->origin.uid;
	}
	mmsb_names_tell(arg, &news);
}

static u64 space_spend(void *arg, enum ms_resource what, u64 least, u64 n)
{
	struct mmsb_space *space = arg;

	return mmsb_user_spend(space->user, what, least, n, space->bounded);
}

static void space_refund(void *arg, enum ms_resource what, u64 n)
{
	struct mmsb_space *space = arg;

	mmsb_user_refund(space->user, what, n);
}

static enum mmsb_reason space_engine_create(struct mmsb_space *space, const struct mmsb_space_wish *wish)
{
	struct ms_space_config config = {
		.shards = wish->shards,
		.max_rings = wish->max_rings,
		.max_pages = wish->max_pages,
		.max_bytes = wish->max_bytes,
		.hash = wish->flags & MMSB_SPACE_HASH,
		.pollers = !(wish->flags & MMSB_SPACE_INLINE),
		.lazy = wish->flags & MMSB_SPACE_LAZY,
		.shut = wish->flags & MMSB_SPACE_SHUT,
		.timing = wish->flags & MMSB_SPACE_TIMING,
		.audit = READ_ONCE(mmsb_audit),
		.node_of = space_node_of,
		.tell = space_tell,
		.press = mmsb_pressure_press,
		.spend = space_spend,
		.refund = space_refund,
		.arg = space,
	};
	struct mem_cgroup *before = mmsb_charge_begin(space);
	enum mmsb_reason reason = ms_space_create(&config, &space->engine);

	mmsb_charge_end(before);
	return reason;
}

static void space_engine_destroy(struct mmsb_space *space)
{
	struct mem_cgroup *before = mmsb_charge_begin(space);

	ms_space_destroy(space->engine);
	mmsb_charge_end(before);
}

/* Nobody can map the space yet, so the regions' locks are not needed. */
static void space_set_mapping(struct mmsb_space *space)
{
	struct pf_region *directory = ms_region_home(ms_space_directory(space->engine));
	struct pf_region *arena = ms_region_home(ms_space_arena(space->engine));

	directory->base = MMSB_MAP_DIRECTORY;
	directory->mapping = space->inode->i_mapping;
	arena->base = MMSB_MAP_ARENA;
	arena->mapping = space->inode->i_mapping;
}

static void space_detach(struct mmsb_space *space, u32 shards)
{
	while (shards--)
		mmsb_poller_detach(ms_shard_home(ms_space_shard(space->engine, shards)));
}

static enum mmsb_reason space_attach(struct mmsb_space *space)
{
	u32 i;

	if (space->flags & MMSB_SPACE_INLINE)
		return MMSB_REASON_NONE;
	for (i = 0; i < space->shards; i++) {
		if (mmsb_poller_attach(space, ms_space_shard(space->engine, i), space->cpus[i])) {
			space_detach(space, i);
			return MMSB_REASON_NO_MEMORY;
		}
	}
	return MMSB_REASON_NONE;
}

enum mmsb_reason mmsb_space_create(const struct mmsb_space_wish *wish, struct mmsb_space **out)
{
	enum mmsb_reason reason = MMSB_REASON_NO_MEMORY;
	struct mmsb_space *space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT);

	if (!space)
		return reason;
	kref_init(&space->ref);
	INIT_LIST_HEAD(&space->node);
	INIT_LIST_HEAD(&space->rings);
	mutex_init(&space->rings_lock);
	mmsb_pressure_open(space);
	space->shards = wish->shards;
	space->flags = wish->flags & MMSB_SPACE_INLINE;
	space->mode = wish->mode;
	space->uid = wish->uid;
	space->gid = wish->gid;
	space->bounded = !capable(CAP_SYS_RESOURCE);
	reason = mmsb_user_take(&space->user);
	if (reason)
		goto err_alone;
	reason = MMSB_REASON_NO_MEMORY;
	space->memcg = get_mem_cgroup_from_mm(current->mm);
	space->cpus = space_choose_cpus(wish->shards);
	if (!space->cpus)
		goto err_space;
	space->inode = mmsb_inode_new();
	if (IS_ERR(space->inode))
		goto err_cpus;
	reason = space_engine_create(space, wish);
	if (reason)
		goto err_inode;
	space_set_mapping(space);
	reason = space_attach(space);
	if (reason)
		goto err_engine;
	*out = space;
	return MMSB_REASON_NONE;

err_engine:
	mmsb_pressure_close(space);
	space_engine_destroy(space);
err_inode:
	mmsb_inode_free(space->inode);
err_cpus:
	kvfree(space->cpus);
err_space:
	mem_cgroup_put(space->memcg);
	mmsb_user_give(space->user);
err_alone:
	mutex_destroy(&space->rings_lock);
	kfree(space);
	return reason;
}

/*
 * Rings and files held references, mappings hold their file, and no list knows the space any more: what may still look at
 * it is its pollers, so they go first, and then who looks how it fares.
 */
void mmsb_space_destroy(struct mmsb_space *space)
{
	if (!(space->flags & MMSB_SPACE_INLINE))
		space_detach(space, space->shards);
	mmsb_pressure_close(space);
	space_engine_destroy(space);
	mmsb_inode_free(space->inode);
	kvfree(space->cpus);
	mem_cgroup_put(space->memcg);
	mmsb_user_give(space->user);
	mutex_destroy(&space->rings_lock);
	kfree(space);
}

/* The shard whose poller is on the caller's CPU; with fewer shards than CPUs, one for all. */
u32 mmsb_space_shard_here(const struct mmsb_space *space)
{
	int cpu = raw_smp_processor_id();
	u32 i;

	for (i = 0; i < space->shards; i++)
		if (READ_ONCE(space->cpus[i]) == cpu)
			return i;
	return cpu % space->shards;
}

/* Who moves shards about puts load on CPUs: on those that he may run on himself, unless he is the administrator. */
static enum mmsb_reason space_may_move(const struct mmsb_space *space, u32 shard, u32 cpu, bool any)
{
	if (space->flags & MMSB_SPACE_INLINE)
		return MMSB_REASON_NO_POLLERS;
	if (shard >= space->shards)
		return MMSB_REASON_BAD_SHARD;
	if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return MMSB_REASON_NO_CPU;
	return any || cpumask_test_cpu(cpu, current->cpus_ptr) ? MMSB_REASON_NONE : MMSB_REASON_FOREIGN_CPU;
}

enum mmsb_reason mmsb_space_move(struct mmsb_space *space, u32 shard, u32 cpu, bool any)
{
	enum mmsb_reason reason = space_may_move(space, shard, cpu, any);
	int err;

	if (reason)
		return reason;
	err = mmsb_poller_move(ms_shard_home(ms_space_shard(space->engine, shard)), cpu, &space->cpus[shard]);
	if (err)
		return err == -ENODEV ? MMSB_REASON_NO_CPU : MMSB_REASON_NO_MEMORY;
	return MMSB_REASON_NONE;
}

/* What names.c does not know better. */
void mmsb_space_info(struct mmsb_space *space, struct mmsb_space_info_args *info)
{
	struct ms_space_stat stat;

	ms_space_stat(space->engine, &stat);
	info->flags = space->flags | (stat.hash ? MMSB_SPACE_HASH : 0) | (stat.lazy ? MMSB_SPACE_LAZY : 0) |
		      (stat.shut ? MMSB_SPACE_SHUT : 0) | (stat.timing ? MMSB_SPACE_TIMING : 0);
	info->uid = from_kuid_munged(current_user_ns(), space->uid);
	info->gid = from_kgid_munged(current_user_ns(), space->gid);
	info->mode = space->mode;
	info->shards = stat.shards;
	info->rings = stat.rings;
	info->max_rings = stat.max_rings;
	info->pages = stat.pages;
	info->max_pages = stat.max_pages;
	info->bytes = stat.bytes;
	info->max_bytes = stat.max_bytes;
	info->memory = stat.memory;
	info->tick = stat.tick;
	info->deltas = stat.deltas;
	info->incarnation = stat.incarnation;
	info->derived = stat.derived;
	info->edges = stat.edges;
	info->recomputed = stat.recomputed;
	info->skipped = stat.skipped;
	info->cut = stat.cut;
	info->suspect = stat.suspect;
	info->meetings = stat.meetings;
	info->shared = stat.shared;
	info->audit = stat.audit;
}
