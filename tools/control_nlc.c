// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <string.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <mmsb/logging.h>
#include <mmsb/reasons.h>
#include "control_nlc.h"

bool nlc_ready(struct cli *cli, struct nlc *nl)
{
	int err;

	if (!strcmp(cli_home(cli), "embedded")) {
		fail(cli, "inside one process see mmsb space show; or leave --home away", "there is nothing to control from outside in the embedded home: its spaces are one process's own");
		return false;
	}
	err = nlc_open(nl);
	if (err == -ENOENT)
		fail(cli, "load it: modprobe mmsb, or see mmsb doctor", "the module is not loaded: there is no generic netlink family '%s'", MMSB_GENL_NAME);
	else if (err)
		fail(cli, "see mmsb doctor", "cannot open a netlink socket: %s", strerror(-err));
	return !err;
}

enum cli_exit nlc_finish(struct cli *cli, struct nlc *nl, int err, const char *what, ...)
{
	char text[200];
	va_list args;

	nlc_close(nl);
	if (!err)
		return CLI_OK;
	va_start(args, what);
	vsnprintf(text, sizeof(text), what, args);
	va_end(args);
	return fail(cli, NULL, "%s: %s", text, nl->refusal[0] ? nl->refusal : strerror(-err));
}

static int name_attr(int cmd)
{
	switch (cmd) {
	case MMSB_CMD_RING_GET:
		return MMSB_A_RING_SPACE_NAME;
	case MMSB_CMD_SHARD_GET:
	case MMSB_CMD_SHARD_SET:
		return MMSB_A_SHARD_SPACE_NAME;
	case MMSB_CMD_TIMING_GET:
	case MMSB_CMD_TIMING_RESET:
		return MMSB_A_TIMING_SPACE_NAME;
	case MMSB_CMD_PAGE_GET:
		return MMSB_A_PAGE_SPACE_NAME;
	default:
		return MMSB_A_SPACE_NAME;
	}
}

struct nl_msg *nlc_about(struct nlc *nl, int cmd, bool dump, const char *space)
{
	struct nl_msg *msg = nlc_request(nl, cmd, dump);

	if (msg && space && nla_put_string(msg, name_attr(cmd), space)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

void json_row(struct json *json, const struct nlc_row *row)
{
	int i;

	for (i = 1; i <= row->set->max; i++) {
		if (!row->attrs[i] || row->set->attrs[i].type == NLC_NONE || row->set->attrs[i].type == NLC_BINARY)
			continue;
		if (row->set->attrs[i].type == NLC_STRING)
			json_string(json, row->set->attrs[i].name, nlc_text(row, i));
		else
			json_u64(json, row->set->attrs[i].name, nlc_number(row, i));
	}
}

const char *log_state(const struct nlc_row *space)
{
	if (nlc_number(space, MMSB_A_SPACE_LOG_FAILED))
		return "FAILED";
	switch (nlc_number(space, MMSB_A_SPACE_DURABILITY)) {
	case MMSB_BUFFERED:
		return nlc_number(space, MMSB_A_SPACE_LOG_WRITER) ? "buffered" : "no writer";
	case MMSB_STRICT:
		return nlc_number(space, MMSB_A_SPACE_LOG_WRITER) ? "strict" : "no writer";
	default:
		return "-";
	}
}

struct text user_text(uint64_t uid)
{
	const struct passwd *user = getpwuid((uid_t)uid);
	struct text text;

	if (user)
		snprintf(text.s, sizeof(text.s), "%s", user->pw_name);
	else
		snprintf(text.s, sizeof(text.s), "%" PRIu64, uid);
	return text;
}

static struct text of_most(struct text now, struct text most)
{
	struct text text;

	snprintf(text.s, sizeof(text.s), "%.24s of %.24s", now.s, most.s);
	return text;
}

bool user_print(const struct nlc_row *row, void *arg)
{
	bool *begun = arg;

	if (!*begun)
		printf("\n%-24s %18s %26s %24s %18s\n", "USER", "SPACES", "PAGES", "BYTES", "RINGS");
	*begun = true;
	printf("%-24s %18s %26s %24s %18s\n", user_text(nlc_number(row, MMSB_A_USER_UID)).s,
	       of_most(text_grouped(nlc_number(row, MMSB_A_USER_SPACES)), text_grouped(nlc_number(row, MMSB_A_USER_MAX_SPACES))).s,
	       of_most(text_grouped(nlc_number(row, MMSB_A_USER_PAGES)), text_grouped(nlc_number(row, MMSB_A_USER_MAX_PAGES))).s,
	       of_most(text_bytes(nlc_number(row, MMSB_A_USER_BYTES)), text_bytes(nlc_number(row, MMSB_A_USER_MAX_BYTES))).s,
	       of_most(text_grouped(nlc_number(row, MMSB_A_USER_RINGS)), text_grouped(nlc_number(row, MMSB_A_USER_MAX_RINGS))).s);
	return true;
}

const char *reason_text(uint64_t reason)
{
#define REASON(name, err, text)	text,
	static const char *const texts[] = { MMSB_REASONS(REASON) };

	return reason < MMSB_REASON_LAST ? texts[reason] : "for a reason that this command does not know yet";
}
