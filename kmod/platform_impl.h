/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's half of the platform contract (kmod/engine/platform.h), straight onto the kernel's own primitives so that
 * lockdep, sparse, KASAN and KCSAN see them.
 *
 * All memory is charged: to the memory cgroup that is active around the call into the engine (account.h), which is that
 * of the space's creator. Running into its limit, or out of memory, gives NULL and never an OOM kill: who asks for state
 * that does not fit gets an error, and nobody dies for it.
 *
 * Chunks are order-4 blocks split into pages, so that the engine finds a chunk in one piece and in as few TLB entries as
 * there are, while each page can be mapped and outlive the others in a client's hands. Where memory is too
 * fragmented for that, a chunk is pages put together by vmalloc.
 */
#ifndef MMSB_PLATFORM_IMPL_H
#define MMSB_PLATFORM_IMPL_H

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/kcsan-checks.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/prefetch.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/tracepoint-defs.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <mmsb/trace.h>

#ifdef CONFIG_X86_64
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#endif

#define PF_BUG_ON(cond)	BUG_ON(cond)
#define pf_complain(format, ...)	pr_warn_ratelimited("mmsb: " format "\n", ##__VA_ARGS__)

/* ----------------------------------------------------------------------------------------------------------- memory */

void *pf_alloc(size_t bytes, int node);
void pf_free(void *ptr);

struct pf_shared {
	void *ptr;
	struct page **pages;
	unsigned long nr_pages;
};

int pf_shared_alloc(struct pf_shared *shared, size_t bytes, int node);
void pf_shared_free(struct pf_shared *shared);

static inline void *pf_shared_ptr(const struct pf_shared *shared)
{
	return shared->ptr;
}

#define PF_FLAT 0

/* Readers that map the region fault under its lock; mapping is NULL until the space's inode is there. */
struct pf_region {
	struct mutex lock;
	struct address_space *mapping;
	loff_t base;
};

int pf_region_open(struct pf_region *region, u64 bytes);
void pf_region_close(struct pf_region *region);
void *pf_chunk_fill(struct pf_region *region, u64 number, int node);
void pf_chunk_shown(struct pf_region *region, u64 number);
void pf_chunk_drop(struct pf_region *region, u64 number, void *chunk);

/* PF_FLAT is 0: named by code that the compiler drops. */
static inline void *pf_region_base(const struct pf_region *region)
{
	return NULL;
}

/* ------------------------------------------------------------------------------------------------------------- time */

static inline u64 pf_now(void)
{
	return ktime_get_ns();
}

static inline u64 pf_wall(void)
{
	return ktime_get_coarse_real_ns();
}

#define pf_relax()	cpu_relax()

static inline void pf_resched(void)
{
	cond_resched();
}

#define PF_WAVE_BUDGET	100000u
#define PF_SHARE_WORTH	8192u

/* --------------------------------------------------------------------------------------------------- floating point */

/* Entering costs 100 ns or more where the registers hold a process's own, so little work does without vectors. */
#ifdef CONFIG_X86_64
#define PF_FLOAT	1
#define PF_AVX2		1
#define PF_SIMD_WORTH	512u

#define pf_fpu_begin()	kernel_fpu_begin()
#define pf_fpu_end()	kernel_fpu_end()
#define pf_simd_begin()	kernel_fpu_begin()
#define pf_simd_end()	kernel_fpu_end()

static inline bool pf_has_avx2(void)
{
	return boot_cpu_has(X86_FEATURE_AVX2) && cpu_has_xfeatures(XFEATURE_MASK_SSE | XFEATURE_MASK_YMM, NULL);
}
#else
#define PF_FLOAT	0
#define PF_AVX2		0
#endif

/* ------------------------------------------------------------------------------------------------------------ trace */

/* A jump that is not there until somebody enables the tracepoint; what it leads to is in trace.c. */
#define PF_TRACEPOINT_(step, n, ...) DECLARE_TRACEPOINT(mmsb_##step);
MMSB_STEPS(PF_TRACEPOINT_)
#define pf_traced(step)	tracepoint_enabled(mmsb_##step)

/* ------------------------------------------------------------------------------------------------------------ order */

#define pf_read(x)		READ_ONCE(x)
#define pf_write(x, v)		WRITE_ONCE(x, v)
#define pf_acquire(p)		smp_load_acquire(p)
#define pf_release(p, v)	smp_store_release(p, v)
#define pf_wmb()		smp_wmb()
#define pf_rmb()		smp_rmb()
#define pf_mb()			smp_mb()
#define pf_prefetch(p)		prefetch(p)
#define pf_prefetchw(p)		prefetchw(p)

static inline u64 pf_next(u64 *counter)
{
	return (u64)atomic64_inc_return((atomic64_t *)counter);
}

static inline bool pf_test_and_set(u32 *flag)
{
	return xchg(flag, 1);
}

static inline void pf_clear(u32 *flag)
{
	smp_store_release(flag, 0);
}

static inline void pf_or64(u64 *bits, u64 more)
{
	atomic64_fetch_or((s64)more, (atomic64_t *)bits);
}

static inline u64 pf_take64(u64 *bits)
{
	return xchg(bits, 0);
}

static inline bool pf_swap64(u64 *word, u64 old, u64 new)
{
	return cmpxchg64(word, old, new) == old;
}

static inline u32 pf_or32(u32 *word, u32 bits)
{
	return (u32)atomic_fetch_or_relaxed((int)bits, (atomic_t *)word);
}

/* Readers are other processes, checked by sequence: to KCSAN these stores are marked. */
static __always_inline void pf_store(void *to, const void *from, size_t bytes)
{
	kcsan_nestable_atomic_begin();
	memcpy(to, from, bytes);
	kcsan_nestable_atomic_end();
}

static __always_inline void pf_zero(void *to, size_t bytes)
{
	kcsan_nestable_atomic_begin();
	memset(to, 0, bytes);
	kcsan_nestable_atomic_end();
}

static __always_inline void pf_store_word(u64 *to, u64 value)
{
	WRITE_ONCE(*to, value);
}

/* ------------------------------------------------------------------------------------------------------------ locks */

struct pf_mutex {
	struct mutex mutex;
};

#define pf_mutex_init(m)	mutex_init(&(m)->mutex)
#define pf_mutex_destroy(m)	mutex_destroy(&(m)->mutex)
#define pf_mutex_lock(m)	mutex_lock(&(m)->mutex)
#define pf_mutex_unlock(m)	mutex_unlock(&(m)->mutex)
#define pf_mutex_assert(m)	lockdep_assert_held(&(m)->mutex)

struct pf_runlock {
	struct mutex mutex;
};

#define pf_runlock_init(l)	mutex_init(&(l)->mutex)
#define pf_runlock_destroy(l)	mutex_destroy(&(l)->mutex)
#define pf_runlock_try(l)	mutex_trylock(&(l)->mutex)
#define pf_runlock_lock(l)	mutex_lock(&(l)->mutex)
#define pf_runlock_unlock(l)	mutex_unlock(&(l)->mutex)
#define pf_runlock_assert(l)	lockdep_assert_held(&(l)->mutex)
#define pf_runlock_lock_nested(l, outer)	mutex_lock_nest_lock(&(l)->mutex, &(outer)->mutex)

/* The mutex does not care who works under it; to lockdep one lets go and another has taken it. */
#define pf_runlock_give(l)			mutex_release(&(l)->mutex.dep_map, _THIS_IP_)
#define pf_runlock_adopt(l)			mutex_acquire(&(l)->mutex.dep_map, 0, 1, _THIS_IP_)
#define pf_runlock_adopt_nested(l, outer) \
	mutex_acquire_nest(&(l)->mutex.dep_map, 0, 0, &(outer)->mutex.dep_map, _THIS_IP_)

/* ---------------------------------------------------------------------------------------------------------- waiting */

struct pf_waitq {
	wait_queue_head_t head;
};

#define pf_waitq_init(q)	init_waitqueue_head(&(q)->head)

static inline void pf_waitq_destroy(struct pf_waitq *q)
{
	WARN_ON_ONCE(waitqueue_active(&q->head));
}

static inline bool pf_waitq_active(struct pf_waitq *q)
{
	return waitqueue_active(&q->head);
}

static inline void pf_waitq_wake(struct pf_waitq *q)
{
	wake_up_all(&q->head);
}

int pf_waitq_wait(struct pf_waitq *q, bool (*done)(void *arg), void *arg, u64 timeout_ns);
void pf_waitq_await(struct pf_waitq *q, bool (*done)(void *arg), void *arg);

/* --------------------------------------------------------------------------------------------------------- the home */

struct mmsb_poller;
struct mmsb_space;
struct ms_shard;

/* A shard as its poller sees it (poller.c). */
struct pf_shard {
	struct mmsb_poller *poller;	/* NULL: nobody polls it */
	struct list_head node;		/* in the poller's list, under its lock */
	struct ms_shard *shard;
	struct mmsb_space *space;
};

void pf_shard_kick(struct pf_shard *home);

#endif
