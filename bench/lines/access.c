// SPDX-License-Identifier: GPL-2.0-only
/*
 * What code that was compiled for ThreadSanitizer calls, instead of its library: each call does what it says, and tells the book. What
 * goes through libc in bulk is told by wrappers, for which the linker is asked. Threads that the library would make are not
 * made: whoever has the roles plays does their work.
 *
 * Names and arguments are the compiler's. One thread is all there is, so the plainest of atomic operations are as good as any.
 */
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include "access.h"

typedef unsigned char u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define SEEN	__attribute__((visibility("default")))

SEEN void __tsan_init(void);
SEEN void __tsan_func_entry(void *from);
SEEN void __tsan_func_exit(void);

void __tsan_init(void)
{
}

void __tsan_func_entry(void *from)
{
	(void)from;
}

void __tsan_func_exit(void)
{
}

/* -------------------------------------------------------------------------------------------------------------- plain */

#define PLAIN(name, bytes, write)			\
	SEEN void __tsan_##name(void *at);		\
	void __tsan_##name(void *at)			\
	{						\
		access_enter(at, bytes, write);		\
	}

#define SIZES(name, write)	PLAIN(name##1, 1, write) PLAIN(name##2, 2, write) PLAIN(name##4, 4, write) \
				PLAIN(name##8, 8, write) PLAIN(name##16, 16, write)

SIZES(read, false)
SIZES(write, true)
SIZES(unaligned_read, false)
SIZES(unaligned_write, true)
SIZES(volatile_read, false)
SIZES(volatile_write, true)

SEEN void __tsan_read_range(void *at, unsigned long bytes);
SEEN void __tsan_write_range(void *at, unsigned long bytes);

void __tsan_read_range(void *at, unsigned long bytes)
{
	access_enter(at, bytes, false);
}

void __tsan_write_range(void *at, unsigned long bytes)
{
	access_enter(at, bytes, true);
}

/* ------------------------------------------------------------------------------------------------------------- atomic */

#define CHANGE(type, size, name)							\
	SEEN type __tsan_atomic##size##_##name(volatile type *at, type value, int order);	\
	type __tsan_atomic##size##_##name(volatile type *at, type value, int order)	\
	{										\
		(void)order;								\
		access_enter((const void *)at, sizeof(*at), true);			\
		return __atomic_##name(at, value, __ATOMIC_SEQ_CST);			\
	}

#define SWAP(type, size, name)								\
	SEEN int __tsan_atomic##size##_##name(volatile type *at, type *old, type new, int order, int otherwise);	\
	int __tsan_atomic##size##_##name(volatile type *at, type *old, type new, int order, int otherwise)	\
	{										\
		(void)order;								\
		(void)otherwise;							\
		access_enter((const void *)at, sizeof(*at), true);			\
		return __atomic_compare_exchange_n(at, old, new, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);	\
	}

#define ATOMIC(type, size)								\
	SEEN type __tsan_atomic##size##_load(const volatile type *at, int order);	\
	SEEN void __tsan_atomic##size##_store(volatile type *at, type value, int order);	\
	SEEN type __tsan_atomic##size##_exchange(volatile type *at, type value, int order);	\
	type __tsan_atomic##size##_load(const volatile type *at, int order)		\
	{										\
		(void)order;								\
		access_enter((const void *)at, sizeof(*at), false);			\
		return __atomic_load_n(at, __ATOMIC_SEQ_CST);				\
	}										\
	void __tsan_atomic##size##_store(volatile type *at, type value, int order)	\
	{										\
		(void)order;								\
		access_enter((const void *)at, sizeof(*at), true);			\
		__atomic_store_n(at, value, __ATOMIC_SEQ_CST);				\
	}										\
	type __tsan_atomic##size##_exchange(volatile type *at, type value, int order)	\
	{										\
		(void)order;								\
		access_enter((const void *)at, sizeof(*at), true);			\
		return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);		\
	}										\
	CHANGE(type, size, fetch_add)							\
	CHANGE(type, size, fetch_sub)							\
	CHANGE(type, size, fetch_and)							\
	CHANGE(type, size, fetch_or)							\
	CHANGE(type, size, fetch_xor)							\
	SWAP(type, size, compare_exchange_strong)					\
	SWAP(type, size, compare_exchange_weak)

ATOMIC(u8, 8)
ATOMIC(u16, 16)
ATOMIC(u32, 32)
ATOMIC(u64, 64)

SEEN void __tsan_atomic_thread_fence(int order);
SEEN void __tsan_atomic_signal_fence(int order);

void __tsan_atomic_thread_fence(int order)
{
	(void)order;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}

/* ------------------------------------------------------------------------------------------------------------ in bulk */

void *__real_memcpy(void *to, const void *from, size_t bytes);
void *__real_memmove(void *to, const void *from, size_t bytes);
void *__real_memset(void *to, int byte, size_t bytes);
int __real_memcmp(const void *a, const void *b, size_t bytes);
void *__wrap_memcpy(void *to, const void *from, size_t bytes);
void *__wrap_memmove(void *to, const void *from, size_t bytes);
void *__wrap_memset(void *to, int byte, size_t bytes);
int __wrap_memcmp(const void *a, const void *b, size_t bytes);

void *__wrap_memcpy(void *to, const void *from, size_t bytes)
{
	access_enter(from, bytes, false);
	access_enter(to, bytes, true);
	return __real_memcpy(to, from, bytes);
}

void *__wrap_memmove(void *to, const void *from, size_t bytes)
{
	access_enter(from, bytes, false);
	access_enter(to, bytes, true);
	return __real_memmove(to, from, bytes);
}

void *__wrap_memset(void *to, int byte, size_t bytes)
{
	access_enter(to, bytes, true);
	return __real_memset(to, byte, bytes);
}

int __wrap_memcmp(const void *a, const void *b, size_t bytes)
{
	access_enter(a, bytes, false);
	access_enter(b, bytes, false);
	return __real_memcmp(a, b, bytes);
}

/* ------------------------------------------------------------------------------------------------------------ threads */

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *arg), void *arg);
int __wrap_pthread_join(pthread_t thread, void **result);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *arg), void *arg)
{
	(void)attr;
	(void)run;
	(void)arg;
	*thread = 0;
	return 0;
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
	(void)thread;
	(void)result;
	return 0;
}
