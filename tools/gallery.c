// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "chart.h"
#include "gallery.h"
#include "out.h"

#define LABEL_MAX	48u	/* more finds no room beside a chart */

/* --------------------------------------------------------------------------------------------------------------- rows */

/* Drawn so that right is better. */
static double turned(const struct figure *figure, double ratio)
{
	return figure->more_is_better ? ratio : 1 / ratio;
}

/* What all of that name have in common is in the table. */
static void fill_label(struct chart_row *row, const struct figures *figures, const struct figure *figure)
{
	char params[160];

	figure_params_telling(figures, figure, params, sizeof(params));
	snprintf(row->label, sizeof(row->label), "%s%s%s%s", figure->name, strcmp(figure->home, "kernel") ? "" : " (kernel)", *params ? " " : "",
		 params);
	if (strlen(row->label) > LABEL_MAX)
		strcpy(row->label + LABEL_MAX - 3, "...");
}

/* Around where it lies, as far as it scatters. False: it cannot be drawn. */
static bool row_place(struct chart_row *row, const struct figure *figure, double part, double spread)
{
	row->at = turned(figure, part);
	row->low = row->at / (1 + spread / 2);
	row->high = row->at * (1 + spread / 2);
	row->good = row->at >= 1;
	return row->low > 0 && isfinite(row->high);
}

static bool has_peer(struct chart_row *row, const struct figures *figures, const struct figure *figure)
{
	if (!figure->against || !(figure->ratio > 0))
		return false;
	fill_label(row, figures, figure);
	snprintf(row->note, sizeof(row->note), "%sx %.40s%s", figure_number(figure->ratio).s, figure->against, figure->noisy ? ", noisy" : "");
	return row_place(row, figure, figure->ratio, figure->ratio_spread);
}

static bool is_of_store(const struct figure *figure)
{
	return !strncmp(figure->name, "peer_", strlen("peer_"));
}

static bool row_of_store(struct chart_row *row, const struct figures *figures, const struct figure *figure)
{
	return is_of_store(figure) && has_peer(row, figures, figure);
}

static bool row_of_peer(struct chart_row *row, const struct figures *figures, const struct figure *figure)
{
	return !is_of_store(figure) && has_peer(row, figures, figure);
}

static bool row_of_aim(struct chart_row *row, const struct figures *figures, const struct figure *figure)
{
	bool by_ratio = figure->aim_ratio > 0 && figure->ratio > 0;
	double is = by_ratio ? figure->ratio : figure->value, aim = by_ratio ? figure->aim_ratio : figure->aim;

	if (!(aim > 0) || !(is > 0))
		return false;
	fill_label(row, figures, figure);
	snprintf(row->note, sizeof(row->note), "%s%s, aim %s%s", figure_number(is).s, by_ratio ? "x" : "", figure_number(aim).s, by_ratio ? "x" : "");
	return row_place(row, figure, is / aim, by_ratio ? figure->ratio_spread : figure->spread);
}

typedef bool row_of(struct chart_row *row, const struct figures *figures, const struct figure *figure);

static const struct rows {
	const char *name, *title, *axis;
	row_of *row_of;
} rows_of[DRAW_SIZES] = {
	[DRAW_STORES] = { "stores", "Beside other stores", "times as fast as what is named at the right; right of 1 is faster than it", row_of_store },
	[DRAW_PEERS] = { "beside", "Beside others", "times as good as what is named at the right; right of 1 is better than it", row_of_peer },
	[DRAW_AIMS] = { "aims", "Aims", "how much of its aim it reaches; right of 1 it is reached", row_of_aim },
};

static bool has_rows(const struct figures *figures, row_of *row_of)
{
	struct chart_row row;
	size_t i;

	for (i = 0; i < figures->n; i++)
		if (row_of(&row, figures, &figures->list[i]))
			return true;
	return false;
}

static bool draw_rows(FILE *to, const struct figures *figures, row_of *row_of, const char *axis, bool alone)
{
	struct chart_row *rows = calloc(figures->n + 1, sizeof(*rows));
	size_t i, n = 0;

	if (!rows)
		return false;
	for (i = 0; i < figures->n; i++)
		n += row_of(&rows[n], figures, &figures->list[i]);
	chart_rows(to, rows, n, axis, alone);
	free(rows);
	return true;
}

/* -------------------------------------------------------------------------------------------------------------- lines */

static bool size_of(const struct figure *figure, const char *key, double *size)
{
	const struct figure_param *param = figure_param(figure, key);

	*size = param ? param->number : 0;
	return param && param->is_number && *size > 0 && figure->value > 0;
}

static bool alike(const struct figure *a, const struct figure *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->home, b->home) && !strcmp(a->unit, b->unit);
}

static void series_put(struct chart_series *series, double x, double y)
{
	size_t at = series->n;

	if (at == CHART_POINTS)
		return;
	for (; at && series->x[at - 1] > x; at--) {
		series->x[at] = series->x[at - 1];
		series->y[at] = series->y[at - 1];
	}
	series->x[at] = x;
	series->y[at] = y;
	series->n++;
}

/* What differs from that figure in the size of that name alone. False: some figure before it gave the same. */
static bool gather(const struct figures *figures, size_t first, const char *key, struct chart_series *series)
{
	char mine[160], other[160];
	double size;
	size_t i;

	series->n = 0;
	figure_params(&figures->list[first], key, mine, sizeof(mine));
	snprintf(series->label, sizeof(series->label), "%.60s", *mine ? mine : figures->list[first].name);
	for (i = 0; i < figures->n; i++) {
		if (!alike(&figures->list[first], &figures->list[i]) || !size_of(&figures->list[i], key, &size))
			continue;
		figure_params(&figures->list[i], key, other, sizeof(other));
		if (strcmp(mine, other))
			continue;
		if (i < first)
			return false;
		series_put(series, size, figures->list[i].value);
	}
	return true;
}

static bool rises(const struct chart_series *series)
{
	size_t i;

	for (i = 1; i < series->n; i++)
		if (series->x[i] <= series->x[i - 1])
			return false;
	return series->n >= 3;
}

/* Lines that rise through sizes of that name, of the figures like the first; `more`: so many that are not drawn. */
static size_t family_of(const struct figures *figures, size_t first, const char *key, struct chart_series *series, size_t *more)
{
	struct chart_series one;
	size_t i, n = 0;
	double size;

	*more = 0;
	for (i = first; i < figures->n; i++) {
		if (!alike(&figures->list[first], &figures->list[i]) || !size_of(&figures->list[i], key, &size) || !gather(figures, i, key, &one) ||
		    !rises(&one))
			continue;
		if (n < CHART_SERIES)
			series[n++] = one;
		else
			++*more;
	}
	return n;
}

/* ------------------------------------------------------------------------------------------------------------ gallery */

static bool gallery_put(struct gallery *gallery, const struct drawing *drawing)
{
	struct drawing *more = realloc(gallery->list, (gallery->n + 1) * sizeof(*more));

	if (!more)
		return false;
	gallery->list = more;
	more[gallery->n++] = *drawing;
	return true;
}

static bool gallery_families(struct gallery *gallery, const struct figures *figures, size_t first)
{
	const struct figure *figure = &figures->list[first];
	struct drawing drawing = { .what = DRAW_SIZES };
	struct chart_series series[CHART_SERIES];
	size_t k, more;

	for (k = 0; k < first; k++)
		if (alike(&figures->list[k], figure))
			return true;
	for (k = 0; k < figure->nparams; k++) {
		if (!figure->params[k].is_number || !family_of(figures, first, figure->params[k].name, series, &more))
			continue;
		drawing.first = first;
		drawing.key = figure->params[k].name;
		drawing.more = more;
		if (!gallery_put(gallery, &drawing))
			return false;
	}
	return true;
}

bool gallery_of(const struct figures *figures, struct gallery *gallery)
{
	bool done = true;
	size_t i;

	*gallery = (struct gallery){ .figures = figures };
	for (i = 0; done && i < DRAW_SIZES; i++)
		if (has_rows(figures, rows_of[i].row_of))
			done = gallery_put(gallery, &(struct drawing){ .what = (enum drawing_what)i });
	for (i = 0; done && i < figures->n; i++)
		done = gallery_families(gallery, figures, i);
	if (!done)
		gallery_free(gallery);
	return done;
}

void gallery_free(struct gallery *gallery)
{
	free(gallery->list);
	*gallery = (struct gallery){ 0 };
}

/* One word. */
void drawing_name(const struct gallery *gallery, const struct drawing *drawing, char *name, size_t bytes)
{
	const struct figure *figure = &gallery->figures->list[drawing->first];

	if (drawing->what == DRAW_SIZES)
		snprintf(name, bytes, "%s%s:%s", figure->name, strcmp(figure->home, "kernel") ? "" : "@kernel", drawing->key);
	else
		snprintf(name, bytes, "%s", rows_of[drawing->what].name);
	for (; *name; name++)
		if (*name == ' ')
			*name = '-';
}

void drawing_title(const struct gallery *gallery, const struct drawing *drawing, char *title, size_t bytes)
{
	const struct figure *figure = &gallery->figures->list[drawing->first];

	if (drawing->what == DRAW_SIZES)
		snprintf(title, bytes, "%s, %s home, by %s", figure->name, figure->home, drawing->key);
	else
		snprintf(title, bytes, "%s", rows_of[drawing->what].title);
}

const struct drawing *gallery_find(const struct gallery *gallery, const char *name)
{
	char its[256];
	size_t i;

	for (i = 0; i < gallery->n; i++) {
		drawing_name(gallery, &gallery->list[i], its, sizeof(its));
		if (!strcmp(its, name))
			return &gallery->list[i];
	}
	return NULL;
}

bool drawing_write(FILE *to, const struct gallery *gallery, const struct drawing *drawing, bool alone)
{
	struct chart_series series[CHART_SERIES];
	size_t n, more;

	if (drawing->what != DRAW_SIZES)
		return draw_rows(to, gallery->figures, rows_of[drawing->what].row_of, rows_of[drawing->what].axis, alone);
	n = family_of(gallery->figures, drawing->first, drawing->key, series, &more);
	chart_lines(to, series, n, drawing->key, gallery->figures->list[drawing->first].unit, alone);
	return true;
}
