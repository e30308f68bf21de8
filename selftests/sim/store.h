/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Store buffers: each coroutine is a processor whose marked stores (pf_write(), pf_release(), pf_store_word()) reach memory later, in
 * order, as on x86. So a barrier that is missing between "publish" and "look" is missed, though only one thread runs.
 *
 * Memory shows what the running coroutine sees, its own stores included, so that its loads, marked or not, are plain ones. When it is
 * switched away from, its stores that have not arrived are taken back (hidden), and put there again (shown) when it goes on; what
 * arrives in between is written under them. A plain store reaches memory at once. It may overtake marked ones, which x86 does not do;
 * the engine has pf_wmb() or pf_release() where others could tell, and pf_wmb() empties the buffer here. Where a plain store
 * has gone over a marked one to the same place, the buffer is taken as empty.
 */
#ifndef SIM_STORE_H
#define SIM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORES_MAX	8

struct store {
	void *to;
	uint64_t value, before;
	uint32_t bytes;
};

struct stores {
	struct store of[STORES_MAX];
	uint32_t n;
};

/* By the running coroutine; a full buffer lets its oldest store go. */
void stores_add(struct stores *stores, void *to, const void *value, uint32_t bytes);
void stores_hide(struct stores *stores);
void stores_show(struct stores *stores);
/* Hidden stores arrive, the oldest first. */
void stores_arrive(struct stores *stores, uint32_t count);
bool stores_touch(const struct stores *stores, const void *memory, size_t bytes);

#endif
