/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mmsb-top: tables of what is going on in the kernel home, again and again.
 *
 * A view is a list of columns, and a column says from which attribute of netlink's it comes and how it is shown, so that gathering, sorting,
 * filtering, the screen, plain text and JSON are each written once, for all views. What rises is kept as the counter that it is, and shown as
 * a rate. Two columns come from BPF, and are empty where that may not be had: latencies of spaces, and the whole view of hot pages.
 */
#ifndef TOP_H
#define TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "../hist.h"
#include "../nlc.h"
#include "tracing.h"

enum top_view { TOP_SPACES, TOP_RINGS, TOP_SHARDS, TOP_POLLERS, TOP_HEAT, TOP_LAYERS, TOP_VIEWS };

enum top_unit {
	TOP_TEXT,
	TOP_WORD,	/* a number that stands for one of `words` */
	TOP_NUMBER,
	TOP_BYTES,
	TOP_US,
	TOP_NS,
	TOP_RATE,	/* of a counter, a second */
	TOP_PART,	/* of a counter of nanoseconds: of the time that went by */
};

#define TOP_COLUMNS	14

struct top_column {
	const char *title, *key;	/* key: in JSON. NULL: there are no more columns */
	int width;
	enum top_unit unit;
	int attr;			/* 0: it comes from elsewhere */
	const char *const *words;
};

struct top_cell {
	char text[64];
	uint64_t number;		/* what was read */
	double value;			/* what is shown */
};

struct top_row {
	uint64_t space, id;
	struct top_cell cell[TOP_COLUMNS];
};

struct top_table {
	struct top_row *row;
	size_t n, room;
};

struct top_past {
	uint64_t space;
	struct hist hist;
};

#define TOP_PASTS	64

struct top {
	struct nlc nl;
	struct way *way;
	struct heat *heat;
	struct why no_way, no_heat;	/* why there are none */
	struct top_table now[TOP_VIEWS], before[TOP_VIEWS];
	struct way_space counts;
	struct top_past past[TOP_PASTS];
	double at, elapsed;		/* seconds: of the last look, and since the one before that; 0: there was none */
	/* what is shown */
	enum top_view view;
	uint64_t space;			/* only that one's; 0: all */
	char filter[32];
	int sort[TOP_VIEWS];
	bool reversed[TOP_VIEWS];
};

extern const struct top_column top_columns[TOP_VIEWS][TOP_COLUMNS];
extern const char *const top_names[TOP_VIEWS];

/* Looks at everything; 0 or what netlink said. */
int top_look(struct top *top);
void top_want_heat(struct top *top, bool wanted);
void top_free(struct top *top);

/* The rows of the view that pass the filter, sorted; to be freed. */
const struct top_row **top_sorted(const struct top *top, enum top_view view, size_t *n);

const char *top_space_name(const struct top *top, uint64_t id);
double top_rate(const struct top *top);			/* deltas a second, of all spaces */
void top_cell_text(const struct top_column *column, const struct top_cell *cell, char *to, size_t bytes);

void top_print(const struct top *top, enum top_view view);	/* as plain text */
void top_json(const struct top *top);

/* Until it is left, or has shown so many looks (0: without end). */
int top_screen(struct top *top, uint64_t interval_ns, uint64_t count);

#endif
