/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words of the command line into values, strictly: all of the word must be used, and nothing wraps silently.
 * Each returns false if the word is none of its kind.
 */
#ifndef VALUE_H
#define VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mmsb/mmsb.h>

bool value_u64(const char *text, uint64_t *value);	/* decimal or 0x... */
bool value_size(const char *text, uint64_t *value);	/* with K, M, G or T: powers of 1024 */
bool value_time(const char *text, uint64_t *ns);	/* seconds, or with us, ms, s, m */
bool value_date(const char *text, uint64_t *ns);	/* YYYY-MM-DD [HH:MM[:SS[.FRACTION]]] here, or in UTC with Z behind it; @SECONDS */
bool value_mode(const char *text, uint32_t *mode);	/* octal permission bits */
bool value_id(const char *text, uint64_t *page);	/* INDEX.GENERATION, or the raw 64-bit id */

/* Lanes: enum mmsb_lane, MMSB_LANE_F32 or MMSB_LANE_F64. */
unsigned int lane_bytes(uint8_t lane);
bool lane_float(uint8_t lane);
bool value_in_lane(const char *text, uint8_t lane, uint64_t *bits);	/* floating point: a double's bits, for f32 too */
uint64_t lane_load(uint8_t lane, const void *from);	/* the same form */
double lane_double(uint64_t bits);

/* Hex digits, spaces and colons between bytes allowed. Allocates; free() it. */
bool value_hex(const char *text, void **bytes, size_t *len);

#endif
