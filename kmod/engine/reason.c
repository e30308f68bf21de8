// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The border: inside, each way to fail is a reason of its own; outside it is an errno. This is the only place that maps them.
 */
#include "engine.h"

#define REASON_ERRNO(name, err, text) [MMSB_REASON_##name] = (err),
static const u8 reason_errno[] = {
	MMSB_REASONS(REASON_ERRNO)
};

int ms_errno(enum mmsb_reason reason)
{
	PF_BUG_ON((unsigned int)reason >= MMSB_REASON_LAST);
	return -(int)reason_errno[reason];
}
