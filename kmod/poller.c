// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pollers: one kernel thread per CPU that any polled space has a shard on. It gives each of its shards one bounded turn
 * after the other, and when all of them came out empty for the idle time it sleeps, until somebody kicks it.
 *
 * Its list of shards is under its lock, held for a round: whoever attached or detached a shard knows that the thread has
 * seen it. A thread is made when it is first needed and stays until the module goes; asleep it costs its stack.
 *
 * Sleeping. The poller says `resting`, then lets each shard raise NEED_WAKEUP and look again, behind full barriers; who has
 * published something passes a full barrier and looks at NEED_WAKEUP (a client) or at `resting` (pf_shard_kick()). So
 * either the poller sees the work or it is woken.
 *
 * Moving. A shard can be handed to another poller while it works. It leaves the one list awake and enters the other, whose thread is kicked
 * behind that: whoever kicked the old one meanwhile had published before. What rings wish of their poller goes with it, so who wishes
 * something, or no longer does, holds pollers_moving.
 *
 * CPUs that go away. A thread that is merely bound would be pushed off by the scheduler, which forgets where it
 * belonged; so we unbind it as its CPU goes and bind it again as that CPU comes back. Its shards go with it.
 *
 * Suspend. Pollers are not frozen. They touch memory only, no device and no file; once user space is frozen nothing new is
 * published, and they fall asleep by themselves. That clients are frozen first is why they must not be: one that is
 * closing a ring waits for its poller.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/kthread.h>
#include <linux/percpu.h>
#include <linux/pid_namespace.h>
#include "account.h"
#include "limits.h"
#include "poller.h"

struct mmsb_poller {
	struct mutex lock;
	struct list_head shards;	/* under lock */
	struct list_head wishes;	/* under lock */
	bool alone;			/* some wish is for the default, or there is none */
	u32 idle_us;			/* the longest of the others */
	u32 default_us;			/* what the default is here, or MMSB_IDLE_MODULE */
	u32 resting;
	u64 rests, rested_ns, rest_began;	/* written by the thread; rest_began 0: it runs */
	wait_queue_head_t wait;
	struct task_struct *task;	/* set once, under the CPU hotplug lock */
};

static DEFINE_PER_CPU(struct mmsb_poller, pollers);
static DEFINE_MUTEX(pollers_making);
static DEFINE_MUTEX(pollers_moving);	/* outside of a poller's lock: who serves which shard stays as it is */
static enum cpuhp_state pollers_hotplug;

/* --------------------------------------------------------------------------------------------------------- the thread */

static u32 poller_round(struct mmsb_poller *poller)
{
	struct mem_cgroup *before;
	struct pf_shard *home;
	u32 done = 0;

	mutex_lock(&poller->lock);
	list_for_each_entry(home, &poller->shards, node) {
		before = mmsb_charge_begin(home->space);
		done += ms_shard_poll(home->shard);
		mmsb_charge_end(before);
		cond_resched();
	}
	mutex_unlock(&poller->lock);
	return done;
}

/* All shards agree to sleep, or none of those that were asked. */
static bool poller_may_sleep(struct mmsb_poller *poller)
{
	struct pf_shard *home;

	list_for_each_entry(home, &poller->shards, node) {
		if (ms_shard_sleep(home->shard))
			continue;
		list_for_each_entry_continue_reverse(home, &poller->shards, node)
			ms_shard_awake(home->shard);
		return false;
	}
	return true;
}

static void poller_awake(struct mmsb_poller *poller)
{
	struct pf_shard *home;

	mutex_lock(&poller->lock);
	list_for_each_entry(home, &poller->shards, node)
		ms_shard_awake(home->shard);
	mutex_unlock(&poller->lock);
}

static void poller_sleep(struct mmsb_poller *poller)
{
	u64 began = pf_now();

	WRITE_ONCE(poller->rest_began, began);
	wait_event_idle(poller->wait, !READ_ONCE(poller->resting) || kthread_should_stop());
	WRITE_ONCE(poller->rest_began, 0);
	WRITE_ONCE(poller->rests, poller->rests + 1);
	WRITE_ONCE(poller->rested_ns, poller->rested_ns + pf_now() - began);
}

static void poller_rest(struct mmsb_poller *poller)
{
	bool sleep;

	WRITE_ONCE(poller->resting, 1);
	smp_mb();	/* partner: pf_shard_kick() */
	mutex_lock(&poller->lock);
	sleep = poller_may_sleep(poller);
	mutex_unlock(&poller->lock);
	if (sleep) {
		poller_sleep(poller);
		poller_awake(poller);
	}
	WRITE_ONCE(poller->resting, 0);
}

static u64 poller_idle_ns(const struct mmsb_poller *poller)
{
	u32 us = READ_ONCE(poller->idle_us), here = READ_ONCE(poller->default_us);

	if (READ_ONCE(poller->alone))
		us = max(us, min(here == MMSB_IDLE_MODULE ? READ_ONCE(mmsb_poll_idle_us) : here, MMSB_IDLE_MAX_US));
	return us * (u64)NSEC_PER_USEC;
}

static int poller_main(void *arg)
{
	struct mmsb_poller *poller = arg;
	u64 last = pf_now();

	while (!kthread_should_stop()) {
		if (poller_round(poller)) {
			last = pf_now();
		} else if (pf_now() - last >= poller_idle_ns(poller)) {
			poller_rest(poller);
			last = pf_now();
		} else {
			cpu_relax();
		}
		cond_resched_tasks_rcu_qs();
	}
	return 0;
}

static u32 poller_count(struct mmsb_poller *poller)
{
	struct pf_shard *home;
	u32 shards = 0;

	mutex_lock(&poller->lock);
	list_for_each_entry(home, &poller->shards, node)
		shards++;
	mutex_unlock(&poller->lock);
	return shards;
}

bool mmsb_poller_stat(int cpu, struct mmsb_poller_stat *stat)
{
	struct mmsb_poller *poller = per_cpu_ptr(&pollers, cpu);
	struct task_struct *task = READ_ONCE(poller->task);
	u64 began;

	if (!task)
		return false;
	began = READ_ONCE(poller->rest_began);
	stat->pid = pid_nr_ns(task_pid(task), task_active_pid_ns(current));
	stat->shards = poller_count(poller);
	stat->idle_us = poller_idle_ns(poller) / NSEC_PER_USEC;
	stat->resting = began;
	stat->cpu_ns = READ_ONCE(task->se.sum_exec_runtime);
	stat->rests = READ_ONCE(poller->rests);
	stat->rested_ns = READ_ONCE(poller->rested_ns) + (began ? pf_now() - began : 0);
	return true;
}

/*
 * Published, then the barrier, then the look: at whose the shard is, for it may just have been moved, and at whether he rests. A shard
 * without a poller is run by whoever enters, and gets none.
 */
void pf_shard_kick(struct pf_shard *home)
{
	struct mmsb_poller *poller;

	if (!READ_ONCE(home->poller))
		return;
	smp_mb();	/* partners: poller_rest(), and this of poller_take() */
	poller = READ_ONCE(home->poller);
	if (poller && READ_ONCE(poller->resting) && xchg(&poller->resting, 0))
		wake_up(&poller->wait);
}

/* -------------------------------------------------------------------------------------------------- shards and wishes */

/* The hotplug lock keeps the CPU's state, and so the callbacks below, still while the thread is made and bound. */
static int poller_start(struct mmsb_poller *poller, int cpu, bool online)
{
	struct task_struct *task;
	int err = 0;

	cpus_read_lock();
	mutex_lock(&pollers_making);
	if (online && !cpu_online(cpu))
		err = -ENODEV;
	if (err || poller->task)
		goto out;
	task = kthread_create_on_node(poller_main, poller, cpu_to_node(cpu), "mmsb/%d", cpu);
	if (IS_ERR(task)) {
		err = PTR_ERR(task);
		goto out;
	}
	if (cpu_online(cpu))
		kthread_bind(task, cpu);
	WRITE_ONCE(poller->task, task);
	wake_up_process(task);
out:
	mutex_unlock(&pollers_making);
	cpus_read_unlock();
	return err;
}

/* Listed, then pointed at, then kicked: from then on the thread looks at it, whatever it did before. */
static void poller_take(struct mmsb_poller *poller, struct pf_shard *home)
{
	mutex_lock(&poller->lock);
	list_add_tail(&home->node, &poller->shards);
	mutex_unlock(&poller->lock);
	WRITE_ONCE(home->poller, poller);
	pf_shard_kick(home);
}

int mmsb_poller_attach(struct mmsb_space *space, struct ms_shard *shard, int cpu)
{
	struct mmsb_poller *poller = per_cpu_ptr(&pollers, cpu);
	struct pf_shard *home = ms_shard_home(shard);
	int err;

	err = poller_start(poller, cpu, false);
	if (err)
		return err;
	home->shard = shard;
	home->space = space;
	poller_take(poller, home);
	return 0;
}

/* When this returns, the thread is done with the shard for good. */
void mmsb_poller_detach(struct pf_shard *home)
{
	struct mmsb_poller *poller = home->poller;

	mutex_lock(&poller->lock);
	list_del(&home->node);
	mutex_unlock(&poller->lock);
	WRITE_ONCE(home->poller, NULL);
}

static void poller_weigh(struct mmsb_poller *poller)
{
	struct mmsb_poller_wish *wish;
	bool alone = list_empty(&poller->wishes);
	u32 idle_us = 0;

	lockdep_assert_held(&poller->lock);
	list_for_each_entry(wish, &poller->wishes, node) {
		alone |= !wish->idle_us;
		idle_us = max(idle_us, wish->idle_us);
	}
	WRITE_ONCE(poller->alone, alone);
	WRITE_ONCE(poller->idle_us, idle_us);
}

void mmsb_poller_wish(struct pf_shard *home, struct mmsb_poller_wish *wish)
{
	struct mmsb_poller *poller;

	wish->home = home;
	mutex_lock(&pollers_moving);
	poller = home->poller;
	mutex_lock(&poller->lock);
	list_add(&wish->node, &poller->wishes);
	poller_weigh(poller);
	mutex_unlock(&poller->lock);
	mutex_unlock(&pollers_moving);
	pf_shard_kick(home);
}

void mmsb_poller_unwish(struct mmsb_poller_wish *wish)
{
	struct mmsb_poller *poller;

	mutex_lock(&pollers_moving);
	poller = wish->home->poller;
	mutex_lock(&poller->lock);
	list_del(&wish->node);
	poller_weigh(poller);
	mutex_unlock(&poller->lock);
	mutex_unlock(&pollers_moving);
}

/* ------------------------------------------------------------------------------------------------------------- moving */

static void poller_let_go(struct mmsb_poller *poller, struct pf_shard *home, struct list_head *wishes)
{
	struct mmsb_poller_wish *wish, *next;

	mutex_lock(&poller->lock);
	list_del(&home->node);
	if (ms_shard_sleeps(home->shard))
		ms_shard_awake(home->shard);
	list_for_each_entry_safe(wish, next, &poller->wishes, node)
		if (wish->home == home)
			list_move(&wish->node, wishes);
	poller_weigh(poller);
	mutex_unlock(&poller->lock);
}

static void poller_take_wishes(struct mmsb_poller *poller, struct list_head *wishes)
{
	mutex_lock(&poller->lock);
	list_splice(wishes, &poller->wishes);
	poller_weigh(poller);
	mutex_unlock(&poller->lock);
}

int mmsb_poller_move(struct pf_shard *home, int cpu, int *where)
{
	struct mmsb_poller *poller = per_cpu_ptr(&pollers, cpu);
	LIST_HEAD(wishes);
	int err;

	err = poller_start(poller, cpu, true);
	if (err)
		return err;
	mutex_lock(&pollers_moving);
	if (home->poller != poller) {
		poller_let_go(home->poller, home, &wishes);
		poller_take_wishes(poller, &wishes);
		poller_take(poller, home);
		WRITE_ONCE(*where, cpu);
	}
	mutex_unlock(&pollers_moving);
	return 0;
}

int mmsb_poller_idle(int cpu, u32 idle_us)
{
	struct mmsb_poller *poller = per_cpu_ptr(&pollers, cpu);

	if (!READ_ONCE(poller->task))
		return -ENODEV;
	WRITE_ONCE(poller->default_us, idle_us);
	return 0;
}

/* ------------------------------------------------------------------------------------------------------- CPU hotplug */

static int poller_cpu_online(unsigned int cpu)
{
	struct task_struct *task = per_cpu(pollers, cpu).task;

	if (task)
		WARN_ON_ONCE(set_cpus_allowed_ptr(task, cpumask_of(cpu)));
	return 0;
}

static int poller_cpu_offline(unsigned int cpu)
{
	struct task_struct *task = per_cpu(pollers, cpu).task;

	if (task)
		WARN_ON_ONCE(set_cpus_allowed_ptr(task, cpu_possible_mask));
	return 0;
}

int mmsb_pollers_init(void)
{
	int cpu, state;

	for_each_possible_cpu(cpu) {
		struct mmsb_poller *poller = per_cpu_ptr(&pollers, cpu);

		mutex_init(&poller->lock);
		INIT_LIST_HEAD(&poller->shards);
		INIT_LIST_HEAD(&poller->wishes);
		init_waitqueue_head(&poller->wait);
		poller->alone = true;
		poller->default_us = MMSB_IDLE_MODULE;
	}
	state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "mmsb:online", poller_cpu_online, poller_cpu_offline);
	if (state < 0)
		return state;
	pollers_hotplug = state;
	return 0;
}

/* No space is left: the threads sleep, and nobody can start one. */
void mmsb_pollers_exit(void)
{
	int cpu;

	cpuhp_remove_state_nocalls(pollers_hotplug);
	for_each_possible_cpu(cpu) {
		struct mmsb_poller *poller = per_cpu_ptr(&pollers, cpu);

		WARN_ON(!list_empty(&poller->shards));
		if (poller->task)
			kthread_stop(poller->task);
		mutex_destroy(&poller->lock);
	}
}
