/* SPDX-License-Identifier: MIT */
/*
 * libmmsb-user: one API over two homes of MMSB, the kernel's (/dev/mmsb) and the embedded one (an engine in this process).
 *
 * Calls return 0 or a count, or a negative errno. Why a call failed is told in words by mmsb_strerror_last(), per thread.
 * Options structs begin with their size: initialise them with MMSB_OPTS(struct mmsb_..._opts, .field = ...), and
 * a program built against an older header keeps working. NULL means all defaults.
 *
 * Threads. A struct mmsb and a struct mmsb_space may be used by any number of threads at once. A struct mmsb_ring belongs to one thread
 * at a time; open one a thread, rings are cheap. One-call helpers that take a ring follow that rule.
 */
#ifndef MMSB_H
#define MMSB_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <mmsb/abi.h>
#include <mmsb/history.h>
#include <mmsb/log.h>
#include <mmsb/reasons.h>
#include <mmsb/verify.h>
#include <mmsb/timing.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MMSB_VERSION_MAJOR	0
#define MMSB_VERSION_MINOR	1
#define MMSB_VERSION_PATCH	0

struct mmsb;
struct mmsb_space;
struct mmsb_ring;
struct mmsb_history;
struct mmsb_events;

#define MMSB_OPTS(type, ...)	(&(const type){ .size = sizeof(type), ##__VA_ARGS__ })
#define MMSB_FOREVER		(~0ULL)

const char *mmsb_version(void);				/* of the library: "0.1.0" */
const char *mmsb_reason_text(enum mmsb_reason reason);	/* cause and remedy */
const char *mmsb_reason_name(enum mmsb_reason reason);	/* "STALE_PAGE" */
const char *mmsb_strerror_last(void);			/* why this thread's last failing call failed; never NULL */

/* ------------------------------------------------------------------------------------------------------------- home */

struct mmsb_open_opts {
	size_t size;
	const char *home;	/* "kernel", "embedded" or "auto" (the default, or $MMSB_HOME if set): the kernel's if it is there */
	const char *device;	/* NULL: /dev/mmsb */
};

int mmsb_open(struct mmsb **mmsb, const struct mmsb_open_opts *opts);
void mmsb_close(struct mmsb *mmsb);			/* its spaces are closed */
const char *mmsb_home(const struct mmsb *mmsb);		/* "kernel" or "embedded": which one it took */
int mmsb_info(struct mmsb *mmsb, struct mmsb_info_args *info);

/* ------------------------------------------------------------------------------------------------------------ space */

struct mmsb_space_opts {
	size_t size;
	uint32_t flags;		/* MMSB_SPACE_* of abi.h */
	uint32_t mode;		/* permission bits; 0: 0600 */
	uint32_t shards;	/* 0: one a CPU (kernel), 1 (embedded) */
	uint32_t max_rings;	/* 0: default, as all below */
	uint64_t max_pages;
	uint64_t max_bytes;
	uint32_t pollers;	/* embedded: poller threads; 0: one a shard unless MMSB_SPACE_INLINE */
	uint32_t uid, gid;	/* with own_set: owner of a new space */
	bool own_set;
	uint32_t audit;		/* embedded: every so many recomputes are done twice and compared; 0: as $MMSB_AUDIT says */
};

/* name NULL or "": a space without a name. Names are the home's: in the embedded home, of this struct mmsb. */
int mmsb_space_open(struct mmsb *mmsb, const char *name, const struct mmsb_space_opts *opts, struct mmsb_space **space);
void mmsb_space_close(struct mmsb_space *space);	/* its rings are closed before, by their owners */
int mmsb_space_remove(struct mmsb *mmsb, const char *name);	/* unpins and forgets the name */
int mmsb_space_info(struct mmsb_space *space, struct mmsb_space_info_args *info);
int mmsb_space_next(struct mmsb *mmsb, uint64_t *cursor, struct mmsb_space_info_args *info);	/* begin at 0; -ENOENT ends */
int mmsb_space_reset(struct mmsb_space *space);
/* Sets the limits that are not 0, pages and bytes up to what the space was made for; what is there stays. Its owner may. */
int mmsb_space_limit(struct mmsb_space *space, uint64_t max_pages, uint64_t max_bytes, uint32_t max_rings);
/* From now on every so many recomputes of a shard are done twice and compared; 0: none. Its owner may. */
int mmsb_space_audit(struct mmsb_space *space, uint32_t every);
int mmsb_space_fd(const struct mmsb_space *space);	/* kernel home: the fd, to pass on; embedded: -ENOTSUP */
int mmsb_space_from_fd(struct mmsb *mmsb, int fd, struct mmsb_space **space);	/* takes the fd over */

int mmsb_hash(struct mmsb_space *space, uint32_t flags, uint64_t hash[2], uint64_t *tick);	/* MMSB_HASH_*; -ENODATA: off */
/*
 * How long deltas spend in a layer of their way, and switching that: fill in flags, layer and shard (see <mmsb/timing.h>). To switch it is
 * the owner's. args->on says whether it is on; if not, there are no figures.
 */
int mmsb_timing(struct mmsb_space *space, struct mmsb_timing_args *args);
uint64_t mmsb_timing_floor(uint32_t bucket);		/* where it begins, in nanoseconds; UINT64_MAX: there is none */
const char *mmsb_layer_name(uint32_t layer);		/* "queue", ...; NULL: there is none */
uint64_t mmsb_tick(struct mmsb_space *space);		/* the last tick opened, by a plain load */

struct mmsb_verify_opts {
	size_t size;
	uint32_t flags;		/* MMSB_VERIFY_STILL */
	void (*finding)(void *arg, const struct mmsb_finding *finding);	/* each that is told; NULL: none */
	bool (*progress)(void *arg, uint64_t done, uint64_t total);	/* now and then; false: stop, -ECANCELED. NULL: no end before the end */
	void *arg;
};

/* Holds all that the engine keeps of the space against each other (verify.h says what, and what stands still meanwhile). 0: it was looked at to
 * the end, and totals->findings says how many; totals, whose size is set, may be NULL. The owner may. One at a time on a handle. */
int mmsb_verify(struct mmsb_space *space, const struct mmsb_verify_opts *opts, struct mmsb_verify_args *totals);
const char *mmsb_finding_name(enum mmsb_finding_kind kind);	/* "LOST" */
const char *mmsb_finding_text(enum mmsb_finding_kind kind);	/* what it means */

/* ---------------------------------------------------------------------------------------- reading, with no syscall */

/* Copies up to len bytes from offset; *epoch may be NULL. Falls back on a snapshot by the shard if the page is too hot; then
 * it needs a ring of its own, which it opens at the first such read. A page that is behind (MMSB_LINE_BEHIND) is recomputed first, unless
 * the space was opened READ_ONLY. Returns bytes copied. */
ssize_t mmsb_read(struct mmsb_space *space, uint64_t page, uint64_t offset, void *to, size_t len, uint64_t *epoch);

struct mmsb_page_info {
	uint64_t page, epoch, tick;
	uint32_t length;
	uint16_t kind;		/* enum mmsb_kind */
	uint16_t flags;		/* MMSB_LINE_STALE, MMSB_LINE_BEHIND */
};
int mmsb_page_info(struct mmsb_space *space, uint64_t page, struct mmsb_page_info *info);
/* Walks the directory: *cursor begins at 0; returns 0 and the next live page, or -ENOENT at the end. */
int mmsb_page_next(struct mmsb_space *space, uint64_t *cursor, struct mmsb_page_info *info);

/* Pinned, zero-copy: look at the bytes in place, then ask whether what was seen was one version. */
struct mmsb_view {
	const void *data;
	uint64_t epoch, tick;
	uint32_t length;
	uint16_t kind, flags;	/* as in struct mmsb_page_info */
	uint64_t seq_;
	const struct mmsb_line *line_;
};
int mmsb_view_begin(struct mmsb_space *space, uint64_t page, struct mmsb_view *view);	/* -EAGAIN: being written right now */
bool mmsb_view_end(const struct mmsb_view *view);	/* false: discard what was seen and begin again */

/* Several pages at one tick: first optimistically without a syscall, then by the shards. to[i] has room for len[i] bytes; results[i] gets
 * bytes copied or a negative errno. */
int mmsb_snapshot(struct mmsb_space *space, const uint64_t *pages, unsigned int n, void *const *to, const size_t *len,
		  struct mmsb_page_info *infos, int *results, uint64_t *tick);

/* Sleeps until the page's epoch is above `epoch`; *now gets the epoch found. -ETIME, -ENOENT, -ESTALE. */
int mmsb_wait(struct mmsb_space *space, uint64_t page, uint64_t epoch, uint64_t timeout_ns, uint64_t *now);

/* ----------------------------------------------------------------------------------------------------------- events */
/*
 * What happens to pages, told as it happens, with no syscall while there is anything to tell. Zeros in options and filters mean: all
 * pages, of both kinds, and all that happens to them but not the closing of ticks. A struct mmsb_events belongs to one reader at a
 * time; another thread may call mmsb_events_filter() meanwhile.
 */

struct mmsb_events_opts {
	size_t size;
	uint32_t entries;	/* of the ring; 0: 1024 */
	uint32_t max_pages;	/* how many a later filter may name; n, if that is more */
	uint32_t what;		/* the first filter: see below */
	uint32_t kinds;
	const uint64_t *pages;
	uint32_t n;
};

struct mmsb_events_filter {
	size_t size;
	uint32_t what;		/* MMSB_EVENTS_OF(MMSB_EVENT_...) of each sort wanted; 0: MMSB_EVENTS_PAGES, all that happens to pages */
	uint32_t kinds;		/* MMSB_EVENTS_OF(MMSB_KIND_...); 0: both */
	const uint64_t *pages;	/* only of these; also ids of pages yet to be made */
	uint32_t n;		/* 0: of all pages */
};

int mmsb_events_open(struct mmsb_space *space, const struct mmsb_events_opts *opts, struct mmsb_events **events);
void mmsb_events_close(struct mmsb_events *events);
/* Replaces the filter. *tick, if not NULL, gets the tick behind which the new one holds. */
int mmsb_events_filter(struct mmsb_events *events, const struct mmsb_events_filter *filter, uint64_t *tick);
/* The next event. MMSB_EVENT_LOST: so many as its epoch says are missing here; read the pages you follow. 0, -ETIME, -EINTR, -EPIPE. */
int mmsb_events_next(struct mmsb_events *events, struct mmsb_event *event, uint64_t timeout_ns);
uint64_t mmsb_events_lost(const struct mmsb_events *events);	/* in all, told or not yet */
int mmsb_events_fd(const struct mmsb_events *events);	/* for poll/epoll in the kernel home; embedded: -ENOTSUP */

/* ------------------------------------------------------------------------------------- the ring, as liburing has it */

struct mmsb_ring_opts {
	size_t size;
	uint32_t flags;		/* MMSB_RING_POLLED, or 0: inline; MMSB_RING_REPLAY */
	uint32_t sq_entries, cq_entries;
	uint64_t payload_bytes;	/* 0: 64 KiB; MMSB_NO_PAYLOAD: none */
	uint32_t shard;		/* number + 1; 0: the home chooses */
	uint32_t idle_us;
	uint64_t source;
	uint32_t compare;	/* with MMSB_RING_REPLAY: the state hash, each so many ticks; 0: each; MMSB_NO_COMPARE: never */
};
#define MMSB_NO_PAYLOAD	(~0ULL)
#define MMSB_NO_COMPARE	(~0U)

int mmsb_ring_open(struct mmsb_space *space, const struct mmsb_ring_opts *opts, struct mmsb_ring **ring);
void mmsb_ring_close(struct mmsb_ring *ring);
int mmsb_ring_fd(const struct mmsb_ring *ring);		/* for poll/epoll in the kernel home; embedded: -ENOTSUP */

struct mmsb_sqe *mmsb_get_sqe(struct mmsb_ring *ring);	/* zeroed; NULL: the queue is full, submit or reap first */
/* For bulk: up to n entries that lie side by side, *first and those behind it. Returns how many; 0: the queue is full. They are not
 * zeroed: each must be given to one of the mmsb_prep_ calls below, which fill all of it, or be zeroed by the caller. */
unsigned int mmsb_get_sqes(struct mmsb_ring *ring, struct mmsb_sqe **first, unsigned int n);
void *mmsb_payload(struct mmsb_ring *ring, size_t *bytes);	/* the payload area, for those who manage it themselves */
/* Room in the payload area for the operand of this entry, which was got from mmsb_get_sqe() or mmsb_get_sqes() and not yet submitted. Call it
 * behind mmsb_prep_...(); it sets MMSB_SQE_PAYLOAD and the offset. The room is free again once the entry's completion has been
 * reaped or, if it is quiet and succeeds, as soon as it has been applied. NULL: none free now, submit and reap first (or
 * never, if the area is smaller than `bytes`). A ring's user calls this or manages mmsb_payload(), not both. */
void *mmsb_sqe_payload(struct mmsb_ring *ring, struct mmsb_sqe *sqe, size_t bytes);

/*
 * Filling in an entry: mmsb_prep_...() first, which writes all of it, then mmsb_sqe_...(). `bytes` NULL leaves the operand
 * to the caller, who uses mmsb_sqe_payload(). Inline operands have at most MMSB_INLINE_MAX bytes; longer ones are left out here
 * and the entry completes with BAD_LENGTH.
 */
static inline void mmsb_prep(struct mmsb_sqe *sqe, enum mmsb_op op, uint64_t page, uint64_t offset, uint32_t len)
{
	sqe->op = (uint8_t)op;
	sqe->lane = 0;
	sqe->flags = 0;
	sqe->len = len;
	sqe->page = page;
	sqe->offset = offset;
	sqe->user_data = 0;
	sqe->epoch = 0;
	sqe->word[0] = 0;
	sqe->word[1] = 0;
	sqe->word[2] = 0;
}

static inline void mmsb_prep_nop(struct mmsb_sqe *sqe)
{
	mmsb_prep(sqe, MMSB_OP_NOP, 0, 0, 0);
}

static inline void mmsb_prep_fence(struct mmsb_sqe *sqe)
{
	mmsb_prep(sqe, MMSB_OP_FENCE, 0, 0, 0);
}

static inline void mmsb_prep_create(struct mmsb_sqe *sqe, uint32_t bytes)
{
	mmsb_prep(sqe, MMSB_OP_CREATE, 0, 0, bytes);
}

static inline void mmsb_prep_destroy(struct mmsb_sqe *sqe, uint64_t page)
{
	mmsb_prep(sqe, MMSB_OP_DESTROY, page, 0, 0);
}

static inline void mmsb_prep_set(struct mmsb_sqe *sqe, uint64_t page, uint64_t offset, const void *bytes, uint32_t len)
{
	mmsb_prep(sqe, MMSB_OP_SET, page, offset, len);
	if (bytes && len <= MMSB_INLINE_MAX)
		memcpy(sqe->operand, bytes, len);
}

/* `lane` says how many bytes of `value` are repeated. */
static inline void mmsb_prep_fill(struct mmsb_sqe *sqe, uint64_t page, uint64_t offset, uint32_t len, enum mmsb_lane lane,
				  uint64_t value)
{
	mmsb_prep(sqe, MMSB_OP_FILL, page, offset, len);
	sqe->lane = (uint8_t)lane;
	memcpy(sqe->operand, &value, (size_t)1 << (lane & 3));
}

/* One lane. */
static inline void mmsb_prep_lane(struct mmsb_sqe *sqe, enum mmsb_op op, enum mmsb_lane lane, uint64_t page, uint64_t offset,
				  uint64_t operand)
{
	mmsb_prep(sqe, op, page, offset, 1u << (lane & 3));
	sqe->lane = (uint8_t)lane;
	memcpy(sqe->operand, &operand, (size_t)1 << (lane & 3));
}

static inline void mmsb_prep_add(struct mmsb_sqe *sqe, uint64_t page, uint64_t offset, int64_t operand)	/* one I64 lane */
{
	mmsb_prep(sqe, MMSB_OP_ADD, page, offset, 8);
	sqe->lane = MMSB_LANE_I64;
	sqe->word[0] = (uint64_t)operand;
}

static inline void mmsb_prep_cas(struct mmsb_sqe *sqe, uint64_t page, uint64_t offset, const void *expected, const void *bytes,
				 uint32_t len)	/* len <= 12 */
{
	mmsb_prep(sqe, MMSB_OP_CAS, page, offset, len);
	if (expected && bytes && len <= MMSB_INLINE_MAX / 2) {
		memcpy(sqe->operand, expected, len);
		memcpy(sqe->operand + len, bytes, len);
	}
}

static inline void mmsb_prep_append(struct mmsb_sqe *sqe, uint64_t page, uint64_t offset, const void *bytes, uint32_t len)
{
	mmsb_prep(sqe, MMSB_OP_APPEND, page, offset, len);
	if (bytes && len <= MMSB_INLINE_MAX)
		memcpy(sqe->operand, bytes, len);
}

/* The operand, from mmsb_sqe_payload(ring, sqe, sqe->len): a struct mmsb_derive and behind it its edges, so many. */
static inline void mmsb_prep_derive(struct mmsb_sqe *sqe, uint64_t page, uint32_t edges)
{
	mmsb_prep(sqe, MMSB_OP_DERIVE, page, 0, (uint32_t)(sizeof(struct mmsb_derive) + edges * sizeof(struct mmsb_edge)));
}

static inline void mmsb_prep_underive(struct mmsb_sqe *sqe, uint64_t page)
{
	mmsb_prep(sqe, MMSB_OP_UNDERIVE, page, 0, 0);
}

static inline void mmsb_prep_link(struct mmsb_sqe *sqe, uint64_t page, const struct mmsb_edge *edges, uint32_t n)	/* one fits */
{
	mmsb_prep(sqe, MMSB_OP_LINK, page, 0, (uint32_t)(n * sizeof(*edges)));
	if (edges && n == 1)
		memcpy(sqe->operand, edges, sizeof(*edges));
}

static inline void mmsb_prep_unlink(struct mmsb_sqe *sqe, uint64_t page, const uint64_t *parents, uint32_t n)	/* three fit */
{
	mmsb_prep(sqe, MMSB_OP_UNLINK, page, 0, (uint32_t)(n * sizeof(*parents)));
	if (parents && n <= 3)
		memcpy(sqe->word, parents, n * sizeof(*parents));
}

static inline void mmsb_prep_refresh(struct mmsb_sqe *sqe, uint64_t page)
{
	mmsb_prep(sqe, MMSB_OP_REFRESH, page, 0, 0);
}

static inline void mmsb_sqe_detach(struct mmsb_sqe *sqe)	/* of destroy */
{
	sqe->flags |= MMSB_SQE_DETACH;
}

static inline void mmsb_sqe_set_data(struct mmsb_sqe *sqe, uint64_t user_data)
{
	sqe->user_data = user_data;
}

static inline void mmsb_sqe_if_epoch(struct mmsb_sqe *sqe, uint64_t epoch)
{
	sqe->flags |= MMSB_SQE_IF_EPOCH;
	sqe->epoch = epoch;
}

static inline void mmsb_sqe_quiet(struct mmsb_sqe *sqe)
{
	sqe->flags |= MMSB_SQE_QUIET;
}

int mmsb_submit(struct mmsb_ring *ring);		/* publishes; drains it if inline, wakes the poller if need be; entries submitted */
int mmsb_submit_and_wait(struct mmsb_ring *ring, unsigned int min_complete, uint64_t timeout_ns);
int mmsb_peek_cqe(struct mmsb_ring *ring, struct mmsb_cqe *cqe);	/* reaps one: 1; 0: none now; -EPIPE: broken and empty */
int mmsb_wait_cqe(struct mmsb_ring *ring, struct mmsb_cqe *cqe, uint64_t timeout_ns);	/* 0, or -ETIME, -EINTR, -EPIPE */
unsigned int mmsb_peek_cqes(struct mmsb_ring *ring, struct mmsb_cqe *cqes, unsigned int max);
unsigned int mmsb_sq_space(const struct mmsb_ring *ring);
int mmsb_sq_wait(struct mmsb_ring *ring, uint64_t timeout_ns);	/* submits, sleeps until get_sqe succeeds; -EBUSY: reap first */
int mmsb_drain(struct mmsb_ring *ring, uint64_t timeout_ns);	/* waits until all submitted has been applied (reaps nothing) */

/* ------------------------------------------------------------------------------ one call each: submit, wait, result */
/*
 * On a ring without unreaped completions of the caller's own (else -EBUSY). 0 or a negative errno; *epoch gets the page's, also when a
 * comparison failed. What was prepared before is submitted along. mmsb_set() takes any length and cuts it into deltas that
 * fit the payload area, one after the other; all others are one delta and refuse what does not fit, with -EMSGSIZE.
 */

int mmsb_create(struct mmsb_ring *ring, uint32_t bytes, uint64_t *page);
int mmsb_destroy(struct mmsb_ring *ring, uint64_t page);
int mmsb_set(struct mmsb_ring *ring, uint64_t page, uint64_t offset, const void *bytes, size_t len, uint64_t *epoch);	/* any len */
int mmsb_add(struct mmsb_ring *ring, uint64_t page, uint64_t offset, int64_t operand, uint64_t *epoch);
int mmsb_cas(struct mmsb_ring *ring, uint64_t page, uint64_t offset, const void *expected, const void *bytes, size_t len, uint64_t *epoch);
int mmsb_cas_epoch(struct mmsb_ring *ring, uint64_t page, uint64_t expected, uint64_t offset, const void *bytes, size_t len, uint64_t *epoch);
int mmsb_append(struct mmsb_ring *ring, uint64_t page, uint64_t offset, const void *bytes, size_t len, uint64_t *epoch);
int mmsb_run(struct mmsb_ring *ring, const struct mmsb_sqe *sqe, const void *operand, size_t len, struct mmsb_cqe *cqe);	/* any one */

/* ---------------------------------------------------------------------------------- derived pages: see <mmsb/graph.h> */
/*
 * One call each, as above. A cycle is refused with -ELOOP, and mmsb_strerror_last() names the pages of it; a parent that is not there
 * with -ENOENT, likewise.
 */

/* derive->edges is filled in from n. Instead of a page's derivation, if it has one. */
int mmsb_derive(struct mmsb_ring *ring, uint64_t page, const struct mmsb_derive *derive, const struct mmsb_edge *edges, unsigned int n,
		uint64_t *epoch);
/* The same for any rule without parameters, over data edges alone. weights NULL: each leaves its parent's lanes as they are. */
int mmsb_derive_fold(struct mmsb_ring *ring, uint64_t page, uint32_t rule, uint8_t lane, const uint64_t *parents, const uint64_t *weights,
		     unsigned int n, uint64_t *epoch);
int mmsb_derive_slice(struct mmsb_ring *ring, uint64_t page, uint64_t parent, uint64_t offset, uint64_t bytes, uint64_t *epoch);
int mmsb_underive(struct mmsb_ring *ring, uint64_t page, uint64_t *epoch);
int mmsb_link(struct mmsb_ring *ring, uint64_t page, const struct mmsb_edge *edges, unsigned int n, uint64_t *epoch);
int mmsb_unlink(struct mmsb_ring *ring, uint64_t page, const uint64_t *parents, unsigned int n, uint64_t *epoch);
int mmsb_refresh(struct mmsb_ring *ring, uint64_t page, uint64_t *epoch);
int mmsb_destroy_detach(struct mmsb_ring *ring, uint64_t page);	/* what is derived from it becomes source pages */

/*
 * Asking. They need no ring of the caller's. Those that fill an array pass over the first `skip`, write at most n and return how many; 0:
 * there are no more. What changes between two calls may be seen or missed.
 */
int mmsb_node(struct mmsb_space *space, uint64_t page, struct mmsb_node *node);
int mmsb_parents(struct mmsb_space *space, uint64_t page, uint64_t skip, struct mmsb_edge *edges, unsigned int n);
int mmsb_children(struct mmsb_space *space, uint64_t page, uint64_t skip, uint64_t *pages, unsigned int n);	/* one an edge */
/* The pages on a way down from `page` to `to`, both included; 0 with skip 0: there is none. */
int mmsb_path(struct mmsb_space *space, uint64_t page, uint64_t to, uint64_t skip, uint64_t *pages, unsigned int n);
/* The pages that have an edge: *cursor begins at 0; returns how many were written, 0 at the end. */
int mmsb_node_next(struct mmsb_space *space, uint64_t *cursor, struct mmsb_node *nodes, unsigned int n);

const char *mmsb_rule_name(uint32_t rule);		/* "add-mul"; NULL: neither of <mmsb/graph.h> nor registered here */
int mmsb_rule_number(const char *name, uint32_t *rule);	/* 0, or -EINVAL */
const char *mmsb_lane_name(uint8_t lane);		/* "i64", "f32"; NULL: none */
int mmsb_lane_number(const char *name, uint8_t *lane);
/* The weight of an edge that leaves its parent's lanes as they are; 0 for rules without weights. */
uint64_t mmsb_rule_weight(uint32_t rule, uint8_t lane);

/*
 * A rule of one's own, in the embedded home. It must be pure: what it writes follows from the call alone, and not from the time, other
 * memory or earlier calls; audits (struct mmsb_space_opts) find some that are not. It is called by whoever runs a shard, several threads
 * at once if need be, and must neither sleep nor call this library. A rule stays registered for good: what does something else gets
 * another version.
 */
struct mmsb_rule_parent {
	uint64_t size;
	uint64_t weight;
	uint64_t reserved_;
	const void *bytes;	/* all of them; aligned to 64 */
};

struct mmsb_rule_call {
	const struct mmsb_rule_parent *parent;	/* those that are data, in the order of their edges */
	uint32_t parents;
	uint8_t lane;
	bool saturate;
	const uint64_t *param;	/* MMSB_RULE_PARAMS of them */
	void *out;		/* the page to be; zeros; aligned to 64 */
	uint64_t bytes;		/* it has so many */
	void *data;		/* the rule's */
};

struct mmsb_user_rule {
	size_t size;
	const char *name;	/* 1 to 31 characters; the rule's number follows from it */
	uint32_t version;	/* 1 or more */
	uint32_t min_parents, max_parents;	/* that are data; 0: 1, and MMSB_PARENTS_MAX */
	uint32_t lanes;		/* a bit for each lane type it knows; 0: it has none */
	uint32_t params;	/* how many it looks at */
	bool weights, saturates;	/* it looks at weights; it knows MMSB_DERIVE_SATURATE */
	void (*run)(const struct mmsb_rule_call *call);
	void *data;
};

/* *number, which may be NULL, gets the number for struct mmsb_derive. The kernel home: -ENOTSUP. */
int mmsb_rule_register(struct mmsb *mmsb, const struct mmsb_user_rule *rule, uint32_t *number);

/* ----------------------------------------------------------------------------------- history: see <mmsb/history.h> */

struct mmsb_history_opts {
	size_t size;
	uint64_t limit;		/* bytes of records that may wait before the space's rings stand still; 0: MMSB_HISTORY_LIMIT */
	uint32_t flags;		/* MMSB_HISTORY_COMPACT; and of a log, whose writer the caller is: MMSB_HISTORY_LOG, _TAKE_OVER */
	uint32_t mode;		/* of a log, as all below: enum mmsb_durability of <mmsb/log.h> */
	uint64_t log_id[2];
	uint64_t wake_bytes;
};

/* From here on the space tells what is applied. One at a time in a space, which stays open as long as its history; one thread at a time. */
int mmsb_history_open(struct mmsb_space *space, const struct mmsb_history_opts *opts, struct mmsb_history **history);
void mmsb_history_close(struct mmsb_history *history);
int mmsb_history_fd(const struct mmsb_history *history);	/* for poll/epoll in the kernel home; embedded: -ENOTSUP */
/* The next record, good until the next call. 0, or -ETIME, -EINTR. */
int mmsb_history_next(struct mmsb_history *history, const struct mmsb_record **record, uint64_t timeout_ns);
/*
 * From here on the state as it stands now, at *tick (which may be NULL), is told too, while the space goes on: CAPTURE, then IMAGEs among
 * the records of later ticks, then CAPTURED. Any thread may ask. -EBUSY: the last one is not at its end.
 */
int mmsb_history_capture(struct mmsb_history *history, uint64_t *tick);

/*
 * Does a record again, through a ring that was opened with MMSB_RING_REPLAY and is used for nothing else. Deltas are sent in batches, so what
 * is wrong with one may be told at a later record, the end of its tick at the latest if hashes are compared there. NULL: all that was
 * fed is done, and the tick under way ends. -EBADMSG: the histories differ, and mmsb_strerror_last() says at which tick.
 *
 * A fresh space can begin with what was captured of another instead of with its first tick: feed CAPTURE, the IMAGEs and CAPTURED, and
 * the records of later ticks, which came in between, behind these. In a space that has come to that tick by itself images are passed over.
 */
int mmsb_replay(struct mmsb_ring *ring, const struct mmsb_record *record);
/* All is done again that was to be: a space made with MMSB_SPACE_SHUT opens to others when the ring is closed. */
void mmsb_replay_whole(struct mmsb_ring *ring);

#ifdef __cplusplus
}
#endif
#endif
