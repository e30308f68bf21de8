// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 32-bit caller, with no library at all: the ABI as its header tells it. It opens a space, maps what there is to map, submits, reads pages by
 * plain loads, asks, waits, listens and reads the history. Each argument struct passes through the kernel's compat calls, and
 * each mapping lies at an offset beyond 32 bits. That all layouts are the same is checked when selftests/abi.c is compiled for 32 bits.
 */
#include <mmsb/abi.h>
#include <mmsb/history.h>
#include <mmsb/reasons.h>
#include "bare.h"

#define O_RDWR		2
#define PROT_READ	1
#define PROT_WRITE	2
#define MAP_SHARED	1
#define ENOENT		2
#define ETIME		62
#define E2BIG		7
#define ENODEV		19

/* ------------------------------------------------------------------------------------------------------------- telling */

static unsigned int tests, failures;

static void put(const char *text)
{
	unsigned int n = 0;

	while (text[n])
		n++;
	bare(SYS_write, 1, text, n);
}

static void put_number(long number)
{
	unsigned long rest = number < 0 ? -number : number;
	char text[16] = { 0 };
	unsigned int at = sizeof(text) - 1;

	do
		text[--at] = '0' + rest % 10;
	while (rest /= 10);
	if (number < 0)
		put("-");
	put(text + at);
}

static bool result(bool good, const char *what, long got)
{
	failures += !good;
	put(good ? "ok " : "not ok ");
	put_number(++tests);
	put(" ");
	put(what);
	if (!good) {
		put(": ");
		put_number(got);
	}
	put("\n");
	return good;
}

/* ------------------------------------------------------------------------------------------------------------- mapping */

static void *map(int fd, __u64 offset, __u64 bytes, int prot)
{
	long at = bare(SYS_mmap2, 0, bytes, prot, MAP_SHARED, fd, offset >> 12);

	return (unsigned long)at > -4096ul ? NULL : (void *)at;
}

static struct {
	int device, space, ring, events, history;
	const struct mmsb_space_page *page;
	const struct mmsb_line *lines;
	const __u8 *arena;
	const struct mmsb_ring_engine *engine;
	struct mmsb_ring_client *client;
	struct mmsb_sqe *sqes;
	const struct mmsb_cqe *cqes;
	__u8 *payload;
	__u32 entries, cq_entries;
	__u64 source, derived;
} at;

static bool open_space(void)
{
	struct mmsb_space_open_args args = { .size = sizeof(args), .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE | MMSB_SPACE_HASH,
					     .shards = 1, .max_pages = 1024, .max_bytes = 16u << 20, .uid = ~0u, .gid = ~0u };

	at.space = bare(SYS_ioctl, at.device, MMSB_IOC_SPACE_OPEN, &args);
	if (!result(at.space >= 0, "a space is opened", at.space))
		return false;
	at.page = map(at.space, MMSB_MAP_SPACE, 4096, PROT_READ);
	if (!result(at.page && at.page->abi == MMSB_ABI_VERSION && at.page->shards == 1, "its page is mapped", at.page ? at.page->abi : 0))
		return false;
	at.lines = map(at.space, MMSB_MAP_DIRECTORY, at.page->directory_bytes, PROT_READ);
	at.arena = map(at.space, MMSB_MAP_ARENA, 1u << 20, PROT_READ);
	return result(at.lines && at.arena, "directory and arena are mapped", 0);
}

static bool open_ring(void)
{
	struct mmsb_ring_open_args args = { .size = sizeof(args), .sq_entries = 16, .payload_bytes = 8192, .source = 1ull << 40 | 32 };

	at.ring = bare(SYS_ioctl, at.space, MMSB_IOC_RING_OPEN, &args);
	if (!result(at.ring >= 0 && args.sq_entries == 16 && args.payload_bytes == 8192, "a ring is opened", at.ring))
		return false;
	at.entries = args.sq_entries;
	at.cq_entries = args.cq_entries;
	at.engine = map(at.ring, MMSB_MAP_RING_ENGINE, args.engine_bytes, PROT_READ);
	at.client = map(at.ring, MMSB_MAP_RING_CLIENT, args.client_bytes, PROT_READ | PROT_WRITE);
	if (!result(at.engine && at.client, "both of its areas are mapped", 0))
		return false;
	at.cqes = (const void *)((const __u8 *)at.engine + MMSB_RING_HEADER);
	at.sqes = (void *)((__u8 *)at.client + MMSB_RING_HEADER);
	at.payload = (__u8 *)at.client + args.payload_offset;
	return true;
}

/* ------------------------------------------------------------------------------------------------------------ changing */

/* One entry, drained by ENTER. */
static struct mmsb_cqe run(const struct mmsb_sqe *sqe)
{
	struct mmsb_enter_args enter = { .size = sizeof(enter), .min_complete = 1, .timeout_ns = ~0ull };
	struct mmsb_cqe cqe = { .result = -1 };

	at.sqes[at.client->sq_tail & (at.entries - 1)] = *sqe;
	__atomic_store_n(&at.client->sq_tail, at.client->sq_tail + 1, __ATOMIC_RELEASE);
	if (bare(SYS_ioctl, at.ring, MMSB_IOC_ENTER, &enter))
		return cqe;
	if (__atomic_load_n(&at.engine->cq_tail, __ATOMIC_ACQUIRE) != at.client->cq_head + 1)
		return cqe;
	cqe = at.cqes[at.client->cq_head & (at.cq_entries - 1)];
	__atomic_store_n(&at.client->cq_head, at.client->cq_head + 1, __ATOMIC_RELEASE);
	return cqe;
}

static __u64 make(void)
{
	struct mmsb_cqe cqe = run(&(struct mmsb_sqe){ .op = MMSB_OP_CREATE, .len = 64, .user_data = 1ull << 63 | 5 });

	return !cqe.result && cqe.user_data == (1ull << 63 | 5) ? cqe.epoch : 0;
}

static struct mmsb_cqe add(__u64 page, __u64 operand)
{
	return run(&(struct mmsb_sqe){ .op = MMSB_OP_ADD, .lane = MMSB_LANE_U64, .len = 8, .page = page, .word = { operand } });
}

/* By plain loads. */
static bool stands_at(__u64 page, __u64 epoch, __u64 lane)
{
	const struct mmsb_line *line = &at.lines[MMSB_PAGE_INDEX(page)];

	return line->epoch == epoch && line->place < 1u << 20 && *(const __u64 *)(at.arena + line->place) == lane;
}

static void change(void)
{
	struct mmsb_derive *derive = (void *)at.payload;
	struct mmsb_edge *edge = (void *)(derive + 1);
	struct mmsb_cqe cqe;

	at.source = make();
	at.derived = make();
	result(at.source && at.derived, "pages are made", 0);
	*derive = (struct mmsb_derive){ .rule = MMSB_RULE_ADD_MUL, .edges = 1, .lane = MMSB_LANE_U64 };
	*edge = (struct mmsb_edge){ .parent = at.source, .weight = 3ull << 32 };
	cqe = run(&(struct mmsb_sqe){ .op = MMSB_OP_DERIVE, .flags = MMSB_SQE_PAYLOAD, .page = at.derived,
				      .len = sizeof(*derive) + sizeof(*edge) });
	result(!cqe.result, "one is derived from the other", cqe.result);
	cqe = add(at.source, 7);
	result(!cqe.result && cqe.epoch == 1, "a delta is applied", cqe.result);
	result(stands_at(at.source, 1, 7), "plain loads read the page", 0);
	result(stands_at(at.derived, 1, 21ull << 32), "and the one that follows it", 0);
	cqe = run(&(struct mmsb_sqe){ .op = MMSB_OP_LAST });
	result(cqe.result == -22 && cqe.reason == MMSB_REASON_BAD_OP, "nonsense is refused", cqe.result);
}

/* -------------------------------------------------------------------------------------------------------------- asking */

static void ask_space(void)
{
	struct mmsb_info_args info = { .size = sizeof(info) };
	struct mmsb_space_info_args space = { .size = sizeof(space) };
	struct mmsb_hash_args kept = { .size = sizeof(kept) }, fresh = { .size = sizeof(fresh), .flags = MMSB_HASH_RECOMPUTE };
	struct mmsb_wait_args wait = { .size = sizeof(wait), .page = at.source, .epoch = 1, .timeout_ns = 1000 };
	struct { struct mmsb_wait_args wait; __u64 more; } longer = { .more = 1 };
	long ret = bare(SYS_ioctl, at.device, MMSB_IOC_INFO, &info);

	result(!ret && info.abi == MMSB_ABI_VERSION && info.version[0], "the device tells of itself", ret);
	ret = bare(SYS_ioctl, at.space, MMSB_IOC_SPACE_INFO, &space);
	result(!ret && space.pages == 2 && space.edges == 1 && space.max_pages >= 1024, "the space does", ret);
	ret = bare(SYS_ioctl, at.space, MMSB_IOC_HASH, &kept) ?: bare(SYS_ioctl, at.space, MMSB_IOC_HASH, &fresh);
	result(!ret && kept.hash[0] && kept.hash[0] == fresh.hash[0] && kept.hash[1] == fresh.hash[1], "its hash is asked for", ret);
	ret = bare(SYS_ioctl, at.space, MMSB_IOC_WAIT, &wait);
	result(ret == -ETIME, "a wait runs out", ret);
	wait.epoch = 0;
	ret = bare(SYS_ioctl, at.space, MMSB_IOC_WAIT, &wait);
	result(!ret && wait.now == 1, "a wait is over", ret);
	longer.wait = wait;
	longer.wait.size = sizeof(longer);
	ret = bare(SYS_ioctl, at.space, MMSB_IOC_WAIT, &longer);
	result(ret == -E2BIG, "what the engine does not know is refused", ret);
}

static void ask_ring(void)
{
	struct mmsb_graph_args graph = { .size = sizeof(graph), .what = MMSB_GRAPH_NODE, .page = at.derived, .out = 1024,
					 .out_bytes = sizeof(struct mmsb_node) };
	struct mmsb_snapshot_args snapshot = { .size = sizeof(snapshot), .pages = 2, .ids = 0, .out = 1024, .out_bytes = 4096 };
	const struct mmsb_node *node = (const void *)(at.payload + 1024);
	const struct mmsb_snapshot_entry *entry = (const void *)(at.payload + 1024);
	long ret = bare(SYS_ioctl, at.ring, MMSB_IOC_GRAPH, &graph);

	result(!ret && graph.count == 1 && node->page == at.derived && node->rule == MMSB_RULE_ADD_MUL && node->height == 1,
	       "the graph is asked about", ret);
	((__u64 *)at.payload)[0] = at.source;
	((__u64 *)at.payload)[1] = at.derived;
	ret = bare(SYS_ioctl, at.ring, MMSB_IOC_SNAPSHOT, &snapshot);
	result(!ret && entry[1].page == at.derived && *(__u64 *)(at.payload + entry[1].at) == 21ull << 32, "a snapshot is taken", ret);
}

/* ----------------------------------------------------------------------------------------------------------- listening */

static void listen(void)
{
	struct mmsb_events_open_args open = { .size = sizeof(open), .entries = 16, .pages = 1 };
	struct mmsb_events_filter_args filter = { .size = sizeof(filter), .what = MMSB_EVENTS_PAGES, .kinds = MMSB_EVENTS_KINDS, .pages = 1 };
	const struct mmsb_events_engine *engine;
	const struct mmsb_event *event;
	struct mmsb_events_client *client;
	long ret;

	at.events = bare(SYS_ioctl, at.space, MMSB_IOC_EVENTS_OPEN, &open);
	if (!result(at.events >= 0 && open.entries == 16, "an event ring is opened", at.events))
		return;
	engine = map(at.events, MMSB_MAP_EVENTS_ENGINE, open.engine_bytes, PROT_READ);
	client = map(at.events, MMSB_MAP_EVENTS_CLIENT, open.client_bytes, PROT_READ | PROT_WRITE);
	if (!result(engine && client, "and mapped", 0))
		return;
	*(__u64 *)((__u8 *)client + MMSB_RING_HEADER) = at.derived;
	ret = bare(SYS_ioctl, at.events, MMSB_IOC_EVENTS_FILTER, &filter);
	result(!ret && filter.tick, "it is told what to tell", ret);
	add(at.source, 1);
	event = (const void *)((const __u8 *)engine + MMSB_RING_HEADER);
	result(engine->tail == 1 && event->page == at.derived && event->what == MMSB_EVENT_CHANGED && event->epoch == 2,
	       "and tells it", engine->tail);
}

static void read_history(void)
{
	static __u64 room[512];
	struct mmsb_history_open_args open = { .size = sizeof(open) };
	const struct mmsb_record *record = (const void *)room;
	const struct mmsb_delta_record *delta;
	long ret;

	at.history = bare(SYS_ioctl, at.space, MMSB_IOC_HISTORY_OPEN, &open);
	if (!result(at.history >= 0, "a history is opened", at.history))
		return;
	add(at.source, 5);
	ret = bare(SYS_read, at.history, room, sizeof(room));
	delta = (const void *)((const __u8 *)record + record->bytes);
	result(ret > 0 && record->type == MMSB_RECORD_HASH && delta->record.type == MMSB_RECORD_DELTA && delta->sqe.page == at.source &&
	       delta->sqe.word[0] == 5 && delta->origin.source == (1ull << 40 | 32), "and tells what was done, and who did it", ret);
}

int bare_main(void)
{
	at.device = bare(SYS_open, "/dev/mmsb", O_RDWR);
	put("TAP version 13\n");
	if (at.device == -ENOENT || at.device == -ENODEV) {
		put("1..1\nnot ok 1 there is no /dev/mmsb: load the module first\n");
		return 1;
	}
	if (open_space() && open_ring()) {
		change();
		ask_space();
		ask_ring();
		listen();
		read_history();
	}
	put("1..");
	put_number(tests);
	put("\n");
	return failures != 0;
}
