// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb hash: the state hash of a space.
 *
 * Where the space keeps its hash delta by delta it is printed at no cost; where not, it is computed from all bytes, and the
 * output says so. --check compares the two ways. While others write, the two are taken at different ticks and say nothing
 * about each other, so the check tries again until both come from one tick.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "args.h"
#include "json.h"
#include "out.h"

struct taken {
	uint64_t hash[2], tick;
	bool recomputed;
};

static void report(const struct cli *cli, const struct args *args, const struct taken *taken, bool checked)
{
	struct json json;

	if (cli->json) {
		json_begin(&json, stdout);
		json_string(&json, "space", args->operand[0]);
		json_string(&json, "hash", text_hash(taken->hash).s);
		json_u64(&json, "tick", taken->tick);
		json_string(&json, "source", taken->recomputed ? "recomputed" : "incremental");
		if (checked)
			json_bool(&json, "checked", true);
		json_end(&json);
		return;
	}
	printf("%s  tick %" PRIu64 "  %s%s\n", text_hash(taken->hash).s, taken->tick,
	       taken->recomputed ? "recomputed" : "incremental", checked ? ", equal to the recomputed one" : "");
}

static enum cli_exit check(struct cli *cli, struct mmsb_space *space, struct taken *taken)
{
	struct taken again = { .recomputed = true };
	unsigned int tries;
	int err;

	for (tries = 0; tries < 1000; tries++) {
		err = mmsb_hash(space, 0, taken->hash, &taken->tick);
		if (err == -ENODATA)
			return fail(cli, "switch it on with mmsb hash --on", "the incremental hash is off: nothing to compare");
		if (!err)
			err = mmsb_hash(space, MMSB_HASH_RECOMPUTE, again.hash, &again.tick);
		if (err)
			return fail_lib(cli, err, "cannot compute the hash");
		if (again.tick != taken->tick)
			continue;
		if (!memcmp(again.hash, taken->hash, sizeof(again.hash)))
			return CLI_OK;
		return fail(cli, "this is a defect of MMSB: please report it",
			    "at tick %" PRIu64 " the incremental hash is %s, and the recomputed one %s", taken->tick,
			    text_hash(taken->hash).s, text_hash(again.hash).s);
	}
	return fail(cli, "try when fewer write", "the space changes too fast: no two hashes came from one tick");
}

static int take(struct mmsb_space *space, const struct args *args, struct taken *taken)
{
	uint32_t flags = arg_has(args, OPT_ON) ? MMSB_HASH_ON : arg_has(args, OPT_RECOMPUTE) ? MMSB_HASH_RECOMPUTE : 0;
	int err;

	taken->recomputed = flags & MMSB_HASH_RECOMPUTE;
	err = mmsb_hash(space, flags, taken->hash, &taken->tick);
	if (err != -ENODATA)
		return err;
	taken->recomputed = true;
	return mmsb_hash(space, MMSB_HASH_RECOMPUTE, taken->hash, &taken->tick);
}

static enum cli_exit switch_off(struct cli *cli, struct mmsb_space *space, const char *name)
{
	struct taken taken;
	struct json json;
	int err = mmsb_hash(space, MMSB_HASH_OFF, taken.hash, &taken.tick);

	if (err && err != -ENODATA)
		return fail_lib(cli, err, "cannot switch the hash of '%s' off", name);
	if (cli->json) {
		json_begin(&json, stdout);
		json_string(&json, "space", name);
		json_string(&json, "hash", NULL);
		json_end(&json);
	}
	return CLI_OK;
}

static enum cli_exit hash_space(struct cli *cli, const struct args *args, struct mmsb_space *space)
{
	struct taken taken = { 0 };
	enum cli_exit status;
	int err;

	if (arg_has(args, OPT_OFF))
		return switch_off(cli, space, args->operand[0]);
	if (arg_has(args, OPT_CHECK)) {
		status = check(cli, space, &taken);
		if (status == CLI_OK)
			report(cli, args, &taken, true);
		return status;
	}
	err = take(space, args, &taken);
	if (err)
		return fail_lib(cli, err, "cannot take the hash of '%s'", args->operand[0]);
	report(cli, args, &taken, false);
	return CLI_OK;
}

enum cli_exit cmd_hash(struct cli *cli, const struct args *args)
{
	opt_set ways = OPT_BIT(OPT_ON) | OPT_BIT(OPT_OFF) | OPT_BIT(OPT_RECOMPUTE) | OPT_BIT(OPT_CHECK);
	bool writes = arg_has(args, OPT_ON) || arg_has(args, OPT_OFF);
	struct mmsb_space *space;
	enum cli_exit status;

	if (!arg_only_one(cli, args, ways))
		return CLI_USAGE;
	if (!cli_space(cli, args->operand[0], writes ? 0 : MMSB_SPACE_READ_ONLY, &space))
		return CLI_FAILED;
	status = hash_space(cli, args, space);
	mmsb_space_close(space);
	return status;
}
