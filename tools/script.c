// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <mmsb/trace.h>
#include "out.h"
#include "script.h"

/* --------------------------------------------------------------------------------------------------------- where they are */

static bool has_scripts(char *dir, const char *from, const char *way)
{
	char full[PATH_MAX];

	if (snprintf(full, sizeof(full), "%s/%s", from, way) >= (int)sizeof(full) || !realpath(full, dir))
		return false;
	return !access(dir, R_OK | X_OK);
}

/* Beside the command, as it was installed or as it was built in the tree, if nothing else is said. */
const char *scripts_dir(struct cli *cli)
{
	static char dir[PATH_MAX];
	const char *told = getenv("MMSB_SCRIPTS");
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (told && *told)
		return told;
	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	if (slash && (has_scripts(dir, self, "../share/mmsb/bpftrace") || has_scripts(dir, self, "../../tools/bpftrace")))
		return dir;
	fail(cli, "make install puts them there", "the scripts are not at %s/../share/mmsb/bpftrace", self);
	return NULL;
}

/* " * NAME: what it answers" is the third line. */
static bool script_describe(const char *dir, const char *file, struct script *script)
{
	char path[PATH_MAX], line[256];
	size_t len = strlen(file);
	bool found = false;
	FILE *from;

	if (len <= 3 || len - 3 >= sizeof(script->name) || strcmp(file + len - 3, ".bt"))
		return false;
	snprintf(script->name, sizeof(script->name), "%.*s", (int)(len - 3), file);
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	from = fopen(path, "re");
	while (from && !found && fgets(line, sizeof(line), from)) {
		line[strcspn(line, "\n")] = '\0';
		found = !strncmp(line, " * ", 3) && !strncmp(line + 3, script->name, len - 3) && !strncmp(line + len, ": ", 2);
		if (found)
			snprintf(script->what, sizeof(script->what), "%s", line + len + 2);
	}
	if (from)
		fclose(from);
	return found;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct script *)a)->name, ((const struct script *)b)->name);
}

bool scripts_list(struct cli *cli, struct script *scripts, unsigned int *n)
{
	const char *path = scripts_dir(cli);
	DIR *dir = path ? opendir(path) : NULL;
	struct dirent *entry;

	*n = 0;
	if (!dir)
		return false;
	while (*n < SCRIPTS_MAX && (entry = readdir(dir)))
		*n += script_describe(path, entry->d_name, &scripts[*n]);
	closedir(dir);
	qsort(scripts, *n, sizeof(*scripts), by_name);
	return true;
}

static char *read_all(FILE *from)
{
	size_t room = 4096, used = 0, n = 0;
	char *text = NULL, *more;

	do {
		used += n;
		if (!text || used + 1 == room) {
			more = realloc(text, room *= 2);
			if (!more) {
				free(text);
				return NULL;
			}
			text = more;
		}
		n = fread(text + used, 1, room - used - 1, from);
	} while (n);
	text[used] = '\0';
	return text;
}

char *script_read(struct cli *cli, const char *name)
{
	const char *dir = scripts_dir(cli);
	char path[PATH_MAX], *text;
	FILE *from;

	if (!dir)
		return NULL;
	snprintf(path, sizeof(path), "%s/%s.bt", dir, name);
	from = strchr(name, '/') ? NULL : fopen(path, "re");
	if (!from) {
		fail(cli, "'mmsb trace' lists them", "there is no script '%s' in %s", name, dir);
		return NULL;
	}
	text = read_all(from);
	fclose(from);
	if (!text)
		fail(cli, NULL, "cannot read %s: %s", path, strerror(errno));
	return text;
}

/* ------------------------------------------------------------------------------------------------------ for USDT probes */

struct step {
	const char *name;
	unsigned int fields;
	const char *field[6];
};

#define TEXT(name) #name
#define STEP(name, n, ...) { #name, n, { MMSB_LIST(n, TEXT, __VA_ARGS__) } },
static const struct step steps[] = { MMSB_STEPS(STEP) };

static size_t word_length(const char *text)
{
	size_t n = 0;

	while (isalnum((unsigned char)text[n]) || text[n] == '_')
		n++;
	return n;
}

static bool is_word(const char *word, const char *text, size_t n)
{
	return strlen(word) == n && !memcmp(word, text, n);
}

static const struct step *step_find(const char *text, size_t n)
{
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (is_word(steps[i].name, text, n))
			return &steps[i];
	return NULL;
}

static int field_find(const struct step *step, const char *text, size_t n)
{
	unsigned int i;

	for (i = 0; step && i < step->fields; i++)
		if (is_word(step->field[i], text, n))
			return (int)i;
	return -1;
}

#define PROBE	"tracepoint:mmsb:mmsb_"
#define FIELD	"args->"

/* Fields are those of the probe that was named last. */
static bool translate(struct cli *cli, const char *text, const char *program, FILE *to)
{
	const struct step *step = NULL;
	size_t n;
	int at;

	while (*text) {
		if (!strncmp(text, PROBE, strlen(PROBE))) {
			text += strlen(PROBE);
			n = word_length(text);
			step = step_find(text, n);
			if (!step)
				return fail(cli, NULL, "the script names a step '%.*s', and there is none", (int)n, text), false;
			fprintf(to, "usdt:%s:mmsb:mmsb_%s", program, step->name);
		} else if (!strncmp(text, FIELD, strlen(FIELD))) {
			text += strlen(FIELD);
			n = word_length(text);
			at = field_find(step, text, n);
			if (at < 0)
				return fail(cli, NULL, "the script names a field '%.*s', which its step does not have", (int)n, text), false;
			fprintf(to, "arg%d", at);
		} else {
			putc(*text, to);
			n = 1;
		}
		text += n;
	}
	return true;
}

char *script_for_program(struct cli *cli, const char *text, const char *program)
{
	char *made = NULL;
	size_t bytes = 0;
	FILE *to = open_memstream(&made, &bytes);
	bool done;

	if (!to)
		return fail(cli, NULL, "no memory for the script"), NULL;
	done = translate(cli, text, program, to);
	if (fclose(to) || !done) {
		free(made);
		return NULL;
	}
	return made;
}
