// SPDX-License-Identifier: GPL-2.0-only
/* See tracing.h: are the steps that are traced here those that the BPF programs know? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/btf.h>
#include <mmsb/trace.h>
#include "tracing.h"

#define EVENTS		"/sys/kernel/tracing/events/mmsb"
#define FIELDS_MAX	12

struct step {
	const char *name;
	unsigned int n;
	const char *fields[6];
};

#define NAME_(field)		#field,
#define STEP_(step, n, ...)	{ #step, n, { MMSB_EACH(n, NAME_, __VA_ARGS__) } },
static const struct step steps[] = { MMSB_STEPS(STEP_) };

struct found {
	unsigned int n;
	char fields[FIELDS_MAX][32];
};

static void found_add(struct found *found, const char *name, size_t len)
{
	if (found->n < FIELDS_MAX && len < sizeof(found->fields[0]))
		snprintf(found->fields[found->n++], sizeof(found->fields[0]), "%.*s", (int)len, name);
}

/* Lines such as "field:u64 space;	offset:8;	size:8;	signed:0;", behind those of every tracepoint. */
static bool read_format(const char *step, struct found *found)
{
	char path[96], line[256], *name, *end;
	FILE *file;

	snprintf(path, sizeof(path), EVENTS "/mmsb_%s/format", step);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		name = strstr(line, "field:u64 ");
		end = name ? strchr(name, ';') : NULL;
		if (end)
			found_add(found, name + 10, (size_t)(end - name - 10));
	}
	fclose(file);
	return true;
}

/* The record of a step has the tracepoint's head before its fields, and an empty array behind them. */
static bool read_btf(const struct btf *btf, const char *step, struct found *found)
{
	const struct btf_type *type;
	const char *name;
	char record[64];
	int id;
	unsigned int i;

	snprintf(record, sizeof(record), "trace_event_raw_mmsb_%s", step);
	id = btf__find_by_name_kind(btf, record, BTF_KIND_STRUCT);
	if (id < 0)
		return false;
	type = btf__type_by_id(btf, (unsigned int)id);
	for (i = 1; i + 1 < btf_vlen(type); i++) {
		name = btf__name_by_offset(btf, btf_members(type)[i].name_off);
		found_add(found, name, strlen(name));
	}
	return true;
}

static struct btf *module_btf(struct btf **vmlinux)
{
	struct btf *module;

	*vmlinux = btf__load_vmlinux_btf();
	module = *vmlinux ? btf__load_module_btf("mmsb", *vmlinux) : NULL;
	if (module)
		return module;
	btf__free(*vmlinux);
	*vmlinux = NULL;
	return NULL;
}

static bool step_is_ours(const struct step *step, const struct found *found, struct why *why)
{
	unsigned int i;

	for (i = 0; i < step->n; i++) {
		if (i < found->n && !strcmp(step->fields[i], found->fields[i]))
			continue;
		snprintf(why->text, sizeof(why->text), "the module's step '%s' has other fields than this program was made for: "
			 "install module and tools of one version", step->name);
		return false;
	}
	return true;
}

static bool steps_agree(const struct btf *btf, bool tracefs, struct why *why)
{
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		struct found found = { .n = 0 };

		if (!(tracefs ? read_format(steps[i].name, &found) : read_btf(btf, steps[i].name, &found))) {
			snprintf(why->text, sizeof(why->text), "the module has no step '%s': it is older than this program, install both anew",
				 steps[i].name);
			return false;
		}
		if (!step_is_ours(&steps[i], &found, why))
			return false;
	}
	return true;
}

bool steps_ready(struct why *why)
{
	struct btf *vmlinux = NULL, *module;
	bool ready;

	if (access("/sys/module/mmsb", F_OK)) {
		snprintf(why->text, sizeof(why->text), "the module is not loaded: modprobe mmsb, or see mmsb doctor");
		return false;
	}
	if (!access(EVENTS "/mmsb_submit/format", R_OK))
		return steps_agree(NULL, true, why);
	module = module_btf(&vmlinux);
	if (!module)
		return true;
	ready = steps_agree(module, false, why);
	btf__free(module);
	btf__free(vmlinux);
	return ready;
}
