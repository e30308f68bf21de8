/* SPDX-License-Identifier: MIT */
/*
 * What a log need not keep: checkpoints but the newest few, and segments of which every tick lies at or before the oldest of these.
 */
#ifndef MMSB_LOG_RETAIN_H
#define MMSB_LOG_RETAIN_H

#include "dir.h"

/* Each checkpoint was verified when it got its name. The oldest go first, so that what is left is whole at any moment. */
int msl_retain(struct msl_disk *disk, uint32_t checkpoints);

#endif
