// SPDX-License-Identifier: GPL-2.0-only
/* See shape.h. */
#include <inttypes.h>
#include <string.h>
#include "shape.h"

static const struct {
	const char *name, *fill, *line;
} looks[SHAPES] = {
	[SHAPE_SOURCE] = { "source", "#dce9f8", "#3b6fb0" },
	[SHAPE_DERIVED] = { "derived", "#e0f2df", "#3d8b40" },
	[SHAPE_STALE] = { "stale", "#fdf0c8", "#b5860d" },
	[SHAPE_SUSPECT] = { "suspect", "#fadbd9", "#b3261e" },
};

enum shape shape_of(const struct mmsb_node *node)
{
	if (node->flags & MMSB_NODE_SUSPECT)
		return SHAPE_SUSPECT;
	if (node->flags & MMSB_NODE_STALE)
		return SHAPE_STALE;
	return node->kind == MMSB_KIND_DERIVED ? SHAPE_DERIVED : SHAPE_SOURCE;
}

const char *shape_name(enum shape shape)
{
	return looks[shape].name;
}

const char *shape_fill(enum shape shape)
{
	return looks[shape].fill;
}

const char *shape_line(enum shape shape)
{
	return looks[shape].line;
}

static bool has_lane(uint32_t rule)
{
	return (rule >= MMSB_RULE_ADD_MUL && rule <= MMSB_RULE_MEAN) || rule >= MMSB_RULE_USER;
}

struct text shape_rule(const struct mmsb_node *node)
{
	const char *name = mmsb_rule_name(node->rule), *lane = mmsb_lane_name((uint8_t)node->lane);
	struct text text;

	if (node->kind != MMSB_KIND_DERIVED)
		snprintf(text.s, sizeof(text.s), "source");
	else if (name)
		snprintf(text.s, sizeof(text.s), "%s%s%s", name, has_lane(node->rule) ? " " : "", has_lane(node->rule) && lane ? lane : "");
	else
		snprintf(text.s, sizeof(text.s), "rule 0x%" PRIx32, node->rule);
	return text;
}

struct text shape_flags(const struct mmsb_node *node, const char *before)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} flags[] = {
		{ MMSB_NODE_LAZY, "lazy" }, { MMSB_NODE_STALE, "stale" }, { MMSB_NODE_SUSPECT, "suspect" },
		{ MMSB_NODE_SATURATE, "saturate" },
	};
	struct text text = { "" };
	unsigned int i;

	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (node->flags & flags[i].flag)
			snprintf(text.s + strlen(text.s), sizeof(text.s) - strlen(text.s), "%s%s", before, flags[i].name);
	return text;
}
