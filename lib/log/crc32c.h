/* SPDX-License-Identifier: MIT */
/*
 * CRC-32C (Castagnoli), as iSCSI and ext4 have it: by the processor where it can, else by tables; the results are the same.
 */
#ifndef MMSB_LOG_CRC32C_H
#define MMSB_LOG_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from `crc`, which is 0 at the beginning. */
uint32_t msl_crc32c(uint32_t crc, const void *bytes, size_t n);
uint32_t msl_crc32c_table(uint32_t crc, const void *bytes, size_t n);	/* for tests: never by the processor */

#endif
