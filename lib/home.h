/* SPDX-License-Identifier: MIT */
/*
 * What a home is to the rest of the library: a table of calls for whatever has to go through an engine, and pointers for all
 * that does not. Reading pages, and the client's half of a ring, work on those pointers and are the same for every home.
 *
 * Lifetimes. Each handle counts who needs it: a space keeps its struct mmsb, a ring keeps its space. So it does no harm
 * in which order they are closed; a handle that was closed must only not be used by its former owner.
 */
#ifndef MMSB_LIB_HOME_H
#define MMSB_LIB_HOME_H

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

/* Objects are built with hidden visibility; what the public header declares is public. */
#pragma GCC visibility push(default)
#include <mmsb/mmsb.h>
#include <mmsb/logging.h>
#pragma GCC visibility pop

#include "barrier.h"
#include "inject.h"

struct msl_home {
	const char *name;
	int (*open)(struct mmsb **mmsb, const struct mmsb_open_opts *opts);
	void (*close)(struct mmsb *mmsb);
	int (*info)(struct mmsb *mmsb, struct mmsb_info_args *info);

	int (*rule_register)(struct mmsb *mmsb, const struct mmsb_user_rule *rule, uint32_t *number);

	int (*space_open)(struct mmsb *mmsb, const char *name, const struct mmsb_space_opts *opts, struct mmsb_space **space);
	int (*space_from_fd)(struct mmsb *mmsb, int fd, struct mmsb_space **space);
	int (*space_remove)(struct mmsb *mmsb, const char *name);
	int (*space_next)(struct mmsb *mmsb, uint64_t *cursor, struct mmsb_space_info_args *info);
	void (*space_close)(struct mmsb_space *space);
	int (*space_fd)(const struct mmsb_space *space);
	int (*space_info)(struct mmsb_space *space, struct mmsb_space_info_args *info);
	int (*space_reset)(struct mmsb_space *space);
	int (*space_hash)(struct mmsb_space *space, struct mmsb_hash_args *args);
	int (*space_limit)(struct mmsb_space *space, struct mmsb_limits_args *args);
	int (*space_verify)(struct mmsb_space *space, struct mmsb_verify_args *args);
	int (*space_timing)(struct mmsb_space *space, struct mmsb_timing_args *args);
	int (*space_audit)(struct mmsb_space *space, struct mmsb_audit_args *args);
	int (*space_wait)(struct mmsb_space *space, struct mmsb_wait_args *args);
	int (*space_durability)(struct mmsb_space *space, struct mmsb_durability_args *args);
	int (*space_sync)(struct mmsb_space *space, struct mmsb_sync_args *args);

	int (*history_open)(struct mmsb_space *space, struct mmsb_history_open_args *args, struct mmsb_history **history);
	void (*history_close)(struct mmsb_history *history);
	int (*history_fd)(const struct mmsb_history *history);
	int (*history_capture)(struct mmsb_history *history, struct mmsb_log_capture_args *args);
	int (*history_next)(struct mmsb_history *history, const struct mmsb_record **record, uint64_t timeout_ns);
	int (*history_wait)(struct mmsb_history *history, uint64_t timeout_ns);
	int (*history_durable)(struct mmsb_history *history, struct mmsb_log_durable_args *args);

	int (*ring_open)(struct mmsb_space *space, struct mmsb_ring_open_args *args, struct mmsb_ring **ring);
	void (*ring_close)(struct mmsb_ring *ring);
	int (*ring_fd)(const struct mmsb_ring *ring);
	int (*ring_enter)(struct mmsb_ring *ring, uint32_t min_complete, uint64_t timeout_ns);
	int (*ring_enter_for_room)(struct mmsb_ring *ring, uint64_t timeout_ns);
	int (*ring_snapshot)(struct mmsb_ring *ring, struct mmsb_snapshot_args *args);
	int (*ring_graph)(struct mmsb_ring *ring, struct mmsb_graph_args *args);

	int (*events_open)(struct mmsb_space *space, struct mmsb_events_open_args *args, struct mmsb_events **events);
	void (*events_close)(struct mmsb_events *events);
	int (*events_fd)(const struct mmsb_events *events);
	int (*events_filter)(struct mmsb_events *events, struct mmsb_events_filter_args *args);
	int (*events_wait)(struct mmsb_events *events, uint64_t timeout_ns);	/* 0, -ETIME, -EINTR, -EPIPE */
};

extern const struct msl_home msl_home_kernel, msl_home_embedded;

/* Homes put these first into structs of their own. */
struct mmsb {
	const struct msl_home *home;
	uint32_t users;			/* the caller, and each space handle */
	pthread_mutex_t lock;		/* of the list */
	struct mmsb_space *spaces;	/* handles not yet closed by the caller */
};

struct mmsb_space {
	const struct msl_home *home;
	const struct mmsb_space_page *page;
	const struct mmsb_line *lines;
	uint64_t nlines;
	const uint8_t *arena;
	uint64_t arena_bytes;

	struct mmsb *mmsb;
	uint32_t users;			/* the caller, and each ring of either sort */
	struct mmsb_space *next, *prev;
	pthread_mutex_t helper_lock;
	struct mmsb_ring *helper;	/* the handle's own ring, see msl_space_helper() */
	uint32_t access;		/* enum msl_access; 0: not asked yet */
	pthread_mutex_t log_lock;	/* of the log that was opened through this handle, and of its writer */
	struct mmsb_log *log;		/* NULL: none */
	struct mmsb_ring *hold;		/* keeps others from writing until the log is open; NULL: none */
};

struct mmsb_history {
	const struct msl_home *home;
	struct mmsb_space *space;
};

/* How many words the record has. */
static inline size_t msl_words_in(const struct mmsb_record *record)
{
	return (record->bytes - sizeof(struct mmsb_words_record)) / sizeof(struct mmsb_word);
}

/* As the ABI's arguments say, which are filled in. */
int msl_history_open(struct mmsb_space *space, struct mmsb_history_open_args *args, struct mmsb_history **history);

/* ---------------------------------------------------------------------------------------------------------- failing */

/* Keep the text for mmsb_strerror_last() and return the negative errno. */
__attribute__((format(printf, 2, 3))) int msl_fail(int err, const char *format, ...);
int msl_fail_reason(enum mmsb_reason reason);

/* Copies an options struct that begins with its size; what the caller leaves off is zero, what we do not know must be. */
int msl_opts(void *to, size_t known, const void *from);
#define MSL_OPTS(to, from) msl_opts(&(to), sizeof(to), from)

/* Copies an argument struct out to a caller who may know fewer fields; a size of 0 means those of release 0.1. */
void msl_args_out(void *to, const void *args, size_t known);

/* Of a line's flags, those that are not the engine's own. */
#define MSL_LINE_TOLD	(MMSB_LINE_STALE | MMSB_LINE_BEHIND)

/* ---------------------------------------------------------------------------------------------------------- handles */

/* Zeroed; NULL, with the text kept, where there is none. */
static inline void *msl_alloc(size_t bytes)
{
	void *ptr = pf_fault_inject() ? NULL : calloc(1, bytes);

	if (msl_unlikely(!ptr))
		msl_fail(ENOMEM, "out of memory");
	return ptr;
}

/* What the page of that image, or this piece of it, adds to the state hash. */
void embedded_image_hash(const struct mmsb_image *image, uint64_t hash[2]);
/* Of rules that were registered; NULL, 0: none. */
const char *embedded_rule_name(uint32_t number);
uint32_t embedded_rule_number(const char *name);

/*
 * Does a step of the work of the space's log, if that was opened through this handle and nobody is at it: whoever waits for something to be
 * durable need not wait for another thread. True: more is durable now.
 */
bool msl_log_help(struct mmsb_space *space);

int msl_name_check(const char *name);
void msl_mmsb_init(struct mmsb *mmsb, const struct msl_home *home);
/* The home has filled in what readers need; `space` becomes a handle of its struct mmsb. */
void msl_space_init(struct mmsb_space *space, struct mmsb *mmsb, const struct mmsb_space_page *page, const void *directory,
		    const void *arena);
void msl_space_get(struct mmsb_space *space);
void msl_space_put(struct mmsb_space *space);
/*
 * Under helper_lock: space->helper is there and has a payload area of that many bytes at least. It is a small inline ring, opened
 * when it is first needed and replaced by one with a larger payload area when that is.
 */
int msl_space_helper(struct mmsb_space *space, uint64_t payload_bytes);
/* Others may write again, if mmsb_log_hold() or a restore kept them from it. */
void msl_space_unhold(struct mmsb_space *space);
int msl_space_snapshot_one(struct mmsb_space *space, uint64_t page, uint64_t offset, void *to, size_t len, uint64_t *epoch,
			   ssize_t *copied);
/* Recomputes a page that is behind: 0; 1: it cannot be done through this handle; or a negative errno. */
int msl_space_refresh(struct mmsb_space *space, uint64_t page);

#endif
