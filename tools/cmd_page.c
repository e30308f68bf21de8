// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmsb page: what changes pages. What reads them is in cmd_read.c, what derives them in cmd_derive.c.
 *
 * Each command opens a ring of its own, drained by this very process, because that works in every space, with pollers or
 * without. An operand that one delta cannot carry goes in several, as mmsb_set() of the library does; it is one version to
 * its readers only if it was one delta, so --if-epoch is limited to what one delta may cover.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "args.h"
#include "json.h"
#include "out.h"
#include "page.h"
#include "value.h"

void page_close(struct mmsb_space *space, struct mmsb_ring *ring)
{
	mmsb_ring_close(ring);
	mmsb_space_close(space);
}

bool page_open(struct cli *cli, const struct args *args, uint64_t payload, struct mmsb_space **space, struct mmsb_ring **ring)
{
	if (!cli_space(cli, args->operand[0], 0, space))
		return false;
	if (cli_ring(cli, *space, payload, ring))
		return true;
	mmsb_space_close(*space);
	return false;
}

void page_report(const struct cli *cli, uint64_t page, uint64_t epoch)
{
	struct json json;

	if (!cli->json) {
		printf("epoch %" PRIu64 "\n", epoch);
		return;
	}
	json_begin(&json, stdout);
	json_string(&json, "page", text_id(page).s);
	json_u64(&json, "epoch", epoch);
	json_end(&json);
}

/* ------------------------------------------------------------------------------------------------- create, destroy */

static int create_pages(struct cli *cli, struct mmsb_ring *ring, uint32_t bytes, uint64_t count, struct json *json)
{
	uint64_t page;
	int err;

	for (; count; count--) {
		err = mmsb_create(ring, bytes, &page);
		if (err)
			return err;
		cli->last[cli->made++ % CLI_MADE] = page;
		if (json)
			json_string(json, NULL, text_id(page).s);
		else
			puts(text_id(page).s);
	}
	return 0;
}

enum cli_exit cmd_page_create(struct cli *cli, const struct args *args)
{
	uint64_t bytes, count = 1;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	struct json json;
	int err;

	if (!operand_size(cli, "page size", args->operand[1], MMSB_PAGE_MIN, MMSB_PAGE_MAX, &bytes) ||
	    !arg_u64(cli, args, OPT_COUNT, 1, UINT32_MAX, &count))
		return CLI_USAGE;
	if (!page_open(cli, args, 0, &space, &ring))
		return CLI_FAILED;
	if (cli->json) {
		json_begin(&json, stdout);
		json_array(&json, "pages");
	}
	err = create_pages(cli, ring, (uint32_t)bytes, count, cli->json ? &json : NULL);
	if (cli->json) {
		json_close(&json);
		json_end(&json);
	}
	page_close(space, ring);
	return err ? fail_lib(cli, err, "cannot create a page of %s", text_bytes(bytes).s) : CLI_OK;
}

static enum cli_exit destroy_pages(struct cli *cli, const struct args *args, struct mmsb_ring *ring, const uint64_t *pages)
{
	bool detach = arg_has(args, OPT_DETACH);
	enum cli_exit status = CLI_OK;
	struct json json;
	unsigned int i;
	int err;

	for (i = 0; i + 1 < args->operands; i++) {
		err = detach ? mmsb_destroy_detach(ring, pages[i]) : mmsb_destroy(ring, pages[i]);
		if (err) {
			status = fail_lib(cli, err, "cannot destroy page %s", text_id(pages[i]).s);
		} else if (cli->json) {
			json_begin(&json, stdout);
			json_string(&json, "page", text_id(pages[i]).s);
			json_bool(&json, "removed", true);
			json_end(&json);
		}
	}
	return status;
}

enum cli_exit cmd_page_rm(struct cli *cli, const struct args *args)
{
	uint64_t *pages = calloc(args->operands, sizeof(*pages));
	enum cli_exit status = CLI_USAGE;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	unsigned int i;

	if (!pages)
		return fail(cli, NULL, "out of memory");
	for (i = 1; i < args->operands; i++)
		if (!operand_id(cli, args->operand[i], &pages[i - 1]))
			goto out;
	status = CLI_FAILED;
	if (!page_open(cli, args, 0, &space, &ring))
		goto out;
	status = destroy_pages(cli, args, ring, pages);
	page_close(space, ring);
out:
	free(pages);
	return status;
}

/* ------------------------------------------------------------------------------------------------------------- set */

static bool read_all(int fd, void **bytes, size_t *len)
{
	size_t room = 0;
	ssize_t n = 1;
	char *more;

	*bytes = NULL;
	for (*len = 0; n && *len <= MMSB_PAGE_MAX; *len += (size_t)n) {
		if (*len == room) {
			room = room ? 2 * room : 65536;
			more = realloc(*bytes, room);
			if (!more)
				return false;
			*bytes = more;
		}
		n = read(fd, (char *)*bytes + *len, room - *len);
		if (n < 0)
			return false;
	}
	return true;
}

static enum cli_exit read_file(struct cli *cli, const char *path, void **bytes, size_t *len)
{
	bool standard = !strcmp(path, "-"), done;
	int fd;

	if (standard && cli->line)
		return fail(cli, "name a file", "in a script, --file - would read the script");
	fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(cli, NULL, "cannot open '%s': %s", path, strerror(errno));
	done = read_all(fd, bytes, len);
	if (!done)
		fail(cli, NULL, "cannot read '%s': %s", path, strerror(errno));
	if (!standard)
		close(fd);
	if (done && *len > MMSB_PAGE_MAX)
		return fail(cli, "no page is that large", "'%s' has more than 1 GiB", path);
	if (done && !*len)
		return fail(cli, "give at least one byte", "'%s' is empty", path);
	return done ? CLI_OK : CLI_FAILED;
}

/* The operand of set, from whichever option gives it. *bytes is to be freed, even on failure. */
static enum cli_exit set_operand(struct cli *cli, const struct args *args, void **bytes, size_t *len)
{
	opt_set options = OPT_BIT(OPT_HEX) | OPT_BIT(OPT_STRING) | OPT_BIT(OPT_FILE) | OPT_BIT(OPT_U64);
	const char *string = args->value[OPT_STRING], *hex = args->value[OPT_HEX];
	uint64_t number = 0;

	if (!(args->given & options))
		return fail_usage(cli, "nothing to set: give --hex, --string, --file or --u64");
	if (!arg_only_one(cli, args, options) || !arg_u64(cli, args, OPT_U64, 0, UINT64_MAX, &number))
		return CLI_USAGE;
	if (arg_has(args, OPT_FILE))
		return read_file(cli, args->value[OPT_FILE], bytes, len);
	if (hex && !value_hex(hex, bytes, len)) {
		*bytes = NULL;
		return fail_usage(cli, "--hex '%s' is not one or more pairs of hex digits", hex);
	}
	if (hex)
		return CLI_OK;
	if (string && !*string)
		return fail_usage(cli, "--string is empty: give at least one byte");
	*len = string ? strlen(string) : sizeof(number);
	*bytes = malloc(*len);
	if (!*bytes)
		return fail(cli, NULL, "out of memory");
	memcpy(*bytes, string ? (const void *)string : &number, *len);
	return CLI_OK;
}

static enum cli_exit set_bytes(struct cli *cli, const struct args *args, uint64_t page, const void *bytes, size_t len)
{
	uint64_t offset = 0, expected = 0, epoch = 0;
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	int err;

	if (!arg_size(cli, args, OPT_OFFSET, 0, MMSB_PAGE_MAX, &offset) ||
	    !arg_u64(cli, args, OPT_IF_EPOCH, 0, UINT64_MAX, &expected))
		return CLI_USAGE;
	if (!page_open(cli, args, len < MMSB_DELTA_MAX ? len + 64 : MMSB_DELTA_MAX + 64, &space, &ring))
		return CLI_FAILED;
	if (arg_has(args, OPT_IF_EPOCH))
		err = mmsb_cas_epoch(ring, page, expected, offset, bytes, len, &epoch);
	else
		err = mmsb_set(ring, page, offset, bytes, len, &epoch);
	page_close(space, ring);
	if (err)
		return fail_lib(cli, err, "cannot set %zu bytes of page %s at %" PRIu64, len, text_id(page).s, offset);
	page_report(cli, page, epoch);
	return CLI_OK;
}

enum cli_exit cmd_page_set(struct cli *cli, const struct args *args)
{
	enum cli_exit status;
	void *bytes = NULL;
	uint64_t page;
	size_t len = 0;

	if (!operand_id(cli, args->operand[1], &page))
		return CLI_USAGE;
	status = set_operand(cli, args, &bytes, &len);
	if (status == CLI_OK)
		status = set_bytes(cli, args, page, bytes, len);
	free(bytes);
	return status;
}

/* ------------------------------------------------------------------------------------------------------------- add */

static bool add_entry(struct cli *cli, const struct args *args, struct mmsb_sqe *sqe)
{
	uint64_t page, offset = 0, value, epoch = 0;
	uint8_t lane = MMSB_LANE_I64;

	if (!operand_id(cli, args->operand[1], &page) || !arg_lane(cli, args, OPT_LANE, &lane) ||
	    !arg_size(cli, args, OPT_OFFSET, 0, MMSB_PAGE_MAX, &offset) ||
	    !arg_u64(cli, args, OPT_IF_EPOCH, 0, UINT64_MAX, &epoch))
		return false;
	if (lane_float(lane))
		return fail_usage(cli, "floating point cannot be added to: set it, or let a derived page add it up"), false;
	if (!value_in_lane(args->operand[2], lane, &value))
		return fail_usage(cli, "'%s' is no number that fits %s", args->operand[2], mmsb_lane_name(lane)), false;
	mmsb_prep_lane(sqe, MMSB_OP_ADD, lane, page, offset, value);
	if (arg_has(args, OPT_IF_EPOCH))
		mmsb_sqe_if_epoch(sqe, epoch);
	return true;
}

enum cli_exit cmd_page_add(struct cli *cli, const struct args *args)
{
	struct mmsb_sqe sqe = { 0 };
	struct mmsb_cqe cqe = { 0 };
	struct mmsb_space *space;
	struct mmsb_ring *ring;
	int err;

	if (!add_entry(cli, args, &sqe))
		return CLI_USAGE;
	if (!page_open(cli, args, 0, &space, &ring))
		return CLI_FAILED;
	err = mmsb_run(ring, &sqe, NULL, 0, &cqe);
	page_close(space, ring);
	if (err)
		return fail_lib(cli, err, "cannot add to page %s at %" PRIu64, text_id(sqe.page).s, (uint64_t)sqe.offset);
	page_report(cli, sqe.page, cqe.epoch);
	return CLI_OK;
}
