/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MMSB_DEVICE_H
#define MMSB_DEVICE_H

#include <linux/types.h>

u64 mmsb_device_features(void);	/* MMSB_FEATURE_* of this home */

int mmsb_device_init(void);
void mmsb_device_exit(void);

#endif
