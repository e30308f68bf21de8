// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <mmsb/abi.h>
#include <mmsb/reasons.h>
#include <mmsb/trace.h>
#include "home.h"
#include "platform_impl.h"
#include "traced.h"

#define TEXT(name) #name
#define STEP(step, n, ...) { #step, n, { MMSB_LIST(n, TEXT, __VA_ARGS__) } },
const struct traced_step traced_steps[] = { MMSB_STEPS(STEP) { NULL } };

/* -------------------------------------------------------------------------------------------------------------- events */

static int traced_add(struct traced *traced, const struct traced_event *event)
{
	if (!(traced->n & (traced->n - 1))) {
		struct traced_event *more = realloc(traced->event, (traced->n * 2 + 1) * sizeof(*more));

		if (!more)
			return -ENOMEM;
		traced->event = more;
	}
	traced->event[traced->n++] = *event;
	return 0;
}

void traced_free(struct traced *traced)
{
	free(traced->event);
	*traced = (struct traced){ NULL };
}

static int field_number(const struct traced_step *step, const char *field, size_t len)
{
	unsigned int i;

	for (i = 0; i < step->fields; i++)
		if (strlen(step->field[i]) == len && !memcmp(step->field[i], field, len))
			return (int)i;
	return -1;
}

uint64_t traced_get(const struct traced_event *event, const char *field)
{
	int i = field_number(event->step, field, strlen(field));

	if (i < 0) {
		fprintf(stderr, "%s has no field %s\n", event->step->name, field);
		abort();
	}
	return event->value[i];
}

const struct traced_event *traced_next(const struct traced *traced, size_t *at, const char *step)
{
	while (*at < traced->n) {
		const struct traced_event *event = &traced->event[(*at)++];

		if (!strcmp(event->step->name, step))
			return event;
	}
	return NULL;
}

size_t traced_count(const struct traced *traced, const char *step)
{
	size_t at = 0, n = 0;

	while (traced_next(traced, &at, step))
		n++;
	return n;
}

uint64_t traced_sum(const struct traced *traced, const char *step, const char *field)
{
	const struct traced_event *event;
	uint64_t sum = 0;
	size_t at = 0;

	while ((event = traced_next(traced, &at, step)))
		sum += traced_get(event, field);
	return sum;
}

static void keep_space(struct traced *traced, uint64_t space)
{
	size_t i, n = 0;

	for (i = 0; i < traced->n; i++)
		if (traced_get(&traced->event[i], "space") == space)
			traced->event[n++] = traced->event[i];
	traced->n = n;
}

/* ------------------------------------------------------------------------------------------------------------ embedded */

static pthread_mutex_t caught_lock = PTHREAD_MUTEX_INITIALIZER;
static struct traced caught;

static void catch(const char *name, unsigned int n, ...)
{
	struct traced_event event = { .step = traced_steps };
	va_list values;
	unsigned int i;

	while (strcmp(event.step->name, name))
		event.step++;
	va_start(values, n);
	for (i = 0; i < n; i++)
		event.value[i] = va_arg(values, uint64_t);
	va_end(values);
	pthread_mutex_lock(&caught_lock);
	if (traced_add(&caught, &event))
		abort();
	pthread_mutex_unlock(&caught_lock);
}

#define FIELD(name) uint64_t name
#define NAME(name) name
#define CATCH(step, n, ...)								\
	void __wrap_pf_trace_##step(MMSB_LIST(n, FIELD, __VA_ARGS__));			\
	void __wrap_pf_trace_##step(MMSB_LIST(n, FIELD, __VA_ARGS__))			\
	{										\
		catch(#step, n, MMSB_LIST(n, NAME, __VA_ARGS__));			\
	}
MMSB_STEPS(CATCH)

/* For one step; "": for each; NULL: for none. */
static bool is_asked(const char *only, const char *step)
{
	return only && (!*only || !strcmp(only, step));
}

#ifdef pf_traced
#define ASK(step, n, ...) pf_write(mmsb_mmsb_##step##_semaphore, is_asked(only, #step));
#else
#define ASK(step, n, ...) (void)is_asked(only, #step);
#endif
static void probes_ask(const char *only)
{
	MMSB_STEPS(ASK)
}

/* -------------------------------------------------------------------------------------------------------------- kernel */

#define TRACEFS "/sys/kernel/tracing"

static char instance[96];

static int instance_write(const char *file, const char *text)
{
	char path[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", instance, file);
	fd = open(path, O_WRONLY | O_TRUNC);
	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -EIO : 0;
}

static int instance_begin(const char *only)
{
	char enable[96];
	int err;

	snprintf(instance, sizeof(instance), TRACEFS "/instances/mmsb-test-%d", getpid());
	if (mkdir(instance, 0700) && errno != EEXIST)
		return -errno;
	err = instance_write("trace_clock", "mono");
	err = err ?: instance_write("buffer_size_kb", "4096");
	err = err ?: instance_write("trace", "");
	snprintf(enable, sizeof(enable), "events/mmsb/%s%s/enable", *only ? "mmsb_" : "", only);
	return err ?: instance_write(enable, "1");
}

#define REASON(name, err, text) #name,
#define STALL(name, text) #name,
static const char *const reasons[] = { MMSB_REASONS(REASON) NULL }, *const stalls[] = { MMSB_STALLS(STALL) NULL };
static const char *const ops[] = {
	"NOP", "FENCE", "CREATE", "DESTROY", "SET", "MASK", "MASK_SPARSE", "FILL", "ADD", "SUB", "MIN", "MAX", "AND", "OR", "XOR", "CAS", "APPEND",
	"DERIVE", "UNDERIVE", "LINK", "UNLINK", "REFRESH", "TICK", "LOAD", "WORDS", NULL
};
_Static_assert(sizeof(ops) / sizeof(*ops) == MMSB_OP_LAST + 1, "every operation has a name");

/* What is shown by its name. */
static uint64_t named(const char *field, const char *text)
{
	const char *const *list = !strcmp(field, "op") ? ops : !strcmp(field, "cause") ? stalls : reasons;
	uint64_t i;

	for (i = 0; list[i]; i++)
		if (!strcmp(list[i], text))
			return i;
	return ~0ull;
}

static bool parse_fields(struct traced_event *event, char *text)
{
	char *word, *rest = NULL;
	unsigned int seen = 0;

	for (word = strtok_r(text, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
		char *value = strchr(word, '='), *end;
		int i = value ? field_number(event->step, word, (size_t)(value - word)) : -1;

		if (i < 0)
			return false;
		event->value[i] = strtoull(++value, &end, 0);
		if (*end)
			event->value[i] = named(event->step->field[i], value);
		seen++;
	}
	return seen == event->step->fields;
}

/* "            ring-312     [000] .....   104.123456: mmsb_apply: space=1 ..." */
static int parse(struct traced *traced, char *line)
{
	char *at = strstr(line, ": mmsb_"), *name = at + 7, *end;
	struct traced_event event = { .step = traced_steps };

	if (*line == '#' || !at)
		return 0;
	end = strchr(name, ':');
	if (!end)
		return -EINVAL;
	*end = 0;
	while (event.step->name && strcmp(event.step->name, name))
		event.step++;
	if (!event.step->name || !parse_fields(&event, end + 1)) {
		fprintf(stderr, "# not understood: mmsb_%s:%s\n", name, end + 1);
		return -EINVAL;
	}
	return traced_add(traced, &event);
}

static int instance_end(struct traced *traced)
{
	int err = instance_write("events/mmsb/enable", "0");
	char path[256], *line = NULL;
	size_t room = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/trace", instance);
	file = err ? NULL : fopen(path, "r");
	if (!file)
		err = err ?: -errno;
	while (!err && getline(&line, &room, file) >= 0)
		err = parse(traced, line);
	free(line);
	if (file)
		fclose(file);
	rmdir(instance);
	return err;
}

/* -------------------------------------------------------------------------------------------------------------- either */

bool traced_is_there(void)
{
	if (home_is_kernel() && access(TRACEFS "/events/mmsb/enable", W_OK)) {
		printf("# " TRACEFS "/events/mmsb cannot be written to: mount -t tracefs tracefs " TRACEFS ", as root\n");
		return false;
	}
#ifndef pf_traced
	if (!home_is_kernel()) {
		printf("# the library has no probes: scripts/setup build, and make it again\n");
		return false;
	}
#endif
	return true;
}

int traced_begin_only(const char *step)
{
	if (home_is_kernel())
		return instance_begin(step);
	pthread_mutex_lock(&caught_lock);
	traced_free(&caught);
	pthread_mutex_unlock(&caught_lock);
	probes_ask(step);
	return 0;
}

int traced_begin(void)
{
	return traced_begin_only("");
}

int traced_end(uint64_t space, struct traced *traced)
{
	int err = 0;

	*traced = (struct traced){ NULL };
	if (home_is_kernel()) {
		err = instance_end(traced);
	} else {
		probes_ask(NULL);
		pthread_mutex_lock(&caught_lock);
		*traced = caught;
		caught = (struct traced){ NULL };
		pthread_mutex_unlock(&caught_lock);
	}
	keep_space(traced, space);
	return err;
}
