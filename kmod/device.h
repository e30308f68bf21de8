/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MMSB_DEVICE_H
#define MMSB_DEVICE_H

int mmsb_device_init(void);
void mmsb_device_exit(void);

#endif
