/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every command shares: which home it talks to, how it speaks (people or JSON), and where it is in a script.
 *
 * A command is a row of the table in help.c: its words, the options it takes and the function that runs it. Help, the
 * check of the command line and `mmsb help --json`, which the tests hold against the manual and the completions, all
 * come from that row, so they cannot disagree.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <mmsb/mmsb.h>

/* Exit codes, as the manual lists them. */
enum cli_exit {
	CLI_OK,			/* done */
	CLI_FAILED,		/* understood, but it could not be done, or a check failed */
	CLI_USAGE,		/* the command line is wrong */
};

#define CLI_MADE	64

/* The library is compiled where this is, by the same headers: whether it has probes that can be traced. */
#if __has_include(<sys/sdt.h>)
#define CLI_PROBES	true
#else
#define CLI_PROBES	false
#endif

typedef unsigned __int128 opt_set;	/* a bit an option: there are more than 64 */

struct args;
struct cli;
struct writing;

struct command {
	const char *noun;
	const char *verb;	/* NULL: the noun is the whole command */
	const char *operands;	/* as help shows them */
	unsigned int least, most;
	opt_set options;	/* OPT_BIT() of those it takes besides the global ones */
	bool lasting;		/* works on a space that another process made or will use */
	const char *brief;
	enum cli_exit (*run)(struct cli *cli, const struct args *args);
};

struct cli {
	const char *home;	/* as --home said; NULL: $MMSB_HOME or auto */
	const char *device;
	bool json;
	const char *script;	/* in a script: its name, */
	unsigned int line;	/* and the line */
	uint64_t last[CLI_MADE], made;	/* the pages made last in this script, as a ring; how many were made */
	const struct command *command;
	struct mmsb *mmsb;	/* opened by the first command that needs it */
	struct writing *writing;	/* the logs that a script has written, until it ends */
};

/* The home that was asked for, by --home or $MMSB_HOME: "auto" if by neither. */
const char *cli_home(const struct cli *cli);

/* Open what a command works on. They say themselves what went wrong; false means stop with CLI_FAILED. */
bool cli_open(struct cli *cli);
bool cli_space(struct cli *cli, const char *name, uint32_t flags, struct mmsb_space **space);
bool cli_ring(struct cli *cli, struct mmsb_space *space, uint64_t payload, struct mmsb_ring **ring);
void cli_close(struct cli *cli);

enum cli_exit cli_run_words(struct cli *cli, int argc, char **argv);

/* Set by SIGINT and SIGTERM once cli_catch_signals() was called. */
extern volatile int cli_stopped;
void cli_catch_signals(void);

const struct command *command_find(const char *noun, const char *verb);
bool command_is_noun(const char *noun);
void command_name(const struct command *command, char *name, size_t bytes);

enum cli_exit cmd_demo(struct cli *cli, const struct args *args);
enum cli_exit cmd_space_create(struct cli *cli, const struct args *args);
enum cli_exit cmd_space_list(struct cli *cli, const struct args *args);
enum cli_exit cmd_space_show(struct cli *cli, const struct args *args);
enum cli_exit cmd_space_rm(struct cli *cli, const struct args *args);
enum cli_exit cmd_space_reset(struct cli *cli, const struct args *args);
enum cli_exit cmd_page_create(struct cli *cli, const struct args *args);
enum cli_exit cmd_page_set(struct cli *cli, const struct args *args);
enum cli_exit cmd_page_add(struct cli *cli, const struct args *args);
enum cli_exit cmd_page_get(struct cli *cli, const struct args *args);
enum cli_exit cmd_page_watch(struct cli *cli, const struct args *args);
enum cli_exit cmd_page_rm(struct cli *cli, const struct args *args);
enum cli_exit cmd_page_show(struct cli *cli, const struct args *args);
enum cli_exit cmd_page_derive(struct cli *cli, const struct args *args);
enum cli_exit cmd_page_underive(struct cli *cli, const struct args *args);
enum cli_exit cmd_page_link(struct cli *cli, const struct args *args);
enum cli_exit cmd_page_unlink(struct cli *cli, const struct args *args);
enum cli_exit cmd_page_refresh(struct cli *cli, const struct args *args);
enum cli_exit cmd_graph(struct cli *cli, const struct args *args);
enum cli_exit cmd_graph_path(struct cli *cli, const struct args *args);
enum cli_exit cmd_page_list(struct cli *cli, const struct args *args);
enum cli_exit cmd_watch(struct cli *cli, const struct args *args);
enum cli_exit cmd_hash(struct cli *cli, const struct args *args);
enum cli_exit cmd_dump(struct cli *cli, const struct args *args);
enum cli_exit cmd_log_ls(struct cli *cli, const struct args *args);
enum cli_exit cmd_log_stat(struct cli *cli, const struct args *args);
enum cli_exit cmd_log_verify(struct cli *cli, const struct args *args);
enum cli_exit cmd_log_show(struct cli *cli, const struct args *args);
enum cli_exit cmd_log_export(struct cli *cli, const struct args *args);
enum cli_exit cmd_log_follow(struct cli *cli, const struct args *args);
enum cli_exit cmd_log_write(struct cli *cli, const struct args *args);
enum cli_exit cmd_log_status(struct cli *cli, const struct args *args);
enum cli_exit cmd_restore(struct cli *cli, const struct args *args);
enum cli_exit cmd_replay(struct cli *cli, const struct args *args);
enum cli_exit cmd_checkpoint(struct cli *cli, const struct args *args);
enum cli_exit cmd_history(struct cli *cli, const struct args *args);
enum cli_exit cmd_at(struct cli *cli, const struct args *args);
enum cli_exit cmd_why(struct cli *cli, const struct args *args);
enum cli_exit cmd_durability(struct cli *cli, const struct args *args);
enum cli_exit cmd_sync(struct cli *cli, const struct args *args);
enum cli_exit cmd_verify(struct cli *cli, const struct args *args);
enum cli_exit cmd_trace(struct cli *cli, const struct args *args);
enum cli_exit cmd_top(struct cli *cli, const struct args *args);
enum cli_exit cmd_timing(struct cli *cli, const struct args *args);
enum cli_exit cmd_doctor(struct cli *cli, const struct args *args);
enum cli_exit cmd_stat(struct cli *cli, const struct args *args);
enum cli_exit cmd_limits(struct cli *cli, const struct args *args);
enum cli_exit cmd_affinity(struct cli *cli, const struct args *args);
enum cli_exit cmd_events(struct cli *cli, const struct args *args);
enum cli_exit cmd_bench_compare(struct cli *cli, const struct args *args);
enum cli_exit cmd_bench_chart(struct cli *cli, const struct args *args);
enum cli_exit cmd_bench_page(struct cli *cli, const struct args *args);
enum cli_exit cmd_run(struct cli *cli, const struct args *args);
enum cli_exit cmd_version(struct cli *cli, const struct args *args);
enum cli_exit cmd_help(struct cli *cli, const struct args *args);

#endif
