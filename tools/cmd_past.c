// SPDX-License-Identifier: GPL-2.0-only
/* mmsb history and mmsb at: one page's past, as a log tells it. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "got.h"
#include "json.h"
#include "out.h"
#include "record.h"
#include "scratch.h"
#include "ticks.h"
#include "value.h"

/* ---------------------------------------------------------------------------------------------------------- history */

struct history {
	struct cli *cli;
	struct ticks ticks;
	uint64_t page, last, count, told;
};

static bool is_of_page(void *arg, const struct mmsb_delta_record *delta)
{
	return delta->sqe.page == ((const struct history *)arg)->page;
}

static void tell_delta(const struct history *history, const struct mmsb_hash_record *closed, const struct mmsb_delta_record *delta)
{
	struct json json;

	if (!history->cli->json) {
		printf("tick %" PRIu64 "  %s  ", (uint64_t)closed->record.tick, text_date(closed->time).s);
		record_print(stdout, delta);
		putchar('\n');
		return;
	}
	json_begin(&json, stdout);
	json_u64(&json, "tick", closed->record.tick);
	json_u64(&json, "time", closed->time);
	record_json(&json, delta);
	json_end(&json);
}

static void tell_tick(struct history *history, const struct mmsb_hash_record *closed)
{
	unsigned int i;

	if (history->ticks.n)
		progress_end(&history->ticks.progress);
	for (i = 0; i < history->ticks.n && history->told < history->count; i++, history->told++)
		tell_delta(history, closed, history->ticks.delta[i]);
}

static enum cli_exit tell_history(struct history *history, const char *dir)
{
	const struct mmsb_hash_record *closed;
	int more = 1;

	while (history->told < history->count && (more = ticks_next(&history->ticks, &closed, 0)) > 0) {
		if (closed->record.tick > history->last)
			break;
		tell_tick(history, closed);
	}
	if (more < 0)
		return CLI_FAILED;
	if (!history->told && !cli_stopped)
		return fail(history->cli, "see mmsb log show for what is there; what came before the oldest segment is gone",
			    "%s has no delta of page %s there", dir, text_id(history->page).s);
	return CLI_OK;
}

enum cli_exit cmd_history(struct cli *cli, const struct args *args)
{
	struct history history = { .cli = cli, .last = UINT64_MAX, .count = UINT64_MAX };
	enum cli_exit status;
	uint64_t from = 1;

	if (!operand_id(cli, args->operand[1], &history.page) || !arg_u64(cli, args, OPT_FROM, 1, UINT64_MAX, &from) ||
	    !arg_u64(cli, args, OPT_TO, 1, UINT64_MAX, &history.last) || !arg_u64(cli, args, OPT_COUNT, 1, UINT64_MAX, &history.count))
		return CLI_USAGE;
	history.ticks.wanted = is_of_page;
	history.ticks.arg = &history;
	cli_catch_signals();
	if (!ticks_open(&history.ticks, cli, args->operand[0], from, false))
		return CLI_FAILED;
	status = tell_history(&history, args->operand[0]);
	ticks_close(&history.ticks);
	return status;
}

/* --------------------------------------------------------------------------------------------------------------- at */

static bool operand_when(struct cli *cli, const char *text, struct mmsb_restore_opts *opts)
{
	if (!strcmp(text, "end") || (value_u64(text, &opts->tick) && opts->tick))
		return true;
	opts->tick = 0;
	if (value_date(text, &opts->time))
		return true;
	return fail_usage(cli, "'%s' is neither a tick, such as 17, nor a time, such as '2026-01-31 12:00:00', nor 'end'", text), false;
}

static enum cli_exit read_at(struct cli *cli, const struct scratch *scratch, struct got *got)
{
	struct mmsb_page_info info;
	int err = mmsb_page_info(scratch->space, got->page, &info);

	if (err)
		return fail_lib(cli, err, "page %s at tick %" PRIu64, text_id(got->page).s, scratch->restored.tick);
	return got_read(cli, scratch->space, &info, got);
}

enum cli_exit cmd_at(struct cli *cli, const struct args *args)
{
	struct mmsb_restore_opts opts = { .size = sizeof(opts) };
	struct scratch scratch;
	enum cli_exit status;
	struct got got;

	if (!operand_when(cli, args->operand[1], &opts) || !got_options(cli, args, args->operand[2], &got))
		return CLI_USAGE;
	if (!scratch_restore(cli, &scratch, args->operand[0], &opts))
		return CLI_FAILED;
	status = read_at(cli, &scratch, &got);
	if (status == CLI_OK)
		got_show(cli, args, &got);
	free(got.bytes);
	scratch_close(&scratch);
	return status;
}
