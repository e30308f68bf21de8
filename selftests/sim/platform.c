// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory is filled with a pattern when it is given back, and kept for a while before the allocator may deal it again: who still reads
 * it reads nonsense, and who still writes it is found out. Under AddressSanitizer that is its business.
 */
#include <stdlib.h>
#include "platform.h"

#if defined(__SANITIZE_ADDRESS__)
#define KEEPS false
#else
#define KEEPS true
#endif
#define KEPT	64u
#define PATTERN	0x5a

struct block {
	u64 bytes;
	u8 pad[56];			/* what follows is aligned to 64 bytes */
};

static struct block *kept[KEPT];
static u64 blocks, held, freed;

static struct block *block_take(size_t bytes)
{
	struct block *block;

	if (posix_memalign((void **)&block, 64, sizeof(*block) + bytes))
		sim_fail("the machine is out of memory");
	memset(block, 0, sizeof(*block) + bytes);
	block->bytes = bytes;
	blocks++;
	held += bytes;
	return block;
}

static void kept_check(const struct block *block)
{
	const u8 *bytes = (const u8 *)(block + 1);

	/* The first byte is right, and each is like the one before. */
	if (block->bytes && (bytes[0] != PATTERN || memcmp(bytes, bytes + 1, block->bytes - 1)))
		sim_fail("a block of %llu bytes was written after it had been freed", (unsigned long long)block->bytes);
}

static void block_give(struct block *block)
{
	struct block **place = &kept[freed++ % KEPT];

	sim_forget(block + 1, block->bytes);
	blocks--;
	held -= block->bytes;
	if (!KEEPS) {
		free(block);
		return;
	}
	memset(block + 1, PATTERN, block->bytes);
	if (*place)
		kept_check(*place);
	free(*place);
	*place = block;
}

void platform_flush(void)
{
	u32 i;

	for (i = 0; i < KEPT; i++) {
		if (kept[i])
			kept_check(kept[i]);
		free(kept[i]);
		kept[i] = NULL;
	}
}

u64 platform_blocks(u64 *bytes)
{
	*bytes = held;
	return blocks;
}

void *pf_alloc(size_t bytes, int node)
{
	(void)node;
	PF_BUG_ON(*sim_wakeful());
	sim_step();
	return sim_fails_now() ? NULL : block_take(bytes) + 1;
}

void pf_free(void *ptr)
{
	sim_step();
	if (ptr)
		block_give((struct block *)ptr - 1);
}

int pf_shared_alloc(struct pf_shared *shared, size_t bytes, int node)
{
	PF_BUG_ON(bytes % 4096);
	shared->ptr = pf_alloc(bytes, node);
	shared->bytes = bytes;
	return shared->ptr ? 0 : -ENOMEM;
}

void pf_shared_free(struct pf_shared *shared)
{
	pf_free(shared->ptr);
	shared->ptr = NULL;
}

int pf_region_open(struct pf_region *region, u64 bytes)
{
	(void)bytes;
	region->chunks = 0;
	return sim_fails_now() ? -ENOMEM : 0;
}

void pf_region_close(struct pf_region *region)
{
	PF_BUG_ON(region->chunks);
}

void *pf_chunk_fill(struct pf_region *region, u64 number, int node)
{
	void *chunk = pf_alloc(PF_CHUNK, node);

	(void)number;
	region->chunks += !!chunk;
	return chunk;
}

void pf_chunk_drop(struct pf_region *region, u64 number, void *chunk)
{
	(void)number;
	region->chunks--;
	pf_free(chunk);
}

/* Readers may come between any two words; what is marked and was stored before must have arrived (store.h). */
void pf_store(void *to, const void *from, size_t bytes)
{
	const u8 *in = from;
	u8 *out = to;
	size_t n;

	for (; bytes; bytes -= n, out += n, in += n) {
		sim_step();
		sim_drain();
		n = bytes < 8 ? bytes : 8;
		memcpy(out, in, n);
	}
}

void pf_zero(void *to, size_t bytes)
{
	u8 *out = to;
	size_t n;

	for (; bytes; bytes -= n, out += n) {
		sim_step();
		sim_drain();
		n = bytes < 64 ? bytes : 64;
		memset(out, 0, n);
	}
}

/* ------------------------------------------------------------------------------------------------------------ locks */

bool platform_try(struct pf_runlock *lock, const char *place)
{
	sim_step_at(place);
	if (*(volatile u32 *)&lock->held)
		return false;
	sim_drain();
	lock->held = 1;
	lock->owner = sim_self;
	return true;
}

void platform_lock(struct pf_runlock *lock, const char *place)
{
	PF_BUG_ON(lock->owner == sim_self || *sim_wakeful());
	while (!platform_try(lock, place))
		sim_block_on(&lock->held, place);
}

void platform_unlock(struct pf_runlock *lock, const char *place)
{
	u32 free = 0;

	pf_runlock_assert(lock);
	lock->owner = NULL;
	sim_step_at(place);
	sim_store(&lock->held, &free, sizeof(free));
}

/* ---------------------------------------------------------------------------------------------------------- waiting */

void pf_waitq_wake(struct pf_waitq *queue)
{
	sim_step();
	sim_drain();
	queue->count++;
	sim_wake(queue);
}

static int wait_registered(struct pf_waitq *queue, bool (*done)(void *), void *arg, bool timed, const char *place)
{
	enum sim_wake wake = SIM_WOKEN;
	u32 count;

	while (wake == SIM_WOKEN) {
		count = *(volatile u32 *)&queue->count;
		sim_drain();
		if (done(arg))
			return 0;
		if (*(volatile u32 *)&queue->count == count)
			wake = sim_sleep(queue, done, arg, timed, place);
	}
	if (done(arg))
		return 0;
	return wake == SIM_INTERRUPTED ? -EINTR : -ETIME;
}

int platform_wait(struct pf_waitq *queue, bool (*done)(void *), void *arg, u64 timeout_ns, const char *place)
{
	int err;

	if (done(arg))
		return 0;
	if (!timeout_ns)
		return -ETIME;
	sim_step_at(place);
	sim_drain();
	queue->waiters++;
	err = wait_registered(queue, done, arg, timeout_ns != ~0ull, place);
	sim_drain();
	queue->waiters--;
	return err;
}

/* --------------------------------------------------------------------------------------------------------- the home */

u32 platform_wave_budget, platform_share_worth;

/* Partner of the barrier: the poller takes the flag with a locked operation before it looks at its shards. */
void pf_poller_kick(struct pf_poller *poller)
{
	pf_mb();
	if (pf_read(poller->kicked))
		return;
	pf_release(&poller->kicked, 1);
	pf_waitq_wake(&poller->queue);
}
