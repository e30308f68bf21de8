// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb page: what reads pages. All of it goes by the mapped state and needs no ring; the space is opened read-only, so it
 * works for who may not write. Only a page that is lazy and behind is read through a handle that may have it recomputed, if the user
 * may write.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "args.h"
#include "got.h"
#include "json.h"
#include "out.h"
#include "value.h"

static const char *kind_name(uint32_t kind)
{
	return kind == MMSB_KIND_SOURCE ? "source" : kind == MMSB_KIND_DERIVED ? "derived" : "none";
}

static const char *stale_mark(uint32_t flags)
{
	return flags & MMSB_LINE_STALE ? ", stale" : "";
}

/* ------------------------------------------------------------------------------------------------------------- get */

/* A read-only handle leaves a lazy page as it is; one that may write, if the user gets it, does not. */
static void get_to_refresh(struct cli *cli, const char *name, struct mmsb_space **space)
{
	struct mmsb_space *full;

	if (mmsb_space_open(cli->mmsb, name, NULL, &full))
		return;
	mmsb_space_close(*space);
	*space = full;
}

static enum cli_exit get_bytes(struct cli *cli, const char *name, struct mmsb_space **handle, struct got *got)
{
	struct mmsb_space *space = *handle;
	struct mmsb_page_info info;
	int err;

	err = mmsb_page_info(space, got->page, &info);
	if (err)
		return fail_lib(cli, err, "page %s", text_id(got->page).s);
	if (info.flags & MMSB_LINE_BEHIND) {
		get_to_refresh(cli, name, handle);
		space = *handle;
	}
	return got_read(cli, space, &info, got);
}

enum cli_exit cmd_page_get(struct cli *cli, const struct args *args)
{
	struct mmsb_space *space;
	enum cli_exit status;
	struct got got;

	if (!got_options(cli, args, args->operand[1], &got))
		return CLI_USAGE;
	if (!cli_space(cli, args->operand[0], MMSB_SPACE_READ_ONLY, &space))
		return CLI_FAILED;
	status = get_bytes(cli, args->operand[0], &space, &got);
	mmsb_space_close(space);
	if (status == CLI_OK)
		got_show(cli, args, &got);
	free(got.bytes);
	return status;
}

/* ----------------------------------------------------------------------------------------------------------- watch */

struct watch {
	struct mmsb_space *space;
	uint64_t page, epoch, count, timeout;
};

#define WATCH_SLICE	200000000ULL	/* how long a Ctrl-C may go unseen where no signal ends a wait */

/* Waits until the epoch rises: 0, -ETIME when nothing came for the timeout, -EINTR when the user has enough. */
static int watch_next(struct watch *watch, uint64_t *now)
{
	uint64_t left = watch->timeout, slice;
	int err;

	do {
		slice = left < WATCH_SLICE ? left : WATCH_SLICE;
		err = mmsb_wait(watch->space, watch->page, watch->epoch, slice, now);
		if (cli_stopped)
			return -EINTR;
		if (left != MMSB_FOREVER)
			left -= slice;
	} while ((err == -ETIME && left) || err == -EINTR);
	return err;
}

static void watch_report(const struct cli *cli, const struct watch *watch, uint64_t now)
{
	uint64_t passed = now - watch->epoch;
	struct json json;

	if (cli->json) {
		json_begin(&json, stdout);
		json_string(&json, "page", text_id(watch->page).s);
		json_u64(&json, "epoch", now);
		json_u64(&json, "passed", passed);
		json_end(&json);
	} else if (passed > 1) {
		printf("epoch %" PRIu64 " (%" PRIu64 " changes since the line before)\n", now, passed);
	} else {
		printf("epoch %" PRIu64 "\n", now);
	}
	fflush(stdout);
}

static enum cli_exit watch_loop(struct cli *cli, struct watch *watch)
{
	uint64_t now;
	int err;

	for (; watch->count; watch->count--) {
		err = watch_next(watch, &now);
		if (err == -EINTR)
			return CLI_OK;
		if (err == -ETIME)
			return fail(cli, "give a longer --timeout, or see who writes with mmsb space show",
				    "page %s did not change for %s", text_id(watch->page).s, text_ns(watch->timeout).s);
		if (err)
			return fail_lib(cli, err, "page %s", text_id(watch->page).s);
		watch_report(cli, watch, now);
		watch->epoch = now;
	}
	return CLI_OK;
}

enum cli_exit cmd_page_watch(struct cli *cli, const struct args *args)
{
	struct watch watch = { .count = UINT64_MAX, .timeout = MMSB_FOREVER };
	enum cli_exit status = CLI_FAILED;
	struct mmsb_page_info info;
	int err;

	if (!operand_id(cli, args->operand[1], &watch.page) || !arg_time(cli, args, OPT_TIMEOUT, &watch.timeout) ||
	    !arg_u64(cli, args, OPT_COUNT, 1, UINT64_MAX, &watch.count))
		return CLI_USAGE;
	if (!cli_space(cli, args->operand[0], MMSB_SPACE_READ_ONLY, &watch.space))
		return CLI_FAILED;
	cli_catch_signals();
	err = mmsb_page_info(watch.space, watch.page, &info);
	watch.epoch = err ? 0 : info.epoch;
	if (err)
		fail_lib(cli, err, "page %s", text_id(watch.page).s);
	else if (!arg_u64(cli, args, OPT_SINCE, 0, UINT64_MAX, &watch.epoch))
		status = CLI_USAGE;
	else
		status = watch_loop(cli, &watch);
	mmsb_space_close(watch.space);
	return status;
}

/* ------------------------------------------------------------------------------------------------------------ list */

static void list_row(const struct mmsb_page_info *info, struct json *json)
{
	if (!json) {
		printf("%-16s %12" PRIu32 " %16" PRIu64 " %16" PRIu64 " %s%s\n", text_id(info->page).s, info->length,
		       info->epoch, info->tick, kind_name(info->kind), stale_mark(info->flags));
		return;
	}
	json_object(json, NULL);
	json_string(json, "page", text_id(info->page).s);
	json_u64(json, "length", info->length);
	json_u64(json, "epoch", info->epoch);
	json_u64(json, "tick", info->tick);
	json_string(json, "kind", kind_name(info->kind));
	json_bool(json, "stale", info->flags & MMSB_LINE_STALE);
	json_close(json);
}

static int list_pages(struct mmsb_space *space, uint64_t limit, struct json *json, bool *more)
{
	struct mmsb_page_info info;
	uint64_t cursor = 0;
	uint64_t i;
	int err = 0;

	*more = false;
	for (i = 0; !(err = mmsb_page_next(space, &cursor, &info)); i++) {
		*more = i == limit;
		if (*more)
			return 0;
		if (!i && !json)
			printf("%-16s %12s %16s %16s %s\n", "ID", "BYTES", "EPOCH", "TICK", "KIND");
		list_row(&info, json);
	}
	return err == -ENOENT ? 0 : err;
}

enum cli_exit cmd_page_list(struct cli *cli, const struct args *args)
{
	uint64_t limit = UINT64_MAX;
	struct mmsb_space *space;
	struct json json;
	bool more;
	int err;

	if (!arg_u64(cli, args, OPT_LIMIT, 0, UINT64_MAX, &limit))
		return CLI_USAGE;
	if (!cli_space(cli, args->operand[0], MMSB_SPACE_READ_ONLY, &space))
		return CLI_FAILED;
	if (cli->json) {
		json_begin(&json, stdout);
		json_array(&json, "pages");
	}
	err = list_pages(space, limit, cli->json ? &json : NULL, &more);
	mmsb_space_close(space);
	if (cli->json) {
		json_close(&json);
		json_bool(&json, "more", more);
		json_end(&json);
	} else if (more) {
		printf("...\n");
	}
	return err ? fail_lib(cli, err, "cannot list the pages of '%s'", args->operand[0]) : CLI_OK;
}
