// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb watch: what happens to a space's pages, a line each, as it happens.
 *
 * When events were lost, the pages followed are read again: those are told that changed since the last time that all was known for sure,
 * which is the beginning or the loss before.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "args.h"
#include "json.h"
#include "out.h"

#define ENTRIES		16384u
#define SLICE		200000000ULL	/* how long a Ctrl-C may go unseen where no signal ends a wait */

struct watching {
	struct cli *cli;
	struct mmsb_space *space;
	struct mmsb_events *events;
	uint64_t *pages;		/* followed; n = 0: all */
	uint32_t n;
	uint64_t known;			/* all that happened up to this tick was told */
	uint64_t count, timeout;
};

static const char *const what_names[MMSB_EVENT_LAST] = {
	[MMSB_EVENT_CREATED] = "created", [MMSB_EVENT_CHANGED] = "changed", [MMSB_EVENT_STALE] = "stale",
	[MMSB_EVENT_DESTROYED] = "destroyed", [MMSB_EVENT_TICK] = "tick", [MMSB_EVENT_RESET] = "reset", [MMSB_EVENT_LOST] = "lost",
};

static void write_json(const char *what, const struct mmsb_event *event)
{
	struct json json;

	json_begin(&json, stdout);
	json_string(&json, "event", what);
	if (event->page) {
		json_string(&json, "page", text_id(event->page).s);
		json_string(&json, "kind", event->kind == MMSB_KIND_DERIVED ? "derived" : "source");
		json_u64(&json, "epoch", event->epoch);
	}
	if (event->what == MMSB_EVENT_LOST)
		json_u64(&json, "count", event->epoch);
	if (event->what == MMSB_EVENT_RESET)
		json_u64(&json, "incarnation", event->epoch);
	else
		json_u64(&json, "tick", event->tick);
	json_end(&json);
}

static void write_text(const char *what, const struct mmsb_event *event)
{
	if (event->what == MMSB_EVENT_LOST)
		printf("lost %" PRIu64 " events; what has changed since all was known:\n", (uint64_t)event->epoch);
	else if (event->what == MMSB_EVENT_RESET)
		printf("the space was reset\n");
	else if (event->what == MMSB_EVENT_TICK)
		printf("tick %" PRIu64 " closed\n", (uint64_t)event->tick);
	else
		printf("tick %" PRIu64 " %s page %s %s, epoch %" PRIu64 "\n", (uint64_t)event->tick,
		       event->kind == MMSB_KIND_DERIVED ? "derived" : "source", text_id(event->page).s, what, (uint64_t)event->epoch);
}

static void write_event(const struct watching *watching, const char *what, const struct mmsb_event *event)
{
	if (watching->cli->json)
		write_json(what, event);
	else
		write_text(what, event);
}

/* ---------------------------------------------------------------------------------------------------------- catching up */

static void tell_state(const struct watching *watching, const struct mmsb_page_info *info)
{
	if (info->tick > watching->known)
		write_event(watching, "read", &(struct mmsb_event){
			.page = info->page, .epoch = info->epoch, .tick = info->tick, .kind = (uint8_t)info->kind,
		});
}

static void catch_up(struct watching *watching)
{
	uint64_t tick = mmsb_tick(watching->space), cursor = 0;
	struct mmsb_page_info info;
	uint32_t i;

	for (i = 0; i < watching->n; i++)
		if (!mmsb_page_info(watching->space, watching->pages[i], &info))
			tell_state(watching, &info);
	while (!watching->n && !mmsb_page_next(watching->space, &cursor, &info))
		tell_state(watching, &info);
	watching->known = tick;
}

static void tell(struct watching *watching, const struct mmsb_event *event)
{
	write_event(watching, what_names[event->what], event);
	if (event->what == MMSB_EVENT_LOST)
		catch_up(watching);
	if (event->what == MMSB_EVENT_RESET)
		watching->known = 0;
	fflush(stdout);
}

/* ------------------------------------------------------------------------------------------------------------ watching */

/* 0, -ETIME when nothing came for the timeout, -EINTR when the user has enough. */
static int next(struct watching *watching, struct mmsb_event *event)
{
	uint64_t left = watching->timeout, slice;
	int err;

	do {
		slice = left < SLICE ? left : SLICE;
		err = mmsb_events_next(watching->events, event, slice);
		if (cli_stopped)
			return -EINTR;
		if (left != MMSB_FOREVER)
			left -= slice;
	} while ((err == -ETIME && left) || err == -EINTR);
	return err;
}

static enum cli_exit watch_loop(struct watching *watching)
{
	struct mmsb_event event;
	int err;

	for (; watching->count; watching->count--) {
		err = next(watching, &event);
		if (err == -EINTR)
			return CLI_OK;
		if (err == -ETIME)
			return fail(watching->cli, "give a longer --timeout, or see who writes with mmsb space show",
				    "nothing happened for %s", text_ns(watching->timeout).s);
		if (err)
			return fail_lib(watching->cli, err, "cannot read events");
		tell(watching, &event);
	}
	return CLI_OK;
}

static bool choose_kinds(struct cli *cli, const struct args *args, uint32_t *kinds)
{
	const char *kind = args->value[OPT_KIND];

	if (!arg_has(args, OPT_KIND))
		return true;
	if (!strcmp(kind, "source"))
		*kinds = MMSB_EVENTS_OF(MMSB_KIND_SOURCE);
	else if (!strcmp(kind, "derived"))
		*kinds = MMSB_EVENTS_OF(MMSB_KIND_DERIVED);
	else
		return fail_usage(cli, "--kind '%s' is none: say source or derived", kind), false;
	return true;
}

static enum cli_exit watch_space(struct watching *watching, const struct mmsb_events_opts *opts)
{
	enum cli_exit status;
	int err;

	watching->known = mmsb_tick(watching->space);
	err = mmsb_events_open(watching->space, opts, &watching->events);
	if (err)
		return fail_lib(watching->cli, err, "cannot watch");
	status = watch_loop(watching);
	mmsb_events_close(watching->events);
	return status;
}

enum cli_exit cmd_watch(struct cli *cli, const struct args *args)
{
	struct watching watching = { .cli = cli, .count = UINT64_MAX, .timeout = MMSB_FOREVER, .n = args->operands - 1 };
	struct mmsb_events_opts opts = { .size = sizeof(opts), .entries = ENTRIES };
	enum cli_exit status = CLI_USAGE;
	uint32_t i;

	if (!choose_kinds(cli, args, &opts.kinds) || !arg_time(cli, args, OPT_TIMEOUT, &watching.timeout) ||
	    !arg_u64(cli, args, OPT_COUNT, 1, UINT64_MAX, &watching.count))
		return CLI_USAGE;
	watching.pages = calloc(args->operands, sizeof(*watching.pages));
	if (!watching.pages)
		return fail(cli, NULL, "out of memory");
	for (i = 0; i < watching.n; i++)
		if (!operand_id(cli, args->operand[1 + i], &watching.pages[i]))
			goto out;
	opts.what = MMSB_EVENTS_PAGES | (arg_has(args, OPT_TICKS) ? MMSB_EVENTS_OF(MMSB_EVENT_TICK) : 0);
	opts.pages = watching.pages;
	opts.n = watching.n;
	status = CLI_FAILED;
	if (!cli_space(cli, args->operand[0], MMSB_SPACE_READ_ONLY, &watching.space))
		goto out;
	cli_catch_signals();
	status = watch_space(&watching, &opts);
	mmsb_space_close(watching.space);
out:
	free(watching.pages);
	return status;
}
