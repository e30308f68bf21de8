/* SPDX-License-Identifier: GPL-2.0-only */
/* What a space that stays is made with, as the command line says. */
#ifndef SPACE_H
#define SPACE_H

#include <stdbool.h>
#include "args.h"

#define SPACE_OPTIONS	(OPT_BIT(OPT_SHARDS) | OPT_BIT(OPT_MAX_PAGES) | OPT_BIT(OPT_MAX_BYTES) | OPT_BIT(OPT_MAX_RINGS) | OPT_BIT(OPT_MODE) | \
			 OPT_BIT(OPT_OWNER) | OPT_BIT(OPT_GROUP))

bool space_options(struct cli *cli, const struct args *args, struct mmsb_space_opts *opts);

#endif
