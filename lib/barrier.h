/* SPDX-License-Identifier: MIT */
/*
 * Every place where the order of loads and stores matters on the client's side, with the name of its partner in the engine.
 * It is the same for both homes: what the engine writes is mapped here, whether it runs in the kernel or in this process.
 *
 * Under ThreadSanitizer bytes of pages are loaded with relaxed atomics, because the engine may be storing them (and does so
 * with relaxed atomics there too); the sequence tells afterwards whether what was loaded is of any use.
 */
#ifndef MMSB_LIB_BARRIER_H
#define MMSB_LIB_BARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <mmsb/abi.h>

#if defined(__SANITIZE_THREAD__)
#define MSL_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MSL_TSAN 1
#endif
#endif
#ifndef MSL_TSAN
#define MSL_TSAN 0
#endif

#define msl_likely(x)	__builtin_expect(!!(x), 1)
#define msl_unlikely(x)	__builtin_expect(!!(x), 0)

#define msl_load(x)	__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define msl_store(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)

/* --------------------------------------------------------------------------------------------------------- the ring */

/* What stands in the entries is out before the tail says so; partner: the acquire in ms_ring_pending(). */
static inline void msl_sq_publish(struct mmsb_ring_client *client, uint32_t tail)
{
	__atomic_store_n(&client->sq_tail, tail, __ATOMIC_RELEASE);
}

/* The engine has read the entries before it; partner: the release in ms_ring_publish(). */
static inline uint32_t msl_sq_head(const struct mmsb_ring_engine *engine)
{
	return __atomic_load_n(&engine->sq_head, __ATOMIC_ACQUIRE);
}

/* What the log holds up to it can be counted on; partner: the release in log_advance(). */
static inline uint64_t msl_durable(const struct mmsb_space_page *page)
{
	return __atomic_load_n(&page->durable, __ATOMIC_ACQUIRE);
}

/* Completions before it can be read; partner: the release in ms_ring_publish(). */
static inline uint32_t msl_cq_tail(const struct mmsb_ring_engine *engine)
{
	return __atomic_load_n(&engine->cq_tail, __ATOMIC_ACQUIRE);
}

/* Completions before it have been read; partner: the acquire in ms_ring_credit(). */
static inline void msl_cq_give_back(struct mmsb_ring_client *client, uint32_t head)
{
	__atomic_store_n(&client->cq_head, head, __ATOMIC_RELEASE);
}

/* Looked at when the ring is closed, by then behind all else. */
static inline void msl_ring_whole(struct mmsb_ring_client *client)
{
	__atomic_store_n(&client->whole, 1, __ATOMIC_RELEASE);
}

/*
 * Between a store of sq_tail or cq_head and the look at the flags; partner: ms_shard_sleep(), which sets NEED_WAKEUP, issues
 * a full barrier and looks at the indices. One of the two sees the other's store.
 */
static inline void msl_barrier_before_flags(void)
{
#if MSL_TSAN
	static __thread char own;

	__atomic_exchange_n(&own, 0, __ATOMIC_SEQ_CST);
#elif defined(__x86_64__)
	__asm__ volatile("lock; addl $0, -4(%%rsp)" ::: "memory", "cc");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

static inline void msl_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* ----------------------------------------------------------------------------------------------------------- events */

/* Entries before it can be read; partner: the release in telling_end(). */
static inline uint32_t msl_events_tail(const struct mmsb_events_engine *engine)
{
	return __atomic_load_n(&engine->tail, __ATOMIC_ACQUIRE);
}

/* Before the look at a tail that shows the ring empty; partner: the second release in telling_end(). */
static inline uint64_t msl_events_lost(const struct mmsb_events_engine *engine)
{
	return __atomic_load_n(&engine->lost, __ATOMIC_ACQUIRE);
}

/* Entries before it have been read; partner: the acquire in telling_begin(). */
static inline void msl_events_give_back(struct mmsb_events_client *client, uint32_t head)
{
	__atomic_store_n(&client->head, head, __ATOMIC_RELEASE);
}

/* ----------------------------------------------------------------------------------------------------------- a page */

/* Partner: the release in ms_page_end(), behind which all bytes of that version are visible. */
static inline uint64_t msl_seq_begin(const struct mmsb_line *line)
{
	return __atomic_load_n(&line->seq, __ATOMIC_ACQUIRE);
}

/* Whether nothing was written meanwhile; partner: the store of an odd seq and the write barrier in ms_page_begin(). */
static inline bool msl_seq_held(const struct mmsb_line *line, uint64_t seq)
{
#if MSL_TSAN
	__asm__ volatile("" ::: "memory");
#else
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
#endif
	return msl_load(line->seq) == seq;
}

/* How many ticks have closed, before pages are read; partner: the engine's increment behind the last store of a tick. */
static inline uint64_t msl_ticks_closed(const struct mmsb_space_page *page)
{
	return __atomic_load_n(&page->closed, __ATOMIC_ACQUIRE);
}

/* How many were opened, after pages were read; partner: the engine's increment before the first store of a tick. */
static inline uint64_t msl_ticks_opened(const struct mmsb_space_page *page)
{
#if MSL_TSAN
	__asm__ volatile("" ::: "memory");
#else
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
#endif
	return __atomic_load_n(&page->tick, __ATOMIC_ACQUIRE);
}

/* Bytes that may change while they are copied. */
#if MSL_TSAN
static inline void msl_copy(void *to, const void *from, size_t bytes)
{
	const uint8_t *in = (const uint8_t *)from;
	uint8_t *out = (uint8_t *)to;
	uint64_t word;

	while (bytes) {
		if (((uintptr_t)in & 7) == 0 && bytes >= 8) {
			word = __atomic_load_n((const uint64_t *)in, __ATOMIC_RELAXED);
			memcpy(out, &word, 8);
			out += 8, in += 8, bytes -= 8;
		} else {
			*out++ = __atomic_load_n(in++, __ATOMIC_RELAXED);
			bytes--;
		}
	}
}
#else
static inline void msl_copy(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
}
#endif

#endif
