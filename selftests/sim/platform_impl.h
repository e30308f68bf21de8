/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulator's half of the platform contract (kmod/engine/platform.h): the engine on coroutines.
 *
 * Where the contract leaves a choice, this is the weakest home that keeps it. A failed try orders nothing, an unlock is a mere
 * release, asking whether somebody waits is a mere load: what the engine needs beyond that it must ask for. Regions are not flat, as
 * in the kernel. Every access that is marked is a step, at which somebody else may go on (sim.h), and every marked store goes through
 * the store buffer (store.h); plain accesses are neither, for nobody else may look at what they touch.
 */
#ifndef SIM_PLATFORM_IMPL_H
#define SIM_PLATFORM_IMPL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <linux/types.h>
#include "sim.h"

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

#define PF_BUG_ON(cond)	do { if (unlikely(cond)) sim_fail("%s: the engine is wrong: %s", SIM_PLACE, #cond); } while (0)
#define pf_complain(...) sim_fail(__VA_ARGS__)

/* ----------------------------------------------------------------------------------------------------------- memory */

void *pf_alloc(size_t bytes, int node);
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

#define PF_FLAT 0

struct pf_region {
	u64 chunks;			/* filled */
};

int pf_region_open(struct pf_region *region, u64 bytes);
void pf_region_close(struct pf_region *region);
void *pf_chunk_fill(struct pf_region *region, u64 number, int node);
void pf_chunk_drop(struct pf_region *region, u64 number, void *chunk);

static inline void pf_chunk_shown(struct pf_region *region, u64 number)
{
	(void)region;
	(void)number;
}

static inline void *pf_region_base(const struct pf_region *region)
{
	(void)region;
	return NULL;
}

/* How many blocks of memory of all sorts are not given back, and how large they are in all. */
u64 platform_blocks(u64 *bytes);
/* Looks whether what was given back lately has been left alone since. */
void platform_flush(void);

/* ------------------------------------------------------------------------------------------------------------- time */

#define pf_now()	0ull
#define pf_wall()	0ull			/* a seed decides everything, and says nothing of the time */
#define pf_relax()	sim_step()
#define pf_resched()	do { PF_BUG_ON(*sim_wakeful()); sim_pause(SIM_PLACE); } while (0)

/* --------------------------------------------------------------------------------------------------- floating point */

#define PF_FLOAT 1
#define PF_AVX2 0			/* what vectors come to is seen elsewhere */

static inline void pf_fpu_begin(void)
{
	PF_BUG_ON(*sim_wakeful());
	*sim_wakeful() = true;
}

static inline void pf_fpu_end(void)
{
	PF_BUG_ON(!*sim_wakeful());
	*sim_wakeful() = false;
}

#define pf_simd_begin()	do { } while (0)
#define pf_simd_end()	do { } while (0)

/* ------------------------------------------------------------------------------------------------------------ order */

#define pf_read(x)	({ sim_step(); *(const volatile __typeof__(x) *)&(x); })
#define pf_acquire(p)	({ sim_step(); *(const volatile __typeof__(*(p)) *)(p); })
#define pf_write(x, v)	do {						\
		__typeof__(x) sim_value_ = (v);				\
		sim_step();						\
		sim_store(&(x), &sim_value_, sizeof(x));		\
	} while (0)
#define pf_release(p, v) do {						\
		__typeof__(*(p)) sim_value_ = (v);			\
		sim_step();						\
		sim_store((p), &sim_value_, sizeof(*(p)));		\
	} while (0)
#define pf_store_word(to, v) do {					\
		u64 sim_value_ = (v);					\
		sim_step();						\
		sim_store((to), &sim_value_, sizeof(sim_value_));	\
	} while (0)

#define pf_rmb()	sim_step()
#define pf_wmb()	do { sim_step(); sim_drain(); } while (0)
#define pf_mb()		do { sim_step(); sim_drain(); } while (0)
#define pf_next(p)	({ sim_step(); sim_drain(); ++*(u64 *)(p); })
#define pf_or64(p, b)	do { u64 sim_bits_ = (b); sim_step(); sim_drain(); *(u64 *)(p) |= sim_bits_; } while (0)
#define pf_take64(p)	({ u64 sim_taken_; sim_step(); sim_drain(); sim_taken_ = *(u64 *)(p); *(u64 *)(p) = 0; sim_taken_; })

#define pf_swap64(p, old, new) ({					\
		u64 sim_old_ = (old), sim_new_ = (new);			\
		bool sim_is_;						\
		sim_step();						\
		sim_is_ = *(volatile u64 *)(p) == sim_old_;		\
		if (sim_is_) {						\
			sim_drain();					\
			*(u64 *)(p) = sim_new_;				\
		}							\
		sim_is_;						\
	})
#define pf_or32(p, b)	({ u32 sim_bits_ = (b), sim_was_; sim_step(); sim_was_ = *(volatile u32 *)(p); sim_drain(); \
			   *(u32 *)(p) = sim_was_ | sim_bits_; sim_was_; })

#define pf_prefetch(p)	((void)(p))
#define pf_prefetchw(p)	((void)(p))

void pf_store(void *to, const void *from, size_t bytes);
void pf_zero(void *to, size_t bytes);

/* ------------------------------------------------------------------------------------------------------------ locks */

/* Who was the last to hold it lets go by a plain store: until that has arrived, it is held for everybody else. */
struct pf_runlock {
	u32 held;
	struct sim_actor *owner;
};

void platform_lock(struct pf_runlock *lock, const char *place);
bool platform_try(struct pf_runlock *lock, const char *place);
void platform_unlock(struct pf_runlock *lock, const char *place);

static inline void pf_runlock_init(struct pf_runlock *lock)
{
	lock->held = 0;
	lock->owner = NULL;
}

#define pf_runlock_destroy(l)	PF_BUG_ON((l)->held)
#define pf_runlock_try(l)	platform_try((l), SIM_PLACE)
#define pf_runlock_unlock(l)	platform_unlock((l), SIM_PLACE)
#define pf_runlock_assert(l)	PF_BUG_ON((l)->owner != sim_self)

#define pf_runlock_give(l)	do { pf_runlock_assert(l); (l)->owner = NULL; } while (0)
#define pf_runlock_adopt(l)	do { PF_BUG_ON((l)->owner || !(l)->held); (l)->owner = sim_self; } while (0)

struct pf_mutex {
	struct pf_runlock lock;
};

#define pf_mutex_init(m)	pf_runlock_init(&(m)->lock)
#define pf_mutex_destroy(m)	pf_runlock_destroy(&(m)->lock)
#define pf_mutex_lock(m)	platform_lock(&(m)->lock, SIM_PLACE)
#define pf_mutex_unlock(m)	platform_unlock(&(m)->lock, SIM_PLACE)
#define pf_mutex_assert(m)	pf_runlock_assert(&(m)->lock)

#define pf_runlock_lock_nested(l, outer) do {				\
		pf_mutex_assert(outer);					\
		platform_lock((l), SIM_PLACE);				\
	} while (0)
#define pf_runlock_adopt_nested(l, outer) do {				\
		pf_mutex_assert(outer);					\
		pf_runlock_adopt(l);					\
	} while (0)

/* ---------------------------------------------------------------------------------------------------------- waiting */

struct pf_waitq {
	u32 count;
	u32 waiters;
};

void pf_waitq_wake(struct pf_waitq *queue);
int platform_wait(struct pf_waitq *queue, bool (*done)(void *), void *arg, u64 timeout_ns, const char *place);

static inline void pf_waitq_init(struct pf_waitq *queue)
{
	queue->count = 0;
	queue->waiters = 0;
}

#define pf_waitq_destroy(q)	PF_BUG_ON((q)->waiters)
#define pf_waitq_active(q)	(pf_read((q)->waiters) != 0)
#define pf_waitq_await(q, done, arg) do {				\
		while (platform_wait((q), (done), (arg), ~0ull, SIM_PLACE)) \
			sim_pause(SIM_PLACE);				\
	} while (0)
#define pf_waitq_wait(q, done, arg, timeout_ns)	platform_wait((q), (done), (arg), (timeout_ns), SIM_PLACE)

/* --------------------------------------------------------------------------------------------------------- the home */

struct pf_poller {
	u32 kicked;
	struct pf_waitq queue;
};

struct pf_shard {
	struct pf_poller *poller;	/* NULL: a space without pollers */
};

/* Each seed has its own notion of what is long, and of what is worth to be shared. */
extern u32 platform_wave_budget, platform_share_worth;
#define PF_WAVE_BUDGET	platform_wave_budget
#define PF_SHARE_WORTH	platform_share_worth

void pf_poller_kick(struct pf_poller *poller);

static inline void pf_shard_kick(struct pf_shard *shard)
{
	if (shard->poller)
		pf_poller_kick(shard->poller);
}

#endif
