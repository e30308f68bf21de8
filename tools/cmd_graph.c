// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb graph, and mmsb page show: which pages follow which.
 *
 * All forms but the picture are written for graphs of any size. A picture of many hundred pages is of no use to anybody, so more are
 * refused, with the way out: to name some pages, of which what is before and behind them is drawn.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "args.h"
#include "graph.h"
#include "json.h"
#include "out.h"
#include "parent.h"
#include "shape.h"
#include "svg.h"

#define PIECE	512u

enum form { FORM_TEXT, FORM_DOT, FORM_SVG, FORM_JSON };

static const char *const form_names[] = {
	[FORM_TEXT] = "text", [FORM_DOT] = "dot", [FORM_SVG] = "svg", [FORM_JSON] = "json",
};

struct task {
	struct cli *cli;
	const char *space;
	enum form form;
	FILE *to;
	struct graph graph;
};

static void json_node(struct json *json, const struct mmsb_node *node)
{
	const char *rule = mmsb_rule_name(node->rule), *lane = mmsb_lane_name((uint8_t)node->lane);
	bool derived = node->kind == MMSB_KIND_DERIVED;
	uint64_t signature[2] = { node->signature[0], node->signature[1] };
	unsigned int i;

	json_string(json, "page", text_id(node->page).s);
	json_string(json, "kind", derived ? "derived" : "source");
	json_u64(json, "length", node->size);
	json_u64(json, "epoch", node->epoch);
	json_u64(json, "height", node->height);
	json_u64(json, "parent_count", node->parents);
	json_u64(json, "child_count", node->children);
	json_bool(json, "lazy", node->flags & MMSB_NODE_LAZY);
	json_bool(json, "stale", node->flags & MMSB_NODE_STALE);
	json_bool(json, "suspect", node->flags & MMSB_NODE_SUSPECT);
	if (!derived)
		return;
	json_string(json, "rule", rule ? rule : shape_rule(node).s);
	json_u64(json, "version", node->version);
	json_string(json, "lane", strchr(shape_rule(node).s, ' ') ? lane : NULL);
	json_bool(json, "saturate", node->flags & MMSB_NODE_SATURATE);
	json_array(json, "param");
	for (i = 0; i < MMSB_RULE_PARAMS; i++)
		json_u64(json, NULL, node->param[i]);
	json_close(json);
	json_string(json, "signature", text_hash(signature).s);
}

static void json_edge(struct json *json, const struct mmsb_node *child, uint64_t parent, uint32_t type, uint64_t weight)
{
	json_object(json, NULL);
	json_string(json, "page", text_id(parent).s);
	json_string(json, "type", edge_type_name(type));
	json_lane(json, "weight", (uint8_t)child->lane, weight);
	json_close(json);
}

/* ------------------------------------------------------------------------------------------------------ text, dot, JSON */

static void write_text(struct task *task)
{
	const struct graph *graph = &task->graph;
	uint32_t i;

	if (graph->nodes)
		fprintf(task->to, "%-16s %-12s %6s %7s %8s %12s %8s %s\n", "PAGE", "RULE", "HEIGHT", "PARENTS", "CHILDREN", "EPOCH",
			"BYTES", "FLAGS");
	for (i = 0; i < graph->nodes; i++) {
		const struct mmsb_node *node = &graph->node[i];
		const char *flags = shape_flags(node, ",").s;

		fprintf(task->to, "%-16s %-12s %6" PRIu32 " %7" PRIu32 " %8" PRIu32 " %12llu %8" PRIu32 " %s\n", text_id(node->page).s,
			shape_rule(node).s, node->height, node->parents, node->children, node->epoch, node->size,
			*flags ? flags + 1 : "-");
	}
}

static void dot_edge(struct task *task, const struct graph_edge *edge)
{
	const struct mmsb_node *parent = &task->graph.node[edge->from], *child = &task->graph.node[edge->to];
	bool control = edge->type == MMSB_EDGE_CONTROL;

	fprintf(task->to, "\t\"%s\" -> \"%s\"", text_id(parent->page).s, text_id(child->page).s);
	if (control)
		fputs(" [style=dashed]", task->to);
	else if (edge->weight != mmsb_rule_weight(child->rule, (uint8_t)child->lane))
		fprintf(task->to, " [label=\"%s\"]", text_lane((uint8_t)child->lane, edge->weight).s);
	fputs(";\n", task->to);
}

static void write_dot(struct task *task)
{
	const struct graph *graph = &task->graph;
	uint32_t i;

	fprintf(task->to, "digraph \"%s\" {\n\tnode [shape=box style=\"rounded,filled\" fontname=\"sans-serif\"];\n", task->space);
	for (i = 0; i < graph->nodes; i++) {
		const struct mmsb_node *node = &graph->node[i];
		enum shape shape = shape_of(node);

		fprintf(task->to, "\t\"%s\" [label=\"%s\\n%s\\nepoch %llu%s\" fillcolor=\"%s\" color=\"%s\"%s];\n", text_id(node->page).s,
			text_id(node->page).s, shape_rule(node).s, node->epoch, shape_flags(node, "\\n").s, shape_fill(shape),
			shape_line(shape), graph->named && graph->named[i] ? " penwidth=3" : "");
	}
	for (i = 0; i < graph->edges; i++)
		dot_edge(task, &graph->edge[i]);
	fputs("}\n", task->to);
}

static void write_json(struct task *task)
{
	const struct graph *graph = &task->graph;
	struct json json;
	uint32_t i, edge = 0;

	json_begin(&json, task->to);
	json_string(&json, "space", task->space);
	json_u64(&json, "tick", graph->tick);
	json_array(&json, "pages");
	for (i = 0; i < graph->nodes; i++) {
		json_object(&json, NULL);
		json_node(&json, &graph->node[i]);
		json_array(&json, "parents");
		for (; edge < graph->edges && graph->edge[edge].to == i; edge++)
			json_edge(&json, &graph->node[i], graph->node[graph->edge[edge].from].page, graph->edge[edge].type,
				  graph->edge[edge].weight);
		json_close(&json);
		json_close(&json);
	}
	json_close(&json);
	json_end(&json);
}

/* ------------------------------------------------------------------------------------------------------------ mmsb graph */

static bool choose_form(struct task *task, const struct args *args)
{
	const char *format = args->value[OPT_FORMAT], *file = args->value[OPT_OUTPUT];
	const char *dot = file ? strrchr(file, '.') : NULL, *wanted = format ? format : dot ? dot + 1 : "text";
	unsigned int i;

	if (task->cli->json && format)
		return fail_usage(task->cli, "--json and --format exclude each other"), false;
	task->form = task->cli->json ? FORM_JSON : FORM_TEXT;
	for (i = 0; !task->cli->json && i <= FORM_JSON; i++) {
		if (strcmp(wanted, form_names[i]))
			continue;
		task->form = i;
		return true;
	}
	if (format)
		return fail_usage(task->cli, "--format '%s' is none of text, dot, svg, json", format), false;
	return true;
}

static enum cli_exit fail_read(struct task *task, int err, const struct graph_wish *wish)
{
	if (err == -E2BIG && wish->pages)
		return fail(task->cli, "give a smaller --up and --down, or --format dot", "a picture shows at most %u pages, and there are more "
			    "before and behind those", SVG_PAGES_MAX);
	if (err == -E2BIG)
		return fail(task->cli, "name the pages whose surroundings shall be drawn, with --up and --down; or --format dot",
			    "a picture shows at most %u pages, and space '%s' has more", SVG_PAGES_MAX, task->space);
	if (err == -ENOMEM)
		return fail(task->cli, "name some pages, with --up and --down", "out of memory");
	return fail_lib(task->cli, err, "cannot read the graph of '%s'", task->space);
}

static enum cli_exit write_form(struct task *task)
{
	if (task->form == FORM_TEXT)
		write_text(task);
	else if (task->form == FORM_DOT)
		write_dot(task);
	else if (task->form == FORM_JSON)
		write_json(task);
	else if (!svg_write(task->to, &task->graph, task->space))
		return fail(task->cli, NULL, "out of memory");
	return CLI_OK;
}

/* To a file: all of it, or a failure. */
static enum cli_exit write_file(struct task *task, const char *path)
{
	enum cli_exit status;

	task->to = out_open(task->cli, path);
	if (!task->to)
		return CLI_FAILED;
	status = write_form(task);
	if (!out_close(task->cli, task->to, path))
		return CLI_FAILED;
	if (status == CLI_OK && task->to != stdout && !task->cli->json)
		printf("%s: %" PRIu32 " pages, %" PRIu32 " edges\n", path, task->graph.nodes, task->graph.edges);
	return status;
}

static enum cli_exit show_graph(struct task *task, const struct args *args, struct graph_wish *wish)
{
	const char *path = args->value[OPT_OUTPUT];
	struct mmsb_space *space;
	enum cli_exit status;
	int err;

	if (!cli_space(task->cli, task->space, MMSB_SPACE_READ_ONLY, &space))
		return CLI_FAILED;
	wish->most = task->form == FORM_SVG ? SVG_PAGES_MAX : UINT32_MAX / 4;
	wish->edges = task->form != FORM_TEXT || path;
	err = graph_read(&task->graph, space, wish);
	if (err)
		status = fail_read(task, err, wish);
	else
		status = path ? write_file(task, path) : write_form(task);
	graph_free(&task->graph);
	mmsb_space_close(space);
	return status;
}

enum cli_exit cmd_graph(struct cli *cli, const struct args *args)
{
	struct task task = { .cli = cli, .space = args->operand[0], .to = stdout };
	uint64_t *pages = calloc(args->operands, sizeof(*pages));
	struct graph_wish wish = { .page = pages, .pages = args->operands - 1, .up = UINT64_MAX, .down = UINT64_MAX };
	enum cli_exit status = CLI_USAGE;
	unsigned int i;

	if (!pages)
		return fail(cli, NULL, "out of memory");
	for (i = 0; i < wish.pages; i++)
		if (!operand_id(cli, args->operand[i + 1], &pages[i]))
			goto out;
	if (!arg_u64(cli, args, OPT_UP, 0, UINT64_MAX, &wish.up) || !arg_u64(cli, args, OPT_DOWN, 0, UINT64_MAX, &wish.down) ||
	    !choose_form(&task, args))
		goto out;
	if (!wish.pages && (arg_has(args, OPT_UP) || arg_has(args, OPT_DOWN)))
		fail_usage(cli, "--up and --down count from pages: name some");
	else
		status = show_graph(&task, args, &wish);
out:
	free(pages);
	return status;
}

/* -------------------------------------------------------------------------------------------------------- mmsb graph path */

static int print_way(struct mmsb_space *space, uint64_t from, uint64_t to, struct json *json, uint64_t *found)
{
	uint64_t pages[PIECE];
	int n, i;

	for (*found = 0; (n = mmsb_path(space, from, to, *found, pages, PIECE)) > 0; *found += (unsigned int)n) {
		for (i = 0; i < n; i++) {
			if (json)
				json_string(json, NULL, text_id(pages[i]).s);
			else
				puts(text_id(pages[i]).s);
		}
	}
	return n;
}

enum cli_exit cmd_graph_path(struct cli *cli, const struct args *args)
{
	uint64_t from, to, found;
	struct mmsb_space *space;
	struct json json;
	int err;

	if (!operand_id(cli, args->operand[1], &from) || !operand_id(cli, args->operand[2], &to))
		return CLI_USAGE;
	if (!cli_space(cli, args->operand[0], MMSB_SPACE_READ_ONLY, &space))
		return CLI_FAILED;
	if (cli->json) {
		json_begin(&json, stdout);
		json_array(&json, "path");
	}
	err = print_way(space, from, to, cli->json ? &json : NULL, &found);
	mmsb_space_close(space);
	if (cli->json) {
		json_close(&json);
		json_end(&json);
	}
	if (err)
		return fail_lib(cli, err, "cannot look for a way from page %s to %s", text_id(from).s, text_id(to).s);
	if (!found)
		return fail(cli, "perhaps the other way round?", "page %s does not follow page %s", text_id(to).s, text_id(from).s);
	return CLI_OK;
}

/* -------------------------------------------------------------------------------------------------------- mmsb page show */

#define SHOWN	12u	/* of parents, and of children, if nobody says otherwise */

static void print_params(const struct mmsb_node *node)
{
	unsigned int n = MMSB_RULE_PARAMS, i;

	while (n && !node->param[n - 1])
		n--;
	if (!n)
		return;
	printf("parameters  ");
	for (i = 0; i < n; i++)
		printf(" %llu", node->param[i]);
	putchar('\n');
}

static void print_node(const struct mmsb_node *node, const struct mmsb_page_info *info)
{
	uint64_t signature[2] = { node->signature[0], node->signature[1] };

	printf("page         %s\n", text_id(node->page).s);
	printf("kind         %s%s\n", node->kind == MMSB_KIND_DERIVED ? "derived" : "source", shape_flags(node, ", ").s);
	printf("bytes        %s\n", text_grouped(node->size).s);
	printf("epoch        %llu, since tick %" PRIu64 "\n", node->epoch, info->tick);
	if (node->kind == MMSB_KIND_DERIVED) {
		printf("rule         %s, version %" PRIu32 "\n", shape_rule(node).s, node->version);
		print_params(node);
		printf("height       %" PRIu32 "\n", node->height);
		printf("signature    %s\n", text_hash(signature).s);
	}
}

/* The first `limit` of them; returns what the last question returned. */
static int show_parents(struct mmsb_space *space, const struct mmsb_node *node, uint64_t limit, struct json *json)
{
	struct mmsb_edge edges[PIECE];
	uint64_t skip = 0;
	int n = 0, i;

	while (skip < limit && (n = mmsb_parents(space, node->page, skip, edges, limit - skip < PIECE ? (unsigned int)(limit - skip) : PIECE)) > 0) {
		for (i = 0; i < n; i++) {
			if (json)
				json_edge(json, node, edges[i].parent, edges[i].type, edges[i].weight);
			else
				printf(" %s", parent_text(node, &edges[i]).s);
		}
		skip += (unsigned int)n;
	}
	return n < 0 ? n : 0;
}

static int show_children(struct mmsb_space *space, const struct mmsb_node *node, uint64_t limit, struct json *json)
{
	uint64_t pages[PIECE], skip = 0;
	int n = 0, i;

	while (skip < limit && (n = mmsb_children(space, node->page, skip, pages, limit - skip < PIECE ? (unsigned int)(limit - skip) : PIECE)) > 0) {
		for (i = 0; i < n; i++) {
			if (json)
				json_string(json, NULL, text_id(pages[i]).s);
			else
				printf(" %s", text_id(pages[i]).s);
		}
		skip += (unsigned int)n;
	}
	return n < 0 ? n : 0;
}

static int show_text(struct mmsb_space *space, const struct mmsb_node *node, uint64_t limit)
{
	int err = 0;

	if (node->parents) {
		printf("parents      %" PRIu32 ":", node->parents);
		err = show_parents(space, node, limit, NULL);
		puts(node->parents > limit ? " ..." : "");
	}
	printf("children     %" PRIu32 "%s", node->children, node->children ? ":" : "");
	if (!err)
		err = show_children(space, node, limit, NULL);
	puts(node->children > limit ? " ..." : "");
	return err;
}

static int show_json(struct mmsb_space *space, const struct mmsb_node *node, const struct mmsb_page_info *info, uint64_t limit)
{
	struct json json;
	int err = 0;

	json_begin(&json, stdout);
	json_node(&json, node);
	json_u64(&json, "tick", info->tick);
	json_array(&json, "parents");
	if (node->parents)
		err = show_parents(space, node, limit, &json);
	json_close(&json);
	json_array(&json, "children");
	if (!err)
		err = show_children(space, node, limit, &json);
	json_close(&json);
	json_end(&json);
	return err;
}

enum cli_exit cmd_page_show(struct cli *cli, const struct args *args)
{
	uint64_t page, limit = cli->json ? UINT64_MAX : SHOWN;
	struct mmsb_page_info info;
	struct mmsb_space *space;
	struct mmsb_node node;
	int err;

	if (!operand_id(cli, args->operand[1], &page) || !arg_u64(cli, args, OPT_LIMIT, 0, UINT64_MAX, &limit))
		return CLI_USAGE;
	if (!cli_space(cli, args->operand[0], MMSB_SPACE_READ_ONLY, &space))
		return CLI_FAILED;
	err = mmsb_page_info(space, page, &info);
	if (!err)
		err = mmsb_node(space, page, &node);
	if (!err && cli->json) {
		err = show_json(space, &node, &info, limit);
	} else if (!err) {
		print_node(&node, &info);
		err = show_text(space, &node, limit);
	}
	mmsb_space_close(space);
	return err ? fail_lib(cli, err, "page %s", text_id(page).s) : CLI_OK;
}
