/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The state hash: 128 bits, a sum over all pages and all their 64-bit words of keyed mixes, so that a delta moves it by the
 * words it changed and by nothing else, and so that shards can each keep a part and add them up in any order.
 *
 * A word of zero adds nothing (a new page of a gigabyte costs nothing); the epoch enters linearly (a step of one adds the
 * page's key). The mixes are fixed and public: the hash finds accidents and bugs, it does not resist a forger.
 */
#ifndef MS_HASH_H
#define MS_HASH_H

#include "engine.h"

struct ms_hash {
	u64 sum[2];
};

struct ms_hash_key {
	u64 k[2];
};

static inline u64 ms_hash_mix(u64 a, u64 b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (u64)product ^ (u64)(product >> 64);
}

static inline struct ms_hash_key ms_hash_key(u64 page)
{
	u64 k = ms_hash_mix(page ^ 0x9e6c63d0876a9a35ull, 0xd6e8feb86659fd93ull);

	return (struct ms_hash_key){ { k, ms_hash_mix(k ^ 0x3c79ac492ba7b653ull, 0xa24baed4963ee407ull) } };
}

/* The word at `index` of the page turns from `old` into `new`: each is a full product, so one changed word never goes unseen. */
static inline void ms_hash_word(struct ms_hash *hash, const struct ms_hash_key *key, u64 index, u64 old, u64 new)
{
	u64 a = key->k[0] + index * 0x9fb21c651e98df25ull, b = (key->k[1] + index * 0xe7037ed1a0b428dbull) | 1;
	unsigned __int128 before = (unsigned __int128)(old ^ a) * b, after = (unsigned __int128)(new ^ a) * b;

	hash->sum[0] += (u64)after - (u64)before;
	hash->sum[1] += ((u64)(after >> 64) ^ (u64)after) - ((u64)(before >> 64) ^ (u64)before);
}

static inline void ms_hash_epochs(struct ms_hash *hash, const struct ms_hash_key *key, u64 steps)
{
	hash->sum[0] += (key->k[0] | 1) * steps;
	hash->sum[1] += (key->k[1] | 1) * steps;
}

static inline void ms_hash_exists(struct ms_hash *hash, const struct ms_hash_key *key, u64 size, u64 kind, bool gone)
{
	u64 a = ms_hash_mix(size ^ key->k[0], (kind << 32) ^ key->k[1] ^ 0x8ebc6af09c88c6e3ull);
	u64 b = ms_hash_mix(size ^ key->k[1], (kind << 32) ^ key->k[0] ^ 0x589965cc75374cc3ull);

	hash->sum[0] += gone ? -a : a;
	hash->sum[1] += gone ? -b : b;
}

/* What a page is derived by: all of it is folded, each at a place of its own, and then keyed with the page. */
static inline void ms_hash_fold(u64 sum[2], u64 place, u64 a, u64 b)
{
	u64 low = ms_hash_mix(a ^ (place * 0x9fb21c651e98df25ull), b ^ 0xd6e8feb86659fd93ull);
	u64 high = ms_hash_mix(b ^ (place * 0xe7037ed1a0b428dbull), a ^ 0xa24baed4963ee407ull);

	sum[0] += ms_hash_mix(low ^ 0x8ebc6af09c88c6e3ull, high | 1);
	sum[1] += ms_hash_mix(high ^ 0x589965cc75374cc3ull, low | 1);
}

static inline void ms_hash_rule(u64 sum[2], u32 rule, u32 version, u8 lane, u8 flags, const u64 *param)
{
	ms_hash_fold(sum, 1, (u64)version << 32 | rule, (u64)lane << 8 | flags);
	ms_hash_fold(sum, 2, param[0], param[1]);
	ms_hash_fold(sum, 3, param[2], param[3]);
}

static inline void ms_hash_edge(u64 sum[2], u32 i, u64 parent, u64 weight, u32 type, u64 seen)
{
	ms_hash_fold(sum, 4ull + 2 * i, parent, weight);
	ms_hash_fold(sum, 5ull + 2 * i, type, seen);
}

static inline void ms_hash_derivation(struct ms_hash *hash, const struct ms_hash_key *key, const u64 sum[2], bool gone)
{
	u64 mixed[2] = { 0 };

	ms_hash_fold(mixed, 0, sum[0] ^ key->k[0], sum[1] ^ key->k[1]);
	hash->sum[0] += gone ? -mixed[0] : mixed[0];
	hash->sum[1] += gone ? -mixed[1] : mixed[1];
}

#endif
