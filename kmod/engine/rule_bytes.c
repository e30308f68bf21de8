// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Rules that know no lanes: bytes are moved, or come to a hash.
 *
 * The content hash is a sum over words, each mixed with keys of its place and its parent's number, as the state hash is: whoever
 * computes it may begin anywhere and go on in any order, and words of zero, which add nothing, need not even be there.
 */
#include "hash.h"
#include "loops.h"
#include "rules.h"

bool ms_words_differ(const u64 *a, const u64 *b, u32 words)
{
	struct ms_way way = ms_way_choose(MMSB_LANE_U64, words * 8ull);
	bool differ;

	ms_way_begin(&way);
	differ = way.loops->differ(a, b, words);
	ms_way_end(&way);
	return differ;
}

/* Nothing is computed, so there is nothing. */
void ms_rule_none(const struct ms_rule_call *call)
{
	memset(call->out, 0, call->bytes);
}

/* n bytes of the parent, which has them, from `from` on. */
static void bytes_copy(const struct ms_rule_call *call, u32 parent, u64 from, u8 *out, u64 n)
{
	u64 run;

	for (; n; n -= run, from += run, out += run) {
		const u8 *in = ms_parent_bytes(call, parent, from, &run);

		run = run < n ? run : n;
		if (in)
			memcpy(out, in, run);
		else
			memset(out, 0, run);
	}
}

/* The piece, out of `bytes` bytes of the parent that begin at `from`, all of which it has. */
static void bytes_from(const struct ms_rule_call *call, u64 from, u64 bytes)
{
	u64 n = bytes > call->offset ? bytes - call->offset : 0;

	n = n < call->bytes ? n : call->bytes;
	bytes_copy(call, 0, from + call->offset, (u8 *)call->out, n);
	if (n < call->bytes)
		memset((u8 *)call->out + n, 0, call->bytes - n);
}

void ms_rule_copy(const struct ms_rule_call *call)
{
	bytes_from(call, 0, call->parent[0].size);
}

void ms_rule_slice(const struct ms_rule_call *call)
{
	u64 size = call->parent[0].size, from = call->param[0] < size ? call->param[0] : size, bytes = size - from;

	if (call->param[1] && call->param[1] < bytes)
		bytes = call->param[1];
	bytes_from(call, from, bytes);
}

void ms_rule_concat(const struct ms_rule_call *call)
{
	u64 skip = call->offset, n;
	u32 done = 0, i;

	for (i = 0; i < call->parents && done < call->bytes; i++) {
		u64 size = call->parent[i].size;

		if (skip >= size) {
			skip -= size;
			continue;
		}
		n = size - skip < call->bytes - done ? size - skip : call->bytes - done;
		bytes_copy(call, i, skip, (u8 *)call->out + done, n);
		done += (u32)n;
		skip = 0;
	}
	memset((u8 *)call->out + done, 0, call->bytes - done);
}

/* --------------------------------------------------------------------------------------------------------------- hash */

#define STEP_PLUS	0x9fb21c651e98df25ull
#define STEP_TIMES	0xe7037ed1a0b428dbull

/* What a word is mixed with, in each half of the hash. */
struct content_key {
	u64 plus, times;
};

static struct content_key content_key(u64 number, u64 index)
{
	struct ms_hash_key key = ms_hash_key(number);

	return (struct content_key){ key.k[0] + index * STEP_PLUS, key.k[1] + index * STEP_TIMES };
}

static u64 content_mix(const struct content_key *key, u64 word)
{
	return word ? ms_hash_mix(word ^ key->plus, key->times | 1) : 0;
}

/* Words of parent `number` from `index` on. */
static void content_words(u64 hash[2], u32 number, u64 index, const u64 *words, u64 n)
{
	struct content_key a = content_key(2 * (u64)number, index), b = content_key(2 * (u64)number + 1, index);
	u64 sum[2] = { hash[0], hash[1] }, i;

	for (i = 0; i < n; i++) {
		sum[0] += content_mix(&a, words[i]);
		sum[1] += content_mix(&b, words[i]);
		a.plus += STEP_PLUS;
		b.plus += STEP_PLUS;
		a.times += STEP_TIMES;
		b.times += STEP_TIMES;
	}
	hash[0] = sum[0];
	hash[1] = sum[1];
}

static void content_run(u64 hash[2], u32 number, u64 at, const u8 *in, u64 n)
{
	u64 last = 0;

	content_words(hash, number, at / 8, (const u64 *)in, n / 8);
	if (n % 8) {
		memcpy(&last, in + n / 8 * 8, n % 8);
		content_words(hash, number, at / 8 + n / 8, &last, 1);
	}
}

static void content_parent(u64 hash[2], const struct ms_rule_call *call, u32 number)
{
	u64 size = call->parent[number].size, at, run;

	content_words(hash, number, ~0ull, &size, 1);
	for (at = 0; at < size; at += run) {
		const u8 *in = ms_parent_bytes(call, number, at, &run);

		if (in)
			content_run(hash, number, at, in, run);
		pf_resched();
	}
}

void ms_rule_hash(const struct ms_rule_call *call)
{
	u32 i;

	memset(call->out, 0, call->bytes);
	for (i = 0; i < call->parents && !call->offset; i++)
		content_parent(call->out, call, i);
}
