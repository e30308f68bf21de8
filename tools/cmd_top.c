// SPDX-License-Identifier: GPL-2.0-only
/* mmsb top: mmsb-top, which is a program of its own, for it has BPF programs in it and is not built where these cannot be. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "args.h"
#include "child.h"
#include "out.h"

#define TOP	"mmsb-top"

/* Beside the command; else wherever the shell would find it. */
static const char *find_top(char *path, size_t bytes)
{
	ssize_t n = readlink("/proc/self/exe", path, bytes - sizeof(TOP));
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return TOP;
	memcpy(slash + 1, TOP, sizeof(TOP));
	return access(path, X_OK) ? TOP : path;
}

static bool is_there(const char *program)
{
	return strchr(program, '/') || !system("command -v " TOP " >/dev/null 2>&1");
}

enum cli_exit cmd_top(struct cli *cli, const struct args *args)
{
	static const struct { enum opt opt; char *word; } words[] = {
		{ OPT_INTERVAL, "--interval" }, { OPT_COUNT, "-n" }, { OPT_JSON, "--json" }, { OPT_BATCH, "--batch" }, { OPT_HEAT, "--heat" },
		{ OPT_NO_BPF, "--no-bpf" },
	};
	char path[PATH_MAX + sizeof(TOP)], *argv[2 * sizeof(words) / sizeof(*words) + 3] = { TOP };
	const char *program = find_top(path, sizeof(path));
	uint64_t interval = 1000000000, count;
	size_t i, n = 1;

	if (!arg_time(cli, args, OPT_INTERVAL, &interval) || !arg_u64(cli, args, OPT_COUNT, 1, UINT64_MAX, &count))
		return CLI_USAGE;
	if (interval < 10000000)
		return fail_usage(cli, "--interval '%s' is below 10ms", args->value[OPT_INTERVAL]);
	if (!is_there(program))
		return fail(cli, "build it where clang, bpftool and libbpf-dev are: scripts/setup bpf, make install", "there is no " TOP);
	for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!arg_has(args, words[i].opt))
			continue;
		argv[n++] = words[i].word;
		if (args->value[words[i].opt])
			argv[n++] = (char *)args->value[words[i].opt];
	}
	if (args->operands)
		argv[n++] = (char *)args->operand[0];
	return child_run(cli, program, argv);
}
