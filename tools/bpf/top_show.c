// SPDX-License-Identifier: GPL-2.0-only
/* See top.h: rows chosen, sorted, and written as plain text and as JSON. */
#include <stdlib.h>
#include <string.h>
#include "../json.h"
#include "../text.h"
#include "top.h"

void top_cell_text(const struct top_column *column, const struct top_cell *cell, char *to, size_t bytes)
{
	switch (column->unit) {
	case TOP_TEXT:
		snprintf(to, bytes, "%s", cell->text[0] ? cell->text : "-");
		break;
	case TOP_WORD:
		snprintf(to, bytes, "%s", cell->number < 3 && column->words[cell->number] ? column->words[cell->number] : "?");
		break;
	case TOP_NUMBER:
		snprintf(to, bytes, "%.0f", cell->value);
		break;
	case TOP_BYTES:
		snprintf(to, bytes, "%s", text_bytes(cell->number).s);
		break;
	case TOP_US:
		snprintf(to, bytes, "%s", text_ns(cell->number * 1000).s);
		break;
	case TOP_NS:
		snprintf(to, bytes, "%s", cell->number ? text_ns(cell->number).s : "-");
		break;
	case TOP_RATE:
		snprintf(to, bytes, "%s", text_rate(cell->value).s);
		break;
	case TOP_PART:
		snprintf(to, bytes, "%.1f%%", 100 * cell->value);
		break;
	}
}

/* ----------------------------------------------------------------------------------------------------------------- order */

struct order {
	int column;
	bool text, reversed;
};

static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct top_row *x = *(const struct top_row *const *)a, *y = *(const struct top_row *const *)b;
	const struct order *order = arg;
	const struct top_cell *p = &x->cell[order->column], *q = &y->cell[order->column];
	int way;

	if (order->text)
		way = strcmp(p->text, q->text);
	else
		way = p->value > q->value ? -1 : p->value < q->value;
	if (!way)	/* those that are equal stay where they are from look to look */
		return x->space != y->space ? (x->space < y->space ? -1 : 1) : (x->id < y->id ? -1 : x->id > y->id);
	return order->reversed ? -way : way;
}

static bool row_matches(const struct top *top, enum top_view view, const struct top_row *row)
{
	const struct top_column *column = top_columns[view];
	char text[80];
	int i;

	if (top->space && view != TOP_POLLERS && row->space != top->space)
		return false;
	if (!top->filter[0])
		return true;
	for (i = 0; i < TOP_COLUMNS && column[i].key; i++) {
		top_cell_text(&column[i], &row->cell[i], text, sizeof(text));
		if ((column[i].unit == TOP_TEXT || column[i].unit == TOP_WORD) && strcasestr(text, top->filter))
			return true;
	}
	return false;
}

const struct top_row **top_sorted(const struct top *top, enum top_view view, size_t *n)
{
	const struct top_table *table = &top->now[view];
	const struct top_row **rows = calloc(table->n + 1, sizeof(const struct top_row *));
	struct order order = { top->sort[view], top_columns[view][top->sort[view]].unit == TOP_TEXT, top->reversed[view] };
	size_t i;

	*n = 0;
	for (i = 0; rows && i < table->n; i++)
		if (row_matches(top, view, &table->row[i]))
			rows[(*n)++] = &table->row[i];
	if (rows)
		qsort_r(rows, *n, sizeof(const struct top_row *), compare_rows, &order);
	return rows;
}

/* ----------------------------------------------------------------------------------------------------------------- print */

static void print_row(const struct top_column *column, const struct top_row *row)
{
	char text[80];
	int i;

	for (i = 0; i < TOP_COLUMNS && column[i].key; i++) {
		if (row)
			top_cell_text(&column[i], &row->cell[i], text, sizeof(text));
		printf("%s%*s", i ? " " : "", column[i].width, row ? text : column[i].title);
	}
	putchar('\n');
}

void top_print(const struct top *top, enum top_view view)
{
	size_t n, i;
	const struct top_row **rows = top_sorted(top, view, &n);

	if (n) {
		print_row(top_columns[view], NULL);
		for (i = 0; i < n; i++)
			print_row(top_columns[view], rows[i]);
		putchar('\n');
	}
	free(rows);
}

/* ------------------------------------------------------------------------------------------------------------------ JSON */

static void json_cell(struct json *json, const struct top_column *column, const struct top_cell *cell)
{
	char key[40];

	if (column->unit == TOP_TEXT) {
		json_string(json, column->key, cell->text);
		return;
	}
	json_u64(json, column->key, cell->number);
	if (column->unit < TOP_RATE)
		return;
	snprintf(key, sizeof(key), "%s_per_s", column->key);
	json_double(json, key, cell->value);
}

static void json_view(struct json *json, const struct top *top, enum top_view view)
{
	const struct top_column *column = top_columns[view];
	size_t n, i;
	const struct top_row **rows = top_sorted(top, view, &n);
	int c;

	json_array(json, top_names[view]);
	for (i = 0; i < n; i++) {
		json_object(json, NULL);
		for (c = 0; c < TOP_COLUMNS && column[c].key; c++)
			json_cell(json, &column[c], &rows[i]->cell[c]);
		json_close(json);
	}
	json_close(json);
	free(rows);
}

void top_json(const struct top *top)
{
	enum top_view view;
	struct json json;

	json_begin(&json, stdout);
	json_double(&json, "seconds", top->elapsed);
	json_string(&json, "without_latency", top->way ? NULL : top->no_way.text);
	json_double(&json, "deltas_per_s", top_rate(top));
	for (view = 0; view < TOP_VIEWS; view++)
		if (view != TOP_HEAT || top->heat)
			json_view(&json, top, view);
	json_end(&json);
}
