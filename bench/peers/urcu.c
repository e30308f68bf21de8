// SPDX-License-Identifier: GPL-2.0-only
/*
 * liburcu's hash table, by its fastest flavour (QSBR): a lookup in a table that others may change meanwhile, and an atomic add, as
 * others may add to the same number. After each call the thread says that it holds nothing of the table.
 */
#define _LGPL_SOURCE
#include <stdlib.h>
#include <urcu-qsbr.h>
#include <urcu/rculfhash.h>
#include "../peer.h"

#define BUCKETS	1024u

struct number {
	struct cds_lfht_node node;
	uint64_t value;
	uint32_t key;
};

struct urcu {
	struct cds_lfht *table;
	struct number numbers[PEER_KEYS];
};

/* The table looks at the low bits, which an odd factor keeps apart. */
static unsigned long hash_of(uint32_t key)
{
	return key * 0x9e3779b97f4a7c15ul;
}

static int has_key(struct cds_lfht_node *node, const void *key)
{
	return caa_container_of(node, struct number, node)->key == *(const uint32_t *)key;
}

static struct number *find(struct urcu *urcu, const uint32_t *key)
{
	struct cds_lfht_iter iter;

	cds_lfht_lookup(urcu->table, hash_of(*key), has_key, key, &iter);
	return caa_container_of(cds_lfht_iter_get_node(&iter), struct number, node);
}

static void *urcu_open(const char *dir, const char *promise)
{
	struct urcu *urcu = bench_alloc(sizeof(*urcu));
	struct number *number = urcu->numbers;
	uint32_t key;

	(void)dir;
	(void)promise;
	rcu_register_thread();
	urcu->table = cds_lfht_new(BUCKETS, BUCKETS, BUCKETS, 0, NULL);
	if (!urcu->table)
		bench_die("liburcu: no hash table can be made");
	rcu_read_lock();
	for (key = 0; key < PEER_KEYS; key++, number++) {
		number->key = key;
		cds_lfht_add(urcu->table, hash_of(key), &number->node);
	}
	rcu_read_unlock();
	return urcu;
}

static void urcu_add(void *db, const uint32_t *keys, unsigned int n)
{
	unsigned int i;

	rcu_read_lock();
	for (i = 0; i < n; i++)
		uatomic_inc(&find(db, keys + i)->value);
	rcu_read_unlock();
	rcu_quiescent_state();
}

static uint64_t urcu_read(void *db, const uint32_t *keys, unsigned int n)
{
	uint64_t sum = 0;
	unsigned int i;

	rcu_read_lock();
	for (i = 0; i < n; i++)
		sum += uatomic_read(&find(db, keys + i)->value);
	rcu_read_unlock();
	rcu_quiescent_state();
	return sum;
}

static void urcu_close(void *db)
{
	struct urcu *urcu = db;
	uint32_t key;

	rcu_read_lock();
	for (key = 0; key < PEER_KEYS; key++)
		cds_lfht_del(urcu->table, &urcu->numbers[key].node);
	rcu_read_unlock();
	synchronize_rcu();
	cds_lfht_destroy(urcu->table, NULL);
	rcu_unregister_thread();
	free(urcu);
}

const struct peer peer = { .open = urcu_open, .add = urcu_add, .read = urcu_read, .close = urcu_close };
