/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MMSB_EVENTS_FILE_H
#define MMSB_EVENTS_FILE_H

#include <linux/fs.h>
#include "space.h"

/* Reads the in-fields of args, fills in the out-fields. On success *file holds the space. */
enum mmsb_reason mmsb_events_file_new(struct mmsb_space *space, struct mmsb_events_open_args *args, struct file **file);

#endif
