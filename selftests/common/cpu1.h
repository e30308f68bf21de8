/* SPDX-License-Identifier: GPL-2.0-only */
/* The CPU that tests take offline and bring back. */
#ifndef CPU1_H
#define CPU1_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#define CPU1_ONLINE "/sys/devices/system/cpu/cpu1/online"

static inline bool cpu1_is_pluggable(void)
{
	return !access(CPU1_ONLINE, F_OK);
}

static inline bool cpu1_can_go(void)
{
	return !access(CPU1_ONLINE, W_OK);
}

static inline int cpu1(const char *state)
{
	int fd = open(CPU1_ONLINE, O_WRONLY);
	int ret = fd < 0 ? -errno : write(fd, state, 1) == 1 ? 0 : -errno;

	close(fd);
	return ret;
}

#endif
