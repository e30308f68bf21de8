// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdlib.h>
#include "got.h"
#include "hexdump.h"
#include "json.h"
#include "out.h"
#include "value.h"

bool got_options(struct cli *cli, const struct args *args, const char *page, struct got *got)
{
	opt_set forms = OPT_BIT(OPT_AS_HEX) | OPT_BIT(OPT_RAW) | OPT_BIT(OPT_LANE);
	uint64_t len = 0;

	*got = (struct got){ .lane = MMSB_LANE_U8 };
	if (!operand_id(cli, page, &got->page) || !arg_only_one(cli, args, forms) || !arg_lane(cli, args, OPT_LANE, &got->lane) ||
	    !arg_size(cli, args, OPT_OFFSET, 0, MMSB_PAGE_MAX, &got->offset) || !arg_size(cli, args, OPT_LENGTH, 1, MMSB_PAGE_MAX, &len))
		return false;
	if (cli->json && arg_has(args, OPT_RAW))
		return fail_usage(cli, "--json and --raw exclude each other"), false;
	got->len = len;
	return true;
}

enum cli_exit got_read(struct cli *cli, struct mmsb_space *space, const struct mmsb_page_info *info, struct got *got)
{
	struct mmsb_page_info now;
	ssize_t copied;

	if (got->offset >= info->length)
		return fail(cli, "choose a smaller --offset", "page %s has %" PRIu32 " bytes, none at offset %" PRIu64,
			    text_id(got->page).s, info->length, got->offset);
	if (!got->len)
		got->len = info->length - got->offset;
	if (got->len > info->length - got->offset)
		return fail(cli, "choose a smaller --length", "page %s has only %" PRIu64 " bytes from offset %" PRIu64,
			    text_id(got->page).s, info->length - got->offset, got->offset);
	got->bytes = malloc(got->len);
	if (!got->bytes)
		return fail(cli, "choose a --length", "out of memory");
	copied = mmsb_read(space, got->page, got->offset, got->bytes, got->len, &got->epoch);
	if (copied < 0)
		return fail_lib(cli, (int)copied, "page %s", text_id(got->page).s);
	got->len = (size_t)copied;
	got->stale = !mmsb_page_info(space, got->page, &now) && now.flags & MMSB_LINE_STALE;
	return CLI_OK;
}

static void print_lanes(const struct got *got, uint8_t lane)
{
	unsigned int width = lane_bytes(lane);
	size_t at;

	for (at = 0; at + width <= got->len; at += width)
		puts(text_lane(lane, lane_load(lane, got->bytes + at)).s);
}

static void json_lanes(struct json *json, const struct got *got, uint8_t lane)
{
	unsigned int width = lane_bytes(lane);
	size_t at;

	json_string(json, "lane", mmsb_lane_name(lane));
	json_array(json, "values");
	for (at = 0; at + width <= got->len; at += width)
		json_lane(json, NULL, lane, lane_load(lane, got->bytes + at));
	json_close(json);
}

static void json_got(const struct args *args, const struct got *got)
{
	struct json json;

	json_begin(&json, stdout);
	json_string(&json, "page", text_id(got->page).s);
	json_u64(&json, "epoch", got->epoch);
	json_u64(&json, "offset", got->offset);
	json_u64(&json, "length", got->len);
	json_bool(&json, "stale", got->stale);
	if (arg_has(args, OPT_LANE))
		json_lanes(&json, got, got->lane);
	else
		json_bytes(&json, "hex", got->bytes, got->len);
	json_end(&json);
}

static void print_hex(const struct got *got)
{
	size_t i;

	for (i = 0; i < got->len; i++)
		printf("%02x", got->bytes[i]);
	putchar('\n');
}

void got_show(const struct cli *cli, const struct args *args, const struct got *got)
{
	uint8_t lane = got->lane;

	if (cli->json)
		json_got(args, got);
	else if (arg_has(args, OPT_LANE))
		print_lanes(got, lane);
	else if (arg_has(args, OPT_RAW))
		fwrite(got->bytes, 1, got->len, stdout);
	else if (arg_has(args, OPT_AS_HEX))
		print_hex(got);
	else
		hexdump(stdout, "", got->offset, got->bytes, got->len);
}
