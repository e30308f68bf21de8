// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include "prometheus.h"

#define LABEL_MAX	160
#define VALUES_MAX	36

/* ----------------------------------------------------------------------------------------------------------------- tables */

struct sample {
	char label[LABEL_MAX];
	uint64_t value[VALUES_MAX];
};

struct table {
	struct sample *sample;
	size_t n, room;
};

/* NULL: no memory. Zeroed. */
static struct sample *table_add(struct table *table)
{
	size_t room = table->room ? 2 * table->room : 64;
	struct sample *more;

	if (table->n == table->room) {
		more = realloc(table->sample, room * sizeof(*more));
		if (!more)
			return NULL;
		table->sample = more;
		table->room = room;
	}
	table->sample[table->n] = (struct sample){ .label = "" };
	return &table->sample[table->n++];
}

/* What only rises is a counter; the rest are gauges. */
struct series {
	int attr;
	const char *name, *type, *help;
};

static void series_write(FILE *to, const char *of, const struct series *series, size_t n, const struct table *table)
{
	size_t i, k;

	for (i = 0; i < n; i++) {
		fprintf(to, "# HELP mmsb_%s_%s %s.\n# TYPE mmsb_%s_%s %s\n", of, series[i].name, series[i].help, of, series[i].name, series[i].type);
		for (k = 0; k < table->n; k++)
			fprintf(to, "mmsb_%s_%s{%s} %" PRIu64 "\n", of, series[i].name, table->sample[k].label, table->sample[k].value[i]);
	}
}

/* ----------------------------------------------------------------------------------------------------------------- spaces */

static const struct series space_series[] = {
	{ MMSB_A_SPACE_PAGES, "pages", "gauge", "Pages in the space" },
	{ MMSB_A_SPACE_MAX_PAGES, "pages_limit", "gauge", "Pages that it may have" },
	{ MMSB_A_SPACE_BYTES, "arena_bytes", "gauge", "Bytes reserved in the arena" },
	{ MMSB_A_SPACE_MAX_BYTES, "arena_bytes_limit", "gauge", "Bytes that may be reserved" },
	{ MMSB_A_SPACE_MEMORY, "memory_bytes", "gauge", "Bytes held in all" },
	{ MMSB_A_SPACE_RINGS, "rings", "gauge", "Rings open" },
	{ MMSB_A_SPACE_DELTAS, "deltas_total", "counter", "Deltas applied" },
	{ MMSB_A_SPACE_TICK, "tick", "counter", "The last tick" },
	{ MMSB_A_SPACE_RECOMPUTED, "recomputed_total", "counter", "Derived pages computed" },
	{ MMSB_A_SPACE_CUT, "cut_total", "counter", "Derived pages that came out the same" },
	{ MMSB_A_SPACE_SKIPPED, "skipped_total", "counter", "Derived pages looked at and not computed" },
	{ MMSB_A_SPACE_SUSPECT, "suspect_total", "counter", "Audits that came to two results" },
	{ MMSB_A_SPACE_DURABLE, "durable_tick", "counter", "The durable tick" },
	{ MMSB_A_SPACE_LOG_WAITING, "log_waiting_bytes", "gauge", "Bytes that wait for the log's writer" },
	{ MMSB_A_SPACE_LOG_FAILED, "log_failed", "gauge", "1: the log failed" },
	{ MMSB_A_SPACE_PRESSURE, "pressure", "gauge", "What is becoming too much: 1 pages, 2 bytes, 4 rings, 8 log, 16 queues, added up" },
	{ MMSB_A_SPACE_TIMING, "timed", "gauge", "1: its layers are timed" },
};

static const struct series ring_series[] = {
	{ MMSB_A_RING_PENDING, "pending", "gauge", "Entries published and not yet taken" },
	{ MMSB_A_RING_UNREAPED, "unreaped", "gauge", "Completions that the ring's owner has not seen yet" },
	{ MMSB_A_RING_TAKEN, "taken_total", "counter", "Entries taken" },
	{ MMSB_A_RING_FAILED, "failed_total", "counter", "Entries completed with an error" },
	{ MMSB_A_RING_STALLS, "stalls_total", "counter", "Times that something held the ring up" },
};

static const struct series shard_series[] = {
	{ MMSB_A_SHARD_PAGES, "pages", "gauge", "Pages in the shard" },
	{ MMSB_A_SHARD_MEMORY, "memory_bytes", "gauge", "Bytes of its slabs" },
	{ MMSB_A_SHARD_DELTAS, "deltas_total", "counter", "Deltas applied" },
	{ MMSB_A_SHARD_RECOMPUTED, "recomputed_total", "counter", "Derived pages computed" },
	{ MMSB_A_SHARD_HELD, "held", "gauge", "Completions that wait to be durable" },
};

#define COUNT(array)	(sizeof(array) / sizeof(*(array)))

/* Fills in one of the tables. */
struct filling {
	struct table *table;
	const struct series *series;
	size_t n;
	const char *space;	/* its labels */
	void (*label)(const struct nlc_row *row, const char *space, char label[LABEL_MAX]);
};

static bool fill_row(const struct nlc_row *row, void *arg)
{
	const struct filling *filling = arg;
	struct sample *sample = table_add(filling->table);
	size_t i;

	if (!sample)
		return false;
	filling->label(row, filling->space, sample->label);
	for (i = 0; i < filling->n; i++)
		sample->value[i] = nlc_number(row, filling->series[i].attr);
	return true;
}

/* Names of spaces hold nothing that needs quoting. */
static void label_space(const struct nlc_row *row, const char *space, char label[LABEL_MAX])
{
	(void)space;
	snprintf(label, LABEL_MAX, "space=\"%s\",id=\"%" PRIu64 "\"", nlc_text(row, MMSB_A_SPACE_NAME), nlc_number(row, MMSB_A_SPACE_ID));
}

static void label_ring(const struct nlc_row *row, const char *space, char label[LABEL_MAX])
{
	snprintf(label, LABEL_MAX, "%.120s,ring=\"%" PRIu64 "\"", space, nlc_number(row, MMSB_A_RING_ID));
}

static void label_shard(const struct nlc_row *row, const char *space, char label[LABEL_MAX])
{
	snprintf(label, LABEL_MAX, "%.120s,shard=\"%" PRIu64 "\"", space, nlc_number(row, MMSB_A_SHARD_NUMBER));
}

/* ----------------------------------------------------------------------------------------------------------------- layers */

#define FIRST_OCTAVE	4	/* of those that netlink tells */
#define OCTAVES		30
#define LEAST_OCTAVE	6	/* of those that are written, each second one: 64 ns to 4.3 s */
#define MOST_OCTAVE	32

enum { LAYER_COUNT = OCTAVES, LAYER_SUM };

static bool fill_layer(const struct nlc_row *row, void *arg)
{
	const struct filling *filling = arg;
	struct sample *sample = table_add(filling->table);
	unsigned int i;

	if (!sample)
		return false;
	snprintf(sample->label, LABEL_MAX, "%.120s,layer=\"%.20s\"", filling->space, nlc_text(row, MMSB_A_TIMING_LAYER));
	for (i = 0; i < OCTAVES; i++)
		sample->value[i] = nlc_element(row, MMSB_A_TIMING_OCTAVES, i);
	sample->value[LAYER_COUNT] = nlc_number(row, MMSB_A_TIMING_COUNT);
	sample->value[LAYER_SUM] = nlc_number(row, MMSB_A_TIMING_SUM);
	return true;
}

/* The engine counts whole nanoseconds that have passed, so what it has below a bound took less than that, and no more. */
static void layer_write(FILE *to, const struct sample *sample)
{
	unsigned int octave;

	for (octave = LEAST_OCTAVE; octave <= MOST_OCTAVE; octave += 2)
		fprintf(to, "mmsb_space_layer_seconds_bucket{%s,le=\"%.9g\"} %" PRIu64 "\n", sample->label, (double)(1ull << octave) / 1e9,
			sample->value[octave - FIRST_OCTAVE]);
	fprintf(to, "mmsb_space_layer_seconds_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n", sample->label, sample->value[LAYER_COUNT]);
	fprintf(to, "mmsb_space_layer_seconds_sum{%s} %" PRIu64 ".%09" PRIu64 "\n", sample->label, sample->value[LAYER_SUM] / 1000000000,
		sample->value[LAYER_SUM] % 1000000000);
	fprintf(to, "mmsb_space_layer_seconds_count{%s} %" PRIu64 "\n", sample->label, sample->value[LAYER_COUNT]);
}

/* ------------------------------------------------------------------------------------------------------------------- all */

struct all {
	struct table spaces, ids, rings, shards, layers;
};

static bool fill_id(const struct nlc_row *row, void *arg)
{
	struct all *all = arg;
	struct sample *sample = table_add(&all->ids);
	const struct filling spaces = { &all->spaces, space_series, COUNT(space_series), NULL, label_space };

	if (!sample)
		return false;
	sample->value[0] = nlc_number(row, MMSB_A_SPACE_ID);
	return fill_row(row, (void *)&spaces);
}

/* Of one space, by its id, for some have no name. It is the first attribute of each set. */
static int ask_about(struct nlc *nl, int cmd, uint64_t id, const struct nlc_set *set, nlc_each *each, struct filling *filling)
{
	struct nl_msg *msg = nlc_request(nl, cmd, true);
	int err;

	if (msg && nla_put_u64(msg, MMSB_A_RING_SPACE_ID, id)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	err = nlc_ask(nl, msg, set, each, filling);
	return err == -ENOENT ? 0 : err;
}

static int fill_parts(struct nlc *nl, struct all *all, uint64_t id, const char *label)
{
	struct filling rings = { &all->rings, ring_series, COUNT(ring_series), label, label_ring };
	struct filling shards = { &all->shards, shard_series, COUNT(shard_series), label, label_shard };
	struct filling layers = { &all->layers, NULL, 0, label, NULL };
	int err = ask_about(nl, MMSB_CMD_RING_GET, id, &nlc_ring, fill_row, &rings);

	err = err ?: ask_about(nl, MMSB_CMD_SHARD_GET, id, &nlc_shard, fill_row, &shards);
	return err ?: ask_about(nl, MMSB_CMD_TIMING_GET, id, &nlc_timing, fill_layer, &layers);
}

static int fill(struct nlc *nl, struct all *all)
{
	int err = nlc_ask(nl, nlc_request(nl, MMSB_CMD_SPACE_GET, true), &nlc_space, fill_id, all);
	size_t i;

	for (i = 0; !err && i < all->spaces.n; i++)
		err = fill_parts(nl, all, all->ids.sample[i].value[0], all->spaces.sample[i].label);
	return err;
}

int prometheus_write(struct nlc *nl, FILE *to)
{
	struct all all = { .spaces = { NULL } };
	int err = fill(nl, &all);
	size_t i;

	if (!err) {
		series_write(to, "space", space_series, COUNT(space_series), &all.spaces);
		series_write(to, "ring", ring_series, COUNT(ring_series), &all.rings);
		series_write(to, "shard", shard_series, COUNT(shard_series), &all.shards);
		fprintf(to, "# HELP mmsb_space_layer_seconds How long deltas spent in a layer of their way.\n# TYPE mmsb_space_layer_seconds histogram\n");
		for (i = 0; i < all.layers.n; i++)
			layer_write(to, &all.layers.sample[i]);
	}
	free(all.spaces.sample);
	free(all.ids.sample);
	free(all.rings.sample);
	free(all.shards.sample);
	free(all.layers.sample);
	return err;
}
