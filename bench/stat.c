// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include "stat.h"

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Between the two neighbours of the place asked for. */
static double quantile(const double *sorted, unsigned int n, double share)
{
	double at = share * (n - 1);
	unsigned int below = (unsigned int)at;

	if (below + 1 >= n)
		return sorted[n - 1];
	return sorted[below] + (sorted[below + 1] - sorted[below]) * (at - below);
}

struct stat_of stat_of(const double *values, unsigned int n)
{
	struct stat_of stat = { 0 };
	double sorted[STAT_MAX];

	if (!n)
		return stat;
	memcpy(sorted, values, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	stat.median = quantile(sorted, n, 0.5);
	if (stat.median != 0)
		stat.spread = (quantile(sorted, n, 0.75) - quantile(sorted, n, 0.25)) / stat.median;
	return stat;
}
