/* SPDX-License-Identifier: GPL-2.0-only */
/* For functions that return 0 or less: where something is not so they say what, and what the library said last, and return at once. */
#ifndef EXPECT_H
#define EXPECT_H

#include <stdio.h>
#include <mmsb/mmsb.h>

#define EXPECT(cond) do { if (!(cond)) { printf("# line %d: not so: %s (%s)\n", __LINE__, #cond, mmsb_strerror_last()); return -1; } } while (0)

#endif
