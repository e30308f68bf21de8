// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "chart.h"
#include "out.h"
#include "page_html.h"

static const char style[] =
	":root { --fg: #1c2024; --dim: #5f6871; --line: #d9dde2; --bg: #fff; --good: #1a7f4b; --bad: #b35c00 }\n"
	"@media (prefers-color-scheme: dark) { :root { --fg: #e6e8ea; --dim: #9aa3ab; --line: #353b41; --bg: #16191c; --good: #4cc38a; --bad: #e8964a } }\n"
	"body { font: 15px/1.5 system-ui, sans-serif; color: var(--fg); background: var(--bg); max-width: 1000px; margin: 2em auto; padding: 0 1em }\n"
	"h1 { font-size: 1.6em } h2 { font-size: 1.2em; margin-top: 2em } h3 { font-size: 1em; margin: 1.5em 0 .3em }\n"
	"p, .t { color: var(--dim) } table { border-collapse: collapse; font-size: 13px; width: 100% } caption { text-align: left }\n"
	"td, th { border-top: 1px solid var(--line); padding: .25em .6em; text-align: left; vertical-align: top } td.n { text-align: right; white-space: nowrap }\n"
	"svg { width: 100%; height: auto; font: 11px system-ui, sans-serif } .t, .l { fill: var(--dim) } .l { fill: var(--fg) }\n"
	".grid { stroke: var(--line) } .one { stroke: var(--fg); stroke-width: 1.5 } .g { fill: var(--good) } .b { fill: var(--bad) }\n"
	".gs { stroke: var(--good); stroke-width: 2; opacity: .5 } .bs { stroke: var(--bad); stroke-width: 2; opacity: .5 } .miss { color: var(--bad) }\n"
	"polyline { fill: none; stroke-width: 2 }\n";

/* Apart also for who does not tell red from green. */
static const char *const colours[CHART_SERIES] = { "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7a6ff0", "#8a8f98" };

static void write_style(FILE *to)
{
	unsigned int i;

	fprintf(to, "<style>\n%s", style);
	for (i = 0; i < CHART_SERIES; i++)
		fprintf(to, ".c%u { stroke: %s } .d%u { fill: %s }\n", i, colours[i], i, colours[i]);
	fputs("</style>\n", to);
}

#define LABEL_MAX	56u	/* more finds no room beside a chart */

/* -------------------------------------------------------------------------------------------------------------- where */

static void write_fact(FILE *to, const char *name, const char *fact)
{
	if (!fact || !*fact)
		return;
	fprintf(to, "%s ", name);
	html_text(to, fact);
	fputs(" &middot; ", to);
}

static void write_head(FILE *to, const struct machine *machine)
{
	fputs("<h1>What MMSB costs, and what it is worth</h1>\n<p>", to);
	write_fact(to, "CPU", machine->cpu);
	write_fact(to, "memory", machine->memory);
	write_fact(to, "kernel", machine->kernel);
	write_fact(to, "on", machine->os);
	write_fact(to, "compiler", machine->compiler);
	write_fact(to, "revision", machine->revision);
	write_fact(to, "begun", machine->time);
	if (machine->cpus > 0)
		fprintf(to, "%.0f CPUs in use, load %.1f at the beginning</p>\n", machine->cpus, machine->load);
	else
		fputs("where this was measured the file does not say</p>\n", to);
	fputs("<p>Medians of several runs, which took turns with those of what stands beside them. Noisy are figures that were measured while the "
	      "machine did other things. <code>mmsb bench compare</code> tells what changed between two such files.</p>\n", to);
}

/* --------------------------------------------------------------------------------------------------------------- rows */

/* Drawn so that right is better. */
static double turned(const struct figure *figure, double ratio)
{
	return figure->more_is_better ? ratio : 1 / ratio;
}

static void fill_label(struct chart_row *row, const struct figure *figure)
{
	char params[160];

	figure_params(figure, NULL, params, sizeof(params));
	snprintf(row->label, sizeof(row->label), "%s%s %s", figure->name, strcmp(figure->home, "kernel") ? "" : " (kernel)", params);
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

static bool row_of_peer(struct chart_row *row, const struct figure *figure)
{
	if (!figure->against || !(figure->ratio > 0))
		return false;
	fill_label(row, figure);
	snprintf(row->note, sizeof(row->note), "%sx %.40s%s", figure_number(figure->ratio).s, figure->against, figure->noisy ? ", noisy" : "");
	return row_place(row, figure, figure->ratio, figure->ratio_spread);
}

static bool row_of_aim(struct chart_row *row, const struct figure *figure)
{
	bool by_ratio = figure->aim_ratio > 0 && figure->ratio > 0;
	double is = by_ratio ? figure->ratio : figure->value, aim = by_ratio ? figure->aim_ratio : figure->aim;

	if (!(aim > 0) || !(is > 0))
		return false;
	fill_label(row, figure);
	snprintf(row->note, sizeof(row->note), "%s%s, aim %s%s", figure_number(is).s, by_ratio ? "x" : "", figure_number(aim).s, by_ratio ? "x" : "");
	return row_place(row, figure, is / aim, by_ratio ? figure->ratio_spread : figure->spread);
}

static void write_rows(FILE *to, const struct figures *figures, bool (*row_of)(struct chart_row *row, const struct figure *figure),
		       const char *title, const char *axis)
{
	struct chart_row *rows = calloc(figures->n + 1, sizeof(*rows));
	size_t i, n = 0;

	if (!rows)
		return;
	for (i = 0; i < figures->n; i++)
		n += row_of(&rows[n], &figures->list[i]);
	if (n) {
		fprintf(to, "<h2>%s</h2>\n", title);
		chart_rows(to, rows, n, axis);
	}
	free(rows);
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

static void write_family(FILE *to, const struct figures *figures, size_t first, const char *key)
{
	const struct figure *figure = &figures->list[first];
	struct chart_series series[CHART_SERIES];
	size_t i, n = 0, more = 0;
	struct chart_series one;
	double size;

	for (i = first; i < figures->n; i++) {
		if (!alike(figure, &figures->list[i]) || !size_of(&figures->list[i], key, &size) || !gather(figures, i, key, &one) || !rises(&one))
			continue;
		if (n < CHART_SERIES)
			series[n++] = one;
		else
			more++;
	}
	if (!n)
		return;
	fputs("<h3>", to);
	html_text(to, figure->name);
	fputs(", ", to);
	html_text(to, figure->home);
	fputs(" home, by ", to);
	html_text(to, key);
	fputs("</h3>\n", to);
	chart_lines(to, series, n, key, figure->unit);
	if (more)
		fprintf(to, "<p>%zu more such lines are in the table.</p>\n", more);
}

static void write_lines(FILE *to, const struct figures *figures)
{
	const struct figure *figure;
	size_t i, k;

	fputs("<h2>By size</h2>\n", to);
	for (i = 0; i < figures->n; i++) {
		for (k = 0; k < i && !alike(&figures->list[k], &figures->list[i]); k++)
			;
		if (k < i)
			continue;
		figure = &figures->list[i];
		for (k = 0; k < figure->nparams; k++)
			if (figure->params[k].is_number)
				write_family(to, figures, i, figure->params[k].name);
	}
}

/* -------------------------------------------------------------------------------------------------------------- table */

static void write_row(FILE *to, const struct figure *figure)
{
	char params[256];

	figure_params(figure, NULL, params, sizeof(params));
	fputs("<tr><td>", to);
	html_text(to, figure->name);
	fputs("</td><td>", to);
	html_text(to, figure->home);
	fputs("</td><td>", to);
	html_text(to, params);
	fprintf(to, "</td><td class='n'>%s ", figure_number(figure->value).s);
	html_text(to, figure->unit);
	fprintf(to, "</td><td class='n'>");
	if (figure->spread > 0)
		fprintf(to, "&plusmn;%.0f%%", figure->spread * 50);
	fprintf(to, "</td><td>");
	if (figure->against) {
		fprintf(to, "%sx ", figure_number(figure->ratio).s);
		html_text(to, figure->against);
	}
	fprintf(to, "</td><td>");
	if (figure->has_aim)
		fprintf(to, "%s", figure_number(figure->aim).s);
	if (figure->aim_ratio > 0)
		fprintf(to, " %sx", figure_number(figure->aim_ratio).s);
	fprintf(to, "</td><td>%s</td></tr>\n", figure->noisy ? "noisy" : "");
}

static void write_table(FILE *to, const struct figures *figures)
{
	size_t i;

	fputs("<h2>All figures</h2>\n<table>\n<tr><th>name</th><th>home</th><th>parameters</th><th>value</th><th></th><th>beside</th><th>aim</th>"
	      "<th></th></tr>\n", to);
	for (i = 0; i < figures->n; i++)
		write_row(to, &figures->list[i]);
	fputs("</table>\n", to);
}

void page_write(FILE *to, const struct figures *figures)
{
	fputs("<!DOCTYPE html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n<meta name='viewport' content='width=device-width'>\n"
	      "<title>MMSB: what it costs</title>\n", to);
	write_style(to);
	fputs("</head>\n<body>\n", to);
	write_head(to, &figures->machine);
	write_rows(to, figures, row_of_peer, "Beside others", "times as good as what is named at the right; right of 1 is better than it");
	write_rows(to, figures, row_of_aim, "Aims", "how much of its aim it reaches; right of 1 it is reached");
	write_lines(to, figures);
	write_table(to, figures);
	fputs("</body>\n</html>\n", to);
}
