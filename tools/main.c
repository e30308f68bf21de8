// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb: the command.
 *
 * A line of a script and the arguments of a process go the same way, through cli_run_words(), so that whatever works in
 * one works in the other. What is special to the embedded home is here alone: its spaces die with the process, so a
 * command that is to leave something behind, or to find something, is refused there unless it stands in a script.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "args.h"
#include "out.h"
#include "writing.h"

volatile int cli_stopped;

static void on_signal(int number)
{
	(void)number;
	cli_stopped = 1;
}

/* Once: a second Ctrl-C ends the process at once. */
void cli_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

const char *cli_home(const struct cli *cli)
{
	const char *home = cli->home ?: getenv("MMSB_HOME");

	return home && *home ? home : "auto";
}

bool cli_open(struct cli *cli)
{
	int err;

	if (cli->mmsb)
		return true;
	err = mmsb_open(&cli->mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = cli->home, .device = cli->device));
	if (err) {
		cli->mmsb = NULL;
		fail_lib(cli, err, "cannot open the %s home", cli_home(cli));
		return false;
	}
	return true;
}

/* The embedded home, taken or fallen back on, cannot serve a command that stands alone. */
static bool check_lasting(struct cli *cli)
{
	char name[48];

	if (!cli->command->lasting || cli->line || strcmp(mmsb_home(cli->mmsb), "embedded"))
		return true;
	command_name(cli->command, name, sizeof(name));
	if (strcmp(cli_home(cli), "auto"))
		fail(cli, "give the commands to one process, one a line: mmsb --home embedded run FILE; or use the kernel home",
		     "an embedded space lives only as long as its process, so '%s' alone has nothing to work on", name);
	else
		fail(cli, "load the module: modprobe mmsb, or see mmsb doctor; or give the commands to one process: mmsb run FILE",
		     "'%s' needs the kernel home, and it is not there", name);
	return false;
}

bool cli_space(struct cli *cli, const char *name, uint32_t flags, struct mmsb_space **space)
{
	int err = mmsb_space_open(cli->mmsb, name, MMSB_OPTS(struct mmsb_space_opts, .flags = flags), space);

	if (err)
		fail_lib(cli, err, "space '%s'", name);
	return !err;
}

bool cli_ring(struct cli *cli, struct mmsb_space *space, uint64_t payload, struct mmsb_ring **ring)
{
	int err = mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .sq_entries = 64, .payload_bytes = payload), ring);

	if (err)
		fail_lib(cli, err, "cannot open a ring");
	return !err;
}

void cli_close(struct cli *cli)
{
	mmsb_close(cli->mmsb);
	cli->mmsb = NULL;
}

static bool take_globals(struct cli *cli, const struct args *args)
{
	const char *home = args->value[OPT_HOME];

	if (cli->line && (home || args->value[OPT_DEVICE]))
		return fail_usage(cli, "a script has one home: give --home and --device to 'mmsb run'"), false;
	if (home && strcmp(home, "kernel") && strcmp(home, "embedded") && strcmp(home, "auto"))
		return fail_usage(cli, "--home '%s' is none of kernel, embedded, auto", home), false;
	if (home)
		cli->home = home;
	if (args->value[OPT_DEVICE])
		cli->device = args->value[OPT_DEVICE];
	return true;
}

static enum cli_exit run_parsed(struct cli *cli, struct args *args)
{
	if (!take_globals(cli, args))
		return CLI_USAGE;
	if (arg_has(args, OPT_VERSION))
		return cmd_version(cli, args);
	if (arg_has(args, OPT_HELP)) {
		args->operand = args->all;
		args->operand[args->words] = NULL;
		return cmd_help(cli, args);
	}
	if (!cli->command)
		return fail_usage(cli, "no command is given");
	if (cli->command->lasting && (!cli_open(cli) || !check_lasting(cli)))
		return CLI_FAILED;
	return cli->command->run(cli, args);
}

enum cli_exit cli_run_words(struct cli *cli, int argc, char **argv)
{
	enum cli_exit status = CLI_USAGE;
	bool json = cli->json;
	struct args args;

	if (args_parse(cli, &args, argc, argv))
		status = run_parsed(cli, &args);
	args_free(&args);
	if (!out_flushed(cli) && status == CLI_OK)
		status = CLI_FAILED;
	cli->json = json;
	return status;
}

int main(int argc, char **argv)
{
	struct cli cli = { 0 };
	enum cli_exit status = cli_run_words(&cli, argc - 1, argv + 1);

	if (!writing_close(&cli) && status == CLI_OK)
		status = CLI_FAILED;
	cli_close(&cli);
	return status;
}
