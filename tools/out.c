// SPDX-License-Identifier: GPL-2.0-only
/*
 * See out.h. The library's sentences have the form "cause: remedy (NAME)", where remedy and name may be missing. Here the remedy
 * goes into brackets and the name, which is for programs, into JSON only, so that every failure of the command reads
 * the same, whoever noticed it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "json.h"
#include "out.h"

struct saying {
	int err;		/* errno, positive; 0: none */
	const char *reason;	/* the engine's name for it, or NULL */
	const char *remedy;
};

static void say(const struct cli *cli, const char *cause, struct saying saying)
{
	struct json json;

	fflush(stdout);
	if (cli->json) {
		json_begin(&json, stderr);
		json_object(&json, "error");
		json_string(&json, "cause", cause);
		json_string(&json, "remedy", saying.remedy);
		json_string(&json, "errno", saying.err ? strerrorname_np(saying.err) : NULL);
		json_string(&json, "reason", saying.reason);
		if (cli->line)
			json_u64(&json, "line", cli->line);
		json_close(&json);
		json_end(&json);
		return;
	}
	fputs("mmsb: ", stderr);
	if (cli->line)
		fprintf(stderr, "%s line %u: ", cli->script, cli->line);
	fputs(cause, stderr);
	if (saying.remedy)
		fprintf(stderr, " (%s)", saying.remedy);
	putc('\n', stderr);
}

enum cli_exit fail(const struct cli *cli, const char *remedy, const char *cause, ...)
{
	char text[512];
	va_list list;

	va_start(list, cause);
	vsnprintf(text, sizeof(text), cause, list);
	va_end(list);
	say(cli, text, (struct saying){ .remedy = remedy });
	return CLI_FAILED;
}

enum cli_exit fail_usage(const struct cli *cli, const char *cause, ...)
{
	char text[512], name[48], remedy[80];
	va_list list;

	va_start(list, cause);
	vsnprintf(text, sizeof(text), cause, list);
	va_end(list);
	command_name(cli->command, name, sizeof(name));
	snprintf(remedy, sizeof(remedy), "see 'mmsb help%s%s'", *name ? " " : "", name);
	say(cli, text, (struct saying){ .remedy = remedy });
	return CLI_USAGE;
}

/* Takes a closing " (NAME)" off the sentence. */
static const char *take_name(char *sentence)
{
	char *open = strrchr(sentence, '('), *end = sentence + strlen(sentence), *c;

	if (!open || open < sentence + 2 || open[-1] != ' ' || end[-1] != ')' || end == open + 2)
		return NULL;
	for (c = open + 1; c < end - 1; c++)
		if (!isupper((unsigned char)*c) && *c != '_')
			return NULL;
	open[-1] = '\0';
	end[-1] = '\0';
	return open + 1;
}

enum cli_exit fail_lib(const struct cli *cli, int err, const char *what, ...)
{
	struct saying saying = { .err = -err };
	char text[768], sentence[512], *remedy;
	const size_t most = sizeof(text) - sizeof(sentence) - 2;
	va_list list;

	snprintf(sentence, sizeof(sentence), "%s", mmsb_strerror_last());
	saying.reason = take_name(sentence);
	remedy = strstr(sentence, ": ");
	if (remedy) {
		*remedy = '\0';
		saying.remedy = remedy + 2;
	}
	va_start(list, what);
	vsnprintf(text, most, what, list);
	va_end(list);
	snprintf(text + strlen(text), sizeof(text) - strlen(text), ": %s", sentence);
	say(cli, text, saying);
	return CLI_FAILED;
}

FILE *out_open(const struct cli *cli, const char *path)
{
	FILE *to = path && strcmp(path, "-") ? fopen(path, "we") : stdout;

	if (!to)
		fail(cli, NULL, "cannot open '%s': %s", path, strerror(errno));
	return to;
}

bool out_close(const struct cli *cli, FILE *to, const char *path)
{
	bool bad;

	if (to == stdout)
		return true;
	bad = ferror(to);
	if (!fclose(to) && !bad)
		return true;
	fail(cli, "is the disk full?", "cannot write '%s': %s", path, strerror(errno));
	return false;
}

bool out_flushed(const struct cli *cli)
{
	if (!fflush(stdout) && !ferror(stdout))
		return true;
	fail(cli, "is the disk full, or the pipe closed?", "cannot write the output: %s", strerror(errno));
	clearerr(stdout);
	return false;
}

bool out_coloured(FILE *to)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(fileno(to)) && !(no && *no) && term && strcmp(term, "dumb");
}

void out_colour(FILE *to, enum colour colour, const char *text)
{
	static const char *const codes[] = {
		[COLOUR_NONE] = "0", [COLOUR_BOLD] = "1", [COLOUR_DIM] = "2",
		[COLOUR_RED] = "1;31", [COLOUR_GREEN] = "32", [COLOUR_YELLOW] = "33",
	};

	if (colour != COLOUR_NONE && out_coloured(to))
		fprintf(to, "\033[%sm%s\033[0m", codes[colour], text);
	else
		fputs(text, to);
}
