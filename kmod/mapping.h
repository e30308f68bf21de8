/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MMSB_MAPPING_H
#define MMSB_MAPPING_H

#include <linux/mm_types.h>

struct mmsb_space;
struct ms_ring;
struct ms_events;

int mmsb_mapping_space(struct mmsb_space *space, struct vm_area_struct *vma);
int mmsb_mapping_ring(struct ms_ring *ring, struct vm_area_struct *vma);
int mmsb_mapping_events(struct ms_events *events, struct vm_area_struct *vma);

#endif
