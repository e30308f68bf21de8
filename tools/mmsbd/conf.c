// SPDX-License-Identifier: GPL-2.0-only
/*
 * See conf.h. The whole file is read even if something is wrong with it, so that all faults are told at once.
 */
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../value.h"
#include "conf.h"
#include "say.h"

#define LOG_DIR	"/var/lib/mmsb"

struct reading {
	struct conf *conf;
	const char *path;
	unsigned int line;
	struct conf_space *space;	/* the section in hand; NULL: none yet, or one that is wrong */
	struct conf_space **end;
	bool wrong;
};

static void fault(struct reading *reading, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fault(struct reading *reading, const char *format, ...)
{
	char text[512];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	say(LOG_ERR, "%s:%u: %s", reading->path, reading->line, text);
	reading->wrong = true;
}

/* ------------------------------------------------------------------------------------------------------------ values */

enum kind { NUMBER32, NUMBER64, SIZE, SECONDS, SPACE_FLAG, LOG_FLAG, NO_URING, PATH, MODE, USER, GROUP, DURABILITY };

struct key {
	const char *name;
	enum kind kind;
	size_t at;		/* in struct conf_space */
	uint64_t least, most;	/* of numbers; flags: most is the bit */
};

#define AT(field)	offsetof(struct conf_space, field)

static const struct key keys[] = {
	{ "dir", PATH, AT(dir), 0, 0 },
	{ "durability", DURABILITY, AT(log.mode), 0, 0 },
	{ "interval_ms", NUMBER32, AT(log.interval_ms), 1, 3600000 },
	{ "bytes", SIZE, AT(log.flush_bytes), 1, 1ULL << 40 },
	{ "ticks", NUMBER64, AT(log.flush_ticks), 1, UINT64_MAX },
	{ "limit", SIZE, AT(log.limit), 65536, 1ULL << 40 },
	{ "segment_bytes", SIZE, AT(log.segment_bytes), 4096, 1ULL << 40 },
	{ "checkpoint_every", SIZE, AT(log.checkpoint_bytes), 4096, 1ULL << 50 },
	{ "checkpoint_interval", SECONDS, AT(checkpoint_ns), 1, 366 * 86400 },
	{ "keep", NUMBER32, AT(log.keep_checkpoints), 1, 1000 },
	{ "keep_all", LOG_FLAG, 0, 0, MMSB_LOG_OPT_KEEP_ALL },
	{ "zstd", LOG_FLAG, 0, 0, MMSB_LOG_OPT_ZSTD },
	{ "uring", NO_URING, 0, 0, MMSB_LOG_OPT_NO_URING },
	{ "shards", NUMBER32, AT(space.shards), 1, MMSB_SHARDS_MAX },
	{ "max_pages", NUMBER64, AT(space.max_pages), 1, UINT32_MAX },
	{ "max_bytes", SIZE, AT(space.max_bytes), MMSB_PAGE_MIN, 1ULL << 40 },
	{ "max_rings", NUMBER32, AT(space.max_rings), 1, UINT32_MAX },
	{ "hash", SPACE_FLAG, 0, 0, MMSB_SPACE_HASH },
	{ "inline", SPACE_FLAG, 0, 0, MMSB_SPACE_INLINE },
	{ "lazy", SPACE_FLAG, 0, 0, MMSB_SPACE_LAZY },
	{ "mode", MODE, AT(space.mode), 0, 0 },
	{ "owner", USER, AT(space.uid), 0, 0 },
	{ "group", GROUP, AT(space.gid), 0, 0 },
};

static bool read_bool(const char *text, bool *value)
{
	static const char *const words[] = { "no", "yes", "off", "on", "false", "true", "0", "1" };
	unsigned int i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(text, words[i]))
			continue;
		*value = i & 1;
		return true;
	}
	return false;
}

static void set_flag(struct reading *reading, const struct key *key, const char *text)
{
	struct conf_space *space = reading->space;
	uint32_t *flags = key->kind == SPACE_FLAG ? &space->space.flags : &space->log.flags;
	bool on;

	if (!read_bool(text, &on))
		fault(reading, "%s = %s: say yes or no", key->name, text);
	else if (on != (key->kind == NO_URING))
		*flags |= (uint32_t)key->most;
	else
		*flags &= ~(uint32_t)key->most;
}

static void set_number(struct reading *reading, const struct key *key, const char *text)
{
	void *to = (char *)reading->space + key->at;
	uint64_t value;

	if (!(key->kind == SIZE ? value_size(text, &value) : value_u64(text, &value))) {
		fault(reading, "%s = %s: that is no %s", key->name, text, key->kind == SIZE ? "size, such as 4K or 1G" : "number");
		return;
	}
	if (value < key->least || value > key->most) {
		fault(reading, "%s = %s: it is not within %llu to %llu", key->name, text, (unsigned long long)key->least,
		      (unsigned long long)key->most);
		return;
	}
	if (key->kind == NUMBER32)
		*(uint32_t *)to = (uint32_t)value;
	else
		*(uint64_t *)to = key->kind == SECONDS ? value * 1000000000ULL : value;
}

static void set_owner(struct reading *reading, const struct key *key, const char *text)
{
	struct passwd *user = key->kind == USER ? getpwnam(text) : NULL;
	struct group *group = key->kind == GROUP ? getgrnam(text) : NULL;
	uint64_t number = user ? user->pw_uid : group ? group->gr_gid : 0;

	if (!user && !group && (!value_u64(text, &number) || number >= UINT32_MAX)) {
		fault(reading, "%s = %s: there is no such %s", key->name, text, key->kind == USER ? "user" : "group");
		return;
	}
	*(uint32_t *)((char *)reading->space + key->at) = (uint32_t)number;
	reading->space->space.own_set = true;
}

static void set_path(struct reading *reading, const char *text)
{
	if (*text != '/') {
		fault(reading, "dir = %s: say the whole path, from / on", text);
		return;
	}
	free(reading->space->dir);
	reading->space->dir = strdup(text);
}

static void set_durability(struct reading *reading, const char *text)
{
	if (!strcmp(text, "strict"))
		reading->space->log.mode = MMSB_STRICT;
	else if (!strcmp(text, "buffered"))
		reading->space->log.mode = MMSB_BUFFERED;
	else
		fault(reading, "durability = %s: say buffered or strict; a space that is in memory only needs no entry here", text);
}

static void set(struct reading *reading, const struct key *key, const char *text)
{
	switch (key->kind) {
	case SPACE_FLAG:
	case LOG_FLAG:
	case NO_URING:
		set_flag(reading, key, text);
		break;
	case PATH:
		set_path(reading, text);
		break;
	case DURABILITY:
		set_durability(reading, text);
		break;
	case USER:
	case GROUP:
		set_owner(reading, key, text);
		break;
	case MODE:
		if (!value_mode(text, &reading->space->space.mode))
			fault(reading, "mode = %s: that is no mode, such as 0660", text);
		break;
	default:
		set_number(reading, key, text);
	}
}

/* ------------------------------------------------------------------------------------------------------------- lines */

static char *trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}

static bool name_is_taken(const struct conf *conf, const char *name)
{
	const struct conf_space *space = conf->spaces;

	while (space && strcmp(space->name, name))
		space = space->next;
	return space;
}

static void begin_space(struct reading *reading, const char *name)
{
	struct conf_space *space;

	reading->space = NULL;
	if (!*name || strlen(name) >= MMSB_NAME_MAX || strpbrk(name, "\t")) {
		fault(reading, "[space %s]: that is no name of a space", name);
		return;
	}
	if (name_is_taken(reading->conf, name)) {
		fault(reading, "[space %s]: there is one already", name);
		return;
	}
	space = calloc(1, sizeof(*space));
	if (!space || asprintf(&space->dir, LOG_DIR "/%s", name) < 0 || !(space->text = strdup(""))) {
		fault(reading, "out of memory");
		return;
	}
	snprintf(space->name, sizeof(space->name), "%s", name);
	space->line = reading->line;
	space->space.size = sizeof(space->space);
	space->space.uid = UINT32_MAX;
	space->space.gid = UINT32_MAX;
	space->log.size = sizeof(space->log);
	*reading->end = space;
	reading->end = &space->next;
	reading->space = space;
	reading->conf->n++;
}

static void begin_section(struct reading *reading, char *line)
{
	size_t len = strlen(line);

	reading->space = NULL;
	if (line[len - 1] != ']') {
		fault(reading, "'%s': the ] is missing", line);
		return;
	}
	line[len - 1] = '\0';
	line = trim(line + 1);
	if (strncmp(line, "space", 5) || !isspace((unsigned char)line[5]))
		fault(reading, "[%s]: sections are called [space NAME]", line);
	else
		begin_space(reading, trim(line + 5));
}

static bool remember(struct conf_space *space, const char *name, const char *value)
{
	char *text;

	if (asprintf(&text, "%s%s=%s\n", space->text, name, value) < 0)
		return false;
	free(space->text);
	space->text = text;
	return true;
}

static void take_key(struct reading *reading, char *line)
{
	char *equals = strchr(line, '='), *name, *value;
	unsigned int i;

	if (!equals) {
		fault(reading, "'%s' is neither [space NAME] nor KEY = VALUE", line);
		return;
	}
	*equals = '\0';
	name = trim(line);
	value = trim(equals + 1);
	/* What stands in a section that is wrong is passed over. */
	if (!reading->space) {
		if (!reading->wrong)
			fault(reading, "'%s' stands in no section: begin one with [space NAME]", name);
		return;
	}
	for (i = 0; i < sizeof(keys) / sizeof(*keys) && strcmp(keys[i].name, name); i++)
		;
	if (i == sizeof(keys) / sizeof(*keys))
		fault(reading, "'%s' is unknown: see mmsbd.conf(5)", name);
	else if (!remember(reading->space, name, value))
		fault(reading, "out of memory");
	else
		set(reading, &keys[i], value);
}

static void take_line(struct reading *reading, char *line)
{
	line = trim(line);
	if (!*line || *line == '#' || *line == ';')
		return;
	if (*line == '[')
		begin_section(reading, line);
	else
		take_key(reading, line);
}

/* Two writers in one directory get into each other's way. */
static void check_dirs(struct reading *reading)
{
	const struct conf_space *a, *b;

	for (a = reading->conf->spaces; a; a = a->next) {
		for (b = a->next; b; b = b->next) {
			reading->line = b->line;
			if (!strcmp(a->dir, b->dir))
				fault(reading, "[space %s]: its dir %s is that of space '%s'", b->name, b->dir, a->name);
		}
	}
}

bool conf_read(struct conf *conf, const char *path)
{
	struct reading reading = { .conf = conf, .path = path, .end = &conf->spaces };
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	*conf = (struct conf){ 0 };
	if (!file) {
		say(LOG_ERR, "cannot read %s: %s", path, strerror(errno));
		return false;
	}
	while (getline(&line, &room, file) >= 0) {
		reading.line++;
		take_line(&reading, line);
	}
	if (ferror(file))
		fault(&reading, "cannot read on: %s", strerror(errno));
	check_dirs(&reading);
	free(line);
	fclose(file);
	return !reading.wrong;
}

void conf_space_free(struct conf_space *space)
{
	if (!space)
		return;
	free(space->dir);
	free(space->text);
	free(space);
}

void conf_free(struct conf *conf)
{
	struct conf_space *space;

	while ((space = conf->spaces)) {
		conf->spaces = space->next;
		conf_space_free(space);
	}
	conf->n = 0;
}
