// SPDX-License-Identifier: GPL-2.0-only
/*
 * See lat.h: the picture. To the right goes the part of the deltas that were done sooner, drawn out towards the slow ones, so that p99 is as far
 * from p90 as that from the start; upwards what they spent in each layer, and below that the same as shares. Every column is a bucket of the whole
 * way's histogram, so layers add up to what the deltas in it really took.
 */
#include <math.h>
#include <stdbool.h>
#include "../text.h"
#include "lat.h"

#define WIDTH		860.0
#define LEFT		78.0
#define RIGHT		24.0
#define TOP		86.0
#define TIMES		270.0	/* height of the upper part */
#define GAP		46.0
#define SHARES		110.0
#define BOTTOM		54.0
#define NAME_WIDTH	50.0	/* percentiles that are closer have no room for their names */

struct scale {
	double decades;		/* how many nines there are to show */
	double most;		/* nanoseconds at the upper edge */
};

static const char *const colours[WAY_LAYERS] = { "#e8a33d", "#4878a8", "#58a182", "#a87bb0", "#d1605e" };

static double x_of(const struct scale *scale, double part)
{
	double nines = part < 1 ? -log10(1 - part) : scale->decades;

	return LEFT + (WIDTH - LEFT - RIGHT) * fmin(nines, scale->decades) / scale->decades;
}

static double y_of(const struct scale *scale, double ns)
{
	return TOP + TIMES * (1 - fmin(ns, scale->most) / scale->most);
}

/* 1, 2 or 5 times a power of ten, so that three to seven lines fit. */
static double step_of(double most)
{
	double step = pow(10, floor(log10(most / 3)));

	return step * 5 <= most / 3 ? step * 5 : step * 2 <= most / 3 ? step * 2 : step;
}

/* The last delta alone would squeeze all others where it took very long; what is cut off there is said. */
static struct scale scale_of(const struct lat *lat)
{
	double deltas = (double)lat_deltas(lat, WAY_TOTAL);
	struct scale scale = { fmax(1, ceil(log10(fmax(deltas, 10)))), 8 };
	unsigned int bucket;

	for (bucket = 0; bucket < WAY_BUCKETS; bucket++)
		if (lat->counts.hist[WAY_TOTAL][bucket])
			scale.most = fmax(scale.most, lat_share(lat, bucket, WAY_TOTAL));
	scale.most = fmin(scale.most * 1.04, fmax(8, 12 * (double)lat_percentile(lat, WAY_TOTAL, 0.99)));
	return scale;
}

/* ----------------------------------------------------------------------------------------------------------------- frame */

static void write_head(FILE *to, const struct lat *lat)
{
	unsigned int layer;
	double x = LEFT;

	fprintf(to, "<svg xmlns='http://www.w3.org/2000/svg' width='%.0f' height='%.0f' viewBox='0 0 %.0f %.0f' font-family='system-ui, sans-serif'>\n",
		WIDTH, TOP + TIMES + GAP + SHARES + BOTTOM, WIDTH, TOP + TIMES + GAP + SHARES + BOTTOM);
	fputs("<style>text { font-size: 12px; fill: #333 } .t { font-size: 17px; font-weight: 600; fill: #222 } .s { fill: #666 }\n"
	      ".g { stroke: #e3e5e8 } .a { stroke: #9aa0a6; fill: none }</style>\n<rect width='100%' height='100%' fill='#fff'/>\n", to);
	fprintf(to, "<text class='t' x='%.0f' y='28'>The way of a delta, %s</text>\n", LEFT, lat->space);
	fprintf(to, "<text class='s' x='%.0f' y='47'>%s deltas in %.1f s: %s on the average, p50 %s, p99 %s", LEFT,
		text_grouped(lat_deltas(lat, WAY_TOTAL)).s, lat->seconds, text_ns((uint64_t)lat_mean(lat, WAY_TOTAL)).s,
		text_ns(lat_percentile(lat, WAY_TOTAL, 0.5)).s, text_ns(lat_percentile(lat, WAY_TOTAL, 0.99)).s);
	fprintf(to, ", p99.9 %s</text>\n", text_ns(lat_percentile(lat, WAY_TOTAL, 0.999)).s);
	for (layer = 0; layer < WAY_LAYERS; layer++, x += 148)
		fprintf(to, "<rect x='%.0f' y='60' width='12' height='12' rx='2' fill='%s'/><text x='%.0f' y='70'>%s <tspan class='s'>%s</tspan></text>\n",
			x, colours[layer], x + 17, lat_names[layer], text_ns((uint64_t)lat_mean(lat, layer)).s);
}

static void write_grid(FILE *to, const struct scale *scale)
{
	double step = step_of(scale->most), ns, y;
	unsigned int i;

	for (ns = 0; ns <= scale->most; ns += step) {
		y = y_of(scale, ns);
		fprintf(to, "<path class='g' d='M%.0f %.1fH%.0f'/><text class='s' text-anchor='end' x='%.0f' y='%.1f'>%s</text>\n", LEFT, y,
			WIDTH - RIGHT, LEFT - 8, y + 4, text_ns((uint64_t)ns).s);
	}
	for (i = 0; i <= 4; i++) {
		y = TOP + TIMES + GAP + SHARES * i / 4;
		fprintf(to, "<path class='g' d='M%.0f %.1fH%.0f'/><text class='s' text-anchor='end' x='%.0f' y='%.1f'>%u %%</text>\n", LEFT, y,
			WIDTH - RIGHT, LEFT - 8, y + 4, 100 - 25 * i);
	}
}

static void write_percentiles(FILE *to, const struct scale *scale)
{
	static const struct { double part; const char *name; } marks[] = {
		{ 0, "fastest" }, { 0.5, "p50" }, { 0.75, "p75" }, { 0.9, "p90" }, { 0.99, "p99" }, { 0.999, "p99.9" }, { 0.9999, "p99.99" },
		{ 0.99999, "p99.999" }, { 0.999999, "p99.9999" }, { 0.9999999, "p99.99999" },
	};
	double bottom = TOP + TIMES + GAP + SHARES, x, last = 0;
	size_t i;

	for (i = 0; i < sizeof(marks) / sizeof(*marks) && -log10(1 - marks[i].part) <= scale->decades - 0.2; i++) {
		x = x_of(scale, marks[i].part);
		if (i && x < last + NAME_WIDTH)
			continue;
		last = x;
		fprintf(to, "<path class='a' stroke-dasharray='2 3' d='M%.1f %.0fV%.0fM%.1f %.0fV%.0f'/>", x, TOP, TOP + TIMES, x, TOP + TIMES + GAP, bottom);
		fprintf(to, "<text class='s' text-anchor='%s' x='%.1f' y='%.0f'>%s</text>\n", i ? "middle" : "start", x, TOP + TIMES + 18, marks[i].name);
		fprintf(to, "<text class='s' text-anchor='%s' x='%.1f' y='%.0f'>%s</text>\n", i ? "middle" : "start", x, bottom + 18, marks[i].name);
	}
	fprintf(to, "<text class='s' text-anchor='end' x='%.0f' y='%.0f'>slowest</text>\n", WIDTH - RIGHT, TOP + TIMES + 18);
	fprintf(to, "<text class='s' text-anchor='end' x='%.0f' y='%.0f'>slowest</text>\n", WIDTH - RIGHT, bottom + 18);
	fprintf(to, "<text class='s' x='%.0f' y='%.0f'>deltas, the fastest first; above: time on the way, below: each layer's share of it</text>\n", LEFT,
		bottom + 40);
}

/* ---------------------------------------------------------------------------------------------------------------- layers */

static double below(const struct lat *lat, unsigned int bucket, unsigned int layer)
{
	double sum = 0;
	unsigned int i;

	for (i = 0; i < layer; i++)
		sum += lat_share(lat, bucket, i);
	return sum;
}

static double height_of(const struct lat *lat, const struct scale *scale, unsigned int bucket, unsigned int layer, bool shares)
{
	double ns = below(lat, bucket, layer), whole = lat_share(lat, bucket, WAY_TOTAL);

	if (!shares)
		return y_of(scale, ns);
	return TOP + TIMES + GAP + SHARES * (1 - (whole > 0 ? ns / whole : 0));
}

/* One column of one layer. They meet without a seam where they are drawn without smoothing. */
static void write_column(FILE *to, const struct lat *lat, const struct scale *scale, unsigned int bucket, const double x[2])
{
	unsigned int layer, shares;
	double y, bottom;

	for (shares = 0; shares < 2; shares++)
		for (layer = 0; layer < WAY_LAYERS; layer++) {
			y = height_of(lat, scale, bucket, layer + 1, shares);
			bottom = height_of(lat, scale, bucket, layer, shares);
			if (bottom - y > 0.02)
				fprintf(to, "<path fill='%s' d='M%.2f %.2fH%.2fV%.2fH%.2fz'/>", colours[layer], x[0], y, x[1], bottom, x[0]);
		}
	fputc('\n', to);
}

static void write_columns(FILE *to, const struct lat *lat, const struct scale *scale)
{
	double deltas = (double)lat_deltas(lat, WAY_TOTAL), seen = 0, x[2];
	unsigned int bucket;

	fputs("<g shape-rendering='crispEdges'>\n", to);
	for (bucket = 0; bucket < WAY_BUCKETS; bucket++) {
		if (!lat->counts.hist[WAY_TOTAL][bucket])
			continue;
		x[0] = x_of(scale, seen / deltas);
		seen += (double)lat->counts.hist[WAY_TOTAL][bucket];
		x[1] = x_of(scale, seen / deltas);
		write_column(to, lat, scale, bucket, x);
		if (lat_share(lat, bucket, WAY_TOTAL) > scale->most)
			fprintf(to, "<text text-anchor='end' x='%.1f' y='%.0f'>%s</text>\n", x[1], TOP - 4, text_ns((uint64_t)lat_share(lat, bucket, WAY_TOTAL)).s);
	}
	fputs("</g>\n", to);
}

void lat_svg(FILE *to, const struct lat *lat)
{
	struct scale scale = scale_of(lat);

	write_head(to, lat);
	write_grid(to, &scale);
	write_columns(to, lat, &scale);
	write_percentiles(to, &scale);
	fputs("</svg>\n", to);
}
