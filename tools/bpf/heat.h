/* SPDX-License-Identifier: GPL-2.0-only */
/* Which pages change, as the BPF programs count it: those that changed lately, for there is room for so many. */
#ifndef HEAT_H
#define HEAT_H

#include <linux/types.h>

#define HEAT_PAGES	8192

struct heat_key {
	__u64 space, page;
};

struct heat_count {
	__u64 changes, derived;		/* how often; whether by following others */
};

#endif
