// SPDX-License-Identifier: MIT
/* Verifying a space: the engine does it in pieces (mmsb/verify.h), and what it finds is handed on one by one. */
#include "home.h"

#define FINDING_NAME(name, text) #name,
#define FINDING_TEXT(name, text) text,
static const char *const names[] = { MMSB_FINDINGS(FINDING_NAME) };
static const char *const texts[] = { MMSB_FINDINGS(FINDING_TEXT) };

const char *mmsb_finding_name(enum mmsb_finding_kind kind)
{
	return (unsigned int)kind < MMSB_FINDING_LAST ? names[kind] : "UNKNOWN";
}

const char *mmsb_finding_text(enum mmsb_finding_kind kind)
{
	return (unsigned int)kind < MMSB_FINDING_LAST ? texts[kind] : "a newer engine found what this library does not know";
}

static bool tell(const struct mmsb_verify_opts *opts, const struct mmsb_verify_args *args)
{
	uint32_t i;

	for (i = 0; opts->finding && i < args->count && i < MMSB_VERIFY_TOLD; i++)
		opts->finding(opts->arg, &args->finding[i]);
	return !opts->progress || opts->progress(opts->arg, args->done, args->total);
}

int mmsb_verify(struct mmsb_space *space, const struct mmsb_verify_opts *opts, struct mmsb_verify_args *totals)
{
	struct mmsb_verify_args args = { .more = 1 };
	struct mmsb_verify_opts o;
	int err = MSL_OPTS(o, opts);
	uint32_t flags = o.flags | MMSB_VERIFY_BEGIN;

	if (!err && o.flags & ~MMSB_VERIFY_STILL)
		err = msl_fail_reason(MMSB_REASON_BAD_FLAGS);
	for (; !err && args.more; flags = 0) {
		args = (struct mmsb_verify_args){ .size = sizeof(args), .flags = flags };
		err = space->home->space_verify(space, &args);
		if (!err && !tell(&o, &args))
			err = msl_fail(ECANCELED, "whoever asked for it stopped the verification");
	}
	if (!err && totals)
		msl_args_out(totals, &args, sizeof(args));
	return err;
}
