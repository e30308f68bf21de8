/* SPDX-License-Identifier: GPL-2.0-only */
/* What can be asked, and what each request takes, for who makes requests up (made of uapi/mmsb.yaml by scripts/netlink: change that). */
#ifndef NETLINK_REQUESTS_H
#define NETLINK_REQUESTS_H

#include "../../tools/nlc.h"

struct request_attr {
	uint16_t attr;
	enum nlc_type type;
	uint64_t least, most;	/* of a string: its length */
};

struct request {
	const char *name;
	uint8_t cmd;
	int dump, attrs, last;	/* the set's last attribute */
	const struct request_attr *attr;
};

static const struct request_attr module_set_do_attrs[] = {
	{ MMSB_A_MODULE_MAX_SPACES, NLC_U32, 1, 1048576ull },
	{ MMSB_A_MODULE_MAX_USER_SPACES, NLC_U32, 1, 1048576ull },
	{ MMSB_A_MODULE_MAX_PAGES, NLC_U64, 1, 4294967295ull },
	{ MMSB_A_MODULE_MAX_BYTES, NLC_U64, 65536, 1099511627776ull },
	{ MMSB_A_MODULE_MAX_RINGS, NLC_U32, 1, 1048576ull },
	{ MMSB_A_MODULE_POLL_IDLE_US, NLC_U32, 0, 1000000ull },
	{ MMSB_A_MODULE_AUDIT, NLC_U32, 0, 4294967295ull },
	{ MMSB_A_MODULE_PRESSURE_MS, NLC_U32, 1, 60000ull },
	{ MMSB_A_MODULE_MAX_USER_PAGES, NLC_U64, 1, 1099511627776ull },
	{ MMSB_A_MODULE_MAX_USER_BYTES, NLC_U64, 65536, 1125899906842624ull },
	{ MMSB_A_MODULE_MAX_USER_RINGS, NLC_U32, 1, 16777216ull },
};

static const struct request_attr space_get_do_attrs[] = {
	{ MMSB_A_SPACE_ID, NLC_U64, 0, 18446744073709551615ull },
	{ MMSB_A_SPACE_NAME, NLC_STRING, 0, 63ull },
};

static const struct request_attr space_set_do_attrs[] = {
	{ MMSB_A_SPACE_ID, NLC_U64, 0, 18446744073709551615ull },
	{ MMSB_A_SPACE_NAME, NLC_STRING, 0, 63ull },
	{ MMSB_A_SPACE_MODE, NLC_U32, 0, 511ull },
	{ MMSB_A_SPACE_MAX_RINGS, NLC_U32, 1, 1048576ull },
	{ MMSB_A_SPACE_MAX_PAGES, NLC_U64, 1, 4294967295ull },
	{ MMSB_A_SPACE_MAX_BYTES, NLC_U64, 65536, 1099511627776ull },
	{ MMSB_A_SPACE_DURABILITY, NLC_U32, 0, 2ull },
	{ MMSB_A_SPACE_HASH, NLC_U8, 0, 1ull },
	{ MMSB_A_SPACE_PINNED, NLC_U8, 0, 1ull },
	{ MMSB_A_SPACE_TIMING, NLC_U8, 0, 1ull },
	{ MMSB_A_SPACE_AUDIT, NLC_U32, 0, 4294967295ull },
};

static const struct request_attr space_reset_do_attrs[] = {
	{ MMSB_A_SPACE_ID, NLC_U64, 0, 18446744073709551615ull },
	{ MMSB_A_SPACE_NAME, NLC_STRING, 0, 63ull },
};

static const struct request_attr space_remove_do_attrs[] = {
	{ MMSB_A_SPACE_ID, NLC_U64, 0, 18446744073709551615ull },
	{ MMSB_A_SPACE_NAME, NLC_STRING, 0, 63ull },
};

static const struct request_attr ring_get_dump_attrs[] = {
	{ MMSB_A_RING_SPACE_ID, NLC_U64, 0, 18446744073709551615ull },
	{ MMSB_A_RING_SPACE_NAME, NLC_STRING, 0, 63ull },
};

static const struct request_attr shard_get_dump_attrs[] = {
	{ MMSB_A_SHARD_SPACE_ID, NLC_U64, 0, 18446744073709551615ull },
	{ MMSB_A_SHARD_SPACE_NAME, NLC_STRING, 0, 63ull },
};

static const struct request_attr page_get_dump_attrs[] = {
	{ MMSB_A_PAGE_SPACE_ID, NLC_U64, 0, 18446744073709551615ull },
	{ MMSB_A_PAGE_SPACE_NAME, NLC_STRING, 0, 63ull },
	{ MMSB_A_PAGE_FROM, NLC_U32, 0, 4294967295ull },
};

static const struct request_attr timing_get_dump_attrs[] = {
	{ MMSB_A_TIMING_SPACE_ID, NLC_U64, 0, 18446744073709551615ull },
	{ MMSB_A_TIMING_SPACE_NAME, NLC_STRING, 0, 63ull },
};

static const struct request_attr timing_reset_do_attrs[] = {
	{ MMSB_A_TIMING_SPACE_ID, NLC_U64, 0, 18446744073709551615ull },
	{ MMSB_A_TIMING_SPACE_NAME, NLC_STRING, 0, 63ull },
};

static const struct request_attr shard_set_do_attrs[] = {
	{ MMSB_A_SHARD_SPACE_ID, NLC_U64, 0, 18446744073709551615ull },
	{ MMSB_A_SHARD_SPACE_NAME, NLC_STRING, 0, 63ull },
	{ MMSB_A_SHARD_NUMBER, NLC_U32, 0, 4294967295ull },
	{ MMSB_A_SHARD_CPU, NLC_U32, 0, 4294967295ull },
};

static const struct request_attr poller_set_do_attrs[] = {
	{ MMSB_A_POLLER_CPU, NLC_U32, 0, 4294967295ull },
	{ MMSB_A_POLLER_IDLE_US, NLC_U32, 0, 1000000ull },
};

static const struct request_attr graph_get_dump_attrs[] = {
	{ MMSB_A_EDGE_SPACE_ID, NLC_U64, 0, 18446744073709551615ull },
	{ MMSB_A_EDGE_SPACE_NAME, NLC_STRING, 0, 63ull },
	{ MMSB_A_EDGE_FROM, NLC_U32, 0, 4294967295ull },
};

static const struct request requests[] = {
	{ "module-get do", MMSB_CMD_MODULE_GET, 0, 0, MMSB_A_MODULE_MAX, NULL },
	{ "module-set do", MMSB_CMD_MODULE_SET, 0, 11, MMSB_A_MODULE_MAX, module_set_do_attrs },
	{ "space-get do", MMSB_CMD_SPACE_GET, 0, 2, MMSB_A_SPACE_MAX, space_get_do_attrs },
	{ "space-get dump", MMSB_CMD_SPACE_GET, 1, 0, MMSB_A_SPACE_MAX, NULL },
	{ "space-set do", MMSB_CMD_SPACE_SET, 0, 11, MMSB_A_SPACE_MAX, space_set_do_attrs },
	{ "space-reset do", MMSB_CMD_SPACE_RESET, 0, 2, MMSB_A_SPACE_MAX, space_reset_do_attrs },
	{ "space-remove do", MMSB_CMD_SPACE_REMOVE, 0, 2, MMSB_A_SPACE_MAX, space_remove_do_attrs },
	{ "ring-get dump", MMSB_CMD_RING_GET, 1, 2, MMSB_A_RING_MAX, ring_get_dump_attrs },
	{ "shard-get dump", MMSB_CMD_SHARD_GET, 1, 2, MMSB_A_SHARD_MAX, shard_get_dump_attrs },
	{ "poller-get dump", MMSB_CMD_POLLER_GET, 1, 0, MMSB_A_POLLER_MAX, NULL },
	{ "page-get dump", MMSB_CMD_PAGE_GET, 1, 3, MMSB_A_PAGE_MAX, page_get_dump_attrs },
	{ "user-get dump", MMSB_CMD_USER_GET, 1, 0, MMSB_A_USER_MAX, NULL },
	{ "timing-get dump", MMSB_CMD_TIMING_GET, 1, 2, MMSB_A_TIMING_MAX, timing_get_dump_attrs },
	{ "timing-reset do", MMSB_CMD_TIMING_RESET, 0, 2, MMSB_A_TIMING_MAX, timing_reset_do_attrs },
	{ "shard-set do", MMSB_CMD_SHARD_SET, 0, 4, MMSB_A_SHARD_MAX, shard_set_do_attrs },
	{ "poller-set do", MMSB_CMD_POLLER_SET, 0, 2, MMSB_A_POLLER_MAX, poller_set_do_attrs },
	{ "graph-get dump", MMSB_CMD_GRAPH_GET, 1, 3, MMSB_A_EDGE_MAX, graph_get_dump_attrs },
};

#endif
