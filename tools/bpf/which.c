// SPDX-License-Identifier: GPL-2.0-only
/* See tracing.h: a space by its name, through generic netlink. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netlink/msg.h>
#include "../nlc.h"
#include "tracing.h"

static bool take_id(const struct nlc_row *row, void *arg)
{
	*(uint64_t *)arg = nlc_number(row, MMSB_A_SPACE_ID);
	return false;
}

static int ask_for(struct nlc *nl, const char *name, uint64_t *id)
{
	struct nl_msg *msg = nlc_request(nl, MMSB_CMD_SPACE_GET, false);

	if (msg && nla_put_string(msg, MMSB_A_SPACE_NAME, name)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return nlc_ask(nl, msg, &nlc_space, take_id, id);
}

bool space_number(const char *name, uint64_t *id, struct why *why)
{
	struct nlc nl;
	char *end;
	int err;

	*id = strtoull(name, &end, 10);
	if ((*name && !*end) || !strcmp(name, "all"))
		return true;
	err = nlc_open(&nl);
	if (err) {
		snprintf(why->text, sizeof(why->text), "cannot look up space '%s': %s", name,
			 err == -ENOENT ? "the module is not loaded: modprobe mmsb" : strerror(-err));
		return false;
	}
	err = ask_for(&nl, name, id);
	nlc_close(&nl);
	if (err)
		snprintf(why->text, sizeof(why->text), "there is no space '%s': 'mmsb space list' shows those that are there", name);
	return !err;
}
