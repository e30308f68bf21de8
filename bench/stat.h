/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of several measurements: the one in the middle, and how far apart the middle half of them lies. Means and extremes would tell of
 * the host's other guests.
 */
#ifndef BENCH_STAT_H
#define BENCH_STAT_H

#define STAT_MAX	64u

struct stat_of {
	double median;
	double spread;		/* distance of the quartiles, as a part of the median */
};

struct stat_of stat_of(const double *values, unsigned int n);

#endif
