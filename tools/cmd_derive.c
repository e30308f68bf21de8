// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb page: what makes pages follow others, and ends it.
 *
 * A weight is written as a number of the rule's lane type, so that the rule and the lane have to be known before the parents are read:
 * when a page is derived they are options; when a page gets more parents, it is asked for them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "json.h"
#include "out.h"
#include "page.h"
#include "parent.h"
#include "value.h"

/* ---------------------------------------------------------------------------------------------------------- parents */

/* Of operand 2 and those behind it. NULL: one was wrong, or there is no memory; *status says which. */
static struct mmsb_edge *read_parents(struct cli *cli, const struct args *args, uint32_t rule, uint8_t lane, enum cli_exit *status)
{
	unsigned int n = args->operands - 2, i;
	struct mmsb_edge *edges = calloc(n, sizeof(*edges));

	*status = CLI_USAGE;
	if (!edges) {
		*status = fail(cli, NULL, "out of memory");
		return NULL;
	}
	for (i = 0; i < n; i++) {
		if (!parent_parse(cli, args->operand[2 + i], rule, lane, &edges[i])) {
			free(edges);
			return NULL;
		}
	}
	return edges;
}

static uint64_t payload_for(unsigned int parents)
{
	return sizeof(struct mmsb_derive) + parents * sizeof(struct mmsb_edge) + 4096;
}

/* ----------------------------------------------------------------------------------------------------------- derive */

static bool rule_has_lanes(uint32_t rule)
{
	return rule >= MMSB_RULE_ADD_MUL && rule <= MMSB_RULE_MEAN;
}

static bool read_params(struct cli *cli, const char *text, struct mmsb_derive *derive)
{
	char copy[128], *at = copy, *word;
	unsigned int i = 0;
	uint64_t value;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&at, ","))) {
		if (i == MMSB_RULE_PARAMS)
			return fail_usage(cli, "--param '%s': a rule has at most %u parameters", text, MMSB_RULE_PARAMS), false;
		if (!value_size(word, &value))
			return fail_usage(cli, "--param '%s': '%s' is no number, such as 64 or 4K", text, word), false;
		derive->param[i++] = value;
	}
	return true;
}

static bool derive_options(struct cli *cli, const struct args *args, struct mmsb_derive *derive)
{
	const char *rule = args->value[OPT_RULE];

	if (!rule)
		return fail_usage(cli, "no rule is given: say --rule add-mul, --rule copy or another"), false;
	if (mmsb_rule_number(rule, &derive->rule))
		return fail_usage(cli, "%s", mmsb_strerror_last()), false;
	derive->lane = rule_has_lanes(derive->rule) ? MMSB_LANE_I64 : 0;
	derive->flags = arg_has(args, OPT_LAZY) ? MMSB_DERIVE_LAZY : 0;
	derive->flags |= arg_has(args, OPT_SATURATE) ? MMSB_DERIVE_SATURATE : 0;
	if (!arg_lane(cli, args, OPT_LANE, &derive->lane))
		return false;
	return !args->value[OPT_PARAM] || read_params(cli, args->value[OPT_PARAM], derive);
}

enum cli_exit cmd_page_derive(struct cli *cli, const struct args *args)
{
	unsigned int n = args->operands - 2;
	struct mmsb_derive derive = { 0 };
	struct mmsb_space *space;
	struct mmsb_edge *edges;
	struct mmsb_ring *ring;
	enum cli_exit status;
	uint64_t page, epoch;
	int err;

	if (!operand_id(cli, args->operand[1], &page) || !derive_options(cli, args, &derive))
		return CLI_USAGE;
	edges = read_parents(cli, args, derive.rule, derive.lane, &status);
	if (!edges)
		return status;
	status = CLI_FAILED;
	if (!page_open(cli, args, payload_for(n), &space, &ring))
		goto out;
	err = mmsb_derive(ring, page, &derive, edges, n, &epoch);
	page_close(space, ring);
	if (err) {
		fail_lib(cli, err, "cannot derive page %s", text_id(page).s);
		goto out;
	}
	page_report(cli, page, epoch);
	status = CLI_OK;
out:
	free(edges);
	return status;
}

/* ----------------------------------------------------------------------------------------------------- link, unlink */

static enum cli_exit link_parents(struct cli *cli, const struct args *args, uint64_t page, struct mmsb_space *space,
				  struct mmsb_ring *ring)
{
	struct mmsb_edge *edges;
	struct mmsb_node node;
	enum cli_exit status;
	uint64_t epoch;
	int err = mmsb_node(space, page, &node);

	if (err)
		return fail_lib(cli, err, "page %s", text_id(page).s);
	edges = read_parents(cli, args, node.rule, (uint8_t)node.lane, &status);
	if (!edges)
		return status;
	err = mmsb_link(ring, page, edges, args->operands - 2, &epoch);
	free(edges);
	if (err)
		return fail_lib(cli, err, "cannot link page %s", text_id(page).s);
	page_report(cli, page, epoch);
	return CLI_OK;
}

static enum cli_exit unlink_parents(struct cli *cli, const struct args *args, uint64_t page, struct mmsb_ring *ring)
{
	unsigned int n = args->operands - 2, i;
	uint64_t *parents = calloc(n, sizeof(*parents)), epoch;
	int err;

	if (!parents)
		return fail(cli, NULL, "out of memory");
	for (i = 0; i < n; i++) {
		if (!operand_id(cli, args->operand[2 + i], &parents[i])) {
			free(parents);
			return CLI_USAGE;
		}
	}
	err = mmsb_unlink(ring, page, parents, n, &epoch);
	free(parents);
	if (err)
		return fail_lib(cli, err, "cannot unlink page %s", text_id(page).s);
	page_report(cli, page, epoch);
	return CLI_OK;
}

static enum cli_exit change_parents(struct cli *cli, const struct args *args, bool more)
{
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	enum cli_exit status;
	uint64_t page;

	if (!operand_id(cli, args->operand[1], &page))
		return CLI_USAGE;
	if (!page_open(cli, args, payload_for(args->operands - 2), &space, &ring))
		return CLI_FAILED;
	if (more)
		status = link_parents(cli, args, page, space, ring);
	else
		status = unlink_parents(cli, args, page, ring);
	page_close(space, ring);
	return status;
}

enum cli_exit cmd_page_link(struct cli *cli, const struct args *args)
{
	return change_parents(cli, args, true);
}

enum cli_exit cmd_page_unlink(struct cli *cli, const struct args *args)
{
	return change_parents(cli, args, false);
}

/* ------------------------------------------------------------------------------------------------ underive, refresh */

static enum cli_exit each_page(struct cli *cli, const struct args *args, const char *what,
			       int (*call)(struct mmsb_ring *ring, uint64_t page, uint64_t *epoch))
{
	enum cli_exit status = CLI_OK;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	uint64_t page, epoch;
	unsigned int i;
	int err;

	for (i = 1; i < args->operands; i++)
		if (!operand_id(cli, args->operand[i], &page))
			return CLI_USAGE;
	if (!page_open(cli, args, 0, &space, &ring))
		return CLI_FAILED;
	for (i = 1; i < args->operands; i++) {
		operand_id(cli, args->operand[i], &page);
		err = call(ring, page, &epoch);
		if (err)
			status = fail_lib(cli, err, "cannot %s page %s", what, text_id(page).s);
		else
			page_report(cli, page, epoch);
	}
	page_close(space, ring);
	return status;
}

enum cli_exit cmd_page_underive(struct cli *cli, const struct args *args)
{
	return each_page(cli, args, "underive", mmsb_underive);
}

enum cli_exit cmd_page_refresh(struct cli *cli, const struct args *args)
{
	return each_page(cli, args, "refresh", mmsb_refresh);
}
