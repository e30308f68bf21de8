// SPDX-License-Identifier: GPL-2.0-only
/*
 * What of the platform contract is too long to be inline: memory, chunks and waiting. pf_shard_kick() is in poller.c.
 *
 * A chunk's pages are mapped by readers with a reference each, so giving a chunk back while somebody still has one of its
 * pages pinned (a read(2) into a pipe, say) only drops ours. unmap_mapping_range() is called under the region's lock,
 * which the fault handler holds from looking the chunk up until its pages are inserted (mapping.c): that closes
 * the window in which a fault could map what has just been given back.
 */
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include "compat.h"
#include "engine/platform.h"

/* RETRY_MAYFAIL: reclaims as others do, but prefers failure to the OOM killer, that of the cgroup included. */
#define PF_GFP		(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)
#define CHUNK_ORDER	get_order(PF_CHUNK)

/* Powers of two are aligned to themselves by the slab allocator, other sizes to less than a cache line. */
void *pf_alloc(size_t bytes, int node)
{
	if (bytes < PAGE_SIZE)
		return kzalloc_node(roundup_pow_of_two(bytes), PF_GFP, node);
	if (bytes > INT_MAX)
		return __vmalloc(bytes, PF_GFP);
	return kvzalloc_node(bytes, PF_GFP, node);
}

void pf_free(void *ptr)
{
	kvfree(ptr);
}

static void pages_free(struct page **pages, unsigned long nr)
{
	while (nr)
		__free_page(pages[--nr]);
}

static int pages_alloc(struct page **pages, unsigned long nr, int node)
{
	unsigned long i;

	for (i = 0; i < nr; i++) {
		pages[i] = alloc_pages_node(node, PF_GFP, 0);
		if (!pages[i]) {
			pages_free(pages, i);
			return -ENOMEM;
		}
		cond_resched();
	}
	return 0;
}

int pf_shared_alloc(struct pf_shared *shared, size_t bytes, int node)
{
	unsigned long nr = PAGE_ALIGN(bytes) >> PAGE_SHIFT;

	shared->pages = kvcalloc(nr, sizeof(*shared->pages), PF_GFP);
	if (!shared->pages)
		return -ENOMEM;
	if (pages_alloc(shared->pages, nr, node))
		goto err_array;
	shared->ptr = vmap(shared->pages, nr, VM_MAP, PAGE_KERNEL);
	if (!shared->ptr)
		goto err_pages;
	shared->nr_pages = nr;
	return 0;

err_pages:
	pages_free(shared->pages, nr);
err_array:
	kvfree(shared->pages);
	shared->pages = NULL;
	return -ENOMEM;
}

/* Mappings of it hold references to the pages of their own. */
void pf_shared_free(struct pf_shared *shared)
{
	if (!shared->ptr)
		return;
	vunmap(shared->ptr);
	pages_free(shared->pages, shared->nr_pages);
	kvfree(shared->pages);
	memset(shared, 0, sizeof(*shared));
}

int pf_region_open(struct pf_region *region, u64 bytes)
{
	mutex_init(&region->lock);
	region->mapping = NULL;
	region->base = 0;
	return 0;
}

void pf_region_close(struct pf_region *region)
{
	mutex_destroy(&region->lock);
}

void *pf_chunk_fill(struct pf_region *region, u64 number, int node)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN | __GFP_NORETRY;
	struct page *page = alloc_pages_node(node, gfp, CHUNK_ORDER);

	if (!page)
		return __vmalloc(PF_CHUNK, PF_GFP);
	split_page(page, CHUNK_ORDER);
	return page_address(page);
}

/* The caller holds the region's lock. */
static void chunk_unmap(struct pf_region *region, u64 number)
{
	if (region->mapping)
		unmap_mapping_range(region->mapping, region->base + (loff_t)(number << PF_CHUNK_SHIFT), PF_CHUNK, 1);
}

void pf_chunk_shown(struct pf_region *region, u64 number)
{
	mutex_lock(&region->lock);
	chunk_unmap(region, number);
	mutex_unlock(&region->lock);
}

void pf_chunk_drop(struct pf_region *region, u64 number, void *chunk)
{
	struct page *page;
	unsigned long i;

	pf_chunk_shown(region, number);
	if (is_vmalloc_addr(chunk)) {
		vfree(chunk);
		return;
	}
	page = virt_to_page(chunk);
	for (i = 0; i < 1ul << CHUNK_ORDER; i++)
		__free_page(page + i);
}

/* wait_event_interruptible_hrtimeout(), but for the mark on what the timer's interrupt writes: KCSAN finds the kernel's own unmarked. */
static int wait_until(struct pf_waitq *q, bool (*done)(void *arg), void *arg, ktime_t timeout)
{
	struct wait_queue_entry wait;
	struct hrtimer_sleeper alarm;
	int ret;

	init_wait_entry(&wait, 0);
	hrtimer_setup_sleeper_on_stack(&alarm, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	hrtimer_set_expires_range_ns(&alarm.timer, timeout, current->timer_slack_ns);
	hrtimer_sleeper_start_expires(&alarm, HRTIMER_MODE_REL);
	for (;;) {
		ret = prepare_to_wait_event(&q->head, &wait, TASK_INTERRUPTIBLE);
		if (done(arg)) {
			ret = 0;
			break;
		}
		if (!ret && !READ_ONCE(alarm.task))
			ret = -ETIME;
		if (ret)
			break;
		schedule();
	}
	finish_wait(&q->head, &wait);
	hrtimer_cancel(&alarm.timer);
	destroy_hrtimer_on_stack(&alarm.timer);
	return ret;
}

/*
 * Partner of the waker's pf_mb(): prepare_to_wait_event() puts us on the queue and orders that before `done` is looked at. `done` runs
 * in the state of a sleeper and must not sleep itself.
 */
int pf_waitq_wait(struct pf_waitq *q, bool (*done)(void *arg), void *arg, u64 timeout_ns)
{
	if (done(arg))
		return 0;
	if (!timeout_ns)
		return -ETIME;
	if (timeout_ns >= KTIME_MAX)
		return wait_event_interruptible(q->head, done(arg));
	return wait_until(q, done, arg, ns_to_ktime(timeout_ns));
}

void pf_waitq_await(struct pf_waitq *q, bool (*done)(void *arg), void *arg)
{
	wait_event(q->head, done(arg));
}
