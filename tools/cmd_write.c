// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb log write, mmsb checkpoint, mmsb log status: who writes a log.
 *
 * For spaces of the kernel home that is mmsbd, which is asked through its socket. A space without it, and those of the embedded home in a script,
 * get a writer here: alone it writes until it is told to stop, in a script until that ends.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "args.h"
#include "control.h"
#include "json.h"
#include "out.h"
#include "value.h"
#include "writing.h"

#define LOOK	{ .tv_nsec = 200000000 }	/* how often it is looked whether to stop */

struct writing {
	struct writing *next;
	struct mmsb_log *log;
	struct mmsb_space *space;
	char name[MMSB_NAME_MAX];
};

struct mmsb_log *writing_find(const struct cli *cli, const char *space)
{
	const struct writing *writing = cli->writing;

	while (writing && strcmp(writing->name, space))
		writing = writing->next;
	return writing ? writing->log : NULL;
}

static bool close_one(struct cli *cli, struct writing *writing)
{
	int err = mmsb_log_close(writing->log);

	if (err)
		fail_lib(cli, err, "the log of '%s'", writing->name);
	mmsb_space_close(writing->space);
	free(writing);
	return !err;
}

bool writing_close(struct cli *cli)
{
	struct writing *writing;
	bool ok = true;

	while ((writing = cli->writing)) {
		cli->writing = writing->next;
		ok &= close_one(cli, writing);
	}
	return ok;
}

/* ------------------------------------------------------------------------------------------------------------ write */

static bool write_options(struct cli *cli, const struct args *args, struct mmsb_log_opts *opts)
{
	const char *mode = args->value[OPT_DURABILITY];
	uint64_t interval = 0, keep = 0;

	if (mode && strcmp(mode, "buffered") && strcmp(mode, "strict"))
		return fail_usage(cli, "--durability '%s' is neither buffered nor strict", mode), false;
	if (!arg_time(cli, args, OPT_INTERVAL, &interval) || !arg_u64(cli, args, OPT_KEEP, 1, 1000, &keep) ||
	    !arg_size(cli, args, OPT_CHECKPOINT_EVERY, 1, UINT64_MAX, &opts->checkpoint_bytes) ||
	    !arg_size(cli, args, OPT_SEGMENT, 4096, 1ULL << 40, &opts->segment_bytes))
		return false;
	if (arg_has(args, OPT_INTERVAL) && (interval < 1000000 || interval > 3600000000000ULL))
		return fail_usage(cli, "--interval '%s' is not within 1ms to 60m", args->value[OPT_INTERVAL]), false;
	opts->mode = !mode ? 0 : strcmp(mode, "strict") ? MMSB_BUFFERED : MMSB_STRICT;
	opts->interval_ms = (uint32_t)(interval / 1000000);
	opts->keep_checkpoints = (uint32_t)keep;
	opts->flags = (arg_has(args, OPT_ZSTD) ? MMSB_LOG_OPT_ZSTD : 0) | (arg_has(args, OPT_TAKE_OVER) ? MMSB_LOG_OPT_TAKE_OVER : 0);
	return true;
}

static struct writing *start(struct cli *cli, const struct args *args, const struct mmsb_log_opts *opts)
{
	struct writing *writing = calloc(1, sizeof(*writing));
	int err;

	if (!writing) {
		fail(cli, NULL, "out of memory");
		return NULL;
	}
	snprintf(writing->name, sizeof(writing->name), "%s", args->operand[0]);
	if (!cli_space(cli, writing->name, 0, &writing->space)) {
		free(writing);
		return NULL;
	}
	err = mmsb_log_open(writing->space, args->operand[1], opts, &writing->log);
	if (!err)
		return writing;
	fail_lib(cli, err, "cannot write the log of '%s' to %s", writing->name, args->operand[1]);
	mmsb_space_close(writing->space);
	free(writing);
	return NULL;
}

static enum cli_exit write_until_stopped(struct cli *cli, struct writing *writing)
{
	struct mmsb_log_stat stat = { .size = sizeof(stat) };
	struct timespec look = LOOK;
	bool closed;

	cli_catch_signals();
	while (!cli_stopped && !stat.error) {
		nanosleep(&look, NULL);
		mmsb_log_stat(writing->log, &stat);
	}
	closed = close_one(cli, writing);
	return closed && !stat.error ? CLI_OK : CLI_FAILED;
}

enum cli_exit cmd_log_write(struct cli *cli, const struct args *args)
{
	struct mmsb_log_opts opts = { .size = sizeof(opts) };
	struct writing *writing;

	if (!write_options(cli, args, &opts))
		return CLI_USAGE;
	writing = start(cli, args, &opts);
	if (!writing)
		return CLI_FAILED;
	if (!cli->line)
		return write_until_stopped(cli, writing);
	writing->next = cli->writing;
	cli->writing = writing;
	return CLI_OK;
}

/* ------------------------------------------------------------------------------------------------------ asking mmsbd */

static const char *socket_path(const struct args *args)
{
	return args->value[OPT_SOCKET] ?: CONTROL_SOCKET;
}

static enum cli_exit asked(const struct cli *cli, const struct args *args, int result, const struct control_answer *answer)
{
	if (result > 0)
		return fail(cli, NULL, "mmsbd: %s", answer->why);
	if (result == -ENOENT || result == -ECONNREFUSED)
		return fail(cli, "systemctl start mmsbd, and see its journal; or say --socket", "mmsbd does not run: nobody answers at %s",
			    socket_path(args));
	if (result == -EACCES)
		return fail(cli, "ask as root or as a member of group mmsb", "you may not speak to mmsbd at %s", socket_path(args));
	if (result)
		return fail(cli, NULL, "cannot speak to mmsbd at %s: %s", socket_path(args), strerror(-result));
	return CLI_OK;
}

static void take_tick(void *arg, char **words, unsigned int n)
{
	(void)n;
	value_u64(words[0], arg);
}

static enum cli_exit ask_checkpoint(struct cli *cli, const struct args *args, uint64_t *tick)
{
	struct control_answer answer = { .line = take_tick, .arg = tick };
	char question[MMSB_NAME_MAX + 16];

	if (strlen(args->operand[0]) >= MMSB_NAME_MAX || strpbrk(args->operand[0], "\n\t"))
		return fail_usage(cli, "'%s' is no name of a space", args->operand[0]);
	snprintf(question, sizeof(question), "checkpoint %s", args->operand[0]);
	return asked(cli, args, control_ask(socket_path(args), question, &answer), &answer);
}

enum cli_exit cmd_checkpoint(struct cli *cli, const struct args *args)
{
	struct mmsb_log *log = writing_find(cli, args->operand[0]);
	enum cli_exit status = CLI_OK;
	uint64_t tick = 0;
	struct json json;
	int err = 0;

	if (log)
		err = mmsb_log_checkpoint(log, &tick);
	else
		status = ask_checkpoint(cli, args, &tick);
	if (err)
		status = fail_lib(cli, err, "cannot make a checkpoint of '%s'", args->operand[0]);
	if (status != CLI_OK)
		return status;
	if (cli->json) {
		json_begin(&json, stdout);
		json_string(&json, "space", args->operand[0]);
		json_u64(&json, "tick", tick);
		json_end(&json);
	} else {
		printf("checkpoint of tick %" PRIu64 "\n", tick);
	}
	return CLI_OK;
}

/* ----------------------------------------------------------------------------------------------------------- status */

#define STATUS_ROW	"%-20s %-10s %-9s %12s %12s %10s  %s\n"

struct status {
	struct json *json;	/* NULL: for people */
	unsigned int spaces;
};

static const char *in_bytes(const char *word)
{
	static struct text text;
	uint64_t value;

	if (!value_u64(word, &value))
		return word;
	text = text_bytes(value);
	return text.s;
}

static void status_line(void *arg, char **words, unsigned int n)
{
	static const char *const names[CONTROL_WORDS] = {
		"space", "dir", "state", "mode", "tick", "durable", "waiting", "bytes", "checkpoint", "term", "why",
	};
	struct status *status = arg;
	uint64_t value;
	unsigned int i;

	if (n < CONTROL_WORDS)
		return;
	if (!status->json) {
		if (!status->spaces++)
			printf(STATUS_ROW, "SPACE", "STATE", "MODE", "TICK", "DURABLE", "WAITING", "LOG");
		printf(STATUS_ROW, words[CONTROL_SPACE], words[CONTROL_STATE], words[CONTROL_MODE], words[CONTROL_TICK], words[CONTROL_DURABLE],
		       in_bytes(words[CONTROL_WAITING]), words[CONTROL_DIR]);
		if (*words[CONTROL_WHY])
			printf("  %s\n", words[CONTROL_WHY]);
		return;
	}
	json_object(status->json, NULL);
	for (i = 0; i < CONTROL_WORDS; i++) {
		if (i >= CONTROL_TICK && i <= CONTROL_TERM && value_u64(words[i], &value))
			json_u64(status->json, names[i], value);
		else
			json_string(status->json, names[i], words[i]);
	}
	json_close(status->json);
}

enum cli_exit cmd_log_status(struct cli *cli, const struct args *args)
{
	struct status status = { 0 };
	struct control_answer answer = { .line = status_line, .arg = &status };
	enum cli_exit result;
	struct json json;

	if (cli->json) {
		status.json = &json;
		json_begin(&json, stdout);
		json_array(&json, "spaces");
	}
	result = asked(cli, args, control_ask(socket_path(args), "status", &answer), &answer);
	if (cli->json) {
		json_close(&json);
		json_end(&json);
	}
	return result;
}
