// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include "store.h"

static void forget_oldest(struct stores *stores, uint32_t count)
{
	stores->n -= count;
	memmove(stores->of, stores->of + count, stores->n * sizeof(stores->of[0]));
}

void stores_add(struct stores *stores, void *to, const void *value, uint32_t bytes)
{
	struct store *store;

	if (stores->n == STORES_MAX)
		forget_oldest(stores, 1);
	store = &stores->of[stores->n++];
	*store = (struct store){ .to = to, .bytes = bytes };
	memcpy(&store->value, value, bytes);
	memcpy(&store->before, to, bytes);
	memcpy(to, value, bytes);
}

static bool is_newest(const struct stores *stores, uint32_t at)
{
	uint32_t i;

	for (i = at + 1; i < stores->n; i++)
		if (stores->of[i].to == stores->of[at].to)
			return false;
	return true;
}

static bool overwritten(const struct stores *stores)
{
	uint32_t i;

	for (i = 0; i < stores->n; i++)
		if (is_newest(stores, i) && memcmp(stores->of[i].to, &stores->of[i].value, stores->of[i].bytes))
			return true;
	return false;
}

void stores_hide(struct stores *stores)
{
	uint32_t i;

	if (overwritten(stores))
		stores->n = 0;
	for (i = stores->n; i-- > 0;)
		memcpy(stores->of[i].to, &stores->of[i].before, stores->of[i].bytes);
}

void stores_show(struct stores *stores)
{
	uint32_t i;

	for (i = 0; i < stores->n; i++) {
		memcpy(&stores->of[i].before, stores->of[i].to, stores->of[i].bytes);
		memcpy(stores->of[i].to, &stores->of[i].value, stores->of[i].bytes);
	}
}

void stores_arrive(struct stores *stores, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		memcpy(stores->of[i].to, &stores->of[i].value, stores->of[i].bytes);
	forget_oldest(stores, count);
}

bool stores_touch(const struct stores *stores, const void *memory, size_t bytes)
{
	const char *from = memory, *at;
	uint32_t i;

	for (i = 0; i < stores->n; i++) {
		at = stores->of[i].to;
		if (at + stores->of[i].bytes > from && at < from + bytes)
			return true;
	}
	return false;
}
