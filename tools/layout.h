/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the pages of a graph are drawn: in layers by height, parents above their children.
 *
 * Within a layer they are put in an order in which few edges cross, by sweeps down and up that move each to the mean place of its
 * neighbours; an edge that passes layers has a bend in each of them, which takes part in that like a page. Then each
 * moves to the mean x of its neighbours as far as its neighbours in the row let it. A layer that is too wide goes over several rows.
 */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <stdbool.h>
#include "graph.h"

#define LAYOUT_BOX_WIDTH	128.0
#define LAYOUT_BOX_HEIGHT	52.0

struct layout_item {		/* a page, or behind all pages the bends */
	double x, y;		/* its middle */
	double key;		/* to sort by */
	uint32_t layer;
	uint32_t at;		/* in its row */
};

struct layout {
	struct layout_item *item;
	uint32_t items;
	uint32_t *bend;		/* of each edge: its first bend, and behind the last edge the end; they stand one behind the other */
	uint32_t *row, *row_first;	/* items, row by row; where each row begins, and the end */
	uint32_t rows;
	uint32_t *near, *near_first;	/* neighbours, item by item, likewise */
	double width, height;
};

bool layout_make(struct layout *layout, const struct graph *graph);	/* false: no memory */
void layout_free(struct layout *layout);

#endif
