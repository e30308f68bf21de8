// SPDX-License-Identifier: GPL-2.0-only
/* mmsb stat: what the kernel home is doing, in all or in one space, for people, as JSON, or for Prometheus. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "args.h"
#include "control_nlc.h"
#include "json.h"
#include "out.h"

/* ----------------------------------------------------------------------------------------------------------------- JSON */

static bool json_each(const struct nlc_row *row, void *arg)
{
	json_object(arg, NULL);
	json_row(arg, row);
	json_close(arg);
	return true;
}

static bool json_alone(const struct nlc_row *row, void *arg)
{
	json_row(arg, row);
	return true;
}

static int json_list(struct nlc *nl, struct json *json, const char *key, int cmd, const struct nlc_set *set, const char *space)
{
	int err;

	json_array(json, key);
	err = nlc_ask(nl, nlc_about(nl, cmd, true, space), set, json_each, json);
	json_close(json);
	return err;
}

static int json_home(struct nlc *nl)
{
	struct json json;
	int err;

	json_begin(&json, stdout);
	json_object(&json, "module");
	err = nlc_ask(nl, nlc_request(nl, MMSB_CMD_MODULE_GET, false), &nlc_module, json_alone, &json);
	json_close(&json);
	err = err ?: json_list(nl, &json, "spaces", MMSB_CMD_SPACE_GET, &nlc_space, NULL);
	err = err ?: json_list(nl, &json, "pollers", MMSB_CMD_POLLER_GET, &nlc_poller, NULL);
	err = err ?: json_list(nl, &json, "users", MMSB_CMD_USER_GET, &nlc_user, NULL);
	json_end(&json);
	return err;
}

static int json_space(struct nlc *nl, const char *space)
{
	struct json json;
	int err;

	json_begin(&json, stdout);
	json_object(&json, "space");
	err = nlc_ask(nl, nlc_about(nl, MMSB_CMD_SPACE_GET, false, space), &nlc_space, json_alone, &json);
	json_close(&json);
	err = err ?: json_list(nl, &json, "rings", MMSB_CMD_RING_GET, &nlc_ring, space);
	err = err ?: json_list(nl, &json, "shards", MMSB_CMD_SHARD_GET, &nlc_shard, space);
	json_end(&json);
	return err;
}

/* --------------------------------------------------------------------------------------------------------------- people */

static bool print_module(const struct nlc_row *row, void *arg)
{
	(void)arg;
	printf("mmsb %s, %" PRIu64 " of at most %" PRIu64 " spaces\n", nlc_text(row, MMSB_A_MODULE_VERSION), nlc_number(row, MMSB_A_MODULE_SPACES_ALL),
	       nlc_number(row, MMSB_A_MODULE_MAX_SPACES));
	return true;
}

static bool print_space_row(const struct nlc_row *row, void *arg)
{
	bool *begun = arg;
	const char *name = nlc_text(row, MMSB_A_SPACE_NAME);

	if (!*begun)
		printf("\n%-24s %10s %10s %6s %5s %14s %14s %10s\n", "SPACE", "PAGES", "MEMORY", "SHARDS", "RINGS", "DELTAS", "RECOMPUTED", "LOG");
	*begun = true;
	printf("%-24s %10" PRIu64 " %10s %6" PRIu64 " %5" PRIu64 " %14s %14s %10s\n", *name ? name : "(no name)", nlc_number(row, MMSB_A_SPACE_PAGES),
	       text_bytes(nlc_number(row, MMSB_A_SPACE_MEMORY)).s, nlc_number(row, MMSB_A_SPACE_SHARDS), nlc_number(row, MMSB_A_SPACE_RINGS),
	       text_grouped(nlc_number(row, MMSB_A_SPACE_DELTAS)).s, text_grouped(nlc_number(row, MMSB_A_SPACE_RECOMPUTED)).s, log_state(row));
	return true;
}

static bool print_poller_row(const struct nlc_row *row, void *arg)
{
	bool *begun = arg;

	if (!*begun)
		printf("\n%-24s %6s %7s %8s %12s %12s %8s\n", "POLLER", "SHARDS", "STATE", "IDLE", "CPU TIME", "SLEPT", "SLEEPS");
	*begun = true;
	printf("CPU %-20" PRIu64 " %6" PRIu64 " %7s %8s %12s %12s %8" PRIu64 "\n", nlc_number(row, MMSB_A_POLLER_CPU), nlc_number(row, MMSB_A_POLLER_SHARDS),
	       nlc_number(row, MMSB_A_POLLER_RESTING) ? "asleep" : "awake", text_ns(nlc_number(row, MMSB_A_POLLER_IDLE_US) * 1000).s,
	       text_ns(nlc_number(row, MMSB_A_POLLER_CPU_TIME)).s, text_ns(nlc_number(row, MMSB_A_POLLER_RESTED)).s, nlc_number(row, MMSB_A_POLLER_RESTS));
	return true;
}

static bool print_user_row(const struct nlc_row *row, void *arg)
{
	bool *begun = arg;

	if (!*begun)
		printf("\n%-24s %6s\n", "USER", "SPACES");
	*begun = true;
	printf("%-24s %6" PRIu64 " of at most %" PRIu64 "\n", user_text(nlc_number(row, MMSB_A_USER_UID)).s, nlc_number(row, MMSB_A_USER_SPACES),
	       nlc_number(row, MMSB_A_USER_MAX_SPACES));
	return true;
}

static int print_list(struct nlc *nl, int cmd, const struct nlc_set *set, const char *space, nlc_each *print)
{
	bool begun = false;

	return nlc_ask(nl, nlc_about(nl, cmd, true, space), set, print, &begun);
}

static int print_home(struct nlc *nl)
{
	int err = nlc_ask(nl, nlc_request(nl, MMSB_CMD_MODULE_GET, false), &nlc_module, print_module, NULL);

	err = err ?: print_list(nl, MMSB_CMD_SPACE_GET, &nlc_space, NULL, print_space_row);
	err = err ?: print_list(nl, MMSB_CMD_POLLER_GET, &nlc_poller, NULL, print_poller_row);
	return err ?: print_list(nl, MMSB_CMD_USER_GET, &nlc_user, NULL, print_user_row);
}

static void print_pressure(uint64_t pressure)
{
	size_t i;

	if (!pressure)
		return;
	printf("pressure    ");
	for (i = 0; nlc_pressure_names[i]; i++)
		if (pressure >> i & 1)
			printf(" %s", nlc_pressure_names[i]);
	putchar('\n');
}

static bool print_space(const struct nlc_row *row, void *arg)
{
	(void)arg;
	printf("space        %s, id %" PRIu64 "\n", nlc_text(row, MMSB_A_SPACE_NAME), nlc_number(row, MMSB_A_SPACE_ID));
	printf("pages        %s of at most %s", text_grouped(nlc_number(row, MMSB_A_SPACE_PAGES)).s, text_grouped(nlc_number(row, MMSB_A_SPACE_MAX_PAGES)).s);
	printf(", %s of at most %s\n", text_bytes(nlc_number(row, MMSB_A_SPACE_BYTES)).s, text_bytes(nlc_number(row, MMSB_A_SPACE_MAX_BYTES)).s);
	printf("deltas       %s, up to tick %s\n", text_grouped(nlc_number(row, MMSB_A_SPACE_DELTAS)).s, text_grouped(nlc_number(row, MMSB_A_SPACE_TICK)).s);
	printf("recomputed   %s", text_grouped(nlc_number(row, MMSB_A_SPACE_RECOMPUTED)).s);
	printf(", cut %s", text_grouped(nlc_number(row, MMSB_A_SPACE_CUT)).s);
	printf(", skipped %s\n", text_grouped(nlc_number(row, MMSB_A_SPACE_SKIPPED)).s);
	printf("log          %s", log_state(row));
	if (nlc_number(row, MMSB_A_SPACE_DURABILITY))
		printf(", durable up to tick %s", text_grouped(nlc_number(row, MMSB_A_SPACE_DURABLE)).s);
	putchar('\n');
	print_pressure(nlc_number(row, MMSB_A_SPACE_PRESSURE));
	return true;
}

static bool print_ring_row(const struct nlc_row *row, void *arg)
{
	uint64_t broken = nlc_number(row, MMSB_A_RING_BROKEN);
	bool *begun = arg;

	if (!*begun)
		printf("\n%6s %5s %-7s %8s %-16s %8s %8s %14s %10s %10s\n", "RING", "SHARD", "MODE", "PID", "COMMAND", "PENDING", "UNREAPED", "TAKEN",
		       "FAILED", "STALLS");
	*begun = true;
	printf("%6" PRIu64 " %5" PRIu64 " %-7s %8" PRIu64 " %-16s %8" PRIu64 " %8" PRIu64 " %14s %10" PRIu64 " %10" PRIu64 "%s%s\n",
	       nlc_number(row, MMSB_A_RING_ID), nlc_number(row, MMSB_A_RING_SHARD), nlc_number(row, MMSB_A_RING_POLLED) ? "polled" : "inline",
	       nlc_number(row, MMSB_A_RING_PID), nlc_text(row, MMSB_A_RING_COMM), nlc_number(row, MMSB_A_RING_PENDING),
	       nlc_number(row, MMSB_A_RING_UNREAPED), text_grouped(nlc_number(row, MMSB_A_RING_TAKEN)).s, nlc_number(row, MMSB_A_RING_FAILED),
	       nlc_number(row, MMSB_A_RING_STALLS), broken ? "  BROKEN: " : "", broken ? reason_text(broken) : "");
	return true;
}

static bool print_shard_row(const struct nlc_row *row, void *arg)
{
	bool *begun = arg;

	if (!*begun)
		printf("\n%6s %5s %5s %7s %10s %10s %14s %14s %14s\n", "SHARD", "CPU", "RINGS", "POLLER", "PAGES", "MEMORY", "DELTAS", "RECOMPUTED", "TICK");
	*begun = true;
	printf("%6" PRIu64 " %5" PRIu64 " %5" PRIu64 " %7s %10" PRIu64 " %10s %14s %14s %14s\n", nlc_number(row, MMSB_A_SHARD_NUMBER),
	       nlc_number(row, MMSB_A_SHARD_CPU), nlc_number(row, MMSB_A_SHARD_RINGS), nlc_number(row, MMSB_A_SHARD_ASLEEP) ? "asleep" : "awake",
	       nlc_number(row, MMSB_A_SHARD_PAGES), text_bytes(nlc_number(row, MMSB_A_SHARD_MEMORY)).s,
	       text_grouped(nlc_number(row, MMSB_A_SHARD_DELTAS)).s, text_grouped(nlc_number(row, MMSB_A_SHARD_RECOMPUTED)).s,
	       text_grouped(nlc_number(row, MMSB_A_SHARD_TICK)).s);
	return true;
}

static int print_one(struct nlc *nl, const char *space)
{
	int err = nlc_ask(nl, nlc_about(nl, MMSB_CMD_SPACE_GET, false, space), &nlc_space, print_space, NULL);

	err = err ?: print_list(nl, MMSB_CMD_RING_GET, &nlc_ring, space, print_ring_row);
	return err ?: print_list(nl, MMSB_CMD_SHARD_GET, &nlc_shard, space, print_shard_row);
}

/* ----------------------------------------------------------------------------------------------------------- Prometheus */

/* What only rises is a counter; the rest are gauges. */
static const struct series {
	int attr;
	const char *name, *type, *help;
} series[] = {
	{ MMSB_A_SPACE_PAGES, "pages", "gauge", "Pages in the space" },
	{ MMSB_A_SPACE_MAX_PAGES, "pages_limit", "gauge", "Pages that it may have" },
	{ MMSB_A_SPACE_BYTES, "arena_bytes", "gauge", "Bytes reserved in the arena" },
	{ MMSB_A_SPACE_MAX_BYTES, "arena_bytes_limit", "gauge", "Bytes that may be reserved" },
	{ MMSB_A_SPACE_MEMORY, "memory_bytes", "gauge", "Bytes held in all" },
	{ MMSB_A_SPACE_RINGS, "rings", "gauge", "Rings open" },
	{ MMSB_A_SPACE_DELTAS, "deltas_total", "counter", "Deltas applied" },
	{ MMSB_A_SPACE_TICK, "tick", "counter", "The last tick" },
	{ MMSB_A_SPACE_RECOMPUTED, "recomputed_total", "counter", "Derived pages computed" },
	{ MMSB_A_SPACE_CUT, "cut_total", "counter", "Derived pages that came out the same" },
	{ MMSB_A_SPACE_SKIPPED, "skipped_total", "counter", "Derived pages looked at and not computed" },
	{ MMSB_A_SPACE_SUSPECT, "suspect_total", "counter", "Audits that came to two results" },
	{ MMSB_A_SPACE_DURABLE, "durable_tick", "counter", "The durable tick" },
	{ MMSB_A_SPACE_LOG_WAITING, "log_waiting_bytes", "gauge", "Bytes that wait for the log's writer" },
	{ MMSB_A_SPACE_LOG_FAILED, "log_failed", "gauge", "1: the log failed" },
	{ MMSB_A_SPACE_PRESSURE, "pressure", "gauge", "What is becoming too much: 1 pages, 2 bytes, 4 rings, 8 log, 16 queues, added up" },
};

static bool print_sample(const struct nlc_row *row, void *arg)
{
	const struct series *one = arg;

	printf("mmsb_space_%s{space=\"%s\",id=\"%" PRIu64 "\"} %" PRIu64 "\n", one->name, nlc_text(row, MMSB_A_SPACE_NAME),
	       nlc_number(row, MMSB_A_SPACE_ID), nlc_number(row, one->attr));
	return true;
}

/* The format wants all samples of a series together. Names of spaces hold nothing that needs quoting. */
static int print_prometheus(struct nlc *nl)
{
	int err = 0;
	size_t i;

	for (i = 0; !err && i < sizeof(series) / sizeof(*series); i++) {
		printf("# HELP mmsb_space_%s %s.\n# TYPE mmsb_space_%s %s\n", series[i].name, series[i].help, series[i].name, series[i].type);
		err = nlc_ask(nl, nlc_request(nl, MMSB_CMD_SPACE_GET, true), &nlc_space, print_sample, (void *)&series[i]);
	}
	return err;
}

enum cli_exit cmd_stat(struct cli *cli, const struct args *args)
{
	const char *space = args->operands ? args->operand[0] : NULL;
	struct nlc nl;
	int err;

	if (space && arg_has(args, OPT_PROMETHEUS))
		return fail_usage(cli, "--prometheus tells of all spaces: leave '%s' out", space);
	if (!nlc_ready(cli, &nl))
		return CLI_FAILED;
	if (arg_has(args, OPT_PROMETHEUS))
		err = print_prometheus(&nl);
	else if (cli->json)
		err = space ? json_space(&nl, space) : json_home(&nl);
	else
		err = space ? print_one(&nl, space) : print_home(&nl);
	return nlc_finish(cli, &nl, err, "cannot look at %s%s%s", space ? "space '" : "the kernel home", space ?: "", space ? "'" : "");
}
