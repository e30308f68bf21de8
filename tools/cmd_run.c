// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb run: many commands in one process, one a line.
 *
 * This is how an embedded home is used from a script: its spaces live as long as the run. Words are parted by blanks; quotes and a
 * backslash work as in a shell, '#' at the beginning of a word begins a comment. Nothing is expanded but one name: 'last' as a page id
 * is the page made last, 'last-1' the one before.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "args.h"
#include "out.h"

#define WORDS_MAX	256

/* Takes the next word off the line, in place. Returns NULL at the end; *broken if a quote is not closed. */
static char *next_word(char **line, bool *broken)
{
	char *from = *line, *to, *word, quote = 0;

	while (isspace((unsigned char)*from))
		from++;
	if (!*from || *from == '#') {
		*line = from + strlen(from);
		return NULL;
	}
	for (word = to = from; *from && (quote || !isspace((unsigned char)*from)); from++) {
		if (*from == quote)
			quote = 0;
		else if (!quote && (*from == '\'' || *from == '"'))
			quote = *from;
		else if (*from == '\\' && quote != '\'' && from[1])
			*to++ = *++from;
		else
			*to++ = *from;
	}
	*broken = quote;
	*line = *from ? from + 1 : from;
	*to = '\0';
	return word;
}

static enum cli_exit run_line(struct cli *cli, char *line)
{
	char *words[WORDS_MAX + 1];
	bool broken = false;
	int n = 0;

	while (n < WORDS_MAX && (words[n] = next_word(&line, &broken)))
		n++;
	cli->command = NULL;
	if (broken)
		return fail_usage(cli, "a quote is not closed");
	if (n == WORDS_MAX)
		return fail_usage(cli, "a line has at most %d words", WORDS_MAX - 1);
	if (!n)
		return CLI_OK;
	if (!strcmp(words[0], "run") || !strcmp(words[0], "-"))
		return fail_usage(cli, "a script cannot run scripts");
	return cli_run_words(cli, n, words);
}

static enum cli_exit run_lines(struct cli *cli, FILE *from, bool asking, bool keep_going)
{
	enum cli_exit status = CLI_OK, one;
	char *line = NULL;
	size_t room = 0;

	while (!cli_stopped) {
		if (asking) {
			fputs("mmsb> ", stdout);
			fflush(stdout);
		}
		if (getline(&line, &room, from) < 0)
			break;
		cli->line++;
		one = run_line(cli, line);
		if (asking)
			continue;
		if (status == CLI_OK)
			status = one;
		if (one != CLI_OK && !keep_going)
			break;
	}
	if (ferror(from))
		status = fail(cli, NULL, "cannot read '%s': %s", cli->script, strerror(errno));
	if (asking)
		putchar('\n');
	free(line);
	return status;
}

enum cli_exit cmd_run(struct cli *cli, const struct args *args)
{
	const char *path = args->operands ? args->operand[0] : "-";
	bool standard = !strcmp(path, "-");
	enum cli_exit status;
	FILE *from;

	from = standard ? stdin : fopen(path, "re");
	if (!from)
		return fail(cli, NULL, "cannot open '%s': %s", path, strerror(errno));
	if (!cli_open(cli)) {
		status = CLI_FAILED;
		goto out;
	}
	if (standard && isatty(STDIN_FILENO))
		printf("The %s home. Commands as for mmsb, without 'mmsb'; 'help' lists them, Ctrl-D ends.\n",
		       mmsb_home(cli->mmsb));
	cli->script = standard ? "standard input" : path;
	status = run_lines(cli, from, standard && isatty(STDIN_FILENO), arg_has(args, OPT_KEEP_GOING));
	cli->line = 0;
out:
	if (!standard)
		fclose(from);
	return status;
}
