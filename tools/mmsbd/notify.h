/* SPDX-License-Identifier: GPL-2.0-only */
/* The service manager is told how it goes, by datagrams to $NOTIFY_SOCKET as sd_notify(3) has them; where there is none, nothing is told. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdint.h>

void notify(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t notify_watchdog_ns(void);	/* how often to say WATCHDOG=1; 0: never */

#endif
