// SPDX-License-Identifier: GPL-2.0-only
/* mmsb affinity: which CPU's poller serves each shard of a space, and handing one to another. */
#include <inttypes.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include "args.h"
#include "control_nlc.h"

static bool print_shard(const struct nlc_row *row, void *arg)
{
	bool *begun = arg;

	if (!*begun)
		printf("%6s %5s %5s %6s %7s %14s\n", "SHARD", "CPU", "NODE", "RINGS", "POLLER", "DELTAS");
	*begun = true;
	printf("%6" PRIu64 " %5" PRIu64 " %5" PRIu64 " %6" PRIu64 " %7s %14s\n", nlc_number(row, MMSB_A_SHARD_NUMBER), nlc_number(row, MMSB_A_SHARD_CPU),
	       nlc_number(row, MMSB_A_SHARD_NODE), nlc_number(row, MMSB_A_SHARD_RINGS), nlc_number(row, MMSB_A_SHARD_ASLEEP) ? "asleep" : "awake",
	       text_grouped(nlc_number(row, MMSB_A_SHARD_DELTAS)).s);
	return true;
}

static bool json_shard(const struct nlc_row *row, void *arg)
{
	json_object(arg, NULL);
	json_row(arg, row);
	json_close(arg);
	return true;
}

static int show_json(struct nlc *nl, const char *space)
{
	struct json json;
	int err;

	json_begin(&json, stdout);
	json_array(&json, "shards");
	err = nlc_ask(nl, nlc_about(nl, MMSB_CMD_SHARD_GET, true, space), &nlc_shard, json_shard, &json);
	json_close(&json);
	json_end(&json);
	return err;
}

static int show(struct cli *cli, struct nlc *nl, const char *space)
{
	bool begun = false;

	if (cli->json)
		return show_json(nl, space);
	return nlc_ask(nl, nlc_about(nl, MMSB_CMD_SHARD_GET, true, space), &nlc_shard, print_shard, &begun);
}

static int move(struct nlc *nl, const char *space, uint64_t shard, uint64_t cpu)
{
	struct nl_msg *msg = nlc_about(nl, MMSB_CMD_SHARD_SET, false, space);

	if (msg) {
		nla_put_u32(msg, MMSB_A_SHARD_NUMBER, (uint32_t)shard);
		nla_put_u32(msg, MMSB_A_SHARD_CPU, (uint32_t)cpu);
	}
	return nlc_ask(nl, msg, NULL, NULL, NULL);
}

enum cli_exit cmd_affinity(struct cli *cli, const struct args *args)
{
	const char *space = args->operand[0];
	uint64_t shard, cpu;
	struct nlc nl;
	int err = 0;

	if (args->operands == 2)
		return fail_usage(cli, "whose poller shall serve shard %s of '%s'? Name a CPU behind it", args->operand[1], space);
	if (args->operands == 3 && (!operand_u64(cli, "a shard", args->operand[1], 0, MMSB_SHARDS_MAX - 1, &shard) ||
				    !operand_u64(cli, "a CPU", args->operand[2], 0, UINT32_MAX, &cpu)))
		return CLI_USAGE;
	if (!nlc_ready(cli, &nl))
		return CLI_FAILED;
	if (args->operands == 3)
		err = move(&nl, space, shard, cpu);
	err = err ?: show(cli, &nl, space);
	return nlc_finish(cli, &nl, err, "shards of space '%s'", space);
}
