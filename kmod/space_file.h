/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MMSB_SPACE_FILE_H
#define MMSB_SPACE_FILE_H

#include "space.h"

/* Takes over the caller's reference to the space, if it succeeds. */
struct file *mmsb_space_file_new(struct mmsb_space *space, bool read_only, bool owner);

#endif
