// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ABI as it was published: sizes, offsets and numbers are written down here a second time, so that a change of the header
 * breaks this build; and what the ioctls of the kernel home do with arguments of other sizes, unknown bits and plain garbage.
 */
#include <mmsb/abi.h>
#include <mmsb/log.h>
#include <mmsb/reasons.h>
#include <mmsb/verify.h>
#include <mmsb/timing.h>
#if __STDC_HOSTED__
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "common/harness.h"
#include "common/home.h"
#else				/* for 32 bits (m32/): the layouts are all that can be looked at */
#include <stddef.h>
#endif

#define SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), #type " has another size")
#define PLACE(type, field, at) _Static_assert(offsetof(struct type, field) == (at), #type "." #field " is elsewhere")
#define VALUE(name, value) _Static_assert((name) == (value), #name " has another value")

SIZE(mmsb_line, 64);
PLACE(mmsb_line, seq, 0);
PLACE(mmsb_line, epoch, 8);
PLACE(mmsb_line, tick, 16);
PLACE(mmsb_line, place, 24);
PLACE(mmsb_line, size, 32);
PLACE(mmsb_line, generation, 36);
PLACE(mmsb_line, kind, 40);
SIZE(mmsb_space_page, 128);
PLACE(mmsb_space_page, directory_bytes, 8);
PLACE(mmsb_space_page, arena_bytes, 16);
PLACE(mmsb_space_page, max_pages, 24);
PLACE(mmsb_space_page, incarnation, 32);
PLACE(mmsb_space_page, tick, 64);
SIZE(mmsb_sqe, 64);
SIZE(mmsb_limits_args, 32);
SIZE(mmsb_timing_args, 4056);
PLACE(mmsb_timing_args, layer, 8);
PLACE(mmsb_timing_args, on, 16);
PLACE(mmsb_timing_args, count, 24);
PLACE(mmsb_timing_args, p999, 80);
PLACE(mmsb_timing_args, bucket, 88);
PLACE(mmsb_sqe, op, 0);
PLACE(mmsb_sqe, lane, 1);
PLACE(mmsb_sqe, flags, 2);
PLACE(mmsb_sqe, len, 4);
PLACE(mmsb_sqe, page, 8);
PLACE(mmsb_sqe, offset, 16);
PLACE(mmsb_sqe, user_data, 24);
PLACE(mmsb_sqe, epoch, 32);
PLACE(mmsb_sqe, operand, 40);
PLACE(mmsb_sqe, payload, 40);
SIZE(mmsb_cqe, 32);
PLACE(mmsb_cqe, user_data, 0);
PLACE(mmsb_cqe, result, 8);
PLACE(mmsb_cqe, flags, 12);
PLACE(mmsb_cqe, reason, 14);
PLACE(mmsb_cqe, epoch, 16);
PLACE(mmsb_cqe, tick, 24);
SIZE(mmsb_ring_engine, 256);
PLACE(mmsb_ring_engine, sq_head, 0);
PLACE(mmsb_ring_engine, cq_tail, 64);
PLACE(mmsb_ring_engine, flags, 128);
PLACE(mmsb_ring_engine, reason, 132);
PLACE(mmsb_ring_engine, taken, 192);
PLACE(mmsb_ring_engine, failed, 200);
PLACE(mmsb_ring_engine, stalls, 208);
SIZE(mmsb_ring_client, 128);
PLACE(mmsb_ring_client, sq_tail, 0);
PLACE(mmsb_ring_client, cq_head, 64);
SIZE(mmsb_info_args, 80);
SIZE(mmsb_space_open_args, 112);
PLACE(mmsb_space_open_args, name, 8);
PLACE(mmsb_space_open_args, mode, 72);
PLACE(mmsb_space_open_args, max_pages, 80);
PLACE(mmsb_space_open_args, reason, 100);
SIZE(mmsb_space_info_args, 248);
PLACE(mmsb_space_info_args, name, 24);
PLACE(mmsb_space_info_args, pages, 112);
PLACE(mmsb_space_info_args, derived, 176);
PLACE(mmsb_space_info_args, meetings, 224);
PLACE(mmsb_space_info_args, shared, 232);
PLACE(mmsb_space_info_args, audit, 240);
SIZE(mmsb_audit_args, 16);
PLACE(mmsb_audit_args, every, 8);
SIZE(mmsb_space_remove_args, 72);
SIZE(mmsb_ring_open_args, 72);
PLACE(mmsb_ring_open_args, payload_bytes, 16);
PLACE(mmsb_ring_open_args, source, 32);
PLACE(mmsb_ring_open_args, payload_offset, 56);
PLACE(mmsb_ring_open_args, reason, 64);
SIZE(mmsb_enter_args, 24);
SIZE(mmsb_hash_args, 32);
SIZE(mmsb_wait_args, 40);
SIZE(mmsb_finding, 40);
SIZE(mmsb_verify_args, 416);
PLACE(mmsb_verify_args, findings, 40);
PLACE(mmsb_verify_args, finding, 96);
SIZE(mmsb_snapshot_entry, 40);
SIZE(mmsb_snapshot_args, 64);
SIZE(mmsb_edge, 24);
PLACE(mmsb_edge, weight, 8);
PLACE(mmsb_edge, type, 16);
SIZE(mmsb_derive, 48);
PLACE(mmsb_derive, edges, 8);
PLACE(mmsb_derive, flags, 12);
PLACE(mmsb_derive, lane, 14);
PLACE(mmsb_derive, param, 16);
SIZE(mmsb_node, 112);
SIZE(mmsb_record, 16);
SIZE(mmsb_origin, 16);
SIZE(mmsb_delta_record, 104);
PLACE(mmsb_delta_record, sqe, 40);
SIZE(mmsb_word, 24);
SIZE(mmsb_words_record, 32);
PLACE(mmsb_word, word, 8);
PLACE(mmsb_word, offset, 16);
PLACE(mmsb_word, op, 20);
PLACE(mmsb_word, flags, 23);
SIZE(mmsb_hash_record, 40);
SIZE(mmsb_image, 72);
PLACE(mmsb_node, signature, 16);
PLACE(mmsb_node, param, 32);
PLACE(mmsb_node, kind, 64);
PLACE(mmsb_node, height, 88);
SIZE(mmsb_graph_args, 72);
PLACE(mmsb_graph_args, cursor, 24);
PLACE(mmsb_graph_args, count, 48);
PLACE(mmsb_graph_args, tick, 64);
SIZE(mmsb_event, 32);
PLACE(mmsb_event, epoch, 8);
PLACE(mmsb_event, tick, 16);
PLACE(mmsb_event, what, 24);
PLACE(mmsb_event, kind, 25);
SIZE(mmsb_events_engine, 128);
PLACE(mmsb_events_engine, tail, 0);
PLACE(mmsb_events_engine, flags, 64);
PLACE(mmsb_events_engine, reason, 68);
PLACE(mmsb_events_engine, lost, 72);
SIZE(mmsb_events_client, 64);
SIZE(mmsb_events_open_args, 40);
PLACE(mmsb_events_open_args, engine_bytes, 16);
PLACE(mmsb_events_open_args, reason, 32);
SIZE(mmsb_events_filter_args, 32);
PLACE(mmsb_events_filter_args, pages, 16);
PLACE(mmsb_events_filter_args, tick, 24);

VALUE(MMSB_ABI_VERSION, 1);
VALUE(MMSB_OP_NOP, 0);
VALUE(MMSB_OP_CREATE, 2);
VALUE(MMSB_OP_SET, 4);
VALUE(MMSB_OP_FILL, 7);
VALUE(MMSB_OP_ADD, 8);
VALUE(MMSB_OP_XOR, 14);
VALUE(MMSB_OP_CAS, 15);
VALUE(MMSB_OP_APPEND, 16);
VALUE(MMSB_OP_DERIVE, 17);
VALUE(MMSB_OP_REFRESH, 21);
VALUE(MMSB_OP_LOAD, 23);
VALUE(MMSB_OP_WORDS, 24);
VALUE(MMSB_LANE_U64, 3);
VALUE(MMSB_LANE_I64, 7);
VALUE(MMSB_SQE_AT, 16);
VALUE(MMSB_SQE_DETACH, 32);
VALUE(MMSB_LINE_STALE, 128);
VALUE(MMSB_LINE_RETIRED, 2);
VALUE(MMSB_RULE_ADD_MUL, 4);
VALUE(MMSB_RULE_HASH, 15);
VALUE(MMSB_LANE_F64, 9);
VALUE(MMSB_RING_HEADER, 4096);
VALUE(MMSB_MAP_SPACE, 1ull << 39);
VALUE(MMSB_MAP_ARENA, 1ull << 40);
VALUE(MMSB_MAP_RING_CLIENT, 1ull << 32);
VALUE(MMSB_IOC_SPACE_OPEN, 0xbb01);
VALUE(MMSB_IOC_RING_OPEN, 0xbb11);
VALUE(MMSB_IOC_ENTER, 0xbb20);
VALUE(MMSB_IOC_SNAPSHOT, 0xbb21);
VALUE(MMSB_IOC_GRAPH, 0xbb22);
VALUE(MMSB_IOC_EVENTS_OPEN, 0xbb15);
VALUE(MMSB_IOC_EVENTS_FILTER, 0xbb30);
VALUE(MMSB_IOC_LOG_CAPTURE, 0xbb41);
VALUE(MMSB_RECORD_CAPTURED, 9);
VALUE(MMSB_RECORD_FAILED, 4);
VALUE(MMSB_IMAGE_PIECE, 1 << 20);
VALUE(MMSB_IMAGE_EDGES, 16);
VALUE(MMSB_IMAGE_AGAIN, 32);
VALUE(MMSB_EVENT_CHANGED, 2);
VALUE(MMSB_EVENT_LOST, 7);
VALUE(MMSB_REASON_BAD_OP, 1);
VALUE(MMSB_REASON_STALE_PAGE, 11);
VALUE(MMSB_REASON_NO_MEMORY, 17);
VALUE(MMSB_REASON_SQ_INDEX, 23);
VALUE(MMSB_REASON_SPACE_GONE, 38);
VALUE(MMSB_REASON_IS_DERIVED, 39);
VALUE(MMSB_REASON_TOO_MANY_CHILDREN, 52);

#if __STDC_HOSTED__

TEST(versions)
{
	struct mmsb_info_args info = { .size = sizeof(info) };
	struct mmsb *mmsb;
	unsigned int i, k;

	EXPECT_STREQ("0.1.0", mmsb_version());
	ASSERT_EQ(0, mmsb_open(&mmsb, NULL));
	ASSERT_EQ(0, mmsb_info(mmsb, &info));
	EXPECT_EQ(MMSB_ABI_VERSION, info.abi);
	EXPECT_NE(0, info.features & MMSB_FEATURE_POLLED);
	EXPECT_NE(0, info.features & MMSB_FEATURE_SNAPSHOT);
	EXPECT_STREQ(home_is_kernel() ? "kernel" : "embedded", mmsb_home(mmsb));
	mmsb_close(mmsb);
	for (i = 0; i < MMSB_REASON_LAST; i++) {
		EXPECT_LT(3, strlen(mmsb_reason_text(i)));
		for (k = 0; k < i; k++)
			EXPECT_NE(0, strcmp(mmsb_reason_name(i), mmsb_reason_name(k)));
	}
	EXPECT_NE(NULL, mmsb_reason_text(MMSB_REASON_LAST));
	EXPECT_NE(NULL, mmsb_reason_name(60000));
}

/* Options of a library call by their size, as old and new programs have them. */
TEST(options)
{
	struct { struct mmsb_open_opts opts; char more[16]; } longer = { .opts.size = sizeof(longer) };
	struct mmsb_open_opts opts = { .size = 4 };
	struct mmsb *mmsb = NULL;

	EXPECT_EQ(-EINVAL, mmsb_open(&mmsb, &opts));
	opts.size = sizeof(size_t);
	ASSERT_EQ(0, mmsb_open(&mmsb, &opts));
	mmsb_close(mmsb);
	ASSERT_EQ(0, mmsb_open(&mmsb, &longer.opts));
	mmsb_close(mmsb);
	longer.more[15] = 1;
	EXPECT_EQ(-E2BIG, mmsb_open(&mmsb, &longer.opts));
	EXPECT_EQ(-EINVAL, mmsb_open(&mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = "castle")));
}

/* ----------------------------------------------------------------------------------------- ioctls of the kernel home */

enum { ON_DEVICE, ON_SPACE, ON_RING, PLACES };

static const struct call {
	unsigned long number;
	unsigned int on, bytes;
} calls[] = {
	{ MMSB_IOC_INFO, ON_DEVICE, sizeof(struct mmsb_info_args) },
	{ MMSB_IOC_SPACE_OPEN, ON_DEVICE, sizeof(struct mmsb_space_open_args) },
	{ MMSB_IOC_SPACE_NEXT, ON_DEVICE, sizeof(struct mmsb_space_info_args) },
	{ MMSB_IOC_SPACE_REMOVE, ON_DEVICE, sizeof(struct mmsb_space_remove_args) },
	{ MMSB_IOC_SPACE_INFO, ON_SPACE, sizeof(struct mmsb_space_info_args) },
	{ MMSB_IOC_RING_OPEN, ON_SPACE, sizeof(struct mmsb_ring_open_args) },
	{ MMSB_IOC_HASH, ON_SPACE, sizeof(struct mmsb_hash_args) },
	{ MMSB_IOC_LIMITS, ON_SPACE, sizeof(struct mmsb_limits_args) },
	{ MMSB_IOC_VERIFY, ON_SPACE, sizeof(struct mmsb_verify_args) },
	{ MMSB_IOC_TIMING, ON_SPACE, sizeof(struct mmsb_timing_args) },
	{ MMSB_IOC_AUDIT, ON_SPACE, sizeof(struct mmsb_audit_args) },
	{ MMSB_IOC_WAIT, ON_SPACE, sizeof(struct mmsb_wait_args) },
	{ MMSB_IOC_ENTER, ON_RING, sizeof(struct mmsb_enter_args) },
	{ MMSB_IOC_SNAPSHOT, ON_RING, sizeof(struct mmsb_snapshot_args) },
};
#define CALLS (sizeof(calls) / sizeof(*calls))
#define ARGS_MAX 8192u		/* more than any has */
#define ARGS_IN 256u		/* what is asked stands within so many; behind are answers */

FIXTURE(ioctls) {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	int fd[PLACES];
};

FIXTURE_SETUP(ioctls)
{
	if (!home_is_kernel())
		SKIP(return, "ioctls are the kernel home's");
	ASSERT_EQ(0, mmsb_open(&self->mmsb, NULL));
	ASSERT_EQ(0, mmsb_space_open(self->mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .shards = 2,
				     .flags = MMSB_SPACE_CREATE | MMSB_SPACE_HASH), &self->space));
	ASSERT_EQ(0, mmsb_ring_open(self->space, NULL, &self->ring));
	self->fd[ON_DEVICE] = open("/dev/mmsb", O_RDWR | O_CLOEXEC);
	self->fd[ON_SPACE] = mmsb_space_fd(self->space);
	self->fd[ON_RING] = mmsb_ring_fd(self->ring);
	ASSERT_LE(0, self->fd[ON_DEVICE]);
}

FIXTURE_TEARDOWN(ioctls)
{
	if (!self->ring)
		return;
	close(self->fd[ON_DEVICE]);
	mmsb_ring_close(self->ring);
	mmsb_space_close(self->space);
	mmsb_close(self->mmsb);
}

/* 0, a new descriptor (closed at once), or a negative errno. */
static int call(int fd, unsigned long number, void *args)
{
	int ret = ioctl(fd, number, args);

	if (ret > 0)
		close(ret);
	return ret < 0 ? -errno : 0;
}

TEST_F(ioctls, sizes)
{
	unsigned char args[ARGS_MAX];
	unsigned int i, k;

	for (i = 0; i < CALLS; i++) {
		const struct call *c = &calls[i];
		static const unsigned int small[] = { 0, 1, 3, 4, 8 };
		uint32_t size = c->bytes + 8;
		int normal, longer, fd = self->fd[c->on];

		ASSERT_LE(size, sizeof(args));
		for (k = 0; k < 5; k++) {
			memset(args, 0, sizeof(args));
			memcpy(args, &small[k], 4);
			EXPECT_EQ(-EINVAL, call(fd, c->number, args)) {
				TH_LOG("ioctl %#lx of %u bytes", c->number, small[k]);
			}
		}
		memset(args, 0, sizeof(args));
		memcpy(args, &c->bytes, 4);
		normal = call(fd, c->number, args);
		memset(args, 0, sizeof(args));
		memcpy(args, &size, 4);
		longer = call(fd, c->number, args);
		EXPECT_EQ(normal, longer) {
			TH_LOG("ioctl %#lx, longer by zeros", c->number);
		}
		memset(args, 0, sizeof(args));
		memcpy(args, &size, 4);
		args[c->bytes + 7] = 1;
		EXPECT_EQ(-E2BIG, call(fd, c->number, args)) {
			TH_LOG("ioctl %#lx, longer by something", c->number);
		}
		size = 1u << 20;
		memcpy(args, &size, 4);
		EXPECT_EQ(-E2BIG, call(fd, c->number, args));
	}
}

TEST_F(ioctls, bad_pointers)
{
	unsigned char *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int i;

	ASSERT_NE(MAP_FAILED, edge);
	ASSERT_EQ(0, munmap(edge + 4096, 4096));
	for (i = 0; i < CALLS; i++) {
		EXPECT_EQ(-EFAULT, call(self->fd[calls[i].on], calls[i].number, NULL));
		EXPECT_EQ(-EFAULT, call(self->fd[calls[i].on], calls[i].number, edge + 4096 - 2));
		memcpy(edge + 4096 - 8, &calls[i].bytes, 4);
		EXPECT_EQ(-EFAULT, call(self->fd[calls[i].on], calls[i].number, edge + 4096 - 8));
		EXPECT_EQ(-EFAULT, call(self->fd[calls[i].on], calls[i].number, (void *)0xffff800000000000ul));
	}
}

TEST_F(ioctls, unknown)
{
	unsigned char args[ARGS_MAX] = {};
	unsigned int i, place;

	for (place = 0; place < PLACES; place++) {
		EXPECT_EQ(-ENOTTY, call(self->fd[place], 0xbbff, args));
		EXPECT_EQ(-ENOTTY, call(self->fd[place], 0x5401, args));
		for (i = 0; i < CALLS; i++)
			if (calls[i].on != place)
				EXPECT_EQ(-ENOTTY, call(self->fd[place], calls[i].number, args));
	}
}

TEST_F(ioctls, unknown_bits)
{
	struct mmsb_space_open_args open_args = { .size = sizeof(open_args), .flags = MMSB_SPACE_CREATE | (MMSB_SPACE_KNOWN + 1), .uid = ~0u, .gid = ~0u };
	struct mmsb_ring_open_args ring_args = { .size = sizeof(ring_args), .flags = MMSB_RING_KNOWN + 1 };
	struct mmsb_enter_args enter = { .size = sizeof(enter), .flags = MMSB_ENTER_KNOWN + 1 };
	struct mmsb_hash_args hash = { .size = sizeof(hash), .flags = 8 };
	struct mmsb_wait_args wait = { .size = sizeof(wait), .flags = 1 };
	struct mmsb_verify_args verify = { .size = sizeof(verify), .flags = MMSB_VERIFY_BEGIN | (MMSB_VERIFY_KNOWN + 1) };
	struct mmsb_snapshot_args snapshot = { .size = sizeof(snapshot), .flags = 1 };
	struct mmsb_space_remove_args remove = { .size = sizeof(remove), .flags = 1, .name = "x" };

	EXPECT_EQ(-EINVAL, call(self->fd[ON_DEVICE], MMSB_IOC_SPACE_OPEN, &open_args));
	EXPECT_EQ(MMSB_REASON_BAD_FLAGS, open_args.reason);
	EXPECT_EQ(-EINVAL, call(self->fd[ON_DEVICE], MMSB_IOC_SPACE_REMOVE, &remove));
	EXPECT_EQ(-EINVAL, call(self->fd[ON_SPACE], MMSB_IOC_RING_OPEN, &ring_args));
	EXPECT_EQ(MMSB_REASON_BAD_FLAGS, ring_args.reason);
	ring_args = (struct mmsb_ring_open_args){ .size = sizeof(ring_args), .reserved = 1 };
	EXPECT_EQ(-EINVAL, call(self->fd[ON_SPACE], MMSB_IOC_RING_OPEN, &ring_args));
	EXPECT_EQ(MMSB_REASON_BAD_RESERVED, ring_args.reason);
	EXPECT_EQ(-EINVAL, call(self->fd[ON_SPACE], MMSB_IOC_HASH, &hash));
	hash.flags = MMSB_HASH_ON | MMSB_HASH_OFF;
	EXPECT_EQ(-EINVAL, call(self->fd[ON_SPACE], MMSB_IOC_HASH, &hash));
	EXPECT_EQ(-EINVAL, call(self->fd[ON_SPACE], MMSB_IOC_WAIT, &wait));
	EXPECT_EQ(-EINVAL, call(self->fd[ON_SPACE], MMSB_IOC_VERIFY, &verify));
	verify.flags = MMSB_VERIFY_STILL;
	EXPECT_EQ(-EINVAL, call(self->fd[ON_SPACE], MMSB_IOC_VERIFY, &verify));
	EXPECT_EQ(-EINVAL, call(self->fd[ON_RING], MMSB_IOC_ENTER, &enter));
	enter = (struct mmsb_enter_args){ .size = sizeof(enter), .reserved = 1 };
	EXPECT_EQ(-EINVAL, call(self->fd[ON_RING], MMSB_IOC_ENTER, &enter));
	EXPECT_EQ(-EINVAL, call(self->fd[ON_RING], MMSB_IOC_SNAPSHOT, &snapshot));
	EXPECT_EQ(MMSB_REASON_BAD_FLAGS, snapshot.reason);
}

TEST_F(ioctls, snapshot_limits)
{
	struct mmsb_snapshot_args args = { .size = sizeof(args), .pages = MMSB_SNAPSHOT_MAX + 1, .out_bytes = 4096 };
	uint64_t *ids, page;
	size_t bytes;

	ASSERT_EQ(0, mmsb_create(self->ring, 4096, &page));
	ids = mmsb_payload(self->ring, &bytes);
	EXPECT_EQ(-EINVAL, call(self->fd[ON_RING], MMSB_IOC_SNAPSHOT, &args));
	EXPECT_EQ(MMSB_REASON_TOO_MANY_PAGES, args.reason);
	ids[0] = page;
	args = (struct mmsb_snapshot_args){ .size = sizeof(args), .pages = 1, .out = 64, .out_bytes = 100 };
	EXPECT_EQ(-ENOBUFS, call(self->fd[ON_RING], MMSB_IOC_SNAPSHOT, &args));
	EXPECT_EQ(MMSB_REASON_SNAPSHOT_ROOM, args.reason);
	EXPECT_LE(4096 + 40, args.out_bytes);
	args.out_bytes = bytes;
	EXPECT_EQ(-EFAULT, call(self->fd[ON_RING], MMSB_IOC_SNAPSHOT, &args));
	args = (struct mmsb_snapshot_args){ .size = sizeof(args), .pages = 1, .out = ~0ull - 7, .out_bytes = 8000 };
	EXPECT_EQ(-EFAULT, call(self->fd[ON_RING], MMSB_IOC_SNAPSHOT, &args));
	args = (struct mmsb_snapshot_args){ .size = sizeof(args), .pages = 1, .ids = bytes, .out = 64, .out_bytes = 8000 };
	EXPECT_EQ(-EFAULT, call(self->fd[ON_RING], MMSB_IOC_SNAPSHOT, &args));
	args = (struct mmsb_snapshot_args){ .size = sizeof(args), .pages = 1, .out = 64, .out_bytes = 8000 };
	EXPECT_EQ(0, call(self->fd[ON_RING], MMSB_IOC_SNAPSHOT, &args));
}

/* Random arguments: whatever comes of them, the engine goes on. */
static void bound(const struct call *c, void *args)
{
	struct mmsb_space_open_args *open_args = args;
	struct mmsb_enter_args *enter = args;
	struct mmsb_wait_args *wait = args;

	if (c->number == MMSB_IOC_ENTER)
		enter->timeout_ns %= 1000000;
	if (c->number == MMSB_IOC_WAIT)
		wait->timeout_ns %= 1000000;
	if (c->number == MMSB_IOC_SPACE_OPEN)
		open_args->flags &= ~MMSB_SPACE_PIN;
}

TEST_F_TIMEOUT(ioctls, garbage, 120)
{
	uint64_t seed = rng_seed(), i, n = scaled(100000), value;
	struct rng rng = { .state = seed };
	unsigned char args[ARGS_MAX];
	unsigned int k;

	TH_LOG("MMSB_SEED=%llu", (unsigned long long)seed);
	for (i = 0; i < n; i++) {
		const struct call *c = &calls[rng_below(&rng, CALLS)];

		memset(args, 0, sizeof(args));
		ASSERT_LE(c->bytes, sizeof(args));
		for (k = 0; k < c->bytes && k < ARGS_IN; k += 4) {
			value = rng_next(&rng) >> rng_below(&rng, 64);
			if (!rng_once_in(&rng, 3))
				memcpy(args + k, &value, 4);
		}
		memcpy(args, &c->bytes, 4);
		bound(c, args);
		call(self->fd[c->on], c->number, args);
	}
	ASSERT_EQ(0, mmsb_create(self->ring, 64, &value));
	ASSERT_EQ(0, mmsb_add(self->ring, value, 0, 1, NULL));
}

TEST_HARNESS_MAIN

#endif
