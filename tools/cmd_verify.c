// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb verify: has the engine look through a space, and names what is wrong with it.
 *
 * Others go on with the space meanwhile. What is counted of it can be compared only where it stood still for long enough, and where not the
 * output says what was left out; with --still the space is made to.
 */
#include <string.h>
#include "args.h"
#include "json.h"
#include "out.h"
#include "progress.h"

struct verifying {
	struct cli *cli;
	struct progress progress;
	struct json json;
};

static const struct {
	uint32_t bit;
	const char *name, *what;
} left_out[] = {
	{ MMSB_MOVED_PAGES, "pages", "the counts of pages, slots and edges" },
	{ MMSB_MOVED_HASH, "hash", "the state hash" },
	{ MMSB_MOVED_CHUNKS, "chunks", "the count of the arena's chunks" },
	{ MMSB_MOVED_SIGNATURES, "signatures", "whether derived pages follow their parents" },
};
#define LEFT_OUT	(sizeof(left_out) / sizeof(*left_out))

static struct text where(const struct mmsb_finding *finding)
{
	struct text text = { "" };

	if (finding->page)
		snprintf(text.s, sizeof(text.s), "page %s", text_id(finding->page).s);
	else if (finding->shard != MMSB_VERIFY_NOWHERE)
		snprintf(text.s, sizeof(text.s), "shard %u", finding->shard);
	else
		snprintf(text.s, sizeof(text.s), "the space");
	return text;
}

static void json_finding(struct json *json, const struct mmsb_finding *finding)
{
	json_object(json, NULL);
	json_string(json, "kind", mmsb_finding_name(finding->kind));
	json_string(json, "page", finding->page ? text_id(finding->page).s : NULL);
	if (finding->shard == MMSB_VERIFY_NOWHERE)
		json_string(json, "shard", NULL);
	else
		json_u64(json, "shard", finding->shard);
	json_u64(json, "detail", finding->detail);
	json_u64(json, "expected", finding->expected);
	json_u64(json, "found", finding->found);
	json_string(json, "text", mmsb_finding_text(finding->kind));
	json_close(json);
}

static void tell_finding(void *arg, const struct mmsb_finding *finding)
{
	struct verifying *verifying = arg;

	if (verifying->cli->json) {
		json_finding(&verifying->json, finding);
		return;
	}
	progress_end(&verifying->progress);
	out_colour(stdout, COLOUR_RED, mmsb_finding_name(finding->kind));
	printf("  %s: %s (%llu: expected %llu, found %llu)\n", where(finding).s, mmsb_finding_text(finding->kind),
	       finding->detail, finding->expected, finding->found);
}

static bool tell_progress(void *arg, uint64_t done, uint64_t total)
{
	struct verifying *verifying = arg;

	progress_show(&verifying->progress, done, total);
	return !cli_stopped;
}

static void json_totals(struct json *json, const struct args *args, const struct mmsb_verify_args *totals, bool ended)
{
	unsigned int i;

	json_string(json, "space", args->operand[0]);
	json_u64(json, "tick", totals->tick);
	json_u64(json, "pages", totals->pages);
	json_u64(json, "derived", totals->derived);
	json_u64(json, "edges", totals->edges);
	json_u64(json, "bytes", totals->bytes);
	json_bool(json, "hash", totals->hashed);
	json_array(json, "moved");
	for (i = 0; i < LEFT_OUT; i++)
		if (totals->moved & left_out[i].bit)
			json_string(json, NULL, left_out[i].name);
	json_close(json);
	json_u64(json, "count", totals->findings);
	json_bool(json, "ok", ended && !totals->findings);
}

static void print_totals(const struct mmsb_verify_args *totals)
{
	unsigned int i;

	printf("%s page%s of %s, %s derived by %s edge%s", text_grouped(totals->pages).s, totals->pages == 1 ? "" : "s",
	       text_bytes(totals->bytes).s, text_grouped(totals->derived).s, text_grouped(totals->edges).s, totals->edges == 1 ? "" : "s");
	printf("; the space keeps %s state hash\n", totals->hashed ? "its" : "no");
	for (i = 0; i < LEFT_OUT; i++)
		if (totals->moved & left_out[i].bit)
			printf("not compared, because the space did not stand still: %s (use --still)\n", left_out[i].what);
	if (!totals->findings)
		out_colour(stdout, COLOUR_GREEN, "nothing is wrong\n");
}

static enum cli_exit verify(struct cli *cli, const struct args *args, struct mmsb_space *space)
{
	struct mmsb_verify_args totals = { .size = sizeof(totals) };
	struct verifying verifying = { .cli = cli };
	int err;

	cli_catch_signals();
	progress_begin(&verifying.progress, cli, "verifying");
	verifying.progress.unit = "lines";
	if (cli->json) {
		json_begin(&verifying.json, stdout);
		json_array(&verifying.json, "findings");
	}
	err = mmsb_verify(space, MMSB_OPTS(struct mmsb_verify_opts, .flags = arg_has(args, OPT_STILL) ? MMSB_VERIFY_STILL : 0,
					   .finding = tell_finding, .progress = tell_progress, .arg = &verifying), &totals);
	progress_end(&verifying.progress);
	if (cli->json) {
		json_close(&verifying.json);
		json_totals(&verifying.json, args, &totals, !err);
		json_end(&verifying.json);
	} else if (!err) {
		print_totals(&totals);
	}
	if (err)
		return fail_lib(cli, err, "cannot verify '%s'", args->operand[0]);
	if (totals.findings)
		return fail(cli, "this is a defect of MMSB, or of this machine's memory: please report it, with these lines",
			    "space '%s': %llu finding%s", args->operand[0], totals.findings, totals.findings == 1 ? "" : "s");
	return CLI_OK;
}

enum cli_exit cmd_verify(struct cli *cli, const struct args *args)
{
	struct mmsb_space *space;
	enum cli_exit status;

	if (!cli_space(cli, args->operand[0], 0, &space))
		return CLI_FAILED;
	status = verify(cli, args, space);
	mmsb_space_close(space);
	return status;
}
