// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb restore and mmsb replay: what a log holds becomes a space again.
 *
 * In the kernel home, and in a script, a restored space stays. A process that is alone with an embedded home has no use for one: there
 * restore only shows that it can be done, and what comes of it.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "json.h"
#include "out.h"
#include "scratch.h"
#include "space.h"

static void json_restored(const char *dir, const char *name, const struct mmsb_restored *restored)
{
	struct json json;

	json_begin(&json, stdout);
	json_string(&json, "log", dir);
	json_string(&json, "space", name);
	json_u64(&json, "tick", restored->tick);
	json_u64(&json, "time", restored->time);
	json_u64(&json, "checkpoint", restored->checkpoint);
	json_u64(&json, "pages", restored->pages);
	json_u64(&json, "ticks", restored->ticks);
	json_u64(&json, "deltas", restored->deltas);
	json_u64(&json, "cut", restored->cut);
	json_string(&json, "hash", restored->hashed ? text_hash(restored->hash).s : NULL);
	json_end(&json);
}

static void print_restored(const struct mmsb_restored *restored)
{
	printf("tick %" PRIu64, restored->tick);
	if (restored->time)
		printf(", which closed at %s", text_date(restored->time).s);
	printf("\n");
	if (restored->checkpoint)
		printf("  from the checkpoint of tick %" PRIu64 ", with %s page%s\n", restored->checkpoint, text_grouped(restored->pages).s,
		       restored->pages == 1 ? "" : "s");
	printf("  %s tick%s with %s delta%s done again\n", text_grouped(restored->ticks).s, restored->ticks == 1 ? "" : "s",
	       text_grouped(restored->deltas).s, restored->deltas == 1 ? "" : "s");
	if (restored->cut)
		printf("  a torn tail of %s counts for nothing\n", text_bytes(restored->cut).s);
	if (restored->hashed)
		printf("  state hash %s, as the log says\n", text_hash(restored->hash).s);
	else
		printf("  the log says no state hash for that tick, so nothing was compared\n");
}

static void report(const struct cli *cli, const char *dir, const char *name, const struct mmsb_restored *restored)
{
	if (cli->json) {
		json_restored(dir, name, restored);
		return;
	}
	if (name)
		printf("space '%s' stands at ", name);
	else
		printf("%s comes to ", dir);
	print_restored(restored);
}

/* ---------------------------------------------------------------------------------------------------------- restore */

static enum cli_exit restore_to_check(struct cli *cli, const char *dir, const struct mmsb_restore_opts *opts)
{
	struct scratch scratch;

	if (!scratch_restore(cli, &scratch, dir, opts))
		return CLI_FAILED;
	report(cli, dir, NULL, &scratch.restored);
	scratch_close(&scratch);
	return CLI_OK;
}

static enum cli_exit restore_space(struct cli *cli, const char *dir, const char *name, const struct mmsb_space_opts *space_opts,
				   const struct mmsb_restore_opts *opts)
{
	struct mmsb_restored restored;
	struct mmsb_space *space;
	int err = mmsb_space_open(cli->mmsb, name, space_opts, &space);

	if (err)
		return fail_lib(cli, err, "cannot create space '%s'", name);
	err = restore_shown(cli, space, dir, opts, &restored, "restoring");
	if (err)
		fail_lib(cli, err, "cannot restore %s", dir);
	mmsb_space_close(space);
	if (err)
		mmsb_space_remove(cli->mmsb, name);
	else
		report(cli, dir, name, &restored);
	return err ? CLI_FAILED : CLI_OK;
}

static enum cli_exit restore_named(struct cli *cli, const struct args *args, const struct mmsb_restore_opts *opts)
{
	struct mmsb_space_opts space_opts = { .size = sizeof(space_opts) };
	struct mmsb_log_info info = { .size = sizeof(info) };
	const char *dir = args->operand[0], *name = args->operand[1];
	int err;

	if (!space_options(cli, args, &space_opts))
		return CLI_USAGE;
	err = mmsb_log_info(dir, &info);
	if (err)
		return fail_lib(cli, err, "cannot restore %s", dir);
	if (!name && !*info.name)
		return fail_usage(cli, "the log's space had no name: say what the restored one shall be called");
	restore_space_opts(&info, &space_opts);
	space_opts.flags |= MMSB_SPACE_SHUT;
	return restore_space(cli, dir, name ?: info.name, &space_opts, opts);
}

enum cli_exit cmd_restore(struct cli *cli, const struct args *args)
{
	struct mmsb_restore_opts opts = { .size = sizeof(opts) };

	if (!restore_options(cli, args, &opts))
		return CLI_USAGE;
	if (!cli_open(cli))
		return CLI_FAILED;
	if (!cli->line && !strcmp(mmsb_home(cli->mmsb), "embedded"))
		return restore_to_check(cli, args->operand[0], &opts);
	return restore_named(cli, args, &opts);
}

/* ----------------------------------------------------------------------------------------------------------- replay */

static int replay_from(struct cli *cli, const char *dir, struct mmsb_restore_opts *opts, uint32_t flags, struct scratch *scratch)
{
	int err = scratch_make(scratch, dir);

	if (err)
		return err;
	opts->flags = flags;
	err = restore_shown(cli, scratch->space, dir, opts, &scratch->restored, "replaying");
	if (err)
		scratch_close(scratch);
	return err;
}

enum cli_exit cmd_replay(struct cli *cli, const struct args *args)
{
	struct mmsb_restore_opts opts = { .size = sizeof(opts), .compare = 1 };
	const char *dir = args->operand[0];
	struct scratch scratch;
	int err;

	if (!restore_options(cli, args, &opts))
		return CLI_USAGE;
	err = replay_from(cli, dir, &opts, MMSB_RESTORE_FROM_BEGINNING, &scratch);
	/* The log's beginning is gone, behind a checkpoint. */
	if (err == -ENOENT)
		err = replay_from(cli, dir, &opts, 0, &scratch);
	if (err)
		return fail_lib(cli, err, "%s", dir);
	report(cli, dir, NULL, &scratch.restored);
	scratch_close(&scratch);
	return CLI_OK;
}
