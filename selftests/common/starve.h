/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making the nth allocation of this thread fail, in either home. The embedded one counts its own (lib/inject.h). In the kernel the fault
 * injection of a debug kernel does, by /proc/thread-self/fail-nth, for all that this thread's calls allocate, and for each copy from
 * or to user space, too: a call then fails with -EFAULT, and whether its entry was applied has to be asked.
 */
#ifndef STARVE_H
#define STARVE_H

#include "home.h"

#define STARVE_SITES	400u		/* no scenario has that many */

struct starve {
	int fail_nth;			/* kernel; embedded: -1 */
};

bool starve_open(struct starve *starve);	/* false: this kernel has no fault injection */
void starve_close(struct starve *starve);
void starve_arm(const struct starve *starve, unsigned int nth);		/* 0: disarms */
/* Whether the failure that was armed has come about; disarms. */
bool starve_disarm(const struct starve *starve, unsigned int nth);

/* What is no failure of memory but of a copy. A library call of several ioctls may then have done a part of what it does. */
static inline bool starve_copy_failed(int ret)
{
	return home_is_kernel() && ret == -EFAULT;
}

#endif
