// SPDX-License-Identifier: MIT
/*
 * The slow half of the embedded platform: memory from the kernel, sleeping, and what a failed check says.
 *
 * Large blocks come straight from mmap, because they arrive zeroed and are not touched before they are used: a space with
 * room for a million pages must not cost their tables up front. Under a sanitizer all blocks come from the heap instead,
 * where it puts red zones around them and finds those that were leaked.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <limits.h>
#include <stdint.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "platform.h"

#if defined(__SANITIZE_ADDRESS__) || PF_TSAN
#define PF_HEAP_ONLY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PF_HEAP_ONLY 1
#endif
#endif
#ifndef PF_HEAP_ONLY
#define PF_HEAP_ONLY 0
#endif

#define PF_LARGE	((size_t)128 << 10)
#define PF_SMALL_PAGES	((u64)4 << 20)	/* of a region: beyond it, huge pages are asked for */

#define PF_COMPLAINTS	16u
#define PF_MALLOC_ALIGN	16u

__thread u8 pf_thread __attribute__((tls_model("initial-exec")));
__thread u64 pf_rounding __attribute__((tls_model("initial-exec")));

#if PF_AVX2
bool pf_avx2;

static __attribute__((constructor)) void pf_look_at_cpu(void)
{
	__builtin_cpu_init();
	pf_avx2 = __builtin_cpu_supports("avx2");
}
#endif

void pf_bug(const char *file, int line, const char *what)
{
	fprintf(stderr, "mmsb: %s:%d: the engine is wrong: %s\n", file, line, what);
	abort();
}

/* One message, and no more than a few of them, since what is wrong once tends to be wrong always. */
void pf_complain(const char *format, ...)
{
	static u32 complaints;
	char text[256];
	va_list args;

	if (__atomic_fetch_add(&complaints, 1, __ATOMIC_RELAXED) >= PF_COMPLAINTS)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "mmsb: %s\n", text);
}

/* ----------------------------------------------------------------------------------------------------------- memory */

static void *pf_map(size_t bytes, int more)
{
	void *ptr = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | more, -1, 0);

	return ptr == MAP_FAILED ? NULL : ptr;
}

static bool pf_is_large(size_t bytes)
{
	return !PF_HEAP_ONLY && bytes >= PF_LARGE;
}

static void *pf_block(size_t bytes, size_t align)
{
	void *ptr;

	if (pf_is_large(bytes))
		return pf_map(bytes, 0);
	if (align <= PF_MALLOC_ALIGN)
		return calloc(1, bytes);
	if (posix_memalign(&ptr, align, bytes))
		return NULL;
	return memset(ptr, 0, bytes);
}

static void pf_unblock(void *ptr, size_t bytes)
{
	if (pf_is_large(bytes))
		munmap(ptr, bytes);
	else
		free(ptr);
}

/*
 * How many bytes a block has stands in the word before it. A cache line is left for that where the block shall begin with one; the many
 * small ones, which are a graph's edges, have no more than that word.
 */
#define PF_SMALL_BLOCK	((size_t)512)

static size_t pf_head_bytes(size_t bytes)
{
	return bytes < PF_SMALL_BLOCK ? 8 : 64;
}

void *pf_alloc(size_t bytes, int node)
{
	size_t head = pf_head_bytes(bytes);
	u8 *block;

	(void)node;
	if (bytes > SIZE_MAX / 2 || pf_fault_inject())
		return NULL;
	block = pf_block(bytes + head, head);
	if (!block)
		return NULL;
	((size_t *)(block + head))[-1] = bytes;
	return block + head;
}

void pf_free(void *ptr)
{
	size_t bytes, head;

	if (!ptr)
		return;
	bytes = ((size_t *)ptr)[-1];
	head = pf_head_bytes(bytes);
	pf_unblock((u8 *)ptr - head, bytes + head);
}

int pf_shared_alloc(struct pf_shared *shared, size_t bytes, int node)
{
	(void)node;
	if (pf_fault_inject())
		return -ENOMEM;
	shared->ptr = pf_block(bytes, 4096);
	shared->bytes = bytes;
	return shared->ptr ? 0 : -ENOMEM;
}

void pf_shared_free(struct pf_shared *shared)
{
	if (shared->ptr)
		pf_unblock(shared->ptr, shared->bytes);
	shared->ptr = NULL;
}

int pf_region_open(struct pf_region *region, u64 bytes)
{
	if (bytes > SIZE_MAX / 2 || pf_fault_inject())
		return -ENOMEM;
	region->base = pf_map(bytes, MAP_NORESERVE);
	region->bytes = bytes;
	if (!region->base)
		return -ENOMEM;
	/* Advice only: a small space stays small, a large one is spared most of its TLB misses. */
	if (bytes > PF_SMALL_PAGES)
		madvise(region->base + PF_SMALL_PAGES, bytes - PF_SMALL_PAGES, MADV_HUGEPAGE);
	return 0;
}

void pf_region_close(struct pf_region *region)
{
	if (region->base)
		munmap(region->base, region->bytes);
	region->base = NULL;
}

void *pf_chunk_fill(struct pf_region *region, u64 number, int node)
{
	(void)node;
	PF_BUG_ON((number + 1) << PF_CHUNK_SHIFT > region->bytes);
	if (pf_fault_inject())
		return NULL;
	return region->base + (number << PF_CHUNK_SHIFT);
}

void pf_chunk_drop(struct pf_region *region, u64 number, void *chunk)
{
	PF_BUG_ON(chunk != region->base + (number << PF_CHUNK_SHIFT));
	PF_BUG_ON(madvise(chunk, PF_CHUNK, MADV_DONTNEED) != 0);
}

#if PF_TSAN
/* Words where the target is aligned, bytes at both ends. */
void pf_store(void *to, const void *from, size_t bytes)
{
	const u8 *in = from;
	u8 *out = to;
	u64 word;

	while (bytes) {
		if (((uintptr_t)out & 7) == 0 && bytes >= 8) {
			memcpy(&word, in, 8);
			__atomic_store_n((u64 *)out, word, __ATOMIC_RELAXED);
			out += 8, in += 8, bytes -= 8;
		} else {
			__atomic_store_n(out++, *in++, __ATOMIC_RELAXED);
			bytes--;
		}
	}
}

void pf_zero(void *to, size_t bytes)
{
	u8 *out = to;

	while (bytes) {
		if (((uintptr_t)out & 7) == 0 && bytes >= 8) {
			__atomic_store_n((u64 *)out, 0, __ATOMIC_RELAXED);
			out += 8, bytes -= 8;
		} else {
			__atomic_store_n(out++, 0, __ATOMIC_RELAXED);
			bytes--;
		}
	}
}
#endif

/* ------------------------------------------------------------------------------------------------------------ locks */

void pf_futex_wake(u32 *word, int how_many)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, how_many, NULL, NULL, 0);
}

/* Until `deadline` on the monotonic clock, or for ever where it is NULL. Returns 0 or a negative errno. */
static int pf_futex_wait(u32 *word, u32 value, const struct timespec *deadline)
{
	long err = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, deadline, NULL, FUTEX_BITSET_MATCH_ANY);

	return err ? -errno : 0;
}

void pf_runlock_slow(struct pf_runlock *lock)
{
	while (__atomic_exchange_n(&lock->state, 2, __ATOMIC_ACQUIRE) != 0)
		pf_futex_wait(&lock->state, 2, NULL);
	pf_write(lock->owner, pf_self());
}

void pf_mutex_init(struct pf_mutex *mutex)
{
	pthread_mutex_init(&mutex->mutex, NULL);
	mutex->owner = NULL;
}

void pf_mutex_destroy(struct pf_mutex *mutex)
{
	PF_BUG_ON(pthread_mutex_destroy(&mutex->mutex) != 0);
}

void pf_mutex_lock(struct pf_mutex *mutex)
{
	PF_BUG_ON(pf_read(mutex->owner) == pf_self());
	pthread_mutex_lock(&mutex->mutex);
	pf_write(mutex->owner, pf_self());
}

void pf_mutex_unlock(struct pf_mutex *mutex)
{
	pf_mutex_assert(mutex);
	pf_write(mutex->owner, NULL);
	pthread_mutex_unlock(&mutex->mutex);
}

/* ---------------------------------------------------------------------------------------------------------- waiting */

void pf_waitq_rouse(struct pf_waitq *queue)
{
	__atomic_add_fetch(&queue->count, 1, __ATOMIC_RELEASE);
	pf_futex_wake(&queue->count, INT_MAX);
}

static void pf_deadline(struct timespec *deadline, u64 timeout_ns)
{
	u64 now = pf_now(), end = now + timeout_ns;

	if (end < now || end > INT64_MAX)
		end = INT64_MAX;
	deadline->tv_sec = (time_t)(end / 1000000000ull);
	deadline->tv_nsec = (long)(end % 1000000000ull);
}

static int pf_waitq_sleep(struct pf_waitq *queue, bool (*done)(void *), void *arg, const struct timespec *deadline)
{
	u32 count;
	int err;

	for (;;) {
		count = pf_acquire(&queue->count);
		pf_mb();
		if (done(arg))
			return 0;
		err = pf_futex_wait(&queue->count, count, deadline);
		if (err == -ETIMEDOUT || err == -EINTR)
			return done(arg) ? 0 : err == -EINTR ? -EINTR : -ETIME;
	}
}

int pf_waitq_wait(struct pf_waitq *queue, bool (*done)(void *), void *arg, u64 timeout_ns)
{
	struct timespec deadline;
	int err;

	if (done(arg))
		return 0;
	if (timeout_ns == 0)
		return -ETIME;
	if (timeout_ns != ~0ull)
		pf_deadline(&deadline, timeout_ns);
	__atomic_add_fetch(&queue->waiters, 1, __ATOMIC_SEQ_CST);
	err = pf_waitq_sleep(queue, done, arg, timeout_ns == ~0ull ? NULL : &deadline);
	__atomic_sub_fetch(&queue->waiters, 1, __ATOMIC_SEQ_CST);
	return err;
}

void pf_waitq_await(struct pf_waitq *queue, bool (*done)(void *), void *arg)
{
	while (pf_waitq_wait(queue, done, arg, ~0ull))
		;
}

/* --------------------------------------------------------------------------------------------------------- the home */

/* First barrier: the work is published before the flag is read; partner: the exchange with which the poller takes the flag. */
void pf_poller_kick(struct pf_poller *poller)
{
	pf_mb();
	if (pf_read(poller->kicked))
		return;
	pf_release(&poller->kicked, 1);
	pf_waitq_wake(&poller->queue);
}
