// SPDX-License-Identifier: GPL-2.0-only
/*
 * See out.h. The library's sentences have the form "cause: remedy (NAME)", where remedy and name may be missing. Here the remedy
 * goes into brackets and the name, which is for programs, into JSON only, so that every failure of the command reads
 * the same, whoever noticed it.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "json.h"
#include "out.h"
#include "value.h"

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

struct text text_id(uint64_t page)
{
	struct text text;

	snprintf(text.s, sizeof(text.s), "%" PRIu32 ".%" PRIu32, MMSB_PAGE_INDEX(page), MMSB_PAGE_GENERATION(page));
	return text;
}

struct text text_grouped(uint64_t value)
{
	char digits[24];
	struct text text;
	unsigned int i, n, at = 0;

	n = (unsigned int)snprintf(digits, sizeof(digits), "%" PRIu64, value);
	for (i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			text.s[at++] = ',';
		text.s[at++] = digits[i];
	}
	text.s[at] = '\0';
	return text;
}

static struct text scaled(double value, double step, const char *const *units, unsigned int n)
{
	struct text text;
	unsigned int unit;

	for (unit = 0; unit + 1 < n && value >= step * 0.9995; unit++)
		value /= step;
	snprintf(text.s, sizeof(text.s), value < 100 && (unit || value != (uint64_t)value) ? "%.1f%s" : "%.0f%s",
		 value, units[unit]);
	return text;
}

struct text text_bytes(uint64_t bytes)
{
	static const char *const units[] = { " B", " KiB", " MiB", " GiB", " TiB", " PiB" };

	return scaled((double)bytes, 1024, units, 6);
}

struct text text_rate(double per_second)
{
	static const char *const units[] = { "", " k", " M", " G" };

	return scaled((double)(uint64_t)per_second, 1000, units, 4);
}

struct text text_ns(uint64_t ns)
{
	static const char *const units[] = { " ns", " us", " ms", " s" };

	return scaled((double)ns, 1000, units, 4);
}

/* As few digits as come back as the same number. */
static struct text text_double(double value)
{
	struct text text;
	int digits;

	for (digits = 6; digits < 18; digits++) {
		snprintf(text.s, sizeof(text.s), "%.*g", digits, value);
		if (strtod(text.s, NULL) == value)
			break;
	}
	return text;
}

struct text text_lane(uint8_t lane, uint64_t bits)
{
	unsigned int unused = lane_float(lane) ? 0 : 64 - 8 * lane_bytes(lane);
	struct text text;

	if (lane_float(lane))
		return text_double(lane_double(bits));
	if (lane < MMSB_LANE_I8)
		snprintf(text.s, sizeof(text.s), "%" PRIu64, bits);
	else
		snprintf(text.s, sizeof(text.s), "%" PRId64, (int64_t)(bits << unused) >> unused);
	return text;
}

struct text text_hash(const uint64_t hash[2])
{
	struct text text;

	snprintf(text.s, sizeof(text.s), "%016" PRIx64 "%016" PRIx64, hash[1], hash[0]);
	return text;
}

struct text text_date(uint64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct text text;
	struct tm tm;
	size_t used;

	if (!localtime_r(&seconds, &tm)) {
		snprintf(text.s, sizeof(text.s), "?");
		return text;
	}
	used = strftime(text.s, sizeof(text.s), "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(text.s + used, sizeof(text.s) - used, ".%06u", (unsigned int)(ns % 1000000000 / 1000));
	return text;
}
