/* SPDX-License-Identifier: GPL-2.0-only */
/* Who serves which shard, asked and changed by generic netlink. */
#ifndef SHARDS_H
#define SHARDS_H

#include "rows.h"

static inline int shard_move(struct nlc *nl, const char *name, uint32_t shard, uint32_t cpu)
{
	struct nl_msg *msg = about(nl, MMSB_CMD_SHARD_SET, false, MMSB_A_SHARD_SPACE_NAME, name);

	nla_put_u32(msg, MMSB_A_SHARD_NUMBER, shard);
	nla_put_u32(msg, MMSB_A_SHARD_CPU, cpu);
	return nlc_ask(nl, msg, NULL, NULL, NULL);
}

/* ~0: there is no such space. */
static inline uint64_t shard_cpu(struct nlc *nl, const char *name, uint32_t shard, struct rows *rows)
{
	if (ask(nl, about(nl, MMSB_CMD_SHARD_GET, true, MMSB_A_SHARD_SPACE_NAME, name), &nlc_shard, rows))
		return ~0ull;
	return rows->number[shard][MMSB_A_SHARD_CPU];
}

/* An attribute of a CPU's poller. ~0: there is none. */
static inline uint64_t poller_number(struct nlc *nl, uint32_t cpu, int attr, struct rows *rows)
{
	int i;

	if (ask(nl, nlc_request(nl, MMSB_CMD_POLLER_GET, true), &nlc_poller, rows))
		return ~0ull;
	for (i = 0; i < rows->n; i++)
		if (rows->number[i][MMSB_A_POLLER_CPU] == cpu)
			return rows->number[i][attr];
	return ~0ull;
}

#endif
