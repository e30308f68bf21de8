// SPDX-License-Identifier: GPL-2.0-only
/* Made of uapi/mmsb.yaml by scripts/netlink: change that. */
#include "nlc.h"

static const struct nlc_attr module_attrs[MMSB_A_MODULE_MAX + 1] = {
	[MMSB_A_MODULE_VERSION] = { "version", NLC_STRING },
	[MMSB_A_MODULE_ABI] = { "abi", NLC_U32 },
	[MMSB_A_MODULE_FEATURES] = { "features", NLC_U64 },
	[MMSB_A_MODULE_SPACES] = { "spaces", NLC_U32 },
	[MMSB_A_MODULE_SPACES_ALL] = { "spaces_all", NLC_U32 },
	[MMSB_A_MODULE_GENERATION] = { "generation", NLC_U64 },
	[MMSB_A_MODULE_MAX_SPACES] = { "max_spaces", NLC_U32 },
	[MMSB_A_MODULE_MAX_USER_SPACES] = { "max_user_spaces", NLC_U32 },
	[MMSB_A_MODULE_MAX_PAGES] = { "max_pages", NLC_U64 },
	[MMSB_A_MODULE_MAX_BYTES] = { "max_bytes", NLC_U64 },
	[MMSB_A_MODULE_MAX_RINGS] = { "max_rings", NLC_U32 },
	[MMSB_A_MODULE_POLL_IDLE_US] = { "poll_idle_us", NLC_U32 },
	[MMSB_A_MODULE_AUDIT] = { "audit", NLC_U32 },
	[MMSB_A_MODULE_PRESSURE_MS] = { "pressure_ms", NLC_U32 },
	[MMSB_A_MODULE_PRESSURE_GENERATION] = { "pressure_generation", NLC_U64 },
	[MMSB_A_MODULE_MAX_USER_PAGES] = { "max_user_pages", NLC_U64 },
	[MMSB_A_MODULE_MAX_USER_BYTES] = { "max_user_bytes", NLC_U64 },
	[MMSB_A_MODULE_MAX_USER_RINGS] = { "max_user_rings", NLC_U32 },
};

static const struct nlc_attr space_attrs[MMSB_A_SPACE_MAX + 1] = {
	[MMSB_A_SPACE_ID] = { "id", NLC_U64 },
	[MMSB_A_SPACE_NAME] = { "name", NLC_STRING },
	[MMSB_A_SPACE_UID] = { "uid", NLC_U32 },
	[MMSB_A_SPACE_GID] = { "gid", NLC_U32 },
	[MMSB_A_SPACE_MODE] = { "mode", NLC_U32 },
	[MMSB_A_SPACE_FLAGS] = { "flags", NLC_U32 },
	[MMSB_A_SPACE_SHARDS] = { "shards", NLC_U32 },
	[MMSB_A_SPACE_RINGS] = { "rings", NLC_U32 },
	[MMSB_A_SPACE_MAX_RINGS] = { "max_rings", NLC_U32 },
	[MMSB_A_SPACE_PAGES] = { "pages", NLC_U64 },
	[MMSB_A_SPACE_MAX_PAGES] = { "max_pages", NLC_U64 },
	[MMSB_A_SPACE_MADE_FOR_PAGES] = { "made_for_pages", NLC_U64 },
	[MMSB_A_SPACE_BYTES] = { "bytes", NLC_U64 },
	[MMSB_A_SPACE_MAX_BYTES] = { "max_bytes", NLC_U64 },
	[MMSB_A_SPACE_MADE_FOR_BYTES] = { "made_for_bytes", NLC_U64 },
	[MMSB_A_SPACE_MEMORY] = { "memory", NLC_U64 },
	[MMSB_A_SPACE_TICK] = { "tick", NLC_U64 },
	[MMSB_A_SPACE_DELTAS] = { "deltas", NLC_U64 },
	[MMSB_A_SPACE_INCARNATION] = { "incarnation", NLC_U64 },
	[MMSB_A_SPACE_DERIVED] = { "derived", NLC_U64 },
	[MMSB_A_SPACE_EDGES] = { "edges", NLC_U64 },
	[MMSB_A_SPACE_RECOMPUTED] = { "recomputed", NLC_U64 },
	[MMSB_A_SPACE_SKIPPED] = { "skipped", NLC_U64 },
	[MMSB_A_SPACE_CUT] = { "cut", NLC_U64 },
	[MMSB_A_SPACE_SUSPECT] = { "suspect", NLC_U64 },
	[MMSB_A_SPACE_MEETINGS] = { "meetings", NLC_U64 },
	[MMSB_A_SPACE_SHARED] = { "shared", NLC_U64 },
	[MMSB_A_SPACE_DURABILITY] = { "durability", NLC_U32 },
	[MMSB_A_SPACE_LOG_WRITER] = { "log_writer", NLC_U8 },
	[MMSB_A_SPACE_LOG_FAILED] = { "log_failed", NLC_U8 },
	[MMSB_A_SPACE_DURABLE] = { "durable", NLC_U64 },
	[MMSB_A_SPACE_LOG_WAITING] = { "log_waiting", NLC_U64 },
	[MMSB_A_SPACE_LOG_LIMIT] = { "log_limit", NLC_U64 },
	[MMSB_A_SPACE_LOG_HELD] = { "log_held", NLC_U32 },
	[MMSB_A_SPACE_HASH] = { "hash", NLC_U8 },
	[MMSB_A_SPACE_PINNED] = { "pinned", NLC_U8 },
	[MMSB_A_SPACE_PRESSURE] = { "pressure", NLC_U32 },
	[MMSB_A_SPACE_TIMING] = { "timing", NLC_U8 },
	[MMSB_A_SPACE_AUDIT] = { "audit", NLC_U32 },
	[MMSB_A_SPACE_MEMCG] = { "memcg", NLC_U64 },
	[MMSB_A_SPACE_MEMCG_PATH] = { "memcg_path", NLC_STRING },
};

static const struct nlc_attr ring_attrs[MMSB_A_RING_MAX + 1] = {
	[MMSB_A_RING_SPACE_ID] = { "space_id", NLC_U64 },
	[MMSB_A_RING_SPACE_NAME] = { "space_name", NLC_STRING },
	[MMSB_A_RING_ID] = { "id", NLC_U64 },
	[MMSB_A_RING_SHARD] = { "shard", NLC_U32 },
	[MMSB_A_RING_POLLED] = { "polled", NLC_U8 },
	[MMSB_A_RING_READ_ONLY] = { "read_only", NLC_U8 },
	[MMSB_A_RING_PID] = { "pid", NLC_U32 },
	[MMSB_A_RING_COMM] = { "comm", NLC_STRING },
	[MMSB_A_RING_UID] = { "uid", NLC_U32 },
	[MMSB_A_RING_CGROUP] = { "cgroup", NLC_U64 },
	[MMSB_A_RING_SOURCE] = { "source", NLC_U64 },
	[MMSB_A_RING_OPENED] = { "opened", NLC_U64 },
	[MMSB_A_RING_SQ_ENTRIES] = { "sq_entries", NLC_U32 },
	[MMSB_A_RING_CQ_ENTRIES] = { "cq_entries", NLC_U32 },
	[MMSB_A_RING_PAYLOAD_BYTES] = { "payload_bytes", NLC_U64 },
	[MMSB_A_RING_IDLE_US] = { "idle_us", NLC_U32 },
	[MMSB_A_RING_PENDING] = { "pending", NLC_U32 },
	[MMSB_A_RING_UNREAPED] = { "unreaped", NLC_U32 },
	[MMSB_A_RING_TAKEN] = { "taken", NLC_U64 },
	[MMSB_A_RING_FAILED] = { "failed", NLC_U64 },
	[MMSB_A_RING_STALLS] = { "stalls", NLC_U64 },
	[MMSB_A_RING_BROKEN] = { "broken", NLC_U32 },
};

static const struct nlc_attr shard_attrs[MMSB_A_SHARD_MAX + 1] = {
	[MMSB_A_SHARD_SPACE_ID] = { "space_id", NLC_U64 },
	[MMSB_A_SHARD_SPACE_NAME] = { "space_name", NLC_STRING },
	[MMSB_A_SHARD_NUMBER] = { "number", NLC_U32 },
	[MMSB_A_SHARD_CPU] = { "cpu", NLC_U32 },
	[MMSB_A_SHARD_NODE] = { "node", NLC_U32 },
	[MMSB_A_SHARD_ASLEEP] = { "asleep", NLC_U8 },
	[MMSB_A_SHARD_RINGS] = { "rings", NLC_U32 },
	[MMSB_A_SHARD_PAGES] = { "pages", NLC_U64 },
	[MMSB_A_SHARD_MEMORY] = { "memory", NLC_U64 },
	[MMSB_A_SHARD_DELTAS] = { "deltas", NLC_U64 },
	[MMSB_A_SHARD_TICK] = { "tick", NLC_U64 },
	[MMSB_A_SHARD_DERIVED] = { "derived", NLC_U64 },
	[MMSB_A_SHARD_EDGES] = { "edges", NLC_U64 },
	[MMSB_A_SHARD_RECOMPUTED] = { "recomputed", NLC_U64 },
	[MMSB_A_SHARD_SKIPPED] = { "skipped", NLC_U64 },
	[MMSB_A_SHARD_CUT] = { "cut", NLC_U64 },
	[MMSB_A_SHARD_HELD] = { "held", NLC_U32 },
};

static const struct nlc_attr poller_attrs[MMSB_A_POLLER_MAX + 1] = {
	[MMSB_A_POLLER_CPU] = { "cpu", NLC_U32 },
	[MMSB_A_POLLER_PID] = { "pid", NLC_U32 },
	[MMSB_A_POLLER_SHARDS] = { "shards", NLC_U32 },
	[MMSB_A_POLLER_RESTING] = { "resting", NLC_U8 },
	[MMSB_A_POLLER_IDLE_US] = { "idle_us", NLC_U32 },
	[MMSB_A_POLLER_CPU_TIME] = { "cpu_time", NLC_U64 },
	[MMSB_A_POLLER_RESTS] = { "rests", NLC_U64 },
	[MMSB_A_POLLER_RESTED] = { "rested", NLC_U64 },
};

static const struct nlc_attr page_attrs[MMSB_A_PAGE_MAX + 1] = {
	[MMSB_A_PAGE_SPACE_ID] = { "space_id", NLC_U64 },
	[MMSB_A_PAGE_SPACE_NAME] = { "space_name", NLC_STRING },
	[MMSB_A_PAGE_FROM] = { "from", NLC_U32 },
	[MMSB_A_PAGE_ID] = { "id", NLC_U64 },
	[MMSB_A_PAGE_DERIVED] = { "derived", NLC_U8 },
	[MMSB_A_PAGE_SIZE] = { "size", NLC_U32 },
	[MMSB_A_PAGE_EPOCH] = { "epoch", NLC_U64 },
	[MMSB_A_PAGE_TICK] = { "tick", NLC_U64 },
};

static const struct nlc_attr user_attrs[MMSB_A_USER_MAX + 1] = {
	[MMSB_A_USER_UID] = { "uid", NLC_U32 },
	[MMSB_A_USER_SPACES] = { "spaces", NLC_U32 },
	[MMSB_A_USER_MAX_SPACES] = { "max_spaces", NLC_U32 },
	[MMSB_A_USER_PAGES] = { "pages", NLC_U64 },
	[MMSB_A_USER_BYTES] = { "bytes", NLC_U64 },
	[MMSB_A_USER_RINGS] = { "rings", NLC_U64 },
	[MMSB_A_USER_MAX_PAGES] = { "max_pages", NLC_U64 },
	[MMSB_A_USER_MAX_BYTES] = { "max_bytes", NLC_U64 },
	[MMSB_A_USER_MAX_RINGS] = { "max_rings", NLC_U32 },
};

static const struct nlc_attr edge_attrs[MMSB_A_EDGE_MAX + 1] = {
	[MMSB_A_EDGE_SPACE_ID] = { "space_id", NLC_U64 },
	[MMSB_A_EDGE_SPACE_NAME] = { "space_name", NLC_STRING },
	[MMSB_A_EDGE_FROM] = { "from", NLC_U32 },
	[MMSB_A_EDGE_PAGE] = { "page", NLC_U64 },
	[MMSB_A_EDGE_NUMBER] = { "number", NLC_U32 },
	[MMSB_A_EDGE_PARENT] = { "parent", NLC_U64 },
	[MMSB_A_EDGE_WEIGHT] = { "weight", NLC_U64 },
	[MMSB_A_EDGE_TYPE] = { "type", NLC_U32 },
};

static const struct nlc_attr event_attrs[MMSB_A_EVENT_MAX + 1] = {
	[MMSB_A_EVENT_GENERATION] = { "generation", NLC_U64 },
	[MMSB_A_EVENT_WHAT] = { "what", NLC_U32 },
	[MMSB_A_EVENT_TIME] = { "time", NLC_U64 },
	[MMSB_A_EVENT_SPACE_ID] = { "space_id", NLC_U64 },
	[MMSB_A_EVENT_SPACE_NAME] = { "space_name", NLC_STRING },
	[MMSB_A_EVENT_RING_ID] = { "ring_id", NLC_U64 },
	[MMSB_A_EVENT_PID] = { "pid", NLC_U32 },
	[MMSB_A_EVENT_UID] = { "uid", NLC_U32 },
	[MMSB_A_EVENT_REASON] = { "reason", NLC_U32 },
	[MMSB_A_EVENT_CAUSE] = { "cause", NLC_U32 },
};

static const struct nlc_attr timing_attrs[MMSB_A_TIMING_MAX + 1] = {
	[MMSB_A_TIMING_SPACE_ID] = { "space_id", NLC_U64 },
	[MMSB_A_TIMING_SPACE_NAME] = { "space_name", NLC_STRING },
	[MMSB_A_TIMING_LAYER] = { "layer", NLC_STRING },
	[MMSB_A_TIMING_COUNT] = { "count", NLC_U64 },
	[MMSB_A_TIMING_SUM] = { "sum", NLC_U64 },
	[MMSB_A_TIMING_SHORTEST] = { "shortest", NLC_U64 },
	[MMSB_A_TIMING_LONGEST] = { "longest", NLC_U64 },
	[MMSB_A_TIMING_P50] = { "p50", NLC_U64 },
	[MMSB_A_TIMING_P90] = { "p90", NLC_U64 },
	[MMSB_A_TIMING_P99] = { "p99", NLC_U64 },
	[MMSB_A_TIMING_P999] = { "p999", NLC_U64 },
	[MMSB_A_TIMING_OCTAVES] = { "octaves", NLC_BINARY },
};

const struct nlc_set nlc_module = { module_attrs, MMSB_A_MODULE_MAX };
const struct nlc_set nlc_space = { space_attrs, MMSB_A_SPACE_MAX };
const struct nlc_set nlc_ring = { ring_attrs, MMSB_A_RING_MAX };
const struct nlc_set nlc_shard = { shard_attrs, MMSB_A_SHARD_MAX };
const struct nlc_set nlc_poller = { poller_attrs, MMSB_A_POLLER_MAX };
const struct nlc_set nlc_page = { page_attrs, MMSB_A_PAGE_MAX };
const struct nlc_set nlc_user = { user_attrs, MMSB_A_USER_MAX };
const struct nlc_set nlc_edge = { edge_attrs, MMSB_A_EDGE_MAX };
const struct nlc_set nlc_event = { event_attrs, MMSB_A_EVENT_MAX };
const struct nlc_set nlc_timing = { timing_attrs, MMSB_A_TIMING_MAX };

const char *const nlc_what_names[MMSB_WHAT_LAST] = {
	[MMSB_WHAT_NONE] = "none",
	[MMSB_WHAT_SPACE_MADE] = "space-made",
	[MMSB_WHAT_SPACE_REMOVED] = "space-removed",
	[MMSB_WHAT_SPACE_GONE] = "space-gone",
	[MMSB_WHAT_SPACE_RESET] = "space-reset",
	[MMSB_WHAT_SPACE_CHANGED] = "space-changed",
	[MMSB_WHAT_RING_OPENED] = "ring-opened",
	[MMSB_WHAT_RING_CLOSED] = "ring-closed",
	[MMSB_WHAT_CLIENT_DIED] = "client-died",
	[MMSB_WHAT_RING_BROKEN] = "ring-broken",
	[MMSB_WHAT_LIMIT_REACHED] = "limit-reached",
	[MMSB_WHAT_LIMIT_NEAR] = "limit-near",
	[MMSB_WHAT_LIMIT_FAR] = "limit-far",
	[MMSB_WHAT_LOG_BLOCKED] = "log-blocked",
	[MMSB_WHAT_LOG_FREE] = "log-free",
	[MMSB_WHAT_QUEUE_HELD] = "queue-held",
	[MMSB_WHAT_QUEUE_GOES_ON] = "queue-goes-on",
};

const char *const nlc_pressure_names[] = {
	"pages",
	"bytes",
	"rings",
	"log",
	"queues",
	NULL
};
