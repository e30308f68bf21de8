/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a log says, made again in an embedded space of this process that nobody else sees: a past state to look at, or a check of the log. It
 * needs as much memory as the state had.
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <mmsb/logging.h>
#include "args.h"
#include "progress.h"

struct scratch {
	struct mmsb *mmsb;
	struct mmsb_space *space;
	struct mmsb_restored restored;
};

/* What both restore and the past have to say about how far: --tick or --time. */
bool restore_options(struct cli *cli, const struct args *args, struct mmsb_restore_opts *opts);
/* mmsb_restore() with a bar, broken off by a Ctrl-C. 0 or a negative errno, of which nothing was said yet. */
int restore_shown(struct cli *cli, struct mmsb_space *space, const char *dir, const struct mmsb_restore_opts *opts,
		  struct mmsb_restored *restored, const char *what);

/* What the log's space was made with, for one with that many shards; 0: as many as it had. */
void restore_space_opts(const struct mmsb_log_info *info, struct mmsb_space_opts *opts);

int scratch_make(struct scratch *scratch, const char *dir);	/* a new space; 0 or a negative errno */
bool scratch_restore(struct cli *cli, struct scratch *scratch, const char *dir, const struct mmsb_restore_opts *opts);
void scratch_close(struct scratch *scratch);

#endif
