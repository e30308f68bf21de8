// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb dump: pages with their bytes, for people and for programs.
 *
 * Each page is one version of itself. Only --snapshot makes them versions of one tick, because that needs all of them in
 * memory at once and the shards to stand still while they are copied, if they are hot.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "args.h"
#include "hexdump.h"
#include "json.h"
#include "out.h"

struct dump {
	struct cli *cli;
	struct mmsb_space *space;
	struct json *json;	/* NULL: for people */
	uint64_t length;	/* show at most that many bytes of a page */
	unsigned int n, room;
	uint64_t *pages;
	struct mmsb_page_info *infos;
	void **bytes;
	size_t *lengths;
	int *results;
};

static void show_page(struct dump *dump, const struct mmsb_page_info *info, const void *bytes, size_t len)
{
	struct json *json = dump->json;
	char title[32];

	if (json) {
		json_object(json, NULL);
		json_string(json, "page", text_id(info->page).s);
		json_u64(json, "length", info->length);
		json_u64(json, "epoch", info->epoch);
		json_u64(json, "tick", info->tick);
		json_bytes(json, "hex", bytes, len);
		json_close(json);
		return;
	}
	snprintf(title, sizeof(title), "page %s", text_id(info->page).s);
	out_colour(stdout, COLOUR_BOLD, title);
	printf("  %s  epoch %" PRIu64 "  tick %" PRIu64 "\n", text_bytes(info->length).s, info->epoch, info->tick);
	hexdump(stdout, "  ", 0, bytes, len);
	if (len < info->length)
		printf("  ... %" PRIu64 " more bytes\n", (uint64_t)info->length - len);
}

/* ------------------------------------------------------------------------------------------- which pages, and their room */

static bool add_page(struct dump *dump, uint64_t page)
{
	uint64_t *more;

	if (dump->n == dump->room) {
		dump->room = dump->room ? 2 * dump->room : 256;
		more = reallocarray(dump->pages, dump->room, sizeof(*more));
		if (!more)
			return fail(dump->cli, "choose a --limit", "out of memory"), false;
		dump->pages = more;
	}
	dump->pages[dump->n++] = page;
	return true;
}

static enum cli_exit choose_pages(struct dump *dump, const struct args *args)
{
	uint64_t limit = UINT32_MAX / 2, page, cursor = 0;
	struct mmsb_page_info info;
	unsigned int i;
	int err;

	if (!arg_u64(dump->cli, args, OPT_LIMIT, 0, UINT32_MAX / 2, &limit))
		return CLI_USAGE;
	for (i = 1; i < args->operands; i++) {
		if (!operand_id(dump->cli, args->operand[i], &page))
			return CLI_USAGE;
		if (!add_page(dump, page))
			return CLI_FAILED;
	}
	if (dump->n)
		return CLI_OK;
	while (dump->n < limit) {
		err = mmsb_page_next(dump->space, &cursor, &info);
		if (err == -ENOENT)
			break;
		if (err)
			return fail_lib(dump->cli, err, "cannot list the pages");
		if (!add_page(dump, info.page))
			return CLI_FAILED;
	}
	return CLI_OK;
}

static size_t shown_length(const struct dump *dump, const struct mmsb_page_info *info)
{
	return info->length < dump->length ? info->length : dump->length;
}

/* ------------------------------------------------------------------------------------------------------- page by page */

static int dump_one(struct dump *dump, uint64_t page)
{
	struct mmsb_page_info info;
	ssize_t copied;
	void *bytes;
	int err;

	err = mmsb_page_info(dump->space, page, &info);
	if (err)
		return err;
	bytes = malloc(shown_length(dump, &info));
	if (!bytes)
		return -ENOMEM;
	copied = mmsb_read(dump->space, page, 0, bytes, shown_length(dump, &info), &info.epoch);
	if (copied >= 0)
		show_page(dump, &info, bytes, (size_t)copied);
	free(bytes);
	return copied < 0 ? (int)copied : 0;
}

/* A page that goes away while all are being dumped is no failure; one that was asked for by its id is. */
static enum cli_exit dump_each(struct dump *dump, bool asked)
{
	enum cli_exit status = CLI_OK;
	unsigned int i;
	int err;

	for (i = 0; i < dump->n; i++) {
		err = dump_one(dump, dump->pages[i]);
		if (err && (asked || (err != -ESTALE && err != -ENOENT)))
			status = fail_lib(dump->cli, err, "page %s", text_id(dump->pages[i]).s);
	}
	return status;
}

/* -------------------------------------------------------------------------------------------------------- at one tick */

static bool snapshot_room(struct dump *dump)
{
	struct mmsb_page_info info;
	unsigned int i;

	dump->infos = calloc(dump->n, sizeof(*dump->infos));
	dump->bytes = calloc(dump->n, sizeof(*dump->bytes));
	dump->lengths = calloc(dump->n, sizeof(*dump->lengths));
	dump->results = calloc(dump->n, sizeof(*dump->results));
	if (!dump->infos || !dump->bytes || !dump->lengths || !dump->results)
		return false;
	for (i = 0; i < dump->n; i++) {
		dump->lengths[i] = 1;
		if (!mmsb_page_info(dump->space, dump->pages[i], &info))
			dump->lengths[i] = shown_length(dump, &info);
		dump->bytes[i] = malloc(dump->lengths[i]);
		if (!dump->bytes[i])
			return false;
	}
	return true;
}

static enum cli_exit dump_snapshot(struct dump *dump, bool asked)
{
	enum cli_exit status = CLI_OK;
	uint64_t tick;
	unsigned int i;
	int err;

	if (dump->n > MMSB_SNAPSHOT_MAX)
		return fail(dump->cli, "choose a --limit, or name the pages", "a snapshot has at most %u pages, not %u",
			    MMSB_SNAPSHOT_MAX, dump->n);
	if (!dump->n)
		return CLI_OK;
	if (!snapshot_room(dump))
		return fail(dump->cli, "choose a --limit or a --length", "out of memory");
	err = mmsb_snapshot(dump->space, dump->pages, dump->n, dump->bytes, dump->lengths, dump->infos, dump->results, &tick);
	if (err)
		return fail_lib(dump->cli, err, "cannot take a snapshot");
	if (!dump->json)
		printf("as of tick %" PRIu64 "\n", tick);
	for (i = 0; i < dump->n; i++) {
		if (dump->results[i] >= 0)
			show_page(dump, &dump->infos[i], dump->bytes[i], (size_t)dump->results[i]);
		else if (asked)
			status = fail(dump->cli, "look at mmsb page list", "page %s: %s", text_id(dump->pages[i]).s,
				      strerror(-dump->results[i]));
	}
	return status;
}

static void dump_free(struct dump *dump)
{
	unsigned int i;

	for (i = 0; dump->bytes && i < dump->n; i++)
		free(dump->bytes[i]);
	free(dump->pages);
	free(dump->infos);
	free(dump->bytes);
	free(dump->lengths);
	free(dump->results);
}

enum cli_exit cmd_dump(struct cli *cli, const struct args *args)
{
	struct dump dump = { .cli = cli, .length = UINT64_MAX };
	enum cli_exit status;
	struct json json;

	if (!arg_size(cli, args, OPT_LENGTH, 1, MMSB_PAGE_MAX, &dump.length))
		return CLI_USAGE;
	if (!cli_space(cli, args->operand[0], MMSB_SPACE_READ_ONLY, &dump.space))
		return CLI_FAILED;
	status = choose_pages(&dump, args);
	if (status != CLI_OK)
		goto out;
	if (cli->json) {
		dump.json = &json;
		json_begin(&json, stdout);
		json_string(&json, "space", args->operand[0]);
		json_array(&json, "pages");
	}
	if (arg_has(args, OPT_SNAPSHOT))
		status = dump_snapshot(&dump, args->operands > 1);
	else
		status = dump_each(&dump, args->operands > 1);
	if (cli->json) {
		json_close(&json);
		json_end(&json);
	}
out:
	dump_free(&dump);
	mmsb_space_close(dump.space);
	return status;
}
