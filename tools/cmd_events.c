// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb events: spaces that come and go, rings that break, clients that die, limits that are reached: a line each, as it happens.
 *
 * Each carries a generation; where one is missing the kernel could not hand it over, which is said.
 */
#include <errno.h>
#include <inttypes.h>
#include <time.h>
#include "args.h"
#include "control_nlc.h"

#define SLICE_MS	200	/* how long a Ctrl-C may go unseen */

struct hearing {
	struct cli *cli;
	uint64_t generation;	/* of the last one; 0: none yet */
	uint64_t count, heard, limit;
};

static void tell_gap(const struct hearing *hearing, uint64_t missed)
{
	struct json json;

	if (!hearing->cli->json) {
		printf("%" PRIu64 " event%s missed: mmsb stat tells how things stand\n", missed, missed == 1 ? " was" : "s were");
		return;
	}
	json_begin(&json, stdout);
	json_string(&json, "event", "missed");
	json_u64(&json, "count", missed);
	json_end(&json);
}

static void tell_json(const struct nlc_row *row, const char *what)
{
	struct json json;

	json_begin(&json, stdout);
	json_string(&json, "event", what);
	json_row(&json, row);
	json_end(&json);
}

static void tell_text(const struct nlc_row *row, const char *what)
{
	const char *space = nlc_text(row, MMSB_A_EVENT_SPACE_NAME);
	uint64_t ring = nlc_number(row, MMSB_A_EVENT_RING_ID), reason = nlc_number(row, MMSB_A_EVENT_REASON);

	printf("%s  %-14s %s", text_date(nlc_number(row, MMSB_A_EVENT_TIME)).s, what, *space ? space : "(no name)");
	if (ring)
		printf(" ring %" PRIu64, ring);
	if (nlc_number(row, MMSB_A_EVENT_PID))
		printf(" by %" PRIu64 " (%s)", nlc_number(row, MMSB_A_EVENT_PID), user_text(nlc_number(row, MMSB_A_EVENT_UID)).s);
	printf("%s%s\n", reason ? ": " : "", reason ? reason_text(reason) : "");
}

static bool on_event(const struct nlc_row *row, void *arg)
{
	uint64_t generation = nlc_number(row, MMSB_A_EVENT_GENERATION), what = nlc_number(row, MMSB_A_EVENT_WHAT);
	const char *name = what < MMSB_WHAT_LAST ? nlc_what_names[what] : "unknown";
	struct hearing *hearing = arg;

	if (hearing->generation && generation > hearing->generation + 1)
		tell_gap(hearing, generation - hearing->generation - 1);
	hearing->generation = generation;
	if (hearing->cli->json)
		tell_json(row, name);
	else
		tell_text(row, name);
	fflush(stdout);
	hearing->heard++;
	return !hearing->count || hearing->heard < hearing->count;
}

/* A missed event shows in the generation of the next; until then there is nothing to say. */
static int hear_all(struct nlc *nl, struct hearing *hearing)
{
	uint64_t idle_ms = 0;
	int err;

	while (!cli_stopped && (!hearing->count || hearing->heard < hearing->count)) {
		err = nlc_hear(nl, SLICE_MS, on_event, hearing);
		idle_ms = err == -ETIME ? idle_ms + SLICE_MS : 0;
		if (err && err != -ETIME && err != -EINTR && err != -ENOBUFS)
			return err;
		if (hearing->limit && idle_ms * 1000000 >= hearing->limit)
			return -ETIME;
	}
	return 0;
}

static bool take_generation(const struct nlc_row *row, void *arg)
{
	*(uint64_t *)arg = nlc_number(row, MMSB_A_MODULE_GENERATION);
	return true;
}

enum cli_exit cmd_events(struct cli *cli, const struct args *args)
{
	struct hearing hearing = { .cli = cli };
	struct nlc asking, listening;
	int err;

	if (!arg_u64(cli, args, OPT_COUNT, 1, UINT64_MAX, &hearing.count) || !arg_time(cli, args, OPT_TIMEOUT, &hearing.limit))
		return CLI_USAGE;
	if (!nlc_ready(cli, &listening))
		return CLI_FAILED;
	cli_catch_signals();
	err = nlc_listen(&listening);
	if (err == -EPERM || err == -EACCES)
		return nlc_close(&listening), fail(cli, "ask root, or run it with CAP_SYS_ADMIN", "events of all users' spaces are the administrator's to see");
	err = err ?: nlc_open(&asking);
	if (err)
		return nlc_finish(cli, &listening, err, "cannot listen");
	err = nlc_ask(&asking, nlc_request(&asking, MMSB_CMD_MODULE_GET, false), &nlc_module, take_generation, &hearing.generation);
	nlc_close(&asking);
	err = err ?: hear_all(&listening, &hearing);
	if (err == -ETIME)
		return nlc_close(&listening), fail(cli, NULL, "nothing happened for %s", text_ns(hearing.limit).s);
	return nlc_finish(cli, &listening, err, "cannot listen");
}
