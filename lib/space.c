// SPDX-License-Identifier: MIT
/*
 * Calls on a space that go through its engine. What is checked here is what every home would check alike, so that a caller
 * gets the same words from each.
 */
#include <string.h>
#include "home.h"

#define ONLY_WITH_CREATE (MMSB_SPACE_EXCL | MMSB_SPACE_PIN | MMSB_SPACE_HASH | MMSB_SPACE_INLINE | MMSB_SPACE_LAZY | \
			  MMSB_SPACE_SHUT | MMSB_SPACE_TIMING)

int msl_name_check(const char *name)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strlen(name);

	if (len == 0 || len >= MMSB_NAME_MAX || name[0] == '.' || strspn(name, good) != len)
		return msl_fail_reason(MMSB_REASON_BAD_NAME);
	return 0;
}

static int space_opts_check(const char *name, struct mmsb_space_opts *opts)
{
	if (opts->flags & ~MMSB_SPACE_KNOWN)
		return msl_fail_reason(MMSB_REASON_BAD_FLAGS);
	if (!*name) {
		opts->flags |= MMSB_SPACE_CREATE;
		return 0;
	}
	if ((opts->flags & ONLY_WITH_CREATE) && !(opts->flags & MMSB_SPACE_CREATE))
		return msl_fail(EINVAL, "EXCL, PIN, HASH, INLINE, LAZY, SHUT and TIMING say what a new space is like: give CREATE with them (BAD_FLAGS)");
	return msl_name_check(name);
}

int mmsb_space_open(struct mmsb *mmsb, const char *name, const struct mmsb_space_opts *opts, struct mmsb_space **space)
{
	struct mmsb_space_opts o;
	int err = MSL_OPTS(o, opts);

	*space = NULL;
	if (!name)
		name = "";
	if (!err)
		err = space_opts_check(name, &o);
	if (err)
		return err;
	return mmsb->home->space_open(mmsb, name, &o, space);
}

int mmsb_space_from_fd(struct mmsb *mmsb, int fd, struct mmsb_space **space)
{
	*space = NULL;
	return mmsb->home->space_from_fd(mmsb, fd, space);
}

int mmsb_space_fd(const struct mmsb_space *space)
{
	return space->home->space_fd(space);
}

int mmsb_space_remove(struct mmsb *mmsb, const char *name)
{
	int err = msl_name_check(name ? name : "");

	return err ? err : mmsb->home->space_remove(mmsb, name);
}

int mmsb_space_info(struct mmsb_space *space, struct mmsb_space_info_args *info)
{
	struct mmsb_space_info_args args = { .size = sizeof(args) };
	int err = space->home->space_info(space, &args);

	if (!err)
		msl_args_out(info, &args, sizeof(args));
	return err;
}

int mmsb_space_next(struct mmsb *mmsb, uint64_t *cursor, struct mmsb_space_info_args *info)
{
	struct mmsb_space_info_args args = { .size = sizeof(args), .cursor = *cursor };
	int err = mmsb->home->space_next(mmsb, cursor, &args);

	if (!err)
		msl_args_out(info, &args, sizeof(args));
	return err;
}

int mmsb_space_reset(struct mmsb_space *space)
{
	return space->home->space_reset(space);
}

int mmsb_space_limit(struct mmsb_space *space, uint64_t max_pages, uint64_t max_bytes, uint32_t max_rings)
{
	struct mmsb_limits_args args = { .size = sizeof(args), .max_pages = max_pages, .max_bytes = max_bytes, .max_rings = max_rings };

	return space->home->space_limit(space, &args);
}

int mmsb_space_audit(struct mmsb_space *space, uint32_t every)
{
	struct mmsb_audit_args args = { .size = sizeof(args), .every = every };

	return space->home->space_audit(space, &args);
}

int mmsb_hash(struct mmsb_space *space, uint32_t flags, uint64_t hash[2], uint64_t *tick)
{
	struct mmsb_hash_args args = { .size = sizeof(args), .flags = flags };
	int err;

	if (flags & ~MMSB_HASH_KNOWN)
		return msl_fail_reason(MMSB_REASON_BAD_FLAGS);
	err = space->home->space_hash(space, &args);
	if (err)
		return err;
	if (hash) {
		hash[0] = args.hash[0];
		hash[1] = args.hash[1];
	}
	if (tick)
		*tick = args.tick;
	return 0;
}

uint64_t mmsb_tick(struct mmsb_space *space)
{
	return __atomic_load_n(&space->page->tick, __ATOMIC_ACQUIRE);
}

int mmsb_wait(struct mmsb_space *space, uint64_t page, uint64_t epoch, uint64_t timeout_ns, uint64_t *now)
{
	struct mmsb_wait_args args = { .size = sizeof(args), .page = page, .epoch = epoch, .timeout_ns = timeout_ns };
	struct mmsb_page_info info;
	int err = mmsb_page_info(space, page, &info);

	if (err)
		return err;
	args.now = info.epoch;
	if (info.epoch <= epoch)
		err = space->home->space_wait(space, &args);
	if (now)
		*now = args.now;
	return err;
}
