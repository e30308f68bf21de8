// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb trace: runs a shipped bpftrace script, against the tracepoints of the kernel home or the probes of a program that has the embedded
 * home in it. What commonly keeps bpftrace from working is looked for first, for its own words name no remedy.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "args.h"
#include "child.h"
#include "json.h"
#include "out.h"
#include "script.h"

/* ---------------------------------------------------------------------------------------------------------------- list */

static enum cli_exit list(struct cli *cli)
{
	struct script scripts[SCRIPTS_MAX];
	struct json json;
	unsigned int n, i;

	if (!scripts_list(cli, scripts, &n))
		return CLI_FAILED;
	if (!cli->json) {
		for (i = 0; i < n; i++)
			printf("%-10s %s\n", scripts[i].name, scripts[i].what);
		return CLI_OK;
	}
	json_begin(&json, stdout);
	json_array(&json, "scripts");
	for (i = 0; i < n; i++) {
		json_object(&json, NULL);
		json_string(&json, "name", scripts[i].name);
		json_string(&json, "what", scripts[i].what);
		json_close(&json);
	}
	json_close(&json);
	json_end(&json);
	return CLI_OK;
}

/* --------------------------------------------------------------------------------------------------------- what is traced */

/* A space of either home, by its number; 0: all. */
static bool is_space_number(const char *text, uint64_t *id)
{
	char *end;

	*id = strtoull(text, &end, 10);
	return (*text && !*end) || !strcmp(text, "all");
}

/* One of the kernel home, by its name. */
static bool find_space(struct cli *cli, const char *name, uint64_t *id)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	uint64_t cursor = 0;

	if (!cli_open(cli))
		return false;
	if (strcmp(mmsb_home(cli->mmsb), "kernel"))
		return fail(cli, "modprobe mmsb; or name a program behind the space", "there is no kernel home here, and so no space '%s'", name), false;
	while (!mmsb_space_next(cli->mmsb, &cursor, &info)) {
		*id = info.id;
		if (!strcmp(info.name, name))
			return true;
	}
	return fail(cli, "'mmsb space list' shows those that are there", "there is no space '%s'", name), false;
}

static bool file_holds(const char *path, const char *bytes, size_t n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *at = MAP_FAILED;
	bool found;

	if (fd >= 0 && !fstat(fd, &st) && st.st_size > 0)
		at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (at == MAP_FAILED)
		return false;
	found = memmem(at, (size_t)st.st_size, bytes, n);
	munmap(at, (size_t)st.st_size);
	return found;
}

/* The note of a probe names provider and probe. It is put together here, so that this program does not hold one that it has no probe for. */
static bool program_has_probes(struct cli *cli, const char *program)
{
	char note[32];
	size_t bytes = (size_t)snprintf(note, sizeof(note), "%s%c%s", "mmsb", '\0', "mmsb_submit") + 1;

	if (access(program, R_OK))
		return fail(cli, NULL, "cannot read %s: %s", program, strerror(errno)), false;
	if (file_holds(program, note, bytes))
		return true;
	return fail(cli, "if it is linked with libmmsb-user.so, name that file; if the library was compiled without sys/sdt.h, apt install "
		    "systemtap-sdt-dev and compile it again", "%s has no probes of mmsb's", program), false;
}

#define TRACEFS	"/sys/kernel/tracing"

static bool kernel_has_tracepoints(struct cli *cli)
{
	if (!access(TRACEFS "/events/mmsb", F_OK))
		return true;
	if (access(TRACEFS "/events", F_OK))
		return fail(cli, "mount -t tracefs tracefs " TRACEFS ", as root", "there is no tracefs at " TRACEFS), false;
	return fail(cli, "modprobe mmsb; or name a program that has the embedded home in it: mmsb trace SCRIPT SPACE PROGRAM",
		    "the kernel has no tracepoints of mmsb's: the module is not loaded"), false;
}

/* ----------------------------------------------------------------------------------------------------------------- run */

static bool may_run(struct cli *cli)
{
	if (geteuid())
		return fail(cli, "sudo mmsb trace ...", "only root may trace"), false;
	if (system("command -v bpftrace >/dev/null 2>&1"))
		return fail(cli, "apt install bpftrace; what it would run is had by --output FILE", "there is no bpftrace"), false;
	return true;
}

/* Upon Ctrl-C it prints what it has. */
static enum cli_exit run(struct cli *cli, const char *text, uint64_t space)
{
	char number[24], *plain[] = { "bpftrace", "-e", (char *)text, number, NULL };
	char *json[] = { "bpftrace", "-f", "json", "-e", (char *)text, number, NULL };

	snprintf(number, sizeof(number), "%" PRIu64, space);
	return child_run(cli, "bpftrace", cli->json ? json : plain);
}

static enum cli_exit write_out(struct cli *cli, const char *text, const char *path)
{
	FILE *to = out_open(cli, path);

	if (!to)
		return CLI_FAILED;
	fputs(text, to);
	return out_close(cli, to, path) ? CLI_OK : CLI_FAILED;
}

/* The script, for where it is to run, and with its end (ns 0: none). To be freed. */
static char *prepare(struct cli *cli, const char *name, const char *program, uint64_t ns)
{
	char *text = script_read(cli, name), *made;

	if (text && program) {
		made = script_for_program(cli, text, program);
		free(text);
		text = made;
	}
	if (!text || !ns)
		return text;
	if (asprintf(&made, "%s\ninterval:ms:%" PRIu64 "\n{\n\texit();\n}\n", text, (ns + 999999) / 1000000) < 0)
		made = NULL;
	free(text);
	return made;
}

enum cli_exit cmd_trace(struct cli *cli, const struct args *args)
{
	const char *program = args->operands > 2 ? args->operand[2] : NULL;
	enum cli_exit status = CLI_FAILED;
	uint64_t space = 0, ns = 0;
	char full[PATH_MAX], *text;
	bool numbered;

	if (!args->operands)
		return list(cli);
	if (!program && !strcmp(cli_home(cli), "embedded"))
		return fail_usage(cli, "the embedded home is in a program: name it behind the space");
	if (!arg_time(cli, args, OPT_SECONDS, &ns))
		return CLI_USAGE;
	numbered = args->operands < 2 || is_space_number(args->operand[1], &space);
	if (program && !numbered)
		return fail_usage(cli, "'%s' is no number: in the embedded home spaces are counted from 1 on; or say 'all'", args->operand[1]);
	if (!numbered && !find_space(cli, args->operand[1], &space))
		return CLI_FAILED;
	if (program && (!program_has_probes(cli, program) || !realpath(program, full)))
		return CLI_FAILED;
	text = prepare(cli, args->operand[0], program ? full : NULL, ns);
	if (text && arg_has(args, OPT_OUTPUT))
		status = write_out(cli, text, args->value[OPT_OUTPUT]);
	else if (text && may_run(cli) && (program || kernel_has_tracepoints(cli)))
		status = run(cli, text, space);
	free(text);
	return status;
}
