// SPDX-License-Identifier: GPL-2.0-only
/* See args.h. getopt_long() is not used: it cannot tell -5 from an option, and knows no vocabulary of many commands. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "args.h"
#include "out.h"
#include "value.h"

const struct opt_spec opt_specs[OPT_LAST] = {
	[OPT_HOME] = { "home", "HOME", "kernel, embedded or auto (the default, or $MMSB_HOME): the kernel's if it is there" },
	[OPT_DEVICE] = { "device", "PATH", "the device node of the kernel home, if not /dev/mmsb" },
	[OPT_JSON] = { "json", NULL, "speak JSON, one document a line" },
	[OPT_HELP] = { "help", NULL, "explain the command instead of running it" },
	[OPT_VERSION] = { "version", NULL, "the same as 'mmsb version'" },
	[OPT_SHARDS] = { "shards", "N", "shards of the space (default: one a CPU; one in the embedded home)" },
	[OPT_MAX_PAGES] = { "max-pages", "N", "most pages that the space may hold" },
	[OPT_MAX_BYTES] = { "max-bytes", "SIZE", "most bytes that its pages may have together" },
	[OPT_MAX_RINGS] = { "max-rings", "N", "most rings that may be open on it" },
	[OPT_MODE] = { "mode", "OCTAL", "who may open it, as of a file (default: 0600)" },
	[OPT_OWNER] = { "owner", "USER", "its owner, by name or number (default: you)" },
	[OPT_GROUP] = { "group", "GROUP", "its group, by name or number (default: yours)" },
	[OPT_HASH] = { "hash", NULL, "keep the state hash from the start" },
	[OPT_INLINE] = { "inline", NULL, "no pollers: who submits runs the engine" },
	[OPT_EXIST_OK] = { "exist-ok", NULL, "succeed if a space of that name exists" },
	[OPT_COUNT] = { "count", "N", "how many" },
	[OPT_OFFSET] = { "offset", "SIZE", "where in the page, in bytes (default: 0)" },
	[OPT_LENGTH] = { "length", "SIZE", "how many bytes (default: to the end of the page)" },
	[OPT_LIMIT] = { "limit", "N", "stop after that many pages" },
	[OPT_IF_EPOCH] = { "if-epoch", "E", "only if the page's epoch is E, else fail and change nothing" },
	[OPT_SINCE] = { "since", "E", "begin with the first epoch above E (default: the page's own)" },
	[OPT_TIMEOUT] = { "timeout", "TIME", "give up when no change came for that long (seconds, or with ms, s, m)" },
	[OPT_HEX] = { "hex", "DIGITS", "bytes as hex digits; spaces and colons between bytes are allowed" },
	[OPT_STRING] = { "string", "TEXT", "the bytes of the text, without a closing NUL" },
	[OPT_FILE] = { "file", "PATH", "the bytes of a file; - is the standard input" },
	[OPT_U64] = { "u64", "NUMBER", "the 8 bytes of an unsigned number" },
	[OPT_AS_HEX] = { "as-hex", NULL, "print hex digits and nothing else" },
	[OPT_RAW] = { "raw", NULL, "write the bytes as they are" },
	[OPT_LANE] = { "lane", "TYPE", "numbers of that type: u8, u16, u32, u64, i8, i16, i32, i64, f32 or f64" },
	[OPT_ON] = { "on", NULL, "switch the incremental hash on" },
	[OPT_OFF] = { "off", NULL, "switch the incremental hash off" },
	[OPT_RECOMPUTE] = { "recompute", NULL, "compute the hash afresh from all bytes" },
	[OPT_CHECK] = { "check", NULL, "compare the incremental hash with a recomputed one" },
	[OPT_SNAPSHOT] = { "snapshot", NULL, "all pages as they stood at one tick (4096 at most)" },
	[OPT_SECONDS] = { "seconds", "TIME", "how long (demo: 10, trace: until Ctrl-C)" },
	[OPT_WRITERS] = { "writers", "N", "how many writers, 1 to 16 (default: 2)" },
	[OPT_READERS] = { "readers", "N", "how many readers, 1 to 16 (default: 1, or 2 where there are 4 CPUs)" },
	[OPT_ROOT] = { "root", "DIR", "look at the system below DIR instead of at this one" },
	[OPT_KEEP_GOING] = { "keep-going", NULL, "go on after a command that failed" },
	[OPT_RULE] = { "rule", "NAME", "how it follows: copy, slice, concat, add-mul, min-add, max-add, or-and, max-min, xor-and, sum, count, "
		       "min, max, mean, hash or none" },
	[OPT_PARAM] = { "param", "N,...", "the rule's parameters; slice: offset and bytes" },
	[OPT_LAZY] = { "lazy", NULL, "recompute derived pages when they are read or refreshed, not at once" },
	[OPT_SATURATE] = { "saturate", NULL, "sums and products stop at the ends of the lane's range" },
	[OPT_DETACH] = { "detach", NULL, "what is derived from the pages becomes source pages" },
	[OPT_FORMAT] = { "format", "FORMAT", "text, dot, svg or json (default: as the file's name ends, else text)" },
	[OPT_OUTPUT] = { "output", "FILE", "write there, not to the standard output (trace: the script, instead of running it)" },
	[OPT_UP] = { "up", "N", "of the named pages, so many steps toward their parents (default: all)" },
	[OPT_DOWN] = { "down", "N", "so many steps toward their children (default: all)" },
	[OPT_KIND] = { "kind", "KIND", "only those: of pages, source or derived; of events, lifecycle or pressure" },
	[OPT_TICKS] = { "ticks", NULL, "tell when a tick has closed, too" },
	[OPT_TICK] = { "tick", "N", "as of that tick (default: the end of the log)" },
	[OPT_TIME] = { "time", "TIME", "as of that time: 'YYYY-MM-DD HH:MM:SS' here, or in UTC with a Z behind it" },
	[OPT_FROM] = { "from", "TICK", "begin with that tick" },
	[OPT_TO] = { "to", "TICK", "end with that tick" },
	[OPT_DEPTH] = { "depth", "N", "so many steps toward the parents (default: 3)" },
	[OPT_DURABILITY] = { "durability", "MODE", "what the space promises: buffered (the default) or strict" },
	[OPT_INTERVAL] = { "interval", "TIME", "how often: to flush at least (default: 100ms), or to tell rates" },
	[OPT_KEEP] = { "keep", "N", "keep so many checkpoints, and what they need (default: 2)" },
	[OPT_CHECKPOINT_EVERY] = { "checkpoint-every", "SIZE", "make a checkpoint when the log has grown by that (default: never)" },
	[OPT_SEGMENT] = { "segment", "SIZE", "begin another segment when one has that size (default: 64M)" },
	[OPT_ZSTD] = { "zstd", NULL, "compress" },
	[OPT_TAKE_OVER] = { "take-over", NULL, "fence a writer that has the log now" },
	[OPT_MAX_SPACES] = { "max-spaces", "N", "most spaces that there may be in all" },
	[OPT_MAX_USER_SPACES] = { "max-user-spaces", "N", "most spaces that one user without CAP_SYS_RESOURCE may have made" },
	[OPT_MAX_USER_PAGES] = { "max-user-pages", "N", "most pages in all spaces of one such user" },
	[OPT_MAX_USER_BYTES] = { "max-user-bytes", "SIZE", "most bytes of arena in all spaces of one such user" },
	[OPT_MAX_USER_RINGS] = { "max-user-rings", "N", "most rings in all spaces of one such user" },
	[OPT_PROMETHEUS] = { "prometheus", NULL, "in Prometheus's text format, for node_exporter's textfile collector" },
	[OPT_POLL_IDLE_US] = { "poll-idle-us", "N", "microseconds that a poller looks in vain before it sleeps" },
	[OPT_AUDIT] = { "audit", "N", "do every so many recomputes of derived pages twice and compare; 0: none" },
	[OPT_PRESSURE_MS] = { "pressure-ms", "N", "milliseconds for which entries of a queue are held up before that is told" },
	[OPT_STILL] = { "still", NULL, "let the space stand still meanwhile, so that everything can be compared" },
	[OPT_RESET] = { "reset", NULL, "forget what was timed, and go on" },
	[OPT_TIMING] = { "timing", NULL, "time its layers from the start" },
	[OPT_BATCH] = { "batch", NULL, "write a block each time, for scripts" },
	[OPT_HEAT] = { "heat", NULL, "tell which pages change, too" },
	[OPT_NO_BPF] = { "no-bpf", NULL, "counters only" },
	[OPT_CPU] = { "cpu", "CPU", "the idle time of that CPU's poller alone; without --poll-idle-us, as the module says again" },
	[OPT_SOCKET] = { "socket", "PATH", "where mmsbd listens, if not at /run/mmsbd/socket" },
};

static int opt_find(const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i < OPT_LAST; i++)
		if (strlen(opt_specs[i].name) == len && !strncmp(opt_specs[i].name, name, len))
			return (int)i;
	return -1;
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] && !isdigit((unsigned char)word[1]);
}

/* One option at argv[*at]; moves *at onto its value if that is a word of its own. */
static bool parse_option(struct cli *cli, struct args *args, int *at, int argc, char **argv)
{
	const char *word = argv[*at], *equals = strchr(word, '=');
	int opt;

	if (!strcmp(word, "-h"))
		word = "--help";
	if (!strcmp(word, "-V"))
		word = "--version";
	if (!strcmp(word, "-o"))
		word = "--output";
	if (strncmp(word, "--", 2))
		return fail_usage(cli, "unknown option '%s'", word), false;
	opt = opt_find(word + 2, equals ? (size_t)(equals - word - 2) : strlen(word + 2));
	if (opt < 0)
		return fail_usage(cli, "unknown option '%s'", word), false;
	if (arg_has(args, opt))
		return fail_usage(cli, "--%s is given twice", opt_specs[opt].name), false;
	args->given |= OPT_BIT(opt);
	cli->json |= opt == OPT_JSON;
	if (!opt_specs[opt].value) {
		if (equals)
			return fail_usage(cli, "--%s takes no value", opt_specs[opt].name), false;
		return true;
	}
	if (!equals && *at + 1 == argc)
		return fail_usage(cli, "--%s needs a value: %s", opt_specs[opt].name, opt_specs[opt].value), false;
	args->value[opt] = equals ? equals + 1 : argv[++*at];
	return true;
}

/* Takes the command's own words off the front of the operands. */
static bool find_command(struct cli *cli, struct args *args)
{
	const char *noun = args->operand[0], *verb = args->operand[1];

	if (!noun)
		return true;
	args->words = 2;
	cli->command = verb ? command_find(noun, verb) : NULL;
	if (cli->command)
		return true;
	cli->command = command_find(strcmp(noun, "-") ? noun : "run", NULL);
	args->words = 1;
	if (cli->command)
		return true;
	if (!command_is_noun(noun))
		return fail_usage(cli, "unknown command '%s'", noun), false;
	args->words = 2;
	if (!verb && arg_has(args, OPT_HELP))
		return true;
	if (verb)
		fail(cli, "see 'mmsb help'", "'%s' has no command '%s'", noun, verb);
	else
		fail(cli, "see 'mmsb help'", "'%s' needs to be told what to do", noun);
	return false;
}

/* The first of a set that is not empty. */
static const char *opt_first(opt_set options)
{
	unsigned int opt = 0;

	while (!(options & OPT_BIT(opt)))
		opt++;
	return opt_specs[opt].name;
}

static bool check_options(struct cli *cli, const struct args *args)
{
	opt_set alien = args->given & ~(OPT_GLOBAL | cli->command->options);

	if (!alien)
		return true;
	return fail_usage(cli, "--%s does not apply here", opt_first(alien)), false;
}

static bool check_operands(struct cli *cli, const struct args *args)
{
	if (args->operands < cli->command->least)
		return fail_usage(cli, "too few operands: %s is needed", cli->command->operands), false;
	if (args->operands > cli->command->most)
		return fail_usage(cli, "'%s' is one operand too many", args->operand[cli->command->most]), false;
	return true;
}

bool args_parse(struct cli *cli, struct args *args, int argc, char **argv)
{
	bool options = true;
	int at;

	*args = (struct args){ .all = calloc((size_t)argc + 3, sizeof(char *)) };
	args->operand = args->all;
	cli->command = NULL;
	if (!args->all)
		return fail(cli, NULL, "out of memory"), false;
	for (at = 0; at < argc; at++) {
		if (options && !strcmp(argv[at], "--"))
			options = false;
		else if (!options || !is_option(argv[at]))
			args->operand[args->operands++] = argv[at];
		else if (!parse_option(cli, args, &at, argc, argv))
			return false;
	}
	if (!find_command(cli, args))
		return false;
	if (args->operands < args->words)
		args->words = args->operands;
	args->operand += args->words;
	args->operands -= args->words;
	if (!cli->command || arg_has(args, OPT_HELP))
		return true;
	return check_options(cli, args) && check_operands(cli, args);
}

void args_free(struct args *args)
{
	free(args->all);
}

static bool in_range(struct cli *cli, const char *what, const char *text, uint64_t value, uint64_t least, uint64_t most)
{
	if (value >= least && value <= most)
		return true;
	if (most == UINT64_MAX)
		return fail_usage(cli, "%s '%s' is below %" PRIu64, what, text, least), false;
	return fail_usage(cli, "%s '%s' is not within %" PRIu64 " to %" PRIu64, what, text, least, most), false;
}

static const char *dashed(enum opt opt, char *to, size_t bytes)
{
	snprintf(to, bytes, "--%s", opt_specs[opt].name);
	return to;
}

bool operand_u64(struct cli *cli, const char *what, const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
	if (!value_u64(text, value))
		return fail_usage(cli, "%s '%s' is no number that fits 64 bits", what, text), false;
	return in_range(cli, what, text, *value, least, most);
}

bool arg_u64(struct cli *cli, const struct args *args, enum opt opt, uint64_t least, uint64_t most, uint64_t *value)
{
	const char *text = args->value[opt];
	char name[24];

	if (!text)
		return true;
	return operand_u64(cli, dashed(opt, name, sizeof(name)), text, least, most, value);
}

bool operand_size(struct cli *cli, const char *what, const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
	if (!value_size(text, value))
		return fail_usage(cli, "%s '%s' is no size, such as 64, 4K or 1M", what, text), false;
	return in_range(cli, what, text, *value, least, most);
}

bool arg_size(struct cli *cli, const struct args *args, enum opt opt, uint64_t least, uint64_t most, uint64_t *value)
{
	char name[24];

	if (!args->value[opt])
		return true;
	return operand_size(cli, dashed(opt, name, sizeof(name)), args->value[opt], least, most, value);
}

bool arg_time(struct cli *cli, const struct args *args, enum opt opt, uint64_t *ns)
{
	const char *text = args->value[opt];

	if (!text || value_time(text, ns))
		return true;
	return fail_usage(cli, "--%s '%s' is no time, such as 10, 1.5 or 200ms", opt_specs[opt].name, text), false;
}

bool arg_lane(struct cli *cli, const struct args *args, enum opt opt, uint8_t *lane)
{
	const char *text = args->value[opt];

	if (!text || !mmsb_lane_number(text, lane))
		return true;
	return fail_usage(cli, "--%s '%s' is no lane type: u8 to u64, i8 to i64, f32, f64", opt_specs[opt].name, text), false;
}

bool arg_only_one(struct cli *cli, const struct args *args, opt_set options)
{
	opt_set given = args->given & options;
	opt_set others = given & (given - 1);

	if (!others)
		return true;
	return fail_usage(cli, "--%s and --%s exclude each other", opt_first(given), opt_first(others)), false;
}

/* Behind "last": nothing, or -N for the one made N pages before. */
static bool operand_last(struct cli *cli, const char *text, uint64_t *page)
{
	uint64_t back = 0;

	if (*text && (*text != '-' || !value_u64(text + 1, &back)))
		return fail_usage(cli, "'last%s' is neither 'last' nor 'last-N'", text), false;
	if (back >= CLI_MADE || back >= cli->made)
		return fail_usage(cli, "'last' is the page made last in a script, and fewer were made (%u are remembered)", CLI_MADE), false;
	*page = cli->last[(cli->made - 1 - back) % CLI_MADE];
	return true;
}

bool operand_id(struct cli *cli, const char *text, uint64_t *page)
{
	if (!strncmp(text, "last", 4))
		return operand_last(cli, text + 4, page);
	if (value_id(text, page))
		return true;
	return fail_usage(cli, "'%s' is no page id, such as 7.1 (index.generation, as 'mmsb page list' prints it)",
			  text), false;
}
