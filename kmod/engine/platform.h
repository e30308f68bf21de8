/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the engine asks of the place it runs in, and all that it asks.
 *
 * The engine includes nothing of linux/ and nothing of libc. A home puts a directory on the include path that holds
 * platform_impl.h, which defines what is listed here as macros or static inlines straight onto its own primitives, so that
 * lockdep, sparse, KASAN and KCSAN (kernel) or TSan and ASan (process) see the real thing. scripts/check-boundary keeps this.
 *
 * Words. u8..u64, s8..s64, bool, size_t, NULL, the E* numbers; likely(x), unlikely(x); memcpy, memset, memcmp as the
 *	compiler knows them; PF_BUG_ON(cond): stop here, loudly, if the engine itself is wrong; pf_complain(format, ...): tell the
 *	operator what is wrong with something that the engine was given (printf's formats for integers and strings).
 *
 * Memory. All of it comes zeroed; callers may sleep. Charging it to its owner is the home's business.
 *	void *pf_alloc(size_t bytes, int node)		NULL when there is none. node < 0: anywhere.
 *	void pf_free(void *)				NULL is fine.
 *	struct pf_shared				memory that is also mapped by clients: rings, the space page
 *	int pf_shared_alloc(struct pf_shared *, size_t bytes, int node)		0 or -ENOMEM; bytes are multiples of 4096
 *	void *pf_shared_ptr(const struct pf_shared *)
 *	void pf_shared_free(struct pf_shared *)		clients' mappings of it are gone or keep it alive themselves
 *
 * Chunks. A region is a sparse run of addresses that fills by PF_CHUNK (64 KiB) pieces. Fill gives zeros.
 *	struct pf_region
 *	int pf_region_open(struct pf_region *, u64 bytes)	room for that many addresses, none filled
 *	void pf_region_close(struct pf_region *)		every chunk has been dropped
 *	void *pf_chunk_fill(struct pf_region *, u64 number, int node)	NULL when there is no memory
 *	void pf_chunk_shown(struct pf_region *, u64 number)	the chunk can now be found by ms_region_chunk(): clients that
 *							mapped zeros in its stead shall look again
 *	void pf_chunk_drop(struct pf_region *, u64 number, void *)	it can be found no more: gives the memory back; clients that
 *							mapped it see it no more. Both are called with engine locks held.
 *	PF_FLAT: 1 where a region is contiguous in memory, and then
 *	void *pf_region_base(const struct pf_region *)
 *
 * Time.
 *	void pf_resched(void)				called now and then in long work; may sleep
 *	void pf_relax(void)				between two looks at what somebody else is about to change
 *	u64 pf_now(void)				nanoseconds, by a clock that only goes forward
 *	u64 pf_wall(void)				what the clock on the wall says, nanoseconds since 1970; to a few milliseconds, but cheap
 *
 * Long work, in edges and words that are looked at, about a nanosecond each.
 *	PF_WAVE_BUDGET					after so much a poller sees to others
 *	PF_SHARE_WORTH					from so much on it pays to have others share it
 *
 * Floating point and vector registers, used in between and nowhere else; what is in between does not sleep.
 *	PF_FLOAT: 1 where there is floating point, and then
 *	void pf_fpu_begin(void), pf_fpu_end(void)	round to nearest, denormals kept, no exceptions, whatever the caller had set
 *	PF_AVX2: 1 where units are compiled for AVX2, and then
 *	bool pf_has_avx2(void)				this machine runs them
 *	void pf_simd_begin(void), pf_simd_end(void)	for vectors of integers, which need no rounding
 *	PF_SIMD_WORTH					bytes of work from which on that pays
 *
 * Trace points: a hook for each of the steps that mmsb/trace.h lists, which costs next to nothing as long as nobody wants to know.
 *	bool pf_traced(step)				somebody does; where a home has none, it defines nothing of this
 *	void pf_trace_STEP(u64 ...)			says so, with the step's fields in their order
 * The engine calls pf_trace(STEP, ...), which asks first. What happens to many pages in a row asks once for all.
 *
 * Order. Partners are named where they are used.
 *	pf_read(x), pf_write(x, v)			once, untorn, unordered
 *	pf_acquire(&x), pf_release(&x, v)
 *	pf_wmb(), pf_rmb(), pf_mb()
 *	u64 pf_next(u64 *)				adds one, atomically; returns the new value
 *	void pf_or64(u64 *, u64), u64 pf_take64(u64 *)	fully ordered; take leaves 0
 *	bool pf_swap64(u64 *, u64 old, u64 new)		false, and nothing done, if it is not `old`; else fully ordered
 *	u32 pf_or32(u32 *, u32)				unordered; returns what was there
 *	pf_prefetchw(p)					NULL is fine
 *	void pf_store_word(u64 *to, u64 v)		one aligned word, which readers may load meanwhile
 *	void pf_store(void *to, const void *from, size_t), pf_zero(void *to, size_t)	many bytes, likewise
 *
 * The run lock: who holds it runs the shard. It may be held over sleeping calls.
 *	struct pf_runlock
 *	pf_runlock_init(l), pf_runlock_destroy(l), bool pf_runlock_try(l), pf_runlock_unlock(l), pf_runlock_assert(l)
 *	pf_runlock_lock_nested(l, struct pf_mutex *outer)	waits; takes several of one class, in order, under outer
 *	pf_runlock_give(l)				held on, but no longer by the caller
 *	pf_runlock_adopt(l), pf_runlock_adopt_nested(l, struct pf_mutex *outer)
 *		held by the caller from now on, who was told that it was given; one of its class, or several under outer. The one
 *		who locked it unlocks it.
 *	struct pf_mutex					for slow paths
 *	pf_mutex_init(m), pf_mutex_destroy(m), pf_mutex_lock(m), pf_mutex_unlock(m)
 *
 * Waiting.
 *	struct pf_waitq
 *	pf_waitq_init(q), pf_waitq_destroy(q)
 *	bool pf_waitq_active(q)				somebody may wait; call it behind pf_mb()
 *	pf_waitq_wake(q)				all of them look again
 *	int pf_waitq_wait(q, bool (*done)(void *), void *arg, u64 timeout_ns)
 *		0 once done(arg) is true, -ETIME, or -EINTR (the kernel: -ERESTARTSYS). Registers, then a full barrier, then
 *		looks; partner of the waker's pf_mb(). timeout ~0: for ever. 0: looks once.
 *	pf_waitq_await(q, done, arg)			the same for ever, and nothing interrupts it
 *
 * The home. Embedded in each shard as `struct pf_shard home`; the engine only calls
 *	void pf_shard_kick(struct pf_shard *)		its poller, if asleep, shall look. Any context of the engine.
 */
#ifndef MS_PLATFORM_H
#define MS_PLATFORM_H

#define PF_CHUNK_SHIFT	16
#define PF_CHUNK	(1ul << PF_CHUNK_SHIFT)

#include <platform_impl.h>
#include <mmsb/trace.h>

#ifndef pf_traced
#define pf_traced(step)	false
#endif

#define PF_FIELD_(name)	u64 name
#define PF_STEP_(step, n, ...) void pf_trace_##step(MMSB_LIST(n, PF_FIELD_, __VA_ARGS__));
MMSB_STEPS(PF_STEP_)

#define pf_trace(step, ...)				\
	do {						\
		if (unlikely(pf_traced(step)))		\
			pf_trace_##step(__VA_ARGS__);	\
	} while (0)

#endif
