// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include "chart.h"
#include "figures.h"
#include "out.h"

#define WIDTH		1010.0
#define LABELS		330.0	/* of rows, left of the scale */
#define NOTES		320.0	/* right of it */
#define ROW		19.0
#define HEAD		26.0
#define LEFT		64.0	/* of lines */
#define TOP		16.0
#define PLOT_WIDTH	560.0
#define PLOT_HEIGHT	250.0
#define LINE_HEIGHT	(TOP + PLOT_HEIGHT + 46)

struct scale {
	double low, high;	/* logarithms */
	double from, to;	/* where they are drawn */
};

void html_text(FILE *to, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", to);
			break;
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		case '\'':
			fputs("&#39;", to);
			break;
		default:
			putc(*text, to);
		}
	}
}

/* -------------------------------------------------------------------------------------------------------------- looks */

static const char looks[] =
	":root { --fg: #1c2024; --dim: #5f6871; --line: #d9dde2; --bg: #fff; --good: #1a7f4b; --bad: #b35c00 }\n"
	"@media (prefers-color-scheme: dark) { :root { --fg: #e6e8ea; --dim: #9aa3ab; --line: #353b41; --bg: #16191c; --good: #4cc38a; --bad: #e8964a } }\n"
	"svg { width: 100%; height: auto; font: 11px system-ui, sans-serif } .t { fill: var(--dim) } .l { fill: var(--fg) }\n"
	".grid { stroke: var(--line) } .one { stroke: var(--fg); stroke-width: 1.5 } .g { fill: var(--good) } .b { fill: var(--bad) }\n"
	".gs { stroke: var(--good); stroke-width: 2; opacity: .5 } .bs { stroke: var(--bad); stroke-width: 2; opacity: .5 } .miss { color: var(--bad) }\n"
	".ground { fill: var(--bg) } polyline { fill: none; stroke-width: 2 }\n";

/* Apart also for who does not tell red from green. */
static const char *const colours[CHART_SERIES] = { "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7a6ff0", "#8a8f98" };

void chart_style(FILE *to)
{
	unsigned int i;

	fputs(looks, to);
	for (i = 0; i < CHART_SERIES; i++)
		fprintf(to, ".c%u { stroke: %s } .d%u { fill: %s }\n", i, colours[i], i, colours[i]);
}

/* Alone, it brings its style and its ground, and says how large it is. */
static void chart_open(FILE *to, double height, bool alone)
{
	if (!alone) {
		fprintf(to, "<svg viewBox='0 0 %.0f %.0f' role='img'>\n", WIDTH, height);
		return;
	}
	fprintf(to, "<svg xmlns='http://www.w3.org/2000/svg' width='%.0f' height='%.0f' viewBox='0 0 %.0f %.0f' role='img'>\n<style>\n", WIDTH, height,
		WIDTH, height);
	chart_style(to);
	fprintf(to, "</style>\n<rect class='ground' width='%.0f' height='%.0f'/>\n", WIDTH, height);
}

/* ------------------------------------------------------------------------------------------------------------- scales */

static void scale_take(struct scale *scale, double value)
{
	double at = log10(value);

	scale->low = fmin(scale->low, at);
	scale->high = fmax(scale->high, at);
}

static double scale_at(const struct scale *scale, double value)
{
	return scale->from + (log10(value) - scale->low) / (scale->high - scale->low) * (scale->to - scale->from);
}

/* Room around, and never nothing at all. */
static void scale_widen(struct scale *scale)
{
	double by = fmax(0.06 * (scale->high - scale->low), 0.04);

	scale->low -= by;
	scale->high += by;
}

/* The n-th mark: 1, 2 and 5 in each decade, or only 1 where there are many. False: it is beyond the end. */
static bool scale_mark(const struct scale *scale, int n, double *value)
{
	static const double steps[] = { 1, 2, 5 };
	bool wide = scale->high - scale->low > 3;
	double decade = floor(scale->low) + (wide ? n : n / 3);

	*value = pow(10, decade) * (wide ? 1 : steps[n % 3]);
	return log10(*value) <= scale->high;
}

static void vertical(FILE *to, const struct scale *scale, double value, double top, double bottom, const char *class)
{
	double x = scale_at(scale, value);

	fprintf(to, "<line class='%s' x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f'/>", class, x, x, top, bottom);
	fprintf(to, "<text class='t' x='%.1f' y='%.1f' text-anchor='middle'>%s</text>\n", x, bottom + 14, figure_number(value).s);
}

/* --------------------------------------------------------------------------------------------------------------- rows */

static void row_draw(FILE *to, const struct scale *scale, const struct chart_row *row, double y)
{
	fprintf(to, "<g><title>");
	html_text(to, row->label);
	fprintf(to, ": ");
	html_text(to, row->note);
	fprintf(to, "</title><text class='l' x='%.0f' y='%.1f' text-anchor='end'>", LABELS - 8, y + 4);
	html_text(to, row->label);
	fprintf(to, "</text><line class='%s' x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f'/>", row->good ? "gs" : "bs", scale_at(scale, row->low),
		scale_at(scale, row->high), y, y);
	fprintf(to, "<circle class='%s' cx='%.1f' cy='%.1f' r='4.5'/>", row->good ? "g" : "b", scale_at(scale, row->at), y);
	fprintf(to, "<text class='t' x='%.0f' y='%.1f'>", WIDTH - NOTES + 8, y + 4);
	html_text(to, row->note);
	fprintf(to, "</text></g>\n");
}

void chart_rows(FILE *to, const struct chart_row *rows, size_t n, const char *axis, bool alone)
{
	struct scale scale = { .low = 0, .high = 0, .from = LABELS, .to = WIDTH - NOTES };
	double bottom = HEAD + ROW * (double)n, value;
	size_t i;
	int mark;

	for (i = 0; i < n; i++) {
		scale_take(&scale, rows[i].low);
		scale_take(&scale, rows[i].high);
	}
	scale_widen(&scale);
	chart_open(to, bottom + 24, alone);
	fprintf(to, "<text class='t' x='%.0f' y='14'>", LABELS);
	html_text(to, axis);
	fputs("</text>\n", to);
	for (mark = 0; scale_mark(&scale, mark, &value); mark++)
		if (log10(value) >= scale.low)
			vertical(to, &scale, value, HEAD - 6, bottom, fabs(value - 1) < 1e-9 ? "one" : "grid");
	for (i = 0; i < n; i++)
		row_draw(to, &scale, &rows[i], HEAD + ROW * ((double)i + 0.5));
	fputs("</svg>\n", to);
}

/* -------------------------------------------------------------------------------------------------------------- lines */

static void scales_of(const struct chart_series *series, size_t n, struct scale *x, struct scale *y)
{
	size_t i, k;

	*x = (struct scale){ .low = INFINITY, .high = -INFINITY, .from = LEFT, .to = LEFT + PLOT_WIDTH };
	*y = (struct scale){ .low = INFINITY, .high = -INFINITY, .from = TOP + PLOT_HEIGHT, .to = TOP };
	for (i = 0; i < n; i++) {
		for (k = 0; k < series[i].n; k++) {
			scale_take(x, series[i].x[k]);
			scale_take(y, series[i].y[k]);
		}
	}
	scale_widen(x);
	scale_widen(y);
}

static void line_draw(FILE *to, const struct chart_series *series, const struct scale *x, const struct scale *y, size_t number)
{
	double legend = TOP + 8 + 17 * (double)number;
	size_t k;

	fprintf(to, "<polyline class='c%zu' points='", number);
	for (k = 0; k < series->n; k++)
		fprintf(to, "%.1f,%.1f ", scale_at(x, series->x[k]), scale_at(y, series->y[k]));
	fputs("'/>", to);
	for (k = 0; k < series->n; k++)
		fprintf(to, "<circle class='d%zu' cx='%.1f' cy='%.1f' r='3'><title>%s: %s</title></circle>", number, scale_at(x, series->x[k]),
			scale_at(y, series->y[k]), figure_number(series->x[k]).s, figure_number(series->y[k]).s);
	fprintf(to, "<circle class='d%zu' cx='%.0f' cy='%.1f' r='4'/><text class='t' x='%.0f' y='%.1f'>", number, LEFT + PLOT_WIDTH + 18, legend,
		LEFT + PLOT_WIDTH + 28, legend + 4);
	html_text(to, series->label);
	fputs("</text>\n", to);
}

static void axes_draw(FILE *to, const struct chart_series *first, const struct scale *x, const struct scale *y)
{
	double value;
	size_t k;
	int mark;

	for (k = 0; k < first->n; k++)
		vertical(to, x, first->x[k], TOP, TOP + PLOT_HEIGHT, "grid");
	for (mark = 0; scale_mark(y, mark, &value); mark++) {
		if (log10(value) < y->low)
			continue;
		fprintf(to, "<line class='grid' x1='%.0f' x2='%.0f' y1='%.1f' y2='%.1f'/>", LEFT, LEFT + PLOT_WIDTH, scale_at(y, value),
			scale_at(y, value));
		fprintf(to, "<text class='t' x='%.0f' y='%.1f' text-anchor='end'>%s</text>\n", LEFT - 6, scale_at(y, value) + 4,
			figure_number(value).s);
	}
}

void chart_lines(FILE *to, const struct chart_series *series, size_t n, const char *x_name, const char *y_name, bool alone)
{
	struct scale x, y;
	size_t i;

	scales_of(series, n, &x, &y);
	chart_open(to, LINE_HEIGHT, alone);
	fputs("<text class='t' x='4' y='11'>", to);
	html_text(to, y_name);
	fprintf(to, "</text><text class='t' x='%.0f' y='%.0f' text-anchor='middle'>", LEFT + PLOT_WIDTH / 2, TOP + PLOT_HEIGHT + 36);
	html_text(to, x_name);
	fputs("</text>\n", to);
	axes_draw(to, series, &x, &y);
	for (i = 0; i < n; i++)
		line_draw(to, &series[i], &x, &y, i);
	fputs("</svg>\n", to);
}
