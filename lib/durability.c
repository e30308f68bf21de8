// SPDX-License-Identifier: MIT
/*
 * What a space's users are told of its log, whoever writes it.
 */
#include "home.h"

int mmsb_sync(struct mmsb_space *space, uint64_t timeout_ns)
{
	struct mmsb_sync_args args = { .size = sizeof(args), .timeout_ns = timeout_ns };
	int err = space->home->space_sync(space, &args);

	if (err == -ETIME)
		return msl_fail(ETIME, "the time is up and the log has come to tick %llu only", args.durable);
	return err;
}

uint64_t mmsb_durable_tick(const struct mmsb_space *space)
{
	return msl_durable(space->page);
}

int mmsb_durability(struct mmsb_space *space, struct mmsb_durability_args *args)
{
	args->size = sizeof(*args);
	if (args->flags & ~MMSB_DURABILITY_SET)
		return msl_fail(EINVAL, "unknown flags 0x%x", args->flags & ~MMSB_DURABILITY_SET);
	return space->home->space_durability(space, args);
}
