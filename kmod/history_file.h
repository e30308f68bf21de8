/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MMSB_HISTORY_FILE_H
#define MMSB_HISTORY_FILE_H

#include <linux/fs.h>
#include "space.h"

/* On success *file holds the space. Checks what was asked for. */
enum mmsb_reason mmsb_history_file_new(struct mmsb_space *space, bool read_only, struct mmsb_history_open_args *args,
				       struct file **file);

#endif
