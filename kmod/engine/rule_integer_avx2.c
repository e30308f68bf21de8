// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The loops of the integer lanes with AVX2, for machines that pf_has_avx2(). The build says -mavx2 for this unit alone.
 */
#include "platform.h"

#if PF_AVX2
#define INTEGER_LOOPS	ms_integer_loops_avx2
#include "rule_integer.c"
#endif
