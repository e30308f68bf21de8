// SPDX-License-Identifier: MIT
/* Per-layer timing: asking for a layer's histogram, and what its numbers mean. */
#include "home.h"

int mmsb_timing(struct mmsb_space *space, struct mmsb_timing_args *args)
{
	args->size = sizeof(*args);
	args->reason = MMSB_REASON_NONE;
	if (args->flags & ~MMSB_TIMING_KNOWN || args->flags & (args->flags - 1))
		return msl_fail(EINVAL, "say at most one of ON, OFF and RESET (BAD_FLAGS)");
	return space->home->space_timing(space, args);
}

uint64_t mmsb_timing_floor(uint32_t bucket)
{
	if (bucket >= MMSB_TIMING_BUCKETS)
		return UINT64_MAX;
	return bucket < 16 ? bucket : (uint64_t)(16 + bucket % 16) << (bucket / 16 - 1);
}

const char *mmsb_layer_name(uint32_t layer)
{
#define WORD(name, word, text) word,
	static const char *const words[] = { MMSB_LAYERS(WORD) };
#undef WORD

	return layer < MMSB_LAYER_LAST ? words[layer] : NULL;
}
