/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line, taken apart.
 *
 * There is one vocabulary of options for all commands: --offset means the same wherever it is taken. A command says
 * which words of it apply. Options may stand before, between and behind the operands; "--" ends them; a word like -5 is
 * an operand, because page add takes negative numbers.
 *
 * The arg_...() calls return false after they have told the user what is wrong; the command then stops with CLI_USAGE.
 */
#ifndef ARGS_H
#define ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "cli.h"

enum opt {
	OPT_HOME, OPT_DEVICE, OPT_JSON, OPT_HELP, OPT_VERSION,	/* global */
	OPT_SHARDS, OPT_MAX_PAGES, OPT_MAX_BYTES, OPT_MAX_RINGS, OPT_MODE, OPT_OWNER, OPT_GROUP,
	OPT_HASH, OPT_INLINE, OPT_EXIST_OK,
	OPT_COUNT, OPT_OFFSET, OPT_LENGTH, OPT_LIMIT, OPT_IF_EPOCH, OPT_SINCE, OPT_TIMEOUT,
	OPT_HEX, OPT_STRING, OPT_FILE, OPT_U64, OPT_AS_HEX, OPT_RAW, OPT_LANE,
	OPT_ON, OPT_OFF, OPT_RECOMPUTE, OPT_CHECK, OPT_SNAPSHOT,
	OPT_SECONDS, OPT_WRITERS, OPT_READERS, OPT_ROOT, OPT_KEEP_GOING,
	OPT_RULE, OPT_PARAM, OPT_LAZY, OPT_SATURATE, OPT_DETACH, OPT_FORMAT, OPT_OUTPUT, OPT_UP, OPT_DOWN,
	OPT_KIND, OPT_TICKS,
	OPT_TICK, OPT_TIME, OPT_FROM, OPT_TO, OPT_DEPTH, OPT_DURABILITY, OPT_INTERVAL, OPT_KEEP, OPT_CHECKPOINT_EVERY, OPT_SEGMENT, OPT_ZSTD,
	OPT_TAKE_OVER, OPT_SOCKET,
	OPT_MAX_SPACES, OPT_MAX_USER_SPACES, OPT_MAX_USER_PAGES, OPT_MAX_USER_BYTES, OPT_MAX_USER_RINGS,
	OPT_PROMETHEUS, OPT_POLL_IDLE_US, OPT_PRESSURE_MS, OPT_STILL, OPT_RESET, OPT_TIMING, OPT_CPU, OPT_AUDIT,
	OPT_BATCH, OPT_HEAT, OPT_NO_BPF,
	OPT_LAST
};

#define OPT_BIT(opt)	((opt_set)1 << (opt))
#define OPT_GLOBAL	(OPT_BIT(OPT_SHARDS) - 1)

struct opt_spec {
	const char *name;
	const char *value;	/* what help calls its value; NULL: it takes none */
	const char *text;
};

extern const struct opt_spec opt_specs[OPT_LAST];

struct args {
	opt_set given;			/* OPT_BIT() */
	const char *value[OPT_LAST];
	const char **operand;		/* behind the command's own words; NULL-terminated */
	unsigned int operands;
	unsigned int words;		/* the command's own, */
	const char **all;		/* and the operands behind them, in one */
};

/* Finds the command, too, and leaves it in cli->command: NULL if none was named. */
bool args_parse(struct cli *cli, struct args *args, int argc, char **argv);
void args_free(struct args *args);

static inline bool arg_has(const struct args *args, enum opt opt)
{
	return args->given & OPT_BIT(opt);
}

/* Each leaves *value as it is if the option was not given. */
bool arg_u64(struct cli *cli, const struct args *args, enum opt opt, uint64_t least, uint64_t most, uint64_t *value);
bool arg_size(struct cli *cli, const struct args *args, enum opt opt, uint64_t least, uint64_t most, uint64_t *value);
bool arg_time(struct cli *cli, const struct args *args, enum opt opt, uint64_t *ns);
bool arg_lane(struct cli *cli, const struct args *args, enum opt opt, uint8_t *lane);	/* of any type */
bool arg_only_one(struct cli *cli, const struct args *args, opt_set options);

bool operand_id(struct cli *cli, const char *text, uint64_t *page);
bool operand_u64(struct cli *cli, const char *what, const char *text, uint64_t least, uint64_t most, uint64_t *value);
bool operand_size(struct cli *cli, const char *what, const char *text, uint64_t least, uint64_t most, uint64_t *value);

#endif
