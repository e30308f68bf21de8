// SPDX-License-Identifier: GPL-2.0-only
/* A plain array, the floor of all stores: no other process, no other thread, nothing but the numbers. */
#include <stdlib.h>
#include "peer.h"

static void *array_open(const char *dir, const char *promise)
{
	(void)dir;
	(void)promise;
	return bench_alloc(PEER_KEYS * sizeof(uint64_t));
}

static void array_add(void *db, const uint32_t *keys, unsigned int n)
{
	uint64_t *numbers = db;
	unsigned int i;

	for (i = 0; i < n; i++)
		numbers[keys[i]]++;
}

static uint64_t array_read(void *db, const uint32_t *keys, unsigned int n)
{
	const uint64_t *numbers = db;
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < n; i++)
		sum += numbers[keys[i]];
	return sum;
}

const struct peer peer_array = { .open = array_open, .add = array_add, .read = array_read, .close = free };
