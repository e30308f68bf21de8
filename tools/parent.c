// SPDX-License-Identifier: GPL-2.0-only
/* See parent.h. */
#include <stdio.h>
#include <string.h>
#include "args.h"
#include "out.h"
#include "parent.h"
#include "value.h"

static const char *const type_names[MMSB_EDGE_LAST] = {
	[MMSB_EDGE_DATA] = "data", [MMSB_EDGE_CONTROL] = "control", [MMSB_EDGE_OFFLOAD] = "offload",
};

const char *edge_type_name(uint32_t type)
{
	return type < MMSB_EDGE_LAST ? type_names[type] : "unknown";
}

static bool type_parse(const char *text, uint32_t *type)
{
	for (*type = 0; *type < MMSB_EDGE_LAST; ++*type)
		if (!strcmp(text, type_names[*type]))
			return true;
	return false;
}

bool parent_parse(struct cli *cli, const char *text, uint32_t rule, uint8_t lane, struct mmsb_edge *edge)
{
	char word[96], *weight, *type;
	uint64_t number = 0, page;

	if (strlen(text) >= sizeof(word))
		return fail_usage(cli, "'%.32s...' is too long for a parent", text), false;
	strcpy(word, text);
	type = strchr(word, ':');
	if (type)
		*type++ = '\0';
	weight = strchr(word, '*');
	if (weight)
		*weight++ = '\0';
	*edge = (struct mmsb_edge){ .type = MMSB_EDGE_DATA };
	if (type && !type_parse(type, &edge->type))
		return fail_usage(cli, "'%s': an edge is of type data, control or offload, not '%s'", text, type), false;
	if (edge->type != MMSB_EDGE_CONTROL)
		number = mmsb_rule_weight(rule, lane);
	if (weight && !value_in_lane(weight, lane, &number))
		return fail_usage(cli, "'%s': the weight '%s' is no number that fits %s", text, weight, mmsb_lane_name(lane)), false;
	if (!operand_id(cli, word, &page))
		return false;
	edge->parent = page;
	edge->weight = number;
	return true;
}

struct parent_text parent_text(const struct mmsb_node *node, const struct mmsb_edge *edge)
{
	bool plain = edge->type == MMSB_EDGE_CONTROL || edge->weight == mmsb_rule_weight(node->rule, (uint8_t)node->lane);
	struct parent_text text;

	snprintf(text.s, sizeof(text.s), "%s%s%s%s%s", text_id(edge->parent).s, plain ? "" : "*",
		 plain ? "" : text_lane((uint8_t)node->lane, edge->weight).s, edge->type == MMSB_EDGE_DATA ? "" : ":",
		 edge->type == MMSB_EDGE_DATA ? "" : edge_type_name(edge->type));
	return text;
}
