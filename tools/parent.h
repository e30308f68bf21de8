/* SPDX-License-Identifier: GPL-2.0-only */
/* A parent as people write it: ID, with *WEIGHT behind it if the rule shall see its lanes changed, and :control if it sees nothing. */
#ifndef PARENT_H
#define PARENT_H

#include <stdbool.h>
#include <stdint.h>
#include "cli.h"

/* Says what is wrong with it. A weight is read as a lane of that type; without one it is the one that changes nothing. */
bool parent_parse(struct cli *cli, const char *text, uint32_t rule, uint8_t lane, struct mmsb_edge *edge);

struct parent_text {
	char s[96];
};
struct parent_text parent_text(const struct mmsb_node *node, const struct mmsb_edge *edge);	/* the same way; node: the child */

const char *edge_type_name(uint32_t type);

#endif
