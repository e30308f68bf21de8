// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every operation on a source page, by tables of what must come out. The tables were written from abi.h and from arithmetic,
 * not from the engine. Each test runs on an inline and on a polled ring, and on a page of the ring's own shard and of another.
 */
#include "common/harness.h"
#include "common/home.h"

#define PAGE_BYTES 8192u

FIXTURE(ops) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint8_t *payload;
	size_t payload_bytes;
	uint64_t page;
	uint8_t bytes[PAGE_BYTES];	/* what the page must hold */
	uint64_t epoch;			/* and its epoch */
};

FIXTURE_VARIANT(ops) {
	bool polled;
	bool elsewhere;		/* the page lives in a shard that is not the ring's */
};

FIXTURE_VARIANT_ADD(ops, inline_own) { .polled = false, .elsewhere = false };
FIXTURE_VARIANT_ADD(ops, inline_other) { .polled = false, .elsewhere = true };
FIXTURE_VARIANT_ADD(ops, polled_own) { .polled = true, .elsewhere = false };
FIXTURE_VARIANT_ADD(ops, polled_other) { .polled = true, .elsewhere = true };

FIXTURE_SETUP(ops)
{
	uint32_t flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH | (variant->polled ? 0 : MMSB_SPACE_INLINE);
	uint32_t ring_flags = variant->polled ? MMSB_RING_POLLED : 0;
	struct mmsb_ring *maker;

	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = flags, .shards = 2),
				     &self->space));
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = ring_flags, .shard = 1,
							   .payload_bytes = 65536), &self->ring));
	ASSERT_EQ(0, mmsb_ring_open(self->space, MMSB_OPTS(struct mmsb_ring_opts, .flags = ring_flags,
							   .shard = variant->elsewhere ? 2 : 1), &maker));
	ASSERT_EQ(0, mmsb_create(maker, PAGE_BYTES, &self->page));
	mmsb_ring_close(maker);
	self->payload = mmsb_payload(self->ring, &self->payload_bytes);
	ASSERT_NE(NULL, self->payload);
	memset(self->bytes, 0, PAGE_BYTES);
	self->epoch = 0;
}

FIXTURE_TEARDOWN(ops)
{
	mmsb_ring_close(self->ring);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

/* The page is what it must be, by its bytes, its epoch and (in a slow guest now and then) its hash. */
static int differs(FIXTURE_DATA(ops) *self)
{
	static uint8_t found[PAGE_BYTES];
	uint64_t epoch, kept[2], fresh[2];
	static unsigned int looks;
	unsigned int i;

	if (mmsb_read(self->space, self->page, 0, found, PAGE_BYTES, &epoch) != PAGE_BYTES)
		return -1;
	for (i = 0; i < PAGE_BYTES; i++) {
		if (found[i] != self->bytes[i]) {
			printf("# byte %u is %#x and should be %#x\n", i, found[i], self->bytes[i]);
			return 1;
		}
	}
	if (epoch != self->epoch) {
		printf("# epoch is %llu and should be %llu\n", (unsigned long long)epoch, (unsigned long long)self->epoch);
		return 2;
	}
	if (looks++ % (home_is_kernel() ? 16 : 1))
		return 0;
	if (mmsb_hash(self->space, 0, kept, NULL) || mmsb_hash(self->space, MMSB_HASH_RECOMPUTE, fresh, NULL))
		return 3;
	return memcmp(kept, fresh, sizeof(kept)) ? 4 : 0;
}

/* Runs an entry that must succeed; `changes` says whether bytes change. The caller has put the outcome into self->bytes. */
static int succeeds(FIXTURE_DATA(ops) *self, struct mmsb_sqe sqe, bool changes)
{
	struct mmsb_cqe cqe = {};
	int ret;

	sqe.page = self->page;
	sqe.user_data = 0x1122334455667788;
	ret = run_entry(self->ring, &sqe, &cqe);
	if (ret || cqe.result) {
		printf("# ret %d result %d reason %s\n", ret, cqe.result, mmsb_reason_name(cqe.reason));
		return 10;
	}
	self->epoch += changes;
	if (cqe.user_data != sqe.user_data)
		return 11;
	if (cqe.epoch != self->epoch)
		return 12;
	if (cqe.flags != (changes ? 0 : MMSB_CQE_UNCHANGED))
		return 13;
	return differs(self);
}

/* Runs an entry that must fail for this reason and change nothing. */
static int fails(FIXTURE_DATA(ops) *self, struct mmsb_sqe sqe, enum mmsb_reason reason)
{
	struct mmsb_cqe cqe = {};
	int ret = run_entry(self->ring, &sqe, &cqe);

	if (ret || cqe.reason != reason || cqe.result >= 0) {
		printf("# ret %d result %d reason %s and not %s\n", ret, cqe.result, mmsb_reason_name(cqe.reason),
		       mmsb_reason_name(reason));
		return 20;
	}
	return differs(self);
}

static int set(FIXTURE_DATA(ops) *self, uint64_t offset, const void *bytes, size_t len)
{
	uint64_t epoch;

	memcpy(self->bytes + offset, bytes, len);
	if (mmsb_set(self->ring, self->page, offset, bytes, len, &epoch))
		return -1;
	self->epoch = epoch;
	return 0;
}

/* ------------------------------------------------------------------------------------------------------------ lanes */

static const unsigned int widths[MMSB_LANE_LAST] = { 1, 2, 4, 8, 1, 2, 4, 8 };

static const struct lane_case {
	enum mmsb_op op;
	enum mmsb_lane lane;
	uint64_t before, operand, after;
} lane_cases[] = {
	{ MMSB_OP_ADD, MMSB_LANE_U8, 0xff, 0x01, 0x00 },
	{ MMSB_OP_ADD, MMSB_LANE_U8, 0xff, 0xff, 0xfe },
	{ MMSB_OP_ADD, MMSB_LANE_U8, 0x12, 0x34, 0x46 },
	{ MMSB_OP_ADD, MMSB_LANE_U8, 0x12, 0x00, 0x12 },
	{ MMSB_OP_ADD, MMSB_LANE_I8, 0x7f, 0x01, 0x80 },
	{ MMSB_OP_ADD, MMSB_LANE_I8, 0x80, 0xff, 0x7f },
	{ MMSB_OP_ADD, MMSB_LANE_U16, 0xffff, 0x0001, 0x0000 },
	{ MMSB_OP_ADD, MMSB_LANE_U16, 0x00ff, 0x0001, 0x0100 },
	{ MMSB_OP_ADD, MMSB_LANE_I16, 0x7fff, 0x0001, 0x8000 },
	{ MMSB_OP_ADD, MMSB_LANE_U32, 0xffffffff, 0x00000001, 0x00000000 },
	{ MMSB_OP_ADD, MMSB_LANE_I32, 0x7fffffff, 0x00000001, 0x80000000 },
	{ MMSB_OP_ADD, MMSB_LANE_I32, 0xffffffff, 0x00000002, 0x00000001 },
	{ MMSB_OP_ADD, MMSB_LANE_U64, ~0ull, 1, 0 },
	{ MMSB_OP_ADD, MMSB_LANE_I64, 0x7fffffffffffffff, 1, 0x8000000000000000 },
	{ MMSB_OP_ADD, MMSB_LANE_I64, 0x8000000000000000, 0x8000000000000000, 0 },
	{ MMSB_OP_SUB, MMSB_LANE_U8, 0x00, 0x01, 0xff },
	{ MMSB_OP_SUB, MMSB_LANE_I8, 0x80, 0x01, 0x7f },
	{ MMSB_OP_SUB, MMSB_LANE_U16, 0x0000, 0x0001, 0xffff },
	{ MMSB_OP_SUB, MMSB_LANE_I16, 0x8000, 0x0001, 0x7fff },
	{ MMSB_OP_SUB, MMSB_LANE_U32, 0x00000000, 0x00000001, 0xffffffff },
	{ MMSB_OP_SUB, MMSB_LANE_I32, 0x80000000, 0x00000001, 0x7fffffff },
	{ MMSB_OP_SUB, MMSB_LANE_U64, 0, 1, ~0ull },
	{ MMSB_OP_SUB, MMSB_LANE_I64, 0x8000000000000000, 1, 0x7fffffffffffffff },
	{ MMSB_OP_SUB, MMSB_LANE_U64, 5, 5, 0 },
	{ MMSB_OP_MIN, MMSB_LANE_U8, 0x80, 0x7f, 0x7f },
	{ MMSB_OP_MIN, MMSB_LANE_I8, 0x80, 0x7f, 0x80 },
	{ MMSB_OP_MIN, MMSB_LANE_I8, 0x7f, 0x80, 0x80 },
	{ MMSB_OP_MIN, MMSB_LANE_U16, 0x8000, 0x7fff, 0x7fff },
	{ MMSB_OP_MIN, MMSB_LANE_I16, 0x0000, 0xffff, 0xffff },
	{ MMSB_OP_MIN, MMSB_LANE_U32, 0x80000000, 0x7fffffff, 0x7fffffff },
	{ MMSB_OP_MIN, MMSB_LANE_I32, 0x7fffffff, 0x80000000, 0x80000000 },
	{ MMSB_OP_MIN, MMSB_LANE_U64, 0x8000000000000000, 1, 1 },
	{ MMSB_OP_MIN, MMSB_LANE_I64, 1, 0x8000000000000000, 0x8000000000000000 },
	{ MMSB_OP_MIN, MMSB_LANE_U64, 3, 3, 3 },
	{ MMSB_OP_MAX, MMSB_LANE_U8, 0x80, 0x7f, 0x80 },
	{ MMSB_OP_MAX, MMSB_LANE_I8, 0x80, 0x7f, 0x7f },
	{ MMSB_OP_MAX, MMSB_LANE_U16, 0x7fff, 0x8000, 0x8000 },
	{ MMSB_OP_MAX, MMSB_LANE_I16, 0xffff, 0x0000, 0x0000 },
	{ MMSB_OP_MAX, MMSB_LANE_U32, 0x7fffffff, 0x80000000, 0x80000000 },
	{ MMSB_OP_MAX, MMSB_LANE_I32, 0x80000000, 0x7fffffff, 0x7fffffff },
	{ MMSB_OP_MAX, MMSB_LANE_U64, 1, ~0ull, ~0ull },
	{ MMSB_OP_MAX, MMSB_LANE_I64, ~0ull, 0, 0 },
	{ MMSB_OP_AND, MMSB_LANE_U8, 0xf0, 0x3c, 0x30 },
	{ MMSB_OP_AND, MMSB_LANE_I64, ~0ull, 0x00ff00ff00ff00ff, 0x00ff00ff00ff00ff },
	{ MMSB_OP_AND, MMSB_LANE_U32, 0x12345678, 0xffffffff, 0x12345678 },
	{ MMSB_OP_OR, MMSB_LANE_U16, 0xf000, 0x000f, 0xf00f },
	{ MMSB_OP_OR, MMSB_LANE_I32, 0x80000000, 0x00000001, 0x80000001 },
	{ MMSB_OP_OR, MMSB_LANE_U64, 0xff, 0x0f, 0xff },
	{ MMSB_OP_XOR, MMSB_LANE_U8, 0xff, 0xff, 0x00 },
	{ MMSB_OP_XOR, MMSB_LANE_I16, 0x1234, 0x0000, 0x1234 },
	{ MMSB_OP_XOR, MMSB_LANE_U64, 0xaaaaaaaaaaaaaaaa, ~0ull, 0x5555555555555555 },
	{ MMSB_OP_FILL, MMSB_LANE_U8, 0x11, 0x22, 0x22 },
	{ MMSB_OP_FILL, MMSB_LANE_I32, 0, 0xdeadbeef, 0xdeadbeef },
	{ MMSB_OP_FILL, MMSB_LANE_U64, 7, 7, 7 },
};

/* One lane between neighbours that must stay as they are. */
TEST_F(ops, lane)
{
	uint8_t around[32];
	unsigned int i;

	memset(around, 0xa5, sizeof(around));
	for (i = 0; i < sizeof(lane_cases) / sizeof(*lane_cases); i++) {
		const struct lane_case *c = &lane_cases[i];
		struct mmsb_sqe sqe = { .op = c->op, .lane = c->lane, .len = widths[c->lane], .offset = 4096 + 16 };

		ASSERT_EQ(0, set(self, 4096, around, sizeof(around)));
		ASSERT_EQ(0, set(self, 4096 + 16, &c->before, widths[c->lane]));
		sqe.word[0] = c->operand;
		memcpy(self->bytes + 4096 + 16, &c->after, widths[c->lane]);
		ASSERT_EQ(0, succeeds(self, sqe, c->before != c->after)) {
			TH_LOG("case %u: op %u lane %u", i, c->op, c->lane);
		}
	}
}

static uint64_t lane_at(const uint8_t *at, enum mmsb_lane lane)
{
	uint64_t value = 0;

	memcpy(&value, at, widths[lane]);
	if (lane >= MMSB_LANE_I8 && widths[lane] < 8 && value >> (8 * widths[lane] - 1))
		value -= 1ull << (8 * widths[lane]);
	return value;
}

static uint64_t combined(enum mmsb_op op, enum mmsb_lane lane, uint64_t a, uint64_t b)
{
	bool is_signed = lane >= MMSB_LANE_I8, b_less = is_signed ? (int64_t)b < (int64_t)a : b < a;

	switch (op) {
	case MMSB_OP_ADD: return a + b;
	case MMSB_OP_SUB: return a - b;
	case MMSB_OP_MIN: return b_less ? b : a;
	case MMSB_OP_MAX: return b_less ? a : b;
	case MMSB_OP_AND: return a & b;
	case MMSB_OP_OR: return a | b;
	case MMSB_OP_XOR: return a ^ b;
	default: return b;
	}
}

/* Many lanes at once, of every type, by payload and by one operand for all, at lengths around what vector code likes. */
TEST_F(ops, lanes)
{
	static const unsigned int counts[] = { 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 513 };
	struct rng rng = { .state = 42 };
	enum mmsb_lane lane;
	enum mmsb_op op;
	unsigned int i, j;
	int splat;

	for (op = MMSB_OP_FILL; op <= MMSB_OP_XOR; op++) {
		for (lane = 0; lane < MMSB_LANE_LAST; lane++) {
			for (i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
				unsigned int width = widths[lane], len = counts[i] * width;
				uint64_t offset = width * rng_below(&rng, 300);
				struct mmsb_sqe sqe = { .op = op, .lane = lane, .len = len, .offset = offset };
				uint8_t *operand = self->payload + 64, before[8 * 513];

				splat = op != MMSB_OP_FILL && rng_once_in(&rng, 2);
				rng_fill(&rng, operand, len);
				if (op == MMSB_OP_FILL || (splat && rng_once_in(&rng, 2))) {
					memcpy(sqe.operand, operand, width);
				} else {
					sqe.flags = MMSB_SQE_PAYLOAD;
					sqe.payload = 64;
				}
				if (splat)
					sqe.flags |= MMSB_SQE_SPLAT;
				memcpy(before, self->bytes + offset, len);
				for (j = 0; j < len; j += width) {
					uint64_t b = lane_at(operand + (splat || op == MMSB_OP_FILL ? 0 : j), lane);
					uint64_t a = lane_at(self->bytes + offset + j, lane);

					a = combined(op, lane, a, b);
					memcpy(self->bytes + offset + j, &a, width);
				}
				ASSERT_EQ(0, succeeds(self, sqe, memcmp(before, self->bytes + offset, len) != 0)) {
					TH_LOG("op %u lane %u len %u offset %u splat %d", op, lane, len,
					       (unsigned int)offset, splat);
				}
			}
		}
	}
}

/* ------------------------------------------------------------------------------------------------------ set and masks */

TEST_F(ops, set_lengths)
{
	static const unsigned int lens[] = { 1, 2, 3, 7, 8, 9, 15, 16, 17, 23, 24, 25, 63, 64, 65, 127, 128, 1000, 4096, PAGE_BYTES };
	struct rng rng = { .state = 7 };
	unsigned int i;

	for (i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		unsigned int len = lens[i];
		struct mmsb_sqe sqe = { .op = MMSB_OP_SET, .len = len, .offset = rng_below(&rng, PAGE_BYTES - len + 1) };

		rng_fill(&rng, self->payload, len);
		self->payload[0] = self->bytes[sqe.offset] + 1;
		if (len <= MMSB_INLINE_MAX)
			memcpy(sqe.operand, self->payload, len);
		else
			sqe.flags = MMSB_SQE_PAYLOAD;
		memcpy(self->bytes + sqe.offset, self->payload, len);
		ASSERT_EQ(0, succeeds(self, sqe, true));
		ASSERT_EQ(0, succeeds(self, sqe, false));
	}
}

/* Puts a mask and its bytes at `to` and the outcome into `bytes`; returns the bytes of operand. */
static size_t make_mask(struct rng *rng, bool sparse, unsigned int bits, unsigned int density, uint8_t *to, uint8_t *bytes)
{
	size_t mask = (bits + 63) / 64 * 8, at = mask;
	unsigned int i;

	memset(to, 0, mask);
	for (i = 0; i < bits; i++) {
		bool chosen = rng_below(rng, 100) < density;
		uint8_t byte = rng_next(rng);

		if (chosen) {
			to[i / 8] |= 1 << (i % 8);
			bytes[i] = byte;
		}
		if (chosen || !sparse)
			to[at++] = byte;
	}
	return at;
}

TEST_F(ops, masks)
{
	static const unsigned int lens[] = { 1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 127, 128, 129, 191, 192, 255, 256, 257, 511, 1000,
					     4095, 4096, 4097, 5000 };
	static const unsigned int densities[] = { 0, 1, 50, 99, 100 };
	struct rng rng = { .state = 9 };
	unsigned int i, j, sparse;
	static uint8_t before[PAGE_BYTES];

	for (i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		for (j = 0; j < sizeof(densities) / sizeof(*densities); j++) {
			for (sparse = 0; sparse < 2; sparse++) {
				struct mmsb_sqe sqe = { .len = lens[i] };
				size_t need;

				sqe.op = sparse ? MMSB_OP_MASK_SPARSE : MMSB_OP_MASK;
				sqe.offset = rng_below(&rng, PAGE_BYTES - lens[i] + 1);
				memcpy(before, self->bytes, PAGE_BYTES);
				need = make_mask(&rng, sparse, lens[i], densities[j], self->payload, self->bytes + sqe.offset);
				if (need <= MMSB_INLINE_MAX && rng_once_in(&rng, 2))
					memcpy(sqe.operand, self->payload, need);
				else
					sqe.flags = MMSB_SQE_PAYLOAD;
				ASSERT_EQ(0, succeeds(self, sqe, memcmp(before, self->bytes, PAGE_BYTES) != 0)) {
					TH_LOG("%u bits, density %u, sparse %u", lens[i], densities[j], sparse);
				}
			}
		}
	}
}

/* Bits of the padding name no byte. */
TEST_F(ops, mask_padding)
{
	struct mmsb_sqe sqe = { .op = MMSB_OP_MASK, .len = 3 };

	memset(sqe.operand, 0xff, 8);
	memcpy(sqe.operand + 8, "abcdefghijklmnop", 16);
	memcpy(self->bytes, "abc", 3);
	ASSERT_EQ(0, succeeds(self, sqe, true));
	memcpy(self->bytes, "xyz", 3);
	memcpy(sqe.operand + 8, "xyzdefghijklmnop", 16);
	sqe.op = MMSB_OP_MASK_SPARSE;
	ASSERT_EQ(0, succeeds(self, sqe, true));
}

/* ----------------------------------------------------------------------------------------------------- cas and append */

TEST_F(ops, cas)
{
	struct mmsb_sqe sqe = { .op = MMSB_OP_CAS, .len = 12, .offset = 5 };

	memcpy(sqe.operand + 12, "hello, world", 12);
	memcpy(self->bytes + 5, "hello, world", 12);
	ASSERT_EQ(0, succeeds(self, sqe, true));
	sqe.page = self->page;
	ASSERT_EQ(0, fails(self, sqe, MMSB_REASON_BYTES_DIFFER));
	memcpy(sqe.operand, "hello, world", 12);
	ASSERT_EQ(0, succeeds(self, sqe, false));
	sqe.operand[11] ^= 1;
	ASSERT_EQ(0, fails(self, sqe, MMSB_REASON_BYTES_DIFFER));

	sqe = (struct mmsb_sqe){ .op = MMSB_OP_CAS, .len = 5000, .offset = 1, .flags = MMSB_SQE_PAYLOAD, .payload = 8 };
	memcpy(self->payload + 8, self->bytes + 1, 5000);
	memset(self->payload + 8 + 5000, 0x77, 5000);
	memset(self->bytes + 1, 0x77, 5000);
	ASSERT_EQ(0, succeeds(self, sqe, true));
	sqe.page = self->page;
	ASSERT_EQ(0, fails(self, sqe, MMSB_REASON_BYTES_DIFFER));
}

TEST_F(ops, cas_epoch)
{
	uint64_t epoch;

	ASSERT_EQ(0, mmsb_cas_epoch(self->ring, self->page, 0, 0, "a", 1, &epoch));
	ASSERT_EQ(1, epoch);
	ASSERT_EQ(-ECANCELED, mmsb_cas_epoch(self->ring, self->page, 0, 0, "b", 1, NULL));
	ASSERT_EQ(0, mmsb_cas_epoch(self->ring, self->page, 1, 0, "b", 1, &epoch));
	ASSERT_EQ(2, epoch);
	self->bytes[0] = 'b';
	self->epoch = 2;
	ASSERT_EQ(0, differs(self));
}

/* "Only if the epoch is E" on every operation that has a page; on those of the graph, see graph.c. */
TEST_F(ops, if_epoch)
{
	enum mmsb_op op;

	for (op = MMSB_OP_DESTROY; op < MMSB_OP_DERIVE; op++) {
		struct mmsb_sqe sqe = { .op = op, .flags = MMSB_SQE_IF_EPOCH, .page = self->page, .len = 1 };

		if (op == MMSB_OP_DESTROY)
			sqe.len = 0;
		sqe.epoch = self->epoch + 1;
		ASSERT_EQ(0, fails(self, sqe, MMSB_REASON_EPOCH_DIFFERS)) {
			TH_LOG("op %u", op);
		}
		sqe.epoch = ~0ull;
		ASSERT_EQ(0, fails(self, sqe, MMSB_REASON_EPOCH_DIFFERS));
		if (op == MMSB_OP_DESTROY)
			continue;
		sqe.epoch = self->epoch;
		if (op == MMSB_OP_APPEND) {
			self->bytes[0]++;
			ASSERT_EQ(0, succeeds(self, sqe, true));
		} else {
			ASSERT_EQ(0, succeeds(self, sqe, false));
		}
	}
}

TEST_F(ops, append)
{
	const uint64_t offset = PAGE_BYTES - 8 - 104;
	struct mmsb_sqe sqe = { .op = MMSB_OP_APPEND, .page = self->page, .offset = offset, .len = 24 };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		memset(sqe.operand, 'a' + i, 24);
		memset(self->bytes + offset + 8 + 24 * i, 'a' + i, 24);
		self->bytes[offset] += 24;
		ASSERT_EQ(0, succeeds(self, sqe, true));
	}
	ASSERT_EQ(0, fails(self, sqe, MMSB_REASON_APPEND_FULL));
	sqe.len = 9;
	ASSERT_EQ(0, fails(self, sqe, MMSB_REASON_APPEND_FULL));
	sqe.len = 8;
	memset(self->bytes + offset + 8 + 96, 'd', 8);
	self->bytes[offset] += 8;
	ASSERT_EQ(0, succeeds(self, sqe, true));
	sqe.len = 1;
	ASSERT_EQ(0, fails(self, sqe, MMSB_REASON_APPEND_FULL));
}

TEST_F(ops, append_cursor)
{
	static const uint64_t cursors[] = { PAGE_BYTES - 7, PAGE_BYTES, 1ull << 32, ~0ull, ~0ull - 7, 1ull << 63 };
	struct mmsb_sqe sqe = { .op = MMSB_OP_APPEND, .page = self->page, .len = 1 };
	uint64_t last = PAGE_BYTES - 8;
	unsigned int i;

	for (i = 0; i < sizeof(cursors) / sizeof(*cursors); i++) {
		ASSERT_EQ(0, set(self, 0, &cursors[i], 8));
		ASSERT_EQ(0, fails(self, sqe, MMSB_REASON_APPEND_CURSOR));
	}
	ASSERT_EQ(0, set(self, 0, &last, 8));
	ASSERT_EQ(0, fails(self, sqe, MMSB_REASON_APPEND_FULL));
	sqe.offset = PAGE_BYTES - 8;
	ASSERT_EQ(0, fails(self, sqe, MMSB_REASON_APPEND_FULL));
	sqe.offset = PAGE_BYTES;
	ASSERT_EQ(0, fails(self, sqe, MMSB_REASON_OUT_OF_PAGE));
}

/* ------------------------------------------------------------------------------------------------------------ refusals */

#define BIG (1ull << 40)
static const struct refusal {
	const char *name;
	enum mmsb_reason reason;
	struct mmsb_sqe sqe;	/* page 0 stands for the fixture's page unless no_page */
	bool no_page;
} refusals[] = {
	{ "op beyond the last", MMSB_REASON_BAD_OP, { .op = MMSB_OP_LAST, .len = 1 } },
	{ "op 255", MMSB_REASON_BAD_OP, { .op = 255, .len = 1 } },
	{ "unknown flag", MMSB_REASON_BAD_FLAGS, { .op = MMSB_OP_SET, .len = 1, .flags = MMSB_SQE_KNOWN + 1 } },
	{ "highest flag", MMSB_REASON_BAD_FLAGS, { .op = MMSB_OP_SET, .len = 1, .flags = 0x8000 } },
	{ "AT on set", MMSB_REASON_BAD_FLAGS, { .op = MMSB_OP_SET, .len = 1, .flags = MMSB_SQE_AT } },
	{ "splat on set", MMSB_REASON_BAD_FLAGS, { .op = MMSB_OP_SET, .len = 1, .flags = MMSB_SQE_SPLAT } },
	{ "payload on nop", MMSB_REASON_BAD_FLAGS, { .op = MMSB_OP_NOP, .flags = MMSB_SQE_PAYLOAD }, true },
	{ "payload on destroy", MMSB_REASON_BAD_FLAGS, { .op = MMSB_OP_DESTROY, .flags = MMSB_SQE_PAYLOAD } },
	{ "if-epoch on fence", MMSB_REASON_BAD_FLAGS, { .op = MMSB_OP_FENCE, .flags = MMSB_SQE_IF_EPOCH }, true },
	{ "unknown lane", MMSB_REASON_BAD_LANE, { .op = MMSB_OP_ADD, .lane = MMSB_LANE_LAST, .len = 8 } },
	{ "lane 255", MMSB_REASON_BAD_LANE, { .op = MMSB_OP_FILL, .lane = 255, .len = 8 } },
	{ "lane on set", MMSB_REASON_BAD_RESERVED, { .op = MMSB_OP_SET, .lane = 1, .len = 1 } },
	{ "epoch without if-epoch", MMSB_REASON_BAD_RESERVED, { .op = MMSB_OP_SET, .len = 1, .epoch = 1 } },
	{ "words behind payload", MMSB_REASON_BAD_RESERVED,
	  { .op = MMSB_OP_SET, .len = 1, .flags = MMSB_SQE_PAYLOAD, .word = { 0, 1, 0 } } },
	{ "last word behind payload", MMSB_REASON_BAD_RESERVED,
	  { .op = MMSB_OP_SET, .len = 1, .flags = MMSB_SQE_PAYLOAD, .word = { 0, 0, 1 } } },
	{ "nop with a page", MMSB_REASON_BAD_RESERVED, { .op = MMSB_OP_NOP } },
	{ "nop with a length", MMSB_REASON_BAD_RESERVED, { .op = MMSB_OP_NOP, .len = 1 }, true },
	{ "fence with an offset", MMSB_REASON_BAD_RESERVED, { .op = MMSB_OP_FENCE, .offset = 1 }, true },
	{ "create with a page", MMSB_REASON_BAD_RESERVED, { .op = MMSB_OP_CREATE, .len = 64 } },
	{ "create with an offset", MMSB_REASON_BAD_RESERVED, { .op = MMSB_OP_CREATE, .len = 64, .offset = 8 }, true },
	{ "destroy with a length", MMSB_REASON_BAD_RESERVED, { .op = MMSB_OP_DESTROY, .len = 1 } },
	{ "no length", MMSB_REASON_BAD_LENGTH, { .op = MMSB_OP_SET } },
	{ "25 bytes inline", MMSB_REASON_BAD_LENGTH, { .op = MMSB_OP_SET, .len = 25 } },
	{ "26 bytes of cas inline", MMSB_REASON_BAD_LENGTH, { .op = MMSB_OP_CAS, .len = 13 } },
	{ "17 bits of dense mask inline", MMSB_REASON_BAD_LENGTH, { .op = MMSB_OP_MASK, .len = 17 } },
	{ "193 bits of sparse mask inline", MMSB_REASON_BAD_LENGTH, { .op = MMSB_OP_MASK_SPARSE, .len = 193 } },
	{ "32 bytes of lanes inline", MMSB_REASON_BAD_LENGTH, { .op = MMSB_OP_ADD, .lane = MMSB_LANE_U64, .len = 32 } },
	{ "16 MiB and one", MMSB_REASON_TOO_LONG,
	  { .op = MMSB_OP_FILL, .lane = MMSB_LANE_U8, .len = MMSB_DELTA_MAX + 1 } },
	{ "4 GiB", MMSB_REASON_TOO_LONG, { .op = MMSB_OP_SET, .len = ~0u, .flags = MMSB_SQE_PAYLOAD } },
	{ "offset not of the lane", MMSB_REASON_BAD_ALIGN, { .op = MMSB_OP_ADD, .lane = MMSB_LANE_U32, .len = 4, .offset = 2 } },
	{ "length not of the lane", MMSB_REASON_BAD_ALIGN, { .op = MMSB_OP_FILL, .lane = MMSB_LANE_U16, .len = 3 } },
	{ "cursor not of 8", MMSB_REASON_BAD_ALIGN, { .op = MMSB_OP_APPEND, .len = 1, .offset = 4 } },
	{ "payload not of 8", MMSB_REASON_BAD_ALIGN, { .op = MMSB_OP_SET, .len = 1, .flags = MMSB_SQE_PAYLOAD, .payload = 4 } },
	{ "payload at its end", MMSB_REASON_OUT_OF_PAYLOAD,
	  { .op = MMSB_OP_SET, .len = 1, .flags = MMSB_SQE_PAYLOAD, .payload = 65536 } },
	{ "payload across its end", MMSB_REASON_OUT_OF_PAYLOAD,
	  { .op = MMSB_OP_SET, .len = 9, .flags = MMSB_SQE_PAYLOAD, .payload = 65536 - 8 } },
	{ "payload that wraps", MMSB_REASON_OUT_OF_PAYLOAD,
	  { .op = MMSB_OP_SET, .len = 64, .flags = MMSB_SQE_PAYLOAD, .payload = ~0ull - 7 } },
	{ "mask across the payload's end", MMSB_REASON_OUT_OF_PAYLOAD,
	  { .op = MMSB_OP_MASK_SPARSE, .len = 65, .flags = MMSB_SQE_PAYLOAD, .payload = 65536 - 8 } },
	{ "offset at the end", MMSB_REASON_OUT_OF_PAGE, { .op = MMSB_OP_SET, .len = 1, .offset = PAGE_BYTES } },
	{ "across the end", MMSB_REASON_OUT_OF_PAGE, { .op = MMSB_OP_SET, .len = 2, .offset = PAGE_BYTES - 1 } },
	{ "offset that wraps", MMSB_REASON_OUT_OF_PAGE, { .op = MMSB_OP_SET, .len = 8, .offset = ~0ull - 7 } },
	{ "offset of 2^63", MMSB_REASON_OUT_OF_PAGE, { .op = MMSB_OP_ADD, .lane = MMSB_LANE_U64, .len = 8, .offset = 1ull << 63 } },
	{ "lanes across the end", MMSB_REASON_OUT_OF_PAGE,
	  { .op = MMSB_OP_FILL, .lane = MMSB_LANE_U8, .len = PAGE_BYTES + 1 } },
	{ "append beyond the end", MMSB_REASON_OUT_OF_PAGE, { .op = MMSB_OP_APPEND, .len = 1, .offset = ~0ull - 7 } },
	{ "page of 63 bytes", MMSB_REASON_BAD_SIZE, { .op = MMSB_OP_CREATE, .len = 63 }, true },
	{ "page of 1 GiB and one", MMSB_REASON_BAD_SIZE, { .op = MMSB_OP_CREATE, .len = MMSB_PAGE_MAX + 1 }, true },
	{ "page 0", MMSB_REASON_NO_PAGE, { .op = MMSB_OP_SET, .len = 1 }, true },
	{ "page never made", MMSB_REASON_NO_PAGE, { .op = MMSB_OP_SET, .len = 1, .page = MMSB_PAGE_ID(1, 1000) }, true },
	{ "page beyond all", MMSB_REASON_NO_PAGE, { .op = MMSB_OP_SET, .len = 1, .page = ~0ull }, true },
	{ "destroy of no page", MMSB_REASON_NO_PAGE, { .op = MMSB_OP_DESTROY, .page = MMSB_PAGE_ID(9, ~0u) }, true },
};

TEST_F(ops, refusals)
{
	unsigned int i;

	ASSERT_EQ(0, set(self, 0, "0123456789", 10));
	memset(self->payload, 0xff, self->payload_bytes);
	for (i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		struct mmsb_sqe sqe = refusals[i].sqe;

		if (!refusals[i].no_page)
			sqe.page = self->page;
		EXPECT_EQ(0, fails(self, sqe, refusals[i].reason)) {
			TH_LOG("%s", refusals[i].name);
		}
		/* quiet entries complete all the same when they fail */
		sqe.flags |= MMSB_SQE_QUIET;
		EXPECT_EQ(0, fails(self, sqe, refusals[i].reason)) {
			TH_LOG("%s, quiet", refusals[i].name);
		}
	}
}

/* What a completion says of a refused delta: no epoch where there is no page, the page's where there is one. */
TEST_F(ops, refusal_epoch)
{
	struct mmsb_cqe cqe = {};

	ASSERT_EQ(0, set(self, 0, "x", 1));
	ASSERT_EQ(0, run_op(self->ring, &cqe, .op = MMSB_OP_SET, .len = 1, .page = MMSB_PAGE_ID(1, 4000)));
	EXPECT_EQ(0, cqe.epoch);
	ASSERT_EQ(0, run_op(self->ring, &cqe, .op = MMSB_OP_SET, .len = 1, .page = self->page, .offset = PAGE_BYTES));
	EXPECT_EQ(1, cqe.epoch);
	ASSERT_EQ(0, run_op(self->ring, &cqe, .op = MMSB_OP_SET, .len = 1, .page = self->page, .flags = MMSB_SQE_IF_EPOCH));
	EXPECT_EQ(1, cqe.epoch);
}

TEST_HARNESS_MAIN
