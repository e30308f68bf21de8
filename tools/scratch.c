// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <syslog.h>
#include "out.h"
#include "scratch.h"
#include "value.h"

struct restoring {
	struct cli *cli;
	struct progress progress;
};

bool restore_options(struct cli *cli, const struct args *args, struct mmsb_restore_opts *opts)
{
	const char *time = args->value[OPT_TIME];

	if (!arg_only_one(cli, args, OPT_BIT(OPT_TICK) | OPT_BIT(OPT_TIME)) || !arg_u64(cli, args, OPT_TICK, 1, UINT64_MAX, &opts->tick))
		return false;
	if (time && !value_date(time, &opts->time))
		return fail_usage(cli, "--time '%s' is no time, such as '2026-01-31 12:00:00'", time), false;
	return true;
}

static int on_progress(void *arg, uint64_t done, uint64_t all)
{
	struct restoring *restoring = arg;

	progress_show(&restoring->progress, done, all);
	return cli_stopped ? -EINTR : 0;
}

static void on_tell(void *arg, int severity, const char *text)
{
	struct restoring *restoring = arg;

	progress_end(&restoring->progress);
	if (severity <= LOG_WARNING)
		fprintf(stderr, "mmsb: %s\n", text);
}

int restore_shown(struct cli *cli, struct mmsb_space *space, const char *dir, const struct mmsb_restore_opts *opts,
		  struct mmsb_restored *restored, const char *what)
{
	struct mmsb_restore_opts full = *opts;
	struct restoring restoring = { .cli = cli };
	int err;

	full.size = sizeof(full);
	full.progress = on_progress;
	full.tell = on_tell;
	full.arg = &restoring;
	*restored = (struct mmsb_restored){ .size = sizeof(*restored) };
	cli_catch_signals();
	progress_begin(&restoring.progress, cli, what);
	err = mmsb_restore(space, dir, &full, restored);
	progress_end(&restoring.progress);
	return err;
}

void restore_space_opts(const struct mmsb_log_info *info, struct mmsb_space_opts *opts)
{
	uint32_t shards = opts->shards ? opts->shards : info->shards;

	opts->flags |= info->space_flags & (MMSB_SPACE_HASH | MMSB_SPACE_LAZY | MMSB_SPACE_INLINE);
	opts->max_rings = opts->max_rings ? opts->max_rings : info->max_rings;
	opts->max_bytes = opts->max_bytes ? opts->max_bytes : info->max_bytes;
	/* Lines are dealt out to shards evenly, and of an uneven log one shard may hold what all of them may. */
	if (!opts->max_pages)
		opts->max_pages = shards == info->shards ? info->max_pages : info->max_pages * info->shards;
	opts->shards = shards;
}

int scratch_make(struct scratch *scratch, const char *dir)
{
	struct mmsb_space_opts opts = { .size = sizeof(opts), .flags = MMSB_SPACE_CREATE | MMSB_SPACE_INLINE };
	struct mmsb_log_info info = { .size = sizeof(info) };
	int err = mmsb_log_info(dir, &info);

	if (err)
		return err;
	restore_space_opts(&info, &opts);
	err = mmsb_open(&scratch->mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = "embedded"));
	if (err)
		return err;
	err = mmsb_space_open(scratch->mmsb, NULL, &opts, &scratch->space);
	if (err)
		mmsb_close(scratch->mmsb);
	return err;
}

bool scratch_restore(struct cli *cli, struct scratch *scratch, const char *dir, const struct mmsb_restore_opts *opts)
{
	int err = scratch_make(scratch, dir);

	if (!err) {
		err = restore_shown(cli, scratch->space, dir, opts, &scratch->restored, "restoring");
		if (err)
			scratch_close(scratch);
	}
	if (err)
		fail_lib(cli, err, "cannot restore %s", dir);
	return !err;
}

void scratch_close(struct scratch *scratch)
{
	mmsb_space_close(scratch->space);
	mmsb_close(scratch->mmsb);
}
