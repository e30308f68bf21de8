/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MMSB_RING_FILE_H
#define MMSB_RING_FILE_H

#include "space.h"

/* Reads the in-fields of args, fills in the out-fields. The file holds a reference of its own to the space. */
enum mmsb_reason mmsb_ring_file_new(struct mmsb_space *space, bool read_only, struct mmsb_ring_open_args *args,
				    struct file **file);

#endif
