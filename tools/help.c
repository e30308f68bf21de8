// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of commands, and help made from it. `mmsb help --json` lists the table for programs: the tests compare the manual
 * and the completions with it.
 */
#include <stdio.h>
#include <string.h>
#include "args.h"
#include "got.h"
#include "json.h"
#include "out.h"
#include "space.h"

#define B(opt)	OPT_BIT(OPT_##opt)

static const struct command commands[] = {
	{ "demo", NULL, "", 0, 0, B(SECONDS) | B(WRITERS) | B(READERS) | B(SHARDS) | B(INLINE), false,
	  "watch several processes share a state, and see it checked", cmd_demo },
	{ "space", "create", "NAME", 1, 1,
	  B(SHARDS) | B(MAX_PAGES) | B(MAX_BYTES) | B(MAX_RINGS) | B(MODE) | B(OWNER) | B(GROUP) | B(HASH) | B(INLINE) |
	  B(LAZY) | B(TIMING) | B(EXIST_OK), true, "make a space that stays until it is removed", cmd_space_create },
	{ "space", "list", "", 0, 0, 0, true, "list the spaces", cmd_space_list },
	{ "space", "show", "NAME", 1, 1, 0, true, "tell all about one space", cmd_space_show },
	{ "space", "rm", "NAME...", 1, 1000, 0, true, "remove spaces", cmd_space_rm },
	{ "space", "reset", "NAME", 1, 1, 0, true, "make a space as new: no pages, epochs and ids from the start",
	  cmd_space_reset },
	{ "page", "create", "SPACE SIZE", 2, 2, B(COUNT), true, "make pages of that size, all zero; prints their ids",
	  cmd_page_create },
	{ "page", "set", "SPACE ID", 2, 2, B(OFFSET) | B(IF_EPOCH) | B(HEX) | B(STRING) | B(FILE) | B(U64), true,
	  "change bytes of a page", cmd_page_set },
	{ "page", "add", "SPACE ID VALUE", 3, 3, B(OFFSET) | B(IF_EPOCH) | B(LANE), true,
	  "add to a number in a page; wraps around", cmd_page_add },
	{ "page", "get", "SPACE ID", 2, 2, B(OFFSET) | B(LENGTH) | B(AS_HEX) | B(RAW) | B(LANE), true,
	  "read a page, one version of it", cmd_page_get },
	{ "page", "watch", "SPACE ID", 2, 2, B(COUNT) | B(TIMEOUT) | B(SINCE), true,
	  "print the page's epoch whenever it rises", cmd_page_watch },
	{ "page", "rm", "SPACE ID...", 2, 1000, B(DETACH), true, "destroy pages", cmd_page_rm },
	{ "page", "show", "SPACE ID", 2, 2, B(LIMIT), true, "tell all about one page: its rule, parents and children", cmd_page_show },
	{ "page", "derive", "SPACE ID PARENT...", 3, MMSB_PARENTS_MAX + 2, B(RULE) | B(LANE) | B(PARAM) | B(LAZY) | B(SATURATE), true,
	  "let a page follow others; PARENT: ID[*WEIGHT][:control]", cmd_page_derive },
	{ "page", "underive", "SPACE ID...", 2, 1000, 0, true, "make derived pages source pages again; they keep their bytes",
	  cmd_page_underive },
	{ "page", "link", "SPACE ID PARENT...", 3, MMSB_PARENTS_MAX + 2, 0, true, "give a derived page more parents", cmd_page_link },
	{ "page", "unlink", "SPACE ID PARENT...", 3, MMSB_PARENTS_MAX + 2, 0, true, "take parents from a derived page",
	  cmd_page_unlink },
	{ "page", "refresh", "SPACE ID...", 2, 1000, 0, true, "recompute lazy pages now", cmd_page_refresh },
	{ "page", "list", "SPACE", 1, 1, B(LIMIT), true, "list the pages of a space", cmd_page_list },
	{ "graph", NULL, "SPACE [ID...]", 1, 1000, B(FORMAT) | B(OUTPUT) | B(UP) | B(DOWN), true,
	  "list or draw which pages follow which", cmd_graph },
	{ "graph", "path", "SPACE FROM TO", 3, 3, 0, true, "print a way down from one page to another", cmd_graph_path },
	{ "watch", NULL, "SPACE [ID...]", 1, MMSB_EVENTS_PAGES_MAX + 1, B(KIND) | B(TICKS) | B(COUNT) | B(TIMEOUT), true,
	  "print what happens to pages, as it happens", cmd_watch },
	{ "hash", NULL, "SPACE", 1, 1, B(ON) | B(OFF) | B(RECOMPUTE) | B(CHECK), true, "print the state hash of a space",
	  cmd_hash },
	{ "verify", NULL, "SPACE", 1, 1, B(STILL), true, "hold all that is kept of a space against each other, and name what is wrong", cmd_verify },
	{ "dump", NULL, "SPACE [ID...]", 1, 1000, B(LIMIT) | B(LENGTH) | B(SNAPSHOT), true, "show pages with their bytes",
	  cmd_dump },
	{ "log", "ls", "DIR", 1, 1, 0, false, "list the files of a log", cmd_log_ls },
	{ "log", "stat", "DIR", 1, 1, 0, false, "tell all about a log", cmd_log_stat },
	{ "log", "show", "DIR", 1, 1, B(FROM) | B(TO) | B(COUNT), false, "print a log's ticks and deltas: what, when and by whom", cmd_log_show },
	{ "log", "export", "DIR", 1, 1, B(FROM) | B(TO) | B(COUNT) | B(OUTPUT), false, "write all that a log says, as lines of JSON",
	  cmd_log_export },
	{ "log", "follow", "DIR", 1, 1, B(FROM) | B(TO) | B(COUNT) | B(TIMEOUT), false, "print what comes to a log, as it is written",
	  cmd_log_follow },
	{ "log", "verify", "DIR", 1, 1, 0, false, "read and check all files of a log; names what is damaged, and where", cmd_log_verify },
	{ "log", "write", "SPACE DIR", 2, 2,
	  B(DURABILITY) | B(INTERVAL) | B(KEEP) | B(CHECKPOINT_EVERY) | B(SEGMENT) | B(ZSTD) | B(TAKE_OVER), true,
	  "write a space's log, where mmsbd does not", cmd_log_write },
	{ "log", "status", "", 0, 0, B(SOCKET), false, "list the spaces whose logs mmsbd writes, and how they stand", cmd_log_status },
	{ "restore", NULL, "DIR [SPACE]", 1, 2, SPACE_OPTIONS | B(TICK) | B(TIME), false, "make a space from its log", cmd_restore },
	{ "replay", NULL, "DIR", 1, 1, B(TICK) | B(TIME), false, "do a log's ticks again and compare the state hash at each", cmd_replay },
	{ "checkpoint", NULL, "SPACE", 1, 1, B(SOCKET), false, "have a checkpoint made of a space whose log is being written", cmd_checkpoint },
	{ "history", NULL, "DIR PAGE", 2, 2, B(FROM) | B(TO) | B(COUNT), false, "print all deltas of one page", cmd_history },
	{ "at", NULL, "DIR TICK PAGE", 3, 3, GOT_OPTIONS, false, "read a page as it stood at a tick or a time", cmd_at },
	{ "why", NULL, "DIR PAGE", 2, 2, B(TICK) | B(TIME) | B(DEPTH) | B(COUNT), false,
	  "print the deltas and the parents that made a page's value", cmd_why },
	{ "durability", NULL, "SPACE [MODE]", 1, 2, 0, true, "tell or set what a space promises, and how its log stands", cmd_durability },
	{ "sync", NULL, "SPACE", 1, 1, B(TIMEOUT), true, "wait until all that was applied is on disk", cmd_sync },
	{ "trace", NULL, "[SCRIPT [SPACE [PROGRAM]]]", 0, 3, B(SECONDS) | B(OUTPUT), false,
	  "watch what the engine does, by a bpftrace script; without one, list them", cmd_trace },
	{ "stat", NULL, "[SPACE]", 0, 1, B(PROMETHEUS) | B(OUTPUT) | B(INTERVAL) | B(COUNT), false, "show what the kernel home is doing: spaces, rings, shards, pollers", cmd_stat },
	{ "top", NULL, "[SPACE]", 0, 1, B(INTERVAL) | B(COUNT) | B(BATCH) | B(HEAT) | B(NO_BPF), false, "show what the kernel home is doing, live: runs mmsb-top", cmd_top },
	{ "timing", NULL, "SPACE", 1, 1, B(ON) | B(OFF) | B(RESET), true,
	  "show how long deltas spend in each layer of their way, or switch that", cmd_timing },
	{ "limits", NULL, "[SPACE]", 0, 1,
	  B(MAX_SPACES) | B(MAX_USER_SPACES) | B(MAX_USER_PAGES) | B(MAX_USER_BYTES) | B(MAX_USER_RINGS) | B(MAX_PAGES) | B(MAX_BYTES) | B(MAX_RINGS) |
		  B(POLL_IDLE_US) | B(PRESSURE_MS) | B(AUDIT) | B(CPU), false,
	  "show or change what the module or a space allows", cmd_limits },
	{ "affinity", NULL, "SPACE [SHARD CPU]", 1, 3, 0, false, "show which CPU's poller serves each shard, or hand one to another", cmd_affinity },
	{ "events", NULL, "", 0, 0, B(KIND) | B(COUNT) | B(TIMEOUT), false, "print what happens to spaces and rings, as it happens", cmd_events },
	{ "bench", "compare", "OLD NEW", 2, 2, 0, false, "tell what got slower between two files of figures, beyond the noise", cmd_bench_compare },
	{ "bench", "chart", "FILE [CHART]", 1, 2, B(OUTPUT), false, "draw one chart of a file of figures as an SVG picture; without a name, list them",
	  cmd_bench_chart },
	{ "bench", "page", "FILE", 1, 1, B(OUTPUT), false, "draw a file of figures as a page of HTML", cmd_bench_page },
	{ "doctor", NULL, "", 0, 0, B(ROOT), false, "look for what keeps MMSB from working, and name the remedy",
	  cmd_doctor },
	{ "run", NULL, "[FILE]", 0, 1, B(KEEP_GOING), false,
	  "run commands, one a line, from a file or the standard input", cmd_run },
	{ "version", NULL, "", 0, 0, 0, false, "print the versions of command, library and kernel home", cmd_version },
	{ "help", NULL, "[COMMAND]", 0, 2, 0, false, "explain a command, or list them", cmd_help },
};

#define COMMANDS	(sizeof(commands) / sizeof(*commands))

const struct command *command_find(const char *noun, const char *verb)
{
	unsigned int i;

	for (i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].noun, noun) || !commands[i].verb != !verb)
			continue;
		if (!verb || !strcmp(commands[i].verb, verb))
			return &commands[i];
	}
	return NULL;
}

bool command_is_noun(const char *noun)
{
	unsigned int i;

	for (i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i].noun, noun))
			return true;
	return false;
}

void command_name(const struct command *command, char *name, size_t bytes)
{
	*name = '\0';
	if (command)
		snprintf(name, bytes, "%s%s%s", command->noun, command->verb ? " " : "", command->verb ?: "");
}

static void print_options(opt_set options)
{
	unsigned int i;
	char left[32];

	for (i = 0; i < OPT_LAST; i++) {
		if (!(options & OPT_BIT(i)))
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", opt_specs[i].name, opt_specs[i].value ? " " : "",
			 opt_specs[i].value ?: "");
		printf("  %-21s %s\n", left, opt_specs[i].text);
	}
}

static void help_command(const struct command *command)
{
	char name[48];

	command_name(command, name, sizeof(name));
	printf("mmsb %s%s%s%s\n\n  %s\n", name, command->options ? " [OPTIONS]" : "", *command->operands ? " " : "",
	       command->operands, command->brief);
	if (command->options) {
		out_colour(stdout, COLOUR_BOLD, "\nOptions\n");
		print_options(command->options);
	}
	out_colour(stdout, COLOUR_BOLD, "\nOptions of every command\n");
	print_options(OPT_GLOBAL);
}

static void list_commands(const char *noun)
{
	unsigned int i;
	char left[48];
	int used;

	for (i = 0; i < COMMANDS; i++) {
		if (noun && strcmp(commands[i].noun, noun))
			continue;
		command_name(&commands[i], left, sizeof(left));
		used = (int)strlen(left);
		snprintf(left + used, sizeof(left) - used, " %s", commands[i].operands);
		printf("  %-26s %s\n", left, commands[i].brief);
	}
}

static void help_all(void)
{
	printf("mmsb works with MMSB, a versioned state in memory that many processes share.\n\n"
	       "  mmsb [OPTIONS] COMMAND [OPTIONS] [OPERANDS]\n");
	out_colour(stdout, COLOUR_BOLD, "\nCommands\n");
	list_commands(NULL);
	out_colour(stdout, COLOUR_BOLD, "\nOptions of every command\n");
	print_options(OPT_GLOBAL);
	printf("\n'mmsb help COMMAND' explains one. New here? Try 'mmsb demo'. Something wrong? 'mmsb doctor'.\n"
	       "Exit status: 0 done, 1 failed, 2 the command line is wrong.\n");
}

static void json_options(struct json *json, opt_set options)
{
	unsigned int i;

	json_array(json, "options");
	for (i = 0; i < OPT_LAST; i++) {
		if (!(options & OPT_BIT(i)))
			continue;
		json_object(json, NULL);
		json_string(json, "name", opt_specs[i].name);
		json_string(json, "value", opt_specs[i].value);
		json_string(json, "text", opt_specs[i].text);
		json_close(json);
	}
	json_close(json);
}

static void help_json(void)
{
	struct json json;
	unsigned int i;
	char name[48];

	json_begin(&json, stdout);
	json_options(&json, OPT_GLOBAL);
	json_array(&json, "commands");
	for (i = 0; i < COMMANDS; i++) {
		command_name(&commands[i], name, sizeof(name));
		json_object(&json, NULL);
		json_string(&json, "name", name);
		json_string(&json, "operands", commands[i].operands);
		json_string(&json, "brief", commands[i].brief);
		json_options(&json, commands[i].options);
		json_close(&json);
	}
	json_close(&json);
	json_end(&json);
}

enum cli_exit cmd_help(struct cli *cli, const struct args *args)
{
	const char *noun = args->operand[0], *verb = noun ? args->operand[1] : NULL;
	const struct command *command = noun ? command_find(noun, verb) : NULL;

	if (cli->json)
		help_json();
	else if (command)
		help_command(command);
	else if (noun && !verb && command_is_noun(noun))
		list_commands(noun);
	else if (noun)
		return fail_usage(cli, "unknown command '%s%s%s'", noun, verb ? " " : "", verb ?: "");
	else
		help_all();
	return CLI_OK;
}
