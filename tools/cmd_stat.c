// SPDX-License-Identifier: GPL-2.0-only
/* mmsb stat: what the kernel home is doing, in all or in one space, for people, as JSON, or for Prometheus. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "args.h"
#include "control_nlc.h"
#include "json.h"
#include "layers.h"
#include "out.h"
#include "prometheus.h"
#include "rates.h"

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

static struct layer layer_of(const struct nlc_row *row)
{
	return (struct layer){
		.name = nlc_text(row, MMSB_A_TIMING_LAYER),
		.count = nlc_number(row, MMSB_A_TIMING_COUNT),
		.sum = nlc_number(row, MMSB_A_TIMING_SUM),
		.shortest = nlc_number(row, MMSB_A_TIMING_SHORTEST),
		.longest = nlc_number(row, MMSB_A_TIMING_LONGEST),
		.p50 = nlc_number(row, MMSB_A_TIMING_P50),
		.p90 = nlc_number(row, MMSB_A_TIMING_P90),
		.p99 = nlc_number(row, MMSB_A_TIMING_P99),
		.p999 = nlc_number(row, MMSB_A_TIMING_P999),
	};
}

static bool json_layer(const struct nlc_row *row, void *arg)
{
	const struct layer layer = layer_of(row);

	layer_json(arg, &layer);
	return true;
}

static int json_layers(struct nlc *nl, struct json *json, const char *space)
{
	int err;

	json_array(json, "layers");
	err = nlc_ask(nl, nlc_about(nl, MMSB_CMD_TIMING_GET, true, space), &nlc_timing, json_layer, json);
	json_close(json);
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
	err = err ?: json_layers(nl, &json, space);
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
	return err ?: print_list(nl, MMSB_CMD_USER_GET, &nlc_user, NULL, user_print);
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

static void print_memory(const struct nlc_row *row)
{
	const char *path = nlc_text(row, MMSB_A_SPACE_MEMCG_PATH);

	printf("memory       %s", text_bytes(nlc_number(row, MMSB_A_SPACE_MEMORY)).s);
	if (*path)
		printf(", charged to the memory cgroup %s", path);
	else if (row->attrs[MMSB_A_SPACE_MEMCG])
		printf(", charged to the memory cgroup with the id %" PRIu64, nlc_number(row, MMSB_A_SPACE_MEMCG));
	putchar('\n');
}

static bool print_space(const struct nlc_row *row, void *arg)
{
	(void)arg;
	printf("space        %s, id %" PRIu64 "\n", nlc_text(row, MMSB_A_SPACE_NAME), nlc_number(row, MMSB_A_SPACE_ID));
	printf("pages        %s of at most %s", text_grouped(nlc_number(row, MMSB_A_SPACE_PAGES)).s, text_grouped(nlc_number(row, MMSB_A_SPACE_MAX_PAGES)).s);
	printf(", %s of at most %s\n", text_bytes(nlc_number(row, MMSB_A_SPACE_BYTES)).s, text_bytes(nlc_number(row, MMSB_A_SPACE_MAX_BYTES)).s);
	print_memory(row);
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

static bool print_layer_row(const struct nlc_row *row, void *arg)
{
	const struct layer layer = layer_of(row);
	bool *begun = arg;

	if (!*begun)
		putchar('\n');
	layer_print(&layer, begun);
	return true;
}

static int print_one(struct nlc *nl, const char *space)
{
	int err = nlc_ask(nl, nlc_about(nl, MMSB_CMD_SPACE_GET, false, space), &nlc_space, print_space, NULL);

	err = err ?: print_list(nl, MMSB_CMD_RING_GET, &nlc_ring, space, print_ring_row);
	err = err ?: print_list(nl, MMSB_CMD_SHARD_GET, &nlc_shard, space, print_shard_row);
	return err ?: print_list(nl, MMSB_CMD_TIMING_GET, &nlc_timing, space, print_layer_row);
}

/* ----------------------------------------------------------------------------------------------------------- Prometheus */

/* Others read it, and never a half of it. */
static int replace_file(struct nlc *nl, const char *path)
{
	char *name = NULL;
	int fd, err = -ENOMEM;
	FILE *to;

	if (asprintf(&name, "%s.XXXXXX", path) < 0)
		return err;
	fd = mkostemp(name, O_CLOEXEC);
	to = fd < 0 ? NULL : fdopen(fd, "w");
	if (!to) {
		err = -errno;
		free(name);
		return err;
	}
	err = prometheus_write(nl, to);
	if (!err && fchmod(fd, 0644))
		err = -errno;
	if ((ferror(to) | fclose(to)) && !err)
		err = errno ? -errno : -EIO;
	if (!err && rename(name, path))
		err = -errno;
	if (err)
		unlink(name);
	free(name);
	return err;
}

/* What is no file, /dev/stdout for one, would be one afterwards. */
static bool can_be_replaced(const char *path)
{
	struct stat stat;

	return lstat(path, &stat) || S_ISREG(stat.st_mode);
}

static enum cli_exit write_prometheus(struct cli *cli, struct nlc *nl, const char *path)
{
	FILE *to;
	int err;

	if (path && strcmp(path, "-") && can_be_replaced(path))
		return nlc_finish(cli, nl, replace_file(nl, path), "cannot write to '%s' what the kernel home is doing", path);
	to = out_open(cli, path);
	err = to ? prometheus_write(nl, to) : 0;
	if (!to || !out_close(cli, to, path))
		return nlc_close(nl), CLI_FAILED;
	return nlc_finish(cli, nl, err, "cannot look at the kernel home");
}

/* -------------------------------------------------------------------------------------------------------------- command */

static bool stat_judge(struct cli *cli, const struct args *args, uint64_t *interval, uint64_t *count)
{
	if (args->operands && arg_has(args, OPT_PROMETHEUS))
		return fail_usage(cli, "--prometheus tells of all spaces: leave '%s' out", args->operand[0]), false;
	if (arg_has(args, OPT_OUTPUT) && !arg_has(args, OPT_PROMETHEUS))
		return fail_usage(cli, "--output goes with --prometheus"), false;
	if (arg_has(args, OPT_COUNT) && !arg_has(args, OPT_INTERVAL))
		return fail_usage(cli, "--count goes with --interval"), false;
	if (arg_has(args, OPT_INTERVAL) && arg_has(args, OPT_PROMETHEUS))
		return fail_usage(cli, "--prometheus tells counters, of which whoever collects them makes rates: leave --interval out"), false;
	if (!arg_time(cli, args, OPT_INTERVAL, interval) || !arg_u64(cli, args, OPT_COUNT, 1, UINT64_MAX, count))
		return false;
	if (arg_has(args, OPT_INTERVAL) && (*interval < 1000000 || *interval > 3600000000000ULL))
		return fail_usage(cli, "--interval '%s' is not within 1ms to 60m", args->value[OPT_INTERVAL]), false;
	return true;
}

enum cli_exit cmd_stat(struct cli *cli, const struct args *args)
{
	const char *space = args->operands ? args->operand[0] : NULL;
	uint64_t interval = 0, count = 0;
	struct nlc nl;
	int err;

	if (!stat_judge(cli, args, &interval, &count))
		return CLI_USAGE;
	if (!nlc_ready(cli, &nl))
		return CLI_FAILED;
	if (arg_has(args, OPT_PROMETHEUS))
		return write_prometheus(cli, &nl, args->value[OPT_OUTPUT]);
	if (interval && !rates_tell(cli, &nl, space, interval, count, &err))
		return nlc_close(&nl), CLI_FAILED;
	if (!interval && cli->json)
		err = space ? json_space(&nl, space) : json_home(&nl);
	else if (!interval)
		err = space ? print_one(&nl, space) : print_home(&nl);
	return nlc_finish(cli, &nl, err, "cannot look at %s%s%s", space ? "space '" : "the kernel home", space ?: "", space ? "'" : "");
}
