/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pressure: what is becoming too much in a space, told as it begins and as it ends.
 *
 * The engine says, under its locks and on ways that are slow anyway, that something may have begun (mmsb_pressure_press()): this marks it and
 * sees to it that somebody comes to look. The look compares how things are with what was told last, tells what differs, and comes again as
 * long as something is under way: soon where a ring is held up, once a second where a limit is near, or where shards have in hand what brings
 * one near without asking. So what comes and goes in between is not told, a listener gets at most one word about each thing a look, and a space
 * without pressure costs nothing.
 */
#ifndef MMSB_PRESSURE_H
#define MMSB_PRESSURE_H

#include <linux/workqueue.h>
#include <mmsb/netlink.h>
#include "engine/engine.h"

struct mmsb_space;

struct mmsb_pressure_watch {
	struct delayed_work work;
	u32 told;		/* enum mmsb_pressure, what is on; written by the look */
	u32 coming;		/* when the next look is: an enum pressure_pace */
	u32 log_hit;		/* the log held up somebody since the last look */
};

int mmsb_pressure_init(void);
void mmsb_pressure_exit(void);

void mmsb_pressure_open(struct mmsb_space *space);
void mmsb_pressure_close(struct mmsb_space *space);	/* its engine says nothing any more. May sleep. */
void mmsb_pressure_press(void *space, enum ms_pressure what);	/* any context */
void mmsb_pressure_hurry(struct mmsb_space *space);	/* a limit was changed: look at once */

#endif
