// SPDX-License-Identifier: GPL-2.0-only
/*
 * A graph as SVG, by our own hand: an edge is a curve through its bends, a page a box over it. What does not fit a box is told by the
 * viewer when the pointer rests on it (<title>). Names of spaces have only letters, digits, dots, dashes and underscores, and all
 * else that is written is ours, so nothing has to be escaped.
 */
#include <inttypes.h>
#include <string.h>
#include "layout.h"
#include "out.h"
#include "parent.h"
#include "shape.h"
#include "svg.h"

#define MARGIN		24.0
#define HEAD		58.0	/* for title and legend */
#define WIDTH_LEAST	560.0	/* of the legend */
#define WIDTH_SHOWN	1600.0	/* on a screen; wider ones are scaled down, */
#define SCALE_LEAST	0.6	/* but so far only, for then nobody could read them */
#define WEIGHTS_MAX	120u	/* edges, more weights than that hide the picture */

/* -------------------------------------------------------------------------------------------------------------- head */

static void write_legend_box(FILE *to, double x, enum shape shape, const char *text)
{
	fprintf(to, "<rect class='%s' x='%.0f' y='34' width='16' height='12' rx='3'/><text class='s' x='%.0f' y='44'>%s</text>\n",
		shape_name(shape), x, x + 21, text);
}

static void write_legend_edge(FILE *to, double x, const char *class, const char *text)
{
	fprintf(to, "<path class='%s' d='M%.0f 40h24'/><text class='s' x='%.0f' y='44'>%s</text>\n", class, x, x + 30, text);
}

static void write_head(FILE *to, const struct graph *graph, const char *space, double width, double height)
{
	double scale = width > WIDTH_SHOWN ? WIDTH_SHOWN / width : 1, shown = scale < SCALE_LEAST ? SCALE_LEAST : scale;

	fprintf(to, "<svg xmlns='http://www.w3.org/2000/svg' width='%.0f' height='%.0f' viewBox='0 0 %.0f %.0f' "
		"font-family='system-ui, sans-serif'>\n", width * shown, height * shown, width, height);
	fputs("<style>\n"
	      "rect { stroke-width: 1.5 } .b { font-size: 13px; font-weight: 600 } .s { font-size: 11px; fill: #444 }\n"
	      ".w { font-size: 10px; fill: #333; stroke: #fff; stroke-width: 3; paint-order: stroke }\n"
	      ".e, .c { fill: none; stroke: #8a8f98; stroke-width: 1.2; marker-end: url(#a) } .c { stroke-dasharray: 5 4 }\n"
	      ".named { stroke-width: 3.5 }\n", to);
	for (unsigned int i = 0; i < SHAPES; i++)
		fprintf(to, ".%s { fill: %s; stroke: %s }\n", shape_name(i), shape_fill(i), shape_line(i));
	fputs("</style>\n<defs><marker id='a' viewBox='0 0 8 8' refX='7.5' refY='4' markerWidth='7' markerHeight='7' orient='auto'>"
	      "<path d='M0 0L8 4L0 8z' fill='#8a8f98'/></marker></defs>\n"
	      "<rect width='100%' height='100%' fill='#fff'/>\n", to);
	fprintf(to, "<text class='b' x='%.0f' y='22'>%s at tick %" PRIu64 ": %" PRIu32 " pages, %" PRIu32 " edges</text>\n", MARGIN, space,
		graph->tick, graph->nodes, graph->edges);
	write_legend_box(to, MARGIN, SHAPE_SOURCE, "source");
	write_legend_box(to, MARGIN + 75, SHAPE_DERIVED, "derived");
	write_legend_box(to, MARGIN + 155, SHAPE_STALE, "stale");
	write_legend_box(to, MARGIN + 220, SHAPE_SUSPECT, "suspect");
	write_legend_edge(to, MARGIN + 305, "e", "data");
	write_legend_edge(to, MARGIN + 385, "c", "control");
}

/* ------------------------------------------------------------------------------------------------------------- edges */

struct point {
	double x, y;
};

/* Leaves downwards and arrives downwards. */
static void write_curve(FILE *to, struct point from, struct point end)
{
	double bow = (end.y - from.y) / 2;

	fprintf(to, "C%.1f %.1f %.1f %.1f %.1f %.1f", from.x, from.y + bow, end.x, end.y - bow, end.x, end.y);
}

static void write_edge_title(FILE *to, const struct graph *graph, const struct graph_edge *edge)
{
	const struct mmsb_node *child = &graph->node[edge->to];
	struct mmsb_edge as = { .parent = graph->node[edge->from].page, .weight = edge->weight, .type = edge->type };

	fprintf(to, "<title>%s to %s</title>", parent_text(child, &as).s, text_id(child->page).s);
}

static void write_edge(FILE *to, const struct graph *graph, const struct layout *layout, uint32_t number)
{
	const struct graph_edge *edge = &graph->edge[number];
	const struct layout_item *item = layout->item;
	struct point at = { item[edge->from].x, item[edge->from].y + LAYOUT_BOX_HEIGHT / 2 }, next;
	uint32_t bend;

	fprintf(to, "<path class='%s' d='M%.1f %.1f", edge->type == MMSB_EDGE_CONTROL ? "c" : "e", at.x, at.y);
	for (bend = layout->bend[number]; bend < layout->bend[number + 1]; bend++) {
		next = (struct point){ item[bend].x, item[bend].y - LAYOUT_BOX_HEIGHT / 2 };
		write_curve(to, at, next);
		fprintf(to, "v%.0f", LAYOUT_BOX_HEIGHT);
		at = (struct point){ next.x, next.y + LAYOUT_BOX_HEIGHT };
	}
	write_curve(to, at, (struct point){ item[edge->to].x, item[edge->to].y - LAYOUT_BOX_HEIGHT / 2 });
	fputs("'>", to);
	write_edge_title(to, graph, edge);
	fputs("</path>\n", to);
}

/* Near the parent, where edges to one page have not met yet. */
static void write_weight(FILE *to, const struct graph *graph, const struct layout *layout, uint32_t number)
{
	const struct graph_edge *edge = &graph->edge[number];
	const struct mmsb_node *child = &graph->node[edge->to];
	const struct layout_item *from = &layout->item[edge->from];
	const struct layout_item *next = layout->bend[number] < layout->bend[number + 1] ? &layout->item[layout->bend[number]] :
											    &layout->item[edge->to];

	if (edge->type == MMSB_EDGE_CONTROL || edge->weight == mmsb_rule_weight(child->rule, (uint8_t)child->lane))
		return;
	fprintf(to, "<text class='w' text-anchor='middle' x='%.1f' y='%.1f'>%s</text>\n", (from->x + next->x) / 2,
		(from->y + next->y) / 2 + 3, text_lane((uint8_t)child->lane, edge->weight).s);
}

/* ------------------------------------------------------------------------------------------------------------- pages */

static void write_page(FILE *to, const struct graph *graph, const struct layout *layout, uint32_t number)
{
	const struct layout_item *item = &layout->item[number];
	const struct mmsb_node *node = &graph->node[number];
	double x = item->x - LAYOUT_BOX_WIDTH / 2, y = item->y - LAYOUT_BOX_HEIGHT / 2;

	fprintf(to, "<g><title>%s: %s, %" PRIu32 " bytes, height %" PRIu32 ", %" PRIu32 " parents, %" PRIu32 " children%s</title>",
		text_id(node->page).s, shape_rule(node).s, node->size, node->height, node->parents, node->children,
		shape_flags(node, ", ").s);
	fprintf(to, "<rect class='%s%s' x='%.1f' y='%.1f' width='%.0f' height='%.0f' rx='7'/>", shape_name(shape_of(node)),
		graph->named && graph->named[number] ? " named" : "", x, y, LAYOUT_BOX_WIDTH, LAYOUT_BOX_HEIGHT);
	fprintf(to, "<text class='b' text-anchor='middle' x='%.1f' y='%.1f'>%s</text>", item->x, y + 17, text_id(node->page).s);
	fprintf(to, "<text class='s' text-anchor='middle' x='%.1f' y='%.1f'>%s</text>", item->x, y + 31, shape_rule(node).s);
	fprintf(to, "<text class='s' text-anchor='middle' x='%.1f' y='%.1f'>epoch %llu</text></g>\n", item->x, y + 45, node->epoch);
}

static void move(struct layout *layout, double x, double y)
{
	uint32_t i;

	for (i = 0; i < layout->items; i++) {
		layout->item[i].x += x;
		layout->item[i].y += y;
	}
}

bool svg_write(FILE *to, const struct graph *graph, const char *space)
{
	struct layout layout;
	bool made = layout_make(&layout, graph);
	double width = layout.width < WIDTH_LEAST ? WIDTH_LEAST : layout.width;
	uint32_t i;

	if (!made)
		goto out;
	move(&layout, MARGIN + (width - layout.width) / 2, HEAD + MARGIN);
	write_head(to, graph, space, width + 2 * MARGIN, layout.height + HEAD + 2 * MARGIN);
	for (i = 0; i < graph->edges; i++)
		write_edge(to, graph, &layout, i);
	for (i = 0; i < graph->nodes; i++)
		write_page(to, graph, &layout, i);
	for (i = 0; graph->edges <= WEIGHTS_MAX && i < graph->edges; i++)
		write_weight(to, graph, &layout, i);
	fputs("</svg>\n", to);
out:
	layout_free(&layout);
	return made;
}
