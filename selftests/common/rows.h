/* SPDX-License-Identifier: GPL-2.0-only */
/* What tests ask of generic netlink: requests about a space by name, answers and events kept as rows; and the same as somebody else. */
#ifndef ROWS_H
#define ROWS_H

#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/wait.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include "../../tools/nlc.h"

#define ROWS	512

/* Rows, kept as numbers and the first text of each. */
struct rows {
	int n;
	uint64_t number[ROWS][64];
	char text[ROWS][64];
};

static inline bool keep(const struct nlc_row *row, void *arg)
{
	struct rows *rows = arg;
	int i;

	if (rows->n == ROWS)
		return false;
	rows->text[rows->n][0] = '\0';
	for (i = 1; i <= row->set->max; i++) {
		rows->number[rows->n][i] = nlc_number(row, i);
		if (*nlc_text(row, i) && !rows->text[rows->n][0])
			snprintf(rows->text[rows->n], sizeof(rows->text[0]), "%s", nlc_text(row, i));
	}
	rows->n++;
	return true;
}

/* A request about a space by name (attribute `attr`; 0: none). */
static inline struct nl_msg *about(struct nlc *nl, int cmd, bool dump, int attr, const char *name)
{
	struct nl_msg *msg = nlc_request(nl, cmd, dump);

	if (attr)
		nla_put_string(msg, attr, name);
	return msg;
}

static inline int ask(struct nlc *nl, struct nl_msg *msg, const struct nlc_set *set, struct rows *rows)
{
	rows->n = 0;
	return nlc_ask(nl, msg, set, keep, rows);
}

static inline int get_space(struct nlc *nl, const char *name, struct rows *rows)
{
	return ask(nl, about(nl, MMSB_CMD_SPACE_GET, false, MMSB_A_SPACE_NAME, name), &nlc_space, rows);
}

static inline int do_space(struct nlc *nl, int cmd, const char *name)
{
	return nlc_ask(nl, about(nl, cmd, false, MMSB_A_SPACE_NAME, name), NULL, NULL, NULL);
}

static inline int set_u64(struct nlc *nl, const char *name, int attr, uint64_t value)
{
	struct nl_msg *msg = about(nl, MMSB_CMD_SPACE_SET, false, MMSB_A_SPACE_NAME, name);

	nla_put_u64(msg, attr, value);
	return nlc_ask(nl, msg, NULL, NULL, NULL);
}

static inline int set_u32(struct nlc *nl, const char *name, int attr, uint32_t value)
{
	struct nl_msg *msg = about(nl, MMSB_CMD_SPACE_SET, false, MMSB_A_SPACE_NAME, name);

	nla_put_u32(msg, attr, value);
	return nlc_ask(nl, msg, NULL, NULL, NULL);
}

static inline int set_u8(struct nlc *nl, const char *name, int attr, uint8_t value)
{
	struct nl_msg *msg = about(nl, MMSB_CMD_SPACE_SET, false, MMSB_A_SPACE_NAME, name);

	nla_put_u8(msg, attr, value);
	return nlc_ask(nl, msg, NULL, NULL, NULL);
}

/* Everything that is there to hear. */
static inline void hear(struct nlc *nl, struct rows *heard)
{
	heard->n = 0;
	while (!nlc_hear(nl, 100, keep, heard))
		;
}

/* What `act` returns to another user, from a socket of his own. */
static inline int as(uint32_t uid, bool own_net, int (*act)(struct nlc *nl, const char *name), const char *name)
{
	int status;
	pid_t child = fork();

	if (!child) {
		struct nlc nl;

		if (own_net && unshare(CLONE_NEWNET))
			_exit(254);
		if (uid && (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid)))
			_exit(255);
		_exit(-(nlc_open(&nl) ?: act(&nl, name)));
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return 1;
	return -WEXITSTATUS(status);
}

#endif
