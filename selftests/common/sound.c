// SPDX-License-Identifier: GPL-2.0-only
#include "model.h"
#include "sound.h"
#include "verified.h"

#define NODES	4096u

struct survey {
	struct mmsb_space *space;
	struct mmsb_node *node;
	unsigned int nodes;
	uint32_t *children;		/* edges that lead from it, as its children tell */
};

static bool say(const struct mmsb_node *node, const char *what)
{
	printf("# page %u.%u: %s\n", MMSB_PAGE_INDEX(node->page), MMSB_PAGE_GENERATION(node->page), what);
	return false;
}

static struct mmsb_node *node_of(struct survey *survey, uint64_t page)
{
	unsigned int i;

	for (i = 0; i < survey->nodes; i++)
		if (survey->node[i].page == page)
			return &survey->node[i];
	return NULL;
}

static bool survey_take(struct survey *survey)
{
	uint64_t cursor = 0;
	int n;

	while ((n = mmsb_node_next(survey->space, &cursor, survey->node + survey->nodes, NODES - survey->nodes)) > 0)
		survey->nodes += n;
	return n == 0 && survey->nodes < NODES;
}

/* ------------------------------------------------------------------------------------------------------------- a page */

static uint8_t *bytes_of(struct mmsb_space *space, uint64_t page, uint32_t size)
{
	uint8_t *bytes = calloc(1, size);
	struct mmsb_view view;

	if (!bytes || mmsb_view_begin(space, page, &view) || view.length != size)
		abort();
	memcpy(bytes, view.data, size);
	return bytes;
}

static bool bytes_follow(struct survey *survey, const struct mmsb_node *node, const struct mmsb_edge *edges)
{
	struct mmsb_derive how = { .rule = node->rule, .version = node->version, .lane = node->lane };
	struct model_parent *parent = calloc(node->parents, sizeof(*parent));
	uint8_t *is = bytes_of(survey->space, node->page, node->size), *should = calloc(1, node->size);
	uint32_t data = 0, seen, i;
	bool same;

	how.flags = node->flags & MMSB_NODE_SATURATE ? MMSB_DERIVE_SATURATE : 0;
	memcpy(how.param, node->param, sizeof(how.param));
	for (i = 0; i < node->parents; i++) {
		uint32_t size = node_of(survey, edges[i].parent)->size;

		if (edges[i].type == MMSB_EDGE_CONTROL)
			continue;
		parent[data++] = (struct model_parent){ bytes_of(survey->space, edges[i].parent, size), size, edges[i].weight };
	}
	if (data)
		model_rule_run(&how, parent, data, should, node->size);
	else
		memcpy(should, is, node->size);		/* nothing is computed */
	same = !memcmp(is, should, node->size);
	seen = data;
	while (data--)
		free((void *)parent[data].bytes);
	free(parent);
	free(is);
	free(should);
	if (same)
		return true;
	printf("# rule %u, lane %u, flags %x, %u parents of which %u are data:\n", node->rule, node->lane, node->flags, node->parents, seen);
	for (i = 0; i < node->parents; i++)
		printf("#   %u.%u type %u weight %llu\n", MMSB_PAGE_INDEX(edges[i].parent), MMSB_PAGE_GENERATION(edges[i].parent),
		       edges[i].type, (unsigned long long)edges[i].weight);
	return say(node, "it does not hold what its rule makes of its parents");
}

static bool parents_fit(struct survey *survey, const struct mmsb_node *node, const struct mmsb_edge *edges)
{
	uint32_t height = 0, i;

	for (i = 0; i < node->parents; i++) {
		const struct mmsb_node *parent = node_of(survey, edges[i].parent);

		if (!parent)
			return say(node, "it follows a page that has no edge, or is not there");
		if (edges[i].type >= MMSB_EDGE_LAST || edges[i].reserved)
			return say(node, "it has an edge that nobody could have made");
		survey->children[parent - survey->node]++;
		if (parent->height >= height)
			height = parent->height + 1;
	}
	return height == node->height || say(node, "its height is not its parents'");
}

static bool is_behind(struct survey *survey, uint64_t page)
{
	struct mmsb_page_info info;

	return mmsb_page_info(survey->space, page, &info) || (info.flags & MMSB_LINE_BEHIND);
}

static bool node_is_sound(struct survey *survey, const struct mmsb_node *node)
{
	struct mmsb_edge *edges = calloc(node->parents + 1, sizeof(*edges));
	bool sound;

	if (!edges)
		abort();
	sound = mmsb_parents(survey->space, node->page, 0, edges, node->parents + 1) == (int)node->parents ||
		say(node, "it has another number of parents than it says");
	sound = sound && ((node->kind == MMSB_KIND_DERIVED) == !!node->parents || say(node, "it is of the wrong kind"));
	sound = sound && parents_fit(survey, node, edges);
	if (sound && node->parents && !is_behind(survey, node->page))
		sound = bytes_follow(survey, node, edges);
	free(edges);
	return sound;
}

/* ---------------------------------------------------------------------------------------------------------- the graph */

static bool counts_agree(struct survey *survey)
{
	struct mmsb_space_info_args info = { .size = sizeof(info) };
	uint64_t edges = 0, derived = 0;
	unsigned int i;

	for (i = 0; i < survey->nodes; i++) {
		const struct mmsb_node *node = &survey->node[i];

		if (survey->children[i] != node->children)
			return say(node, "it has another number of children than say so");
		edges += node->parents;
		derived += node->kind == MMSB_KIND_DERIVED;
	}
	if (!mmsb_space_info(survey->space, &info) && info.edges == edges && info.derived == derived)
		return true;
	printf("# the space counts %llu edges and %llu derived pages, there are %llu and %llu\n", (unsigned long long)info.edges,
	       (unsigned long long)info.derived, (unsigned long long)edges, (unsigned long long)derived);
	return false;
}

bool graph_is_sound(struct mmsb_space *space)
{
	struct survey survey = { .space = space, .node = calloc(NODES, sizeof(*survey.node)),
				 .children = calloc(NODES, sizeof(*survey.children)) };
	bool sound = survey.node && survey.children && survey_take(&survey);
	unsigned int i;

	if (!sound)
		printf("# the graph cannot be listed: %s\n", mmsb_strerror_last());
	for (i = 0; sound && i < survey.nodes; i++)
		sound = node_is_sound(&survey, &survey.node[i]);
	sound = sound && counts_agree(&survey);
	free(survey.node);
	free(survey.children);
	return sound && space_is_verified(space);
}
