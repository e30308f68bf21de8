/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether the engine finds a space in order (mmsb/verify.h). What a test leaves behind has to be.
 */
#ifndef VERIFIED_H
#define VERIFIED_H

#include <stdbool.h>
#include <mmsb/mmsb.h>

/* Standing still, so that everything is compared, but for a replayed tick that is under way. Else it has said what is wrong. */
bool space_is_verified(struct mmsb_space *space);
/* While others go on with it; *moved gets what could not be compared. */
bool space_is_verified_moving(struct mmsb_space *space, uint32_t *moved);

#endif
