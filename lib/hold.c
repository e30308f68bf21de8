// SPDX-License-Identifier: MIT
/*
 * A space that is to get a log, and is not to be written to before it has it: a replay ring that does nothing keeps others out, and the log is opened
 * under it (MMSB_HISTORY_HELD).
 */
#include "ring.h"
#include <mmsb/logging.h>

int mmsb_log_hold(struct mmsb_space *space)
{
	if (space->hold)
		return 0;
	return mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .flags = MMSB_RING_REPLAY, .sq_entries = 1, .cq_entries = 1,
					       .payload_bytes = MMSB_NO_PAYLOAD), &space->hold);
}

void msl_space_unhold(struct mmsb_space *space)
{
	struct mmsb_ring *ring = space->hold;

	space->hold = NULL;
	mmsb_ring_close(ring);
}
