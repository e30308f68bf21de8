// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb why: where a page's value comes from.
 *
 * A source page's bytes were made by deltas: those from the last that still shows in each byte on. Going back from the tick in question, a delta
 * counts if it touched a byte whose origin is not known yet; one that overwrites settles its bytes, one that adds to them leaves them open for
 * what was there before. A derived page's bytes were made by its rule, and so the question goes on to its parents, so many steps as
 * were asked for. The graph as it was then is looked at in a scratch space; the deltas of all the pages are gathered in one pass over the log.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "json.h"
#include "out.h"
#include "record.h"
#include "scratch.h"
#include "ticks.h"

#define PAGES_MAX	4096u
#define KEEP		65536u	/* deltas of a page; of one that has more, the last of them */
#define DEPTH		3u
#define SHOWN		10u

struct cause {
	struct mmsb_delta_record *delta;
	uint64_t tick, time;
	bool counts;
};

struct asked {			/* a page */
	uint64_t page;
	unsigned int depth;
	struct mmsb_node node;
	struct mmsb_page_info info;
	struct mmsb_edge *parent;
	unsigned int parents;
	struct cause *cause;
	unsigned int causes, room;
	uint64_t dropped;	/* causes before those that were kept */
	bool complete;		/* nothing older counts */
};

struct why {
	struct cli *cli;
	struct scratch scratch;
	struct ticks ticks;
	struct asked *asked[PAGES_MAX];
	unsigned int n;
	uint64_t depth, shown;
	bool more;		/* there were more pages than that */
};

/* ------------------------------------------------------------------------------------------------------ which pages */

static struct asked *asked_find(const struct why *why, uint64_t page)
{
	unsigned int i;

	for (i = 0; i < why->n; i++)
		if (why->asked[i]->page == page)
			return why->asked[i];
	return NULL;
}

static int ask_parents(struct why *why, struct asked *asked)
{
	int n;

	asked->parent = calloc(asked->node.parents + 1, sizeof(*asked->parent));
	if (!asked->parent)
		return -ENOMEM;
	n = asked->node.parents ? mmsb_parents(why->scratch.space, asked->page, 0, asked->parent, asked->node.parents) : 0;
	asked->parents = n > 0 ? (unsigned int)n : 0;
	return n < 0 ? n : 0;
}

static int ask(struct why *why, uint64_t page, unsigned int depth)
{
	struct asked *asked;
	int err;

	if (asked_find(why, page))
		return 0;
	if (why->n == PAGES_MAX) {
		why->more = true;
		return 0;
	}
	asked = calloc(1, sizeof(*asked));
	if (!asked)
		return -ENOMEM;
	why->asked[why->n++] = asked;
	asked->page = page;
	asked->depth = depth;
	err = mmsb_page_info(why->scratch.space, page, &asked->info);
	if (!err)
		err = mmsb_node(why->scratch.space, page, &asked->node);
	return err ? err : ask_parents(why, asked);
}

/* Level by level, so that each page has the least depth that leads to it. */
static int ask_all(struct why *why, uint64_t page)
{
	unsigned int i, k;
	int err = ask(why, page, 0);

	for (i = 0; !err && i < why->n; i++)
		for (k = 0; !err && why->asked[i]->depth < why->depth && k < why->asked[i]->parents; k++)
			err = ask(why, why->asked[i]->parent[k].parent, why->asked[i]->depth + 1);
	return err;
}

/* ---------------------------------------------------------------------------------------------------------- gathering */

static bool is_asked(void *arg, const struct mmsb_delta_record *delta)
{
	return asked_find(arg, delta->sqe.page);
}

static void forget_half(struct asked *asked)
{
	unsigned int half = asked->causes / 2, i;

	for (i = 0; i < half; i++)
		free(asked->cause[i].delta);
	memmove(asked->cause, asked->cause + half, (asked->causes - half) * sizeof(*asked->cause));
	asked->causes -= half;
	asked->dropped += half;
}

static bool add_cause(struct asked *asked, struct mmsb_delta_record *delta, const struct mmsb_hash_record *closed)
{
	struct cause *more;

	if (asked->causes == KEEP)
		forget_half(asked);
	if (asked->causes == asked->room) {
		more = reallocarray(asked->cause, asked->room ? 2 * asked->room : 16, sizeof(*more));
		if (!more)
			return false;
		asked->room = asked->room ? 2 * asked->room : 16;
		asked->cause = more;
	}
	asked->cause[asked->causes++] = (struct cause){ .delta = delta, .tick = closed->record.tick, .time = closed->time };
	return true;
}

/* The deltas change hands. */
static bool gather_tick(struct why *why, const struct mmsb_hash_record *closed)
{
	unsigned int i;

	for (i = 0; i < why->ticks.n; i++) {
		if (!add_cause(asked_find(why, why->ticks.delta[i]->sqe.page), why->ticks.delta[i], closed))
			return fail(why->cli, NULL, "out of memory"), false;
		why->ticks.delta[i] = NULL;
	}
	return true;
}

static bool gather(struct why *why, const char *dir)
{
	uint64_t last = why->scratch.restored.tick;
	const struct mmsb_hash_record *closed;
	int more = 0;

	why->ticks.wanted = is_asked;
	why->ticks.arg = why;
	if (!ticks_open(&why->ticks, why->cli, dir, 1, false))
		return false;
	while ((more = ticks_next(&why->ticks, &closed, 0)) > 0 && closed->record.tick <= last)
		if (!gather_tick(why, closed))
			more = -1;
	ticks_close(&why->ticks);
	return more >= 0 && !cli_stopped;
}

/* ----------------------------------------------------------------------------------------------------- what counts */

struct open_bytes {
	uint64_t *bits;		/* of each byte: its origin is not known yet */
	uint64_t left, size;
};

static bool overwrites(uint8_t op)
{
	return op == MMSB_OP_SET || op == MMSB_OP_FILL || op == MMSB_OP_CAS;
}

/* Whether a byte that is still open lies in there; with `settle` none does afterwards. */
static bool touch(struct open_bytes *open, uint64_t from, uint64_t len, bool settle)
{
	uint64_t end = from + len < open->size ? from + len : open->size, i;
	bool touched = false;

	for (i = from; i < end && (settle || !touched); i++) {
		if (!(open->bits[i / 64] >> i % 64 & 1))
			continue;
		touched = true;
		if (!settle)
			continue;
		open->bits[i / 64] &= ~(1ULL << i % 64);
		open->left--;
	}
	return touched;
}

/* Going back, this is where it ends: what was there before does not show. */
static bool begins(uint8_t op)
{
	return op == MMSB_OP_CREATE || op == MMSB_OP_UNDERIVE || op == MMSB_OP_DERIVE;
}

static bool counts(struct open_bytes *open, const struct mmsb_sqe *sqe)
{
	if (begins(sqe->op))
		return true;
	if (sqe->op < MMSB_OP_SET || sqe->op > MMSB_OP_APPEND)
		return false;
	return touch(open, sqe->offset, sqe->op == MMSB_OP_APPEND ? open->size : sqe->len, overwrites(sqe->op));
}

static bool weigh_source(struct asked *asked)
{
	struct open_bytes open = { .size = asked->info.length, .left = asked->info.length };
	unsigned int i = asked->causes;

	open.bits = malloc((open.size / 64 + 1) * sizeof(*open.bits));
	if (!open.bits)
		return false;
	memset(open.bits, 0xff, (open.size / 64 + 1) * sizeof(*open.bits));
	while (i-- && open.left && !asked->complete) {
		asked->cause[i].counts = counts(&open, &asked->cause[i].delta->sqe);
		asked->complete = begins(asked->cause[i].delta->sqe.op);
	}
	asked->complete |= !open.left;
	free(open.bits);
	return true;
}

/* From the last derivation on: that, and the edges that came and went since. */
static void weigh_derived(struct asked *asked)
{
	unsigned int i = asked->causes;

	while (i-- && !asked->complete) {
		asked->cause[i].counts = asked->cause[i].delta->sqe.op != MMSB_OP_REFRESH;
		asked->complete = asked->cause[i].delta->sqe.op == MMSB_OP_DERIVE;
	}
}

static bool weigh(const struct why *why)
{
	unsigned int i;

	for (i = 0; i < why->n; i++) {
		if (why->asked[i]->node.kind == MMSB_KIND_DERIVED)
			weigh_derived(why->asked[i]);
		else if (!weigh_source(why->asked[i]))
			return fail(why->cli, NULL, "out of memory"), false;
	}
	return true;
}

/* --------------------------------------------------------------------------------------------------------- telling */

static unsigned int count_causes(const struct asked *asked)
{
	unsigned int i, n = 0;

	for (i = 0; i < asked->causes; i++)
		n += asked->cause[i].counts;
	return n;
}

static void print_head(const struct asked *asked)
{
	bool derived = asked->node.kind == MMSB_KIND_DERIVED;
	char title[32];
	unsigned int i;

	printf("%*s", 2 * asked->depth, "");
	snprintf(title, sizeof(title), "page %s", text_id(asked->page).s);
	out_colour(stdout, COLOUR_BOLD, title);
	printf("  epoch %" PRIu64 ", changed at tick %" PRIu64 ", %s", asked->info.epoch, asked->info.tick, derived ? "derived by " : "source");
	if (derived)
		printf("%s of", mmsb_rule_name(asked->node.rule) ?: "a rule of its own");
	for (i = 0; i < asked->parents && i < SHOWN; i++)
		printf(" %s", text_id(asked->parent[i].parent).s);
	printf("%s%s\n", i < asked->parents ? " ..." : "", asked->info.flags & MMSB_LINE_STALE ? ", stale" : "");
}

static void print_causes(const struct why *why, const struct asked *asked)
{
	uint64_t skip = count_causes(asked);
	unsigned int i;

	skip = skip > why->shown ? skip - why->shown : 0;
	if (asked->dropped && !asked->complete)
		printf("%*sand before that %" PRIu64 " deltas that were not looked at\n", 2 * asked->depth + 2, "", asked->dropped);
	else if (!asked->complete)
		printf("%*sthe rest is from before the log begins\n", 2 * asked->depth + 2, "");
	if (skip)
		printf("%*s... %" PRIu64 " more\n", 2 * asked->depth + 2, "", skip);
	for (i = 0; i < asked->causes; i++) {
		if (!asked->cause[i].counts || (skip && skip--))
			continue;
		printf("%*stick %" PRIu64 "  %s  ", 2 * asked->depth + 2, "", asked->cause[i].tick, text_date(asked->cause[i].time).s);
		record_print(stdout, asked->cause[i].delta);
		putchar('\n');
	}
}

static void json_causes(struct json *json, const struct why *why, const struct asked *asked)
{
	uint64_t skip = count_causes(asked);
	unsigned int i;

	json_u64(json, "count", skip);
	skip = skip > why->shown ? skip - why->shown : 0;
	json_array(json, "deltas");
	for (i = 0; i < asked->causes; i++) {
		if (!asked->cause[i].counts || (skip && skip--))
			continue;
		json_object(json, NULL);
		json_u64(json, "tick", asked->cause[i].tick);
		json_u64(json, "time", asked->cause[i].time);
		record_json(json, asked->cause[i].delta);
		json_close(json);
	}
	json_close(json);
}

static void json_asked(const struct why *why, const struct asked *asked)
{
	bool derived = asked->node.kind == MMSB_KIND_DERIVED;
	struct json json;
	unsigned int i;

	json_begin(&json, stdout);
	json_string(&json, "page", text_id(asked->page).s);
	json_u64(&json, "depth", asked->depth);
	json_u64(&json, "epoch", asked->info.epoch);
	json_u64(&json, "tick", asked->info.tick);
	json_string(&json, "kind", derived ? "derived" : "source");
	json_string(&json, "rule", derived ? mmsb_rule_name(asked->node.rule) : NULL);
	json_array(&json, "parents");
	for (i = 0; i < asked->parents; i++)
		json_string(&json, NULL, text_id(asked->parent[i].parent).s);
	json_close(&json);
	json_bool(&json, "complete", asked->complete);
	json_causes(&json, why, asked);
	json_end(&json);
}

static void tell(const struct why *why)
{
	unsigned int i;

	for (i = 0; i < why->n; i++) {
		if (why->cli->json) {
			json_asked(why, why->asked[i]);
			continue;
		}
		print_head(why->asked[i]);
		print_causes(why, why->asked[i]);
	}
	if (why->more && !why->cli->json)
		printf("... more than %u pages: say a smaller --depth\n", PAGES_MAX);
}

static void why_free(struct why *why)
{
	unsigned int i, k;

	for (i = 0; i < why->n; i++) {
		for (k = 0; k < why->asked[i]->causes; k++)
			free(why->asked[i]->cause[k].delta);
		free(why->asked[i]->cause);
		free(why->asked[i]->parent);
		free(why->asked[i]);
	}
	free(why);
}

static enum cli_exit explain(struct why *why, const char *dir, uint64_t page)
{
	int err = ask_all(why, page);

	if (err)
		return fail_lib(why->cli, err, "page %s at tick %" PRIu64, text_id(page).s, why->scratch.restored.tick);
	if (!gather(why, dir) || !weigh(why))
		return CLI_FAILED;
	tell(why);
	return CLI_OK;
}

enum cli_exit cmd_why(struct cli *cli, const struct args *args)
{
	struct mmsb_restore_opts opts = { .size = sizeof(opts) };
	struct why *why = calloc(1, sizeof(*why));
	enum cli_exit status = CLI_USAGE;
	uint64_t page;

	if (!why)
		return fail(cli, NULL, "out of memory");
	why->cli = cli;
	why->depth = DEPTH;
	why->shown = SHOWN;
	if (operand_id(cli, args->operand[1], &page) && restore_options(cli, args, &opts) &&
	    arg_u64(cli, args, OPT_DEPTH, 0, 1000, &why->depth) && arg_u64(cli, args, OPT_COUNT, 1, UINT64_MAX, &why->shown))
		status = CLI_FAILED;
	if (status == CLI_FAILED && scratch_restore(cli, &why->scratch, args->operand[0], &opts)) {
		status = explain(why, args->operand[0], page);
		scratch_close(&why->scratch);
	}
	why_free(why);
	return status;
}
