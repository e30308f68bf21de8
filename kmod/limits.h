/* SPDX-License-Identifier: GPL-2.0-only */
/* The limits that the administrator sets as module parameters (main.c), and what zeros in requests stand for. */
#ifndef MMSB_LIMITS_H
#define MMSB_LIMITS_H

#include <linux/types.h>

#define MMSB_VERSION		"0.1.0"

#define MMSB_DEFAULT_PAGES	(1ull << 20)
#define MMSB_DEFAULT_BYTES	(1ull << 30)
#define MMSB_DEFAULT_RINGS	64u
#define MMSB_IDLE_MAX_US	1000000u	/* a poller that looks in vain for longer is a mistake */
#define MMSB_PRESSURE_MAX_MS	60000u

extern unsigned int mmsb_max_spaces;
extern unsigned int mmsb_max_user_spaces;
extern unsigned long mmsb_max_user_pages;
extern unsigned long mmsb_max_user_bytes;
extern unsigned int mmsb_max_user_rings;
extern unsigned long mmsb_max_pages;
extern unsigned long mmsb_max_bytes;
extern unsigned int mmsb_max_rings;
extern unsigned int mmsb_poll_idle_us;
extern unsigned int mmsb_audit;
extern unsigned int mmsb_pressure_ms;

#endif
