/* SPDX-License-Identifier: MIT */
/*
 * The embedded home: an engine in this process.
 *
 * An instance is a space with its engine and pollers; handles (struct mmsb_space) share it by name. It goes with its last
 * handle, unless it is pinned; a struct mmsb takes its pinned ones along when it is closed. Permissions are not asked for:
 * whoever runs in the process can write its memory anyway. READ_ONLY handles are still held to it, against mistakes.
 *
 * After fork() the child has the memory but none of the pollers, and possibly locks that nobody will ever release: it must not
 * use what it inherited, nor close it. It may open a home of its own.
 */
#ifndef MMSB_EMBEDDED_H
#define MMSB_EMBEDDED_H

#include "engine.h"
#include "home.h"

struct embedded_poller;

struct embedded_home {
	struct mmsb mmsb;
	pthread_mutex_t lock;			/* instances: the list, names, users */
	struct embedded_instance *instances;	/* in order of id */
};

struct embedded_instance {
	struct embedded_home *home;
	struct embedded_instance *next;
	struct ms_space *engine;
	uint32_t users;				/* handles, and one if pinned */
	uint32_t flags;				/* INLINE, PIN */
	uint64_t id;
	char name[MMSB_NAME_MAX];
	uint32_t uid, gid, mode;
	uint32_t shards, next_shard;
	uint32_t idle_us;			/* of the pollers */
	uint32_t npollers;
	struct embedded_poller *pollers;
};

struct embedded_space {
	struct mmsb_space space;
	struct embedded_instance *instance;
	bool read_only;
	pthread_mutex_t verifying;
	struct ms_verify *verify;		/* under that; NULL: none is under way */
};

int embedded_rule_register(struct mmsb *mmsb, const struct mmsb_user_rule *rule, uint32_t *number);

int embedded_space_open(struct mmsb *mmsb, const char *name, const struct mmsb_space_opts *opts, struct mmsb_space **space);
int embedded_space_remove(struct mmsb *mmsb, const char *name);
int embedded_space_next(struct mmsb *mmsb, uint64_t *cursor, struct mmsb_space_info_args *info);
void embedded_space_close(struct mmsb_space *space);
int embedded_space_info(struct mmsb_space *space, struct mmsb_space_info_args *info);
int embedded_space_reset(struct mmsb_space *space);
int embedded_space_hash(struct mmsb_space *space, struct mmsb_hash_args *args);
int embedded_space_limit(struct mmsb_space *space, struct mmsb_limits_args *args);
int embedded_space_verify(struct mmsb_space *space, struct mmsb_verify_args *args);
int embedded_space_timing(struct mmsb_space *space, struct mmsb_timing_args *args);
int embedded_space_audit(struct mmsb_space *space, struct mmsb_audit_args *args);
int embedded_space_wait(struct mmsb_space *space, struct mmsb_wait_args *args);
int embedded_history_open(struct mmsb_space *space, struct mmsb_history_open_args *args, struct mmsb_history **history);
void embedded_history_close(struct mmsb_history *history);
int embedded_history_capture(struct mmsb_history *history, struct mmsb_log_capture_args *args);
int embedded_history_next(struct mmsb_history *history, const struct mmsb_record **record, uint64_t timeout_ns);
int embedded_history_wait(struct mmsb_history *history, uint64_t timeout_ns);
int embedded_history_durable(struct mmsb_history *history, struct mmsb_log_durable_args *args);
int embedded_space_durability(struct mmsb_space *space, struct mmsb_durability_args *args);
int embedded_space_sync(struct mmsb_space *space, struct mmsb_sync_args *args);
void embedded_instance_free(struct embedded_instance *instance);

int embedded_ring_open(struct mmsb_space *space, struct mmsb_ring_open_args *args, struct mmsb_ring **ring);
void embedded_ring_close(struct mmsb_ring *ring);
int embedded_ring_enter(struct mmsb_ring *ring, uint32_t min_complete, uint64_t timeout_ns);
int embedded_ring_enter_for_room(struct mmsb_ring *ring, uint64_t timeout_ns);
int embedded_ring_snapshot(struct mmsb_ring *ring, struct mmsb_snapshot_args *args);
int embedded_ring_graph(struct mmsb_ring *ring, struct mmsb_graph_args *args);

int embedded_events_open(struct mmsb_space *space, struct mmsb_events_open_args *args, struct mmsb_events **events);
void embedded_events_close(struct mmsb_events *events);
int embedded_events_filter(struct mmsb_events *events, struct mmsb_events_filter_args *args);
int embedded_events_wait(struct mmsb_events *events, uint64_t timeout_ns);

#define EMBEDDED_IDLE_US	50u

int embedded_pollers_start(struct embedded_instance *instance, uint32_t pollers);
void embedded_pollers_stop(struct embedded_instance *instance);

#endif
