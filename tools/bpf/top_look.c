// SPDX-License-Identifier: GPL-2.0-only
/* See top.h: what is looked at, and where it comes from. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <netlink/msg.h>
#include <mmsb/timing.h>
#include "../text.h"
#include "heat.h"
#include "top.h"

static const char *const ways[] = { "inline", "polled" }, *const states[] = { "awake", "asleep" }, *const kinds[] = { "source", "derived" };
static const char *const modes[] = { "memory", "buffered", "strict" };

const char *const top_names[TOP_VIEWS] = { "spaces", "rings", "shards", "pollers", "heat", "layers" };

#define SPACE(name)	MMSB_A_SPACE_##name
#define RING(name)	MMSB_A_RING_##name
#define SHARD(name)	MMSB_A_SHARD_##name
#define POLLER(name)	MMSB_A_POLLER_##name
#define TIMING(name)	MMSB_A_TIMING_##name

enum { P50 = 3 };	/* where latencies stand among the columns of spaces */

const struct top_column top_columns[TOP_VIEWS][TOP_COLUMNS] = {
	[TOP_SPACES] = {
		{ "SPACE", "name", -16, TOP_TEXT, SPACE(NAME), NULL }, { "ID", "id", 5, TOP_NUMBER, SPACE(ID), NULL },
		{ "DELTAS/S", "deltas", 9, TOP_RATE, SPACE(DELTAS), NULL },
		[P50] = { "P50", "p50_ns", 8, TOP_NS, 0, NULL }, { "P99", "p99_ns", 8, TOP_NS, 0, NULL }, { "P99.9", "p999_ns", 8, TOP_NS, 0, NULL },
		{ "TICKS/S", "tick", 9, TOP_RATE, SPACE(TICK), NULL }, { "RECOMP/S", "recomputed", 9, TOP_RATE, SPACE(RECOMPUTED), NULL },
		{ "LOG", "durability", -8, TOP_WORD, SPACE(DURABILITY), modes }, { "RINGS", "rings", 6, TOP_NUMBER, SPACE(RINGS), NULL },
		{ "PAGES", "pages", 8, TOP_NUMBER, SPACE(PAGES), NULL }, { "MEMORY", "memory", 9, TOP_BYTES, SPACE(MEMORY), NULL },
	},
	[TOP_RINGS] = {
		{ "SPACE", "space", -16, TOP_TEXT, 0, NULL }, { "RING", "id", 6, TOP_NUMBER, RING(ID), NULL },
		{ "TAKEN/S", "taken", 9, TOP_RATE, RING(TAKEN), NULL }, { "FAILED/S", "failed", 9, TOP_RATE, RING(FAILED), NULL },
		{ "STALLS/S", "stalls", 9, TOP_RATE, RING(STALLS), NULL }, { "PENDING", "pending", 8, TOP_NUMBER, RING(PENDING), NULL },
		{ "UNREAPED", "unreaped", 8, TOP_NUMBER, RING(UNREAPED), NULL }, { "SHARD", "shard", 6, TOP_NUMBER, RING(SHARD), NULL },
		{ "MODE", "polled", -6, TOP_WORD, RING(POLLED), ways }, { "PID", "pid", 8, TOP_NUMBER, RING(PID), NULL },
		{ "COMMAND", "comm", -15, TOP_TEXT, RING(COMM), NULL },
	},
	[TOP_SHARDS] = {
		{ "SPACE", "space", -16, TOP_TEXT, 0, NULL }, { "SHARD", "number", 6, TOP_NUMBER, SHARD(NUMBER), NULL },
		{ "DELTAS/S", "deltas", 9, TOP_RATE, SHARD(DELTAS), NULL }, { "TICKS/S", "tick", 9, TOP_RATE, SHARD(TICK), NULL },
		{ "RECOMP/S", "recomputed", 9, TOP_RATE, SHARD(RECOMPUTED), NULL }, { "CPU", "cpu", 5, TOP_NUMBER, SHARD(CPU), NULL },
		{ "POLLER", "asleep", -7, TOP_WORD, SHARD(ASLEEP), states }, { "RINGS", "rings", 6, TOP_NUMBER, SHARD(RINGS), NULL },
		{ "PAGES", "pages", 8, TOP_NUMBER, SHARD(PAGES), NULL }, { "MEMORY", "memory", 9, TOP_BYTES, SHARD(MEMORY), NULL },
	},
	[TOP_POLLERS] = {
		{ "CPU", "cpu", 5, TOP_NUMBER, POLLER(CPU), NULL }, { "BUSY", "cpu_time", 7, TOP_PART, POLLER(CPU_TIME), NULL },
		{ "SLEPT", "rested", 7, TOP_PART, POLLER(RESTED), NULL }, { "SLEEPS/S", "rests", 9, TOP_RATE, POLLER(RESTS), NULL },
		{ "STATE", "resting", -7, TOP_WORD, POLLER(RESTING), states }, { "SHARDS", "shards", 7, TOP_NUMBER, POLLER(SHARDS), NULL },
		{ "IDLE", "idle_us", 9, TOP_US, POLLER(IDLE_US), NULL }, { "PID", "pid", 8, TOP_NUMBER, POLLER(PID), NULL },
	},
	[TOP_HEAT] = {
		{ "SPACE", "space", -16, TOP_TEXT, 0, NULL }, { "PAGE", "page", -16, TOP_TEXT, 0, NULL },
		{ "CHANGES/S", "changes", 10, TOP_RATE, 0, NULL }, { "KIND", "derived", -8, TOP_WORD, 0, kinds },
	},
	[TOP_LAYERS] = {
		{ "SPACE", "space", -16, TOP_TEXT, 0, NULL }, { "LAYER", "layer", -9, TOP_TEXT, TIMING(LAYER), NULL },
		{ "DELTAS/S", "count", 9, TOP_RATE, TIMING(COUNT), NULL }, { "P50", "p50_ns", 8, TOP_NS, TIMING(P50), NULL },
		{ "P90", "p90_ns", 8, TOP_NS, TIMING(P90), NULL }, { "P99", "p99_ns", 8, TOP_NS, TIMING(P99), NULL },
		{ "P99.9", "p999_ns", 8, TOP_NS, TIMING(P999), NULL }, { "LONGEST", "longest_ns", 8, TOP_NS, TIMING(LONGEST), NULL },
	},
};

/* By which attribute rows of a view know their space, and what else tells them apart. */
static const struct source {
	int cmd, space, id, about;
	const struct nlc_set *set;
} sources[TOP_VIEWS] = {
	[TOP_SPACES] = { MMSB_CMD_SPACE_GET, SPACE(ID), SPACE(ID), 0, &nlc_space },
	[TOP_RINGS] = { MMSB_CMD_RING_GET, RING(SPACE_ID), RING(ID), RING(SPACE_ID), &nlc_ring },
	[TOP_SHARDS] = { MMSB_CMD_SHARD_GET, SHARD(SPACE_ID), SHARD(NUMBER), SHARD(SPACE_ID), &nlc_shard },
	[TOP_POLLERS] = { MMSB_CMD_POLLER_GET, 0, POLLER(CPU), 0, &nlc_poller },
	[TOP_LAYERS] = { MMSB_CMD_TIMING_GET, TIMING(SPACE_ID), TIMING(LAYER), TIMING(SPACE_ID), &nlc_timing },
};

/* ---------------------------------------------------------------------------------------------------------------- tables */

static struct top_row *table_add(struct top_table *table, uint64_t space, uint64_t id)
{
	size_t room = table->room ? 2 * table->room : 64;
	struct top_row *row = table->row;

	if (table->n == table->room) {
		row = realloc(row, room * sizeof(*row));
		if (!row)
			return NULL;
		table->row = row;
		table->room = room;
	}
	row = &table->row[table->n++];
	*row = (struct top_row){ .space = space, .id = id };
	return row;
}

static int compare_keys(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;

	if (x->space != y->space)
		return x->space < y->space ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static const struct top_row *row_before(const struct top *top, enum top_view view, const struct top_row *row)
{
	const struct top_table *before = &top->before[view];

	return before->n ? bsearch(row, before->row, before->n, sizeof(*row), compare_keys) : NULL;
}

/* What was not there before has no rate yet; nor has a counter that was begun anew. */
static void fill_rates(struct top *top, enum top_view view, struct top_row *row)
{
	const struct top_row *before = row_before(top, view, row);
	const struct top_column *column = top_columns[view];
	int i;

	for (i = 0; i < TOP_COLUMNS && column[i].key; i++) {
		struct top_cell *cell = &row->cell[i];

		if (column[i].unit < TOP_RATE || !before || top->elapsed <= 0 || cell->number < before->cell[i].number)
			continue;
		cell->value = (double)(cell->number - before->cell[i].number) / top->elapsed;
		if (column[i].unit == TOP_PART)
			cell->value /= 1e9;
	}
}

/* --------------------------------------------------------------------------------------------------------------- netlink */

struct looking {
	struct top *top;
	enum top_view view;
};

static void fill_cell(const struct top_column *column, const struct nlc_row *from, struct top_cell *cell)
{
	if (column->unit == TOP_TEXT) {
		snprintf(cell->text, sizeof(cell->text), "%s", nlc_text(from, column->attr));
		return;
	}
	cell->number = nlc_number(from, column->attr);
	if (column->unit < TOP_RATE)
		cell->value = (double)cell->number;
}

#define LAYER_WORD(name, word, text)	word,
static const char *const layers[] = { MMSB_LAYERS(LAYER_WORD) };

/* Layers are told by name. */
static uint64_t row_id(const struct nlc_row *from, const struct source *source)
{
	const char *name = nlc_text(from, source->id);
	uint64_t i = 0;

	if (source->set != &nlc_timing)
		return nlc_number(from, source->id);
	while (i < sizeof(layers) / sizeof(*layers) && strcmp(layers[i], name))
		i++;
	return i;
}

static bool take_row(const struct nlc_row *from, void *arg)
{
	struct looking *looking = arg;
	const struct source *source = &sources[looking->view];
	const struct top_column *column = top_columns[looking->view];
	struct top_row *row = table_add(&looking->top->now[looking->view], source->space ? nlc_number(from, source->space) : 0,
					row_id(from, source));
	int i;

	for (i = 0; row && i < TOP_COLUMNS && column[i].key; i++)
		if (column[i].attr)
			fill_cell(&column[i], from, &row->cell[i]);
	return row;
}

static int look_at(struct top *top, enum top_view view, uint64_t space)
{
	const struct source *source = &sources[view];
	struct nl_msg *msg = nlc_request(&top->nl, source->cmd, true);
	struct looking looking = { top, view };

	if (msg && source->about && nla_put_u64(msg, source->about, space)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return nlc_ask(&top->nl, msg, source->set, take_row, &looking);
}

/* A space can be gone before its rings are asked for. */
static int look_into_spaces(struct top *top)
{
	const struct top_table *spaces = &top->now[TOP_SPACES];
	int err = 0;
	size_t i;

	for (i = 0; !err && i < spaces->n; i++) {
		err = look_at(top, TOP_RINGS, spaces->row[i].space);
		err = err ?: look_at(top, TOP_SHARDS, spaces->row[i].space);
		err = err ?: look_at(top, TOP_LAYERS, spaces->row[i].space);
		if (err == -ENOENT || err == -ESTALE)
			err = 0;
	}
	return err;
}

/* ------------------------------------------------------------------------------------------------------------------- BPF */

static bool space_is_there(const void *arg, uint64_t space)
{
	const struct top *top = arg;
	struct top_row key = { .space = space, .id = space };

	return bsearch(&key, top->now[TOP_SPACES].row, top->now[TOP_SPACES].n, sizeof(key), compare_keys);
}

/* What is kept of spaces that are gone makes room for others. */
static void forget_gone(struct top *top)
{
	size_t i;

	for (i = 0; i < TOP_PASTS; i++)
		if (top->past[i].space && !space_is_there(top, top->past[i].space))
			top->past[i] = (struct top_past){ .space = 0 };
	if (top->way)
		way_prune(top->way, space_is_there, top);
}

static struct top_past *find_past(struct top *top, uint64_t space)
{
	struct top_past *empty = NULL;
	size_t i;

	for (i = 0; i < TOP_PASTS; i++) {
		if (top->past[i].space == space)
			return &top->past[i];
		if (!top->past[i].space && !empty)
			empty = &top->past[i];
	}
	if (empty)
		empty->space = space;
	return empty;
}

/* Of what came since the last look. */
static void fill_latency(struct top *top, struct top_row *row)
{
	static const double parts[] = { 0.5, 0.99, 0.999 };
	const struct hist *hist = (const struct hist *)top->counts.hist[WAY_TOTAL];
	struct top_past *past = top->way && way_read(top->way, row->space, &top->counts) ? find_past(top, row->space) : NULL;
	int i;

	if (!past)
		return;
	for (i = 0; i < 3; i++) {
		row->cell[P50 + i].number = hist_percentile(hist, &past->hist, parts[i]);
		row->cell[P50 + i].value = (double)row->cell[P50 + i].number;
	}
	past->hist = *hist;
}

static void look_at_heat(struct top *top)
{
	struct heat_page *page = top->heat ? calloc(HEAT_PAGES, sizeof(*page)) : NULL;
	size_t n = page ? heat_read(top->heat, page, HEAT_PAGES) : 0, i;
	struct top_row *row;

	for (i = 0; i < n; i++) {
		row = table_add(&top->now[TOP_HEAT], page[i].space, page[i].page);
		if (!row)
			break;
		snprintf(row->cell[1].text, sizeof(row->cell[1].text), "%s", text_id(page[i].page).s);
		row->cell[2].number = page[i].changes;
		row->cell[3].number = page[i].derived;
		row->cell[3].value = (double)page[i].derived;
	}
	free(page);
}

void top_want_heat(struct top *top, bool wanted)
{
	if (wanted && !top->heat && !top->no_heat.text[0]) {
		top->heat = heat_open(&top->no_heat);
	} else if (!wanted && top->heat) {
		heat_close(top->heat);
		top->heat = NULL;
	}
}

/* ------------------------------------------------------------------------------------------------------------------ look */

static double now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + 1e-9 * (double)at.tv_nsec;
}

/* Netlink tells the names of spaces once, with the spaces. */
static void fill_space(const struct top *top, enum top_view view, struct top_row *row)
{
	if (view != TOP_SPACES && view != TOP_POLLERS)
		snprintf(row->cell[0].text, sizeof(row->cell[0].text), "%s", top_space_name(top, row->space));
}

static void finish_look(struct top *top)
{
	enum top_view view;
	size_t i;

	for (view = 0; view < TOP_VIEWS; view++) {
		qsort(top->now[view].row, top->now[view].n, sizeof(struct top_row), compare_keys);
		for (i = 0; i < top->now[view].n; i++) {
			fill_space(top, view, &top->now[view].row[i]);
			fill_rates(top, view, &top->now[view].row[i]);
		}
	}
	forget_gone(top);
	for (i = 0; i < top->now[TOP_SPACES].n; i++)
		fill_latency(top, &top->now[TOP_SPACES].row[i]);
}

int top_look(struct top *top)
{
	enum top_view view;
	double at = now();
	int err;

	for (view = 0; view < TOP_VIEWS; view++) {
		struct top_table spare = top->before[view];

		top->before[view] = top->now[view];
		top->now[view] = spare;
		top->now[view].n = 0;
	}
	top->elapsed = top->at > 0 ? at - top->at : 0;
	top->at = at;
	err = look_at(top, TOP_SPACES, 0);
	err = err ?: look_into_spaces(top);
	err = err ?: look_at(top, TOP_POLLERS, 0);
	look_at_heat(top);
	finish_look(top);
	return err;
}

void top_free(struct top *top)
{
	enum top_view view;

	heat_close(top->heat);
	way_close(top->way);
	nlc_close(&top->nl);
	for (view = 0; view < TOP_VIEWS; view++) {
		free(top->now[view].row);
		free(top->before[view].row);
	}
}

const char *top_space_name(const struct top *top, uint64_t id)
{
	size_t i;

	for (i = 0; i < top->now[TOP_SPACES].n; i++)
		if (top->now[TOP_SPACES].row[i].space == id)
			return top->now[TOP_SPACES].row[i].cell[0].text;
	return "";
}

double top_rate(const struct top *top)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < top->now[TOP_SPACES].n; i++)
		sum += top->now[TOP_SPACES].row[i].cell[2].value;
	return sum;
}
