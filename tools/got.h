/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes of a page as the user wants them: which, in which form; of a space of now, or of one that was restored to some tick. */
#ifndef GOT_H
#define GOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "args.h"

struct got {
	uint64_t page, offset, epoch;
	bool stale;
	uint8_t lane;		/* with --lane */
	size_t len;		/* 0: to the end of the page */
	unsigned char *bytes;	/* the caller frees them, also where reading has failed */
};

#define GOT_OPTIONS	(OPT_BIT(OPT_OFFSET) | OPT_BIT(OPT_LENGTH) | OPT_BIT(OPT_AS_HEX) | OPT_BIT(OPT_RAW) | OPT_BIT(OPT_LANE))

bool got_options(struct cli *cli, const struct args *args, const char *page, struct got *got);
enum cli_exit got_read(struct cli *cli, struct mmsb_space *space, const struct mmsb_page_info *info, struct got *got);
void got_show(const struct cli *cli, const struct args *args, const struct got *got);

#endif
