// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include "verified.h"

static void say(void *arg, const struct mmsb_finding *finding)
{
	(void)arg;
	printf("# %s at page %u.%u of shard %d: %s (%llu: %llu expected, %llu found)\n", mmsb_finding_name(finding->kind),
	       MMSB_PAGE_INDEX(finding->page), MMSB_PAGE_GENERATION(finding->page), (int)finding->shard, mmsb_finding_text(finding->kind),
	       (unsigned long long)finding->detail, (unsigned long long)finding->expected, (unsigned long long)finding->found);
}

static bool verified(struct mmsb_space *space, uint32_t flags, uint32_t *moved)
{
	struct mmsb_verify_args totals = { .size = sizeof(totals) };
	int err = mmsb_verify(space, MMSB_OPTS(struct mmsb_verify_opts, .flags = flags, .finding = say), &totals);

	if (err)
		printf("# the space cannot be verified: %s\n", mmsb_strerror_last());
	*moved = totals.moved;
	return !err && !totals.findings;
}

bool space_is_verified(struct mmsb_space *space)
{
	uint32_t moved = 0;
	bool good = verified(space, MMSB_VERIFY_STILL, &moved);

	moved &= ~MMSB_MOVED_SIGNATURES;
	if (moved)
		printf("# it stood still, and yet moved: %x\n", moved);
	return good && !moved;
}

bool space_is_verified_moving(struct mmsb_space *space, uint32_t *moved)
{
	return verified(space, 0, moved);
}
