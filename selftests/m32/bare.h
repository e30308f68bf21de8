/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a 32-bit program needs of a C library, so that it needs none: Debian's for 32 bits are many packages, and the compiler alone will do.
 * Calls return a negative errno.
 */
#ifndef BARE_H
#define BARE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define SYS_exit	1
#define SYS_read	3
#define SYS_write	4
#define SYS_open	5
#define SYS_close	6
#define SYS_ioctl	54
#define SYS_poll	168
#define SYS_mmap2	192

long bare_call(long number, long a, long b, long c, long d, long e, long f);

#define bare(number, ...)	bare_(number, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define bare_(number, a, b, c, d, e, f, ...) \
	bare_call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

int bare_main(void);

#endif
