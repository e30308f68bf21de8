// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include "embedded.h"

static int embedded_open(struct mmsb **mmsb, const struct mmsb_open_opts *opts)
{
	struct embedded_home *home = msl_alloc(sizeof(*home));

	(void)opts;
	if (!home)
		return -ENOMEM;
	msl_mmsb_init(&home->mmsb, &msl_home_embedded);
	pthread_mutex_init(&home->lock, NULL);
	*mmsb = &home->mmsb;
	return 0;
}

/* No handle is left: what is still here is pinned. */
static void embedded_close(struct mmsb *mmsb)
{
	struct embedded_home *home = (struct embedded_home *)mmsb;

	while (home->instances) {
		struct embedded_instance *instance = home->instances;

		home->instances = instance->next;
		embedded_instance_free(instance);
	}
	pthread_mutex_destroy(&home->lock);
	free(home);
}

static int embedded_info(struct mmsb *mmsb, struct mmsb_info_args *info)
{
	struct embedded_home *home = (struct embedded_home *)mmsb;
	struct embedded_instance *instance;

	info->abi = MMSB_ABI_VERSION;
	info->features = MMSB_FEATURE_POLLED | MMSB_FEATURE_INLINE | MMSB_FEATURE_HASH | MMSB_FEATURE_SNAPSHOT |
			 MMSB_FEATURE_DERIVED | MMSB_FEATURE_HISTORY | MMSB_FEATURE_EVENTS | MMSB_FEATURE_LOG |
			 MMSB_FEATURE_TIMING | (PF_FLOAT ? MMSB_FEATURE_FLOAT : 0);
	pthread_mutex_lock(&home->lock);
	for (instance = home->instances; instance; instance = instance->next)
		info->spaces++;
	pthread_mutex_unlock(&home->lock);
	info->max_spaces = UINT32_MAX;
	info->max_pages = UINT32_MAX;
	info->max_bytes = 1ull << 40;
	info->max_rings = UINT32_MAX;
	info->poll_idle_us = EMBEDDED_IDLE_US;
	strncpy(info->version, mmsb_version(), sizeof(info->version) - 1);
	return 0;
}

static int embedded_space_from_fd(struct mmsb *mmsb, int fd, struct mmsb_space **space)
{
	(void)mmsb, (void)fd, (void)space;
	return msl_fail(ENOTSUP, "the embedded home has no file descriptors: its spaces live in this process only");
}

static int embedded_space_fd(const struct mmsb_space *space)
{
	(void)space;
	return msl_fail(ENOTSUP, "the embedded home has no file descriptors: its spaces live in this process only");
}

static int embedded_ring_fd(const struct mmsb_ring *ring)
{
	(void)ring;
	return msl_fail(ENOTSUP, "the embedded home has no file descriptors: use mmsb_wait_cqe()");
}

static int embedded_history_fd(const struct mmsb_history *history)
{
	(void)history;
	return msl_fail(ENOTSUP, "the embedded home has no file descriptors: use mmsb_history_next()");
}

static int embedded_events_fd(const struct mmsb_events *events)
{
	(void)events;
	return msl_fail(ENOTSUP, "the embedded home has no file descriptors: use mmsb_events_next()");
}

const struct msl_home msl_home_embedded = {
	.name = "embedded",
	.open = embedded_open,
	.close = embedded_close,
	.info = embedded_info,
	.rule_register = embedded_rule_register,
	.space_open = embedded_space_open,
	.space_from_fd = embedded_space_from_fd,
	.space_remove = embedded_space_remove,
	.space_next = embedded_space_next,
	.space_close = embedded_space_close,
	.space_fd = embedded_space_fd,
	.space_info = embedded_space_info,
	.space_reset = embedded_space_reset,
	.space_hash = embedded_space_hash,
	.space_limit = embedded_space_limit,
	.space_verify = embedded_space_verify,
	.space_timing = embedded_space_timing,
	.space_audit = embedded_space_audit,
	.space_wait = embedded_space_wait,
	.history_open = embedded_history_open,
	.history_close = embedded_history_close,
	.history_fd = embedded_history_fd,
	.history_capture = embedded_history_capture,
	.history_next = embedded_history_next,
	.history_wait = embedded_history_wait,
	.history_durable = embedded_history_durable,
	.space_durability = embedded_space_durability,
	.space_sync = embedded_space_sync,
	.ring_open = embedded_ring_open,
	.ring_close = embedded_ring_close,
	.ring_fd = embedded_ring_fd,
	.ring_enter = embedded_ring_enter,
	.ring_enter_for_room = embedded_ring_enter_for_room,
	.ring_snapshot = embedded_ring_snapshot,
	.ring_graph = embedded_ring_graph,
	.events_open = embedded_events_open,
	.events_close = embedded_events_close,
	.events_fd = embedded_events_fd,
	.events_filter = embedded_events_filter,
	.events_wait = embedded_events_wait,
};
