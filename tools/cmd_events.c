// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb events: spaces that come and go, rings that break, clients that die, limits that are near or reached, queues and logs that hold up who
 * produces: a line each, as it happens.
 *
 * Each carries a generation, of its kind; where one is missing the kernel could not hand it over, which is said.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <mmsb/trace.h>
#include "args.h"
#include "control_nlc.h"

#define SLICE_MS	200	/* how long a Ctrl-C may go unseen */

static const struct kind {
	const char *group;
	int cmd, generation;	/* of events, and where the module tells how many there were */
} kinds[] = {
	{ MMSB_MCGRP_LIFECYCLE, MMSB_CMD_EVENT_NTF, MMSB_A_MODULE_GENERATION },
	{ MMSB_MCGRP_PRESSURE, MMSB_CMD_PRESSURE_NTF, MMSB_A_MODULE_PRESSURE_GENERATION },
};

#define KINDS	(sizeof(kinds) / sizeof(*kinds))

struct hearing {
	struct cli *cli;
	uint64_t generation[KINDS];	/* of the last one */
	uint64_t count, heard, limit;
};

static void tell_gap(const struct hearing *hearing, const struct kind *kind, uint64_t missed)
{
	struct json json;

	if (!hearing->cli->json) {
		printf("%" PRIu64 " %s event%s missed: mmsb stat tells how things stand\n", missed, kind->group, missed == 1 ? " was" : "s were");
		return;
	}
	json_begin(&json, stdout);
	json_string(&json, "event", "missed");
	json_string(&json, "kind", kind->group);
	json_u64(&json, "count", missed);
	json_end(&json);
}

static void tell_json(const struct nlc_row *row, const struct kind *kind, const char *what)
{
	struct json json;

	json_begin(&json, stdout);
	json_string(&json, "event", what);
	json_string(&json, "kind", kind->group);
	json_row(&json, row);
	json_end(&json);
}

static const char *cause_text(uint64_t cause)
{
#define CAUSE(name, text)	text,
	static const char *const texts[] = { MMSB_STALLS(CAUSE) };

	return cause < MMSB_STALL_LAST ? texts[cause] : "by something that this command does not know yet";
}

static const char *why(const struct nlc_row *row)
{
	uint64_t reason = nlc_number(row, MMSB_A_EVENT_REASON), what = nlc_number(row, MMSB_A_EVENT_WHAT);

	if (row->attrs[MMSB_A_EVENT_CAUSE])
		return cause_text(nlc_number(row, MMSB_A_EVENT_CAUSE));
	if (what == MMSB_WHAT_LIMIT_NEAR || what == MMSB_WHAT_LIMIT_FAR)
		return reason == MMSB_REASON_PAGES_LIMIT ? "of pages" : reason == MMSB_REASON_BYTES_LIMIT ? "of bytes" : "of rings";
	return reason ? reason_text(reason) : NULL;
}

static void tell_text(const struct nlc_row *row, const char *what)
{
	const char *space = nlc_text(row, MMSB_A_EVENT_SPACE_NAME), *because = why(row);
	uint64_t ring = nlc_number(row, MMSB_A_EVENT_RING_ID);

	printf("%s  %-14s %s", text_date(nlc_number(row, MMSB_A_EVENT_TIME)).s, what, *space ? space : "(no name)");
	if (ring)
		printf(" ring %" PRIu64, ring);
	if (nlc_number(row, MMSB_A_EVENT_PID))
		printf(" by %" PRIu64 " (%s)", nlc_number(row, MMSB_A_EVENT_PID), user_text(nlc_number(row, MMSB_A_EVENT_UID)).s);
	printf("%s%s\n", because ? ": " : "", because ?: "");
}

static bool on_event(const struct nlc_row *row, void *arg)
{
	uint64_t generation = nlc_number(row, MMSB_A_EVENT_GENERATION), what = nlc_number(row, MMSB_A_EVENT_WHAT), *last;
	const char *name = what < MMSB_WHAT_LAST ? nlc_what_names[what] : "unknown";
	const struct kind *kind = row->cmd == kinds[1].cmd ? &kinds[1] : &kinds[0];
	struct hearing *hearing = arg;

	last = &hearing->generation[kind - kinds];
	if (generation <= *last)
		return true;		/* told between listening and asking how many there were */
	if (generation > *last + 1)
		tell_gap(hearing, kind, generation - *last - 1);
	*last = generation;
	if (hearing->cli->json)
		tell_json(row, kind, name);
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

static bool take_generations(const struct nlc_row *row, void *arg)
{
	struct hearing *hearing = arg;
	size_t i;

	for (i = 0; i < KINDS; i++)
		hearing->generation[i] = nlc_number(row, kinds[i].generation);
	return true;
}

static int ask_generations(struct hearing *hearing)
{
	struct nlc asking;
	int err = nlc_open(&asking);

	if (err)
		return err;
	err = nlc_ask(&asking, nlc_request(&asking, MMSB_CMD_MODULE_GET, false), &nlc_module, take_generations, hearing);
	nlc_close(&asking);
	return err;
}

/* NULL: all. */
static int listen_to(struct nlc *nl, const char *kind)
{
	int err = 0;
	size_t i;

	for (i = 0; !err && i < KINDS; i++)
		if (!kind || !strcmp(kind, kinds[i].group))
			err = nlc_listen(nl, kinds[i].group);
	return err;
}

enum cli_exit cmd_events(struct cli *cli, const struct args *args)
{
	const char *kind = arg_has(args, OPT_KIND) ? args->value[OPT_KIND] : NULL;
	struct hearing hearing = { .cli = cli };
	struct nlc listening;
	int err;

	if (!arg_u64(cli, args, OPT_COUNT, 1, UINT64_MAX, &hearing.count) || !arg_time(cli, args, OPT_TIMEOUT, &hearing.limit))
		return CLI_USAGE;
	if (kind && strcmp(kind, kinds[0].group) && strcmp(kind, kinds[1].group))
		return fail_usage(cli, "--kind wants %s or %s, not '%s'", kinds[0].group, kinds[1].group, kind);
	if (!nlc_ready(cli, &listening))
		return CLI_FAILED;
	cli_catch_signals();
	err = listen_to(&listening, kind);
	if (err == -EPERM || err == -EACCES)
		return nlc_close(&listening), fail(cli, "ask root, or run it with CAP_SYS_ADMIN", "events of all users' spaces are the administrator's to see");
	err = err ?: ask_generations(&hearing);
	err = err ?: hear_all(&listening, &hearing);
	if (err == -ETIME)
		return nlc_close(&listening), fail(cli, NULL, "nothing happened for %s", text_ns(hearing.limit).s);
	return nlc_finish(cli, &listening, err, "cannot listen");
}
