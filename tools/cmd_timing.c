// SPDX-License-Identifier: GPL-2.0-only
/* mmsb timing: how long a space's deltas spend in each layer of their way, and switching that. */
#include <inttypes.h>
#include "args.h"
#include "json.h"
#include "layers.h"
#include "out.h"

static uint32_t flags_of(const struct args *args)
{
	return arg_has(args, OPT_ON) ? MMSB_TIMING_ON : arg_has(args, OPT_OFF) ? MMSB_TIMING_OFF : arg_has(args, OPT_RESET) ? MMSB_TIMING_RESET : 0;
}

static void layer_of(const struct mmsb_timing_args *args, struct layer *layer)
{
	*layer = (struct layer){
		.name = mmsb_layer_name(args->layer), .count = args->count, .sum = args->sum, .shortest = args->min, .longest = args->max,
		.p50 = args->p50, .p90 = args->p90, .p99 = args->p99, .p999 = args->p999,
	};
}

/* 0 or a negative errno; *on: it is switched on. Only the first look switches. */
static int look(struct mmsb_space *space, uint32_t flags, struct layer layers[MMSB_LAYER_LAST], bool *on)
{
	struct mmsb_timing_args args;
	uint32_t i;
	int err;

	for (i = 0; i < MMSB_LAYER_LAST; i++) {
		args = (struct mmsb_timing_args){ .flags = i ? 0 : flags, .layer = i, .shard = MMSB_TIMING_ALL };
		err = mmsb_timing(space, &args);
		if (err)
			return err;
		layer_of(&args, &layers[i]);
		*on = args.on;
	}
	return 0;
}

static void json_timing(const char *space, const struct layer *layers, bool on)
{
	struct json json;
	uint32_t i;

	json_begin(&json, stdout);
	json_string(&json, "space", space);
	json_bool(&json, "on", on);
	json_array(&json, "layers");
	for (i = 0; i < MMSB_LAYER_LAST; i++)
		if (layers[i].count)
			layer_json(&json, &layers[i]);
	json_close(&json);
	json_end(&json);
}

static void print_timing(const char *space, const struct layer *layers, bool on)
{
	bool begun = false;
	uint32_t i;

	for (i = 0; i < MMSB_LAYER_LAST; i++)
		if (layers[i].count)
			layer_print(&layers[i], &begun);
	if (!on)
		printf("'%s' is not timed: mmsb timing %s --on begins it\n", space, space);
	else if (!begun)
		printf("'%s' is timed, and no delta came since that began\n", space);
}

enum cli_exit cmd_timing(struct cli *cli, const struct args *args)
{
	struct layer layers[MMSB_LAYER_LAST];
	uint32_t flags = flags_of(args);
	struct mmsb_space *space;
	bool on = false;
	int err;

	if (!arg_only_one(cli, args, OPT_BIT(OPT_ON) | OPT_BIT(OPT_OFF) | OPT_BIT(OPT_RESET)))
		return CLI_USAGE;
	if (!cli_space(cli, args->operand[0], flags ? 0 : MMSB_SPACE_READ_ONLY, &space))
		return CLI_FAILED;
	err = look(space, flags, layers, &on);
	mmsb_space_close(space);
	if (err)
		return fail_lib(cli, err, flags ? "cannot switch the timing of '%s'" : "space '%s'", args->operand[0]);
	if (cli->json)
		json_timing(args->operand[0], layers, on);
	else
		print_timing(args->operand[0], layers, on);
	return CLI_OK;
}
