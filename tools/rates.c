// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include "control_nlc.h"
#include "rates.h"

#define COUNTERS	4

static const struct kind {
	int cmd, id, name;			/* the number and the text that tell them apart */
	const struct nlc_set *set;
	const char *head;
	struct { int attr; const char *head, *key; } counter[COUNTERS + 1];
} kinds[] = {
	{ MMSB_CMD_SPACE_GET, MMSB_A_SPACE_ID, MMSB_A_SPACE_NAME, &nlc_space, "SPACE", {
		{ MMSB_A_SPACE_DELTAS, "DELTAS/S", "deltas_per_s" }, { MMSB_A_SPACE_TICK, "TICKS/S", "ticks_per_s" },
		{ MMSB_A_SPACE_RECOMPUTED, "RECOMPUTED/S", "recomputed_per_s" }, { MMSB_A_SPACE_MEETINGS, "MEETINGS/S", "meetings_per_s" } } },
	{ MMSB_CMD_RING_GET, MMSB_A_RING_ID, MMSB_A_RING_COMM, &nlc_ring, "RING", {
		{ MMSB_A_RING_TAKEN, "TAKEN/S", "taken_per_s" }, { MMSB_A_RING_FAILED, "FAILED/S", "failed_per_s" },
		{ MMSB_A_RING_STALLS, "STALLS/S", "stalls_per_s" } } },
};

struct sample {
	uint64_t id, value[COUNTERS];
};

/* In the order of their ids, as dumps are. */
struct samples {
	struct sample *list;
	size_t n, room;
};

struct rates {
	const struct kind *kind;
	struct samples before, now;
	size_t at;				/* of those before: what is further ahead has a greater id than all that were seen now */
	double seconds;				/* since then; 0: there is no before */
	struct json json;
	bool as_json, begun, no_memory;
};

static struct sample *sample_add(struct samples *samples, uint64_t id)
{
	size_t room = 2 * samples->room + 16;
	struct sample *more;

	if (samples->n == samples->room) {
		more = realloc(samples->list, room * sizeof(*more));
		if (!more)
			return NULL;
		samples->list = more;
		samples->room = room;
	}
	samples->list[samples->n] = (struct sample){ .id = id };
	return &samples->list[samples->n++];
}

/* NULL: it was not there. */
static const struct sample *sample_before(struct rates *rates, uint64_t id)
{
	while (rates->at < rates->before.n && rates->before.list[rates->at].id < id)
		rates->at++;
	return rates->at < rates->before.n && rates->before.list[rates->at].id == id ? &rates->before.list[rates->at] : NULL;
}

static double rate_of(const struct rates *rates, const struct sample *before, const struct sample *now, int i)
{
	return now->value[i] < before->value[i] ? 0 : (double)(now->value[i] - before->value[i]) / rates->seconds;
}

static void tell_json(struct rates *rates, const struct nlc_row *row, const struct sample *before, const struct sample *now)
{
	const struct kind *kind = rates->kind;
	int i;

	json_object(&rates->json, NULL);
	json_u64(&rates->json, kind->set->attrs[kind->id].name, now->id);
	json_string(&rates->json, kind->set->attrs[kind->name].name, nlc_text(row, kind->name));
	for (i = 0; kind->counter[i].attr; i++)
		json_double(&rates->json, kind->counter[i].key, rate_of(rates, before, now, i));
	json_close(&rates->json);
}

static void tell_text(struct rates *rates, const struct nlc_row *row, const struct sample *before, const struct sample *now)
{
	const char *name = nlc_text(row, rates->kind->name);
	int i;

	if (!rates->begun) {
		printf("%6s %-24s", "ID", rates->kind->head);
		for (i = 0; rates->kind->counter[i].attr; i++)
			printf(" %14s", rates->kind->counter[i].head);
		putchar('\n');
	}
	rates->begun = true;
	printf("%6" PRIu64 " %-24s", now->id, *name ? name : "(no name)");
	for (i = 0; rates->kind->counter[i].attr; i++)
		printf(" %14s", text_rate(rate_of(rates, before, now, i)).s);
	putchar('\n');
}

static bool take_row(const struct nlc_row *row, void *arg)
{
	struct rates *rates = arg;
	uint64_t id = nlc_number(row, rates->kind->id);
	const struct sample *before = sample_before(rates, id);
	struct sample *now = sample_add(&rates->now, id);
	int i;

	rates->no_memory = !now;
	if (!now)
		return false;
	for (i = 0; rates->kind->counter[i].attr; i++)
		now->value[i] = nlc_number(row, rates->kind->counter[i].attr);
	if (before && rates->as_json)
		tell_json(rates, row, before, now);
	else if (before)
		tell_text(rates, row, before, now);
	return true;
}

/* Nothing is told the first time. */
static int take_all(struct rates *rates, struct nlc *nl, const char *space)
{
	bool as_json = rates->as_json && rates->seconds;
	int err;

	if (as_json) {
		json_begin(&rates->json, stdout);
		json_double(&rates->json, "seconds", rates->seconds);
		if (space)
			json_array(&rates->json, "ring_rates");
		else
			json_array(&rates->json, "space_rates");
	}
	err = nlc_ask(nl, nlc_about(nl, rates->kind->cmd, true, space), rates->kind->set, take_row, rates);
	if (as_json) {
		json_close(&rates->json);
		json_end(&rates->json);
	} else if (rates->begun) {
		putchar('\n');
	}
	return rates->no_memory ? -ENOMEM : err;
}

static int ask_once(struct rates *rates, struct nlc *nl, const char *space)
{
	struct samples old = rates->before;

	rates->before = rates->now;
	rates->now = old;
	rates->now.n = 0;
	rates->at = 0;
	rates->begun = false;
	return take_all(rates, nl, space);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void rest_until(uint64_t ns)
{
	struct timespec at = { .tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000) };

	while (!cli_stopped && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

bool rates_tell(struct cli *cli, struct nlc *nl, const char *space, uint64_t interval_ns, uint64_t count, int *err)
{
	struct rates rates = { .kind = &kinds[!!space], .as_json = cli->json };
	uint64_t last = now_ns(), now, told = 0;
	bool written = true;

	cli_catch_signals();
	*err = ask_once(&rates, nl, space);
	while (!*err && written && !cli_stopped && (!count || told < count)) {
		rest_until(last + interval_ns);
		if (cli_stopped)
			break;
		now = now_ns();
		rates.seconds = (double)(now - last) / 1e9;
		last = now;
		*err = ask_once(&rates, nl, space);
		written = out_flushed(cli);
		told++;
	}
	free(rates.before.list);
	free(rates.now.list);
	return written;
}
