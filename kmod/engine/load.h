/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Taking images in (MMSB_OP_LOAD): what a capture told of a space becomes the state of another, line by line, with the epochs, ticks and
 * generations that it had, past the general way of a delta and without anything being computed.
 *
 * An image is the client's memory: its head is read once into private memory and judged there, and of its bytes nothing is asked. They
 * come in two rounds, because a page may be derived from any other: first all lines, derived pages as source pages; then, with
 * MMSB_IMAGE_EDGES, what they are derived from, with the epochs that they saw. In ascending height that moves no page's height twice.
 *
 * Images are taken in until one is refused; the completion then names its page, or the parent that is at fault.
 */
#ifndef MS_LOAD_H
#define MS_LOAD_H

#include "delta.h"

enum mmsb_reason ms_load_judge_length(const struct mmsb_sqe *sqe);

/* With the run lock of a space's only shard, or all of them, held. *done: bytes of whole images that were taken in. */
enum mmsb_reason ms_load(struct ms_space *space, const u8 *images, u64 bytes, u64 *done, struct ms_outcome *outcome);

#endif
