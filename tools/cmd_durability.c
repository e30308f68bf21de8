// SPDX-License-Identifier: GPL-2.0-only
/* mmsb durability and mmsb sync: what a space promises of its log, how the log stands, and waiting for it. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <mmsb/logging.h>
#include "args.h"
#include "json.h"
#include "out.h"

static const char *const mode_names[MMSB_DURABILITY_LAST] = {
	[MMSB_MEMORY] = "memory", [MMSB_BUFFERED] = "buffered", [MMSB_STRICT] = "strict",
};

static bool read_mode(struct cli *cli, const char *text, uint32_t *mode)
{
	for (*mode = 0; *mode < MMSB_DURABILITY_LAST; (*mode)++)
		if (!strcmp(text, mode_names[*mode]))
			return true;
	return fail_usage(cli, "'%s' is none of memory, buffered, strict", text), false;
}

static void json_durability(const char *name, const struct mmsb_durability_args *now)
{
	bool has_log = now->log_id[0] | now->log_id[1];
	struct json json;

	json_begin(&json, stdout);
	json_string(&json, "space", name);
	json_string(&json, "mode", now->mode < MMSB_DURABILITY_LAST ? mode_names[now->mode] : NULL);
	json_string(&json, "log", has_log ? text_hash((const uint64_t *)now->log_id).s : NULL);
	json_bool(&json, "writer", now->writer);
	json_bool(&json, "failed", now->failed);
	json_u64(&json, "term", now->term);
	json_u64(&json, "tick", now->tick);
	json_u64(&json, "durable", now->durable);
	json_u64(&json, "waiting", now->waiting);
	json_u64(&json, "limit", now->limit);
	json_u64(&json, "held", now->held);
	json_end(&json);
}

static void print_log(const struct mmsb_durability_args *now)
{
	printf("log          %s, %s\n", text_hash((const uint64_t *)now->log_id).s,
	       now->failed ? "FAILED: nothing more becomes durable, and deltas are refused" :
	       now->writer ? "being written" : "without a writer: what changes waits in memory");
	printf("durable      tick %" PRIu64 " of %" PRIu64 "\n", (uint64_t)now->durable, (uint64_t)now->tick);
	printf("waiting      %s", text_bytes(now->waiting).s);
	printf(" of at most %s, %" PRIu32 " completion%s\n", text_bytes(now->limit).s, now->held, now->held == 1 ? "" : "s");
}

static void print_durability(const struct mmsb_durability_args *now)
{
	static const char *const promises[MMSB_DURABILITY_LAST] = {
		[MMSB_MEMORY] = "nothing is kept",
		[MMSB_BUFFERED] = "a crash loses at most what came since the last flush",
		[MMSB_STRICT] = "a completion says that the delta is on disk",
	};

	if (now->mode < MMSB_DURABILITY_LAST)
		printf("mode         %s: %s\n", mode_names[now->mode], promises[now->mode]);
	if (now->log_id[0] | now->log_id[1])
		print_log(now);
}

enum cli_exit cmd_durability(struct cli *cli, const struct args *args)
{
	struct mmsb_durability_args now = { .flags = args->operands > 1 ? MMSB_DURABILITY_SET : 0 };
	struct mmsb_space *space;
	int err;

	if (now.flags && !read_mode(cli, args->operand[1], &now.mode))
		return CLI_USAGE;
	if (!cli_space(cli, args->operand[0], now.flags ? 0 : MMSB_SPACE_READ_ONLY, &space))
		return CLI_FAILED;
	err = mmsb_durability(space, &now);
	mmsb_space_close(space);
	if (err)
		return fail_lib(cli, err, now.flags ? "cannot set the mode of '%s'" : "space '%s'", args->operand[0]);
	if (cli->json)
		json_durability(args->operand[0], &now);
	else
		print_durability(&now);
	return CLI_OK;
}

enum cli_exit cmd_sync(struct cli *cli, const struct args *args)
{
	uint64_t timeout = MMSB_FOREVER, durable;
	struct mmsb_space *space;
	struct json json;
	int err;

	if (!arg_time(cli, args, OPT_TIMEOUT, &timeout))
		return CLI_USAGE;
	if (!cli_space(cli, args->operand[0], 0, &space))
		return CLI_FAILED;
	err = mmsb_sync(space, timeout);
	durable = mmsb_durable_tick(space);
	mmsb_space_close(space);
	if (err == -ETIME)
		return fail(cli, "see mmsb durability, and mmsb doctor", "'%s' was not durable after %s", args->operand[0], text_ns(timeout).s);
	if (err)
		return fail_lib(cli, err, "cannot sync '%s'", args->operand[0]);
	if (cli->json) {
		json_begin(&json, stdout);
		json_string(&json, "space", args->operand[0]);
		json_u64(&json, "durable", durable);
		json_end(&json);
	} else {
		printf("durable up to tick %" PRIu64 "\n", durable);
	}
	return CLI_OK;
}
