/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A capture: the state of a space as it stood at one tick, told while the space goes on.
 *
 * All shards stand still for a moment, and the history gets a mark. From then on whoever is about to change anything that an image says of a
 * line writes the line's image first, unless somebody has; and the reader of the history walks over the lines that nobody comes to
 * change. A bit a line says that its image was written. So a line whose bit is clear stands as it stood at the capture's tick, whoever
 * looks at it with its shard's run lock held, be it in the middle of a wave.
 *
 * Images have no place among ticks: they wait in queues of their own, one a shard, and the reader tells them in between. What waits there
 * counts as records do, so rings stand still before images take more memory than the history may. The walk writes what the reader is
 * about to tell and nothing in advance; it holds a run lock for as long as copying one page, or 64 KiB of them, takes.
 *
 * Where there is no memory for an image, the capture has failed as a whole, and what was about to change the page goes on. So it is when the
 * space is reset. The reader tells that instead of the rest.
 */
#ifndef MS_CAPTURE_H
#define MS_CAPTURE_H

#include "space.h"

struct ms_capture;

/* With every run lock held, at rest: NONE, REPLAYING (within a tick that is done again), or NO_MEMORY; and, before the history's mark is read. */
enum mmsb_reason ms_capture_make(struct ms_space *space, struct ms_capture **capture);
void ms_capture_start(struct ms_capture *capture, u64 tick);
/* With every run lock held: it has failed. There may be none. */
void ms_capture_fail(struct ms_space *space);
/* No shard knows of it any more. */
void ms_capture_free(struct ms_capture *capture);

/* For the history's reader: the next image, good until the next call; NULL: there are no more, or it has failed. */
const struct mmsb_record *ms_capture_next(struct ms_capture *capture);
bool ms_capture_has_failed(const struct ms_capture *capture);
u64 ms_capture_tick(const struct ms_capture *capture);
u64 ms_capture_told(const struct ms_capture *capture);		/* bytes of images, by ms_capture_next() */
u64 ms_capture_waiting(const struct ms_capture *capture);	/* bytes of images that were written and are not yet being told */

/* The line's image has been written, or there is none to be written. */
bool ms_capture_has(const struct ms_capture *capture, u32 index);
void ms_capture_line(struct ms_space *space, u32 index);

/* With the run lock held of the shard that owns the line, before anything changes that an image says of it. */
static inline void ms_capture_before(struct ms_space *space, u32 index)
{
	if (unlikely(space->capture))
		ms_capture_line(space, index);
}

#endif
