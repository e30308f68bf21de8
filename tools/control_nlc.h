/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands that speak generic netlink share: opening, refusals, and rows for people and as JSON. */
#ifndef CONTROL_NLC_H
#define CONTROL_NLC_H

#include "cli.h"
#include "json.h"
#include "nlc.h"
#include "out.h"

bool nlc_ready(struct cli *cli, struct nlc *nl);	/* false: it has said what is wrong */
/* Closes, and says why it failed, if it did. */
enum cli_exit nlc_finish(struct cli *cli, struct nlc *nl, int err, const char *what, ...) __attribute__((format(printf, 4, 5)));

/* A request about the space of that name; NULL: about none. */
struct nl_msg *nlc_about(struct nlc *nl, int cmd, bool dump, const char *space);

void json_row(struct json *json, const struct nlc_row *row);
const char *log_state(const struct nlc_row *space);	/* "-", "buffered", "strict", "no writer", "FAILED" */
struct text user_text(uint64_t uid);
bool user_print(const struct nlc_row *row, void *begun);	/* a line of a table; bool *begun: its head is there */
const char *reason_text(uint64_t reason);

#endif
