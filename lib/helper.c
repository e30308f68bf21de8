// SPDX-License-Identifier: MIT
/*
 * A handle's own ring. What reading a page or asking about the graph needs of the engine goes through it, so that neither needs a
 * ring of the caller's, who may hold none or be about to submit through it in another thread.
 */
#include "ring.h"

int msl_space_helper(struct mmsb_space *space, uint64_t payload_bytes)
{
	struct mmsb_ring *ring = space->helper;

	if (payload_bytes > MMSB_PAYLOAD_MAX)
		return msl_fail(ENOBUFS, "a snapshot of %llu bytes does not fit the largest payload area, %u: ask for fewer pages",
				(unsigned long long)payload_bytes, MMSB_PAYLOAD_MAX);
	if (ring && ring->payload_bytes >= payload_bytes)
		return 0;
	space->helper = NULL;
	mmsb_ring_close(ring);
	return mmsb_ring_open(space, MMSB_OPTS(struct mmsb_ring_opts, .sq_entries = 1, .cq_entries = 1,
					       .payload_bytes = payload_bytes), &space->helper);
}
