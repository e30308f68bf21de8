// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The loops of the floating point lanes with AVX2, for machines that pf_has_avx2(). The build says -mavx2 for this unit alone,
 * and nothing of fused multiply-add.
 */
#include "platform.h"

#if PF_AVX2
#define FLOAT_LOOPS	ms_float_loops_avx2
#include "rule_float.c"
#endif
