/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether a space's graph, as it tells of it, can be one, and does what it says: all edges lead from pages that are there, are known at
 * both ends and counted once, heights fit, and each page that is not behind holds what the model's rules make of its parents. For a
 * space that is at rest, with pages of at most 64 KiB.
 */
#ifndef SOUND_H
#define SOUND_H

#include "home.h"

bool graph_is_sound(struct mmsb_space *space);	/* else it has said why */

#endif
