// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module under the real one's name with one bug, chosen when it is loaded, to
 * see that the bed notices it. See ../prove.
 */
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *bug = "none";
module_param(bug, charp, 0444);
MODULE_PARM_DESC(bug, "which bug to have");

static DEFINE_MUTEX(lock_a);
static DEFINE_MUTEX(lock_b);
static DEFINE_SPINLOCK(atomic_lock);
static u64 raced;

static noinline void plant_uaf(void)
{
	char *p = kmalloc(64, GFP_KERNEL);

	if (!p)
		return;
	kfree(p);
	/* volatile, or the compiler sees through it */
	*(volatile char *)p = 1;
}

static noinline void plant_lock_order(void)
{
	mutex_lock(&lock_a);
	mutex_lock(&lock_b);
	mutex_unlock(&lock_b);
	mutex_unlock(&lock_a);
	mutex_lock(&lock_b);
	mutex_lock(&lock_a);
	mutex_unlock(&lock_a);
	mutex_unlock(&lock_b);
}

static noinline void plant_atomic_sleep(void)
{
	spin_lock(&atomic_lock);
	msleep(1);
	spin_unlock(&atomic_lock);
}

static noinline void plant_leak(void)
{
	int i;

	/* many, as a stale pointer on a stack can hide a few */
	for (i = 0; i < 16; i++)
		if (!kmalloc(4000, GFP_KERNEL))
			return;
}

static noinline void plant_page_leak(void)
{
	if (!alloc_pages(GFP_KERNEL, 2))
		return;
}

static int racer(void *unused)
{
	while (!kthread_should_stop()) {
		raced++;
		cond_resched();
	}
	return 0;
}

static noinline void plant_race(void)
{
	struct task_struct *other = kthread_run(racer, NULL, "racer");
	unsigned long end = jiffies + 3 * HZ;

	if (IS_ERR(other))
		return;
	while (time_before(jiffies, end)) {
		raced++;
		cond_resched();
	}
	kthread_stop(other);
}

static noinline void plant_hang(void)
{
	for (;;)
		cpu_relax();
}

static const struct {
	const char *name;
	void (*plant)(void);
} bugs[] = {
	{ "uaf", plant_uaf },
	{ "lock-order", plant_lock_order },
	{ "atomic-sleep", plant_atomic_sleep },
	{ "leak", plant_leak },
	{ "page-leak", plant_page_leak },
	{ "race", plant_race },
	{ "hang", plant_hang },
};

static int __init plant_init(void)
{
	int i;

	if (!strcmp(bug, "none"))
		return 0;
	if (!strcmp(bug, "warn")) {
		WARN_ON(1);
		return 0;
	}
	if (!strcmp(bug, "die"))
		panic("planted");
	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		if (!strcmp(bug, bugs[i].name)) {
			bugs[i].plant();
			return 0;
		}
	}
	return -EINVAL;
}

static void __exit plant_exit(void)
{
}

module_init(plant_init);
module_exit(plant_exit);
MODULE_DESCRIPTION("Planted bugs for the test bed");
MODULE_LICENSE("GPL");
