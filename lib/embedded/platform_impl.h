/* SPDX-License-Identifier: MIT */
/*
 * The embedded home's half of the platform contract (kmod/engine/platform.h): the engine on mmap, futexes and C11 atomics.
 *
 * What the engine does for every delta is inline here and costs what the bare instruction costs; what may block lives in
 * platform.c. The checks are real: a lock knows its owner, and an allocation can be made to fail (inject.h).
 *
 * ThreadSanitizer does not understand fences. Under it, bytes that lock-free readers may load meanwhile are stored with
 * relaxed atomics, so that they are no race, and the full barrier is an atomic exchange on a variable of the thread's
 * own: that orders the hardware, but gives TSan no edge between threads, so it hides no race that is one.
 *
 * A region is one reservation of addresses that the kernel fills page by page when it is touched. Out of memory therefore
 * strikes at the touch, as for any program's heap; what can be refused cleanly is refused by the limits of the space.
 */
#ifndef MMSB_PLATFORM_IMPL_H
#define MMSB_PLATFORM_IMPL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <pthread.h>
#include <time.h>
#include <linux/types.h>
#include <mmsb/trace.h>
#include "inject.h"

#if defined(__SANITIZE_THREAD__)
#define PF_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PF_TSAN 1
#endif
#endif
#ifndef PF_TSAN
#define PF_TSAN 0
#endif

/* ------------------------------------------------------------------------------------------------------------ words */

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

#ifndef likely
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#endif

__attribute__((noreturn, cold)) void pf_bug(const char *file, int line, const char *what);
__attribute__((format(printf, 1, 2), cold)) void pf_complain(const char *format, ...);
#define PF_BUG_ON(cond)	do { if (unlikely(cond)) pf_bug(__FILE__, __LINE__, #cond); } while (0)

/* ----------------------------------------------------------------------------------------------------------- memory */

void *pf_alloc(size_t bytes, int node);		/* aligned to 64 bytes, or to 8 if it has fewer than 512 */
void pf_free(void *ptr);

struct pf_shared {
	void *ptr;
	size_t bytes;
};

int pf_shared_alloc(struct pf_shared *shared, size_t bytes, int node);
void pf_shared_free(struct pf_shared *shared);

static inline void *pf_shared_ptr(const struct pf_shared *shared)
{
	return shared->ptr;
}

#define PF_FLAT 1

struct pf_region {
	u8 *base;
	u64 bytes;
};

int pf_region_open(struct pf_region *region, u64 bytes);
void pf_region_close(struct pf_region *region);
void *pf_chunk_fill(struct pf_region *region, u64 number, int node);
void pf_chunk_drop(struct pf_region *region, u64 number, void *chunk);

/* Readers share the engine's own mapping, so there is none to be told. */
static inline void pf_chunk_shown(struct pf_region *region, u64 number)
{
	(void)region;
	(void)number;
}

static inline void *pf_region_base(const struct pf_region *region)
{
	return region->base;
}

/* ------------------------------------------------------------------------------------------------------------- time */

static inline void pf_resched(void)
{
}

static inline void pf_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static inline u64 pf_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000000000ull + (u64)now.tv_nsec;
}

static inline u64 pf_wall(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

#define PF_WAVE_BUDGET	100000u
#define PF_SHARE_WORTH	8192u

/* --------------------------------------------------------------------------------------------------- floating point */

#define PF_FLOAT 1

/* How the thread rounded before pf_fpu_begin(). */
extern __thread u64 pf_rounding __attribute__((tls_model("initial-exec")));

#if defined(__x86_64__)
#define PF_MXCSR_DEFAULT	0x1f80u

static inline void pf_fpu_begin(void)
{
	u32 mxcsr, standard = PF_MXCSR_DEFAULT;

	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr) :: "memory");
	__asm__ volatile("ldmxcsr %0" :: "m"(standard) : "memory");
	pf_rounding = mxcsr;
}

static inline void pf_fpu_end(void)
{
	u32 mxcsr = (u32)pf_rounding;

	__asm__ volatile("ldmxcsr %0" :: "m"(mxcsr) : "memory");
}
#elif defined(__aarch64__)
static inline void pf_fpu_begin(void)
{
	__asm__ volatile("mrs %0, fpcr" : "=r"(pf_rounding) :: "memory");
	__asm__ volatile("msr fpcr, xzr" ::: "memory");
}

static inline void pf_fpu_end(void)
{
	__asm__ volatile("msr fpcr, %0" :: "r"(pf_rounding) : "memory");
}
#else
#error "how this machine rounds is not known here: say it as for x86-64, or define PF_FLOAT as 0"
#endif

#if defined(__x86_64__)
#define PF_AVX2		1
#define PF_SIMD_WORTH	256u

extern bool pf_avx2;		/* written at load, and by tests */

static inline bool pf_has_avx2(void)
{
	return pf_avx2;
}

/* A process's registers are its own. */
static inline void pf_simd_begin(void)
{
}

static inline void pf_simd_end(void)
{
}
#else
#define PF_AVX2		0
#define pf_simd_begin()	do { } while (0)
#define pf_simd_end()	do { } while (0)
#endif

/* ------------------------------------------------------------------------------------------------------------ trace */

/* A tracer that wants to know of a probe raises its semaphore; what is asked for then is in trace.c. */
#if __has_include(<sys/sdt.h>)
#define PF_SEMAPHORE_(step, n, ...) extern unsigned short mmsb_mmsb_##step##_semaphore __attribute__((visibility("hidden")));
MMSB_STEPS(PF_SEMAPHORE_)
#define pf_traced(step)	(pf_read(mmsb_mmsb_##step##_semaphore) != 0)
#endif

/* ------------------------------------------------------------------------------------------------------------ order */

#define pf_read(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define pf_write(x, v)		__atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define pf_acquire(p)		__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define pf_release(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)

/* One byte in each thread: its address names the thread, and under TSan it is what pf_mb() exchanges. */
extern __thread u8 pf_thread __attribute__((tls_model("initial-exec")));

static inline void pf_wmb(void)
{
#if PF_TSAN
	__asm__ volatile("" ::: "memory");
#else
	__atomic_thread_fence(__ATOMIC_RELEASE);
#endif
}

static inline void pf_rmb(void)
{
#if PF_TSAN
	__asm__ volatile("" ::: "memory");
#else
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
#endif
}

/* On x86 a locked add to the stack costs about half of the mfence that some compilers choose. */
static inline void pf_mb(void)
{
#if PF_TSAN
	__atomic_exchange_n(&pf_thread, 0, __ATOMIC_SEQ_CST);
#elif defined(__x86_64__)
	__asm__ volatile("lock; addl $0, -4(%%rsp)" ::: "memory", "cc");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

static inline u64 pf_next(u64 *counter)
{
	return __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

/* True if it was set already. */
static inline bool pf_test_and_set(u32 *flag)
{
	return __atomic_exchange_n(flag, 1, __ATOMIC_SEQ_CST);
}

static inline void pf_clear(u32 *flag)
{
	__atomic_store_n(flag, 0, __ATOMIC_RELEASE);
}

static inline void pf_or64(u64 *word, u64 bits)
{
	__atomic_fetch_or(word, bits, __ATOMIC_SEQ_CST);
}

static inline u64 pf_take64(u64 *word)
{
	return __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST);
}

static inline bool pf_swap64(u64 *word, u64 old, u64 new)
{
	return __atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static inline u32 pf_or32(u32 *word, u32 bits)
{
	return __atomic_fetch_or(word, bits, __ATOMIC_RELAXED);
}

#define pf_prefetch(p)	__builtin_prefetch((p), 0)
#define pf_prefetchw(p)	__builtin_prefetch((p), 1)

#if PF_TSAN
void pf_store(void *to, const void *from, size_t bytes);
void pf_zero(void *to, size_t bytes);
#else
static inline __attribute__((always_inline)) void pf_store(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
}

static inline __attribute__((always_inline)) void pf_zero(void *to, size_t bytes)
{
	memset(to, 0, bytes);
}
#endif

static inline void pf_store_word(u64 *to, u64 value)
{
	__atomic_store_n(to, value, __ATOMIC_RELAXED);
}

/* ------------------------------------------------------------------------------------------------------------ locks */

static inline const void *pf_self(void)
{
	return &pf_thread;
}

/*
 * state: 0 free, 1 held, 2 held and somebody may sleep on it. A failed try orders nothing: who leaves work to the holder
 * issues pf_mb() between publishing the work and trying.
 */
struct pf_runlock {
	u32 state;
	const void *owner;
};

void pf_runlock_slow(struct pf_runlock *lock);
void pf_futex_wake(u32 *word, int how_many);

static inline void pf_runlock_init(struct pf_runlock *lock)
{
	lock->state = 0;
	lock->owner = NULL;
}

static inline void pf_runlock_destroy(struct pf_runlock *lock)
{
	PF_BUG_ON(pf_read(lock->state) != 0);
}

static inline bool pf_runlock_try(struct pf_runlock *lock)
{
	u32 free = 0;

	if (pf_read(lock->state) != 0 ||
	    !__atomic_compare_exchange_n(&lock->state, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	pf_write(lock->owner, pf_self());
	return true;
}

static inline void pf_runlock_lock(struct pf_runlock *lock)
{
	PF_BUG_ON(pf_read(lock->owner) == pf_self());
	if (!pf_runlock_try(lock))
		pf_runlock_slow(lock);
}

static inline void pf_runlock_assert(const struct pf_runlock *lock)
{
	PF_BUG_ON(pf_read(lock->owner) != pf_self());
}

static inline void pf_runlock_give(struct pf_runlock *lock)
{
	pf_runlock_assert(lock);
	pf_write(lock->owner, NULL);
}

static inline void pf_runlock_adopt(struct pf_runlock *lock)
{
	PF_BUG_ON(pf_read(lock->owner) || !pf_read(lock->state));
	pf_write(lock->owner, pf_self());
}

static inline void pf_runlock_unlock(struct pf_runlock *lock)
{
	pf_runlock_assert(lock);
	pf_write(lock->owner, NULL);
	if (unlikely(__atomic_exchange_n(&lock->state, 0, __ATOMIC_RELEASE) == 2))
		pf_futex_wake(&lock->state, 1);
}

struct pf_mutex {
	pthread_mutex_t mutex;
	const void *owner;
};

void pf_mutex_init(struct pf_mutex *mutex);
void pf_mutex_destroy(struct pf_mutex *mutex);
void pf_mutex_lock(struct pf_mutex *mutex);
void pf_mutex_unlock(struct pf_mutex *mutex);

static inline void pf_mutex_assert(const struct pf_mutex *mutex)
{
	PF_BUG_ON(pf_read(mutex->owner) != pf_self());
}

static inline void pf_runlock_lock_nested(struct pf_runlock *lock, struct pf_mutex *outer)
{
	pf_mutex_assert(outer);
	pf_runlock_lock(lock);
}

static inline void pf_runlock_adopt_nested(struct pf_runlock *lock, struct pf_mutex *outer)
{
	pf_mutex_assert(outer);
	pf_runlock_adopt(lock);
}

/* ---------------------------------------------------------------------------------------------------------- waiting */

/* An event count: a waiter registers, notes the count, looks, and sleeps until the count has moved on. */
struct pf_waitq {
	u32 count;
	u32 waiters;
};

void pf_waitq_rouse(struct pf_waitq *queue);
int pf_waitq_wait(struct pf_waitq *queue, bool (*done)(void *), void *arg, u64 timeout_ns);
void pf_waitq_await(struct pf_waitq *queue, bool (*done)(void *), void *arg);

static inline void pf_waitq_init(struct pf_waitq *queue)
{
	queue->count = 0;
	queue->waiters = 0;
}

static inline void pf_waitq_destroy(struct pf_waitq *queue)
{
	PF_BUG_ON(pf_read(queue->waiters) != 0);
}

static inline bool pf_waitq_active(struct pf_waitq *queue)
{
	return pf_read(queue->waiters) != 0;
}

/* The barrier's partner is the one in pf_waitq_wait(), between registering and looking. */
static inline void pf_waitq_wake(struct pf_waitq *queue)
{
	pf_mb();
	if (unlikely(pf_waitq_active(queue)))
		pf_waitq_rouse(queue);
}

/* --------------------------------------------------------------------------------------------------------- the home */

/* A poller thread serves one or more shards. Kicked, it looks at all of them before it sleeps. */
struct pf_poller {
	u32 kicked;
	struct pf_waitq queue;
};

struct pf_shard {
	struct pf_poller *poller;	/* NULL: a space without pollers */
};

void pf_poller_kick(struct pf_poller *poller);

static inline void pf_shard_kick(struct pf_shard *shard)
{
	if (shard->poller)
		pf_poller_kick(shard->poller);
}

#endif
