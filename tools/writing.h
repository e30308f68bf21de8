/* SPDX-License-Identifier: GPL-2.0-only */
/* The logs that this process writes: those that a script has opened, until it ends. */
#ifndef WRITING_H
#define WRITING_H

#include <mmsb/logging.h>
#include "cli.h"

struct writing;

struct mmsb_log *writing_find(const struct cli *cli, const char *space);	/* NULL: not one of ours */
bool writing_close(struct cli *cli);	/* all of them; false if one could not be written to its end, which was said */

#endif
