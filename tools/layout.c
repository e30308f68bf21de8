// SPDX-License-Identifier: GPL-2.0-only
/* See layout.h. */
#include <stdlib.h>
#include <string.h>
#include "layout.h"

#define BENDS_MAX	20000u	/* more than that would take long; edges are then drawn straight */
#define SWEEPS		12
#define SHIFTS		30
#define ROW_LEAST	12u	/* pages that go into a row at least before there is a second one */
#define PAGE_ROOM	(LAYOUT_BOX_WIDTH + 28)
#define BEND_ROOM	18.0
#define ROW_ROOM	(LAYOUT_BOX_HEIGHT + 34)
#define LAYER_ROOM	(LAYOUT_BOX_HEIGHT + 62)

static bool is_page(const struct graph *graph, uint32_t item)
{
	return item < graph->nodes;
}

/* ------------------------------------------------------------------------------------------------------------ layers */

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Heights that no page here has are left out. */
static bool choose_layers(struct layout *layout, const struct graph *graph, uint32_t *layer)
{
	uint32_t *heights = calloc(graph->nodes + 1, sizeof(*heights)), n = 0, i;

	if (!heights)
		return false;
	for (i = 0; i < graph->nodes; i++)
		heights[i] = graph->node[i].height;
	qsort(heights, graph->nodes, sizeof(*heights), by_number);
	for (i = 0; i < graph->nodes; i++)
		if (!n || heights[n - 1] != heights[i])
			heights[n++] = heights[i];
	for (i = 0; i < graph->nodes; i++) {
		uint32_t *found = bsearch(&graph->node[i].height, heights, n, sizeof(*heights), by_number);

		layer[i] = (uint32_t)(found - heights);
	}
	layout->rows = n;
	free(heights);
	return true;
}

/* While it was read the graph may have changed, so that an edge leads up: then it has no bends. */
static uint32_t span(const struct graph_edge *edge, const uint32_t *layer)
{
	return layer[edge->to] > layer[edge->from] + 1 ? layer[edge->to] - layer[edge->from] - 1 : 0;
}

static bool make_items(struct layout *layout, const struct graph *graph, const uint32_t *layer)
{
	uint64_t bends = 0;
	uint32_t i, j;

	for (i = 0; i < graph->edges; i++)
		bends += span(&graph->edge[i], layer);
	layout->items = graph->nodes + (bends > BENDS_MAX ? 0 : (uint32_t)bends);
	layout->item = calloc(layout->items + 1, sizeof(*layout->item));
	layout->bend = calloc(graph->edges + 1, sizeof(*layout->bend));
	if (!layout->item || !layout->bend)
		return false;
	for (i = 0; i < graph->nodes; i++)
		layout->item[i].layer = layer[i];
	layout->bend[0] = graph->nodes;
	for (i = 0; i < graph->edges; i++) {
		layout->bend[i + 1] = layout->bend[i] + (bends > BENDS_MAX ? 0 : span(&graph->edge[i], layer));
		for (j = layout->bend[i]; j < layout->bend[i + 1]; j++)
			layout->item[j].layer = layer[graph->edge[i].from] + 1 + j - layout->bend[i];
	}
	return true;
}

/* -------------------------------------------------------------------------------------------------------- neighbours */

/* The i-th stop of an edge on its way: its parent, its bends, its child. */
static uint32_t stop(const struct layout *layout, const struct graph *graph, uint32_t edge, uint32_t i)
{
	if (!i)
		return graph->edge[edge].from;
	return layout->bend[edge] + i - 1 < layout->bend[edge + 1] ? layout->bend[edge] + i - 1 : graph->edge[edge].to;
}

static uint32_t steps(const struct layout *layout, uint32_t edge)
{
	return layout->bend[edge + 1] - layout->bend[edge] + 1;
}

static bool make_near(struct layout *layout, const struct graph *graph)
{
	uint32_t *first = calloc(layout->items + 2, sizeof(*first)), edge, i;

	layout->near_first = first;
	layout->near = calloc(2 * ((size_t)graph->edges + layout->items) + 1, sizeof(*layout->near));
	if (!first || !layout->near)
		return false;
	for (edge = 0; edge < graph->edges; edge++) {
		for (i = 0; i < steps(layout, edge); i++) {
			first[stop(layout, graph, edge, i) + 2]++;
			first[stop(layout, graph, edge, i + 1) + 2]++;
		}
	}
	for (i = 2; i < layout->items + 2; i++)
		first[i] += first[i - 1];
	for (edge = 0; edge < graph->edges; edge++) {
		for (i = 0; i < steps(layout, edge); i++) {
			uint32_t a = stop(layout, graph, edge, i), b = stop(layout, graph, edge, i + 1);

			layout->near[first[a + 1]++] = b;
			layout->near[first[b + 1]++] = a;
		}
	}
	return true;
}

/* ------------------------------------------------------------------------------------------------------------- order */

static bool make_rows(struct layout *layout)
{
	uint32_t *first = calloc(layout->rows + 2, sizeof(*first)), i;

	layout->row_first = first;
	layout->row = calloc(layout->items + 1, sizeof(*layout->row));
	if (!first || !layout->row)
		return false;
	for (i = 0; i < layout->items; i++)
		first[layout->item[i].layer + 2]++;
	for (i = 2; i < layout->rows + 2; i++)
		first[i] += first[i - 1];
	for (i = 0; i < layout->items; i++) {
		layout->item[i].at = first[layout->item[i].layer + 1] - first[layout->item[i].layer];
		layout->row[first[layout->item[i].layer + 1]++] = i;
	}
	return true;
}

static const struct layout *sorted;	/* for the comparison; qsort() has no argument to pass */

static int by_key(const void *a, const void *b)
{
	const struct layout_item *x = &sorted->item[*(const uint32_t *)a], *y = &sorted->item[*(const uint32_t *)b];

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* From 0 to 1, so that layers of different sizes compare. */
static double place_in_row(const struct layout *layout, uint32_t item)
{
	uint32_t layer = layout->item[item].layer;

	return (layout->item[item].at + 0.5) / (layout->row_first[layer + 1] - layout->row_first[layer]);
}

static double mean_place(const struct layout *layout, uint32_t item, bool above)
{
	uint32_t layer = layout->item[item].layer, n = 0, i;
	double sum = 0;

	for (i = layout->near_first[item]; i < layout->near_first[item + 1]; i++) {
		uint32_t other = layout->item[layout->near[i]].layer;

		if (above ? other < layer : other > layer) {
			sum += place_in_row(layout, layout->near[i]);
			n++;
		}
	}
	return n ? sum / n : place_in_row(layout, item);
}

static void sort_layer(struct layout *layout, uint32_t layer, bool above)
{
	uint32_t first = layout->row_first[layer], end = layout->row_first[layer + 1], i;

	for (i = first; i < end; i++)
		layout->item[layout->row[i]].key = mean_place(layout, layout->row[i], above);
	sorted = layout;
	qsort(&layout->row[first], end - first, sizeof(*layout->row), by_key);
	for (i = first; i < end; i++)
		layout->item[layout->row[i]].at = i - first;
}

static void sweep(struct layout *layout)
{
	uint32_t i, layer;

	for (i = 0; i < SWEEPS; i++) {
		for (layer = 1; layer < layout->rows; layer++)
			sort_layer(layout, layer, true);
		for (layer = layout->rows; layer-- > 1;)
			sort_layer(layout, layer - 1, false);
	}
}

/* ---------------------------------------------------------------------------------------------- rows, and places in them */

static uint32_t pages_a_row(uint32_t pages)
{
	uint32_t most = ROW_LEAST;

	while (most * most < 2 * pages)
		most++;
	pages = pages ? pages : 1;
	return (pages + (pages - 1) / most) / ((pages - 1) / most + 1);
}

/* Cuts one layer into rows, which begin at `first` in the list of rows; returns how many. */
static uint32_t cut_layer(struct layout *layout, const struct graph *graph, uint32_t layer, uint32_t *first, double *y)
{
	uint32_t at = layout->row_first[layer], end = layout->row_first[layer + 1], pages = 0, rows = 1, here = 0, most, i;

	for (i = at; i < end; i++)
		pages += is_page(graph, layout->row[i]);
	most = pages_a_row(pages);
	first[0] = at;
	for (i = at; i < end; i++) {
		if (is_page(graph, layout->row[i]) && here++ == most) {
			first[rows++] = i;
			here = 1;
			*y += ROW_ROOM;
		}
		layout->item[layout->row[i]].y = *y;
	}
	*y += LAYER_ROOM;
	return rows;
}

static bool cut_rows(struct layout *layout, const struct graph *graph)
{
	uint32_t *first = calloc(layout->items + layout->rows + 1, sizeof(*first)), rows = 0, layer;
	double y = LAYOUT_BOX_HEIGHT / 2;

	if (!first)
		return false;
	for (layer = 0; layer < layout->rows; layer++)
		rows += cut_layer(layout, graph, layer, &first[rows], &y);
	first[rows] = layout->items;
	free(layout->row_first);
	layout->row_first = first;
	layout->rows = rows;
	layout->height = y - LAYER_ROOM + LAYOUT_BOX_HEIGHT / 2;
	return true;
}

static double room(const struct graph *graph, uint32_t item)
{
	return is_page(graph, item) ? PAGE_ROOM : BEND_ROOM;
}

static double apart(const struct layout *layout, const struct graph *graph, uint32_t i)
{
	return (room(graph, layout->row[i - 1]) + room(graph, layout->row[i])) / 2;
}

static void pack_row(struct layout *layout, const struct graph *graph, uint32_t row)
{
	uint32_t first = layout->row_first[row], end = layout->row_first[row + 1], i;
	double x = 0;

	for (i = first; i < end; i++) {
		x += i > first ? apart(layout, graph, i) : 0;
		layout->item[layout->row[i]].x = x;
	}
	for (i = first; i < end; i++)
		layout->item[layout->row[i]].x -= x / 2;
}

static double mean_x(const struct layout *layout, uint32_t item)
{
	uint32_t first = layout->near_first[item], end = layout->near_first[item + 1], i;
	double sum = 0;

	for (i = first; i < end; i++)
		sum += layout->item[layout->near[i]].x;
	return end > first ? sum / (end - first) : layout->item[item].x;
}

/*
 * Where all want to be, once pushing to the right what would overlap and once to the left. Both keep the distances, so does their
 * mean.
 */
static void shift_row(struct layout *layout, const struct graph *graph, uint32_t row)
{
	uint32_t first = layout->row_first[row], end = layout->row_first[row + 1], i;
	struct layout_item *item = layout->item;
	const uint32_t *at = layout->row;

	for (i = first; i < end; i++)
		item[at[i]].key = mean_x(layout, at[i]);
	item[at[first]].x = item[at[first]].key;
	for (i = first + 1; i < end; i++) {
		double least = item[at[i - 1]].x + apart(layout, graph, i);

		item[at[i]].x = item[at[i]].key > least ? item[at[i]].key : least;
	}
	for (i = end - 1; i-- > first;) {
		double most = item[at[i + 1]].key - apart(layout, graph, i + 1);

		item[at[i]].key = item[at[i]].key < most ? item[at[i]].key : most;
	}
	for (i = first; i < end; i++)
		item[at[i]].x = (item[at[i]].x + item[at[i]].key) / 2;
}

static void place(struct layout *layout, const struct graph *graph)
{
	double least = 1e18, most = -1e18;
	uint32_t i, row;

	for (row = 0; row < layout->rows; row++)
		pack_row(layout, graph, row);
	for (i = 0; i < SHIFTS; i++)
		for (row = 0; row < layout->rows; row++)
			shift_row(layout, graph, i & 1 ? layout->rows - 1 - row : row);
	for (i = 0; i < layout->items; i++) {
		double half = is_page(graph, i) ? LAYOUT_BOX_WIDTH / 2 : 0, x = layout->item[i].x;

		least = x - half < least ? x - half : least;
		most = x + half > most ? x + half : most;
	}
	for (i = 0; i < layout->items; i++)
		layout->item[i].x -= least;
	layout->width = layout->items ? most - least : 0;
}

bool layout_make(struct layout *layout, const struct graph *graph)
{
	uint32_t *layer = calloc(graph->nodes + 1, sizeof(*layer));
	bool made;

	*layout = (struct layout){ 0 };
	made = layer && choose_layers(layout, graph, layer) && make_items(layout, graph, layer) && make_near(layout, graph) &&
	       make_rows(layout);
	free(layer);
	if (!made)
		return false;
	sweep(layout);
	if (!cut_rows(layout, graph))
		return false;
	place(layout, graph);
	return true;
}

void layout_free(struct layout *layout)
{
	free(layout->item);
	free(layout->bend);
	free(layout->row);
	free(layout->row_first);
	free(layout->near);
	free(layout->near_first);
}
