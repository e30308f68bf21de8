/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Charts as SVG, within a page of HTML or alone, as a file that is shown anywhere. Scales are logarithmic: what is told are ratios, and sizes
 * that double.
 */
#ifndef CHART_H
#define CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

void chart_style(FILE *to);	/* of a page: what its charts look like, and its colours, which change in the dark */

/* A dot a row on one scale, with a line at 1: right of it is better. */
struct chart_row {
	char label[160], note[160];
	double at, low, high;	/* all above 0 and finite, as are those below */
	bool good;
};

void chart_rows(FILE *to, const struct chart_row *rows, size_t n, const char *axis, bool alone);

/* Lines over one scale of sizes. */
#define CHART_POINTS	24u
#define CHART_SERIES	8u

struct chart_series {
	char label[160];
	size_t n;
	double x[CHART_POINTS], y[CHART_POINTS];	/* x rising; all above 0 */
};

void chart_lines(FILE *to, const struct chart_series *series, size_t n, const char *x_name, const char *y_name,
		 bool alone);

void html_text(FILE *to, const char *text);	/* with what HTML takes for itself written otherwise */

#endif
