// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb doctor: looks, changes nothing, and ends with a try of each home: a page is made, changed and read in a space that nobody else
 * sees. What the files say and what really works are different things; the try settles it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "args.h"
#include "doctor.h"
#include "out.h"

static void print_finding(enum doctor_state state, const char *name, const char *remedy, const char *text)
{
	static const char *const labels[] = { "ok   ", "warn ", "fail " };
	static const enum colour colours[] = { COLOUR_GREEN, COLOUR_YELLOW, COLOUR_RED };

	out_colour(stdout, colours[state], labels[state]);
	printf(" %-11s %s\n", name, text);
	if (remedy)
		printf("                  -> %s\n", remedy);
}

void doctor_say(struct doctor *doctor, enum doctor_state state, const char *name, const char *remedy, const char *text, ...)
{
	static const char *const states[] = { "ok", "warn", "fail" };
	char full[512];
	va_list list;

	va_start(list, text);
	vsnprintf(full, sizeof(full), text, list);
	va_end(list);
	doctor->warned += state == DOCTOR_WARN;
	doctor->failed += state == DOCTOR_FAIL;
	if (!doctor->json) {
		print_finding(state, name, remedy, full);
		return;
	}
	json_object(doctor->json, NULL);
	json_string(doctor->json, "name", name);
	json_string(doctor->json, "state", states[state]);
	json_string(doctor->json, "text", full);
	json_string(doctor->json, "remedy", remedy);
	json_close(doctor->json);
}

void doctor_path(const struct doctor *doctor, const char *path, char *to, size_t bytes)
{
	snprintf(to, bytes, "%s%s", doctor->root, path);
}

bool doctor_stat(const struct doctor *doctor, const char *path, struct stat *st)
{
	struct stat unused;
	char full[512];

	doctor_path(doctor, path, full, sizeof(full));
	return !stat(full, st ?: &unused);
}

bool doctor_has(const struct doctor *doctor, const char *path, ...)
{
	char full[400];
	va_list list;

	va_start(list, path);
	vsnprintf(full, sizeof(full), path, list);
	va_end(list);
	return doctor_stat(doctor, full, NULL);
}

const char *doctor_line(const struct doctor *doctor, const char *path, ...)
{
	static char line[512];
	char relative[400], full[512];
	va_list list;
	FILE *file;
	bool got;

	va_start(list, path);
	vsnprintf(relative, sizeof(relative), path, list);
	va_end(list);
	doctor_path(doctor, relative, full, sizeof(full));
	file = fopen(full, "re");
	if (!file)
		return NULL;
	got = fgets(line, sizeof(line), file);
	fclose(file);
	if (!got)
		*line = '\0';
	line[strcspn(line, "\n")] = '\0';
	return line;
}

/* --------------------------------------------------------------------------------------------------------- the try */

static int try_ring(struct mmsb_space *space, uint64_t *seen)
{
	struct mmsb_ring *ring;
	uint64_t page;
	ssize_t got;
	int err;

	err = mmsb_ring_open(space, NULL, &ring);
	if (err)
		return err;
	err = mmsb_create(ring, MMSB_PAGE_MIN, &page);
	if (!err)
		err = mmsb_add(ring, page, 8, 42, NULL);
	if (!err) {
		got = mmsb_read(space, page, 8, seen, sizeof(*seen), NULL);
		err = got < 0 ? (int)got : 0;
	}
	mmsb_ring_close(ring);
	return err;
}

static int try_home(const struct cli *cli, const char *home, uint64_t *seen, uint64_t *wrong)
{
	struct mmsb_verify_args totals = { .size = sizeof(totals) };
	struct mmsb_space *space;
	struct mmsb *mmsb;
	int err;

	err = mmsb_open(&mmsb, MMSB_OPTS(struct mmsb_open_opts, .home = home, .device = cli->device));
	if (err)
		return err;
	err = mmsb_space_open(mmsb, NULL, MMSB_OPTS(struct mmsb_space_opts, .flags = MMSB_SPACE_CREATE, .max_pages = 16,
						    .max_bytes = 1 << 20), &space);
	if (!err) {
		err = try_ring(space, seen) ?: mmsb_verify(space, NULL, &totals);
		*wrong = totals.findings;
		mmsb_space_close(space);
	}
	mmsb_close(mmsb);
	return err;
}

static void doctor_try(struct doctor *doctor, const char *home)
{
	uint64_t seen = 0, wrong = 0;
	int err = try_home(doctor->cli, home, &seen, &wrong);

	if (err)
		doctor_say(doctor, DOCTOR_FAIL, home, "see the lines above; if they are all ok, please report it",
			   "a page cannot be made, changed and read in the %s home: %s", home, mmsb_strerror_last());
	else if (seen != 42)
		doctor_say(doctor, DOCTOR_FAIL, home, "this is a defect of MMSB: please report it",
			   "a page of the %s home read back %llu instead of 42", home, (unsigned long long)seen);
	else if (wrong)
		doctor_say(doctor, DOCTOR_FAIL, home, "test this machine's memory, and see 'mmsb verify' of your spaces; else please report it",
			   "a new space of the %s home is not in order: %llu findings", home, (unsigned long long)wrong);
	else
		doctor_say(doctor, DOCTOR_OK, home, NULL, "the %s home works: a page was made, changed and read, and its space is in order", home);
	if (!err && seen == 42 && !wrong && !doctor->works)
		doctor->works = home;
}

#define TRACING	"/sys/kernel/tracing"

/* Others than root see nothing below it. */
static void doctor_tracing(struct doctor *doctor)
{
	if (doctor_live(doctor) && geteuid())
		doctor_say(doctor, DOCTOR_OK, "tracing", NULL, "only root may trace, and can find out here whether that works");
	else if (!doctor_has(doctor, TRACING "/events"))
		doctor_say(doctor, DOCTOR_WARN, "tracing", "mount -t tracefs tracefs " TRACING,
			   "the kernel home cannot be traced: there is no tracefs at " TRACING);
	else if (!doctor_has(doctor, TRACING "/events/mmsb"))
		doctor_say(doctor, DOCTOR_WARN, "tracing", "make dkms, and load it without --force; a kernel without CONFIG_EVENT_TRACING has none",
			   "the kernel home cannot be traced: the module brought no tracepoints");
	else if (!doctor_has(doctor, "/usr/bin/bpftrace") && !doctor_has(doctor, "/usr/local/bin/bpftrace"))
		doctor_say(doctor, DOCTOR_WARN, "tracing", "apt install bpftrace", "there are tracepoints, but 'mmsb trace' finds no bpftrace");
	else
		doctor_say(doctor, DOCTOR_OK, "tracing", NULL, "the kernel home can be traced: see 'mmsb trace'");
}

static void doctor_probes(struct doctor *doctor)
{
	if (CLI_PROBES)
		doctor_say(doctor, DOCTOR_OK, "probes", NULL, "the embedded home can be traced: see 'mmsb trace'");
	else
		doctor_say(doctor, DOCTOR_WARN, "probes", "apt install systemtap-sdt-dev, and make it again",
			   "the embedded home cannot be traced: it was compiled without sys/sdt.h");
}

static void examine(struct doctor *doctor)
{
	const char *home = cli_home(doctor->cli);
	bool kernel = strcmp(home, "embedded");

	if (kernel) {
		doctor_module(doctor);
		doctor_device(doctor);
		if (doctor->loaded && doctor_live(doctor))
			doctor_netlink(doctor);
		if (doctor->loaded)
			doctor_tracing(doctor);
	}
	doctor_limits(doctor);
	if (doctor->answers) {
		doctor_logs(doctor);
		doctor_try(doctor, "kernel");
	}
	if (strcmp(home, "kernel") && doctor_live(doctor)) {
		doctor_probes(doctor);
		doctor_try(doctor, "embedded");
	}
}

enum cli_exit cmd_doctor(struct cli *cli, const struct args *args)
{
	struct doctor doctor = { .cli = cli, .root = args->value[OPT_ROOT] ?: "" };
	struct json json;

	if (*doctor.root && !doctor_stat(&doctor, "/", NULL))
		return fail(cli, NULL, "cannot look below '%s': %s", doctor.root, strerror(errno));
	if (cli->json) {
		doctor.json = &json;
		json_begin(&json, stdout);
		json_array(&json, "checks");
	}
	examine(&doctor);
	if (cli->json) {
		json_close(&json);
		json_u64(&json, "warnings", doctor.warned);
		json_u64(&json, "failures", doctor.failed);
		json_bool(&json, "ok", !doctor.failed);
		json_end(&json);
	} else {
		printf("\n%u failed, %u to look at.%s%s%s\n", doctor.failed, doctor.warned, doctor.works ? " The " : "",
		       doctor.works ?: "", doctor.works ? " home works." : "");
	}
	return doctor.failed ? CLI_FAILED : CLI_OK;
}
